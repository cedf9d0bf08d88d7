# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The legal clock: what the law wants next of each person, and by when."""
import datetime as dt
from collections import defaultdict

from trytond.i18n import gettext
from trytond.model import Index, ModelSQL, ModelView, Unique, Workflow, fields
from trytond.pool import Pool
from trytond.pyson import Eval
from trytond.transaction import Transaction, without_check_access

from . import delay
from .exceptions import DeadlineError
from .model import AdvisorMixin, ChangeableMixin

KINDS = [
    ('contract', "End of Contract"),
    ('limit', "End of Support"),
    ('trial', "End of Trial"),
    ('membership', "Membership"),
    ('interview', "Interview"),
    ('benefit', "End of Benefit"),
    ('paper', "Paper Expires"),
    ]
# How many days before the date somebody is reminded
NOTICES = {
    'contract': [60, 30],
    'limit': [90, 30],
    'trial': [15],
    'membership': [180, 90, 30],
    'interview': [30],
    'benefit': [90, 60, 30],
    'paper': [60, 30],
    }


class Deadline(AdvisorMixin, ChangeableMixin, Workflow, ModelSQL, ModelView):
    """A legal date of a person, with what to do by then.

    The dates follow from contracts, interviews and social records: they are
    made, moved and removed when those change and once a day. Staff only says
    that one is dealt with.
    """
    __name__ = 'cae.deadline'
    __string__ = "Deadline"

    company = fields.Many2One(
        'company.company', "Company", required=True, readonly=True,
        ondelete='CASCADE')
    entrepreneur = fields.Many2One(
        'cae.entrepreneur', "Entrepreneur", required=True, readonly=True,
        ondelete='CASCADE')
    contract = fields.Many2One(
        'cae.contract', "Contract", readonly=True, ondelete='CASCADE')
    kind = fields.Selection(
        KINDS, "Deadline", required=True, readonly=True, sort=False)
    kind_string = kind.translated('kind')
    # The calendar of the client shows the value of a selection, not its name
    kind_name = fields.Function(fields.Char("Deadline"), 'get_kind_name')
    date = fields.Date("Date", required=True, readonly=True)
    what = fields.Function(fields.Text("What to Do"), 'get_what')
    days = fields.Function(
        fields.Integer("Days Left", help="Negative once the date is past."),
        'on_change_with_days')
    color = fields.Function(fields.Char("Color"), 'on_change_with_color')
    note = fields.Text(
        "Note",
        states={
            'readonly': Eval('state') != 'open',
            },
        help="What was done or agreed about it.")
    reminders = fields.One2Many(
        'cae.deadline.reminder', 'deadline', "Reminders", readonly=True)
    state = fields.Selection([
            ('open', "Open"),
            ('done', "Dealt With"),
            ], "State", required=True, readonly=True, sort=False)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('fact_unique',
                Unique(t, t.entrepreneur, t.kind, t.contract, t.date),
                'cae_members.msg_deadline_unique'),
            ]
        cls._sql_indexes.update({
                Index(t, (t.entrepreneur, Index.Range())),
                Index(t, (t.company, Index.Range()), (t.date, Index.Range()),
                    where=t.state == 'open'),
                })
        cls._order = [('date', 'ASC'), ('id', None)]
        cls._transitions |= {('open', 'done'), ('done', 'open')}
        cls._buttons.update({
                'deal_with': {
                    'invisible': Eval('state') != 'open',
                    'depends': ['state'],
                    },
                'open_again': {
                    'invisible': Eval('state') != 'done',
                    'depends': ['state'],
                    },
                'end_contract': {
                    'invisible': (
                        (Eval('state') != 'open')
                        | (Eval('kind') != 'membership')
                        | (Eval('days', 0) > 0)),
                    'depends': ['state', 'kind', 'days'],
                    },
                })

    @classmethod
    def default_state(cls):
        return 'open'

    def get_kind_name(self, name):
        return self.kind_string

    @classmethod
    def get_what(cls, deadlines, name):
        texts = {
            kind: gettext(f'cae_members.msg_deadline_{kind}')
            for kind in {d.kind for d in deadlines}}
        return {d.id: texts[d.kind] for d in deadlines}

    @fields.depends('date')
    def on_change_with_days(self, name=None):
        if self.date:
            return (self.date - Pool().get('ir.date').today()).days

    @fields.depends('state', methods=['on_change_with_days'])
    def on_change_with_color(self, name=None):
        days = self.on_change_with_days()
        if self.state == 'done' or days is None:
            return 'lightgray'
        if days < 0:
            return 'indianred'
        return 'orange' if days <= 30 else 'steelblue'

    def get_rec_name(self, name):
        lang = Pool().get('ir.lang').get()
        return (f'{self.entrepreneur.rec_name} – {self.kind_string} – '
            f'{lang.strftime(self.date)}')

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('entrepreneur.rec_name', *clause[1:])]

    @classmethod
    @ModelView.button
    @Workflow.transition('done')
    def deal_with(cls, deadlines):
        pass

    @classmethod
    @ModelView.button
    @Workflow.transition('open')
    def open_again(cls, deadlines):
        pass

    @classmethod
    @ModelView.button
    def end_contract(cls, deadlines):
        """End the contracts of those who are no associates in time.

        They end by law on that day (Code du travail, art. L7331-3), but
        somebody says so, for the admission may not be recorded yet. Raise
        DeadlineError before the day, or when the person is an associate.
        """
        pool = Pool()
        Contract = pool.get('cae.contract')
        Date = pool.get('ir.date')
        today = Date.today()
        with without_check_access():
            due = cls.due({d.entrepreneur.id for d in deadlines}, today)
        contracts = []
        for deadline in deadlines:
            contract = deadline.contract
            key = (deadline.entrepreneur.id, 'membership', int(contract or -1))
            if (deadline.kind != 'membership'
                    or deadline.date > today
                    or due.get(key) != deadline.date):
                raise DeadlineError(gettext(
                        'cae_members.msg_deadline_no_end',
                        deadline=deadline.rec_name))
            contract.end_date = deadline.date
            contract.end_reason = 'not_associate'
            contracts.append(contract)
        # Once dealt with they are kept
        cls.deal_with(deadlines)
        Contract.save(contracts)
        Contract.end(contracts)

    @classmethod
    def due(cls, entrepreneurs, date):
        """Return the legal dates of the entrepreneurs as known at the date.

        The result is {(entrepreneur id, kind, contract id or None): date}.
        Who has left has none. One query per table for all.
        """
        pool = Pool()
        Contract = pool.get('cae.contract')
        Entrepreneur = pool.get('cae.entrepreneur')
        Interview = pool.get('cae.interview')
        Paper = pool.get('cae.paper')
        result = {}
        entrepreneurs = [
            e for e in Entrepreneur.browse(entrepreneurs)
            if not e.exit_date or e.exit_date >= date]
        for entrepreneur in entrepreneurs:
            if entrepreneur.benefit and entrepreneur.benefit_end_date:
                result[entrepreneur.id, 'benefit', None] = (
                    entrepreneur.benefit_end_date)
        expiries = Paper.expiries(entrepreneurs)
        for id_, expiry_date in expiries.items():
            result[id_, 'paper', None] = expiry_date
        contracts = Contract.search([
                ('entrepreneur', 'in', [e.id for e in entrepreneurs]),
                ('state', '=', 'signed'),
                ['OR',
                    ('end_date', '=', None),
                    ('end_date', '>=', date),
                    ],
                ], order=[('start_date', 'ASC')])
        associates = Entrepreneur.associate_periods(
            {e.company.id for e in entrepreneurs})
        supported = [c for c in contracts if c.type.interviews]
        held = Interview.held(
            {c.entrepreneur.id for c in supported},
            min((c.start_date for c in supported), default=date), date)
        for contract in contracts:
            id_, type_ = contract.entrepreneur.id, contract.type

            def add(kind, day):
                result[id_, kind, contract.id] = day
            if contract.end_date:
                add('contract', contract.end_date)
            limit = contract.limit_date
            if type_.support_limits and limit != contract.end_date:
                add('limit', limit)
            if contract.trial_end and contract.trial_end >= date:
                add('trial', contract.trial_end)
            since, until = associates.get(id_, (None, None))
            if (contract.membership_deadline
                    and not (since and (not until or until >= date))):
                add('membership', contract.membership_deadline)
            if type_.interviews and contract.start_date <= date:
                add('interview', delay.interview_due(
                        contract.start_date, held[id_], date,
                        type_.interviews))
        return result

    @classmethod
    def refresh(cls, entrepreneurs):
        """Make the deadlines of the entrepreneurs what their facts say.

        Those that no fact gives any more are removed, unless somebody dealt
        with them.
        """
        pool = Pool()
        Date = pool.get('ir.date')
        Entrepreneur = pool.get('cae.entrepreneur')
        ids = list({int(e) for e in entrepreneurs})
        if not ids:
            return
        with without_check_access():
            due = cls.due(ids, Date.today())
            companies = {
                e.id: e.company.id for e in Entrepreneur.browse(ids)}
            to_write, to_delete = defaultdict(list), []
            for deadline in cls.search([
                        ('entrepreneur', 'in', ids),
                        ], order=[('state', 'ASC')]):
                contract = deadline.contract
                key = (deadline.entrepreneur.id, deadline.kind,
                    contract.id if contract else None)
                if due.get(key) == deadline.date:
                    del due[key]
                elif deadline.state == 'open':
                    if key in due:
                        to_write[due.pop(key)].append(deadline)
                    else:
                        to_delete.append(deadline)
            if to_write:
                cls.write(*sum((
                            [deadlines, {'date': date}]
                            for date, deadlines in to_write.items()), []))
            cls.delete(to_delete)
            cls.create([{
                        'company': companies[id_],
                        'entrepreneur': id_,
                        'kind': kind,
                        'contract': contract,
                        'date': date,
                        } for (id_, kind, contract), date in due.items()])

    @classmethod
    def remind(cls):
        """Refresh the deadlines and remind of those that come near.

        Called once a day, for the company of the context or all of them. The
        reminder of a notice is made once, also when a day was left out.
        """
        Company = Pool().get('company.company')
        company = Transaction().context.get('company')
        companies = (
            Company.search([]) if company is None else [Company(company)])
        for company in companies:
            with Transaction().set_context(company=company.id):
                cls._remind(company.id)

    @classmethod
    def _remind(cls, company):
        pool = Pool()
        Date = pool.get('ir.date')
        Entrepreneur = pool.get('cae.entrepreneur')
        Reminder = pool.get('cae.deadline.reminder')
        today = Date.today()
        cls.refresh(Entrepreneur.search([
                    ('company', '=', company),
                    ['OR',
                        ('exit_date', '=', None),
                        ('exit_date', '>=', today),
                        ],
                    ]))
        to_create = []
        for deadline in cls.search([
                    ('company', '=', company),
                    ('state', '=', 'open'),
                    ('date', '<=', today + dt.timedelta(
                            days=max(sum(NOTICES.values(), [])))),
                    ]):
            # The notices that are near, the nearest counts
            near = [n for n in NOTICES[deadline.kind] if deadline.days <= n]
            done = {
                r.notice for r in deadline.reminders
                if r.deadline_date == deadline.date}
            if near and min(near) not in done:
                to_create.append({
                        'deadline': deadline.id,
                        'deadline_date': deadline.date,
                        'date': today,
                        'notice': min(near),
                        })
        Reminder.notify(Reminder.create(to_create))


class Reminder(ModelSQL, ModelView):
    "That somebody was reminded of a deadline"
    __name__ = 'cae.deadline.reminder'
    __string__ = "Deadline Reminder"

    deadline = fields.Many2One(
        'cae.deadline', "Deadline", required=True, readonly=True,
        ondelete='CASCADE')
    date = fields.Date("Date", required=True, readonly=True)
    deadline_date = fields.Date(
        "Deadline Date", required=True, readonly=True,
        help="The date of the deadline at that time.")
    notice = fields.Integer("Notice", required=True, readonly=True,
        help="How many days before the deadline the reminder was due.")
    advisor = fields.Function(
        fields.Many2One('company.employee', "Advisor"), 'get_recipient')
    person = fields.Function(
        fields.Many2One('party.party', "Person"), 'get_recipient')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('deadline')
        cls._order = [('date', 'DESC'), ('id', 'DESC')]

    @classmethod
    def get_recipient(cls, reminders, names):
        result = {name: {} for name in names}
        for reminder in reminders:
            entrepreneur = reminder.deadline.entrepreneur
            for name in names:
                record = (
                    entrepreneur.advisor if name == 'advisor'
                    else entrepreneur.party)
                result[name][reminder.id] = record.id if record else None
        return result

    @classmethod
    def notify(cls, reminders):
        "Tell the advisors in the client, those that have a user"
        pool = Pool()
        Deadline = pool.get('cae.deadline')
        User = pool.get('res.user')
        by_advisor = defaultdict(list)
        for reminder in reminders:
            if reminder.advisor:
                by_advisor[reminder.advisor.id].append(reminder.deadline)
        for user in User.search([
                    ('employees', 'in', list(by_advisor)),
                    ]):
            deadlines = sum(
                (by_advisor.get(e.id, []) for e in user.employees), [])
            Deadline.notify_user(
                deadlines, 'tryton-cae-deadline',
                gettext('cae_members.msg_deadline_reminder',
                    count=len(deadlines)),
                user=user)
