# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What must agree in the books of a month, one figure each.

Each check is a few queries over the whole company, whatever the number of
activities. It compares what the documents ask for with what the ledger says,
never a figure with itself.
"""
import datetime as dt
import json
import re
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

from sql import Null
from sql.aggregate import Count, Max, Min, Sum
from sql.conditionals import Coalesce
from sql.functions import Abs
from sql.operators import Or

from trytond.i18n import gettext
from trytond.model import ModelSQL, ModelView, fields
from trytond.modules.cae_members.query import fetch
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval, If, PYSONEncoder
from trytond.transaction import (
    Transaction, inactive_records, without_check_access)

from ..apportion import round_half_up
from ..exceptions import ClosingError
from ..fee_fact import Facts
from ..settlement import Settlement

in_ = fields.SQL_OPERATORS['in']
# The records behind a check that its list opens
LIMIT = 1000
STATES = [
    ('right', "Right"),
    ('look', "Look at It"),
    ('blocking', "Blocking"),
    ('none', "Not Applicable"),
    ]


def table(name):
    return Pool().get(name).__table__()


def differs(expression):
    "Return the condition that an amount is at least half a cent"
    # Whole numbers, for SQLite adds up the amounts as floats
    return Abs(expression) * 1000 >= 5


def amounts(query):
    "Return {key: amount} of a query of a key and an amount"
    result = defaultdict(Decimal)
    for key, amount in fetch(query, [None, 'NUMERIC']):
        result[key] += round_half_up(amount or 0)
    return result


def _ids(query):
    return [id_ for id_, *_ in fetch(query, [None])]


class Closing(metaclass=PoolMeta):
    """The checks of the closing.

    A module adds its check to ``_checks`` and defines for its code the method
    ``_check_<code>`` that returns what ``_check_value`` or ``_check_none``
    do.
    """
    __name__ = 'cae.closing'
    checks = fields.One2Many(
        'cae.closing.check', 'closing', "Checks", readonly=True)
    to_look_at = fields.Function(
        fields.Integer("To Look At",
            help="How many checks do not agree."), 'get_to_look_at')

    @classmethod
    def get_to_look_at(cls, closings, name):
        check = table('cae.closing.check')
        result = dict.fromkeys(map(int, closings), 0)
        result.update(fetch(
                check.select(
                    check.closing, Count(check.id).as_('count'),
                    where=in_(check.closing, list(result))
                    & check.state.in_(['look', 'blocking']),
                    group_by=check.closing),
                [None, None]))
        return result

    @classmethod
    def copy(cls, closings, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('checks', None)
        return super().copy(closings, default=default)

    @classmethod
    def _checks(cls):
        "Return the codes and labels of the checks in their order"
        return [(code, gettext(f'cae_billing.msg_check_{code}')) for code in [
                    'to_clear', 'internal', 'result', 'analytic', 'customers',
                    'customer', 'suppliers', 'vat_waiting', 'vat_due',
                    'turnover', 'uncollected', 'fee', 'fee_due', 'fee_cap',
                    'budget', 'statement', 'number', 'draft']]

    @classmethod
    def _blocking_checks(cls):
        "Return the codes of the checks that may refuse to close a month"
        return []

    @classmethod
    @ModelView.button
    def check(cls, closings):
        super().check(closings)
        Check = Pool().get('cae.closing.check')
        with without_check_access():
            Check.delete(Check.search([
                        ('closing', 'in', [c.id for c in closings])]))
            Check.create([
                    {'closing': closing.id, 'sequence': i, **values}
                    for closing in closings
                    for i, values in enumerate(closing._checked(), 1)])

    def _checked(self, codes=None):
        "Return the values of the checks"
        result = []
        with Transaction().set_context(company=self.company.id), \
                without_check_access():
            for code, _ in self._checks():
                if codes is None or code in codes:
                    result.append({
                            'code': code,
                            **getattr(self, f'_check_{code}')(),
                            })
        return result

    def _check_open(self):
        super()._check_open()
        if self.state != 'draft':
            return
        for values in self._checked(self._blocking_checks()):
            if values['state'] == 'blocking':
                raise ClosingError(gettext(
                        'cae_billing.msg_closing_blocked',
                        closing=self.rec_name, message=values['message']))

    @staticmethod
    def _check_none(message=None):
        "Return the values of a check that has nothing to compare"
        return {'state': 'none', 'message': message}

    @staticmethod
    def _check_value(
            right, model, ids, message, expected=None, found=None,
            difference=None):
        """Return the values of a check.

        ``ids`` are the records of the model that are behind it; ``message``
        says what to do when it is not right.
        """
        if difference is None and None not in {expected, found}:
            difference = found - expected
        return {
            'state': 'right' if right else 'look',
            'expected': expected,
            'found': found,
            'difference': difference,
            'message': None if right else message,
            'model': model if ids else None,
            'count': len(ids),
            'records': json.dumps(sorted(ids)[:LIMIT]) if ids else None,
            }

    def _on_collected_basis(self):
        "Tell whether fees or pay follow what the customers paid"
        Rule = Pool().get('cae.fee.rule')
        date = self.period.end_date
        return any(
            r.basis == 'collected'
            for r in Rule.within(self.company, date, date))

    # What the queries have in common

    @property
    def _year_start(self):
        return self.period.fiscalyear.start_date

    def _check_posted(self, move, start=None):
        "Return the condition of the posted moves up to the end of the month"
        where = (
            (move.company == self.company.id) & (move.state == 'posted')
            & (move.date <= self.period.end_date))
        if start:
            where &= move.date >= start
        return where

    def _analytic_accounts(self):
        "Return the query of the analytic accounts of all activities"
        activity = table('cae.activity')
        return activity.select(
            activity.analytic_account,
            where=(activity.company == self.company.id)
            & (activity.analytic_account != Null))

    def _all_activities(self):
        Activity = Pool().get('cae.activity')
        with inactive_records():
            return Activity.search([
                    ('company', '=', self.company.id)], order=[])

    def _invoice_moves(self, type_):
        "Return the query of the moves of the invoices, cancelled ones too"
        moves = None
        for name in ['move', 'cancel_move']:
            invoice = table('account.invoice')
            move = getattr(invoice, name)
            query = invoice.select(
                move, where=(invoice.company == self.company.id)
                & (invoice.type == type_) & (move != Null))
            moves = query if moves is None else moves | query
        invoice = table('account.invoice')
        additional = table('account.invoice-additional-account.move')
        return moves | (additional
            .join(invoice, condition=additional.invoice == invoice.id)
            .select(
                additional.move,
                where=(invoice.company == self.company.id)
                & (invoice.type == type_)))

    # The checks

    def _check_to_clear(self):
        """Nothing stays on an account of passage longer than it may.

        On an account without reconciliation what came first leaves first.
        """
        Account = Pool().get('account.account')
        accounts = Account.search([
                ('company', '=', self.company.id),
                ('clear_within', '!=', None),
                ('type', '!=', None),
                ])
        if not accounts:
            return self._check_none(
                gettext('cae_billing.msg_check_to_clear_none'))
        line, move = table('account.move.line'), table('account.move')
        reconciliation = table('account.move.reconciliation')

        def old(reconcile):
            return Or([
                    (line.account == a.id)
                    & (move.date < self.period.end_date
                        - dt.timedelta(days=a.clear_within))
                    for a in accounts if a.reconcile == reconcile])

        source = line.join(move, condition=line.move == move.id)
        posted = self._check_posted(move)
        rest, ids = Decimal(0), []
        if any(a.reconcile for a in accounts):
            later = reconciliation.select(
                reconciliation.id,
                where=reconciliation.date > self.period.end_date)
            for id_, amount in fetch(
                    source.select(
                        line.id, (line.debit - line.credit).as_('amount'),
                        where=posted & old(True) & (
                            (line.reconciliation == Null)
                            | line.reconciliation.in_(later))),
                    [None, 'NUMERIC']):
                rest += abs(amount)
                ids.append(id_)
        others = [a.id for a in accounts if not a.reconcile]
        if others:
            before = amounts(source.select(
                    line.account,
                    Sum(line.debit - line.credit).as_('amount'),
                    where=posted & old(False), group_by=line.account))
            after = {
                account: (debit, credit)
                for account, debit, credit in fetch(
                    source.select(
                        line.account, Sum(line.debit).as_('debit'),
                        Sum(line.credit).as_('credit'),
                        where=posted & line.account.in_(others) & ~old(False),
                        group_by=line.account),
                    [None, 'NUMERIC', 'NUMERIC'])}
            stuck = []
            for account, amount in before.items():
                debit, credit = map(round_half_up, after.get(account, (0, 0)))
                left = (
                    max(amount - credit, Decimal(0)) if amount > 0
                    else max(-amount - debit, Decimal(0)))
                if left:
                    rest += left
                    stuck.append(account)
            if stuck:
                ids += _ids(source.select(
                        line.id, where=posted & old(False)
                        & line.account.in_(stuck),
                        order_by=[move.date.desc], limit=LIMIT))
        return self._check_value(
            not ids, 'account.move.line', ids,
            gettext('cae_billing.msg_check_to_clear_look'),
            Decimal(0), round_half_up(rest))

    def _check_internal(self):
        "Each move balances on each account of internal transfers"
        line, move = table('account.move.line'), table('account.move')
        account, type_ = (
            table('account.account'), table('account.account.type'))
        total = Sum(line.debit - line.credit)
        rows = fetch(line
            .join(move, condition=line.move == move.id)
            .join(account, condition=line.account == account.id)
            .join(type_, condition=account.type == type_.id)
            .select(
                move.id, total.as_('amount'),
                where=self._check_posted(move, self._year_start)
                & type_.revenue & type_.expense,
                group_by=[move.id, line.account],
                having=differs(total)),
            [None, 'NUMERIC'])
        return self._check_value(
            not rows, 'account.move', list({id_ for id_, _ in rows}),
            gettext('cae_billing.msg_check_internal_look'),
            Decimal(0), round_half_up(sum(abs(a) for _, a in rows)))

    def _check_result(self):
        """The activities, shared services and funds total the result.

        The move that closes the fiscal year has no activity.
        """
        line, move = table('account.move.line'), table('account.move')
        account, type_ = (
            table('account.account'), table('account.account.type'))
        journal, period = table('account.journal'), table('account.period')
        analytic = table('analytic_account.line')
        source = (line
            .join(move, condition=line.move == move.id)
            .join(account, condition=line.account == account.id)
            .join(type_, condition=account.type == type_.id)
            .join(journal, condition=move.journal == journal.id)
            .join(period, condition=move.period == period.id))
        where = (
            self._check_posted(move, self._year_start)
            & (type_.statement == 'income')
            & ~((journal.type == 'situation') & (period.type == 'adjustment')
                & Coalesce(move.origin, '').like('account.fiscalyear,%')))
        result = amounts(source.select(
                move.company, Sum(line.credit - line.debit).as_('amount'),
                where=where, group_by=move.company))
        found = amounts(analytic
            .join(line, condition=analytic.move_line == line.id)
            .join(move, condition=line.move == move.id)
            .select(
                move.company,
                Sum(analytic.credit - analytic.debit).as_('amount'),
                where=self._check_posted(move, self._year_start)
                & analytic.account.in_(self._analytic_accounts()),
                group_by=move.company))
        expected, found = result[self.company.id], found[self.company.id]
        ids = []
        if expected != found:
            ids = _ids(source.select(
                    line.id, where=where & (line.analytic_state == 'draft'),
                    limit=LIMIT))
        return self._check_value(
            expected == found, 'account.move.line', ids,
            gettext('cae_billing.msg_check_result_look'), expected, found)

    def _check_analytic(self):
        "The analytic lines of a line total it and have the date of its move"
        line, move = table('account.move.line'), table('account.move')
        analytic = table('analytic_account.line')
        amount = line.debit - line.credit
        difference = Sum(analytic.debit - analytic.credit) - amount
        rows = fetch(analytic
            .join(line, condition=analytic.move_line == line.id)
            .join(move, condition=line.move == move.id)
            .select(
                line.id, difference.as_('amount'),
                where=self._check_posted(move, self._year_start)
                & analytic.account.in_(self._analytic_accounts()),
                group_by=[line.id, line.debit, line.credit, move.date],
                having=differs(difference)
                | (Min(analytic.date) != move.date)
                | (Max(analytic.date) != move.date)),
            [None, 'NUMERIC'])
        return self._check_value(
            not rows, 'account.move.line', [id_ for id_, _ in rows],
            gettext('cae_billing.msg_check_analytic_look'),
            Decimal(0), round_half_up(sum(abs(a) for _, a in rows)))

    def _unexplained(self, condition, type_):
        """Return {id: amount} of the open lines that no invoice explains.

        Those of the accounts of the condition(line), open at the end of the
        month: neither of an invoice nor a payment of one.
        """
        line, move = table('account.move.line'), table('account.move')
        own, payment = (
            table('account.move.line'),
            table('account.invoice-account.move.line'))
        invoice = table('account.invoice')
        reconciliation = table('account.move.reconciliation')
        later = reconciliation.select(
            reconciliation.id,
            where=reconciliation.date > self.period.end_date)
        payments = (payment
            .join(invoice, condition=payment.invoice == invoice.id)
            .select(
                payment.line, where=(payment.line != Null)
                & (invoice.company == self.company.id)
                & (invoice.type == type_)))
        settled = own.select(
            own.reconciliation,
            where=(own.reconciliation != Null)
            & own.move.in_(self._invoice_moves(type_)))
        return amounts(line
            .join(move, condition=line.move == move.id)
            .select(
                line.id, (line.debit - line.credit).as_('amount'),
                where=self._check_posted(move) & condition(line)
                & ~line.move.in_(self._invoice_moves(type_))
                & ~line.id.in_(payments)
                & ((line.reconciliation == Null)
                    | (line.reconciliation.in_(later)
                        & ~line.reconciliation.in_(settled)))))

    def _balance_of(self, condition):
        "Return debit less credit of the accounts of the condition(line)"
        line, move = table('account.move.line'), table('account.move')
        return amounts(line
            .join(move, condition=line.move == move.id)
            .select(
                move.company, Sum(line.debit - line.credit).as_('amount'),
                where=self._check_posted(move) & condition(line),
                group_by=move.company))[self.company.id]

    def _receivable(self, line):
        "Return the condition that the line is on an account of customers"
        account, type_ = (
            table('account.account'), table('account.account.type'))
        kind = table('cae.cutoff.kind')
        return line.account.in_(account
            .join(type_, condition=account.type == type_.id)
            .select(
                account.id,
                where=(account.company == self.company.id)
                & type_.receivable
                & ~account.id.in_(kind.select(kind.account))))

    def _check_customers(self):
        """What the customers owe is what of their invoices is not settled.

        The invoices still to be issued are apart: those of the cut-offs.
        """
        found = self._balance_of(self._receivable)
        expected = round_half_up(sum((
                    s.total - s.paid - s.written_off
                    for s in Settlement.of_open_invoices(
                        [self.company], self.period.end_date).values()),
                Fraction(0)))
        ids = []
        if expected != found:
            ids = list(self._unexplained(self._receivable, 'out'))
        return self._check_value(
            expected == found, 'account.move.line', ids,
            gettext('cae_billing.msg_check_customers_look'), expected, found)

    def _check_customer(self):
        "Each customer owes what of its invoices is not settled"
        Invoice = Pool().get('account.invoice')
        line, move = table('account.move.line'), table('account.move')
        settlements = Settlement.of_open_invoices(
            [self.company], self.period.end_date)
        expected, exact = defaultdict(Decimal), defaultdict(Fraction)
        for invoice in Invoice.browse(list(settlements)):
            settlement = settlements[invoice.id]
            exact[invoice.party.id] += (
                settlement.total - settlement.paid - settlement.written_off)
        for party, amount in exact.items():
            expected[party] = round_half_up(amount)
        found = amounts(line
            .join(move, condition=line.move == move.id)
            .select(
                line.party, Sum(line.debit - line.credit).as_('amount'),
                where=self._check_posted(move) & self._receivable(line),
                group_by=line.party))
        wrong = [
            id_ for id_ in {*expected, *found} if expected[id_] != found[id_]]
        return self._check_value(
            not wrong, 'party.party', list(filter(None, wrong)),
            gettext('cae_billing.msg_check_customer_look'),
            sum(expected.values(), Decimal(0)),
            sum(found.values(), Decimal(0)),
            sum((abs(found[id_] - expected[id_]) for id_ in wrong),
                Decimal(0)))

    def _check_suppliers(self):
        """What is owed to suppliers is what of their invoices is not paid.

        On the accounts that stand on their invoices.
        """
        def payable(line):
            invoice = table('account.invoice')
            return line.account.in_(invoice.select(
                    invoice.account,
                    where=(invoice.company == self.company.id)
                    & (invoice.type == 'in') & (invoice.move != Null)))
        others = self._unexplained(payable, 'in')
        found = -self._balance_of(payable)
        return self._check_value(
            not others, 'account.move.line', list(others),
            gettext('cae_billing.msg_check_suppliers_look'),
            found + sum(others.values(), Decimal(0)), found)

    def _check_vat_waiting(self):
        "The VAT that waits is that of what the customers have not paid"
        Configuration = Pool().get('cae.configuration')
        waiting = Configuration(1).get_multivalue(
            'vat_waiting_account', company=self.company.id)
        if not waiting:
            return self._check_none(
                gettext('cae_billing.msg_check_vat_waiting_none'))
        if self.state == 'draft':
            return self._check_none(gettext('cae_billing.msg_check_after'))
        settlements = Settlement.of_open_invoices(
            [self.company], self.period.end_date)
        expected = Decimal(0)
        for invoice, (_, type_), amount in self._vat_invoiced(
                waiting, list(settlements)):
            if type_ == 'tax':
                expected += amount - round_half_up(
                    Fraction(amount) * sum(settlements[invoice].shares()))
        found = -self._balance_of(lambda line: line.account == waiting.id)
        ids = []
        if expected != found:
            line, move = table('account.move.line'), table('account.move')
            ids = _ids(line
                .join(move, condition=line.move == move.id)
                .select(
                    line.id, where=self._check_posted(move)
                    & (line.account == waiting.id)
                    & ~Coalesce(move.origin, '').like('cae.closing,%')
                    & ~line.move.in_(self._invoice_moves('out'))))
        return self._check_value(
            expected == found, 'account.move.line', ids,
            gettext('cae_billing.msg_check_vat_waiting_look'), expected, found)

    def _check_vat_due(self):
        """The VAT credited in the month comes from invoices and receipts.

        What takes it off the account, as its declaration does, is free.
        """
        Configuration = Pool().get('cae.configuration')
        due = Configuration(1).get_multivalue(
            'vat_due_account', company=self.company.id)
        if not due:
            return self._check_none(
                gettext('cae_billing.msg_check_vat_due_none'))
        line, move = table('account.move.line'), table('account.move')
        known = (
            Coalesce(move.origin, '').like('cae.closing,%')
            | line.move.in_(self._invoice_moves('out'))
            | line.move.in_(self._invoice_moves('in')))
        source = line.join(move, condition=line.move == move.id)
        where = (
            self._check_posted(move, self.period.start_date)
            & (line.account == due.id))

        def credits_(condition):
            return amounts(source.select(
                    line.id, (line.credit - line.debit).as_('amount'),
                    where=where & condition))
        expected = sum(credits_(known).values(), Decimal(0))
        others = credits_(~known & (line.credit > line.debit))
        return self._check_value(
            not others, 'account.move.line', list(others),
            gettext('cae_billing.msg_check_vat_due_look'),
            expected, expected + sum(others.values(), Decimal(0)))

    def _check_turnover(self):
        """The accounts of turnover hold what the activities invoiced.

        Since the start of the fiscal year, with what was cut off.
        """
        Activity = Pool().get('cae.activity')
        line, move = table('account.move.line'), table('account.move')
        account, type_ = (
            table('account.account'), table('account.account.type'))
        analytic = table('analytic_account.line')
        known = (
            move.id.in_(Activity._sale_moves())
            | Coalesce(move.origin, '').like('cae.cutoff,%'))
        where = (
            self._check_posted(move, self._year_start)
            & type_.revenue & ~type_.expense & (type_.statement == 'income'))
        source = (line
            .join(move, condition=line.move == move.id)
            .join(account, condition=line.account == account.id)
            .join(type_, condition=account.type == type_.id))
        found = amounts(source.select(
                move.company, Sum(line.credit - line.debit).as_('amount'),
                where=where, group_by=move.company))[self.company.id]
        expected = amounts(source
            .join(analytic, condition=analytic.move_line == line.id)
            .select(
                move.company,
                Sum(analytic.credit - analytic.debit).as_('amount'),
                where=where & known
                & analytic.account.in_(self._analytic_accounts()),
                group_by=move.company))[self.company.id]
        ids = []
        if expected != found:
            ids = _ids(source.select(
                    line.id,
                    where=where & ~known,
                    limit=LIMIT))
        return self._check_value(
            expected == found, 'account.move.line', ids,
            gettext('cae_billing.msg_check_turnover_look'), expected, found)

    def _check_uncollected(self):
        """What the activities wait for is the untaxed share of what is open.

        Per invoice with the lines of its move, per activity with the
        analytic ones; the shares of an invoice may differ by a cent.
        """
        Activity = Pool().get('cae.activity')
        line, move = table('account.move.line'), table('account.move')
        account, type_ = (
            table('account.account'), table('account.account.type'))
        invoice = table('account.invoice')
        settlements = Settlement.of_open_invoices(
            [self.company], self.period.end_date)
        untaxed = amounts(invoice
            .join(move, condition=invoice.move == move.id)
            .join(line, condition=line.move == move.id)
            .join(account, condition=line.account == account.id)
            .join(type_, condition=account.type == type_.id)
            .select(
                invoice.id, Sum(line.credit - line.debit).as_('amount'),
                where=in_(invoice.id, list(settlements))
                & (type_.statement == 'income'),
                group_by=invoice.id))
        expected = sum((
                amount - round_half_up(
                    Fraction(amount) * sum(settlements[id_].shares()))
                for id_, amount in untaxed.items()), Decimal(0))
        found = sum(Activity.uncollected(
                self._all_activities(), self.period.end_date).values(),
            Decimal(0))
        right = abs(found - expected) <= Decimal('0.01') * len(untaxed)
        return self._check_value(
            right, 'account.invoice', [] if right else list(untaxed),
            gettext('cae_billing.msg_check_uncollected_look'), expected, found)

    def _check_fee(self):
        """The fees of the fiscal year are posted to who pays and receives.
        """
        fee, rule = table('cae.fee'), table('cae.fee.rule')
        period, activity = table('account.period'), table('cae.activity')
        line, move = table('account.move.line'), table('account.move')
        analytic = table('analytic_account.line')
        where = (
            (fee.company == self.company.id)
            & (period.fiscalyear == self.period.fiscalyear.id)
            & (period.end_date <= self.period.end_date))
        source = (fee
            .join(period, condition=fee.period == period.id)
            .join(rule, condition=fee.rule == rule.id))
        due = amounts(source.select(
                fee.activity, Sum(fee.amount).as_('amount'),
                where=where, group_by=fee.activity))
        received = amounts(source.select(
                rule.beneficiary, Sum(fee.amount).as_('amount'),
                where=where, group_by=rule.beneficiary))
        posted = amounts(analytic
            .join(line, condition=analytic.move_line == line.id)
            .join(move, condition=line.move == move.id)
            .join(activity,
                condition=analytic.account == activity.analytic_account)
            .select(
                activity.id,
                Sum(analytic.debit - analytic.credit).as_('amount'),
                where=self._check_posted(move)
                & move.id.in_(source.select(
                        fee.move, where=where & (fee.move != Null))),
                group_by=activity.id))
        differences = {
            id_: posted[id_] - due[id_] + received[id_]
            for id_ in {*due, *received, *posted}}
        wrong = [id_ for id_, amount in differences.items() if amount]
        return self._check_value(
            not wrong, 'cae.activity', wrong,
            gettext('cae_billing.msg_check_fee_look'),
            sum(due.values(), Decimal(0)),
            sum((a for id_, a in posted.items() if id_ not in received),
                Decimal(0)),
            sum(map(abs, differences.values()), Decimal(0)))

    def _check_fee_due(self):
        """The fees to date are what the rules ask for, one by one.

        What came late is caught up in the next month.
        """
        Fee = Pool().get('cae.fee')
        if self.state == 'draft':
            return self._check_none(gettext('cae_billing.msg_check_after'))
        activities = self._activities()
        posted = sum(
            (due for due, _ in Fee.posted(
                    activities, self.period).values()), Decimal(0))
        missing = [
            (values['activity'], values['due_change'])
            for values in Fee.compute(activities, self.period, again=True)
            if values['due_change']]
        return self._check_value(
            not missing, 'cae.activity', list({id_ for id_, _ in missing}),
            gettext('cae_billing.msg_check_fee_due_look'),
            posted + sum((change for _, change in missing), Decimal(0)),
            posted,
            sum((abs(change) for _, change in missing), Decimal(0)))

    def _check_fee_cap(self):
        "The fees of the year take no more than the law allows"
        pool = Pool()
        Cap = pool.get('cae.fee.cap')
        Fee = pool.get('cae.fee')
        Rule = pool.get('cae.fee.rule')
        cap = Cap.of_company(self.company, self.period.end_date)
        if not cap or cap.rate is None:
            return self._check_none(
                gettext('cae_billing.msg_check_fee_cap_none'))
        activities = self._activities()
        fees = defaultdict(Decimal)
        for (_, activity), (_, amount) in Fee.posted(
                activities, self.period).items():
            fees[activity] += amount
        turnovers = Facts(activities, self.period).turnover_capped(any(
                r.has_tiers and r.basis == 'collected' for r in Rule.within(
                    self.company, self._year_start, self.period.end_date)))
        allowed = {
            id_: round_half_up(Fraction(cap.rate) * Fraction(max(amount, 0)))
            for id_, amount in turnovers.items()}
        wrong = [id_ for id_, amount in fees.items() if amount > allowed[id_]]
        return self._check_value(
            not wrong, 'cae.activity', wrong,
            gettext('cae_billing.msg_check_fee_cap_look'),
            sum(allowed.values(), Decimal(0)), sum(fees.values(), Decimal(0)),
            sum((fees[id_] - allowed[id_] for id_ in wrong), Decimal(0)))

    def _above_budget(self):
        "Return the ids of the activities that may be below zero"
        return set()

    def _check_budget(self):
        """No activity has spent what its customers have not paid.

        But those whose fixed pay is owed in any case.
        """
        Activity = Pool().get('cae.activity')
        activities = [
            a for a in self._all_activities() if a.kind == 'business']
        allowed = self._above_budget()
        below = {
            id_: amount for id_, amount in Activity.balances(
                activities, self.period.end_date, 'collected').items()
            if amount < 0 and id_ not in allowed}
        return self._check_value(
            not below, 'cae.activity', list(below),
            gettext('cae_billing.msg_check_budget_look'),
            Decimal(0), sum(below.values(), Decimal(0)))

    def _check_statement(self):
        """The statements of the month follow those before and the ledger."""
        Activity = Pool().get('cae.activity')
        statement, before, last = [
            table('cae.activity.statement') for _ in range(3)]
        line = table('cae.activity.statement.line')
        where = (
            (statement.company == self.company.id)
            & (statement.period == self.period.id))
        rows = fetch(
            statement.select(
                statement.id, statement.activity,
                statement.opening_balance.as_('opening'),
                statement.closing_balance.as_('closing'), where=where),
            [None, None, 'NUMERIC', 'NUMERIC'])
        if not rows:
            return self._check_none(gettext('cae_billing.msg_check_after'))
        moved = amounts(line
            .join(statement, condition=line.statement == statement.id)
            .select(
                line.statement, Sum(line.amount).as_('amount'),
                where=where, group_by=line.statement))
        last = last.select(
            last.activity, Max(last.date).as_('date'),
            where=(last.company == self.company.id)
            & (last.date < self.period.start_date),
            group_by=last.activity)
        previous = dict(fetch(before
                .join(last, condition=(before.activity == last.activity)
                    & (before.date == last.date))
                .select(
                    before.activity, before.closing_balance.as_('balance')),
                [None, 'NUMERIC']))
        ledger = Activity.results(
            Activity.browse([activity for _, activity, *_ in rows]),
            self.period.end_date)
        expected = found = Decimal(0)
        wrong = []
        for id_, activity, opening, closing in rows:
            expected += ledger[activity]
            found += closing
            if not (
                    opening == previous.get(activity, opening)
                    and opening + moved[id_] == closing == ledger[activity]):
                wrong.append(id_)
        return self._check_value(
            not wrong, 'cae.activity.statement', wrong,
            gettext('cae_billing.msg_check_statement_look'), expected, found)

    def _numbers(self):
        """Return [(series, number)] of what is numbered without a hole.

        In the fiscal year, for what belongs to one.
        """
        fiscalyear = self.period.fiscalyear
        move, period = table('account.move'), table('account.period')
        invoice, fee = table('account.invoice'), table('cae.fee')
        result = [(f'move {s}', n) for s, n in fetch(move
                .join(period, condition=move.period == period.id)
                .select(
                    period.move_sequence, move.number,
                    where=(period.fiscalyear == fiscalyear.id)
                    & (move.state == 'posted')),
                [None, None])]
        types = {'out'}
        for sequences in fiscalyear.invoice_sequences:
            if ({sequences.out_invoice_sequence,
                    sequences.out_credit_note_sequence}
                    & {sequences.in_invoice_sequence,
                        sequences.in_credit_note_sequence}):
                types.add('in')
        date = Coalesce(invoice.accounting_date, invoice.invoice_date)
        result += [('invoice', n) for n, in fetch(
                invoice.select(
                    invoice.number,
                    where=(invoice.company == self.company.id)
                    & invoice.type.in_(sorted(types))
                    & (date >= fiscalyear.start_date)
                    & (date <= fiscalyear.end_date)),
                [None])]
        result += [('fee', n) for n, in fetch(
                fee.select(
                    fee.number, where=fee.company == self.company.id),
                [None])]
        return result

    def _check_number(self):
        "Moves, customer invoices and fees are numbered without a hole"
        series = defaultdict(set)
        for name, number in self._numbers():
            if match := re.fullmatch(r'(.*?)(\d+)', number or ''):
                series[name, match[1]].add(int(match[2]))
        holes = []
        expected = found = 0
        for (_, prefix), numbers in series.items():
            numbers = sorted(numbers)
            found += len(numbers)
            expected += numbers[-1] - numbers[0] + 1
            for number, following in zip(numbers, numbers[1:]):
                if following > number + 1:
                    holes.append(
                        f"{prefix}{number} … {prefix}{following}")
        return self._check_value(
            not holes, None, [],
            gettext('cae_billing.msg_check_number_look',
                holes=', '.join(holes[:10])),
            Decimal(expected), Decimal(found))

    def _check_draft(self):
        "No move of the month or before is still a draft"
        move = table('account.move')
        ids = _ids(move.select(
                move.id,
                where=(move.company == self.company.id)
                & (move.state == 'draft')
                & (move.date <= self.period.end_date)))
        return self._check_value(
            not ids, 'account.move', ids,
            gettext('cae_billing.msg_check_draft_look'),
            Decimal(0), Decimal(len(ids)))


class Check(ModelSQL, ModelView):
    """One thing that must agree in the books of a month.

    What the documents ask for, what was found in the ledger and, when they
    differ, what to do about it and the records behind.
    """
    __name__ = 'cae.closing.check'
    __string__ = "Closing Check"
    closing = fields.Many2One(
        'cae.closing', "Closing", required=True, readonly=True,
        ondelete='CASCADE')
    sequence = fields.Integer("Sequence", readonly=True)
    code = fields.Selection(
        'get_codes', "Check", required=True, readonly=True)
    state = fields.Selection(
        STATES, "State", required=True, readonly=True, sort=False)
    expected = fields.Numeric(
        "Expected", digits=(16, 2), readonly=True,
        help="What the documents ask for.")
    found = fields.Numeric(
        "Found", digits=(16, 2), readonly=True,
        help="What the ledger says.")
    difference = fields.Numeric(
        "Difference", digits=(16, 2), readonly=True)
    message = fields.Text("What to Do", readonly=True)
    count = fields.Integer(
        "Records", readonly=True, help="How many records are behind it.")
    model = fields.Char("Model", readonly=True)
    records = fields.Text("Record Identifiers", readonly=True)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._order = [
            ('closing', 'DESC'), ('sequence', 'ASC'), ('id', 'ASC')]
        cls._buttons.update({
                'open_records': {
                    'invisible': ~Eval('count', 0),
                    'depends': ['count'],
                    },
                })

    @classmethod
    def view_attributes(cls):
        return super().view_attributes() + [
            ('/tree', 'visual', If(
                    Eval('state') == 'blocking', 'danger',
                    If(Eval('state') == 'look', 'warning',
                        If(Eval('state') == 'none', 'muted', '')))),
            ]

    @classmethod
    def get_codes(cls):
        return Pool().get('cae.closing')._checks()

    def get_rec_name(self, name):
        return dict(self.get_codes()).get(self.code, self.code)

    @property
    def ids(self):
        "The ids of the records behind the check, the first ones"
        return json.loads(self.records or '[]')

    @classmethod
    @ModelView.button_action('cae_billing.act_check_records')
    def open_records(cls, checks):
        "Open the list of what is behind the check"
        for check in checks:
            if check.model:
                return {
                    'name': check.rec_name,
                    'res_model': check.model,
                    'pyson_domain': PYSONEncoder().encode(
                        [('id', 'in', check.ids)]),
                    }
