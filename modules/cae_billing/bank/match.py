# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Which documents a line of the bank may settle, free of any database."""
import re
from dataclasses import dataclass
from decimal import Decimal

# A shorter number stands in a text by chance
SHORTEST = 4


@dataclass(frozen=True)
class Candidate:
    """What is open and may be behind a line of the bank.

    ``amount`` has the sign of the bank: positive when it is to be received.
    ``names`` are the numbers and references that its payer may write.
    """
    document: object
    amount: Decimal
    party: object = None
    account: object = None
    names: tuple = ()


def _plain(text):
    return re.sub(r'[^0-9A-Z]+', ' ', (text or '').upper()).strip()


def _named(candidate, text, amount):
    for name in map(_plain, candidate.names):
        if (len(name) >= SHORTEST or name and candidate.amount == amount) and (
                f' {name} ' in text):
            return True
    return False


def match(amount, text, party, candidates):
    """Return [(candidate, amount)] of what the line most likely settles.

    In this order: the only document that is named in the text, all those
    named when they total the amount, the one of them that has the amount;
    the only document of the party with the amount, or all of the party; the
    only document of anybody with the amount. Nothing when in doubt. One
    that is named may be settled in part, or leave a rest of the line.
    """
    if not amount:
        return []
    text = f' {_plain(text)} '
    named = [c for c in candidates if _named(c, text, amount)]
    if party:
        # Numbers of suppliers are unique for each of them only
        named = [c for c in named if c.party == party] or named
    if named:
        if sum(c.amount for c in named) == amount:
            return [(c, c.amount) for c in named]
        same = [c for c in named if c.amount == amount]
        if len(same) == 1:
            named = same
        if len(named) == 1 and named[0].amount * amount > 0:
            size = min(abs(named[0].amount), abs(amount))
            return [(named[0], size.copy_sign(amount))]
        return []
    if party:
        own = [c for c in candidates if c.party == party]
        same = [c for c in own if c.amount == amount]
        if len(same) == 1:
            return [(same[0], amount)]
        if not same and own and sum(c.amount for c in own) == amount:
            return [(c, c.amount) for c in own]
        return []
    same = [c for c in candidates if c.amount == amount]
    return [(same[0], amount)] if len(same) == 1 else []
