# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import datetime as dt
import json
from collections import defaultdict
from decimal import Decimal
from itertools import groupby

from sql import Null

from trytond.i18n import gettext
from trytond.model import Index, ModelSQL, ModelView, Unique, Workflow, fields
from trytond.modules.cae_billing.apportion import apportion
from trytond.modules.cae_billing.balance import BASES
from trytond.modules.cae_billing.posting import Entry, move_values
from trytond.modules.company import CompanyReport
from trytond.pool import Pool
from trytond.pyson import Eval
from trytond.transaction import Transaction, without_check_access

from . import engine
from .exceptions import (
    PayslipError, PayslipPostedError, PayslipValidationError)
from .parameter import law_error
from .terms import MODES


def _amount(string, **options):
    # Cheaper than Monetary: there are thousands of them a month
    return fields.Numeric(string, digits=(16, 2), readonly=True, **options)


def _to_date(counter, string):
    return fields.Function(
        fields.Numeric(string, digits=(16, 2)), 'get_to_date')


class Payslip(Workflow, ModelSQL, ModelView):
    """The pay of a contract for a month.

    Computed from the terms of the contract, what its activities can bear and
    the law of the month; the terms are copied and nothing of a posted payslip
    changes. A correction is the business of the next one.
    """
    __name__ = 'cae.payslip'
    __string__ = "Payslip"

    _states = {
        'readonly': Eval('state') != 'draft',
        }

    number = fields.Char("Number", readonly=True)
    company = fields.Many2One(
        'company.company', "Company", required=True, ondelete='RESTRICT',
        states=_states)
    run = fields.Many2One(
        'cae.payroll.run', "Run", required=True, ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        states=_states)
    period = fields.Many2One(
        'account.period', "Month", readonly=True, ondelete='RESTRICT')
    contract = fields.Many2One(
        'cae.contract', "Contract", required=True, ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ('type.employment', '=', True),
            ('state', 'in', ['signed', 'ended']),
            ],
        states=_states)
    entrepreneur = fields.Many2One(
        'cae.entrepreneur', "Entrepreneur", readonly=True,
        ondelete='RESTRICT')
    party = fields.Many2One(
        'party.party', "Person", readonly=True, ondelete='RESTRICT',
        context={
            'company': Eval('company', -1),
            },
        depends={'company'})
    employee = fields.Many2One(
        'company.employee', "Employee", readonly=True, ondelete='RESTRICT')
    state = fields.Selection([
            ('draft', "Draft"),
            ('computed', "Computed"),
            ('posted', "Posted"),
            ], "State", required=True, readonly=True, sort=False)
    move = fields.Many2One(
        'account.move', "Move", readonly=True, ondelete='RESTRICT')

    wanted_gross = fields.Numeric(
        "Wanted Gross", digits=(16, 2), states=_states,
        help="Leave empty to follow the pay terms of the contract.")

    # The terms of the month
    terms = fields.Many2One(
        'cae.contract.pay', "Pay Terms", readonly=True, ondelete='RESTRICT')
    mode = fields.Selection(
        [(None, "")] + MODES, "Pay", readonly=True, sort=False)
    basis = fields.Selection(
        [(None, "")] + BASES, "Basis", readonly=True, sort=False)
    fixed_part = _amount("Fixed Part")
    reserve = _amount("Reserve")
    weekly_hours = _amount("Weekly Hours")
    executive = fields.Boolean("Executive", readonly=True)
    headcount = fields.Integer("Headcount", readonly=True)

    budget = _amount(
        "Budget",
        help="What the activities can bear, without the reserve.\n"
        "Empty for the staff.")
    above_budget = fields.Boolean(
        "Above Budget", readonly=True,
        help="The fixed part costs more than the activities can bear.")
    gross = _amount("Gross")
    employee_amount = _amount("Employee Contributions")
    employer_amount = _amount("Employer Contributions")
    coefficient = fields.Numeric(
        "Coefficient", digits=(5, 4), readonly=True,
        help="The coefficient of the general reduction.")
    reduction = _amount("Reduction")
    cost = _amount(
        "Cost", help="Gross and employer contributions less reduction.")
    net_before_tax = _amount("Net before Tax")
    net_taxable = _amount("Taxable Net")
    net_social = _amount("Net Social Amount")
    withholding_rate = fields.Numeric(
        "Withholding Rate", digits=(16, 6), readonly=True)
    withholding = _amount("Withholding")
    net_paid = _amount("Net Paid")
    counters = fields.Text("Counters", readonly=True)
    year_gross = _to_date('gross', "Gross of the Year")
    year_taxable = _to_date('net_taxable', "Taxable Net of the Year")
    year_withholding = _to_date('withholding', "Withholding of the Year")
    year_cost = _to_date('cost', "Cost of the Year")

    lines = fields.One2Many(
        'cae.payslip.line', 'payslip', "Lines", readonly=True)
    activities = fields.One2Many(
        'cae.payslip.activity', 'payslip', "Activities", readonly=True,
        domain=[
            ('activity.company', '=', Eval('company', -1)),
            ])

    del _states

    _computed_fields = [
        'terms', 'mode', 'basis', 'fixed_part', 'reserve', 'weekly_hours',
        'executive', 'headcount', 'budget', 'above_budget', 'gross',
        'employee_amount', 'employer_amount', 'coefficient', 'reduction',
        'cost', 'net_before_tax', 'net_taxable', 'net_social',
        'withholding_rate', 'withholding', 'net_paid', 'counters', 'lines',
        'activities']
    _year = {
        'year_gross': 'gross',
        'year_taxable': 'net_taxable',
        'year_withholding': 'withholding',
        'year_cost': 'cost',
        }

    @classmethod
    def __setup__(cls):
        cls.number.search_unaccented = False
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('contract_period_unique', Unique(t, t.contract, t.period),
                'cae_payroll.msg_payslip_unique'),
            ('number_unique', Unique(t, t.company, t.number),
                'cae_payroll.msg_payslip_number_unique'),
            ]
        cls._sql_indexes.update({
                Index(t, (t.run, Index.Range())),
                Index(t, (t.contract, Index.Range())),
                Index(t, (t.entrepreneur, Index.Range())),
                Index(t, (t.period, Index.Range()),
                    where=t.above_budget == True),  # noqa: E712
                Index(t, (t.state, Index.Equality(cardinality='low')),
                    where=t.state.in_(['draft', 'computed'])),
                Index(t, (t.move, Index.Range()), where=t.move != Null),
                })
        cls._order = [('period.start_date', 'DESC'), ('id', 'ASC')]
        cls._transitions |= {
            ('draft', 'computed'),
            ('computed', 'computed'),
            ('computed', 'draft'),
            ('computed', 'posted'),
            }
        cls._buttons.update({
                'draft': {
                    'invisible': Eval('state') != 'computed',
                    'depends': ['state'],
                    },
                'compute': {
                    'invisible': Eval('state') == 'posted',
                    'depends': ['state'],
                    },
                'post': {
                    'invisible': Eval('state') != 'computed',
                    'depends': ['state'],
                    },
                })

    @classmethod
    def default_company(cls):
        return Transaction().context.get('company')

    @classmethod
    def default_state(cls):
        return 'draft'

    def get_rec_name(self, name):
        party = self.party or self.contract.person
        return ' - '.join(filter(None, [
                    self.number or f'({self.id})',
                    self.run.rec_name,
                    party.rec_name]))

    @classmethod
    def search_rec_name(cls, name, clause):
        _, operator, operand, *extra = clause
        if operator.startswith('!') or operator.startswith('not '):
            bool_op = 'AND'
        else:
            bool_op = 'OR'
        return [bool_op,
            ('number', operator, operand, *extra),
            ('party.rec_name', operator, operand, *extra),
            ]

    @classmethod
    def get_to_date(cls, payslips, names):
        result = {name: {} for name in names}
        for payslip in payslips:
            counters = payslip.read_counters()
            for name in names:
                result[name][payslip.id] = counters.get(cls._year[name])
        return result

    def read_counters(self):
        "Return the counters of the year to date, this payslip included"
        return {
            code: Decimal(value)
            for code, value in json.loads(self.counters or '{}').items()}

    @classmethod
    def copy(cls, payslips, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('state', 'draft')
        default.setdefault('executive', False)
        default.setdefault('above_budget', False)
        for name in [*cls._computed_fields, 'number', 'move']:
            default.setdefault(name)
        return super().copy(payslips, default=default)

    @classmethod
    def preprocess_values(cls, mode, values):
        values = super().preprocess_values(mode, values)
        pool = Pool()
        if values.get('run'):
            Run = pool.get('cae.payroll.run')
            values['period'] = Run(values['run']).period.id
        if values.get('contract'):
            Contract = pool.get('cae.contract')
            contract = Contract(values['contract'])
            for name in ['entrepreneur', 'employee']:
                record = getattr(contract, name)
                values[name] = record.id if record else None
            values['party'] = contract.person.id
        return values

    @classmethod
    def check_modification(cls, mode, payslips, values=None, external=False):
        if mode in {'write', 'delete'}:
            for payslip in payslips:
                if payslip.state == 'posted':
                    raise PayslipPostedError(gettext(
                            'cae_payroll.msg_payslip_posted',
                            payslip=payslip.rec_name))
        super().check_modification(
            mode, payslips, values=values, external=external)

    @classmethod
    def validate_fields(cls, payslips, field_names):
        super().validate_fields(payslips, field_names)
        if field_names and not field_names & {
                'gross', 'fixed_part', 'wanted_gross', 'contract', 'run'}:
            return
        for payslip in payslips:
            contract, period = payslip.contract, payslip.period
            if (contract.start_date > period.end_date
                    or (contract.end_date
                        and contract.end_date < period.start_date)):
                raise PayslipValidationError(gettext(
                        'cae_payroll.msg_payslip_contract_dates',
                        contract=contract.rec_name,
                        period=period.rec_name))
            if payslip.gross is not None and payslip.gross < (
                    payslip.fixed_part or 0):
                raise PayslipValidationError(gettext(
                        'cae_payroll.msg_payslip_below_fixed',
                        payslip=payslip.rec_name,
                        gross=f"{payslip.gross:.2f}",
                        fixed=f"{payslip.fixed_part:.2f}"))

    @classmethod
    @ModelView.button
    @Workflow.transition('draft')
    def draft(cls, payslips):
        pass

    @classmethod
    @ModelView.button
    def compute(cls, payslips):
        """Compute the payslips from the terms, the budgets and the law.

        Raise PayslipError when there is nothing to pay.
        """
        for payslip in cls._recompute(payslips):
            raise PayslipError(gettext(
                    'cae_payroll.msg_payslip_nothing',
                    contract=payslip.contract.rec_name,
                    period=payslip.period.rec_name))

    @classmethod
    def recompute(cls, payslips):
        """Compute the payslips again and return them.

        Those that have nothing to pay any more are deleted.
        """
        empty = cls._recompute(payslips)
        cls.delete(empty)
        return [p for p in payslips if p not in empty]

    @classmethod
    def _recompute(cls, payslips):
        "Compute the payslips and return those with nothing to pay"
        to_write, empty = [], []
        for (company, period), group in _by_period(payslips):
            contracts = {p.contract: p for p in group}
            values = cls._computed(
                company, period, list(contracts), {
                    c: p.wanted_gross for c, p in contracts.items()})
            for contract, payslip in contracts.items():
                new = values.get(contract)
                if not new:
                    empty.append(payslip)
                    continue
                old = {
                    name: [('delete', [r.id for r in getattr(payslip, name)])]
                    for name in ['lines', 'activities']}
                to_write += [[payslip], {
                        **new,
                        **{n: old[n] + new[n] for n in old},
                        'state': 'computed',
                        }]
        if to_write:
            cls.write(*to_write)
        return empty

    @classmethod
    def prepare(cls, contracts, run, number=False):
        """Create the computed payslips that the run lacks.

        A contract with a payslip of the month, without terms or with nothing
        to pay has none made.  Set number to give them their numbers at once
        when they are posted in the same transaction.
        """
        if not contracts:
            return []
        company, period = run.company, run.period
        have = {p.contract for p in cls.search([
                    ('period', '=', period.id),
                    ('contract', 'in', [c.id for c in contracts]),
                    ])}
        contracts = [c for c in contracts if c not in have]
        values = cls._computed(company, period, contracts, {})
        numbers = [None] * len(values)
        if number and values:
            numbers = cls._numbers(company, len(values))
        return cls.create([{
                    'number': number_,
                    'company': company.id,
                    'run': run.id,
                    'contract': contract.id,
                    'state': 'computed',
                    **values_,
                    } for (contract, values_), number_ in zip(
                    values.items(), numbers)])

    @classmethod
    def _numbers(cls, company, n):
        Configuration = Pool().get('cae.configuration')
        with without_check_access():
            sequence = Configuration.payroll_setting(
                company, 'payslip_sequence')
            return list(sequence.get_many(n))

    @classmethod
    def without_activity(cls, contracts, date):
        "Return the contracts that no activity can bear at the date"
        charged = cls._charged(contracts, date)
        return {c for c in contracts if charged[c] == []}

    @classmethod
    def _charged(cls, contracts, date):
        """Return {contract: activities that bear it at the date}.

        None stands for the shared services: they bear the staff and whoever
        is employed without being on the path. An entrepreneur's contract
        with an empty list has no activity to be paid from.
        """
        pool = Pool()
        Activity = pool.get('cae.activity')
        Holder = pool.get('cae.activity.holder')
        sellers = [c for c in contracts if c.entrepreneur and c.type.can_sell]
        leavers = [c for c in sellers if c.end_date and c.end_date < date]
        holders = defaultdict(list)
        with without_check_access():
            for holder in Holder.search([
                        ('entrepreneur', 'in', list({
                                    c.entrepreneur.id for c in sellers})),
                        ('from_date', '<=', date),
                        ['OR',
                            ('to_date', '=', None),
                            ('to_date', '>=', min(
                                    (c.end_date for c in leavers),
                                    default=date)),
                            ],
                        ], order=[('activity', 'ASC')]):
                holders[holder.entrepreneur].append(holder)

            def held(contract, day):
                return [
                    h.activity for h in holders[contract.entrepreneur]
                    if h.from_date <= day
                    and (not h.to_date or h.to_date >= day)]
            own = {c: held(c, date) for c in sellers}
            # Who left is paid by what nobody holds since
            last = {c: held(c, c.end_date) for c in leavers}
            taken = Activity.holders_at(
                list(set().union(*last.values())), date)
            for contract, activities in last.items():
                own[contract] += [a for a in activities if not taken[a.id]]
        result = {}
        for contract in contracts:
            activities = own.get(contract, [])
            if not contract.type.can_sell or (
                    not activities and contract.type.code == 'part_time'):
                result[contract] = None
            else:
                result[contract] = activities
        return result

    @classmethod
    def _budgets(cls, period, charged, bases):
        """Return {contract: {activity: amount}}, what each can bear.

        The balance of an activity is shared among its holders; what was paid
        of it this month is put back first, so that the shares do not depend
        on who is paid first.
        """
        pool = Pool()
        Activity = pool.get('cae.activity')
        Part = pool.get('cae.payslip.activity')
        date = period.end_date
        by_basis = defaultdict(set)
        for contract, activities in charged.items():
            by_basis[bases[contract]].update(activities or [])
        everything = list(set().union(*by_basis.values()))
        holders = Activity.holders_at(everything, date)
        left = defaultdict(set)
        for contract, activities in charged.items():
            left[contract.end_date].update(
                a for a in activities or [] if not holders[a.id])
        for end_date, activities in left.items():
            if activities:
                holders.update(Activity.holders_at(activities, end_date))
        paid = defaultdict(Decimal)
        for part in Part.search([
                    ('activity', 'in', [a.id for a in everything]),
                    ('payslip.period', '=', period.id),
                    ('payslip.state', '=', 'posted'),
                    ]):
            paid[part.activity.id] += part.cost
        shares = {}
        for basis, activities in by_basis.items():
            balances = Activity.balances(list(activities), date, basis)
            for activity in activities:
                held = holders[activity.id]
                parts = apportion(
                    balances[activity.id] + paid[activity.id],
                    [share for _, share in held])
                for (entrepreneur, _), part in zip(held, parts):
                    shares[basis, activity, entrepreneur] = part
        return {
            contract: {
                a: shares[bases[contract], a, contract.entrepreneur]
                for a in activities or []}
            for contract, activities in charged.items()}

    @classmethod
    def _counters(cls, contracts, period):
        "Return {contract: counters of the last posted pay of the civil year}"
        year = period.end_date.year
        result = {}
        for payslip in cls.search([
                    ('contract', 'in', [c.id for c in contracts]),
                    ('state', '=', 'posted'),
                    ('period.end_date', '>=', dt.date(year, 1, 1)),
                    ('period.end_date', '<=', dt.date(year, 12, 31)),
                    ], order=[('move.id', 'ASC')]):
            result[payslip.contract] = payslip
        return {c: p.read_counters() for c, p in result.items()}

    @classmethod
    def _computed(cls, company, period, contracts, wanted):
        """Return {contract: values of its computed payslip}.

        Contracts without terms, without activity or with nothing to pay are
        left out. One query per table for all of them; the law is read once.
        """
        pool = Pool()
        Activity = pool.get('cae.activity')
        Configuration = pool.get('cae.configuration')
        Pay = pool.get('cae.contract.pay')
        Rule = pool.get('cae.payroll.rule')
        TaxRate = pool.get('cae.payroll.tax_rate')
        if not contracts:
            return {}
        date = period.end_date
        law = Configuration.payroll_setting(company, 'payroll_law')
        establishment = Configuration.establishment(company)
        with without_check_access():
            rules = {
                r.code: r for r in Rule.search([('law', '=', law.id)])}
            # A contract that ends in the month has the terms of its end
            terms = Pay.at(contracts, date)
            rates = TaxRate.at(contracts, date)
            contracts = [c for c in contracts if c.id in terms]
            counters = cls._counters(contracts, period)
            charged = cls._charged(contracts, date)
            budgets = cls._budgets(
                period, charged, {c: terms[c.id].basis for c in contracts})
            figures = law.at(date)
            shared = None
            if None in charged.values():
                shared = Activity.special(company, 'shared')
        try:
            schemes = {
                executive: engine.prepare(figures, establishment, executive)
                for executive in {
                    bool(terms[c.id].executive) for c in contracts}}
            result = {}
            for contract in contracts:
                pay = terms[contract.id]
                rate = rates.get(contract.id)
                if charged[contract] == []:
                    continue
                values = cls._pay(
                    schemes[bool(pay.executive)], pay,
                    pay.engine_terms(rate.rate if rate else None),
                    counters.get(contract, {}), wanted.get(contract),
                    budgets[contract], shared, rules)
                if values:
                    values['headcount'] = establishment.headcount
                    result[contract] = values
            return result
        except engine.UnknownValue as error:
            raise law_error(error) from error

    @classmethod
    def _pay(
            cls, scheme, pay, terms, counters, wanted, budgets, shared,
            rules):
        "Return the values of one computed payslip, None when nothing to pay"
        staff = not budgets
        if staff:
            budget, limit = None, None
            gross = pay.fixed_part if wanted is None else wanted
            keys = {shared: engine.ONE}
        else:
            budget = sum(budgets.values()) - pay.reserve
            limit = max(budget, engine.ZERO)
            gross = cls._gross(scheme, pay, terms, counters, wanted, limit)
            keys = {a: b for a, b in budgets.items() if b > 0}
            if not keys:
                keys = dict.fromkeys(budgets, engine.ONE)
        if not gross:
            return None
        result = engine.compute(scheme, terms, gross, counters)
        if staff:
            parts = [('pay_basic', gross)]
        else:
            fixed = min(gross, pay.fixed_part)
            parts = [('pay_fixed', fixed), ('pay_variable', gross - fixed)]
        lines = [{
                'rule': rules[code].id,
                'employer': amount,
                } for code, amount in parts if amount]
        lines += [{
                'rule': rules[line.rule].id,
                'base': line.base,
                'employee_rate': line.employee_rate,
                'employer_rate': line.employer_rate,
                'employee': line.employee,
                'employer': line.employer,
                } for line in result.lines]
        return {
            'terms': pay.id,
            'mode': pay.mode,
            'basis': pay.basis,
            'fixed_part': pay.fixed_part,
            'reserve': pay.reserve,
            'weekly_hours': pay.weekly_hours,
            'executive': bool(pay.executive),
            'budget': budget,
            'above_budget': not staff and result.cost > limit,
            'gross': gross,
            'employee_amount': result.employee,
            'employer_amount': result.employer,
            'coefficient': result.coefficient,
            'reduction': result.reduction,
            'cost': result.cost,
            'net_before_tax': result.net_before_tax,
            'net_taxable': result.net_taxable,
            'net_social': result.net_social,
            'withholding_rate': result.withholding_rate,
            'withholding': result.withholding,
            'net_paid': result.net_paid,
            'counters': json.dumps(
                {c: str(v) for c, v in result.counters.items()},
                separators=(',', ':')),
            'lines': [('create', lines)],
            'activities': [('create', [{
                            'activity': activity.id,
                            'budget': budgets.get(activity),
                            'key': key,
                            'gross': gross_part,
                            'cost': cost_part,
                            } for (activity, key), gross_part, cost_part
                        in zip(
                            keys.items(),
                            apportion(gross, keys.values()),
                            apportion(result.cost, keys.values()))])],
            }

    @classmethod
    def _gross(cls, scheme, pay, terms, counters, wanted, limit):
        """Return the gross of an entrepreneur.

        A gross typed on the payslip is a decision and is taken as it is.
        """
        if wanted is not None:
            return wanted
        if pay.mode == 'fixed':
            return pay.fixed_part
        try:
            gross = engine.solve(scheme, terms, limit, counters)
        except engine.NoGross:
            gross = engine.ZERO
        if pay.mode == 'wanted':
            gross = min(gross, pay.wanted_gross)
        return max(gross, pay.fixed_part)

    @classmethod
    @ModelView.button
    def post(cls, payslips):
        """Number the payslips and post them, one move for all of a month.

        Raise UnmappedRuleError when a rule has no account to be posted on.
        """
        Move = Pool().get('account.move')
        for (company, period), group in _by_period(payslips):
            group[0].run.check_open()
            for payslip in group:
                if payslip.state != 'computed':
                    raise PayslipError(gettext(
                            'cae_payroll.msg_payslip_not_computed',
                            payslip=payslip.rec_name))
            with without_check_access():
                values = cls._move_values(company, period, group)
            if new := [p for p in group if not p.number]:
                cls.write(*sum((
                            [[payslip], {'number': number}]
                            for payslip, number in zip(
                                new, cls._numbers(company, len(new)))), []))
            with without_check_access():
                move, = Move.create([values])
                Move.post([move])
            cls.write(group, {'move': move.id, 'state': 'posted'})

    @classmethod
    def _move_values(cls, company, period, payslips):
        pool = Pool()
        Account = pool.get('cae.payroll.account')
        Configuration = pool.get('cae.configuration')
        mapping = Account.mapping(company)
        journal = Configuration.payroll_setting(company, 'payroll_journal')
        description = gettext(
            'cae_payroll.msg_move_description', period=period.rec_name)
        net, = pool.get('cae.payroll.rule').search([
                ('law', '=', Configuration.payroll_setting(
                        company, 'payroll_law').id),
                ('kind', '=', 'net'),
                ])
        net_account = mapping.liability(net)
        entries = []
        for payslip in payslips:
            entries += payslip._entries(mapping, net_account, description)
        return move_values(
            company, journal, period, period.end_date, description,
            payslips[0].run, entries)

    def _entries(self, mapping, net_account, description):
        """Return the entries of the payslip.

        An expense is shared between the activities so that each line and each
        activity total exactly: every account gets what the shares of the sum
        so far exceed those of the sum before it.
        """
        expenses, liabilities = defaultdict(Decimal), defaultdict(Decimal)
        for line in self.lines:
            if line.employer:
                expenses[mapping.expense(line.rule)] += line.employer
            if line.rule.kind != 'gross' and (line.employer or line.employee):
                liabilities[mapping.liability(line.rule)] += (
                    line.employer + line.employee)
        activities = [p.activity for p in self.activities]
        keys = [p.key for p in self.activities]
        entries = []
        total, shared = Decimal(0), [Decimal(0)] * len(keys)
        for account, amount in expenses.items():
            total += amount
            before, shared = shared, apportion(total, keys)
            for activity, part, part_before in zip(
                    activities, shared, before):
                entries.append(Entry(
                        account, part - part_before, activity=activity,
                        origin=self,
                        description=f"{description}: {account.name}"))
        for account, amount in liabilities.items():
            entries.append(Entry(account, -amount, origin=self))
        entries.append(Entry(
                net_account, -self.net_paid,
                party=self.party if net_account.party_required else None,
                origin=self,
                description=f"{description} {self.party.rec_name}"))
        return entries

    @property
    def printed_groups(self):
        """The groups of the payslip with their printed lines.

        Lines of a group with the same label are added up; their rates too
        when they have the same base.
        """
        groups = []
        for group, lines in groupby(
                sorted(self.lines,
                    key=lambda line: (
                        line.rule.group.sequence or 0, line.rule.group.id,
                        line.rule.sequence or 0)),
                key=lambda line: line.rule.group):
            labels = {}
            for line in lines:
                labels.setdefault(line.rule.label, []).append(line)
            groups.append((group, [
                        PrintedLine(label, lines)
                        for label, lines in labels.items()]))
        return groups


def _by_period(payslips):
    groups = defaultdict(list)
    for payslip in payslips:
        groups[payslip.company, payslip.period].append(payslip)
    return groups.items()


class PrintedLine:
    "One or several lines as they are printed"

    def __init__(self, label, lines):
        self.label = label
        self.employee = sum(line.employee or 0 for line in lines)
        self.employer = sum(line.employer or 0 for line in lines)
        bases = {line.base for line in lines}
        self.base = self.employee_rate = self.employer_rate = None
        if len(bases) == 1:
            self.base, = bases
            for name in ['employee_rate', 'employer_rate']:
                rates = [getattr(line, name) for line in lines]
                setattr(self, name, sum(r or 0 for r in rates) or None)


class PayslipLine(ModelSQL, ModelView):
    """The amounts of a rule on a payslip.

    A part of the gross pay and a reduction stand on the employer's side, the
    reduction with a minus sign. Zero lines are not stored.
    """
    __name__ = 'cae.payslip.line'
    __string__ = "Payslip Line"

    payslip = fields.Many2One(
        'cae.payslip', "Payslip", required=True, ondelete='CASCADE')
    rule = fields.Many2One(
        'cae.payroll.rule', "Rule", required=True, ondelete='RESTRICT')
    base = fields.Numeric("Base", digits=(16, 2))
    employee_rate = fields.Numeric("Employee Rate", digits=(16, 6))
    employer_rate = fields.Numeric("Employer Rate", digits=(16, 6))
    employee = fields.Numeric("Employee", digits=(16, 2))
    employer = fields.Numeric("Employer", digits=(16, 2))

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('payslip')
        t = cls.__table__()
        cls._sql_indexes.add(Index(t, (t.payslip, Index.Range())))
        cls._order = [('payslip', 'DESC'), ('id', 'ASC')]

    @classmethod
    def default_employee(cls):
        return Decimal(0)

    @classmethod
    def default_employer(cls):
        return Decimal(0)

    @classmethod
    def check_modification(cls, mode, lines, values=None, external=False):
        if mode != 'create' or external:
            _check_not_posted({line.payslip for line in lines})
        super().check_modification(
            mode, lines, values=values, external=external)


class PayslipActivity(ModelSQL, ModelView):
    "What an activity bears of a payslip"
    __name__ = 'cae.payslip.activity'
    __string__ = "Payslip Activity"

    payslip = fields.Many2One(
        'cae.payslip', "Payslip", required=True, ondelete='CASCADE')
    activity = fields.Many2One(
        'cae.activity', "Activity", required=True, ondelete='RESTRICT')
    budget = fields.Numeric("Budget", digits=(16, 2))
    key = fields.Numeric(
        "Key", digits=(16, 2), required=True,
        domain=[
            ('key', '>=', 0),
            ],
        help="The amounts are shared in proportion to it.")
    gross = fields.Numeric("Gross", digits=(16, 2), required=True)
    cost = fields.Numeric("Cost", digits=(16, 2), required=True)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('payslip')
        t = cls.__table__()
        cls._sql_indexes.update({
                Index(t, (t.payslip, Index.Range())),
                Index(t, (t.activity, Index.Range())),
                })
        cls._order = [
            ('payslip', 'DESC'), ('activity', 'ASC'), ('id', 'ASC')]

    @classmethod
    def validate_fields(cls, parts, field_names):
        super().validate_fields(parts, field_names)
        for part in parts:
            if part.activity.company != part.payslip.company:
                raise PayslipValidationError(gettext(
                        'cae_payroll.msg_payslip_activity_company',
                        activity=part.activity.rec_name,
                        company=part.payslip.company.rec_name))

    @classmethod
    def check_modification(cls, mode, parts, values=None, external=False):
        if mode != 'create' or external:
            _check_not_posted({part.payslip for part in parts})
        super().check_modification(
            mode, parts, values=values, external=external)


def _check_not_posted(payslips):
    for payslip in payslips:
        if payslip.state == 'posted':
            raise PayslipPostedError(gettext(
                    'cae_payroll.msg_payslip_posted',
                    payslip=payslip.rec_name))


class PayslipReport(CompanyReport):
    __name__ = 'cae.payslip'
