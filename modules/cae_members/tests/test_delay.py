# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import datetime as dt
import unittest

from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from trytond.modules.cae_members.delay import (
    DAY, interview_due, last_day, lasted, latest_end, membership_deadline,
    shortened, trial_end)

dates = st.dates(dt.date(1990, 1, 1), dt.date(2060, 12, 31))
months = st.integers(1, 60)


@st.composite
def periods(draw):
    first = draw(dates)
    return first, first + draw(st.integers(0, 1500)) * DAY


class DelayTestCase(unittest.TestCase):
    "Test the delays of the law"

    def test_last_day(self):
        for start, n, end in [
                (dt.date(2026, 1, 15), 12, dt.date(2027, 1, 14)),
                (dt.date(2024, 2, 29), 24, dt.date(2026, 2, 27)),
                (dt.date(2026, 9, 1), 18, dt.date(2028, 2, 29)),
                ]:
            with self.subTest(start=start, months=n):
                self.assertEqual(last_day(start, n), end)

    def test_without_former_contract(self):
        start = dt.date(2025, 8, 1)
        self.assertEqual(
            membership_deadline(start, 36, []), dt.date(2028, 8, 1))
        self.assertEqual(trial_end(start, 8, []), dt.date(2026, 3, 31))

    def test_former_contract(self):
        start = dt.date(2025, 8, 1)
        former = [(dt.date(2024, 2, 1), dt.date(2025, 7, 31))]
        self.assertEqual(
            membership_deadline(start, 36, former), dt.date(2027, 2, 1))
        self.assertIsNone(trial_end(start, 8, former))

    def test_former_contracts_with_gap(self):
        start = dt.date(2025, 8, 1)
        former = [
            (dt.date(2024, 3, 1), dt.date(2024, 4, 30)),
            (dt.date(2025, 7, 22), dt.date(2025, 7, 31)),
            ]
        self.assertEqual(lasted(former, start), (2, 10))
        self.assertEqual(trial_end(start, 8, former), dt.date(2026, 1, 21))

    def test_latest_end(self):
        for start, accepted, end in [
                ((2026, 9, 1), (2026, 3, 10), dt.date(2028, 2, 29)),
                ((2027, 1, 15), (2026, 3, 10), dt.date(2028, 3, 9)),
                ]:
            with self.subTest(start=start):
                self.assertEqual(latest_end(
                        dt.date(*start), 18, dt.date(*accepted), 24), end)
        self.assertIsNone(latest_end(dt.date(2026, 1, 1), None))

    @given(dates, st.none() | months, dates, st.none() | months)
    def test_the_earlier_limit_wins(self, start, n, accepted, m):
        limits = [
            last_day(date, n) for date, n in [(start, n), (accepted, m)] if n]
        end = latest_end(start, n, accepted, m)
        self.assertEqual(end is None, not limits)
        for limit in limits:
            self.assertLessEqual(end, limit)
        self.assertIn(end, limits or [None])

    @given(dates, dates, st.lists(st.integers(1, 400), min_size=1, max_size=4))
    def test_renewals_count_as_one(self, start, first, lengths):
        "It does not matter how time without a gap is cut into contracts"
        chain, begin = [], first
        for length in lengths:
            chain.append((begin, begin + (length - 1) * DAY))
            begin += length * DAY
        self.assertEqual(
            lasted(chain, start), lasted([(first, begin - DAY)], start))

    @given(dates, months)
    def test_full_months(self, start, n):
        "The months of a delay are all of it"
        end = last_day(start, n)
        self.assertLess(start, end)
        self.assertEqual(
            shortened(end + DAY, n, [(start, end)]), end + DAY)

    @given(dates, months, st.lists(periods(), max_size=4), periods())
    def test_more_before_is_never_later(self, start, n, former, other):
        self.assertLessEqual(
            shortened(start, n, former + [other]),
            # Months of 28 to 31 days are not added up evenly
            shortened(start, n, former) + 3 * DAY)

    @given(dates, months, st.lists(periods(), max_size=4))
    def test_bounds(self, start, n, former):
        end = shortened(start, n, former)
        self.assertLessEqual(start, end)
        self.assertLessEqual(end, start + relativedelta(months=n))

    @given(dates, st.lists(periods(), min_size=1, max_size=4))
    def test_common_time_counts_once(self, start, former):
        self.assertEqual(lasted(former + former, start), lasted(former, start))

    @given(dates, periods())
    def test_later_contracts_do_not_count(self, start, period):
        first, last = period
        if first >= start:
            self.assertEqual(lasted([period], start), (0, 0))

    def test_interviews(self):
        start = dt.date(2026, 1, 1)
        for today, held, due in [
                (dt.date(2025, 12, 1), [], dt.date(2026, 6, 30)),
                (dt.date(2026, 1, 1), [], dt.date(2026, 6, 30)),
                (dt.date(2026, 9, 1), [], dt.date(2026, 6, 30)),
                (dt.date(2026, 9, 1), [dt.date(2026, 2, 1)],
                    dt.date(2026, 12, 31)),
                (dt.date(2026, 9, 1), [dt.date(2026, 2, 1)] * 3,
                    dt.date(2027, 6, 30)),
                (dt.date(2027, 1, 1), [dt.date(2026, 2, 1)] * 3,
                    dt.date(2027, 6, 30)),
                ]:
            with self.subTest(today=today, held=held):
                self.assertEqual(interview_due(start, held, today, 2), due)

    @given(dates, st.lists(dates, max_size=8), dates, st.integers(1, 4))
    def test_an_interview_never_brings_the_next_nearer(
            self, start, held, today, a_year):
        due = interview_due(start, held, today, a_year)
        self.assertGreater(due, start)
        self.assertGreaterEqual(
            interview_due(start, held + [today], today, a_year), due)
