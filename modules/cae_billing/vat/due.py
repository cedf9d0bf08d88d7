# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""How much VAT the receipts made due, free of any database."""
from collections import defaultdict
from decimal import Decimal

from ..apportion import share


def due(totals, rows, paid):
    """Return {key: amount} that is due to date of the totals of all invoices.

    ``rows`` are (invoice, key, amount) of the invoices not fully paid and
    ``paid`` has the share of each that was. VAT on services is due as they
    are paid (CGI, art. 269-2 c): the VAT of an invoice is due by its paid
    share, rounded to the cent on the whole to date and then split over its
    taxes, so that the last payment makes the rest due. A key ends with what
    it is an amount of: 'base' or 'tax'.
    """
    result = defaultdict(Decimal, totals)
    wholes = defaultdict(list)
    for invoice, key, amount in rows:
        wholes[invoice, key[-1]].append((key, amount))
    for (invoice, _), parts in wholes.items():
        # The same cents each month: a line may have no tax
        parts.sort(key=lambda part: (part[0][0] is not None, part[0]))
        amounts = [amount for _, amount in parts]
        for (key, amount), part in zip(parts, share(amounts, paid[invoice])):
            result[key] -= amount - part
    return dict(result)


def less(to_date, before):
    "Return {key: amount} of what is due to date less what was before"
    result = {
        key: to_date.get(key, Decimal(0)) - before.get(key, Decimal(0))
        for key in {**to_date, **before}}
    return {key: amount for key, amount in result.items() if amount}
