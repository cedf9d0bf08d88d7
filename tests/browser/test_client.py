# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"What a user does in the web client"
import sqlite3

from selenium.common.exceptions import TimeoutException

from tests.browser.conftest import PASSWORD, SCREENSHOTS


def test_menu(browser):
    "The administrator logs in and finds the menu of the cooperative"
    browser.login('admin', PASSWORD)
    browser.find('#menu', 'Entrepreneurs')


def test_deep_link(browser):
    "A link opens the list of a model"
    browser.login('admin', PASSWORD)
    browser.open('model/cae.activity')
    assert any('Activit' in title for title in browser.texts('#tablist'))


def test_close_month(browser):
    "A month is closed by one button, then a statement is there to read"
    browser.login('admin', PASSWORD)
    browser.menu('Entrepreneurs', 'Month-End Closings')
    browser.open_row('2026-02')
    assert browser.value('state') == 'draft'
    browser.click('Close Month')
    browser.click('OK')
    browser.wait(
        lambda: browser.value('state') == 'done', "the month is not closed",
        300)
    browser.screenshot(SCREENSHOTS / 'closing.png')

    browser.menu('Account Statements')
    browser.open_row('2026-02')
    assert browser.value('closing_balance')
    browser.find('.tab-pane.active', 'Sale')
    browser.screenshot(SCREENSHOTS / 'statement.png')


def views(served):
    "Return the id, model and name of the views that stand alone"
    with sqlite3.connect(served.file) as connection:
        found = connection.execute(
            "SELECT id, model, name FROM ir_ui_view "
            "WHERE module LIKE 'cae!_%' ESCAPE '!' AND inherit IS NULL "
            "ORDER BY model, id").fetchall()
        tables = {name for name, in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'")}
    return [
        row for row in found if row[1].replace('.', '_') in tables]


def test_views(served, browser):
    "The client shows each view of the modules"
    browser.login('admin', PASSWORD)
    browser.errors()
    for id_, model, name in views(served):
        try:
            browser.open(f'model/{model};views=[{id_}]')
        except TimeoutException:
            assert not browser.errors(), name
            raise
        assert not browser.errors(), name
        browser.close_tab()
