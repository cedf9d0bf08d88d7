# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The checks of the end of a year."""
from collections import defaultdict
from decimal import Decimal

from sql.aggregate import Sum
from sql.conditionals import Coalesce
from sql.operators import Or

from trytond.i18n import gettext
from trytond.model import fields
from trytond.modules.cae_members.query import fetch
from trytond.pool import Pool, PoolMeta
from trytond.transaction import inactive_records

from ..check.check import LIMIT, _ids, amounts, table

in_ = fields.SQL_OPERATORS['in']
# What puts something on the activity of the allocated results
ALLOCATING = ['cae.year_end', 'cae.internal']


class Closing(metaclass=PoolMeta):
    __name__ = 'cae.closing'

    @classmethod
    def _checks(cls):
        return [*super()._checks(), *[
                (code, gettext(f'cae_billing.msg_check_{code}'))
                for code in ['cutoff', 'support', 'year_end', 'allocated']]]

    @property
    def _ends_year(self):
        return self.period.end_date == self.period.fiscalyear.end_date

    def _cutoff_accounts(self, reversed):
        Kind = Pool().get('cae.cutoff.kind')
        with inactive_records():
            return {k.account.id for k in Kind.search([
                        ('company', '=', self.company.id),
                        ('reversed', '=', reversed),
                        ])}

    def _check_cutoff(self):
        """What is carried to the next year is what the cut-offs say.

        It is at the end of a year, and of grants at any time; in the other
        months the reversals have taken it back.
        """
        accounts = self._cutoff_accounts(True)
        if not accounts:
            return self._check_none(
                gettext('cae_billing.msg_check_cutoff_none'))
        line, move = table('account.move.line'), table('account.move')
        source = line.join(move, condition=line.move == move.id)
        where = self._check_posted(move) & in_(line.account, list(accounts))
        total = Sum(line.debit - line.credit).as_('amount')

        def by_account(condition):
            return amounts(source.select(
                    line.account, total, where=where & condition,
                    group_by=line.account))
        origin = Coalesce(move.origin, '')
        known = (
            origin.like('cae.cutoff,%')
            | origin.like('cae.funding.agreement,%'))
        found, expected = by_account(line.id > 0), defaultdict(Decimal)
        for account, amount in by_account(
                origin.like('cae.funding.agreement,%')).items():
            expected[account] += amount
        if self._ends_year:
            for account, amount in self._cut_off().items():
                expected[account] += amount
        wrong = [
            id_ for id_ in {*found, *expected} if found[id_] != expected[id_]]
        ids = []
        if wrong:
            ids = _ids(source.select(
                    line.id, where=where & ~known & in_(line.account, wrong),
                    limit=LIMIT))
        return self._check_value(
            not wrong, 'account.move.line', ids,
            gettext('cae_billing.msg_check_cutoff_look'),
            sum(map(abs, expected.values()), Decimal(0)),
            sum(map(abs, found.values()), Decimal(0)),
            sum((abs(found[id_] - expected[id_]) for id_ in wrong),
                Decimal(0)))

    def _cut_off(self):
        "Return {account id: debit less credit} of the cut-offs of the year"
        Cutoff = Pool().get('cae.cutoff')
        result = defaultdict(Decimal)
        for cutoff in Cutoff.search([
                    ('fiscalyear', '=', self.period.fiscalyear.id),
                    ('state', '=', 'posted'),
                    ('kind.reversed', '=', True),
                    ]):
            kind = cutoff.kind
            result[kind.account.id] += kind.sign * sum(
                (li.amount + li.tax_amount for li in cutoff.lines),
                Decimal(0))
        return result

    def _check_support(self):
        "No holder of a CAPE was paid more than the balance owed"
        accounts = self._cutoff_accounts(False)
        if not accounts:
            return self._check_none(
                gettext('cae_billing.msg_check_support_none'))
        line, move = table('account.move.line'), table('account.move')
        owed = {
            party: amount for party, amount in amounts(line
                .join(move, condition=line.move == move.id)
                .select(
                    line.party, Sum(line.debit - line.credit).as_('amount'),
                    where=self._check_posted(move)
                    & in_(line.account, list(accounts)),
                    group_by=line.party)).items()
            if amount > 0}
        return self._check_value(
            not owed, 'party.party', list(filter(None, owed)),
            gettext('cae_billing.msg_check_support_look'),
            Decimal(0), sum(owed.values(), Decimal(0)))

    def _check_year_end(self):
        """At the end of a year activities keep what was decided.

        Without a decision it is nothing of a positive balance.
        """
        pool = Pool()
        Activity = pool.get('cae.activity')
        Line = pool.get('cae.year_end.line')
        if not self._ends_year:
            return self._check_none(
                gettext('cae_billing.msg_check_year_end_none'))
        keeps = {
            li.activity.id: li.keeps for li in Line.search([
                    ('year_end.fiscalyear', '=', self.period.fiscalyear.id),
                    ('year_end.state', '=', 'posted'),
                    ], order=[('id', 'ASC')])}
        balances = Activity.results(
            [a for a in self._all_activities() if a.kind == 'business'],
            self.period.end_date)
        expected = found = difference = Decimal(0)
        wrong = []
        for id_, balance in balances.items():
            kept = max(keeps.get(id_, Decimal(0)), Decimal(0))
            balance = max(balance, Decimal(0))
            expected += kept
            found += balance
            if kept != balance:
                difference += abs(balance - kept)
                wrong.append(id_)
        return self._check_value(
            not wrong, 'cae.activity', wrong,
            gettext('cae_billing.msg_check_year_end_look'),
            expected, found, difference)

    def _check_allocated(self):
        """The allocated results hold what was allocated and nothing else.

        By a document or, as opening balances, on the account for it.
        """
        pool = Pool()
        Activity = pool.get('cae.activity')
        Configuration = pool.get('cae.configuration')
        account = Configuration(1).get_multivalue(
            'year_end_account', company=self.company.id)
        allocated = Activity.special(self.company, 'allocated')
        line, move = table('account.move.line'), table('account.move')
        analytic = table('analytic_account.line')
        origin = Coalesce(move.origin, '')
        known = Or([origin.like(f'{model},%') for model in ALLOCATING])
        if account:
            known |= line.account == account.id
        others = defaultdict(Decimal)
        for id_, amount in fetch(analytic
                .join(line, condition=analytic.move_line == line.id)
                .join(move, condition=line.move == move.id)
                .select(
                    line.id,
                    (analytic.credit - analytic.debit).as_('amount'),
                    where=self._check_posted(move) & ~known
                    & (analytic.account == allocated.analytic_account.id)),
                [None, 'NUMERIC']):
            others[id_] += amount
        found = Activity.results(
            [allocated], self.period.end_date)[allocated.id]
        return self._check_value(
            not others, 'account.move.line', list(others),
            gettext('cae_billing.msg_check_allocated_look'),
            found - sum(others.values(), Decimal(0)), found)
