# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"What a user does in the web client"
from tests.browser.conftest import PASSWORD


def test_menu(browser, served):
    "The administrator logs in and finds the menu of the cooperative"
    browser.login('admin', PASSWORD)
    if not served.filled:
        # Only the demonstration marks the set-up of Tryton as done.
        browser.click('Cancel')
    browser.find('#menu', 'Cooperative')


def test_deep_link(browser, served):
    "A link opens the list of a model"
    browser.login('admin', PASSWORD)
    browser.open('model/cae.activity')
    assert any('Activit' in title for title in browser.texts('#tablist'))
