# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from sql import Null

from trytond.modules.cae_billing.overview.month import amount
from trytond.pool import Pool, PoolMeta


class PayKindMixin:
    "Show pay as a kind of its own"
    __slots__ = ()

    @classmethod
    def __setup__(cls):
        super().__setup__()
        selection = list(cls.kind.selection)
        selection.insert(-1, ('pay', "Pay"))
        cls.kind.selection = selection


class Movement(PayKindMixin, metaclass=PoolMeta):
    __name__ = 'cae.activity.movement'

    @classmethod
    def _kinds(cls):
        return {**super()._kinds(), 'cae.payslip': 'pay'}


class StatementLine(PayKindMixin, metaclass=PoolMeta):
    __name__ = 'cae.activity.statement.line'


class Month(metaclass=PoolMeta):
    __name__ = 'cae.activity.month'
    pay = amount("Pay", help="Gross and employer contributions.")


class BalanceSheet(metaclass=PoolMeta):
    __name__ = 'cae.balance_sheet'

    @classmethod
    def _details(cls):
        pool = Pool()
        payslip = pool.get('cae.payslip').__table__()
        part = pool.get('cae.payslip.activity').__table__()
        return [*super()._details(), part
            .join(payslip, condition=part.payslip == payslip.id)
            .select(
                payslip.move.as_('move'), payslip.party.as_('party'),
                part.activity.as_('activity'), part.cost.as_('weight'),
                where=(payslip.move != Null) & (part.cost > 0))]
