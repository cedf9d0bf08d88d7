# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""How pytest runs the tests of the modules and the tests across modules.

- Without an environment they run on SQLite in memory.
- Each scenario_*.rst is a test, run by load_tests of the test_scenario.py
  beside it.
- A test is `pure` when it needs no database: pure tests come first. A mark
  `pure` or `database` says it where the source does not.
- Tests marked `stage2` run only with --stage2, and nothing else then;
  `stage2(on='postgresql')` says it for one database, as do the scenarios
  that need one of their own.
- A test marked `sqlite` or `postgresql` runs on that database only.
"""
import gc
import importlib
import os
import re
import unittest
from pathlib import Path

import pytest

# trytond reads these when it is imported.
os.environ.setdefault('TRYTOND_DATABASE_URI', 'sqlite://')
BACKEND = os.environ['TRYTOND_DATABASE_URI'].partition(':')[0]
os.environ.setdefault(
    'DB_NAME', ':memory:' if BACKEND == 'sqlite' else 'test')
if BACKEND == 'sqlite':
    # The check of the cache, after 5 minutes, would commit the test under way
    os.environ.setdefault('TRYTOND_CACHE__CLEAN_TIMEOUT', '86400')

# The modules that test_cases.py takes its tests from
pytest.register_assert_rewrite(
    'tests.assemblies', 'tests.deadlines', 'tests.fees', 'tests.fr_payslips',
    'tests.mileage', 'tests.month')

ROOT = Path(__file__).resolve().parent
BACKENDS = {'sqlite', 'postgresql'}
NEEDS_DATABASE = re.compile(
    r'\b(trytond\.(tests|pool|transaction)|proteus|tests import databases)\b')


def pytest_configure():
    from tests import layers
    layers.install()
    # Most of what is alive are classes and caches, which stay.
    gc.set_threshold(50_000)


def pytest_addoption(parser):
    parser.addoption(
        '--stage2', action='store_true',
        help="run the long tests: browser, interruption, Tryton's own suites")


def pytest_report_header(config):
    return f"database: {BACKEND}"


class ScenarioFailure(Exception):
    "Carries the report of a doctest"


class ScenarioFile(pytest.File):
    "One scenario_*.rst, run once for each entry of its .json file"

    def collect(self):
        folder = self.path.parent
        if not (folder / 'test_scenario.py').exists():
            raise self.CollectError(
                f"{self.path.name} would never run: add test_scenario.py "
                "with load_tests beside it.")
        module = importlib.import_module(
            f'trytond.modules.{folder.parent.name}.tests.test_scenario')
        loader = unittest.TestLoader()
        loader.testNamePatterns = [self.path.name]
        suite = module.load_tests(loader, unittest.TestSuite(), None)
        cases = list(_flatten(suite))
        if not cases:
            raise self.CollectError(
                f"load_tests of test_scenario.py leaves out {self.path.name}")
        own = 'activate(modules=' in self.path.read_text(encoding='utf-8')
        for number, case in enumerate(cases):
            name = self.path.stem
            if len(cases) > 1:
                name += f'[{number}]'
            item = ScenarioItem.from_parent(self, name=name, case=case)
            if own:
                item.add_marker(pytest.mark.stage2(on='postgresql'))
            yield item


def _flatten(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from _flatten(test)
        else:
            yield test


class ScenarioItem(pytest.Item):

    def __init__(self, *, case, **kwargs):
        super().__init__(**kwargs)
        self.case = case

    def runtest(self):
        result = unittest.TestResult()
        self.case.run(result)
        for _, reason in result.skipped:
            pytest.skip(reason)
        for _, text in result.failures + result.errors:
            raise ScenarioFailure(text)

    def repr_failure(self, excinfo):
        if isinstance(excinfo.value, ScenarioFailure):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self):
        return self.path, None, self.name


def pytest_collect_file(file_path, parent):
    if file_path.match('modules/*/tests/scenario_*.rst'):
        return ScenarioFile.from_parent(parent, path=file_path)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    from tests import layers

    # They depend on no database, and the scenarios go through every model
    layers.functions_validated = (
        BACKEND == 'sqlite' and isinstance(item, ScenarioItem))


def _is_pure(item, sources={}):
    if isinstance(item, ScenarioItem) or item.get_closest_marker('database'):
        return False
    if item.get_closest_marker('pure'):
        return True
    if item.path not in sources:
        sources[item.path] = item.path.read_text(encoding='utf-8')
    return not NEEDS_DATABASE.search(sources[item.path])


def _is_late(item):
    return any(
        mark.kwargs.get('on', BACKEND) == BACKEND
        for mark in item.iter_markers('stage2'))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    stage2 = config.getoption('--stage2')
    keep, drop = [], []
    for item in items:
        backends = {
            b for b in BACKENDS if item.get_closest_marker(b)} or BACKENDS
        if _is_late(item) != stage2 or BACKEND not in backends:
            drop.append(item)
            continue
        if _is_pure(item):
            item.add_marker('pure')
        keep.append(item)
    # Sorting is stable: the files keep their order.
    keep.sort(key=lambda item: not item.get_closest_marker('pure'))
    items[:] = keep
    if drop:
        config.hook.pytest_deselected(items=drop)
