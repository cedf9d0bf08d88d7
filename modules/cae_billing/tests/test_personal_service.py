# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The law of services à la personne, on worked cases and properties."""
import datetime as dt
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trytond.modules.cae_billing.personal_service.law import (
    Limit, Part, Payment, eligible, exclusivity, paid)

pytestmark = pytest.mark.pure

LIMIT = Limit(11, D('0.30'))
START, END = dt.date(2026, 1, 1), dt.date(2026, 12, 31)
cents = st.integers(0, 10 ** 7).map(lambda n: D(n) / 100)


@pytest.mark.parametrize('others,headcount,limit,expected', [
        (0, None, None, 'exclusive'),
        (0, 400, LIMIT, 'exclusive'),
        (30000, 10, LIMIT, 'accessory'),
        (30001, 10, LIMIT, 'refused'),
        (1, 11, LIMIT, 'refused'),
        (1, None, LIMIT, 'refused'),
        (1, 10, None, 'refused'),
        (100000, 1, LIMIT, 'refused'),
        ])
def test_exclusivity(others, headcount, limit, expected):
    assert exclusivity(
        D(100000 - others), D(others), headcount, limit) == expected


@given(cents, cents, st.integers(0, 30))
def test_exclusivity_more_services(services, others, headcount):
    "Doing more services never makes a right go away"
    order = ['refused', 'accessory', 'exclusive']
    now = exclusivity(services, others, headcount, LIMIT)
    more = exclusivity(services + 1000, others, headcount, LIMIT)
    assert order.index(more) >= order.index(now)


def test_attested():
    "What was paid in the year otherwise than in cash"
    june = dt.date(2026, 6, 1)
    documents = [
        ([Payment(june, D(1200), 'bank')], D(1200)),
        ([Payment(dt.date(2027, 1, 5), D(300), 'bank')], D(300)),
        ([Payment(june, D(100), 'cash')], D(100)),
        ]
    total = sum(
        paid(payments, [Part(1, amount, True)], START, END).get(
            'bank', {}).get(1, 0)
        for payments, amount in documents)
    assert total == 1200


def test_eligible():
    amounts = {'handiwork': D(450) + D(120), 'cleaning': D(900)}
    caps = {'handiwork': D(500), 'gardening': D(5000)}
    assert eligible(amounts, caps) == {
        'handiwork': D(500), 'cleaning': D(900)}
    assert sum(amounts.values()) == 1470


@pytest.mark.parametrize('amount,parts,expected', [
        # A part of the document is not a service
        (60, [('a', 80, True), ('x', 40, False)], {'a': 40}),
        # Its other part was given back
        (80, [('a', 80, True), ('x', 40, False), ('x', -40, False)],
            {'a': 80}),
        # A quarter of the service was given back, the rest paid
        (75, [('a', 100, True), ('b', -25, True)], {'a': 75}),
        # Paid in full, all given back later: the money is attested
        (100, [('a', 100, True), ('b', -100, True)], {'a': 100}),
        (-100, [('b', -100, True)], {'b': -100}),
        (50, [('x', 40, False)], {}),
        (50, [('a', 0, True), ('x', 40, False)], {}),
        ])
def test_paid(amount, parts, expected):
    parts = [Part(k, D(a), s) for k, a, s in parts]
    result = paid([Payment(START, D(amount), 'bank')], parts, START, END)
    assert result.get('bank', {}) == expected


@given(
    st.lists(st.tuples(
            st.integers(0, 1095), st.integers(-10 ** 6, 10 ** 6),
            st.sampled_from(['bank', 'cash'])), max_size=5),
    st.lists(st.tuples(
            st.integers(-10 ** 6, 10 ** 6), st.booleans()),
        min_size=1, max_size=5))
def test_paid_years(payments, parts):
    "The years together are the whole, and nothing comes from nowhere"
    payments = [
        Payment(START + dt.timedelta(days=n), D(a) / 100, m)
        for n, a, m in payments]
    parts = [Part(i, D(a) / 100, s) for i, (a, s) in enumerate(parts)]

    def total(start, end, means):
        return sum(
            paid(payments, parts, start, end).get(means, {}).values())
    for means in ['bank', 'cash']:
        whole = total(START, dt.date(2028, 12, 31), means)
        assert whole == sum(
            total(dt.date(y, 1, 1), dt.date(y, 12, 31), means)
            for y in [2026, 2027, 2028])
        money = sum(p.amount for p in payments if p.means == means)
        assert abs(whole) <= abs(money)
