# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Take the pictures of the guide for advisors from a demonstration.

./run-demo --no-serve
.venv/bin/python -m tests.browser.pictures
"""
import socket
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

from selenium.webdriver.common.keys import Keys

from tests.browser import sao
from tools import database, web

ROOT = Path(__file__).resolve().parent.parent.parent
IMAGES = ROOT / 'doc' / 'images'
DEMO = ROOT / '.demo' / 'demo.sqlite'
PASSWORD = 'cooperative'
WIDTH, HEIGHT = 1280, 800
# For each language the name of the guide, a button of the client and the
# first day of the funnel as its users type it
GUIDES = {
    'en': ('advisor', "Check Again", '01/01/2022'),
    'fr': ('conseiller', "Vérifier à nouveau", '01.01.2022'),
    }
LANGUAGE = """
import sys
import trytond.config as config
config.update_etc(sys.argv[1])
from demo.server import Server
server = Server('demo')
def change():
    Lang = server.pool.get('ir.lang')
    User = server.pool.get('res.user')
    lang, = Lang.search([('code', '=', sys.argv[2])])
    User.write(User.search([]), {'language': lang.id})
server.run(change)
"""


class Pictures:
    "The pictures of one guide, taken with an open browser"

    def __init__(self, browser, file, prefix, check, first):
        self.browser = browser
        self.file = file
        self.prefix = prefix
        self.check = check
        self.first = first

    def id(self, query, *parameters):
        "Return the first id that the query of the database finds"
        with sqlite3.connect(self.file) as connection:
            id_, = connection.execute(query, parameters).fetchone()
        return id_

    def xml_id(self, name):
        "Return the database id of what the XML of the module names so"
        return self.id(
            "SELECT db_id FROM ir_model_data "
            "WHERE module = 'cae_members' AND fs_id = ?", name)

    def take(self, name, height=HEIGHT):
        "Keep what the browser shows, in a page of that height"
        self.browser.resize(WIDTH, height)
        # The focus would show the cursor or a completion
        self.browser.driver.execute_script('document.activeElement.blur()')
        self.browser.settle()
        self.browser.screenshot(IMAGES / f'{self.prefix}-{name}.png')
        self.browser.close_tab()

    def action(self, name, **data):
        "Open an action of the module, whatever its label"
        self.browser.execute(self.xml_id(name), data)

    def open(self, model, query):
        "Open the form of the record that the query finds"
        self.browser.open(f'model/{model}/{self.id(query)}')

    def all(self):
        "Take them all, as an advisor"
        browser = self.browser
        browser.login('conseil', PASSWORD)
        browser.resize(WIDTH, HEIGHT)
        browser.menu("Entrepreneurs")
        self.action('act_entrepreneur_form')
        # The portfolio, before all of them
        browser.tab_number(-2)
        self.take('entrepreneurs', 640)

        # Without the menu there is more room
        browser.toggle_menu()
        self.action('act_deadline_form')
        self.take('deadlines', 620)

        self.action('act_deadline_calendar')
        browser.find('.fc-next-button').click()
        self.take('calendar')

        self.open('cae.entrepreneur',
            "SELECT e.id FROM cae_entrepreneur AS e "
            "JOIN cae_contract AS c ON c.entrepreneur = e.id "
            "WHERE c.renewal_of IS NOT NULL ORDER BY e.id DESC")
        self.take('entrepreneur', 660)

        self.action('act_funnel')
        field = browser.find('input[name=from_date]')
        field.clear()
        field.send_keys(self.first, Keys.TAB)
        browser.find('.tab-pane.active .filter-box input').send_keys(
            Keys.ENTER)
        browser.settle()
        self.take('funnel', 700)

        self.open('cae.contract',
            "SELECT id FROM cae_contract WHERE state = 'draft'")
        browser.tab_number(1)
        self.take('contract')

        self.open('cae.workshop.session',
            "SELECT id FROM cae_workshop_session WHERE places IS NOT NULL")
        self.take('session', 900)

        self.open('cae.settlement', "SELECT id FROM cae_settlement")
        browser.click(self.check)
        self.take('settlement', 920)

        report = self.id("SELECT id FROM cae_network_report")
        self.action(
            'act_network_report_month', model='cae.network.report',
            id=report, ids=[report])
        self.take('report', 580)


def main():
    if not all(sao.find_programs()):
        sys.exit("Debian's packages chromium and chromium-driver are needed.")
    if not DEMO.exists():
        sys.exit("There is no demonstration: run ./run-demo --no-serve first.")
    with socket.socket() as free:
        free.bind(('localhost', 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # The demonstration itself stays as it is
        file = folder / DEMO.name
        with sqlite3.connect(DEMO) as demo, sqlite3.connect(file) as copy:
            demo.backup(copy)
        config = database.write_config(
            folder / 'trytond.conf', 'sqlite://', folder,
            listen=f'localhost:{port}', root=web.install())
        for language, guide in GUIDES.items():
            subprocess.run(
                [sys.executable, '-c', LANGUAGE, str(config), language],
                cwd=ROOT, check=True)
            with web.serve(
                    sys.executable, config, 'demo', port,
                    folder / 'trytond.log'):
                browser = sao.Browser(
                    f'http://localhost:{port}', 'demo', folder / language)
                try:
                    Pictures(browser, file, *guide).all()
                finally:
                    browser.close()


if __name__ == '__main__':
    main()
