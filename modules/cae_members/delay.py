# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The delays of the law, without any database.

Periods are pairs (first day, last day), both days included.
"""
import datetime as dt

from dateutil.relativedelta import relativedelta

DAY = dt.timedelta(days=1)


def last_day(start, months):
    """Return the last day of the months that begin on the start date."""
    return start + relativedelta(months=months) - DAY


def latest_end(start, months, acceptance=None, acceptance_months=None):
    """Return the last day of a limited contract, None without any limit.

    The months run from the start, the others from the acceptance of the
    project; what is reached first counts.
    """
    return min((
            last_day(date, n) for date, n in [
                (start, months), (acceptance, acceptance_months)]
            if date and n), default=None)


def lasted(periods, before):
    """Return how long the periods lasted before the date, as (months, days).

    Time without a gap is counted in whole months from its first day, then in
    days: a contract and its renewals are one. What periods have in common
    counts once.
    """
    spans = []
    for first, last in sorted(periods):
        end = min(last + DAY, before)
        if first >= end:
            continue
        if spans and first <= spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], end)
        else:
            spans.append([first, end])
    lengths = [relativedelta(end, first) for first, end in spans]
    return (
        sum(length.years * 12 + length.months for length in lengths),
        sum(length.days for length in lengths))


def shortened(start, months, periods):
    """Return the first day after the months, less what the periods lasted.

    It is never before the start.
    """
    months_before, days_before = lasted(periods, start)
    end = (start + relativedelta(months=months - months_before)
        - dt.timedelta(days=days_before))
    return max(start, end)


def membership_deadline(start, months, periods):
    """Return the day the contract ends if the person is no associate by then.

    The months run from the start of the contract, less the time of the former
    contracts between the parties (Code du travail, art. L7331-3).
    """
    return shortened(start, months, periods)


def trial_end(start, months, periods):
    """Return the last day that a trial may last, None when none is allowed.

    The months include the renewal; the time of the former contracts is taken
    off (Code du travail, art. L7332-1).
    """
    end = shortened(start, months, periods) - DAY
    return end if end >= start else None


def interview_due(start, held, today, a_year):
    """Return the last day for the next interview of a contract.

    There are so many a year, counted from the start of the contract; each has
    its equal part of the year. ``held`` are the dates of those that were; one
    more than owed in a year is not carried over to the next (Code du travail,
    art. R7331-1 and following: two individual interviews a year).
    """
    today = max(today, start)
    years = relativedelta(today, start).years
    done = sum(
        start + relativedelta(years=years) <= date
        < start + relativedelta(years=years + 1) for date in held)
    if done >= a_year:
        years, done = years + 1, 0
    months = 12 * (years * a_year + done + 1) // a_year
    return last_day(start, months)
