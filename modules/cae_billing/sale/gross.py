# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The price without tax of what is sold at a price with tax."""
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

CENT = Decimal('0.01')
STEP = Decimal('0.0001')


def line_total(price, quantity, rate, cent=CENT):
    """Return the total with tax of a line, as Tryton rounds it.

    The amount and the tax are each rounded to the cent, half to even.
    """
    amount = Fraction(price) * Fraction(quantity)
    return _round(amount, cent) + _round(amount * Fraction(rate), cent)


def net_price(gross, quantity, rate, cent=CENT, step=STEP):
    """Return the unit price without tax for one that includes it.

    ``rate`` is that of all taxes together, 0.2 for 20 %, ``step`` the
    precision of the result. The total with tax of the line is the quantity at
    the gross price, to the cent. Some totals do not exist: at 20 % there is
    no amount that makes 1.05 with its tax. Then it is the closest one.
    """
    quantity, rate = Fraction(quantity), Fraction(rate)
    exact = Fraction(gross) / (1 + rate)
    price = _round(exact, step)
    if not quantity:
        return price
    target = _round(Fraction(gross) * quantity, cent)

    def distance(price):
        return (
            abs(line_total(price, quantity, rate, cent) - target),
            abs(Fraction(price) - exact))
    # Where the amount, or the tax on it, is rounded to the next cent
    middle = _round(Fraction(target) / (1 + rate), cent)
    prices = {price}
    for half in range(-3, 4):
        edge = _round(
            (Fraction(middle) + half * Fraction(cent) / 2) / quantity, step)
        prices.update([edge - step, edge, edge + step])
    tax = _round(Fraction(target) - Fraction(middle), cent)
    if rate:
        for half in [-3, -1, 1, 3]:
            edge = _round(
                (Fraction(tax) + half * Fraction(cent) / 2)
                / rate / quantity, step)
            prices.update([edge - step, edge, edge + step])
    return min(prices, key=distance)


def _round(number, step):
    "Return the fraction as a multiple of the step, half to even"
    number = Fraction(number) / Fraction(step)
    return (Decimal(round(number)) * step).quantize(
        step, rounding=ROUND_HALF_EVEN)
