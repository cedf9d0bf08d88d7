# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from sql import Null

from trytond.model import fields
from trytond.modules.cae_billing.month import (
    add_months, month_end, month_of, month_start)
from trytond.modules.cae_members.query import fetch
from trytond.pool import Pool, PoolMeta


class FeeRule(metaclass=PoolMeta):
    __name__ = 'cae.fee.rule'

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.condition.selection = cls.condition.selection + [
            ('no_pay', "While No Salary Is Paid"),
            ]

    def condition_months(self, activities, months):
        """Return {activity id: months in which the condition holds}.

        No salary is paid in a month when none was for the month before to a
        holder of the activity: fees are charged before the pay of the month.
        """
        result = super().condition_months(activities, months)
        if self.condition != 'no_pay' or not months:
            return result
        pool = Pool()
        holder = pool.get('cae.activity.holder').__table__()
        payslip = pool.get('cae.payslip').__table__()
        period = pool.get('account.period').__table__()
        query = (payslip
            .join(period, condition=payslip.period == period.id)
            .join(holder,
                condition=(holder.entrepreneur == payslip.entrepreneur)
                & (holder.from_date <= period.end_date)
                & ((holder.to_date == Null)
                    | (holder.to_date >= period.start_date)))
            .select(
                holder.activity, period.end_date.as_('end_date'),
                where=fields.SQL_OPERATORS['in'](
                    holder.activity, [a.id for a in activities])
                & (payslip.state == 'posted') & (payslip.gross > 0)
                & (period.start_date >= month_start(
                        add_months(min(months), -1)))
                & (period.end_date <= month_end(max(months)))))
        for activity, date in fetch(query, [None, 'DATE']):
            result[activity].discard(add_months(month_of(date), 1))
        return result
