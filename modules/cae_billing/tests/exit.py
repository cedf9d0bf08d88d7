# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What of the accounts is settled at exits and closings."""
import datetime as dt
from decimal import Decimal as D

from trytond.model.exceptions import AccessError
from trytond.modules.cae_billing.exceptions import (
    ActivityClosedError, BalanceTransferError, MonthClosedError,
    SellingNotAllowedError, SetupError)
from trytond.modules.cae_members.exceptions import SettlementError
from trytond.modules.cae_members.tests.deadline import on
from trytond.modules.cae_members.tests.server import undone, with_transaction
from trytond.pool import Pool
from trytond.transaction import Transaction, inactive_records

from .tools import YEAR, Cooperative

END = dt.date(YEAR, 3, 31)


def date(month, day=10):
    return dt.date(YEAR, month, day)


class ExitMixin:

    def settlement(self, cooperative, **values):
        Settlement = Pool().get('cae.settlement')
        settlement, = Settlement.create([{
                    'company': cooperative.company.id,
                    'date': END,
                    **values}])
        return settlement

    def closing(self, cooperative, code):
        return self.settlement(
            cooperative, activity=cooperative.activity(code).id,
            closing_reason='given_up')

    def found(self, settlement):
        "Return {(record, blocking)} of the facts looked up again"
        Settlement = Pool().get('cae.settlement')
        Settlement.check([settlement])
        return {
            (str(f.origin), f.blocking)
            for f in Settlement(settlement.id).facts}

    def transfer(self, cooperative, code, to='fund'):
        Activity = Pool().get('cae.activity')
        activity = cooperative.activity(code)
        balance = Activity.results([activity])[activity.id]
        kind, = cooperative.search(
            'cae.internal.kind', ('name', '=', "Loss taken over"
                if balance < 0 else "Result taken over"))
        return activity.transfer_balance(
            Activity.special(cooperative.company, to), kind, END,
            "Decision of the board").move

    @with_transaction()
    def test_settle_documents(self):
        "Open documents and a balance block a closing and not an exit"
        pool = Pool()
        Activity = pool.get('cae.activity')
        Entrepreneur = pool.get('cae.entrepreneur')
        Holder = pool.get('cae.activity.holder')
        Invoice = pool.get('account.invoice')
        Settlement = pool.get('cae.settlement')
        with Cooperative.enter() as c, on(END):
            sale = c.sale(date(1), 'A3', 1000)
            c.sale(date(1), 'A2', 500)
            c.pay(date(1), c.sale(date(1), 'A3', 10))
            c.pay(date(2), sale, amount=D(200))
            bill = c.invoice(date(2), ('A3', 50, '6064', []), type='in')
            draft = c.draft(date(3), ('A3', 70, '706', []))
            a3 = c.activity('A3')
            person, = c.search('cae.entrepreneur', ('code', '=', 'A3'))
            documents = {str(sale), str(bill), str(draft), str(a3)}
            closing = self.closing(c, 'A3')
            self.assertEqual(
                self.found(closing), {(r, True) for r in documents})
            message, = [
                f.message for f in closing.facts if f.origin == sale]
            self.assertIn('1,000.00', message)
            with undone(), self.assertRaisesRegex(
                    SettlementError, sale.number):
                Settlement.confirm([closing])
            # The person leaves with all of it open
            contract, = person.contracts
            contract.end_date = END
            contract.save()
            Holder.write(list(a3.holders), {'to_date': END})
            exit_ = self.settlement(
                c, entrepreneur=person.id, outcome='other',
                exit_reason='other')
            self.assertLessEqual(
                {(r, False) for r in documents}, self.found(exit_))
            self.assertFalse(any(b for _, b in self.found(exit_)))
            Settlement.confirm([exit_])
            self.assertEqual(Entrepreneur(person.id).exit_date, END)

            # The activity closes once it is empty
            Invoice.delete([draft])
            c.pay(date(3), sale)
            c.pay(date(3), bill)
            self.assertEqual(self.found(closing), {(str(a3), True)})
            message, = [f.message for f in Settlement(closing.id).facts]
            self.assertIn('960.00', message)
            self.transfer(c, 'A3')
            self.assertEqual(self.found(closing), set())
            Settlement.confirm([closing])
            self.assertFalse(Activity(a3.id).active)
            self.assertEqual(
                c.figures(Activity.results(Activity.search([
                                ('active', 'in', [True, False])])),
                    'F', 'A2'), [960, 500])

    @with_transaction()
    def test_settle_drafts(self):
        "A transfer of the balance that is not posted blocks a closing"
        pool = Pool()
        Internal = pool.get('cae.internal')
        Move = pool.get('account.move')
        Settlement = pool.get('cae.settlement')
        with Cooperative.enter() as c, on(END):
            closing = self.closing(c, 'A1')
            self.assertEqual(self.found(closing), set())
            kind, = c.search(
                'cae.internal.kind', ('name', '=', "Result taken over"))
            transfer, = Internal.create([{
                        'company': c.company.id,
                        'date': END,
                        'kind': kind.id,
                        'from_activity': c.activity('A1').id,
                        'to_activity': c.activity('F').id,
                        'decision': "Board",
                        'lines': [('create', [{
                                        'description': "Board",
                                        'unit_price': D(10),
                                        }])],
                        }])
            self.assertEqual(self.found(closing), {(str(transfer), True)})
            with undone(), self.assertRaisesRegex(
                    SettlementError, "not posted. Post it"):
                Settlement.confirm([closing])
            Internal.delete([transfer])
            move = c.move(
                date(3), ('6064', 10, 'A1'), ('5121', -10), post=False)
            self.assertEqual(self.found(closing), {(str(move), True)})
            Move.delete([move])
            Settlement.confirm([closing])

    @with_transaction()
    def test_closed_activity(self):
        "Nothing later is posted on it; what it sold is still paid"
        pool = Pool()
        Activity = pool.get('cae.activity')
        Invoice = pool.get('account.invoice')
        Settlement = pool.get('cae.settlement')
        with Cooperative.enter() as c, on(END):
            sale = c.draft(date(4), ('A1', 100, '706', []))
            bill = c.draft(date(4), ('A1', 100, '6064', []), type='in')
            earlier = c.draft(date(3), ('A1', 100, '6064', []), type='in')
            a1 = c.activity('A1')
            closing = self.closing(c, 'A1')
            Activity.close({a1: (END, 'given_up')})
            number = sale.number
            for invoice in [sale, bill]:
                for action in ['validate_invoice', 'post']:
                    with undone(), self.assertRaisesRegex(
                            ActivityClosedError, "open the activity again"):
                        getattr(Invoice, action)([Invoice(invoice.id)])
            self.assertEqual(Invoice(sale.id).number, number)
            bill = Invoice(bill.id)
            bill.accounting_date = END
            bill.save()
            Invoice.post([Invoice(earlier.id), bill])
            with inactive_records():
                with undone(), self.assertRaisesRegex(
                        ActivityClosedError, "A1"):
                    c.move(date(4), ('6064', 10, 'A1'), ('5121', -10))
                c.move(date(3), ('6064', 10, 'A1'), ('5121', -10))
            # What came late is shown to who closes the months
            attention, = [
                a for a in c.closing(3)._attention() if a['kind'] == 'closed']
            self.assertEqual(attention['record'], str(a1))
            self.assertIn('-210.00', attention['message'])
            c.pay(date(5), earlier, bill)
            self.assertEqual(Invoice(earlier.id).amount_to_pay, 0)
            # Opened again it takes documents, but nobody holds it to sell
            Settlement.write([closing], {'state': 'confirmed'})
            Activity.open_again([a1])
            with undone(), self.assertRaises(SellingNotAllowedError):
                Invoice.post([Invoice(sale.id)])
            c.invoice(date(4), ('A1', 100, '6064', []), type='in')

    @with_transaction()
    def test_close_after_months(self):
        "Where months are closed, that of the closing is closed first"
        pool = Pool()
        Settlement = pool.get('cae.settlement')
        Statement = pool.get('cae.activity.statement')
        with Cooperative.enter() as c:
            c.rule('62893', [], base='fixed', amount=D(10))
            with on(date(5)):
                c.close(1)
                closing = self.closing(c, 'A1')
                self.assertIn(('None', True), self.found(closing))
                c.close(2)
                c.close(3)
                # The fees of three months
                self.assertEqual(
                    self.found(closing), {(str(c.activity('A1')), True)})
                self.assertIn('30.00', Settlement(
                        closing.id).facts[0].message)
                # Dated on the last day, in a month that is closed
                with undone(), self.assertRaises(MonthClosedError):
                    self.transfer(c, 'A1', 'shared')
                c.reopen('A1', 3, "The activity closes.")
                self.transfer(c, 'A1', 'shared')
            with on(date(4)):
                Settlement.confirm([closing])
            with on(date(6)):
                c.close(4)
                c.close(5)
        with Cooperative.enter() as c:
            statements = Statement.search(
                [('activity', '=', closing.activity.id)],
                order=[('date', 'ASC')])
            self.assertEqual(
                [s.date.month for s in statements], [1, 2, 3, 4])
            self.assertEqual(statements[-1].closing_balance, 0)
            # After the closing it owes no fee
            self.assertEqual(
                Pool().get('cae.fee').search([
                        ('activity', '=', closing.activity.id),
                        ('period.start_date', '>', END)]), [])

    @with_transaction()
    def test_transfer_balance(self):
        "The balance goes to zero, on one account, with both signs"
        pool = Pool()
        Activity = pool.get('cae.activity')
        Configuration = pool.get('cae.configuration')
        with Cooperative.enter() as c:
            c.pay(date(1), c.sale(date(1), 'A1', 1000))
            c.invoice(date(1), ('A2', 300, '6064', []), type='in')
            self.assertEqual(
                c.lines(self.transfer(c, 'A1')),
                [('62895', -1000, 'F'), ('62895', 1000, 'A1')])
            self.assertEqual(
                c.lines(self.transfer(c, 'A2', 'shared')),
                [('62895', -300, 'A2'), ('62895', 300, 'S')])
            self.assertEqual(
                c.figures(Activity.results(c.activities()),
                    'A1', 'A2', 'F', 'S'), [0, 0, 1000, -300])
            with undone(), self.assertRaises(BalanceTransferError):
                self.transfer(c, 'A1')
            c.sale(date(1), 'A1', 1)
            Configuration(1).set_multivalue(
                'internal_journal', None, company=c.company.id)
            with undone(), self.assertRaises(SetupError):
                self.transfer(c, 'A1')

    @with_transaction()
    def test_transfer_wizard(self):
        "Accountants transfer balances; advisors do not"
        from trytond.modules.cae_members.tests.test_module import (
            create_user, set_user)
        pool = Pool()
        Activity = pool.get('cae.activity')
        Transfer = pool.get('cae.activity.balance.transfer', type='wizard')
        with Cooperative.enter() as c, on(END):
            c.sale(date(1), 'A1', 1000)
            a1 = c.activity('A1')
            users = {
                group: create_user(group, c.company, group)
                for group in [
                    'account.group_account', 'cae_members.group_advisor']}

        def open_wizard():
            session, _, _ = Transfer.create()
            return Transfer(session)
        context = {
            'active_model': 'cae.activity',
            'active_id': a1.id,
            'active_ids': [a1.id],
            }
        with set_user(users['cae_members.group_advisor']), \
                Transaction().set_context(**context):
            with undone(), self.assertRaises(AccessError):
                open_wizard()
        with set_user(users['account.group_account']), \
                Transaction().set_context(**context):
            wizard = open_wizard()
            values = wizard.default_start([])
            self.assertEqual(
                [values['balance'], Activity(values['to']).kind],
                [1000, 'fund'])
            for name in ['to', 'kind']:
                setattr(wizard.start, name, values[name])
            wizard.start.date = END
            wizard.start.description = "Board"
            wizard.transition_transfer()
            self.assertEqual(Activity.results([a1]), {a1.id: 0})
