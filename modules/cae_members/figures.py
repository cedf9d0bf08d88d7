# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The yearly figures of a network of cooperatives, without any database.

Counts are of people; percentages are of the people accompanied, rounded
half-up to the hundredth. What is not known has a key of its own, so that the
parts always add up to the whole.
"""
import datetime as dt
from collections import Counter, defaultdict
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from dateutil.relativedelta import relativedelta

UNKNOWN = 'unknown'
CREATIONS = ['self_employed', 'company', 'cooperative', 'creation']
OUTCOMES = [*CREATIONS, 'employment', 'other']
DIMENSIONS = [
    'gender', 'prior_status', 'education', 'age', 'sector', 'zone']


@dataclass(frozen=True)
class Person:
    """What is known of a person in a cooperative.

    ``left`` is the last day; ``associate`` and ``associate_end`` are the
    first and the last day as an associate; ``contracts`` are (stage, first
    day, last day or None).
    """
    welcomed: dt.date
    entered: dt.date = None
    left: dt.date = None
    outcome: str = None
    associate: dt.date = None
    associate_end: dt.date = None
    gender: str = None
    birth_date: dt.date = None
    prior_status: str = None
    education: str = None
    sector: str = None
    zone: str = None
    contracts: tuple = ()

    @property
    def age(self):
        "The age band at entry"
        if not self.birth_date or not self.entered:
            return None
        years = relativedelta(self.entered, self.birth_date).years
        if years < 30:
            return '-30'
        return '30-50' if years <= 50 else '51+'

    def accompanied(self, start, end):
        return bool(
            self.entered and self.entered <= end
            and (not self.left or self.left >= start))

    def stage(self, date):
        "The stage at the date, None before the welcome and after the exit"
        if self.welcomed > date or (self.left and self.left < date):
            return None
        if self.associated(date):
            return 'associate'
        stages = {
            stage for stage, first, last in self.contracts
            if first <= date and (not last or last >= date)}
        for stage in ['employed', 'cape']:
            if stage in stages:
                return stage
        if self.entered and self.entered <= date:
            return 'candidate'
        return 'welcomed'

    def associated(self, date):
        return bool(
            self.associate and self.associate <= date
            and (not self.associate_end or self.associate_end >= date))


@dataclass(frozen=True)
class Figures:
    """The figures of a period.

    ``outcomes`` is {outcome: count}, ``shares`` is
    {dimension: {key: (count, percentage)}}.
    """
    welcomed: int
    entered: int
    accompanied: int
    left: int
    new_associates: int
    associates: int
    outcomes: dict
    shares: dict


def figures(people, start, end):
    "Return the Figures of the people from start to end, both included"
    people = list(people)

    def within(date):
        return bool(date) and start <= date <= end
    accompanied = [p for p in people if p.accompanied(start, end)]
    left = [p for p in people if p.entered and within(p.left)]
    outcomes = Counter(p.outcome or 'other' for p in left)
    after = end + dt.timedelta(days=1)
    return Figures(
        welcomed=sum(within(p.welcomed) for p in people),
        entered=sum(within(p.entered) for p in people),
        accompanied=len(accompanied),
        left=len(left),
        new_associates=sum(within(p.associate) for p in people),
        # On the morning after: who left on the last day is no longer there
        associates=sum(
            p.associated(end)
            and (p.associated(after) or not p.associate_end)
            for p in people),
        outcomes={outcome: outcomes[outcome] for outcome in OUTCOMES},
        shares={d: shares(getattr(p, d) for p in accompanied)
            for d in DIMENSIONS})


def shares(keys):
    "Return {key: (count, percentage)} of the keys, None being unknown"
    counts = Counter(key or UNKNOWN for key in keys)
    total = sum(counts.values())
    return {
        key: (count, percentage(count, total))
        for key, count in sorted(counts.items())}


def percentage(count, total):
    "Return the percentage, rounded half-up to the hundredth; 0 of nothing"
    if not total:
        return Decimal('0.00')
    return (Decimal(count * 100) / total).quantize(
        Decimal('0.01'), rounding=ROUND_HALF_UP)


def stages(people, dates):
    "Return {date: {stage: number of people}}"
    people = list(people)
    result = defaultdict(Counter)
    for date in dates:
        result[date].update(filter(None, (p.stage(date) for p in people)))
    return result
