# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""From the information session to the first contract."""
from sql import Literal, Null
from sql.aggregate import Max

from trytond.i18n import gettext
from trytond.model import ModelView, fields
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Bool, Eval, If
from trytond.tools import escape_wildcard
from trytond.transaction import Transaction
from trytond.wizard import (
    Button, StateAction, StateTransition, StateView, Wizard)

from .exceptions import WelcomeError
from .query import fetch

# The facts of the path that the entrepreneur shows
FACTS = {
    'session_date': 'session_date',
    'first_interview_date': 'interview_date',
    'first_contract_date': 'contract_date',
    'first_cape_date': 'cape_date',
    'first_employment_date': 'employed_date',
    }


def _id(record):
    return record.id if record else None


def opened(action, records):
    "Return the action on the records without its tabs, on the form for one"
    action['domains'] = []
    if len(records) == 1:
        action['views'].reverse()
    return action, {'res_id': [r.id for r in records]}


class Registration(metaclass=PoolMeta):
    __name__ = 'cae.workshop.registration'

    email = fields.Char(
        "E-Mail",
        states={
            'invisible': Eval('kind') != 'information',
            },
        help="The e-mail of a visitor who is no party yet.")
    phone = fields.Char(
        "Phone",
        states={
            'invisible': Eval('kind') != 'information',
            },
        help="The phone of a visitor who is no party yet.")
    prescriber = fields.Many2One(
        'party.party', "Prescriber", ondelete='RESTRICT',
        context={
            'company': Eval('company', -1),
            },
        states={
            'invisible': Eval('kind') != 'information',
            },
        depends={'company'},
        help="Who sent the visitor to the cooperative.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._buttons.update({
                'welcome': {
                    'invisible': (
                        (Eval('kind') != 'information')
                        | (Eval('state') != 'attended')
                        | Bool(Eval('entrepreneur'))),
                    'depends': ['kind', 'state', 'entrepreneur'],
                    },
                })

    @classmethod
    @ModelView.button_action('cae_members.wizard_welcome')
    def welcome(cls, registrations):
        pass


class Entrepreneur(metaclass=PoolMeta):
    __name__ = 'cae.entrepreneur'

    needs = fields.Text(
        "Support Needs",
        help="What the person needs of the cooperative to succeed: skills to "
        "acquire, contacts, equipment… The needs are recorded, the "
        "profitability is never scored.")
    session_date = fields.Function(
        fields.Date(
            "Information Session",
            help="When the person first attended an information session."),
        'get_facts')
    first_interview_date = fields.Function(
        fields.Date(
            "First Interview",
            help="When the first individual interview was held."),
        'get_facts')
    first_contract_date = fields.Function(
        fields.Date(
            "First Contract",
            help="When the first contract of the path began."),
        'get_facts')
    first_cape_date = fields.Function(
        fields.Date(
            "First CAPE",
            help="When the first contract of business project support "
            "began."),
        'get_facts')
    first_employment_date = fields.Function(
        fields.Date(
            "First Employment",
            help="When the first employment contract began."),
        'get_facts')
    last_interview_date = fields.Function(
        fields.Date(
            "Last Interview",
            help="When the last individual interview was held."),
        'get_last_interview_date', searcher='search_last_interview_date')
    in_directory = fields.Function(
        fields.Boolean(
            "In the Directory",
            help="Whether the person published their entry."),
        'get_in_directory', searcher='search_in_directory')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._buttons.update({
                'plan_first_interview': {
                    'invisible': (
                        Bool(Eval('decision')) | Bool(Eval('exit_date'))),
                    'depends': ['decision', 'exit_date'],
                    },
                'prepare_contract': {
                    'invisible': (
                        Eval('decision').in_(['refused', 'redirected'])
                        | Bool(Eval('exit_date'))),
                    'depends': ['decision', 'exit_date'],
                    },
                })

    @fields.depends('decision', 'decision_date')
    def on_change_decision(self):
        if self.decision and not self.decision_date:
            self.decision_date = Pool().get('ir.date').today()

    @classmethod
    def get_facts(cls, entrepreneurs, names):
        pool = Pool()
        Date = pool.get('ir.date')
        Person = pool.get('cae.funnel.person')
        ids = list(map(int, entrepreneurs))
        result = {name: dict.fromkeys(ids) for name in names}
        table = cls.__table__()
        facts = Person.facts_query(
            table, Literal(1) == 1, Date.today(), entrepreneurs=ids)
        query = facts.select(
            facts.id,
            *(getattr(facts, FACTS[name]).as_(name) for name in names))
        for id_, *dates in fetch(query, [None, *('DATE' for _ in names)]):
            for name, date in zip(names, dates):
                result[name][id_] = date
        return result

    @classmethod
    def _last_interviews(cls):
        "Return the query of the last individual interview held of each"
        held = Pool().get('cae.interview').held_query()
        return held.select(
            held.entrepreneur, Max(held.date).as_('date'),
            group_by=[held.entrepreneur])

    @classmethod
    def get_last_interview_date(cls, entrepreneurs, name):
        result = dict.fromkeys(map(int, entrepreneurs))
        last = cls._last_interviews()
        query = last.select(
            last.entrepreneur, last.date.as_('date'),
            where=fields.SQL_OPERATORS['in'](
                last.entrepreneur, list(result)))
        result.update(fetch(query, [None, 'DATE']))
        return result

    @classmethod
    def search_last_interview_date(cls, name, clause):
        _, operator, value = clause
        table = cls.__table__()
        last = cls._last_interviews()
        Operator = fields.SQL_OPERATORS[operator]
        return [('id', 'in', table.join(
                    last, 'LEFT', condition=last.entrepreneur == table.id
                    ).select(table.id, where=Operator(last.date, value)))]

    @classmethod
    def _published(cls):
        Entry = Pool().get('cae.directory.entry')
        entry = Entry.__table__()
        return entry.select(
            entry.entrepreneur, where=entry.consent_date != Null)

    @classmethod
    def get_in_directory(cls, entrepreneurs, name):
        cursor = Transaction().connection.cursor()
        result = dict.fromkeys(map(int, entrepreneurs), False)
        published = cls._published()
        cursor.execute(*published.select(published.entrepreneur,
                where=fields.SQL_OPERATORS['in'](
                    published.entrepreneur, list(result))))
        result.update((id_, True) for id_, in cursor)
        return result

    @classmethod
    def search_in_directory(cls, name, clause):
        _, operator, value = clause
        published = bool(value) == (operator == '=')
        return [('id', 'in' if published else 'not in', cls._published())]

    @classmethod
    @ModelView.button_action('cae_members.wizard_first_interview')
    def plan_first_interview(cls, entrepreneurs):
        pass

    @classmethod
    @ModelView.button_action('cae_members.wizard_prepare_contract')
    def prepare_contract(cls, entrepreneurs):
        pass


class Welcome(Wizard):
    """Make entrepreneurs of those who attended an information session.

    It reuses the parties that exist, makes the others, and does all or
    nothing.
    """
    __name__ = 'cae.welcome'
    start = StateView('cae.welcome.start', 'cae_members.welcome_start_form', [
            Button("Cancel", 'end', 'tryton-cancel'),
            Button("Welcome", 'create_', 'tryton-ok', default=True),
            ])
    create_ = StateTransition()
    open_ = StateAction('cae_members.act_entrepreneur_form')

    def _check(self, registrations):
        "Check that each registration is that of a visitor who attended"
        for registration in registrations:
            if (registration.kind != 'information'
                    or registration.state != 'attended'):
                raise WelcomeError(gettext(
                        'cae_members.msg_welcome_not_attended',
                        registration=registration.rec_name))
            if registration.entrepreneur:
                raise WelcomeError(gettext(
                        'cae_members.msg_welcome_twice',
                        name=registration.name))

    @classmethod
    def _similar(cls, registration):
        "Return the parties with the name or the e-mail of the visitor"
        Party = Pool().get('party.party')
        if registration.party:
            return []
        domain = ['OR',
            ('name', 'ilike', escape_wildcard(registration.visitor.strip())),
            ]
        if email := (registration.email or '').strip():
            domain.append(('contact_mechanisms', 'where', [
                        ('type', '=', 'email'),
                        ('value', 'ilike', escape_wildcard(email)),
                        ]))
        return Party.search(domain, limit=20)

    def default_start(self, fields):
        registrations = self.records
        self._check(registrations)
        lines = []
        for registration in registrations:
            similar = self._similar(registration)
            lines.append({
                    'registration': registration.id,
                    'name': registration.name,
                    'email': registration.email,
                    'known': bool(registration.party),
                    'similar': [p.id for p in similar],
                    'party': (
                        registration.party.id if registration.party else None),
                    'new': not registration.party and not similar,
                    })
        return {
            'company': registrations[0].company.id,
            'advisor': Transaction().context.get('employee'),
            'lines': lines,
            }

    def _parties(self):
        "Return {registration: party to use, None for a new one}"
        parties, seen = {}, {}
        for line in self.start.lines:
            registration, party = line.registration, line.party
            if bool(party) == bool(line.new):
                raise WelcomeError(gettext(
                        'cae_members.msg_welcome_similar',
                        name=registration.name))
            key = party or (
                registration.name.strip().casefold(),
                (registration.email or '').strip().casefold())
            if key in seen:
                raise WelcomeError(gettext(
                        'cae_members.msg_welcome_double',
                        name=registration.name))
            seen[key] = registration
            parties[registration] = party
        return parties

    @classmethod
    def _new_party(cls, registration):
        "Return the values of the party of the visitor"
        mechanisms = [
            {'type': type_, 'value': value.strip()}
            for type_, value in [
                ('email', registration.email), ('phone', registration.phone)]
            if value and value.strip()]
        return {
            'name': registration.visitor.strip(),
            'addresses': [('create', [{}])],
            'contact_mechanisms': [('create', mechanisms)],
            }

    def transition_create_(self):
        pool = Pool()
        Entrepreneur = pool.get('cae.entrepreneur')
        Party = pool.get('party.party')
        Registration = pool.get('cae.workshop.registration')
        parties = self._parties()
        self._check(parties)
        known = Entrepreneur.search([
                ('company', '=', self.start.company.id),
                ('party', 'in', [p.id for p in parties.values() if p]),
                ], limit=1)
        if known:
            entrepreneur, = known
            raise WelcomeError(gettext(
                    'cae_members.msg_welcome_twice',
                    name=entrepreneur.rec_name))
        new = [r for r, p in parties.items() if not p]
        parties.update(zip(new, Party.create(
                    [self._new_party(r) for r in new])))
        entrepreneurs = Entrepreneur.create([{
                    'company': self.start.company.id,
                    'party': party.id,
                    'welcome_date': registration.session.date,
                    'advisor': _id(self.start.advisor),
                    'branch': _id(self.start.branch),
                    'prescriber': _id(registration.prescriber),
                    } for registration, party in parties.items()])
        Registration.write(*sum((
                    [[registration], {'entrepreneur': entrepreneur.id}]
                    for registration, entrepreneur in zip(
                        parties, entrepreneurs)), []))
        self.start.entrepreneurs = entrepreneurs
        return 'open_'

    def do_open_(self, action):
        return opened(action, self.start.entrepreneurs)


class WelcomeStart(ModelView):
    __name__ = 'cae.welcome.start'
    __string__ = "Welcome"

    company = fields.Many2One(
        'company.company', "Company", readonly=True)
    advisor = fields.Many2One(
        'company.employee', "Advisor",
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        help="The employee who will support the people (accompagnateur).")
    branch = fields.Many2One(
        'cae.branch', "Branch",
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        help="Where the people are received (antenne).")
    lines = fields.One2Many('cae.welcome.line', None, "Visitors")
    entrepreneurs = fields.Many2Many(
        'cae.entrepreneur', None, None, "Entrepreneurs")


class WelcomeLine(ModelView):
    __name__ = 'cae.welcome.line'
    __string__ = "Visitor"

    registration = fields.Many2One(
        'cae.workshop.registration', "Registration", required=True,
        readonly=True)
    name = fields.Char("Name", readonly=True)
    email = fields.Char("E-Mail", readonly=True)
    known = fields.Boolean("Known", readonly=True)
    similar = fields.Many2Many(
        'party.party', None, None, "Similar Parties", readonly=True)
    party = fields.Many2One(
        'party.party', "Party",
        domain=[
            ('id', 'in', Eval('similar', [])),
            ],
        states={
            'readonly': Eval('known', False) | Eval('new', False),
            },
        help="The party who has the name or the e-mail of the visitor, if "
        "it is the same person.")
    new = fields.Boolean(
        "Another Person",
        states={
            'readonly': (
                Eval('known', False) | Bool(Eval('party'))
                | ~Eval('similar', [])),
            },
        help="Check to create a party for the visitor.")


class FirstInterview(Wizard):
    "Plan the first interview of an entrepreneur"
    __name__ = 'cae.entrepreneur.first_interview'
    start = StateView(
        'cae.entrepreneur.first_interview.start',
        'cae_members.first_interview_start_form', [
            Button("Cancel", 'end', 'tryton-cancel'),
            Button("Plan", 'plan', 'tryton-ok', default=True),
            ])
    plan = StateTransition()
    open_ = StateAction('cae_members.act_interview_form')

    def default_start(self, fields):
        pool = Pool()
        ModelData = pool.get('ir.model.data')
        entrepreneur = self.record
        try:
            kind = ModelData.get_id('cae_members', 'interview_kind_first')
        except KeyError:
            # The kinds are data that the cooperative may remove
            kind = None
        return {
            'company': entrepreneur.company.id,
            'advisor': (
                entrepreneur.advisor.id if entrepreneur.advisor
                else Transaction().context.get('employee')),
            'kind': kind,
            'mode': 'person',
            }

    def transition_plan(self):
        pool = Pool()
        Interview = pool.get('cae.interview')
        Lang = pool.get('ir.lang')
        interviews = Interview.search([
                ('entrepreneurs', '=', self.record.id),
                ('kind.individual', '=', True),
                ('state', 'in', ['planned', 'held']),
                ], limit=1)
        if interviews:
            interview, = interviews
            raise WelcomeError(gettext(
                    'cae_members.msg_first_interview_twice',
                    entrepreneur=self.record.rec_name,
                    date=Lang.get().strftime(interview.date)))
        self.start.interview, = Interview.create([{
                    'company': self.record.company.id,
                    'entrepreneurs': [('add', [self.record.id])],
                    'advisor': self.start.advisor.id,
                    'kind': self.start.kind.id,
                    'mode': self.start.mode,
                    'date': self.start.date,
                    'time': self.start.time,
                    }])
        return 'open_'

    def do_open_(self, action):
        return opened(action, [self.start.interview])


class FirstInterviewStart(ModelView):
    __name__ = 'cae.entrepreneur.first_interview.start'
    __string__ = "Plan First Interview"

    company = fields.Many2One('company.company', "Company", readonly=True)
    advisor = fields.Many2One(
        'company.employee', "Advisor", required=True,
        domain=[
            ('company', '=', Eval('company', -1)),
            ])
    kind = fields.Many2One(
        'cae.interview.kind', "Kind", required=True,
        domain=[
            ('individual', '=', True),
            ])
    date = fields.Date("Date", required=True)
    time = fields.Time("Time", format='%H:%M')
    mode = fields.Selection('get_modes', "Mode", required=True)
    interview = fields.Many2One('cae.interview', "Interview")

    @classmethod
    def get_modes(cls):
        Interview = Pool().get('cae.interview')
        return Interview.fields_get(['mode'])['mode']['selection']

    @classmethod
    def default_date(cls):
        return Pool().get('ir.date').today()


class PrepareContract(Wizard):
    "Prepare the next contract of the path of an entrepreneur"
    __name__ = 'cae.entrepreneur.prepare_contract'
    start = StateView(
        'cae.entrepreneur.prepare_contract.start',
        'cae_members.prepare_contract_start_form', [
            Button("Cancel", 'end', 'tryton-cancel'),
            Button("Prepare", 'prepare', 'tryton-ok', default=True),
            ])
    prepare = StateTransition()
    open_ = StateAction('cae_members.act_contract_form')

    @classmethod
    def _country(cls, company):
        "Return the ISO code of the country of the company"
        address = company.party.address_get()
        return address.country.code if address and address.country else None

    def default_start(self, fields):
        pool = Pool()
        Type = pool.get('cae.contract.type')
        Contract = pool.get('cae.contract')
        entrepreneur = self.record
        country = self._country(entrepreneur.company)
        # The path goes on from the furthest contract
        stages = ['candidate', 'cape', 'employed']
        reached = {c.stage for c in Contract.search([
                    ('entrepreneur', '=', entrepreneur.id),
                    ('state', 'in', ['signed', 'ended']),
                    ])} & set(stages)
        done = max((stages.index(s) + 1 for s in reached), default=0)
        types = Type.search([
                ('stage', 'in', stages[done:] or stages[-1:]),
                ('country_code', 'in', [country, None]) if country else (),
                ])
        types.sort(key=lambda t: (stages.index(t.stage), t.id))
        return {
            'type': types[0].id if types else None,
            'test': bool(types and types[0].test),
            'country': country,
            }

    def transition_prepare(self):
        pool = Pool()
        Contract = pool.get('cae.contract')
        entrepreneur = self.record
        contracts = Contract.search([
                ('entrepreneur', '=', entrepreneur.id),
                ('type.stage', '!=', None),
                ('state', '!=', 'cancelled'),
                ])
        if entrepreneur.decision != 'accepted' and not any(
                c.state in {'signed', 'ended'} for c in contracts):
            raise WelcomeError(gettext(
                    'cae_members.msg_prepare_contract_decision',
                    entrepreneur=entrepreneur.rec_name))
        for contract in contracts:
            if contract.state == 'draft':
                raise WelcomeError(gettext(
                        'cae_members.msg_prepare_contract_twice',
                        contract=contract.rec_name))
        contract = Contract(
            company=entrepreneur.company, entrepreneur=entrepreneur,
            type=self.start.type, start_date=self.start.start_date)
        if 'acceptance' in contract.on_change_with_asked():
            contract.acceptance_date = entrepreneur.decision_date
        if self.start.type.test:
            contract.plan_date = self.start.plan_date
        contract.on_change_start_date()
        contract.save()
        self.start.contract = contract
        return 'open_'

    def do_open_(self, action):
        return opened(action, [self.start.contract])


class PrepareContractStart(ModelView):
    __name__ = 'cae.entrepreneur.prepare_contract.start'
    __string__ = "Prepare Contract"

    country = fields.Char("Country")
    type = fields.Many2One(
        'cae.contract.type', "Type", required=True,
        domain=[
            ('stage', '!=', None),
            If(Eval('country'),
                ('country_code', 'in', [Eval('country'), None]),
                ()),
            ])
    start_date = fields.Date("Start Date", required=True)
    test = fields.Boolean("Test")
    plan_date = fields.Date(
        "Operational Plan",
        states={
            'required': Eval('test', False),
            'invisible': ~Eval('test', False),
            },
        help="When the operational plan was validated.")
    contract = fields.Many2One('cae.contract', "Contract")

    @classmethod
    def default_start_date(cls):
        return Pool().get('ir.date').today()

    @fields.depends('type')
    def on_change_with_test(self):
        return bool(self.type and self.type.test)
