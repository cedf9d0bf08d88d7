# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import datetime as dt
from contextlib import contextmanager
from decimal import Decimal

from trytond.model.exceptions import (
    AccessButtonError, AccessError, RequiredValidationError,
    SQLConstraintError)
from trytond.modules.cae_members.exceptions import (
    ActivityAccessError, ContractValidationError, SettlementAccessError,
    SettlementError, SettlementValidationError)
from trytond.modules.cae_members.tests.server import (
    clear_cache, undone, with_transaction)
from trytond.modules.company.tests import set_company
from trytond.pool import Pool
from trytond.transaction import Transaction, inactive_records

from .deadline import on

START = dt.date(2026, 1, 1)
END = dt.date(2026, 6, 30)


def messages(settlement, blocking=None):
    "Return the messages of the facts, those that block or not"
    Settlement = Pool().get('cae.settlement')
    return [
        f.message for f in Settlement(settlement.id).facts
        if blocking is None or f.blocking == blocking]


@contextmanager
def count_queries():
    "Give a list that gets a number: how many queries the body makes"
    transaction = Transaction()
    connection = transaction.connection
    result, queries = [], []

    class Counting:
        def __getattr__(self, name):
            return getattr(connection, name)

        def cursor(self, *args, **kwargs):
            cursor = connection.cursor(*args, **kwargs)

            class Cursor:
                def __getattr__(self, name):
                    return getattr(cursor, name)

                def __iter__(self):
                    return iter(cursor)

                def execute(self, *args):
                    queries.append(args[0])
                    return cursor.execute(*args)
            return Cursor()
    transaction.connection = Counting()
    try:
        yield result
    finally:
        transaction.connection = connection
        result.append(len(queries))


@contextmanager
def cooperative_on(date):
    "Give a company that is set up, on the day"
    from .test_module import setup_company
    company = setup_company()
    with set_company(company), on(date):
        yield company


class SettlementMixin:
    "What is settled at exits and closings"

    def prepare(self, entrepreneur=None, activity=None, **values):
        Settlement = Pool().get('cae.settlement')
        subject = entrepreneur or activity
        settlement, = Settlement.create([{
                    'company': subject.company.id,
                    'entrepreneur': entrepreneur and entrepreneur.id,
                    'activity': activity and activity.id,
                    'date': END,
                    'outcome': 'company' if entrepreneur else None,
                    'exit_reason': 'project' if entrepreneur else None,
                    'closing_reason': 'given_up' if activity else None,
                    **values}])
        return settlement

    @with_transaction()
    def test_settlement_of_an_exit(self):
        "What blocks is settled first, then the exit is recorded"
        from .test_module import (
            create_activity, create_contract, create_entrepreneur)
        pool = Pool()
        Activity = pool.get('cae.activity')
        Contract = pool.get('cae.contract')
        Entrepreneur = pool.get('cae.entrepreneur')
        Holder = pool.get('cae.activity.holder')
        Settlement = pool.get('cae.settlement')
        with cooperative_on(dt.date(2026, 6, 1)) as company:
            ana = create_entrepreneur(company, "Ana")
            bob = create_entrepreneur(company, "Bob")
            cesa = create_contract(ana, 'cesa', START)
            alone = create_activity("Alone", (ana, 1, START, None))
            shared = create_activity(
                "Shared", (ana, '0.5', START, None),
                (bob, '0.5', START, None))
            Entrepreneur.prepare_exit([ana, bob])
            # Again it makes no other, and opens that one
            action = Entrepreneur.prepare_exit([ana])
            settlement, = Settlement.search([('entrepreneur', '=', ana.id)])
            self.assertEqual(action['res_id'], [settlement.id])
            self.assertEqual(settlement.date, dt.date(2026, 6, 1))
            settlement.date = END
            settlement.note = "Founds a company"
            settlement.save()
            blocking = messages(settlement, True)
            self.assertEqual(len(blocking), 3)
            for text in [cesa.rec_name, alone.rec_name, shared.rec_name]:
                self.assertTrue(any(text in m for m in blocking), text)
            with undone(), self.assertRaisesRegex(
                    SettlementError, "(?s)Contract.*Alone.*Shared|Alone"):
                Settlement.confirm([settlement])
            self.assertEqual(Entrepreneur(ana.id).exit_date, None)

            cesa.end_date = END
            cesa.save()
            Settlement.check([settlement])
            self.assertEqual(len(messages(settlement, True)), 2)
            self.assertTrue(any(
                    'Press "End"' in m for m in messages(settlement, False)))
            Contract.end([cesa])
            Holder.write(
                list(alone.holders), {'to_date': END})
            Activity.write([shared], {'holders': [
                        ('write', [h.id for h in shared.holders],
                            {'to_date': END}),
                        ('create', [{
                                    'entrepreneur': bob.id,
                                    'from_date': dt.date(2026, 7, 1)}])]})
            # Outcome and reason are required
            with undone(), self.assertRaises(RequiredValidationError):
                Settlement.confirm([settlement])
            settlement.outcome = 'company'
            settlement.save()
            with undone(), self.assertRaises(RequiredValidationError):
                Settlement.confirm([settlement])
            settlement.exit_reason = 'project'
            settlement.save()
            Settlement.confirm([settlement])

            settlement = Settlement(settlement.id)
            ana = Entrepreneur(ana.id)
            self.assertEqual(
                [settlement.state, settlement.confirmed_on, ana.exit_date,
                    ana.exit_outcome, ana.exit_reason, ana.exit_note],
                ['confirmed', dt.date(2026, 6, 1), END, 'company', 'project',
                    "Founds a company"])
            # What may follow stays in view: the activity nobody holds
            self.assertEqual(settlement.blocking, 0)
            open_ = messages(settlement, False)
            self.assertEqual(len(open_), 1)
            self.assertIn(alone.rec_name, open_[0])
            self.assertIn("no holder", open_[0])
            # The history stays, and the exit cannot be changed but taken back
            self.assertEqual(
                Entrepreneur.stages_at([ana], dt.date(2026, 7, 1)),
                {ana.id: 'left'})
            self.assertEqual(len(ana.contracts), 1)
            for change in [
                    lambda: Settlement.write(
                        [settlement], {'date': START}),
                    lambda: Settlement.delete([settlement]),
                    ]:
                with undone(), self.assertRaises(SettlementAccessError):
                    change()
            Settlement.take_back([settlement])
            ana = Entrepreneur(ana.id)
            self.assertEqual(
                [ana.exit_date, ana.exit_outcome, ana.exit_reason,
                    ana.exit_note],
                [None] * 4)
            self.assertEqual(Settlement(settlement.id).state, 'draft')
            self.assertEqual(Settlement(settlement.id).confirmed_on, None)

    @with_transaction()
    def test_settlement_floor(self):
        "An exit set without a settlement is checked as before"
        from .test_module import (
            create_activity, create_contract, create_entrepreneur)
        pool = Pool()
        Entrepreneur = pool.get('cae.entrepreneur')
        Settlement = pool.get('cae.settlement')
        with cooperative_on(dt.date(2026, 6, 1)) as company:
            ana = create_entrepreneur(company, "Ana")
            cesa = create_contract(ana, 'cesa', START)
            exit_ = {'exit_date': END, 'exit_outcome': 'other'}
            with undone(), self.assertRaises(ContractValidationError):
                Entrepreneur.write([ana], exit_)
            cesa.end_date = END
            cesa.save()
            Entrepreneur.write([ana], exit_)
            self.assertEqual(Settlement.search([]), [])
            with undone(), self.assertRaises(RequiredValidationError):
                Settlement.create([{'company': company.id, 'date': END}])
            activity = create_activity("Shop", (ana, 1, START, END))
            with undone(), self.assertRaises(SettlementValidationError):
                self.prepare(ana, activity)
            self.prepare(ana)
            with self.assertRaisesRegex(SQLConstraintError, "exists already"):
                self.prepare(ana)

    @with_transaction()
    def test_settlement_activities(self):
        "An open activity is settled with its last holders"
        from .test_module import create_activity, create_entrepreneur
        Settlement = Pool().get('cae.settlement')
        with cooperative_on(END) as company:
            ana = create_entrepreneur(company, "Ana")
            bob = create_entrepreneur(company, "Bob")
            march, april = dt.date(2026, 3, 31), dt.date(2026, 4, 1)
            half = Decimal('0.5')
            activities = [
                create_activity("Of Ana", (ana, 1, START, None)),
                create_activity(
                    "Ana, then Bob",
                    (ana, 1, START, march), (bob, 1, april, END)),
                create_activity(
                    "Both to the end", (ana, half, START, march),
                    (bob, half, START, march)),
                create_activity(
                    "Bob stays", (ana, half, START, None),
                    (bob, half, START, None)),
                create_activity("Gone to Bob", (bob, 1, START, None)),
                ]
            closed = create_activity("Closed", (ana, 1, START, march))
            closed.__class__.close({closed: (march, 'other')})
            settlements = [self.prepare(e) for e in [ana, bob]]
            settled = Settlement.activities(settlements)
            a, b = settlements
            self.assertEqual(
                [set(settled.get(x.id, [])) for x in activities],
                [{a}, {b}, {a, b}, set(), {b}])
            self.assertNotIn(closed.id, settled)

    @with_transaction()
    def test_settlement_support(self):
        "What was planned, is due or missing is shown and does not block"
        from .test_module import create_contract, create_entrepreneur
        pool = Pool()
        from trytond.modules.company.tests import create_employee
        Contract = pool.get('cae.contract')
        Interview = pool.get('cae.interview')
        Kind = pool.get('cae.interview.kind')
        Registration = pool.get('cae.workshop.registration')
        Session = pool.get('cae.workshop.session')
        Workshop = pool.get('cae.workshop')
        with cooperative_on(dt.date(2026, 6, 1)) as company:
            ana = create_entrepreneur(
                company, "Ana", benefit='unemployment',
                benefit_end_date=dt.date(2026, 5, 31))
            bob = create_entrepreneur(company, "Bob")
            cape = create_contract(ana, 'cape', START, END)
            kind, *_ = Kind.search([])
            advisor = create_employee(company, "Nora")
            for people in [[ana, bob], [bob]]:
                Interview.create([{
                            'entrepreneurs': [
                                ('add', [p.id for p in people])],
                            'kind': kind.id,
                            'advisor': advisor.id,
                            'date': dt.date(2026, 7, 10),
                            }])
            workshop, = Workshop.create([{
                        'name': "Selling", 'kind': 'workshop'}])
            session, = Session.create([{
                        'workshop': workshop.id,
                        'start': dt.datetime(2026, 7, 1, 9),
                        'end': dt.datetime(2026, 7, 1, 12),
                        }])
            Registration.create([
                    {'session': session.id, 'entrepreneur': e.id}
                    for e in [ana, bob]])
            Contract.end([cape])
            draft = create_contract(
                ana, 'cesa', dt.date(2026, 7, 1), sign=False)
            settlement = self.prepare(ana)
            self.assertEqual(messages(settlement, True), [])
            found = messages(settlement)
            for text in [
                    "End of Benefit", "Identity Document", "interview",
                    session.rec_name, draft.rec_name]:
                self.assertEqual(
                    len([m for m in found if text in m]), 1, (text, found))
            self.assertEqual(settlement.to_follow, len(found) + len(
                    settlement.lines))

    @with_transaction()
    def test_settlement_ledger(self):
        "What stands on accounts to the person is named with its side"
        from trytond.modules.account.tests import create_chart, get_fiscalyear

        from .test_module import create_entrepreneur
        pool = Pool()
        Account = pool.get('account.account')
        FiscalYear = pool.get('account.fiscalyear')
        Journal = pool.get('account.journal')
        Move = pool.get('account.move')
        with cooperative_on(dt.date(2026, 6, 1)) as company:
            create_chart(company)
            fiscalyear = get_fiscalyear(company, today=START)
            fiscalyear.save()
            FiscalYear.create_period([fiscalyear])
            ana = create_entrepreneur(company, "Ana")
            bob = create_entrepreneur(company, "Bob")
            payable, = Account.search([
                    ('type.payable', '=', True), ('closed', '!=', True),
                    ('company', '=', company.id)], limit=1)
            receivable, = Account.search([
                    ('type.receivable', '=', True), ('closed', '!=', True),
                    ('company', '=', company.id)], limit=1)
            journal, = Journal.search([('type', '=', 'revenue')], limit=1)

            def post(debit, credit, party, amount):
                def line(account, **sides):
                    return {'account': account.id, 'party': party.id, **sides}
                Move.post(Move.create([{
                                'journal': journal.id,
                                'period': fiscalyear.periods[0].id,
                                'date': fiscalyear.periods[0].start_date,
                                'lines': [('create', [
                                            line(debit, debit=amount),
                                            line(credit, credit=amount),
                                            ])],
                                }]))
            post(receivable, payable, ana.party, Decimal(120))
            post(receivable, payable, bob.party, Decimal(77))
            settlement = self.prepare(ana)
            found = messages(settlement, False)
            self.assertEqual(len(found), 2)
            self.assertTrue(any(
                    "person owes" in m and "120" in m for m in found), found)
            self.assertTrue(any(
                    "cooperative owes" in m and "120" in m for m in found))
            post(payable, receivable, ana.party, Decimal(120))
            settlement.__class__.check([settlement])
            self.assertEqual(messages(settlement), [])

    @with_transaction()
    def test_settlement_steps(self):
        "The steps follow the contracts; a blocking one is done first"
        from .test_module import create_contract, create_entrepreneur
        pool = Pool()
        Contract = pool.get('cae.contract')
        Line = pool.get('cae.settlement.line')
        Settlement = pool.get('cae.settlement')
        Step = pool.get('cae.settlement.step')
        with cooperative_on(dt.date(2026, 7, 1)) as company:
            names = {}
            for type_, end in [('cesa', END), ('support', END),
                    ('candidate', END)]:
                person = create_entrepreneur(company, type_)
                values = {}
                if type_ == 'candidate':
                    values = dict.fromkeys(
                        ['acceptance_date', 'plan_date'], START)
                contract = create_contract(
                    person, type_, START, end, **values)
                Contract.end([contract])
                names[type_] = {
                    x.step.name for x in self.prepare(person).lines}
            paper = "Certificate of Employment Handed Over"
            rights = "Documents to Recover the Rights Handed Over"
            office = "Unemployment Office Told"
            common = "Material Returned"
            self.assertEqual(
                {name: [n in found for n in [paper, rights, office, common]]
                    for name, found in names.items()}, {
                    'cesa': [True, True, False, True],
                    'support': [False, True, False, True],
                    'candidate': [False, False, True, True],
                    })
            step, = Step.search([('name', '=', common)])
            step.blocking = True
            step.save()
            settlement, = Settlement.search(
                [('entrepreneur.party.name', '=', 'cesa')])
            settlement.outcome = 'other'
            settlement.exit_reason = 'term'
            settlement.save()
            self.assertEqual(settlement.blocking, 1)
            with undone(), self.assertRaisesRegex(SettlementError, common):
                Settlement.confirm([settlement])
            line, = [x for x in settlement.lines if x.step == step]
            with undone(), self.assertRaises(RequiredValidationError):
                Line.write([line], {'done': True})
            line.done = True
            line.on_change_done()
            self.assertEqual(line.done_on, dt.date(2026, 7, 1))
            line.save()
            Settlement.confirm([settlement])
            # The other steps may be done after the exit
            other, *_ = [x for x in settlement.lines if x.step != step]
            Line.write([other], {'done': True, 'done_on': END})

    @with_transaction()
    def test_closing_of_an_activity(self):
        "The closing ends the holders; it is opened again without them"
        from .test_module import create_activity, create_entrepreneur
        pool = Pool()
        Activity = pool.get('cae.activity')
        Settlement = pool.get('cae.settlement')
        with cooperative_on(END - dt.timedelta(days=1)) as company:
            ana = create_entrepreneur(company, "Ana")
            bob = create_entrepreneur(company, "Bob")
            may = dt.date(2026, 5, 31)
            activity = create_activity(
                "Shop", (ana, 1, START, may),
                (ana, '0.4', dt.date(2026, 6, 1), None),
                (bob, '0.6', dt.date(2026, 6, 1), None))
            other = create_activity("Other", (ana, 1, START, None))
            action = Activity.prepare_closing([activity])
            settlement, = Settlement.search([])
            self.assertEqual(action['res_id'], [settlement.id])
            self.assertEqual(settlement.date, END - dt.timedelta(days=1))
            settlement.date = END
            settlement.closing_reason = 'given_up'
            settlement.save()
            with undone(), self.assertRaisesRegex(
                    SettlementError, "closed from"):
                Settlement.confirm([settlement])
            with on(END):
                # Somebody who begins later
                with undone():
                    Activity.write([activity], {'holders': [
                                ('write', [
                                        h.id for h in activity.holders
                                        if not h.to_date],
                                    {'to_date': END}),
                                ('create', [{
                                            'entrepreneur': bob.id,
                                            'from_date':
                                            END + dt.timedelta(days=1)}])]})
                    with self.assertRaisesRegex(
                            SettlementError, "Delete this holder"):
                        Settlement.confirm([settlement])
                with undone(), self.assertRaises(RequiredValidationError):
                    settlement.closing_reason = None
                    settlement.save()
                    Settlement.confirm([Settlement(settlement.id)])
                Settlement.confirm([Settlement(settlement.id)])
            activity = Activity(activity.id)
            self.assertEqual(
                [activity.active, activity.closing_date,
                    activity.closing_reason],
                [False, END, 'given_up'])
            self.assertEqual(
                sorted(h.to_date for h in activity.holders), [may, END, END])
            self.assertEqual(
                Activity.search([('kind', '=', 'business')]), [other])
            Activity.open_again([activity])
            activity = Activity(activity.id)
            self.assertEqual(
                [activity.active, activity.closing_date,
                    activity.closing_reason],
                [True, None, None])
            self.assertEqual(
                sorted(h.to_date for h in activity.holders), [may, END, END])
            self.assertEqual(Settlement(settlement.id).state, 'draft')
            # The special activities do not close
            with undone(), self.assertRaises(Exception) as error:
                self.prepare(activity=Activity.special(company, 'fund'))
            self.assertIn('domain', str(error.exception).lower())

    @with_transaction()
    def test_settlement_rights(self):
        "The advisor prepares, the administrator confirms, the person reads"
        from .test_module import (
            create_activity, create_entrepreneur, create_user, set_user)
        pool = Pool()
        Activity = pool.get('cae.activity')
        Entrepreneur = pool.get('cae.entrepreneur')
        Fact = pool.get('cae.settlement.fact')
        Line = pool.get('cae.settlement.line')
        Settlement = pool.get('cae.settlement')
        with cooperative_on(END) as company:
            users = {
                name: create_user(name, company, f'cae_members.group_{group}')
                for name, group in [
                    ('ana', 'entrepreneur'), ('bob', 'entrepreneur'),
                    ('advisor', 'advisor'), ('boss', 'administrator')]}
            ana, bob = [
                create_entrepreneur(company, name=name, user=users[name])
                for name in ['ana', 'bob']]
            activity = create_activity("Shop", (ana, 1, START, None))
            with set_user(users['advisor']):
                Entrepreneur.prepare_exit([ana, bob])
                Activity.prepare_closing([activity])
                exit_, = Settlement.search(
                    [('entrepreneur', '=', ana.id)])
                closing, = Settlement.search(
                    [('activity', '=', activity.id)])
                Settlement.write([exit_], {
                        'outcome': 'other', 'exit_reason': 'other'})
                Settlement.write([closing], {'closing_reason': 'exit'})
                line = exit_.lines[0]
                Line.write([line], {'done': True, 'done_on': END})
                Settlement.check([exit_])
                for button in [
                        lambda: Settlement.confirm([exit_]),
                        lambda: Settlement.confirm([closing]),
                        lambda: Activity.open_again([activity]),
                        ]:
                    with undone(), self.assertRaises(AccessButtonError):
                        button()
                for write in [
                        lambda: Entrepreneur.write([bob], {
                                'exit_date': END, 'exit_outcome': 'other'}),
                        lambda: Activity.write(
                            [activity], {'closing_date': END}),
                        lambda: Fact.write(
                            list(exit_.facts), {'blocking': False}),
                        lambda: Fact.delete(list(exit_.facts)),
                        ]:
                    with undone(), self.assertRaises(AccessError):
                        write()
            fact, = Settlement(exit_.id).facts
            with set_user(users['ana']):
                self.assertEqual(
                    set(Settlement.search([])), {exit_, closing})
                values, = Settlement.read(
                    [exit_.id],
                    ['facts.record', 'facts.message', 'lines.done'])
                self.assertEqual(
                    values['facts.'][0]['record'], str(activity))
                for write in [
                        lambda: Settlement.write([exit_], {'note': "No"}),
                        lambda: Line.write([line], {'done': False}),
                        lambda: Settlement.delete([exit_]),
                        lambda: Settlement.create([{
                                    'entrepreneur': ana.id}]),
                        ]:
                    with undone(), self.assertRaises(AccessError):
                        write()
                for button in [
                        lambda: Settlement.check([exit_]),
                        lambda: Settlement.confirm([exit_]),
                        lambda: Entrepreneur.prepare_exit([ana]),
                        lambda: Activity.prepare_closing([activity]),
                        ]:
                    with undone(), self.assertRaises(AccessButtonError):
                        button()
            with set_user(users['bob']):
                own, = Settlement.search([])
                self.assertEqual(own.entrepreneur, bob)
                self.assertEqual(Fact.search([]), [])
                self.assertEqual(
                    {x.settlement for x in Line.search([])}, {own})
                for read in [
                        lambda: Settlement.read([exit_.id], ['date']),
                        lambda: Fact.read([fact.id], ['message']),
                        lambda: Line.read([line.id], ['done']),
                        lambda: Settlement.export_data([exit_], ['note']),
                        ]:
                    with undone(), self.assertRaises(AccessError):
                        read()
            with set_user(users['boss']):
                Settlement.confirm([closing])
                Settlement.confirm([exit_])
                self.assertEqual(Entrepreneur(ana.id).exit_date, END)
                Settlement.take_back([exit_])
                Activity.open_again([Activity(activity.id)])
            with set_user(users['advisor']):
                Settlement.delete([exit_])

    @with_transaction()
    def test_settlement_record_out_of_reach(self):
        "Who may not read what a fact is about reads the fact without it"
        from .test_module import (
            create_contract, create_entrepreneur, create_user, set_user)
        pool = Pool()
        Fact = pool.get('cae.settlement.fact')
        with cooperative_on(END) as company:
            advisor = create_user(
                'advisor', company, 'cae_members.group_advisor')
            accountant = create_user(
                'accountant', company, 'account.group_account')
            ana = create_entrepreneur(company, "Ana")
            contract = create_contract(ana, 'cesa', START)
            settlement = self.prepare(ana)
            fact, *_ = settlement.facts
        for user, record in [
                (advisor, str(contract)), (accountant, None)]:
            with set_user(user):
                values, = Fact.read([fact.id], ['message', 'record'])
                # A field with a model out of reach would be hidden
                self.assertIn('record', Fact.fields_get())
                self.assertIn(contract.rec_name, values['message'])
                self.assertEqual(values['record'], record)

    @with_transaction()
    def test_activity_closed_by_settlement(self):
        "Not even an administrator closes a business by writing on it"
        from .test_module import create_activity, create_user, set_user
        pool = Pool()
        Activity = pool.get('cae.activity')
        Settlement = pool.get('cae.settlement')
        with cooperative_on(END) as company:
            boss = create_user(
                'boss', company, 'cae_members.group_administrator')
            activity = create_activity("Soap")
            with set_user(boss):
                activity, = Activity.browse([activity.id])
                with undone(), self.assertRaisesRegex(
                        ActivityAccessError, "Prepare the Closing"):
                    Activity.write([activity], {'active': False})
                with undone(), self.assertRaises(AccessError):
                    Activity.write([activity], {'closing_date': END})
                Activity.write([activity], {'active': True, 'name': "Soaps"})
                closing = self.prepare(activity=activity)
                Settlement.confirm([closing])
                with inactive_records():
                    activity, = Activity.browse([activity.id])
                    with undone(), self.assertRaisesRegex(
                            ActivityAccessError, "Open Again"):
                        Activity.write([activity], {'active': True})
                    Activity.open_again([activity])
            self.assertTrue(Activity(activity.id).active)

    @with_transaction()
    def test_settlement_erase(self):
        "What is written about a person is erased with them"
        from .test_module import create_entrepreneur
        pool = Pool()
        Erase = pool.get('party.erase', type='wizard')
        Line = pool.get('cae.settlement.line')
        Settlement = pool.get('cae.settlement')
        with cooperative_on(END) as company:
            ana = create_entrepreneur(company, "Ana")
            bob = create_entrepreneur(company, "Bob")
            settlements = [
                self.prepare(e, note="Secret") for e in [ana, bob]]
            for settlement in settlements:
                Line.write(list(settlement.lines), {'note': "Secret"})
            Settlement.confirm(settlements)
            ana.party.active = False
            ana.party.save()
            session, _, _ = Erase.create()
            erase = Erase(session)
            erase.ask.party = ana.party
            erase.transition_erase()
            clear_cache()
            for settlement, left in zip(settlements, [None, "Secret"]):
                settlement = Settlement(settlement.id)
                self.assertEqual(settlement.note, left)
                self.assertEqual(
                    {line.note for line in settlement.lines}, {left})
                self.assertEqual(settlement.state, 'confirmed')

    @with_transaction()
    def test_settlement_in_bulk(self):
        "As many queries for ten people as for two"
        from .test_module import (
            create_activity, create_contract, create_entrepreneur)
        Settlement = Pool().get('cae.settlement')
        with cooperative_on(END) as company:
            settlements = []
            for i in range(10):
                person = create_entrepreneur(company, f"Person {i}")
                create_contract(person, 'cesa', START)
                activity = create_activity(f"A{i}", (person, 1, START, None))
                settlements.append(self.prepare(person))
                settlements.append(self.prepare(activity=activity))
            counts = []
            for number in [4, 20]:
                some = Settlement.browse(
                    [s.id for s in settlements[:number]])
                with count_queries() as count:
                    facts = Settlement._facts(some)
                # Contract, activity, deadline and papers of each person
                self.assertEqual(len(facts), 2 * number)
                counts += count
            self.assertLessEqual(counts[1], counts[0] + 2)
