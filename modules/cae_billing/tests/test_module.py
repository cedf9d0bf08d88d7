# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.modules.cae_members.tests import server
from trytond.modules.company.tests import CompanyTestMixin
from trytond.tests.test_tryton import ModuleTestCase, TestCase, drop_db

from .checks import ChecksMixin
from .closing import ClosingMixin, CommittedMixin
from .collected import CollectedMixin
from .exit import ExitMixin
from .lock import LockMixin
from .posting import PostingMixin
from .rights import RightsMixin
from .tools import create_books, create_other, create_people


class CaeBillingTestCase(
        PostingMixin, CollectedMixin, ClosingMixin, ChecksMixin, LockMixin,
        ExitMixin, RightsMixin, CompanyTestMixin, ModuleTestCase):
    "Test CAE Billing module"
    module = 'cae_billing'
    extras = ['account_fr', 'account_statement']

    @classmethod
    def setUpClass(cls):
        # Made once, as the French chart is long
        server.activate(cls, create_books, create_people, create_other)


class CommittedTestCase(CommittedMixin, TestCase):
    "Test what must be committed, in a database of its own"
    module = CaeBillingTestCase.module
    extras = CaeBillingTestCase.extras

    @classmethod
    def setUpClass(cls):
        server.activate(cls, create_books, create_people, create_other)

    @classmethod
    def tearDownClass(cls):
        drop_db()


del ModuleTestCase, TestCase
