# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"The distribution holds and requires what the modules need"
import configparser
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tools import database

ROOT = Path(__file__).resolve().parent.parent
MODULES = [
    'cae_billing', 'cae_governance', 'cae_members', 'cae_payroll']
# What every Tryton server has.
BASE = {'ir', 'res'}


def _setup():
    config = configparser.ConfigParser()
    config.read(ROOT / 'setup.cfg')
    return config


def _lines(text):
    return [line.strip() for line in text.splitlines() if line.strip()]


def _tryton(module):
    config = configparser.ConfigParser()
    config.optionxform = str
    config.read(ROOT / 'modules' / module / 'tryton.cfg')
    return config['tryton']


def _required(option):
    "Return the Tryton modules that tryton.cfg files name under an option"
    names = set()
    for module in MODULES:
        names.update(_lines(_tryton(module).get(option, '')))
    return names - BASE - set(MODULES)


def _distributions(requirements):
    "Return {module: specifier} of the requirements that are Tryton modules"
    result = {}
    for line in _lines(requirements):
        name, specifier = re.fullmatch(
            r'([\w-]+(?:\[[\w,]+\])?)\s*(.*)', line).groups()
        if name.startswith('trytond_'):
            result[name.removeprefix('trytond_')] = specifier
    return result


def _files():
    "Return the files of the modules that a distribution must hold"
    names = subprocess.run([
            'git', 'ls-files', '-z', '--cached', '--others',
            '--exclude-standard', 'modules'],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [
        path for path in map(Path, filter(None, names.split('\0')))
        if path.parts[2] != 'doc' and (ROOT / path).exists()]


@pytest.mark.pure
def test_modules():
    assert sorted(p.parent.name
        for p in ROOT.glob('modules/*/tryton.cfg')) == MODULES
    points = _lines(_setup()['options.entry_points']['trytond.modules'])
    assert sorted(points) == [
        f'{module} = trytond.modules.{module}' for module in MODULES]


@pytest.mark.pure
def test_folders():
    "Each folder with a tryton.cfg is included by its module, and packaged"
    found = {
        p.parent.relative_to(ROOT / 'modules')
        for p in ROOT.glob('modules/*/*/tryton.cfg')}
    assert found == {
        Path(module, folder) for module in MODULES
        for folder in _lines(_tryton(module).get('include_dirs', ''))}
    assert {'.'.join(['trytond', 'modules', *p.parts]) for p in found} <= set(
        _lines(_setup()['options']['packages']))


@pytest.mark.pure
@pytest.mark.parametrize('module', MODULES)
def test_views(module):
    "Each file of a view is loaded by a record, also of optional modules"
    folder = ROOT / 'modules' / module
    named = {
        record.findtext('field[@name="name"]')
        for path in folder.glob('**/*.xml')
        for record in ElementTree.parse(path).iterfind(
            './/record[@model="ir.ui.view"]')}
    assert {p.stem for p in folder.glob('view/*.xml')} == named - {None}


@pytest.mark.pure
@pytest.mark.parametrize('module', MODULES)
def test_view_expressions(module):
    """No view holds PYSON, which the client shows nothing of.

    It stands in view_attributes.
    """
    for path in ROOT.glob(f'modules/{module}/view/*.xml'):
        for element in ElementTree.parse(path).iter():
            assert not [
                value for value in element.attrib.values()
                if 'Eval(' in value], path.name


@pytest.mark.pure
def test_install_requires():
    requires = _setup()['options']['install_requires']
    assert set(_distributions(requires)) == _required('depends')


@pytest.mark.pure
@pytest.mark.parametrize('extra, modules', [
        ('demo', set(database.MODULES) - set(MODULES)),
        ('test', _required('extras_depend') - _required('depends')),
        ])
def test_extras_require(extra, modules):
    extras = _setup()['options.extras_require']
    assert set(_distributions(extras[extra])) >= modules


@pytest.mark.pure
def test_requirements_same_range():
    config = _setup()
    requirements = config['options']['install_requires'] + ''.join(
        config['options.extras_require'].values())
    specifiers = set(_distributions(requirements).values())
    specifiers.update(
        line.partition(' ')[2] for line in _lines(requirements)
        if line.split()[0] in {'trytond', 'proteus'})
    assert len(specifiers) == 1


@pytest.mark.pure
def test_one_series():
    series = {}
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata['Name'].lower().replace('-', '_')
        if name in {'trytond', 'proteus'} or name.startswith('trytond_'):
            series[name] = '.'.join(distribution.version.split('.')[:2])
    ours = series.pop('trytond_cae')
    assert len(set(series.values())) == 1, series
    assert {_tryton(module)['version'].rpartition('.')[0]
        for module in MODULES} == {ours}


@pytest.mark.pure
def test_scenarios_run():
    "Each scenario file is collected as a test"
    collected = subprocess.run(
        [sys.executable, '-m', 'pytest', '--collect-only', '-q', 'modules'],
        cwd=ROOT, capture_output=True, text=True).stdout
    collected = {line.partition('::')[0] for line in collected.splitlines()}
    scenarios = {
        str(path) for path in _files()
        if path.match('modules/*/tests/scenario_*.rst')}
    assert scenarios <= collected


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    "The wheel built from the files of the repository alone"
    folder = tmp_path_factory.mktemp('wheel')
    source = folder / 'source'
    names = ['pyproject.toml', 'setup.cfg', 'README.rst', 'LICENSE',
        'COPYRIGHT']
    for path in _files() + list(map(Path, names)):
        target = source / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, target)
    subprocess.run([
            sys.executable, '-m', 'pip', 'wheel', '--quiet', '--no-deps',
            '--no-build-isolation', '--disable-pip-version-check',
            '--wheel-dir', str(folder), str(source)], check=True)
    wheel, = folder.glob('*.whl')
    return wheel


@pytest.mark.sqlite
@pytest.mark.database
def test_wheel_files(wheel):
    "The wheel holds every file of the modules, and no other"
    with zipfile.ZipFile(wheel) as archive:
        held = {
            name for name in archive.namelist()
            if not name.partition('/')[0].endswith('.dist-info')}
    assert held == {f'trytond/{path.as_posix()}' for path in _files()}


@pytest.fixture(scope='module')
def installed(wheel, tmp_path_factory):
    """The python of an environment in which the wheel is installed.

    What the project requires is linked from the present environment: the
    modules must stand in the package trytond itself.
    """
    folder = tmp_path_factory.mktemp('environment')
    subprocess.run(
        [sys.executable, '-m', 'venv', '--without-pip', str(folder)],
        check=True)
    python = folder / ('Scripts' if os.name == 'nt' else 'bin') / 'python'
    target = subprocess.run([
            str(python), '-c',
            'import sysconfig; print(sysconfig.get_path("purelib"))'],
        check=True, capture_output=True, text=True).stdout.strip()
    source = Path(sysconfig.get_path('purelib'))
    shutil.copytree(
        source, target, copy_function=_link, dirs_exist_ok=True,
        ignore=shutil.ignore_patterns('*trytond_cae*', '__pycache__'))
    subprocess.run([
            sys.executable, '-m', 'pip', '--python', str(python), 'install',
            '--quiet', '--no-deps', '--no-index',
            '--disable-pip-version-check', str(wheel)], check=True)
    return python


def _link(source, target):
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@pytest.mark.stage2
@pytest.mark.sqlite
@pytest.mark.database
def test_activate_wheel(installed, tmp_path):
    "The modules of the wheel can be activated, with what extends them"
    config = tmp_path / 'trytond.conf'
    config.write_text(
        f'[database]\nuri = sqlite://\npath = {tmp_path}\n')
    (tmp_path / 'test.sqlite').touch()
    (tmp_path / 'password').write_text('a long password\n')
    env = {
        name: value for name, value in os.environ.items()
        if not name.startswith(('TRYTOND_', 'DB_', 'PYTHON'))}
    env['TRYTONPASSFILE'] = str(tmp_path / 'password')
    modules = sorted({*MODULES, *_required('extras_depend')})
    subprocess.run([
            str(installed), '-I', '-O', '-m', 'trytond.cli.admin',
            '-c', str(config), '-d', 'test', '--all', '-u', *modules,
            '--activate-dependencies', '--email', 'admin@example.com'],
        cwd=tmp_path, env=env, check=True)
    found = subprocess.run([
            str(installed), '-I', '-c',
            'import sqlite3, sys\n'
            'import trytond.modules.cae_members as module\n'
            'print(module.__file__)\n'
            'rows = sqlite3.connect(sys.argv[1]).execute(\n'
            '    "select name from ir_module where state = \'activated\'")\n'
            'print(*(name for name, in rows))',
            str(tmp_path / 'test.sqlite')],
        cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    path, activated = found.splitlines()
    assert not Path(path).is_relative_to(ROOT / 'modules')
    assert set(modules) <= set(activated.split())
