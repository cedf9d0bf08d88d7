# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"The fees of the months of a year"
from decimal import Decimal

import pytest

from tests.cases import load
from trytond.modules.cae_billing.tier import Scale


def scale(rule):
    "Return the scale of the rule of a case"
    def number(value):
        return None if value is None else Decimal(value)
    values = dict(rule)
    tiers = tuple(
        (number(upper), number(rate))
        for upper, rate in values.pop('tiers', []))
    return Scale(tiers, **{k: number(v) for k, v in values.items()})


@pytest.mark.parametrize('case', load('fees').get('cases', []))
def test_fees(case):
    fees = scale(case['rule']).fees(map(Decimal, case['bases']))
    assert fees == list(map(Decimal, case['fees']))
