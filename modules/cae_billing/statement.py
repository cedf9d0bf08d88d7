# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import datetime as dt
from collections import defaultdict
from decimal import Decimal

from sql.conditionals import Case, Coalesce

from trytond.i18n import gettext
from trytond.model import (
    Index, ModelSQL, ModelView, Unique, fields, sequence_ordered)
from trytond.modules.cae_members.model import CompanyCurrencyMixin
from trytond.modules.currency.fields import Monetary
from trytond.pool import Pool
from trytond.report import Report
from trytond.transaction import Transaction

from .exceptions import ClosingFrozenError

KINDS = [
    ('sale', "Sale"),
    ('purchase', "Purchase"),
    ('expense', "Expense Sheet"),
    ('fee', "Contribution"),
    ('internal', "Between Activities"),
    ('year_end', "Year End"),
    ('other', "Other"),
    ]


class Movement(ModelSQL, ModelView):
    """The ledger of an activity as its entrepreneur may read it.

    One row for each analytic line of a posted move; income is positive.
    """
    __name__ = 'cae.activity.movement'
    __string__ = "Movement of an Activity"
    activity = fields.Many2One('cae.activity', "Activity", readonly=True)
    company = fields.Many2One('company.company', "Company", readonly=True)
    currency = fields.Function(
        fields.Many2One('currency.currency', "Currency"), 'get_currency')
    date = fields.Date("Date", readonly=True)
    kind = fields.Selection(KINDS, "Kind", readonly=True, sort=False)
    kind_string = kind.translated('kind')
    description = fields.Char("Description", readonly=True)
    amount = Monetary(
        "Amount", currency='currency', digits='currency', readonly=True)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._order = [('date', 'ASC'), ('id', 'ASC')]

    @classmethod
    def get_currency(cls, movements, name):
        return {m.id: m.company.currency.id for m in movements}

    @classmethod
    def _kinds(cls):
        "Return the kind by the model of the document of an analytic line"
        return {'cae.fee': 'fee'}

    @classmethod
    def table_query(cls):
        pool = Pool()
        activity = pool.get('cae.activity').__table__()
        analytic = pool.get('analytic_account.line').__table__()
        line = pool.get('account.move.line').__table__()
        move = pool.get('account.move').__table__()
        journal = pool.get('account.journal').__table__()
        kind = Case(
            *((analytic.origin.like(f'{model},%'), value)
                for model, value in cls._kinds().items()),
            (journal.type == 'revenue', 'sale'),
            (journal.type == 'expense', 'purchase'),
            else_='other')
        return (analytic
            .join(line, condition=analytic.move_line == line.id)
            .join(move, condition=line.move == move.id)
            .join(journal, condition=move.journal == journal.id)
            .join(activity,
                condition=activity.analytic_account == analytic.account)
            .select(
                analytic.id.as_('id'),
                activity.id.as_('activity'),
                activity.company.as_('company'),
                move.date.as_('date'),
                kind.as_('kind'),
                Coalesce(
                    analytic.description, line.description, move.description,
                    move.number).as_('description'),
                (analytic.credit - analytic.debit).as_('amount'),
                where=move.state == 'posted'))


class Statement(CompanyCurrencyMixin, ModelSQL, ModelView):
    """What is handed to the holders of an activity for a month.

    The état des comptes of Code du travail, art. L7332-3: opening balance,
    every movement, closing balance; frozen when the month is closed. What was
    posted later in a month already closed stands first in the next one.
    """
    __name__ = 'cae.activity.statement'
    __string__ = "Account Statement"
    activity = fields.Many2One(
        'cae.activity', "Activity", required=True, readonly=True,
        ondelete='RESTRICT')
    company = fields.Many2One(
        'company.company', "Company", required=True, readonly=True)
    period = fields.Many2One(
        'account.period', "Month", required=True, readonly=True,
        ondelete='RESTRICT')
    date = fields.Date("Date", required=True, readonly=True)
    closing = fields.Many2One(
        'cae.closing', "Closing", readonly=True, ondelete='RESTRICT')
    holders = fields.Char("Holders", readonly=True)
    opening_balance = Monetary(
        "Opening Balance", currency='currency', digits='currency',
        required=True, readonly=True)
    closing_balance = Monetary(
        "Closing Balance", currency='currency', digits='currency',
        required=True, readonly=True)
    uncollected = Monetary(
        "Not Collected", currency='currency', digits='currency',
        required=True, readonly=True,
        help="The untaxed income that the customers have not paid yet.")
    lines = fields.One2Many(
        'cae.activity.statement.line', 'statement', "Lines", readonly=True)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('activity_period_unique', Unique(t, t.activity, t.period),
                'cae_billing.msg_statement_unique'),
            ]
        cls._sql_indexes.add(
            Index(t, (t.activity, Index.Range()), (t.date, Index.Range())))
        cls._order = [
            ('date', 'DESC'), ('activity', 'ASC'), ('id', None)]

    def get_rec_name(self, name):
        return f"{self.activity.rec_name} – {self.period.rec_name}"

    @classmethod
    def search_rec_name(cls, name, clause):
        return ['OR',
            ('activity.rec_name',) + tuple(clause[1:]),
            ('period.rec_name',) + tuple(clause[1:]),
            ]

    @property
    def collected_balance(self):
        return self.closing_balance - self.uncollected

    @property
    def totals(self):
        "The totals of the lines by kind: [(label, amount)]"
        totals = defaultdict(Decimal)
        for line in self.lines:
            totals[line.kind_string] += line.amount
        return list(totals.items())

    @property
    def company_lines(self):
        "The lines under the name of the company: address and identifier"
        party = self.company.party
        lines = []
        if address := party.address_get():
            lines.extend(address.full_address.splitlines())
        if party.tax_identifier:
            lines.append(party.tax_identifier.rec_name)
        return lines

    @classmethod
    def check_modification(cls, mode, statements, values=None, external=False):
        if mode in {'write', 'delete'}:
            for statement in statements:
                raise ClosingFrozenError(gettext(
                        'cae_billing.msg_statement_frozen',
                        statement=statement.rec_name))
        super().check_modification(
            mode, statements, values=values, external=external)

    @classmethod
    def make(cls, activities, period, closing=None):
        """Make the statements of the period of the activities lacking one."""
        pool = Pool()
        Activity = pool.get('cae.activity')
        Movement = pool.get('cae.activity.movement')
        ids = [a.id for a in activities]
        made = {s.activity for s in cls.search([
                    ('period', '=', period.id), ('activity', 'in', ids)])}
        activities = [a for a in activities if a not in made]
        if not activities:
            return []
        ids = [a.id for a in activities]
        before = period.start_date - dt.timedelta(days=1)
        ledger = Activity.results(activities, before)
        uncollected = Activity.uncollected(activities, period.end_date)
        previous = {s.activity.id: s.closing_balance for s in cls.search([
                    ('activity', 'in', ids),
                    ('date', '<=', before),
                    ], order=[('date', 'ASC')])}
        holders = Activity.holders_at(activities, period.end_date)
        lines = defaultdict(list)
        with Transaction().set_context(
                _record_cache_size=max(2000, 50 * len(ids))):
            for movement in Movement.search([
                        ('activity', 'in', ids),
                        ('date', '>=', period.start_date),
                        ('date', '<=', period.end_date),
                        ], order=[('date', 'ASC'), ('id', 'ASC')]):
                lines[movement.activity.id].append({
                        'date': movement.date,
                        'kind': movement.kind,
                        'description': movement.description,
                        'amount': movement.amount,
                        })
        to_create = []
        for activity in activities:
            opening = previous.get(activity.id, ledger[activity.id])
            rows = lines[activity.id]
            if late := ledger[activity.id] - opening:
                rows.insert(0, {
                        'date': period.start_date,
                        'kind': 'other',
                        'description': gettext(
                            'cae_billing.msg_statement_late'),
                        'amount': late,
                        })
            to_create.append({
                    'activity': activity.id,
                    'company': activity.company.id,
                    'period': period.id,
                    'date': period.end_date,
                    'closing': closing.id if closing else None,
                    'holders': ', '.join(
                        e.party.rec_name for e, _ in holders[activity.id]),
                    'opening_balance': opening,
                    'closing_balance': opening + sum(
                        r['amount'] for r in rows),
                    'uncollected': uncollected[activity.id],
                    'lines': [('create', [
                                {'sequence': i, **row}
                                for i, row in enumerate(rows, 1)])],
                    })
        return cls.create(to_create)


class StatementLine(sequence_ordered(), ModelSQL, ModelView):
    __name__ = 'cae.activity.statement.line'
    __string__ = "Account Statement Line"
    statement = fields.Many2One(
        'cae.activity.statement', "Statement", required=True, readonly=True,
        ondelete='CASCADE')
    date = fields.Date("Date", readonly=True)
    kind = fields.Selection(KINDS, "Kind", readonly=True, sort=False)
    kind_string = kind.translated('kind')
    description = fields.Char("Description", readonly=True)
    amount = fields.Numeric(
        "Amount", digits=(16, 2), required=True, readonly=True)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('statement')

    @classmethod
    def check_modification(cls, mode, lines, values=None, external=False):
        if mode in {'write', 'delete'}:
            for line in lines:
                raise ClosingFrozenError(gettext(
                        'cae_billing.msg_statement_frozen',
                        statement=line.statement.rec_name))
        super().check_modification(
            mode, lines, values=values, external=external)


class StatementReport(Report):
    __name__ = 'cae.activity.statement'
