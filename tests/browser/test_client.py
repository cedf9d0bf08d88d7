# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"What a user does in the web client"
from tests.browser.conftest import PASSWORD


def test_menu(browser):
    "The administrator logs in and finds the menu of the cooperative"
    browser.login('admin', PASSWORD)
    browser.find('#menu', 'Entrepreneurs')


def test_deep_link(browser):
    "A link opens the list of a model"
    browser.login('admin', PASSWORD)
    browser.open('model/cae.activity')
    assert any('Activit' in title for title in browser.texts('#tablist'))
