# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

from sql.aggregate import Sum

from trytond.i18n import gettext
from trytond.model import (
    DeactivableMixin, Index, ModelSQL, ModelView, Unique, fields)
from trytond.modules.cae_members.model import CompanyCurrencyMixin
from trytond.modules.cae_members.query import fetch
from trytond.modules.cae_members.trade import SECTORS
from trytond.modules.currency.fields import Monetary
from trytond.pool import Pool
from trytond.pyson import Bool, Eval, If
from trytond.transaction import Transaction, without_check_access

from .apportion import round_half_up
from .balance import BASES
from .exceptions import FeePostedError, FeeRuleError, SetupError
from .fee_fact import Facts
from .month import month_of
from .posting import Entry, move_values
from .tier import Scale, cumulated_rate, cut

RATE_DIGITS = (16, 6)
RULE_BASES = BASES + [
    ('margin_invoiced', "Margin on Invoiced"),
    ('margin_collected', "Margin on Collected"),
    ('fixed', "Fixed Amount"),
    ('individual', "Individual Amounts"),
    ]
_flat = Eval('base').in_(['fixed', 'individual'])
_margin = Eval('base').in_(['margin_invoiced', 'margin_collected'])


class AmountMixin:
    "Amounts that are numbers from zero up, and rates that are ratios"
    __slots__ = ()

    @classmethod
    def preprocess_values(cls, mode, values):
        values = super().preprocess_values(mode, values)
        for name, value in values.items():
            field = cls._fields.get(name)
            if not isinstance(field, fields.Numeric) or value is None:
                continue
            # Before anything compares them: a comparison with NaN fails
            number = Decimal(value)
            if not number.is_finite() or not 0 <= number < 10 ** 12:
                raise FeeRuleError(gettext(
                        'cae_billing.msg_fee_amount',
                        value=str(value), **cls.__names__(name)))
            if field.digits == RATE_DIGITS and number > 1:
                raise FeeRuleError(gettext(
                        'cae_billing.msg_fee_rate',
                        value=str(number * 100), **cls.__names__(name)))
        return values


class FeeCap(AmountMixin, ModelSQL, ModelView):
    """What the law or the practice of a country allows from a date on."""
    __name__ = 'cae.fee.cap'
    __string__ = "Fee Cap"
    country = fields.Char(
        "Country", size=2, required=True,
        help="The two letters of the country (ISO 3166-1).")
    start_date = fields.Date("Start Date", required=True)
    rate = fields.Numeric(
        "Rate", digits=RATE_DIGITS,
        domain=['OR', ('rate', '=', None), ('rate', '>=', 0)],
        help="The highest part of the turnover that all fees together may "
        "take. Leave empty when there is no cap any more.")
    usual_from = fields.Numeric(
        "Usual From", digits=RATE_DIGITS,
        help="A lower rate is pointed out, not refused.")
    usual_to = fields.Numeric(
        "Usual To", digits=RATE_DIGITS,
        domain=[
            If(Bool(Eval('usual_to')),
                ('usual_to', '>=', Eval('usual_from', 0)), ()),
            ],
        help="A higher rate is pointed out, not refused.")
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

    @classmethod
    def of_company(cls, company, date):
        "Return the cap of the country of the company at the date or None"
        with without_check_access():
            address = company.party.address_get()
            country = address.country if address else None
            return cls.at(country.code, date) if country else None


class FeeRule(
        CompanyCurrencyMixin, DeactivableMixin, AmountMixin, ModelSQL,
        ModelView):
    """A dated rule of what the activities pay to the cooperative.

    The statutes set the principles of the contribution (Code du travail,
    art. R7331-9). Every rule whose conditions an activity meets applies to
    it: several rules add up. What holds on the last day of a month counts for
    the whole month.
    """
    __name__ = 'cae.fee.rule'
    __string__ = "Fee Rule"
    name = fields.Char("Name", required=True, translate=True)
    company = fields.Many2One(
        'company.company', "Company", required=True,
        states={'readonly': Eval('id', -1) > 0})
    start_date = fields.Date("Start Date", required=True)
    end_date = fields.Date(
        "End Date",
        domain=[
            If(Bool(Eval('end_date')),
                ('end_date', '>=', Eval('start_date', None)), ()),
            ])
    decision = fields.Char(
        "Decision", help="The assembly's decision behind the rule.")

    # Who
    contract_types = fields.Many2Many(
        'cae.fee.rule-cae.contract.type', 'rule', 'type', "Contract Types",
        help="Limits the rule to the activities of holders with one of these "
        "contracts (convention, CAPE, CESA…). Leave empty for all.")
    associates = fields.Selection([
            (None, ""),
            ('only', "Associates Only"),
            ('except', "Others Only"),
            ], "Associates", sort=False,
        help="Limits the rule to the activities with an associate among "
        "their holders, or to the others.")
    sectors = fields.MultiSelection(
        SECTORS, "Sectors", sort=False,
        help="Limits the rule to the activities whose trade is of these "
        "sectors. Leave empty for all.")
    activities = fields.Many2Many(
        'cae.fee.rule-cae.activity', 'rule', 'activity', "Activities",
        domain=[
            ('company', '=', Eval('company', -1)),
            ('kind', '=', 'business'),
            ],
        help="Limits the rule to these activities. Leave empty for all.")
    free_months = fields.Integer(
        "Free Months",
        domain=['OR',
            ('free_months', '=', None),
            ('free_months', '>=', 0),
            ],
        help="How many months a new activity is exempt, from the first one "
        "in which it may sell.")
    condition = fields.Selection([
            ('always', "Always"),
            ], "Owed", required=True, sort=False,
        states={'invisible': ~_flat},
        help="In which months the amount is owed.")

    # Base
    base = fields.Selection(
        RULE_BASES, "Base", required=True, sort=False,
        help="What the tiers apply to: the untaxed turnover, invoiced or "
        "collected (facturé ou encaissé), or what is left of it after "
        "purchases (marge).\n"
        "Or an amount each month, the same for all or agreed for each "
        "activity.")
    categories = fields.Many2Many(
        'cae.fee.rule-product.category', 'rule', 'category',
        "Product Categories",
        context={
            'company': Eval('company', -1),
            },
        states={'invisible': _flat},
        depends={'company'},
        help="Limits the base to the invoice lines with a product of these "
        "categories, or to all others. Leave empty for the whole turnover.")
    category_mode = fields.Selection([
            ('only', "Only These"),
            ('except', "All but These"),
            ], "Lines of the Categories", required=True, sort=False,
        states={'invisible': _flat | ~Eval('categories')})
    deducted_accounts = fields.Many2Many(
        'cae.fee.rule-account.account', 'rule', 'account',
        "Deducted Accounts",
        domain=[
            ('company', '=', Eval('company', -1)),
            ('type.statement', '=', 'income'),
            ],
        states={'invisible': ~_margin},
        help="The accounts of the purchases taken off the turnover.")
    deducted_types = fields.Many2Many(
        'cae.fee.rule-account.account.type', 'rule', 'type',
        "Deducted Account Types",
        domain=[
            ('company', '=', Eval('company', -1)),
            ('statement', '=', 'income'),
            ],
        states={'invisible': ~_margin},
        help="All accounts of these types are taken off as well.")

    # How much
    amount = fields.Numeric(
        "Amount", digits=(16, 2),
        states={
            'required': Eval('base') == 'fixed',
            'invisible': Eval('base') != 'fixed',
            },
        help="The amount of each month.")
    charges = fields.One2Many(
        'cae.fee.charge', 'rule', "Individual Amounts",
        states={'invisible': Eval('base') != 'individual'})
    tiers_on = fields.Selection([
            ('year', "Fiscal Year"),
            ('month', "Each Month"),
            ], "Tiers On", required=True, sort=False,
        states={'invisible': _flat},
        help="Whether the tiers apply to the base of the fiscal year or to "
        "that of each month alone.")
    tiers = fields.One2Many(
        'cae.fee.tier', 'rule', "Tiers",
        states={
            'required': ~_flat,
            'invisible': _flat,
            })
    monthly_minimum = fields.Numeric(
        "Monthly Minimum", digits=(16, 2),
        states={'invisible': Eval('base') == 'individual'},
        help="Owed for every month and never given back.")
    yearly_minimum = fields.Numeric(
        "Yearly Minimum", digits=(16, 2),
        states={'invisible': Eval('base') == 'individual'},
        help="Owed in twelfths over the fiscal year.")
    minimums = fields.One2Many(
        'cae.fee.minimum', 'rule', "Minimums by Contract",
        states={'invisible': Eval('base') == 'individual'},
        help="The minimums of the months under a contract of a type, in "
        "place of those of the rule.")
    yearly_maximum = fields.Numeric(
        "Yearly Maximum", digits=(16, 2),
        states={'invisible': Eval('base') == 'individual'})
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
    exemptions = fields.One2Many(
        'cae.fee.exemption', 'rule', "Exemptions")

    # What may still be changed once there are fees
    _open_fields = {
        'name', 'decision', 'end_date', 'active', 'exemptions', 'charges'}

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

    @staticmethod
    def default_category_mode():
        return 'only'

    @staticmethod
    def default_condition():
        return 'always'

    @staticmethod
    def default_tiers_on():
        return 'year'

    @fields.depends(
        'id', 'company', 'start_date', 'base', 'tiers', 'tiers_on',
        'contract_types', 'associates', 'sectors', 'activities', 'categories',
        'category_mode')
    def on_change_notify(self):
        notifications = super().on_change_notify()
        if (not self.company or not self.start_date or not self.base
                or not self.has_tiers):
            return notifications
        Cap = Pool().get('cae.fee.cap')
        Lang = Pool().get('ir.lang')
        cap = Cap.of_company(self.company, self.start_date)
        try:
            self.rate_scale
        except (AttributeError, TypeError, ValueError):
            # Not all is typed yet
            return notifications
        if cap:
            lang = Lang.get()
            rate = self._cumulated_rate([
                    r for r in self.within(
                        self.company, self.start_date, self.start_date)
                    if r.id != self.id] + [self])
            if ((cap.usual_from is not None and rate < cap.usual_from)
                    or (cap.usual_to is not None and rate > cap.usual_to)):
                notifications.append(('warning', gettext(
                            'cae_billing.msg_fee_rule_unusual',
                            rate=lang.format_number(rate * 100, 2),
                            lower=lang.format_number(
                                (cap.usual_from or 0) * 100, 2),
                            upper=lang.format_number(
                                (1 if cap.usual_to is None
                                    else cap.usual_to) * 100, 2),
                            source=cap.source)))
        return notifications

    # The scale

    @property
    def has_tiers(self):
        return self.base not in {'fixed', 'individual'}

    @property
    def basis(self):
        "The basis of the turnover of the rule"
        return 'collected' if self.base.endswith('collected') else 'invoiced'

    @property
    def rate_scale(self):
        "The pure scale of the rates alone"
        return Scale(
            tiers=tuple((t.up_to, t.rate) for t in self.tiers or []),
            monthly=self.tiers_on == 'month')

    @property
    def scale(self):
        "The pure scale of the rule"
        return self.scale_under([])

    def scale_under(self, types):
        "The pure scale of the rule under contracts of the types, as ids"
        monthly, yearly = self._minimums(types)
        return Scale(
            tiers=self.rate_scale.tiers if self.has_tiers else (),
            fixed=(
                self.amount or Decimal(0) if self.base == 'fixed'
                else Decimal(0)),
            monthly=self.tiers_on == 'month',
            monthly_minimum=monthly,
            yearly_minimum=yearly,
            yearly_maximum=self.yearly_maximum,
            # Nobody is paid for purchases above the turnover
            gives_back=not self.base.startswith('margin'))

    def _minimums(self, types):
        """Return the minimum of the month and of the year under the types.

        The highest of theirs, that of the rule when none of them has a line.
        """
        if self.base == 'individual':
            return None, None
        lines = [m for m in self.minimums if m.type.id in types] or [self]
        values = [
            [getattr(line, name) for line in lines]
            for name in ['monthly_minimum', 'yearly_minimum']]
        return tuple(
            max((v for v in vs if v is not None), default=None)
            for vs in values)

    def minimums_of(self, facts, activity, months):
        "Return {month: (monthly minimum, yearly minimum)} of the activity"
        if not self.minimums:
            return dict.fromkeys(months, self._minimums([]))
        return {
            m: self._minimums(facts.types(activity, m)) for m in months}

    def owed_at_least(self, minimums):
        """Return what the yearly minimums of the months make due to date.

        A twelfth of that of each month; None when the rule has none.
        """
        if all(m.yearly_minimum is None for m in [self, *self.minimums]):
            return None
        return sum((
                Fraction(yearly or 0) for _, yearly in minimums.values()),
            Fraction(0)) / 12

    def deducted(self):
        "Return the ids of the accounts taken off the turnover, or None"
        if self.base not in {'margin_invoiced', 'margin_collected'}:
            return None
        Account = Pool().get('account.account')
        with without_check_access():
            return tuple(a.id for a in Account.search([
                        ('company', '=', self.company.id),
                        ['OR',
                            ('id', 'in', [
                                    a.id for a in self.deducted_accounts]),
                            ('type', 'child_of', [
                                    t.id for t in self.deducted_types],
                                'parent'),
                            ],
                        ], order=[('id', 'ASC')]))

    # Conditions

    def holds(self, date):
        "Return whether the rule is in force at the date"
        return self.start_date <= date and (
            not self.end_date or date <= self.end_date)

    def meets(self, activity):
        "Return whether the activity meets what does not depend on dates"
        if self.activities and activity not in self.activities:
            return False
        return not self.sectors or bool(
            activity.trade and activity.trade.sector in self.sectors)

    def meets_month(self, facts, activity, month):
        "Return whether its holders meet the conditions in the month"
        if self.contract_types and facts.types(
                activity, month).isdisjoint(t.id for t in self.contract_types):
            return False
        return not self.associates or (
            facts.associate(activity, month) == (self.associates == 'only'))

    def condition_months(self, activities, months):
        """Return {activity id: months in which the condition holds}.

        A module that adds a condition extends it.
        """
        return {a.id: set(months) for a in activities}

    @property
    def _conditions(self):
        """The conditions as sets of ids or codes, None for no condition.

        The categories of products come last, with their mode.
        """
        return (
            *(frozenset(r.id for r in records) or None for records in [
                    self.contract_types or [], self.activities or []]),
            frozenset(self.sectors or []) or None,
            frozenset([self.associates]) if self.associates else None,
            (self.category_mode, frozenset(
                    c.id for c in self.categories or []))
            if self.categories else None)

    @classmethod
    def _cumulated_rate(cls, rules):
        "Return the highest rate that the rules can take together"
        known = frozenset(
            [None] + [c.id for r in rules for c in r.categories or []])

        def conditions(rule):
            *others, categories = rule._conditions
            if categories:
                mode, ids = categories
                categories = ids if mode == 'only' else known - ids
            return (*others, categories)
        return cumulated_rate([
                (r.rate_scale, conditions(r))
                for r in rules if r.has_tiers and r.tiers])

    # Checks

    @classmethod
    def check_modification(cls, mode, rules, values=None, external=False):
        if mode == 'write' and values.keys() - cls._open_fields:
            cls.check_charged(rules)
        super().check_modification(
            mode, rules, values=values, external=external)

    @classmethod
    def check_charged(cls, rules):
        "Refuse a change of what fees were computed with"
        Fee = Pool().get('cae.fee')
        with without_check_access():
            fees = Fee.search(
                [('rule', 'in', [r.id for r in rules])], limit=1)
        if fees:
            raise FeePostedError(gettext(
                    'cae_billing.msg_fee_rule_charged',
                    rule=fees[0].rule.rec_name, fee=fees[0].rec_name))

    @classmethod
    def validate_fields(cls, rules, field_names):
        super().validate_fields(rules, field_names)
        cls.check_scale(rules)
        cls.check_margin(rules)
        cls.check_overlap(rules)
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
            for line in [rule, *rule.minimums]:
                if (rule.yearly_maximum is not None
                        and line.yearly_minimum is not None
                        and line.yearly_minimum > rule.yearly_maximum):
                    raise FeeRuleError(gettext(
                            'cae_billing.msg_fee_rule_bounds',
                            rule=rule.rec_name))

    @classmethod
    def check_margin(cls, rules):
        "Refuse a margin that takes nothing off"
        for rule in rules:
            if rule.base.startswith('margin') and not (
                    rule.deducted_accounts or rule.deducted_types):
                raise FeeRuleError(gettext(
                        'cae_billing.msg_fee_rule_margin',
                        rule=rule.rec_name))

    @classmethod
    def check_overlap(cls, rules):
        """Refuse two rules for the same on one account at the same time.

        Tiers, fixed amounts and individual amounts do not exclude each other.
        """
        def key(rule):
            return (
                rule.account, rule.base if not rule.has_tiers else None,
                rule.condition, rule._conditions)
        for rule in rules:
            if not rule.active:
                continue
            for other in cls.search([
                        ('company', '=', rule.company.id),
                        ('account', '=', rule.account.id),
                        ('id', '!=', rule.id),
                        *([('start_date', '<=', rule.end_date)]
                            if rule.end_date else []),
                        ['OR',
                            ('end_date', '=', None),
                            ('end_date', '>=', rule.start_date),
                            ],
                        ], order=[('start_date', 'ASC')]):
                if key(other) == key(rule):
                    first, then = sorted(
                        [rule, other], key=lambda r: r.start_date)
                    raise FeeRuleError(gettext(
                            'cae_billing.msg_fee_rule_overlap',
                            rule=rule.rec_name, first=first.rec_name,
                            date=Pool().get('ir.lang').get().strftime(
                                then.start_date),
                            account=rule.account.rec_name))

    @classmethod
    def check_cap(cls, rules):
        """Refuse rates above the cap of the country of the company.

        Those of one rule and, at each date on which rules or caps begin, all
        those together that can apply to one activity.
        """
        pool = Pool()
        Cap = pool.get('cae.fee.cap')
        lang = pool.get('ir.lang').get()
        for rule in rules:
            if not rule.active or not rule.has_tiers:
                continue
            try:
                rule.rate_scale
            except ValueError:
                # Told by check_scale
                continue
            others = [
                r for r in cls.within(
                    rule.company, rule.start_date, rule.end_date)
                if r != rule]
            starts = {rule.start_date} | {
                r.start_date for r in [*others, *Cap.search([])]
                if rule.holds(r.start_date)}
            for date in sorted(starts):
                cap = Cap.of_company(rule.company, date)
                if not cap or cap.rate is None:
                    continue
                rate = max((t.rate for t in rule.tiers), default=Decimal(0))
                message = 'cae_billing.msg_fee_rule_cap'
                if rate <= cap.rate:
                    rate = cls._cumulated_rate(
                        [rule, *(r for r in others if r.holds(date))])
                    message = 'cae_billing.msg_fee_rule_cap_together'
                if rate > cap.rate:
                    raise FeeRuleError(gettext(
                            message,
                            rule=rule.rec_name,
                            rate=lang.format_number(rate * 100, 2),
                            cap=lang.format_number(cap.rate * 100, 2),
                            country=cap.country,
                            date=lang.strftime(date),
                            source=cap.source))

    @classmethod
    def within(cls, company, start, end):
        """Return the rules of the company in force on a day of the dates.

        Without end, of any day from the start on.
        """
        return cls.search([
                ('company', '=', company.id),
                *([('start_date', '<=', end)] if end else []),
                ['OR',
                    ('end_date', '=', None),
                    ('end_date', '>=', start),
                    ],
                ])

    @classmethod
    def copy(cls, rules, default=None):
        default = default.copy() if default is not None else {}
        # It asks for the same at the same time until its dates are changed
        default.setdefault('active', False)
        return super().copy(rules, default=default)

    @classmethod
    def create(cls, vlist):
        # The conditions and the tiers are checked once all are stored
        with Transaction().set_context(_cae_check_tiers=False):
            return super().create(vlist)

    @classmethod
    def write(cls, *args):
        with Transaction().set_context(_cae_check_tiers=False):
            super().write(*args)


class OfFeeRuleMixin:
    "What is of a fee rule and read with it"
    __slots__ = ()
    rule = fields.Many2One(
        'cae.fee.rule', "Rule", required=True, ondelete='CASCADE')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('rule')


class FeeRuleContractType(OfFeeRuleMixin, ModelSQL):
    __name__ = 'cae.fee.rule-cae.contract.type'
    type = fields.Many2One(
        'cae.contract.type', "Type", required=True, ondelete='RESTRICT')


class FeeRuleActivity(OfFeeRuleMixin, ModelSQL):
    __name__ = 'cae.fee.rule-cae.activity'
    activity = fields.Many2One(
        'cae.activity', "Activity", required=True, ondelete='RESTRICT')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('activity')


class FeeRuleCategory(OfFeeRuleMixin, ModelSQL):
    __name__ = 'cae.fee.rule-product.category'
    category = fields.Many2One(
        'product.category', "Category", required=True, ondelete='RESTRICT')


class FeeRuleAccount(OfFeeRuleMixin, ModelSQL):
    __name__ = 'cae.fee.rule-account.account'
    account = fields.Many2One(
        'account.account', "Account", required=True, ondelete='RESTRICT')


class FeeRuleAccountType(OfFeeRuleMixin, ModelSQL):
    __name__ = 'cae.fee.rule-account.account.type'
    type = fields.Many2One(
        'account.account.type', "Type", required=True, ondelete='RESTRICT')


class FeeRulePart(OfFeeRuleMixin, AmountMixin):
    "A line of a rule: closed with it once there are fees"
    __slots__ = ()

    @classmethod
    def check_modification(cls, mode, lines, values=None, external=False):
        Rule = Pool().get('cae.fee.rule')
        super().check_modification(
            mode, lines, values=values, external=external)
        Rule.check_charged(list({line.rule for line in lines}))


class FeeTier(FeeRulePart, ModelSQL, ModelView):
    __name__ = 'cae.fee.tier'
    __string__ = "Fee Tier"
    up_to = fields.Numeric(
        "Up To", digits=(16, 2),
        domain=['OR', ('up_to', '=', None), ('up_to', '>', 0)],
        help="The base where the tier ends; empty for the last tier.")
    rate = fields.Numeric(
        "Rate", digits=RATE_DIGITS, required=True,
        domain=[('rate', '>=', 0)])

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._order = [
            ('rule', 'ASC'), ('up_to', 'ASC NULLS LAST'), ('id', None)]

    @classmethod
    def validate_fields(cls, tiers, field_names):
        super().validate_fields(tiers, field_names)
        # The tiers of a rule only fit together once all are stored
        Rule = Pool().get('cae.fee.rule')
        if Transaction().context.get('_cae_check_tiers', True):
            Rule.check_cap(list({t.rule for t in tiers}))


class FeeMinimum(FeeRulePart, ModelSQL, ModelView):
    """The minimums of a rule in the months under a type of contract."""
    __name__ = 'cae.fee.minimum'
    __string__ = "Fee Minimum"
    type = fields.Many2One(
        'cae.contract.type', "Contract Type", required=True,
        ondelete='RESTRICT')
    monthly_minimum = fields.Numeric(
        "Monthly Minimum", digits=(16, 2),
        help="Owed for every month and never given back.")
    yearly_minimum = fields.Numeric(
        "Yearly Minimum", digits=(16, 2),
        help="Owed in twelfths over the fiscal year.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('rule_type_unique', Unique(t, t.rule, t.type),
                'cae_billing.msg_fee_minimum_unique'),
            ]
        cls._order = [('rule', 'ASC'), ('id', 'ASC')]


class Fee(CompanyCurrencyMixin, ModelSQL, ModelView):
    """What an activity owes under a rule for a month, posted and frozen.

    The amount is the fee due to date less what was due at the fee before: a
    credit note gives back and a late payment catches up by itself.
    """
    __name__ = 'cae.fee'
    __string__ = "Fee"
    _rec_name = 'number'
    number = fields.Char("Number", required=True, readonly=True)
    company = fields.Many2One(
        'company.company', "Company", required=True, readonly=True)
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

    @classmethod
    def check_modification(cls, mode, fees, values=None, external=False):
        if mode == 'delete' or (mode == 'write' and values.keys() - {'move'}):
            for fee in fees:
                raise FeePostedError(gettext(
                        'cae_billing.msg_fee_posted', fee=fee.rec_name))
        super().check_modification(
            mode, fees, values=values, external=external)

    @classmethod
    def posted(cls, activities, upto):
        """Return {(rule id, activity id): (due, amount)} of the fiscal year.

        What the fees up to the period ``upto`` took as due, and their sum.
        """
        Period = Pool().get('account.period')
        result = defaultdict(lambda: (Decimal(0), Decimal(0)))
        fee, period = cls.__table__(), Period.__table__()
        query = (fee
            .join(period, condition=fee.period == period.id)
            .select(
                fee.rule, fee.activity, Sum(fee.due_change).as_('due'),
                Sum(fee.amount).as_('amount'),
                where=(period.fiscalyear == upto.fiscalyear.id)
                & (period.end_date <= upto.end_date)
                & fields.SQL_OPERATORS['in'](
                    fee.activity, [a.id for a in activities]),
                group_by=[fee.rule, fee.activity]))
        for rule, activity, due, amount in fetch(
                query, [None, None, 'NUMERIC', 'NUMERIC']):
            result[rule, activity] = round_half_up(due), round_half_up(amount)
        return result

    @classmethod
    def compute(cls, activities, period, again=False):
        """Return the values of the fees of the period that are not posted.

        What is due to date in the fiscal year less what was, of each rule in
        force in it: rules that ended are still corrected. Fixed amounts and
        minimums are owed for the months in which the activity may sell:
        nobody pays during a support agreement or after the exit. The fees
        together never take more than the legal cap. ``again`` is to compute
        also those charged in the period, against what they took as due.
        """
        Rule = Pool().get('cae.fee.rule')
        charged = set()
        if not again:
            charged.update((f.rule, f.activity) for f in cls.search([
                        ('period', '=', period.id),
                        ('activity', 'in', [a.id for a in activities]),
                        ]))
        rules = Rule.within(
            period.company, period.fiscalyear.start_date, period.end_date)
        Rule.check_scale(rules)
        facts = Facts(activities, period)
        posted = cls.posted(activities, period)
        result = defaultdict(list)
        month = month_of(period.end_date)
        for rule in rules:
            scale = rule.scale
            counted = facts.counted(rule)
            owed = facts.owed(rule, counted)
            bases = facts.bases(rule, counted) if rule.has_tiers else {}
            for activity in activities:
                if (rule, activity) in charged:
                    continue
                id_ = activity.id
                minimums = rule.minimums_of(facts, activity, owed[id_])
                if rule.base == 'individual':
                    due = sum((
                            facts.charges(rule, activity, m)
                            for m in owed[id_]), Decimal(0))
                else:
                    base = bases.get(id_, [])
                    due = scale.due(
                        base if scale.monthly else sum(base, Decimal(0)),
                        len(owed[id_]), rule.owed_at_least(minimums))
                change = amount = due - posted[rule.id, id_][0]
                if month in owed[id_]:
                    monthly, _ = minimums[month]
                    amount = Scale(monthly_minimum=monthly).fee(change)
                result[id_].append({
                        'company': period.company.id,
                        'activity': id_,
                        'rule': rule.id,
                        'period': period.id,
                        'base': (
                            sum(bases[id_], Decimal(0)) if rule.has_tiers
                            else None),
                        'due_change': change,
                        'amount': amount,
                        })
        cls._cap(result, posted, facts, rules)
        return [
            values for activity in activities for values in result[activity.id]
            if values['amount'] or values['due_change']]

    @classmethod
    def _cap(cls, fees, posted, facts, rules):
        """Cut the values of the fees to the legal cap of the year to date.

        {activity id: [values]} is changed. What is cut is not due: the
        turnover that comes later makes it due again.
        """
        Cap = Pool().get('cae.fee.cap')
        cap = Cap.of_company(facts.company, facts.end)
        if not cap or cap.rate is None:
            return
        turnovers = facts.turnover_capped(
            any(r.has_tiers and r.basis == 'collected' for r in rules))
        others = defaultdict(Decimal)
        for (_, activity), (_, amount) in posted.items():
            others[activity] += amount
        for activity, values in fees.items():
            before = [posted[v['rule'], activity][1] for v in values]
            allowed = round_half_up(
                Fraction(cap.rate) * Fraction(max(turnovers[activity], 0)))
            to_date = [v['amount'] + b for v, b in zip(values, before)]
            for fee, amount, total in zip(values, to_date, cut(
                        to_date, allowed - others[activity] + sum(before))):
                fee['amount'] -= amount - total
                fee['due_change'] -= amount - total

    @classmethod
    def charge(cls, activities, period, origin=None):
        """Compute and post the fees of the period; return them.

        One move per rule for all activities; those that have their fee of
        the period already are left out.
        """
        pool = Pool()
        Configuration = pool.get('cae.configuration')
        Move = pool.get('account.move')
        company = period.company
        configuration = Configuration(1)
        date = period.end_date
        to_create = cls.compute(activities, period)
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
