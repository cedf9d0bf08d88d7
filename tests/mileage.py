# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The trips of a vehicle in a civil year, by the scale that is shipped"""
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from tests.cases import load
from trytond.modules.cae_billing.expense import mileage

DATA = Path(mileage.__file__).parent / 'scale_fr.xml'


def _number(field):
    text = field.get('eval') or field.text
    return Decimal(text.removeprefix("Decimal('").removesuffix("')"))


def scale(type, power, electric=False, flat=None):
    "Return the scale of a vehicle that the data file holds"
    increase, bands = None, defaultdict(dict)
    for record in ElementTree.parse(DATA).iter('record'):
        fields = {f.get('name'): f for f in record.iter('field')}
        if record.get('model') == 'cae.mileage.scale':
            increase = _number(fields['electric_increase'])
        elif fields['vehicle_type'].text == type:
            numbers = {
                name: _number(field) for name, field in fields.items()
                if name not in {'scale', 'vehicle_type'}}
            if (numbers.get('power_from', 0) <= power
                    <= numbers.get('power_to', power)):
                bands[numbers.get('up_to')] = mileage.Band(
                    numbers.get('up_to'), numbers['rate'],
                    numbers.get('constant', Decimal(0)))
    ordered = sorted(bands, key=lambda up_to: (up_to is None, up_to or 0))
    return mileage.Scale(
        tuple(bands[up_to] for up_to in ordered),
        increase=increase if electric else Decimal(0), flat=flat)


@pytest.mark.parametrize('case', load('mileage').get('cases', []))
def test_mileage(case):
    trips = scale(
        case.get('type', 'car'), case['power'], case['electric']).trips(
        [Decimal(km) for km in case['kms']])
    assert trips == list(map(Decimal, case['amounts']))


@pytest.mark.parametrize('type, power, km, amount', [
        ('car', 1, 5000, '2645.00'), ('car', 3, 5001, '2645.32'),
        ('car', 4, 8000, '4050.00'), ('car', 6, 20000, '8937.00'),
        ('car', 7, 20001, '9400.47'), ('car', 12, 10, '6.97'),
        ('motorcycle', 1, 3000, '1185.00'),
        ('motorcycle', 4, 4000, '1486.00'),
        ('motorcycle', 6, 7000, '2401.00'),
        ('moped', 0, 2000, '630.00'), ('moped', 0, 6001, '1188.20'),
        ])
def test_mileage_brackets(type, power, km, amount):
    "Each row of the scale stands in the data file (B6)"
    assert scale(type, power).due(km) == Decimal(amount)
