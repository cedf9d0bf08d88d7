# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Two months of three activities, entered in a real database."""
import datetime as dt
import re
from collections import defaultdict
from decimal import Decimal
from itertools import groupby

import pytest
from dateutil.relativedelta import relativedelta

from demo.cooperative import Cooperative
from tests import databases
from tests.cases import load
from trytond.modules.cae_billing.apportion import round_half_up

MONTH = load('month')
ZERO = Decimal(0)
HEALTH = Decimal(20)
# The goods and services of the cases in the French chart, by use
TAXES = {
    ('out', 'S20'): 'tva_vente_services_taux_normal',
    ('out', 'S10'): 'tva_vente_services_taux_intermediaire',
    ('out', 'S5.5'): 'tva_vente_services_5_5',
    ('out', 'G20'): 'tva_vente_biens_taux_normal',
    ('out', 'G10'): 'tva_vente_biens_taux_intermediaire',
    ('out', 'G5.5'): 'tva_vente_biens_5_5',
    ('in', 'S20'): 'tva_achat_services_taux_normal',
    ('in', 'S10'): 'tva_achat_services_taux_intermediaire',
    ('in', 'G20'): 'tva_achat_biens_taux_normal',
    ('in', 'G10'): 'tva_achat_biens_taux_intermediaire',
    ('in', 'G5.5'): 'tva_achat_biens_5_5',
    }
MODES = {
    'all available on collected basis': 'available',
    'wanted gross': 'wanted',
    'fixed part': 'fixed',
    }


def _date(text):
    return dt.date.fromisoformat(text)


def _month(date):
    return date[:7]


class Month(Cooperative):
    "Enter the documents of the case and read what the database says"

    def __init__(self, server, case, basis):
        super().__init__(server, entrepreneurs=0, staff=0)
        self.case = case
        self.basis = basis
        self.activities = {}
        self.contracts = {}
        self.parties = {}
        self.invoices = {}
        self.pays = defaultdict(dict)

    def prepare(self):
        Activity = self.get('cae.activity')
        Configuration = self.get('cae.configuration')
        Contract = self.get('cae.contract')
        Entrepreneur = self.get('cae.entrepreneur')
        Fund = self.get('cae.fee.rule')
        Party = self.get('party.party')
        TaxRate = self.get('cae.payroll.tax_rate')
        Type = self.get('cae.contract.type')
        company = self.server.company
        config = Configuration(1)
        # The hypotheses of the case: 50 people or more, work accidents 1.20 %
        for name, value in [
                ('headcount', 50), ('work_accident_rate', Decimal('0.012')),
                ('regularisation', 'none')]:
            config.set_multivalue(name, value)
        # The case has its waivers on 758
        config.set_multivalue(
            'expense_waiver_account', self.account('758').id)
        start = _date(self.case['parameters']['fee_start'])
        start -= relativedelta(years=1)
        for key, values in self.case['activities'].items():
            if values.get('structure'):
                self.activities[key] = Activity.special(
                    self.company, 'shared').id
                continue
            party, = Party.create([{
                        'name': f"Holder of {key}",
                        'addresses': [('create', [{}])],
                        }])
            self.parties[key] = party.id
            entrepreneur, = Entrepreneur.create([{
                        'company': company, 'party': party.id,
                        'welcome_date': start,
                        }])
            type_, = Type.search(
                [('code', '=', values['contract'].lower())])
            contract, = Contract.create([{
                        'company': company, 'entrepreneur': entrepreneur.id,
                        'type': type_.id, 'start_date': start,
                        'end_date': type_.longest_end(start),
                        }])
            if contract.end_date:
                # A CAPE of twelve months: in force in the months of the case
                contract.start_date = start + relativedelta(months=10)
                contract.end_date = type_.longest_end(contract.start_date)
                contract.save()
            Contract.confirm_clauses([contract])
            Contract.sign([contract])
            self.contracts[key] = contract.id
            activity, = Activity.create([{
                        'company': company, 'name': key, 'code': key,
                        'holders': [('create', [{
                                        'entrepreneur': entrepreneur.id,
                                        'from_date': start}])],
                        }])
            self.activities[key] = activity.id
            if 'pas' in values:
                TaxRate.create([{
                            'contract': contract.id, 'start_date': start,
                            'rate': Decimal(values['pas'])}])
        Fund.create([self.fee_rule(r) for r in self.case['fee_rules']])
        customer, supplier, funder = Party.create([
                {'name': name, 'addresses': [('create', [{}])]}
                for name in ["Customer", "Supplier", "Funder"]])
        self.parties['customer'] = customer.id
        self.parties['supplier'] = supplier.id
        self.parties['funder'] = funder.id

    def fee_rule(self, rule):
        values = {
            'name': rule['id'],
            'company': self.server.company,
            'start_date': _date(self.case['parameters']['fee_start']),
            'account': self.account(rule['account']).id,
            'beneficiary': self.activities['S'],
            'base': rule.get('base', 'fixed'),
            }
        if 'fixed' in rule:
            values['amount'] = Decimal(rule['fixed'])
        else:
            values['tiers'] = [('create', [{'rate': Decimal(rule['rate'])}])]
        return values

    def open(self):
        "Enter what the activities had before, as income in the bank"
        documents = [_date(d['date']) for d in self.case['documents']
            if 'date' in d]
        date = min(documents) - relativedelta(days=1)
        for opening in self.case['opening']:
            self.post_move(date, 'OD', "Opening", [
                    ('5121', Decimal(opening['amount']), None, None),
                    ('7588', -Decimal(opening['amount']),
                        opening['activity'], None),
                    ])

    def post_move(self, date, journal, description, lines):
        """Post a plain move.

        The lines are (account, amount, activity or None, party or None), a
        debit when positive; return the posted move.
        """
        Journal = self.get('account.journal')
        Move = self.get('account.move')
        Activity = self.get('cae.activity')
        journals = Journal.search([('code', '=', journal)], limit=1)
        if not journals:
            journals = Journal.create([{
                        'name': journal, 'code': journal,
                        'type': 'cash' if journal == 'BQ' else 'general'}])
        values = []
        for account, amount, activity, party in lines:
            account = self.account(account)
            debit, credit = max(amount, ZERO), max(-amount, ZERO)
            line = {
                'account': account.id, 'debit': debit, 'credit': credit,
                'party': (
                    self.parties[party] if account.party_required else None),
                'description': description,
                }
            if account.type.statement == 'income':
                line['analytic_lines'] = [('create', [{
                                'account': Activity(
                                    self.activities[activity]
                                    ).analytic_account.id,
                                'debit': debit, 'credit': credit,
                                'date': date,
                                }])]
            values.append(line)
        move, = Move.create([{
                    'company': self.server.company,
                    'journal': journals[0].id,
                    'period': self.period(date).id,
                    'date': date,
                    'description': description,
                    'lines': [('create', values)],
                    }])
        Move.post([move])
        return Move(move.id)

    def enter(self, document):
        method = getattr(self, 'enter_' + document['kind'])
        self.server.run(method, document)

    def enter_invoice(self, document):
        Invoice = self.get('account.invoice')
        sign = -1 if 'credits' in document else 1
        lines = []
        for activity, amount, tax, account in document['lines']:
            taxes = [self.tax(TAXES['out', tax])] if tax != '0' else []
            lines.append((
                    self.activities[activity], document['number'],
                    Decimal(amount) * sign, self.account(account), taxes))
        values = self.invoice_values(
            'out', self.parties['customer'], _date(document['date']), lines,
            self.journal('revenue'))
        if sign < 0:
            for line in values['lines'][0][1]:
                line['quantity'] = -1
        invoice, = Invoice.create([values])
        Invoice.post([invoice])
        self.invoices[document['number']] = invoice.id

    # A deposit is invoiced to the account of deposits: no turnover
    enter_deposit = enter_invoice

    def pay(self, invoices, amount, date):
        "Receive or pay an amount; settle the invoices when it completes them"
        Invoice = self.get('account.invoice')
        MoveLine = self.get('account.move.line')
        invoices = Invoice.browse([self.invoices[n] for n in invoices])
        out = invoices[0].type == 'out'
        account = invoices[0].account
        party = 'customer' if out else 'supplier'
        sign = 1 if out else -1
        move = self.post_move(date, 'BQ', "Payment", [
                ('5121', sign * amount, None, None),
                (account.code, -sign * amount, None, party),
                ])
        payment, = [li for li in move.lines if li.account == account]
        lines = [payment]
        for invoice in invoices:
            lines.extend(invoice.lines_to_pay)
            lines.extend(invoice.payment_lines)
        if not sum(li.debit - li.credit for li in lines):
            MoveLine.reconcile(lines)
        else:
            invoice, = invoices
            Invoice.add_payment_lines({invoice: [payment]})

    def enter_receipt(self, document):
        self.pay(
            document['of'], Decimal(document['amount']),
            _date(document['date']))

    def enter_internal(self, document):
        Internal = self.get('cae.internal')
        Kind = self.get('cae.internal.kind')
        kind, = Kind.search([('holders', '=', True)])
        internal, = Internal.create([{
                    'company': self.server.company,
                    'date': _date(document['date']),
                    'kind': kind.id,
                    'from_activity': self.activities[document['seller']],
                    'to_activity': self.activities[document['buyer']],
                    'lines': [('create', [{
                                    'description': document['number'],
                                    'unit_price': Decimal(document['amount']),
                                    }])],
                    }])
        Internal.propose([internal])
        Internal.accept([internal])

    def enter_supplier(self, document):
        Activity = self.get('cae.activity')
        Invoice = self.get('account.invoice')
        keys = list(document['split'])
        line = (
            self.activities[keys[0]], document['number'],
            Decimal(document['untaxed']), self.account(document['account']),
            [self.tax(TAXES['in', document['vat']])])
        invoice, = Invoice.create([self.invoice_values(
                    'in', self.parties['supplier'], _date(document['date']),
                    [line], self.journal('expense'),
                    reference=document['number'])])
        if len(keys) > 1:
            invoice.lines[0].split([
                    (Activity(self.activities[k]), Decimal(share))
                    for k, share in document['split'].items()])
        Invoice.post([Invoice(invoice.id)])
        self.invoices[document['number']] = invoice.id
        if 'paid' in document:
            invoice = Invoice(invoice.id)
            self.pay(
                [document['number']], invoice.total_amount,
                _date(document['paid']))

    def enter_expense(self, document):
        "Enter a sheet with its receipts, post it, pay or waive its refund"
        Attachment = self.get('ir.attachment')
        Contract = self.get('cae.contract')
        Expense = self.get('cae.expense')
        MoveLine = self.get('account.move.line')
        activity = document['activity']
        entrepreneur = Contract(self.contracts[activity]).entrepreneur
        date = _date(document['date'])
        expense, = Expense.create([{
                    'company': self.server.company,
                    'entrepreneur': entrepreneur.id,
                    'activity': self.activities[activity],
                    'date': date,
                    'description': document['number'],
                    'lines': [('create', [
                                self.expense_line(
                                    line, activity, entrepreneur, date)
                                for line in document['lines']])],
                    }])
        Attachment.create([{
                    'name': f"{document['number']}.pdf",
                    'data': b'receipt',
                    'resource': str(line),
                    } for line in expense.lines if not line.mileage])
        for verb in ['submit', 'approve', 'post']:
            getattr(Expense, verb)([Expense(expense.id)])
        expense = Expense(expense.id)
        if 'paid' in document:
            payment = self.post_move(_date(document['paid']), 'BQ', "Refund", [
                    ('4671', expense.amount_to_pay, None, activity),
                    ('5121', -expense.amount_to_pay, None, None),
                    ])
            MoveLine.reconcile([
                    line for move in [expense.move, payment]
                    for line in move.lines if line.account.code == '4671'])
        if 'waived' in document:
            expense.waive_amount(
                expense.amount_to_pay, _date(document['waived']), "Waiver")
        assert Expense(expense.id).paid == bool(
            {'paid', 'waived'} & document.keys())

    def expense_line(self, line, activity, entrepreneur, date):
        "Return the values of a line; a trip says its kilometres and power"
        Kind = self.get('cae.expense.kind')
        Vehicle = self.get('cae.vehicle')
        untaxed = Decimal(line['untaxed'])
        trip = re.match(r'([\d.]+) km, (\d+) CV', line['label'])
        taxes, tax = [], ZERO
        if line['vat'] != '0':
            taxes = [self.tax(TAXES['in', line['vat']]).id]
            tax = round_half_up(
                untaxed * Decimal(line['vat'].lstrip('GS')) / 100)
        kinds = [
            k for k in Kind.search([
                    ('company', '=', self.server.company),
                    ('account', '=', self.account(line['account']).id),
                    ('mileage', '=', bool(trip)),
                    ('refund_share', '=', 1),
                    ]) if [t.id for t in k.taxes] == taxes]
        if not kinds:
            kinds = Kind.create([{
                        'company': self.server.company,
                        'code': f"{line['account']} {line['vat']}",
                        'name': line['label'],
                        'account': self.account(line['account']).id,
                        'taxes': [('add', taxes)],
                        }])
        values = {
            'date': date, 'kind': kinds[0].id, 'description': line['label'],
            'activity': self.activities[activity]}
        if not trip:
            return {**values, 'amount': untaxed + tax}
        kilometers, power = trip.groups()
        vehicles = Vehicle.search([
                ('entrepreneur', '=', entrepreneur.id),
                ('fiscal_power', '=', int(power)),
                ]) or Vehicle.create([{
                    'entrepreneur': entrepreneur.id, 'name': f"{power} CV",
                    'type': 'car', 'fiscal_power': int(power),
                    'from_date': entrepreneur.welcome_date,
                    }])
        return {
            **values, 'vehicle': vehicles[0].id, 'departure': "Lille",
            'destination': "Arras", 'kilometers': Decimal(kilometers)}

    def enter_grant(self, document):
        Agreement = self.get('cae.funding.agreement')
        date = _date(document['date'])
        agreement, = Agreement.create([{
                    'name': document['number'],
                    'company': self.server.company,
                    'funder': self.parties['funder'],
                    'from_date': date,
                    'to_date': date,
                    'activity': self.activities[document['activity']],
                    'amount': Decimal(document['amount']),
                    'notified_on': date,
                    }])
        Agreement.notify([agreement])

    def enter_pay(self, document):
        Pay = self.get('cae.contract.pay')
        activity = document['activity']
        values = self.case['activities'][activity]
        Pay.create([{
                    'contract': self.contracts[activity],
                    'start_date': _date(document['month'] + '-01'),
                    'mode': MODES[document['rule']],
                    'wanted_gross': (
                        Decimal(document['gross'])
                        if 'gross' in document else None),
                    'fixed_part': Decimal(values['fixed_part']),
                    'basis': self.basis,
                    'reserve': Decimal(values['reserve']),
                    'health_employee': HEALTH,
                    'health_employer': HEALTH,
                    }])

    def pay_nets(self, month):
        "Pay the nets of the month on its last day"
        Payslip = self.get('cae.payslip')
        names = {party: key for key, party in self.parties.items()}
        for payslip in Payslip.search([
                    ('period.start_date', '=', month)]):
            self.post_move(
                payslip.period.end_date, 'BQ', "Pay", [
                    ('4211', payslip.net_paid, None,
                        names[payslip.party.id]),
                    ('5121', -payslip.net_paid, None, None),
                    ])

    # What the database says

    def activity_sums(self, key, start, end):
        "Return {(account code, journal code): credit less debit} of a month"
        Line = self.get('analytic_account.line')
        Activity = self.get('cae.activity')
        account = Activity(self.activities[key]).analytic_account
        sums = defaultdict(Decimal)
        for line in Line.search([
                    ('account', '=', account.id),
                    ('move_line.move.state', '=', 'posted'),
                    ('date', '>=', start), ('date', '<=', end),
                    ]):
            move_line = line.move_line
            sums[move_line.account.code, move_line.journal.code] += (
                line.credit - line.debit)
        return sums

    def read(self, month):
        start = _date(month + '-01')
        end = start + relativedelta(months=1, days=-1)
        result = {'activities': {
                key: self.read_structure(key, start, end)
                if values.get('structure')
                else self.read_activity(key, start, end)
                for key, values in self.case['activities'].items()}}
        Activity = self.get('cae.activity')
        activities = Activity.search([])
        result['company_result_to_date'] = sum(
            Activity.results(activities, end).values())
        movements = defaultdict(lambda: [ZERO, ZERO])
        balance = exigible = ZERO
        MoveLine = self.get('account.move.line')
        for line in MoveLine.search([
                    ('move.state', '=', 'posted'), ('date', '<=', end)]):
            code = line.account.code
            if code == '44574':
                balance += line.credit - line.debit
            if line.date < start:
                continue
            movements[code][0] += line.debit
            movements[code][1] += line.credit
            if code == '44571':
                exigible += line.credit - line.debit
        Statement = self.get('cae.vat.statement')
        statement, = Statement.search([('period.start_date', '=', start)])
        assert statement.collected == exigible
        result['vat'] = {
            'collected_exigible': statement.collected,
            'deductible': statement.deductible,
            'waiting_44574': balance}
        result['movements_debit_credit'] = dict(movements)
        return result

    def read_structure(self, key, start, end):
        Activity = self.get('cae.activity')
        rules = {r['account'] for r in self.case['fee_rules']}
        sums = self.activity_sums(key, start, end)

        def total(test):
            return sum((
                    a for (c, j), a in sums.items() if test(c)), ZERO)
        return {
            'fees_received': total(lambda c: c in rules),
            'grants': total(lambda c: c.startswith('74')),
            'costs': -total(
                lambda c: c.startswith('6') and not c.startswith('6289')),
            'balance_invoiced': Activity.results(
                [Activity(self.activities[key])], end)[self.activities[key]],
            }

    def read_activity(self, key, start, end):
        Activity = self.get('cae.activity')
        Fee = self.get('cae.fee')
        Payslip = self.get('cae.payslip')
        id_ = self.activities[key]
        activity = [Activity(id_)]

        def figure(method, *args):
            return getattr(Activity, method)(activity, *args)[id_]
        sums = self.activity_sums(key, start, end)
        turnover = figure('turnovers', end, 'invoiced', start)
        internal = sum((
                a for (c, _), a in sums.items()
                if c == '62894' and a > 0), ZERO)
        other = sum((
                a for (c, j), a in sums.items() if c[0] == '7'), ZERO
            ) - turnover
        costs = -sum((
                a for (c, j), a in sums.items()
                if (c[0] == '6' and not c.startswith('6289') and j != 'PAI')
                or (c == '62894' and a < 0)), ZERO)
        fees = {r['id']: ZERO for r in self.case['fee_rules']}
        for fee in Fee.search([
                    ('activity', '=', id_), ('period.start_date', '=', start),
                    ]):
            fees[fee.rule.name] += fee.amount
        payslips = Payslip.search([
                ('contract', '=', self.contracts[key]),
                ('period.start_date', '=', start),
                ])
        cost = sum((p.cost for p in payslips), ZERO)
        balance = figure('results', end)
        uncollected = figure('uncollected', end)
        reserve = Decimal(self.case['activities'][key]['reserve'])
        before_pay = balance + cost
        result = {
            'opening_invoiced': figure('results', start - dt.timedelta(1)),
            'turnover_invoiced': turnover,
            'turnover_collected': figure(
                'turnovers', end, 'collected', start),
            'internal_income': internal,
            'other_income': other,
            'costs': costs,
            'fees': fees,
            'fee_total': sum(fees.values()),
            'result_before_pay': before_pay,
            'uncollected_untaxed': uncollected,
            'reserve': reserve,
            'budget_invoiced': before_pay - reserve,
            'budget_collected': before_pay - uncollected - reserve,
            'balance_invoiced': balance,
            'balance_collected': figure('balances', end, 'collected'),
            }
        if payslips:
            payslip, = payslips
            result['pay'] = self.read_pay(payslip)
            result['fixed_part_above_budget'] = payslip.above_budget
            basis = f'budget_{self.basis}'
            assert payslip.budget == result[basis]
        return result

    def read_pay(self, payslip):
        "Return the figures of a payslip and what it posted by account"
        Account = self.get('cae.payroll.account')
        mapping = Account.mapping(self.company)
        net_account = self.account('4211')
        lines = defaultdict(Decimal)
        for entry in payslip._entries(mapping, net_account, ''):
            lines[entry.account.code] += entry.amount
        return {
            'gross': payslip.gross,
            'employee': payslip.employee_amount,
            'employer': payslip.employer_amount,
            'coefficient': payslip.coefficient,
            'rgdu': payslip.reduction,
            'cost': payslip.cost,
            'net_before_tax': payslip.net_before_tax,
            'net_taxable': payslip.net_taxable,
            'pas': payslip.withholding,
            'net_paid': payslip.net_paid,
            'lines': dict(lines),
            }


def compare(found, expected, path=''):
    "Return the paths of what is not as expected"
    if isinstance(expected, dict):
        for key, value in expected.items():
            if key not in found:
                yield f"{path}/{key}: missing, expected {value}"
            else:
                yield from compare(found[key], value, f"{path}/{key}")
    elif isinstance(expected, list):
        for index, value in enumerate(expected):
            yield from compare(found[index], value, f"{path}/{index}")
    elif isinstance(expected, bool):
        if found != expected:
            yield f"{path}: {found}, expected {expected}"
    elif found != Decimal(expected):
        yield f"{path}: {found}, expected {expected}"


@pytest.fixture
def server():
    "A server of the database of the scenarios"
    yield databases.activate()
    databases.drop()


def work(server, basis):
    "Enter the case and close its months; yield each month"
    month = Month(server, MONTH, basis)
    server.run(month.prepare)
    server.run(month.open)
    documents = sorted(
        MONTH['documents'],
        key=lambda d: (
            _month(d.get('date') or d['month']), d['kind'] == 'pay',
            d.get('date', ''), d['kind'] == 'receipt'))
    for name, group in groupby(
            documents, key=lambda d: _month(d.get('date') or d['month'])):
        for document in group:
            month.enter(document)
        if name in MONTH['expected']:
            start = _date(name + '-01')
            month.close(start)
            server.run(month.pay_nets, start)
            yield name, month


@pytest.mark.database
@pytest.mark.skipif(not MONTH, reason="no case")
def test_month(server):
    "Every figure of the case, the documents entered as its users would"
    differences = []
    for name, month in work(server, 'collected'):
        found = month.server.run(month.read, name)
        differences.extend(
            f"{name}{d}" for d in compare(found, MONTH['expected'][name]))
        extra = (set(found['movements_debit_credit'])
            - set(MONTH['expected'][name]['movements_debit_credit']))
        differences.extend(f"{name}: movements on {code}" for code in extra)
    assert not differences, '\n'.join(differences)


@pytest.mark.database
@pytest.mark.skipif(
    'variant_invoiced_basis_A1' not in MONTH.get('expected', {}),
    reason="no variant")
@pytest.mark.sqlite
def test_month_invoiced_basis(server):
    "Pay on the invoiced basis spends what the customers have not paid"
    expected = MONTH['expected']['variant_invoiced_basis_A1']
    for name, month in work(server, 'invoiced'):
        pay = month.server.run(month.read, name)['activities']['A1']
        suffix = name.replace('-', '_')
        figures = {
            'budget': (
                pay['budget_invoiced'] if suffix.endswith('03')
                else pay['budget_collected']),
            'gross': pay['pay']['gross'],
            'cost': pay['pay']['cost'],
            }
        for figure, value in figures.items():
            wanted = expected.get(f'{figure}_{suffix}')
            if wanted is not None:
                assert value == Decimal(wanted), (name, figure)
