# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import datetime as dt
from decimal import Decimal
from unittest import TestCase

from trytond.model.exceptions import (
    AccessButtonError, AccessError, DomainValidationError,
    RequiredValidationError, SQLConstraintError)
from trytond.modules.cae_members.exceptions import (
    AbsenceError, ContractError, SeriesError, TargetValidationError,
    TargetWarning, WelcomeError)
from trytond.modules.cae_members.tests import server
from trytond.modules.cae_members.tests.server import undone, with_transaction
from trytond.modules.cae_members.tests.test_module import (
    create_contract, create_entrepreneur, create_user, refused, set_user)
from trytond.modules.cae_members.tests.test_support import World
from trytond.pool import Pool
from trytond.pyson import PYSONDecoder
from trytond.tests.test_tryton import drop_db
from trytond.transaction import Transaction

DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)


def run(user, name, records, state, **values):
    "Run the wizard on the records as the user does; return the action"
    Wizard = Pool().get(name, type='wizard')
    with set_user(user), Transaction().set_context(
            active_model=records[0].__name__,
            active_id=records[0].id,
            active_ids=[r.id for r in records]):
        session, start, _ = Wizard.create()
        defaults = Wizard.execute(session, {}, start)['view']['defaults']
        defaults = {
            k: v for k, v in defaults.items() if not k.endswith('.')}
        defaults.update(
            {k: v(defaults[k]) if callable(v) else v
                for k, v in values.items()})
        action = Wizard.execute(session, {start: defaults}, state)
        Wizard.delete(session)
    return action


def ids_of(action):
    (_, data), = action['actions']
    return data['res_id']


class WelcomeTestCase(TestCase):
    "Test the way from the information session to the contract"
    module = 'cae_members'
    extras = None

    @classmethod
    def setUpClass(cls):
        server.activate(cls)

    @classmethod
    def tearDownClass(cls):
        drop_db()

    def information(self, world, *visitors, state='attended', **values):
        "Return the registrations of visitors of an information session"
        Registration = Pool().get('cae.workshop.registration')
        values.setdefault('start', dt.datetime(2026, 3, 31, 23, 0))
        session = world.session(kind='information', **values)
        return Registration.create([{
                    'session': session.id, 'state': state, **visitor,
                    } for visitor in visitors])

    @with_transaction()
    def test_welcome(self):
        "Test that visitors become entrepreneurs"
        pool = Pool()
        Entrepreneur = pool.get('cae.entrepreneur')
        Party = pool.get('party.party')
        with World.enter() as world:
            world.company.timezone = 'Europe/Brussels'
            world.company.save()
            known, namesake, office, other = Party.create([
                    {'name': "Dora"}, {'name': "Emil Petit"},
                    {'name': "Job Office"}, {'name': "Somebody",
                        'contact_mechanisms': [('create', [{
                                        'type': 'email',
                                        'value': "fay@example.com"}])]}])
            parties = Party.search([], count=True)
            registrations = self.information(world,
                {'visitor': " Gil Blanc ", 'email': "gil@example.com",
                    'phone': "0123456789", 'prescriber': office.id},
                {'party': known.id},
                {'visitor': "emil petit"},
                {'visitor': "Fay", 'email': "FAY@example.com"},
                )
            gil, dora, emil, fay = registrations

            def choose(lines):
                found = [
                    (bool(line['party']), line['new'], line['similar'])
                    for line in lines]
                self.assertEqual(found, [
                        (False, True, []), (True, False, []),
                        (False, False, [namesake.id]),
                        (False, False, [other.id])])
                lines[2]['party'] = namesake.id
                lines[3]['new'] = True
                return lines
            # Nothing is done before everybody is settled
            with refused(WelcomeError, "Emil|emil"):
                run(world.nora, 'cae.welcome', registrations, 'create_')
            self.assertEqual(Party.search([], count=True), parties)
            branch, = pool.get('cae.branch').create([{'name': "North"}])
            ids = ids_of(run(
                    world.nora, 'cae.welcome', registrations, 'create_',
                    lines=choose, advisor=world.advisor.id,
                    branch=branch.id))
            self.assertEqual(Party.search([], count=True), parties + 2)
            people = Entrepreneur.browse(ids)
            self.assertEqual(
                [p.party.name for p in people],
                ["Gil Blanc", "Dora", "Emil Petit", "Fay"])
            self.assertEqual(
                [p.party for p in people][1:3], [known, namesake])
            self.assertEqual(people[0].party.email, "gil@example.com")
            self.assertEqual(people[0].prescriber, office)
            for person, registration in zip(people, registrations):
                # The day of the company, not of UTC
                self.assertEqual(person.welcome_date, dt.date(2026, 4, 1))
                self.assertEqual(person.session_date, dt.date(2026, 4, 1))
                self.assertEqual(
                    (person.advisor, person.branch), (world.advisor, branch))
                self.assertEqual(
                    type(registration)(registration.id).entrepreneur, person)
            with refused(WelcomeError, "already"):
                run(world.nora, 'cae.welcome', [gil], 'create_')

    @with_transaction()
    def test_welcome_refused(self):
        "Test who can't be welcomed, and by whom"
        pool = Pool()
        Entrepreneur = pool.get('cae.entrepreneur')
        Party = pool.get('party.party')
        Registration = pool.get('cae.workshop.registration')
        with World.enter() as world:
            count = Entrepreneur.search([], count=True)
            absent, = self.information(
                world, {'visitor': "Gil"}, state='absent')
            with refused(WelcomeError, "attendance first"):
                run(world.nora, 'cae.welcome', [absent], 'create_')
            workshop, = world.register(
                world.session(), world.ana, state='attended')
            with refused(WelcomeError, "attendance first"):
                run(world.nora, 'cae.welcome', [workshop], 'create_')
            first, again, party = self.information(world,
                {'visitor': "Gil", 'email': "gil@example.com"},
                {'visitor': "GIL ", 'email': "Gil@example.com"},
                {'party': world.ana.party.id})
            with refused(WelcomeError, "welcomed twice"):
                run(world.nora, 'cae.welcome', [first, again], 'create_')
            with refused(WelcomeError, "Ana.*already"):
                run(world.nora, 'cae.welcome', [first, party], 'create_')
            self.assertEqual(Entrepreneur.search([], count=True), count)
            self.assertFalse(Party.search([('name', '=', "Gil")]))
            ana = world.ana.user
        with refused(AccessError):
            run(ana, 'cae.welcome', [first], 'create_')
        with refused(AccessError):
            run(ana, 'cae.entrepreneur.first_interview', [world.ana], 'plan',
                advisor=world.advisor.id)
        with refused(AccessError):
            run(ana, 'cae.entrepreneur.prepare_contract', [world.ana],
                'prepare')
        with set_user(ana):
            with refused((AccessError, AccessButtonError)):
                Registration.welcome(Registration.browse([first.id]))
            with refused((AccessError, AccessButtonError)):
                Entrepreneur.prepare_contract(
                    Entrepreneur.browse([world.ana.id]))

    @with_transaction()
    def test_first_interview(self):
        "Test that the first interview is planned once"
        pool = Pool()
        Entrepreneur = pool.get('cae.entrepreneur')
        Interview = pool.get('cae.interview')
        today = pool.get('ir.date').today()
        with World.enter() as world:
            id_, = ids_of(run(
                    world.nora, 'cae.entrepreneur.first_interview',
                    [world.ana], 'plan',
                    advisor=world.advisor.id, time=dt.time(9, 30)))
            interview = Interview(id_)
            self.assertEqual(
                (interview.state, interview.date, interview.entrepreneurs),
                ('planned', today, (world.ana,)))
            self.assertEqual(interview.kind.name, "First Interview")
            with refused(WelcomeError, "already"):
                run(world.nora, 'cae.entrepreneur.first_interview',
                    [world.ana], 'plan', advisor=world.advisor.id)
            self.assertIsNone(world.ana.first_interview_date)
            interview.duration = HOUR
            interview.save()
            Interview.hold([interview])
            self.assertEqual(
                Entrepreneur(world.ana.id).first_interview_date, today)
            # An interview that was missed is planned again
            Interview.plan([interview])
            Interview.miss([interview])
            run(world.nora, 'cae.entrepreneur.first_interview',
                [world.ana], 'plan', advisor=world.advisor.id)

    @with_transaction()
    def test_prepare_contract(self):
        "Test that the next contract follows from the acceptance"
        pool = Pool()
        Contract = pool.get('cae.contract')
        Country = pool.get('country.country')
        with World.enter() as world:
            name = 'cae.entrepreneur.prepare_contract'
            ana = world.ana
            france, belgium = Country.create([
                    {'name': "France", 'code': 'FR'},
                    {'name': "Belgium", 'code': 'BE'}])
            pool.get('party.address').create([{
                        'party': world.company.party.id,
                        'country': france.id}])
            with refused(WelcomeError, "not accepted"):
                run(world.nora, name, [ana], 'prepare')
            ana.decision = 'accepted'
            ana.on_change_decision()
            self.assertEqual(
                ana.decision_date, pool.get('ir.date').today())
            ana.decision_date = dt.date(2026, 2, 1)
            ana.on_change_decision()
            self.assertEqual(ana.decision_date, dt.date(2026, 2, 1))
            ana.save()
            id_, = ids_of(run(
                    world.nora, name, [ana], 'prepare',
                    start_date=dt.date(2026, 2, 2)))
            contract = Contract(id_)
            self.assertEqual(
                (contract.state, contract.type.code, contract.start_date),
                ('draft', 'support', dt.date(2026, 2, 2)))
            self.assertTrue(contract.clauses)
            with refused(WelcomeError, "in preparation"):
                run(world.nora, name, [ana], 'prepare')
            contract.end_date = dt.date(2026, 3, 31)
            contract.save()
            Contract.confirm_clauses([contract])
            Contract.sign([contract])
            id_, = ids_of(run(world.nora, name, [ana], 'prepare',
                    start_date=dt.date(2026, 4, 1)))
            contract = Contract(id_)
            self.assertEqual(
                (contract.type.code, contract.end_date),
                ('cape', dt.date(2027, 3, 31)))
            # Refused once is refused for all that follows
            world.bob.decision = 'refused'
            world.bob.decision_date = dt.date(2026, 2, 1)
            with refused(RequiredValidationError):
                world.bob.save()
            world.bob.decision_reason = "No insurance"
            world.bob.save()
            with refused(WelcomeError, "not accepted"):
                run(world.nora, name, [world.bob], 'prepare')
            address = world.company.party.address_get()
            address.country = belgium
            address.save()
            world.cleo.decision = 'accepted'
            world.cleo.decision_date = dt.date(2026, 2, 1)
            world.cleo.save()
            types = {t.code: t.id for t in pool.get(
                    'cae.contract.type').search([
                        ('country_code', '=', 'BE')])}
            id_, = ids_of(run(
                    world.nora, name, [world.cleo], 'prepare',
                    type=lambda t: self.assertIn(t, types.values())
                    or types['trainee'],
                    plan_date=dt.date(2026, 2, 2),
                    start_date=dt.date(2026, 2, 2)))
            self.assertEqual(
                (Contract(id_).acceptance_date, Contract(id_).plan_date),
                (dt.date(2026, 2, 1), dt.date(2026, 2, 2)))

    def cohort(self, world):
        "Return people by name who came to different steps"
        pool = Pool()
        Entrepreneur = pool.get('cae.entrepreneur')
        Party = pool.get('party.party')
        office, town = Party.create([{'name': "Office"}, {'name': "Town"}])
        branch, = pool.get('cae.branch').create([{'name': "North"}])
        people = {name: create_entrepreneur(
                world.company, name, welcome_date=dt.date(2026, 1, 5))
            for name in [
                'welcomed', 'met', 'accepted', 'refused', 'supported',
                'straight', 'employed', 'taken over', 'associate', 'left']}
        before = create_entrepreneur(
            world.company, "before", welcome_date=dt.date(2025, 12, 31))
        yes = {'decision': 'accepted', 'decision_date': dt.date(2026, 1, 20)}
        write = [[people['met']], {
                'prescriber': town.id,
                },
            [people['refused']], {
                'decision': 'refused', 'decision_reason': "Insurance",
                'decision_date': dt.date(2026, 1, 21),
                # Whose record was closed since
                'exit_date': dt.date(2026, 1, 31), 'exit_outcome': 'other',
                },
            [people[n] for n in ['accepted', 'supported', 'employed']], {
                **yes, 'prescriber': office.id, 'branch': branch.id},
            [people['taken over']], {'entry_date': dt.date(2026, 1, 10)},
            [people['associate']], {
                'associate_date': dt.date(2026, 6, 1),
                'advisor': world.advisor.id},
            [before], {'prescriber': office.id},
            ]
        Entrepreneur.write(*write)
        for name in ['met', 'accepted', 'refused']:
            world.interview(dt.date(2026, 1, 15), people[name], state='hold')
        # Neither of them is a first interview
        world.interview(dt.date(2026, 1, 15), people['welcomed'])
        world.interview(
            dt.date(2026, 1, 15), people['welcomed'], kind='other',
            state='hold')
        create_contract(
            people['supported'], 'support', dt.date(2026, 2, 1))
        create_contract(
            people['straight'], 'cape', dt.date(2026, 2, 1),
            dt.date(2027, 1, 31))
        create_contract(
            people['employed'], 'cape', dt.date(2026, 2, 1),
            dt.date(2026, 4, 30))
        create_contract(people['employed'], 'cesa', dt.date(2026, 5, 1))
        create_contract(
            people['left'], 'cape', dt.date(2026, 2, 1),
            dt.date(2026, 4, 30))
        # A draft is no contract yet
        create_contract(
            people['accepted'], 'support', dt.date(2026, 2, 1), sign=False)
        Entrepreneur.write([people['left']], {
                'exit_date': dt.date(2026, 4, 30), 'exit_outcome': 'company'})
        return people, office, branch

    def context(self, world, **values):
        return Transaction().set_context(**{
                'company': world.company.id,
                'companies': [world.company.id],
                'from_date': dt.date(2026, 1, 1),
                'to_date': dt.date(2026, 12, 31),
                'date': dt.date(2026, 10, 1),
                **values})

    def counts(self):
        "Return {step: (reached, remaining, refused, redirected, left)}"
        lines = Pool().get('cae.funnel').search([])
        previous = None
        for line in lines:
            if previous:
                self.assertEqual(
                    previous.reached,
                    previous.remaining + previous.refused
                    + previous.redirected + previous.left + line.reached)
            previous = line
        return {
            line.step: (line.reached, line.remaining, line.refused,
                line.redirected, line.left) for line in lines}

    @with_transaction()
    def test_funnel(self):
        "Test how many of those received reached each step"
        pool = Pool()
        Funnel = pool.get('cae.funnel')
        Person = pool.get('cae.funnel.person')
        with World.enter() as world:
            people, office, branch = self.cohort(world)
            with self.context(world):
                self.assertEqual(self.counts(), {
                        'welcomed': (10, 1, 0, 0, 0),
                        'interviewed': (9, 1, 1, 0, 0),
                        'accepted': (7, 1, 0, 0, 0),
                        'supported': (6, 2, 0, 0, 0),
                        'cape': (4, 1, 0, 0, 1),
                        'employed': (2, 1, 0, 0, 0),
                        'associate': (1, 1, 0, 0, 0),
                        })
                self.assertEqual(
                    [f.step for f in Funnel.search([])],
                    ['welcomed', 'interviewed', 'accepted', 'supported',
                        'cape', 'employed', 'associate'])
                self.assertEqual(
                    [f.share for f in Funnel.search([], limit=2)],
                    [Decimal(1), Decimal('0.9')])
                employed, = Person.search([('step', '=', 'employed')])
                self.assertEqual(employed.entrepreneur, people['employed'])
                self.assertEqual(
                    (employed.welcome_date, employed.accepted_date,
                        employed.contract_date, employed.cape_date,
                        employed.employed_date, employed.aside),
                    (dt.date(2026, 1, 5), dt.date(2026, 1, 20),
                        dt.date(2026, 2, 1), dt.date(2026, 2, 1),
                        dt.date(2026, 5, 1), None))
                self.assertEqual(
                    {p.rec_name: p.step for p in Person.search([
                                ('aside', '!=', None)])},
                    {'refused': 'interviewed', 'left': 'cape'})
                prescribers = {
                    p.rec_name: (p.welcomed, p.accepted, p.employed)
                    for p in pool.get('cae.funnel.prescriber').search([])}
                self.assertEqual(prescribers, {
                        '': (6, 4, 1), "Office": (3, 3, 1),
                        "Town": (1, 0, 0)})
                branches = {
                    b.rec_name: b.welcomed
                    for b in pool.get('cae.funnel.branch').search([])}
                self.assertEqual(branches, {'': 7, "North": 3})
                advisors = {
                    b.rec_name: b.associate
                    for b in pool.get('cae.funnel.advisor').search([])}
                self.assertEqual(advisors, {'': 0, "Nora": 1})
            # What happened later counts not yet
            with self.context(world, date=dt.date(2026, 4, 30)):
                self.assertEqual(
                    self.counts()['cape'], (3, 3, 0, 0, 0))
            with self.context(world, date=dt.date(2026, 1, 15)):
                self.assertEqual(
                    self.counts()['interviewed'], (4, 3, 0, 0, 0))
            with self.context(world, prescriber=office.id, branch=branch.id):
                self.assertEqual(self.counts()['welcomed'][0], 3)
            with self.context(
                    world, from_date=dt.date(2025, 1, 1),
                    prescriber=office.id):
                self.assertEqual(self.counts()['welcomed'], (4, 1, 0, 0, 0))
            # No one received: every step stands there all the same
            with self.context(
                    world, from_date=dt.date(2020, 1, 1),
                    to_date=dt.date(2020, 12, 31)):
                self.assertEqual(
                    set(self.counts().values()), {(0, 0, 0, 0, 0)})
                self.assertIsNone(Funnel.search([])[0].share)

    @with_transaction()
    def test_client_company(self):
        "Test that the clients let the company of the user be chosen"
        pool = Pool()
        Company = pool.get('company.company')
        User = pool.get('res.user')
        with World.enter() as world:
            with set_user(world.nora):
                client = User.get_preferences(context_only=True)
                for name, field in [
                        ('cae.funnel.context', 'company'),
                        ('cae.network.report', 'companies')]:
                    definition = pool.get(name).fields_get([field])[field]
                    domain = PYSONDecoder({'context': client}).decode(
                        definition['domain'])
                    self.assertEqual(
                        Company.search(domain), [world.company], name)

    @with_transaction()
    def test_funnel_names(self):
        "Test that the bars of the funnel have a name to read"
        Funnel = Pool().get('cae.funnel')
        with World.enter() as world, self.context(world):
            self.assertEqual(
                [f.rec_name for f in Funnel.search([])][:2],
                ["Welcomed", "First Interview"])

    @with_transaction()
    def test_funnel_rights(self):
        "Test that only the staff of the company reads the funnel"
        pool = Pool()
        models = [f'cae.funnel{n}' for n in [
                '', '.person', '.prescriber', '.branch', '.advisor']]
        from trytond.modules.company.tests import create_company
        with World.enter() as world:
            other = create_company(name="Other")
            stranger = create_user(
                'stranger', other, 'cae_members.group_advisor')
            nora, ana = world.nora, world.ana.user
        period = {'from_date': dt.date(2024, 1, 1),
            'to_date': dt.date(2024, 1, 1)}
        for name in models:
            Model = pool.get(name)
            with set_user(nora), Transaction().set_context(**period):
                self.assertTrue(Model.search([]))
            with set_user(ana), Transaction().set_context(**period):
                with refused(AccessError):
                    Model.search([])
            with set_user(stranger), Transaction().set_context(
                    company=world.company.id, **period):
                self.assertEqual(Model.search([]), [])

    @with_transaction()
    def test_lists(self):
        "Test the searches of the lists for advisors"
        pool = Pool()
        Entrepreneur = pool.get('cae.entrepreneur')
        Entry = pool.get('cae.directory.entry')
        Paper = pool.get('cae.paper')
        PaperType = pool.get('cae.paper.type')
        with World.enter() as world:
            ana, bob, cleo = world.ana, world.bob, world.cleo
            world.interview(dt.date(2026, 1, 1), ana, state='hold')
            world.interview(dt.date(2026, 5, 1), ana, state='hold')
            world.interview(dt.date(2026, 2, 1), bob, state='hold')
            world.interview(dt.date(2026, 2, 1), cleo, state='miss')
            self.assertEqual(ana.last_interview_date, dt.date(2026, 5, 1))

            def names(*domain):
                return [e.rec_name for e in Entrepreneur.search(
                        list(domain), order=[('id', 'ASC')])]
            for clause, expected in [
                    (('last_interview_date', '=', None), ["Cleo"]),
                    (('last_interview_date', '!=', None), ["Ana", "Bob"]),
                    (('last_interview_date', '<', dt.date(2026, 3, 1)),
                        ["Bob"]),
                    (('last_interview_date', '>=', dt.date(2026, 5, 1)),
                        ["Ana"]),
                    ]:
                with self.subTest(clause=clause):
                    self.assertEqual(names(clause), expected)

            published, hidden = Entry.create([
                    {'entrepreneur': e.id, 'name': "x"} for e in [ana, bob]])
            with set_user(ana.user):
                Entry.publish(Entry.browse([published.id]))
            self.assertEqual(names(('in_directory', '=', True)), ["Ana"])
            self.assertEqual(
                names(('in_directory', '!=', True)), ["Bob", "Cleo"])
            self.assertEqual(
                [Entrepreneur(e.id).in_directory for e in [ana, bob]],
                [True, False])

            for entrepreneur in [ana, bob]:
                create_contract(
                    entrepreneur, 'cape', dt.date(2026, 1, 1),
                    dt.date(2026, 12, 31))
            missing = ('missing_papers', '!=', None)
            self.assertEqual(names(missing), ["Ana", "Bob"])
            self.assertEqual(names(('missing_papers', '=', None)), ["Cleo"])
            needed = PaperType.search([
                    ('contract_types.code', '=', 'cape')])
            tomorrow = pool.get('ir.date').today() + DAY
            papers = Paper.create([{
                        'entrepreneur': bob.id, 'type': t.id,
                        'received_on': dt.date(2026, 1, 1),
                        'expiry_date': tomorrow if t.expires else None,
                        } for t in needed])
            self.assertEqual(names(missing), ["Ana"])
            name = needed[0].name
            self.assertEqual(
                names(('missing_papers', 'ilike', name)), ["Ana"])
            self.assertEqual(
                names(('missing_papers', 'not ilike', name)),
                ["Bob", "Cleo"])
            paper, = [p for p in papers if p.type == needed[0]]
            Paper.delete([paper])
            self.assertEqual(
                names(('missing_papers', '=', name)), ["Ana", "Bob"])
            for entrepreneur in Entrepreneur.search([]):
                self.assertEqual(
                    bool(entrepreneur.missing_papers),
                    entrepreneur.rec_name != "Cleo")

    @with_transaction()
    def test_portfolio_tabs(self):
        "Test that the first tabs of the advisors have their portfolio only"
        pool = Pool()
        Domain = pool.get('ir.action.act_window.domain')
        ModelData = pool.get('ir.model.data')
        User = pool.get('res.user')

        with World.enter() as world:
            users = [world.nora] + [
                create_user(name, world.company, group) for name, group in [
                    ('all', 'cae_members.group_advisor_all'),
                    ('clerk', 'account.group_account')]]
            employee = world.nora.employee
            User.write(users[1:], {
                    'employees': [('add', [employee.id])],
                    'employee': employee.id,
                    })
        for name in [
                'act_entrepreneur_form_domain_portfolio',
                'act_deadline_form_domain_mine',
                'act_change_form_domain_portfolio',
                'act_settlement_form_domain_mine']:
            record = Domain(ModelData.get_id('cae_members', name))
            domains = []
            for user in users:
                with set_user(user):
                    context = User.get_preferences(context_only=True)
                domains.append(PYSONDecoder(
                        {'context': context}).decode(record.domain))
            with self.subTest(name=name):
                nora, everybody, clerk = domains
                self.assertIn(f"['advisor', '=', {employee.id}]", str(nora))
                self.assertEqual(everybody, nora)
                self.assertNotIn('advisor', str(clerk))

    @with_transaction()
    def test_target(self):
        "Test the share of the target group among the candidates"
        pool = Pool()
        Contract = pool.get('cae.contract')
        ContractType = pool.get('cae.contract.type')
        Membership = pool.get('cae.target.membership')
        ModelData = pool.get('ir.model.data')
        Share = pool.get('cae.target.share')

        def ground(name):
            return ModelData.get_id('cae_members', f'target_ground_{name}')
        start = dt.date(2026, 3, 1)
        with World.enter() as world:
            type_, = ContractType.search([('code', '=', 'candidate')])
            people = [create_entrepreneur(
                    world.company, f"P{i}", birth_date=dt.date(1980, 1, 1))
                for i in range(20)]
            contracts = Contract.create([{
                        'entrepreneur': p.id, 'type': type_.id,
                        'start_date': start,
                        'end_date': dt.date(2027, 2, 28),
                        'acceptance_date': dt.date(2026, 2, 1),
                        'plan_date': dt.date(2026, 2, 15),
                        } for p in people])
            Contract.confirm_clauses(contracts)
            # Nobody belongs to the group yet
            with refused(TargetWarning, "0 of 20 .* 12 .*15 juin 2009"):
                Contract.sign(contracts)
            with Transaction().set_context(_skip_warnings=True):
                Contract.sign(contracts)

            def members(*people, ground_='unemployed_young', **values):
                return Membership.create([{
                            'entrepreneur': p.id,
                            'ground': ground(ground_),
                            'from_date': start,
                            'certificate_date': dt.date(2026, 2, 20),
                            'days': 156,
                            **values,
                            } for p in people])

            def share(**context):
                context.setdefault('from_date', dt.date(2026, 1, 1))
                context.setdefault('to_date', dt.date(2026, 12, 31))
                with Transaction().set_context(**context):
                    return [
                        (s.people, s.members, s.share, s.lacking)
                        for s in Share.search([])]
            members(*people[:11])
            self.assertEqual(share(), [(20, 11, Decimal('0.55'), 1)])
            # Twice a member is one, and a member too late is none
            members(people[0])
            members(people[12], from_date=start + DAY)
            members(people[13], to_date=start - DAY, from_date=start - DAY)
            self.assertEqual(share(), [(20, 11, Decimal('0.55'), 1)])
            members(people[11], to_date=start)
            self.assertEqual(share(), [(20, 12, Decimal('0.6'), 0)])
            # One more who is no member makes them too few, a member does not
            others = [create_entrepreneur(
                    world.company, name, birth_date=dt.date(1980, 1, 1))
                for name in ["Outsider", "Member"]]
            members(others[1])
            outsider, member = [
                create_contract(
                    other, 'candidate', start, dt.date(2027, 2, 28),
                    sign=False, acceptance_date=dt.date(2026, 2, 1),
                    plan_date=dt.date(2026, 2, 15)) for other in others]
            with undone():
                Contract.sign([member])
            with refused(TargetWarning, "12 of 21 .* 13 "):
                Contract.sign([outsider])
            Contract.cancel([outsider, member])
            # Only those accompanied in the period
            self.assertEqual(
                share(from_date=dt.date(2025, 1, 1),
                    to_date=start - DAY), [])
            self.assertEqual(
                share(from_date=dt.date(2027, 3, 1),
                    to_date=dt.date(2027, 3, 1)), [])
            self.assertEqual(
                len(share(from_date=dt.date(2027, 2, 28),
                        to_date=dt.date(2027, 2, 28))), 1)

            old = create_entrepreneur(
                world.company, "Old", birth_date=dt.date(1976, 3, 1))
            unborn = create_entrepreneur(world.company, "Unborn")
            for error, regex, values in [
                    (TargetValidationError, "156 days .* 18 months",
                        {'p': people[15], 'days': 155}),
                    (TargetValidationError, "years",
                        {'p': people[15], 'ground_': 'unemployed_old'}),
                    (TargetValidationError, "50 years", {'p': old}),
                    (TargetValidationError, "78 days .* 9 months",
                        {'p': old, 'ground_': 'unemployed_old',
                            'days': 77}),
                    (TargetValidationError, "birth date", {'p': unborn}),
                    (RequiredValidationError, "",
                        {'p': people[15], 'certificate_date': None}),
                    (DomainValidationError, "",
                        {'p': people[15], 'to_date': start - DAY}),
                    ]:
                with self.subTest(**values), refused(error, regex):
                    members(values.pop('p'), **values)
            members(old, ground_='unemployed_old', days=78)
            # The day before the birthday
            members(old, from_date=dt.date(2026, 2, 28))
            members(unborn, ground_='income', days=None)

            theirs, own = members(world.ana, world.bob, ground_='income')
            bob, nora = world.bob.user, world.nora
        with set_user(bob):
            self.assertEqual(Membership.search([]), [own])
            for operation in [
                    lambda: Membership.write(
                        Membership.browse([own.id]), {'note': "x"}),
                    lambda: Membership.read([theirs.id], ['ground']),
                    lambda: Membership.create([{
                                'entrepreneur': world.bob.id,
                                'ground': ground('income'),
                                'from_date': start,
                                'certificate_date': start}]),
                    lambda: Share.search([]),
                    ]:
                with refused(AccessError):
                    operation()
        with set_user(nora):
            Membership.write(Membership.browse([theirs.id]), {'note': "x"})
            self.assertTrue(share())

    @with_transaction()
    def test_target_requirement(self):
        "Test that the share is the one that the law requires at the date"
        pool = Pool()
        Contract = pool.get('cae.contract')
        ContractType = pool.get('cae.contract.type')
        Membership = pool.get('cae.target.membership')
        ModelData = pool.get('ir.model.data')
        Requirement = pool.get('cae.target.requirement')
        Share = pool.get('cae.target.share')
        start, changed, lifted = [
            dt.date(2026, month, 1) for month in [3, 7, 12]]
        dates = {
            'acceptance_date': dt.date(2026, 2, 1),
            'plan_date': dt.date(2026, 2, 15),
            }
        with World.enter() as world:
            type_, = ContractType.search([('code', '=', 'candidate')])
            Requirement.create([{
                        'type': type_.id, 'start_date': date, 'share': share,
                        'source': "New decree",
                        } for date, share in [
                        (changed, Decimal('0.8')), (lifted, None)]])
            with refused(DomainValidationError):
                Requirement.create([{
                            'type': type_.id, 'start_date': start,
                            'share': Decimal('1.01'), 'source': "x"}])
            *people, outsider = [
                create_entrepreneur(world.company, f"P{i}") for i in range(6)]
            for person in people:
                create_contract(
                    person, 'candidate', start, dt.date(2027, 2, 28), **dates)
            Membership.create([{
                        'entrepreneur': person.id,
                        'ground': ModelData.get_id(
                            'cae_members', 'target_ground_income'),
                        'from_date': start,
                        'certificate_date': start,
                        } for person in people[:3]])
            for to_date, shares in [
                    (changed - DAY, [(
                                Decimal('0.6'), Decimal('0.6'), 0,
                                "AR du 15 juin 2009")]),
                    (changed, [(
                                Decimal('0.6'), Decimal('0.8'), 1,
                                "New decree")]),
                    (lifted, []),
                    ]:
                with self.subTest(to_date=to_date), \
                        Transaction().set_context(
                            from_date=start, to_date=to_date):
                    self.assertEqual([
                            (s.share, s.required, s.lacking, s.article)
                            for s in Share.search([])], shares)
            for date, message in [
                    (changed - DAY, "3 of 6 .* 4 .*15 juin 2009"),
                    (changed, "3 of 6 .* 5 .*New decree"),
                    (lifted, None),
                    ]:
                with self.subTest(date=date):
                    contract = create_contract(
                        outsider, 'candidate', date, dt.date(2027, 2, 28),
                        sign=False, **dates)
                    if message:
                        with refused(TargetWarning, message):
                            Contract.sign([contract])
                    else:
                        Contract.sign([contract])
                    Contract.cancel([contract])
            nora = world.nora
        with set_user(nora):
            self.assertTrue(Requirement.search([]))
            with refused(AccessError):
                Requirement.write(Requirement.search([]), {'share': None})

    @with_transaction()
    def test_absences(self):
        "Test that entrepreneurs declare their absences, and only theirs"
        Absence = Pool().get('cae.absence')
        first, last = dt.date(2026, 8, 1), dt.date(2026, 8, 15)
        with World.enter() as world:
            theirs, = Absence.create([{
                        'entrepreneur': world.ana.id,
                        'from_date': first, 'to_date': last}])
        with set_user(world.bob.user):
            own, = Absence.create([{'from_date': first, 'to_date': last}])
            self.assertEqual(own.entrepreneur.id, world.bob.id)
            self.assertEqual(Absence.search([]), [own])
            Absence.write([own], {'to_date': last + DAY})
            with refused(AbsenceError, "overlaps"):
                Absence.create([{
                            'from_date': last + DAY,
                            'to_date': last + 2 * DAY}])
            with refused(DomainValidationError):
                Absence.create([{'from_date': last, 'to_date': first}])
            Absence.create([{
                        'from_date': last + 2 * DAY,
                        'to_date': last + 2 * DAY}])
            for operation in [
                    lambda: Absence.read([theirs.id], ['from_date']),
                    lambda: Absence.write(
                        Absence.browse([theirs.id]), {'note': "x"}),
                    lambda: Absence.delete(Absence.browse([theirs.id])),
                    lambda: Absence.create([{
                                'entrepreneur': world.ana.id,
                                'from_date': last + DAY,
                                'to_date': last + DAY}]),
                    lambda: Absence.write(
                        [own], {'entrepreneur': world.ana.id}),
                    ]:
                with refused(AccessError):
                    operation()
        with set_user(world.nora):
            self.assertEqual(len(Absence.search([])), 3)

    @with_transaction()
    def test_full_time(self):
        "Test that a full-time employee elsewhere gets no CAPE"
        pool = Pool()
        Contract = pool.get('cae.contract')
        Outside = pool.get('cae.outside_activity')
        start, end = dt.date(2026, 3, 1), dt.date(2027, 2, 28)
        with World.enter() as world:
            job, = Outside.create([{
                        'entrepreneur': world.ana.id, 'kind': 'employee',
                        'full_time': True,
                        'from_date': dt.date(2020, 1, 1)}])
            contract = create_contract(
                world.ana, 'cape', start, end, sign=False)
            with refused(ContractError, "L127-1"):
                Contract.sign([contract])
            self.assertEqual(contract.state, 'draft')
            # A support agreement and another person are free
            create_contract(world.ana, 'support',
                dt.date(2026, 1, 1), dt.date(2026, 2, 28))
            create_contract(world.bob, 'cape', start, end)
            job.to_date = start
            job.save()
            with refused(ContractError):
                Contract.sign([contract])
            job.to_date = start - DAY
            job.save()
            Contract.sign([contract])
            job.kind = 'self_employed'
            job.on_change_kind()
            self.assertFalse(job.full_time)
        with set_user(world.bob.user):
            self.assertEqual(Outside.search([]), [])
        with set_user(world.ana.user):
            self.assertEqual(len(Outside.search([])), 1)
            with refused(AccessError):
                Outside.write(Outside.browse([job.id]), {'note': "x"})

    @with_transaction()
    def test_funding(self):
        "Test what the funders grant by territory"
        pool = Pool()
        Action = pool.get('cae.funded_action')
        Country = pool.get('country.country')
        Party = pool.get('party.party')
        Total = pool.get('cae.funded_action.total')
        with World.enter() as world:
            region, = Party.create([{'name': "Region"}])
            country, = Country.create([{
                        'name': "France", 'code': 'FR',
                        'subdivisions': [('create', [{
                                        'name': "Nord", 'code': 'FR-59',
                                        'type': 'department'}])],
                        }])
            north, = country.subdivisions
            common = {
                'funder': region.id, 'territory': north.id,
                'from_date': dt.date(2026, 1, 1),
                'to_date': dt.date(2026, 12, 31)}
            action, *_ = Action.create([
                    {**common, 'name': "A", 'amount': Decimal('12000.50'),
                        'hours_planned': 10 * HOUR},
                    {**common, 'name': "B", 'amount': Decimal('8000'),
                        'hours_planned': 5 * HOUR},
                    {**common, 'name': "C", 'amount': Decimal('1'),
                        'territory': None},
                    {**common, 'name': "D", 'amount': Decimal('500'),
                        'to_date': dt.date(2026, 1, 1),
                        'from_date': dt.date(2025, 1, 1)},
                    {'name': "E"},
                    ])

            def totals(start, end):
                with Transaction().set_context(from_date=start, to_date=end):
                    return {
                        (t.rec_name, t.territory): (
                            t.number, t.amount, t.hours_planned)
                        for t in Total.search([])}
            self.assertEqual(
                totals(dt.date(2026, 1, 2), dt.date(2026, 12, 31)), {
                    ("Region", north): (
                        2, Decimal('20000.50'), 15 * HOUR),
                    ("Region", None): (1, Decimal('1'), None),
                    ('', None): (1, None, None),
                    })
            self.assertEqual(totals(
                    dt.date(2025, 1, 1), dt.date(2025, 12, 31)), {
                    ("Region", north): (1, Decimal('500'), None),
                    ('', None): (1, None, None),
                    })
            with refused(DomainValidationError):
                Action.write([action], {'amount': Decimal(-1)})
        with set_user(world.ana.user):
            self.assertTrue(Action.read([action.id], ['name']))
            for operation in [
                    lambda: Action.read([action.id], ['amount']),
                    lambda: Action.search([('amount', '>', 0)]),
                    lambda: Total.search([]),
                    ]:
                with refused(AccessError):
                    operation()

    @with_transaction()
    def test_plan_sessions(self):
        "Test that the meetings of a year are planned at once"
        pool = Pool()
        Session = pool.get('cae.workshop.session')
        Workshop = pool.get('cae.workshop')
        with World.enter() as world:
            world.company.timezone = 'Europe/Paris'
            world.company.save()
            workshop, = Workshop.create([{
                        'name': "Meeting", 'kind': 'meeting'}])
            values = {
                # The second Tuesday, at 18:30 in winter
                'start': dt.datetime(2026, 1, 13, 17, 30),
                'duration': 2 * HOUR,
                }
            ids = ids_of(run(
                    world.nora, 'cae.workshop.plan_sessions', [workshop],
                    'plan', place="Hall", **values))
            sessions = Session.browse(ids)
            self.assertEqual(len(sessions), 12)
            for i, session in enumerate(sessions):
                local = session.local(session.start)
                self.assertEqual((local.hour, local.minute), (18, 30))
                self.assertEqual(session.date, local.date())
                self.assertEqual(
                    (local.month, local.weekday(), (local.day - 1) // 7),
                    (i + 1, 1, 1))
                self.assertEqual(session.end - session.start, 2 * HOUR)
                self.assertEqual(session.place, "Hall")
            self.assertEqual(
                sessions[6].start, dt.datetime(2026, 7, 14, 16, 30))
            with refused(SeriesError, "already"):
                run(world.nora, 'cae.workshop.plan_sessions', [workshop],
                    'plan', **values)
            # What follows is proposed like the last one
            ids = ids_of(run(
                    world.nora, 'cae.workshop.plan_sessions', [workshop],
                    'plan', start=dt.datetime(2027, 1, 12, 17, 30), count=1,
                    duration=lambda d: self.assertEqual(d, 2 * HOUR) or d,
                    place=lambda p: self.assertEqual(p, "Hall") or p))
            self.assertEqual(len(ids), 1)
        with refused(AccessError):
            run(world.ana.user, 'cae.workshop.plan_sessions', [workshop],
                'plan', start=dt.datetime(2028, 1, 1), duration=HOUR)

    @with_transaction()
    def test_hours_month(self):
        "Test that a session counts in the month of the company"
        pool = Pool()
        Hours = pool.get('cae.support.hours')
        Session = pool.get('cae.workshop.session')
        with World.enter() as world:
            world.company.timezone = 'Europe/Paris'
            world.company.save()
            session = world.session(start=dt.datetime(2026, 5, 31, 22, 30))
            world.register(session, world.ana, state='attended')
            hours, = Hours.search([])
            self.assertEqual(hours.month, dt.date(2026, 6, 1))
            with Transaction().set_context(to_date=dt.date(2026, 5, 31)):
                self.assertEqual(Hours.search([]), [])
            Session.write([session], {
                    'start': dt.datetime(2026, 5, 31, 21, 30)})
            hours, = Hours.search([])
            self.assertEqual(hours.month, dt.date(2026, 5, 1))

    @with_transaction()
    def test_skill_targets(self):
        "Test the levels that people want to reach"
        pool = Pool()
        EntrepreneurSkill = pool.get('cae.entrepreneur.skill')
        Skill = pool.get('cae.skill')
        with World.enter() as world:
            skills = Skill.create([{'name': f"S{i}"} for i in range(4)])
            date = dt.date(2026, 12, 31)
            lines = EntrepreneurSkill.create([{
                        'entrepreneur': world.ana.id, 'skill': s.id,
                        'level': level, 'target_level': target,
                        'target_date': date if target else None}
                    for s, (level, target) in zip(skills, [
                            (None, 'learning'), ('able', 'expert'),
                            ('expert', 'able'), ('learning', None)])])
            self.assertEqual(
                [line.reached for line in lines],
                [False, False, True, True])
            with refused(RequiredValidationError):
                EntrepreneurSkill.write([lines[3]], {'target_level': 'able'})
            action = pool.get('ir.model.data').get_id(
                'cae_members', 'act_entrepreneur_skill_form_domain_acquire')
            domain = eval(pool.get('ir.action.act_window.domain')(
                    action).domain.replace('null', 'None'))
            self.assertEqual(
                set(EntrepreneurSkill.search(domain)), set(lines[:2]))

    @with_transaction()
    def test_partners(self):
        "Test the register of the partners"
        pool = Pool()
        Partner = pool.get('cae.partner')
        Party = pool.get('party.party')
        with World.enter() as world:
            party, = Party.create([{'name': "Federation"}])
        with set_user(world.nora):
            partner, other = Partner.create([
                    {'party': party.id, 'kind': kind}
                    for kind in ['federation', 'prescriber']])
            self.assertEqual(partner.rec_name, "Federation")
            with self.assertRaises(AccessError):
                Partner.delete([partner])
        with set_user(world.ana.user), refused(AccessError):
            Partner.search([])
        with self.assertRaisesRegex(SQLConstraintError, "existing one"):
            Partner.create([{
                        'company': world.company.id,
                        'party': party.id, 'kind': 'federation'}])

    @with_transaction()
    def test_erase(self):
        "Test that what a visitor told is erased with them"
        pool = Pool()
        Erase = pool.get('party.erase', type='wizard')
        with World.enter() as world:
            registration, = self.information(world, {
                    'visitor': "Gil", 'email': "gil@example.com",
                    'phone': "1"})
            id_, = ids_of(run(
                    world.nora, 'cae.welcome', [registration], 'create_'))
            entrepreneur = pool.get('cae.entrepreneur')(id_)
            pool.get('cae.entrepreneur').write([entrepreneur], {
                    'needs': "Secret",
                    'exit_date': dt.date(2026, 4, 30),
                    'exit_outcome': 'other'})
            party = entrepreneur.party
            party.active = False
            party.save()
            session_id, _, _ = Erase.create()
            erase = Erase(session_id)
            erase.ask.party = party
            erase.transition_erase()
            server.clear_cache()
            values, = type(registration).read(
                [registration.id], ['visitor', 'email', 'phone'])
            self.assertEqual(values, {
                    'id': registration.id, 'visitor': None, 'email': None,
                    'phone': None})
            values, = type(entrepreneur).read([id_], ['needs'])
            self.assertIsNone(values['needs'])


del TestCase
