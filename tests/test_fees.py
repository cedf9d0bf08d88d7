# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The fees of the months of a year against worked cases.

The cases are read from the folder in CAE_CASES.
"""
import json
import os
from decimal import Decimal
from pathlib import Path

import pytest

from trytond.modules.cae_billing.tier import Scale

CASES = Path(
    os.environ.get('CAE_CASES') or Path(__file__).parent / 'cases')


def read():
    with open(CASES / 'fees.json', encoding='utf-8') as file:
        return json.load(file)['cases']


def scale(rule):
    "Return the scale of the rule of a case"
    def number(value):
        return None if value is None else Decimal(value)
    values = dict(rule)
    tiers = tuple(
        (number(upper), number(rate))
        for upper, rate in values.pop('tiers', []))
    return Scale(tiers, **{k: number(v) for k, v in values.items()})


@pytest.mark.pure
@pytest.mark.parametrize('case', read())
def test_fees(case):
    fees = scale(case['rule']).fees(map(Decimal, case['bases']))
    assert fees == list(map(Decimal, case['fees']))
