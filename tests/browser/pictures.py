# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Take the pictures of the guides from a demonstration.

./run-demo --no-serve
.venv/bin/python -m tests.browser.pictures

takes them all; the names of guides (advisor, entrepreneur, bookkeeper) limit
them to these.
"""
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from selenium.webdriver.common.keys import Keys

from tests.browser import sao
from tools import database, web

ROOT = Path(__file__).resolve().parent.parent.parent
IMAGES = ROOT / 'doc' / 'images'
DEMO = ROOT / '.demo' / 'demo.sqlite'
PASSWORD = 'cooperative'
WIDTH, HEIGHT = 1280, 800
# For lists of many amounts
WIDE = 1560
# For each language the names of the guides and what its users read or type:
# buttons, and the first day of the funnel
LANGUAGES = {
    'en': {
        'advisor': 'advisor',
        'entrepreneur': 'entrepreneur',
        'bookkeeper': 'bookkeeper',
        'settlement_check': "Check Again",
        'closing_check': "Check",
        'suggest': "Suggest",
        'compute': "Compute",
        'close': "Close",
        'first': '01/01/2022',
        },
    'fr': {
        'advisor': 'conseiller',
        'entrepreneur': 'entrepreneur-fr',
        'bookkeeper': 'comptable',
        'settlement_check': "Vérifier à nouveau",
        'closing_check': "Vérifier",
        'suggest': "Suggérer",
        'compute': "Calculer",
        'close': "Fermer",
        'first': '01.01.2022',
        },
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
    """The pictures of one guide, taken with an open browser.

    A subclass says what the guide is named, who logs in and, in ``all``, what
    is shown.
    """
    name = user = None
    width = WIDTH

    def __init__(self, browser, file, words):
        self.browser = browser
        self.file = file
        self.words = words

    def id(self, query, *parameters):
        "Return the first id that the query of the database finds"
        with sqlite3.connect(self.file) as connection:
            id_, = connection.execute(query, parameters).fetchone()
        return id_

    def xml_id(self, name):
        "Return the database id of what the XML of a module names so"
        return self.id(
            "SELECT db_id FROM ir_model_data "
            "WHERE module = ? AND fs_id = ?", *name.split('.'))

    def take(self, name, height=HEIGHT, close=True, width=None):
        "Keep what the browser shows, in a page of that size"
        self.browser.resize(width or self.width, height)
        # The focus would show the cursor or a completion
        self.browser.driver.execute_script('document.activeElement.blur()')
        self.browser.settle()
        # The rows of a list are drawn after they came
        path = IMAGES / f'{self.words[self.name]}-{name}.png'
        before, shown = None, b''
        while shown != before:
            time.sleep(1)
            self.browser.screenshot(path)
            before, shown = shown, path.read_bytes()
        if close:
            self.browser.close_tab()

    def action(self, name, **data):
        "Open an action, named module.id, whatever its label"
        self.browser.execute(self.xml_id(name), data)

    def open(self, model, query, *parameters):
        "Open the form of the record that the query finds"
        self.browser.open(f'model/{model}/{self.id(query, *parameters)}')


class Advisor(Pictures):
    name = 'advisor'
    user = 'conseil'

    def all(self):
        browser = self.browser
        browser.resize(WIDTH, HEIGHT)
        browser.menu("Entrepreneurs")
        self.action('cae_members.act_entrepreneur_form')
        self.take('entrepreneurs', 640)

        # Without the menu there is more room
        browser.toggle_menu()
        self.action('cae_members.act_deadline_form')
        self.take('deadlines', 620)

        self.action('cae_members.act_deadline_calendar')
        browser.find('.fc-next-button').click()
        self.take('calendar')

        self.open('cae.entrepreneur',
            "SELECT e.id FROM cae_entrepreneur AS e "
            "JOIN cae_contract AS c ON c.entrepreneur = e.id "
            "WHERE c.renewal_of IS NOT NULL ORDER BY e.id DESC")
        self.take('entrepreneur', 660)

        self.action('cae_members.act_funnel')
        field = browser.find('input[name=from_date]')
        field.clear()
        field.send_keys(self.words['first'], Keys.TAB)
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
        browser.click(self.words['settlement_check'])
        self.take('settlement', 920)

        report = self.id("SELECT id FROM cae_network_report")
        self.action(
            'cae_members.act_network_report_month', model='cae.network.report',
            id=report, ids=[report])
        self.take('report', 580)


class Entrepreneur(Pictures):
    name = 'entrepreneur'
    user = 'entrepreneur'
    width = WIDE
    # Of the user's activity
    own = """(
        SELECT h.activity FROM cae_activity_holder AS h
        JOIN cae_entrepreneur AS e ON e.id = h.entrepreneur
        JOIN res_user AS u ON u.id = e.user
        WHERE u.login = 'entrepreneur')"""

    def all(self):
        browser = self.browser
        browser.resize(WIDE, HEIGHT)
        # What the client opened by itself may come before its translation
        browser.close_tab()
        browser.menu("Entrepreneurs")
        self.action('cae_billing.act_activity_overview')
        self.take('first', 760)

        browser.toggle_menu()
        self.action('cae_billing.act_invoice_own')
        browser.tab_number(-1)
        self.take('invoices', 640)

        self.open('account.invoice', f"""
            SELECT id FROM account_invoice
            WHERE approval IS NULL AND state = 'draft' AND type = 'out'
                AND activity IN {self.own}""")
        self.take('invoice', 1020)

        self.open('account.invoice', f"""
            SELECT id FROM account_invoice
            WHERE approval = 'refused' AND activity IN {self.own}""")
        self.take('refused', 1120)

        self.open('cae.expense', f"""
            SELECT id FROM cae_expense
            WHERE state = 'submitted' AND activity IN {self.own}""")
        self.take('expense', 860)

        self.open('cae.expense.line', f"""
            SELECT line.id FROM cae_expense_line AS line
            JOIN cae_expense AS sheet ON sheet.id = line.expense
            WHERE line.vehicle IS NOT NULL AND sheet.state = 'submitted'
                AND line.activity IN {self.own}""")
        self.take('trip', 560)

        self.open('cae.internal', f"""
            SELECT id FROM cae_internal
            WHERE state = 'proposed' AND to_activity IN {self.own}""")
        self.take('internal', 940)

        self.action('cae_billing.act_movement')
        self.take('account', 640)

        self.action('cae_billing.act_month')
        self.take('months', 480, width=2000)

        self.action('cae_billing.act_due')
        self.take('due', 420)

        self.open('cae.activity.statement', f"""
            SELECT id FROM cae_activity_statement
            WHERE activity IN {self.own} ORDER BY id DESC""")
        self.take('statement', 700)

        self.action('cae_payroll.wizard_simulation')
        browser.click(self.words['compute'])
        self.take('pay', 800, close=False)
        browser.click(self.words['close'])


class Bookkeeper(Pictures):
    name = 'bookkeeper'
    user = 'comptable'
    width = WIDE

    def all(self):
        browser = self.browser
        browser.resize(WIDE, HEIGHT)
        browser.toggle_menu()
        self.action('cae_billing.act_approval_pending')
        browser.tab_number(-1)
        self.take('approve', 480)

        self.open('account.invoice', """
            SELECT invoice FROM account_invoice_line
            WHERE invoice_type = 'in' OR invoice IN (
                SELECT id FROM account_invoice WHERE type = 'in')
            GROUP BY invoice HAVING COUNT(DISTINCT activity) > 1
            ORDER BY invoice DESC""")
        self.take('split', 1020)

        self.open('account.statement',
            "SELECT id FROM account_statement WHERE state = 'draft'")
        browser.click(self.words['suggest'])
        self.take('bank', 820)

        self.open('cae.closing',
            "SELECT id FROM cae_closing WHERE state = 'draft'")
        browser.click(self.words['closing_check'])
        browser.tab_number(1)
        self.take('attention', 720)

        self.open('cae.closing',
            "SELECT id FROM cae_closing WHERE state = 'done' "
            "ORDER BY id DESC")
        # The client would mark the page that was open in the other, too
        for page in [1, 0]:
            browser.tab_number(page)
        self.take('checks', 780)

        self.open('cae.vat.statement',
            "SELECT id FROM cae_vat_statement ORDER BY id DESC")
        self.take('vat', 640)

        self.action('account_dunning.act_dunning_form')
        browser.tab_number(-1)
        self.take('dunning', 560, width=1760)


def main():
    guides = [Advisor, Entrepreneur, Bookkeeper]
    wanted = sys.argv[1:]
    unknown = set(wanted) - {guide.name for guide in guides}
    if unknown:
        sys.exit(f"There is no guide {', '.join(sorted(unknown))}.")
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
        for language, words in LANGUAGES.items():
            subprocess.run(
                [sys.executable, '-c', LANGUAGE, str(config), language],
                cwd=ROOT, check=True)
            with web.serve(
                    sys.executable, config, 'demo', port,
                    folder / 'trytond.log'):
                for guide in guides:
                    if wanted and guide.name not in wanted:
                        continue
                    browser = sao.Browser(
                        f'http://localhost:{port}', 'demo',
                        folder / f'{language}-{guide.name}')
                    try:
                        browser.login(guide.user, PASSWORD)
                        guide(browser, file, words).all()
                    finally:
                        browser.close()


if __name__ == '__main__':
    main()
