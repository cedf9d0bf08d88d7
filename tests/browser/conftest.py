# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"A demonstration cooperative, served to a browser"
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.browser import sao
from tools import database, web

ROOT = Path(__file__).resolve().parent.parent.parent
PASSWORD = 'cooperative'
SCREENSHOTS = ROOT / '.cache' / 'screenshots'


# Before the one of the root, which selects by these marks.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for mark in ['stage2', 'sqlite', 'database']:
                item.add_marker(mark)


@pytest.fixture(scope='session')
def served(tmp_path_factory):
    """The address and name of a served database.

    It holds the cooperative of the demonstration with one month closed and
    the documents and the draft closing of the next.
    """
    if not all(sao.find_programs()):
        pytest.skip("needs Debian's packages chromium and chromium-driver")
    folder = tmp_path_factory.mktemp('served')
    with socket.socket() as free:
        free.bind(('localhost', 0))
        port = free.getsockname()[1]
    try:
        root = web.install()
    except web.Missing as error:
        pytest.skip(str(error))
    uri, name = 'sqlite://', 'browser'
    config = database.write_config(
        folder / 'trytond.conf', uri, folder,
        listen=f'localhost:{port}', root=root)
    database.create(sys.executable, config, uri, name, folder, PASSWORD)
    subprocess.run([
            sys.executable, '-O', '-m', 'tests.browser.fill', str(config),
            name], cwd=ROOT, check=True)
    with web.serve(
            sys.executable, config, name, port, folder / 'trytond.log'):
        yield SimpleNamespace(
            url=f'http://localhost:{port}', name=name,
            file=folder / f'{name}.sqlite')


@pytest.fixture
def browser(served, tmp_path, request):
    """A browser on the served database; nobody is logged in.

    A screenshot of a failed test is kept in .cache/screenshots.
    """
    browser = sao.Browser(served.url, served.name, tmp_path / 'profile')
    failed = request.session.testsfailed
    yield browser
    try:
        if request.session.testsfailed > failed:
            browser.screenshot(SCREENSHOTS / f'{request.node.name}.png')
    finally:
        browser.close()
