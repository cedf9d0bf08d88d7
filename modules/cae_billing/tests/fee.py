# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The rules of the fees, as cooperatives write them."""
import datetime as dt
from decimal import Decimal as D
from unittest.mock import patch

from trytond.model.exceptions import (
    RequiredValidationError, SelectionValidationError, SQLConstraintError,
    ValidationError)
from trytond.modules.cae_billing.exceptions import FeePostedError, FeeRuleError
from trytond.modules.cae_members.tests.server import (
    clear_cache, undone, with_transaction)
from trytond.pool import Pool
from trytond.transaction import Transaction

from .closing import Counter
from .tools import YEAR, Cooperative, create_party


def date(month, day=10):
    return dt.date(YEAR, month, day)


def end(month):
    return dt.date(YEAR + month // 12, month % 12 + 1, 1) - dt.timedelta(1)


class FeeMixin:

    def assertFees(self, cooperative, month, **expected):
        "The sums of the fees charged in the month by code of the activity"
        Fee = Pool().get('cae.fee')
        fees = Fee.charge(
            cooperative.activities(), cooperative.period(month))
        found = dict.fromkeys(expected, D(0))
        for fee in fees:
            code = fee.activity.code
            found[code] = found.get(code, D(0)) + fee.amount
        found = {k: v for k, v in found.items() if v or k in expected}
        self.assertEqual(
            found, {k: D(v) for k, v in expected.items()}, month)

    def type(self, code):
        Type = Pool().get('cae.contract.type')
        type_, = Type.search(
            [('code', '=', code), ('country_code', '=', 'FR')])
        return type_

    def employee(self, cooperative):
        Employee = Pool().get('company.employee')
        employee, = Employee.create([{
                    'company': cooperative.company.id,
                    'party': create_party("Advisor").id}])
        return employee

    def exempt(self, cooperative, rule, code, from_date, to_date=None):
        Exemption = Pool().get('cae.fee.exemption')
        exemption, = Exemption.create([{
                    'rule': rule.id,
                    'activity': cooperative.activity(code).id,
                    'from_date': from_date,
                    'to_date': to_date,
                    'reason': "Long illness",
                    'decided_by': self.employee(cooperative).id,
                    }])
        return exemption

    def belgium(self, cooperative):
        "Move the cooperative to Belgium"
        Country = Pool().get('country.country')
        country, = Country.create([{'name': "Belgium", 'code': 'BE'}])
        address = cooperative.company.party.address_get()
        address.country = country
        address.save()
        clear_cache()

    # The published rules, and the examples of the texts

    @with_transaction()
    def test_fee_published_invoices(self):
        "11, 10 and 9 % of what is invoiced, minimums by contract"
        with Cooperative.enter() as c:
            rule = c.rule(
                tiers=[(40000, '0.11'), (80000, '0.10'), (None, '0.09')],
                base='invoiced', decision="Règlement intérieur",
                minimums=[('create', [
                            {'type': self.type('cape').id,
                                'yearly_minimum': D(1200)},
                            {'type': self.type('cesa').id,
                                'yearly_minimum': D(2160)},
                            ])])
            self.exempt(c, rule, 'A2', date(7, 1))
            c.sale(date(1), 'A1', 30000)
            # The minimum of a CESA is 180 a month, that of a CAPE 100
            self.assertFees(c, 1, A1=3300, A2=180, A3=100)
            c.sale(date(6), 'A1', 60000)
            self.assertFees(c, 6, A1=6000, A2=900, A3=500)
            self.assertFees(c, 12, A3=600)
            self.assertEqual(
                sum(f.amount for f in c.search('cae.fee', (
                            'activity.code', '=', 'A1'))), 9300)

    @with_transaction()
    def test_fee_published_receipts(self):
        "10, 8 and 6 % of what is collected, and an insurance of 16 a month"
        with Cooperative.enter() as c:
            c.rule(tiers=[(35000, '0.10'), (45000, '0.08'), (None, '0.06')])
            c.rule('62892', [], name="Insurance", base='fixed', amount=D(16))
            invoice = c.sale(date(1), 'A1', 50000)
            c.pay(date(2), invoice, amount=48000)
            self.assertFees(c, 1, A1=16, A2=16, A3=16)
            # 48,000 of 60,000 with VAT: 40,000 collected
            self.assertFees(c, 2, A1=3900 + 16, A2=16, A3=16)
            c.pay(date(3), invoice)
            self.assertFees(c, 3, A1=700 + 16, A2=16, A3=16)

    @with_transaction()
    def test_fee_examples(self):
        "12 % up to 30,000, then 8 %: 5,040 of 48,000"
        with Cooperative.enter() as c:
            c.rule(tiers=[(30000, '0.12'), (None, '0.08')], base='invoiced')
            c.sale(date(1), 'A1', 48000)
            self.assertFees(c, 1, A1=5040)
            # Each month alone
            c.rule('62892', [(1000, '0.12'), (None, '0.08')],
                base='invoiced', tiers_on='month', start_date=date(2, 1))
            c.sale(date(2), 'A2', 1500)
            self.assertFees(c, 2, A2=180 + 160)
            # A credit note of February
            c.sale(date(2, 20), 'A2', -600)
            c.sale(date(3), 'A2', 1500)
            self.assertFees(c, 3, A2=108 + 160 - 52)

    # Conditions

    @with_transaction()
    def test_fee_contracts(self):
        "Other rates under a CAPE and a CESA, and after the exit"
        Contract = Pool().get('cae.contract')
        with Cooperative.enter() as c:
            for code, rate in [('cape', '0.12'), ('cesa', '0.10')]:
                c.rule(
                    tiers=[(None, rate)], base='invoiced', contract_types=[
                        ('add', [self.type(code).id])])
            cape, = c.search(
                'cae.contract', ('entrepreneur.code', '=', 'A3'))
            cape.end_date = date(6, 30)
            cape.save()
            Contract.end([cape])
            cesa = Contract(
                entrepreneur=cape.entrepreneur, type=self.type('cesa'),
                start_date=date(7, 1), end_date=date(9, 15))
            cesa.save()
            Contract.confirm_clauses([cesa])
            Contract.sign([cesa])
            c.sale(date(6), 'A1', 1000)
            c.sale(date(6), 'A3', 1000)
            self.assertFees(c, 6, A1=100, A3=120)
            # What is late for June follows the contract of June
            c.sale(date(6, 20), 'A3', -500)
            c.sale(date(9), 'A1', 1000)
            c.sale(date(9), 'A3', 1000)
            self.assertFees(c, 9, A1=100, A3=100 - 60)
            # What comes after the exit follows the last contract
            c.sale(date(11), 'A3', -200)
            self.assertFees(c, 11, A3=-20)

    @with_transaction()
    def test_fee_conditions(self):
        "Sectors, chosen activities, associates, free months: rules add up"
        pool = Pool()
        Trade = pool.get('cae.trade')
        with Cooperative.enter() as c:
            trade, = Trade.create([{'name': "Joiner", 'sector': 'crafts'}])
            activity = c.activity('A1')
            activity.trade = trade
            activity.save()
            entrepreneur, = c.search('cae.entrepreneur', ('code', '=', 'A2'))
            entrepreneur.associate_date = date(3, 31)
            entrepreneur.save()
            for account, amount, values in [
                    ('62891', 1, {'sectors': ['crafts']}),
                    ('62892', 10, {'activities': [
                                ('add', [c.activity('A3').id])]}),
                    ('62893', 100, {'associates': 'only'}),
                    ('62891', 1000, {'associates': 'except',
                            'free_months': 3}),
                    ]:
                c.rule(account, [], base='fixed', amount=D(amount), **values)
            self.assertFees(c, 1, A1=1, A3=10)
            self.assertFees(c, 3, A1=2, A2=100, A3=20)
            self.assertFees(c, 4, A1=1001, A2=100, A3=1010)

    @with_transaction()
    def test_fee_categories(self):
        "A base of the lines of a category, and of all others"
        pool = Pool()
        Category = pool.get('product.category')
        Invoice = pool.get('account.invoice')
        Line = pool.get('account.invoice.line')
        Template = pool.get('product.template')
        Uom = pool.get('product.uom')
        with Cooperative.enter() as c:
            unit, = Uom.search([('name', '=', "Unit")])
            parent, = Category.create([{'name': "Goods"}])
            category, = Category.create([
                    {'name': "Books", 'parent': parent.id}])
            accounting, = Category.create([{
                        'name': "Goods", 'accounting': True,
                        'account_revenue': c.account('7071').id}])
            template, = Template.create([{
                        'name': "Book", 'type': 'goods',
                        'default_uom': unit.id, 'list_price': D(10),
                        'categories': [('add', [category.id])],
                        'account_category': accounting.id,
                        'products': [('create', [{}])],
                        }])
            for account, rate, base, mode in [
                    ('62891', '0.05', 'invoiced', 'only'),
                    ('62892', '0.05', 'collected', 'only'),
                    ('62891', '0.10', 'invoiced', 'except'),
                    ('62892', '0.10', 'collected', 'except'),
                    ]:
                c.rule(
                    account, [(None, rate)], base=base, category_mode=mode,
                    categories=[('add', [parent.id])])
            invoice = c.draft(
                date(1), ('A1', 400, '7071', []), ('A1', 600, '706', []))
            Line.write([invoice.lines[0]], {
                    'product': template.products[0].id, 'unit': unit.id})
            Invoice.post([invoice])
            invoice = Invoice(invoice.id)
            c.pay(date(2), invoice, amount=500)
            self.assertFees(c, 1, A1=20 + 60)
            self.assertFees(c, 2, A1=10 + 30)
            c.pay(date(3), invoice)
            self.assertFees(c, 3, A1=10 + 30)
            # A line without product is of no category
            c.invoice(date(4), ('A1', 100, '706', []))
            self.assertFees(c, 4, A1=10)

    @with_transaction()
    def test_fee_margin(self):
        "Turnover less purchases; a negative margin owes nothing"
        with Cooperative.enter() as c:
            account = c.account('6064')
            c.rule(
                base='margin_invoiced',
                deducted_accounts=[('add', [account.id])])
            c.rule('62892', base='margin_collected', deducted_types=[
                    ('add', [account.type.id])])
            invoice = c.invoice(date(1), ('A1', 1000, '706', []))
            for code, amount, other in [
                    ('A1', 300, '6064'), ('A2', 50, '6064'),
                    ('A1', 100, '6236')]:
                c.invoice(date(1), (code, amount, other, []), type='in')
            self.assertFees(c, 1, A1=70)
            c.pay(date(2), invoice)
            # Both accounts are of the type
            self.assertFees(c, 2, A1=60)

    @with_transaction()
    def test_fee_exemption(self):
        "A month is exempt when the exemption holds on its last day"
        with Cooperative.enter() as c:
            rule = c.rule(base='invoiced', monthly_minimum=D(5))
            self.exempt(c, rule, 'A1', date(2, 15), date(4, 15))
            for month in range(1, 5):
                c.sale(date(month), 'A1', 1000)
            self.assertFees(c, 1, A1=100, A2=5, A3=5)
            self.assertFees(c, 2, A2=5, A3=5)
            self.assertFees(c, 3, A2=5, A3=5)
            self.assertFees(c, 4, A1=100, A2=5, A3=5)
            # Granted afterwards, it gives back what was charged
            self.exempt(c, rule, 'A1', date(4, 1), date(4, 30))
            self.assertFees(c, 5, A1=5, A2=5, A3=5)
            self.assertEqual(c.search(
                    'cae.fee', ('activity.code', '=', 'A1'),
                    ('period', '=', c.period(5).id))[0].due_change, -100)

    @with_transaction()
    def test_fee_individual(self):
        "Amounts agreed with an activity, from a month to another"
        Charge = Pool().get('cae.fee.charge')
        with Cooperative.enter() as c:
            rule = c.rule('62892', [], name="Tools", base='individual')
            Charge.create([{
                        'rule': rule.id,
                        'activity': c.activity(code).id,
                        'from_date': date(from_month, 1),
                        'to_date': to_month and end(to_month),
                        'amount': D(amount),
                        'description': "Rent of a vehicle",
                        } for code, from_month, to_month, amount in [
                        ('A1', 1, 2, 30), ('A1', 2, None, 7),
                        ('B1', 1, None, 9)]])
            self.assertFees(c, 1, A1=30)
            self.assertFees(c, 3, A1=37 + 7)
            with undone(), self.assertRaises(ValidationError):
                Charge.write(
                    Charge.search([], limit=1),
                    {'rule': c.rule(base='invoiced').id})

    @with_transaction()
    def test_fee_follow(self):
        "A rule that ended is followed by another and still corrected"
        pool = Pool()
        Rule = pool.get('cae.fee.rule')
        Tier = pool.get('cae.fee.tier')
        with Cooperative.enter() as c:
            rule = c.rule(base='invoiced')
            c.sale(date(1), 'A1', 1000)
            self.assertFees(c, 1, A1=100)
            with undone(), self.assertRaisesRegex(FeeRuleError, "End the"):
                c.rule(
                    tiers=[(None, '0.12')], base='collected',
                    start_date=date(2, 1))
            for operation in [
                    lambda: Rule.write([rule], {'monthly_minimum': D(1)}),
                    lambda: Rule.write([rule], {'base': 'collected'}),
                    lambda: Tier.write(list(rule.tiers), {'rate': D(0)}),
                    lambda: Tier.delete(list(rule.tiers)),
                    lambda: Tier.create([{'rule': rule.id, 'rate': D(0)}]),
                    ]:
                with undone(), self.assertRaisesRegex(
                        FeePostedError, "End it and create"):
                    operation()
            Rule.write([rule], {'end_date': date(1, 31)})
            other = c.rule(
                tiers=[(None, '0.12')], base='invoiced',
                start_date=date(2, 1))
            c.sale(date(1, 20), 'A1', -500)
            c.sale(date(2), 'A1', 1000)
            self.assertFees(c, 2, A1=120 - 50)
            with undone(), self.assertRaisesRegex(FeeRuleError, "End the"):
                Rule.write([rule], {'end_date': None})
            # Not for the same
            c.rule(
                tiers=[(None, '0.12')], base='invoiced',
                start_date=date(2, 1), activities=[
                    ('add', [c.activity('A2').id])])
            c.rule(tiers=[], base='fixed', amount=D(1), active=False)
            Rule.write([other], {'active': False})
            copy, = Rule.copy([c.rule(base='invoiced', start_date=date(2, 1))])
            self.assertFalse(copy.active)

    @with_transaction()
    def test_fee_input_refused(self):
        "What is no amount, no rate or does not fit is refused with its reason"
        pool = Pool()
        Charge = pool.get('cae.fee.charge')
        Exemption = pool.get('cae.fee.exemption')
        Rule = pool.get('cae.fee.rule')
        with Cooperative.enter() as c:
            for value in ['NaN', 'Infinity', '1e400', '-1', '-0.01']:
                value = D(value)
                for values in [
                        {'base': 'fixed', 'amount': value, 'tiers': []},
                        {'tiers': [(None, value)]},
                        {'tiers': [(value, '0.1'), (None, '0.1')]},
                        {'monthly_minimum': value},
                        {'yearly_minimum': value},
                        {'yearly_maximum': value},
                        {'minimums': [('create', [{
                                            'type': self.type('cape').id,
                                            'yearly_minimum': value}])]},
                        ]:
                    with self.subTest(values=values), undone(), \
                            self.assertRaisesRegex(
                                FeeRuleError, "type a number"):
                        c.rule(**values)
            for message, values in [
                    ("whole", {'tiers': [(None, '12')]}),
                    ("deduct", {'base': 'margin_invoiced'}),
                    ("above its yearly maximum", {
                            'yearly_minimum': D(2), 'yearly_maximum': D(1)}),
                    ("above its yearly maximum", {
                            'yearly_maximum': D(1),
                            'minimums': [('create', [{
                                            'type': self.type('cape').id,
                                            'yearly_minimum': D(2)}])]}),
                    ]:
                with self.subTest(values=values), undone(), \
                        self.assertRaisesRegex(FeeRuleError, message):
                    c.rule(**values)
            for error, values in [
                    (RequiredValidationError, {'tiers': []}),
                    (RequiredValidationError, {'base': 'fixed', 'tiers': []}),
                    (SelectionValidationError, {'condition': 'no_rain'}),
                    (ValidationError, {'free_months': -1}),
                    (ValidationError, {'end_date': dt.date(YEAR - 1, 12, 31)}),
                    (ValidationError, {'activities': [
                                ('add', [c.activity('S').id])]}),
                    ]:
                with self.subTest(values=values), undone(), \
                        self.assertRaises(error):
                    c.rule(**values)
            self.assertEqual(Rule.search([]), [])
            rule = c.rule('62892', [], base='individual')
            for Model, values in [
                    (Exemption, {
                            'reason': "Illness",
                            'decided_by': self.employee(c).id}),
                    (Charge, {'amount': D(1), 'description': "Tools"}),
                    ]:
                with undone(), self.assertRaisesRegex(
                        FeeRuleError, "ends before"):
                    Model.create([{
                                'rule': rule.id,
                                'activity': c.activity('A1').id,
                                'from_date': date(2), 'to_date': date(1),
                                **values}])
            cape = {'type': self.type('cape').id}
            with self.assertRaises(SQLConstraintError):
                c.rule(minimums=[('create', [cape, cape])])

    # Caps

    @with_transaction()
    def test_fee_cap(self):
        "In Belgium the fees never take more than 15 % of the year to date"
        with Cooperative.enter() as c:
            self.belgium(c)
            with undone(), self.assertRaisesRegex(FeeRuleError, "15.01 %"):
                c.rule(tiers=[(None, '0.1501')])
            c.rule(tiers=[(None, '0.15')], base='invoiced')
            c.sale(date(1), 'A1', 8000)
            with undone():
                self.assertFees(c, 1, A1=1200)
                c.sale(date(2), 'A1', -1000)
                self.assertFees(c, 2, A1=-150)
            # Together with another rate, at the date when both hold
            with undone(), self.assertRaisesRegex(
                    FeeRuleError, "16.00 % on 06/01/2025"):
                c.rule(
                    '62892', [(None, '0.01')], start_date=date(6, 1))
            # Minimums and fixed amounts are in the cap
            c.rule('62893', [], base='fixed', amount=D(100))
            self.assertFees(c, 1, A1=1200)
            c.sale(date(2), 'A1', -1000)
            c.sale(date(2), 'A2', 1000)
            # 100 were owed since January and the cap is 150
            self.assertFees(c, 2, A1=-150, A2=150)
            c.sale(date(3), 'A2', 1000)
            self.assertFees(c, 3, A2=150)

    @with_transaction()
    def test_fee_cap_collected(self):
        "What was invoiced before the year counts when it is collected in it"
        with Cooperative.enter() as c:
            self.belgium(c)
            c.rule(tiers=[(None, '0.15')])
            invoice = c.sale(date(1), 'A1', 1000)
            c.pay(date(2), invoice, amount=600)
            self.assertFees(c, 1)
            self.assertFees(c, 2, A1=75)
            # A credit note that nobody paid back yet lowers the cap
            c.pay(date(3), invoice)
            c.sale(date(3), 'A1', -200)
            self.assertFees(c, 3, A1=45)

    @with_transaction()
    def test_fee_cap_together(self):
        "Rates add up only for those whom both rules can concern"
        Category = Pool().get('product.category')
        with Cooperative.enter() as c:
            self.belgium(c)
            goods, = Category.create([{'name': "Goods"}])
            add = [('add', [goods.id])]
            c.rule(
                tiers=[(1000, '0.15'), (None, '0.05')],
                contract_types=[('add', [self.type('cesa').id])])
            c.rule(
                tiers=[(None, '0.12')], base='invoiced',
                contract_types=[('add', [self.type('cape').id])],
                categories=add)
            c.rule(
                '62892', [(None, '0.10')], category_mode='except',
                categories=add, contract_types=[
                    ('add', [self.type('cape').id])])
            c.rule('62893', [(1000, '0'), (None, '0.10')], contract_types=[
                    ('add', [self.type('cesa').id])])
            with self.assertRaisesRegex(FeeRuleError, "18.00 %"):
                c.rule('62893', [(None, '0.06')], contract_types=[
                        ('add', [self.type('cape').id])])

    @with_transaction()
    def test_fee_usual(self):
        "In France an unusual rate is pointed out and accepted"
        Rule = Pool().get('cae.fee.rule')
        with Cooperative.enter() as c:
            def notified(*rates, base='collected'):
                rule = Rule(
                    id=None, company=c.company, start_date=date(1), base=base,
                    tiers=[{'up_to': None, 'rate': r} for r in rates],
                    tiers_on='year', contract_types=[], associates=None,
                    sectors=[], activities=[], categories=[],
                    category_mode='only')
                return [m for _, m in rule.on_change_notify()]
            message, = notified(D('0.16'))
            self.assertIn("10.00 to 15.00", message)
            self.assertEqual(len(notified(D('0.09'))), 1)
            self.assertEqual(notified(D('0.10')), [])
            self.assertEqual(notified(None), [])
            self.assertEqual(notified(base='fixed'), [])
            c.rule(tiers=[(None, '0.10')])
            self.assertEqual(notified(D('0.015')), [])
            message, = notified(D('0.06'))
            self.assertIn("16.00 %", message)
            c.rule('62892', [(None, '0.16')])

    # Simulation and bulk

    @with_transaction()
    def test_fee_simulate(self):
        "The fees of a year under a rule are read without posting any"
        pool = Pool()
        Fee = pool.get('cae.fee')
        Simulate = pool.get('cae.fee.simulate', type='wizard')
        Start = pool.get('cae.fee.simulate.start')
        with Cooperative.enter() as c:
            rule = c.rule(
                tiers=[(40000, '0.11'), (80000, '0.10'), (None, '0.09')],
                minimums=[('create', [{'type': self.type('cesa').id,
                                'yearly_minimum': D(2160)}])])
            session, _, _ = Simulate.create()
            with Transaction().set_context(
                    active_model='cae.fee.rule', active_id=rule.id,
                    active_ids=[rule.id]):
                start = Start(**Simulate(session).default_start([]))
            self.assertEqual((start.rule, start.total), (rule, 0))
            start.year = D(90000)
            start.on_change_year()
            self.assertEqual(start.total, 9300)
            self.assertEqual(
                [m.fee for m in start.months],
                [825] * 5 + [775] + [750] * 4 + [725] + [675])
            for month in start.months:
                month.base = D(0)
            start.type = self.type('cesa')
            start.on_change_type()
            self.assertEqual([m.fee for m in start.months], [180] * 12)
            start.year = D('NaN')
            with self.assertRaisesRegex(FeeRuleError, "type a number"):
                start.on_change_year()
            self.assertFalse(Fee.search([]))

    @with_transaction()
    def test_fee_queries(self):
        "The number of queries does not follow that of activities"
        pool = Pool()
        Activity = pool.get('cae.activity')
        Fee = pool.get('cae.fee')
        with Cooperative.enter() as c:
            rule = c.rule(
                tiers=[(1000, '0.12'), (None, '0.08')], tiers_on='month',
                minimums=[('create', [{'type': self.type('cesa').id,
                                'yearly_minimum': D(2160)}])])
            c.rule('62892', [], base='fixed', amount=D(16),
                associates='except', free_months=2)
            c.rule('62893', [], base='individual')
            self.exempt(c, rule, 'A1', date(2))
            c.pay(date(1), c.sale(date(1), 'A1', 100), amount=50)
            a1 = c.activity('A1')
            holder = a1.holders[0].entrepreneur.id
            Activity.create([{
                        'name': f"N{i}", 'holders': [('create', [{
                                        'entrepreneur': holder,
                                        'from_date': date(1)}])],
                        } for i in range(18)])

            def count(activities):
                clear_cache()
                cursor = Transaction().connection.cursor
                calls = []
                with patch.object(
                        Transaction(), 'connection') as connection:
                    connection.cursor = lambda **kwargs: Counter(
                        cursor(**kwargs), calls)
                    fees = Fee.compute(activities, c.period(3))
                self.assertEqual(
                    len({f['activity'] for f in fees}), len(activities))
                return len(calls)
            activities = Activity.search([('holders', '!=', None)])
            ids = [a.id for a in activities if a.code != 'B1']
            self.assertGreater(len(ids), 20)
            count(Activity.browse(ids))
            self.assertEqual(
                count(Activity.browse(ids[:2])),
                count(Activity.browse(ids[:20])))
