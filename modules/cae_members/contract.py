# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

import datetime as dt
from collections import defaultdict
from itertools import groupby

from sql import Null
from sql.conditionals import Coalesce

from trytond.i18n import gettext
from trytond.model import (
    DeactivableMixin, Index, ModelSQL, ModelView, Unique, Workflow, fields)
from trytond.pool import Pool
from trytond.pyson import Bool, Eval
from trytond.transaction import Transaction, without_check_access

from . import delay
from .exceptions import (
    ContractAccessError, ContractError, ContractValidationError)
from .model import ChangeableMixin, next_numbers


class ContractType(DeactivableMixin, ModelSQL, ModelView):
    """What a kind of contract allows, as data of a country."""
    __name__ = 'cae.contract.type'
    __string__ = "Contract Type"

    name = fields.Char("Name", required=True, translate=True)
    code = fields.Char(
        "Code", required=True,
        help="The name by which rules refer to the type.")
    country_code = fields.Char(
        "Country", size=2,
        help="The ISO code of the country whose law defines the contract.")
    stage = fields.Selection([
            (None, ""),
            ('candidate', "Candidate"),
            ('cape', "Business Project Support"),
            ('employed', "Employed"),
            ], "Stage", sort=False,
        help="The stage of the entrepreneur while the contract runs.\n"
        "Leave empty for contracts outside the path, such as staff.")
    can_sell = fields.Boolean(
        "Can Sell",
        help="Check if the person may sell while the contract runs.")
    employment = fields.Boolean(
        "Employment",
        help="Check if it is an employment contract: an employee is opened "
        "when it is signed.")
    max_months = fields.Integer(
        "Maximum Months",
        domain=['OR',
            ('max_months', '=', None),
            ('max_months', '>', 0),
            ],
        help="The longest duration of one contract, as the 12 months of the "
        "CAPE (Code de commerce, art. L127-2) or the 18 months of the Belgian "
        "candidate agreement (AR of 15 June 2009).\n"
        "Leave empty for no limit.")
    max_article = fields.Char(
        "Article of the Duration",
        states={
            'invisible': ~Eval('max_months'),
            },
        help="The article that limits the duration and the renewals.")
    renewals = fields.Integer(
        "Renewals", required=True,
        domain=[('renewals', '>=', 0)],
        states={
            'invisible': ~Eval('max_months'),
            },
        help="How many times the contract may be renewed.")
    support_limits = fields.One2Many(
        'cae.contract.support_limit', 'type', "Limits of the Support",
        help="How long the support may last from the acceptance of the "
        "project, the contract included.")
    test = fields.Boolean(
        "Test",
        help="Check if it is a test in real conditions: it asks for the date "
        "of the acceptance and of a validated operational plan.")
    trial_months = fields.Integer(
        "Trial Months",
        domain=['OR',
            ('trial_months', '=', None),
            ('trial_months', '>=', 0),
            ],
        states={
            'invisible': ~Eval('employment'),
            },
        help="The longest trial, its renewal included: 8 months for a CESA "
        "(Code du travail, art. L7332-1); 0 when there may be none.\n"
        "Leave empty for no limit.")
    trial_article = fields.Char(
        "Article of the Trial",
        states={
            'invisible': ~Eval('employment'),
            },
        help="The article that limits the trial.")
    membership_months = fields.Integer(
        "Membership Months",
        domain=['OR',
            ('membership_months', '=', None),
            ('membership_months', '>', 0),
            ],
        help="The time in which the person must become an associate: 36 "
        "months for a CESA (Code du travail, art. L7331-3).\n"
        "Leave empty for no such duty.")
    deduct_former = fields.Boolean(
        "Deduct Former Contracts",
        help="Check if the time of the former contracts between the parties "
        "is taken off the trial and the membership months (Code du travail, "
        "art. L7331-3 and L7332-1).")
    interviews = fields.Integer(
        "Interviews a Year",
        domain=['OR',
            ('interviews', '=', None),
            ('interviews', '>', 0),
            ],
        help="How many individual interviews the cooperative owes to the "
        "person each year of the contract: 2 for a CESA (Code du travail, "
        "art. R7331-1 and following).")
    working_hours = fields.Boolean(
        "Working Hours",
        help="Check if the contract states the weekly hours of work (Code du "
        "travail, art. L3123-6).")
    clauses = fields.One2Many(
        'cae.contract.clause', 'type', "Clauses",
        help="What the written contract must or may contain.")
    description = fields.Text(
        "Description", translate=True,
        help="The rule of law behind the contract.")

    @classmethod
    def __setup__(cls):
        cls.code.search_unaccented = False
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('code_unique', Unique(t, t.code, t.country_code),
                'cae_members.msg_contract_type_code_unique'),
            ]
        cls._order.insert(0, ('country_code', 'ASC'))

    @classmethod
    def default_renewals(cls):
        return 0

    def support_limit(self, acceptance_date):
        "Return what limits the support accepted at the date, None if nothing"
        if acceptance_date:
            limit = Pool().get('cae.contract.support_limit').at(
                self.support_limits, acceptance_date)
            return limit if limit and limit.months else None

    def longest_end(self, start_date, acceptance_date=None):
        """Return the last day allowed, None if unlimited.

        It counts from the start date and, where the law limits the time from
        the acceptance of the project, from that: the earlier wins.
        """
        limit = self.support_limit(acceptance_date)
        return delay.latest_end(
            start_date, self.max_months,
            acceptance_date, limit.months if limit else None)


class Contract(ChangeableMixin, Workflow, ModelSQL, ModelView):
    """A dated agreement between the cooperative and a person.

    The person is an entrepreneur or, for staff only, any party. A signed
    contract can't be changed but for its end, what else changes is written in
    an amendment; at most one contract of the path and one employment contract
    of a person run at a time.
    """
    __name__ = 'cae.contract'
    __string__ = "Contract"
    _rec_name = 'number'

    _states = {
        'readonly': Eval('state') != 'draft',
        }

    number = fields.Char(
        "Number", readonly=True,
        help="Given when the contract is signed.")
    company = fields.Many2One(
        'company.company', "Company", required=True, ondelete='RESTRICT',
        states=_states)
    type = fields.Many2One(
        'cae.contract.type', "Type", required=True, ondelete='RESTRICT',
        states=_states)
    entrepreneur = fields.Many2One(
        'cae.entrepreneur', "Entrepreneur", ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        states={
            'readonly': _states['readonly'],
            'required': Bool(Eval('stage')) | ~Eval('party'),
            })
    party = fields.Many2One(
        'party.party', "Party", ondelete='RESTRICT',
        context={
            'company': Eval('company', -1),
            },
        states={
            'readonly': _states['readonly'],
            'invisible': (
                Bool(Eval('stage')) | Bool(Eval('entrepreneur'))),
            },
        depends={'company'},
        help="The member of the staff who is not an entrepreneur.")
    person = fields.Function(
        fields.Many2One(
            'party.party', "Person",
            context={
                'company': Eval('company', -1),
                },
            depends={'company'}),
        'on_change_with_person')
    stage = fields.Function(
        fields.Char("Stage"), 'on_change_with_stage')
    employment = fields.Function(
        fields.Boolean("Employment"), 'on_change_with_employment')
    asked = fields.Function(
        fields.MultiSelection([
                ('acceptance', "Acceptance"),
                ('test', "Test"),
                ('trial', "Trial"),
                ('working_hours', "Working Hours"),
                ('membership', "Membership"),
                ('renewal', "Renewal"),
                ], "Asked", sort=False,
            help="What the type of the contract asks for or allows."),
        'on_change_with_asked')
    acceptance_date = fields.Date(
        "Acceptance Date",
        states={
            'readonly': _states['readonly'],
            'required': Eval('asked', []).contains('test'),
            'invisible': ~Eval('asked', []).contains('acceptance'),
            },
        help="When the cooperative accepted the project.")
    plan_date = fields.Date(
        "Operational Plan",
        states={
            'readonly': _states['readonly'],
            'required': Eval('asked', []).contains('test'),
            'invisible': ~Eval('asked', []).contains('test'),
            },
        help="When the operational plan was validated: the test begins only "
        "then.")
    start_date = fields.Date("Start Date", required=True, states=_states)
    end_date = fields.Date(
        "End Date",
        states={
            'readonly': Eval('state').in_(['ended', 'cancelled']),
            },
        help="The last day of the contract.\n"
        "Leave empty for a permanent contract.")
    end_reason = fields.Selection([
            (None, ""),
            ('term', "End of the Term"),
            ('next', "Followed by Another Contract"),
            ('trial', "During the Trial"),
            ('resignation', "Resignation"),
            ('agreement', "Mutual Agreement"),
            ('dismissal', "Dismissal"),
            ('not_associate', "Not Associate in Time"),
            ('other', "Other"),
            ], "End Reason", sort=False,
        states={
            'readonly': Eval('state').in_(['ended', 'cancelled']),
            'invisible': ~Eval('end_date'),
            },
        help="Why the contract ends.")
    end_reason_string = end_reason.translated('end_reason')
    limit_date = fields.Function(
        fields.Date(
            "Latest End",
            states={
                'invisible': ~Eval('limit_date'),
                },
            help="The last day that the law allows."),
        'on_change_with_limit_date')
    trial_end = fields.Date(
        "Trial End",
        states={
            'readonly': _states['readonly'],
            'invisible': ~Eval('asked', []).contains('trial'),
            },
        help="The last day of the trial, its renewal included.\n"
        "Leave empty for no trial.")
    trial_limit = fields.Function(
        fields.Date(
            "Latest Trial End",
            states={
                'invisible': ~Eval('asked', []).contains('trial'),
                },
            help="The last day that the law allows for the trial, less the "
            "former contracts.\n"
            "Empty if there may be no trial or if it has no limit."),
        'get_delays')
    membership_deadline = fields.Function(
        fields.Date(
            "Membership Deadline",
            states={
                'invisible': ~Eval('asked', []).contains('membership'),
                },
            help="The day the contract ends if the person is no associate by "
            "then."),
        'get_delays')
    working_hours = fields.Numeric(
        "Weekly Hours", digits=(16, 2),
        domain=['OR',
            ('working_hours', '=', None),
            ('working_hours', '>', 0),
            ],
        states={
            'readonly': _states['readonly'],
            'required': Eval('asked', []).contains('working_hours'),
            'invisible': ~Eval('asked', []).contains('working_hours'),
            },
        help="The hours of work a week that the contract states.")
    renewal_of = fields.Many2One(
        'cae.contract', "Renewal of", ondelete='RESTRICT', readonly=True,
        domain=[
            ('entrepreneur', '=', Eval('entrepreneur', -1)),
            ('type', '=', Eval('type', -1)),
            ],
        states={
            'invisible': ~Eval('asked', []).contains('renewal'),
            },
        help="The contract that this one renews.")
    renewal_number = fields.Function(
        fields.Integer(
            "Renewal",
            states={
                'invisible': ~Eval('asked', []).contains('renewal'),
                },
            help="How many times the contract was renewed with this one."),
        'get_renewal_number')
    clauses = fields.One2Many(
        'cae.contract.clause.text', 'contract', "Clauses", states=_states,
        help="What the written contract says, clause by clause.")
    amendments = fields.One2Many(
        'cae.contract.amendment', 'contract', "Amendments",
        states={
            'readonly': Eval('state') != 'signed',
            'invisible': Eval('state') == 'draft',
            },
        help="What the parties changed after the signature.")
    employee = fields.Many2One(
        'company.employee', "Employee", ondelete='RESTRICT', readonly=True,
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        help="The employee of the employment contract.")
    supervisor = fields.Function(
        fields.Many2One(
            'company.employee', "Supervisor",
            domain=[
                ('company', '=', Eval('company', -1)),
                ],
            states={
                'invisible': ~Eval('employment'),
                'readonly': Eval('state') != 'signed',
                },
            help="Who oversees the employee: the advisor, unless another one "
            "is chosen once the contract is signed."),
        'get_supervisor', setter='set_supervisor')
    state = fields.Selection([
            ('draft', "Draft"),
            ('signed', "Signed"),
            ('ended', "Ended"),
            ('cancelled', "Cancelled"),
            ], "State", required=True, readonly=True, sort=False)

    del _states

    @classmethod
    def __setup__(cls):
        cls.number.search_unaccented = False
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('number_unique', Unique(t, t.company, t.number),
                'cae_members.msg_contract_number_unique'),
            ]
        cls._sql_indexes.update({
                Index(t,
                    (t.entrepreneur, Index.Range()),
                    (t.start_date, Index.Range())),
                Index(t, (t.company, Index.Range())),
                Index(t, (t.employee, Index.Range()),
                    where=t.employee != Null),
                Index(t, (t.state, Index.Equality(cardinality='low')),
                    where=t.state.in_(['draft', 'signed'])),
                })
        cls._order = [('start_date', 'DESC'), ('id', 'DESC')]
        cls._transitions |= {
            ('draft', 'signed'),
            ('draft', 'cancelled'),
            ('signed', 'ended'),
            ('signed', 'cancelled'),
            }
        cls._buttons.update({
                'confirm_clauses': {
                    'invisible': (
                        (Eval('state') != 'draft') | ~Eval('clauses')),
                    'depends': ['state', 'clauses'],
                    },
                'sign': {
                    'invisible': Eval('state') != 'draft',
                    'depends': ['state'],
                    },
                'renew': {
                    'invisible': (
                        ~Eval('state').in_(['signed', 'ended'])
                        | ~Eval('asked', []).contains('renewal')),
                    'depends': ['state', 'asked'],
                    },
                'amend': {
                    'invisible': Eval('state') != 'signed',
                    'depends': ['state'],
                    },
                'end': {
                    'invisible': Eval('state') != 'signed',
                    'depends': ['state'],
                    },
                'cancel': {
                    'invisible': ~Eval('state').in_(['draft', 'signed']),
                    'depends': ['state'],
                    },
                })

    @classmethod
    def default_company(cls):
        return Transaction().context.get('company')

    @classmethod
    def default_state(cls):
        return 'draft'

    @fields.depends('entrepreneur', '_parent_entrepreneur.party', 'party')
    def on_change_with_person(self, name=None):
        return self.entrepreneur.party if self.entrepreneur else self.party

    @fields.depends('type')
    def on_change_with_stage(self, name=None):
        return self.type.stage if self.type else None

    @fields.depends('type')
    def on_change_with_employment(self, name=None):
        return bool(self.type and self.type.employment)

    @fields.depends('type')
    def on_change_with_asked(self, name=None):
        type_ = self.type
        if not type_:
            return []
        return [name for name, asked in [
                ('acceptance', type_.support_limits or type_.test),
                ('test', type_.test),
                ('trial', type_.employment and type_.trial_months != 0),
                ('working_hours', type_.working_hours),
                ('membership', type_.membership_months),
                ('renewal', type_.max_months and type_.renewals),
                ] if asked]

    @fields.depends('type', 'start_date', 'acceptance_date')
    def on_change_with_limit_date(self, name=None):
        if self.type and self.start_date:
            return self.type.longest_end(
                self.start_date, self.acceptance_date)

    @fields.depends(
        'type', 'start_date', methods=['on_change_with_limit_date'])
    def on_change_start_date(self):
        if self.type and self.start_date:
            self.end_date = self.on_change_with_limit_date()

    @fields.depends(methods=['on_change_start_date'])
    def on_change_acceptance_date(self):
        self.on_change_start_date()

    @fields.depends(
        'type', 'clauses', 'company',
        methods=['on_change_start_date', 'on_change_with_person'])
    def on_change_type(self):
        pool = Pool()
        Text = pool.get('cae.contract.clause.text')
        self.on_change_start_date()
        if self.type:
            self.clauses = [
                Text(**values) for values in Text.standard(
                    self.type, self._language)]

    @property
    def _language(self):
        "The language of the person or else of the cooperative"
        person = self.on_change_with_person()
        language = person.lang if person else None
        if not language and self.company:
            language = self.company.party.lang
        return language

    @classmethod
    def get_delays(cls, contracts, names):
        """Return the delays that the former contracts shorten.

        They are the last day allowed for the trial (Code du travail, art.
        L7332-1) and the day on which the contract of who is no associate
        ends (art. L7331-3).
        """
        former = cls.former_periods(contracts)
        result = {name: {} for name in names}
        for contract in contracts:
            type_, start = contract.type, contract.start_date
            periods = former[contract.id] if type_.deduct_former else []
            for name in names:
                date = None
                if name == 'trial_limit':
                    if type_.employment and type_.trial_months is not None:
                        date = delay.trial_end(
                            start, type_.trial_months, periods)
                elif type_.membership_months:
                    date = delay.membership_deadline(
                        start, type_.membership_months, periods)
                result[name][contract.id] = date
        return result

    @classmethod
    def former(cls, contracts):
        """Return {id: the contracts between the same parties before it}.

        Signed and ended contracts count, whatever their type, in the order
        of their start.
        """
        with without_check_access():
            contracts = cls.browse(contracts)
            others = cls.search([
                    ('company', 'in', list({c.company.id for c in contracts})),
                    ('state', 'in', ['signed', 'ended']),
                    ['OR',
                        ('entrepreneur', 'in', list({
                                    c.entrepreneur.id for c in contracts
                                    if c.entrepreneur})),
                        ('party', 'in', list({
                                    c.person.id for c in contracts})),
                        ],
                    ],
                order=[('start_date', 'ASC'), ('id', 'ASC')])
            by_parties = defaultdict(list)
            for other in others:
                by_parties[other.company, other.person].append(other)
            return {
                c.id: [
                    o for o in by_parties[c.company, c.person]
                    if o != c and o.start_date < c.start_date]
                for c in contracts}

    @classmethod
    def former_periods(cls, contracts):
        "Return {id: periods of the former contracts} as delay.py takes them"
        starts = {c.id: c.start_date for c in contracts}
        return {
            id_: [(o.start_date, o.end_date or starts[id_]) for o in others]
            for id_, others in cls.former(contracts).items()}

    @classmethod
    def get_supervisor(cls, contracts, name):
        result = {}
        for contract in contracts:
            supervisor = None
            if contract.employee:
                supervisor = contract.employee.supervisor
            elif contract.employment and contract.entrepreneur:
                supervisor = contract.entrepreneur.advisor
            result[contract.id] = supervisor.id if supervisor else None
        return result

    @classmethod
    def set_supervisor(cls, contracts, name, value):
        Employee = Pool().get('company.employee')
        with without_check_access():
            Employee.write([c.employee for c in contracts if c.employee], {
                    'supervisor': value,
                    })

    @classmethod
    def get_renewal_number(cls, contracts, name):
        numbers = cls.renewal_numbers(contracts)
        return {c.id: numbers.get(c.id) for c in contracts}

    def get_rec_name(self, name):
        return ' - '.join(filter(None, [
                    self.number or f'({self.id})',
                    self.type.name,
                    self.person.rec_name]))

    @classmethod
    def search_rec_name(cls, name, clause):
        _, operator, operand, *extra = clause
        if operator.startswith('!') or operator.startswith('not '):
            bool_op = 'AND'
        else:
            bool_op = 'OR'
        return [bool_op,
            ('number', operator, operand, *extra),
            ('entrepreneur.rec_name', operator, operand, *extra),
            ('party.rec_name', operator, operand, *extra),
            ]

    @classmethod
    def _covers(cls, table, date):
        "Return the SQL condition of the contracts in force at the date"
        return (table.state.in_(['signed', 'ended'])
            & (table.start_date <= date)
            & ((table.end_date == Null) | (table.end_date >= date)))

    @classmethod
    def at(cls, entrepreneurs, date):
        """Return {entrepreneur id: contracts that cover the date}.

        Signed and ended contracts count, in the order of their start.
        """
        result = {int(e): [] for e in entrepreneurs}
        with without_check_access():
            contracts = cls.search([
                    ('entrepreneur', 'in', list(result)),
                    ('state', 'in', ['signed', 'ended']),
                    ('start_date', '<=', date),
                    ['OR',
                        ('end_date', '=', None),
                        ('end_date', '>=', date),
                        ],
                    ],
                order=[('start_date', 'ASC'), ('id', 'ASC')])
            for contract in contracts:
                result[contract.entrepreneur.id].append(contract)
        return result

    @classmethod
    def validate_fields(cls, contracts, field_names):
        super().validate_fields(contracts, field_names)
        cls.check_dates(contracts, field_names)
        cls.check_trial(contracts, field_names)
        if field_names is None or field_names & {
                'state', 'type', 'entrepreneur', 'start_date', 'end_date'}:
            running = [c for c in contracts if c.state in {'signed', 'ended'}]
            cls.check_exit(running)
            cls.check_overlap(running)
            cls.check_renewals(running)

    @classmethod
    def check_dates(cls, contracts, field_names=None):
        """Check the order of the dates and the longest duration.

        The months of the contract and those from the acceptance of the
        project limit it both.
        """
        if field_names and not (
                field_names & {
                    'state', 'type', 'start_date', 'end_date',
                    'acceptance_date', 'plan_date'}):
            return
        for contract in contracts:
            if contract.state == 'cancelled':
                continue
            end_date = contract.end_date
            if end_date and end_date < contract.start_date:
                raise ContractValidationError(gettext(
                        'cae_members.msg_contract_end_before_start',
                        contract=contract.rec_name))
            cls._check_test(contract)
            type_ = contract.type
            limit = type_.longest_end(
                contract.start_date, contract.acceptance_date)
            if limit and (
                    end_date > limit if end_date
                    else contract.state == 'signed'):
                if type_.longest_end(contract.start_date) == limit:
                    message = 'cae_members.msg_contract_too_long'
                    months, article = type_.max_months, type_.max_article
                else:
                    message = 'cae_members.msg_contract_acceptance_too_long'
                    support = type_.support_limit(contract.acceptance_date)
                    months, article = support.months, support.source
                raise ContractValidationError(gettext(message,
                        contract=contract.rec_name,
                        type=type_.rec_name,
                        months=months,
                        article=cls._format_article(article),
                        date=cls._format_date(limit)))

    @classmethod
    def _check_test(cls, contract):
        "Check that a test follows the acceptance and the operational plan"
        if not contract.type.test:
            return
        for name in ['acceptance_date', 'plan_date']:
            date = getattr(contract, name)
            if date and date > contract.start_date:
                raise ContractValidationError(gettext(
                        'cae_members.msg_contract_test_too_early',
                        contract=contract.rec_name,
                        date=cls._format_date(date),
                        **cls.__names__(name)))

    @classmethod
    def check_trial(cls, contracts, field_names=None):
        """Check that the trial lasts no longer than allowed.

        The time of the former contracts between the parties is taken off
        (Code du travail, art. L7332-1).
        """
        if field_names and not (
                field_names & {
                    'state', 'type', 'entrepreneur', 'start_date',
                    'trial_end'}):
            return
        contracts = [
            c for c in contracts if c.trial_end and c.state != 'cancelled'
            and not (c.type.employment and c.type.trial_months is None)]
        if not contracts:
            return
        limits = cls.get_delays(contracts, ['trial_limit'])['trial_limit']
        for contract in contracts:
            limit = limits[contract.id]
            if limit and contract.start_date <= contract.trial_end <= limit:
                continue
            raise ContractValidationError(gettext(
                    'cae_members.msg_contract_trial_too_long' if limit
                    else 'cae_members.msg_contract_no_trial',
                    contract=contract.rec_name,
                    months=contract.type.trial_months,
                    article=cls._format_article(contract.type.trial_article),
                    start=cls._format_date(contract.start_date),
                    date=limit and cls._format_date(limit)))

    @classmethod
    def _format_article(cls, article):
        return f' ({article})' if article else ''

    @classmethod
    def _format_date(cls, date):
        Lang = Pool().get('ir.lang')
        return Lang.get().strftime(date)

    @classmethod
    def check_exit(cls, contracts):
        "Check that no contract runs after the exit of its entrepreneur"
        for contract in contracts:
            entrepreneur = contract.entrepreneur
            if (entrepreneur
                    and entrepreneur.exit_date
                    and (not contract.end_date
                        or contract.end_date > entrepreneur.exit_date)):
                raise ContractValidationError(gettext(
                        'cae_members.msg_contract_after_exit',
                        contract=contract.rec_name,
                        entrepreneur=entrepreneur.rec_name,
                        date=cls._format_date(entrepreneur.exit_date)))

    @classmethod
    def check_overlap(cls, contracts):
        """Check that no contract runs at the same time as one it excludes.

        Two contracts of the path exclude each other, and so do two
        employment contracts.
        """
        pool = Pool()
        ContractType = pool.get('cae.contract.type')
        if not contracts:
            return
        cursor = Transaction().connection.cursor()
        contract, other = cls.__table__(), cls.__table__()
        type_, other_type = ContractType.__table__(), ContractType.__table__()
        cursor.execute(*contract.join(
                type_, condition=contract.type == type_.id
                ).join(other,
                condition=(contract.id != other.id)
                & (contract.company == other.company)
                & ((contract.entrepreneur == other.entrepreneur)
                    | (contract.party == other.party))
                ).join(
                other_type, condition=other.type == other_type.id
                ).select(contract.id, other.id,
                where=fields.SQL_OPERATORS['in'](
                    contract.id, [c.id for c in contracts])
                & other.state.in_(['signed', 'ended'])
                & (((type_.stage != Null) & (other_type.stage != Null))
                    | (type_.employment & other_type.employment))
                & ((contract.end_date == Null)
                    | (other.start_date <= contract.end_date))
                & ((other.end_date == Null)
                    | (other.end_date >= contract.start_date)),
                limit=1))
        if row := cursor.fetchone():
            contract, other = cls.browse(row)
            raise ContractValidationError(gettext(
                    'cae_members.msg_contract_overlap',
                    contract=contract.rec_name,
                    other=other.rec_name))

    @classmethod
    def check_renewals(cls, contracts):
        """Check that limited contracts are not renewed too many times.

        A CAPE is renewed at most twice (Code de commerce, art. L127-2).
        """
        for contract, number in cls._renewals(contracts):
            if (number > contract.type.renewals
                    and contract.state in {'signed', 'ended'}):
                raise ContractValidationError(
                    cls._renewals_message(contract))

    @classmethod
    def _renewals_message(cls, contract):
        type_ = contract.type
        return gettext(
            'cae_members.msg_contract_renewals',
            contract=contract.rec_name,
            entrepreneur=contract.entrepreneur.rec_name,
            type=type_.rec_name,
            renewals=type_.renewals,
            article=cls._format_article(type_.max_article))

    @classmethod
    def renewal_numbers(cls, contracts):
        "Return {id: number of the renewal}, 0 when it renews none"
        return {c.id: number for c, number in cls._renewals(contracts)}

    @classmethod
    def _renewals(cls, contracts):
        """Return each contract with how many times it was renewed.

        The other limited contracts of the same persons come with them. A
        contract renews the one of the same type that ended the day before,
        and the one it was made from.
        """
        contracts = [
            c for c in contracts if c.entrepreneur and c.type.max_months]
        if not contracts:
            return []
        with without_check_access():
            others = cls.search([
                    ('entrepreneur', 'in', list({
                                c.entrepreneur.id for c in contracts})),
                    ('type', 'in', list({c.type.id for c in contracts})),
                    ('state', 'in', ['signed', 'ended']),
                    ], order=[])

        def key(contract):
            return contract.entrepreneur.id, contract.type.id
        result = []
        for _, group in groupby(
                sorted(
                    {*contracts, *others},
                    key=lambda c: (*key(c), c.start_date, c.id)),
                key=key):
            previous, number = None, 0
            for contract in group:
                if previous and (
                        contract.renewal_of == previous
                        or previous.end_date
                        and contract.start_date
                        <= previous.end_date + delay.DAY):
                    number += 1
                else:
                    number = 0
                result.append((contract, number))
                previous = contract
        return result

    @classmethod
    def check_modification(
            cls, mode, contracts, values=None, external=False):
        if mode == 'delete':
            for contract in contracts:
                if contract.state not in {'draft', 'cancelled'}:
                    raise ContractAccessError(gettext(
                            'cae_members.msg_contract_delete',
                            contract=contract.rec_name))
        elif mode == 'write':
            locked = values.keys() & {
                'company', 'type', 'entrepreneur', 'party', 'start_date',
                'acceptance_date', 'plan_date', 'trial_end', 'working_hours',
                'renewal_of'}
            for contract in contracts:
                if (locked and contract.state != 'draft'
                        or values.keys() & {'end_date', 'end_reason'}
                        and contract.state in {'ended', 'cancelled'}):
                    raise ContractAccessError(gettext(
                            'cae_members.msg_contract_modify',
                            contract=contract.rec_name))
        super().check_modification(
            mode, contracts, values=values, external=external)

    @classmethod
    def on_modification(cls, mode, contracts, field_names=None):
        super().on_modification(mode, contracts, field_names=field_names)
        if mode == 'create' or mode == 'write' and 'type' in field_names:
            cls._set_clauses([c for c in contracts if c.state == 'draft'])
        if mode != 'delete' and (
                field_names is None
                or field_names & {'state', 'end_date', 'entrepreneur'}):
            cls._end_employees(contracts)
            cls._refresh_deadlines(contracts)

    @classmethod
    def _refresh_deadlines(cls, contracts):
        Deadline = Pool().get('cae.deadline')
        Deadline.refresh({
                c.entrepreneur.id for c in contracts
                if c.entrepreneur and c.state != 'draft'})

    @classmethod
    def _set_clauses(cls, contracts):
        "Give the contracts the clauses of their type if they have none of it"
        pool = Pool()
        Text = pool.get('cae.contract.clause.text')
        with without_check_access():
            texts = Text.search(
                [('contract', 'in', [c.id for c in contracts])], order=[])
            wrong = [t for t in texts if t.clause.type != t.contract.type]
            Text.delete(wrong)
            present = {t.contract for t in texts if t not in wrong}
            standards, to_create = {}, []
            for contract in contracts:
                if contract not in present:
                    key = contract.type, contract._language
                    if key not in standards:
                        standards[key] = Text.standard(*key)
                    to_create += [
                        {'contract': contract.id, **values}
                        for values in standards[key]]
            Text.create(to_create)

    @classmethod
    def copy(cls, contracts, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('number', None)
        default.setdefault('employee', None)
        default.setdefault('amendments', None)
        default.setdefault('end_reason', None)
        default.setdefault('renewal_of', None)
        default.setdefault('state', 'draft')
        return super().copy(contracts, default=default)

    @classmethod
    @ModelView.button
    def confirm_clauses(cls, contracts):
        """Check the mandatory clauses without text as done.

        They stand in the document that is signed.
        """
        pool = Pool()
        Text = pool.get('cae.contract.clause.text')
        Text.write(Text.search([
                    ('contract', 'in', [c.id for c in contracts]),
                    ('clause.mandatory', '=', True),
                    ('done', '=', False),
                    ('text', 'in', [None, '']),
                    ]), {'done': True})

    @classmethod
    def check_clauses(cls, contracts):
        """Check that the mandatory clauses have a text or are confirmed.

        A CAPE has those of article R127-1 of the Code de commerce, a CESA
        those of article L7331-2 of the Code du travail.
        """
        pool = Pool()
        Clause = pool.get('cae.contract.clause')
        Text = pool.get('cae.contract.clause.text')
        with without_check_access():
            mandatory = defaultdict(list)
            for clause in Clause.search([
                        ('type', 'in', list({c.type.id for c in contracts})),
                        ('mandatory', '=', True),
                        ]):
                mandatory[clause.type].append(clause)
            text = Text.__table__()
            cursor = Transaction().connection.cursor()
            cursor.execute(*text.select(
                    text.contract, text.clause,
                    where=fields.SQL_OPERATORS['in'](
                        text.contract, [c.id for c in contracts])
                    & (text.done | (Coalesce(text.text, '') != ''))))
            complete = set(cursor)
            for contract in contracts:
                missing = [
                    c.rec_name for c in mandatory[contract.type]
                    if (contract.id, c.id) not in complete]
                if missing:
                    raise ContractError(gettext(
                            'cae_members.msg_contract_clauses',
                            contract=contract.rec_name,
                            clauses='\n'.join(f'- {m}' for m in missing)))

    @classmethod
    @ModelView.button
    @Workflow.transition('signed')
    def sign(cls, contracts):
        """Number the contracts and open the employees they need.

        Every mandatory clause is complete; the dates are checked against the
        other contracts of the person.
        """
        cls.check_clauses(contracts)
        cls.warn_target_share(contracts)
        by_company = defaultdict(list)
        for contract in contracts:
            if not contract.number:
                by_company[contract.company.id].append(contract)
        for company, contracts_ in by_company.items():
            numbers = next_numbers(
                company, 'contract_sequence', len(contracts_))
            for contract, number in zip(contracts_, numbers):
                contract.number = number
        cls._open_employees(contracts)
        cls.save(contracts)

    @classmethod
    def _open_employees(cls, contracts):
        "Set the employees of employment contracts, open the missing ones"
        pool = Pool()
        Employee = pool.get('company.employee')
        contracts = [
            c for c in contracts if c.type.employment and not c.employee]
        if not contracts:
            return
        with without_check_access(), \
                Transaction().set_context(active_test=False):
            employees = defaultdict(list)
            for employee in Employee.search([
                        ('party', 'in', list({c.person for c in contracts})),
                        ('company', 'in', list({
                                    c.company for c in contracts})),
                        ]):
                employees[employee.company, employee.party].append(employee)
            new = []
            for contract in contracts:
                key = contract.company, contract.person
                date = contract.start_date
                for employee in employees[key]:
                    start, end = employee.start_date, employee.end_date
                    # One whose last contract ended the day before goes on
                    if ((not start or start <= date)
                            and (not end or date <= end + delay.DAY)):
                        break
                else:
                    employee = Employee(
                        company=contract.company,
                        party=contract.person,
                        start_date=date,
                        supervisor=contract.supervisor)
                    new.append(employee)
                    employees[key].append(employee)
                contract.employee = employee
            Employee.save(new)

    @classmethod
    @ModelView.button_action('cae_members.act_contract_renewal')
    def renew(cls, contracts):
        """Prepare the renewals, from the day after to the last day allowed.

        Raise ContractError when a contract was renewed as often as the law
        allows: twice for a CAPE (Code de commerce, art. L127-2).
        """
        numbers = cls.renewal_numbers(contracts)
        ends = {}
        for contract in contracts:
            if (not contract.end_date
                    or numbers.get(contract.id, 0) >= contract.type.renewals):
                raise ContractError(cls._renewals_message(contract))
            ends[contract.id] = contract.type.longest_end(
                contract.end_date + delay.DAY, contract.acceptance_date)
        cls.copy(contracts, default={
                'start_date': lambda data: data['end_date'] + delay.DAY,
                'end_date': lambda data: ends[data['id']],
                'renewal_of': lambda data: data['id'],
                'trial_end': None,
                })

    @classmethod
    @ModelView.button_action('cae_members.act_contract_amend')
    def amend(cls, contracts):
        pass

    @classmethod
    @ModelView.button
    @Workflow.transition('ended')
    def end(cls, contracts):
        """End the contracts at their end date.

        Raise ContractError when the end date is missing.
        """
        for contract in contracts:
            if not contract.end_date:
                raise ContractError(gettext(
                        'cae_members.msg_contract_no_end',
                        contract=contract.rec_name))

    @classmethod
    @ModelView.button
    @Workflow.transition('cancelled')
    def cancel(cls, contracts):
        """Cancel the contracts as if they had never been signed.

        An employee that no other contract needs is ended the day it started.
        """

    @classmethod
    def _end_employees(cls, contracts):
        "Make the employees of the contracts end with the last of them"
        pool = Pool()
        Employee = pool.get('company.employee')
        with without_check_access():
            starts = defaultdict(set)
            for contract in contracts:
                if contract.employee:
                    starts[contract.employee].add(contract.start_date)
            last = {e: dt.date.min for e in starts}
            for contract in cls.search([
                        ('employee', 'in', list(starts)),
                        ('state', 'in', ['signed', 'ended']),
                        ], order=[]):
                employee = contract.employee
                last[employee] = max(
                    last[employee], contract.end_date or dt.date.max)
            to_write = defaultdict(list)
            for employee, date in last.items():
                if date == dt.date.min:
                    # One that was there before the contracts stays
                    if employee.start_date not in starts[employee]:
                        continue
                    date = employee.start_date
                elif date == dt.date.max:
                    date = None
                if employee.end_date != date:
                    to_write[date].append(employee)
            if to_write:
                Employee.write(*sum((
                            [employees, {'end_date': date}]
                            for date, employees in to_write.items()), []))
