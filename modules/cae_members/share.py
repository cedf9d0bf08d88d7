# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Shares of an activity over time, without any database."""
import datetime as dt
from decimal import Decimal


def wrong_total(periods):
    """Return the first date at which shares do not total 1, with the total.

    `periods` is a list of (from_date, to_date or None, share), the last day
    included. Dates that no period covers are not looked at.
    Return None when every covered date totals exactly 1.
    """
    changes = {}
    for from_date, to_date, share in periods:
        total, count = changes.get(from_date, (Decimal(0), 0))
        changes[from_date] = total + share, count + 1
        if to_date and to_date < dt.date.max:
            after = to_date + dt.timedelta(days=1)
            total, count = changes.get(after, (Decimal(0), 0))
            changes[after] = total - share, count - 1
    total, count = Decimal(0), 0
    for date in sorted(changes):
        change, number = changes[date]
        total += change
        count += number
        if count and total != 1:
            return date, total
