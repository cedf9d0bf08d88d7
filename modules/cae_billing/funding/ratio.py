# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The shares that a cooperative gives its public funders account of.

Amounts are Decimals of one currency; the shares are Fractions, None when what
they are a share of is zero.
"""
from fractions import Fraction


def self_financing(contributions, other_private, public):
    """Return the private part of the operating income of the structure.

    It is what the activities contribute and its other private income, over
    these and the public funding.
    """
    private = Fraction(contributions) + Fraction(other_private)
    total = private + Fraction(public)
    return private / total if total else None


def return_ratio(vat, taxes, contributions, public):
    """Return how many times the public funding comes back.

    `vat`, `taxes` and social `contributions` are what was paid to the State
    and the social bodies.
    """
    returned = Fraction(vat) + Fraction(taxes) + Fraction(contributions)
    return returned / Fraction(public) if public else None


def place(share, low, high):
    "Return whether the share is 'below', 'within' or 'above', or None"
    if share is None:
        return None
    if share < low:
        return 'below'
    return 'above' if share > high else 'within'
