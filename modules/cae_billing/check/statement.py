# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The check of the bank, where its statements are entered."""
from collections import Counter
from decimal import Decimal

from sql.aggregate import Max, Sum
from sql.operators import Or

from trytond.i18n import gettext
from trytond.model import fields
from trytond.modules.cae_members.query import fetch
from trytond.pool import Pool, PoolMeta

from .check import amounts, table

in_ = fields.SQL_OPERATORS['in']


class Closing(metaclass=PoolMeta):
    __name__ = 'cae.closing'

    @classmethod
    def _checks(cls):
        bank = ('bank', gettext('cae_billing.msg_check_bank'))
        return [bank, *super()._checks()]

    @classmethod
    def _blocking_checks(cls):
        return [*super()._blocking_checks(), 'bank']

    def _check_bank(self):
        """The bank accounts are what their last posted statements say.

        What is collected is only known once every journal of the bank has a
        posted statement up to the end of the month: without, a closing on
        the collected basis is blocked. A balance is compared where the
        statements carry one and the journal has its account alone.
        """
        pool = Pool()
        Configuration = pool.get('cae.configuration')
        Journal = pool.get('account.statement.journal')
        Lang = pool.get('ir.lang')
        journals = Journal.search([('company', '=', self.company.id)])
        if not journals:
            return self._check_none(gettext('cae_billing.msg_check_bank_none'))
        statement = table('account.statement')
        dates = dict(fetch(
                statement.select(
                    statement.journal, Max(statement.date).as_('date'),
                    where=in_(statement.journal, [j.id for j in journals])
                    & (statement.state == 'posted'),
                    group_by=statement.journal),
                [None, 'DATE']))
        missing = [
            j for j in journals
            if j.id not in dates or dates[j.id] < self.period.end_date]
        if missing:
            values = self._check_value(
                False, 'account.statement.journal', [j.id for j in missing],
                gettext('cae_billing.msg_check_bank_missing',
                    journals=', '.join(j.rec_name for j in missing),
                    date=Lang.get().strftime(self.period.end_date)))
            if (self._on_collected_basis()
                    and not Configuration(1).get_multivalue(
                        'close_without_statements', company=self.company.id)):
                values['state'] = 'blocking'
            return values
        return self._check_bank_balances(journals, dates)

    def _check_bank_balances(self, journals, dates):
        Statement = Pool().get('account.statement')
        users = Counter(j.account for j in journals)
        journals = [
            j for j in journals
            if j.validation == 'balance' and users[j.account] == 1]
        if not journals:
            return self._check_value(True, None, [], None)
        last = {}
        for statement in Statement.search([
                    ('journal', 'in', [j.id for j in journals]),
                    ('state', '=', 'posted'),
                    ('date', 'in', list({dates[j.id] for j in journals})),
                    ], order=[('date', 'ASC'), ('id', 'ASC')]):
            last[statement.journal] = statement
        line, move = table('account.move.line'), table('account.move')
        balances = amounts(line
            .join(move, condition=line.move == move.id)
            .select(
                line.account, Sum(line.debit - line.credit).as_('amount'),
                where=(move.state == 'posted') & Or([
                        (line.account == j.account.id)
                        & (move.date <= last[j].date) for j in journals]),
                group_by=line.account))
        wrong = [
            last[j].id for j in journals
            if last[j].end_balance != balances[j.account.id]]
        return self._check_value(
            not wrong, 'account.statement', wrong,
            gettext('cae_billing.msg_check_bank_look'),
            sum((last[j].end_balance for j in journals), Decimal(0)),
            sum((balances[j.account.id] for j in journals), Decimal(0)))
