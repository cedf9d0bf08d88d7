# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Read a file of comma separated values against its columns.

Nothing is guessed beyond the encoding, the separator and the two ways to
write a date; everything that is wrong is told with its line.
"""
import csv
import datetime as dt
import io
import unicodedata
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

SEPARATORS = ',;\t'


@dataclass(frozen=True)
class Column:
    """A column of a file.

    ``titles`` are other titles it may have; ``kind`` is text, date, number
    or choice; ``choices`` is {what may be written: value}. Accents, case and
    spaces at the ends do not count in titles and choices.
    """
    name: str
    kind: str = 'text'
    required: bool = False
    titles: tuple = ()
    choices: dict = None


@dataclass(frozen=True)
class Problem:
    """What is wrong in a line: a code, the column and the text found.

    The line is that of the file, its title being line 1.
    """
    line: int
    code: str
    column: str = ''
    value: str = ''


def fold(text):
    "Return the text without what does not count: accents, case, spaces"
    text = unicodedata.normalize('NFKD', text.strip())
    return ''.join(
        c for c in text if not unicodedata.combining(c)).casefold()


def decode(data):
    "Return the text of the bytes, in UTF-8 or as spreadsheets write it"
    try:
        return data.decode('utf-8-sig')
    except UnicodeDecodeError:
        return data.decode('cp1252', errors='replace')


def read(data, columns):
    """Return the rows of the file and its problems: (rows, problems).

    A row is {column name: value}, with its line under the key 'line'; empty
    lines are left out, columns that are not known are ignored.
    """
    text = decode(data)
    first = text.split('\n', 1)[0]
    separator = max(SEPARATORS, key=first.count)
    lines = csv.reader(io.StringIO(text, newline=''), delimiter=separator)
    titles = {fold(t): c for c in columns for t in (c.name, *c.titles)}
    places = {}
    problems = []
    records = _records(lines, problems)
    header = next(records, [])
    for place, title in enumerate(header):
        column = titles.get(fold(title))
        if not column:
            continue
        if column in places.values():
            problems.append(Problem(1, 'twice', column.name, title.strip()))
        places[place] = column
    for column in columns:
        if column.required and column not in places.values():
            problems.append(Problem(1, 'no_column', column.name))
    if problems:
        return [], problems
    choices = {
        c.name: {fold(k): v for k, v in c.choices.items()}
        for c in columns if c.choices}
    rows = []
    for cells in records:
        if not any(cell.strip() for cell in cells):
            continue
        number = lines.line_num
        if len(cells) > len(header):
            problems.append(Problem(number, 'too_long'))
            continue
        row = {c.name: None for c in columns}
        row['line'] = number
        for place, column in places.items():
            cell = cells[place].strip() if place < len(cells) else ''
            if not cell:
                if column.required:
                    problems.append(Problem(number, 'empty', column.name))
                continue
            value = convert(cell, column.kind, choices.get(column.name))
            if value is None:
                problems.append(
                    Problem(number, column.kind, column.name, cell))
            row[column.name] = value
        rows.append(row)
    return rows, problems


def _records(lines, problems):
    "Yield the records up to one that can't be read"
    try:
        yield from lines
    except csv.Error:
        problems.append(Problem(lines.line_num, 'unreadable'))


def convert(cell, kind, choices=None):
    "Return the value of the cell, None when it is not of the kind"
    if kind == 'date':
        for form in ['%Y-%m-%d', '%d/%m/%Y']:
            try:
                return dt.datetime.strptime(cell, form).date()
            except ValueError:
                continue
        return None
    if kind == 'number':
        try:
            value = Decimal(cell.replace('\u202f', '').replace(
                    '\xa0', '').replace(' ', '').replace(',', '.'))
        except InvalidOperation:
            return None
        return value if value.is_finite() else None
    if kind == 'choice':
        return choices.get(fold(cell))
    return cell
