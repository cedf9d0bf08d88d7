# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import datetime as dt
from unittest import TestCase

from hypothesis import given
from hypothesis import strategies as st

from trytond.modules.cae_members.series import moments


class SeriesTestCase(TestCase):
    "Test the moments of a series of sessions"

    def days(self, start, frequency, count):
        result = moments(dt.datetime(*start, 18, 30), frequency, count)
        self.assertTrue(all(
                (m.hour, m.minute) == (18, 30) for m in result))
        return [m.strftime('%d/%m') for m in result]

    def test_weeks(self):
        "Test every week and every two weeks"
        self.assertEqual(
            self.days((2026, 12, 24), 'weekly', 3),
            ['24/12', '31/12', '07/01'])
        self.assertEqual(
            self.days((2026, 12, 24), 'fortnightly', 3),
            ['24/12', '07/01', '21/01'])

    def test_months(self):
        "Test the same day of each month, or the last one"
        self.assertEqual(
            self.days((2026, 1, 31), 'monthly', 4),
            ['31/01', '28/02', '31/03', '30/04'])

    def test_weekdays(self):
        "Test the same weekday of each month"
        # The second Tuesday
        self.assertEqual(
            self.days((2026, 1, 13), 'monthly_weekday', 4),
            ['13/01', '10/02', '10/03', '14/04'])
        # The fifth Thursday is the last one
        self.assertEqual(
            self.days((2026, 1, 29), 'monthly_weekday', 4),
            ['29/01', '26/02', '26/03', '30/04'])

    @given(
        st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2100, 1, 1)),
        st.sampled_from(
            ['weekly', 'fortnightly', 'monthly', 'monthly_weekday']),
        st.integers(1, 60))
    def test_series(self, start, frequency, count):
        "Test that each series begins with its start and goes on"
        result = moments(start, frequency, count)
        self.assertEqual(len(result), count)
        self.assertEqual(result[0], start)
        self.assertEqual(result, sorted(set(result)))
        if frequency != 'monthly':
            self.assertEqual({m.weekday() for m in result}, {start.weekday()})
        if frequency.startswith('monthly'):
            months = [m.year * 12 + m.month for m in result]
            self.assertEqual(
                months, list(range(months[0], months[0] + count)))
