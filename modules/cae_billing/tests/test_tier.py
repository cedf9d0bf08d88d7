# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import datetime as dt
import itertools
import unittest
from decimal import Decimal as D
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from trytond.modules.cae_billing.apportion import (
    apportion, round_half_up, round_together)
from trytond.modules.cae_billing.month import (
    add_months, month_end, month_of, month_start, months_between, runs)
from trytond.modules.cae_billing.tier import Scale, cumulated_rate, cut

CENT = D('0.01')
amounts = st.decimals(
    D('-1000000'), D('1000000'), places=2, allow_nan=False)
weights = st.lists(
    st.decimals(0, 1000, places=3, allow_nan=False),
    min_size=1, max_size=30).filter(any)


@st.composite
def scales(draw, monthly=st.just(False)):
    bounds = draw(st.lists(
            st.integers(1, 100000), unique=True, max_size=4).map(sorted))
    rates = draw(st.lists(
            st.decimals(0, D('0.5'), places=4, allow_nan=False),
            min_size=len(bounds) + 1, max_size=len(bounds) + 1))
    return Scale(
        tuple(zip([D(b) for b in bounds] + [None], rates)),
        monthly=draw(monthly))


months = st.integers(0, 11)
documents = st.lists(st.tuples(months, amounts), max_size=20)


def due(scale, documents):
    "Return what the documents (month, amount) of the year make due"
    bases = [
        sum((a for m, a in documents if m == month), D(0))
        for month in range(12)]
    return scale.due(bases if scale.monthly else sum(bases))


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

    @given(st.lists(
            st.fractions(
                -1000, 1000, max_denominator=10 ** 6), max_size=12))
    def test_round_together(self, amounts):
        "The parts total the rounded whole, each less than a cent away"
        parts = round_together(amounts)
        self.assertEqual(sum(parts), round_half_up(sum(amounts)))
        for part, amount in zip(parts, amounts):
            self.assertLess(abs(Fraction(part) - amount), Fraction(CENT))

    def test_round_together_cases(self):
        third = Fraction(100, 3)
        self.assertEqual(
            round_together([third] * 3),
            [D('33.34'), D('33.33'), D('33.33')])
        self.assertEqual(
            round_together([-third] * 3),
            [D('-33.34'), D('-33.33'), D('-33.33')])
        self.assertEqual(
            round_together([D('0.005'), D('0.005'), D(2)]),
            [D('0.00'), D('0.01'), D(2)])
        self.assertEqual(round_together([]), [])

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

    @given(
        scales(st.booleans()), st.lists(amounts, min_size=1, max_size=12))
    def test_sum(self, scale, bases):
        "The fees of the months total what is due on the year"
        self.assertEqual(
            sum(scale.fees(bases)),
            scale.due(bases if scale.monthly else sum(bases)))

    @given(
        scales(st.booleans()), documents, st.randoms(),
        st.lists(st.integers(0, 20), max_size=5))
    def test_order(self, scale, documents, random, closings):
        "What was charged at the end does not depend on the order"
        arrived = list(documents)
        random.shuffle(arrived)
        charged = D(0)
        for number in [*sorted(closings), len(arrived)]:
            charged += due(scale, arrived[:number]) - charged
        self.assertEqual(charged, due(scale, documents))

    @given(scales(), st.lists(amounts, min_size=1, max_size=12))
    def test_margin(self, scale, bases):
        "Below zero nothing is owed, nor given beyond what was"
        scale = Scale(scale.tiers, gives_back=False)
        fees = scale.fees(bases)
        for number in range(1, len(fees) + 1):
            self.assertGreaterEqual(sum(fees[:number]), 0)

    @given(scales(), st.integers(0, 100000))
    def test_rate_at(self, scale, base):
        "The next euro bears its rate"
        self.assertEqual(
            round_half_up(10000 * (Fraction(scale.rate_at(D(base))))),
            round_half_up(10000 * sum(
                    Fraction(rate) for (upper, rate), lower in zip(
                        scale.tiers, [0, *(u for u, _ in scale.tiers)])
                    if lower <= base and (upper is None or base < upper))))

    def test_monthly(self):
        "Tiers of each month alone"
        scale = Scale(((D(1000), D('.12')), (None, D('.08'))), monthly=True)
        self.assertEqual(
            scale.fees([D(1500), D(500), D(-1500)]), [160, 60, -160])
        self.assertEqual(scale.rate_at(D(5000)), D('.12'))

    def test_minimum_to_date(self):
        "The minimum of other months than those of the rule"
        scale = Scale(((None, D('.1')),), yearly_minimum=D(1200))
        self.assertEqual(scale.due(D(0), 6), 600)
        self.assertEqual(scale.due(D(0), 6, Fraction(1000)), 1000)
        self.assertEqual(scale.due(D(20000), 6, Fraction(1000)), 2000)

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


class CapTestCase(unittest.TestCase):
    "Test rates and amounts that add up"

    @given(st.lists(amounts, max_size=6), amounts)
    def test_cut(self, fees, allowed):
        "Never above what is allowed, and no further from it than needed"
        result = cut(fees, allowed)
        for fee, left in zip(fees, result, strict=True):
            self.assertLessEqual(left, fee)
            self.assertTrue(left == fee or 0 <= left)
        total = sum(fees)
        if total <= allowed:
            self.assertEqual(result, fees)
        elif any(left > 0 for left in result):
            self.assertEqual(sum(result), allowed)

    @given(
        st.lists(scales(), min_size=1, max_size=3), documents, st.randoms(),
        st.lists(st.integers(0, 20), max_size=5))
    def test_never_above(self, rules, documents, random, closings):
        "The fees to date follow the cap, whatever the order of documents"
        def capped(documents):
            turnover = sum((a for _, a in documents), D(0))
            return cut(
                [due(s, documents) for s in rules],
                round_half_up(Fraction(max(turnover, 0)) * 15 / 100))
        arrived = list(documents)
        random.shuffle(arrived)
        dues, charged = [D(0)] * len(rules), [D(0)] * len(rules)
        for number in [*sorted(closings), len(arrived)]:
            known = arrived[:number]
            changes = [due(s, known) - d for s, d in zip(rules, dues)]
            turnover = sum((a for _, a in known), D(0))
            allowed = round_half_up(Fraction(max(turnover, 0)) * 15 / 100)
            to_date = [c + d for c, d in zip(changes, charged)]
            after = cut(to_date, allowed)
            dues = [
                d + change - (t - a)
                for d, change, t, a in zip(dues, changes, to_date, after)]
            charged = after
            self.assertLessEqual(sum(charged), max(allowed, D(0)))
        self.assertEqual(charged, capped(documents))
        self.assertEqual(dues, charged)

    def test_known(self):
        "8,000 then 7,000 at 15 %, with a fixed amount"
        self.assertEqual(cut([D(1200), D(10)], D(1200)), [
                D('1190.08'), D('9.92')])
        self.assertEqual(cut([D(1200)], D(1050)), [1050])
        self.assertEqual(cut([D(-10), D(50)], D(30)), [-10, 40])
        self.assertEqual(cut([D(10)], D(-5)), [0])

    @given(st.lists(st.tuples(scales(), st.lists(
                    st.none() | st.frozensets(st.integers(0, 2), min_size=1),
                    min_size=2, max_size=2)), max_size=5))
    def test_cumulated_rate(self, rules):
        "As found by trying every case and every euro"
        bounds = {D(0)} | {
            upper for scale, _ in rules for upper, _ in scale.tiers if upper}
        expected = max(
            sum(
                scale.rate_at(level) for scale, conditions in rules
                if all(s is None or v in s for s, v in zip(conditions, case)))
            for level in bounds
            for case in itertools.product(range(4), repeat=2))
        self.assertEqual(
            cumulated_rate([(s, tuple(c)) for s, c in rules]), expected)


class MonthTestCase(unittest.TestCase):
    "Test the months"

    @given(st.dates(dt.date(2000, 1, 1), dt.date(2050, 1, 1)), st.integers(
            -30, 30))
    def test_add(self, date, number):
        month = month_of(date)
        other = add_months(month, number)
        self.assertEqual(add_months(other, -number), month)
        self.assertLessEqual(month_start(month), date)
        self.assertLessEqual(date, month_end(month))
        self.assertEqual(
            month_end(month) + dt.timedelta(1),
            month_start(add_months(month, 1)))

    @given(st.sets(st.integers(0, 40)))
    def test_runs(self, numbers):
        "The runs cover the months, and two of them never touch"
        months = {add_months((2025, 1), n) for n in numbers}
        found = runs(months)
        self.assertEqual(months, {
                m for first, last in found for m in months_between(
                    month_start(first), month_end(last))})
        for (_, last), (first, _) in zip(found, found[1:]):
            self.assertLess(add_months(last, 1), first)
