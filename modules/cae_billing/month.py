# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Calendar months as pairs (year, month), free of any database."""
import datetime as dt


def month_of(date):
    "Return the month of the date"
    return date.year, date.month


def month_start(month):
    "Return the first day of the month"
    return dt.date(*month, 1)


def month_end(month):
    "Return the last day of the month"
    return month_start(add_months(month, 1)) - dt.timedelta(days=1)


def add_months(month, number):
    "Return the month that many months later, earlier when negative"
    year, index = divmod(month[0] * 12 + month[1] - 1 + number, 12)
    return year, index + 1


def months_between(start, end):
    "Return the months from that of the first date to that of the last"
    result = []
    month = month_of(start)
    while month <= month_of(end):
        result.append(month)
        month = add_months(month, 1)
    return result


def runs(months):
    """Return pairs (first, last) of the months that follow one another."""
    result = []
    for month in sorted(months):
        if result and add_months(result[-1][1], 1) == month:
            result[-1] = result[-1][0], month
        else:
            result.append((month, month))
    return result
