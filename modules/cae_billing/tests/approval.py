# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Customer documents written by entrepreneurs, and their approval."""
import datetime as dt
import threading
from contextlib import contextmanager
from decimal import Decimal as D
from unittest.mock import patch

import pytest

from trytond import backend
from trytond.exceptions import UserError
from trytond.model.exceptions import AccessButtonError, AccessError
from trytond.modules.cae_billing.exceptions import (
    AmountError, ApprovalError, SellingNotAllowedError)
from trytond.modules.cae_members.tests.server import (
    clear_cache, commit, undone, with_transaction)
from trytond.pool import Pool
from trytond.tests.test_tryton import DB_NAME
from trytond.transaction import Transaction, check_access, without_check_access

from .tools import YEAR, Cooperative, run_tasks

MARCH = dt.date(YEAR, 3, 10)
TAX = 'tva_vente_services_taux_normal'
REFUSED = (AccessError, AccessButtonError)


class Approval:
    "A cooperative whose entrepreneurs, advisor and accountant are users"

    def __init__(self, cooperative):
        self.c = cooperative
        self.users = {}

    def create(self):
        pool = Pool()
        ModelData = pool.get('ir.model.data')
        Employee = pool.get('company.employee')
        company = self.c.company
        employees = {}
        for login in ['advisor', 'other']:
            party, = pool.get('party.party').create([{'name': login}])
            employees[login], = Employee.create([{
                        'party': party.id, 'company': company.id}])
        for login, *groups in [
                ('A1', 'cae_members.group_entrepreneur'),
                ('A2', 'cae_members.group_entrepreneur'),
                ('B1', 'cae_members.group_entrepreneur'),
                ('advisor', 'cae_members.group_advisor'),
                ('other', 'cae_members.group_advisor'),
                ('accountant', 'account.group_account')]:
            values = {
                'name': f"User {login}", 'login': login.lower(),
                'companies': [('add', [company.id])], 'company': company.id,
                'groups': [('add', [
                            ModelData.get_id(*g.split('.'))
                            for g in groups])],
                }
            if login in employees:
                values['employees'] = [('add', [employees[login].id])]
                values['employee'] = employees[login].id
            self.users[login], = pool.get('res.user').create([values])
        for code in ['A1', 'A2', 'B1']:
            entrepreneur, = self.c.search(
                'cae.entrepreneur', ('code', '=', code))
            entrepreneur.user = self.users[code]
            entrepreneur.advisor = employees['advisor']
            entrepreneur.save()
        config = pool.get('account.configuration')(1)
        config.default_category_account_revenue = self.c.account('706')
        config.save()
        clear_cache()
        return self

    @contextmanager
    def user(self, login):
        "Act as the user does through the client"
        User = Pool().get('res.user')
        with Transaction().set_user(self.users[login].id), check_access():
            context = User.get_preferences(context_only=True)
            with Transaction().set_context(
                    context, _skip_warnings=True):
                yield
        clear_cache()

    def values(self, amount=100, taxes=(TAX,), **values):
        "What the client of an entrepreneur sends"
        party = self.c.party("Customer")
        return {
            'type': 'out',
            'party': party.id,
            'invoice_address': party.addresses[0].id,
            'lines': [('create', [{
                            'type': 'line',
                            'activity': values.get('activity') or (
                                self.c.activity('A1').id),
                            'quantity': 1,
                            'unit_price': D(amount),
                            'description': "Work",
                            'taxes': [('add', [
                                        self.c.tax(t).id for t in taxes])],
                            }])],
            **values}

    def write(self, amount=100, login='A1', **values):
        "Return the draft that the entrepreneur writes"
        Invoice = Pool().get('account.invoice')
        values = self.values(amount, **values)
        with self.user(login):
            invoice, = Invoice.create([values])
        return Invoice(invoice.id)

    def press(self, login, name, *invoices):
        "Press the button as the user"
        Invoice = Pool().get('account.invoice')
        with self.user(login):
            getattr(Invoice, name)(Invoice.browse(invoices))

    def ceiling(self, amount, kind='invoice', code='A1', **values):
        Ceiling = Pool().get('cae.approval.ceiling')
        if 'activity' not in values:
            values['entrepreneur'], = (
                e.id for e in self.c.search(
                    'cae.entrepreneur', ('code', '=', code)))
        ceiling, = Ceiling.create([{
                    'company': self.c.company.id,
                    'kind': kind,
                    'amount': amount if amount is None else D(amount),
                    'from_date': dt.date(YEAR, 1, 1),
                    **values}])
        return ceiling


@contextmanager
def approval(date=MARCH):
    "Give the cooperative with its users at a date that is today"
    with Cooperative.enter() as c, patch.object(
            Pool().get('ir.date'), 'today', return_value=date):
        yield Approval(c).create()


class ApprovalMixin:

    @with_transaction()
    def test_approval_draft(self):
        "An entrepreneur writes drafts that the defaults complete"
        pool = Pool()
        Invoice = pool.get('account.invoice')
        Line = pool.get('account.invoice.line')
        with approval() as a:
            invoice = a.write()
            line, = invoice.lines
            self.assertEqual(invoice.activity, a.c.activity('A1'))
            self.assertEqual(invoice.account.code, '4111')
            self.assertEqual(invoice.journal.type, 'revenue')
            self.assertEqual(line.account.code, '706')
            self.assertEqual(invoice.total_amount, D('120.00'))
            with a.user('A1'), Transaction().set_context(type='out'):
                # As the client does before
                values = Invoice.default_get(
                    list(Invoice.fields_view_get()['fields']))
                self.assertEqual(values['activity'], invoice.activity.id)
                record = Invoice(
                    company=a.c.company, type='out', party=invoice.party,
                    activity=a.c.activity('A1'))
                record.on_change_party()
                record.on_change_type()
                Line.default_get(list(Line.fields_view_get()['fields']))
                new = Line(invoice=record, type='line', company=a.c.company)
                new.on_change_invoice()
                self.assertEqual(new.activity, record.activity)
                self.assertEqual(new.account.code, '706')
                record.lines = [new]
                record.on_change_lines()
                own = Invoice(invoice.id)
                Invoice.write([own], {
                        'description': "March",
                        'lines': [
                            ('write', [line.id], {'unit_price': D(50)}),
                            ('create', [{
                                        'type': 'title',
                                        'description': "Chapter",
                                        'activity': a.c.activity('A1').id,
                                        }])],
                        })
                copy, = Invoice.copy([own])
                self.assertEqual(copy.activity, own.activity)
                self.assertEqual(len(copy.lines), 2)
                Invoice.delete([copy])
            self.assertEqual(Invoice(invoice.id).total_amount, D('60.00'))

    @with_transaction()
    def test_approval_fields(self):
        "An entrepreneur chooses neither account, journal nor number"
        pool = Pool()
        Invoice = pool.get('account.invoice')
        Line = pool.get('account.invoice.line')
        with approval() as a:
            invoice = a.write()
            line, = invoice.lines
            move_line = a.c.sale(MARCH, 'A1', 10).move.lines[0]
            with a.user('A1'):
                for Model, record, name, value in [
                        (Invoice, invoice, 'account', invoice.account.id),
                        (Invoice, invoice, 'journal', invoice.journal.id),
                        (Invoice, invoice, 'number', '1'),
                        (Invoice, invoice, 'state', 'posted'),
                        (Invoice, invoice, 'approval', 'approved'),
                        (Invoice, invoice, 'invoice_date', MARCH),
                        (Invoice, invoice, 'accounting_date', MARCH),
                        (Invoice, invoice, 'payment_lines', [
                                ('add', [move_line.id])]),
                        (Invoice, invoice, 'taxes', [
                                ('delete', [invoice.taxes[0].id])]),
                        (Line, line, 'account', line.account.id),
                        (Line, line, 'origin', None),
                        (Line, line, 'taxes_date', MARCH),
                        ]:
                    with self.subTest(field=name), undone(), \
                            self.assertRaises(REFUSED):
                        Model.write([Model(record.id)], {name: value})
                for name, values in [
                        ('account.invoice.tax', {
                                'invoice': invoice.id,
                                'description': "None",
                                'account': line.account.id,
                                'base': 0, 'amount': -20, 'manual': True}),
                        ('account.invoice-account.move.line', {
                                'invoice': invoice.id,
                                'line': move_line.id}),
                        ('party.party.account', {
                                'party': invoice.party.id}),
                        ]:
                    with self.subTest(model=name), undone(), \
                            self.assertRaises(REFUSED):
                        pool.get(name).create([values])

    @with_transaction()
    def test_approval_rights(self):
        "What is not theirs or not a draft is not changed"
        pool = Pool()
        Invoice = pool.get('account.invoice')
        Line = pool.get('account.invoice.line')
        with approval() as a:
            invoice = a.write()
            a1, a2 = a.c.activity('A1').id, a.c.activity('A2').id
            posted = a.c.sale(MARCH, 'A1', 10, activity='A1')
            supplier = a.c.draft(
                MARCH, ('A1', 10, '6064', []), type='in', activity='A1')
            shared = a.c.draft(
                MARCH, ('A1', 10, '706', []), ('A2', 10, '706', []),
                activity='A1')
            clear_cache()
            for login, record, wrong in [
                    ('A2', invoice, None), ('A1', posted, None),
                    ('A1', supplier, None),
                    ]:
                with self.subTest(login=login, record=record.type), \
                        a.user(login):
                    record = Invoice(record.id)
                    for operation in [
                            lambda: Invoice.write(
                                [record], {'comment': "Mine"}),
                            lambda: Invoice.delete([record]),
                            lambda: Line.create([{
                                        'invoice': record.id,
                                        'activity': a1 if login == 'A1'
                                        else a2,
                                        'quantity': 1, 'unit_price': D(1)}]),
                            lambda: Line.write(
                                [Line(record.lines[0].id)],
                                {'quantity': 2}),
                            lambda: Line.delete([Line(record.lines[0].id)]),
                            lambda: Invoice.submit([record]),
                            lambda: Invoice.post_alone([record]),
                            ]:
                        with undone(), self.assertRaises(REFUSED):
                            operation()
            with a.user('A1'):
                for values in [
                        a.values(activity=a2), a.values(type='in'),
                        a.values(lines=[('create', [{
                                            'activity': a2, 'quantity': 1,
                                            'unit_price': D(1)}])]),
                        ]:
                    with undone(), self.assertRaises(REFUSED):
                        Invoice.create([values])
                with undone(), self.assertRaises(REFUSED):
                    Invoice.copy([Invoice(supplier.id)])
                for name in ['submit', 'post_alone']:
                    with undone(), self.assertRaises(REFUSED):
                        getattr(Invoice, name)([Invoice(shared.id)])
                for name in [
                        'draft', 'validate_invoice', 'post', 'pay', 'cancel',
                        'approve', 'refuse']:
                    with self.subTest(button=name), undone(), \
                            self.assertRaises(REFUSED):
                        getattr(Invoice, name)([Invoice(invoice.id)])
                for name in [
                        'account.invoice.pay',
                        'account.invoice.lines_to_pay.reschedule',
                        'account.invoice.lines_to_pay.delegate',
                        'cae.approval.refuse']:
                    Wizard = pool.get(name, type='wizard')
                    with self.subTest(wizard=name), undone(), \
                            Transaction().set_context(
                                active_model='account.invoice',
                                active_id=invoice.id,
                                active_ids=[invoice.id]), \
                            self.assertRaises(REFUSED):
                        Wizard.create()

    @with_transaction()
    def test_approval_workflow(self):
        "Submitted, refused with what must change, approved and posted"
        pool = Pool()
        Event = pool.get('cae.approval.event')
        Invoice = pool.get('account.invoice')
        Pending = pool.get('cae.approval.pending')
        with approval() as a:
            invoice = a.write()
            a.press('A1', 'submit', invoice)
            with a.user('A1'), undone(), self.assertRaises(REFUSED):
                Invoice.write([Invoice(invoice.id)], {'comment': "Late"})
            a.press('A1', 'withdraw', invoice)
            with a.user('A1'):
                Invoice.write([Invoice(invoice.id)], {'comment': "In time"})
            a.press('A1', 'submit', invoice)
            with a.user('advisor'):
                pending, = Pending.search([])
                self.assertEqual(pending.document, invoice)
                self.assertEqual(pending.amount, 100)
                self.assertEqual(pending.currency, a.c.company.currency)
            with a.user('A1'):
                self.assertEqual(Pending.search([]), [])
                self.assertEqual(a.c.activity('A1').to_approve, 1)
            for login, name, comment in [
                    ('other', 'approve', None), ('A2', 'approve', None),
                    ('A1', 'approve', None), ('other', 'refuse', "No")]:
                with self.subTest(login=login, name=name), undone(), \
                        self.assertRaises((*REFUSED, ApprovalError)):
                    if comment:
                        self.refuse(a, login, invoice, comment)
                    else:
                        a.press(login, name, invoice)
            with undone(), self.assertRaises(ApprovalError):
                self.refuse(a, 'advisor', invoice, " ")
            self.refuse(a, 'advisor', invoice, "Name the work")
            with a.user('A1'):
                own = Invoice(invoice.id)
                self.assertEqual(own.approval, 'refused')
                self.assertEqual(own.approval_comment, "Name the work")
                Invoice.write([own], {'description': "The work"})
            with self.assertRaises(ApprovalError):
                self.refuse(a, 'advisor', invoice, "Again")
            a.press('A1', 'submit', invoice)
            a.press('advisor', 'approve', invoice)
            invoice = Invoice(invoice.id)
            self.assertEqual(
                (invoice.state, invoice.approval), ('validated', 'approved'))
            self.assertEqual(Pending.search([]), [])
            self.assertEqual(a.c.activity('A1').to_approve, 0)
            with a.user('advisor'), undone(), self.assertRaises(REFUSED):
                Invoice.post([Invoice(invoice.id)])
            a.press('accountant', 'post', invoice)
            invoice = Invoice(invoice.id)
            self.assertEqual(invoice.state, 'posted')
            self.assertEqual(invoice.invoice_date, MARCH)
            self.assertFalse(invoice.auto_approved)
            with a.user('A1'):
                events = Event.search([], order=[('id', 'ASC')])
                self.assertEqual(
                    [(e.action, e.author) for e in events], [
                        ('submit', "User A1"), ('withdraw', "User A1"),
                        ('submit', "User A1"), ('refuse', "User advisor"),
                        ('submit', "User A1"), ('approve', "User advisor")])
            with a.user('A2'):
                self.assertEqual(Event.search([]), [])
            for operation in [
                    lambda: Event.write(events, {'comment': "Other"}),
                    lambda: Event.delete(events)]:
                with undone(), self.assertRaises(AccessError):
                    operation()

    def refuse(self, a, login, invoice, comment):
        "Refuse with the wizard as the user"
        Wizard = Pool().get('cae.approval.refuse', type='wizard')
        with a.user(login), Transaction().set_context(
                active_model='account.invoice', active_id=invoice.id,
                active_ids=[invoice.id]):
            session, start, _ = Wizard.create()
            with without_check_access():
                Wizard.execute(
                    session, {start: {'comment': comment}}, 'refuse')

    @with_transaction()
    def test_approval_reopened(self):
        "What the accounting opens again is the entrepreneur's"
        Invoice = Pool().get('account.invoice')
        with approval() as a:
            invoice = a.write()
            a.press('A1', 'submit', invoice)
            a.press('accountant', 'validate_invoice', invoice)
            a.press('accountant', 'draft', invoice)
            self.assertEqual(Invoice(invoice.id).approval, None)
            with a.user('A1'):
                Invoice.write([Invoice(invoice.id)], {'comment': "Mine"})

    @with_transaction()
    def test_approval_ceiling(self):
        "Each document up to the ceiling is posted alone, dated today"
        Invoice = Pool().get('account.invoice')
        with approval() as a:
            def refused(invoice):
                with undone(), self.assertRaises(ApprovalError):
                    a.press('A1', 'post_alone', invoice)
            low, high = a.write('500'), a.write('500.01')
            refused(low)
            a.ceiling(500, code='A2')
            a.ceiling(500, kind='credit_note')
            a.ceiling(500, to_date=MARCH - dt.timedelta(days=1))
            refused(low)
            ceiling = a.ceiling(500)
            refused(high)
            a.press('A1', 'post_alone', low)
            low = Invoice(low.id)
            self.assertEqual(low.state, 'posted')
            self.assertEqual(low.invoice_date, MARCH)
            self.assertTrue(low.number)
            self.assertTrue(low.auto_approved)
            self.assertEqual(Invoice.search([
                        ('auto_approved', '=', True)]), [low])
            self.assertIn(high, Invoice.search([
                        ('auto_approved', '=', False)]))
            # The sum of several documents is not limited
            a.press('A1', 'post_alone', a.write('500'))
            ceiling.amount = None
            ceiling.save()
            with undone():
                a.press('A1', 'post_alone', high)
            # The lowest of those that apply
            a.ceiling(50, activity=a.c.activity('A1').id)
            refused(high)
            a.press('A1', 'post_alone', a.write('50'))

    @with_transaction()
    def test_approval_credit_note(self):
        "A credit note is a draft with a ceiling of its own"
        pool = Pool()
        Credit = pool.get('account.invoice.credit', type='wizard')
        Invoice = pool.get('account.invoice')
        with approval() as a:
            a.ceiling(None)
            invoice = a.write(200)
            for state in ['draft', 'posted']:
                with a.user('A1'), Transaction().set_context(
                        active_model='account.invoice',
                        active_id=invoice.id, active_ids=[invoice.id]):
                    session, start, _ = Credit.create()
                    arguments = (session, {start: {
                                'with_refund': True,
                                'with_refund_allowed': True,
                                'invoice_date': dt.date(YEAR, 1, 1),
                                }}, 'credit')
                    with without_check_access():
                        if state == 'draft':
                            with undone(), self.assertRaises(ApprovalError):
                                Credit.execute(*arguments)
                        else:
                            Credit.execute(*arguments)
                if state == 'draft':
                    a.press('A1', 'post_alone', invoice)
            credit, = Invoice.search([('untaxed_amount', '=', -200)])
            self.assertEqual(credit.state, 'draft')
            self.assertEqual(credit.invoice_date, None)
            with undone(), self.assertRaises(ApprovalError):
                a.press('A1', 'post_alone', credit)
            a.ceiling('199.99', kind='credit_note')
            with undone(), self.assertRaises(ApprovalError):
                a.press('A1', 'post_alone', credit)
            a.press('A1', 'submit', credit)
            a.press('accountant', 'post', credit)
            self.assertEqual(Invoice(credit.id).state, 'posted')

    @with_transaction()
    def test_approval_refusals(self):
        "What could not be posted is not submitted, and nothing is changed"
        pool = Pool()
        Invoice = pool.get('account.invoice')
        with approval() as a:
            a.ceiling(None)
            a.ceiling(None, code='B1')
            support = a.write(
                login='B1', activity=a.c.activity('B1').id)
            for name in ['submit', 'post_alone']:
                with undone(), self.assertRaises(SellingNotAllowedError):
                    a.press('B1', name, support)
            empty = a.write(lines=[])
            for name in ['submit', 'post_alone']:
                with undone(), self.assertRaises(ApprovalError):
                    a.press('A1', name, empty)
            for name in ['quantity', 'unit_price']:
                for value in ['NaN', 'Infinity', '1e400', '-1e12']:
                    values = a.values()
                    number = float if name == 'quantity' else D
                    values['lines'][0][1][0][name] = number(value)
                    before = Invoice.search([], count=True)
                    with self.subTest(field=name, value=value), undone(), \
                            a.user('A1'), self.assertRaises(AmountError):
                        Invoice.create([values])
                    self.assertEqual(
                        Invoice.search([], count=True), before)
            other = Cooperative("Other Cooperative")
            activity, = other.search(
                'cae.activity', ('kind', '=', 'shared'))
            with undone(), self.assertRaises(UserError):
                a.write(activity=activity.id)
            invoice = a.write()
            a.c.period(3).close([a.c.period(3)])
            with undone(), self.assertRaises(UserError):
                a.press('A1', 'post_alone', invoice)
            invoice = Invoice(invoice.id)
            self.assertEqual(invoice.state, 'draft')
            self.assertIsNone(invoice.number)

    @with_transaction()
    def test_approval_chronology(self):
        "Numbers follow the dates without a hole"
        Invoice = Pool().get('account.invoice')
        with approval() as a:
            a.ceiling(None)
            numbers = []
            for _ in range(3):
                invoice = a.write()
                a.press('A1', 'post_alone', invoice)
                numbers.append(int(Invoice(invoice.id).number))
            self.assertEqual(
                numbers, list(range(numbers[0], numbers[0] + 3)))
            late = a.write()
            late.invoice_date = MARCH - dt.timedelta(days=1)
            late.save()
            clear_cache()
            with undone(), self.assertRaises(UserError):
                a.press('accountant', 'post', late)

    @with_transaction()
    def test_approval_rounding(self):
        "The VAT of two accounts is rounded once: the customer owes the total"
        with approval() as a:
            invoice = a.c.invoice(
                MARCH, ('A1', '1.03', '706', [TAX]),
                ('A1', '1.03', '7071', [TAX]), activity='A1')
            self.assertEqual(invoice.total_amount, D('2.47'))
            self.assertEqual(
                sum(line.debit - line.credit for line in invoice.move.lines
                    if line.account.code == '4111'), D('2.47'))

    @with_transaction()
    def test_approval_customers(self):
        "A customer or product is of its activities, or shared by all"
        pool = Pool()
        Address = pool.get('party.address')
        Invoice = pool.get('account.invoice')
        Party = pool.get('party.party')
        Template = pool.get('product.template')
        Uom = pool.get('product.uom')
        with approval() as a:
            unit, = Uom.search([('symbol', '=', 'u')], limit=1)
            product, = Template.create([{
                        'name': "Consulting", 'default_uom': unit.id,
                        'type': 'service', 'list_price': D(10),
                        'cae_activities': [('add', [
                                    a.c.activity('A1').id])],
                        'products': [('create', [{}])],
                        }])
            with a.user('A1'):
                party, = Party.create([{'name': "Mine"}])
                Party.write([party], {'name': "My Customer"})
                self.assertTrue(Template.search([('id', '=', product.id)]))
            self.assertEqual(
                list(Party(party.id).cae_activities), [a.c.activity('A1')])
            customer = a.c.party("Customer")
            activity = a.c.activity('A1').id
            address = party.addresses[0] if party.addresses else (
                Address.create([{'party': party.id}])[0])
            # They would be printed with the document
            foreign = a.values(
                activity=a.c.activity('A2').id, party=party.id,
                invoice_address=address.id)
            other_product = a.values(activity=a.c.activity('A2').id)
            other_product['lines'][0][1][0].update(
                product=product.products[0].id, unit=unit.id)
            with a.user('A2'):
                self.assertEqual(Party.search([('id', '=', party.id)]), [])
                self.assertEqual(
                    Party.search([('name', 'like', "My%")]), [])
                self.assertEqual(
                    Template.search([('id', '=', product.id)]), [])
                self.assertTrue(Party.search([('id', '=', customer.id)]))
                for operation in [
                        lambda: Party.read([party.id], ['name']),
                        lambda: Party.write(
                            [Party(party.id)], {'name': "Stolen"}),
                        lambda: Party.write(
                            [Party(customer.id)], {'name': "Renamed"}),
                        lambda: Party.search([('cae_activities', '!=', None)]),
                        lambda: Party.create([{
                                    'name': "For A1", 'cae_activities': [
                                        ('add', [activity])],
                                    }]),
                        lambda: Template.read([product.id], ['name']),
                        lambda: Invoice.create([foreign]),
                        lambda: Invoice.create([other_product]),
                        ]:
                    with undone(), self.assertRaises(AccessError):
                        operation()

    @with_transaction()
    def test_approval_attention(self):
        "The closing lists what was submitted in the month and is not posted"
        Event = Pool().get('cae.approval.event')
        with approval() as a:
            invoice = a.write()
            a.write()
            a.press('A1', 'submit', invoice)
            event = Event.__table__()
            Transaction().connection.cursor().execute(*event.update(
                    [event.time], [dt.datetime.combine(MARCH, dt.time(12))],
                    where=event.document == str(invoice)))
            clear_cache()
            for month, found in [(2, []), (3, [str(invoice)])]:
                closing = a.c.closing(month)
                self.assertEqual([
                        v['record'] for v in closing._attention()
                        if v['kind'] == 'unposted'], found)

    @with_transaction()
    def test_approval_print(self):
        "An entrepreneur prints their own documents, also the first time"
        Report = Pool().get('account.invoice', type='report')
        with approval() as a:
            a.ceiling(None)
            invoice = a.write()
            a.press('A1', 'post_alone', invoice)
            run_tasks()
            with a.user('A1'):
                extension, data, _, _ = Report.execute([invoice.id], {})
            self.assertTrue(data)


class NumbersMixin:

    @pytest.mark.postgresql
    def test_numbers_at_once(self):
        """Two clerks post at once: no hole, and the dates in order.

        The invoices of the earlier date that come after one of the later
        date are refused.
        """
        def prepare():
            with Cooperative.enter() as c:
                return [[
                        c.draft(day, ('A1', 10, '706', []), activity='A1').id
                        for _ in range(6)]
                    for day in [MARCH, MARCH + dt.timedelta(days=1)]]

        def post(id_):
            Invoice = Pool(DB_NAME).get('account.invoice')
            with Cooperative.enter():
                Invoice.post([Invoice(id_)])

        def clerk(ids):
            for id_ in ids:
                started.wait(timeout=60)
                while True:
                    try:
                        commit(post, id_)
                    except backend.DatabaseOperationalError:
                        # As the server does: it lost against the other
                        conflicts.append(id_)
                        continue
                    except UserError:
                        refused.append(id_)
                    break

        def read():
            with Cooperative.enter() as c:
                return sorted(
                    (int(i.number), i.invoice_date) for i in c.search(
                        'account.invoice', ('id', 'in', early + late),
                        ('number', '!=', None)))
        early, late = commit(prepare)
        started, refused, conflicts = threading.Barrier(2), [], []
        threads = [
            threading.Thread(target=clerk, args=[ids])
            for ids in [early, late]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=300)
        posted = commit(read)
        self.assertEqual(len(posted) + len(refused), 12)
        self.assertLessEqual(set(refused), set(early))
        first = posted[0][0]
        self.assertEqual(
            [number for number, _ in posted],
            list(range(first, first + len(posted))))
        dates = [date for _, date in posted]
        self.assertEqual(dates, sorted(dates))
