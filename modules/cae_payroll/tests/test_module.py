# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.modules.company.tests import CompanyTestMixin
from trytond.tests.test_tryton import ModuleTestCase


class CaePayrollTestCase(CompanyTestMixin, ModuleTestCase):
    "Test CAE Payroll module"
    module = 'cae_payroll'
    extras = ['account_fr']


del ModuleTestCase
