# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Documents between activities: entries, refusals and who may what."""
import datetime as dt
from contextlib import contextmanager
from decimal import Decimal as D

from trytond.model.exceptions import (
    AccessButtonError, AccessError, DomainValidationError)
from trytond.modules.account.exceptions import PeriodNotFoundError
from trytond.modules.cae_billing.exceptions import (
    ActivityClosedError, InternalAccessError, InternalError,
    InternalValidationError, SetupError)
from trytond.modules.cae_members.tests.deadline import on
from trytond.modules.cae_members.tests.server import (
    clear_cache, undone, with_transaction)
from trytond.modules.cae_members.tests.test_module import create_user, set_user
from trytond.pool import Pool
from trytond.transaction import Transaction, without_check_access

from .tools import YEAR, Cooperative

MARCH = dt.date(YEAR, 3, 10)
ENTREPRENEUR = 'cae_members.group_entrepreneur'


def values(cooperative, kind, from_, to, *amounts, **others):
    "Return the values of a document of the kind, by its default name"
    kind, = cooperative.search('cae.internal.kind', ('name', '=', kind))
    return {
        'company': cooperative.company.id,
        'date': MARCH,
        'kind': kind.id,
        'from_activity': cooperative.activity(from_).id,
        'to_activity': cooperative.activity(to).id,
        'lines': [('create', [
                    {'description': "Work", 'unit_price': D(amount)}
                    for amount in amounts])],
        **others}


def draft(*args, **others):
    "Return a draft document"
    document, = Pool().get('cae.internal').create([values(*args, **others)])
    return document


def posted(*args, **others):
    "Return a document that an accountant posted"
    Internal = Pool().get('cae.internal')
    document = draft(*args, **others)
    Internal.post([document])
    return Internal(document.id)


class InternalMixin:

    @contextmanager
    def internal_users(self):
        """Give the cooperative and its users by name.

        The holders of A1, A2 and A3, an advisor and an accountant.
        """
        with Cooperative.enter() as c:
            users = {
                name: create_user(name, c.company, group)
                for name, group in [
                    ('A1', ENTREPRENEUR), ('A2', ENTREPRENEUR),
                    ('A3', ENTREPRENEUR),
                    ('advisor', 'cae_members.group_advisor'),
                    ('accountant', 'account.group_account')]}
            for entrepreneur in c.search(
                    'cae.entrepreneur', ('code', 'in', ['A1', 'A2', 'A3'])):
                entrepreneur.user = users[entrepreneur.code]
                entrepreneur.save()
            clear_cache()
            with on(MARCH):
                yield c, users

    @with_transaction()
    def test_internal_kinds(self):
        "Each kind posts both sides of one account"
        Internal = Pool().get('cae.internal')
        with Cooperative.enter() as c:
            account = c.account('6236').id
            income = c.account('706').id
            board = "Board of 1 March"
            for kind, from_, to, others, lines in [
                    ("Internal sale", 'A2', 'A1', {},
                        [('62894', -150, 'A2'), ('62894', 150, 'A1')]),
                    ("Internal sale", 'A2', 'S', {},
                        [('62894', -150, 'A2'), ('62894', 150, 'S')]),
                    ("Staff put at disposal", 'S', 'A1', {},
                        [('62896', -150, 'S'), ('62896', 150, 'A1')]),
                    ("Loss taken over", 'F', 'A1', {'decision': board},
                        [('62895', -150, 'A1'), ('62895', 150, 'F')]),
                    ("Result taken over", 'A1', 'R', {'decision': board},
                        [('62895', -150, 'R'), ('62895', 150, 'A1')]),
                    ("Cost on the wrong activity", 'A1', 'A2',
                        {'account': account},
                        [('6236', -150, 'A1'), ('6236', 150, 'A2')]),
                    ("Income on the wrong activity", 'X', 'A2',
                        {'account': income},
                        [('706', -150, 'A2'), ('706', 150, 'X')]),
                    ]:
                with self.subTest(kind=kind, to=to):
                    document = posted(
                        c, kind, from_, to, '100.005', '49.99', **others)
                    self.assertEqual(document.amount, 150)
                    # The lines of a side add up on one line of the move
                    self.assertMove(c, document.move, *(
                            (code, amount, f'{activity}+{activity}')
                            for code, amount, activity in lines))
                    self.assertEqual(document.move.journal.code, 'INT')
                    self.assertEqual(document.move.origin, document)
                    for line in document.move.lines:
                        for analytic in line.analytic_lines:
                            self.assertEqual(analytic.origin, document)
            numbers = [d.number for d in Internal.search(
                    [], order=[('id', 'ASC')])]
            self.assertEqual(
                numbers, [f'I{n:06}' for n in range(1, len(numbers) + 1)])

    @with_transaction()
    def test_internal_workflow(self):
        "A seller proposes, the buyer refuses, then accepts"
        pool = Pool()
        Internal = pool.get('cae.internal')
        Movement = pool.get('cae.activity.movement')
        Pending = pool.get('cae.approval.pending')
        Refuse = pool.get('cae.approval.refuse', type='wizard')
        with self.internal_users() as (c, users):
            sale = values(c, "Internal sale", 'A2', 'A1', 150)
            with set_user(users['A2']):
                defaults = Internal.default_get(
                    ['kind', 'from_activity'], with_rec_name=False)
                self.assertEqual(
                    defaults, {n: sale[n] for n in defaults})
                document, = Internal.create([sale])
                Internal.propose([document])
                self.assertFalse(Internal(document.id).to_accept)
                for button in ['accept', 'refuse', 'post', 'correct']:
                    with self.subTest(button=button), undone(), \
                            self.assertRaises(AccessButtonError):
                        getattr(Internal, button)([Internal(document.id)])
                with undone(), self.assertRaisesRegex(
                        InternalAccessError, "Withdraw it"):
                    Internal.write([document], {'reference': "New"})
                Internal.withdraw([document])
                Internal.write([document], {'reference': "Logo"})
                Internal.propose([document])
            context = {
                'active_model': 'cae.internal',
                'active_id': document.id,
                'active_ids': [document.id],
                }
            with set_user(users['A1']), Transaction().set_context(context):
                self.assertEqual(
                    Internal.search([('to_accept', '=', True)]), [document])
                self.assertEqual(
                    Internal.search([('to_accept', '=', False)]), [])
                pending, = Pending.search([])
                self.assertEqual(
                    (pending.document, pending.activity.code, pending.amount),
                    (document, 'A1', 150))
                names = [n.code for n in Pool().get(
                        'cae.activity.name').search([])]
                self.assertLessEqual({'A1', 'A2', 'A3', 'S'}, set(names))
                Internal.read([document.id], [
                        'from_activity.rec_name', 'to_activity.rec_name',
                        'amount', 'lines'])
                for operation in [
                        lambda d: Internal.write([d], {'reference': "X"}),
                        lambda d: Internal.delete([d]),
                        lambda d: Internal.withdraw([d]),
                        lambda d: Internal.propose([d]),
                        lambda d: Internal.post([d]),
                        ]:
                    with undone(), self.assertRaises((
                                AccessError, AccessButtonError)):
                        operation(Internal(document.id))
                session, _, _ = Refuse.create()
                with without_check_access():
                    Refuse.execute(
                        session, {'start': {'comment': "Too dear"}}, 'refuse')
            document = Internal(document.id)
            self.assertEqual(
                [document.state, document.approval_comment],
                ['draft', "Too dear"])
            self.assertEqual(
                [e.action for e in document.approval_events],
                ['refuse', 'submit', 'withdraw', 'submit'])
            with set_user(users['A2']):
                line, = Internal(document.id).lines
                Internal.write([document], {
                        'lines': [('write', [line.id], {
                                    'unit_price': D(120)})]})
                Internal.propose([document])
            with set_user(users['A1']):
                Internal.accept([Internal(document.id)])
                movement, = Movement.search([])
                self.assertEqual(
                    [movement.kind, movement.amount], ['internal', -120])
                self.assertIn(document.number, movement.description)
                self.assertIn("A2", movement.description)
            with set_user(users['A2']):
                movement, = Movement.search([])
                self.assertEqual(
                    [movement.kind, movement.amount], ['internal', 120])
                self.assertIn("A1", movement.description)
            document = Internal(document.id)
            self.assertEqual(document.state, 'posted')
            for operation in [
                    lambda: Internal.write([document], {'reference': "X"}),
                    lambda: Internal.delete([document]),
                    lambda: document.lines[0].__class__.write(
                        list(document.lines), {'unit_price': D(1)}),
                    lambda: document.lines[0].__class__.delete(
                        list(document.lines)),
                    ]:
                with undone(), self.assertRaises(InternalAccessError):
                    operation()

    @with_transaction()
    def test_internal_rights(self):
        "A third entrepreneur knows nothing of it"
        pool = Pool()
        Access = pool.get('ir.model.access')
        Internal = pool.get('cae.internal')
        Line = pool.get('cae.internal.line')
        Kind = pool.get('cae.internal.kind')
        with self.internal_users() as (c, users):
            document = draft(c, "Internal sale", 'A2', 'A1', 150)
            Internal.propose([document])
            other = draft(c, "Internal sale", 'A1', 'A2', 10)
            ids, lines = [document.id], [li.id for li in document.lines]
            sale = values(c, "Internal sale", 'A1', 'A2', 150)
            own = values(c, "Internal sale", 'A3', 'A2', 150)
            loss = values(
                c, "Loss taken over", 'F', 'A3', 150, decision="Mine")
            refusals = (AccessError, AccessButtonError)
            with set_user(users['A3']):
                for Model, ids_ in [(Internal, ids), (Line, lines)]:
                    self.assertEqual(Model.search([]), [])
                    self.assertEqual(Model.search_count([]), 0)
                    self.assertEqual(
                        Model.export_data_domain([], ['id']), [])
                    for operation in [
                            lambda: Model.read(ids_, ['rec_name']),
                            lambda: Model.copy(Model.browse(ids_)),
                            lambda: Model.export_data(
                                Model.browse(ids_), ['rec_name']),
                            lambda: Model.write(Model.browse(ids_), {}),
                            lambda: Model.delete(Model.browse(ids_)),
                            ]:
                        with undone(), self.assertRaises(refusals):
                            operation()
                for button in ['propose', 'withdraw', 'accept', 'refuse',
                        'post', 'correct']:
                    with self.subTest(button=button), undone(), \
                            self.assertRaises(refusals):
                        getattr(Internal, button)(Internal.browse(ids))
                for wizard in ['cae.approval.refuse', 'cae.internal.correct']:
                    Wizard = pool.get(wizard, type='wizard')
                    with undone(), self.assertRaises(AccessError), \
                            Transaction().set_context(
                                active_model='cae.internal',
                                active_id=ids[0], active_ids=ids):
                        Wizard.create()
                # For another, for themselves from the fund, past a button
                for wrong in [
                        sale, loss, {**own, 'state': 'posted'},
                        {**own, 'number': 'I000099'},
                        {**own, 'corrects': document.id},
                        {**own, 'approval_events': [('create', [{}])]}]:
                    with undone(), self.assertRaises(AccessError):
                        Internal.create([wrong])
                mine, = Internal.create([own])
                for wrong in [
                        {'state': 'posted'}, {'number': 'I000099'},
                        {'from_activity': sale['from_activity']},
                        {'corrections': [('add', ids)]},
                        {'kind': loss['kind']}]:
                    with undone(), self.assertRaises(AccessError):
                        Internal.write([mine], wrong)
                Line.read(
                    [li.id for li in Internal(mine.id).lines],
                    list(Line.fields_view_get()['fields']))
                Internal.read(
                    [mine.id], list(Internal.fields_view_get()['fields']))
                Internal.fields_view_get(view_type='tree')
                with undone(), self.assertRaises(AccessError):
                    Kind.write(Kind.search([], limit=1), {'name': "Mine"})
            with set_user(users['A2']):
                # The buyer reads a draft made for them but changes nothing
                self.assertEqual(
                    set(Internal.search([])), {document, other, mine})
                for operation in [
                        lambda: Internal.write([other], {'reference': "X"}),
                        lambda: Internal.delete([other]),
                        lambda: Internal.propose([Internal(other.id)]),
                        lambda: Line.write(
                            list(other.lines), {'unit_price': D(1)}),
                        ]:
                    with undone(), self.assertRaises(refusals):
                        operation()
            with set_user(users['advisor']):
                self.assertEqual(
                    set(Internal.search([])), {document, other, mine})
                self.assertFalse(
                    Access.get_access(['cae.internal'])['cae.internal'][
                        'create'])
                for button in ['accept', 'post', 'correct']:
                    with undone(), self.assertRaises(refusals):
                        getattr(Internal, button)(Internal.browse(ids))
            with set_user(users['accountant']):
                Internal.accept(Internal.browse(ids))
                Internal.post([Internal(other.id)])
            self.assertEqual(Internal(document.id).state, 'posted')

    @with_transaction()
    def test_internal_correction(self):
        "The opposite on both sides, up to what is left"
        pool = Pool()
        Activity = pool.get('cae.activity')
        Internal = pool.get('cae.internal')
        Correct = pool.get('cae.internal.correct', type='wizard')
        with self.internal_users() as (c, users):
            document = posted(c, "Internal sale", 'A2', 'A1', 150)
            first = document.correct_with(D(50), MARCH, "Less hours")
            self.assertMove(
                c, first.move, ('62894', 50, 'A2'), ('62894', -50, 'A1'))
            self.assertEqual(
                [first.amount, first.corrects, first.state],
                [-50, document, 'posted'])
            for amount in ['100.01', '0', '-1', 'NaN', '1E400', '0.001']:
                with self.subTest(amount=amount), undone(), \
                        self.assertRaisesRegex(InternalError, "100.00"):
                    Internal(document.id).correct_with(
                        D(amount), MARCH, "Again")
            with undone(), self.assertRaises(InternalError):
                first.correct_with(D(1), MARCH, "Again")
            proposed = draft(c, "Internal sale", 'A2', 'A1', 150)
            with undone(), self.assertRaises(InternalError):
                proposed.correct_with(D(1), MARCH, "Again")
            context = {
                'active_model': 'cae.internal',
                'active_id': document.id,
                'active_ids': [document.id],
                }
            with Transaction().set_context(context):
                with set_user(users['A2']), undone(), \
                        self.assertRaises(AccessError):
                    Correct.create()
                with set_user(users['accountant']):
                    session, _, _ = Correct.create()
                    start = Correct(session).default_start([])
                    self.assertEqual(start['amount'], 100)
                    with without_check_access():
                        Correct.execute(session, {'start': {
                                    'amount': start['amount'], 'date': MARCH,
                                    'reason': "All"}}, 'correct')
            self.assertEqual(Internal(document.id).amount_left, 0)
            self.assertEqual(
                c.figures(Activity.results(c.activities()), 'A1', 'A2'),
                [0, 0])
            with set_user(users['accountant']), undone(), \
                    self.assertRaises(AccessButtonError):
                Internal.correct([Internal(document.id)])

    @with_transaction()
    def test_internal_refusals(self):
        "Nothing wrong is posted, and no number is lost"
        pool = Pool()
        Activity = pool.get('cae.activity')
        Configuration = pool.get('cae.configuration')
        Internal = pool.get('cae.internal')
        Period = pool.get('account.period')
        with Cooperative.enter() as c, on(MARCH):
            sale = ("Internal sale", 'A2', 'A1')
            for error, args, others in [
                    (InternalValidationError,
                        ("Internal sale", 'A1', 'A1', 1), {}),
                    (InternalValidationError,
                        ("Internal sale", 'S', 'A1', 1), {}),
                    (InternalValidationError,
                        ("Result taken over", 'A1', 'A2', 1),
                        {'decision': "Board"}),
                    (InternalValidationError, (*sale, 0), {}),
                    (InternalValidationError, (*sale, '0.004'), {}),
                    (InternalValidationError, (*sale, 'NaN'), {}),
                    (InternalValidationError, (*sale, '1E400'), {}),
                    (InternalValidationError, (*sale, '-Infinity'), {}),
                    ]:
                with self.subTest(args=args), undone(), \
                        self.assertRaises(error):
                    draft(c, *args, **others)
            other = Cooperative("Other Cooperative")
            with undone(), self.assertRaises(DomainValidationError):
                draft(
                    c, *sale, 1, to_activity=Activity.special(
                        other.company, 'shared').id)
            for error, regex, args, others in [
                    (InternalError, "more than zero", sale, {}),
                    (InternalError, "more than zero", (*sale, -1), {}),
                    (InternalError, "may sell",
                        ("Internal sale", 'B1', 'A1', 1), {}),
                    (PeriodNotFoundError, "period", ("Staff put at disposal",
                            'S', 'A1', 1), {'date': dt.date(2030, 1, 1)}),
                    ]:
                with self.subTest(args=args), undone():
                    document = draft(c, *args, **others)
                    with self.assertRaisesRegex(error, regex):
                        Internal.post([document])
            with undone(), self.assertRaisesRegex(
                    InternalError, "an accountant posts it"):
                Internal.propose([draft(
                            c, "Staff put at disposal", 'S', 'A1', 1)])
            proposed = draft(c, *sale, 1)
            Internal.propose([proposed])
            with undone():
                Activity.close({c.activity('A1'): (
                            dt.date(YEAR, 3, 9), 'given_up')})
                with self.assertRaisesRegex(ActivityClosedError, "A1"):
                    Internal.accept([Internal(proposed.id)])
            with undone():
                Period.close([c.period(3)])
                with self.assertRaisesRegex(PeriodNotFoundError, "reopen"):
                    Internal.accept([Internal(proposed.id)])
            with undone():
                Configuration(1).set_multivalue(
                    'internal_sequence', None, company=c.company.id)
                with self.assertRaises(SetupError):
                    Internal.accept([Internal(proposed.id)])
            Internal.accept([Internal(proposed.id)])
            self.assertEqual(Internal(proposed.id).number, 'I000001')

    @with_transaction()
    def test_internal_turnover(self):
        "No part in turnover, nor in fees"
        pool = Pool()
        Activity = pool.get('cae.activity')
        Fee = pool.get('cae.fee')
        with Cooperative.enter() as c:
            c.rule(base='invoiced')
            posted(c, "Internal sale", 'A2', 'A1', 150)
            c.sale(MARCH, 'A2', 1000)
            for basis in ['invoiced', 'collected']:
                turnovers = Activity.turnovers(c.activities(), MARCH, basis)
                self.assertEqual(c.figures(turnovers, 'A1', 'A2'), [
                        0, 1000 if basis == 'invoiced' else 0])
            fees = Fee.charge(c.activities(), c.period(3))
            self.assertEqual(
                {f.activity.code: f.amount for f in fees}, {'A2': 100})
            self.assertEqual(
                c.figures(Activity.results(c.activities()), 'A1', 'A2'),
                [-150, 1050])

    @with_transaction()
    def test_internal_attention(self):
        "What waits and what is not zero is shown to who closes the month"
        Internal = Pool().get('cae.internal')
        with Cooperative.enter() as c, on(MARCH):
            waiting = draft(c, "Internal sale", 'A2', 'A1', 150)
            Internal.propose([waiting])
            posted(c, "Internal sale", 'A2', 'A1', 150)
            half = c.move(MARCH, ('62894', 10, 'A1'), ('6064', -10, 'A1'))

            def found(month):
                return {
                    (a['kind'], a['record'])
                    for a in c.closing(month)._attention()
                    if a['kind'] in {'unposted', 'unbalanced'}}
            self.assertEqual(found(2), set())
            self.assertEqual(found(3), {
                    ('unposted', str(waiting)), ('unbalanced', str(half))})
            c.move(MARCH, ('62894', -10, 'A1'), ('6064', 10, 'A1'))
            Internal.withdraw([waiting])
            self.assertEqual(found(4), set())

    @with_transaction()
    def test_internal_settlement(self):
        "What is drafted or proposed holds back the closing of both activities"
        pool = Pool()
        Internal = pool.get('cae.internal')
        Settlement = pool.get('cae.settlement')
        with Cooperative.enter() as c, on(MARCH):
            document = draft(c, "Internal sale", 'A2', 'A1', 150)
            for code in ['A1', 'A2']:
                settlement, = Settlement.create([{
                            'company': c.company.id, 'date': MARCH,
                            'activity': c.activity(code).id,
                            'closing_reason': 'given_up'}])
                for operation in [None, Internal.propose]:
                    with self.subTest(operation=operation), undone():
                        if operation:
                            operation([document])
                        Settlement.check([settlement])
                        self.assertIn((document, True), {
                                (f.origin, f.blocking)
                                for f in Settlement(settlement.id).facts})
                with undone():
                    Internal.delete([document])
                    Settlement.check([settlement])
                    self.assertNotIn('cae.internal', {
                            f.origin.__name__ if f.origin else None
                            for f in Settlement(settlement.id).facts})
