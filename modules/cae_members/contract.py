# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

import datetime as dt
from collections import defaultdict
from itertools import groupby

from dateutil.relativedelta import relativedelta
from sql import Null

from trytond.i18n import gettext
from trytond.model import (
    DeactivableMixin, Index, ModelSQL, ModelView, Unique, Workflow, fields)
from trytond.pool import Pool
from trytond.pyson import Bool, Eval
from trytond.transaction import Transaction, without_check_access

from .exceptions import (
    ContractAccessError, ContractError, ContractValidationError)
from .model import next_numbers


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
        help="The longest duration of one contract.\n"
        "Leave empty for no limit.")
    renewals = fields.Integer(
        "Renewals", required=True,
        domain=[('renewals', '>=', 0)],
        states={
            'invisible': ~Eval('max_months'),
            },
        help="How many times the contract may be renewed.")
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

    def longest_end(self, start_date):
        "Return the last day allowed from the start date, None if unlimited"
        if self.max_months:
            return (start_date
                + relativedelta(months=self.max_months)
                - dt.timedelta(days=1))


class Contract(Workflow, ModelSQL, ModelView):
    """A dated agreement between the cooperative and a person.

    The person is an entrepreneur or, for staff only, any party. A signed
    contract can't be changed but for its end; at most one contract of the
    path and one employment contract of a person run at a time.
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
    start_date = fields.Date("Start Date", required=True, states=_states)
    end_date = fields.Date(
        "End Date",
        states={
            'readonly': Eval('state').in_(['ended', 'cancelled']),
            },
        help="The last day of the contract.\n"
        "Leave empty for a permanent contract.")
    employee = fields.Many2One(
        'company.employee', "Employee", ondelete='RESTRICT', readonly=True,
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        help="The employee of the employment contract.")
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
                'sign': {
                    'invisible': Eval('state') != 'draft',
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

    @fields.depends('type', 'start_date', 'end_date')
    def on_change_type(self):
        if self.type and self.start_date:
            self.end_date = self.type.longest_end(self.start_date)

    @fields.depends(methods=['on_change_type'])
    def on_change_start_date(self):
        self.on_change_type()

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
        if field_names is None or field_names & {
                'state', 'type', 'entrepreneur', 'start_date', 'end_date'}:
            running = [c for c in contracts if c.state in {'signed', 'ended'}]
            cls.check_exit(running)
            cls.check_overlap(running)
            cls.check_renewals(running)

    @classmethod
    def check_dates(cls, contracts, field_names=None):
        "Check the order of the dates and the longest duration"
        if field_names and not (
                field_names & {'state', 'type', 'start_date', 'end_date'}):
            return
        for contract in contracts:
            if contract.state == 'cancelled':
                continue
            end_date = contract.end_date
            if end_date and end_date < contract.start_date:
                raise ContractValidationError(gettext(
                        'cae_members.msg_contract_end_before_start',
                        contract=contract.rec_name))
            longest = contract.type.longest_end(contract.start_date)
            if longest and (
                    end_date > longest if end_date
                    else contract.state == 'signed'):
                raise ContractValidationError(gettext(
                        'cae_members.msg_contract_too_long',
                        contract=contract.rec_name,
                        type=contract.type.rec_name,
                        months=contract.type.max_months,
                        date=cls._format_date(longest)))

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

        A contract that starts the day after one of the same type ended is
        its renewal.
        """
        limited = {
            (c.entrepreneur.id, c.type) for c in contracts
            if c.entrepreneur and c.type.max_months}
        if not limited:
            return
        others = cls.search([
                ('entrepreneur', 'in', list({e for e, _ in limited})),
                ('type', 'in', list({t.id for _, t in limited})),
                ('state', 'in', ['signed', 'ended']),
                ],
            order=[
                ('entrepreneur.id', 'ASC'), ('type.id', 'ASC'),
                ('start_date', 'ASC')])
        for (entrepreneur, type_), group in groupby(
                others, key=lambda c: (c.entrepreneur, c.type)):
            previous, renewals = None, 0
            for contract in group:
                if (previous
                        and contract.start_date - previous.end_date
                        <= dt.timedelta(days=1)):
                    renewals += 1
                else:
                    renewals = 0
                if renewals > type_.renewals:
                    raise ContractValidationError(gettext(
                            'cae_members.msg_contract_renewals',
                            contract=contract.rec_name,
                            entrepreneur=entrepreneur.rec_name,
                            type=type_.rec_name,
                            renewals=type_.renewals))
                previous = contract

    @classmethod
    def check_modification(
            cls, mode, contracts, values=None, external=False):
        super().check_modification(
            mode, contracts, values=values, external=external)
        if mode == 'delete':
            for contract in contracts:
                if contract.state not in {'draft', 'cancelled'}:
                    raise ContractAccessError(gettext(
                            'cae_members.msg_contract_delete',
                            contract=contract.rec_name))
        elif mode == 'write':
            locked = values.keys() & {
                'company', 'type', 'entrepreneur', 'party', 'start_date'}
            for contract in contracts:
                if (locked and contract.state != 'draft'
                        or 'end_date' in values
                        and contract.state in {'ended', 'cancelled'}):
                    raise ContractAccessError(gettext(
                            'cae_members.msg_contract_modify',
                            contract=contract.rec_name))

    @classmethod
    def copy(cls, contracts, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('number', None)
        default.setdefault('employee', None)
        default.setdefault('state', 'draft')
        return super().copy(contracts, default=default)

    @classmethod
    @ModelView.button
    @Workflow.transition('signed')
    def sign(cls, contracts):
        """Number the contracts and open the employees they need.

        The dates are checked against the other contracts of the person.
        """
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
        with without_check_access():
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
                    if ((employee.start_date or dt.date.min) <= date
                            <= (employee.end_date or dt.date.max)):
                        break
                else:
                    employee = Employee(
                        company=contract.company,
                        party=contract.person,
                        start_date=date)
                    new.append(employee)
                    employees[key].append(employee)
                contract.employee = employee
            Employee.save(new)

    @classmethod
    @ModelView.button
    @Workflow.transition('ended')
    def end(cls, contracts):
        """End the contracts at their end date, and their employees.

        Raise ContractError when the end date is missing.
        """
        for contract in contracts:
            if not contract.end_date:
                raise ContractError(gettext(
                        'cae_members.msg_contract_no_end',
                        contract=contract.rec_name))
        cls._close_employees({c: c.end_date for c in contracts})

    @classmethod
    @ModelView.button
    @Workflow.transition('cancelled')
    def cancel(cls, contracts):
        """Cancel the contracts as if they had never been signed.

        An employee opened by one is ended the day it started.
        """
        cls._close_employees({
                c: c.start_date for c in contracts
                if c.employee and c.employee.start_date == c.start_date})

    @classmethod
    def _close_employees(cls, dates):
        """End the employees of the contracts at the dates.

        `dates` is {contract: date}. An employee that another contract still
        needs stays open.
        """
        pool = Pool()
        Employee = pool.get('company.employee')
        dates = {c: d for c, d in dates.items() if c.employee}
        if not dates:
            return
        with without_check_access():
            others = cls.search([
                    ('employee', 'in', [c.employee for c in dates]),
                    ('id', 'not in', [c.id for c in dates]),
                    ('state', 'in', ['signed', 'ended']),
                    ], order=[])
            ends = [(c.employee, d) for c, d in dates.items()]
            ends += [
                (c.employee, c.end_date if c.state == 'ended' else None)
                for c in others]
            last = {}
            for employee, date in ends:
                known = last.get(employee, dt.date.min)
                last[employee] = max(known, date or dt.date.max)
            to_write = defaultdict(list)
            for employee, date in last.items():
                if date < dt.date.max:
                    to_write[date].append(employee)
            if to_write:
                Employee.write(*sum((
                            [employees, {'end_date': date}]
                            for date, employees in to_write.items()), []))
