# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The books agree: on the demonstration and on random cooperatives.

What the closings posted is compared with the trial balance read by plain SQL
and with what the documents alone ask for.
"""
import copy
import datetime as dt
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from demo.books import Books
from demo.cooperative import Person
from tests import databases, fingerprint
from tests.month import TAXES, Month
from trytond.modules.cae_billing.apportion import apportion, round_half_up
from trytond.modules.cae_billing.tier import Scale

pytestmark = pytest.mark.stage2(on='postgresql')
ZERO = Decimal(0)
MONTHS = [dt.date(2026, 2, 1), dt.date(2026, 3, 1)]


def end_of(month):
    return month + relativedelta(months=1, days=-1)


class Undo(Exception):
    "Undoes a transaction and carries what it found"

    def __init__(self, result):
        super().__init__()
        self.result = result


def undone(server, function, *args):
    "Return the result of the function, nothing of it kept"
    def work():
        raise Undo(function(*args))
    try:
        server.run(work)
    except Undo as undo:
        return undo.result


def rows(query):
    from trytond.transaction import Transaction
    cursor = Transaction().connection.cursor()
    cursor.execute(query)
    return cursor.fetchall()


def trial_balance(company, date, analytic=False):
    """Return {account code: debit less credit} of the posted moves.

    With analytic {(analytic account id, account code): the same} instead.
    """
    amounts, key = 'line', 'account.code'
    join = ''
    if analytic:
        amounts, key = 'analytic', 'analytic.account, account.code'
        join = ("JOIN analytic_account_line analytic "
            "ON analytic.move_line = line.id")
    result = defaultdict(Decimal)
    for *keys, debit, credit in rows(f"""
            SELECT {key}, {amounts}.debit, {amounts}.credit
            FROM account_move_line line {join}
            JOIN account_move move ON move.id = line.move
            JOIN account_account account ON account.id = line.account
            WHERE move.state = 'posted' AND move.company = {company}
                AND move.date <= '{date}'"""):
        result[tuple(keys) if analytic else keys[0]] += (
            Decimal(str(debit or 0)) - Decimal(str(credit or 0)))
    return result


def take():
    from trytond.transaction import Transaction
    return fingerprint.take(Transaction().connection.cursor())


# The demonstration

STAGES = [
    'support', 'cape', 'cape', 'cesa', 'cesa', 'cesa', 'associate',
    'associate']


@pytest.fixture(scope='module')
def demonstration():
    "A small cooperative with two closed months"
    cooperative = databases.Adopted(
        databases.activate(), staff=1, months=2, invoices=2)
    cooperative.people = [Person(i, stage) for i, stage in enumerate(STAGES)]
    cooperative.build()
    cooperative.closings = []
    for number in range(cooperative.months):
        month = cooperative.start + relativedelta(months=number)
        cooperative.enter(month)
        cooperative.closings.append(cooperative.close(month))
    yield cooperative
    databases.drop()


def read_books(cooperative):
    return Books(
        cooperative.server.pool, cooperative.server.company,
        cooperative.start + relativedelta(months=cooperative.months, days=-1),
        cooperative.opening, cooperative.grants)


def differences(cooperative):
    return read_books(cooperative).differences()


def test_demonstration(demonstration):
    "The books of the demonstration agree, and not because they are empty"
    assert not demonstration.server.run(differences, demonstration)

    def read():
        company = demonstration.server.company
        books = read_books(demonstration)
        return (books.documents(), trial_balance(company, books.date),
            {a.id: a.kind for a in books.activities})
    documents, balance, kinds = demonstration.server.run(read)
    for person in demonstration.people:
        amounts = documents[person.activity]
        assert bool(amounts['sale']) == person.sells
        assert bool(amounts['fee']) == person.sells
        assert bool(amounts['pay']) == person.employed
    assert balance['10131'] == -20 * 50 * STAGES.count('associate')
    assert all(
        not amount for code, amount in balance.items()
        if code.startswith('6289'))
    result = -sum(a for code, a in balance.items() if code[0] in '67')
    assert result == sum(
        sum(amounts.values()) for id_, amounts in documents.items()
        if kinds[id_] != 'allocated') - sum(demonstration.opening.values())


def test_second_closing(demonstration):
    "Closing again what is closed changes nothing"
    server = demonstration.server
    before = server.run(take)

    def resume(id_):
        Closing = server.pool.get('cae.closing')
        Closing.resume([Closing(id_)])
    for id_ in demonstration.closings:
        server.run(resume, id_)
        after = server.run(take)
        assert not fingerprint.differences(before, after)
    assert before['fees'] and before['payslips'] and before['statements']
    assert not fingerprint.gaps(before)

    def create():
        Closing = server.pool.get('cae.closing')
        closing = Closing(demonstration.closings[0])
        Closing.create([{
                    'company': closing.company.id,
                    'period': closing.period.id}])
    from trytond.exceptions import UserError
    with pytest.raises(UserError):
        undone(server, create)


ANALYTIC = """(
    SELECT MAX(line.id) FROM analytic_account_line line
    JOIN account_move_line move_line ON move_line.id = line.move_line
    JOIN account_account account ON account.id = move_line.account
    JOIN cae_activity activity ON activity.analytic_account = line.account
    WHERE activity.kind = 'business' AND account.code = '706'
        AND activity.company = {company})"""
INTERNAL = """(
    SELECT MAX(line.id) FROM account_move_line line
    JOIN account_account account ON account.id = line.account
    WHERE account.code = '62891' AND account.company = {company})"""
FEE = "(SELECT MAX(id) FROM cae_fee WHERE company = {company})"
# Keeps one of both at zero, as PostgreSQL checks
RAISE = """
    debit = CASE WHEN credit = 0 THEN debit + 1 ELSE debit END,
    credit = CASE WHEN credit = 0 THEN credit ELSE credit + 1 END"""
# What somebody with access to the database could do, and what would show it
CORRUPTIONS = [
    (f"UPDATE analytic_account_line SET {RAISE} "
        f"WHERE id = {ANALYTIC}",
        ["lacks its activity", "the activities total", "the documents of"],
        ['analytic', 'result', 'statement']),
    ("UPDATE analytic_account_line SET account = ("
        "SELECT MAX(analytic_account) FROM cae_activity "
        "WHERE kind = 'shared' AND company = {company}) "
        f"WHERE id = {ANALYTIC}",
        ["the documents of"],
        ['statement']),
    ("UPDATE analytic_account_line SET account = ("
        "SELECT MAX(analytic_account) FROM cae_activity "
        "WHERE kind = 'unassigned' AND company = {company}) "
        f"WHERE id = {ANALYTIC}",
        ["is to be assigned", "the documents of"],
        ['statement']),
    (f"DELETE FROM analytic_account_line WHERE id = {ANALYTIC}",
        ["lacks its activity", "the activities total", "the documents of"],
        ['result', 'turnover', 'statement']),
    ("UPDATE analytic_account_line SET date = '2025-12-31' "
        f"WHERE id = {ANALYTIC}",
        ["is misdated"],
        ['analytic']),
    (f"UPDATE account_move_line SET {RAISE} "
        f"WHERE id = {INTERNAL}",
        ["debit", "the internal account 62891", "lacks its activity"],
        ['internal', 'analytic']),
    ("UPDATE account_move_line SET account = ("
        "SELECT MAX(id) FROM account_account WHERE code = '6132' "
        "AND company = {company}) "
        f"WHERE id = {INTERNAL}",
        ["the internal account 62891", "the fees of", "fees paid"],
        ['internal']),
    ("UPDATE account_move SET state = 'draft' "
        f"WHERE id = (SELECT move FROM cae_fee WHERE id = {FEE})",
        ["the fees of", "the documents of"],
        ['fee']),
    (f"DELETE FROM cae_fee WHERE id = {FEE}",
        ["the fees of", "the documents of"],
        ['fee']),
    (f"UPDATE cae_fee SET amount = amount + 1 WHERE id = {FEE}",
        ["the fees of", "the documents of"],
        ['fee']),
    ("UPDATE cae_payslip_activity SET cost = cost - 1 WHERE id = ("
        "SELECT MAX(part.id) FROM cae_payslip_activity part "
        "JOIN cae_payslip payslip ON payslip.id = part.payslip "
        "WHERE payslip.company = {company})",
        ["the documents of"],
        ['pay']),
    ("UPDATE account_invoice_line SET unit_price = unit_price + 1 "
        "WHERE id = (SELECT MAX(line.id) FROM account_invoice_line line "
        "JOIN account_invoice invoice ON invoice.id = line.invoice "
        "WHERE invoice.company = {company})",
        ["the documents of"],
        []),
    ("UPDATE cae_share_movement SET quantity = quantity - 1 "
        "WHERE id = (SELECT MAX(id) FROM cae_share_movement "
        "WHERE company = {company})",
        ["capital: "],
        ['capital']),
    ("UPDATE account_move_line SET credit = credit - 50 "
        "WHERE id = (SELECT MAX(line.id) FROM account_move_line line "
        "JOIN account_account account ON account.id = line.account "
        "WHERE account.code = '10131' AND account.company = {company})",
        ["debit", "capital: "],
        ['capital']),
    ]


def checks(cooperative):
    "Return the codes of the checks of the last month that do not agree"
    Closing = cooperative.server.pool.get('cae.closing')
    closing = Closing(cooperative.closings[-1])
    return {
        values['code'] for values in closing._checked()
        if values['state'] not in {'right', 'none'}}


def test_checks(demonstration):
    "The checks of the closings of the demonstration agree"
    def read():
        Closing = demonstration.server.pool.get('cae.closing')
        return [
            [(c.code, c.state, c.expected, c.found)
                for c in Closing(id_).checks]
            for id_ in demonstration.closings]
    for found in demonstration.server.run(read):
        assert not [
            check for check in found if check[1] not in {'right', 'none'}]
        assert {'bank', 'capital', 'fee', 'locked', 'pay'} <= {
            code for code, *_ in found}


@pytest.mark.parametrize('query,expected,codes', CORRUPTIONS)
def test_corruption(demonstration, query, expected, codes):
    "What was changed behind the models is seen, by the checks too"
    from trytond.transaction import Transaction

    def corrupt():
        cursor = Transaction().connection.cursor()
        cursor.execute(query.format(company=demonstration.server.company))
        assert cursor.rowcount
        return differences(demonstration), checks(demonstration)
    found, seen = undone(demonstration.server, corrupt)
    for text in expected:
        assert any(text in difference for difference in found), (text, found)
    assert set(codes) <= seen


@pytest.mark.parametrize('query,code', [
        ("UPDATE cae_payslip_line SET employer = employer + 1 WHERE id = ("
            "SELECT MAX(line.id) FROM cae_payslip_line line "
            "JOIN cae_payroll_rule rule ON rule.id = line.rule "
            "WHERE rule.kind = 'contribution')", 'contributions'),
        ("UPDATE cae_payslip_line SET employer = employer + 1 WHERE id = ("
            "SELECT MAX(line.id) FROM cae_payslip_line line "
            "JOIN cae_payroll_rule rule ON rule.id = line.rule "
            "WHERE rule.kind = 'reduction')", 'charges'),
        ("UPDATE cae_payslip SET net_paid = net_paid + 1 "
            "WHERE id = (SELECT MAX(id) FROM cae_payslip)", 'contributions'),
        ("UPDATE account_move_line SET reconciliation = NULL WHERE id = ("
            "SELECT MIN(line.id) FROM account_move_line line "
            "JOIN account_account account ON account.id = line.account "
            "WHERE account.code = '4211' AND line.credit > 0)", 'net_pay'),
        ("UPDATE account_statement SET date = '2025-12-31'", 'bank'),
        ("UPDATE cae_payslip SET number = 'B999999' WHERE id = ("
            "SELECT MIN(id) FROM cae_payslip)", 'number'),
        ])
def test_check(demonstration, query, code):
    "What is no difference of the books but to be seen by its check"
    from trytond.transaction import Transaction

    def corrupt():
        cursor = Transaction().connection.cursor()
        cursor.execute(query)
        assert cursor.rowcount
        return checks(demonstration)
    assert code in undone(demonstration.server, corrupt)


# Random cooperatives: A2 is held by the holders of A0 for 60 % and of A1 for
# 40 %, A3 by somebody under a CAPE; S is the structure.

BUSINESSES = ['A0', 'A1', 'A2', 'A3']
HOLDERS = {
    'A0': [('P0', 1)],
    'A1': [('P1', 1)],
    'A2': [('P0', Decimal('0.6')), ('P1', Decimal('0.4'))],
    'A3': [('P2', 1)],
    }
EMPLOYED = ['P0', 'P1']
SALES = ['S20', 'S10', 'S5.5', 'G20', 'G5.5', '0']
FEE_ACCOUNTS = ['62891', '62892', '62893']


def cents(lower, upper):
    return st.integers(lower, upper).map(lambda n: Decimal(n) / 100)


maybe = st.none() | cents(0, 20000)
days = st.integers(1, 18)
sales = st.fixed_dictionaries({
        'lines': st.lists(st.tuples(
                st.sampled_from(BUSINESSES + ['S']),
                cents(1, 2000) | cents(50000, 400000),
                st.sampled_from(SALES)), min_size=1, max_size=4),
        'day': days,
        'settle': st.sampled_from([
                'open', 'paid', 'late', 'part', 'credit', 'refund', 'offset',
                'lost']),
        'share': st.integers(1, 99),
        })
costs = st.fixed_dictionaries({
        'amount': cents(10, 60000),
        'vat': st.sampled_from(['S20', 'G20', '0']),
        'split': st.dictionaries(
            st.sampled_from(BUSINESSES + ['S']), st.integers(1, 99),
            min_size=1, max_size=3),
        'day': days,
        })
internals = st.fixed_dictionaries({
        'pair': st.permutations(BUSINESSES).map(lambda p: p[:2]),
        'amount': cents(1, 50000),
        'day': days,
        })
grants = st.fixed_dictionaries({
        'activity': st.sampled_from(BUSINESSES + ['S']),
        'amount': cents(100, 300000),
        'day': days,
        })


@st.composite
def rules(draw):
    base = draw(st.sampled_from(['collected', 'invoiced', 'fixed']))
    rule = {
        'base': base,
        'beneficiary': draw(st.sampled_from(['S', 'F'])),
        'monthly_minimum': draw(maybe),
        'yearly_minimum': draw(maybe),
        'yearly_maximum': None,
        'amount': draw(cents(0, 5000)) if base == 'fixed' else None,
        'tiers': (),
        }
    if base != 'fixed':
        bounds = draw(st.lists(
                st.integers(1, 60).map(lambda n: Decimal(100 * n)),
                max_size=2, unique=True))
        rates = st.integers(0, 100).map(lambda n: Decimal(n) / 1000)
        rule['tiers'] = tuple(
            (bound, draw(rates)) for bound in [*sorted(bounds), None])
        if draw(st.booleans()):
            rule['yearly_maximum'] = (
                (rule['yearly_minimum'] or ZERO) + draw(cents(0, 50000)))
    return rule


@st.composite
def terms(draw):
    fixed = draw(st.just(ZERO) | cents(5000, 90000))
    mode = draw(st.sampled_from(['available', 'fixed', 'wanted']))
    health = draw(st.sampled_from([ZERO, Decimal(20)]))
    return {
        'mode': mode,
        'fixed_part': fixed,
        'wanted_gross': (
            fixed + draw(cents(1, 200000)) if mode == 'wanted' else None),
        'basis': draw(st.sampled_from(['collected', 'invoiced'])),
        'reserve': draw(st.just(ZERO) | cents(1, 30000)),
        'health_employee': health,
        'health_employer': health,
        }


months = st.fixed_dictionaries({
        'sales': st.lists(sales, min_size=2, max_size=5),
        'costs': st.lists(costs, min_size=1, max_size=2),
        'internals': st.lists(internals, max_size=1),
        'grants': st.lists(grants, max_size=1),
        })
cooperatives = st.fixed_dictionaries({
        'opening': st.dictionaries(
            st.sampled_from(BUSINESSES), cents(1, 150000)),
        'rules': st.lists(rules(), min_size=1, max_size=3),
        'terms': st.fixed_dictionaries({p: terms() for p in EMPLOYED}),
        'tax_rate': st.none() | st.integers(0, 20).map(
            lambda n: Decimal(n) / 100),
        'months': st.lists(months, min_size=1, max_size=2),
        })


class Sale:
    "A customer invoice or credit note as the document says"

    def __init__(self, invoice, keys):
        self.id = invoice.id
        self.date = invoice.invoice_date
        self.total = invoice.total_amount
        self.untaxed = defaultdict(Decimal)
        for line in invoice.lines:
            self.untaxed[keys[line.activity.id]] += line.amount
        self.waiting_vat = sum((
                t.amount for t in invoice.taxes if t.account.code == '44574'),
            ZERO)
        # (date, amount): what was settled by money or offset, and lost
        self.paid = []
        self.lost = []

    def shares(self, date):
        "Return the paid and the lost share at the date"
        if not self.total:
            return Fraction(1), Fraction(0)
        return tuple(
            Fraction(sum((a for d, a in amounts if d <= date), ZERO))
            / Fraction(self.total) for amounts in [self.paid, self.lost])

    def open(self, date):
        return self.total - sum(
            a for d, a in self.paid + self.lost if d <= date)


class Random(Month):
    "A random cooperative and what its documents ask for"

    def __init__(self, server):
        super().__init__(server, None, None)
        server.run(self.make_setup)
        server.run(self.prepare)

    def again(self, example):
        "Return the cooperative as it was prepared, for the example"
        other = copy.copy(self)
        other.begin(example)
        return other

    def begin(self, example):
        self.example = example
        self.invoices = {}
        self.sales = []
        self.late = []
        # {key: amount} to date
        self.costs = defaultdict(Decimal)
        self.others = defaultdict(Decimal)
        self.lost_vat = ZERO
        self.fees = defaultdict(Decimal)
        self.dues = defaultdict(Decimal)
        self.wages = defaultdict(Decimal)
        self.net_paid = ZERO
        self.statements = dict(example['opening'])

    def work(self):
        "Enter the documents of the example, close its months and check"
        self.server.run(self.make_terms)
        for number, documents in enumerate(self.example['months']):
            month = MONTHS[number]
            self.server.run(self.enter_month, documents, month)
            self.close(month)
            self.server.run(self.check, month, number + 1)
        found = self.server.run(self.differences, end_of(month))
        assert not found, '\n'.join(found)

    def prepare(self):
        "Make what all examples have: people, contracts, activities"
        Activity = self.get('cae.activity')
        Contract = self.get('cae.contract')
        Entrepreneur = self.get('cae.entrepreneur')
        Party = self.get('party.party')
        Type = self.get('cae.contract.type')
        company = self.server.company
        start = MONTHS[0]
        people = {p for holders in HOLDERS.values() for p, _ in holders}
        names = [*sorted(people), 'customer', 'supplier', 'funder']
        parties = Party.create([
                {'name': name, 'addresses': [('create', [{}])]}
                for name in names])
        self.parties = {n: p.id for n, p in zip(names, parties)}
        entrepreneurs = {
            name: entrepreneur.id for name, entrepreneur in zip(
                sorted(people), Entrepreneur.create([{
                            'company': company, 'party': self.parties[name],
                            'welcome_date': start,
                            } for name in sorted(people)]))}
        types = {t.code: t for t in Type.search([])}
        for name, entrepreneur in entrepreneurs.items():
            type_ = types['cesa' if name in EMPLOYED else 'cape']
            contract, = Contract.create([{
                        'company': company, 'entrepreneur': entrepreneur,
                        'type': type_.id, 'start_date': start,
                        'end_date': type_.longest_end(start),
                        }])
            self.contracts[name] = contract.id
        contracts = Contract.browse(self.contracts.values())
        Contract.confirm_clauses(contracts)
        Contract.sign(contracts)
        for key in BUSINESSES:
            activity, = Activity.create([{
                        'company': company, 'name': key, 'code': key,
                        'holders': [('create', [{
                                        'entrepreneur': entrepreneurs[p],
                                        'from_date': start, 'share': share,
                                        } for p, share in HOLDERS[key]])],
                        }])
            self.activities[key] = activity.id
        for key, kind in [
                ('S', 'shared'), ('F', 'fund'), ('R', 'allocated')]:
            self.activities[key] = Activity.special(self.company, kind).id
        self.keys = {id_: key for key, id_ in self.activities.items()}
        self.analytic = {
            key: Activity(id_).analytic_account.id
            for key, id_ in self.activities.items()}

    def make_terms(self):
        "Make the rules, the terms and the balances of the example"
        Pay = self.get('cae.contract.pay')
        Rule = self.get('cae.fee.rule')
        TaxRate = self.get('cae.payroll.tax_rate')
        company, start = self.server.company, MONTHS[0]
        self.rules = [rule.id for rule in Rule.create([{
                        **{k: v for k, v in rule.items() if v is not None},
                        'name': f"Rule {number}",
                        'company': company,
                        'start_date': start,
                        'account': self.account(FEE_ACCOUNTS[number]).id,
                        'beneficiary': self.activities[rule['beneficiary']],
                        'tiers': [('create', [
                                    {'up_to': up_to, 'rate': rate}
                                    for up_to, rate in rule['tiers']])],
                        } for number, rule in enumerate(
                        self.example['rules'])])]
        Pay.create([{
                    'contract': self.contracts[name], 'start_date': start,
                    **values,
                    } for name, values in self.example['terms'].items()])
        if self.example['tax_rate'] is not None:
            TaxRate.create([{
                        'contract': self.contracts['P0'], 'start_date': start,
                        'rate': self.example['tax_rate']}])
        for key, amount in self.example['opening'].items():
            self.post_move(start - dt.timedelta(1), 'OD', "Opening", [
                    ('62895', -amount, key, None),
                    ('62895', amount, 'R', None),
                    ])
            self.others[key] += amount
            self.others['R'] -= amount

    # The documents

    def enter_month(self, documents, month):
        for settle in self.late:
            settle(month + dt.timedelta(days=1))
        self.late = []
        self.enter_sales(
            sorted(documents['sales'], key=lambda d: d['day']), month)
        self.enter_costs(documents['costs'], month)
        for document in documents['internals']:
            seller, buyer = document['pair']
            amount = document['amount']
            self.post_move(
                month + relativedelta(day=document['day']), 'INT', "Internal",
                [('62894', amount, buyer, None),
                    ('62894', -amount, seller, None)])
            self.others[seller] += amount
            self.others[buyer] -= amount
        for document in documents['grants']:
            activity, amount = document['activity'], document['amount']
            self.post_move(
                month + relativedelta(day=document['day']), 'OD', "Grant", [
                    ('4417', amount, None, 'funder'),
                    ('741', -amount, activity, None),
                    ])
            self.others[activity] += amount

    def enter_sales(self, documents, month):
        "Post the customer invoices, then settle each as it is settled"
        Invoice = self.get('account.invoice')
        values = []
        for document in documents:
            lines = [(
                    self.activities[key], "Sale", amount,
                    self.account('7071' if tax[0] == 'G' else '706'),
                    [self.tax(TAXES['out', tax])] if tax != '0' else [],
                    ) for key, amount, tax in document['lines']]
            values.append(self.invoice_values(
                    'out', self.parties['customer'],
                    month + relativedelta(day=document['day']), lines,
                    self.journal('revenue')))
        invoices = Invoice.create(values)
        Invoice.post(invoices)
        for document, invoice in zip(documents, invoices):
            sale = self.add_sale(invoice.id)
            part = round_half_up(sale.total * document['share'] / 100)
            settle = getattr(self, 'settle_' + document['settle'])
            settle(sale, part, month + relativedelta(day=27))

    def settle_open(self, sale, part, date):
        pass

    def settle_paid(self, sale, part, date, others=()):
        "Pay the invoice as far as the others do not"
        amount = sale.total + sum(o.total for o in others)
        if amount:
            self.pay([str(s.id) for s in [sale, *others]], amount, date)
            sale.paid.append((date, amount))

    def settle_late(self, sale, part, date):
        self.late.append(lambda date: self.settle_paid(sale, part, date))

    def settle_part(self, sale, part, date):
        if not part or part == sale.total:
            return
        self.pay([str(sale.id)], part, date)
        sale.paid.append((date, part))

        def pay(date):
            self.pay([str(sale.id)], sale.total - part, date)
            sale.paid.append((date, sale.total - part))
        self.late.append(pay)

    def settle_credit(self, sale, part, date):
        "Credit the invoice by half; return the credit note"
        Invoice = self.get('account.invoice')
        Line = self.get('account.invoice.line')
        credit, = Invoice.credit([Invoice(sale.id)], invoice_date=date)
        Line.write(list(credit.lines), {'quantity': -0.5})
        Invoice.write([credit], {'payment_term_date': date})
        Invoice.post([credit])
        return self.add_sale(credit.id)

    def settle_offset(self, sale, part, date):
        "Pay what a credit note leaves"
        note = self.settle_credit(sale, part, date)
        if sale.total + note.total:
            self.settle_paid(sale, part, date, [note])
            sale.paid.append((date, -note.total))
            note.paid.append((date, note.total))

    def settle_refund(self, sale, part, date):
        "Credit the whole invoice"
        Invoice = self.get('account.invoice')
        credit, = Invoice.credit(
            [Invoice(sale.id)], refund=True, invoice_date=date)
        note = self.add_sale(credit.id)
        for settled in [sale, note]:
            settled.paid.append((date, settled.total))

    def settle_lost(self, sale, part, date):
        "Pay a part and write the rest off; its VAT was not due"
        Invoice = self.get('account.invoice')
        MoveLine = self.get('account.move.line')
        amount = sale.total - part
        if not amount:
            return
        if part:
            self.pay([str(sale.id)], part, date)
            sale.paid.append((date, part))
        key = sorted(sale.untaxed)[0]
        vat = round_half_up(sale.waiting_vat * amount / sale.total)
        if vat == amount:
            # Of the least amounts, for there is no loss without its line
            vat = ZERO
        lines = [
            ('4111', -amount, None, 'customer'),
            ('6541', amount - vat, key, None),
            ]
        if vat:
            lines.append(('44574', vat, None, None))
        move = self.post_move(date, 'OD', "Loss", lines)
        invoice = Invoice(sale.id)
        MoveLine.reconcile([
                *[line for line in move.lines
                    if line.account == invoice.account],
                *invoice.lines_to_pay, *invoice.payment_lines])
        sale.lost.append((date, amount))
        self.lost_vat += vat
        self.others[key] += vat - amount

    def add_sale(self, id_):
        Invoice = self.get('account.invoice')
        self.sales.append(Sale(Invoice(id_), self.keys))
        self.invoices[str(id_)] = id_
        return self.sales[-1]

    def enter_costs(self, documents, month):
        "Post the supplier invoices, split over the activities"
        Activity = self.get('cae.activity')
        Invoice = self.get('account.invoice')
        account = self.account('6236')
        values = []
        for number, document in enumerate(documents):
            taxes = []
            if document['vat'] != '0':
                taxes = [self.tax(TAXES['in', document['vat']])]
            reference = f"{month:%m}-{number}"
            first = next(iter(document['split']))
            line = (
                self.activities[first], reference, document['amount'],
                account, taxes)
            values.append(self.invoice_values(
                    'in', self.parties['supplier'],
                    month + relativedelta(day=document['day']), [line],
                    self.journal('expense'), reference=reference))
        invoices = Invoice.create(values)
        for document, invoice in zip(documents, invoices):
            split = document['split']
            if len(split) > 1:
                invoice.lines[0].split([
                        (Activity(self.activities[key]), weight)
                        for key, weight in split.items()])
            for key, part in zip(
                    split, apportion(document['amount'], split.values())):
                self.costs[key] -= part
        Invoice.post(Invoice.browse([i.id for i in invoices]))

    # What the documents ask for

    def uncollected(self, date):
        """Return {key: untaxed income not collected} and {key: lost}.

        Of each invoice the parts are rounded as a whole (largest remainder,
        in the order of the analytic accounts).
        """
        uncollected = defaultdict(Decimal)
        lost = defaultdict(Decimal)
        for sale in self.sales:
            if sale.date > date:
                continue
            paid, gone = sale.shares(date)
            keys = sorted(
                (k for k, a in sale.untaxed.items() if a),
                key=self.analytic.__getitem__)
            amounts = [sale.untaxed[k] for k in keys]

            def split(ratio):
                total = round_half_up(Fraction(sum(amounts)) * ratio)
                if not total:
                    return [ZERO] * len(amounts)
                return apportion(total, map(abs, amounts))
            for key, amount, collected, settled in zip(
                    keys, amounts, split(paid), split(paid + gone)):
                uncollected[key] += amount - settled
                lost[key] += settled - collected
        return uncollected, lost

    def invoiced(self, date):
        result = defaultdict(Decimal)
        for sale in self.sales:
            if sale.date <= date:
                for key, amount in sale.untaxed.items():
                    result[key] += amount
        return result

    def totals(self, date):
        "Return {key: balance}"
        result = self.invoiced(date)
        for amounts in [self.costs, self.others, self.fees, self.wages]:
            for key, amount in amounts.items():
                result[key] += amount
        return result

    def expected_fees(self, date, months):
        """Return {(rule number, key): fee of the month}"""
        invoiced = self.invoiced(date)
        uncollected, lost = self.uncollected(date)
        result = {}
        for number, rule in enumerate(self.example['rules']):
            scale = Scale(
                tiers=rule['tiers'], fixed=rule['amount'] or ZERO,
                **{name: rule[name] for name in [
                        'monthly_minimum', 'yearly_minimum',
                        'yearly_maximum']})
            for key in BUSINESSES:
                base = {
                    'fixed': ZERO,
                    'invoiced': invoiced[key],
                    'collected': (
                        invoiced[key] - uncollected[key] - lost[key]),
                    }[rule['base']]
                due = scale.due(base, months)
                fee = scale.fee(due - self.dues[number, key])
                self.dues[number, key] = due
                if fee:
                    result[number, key] = fee
        return result

    def expected_vat(self, date):
        "Return what the receipts made due of the VAT that waits"
        return sum((
                round_half_up(Fraction(s.waiting_vat) * s.shares(date)[0])
                for s in self.sales if s.date <= date), ZERO)

    # Checks after a closing

    def check(self, month, months):
        date = end_of(month)
        self.check_fees(month, months)
        self.check_pay(month)
        self.check_ledger(date)
        self.check_statements(month)

    def check_fees(self, month, months):
        Fee = self.get('cae.fee')
        expected = self.expected_fees(end_of(month), months)
        found = {
            (self.rules.index(f.rule.id), self.keys[f.activity.id]): f.amount
            for f in Fee.search([
                    ('company', '=', self.server.company),
                    ('period.start_date', '=', month),
                    ('amount', '!=', 0)])}
        assert found == expected
        for (number, key), amount in expected.items():
            self.fees[key] -= amount
            self.fees[self.example['rules'][number]['beneficiary']] += amount

    def check_pay(self, month):
        Payslip = self.get('cae.payslip')
        date = end_of(month)
        totals = self.totals(date)
        uncollected, _ = self.uncollected(date)
        payslips = {
            p.contract.id: p for p in Payslip.search([
                    ('company', '=', self.server.company),
                    ('period.start_date', '=', month)])}
        pay = defaultdict(Decimal)
        for name, values in self.example['terms'].items():
            budget = ZERO
            for key, holders in HOLDERS.items():
                names = [n for n, _ in holders]
                if name not in names:
                    continue
                balance = totals[key]
                if values['basis'] == 'collected':
                    balance -= uncollected[key]
                budget += apportion(
                    balance, [s for _, s in holders])[names.index(name)]
            budget -= values['reserve']
            payslip = payslips.pop(self.contracts[name], None)
            if not payslip:
                assert not values['fixed_part']
                continue
            assert payslip.state == 'posted'
            assert payslip.budget == budget
            assert payslip.gross >= values['fixed_part']
            limit = max(budget, ZERO)
            if payslip.gross > values['fixed_part']:
                assert payslip.cost <= limit
            assert payslip.above_budget == (payslip.cost > limit)
            if values['mode'] == 'fixed':
                assert payslip.gross == values['fixed_part']
            elif values['mode'] == 'wanted':
                assert payslip.gross <= values['wanted_gross']
            assert payslip.cost == sum(p.cost for p in payslip.activities)
            assert payslip.net_paid == (
                payslip.net_before_tax - payslip.withholding)
            self.net_paid += payslip.net_paid
            for part in payslip.activities:
                pay[self.keys[part.activity.id]] -= part.cost
        assert not payslips
        for key, amount in pay.items():
            self.wages[key] += amount

    def check_ledger(self, date):
        company = self.server.company
        balance = trial_balance(company, date)
        assert not sum(balance.values())
        assert {
            code: amount for code, amount in balance.items()
            if code.startswith('6289') and amount} == {}
        totals = self.totals(date)
        analytic = trial_balance(company, date, analytic=True)
        results, wages, fees = [defaultdict(Decimal) for _ in range(3)]
        names = {id_: key for key, id_ in self.analytic.items()}
        for (id_, code), amount in analytic.items():
            key = names[id_]
            results[key] -= amount
            if code.startswith(('64', '63')):
                wages[key] -= amount
            elif code in FEE_ACCOUNTS:
                fees[key] -= amount
        for key in self.activities:
            assert results[key] == totals[key], key
            assert wages[key] == self.wages[key]
            assert fees[key] == self.fees[key]
        assert -sum(results.values()) == sum(
            a for code, a in balance.items() if code[0] in '67')
        assert -balance['44574'] == sum(
            s.waiting_vat for s in self.sales if s.date <= date
            ) - self.expected_vat(date) - self.lost_vat
        assert balance['4111'] == sum(
            s.open(date) for s in self.sales if s.date <= date)
        assert -balance['4211'] == self.net_paid

    def check_statements(self, month):
        Statement = self.get('cae.activity.statement')
        Activity = self.get('cae.activity')
        date = end_of(month)
        activities = Activity.browse(
            [self.activities[key] for key in BUSINESSES])
        results = Activity.results(activities, date)
        totals = self.totals(date)
        uncollected, _ = self.uncollected(date)
        statements = Statement.search([
                ('company', '=', self.server.company),
                ('period.start_date', '=', month)])
        assert len(statements) == len(BUSINESSES)
        for statement in statements:
            key = self.keys[statement.activity.id]
            closing = totals[key]
            assert statement.closing_balance == closing
            assert results[statement.activity.id] == closing
            assert statement.uncollected == uncollected[key]
            assert closing == statement.opening_balance + sum(
                line.amount for line in statement.lines)
            assert statement.opening_balance == self.statements.get(key, ZERO)
            self.statements[key] = closing

    def differences(self, date):
        return Books(
            self.server.pool, self.server.company, date, {}, {
                self.activities[key]: amount
                for key, amount in self.others.items()}).differences()


@pytest.fixture(scope='module')
def prepared():
    cooperative = Random(databases.activate())
    saved = databases.Saved(cooperative.server.database)
    yield cooperative, saved
    saved.remove()
    databases.drop()


@pytest.mark.stage2
@settings(
    max_examples=6, deadline=None, derandomize=True, database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck))
@given(example=cooperatives)
def test_random(prepared, example):
    "The books of any cooperative agree with its documents"
    cooperative, saved = prepared
    saved.restore()
    cooperative.again(example).work()
