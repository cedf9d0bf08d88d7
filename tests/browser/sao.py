# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"Drive Tryton's web client in headless Chromium"
import shutil
import time

from selenium import webdriver
from selenium.common.exceptions import (
    NoSuchElementException, StaleElementReferenceException, WebDriverException)
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

OPTIONS = [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic',
    '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync',
    '--disable-dev-shm-usage', '--window-size=1280,900', '--lang=en',
    ]
# What the client shows while it waits for the server.
BUSY = "return window.jQuery && (jQuery.active || jQuery('.overlay-loading" \
    ":visible').length)"


def find_programs():
    "Return the paths of Chromium and of its driver, None where missing"
    browser = shutil.which('chromium') or shutil.which('chromium-browser')
    return browser, shutil.which('chromedriver')


class Browser:
    """A window on one database, served at url.

    Its methods wait until what they look for is there and raise
    TimeoutException when it does not come.
    """

    def __init__(self, url, database, folder, seconds=30):
        self.url = url
        self.database = database
        self._seconds = seconds
        browser, driver = find_programs()
        options = webdriver.ChromeOptions()
        options.binary_location = browser
        for option in OPTIONS + [f'--user-data-dir={folder}']:
            options.add_argument(option)
        self.driver = webdriver.Chrome(
            options, webdriver.ChromeService(driver))

    def close(self):
        self.driver.quit()

    def wait(self, condition, message='', seconds=None):
        "Return the first true value of condition(), a function"
        return WebDriverWait(
            self.driver, seconds or self._seconds, 0.2, [
                NoSuchElementException, StaleElementReferenceException],
            ).until(lambda driver: condition(), message)

    def find(self, selector, text=None):
        "Return the visible element of a CSS selector that holds the text"
        def visible():
            for element in self.driver.find_elements(
                    By.CSS_SELECTOR, selector):
                if element.is_displayed() and (
                        text is None or text in element.text):
                    return element
        return self.wait(visible, f"{selector} {text or ''}")

    def texts(self, selector):
        "Return the texts of the visible elements of a CSS selector"
        elements = self.driver.find_elements(By.CSS_SELECTOR, selector)
        return [e.text for e in elements if e.is_displayed()]

    def settle(self, seconds=None):
        "Wait until the client has no request under way"
        def quiet():
            if self.driver.execute_script(BUSY):
                return False
            time.sleep(0.3)
            return not self.driver.execute_script(BUSY)
        self.wait(quiet, "the client is still busy", seconds)

    def login(self, user, password):
        "Open the client and log in"
        self.driver.get(f'{self.url}/#{self.database}')
        login = self.find('#login')
        # It learns the database from the server before it can be sent.
        self.settle()
        login.clear()
        login.send_keys(user, Keys.ENTER)
        self.find('input[type=password]').send_keys(password, Keys.ENTER)
        self.find('#main_navbar, #menu')
        self.settle()

    def open(self, path):
        "Open a deep link, for instance 'model/party.party/1;views=[2]'"
        self.driver.execute_script(
            'window.location.hash = arguments[0]', f'{self.database}/{path}')
        self.settle()

    def execute(self, action, data):
        "Run the action with this id on the records that the data name"
        self.driver.execute_script(
            'Sao.Action.execute(arguments[0], arguments[1], null,'
            ' Sao.Session.current_session.context)', action, data)
        self.settle()

    def resize(self, width, height):
        "Give the page this size, in pixels"
        self.driver.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', {
                'width': width, 'height': height, 'deviceScaleFactor': 1,
                'mobile': False,
                })

    def toggle_menu(self):
        "Show or hide the menu"
        self.driver.execute_script(
            "jQuery('[data-toggle=menu]').first().click()")
        self.settle()

    def menu(self, *labels):
        """Open an entry of the menu, given with those above it that are
        still folded"""
        for label in labels:
            entry = self.find('#menu tr', label)
            webdriver.ActionChains(self.driver).double_click(entry).perform()
            self.settle()

    def open_row(self, text):
        "Open the record of the list whose row holds the text"
        row = self.find('.tab-pane.active table.tree tr', text)
        webdriver.ActionChains(self.driver).double_click(row).perform()
        self.settle()

    def click(self, label):
        "Click the button with this label, in the open view"
        def press():
            for button in self.driver.find_elements(
                    By.CSS_SELECTOR, 'button, a.btn'):
                try:
                    # Not .text, which a style may put in capitals.
                    names = {
                        button.get_attribute('textContent').strip(),
                        button.get_attribute('title')}
                    if (label in names and button.is_displayed()
                            and button.is_enabled()):
                        button.click()
                        return True
                except WebDriverException:
                    # Something covers it yet.
                    continue
        self.wait(press, f"button {label}")
        self.settle()

    def value(self, name):
        "Return what a field of the open form holds, as text"
        value = self.find(
            f'.tab-pane.active [name="{name}"]').get_attribute('value')
        # The client keeps the values of selections as JSON.
        return value.strip('"')

    def tab(self, label):
        "Choose the tab with this label, in the open view"
        self.find('.tab-pane.active .nav-tabs a', label).click()
        self.settle()

    def tab_number(self, index):
        "Choose a tab of the open view by its index"
        self.driver.find_elements(
            By.CSS_SELECTOR, '.tab-pane.active .nav-tabs a')[index].click()
        self.settle()

    def close_tab(self):
        "Close the open view"
        # Its cross may lie under the completion of the search
        self.driver.execute_script('Sao.Tab.tabs.close_current()')

    def errors(self):
        "Return what the scripts of the client stumbled on since last asked"
        return [
            entry['message'] for entry in self.driver.get_log('browser')
            if entry['source'] == 'javascript']

    def screenshot(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(path))
