# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import datetime as dt
from collections import defaultdict
from decimal import Decimal as D
from pathlib import Path
from unittest.mock import patch

from trytond.model.exceptions import AccessError
from trytond.modules.cae_billing.posting import Entry, move_values
from trytond.modules.cae_members.tests import server
from trytond.modules.cae_members.tests.server import (
    create_fiscalyear, undone, with_transaction)
from trytond.modules.cae_members.tests.test_module import (
    create_user, refused, set_user)
from trytond.modules.cae_payroll import law
from trytond.modules.cae_payroll.exceptions import (
    LawError, PayrollConfigurationError, PayslipError, PayslipPostedError,
    PayslipValidationError, RunError, TermsValidationError, UnmappedRuleError)
from trytond.modules.company.tests import (
    CompanyTestMixin, create_company, set_company)
from trytond.modules.party.tests import PartyCheckReplaceMixin
from trytond.pool import Pool
from trytond.tests.test_tryton import ModuleTestCase
from trytond.transaction import Transaction

NAME = "Coopérative Les Ateliers"
HEALTH = {'health_employee': D(20), 'health_employer': D(20)}


def create_people():
    """Set the company up as a cooperative, with its year 2026 and the people.

    Ada and Ben have a CESA and an activity each, A and B; they share C, 60
    and 40 %.  Cid belongs to the staff.
    """
    pool = Pool()
    Activity = pool.get('cae.activity')
    Company = pool.get('company.company')
    Configuration = pool.get('cae.configuration')
    Contract = pool.get('cae.contract')
    Entrepreneur = pool.get('cae.entrepreneur')
    Party = pool.get('party.party')
    Type = pool.get('cae.contract.type')
    company, = Company.search([])
    with set_company(company):
        create_fiscalyear(company, 2026)
        Configuration.setup_company(company)
        config = Configuration(1)
        config.set_multivalue('headcount', 60)
        config.set_multivalue('work_accident_rate', D('0.012'))
        ada, ben, cid = Party.create([
                {'name': name, 'addresses': [('create', [{}])]}
                for name in ["Ada", "Ben", "Cid"]])
        start = dt.date(2025, 1, 1)
        ada, ben = Entrepreneur.create([{
                    'party': party.id, 'welcome_date': start,
                    } for party in [ada, ben]])
        cesa, = Type.search([('code', '=', 'cesa')])
        staff, = Type.search([('code', '=', 'staff')])
        people = [{'entrepreneur': e.id, 'type': cesa.id} for e in [ada, ben]]
        people.append({'party': cid.id, 'type': staff.id})
        contracts = Contract.create(
            [{**values, 'start_date': start} for values in people])
        Contract.confirm_clauses(contracts)
        Contract.sign(contracts)
        Activity.create([{
                    'name': code, 'code': code,
                    'holders': [('create', [{
                                    'entrepreneur': e.id,
                                    'share': D(share),
                                    'from_date': start,
                                    } for e, share in holders])],
                    } for code, holders in [
                    ('A', [(ada, 1)]),
                    ('B', [(ben, 1)]),
                    ('C', [(ada, '0.6'), (ben, '0.4')]),
                    ]])


class Cooperative:
    "The records of the cooperative, and how to enter what happens"

    def __init__(self):
        Company = self.get('company.company')
        self.company, = Company.search([('party.name', '=', NAME)])

    def __enter__(self):
        self._context = set_company(self.company)
        self._context.__enter__()
        return self

    def __exit__(self, *args):
        self._context.__exit__(*args)

    def get(self, name):
        return Pool().get(name)

    def one(self, name, *domain):
        record, = self.get(name).search(list(domain))
        return record

    def activity(self, code):
        return self.one(
            'cae.activity', ('code', '=', code),
            ('company', '=', self.company.id))

    def contract(self, name):
        contract, = [
            c for c in self.get('cae.contract').search([])
            if c.person.name == name]
        return contract

    def account(self, code):
        return self.one(
            'account.account', ('code', '=', code),
            ('company', '=', self.company.id))

    def period(self, month):
        return self.one(
            'account.period',
            ('start_date', '=', dt.date(2026, month, 1)),
            ('company', '=', self.company.id), ('type', '=', 'standard'))

    def closing(self, month):
        closing, = self.get('cae.closing').create([{
                    'company': self.company.id,
                    'period': self.period(month).id}])
        return closing

    def run(self, month):
        return self.get('cae.payroll.run').of(
            self.company, self.period(month))

    def earn(self, code, amount, date=dt.date(2026, 1, 15)):
        "Post an income of the activity that is already collected"
        Journal = self.get('account.journal')
        Move = self.get('account.move')
        Period = self.get('account.period')
        journal, = Journal.search([('code', '=', 'INT')])
        move, = Move.create([move_values(
                    self.company, journal,
                    Period.find(self.company, date=date), date, "Income",
                    None, [
                        Entry(self.account('5121'), D(amount)),
                        Entry(self.account('706'), -D(amount),
                            activity=self.activity(code)),
                        ])])
        Move.post([move])

    def terms(self, name, date=dt.date(2026, 1, 1), rate=None, **values):
        values = {
            'mode': 'available', 'fixed_part': D(0), 'reserve': D(0),
            **HEALTH, **values}
        contract = self.contract(name)
        pay, = self.get('cae.contract.pay').create([{
                    'contract': contract.id, 'start_date': date, **values}])
        if rate is not None:
            self.get('cae.payroll.tax_rate').create([{
                        'contract': contract.id, 'start_date': date,
                        'rate': D(rate)}])
        return pay

    def pay(self, month, *names, post=True):
        "Pay the people; return their payslips by name"
        Payslip = self.get('cae.payslip')
        contracts = [self.contract(n) for n in names]
        payslips = Payslip.prepare(contracts, self.run(month))
        if post and payslips:
            Payslip.post(payslips)
        return {p.party.name: p for p in payslips}

    def posted(self, payslip):
        "Return {account code: debit less credit} of the entries of a payslip"
        mapping = self.get('cae.payroll.account').mapping(self.company)
        result = defaultdict(D)
        for entry in payslip._entries(mapping, self.account('4211'), ''):
            result[entry.account.code] += entry.amount
        return dict(result)


class CaePayrollTestCase(
        PartyCheckReplaceMixin, CompanyTestMixin, ModuleTestCase):
    "Test CAE Payroll module"
    module = 'cae_payroll'
    extras = ['account_fr', 'account_statement']

    @classmethod
    def setUpClass(cls):
        # Made once, as the French chart is long
        server.activate(cls, server.create_french_company, create_people)

    @with_transaction()
    def test_law(self):
        "The law of the database is the one of the file"
        Law = Pool().get('cae.payroll.law')
        tables = law.read(
            Path(law.__file__).parent / 'data' / 'france.xml')
        stored, = Law.search([('code', '=', 'fr')])

        def facts(law_):
            return (
                law_.parameters, set(law_.bases), law_.rules,
                set(law_.reductions), law_.scale)
        for date in [
                dt.date(2025, 1, 31), dt.date(2025, 5, 31),
                dt.date(2026, 1, 31), dt.date(2026, 7, 31)]:
            with self.subTest(date=date):
                self.assertEqual(
                    facts(stored.at(date)),
                    facts(law.select(tables, date)))

    @with_transaction()
    def test_chart(self):
        "The accounts that pay adds to the French chart"
        with Cooperative() as coop:
            for code in ['4211', '42861']:
                account = coop.account(code)
                self.assertTrue(account.type.payable)
                self.assertTrue(account.party_required)
                self.assertTrue(account.reconcile)
            for code in ['4371', '4372', '4373', '4374']:
                account = coop.account(code)
                self.assertEqual(account.type.statement, 'balance')
                self.assertFalse(account.party_required)
            for code in ['64111', '64112', '64113', '64519', '64539']:
                self.assertEqual(
                    coop.account(code).type.statement, 'income')

    @with_transaction()
    def test_every_rule_mapped(self):
        "The set-up maps each rule of the law on the French chart"
        Account = Pool().get('cae.payroll.account')
        Rule = Pool().get('cae.payroll.rule')
        with Cooperative() as coop:
            mapped = {a.rule: a for a in Account.search([
                        ('company', '=', coop.company.id)])}
            for rule in Rule.search([]):
                with self.subTest(rule=rule.code):
                    account = mapped[rule]
                    self.assertEqual(
                        getattr(account.expense_account, 'code', None),
                        rule.expense_code)
                    self.assertEqual(
                        getattr(account.liability_account, 'code', None),
                        rule.liability_code)

    @with_transaction()
    def test_setup_again(self):
        "Setting up again changes nothing"
        names = ['cae.payroll.account', 'account.journal',
            'ir.sequence.strict', 'cae.configuration.value']
        with Cooperative() as coop:
            def count():
                return [Pool().get(n).search([], count=True) for n in names]
            before = count()
            coop.get('cae.configuration').setup_company(coop.company)
            self.assertEqual(count(), before)

    @with_transaction()
    def test_entries(self):
        "The entry of a pay of 2000.00 with 3.5 % withheld"
        with Cooperative() as coop:
            coop.terms(
                'Ada', mode='fixed', fixed_part=D(2000), rate='0.035')
            payslip = coop.pay(3, 'Ada')['Ada']
            expected = {
                '6411': '2000.00', '6451': '610.12', '6454': '85.00',
                '6453': '120.20', '6452': '20.00', '6332': '10.00',
                '6333': '20.00', '6312': '13.60', '6334': '9.00',
                '64519': '-540.60', '64539': '-95.00', '4211': '-1503.89',
                '4421': '-57.36', '431': '-536.67', '4371': '-105.40',
                '4372': '-40.00', '4373': '-9.00',
                }
            self.assertEqual(
                coop.posted(payslip),
                {c: D(a) for c, a in expected.items()})
            self.assertEqual(payslip.cost, D('2252.32'))
            move = payslip.move
            self.assertEqual(move.state, 'posted')
            self.assertEqual(move.date, dt.date(2026, 3, 31))
            self.assertEqual(move.origin, coop.run(3))
            self.assertEqual(
                {line.account.code: line.debit - line.credit
                    for line in move.lines},
                {c: D(a) for c, a in expected.items()})
            for line in move.lines:
                if line.account.code == '4211':
                    self.assertEqual(line.party, payslip.party)
                for analytic in line.analytic_lines:
                    self.assertEqual(analytic.origin, payslip)
                    self.assertTrue(analytic.description)

    @with_transaction()
    def test_parts_of_gross(self):
        "Fixed part and advance may have accounts of their own"
        Account = Pool().get('cae.payroll.account')
        with Cooperative() as coop:
            for code, account in [
                    ('pay_fixed', '64111'), ('pay_variable', '64112')]:
                mapping, = Account.search([
                        ('rule.code', '=', code),
                        ('company', '=', coop.company.id)])
                mapping.expense_account = coop.account(account)
                mapping.save()
            coop.earn('A', '3000.00')
            coop.terms('Ada', fixed_part=D(500))
            payslip = coop.pay(3, 'Ada')['Ada']
            posted = coop.posted(payslip)
            self.assertEqual(payslip.gross, D('2403.37'))
            self.assertEqual(posted['64111'], D('500.00'))
            self.assertEqual(posted['64112'], D('1903.37'))
            self.assertNotIn('6411', posted)

    @with_transaction()
    def test_modes(self):
        "All available, fixed part and wanted gross, within the budget"
        with Cooperative() as coop:
            coop.earn('A', '3000.00')
            for month, values, gross, above in [
                    (3, {}, '2403.37', False),
                    (4, {'mode': 'fixed', 'fixed_part': D(500)},
                        '500.00', False),
                    (5, {'mode': 'wanted', 'wanted_gross': D(1000)},
                        '1000.00', False),
                    # More than the activity can bear
                    (6, {'mode': 'wanted', 'wanted_gross': D(9000)},
                        '2403.37', False),
                    (7, {'fixed_part': D(2500)}, '2500.00', True),
                    (8, {'reserve': D(900)}, '1922.19', False),
                    ]:
                with self.subTest(month=month):
                    coop.terms('Ada', dt.date(2026, month, 1), **values)
                    payslip = coop.pay(month, 'Ada', post=False)['Ada']
                    self.assertEqual(payslip.gross, D(gross))
                    self.assertEqual(payslip.above_budget, above)
                    self.assertTrue(
                        above or payslip.cost <= payslip.budget)

    @with_transaction()
    def test_nothing_to_pay(self):
        with Cooperative() as coop:
            coop.terms('Ada')
            self.assertEqual(coop.pay(3, 'Ada'), {})

    @with_transaction()
    def test_above_budget(self):
        "The fixed part is due even from an empty activity"
        with Cooperative() as coop:
            coop.earn('A', '39.01')
            coop.terms('Ada', fixed_part=D(500), rate='0.021')
            payslip = coop.pay(4, 'Ada')['Ada']
            self.assertEqual(payslip.budget, D('39.01'))
            self.assertEqual(payslip.cost, D('537.13'))
            self.assertEqual(payslip.net_paid, D('365.27'))
            self.assertTrue(payslip.above_budget)

    @with_transaction()
    def test_several_activities(self):
        "Each line and each activity total exactly"
        AnalyticLine = Pool().get('analytic_account.line')
        Activity = Pool().get('cae.activity')
        with Cooperative() as coop:
            coop.earn('A', '1000.01')
            coop.earn('C', '2000.02')
            coop.terms('Ada', fixed_part=D(100))
            payslip = coop.pay(3, 'Ada')['Ada']
            # 60 % of C
            self.assertEqual(payslip.budget, D('2200.02'))
            self.assertEqual(
                {p.activity.code: p.budget for p in payslip.activities},
                {'A': D('1000.01'), 'C': D('1200.01')})
            self.assertEqual(
                sum(p.gross for p in payslip.activities), payslip.gross)
            self.assertEqual(
                sum(p.cost for p in payslip.activities), payslip.cost)
            date = dt.date(2026, 3, 31)
            for part in payslip.activities:
                lines = AnalyticLine.search([
                        ('account', '=', part.activity.analytic_account.id),
                        ('origin', '=', str(payslip)),
                        ])
                self.assertEqual(
                    sum(a.debit - a.credit for a in lines), part.cost)
                self.assertLessEqual(part.cost, part.budget)
                gross = sum(
                    a.debit for a in lines
                    if a.move_line.account.code == '6411')
                self.assertEqual(gross, part.gross)
            by_account = defaultdict(D)
            for line in payslip.move.lines:
                by_account[line.account.code] += line.debit - line.credit
                if line.analytic_lines:
                    self.assertEqual(
                        sum(a.debit - a.credit for a in line.analytic_lines),
                        line.debit - line.credit)
            self.assertEqual(dict(by_account), coop.posted(payslip))
            self.assertEqual(
                sum(Activity.results(
                        Activity.search([]), date).values()),
                D('3000.03') - payslip.cost)

    @with_transaction()
    def test_shared_activity(self):
        "What a holder may take does not depend on who is paid first"
        with Cooperative() as coop:
            coop.earn('C', '5000.00')
            coop.terms('Ada')
            coop.terms('Ben')
            first = coop.pay(3, 'Ada')['Ada']
            second = coop.pay(3, 'Ben')['Ben']
            self.assertEqual(first.budget, D('3000.00'))
            self.assertEqual(second.budget, D('2000.00'))
            both = coop.pay(4, 'Ada', 'Ben', post=False)
            # In April only what the cents left is there
            self.assertEqual(
                sum(p.budget or 0 for p in both.values()), 0)

    @with_transaction()
    def test_staff(self):
        with Cooperative() as coop:
            coop.terms(
                'Cid', mode='fixed', fixed_part=D(2300), weekly_hours=D(35))
            payslip = coop.pay(3, 'Cid')['Cid']
            self.assertIsNone(payslip.budget)
            self.assertFalse(payslip.above_budget)
            part, = payslip.activities
            self.assertEqual(part.activity.kind, 'shared')
            self.assertEqual(part.cost, payslip.cost)
            self.assertEqual(payslip.lines[0].rule.code, 'pay_basic')
            self.assertEqual(payslip.employee.party.name, 'Cid')

    @with_transaction()
    def test_staff_rights(self):
        "Who pays reads the parties also as an entrepreneur, and only reads"
        pool = Pool()
        Employee = pool.get('company.employee')
        Party = pool.get('party.party')
        with Cooperative() as coop:
            ada = coop.contract('Ada').entrepreneur
            ben, cid = (coop.contract(n).person for n in ['Ben', 'Cid'])
            user = create_user(
                'ada', coop.company, 'cae_members.group_entrepreneur')
            ada.user = user
            ada.save()
            with set_user(user):
                self.assertEqual(
                    Party.search([('name', 'in', ["Ada", "Ben", "Cid"])]),
                    [ada.party, cid])
            group = pool.get('ir.model.data').get_id(
                'cae_payroll', 'group_payroll')
            pool.get('res.user').write([user], {'groups': [('add', [group])]})
            with set_user(user):
                self.assertEqual(
                    Party.search([('name', 'in', ["Ada", "Ben", "Cid"])]),
                    [ada.party, ben, cid])
                self.assertIn(ben, [e.party for e in Employee.search([])])
                with refused(AccessError):
                    Party.write([Party(ben.id)], {'name': "Bob"})

    @with_transaction()
    def test_again(self):
        "Who is paid is not paid again"
        with Cooperative() as coop:
            coop.terms('Ada', fixed_part=D(500))
            self.assertTrue(coop.pay(3, 'Ada'))
            self.assertEqual(coop.pay(3, 'Ada'), {})

    @with_transaction()
    def test_numbers(self):
        "Payslips are numbered without a hole, in one move for the month"
        with Cooperative() as coop:
            for name in ['Ada', 'Ben', 'Cid']:
                coop.terms(name, mode='fixed', fixed_part=D(500))
            payslips = coop.pay(3, 'Ada', 'Ben', 'Cid')
            numbers = sorted(p.number for p in payslips.values())
            first = int(numbers[0][1:])
            self.assertEqual(
                numbers, [f'B{first + i:06}' for i in range(3)])
            move, = {p.move for p in payslips.values()}
            codes = [line.account.code for line in move.lines]
            self.assertEqual(codes.count('4211'), 3)
            # One line per account and side for the expenses
            self.assertEqual(codes.count('6451'), 1)

    @with_transaction()
    def test_year_to_date(self):
        "The counters go from payslip to payslip of the civil year"
        with Cooperative() as coop:
            coop.get('cae.configuration')(1).set_multivalue(
                'regularisation', 'reduction')
            coop.terms('Ada', mode='wanted', wanted_gross=D(1200),
                weekly_hours=D(35), rate='0.01')
            coop.earn('A', '90000.00')
            first = coop.pay(1, 'Ada')['Ada']
            self.assertEqual(first.year_gross, D('1200.00'))
            coop.terms('Ada', dt.date(2026, 2, 1), mode='wanted',
                wanted_gross=D(4500), weekly_hours=D(35))
            second = coop.pay(2, 'Ada')['Ada']
            self.assertEqual(second.year_gross, D('5700.00'))
            self.assertEqual(
                second.year_withholding,
                first.withholding + second.withholding)
            self.assertEqual(second.year_cost, first.cost + second.cost)
            # 5700.00 for two months: below the exit of the reduction
            counters = second.read_counters()
            self.assertEqual(
                counters['reduction'], first.reduction + second.reduction)
            self.assertEqual(
                counters['reduction'],
                (counters['gross'] * second.coefficient).quantize(D('0.01')))

    def refused(self, error, function, *words):
        "Check that the function is refused with the words in its message"
        with self.assertRaises(error) as caught:
            function()
        for word in words:
            self.assertIn(word, str(caught.exception.message))

    @with_transaction()
    def test_refuse_closed(self):
        Payslip = Pool().get('cae.payslip')
        Period = Pool().get('account.period')
        with Cooperative() as coop:
            coop.terms('Ada', fixed_part=D(500))
            payslip = coop.pay(3, 'Ada', post=False)['Ada']
            Period.write([coop.period(3)], {'state': 'closed'})
            self.refused(
                RunError, lambda: Payslip.post([payslip]), '2026-03')
            self.assertFalse(payslip.move)

    @with_transaction()
    def test_refuse_unmapped(self):
        Account = Pool().get('cae.payroll.account')
        Payslip = Pool().get('cae.payslip')
        with Cooperative() as coop:
            coop.terms('Ada', fixed_part=D(500))
            payslip = coop.pay(3, 'Ada', post=False)['Ada']
            mapping, = Account.search([
                    ('rule.code', '=', 'csa'),
                    ('company', '=', coop.company.id)])
            Account.delete([mapping])
            self.refused(
                UnmappedRuleError, lambda: Payslip.post([payslip]),
                "Solidarity", "Payroll Accounts")
            self.assertEqual(payslip.state, 'computed')

    @with_transaction()
    def test_refuse_below_fixed(self):
        Payslip = Pool().get('cae.payslip')
        with Cooperative() as coop:
            coop.terms('Ada', fixed_part=D(500))
            payslip = coop.pay(3, 'Ada', post=False)['Ada']
            payslip.wanted_gross = D('499.99')
            payslip.save()
            self.refused(
                PayslipValidationError, lambda: Payslip.compute([payslip]),
                '500.00')

    @with_transaction()
    def test_refuse_wanted(self):
        with Cooperative() as coop:
            coop.terms('Ada', fixed_part=D(500))
            self.refused(
                TermsValidationError, lambda: coop.terms(
                    'Ben', mode='wanted', fixed_part=D(500),
                    wanted_gross=D('499.99')), '499.99')

    @with_transaction()
    def test_refuse_other_company(self):
        Configuration = Pool().get('cae.configuration')
        Part = Pool().get('cae.payslip.activity')
        with Cooperative() as coop:
            coop.terms('Ada', fixed_part=D(500))
            payslip = coop.pay(3, 'Ada', post=False)['Ada']
            company = create_company(name="Other")
            with set_company(company):
                Configuration.setup_company(company)
                other = coop.get('cae.activity').special(company, 'shared')
            self.refused(PayslipValidationError, lambda: Part.create([{
                            'payslip': payslip.id, 'activity': other.id,
                            'key': D(1), 'gross': D(0), 'cost': D(0)}]),
                NAME)

    @with_transaction()
    def test_refuse_setting(self):
        Configuration = Pool().get('cae.configuration')
        with Cooperative() as coop:
            coop.terms('Ada', fixed_part=D(500))
            Configuration(1).set_multivalue('headcount', None)
            self.refused(
                PayrollConfigurationError, lambda: coop.pay(3, 'Ada'),
                "Headcount")

    @with_transaction()
    def test_refuse_not_computed(self):
        Payslip = Pool().get('cae.payslip')
        with Cooperative() as coop:
            coop.terms('Ada', fixed_part=D(500))
            payslip, = Payslip.create([{
                        'run': coop.run(3).id,
                        'contract': coop.contract('Ada').id}])
            self.refused(
                PayslipError, lambda: Payslip.post([payslip]), "Compute")

    @with_transaction()
    def test_refuse_dates(self):
        Payslip = Pool().get('cae.payslip')
        with Cooperative() as coop:
            coop.terms('Ada', fixed_part=D(500))
            contract = coop.contract('Ada')
            contract.end_date = dt.date(2026, 2, 28)
            contract.save()
            self.refused(PayslipValidationError, lambda: Payslip.create([{
                            'run': coop.run(3).id,
                            'contract': contract.id}]), '2026-03')

    @with_transaction()
    def test_refuse_unknown(self):
        Configuration = Pool().get('cae.configuration')
        with Cooperative() as coop:
            coop.terms('Ada', fixed_part=D(500))
            law_ = Configuration.payroll_setting(coop.company, 'payroll_law')
            Value = coop.get('cae.payroll.parameter.value')
            Value.delete(Value.search([
                        ('parameter.law', '=', law_.id),
                        ('parameter.code', '=', 'pss'),
                        ('start_date', '=', dt.date(2026, 1, 1))]))
            self.refused(
                LawError, lambda: coop.pay(3, 'Ada'), 'pss', "Parameters")

    @with_transaction()
    def test_refuse_posted(self):
        Part = Pool().get('cae.payslip.activity')
        Payslip = Pool().get('cae.payslip')
        with Cooperative() as coop:
            coop.terms('Ada', fixed_part=D(500))
            payslip = coop.pay(3, 'Ada')['Ada']
            for function in [
                    lambda: Payslip.write([payslip], {'gross': D(1)}),
                    lambda: Payslip.delete([payslip]),
                    lambda: payslip.lines[0].delete([payslip.lines[0]]),
                    lambda: Part.write(
                        list(payslip.activities), {'cost': D(1)}),
                    ]:
                self.refused(PayslipPostedError, function, payslip.number)

    @with_transaction()
    def test_fee_condition(self):
        "A fee that is owed as long as no salary is paid"
        Fee = Pool().get('cae.fee')
        with Cooperative() as coop:
            coop.get('cae.fee.rule').create([{
                        'name': "Work Accident",
                        'company': coop.company.id,
                        'start_date': dt.date(2026, 1, 1),
                        'base': 'fixed', 'amount': D(3),
                        'condition': 'no_pay',
                        'account': coop.account('62892').id,
                        'beneficiary': coop.get('cae.activity').special(
                            coop.company, 'shared').id,
                        }])
            activities = [coop.activity(code) for code in 'ABC']

            def charged(month):
                return {
                    f.activity.code: f.amount for f in Fee.charge(
                        activities, coop.period(month))}
            self.assertEqual(charged(1), {'A': 3, 'B': 3, 'C': 3})
            coop.terms('Ada', mode='fixed', fixed_part=D(500))
            coop.pay(1, 'Ada')
            # Ada also holds C
            self.assertEqual(charged(2), {'B': 3})
            coop.pay(2, 'Ada', post=False)
            self.assertEqual(charged(3), {'A': 3, 'B': 3, 'C': 3})

    @with_transaction()
    def test_closing(self):
        "The step pays, tells what is missing and does nothing twice"
        Closing = Pool().get('cae.closing')
        Payslip = Pool().get('cae.payslip')
        with Cooperative() as coop:
            coop.earn('A', '3000.00')
            coop.terms('Ada', fixed_part=D(500))
            coop.terms(
                'Cid', mode='fixed', fixed_part=D(2300), weekly_hours=D(35))
            closing, = Closing.create([{
                        'company': coop.company.id,
                        'period': coop.period(3).id}])
            codes = [code for code, _ in Closing._steps()]
            self.assertLess(codes.index('fee'), codes.index('pay'))
            self.assertLess(codes.index('pay'), codes.index('statement'))
            contracts = closing._items_pay()
            self.assertEqual(
                {c.person.name for c in contracts}, {'Ada', 'Cid'})
            for record in closing._locks_pay():
                record.__class__.lock([record])
            closing._run_pay(contracts)
            payslips = Payslip.search([])
            self.assertEqual(len(payslips), 2)
            self.assertEqual({p.state for p in payslips}, {'posted'})
            run = coop.run(3)
            self.assertEqual(run.state, 'posted')
            self.assertEqual(run.closing, closing)
            closing._run_pay(closing._items_pay())
            self.assertEqual(len(Payslip.search([])), 2)
            attention = [
                a for a in closing._attention() if a['kind'] == 'pay_terms']
            self.assertEqual(len(attention), 1)
            self.assertIn('Ben', attention[0]['message'])

    @with_transaction()
    def test_check_accounts(self):
        "The accounts of pay, charges and bodies got what payslips say"
        codes = ['charges', 'contributions']
        with Cooperative() as coop:
            coop.earn('A', '3000.00')
            coop.terms('Ada', fixed_part=D(500))
            coop.terms(
                'Cid', mode='fixed', fixed_part=D(2300), weekly_hours=D(35))
            closing = coop.closing(3)

            def checked():
                return {v['code']: v for v in closing._checked(codes)}

            for check in checked().values():
                self.assertEqual(
                    (check['state'], check['found']), ('right', 0))
            payslips = list(coop.pay(3, 'Ada', 'Cid').values())
            checks = checked()
            self.assertEqual({v['state'] for v in checks.values()}, {'right'})
            cost = sum(p.cost for p in payslips)
            for check in checks.values():
                self.assertEqual(
                    (check['expected'], check['found']), (cost, cost))
            reduction = coop.account('64519')
            for query, wrong in [
                    ("UPDATE account_move_line SET credit = credit + 1 "
                        f"WHERE account = {reduction.id} AND credit > 0 ",
                        {'charges'}),
                    ("UPDATE cae_payslip_line SET employer = employer + 1 "
                        "WHERE id = (SELECT MAX(line.id) "
                        "FROM cae_payslip_line line "
                        "JOIN cae_payroll_rule rule ON rule.id = line.rule "
                        "WHERE rule.kind = 'reduction')", {*codes}),
                    ("UPDATE cae_payslip SET net_paid = net_paid + 1 WHERE "
                        "id = (SELECT MAX(id) FROM cae_payslip)",
                        {'contributions'}),
                    ]:
                with self.subTest(query=query), undone():
                    cursor = Transaction().connection.cursor()
                    cursor.execute(query)
                    self.assertTrue(cursor.rowcount)
                    checks = checked()
                    self.assertEqual({
                            code for code, v in checks.items()
                            if v['state'] == 'look'}, wrong)
                    if wrong == {'charges'}:
                        self.assertIn(
                            str(reduction.id), checks['charges']['records'])

    @with_transaction()
    def test_prepared_by_hand(self):
        "The closing computes and posts what payroll prepared"
        Closing = Pool().get('cae.closing')
        Payslip = Pool().get('cae.payslip')
        with Cooperative() as coop:
            coop.earn('A', '3000.00')
            coop.terms('Ada', fixed_part=D(500))
            Payslip.create([{
                        'run': coop.run(3).id,
                        'contract': coop.contract('Ada').id,
                        'wanted_gross': D('700.00'),
                        }])
            closing, = Closing.create([{
                        'company': coop.company.id,
                        'period': coop.period(3).id}])
            closing._run_pay(closing._items_pay())
            payslip, = Payslip.search([])
            self.assertEqual(payslip.gross, D('700.00'))
            self.assertEqual(payslip.state, 'posted')

    @with_transaction()
    def test_prepared_in_vain(self):
        "What was prepared and has nothing to pay any more is dropped"
        Closing = Pool().get('cae.closing')
        Payslip = Pool().get('cae.payslip')
        with Cooperative() as coop:
            coop.earn('A', '1000.00')
            coop.terms('Ada')
            coop.terms('Ben', fixed_part=D(500))
            coop.pay(3, 'Ada', 'Ben', post=False)
            coop.earn('A', '-1000.00')
            closing, = Closing.create([{
                        'company': coop.company.id,
                        'period': coop.period(3).id}])
            closing._run_pay(closing._items_pay())
            payslip, = Payslip.search([])
            self.assertEqual(payslip.party.name, 'Ben')
            self.assertEqual(payslip.state, 'posted')

    @with_transaction()
    def test_attention_above_budget(self):
        Closing = Pool().get('cae.closing')
        with Cooperative() as coop:
            for name in ['Ada', 'Ben']:
                coop.terms(name, fixed_part=D(500))
            holder, = coop.activity('A').holders
            holder.entrepreneur = coop.contract('Ben').entrepreneur
            holder.save()
            closing, = Closing.create([{
                        'company': coop.company.id,
                        'period': coop.period(3).id}])
            closing._run_pay(closing._items_pay())
            self.assertEqual(
                sorted(
                    a['record'] for a in closing._attention()
                    if a['kind'] == 'above_budget'),
                sorted(
                    str(coop.contract(name).person)
                    for name in ['Ada', 'Ben']))

    @with_transaction()
    def test_attention_records(self):
        "Who keeps the accounts and no pay opens what needs attention"
        Attention = Pool().get('cae.closing.attention')
        with Cooperative() as coop:
            user = create_user(
                'bookkeeper', coop.company, 'account.group_account')
            with set_user(user):
                view = Attention.fields_view_get(view_type='tree')
                self.assertIn('record', view['fields'])

    @with_transaction()
    def test_without_activity(self):
        Closing = Pool().get('cae.closing')
        with Cooperative() as coop:
            coop.terms('Ada', fixed_part=D(500))
            for code in ['A', 'C']:
                coop.get('cae.activity.holder').write(
                    list(coop.activity(code).holders),
                    {'to_date': dt.date(2026, 2, 28)})
            closing, = Closing.create([{
                        'company': coop.company.id,
                        'period': coop.period(3).id}])
            closing._run_pay(closing._items_pay())
            messages = [
                a['message'] for a in closing._attention()
                if a['kind'] == 'pay_terms']
            self.assertTrue(any("holds no activity" in m for m in messages))

    @with_transaction()
    def test_left_in_the_month(self):
        "Who left is paid by what they held last, unless others hold it"
        Activity = Pool().get('cae.activity')
        Holder = Pool().get('cae.activity.holder')
        with Cooperative() as coop:
            end = dt.date(2026, 3, 15)
            for code in ['A', 'B', 'C']:
                coop.earn(code, '5000.00')
            for name in ['Ada', 'Ben']:
                coop.terms(name, basis='invoiced')
            contract = coop.contract('Ada')
            contract.end_date = end
            contract.save()
            shared = coop.activity('C')
            Holder.write(
                list(coop.activity('A').holders), {'to_date': end})
            Activity.write([shared], {'holders': [
                        ('write', [h.id for h in shared.holders],
                            {'to_date': end}),
                        ('create', [{
                                    'entrepreneur': coop.contract(
                                        'Ben').entrepreneur.id,
                                    'from_date': dt.date(2026, 3, 16),
                                    }])]})
            payslips = coop.pay(3, 'Ada', 'Ben')
            self.assertEqual(payslips['Ada'].budget, D(5000))
            self.assertEqual(
                [p.activity.code for p in payslips['Ada'].activities], ['A'])
            self.assertEqual(payslips['Ben'].budget, D(10000))
            # In the month after nobody is paid by it
            self.assertNotIn('Ada', coop.pay(4, 'Ada', 'Ben', post=False))

    @with_transaction()
    def test_printed_groups(self):
        "The printed lines add up to the payslip"
        with Cooperative() as coop:
            coop.terms('Ada', mode='fixed', fixed_part=D(5000))
            payslip = coop.pay(3, 'Ada')['Ada']
            groups = payslip.printed_groups
            self.assertEqual(groups[0][0].code, 'pay')
            self.assertEqual(
                sum(line.employer for _, lines in groups for line in lines),
                payslip.cost)
            lines = {
                line.label: line for _, lines in groups for line in lines}
            slice_1 = lines["Complementary pension, slice 1"]
            self.assertEqual(slice_1.base, D('4005.00'))
            self.assertEqual(slice_1.employee_rate, D('0.0401'))
            other = lines["Other contributions of the employer"]
            self.assertIsNone(other.base)

    @with_transaction()
    def test_settlement(self):
        "What is not posted or paid is shown to who leaves or closes"
        Payslip = Pool().get('cae.payslip')
        Settlement = Pool().get('cae.settlement')
        with Cooperative() as coop:
            end = dt.date(2026, 4, 15)
            coop.terms('Ada', mode='fixed', fixed_part=D(1000))
            coop.terms('Ben', mode='fixed', fixed_part=D(1000))
            coop.pay(1, 'Ada')
            ada = coop.pay(2, 'Ada', post=False)['Ada']
            ben = coop.pay(2, 'Ben', post=False)['Ben']
            contract = coop.contract('Ada')
            contract.end_date = end
            contract.save()

            def found(settlement):
                Settlement.check([settlement])
                return {
                    str(f.origin): (f.blocking, f.message)
                    for f in Settlement(settlement.id).facts}
            exit_, closing = Settlement.create([
                    {'entrepreneur': contract.entrepreneur.id, 'date': end},
                    {'activity': coop.activity('B').id, 'date': end}])
            facts = found(exit_)
            self.assertFalse(facts[str(ada)][0])
            self.assertNotIn(str(ben), facts)
            # The last fact of the contract is that of the pay
            self.assertIn("02/2026 to 04/2026", facts[str(contract)][1])
            facts = found(closing)
            self.assertTrue(facts[str(ben)][0])
            self.assertNotIn(str(ada), facts)
            Payslip.post([ada, ben])
            facts = found(exit_)
            self.assertNotIn(str(ada), facts)
            self.assertIn("03/2026 to 04/2026", facts[str(contract)][1])
            self.assertNotIn(str(ben), found(closing))
            coop.pay(3, 'Ada')
            coop.pay(4, 'Ada')
            self.assertFalse(any(
                    "No pay" in m for _, m in found(exit_).values()))

    @with_transaction()
    def test_simulation(self):
        "What the closing would pay, of one's own contract only"
        pool = Pool()
        Date = pool.get('ir.date')
        Group = pool.get('res.group')
        Simulation = pool.get('cae.payslip.simulation', type='wizard')
        User = pool.get('res.user')

        def simulate(c, user, contract, gross=None):
            with Transaction().set_user(user.id), \
                    Transaction().set_context(
                        User.get_preferences(context_only=True)):
                session, _, _ = Simulation.create()
                start = Simulation.execute(session, {}, 'start')
                values = {'contract': contract.id, 'gross': gross}
                result = Simulation.execute(
                    session, {'start': {
                            'contracts': [], **values}}, 'compute')
                Simulation.delete(session)
            return start['view']['defaults'], result['view']['defaults']
        with Cooperative() as c, patch.object(
                Date, 'today', lambda *args, **kwargs: dt.date(2026, 1, 20)):
            c.terms('Ada', fixed_part=D(150), reserve=D(10), rate='0.035')
            c.earn('A', 2262)
            c.earn('C', 100)
            group, = Group.search([('name', '=', "CAE Entrepreneur")])
            entrepreneur = c.contract('Ada').entrepreneur
            entrepreneur.user, = User.create([{
                        'name': "Ada", 'login': 'ada',
                        'companies': [('add', [c.company.id])],
                        'company': c.company.id,
                        'groups': [('add', [group.id])],
                        }])
            entrepreneur.save()
            user = entrepreneur.user
            start, result = simulate(c, user, c.contract('Ada'))
            self.assertEqual(start['contract'], c.contract('Ada').id)
            payslip = c.pay(1, 'Ada', post=False)['Ada']
            self.assertEqual(result['budget'], D('2312'))
            for name in ['gross', 'cost', 'net_paid', 'withholding']:
                self.assertEqual(result[name], getattr(payslip, name), name)
            self.assertEqual(
                result['left'], result['budget'] - result['cost'])
            self.assertGreaterEqual(result['left'], 0)
            _, result = simulate(c, user, c.contract('Ada'), D(500))
            self.assertEqual(result['gross'], 500)
            with self.assertRaises(PayslipError):
                simulate(c, user, c.contract('Ben'))


del ModuleTestCase
