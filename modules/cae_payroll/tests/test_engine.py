# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"The engine alone, on the law that ships"
import datetime
import itertools
import unittest
from decimal import Decimal
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from trytond.modules.cae_payroll import engine, law
from trytond.modules.cae_payroll.engine import Establishment, Terms

D = Decimal
TABLES = law.read(Path(law.__file__).parent / 'data' / 'france.xml')
LARGE = Establishment(60, D('0.012'))
HEALTH = Terms(
    health_employee=D(20), health_employer=D(20), withholding_rate=D('0.035'))


def scheme(date='2026-03-31', establishment=LARGE, executive=False):
    return engine.prepare(
        law.select(TABLES, datetime.date.fromisoformat(date)),
        establishment, executive)


amounts = st.decimals(0, 12_000, places=2)
dates = st.sampled_from(['2025-01-31', '2025-06-30', '2026-01-31'])
establishments = st.builds(
    Establishment,
    headcount=st.sampled_from([8, 10, 11, 15, 49, 50, 300]),
    work_accident_rate=st.decimals(0, '0.06', places=4),
    mobility_rate=st.decimals(0, '0.032', places=4),
    regularisation=st.just('none'))
persons = st.builds(
    Terms,
    executive=st.booleans(),
    weekly_hours=st.sampled_from([None, D(5), D('17.5'), D(35)]),
    health_employee=st.decimals(0, 60, places=2),
    health_employer=st.decimals(0, 60, places=2),
    withholding_rate=st.decimals(0, '0.43', places=3))


class ExampleTestCase(unittest.TestCase):
    "Worked examples to the cent"

    def test_lines(self):
        "EX-22: every line of 2000.00"
        result = engine.compute(scheme(), HEALTH, D(2000))

        self.assertEqual(
            {x.rule: (x.employee, x.employer) for x in result.lines}, {
                'health': (D('0'), D('260.00')),
                'health_insurance': (D('20'), D('20')),
                'work_accident': (D('0'), D('24.00')),
                'pension_capped': (D('138.00'), D('171.00')),
                'pension_uncapped': (D('8.00'), D('42.20')),
                'agirc_arrco_1': (D('63.00'), D('94.40')),
                'ceg_1': (D('17.20'), D('25.80')),
                'family': (D('0'), D('105.00')),
                'unemployment': (D('0'), D('80.00')),
                'ags': (D('0'), D('5.00')),
                'csa': (D('0'), D('6.00')),
                'fnal': (D('0'), D('10.00')),
                'training': (D('0'), D('20.00')),
                'apprenticeship': (D('0'), D('13.60')),
                'construction': (D('0'), D('9.00')),
                'social_dialogue': (D('0'), D('0.32')),
                'social_levy': (D('0'), D('1.60')),
                'csg_deductible': (D('134.98'), D('0')),
                'csg': (D('47.64'), D('0')),
                'crds': (D('9.93'), D('0')),
                'reduction': (D('0'), D('-540.60')),
                'reduction_pension': (D('0'), D('-95.00')),
                'withholding': (D('57.36'), D('0')),
                })
        csg, = [line for line in result.lines if line.rule == 'csg']
        self.assertEqual(csg.base, D('1985.00'))
        self.assertEqual(result.employee, D('438.75'))
        self.assertEqual(result.employer, D('887.92'))
        self.assertEqual(result.net_before_tax, D('1561.25'))
        self.assertEqual(result.net_taxable, D('1638.82'))
        self.assertEqual(result.coefficient, D('0.3178'))
        self.assertEqual(result.reduction, D('635.60'))
        self.assertEqual(result.cost, D('2252.32'))
        self.assertEqual(result.withholding, D('57.36'))
        self.assertEqual(result.net_paid, D('1503.89'))

    def test_small_establishment(self):
        "EX-22: the same with 30 people"
        result = engine.compute(
            scheme(establishment=Establishment(30, D('0.012'))),
            HEALTH, D(2000))

        self.assertEqual(result.coefficient, D('0.3147'))
        self.assertEqual(result.reduction, D('629.40'))
        self.assertEqual(result.cost, D('2241.52'))

    def test_any_month_of_2026(self):
        "EX-22: the minimum wage of the reduction is frozen"
        for month in range(1, 13):
            with self.subTest(month=month):
                result = engine.compute(
                    scheme(f'2026-{month:02}-28'), HEALTH, D(2000))
                self.assertEqual(result.cost, D('2252.32'))

    def test_slice_2(self):
        "EX-23: 5000.00"
        result = engine.compute(scheme(), HEALTH, D(5000))

        bases = {line.rule: line.base for line in result.lines}
        self.assertEqual(bases['agirc_arrco_1'], D('4005'))
        self.assertEqual(bases['agirc_arrco_2'], D('995'))
        self.assertEqual(result.employee, D('1059.12'))
        self.assertEqual(result.net_before_tax, D('3940.88'))
        self.assertEqual(result.employer, D('2198.00'))
        self.assertEqual(result.coefficient, D('0.0218'))
        self.assertEqual(result.reduction, D('109.00'))
        self.assertEqual(result.cost, D('7089.00'))
        self.assertEqual(result.net_taxable, D('4103.92'))

    def test_budget(self):
        "EX-24: budget to gross"
        for budget, gross, net, coefficient, reduction in [
                ('3000.00', '2403.37', '1880.56', '0.1939', '466.01'),
                ('2100.00', '1922.19', '1499.66', '0.3519', '676.42')]:
            with self.subTest(budget=budget):
                found = engine.solve(scheme(), HEALTH, D(budget))
                result = engine.compute(scheme(), HEALTH, found)
                self.assertEqual(found, D(gross))
                self.assertEqual(result.net_before_tax, D(net))
                self.assertEqual(result.coefficient, D(coefficient))
                self.assertEqual(result.reduction, D(reduction))

    def test_equivalent_hours(self):
        "EX-25: a month below the minimum wage without counted hours"
        result = engine.compute(scheme(), HEALTH, D(1000))

        self.assertEqual(result.coefficient, D('0.4021'))
        self.assertEqual(result.reduction, D('402.10'))
        self.assertEqual(result.employee, D('230.34'))
        self.assertEqual(result.net_before_tax, D('769.66'))
        self.assertEqual(result.employer, D('454.76'))
        self.assertEqual(result.cost, D('1052.66'))
        self.assertEqual(
            (result.counters['smic'] / scheme().smic * D('151.67')).quantize(
                D('0.01')),
            D('83.20'))


class LawTestCase(unittest.TestCase):
    "The law is dated and says what it does not know"

    def test_unknown_parameter(self):
        for date in ['2024-12-31', '2027-01-31']:
            with self.subTest(date=date):
                with self.assertRaises(engine.UnknownValue) as error:
                    scheme(date)
                self.assertEqual(
                    error.exception.date, datetime.date.fromisoformat(date))

    def test_unknown_grid(self):
        "The neutral grid is needed only without personal rate"
        january = scheme('2025-01-31')
        engine.compute(january, HEALTH, D(2000))
        with self.assertRaises(engine.UnknownValue) as error:
            engine.compute(
                january, HEALTH._replace(withholding_rate=None), D(2000))
        self.assertEqual(error.exception.kind, 'scale')

    def test_neutral_rate(self):
        march, may = scheme('2026-03-31').law, scheme('2026-05-31').law
        for law_, taxable, rate in [
                (march, '0', '0'), (march, '1619.99', '0'),
                (march, '1620', '0.005'), (may, '1634.99', '0'),
                (may, '1635', '0.005'), (may, '55557.99', '0.38'),
                (may, '55558', '0.43')]:
            with self.subTest(taxable=taxable):
                self.assertEqual(
                    engine.neutral_rate(law_, D(taxable)), D(rate))

    def test_every_value_has_source(self):
        for name, children in [
                ('parameters', 'values'), ('rules', 'rates'),
                ('reductions', 'values'), ('scales', 'brackets')]:
            for row in TABLES[name]:
                for value in row.get(children, []):
                    self.assertTrue(value['source'], row['code'])
                    self.assertTrue(value['start_date'], row['code'])

    def test_rates_of_2025(self):
        "Reduced rates up to a multiple of the minimum wage"
        def rates(date, gross):
            result = engine.compute(scheme(date), HEALTH, D(gross))
            return {line.rule: line.employer_rate for line in result.lines}

        health, family = '4054.05', '5945.94'
        above = [str(D(x) + D('0.01')) for x in [health, family]]
        june = '2025-06-30'
        self.assertEqual(rates(june, health)['health'], D('0.07'))
        self.assertEqual(rates(june, above[0])['health'], D('0.13'))
        self.assertEqual(rates(june, family)['family'], D('0.0345'))
        self.assertEqual(rates(june, above[1])['family'], D('0.0525'))
        self.assertEqual(rates('2026-01-31', '1000')['health'], D('0.13'))
        self.assertEqual(
            rates('2025-04-30', '2000')['unemployment'], D('0.0405'))
        self.assertEqual(rates(june, '2000')['unemployment'], D('0.04'))


class ThresholdTestCase(unittest.TestCase):
    "What changes at a cent or at a head"

    def test_ceiling(self):
        for gross, rules in [
                ('4005.00', set()),
                ('4005.01', {'cet', }),
                ('4005.10', {'cet', 'agirc_arrco_2'}),
                ]:
            result = engine.compute(scheme(), HEALTH, D(gross))
            self.assertEqual({
                    line.rule for line in result.lines
                    if line.rule in {'cet', 'agirc_arrco_2'}}, rules)

    def test_end_of_reduction(self):
        below = engine.compute(scheme(), HEALTH, D('5469.09'))
        at = engine.compute(scheme(), HEALTH, D('5469.10'))
        self.assertEqual(below.coefficient, D('0.02'))
        self.assertEqual(below.reduction, D('109.38'))
        self.assertEqual(at.coefficient, 0)
        self.assertEqual(at.reduction, 0)

    def test_headcount(self):
        def rules(headcount):
            result = engine.compute(
                scheme(establishment=Establishment(
                        headcount, D('0.01'), D('0.02'))), HEALTH, D(2300))
            return {line.rule for line in result.lines}

        self.assertEqual(
            rules(11) ^ rules(10),
            {'training_small', 'training', 'mobility', 'social_levy'})
        self.assertEqual(
            rules(50) ^ rules(49), {'fnal_small', 'fnal', 'construction'})

    def test_abatement(self):
        "The CSG base is not abated above four ceilings"
        result = engine.compute(
            scheme(), Terms(withholding_rate=D(0)), D('17020'))
        csg, = [line for line in result.lines if line.rule == 'csg']
        self.assertEqual(csg.base, D('15739.65') + D(1000))

    def test_no_gross(self):
        with self.assertRaises(engine.NoGross):
            engine.solve(scheme(), HEALTH, D('21.59'))
        self.assertEqual(engine.solve(scheme(), HEALTH, D('21.60')), 0)
        self.assertEqual(
            engine.solve(scheme(), Terms(withholding_rate=D(0)), D(0)), 0)


class YearToDateTestCase(unittest.TestCase):
    "What is due to date less what was counted before"

    def pay(self, regularisation, budgets, **terms):
        establishment = Establishment(
            150, D('0.0208'), regularisation=regularisation)
        terms = Terms(withholding_rate=D(0), **terms)
        counters, results = {}, []
        for budget in budgets:
            scheme_ = scheme(establishment=establishment)
            gross = engine.solve(scheme_, terms, D(budget), counters)
            result = engine.compute(scheme_, terms, gross, counters)
            self.assertLessEqual(result.cost, budget)
            counters = result.counters
            results.append(result)
        return results

    def test_irregular_year(self):
        budgets = [1200, 4500, 2600, 9000, 1800]
        grosses = {
            r: [x.gross for x in self.pay(r, budgets, weekly_hours=D(35))]
            for r in engine.REGULARISATIONS}
        self.assertEqual(grosses['none'][3:], [D('6232.27'), D('1731.00')])
        self.assertEqual(grosses['reduction'][3], D('5902.87'))
        self.assertEqual(
            len({g[3] for g in grosses.values()}), 3)

    def test_order_of_months(self):
        "The reduction of the year does not depend on the order of its months"
        grosses = [D(x) for x in [1200, 3800, 2100, 5600]]
        establishment = Establishment(
            150, D('0.0208'), regularisation='reduction')
        terms = Terms(weekly_hours=D(35), withholding_rate=D(0))
        totals = set()
        for order in itertools.permutations(grosses):
            counters = {}
            for gross in order:
                counters = engine.compute(
                    scheme(establishment=establishment), terms, gross,
                    counters).counters
            totals.add(counters['reduction'])
        self.assertEqual(len(totals), 1)

    @given(
        st.decimals(600, 9000, places=2),
        st.sampled_from(engine.REGULARISATIONS), persons)
    @settings(deadline=None, max_examples=50)
    def test_equal_months(self, gross, regularisation, person):
        "Twelve equal months make twelve times one month"
        scheme_ = scheme(
            establishment=LARGE._replace(regularisation=regularisation),
            executive=person.executive)
        first = engine.compute(scheme_, person, gross)
        counters = {}
        for _ in range(12):
            counters = engine.compute(
                scheme_, person, gross, counters).counters
        self.assertEqual(counters['gross'], 12 * gross)
        # Lines that are rounded once a month or once a year
        self.assertLess(abs(counters['cost'] - 12 * first.cost), D('1.50'))
        self.assertLess(
            abs(counters['reduction'] - 12 * first.reduction), D('0.07'))


class PropertyTestCase(unittest.TestCase):

    @given(dates, establishments, persons, amounts)
    @example(
        '2025-01-31', Establishment(8), Terms(withholding_rate=D(0)),
        D('0.02'))
    @settings(deadline=None, max_examples=200)
    def test_totals(self, date, establishment, person, gross):
        "Totals are the sums of the lines, the cost is found alone too"
        scheme_ = scheme(date, establishment, person.executive)
        result = engine.compute(scheme_, person, gross)

        contributions = [
            x for x in result.lines
            if not x.rule.startswith(('reduction', 'withholding'))]
        reductions = [
            x for x in result.lines if x.rule.startswith('reduction')]
        self.assertEqual(
            sum(line.employee for line in contributions), result.employee)
        self.assertEqual(
            sum(line.employer for line in contributions), result.employer)
        self.assertEqual(
            -sum(line.employer for line in reductions), result.reduction)
        self.assertEqual(
            result.cost, gross + sum(line.employer for line in result.lines))
        self.assertEqual(
            result.net_paid, gross - sum(x.employee for x in result.lines))
        self.assertEqual(
            result.cost, engine.cost(scheme_, person, gross))
        for line in result.lines:
            for value in [line.employee, line.employer]:
                self.assertEqual(value, engine.cents(value))
            self.assertTrue(line.employee or line.employer)
        self.assertGreaterEqual(result.reduction, 0)
        self.assertLessEqual(result.reduction, result.employer)

    @given(dates, establishments, persons, amounts,
        st.one_of(st.just(D('0.01')), st.decimals('0.01', 3, places=2)))
    @settings(deadline=None, max_examples=300)
    def test_monotone(self, date, establishment, person, gross, step):
        scheme_ = scheme(date, establishment, person.executive)
        self.assertLessEqual(
            engine.cost(scheme_, person, gross),
            engine.cost(scheme_, person, gross + step))

    def test_monotone_at_thresholds(self):
        scheme_ = scheme()
        for threshold in ['1823.03', '4005.00', '5469.10', '16020.00']:
            costs = [
                engine.cost(scheme_, HEALTH, D(threshold) + D(n).scaleb(-2))
                for n in range(-300, 300)]
            self.assertEqual(costs, sorted(costs))

    @given(dates, establishments, persons, st.decimals(100, 15_000, places=2))
    @settings(deadline=None, max_examples=300)
    def test_inverse(self, date, establishment, person, budget):
        "The largest gross within the budget, to the cent"
        scheme_ = scheme(date, establishment, person.executive)
        gross = engine.solve(scheme_, person, budget)
        self.assertLessEqual(engine.cost(scheme_, person, gross), budget)
        self.assertGreater(
            engine.cost(scheme_, person, gross + D('0.01')), budget)

    @given(dates, establishments, persons, amounts)
    @settings(deadline=None, max_examples=200)
    def test_inverse_of_cost(self, date, establishment, person, gross):
        scheme_ = scheme(date, establishment, person.executive)
        budget = engine.cost(scheme_, person, gross)
        found = engine.solve(scheme_, person, budget)
        self.assertGreaterEqual(found, gross)
        self.assertEqual(engine.cost(scheme_, person, found), budget)

    @given(
        st.lists(st.decimals(100, 9_000, places=2), min_size=2, max_size=6),
        st.sampled_from(engine.REGULARISATIONS),
        st.sampled_from([None, D(35)]))
    @settings(deadline=None, max_examples=100)
    def test_never_over_budget(self, budgets, regularisation, hours):
        "Over a year to date no pay costs more than its budget"
        scheme_ = scheme(
            establishment=LARGE._replace(regularisation=regularisation))
        terms = HEALTH._replace(weekly_hours=hours)
        counters = {}
        for budget in budgets:
            try:
                gross = engine.solve(scheme_, terms, budget, counters)
            except engine.NoGross:
                continue
            result = engine.compute(scheme_, terms, gross, counters)
            self.assertLessEqual(result.cost, budget)
            counters = result.counters
