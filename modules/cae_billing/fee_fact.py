# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What the fee rules look at of activities, read for all of them at once."""
import datetime as dt
from collections import defaultdict
from decimal import Decimal

from trytond.pool import Pool

from .month import (
    add_months, month_end, month_of, month_start, months_between, runs)


class Facts:
    """The fiscal year of activities up to the end of a period.

    Months are pairs (year, month). What holds on the last day of a month
    counts for the whole month. The number of queries follows the months and
    the rules, not the activities.
    """

    def __init__(self, activities, period):
        pool = Pool()
        Activity = pool.get('cae.activity')
        self.activities = activities
        self.company = period.company
        self.start = period.fiscalyear.start_date
        self.end = period.end_date
        self.months = months_between(self.start, self.end)
        self.selling = Activity.selling_months(
            activities, self.start, self.end)
        self._contracts = None
        self._associates = None
        self._bases, self._to_dates = {}, {}
        self._conditions = {}
        self._exemptions = self._dated('cae.fee.exemption')
        self._charges = self._dated('cae.fee.charge')

    def _dated(self, name):
        "Return {(rule, activity id): [record]}"
        result = defaultdict(list)
        for record in Pool().get(name).search([
                    ('activity', 'in', [a.id for a in self.activities]),
                    ('from_date', '<=', self.end),
                    ]):
            result[record.rule, record.activity.id].append(record)
        return result

    @property
    def contracts(self):
        if self._contracts is None:
            Activity = Pool().get('cae.activity')
            self._contracts = Activity.contracts_held(
                self.activities, self.end)
        return self._contracts

    def _held(self, activity, month):
        """Return the contracts that count for the month.

        Those in force on its last day, else those that ended last: what the
        customers pay after an exit is charged as before.
        """
        end = month_end(month)
        began = [h for h in self.contracts[activity.id] if h.first <= end]
        held = [h for h in began if not h.last or h.last >= end]
        if began and not held:
            last = max(h.last for h in began)
            held = [h for h in began if h.last == last]
        return held

    def types(self, activity, month):
        "Return the ids of the contract types of the holders in the month"
        return {h.type for h in self._held(activity, month)}

    def associate(self, activity, month):
        "Return whether a holder is an associate in the month"
        if self._associates is None:
            Entrepreneur = Pool().get('cae.entrepreneur')
            self._associates = Entrepreneur.associate_periods(
                [self.company.id])
        for held in self._held(activity, month):
            date = min(filter(None, [month_end(month), held.last]))
            since, until = self._associates.get(
                held.entrepreneur, (dt.date.max, None))
            if since <= date and (not until or until >= date):
                return True
        return False

    def _new(self, rule, activity, month):
        "Return whether the activity is too new for the rule in the month"
        if not rule.free_months:
            return False
        sold = [h.first for h in self.contracts[activity.id] if h.can_sell]
        return sold and month < add_months(
            month_of(min(sold)), rule.free_months)

    def counted(self, rule):
        """Return {activity id: months of the year that the rule is for}."""
        months = {
            m for m in self.months
            if rule.start_date <= month_end(m)
            and (not rule.end_date or month_start(m) <= rule.end_date)}
        dated = bool(
            rule.contract_types or rule.associates or rule.free_months)
        result = {}
        for activity in self.activities:
            counted = set(months) if rule.meets(activity) else set()
            if dated:
                counted = {
                    m for m in counted
                    if rule.meets_month(self, activity, m)
                    and not self._new(rule, activity, m)}
            for exemption in self._exemptions.get((rule, activity.id), []):
                counted = {
                    m for m in counted if not exemption.holds(month_end(m))}
            result[activity.id] = counted
        return result

    def owed(self, rule, counted):
        """Return {activity id: months whose fixed amounts are owed}.

        Those of the months counted in which it may sell and the condition of
        the rule holds.
        """
        if rule.condition not in self._conditions:
            self._conditions[rule.condition] = rule.condition_months(
                self.activities, self.months)
        holds = self._conditions[rule.condition]
        held = {m for m in self.months if rule.holds(month_end(m))}
        return {
            id_: months & held & self.selling[id_] & holds[id_]
            for id_, months in counted.items()}

    def bases(self, rule, counted):
        """Return {activity id: [base]} of the months counted.

        One for each month when the tiers apply to the month; else months that
        follow one another are taken together.
        """
        result = {}
        for id_, months in counted.items():
            result[id_] = []
            for first, last in (
                    [(m, m) for m in sorted(months)]
                    if rule.tiers_on == 'month' else runs(months)):
                start = max(rule.start_date, month_start(first))
                end = min(filter(None, [
                            rule.end_date, month_end(last), self.end]))
                before = start - dt.timedelta(days=1)
                result[id_].append(
                    self.to_date(rule, end)[id_]
                    - self.to_date(rule, before)[id_])
        return result

    def to_date(self, rule, date):
        """Return {activity id: base of the rule up to the date}.

        From the start of the fiscal year; on the collected basis less what
        is not collected at the date. Two dates tell the base between them.
        """
        if rule not in self._bases:
            self._bases[rule] = (
                rule.basis, tuple(rule.categories),
                rule.category_mode == 'only', rule.deducted())
        basis, categories, only, accounts = self._bases[rule]
        turnover = self.turnover(date, basis, categories, only)
        if accounts is None:
            return turnover
        return self._cached(
            ('margin', *self._bases[rule], date), lambda: _less(
                turnover, self._year(
                    date, 'purchases', date, accounts, self.start)))

    def turnover(self, date, basis='invoiced', categories=(), only=True):
        "Return {activity id: turnover} as for to_date"
        invoiced = self._cached(
            ('invoiced', categories, only, date), lambda: self._year(
                date, 'turnovers', date, 'invoiced', self.start, categories,
                only))
        if basis == 'invoiced':
            return invoiced
        return self._cached(
            ('collected', categories, only, date), lambda: _less(
                invoiced, self.not_collected(date, categories, only)))

    def not_collected(self, date, categories=(), only=True):
        "Return {activity id: income not collected at the date}"
        Activity = Pool().get('cae.activity')
        return self._cached(
            ('not_collected', categories, only, date),
            lambda: Activity.not_collected(
                self.activities, date, categories, only))

    def turnover_capped(self, collected):
        """Return {activity id: turnover of the year that a cap looks at}.

        What was invoiced in the year; with fees on the collected basis also
        what was invoiced before and collected in it, which no other year
        counts for them.
        """
        invoiced = self.turnover(self.end)
        result = dict(invoiced)
        if collected:
            before = self.start - dt.timedelta(days=1)
            waiting = self.not_collected(before)
            now = self.not_collected(self.end)
            for id_ in result:
                result[id_] += max(min(
                        waiting[id_] - now[id_], waiting[id_]), Decimal(0))
        return result

    def _year(self, date, name, *args):
        "Return what the method of activities gives, zero before the year"
        Activity = Pool().get('cae.activity')
        if date < self.start:
            return {a.id: Decimal(0) for a in self.activities}
        return getattr(Activity, name)(self.activities, *args)

    def _cached(self, key, read):
        if key not in self._to_dates:
            self._to_dates[key] = read()
        return self._to_dates[key]

    def charges(self, rule, activity, month):
        "Return the sum of the individual amounts of the month"
        return sum((
                c.amount for c in self._charges.get((rule, activity.id), [])
                if c.holds(month_end(month))), Decimal(0))


def _less(amounts, others):
    return {id_: amount - others[id_] for id_, amount in amounts.items()}
