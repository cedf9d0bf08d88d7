# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Databases of tests that are made from each other.

Most of the time that a new database takes goes into modules that the others
have too. With the cache of trytond.tests, each is made from the last of the
layers below that holds no more than it asks for.
"""
from functools import wraps

# Each holds the one before. A module is loaded again when one that it is
# extended by is added: those stand in the same layer.
LAYERS = [
    [],
    ['cae_members'],
    ['cae_billing', 'account_fr', 'account_statement'],
    ]


def install(layers=LAYERS):
    "Change, in this process, how trytond.tests makes its databases"
    from trytond.tests import test_tryton
    create_db = test_tryton.create_db
    activate_module = test_tryton.activate_module
    wanted = set()

    def create(name=test_tryton.DB_NAME, lang='en'):
        if (lang != 'en' or name != test_tryton.DB_NAME
                or test_tryton.db_exist(name)):
            create_db(name, lang)
            return
        made = [layer for layer in layers if wanted.issuperset(layer)]
        todo = []
        while made and not test_tryton.restore_db_cache('-'.join(made[-1])):
            todo.insert(0, made.pop())
        if not made:
            create_db(name, lang)
        for layer in todo:
            activate_module(layer)

    @wraps(activate_module)
    def activate(modules, lang='en'):
        wanted.clear()
        wanted.update(_with_depends(modules))
        activate_module(modules, lang)

    test_tryton.create_db = create
    test_tryton.activate_module = activate


def leave_records_unchecked():
    """Load the records of the modules without the checks made in tests only.

    They take a third of the time, and the tests of views and actions look at
    the same records.
    """
    from trytond.convert import TrytondXmlHandler
    from trytond.pool import Pool
    parse = TrytondXmlHandler.parse_xmlstream

    @wraps(parse)
    def parse_xmlstream(*args, **kwargs):
        test, Pool.test = Pool.test, False
        try:
            return parse(*args, **kwargs)
        finally:
            Pool.test = test
    TrytondXmlHandler.parse_xmlstream = parse_xmlstream


def _with_depends(modules):
    "Return the names of the modules and of all that they depend on"
    from trytond.modules import get_module_info
    found = set()
    todo = [modules] if isinstance(modules, str) else list(modules)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += get_module_info(name).get('depends', [])
    return found
