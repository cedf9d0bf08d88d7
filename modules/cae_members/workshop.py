# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

import datetime as dt
from collections import Counter, defaultdict

from dateutil import tz
from sql import Null, Window
from sql.aggregate import Count
from sql.functions import RowNumber
from sql.operators import Equal

from trytond.i18n import gettext
from trytond.model import (
    Check, DeactivableMixin, Exclude, Index, ModelSQL, ModelView, Workflow,
    fields)
from trytond.pool import Pool
from trytond.pyson import Bool, Eval, Id, If, Or
from trytond.report import Report
from trytond.tools import slugify
from trytond.transaction import Transaction, without_check_access

from .exceptions import SessionError
from .model import own_entrepreneur
from .support import company_lines


class Workshop(DeactivableMixin, ModelSQL, ModelView):
    "What is offered to many at once: training, information, meetings"
    __name__ = 'cae.workshop'
    __string__ = "Workshop"

    name = fields.Char("Name", required=True)
    company = fields.Many2One(
        'company.company', "Company", required=True, ondelete='RESTRICT',
        states={
            'readonly': Eval('id', -1) >= 0,
            })
    kind = fields.Selection([
            ('workshop', "Workshop"),
            ('professional', "Professional Workshop"),
            ('information', "Information Session"),
            ('meeting', "Monthly Meeting"),
            ], "Kind", required=True, sort=False,
        help="Workshop: training in management (atelier).\n"
        "Professional Workshop: a collective action of a trade (atelier "
        "professionnel).\n"
        "Information Session: open to people who are no entrepreneurs yet "
        "(réunion d'information collective).\n"
        "Monthly Meeting: of all the entrepreneurs (réunion mensuelle).")
    description = fields.Text("Description")
    leaders = fields.Many2Many(
        'cae.workshop-party.party', 'workshop', 'party', "Leaders",
        context={
            'company': Eval('company', -1),
            },
        depends={'company'},
        help="Who leads the sessions, of the staff or from outside "
        "(animateurs).")
    funded_action = fields.Many2One(
        'cae.funded_action', "Funded Action", ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        help="The action whose funder pays for the sessions.")
    sessions = fields.One2Many('cae.workshop.session', 'workshop', "Sessions")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_indexes.add(Index(t, (t.company, Index.Range())))
        cls._order.insert(0, ('name', 'ASC'))

    @classmethod
    def default_company(cls):
        return Transaction().context.get('company')

    @classmethod
    def default_kind(cls):
        return 'workshop'

    def _zone(self):
        return tz.gettz(self.company.timezone or 'UTC')

    def local(self, moment):
        "Return the moment, in UTC, as the clock of the company shows it"
        return moment.replace(tzinfo=tz.UTC).astimezone(
            self._zone()).replace(tzinfo=None)

    def utc(self, moment):
        "Return the moment, as the clock of the company shows it, in UTC"
        return moment.replace(tzinfo=self._zone()).astimezone(
            tz.UTC).replace(tzinfo=None)

    @classmethod
    def copy(cls, workshops, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('sessions')
        return super().copy(workshops, default=default)


class WorkshopLeader(ModelSQL):
    __name__ = 'cae.workshop-party.party'
    __string__ = "Workshop - Leader"

    workshop = fields.Many2One(
        'cae.workshop', "Workshop", required=True, ondelete='CASCADE')
    party = fields.Many2One(
        'party.party', "Party", required=True, ondelete='RESTRICT')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('workshop')


class Session(Workflow, ModelSQL, ModelView):
    """A workshop at a place and time, with those who registered for it.

    While it is planned only the staff registers people; once open,
    entrepreneurs register themselves. Who finds no place left waits for one.
    """
    __name__ = 'cae.workshop.session'
    __string__ = "Workshop Session"

    _states = {
        'readonly': Eval('state').in_(['done', 'cancelled']),
        }

    workshop = fields.Many2One(
        'cae.workshop', "Workshop", required=True, ondelete='RESTRICT',
        states=_states)
    company = fields.Function(
        fields.Many2One('company.company', "Company"),
        'on_change_with_company', searcher='search_company')
    kind = fields.Function(
        fields.Selection('get_kinds', "Kind"),
        'on_change_with_kind', searcher='search_kind')
    kind_string = kind.translated('kind')
    start = fields.DateTime(
        "Start", format='%H:%M', required=True,
        domain=[
            If(Eval('start') & Eval('end'),
                ('start', '<', Eval('end')),
                ()),
            ],
        states=_states)
    end = fields.DateTime(
        "End", format='%H:%M', required=True,
        domain=[
            If(Eval('start') & Eval('end'),
                ('end', '>', Eval('start')),
                ()),
            ],
        states=_states)
    date = fields.Date(
        "Date", readonly=True,
        help="The day of the start in the time zone of the company.")
    place = fields.Char("Place", states=_states)
    places = fields.Integer(
        "Places",
        domain=['OR',
            ('places', '=', None),
            ('places', '>=', 0),
            ],
        states=_states,
        help="How many people can take part.\n"
        "Leave empty for no limit.")
    free_places = fields.Function(
        fields.Integer("Free Places"), 'get_places')
    registered = fields.Function(
        fields.Integer(
            "Registered",
            help="How many people have or had a place."),
        'get_places')
    waiting = fields.Function(
        fields.Integer(
            "Waiting",
            help="How many people wait for a place."),
        'get_places')
    my_state = fields.Function(
        fields.Selection('get_my_states', "My Registration"),
        'get_my_registration')
    my_position = fields.Function(
        fields.Integer(
            "My Position",
            states={
                'invisible': Eval('my_state') != 'waiting',
                },
            help="The position of the user in the waiting list (liste "
            "d'attente): 1 is the next who gets a place."),
        'get_my_registration')
    registrations = fields.One2Many(
        'cae.workshop.registration', 'session', "Registrations",
        order=[('id', 'ASC')])
    notes = fields.Text(
        "Notes",
        help="The notes of the session, for instance of a monthly meeting; "
        "the entrepreneurs can read them.")
    state = fields.Selection([
            ('planned', "Planned"),
            ('open', "Open"),
            ('done', "Done"),
            ('cancelled', "Cancelled"),
            ], "State", required=True, readonly=True, sort=False,
        help="Entrepreneurs register themselves while the session is open.")

    del _states

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_indexes.update({
                Index(t, (t.workshop, Index.Range())),
                Index(t, (t.start, Index.Range())),
                })
        cls._order = [('start', 'DESC'), ('id', 'DESC')]
        cls._transitions |= {
            ('planned', 'open'),
            ('open', 'planned'),
            ('planned', 'done'),
            ('open', 'done'),
            ('planned', 'cancelled'),
            ('open', 'cancelled'),
            }
        taking_place = Eval('state').in_(['planned', 'open'])
        cls._buttons.update({
                'open': {
                    'invisible': Eval('state') != 'planned',
                    'depends': ['state'],
                    },
                'close': {
                    'invisible': Eval('state') != 'open',
                    'depends': ['state'],
                    },
                'cancel': {
                    'invisible': ~taking_place,
                    'depends': ['state'],
                    },
                'attend': {
                    'invisible': ~taking_place,
                    'depends': ['state'],
                    },
                'do': {
                    'invisible': ~taking_place,
                    'depends': ['state'],
                    },
                'register': {
                    'invisible': (
                        (Eval('state') != 'open') | Bool(Eval('my_state'))),
                    'depends': ['state', 'my_state'],
                    },
                'give_up': {
                    'invisible': (~taking_place
                        | ~Eval('my_state').in_(['registered', 'waiting'])),
                    'depends': ['state', 'my_state'],
                    },
                })

    @classmethod
    def view_attributes(cls):
        # Only entrepreneurs register themselves
        entrepreneur = Id('cae_members', 'group_entrepreneur')
        # The columns are evaluated in the context, not in a record
        staff = ~Eval('groups', []).contains(entrepreneur)
        groups = Eval('context', {}).get('groups', [])
        return super().view_attributes() + [
            ('/tree/field[@name="my_state"]', 'tree_invisible', staff, []),
            ('/tree/field[@name="my_position"]', 'tree_invisible', staff, []),
            ('/tree/button[@name="register"]', 'tree_invisible', staff, []),
            ('/tree/button[@name="give_up"]', 'tree_invisible', staff, []),
            ('/form//group[@id="my_registration"]', 'states', {
                    'invisible': ~groups.contains(entrepreneur),
                    }, []),
            ('/form//group[@id="buttons"]', 'states', {
                    'invisible': groups.contains(entrepreneur) & ~Or(*(
                            groups.contains(Id('cae_members', f'group_{name}'))
                            for name in [
                                'advisor', 'advisor_all', 'administrator'])),
                    }, []),
            ]

    @classmethod
    def default_state(cls):
        return 'planned'

    @fields.depends('workshop', '_parent_workshop.company')
    def on_change_with_company(self, name=None):
        return self.workshop.company if self.workshop else None

    @classmethod
    def search_company(cls, name, clause):
        return [('workshop.' + clause[0], *clause[1:])]

    @classmethod
    def get_kinds(cls):
        Workshop = Pool().get('cae.workshop')
        return [
            (None, ""),
            *Workshop.fields_get(['kind'])['kind']['selection']]

    @fields.depends('workshop', '_parent_workshop.kind')
    def on_change_with_kind(self, name=None):
        return self.workshop.kind if self.workshop else None

    @classmethod
    def search_kind(cls, name, clause):
        return [('workshop.' + clause[0], *clause[1:])]

    def get_rec_name(self, name):
        lang = Pool().get('ir.lang').get()
        start = lang.strftime(self.local(self.start), f'{lang.date} %H:%M')
        return f'{self.workshop.rec_name} – {start}'

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('workshop.rec_name', *clause[1:])]

    @property
    def participants(self):
        "The registrations that have or had a place, by name"
        Registration = Pool().get('cae.workshop.registration')
        return sorted(
            (r for r in self.registrations if r.state in Registration.TAKING),
            key=lambda r: slugify(r.name).casefold())

    def local(self, moment):
        "Return the moment, in UTC, as the clock of the company shows it"
        return self.workshop.local(moment)

    @classmethod
    def get_places(cls, sessions, names):
        pool = Pool()
        Registration = pool.get('cae.workshop.registration')
        cursor = Transaction().connection.cursor()
        registration = Registration.__table__()
        counts = Counter()
        cursor.execute(*registration.select(
                registration.session, registration.state,
                Count(registration.id),
                where=fields.SQL_OPERATORS['in'](
                    registration.session, [s.id for s in sessions]),
                group_by=[registration.session, registration.state]))
        for id_, state, count in cursor:
            counts[id_, state] = count
        result = defaultdict(dict)
        for session in sessions:
            registered = sum(
                counts[session.id, s] for s in Registration.TAKING)
            result['registered'][session.id] = registered
            result['waiting'][session.id] = counts[session.id, 'waiting']
            result['free_places'][session.id] = (
                max(session.places - registered, 0)
                if session.places is not None else None)
        return {n: result[n] for n in names}

    @classmethod
    def get_my_states(cls):
        Registration = Pool().get('cae.workshop.registration')
        return [
            (None, ""),
            *Registration.fields_get(['state'])['state']['selection']]

    @classmethod
    def get_my_registration(cls, sessions, names):
        pool = Pool()
        Registration = pool.get('cae.workshop.registration')
        result = {n: dict.fromkeys(map(int, sessions)) for n in names}
        for registration in Registration.search([
                    ('session', 'in', [s.id for s in sessions]),
                    ('entrepreneur.user', '=', Transaction().user),
                    ('state', '!=', 'cancelled'),
                    ], order=[]):
            for name in names:
                result[name][registration.session.id] = getattr(
                    registration, name[len('my_'):])
        return result

    @classmethod
    def fill(cls, sessions):
        """Give the free places to those who wait, first come first served.

        The sessions stay locked until the end of the transaction, so that
        two who register at once never take the same place.
        """
        pool = Pool()
        Registration = pool.get('cae.workshop.registration')
        sessions = list(dict.fromkeys(sessions))
        cls.lock(sessions)
        with without_check_access():
            waiting = Registration.search([
                    ('session', 'in', sessions),
                    ('session.state', 'in', ['planned', 'open']),
                    ('state', '=', 'waiting'),
                    ], order=[('id', 'ASC')])
            free = cls.get_places(
                cls.browse(sessions), ['free_places'])['free_places']
            placed = []
            for registration in waiting:
                session = registration.session.id
                if free[session] is None:
                    placed.append(registration)
                elif free[session]:
                    free[session] -= 1
                    placed.append(registration)
            if placed:
                Registration.write(placed, {'state': 'registered'})
                Registration.notify_placed(placed)

    @classmethod
    def create(cls, vlist):
        # The registrations that come with a session ask for its lock before
        # it counts as new; as nobody else sees it, its places wait until then
        with Transaction().set_context(_cae_fill=False):
            sessions = super().create(vlist)
        cls.fill(sessions)
        return sessions

    @classmethod
    def on_modification(cls, mode, sessions, field_names=None):
        super().on_modification(mode, sessions, field_names=field_names)
        if mode == 'create' or mode == 'write' and field_names & {
                'start', 'workshop'}:
            cls._set_dates(sessions)
        if mode == 'write' and 'places' in field_names:
            cls.fill(sessions)

    @classmethod
    def _set_dates(cls, sessions):
        "Set the days on which the sessions start for the company"
        by_date = defaultdict(list)
        for session in sessions:
            date = session.local(session.start).date()
            if session.date != date:
                by_date[date].append(session)
        if by_date:
            cls.write(*sum((
                        [sessions, {'date': date}]
                        for date, sessions in by_date.items()), []))

    @classmethod
    def copy(cls, sessions, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('registrations')
        default.setdefault('notes')
        return super().copy(sessions, default=default)

    @classmethod
    @ModelView.button
    @Workflow.transition('open')
    def open(cls, sessions):
        "Let entrepreneurs register themselves"

    @classmethod
    @ModelView.button
    @Workflow.transition('planned')
    def close(cls, sessions):
        "Stop that entrepreneurs register themselves"

    @classmethod
    @ModelView.button
    @Workflow.transition('cancelled')
    def cancel(cls, sessions):
        "Cancel the sessions; the registrations stay as they are"

    @classmethod
    @ModelView.button
    def attend(cls, sessions):
        "Record that everybody with a place was there"
        pool = Pool()
        Registration = pool.get('cae.workshop.registration')
        cls._check_started(sessions)
        Registration.write(Registration.search([
                    ('session', 'in', sessions),
                    ('state', '=', 'registered'),
                    ], order=[]), {'state': 'attended'})

    @classmethod
    @ModelView.button
    @Workflow.transition('done')
    def do(cls, sessions):
        """Finish the sessions, once the attendance is recorded.

        Who still waits for a place waits no more. Raise SessionError when
        one lies ahead or somebody's attendance is missing.
        """
        pool = Pool()
        Registration = pool.get('cae.workshop.registration')
        cls._check_started(sessions)
        registrations = Registration.search([
                ('session', 'in', sessions),
                ('state', 'in', ['registered', 'waiting']),
                ], order=[('state', 'ASC'), ('id', 'ASC')])
        for registration in registrations:
            if registration.state == 'registered':
                raise SessionError(gettext(
                        'cae_members.msg_session_no_attendance',
                        session=registration.session.rec_name,
                        name=registration.name))
        Registration.write(registrations, {'state': 'cancelled'})

    @classmethod
    def _check_started(cls, sessions):
        now = dt.datetime.now(dt.timezone.utc).replace(tzinfo=None)
        for session in sessions:
            if session.start > now:
                raise SessionError(gettext(
                        'cae_members.msg_session_future',
                        session=session.rec_name))

    @classmethod
    @ModelView.button
    def register(cls, sessions):
        """Register the entrepreneur of the user for the sessions.

        Who finds no place left waits for one. Raise SessionError when the
        user is no entrepreneur of the company.
        """
        pool = Pool()
        Registration = pool.get('cae.workshop.registration')
        cls.lock(sessions)
        companies = {s.company for s in sessions}
        own = {c: own_entrepreneur(c) for c in companies}
        for session in sessions:
            if not own[session.company]:
                raise SessionError(gettext(
                        'cae_members.msg_session_no_entrepreneur',
                        company=session.company.rec_name))
        Registration.create([{
                    'session': s.id,
                    'entrepreneur': own[s.company],
                    } for s in sessions])

    @classmethod
    @ModelView.button
    def give_up(cls, sessions):
        "Give the place of the user's entrepreneur to who waits for it"
        pool = Pool()
        Registration = pool.get('cae.workshop.registration')
        cls.lock(sessions)
        Registration.write(Registration.search([
                    ('session', 'in', sessions),
                    ('entrepreneur.user', '=', Transaction().user),
                    ('state', 'in', ['registered', 'waiting']),
                    ], order=[]), {'state': 'cancelled'})


class Registration(ModelSQL, ModelView):
    """The place of a person in a session, or in its waiting list.

    It is born waiting and gets a place at once when there is one.
    """
    __name__ = 'cae.workshop.registration'
    __string__ = "Workshop Registration"

    # The states that take or took a place
    TAKING = ['registered', 'attended', 'absent']

    session = fields.Many2One(
        'cae.workshop.session', "Session", required=True, ondelete='CASCADE',
        states={
            'readonly': Eval('id', -1) >= 0,
            })
    company = fields.Function(
        fields.Many2One('company.company', "Company"),
        'on_change_with_company', searcher='search_company')
    kind = fields.Function(
        fields.Selection('get_kinds', "Kind"), 'on_change_with_kind')
    entrepreneur = fields.Many2One(
        'cae.entrepreneur', "Entrepreneur", ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        states={
            'required': Eval('kind') != 'information',
            })
    party = fields.Many2One(
        'party.party', "Party", ondelete='RESTRICT',
        context={
            'company': Eval('company', -1),
            },
        states={
            'invisible': Eval('kind') != 'information',
            },
        depends={'company'},
        help="The visitor who is no entrepreneur yet, when known.")
    visitor = fields.Char(
        "Visitor",
        states={
            'invisible': Eval('kind') != 'information',
            },
        help="The name of a visitor who is no party yet.")
    name = fields.Function(
        fields.Char("Name"), 'get_name', searcher='search_name')
    position = fields.Function(
        fields.Integer(
            "Position",
            help="The position in the waiting list (liste d'attente): 1 is "
            "the next who gets a place."),
        'get_position')
    state = fields.Selection([
            ('registered', "Registered"),
            ('waiting', "Waiting"),
            ('attended', "Attended"),
            ('excused', "Excused"),
            ('absent', "Absent"),
            ('cancelled', "Cancelled"),
            ], "State", required=True, sort=False)
    arrival = fields.DateTime(
        "Arrival", format='%H:%M',
        domain=[
            If(Eval('arrival') & Eval('leave'),
                ('arrival', '<', Eval('leave')),
                ()),
            ],
        states={
            'readonly': Eval('state') != 'attended',
            },
        help="Leave empty for the start of the session.")
    leave = fields.DateTime(
        "Leave", format='%H:%M',
        domain=[
            If(Eval('arrival') & Eval('leave'),
                ('leave', '>', Eval('arrival')),
                ()),
            ],
        states={
            'readonly': Eval('state') != 'attended',
            },
        help="Leave empty for the end of the session.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('person', Check(t,
                    (t.entrepreneur != Null)
                    | (t.party != Null)
                    | (t.visitor != Null)),
                'cae_members.msg_registration_person'),
            ('entrepreneur_once',
                Exclude(t, (t.session, Equal), (t.entrepreneur, Equal),
                    where=t.state != 'cancelled'),
                'cae_members.msg_registration_once'),
            ]
        cls._sql_indexes.update({
                Index(t, (t.session, Index.Range())),
                Index(t, (t.entrepreneur, Index.Range())),
                })
        cls._order = [('session.start', 'DESC'), ('id', 'ASC')]

    @classmethod
    def default_state(cls):
        return 'waiting'

    @fields.depends('session', '_parent_session.company')
    def on_change_with_company(self, name=None):
        return self.session.company if self.session else None

    @classmethod
    def search_company(cls, name, clause):
        return [('session.' + clause[0], *clause[1:])]

    @classmethod
    def get_kinds(cls):
        return Pool().get('cae.workshop.session').get_kinds()

    @fields.depends('session', '_parent_session.kind')
    def on_change_with_kind(self, name=None):
        return self.session.kind if self.session else None

    def get_rec_name(self, name):
        return f'{self.name} – {self.session.rec_name}'

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('session.rec_name', *clause[1:])]

    def get_name(self, name):
        person = self.entrepreneur or self.party
        return person.rec_name if person else self.visitor

    @classmethod
    def search_name(cls, name, clause):
        return ['OR',
            ('entrepreneur.rec_name', *clause[1:]),
            ('party.rec_name', *clause[1:]),
            ('visitor', *clause[1:]),
            ]

    @classmethod
    def get_position(cls, registrations, name):
        cursor = Transaction().connection.cursor()
        table = cls.__table__()
        result = dict.fromkeys(map(int, registrations))
        # The rank counts also those that are not asked for
        ranks = table.select(
            table.id,
            RowNumber(window=Window([table.session], order_by=[table.id])
                ).as_('rank'),
            where=(table.state == 'waiting')
            & fields.SQL_OPERATORS['in'](
                table.session, list({r.session.id for r in registrations})))
        cursor.execute(*ranks.select(ranks.id, ranks.rank,
                where=fields.SQL_OPERATORS['in'](ranks.id, list(result))))
        result.update(cursor)
        return result

    @classmethod
    def validate_fields(cls, registrations, field_names):
        super().validate_fields(registrations, field_names)
        if field_names is None or field_names & {'state', 'session'}:
            cls.check_places(registrations)

    @classmethod
    def check_places(cls, registrations):
        """Check that no more people have a place than there are places.

        What happened is recorded all the same: it is not checked for who
        came without a place.
        """
        Session = Pool().get('cae.workshop.session')
        sessions = Session.browse(list(dict.fromkeys(
                    r.session.id for r in registrations
                    if r.state == 'registered')))
        registered = Session.get_places(
            sessions, ['registered'])['registered']
        for session in sessions:
            if (session.places is not None
                    and registered[session.id] > session.places):
                raise SessionError(gettext(
                        'cae_members.msg_session_full',
                        session=session.rec_name))

    @classmethod
    def notify_placed(cls, registrations):
        "Tell the entrepreneurs that others gave a place to"
        for registration in registrations:
            entrepreneur = registration.entrepreneur
            user = entrepreneur.user if entrepreneur else None
            if user and user.id != Transaction().user:
                language = user.language.code if user.language else None
                with Transaction().set_context(language=language):
                    cls.notify_user(
                        [registration], 'tryton-cae-workshop',
                        gettext('cae_members.msg_registration_placed',
                            session=registration.session.rec_name),
                        user=user)

    @classmethod
    def on_modification(cls, mode, registrations, field_names=None):
        Session = Pool().get('cae.workshop.session')
        super().on_modification(mode, registrations, field_names=field_names)
        if not Transaction().context.get('_cae_fill', True):
            return
        if mode == 'create' or mode == 'write' and 'state' in field_names:
            Session.fill([r.session for r in registrations])

    @classmethod
    def on_delete(cls, registrations):
        Session = Pool().get('cae.workshop.session')
        callback = super().on_delete(registrations)
        sessions = Session.browse(
            list(dict.fromkeys(r.session.id for r in registrations)))
        callback.append(lambda: Session.fill(sessions))
        return callback

    @classmethod
    def copy(cls, registrations, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('state', 'waiting')
        default.setdefault('arrival')
        default.setdefault('leave')
        return super().copy(registrations, default=default)


class AttendanceSheet(Report):
    "The sheet on which each participant signs (feuille d'émargement)"
    __name__ = 'cae.workshop.session.attendance'

    @classmethod
    def get_context(cls, records, header, data):
        context = super().get_context(records, header, data)
        context['company_lines'] = company_lines
        return context
