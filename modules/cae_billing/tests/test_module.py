# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.modules.cae_members.tests import server
from trytond.modules.company.tests import CompanyTestMixin
from trytond.tests.test_tryton import ModuleTestCase, TestCase, drop_db

from .approval import ApprovalMixin, NumbersMixin
from .bank import BankMixin
from .checks import ChecksMixin
from .closing import ClosingMixin, CommittedMixin
from .collected import CollectedMixin
from .einvoice import EInvoiceMixin
from .exit import ExitMixin
from .expense import ExpenseMixin
from .fee import FeeMixin
from .funding import FundingMixin
from .internal import InternalMixin
from .lock import LockMixin
from .mention import MentionMixin
from .overview import OverviewMixin
from .personal_service import PersonalServiceMixin
from .posting import PostingMixin
from .rights import RightsMixin, create_world
from .sheet import SheetMixin
from .tools import ViewMixin, create_books, create_other, create_people
from .year import YearMixin


class CaeBillingTestCase(
        PostingMixin, CollectedMixin, FeeMixin, ClosingMixin,
        ChecksMixin, LockMixin, ExitMixin, ExpenseMixin,
        InternalMixin, FundingMixin, OverviewMixin, ApprovalMixin,
        MentionMixin, BankMixin, PersonalServiceMixin, EInvoiceMixin,
        YearMixin, SheetMixin, ViewMixin, CompanyTestMixin, ModuleTestCase):
    "Test CAE Billing module"
    module = 'cae_billing'
    extras = ['account_fr', 'account_statement']

    @classmethod
    def setUpClass(cls):
        # Made once, as the French chart is long
        server.activate(cls, create_books, create_people, create_other)


class CommittedTestCase(NumbersMixin, CommittedMixin, TestCase):
    "Test what must be committed, in a database of its own"
    module = CaeBillingTestCase.module
    extras = CaeBillingTestCase.extras

    @classmethod
    def setUpClass(cls):
        server.activate(cls, create_books, create_people, create_other)

    @classmethod
    def tearDownClass(cls):
        drop_db()


class RightsTestCase(RightsMixin, TestCase):
    "Test the rights, in a database with the affairs of two entrepreneurs"
    module = CaeBillingTestCase.module
    extras = CaeBillingTestCase.extras

    @classmethod
    def setUpClass(cls):
        server.activate(
            cls, create_books, create_people, create_other, create_world)

    @classmethod
    def tearDownClass(cls):
        drop_db()


del ModuleTestCase, TestCase
