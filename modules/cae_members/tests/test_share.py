# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import datetime as dt
import unittest
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from trytond.modules.cae_members.share import wrong_total

START = dt.date(2026, 1, 1)
DAYS = 40


def day(n):
    return START + dt.timedelta(days=n)


periods = st.lists(st.tuples(
        st.integers(0, DAYS), st.none() | st.integers(0, DAYS),
        st.sampled_from(['0.25', '0.5', '0.75', '1']),
        ).filter(lambda p: p[1] is None or p[0] <= p[1]).map(
        lambda p: (
            day(p[0]), day(p[1]) if p[1] is not None else None,
            Decimal(p[2]))),
    max_size=6)


class ShareTestCase(unittest.TestCase):
    "Test the shares of an activity"

    def test_examples(self):
        "Test shares that total 1 and shares that do not"
        full, half = Decimal(1), Decimal('0.5')
        for periods_, wrong in [
                ([], None),
                ([(day(0), None, full)], None),
                ([(day(0), day(3), full), (day(6), None, full)], None),
                ([(day(0), day(3), full), (day(4), None, half),
                    (day(4), None, half)], None),
                ([(day(0), None, half)], (day(0), half)),
                ([(day(0), day(3), full), (day(3), None, full)],
                    (day(3), Decimal(2))),
                ([(day(0), None, half), (day(0), day(9), half)],
                    (day(10), half)),
                ]:
            with self.subTest(periods=periods_):
                self.assertEqual(wrong_total(periods_), wrong)

    @given(periods)
    def test_day_by_day(self, periods_):
        "Test that the first wrong date is the one found day by day"
        expected = None
        for n in range(DAYS + 2):
            shares = [
                share for from_date, to_date, share in periods_
                if from_date <= day(n) <= (to_date or dt.date.max)]
            if shares and sum(shares) != 1:
                expected = day(n), sum(shares)
                break
        self.assertEqual(wrong_total(periods_), expected)

    @given(periods, st.randoms())
    def test_order(self, periods_, random):
        "Test that the order of the holders does not matter"
        shuffled = list(periods_)
        random.shuffle(shuffled)
        self.assertEqual(wrong_total(shuffled), wrong_total(periods_))
