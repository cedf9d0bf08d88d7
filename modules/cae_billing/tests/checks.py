# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What the checks of a closing say of sound books and of broken ones."""
import datetime as dt
from decimal import Decimal as D

from trytond.model.exceptions import AccessButtonError, AccessError
from trytond.modules.cae_billing.exceptions import ClosingError
from trytond.modules.cae_members.tests.server import (
    clear_cache, undone, with_transaction)
from trytond.pool import Pool
from trytond.pyson import PYSONDecoder
from trytond.transaction import Transaction, check_access

from .expense import ExpenseMixin
from .tools import YEAR, Cooperative, run_tasks

SERVICES = 'tva_vente_services_taux_normal'
# What somebody with access to the database could do, and what must see it
CORRUPTIONS = [
    ("UPDATE cae_vat_statement_line SET amount = amount + 1 WHERE id = "
        "(SELECT MAX(id) FROM cae_vat_statement_line "
        "WHERE kind = 'receipts')", ['vat_statement']),
    ("UPDATE analytic_account_line SET credit = credit + 1 WHERE id = "
        "(SELECT MAX(line.id) FROM analytic_account_line line "
        "JOIN account_move_line entry ON entry.id = line.move_line "
        "JOIN account_account account ON account.id = entry.account "
        "WHERE account.code = '706')",
        ['analytic', 'result', 'turnover', 'statement']),
    ("UPDATE analytic_account_line SET date = '2024-12-31' "
        "WHERE id = (SELECT MIN(id) FROM analytic_account_line)",
        ['analytic']),
    ("DELETE FROM analytic_account_line WHERE move_line IN "
        "(SELECT line.id FROM account_move_line line "
        "JOIN account_invoice invoice ON invoice.move = line.move "
        "WHERE invoice.state = 'posted' AND invoice.type = 'out')",
        ['result', 'turnover', 'uncollected', 'statement']),
    ("UPDATE account_move_line SET debit = debit + 1 WHERE id = "
        "(SELECT MAX(line.id) FROM account_move_line line "
        "JOIN account_account account ON account.id = line.account "
        "WHERE account.code = '62893' AND line.debit > 0)",
        ['internal', 'analytic', 'result']),
    ("UPDATE cae_fee SET amount = amount + 1 "
        "WHERE id = (SELECT MAX(id) FROM cae_fee)", ['fee']),
    ("UPDATE cae_fee SET due_change = due_change + 1 "
        "WHERE id = (SELECT MAX(id) FROM cae_fee)", ['fee_due']),
    ("UPDATE cae_vat_statement_line SET base = base + 100 WHERE id = "
        "(SELECT MAX(id) FROM cae_vat_statement_line "
        "WHERE kind = 'receipts')", ['vat_base', 'vat_turnover']),
    ("UPDATE account_move_line SET credit = credit + 1 WHERE id = "
        "(SELECT MAX(tax.move_line) FROM account_tax_line tax "
        "JOIN account_move_line line ON line.id = tax.move_line "
        "JOIN account_account account ON account.id = line.account "
        "WHERE tax.type = 'base' AND account.code = '7071' "
        "AND line.credit > 0)", ['vat_turnover']),
    ("UPDATE account_move SET state = 'draft' "
        "WHERE id = (SELECT MAX(move) FROM cae_fee)", ['fee', 'statement']),
    ("UPDATE cae_activity_statement SET closing_balance = closing_balance + 1 "
        "WHERE id = (SELECT MAX(id) FROM cae_activity_statement)",
        ['statement']),
    ("UPDATE cae_activity_statement SET "
        "opening_balance = opening_balance + 1, "
        "closing_balance = closing_balance + 1 "
        "WHERE id = (SELECT MAX(id) FROM cae_activity_statement)",
        ['statement']),
    ("UPDATE account_move SET number = NULL WHERE id = "
        "(SELECT MIN(id) + 1 FROM account_move WHERE state = 'posted')",
        ['number']),
    ("DELETE FROM cae_fee "
        "WHERE id = (SELECT MIN(id) + 1 FROM cae_fee)", ['number', 'fee']),
    ]


def date(month, day=10):
    return dt.date(YEAR, month, day)


class ChecksMixin:

    def checked(self, closing):
        "Check again; return {code: check}"
        Closing = Pool().get('cae.closing')
        clear_cache()
        closing = Closing(closing.id)
        Closing.check([closing])
        clear_cache()
        return {c.code: c for c in Closing(closing.id).checks}

    def wrong_checks(self, closing):
        return {
            code for code, check in self.checked(closing).items()
            if check.state not in {'right', 'none'}}

    def sound(self, c):
        "Return the closing of March, after everything that may happen"
        c.rule()
        c.rule('62893', [], name="Fund", base='fixed', amount=D(10))
        paid = c.sale(date(1), 'A1', 1000)
        c.pay(date(1), paid)
        c.move(date(1), ('62895', -500, 'A2'), ('62895', 500, 'R'))
        c.pay(date(1), c.sale(date(1), 'A3', 300))
        part = c.invoice(
            date(2), ('A1', 1000, '706', [SERVICES]),
            ('A2', 100, '7071', ['tva_vente_biens_5_5']))
        c.pay(date(2), part, amount=600)
        c.pay(date(2), c.invoice(date(2), ('A1', 300, '4191', [SERVICES])))
        c.sale(date(2), 'A3', 50)
        c.pay(
            date(3), c.sale(date(2), 'A2', 500), c.sale(date(3), 'A2', -100))
        bill = c.invoice(
            date(2), ('A1', 40, '6064', []), ('S', 60, '6132', []), type='in')
        c.pay(date(3), bill)
        c.invoice(date(3), ('A2', 25, '6064', []), type='in')
        c.close(2)
        # A doubtful debt that is lost, its VAT too
        customer = c.party("Customer")
        bad = c.sale(date(3), 'A3', 1000)
        doubtful = c.move(
            date(3), ('416', 1200, customer), ('4111', -1200, customer))
        loss = c.move(
            date(3), ('6541', 1000, 'A3'), ('44574', 200),
            ('416', -1200, customer))
        Pool().get('account.move.line').reconcile(
            list(bad.lines_to_pay) + [
                x for x in doubtful.lines if x.account.code == '4111'],
            [x for m in [doubtful, loss] for x in m.lines
                if x.account.code == '416'])
        # The declaration of February takes the VAT off
        c.move(date(3, 20), ('44571', 150), ('5121', -150))
        c.move(date(1, 5), ('581', 70), ('5121', -70))
        c.move(date(3, 5), ('581', -70), ('5121', 70))
        closing = c.close(3)
        # Paid in April: open at the end of March
        c.pay(date(4), part)
        return closing

    @with_transaction()
    def test_checks(self):
        "The checks of sound books, and of what is not"
        with Cooperative.enter() as c:
            draft = c.closing(5)
            closing = self.sound(c)
            self.check_sound(c, closing, draft)
            self.check_documents(c, closing)
            self.check_corruptions(closing)

    def check_sound(self, c, closing, draft):
        "All that may happen and nothing to look at"
        self.assertEqual(closing.to_look_at, 0, [
                (x.code, x.state, x.expected, x.found, x.difference)
                for x in closing.checks
                if x.state not in {'right', 'none'}])
        checks = self.checked(closing)
        self.assertEqual(
            list(checks), [code for code, _ in closing._checks()])
        self.assertEqual(
            {code for code, x in checks.items() if x.state == 'none'},
            {'bank', 'fee_cap', 'mileage', 'year_end'})
        for code in ['bank', 'fee_cap', 'mileage', 'year_end']:
            self.assertTrue(checks[code].message, code)
        for code, amount in {
                # 1305.50 less 600.00, 60.00 of A3
                'customers': D('765.50'),
                'customer': D('765.50'),
                'suppliers': 25,
                'vat_waiting': D('118.08'),
                'turnover': 1000 + 300 + 1100 + 50 + 400 + 1000,
                'uncollected': D('594.45') + 50,
                }.items():
            with self.subTest(code=code):
                self.assertEqual(
                    (checks[code].expected, checks[code].found,
                        checks[code].difference), (amount, amount, 0))
        for code in [
                'result', 'fee', 'fee_due', 'statement', 'number',
                'vat_base', 'vat_turnover']:
            self.assertTrue(checks[code].expected, code)
        # Before the month is closed some cannot be told
        self.assertEqual(
            {code for code, x in self.checked(draft).items()
                if x.state == 'none'},
            {
                'bank', 'fee_cap', 'fee_due', 'mileage', 'vat_waiting',
                'vat_statement', 'vat_turnover', 'statement', 'year_end'})

    def check_documents(self, c, closing):
        "What is entered and should not is seen by its check alone"
        customer, supplier = c.party("Customer"), c.party("Supplier")
        for code, day, lines in [
                ('customers', 31, [('5121', 100), (
                            '4111', -100, customer)]),
                ('suppliers', 31, [('5121', -100), (
                            '4011', 100, supplier)]),
                ('vat_waiting', 31, [('44574', 5), ('5121', -5)]),
                ('vat_due', 31, [('44571', -5), ('5121', 5)]),
                ('turnover', 31, [('706', -5, 'S'), ('5121', 5)]),
                ('result', 31, [('6132', 5), ('5121', -5)]),
                ('internal', 31, [('62894', 5, 'S'), ('6132', -5, 'S')]),
                ('cutoff', 31, [('486', 5), ('5121', -5)]),
                ('allocated', 31, [
                        ('62894', 5, 'R'), ('62894', -5, 'F')]),
                ]:
            with self.subTest(code=code), undone():
                move = c.move(date(3, day), *lines)
                checks = self.checked(closing)
                self.assertEqual(
                    {k for k, x in checks.items() if x.state == 'look'},
                    {code, 'customer'} if code == 'customers' else {code})
                check = checks[code]
                self.assertTrue(check.message)
                self.assertEqual(abs(check.difference), max(
                        abs(amount) for _, amount, *_ in lines))
                action = check.open_records([check])
                Model = Pool().get(action['res_model'])
                records = Model.search(
                    PYSONDecoder().decode(action['pyson_domain']))
                self.assertEqual(len(records), check.count)
                self.assertIn(move, [
                        r if Model.__name__ == 'account.move' else r.move
                        for r in records])
        for code, lines, amount, record in [
                ('expense', [('4671', 30, supplier), ('5121', -30)], 30,
                    supplier),
                ('support', [('4672', 40, supplier), ('5121', -40)], 40,
                    supplier),
                ('budget', [('6132', 9000, 'A1'), ('5121', -9000)], None,
                    c.activity('A1')),
                ('customer', [
                        ('4111', 50, customer),
                        ('4111', -50, c.party("Other Customer"))], 100,
                    customer),
                ]:
            with self.subTest(code=code), undone():
                if code == 'budget':
                    c.reopen('A1', 3)
                c.move(date(3, 31), *lines)
                checks = self.checked(closing)
                self.assertEqual(
                    {k for k, x in checks.items() if x.state == 'look'},
                    {code, 'statement'} if code == 'budget' else {code})
                check = checks[code]
                if amount:
                    self.assertEqual(check.difference, amount)
                else:
                    self.assertLess(check.difference, 0)
                self.assertEqual(check.model, record.__name__)
                self.assertIn(record.id, check.ids)
        with self.subTest(code='draft'), undone():
            Move = Pool().get('account.move')
            draft, later = Move.create([{
                        'company': c.company.id,
                        'journal': c.journal('OD').id,
                        'period': c.period(month).id,
                        'date': date(month)} for month in [3, 4]])
            check = self.checked(closing)['draft']
            self.assertEqual(
                (check.state, check.found, check.ids),
                ('look', 1, [draft.id]))
        for lines, amount in [
                ([('581', 20), ('5121', -20)], 20),
                ([('4671', -30, supplier), ('5121', 30)], 30),
                ]:
            with self.subTest(lines=lines), undone():
                c.move(date(1, 5), *lines)
                check = self.checked(closing)['to_clear']
                self.assertEqual(
                    (check.state, check.found), ('look', amount))
            with self.subTest(lines=lines), undone():
                c.move(date(3, 5), *lines)
                self.assertEqual(self.wrong_checks(closing), set())

    def check_corruptions(self, closing):
        "What was changed behind the models is seen"
        for query, codes in CORRUPTIONS:
            with self.subTest(query=query), undone():
                cursor = Transaction().connection.cursor()
                cursor.execute(query)
                self.assertTrue(cursor.rowcount)
                self.assertLessEqual(set(codes), self.wrong_checks(closing))

    @with_transaction()
    def test_check_fees(self):
        "Fees that came late, and more than the law allows"
        pool = Pool()
        Cap = pool.get('cae.fee.cap')
        Fee = pool.get('cae.fee')
        with Cooperative.enter() as c:
            c.rule(base='invoiced')
            c.sale(date(1), 'A1', 1000)
            c.sale(date(1), 'A2', 100)
            closing = c.close(1)
            checks = self.checked(closing)
            self.assertEqual(
                [(checks[x].state, checks[x].found)
                    for x in ['fee_due', 'fee_cap']],
                [('right', 110), ('none', None)])
            Cap.create([{
                        'country': 'FR', 'start_date': date(1, 1),
                        'rate': D('0.12'), 'source': "Law"}])
            checks = self.checked(closing)
            check = checks['fee_cap']
            self.assertEqual(
                (check.state, check.expected, check.found),
                ('right', 132, 110))
            # A credit note after the closing of the month
            reopening = c.reopen('A1', 1)
            c.sale(date(1, 20), 'A1', -400)
            pool.get('cae.activity.reopening').close([reopening])
            checks = self.checked(closing)
            for code, expected, difference in [
                    ('fee_due', 70, 40), ('fee_cap', 84, 28)]:
                check = checks[code]
                self.assertEqual(
                    (check.state, check.expected, check.found,
                        check.difference, check.ids),
                    ('look', expected, 110, difference,
                        [c.activity('A1').id]))
            fees = Fee.search([], count=True)
            later = c.close(2)
            self.assertEqual(Fee.search([], count=True), fees + 1)
            checks = self.checked(later)
            for code in ['fee_due', 'fee_cap']:
                self.assertEqual(checks[code].state, 'right', code)

    @with_transaction()
    def test_check_documents(self):
        "Trips paid too much, and documents of one person alone"
        pool = Pool()
        Event = pool.get('cae.approval.event')
        with Cooperative.enter() as c:
            closing = c.closing(3)
            sale = c.sale(date(3), 'A1', 100)
            Event.add([sale], 'submit')
            self.assertEqual(
                self.checked(closing)['approval'].state, 'right')
            with undone():
                Event.add([sale], 'post_alone')
                self.assertEqual(
                    self.checked(closing)['approval'].state, 'right')
            Event.add([sale], 'approve')
            check = self.checked(closing)['approval']
            self.assertEqual(
                (check.state, check.found, check.model),
                ('look', 1, 'cae.approval.event'))
            event, = Event.browse(check.ids)
            self.assertEqual(
                (event.document, event.action), (sale, 'approve'))
            expenses = ExpenseMixin()
            vehicle = expenses.vehicle(c, 'A1')
            expense = expenses.posted(
                c, expenses.line(
                    c, 'mileage', vehicle=vehicle, kilometers=100,
                    activity='A1', date=date(3)), code='A1', date=date(3))
            check = self.checked(closing)['mileage']
            self.assertEqual(check.state, 'right')
            self.assertTrue(check.found)
            with undone():
                cursor = Transaction().connection.cursor()
                cursor.execute(
                    "UPDATE cae_expense_line "
                    "SET refund_amount = refund_amount + 1")
                broken = self.checked(closing)['mileage']
                self.assertEqual(
                    (broken.state, broken.difference, broken.ids),
                    ('look', 1, [line.id for line in expense.lines]))

    def statement_journal(self, c):
        pool = Pool()
        Journal = pool.get('account.statement.journal')
        bank, = pool.get('account.journal').create([{
                    'name': "Bank Statements", 'code': 'REL',
                    'type': 'statement'}])
        journal, = Journal.create([{
                    'name': "Bank", 'journal': bank.id,
                    'company': c.company.id,
                    'currency': c.company.currency.id,
                    'validation': 'balance',
                    'account': c.account('5121').id}])
        return journal

    def post_statement(self, c, journal, day, start, end):
        Statement = Pool().get('account.statement')
        statement, = Statement.create([{
                    'name': "Statement", 'company': c.company.id,
                    'journal': journal.id, 'date': day,
                    'start_balance': D(start), 'end_balance': D(end),
                    'lines': [('create', [{
                                    'date': day, 'amount': D(end) - start,
                                    'account': c.account('6278').id,
                                    'activity': c.activity('S').id,
                                    }])] if end != start else []}])
        Statement.validate_statement([statement])
        Statement.post([statement])

    @with_transaction()
    def test_check_bank(self):
        "Without its statements a month on receipts is not closed"
        pool = Pool()
        Closing = pool.get('cae.closing')
        Configuration = pool.get('cae.configuration')
        Rule = pool.get('cae.fee.rule')
        with Cooperative.enter() as c:
            rule = c.rule()
            journal = self.statement_journal(c)
            c.pay(date(1), c.sale(date(1), 'A1', 1000))
            closing = c.closing(1)

            def refused():
                with self.assertRaisesRegex(ClosingError, "01/31/2025"):
                    Closing.run([closing])
                self.assertEqual(Closing(closing.id).state, 'draft')
                check = self.checked(closing)['bank']
                self.assertEqual(
                    (check.state, check.count, check.model),
                    ('blocking', 1, 'account.statement.journal'))
            refused()
            self.post_statement(c, journal, date(1, 30), 1200, 1200)
            refused()
            with undone():
                # Nothing follows the receipts
                Rule.write([Rule(rule.id)], {'base': 'invoiced'})
                Closing.run([Closing(closing.id)])
                run_tasks()
                self.assertEqual(Closing(closing.id).state, 'done')
                self.assertEqual(self.checked(closing)['bank'].state, 'look')
            with undone():
                Configuration(1).set_multivalue(
                    'close_without_statements', True, company=c.company.id)
                Closing.run([Closing(closing.id)])
                run_tasks()
                self.assertEqual(Closing(closing.id).state, 'done')
                self.assertEqual(self.checked(closing)['bank'].state, 'look')
            # The empty one of the last day
            self.post_statement(c, journal, date(1, 31), 1200, 1200)
            Closing.run([Closing(closing.id)])
            run_tasks()
            closing = Closing(closing.id)
            self.assertEqual(closing.state, 'done')
            check = self.checked(closing)['bank']
            self.assertEqual(
                (check.state, check.expected, check.found),
                ('right', 1200, 1200))
            c.move(date(1, 20), ('581', 7), ('5121', -7))
            check = self.checked(closing)['bank']
            self.assertEqual((check.state, check.difference), ('look', -7))
            self.assertEqual(Closing(closing.id).to_look_at, 1)

    @with_transaction()
    def test_checks_rights(self):
        "Checks are made by the button and read by the staff"
        pool = Pool()
        Check = pool.get('cae.closing.check')
        Closing = pool.get('cae.closing')
        Group = pool.get('res.group')
        User = pool.get('res.user')
        with Cooperative.enter() as c:
            closing = c.close(1)
            check = closing.checks[0]
            for name in [
                    "CAE Advisor", "CAE Administration", "Accounting"]:
                group, = Group.search([('name', '=', name)])
                user, = User.create([{
                            'name': name, 'login': name,
                            'companies': [('add', [c.company.id])],
                            'company': c.company.id,
                            'groups': [('add', [group.id])],
                            }])
                clear_cache()
                with self.subTest(group=name), \
                        Transaction().set_user(user.id), check_access(), \
                        Transaction().set_context(
                            User.get_preferences(context_only=True)):
                    self.assertTrue(Check.search([]))
                    Check.read([check.id], ['code', 'state', 'message'])
                    for operation in [
                            lambda: Check.write(
                                [check], {'state': 'right'}),
                            lambda: Check.delete([check]),
                            lambda: Check.create([{
                                        'closing': closing.id,
                                        'code': 'result',
                                        'state': 'right'}]),
                            ]:
                        with undone(), self.assertRaises(AccessError):
                            operation()
                    with undone():
                        if name == "CAE Advisor":
                            with self.assertRaises(AccessButtonError):
                                Closing.check([Closing(closing.id)])
                        else:
                            Closing.check([Closing(closing.id)])
                            self.assertTrue(Closing(closing.id).checks)
