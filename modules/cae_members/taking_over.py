# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Take over people, contracts and activities from files of other systems."""
from collections import Counter, defaultdict
from decimal import Decimal

from trytond.i18n import gettext
from trytond.model import ModelView, fields
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval
from trytond.tools import grouped_slice
from trytond.transaction import Transaction
from trytond.wizard import Button, StateTransition, StateView, Wizard

from .csv_file import Column, Problem, read
from .exceptions import TakingOverError
from .model import next_numbers

GENDERS = {
    'female': 'female', 'f': 'female', 'femme': 'female',
    'madame': 'female', 'mme': 'female',
    'male': 'male', 'm': 'male', 'h': 'male', 'homme': 'male',
    'monsieur': 'male',
    }
PRIOR_STATUSES = {
    'job_seeker': 'job_seeker', "demandeur d'emploi": 'job_seeker',
    "demandeuse d'emploi": 'job_seeker', 'chômage': 'job_seeker',
    'employee': 'employee', 'salarié': 'employee', 'salariée': 'employee',
    'self_employed': 'self_employed', 'indépendant': 'self_employed',
    'indépendante': 'self_employed',
    'student': 'student', 'étudiant': 'student', 'étudiante': 'student',
    'inactive': 'inactive', 'sans activité': 'inactive',
    'other': 'other', 'autre': 'other',
    }
EDUCATIONS = {
    'below_bac': 'below_bac', 'infra bac': 'below_bac',
    'bep': 'below_bac', 'cap': 'below_bac', 'sans diplôme': 'below_bac',
    'bac': 'bac', 'baccalauréat': 'bac',
    'post_bac': 'post_bac', 'supérieur au bac': 'post_bac',
    'bac+2': 'post_bac', 'bac+3': 'post_bac', 'bac+4': 'post_bac',
    'bac+5': 'post_bac', 'bac+8': 'post_bac',
    }
SECTORS = {
    'business_services': 'business_services',
    'services aux entreprises': 'business_services',
    'personal_services': 'personal_services',
    'services aux particuliers': 'personal_services',
    'crafts': 'crafts', 'artisanat': 'crafts',
    'other': 'other', 'autre': 'other',
    }
ZONES = {'qpv': 'qpv', 'zrr': 'zrr'}
BENEFITS = {
    'unemployment': 'unemployment', 'chômage': 'unemployment',
    'are': 'unemployment',
    'integration': 'integration', 'insertion': 'integration',
    'minimum': 'minimum', 'rsa': 'minimum', 'ris': 'minimum',
    }
OUTCOMES = {
    'self_employed': 'self_employed', 'indépendant': 'self_employed',
    'company': 'company', 'société': 'company',
    'cooperative': 'cooperative', 'coopérative': 'cooperative',
    'creation': 'creation', 'unclassified_creation': 'creation',
    "création d'entreprise": 'creation',
    'employment': 'employment', 'emploi': 'employment',
    "retour à l'emploi": 'employment',
    'other': 'other', 'autre': 'other',
    }
# The other titles are those of the exports of enDI
PEOPLE = [
    Column('number', titles=('identifiant interne', 'numéro')),
    Column('name', titles=('nom',)),
    Column('first_name', titles=('prénom',)),
    Column('email', titles=('e-mail 1', 'e-mail', 'email1')),
    Column('phone', titles=('tel.', 'téléphone')),
    Column('mobile', titles=('tel. portable', 'mobile')),
    Column('street', titles=('adresse',)),
    Column('postal_code', titles=('code postal',)),
    Column('city', titles=('ville',)),
    Column('gender', 'choice', choices=GENDERS,
        titles=('sexe', 'civilité')),
    Column('birth_date', 'date', titles=('date de naissance',)),
    Column('prior_status', 'choice', choices=PRIOR_STATUSES,
        titles=("statut social à l'entrée",)),
    Column('education', 'choice', choices=EDUCATIONS,
        titles=("niveau d'études",)),
    Column('sector', 'choice', choices=SECTORS,
        titles=("secteur d'activité",)),
    Column('zone', 'choice', choices=ZONES,
        titles=("qualification de la zone d'habitation",)),
    Column('benefit', 'choice', choices=BENEFITS, titles=('allocation',)),
    Column('benefit_end_date', 'date', titles=('date de fin de droit',
            'date de fin de droits')),
    Column('advisor', titles=('accompagnateur', 'conseiller')),
    Column('branch', titles=('antenne', 'antenne de rattachement')),
    Column('prescriber', titles=('prescripteur',)),
    Column('project', titles=('projet',)),
    Column('welcomed_on', 'date', required=True,
        titles=('date info coll', "date d'information collective",
            'accueil')),
    Column('entered_on', 'date', titles=("date d'entrée",)),
    Column('left_on', 'date', titles=('date de sortie',)),
    Column('exit_outcome', 'choice', choices=OUTCOMES,
        titles=('type de sortie',)),
    Column('associate_since', 'date', titles=('date de sociétariat',
            'date sociétariat')),
    ]
CONTRACTS = [
    Column('person', required=True, titles=('number', 'numéro')),
    Column('type', required=True),
    Column('start_date', 'date', required=True, titles=('début',)),
    Column('end_date', 'date', titles=('fin',)),
    ]
ACTIVITIES = [
    Column('code', required=True),
    Column('name', required=True, titles=('nom',)),
    Column('trade', titles=('métier',)),
    Column('person', required=True, titles=('number', 'numéro')),
    Column('share', 'number', titles=('part',)),
    Column('from_date', 'date', required=True, titles=('début',)),
    Column('to_date', 'date', titles=('fin',)),
    ]


# How many records are created in a call
SLICE = 200


def duplicates(rows, column):
    "Yield the problems of the values of the column that stand there twice"
    counts = Counter(row[column] for row in rows if row[column])
    for row in rows:
        if counts[row[column]] > 1:
            yield Problem(row['line'], 'duplicate', column, row[column])


def order(rows, first, last):
    "Yield the problems of the dates that run backwards"
    for row in rows:
        if row[first] and row[last] and row[last] < row[first]:
            yield Problem(row['line'], 'order', last, str(row[last]))


def create(Model, vlist):
    """Create records in slices, as Tryton needs a time for each call that
    grows with the square of the records.
    """
    records = []
    for sub in grouped_slice(vlist, count=SLICE):
        records += Model.create(list(sub))
    return records


class Party(metaclass=PoolMeta):
    __name__ = 'party.party'

    @classmethod
    def default_get(
            cls, fields_names=None, with_rec_name=True, with_default=True):
        """Set no value of the company on parties that are taken over.

        They have that of the configuration without; to set each takes more
        time than all the rest.
        """
        if Transaction().context.get('_cae_taking_over'):
            fields_names = [
                n for n in fields_names or cls._fields
                if not isinstance(cls._fields[n], fields.MultiValue)]
        return super().default_get(
            fields_names, with_rec_name=with_rec_name,
            with_default=with_default)


class People:
    "The people of a cooperative, from their welcome to their exit"
    columns = PEOPLE

    def __init__(self, company):
        self.company = company

    def check(self, rows):
        "Yield what is wrong in the rows"
        Entrepreneur = Pool().get('cae.entrepreneur')
        yield from duplicates(rows, 'number')
        yield from order(rows, 'welcomed_on', 'entered_on')
        yield from order(rows, 'entered_on', 'left_on')
        yield from order(rows, 'welcomed_on', 'left_on')
        yield from order(rows, 'welcomed_on', 'associate_since')
        numbers = [row['number'] for row in rows if row['number']]
        known = {e.code for e in Entrepreneur.search([
                    ('company', '=', self.company.id),
                    ('code', 'in', numbers),
                    ])}
        named = self.named()
        for row in rows:
            if row['number'] in known:
                yield Problem(row['line'], 'exists', 'number', row['number'])
            for name, records in named.items():
                if row[name] and row[name] not in records:
                    yield Problem(row['line'], 'not_found', name, row[name])
            if row['exit_outcome'] and not row['left_on']:
                yield Problem(row['line'], 'empty', 'left_on')
            if not row['number'] and not row['name']:
                yield Problem(row['line'], 'empty', 'name')

    def named(self):
        """Return {column: {name: record}} of what is told by its name.

        Who sent somebody is a partner of the cooperative.
        """
        pool = Pool()
        of_company = [('company', '=', self.company.id)]
        return {
            'advisor': {
                e.party.name: e
                for e in pool.get('company.employee').search(of_company)},
            'branch': {
                b.name: b for b in pool.get('cae.branch').search(of_company)},
            'prescriber': {
                p.party.name: p.party
                for p in pool.get('cae.partner').search(of_company)},
            }

    def create(self, rows):
        pool = Pool()
        Entrepreneur = pool.get('cae.entrepreneur')
        Party = pool.get('party.party')
        PartyConfiguration = pool.get('party.configuration')
        ModelData = pool.get('ir.model.data')
        trades = {
            sector: ModelData.get_id('cae_members', f'trade_{sector}')
            for sector in {row['sector'] for row in rows if row['sector']}}
        named = self.named()
        sequence = PartyConfiguration(1).get_multivalue('party_sequence')
        codes = (
            list(sequence.get_many(len(rows))) if sequence
            else [None] * len(rows))
        with Transaction().set_context(_cae_taking_over=True):
            parties = create(Party, [
                    self._party_values(row, code)
                    for row, code in zip(rows, codes)])
        create(Entrepreneur, [{
                    'party': party.id,
                    'company': self.company.id,
                    'code': row['number'],
                    'welcome_date': row['welcomed_on'],
                    'entry_date': row['entered_on'],
                    'associate_date': row['associate_since'],
                    'exit_date': row['left_on'],
                    'exit_outcome': (
                        (row['exit_outcome'] or 'other') if row['left_on']
                        else None),
                    'trade': trades[row['sector']] if row['sector'] else None,
                    **{name: known[row[name]].id if row[name] else None
                        for name, known in named.items()},
                    **{name: row[name] for name in [
                            'gender', 'birth_date', 'prior_status',
                            'education', 'zone', 'benefit',
                            'benefit_end_date', 'project']},
                    } for party, row in zip(parties, rows)])

    def _party_values(self, row, code):
        values = {
            'name': ' '.join(filter(None, [row['first_name'], row['name']]))
            or gettext('cae_members.msg_taking_over_name',
                number=row['number']),
            'code': code,
            }
        address = {
            name: row[name] for name in ['street', 'postal_code', 'city']
            if row[name]}
        if address:
            values['addresses'] = [('create', [address])]
        mechanisms = [
            {'type': name, 'value': row[name]}
            for name in ['email', 'phone', 'mobile'] if row[name]]
        if mechanisms:
            values['contact_mechanisms'] = [('create', mechanisms)]
        return values


class OfPeople:
    "What belongs to people who are known by their number"

    def __init__(self, company):
        self.company = company

    def people(self, rows):
        "Return {number: entrepreneur} of the rows"
        Entrepreneur = Pool().get('cae.entrepreneur')
        return {e.code: e for e in Entrepreneur.search([
                    ('company', '=', self.company.id),
                    ('code', 'in', [
                            row['person'] for row in rows if row['person']]),
                    ])}

    def check(self, rows):
        people = self.people(rows)
        for row in rows:
            if row['person'] and row['person'] not in people:
                yield Problem(
                    row['line'], 'not_found', 'person', row['person'])


class Contracts(OfPeople):
    "The contracts that were signed in another system"
    columns = CONTRACTS

    def types(self):
        Type = Pool().get('cae.contract.type')
        return {t.code: t for t in Type.search([])}

    def check(self, rows):
        yield from super().check(rows)
        yield from order(rows, 'start_date', 'end_date')
        types = self.types()
        for row in rows:
            if row['type'] and row['type'] not in types:
                yield Problem(row['line'], 'not_found', 'type', row['type'])

    def create(self, rows):
        pool = Pool()
        Contract = pool.get('cae.contract')
        Date = pool.get('ir.date')
        today = Date.today()
        people, types = self.people(rows), self.types()
        numbers = next_numbers(
            self.company, 'contract_sequence', len(rows))
        contracts = create(Contract, [{
                    'number': number,
                    'company': self.company.id,
                    'entrepreneur': people[row['person']].id,
                    'type': types[row['type']].id,
                    'start_date': row['start_date'],
                    'end_date': row['end_date'],
                    'state': (
                        'ended' if row['end_date']
                        and row['end_date'] < today else 'signed'),
                    # The other system saw to it
                    **{name: row[date]
                        for name, date in [
                            ('start_told_on', 'start_date'),
                            ('end_told_on', 'end_date')]
                        if types[row['type']].told
                        and row[date] and row[date] < today},
                    } for row, number in zip(rows, numbers)])
        signed = [c for c in contracts if c.state == 'signed']
        for sub in map(list, grouped_slice(signed, count=SLICE)):
            Contract._open_employees(sub)
            Contract.save(sub)


class Activities(OfPeople):
    "Activities with their holders, a line for each holder"
    columns = ACTIVITIES

    def trades(self):
        Trade = Pool().get('cae.trade')
        return {t.name: t for t in Trade.search([])}

    def check(self, rows):
        Activity = Pool().get('cae.activity')
        yield from super().check(rows)
        yield from order(rows, 'from_date', 'to_date')
        trades = self.trades()
        known = {a.code for a in Activity.search([
                    ('company', '=', self.company.id),
                    ('code', 'in', [row['code'] for row in rows]),
                    ('active', 'in', [True, False]),
                    ])}
        for row in rows:
            if row['code'] in known:
                yield Problem(row['line'], 'exists', 'code', row['code'])
            if row['trade'] and row['trade'] not in trades:
                yield Problem(row['line'], 'not_found', 'trade', row['trade'])

    def create(self, rows):
        Activity = Pool().get('cae.activity')
        people, trades = self.people(rows), self.trades()
        activities = defaultdict(list)
        for row in rows:
            activities[row['code']].append(row)
        create(Activity, [{
                    'company': self.company.id,
                    'code': code,
                    'name': group[0]['name'],
                    'trade': (
                        trades[group[0]['trade']].id if group[0]['trade']
                        else None),
                    'holders': [('create', [{
                                    'entrepreneur': people[row['person']].id,
                                    'share': (
                                        Decimal(1) if row['share'] is None
                                        else row['share'] / 100),
                                    'from_date': row['from_date'],
                                    'to_date': row['to_date'],
                                    } for row in group])],
                    } for code, group in activities.items()])


KINDS = {
    'people': People,
    'contracts': Contracts,
    'activities': Activities,
    }


class TakeOver(Wizard):
    """Take over a file: first every problem by its line, then all or nothing.
    """
    __name__ = 'cae.take_over'
    start = StateView(
        'cae.take_over.start', 'cae_members.take_over_start_view_form', [
            Button("Cancel", 'end', 'tryton-cancel'),
            Button("Check", 'check', 'tryton-ok', default=True),
            ])
    check = StateTransition()
    result = StateView(
        'cae.take_over.result', 'cae_members.take_over_result_view_form', [
            Button("Cancel", 'end', 'tryton-cancel'),
            Button("Another File", 'start', 'tryton-back'),
            Button("Take Over", 'create_', 'tryton-ok',
                states={'readonly': Eval('problem_count', 0) > 0},
                default=True),
            ])
    create_ = StateTransition()

    def _read(self):
        "Return what takes over, the rows and the problems of the file"
        # As for the setup of the cooperative
        ModelAccess = Pool().get('ir.model.access')
        ModelAccess.check('cae.configuration', 'write')
        kind = KINDS[self.start.kind](self.start.company)
        rows, problems = read(bytes(self.start.file), kind.columns)
        if not problems:
            problems = list(kind.check(rows))
        elif rows:
            # A line that can't be read is not looked at any further
            wrong = {p.line for p in problems}
            problems += kind.check([
                    r for r in rows if r['line'] not in wrong])
        return kind, rows, sorted(problems, key=lambda p: p.line)

    def transition_check(self):
        return 'result'

    def default_result(self, fields):
        _, rows, problems = self._read()
        return {
            'count': len(rows),
            'problem_count': len(problems),
            'problems': [{
                    'line': problem.line,
                    'message': gettext(
                        f'cae_members.msg_taking_over_{problem.code}',
                        column=problem.column, value=problem.value),
                    } for problem in problems],
            }

    def transition_create_(self):
        kind, rows, problems = self._read()
        if problems:
            first = problems[0]
            raise TakingOverError(gettext(
                    'cae_members.msg_taking_over_problem',
                    count=len(problems), line=first.line,
                    message=gettext(
                        f'cae_members.msg_taking_over_{first.code}',
                        column=first.column, value=first.value)))
        with Transaction().set_context(company=self.start.company.id):
            kind.create(rows)
        return 'end'


class TakeOverStart(ModelView):
    __name__ = 'cae.take_over.start'

    company = fields.Many2One('company.company', "Company", required=True)
    kind = fields.Selection([
            ('people', "People"),
            ('contracts', "Contracts"),
            ('activities', "Activities"),
            ], "Content", required=True, sort=False)
    file = fields.Binary(
        "File", required=True,
        help="A file of comma or semicolon separated values with a title "
        "line, such as an export of the users of enDI.")

    @classmethod
    def default_company(cls):
        return Transaction().context.get('company')

    @classmethod
    def default_kind(cls):
        return 'people'


class TakeOverResult(ModelView):
    __name__ = 'cae.take_over.result'

    count = fields.Integer("Lines", readonly=True)
    problem_count = fields.Integer("Problems", readonly=True)
    problems = fields.One2Many(
        'cae.take_over.problem', None, "Problems", readonly=True,
        states={
            'invisible': Eval('problem_count', 0) == 0,
            })


class TakeOverProblem(ModelView):
    __name__ = 'cae.take_over.problem'

    line = fields.Integer("Line", readonly=True)
    message = fields.Text("Problem", readonly=True)
