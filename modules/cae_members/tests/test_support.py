# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import datetime as dt
import zipfile
from contextlib import contextmanager
from io import BytesIO
from unittest import TestCase

from trytond.model.exceptions import (
    AccessButtonError, AccessError, RequiredValidationError,
    SQLConstraintError, ValidationError)
from trytond.modules.cae_members.exceptions import (
    CallError, InterviewAccessError, InterviewError, SessionError)
from trytond.modules.cae_members.tests import server
from trytond.modules.cae_members.tests.server import with_transaction
from trytond.modules.cae_members.tests.test_module import (
    create_entrepreneur, create_user, refused, set_user, setup_company)
from trytond.modules.company.tests import (
    create_company, create_employee, set_company)
from trytond.pool import Pool
from trytond.tests.test_tryton import drop_db
from trytond.transaction import Transaction

HOUR = dt.timedelta(hours=1)
YESTERDAY = dt.datetime.now().replace(
    hour=9, minute=0, second=0, microsecond=0) - dt.timedelta(days=1)
TOMORROW = YESTERDAY + dt.timedelta(days=2)


class World:
    "Two entrepreneurs and an advisor of a cooperative, each with a user"

    def __init__(self):
        self.company = setup_company()
        with set_company(self.company):
            self.advisor = create_employee(self.company, "Nora")
            self.nora = create_user(
                'nora', self.company, 'cae_members.group_advisor')
            Pool().get('res.user').write([self.nora], {
                    'employees': [('add', [self.advisor.id])],
                    'employee': self.advisor.id,
                    })
            for name in ['ana', 'bob', 'cleo']:
                user = create_user(
                    name, self.company, 'cae_members.group_entrepreneur')
                setattr(self, name, create_entrepreneur(
                        self.company, name.title(), user=user))

    @classmethod
    @contextmanager
    def enter(cls):
        world = cls()
        with set_company(world.company):
            yield world

    def interview(self, date, *entrepreneurs, kind='individual', state=None,
            **values):
        pool = Pool()
        Interview = pool.get('cae.interview')
        ModelData = pool.get('ir.model.data')
        values.setdefault('duration', HOUR)
        interview, = Interview.create([{
                    'entrepreneurs': [('add', [e.id for e in entrepreneurs])],
                    'advisor': self.advisor.id,
                    'kind': ModelData.get_id(
                        'cae_members', f'interview_kind_{kind}'),
                    'date': date,
                    **values,
                    }])
        if state:
            getattr(Interview, state)([interview])
        return interview

    def session(self, start=TOMORROW, hours=3, state='open', places=None,
            **values):
        pool = Pool()
        Session = pool.get('cae.workshop.session')
        Workshop = pool.get('cae.workshop')
        workshop, = Workshop.create([{'name': "Accounting", **values}])
        session, = Session.create([{
                    'workshop': workshop.id,
                    'start': start,
                    'end': start + hours * HOUR,
                    'places': places,
                    }])
        if state == 'open':
            Session.open([session])
        return session

    def register(self, session, *entrepreneurs, **values):
        Registration = Pool().get('cae.workshop.registration')
        return Registration.create([{
                    'session': session.id,
                    'entrepreneur': e.id,
                    **values,
                    } for e in entrepreneurs])


def states(session):
    Registration = Pool().get('cae.workshop.registration')
    return [r.state for r in Registration.search([
                ('session', '=', session.id)], order=[('id', 'ASC')])]


class SupportTestCase(TestCase):
    "Test interviews, workshops, skills, directory and calls"
    module = 'cae_members'
    extras = None

    @classmethod
    def setUpClass(cls):
        server.activate(cls)

    @classmethod
    def tearDownClass(cls):
        drop_db()

    @with_transaction()
    def test_held(self):
        "Test the dates of the individual interviews held"
        Interview = Pool().get('cae.interview')
        with World.enter() as world:
            ana, bob, cleo = world.ana, world.bob, world.cleo
            world.interview(dt.date(2026, 3, 2), ana, state='hold')
            world.interview(dt.date(2026, 1, 1), ana, bob, state='hold')
            world.interview(
                dt.date(2026, 4, 1), ana, kind='other', state='hold')
            world.interview(dt.date(2026, 5, 1), ana, state='miss')
            world.interview(dt.date(2026, 6, 1), ana, state='cancel')
            world.interview(dt.date(2026, 7, 1), ana)
            world.interview(dt.date(2025, 12, 31), ana, state='hold')
            year = dt.date(2026, 1, 1), dt.date(2026, 12, 31)
            self.assertEqual(Interview.held([ana, bob, cleo], *year), {
                    ana.id: [dt.date(2026, 1, 1), dt.date(2026, 3, 2)],
                    bob.id: [dt.date(2026, 1, 1)],
                    cleo.id: [],
                    })
            self.assertEqual(Interview.held([], *year), {})

    @with_transaction()
    def test_interview_workflow(self):
        "Test what an interview needs to be recorded, and what stays"
        Interview = Pool().get('cae.interview')
        today = Pool().get('ir.date').today()
        with World.enter() as world:
            interview = world.interview(
                today + dt.timedelta(days=1), world.ana, duration=None)
            for verb in [Interview.hold, Interview.miss]:
                with refused(InterviewError, "not taken place"):
                    verb([interview])
            interview.date = today
            interview.save()
            with refused(InterviewError, "duration"):
                Interview.hold([interview])
            with refused(ValidationError):
                Interview.write([interview], {'duration': -HOUR})
            interview.duration = HOUR
            interview.save()
            Interview.hold([interview])
            self.assertEqual(interview.state, 'held')
            interview.decisions = "Raise the prices."
            interview.save()
            with refused(InterviewAccessError, "Plan it again"):
                Interview.write([interview], {'date': today})
            with refused(InterviewAccessError, "Plan it again"):
                Interview.delete([interview])
            copy, = Interview.copy([interview])
            self.assertEqual(
                (copy.state, copy.decisions, copy.entrepreneurs),
                ('planned', None, (world.ana,)))
            Interview.plan([interview])
            Interview.cancel([interview])
            Interview.delete([interview, copy])
            with refused(RequiredValidationError):
                world.interview(today)

    @with_transaction()
    def test_waiting_list(self):
        "Test that places are given in the order of registration"
        pool = Pool()
        Registration = pool.get('cae.workshop.registration')
        Session = pool.get('cae.workshop.session')
        with World.enter() as world:
            session = world.session(places=1)
            first, second, third = world.register(
                session, world.ana, world.bob, world.cleo)
            self.assertEqual(
                states(session), ['registered', 'waiting', 'waiting'])
            self.assertEqual(
                [r.position for r in [first, second, third]], [None, 1, 2])
            self.assertEqual(Registration.read(
                    [third.id], ['position']), [
                    {'id': third.id, 'position': 2}])
            session = Session(session.id)
            self.assertEqual(
                (session.registered, session.waiting, session.free_places),
                (1, 2, 0))
            with refused(SessionError, "no place left"):
                Registration.write([third], {'state': 'registered'})
            with refused(SQLConstraintError, "already registered"):
                world.register(session, world.ana)

            Registration.write([first], {'state': 'cancelled'})
            self.assertEqual(
                states(session), ['cancelled', 'registered', 'waiting'])
            again, = world.register(session, world.ana)
            self.assertEqual(again.position, 2)
            Registration.delete([second])
            self.assertEqual(
                states(session), ['cancelled', 'registered', 'waiting'])
            Session.write([session], {'places': None})
            self.assertEqual(
                states(session), ['cancelled', 'registered', 'registered'])
            Session.write([session], {'places': 0})
            self.assertEqual(Session(session.id).free_places, 0)

    @with_transaction()
    def test_session_with_registrations(self):
        "Test that a session is created at once with its registrations"
        pool = Pool()
        Workshop = pool.get('cae.workshop')
        with World.enter() as world:
            workshop, = Workshop.create([{
                        'name': "Accounting",
                        'sessions': [('create', [{
                                        'start': TOMORROW,
                                        'end': TOMORROW + HOUR,
                                        'places': 1,
                                        'registrations': [('create', [
                                                    {'entrepreneur': e.id}
                                                    for e in [
                                                        world.ana, world.bob]
                                                    ])],
                                        }])],
                        }])
            session, = workshop.sessions
            self.assertEqual(states(session), ['registered', 'waiting'])

    @with_transaction()
    def test_sign_up(self):
        "Test that entrepreneurs register themselves and give up their place"
        pool = Pool()
        Session = pool.get('cae.workshop.session')
        with World.enter() as world:
            session = world.session(places=1, state='planned')

        def do(entrepreneur, verb):
            with set_user(entrepreneur.user):
                getattr(Session, verb)(Session.browse([session.id]))
                return Session(session.id).my_state

        with refused(AccessButtonError):
            do(world.ana, 'register')
        Session.open([session])
        self.assertEqual(do(world.ana, 'register'), 'registered')
        self.assertEqual(do(world.bob, 'register'), 'waiting')
        self.assertEqual(do(world.cleo, 'register'), 'waiting')
        for entrepreneur, position in [
                (world.ana, None), (world.bob, 1), (world.cleo, 2)]:
            with set_user(entrepreneur.user):
                values, = Session.read(
                    [session.id], ['my_position', 'registrations.position'])
                own, = values['registrations.']
                self.assertEqual(
                    (values['my_position'], own['position']),
                    (position, position))
        self.assertEqual(do(world.cleo, 'give_up'), None)
        for verb in ['register', 'open', 'close', 'cancel', 'attend', 'do']:
            with refused(AccessButtonError):
                do(world.ana, verb)
        notifications = Transaction().user_notifications
        self.assertEqual(len(notifications), 0)
        self.assertEqual(do(world.ana, 'give_up'), None)
        notification, = notifications
        self.assertEqual(notification.user, world.bob.user)
        self.assertIn("have a place", notification.label)
        with refused(AccessButtonError):
            do(world.ana, 'give_up')
        self.assertEqual(
            states(session), ['cancelled', 'registered', 'cancelled'])
        Session.close([session])
        self.assertEqual(do(world.bob, 'give_up'), None)
        Session.open([session])
        self.assertEqual(do(world.ana, 'register'), 'registered')
        with set_user(world.nora), refused(AccessButtonError):
            Session.register(Session.browse([session.id]))
        world.bob.user = None
        world.bob.save()
        nobody = create_user(
            'nobody', world.company, 'cae_members.group_entrepreneur')
        with set_user(nobody), refused(SessionError, "no entrepreneur"):
            Session.register(Session.browse([session.id]))

    @with_transaction()
    def test_attendance(self):
        "Test the attendance and the end of a session"
        pool = Pool()
        Registration = pool.get('cae.workshop.registration')
        Session = pool.get('cae.workshop.session')
        with World.enter() as world:
            session = world.session(places=2)
            ana, bob, cleo = world.register(
                session, world.ana, world.bob, world.cleo)
            for verb in [Session.attend, Session.do]:
                with refused(SessionError, "not begun"):
                    verb([session])
            Session.write([session], {
                    'start': YESTERDAY, 'end': YESTERDAY + 3 * HOUR})
            with refused(SessionError, 'attendance of "Ana"'):
                Session.do([session])
            Registration.write([bob], {'state': 'absent'})
            # Who is absent held the place until the end
            self.assertEqual(
                states(session), ['registered', 'absent', 'waiting'])
            Session.attend([session])
            self.assertEqual(
                states(session), ['attended', 'absent', 'waiting'])
            Session.do([session])
            self.assertEqual(
                states(session), ['attended', 'absent', 'cancelled'])
            self.assertEqual(session.state, 'done')
            # Who came all the same is recorded
            Registration.write([cleo], {'state': 'attended'})
            with refused(ValidationError):
                Registration.write([cleo], {
                        'arrival': YESTERDAY + HOUR,
                        'leave': YESTERDAY,
                        })
            copy, = Session.copy([session])
            self.assertEqual((copy.state, copy.registrations), ('planned', ()))

    @with_transaction()
    def test_visitors(self):
        "Test that visitors take part in information sessions only"
        pool = Pool()
        Party = pool.get('party.party')
        Registration = pool.get('cae.workshop.registration')
        with World.enter() as world:
            party, = Party.create([{'name': "Dan"}])
            session = world.session(kind='information', places=2)
            dan, = Registration.create([
                    {'session': session.id, 'party': party.id}])
            eve, = Registration.create([
                    {'session': session.id, 'visitor': "Eve"}])
            ana, = world.register(session, world.ana)
            self.assertEqual(
                [(r.name, r.state) for r in [dan, eve, ana]], [
                    ("Dan", 'registered'), ("Eve", 'registered'),
                    ("Ana", 'waiting')])
            for name in ["Dan", "Eve", "Ana"]:
                found, = Registration.search([('name', '=', name)])
                self.assertEqual(found.name, name)
            with refused(SQLConstraintError, "visitor"):
                Registration.create([{'session': session.id}])
            session = world.session()
            with refused(RequiredValidationError):
                Registration.create([
                        {'session': session.id, 'visitor': "Eve"}])

    @with_transaction()
    def test_hours(self):
        "Test the hours by person, month and funded action"
        pool = Pool()
        Action = pool.get('cae.funded_action')
        Hours = pool.get('cae.support.hours')
        Registration = pool.get('cae.workshop.registration')
        Session = pool.get('cae.workshop.session')
        with World.enter() as world:
            ana, bob = world.ana, world.bob
            action, = Action.create([{'name': "ESF"}])
            other, = Action.create([{'name': "Region"}])
            for day, entrepreneurs, verb in [
                    (1, [ana, bob], 'hold'),
                    (2, [ana], 'hold'),
                    (3, [ana], 'miss'),
                    ]:
                world.interview(
                    dt.date(2026, 3, day), *entrepreneurs, state=verb,
                    funded_action=action.id)
            world.interview(dt.date(2026, 4, 1), ana, state='hold')
            start = dt.datetime(2026, 3, 10, 9)
            session = world.session(
                start=start, kind='professional', funded_action=action.id)
            world.register(session, ana, bob, world.cleo)
            Session.attend([session])
            late, = Registration.search([
                    ('session', '=', session.id),
                    ('entrepreneur', '=', bob.id)])
            late.arrival = start + HOUR
            late.leave = start + 2.5 * HOUR
            late.save()
            Registration.write(Registration.search([
                        ('entrepreneur', '=', world.cleo.id)]),
                {'state': 'excused'})

            def rows():
                return {(
                        r.entrepreneur.rec_name, r.month.month, r.kind,
                        r.funded_action.name if r.funded_action else None,
                        r.number, r.hours)
                    for r in Hours.search([])}

            self.assertEqual(rows(), {
                    ("Ana", 3, 'interview', "ESF", 2, 2 * HOUR),
                    ("Bob", 3, 'interview', "ESF", 1, HOUR),
                    ("Ana", 4, 'interview', None, 1, HOUR),
                    ("Ana", 3, 'professional', "ESF", 1, 3 * HOUR),
                    ("Bob", 3, 'professional', "ESF", 1, 1.5 * HOUR),
                    })
            with Transaction().set_context(from_date=dt.date(2026, 3, 11)):
                self.assertEqual(
                    rows(), {("Ana", 4, 'interview', None, 1, HOUR)})
            with Transaction().set_context(
                    from_date=dt.date(2026, 3, 2),
                    to_date=dt.date(2026, 3, 10)):
                self.assertEqual({r[4:] for r in rows()}, {
                        (1, HOUR), (1, 3 * HOUR), (1, 1.5 * HOUR)})
            self.assertEqual(
                [a.hours_done for a in Action.browse([action, other])],
                [7.5 * HOUR, dt.timedelta()])

    @with_transaction()
    def test_reports(self):
        "Test that the reports can be made"
        pool = Pool()
        with World.enter() as world:
            interview = world.interview(
                dt.date(2026, 3, 1), world.ana, world.bob, state='hold',
                time=dt.time(10, 30), subject="Prices",
                decisions="Raise the prices.\nTell the customers.",
                next_steps="Write the letter", next_date=dt.date(2026, 4, 1))
            session = world.session(places=1)
            world.register(session, world.ana, world.bob)
            self.assertEqual([r.name for r in session.participants], ["Ana"])
        with set_user(world.nora):
            for name, record in [
                    ('cae.interview', interview),
                    ('cae.workshop.session.attendance', session),
                    ]:
                Report = pool.get(name, type='report')
                extension, content, *_ = Report.execute([record.id], {})
                self.assertEqual(extension, 'odt')
                content = zipfile.ZipFile(BytesIO(content)).read(
                    'content.xml').decode()
                self.assertIn("Ana", content)
                self.assertNotIn("xt:placeholder-type", content)

    def check_doors(self, Model, own, theirs, clauses, operations=()):
        """Check that the user does not reach the records of another.

        `own` and `theirs` are ids; `clauses` would find theirs.
        """
        self.assertEqual(
            sorted(r.id for r in Model.search([])), sorted(own))
        self.assertEqual(Model.search([], count=True), len(own))
        self.assertEqual(Model.search([('id', 'in', theirs)]), [])
        self.assertEqual(
            len(Model.export_data_domain([], ['id'])), len(own))
        for clause in clauses:
            with self.subTest(clause=clause):
                try:
                    found = Model.search([clause])
                except AccessError:
                    continue
                self.assertFalse({r.id for r in found} & set(theirs))
        names = list(Model.fields_view_get()['fields'])
        if own:
            self.assertTrue(Model.read(own, names))
        for operation in [
                lambda: Model.read(theirs, ['rec_name']),
                lambda: Model.read(own + theirs, ['id']),
                lambda: Model.export_data(
                    Model.browse(theirs), ['rec_name']),
                lambda: Model.copy(Model.browse(theirs)),
                lambda: Model.delete(Model.browse(theirs)),
                *operations,
                ]:
            with refused((AccessError, AccessButtonError)):
                operation()

    @with_transaction()
    def test_interview_rights(self):
        "Test that entrepreneurs read only the interviews they took part in"
        pool = Pool()
        Interview = pool.get('cae.interview')
        Relation = pool.get('cae.interview-cae.entrepreneur')
        Report = pool.get('cae.interview', type='report')
        with World.enter() as world:
            theirs = world.interview(
                dt.date(2026, 1, 1), world.ana, state='hold',
                subject="Secret", decisions="Secret", next_steps="Secret")
            own = world.interview(
                dt.date(2026, 1, 2), world.bob, state='hold')
            shared = world.interview(
                dt.date(2026, 1, 3), world.ana, world.bob)
        with set_user(world.bob.user):
            self.check_doors(
                Interview, [own.id, shared.id], [theirs.id], [
                    ('subject', '=', "Secret"),
                    ('decisions', 'like', "S%"),
                    ('participants', 'like', "Ana"),
                    ('entrepreneurs', '=', world.ana.id),
                    ('advisor.party.name', '=', "Nora"),
                    ('rec_name', 'like', "Sec%"),
                    ], [
                    lambda: Interview.write(
                        Interview.browse([theirs.id]), {'subject': "x"}),
                    lambda: Interview.write(
                        Interview.browse([own.id]), {'subject': "x"}),
                    lambda: Interview.plan(Interview.browse([own.id])),
                    lambda: Interview.cancel(Interview.browse([shared.id])),
                    lambda: Interview.read([shared.id], ['entrepreneurs']),
                    lambda: Interview.read(
                        [shared.id], ['entrepreneurs.code']),
                    lambda: Interview.export_data(
                        Interview.browse([shared.id]),
                        ['entrepreneurs/code']),
                    lambda: Report.execute([theirs.id], {}),
                    lambda: Relation.search([]),
                    lambda: Interview.search([
                            ('entrepreneurs.exit_note', 'like', "%")]),
                    lambda: Interview.search([
                            ('entrepreneurs', 'where', [
                                    ('exit_note', 'like', "%")])]),
                    ])
            values, = Interview.read([shared.id], ['participants'])
            self.assertEqual(values['participants'], "Ana, Bob")
            self.assertTrue(Report.execute([own.id], {}))
        with set_user(world.nora):
            self.assertEqual(len(Interview.search([])), 3)
            Interview.hold(Interview.browse([shared.id]))
            interview = world.interview(dt.date(2026, 2, 1), world.ana)
            self.assertEqual(
                [e.id for e in interview.entrepreneurs], [world.ana.id])
            with refused(AccessError):
                Interview.delete([interview])
        account = create_user(
            'account', world.company, 'account.group_account')
        with set_user(account), refused(AccessError):
            Interview.search([])

    @with_transaction()
    def test_registration_rights(self):
        "Test that entrepreneurs see the sessions but not who is there"
        pool = Pool()
        Hours = pool.get('cae.support.hours')
        Registration = pool.get('cae.workshop.registration')
        Session = pool.get('cae.workshop.session')
        Sheet = pool.get('cae.workshop.session.attendance', type='report')
        Workshop = pool.get('cae.workshop')
        with World.enter() as world:
            session = world.session()
            theirs, own = world.register(session, world.ana, world.bob)
            sheet, = pool.get('ir.action.report').search([
                    ('report_name', '=', Sheet.__name__)])
            world.interview(dt.date(2026, 1, 1), world.bob, state='hold')
        with set_user(world.bob.user):
            self.check_doors(Registration, [own.id], [theirs.id], [
                    ('name', '=', "Ana"),
                    ('entrepreneur.party.name', '=', "Ana"),
                    ('session', '=', session.id),
                    ], [
                    lambda: Registration.write(
                        Registration.browse([own.id]),
                        {'state': 'attended'}),
                    lambda: Registration.create([{
                                'session': session.id,
                                'entrepreneur': world.bob.id}]),
                    lambda: Registration.search([
                            ('session.registrations.name', '=', "Ana")]),
                    lambda: Session.search([
                            ('registrations.entrepreneur', '=',
                                world.ana.id)]),
                    lambda: Session.read([session.id], ['registrations']),
                    lambda: Session.export_data(
                        Session.browse([session.id]),
                        ['registrations/name']),
                    lambda: Session.write(
                        Session.browse([session.id]), {'notes': "x"}),
                    lambda: Sheet.execute(
                        [session.id], {'action_id': sheet.id}),
                    lambda: Hours.search([]),
                    ])
            values, = Session.read([session.id], [
                    'rec_name', 'registered', 'my_state', 'workshop.leaders',
                    'kind:string'])
            self.assertEqual(values['registered'], 2)
            # A related read goes round the field but not round the rules
            values, = Session.read([session.id], ['registrations.name'])
            self.assertEqual(
                values['registrations.'], [{'id': own.id, 'name': "Bob"}])
            self.assertNotIn(
                'registrations', Session.fields_view_get()['fields'])
            self.assertEqual(len(Workshop.search([])), 1)
        with set_user(world.nora):
            session = Session(session.id)
            self.assertEqual(len(session.registrations), 2)
            self.assertTrue(Sheet.execute([session.id], {}))
            self.assertEqual(len(Hours.search([])), 1)
        other = create_company(name="Other", currency=world.company.currency)
        stranger = create_user(
            'stranger', other, 'cae_members.group_entrepreneur')
        with set_user(stranger):
            for Model in [Session, Workshop, Registration]:
                self.assertEqual(Model.search([]), [])
            with refused(AccessError):
                Session.register(Session.browse([session.id]))

    @with_transaction()
    def test_directory(self):
        "Test that the directory shows what was agreed, and nothing else"
        pool = Pool()
        Entrepreneur = pool.get('cae.entrepreneur')
        Entry = pool.get('cae.directory.entry')
        Skill = pool.get('cae.skill')
        with World.enter() as world:
            crafts, = Skill.create([{'name': "Crafts"}])
            pottery, = Skill.create([
                    {'name': "Pottery", 'parent': crafts.id}])
            self.assertEqual(pottery.rec_name, "Crafts / Pottery")
            Entrepreneur.write([world.ana], {'exit_note': "Secret"})
        with set_user(world.ana.user):
            theirs, = Entry.create([{
                        'presentation': "Bowls and tiles",
                        'skills': [('add', [pottery.id])],
                        }])
            self.assertEqual(
                (theirs.name, theirs.consent_date), ("Ana", None))
        with set_user(world.bob.user):
            own, = Entry.create([{'name': "Bob's Bakery"}])
            refusals = [
                lambda: Entry.write(
                    Entry.browse([theirs.id]), {'phone': "1"}),
                lambda: Entry.publish(Entry.browse([theirs.id])),
                lambda: Entry.withdraw(Entry.browse([theirs.id])),
                lambda: Entry.write(
                    Entry.browse([own.id]),
                    {'consent_date': dt.date(2026, 1, 1)}),
                lambda: Entry.write(
                    Entry.browse([own.id]), {'entrepreneur': world.ana.id}),
                lambda: Entry.create([{
                            'name': "Cleo",
                            'entrepreneur': world.cleo.id,
                            }]),
                lambda: Entry.search([
                        ('entrepreneur.exit_note', '=', "Secret")]),
                lambda: Entry.search([
                        ('entrepreneur', 'where', [
                                ('exit_note', '=', "Secret")])]),
                lambda: Entry.search(
                    [], order=[('entrepreneur.exit_note', 'ASC')]),
                lambda: Entry.read([theirs.id], ['entrepreneur']),
                lambda: Entry.read([theirs.id], ['entrepreneur.rec_name']),
                lambda: Entry.export_data(
                    Entry.browse([theirs.id]), ['entrepreneur/id']),
                lambda: Entry.read([own.id], ['entrepreneur']),
                ]
            self.check_doors(Entry, [own.id], [theirs.id], [
                    ('skills', '=', pottery.id),
                    ('presentation', 'like', "Bowls%"),
                    ('name', '=', "Ana"),
                    ], refusals)
        with set_user(world.nora):
            # The staff can't agree in the place of an entrepreneur
            for operation in [
                    lambda: Entry.publish(Entry.browse([theirs.id])),
                    lambda: Entry.write(
                        Entry.browse([theirs.id]), {'name': "x"}),
                    lambda: Entry.write(Entry.browse([theirs.id]), {
                            'consent_date': dt.date(2026, 1, 1)}),
                    lambda: Entry.create([{'name': "x"}]),
                    ]:
                with refused((AccessError, AccessButtonError)):
                    operation()
            self.assertEqual(len(Entry.search([])), 2)
        with set_user(world.ana.user):
            Entry.publish(Entry.browse([theirs.id]))
            self.assertTrue(Entry(theirs.id).consent_date)
        with set_user(world.bob.user):
            found, = Entry.search([
                    ('skills', 'child_of', [crafts.id], 'parent')])
            self.assertEqual(found.id, theirs.id)
            found, = Entry.search([('rec_name', 'ilike', "%pottery%")])
            values, = Entry.read([theirs.id], [
                    'presentation', 'skills.rec_name', '_write'])
            self.assertEqual(
                values['skills.'],
                [{'id': pottery.id, 'rec_name': "Crafts / Pottery"}])
            self.assertFalse(values['_write'])
            for operation in refusals:
                with refused((AccessError, AccessButtonError)):
                    operation()
            with refused(AccessError):
                Entry.write(
                    Entry.browse([theirs.id]),
                    {'skills': [('remove', [pottery.id])]})
            with refused(AccessError):
                pool.get('cae.directory.entry-cae.skill').delete(
                    pool.get('cae.directory.entry-cae.skill').search([]))
        # The exit ends what the others see
        Entrepreneur.write([world.ana], {
                'exit_date': dt.date(2026, 6, 30), 'exit_outcome': 'other'})
        with set_user(world.bob.user):
            self.assertEqual(
                [e.id for e in Entry.search([])], [own.id])
        Entrepreneur.write([world.ana], {
                'exit_date': None, 'exit_outcome': None})
        with set_user(world.ana.user):
            Entry.withdraw(Entry.browse([theirs.id]))
        with set_user(world.bob.user):
            self.assertEqual(
                [e.id for e in Entry.search([])], [own.id])
        with set_user(world.nora):
            Entry.delete(Entry.browse([theirs.id]))
        with set_user(world.bob.user), \
                self.assertRaisesRegex(SQLConstraintError, "existing one"):
            Entry.create([{'name': "Bob again"}])

    @with_transaction()
    def test_calls(self):
        "Test that all read a call and only its author the answers"
        pool = Pool()
        Answer = pool.get('cae.call.answer')
        Call = pool.get('cae.call')
        with World.enter() as world:
            Pool().get('cae.entrepreneur').write(
                [world.ana], {'exit_note': "Secret"})
        with set_user(world.ana.user):
            call, = Call.create([{'title': "Fair", 'text': "A stand?"}])
        with set_user(world.cleo.user):
            theirs, = Answer.create([{'call': call.id, 'text': "Me"}])
        with set_user(world.bob.user):
            values, = Call.read([call.id], ['author_name', 'changeable'])
            self.assertEqual(
                values, {
                    'id': call.id, 'author_name': "Ana",
                    'changeable': False})
            found, = Call.search([('author_name', '=', "Ana")])
            own, = Answer.create([{'call': call.id, 'text': "I would"}])
            self.check_doors(Answer, [own.id], [theirs.id], [
                    ('text', '=', "Me"),
                    ('call', '=', call.id),
                    ('call.title', '=', "Fair"),
                    ], [
                    lambda: Call.close(Call.browse([call.id])),
                    lambda: Call.write(
                        Call.browse([call.id]), {'title': "x"}),
                    lambda: Call.delete(Call.browse([call.id])),
                    lambda: Call.create([{
                                'title': "x", 'text': "x",
                                'author': world.ana.id}]),
                    lambda: Call.read([call.id], ['author']),
                    lambda: Call.read([call.id], ['author.rec_name']),
                    lambda: Answer.read([own.id], ['call.author']),
                    lambda: Call.export_data(
                        Call.browse([call.id]), ['author/exit_note']),
                    lambda: Call.search([
                            ('author.exit_note', '=', "Secret")]),
                    lambda: Answer.search([
                            ('call.author.exit_note', '=', "Secret")]),
                    lambda: Answer.search([
                            ('call', 'where', [
                                    ('author.exit_note', '=', "Secret")])]),
                    lambda: Answer.search([
                            ('entrepreneur.exit_note', '=', "Secret")]),
                    lambda: Answer.create([{
                                'call': call.id, 'text': "x",
                                'entrepreneur': world.cleo.id}]),
                    lambda: Answer.write(
                        Answer.browse([theirs.id]), {'text': "x"}),
                    ])
        with set_user(world.ana.user):
            answers = Answer.search([('call', '=', call.id)])
            self.assertEqual(
                [a.entrepreneur_name for a in answers], ["Cleo", "Bob"])
            self.assertEqual(len(Answer.read(
                        [a.id for a in answers],
                        ['rec_name', 'call.rec_name'])), 2)
            with refused(AccessError):
                Answer.write(answers, {'text': "x"})
            Call.close(Call.browse([call.id]))
        with set_user(world.bob.user):
            for operation in [
                    lambda: Answer.create([
                            {'call': call.id, 'text': "Late"}]),
                    lambda: Answer.write(
                        Answer.browse([own.id]), {'text': "Late"}),
                    ]:
                with refused(CallError, "no more answers"):
                    operation()
        with set_user(world.nora):
            self.assertEqual(len(Answer.search([])), 2)
            with refused(AccessError):
                Answer.write(Answer.browse([own.id]), {'text': "x"})
            Call.reopen(Call.browse([call.id]))
            Call.write(
                Call.browse([call.id]), {'deadline': dt.date(2026, 1, 1)})
        with set_user(world.bob.user), refused(CallError):
            Answer.create([{'call': call.id, 'text': "Late"}])

    @with_transaction()
    def test_skill_rights(self):
        "Test that the skills noted with the advisor are one's own"
        pool = Pool()
        EntrepreneurSkill = pool.get('cae.entrepreneur.skill')
        Skill = pool.get('cae.skill')
        with World.enter() as world:
            skill, = Skill.create([{'name': "Sales"}])
            theirs, own = EntrepreneurSkill.create([{
                        'entrepreneur': e.id,
                        'skill': skill.id,
                        'level': 'learning',
                        'note': "Shy",
                        } for e in [world.ana, world.bob]])
        with set_user(world.bob.user):
            self.check_doors(EntrepreneurSkill, [own.id], [theirs.id], [
                    ('note', '=', "Shy"),
                    ('entrepreneur.party.name', '=', "Ana"),
                    ('skill', '=', skill.id),
                    ], [
                    lambda: EntrepreneurSkill.write(
                        EntrepreneurSkill.browse([own.id]),
                        {'level': 'expert'}),
                    lambda: Skill.create([{'name': "x"}]),
                    ])
        with self.assertRaisesRegex(SQLConstraintError, "already has"):
            EntrepreneurSkill.copy([own])

    @with_transaction()
    def test_erase(self):
        "Test that the erasure of a party takes its texts away"
        pool = Pool()
        Call = pool.get('cae.call')
        Entrepreneur = pool.get('cae.entrepreneur')
        Entry = pool.get('cae.directory.entry')
        Erase = pool.get('party.erase', type='wizard')
        with World.enter() as world:
            interview = world.interview(
                dt.date(2026, 1, 1), world.ana, state='hold',
                subject="Private", decisions="Private")
            entry, = Entry.create([{
                        'entrepreneur': world.ana.id, 'name': "Ana",
                        'phone': "1"}])
            Entry.publish([entry])
            call, = Call.create([{
                        'author': world.ana.id, 'title': "Private",
                        'text': "Private"}])
            Entrepreneur.write([world.ana], {
                    'exit_date': dt.date(2026, 1, 31),
                    'exit_outcome': 'other',
                    })
            world.ana.party.active = False
            world.ana.party.save()
            session_id, _, _ = Erase.create()
            erase = Erase(session_id)
            erase.ask.party = world.ana.party
            erase.transition_erase()
            server.clear_cache()
            for record, names in [
                    (interview, ['subject', 'decisions']),
                    (entry, ['phone', 'consent_date']),
                    ]:
                Model = type(record)
                values, = Model.read([record.id], names)
                self.assertEqual(
                    [values[n] for n in names], [None] * len(names))
            values, = Call.read([call.id], ['title', 'state'])
            self.assertEqual(
                (values['title'], values['state']), ('-', 'closed'))


class LockTestCase(TestCase):
    "Test what two who register at once must not do"
    module = SupportTestCase.module
    extras = SupportTestCase.extras

    @classmethod
    def setUpClass(cls):
        server.activate(cls)

    @classmethod
    def tearDownClass(cls):
        drop_db()

    def test_lock(self):
        "Test that every way to a place locks the session"
        def create():
            with World.enter() as world:
                session = world.session(places=2)
                return (
                    session.id, world.company.id, world.bob.id,
                    world.ana.user.id)

        session_id, company_id, bob, ana_user = server.commit(create)

        def locked(function):
            def wrapper():
                result = function()
                self.assertIn(
                    session_id,
                    Transaction()._locked_records['cae_workshop_session'])
                return result
            return wrapper

        @locked
        def register():
            Session = Pool().get('cae.workshop.session')
            Session.register(Session.browse([session_id]))

        @locked
        def add():
            Registration = Pool().get('cae.workshop.registration')
            registration, = Registration.create([
                    {'session': session_id, 'entrepreneur': bob}])
            return registration.id

        @locked
        def cancel():
            Registration = Pool().get('cae.workshop.registration')
            Registration.write(
                Registration.browse([registration_id]),
                {'state': 'cancelled'})

        @locked
        def delete():
            Registration = Pool().get('cae.workshop.registration')
            Registration.delete(Registration.browse([registration_id]))

        context = {'company': company_id}
        server.commit(register, user=ana_user, context=context)
        registration_id = server.commit(add, context=context)
        server.commit(cancel, context=context)
        server.commit(delete, context=context)


del TestCase
