# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Values of an aggregated move: few move lines, one analytic line each entry.
"""
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Entry:
    """What one document puts on one account.

    ``account``, ``activity`` and ``party`` are records; ``amount`` is a debit
    when positive and a credit when negative; ``origin`` is the document and
    ``description`` what the holder of the activity reads. ``taxes`` are the
    tax lines of the entry: (tax, 'base' or 'tax', amount). An entry of the
    income statement that is ``alone`` has a line of its own.
    """
    account: object
    amount: Decimal
    activity: object = None
    party: object = None
    origin: object = None
    description: str = ''
    taxes: tuple = ()
    alone: bool = False


def _sides(amount):
    if amount >= 0:
        return {'debit': amount, 'credit': Decimal(0)}
    return {'debit': Decimal(0), 'credit': -amount}


def _tax_lines(entries):
    "Return the values of the tax lines of the entries, if any"
    lines = [
        {'tax': tax.id, 'type': type_, 'amount': amount}
        for entry in entries for tax, type_, amount in entry.taxes]
    return {'tax_lines': [('create', lines)]} if lines else {}


def move_values(company, journal, period, date, description, origin, entries):
    """Return the values to create the move of the entries, or None for none.

    The entries of an account of the income statement share a line per side
    that carries an analytic line for each, but those that stand alone; the
    others are added up by account and party. The entries must balance.
    """
    income, balance = defaultdict(list), defaultdict(list)
    total = Decimal(0)
    for index, entry in enumerate(entries):
        if not entry.amount:
            continue
        total += entry.amount
        if entry.account.type.statement == 'income':
            if not entry.activity:
                raise ValueError("an income statement entry needs an activity")
            key = (
                entry.account, entry.amount > 0,
                index if entry.alone else None)
            income[key].append(entry)
        else:
            key = entry.account, entry.party.id if entry.party else None
            balance[key].append(entry)
    if total:
        raise ValueError(f"the entries do not balance: {total}")
    lines = []
    for (account, _, _), group in income.items():
        lines.append({
                'account': account.id,
                'description': (
                    group[0].description if group[0].alone else None)
                or description,
                'analytic_lines': [('create', [{
                                'account': e.activity.analytic_account.id,
                                'date': date,
                                'origin': str(e.origin) if e.origin else None,
                                'description': e.description or description,
                                **_sides(e.amount),
                                } for e in group])],
                **_tax_lines(group),
                **_sides(sum(e.amount for e in group)),
                })
    for (account, party), group in balance.items():
        amount = sum(e.amount for e in group)
        if not amount:
            continue
        lines.append({
                'account': account.id,
                'party': party,
                'description': (
                    group[-1].description if party else None) or description,
                # A payment wants to know since when
                'maturity_date': date if party else None,
                **_tax_lines(group),
                **_sides(amount),
                })
    if not lines:
        return None
    return {
        'company': company.id,
        'journal': journal.id,
        'period': period.id,
        'date': date,
        'description': description,
        'origin': str(origin) if origin else None,
        'lines': [('create', lines)],
        }
