# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Self-financing share and return ratio"""
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from trytond.modules.cae_billing.funding.ratio import (
    place, return_ratio, self_financing)

LOW, HIGH = Decimal('0.3'), Decimal('0.5')
amounts = st.decimals(0, 10 ** 9, places=2)


def test_self_financing_case():
    "EX-34: 40 % of 500 000, then 25 % with twice the public money"
    share = self_financing(Decimal(180000), Decimal(20000), Decimal(300000))
    assert share == Fraction(40, 100)
    assert place(share, LOW, HIGH) == 'within'
    share = self_financing(Decimal(180000), Decimal(20000), Decimal(600000))
    assert share == Fraction(25, 100)
    assert place(share, LOW, HIGH) == 'below'


def test_return_ratio_case():
    "EX-35: 2.4 times"
    ratio = return_ratio(
        Decimal(300000), Decimal(20000), Decimal(400000), Decimal(300000))
    assert ratio == Fraction(24, 10)
    assert place(ratio, 2, 4) == 'within'


def test_nothing_to_share():
    assert self_financing(0, 0, 0) is None
    assert return_ratio(1, 1, 1, 0) is None
    assert place(None, LOW, HIGH) is None


def test_bounds_are_within():
    assert [place(s, LOW, HIGH) for s in map(
            Decimal, ['0.29999', '0.3', '0.5', '0.50001'])] == [
        'below', 'within', 'within', 'above']


@given(amounts, amounts, amounts)
def test_self_financing_share(contributions, other, public):
    "The private and the public shares total one"
    share = self_financing(contributions, other, public)
    if share is None:
        assert contributions + other + public == 0
    else:
        assert 0 <= share <= 1
        assert share + self_financing(public, 0, contributions + other) == 1


@given(amounts, amounts, amounts, amounts.filter(bool), st.integers(1, 9))
def test_return_ratio_scale(vat, taxes, contributions, public, times):
    "It does not depend on the unit of money"
    assert return_ratio(vat, taxes, contributions, public) == return_ratio(
        vat * times, taxes * times, contributions * times, public * times)
