# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The entries of a French cooperative on its extended chart."""
import datetime as dt
from decimal import Decimal as D

from trytond.model.exceptions import AccessError, DomainValidationError
from trytond.modules.cae_billing.exceptions import (
    ActivityRequiredError, AnalyticPostedError, SellingNotAllowedError,
    SplitError)
from trytond.modules.cae_members.tests.server import (
    clear_cache, undone, with_transaction)
from trytond.pool import Pool
from trytond.transaction import Transaction, check_access

from .tools import YEAR, Cooperative

MARCH = dt.date(YEAR, 3, 10)
SERVICES = ['tva_vente_services_taux_normal']


class PostingMixin:

    def assertMove(self, cooperative, move, *lines):
        "The move has exactly the lines, each complete"
        self.assertEqual(move.state, 'posted')
        self.assertEqual(
            cooperative.lines(move), sorted(
                (code, D(amount), ''.join(activity))
                for code, amount, *activity in lines))
        self.assertEqual(
            {line.analytic_state for line in move.lines}, {'valid'})
        self.assertEqual(
            {line.state for line in move.lines}, {'valid'})
        for line in move.lines:
            self.assertFalse(line.account.code.startswith('79'))
            for analytic in line.analytic_lines:
                self.assertEqual(analytic.date, move.date)

    @with_transaction()
    def test_chart(self):
        "Every account that the schemes need can be posted"
        with Cooperative.enter() as c:
            for code in ('4111 416 4011 4081 4181 431 4421 4422 4423 44571 '
                    '44566 44574 44564 44551 4282 4382 4284 4246 486 487 491 '
                    '5121 581 4671 4672 4673 4191 4417 6411 6412 6451 6452 '
                    '6453 6454 6458 6312 6331 6332 6333 6334 6541 6581 68174 '
                    '78174 6815 691 706 7071 7081 7082 7083 7084 7085 7086 '
                    '7088 741 742 758 7587 7588 62891 62892 62893 62894 '
                    '62895 62896').split():
                account = c.account(code)
                self.assertFalse(account.closed, code)
                self.assertTrue(account.type, code)
            self.assertTrue(c.account('6289').closed)
            for code in '4671 4672 4673 4417 4191'.split():
                self.assertTrue(c.account(code).party_required, code)
                self.assertTrue(c.account(code).reconcile, code)
            self.assertTrue(c.account('4671').type.payable)

    @with_transaction()
    def test_sale(self):
        "Services on receipts and goods on debits, then a credit note"
        with Cooperative.enter() as c:
            invoice = c.invoice(
                MARCH, ('A1', 1000, '706', SERVICES),
                ('A1', 100, '7071', ['tva_vente_biens_5_5']))
            self.assertMove(
                c, invoice.move, ('4111', '1305.50'), ('706', -1000, 'A1'),
                ('7071', -100, 'A1'), ('44574', -200), ('44571', '-5.50'))
            for line in invoice.move.lines:
                if line.analytic_lines:
                    analytic, = line.analytic_lines
                    self.assertEqual(analytic.origin, line.origin)
                    self.assertIn(invoice.number, analytic.description)
                    self.assertIn("Customer", line.description)
            credit = c.sale(MARCH, 'A1', -200)
            self.assertMove(
                c, credit.move, ('706', 200, 'A1'), ('44574', 40),
                ('4111', -240))

    @with_transaction()
    def test_retention(self):
        "What the customer keeps back is of what is left after the discount"
        Term = Pool().get('account.invoice.payment_term')
        with Cooperative.enter() as c:
            term, = Term.create([{
                        'name': "Retention of 5 % for a year",
                        'lines': [('create', [
                                    {'type': 'percent_on_total',
                                        'ratio': D('0.05'), 'divisor': D(20),
                                        'sequence': 1,
                                        'relativedeltas': [('create', [
                                                    {'days': 365}])]},
                                    {'type': 'remainder', 'sequence': 2},
                                    ])],
                        }])
            lines = [
                ('A1', 1000, '706', SERVICES), ('A1', -100, '706', SERVICES)]
            for sign in [1, -1]:
                invoice = c.invoice(
                    MARCH, *((a, sign * amount, code, taxes)
                        for a, amount, code, taxes in lines),
                    payment_term=term.id)
                self.assertEqual(invoice.total_amount, sign * 1080)
                self.assertEqual(
                    [(line.maturity_date, line.debit - line.credit)
                        for line in sorted(
                            invoice.lines_to_pay,
                            key=lambda line: line.maturity_date)], [
                        (MARCH, sign * 1026),
                        (MARCH + dt.timedelta(days=365), sign * 54)])

    @with_transaction()
    def test_deposit(self):
        "A deposit is no turnover and carries no activity"
        Activity = Pool().get('cae.activity')
        with Cooperative.enter() as c:
            deposit = c.invoice(MARCH, ('A1', 300, '4191', SERVICES))
            self.assertMove(
                c, deposit.move, ('4111', 360), ('4191', -300),
                ('44574', -60))
            self.assertEqual(
                c.figures(Activity.results(c.activities(), MARCH), 'A1'), [0])
            final = c.invoice(
                MARCH, ('A1', 1000, '706', SERVICES),
                ('A1', -300, '4191', SERVICES))
            self.assertMove(
                c, final.move, ('4111', 840), ('4191', 300),
                ('706', -1000, 'A1'), ('44574', -200), ('44574', 60))
            self.assertEqual(c.figures(
                    Activity.turnovers(c.activities(), MARCH), 'A1'), [1000])

    @with_transaction()
    def test_bad_debt(self):
        "Doubtful, depreciated, lost, covered by the fund"
        with Cooperative.enter() as c:
            c.sale(MARCH, 'A1', 1000)
            customer = c.party("Customer")
            for lines in [
                    [('416', 1200, customer), ('4111', -1200, customer)],
                    [('68174', 500, 'A1'), ('491', -500)],
                    [('491', 500), ('78174', -500, 'A1')],
                    [('6541', 1000, 'A1'), ('44574', 200),
                        ('416', -1200, customer)],
                    [('62895', 1000, 'F'), ('62895', -1000, 'A1')],
                    ]:
                move = c.move(MARCH, *lines)
                self.assertMove(c, move, *[
                        (code, amount, *(
                                o for o in other if isinstance(o, str)))
                        for code, amount, *other in lines])

    @with_transaction()
    def test_internal(self):
        "Transfers inside the company and the other schemes without a screen"
        with Cooperative.enter() as c:
            party = c.party("Entrepreneur A1")
            payer = c.party("Customer")
            for lines in [
                    # expense sheet, its refund and the waiver of a part
                    [('6251', '110.00', 'A1'), ('6064', '50.00', 'A1'),
                        ('44566', '10.00'), ('6251', '63.60', 'A1'),
                        ('4671', '-233.60', party)],
                    [('4671', '208.16', party), ('5121', '-208.16')],
                    [('4671', '25.44', party), ('758', '-25.44', 'A2')],
                    # company card
                    [('6064', 20, 'A1'), ('4673', -20, party)],
                    [('4673', 20, party), ('5121', -20)],
                    # year-end cut-off
                    [('4181', 120, payer), ('706', -100, 'A1'),
                        ('44587', -20)],
                    [('706', 30, 'A1'), ('487', -30)],
                    [('486', 30), ('6064', -30, 'A1')],
                    # internal sale
                    [('62894', 150, 'A1'), ('62894', -150, 'A2')],
                    # grant to the structure, received
                    [('4417', 5000, payer), ('741', -5000, 'S')],
                    [('5121', 5000), ('4417', -5000, payer)],
                    # staff at work for an activity, result allocated
                    [('62896', 80, 'A1'), ('62896', -80, 'S')],
                    [('62895', 2000, 'A1'), ('62895', -2000, 'R')],
                    # CAPE: balance owed, then given back to the budget
                    [('6581', 578, 'A3'), ('4672', -578, party)],
                    [('4672', 578, party), ('6581', -578, 'A3')],
                    # payment by the wrong route
                    [('4671', 100, party), ('4111', -100, payer)],
                    [('581', 50), ('5121', -50)],
                    ]:
                move = c.move(MARCH, *lines)
                self.assertMove(c, move, *[
                        (code, amount, *(
                                o for o in other if isinstance(o, str)))
                        for code, amount, *other in lines])

    @with_transaction()
    def test_purchase_split(self):
        "A supplier line split over two activities keeps its total"
        pool = Pool()
        Invoice = pool.get('account.invoice')
        with Cooperative.enter() as c:
            invoice = c.draft(
                MARCH,
                ('A1', '333.33', '6236', ['tva_achat_services_taux_normal']),
                type='in')
            total, tax = invoice.total_amount, invoice.tax_amount
            line, = invoice.lines
            lines = line.split(
                [(c.activity('A1'), 60), (c.activity('A2'), 40)])
            self.assertEqual(
                [(x.activity.code, x.amount) for x in lines],
                [('A1', D('200.00')), ('A2', D('133.33'))])
            clear_cache()
            invoice = Invoice(invoice.id)
            self.assertEqual(
                (invoice.total_amount, invoice.tax_amount), (total, tax))
            Invoice.post([invoice])
            self.assertMove(
                c, invoice.move, ('6236', '200.00', 'A1'),
                ('6236', '133.33', 'A2'), ('44566', '66.67'),
                ('4011', '-400.00'))
            # The wrong activity is put right by a transfer
            self.assertMove(
                c, c.move(MARCH, ('6236', 50, 'A2'), ('6236', -50, 'A1')),
                ('6236', 50, 'A2'), ('6236', -50, 'A1'))

    @with_transaction()
    def test_split_wizard(self):
        "The wizard splits over different activities only"
        pool = Pool()
        Split = pool.get('cae.invoice.line.split', type='wizard')
        Line = pool.get('account.invoice.line')
        with Cooperative.enter() as c:
            invoice = c.draft(
                MARCH, ('A1', '100', '6236', []), type='in')
            session, _, _ = Split.create()
            with Transaction().set_context(
                    active_model=Line.__name__,
                    active_id=invoice.lines[0].id,
                    active_ids=[invoice.lines[0].id]):
                wizard = Split(session)
                self.assertEqual(wizard.default_start([])['amount'], 100)
                a1, a2 = c.activity('A1'), c.activity('A2')
                for parts in [[a1], [a1, a1]]:
                    wizard.start.parts = [
                        {'activity': a, 'weight': 1} for a in parts]
                    with self.assertRaises(SplitError):
                        wizard.transition_split()
                wizard.start.parts = [
                    {'activity': a1, 'weight': 1},
                    {'activity': a2, 'weight': 2}]
                wizard.transition_split()
            self.assertEqual(
                sorted(
                    (x.activity.code, x.amount) for x in Line.search(
                        [('invoice', '=', invoice.id)])),
                [('A1', D('33.33')), ('A2', D('66.67'))])

    @with_transaction()
    def test_several_activities(self):
        "Each line of an invoice goes to its own activity"
        with Cooperative.enter() as c:
            invoice = c.invoice(
                MARCH, ('A1', 100, '706', SERVICES),
                ('A2', 50, '706', SERVICES), ('A1', 0, '706', SERVICES))
            self.assertMove(
                c, invoice.move, ('706', -100, 'A1'), ('706', -50, 'A2'),
                ('706', 0, 'A1'), ('44574', -30), ('4111', 180))

    @with_transaction()
    def test_activity_kept(self):
        "A credit note and a changed header keep the activity of the lines"
        pool = Pool()
        Invoice = pool.get('account.invoice')
        Line = pool.get('account.invoice.line')
        with Cooperative.enter() as c:
            a1, a2 = c.activity('A1'), c.activity('A2')
            invoice = c.invoice(
                MARCH, ('A1', 100, '706', []), ('A2', 50, '706', []),
                activity='A1')
            credit, = Invoice.credit([invoice], invoice_date=MARCH)
            self.assertEqual(credit.activity, a1)
            self.assertEqual([x.activity for x in credit.lines], [a1, a2])
            credited, = Invoice.credit(
                [invoice], refund=True, invoice_date=MARCH)
            self.assertMove(
                c, credited.move, ('706', 100, 'A1'), ('706', 50, 'A2'),
                ('4111', -150))
            draft = Invoice(company=c.company, type='out', activity=a1)
            line = Line(invoice=draft, type='line')
            line.on_change_invoice()
            self.assertEqual(line.activity, a1)
            draft.lines = [line, Line(type='line', activity=None)]
            draft.activity = a2
            draft.on_change_activity()
            self.assertEqual([x.activity for x in draft.lines], [a1, a2])
            copy, = Invoice.copy([invoice])
            self.assertEqual([x.activity for x in copy.lines], [a1, a2])

    @with_transaction()
    def test_no_entry(self):
        "The root of the activities is no entry of an invoice line"
        pool = Pool()
        Account = pool.get('analytic_account.account')
        Line = pool.get('account.invoice.line')
        with Cooperative.enter() as c:
            self.assertEqual(Line.default_analytic_accounts(), [])
            self.assertEqual(Line.default_analytic_accounts_size(), 0)
            axis, = Account.create([{
                        'name': "Funding", 'type': 'root',
                        'company': c.company.id, 'state': 'opened'}])
            self.assertEqual(
                Line.default_analytic_accounts(), [{'root': axis.id}])

    @with_transaction()
    def test_activity_required(self):
        "A cooperative journal wants an activity, another does not"
        pool = Pool()
        Invoice = pool.get('account.invoice')
        Journal = pool.get('account.journal')
        with Cooperative.enter() as c:
            invoice = c.draft(MARCH, (None, 100, '706', []))
            for method in [Invoice.validate_invoice, Invoice.post,
                    Invoice.post_batch]:
                with self.assertRaisesRegex(
                        ActivityRequiredError, "choose on the line"):
                    method([invoice])
            self.assertEqual(Invoice(invoice.id).state, 'draft')
            journal, = Journal.create([{
                        'name': "Other", 'code': 'OTH', 'type': 'revenue'}])
            other = c.invoice(
                MARCH, (None, 100, '706', []), journal=journal)
            self.assertEqual(other.state, 'posted')

    @with_transaction()
    def test_may_not_sell(self):
        "Nobody sells under a support agreement"
        pool = Pool()
        Invoice = pool.get('account.invoice')
        with Cooperative.enter() as c:
            invoice = c.draft(MARCH, ('B1', 100, '706', []))
            for method in [Invoice.validate_invoice, Invoice.post,
                    Invoice.post_batch]:
                with self.assertRaisesRegex(
                        SellingNotAllowedError, "support agreement"):
                    method([invoice])
            self.assertEqual(Invoice(invoice.id).state, 'draft')
            # Before the contract as well
            early = c.draft(dt.date(YEAR - 1, 12, 31), ('A1', 100, '706', []))
            with self.assertRaises(SellingNotAllowedError):
                Invoice.post([early])
            # but one may buy, and give back
            for invoice in [
                    c.invoice(MARCH, ('B1', 10, '6064', []), type='in'),
                    c.invoice(MARCH, ('B1', -10, '706', []))]:
                self.assertEqual(invoice.state, 'posted')

    @with_transaction()
    def test_other_company(self):
        "An activity of another company is refused"
        pool = Pool()
        Line = pool.get('account.invoice.line')
        with Cooperative.enter() as c:
            other = Cooperative("Other Cooperative").activity('S')
            draft = c.draft(MARCH, ('A1', 100, '706', []))
            with self.assertRaisesRegex(DomainValidationError, "Activity"):
                Line.write(list(draft.lines), {'activity': other.id})

    @with_transaction()
    def test_analytic_lines_closed(self):
        "Nobody changes the analytic lines of a posted move"
        pool = Pool()
        AnalyticLine = pool.get('analytic_account.line')
        Group = pool.get('res.group')
        Line = pool.get('account.move.line')
        User = pool.get('res.user')
        with Cooperative.enter() as c:
            move = c.sale(MARCH, 'A1', 100).move
            draft = c.sale(MARCH, 'A1', 100).move
            line, = [x for x in move.lines if x.analytic_lines]
            other, = [x for x in draft.lines if x.analytic_lines]
            analytic, = line.analytic_lines
            account = c.activity('A2').analytic_account.id
            values = {
                'account': account, 'date': MARCH, 'move_line': line.id,
                'debit': D(0), 'credit': D(1)}
            accountant, = User.create([{
                        'name': "Accountant", 'login': 'accountant',
                        'companies': [('add', [c.company.id])],
                        'company': c.company.id,
                        'groups': [('add', [
                                    g.id for g in Group.search([
                                            ('name', 'like', "Accounting%")])
                                    ])],
                        }])
            for user in [1, accountant.id]:
                with Transaction().set_user(user), check_access(), \
                        Transaction().set_context(
                            User.get_preferences(context_only=True)):
                    for operation in [
                            lambda: AnalyticLine.create([values]),
                            lambda: AnalyticLine.write(
                                [analytic], {'account': account}),
                            lambda: AnalyticLine.write(
                                [analytic], {'credit': D(90)}),
                            lambda: AnalyticLine.write(
                                [analytic], {'date': dt.date(YEAR, 4, 1)}),
                            lambda: AnalyticLine.write(
                                [analytic], {'description': "Else"}),
                            lambda: AnalyticLine.write(
                                list(other.analytic_lines),
                                {'move_line': line.id}),
                            lambda: AnalyticLine.delete([analytic]),
                            lambda: Line.write([line], {
                                    'analytic_lines': [
                                        ('delete', [analytic.id])]}),
                            lambda: Line.write([line], {
                                    'analytic_lines': [
                                        ('remove', [analytic.id])]}),
                            lambda: Line.write([line], {
                                    'analytic_lines': [
                                        ('create', [values])]}),
                            lambda: Line.write([line], {
                                    'analytic_lines': [
                                        ('write', [analytic.id],
                                            {'account': account})]}),
                            ]:
                        with undone(), self.assertRaises(
                                (AnalyticPostedError, AccessError)):
                            operation()
            analytic, = Line(line.id).analytic_lines
            self.assertEqual(
                (analytic.account, analytic.credit),
                (c.activity('A1').analytic_account, 100))

    @with_transaction()
    def test_analytic_lines_draft(self):
        "Those of a draft move follow its date when it is posted"
        pool = Pool()
        AnalyticLine = pool.get('analytic_account.line')
        Move = pool.get('account.move')
        with Cooperative.enter() as c:
            move = c.move(MARCH, ('6236', 10, 'A1'), ('5121', -10))
            cancel = move.cancel(reversal=True)
            cancel.date = dt.date(YEAR, 3, 20)
            cancel.save()
            analytic, = [
                a for line in cancel.lines for a in line.analytic_lines]
            AnalyticLine.write([analytic], {'date': dt.date(YEAR, 1, 1)})
            Move.post([cancel])
            self.assertMove(
                c, cancel, ('6236', -10, 'A1'), ('5121', 10))

    @with_transaction()
    def test_rule_unassigned(self):
        "An analytic rule is applied before the move is posted"
        pool = Pool()
        Rule = pool.get('analytic_account.rule')
        with Cooperative.enter() as c:
            unassigned = c.activity('X').analytic_account
            Rule.create([{
                        'company': c.company.id,
                        'analytic_accounts': [('create', [{
                                        'root': unassigned.root.id,
                                        'account': unassigned.id,
                                        }])],
                        }])
            self.assertMove(
                c, c.move(MARCH, ('6236', 10), ('5121', -10)),
                ('6236', 10, 'X'), ('5121', -10))

    @with_transaction()
    def test_fec(self):
        "The accounting entries file misses no reference nor label"
        pool = Pool()
        FEC = pool.get('account.fr.fec', type='wizard')
        Period = pool.get('account.period')
        with Cooperative.enter() as c:
            c.rule(base='invoiced')
            c.sale(MARCH, 'A1', 100)
            for month in range(1, 4):
                c.close(month)
            c.move(MARCH, ('581', 10), ('5121', -10), description="Transfer")
            fiscalyear = c.period(3).fiscalyear
            deferral, = Period.create([{
                        'name': "Deferral", 'type': 'adjustment',
                        'start_date': fiscalyear.end_date,
                        'end_date': fiscalyear.end_date,
                        'fiscalyear': fiscalyear.id}])
            session, _, _ = FEC.create()
            wizard = FEC(session)
            wizard.start.fiscalyear = fiscalyear
            wizard.start.type = 'is-bic'
            wizard.start.deferral_period = deferral
            wizard.transition_generate()
            rows = [
                row.split('\t') for row
                in bytes(wizard.result.file).decode().splitlines()]
            header, *rows = rows
            self.assertIn('INT', {row[0] for row in rows})
            for row in rows:
                for name in ['PieceRef', 'EcritureLib', 'EcritureNum']:
                    self.assertNotIn(
                        row[header.index(name)], {'', '-'}, (name, row))
