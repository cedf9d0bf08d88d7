# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The expense sheets in the ledger, the closing and the settlements."""
import datetime as dt

from sql import Null
from sql.aggregate import Min, Sum

from trytond.i18n import gettext
from trytond.modules.cae_members.query import fetch
from trytond.pool import Pool, PoolMeta

from ..apportion import round_half_up

# The days after which what is open needs attention
REFUND_DAYS = 60
CARD_DAYS = 30


class Move(metaclass=PoolMeta):
    __name__ = 'account.move'

    @classmethod
    def _get_origin(cls):
        return super()._get_origin() + ['cae.expense', 'cae.expense.waiver']


class AnalyticLine(metaclass=PoolMeta):
    __name__ = 'analytic_account.line'

    @classmethod
    def _get_origin(cls):
        return super()._get_origin() + [
            'cae.expense', 'cae.expense.line', 'cae.expense.waiver']


class Movement(metaclass=PoolMeta):
    __name__ = 'cae.activity.movement'

    @classmethod
    def _kinds(cls):
        return {
            **super()._kinds(),
            'cae.expense': 'expense',
            'cae.expense.line': 'expense',
            'cae.expense.waiver': 'expense',
            }


class Closing(metaclass=PoolMeta):
    __name__ = 'cae.closing'

    def _attention(self):
        Expense = Pool().get('cae.expense')
        result = super()._attention()
        for expense in Expense.search([
                    ('company', '=', self.company.id),
                    ('state', 'in', ['submitted', 'approved']),
                    ('date', '<=', self.period.end_date),
                    ]):
            result.append({
                    'kind': 'unposted',
                    'record': str(expense),
                    'message': gettext(
                        'cae_billing.msg_attention_unposted',
                        document=expense.rec_name,
                        party=expense.party.rec_name),
                    })
        configuration = Pool().get('cae.configuration')(1)
        for name, days, message in [
                ('expense_refund_account', REFUND_DAYS, 'refund'),
                ('expense_card_account', CARD_DAYS, 'card'),
                ]:
            account = configuration.get_multivalue(
                name, company=self.company.id)
            if account:
                result.extend(self._open_attention(account, days, message))
        return result

    def _open_attention(self, account, days, message):
        """Yield the parties with old open lines, or who owe.

        One each, with what is open of the account at the end of the month.
        """
        pool = Pool()
        Lang = pool.get('ir.lang')
        Party = pool.get('party.party')
        line = pool.get('account.move.line').__table__()
        move = pool.get('account.move').__table__()
        reconciliation = pool.get('account.move.reconciliation').__table__()
        date = self.period.end_date
        rows = fetch(line
            .join(move, condition=line.move == move.id)
            .join(reconciliation, 'LEFT',
                condition=line.reconciliation == reconciliation.id)
            .select(
                line.party, Min(move.date).as_('date'),
                Sum(line.credit - line.debit).as_('amount'),
                where=(line.account == account.id)
                & (move.state == 'posted') & (move.date <= date)
                & ((line.reconciliation == Null)
                    | (reconciliation.date > date)),
                group_by=line.party,
                order_by=line.party),
            [None, 'DATE', 'NUMERIC'])
        lang = Lang.get()
        for party, (_, first, amount) in zip(
                Party.browse([row[0] for row in rows]), rows):
            amount = round_half_up(amount)
            if amount < 0 and message == 'refund':
                kind = 'owed'
            elif first < date - dt.timedelta(days=days):
                kind = message
            else:
                continue
            yield {
                'kind': 'unsettled',
                'record': str(party),
                'message': gettext(
                    f'cae_billing.msg_attention_{kind}',
                    party=party.rec_name, account=account.rec_name,
                    amount=lang.currency(
                        abs(amount), self.company.currency, grouping=True),
                    date=lang.strftime(first)),
                }


class Attention(metaclass=PoolMeta):
    __name__ = 'cae.closing.attention'

    @classmethod
    def _get_records(cls):
        return super()._get_records() + ['cae.expense', 'party.party']


class Settlement(metaclass=PoolMeta):
    __name__ = 'cae.settlement'

    @classmethod
    def _facts(cls, settlements):
        return [
            *super()._facts(settlements), *cls._expense_facts(settlements)]

    @classmethod
    def _expense_facts(cls, settlements):
        "Yield the sheets not posted and the refunds not paid"
        pool = Pool()
        Expense = pool.get('cae.expense')
        Line = pool.get('cae.expense.line')
        activities = cls.activities(settlements)
        leaving = {s.entrepreneur.id: s for s in settlements if s.entrepreneur}
        opened = [
            ['OR', ('expense.state', '!=', 'posted'),
                ('expense.paid', '=', False)],
            ['OR', ('activity', 'in', list(activities)),
                ('expense.entrepreneur', 'in', list(leaving))],
            ]
        found = {}
        for line in Line.search(opened, order=[('expense', 'ASC')]):
            expense = line.expense
            concerned = list(activities.get(line.activity.id, []))
            if settlement := leaving.get(expense.entrepreneur.id):
                concerned.append(settlement)
            if expense.state == 'posted':
                # Who leaves has it in the balances of their accounts
                concerned = [
                    s for s in concerned
                    if s.entrepreneur != expense.entrepreneur]
            for settlement in concerned:
                found[settlement, expense.id] = None
        expenses = {
            e.id: e for e in Expense.browse(
                list(dict.fromkeys(id_ for _, id_ in found)))}
        for settlement, id_ in found:
            expense = expenses[id_]
            yield cls.fact(
                settlement,
                'cae_billing.msg_settlement_expense_unpaid'
                if expense.state == 'posted'
                else 'cae_billing.msg_settlement_expense_unposted',
                expense, bool(settlement.activity),
                expense=expense.rec_name, party=expense.party.rec_name,
                amount=expense.amount_to_pay)


class Fact(metaclass=PoolMeta):
    __name__ = 'cae.settlement.fact'

    @classmethod
    def _get_origins(cls):
        return super()._get_origins() + ['cae.expense']
