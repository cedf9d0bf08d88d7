# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What the bank carried out of the payments."""
from trytond.model import ModelView, Workflow
from trytond.pool import Pool, PoolMeta

from ..bank.match import Candidate


class Expense(metaclass=PoolMeta):
    __name__ = 'cae.expense'

    def _refund_moves(self):
        moves = super()._refund_moves()
        return moves + [
            payment.clearing_move for line in self.move.lines
            for payment in line.payments if payment.clearing_move]


class Payment(metaclass=PoolMeta):
    __name__ = 'account.payment'

    @classmethod
    @ModelView.button
    @Workflow.transition('succeeded')
    def succeed(cls, payments):
        Expense = Pool().get('cae.expense')
        super().succeed(payments)
        # A payment of what is left after a waiver settles the sheet with it
        for payment in payments:
            origin = payment.line.move_origin if payment.line else None
            if (isinstance(origin, Expense) and payment.clearing_move
                    and not payment.line.reconciliation):
                Expense._reconcile([origin], payment.clearing_move.date)

    def _get_clearing_move(self, date=None):
        move = super()._get_clearing_move(date=date)
        if move and not getattr(move, 'description', None):
            # EcritureLib is mandatory
            # (Livre des procédures fiscales, art. A47 A-1)
            move.description = ' '.join(filter(None, [
                        self.rec_name, self.reference_used,
                        self.party.name]))
        return move


class Statement(metaclass=PoolMeta):
    __name__ = 'account.statement'

    def _candidates(self):
        yield from super()._candidates()
        Payment = Pool().get('account.payment')
        groups = {}
        for payment in Payment.search([
                    ('company', '=', self.company.id),
                    ('currency', '=', self.currency.id),
                    ('state', 'in', ['processing', 'succeeded']),
                    ('clearing_reconciled', '!=', True),
                    ('journal.clearing_account', '!=', None),
                    ]):
            groups.setdefault(payment.group, []).append(payment)
        for group, payments in groups.items():
            account = payments[0].journal.clearing_account
            for payment in payments:
                yield Candidate(
                    payment, self._payment_sign(payment) * payment.amount,
                    payment.party, account, (payment.number,))
            if group and len(payments) == group.payment_count > 1:
                # The bank debits them one by one or together
                yield Candidate(
                    group, self._payment_sign(group) * group.payment_amount,
                    None, account, (
                        group.number, getattr(group, 'sepa_id', None) or ''))

    @staticmethod
    def _payment_sign(record):
        return 1 if record.kind == 'receivable' else -1


class StatementLine(metaclass=PoolMeta):
    __name__ = 'account.statement.line'

    @classmethod
    def post_move(cls, lines):
        Move = Pool().get('account.move')
        super().post_move(lines)
        # What the bank shows is carried out: of a group of payments too
        Move.post(list({
                    payment.clearing_move for line in lines
                    for _, payments in line.payments() for payment in payments
                    if payment.clearing_move
                    and payment.clearing_move.state == 'draft'}))
