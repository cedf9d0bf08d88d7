# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The closed months of the activities, and opening one again."""
import datetime as dt
from unittest.mock import patch

from trytond.model.exceptions import AccessButtonError, AccessError
from trytond.modules.cae_billing.exceptions import (
    MonthClosedError, ReopeningError)
from trytond.modules.cae_members.tests.server import (
    clear_cache, undone, with_transaction)
from trytond.pool import Pool
from trytond.transaction import Transaction, check_access

from .tools import YEAR, Cooperative


def date(month, day=10):
    return dt.date(YEAR, month, day)


class LockMixin:

    def hand_out(self):
        """Make what was posted older than the statements, and these older
        than what follows: all of a transaction has the same time."""
        cursor = Transaction().connection.cursor()
        cursor.execute(
            "UPDATE analytic_account_line "
            "SET create_date = '2025-01-01', write_date = NULL")
        cursor.execute(
            "UPDATE cae_activity_statement SET create_date = '2025-01-02'")

    def check_locked(self, closing):
        Closing = Pool().get('cae.closing')
        clear_cache()
        Closing.check([Closing(closing.id)])
        check, = [
            x for x in Closing(closing.id).checks if x.code == 'locked']
        return check

    @with_transaction()
    def test_month_closed(self):
        "Nothing of an activity is dated in its closed months"
        pool = Pool()
        Activity = pool.get('cae.activity')
        Invoice = pool.get('account.invoice')
        Move = pool.get('account.move')
        with Cooperative.enter() as c:
            posted = c.sale(date(1), 'A1', 100)
            draft = c.draft(date(1), ('A1', 10, '706', []))
            mixed = c.draft(
                date(1), ('S', 10, '6132', []), ('A2', 10, '6064', []),
                type='in')
            deposit = c.draft(date(1), ('A3', 10, '4191', []))
            closing = c.close(1)
            self.hand_out()
            a1 = c.activity('A1')
            self.assertEqual(
                Activity.locked_until(c.activities()), {
                    c.activity(code).id: date(1, 31)
                    for code in ['A1', 'A2', 'A3', 'B1']})
            message = "statements up to 01/31/2025.*Date it 02/01/2025"
            for invoice in [draft, mixed, deposit]:
                for name in ['validate_invoice', 'post']:
                    with self.subTest(invoice=invoice.lines), undone(), \
                            self.assertRaisesRegex(MonthClosedError, message):
                        getattr(Invoice, name)([Invoice(invoice.id)])
                self.assertFalse(Invoice(invoice.id).move)
                self.assertFalse(Invoice(invoice.id).number)
            for day in [date(1), date(1, 31)]:
                with undone(), self.assertRaisesRegex(
                        MonthClosedError, message):
                    c.move(day, ('6236', 10, 'A1'), ('5121', -10))
            # By the accounting date
            with undone(), self.assertRaises(MonthClosedError):
                c.invoice(
                    date(2), ('A1', 10, '6064', []), type='in',
                    accounting_date=date(1))
            c.invoice(
                date(1), ('A1', 10, '6064', []), type='in',
                accounting_date=date(2))
            c.move(date(2, 1), ('6236', 10, 'A1'), ('5121', -10))
            # What is nobody's own, and what no statement was made of
            c.move(
                date(1), ('6132', 10, 'S'), ('6236', 5, 'X'), ('5121', -15))
            c.move(date(1), ('62895', 10, 'F'), ('62895', -10, 'R'))
            c.pay(date(1), posted)
            # What cancels a move of a closed month is dated today
            move = c.move(date(2), ('6236', 10, 'A1'), ('5121', -10))
            c.close(2)
            with patch.object(
                    pool.get('ir.date'), 'today', return_value=date(3)):
                cancel = Move(move.id).cancel()
                Move.post([cancel])
            self.assertEqual(
                (cancel.date, cancel.period), (date(3), c.period(3)))
            self.assertEqual(
                {x.date for line in cancel.lines
                    for x in line.analytic_lines}, {date(3)})
            self.assertEqual(
                Activity.locked_until([a1]), {a1.id: date(2, 28)})
            self.assertEqual(self.check_locked(closing).state, 'right')

    @with_transaction()
    def test_month_closing(self):
        "A closing posts in its own month, also when it is taken up again"
        pool = Pool()
        Activity = pool.get('cae.activity')
        Closing = pool.get('cae.closing')
        Fee = pool.get('cae.fee')
        with Cooperative.enter() as c:
            c.rule('62893', [], base='fixed', amount=10)
            closing = c.close(1)
            self.assertEqual(len(c.search('cae.fee')), 3)
            # New in the month: its fee stands beside the statements of others
            a1, = [x.entrepreneur for x in c.activity('A1').holders]
            new, = Activity.create([{
                        'name': "New", 'code': 'N1', 'holders': [('create', [{
                                        'entrepreneur': a1.id,
                                        'from_date': date(1, 1)}])]}])
            closing = c.advance(closing)
            self.assertEqual(closing.state, 'done')
            fee, = c.search('cae.fee', ('activity', '=', new.id))
            self.assertEqual((fee.amount, fee.move.date), (10, date(1, 31)))
            self.hand_out()
            # Outside of the closing the same is refused
            c.rule('62892', [], base='fixed', amount=10)
            with undone(), self.assertRaises(MonthClosedError):
                Fee.charge([c.activity('A1')], c.period(1))
            with Transaction().set_context(_cae_closing=closing.id):
                with undone():
                    Fee.charge([c.activity('A1')], c.period(1))
                    # The statement was handed out without it
                    check = self.check_locked(closing)
                    self.assertEqual(
                        (check.state, check.count), ('look', 1))
                # Nor in another month
                c.close(2)
                with self.assertRaises(MonthClosedError):
                    c.move(date(2), ('6236', 10, 'A1'), ('5121', -10))
            self.assertNotIn('_cae_closing', Transaction().context)
            self.assertTrue(Closing(closing.id)._work_context['_cae_closing'])

    @with_transaction()
    def test_month_opened(self):
        "The accounting opens one month of one activity and says why"
        pool = Pool()
        Reopening = pool.get('cae.activity.reopening')
        with Cooperative.enter() as c:
            closing = c.close(1)
            with undone(), self.assertRaisesRegex(
                    ReopeningError, "not closed"):
                c.reopen('A1', 2)
            c.close(2)
            self.hand_out()
            reopening = c.reopen('A1', 1)
            c.move(date(1), ('6236', 10, 'A1'), ('5121', -10))
            for code, month in [('A1', 2), ('A2', 1)]:
                with undone(), self.assertRaises(MonthClosedError):
                    c.move(date(month), ('6236', 10, code), ('5121', -10))
            self.assertEqual(self.check_locked(closing).state, 'right')
            for operation in [
                    lambda: Reopening.write(
                        [reopening], {'reason': "Another"}),
                    lambda: Reopening.write(
                        [reopening], {'period': c.period(2).id}),
                    lambda: Reopening.delete([reopening]),
                    ]:
                with undone(), self.assertRaises(ReopeningError):
                    operation()
            Reopening.close([reopening])
            with undone(), self.assertRaises(MonthClosedError):
                c.move(date(1), ('6236', 10, 'A1'), ('5121', -10))
            self.assertEqual(self.check_locked(closing).state, 'right')
            # The next statement starts with it
            c.close(3)
            statement, = c.search(
                'cae.activity.statement', ('activity.code', '=', 'A1'),
                ('period', '=', c.period(3).id))
            self.assertEqual([x.amount for x in statement.lines], [-10])
            # A line written past the software
            cursor = Transaction().connection.cursor()
            with undone():
                cursor.execute(
                    "DELETE FROM cae_activity_reopening")
                check = self.check_locked(closing)
                self.assertEqual((check.state, check.count), ('look', 1))
                self.assertTrue(check.message)

    @with_transaction()
    def test_month_opened_rights(self):
        "The accounting and the administration open, the advisors read"
        pool = Pool()
        Group = pool.get('res.group')
        Reopening = pool.get('cae.activity.reopening')
        User = pool.get('res.user')
        with Cooperative.enter() as c:
            c.close(1)
            kept = c.reopen('A2', 1)
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
                values = {
                    'company': c.company.id,
                    'activity': c.activity('A1').id,
                    'period': c.period(1).id,
                    'reason': "Late",
                    }
                with self.subTest(group=name), \
                        Transaction().set_user(user.id), check_access(), \
                        Transaction().set_context(
                            User.get_preferences(context_only=True)):
                    self.assertEqual(
                        [r.id for r in Reopening.search([])], [kept.id])
                    for operation in [
                            lambda: Reopening.write(
                                [Reopening(kept.id)], {'state': 'closed'}),
                            lambda: Reopening.delete([Reopening(kept.id)]),
                            ]:
                        with undone(), self.assertRaises(AccessError):
                            operation()
                    with undone():
                        if name == "CAE Advisor":
                            with self.assertRaises(AccessError):
                                Reopening.create([values])
                            with self.assertRaises(AccessButtonError):
                                Reopening.close([Reopening(kept.id)])
                            continue
                        reopening, = Reopening.create([values])
                        self.assertEqual(reopening.create_uid, user)
                        self.assertTrue(reopening.create_date)
                        Reopening.close([reopening])
                        self.assertEqual(
                            (reopening.state, reopening.write_uid),
                            ('closed', user))
