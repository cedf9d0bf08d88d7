# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Expense sheets and mileage, from the entry to the refund."""
import datetime as dt
import zipfile
from contextlib import contextmanager
from decimal import Decimal as D
from io import BytesIO
from unittest.mock import patch

from trytond.model.exceptions import (
    AccessButtonError, AccessError, DomainValidationError,
    RequiredValidationError, SQLConstraintError)
from trytond.modules.account.exceptions import PeriodNotFoundError
from trytond.modules.cae_billing.exceptions import (
    ActivityClosedError, ApprovalError, ExpenseAccessError, ExpenseError,
    ExpenseValidationError, MonthClosedError, SetupError)
from trytond.modules.cae_members.tests.deadline import on
from trytond.modules.cae_members.tests.server import (
    clear_cache, undone, with_transaction)
from trytond.modules.company.tests import create_employee
from trytond.pool import Pool
from trytond.transaction import Transaction, check_access

from .tools import YEAR, Cooperative

MARCH = dt.date(YEAR, 3, 24)
TODAY = dt.date(YEAR, 6, 30)


def date(month, day=10):
    return dt.date(YEAR, month, day)


@contextmanager
def acting(user):
    "Act as the user does through the client"
    User = Pool().get('res.user')
    with Transaction().set_user(user.id), check_access(), \
            Transaction().set_context(
                User.get_preferences(context_only=True)):
        yield


class ExpenseMixin:

    @contextmanager
    def cooperative(self):
        with Cooperative.enter() as c, on(TODAY):
            yield c

    def person(self, c, code='A1'):
        entrepreneur, = c.search('cae.entrepreneur', ('code', '=', code))
        return entrepreneur

    def vehicle(self, c, code='A1', **values):
        Vehicle = Pool().get('cae.vehicle')
        vehicle, = Vehicle.create([{
                    'entrepreneur': self.person(c, code).id,
                    'name': "AB-123-CD", 'type': 'car', 'fiscal_power': 5,
                    'from_date': date(1, 1),
                    **values}])
        return vehicle

    def line(self, c, kind, amount=None, activity='A1', **values):
        "Return the values of a line; a trip has its vehicle"
        kind, = c.search('cae.expense.kind', ('code', '=', kind))
        values = {
            'date': MARCH, 'kind': kind.id, 'description': "Work",
            'activity': c.activity(activity).id,
            **values}
        if amount is not None:
            values['amount'] = D(amount)
        if 'vehicle' in values:
            values = {
                'departure': "Lille", 'destination': "Arras", **values,
                'vehicle': values['vehicle'].id,
                'kilometers': D(values['kilometers'])}
        return values

    def sheet(self, c, *lines, code='A1', receipts=True, **values):
        "Return a draft sheet with the receipts that it needs"
        pool = Pool()
        Attachment = pool.get('ir.attachment')
        Expense = pool.get('cae.expense')
        expense, = Expense.create([{
                    'entrepreneur': self.person(c, code).id,
                    'date': MARCH,
                    'lines': [('create', list(lines))],
                    **values}])
        if receipts:
            Attachment.create([{
                        'name': "Receipt", 'data': b'receipt',
                        'resource': str(line)} for line in expense.lines
                    if not line.mileage])
        return Expense(expense.id)

    def posted(self, c, *lines, **values):
        Expense = Pool().get('cae.expense')
        expense = self.sheet(c, *lines, **values)
        for verb in ['submit', 'approve', 'post']:
            getattr(Expense, verb)([Expense(expense.id)])
        return Expense(expense.id)

    def drive(self, c, vehicle, *kilometers, code='A1', **values):
        "Return what posted trips were paid, all on one sheet"
        expense = self.posted(
            c, *(self.line(c, 'mileage', vehicle=vehicle, kilometers=km,
                    activity=code, **values) for km in kilometers),
            code=code, date=values.get('date', MARCH))
        return [line.refund_amount for line in expense.lines]

    @with_transaction()
    def test_expense_posting(self):
        "The entries of a sheet, its VAT, its refund"
        pool = Pool()
        Line = pool.get('account.move.line')
        Movement = pool.get('cae.activity.movement')
        TaxLine = pool.get('account.tax.line')
        with self.cooperative() as c:
            expense = self.sheet(
                c, self.line(c, 'transport', 110),
                self.line(c, 'supplies', 60, description="Paper"),
                self.line(
                    c, 'mileage', vehicle=self.vehicle(c), kilometers=50,
                    round_trip=True, description="Fair"))
            self.assertEqual(
                [(x.refund_amount, x.tax_amount) for x in expense.lines],
                [(110, 0), (60, 10), (D('63.60'), 0)])
            Expense = type(expense)
            Expense.submit([expense])
            self.assertTrue(expense.number)
            Expense.approve([expense])
            self.assertFalse(expense.move)
            Expense.post([expense])
            expense = Expense(expense.id)
            party = c.party("Entrepreneur A1")
            self.assertMove(
                c, expense.move, ('6251', 110, 'A1'), ('6064', 50, 'A1'),
                ('44566', 10), ('6251', '63.60', 'A1'),
                ('4671', '-233.60'))
            self.assertEqual(
                (expense.move.journal.code, expense.move.date,
                    expense.move.origin), ('NDF', MARCH, expense))
            refund, = [
                x for x in expense.move.lines if x.account.code == '4671']
            self.assertEqual(
                (refund.party, refund.maturity_date), (party, MARCH))
            for line in expense.move.lines:
                self.assertIn(expense.number, line.description)
                for analytic in line.analytic_lines:
                    self.assertEqual(analytic.origin.expense, expense)
            self.assertEqual(
                sorted((x.type, x.amount, x.move_line.account.code)
                    for x in TaxLine.search([])),
                [('base', 50, '6064'), ('tax', 10, '44566')])
            tax = TaxLine.search([])[0].tax
            self.assertEqual(tax.parent, c.tax('tva_achat_biens_taux_normal'))
            rows = Movement.search([
                    ('activity', '=', c.activity('A1').id)])
            self.assertEqual(
                sorted((r.kind, r.amount, r.description) for r in rows), [
                    ('expense', -110,
                        f"{expense.number} Train, Taxi, Parking Work"),
                    ('expense', D('-63.60'),
                        f"{expense.number} Mileage Lille – Arras, "
                        "100.0 km Fair"),
                    ('expense', -50,
                        f"{expense.number} Office Supplies Paper"),
                    ])
            self.assertEqual(
                (expense.total, expense.refund_amount, expense.tax_amount,
                    expense.amount_to_pay, expense.paid),
                (D('233.60'), D('233.60'), 10, D('233.60'), False))
            self.assertEqual(Expense.search([('paid', '=', False)]), [expense])
            payment = c.move(
                date(3, 31), ('4671', '233.60', party),
                ('5121', '-233.60'), journal='BQ')
            Line.reconcile([
                    x for m in [expense.move, payment] for x in m.lines
                    if x.account.code == '4671'])
            expense = Expense(expense.id)
            self.assertEqual(
                (expense.amount_to_pay, expense.paid), (0, True))
            for domain, found in [
                    (('paid', '=', True), [expense]),
                    (('paid', '!=', True), []),
                    (('paid', '=', False), []),
                    (('paid', 'in', [True]), [expense])]:
                self.assertEqual(Expense.search([domain]), found)

    @with_transaction()
    def test_expense_month_closed(self):
        "What is spent in a closed month is posted on the next open day"
        Expense = Pool().get('cae.expense')
        with self.cooperative() as c:
            january, february = dt.date(YEAR, 1, 31), dt.date(YEAR, 2, 1)

            def sheet():
                return self.sheet(
                    c, self.line(c, 'supplies', 12, date=january),
                    date=january)
            late, waiting = sheet(), sheet()
            Expense.submit([waiting])
            Expense.approve([waiting])
            c.close(1)
            message = "Date it 02/01/2025 or later"
            for expense, name in [(late, 'submit'), (waiting, 'post')]:
                with undone(), self.assertRaisesRegex(
                        MonthClosedError, message):
                    getattr(Expense, name)([Expense(expense.id)])
                self.assertFalse(Expense(expense.id).move)
            Expense.write(
                Expense.browse([late, waiting]), {'date': february})
            Expense.submit([Expense(late.id)])
            Expense.approve([Expense(late.id)])
            Expense.post(Expense.browse([late, waiting]))
            for expense in Expense.browse([late, waiting]):
                self.assertEqual(
                    (expense.move.date, expense.lines[0].date),
                    (february, january))

    @with_transaction()
    def test_expense_card(self):
        "A company card, a phone refunded in part, VAT that is lowered"
        pool = Pool()
        TaxLine = pool.get('account.tax.line')
        with self.cooperative() as c:
            expense = self.posted(
                c, self.line(c, 'supplies', 24, paid_by='card'),
                self.line(c, 'supplies', 12, tax_amount=D(0)),
                self.line(c, 'supplies', 12, tax_amount=D('0.50')),
                self.line(c, 'phone', '59.99', activity='A1'))
            self.assertEqual(
                [(x.refund_amount, x.tax_amount) for x in expense.lines],
                [(24, 4), (12, 0), (12, D('0.50')), (30, 5)])
            self.assertMove(
                c, expense.move, ('6064', 20, 'A1'), ('6064', 12, 'A1'),
                ('6064', '11.50', 'A1'), ('626', 25, 'A1'),
                ('44566', '9.50'), ('4671', -54), ('4673', -24))
            self.assertEqual(
                (expense.card_amount, expense.refund_amount,
                    expense.amount_to_pay), (24, 54, 54))
            self.assertEqual(
                sorted((x.type, x.amount) for x in TaxLine.search([])),
                [('base', D('2.50')), ('base', 20), ('base', 25),
                    ('tax', D('0.50')), ('tax', 4), ('tax', 5)])
            # Nothing is refunded of what the card paid
            card = self.posted(c, self.line(c, 'supplies', 6, paid_by='card'))
            self.assertMove(
                c, card.move, ('6064', 5, 'A1'), ('44566', 1), ('4673', -6))
            self.assertEqual((card.amount_to_pay, card.paid), (0, True))

    @with_transaction()
    def test_expense_waiver(self):
        "A refund is waived, in part and in whole"
        pool = Pool()
        Expense = pool.get('cae.expense')
        Wizard = pool.get('cae.expense.waive', type='wizard')
        with self.cooperative() as c:
            expense = self.posted(
                c, self.line(
                    c, 'mileage', vehicle=self.vehicle(c, 'A2'),
                    kilometers=40, activity='A2'), code='A2')
            for amount, day in [
                    (D('25.45'), MARCH), (D(0), MARCH), (D(-1), MARCH),
                    (D('0.001'), MARCH), (D(1), date(3, 23)),
                    (D(1), date(7, 1))]:
                with self.subTest(amount=amount, day=day), undone(), \
                        self.assertRaises(ExpenseError):
                    Expense(expense.id).waive_amount(amount, day, "Letter")
            for amount in [D('NaN'), D('1e400'), D('Infinity')]:
                with self.assertRaisesRegex(ExpenseValidationError, "Amount"):
                    expense.waive_amount(amount, MARCH, "Letter")
            first = expense.waive_amount(D('5.44'), MARCH, "Letter of March")
            self.assertMove(
                c, first.move, ('4671', '5.44'), ('7588', '-5.44', 'A2'))
            self.assertEqual(first.move.journal.code, 'NDF')
            self.assertEqual(
                [a.origin for x in first.move.lines
                    for a in x.analytic_lines], [first])
            expense = Expense(expense.id)
            self.assertEqual(
                (expense.amount_to_pay, expense.paid), (20, False))
            session, _, _ = Wizard.create()
            with Transaction().set_context(
                    active_model='cae.expense', active_id=expense.id,
                    active_ids=[expense.id]):
                wizard = Wizard(session)
                self.assertEqual(wizard.default_start([])['amount'], 20)
                wizard.start.amount = D(20)
                wizard.start.date = date(4)
                wizard.start.reason = "Letter of April"
                wizard.transition_waive()
            expense = Expense(expense.id)
            self.assertEqual((expense.amount_to_pay, expense.paid), (0, True))
            self.assertEqual(
                [e.action for e in expense.approval_events[::-1]],
                ['submit', 'approve', 'post', 'waive', 'waive'])
            with self.assertRaises(ExpenseError):
                expense.waive_amount(D(1), date(4), "Again")
            # The activities get back what they bear
            a3 = c.activity('A3')
            a3.holders = [
                {'entrepreneur': holder, 'from_date': date(1, 1),
                    'share': D('0.5')}
                for holder in [self.person(c), self.person(c, 'A3')]]
            a3.save()
            both = self.posted(
                c, self.line(c, 'transport', 20),
                self.line(c, 'transport', 10, activity='A3'),
                self.line(c, 'transport', 99, paid_by='card'))
            waiver = both.waive_amount(D('0.05'), MARCH, "Letter")
            self.assertMove(
                c, waiver.move, ('4671', '0.05'),
                ('7588', '-0.05', 'A1+A3'))

    @with_transaction()
    def test_expense_mileage(self):
        "What is due to date less what was posted (EX-21)"
        pool = Pool()
        Configuration = pool.get('cae.configuration')
        Expense = pool.get('cae.expense')
        Scale = pool.get('cae.mileage.scale')
        with self.cooperative() as c:
            car = self.vehicle(c)
            self.assertEqual(self.drive(c, car, 4800), [D('3052.80')])
            # A late trip of an earlier day counts after what was posted
            self.assertEqual(
                self.drive(c, car, 400, date=date(1, 5)), [D('198.60')])
            last = Expense.search([], order=[('id', 'DESC')], limit=1)[0]
            line, = last.lines
            self.assertEqual(
                (line.distance_before, line.paid_before, last.mileage),
                (4800, D('3052.80'), [(
                            car, YEAR, D(400), D(5200), D('198.60'),
                            D('3251.40'))]))
            # Sheets posted at once are computed one after the other
            electric = self.vehicle(c, 'A2', electric=True)
            sheets = [self.sheet(
                    c, self.line(
                        c, 'mileage', vehicle=electric, kilometers=km,
                        activity='A2'), code='A2') for km in [5000, 7000]]
            for verb in ['submit', 'approve']:
                getattr(Expense, verb)(sheets)
            Move = pool.get('account.move')
            with patch.object(
                    Move, 'create', autospec=True,
                    side_effect=Move.create) as create:
                Expense.post(sheets)
            self.assertEqual(create.call_count, 1)
            sheets = Expense.browse(sheets)
            self.assertEqual(
                [s.total for s in sheets], [D('3816.00'), D('2998.80')])
            self.assertEqual(sum(s.total for s in sheets), D('6814.80'))
            # Another vehicle and another civil year start at zero
            self.assertEqual(
                self.drive(c, self.vehicle(c), 100), [D('63.60')])
            old = self.vehicle(
                c, fiscal_power=4, from_date=dt.date(YEAR - 1, 1, 1),
                type='car')
            with undone(), self.assertRaises(ExpenseValidationError):
                # who did not hold the activity then
                self.drive(c, old, 10, date=dt.date(YEAR - 1, 12, 31))
            # Nothing posted changes when the scale does
            scale, = Scale.search([('country', '=', 'FR')])
            new, = Scale.copy([scale], {'year': YEAR, 'source': "Test"})
            for band in new.bands:
                band.rate *= 2
                band.save()
            self.assertEqual(
                [s.total for s in Expense.browse(sheets)],
                [D('3816.00'), D('2998.80')])
            clear_cache()
            # 5300 km are due 2 × .357 × 5300 + 1395 now
            self.assertEqual(
                self.drive(c, car, 100), [D('5179.20') - D('3251.40')])
            Scale.delete([new])
            # Back on the lower scale nothing is taken back
            with self.assertRaisesRegex(ExpenseError, "Nothing"):
                self.drive(c, car, 1)
            # The cooperative may decide less
            Configuration(1).set_multivalue('mileage_rate', D('0.30'))
            self.assertEqual(
                self.drive(c, self.vehicle(c), 100, 50), [D(30), D(15)])
            Configuration(1).set_multivalue('mileage_rate', D(3))
            self.assertEqual(
                self.drive(c, self.vehicle(c, type='moped', fiscal_power=None),
                    10), [D('3.15')])
            for value in [D('NaN'), D('1e400')]:
                with undone(), self.assertRaises(ExpenseValidationError):
                    Configuration(1).set_multivalue('mileage_rate', value)

    @with_transaction()
    def test_expense_scale(self):
        "A scale without bands, of another country, or that does not fit"
        pool = Pool()
        Scale = pool.get('cae.mileage.scale')
        with self.cooperative() as c:
            scale, = Scale.search([('country', '=', 'FR')])
            self.assertEqual(
                scale.pure(self.vehicle(c)).due(12000), D(5679))
            self.assertEqual(
                scale.pure(self.vehicle(
                        c, type='motorcycle', fiscal_power=4)).due(4000),
                D(1486))
            line = self.line(
                c, 'mileage', vehicle=self.vehicle(c), kilometers=10)
            new, = Scale.copy([scale], {'year': YEAR})

            def delete(test):
                Scale.write([new], {'bands': [(
                                'delete', [b.id for b in new.bands if test(b)]
                                )]})
            with undone(), self.assertRaisesRegex(ExpenseError, "no bands"):
                delete(lambda band: band.vehicle_type == 'car')
                self.sheet(c, line)
            with undone(), self.assertRaisesRegex(
                    ExpenseValidationError, "do not fit"):
                delete(lambda band: band.up_to is None)
            with undone(), self.assertRaisesRegex(ExpenseError, "no mileage"):
                address, = c.company.party.addresses
                address.country = None
                address.save()
                self.sheet(c, line)
            with self.assertRaises(SQLConstraintError):
                Scale.copy([new])

    @with_transaction()
    def test_expense_bad_input(self):
        "What cannot be is refused by its name, and nothing is stored"
        pool = Pool()
        Expense = pool.get('cae.expense')
        Line = pool.get('cae.expense.line')
        with self.cooperative() as c:
            car = self.vehicle(c, to_date=date(5, 31))
            other = self.vehicle(c, 'A2')

            def trip(kilometers=10, **values):
                return self.line(c, 'mileage', **{
                        'vehicle': car, 'kilometers': kilometers, **values})

            def supply(amount=10, **values):
                return self.line(c, 'supplies', amount, **values)
            for line, error, message in [
                    (supply(0), ExpenseValidationError, "amount"),
                    (supply(-1), ExpenseValidationError, "Reverse"),
                    (supply('NaN'), ExpenseValidationError, "Amount"),
                    (supply('1e400'), ExpenseValidationError, "Amount"),
                    (supply('-Infinity'), ExpenseValidationError, "Amount"),
                    (supply(tax_amount=D('1.68')), ExpenseValidationError,
                        "1.67"),
                    (supply(tax_amount=D('-1')), ExpenseValidationError,
                        "VAT"),
                    (supply(tax_amount=D('NaN')), ExpenseValidationError,
                        "VAT"),
                    (self.line(c, 'transport', 10, tax_amount=D(1)),
                        ExpenseValidationError, "VAT"),
                    (supply(date=date(7, 1)), ExpenseValidationError,
                        "ahead"),
                    (supply(activity='A2'),
                        (DomainValidationError, ExpenseValidationError),
                        "[Aa]ctivity"),
                    (supply(date=dt.date(YEAR - 1, 12, 31)),
                        ExpenseValidationError, "hold"),
                    (supply(None), RequiredValidationError, "Amount"),
                    (self.line(c, 'phone', 10, paid_by='card'),
                        ExpenseValidationError, "card"),
                    (trip(0), ExpenseValidationError, "kilometres"),
                    (trip(-5), ExpenseValidationError, "kilometres"),
                    (trip('NaN'), ExpenseValidationError, "Kilometres"),
                    (trip('1e400'), ExpenseValidationError, "Kilometres"),
                    (trip(vehicle=other),
                        (DomainValidationError, ExpenseValidationError),
                        "[Vv]ehicle"),
                    (trip(date=date(6, 1)), ExpenseValidationError,
                        "not in use"),
                    (trip(paid_by='card'), DomainValidationError, "Paid By"),
                    (self.line(c, 'mileage'), RequiredValidationError, ""),
                    ]:
                with self.subTest(line=line), undone(), \
                        self.assertRaisesRegex(error, message):
                    self.sheet(c, line)
            with undone(), self.assertRaisesRegex(
                    ExpenseValidationError, "ahead"):
                self.sheet(c, supply(), date=date(7, 1))
            self.assertEqual(Expense.search([]), [])
            self.assertEqual(Line.search([]), [])

    @with_transaction()
    def test_expense_refusals(self):
        "What may not be handed in or posted leaves nothing half done"
        pool = Pool()
        Activity = pool.get('cae.activity')
        Configuration = pool.get('cae.configuration')
        Expense = pool.get('cae.expense')
        Move = pool.get('account.move')
        Period = pool.get('account.period')
        with self.cooperative() as c:
            for lines, values, message in [
                    ([], {}, "no lines"),
                    ([self.line(c, 'supplies', 10)], {'receipts': False},
                        "no receipt"),
                    ([self.line(c, 'supplies', 10, date=date(4))], {},
                        "dated after"),
                    ([self.line(c, 'supplies', 10, activity='B1')],
                        {'code': 'B1'}, "support agreement"),
                    ]:
                expense = self.sheet(c, *lines, **values)
                with undone(), self.assertRaisesRegex(ExpenseError, message):
                    Expense.submit([expense])
                self.assertEqual(Expense(expense.id).state, 'draft')
            # A flat amount needs none
            kind, = c.search('cae.expense.kind', ('code', '=', 'transport'))
            kind.receipt_required = False
            kind.save()
            expense = self.sheet(
                c, self.line(c, 'transport', 10), receipts=False)
            for verb in ['submit', 'approve']:
                getattr(Expense, verb)([expense])
            other = self.sheet(c, self.line(c, 'supplies', 10))
            for verb in ['submit', 'approve']:
                getattr(Expense, verb)([other])
            sheets = [other, expense]

            def refused(error, message):
                clear_cache()
                with self.assertRaisesRegex(error, message):
                    Expense.post(Expense.browse(sheets))

            with undone():
                Activity.write(
                    [c.activity('A1')], {'closing_date': date(3, 20)})
                refused(ExpenseValidationError, "closed on")
            with undone():
                Activity.write(
                    [c.activity('A1')], {'closing_date': date(3, 24)})
                Expense.write([expense], {'date': date(3, 25)})
                refused(ActivityClosedError, "closed on")
            with undone():
                Period.close([c.period(3)])
                refused(PeriodNotFoundError, "")
            with undone():
                Configuration(1).set_multivalue('expense_journal', None)
                refused(SetupError, "journal")
            self.assertEqual(
                {e.state for e in Expense.browse(sheets)}, {'approved'})
            self.assertEqual(Move.search([('journal.code', '=', 'NDF')]), [])
            Expense.post(Expense.browse(sheets))
            self.assertEqual(
                len(Move.search([('journal.code', '=', 'NDF')])), 2)

    @with_transaction()
    def test_expense_workflow(self):
        "Each step is kept with who did it; a sheet is frozen as it goes"
        pool = Pool()
        Attachment = pool.get('ir.attachment')
        Expense = pool.get('cae.expense')
        Line = pool.get('cae.expense.line')
        Pending = pool.get('cae.approval.pending')
        Refuse = pool.get('cae.approval.refuse', type='wizard')
        Waive = pool.get('cae.expense.waive', type='wizard')
        with self.cooperative() as c:
            users = self.users(c)
            expense = self.sheet(c, self.line(c, 'supplies', 10))
            line, = expense.lines
            with acting(users['A1']):
                Expense.submit([Expense(expense.id)])
                Expense.withdraw([Expense(expense.id)])
                Line.write([Line(line.id)], {'description': "Pens"})
                Expense.submit([Expense(expense.id)])
                number = Expense(expense.id).number
                for refused in [
                        lambda: Line.write(
                            [Line(line.id)], {'description': "Ink"}),
                        lambda: Line.write(
                            [Line(line.id)], {'tax_amount': D(0)}),
                        lambda: Line.delete([Line(line.id)]),
                        lambda: Line.copy([Line(line.id)]),
                        lambda: Attachment.delete(
                            list(Line(line.id).receipts)),
                        lambda: Attachment.write(
                            list(Line(line.id).receipts), {'name': "Else"}),
                        lambda: Expense.write(
                            [Expense(expense.id)], {'date': date(3, 25)}),
                        lambda: Expense.write(
                            [Expense(expense.id)], {'description': "Else"}),
                        lambda: Expense.delete([Expense(expense.id)]),
                        lambda: Expense.approve([Expense(expense.id)]),
                        lambda: Expense.refuse([Expense(expense.id)]),
                        lambda: Expense.post([Expense(expense.id)]),
                        lambda: Expense.write(
                            [Expense(expense.id)], {'state': 'approved'}),
                        lambda: Expense.write(
                            [Expense(expense.id)], {'number': "1"}),
                        ]:
                    with undone(), self.assertRaises(
                            (AccessError, AccessButtonError)):
                        refused()
            with acting(users['advisor']):
                self.assertEqual(
                    Expense.search([('state', '=', 'submitted')]), [expense])
                pending, = Pending.search([])
                self.assertEqual(
                    (pending.document, pending.party, pending.amount),
                    (expense, expense.party, expense.total))
                session, _, _ = Refuse.create()
                with Transaction().set_context(
                        active_model='cae.expense', active_id=expense.id,
                        active_ids=[expense.id]):
                    for comment in [None, " "]:
                        with undone(), self.assertRaisesRegex(
                                ApprovalError, "what must change"):
                            Refuse.execute(
                                session, {'start': {'comment': comment}},
                                'refuse')
                    Refuse.execute(
                        session, {'start': {'comment': "Which pens?"}},
                        'refuse')
            with acting(users['A1']):
                again = Expense(expense.id)
                self.assertEqual(
                    (again.state, again.number), ('draft', number))
                self.assertEqual(again.approval_comment, "Which pens?")
                Expense.submit([again])
            with acting(users['advisor']):
                Expense.approve([Expense(expense.id)])
                with undone(), self.assertRaises(AccessButtonError):
                    Expense.post([Expense(expense.id)])
            with acting(users['account']):
                # The accountants lower the VAT and choose the day
                Line.write([Line(line.id)], {'tax_amount': D(1)})
                Expense.write([Expense(expense.id)], {'date': date(3, 31)})
                with undone(), self.assertRaises(ExpenseAccessError):
                    Line.write([Line(line.id)], {'amount': D(9)})
                Expense.post([Expense(expense.id)])
                for refused in [
                        lambda: Line.write(
                            [Line(line.id)], {'tax_amount': D(0)}),
                        lambda: Expense.write(
                            [Expense(expense.id)], {'date': MARCH}),
                        lambda: Expense.delete([Expense(expense.id)]),
                        ]:
                    with undone(), self.assertRaises(ExpenseAccessError):
                        refused()
                session, _, _ = Waive.create()
                with Transaction().set_context(
                        active_model='cae.expense', active_id=expense.id,
                        active_ids=[expense.id]):
                    values = {
                        'amount': D(10), 'date': date(4), 'reason': "Letter"}
                    for name, value, error in [
                            ('amount', D(11), ExpenseError),
                            ('amount', D('NaN'), ExpenseValidationError),
                            ('date', date(1), ExpenseError)]:
                        with undone(), self.assertRaises(error):
                            Waive.execute(session, {
                                    'start': {**values, name: value}},
                                'waive')
                    Waive.execute(session, {'start': values}, 'waive')
            with acting(users['advisor']), Transaction().set_context(
                    active_model='cae.expense', active_id=expense.id,
                    active_ids=[expense.id]), undone(), \
                    self.assertRaises(AccessButtonError):
                session, _, _ = Waive.create()
                Waive.execute(session, {'start': values}, 'waive')
            expense = Expense(expense.id)
            self.assertTrue(expense.paid)
            self.assertMove(
                c, expense.move, ('6064', 9, 'A1'), ('44566', 1),
                ('4671', -10))
            self.assertEqual(
                [(e.action, e.user.login)
                    for e in reversed(expense.approval_events)], [
                    ('submit', 'the A1'), ('withdraw', 'the A1'),
                    ('submit', 'the A1'), ('refuse', 'the advisor'),
                    ('submit', 'the A1'), ('approve', 'the advisor'),
                    ('post', 'the account'), ('waive', 'the account')])
            # Also going round the rights
            for refused in [
                    lambda: Line.write([line], {'tax_amount': D(0)}),
                    lambda: Line.delete([line]),
                    lambda: Expense.delete([expense])]:
                with undone(), self.assertRaises(ExpenseAccessError):
                    refused()
            copy, = Expense.copy([expense])
            self.assertEqual(
                (copy.state, copy.number, copy.move, copy.approval_events,
                    copy.lines[0].receipts, copy.lines[0].amount),
                ('draft', None, None, (), (), 10))

    @with_transaction()
    def test_expense_own(self):
        "Nobody approves their own sheet"
        pool = Pool()
        Employee = pool.get('company.employee')
        Entrepreneur = pool.get('cae.entrepreneur')
        Expense = pool.get('cae.expense')
        User = pool.get('res.user')
        with self.cooperative() as c:
            users = self.users(c)
            expense = self.sheet(c, self.line(c, 'supplies', 10))
            Expense.submit([expense])
            person = self.person(c)
            with undone():
                Entrepreneur.write([person], {'user': users['advisor'].id})
                clear_cache()
                with acting(users['advisor']), self.assertRaisesRegex(
                        ExpenseError, "own"):
                    Expense.approve([Expense(expense.id)])
            with undone():
                # as an employee with another user
                employee, = Employee.create([{
                            'party': person.party.id,
                            'company': c.company.id}])
                User.write([users['admin']], {
                        'employees': [('add', [employee.id])]})
                clear_cache()
                with acting(users['admin']), self.assertRaisesRegex(
                        ExpenseError, "own"):
                    Expense.approve([Expense(expense.id)])
            with acting(users['admin']):
                Expense.approve([Expense(expense.id)])

    @with_transaction()
    def test_expense_reverse(self):
        "The opposite of all that was posted, waivers too"
        pool = Pool()
        Activity = pool.get('cae.activity')
        Expense = pool.get('cae.expense')
        Kind = pool.get('cae.expense.kind')
        Line = pool.get('account.move.line')
        TaxLine = pool.get('account.tax.line')
        with self.cooperative() as c:
            car = self.vehicle(c)
            expense = self.posted(
                c, self.line(c, 'supplies', 60),
                self.line(c, 'mileage', vehicle=car, kilometers=4800))
            with undone(), self.assertRaises(ExpenseAccessError):
                car.fiscal_power = 6
                car.save()
            expense.waive_amount(D(12), MARCH, "Letter")
            kind, = c.search('cae.expense.kind', ('code', '=', 'supplies'))
            Kind.write([kind], {
                    'account': c.account('6063').id,
                    'taxes': [('remove', [t.id for t in kind.taxes])]})
            Expense.reverse([expense])
            reversal, = Expense(expense.id).reversals
            self.assertEqual(
                (reversal.state, reversal.total, reversal.tax_amount),
                ('approved', D('-3112.80'), -10))
            for refused in [
                    lambda: Expense.reverse([Expense(expense.id)]),
                    lambda: Expense.reverse([reversal]),
                    ]:
                with undone(), self.assertRaises(ExpenseError):
                    refused()
            with undone():
                Expense.delete([reversal])
                self.assertEqual(Expense(expense.id).reversals, ())
            Expense.post([reversal])
            reversal = Expense(reversal.id)
            self.assertMove(
                c, reversal.move, ('6064', -50, 'A1'), ('44566', -10),
                ('6251', '-3052.80', 'A1'), ('7588', 12, 'A1'),
                ('4671', '3100.80'))
            self.assertEqual(sum(t.amount for t in TaxLine.search([])), 0)
            self.assertEqual(
                c.figures(Activity.results(c.activities(), TODAY), 'A1'), [0])
            for sheet in [expense, reversal]:
                sheet = Expense(sheet.id)
                self.assertEqual((sheet.amount_to_pay, sheet.paid), (0, True))
            self.assertFalse(Line.search([
                        ('account.code', '=', '4671'),
                        ('reconciliation', '=', None)]))
            # The kilometres are free again
            self.assertEqual(self.drive(c, car, 4800), [D('3052.80')])
            # What was paid is owed after a reversal
            paid = self.posted(c, self.line(c, 'transport', 10))
            payment = c.move(
                date(4), ('4671', 10, paid.party), ('5121', -10),
                journal='BQ')
            Line.reconcile([
                    x for m in [paid.move, payment] for x in m.lines
                    if x.account.code == '4671'])
            Expense.reverse([Expense(paid.id)])
            back, = Expense(paid.id).reversals
            Expense.post([back])
            self.assertEqual(Expense(back.id).amount_to_pay, -10)
            with self.assertRaises(SQLConstraintError):
                Expense.copy([back], {'reverses': paid.id})

    @with_transaction()
    def test_expense_closing(self):
        "What is not posted or not settled needs attention"
        pool = Pool()
        Expense = pool.get('cae.expense')
        with Cooperative.enter() as c:
            draft, submitted, approved = [
                self.sheet(c, self.line(c, 'transport', 10))
                for _ in range(3)]
            Expense.submit([submitted, approved])
            Expense.approve([approved])
            a1, a2, a3 = [
                c.party(f"Entrepreneur {code}") for code in [
                    'A1', 'A2', 'A3']]
            self.posted(
                c, self.line(c, 'transport', 30, date=date(1)), date=date(1))
            self.posted(
                c, self.line(c, 'transport', 5, activity='A3'), code='A3')
            self.posted(
                c, self.line(
                    c, 'supplies', 12, activity='A3', date=date(2),
                    paid_by='card'), code='A3', date=date(2))
            c.move(date(3), ('4671', 7, a2), ('5121', -7), journal='BQ')

            def found(month):
                closing = c.closing(month)
                type(closing).check([closing])
                return {
                    (a.kind, str(a.record)) for a in closing.attentions
                    if a.kind in {'unposted', 'unsettled'}}
            self.assertEqual(found(2), set())
            self.assertEqual(found(3), {
                    ('unposted', str(submitted)), ('unposted', str(approved)),
                    ('unsettled', str(a1)), ('unsettled', str(a2)),
                    ('unsettled', str(a3))})

    @with_transaction()
    def test_expense_settlement(self):
        "An activity closes once its sheets are posted and paid"
        pool = Pool()
        Expense = pool.get('cae.expense')
        with self.cooperative() as c:
            open_ = self.sheet(
                c, self.line(c, 'transport', 10, activity='A3'), code='A3')
            posted = self.posted(
                c, self.line(c, 'transport', 30, activity='A3'), code='A3')
            a3 = c.activity('A3')
            closing = self.closing(c, 'A3')
            self.assertEqual(self.found(closing), {
                    (str(open_), True), (str(posted), True), (str(a3), True)})
            person = self.person(c, 'A3')
            exit_ = self.settlement(
                c, entrepreneur=person.id, outcome='other',
                exit_reason='other')
            facts = self.found(exit_)
            self.assertIn((str(open_), False), facts)
            self.assertNotIn((str(posted), False), facts)
            posted.waive_amount(D(30), MARCH, "Letter")
            Expense.delete([open_])
            self.assertEqual(self.found(closing), set())

    def users(self, c):
        "Return users by name, the advisor being that of A1 alone"
        pool = Pool()
        Entrepreneur = pool.get('cae.entrepreneur')
        Group = pool.get('res.group')
        User = pool.get('res.user')
        advisors = [
            create_employee(c.company, f"Advisor {i}") for i in range(2)]
        users = {}
        for name, group, employee in [
                ('A1', "CAE Entrepreneur", None),
                ('A2', "CAE Entrepreneur", None),
                ('advisor', "CAE Advisor", advisors[0]),
                ('other', "CAE Advisor", advisors[1]),
                ('account', "Accounting", None),
                ('admin', "CAE Administration", None)]:
            groups = Group.search([('name', '=', group)])
            self.assertTrue(groups, group)
            users[name], = User.create([{
                        'name': name, 'login': f"the {name}",
                        'companies': [('add', [c.company.id])],
                        'company': c.company.id,
                        'groups': [('add', [g.id for g in groups])],
                        }])
            if employee:
                User.write([users[name]], {
                        'employees': [('add', [employee.id])],
                        'employee': employee.id})
        for code, advisor in [('A1', 0), ('A2', 1)]:
            person = self.person(c, code)
            Entrepreneur.write([person], {
                    'advisor': advisors[advisor].id,
                    'user': users[code].id})
        clear_cache()
        return users

    @with_transaction()
    def test_expense_rights(self):
        "Each sees and does what is theirs only"
        pool = Pool()
        Attachment = pool.get('ir.attachment')
        Expense = pool.get('cae.expense')
        Kind = pool.get('cae.expense.kind')
        Line = pool.get('cae.expense.line')
        Scale = pool.get('cae.mileage.scale')
        Vehicle = pool.get('cae.vehicle')
        Report = pool.get('cae.expense', type='report')
        refusals = (
            AccessError, AccessButtonError, DomainValidationError)
        with self.cooperative() as c:
            users = self.users(c)
            a1, a2 = self.person(c), self.person(c, 'A2')
            car = self.vehicle(c)
            waived = self.posted(
                c, self.line(c, 'mileage', vehicle=car, kilometers=10))
            waived.waive_amount(D(1), MARCH, "Letter")
            draft = self.sheet(c, self.line(c, 'supplies', 10))
            records = {
                'cae.expense': waived, 'cae.expense.line': waived.lines[0],
                'cae.approval.event': waived.approval_events[0],
                'cae.expense.waiver': Expense(waived.id).waivers[0],
                'cae.vehicle': car}
            receipt, = draft.lines[0].receipts
            for name in ['A2', 'other']:
                with acting(users[name]):
                    for model, record in records.items():
                        Model = pool.get(model)
                        with self.subTest(user=name, model=model):
                            self.assertEqual(Model.search([]), [])
                            with self.assertRaises(AccessError):
                                Model.read([record.id], ['id'])
                    for operation in [
                            lambda: Expense.submit([Expense(draft.id)]),
                            lambda: Expense.approve([Expense(draft.id)]),
                            lambda: Expense.refuse([Expense(draft.id)]),
                            lambda: Expense.post([Expense(draft.id)]),
                            lambda: Expense.waive([Expense(waived.id)]),
                            lambda: Expense.reverse([Expense(waived.id)]),
                            lambda: Expense.write(
                                [Expense(draft.id)], {'description': "X"}),
                            lambda: Expense.delete([Expense(draft.id)]),
                            lambda: Expense.copy([Expense(draft.id)]),
                            lambda: Line.write(
                                [Line(draft.lines[0].id)],
                                {'description': "X"}),
                            lambda: Vehicle.write(
                                [Vehicle(car.id)], {'name': "X"}),
                            lambda: Attachment.read([receipt.id], ['data']),
                            lambda: Report.execute([waived.id], {}),
                            ]:
                        with undone(), self.assertRaises(refusals):
                            operation()
            line = self.line(c, 'supplies', 10, activity='A2')
            trip = self.line(
                c, 'mileage', vehicle=car, kilometers=1, activity='A2')
            with acting(users['A2']):
                own, = Expense.create([{
                            'entrepreneur': a2.id,
                            'lines': [('create', [line])]}])
                mine, = Vehicle.create([{
                            'name': "Mine", 'type': 'moped',
                            'from_date': date(1)}])
                self.assertEqual(mine.entrepreneur, a2)
                for operation in [
                        lambda: Expense.create([{
                                    'entrepreneur': a1.id}]),
                        lambda: Expense.create([{
                                    'entrepreneur': a2.id,
                                    'number': "NDF1"}]),
                        lambda: Expense.create([{
                                    'entrepreneur': a2.id,
                                    'state': 'approved'}]),
                        lambda: Expense.create([{
                                    'entrepreneur': a2.id,
                                    'reverses': waived.id}]),
                        lambda: Line.create([{
                                    **line, 'expense': draft.id}]),
                        lambda: Line.create([{
                                    **line, 'expense': own.id,
                                    'refund_amount': D(1000)}]),
                        lambda: Line.write(
                            list(own.lines), {'refund_amount': D(1000)}),
                        lambda: Line.write(
                            list(own.lines), {'expense': draft.id}),
                        lambda: Line.create([{**trip, 'expense': own.id}]),
                        lambda: Vehicle.create([{
                                    'name': "X", 'type': 'moped',
                                    'entrepreneur': a1.id,
                                    'from_date': date(1)}]),
                        lambda: Kind.write(Kind.search([]), {'name': "X"}),
                        lambda: pool.get(
                            'cae.expense.kind-account.tax').delete(
                            pool.get('cae.expense.kind-account.tax').search(
                                [])),
                        lambda: pool.get('cae.mileage.band').write(
                            pool.get('cae.mileage.band').search([]),
                            {'rate': D(9)}),
                        lambda: Scale.write(Scale.search([]), {'source': "X"}),
                        lambda: pool.get('cae.approval.event').create([{
                                    'document': str(own), 'action': 'approve',
                                    'company': own.company.id,
                                    'time': dt.datetime.now(),
                                    'user': users['admin'].id}]),
                        lambda: pool.get('cae.expense.waiver').create([{
                                    'expense': own.id, 'amount': D(1),
                                    'date': MARCH, 'reason': "X"}]),
                        lambda: Expense.write(
                            [own], {'entrepreneur': a1.id}),
                        ]:
                    with undone(), self.assertRaises(
                            (*refusals, ExpenseValidationError)):
                        operation()
                # The client reads all that its views show
                for model in [
                        'cae.expense', 'cae.expense.line', 'cae.vehicle',
                        'cae.expense.kind', 'cae.mileage.scale']:
                    Model = pool.get(model)
                    found = Model.search([])
                    self.assertTrue(found, model)
                    for type_ in ['form', 'tree']:
                        Model.read(
                            [r.id for r in found],
                            list(Model.fields_view_get(
                                    view_type=type_)['fields']))
                form = Line(
                    expense=own, kind=Kind(line['kind']), amount=D(12),
                    date=MARCH)
                form.on_change_amount()
                self.assertEqual(
                    (form.refund_amount, form.tax_amount), (12, 2))
            with acting(users['A1']):
                _, data, _, _ = Report.execute([waived.id], {})
                self.assertIn(waived.number, self.text(data))
            with acting(users['advisor']):
                self.assertEqual(
                    set(Expense.search([])), {waived, draft})
                with undone(), self.assertRaises(refusals):
                    Expense.write([Expense(draft.id)], {'description': "X"})
                with undone(), self.assertRaises(refusals):
                    Line.write(
                        [Line(draft.lines[0].id)], {'amount': D(1000)})

    @with_transaction()
    def test_expense_form(self):
        "A line takes the activity of the sheet; a trip has no amount typed"
        pool = Pool()
        Expense = pool.get('cae.expense')
        Kind = pool.get('cae.expense.kind')
        Line = pool.get('cae.expense.line')
        with self.cooperative() as c:
            a1, a3 = c.activity('A1'), c.activity('A3')
            expense = Expense(
                company=c.company, entrepreneur=self.person(c), activity=a1,
                lines=[])
            line = Line(expense=expense)
            line.on_change_expense()
            self.assertEqual(line.activity, a1)
            expense.lines = [line, Line(activity=a3), Line(activity=None)]
            expense.on_change_activity()
            self.assertEqual(
                [x.activity for x in expense.lines], [a1, a3, a1])
            mileage, = Kind.search([('mileage', '=', True)])
            trip = Line(
                expense=expense, kind=mileage, amount=D(10), paid_by='card',
                kilometers=D('12.5'), round_trip=True)
            trip.on_change_kind()
            self.assertEqual((trip.amount, trip.paid_by), (None, 'person'))
            self.assertEqual(trip.on_change_with_distance(), 25)
            with undone(), self.assertRaisesRegex(
                    ExpenseValidationError, "flat amount"):
                Kind.write([mileage], {'receipt_required': True})
            mileage.mileage = True
            mileage.on_change_mileage()
            self.assertFalse(mileage.receipt_required)

    @with_transaction()
    def test_expense_print(self):
        "The print names the lines, the receipts and the kilometres"
        pool = Pool()
        Report = pool.get('cae.expense', type='report')
        with self.cooperative() as c:
            expense = self.posted(
                c, self.line(c, 'supplies', 60, description="Paper"),
                self.line(
                    c, 'mileage', vehicle=self.vehicle(c), kilometers=50,
                    round_trip=True))
            expense.waive_amount(D(1), MARCH, "Letter of March")
            extension, data, _, name = Report.execute([expense.id], {})
            self.assertEqual(extension, 'odt')
            text = self.text(data)
            for word in [
                    expense.number, "Paper", "Receipt", "AB-123-CD", "100.0",
                    "63.60", "123.60", "Letter of March", "122.60"]:
                self.assertIn(word, text)

    def text(self, data):
        "Return the text of an OpenDocument file"
        with zipfile.ZipFile(BytesIO(data)) as archive:
            return archive.read('content.xml').decode()
