# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The scale of a fee: tiers, minimums and maximum, free of any database.

Amounts are Decimal in the currency of the company; rates are ratios.
"""
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate

from .apportion import apportion, round_half_up


@dataclass(frozen=True)
class Scale:
    """What a fee rule asks for.

    ``tiers`` are pairs (upper bound of the base or None, rate) in rising
    order, the last one without bound; they apply to the base of the fiscal
    year, or to that of each month when ``monthly``. ``fixed`` is an amount
    for each month.
    """
    tiers: tuple = ()
    fixed: Decimal = Decimal(0)
    monthly_minimum: Decimal | None = None
    yearly_minimum: Decimal | None = None
    yearly_maximum: Decimal | None = None
    monthly: bool = False
    gives_back: bool = True

    def __post_init__(self):
        lower = Decimal(0)
        for index, (upper, rate) in enumerate(self.tiers):
            last = index == len(self.tiers) - 1
            if (upper is None) != last:
                raise ValueError("only the last tier has no upper bound")
            if upper is not None and upper <= lower:
                raise ValueError("the tiers overlap")
            if rate < 0:
                raise ValueError("a rate is negative")
            lower = upper

    def due(self, base, months=12, minimum=None):
        """Return the fee due to date in the fiscal year.

        ``base`` is that of the fiscal year to date, or the bases of its
        months when the scale is monthly. ``months`` is the number of months
        of the year gone by, this one included. ``minimum`` is what is owed at
        least for them, instead of the yearly minimum in twelfths. The monthly
        minimum is not part of it: see ``fee``.
        """
        amount = sum(
            map(self._of_tiers, base if self.monthly else [base]), Decimal(0))
        amount += round_half_up(self.fixed * months)
        if minimum is None and self.yearly_minimum is not None:
            minimum = Fraction(self.yearly_minimum) * months / 12
        if minimum is not None:
            amount = max(amount, round_half_up(minimum))
        if self.yearly_maximum is not None:
            amount = min(amount, self.yearly_maximum)
        return amount

    def _of_tiers(self, base):
        "Return what the tiers ask of a base"
        if base < 0 and not self.gives_back:
            return Decimal(0)
        remaining, lower = abs(Fraction(base)), Fraction(0)
        amount = Fraction(0)
        for upper, rate in self.tiers:
            width = (
                remaining if upper is None
                else min(remaining, Fraction(upper) - lower))
            amount += width * Fraction(rate)
            remaining -= width
            if not remaining:
                break
            lower = Fraction(upper)
        return round_half_up(amount) * (-1 if base < 0 else 1)

    def fee(self, change):
        """Return the fee of a month from the change of what is due to date.

        The monthly minimum is owed every month and never given back.
        """
        if self.monthly_minimum is not None:
            return max(change, self.monthly_minimum)
        return change

    def fees(self, bases):
        """Return the fees of the months of a year whose bases are given."""
        bases = list(bases)
        to_date = (
            [bases[:n] for n in range(1, len(bases) + 1)] if self.monthly
            else accumulate(bases))
        before = Decimal(0)
        result = []
        for months, base in enumerate(to_date, 1):
            due = self.due(base, months)
            result.append(self.fee(due - before))
            before = due
        return result

    def rate_at(self, base):
        """Return the rate of the euro that follows the base of the year.

        It is the highest one when the tiers apply to each month.
        """
        if self.monthly:
            return max(rate for _, rate in self.tiers)
        return next(
            rate for upper, rate in self.tiers
            if upper is None or base < upper)


def cumulated_rate(rules):
    """Return the highest rate that the rules ask together of one euro.

    ``rules`` are pairs (scale with tiers, conditions); conditions is a tuple
    of the same length for all, with a set of what the rule is for, or None
    for anything. The rates of rules add up when something can meet the
    conditions of all.
    """
    def highest(scales):
        levels = {Decimal(0)} | {
            upper for scale in scales for upper, _ in scale.tiers
            if upper is not None}
        return max(
            sum((s.rate_at(level) for s in scales), Decimal(0))
            for level in levels)

    def best(rest, scales, met):
        if not rest:
            return highest(scales)
        (scale, conditions), *rest = rest
        both = tuple(
            b if a is None else a if b is None else a & b
            for a, b in zip(met, conditions))
        result = Decimal(0)
        if all(c is None or c for c in both):
            result = best(rest, [*scales, scale], both)
            if both == met:
                return result
        return max(result, best(rest, scales, met))
    rules = list(rules)
    return best(rules, [], (None,) * len(rules[0][1])) if rules else Decimal(0)


def cut(amounts, allowed):
    """Return the amounts without what their sum has above what is allowed.

    The cut is spread in proportion over those above zero, to the cent, and
    leaves none of them below zero.
    """
    positive = [max(a, Decimal(0)) for a in amounts]
    excess = min(sum(amounts) - allowed, sum(positive))
    if excess <= 0:
        return list(amounts)
    return [a - c for a, c in zip(amounts, apportion(excess, positive))]
