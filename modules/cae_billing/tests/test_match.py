# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What a line of the bank is believed to settle."""
import unittest
from decimal import Decimal as D

from hypothesis import given
from hypothesis import strategies as st

from trytond.modules.cae_billing.bank.match import Candidate, match

FIRST = Candidate('first', D(1200), 'Anne', names=('FAC-0012', 'PO 77'))
SECOND = Candidate('second', D(300), 'Anne', names=('FAC-0013',))
CREDIT = Candidate('credit', D(-100), 'Anne', names=('FAC-0014',))
OTHER = Candidate('other', D(1200), 'Bert', names=('FAC-0120',))
SHORT = Candidate('short', D(55), 'Carl', names=('12',))
BILL = Candidate('bill', D(-400), 'Dora', names=('2026/118',))
ALL = [FIRST, SECOND, CREDIT, OTHER, SHORT, BILL]


class MatchTestCase(unittest.TestCase):

    def found(self, amount, text='', party=None, candidates=ALL):
        return [
            (c.document, a)
            for c, a in match(D(amount), text, party, candidates)]

    def test_number(self):
        "A document is found by its number, however it is written"
        for text in ['VIR FAC-0012', 'fac 0012 merci', '(FAC/0012)']:
            self.assertEqual(
                self.found(1200, text), [('first', D(1200))], text)
        # A number in another one is not it
        self.assertEqual(self.found(50, 'XFAC-0012 FAC-00123'), [])
        self.assertEqual(
            self.found(-400, 'FACTURE 2026/118'), [('bill', D(-400))])

    def test_part(self):
        "One that is named may be paid in part or leave a rest"
        self.assertEqual(
            self.found(500, 'FAC-0012 acompte'), [('first', D(500))])
        self.assertEqual(
            self.found(1500, 'FAC-0012'), [('first', D(1200))])
        # The wrong way round
        self.assertEqual(self.found(-1200, 'FAC-0012'), [])

    def test_several(self):
        "Several that are named total the amount, a credit note too"
        self.assertEqual(
            self.found(1500, 'FAC-0012 FAC-0013'),
            [('first', D(1200)), ('second', D(300))])
        self.assertEqual(
            self.found(1100, 'FAC-0012 - FAC-0014'),
            [('first', D(1200)), ('credit', D(-100))])
        # They do not, but one has the amount
        self.assertEqual(
            self.found(300, 'FAC-0012 FAC-0013'), [('second', D(300))])
        self.assertEqual(self.found(700, 'FAC-0012 FAC-0013'), [])

    def test_short(self):
        "A short number counts with the right amount only"
        self.assertEqual(self.found(55, 'no 12'), [('short', D(55))])
        self.assertEqual(self.found(54, 'no 12'), [])

    def test_party(self):
        "The amount for the party, or all that the party owes"
        self.assertEqual(self.found(300, '', 'Anne'), [('second', D(300))])
        self.assertEqual(
            self.found(1400, '', 'Anne'),
            [('first', D(1200)), ('second', D(300)), ('credit', D(-100))])
        self.assertEqual(self.found(1200, '', 'Bert'), [('other', D(1200))])
        self.assertEqual(self.found(7, '', 'Anne'), [])

    def test_amount(self):
        "The only one with the amount, and nothing in doubt"
        self.assertEqual(self.found(-400), [('bill', D(-400))])
        self.assertEqual(self.found(1200), [])
        self.assertEqual(self.found(0), [])


@given(
    st.decimals(-2000, 2000, places=2, allow_nan=False),
    st.text(alphabet='FAC-0123 ', max_size=20),
    st.sampled_from([None, 'Anne', 'Bert', 'Zoe']))
def test_bounds(amount, text, party):
    "Never more than the line or the document, and each document once"
    found = match(amount, text, party, ALL)
    assert abs(sum(a for _, a in found)) <= abs(amount)
    assert len({c.document for c, _ in found}) == len(found)
    for candidate, part in found:
        assert part * candidate.amount > 0
        assert abs(part) <= abs(candidate.amount)
