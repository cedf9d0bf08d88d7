# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Exact splits of an amount, free of any database."""
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from fractions import Fraction


def apportion(amount, weights, quantum=Decimal('0.01')):
    """Split ``amount`` in proportion to ``weights`` by largest remainder.

    The parts are multiples of ``quantum`` and total ``amount`` exactly. What
    rounding down leaves goes, one quantum each, to the parts with the largest
    remainders, the first of equals first. A negative amount is split as its
    opposite. Raises ValueError when the amount is not a multiple of the
    quantum, a weight is negative or all weights are zero.
    """
    weights = [Fraction(w) for w in weights]
    total = sum(weights)
    if not total or any(w < 0 for w in weights):
        raise ValueError("the weights must be positive")
    units = Fraction(abs(amount)) / Fraction(quantum)
    if units.denominator != 1:
        raise ValueError(f"{amount} is not a multiple of {quantum}")
    units = units.numerator
    parts, remainders = [], []
    for index, weight in enumerate(weights):
        exact = units * weight / total
        part = exact.numerator // exact.denominator
        parts.append(part)
        remainders.append((part - exact, index))
    for _, index in sorted(remainders)[:units - sum(parts)]:
        parts[index] += 1
    sign = -1 if amount < 0 else 1
    result = [sign * part * quantum for part in parts]
    assert sum(result) == amount
    return result


def round_half_up(amount, quantum=Decimal('0.01')):
    """Round a Decimal or Fraction half away from zero to the quantum."""
    if isinstance(amount, Decimal) and quantum.as_tuple().digits == (1,):
        return amount.quantize(quantum, rounding=ROUND_HALF_UP)
    units = abs(Fraction(amount)) / Fraction(quantum) + Fraction(1, 2)
    units = units.numerator // units.denominator
    return (Decimal(units) * quantum).quantize(
        quantum, rounding=ROUND_FLOOR) * (-1 if amount < 0 else 1)


def share(amounts, ratio):
    """Return the parts of the amounts for a ratio, rounded as a whole."""
    total = round_half_up(Fraction(sum(amounts)) * ratio)
    if len(amounts) == 1:
        return [total]
    if total and len({a > 0 for a in amounts if a}) == 1:
        return apportion(total, [abs(a) for a in amounts])
    return [round_half_up(Fraction(a) * ratio) for a in amounts]


def round_together(amounts, quantum=Decimal('0.01')):
    """Return the amounts rounded so that they total the rounded sum.

    Each is rounded half away from zero; the quantums that are then too many
    or too few come from the amounts whose rounding was the coarsest that
    way, the first of equals first.
    """
    exact = [Fraction(a) for a in amounts]
    result = [round_half_up(a, quantum) for a in exact]
    excess = sum(result) - round_half_up(sum(exact), quantum)
    sign = 1 if excess > 0 else -1
    order = sorted(
        range(len(result)),
        key=lambda i: (sign * (exact[i] - Fraction(result[i])), i))
    for index in order[:int(abs(excess) / quantum)]:
        result[index] -= sign * quantum
    return result
