# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Run the tests of a standard module in databases that hold ours too.

python -m tests.upstream account_invoice [-k PATTERN]
"""
import argparse
import importlib
import os
import sys
import unittest

OURS = ['cae_billing', 'cae_governance', 'cae_members', 'cae_payroll']


def patch():
    "Make every test of this process activate our modules too"
    from tests import layers
    from trytond.modules.cae_members.tests import tools as our_tools
    from trytond.tests import test_tryton, tools
    layers.install([[], ['cae_members'], OURS])
    activate_module = test_tryton.activate_module

    def names(modules):
        modules = [modules] if isinstance(modules, str) else list(modules)
        return modules + [name for name in OURS if name not in modules]

    def more_module(modules, lang='en'):
        activate_module(names(modules), lang)

    def more_modules(modules, *setup):
        return our_tools.activate_modules(names(modules), *setup)

    test_tryton.activate_module = more_module
    tools.activate_modules = more_modules


def load(module, patterns=None):
    "Return the suite of a module: its unit tests and its scenarios"
    loader = unittest.TestLoader()
    loader.testNamePatterns = patterns
    suite = unittest.TestSuite()
    for name in ['test_module', 'test_scenario']:
        suite.addTests(loader.loadTestsFromModule(importlib.import_module(
                    f'trytond.modules.{module}.tests.{name}')))
    return suite


def main():
    parser = argparse.ArgumentParser(description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('module')
    parser.add_argument('-k', action='append', metavar='PATTERN',
        help="only the tests whose name matches, for instance *_credit*")
    options = parser.parse_args()
    os.environ.setdefault('TRYTOND_DATABASE_URI', 'sqlite://')
    os.environ.setdefault('DB_NAME', ':memory:')
    patch()
    result = unittest.TextTestRunner(verbosity=2).run(
        load(options.module, options.k))
    sys.exit(not result.wasSuccessful())


if __name__ == '__main__':
    main()
