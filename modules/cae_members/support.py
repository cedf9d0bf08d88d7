# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

import datetime as dt

from sql import Literal, Union
from sql.aggregate import Count, Min, Sum
from sql.conditionals import Coalesce
from sql.functions import DateTrunc, Extract

from trytond import backend
from trytond.i18n import gettext
from trytond.model import (
    DeactivableMixin, Index, ModelSQL, ModelView, Workflow, fields)
from trytond.pool import Pool
from trytond.pyson import Eval, If
from trytond.report import Report
from trytond.transaction import Transaction

from .exceptions import InterviewAccessError, InterviewError
from .model import ChangeableMixin, YearContextMixin


class InterviewKind(DeactivableMixin, ModelSQL, ModelView):
    "A kind of interview, as data of the cooperative"
    __name__ = 'cae.interview.kind'
    __string__ = "Interview Kind"

    name = fields.Char("Name", required=True, translate=True)
    individual = fields.Boolean(
        "Individual Interview",
        help="Check if interviews of this kind count for the two individual "
        "interviews a year that the cooperative owes to each entrepreneur "
        "(articles R7331-1 and following of the French labour code).")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._order.insert(0, ('name', 'ASC'))


class FundedAction(DeactivableMixin, ModelSQL, ModelView):
    "What a funder pays the cooperative to do for its entrepreneurs"
    __name__ = 'cae.funded_action'
    __string__ = "Funded Action"

    name = fields.Char("Name", required=True)
    company = fields.Many2One(
        'company.company', "Company", required=True, ondelete='RESTRICT',
        states={
            'readonly': Eval('id', -1) >= 0,
            })
    funder = fields.Many2One(
        'party.party', "Funder", ondelete='RESTRICT',
        context={
            'company': Eval('company', -1),
            },
        depends={'company'},
        help="Who pays for the action (financeur).")
    from_date = fields.Date(
        "From Date",
        domain=[
            If(Eval('from_date') & Eval('to_date'),
                ('from_date', '<=', Eval('to_date')),
                ()),
            ])
    to_date = fields.Date(
        "To Date",
        domain=[
            If(Eval('from_date') & Eval('to_date'),
                ('to_date', '>=', Eval('from_date')),
                ()),
            ])
    hours_planned = fields.TimeDelta(
        "Hours Planned",
        help="The hours of support, each person counted, that the funder "
        "expects.")
    hours_done = fields.Function(
        fields.TimeDelta(
            "Hours Done",
            help="The hours of the interviews held and of the sessions "
            "attended, each person counted."),
        'get_hours_done')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._order.insert(0, ('name', 'ASC'))

    @classmethod
    def default_company(cls):
        return Transaction().context.get('company')

    @classmethod
    def get_hours_done(cls, actions, name):
        pool = Pool()
        Hours = pool.get('cae.support.hours')
        cursor = Transaction().connection.cursor()
        with Transaction().set_context(from_date=None, to_date=None):
            hours = Hours.table_query()
        result = dict.fromkeys(map(int, actions), dt.timedelta())
        cursor.execute(*hours.select(
                hours.funded_action, Sum(hours.hours),
                where=fields.SQL_OPERATORS['in'](
                    hours.funded_action, list(result)),
                group_by=[hours.funded_action]))
        for id_, value in cursor:
            # SQLite knows no interval
            if not isinstance(value, dt.timedelta):
                value = dt.timedelta(seconds=value)
            result[id_] = value
        return result


class Interview(ChangeableMixin, Workflow, ModelSQL, ModelView):
    """A meeting of an advisor with one entrepreneur, or a few.

    The cooperative supports each entrepreneur personally, with two individual
    interviews a year at least (Code du travail, art. R7331-1 and following).
    """
    __name__ = 'cae.interview'
    __string__ = "Interview"

    _states = {
        'readonly': Eval('state') != 'planned',
        }

    company = fields.Many2One(
        'company.company', "Company", required=True, ondelete='RESTRICT',
        states=_states)
    entrepreneurs = fields.Many2Many(
        'cae.interview-cae.entrepreneur', 'interview', 'entrepreneur',
        "Entrepreneurs", required=True,
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        states=_states)
    participants = fields.Function(
        fields.Char("Participants"),
        'get_participants', searcher='search_participants')
    advisor = fields.Many2One(
        'company.employee', "Advisor", required=True, ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        states=_states,
        help="The employee who leads the interview (accompagnateur).")
    kind = fields.Many2One(
        'cae.interview.kind', "Kind", required=True, ondelete='RESTRICT',
        states=_states)
    mode = fields.Selection([
            ('person', "In Person"),
            ('remote', "Remote"),
            ('phone', "By Phone"),
            ], "Mode", required=True, sort=False, states=_states)
    mode_string = mode.translated('mode')
    date = fields.Date("Date", required=True, states=_states)
    time = fields.Time("Time", format='%H:%M', states=_states)
    duration = fields.TimeDelta(
        "Duration",
        domain=['OR',
            ('duration', '=', None),
            ('duration', '>', dt.timedelta()),
            ],
        states={
            'required': Eval('state') == 'held',
            **_states,
            })
    funded_action = fields.Many2One(
        'cae.funded_action', "Funded Action", ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        help="The action whose funder pays for the interview.")
    subject = fields.Char("Subject")
    decisions = fields.Text(
        "Decisions",
        help="What was said and decided; the entrepreneurs can read it.")
    next_steps = fields.Text(
        "Next Steps",
        help="What is to be done, and by whom.")
    next_date = fields.Date(
        "Due Date",
        help="When the next steps must be done.")
    state = fields.Selection([
            ('planned', "Planned"),
            ('held', "Held"),
            ('missed', "Missed"),
            ('cancelled', "Cancelled"),
            ], "State", required=True, readonly=True, sort=False)
    state_string = state.translated('state')

    del _states

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_indexes.update({
                Index(t, (t.company, Index.Range()), (t.date, Index.Range())),
                Index(t, (t.state, Index.Equality(cardinality='low')),
                    where=t.state == 'planned'),
                })
        cls._order = [('date', 'DESC'), ('time', 'DESC'), ('id', 'DESC')]
        cls._transitions |= {
            ('planned', 'held'),
            ('planned', 'missed'),
            ('planned', 'cancelled'),
            ('held', 'planned'),
            ('missed', 'planned'),
            ('cancelled', 'planned'),
            }
        cls._buttons.update({
                'hold': {
                    'invisible': Eval('state') != 'planned',
                    'depends': ['state'],
                    },
                'miss': {
                    'invisible': Eval('state') != 'planned',
                    'depends': ['state'],
                    },
                'cancel': {
                    'invisible': Eval('state') != 'planned',
                    'depends': ['state'],
                    },
                'plan': {
                    'invisible': Eval('state') == 'planned',
                    'depends': ['state'],
                    },
                })

    @classmethod
    def default_company(cls):
        return Transaction().context.get('company')

    @classmethod
    def default_advisor(cls):
        return Transaction().context.get('employee')

    @classmethod
    def default_mode(cls):
        return 'person'

    @classmethod
    def default_date(cls):
        return Pool().get('ir.date').today()

    @classmethod
    def default_state(cls):
        return 'planned'

    def get_rec_name(self, name):
        lang = Pool().get('ir.lang').get()
        return f'{lang.strftime(self.date)} – {self.kind.rec_name}'

    @classmethod
    def search_rec_name(cls, name, clause):
        _, operator, operand, *extra = clause
        if operator.startswith('!') or operator.startswith('not '):
            bool_op = 'AND'
        else:
            bool_op = 'OR'
        return [bool_op,
            ('subject', operator, operand, *extra),
            ('kind.name', operator, operand, *extra),
            ]

    @classmethod
    def get_participants(cls, interviews, name):
        # All that the entrepreneurs may know of those they met
        return {
            i.id: ', '.join(e.rec_name for e in i.entrepreneurs)
            for i in interviews}

    @classmethod
    def search_participants(cls, name, clause):
        return [('entrepreneurs.rec_name', *clause[1:])]

    @classmethod
    def held_query(cls):
        """Return the query of the individual interviews held.

        Its columns are entrepreneur, date and interview, with a row for each
        entrepreneur of an interview.
        """
        pool = Pool()
        kind = pool.get('cae.interview.kind').__table__()
        relation = pool.get('cae.interview-cae.entrepreneur').__table__()
        table = cls.__table__()
        return relation.join(
            table, condition=relation.interview == table.id
            ).join(kind, condition=table.kind == kind.id
            ).select(
            relation.entrepreneur, table.date, relation.interview,
            where=(table.state == 'held') & kind.individual)

    @classmethod
    def held(cls, entrepreneurs, start, end):
        """Return the dates of the individual interviews held in the period.

        The result is {entrepreneur id: [dates in order]}; both ends are in.
        """
        cursor = Transaction().connection.cursor()
        result = {int(e): [] for e in entrepreneurs}
        if not result:
            return result
        held = cls.held_query()
        cursor.execute(*held.select(
                held.entrepreneur, held.date,
                where=fields.SQL_OPERATORS['in'](
                    held.entrepreneur, list(result))
                & (held.date >= start)
                & (held.date <= end),
                order_by=[held.date, held.interview]))
        for id_, date in cursor:
            result[id_].append(date)
        return result

    @classmethod
    def check_modification(cls, mode, interviews, values=None, external=False):
        locked = {
            'company', 'entrepreneurs', 'advisor', 'kind', 'date', 'duration'}
        if mode == 'delete' or mode == 'write' and values.keys() & locked:
            for interview in interviews:
                if interview.state in {'held', 'missed'}:
                    raise InterviewAccessError(gettext(
                            'cae_members.msg_interview_modify',
                            interview=interview.rec_name))
        super().check_modification(
            mode, interviews, values=values, external=external)

    @classmethod
    def on_modification(cls, mode, interviews, field_names=None):
        Deadline = Pool().get('cae.deadline')
        super().on_modification(mode, interviews, field_names=field_names)
        if mode == 'write' and 'state' in field_names:
            Deadline.refresh(
                {e.id for i in interviews for e in i.entrepreneurs})

    @classmethod
    def copy(cls, interviews, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('decisions')
        default.setdefault('next_steps')
        default.setdefault('next_date')
        return super().copy(interviews, default=default)

    @classmethod
    @ModelView.button
    @Workflow.transition('held')
    def hold(cls, interviews):
        """Record that the interviews took place.

        Raise InterviewError when one lies ahead or lacks its duration.
        """
        cls._check_past(interviews)
        for interview in interviews:
            if not interview.duration:
                raise InterviewError(gettext(
                        'cae_members.msg_interview_no_duration',
                        interview=interview.rec_name))

    @classmethod
    @ModelView.button
    @Workflow.transition('missed')
    def miss(cls, interviews):
        """Record that the entrepreneurs did not come.

        Raise InterviewError when one lies ahead.
        """
        cls._check_past(interviews)

    @classmethod
    def _check_past(cls, interviews):
        today = Pool().get('ir.date').today()
        for interview in interviews:
            if interview.date > today:
                raise InterviewError(gettext(
                        'cae_members.msg_interview_future',
                        interview=interview.rec_name))

    @classmethod
    @ModelView.button
    @Workflow.transition('cancelled')
    def cancel(cls, interviews):
        "Cancel the interviews before they take place"

    @classmethod
    @ModelView.button
    @Workflow.transition('planned')
    def plan(cls, interviews):
        "Plan the interviews again, to correct what was recorded"


class InterviewEntrepreneur(ModelSQL):
    __name__ = 'cae.interview-cae.entrepreneur'
    __string__ = "Interview - Entrepreneur"

    interview = fields.Many2One(
        'cae.interview', "Interview", required=True, ondelete='CASCADE')
    entrepreneur = fields.Many2One(
        'cae.entrepreneur', "Entrepreneur", required=True,
        ondelete='RESTRICT')


class InterviewReport(Report):
    "What was said and decided (compte rendu d'entretien)"
    __name__ = 'cae.interview'

    @classmethod
    def get_context(cls, records, header, data):
        context = super().get_context(records, header, data)
        context['company_lines'] = company_lines
        return context


def company_lines(company):
    "Return the lines under the name of the company on a document"
    lines = []
    if address := company.party.address_get():
        lines.extend(address.full_address.splitlines())
    if company.party.tax_identifier:
        lines.append(company.party.tax_identifier.rec_name)
    return lines


class Hours(ModelSQL, ModelView):
    """The hours of support of each person by month and funded action.

    A row sums interviews held or sessions attended. Visitors of information
    sessions stand together, without entrepreneur. The month of a session is
    the one of its start in the time zone of the company.
    """
    __name__ = 'cae.support.hours'
    __string__ = "Hours of Support"

    company = fields.Many2One('company.company', "Company")
    entrepreneur = fields.Many2One('cae.entrepreneur', "Entrepreneur")
    month = fields.Date("Month")
    funded_action = fields.Many2One('cae.funded_action', "Funded Action")
    kind = fields.Selection('get_kinds', "Kind")
    number = fields.Integer(
        "Number", help="The number of interviews or of sessions.")
    hours = fields.TimeDelta("Hours")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._order = [
            ('month', 'DESC'), ('entrepreneur', 'ASC'), ('kind', 'ASC'),
            ('id', None)]

    @classmethod
    def get_kinds(cls):
        pool = Pool()
        Workshop = pool.get('cae.workshop')
        kinds = Workshop.fields_get(['kind'])['kind']['selection']
        return [('interview', gettext('cae_members.msg_interview'))] + kinds

    def get_rec_name(self, name):
        return ''

    @classmethod
    def table_query(cls):
        return Union(
            cls._interviews_query(), cls._sessions_query(), all_=True)

    @classmethod
    def _columns(cls, **columns):
        """Return the columns in the order that a union asks for.

        The two queries have even and odd ids.
        """
        return [
            columns[n].as_(n) for n in [
                'id', 'company', 'entrepreneur', 'month', 'funded_action',
                'kind', 'number', 'hours']]

    @classmethod
    def _period(cls, date):
        "Return the condition on the date that the context asks for"
        context = Transaction().context
        where = Literal(True)
        if from_date := context.get('from_date'):
            where &= date >= from_date
        if to_date := context.get('to_date'):
            where &= date <= to_date
        return where

    @classmethod
    def _interviews_query(cls):
        pool = Pool()
        interview = pool.get('cae.interview').__table__()
        relation = pool.get('cae.interview-cae.entrepreneur').__table__()
        month = cls.month.sql_cast(DateTrunc('month', interview.date))
        return interview.join(relation,
            condition=relation.interview == interview.id
            ).select(*cls._columns(
                id=Min(relation.id) * 2,
                company=interview.company,
                entrepreneur=relation.entrepreneur,
                month=month,
                funded_action=interview.funded_action,
                kind=Literal('interview'),
                number=Count(relation.id),
                hours=Sum(interview.duration)),
            where=(interview.state == 'held')
            & cls._period(interview.date),
            group_by=[
                interview.company, relation.entrepreneur, month.as_('month'),
                interview.funded_action])

    @classmethod
    def _sessions_query(cls):
        pool = Pool()
        workshop = pool.get('cae.workshop').__table__()
        session = pool.get('cae.workshop.session').__table__()
        registration = pool.get('cae.workshop.registration').__table__()
        start = Coalesce(registration.arrival, session.start)
        end = Coalesce(registration.leave, session.end)
        if backend.name == 'sqlite':
            # SQLite can't subtract moments
            start, end = Extract('EPOCH', start), Extract('EPOCH', end)
        month = cls.month.sql_cast(DateTrunc('month', session.date))
        return registration.join(session,
            condition=registration.session == session.id
            ).join(workshop, condition=session.workshop == workshop.id
            ).select(*cls._columns(
                id=Min(registration.id) * 2 + 1,
                company=workshop.company,
                entrepreneur=registration.entrepreneur,
                month=month,
                funded_action=workshop.funded_action,
                kind=workshop.kind,
                number=Count(registration.id),
                hours=Sum(end - start)),
            where=(registration.state == 'attended')
            & cls._period(session.date),
            group_by=[
                workshop.company, registration.entrepreneur,
                month.as_('month'), workshop.funded_action, workshop.kind])


class HoursContext(YearContextMixin, ModelView):
    __name__ = 'cae.support.hours.context'
    __string__ = "Hours of Support Context"
