# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import unittest
from decimal import Decimal as D

from hypothesis import given
from hypothesis import strategies as st

from trytond.modules.cae_billing.expense.mileage import Band, Scale

# A car of 5 CV
BANDS = (
    Band(D(5000), D('0.636')), Band(D(20000), D('0.357'), D(1395)),
    Band(None, D('0.427')))
kilometers = st.decimals(
    D('0.1'), 30000, places=1, allow_nan=False, allow_infinity=False)
rates = st.none() | st.decimals(
    D('0.01'), 2, places=3, allow_nan=False, allow_infinity=False)


@st.composite
def scales(draw):
    "A scale that rises from band to band, as those of the law"
    bounds = draw(st.lists(
            st.integers(1, 30000), unique=True, max_size=3).map(sorted))
    bands, constant, last = [], D(0), D(0)
    for up_to in [*map(D, bounds), None]:
        rate = draw(st.decimals(
                0, 1, places=3, allow_nan=False, allow_infinity=False))
        if bands:
            constant = last - bounds[len(bands) - 1] * rate
        bands.append(Band(up_to, rate, constant))
        if up_to is not None:
            last = up_to * rate + constant
    return Scale(
        tuple(bands), increase=draw(st.sampled_from([D(0), D('0.2')])),
        flat=draw(rates))


class MileageTestCase(unittest.TestCase):
    "Test the kilometre scale"

    def test_worked(self):
        "EX-21: to date less paid, electric, over the bands"
        car = Scale(BANDS)
        self.assertEqual(
            car.trips([4800, 400]), [D('3052.80'), D('198.60')])
        self.assertEqual(car.due(12000), D('5679.00'))
        self.assertEqual(
            Scale(BANDS, increase=D('0.20')).due(12000), D('6814.80'))
        self.assertEqual(car.due(25000), D('10675.00'))
        self.assertEqual(car.due(5000), D('3180.00'))
        self.assertEqual(car.due(D('0.1')), D('0.06'))

    def test_flat(self):
        "A rate of the company counts below the scale only"
        car = Scale(BANDS, flat=D('0.500'))
        self.assertEqual(car.due(100), D('50.00'))
        # 0.427 a kilometre is less
        self.assertEqual(car.due(25000), D('10675.00'))
        self.assertEqual(Scale(BANDS, flat=D(2)).due(100), D('63.60'))

    def test_change(self):
        "A scale that rises is made up for, one that falls takes back nothing"
        self.assertEqual(
            Scale(BANDS).trips([100], 1000, 500), [D('199.60')])
        self.assertEqual(
            Scale(BANDS).trips([100, 400], 1000, 900), [D(0), D('54.00')])

    def test_bands(self):
        "Bands that do not fit together are refused"
        for bands in [
                (), BANDS[:2], (*BANDS[1:], BANDS[0]),
                (BANDS[1], BANDS[0], BANDS[2]),
                (BANDS[0], BANDS[0], BANDS[2]),
                (Band(D(0), D(1)), BANDS[2])]:
            with self.subTest(bands=bands), self.assertRaises(ValueError):
                Scale(bands)

    @given(scales(), st.lists(kilometers, min_size=1, max_size=12))
    def test_cut(self, scale, trips):
        "What is paid does not depend on how kilometres are cut into trips"
        self.assertEqual(sum(scale.trips(trips)), scale.due(sum(trips)))

    @given(scales(), kilometers, kilometers)
    def test_monotone(self, scale, one, other):
        "More kilometres are never paid less"
        self.assertLessEqual(
            scale.due(min(one, other)), scale.due(max(one, other)))
        self.assertEqual(scale.due(0), 0)

    @given(scales(), kilometers)
    def test_flat_below(self, scale, distance):
        "A rate of the company never pays more than the scale"
        bare = Scale(scale.bands, scale.increase)
        self.assertLessEqual(scale.due(distance), bare.due(distance))
