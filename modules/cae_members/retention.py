# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""How long what is known of a person is kept, and what is due for erasure."""
import datetime as dt
from collections import defaultdict

from dateutil.relativedelta import relativedelta
from sql import Null
from sql.aggregate import Max, Min

from trytond.i18n import gettext
from trytond.model import (
    DeactivableMixin, Index, ModelSQL, ModelView, Unique, Workflow, fields)
from trytond.pool import Pool
from trytond.pyson import Bool, Eval
from trytond.tools import grouped_slice
from trytond.transaction import Transaction, without_check_access

from .exceptions import RetentionError

# What is erased of a person, by kind: the models, with the path from them to
# the entrepreneur and what the fields become. The erasure of a party takes
# the same.
ERASED = {
    'record': [
        ('cae.entrepreneur', 'id', {
                'birth_date': None, 'benefit': None,
                'benefit_end_date': None, 'prescriber': None,
                'project': None, 'needs': None, 'decision_reason': None,
                'exit_note': None}),
        ('cae.target.membership', 'entrepreneur', {
                'certificate': None, 'filename': None, 'note': None}),
        ('cae.aid', 'entrepreneur', {'note': None}),
        ('cae.outside_activity', 'entrepreneur', {'note': None}),
        ('cae.absence', 'entrepreneur', {'note': None}),
        ('cae.settlement', 'entrepreneur', {'note': None}),
        ('cae.settlement.fact', 'settlement.entrepreneur', {'message': '-'}),
        ('cae.settlement.line', 'settlement.entrepreneur', {'note': None}),
        ],
    'emergency': [
        ('cae.entrepreneur.private', 'entrepreneur', {
                'emergency_contact': None, 'emergency_phone': None}),
        ],
    'private': [
        ('cae.entrepreneur.private', 'entrepreneur', {
                'social_security_number': None, 'birth_name': None,
                'birth_place': None, 'birth_country': None,
                'nationality': None, 'permit_number': None,
                'bank_account': None, 'disability': None,
                'disability_consent': None, 'emergency_contact': None,
                'emergency_phone': None, 'note': None}),
        ],
    'paper': [
        ('cae.paper', 'entrepreneur', {
                'file': None, 'filename': None, 'expiry_date': None}),
        ],
    'contract': [
        ('cae.contract.clause.text', 'contract.entrepreneur', {'text': '-'}),
        ('cae.contract.amendment', 'contract.entrepreneur', {
                'subject': '-', 'text': '-'}),
        ],
    'support': [
        ('cae.interview', 'entrepreneurs', {
                'subject': None, 'decisions': None, 'next_steps': None}),
        ('cae.entrepreneur.skill', 'entrepreneur', {'note': None}),
        ('cae.trainer', 'entrepreneur', {
                'available': False, 'speciality_note': None,
                'qualifications': None, 'training': None,
                'experience': None, 'approach': None, 'public': None,
                'motivation': None, 'references': None, 'website': None}),
        ('cae.deadline', 'entrepreneur', {'note': None}),
        ('cae.workshop.registration', 'entrepreneur', {
                'visitor': None, 'email': None, 'phone': None,
                'prescriber': None}),
        ],
    'directory': [
        ('cae.directory.entry', 'entrepreneur', {
                'name': '-', 'presentation': None, 'phone': None,
                'email': None, 'website': None, 'photo': None,
                'place': None, 'latitude': None, 'longitude': None,
                'consent_date': None}),
        ('cae.call', 'author', {
                'title': '-', 'text': '-', 'state': 'closed'}),
        ('cae.call.answer', 'entrepreneur', {'text': '-'}),
        ],
    'change': [
        ('cae.entrepreneur.change', 'entrepreneur', {'reason': None}),
        ('cae.entrepreneur.change.line', 'change.entrepreneur', {
                'old': None, 'new': None}),
        ],
    }
# What is erased of a visitor who is no entrepreneur
VISITOR = [
    ('cae.workshop.registration', 'id', {
            'visitor': '-', 'party': None, 'email': None, 'phone': None,
            'prescriber': None}),
    ]
# What stays when who never entered is forgotten: it has its own delay
OWN_DELAY = {'change', 'reading', 'connection'}


class Retention(DeactivableMixin, ModelSQL, ModelView):
    """How long a kind of what is known of a person is kept.

    The kinds are a closed list; their delays are data of the cooperative,
    with the text they come from (GDPR, article 5(1)(e)).
    """
    __name__ = 'cae.retention'
    __string__ = "Retention Delay"

    kind = fields.Selection([
            ('visitor', "Visitor of an Information Session"),
            ('never_entered', "Person Who Never Entered"),
            ('emergency', "Emergency Contact"),
            ('directory', "Directory Entry and Calls"),
            ('record', "Social Record and Project"),
            ('private', "Private Record"),
            ('paper', "Papers"),
            ('contract', "Texts of Contracts"),
            ('support', "Interviews and Notes"),
            ('change', "Change Requests"),
            ('reading', "Readings of Private Records"),
            ('connection', "Connections"),
            ], "Kind", required=True, sort=False)
    kind_string = kind.translated('kind')
    months = fields.Integer(
        "Months", required=True,
        domain=[
            ('months', '>=', 0),
            ],
        help="How many months it is kept after the exit; after the session "
        "for visitors and the last contact for who never entered; after they "
        "were handled for requests, and after each for readings and "
        "connections.")
    source = fields.Text(
        "Source", required=True, translate=True,
        help="The text the delay comes from.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('kind_unique', Unique(t, t.kind),
                'cae_members.msg_retention_kind_unique'),
            ]
        cls._order = [('id', 'ASC')]

    def get_rec_name(self, name):
        return self.kind_string

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('kind', *clause[1:])]

    @classmethod
    def due(cls, company, date):
        """Return {(retention id, id of the person): when the delay ended}.

        Of the company, given by id, at the date; only where something is
        left to erase. The person is the entrepreneur, or the registration of
        a visitor. One query per table for all.
        """
        with without_check_access():
            retentions = cls.search([])
            starts = cls._starts(company)
            result = {}
            for retention in retentions:
                delay = relativedelta(months=retention.months)
                over = {
                    id_: start + delay
                    for id_, start in starts[retention.kind].items()
                    if start + delay < date}
                if retention.kind not in OWN_DELAY:
                    kept = cls._kept(retention.kind, list(over))
                    over = {id_: over[id_] for id_ in kept & over.keys()}
                for id_, end in over.items():
                    result[retention.id, id_] = end
        return result

    @classmethod
    def _erased(cls, kind):
        "Return what the kind erases as ERASED does"
        if kind == 'visitor':
            return VISITOR
        if kind == 'never_entered':
            return sum((
                    erased for kind_, erased in ERASED.items()
                    if kind_ not in OWN_DELAY), [])
        return ERASED.get(kind, [])

    @staticmethod
    def _domain(path, people):
        "Return the domain of what is only of the people"
        domain = [(path, 'in', people)]
        if path == 'entrepreneurs':
            # What was said with somebody who stays is kept
            domain.append(('entrepreneurs', 'not where', [
                        ('exit_date', '=', None),
                        ('id', 'not in', people),
                        ]))
        return domain

    @classmethod
    def _kept(cls, kind, people):
        "Return the ids of the people of whom something is kept"
        pool = Pool()
        kept = set()
        for name, path, values in cls._erased(kind):
            Model = pool.get(name)
            filled = ['OR']
            for field, value in values.items():
                if Model._fields[field]._type == 'boolean':
                    filled.append((field, '=', True))
                elif value in {None, '-'}:
                    filled.append([
                            (field, '!=', None), (field, '!=', value)])
            for record in Model.search(
                    [cls._domain(path, people), filled], order=[]):
                for part in path.split('.'):
                    record = getattr(record, part)
                if isinstance(record, (list, tuple)):
                    kept.update(map(int, record))
                else:
                    kept.add(int(record))
        return kept

    @classmethod
    def _starts(cls, company):
        """Return {kind: {id of the person: from when its delay counts}}.

        Visitors are known by their registration, the others by their
        entrepreneur. Kinds that count from the exit have who entered and
        left, the others of whom there is something.
        """
        pool = Pool()
        Change = pool.get('cae.entrepreneur.change')
        Contract = pool.get('cae.contract')
        Entrepreneur = pool.get('cae.entrepreneur')
        Interview = pool.get('cae.interview')
        Private = pool.get('cae.entrepreneur.private')
        Reading = pool.get('cae.entrepreneur.private.reading')
        Registration = pool.get('cae.workshop.registration')
        Relation = pool.get('cae.interview-cae.entrepreneur')
        Session = pool.get('cae.workshop.session')
        Workshop = pool.get('cae.workshop')
        cursor = Transaction().connection.cursor()
        table = Entrepreneur.__table__()
        change = Change.__table__()
        contract = Contract.__table__()
        interview = Interview.__table__()
        private = Private.__table__()
        reading = Reading.__table__()
        registration = Registration.__table__()
        relation = Relation.__table__()
        session = Session.__table__()
        workshop = Workshop.__table__()

        def execute(query):
            cursor.execute(*query)
            return cursor.fetchall()

        def date(value):
            # SQLite aggregates dates to texts
            if isinstance(value, str):
                value = dt.date.fromisoformat(value[:10])
            return value.date() if isinstance(value, dt.datetime) else value

        entered = {id_ for id_, in execute(contract.select(
                    contract.entrepreneur,
                    where=(contract.company == company)
                    & (contract.entrepreneur != Null)
                    & contract.state.in_(['signed', 'ended']),
                    group_by=[contract.entrepreneur]))}
        contacts = defaultdict(list)
        for query in [
                interview.join(relation,
                    condition=relation.interview == interview.id
                    ).select(relation.entrepreneur, Max(interview.date),
                    where=interview.company == company,
                    group_by=[relation.entrepreneur]),
                registration.join(session,
                    condition=registration.session == session.id
                    ).select(
                    registration.entrepreneur, Max(session.date),
                    where=registration.entrepreneur != Null,
                    group_by=[registration.entrepreneur]),
                ]:
            for id_, last in execute(query):
                contacts[id_].append(date(last))
        left, never_entered = {}, {}
        for id_, welcome, decision, entry, associate, exit_ in execute(
                table.select(
                    table.id, table.welcome_date, table.decision_date,
                    table.entry_date, table.associate_date, table.exit_date,
                    where=table.company == company)):
            if id_ in entered or entry or associate:
                if exit_:
                    left[id_] = exit_
            else:
                never_entered[id_] = max(filter(None, [
                            welcome, decision, exit_, *contacts[id_]]))
        starts = {kind: left for kind in ERASED}
        starts['never_entered'] = never_entered
        # They go by themselves: see cae.connection
        starts['connection'] = {}
        starts['visitor'] = dict(execute(registration.join(session,
                    condition=registration.session == session.id
                    ).join(workshop,
                    condition=session.workshop == workshop.id
                    ).select(registration.id, session.date,
                    where=(workshop.company == company)
                    & (registration.entrepreneur == Null))))
        starts['change'] = {
            id_: date(first) for id_, first in execute(
                change.join(table, condition=change.entrepreneur == table.id
                    ).select(change.entrepreneur, Min(change.date),
                    where=(table.company == company)
                    & (change.state != 'proposed'),
                    group_by=[change.entrepreneur]))}
        starts['reading'] = {
            id_: date(first) for id_, first in execute(
                reading.join(
                    private, condition=reading.private == private.id
                    ).join(
                    table, condition=private.entrepreneur == table.id
                    ).select(
                    private.entrepreneur, Min(reading.create_date),
                    where=table.company == company,
                    group_by=[private.entrepreneur]))}
        return starts

    def erase(self, people, date):
        """Erase what is due at the date of the people, given by id.

        As the erasure of a party does it goes round the checks of what may
        still be changed. Attachments and notes go too.
        """
        pool = Pool()
        Change = pool.get('cae.entrepreneur.change')
        Reading = pool.get('cae.entrepreneur.private.reading')
        limit = date - relativedelta(months=self.months)
        if self.kind == 'change':
            Change.delete(Change.search([
                        ('entrepreneur', 'in', people),
                        ('state', '!=', 'proposed'),
                        ('date', '<', limit),
                        ]))
        elif self.kind == 'reading':
            Reading.delete(Reading.search([
                        ('private.entrepreneur', 'in', people),
                        ('create_date', '<', limit),
                        ]))
        transaction = Transaction()
        cursor = transaction.connection.cursor()
        for name, path, values in (
                [] if self.kind in OWN_DELAY else self._erased(self.kind)):
            Model = pool.get(name)
            records = Model.search(
                self._domain(path, people), order=[])
            table = Model.__table__()
            for ids in map(list, grouped_slice(
                        [r.id for r in records], count=1000)):
                cursor.execute(*table.update(
                        [getattr(table, n) for n in values],
                        list(values.values()),
                        where=fields.SQL_OPERATORS['in'](table.id, ids)))
                # The emergency contact is only a part of its record
                if self.kind != 'emergency':
                    for resource in ['ir.attachment', 'ir.note']:
                        Resource = pool.get(resource)
                        Resource.delete(Resource.search([
                                    ('resource', 'in', [
                                            f'{name},{id_}' for id_ in ids]),
                                    ]))
        transaction.counter += 1


class Due(Workflow, ModelSQL, ModelView):
    """Something of a person that is due for erasure, or was erased.

    The list is made once a day. Nothing is erased before somebody says so.
    """
    __name__ = 'cae.retention.due'
    __string__ = "Due for Erasure"

    company = fields.Many2One(
        'company.company', "Company", required=True, readonly=True,
        ondelete='CASCADE')
    retention = fields.Many2One(
        'cae.retention', "What", required=True, readonly=True,
        ondelete='RESTRICT')
    entrepreneur = fields.Many2One(
        'cae.entrepreneur', "Entrepreneur", readonly=True,
        ondelete='CASCADE',
        states={
            'required': ~Eval('registration'),
            'invisible': Bool(Eval('registration')),
            })
    registration = fields.Many2One(
        'cae.workshop.registration', "Visitor", readonly=True,
        ondelete='CASCADE',
        states={
            'required': ~Eval('entrepreneur'),
            'invisible': Bool(Eval('entrepreneur')),
            })
    date = fields.Date(
        "Due Since", required=True, readonly=True,
        help="When the delay ended.")
    erased_on = fields.Date("Erased On", readonly=True)
    erased_by = fields.Many2One(
        'res.user', "Erased By", readonly=True, ondelete='RESTRICT')
    state = fields.Selection([
            ('due', "Due"),
            ('erased', "Erased"),
            ], "State", required=True, readonly=True, sort=False)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_indexes.add(
            Index(t, (t.company, Index.Range()), (t.date, Index.Range()),
                where=t.state == 'due'))
        cls._order = [('date', 'ASC'), ('id', None)]
        cls._transitions.add(('due', 'erased'))
        cls._buttons.update({
                'erase': {
                    'invisible': Eval('state') != 'due',
                    'depends': ['state'],
                    },
                })

    @classmethod
    def default_state(cls):
        return 'due'

    def get_rec_name(self, name):
        return f'{self.person.rec_name} – {self.retention.rec_name}'

    @classmethod
    def search_rec_name(cls, name, clause):
        _, operator, *_ = clause
        if operator.startswith('!') or operator.startswith('not '):
            bool_op = 'AND'
        else:
            bool_op = 'OR'
        return [bool_op,
            ('entrepreneur.rec_name', *clause[1:]),
            ('registration.name', *clause[1:]),
            ]

    @property
    def person(self):
        "The entrepreneur or the registration of the visitor"
        return self.entrepreneur or self.registration

    @classmethod
    def find(cls):
        """List what is due, for the company of the context or all of them.

        Called once a day. What is no longer due leaves the list, and those
        who may erase are told of what is new.
        """
        pool = Pool()
        Company = pool.get('company.company')
        Date = pool.get('ir.date')
        Retention = pool.get('cae.retention')
        company = Transaction().context.get('company')
        companies = (
            Company.search([]) if company is None else [Company(company)])
        for company in companies:
            with Transaction().set_context(company=company.id):
                due = Retention.due(company.id, Date.today())
                cls.delete([
                        d for d in cls.search([
                                ('company', '=', company.id),
                                ('state', '=', 'due'),
                                ])
                        if due.pop((d.retention.id, d.person.id), None)
                        is None])
                visitors = {
                    r.id for r in Retention.search([('kind', '=', 'visitor')])}
                cls._notify(company, cls.create([{
                                'company': company.id,
                                'retention': retention,
                                'registration' if retention in visitors
                                else 'entrepreneur': person,
                                'date': date,
                                } for (retention, person), date
                            in due.items()]))

    @classmethod
    def _notify(cls, company, dues):
        pool = Pool()
        ModelData = pool.get('ir.model.data')
        User = pool.get('res.user')
        if dues:
            for user in User.search([
                        ('groups', '=', ModelData.get_id(
                                'cae_members', 'group_data_protection')),
                        ('companies', '=', company.id),
                        ]):
                cls.notify_user(
                    dues, 'tryton-clear',
                    gettext('cae_members.msg_retention_due',
                        count=len(dues)),
                    user=user)

    @classmethod
    @ModelView.button
    @Workflow.transition('erased')
    def erase(cls, dues):
        """Erase what is due, for good.

        Raise RetentionError when something is no longer due: the person came
        back, or the delay was changed.
        """
        pool = Pool()
        Date = pool.get('ir.date')
        Retention = pool.get('cae.retention')
        cls.lock(dues)
        today = Date.today()
        by_retention = defaultdict(list)
        companies = {d.company for d in dues}
        due = {}
        for company in companies:
            due.update(Retention.due(company.id, today))
        for record in dues:
            if (record.retention.id, record.person.id) not in due:
                raise RetentionError(gettext(
                        'cae_members.msg_retention_not_due',
                        due=record.rec_name))
            by_retention[record.retention].append(record.person.id)
        for retention, people in by_retention.items():
            retention.erase(people, today)
        cls.write(dues, {
                'erased_on': today,
                'erased_by': Transaction().user,
                })
