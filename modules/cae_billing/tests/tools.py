# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""A French cooperative on the server, for the tests of the modules.

`create_books`, `create_people` and `create_other` make its records once;
`Cooperative` finds them again and enters documents.
"""
import datetime as dt
from contextlib import contextmanager
from decimal import Decimal
from unittest.mock import patch

from trytond.modules.cae_members.tests.server import (
    create_fiscalyear, create_french_company)
from trytond.modules.company.tests import create_company, set_company
from trytond.pool import Pool
from trytond.tests import test_tryton
from trytond.transaction import Transaction

__all__ = [
    'BILLING', 'EXTENDED', 'Cooperative', 'ViewMixin', 'create_books',
    'create_other', 'create_people', 'run_tasks']

# A layer of the test databases, so that a scenario with these makes none
BILLING = ['cae_billing', 'account_fr', 'account_statement']
# The module with all those that it extends
EXTENDED = [
    'cae_billing', 'account_dunning', 'account_fr', 'account_fr_chorus',
    'account_payment_clearing', 'account_payment_sepa', 'account_statement',
    'account_statement_coda', 'account_statement_ofx',
    'account_statement_rule', 'account_statement_sepa', 'account_tax_cash',
    'edocument_peppol', 'edocument_uncefact', 'purchase', 'sale',
    'sale_advance_payment', 'sale_discount']

YEAR = 2025


class ViewMixin:
    "Test the views of the modules that are active"

    def test_view(self):
        # Some files are of modules that are not; that each is used is tested
        # of the distribution
        with patch.object(test_tryton.glob, 'glob', return_value=[]):
            super().test_view()


def create_books():
    "Create the company with the French chart of accounts"
    Country = Pool().get('country.country')
    company = create_french_company()
    country, = Country.create([{'name': "France", 'code': 'FR'}])
    company.party.addresses = [
        {'street_unstructured': "1 rue de la Coopération",
            'postal_code': '59000', 'city': "Lille", 'country': country.id}]
    company.party.save()


def create_people(year=YEAR):
    """Set the company up as a cooperative.

    It has a fiscal year, a customer, a supplier, the businesses A1, A2 and
    A3 whose entrepreneurs may sell and B1, under a support agreement.
    """
    pool = Pool()
    Activity = pool.get('cae.activity')
    Company = pool.get('company.company')
    Configuration = pool.get('cae.configuration')
    Contract = pool.get('cae.contract')
    Entrepreneur = pool.get('cae.entrepreneur')
    Journal = pool.get('account.journal')
    Type = pool.get('cae.contract.type')
    company, = Company.search([])
    with set_company(company):
        create_fiscalyear(company, year)
        Journal.create([
                {'name': "Opérations diverses", 'code': 'OD',
                    'type': 'general'},
                {'name': "Pertes", 'code': 'PER', 'type': 'write-off'},
                {'name': "Banque", 'code': 'BQ', 'type': 'cash'},
                ])
        Configuration.setup_company(company)
        types = {
            t.code: t for t in Type.search([('country_code', '=', 'FR')])}
        contracts = []
        for code, type_ in [
                ('A1', 'cesa'), ('A2', 'cesa'), ('A3', 'cape'),
                ('B1', 'support')]:
            party = create_party(f"Entrepreneur {code}")
            entrepreneur, = Entrepreneur.create([{
                        'party': party.id, 'code': code,
                        'welcome_date': dt.date(year - 1, 1, 1)}])
            Activity.create([{
                        'name': f"Activity {code}", 'code': code,
                        'holders': [('create', [{
                                        'entrepreneur': entrepreneur.id,
                                        'from_date': dt.date(year, 1, 1),
                                        }])],
                        }])
            contracts.append(Contract(
                    entrepreneur=entrepreneur, type=types[type_],
                    start_date=dt.date(year, 1, 1)))
            if type_ == 'cape':
                contracts[-1].end_date = dt.date(year, 12, 31)
        Contract.save(contracts)
        Contract.confirm_clauses(contracts)
        Contract.sign(contracts)
        for name in ["Customer", "Other Customer", "Supplier"]:
            create_party(name)


def create_other():
    "Create a company with its special activities and nothing else"
    Configuration = Pool().get('cae.configuration')
    company = create_company(name="Other Cooperative")
    with set_company(company):
        Configuration.setup_company(company)


def create_party(name):
    Party = Pool().get('party.party')
    party, = Party.create([{'name': name, 'addresses': [('create', [{}])]}])
    return party


class Cooperative:
    "The records of a cooperative, and how to enter its documents"

    def __init__(self, name="Coopérative Les Ateliers"):
        Company = Pool().get('company.company')
        self.company, = Company.search([('party.name', '=', name)])

    @classmethod
    @contextmanager
    def enter(cls, *args, **context):
        "Give the cooperative with its company in the context"
        cooperative = cls(*args)
        with set_company(cooperative.company), \
                Transaction().set_context(_skip_warnings=True, **context):
            yield cooperative

    def search(self, name, *domain, **kwargs):
        "Return the records of the company"
        return Pool().get(name).search([
                ('company', '=', self.company.id), *domain], **kwargs)

    def _one(self, name, *domain):
        record, = self.search(name, *domain)
        return record

    def account(self, code):
        return self._one('account.account', ('code', '=', code))

    def activity(self, code):
        return self._one('cae.activity', ('code', '=', code))

    def activities(self):
        return self.search('cae.activity')

    def period(self, month):
        return self._one(
            'account.period', ('start_date', '=', dt.date(YEAR, month, 1)))

    def journal(self, code):
        journal, = Pool().get('account.journal').search([('code', '=', code)])
        return journal

    def party(self, name):
        party, = Pool().get('party.party').search([('name', '=', name)])
        return party

    def tax(self, name):
        "Return the tax made from the template of the French chart"
        ModelData = Pool().get('ir.model.data')
        return self._one('account.tax', (
                'template', '=', ModelData.get_id('account_fr', name)))

    def draft(
            self, date, *lines, type='out', party=None, journal=None,
            activity=None, **values):
        """Return a draft invoice.

        A line is (code of the activity, amount, code of the account, names
        of the taxes).
        """
        pool = Pool()
        Invoice = pool.get('account.invoice')
        Journal = pool.get('account.journal')
        party = self.party(
            party or ("Customer" if type == 'out' else "Supplier"))
        if not journal:
            journal, = Journal.search([
                    ('type', '=', 'revenue' if type == 'out' else 'expense')])
        invoice, = Invoice.create([{
                    'type': type,
                    'company': self.company.id,
                    'party': party.id,
                    'invoice_address': party.addresses[0].id,
                    'currency': self.company.currency.id,
                    'journal': journal.id,
                    'account': self.account(
                        '4111' if type == 'out' else '4011').id,
                    'activity': activity and self.activity(activity).id,
                    'invoice_date': date,
                    'payment_term_date': date,
                    'lines': [('create', [{
                                    'type': 'line',
                                    'company': self.company.id,
                                    'currency': self.company.currency.id,
                                    'activity': (
                                        code and self.activity(code).id),
                                    'quantity': 1,
                                    'unit_price': Decimal(amount),
                                    'account': self.account(account).id,
                                    'taxes': [('add', [
                                                self.tax(t).id for t in taxes
                                                ])],
                                    } for code, amount, account, taxes
                                in lines])],
                    **values}])
        return invoice

    def invoice(self, date, *lines, **values):
        "Return a posted invoice"
        Invoice = Pool().get('account.invoice')
        invoice = self.draft(date, *lines, **values)
        Invoice.post([invoice])
        return Invoice(invoice.id)

    def sale(self, date, code, amount, **values):
        "Return the posted invoice of a service at 20 % on receipts"
        return self.invoice(
            date, (code, amount, '706', ['tva_vente_services_taux_normal']),
            **values)

    def move(
            self, date, *lines, journal='OD', description="Operation",
            post=True):
        """Return a move, posted or not.

        A line is (code of the account, debit less credit) and what follows:
        the code of an activity or a party.
        """
        pool = Pool()
        Move = pool.get('account.move')
        Party = pool.get('party.party')
        values = []
        for code, amount, *others in lines:
            amount = Decimal(amount)
            sides = {
                'debit': max(amount, Decimal(0)),
                'credit': max(-amount, Decimal(0))}
            line = {
                'account': self.account(code).id,
                'description': description,
                **sides}
            for other in others:
                if isinstance(other, Party):
                    line['party'] = other.id
                else:
                    line['analytic_lines'] = [('create', [{
                                    'account': self.activity(
                                        other).analytic_account.id,
                                    'date': date,
                                    **sides}])]
            values.append(line)
        move, = Move.create([{
                    'company': self.company.id,
                    'journal': self.journal(journal).id,
                    'period': self.period(date.month).id,
                    'date': date,
                    'description': description,
                    'lines': [('create', values)],
                    }])
        if post:
            Move.post([move])
        return Move(move.id)

    def pay(self, date, *invoices, amount=None, loss=None):
        """Pay the invoices at the bank.

        The whole is reconciled unless an amount is given: then it is a
        payment of the only invoice. ``loss`` is written off.
        """
        pool = Pool()
        Invoice = pool.get('account.invoice')
        Line = pool.get('account.move.line')
        account = invoices[0].account
        to_pay = [
            line for invoice in invoices for line in invoice.lines_to_pay
            if not line.reconciliation]
        payments = [
            line for invoice in invoices for line in invoice.payment_lines
            if not line.reconciliation]
        total = sum(line.debit - line.credit for line in to_pay + payments)
        paid = total - Decimal(loss or 0) if amount is None else amount
        lines = []
        for journal, code, part in [
                ('BQ', '5121', Decimal(paid)),
                ('PER', '6541', Decimal(loss or 0))]:
            if part:
                others = ('A1',) if code == '6541' else ()
                move = self.move(
                    date, (code, part, *others),
                    (account.code, -part, invoices[0].party),
                    journal=journal, description="Payment")
                lines += [
                    line for line in move.lines if line.account == account]
        if amount is None:
            Line.reconcile(to_pay + payments + lines)
        else:
            Invoice.add_payment_lines({invoices[0]: lines})
        return lines

    def lines(self, *moves):
        """Return the lines of the moves.

        As a sorted list of (code, debit less credit, {codes of activities}).
        """
        result = []
        Activity = Pool().get('cae.activity')
        codes = {
            a.analytic_account: a.code for a in Activity.search([])}
        for move in moves:
            for line in move.lines:
                result.append((
                        line.account.code, line.debit - line.credit,
                        '+'.join(sorted(
                                codes[a.account]
                                for a in line.analytic_lines))))
        return sorted(result)

    def figures(self, values, *codes):
        "Return the values of {activity id: value} for the codes"
        return [values[self.activity(code).id] for code in codes]

    def rule(self, account='62891', tiers=((None, '0.10'),), **values):
        "Return a new fee rule"
        pool = Pool()
        Activity = pool.get('cae.activity')
        Rule = pool.get('cae.fee.rule')
        beneficiary = 'fund' if account == '62893' else 'shared'
        rule, = Rule.create([{
                    'name': "Contribution",
                    'company': self.company.id,
                    'start_date': dt.date(YEAR, 1, 1),
                    'tiers': [('create', [{
                                    'up_to': up_to and Decimal(up_to),
                                    'rate': Decimal(rate),
                                    } for up_to, rate in tiers])],
                    'account': self.account(account).id,
                    'beneficiary': Activity.special(
                        self.company, beneficiary).id,
                    **values}])
        return rule

    def closing(self, month):
        "Return a new closing of the month"
        Closing = Pool().get('cae.closing')
        closing, = Closing.create([{
                    'company': self.company.id,
                    'period': self.period(month).id,
                    }])
        return closing

    def close(self, month):
        "Return the closing of the month, run in the transaction"
        Closing = Pool().get('cae.closing')
        closing = self.closing(month)
        Closing.run([closing])
        run_tasks()
        return Closing(closing.id)

    def reopen(self, code, month, reason="The bill came late."):
        "Open a closed month of the activity again"
        Reopening = Pool().get('cae.activity.reopening')
        reopening, = Reopening.create([{
                    'company': self.company.id,
                    'activity': self.activity(code).id,
                    'period': self.period(month).id,
                    'reason': reason,
                    }])
        return reopening

    def advance(self, closing, times=None):
        "Go on with a closing in the transaction"
        Closing = Pool().get('cae.closing')
        Closing.resume([closing])
        run_tasks(times)
        return Closing(closing.id)


def run_tasks(times=None):
    """Run the tasks of the queue in the transaction, those of tasks too.

    Nothing is printed; ``times`` limits how many are run.
    """
    Queue = Pool().get('ir.queue')
    tasks = Transaction().tasks
    while tasks and times != 0:
        task = Queue(tasks.pop(0))
        if task.data['method'] != 'print_invoice':
            task.run()
            times = times and times - 1
