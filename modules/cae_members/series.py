# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The moments of a series of sessions, without any database."""
import datetime as dt

from dateutil.relativedelta import relativedelta, weekday


def moments(start, frequency, count):
    """Return the moments of the series that begins with start.

    They are in local time, so that the clock shows the same time in summer
    and in winter. 'monthly' keeps the day of the month, or takes the last one
    of a shorter month; 'monthly_weekday' keeps the weekday and its place in
    the month, and a fifth one is the last.
    """
    if frequency in {'weekly', 'fortnightly'}:
        days = 7 if frequency == 'weekly' else 14
        return [start + dt.timedelta(days=days * i) for i in range(count)]
    if frequency == 'monthly':
        return [start + relativedelta(months=i) for i in range(count)]
    place = (start.day - 1) // 7 + 1
    if place == 5:
        day = {'day': 31, 'weekday': weekday(start.weekday(), -1)}
    else:
        day = {'day': 1, 'weekday': weekday(start.weekday(), place)}
    return [start + relativedelta(months=i, **day) for i in range(count)]
