# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import datetime as dt
from contextlib import contextmanager
from unittest import TestCase
from unittest.mock import patch

import pytest

from trytond.model import ModelSQL, ModelView
from trytond.model.exceptions import AccessButtonError, AccessError
from trytond.modules.cae_members import access
from trytond.modules.cae_members.exceptions import (
    ChangeError, PrivateValidationError, RetentionError)
from trytond.modules.cae_members.tests import server
from trytond.modules.cae_members.tests.server import with_transaction
from trytond.modules.company.tests import create_employee, set_company
from trytond.pool import Pool
from trytond.tests.test_tryton import drop_db
from trytond.transaction import Transaction

from .deadline import on
from .sweep import MARK, PERSON, Person, Sweep, binaries, models, texts
from .test_module import (
    create_contract, create_entrepreneur, create_user, refused, set_user,
    setup_company)

START = dt.date(2026, 1, 1)
IBAN = 'FR7630006000011234567890189'


def read_views(Model, ids):
    "Read the records as the client does for their form and their list"
    for view_type in ['form', 'tree']:
        names = []
        view = Model.fields_view_get(view_type=view_type)
        for name, definition in view['fields'].items():
            names.append(name)
            if definition['type'] in {'many2one', 'one2one', 'reference'}:
                names.append(f'{name}.rec_name')
            elif definition['type'] in {'selection', 'multiselection'}:
                names.append(f'{name}:string')
        yield Model.read(ids, names)


class PrivacyTestCase(TestCase):
    "Test who sees, changes and keeps what is of a person"
    module = 'cae_members'
    extras = None

    @classmethod
    def setUpClass(cls):
        server.activate(cls)

    @classmethod
    def tearDownClass(cls):
        drop_db()

    @pytest.mark.sqlite
    @with_transaction()
    def test_sweep_entrepreneur(self):
        "Nothing of Ana is seen by who shares an activity with her"
        person = Person()
        with person.as_('bob'):
            sweep = Sweep(person.records)
            sweep.run(person.records)
        self.assertFalse(sweep.leaks)
        self.assertGreater(sweep.tried, 1000)

    @with_transaction()
    def test_search_through(self):
        "A search goes through what the user may read only"
        person = Person()
        with person.as_('bob'):
            for name, clause in [
                    ('cae.activity', (
                            'holders.entrepreneur.exit_note', '=', MARK)),
                    ('cae.activity', ('holders', 'where', [
                                ('entrepreneur.exit_note', 'like', MARK)])),
                    ('cae.activity', (
                            'holders.entrepreneur.papers.filename', '=',
                            MARK)),
                    ('cae.activity', ['OR', ('id', '=', -1), [(
                                    'holders.entrepreneur.party.name', 'in',
                                    [MARK])]]),
                    ('cae.activity', (
                            'holders', 'in',
                            person.records['cae.activity.holder'])),
                    ('cae.workshop.session', (
                            'company.employees.party.name', '=', MARK)),
                    ]:
                Model = Pool().get(name)
                with self.subTest(model=name, clause=clause):
                    self.assertEqual(Model.search([clause]), [])
                    self.assertEqual(Model.search_count([clause]), 0)
                    # What Tryton finds alone
                    with patch.object(
                            access, '_ruled', lambda Model, domain: domain):
                        self.assertTrue(Model.search([clause]))

    @with_transaction()
    def test_own_views(self):
        "Who is supported by a member opens the views of what is theirs"
        pool = Pool()
        Access = pool.get('ir.model.access')
        Change = pool.get('cae.entrepreneur.change')
        Entrepreneur = pool.get('cae.entrepreneur')
        person = Person()
        with set_company(person.company):
            Entrepreneur.create([{
                        'party': person.advisor.party.id,
                        'user': person.users['nora'].id,
                        'welcome_date': START,
                        }])
        change, = [c for c in person.changes if not c.private]
        with person.as_('nora'):
            Change.write([Change(change.id)], {'reason': "Not yours"})
            Change.refuse([Change(change.id)])
        with person.as_('ana'):
            with refused(AccessError):
                Change.read([change.id], ['handled_by.rec_name'])
            names = [
                n for n in person.records
                if issubclass(pool.get(n), ModelView) and n != 'res.user']
            access = Access.get_access(names)
            opened = set()
            for name in names:
                Model = pool.get(name)
                if not access[name]['read']:
                    continue
                ids = [r.id for r in Model.search(
                        [('id', 'in', person.records[name])])]
                with self.subTest(model=name):
                    if ids and all(read_views(Model, ids)):
                        opened.add(name)
            self.assertLessEqual({
                    'cae.entrepreneur', 'cae.entrepreneur.change',
                    'cae.entrepreneur.change.line', 'cae.contract',
                    'cae.activity.holder', 'cae.deadline', 'cae.paper',
                    'cae.interview', 'cae.workshop.registration',
                    'cae.entrepreneur.private', 'party.party',
                    }, opened)
            form, _ = read_views(Change, [change.id])
            self.assertEqual(
                (form[0]['handled_by_name'], form[0]['reason']),
                ('nora', "Not yours"))

    @pytest.mark.sqlite
    @with_transaction()
    def test_sweep_plain(self):
        "Nothing of the module is seen by a user without groups"
        person = Person()
        records = {
            n: ids for n, ids in person.records.items() if n not in PERSON}
        with person.as_('plain'):
            sweep = Sweep(records)
            sweep.run(records)
        self.assertFalse(sweep.leaks)

    @with_transaction()
    def test_sweep_finds(self):
        "The sweep sees what is open"
        person = Person()
        with person.as_('all'):
            sweep = Sweep(person.records)
            for name in ['cae.entrepreneur', 'cae.paper']:
                sweep.sweep_records(name)
            sweep.sweep_paths('cae.activity')
        doors = {(door[0], str(door[1])) for door, _ in sweep.leaks}
        for door in [
                ('cae.entrepreneur', 'search'), ('cae.entrepreneur', 'read'),
                ('cae.paper', 'export'),
                ('cae.activity', 'read')]:
            self.assertIn(door, doors)

    def propose(self, user, **values):
        "Propose changes through the wizard, from the present values"
        pool = Pool()
        Change = pool.get('cae.entrepreneur.change')
        Wizard = pool.get('cae.entrepreneur.change.propose', type='wizard')
        with set_user(user):
            session, start, _ = Wizard.create()
            view = Wizard.execute(session, {}, start)['view']
            Wizard.execute(session, {
                    'start': {**view['defaults'], **values}}, 'propose')
            return [c.id for c in Change.search([
                        ('state', '=', 'proposed')], order=[('id', 'ASC')])]

    @contextmanager
    def requests(self):
        "Give the users of a cooperative, where Ana is supported by Nora"
        pool = Pool()
        User = pool.get('res.user')
        company = setup_company()
        with set_company(company):
            users = {
                name: create_user(
                    name, company, f'cae_members.group_{group}')
                for name, group in [
                    ('ana', 'entrepreneur'), ('bob', 'entrepreneur'),
                    ('nora', 'advisor'), ('omar', 'advisor'),
                    ('clerk', 'private')]}
            for name in ['nora', 'omar']:
                employee = create_employee(company, name.title())
                User.write([users[name]], {
                        'employees': [('add', [employee.id])],
                        'employee': employee.id,
                        })
            nora = users['nora'].employee
            ana = create_entrepreneur(
                company, "Ana", user=users['ana'], advisor=nora)
            create_entrepreneur(company, "Bob", user=users['bob'])
            yield ana, users

    @with_transaction()
    def test_change_confirmed(self):
        "What differs is kept, and stands in the record once confirmed"
        pool = Pool()
        Change = pool.get('cae.entrepreneur.change')
        Country = pool.get('country.country')
        Entrepreneur = pool.get('cae.entrepreneur')
        Line = pool.get('cae.entrepreneur.change.line')
        Notification = pool.get('res.notification')
        Private = pool.get('cae.entrepreneur.private')
        Reading = pool.get('cae.entrepreneur.private.reading')
        with self.requests() as (ana, users):
            france, = Country.create([{'name': "France", 'code': 'FR'}])
            Entrepreneur.write([ana], {'project': "Pots"})
            ids = self.propose(
                users['ana'], phone="0612345678", email="ana@example.com",
                street="1 rue de la Paix", postal_code="59000", city="Lille",
                project=" Pots\n", education='bac',
                social_security_number="2 95 10 99 126 111 93",
                nationality=france.id, bank_account=IBAN[:4] + ' ' + IBAN[4:],
                emergency_contact="Cleo")
            self.assertEqual(
                [(c.private, [line.field for line in c.lines])
                    for c in Change.browse(ids)], [
                    (True, [
                            'social_security_number', 'nationality',
                            'bank_account', 'emergency_contact']),
                    (False, [
                            'phone', 'email', 'street', 'postal_code', 'city',
                            'education'])])
            secret, ordinary = ids
            told = {
                n.user.login for n in Transaction().user_notifications}
            self.assertEqual(told, {'nora', 'clerk'})
            with set_user(users['nora']):
                self.assertEqual(
                    [c.id for c in Change.search([])], [ordinary])
                lines = Line.search_read(
                    [('field', '=', 'education')],
                    fields_names=['old_value', 'new_value'])
                self.assertEqual(
                    [(line['old_value'], line['new_value'])
                        for line in lines], [(None, "Baccalauréat")])
                Change.confirm(Change.browse([ordinary]))
                self.assertEqual(Change(ordinary).state, 'confirmed')
            with set_user(users['clerk']):
                self.assertEqual([c.id for c in Change.search([])], [secret])
                lines = Line.search_read([
                        ('field', '=', 'nationality')],
                    fields_names=['new_value'])
                self.assertIn("France", lines[0]['new_value'])
                for Model in [Change, Line, Private]:
                    ids = [r.id for r in Model.search([])]
                    self.assertTrue(all(read_views(Model, ids)))
                Change.confirm(Change.browse([secret]))
            server.clear_cache()
            ana = Entrepreneur(ana.id)
            party = ana.party
            self.assertEqual(
                (party.phone or party.mobile, party.email, ana.education,
                    party.address_get().city),
                ("0612345678", "ana@example.com", 'bac', "Lille"))
            private, = Private.search([])
            self.assertEqual(
                (private.social_security_number, private.bank_account,
                    private.nationality, private.emergency_contact),
                ('295109912611193', IBAN, france, "Cleo"))
            # The values are kept in the private record only, as who read them
            self.assertEqual(
                {(line.old, line.new)
                    for line in Change(secret).lines}, {(None, None)})
            self.assertEqual(
                {r.create_uid.login for r in Reading.search([])}, {'clerk'})
            with set_user(users['ana']):
                self.assertEqual(
                    {c.state for c in Change.search([])}, {'confirmed'})
            self.assertFalse(Notification.search([
                        ('user', '=', users['bob'].id)]))

    @with_transaction()
    def test_change_refused(self):
        "What is refused, withdrawn or proposed again changes nothing"
        pool = Pool()
        Change = pool.get('cae.entrepreneur.change')
        Entrepreneur = pool.get('cae.entrepreneur')
        with self.requests() as (ana, users):
            for values, error, message in [
                    ({}, ChangeError, "Nothing differs"),
                    ({'email': "ana"}, ChangeError, "e-mail"),
                    ({'bank_account': IBAN[:-1] + '0'},
                        PrivateValidationError, "IBAN"),
                    ({'social_security_number': "295109912611194"},
                        PrivateValidationError, "15 digits"),
                    ]:
                with refused(error, message):
                    self.propose(users['ana'], **values)
            for name in ['nora', 'clerk']:
                with refused(ChangeError, "no entrepreneur"):
                    self.propose(users[name])
            self.propose(users['ana'], project="Pots", education='bac')
            # What waits is proposed again with the new
            first, = self.propose(users['ana'], emergency_phone="1")[:1]
            self.assertEqual(Change.search([], count=True), 3)
            self.assertEqual(
                [c.state for c in Change.search(
                        [], order=[('id', 'ASC')])],
                ['withdrawn', 'proposed', 'proposed'])
            secret, change = Change.search(
                [('state', '=', 'proposed')], order=[('id', 'ASC')])
            self.assertEqual(
                [(secret.private, secret.summary),
                    (change.private, change.summary)],
                [(True, "Emergency Phone"), (False, "Project, Education")])
            with set_user(users['nora']):
                with refused(ChangeError, "reason"):
                    Change.refuse(Change.browse([change.id]))
                for action in [
                        lambda: Change.confirm(Change.browse([secret.id])),
                        lambda: Change.withdraw(Change.browse([change.id])),
                        lambda: Change.write(
                            Change.browse([change.id]),
                            {'state': 'confirmed'}),
                        lambda: Change.create([{'entrepreneur': ana.id}]),
                        ]:
                    with refused((AccessError, AccessButtonError)):
                        action()
                Change.write(
                    Change.browse([change.id]), {'reason': "Too short"})
                Entrepreneur.write(
                    [Entrepreneur(ana.id)], {'project': "Pans"})
                with refused(ChangeError, "changed since"):
                    Change.confirm(Change.browse([change.id]))
                Change.refuse(Change.browse([change.id]))
                with refused(AccessButtonError):
                    Change.confirm(Change.browse([change.id]))
            # Who does not support her, another entrepreneur, and herself
            for name in ['omar', 'bob']:
                with set_user(users[name]):
                    self.assertEqual(Change.search([]), [])
                    for button in [
                            Change.confirm, Change.refuse, Change.withdraw]:
                        with refused((AccessError, AccessButtonError)):
                            button(Change.browse([secret.id]))
            with set_user(users['ana']):
                values, = Change.read([change.id], ['state', 'reason'])
                self.assertEqual(
                    (values['state'], values['reason']),
                    ('refused', "Too short"))
                for action in [
                        lambda: Change.confirm(Change.browse([secret.id])),
                        lambda: Change.write(
                            Change.browse([secret.id]), {'reason': "x"}),
                        lambda: Change.delete(Change.browse([secret.id])),
                        ]:
                    with refused((AccessError, AccessButtonError)):
                        action()
                Change.withdraw(Change.browse([secret.id]))
            server.clear_cache()
            self.assertEqual(Entrepreneur(ana.id).project, "Pans")
            self.assertEqual(
                {(line.old, line.new) for line in Change(secret.id).lines},
                {(None, None)})
            # An advisor who is an entrepreneur too
            Entrepreneur.write([ana], {'user': None})
            change, = Change.propose(ana.id, {'project': "Cups"})
            Entrepreneur.write([ana], {'user': users['nora'].id})
            with set_user(users['nora']), refused(ChangeError, "own"):
                Change.confirm(Change.browse([change.id]))

    @with_transaction()
    def test_portfolio(self):
        "An advisor changes the portfolio and reads the path of the others"
        pool = Pool()
        person = Person()
        company = person.company
        User = pool.get('res.user')
        with set_company(company):
            omar = create_user('omar', company, 'cae_members.group_advisor')
            employee = create_employee(company, "Omar")
            User.write([omar], {
                    'employees': [('add', [employee.id])],
                    'employee': employee.id,
                    })
            draft = create_contract(
                person.ana, 'staff', START, sign=False)
        person.users['omar'] = omar
        readable = [
            'cae.entrepreneur', 'cae.contract', 'cae.activity.holder',
            'cae.deadline', 'cae.trainer', 'cae.connection']
        closed = [
            'cae.paper', 'cae.interview', 'cae.entrepreneur.skill',
            'cae.entrepreneur.change', 'cae.entrepreneur.private']
        with person.as_('omar'):
            for name in readable + closed:
                Model = pool.get(name)
                ids = person.records[name]
                with self.subTest(model=name):
                    if name in readable:
                        self.assertTrue(Model.search([('id', 'in', ids)]))
                        self.assertTrue(Model.read(ids, ['rec_name']))
                    else:
                        with refused(AccessError):
                            Model.read(ids, ['id'])
                    with refused(AccessError):
                        Model.write(Model.browse(ids), {})
                    for button in getattr(Model, '_buttons', {}):
                        with refused((AccessError, AccessButtonError)):
                            getattr(Model, button)(Model.browse(ids))
            Entrepreneur = pool.get('cae.entrepreneur')
            for clause in [
                    ('papers.filename', '=', MARK),
                    ('papers', 'where', [('filename', '=', MARK)])]:
                self.assertEqual(Entrepreneur.search([clause]), [])
            Contract = pool.get('cae.contract')
            with refused(AccessButtonError):
                Contract.sign(Contract.browse([draft.id]))
            with refused(AccessError):
                pool.get('cae.paper').create([{
                            'entrepreneur': person.ana.id,
                            'type': pool.get('cae.paper.type').search(
                                [], limit=1)[0].id}])
            # Nobody supports Bob yet: who takes him up may change him
            bob = Entrepreneur(person.bob.id)
            Entrepreneur.write([bob], {'advisor': employee.id})
        with person.as_('nora'):
            with refused(AccessError):
                Entrepreneur.write([Entrepreneur(person.bob.id)], {})
            Entrepreneur.write(
                [Entrepreneur(person.ana.id)], {'project': "Pots"})
            self.assertTrue(pool.get('cae.paper').search([]))
            # Handing over is for who may change both portfolios
            with refused(AccessError):
                Entrepreneur.write(
                    [Entrepreneur(person.ana.id)], {'advisor': employee.id})
        with person.as_('all'):
            Entrepreneur.write([Entrepreneur(person.bob.id)], {})
            self.assertTrue(pool.get('cae.paper').search([]))
        # The advisor of the activity supports its holders
        with set_company(company):
            activity, = pool.get('cae.activity').search(
                [('kind', '=', 'business')])
            pool.get('cae.activity').write(
                [activity], {'advisor': employee.id})
        with person.as_('omar'):
            Entrepreneur.write([Entrepreneur(person.ana.id)], {})

    @with_transaction()
    def test_erase(self):
        "The erasure of a person leaves no text of them anywhere"
        pool = Pool()
        Contract = pool.get('cae.contract')
        Application = pool.get('res.user.application')
        Device = pool.get('res.user.device')
        Entrepreneur = pool.get('cae.entrepreneur')
        Erase = pool.get('party.erase', type='wizard')
        Session = pool.get('ir.session')
        User = pool.get('res.user')
        person = Person()
        ana = person.ana
        with set_company(person.company):
            for name in ['ana', 'bob']:
                user = person.users[name]
                with Transaction().set_user(user.id):
                    Session.new()
                Device.create([{'login': name, 'cookie': name}])
                Application.create([{
                            'user': user.id, 'application': 'rest'}])
            workshop, = pool.get('cae.workshop').create([{
                        'name': "Information", 'kind': 'information'}])
            session, = pool.get('cae.workshop.session').create([{
                        'workshop': workshop.id,
                        'start': dt.datetime(2025, 1, 2, 9),
                        'end': dt.datetime(2025, 1, 2, 10),
                        }])
            # Before she was welcomed
            pool.get('cae.workshop.registration').create([{
                        'session': session.id, 'party': ana.party.id,
                        'email': MARK}])
            contract = person.contract
            Contract.write([contract], {'end_date': START})
            Contract.end([contract])
            Entrepreneur.write([ana], {
                    'exit_date': START, 'exit_outcome': 'other'})
            person.collect()
            person.mark()
            ana.party.active = False
            ana.party.save()
            before = self.marked()
            self.assertLessEqual({
                    ('cae.paper', 'file'), ('cae.directory.entry', 'photo'),
                    }, before)
            for name in person.paths:
                if texts(pool.get(name)):
                    self.assertTrue(
                        {t for t in before if t[0] == name}, name)
            session, _, _ = Erase.create()
            erase = Erase(session)
            erase.ask.party = ana.party
            erase.transition_erase()
        self.assertEqual(self.marked(), set())
        user = User(person.users['ana'].id)
        self.assertEqual(
            (user.active, user.login, user.rec_name),
            (False, f'erased-{user.id}', f'erased-{user.id}'))
        self.assertEqual(
            [s.create_uid.login for s in Session.search([])], ['bob'])
        self.assertEqual(
            [c.user.login for c in pool.get('cae.connection').search([])],
            ['bob'])
        self.assertEqual([d.login for d in Device.search([])], ['bob'])
        self.assertEqual(
            {a.user.login: a.state for a in Application.search([])},
            {user.login: 'cancelled', 'bob': 'validated'})

    def marked(self):
        "Return the stored fields of all tables that hold the mark"
        result = set()
        cursor = Transaction().connection.cursor()
        for name, Model in Pool().iterobject():
            if not issubclass(Model, ModelSQL) or Model._is_table_query():
                continue
            tables = [Model.__table__()]
            if Model._history:
                tables.append(Model.__table_history__())
            for table in tables:
                for field in [*texts(Model), *binaries(Model)]:
                    column = getattr(table, field)
                    value = MARK
                    if Model._fields[field]._type == 'binary':
                        value = MARK.encode()
                    cursor.execute(*table.select(
                            table.id, where=column == value, limit=1))
                    if cursor.fetchone():
                        result.add((name, field))
        return result

    @with_transaction()
    def test_replace(self):
        "The replacement of a party moves all that was the person's"
        pool = Pool()
        Party = pool.get('party.party')
        Replace = pool.get('party.replace', type='wizard')
        person = Person()
        source = person.ana.party
        with set_company(person.company):
            pool.get('cae.funded_action').create([{
                        'name': "Action", 'funder': source.id}])
            workshop, = pool.get('cae.workshop').search([])
            pool.get('cae.workshop').write(
                [workshop], {'leaders': [('add', [source.id])]})
            person.bob.prescriber = source
            person.bob.save()
            target, = Party.create([{'name': MARK}])
            session, _, _ = Replace.create()
            replace = Replace(session)
            replace.ask.source = source
            replace.ask.destination = target
            replace.transition_replace()
        server.clear_cache()
        cursor = Transaction().connection.cursor()
        for name in models():
            Model = pool.get(name)
            table = Model.__table__()
            for field, value in Model._fields.items():
                if value._type == 'many2one' and (
                        value.get_target() is Party) and value.sql_type() \
                        and not hasattr(value, 'getter'):
                    with self.subTest(model=name, field=field):
                        cursor.execute(*table.select(
                                table.id, where=getattr(table, field)
                                == source.id))
                        self.assertFalse(cursor.fetchall())
        self.assertEqual(
            {r.entrepreneur.party for r in pool.get('cae.paper').search([])},
            {target})

    @with_transaction()
    def test_retention_visitors(self):
        "A visitor whom nobody welcomed is forgotten"
        pool = Pool()
        Due = pool.get('cae.retention.due')
        Party = pool.get('party.party')
        Registration = pool.get('cae.workshop.registration')
        company = setup_company()

        def find(date):
            with on(date):
                Due.find()
            return {
                d.registration for d in Due.search([('state', '=', 'due')])
                if d.retention.kind == 'visitor'}
        with set_company(company):
            officer = create_user(
                'officer', company, 'cae_members.group_data_protection')
            workshop, = pool.get('cae.workshop').create([{
                        'name': "Information", 'kind': 'information'}])
            session, = pool.get('cae.workshop.session').create([{
                        'workshop': workshop.id,
                        'start': dt.datetime(2024, 5, 2, 9),
                        'end': dt.datetime(2024, 5, 2, 10),
                        }])
            party, = Party.create([{'name': "Eve"}])
            fay, gus = (
                create_entrepreneur(company, n) for n in ["Fay", "Gus"])
            dan, eve, welcomed = Registration.create([
                    {'session': session.id, **values} for values in [
                        {'visitor': "Dan", 'email': "dan@example.com",
                            'phone': "1", 'prescriber': party.id},
                        {'party': party.id},
                        {'visitor': "Fay", 'entrepreneur': fay.id},
                        ]])
            pool.get('ir.note').create([{
                        'resource': str(dan), 'message': "Dan"}])
            self.assertEqual(find(dt.date(2026, 5, 2)), set())
            self.assertEqual(find(dt.date(2026, 5, 3)), {dan, eve})
            # Welcomed after all
            Registration.write([eve], {'entrepreneur': gus.id})
            self.assertEqual(find(dt.date(2026, 5, 4)), {dan})
            Registration.write([eve], {'entrepreneur': None})
            self.assertEqual(find(dt.date(2026, 5, 5)), {dan, eve})
            dues = Due.search([('registration', 'in', [dan.id, eve.id])])
            self.assertEqual(
                Due.search([('rec_name', 'ilike', 'Dan')]),
                [d for d in dues if d.registration == dan])
            with set_user(officer), on(dt.date(2026, 5, 5)):
                self.assertEqual(
                    {r.name for r in Registration.search([])}, {"Dan", "Eve"})
                with refused(AccessError):
                    Registration.write(
                        Registration.browse([dan]), {'visitor': "x"})
                Due.erase(Due.browse(dues))
            server.clear_cache()
            for registration in Registration.browse([dan, eve]):
                self.assertEqual(
                    (registration.name, registration.party,
                        registration.email, registration.phone,
                        registration.prescriber),
                    ('-', None, None, None, None))
            self.assertEqual(Registration(welcomed.id).visitor, "Fay")
            self.assertEqual(pool.get('ir.note').search([]), [])
            self.assertTrue(Party(party.id).active)
            self.assertEqual(find(dt.date(2027, 1, 1)), set())

    @with_transaction()
    def test_retention(self):
        "What is due is listed, and erased when somebody says so"
        pool = Pool()
        Change = pool.get('cae.entrepreneur.change')
        Due = pool.get('cae.retention.due')
        Entrepreneur = pool.get('cae.entrepreneur')
        Interview = pool.get('cae.interview')
        ModelData = pool.get('ir.model.data')
        Note = pool.get('ir.note')
        Private = pool.get('cae.entrepreneur.private')
        company = setup_company()

        def listed():
            return {
                (d.entrepreneur.rec_name, d.retention.kind)
                for d in Due.search([('state', '=', 'due')])}

        def find(date):
            with on(date):
                Due.find()
            return listed()

        with set_company(company):
            officer = create_user(
                'officer', company, 'cae_members.group_data_protection')
            advisor = create_user(
                'advisor', company, 'cae_members.group_advisor_all')
            nora = create_employee(company, "Nora")
            ana = create_entrepreneur(company, "Ana", project="Pots")
            contract = create_contract(ana, 'cesa', dt.date(2024, 1, 1))
            contract.end_date = dt.date(2024, 12, 31)
            contract.save()
            type(contract).end([contract])
            Private.create([{
                        'entrepreneur': ana.id,
                        'emergency_contact': "Cleo",
                        'bank_account': IBAN,
                        }])
            bob = create_entrepreneur(
                company, "Bob", project="Bread",
                welcome_date=dt.date(2024, 1, 1))
            interview, = Interview.create([{
                        'entrepreneurs': [('add', [bob.id])],
                        'advisor': nora.id,
                        'date': dt.date(2024, 6, 15),
                        'kind': ModelData.get_id(
                            'cae_members', 'interview_kind_individual'),
                        'subject': "Bread",
                        }])
            Note.create([{
                        'resource': str(interview), 'message': "Bread"}])
            cleo = create_entrepreneur(company, "Cleo")
            create_contract(cleo, 'cesa', dt.date(2024, 1, 1))
            # Nobody has left yet
            self.assertEqual(find(dt.date(2025, 1, 1)), set())
            Entrepreneur.write([ana], {
                    'exit_date': dt.date(2024, 12, 31),
                    'exit_outcome': 'other'})
            self.assertEqual(
                find(dt.date(2025, 1, 1)), {("Ana", 'emergency')})
            self.assertEqual(
                [n.user.login for n in Transaction().user_notifications],
                ['officer'])
            # Two years after the last contact, and not the day before
            self.assertEqual(
                find(dt.date(2026, 6, 15)), {("Ana", 'emergency')})
            self.assertEqual(find(dt.date(2026, 6, 16)), {
                    ("Ana", 'emergency'), ("Bob", 'never_entered')})
            dues = Due.search([])
            with set_user(advisor):
                for action in [
                        lambda: Due.search([]),
                        lambda: Due.erase(Due.browse(dues))]:
                    with refused((AccessError, AccessButtonError)):
                        action()
            with set_user(officer), on(dt.date(2026, 6, 16)):
                self.assertEqual(len(Due.search([])), 2)
                for action in [
                        lambda: Due.write(Due.browse(dues), {}),
                        lambda: Due.delete(Due.browse(dues))]:
                    with refused(AccessError):
                        action()
                Due.erase(Due.browse(dues))
            server.clear_cache()
            private, = Private.search([])
            self.assertEqual(
                (private.emergency_contact, private.bank_account),
                (None, IBAN))
            self.assertEqual(
                (Entrepreneur(bob.id).project, Interview(interview.id).subject,
                    Entrepreneur(ana.id).project), (None, None, "Pots"))
            self.assertEqual(Note.search([]), [])
            due = Due(dues[0].id)
            self.assertEqual(
                (due.state, due.erased_by, due.erased_on),
                ('erased', officer, dt.date(2026, 6, 16)))
            # There is nothing left of it
            self.assertEqual(find(dt.date(2026, 6, 17)), set())
            # Five years after the exit
            self.assertEqual(find(dt.date(2029, 12, 31)), set())
            self.assertEqual(find(dt.date(2030, 1, 1)), {
                    ("Ana", 'record'), ("Ana", 'private'),
                    ("Ana", 'contract')})
            due = Due.search([('state', '=', 'due')])
            # She comes back before somebody erases
            Entrepreneur.write(
                [ana], {'exit_date': None, 'exit_outcome': None})
            with on(dt.date(2030, 1, 2)), refused(
                    RetentionError, "no longer due"):
                Due.erase(due)
            self.assertEqual(Entrepreneur(ana.id).project, "Pots")
            self.assertEqual(find(dt.date(2030, 1, 2)), set())
            # A request that waits is no matter of time
            with on(dt.date(2026, 1, 1)):
                Change.propose(cleo.id, {'project': "Cups"})
                self.assertEqual(find(dt.date(2028, 1, 1)), set())
                Change.withdraw(Change.search([]))
            self.assertEqual(
                find(dt.date(2027, 1, 2)), {("Cleo", 'change')})
            with on(dt.date(2027, 1, 2)):
                Due.erase(Due.search([('state', '=', 'due')]))
            self.assertEqual(Change.search([]), [])
