# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""French payslips against the unrounded figures of URSSAF's own rules.

Lines are rounded half-up
to the cent here and unrounded there, so a line may differ by a cent and a
half (it may be the sum of two) and a total by the sum of its lines.
"""
import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.cases import load
from trytond.modules.cae_payroll import engine, law

DATA = Path(law.__file__).parent / 'data' / 'france.xml'

# The lines of the reference and the rules that make them
EMPLOYEE = {
    'health_employee': ['health'],
    'pension_capped_employee': ['pension_capped'],
    'pension_uncapped_employee': ['pension_uncapped'],
    'agirc_arrco_employee': ['agirc_arrco_1', 'agirc_arrco_2'],
    'ceg_employee': ['ceg_1', 'ceg_2'],
    'cet_employee': ['cet'],
    'apec_employee': ['apec'],
    'csg_deductible': ['csg_deductible'],
    'csg_non_deductible': ['csg'],
    'crds': ['crds'],
    'health_insurance_employee': ['health_insurance'],
    'overtime_relief_employee': [],
    }
EMPLOYER = {
    'health_employer': ['health'],
    'pension_capped_employer': ['pension_capped'],
    'pension_uncapped_employer': ['pension_uncapped'],
    'agirc_arrco_employer': ['agirc_arrco_1', 'agirc_arrco_2'],
    'ceg_employer': ['ceg_1', 'ceg_2'],
    'cet_employer': ['cet'],
    'apec_employer': ['apec'],
    'family': ['family'],
    'work_accident': ['work_accident'],
    'unemployment': ['unemployment'],
    'ags': ['ags'],
    'csa': ['csa'],
    'fnal': ['fnal_small', 'fnal'],
    'training': ['training_small', 'training'],
    'apprenticeship_tax': ['apprenticeship'],
    'construction': ['construction'],
    'social_dialogue': ['social_dialogue'],
    'mobility': ['mobility'],
    'social_levy': ['social_levy'],
    'health_insurance_employer': ['health_insurance'],
    'provident_executives': ['welfare_executives'],
    'cpf_fixed_term': [],
    'overtime_relief_employer': [],
    }
# Parts or totals of the lines above
EMPLOYER_DERIVED = {
    'apprenticeship_base', 'apprenticeship_balance', 'provident_employer',
    'relief_employer_total', 'general_reduction',
    'general_reduction_coefficient',
    }
CENT_AND_HALF = Decimal('0.015')


def _read():
    content = load('fr_payslips')
    for number, case in enumerate(content.get('cases', [])):
        input_ = case['input']
        ruleset = content['rulesets'].get(input_['period'][:4], {})
        yield pytest.param(
            case, ruleset.get('rules.date'),
            id=f"{number}-{input_['period']}-{input_['name']}")


def _decimal(value):
    return Decimal(str(value))


def _compute(input_):
    year, month = map(int, input_['period'].split('-'))
    establishment = engine.Establishment(
        headcount=input_['headcount'],
        work_accident_rate=_decimal(input_['at_rate']) / 100,
        mobility_rate=_decimal(input_['mobility_rate']) / 100)
    health = _decimal(input_['health_insurance'])
    employer_share = engine.cents(
        health * _decimal(input_['health_insurance_employer_share']) / 100)
    terms = engine.Terms(
        executive=input_['executive'],
        weekly_hours=_decimal(input_['weekly_hours']),
        health_employer=employer_share,
        health_employee=health - employer_share,
        # The neutral grid is compared on its own
        withholding_rate=Decimal(0))
    scheme = engine.prepare(
        law.select(TABLES, datetime.date(year, month, 1)),
        establishment, input_['executive'])
    return engine.compute(scheme, terms, _decimal(input_['gross']))


TABLES = law.read(DATA)
PARAMS = list(_read())


@pytest.mark.parametrize('case,rules_date', PARAMS)
def test_fr_payslips(case, rules_date):
    result = _compute(case['input'])
    lines = {line.rule: line for line in result.lines}

    for side, names, derived in [
            ('employee', EMPLOYEE, set()),
            ('employer', EMPLOYER, EMPLOYER_DERIVED)]:
        assert set(case[side]) <= set(names) | derived
        seen = set()
        for name, rules in names.items():
            amount = sum(
                getattr(lines[r], side) for r in rules if r in lines)
            expected = _decimal(case[side].get(name, 0))
            assert abs(amount - expected) <= CENT_AND_HALF, name
            seen.update(rules)
        # No line that the reference does not have
        assert not [
            line for rule, line in lines.items()
            if rule not in seen and getattr(line, side)
            and not rule.startswith('reduction')]

    employer = case['employer']
    assert result.coefficient == _decimal(
        employer['general_reduction_coefficient'])
    assert (abs(result.reduction - _decimal(employer['general_reduction']))
        <= CENT_AND_HALF)
    assert (abs(result.reduction
            - _decimal(employer['relief_employer_total']))
        <= CENT_AND_HALF)
    if 'apprenticeship_base' in employer:
        assert (abs(_decimal(employer['apprenticeship_base'])
                + _decimal(employer['apprenticeship_balance'])
                - lines['apprenticeship'].employer) <= CENT_AND_HALF)

    totals = case['totals']
    assert result.gross == _decimal(totals['gross'])
    for name, amount, tolerance in [
            ('cost', result.cost, '0.06'),
            ('net_before_tax', result.net_before_tax, '0.04'),
            ('net_social', result.net_social, '0.04'),
            ('net_taxable', result.net_taxable, '0.04')]:
        if name == 'net_taxable' and case['input']['executive']:
            continue
        assert (abs(amount - _decimal(totals[name]))
            <= Decimal(tolerance)), name


@pytest.mark.parametrize('case,rules_date', PARAMS)
def test_fr_payslips_neutral_rate(case, rules_date):
    "The reference takes the grid of the day of its rules"
    if case['input']['executive'] or not rules_date:
        pytest.skip("the reference has another taxable net")
    day, month, year = map(int, rules_date.split('/'))
    tables = law.select(TABLES, datetime.date(year, month, day))
    taxable = _decimal(case['totals']['net_taxable'])
    rate = engine.neutral_rate(tables, taxable)
    assert rate * 100 == _decimal(case['totals']['withholding_rate'])
