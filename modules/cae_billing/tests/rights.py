# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The doors that an entrepreneur may try to the affairs of another."""
import datetime as dt
from contextlib import contextmanager
from decimal import Decimal as D

import pytest

from trytond import backend
from trytond.model import ModelSQL
from trytond.model.exceptions import (
    AccessButtonError, AccessError, RequiredValidationError)
from trytond.modules.cae_members.tests.server import (
    clear_cache, find, undone, with_transaction)
from trytond.pool import Pool
from trytond.transaction import Transaction, check_access

from .expense import ExpenseMixin
from .internal import draft, posted
from .tools import YEAR, Cooperative, create_party

JANUARY = dt.date(YEAR, 1, 10)
# The models of which an entrepreneur sees only what is theirs
RULED = [
    'account.invoice', 'account.invoice.line', 'cae.activity',
    'cae.activity.due', 'cae.activity.forecast', 'cae.activity.holder',
    'cae.activity.month',
    'cae.activity.movement', 'cae.activity.statement',
    'cae.activity.statement.line', 'cae.approval.ceiling',
    'cae.approval.event', 'cae.approval.pending',
    'cae.balance_sheet.activity', 'cae.balance_sheet.line', 'cae.contract',
    'cae.entrepreneur', 'cae.expense', 'cae.expense.line',
    'cae.expense.waiver', 'cae.fee', 'cae.fee.charge', 'cae.fee.exemption',
    'cae.internal', 'cae.internal.line', 'cae.vehicle']
# Those of them that they write themselves, as long as they are drafts
WRITTEN = ['cae.expense', 'cae.expense.line', 'cae.internal', 'cae.vehicle']
# The models of which an entrepreneur sees nothing
CLOSED = [
    'account.general_ledger.account', 'account.general_ledger.line',
    'account.move', 'account.move.line', 'account.move.reconciliation',
    'account.statement', 'account.statement.line', 'account.tax.line',
    'analytic.account.entry',
    'analytic_account.account', 'analytic_account.line',
    'cae.activity.reopening',
    'cae.closing', 'cae.closing.attention', 'cae.closing.check',
    'cae.closing.chunk', 'cae.closing.chunk.item', 'cae.configuration',
    'cae.balance_sheet', 'cae.cutoff', 'cae.cutoff.kind', 'cae.cutoff.line',
    'cae.year_end', 'cae.year_end.line',
    'cae.fee.cap', 'cae.funding.agreement', 'cae.funding.entry',
    'cae.funding.reference', 'cae.funding.report',
    'cae.funding.report.funder', 'cae.vat.statement',
    'cae.vat.statement.line',
    'cae.incoming',
    'cae.personal_service.certificate',
    'cae.personal_service.certificate.line',
    'cae.personal_service.declaration', 'cae.personal_service.figure',
    'cae.personal_service.year']
# Where they write drafts
DRAFTS = {'account.invoice', 'account.invoice.line'}
# How Tryton refuses; models of a query have no rows to change
REFUSALS = (AccessError, AccessButtonError, NotImplementedError)
if backend.name == 'postgresql':
    # An empty record is refused before its model is asked
    REFUSALS += (RequiredValidationError,)


def create_world():
    """Sell for A1 and A2 to the same customer, in a month that is closed.

    Both have what else is of an activity; A2 has a user.
    """
    pool = Pool()
    Ceiling = pool.get('cae.approval.ceiling')
    Employee = pool.get('company.employee')
    Event = pool.get('cae.approval.event')
    Group = pool.get('res.group')
    JournalPeriod = pool.get('account.journal.period')
    Sequence = pool.get('ir.sequence.strict')
    User = pool.get('res.user')
    # What is posted would begin again for each of them
    JournalPeriod.lock()
    Sequence.lock(Sequence.search([]))
    with Cooperative.enter() as c:
        rule = c.rule(base='invoiced')
        tools = c.rule('62892', [], base='individual')
        c.rule('62893', [], base='fixed', amount=1, activities=[
                ('add', [c.activity(x).id for x in ['A1', 'A2']])])
        employee, = Employee.create([{
                    'company': c.company.id,
                    'party': create_party("Advisor").id}])
        for code in ['A1', 'A2']:
            common = {
                'activity': c.activity(code).id,
                'from_date': dt.date(YEAR, 12, 1)}
            pool.get('cae.fee.exemption').create([{
                        'rule': rule.id, 'reason': f"Illness of {code}",
                        'decided_by': employee.id, **common}])
            pool.get('cae.fee.charge').create([{
                        'rule': tools.id, 'amount': 5,
                        'description': f"Tools of {code}", **common}])
            sale = c.sale(
                JANUARY, code, 1000, activity=code,
                description=f"Work of {code}")
            c.pay(JANUARY, sale, amount=10)
            c.invoice(
                JANUARY, (code, 50, '6064', []), type='in', activity=code)
            Ceiling.create([{
                        'company': c.company.id, 'kind': 'invoice',
                        'activity': c.activity(code).id,
                        'from_date': JANUARY,
                        }])
            Event.add([sale], 'approve')
            _spend(c, code)
        for code in ['A1', 'A2']:
            posted(c, "Internal sale", code, 'A3', 10, date=JANUARY)
        c.close(1)
        Sheet = pool.get('cae.balance_sheet')
        sheet, = Sheet.create([{'company': c.company.id, 'date': JANUARY}])
        Sheet.compute([sheet])
        Sheet.finish([sheet])
        pool.get('cae.internal').propose([
                draft(c, "Internal sale", 'A3', code, 10)
                for code in ['A1', 'A2']])
        group, = Group.search([('name', '=', "CAE Entrepreneur")])
        entrepreneur, = c.search('cae.entrepreneur', ('code', '=', 'A2'))
        entrepreneur.user, = User.create([{
                    'name': "A2", 'login': 'a2',
                    'companies': [('add', [c.company.id])],
                    'company': c.company.id,
                    'groups': [('add', [group.id])],
                    }])
        entrepreneur.save()


def _spend(c, code):
    "Post a trip of the activity and waive a part of it"
    expenses = ExpenseMixin()
    vehicle = expenses.vehicle(c, code, from_date=JANUARY)
    expense = expenses.posted(
        c, expenses.line(
            c, 'mileage', vehicle=vehicle, kilometers=100, activity=code,
            date=JANUARY), code=code, date=JANUARY)
    expense.waive_amount(D(10), JANUARY, f"Letter of {code}")


class RightsMixin:

    @contextmanager
    def world(self):
        "Give the cooperative, the user of A2 and the records of A1 by model"
        pool = Pool()
        User = pool.get('res.user')
        with Cooperative.enter() as c:
            user, = User.search([('login', '=', 'a2')])
            activity = c.activity('A1')
            own = [('activity', '=', activity.id)]
            domains = {
                **dict.fromkeys(RULED, own),
                'cae.activity': [('id', '=', activity.id)],
                'cae.activity.statement.line': [
                    ('statement.activity', '=', activity.id)],
                'cae.approval.event': [
                    ('document.activity', '=', activity.id,
                        'account.invoice')],
                'cae.balance_sheet.line': [
                    ('row.activity', '=', activity.id)],
                'cae.contract': [
                    ('entrepreneur.holdings.activity', '=', activity.id)],
                'cae.entrepreneur': [
                    ('holdings.activity', '=', activity.id)],
                'cae.expense': [('lines.activity', '=', activity.id)],
                'cae.expense.waiver': [
                    ('expense.lines.activity', '=', activity.id)],
                'cae.internal': [('from_activity', '=', activity.id)],
                'cae.internal.line': [
                    ('internal.from_activity', '=', activity.id)],
                'cae.vehicle': [
                    ('entrepreneur.holdings.activity', '=', activity.id)],
                }
            others = {}
            for name, domain in domains.items():
                others[name] = [
                    r.id for r in pool.get(name).search(domain)]
                self.assertTrue(others[name], name)
            clear_cache()
            yield c, user, others

    @contextmanager
    def user(self, user):
        "Act as the user does through the client"
        User = Pool().get('res.user')
        with Transaction().set_user(user.id), check_access():
            context = User.get_preferences(context_only=True)
            with Transaction().set_context(context):
                yield

    @with_transaction()
    def test_rights_records(self):
        "What is not theirs is neither read, found, counted nor exported"
        pool = Pool()
        Access = pool.get('ir.model.access')
        with self.world() as (c, user, others), self.user(user):
            for name in RULED:
                Model = pool.get(name)
                with self.subTest(model=name):
                    own = Model.search([])
                    self.assertTrue(own)
                    Model.read(
                        [r.id for r in own],
                        list(Model.fields_view_get()['fields']))
                    Model.export_data(own, ['rec_name'])
                    ids = others[name]
                    self.assertFalse({r.id for r in own} & set(ids))
                    self.assertEqual(
                        Model.search([('id', 'in', ids)]), [])
                    self.assertEqual(
                        Model.search_count([('id', 'in', ids)]), 0)
                    self.assertEqual(
                        Model.search_read([('id', 'in', ids)]), [])
                    self.assertEqual(Model.export_data_domain(
                            [('id', 'in', ids)], ['id']), [])
                    for operation in [
                            lambda: Model.read(ids, ['rec_name']),
                            lambda: Model.read(
                                ids + [r.id for r in own], ['id']),
                            lambda: Model.export_data(
                                Model.browse(ids), ['rec_name']),
                            lambda: Model.copy(Model.browse(ids)),
                            ]:
                        with undone(), self.assertRaises(REFUSALS):
                            operation()
            for name in CLOSED:
                with self.subTest(model=name):
                    Model = pool.get(name)
                    self.assertFalse(
                        Access.get_access([name])[name]['read'])
                    if issubclass(Model, ModelSQL):
                        with self.assertRaises(AccessError):
                            Model.search([])

    @with_transaction()
    def test_rights_fee_rules(self):
        "Whom a rule was made for is known to them only"
        pool = Pool()
        Rule = pool.get('cae.fee.rule')
        Relation = pool.get('cae.fee.rule-cae.activity')
        Simulate = pool.get('cae.fee.simulate', type='wizard')
        with self.world() as (c, user, others):
            with self.user(user):
                rule, = Rule.search([('activities', '!=', None)])
                values, = Rule.read([rule.id], ['activities'])
                self.assertEqual(
                    list(values['activities']), [c.activity('A2').id])
                self.assertEqual(
                    [r.activity.code for r in Relation.search([])], ['A2'])
                for operation in [
                        lambda: Relation.delete(Relation.search([])),
                        lambda: Rule.write([rule], {'name': "Mine"}),
                        lambda: Rule.delete([rule]),
                        ]:
                    with undone(), self.assertRaises(REFUSALS):
                        operation()
                with Transaction().set_context(
                        active_model='cae.fee.rule', active_id=rule.id,
                        active_ids=[rule.id]):
                    session, start, _ = Simulate.create()
                    self.assertTrue(Simulate.execute(session, {}, start))

    @with_transaction()
    def test_rights_changes(self):
        "They change nothing but drafts, not even their own"
        pool = Pool()
        Closing = pool.get('cae.closing')
        Invoice = pool.get('account.invoice')
        Line = pool.get('account.invoice.line')
        with self.world() as (c, user, others):
            closing, = c.search('cae.closing')
            draft = c.draft(JANUARY, ('A2', 10, '706', []), activity='A2')
            line, = draft.lines
            clear_cache()
            with self.user(user):
                for name in RULED:
                    if name in WRITTEN:
                        continue
                    Model = pool.get(name)
                    # A draft is the last one
                    own = Model.search([], order=[('id', 'ASC')], limit=1)
                    for operation in [
                            lambda: Model.create([{}]),
                            lambda: Model.write(own, {}),
                            lambda: Model.delete(own),
                            ][name in DRAFTS:]:
                        with self.subTest(model=name), undone(), \
                                self.assertRaises(REFUSALS):
                            operation()
                for Model, record, names in [
                        (Closing, closing, ['check', 'run', 'resume']),
                        (Invoice, Invoice(draft.id), [
                                'draft', 'validate_invoice', 'post', 'pay',
                                'process', 'cancel',
                                'reschedule_lines_to_pay',
                                'delegate_lines_to_pay']),
                        (Line, Line(line.id), ['split_activities']),
                        ]:
                    for name in names:
                        with self.subTest(model=Model.__name__, button=name), \
                                undone(), self.assertRaises(REFUSALS):
                            getattr(Model, name)([record])

    @with_transaction()
    def test_rights_wizards_reports(self):
        "Wizards and reports take no foreign ids"
        pool = Pool()
        Report = pool.get('cae.activity.statement', type='report')
        InvoiceReport = pool.get('account.invoice', type='report')
        Statement = pool.get('cae.activity.statement')
        with self.world() as (c, user, others):
            draft = c.draft(JANUARY, ('A2', 10, '706', []), activity='A2')
            with self.user(user):
                ids = others['cae.activity.statement']
                own = [s.id for s in Statement.search([])]
                extension, data, _, _ = Report.execute(own, {})
                self.assertTrue(data)
                for foreign in [ids, own + ids]:
                    with self.assertRaises(AccessError):
                        Report.execute(foreign, {})
                with self.assertRaises(AccessError):
                    InvoiceReport.execute(others['account.invoice'], {})
                for name, model, ids in [
                        ('cae.invoice.line.split', 'account.invoice.line',
                            [draft.lines[0].id]),
                        ('cae.invoice.line.split', 'account.invoice.line',
                            others['account.invoice.line']),
                        ('account.invoice.credit', 'account.invoice',
                            others['account.invoice']),
                        ('account.invoice.pay', 'account.invoice',
                            others['account.invoice']),
                        ('cae.setup', None, []),
                        ]:
                    Wizard = pool.get(name, type='wizard')
                    with self.subTest(wizard=name), undone(), \
                            Transaction().set_context(
                                active_model=model, active_ids=ids,
                                active_id=ids[0] if ids else None), \
                            self.assertRaises(AccessError):
                        session, start, end = Wizard.create()
                        Wizard.execute(session, {}, start)
                        state = next(iter(
                                pool.get(name, type='wizard').states))
                        Wizard.execute(session, {
                                'start': {'company': c.company.id}}, 'setup'
                            if name == 'cae.setup' else state)

    @with_transaction()
    def test_rights_resources(self):
        "Attachments, notes and logs of what is not theirs"
        pool = Pool()
        with self.world() as (c, user, others):
            for name in ['ir.attachment', 'ir.note']:
                Model = pool.get(name)
                records = Model.create([{
                            'resource': f'{model},{ids[0]}',
                            ('name' if name == 'ir.attachment'
                                else 'message'): "Secret",
                            } for model, ids in others.items()
                        if model in {'account.invoice', 'cae.activity',
                            'cae.activity.statement', 'cae.fee'}])
                clear_cache()
                with self.user(user):
                    self.assertEqual(find(Model, []), [])
                    self.assertFalse(find(Model, [], count=True))
                    for record in records:
                        with self.assertRaises(AccessError):
                            Model.read([record.id], ['id'])
                    with undone(), self.assertRaises(AccessError):
                        Model.create([{
                                    'resource': str(records[0].resource),
                                    ('name' if name == 'ir.attachment'
                                        else 'message'): "Mine"}])

    @with_transaction()
    def test_rights_party(self):
        "What a shared customer owes is for the accountants"
        pool = Pool()
        Party = pool.get('party.party')
        Invoice = pool.get('account.invoice')
        names = ['receivable', 'receivable_today', 'payable', 'payable_today']
        with self.world() as (c, user, others):
            customer = c.party("Customer")
            self.assertEqual(customer.receivable, 2380)
            with self.user(user):
                for name in names:
                    with self.subTest(field=name):
                        invoice, = Invoice.search([('type', '=', 'out')])
                        self.assertNotIn(
                            name, Party.fields_view_get()['fields'])
                        for door, operation in {
                                'read': lambda: Party.read(
                                    [customer.id], [name]),
                                'search': lambda: Party.search(
                                    [(name, '>', 0)]),
                                'order': lambda: Party.search(
                                    [], order=[(name, 'DESC')]),
                                'export': lambda: Party.export_data(
                                    [customer], [name]),
                                'dotted': lambda: Invoice.search(
                                    [(f'party.{name}', '>', 0)]),
                                'where': lambda: Invoice.search(
                                    [('party', 'where', [(name, '>', 0)])]),
                                'dotted read': lambda: Invoice.read(
                                    [invoice.id], [f'party.{name}']),
                                'dotted export': lambda: Invoice.export_data(
                                    [invoice], [f'party/{name}']),
                                }.items():
                            with self.subTest(field=name, door=door), \
                                    self.assertRaises(AccessError):
                                operation()

    @pytest.mark.sqlite
    @with_transaction()
    def test_rights_dotted(self):
        "No search with dots reaches what is not theirs"
        pool = Pool()
        Access = pool.get('ir.model.access')
        with self.world() as (c, user, others), self.user(user):
            models = [
                name for name, Model in pool.iterobject()
                if issubclass(Model, ModelSQL)
                and Access.get_access([name])[name]['read'] is not False]
            readable = set(models)
            leaks, tried = [], 0
            for name in sorted(models):
                Model = pool.get(name)
                for path, target, reference in self.paths(name, readable):
                    for clause in self.clauses(
                            path, target, others[target], reference):
                        tried += 1
                        try:
                            found = Model.search([clause])
                        except (AccessError, AssertionError):
                            continue
                        if found:
                            leaks.append((name, clause, found))
            self.assertGreater(tried, 50)
            self.assertFalse(leaks, leaks)

    def paths(self, name, readable, depth=2):
        """Yield (path, ruled model, whether by a reference) from the model.

        The path has up to two fields.
        """
        pool = Pool()
        todo = [((), name)]
        for _ in range(depth):
            following = []
            for path, model in todo:
                for field in pool.get(model)._fields.values():
                    if not field.searchable(pool.get(model)):
                        continue
                    if field._type == 'reference':
                        if path:
                            continue
                        targets = [
                            (field.name, t, True) for t in RULED]
                    elif hasattr(field, 'get_target') and (
                            target := field.get_target()):
                        targets = [(field.name, target.__name__, False)]
                    else:
                        continue
                    for fname, target, reference in targets:
                        if target in RULED:
                            yield path + (fname,), target, reference
                        if target in readable and not reference:
                            following.append((path + (fname,), target))
            todo = following

    def clauses(self, path, target, ids, reference):
        "Yield clauses that find the records of the target by the path"
        Target = Pool().get(target)
        dotted = '.'.join(path)
        model = (target,) if reference else ()
        yield (f'{dotted}.id', 'in', ids, *model)
        if Target._rec_name in Target._fields:
            yield (f'{dotted}.rec_name', 'like', '%A1%', *model)
        if not reference:
            nested = [('id', 'in', ids)]
            for name in reversed(path[1:]):
                nested = [(name, 'where', nested)]
            yield (path[0], 'where', nested)
