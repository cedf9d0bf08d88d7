# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.modules.company.tests import CompanyTestMixin
from trytond.tests.test_tryton import ModuleTestCase

from .closing import ClosingMixin
from .collected import CollectedMixin
from .posting import PostingMixin
from .rights import RightsMixin
from .tools import commit, create_cooperative


class CaeBillingTestCase(
        PostingMixin, CollectedMixin, ClosingMixin, RightsMixin,
        CompanyTestMixin, ModuleTestCase):
    "Test CAE Billing module"
    module = 'cae_billing'
    extras = ['account_fr', 'account_statement']

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Made once, as the French chart is long
        commit(create_cooperative)
        commit(create_other)


def create_other():
    "Create a company with its special activities and nothing else"
    from trytond.modules.company.tests import create_company, set_company
    from trytond.pool import Pool
    Configuration = Pool().get('cae.configuration')
    company = create_company(name="Other Cooperative")
    with set_company(company):
        Configuration.setup_company(company)


del ModuleTestCase
