# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import csv
import datetime as dt
import io
import unittest
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from trytond.modules.cae_members.csv_file import Column, Problem, read

COLUMNS = [
    Column('number', required=True, titles=('numéro',)),
    Column('day', 'date'),
    Column('amount', 'number'),
    Column('sex', 'choice', choices={'Féminin': 'female', 'm': 'male'}),
    ]


class CSVFileTestCase(unittest.TestCase):
    "Test the reading of files"

    def test_separators_and_encodings(self):
        for separator in ',;\t':
            for encoding in ['utf-8', 'utf-8-sig', 'cp1252']:
                with self.subTest(separator=separator, encoding=encoding):
                    text = separator.join(['NUMERO', 'Day', 'sex']) + '\r\n'
                    text += separator.join(['1', '31/01/2026', 'féminin'])
                    if encoding == 'cp1252':
                        text = text.replace('NUMERO', 'Numéro')
                    rows, problems = read(text.encode(encoding), COLUMNS)
                    self.assertEqual(problems, [])
                    self.assertEqual(rows, [{
                                'number': '1',
                                'day': dt.date(2026, 1, 31),
                                'amount': None,
                                'sex': 'female',
                                'line': 2,
                                }])

    def test_problems(self):
        "Every problem is told with its line"
        lines = ['number,day,amount,sex']
        lines += [f'{i},2026-01-01,1,m' for i in range(2, 5000)]
        lines[4811] = '4812,2026-02-30,1,m'
        lines[99] = ',2026-01-01,x,who'
        rows, problems = read('\n'.join(lines).encode(), COLUMNS)
        self.assertEqual(problems, [
                Problem(100, 'empty', 'number'),
                Problem(100, 'number', 'amount', 'x'),
                Problem(100, 'choice', 'sex', 'who'),
                Problem(4812, 'date', 'day', '2026-02-30'),
                ])

    def test_titles(self):
        for text, problem in [
                ('', Problem(1, 'no_column', 'number')),
                ('day\n2026-01-01', Problem(1, 'no_column', 'number')),
                ('number,Numéro\n1,2',
                    Problem(1, 'twice', 'number', 'Numéro')),
                ]:
            with self.subTest(text=text):
                rows, problems = read(text.encode(), COLUMNS)
                self.assertEqual(rows, [])
                self.assertEqual(problems, [problem])

    def test_line_of_a_cell_with_lines(self):
        rows, problems = read(
            b'number,other\n1,"two\nlines"\n\n2,a,b\n3,c', COLUMNS)
        self.assertEqual([r['number'] for r in rows], ['1', '3'])
        self.assertEqual(problems, [Problem(5, 'too_long')])

    def test_numbers(self):
        rows, problems = read(
            b'number;amount\n1;1 234,50\n2;12.5\n3;NaN', COLUMNS)
        self.assertEqual(
            [r['amount'] for r in rows],
            [Decimal('1234.50'), Decimal('12.5'), None])
        self.assertEqual([p.line for p in problems], [4])

    def test_unreadable(self):
        cell = b'x' * (csv.field_size_limit() + 1)
        rows, problems = read(b'number\n1\n' + cell, COLUMNS)
        self.assertEqual(problems, [Problem(3, 'unreadable')])

    @given(st.binary())
    def test_any_file(self, data):
        "No file makes it fail"
        rows, problems = read(data, COLUMNS)
        self.assertTrue(all(r['line'] > 1 for r in rows))

    @given(st.lists(st.tuples(
                st.text(st.characters(codec='utf-8', exclude_characters='\0'),
                    min_size=1).map(str.strip).filter(bool),
                st.dates(dt.date(1000, 1, 1)))))
    def test_round_trip(self, values):
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(['number', 'day', 'amount'])
        writer.writerows((n, d, '') for n, d in values)
        rows, problems = read(text.getvalue().encode(), COLUMNS)
        self.assertEqual(problems, [])
        self.assertEqual([(r['number'], r['day']) for r in rows], values)
