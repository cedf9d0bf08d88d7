# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import unittest
from decimal import Decimal as D

from hypothesis import given
from hypothesis import strategies as st

from trytond.modules.cae_billing.sale.gross import (
    CENT, STEP, line_total, net_price)

RATES = st.sampled_from([D(r) for r in '0 0.021 0.055 0.1 0.2 0.21'.split()])
QUANTITIES = st.decimals('0.01', '500', places=2) | st.integers(1, 50).map(D)


class GrossTestCase(unittest.TestCase):
    "Test the price without tax of a price with tax"

    def test_cases(self):
        for gross, quantity, rate, price, total in [
                ('120', '1', '0.2', '100.0000', '120.00'),
                ('10', '1', '0.2', '8.3333', '10.00'),
                ('10', '3', '0.2', '8.3333', '30.00'),
                ('1.99', '7', '0.055', '1.8863', '13.93'),
                ('25', '0', '0.2', '20.8333', '0.00'),
                ('12.50', '1', '0', '12.5000', '12.50'),
                # A price of four digits does not make the total here
                ('9.99', '999', '0.2', '8.3250', '9980.02'),
                ('-10', '2', '0.2', '-8.3333', '-20.00'),
                ]:
            with self.subTest(gross=gross, quantity=quantity, rate=rate):
                result = net_price(D(gross), D(quantity), D(rate))
                self.assertEqual(result, D(price))
                self.assertEqual(
                    line_total(result, D(quantity), D(rate)), D(total))

    def test_no_such_total(self):
        "At 20 % nothing makes 1.05 with its tax"
        totals = {
            line_total(price * STEP, 1, D('0.2'))
            for price in range(8600, 8900)}
        self.assertNotIn(D('1.05'), totals)
        price = net_price(D('1.05'), 1, D('0.2'))
        self.assertIn(line_total(price, 1, D('0.2')), {D('1.04'), D('1.06')})

    @given(st.decimals('0.01', '20000', places=2), QUANTITIES, RATES)
    def test_closest(self, gross, quantity, rate):
        "No price nearby makes a closer total"
        price = net_price(gross, quantity, rate)
        self.assertEqual(price, price.quantize(STEP))
        target = (gross * quantity).quantize(CENT)
        distance = abs(line_total(price, quantity, rate) - target)
        for other in range(-120, 121):
            self.assertLessEqual(distance, abs(line_total(
                        price + other * STEP, quantity, rate) - target))

    @given(st.integers(1, 10 ** 7), RATES)
    def test_exact(self, price, rate):
        "A total that exists is found"
        total = line_total(price * STEP, 1, rate)
        self.assertEqual(
            line_total(net_price(total, 1, rate), 1, rate), total)

    @given(st.decimals('0.01', '20000', places=2), QUANTITIES, RATES)
    def test_opposite(self, gross, quantity, rate):
        "What is given back costs what it was sold for"
        self.assertEqual(
            abs(line_total(net_price(-gross, quantity, rate), quantity, rate)),
            line_total(net_price(gross, quantity, rate), quantity, rate))
