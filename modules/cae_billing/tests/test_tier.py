# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import unittest
from decimal import Decimal as D
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from trytond.modules.cae_billing.apportion import apportion, round_half_up
from trytond.modules.cae_billing.tier import Scale

CENT = D('0.01')
amounts = st.decimals(
    D('-1000000'), D('1000000'), places=2, allow_nan=False)
weights = st.lists(
    st.decimals(0, 1000, places=3, allow_nan=False),
    min_size=1, max_size=30).filter(any)


@st.composite
def scales(draw):
    bounds = draw(st.lists(
            st.integers(1, 100000), unique=True, max_size=4).map(sorted))
    rates = draw(st.lists(
            st.decimals(0, D('0.5'), places=4, allow_nan=False),
            min_size=len(bounds) + 1, max_size=len(bounds) + 1))
    return Scale(tuple(zip([D(b) for b in bounds] + [None], rates)))


class ApportionTestCase(unittest.TestCase):
    "Test exact splits"

    @given(amounts, weights)
    def test_exact(self, amount, weights):
        "The parts total the amount and are within a cent of their share"
        parts = apportion(amount, weights)
        self.assertEqual(sum(parts), amount)
        total = sum(map(Fraction, weights))
        for part, weight in zip(parts, weights):
            exact = Fraction(amount) * Fraction(weight) / total
            self.assertLess(abs(Fraction(part) - exact), Fraction(CENT))
            if not weight:
                self.assertEqual(part, 0)

    @given(amounts, weights, st.randoms())
    def test_permutation(self, amount, weights, random):
        "The order of the weights does not change the parts"
        shuffled = list(weights)
        random.shuffle(shuffled)
        self.assertEqual(
            sorted(apportion(amount, weights)),
            sorted(apportion(amount, shuffled)))

    @given(amounts, weights)
    def test_monotone(self, amount, weights):
        "A larger weight never takes less"
        parts = apportion(abs(amount), weights)
        pairs = sorted(zip(weights, parts))
        for (smaller, less), (larger, more) in zip(pairs, pairs[1:]):
            if smaller < larger:
                self.assertLessEqual(less, more)

    @given(amounts, weights)
    def test_opposite(self, amount, weights):
        "A negative amount is split as its opposite"
        self.assertEqual(
            apportion(-amount, weights),
            [-p for p in apportion(amount, weights)])

    def test_known(self):
        self.assertEqual(
            apportion(D('333.33'), [60, 40]), [D('200.00'), D('133.33')])
        self.assertEqual(
            apportion(D('0.02'), [1, 1, 1]), [CENT, CENT, D('0.00')])
        self.assertEqual(apportion(D(5), [1, 1], quantum=1), [3, 2])

    def test_refused(self):
        for amount, weights in [
                (D(1), [0, 0]), (D(1), [1, -1]), (D('0.001'), [1])]:
            with self.assertRaises(ValueError):
                apportion(amount, weights)

    def test_round_half_up(self):
        for value, rounded in [
                ('0.005', '0.01'), ('-0.005', '-0.01'), ('2.675', '2.68'),
                ('0.0049', '0.00')]:
            self.assertEqual(round_half_up(D(value)), D(rounded))
        self.assertEqual(round_half_up(Fraction(200, 3)), D('66.67'))


class ScaleTestCase(unittest.TestCase):
    "Test the scale of a fee"

    @given(scales(), st.integers(0, 200000))
    def test_brute_force(self, scale, base):
        "Each euro of the base bears the rate of its tier"
        exact, lower = Fraction(0), 0
        for upper, rate in scale.tiers:
            euros = range(
                lower, base if upper is None else min(base, int(upper)))
            exact += len(euros) * Fraction(rate)
            lower = int(upper or 0)
        self.assertEqual(scale.due(D(base)), round_half_up(exact))

    @given(scales(), amounts, amounts)
    def test_monotone(self, scale, one, other):
        "A larger base never owes less"
        less, more = sorted([one, other])
        self.assertLessEqual(scale.due(less), scale.due(more))

    @given(scales(), amounts)
    def test_opposite(self, scale, base):
        "A base below zero owes the opposite of its opposite"
        self.assertEqual(scale.due(-base), -scale.due(base))

    @given(scales(), st.lists(amounts, min_size=1, max_size=12))
    def test_sum(self, scale, bases):
        "The fees of the months total what is due on the year"
        self.assertEqual(sum(scale.fees(bases)), scale.due(sum(bases)))

    @given(
        scales(), st.lists(amounts, min_size=12, max_size=12),
        st.decimals(0, 100, places=2, allow_nan=False))
    def test_monthly_minimum(self, scale, bases, minimum):
        "No month owes less than the minimum"
        scale = Scale(scale.tiers, monthly_minimum=minimum)
        self.assertGreaterEqual(min(scale.fees(bases)), minimum)

    @given(
        scales(), st.lists(amounts, min_size=12, max_size=12),
        st.decimals(0, 5000, places=2, allow_nan=False),
        st.decimals(5000, 9000, places=2, allow_nan=False))
    def test_yearly_bounds(self, scale, bases, minimum, maximum):
        "The year is between its minimum and its maximum"
        scale = Scale(
            scale.tiers, yearly_minimum=minimum, yearly_maximum=maximum)
        total = sum(scale.fees(bases))
        self.assertGreaterEqual(total, minimum)
        self.assertLessEqual(total, maximum)

    def test_refused(self):
        for tiers in [
                ((D(10), D('.1')),),
                ((None, D('.1')), (None, D('.1'))),
                ((D(10), D('.1')), (D(10), D('.2')), (None, D('.1'))),
                ((D(10), D('.1')), (D(5), D('.2')), (None, D('.1'))),
                ((None, D('-.1')),),
                ]:
            with self.assertRaises(ValueError):
                Scale(tiers)
