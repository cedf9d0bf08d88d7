# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The VAT that receipts make due, and what it is compared with."""
import unittest
from decimal import Decimal as D
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from trytond.modules.cae_billing.vat.due import due, less

amounts = st.decimals(
    D('-100000'), D('100000'), places=2, allow_nan=False)
shares = st.fractions(0, 1)
# The VAT of an invoice and what share of it was paid in each of three months
invoices = st.lists(
    st.tuples(
        st.sampled_from([('a', 'tax'), ('b', 'tax'), ('a', 'base')]),
        amounts, shares, shares),
    max_size=10)


def totals(rows):
    result = {}
    for key, amount, *_ in rows:
        result[key] = result.get(key, 0) + amount
    return result


def month(rows, index):
    "Return what is due when the shares of the index were paid"
    return due(
        totals(rows),
        [(i, key, amount) for i, (key, amount, *_) in enumerate(rows)],
        {i: row[2 + index] for i, row in enumerate(rows)})


class DueTestCase(unittest.TestCase):

    def test_month(self):
        "A part payment, a full one, one of another rate, and its end"
        normal, middle = (20, 'tax'), (10, 'tax')
        rows = [
            (1, normal, D(400)), (2, normal, D(600)),
            (3, middle, D('12.35'))]
        sums = {normal: D(1250), middle: D('12.35')}
        part = Fraction(1500, 2822)
        self.assertEqual(
            due(sums, rows, {1: part, 2: 0, 3: Fraction(1, 2)}),
            {normal: D(250) + D('212.62'), middle: D('6.18')})
        self.assertEqual(due(sums, rows[1:2], {2: 0}), {
                normal: D(650), middle: D('12.35')})

    def test_whole(self):
        "The VAT of an invoice of several taxes is rounded once"
        keys = [(tax, 'tax') for tax in [20, 10, 5]]
        found = due(
            dict.fromkeys(keys, D('0.01')),
            [(1, key, D('0.01')) for key in keys], {1: Fraction(1, 2)})
        self.assertEqual(sum(found.values()), D('0.02'))

    def test_less(self):
        "What was declared too much is given back"
        self.assertEqual(
            less({'a': D(10), 'b': D(5)}, {'b': D(5), 'c': D(3)}),
            {'a': D(10), 'c': D(-3)})


@given(invoices)
def test_nothing_and_all(rows):
    keys = [(i, key, amount) for i, (key, amount, *_) in enumerate(rows)]
    nothing = due(totals(rows), keys, dict.fromkeys(range(len(rows)), 0))
    assert not any(nothing.values())
    assert due(totals(rows), [], {}) == totals(rows)
    assert due(
        totals(rows), keys, dict.fromkeys(range(len(rows)), 1)
        ) == totals(rows)


@given(invoices)
def test_months_total(rows):
    "What the months declare totals what is due at their end"
    first = month(rows, 0)
    second = less(month(rows, 1), first)
    rest = less(totals(rows), month(rows, 1))
    for key, total in totals(rows).items():
        assert total == sum(
            m.get(key, 0) for m in [first, second, rest])


@given(invoices)
def test_order(rows):
    "The order of the invoices is all the same"
    assert month(rows, 0) == month(rows[::-1], 0)


@given(invoices)
def test_credit_note(rows):
    "What is credited and set off as it was paid leaves nothing due"
    both = rows + [(key, -amount, *rest) for key, amount, *rest in rows]
    assert not any(month(both, 0).values())
