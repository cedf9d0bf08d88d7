# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What an activity has earned and what of it is in the bank.

All figures are queries over posted moves through the analytic account of the
activity; there is no second copy of them.
"""
import datetime as dt
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

from dateutil.relativedelta import relativedelta
from sql import Null
from sql.aggregate import Sum

from trytond import backend
from trytond.model import fields
from trytond.modules.currency.fields import Monetary
from trytond.pool import Pool, PoolMeta
from trytond.tools import sqlite_apply_types
from trytond.transaction import Transaction

from .apportion import apportion, round_half_up
from .settlement import Settlement

in_ = fields.SQL_OPERATORS['in']
BASES = [
    ('invoiced', "Invoiced"),
    ('collected', "Collected"),
    ]


def _rows(query, types):
    if backend.name == 'sqlite':
        sqlite_apply_types(query, types)
    cursor = Transaction().connection.cursor()
    cursor.execute(*query)
    return list(cursor)


class Activity(metaclass=PoolMeta):
    __name__ = 'cae.activity'
    currency = fields.Function(
        fields.Many2One('currency.currency', "Currency"),
        'on_change_with_currency')
    balance = fields.Function(Monetary(
            "Balance", currency='currency', digits='currency',
            help="Income less costs of all posted moves (solde facturé)."),
        'get_balance')
    balance_collected = fields.Function(Monetary(
            "Balance Collected", currency='currency', digits='currency',
            help="The balance without the income that the customers have not "
            "paid yet (solde encaissé)."),
        'get_balance')

    @fields.depends('company')
    def on_change_with_currency(self, name=None):
        return self.company.currency if self.company else None

    @classmethod
    def get_balance(cls, activities, names):
        Date = Pool().get('ir.date')
        date = Transaction().context.get('date') or Date.today()
        result = {}
        if 'balance' in names:
            result['balance'] = cls.results(activities, date)
        if 'balance_collected' in names:
            result['balance_collected'] = cls.balances(
                activities, date, 'collected')
        return result

    @classmethod
    def results(cls, activities, date=None, start=None):
        """Return {activity id: income less costs} of the posted moves.

        Moves dated from ``start`` to ``date`` count, both included. It is the
        balance on the invoiced basis when there is no start.
        """
        return cls._analytic_sums(activities, date, start)

    @classmethod
    def _accounts(cls, activities):
        "Return {analytic account id: activity id}"
        return {
            a.analytic_account.id: a.id for a in activities
            if a.analytic_account}

    @classmethod
    def _analytic_sums(cls, activities, date=None, start=None, moves=None):
        pool = Pool()
        analytic = pool.get('analytic_account.line').__table__()
        line = pool.get('account.move.line').__table__()
        move = pool.get('account.move').__table__()
        result = dict.fromkeys(map(int, activities), Decimal(0))
        accounts = cls._accounts(activities)
        where = (
            in_(analytic.account, list(accounts)) & (move.state == 'posted'))
        if date:
            where &= move.date <= date
        if start:
            where &= move.date >= start
        if moves is not None:
            where &= move.id.in_(moves)
        query = (analytic
            .join(line, condition=analytic.move_line == line.id)
            .join(move, condition=line.move == move.id)
            .select(
                analytic.account,
                Sum(analytic.credit - analytic.debit).as_('amount'),
                where=where,
                group_by=analytic.account))
        for account, amount in _rows(query, [None, 'NUMERIC']):
            result[accounts[account]] += amount
        return {
            a.id: a.company.currency.round(result[a.id]) for a in activities}

    @classmethod
    def _sale_moves(cls):
        "Return the query of the moves of customer invoices and their cancels"
        invoice = Pool().get('account.invoice').__table__()
        cancelled = Pool().get('account.invoice').__table__()
        return (
            invoice.select(
                invoice.move,
                where=(invoice.type == 'out') & (invoice.move != Null))
            | cancelled.select(
                cancelled.cancel_move,
                where=(cancelled.type == 'out')
                & (cancelled.cancel_move != Null)))

    @classmethod
    def turnovers(cls, activities, date, basis='invoiced', start=None):
        """Return {activity id: untaxed turnover} from start to date.

        Only customer invoices and credit notes count: deposits have no
        income yet and internal sales are no turnover. On the collected basis
        an invoice counts in proportion to what was paid or set off by the
        date; what was written off never does.
        """
        turnovers = cls._analytic_sums(
            activities, date, start, moves=cls._sale_moves())
        if basis == 'invoiced':
            return turnovers
        for open_date, sign in [
                (date, -1),
                (start and start - dt.timedelta(days=1), 1)]:
            if not open_date:
                continue
            uncollected, lost = cls._uncollected(activities, open_date)
            for id_ in turnovers:
                turnovers[id_] += sign * (uncollected[id_] + lost[id_])
        return turnovers

    @classmethod
    def uncollected(cls, activities, date):
        """Return {activity id: untaxed income not collected at the date}.

        What was written off is not in it.
        """
        return cls._uncollected(activities, date)[0]

    @classmethod
    def _uncollected(cls, activities, date):
        pool = Pool()
        analytic = pool.get('analytic_account.line').__table__()
        line = pool.get('account.move.line').__table__()
        move = pool.get('account.move').__table__()
        invoice = pool.get('account.invoice').__table__()
        accounts = cls._accounts(activities)
        uncollected = dict.fromkeys(map(int, activities), Decimal(0))
        lost = dict.fromkeys(map(int, activities), Decimal(0))
        settlements = Settlement.of_open_invoices(
            {a.company for a in activities}, date, accounts)
        untaxed = defaultdict(dict)
        query = (invoice
            .join(move, condition=invoice.move == move.id)
            .join(line, condition=line.move == move.id)
            .join(analytic, condition=analytic.move_line == line.id)
            .select(
                invoice.id, analytic.account,
                Sum(analytic.credit - analytic.debit).as_('amount'),
                where=in_(invoice.id, list(settlements))
                & (move.state == 'posted'),
                group_by=[invoice.id, analytic.account]))
        for id_, account, amount in _rows(query, [None, None, 'NUMERIC']):
            untaxed[id_][account] = round_half_up(amount)
        for id_, amounts in untaxed.items():
            keys = sorted(amounts)
            paid, written_off = settlements[id_].shares()
            parts = [amounts[k] for k in keys]
            for key, amount, collected, settled in zip(
                    keys, parts, _share(parts, paid),
                    _share(parts, paid + written_off)):
                if key in accounts:
                    activity = accounts[key]
                    lost[activity] += settled - collected
                    uncollected[activity] += amount - settled
        return uncollected, lost

    @classmethod
    def selling_months(cls, activities, start, date):
        """Return {activity id: months from start to date when it may sell}.

        A month is a pair (year, month); it counts when on one of its days a
        holder has a contract that allows to sell.
        """
        pool = Pool()
        contract = pool.get('cae.contract').__table__()
        holder = pool.get('cae.activity.holder').__table__()
        type_ = pool.get('cae.contract.type').__table__()
        result = {int(a): set() for a in activities}
        query = (holder
            .join(contract,
                condition=contract.entrepreneur == holder.entrepreneur)
            .join(type_, condition=contract.type == type_.id)
            .select(
                holder.activity,
                holder.from_date.as_('holder_from'),
                holder.to_date.as_('holder_to'),
                contract.start_date.as_('contract_from'),
                contract.end_date.as_('contract_to'),
                where=in_(holder.activity, list(result))
                & contract.state.in_(['signed', 'ended'])
                & type_.can_sell))
        for activity, *dates in _rows(query, [None] + ['DATE'] * 4):
            first = max(start, dates[0], dates[2])
            last = min(filter(None, [date, dates[1], dates[3]]))
            if first > last:
                continue
            month = first.replace(day=1)
            while month <= last:
                result[activity].add((month.year, month.month))
                month += relativedelta(months=1)
        return result

    @classmethod
    def balances(cls, activities, date, basis='invoiced'):
        """Return {activity id: balance} at the date.

        On the invoiced basis it is income less costs; on the collected basis
        the income that the customers have not paid is taken out.
        """
        balances = cls.results(activities, date)
        if basis == 'collected':
            for id_, amount in cls.uncollected(activities, date).items():
                balances[id_] -= amount
        return balances


def _share(amounts, ratio):
    """Return the parts of the amounts for a ratio, rounded as a whole."""
    total = round_half_up(Fraction(sum(amounts)) * ratio)
    if len(amounts) == 1:
        return [total]
    if total and len({a > 0 for a in amounts if a}) == 1:
        return apportion(total, [abs(a) for a in amounts])
    return [round_half_up(Fraction(a) * ratio) for a in amounts]
