# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What of the invoices was collected at a date."""
import datetime as dt
from decimal import Decimal as D

from trytond.modules.cae_members.tests.server import undone, with_transaction
from trytond.pool import Pool

from .tools import YEAR, Cooperative

APRIL, MAY, JUNE = [dt.date(YEAR, month, 10) for month in [4, 5, 6]]
NORMAL, MIDDLE, REDUCED = [
    f'tva_vente_services_{name}'
    for name in ['taux_normal', 'taux_intermediaire', '5_5']]


def end(month):
    return dt.date(YEAR, month + 1, 1) - dt.timedelta(days=1)


class CollectedMixin:

    def assertCollected(self, cooperative, month, expected, lost=()):
        """The collected turnover to the end of the month of the activities.

        ``expected`` is {code: amount}, ``lost`` what was written off.
        """
        Activity = Pool().get('cae.activity')
        activities = cooperative.activities()
        date = end(month)
        lost = dict(lost)
        codes = list(expected)
        turnovers = Activity.turnovers(activities, date, 'collected')
        self.assertEqual(
            cooperative.figures(turnovers, *codes),
            [D(expected[c]) for c in codes])
        # What is invoiced is collected, lost or not collected yet
        invoiced = Activity.turnovers(activities, date, 'invoiced')
        uncollected = Activity.uncollected(activities, date)
        results = Activity.results(activities, date)
        balances = Activity.balances(activities, date, 'collected')
        for code in codes:
            id_ = cooperative.activity(code).id
            self.assertEqual(
                uncollected[id_],
                invoiced[id_] - turnovers[id_] - D(lost.get(code, 0)))
            self.assertEqual(balances[id_], results[id_] - uncollected[id_])

    @with_transaction()
    def test_collected(self):
        "The cases of the collected basis, at the end of three months"
        with Cooperative.enter() as c:
            for case in [
                    self.paid_at_once, self.partial, self.credited,
                    self.one_payment, self.credit_note,
                    self.credit_note_payment, self.write_off,
                    self.nothing_paid]:
                with undone():
                    case(c)

    def paid_at_once(self, c):
        "Three rates and three activities, paid the month after"
        invoice = c.invoice(
            APRIL, ('A1', 1000, '706', [NORMAL]),
            ('A2', 500, '706', [MIDDLE]), ('A3', 200, '706', [REDUCED]))
        self.assertEqual(invoice.total_amount, 1961)
        c.pay(MAY, invoice)
        self.assertCollected(c, 4, {'A1': 0, 'A2': 0, 'A3': 0})
        for month in [5, 6]:
            self.assertCollected(
                c, month, {'A1': 1000, 'A2': 500, 'A3': 200})

    def partial(self, c):
        "A part stays with the invoice until the rest is paid"
        invoice = c.invoice(
            APRIL, ('A1', 1000, '706', [NORMAL]),
            ('A2', 1000, '706', [REDUCED]))
        self.assertEqual(invoice.total_amount, 2255)
        c.pay(APRIL, invoice, amount=600)
        # 532.15 of 2000 split by largest remainder
        for month in [4, 5, 6]:
            self.assertCollected(c, month, {'A1': '266.08', 'A2': '266.07'})
        c.pay(MAY, invoice)
        self.assertCollected(c, 4, {'A1': '266.08', 'A2': '266.07'})
        for month in [5, 6]:
            self.assertCollected(c, month, {'A1': 1000, 'A2': 1000})

    def credited(self, c):
        "Credited with refund"
        Invoice = Pool().get('account.invoice')
        invoice = c.sale(APRIL, 'A1', 1000)
        Invoice.credit([invoice], refund=True, invoice_date=APRIL)
        for month in [4, 5, 6]:
            self.assertCollected(c, month, {'A1': 0})

    def one_payment(self, c):
        "One bank line for two invoices"
        c.pay(MAY, c.sale(APRIL, 'A1', 100), c.sale(APRIL, 'A2', 400))
        self.assertCollected(c, 4, {'A1': 0, 'A2': 0})
        for month in [5, 6]:
            self.assertCollected(c, month, {'A1': 100, 'A2': 400})

    def credit_note(self, c):
        "A credit note set off with its invoice when the rest is paid"
        invoice = c.sale(APRIL, 'A1', 1000)
        credit = c.sale(APRIL, 'A1', -250)
        c.pay(MAY, invoice, credit)
        self.assertCollected(c, 4, {'A1': 0})
        for month in [5, 6]:
            self.assertCollected(c, month, {'A1': 750})

    def credit_note_payment(self, c):
        "A credit note that pays a part of an invoice, the rest paid in May"
        Invoice = Pool().get('account.invoice')
        invoice = c.sale(APRIL, 'A1', 1000)
        credit = c.sale(APRIL, 'A2', -250)
        Invoice.add_payment_lines({invoice: list(credit.lines_to_pay)})
        self.assertCollected(c, 4, {'A1': 250, 'A2': -250})
        c.pay(MAY, Invoice(invoice.id))
        self.assertCollected(c, 4, {'A1': 250, 'A2': -250})
        for month in [5, 6]:
            self.assertCollected(c, month, {'A1': 1000, 'A2': -250})

    def write_off(self, c):
        "90 of 120 paid, 30 written off"
        c.pay(MAY, c.sale(APRIL, 'A1', 100), loss=30)
        self.assertCollected(c, 4, {'A1': 0})
        for month in [5, 6]:
            self.assertCollected(c, month, {'A1': 75}, lost={'A1': 25})

    def nothing_paid(self, c):
        "Nothing is collected before a payment"
        c.sale(APRIL, 'A1', 100)
        for month in [4, 5, 6]:
            self.assertCollected(c, month, {'A1': 0})

    @with_transaction()
    def test_worked_partial(self):
        "600.00 received of 1305.50"
        with Cooperative.enter() as c:
            invoice = c.invoice(
                APRIL, ('A1', 1000, '706', [NORMAL]),
                ('A1', 100, '7071', ['tva_vente_biens_5_5']))
            c.pay(APRIL, invoice, amount=600)
            self.assertCollected(c, 4, {'A1': '505.55'})
            c.pay(MAY, invoice)
            self.assertCollected(c, 5, {'A1': 1100})

    @with_transaction()
    def test_cancelled(self):
        "Cancelled by a move of its own"
        Invoice = Pool().get('account.invoice')
        with Cooperative.enter() as c:
            c.company.cancel_invoice_out = True
            c.company.save()
            invoice = c.sale(APRIL, 'A1', 1000)
            Invoice.cancel([invoice])
            self.assertEqual(
                {m.date for m in [invoice.move, invoice.cancel_move]},
                {APRIL})
            self.assertCollected(c, 4, {'A1': 0})

    @with_transaction()
    def test_doubtful(self):
        "Moved to doubtful customers it is not collected, then it is lost"
        Line = Pool().get('account.move.line')
        with Cooperative.enter() as c:
            customer = c.party("Customer")

            def transfer(date, *lines):
                return c.move(date, *(
                        (code, amount, *(
                                [customer] if code in {'416', '4111'} else
                                [activity] if activity else []))
                        for code, amount, activity in lines))

            def line(record, code):
                found, = [
                    x for x in record.lines if x.account.code == code]
                return found
            invoice = c.sale(APRIL, 'A1', 1000)
            doubtful = transfer(
                APRIL, ('416', 1200, None), ('4111', -1200, None))
            Line.reconcile(
                list(invoice.lines_to_pay) + [line(doubtful, '4111')])
            self.assertCollected(c, 4, {'A1': 0})
            part = c.move(
                MAY, ('5121', 300), ('416', -300, customer), journal='BQ')
            loss = transfer(
                JUNE, ('6541', 750, 'A1'), ('44574', 150, None),
                ('416', -900, None))
            Line.reconcile([
                    line(move, '416') for move in [doubtful, part, loss]])
            self.assertCollected(c, 4, {'A1': 0})
            self.assertCollected(c, 5, {'A1': 250})
            self.assertCollected(c, 6, {'A1': 250}, lost={'A1': 750})

    @with_transaction()
    def test_wrong_route(self):
        "What an entrepreneur received is collected"
        Line = Pool().get('account.move.line')
        with Cooperative.enter() as c:
            invoice = c.sale(APRIL, 'A1', 100)
            move = c.move(
                MAY, ('4671', 120, c.party("Entrepreneur A1")),
                ('4111', -120, c.party("Customer")))
            Line.reconcile(list(invoice.lines_to_pay) + [
                    x for x in move.lines if x.account.code == '4111'])
            self.assertCollected(c, 4, {'A1': 0})
            self.assertCollected(c, 5, {'A1': 100})

    @with_transaction()
    def test_back_and_forth(self):
        "Moved to doubtful customers and back in one reconciliation"
        Line = Pool().get('account.move.line')
        with Cooperative.enter() as c:
            customer = c.party("Customer")
            invoice = c.sale(APRIL, 'A1', 100)
            there = c.move(
                APRIL, ('416', 120, customer), ('4111', -120, customer))
            back = c.move(
                APRIL, ('4111', 120, customer), ('416', -120, customer))
            paid = c.move(
                MAY, ('5121', 120), ('4111', -120, customer), journal='BQ')
            Line.reconcile(
                [x for m in [there, back] for x in m.lines
                    if x.account.code == '416'],
                list(invoice.lines_to_pay) + [
                    x for m in [there, back, paid] for x in m.lines
                    if x.account.code == '4111'])
            self.assertCollected(c, 5, {'A1': 100})

    @with_transaction()
    def test_zero_and_negative(self):
        "Nothing to pay is collected at once; what is not paid is not"
        with Cooperative.enter() as c:
            c.invoice(
                APRIL, ('A1', 100, '706', []), ('A2', -100, '706', []))
            c.sale(APRIL, 'A3', 100)
            self.assertCollected(c, 4, {'A1': 100, 'A2': -100, 'A3': 0})

    @with_transaction()
    def test_start(self):
        "The turnover from a date on"
        Activity = Pool().get('cae.activity')
        with Cooperative.enter() as c:
            invoice = c.sale(APRIL, 'A1', 1000)
            c.pay(MAY, invoice, amount=300)
            c.pay(JUNE, invoice)
            for start, invoiced, collected in [
                    (4, 1000, 1000), (5, 0, 1000), (6, 0, 750)]:
                for basis, amount in [
                        ('invoiced', invoiced), ('collected', collected)]:
                    self.assertEqual(
                        c.figures(Activity.turnovers(
                                c.activities(), end(6), basis,
                                dt.date(YEAR, start, 1)), 'A1'),
                        [amount], (start, basis))

    @with_transaction()
    def test_draft_left_out(self):
        "Moves that are not posted do not count"
        pool = Pool()
        Activity = pool.get('cae.activity')
        Invoice = pool.get('account.invoice')
        with Cooperative.enter() as c:
            c.draft(APRIL, ('A1', 100, '706', []))
            invoice = c.draft(APRIL, ('A1', 100, '6064', []), type='in')
            Invoice.validate_invoice([invoice])
            self.assertEqual(Invoice(invoice.id).move.state, 'draft')
            self.assertEqual(
                c.figures(Activity.results(c.activities(), JUNE), 'A1'), [0])
            activity = c.activity('A1')
            self.assertEqual(
                (activity.balance, activity.balance_collected), (0, 0))
