# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import pytest

from trytond.modules.cae_members.tests import server
from trytond.tests.test_tryton import ModuleTestCase, TestCase, drop_db

from .einvoice import PlatformMixin
from .payment import PaymentMixin
from .purchase import PurchaseMixin, PurchaseRightsMixin, create_purchases
from .rights import RightsMixin, create_world
from .sale import SaleMixin, SaleRightsMixin, create_sales
from .tools import (
    EXTENDED, ViewMixin, create_books, create_other, create_people)


@pytest.mark.sqlite
class ExtendedTestCase(
        SaleMixin, PurchaseMixin, PaymentMixin, PlatformMixin, ViewMixin,
        ModuleTestCase):
    "Test the module with all those that it extends"
    module, *extras = EXTENDED

    @classmethod
    def setUpClass(cls):
        server.activate(cls, create_books, create_people, create_other)

    @classmethod
    def tearDownClass(cls):
        drop_db()


@pytest.mark.sqlite
class ExtendedRightsTestCase(
        SaleRightsMixin, PurchaseRightsMixin, RightsMixin, TestCase):
    "Test the rights, with the sales and purchases of two entrepreneurs"
    module = ExtendedTestCase.module
    extras = ExtendedTestCase.extras

    @classmethod
    def setUpClass(cls):
        server.activate(
            cls, create_books, create_people, create_other, create_world,
            create_sales, create_purchases)

    @classmethod
    def tearDownClass(cls):
        drop_db()


del ModuleTestCase, TestCase
