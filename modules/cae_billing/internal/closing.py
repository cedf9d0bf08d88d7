# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from collections import defaultdict
from decimal import Decimal

from sql.aggregate import Sum
from sql.functions import Round

from trytond.i18n import gettext
from trytond.model import fields
from trytond.modules.cae_members.query import fetch
from trytond.pool import Pool, PoolMeta
from trytond.transaction import inactive_records

from ..apportion import round_half_up


class Closing(metaclass=PoolMeta):
    __name__ = 'cae.closing'

    def _attention(self):
        Internal = Pool().get('cae.internal')
        result = super()._attention()
        for document in Internal.search([
                    ('company', '=', self.company.id),
                    ('state', '=', 'proposed'),
                    ('date', '<=', self.period.end_date),
                    ]):
            result.append({
                    'kind': 'unposted',
                    'record': str(document),
                    'message': gettext(
                        'cae_billing.msg_attention_internal',
                        document=document.rec_name,
                        to=document.to_activity.rec_name),
                    })
        for account, move, amount in self._unbalanced_transfers():
            result.append({
                    'kind': 'unbalanced',
                    'record': str(move),
                    'message': gettext(
                        'cae_billing.msg_attention_unbalanced',
                        account=account.rec_name, move=move.rec_name,
                        amount=f"{amount:.2f}"),
                    })
        return result

    def _transfer_accounts(self):
        "Return the accounts between activities, whose balance is always zero"
        pool = Pool()
        accounts = set()
        with inactive_records():
            for name in ['cae.internal.kind', 'cae.fee.rule']:
                accounts |= {r.account for r in pool.get(name).search([
                            ('company', '=', self.company.id),
                            ('account', '!=', None),
                            ])}
        return accounts

    def _unbalanced_transfers(self):
        """Yield (account, move, amount) of what makes an account not zero.

        Only the moves that are unbalanced by themselves are given.
        """
        pool = Pool()
        Account = pool.get('account.account')
        Move = pool.get('account.move')
        line = pool.get('account.move.line').__table__()
        move = Move.__table__()
        amount = Sum(line.debit - line.credit)
        query = (line
            .join(move, condition=line.move == move.id)
            .select(
                line.account, line.move, amount.as_('amount'),
                where=fields.SQL_OPERATORS['in'](
                    line.account, [a.id for a in self._transfer_accounts()])
                & (move.state == 'posted')
                & (move.date <= self.period.end_date),
                group_by=[line.account, line.move],
                having=Round(amount, 2) != 0))
        moves, totals = defaultdict(list), defaultdict(Decimal)
        for account, move, amount in fetch(query, [None, None, 'NUMERIC']):
            amount = round_half_up(amount)
            moves[account].append((move, amount))
            totals[account] += amount
        for account, total in totals.items():
            if total:
                for move, amount in moves[account]:
                    yield Account(account), Move(move), amount


class Attention(metaclass=PoolMeta):
    __name__ = 'cae.closing.attention'

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.kind.selection = [
            *cls.kind.selection, ('unbalanced', "Unbalanced Transfer")]

    @classmethod
    def _get_records(cls):
        return super()._get_records() + ['cae.internal']
