# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The checks of the expense sheets."""
import datetime as dt
from decimal import Decimal

from sql import Null
from sql.aggregate import Sum

from trytond.i18n import gettext
from trytond.modules.cae_members.query import fetch
from trytond.pool import Pool, PoolMeta

from ..check.check import amounts, table


class Closing(metaclass=PoolMeta):
    __name__ = 'cae.closing'

    @classmethod
    def _checks(cls):
        return [*super()._checks(), *[
                (code, gettext(f'cae_billing.msg_check_{code}'))
                for code in ['expense', 'mileage']]]

    def _check_expense(self):
        "Nobody was refunded more than their expenses"
        Configuration = Pool().get('cae.configuration')
        account = Configuration(1).get_multivalue(
            'expense_refund_account', company=self.company.id)
        if not account or not account.party_required:
            return self._check_none(
                gettext('cae_billing.msg_check_expense_none'))
        line, move = table('account.move.line'), table('account.move')
        owed = {
            party: amount for party, amount in amounts(line
                .join(move, condition=line.move == move.id)
                .select(
                    line.party, Sum(line.debit - line.credit).as_('amount'),
                    where=self._check_posted(move)
                    & (line.account == account.id),
                    group_by=line.party)).items()
            if amount > 0}
        return self._check_value(
            not owed, 'party.party', list(owed),
            gettext('cae_billing.msg_check_expense_look'),
            Decimal(0), sum(owed.values(), Decimal(0)))

    def _check_mileage(self):
        """The trips of the civil year were paid what its scale gives.

        For the kilometres of each vehicle to date.
        """
        pool = Pool()
        Configuration = pool.get('cae.configuration')
        Line = pool.get('cae.expense.line')
        Scale = pool.get('cae.mileage.scale')
        Vehicle = pool.get('cae.vehicle')
        year = self.period.end_date.year
        line, expense = table('cae.expense.line'), table('cae.expense')
        lines = fetch(line
            .join(expense, condition=line.expense == expense.id)
            .select(
                line.id, line.vehicle,
                where=(expense.company == self.company.id)
                & (expense.state == 'posted') & (line.vehicle != Null)
                & (line.date >= dt.date(year, 1, 1))
                & (line.date <= dt.date(year, 12, 31))),
            [None, None])
        if not lines:
            return self._check_none(
                gettext('cae_billing.msg_check_mileage_none'))
        scale = Scale.at(self.company, year)
        rate = Configuration(1).get_multivalue(
            'mileage_rate', company=self.company.id)
        expected = found = difference = Decimal(0)
        wrong = set()
        for (vehicle, _), (distance, paid) in Line.posted_mileage({
                    (v, year) for v in Vehicle.browse(
                        list({id_ for _, id_ in lines}))}).items():
            due = scale.pure(vehicle, rate).due(distance)
            expected += due
            found += paid
            if due != paid:
                difference += abs(paid - due)
                wrong.add(vehicle.id)
        return self._check_value(
            not wrong, 'cae.expense.line',
            [id_ for id_, vehicle in lines if vehicle in wrong],
            gettext('cae_billing.msg_check_mileage_look'),
            expected, found, difference)
