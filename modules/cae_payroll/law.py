# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The law of pay as tables of dated rows, and what of them holds on a day.

Pure: the rows come from the database or, for tests and benchmarks, from the
XML data file that ships, so that there is one copy of each figure.
"""
import datetime
import re
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from decimal import Decimal
from operator import itemgetter

from .engine import Base, Bracket, Law, Reduction, Rule, UnknownValue

_DECIMAL = re.compile(r"Decimal\('(-?[0-9.]+)'\)$")
_DATE = re.compile(r"datetime\.date\((\d+), (\d+), (\d+)\)$")
_MODELS = {
    'cae.payroll.parameter': 'parameters',
    'cae.payroll.base': 'bases',
    'cae.payroll.rule': 'rules',
    'cae.payroll.reduction': 'reductions',
    'cae.payroll.scale': 'scales',
    }
_CHILDREN = {
    'cae.payroll.parameter.value': ('parameter', 'values'),
    'cae.payroll.rule.rate': ('rule', 'rates'),
    'cae.payroll.reduction.value': ('reduction', 'values'),
    'cae.payroll.scale.bracket': ('scale', 'brackets'),
    }


def _value(field):
    "Return the value of a field element of a data file"
    source = field.get('eval')
    if source is None:
        return field.get('ref') or field.text
    if match := _DECIMAL.match(source):
        return Decimal(match[1])
    elif match := _DATE.match(source):
        return datetime.date(*map(int, match.groups()))
    elif source in {'True', 'False'}:
        return source == 'True'
    return int(source)


def read(path):
    """Return the tables of an XML data file.

    {'parameters': [{'code': …, 'values': [{'start_date': …, …}]}],
    'bases': […], 'rules': […], 'reductions': […], 'scales': […]}
    """
    tables = {name: [] for name in _MODELS.values()}
    by_id = {}
    for record in ElementTree.parse(path).iter('record'):
        row = {f.get('name'): _value(f) for f in record.iter('field')}
        model = record.get('model')
        if model in _MODELS:
            tables[_MODELS[model]].append(row)
            by_id[record.get('id')] = row
        elif model in _CHILDREN:
            parent, name = _CHILDREN[model]
            by_id[row.pop(parent)].setdefault(name, []).append(row)
    for name, relation in [('bases', 'parameter'), ('rules', 'base')]:
        for row in tables[name]:
            if row.get(relation):
                row[relation] = by_id[row[relation]]['code']
    return tables


def at(rows, date):
    "Return the row in force on the date, or None"
    rows = [r for r in rows if r['start_date'] <= date]
    if rows:
        row = max(rows, key=itemgetter('start_date'))
        if not row.get('end_date') or date <= row['end_date']:
            return row


def select(tables, date):
    """Return the Law of the day.

    A parameter or reduction without value on that day is left out of it,
    preparing a scheme or computing then tells which one is missing; a rule
    without rate on that day does not exist yet.
    """
    parameters = {}
    for row in tables['parameters']:
        if value := at(row.get('values', []), date):
            parameters[row['code']] = value['value']
    bases = tuple(
        Base(
            code=row['code'],
            kind=row['kind'],
            parameter=row.get('parameter'),
            lower=row.get('lower') or Decimal(0),
            upper=row.get('upper'),
            fraction=row.get('fraction') or Decimal(1))
        for row in tables['bases'])
    rules = []
    for row in sorted(tables['rules'], key=itemgetter('sequence')):
        source = row.get('rate_source') or 'rate'
        rate = {}
        if row['kind'] == 'contribution' and source == 'rate':
            rate = at(row.get('rates', []), date)
            if not rate:
                continue
        rules.append(Rule(
                code=row['code'],
                kind=row['kind'],
                base=row.get('base'),
                source=source,
                employee=rate.get('employee') or Decimal(0),
                employer=rate.get('employer') or Decimal(0),
                reduced=rate.get('reduced'),
                reduced_limit=rate.get('reduced_limit'),
                executive={'executive': True, 'other': False}.get(
                    row.get('category')),
                headcount_min=row.get('headcount_min') or 0,
                headcount_max=row.get('headcount_max'),
                deductible=row.get('deductible', True),
                benefit=row.get('benefit', False),
                taxable_benefit=row.get('taxable_benefit', False)))
    reductions = []
    for row in tables['reductions']:
        value = at(row.get('values', []), date)
        if not value:
            raise UnknownValue('reduction', row['code'], date)
        reductions.append(Reduction(
                code=row['code'],
                delta=value['delta'],
                exit=value['exit'],
                minimum=value['minimum'],
                power=value['power'],
                pension_rate=value['pension_rate'],
                headcount_min=row.get('headcount_min') or 0,
                headcount_max=row.get('headcount_max')))
    scale = None
    for row in tables['scales']:
        grids = defaultdict(list)
        for bracket in row.get('brackets', []):
            grids[bracket['start_date']].append(bracket)
        started = [start for start in grids if start <= date]
        if started:
            scale = tuple(sorted(
                    (Bracket(b.get('upper'), b['rate'])
                        for b in grids[max(started)]),
                    key=lambda b: (b.upper is None, b.upper)))
    return Law(
        date=date,
        parameters=parameters,
        bases=bases,
        rules=tuple(rules),
        reductions=tuple(reductions),
        scale=scale,
        )
