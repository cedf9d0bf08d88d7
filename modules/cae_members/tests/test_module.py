# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import datetime as dt
from decimal import Decimal

from trytond.modules.company.tests import (
    CompanyTestMixin, PartyCompanyCheckEraseMixin, create_company, set_company)
from trytond.modules.party.tests import PartyCheckReplaceMixin
from trytond.pool import Pool
from trytond.tests.test_tryton import ModuleTestCase, with_transaction


def setup_company():
    "Create a company that is set up as a cooperative"
    Configuration = Pool().get('cae.configuration')
    company = create_company(name="Coopérative Les Ateliers")
    with set_company(company):
        Configuration.setup_company(company)
    return company


def create_entrepreneur(company, name="Ana", **values):
    pool = Pool()
    Entrepreneur = pool.get('cae.entrepreneur')
    Party = pool.get('party.party')
    party, = Party.create([{'name': name, 'addresses': [('create', [{}])]}])
    values.setdefault('welcome_date', dt.date(2024, 1, 1))
    entrepreneur = Entrepreneur(party=party, company=company, **values)
    entrepreneur.save()
    return entrepreneur


def create_contract(
        entrepreneur, code, start_date, end_date=None, sign=True, **values):
    pool = Pool()
    Contract = pool.get('cae.contract')
    Type = pool.get('cae.contract.type')
    type_, = Type.search([('code', '=', code)])
    contract = Contract(
        company=entrepreneur.company, entrepreneur=entrepreneur, type=type_,
        start_date=start_date, end_date=end_date, **values)
    contract.save()
    if sign:
        Contract.sign([contract])
    return contract


class CaeMembersTestCase(
        PartyCompanyCheckEraseMixin, PartyCheckReplaceMixin, CompanyTestMixin,
        ModuleTestCase):
    "Test CAE Members module"
    module = 'cae_members'

    @with_transaction()
    def test_path(self):
        "Test the stages of a path"
        pool = Pool()
        Activity = pool.get('cae.activity')
        Contract = pool.get('cae.contract')
        Entrepreneur = pool.get('cae.entrepreneur')
        company = setup_company()
        with set_company(company):
            ana = create_entrepreneur(company)
            activity, = Activity.create([{
                        'name': "Pottery",
                        'holders': [('create', [{
                                        'entrepreneur': ana.id,
                                        'from_date': dt.date(2024, 1, 1),
                                        }])],
                        }])
            self.assertEqual(activity.rec_name, "A0001 - Pottery")
            self.assertEqual(
                activity.analytic_account.rec_name, "A0001 - Pottery")
            support = create_contract(ana, 'support', dt.date(2024, 1, 10))
            support.end_date = dt.date(2024, 1, 31)
            support.save()
            create_contract(
                ana, 'cape', dt.date(2024, 2, 1), dt.date(2025, 1, 31))
            create_contract(
                ana, 'cape', dt.date(2025, 2, 1), dt.date(2025, 7, 31))
            cesa = create_contract(ana, 'cesa', dt.date(2025, 8, 1))
            self.assertEqual(cesa.employee.party, ana.party)
            for date, stage, may_sell in [
                    (dt.date(2023, 12, 31), None, False),
                    (dt.date(2024, 1, 9), 'welcomed', False),
                    (dt.date(2024, 1, 10), 'candidate', False),
                    (dt.date(2024, 2, 1), 'cape', True),
                    (dt.date(2025, 7, 31), 'cape', True),
                    (dt.date(2025, 8, 1), 'employed', True),
                    ]:
                with self.subTest(date=date):
                    self.assertEqual(
                        Entrepreneur.stages_at([ana], date), {ana.id: stage})
                    self.assertEqual(
                        activity.id in Activity.may_sell([activity], date),
                        may_sell)
            cesa.end_date = dt.date(2026, 12, 31)
            cesa.save()
            Contract.end([cesa])
            self.assertEqual(cesa.employee.end_date, dt.date(2026, 12, 31))
            self.assertEqual(
                Activity.holders_at([activity], dt.date(2026, 1, 1)),
                {activity.id: [(ana, Decimal(1))]})


del ModuleTestCase
