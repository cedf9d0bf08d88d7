# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Payslips per second and budgets turned into gross per second.

The engine alone, without database, on the law that ships:

    python -O benchmarks/payroll.py [--people N]
"""
import argparse
import datetime
import random
import time
from decimal import Decimal
from pathlib import Path

from trytond.modules.cae_payroll import engine, law

DATA = Path(law.__file__).parent / 'data' / 'france.xml'


def timed(function, people):
    start = time.perf_counter()
    results = [function(*person) for person in people]
    return results, time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--people', type=int, default=5000)
    options = parser.parse_args()

    tables = law.read(DATA)
    scheme = engine.prepare(
        law.select(tables, datetime.date(2026, 3, 31)),
        engine.Establishment(150, Decimal('0.0208')))
    terms = engine.Terms(
        health_employee=Decimal(20), health_employer=Decimal(20))
    choice = random.Random(2026)
    budgets = [
        Decimal(choice.randint(10_000, 1_000_000)).scaleb(-2)
        for _ in range(options.people)]

    evaluations = 0
    cost = engine.cost

    def counted(*args):
        nonlocal evaluations
        evaluations += 1
        return cost(*args)

    gross, solving = timed(
        lambda budget: engine.solve(scheme, terms, budget),
        [(b,) for b in budgets])
    payslips, computing = timed(
        lambda amount: engine.compute(scheme, terms, amount),
        [(g,) for g in gross])
    engine.cost = counted
    again, _ = timed(
        lambda budget: engine.solve(scheme, terms, budget),
        [(b,) for b in budgets])
    engine.cost = cost

    over = sum(p.cost > b for p, b in zip(payslips, budgets))
    improvable = sum(
        engine.cost(scheme, terms, g + engine.CENT) <= b
        for g, b in zip(gross, budgets))
    residues = sorted(b - p.cost for p, b in zip(payslips, budgets))
    lines = sum(len(p.lines) for p in payslips)
    count = options.people
    print(f"people                        {count}")
    print(f"payslips per second           {count / computing:.0f}")
    print(f"budget to gross per second    {count / solving:.0f}")
    print(f"lines per payslip             {lines / count:.1f}")
    print(f"costs evaluated per budget    {evaluations / count:.1f}")
    print(f"budget to gross / payslip     {solving / computing:.1f}")
    print(f"budgets overdrawn             {over}")
    print(f"budgets improvable by a cent  {improvable}")
    print(f"left of a budget, median      {residues[count // 2]}")
    print(f"left of a budget, largest     {residues[-1]}")
    return int(bool(over or improvable or again != gross))


if __name__ == '__main__':
    raise SystemExit(main())
