# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Fees, VAT on receipts, statements and the closing of the months."""
import datetime as dt
from decimal import Decimal as D
from unittest.mock import patch

from trytond.model.exceptions import (
    AccessError, DomainValidationError, SQLConstraintError)
from trytond.modules.cae_billing import closing as closing_module
from trytond.modules.cae_billing.exceptions import (
    ClosingError, ClosingFrozenError, FeePostedError, FeeRuleError)
from trytond.modules.cae_members.tests.server import (
    clear_cache, commit, undone, with_transaction)
from trytond.modules.cae_members.tests.test_module import create_user, set_user
from trytond.pool import Pool
from trytond.tests.test_tryton import DB_NAME
from trytond.transaction import Transaction

from .tools import YEAR, Cooperative, run_tasks


def date(month, day=10):
    return dt.date(YEAR, month, day)


class ClosingMixin:

    def fees(self, cooperative, code):
        "The fees of the activity: [(month, account, amount)]"
        Fee = Pool().get('cae.fee')
        return [
            (f.period.start_date.month, f.rule.account.code, f.amount)
            for f in Fee.search(
                [('activity', '=', cooperative.activity(code).id)],
                order=[('period.start_date', 'ASC'), ('id', 'ASC')])]

    @with_transaction()
    def test_fees(self):
        "Tiers, insurance with a minimum and fixed fund over three months"
        pool = Pool()
        Activity = pool.get('cae.activity')
        with Cooperative.enter() as c:
            c.rule(tiers=[(1000, '0.12'), (None, '0.08')])
            c.rule('62892', [(None, '0.015')], name="Insurance",
                base='invoiced', monthly_minimum=D(5))
            c.rule('62893', [], name="Fund", base='fixed', amount=D(10))
            first = c.sale(date(1), 'A1', 800)
            c.pay(date(1), first)
            closing = c.close(1)
            self.assertEqual(closing.state, 'done')
            self.assertEqual(self.fees(c, 'A1'), [
                    (1, '62891', 96), (1, '62892', 12), (1, '62893', 10)])
            # An activity that sold nothing owes the minimum and the fixed
            # amount; under a support agreement it owes nothing
            self.assertEqual(self.fees(c, 'A2'), [
                    (1, '62892', 5), (1, '62893', 10)])
            self.assertEqual(self.fees(c, 'B1'), [])
            moves = {
                f.rule.account.code: f.move for f in c.search('cae.fee')}
            self.assertEqual(
                c.lines(moves['62892']), [
                    ('62892', -22, 'S'), ('62892', 22, 'A1+A2+A3')])
            self.assertEqual(
                c.lines(moves['62893']), [
                    ('62893', -30, 'F'), ('62893', 30, 'A1+A2+A3')])
            for move in moves.values():
                self.assertEqual(
                    (move.journal.code, move.origin, move.date, move.state),
                    ('INT', closing, date(1, 31), 'posted'))
                self.assertTrue(move.description)
                self.assertEqual(
                    {line.analytic_state for line in move.lines}, {'valid'})
                for line in move.lines:
                    self.assertTrue(line.description)
                    for analytic in line.analytic_lines:
                        self.assertTrue(analytic.description)
                        if line.debit:
                            self.assertEqual(
                                analytic.origin.activity.analytic_account,
                                analytic.account)
            # February: a late document of January, and over the tier
            c.reopen('A1', 1)
            late = c.sale(date(1, 20), 'A1', 700)
            c.pay(date(2), late)
            c.close(2)
            self.assertEqual(self.fees(c, 'A1')[3:], [
                    (2, '62891', 64), (2, '62892', D('10.50')),
                    (2, '62893', 10)])
            # March: a credit note gives back, the minimum stays
            c.pay(date(3), c.sale(date(3), 'A1', -700))
            c.close(3)
            self.assertEqual(self.fees(c, 'A1')[6:], [
                    (3, '62891', -64), (3, '62892', 5), (3, '62893', 10)])
            self.assertEqual(
                c.figures(
                    Activity.turnovers(c.activities(), date(3, 31)), 'A1'),
                [800])
            back, = {
                f.move for f in c.search('cae.fee', ('amount', '<', 0))}
            self.assertEqual(
                c.lines(back), [('62891', -64, 'A1'), ('62891', 64, 'S')])
            # The internal accounts are zero
            for code in ['62891', '62892', '62893']:
                self.assertEqual(c.account(code).balance, 0)

    @with_transaction()
    def test_fee_months(self):
        "Fixed amounts are owed for the months of sale only"
        pool = Pool()
        Contract = pool.get('cae.contract')
        Fee = pool.get('cae.fee')
        with Cooperative.enter() as c:
            c.rule('62893', [], base='fixed', amount=D(10))
            contract, = c.search(
                'cae.contract', ('entrepreneur.code', '=', 'A3'))
            contract.end_date = date(3, 15)
            contract.save()
            Contract.end([contract])
            c.pay(date(3), c.sale(date(3), 'A3', 100))
            activities = [c.activity(code) for code in ['A1', 'A3', 'B1']]
            for month in range(2, 6):
                Fee.charge(activities, c.period(month))
            self.assertEqual(self.fees(c, 'A1'), [
                    (2, '62893', 20), (3, '62893', 10), (4, '62893', 10),
                    (5, '62893', 10)])
            self.assertEqual(self.fees(c, 'A3'), [
                    (2, '62893', 20), (3, '62893', 10)])
            self.assertEqual(self.fees(c, 'B1'), [])
            self.assertEqual(Fee.charge(activities, c.period(5)), [])

    @with_transaction()
    def test_fee_frozen(self):
        "A posted fee and its statement are never changed"
        pool = Pool()
        Fee = pool.get('cae.fee')
        Statement = pool.get('cae.activity.statement')
        StatementLine = pool.get('cae.activity.statement.line')
        with Cooperative.enter() as c:
            c.rule('62893', [], base='fixed', amount=D(10))
            closing = c.close(1)
            fees = c.search('cae.fee', limit=1)
            statements = c.search(
                'cae.activity.statement', ('lines', '!=', None), limit=1)
            lines = list(statements[0].lines)
            for error, operation in [
                    (FeePostedError,
                        lambda: Fee.write(fees, {'amount': D(1)})),
                    (FeePostedError, lambda: Fee.delete(fees)),
                    (ClosingFrozenError, lambda: Statement.write(
                            statements, {'opening_balance': D(1)})),
                    (ClosingFrozenError,
                        lambda: Statement.delete(statements)),
                    (ClosingFrozenError, lambda: StatementLine.write(
                            lines, {'amount': D(1)})),
                    (ClosingFrozenError,
                        lambda: StatementLine.delete(lines)),
                    (ClosingFrozenError, lambda: closing.delete([closing])),
                    (ClosingFrozenError, lambda: closing.write(
                            [closing], {'period': c.period(2).id})),
                    ]:
                with undone(), self.assertRaises(error):
                    operation()

    @with_transaction()
    def test_fee_rules_refused(self):
        "Tiers that overlap or lack an end, rates above the legal cap"
        pool = Pool()
        Country = pool.get('country.country')
        Rule = pool.get('cae.fee.rule')
        Tier = pool.get('cae.fee.tier')
        with Cooperative.enter() as c:
            for tiers in [
                    [(1000, '0.1'), (1000, '0.2'), (None, '0.1')],
                    [(1000, '0.1')],
                    [(None, '0.1'), (None, '0.1')],
                    ]:
                with undone(), self.assertRaisesRegex(
                        FeeRuleError, "must end above"):
                    c.rule(tiers=tiers)
            rule = c.rule(tiers=[(1000, '0.1'), (None, '0.12')])
            # All tiers may be replaced in one go
            Rule.write([rule], {
                    'tiers': [
                        ('delete', [t.id for t in rule.tiers]),
                        ('create', [
                                {'up_to': None, 'rate': D('0.1')},
                                {'up_to': D(500), 'rate': D('0.12')},
                                ])]})
            # France has no cap, Belgium has one
            country, = Country.create([{'name': "Belgium", 'code': 'BE'}])
            address = c.company.party.address_get()
            address.country = country
            address.save()
            clear_cache()
            Rule.write([rule], {'end_date': date(6, 30)})
            c.rule(tiers=[(None, '0.15')], start_date=date(7, 1))
            with undone(), self.assertRaisesRegex(FeeRuleError, "15.00 %"):
                c.rule('62892', tiers=[(500, '0.10'), (None, '0.16')])
            with undone(), self.assertRaisesRegex(FeeRuleError, "15.00 %"):
                Tier.write(list(Rule(rule.id).tiers), {'rate': D('0.16')})
            # A tier added by itself is found when fees are computed
            Tier.create([{'rule': rule.id, 'rate': D('0.1')}])
            clear_cache()
            with self.assertRaisesRegex(FeeRuleError, "must end above"):
                pool.get('cae.fee').charge(c.activities(), c.period(1))

    @with_transaction()
    def test_vat(self):
        "The VAT on receipts becomes due with the payments"
        pool = Pool()
        with Cooperative.enter() as c:
            def posted(month):
                return c.lines(*c.search(
                        'account.move', ('journal.code', '=', 'TVA'),
                        ('period', '=', c.period(month).id)))
            invoice = c.invoice(
                date(3), ('A1', 1000, '706', [
                        'tva_vente_services_taux_normal']),
                ('A1', 100, '7071', ['tva_vente_biens_5_5']))
            c.pay(date(3), invoice, amount=600)
            closing = c.close(3)
            self.assertEqual(posted(3), [
                    ('44571', D('-91.92'), ''), ('44574', D('91.92'), '')])
            move, = c.search('account.move', ('journal.code', '=', 'TVA'))
            self.assertEqual(move.origin, closing)
            self.assertTrue(move.description)
            # Rest paid, deposit received, a loss, a credit note set off
            c.pay(date(4), invoice)
            c.pay(date(4), c.invoice(
                    date(4), ('A1', 300, '4191', [
                            'tva_vente_services_taux_normal'])))
            c.pay(date(4), c.sale(date(4), 'A2', 100), loss=30)
            c.pay(
                date(4), c.sale(date(4), 'A2', 500),
                c.sale(date(4), 'A2', -100))
            c.close(4)
            due = D('108.08') + 60 + 15 + 80
            self.assertEqual(posted(4), [
                    ('44571', -due, ''), ('44574', due, '')])
            # Nothing new, nothing posted
            c.close(5)
            self.assertEqual(posted(5), [])
            # A doubtful debt is lost: its VAT was never due
            c.company.cancel_invoice_out = True
            c.company.save()
            cancelled = c.sale(date(6), 'A3', 100)
            cancelled.cancel([cancelled])
            customer = c.party("Customer")
            bad = c.sale(date(6), 'A1', 1000)
            doubtful = c.move(
                date(6), ('416', 1200, customer), ('4111', -1200, customer))
            loss = c.move(
                date(6), ('6541', 1000, 'A1'), ('44574', 200),
                ('416', -1200, customer))
            pool.get('account.move.line').reconcile(
                list(bad.lines_to_pay) + [
                    x for x in doubtful.lines if x.account.code == '4111'],
                [x for m in [doubtful, loss] for x in m.lines
                    if x.account.code == '416'])
            c.close(6)
            self.assertEqual(posted(6), [])
            # What still waits is the tax in the 30.00 written off
            self.assertEqual(c.account('44574').balance, -5)

    @with_transaction()
    def test_vat_statement(self):
        "The bases and rates behind the VAT of each month"
        pool = Pool()
        Statement = pool.get('cae.vat.statement')
        with Cooperative.enter() as c:
            def declared(month):
                statement, = c.search(
                    'cae.vat.statement', ('period', '=', c.period(month).id))
                return {
                    (x.kind, x.rate and round(x.rate * 100, 1)):
                    (x.base, x.amount) for x in statement.lines}
            invoice = c.invoice(
                date(1),
                ('A1', 1000, '706', ['tva_vente_services_taux_normal']),
                ('A2', 200, '706', [
                        'tva_vente_services_taux_intermediaire']),
                ('A1', 100, '7071', ['tva_vente_biens_5_5']))
            self.assertEqual(invoice.total_amount, D('1525.50'))
            c.invoice(
                date(1), ('A1', 50, '6064', ['tva_achat_biens_taux_normal']),
                type='in')
            closing = c.close(1)
            # Goods and purchases count when invoiced
            self.assertEqual(declared(1), {
                    ('issue', D('5.5')): (100, D('5.50')),
                    ('purchase', D(20)): (50, 10)})
            c.pay(date(2), invoice, amount=D('508.50'))
            c.close(2)
            # A third of the 220.00 of the whole invoice, 73.33
            self.assertEqual(declared(2), {
                    ('receipts', D(20)): (D('333.33'), D('66.66')),
                    ('receipts', D(10)): (D('66.67'), D('6.67'))})
            # The rest, less a credit note that is set off and a loss
            credit = c.invoice(
                date(3),
                ('A2', -200, '706', [
                        'tva_vente_services_taux_intermediaire']))
            c.pay(date(3), invoice, credit, loss=D('79.7'))
            c.close(3)
            march = declared(3)
            self.assertEqual(march['receipts', D(20)][1] + D('66.66'), D(200)
                - round(200 * D('79.7') / D('1525.50'), 2))
            statements = Statement.search([])
            self.assertEqual(
                [s.collected for s in statements],
                [-sum(
                        amount for code, amount, _ in c.lines(
                            *([s.move] if s.move else []))
                        if code == '44571') + (
                        D('5.50') if s.period == c.period(1) else 0)
                    for s in statements])
            january = closing.period
            self.assertEqual(
                [(s.collected, s.deductible, s.to_pay) for s in statements
                    if s.period == january],
                [(D('5.50'), 10, D('-4.50'))])
            with self.assertRaisesRegex(SQLConstraintError, "already"):
                Statement.declare(closing, None, {})

    @with_transaction()
    def test_statement(self):
        "A statement opens with the balance that the last one closed with"
        pool = Pool()
        Activity = pool.get('cae.activity')
        with Cooperative.enter() as c:
            c.rule('62893', [], base='fixed', amount=D(10))
            c.move(
                date(1, 1), ('62895', -500, 'A1'), ('62895', 500, 'R'))
            paid = c.sale(date(1), 'A1', 1000)
            c.pay(date(1), paid, amount=600)
            c.invoice(date(1, 12), ('A1', 40, '6064', []), type='in')

            def statement(month):
                found, = c.search(
                    'cae.activity.statement', ('activity.code', '=', 'A1'),
                    ('period', '=', c.period(month).id))
                return found
            c.close(1)
            january = statement(1)
            self.assertEqual(
                (january.opening_balance, january.closing_balance,
                    january.uncollected, january.collected_balance,
                    january.holders, january.date),
                (0, 1450, 500, 950, "Entrepreneur A1", date(1, 31)))
            self.assertEqual(
                [(x.date.day, x.kind, x.amount) for x in january.lines],
                [(1, 'other', 500), (10, 'sale', 1000),
                    (12, 'purchase', -40), (31, 'fee', -10)])
            self.assertEqual(
                [amount for _, amount in january.totals],
                [500, 1000, -40, -10])
            # A document of January posted late stands first in February
            c.reopen('A1', 1)
            c.invoice(date(1, 15), ('A1', 15, '6064', []), type='in')
            c.sale(date(2), 'A1', 100)
            c.close(2)
            february = statement(2)
            self.assertEqual(
                february.opening_balance, january.closing_balance)
            self.assertEqual(
                [x.amount for x in february.lines], [-15, 100, -10])
            self.assertEqual(
                february.closing_balance,
                Activity.results(c.activities(), date(2, 28))[
                    c.activity('A1').id])
            # A month without closing is not forgotten
            c.sale(date(3), 'A1', 30)
            c.close(4)
            april = statement(4)
            self.assertEqual(
                (april.opening_balance, [x.amount for x in april.lines]),
                (february.closing_balance, [30, -20]))

    @with_transaction()
    def test_again(self):
        "Run again when nothing changed it does nothing"
        pool = Pool()
        models = [pool.get(name) for name in [
                'account.move', 'cae.fee', 'cae.activity.statement',
                'cae.closing.chunk', 'cae.closing.chunk.item']]
        with Cooperative.enter() as c:
            c.rule()
            c.pay(date(1), c.sale(date(1), 'A1', 1000))
            closing = c.close(1)

            def state():
                return [
                    [(r.id, r.write_date) for r in Model.search([])]
                    for Model in models]
            before = state()
            closing = c.advance(closing)
            self.assertEqual((closing.state, closing.progress), ('done', 1))
            self.assertEqual(state(), before)
            # Not even once the next month is closed and activities are new
            c.close(2)
            before = state()
            pool.get('cae.activity').create([{'name': "New"}])
            c.advance(closing)
            self.assertEqual(state(), before)

    @with_transaction()
    def test_new_activity(self):
        "Continue takes up the records that are new"
        pool = Pool()
        Activity = pool.get('cae.activity')
        Statement = pool.get('cae.activity.statement')
        with Cooperative.enter() as c:
            closing = c.close(1)
            activity, later = Activity.create([
                    {'name': "New"},
                    {'name': "Later", 'holders': [('create', [{
                                        'entrepreneur': c.activity(
                                            'A1').holders[0].entrepreneur.id,
                                        'from_date': date(2),
                                        }])]}])
            closing = c.advance(closing)
            self.assertEqual(closing.state, 'done')
            self.assertEqual(
                [s.activity for s in Statement.search([
                            ('activity', 'in', [activity.id, later.id])])],
                [activity])

    @with_transaction()
    def test_refused(self):
        "A month not over, closed, of another company, twice, out of order"
        pool = Pool()
        Closing = pool.get('cae.closing')
        Period = pool.get('account.period')
        with Cooperative.enter() as c:
            with undone(), self.assertRaises(DomainValidationError):
                other = Cooperative("Other Cooperative").company
                Closing.create([{
                            'company': other.id,
                            'period': c.period(1).id}])
            with undone(), patch.object(
                    pool.get('ir.date'), 'today',
                    return_value=date(1, 31)):
                with self.assertRaisesRegex(ClosingError, "come back after"):
                    Closing.run([c.closing(1)])
            with undone():
                period = c.period(1)
                Period.close([period])
                closing = c.closing(1)
                with self.assertRaisesRegex(ClosingError, "reopen it"):
                    Closing.run([closing])
                self.assertEqual(Closing(closing.id).state, 'draft')
            with undone():
                january, february = c.closing(1), c.closing(2)
                with self.assertRaisesRegex(ClosingError, "delete that one"):
                    Closing.run([february])
                Closing.delete([january])
                Closing.run([february])
                run_tasks()
                self.assertEqual(Closing(february.id).state, 'done')
                with self.assertRaisesRegex(ClosingError, "next month"):
                    Closing.run([c.closing(1)])
            c.closing(1)
            with self.assertRaisesRegex(
                    SQLConstraintError, "exists already"):
                c.closing(1)

    @with_transaction()
    def test_attention(self):
        "What needs attention is listed"
        pool = Pool()
        Attention = pool.get('cae.closing.attention')
        Closing = pool.get('cae.closing')
        Move = pool.get('account.move')
        Statement = pool.get('account.statement')
        StatementJournal = pool.get('account.statement.journal')
        with Cooperative.enter() as c:
            draft = c.draft(date(1), ('A1', 100, '706', []))
            later = c.draft(date(2), ('A1', 100, '706', []))
            move, = Move.create([{
                        'company': c.company.id,
                        'journal': c.journal('OD').id,
                        'period': c.period(1).id,
                        'date': date(1),
                        'description': "Forgotten"}])
            bare = c.move(date(1), ('6236', 70), ('5121', -70))
            c.move(date(1), ('6236', 20, 'X'), ('5121', -20))
            c.move(date(1), ('6236', 50, 'A2'), ('5121', -50))
            bank, = pool.get('account.journal').create([{
                        'name': "Bank Statements", 'code': 'REL',
                        'type': 'statement'}])
            journal, = StatementJournal.create([{
                        'name': "Bank", 'journal': bank.id,
                        'company': c.company.id,
                        'currency': c.company.currency.id,
                        'validation': 'amount',
                        'account': c.account('5121').id}])
            statement, = Statement.create([{
                        'name': "January", 'company': c.company.id,
                        'journal': journal.id, 'date': date(1, 31),
                        'total_amount': D(0)}])
            closing = c.closing(1)
            Closing.check([closing])
            closing = Closing(closing.id)
            self.assertEqual(closing.state, 'draft')
            expected = {
                ('unposted', draft), ('unposted', move),
                ('unposted', statement), ('unassigned', bare),
                ('unassigned', c.activity('X')),
                ('negative', c.activity('A2'))}
            self.assertEqual(
                {(a.kind, a.record) for a in closing.attentions}, expected)
            self.assertNotIn(later, [a.record for a in closing.attentions])
            for attention in closing.attentions:
                self.assertTrue(attention.message)
            # The accounting reads them, and only the closing writes them
            accountant = create_user(
                'accountant', c.company, 'account.group_account')
            with set_user(accountant):
                attention, *_ = Attention.search([], limit=1)
                for operation in [
                        lambda: Attention.write(
                            [attention], {'message': "Nothing"}),
                        lambda: Attention.delete([attention])]:
                    with undone(), self.assertRaises(AccessError):
                        operation()
            # Checked again and once run there are no doubles
            Closing.check([closing])
            Closing.run([closing])
            run_tasks()
            closing = Closing(closing.id)
            self.assertEqual(closing.state, 'done')
            self.assertEqual(len(closing.attentions), len(expected))

    @with_transaction()
    def test_chunks(self):
        "Steps go on chunk by chunk, and once after the last of them"
        pool = Pool()
        Chunk = pool.get('cae.closing.chunk')
        Closing = pool.get('cae.closing')
        with Cooperative.enter() as c, \
                patch.object(closing_module, 'CHUNK_SIZE', 1):
            c.rule('62893', [], base='fixed', amount=D(10))
            closing = c.closing(1)
            Closing.run([closing])
            run_tasks(2)
            closing = Closing(closing.id)
            self.assertEqual((closing.state, closing.step), ('running', 'vat'))
            run_tasks(1)
            clear_cache()
            self.assertEqual(closing.step, 'fee')
            self.assertEqual(len(closing.chunks), 5)
            self.assertEqual(closing.waiting, 4)
            self.assertAlmostEqual(closing.progress, 0.33)
            # Killed: the tasks of the queue are lost
            run_tasks(1)
            Transaction().tasks.clear()
            clear_cache()
            self.assertEqual(closing.waiting, 3)
            closing = c.advance(closing)
            self.assertEqual(
                (closing.state, closing.waiting, closing.progress),
                ('done', 0, 1))
            self.assertEqual(
                [(x.step, x.number, len(x.items)) for x in Chunk.search(
                        [('closing', '=', closing.id)],
                        order=[('id', 'ASC')])],
                [('vat', 1, 1)] + [
                    (step, n, 1) for step in ['fee', 'statement']
                    for n in range(1, 5)])
            # Two last chunks that end together, woken twice
            closing = c.closing(2)
            Closing.run([closing])
            run_tasks(3)
            chunks = Chunk.search([
                    ('closing', '=', closing.id), ('step', '=', 'fee')])
            Transaction().tasks.clear()
            for chunk in [*chunks, *chunks]:
                Chunk.process([chunk])
            self.assertEqual(len(Transaction().tasks), len(chunks))
            run_tasks()
            self.assertEqual(Closing(closing.id).state, 'done')
            self.assertEqual(
                Chunk.search([('closing', '=', closing.id)], count=True), 9)

    @with_transaction()
    def test_queries(self):
        "The number of queries does not follow that of activities"
        pool = Pool()
        Activity = pool.get('cae.activity')
        with Cooperative.enter() as c:
            c.pay(date(1), c.sale(date(1), 'A1', 100), amount=50)

            def count(activities):
                clear_cache()
                cursor = Transaction().connection.cursor
                calls = []
                with patch.object(
                        Transaction(), 'connection') as connection:
                    connection.cursor = lambda **kwargs: Counter(
                        cursor(**kwargs), calls)
                    Activity.balances(activities, date(2), 'collected')
                    Activity.turnovers(
                        activities, date(2), 'collected', date(1, 1))
                    Activity.selling_months(
                        activities, date(1, 1), date(2))
                return len(calls)
            few = count(c.activities())
            Activity.create([{'name': f"N{i}"} for i in range(300)])
            self.assertLessEqual(count(c.activities()), few + 10)


class CommittedMixin:

    def test_failing_chunk(self):
        "A chunk that is refused keeps its message and stops no other"
        pool = Pool(DB_NAME)
        Chunk = pool.get('cae.closing.chunk')
        Closing = pool.get('cae.closing')
        Fee = pool.get('cae.fee')
        Move = pool.get('account.move')

        def within(function):
            def wrapper(*args):
                with Cooperative.enter() as c:
                    return function(c, *args)
            return wrapper

        def prepare(c):
            c.rule('62893', [], base='fixed', amount=D(10))
            c.pay(date(1), c.sale(date(1), 'A1', 100))
            return c.closing(1).id, c.activity('A2').id

        def run(c, id_):
            Closing.run([Closing(id_)])

        def resume(c, id_):
            Closing.resume([Closing(id_)])

        def state(c, id_):
            closing = Closing(id_)
            return (
                closing.state, closing.step,
                [(x.step, x.state, x.error) for x in closing.chunks
                    if x.state != 'done'],
                [f.activity.code for f in Fee.search(
                        [('company', '=', c.company.id)])],
                Move.search([
                        ('company', '=', c.company.id),
                        ('state', '=', 'draft')], count=True),
                [(a.kind, a.record.__class__, a.message)
                    for a in closing.attentions])
        id_, activity = commit(within(prepare))
        charge = Fee.charge

        def refuse(activities, period, origin=None):
            fees = charge(activities, period, origin=origin)
            if activity in [a.id for a in activities]:
                raise FeeRuleError("Give A2 a rule.")
            return fees
        with patch.object(closing_module, 'CHUNK_SIZE', 1), \
                patch.object(Fee, 'charge', refuse):
            commit(within(run), id_)
            reached, step, chunks, fees, drafts, attentions = commit(
                within(state), id_)
            self.assertEqual((reached, step), ('attention', 'fee'))
            self.assertEqual(chunks, [('fee', 'failed', "Give A2 a rule.")])
            self.assertEqual(sorted(fees), ['A1', 'A3'])
            self.assertEqual(drafts, 0)
            (kind, Model, message), = [
                a for a in attentions if a[0] == 'failed']
            self.assertEqual(Model, Chunk)
            self.assertIn("Give A2 a rule.", message)
            # Not put right: the same again
            commit(within(resume), id_)
            self.assertEqual(commit(within(state), id_)[0], 'attention')
        commit(within(resume), id_)
        reached, _, chunks, fees, _, attentions = commit(within(state), id_)
        self.assertEqual((reached, chunks), ('done', []))
        self.assertNotIn('failed', [a[0] for a in attentions])
        self.assertEqual(sorted(fees), ['A1', 'A2', 'A3'])


class Counter:
    "A cursor that counts what it executes"

    def __init__(self, cursor, calls):
        self._cursor, self._calls = cursor, calls

    def execute(self, *args, **kwargs):
        self._calls.append(args)
        return self._cursor.execute(*args, **kwargs)

    def __iter__(self):
        return iter(self._cursor)

    def __getattr__(self, name):
        return getattr(self._cursor, name)
