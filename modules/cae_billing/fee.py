# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from collections import defaultdict
from decimal import Decimal

from sql.aggregate import Sum

from trytond import backend
from trytond.i18n import gettext
from trytond.model import (
    DeactivableMixin, Index, ModelSQL, ModelView, Unique, fields)
from trytond.modules.currency.fields import Monetary
from trytond.pool import Pool
from trytond.pyson import Bool, Eval, If
from trytond.tools import sqlite_apply_types
from trytond.transaction import Transaction

from .apportion import round_half_up
from .balance import BASES
from .exceptions import FeePostedError, FeeRuleError, SetupError
from .posting import Entry, move_values
from .tier import Scale


class FeeCap(ModelSQL, ModelView):
    """The highest rate that the law of a country allows from a date on."""
    __name__ = 'cae.fee.cap'
    country = fields.Char(
        "Country", size=2, required=True,
        help="The two letters of the country (ISO 3166-1).")
    start_date = fields.Date("Start Date", required=True)
    rate = fields.Numeric(
        "Rate", digits=(16, 6),
        domain=['OR', ('rate', '=', None), ('rate', '>=', 0)],
        help="Leave empty when there is no cap any more.")
    source = fields.Char("Source", required=True)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('country_date_unique', Unique(t, t.country, t.start_date),
                'cae_billing.msg_fee_cap_unique'),
            ]
        cls._order = [
            ('country', 'ASC'), ('start_date', 'DESC'), ('id', None)]

    @classmethod
    def at(cls, country, date):
        "Return the cap of the code of the country at the date or None"
        caps = cls.search([
                ('country', '=', country),
                ('start_date', '<=', date),
                ], order=[('start_date', 'DESC')], limit=1)
        return caps[0] if caps else None


class FeeRule(DeactivableMixin, ModelSQL, ModelView):
    """A dated rule of what the activities pay to the cooperative.

    The statutes set the principles of the contribution (Code du travail,
    art. R7331-9); several rules add up.
    """
    __name__ = 'cae.fee.rule'
    name = fields.Char("Name", required=True, translate=True)
    company = fields.Many2One(
        'company.company', "Company", required=True,
        states={'readonly': Eval('id', -1) > 0})
    currency = fields.Function(
        fields.Many2One('currency.currency', "Currency"),
        'on_change_with_currency')
    start_date = fields.Date("Start Date", required=True)
    end_date = fields.Date(
        "End Date",
        domain=[
            If(Bool(Eval('end_date')),
                ('end_date', '>=', Eval('start_date', None)), ()),
            ])
    decision = fields.Char(
        "Decision", help="The assembly's decision behind the rule.")
    base = fields.Selection(BASES + [
            ('fixed', "Fixed Amount"),
            ], "Base", required=True,
        help="What the tiers apply to: the untaxed turnover of the fiscal "
        "year, invoiced or collected (facturé ou encaissé).")
    amount = fields.Numeric(
        "Amount", digits=(16, 2),
        states={
            'required': Eval('base') == 'fixed',
            'invisible': Eval('base') != 'fixed',
            },
        help="The amount of each month.")
    tiers = fields.One2Many(
        'cae.fee.tier', 'rule', "Tiers",
        states={
            'required': Eval('base') != 'fixed',
            'invisible': Eval('base') == 'fixed',
            })
    monthly_minimum = fields.Numeric(
        "Monthly Minimum", digits=(16, 2),
        help="Owed for every month and never given back.")
    yearly_minimum = fields.Numeric(
        "Yearly Minimum", digits=(16, 2),
        help="Owed in twelfths over the fiscal year.")
    yearly_maximum = fields.Numeric(
        "Yearly Maximum", digits=(16, 2))
    account = fields.Many2One(
        'account.account', "Account", required=True,
        domain=[
            ('company', '=', Eval('company', -1)),
            ('type.statement', '=', 'income'),
            ('closed', '!=', True),
            ],
        help="Debited to the activity and credited to the beneficiary: "
        "its balance is always zero (compte de cessions internes).")
    beneficiary = fields.Many2One(
        'cae.activity', "Beneficiary", required=True,
        domain=[
            ('company', '=', Eval('company', -1)),
            ('kind', 'in', ['shared', 'fund']),
            ],
        help="The shared services or the solidarity fund.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._order = [
            ('company', 'ASC'), ('account', 'ASC'), ('start_date', 'DESC'),
            ('id', None)]

    @staticmethod
    def default_company():
        return Transaction().context.get('company')

    @staticmethod
    def default_base():
        return 'collected'

    @fields.depends('company')
    def on_change_with_currency(self, name=None):
        return self.company.currency if self.company else None

    @property
    def scale(self):
        "The pure scale of the rule"
        return Scale(
            tiers=tuple((t.up_to, t.rate) for t in self.tiers),
            fixed=(
                self.amount or Decimal(0) if self.base == 'fixed'
                else Decimal(0)),
            monthly_minimum=self.monthly_minimum,
            yearly_minimum=self.yearly_minimum,
            yearly_maximum=self.yearly_maximum)

    @classmethod
    def validate_fields(cls, rules, field_names):
        super().validate_fields(rules, field_names)
        cls.check_scale(rules)
        cls.check_cap(rules)

    @classmethod
    def check_scale(cls, rules):
        "Refuse tiers that do not make a scale"
        for rule in rules:
            try:
                rule.scale
            except ValueError:
                raise FeeRuleError(gettext(
                        'cae_billing.msg_fee_rule_tiers', rule=rule.rec_name))

    @classmethod
    def check_cap(cls, rules):
        "Refuse rates above the cap of the country of the company"
        pool = Pool()
        Cap = pool.get('cae.fee.cap')
        Lang = pool.get('ir.lang')
        lang = Lang.get()
        for rule in rules:
            address = rule.company.party.address_get()
            country = address.country if address else None
            cap = Cap.at(country.code, rule.start_date) if country else None
            if not cap or cap.rate is None:
                continue
            for tier in rule.tiers:
                if tier.rate > cap.rate:
                    raise FeeRuleError(gettext(
                            'cae_billing.msg_fee_rule_cap',
                            rule=rule.rec_name,
                            rate=lang.format_number(tier.rate * 100, 2),
                            cap=lang.format_number(cap.rate * 100, 2),
                            country=country.rec_name,
                            source=cap.source))

    @classmethod
    def at(cls, company, date):
        "Return the rules of the company in force at the date"
        return cls.search([
                ('company', '=', company.id),
                ('start_date', '<=', date),
                ['OR',
                    ('end_date', '=', None),
                    ('end_date', '>=', date),
                    ],
                ])


class FeeTier(ModelSQL, ModelView):
    __name__ = 'cae.fee.tier'
    rule = fields.Many2One(
        'cae.fee.rule', "Rule", required=True, ondelete='CASCADE')
    up_to = fields.Numeric(
        "Up To", digits=(16, 2),
        domain=['OR', ('up_to', '=', None), ('up_to', '>', 0)],
        help="The base of the fiscal year where the tier ends; "
        "empty for the last tier.")
    rate = fields.Numeric(
        "Rate", digits=(16, 6), required=True,
        domain=[('rate', '>=', 0)])

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('rule')
        cls._order = [
            ('rule', 'ASC'), ('up_to', 'ASC NULLS LAST'), ('id', None)]

    @classmethod
    def validate_fields(cls, tiers, field_names):
        super().validate_fields(tiers, field_names)
        # The tiers of a rule only fit together once all are stored
        Rule = Pool().get('cae.fee.rule')
        Rule.check_cap(list({t.rule for t in tiers}))


class Fee(ModelSQL, ModelView):
    """What an activity owes under a rule for a month, posted and frozen.

    The amount is the fee due to date less what was due at the fee before: a
    credit note gives back and a late payment catches up by itself.
    """
    __name__ = 'cae.fee'
    _rec_name = 'number'
    number = fields.Char("Number", required=True, readonly=True)
    company = fields.Many2One(
        'company.company', "Company", required=True, readonly=True)
    currency = fields.Function(
        fields.Many2One('currency.currency', "Currency"),
        'on_change_with_currency')
    activity = fields.Many2One(
        'cae.activity', "Activity", required=True, readonly=True)
    rule = fields.Many2One(
        'cae.fee.rule', "Rule", required=True, readonly=True,
        ondelete='RESTRICT')
    period = fields.Many2One(
        'account.period', "Period", required=True, readonly=True,
        ondelete='RESTRICT')
    base = Monetary(
        "Base", currency='currency', digits='currency', readonly=True,
        help="The turnover of the fiscal year to date.")
    due_change = Monetary(
        "Change Due", currency='currency', digits='currency', required=True,
        readonly=True,
        help="What is due to date less what was due to date before, without "
        "the monthly minimum.")
    amount = Monetary(
        "Amount", currency='currency', digits='currency', required=True,
        readonly=True)
    move = fields.Many2One(
        'account.move', "Move", readonly=True, ondelete='RESTRICT')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('activity_period_rule_unique',
                Unique(t, t.activity, t.period, t.rule),
                'cae_billing.msg_fee_unique'),
            ]
        cls._sql_indexes.add(
            Index(t, (t.rule, Index.Range()), (t.period, Index.Range())))
        cls._order = [
            ('period', 'DESC'), ('number', 'DESC'), ('id', None)]

    @fields.depends('company')
    def on_change_with_currency(self, name=None):
        return self.company.currency if self.company else None

    @classmethod
    def check_modification(cls, mode, fees, values=None, external=False):
        super().check_modification(
            mode, fees, values=values, external=external)
        if mode == 'delete' or (mode == 'write' and values.keys() - {'move'}):
            for fee in fees:
                raise FeePostedError(gettext(
                        'cae_billing.msg_fee_posted', fee=fee.rec_name))

    @classmethod
    def posted_dues(cls, rule, activities, upto):
        """Return {activity id: what its fees took as due in the fiscal year}.

        Those up to the period ``upto`` count.
        """
        Period = Pool().get('account.period')
        result = defaultdict(Decimal)
        cursor = Transaction().connection.cursor()
        fee, period = cls.__table__(), Period.__table__()
        query = (fee
            .join(period, condition=fee.period == period.id)
            .select(
                fee.activity, Sum(fee.due_change).as_('due'),
                where=(fee.rule == rule.id)
                & (period.fiscalyear == upto.fiscalyear.id)
                & (period.end_date <= upto.end_date)
                & fields.SQL_OPERATORS['in'](
                    fee.activity, [a.id for a in activities]),
                group_by=fee.activity))
        if backend.name == 'sqlite':
            sqlite_apply_types(query, [None, 'NUMERIC'])
        cursor.execute(*query)
        for id_, due in cursor:
            result[id_] = round_half_up(due)
        return result

    @classmethod
    def charge(cls, activities, period, origin=None):
        """Compute and post the fees of the period; return them.

        One move per rule for all activities; those that have their fee of
        the period already are left out. Fixed amounts and minimums are owed
        for the months in which the activity may sell: nobody pays during a
        support agreement or after the exit.
        """
        pool = Pool()
        Activity = pool.get('cae.activity')
        Configuration = pool.get('cae.configuration')
        Move = pool.get('account.move')
        Rule = pool.get('cae.fee.rule')
        company = period.company
        configuration = Configuration(1)
        date = period.end_date
        charged = {(f.rule, f.activity) for f in cls.search([
                    ('period', '=', period.id),
                    ('activity', 'in', [a.id for a in activities]),
                    ])}
        turnovers, months = {}, {}
        to_create = []
        rules = Rule.at(company, date)
        Rule.check_scale(rules)
        for rule in rules:
            scale = rule.scale
            start = max(rule.start_date, period.fiscalyear.start_date)
            if start not in months:
                months[start] = Activity.selling_months(
                    activities, start, date)
            if rule.base == 'fixed':
                bases = {}
            else:
                key = rule.base, start
                if key not in turnovers:
                    turnovers[key] = Activity.turnovers(
                        activities, date, rule.base, start)
                bases = turnovers[key]
            dues = cls.posted_dues(rule, activities, period)
            for activity in activities:
                if (rule, activity) in charged:
                    continue
                base = bases.get(activity.id, Decimal(0))
                sold = months[start][activity.id]
                change = scale.due(base, len(sold)) - dues[activity.id]
                amount = change
                if (date.year, date.month) in sold:
                    amount = scale.fee(change)
                if amount or change:
                    to_create.append({
                            'company': company.id,
                            'activity': activity.id,
                            'rule': rule.id,
                            'period': period.id,
                            'base': None if rule.base == 'fixed' else base,
                            'due_change': change,
                            'amount': amount,
                            })
        if not to_create:
            return []
        sequence, journal = [
            configuration.get_multivalue(name, company=company.id)
            for name in ['fee_sequence', 'internal_journal']]
        if not sequence or not journal:
            raise SetupError(gettext(
                    'cae_billing.msg_fee_configuration',
                    company=company.rec_name))
        for values, number in zip(
                to_create, sequence.get_many(len(to_create))):
            values['number'] = number
        fees = cls.create(to_create)
        by_rule = defaultdict(list)
        for fee in fees:
            by_rule[fee.rule].append(fee)
        to_move, moved = [], []
        for rule, rule_fees in by_rule.items():
            entries = []
            for fee in rule_fees:
                entries.append(Entry(
                        rule.account, fee.amount, activity=fee.activity,
                        origin=fee, description=fee.description))
            for sign in [1, -1]:
                total = sum(
                    f.amount for f in rule_fees if f.amount * sign > 0)
                entries.append(Entry(
                        rule.account, -total, activity=rule.beneficiary))
            values = move_values(
                company, journal, period, date,
                f"{rule.name} {period.name}", origin, entries)
            if values:
                to_move.append(values)
                moved.append(rule_fees)
        moves = Move.create(to_move)
        Move.post(moves)
        cls.write(*sum((
                    [fees_, {'move': move.id}]
                    for fees_, move in zip(moved, moves)), []))
        return fees

    @property
    def description(self):
        if self.base is None:
            return f"{self.rule.name} {self.period.name} [{self.number}]"
        Lang = Pool().get('ir.lang')
        return gettext(
            'cae_billing.msg_fee_description',
            rule=self.rule.name, period=self.period.name, number=self.number,
            base=Lang.get().format_number(self.base, 2))
