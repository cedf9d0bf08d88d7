# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The arithmetic of pay: gross to every line, budget to gross.

Pure: no database and no figure of any law.  The law of a month comes in as
plain tables (see law.py), the formulas are the short closed list below.
Amounts are Decimal in the currency's cents; every base and every line is
rounded half-up to the cent and every total is the sum of rounded lines.
"""
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import NamedTuple

CENT = Decimal('0.01')
COEFFICIENT = Decimal('0.0001')
ZERO = Decimal(0)
ONE = Decimal(1)

REGULARISATIONS = ['none', 'reduction', 'progressive']


class Base(NamedTuple):
    """What a rate applies to.

    gross      the whole pay
    slice      the pay between lower and upper times the parameter
    threshold  the same, but only when the pay exceeds lower
    abated     fraction of the pay up to upper, all of it above, plus the
               employer's benefits
    benefits   what the employer pays for rules marked as benefit
    """
    code: str
    kind: str
    parameter: str = None
    lower: Decimal = ZERO
    upper: Decimal = None
    fraction: Decimal = ONE


class Rule(NamedTuple):
    """A contribution with its rates on the day of the law.

    source says where the rate comes from: the law ('rate'), the establishment
    ('work_accident', 'mobility') or the person's health scheme ('health',
    amounts).  executive is None when the rule is for everybody.  The reduced
    employer rate holds up to reduced_limit times the reference minimum wage.
    An employee share that is not deductible stays in the taxable net; the
    employer share of a taxable benefit is added to it.
    """
    code: str
    kind: str
    base: str = None
    source: str = 'rate'
    employee: Decimal = ZERO
    employer: Decimal = ZERO
    reduced: Decimal = None
    reduced_limit: Decimal = None
    executive: bool = None
    headcount_min: int = 0
    headcount_max: int = None
    deductible: bool = True
    benefit: bool = False
    taxable_benefit: bool = False


class Reduction(NamedTuple):
    """A reduction that falls from its maximum at the minimum wage to nothing.

    coefficient = minimum + delta x ((exit x wage / pay - 1) / (exit - 1))
    ^ power, at most minimum + delta, nothing from exit x wage on.  With
    minimum 0 and power 1 it is the general reduction until 2025 (CSS D241-7),
    with both set the one of 2026.  pension_rate is the part of the maximum
    that is borne by the pension funds.
    """
    code: str
    delta: Decimal
    exit: Decimal
    minimum: Decimal = ZERO
    power: Decimal = ONE
    pension_rate: Decimal = ZERO
    headcount_min: int = 0
    headcount_max: int = None


class Bracket(NamedTuple):
    "The rate of a neutral withholding grid below its upper bound."
    upper: Decimal  # None on the last one
    rate: Decimal


@dataclass(frozen=True)
class Law:
    "All that applies on one day."
    date: object
    parameters: dict
    bases: tuple
    rules: tuple
    reductions: tuple
    scale: tuple  # of Bracket, None when no grid is known


class Establishment(NamedTuple):
    "What depends on the employer; rates are ratios (2.08 % is 0.0208)."
    headcount: int
    work_accident_rate: Decimal = ZERO
    mobility_rate: Decimal = ZERO
    regularisation: str = 'none'


class Terms(NamedTuple):
    """What depends on the person.

    Without weekly hours the working time is the equivalent of the pay: below
    the monthly minimum wage it is the pay divided by it, full time above.
    Without withholding rate the neutral grid applies.
    """
    executive: bool = False
    weekly_hours: Decimal = None
    health_employee: Decimal = ZERO
    health_employer: Decimal = ZERO
    withholding_rate: Decimal = None


class Line(NamedTuple):
    rule: str
    base: Decimal
    employee_rate: Decimal
    employer_rate: Decimal
    employee: Decimal
    employer: Decimal


@dataclass(frozen=True)
class Result:
    """A computed pay.

    employee and employer are the sums of the contribution lines; the cost is
    gross + employer - reduction.  counters are the year to date including
    this pay: give them back for the next one.
    """
    gross: Decimal
    lines: list
    employee: Decimal
    employer: Decimal
    coefficient: Decimal
    reduction: Decimal
    reduction_pension: Decimal
    cost: Decimal
    net_before_tax: Decimal
    net_taxable: Decimal
    net_social: Decimal
    withholding_rate: Decimal
    withholding: Decimal
    net_paid: Decimal
    counters: dict = field(repr=False)


class UnknownValue(LookupError):
    "The law holds no value for what is asked on its date."

    def __init__(self, kind, code, date):
        super().__init__(f"no {kind} {code} on {date}")
        self.kind = kind
        self.code = code
        self.date = date


class NoGross(ArithmeticError):
    "No pay, however small, costs as little as the budget."


def cents(amount):
    "Return the amount rounded half-up to the cent"
    return amount.quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True)
class Scheme:
    "The law narrowed to one establishment and one category of people."
    law: Law
    establishment: Establishment
    executive: bool
    bases: tuple
    benefits: tuple
    rules: tuple
    others: tuple
    reduction: Reduction
    pss: Decimal
    smic: Decimal
    full_time: Decimal


def prepare(law, establishment, executive=False):
    """Select once what applies to all the people of a category.

    Raise UnknownValue when the law misses a parameter.
    """
    def parameter(code):
        try:
            return law.parameters[code]
        except KeyError:
            raise UnknownValue('parameter', code, law.date)

    def applies(item):
        return (item.headcount_min <= establishment.headcount
            and (item.headcount_max is None
                or establishment.headcount <= item.headcount_max))

    bases = {b.code: b for b in law.bases}
    selected, others = [], []
    for rule in law.rules:
        if rule.kind != 'contribution':
            others.append(rule)
            continue
        if not applies(rule) or rule.executive not in {None, executive}:
            continue
        if rule.source in {'work_accident', 'mobility'}:
            rule = rule._replace(
                employer=getattr(establishment, rule.source + '_rate'))
        if rule.source != 'health':
            if not (rule.employee or rule.employer):
                continue
            if rule.base not in bases:
                raise UnknownValue('base', rule.base, law.date)
        selected.append(rule)
    used = {r.base for r in selected}
    # The benefits first: other bases include them
    benefits = tuple(r for r in selected if r.benefit)
    reductions = [r for r in law.reductions if applies(r)]
    return Scheme(
        law=law,
        establishment=establishment,
        executive=executive,
        bases=tuple(b for b in law.bases if b.code in used),
        benefits=benefits,
        rules=tuple(selected),
        others=tuple(others),
        reduction=reductions[0] if reductions else None,
        pss=parameter('pss'),
        # Yearly hours first: three times the wage must stay exact
        smic=(parameter('smic_reduction') * parameter('hours_year')) / 12,
        full_time=parameter('hours_week'),
        )


def _time_ratio(scheme, terms, gross):
    "Return the working time as ratios for the ceiling and the minimum wage"
    if terms.weekly_hours is None:
        if ZERO < gross < scheme.smic:
            return ONE, gross / scheme.smic
        return ONE, ONE
    ratio = min(ONE, terms.weekly_hours / scheme.full_time)
    return ratio, ratio


def _base_value(base, gross, ceiling):
    lower = base.lower * ceiling
    top = gross if base.upper is None else min(gross, base.upper * ceiling)
    if base.kind == 'slice':
        return max(top - lower, ZERO)
    elif base.kind == 'threshold':
        return top if gross > cents(lower) else ZERO
    elif base.kind == 'abated':
        return top * base.fraction + (gross - top)
    raise ValueError(f"unknown kind of base: {base.kind}")


def _bases(scheme, terms, gross, ceiling, counters):
    """Return the bases of the month and the counters they make.

    Regularised, a base is what is due to date less what was counted before.
    """
    total, total_ceiling = gross, ceiling
    progressive = scheme.establishment.regularisation == 'progressive'
    if progressive:
        total += counters.get('gross', ZERO)
        total_ceiling += counters.get('pss', ZERO)
    bases, new = {None: ZERO}, {}
    for base in scheme.bases:
        if base.kind == 'gross':
            bases[base.code] = gross
        elif base.kind != 'benefits':
            value = cents(_base_value(base, total, total_ceiling))
            key = 'base.' + base.code
            before = counters.get(key, ZERO)
            if progressive:
                value -= before
            bases[base.code] = value
            new[key] = before + value
    return bases, new


def _employer_rate(scheme, rule, gross, ratio):
    if (rule.reduced_limit is not None
            and gross <= cents(rule.reduced_limit * scheme.smic * ratio)):
        return rule.reduced
    return rule.employer


def _employer(scheme, terms, gross, bases, ratio):
    """Return the employer amounts in the order of the rules.

    Complete bases with the employer's benefits.
    """
    amounts = []
    benefits = ZERO
    for rule in scheme.benefits:
        if rule.source == 'health':
            benefits += terms.health_employer
        else:
            benefits += cents(bases[rule.base] * rule.employer)
    for base in scheme.bases:
        if base.kind == 'benefits':
            bases[base.code] = benefits
        elif base.kind == 'abated':
            bases[base.code] += benefits
    for rule in scheme.rules:
        if rule.source == 'health':
            amounts.append(terms.health_employer)
        elif rule.reduced_limit is not None:
            amounts.append(cents(bases[rule.base]
                    * _employer_rate(scheme, rule, gross, ratio)))
        elif rule.employer:
            amounts.append(
                (bases[rule.base] * rule.employer).quantize(
                    CENT, ROUND_HALF_UP))
        else:
            amounts.append(ZERO)
    return amounts


def coefficient(reduction, gross, smic):
    """Return the coefficient of a reduction to 4 decimals.

    gross and smic (the reference minimum wage for the same time) may be
    those of a month or of a year to date.
    """
    # Compared in cents: three times 1823.0333... is 5469.10
    if gross <= 0 or gross >= cents(reduction.exit * smic):
        return ZERO
    ratio = (reduction.exit * smic / gross - 1) / (reduction.exit - 1)
    if ratio >= 1:
        degree = ONE
    elif ratio <= 0:
        degree = ZERO
    elif reduction.power == 1:
        degree = ratio
    else:
        degree = ratio ** reduction.power
    return (reduction.minimum + reduction.delta * degree).quantize(
        COEFFICIENT, ROUND_HALF_UP)


def _reduction(scheme, gross, smic, counters, employer):
    """Return the coefficient, the amount of the month and the one to date.

    It is set against the contributions of the employer (CSS L241-13), which
    may round to less; regularised, the year as a whole keeps that.
    """
    if not scheme.reduction:
        return ZERO, ZERO, counters.get('reduction', ZERO)
    before = counters.get('reduction', ZERO)
    if scheme.establishment.regularisation == 'none':
        ratio = coefficient(scheme.reduction, gross, smic)
        amount = min(cents(ratio * gross), employer)
    else:
        gross += counters.get('gross', ZERO)
        smic += counters.get('smic', ZERO)
        ratio = coefficient(scheme.reduction, gross, smic)
        amount = cents(ratio * gross) - before
    return ratio, amount, before + amount


def cost(scheme, terms, gross, counters=None):
    "Return the employer cost of a gross pay: what compute would give"
    counters = counters or {}
    ceiling_ratio, smic_ratio = _time_ratio(scheme, terms, gross)
    bases, _ = _bases(
        scheme, terms, gross, scheme.pss * ceiling_ratio, counters)
    employer = sum(_employer(scheme, terms, gross, bases, smic_ratio), ZERO)
    _, reduction, _ = _reduction(
        scheme, gross, scheme.smic * smic_ratio, counters, employer)
    return gross + employer - reduction


def compute(scheme, terms, gross, counters=None):
    """Return the Result of a gross pay (Decimal, whole cents).

    counters are those of the previous pay of the civil year and contract.
    Raise UnknownValue when the neutral grid is needed and not known.
    """
    if terms.executive != scheme.executive:
        raise ValueError("the scheme is for another category")
    counters = counters or {}
    ceiling_ratio, smic_ratio = _time_ratio(scheme, terms, gross)
    ceiling = scheme.pss * ceiling_ratio
    smic = scheme.smic * smic_ratio
    bases, new = _bases(scheme, terms, gross, ceiling, counters)
    employers = _employer(scheme, terms, gross, bases, smic_ratio)

    lines = []
    employee_total = employer_total = ZERO
    added = ZERO
    for rule, employer in zip(scheme.rules, employers):
        if rule.source == 'health':
            base = employee_rate = employer_rate = None
            employee = terms.health_employee
        else:
            base = bases[rule.base]
            employee_rate = rule.employee
            employer_rate = _employer_rate(scheme, rule, gross, smic_ratio)
            employee = cents(base * rule.employee)
        if not rule.deductible:
            added += employee
        if rule.taxable_benefit:
            added += employer
        employee_total += employee
        employer_total += employer
        if employee or employer:
            lines.append(Line(
                    rule.code, base, employee_rate, employer_rate,
                    employee, employer))

    ratio, reduction, reduction_to_date = _reduction(
        scheme, gross, smic, counters, employer_total)
    pension = ZERO
    if reduction:
        rule = scheme.reduction
        pension = cents(
            reduction * rule.pension_rate / (rule.minimum + rule.delta))
    net = gross - employee_total
    taxable = net + added
    rate = terms.withholding_rate
    if rate is None:
        rate = neutral_rate(scheme.law, taxable)
    withholding = max(cents(taxable * rate), ZERO)

    for rule in scheme.others:
        if rule.kind == 'reduction' and reduction - pension:
            lines.append(Line(
                    rule.code, gross, None, ratio, ZERO, pension - reduction))
        elif rule.kind == 'reduction_pension' and pension:
            lines.append(Line(
                    rule.code, gross, None, None, ZERO, -pension))
        elif rule.kind == 'withholding' and withholding:
            lines.append(Line(
                    rule.code, taxable, rate, None, withholding, ZERO))

    total = gross + employer_total - reduction
    new.update({
            'gross': counters.get('gross', ZERO) + gross,
            'pss': counters.get('pss', ZERO) + ceiling,
            'smic': counters.get('smic', ZERO) + smic,
            'reduction': reduction_to_date,
            'net_taxable': counters.get('net_taxable', ZERO) + taxable,
            'withholding': counters.get('withholding', ZERO) + withholding,
            'net_paid': counters.get('net_paid', ZERO) + net - withholding,
            'cost': counters.get('cost', ZERO) + total,
            })
    return Result(
        gross=gross,
        lines=lines,
        employee=employee_total,
        employer=employer_total,
        coefficient=ratio,
        reduction=reduction,
        reduction_pension=pension,
        cost=total,
        net_before_tax=net,
        net_taxable=taxable,
        net_social=net,
        withholding_rate=rate,
        withholding=withholding,
        net_paid=net - withholding,
        counters={**counters, **new},
        )


def neutral_rate(law, taxable):
    "Return the rate of the neutral grid for a monthly taxable net"
    if not law.scale:
        raise UnknownValue('scale', 'withholding', law.date)
    for bracket in law.scale:
        if bracket.upper is None or taxable < bracket.upper:
            return bracket.rate
    return law.scale[-1].rate


def solve(scheme, terms, budget, counters=None):
    """Return the largest gross whose cost is within the budget.

    Exact to the cent: the cost never falls when the gross rises, so the
    answer is bracketed on whole cents.  Raise NoGross when the cost of a
    gross of zero (a health scheme) is already above the budget.
    """
    def evaluate(n):
        return int(cost(
                scheme, terms, Decimal(n).scaleb(-2), counters) * 100)

    target = int((budget * 100).to_integral_value(ROUND_FLOOR))
    low, low_cost = 0, evaluate(0)
    if low_cost > target:
        raise NoGross(f"{budget} does not pay the cost of a gross of zero")
    # The cost is usually above the gross; refunds of the year to date may
    # bring it below: widen until it exceeds the budget
    high = max(target, 0) + 1
    while (high_cost := evaluate(high)) <= target:
        low, low_cost = high, high_cost
        high *= 2
    turn = 0
    while high - low > 1:
        gap = high - low
        if turn == 2:
            probe = low + gap // 2
        elif turn == 0 or target - low_cost > gap:
            probe = low + (target - low_cost) * gap // (high_cost - low_cost)
        else:
            # A cent of gross costs about a cent or more: the answer is not
            # much farther than what is left
            probe = low + (target - low_cost) + 1
        turn = (turn + 1) % 3
        probe = min(max(probe, low + 1), high - 1)
        value = evaluate(probe)
        if value <= target:
            low, low_cost = probe, value
        else:
            high, high_cost = probe, value
    return Decimal(low).scaleb(-2)
