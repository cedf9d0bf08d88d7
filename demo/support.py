# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The support that the people of the demonstration get from the staff."""
import datetime as dt
import random
from decimal import Decimal
from itertools import cycle

from dateutil.relativedelta import relativedelta

from trytond.tools import slugify

from .logo import portrait

PROJECTS = [
    "Je veux vivre de mon métier dans la région, d'abord avec deux ou trois "
    "clients réguliers.",
    "J'ai l'expérience du métier et pas encore de clients ; j'aimerais "
    "tester mes prix sans créer d'entreprise.",
    "Je reprends l'activité d'une personne qui part à la retraite et veux "
    "garder son équipe de partenaires."]
SUBJECTS = [
    "Prix de vente et devis", "Plan de charge du trimestre",
    "Assurance professionnelle", "Premiers clients", "Point sur le compte",
    "Choix du statut"]
NEXT_STEPS = [
    "Envoyer le devis type avant la fin du mois.",
    "Appeler trois anciens clients.",
    "Demander l'attestation d'assurance décennale.",
    "Préparer le budget de l'an prochain."]
SKILLS = [
    "Graphisme", "Traduction", "Menuiserie", "Conseil en énergie",
    "Comptabilité", "Photographie"]
# The colour of the portrait, the town and its point
PLACES = [
    ((31, 78, 95), "Nantes", '47.218371', '-1.553621'),
    ((199, 91, 18), "Rezé", '47.182000', '-1.549000'),
    ((94, 130, 66), "Saint-Herblain", '47.212200', '-1.649700'),
    ((120, 82, 140), "Saint-Nazaire", '47.273500', '-2.213800'),
    ((160, 50, 60), "Ancenis", '47.366000', '-1.176700'),
    ((60, 110, 170), "Clisson", '47.087000', '-1.283000'),
    ]
# Of the skills noted with the advisor: level, level to reach
LEVELS = [
    ('learning', 'able'), ('able', 'expert'), (None, 'learning'),
    ('expert', None), ('able', 'able')]
# Who came and did not enter, or who left: name, days before the start of the
# year on which they came, decision and its reason, outcome of the exit
OTHERS = [
    ("Awa Diallo", 40, 'accepted', None, None),
    ("Marc Petit", 35, None, None, None),
    ("Sonia Leroy", 30, 'refused',
        "Activité de taxi : licence et assurance hors de notre portée", None),
    ("Yann Legall", 25, 'redirected',
        "Orienté vers la couveuse culturelle", None),
    ("Claire Hamon", 800, 'accepted', None, 'self_employed'),
    ("Idir Mansouri", 760, 'accepted', None, 'employment'),
    ]
# Who came to the information session and waits to be welcomed
VISITORS = ["Nora Lambert", "Hugo Caron", "Inès Perrin", "Tom Delmas"]


def fill(cooperative):
    """Give the cooperative its social records, interviews and workshops.

    What is over lies in the months of the cooperative; what is to come is
    counted from today.
    """
    filler = _Filler(cooperative)
    filler.records()
    filler.renewals()
    filler.others()
    filler.papers()
    filler.interviews()
    filler.workshops()
    filler.notices()
    filler.directory()
    filler.skills()
    filler.trainers()
    filler.connections()
    filler.under_way()


class _Filler:

    def __init__(self, cooperative):
        self.get = cooperative.server.pool.get
        self.company = cooperative.server.company
        self.user = cooperative.user.id
        self.funder = cooperative.funder
        self.start = cooperative.start
        self.end = cooperative.start + relativedelta(
            months=cooperative.months, days=-1)
        self.today = dt.date.today()
        self.random = random.Random(2)
        Entrepreneur = self.get('cae.entrepreneur')
        self.people = Entrepreneur.browse([p.id for p in cooperative.people])
        self.advisor = self.people[0].advisor
        self.trades = self.get('cae.trade').search([
                ('personal_service', '=', False),
                ('admission', '!=', 'refused'),
                ])
        prescribers = self.get('party.party').create([
                {'name': name} for name in [
                    "France Travail Nantes", "BGE Atlantique",
                    "Mission locale"]])
        self.prescribers = [p.id for p in prescribers]
        self.language, = self.get('ir.lang').search([('code', '=', 'fr')])
        self.branch, = self.get('cae.branch').create([{
                    'name': "Nantes", 'company': self.company}])

    def record(self):
        "Return the values of a social record"
        choose = self.random.choice
        return {
            'branch': self.branch.id,
            'prescriber': choose(self.prescribers),
            'project': choose(PROJECTS),
            'trade': choose(self.trades).id,
            'gender': choose(['female', 'female', 'male']),
            'birth_date': dt.date(
                self.random.randint(1963, 2001), self.random.randint(1, 12),
                self.random.randint(1, 28)),
            'prior_status': choose([
                    'job_seeker', 'job_seeker', 'employee', 'student']),
            'education': choose(['below_bac', 'bac', 'post_bac', 'post_bac']),
            'zone': choose([None, None, None, 'qpv', 'zrr']),
            }

    def records(self):
        Entrepreneur = self.get('cae.entrepreneur')
        to_write = []
        for number, person in enumerate(self.people):
            values = self.record()
            if person.stage == 'candidate':
                values['benefit'] = 'unemployment'
                values['benefit_end_date'] = (
                    self.today + dt.timedelta(days=25 + 40 * number))
            to_write += [[person], values]
        Entrepreneur.write(*to_write)

    def renewals(self):
        "Renew the CAPE as often as they may until today"
        Contract = self.get('cae.contract')
        for number in range(2):
            ending = Contract.search([
                    ('entrepreneur', 'in', self.people),
                    ('type.code', '=', 'cape'),
                    ('state', '=', 'signed'),
                    ('end_date', '<', self.today),
                    ])
            Contract.renew(ending)
            renewals = Contract.search([('renewal_of', 'in', ending)])
            Contract.sign(renewals)
            Contract.end(ending)

    def others(self):
        Contract = self.get('cae.contract')
        Entrepreneur = self.get('cae.entrepreneur')
        Party = self.get('party.party')
        cape, = self.get('cae.contract.type').search([('code', '=', 'cape')])
        values, contracts = [], []
        for name, days, decision, reason, outcome in OTHERS:
            party, = Party.create([{'name': name, 'lang': self.language.id}])
            welcome_date = self.start - dt.timedelta(days=days)
            values.append({
                    **self.record(),
                    'company': self.company,
                    'party': party.id,
                    'advisor': self.advisor.id,
                    'welcome_date': welcome_date,
                    'decision': decision,
                    'decision_date': (
                        decision and welcome_date + dt.timedelta(days=14)),
                    'decision_reason': reason,
                    })
        for person, (*_, outcome) in zip(Entrepreneur.create(values), OTHERS):
            if outcome:
                start = person.welcome_date + dt.timedelta(days=30)
                contracts.append({
                        'company': self.company,
                        'entrepreneur': person.id,
                        'type': cape.id,
                        'start_date': start,
                        'end_date': start + dt.timedelta(days=300),
                        'end_reason': 'term',
                        })
        contracts = Contract.create(contracts)
        Contract.confirm_clauses(contracts)
        Contract.sign(contracts)
        Contract.end(contracts)
        outcomes = [outcome for *_, outcome in OTHERS if outcome]
        Entrepreneur.write(*sum((
                    [[c.entrepreneur], {
                            'exit_date': c.end_date,
                            'exit_outcome': outcome,
                            'exit_reason': 'project',
                            }] for c, outcome in zip(contracts, outcomes)),
                []))

    def papers(self):
        Paper = self.get('cae.paper')
        types = self.get('cae.paper.type').search([])
        identity = next(t for t in types if t.expires)
        Paper.create([{
                    'entrepreneur': person.id,
                    'type': identity.id,
                    'received_on': self.start,
                    'expiry_date': self.today + dt.timedelta(
                        days=5 * number - 6),
                    } for number, person in enumerate(self.people)])

    def interviews(self):
        Interview = self.get('cae.interview')
        first, = self.get('cae.interview.kind').search([
                ('individual', '=', True)], limit=1)
        subjects, steps = cycle(SUBJECTS), cycle(NEXT_STEPS)
        values = []
        for number, person in enumerate(self.people):
            dates = [
                self.start + dt.timedelta(days=6 + 2 * number),
                self.end - dt.timedelta(days=number),
                self.today + dt.timedelta(days=2 + 3 * number)]
            for date in dates:
                values.append({
                        'company': self.company,
                        'advisor': self.advisor.id,
                        'entrepreneurs': [('add', [person.id])],
                        'kind': first.id,
                        'mode': self.random.choice(
                            ['person', 'person', 'remote', 'phone']),
                        'date': date,
                        'time': dt.time(9 + number % 8, 30),
                        'duration': dt.timedelta(
                            minutes=30 * self.random.randint(1, 4)),
                        'subject': next(subjects),
                        'next_steps': next(steps),
                        })
        interviews = Interview.create(values)
        Interview.hold([i for i in interviews if i.date <= self.end])

    def workshops(self):
        Action = self.get('cae.funded_action')
        Agreement = self.get('cae.funding.agreement')
        Registration = self.get('cae.workshop.registration')
        Session = self.get('cae.workshop.session')
        Workshop = self.get('cae.workshop')
        agreement, = Agreement.search([('funder', '=', self.funder)])
        action, = Action.create([{
                    'name': f"Accompagnement renforcé {self.start.year}",
                    'company': self.company,
                    'funder': self.funder,
                    'agreement': agreement.id,
                    'from_date': self.start,
                    'to_date': self.start + relativedelta(years=1, days=-1),
                    'hours_planned': dt.timedelta(hours=120),
                    }])
        information, meeting, accounts = Workshop.create([{
                    'name': name, 'company': self.company, 'kind': kind,
                    'leaders': [('add', [self.advisor.party.id])],
                    'funded_action': action.id,
                    } for name, kind in [
                    ("Réunion d'information", 'information'),
                    ("Réunion mensuelle", 'meeting'),
                    ("Lire son compte", 'workshop')]])

        def session(workshop, date, places=None):
            start = dt.datetime.combine(date, dt.time(13))
            session, = Session.create([{
                        'workshop': workshop.id,
                        'start': start,
                        'end': start + dt.timedelta(hours=2),
                        'place': "Salle du quai",
                        'places': places,
                        }])
            return session
        past = [
            session(information, self.start + dt.timedelta(days=4)),
            *(session(meeting, self.start + relativedelta(
                        months=month, day=20))
                for month in range(relativedelta(
                        self.end + dt.timedelta(days=1), self.start).months)),
            ]
        coming = [
            session(accounts, self.today + dt.timedelta(days=9), places=6),
            session(information, self.today + dt.timedelta(days=16)),
            session(meeting, self.today + dt.timedelta(days=20)),
            ]
        Registration.create([{
                    'session': past[0].id, 'visitor': name,
                    'email': f"{slugify(name).lower()}@example.com",
                    } for name in VISITORS]
            + [{
                    'session': session.id, 'entrepreneur': person.id,
                    }
                for session in past[1:] for person in self.people]
            + [{
                    'session': coming[0].id, 'entrepreneur': person.id,
                    } for person in self.people[:8]])
        Session.attend(past)
        Session.do(past)
        Session.open(coming)

    def directory(self):
        Entry = self.get('cae.directory.entry')
        Skill = self.get('cae.skill')
        skills = Skill.create([{'name': name} for name in SKILLS])
        entries = Entry.create([{
                    'company': self.company,
                    'entrepreneur': person.id,
                    'name': person.party.name,
                    'skills': [('add', [skill.id])],
                    'photo': portrait(color),
                    'place': town,
                    'latitude': Decimal(latitude),
                    'longitude': Decimal(longitude),
                    } for person, skill, (color, town, latitude, longitude)
                in zip(self.people[4:], skills, PLACES)])
        Entry.publish(entries)

    def notices(self):
        "The authorities were told of all that is older than a month"
        Contract = self.get('cae.contract')
        contracts = Contract.search([
                ('to_tell', '=', True),
                ('start_date', '<', self.today - relativedelta(months=1)),
                ])
        Contract.write(*sum((
                    [[c], {
                            'start_told_on': c.start_date,
                            'end_told_on': (
                                c.end_date if c.end_date
                                and c.end_date < self.today else None),
                            }] for c in contracts), []))

    def skills(self):
        EntrepreneurSkill = self.get('cae.entrepreneur.skill')
        Skill = self.get('cae.skill')
        skills = Skill.create([{'name': name} for name in [
                    "Vendre", "Calculer un prix", "Tenir son budget",
                    "Rédiger un devis", "Se faire connaître"]])
        EntrepreneurSkill.create([{
                    'entrepreneur': person.id,
                    'skill': skill.id,
                    'level': level,
                    'target_level': target,
                    'target_date': target and (
                        self.today + relativedelta(months=6)),
                    } for person in self.people[:8]
                for skill, (level, target) in zip(skills, LEVELS)])

    def trainers(self):
        Skill = self.get('cae.skill')
        Trainer = self.get('cae.trainer')
        skills = Skill.search([('name', 'in', SKILLS)])
        Trainer.create([{
                    'entrepreneur': person.id,
                    'specialities': [('add', [skill.id])],
                    'qualifications': "Titre professionnel de formateur",
                    'experience': "Dix ans de métier, cinq de formation",
                    'approach': "Des exercices tirés de cas réels",
                    'public': "Adultes en reconversion",
                    'available': available,
                    } for person, skill, available in zip(
                    self.people[4:7], skills, [True, True, False])])

    def connections(self):
        "Give users without a password, and when they logged in"
        Connection = self.get('cae.connection')
        Entrepreneur = self.get('cae.entrepreneur')
        ModelData = self.get('ir.model.data')
        User = self.get('res.user')
        group = ModelData.get_id('cae_members', 'group_entrepreneur')
        people = [p for p in self.people if p.id != self.user]
        users = User.create([{
                    'name': person.party.name,
                    'login': person.code.lower(),
                    'companies': [('add', [self.company])],
                    'company': self.company,
                    'language': self.language.id,
                    'groups': [('add', [group])],
                    } for person in people])
        Entrepreneur.write(*sum((
                    [[person], {'user': user.id}]
                    for person, user in zip(people, users)), []))
        connections = []
        for number, user in enumerate(users):
            # One in three has not come for a while
            for months in range(4 if number % 3 == 2 else 1, 6):
                last = (
                    dt.datetime.combine(self.today, dt.time(9))
                    - relativedelta(months=months))
                connections.append({
                        'user': user.id,
                        'month': last.date().replace(day=1),
                        'last': last,
                        })
        Connection.create(connections)

    def under_way(self):
        "Leave a contract to sign, an exit to settle and the yearly figures"
        Contract = self.get('cae.contract')
        Entrepreneur = self.get('cae.entrepreneur')
        Report = self.get('cae.network.report')
        Settlement = self.get('cae.settlement')
        cape, = self.get('cae.contract.type').search([('code', '=', 'cape')])
        accepted, = Entrepreneur.search([('party.name', '=', OTHERS[0][0])])
        start = self.today + relativedelta(months=1, day=1)
        Contract.create([{
                    'company': self.company,
                    'entrepreneur': accepted.id,
                    'type': cape.id,
                    'start_date': start,
                    'end_date': start + relativedelta(years=1, days=-1),
                    }])
        leaving = next(
            (p for p in self.people if p.stage == 'employed'), None)
        if leaving:
            Entrepreneur.prepare_exit([leaving])
            settlement, = leaving.settlements
            Settlement.write([settlement], {
                    'date': self.today + relativedelta(day=31),
                    'outcome': 'self_employed',
                    'exit_reason': 'project',
                    })
        report, = Report.create([{
                    'name': f"{self.start.year - 3}–{self.start.year - 1}",
                    'companies': [('add', [self.company])],
                    'start_date': self.start - relativedelta(years=3),
                    'end_date': self.start - dt.timedelta(days=1),
                    }])
        Report.compute([report])
