# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""How far those whom the cooperative received came on the path."""
from decimal import Decimal

from sql import Literal, Null, Select, Union
from sql.aggregate import Count, Min, Sum
from sql.conditionals import Case, Coalesce

from trytond.model import ModelSQL, ModelView, fields
from trytond.pool import Pool
from trytond.pyson import Eval
from trytond.transaction import Transaction

from .model import YearContextMixin

# In the order of the path: who reached a step has reached those before
STEPS = [
    ('welcomed', "Welcomed"),
    ('interviewed', "First Interview"),
    ('accepted', "Accepted"),
    ('supported', "Supported"),
    ('cape', "Business Project Support"),
    ('employed', "Employed"),
    ('associate', "Associate"),
    ]
ASIDES = [
    ('refused', "Refused"),
    ('redirected', "Redirected"),
    ('left', "Left"),
    ]
RANKS = {step: rank for rank, (step, _) in enumerate(STEPS, start=1)}


class FunnelContext(YearContextMixin, ModelView):
    __name__ = 'cae.funnel.context'
    __string__ = "Funnel Context"

    company = fields.Many2One('company.company', "Company", required=True)
    date = fields.Date(
        "As of", required=True,
        help="Counts what happened until that day, whenever the people were "
        "received.")
    advisor = fields.Many2One(
        'company.employee', "Advisor",
        domain=[
            ('company', '=', Eval('company', -1)),
            ])
    branch = fields.Many2One(
        'cae.branch', "Branch",
        domain=[
            ('company', '=', Eval('company', -1)),
            ])
    prescriber = fields.Many2One(
        'party.party', "Prescriber",
        context={
            'company': Eval('company', -1),
            },
        depends={'company'})

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.from_date.help = "Counts the people first received from that day."
        cls.to_date.help = "Counts the people first received until that day."

    @classmethod
    def default_company(cls):
        return Transaction().context.get('company')

    @classmethod
    def default_date(cls):
        return Pool().get('ir.date').today()


class FunnelPerson(ModelSQL, ModelView):
    """The dated facts of the path of a person, with the step reached.

    The context chooses the people and the day until which facts count. The
    profitability of a project is no fact of it.
    """
    __name__ = 'cae.funnel.person'
    __string__ = "Path of a Person"

    company = fields.Many2One('company.company', "Company")
    entrepreneur = fields.Many2One('cae.entrepreneur', "Entrepreneur")
    advisor = fields.Many2One('company.employee', "Advisor")
    branch = fields.Many2One('cae.branch', "Branch")
    prescriber = fields.Many2One(
        'party.party', "Prescriber",
        context={
            'company': Eval('company', -1),
            },
        depends={'company'})
    session_date = fields.Date(
        "Information Session",
        help="When the person first attended an information session.")
    welcome_date = fields.Date("Welcome Date")
    interview_date = fields.Date(
        "First Interview",
        help="When the first individual interview was held.")
    accepted_date = fields.Date(
        "Accepted On", help="When the project was accepted.")
    contract_date = fields.Date(
        "First Contract",
        help="When the first contract of the path began, the support "
        "agreement for most.")
    cape_date = fields.Date(
        "First CAPE",
        help="When the first contract of business project support began.")
    employed_date = fields.Date(
        "First Employment",
        help="When the first employment contract began.")
    associate_date = fields.Date("Associate Since")
    rank = fields.Integer("Rank")
    step = fields.Selection(
        STEPS, "Step Reached", sort=False,
        help="The furthest step that the person reached.")
    aside = fields.Selection(
        [(None, "")] + ASIDES, "Left Aside", sort=False,
        help="Whether the person goes on no more.\n"
        "A refusal counts until a contract follows.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._order = [
            ('welcome_date', 'DESC'), ('entrepreneur', 'ASC'), ('id', None)]

    def get_rec_name(self, name):
        return self.entrepreneur.rec_name

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('entrepreneur.rec_name', *clause[1:])]

    @classmethod
    def table_query(cls):
        context = Transaction().context
        table = Pool().get('cae.entrepreneur').__table__()
        where = table.company == context.get('company')
        if from_date := context.get('from_date'):
            where &= table.welcome_date >= from_date
        if to_date := context.get('to_date'):
            where &= table.welcome_date <= to_date
        for name in ['advisor', 'branch', 'prescriber']:
            if value := context.get(name):
                where &= getattr(table, name) == value
        return cls.facts_query(
            table, where,
            context.get('date') or Pool().get('ir.date').today())

    @classmethod
    def facts_query(cls, table, where, date, entrepreneurs=None):
        """Return the query of the facts known at the date.

        `table` is that of the entrepreneurs and `where` a condition on it;
        `entrepreneurs` are the ids of a few, for whom it is quicker.
        """
        Entrepreneur = Pool().get('cae.entrepreneur')

        def few(column):
            if entrepreneurs is None:
                return Literal(1) == 1
            return fields.SQL_OPERATORS['in'](column, entrepreneurs)
        where &= few(table.id)
        session, interview, contract = (
            cls._sessions(date, few), cls._interviews(date, few),
            cls._contracts(date, few))

        def known(column, condition=Literal(True)):
            return Case((condition & (column <= date), column), else_=Null)
        from_entry = (
            (contract.date == Null) | (table.entry_date < contract.date))
        decided = (table.decision_date == Null) | (table.decision_date <= date)
        facts = table.join(
            session, 'LEFT', condition=session.entrepreneur == table.id
            ).join(
            interview, 'LEFT', condition=interview.entrepreneur == table.id
            ).join(
            contract, 'LEFT', condition=contract.entrepreneur == table.id
            ).select(
            table.id, table.company, table.advisor, table.branch,
            table.prescriber, table.welcome_date,
            session.date.as_('session_date'),
            interview.date.as_('interview_date'),
            known(table.decision_date, table.decision == 'accepted').as_(
                'accepted_date'),
            Case((from_entry, known(table.entry_date)),
                else_=contract.date).as_('contract_date'),
            contract.cape.as_('cape_date'),
            contract.employed.as_('employed_date'),
            known(Entrepreneur._associate_since(table)).as_('associate_date'),
            Case((decided & (table.decision != 'accepted'), table.decision),
                else_=Null).as_('refusal'),
            Case((table.exit_date < date, 'left'), else_=Null).as_('exit'),
            where=where & (table.welcome_date <= date))
        rank = Case(
            (facts.associate_date != Null, RANKS['associate']),
            (facts.employed_date != Null, RANKS['employed']),
            (facts.cape_date != Null, RANKS['cape']),
            (facts.contract_date != Null, RANKS['supported']),
            (facts.accepted_date != Null, RANKS['accepted']),
            (facts.interview_date != Null, RANKS['interviewed']),
            else_=RANKS['welcomed'])
        names = [
            'company', 'advisor', 'branch', 'prescriber', 'welcome_date',
            'session_date', 'interview_date', 'accepted_date',
            'contract_date', 'cape_date', 'employed_date', 'associate_date']
        ranked = facts.select(
            facts.id, facts.id.as_('entrepreneur'),
            *(getattr(facts, name) for name in names),
            rank.as_('rank'),
            Case(
                (rank <= RANKS['accepted'],
                    Coalesce(facts.refusal, facts.exit)),
                else_=facts.exit).as_('aside'))
        steps = [(ranked.rank == RANKS[step], step) for step, _ in STEPS]
        return ranked.select(
            ranked.id, ranked.entrepreneur, ranked.rank, ranked.aside,
            *(getattr(ranked, name) for name in names),
            Case(*steps).as_('step'))

    @classmethod
    def _sessions(cls, date, few):
        "Return the query of the first information session attended"
        pool = Pool()
        registration = pool.get('cae.workshop.registration').__table__()
        session = pool.get('cae.workshop.session').__table__()
        workshop = pool.get('cae.workshop').__table__()
        return registration.join(
            session, condition=registration.session == session.id
            ).join(workshop, condition=session.workshop == workshop.id
            ).select(
            registration.entrepreneur, Min(session.date).as_('date'),
            where=(registration.state == 'attended')
            & (workshop.kind == 'information')
            & (session.date <= date) & few(registration.entrepreneur),
            group_by=[registration.entrepreneur])

    @classmethod
    def _interviews(cls, date, few):
        "Return the query of the first individual interview held"
        held = Pool().get('cae.interview').held_query()
        return held.select(
            held.entrepreneur, Min(held.date).as_('date'),
            where=(held.date <= date) & few(held.entrepreneur),
            group_by=[held.entrepreneur])

    @classmethod
    def _contracts(cls, date, few):
        "Return the query of the first contracts of the path"
        pool = Pool()
        contract = pool.get('cae.contract').__table__()
        type_ = pool.get('cae.contract.type').__table__()
        start = contract.start_date
        return contract.join(
            type_, condition=contract.type == type_.id
            ).select(
            contract.entrepreneur, Min(start).as_('date'),
            Min(Case((type_.stage == 'cape', start), else_=Null)).as_('cape'),
            Min(Case((type_.stage == 'employed', start), else_=Null)).as_(
                'employed'),
            where=contract.state.in_(['signed', 'ended'])
            & (type_.stage != Null) & (start <= date)
            & few(contract.entrepreneur),
            group_by=[contract.entrepreneur])


class Funnel(ModelSQL, ModelView):
    """How many reached each step of the path, of those first received then.

    Reached are those who came to the step or further. They remain there, were
    left aside there, or reached the next one: the three add up.
    """
    __name__ = 'cae.funnel'
    __string__ = "Funnel"

    company = fields.Many2One('company.company', "Company")
    step = fields.Selection(STEPS, "Step", sort=False)
    step_string = step.translated('step')
    welcomed = fields.Integer("Welcomed")
    reached = fields.Integer(
        "Reached", help="How many came to the step or further.")
    remaining = fields.Integer(
        "Remaining", help="How many are at the step and go on.")
    refused = fields.Integer(
        "Refused", help="How many were refused at the step.")
    redirected = fields.Integer(
        "Redirected", help="How many were sent elsewhere at the step.")
    left = fields.Integer(
        "Left", help="How many left at the step.")
    share = fields.Function(fields.Numeric(
            "Share", digits=(5, 4),
            help="The share of the people welcomed who reached the step."),
        'get_share')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        # The id is the rank of the step
        cls._order = [('id', 'ASC')]

    @classmethod
    def table_query(cls):
        Person = Pool().get('cae.funnel.person')
        company = Transaction().context.get('company')
        person = Person.table_query()
        people = person.select(
            person.rank, person.aside, Count(person.id).as_('number'),
            group_by=[person.rank, person.aside])
        steps = Union(*[
                Select([
                        Literal(rank).as_('rank'),
                        cls.step.sql_cast(Literal(step)).as_('step'),
                        ])
                for step, rank in RANKS.items()], all_=True)

        def count(condition):
            return cls.reached.sql_cast(
                Coalesce(Sum(Case((condition, people.number), else_=0)), 0))
        here = people.rank == steps.rank
        return steps.join(people, 'LEFT', condition=Literal(1) == 1).select(
            steps.rank.as_('id'),
            cls.company.sql_cast(Literal(company)).as_('company'),
            steps.step,
            count(people.number != Null).as_('welcomed'),
            count(people.rank >= steps.rank).as_('reached'),
            count(here & (people.aside == Null)).as_('remaining'),
            *(count(here & (people.aside == aside)).as_(aside)
                for aside, _ in ASIDES),
            group_by=[steps.rank, steps.step])

    def get_rec_name(self, name):
        return self.step_string

    @classmethod
    def get_share(cls, funnel, name):
        return {
            f.id: (Decimal(f.reached) / f.welcomed).quantize(Decimal('.0001'))
            if f.welcomed else None
            for f in funnel}


class FunnelByMixin:
    "The funnel of those first received then, in a line for each origin"
    __slots__ = ()
    # The name of the field of the origin
    _by = None

    company = fields.Many2One('company.company', "Company")
    welcomed = fields.Integer("Welcomed")
    interviewed = fields.Integer("First Interview")
    accepted = fields.Integer("Accepted")
    supported = fields.Integer("Supported")
    cape = fields.Integer("Business Project Support")
    employed = fields.Integer("Employed")
    associate = fields.Integer("Associate")
    refused = fields.Integer("Refused")
    redirected = fields.Integer("Redirected")
    left = fields.Integer("Left")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._order = [('welcomed', 'DESC'), ('id', 'ASC')]

    def get_rec_name(self, name):
        by = getattr(self, self._by)
        return by.rec_name if by else ''

    @classmethod
    def search_rec_name(cls, name, clause):
        return [(f'{cls._by}.rec_name', *clause[1:])]

    @classmethod
    def table_query(cls):
        people = Pool().get('cae.funnel.person').table_query()
        by = getattr(people, cls._by)

        def count(condition):
            return Sum(Case((condition, 1), else_=0))
        return people.select(
            # 0 is no id
            (Coalesce(by, 0) + 1).as_('id'),
            people.company, by,
            *(count(people.rank >= rank).as_(step)
                for step, rank in RANKS.items()),
            *(count(people.aside == aside).as_(aside)
                for aside, _ in ASIDES),
            group_by=[people.company, by])


class FunnelPrescriber(FunnelByMixin, ModelSQL, ModelView):
    __name__ = 'cae.funnel.prescriber'
    __string__ = "Funnel by Prescriber"
    _by = 'prescriber'

    prescriber = fields.Many2One(
        'party.party', "Prescriber",
        context={
            'company': Eval('company', -1),
            },
        depends={'company'})


class FunnelBranch(FunnelByMixin, ModelSQL, ModelView):
    __name__ = 'cae.funnel.branch'
    __string__ = "Funnel by Branch"
    _by = 'branch'

    branch = fields.Many2One('cae.branch', "Branch")


class FunnelAdvisor(FunnelByMixin, ModelSQL, ModelView):
    __name__ = 'cae.funnel.advisor'
    __string__ = "Funnel by Advisor"
    _by = 'advisor'

    advisor = fields.Many2One('company.employee', "Advisor")
