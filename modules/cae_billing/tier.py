# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The scale of a fee: tiers, minimums and maximum, free of any database.

Amounts are Decimal in the currency of the company; rates are ratios.
"""
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate

from .apportion import round_half_up


@dataclass(frozen=True)
class Scale:
    """What a fee rule asks for.

    ``tiers`` are pairs (upper bound of the base of the fiscal year or None,
    rate) in rising order, the last one without bound; ``fixed`` is an amount
    for each month.
    """
    tiers: tuple = ()
    fixed: Decimal = Decimal(0)
    monthly_minimum: Decimal | None = None
    yearly_minimum: Decimal | None = None
    yearly_maximum: Decimal | None = None

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

    def due(self, base, months=12):
        """Return the fee due for a base cumulated over the fiscal year.

        ``months`` is the number of months of the year gone by, this one
        included. The monthly minimum is not part of it: see ``fee``. A base
        below zero owes what its opposite would, negated.
        """
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
        amount = round_half_up(amount) * (-1 if base < 0 else 1)
        amount += round_half_up(self.fixed * months)
        if self.yearly_minimum is not None:
            amount = max(amount, round_half_up(
                    Fraction(self.yearly_minimum) * months / 12))
        if self.yearly_maximum is not None:
            amount = min(amount, self.yearly_maximum)
        return amount

    def fee(self, change):
        """Return the fee of a month from the change of what is due to date.

        The monthly minimum is owed every month and never given back.
        """
        if self.monthly_minimum is not None:
            return max(change, self.monthly_minimum)
        return change

    def fees(self, bases):
        """Return the fees of the months of a year whose bases are given."""
        before = Decimal(0)
        result = []
        for months, base in enumerate(accumulate(bases), 1):
            due = self.due(base, months)
            result.append(self.fee(due - before))
            before = due
        return result
