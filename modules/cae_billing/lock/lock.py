# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The months of an activity that are closed, and how one is opened again.

A month is closed by what was handed out: the statement of the activity. No
second copy of that is kept.
"""
import datetime as dt
from collections import defaultdict

from sql.aggregate import Max
from sql.conditionals import Coalesce

from trytond.i18n import gettext
from trytond.model import (
    Index, ModelSQL, ModelView, Workflow, dualmethod, fields)
from trytond.modules.cae_members.query import fetch
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval
from trytond.transaction import Transaction, without_check_access

from ..exceptions import MonthClosedError, ReopeningError

in_ = fields.SQL_OPERATORS['in']


class Activity(metaclass=PoolMeta):
    __name__ = 'cae.activity'

    @classmethod
    def locked_until(cls, activities):
        """Return {activity id: last day of its closed months}.

        An activity without statement is not in it, so the shared services,
        the funds and what is to be assigned never are.
        """
        statement = Pool().get('cae.activity.statement').__table__()
        return dict(fetch(
                statement.select(
                    statement.activity, Max(statement.date).as_('date'),
                    where=in_(statement.activity, list(map(int, activities))),
                    group_by=statement.activity),
                [None, 'DATE']))

    @classmethod
    def locked(cls, postings):
        """Return {(activity id, date): last day of its closed months}.

        Of the pairs that may not be posted: a month that was opened again may,
        and what a closing itself posts in its month.
        """
        pool = Pool()
        Closing = pool.get('cae.closing')
        Reopening = pool.get('cae.activity.reopening')
        postings = set(postings)
        until = cls.locked_until({activity for activity, _ in postings})
        closing = Transaction().context.get('_cae_closing')
        if closing:
            period = Closing(closing).period
            postings = {
                (activity, date) for activity, date in postings
                if not period.start_date <= date <= period.end_date}
        postings = {
            (activity, date) for activity, date in postings
            if activity in until and date <= until[activity]}
        if not postings:
            return {}
        opened = defaultdict(list)
        with without_check_access():
            for reopening in Reopening.search([
                        ('activity', 'in', list({a for a, _ in postings})),
                        ('state', '=', 'open'),
                        ]):
                opened[reopening.activity.id].append(reopening.period)
        return {
            (activity, date): until[activity] for activity, date in postings
            if not any(
                p.start_date <= date <= p.end_date for p in opened[activity])}

    @classmethod
    def check_months(cls, postings):
        """Check that nothing is dated in a closed month of its activity.

        ``postings`` are (activity id, date, name of the document). The
        holders have their statement of the month (Code du travail,
        art. L7332-3).
        """
        postings = list(postings)
        locked = cls.locked((activity, date) for activity, date, _ in postings)
        for activity, date, document in postings:
            if until := locked.get((activity, date)):
                lang = Pool().get('ir.lang').get()
                raise MonthClosedError(gettext(
                        'cae_billing.msg_month_closed',
                        activity=cls(activity).rec_name,
                        document=document,
                        date=lang.strftime(date),
                        until=lang.strftime(until),
                        first=lang.strftime(until + dt.timedelta(days=1))))


class Reopening(Workflow, ModelSQL, ModelView):
    """A closed month of an activity in which something more is posted.

    Who opened it, when and why stays for ever: it is only closed again. The
    statement of the month does not change; the next one starts with what was
    posted meanwhile.
    """
    __name__ = 'cae.activity.reopening'
    __string__ = "Month Opened Again"
    company = fields.Many2One(
        'company.company', "Company", required=True,
        states={'readonly': Eval('id', -1) >= 0})
    activity = fields.Many2One(
        'cae.activity', "Activity", required=True, ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ('kind', '=', 'business'),
            ],
        states={'readonly': Eval('id', -1) >= 0})
    period = fields.Many2One(
        'account.period', "Month", required=True, ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ('type', '=', 'standard'),
            ],
        states={'readonly': Eval('id', -1) >= 0})
    reason = fields.Text(
        "Reason", required=True,
        states={'readonly': Eval('id', -1) >= 0},
        help="What must be posted in the month and cannot be dated later.")
    state = fields.Selection([
            ('open', "Open"),
            ('closed', "Closed"),
            ], "State", required=True, readonly=True, sort=False)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_indexes.add(
            Index(t, (t.activity, Index.Range()), (t.state, Index.Equality())))
        cls._order = [('id', 'DESC')]
        cls._transitions.add(('open', 'closed'))
        cls._buttons.update({
                'close': {
                    'invisible': Eval('state') != 'open',
                    'depends': ['state'],
                    },
                })

    @classmethod
    def default_company(cls):
        return Transaction().context.get('company')

    @classmethod
    def default_state(cls):
        return 'open'

    def get_rec_name(self, name):
        return f"{self.activity.rec_name} – {self.period.rec_name}"

    @classmethod
    def search_rec_name(cls, name, clause):
        return ['OR',
            ('activity.rec_name', *clause[1:]),
            ('period.rec_name', *clause[1:]),
            ]

    @classmethod
    def check_modification(cls, mode, reopenings, values=None, external=False):
        if mode == 'create':
            Activity = Pool().get('cae.activity')
            until = Activity.locked_until({r.activity for r in reopenings})
            for reopening in reopenings:
                date = until.get(reopening.activity.id)
                if not date or reopening.period.start_date > date:
                    raise ReopeningError(gettext(
                            'cae_billing.msg_reopening_not_closed',
                            reopening=reopening.rec_name))
        elif mode == 'delete' or external or values.keys() - {'state'}:
            for reopening in reopenings:
                raise ReopeningError(gettext(
                        'cae_billing.msg_reopening_kept',
                        reopening=reopening.rec_name))
        super().check_modification(
            mode, reopenings, values=values, external=external)

    @classmethod
    def copy(cls, reopenings, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('state', 'open')
        return super().copy(reopenings, default=default)

    @classmethod
    @ModelView.button
    @Workflow.transition('closed')
    def close(cls, reopenings):
        "Close the month again"


class Move(metaclass=PoolMeta):
    __name__ = 'account.move'

    @dualmethod
    @ModelView.button
    def post(cls, moves):
        Activity = Pool().get('cae.activity')
        Activity.check_months(cls._activity_dates(moves))
        super().post(moves)

    @classmethod
    def _activity_dates(cls, moves):
        "Yield (activity id, date, name) of what the moves put on activities"
        activity = Pool().get('cae.activity').__table__()
        accounts = {
            analytic_line.account.id
            for move in moves for line in move.lines
            for analytic_line in line.analytic_lines}
        activities = dict(fetch(
                activity.select(
                    activity.analytic_account, activity.id,
                    where=in_(activity.analytic_account, list(accounts))
                    & (activity.kind == 'business')),
                [None, None]))
        for move in moves:
            name = (
                move.origin.rec_name if move.origin
                else move.description or move.rec_name)
            for id_ in {
                    activities[analytic_line.account.id]
                    for line in move.lines
                    for analytic_line in line.analytic_lines
                    if analytic_line.account.id in activities}:
                yield id_, move.date, name

    def _cancel_default(self, reversal=False):
        """Date today what cancels a move of a closed month."""
        pool = Pool()
        Activity = pool.get('cae.activity')
        Date = pool.get('ir.date')
        Period = pool.get('account.period')
        default = super()._cancel_default(reversal=reversal)
        if 'date' not in default and Activity.locked(
                (activity, date)
                for activity, date, _ in self._activity_dates([self])):
            with Transaction().set_context(company=self.company.id):
                date = Date.today()
            default.update({
                    'date': date,
                    'period': Period.find(self.company, date=date).id,
                    })
        return default


class Invoice(metaclass=PoolMeta):
    __name__ = 'account.invoice'

    @classmethod
    def _check_activities(cls, invoices):
        """Refuse also what is dated in a closed month of its activity."""
        pool = Pool()
        Activity = pool.get('cae.activity')
        Date = pool.get('ir.date')
        super()._check_activities(invoices)

        def postings():
            for invoice in invoices:
                with Transaction().set_context(company=invoice.company.id):
                    date = (
                        invoice.accounting_date or invoice.invoice_date
                        or Date.today())
                for activity in {
                        line.activity for line in invoice.lines
                        if line.activity}:
                    yield activity.id, date, invoice.rec_name
        Activity.check_months(postings())


class Expense(metaclass=PoolMeta):
    __name__ = 'cae.expense'

    @classmethod
    @ModelView.button
    @Workflow.transition('submitted')
    def submit(cls, expenses):
        """Refuse sheets that are dated in a closed month.

        Later only the accounting may date them anew.
        """
        Activity = Pool().get('cae.activity')
        Activity.check_months(
            (activity.id, expense.date, expense.rec_name)
            for expense in expenses
            for activity in {line.activity for line in expense.lines})
        super().submit(expenses)


class Closing(metaclass=PoolMeta):
    __name__ = 'cae.closing'

    @classmethod
    def _checks(cls):
        return [
            *super()._checks(),
            ('locked', gettext('cae_billing.msg_check_locked')),
            ]

    @property
    def _work_context(self):
        # No client can send a name that starts so
        return {**super()._work_context, '_cae_closing': self.id}

    def _check_locked(self):
        """No analytic line is newer than the statement of its month.

        Unless the month was open again when the line was made.
        """
        pool = Pool()
        Reopening = pool.get('cae.activity.reopening')
        analytic = pool.get('analytic_account.line').__table__()
        line = pool.get('account.move.line').__table__()
        move = pool.get('account.move').__table__()
        activity = pool.get('cae.activity').__table__()
        statement = pool.get('cae.activity.statement').__table__()
        made = Coalesce(analytic.write_date, analytic.create_date)
        rows = fetch(analytic
            .join(line, condition=analytic.move_line == line.id)
            .join(move, condition=line.move == move.id)
            .join(activity,
                condition=analytic.account == activity.analytic_account)
            .join(statement,
                condition=(statement.activity == activity.id)
                & (statement.date >= move.date))
            .select(
                line.id, activity.id.as_('activity'), move.date.as_('date'),
                made.as_('made'),
                where=self._check_posted(move, self._year_start)
                & (made > statement.create_date),
                group_by=[line.id, activity.id, move.date, made]),
            [None, None, 'DATE', 'TIMESTAMP'])
        opened = defaultdict(list)
        if rows:
            for reopening in Reopening.search([
                        ('company', '=', self.company.id),
                        ]):
                opened[reopening.activity.id].append(reopening)
        wrong = {
            id_ for id_, activity, date, made in rows
            if not any(
                r.period.start_date <= date <= r.period.end_date
                and r.create_date <= made
                and (r.state == 'open' or made <= r.write_date)
                for r in opened[activity])}
        return self._check_value(
            not wrong, 'account.move.line', list(wrong),
            gettext('cae_billing.msg_check_locked_look'))
