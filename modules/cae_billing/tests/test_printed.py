# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import unittest

from hypothesis import given
from hypothesis import strategies as st

from trytond.modules.cae_billing.mention import text


class MentionTextTestCase(unittest.TestCase):
    "Test the text of mentions"

    def test_fill(self):
        "Placeholders are replaced once, nothing else is"
        self.assertEqual(
            text.fill("${a} $b $ 50 % {a} €", {'a': '${b}', 'b': 'no'}),
            "${b} $b $ 50 % {a} €")
        self.assertEqual(text.unknown("${b} ${a} ${c} ${b}", ['a']), [
                'b', 'c'])
        with self.assertRaises(KeyError):
            text.fill("${b}", {})

    @given(st.dictionaries(st.from_regex(r'[a-z]+', fullmatch=True), st.text(
                ), min_size=1))
    def test_fill_any(self, values):
        "What the values hold stays as it is"
        model = '|'.join(f'${{{name}}}' for name in values)
        self.assertEqual(text.unknown(model, values), [])
        self.assertEqual(text.fill(model, values), '|'.join(values.values()))
