# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What the law of services à la personne computes, free of any database."""
from collections import defaultdict, namedtuple
from decimal import Decimal
from fractions import Fraction

from ..apportion import apportion

# Below that many employees, up to that share of the turnover for other things
Limit = namedtuple('Limit', ['headcount', 'share'])
# Money received for documents (negative when paid back)
Payment = namedtuple('Payment', ['date', 'amount', 'means'])
# Of a document, tax included (negative when it gives back); of a service when
# it has a nature
Part = namedtuple('Part', ['key', 'amount', 'service'])

# How money came, and whether what was paid so counts for the customer
# (Code du travail, art. D7233-3 and D7233-4)
CASH = 'cash'
CUSTOMER = 'bank'


def exclusivity(services, others, headcount=None, limit=None):
    """Return 'exclusive', 'accessory' or 'refused'.

    ``services`` and ``others`` are the untaxed turnovers of the previous
    calendar year. Who does nothing else is exclusive (Code du travail, art.
    L7232-1-1). Since 2025 who has fewer employees than the limit and mostly
    does personal services may do others up to a share of the whole (art.
    L7232-1-2, 1° e). The headcount is None when it is not known: nothing is
    allowed then.
    """
    if others <= 0:
        return 'exclusive'
    total = max(services, 0) + others
    if (limit and headcount is not None and headcount < limit.headcount
            and Fraction(others) / Fraction(total) <= Fraction(limit.share)):
        return 'accessory'
    return 'refused'


def paid(payments, parts, start, end):
    """Return {means: {key of a part: amount paid from start to end}}.

    ``payments`` settled together the documents that have the ``parts``. Each
    payment is for all of them in proportion, what is given back taken off;
    only the parts of services are returned. The amounts of consecutive
    periods total what was paid for services, to the cent.
    """
    before, up_to = defaultdict(Decimal), defaultdict(Decimal)
    for date, amount, means in payments:
        if date <= end:
            up_to[means] += amount
        if date < start:
            before[means] += amount
    result = {}
    for means, amount in up_to.items():
        last = _share(amount, parts)
        first = _share(before[means], parts)
        amounts = {k: last[k] - first[k] for k in last}
        if any(amounts.values()):
            result[means] = {k: a for k, a in amounts.items() if a}
    return result


def _share(amount, parts):
    "Return {key: share of the amount} of the parts that are services"
    services = [p for p in parts if p.service]
    if not services:
        return {}
    sums = [
        sum(p.amount for p in services),
        sum(p.amount for p in parts if not p.service)]
    if min(sums) < 0 or not any(sums):
        # All was given back of one of them
        sums = [
            sum(max(p.amount, 0) for p in services),
            sum(max(p.amount, 0) for p in parts if not p.service)]
    weights = [max(p.amount, 0) for p in services]
    if not any(weights):
        # A credit note that was paid back alone
        sums = [abs(s) for s in [
                sum(p.amount for p in services),
                sum(p.amount for p in parts if not p.service)]]
        weights = [abs(p.amount) for p in services]
    if not any(weights):
        return {}
    amount, _ = apportion(amount, sums)
    result = defaultdict(Decimal)
    for part, share in zip(services, apportion(amount, weights)):
        result[part.key] += share
    return dict(result)


def eligible(amounts, caps):
    """Return {nature: what of the amount of the year gives a tax credit}.

    ``caps`` is {nature: largest amount of a year} of those that have one
    (Code du travail, art. D7233-5). What is above is attested all the same.
    """
    return {
        nature: min(amount, caps.get(nature, amount))
        for nature, amount in amounts.items()}
