# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What an activity has earned and what of it is in the bank.

All figures are queries over posted moves through the analytic account of the
activity; there is no second copy of them.
"""
import datetime as dt
from collections import defaultdict, namedtuple
from decimal import Decimal

from sql import Null
from sql.aggregate import Sum

from trytond.model import fields
from trytond.modules.cae_members.model import CompanyCurrencyMixin
from trytond.modules.cae_members.query import fetch
from trytond.modules.currency.fields import Monetary
from trytond.pool import Pool, PoolMeta
from trytond.transaction import (
    Transaction, inactive_records, without_check_access)

from .apportion import round_half_up, share
from .month import months_between
from .settlement import Settlement

in_ = fields.SQL_OPERATORS['in']
BASES = [
    ('invoiced', "Invoiced"),
    ('collected', "Collected"),
    ]
# A contract while its holder has the activity; no last day is None
Held = namedtuple('Held', [
        'first', 'last', 'type', 'can_sell', 'entrepreneur'])


class Activity(CompanyCurrencyMixin, metaclass=PoolMeta):
    __name__ = 'cae.activity'
    balance = fields.Function(Monetary(
            "Balance", currency='currency', digits='currency',
            help="Income less costs of all posted moves (solde facturé)."),
        'get_balance')
    balance_collected = fields.Function(Monetary(
            "Balance Collected", currency='currency', digits='currency',
            help="The balance without the income that the customers have not "
            "paid yet (solde encaissé)."),
        'get_balance')

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
    def _analytic_sums(
            cls, activities, date=None, start=None, moves=None,
            accounts=None, condition=None):
        """Return {activity id: credit less debit} of the analytic lines.

        ``moves`` is a query of moves and ``accounts`` are ids of accounts to
        which they are limited; ``condition`` gives the SQL condition of the
        table of the analytic lines.
        """
        pool = Pool()
        analytic = pool.get('analytic_account.line').__table__()
        line = pool.get('account.move.line').__table__()
        move = pool.get('account.move').__table__()
        result = dict.fromkeys(map(int, activities), Decimal(0))
        owners = cls._accounts(activities)
        where = (
            in_(analytic.account, list(owners)) & (move.state == 'posted'))
        if date:
            where &= move.date <= date
        if start:
            where &= move.date >= start
        if moves is not None:
            where &= move.id.in_(moves)
        if accounts is not None:
            where &= in_(line.account, list(accounts))
        if condition:
            where &= condition(analytic)
        query = (analytic
            .join(line, condition=analytic.move_line == line.id)
            .join(move, condition=line.move == move.id)
            .select(
                analytic.account,
                Sum(analytic.credit - analytic.debit).as_('amount'),
                where=where,
                group_by=analytic.account))
        for account, amount in fetch(query, [None, 'NUMERIC']):
            result[owners[account]] += amount
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
    def purchases(cls, activities, date, accounts, start=None):
        """Return {activity id: debit less credit} from start to date.

        Of the posted lines on the accounts, given by id.
        """
        sums = cls._analytic_sums(activities, date, start, accounts=accounts)
        return {id_: -amount for id_, amount in sums.items()}

    @classmethod
    def _of_categories(cls, categories, only):
        """Return the condition of the analytic lines of the categories.

        A function of their table. A line is of a category when its product,
        on the line of the invoice, is of it or of one below; without ``only``
        it is the condition of all other lines.
        """
        pool = Pool()
        AnalyticLine = pool.get('analytic_account.line')
        Category = pool.get('product.category')
        ofcategory = pool.get(
            'product.template-product.category.all').__table__()
        line = pool.get('account.invoice.line').__table__()
        product = pool.get('product.product').__table__()
        with without_check_access(), inactive_records():
            ids = [c.id for c in Category.search([
                        ('parent', 'child_of',
                            [c.id for c in categories], 'parent')])]
        lines = (line
            .join(product, condition=line.product == product.id)
            .join(ofcategory,
                condition=product.template == ofcategory.template)
            .select(line.id, where=in_(ofcategory.category, ids)))

        def condition(analytic):
            origin = AnalyticLine.origin.sql_id(analytic.origin, AnalyticLine)
            invoiced = analytic.origin.like('account.invoice.line,%')
            if only:
                return invoiced & origin.in_(lines)
            return (
                (analytic.origin == Null) | ~invoiced | ~origin.in_(lines))
        return condition

    @classmethod
    def turnovers(
            cls, activities, date, basis='invoiced', start=None,
            categories=None, only=True):
        """Return {activity id: untaxed turnover} from start to date.

        ``categories`` are product categories to whose lines it is limited,
        or without ``only`` to all lines but theirs.


        Only customer invoices and credit notes count: deposits have no
        income yet and internal sales are no turnover. On the collected basis
        an invoice counts in proportion to what was paid or set off by the
        date; what was written off never does.
        """
        turnovers = cls._analytic_sums(
            activities, date, start, moves=cls._sale_moves(),
            condition=categories and cls._of_categories(categories, only))
        if basis == 'invoiced':
            return turnovers
        for open_date, sign in [
                (date, -1),
                (start and start - dt.timedelta(days=1), 1)]:
            if not open_date:
                continue
            not_collected = cls.not_collected(
                activities, open_date, categories, only)
            for id_ in turnovers:
                turnovers[id_] += sign * not_collected[id_]
        return turnovers

    @classmethod
    def not_collected(cls, activities, date, categories=None, only=True):
        """Return {activity id: untaxed income not collected at the date}.

        With what was written off. ``categories`` and ``only`` are those of
        ``turnovers``.
        """
        uncollected, lost = cls._uncollected(
            activities, date,
            categories and cls._of_categories(categories, only))
        return {id_: uncollected[id_] + lost[id_] for id_ in uncollected}

    @classmethod
    def uncollected(cls, activities, date):
        """Return {activity id: untaxed income not collected at the date}.

        What was written off is not in it.
        """
        return cls._uncollected(activities, date)[0]

    @classmethod
    def _uncollected(cls, activities, date, condition=None):
        """Return {activity id: amount} of what is waited for and what is lost.

        ``condition`` limits the analytic lines, as in ``_analytic_sums``: the
        amounts are those parts of the whole of each invoice.
        """
        accounts = cls._accounts(activities)
        uncollected = dict.fromkeys(map(int, activities), Decimal(0))
        lost = dict.fromkeys(map(int, activities), Decimal(0))
        settlements = Settlement.of_open_invoices(
            {a.company for a in activities}, date, accounts)
        untaxed = cls._untaxed(list(settlements))
        inside = untaxed
        if condition:
            inside = cls._untaxed(list(settlements), condition)
        for id_, amounts in untaxed.items():
            paid, written_off = settlements[id_].shares()
            if not paid and not written_off:
                for account, amount in inside[id_].items():
                    if account in accounts:
                        uncollected[accounts[account]] += amount
                continue
            keys, parts = [], []
            for account in sorted(amounts):
                part = inside[id_].get(account, Decimal(0))
                keys.append(account)
                parts.append(part)
                if part != amounts[account]:
                    keys.append(None)
                    parts.append(amounts[account] - part)
            for key, amount, collected, settled in zip(
                    keys, parts, share(parts, paid),
                    share(parts, paid + written_off)):
                if key in accounts:
                    activity = accounts[key]
                    lost[activity] += settled - collected
                    uncollected[activity] += amount - settled
        return uncollected, lost

    @classmethod
    def _untaxed(cls, invoices, condition=None):
        "Return {invoice id: {analytic account id: untaxed amount}}"
        pool = Pool()
        analytic = pool.get('analytic_account.line').__table__()
        line = pool.get('account.move.line').__table__()
        move = pool.get('account.move').__table__()
        invoice = pool.get('account.invoice').__table__()
        result = defaultdict(dict)
        where = in_(invoice.id, invoices) & (move.state == 'posted')
        if condition:
            where &= condition(analytic)
        query = (invoice
            .join(move, condition=invoice.move == move.id)
            .join(line, condition=line.move == move.id)
            .join(analytic, condition=analytic.move_line == line.id)
            .select(
                invoice.id, analytic.account,
                Sum(analytic.credit - analytic.debit).as_('amount'),
                where=where,
                group_by=[invoice.id, analytic.account]))
        for id_, account, amount in fetch(query, [None, None, 'NUMERIC']):
            result[id_][account] = round_half_up(amount)
        return result

    @classmethod
    def contracts_held(cls, activities, date):
        """Return {activity id: [Held]} of the contracts of their holders.

        Those signed that began up to the date, with the days on which the
        holder also held the activity.
        """
        pool = Pool()
        contract = pool.get('cae.contract').__table__()
        holder = pool.get('cae.activity.holder').__table__()
        type_ = pool.get('cae.contract.type').__table__()
        result = {int(a): [] for a in activities}
        query = (holder
            .join(contract,
                condition=contract.entrepreneur == holder.entrepreneur)
            .join(type_, condition=contract.type == type_.id)
            .select(
                holder.activity, contract.entrepreneur, type_.id,
                type_.can_sell,
                holder.from_date.as_('holder_from'),
                holder.to_date.as_('holder_to'),
                contract.start_date.as_('contract_from'),
                contract.end_date.as_('contract_to'),
                where=in_(holder.activity, list(result))
                & contract.state.in_(['signed', 'ended'])))
        for activity, entrepreneur, type_id, can_sell, *dates in fetch(
                query, [None] * 4 + ['DATE'] * 4):
            first = max(dates[0], dates[2])
            last = min(filter(None, [dates[1], dates[3]]), default=None)
            if first <= date and (not last or first <= last):
                result[activity].append(Held(
                        first, last, type_id, can_sell, entrepreneur))
        return result

    @classmethod
    def selling_months(cls, activities, start, date):
        """Return {activity id: months from start to date when it may sell}.

        A month is a pair (year, month); it counts when on one of its days a
        holder has a contract that allows to sell.
        """
        result = {}
        for id_, contracts in cls.contracts_held(activities, date).items():
            result[id_] = set()
            for held in contracts:
                first = max(held.first, start)
                last = min(held.last or date, date)
                if held.can_sell and first <= last:
                    result[id_].update(months_between(first, last))
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
