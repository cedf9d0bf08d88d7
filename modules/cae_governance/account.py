# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

from collections import defaultdict
from decimal import Decimal

from trytond.i18n import gettext
from trytond.model import ModelView, dualmethod
from trytond.pool import Pool, PoolMeta
from trytond.transaction import without_check_access


class Move(metaclass=PoolMeta):
    __name__ = 'account.move'

    @classmethod
    def _get_origin(cls):
        return super()._get_origin() + ['cae.share.movement']

    @dualmethod
    @ModelView.button
    def post(cls, moves):
        super().post(moves)
        with without_check_access():
            cls._post_capital_paid(moves)

    @classmethod
    def _post_capital_paid(cls, moves):
        """Turn called capital into paid capital as the moves settle it

        What a move changes in the capital due by associates without changing
        the capital called is a payment: it is posted from the called to the
        paid capital on the same day, so that both always agree.
        """
        pool = Pool()
        Line = pool.get('account.move.line')
        Value = pool.get('cae.configuration.value')

        values = Value.search([
                ('capital_due_account', '!=', None),
                ('company', 'in', list({m.company.id for m in moves})),
                ], order=[])
        if not values:
            return
        due = {v.capital_due_account.id for v in values}
        called = {
            v.capital_called_account.id for v in values
            if v.capital_called_account}
        paid = defaultdict(Decimal)
        settling = set()
        for line in Line.search([
                    ('move', 'in', [m.id for m in moves]),
                    ('account', 'in', list(due | called)),
                    ], order=[]):
            paid[line.move] += line.credit - line.debit
            if line.account.id in due:
                settling.add(line.move)
        to_post = [
            cls._capital_paid_values(move, paid[move])
            for move in moves if move in settling and paid[move]]
        if to_post:
            cls.post(cls.create(to_post))

    @classmethod
    def _capital_paid_values(cls, move, amount):
        pool = Pool()
        Configuration = pool.get('cae.configuration')
        description = gettext(
            'cae_governance.msg_capital_paid_description', move=move.rec_name)

        def line(name, debit, credit):
            return {
                'account': Configuration.get_capital(
                    move.company, f'capital_{name}_account').id,
                'debit': max(debit, -credit, Decimal(0)),
                'credit': max(credit, -debit, Decimal(0)),
                'description': description,
                }
        return {
            'company': move.company.id,
            'journal': Configuration.get_capital(
                move.company, 'capital_journal').id,
            'period': move.period.id,
            'date': move.date,
            'origin': str(move),
            'description': description,
            'lines': [('create', [
                        line('called', amount, Decimal(0)),
                        line('paid', Decimal(0), amount),
                        ])],
            }


class MoveLine(metaclass=PoolMeta):
    __name__ = 'account.move.line'

    @classmethod
    def _get_origin(cls):
        return super()._get_origin() + ['cae.share.movement']
