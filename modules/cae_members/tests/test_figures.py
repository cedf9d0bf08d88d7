# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import datetime as dt
import unittest
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from trytond.modules.cae_members.figures import (
    DIMENSIONS, OUTCOMES, Person, figures, percentage, stages)

START, END = dt.date(2026, 1, 1), dt.date(2026, 12, 31)
dates = st.dates(dt.date(2024, 1, 1), dt.date(2028, 12, 31))
some_dates = st.none() | dates


@st.composite
def people(draw):
    days = sorted(draw(st.lists(dates, min_size=4, max_size=4)))
    count = draw(st.integers(1, 4))
    welcomed, entered, associate, left = (
        days[:count] + [None] * (4 - count))
    return Person(
        welcomed=welcomed, entered=entered, associate=associate, left=left,
        associate_end=left,
        outcome=left and draw(st.sampled_from([None, *OUTCOMES])),
        gender=draw(st.sampled_from([None, 'female', 'male'])),
        birth_date=draw(st.none() | st.dates(
                dt.date(1940, 1, 1), dt.date(2005, 12, 31))),
        contracts=((draw(st.sampled_from(['cape', 'employed'])),
                entered, left),) if entered else ())


class FiguresTestCase(unittest.TestCase):
    "Test the yearly figures of a network"

    def test_age_bands(self):
        for birth_date, band in [
                (dt.date(1996, 3, 2), '-30'),
                (dt.date(1996, 3, 1), '30-50'),
                (dt.date(1975, 3, 2), '30-50'),
                (dt.date(1975, 3, 1), '51+'),
                (None, None),
                ]:
            with self.subTest(birth_date=birth_date):
                person = Person(
                    welcomed=START, entered=dt.date(2026, 3, 1),
                    birth_date=birth_date)
                self.assertEqual(person.age, band)

    def test_accompanied(self):
        for entered, left, accompanied in [
                (None, None, False),
                (dt.date(2025, 5, 1), None, True),
                (dt.date(2025, 5, 1), dt.date(2025, 12, 31), False),
                (dt.date(2025, 5, 1), dt.date(2026, 1, 1), True),
                (dt.date(2026, 12, 31), None, True),
                (dt.date(2027, 1, 1), None, False),
                ]:
            with self.subTest(entered=entered, left=left):
                person = Person(
                    welcomed=dt.date(2025, 1, 1), entered=entered, left=left)
                self.assertEqual(
                    person.accompanied(START, END), accompanied)

    def test_welcomed_who_go_are_no_exits(self):
        result = figures([Person(
                    welcomed=dt.date(2026, 2, 1), left=dt.date(2026, 3, 1))],
            START, END)
        self.assertEqual((result.welcomed, result.left), (1, 0))

    def test_percentage(self):
        self.assertEqual(percentage(1, 3), Decimal('33.33'))
        self.assertEqual(percentage(1, 800), Decimal('0.13'))
        self.assertEqual(percentage(0, 0), Decimal(0))

    @given(st.lists(people(), max_size=20))
    def test_parts_add_up(self, group):
        result = figures(group, START, END)
        self.assertEqual(sum(result.outcomes.values()), result.left)
        self.assertEqual(list(result.shares), DIMENSIONS)
        for shares in result.shares.values():
            self.assertEqual(
                sum(count for count, _ in shares.values()),
                result.accompanied)
            if shares:
                self.assertLess(
                    abs(sum(p for _, p in shares.values()) - 100),
                    Decimal('0.01') * len(shares))

    @given(st.lists(people(), max_size=20), st.integers(0, 20))
    def test_companies_add_up(self, group, cut):
        "The counts of two cooperatives are those of both together"
        both = figures(group, START, END)
        parts = [figures(g, START, END) for g in (group[:cut], group[cut:])]
        for name in ['welcomed', 'entered', 'accompanied', 'left',
                'new_associates', 'associates']:
            self.assertEqual(
                getattr(both, name), sum(getattr(p, name) for p in parts))

    @given(st.lists(people(), max_size=20))
    def test_who_stayed_has_a_stage(self, group):
        counts = stages(group, [END])[END]
        self.assertEqual(
            sum(counts.values()),
            sum(p.welcomed <= END and (not p.left or p.left >= END)
                for p in group))
