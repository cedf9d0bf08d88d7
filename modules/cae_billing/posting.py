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
    ``description`` what the holder of the activity reads.
    """
    account: object
    amount: Decimal
    activity: object = None
    party: object = None
    origin: object = None
    description: str = ''


def _sides(amount):
    if amount >= 0:
        return {'debit': amount, 'credit': Decimal(0)}
    return {'debit': Decimal(0), 'credit': -amount}


def move_values(company, journal, period, date, description, origin, entries):
    """Return the values to create the move of the entries, or None for none.

    The entries of an account of the income statement share a line per side
    that carries an analytic line for each; the others are added up by account
    and party. The entries must balance.
    """
    income, balance = defaultdict(list), defaultdict(Decimal)
    parties = {}
    total = Decimal(0)
    for entry in entries:
        if not entry.amount:
            continue
        total += entry.amount
        if entry.account.type.statement == 'income':
            if not entry.activity:
                raise ValueError("an income statement entry needs an activity")
            income[entry.account, entry.amount > 0].append(entry)
        else:
            key = entry.account, entry.party.id if entry.party else None
            parties[key] = entry
            balance[key] += entry.amount
    if total:
        raise ValueError(f"the entries do not balance: {total}")
    lines = []
    for (account, _), group in income.items():
        lines.append({
                'account': account.id,
                'description': description,
                'analytic_lines': [('create', [{
                                'account': e.activity.analytic_account.id,
                                'date': date,
                                'origin': str(e.origin) if e.origin else None,
                                'description': e.description or description,
                                **_sides(e.amount),
                                } for e in group])],
                **_sides(sum(e.amount for e in group)),
                })
    for (account, party), amount in balance.items():
        if not amount:
            continue
        entry = parties[account, party]
        lines.append({
                'account': account.id,
                'party': party,
                'description': (
                    entry.description if party else None) or description,
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
