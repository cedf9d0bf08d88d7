# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What must be settled before a person leaves or an activity closes."""
import datetime as dt
from collections import defaultdict
from decimal import Decimal

from sql.aggregate import Sum

from trytond.i18n import gettext
from trytond.model import (
    DeactivableMixin, Index, ModelSQL, ModelView, Unique, Workflow, fields,
    sequence_ordered)
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Bool, Eval
from trytond.transaction import (
    Transaction, check_access, inactive_records, without_check_access)

from .entrepreneur import EXIT_REASONS, OUTCOMES
from .exceptions import (
    ActivityAccessError, SettlementAccessError, SettlementError,
    SettlementValidationError)
from .query import fetch

CLOSING_REASONS = [
    ('exit', "Exit of the Holder"),
    ('given_up', "Given Up"),
    ('taken_over', "Taken over by Another Activity"),
    ('other', "Other"),
    ]


class Settlement(Workflow, ModelSQL, ModelView):
    """What must be settled for the exit of a person or to close an activity.

    The facts are found by the system, the steps are checked by hand. To
    confirm it records the exit on the entrepreneur, or closes the activity;
    what stays open then is followed here.
    """
    __name__ = 'cae.settlement'
    __string__ = "Settlement"

    _states = {
        'readonly': Eval('state') != 'draft',
        }

    company = fields.Many2One(
        'company.company', "Company", required=True, ondelete='RESTRICT',
        states={
            'readonly': Eval('id', -1) >= 0,
            })
    entrepreneur = fields.Many2One(
        'cae.entrepreneur', "Entrepreneur", ondelete='CASCADE',
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        states={
            'readonly': Eval('id', -1) >= 0,
            'required': ~Eval('activity'),
            'invisible': Bool(Eval('activity')),
            },
        help="Who leaves the cooperative.")
    activity = fields.Many2One(
        'cae.activity', "Activity", ondelete='CASCADE',
        domain=[
            ('company', '=', Eval('company', -1)),
            ('kind', '=', 'business'),
            ],
        states={
            'readonly': Eval('id', -1) >= 0,
            'required': ~Eval('entrepreneur'),
            'invisible': Bool(Eval('entrepreneur')),
            },
        help="The activity that closes.")
    advisor = fields.Function(
        fields.Many2One('company.employee', "Advisor"),
        'on_change_with_advisor', searcher='search_advisor')
    date = fields.Date(
        "Date", required=True, states=_states,
        help="The last day of the person in the cooperative, or of the "
        "activity.")
    outcome = fields.Selection(
        [(None, "")] + OUTCOMES, "Exit Outcome", sort=False,
        states={
            **_states,
            'required': (
                Bool(Eval('entrepreneur')) & (Eval('state') == 'confirmed')),
            'invisible': ~Eval('entrepreneur'),
            },
        help="What the person does after the exit, as it is counted in the "
        "yearly figures.")
    exit_reason = fields.Selection(
        [(None, "")] + EXIT_REASONS, "Exit Reason", sort=False,
        states={
            **_states,
            'required': (
                Bool(Eval('entrepreneur')) & (Eval('state') == 'confirmed')),
            'invisible': ~Eval('entrepreneur'),
            })
    closing_reason = fields.Selection(
        [(None, "")] + CLOSING_REASONS, "Closing Reason", sort=False,
        states={
            **_states,
            'required': (
                Bool(Eval('activity')) & (Eval('state') == 'confirmed')),
            'invisible': ~Eval('activity'),
            })
    note = fields.Text("Note", states=_states)
    facts = fields.One2Many(
        'cae.settlement.fact', 'settlement', "What Must Be Settled",
        readonly=True)
    lines = fields.One2Many('cae.settlement.line', 'settlement', "Steps")
    checked_at = fields.DateTime(
        "Checked At", readonly=True, help="When the facts were looked up.")
    blocking = fields.Function(
        fields.Integer(
            "Blocking", help="How much must be settled before it is "
            "confirmed."),
        'get_counts')
    to_follow = fields.Function(
        fields.Integer(
            "To Follow", help="How much is open without blocking."),
        'get_counts')
    confirmed_on = fields.Date("Confirmed On", readonly=True)
    state = fields.Selection([
            ('draft', "In Preparation"),
            ('confirmed', "Confirmed"),
            ], "State", required=True, readonly=True, sort=False)

    del _states

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('entrepreneur_unique', Unique(t, t.entrepreneur),
                'cae_members.msg_settlement_unique'),
            ('activity_unique', Unique(t, t.activity),
                'cae_members.msg_settlement_unique'),
            ]
        cls._sql_indexes.add(
            Index(t, (t.company, Index.Range()), (t.date, Index.Range())))
        cls._order = [('date', 'DESC'), ('id', 'DESC')]
        cls._transitions |= {('draft', 'confirmed'), ('confirmed', 'draft')}
        cls._buttons.update({
                'check': {},
                'confirm': {
                    'invisible': Eval('state') != 'draft',
                    'depends': ['state'],
                    },
                'take_back': {
                    'invisible': Eval('state') != 'confirmed',
                    'depends': ['state'],
                    },
                })

    @classmethod
    def default_company(cls):
        return Transaction().context.get('company')

    @classmethod
    def default_date(cls):
        return Pool().get('ir.date').today()

    @classmethod
    def default_state(cls):
        return 'draft'

    @fields.depends(
        'entrepreneur', '_parent_entrepreneur.advisor',
        'activity', '_parent_activity.advisor')
    def on_change_with_advisor(self, name=None):
        subject = self.entrepreneur or self.activity
        return subject.advisor if subject else None

    @classmethod
    def search_advisor(cls, name, clause):
        return ['OR',
            ('entrepreneur.' + clause[0], *clause[1:]),
            ('activity.' + clause[0], *clause[1:]),
            ]

    @classmethod
    def get_counts(cls, settlements, names):
        "Return how many facts and steps are open, blocking or not"
        pool = Pool()
        Fact = pool.get('cae.settlement.fact')
        Line = pool.get('cae.settlement.line')
        result = {n: {s.id: 0 for s in settlements} for n in names}
        of = ('settlement', 'in', [s.id for s in settlements])
        for record in [
                *Fact.search([of], order=[]),
                *Line.search([of, ('done', '=', False)], order=[])]:
            name = 'blocking' if record.blocking else 'to_follow'
            if name in result:
                result[name][record.settlement.id] += 1
        return result

    def get_rec_name(self, name):
        return (self.entrepreneur or self.activity).rec_name

    @classmethod
    def search_rec_name(cls, name, clause):
        _, operator, *_ = clause
        if operator.startswith('!') or operator.startswith('not '):
            bool_op = 'AND'
        else:
            bool_op = 'OR'
        return [bool_op,
            ('entrepreneur.rec_name', *clause[1:]),
            ('activity.rec_name', *clause[1:]),
            ]

    @classmethod
    def check_modification(
            cls, mode, settlements, values=None, external=False):
        if mode == 'delete' or mode == 'write' and values.keys() & {
                'company', 'entrepreneur', 'activity', 'date', 'outcome',
                'exit_reason', 'closing_reason'}:
            for settlement in settlements:
                if settlement.state == 'confirmed':
                    raise SettlementAccessError(gettext(
                            'cae_members.msg_settlement_modify',
                            settlement=settlement.rec_name))
        super().check_modification(
            mode, settlements, values=values, external=external)

    @classmethod
    def validate_fields(cls, settlements, field_names):
        super().validate_fields(settlements, field_names)
        for settlement in settlements:
            if settlement.entrepreneur and settlement.activity:
                raise SettlementValidationError(
                    gettext('cae_members.msg_settlement_subject'))

    @classmethod
    def on_modification(cls, mode, settlements, field_names=None):
        super().on_modification(mode, settlements, field_names=field_names)
        if mode == 'create':
            cls._add_lines(settlements)
        if mode == 'create' or mode == 'write' and 'date' in field_names:
            cls._check(settlements)

    @classmethod
    def copy(cls, settlements, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('facts', None)
        default.setdefault('lines', None)
        default.setdefault('confirmed_on', None)
        default.setdefault('state', 'draft')
        return super().copy(settlements, default=default)

    @classmethod
    def _add_lines(cls, settlements):
        "Give the settlements the steps of their kind and contracts"
        pool = Pool()
        Contract = pool.get('cae.contract')
        Line = pool.get('cae.settlement.line')
        Step = pool.get('cae.settlement.step')
        with without_check_access():
            types = defaultdict(set)
            for contract in Contract.search([
                        ('entrepreneur', 'in', [
                                s.entrepreneur.id for s in settlements
                                if s.entrepreneur]),
                        ('state', 'in', ['signed', 'ended']),
                        ], order=[]):
                types[contract.entrepreneur].add(contract.type)
            steps = Step.search([])
            Line.create([{
                        'settlement': settlement.id,
                        'step': step.id,
                        } for settlement in settlements for step in steps
                    if step.kind == (
                        'exit' if settlement.entrepreneur else 'closing')
                    and (not step.contract_types
                        or types[settlement.entrepreneur]
                        & set(step.contract_types))])

    @classmethod
    @ModelView.button
    def check(cls, settlements):
        "Look up again what must be settled"
        cls._check(settlements)

    @classmethod
    def _check(cls, settlements):
        Fact = Pool().get('cae.settlement.fact')
        with without_check_access():
            settlements = cls.browse(settlements)
            Fact.delete(Fact.search([
                        ('settlement', 'in', [s.id for s in settlements]),
                        ]))
            Fact.create(cls._facts(settlements))
            cls.write(settlements, {
                    'checked_at': dt.datetime.now().replace(microsecond=0),
                    })

    @classmethod
    def fact(cls, settlement, message, origin=None, blocking=False, **values):
        """Return the values of a fact of the settlement.

        `message` is the id of what is open and what to do, `values` are its
        arguments, `origin` is the record it is about.
        """
        lang = Pool().get('ir.lang').get()
        values = {
            name: lang.strftime(value) if isinstance(value, dt.date)
            else lang.currency(
                value, settlement.company.currency, grouping=True)
            if isinstance(value, Decimal) else value
            for name, value in values.items()}
        return {
            'settlement': settlement.id,
            'message': gettext(message, **values),
            'origin': str(origin) if origin else None,
            'blocking': blocking,
            }

    @classmethod
    def _facts(cls, settlements):
        """Return the values of what is open, made with `fact`.

        What makes no sense after the date blocks: a contract that runs after
        the exit, an activity held after it. What is paid or refunded later
        does not block an exit, but an activity closes empty.
        A module adds its facts, with one query per table for all the
        settlements.
        """
        exits = cls.exits(settlements)
        return [
            *cls._contract_facts(exits),
            *cls._holding_facts(settlements),
            *cls._support_facts(exits),
            *cls._ledger_facts(exits),
            ]

    @classmethod
    def exits(cls, settlements):
        "Return {entrepreneur id: settlement} of those of an exit"
        return {s.entrepreneur.id: s for s in settlements if s.entrepreneur}

    @classmethod
    def closings(cls, settlements):
        "Return {activity id: settlement} of those of an activity"
        return {s.activity.id: s for s in settlements if s.activity}

    @classmethod
    def activities(cls, settlements):
        """Return {activity id: settlements} to settle with the activity.

        They are the one that closes, and those still open of which the person
        who leaves is the last holder.
        """
        Holder = Pool().get('cae.activity.holder')
        result = defaultdict(list)
        exits = cls.exits(settlements)
        for settlement in settlements:
            if settlement.activity:
                result[settlement.activity.id].append(settlement)
        held = {
            h.activity.id for h in Holder.search([
                    ('entrepreneur', 'in', list(exits)),
                    ('activity.active', '=', True),
                    ], order=[])}
        holders = defaultdict(list)
        for holder in Holder.search(
                [('activity', 'in', list(held))], order=[]):
            holders[holder.activity.id].append(holder)
        for activity, holders_ in holders.items():
            ends = defaultdict(lambda: dt.date.min)
            for holder in holders_:
                id_ = holder.entrepreneur.id
                ends[id_] = max(ends[id_], holder.to_date or dt.date.max)
            for id_, end in ends.items():
                settlement = exits.get(id_)
                if settlement and all(
                        other == id_ or until <= min(end, settlement.date)
                        for other, until in ends.items()):
                    result[activity].append(settlement)
        return result

    @classmethod
    def _contract_facts(cls, exits):
        Contract = Pool().get('cae.contract')
        for contract in Contract.search([
                    ('entrepreneur', 'in', list(exits)),
                    ('state', 'in', ['draft', 'signed', 'ended']),
                    ], order=[('start_date', 'ASC')]):
            settlement = exits[contract.entrepreneur.id]
            end_date = contract.end_date
            if contract.state == 'draft':
                message, blocking = 'msg_settlement_contract_draft', False
            elif not end_date or end_date > settlement.date:
                message, blocking = 'msg_settlement_contract_runs', True
            elif contract.state == 'signed':
                message, blocking = 'msg_settlement_contract_signed', False
            else:
                continue
            yield cls.fact(
                settlement, f'cae_members.{message}', contract, blocking,
                contract=contract.rec_name, date=settlement.date)

    @classmethod
    def _holding_facts(cls, settlements):
        pool = Pool()
        Activity = pool.get('cae.activity')
        Date = pool.get('ir.date')
        Holder = pool.get('cae.activity.holder')
        exits = cls.exits(settlements)
        closings = cls.closings(settlements)
        alone = cls.activities(settlements)
        today = Date.today()
        for settlement in closings.values():
            if settlement.date > today:
                yield cls.fact(
                    settlement, 'cae_members.msg_settlement_not_yet',
                    settlement.activity, True, date=settlement.date)
        running = set()
        for holder in Holder.search(['OR',
                    ('entrepreneur', 'in', list(exits)),
                    ('activity', 'in', list(closings)),
                    ]):
            activity = holder.activity
            settlement = closings.get(activity.id)
            if settlement and holder.from_date > settlement.date:
                yield cls.fact(
                    settlement, 'cae_members.msg_settlement_holder_later',
                    activity, True, holder=holder.entrepreneur.rec_name,
                    activity=activity.rec_name, date=settlement.date)
            settlement = exits.get(holder.entrepreneur.id)
            if settlement and (
                    not holder.to_date or holder.to_date > settlement.date):
                running.add((settlement, activity.id))
                yield cls.fact(
                    settlement,
                    'cae_members.msg_settlement_holds_alone'
                    if settlement in alone.get(activity.id, [])
                    else 'cae_members.msg_settlement_holds_shared',
                    activity, True,
                    activity=activity.rec_name, date=settlement.date)
        for activity in Activity.browse(list(alone)):
            for settlement in alone[activity.id]:
                if (settlement.entrepreneur
                        and (settlement, activity.id) not in running):
                    yield cls.fact(
                        settlement,
                        'cae_members.msg_settlement_activity_open',
                        activity, activity=activity.rec_name)

    @classmethod
    def _support_facts(cls, exits):
        "Yield what was planned with the persons or asked from them"
        pool = Pool()
        Deadline = pool.get('cae.deadline')
        Entrepreneur = pool.get('cae.entrepreneur')
        Interview = pool.get('cae.interview')
        Registration = pool.get('cae.workshop.registration')
        for deadline in Deadline.search([
                    ('entrepreneur', 'in', list(exits)),
                    ('state', '=', 'open'),
                    ]):
            settlement = exits[deadline.entrepreneur.id]
            if deadline.date <= settlement.date:
                yield cls.fact(
                    settlement, 'cae_members.msg_settlement_deadline',
                    deadline, deadline=deadline.kind_string,
                    date=deadline.date)
        for entrepreneur in Entrepreneur.browse(list(exits)):
            if entrepreneur.missing_papers:
                yield cls.fact(
                    exits[entrepreneur.id],
                    'cae_members.msg_settlement_papers', entrepreneur,
                    papers=entrepreneur.missing_papers)
        for interview in Interview.search([
                    ('entrepreneurs', 'in', list(exits)),
                    ('state', '=', 'planned'),
                    ]):
            for entrepreneur in interview.entrepreneurs:
                if settlement := exits.get(entrepreneur.id):
                    yield cls.fact(
                        settlement, 'cae_members.msg_settlement_interview',
                        interview, interview=interview.rec_name)
        for registration in Registration.search([
                    ('entrepreneur', 'in', list(exits)),
                    ('state', 'in', ['registered', 'waiting']),
                    ('session.state', 'in', ['planned', 'open']),
                    ]):
            yield cls.fact(
                exits[registration.entrepreneur.id],
                'cae_members.msg_settlement_registration', registration,
                session=registration.session.rec_name)

    @classmethod
    def _ledger_facts(cls, exits):
        """Yield the accounts on which something stands to the persons.

        Such as advances, expenses, pay, the balance of a CAPE and capital.
        """
        pool = Pool()
        Account = pool.get('account.account')
        AccountType = pool.get('account.account.type')
        Line = pool.get('account.move.line')
        Move = pool.get('account.move')
        account, type_ = Account.__table__(), AccountType.__table__()
        line, move = Line.__table__(), Move.__table__()
        parties = {
            (s.company.id, s.entrepreneur.party.id): s for s in exits.values()}
        amount = Sum(line.debit - line.credit)
        query = line.join(
            move, condition=line.move == move.id
            ).join(account, condition=line.account == account.id
            ).join(type_, condition=account.type == type_.id
            ).select(
                move.company, line.party, account.id,
                amount.as_('amount'),
                where=(move.state == 'posted')
                & (type_.statement == 'balance')
                & fields.SQL_OPERATORS['in'](
                    line.party, [party for _, party in parties]),
                group_by=[move.company, line.party, account.id])
        balances = [
            (parties[company, party], account, amount)
            for company, party, account, amount in fetch(
                query, [None, None, None, 'NUMERIC'])
            if (company, party) in parties]
        accounts = {
            a.id: a for a in Account.browse([a for _, a, _ in balances])}
        for settlement, account, amount in balances:
            amount = settlement.company.currency.round(amount)
            if amount:
                yield cls.fact(
                    settlement,
                    'cae_members.msg_settlement_account_owes' if amount > 0
                    else 'cae_members.msg_settlement_account_owed',
                    accounts[account], account=accounts[account].rec_name,
                    amount=abs(amount))

    @classmethod
    @ModelView.button
    @Workflow.transition('confirmed')
    def confirm(cls, settlements):
        """Record the exits and close the activities.

        Raise SettlementError while something blocks; what blocks is named.
        """
        pool = Pool()
        Activity = pool.get('cae.activity')
        Date = pool.get('ir.date')
        Entrepreneur = pool.get('cae.entrepreneur')
        cls._check(settlements)
        settlements = cls.browse(settlements)
        for settlement in settlements:
            blocking = [f.message for f in settlement.facts if f.blocking]
            blocking += [
                line.step.rec_name for line in settlement.lines
                if line.blocking and not line.done]
            if blocking:
                raise SettlementError(gettext(
                        'cae_members.msg_settlement_blocked',
                        settlement=settlement.rec_name,
                        open='\n'.join(f'- {b}' for b in blocking)))
        if exits := [s for s in settlements if s.entrepreneur]:
            Entrepreneur.write(*sum((
                        [[s.entrepreneur], {
                                'exit_date': s.date,
                                'exit_outcome': s.outcome,
                                'exit_reason': s.exit_reason,
                                'exit_note': s.note,
                                }] for s in exits), []))
        Activity.close({
                s.activity: (s.date, s.closing_reason)
                for s in settlements if s.activity})
        cls.write(settlements, {'confirmed_on': Date.today()})

    @classmethod
    @ModelView.button
    @Workflow.transition('draft')
    def take_back(cls, settlements):
        """Take the exits back and open the activities again.

        The holders of an activity stay ended: whoever goes on is entered
        again.
        """
        pool = Pool()
        Activity = pool.get('cae.activity')
        Entrepreneur = pool.get('cae.entrepreneur')
        Entrepreneur.write(
            [s.entrepreneur for s in settlements if s.entrepreneur],
            dict.fromkeys([
                    'exit_date', 'exit_outcome', 'exit_reason', 'exit_note']))
        Activity.write(
            [s.activity for s in settlements if s.activity],
            {'active': True, 'closing_date': None, 'closing_reason': None})
        cls.write(settlements, {'confirmed_on': None})

    @classmethod
    def prepare(cls, name, dates):
        """Return the settlements of the records, made where they lack.

        `name` is the field of the records, `dates` is {record: date}.
        """
        settlements = cls.search([
                (name, 'in', [r.id for r in dates]),
                ], order=[])
        present = {getattr(s, name) for s in settlements}
        return [*settlements, *cls.create([{
                        'company': record.company.id,
                        name: record.id,
                        'date': date,
                        } for record, date in dates.items()
                    if record not in present])]


class Fact(ModelSQL, ModelView):
    "Something open, with what to do about it"
    __name__ = 'cae.settlement.fact'
    __string__ = "Settlement Fact"

    settlement = fields.Many2One(
        'cae.settlement', "Settlement", required=True, readonly=True,
        ondelete='CASCADE')
    message = fields.Text("What to Do", required=True, readonly=True)
    blocking = fields.Boolean(
        "Blocking", readonly=True,
        help="Whether it must be settled before the exit or the closing is "
        "confirmed.")
    origin = fields.Reference("Origin", selection='get_origins', readonly=True)
    record = fields.Function(
        fields.Reference(
            "Record", selection='get_records',
            help="What it is about, for those who may read it."),
        'get_record')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('settlement')
        t = cls.__table__()
        cls._sql_indexes.add(Index(t, (t.settlement, Index.Range())))
        cls._order = [('blocking', 'DESC'), ('id', 'ASC')]

    @classmethod
    def check_modification(cls, mode, facts, values=None, external=False):
        if external:
            raise SettlementAccessError(
                gettext('cae_members.msg_settlement_fact'))
        super().check_modification(
            mode, facts, values=values, external=external)

    @classmethod
    def _get_origins(cls):
        "Return the names of the models that facts are about"
        return [
            'account.account', 'cae.activity', 'cae.contract', 'cae.deadline',
            'cae.entrepreneur', 'cae.interview', 'cae.workshop.registration']

    @classmethod
    def get_origins(cls):
        get_name = Pool().get('ir.model').get_name
        return [(None, '')] + [(m, get_name(m)) for m in cls._get_origins()]

    @classmethod
    def get_records(cls):
        "Return the origins that the user may read, else the field is hidden"
        ModelAccess = Pool().get('ir.model.access')
        access = ModelAccess.get_access(cls._get_origins())
        return [
            (model, name) for model, name in cls.get_origins()
            if not model or not Transaction().user or access[model]['read']]

    @classmethod
    def get_record(cls, facts, name):
        "Return the records that the user may read"
        pool = Pool()
        ids = defaultdict(set)
        for fact in facts:
            if fact.origin:
                ids[fact.origin.__name__].add(fact.origin.id)
        readable = set()
        with check_access(), inactive_records():
            for model, _ in cls.get_records():
                if model in ids:
                    readable.update(map(str, pool.get(model).search(
                                [('id', 'in', list(ids[model]))], order=[])))
        return {
            f.id: str(f.origin) if f.origin and str(f.origin) in readable
            else None for f in facts}


class Step(
        sequence_ordered(), DeactivableMixin, ModelSQL, ModelView):
    "Something to do by hand at an exit or a closing"
    __name__ = 'cae.settlement.step'
    __string__ = "Settlement Step"

    name = fields.Char("Name", required=True, translate=True)
    kind = fields.Selection([
            ('exit', "Exit"),
            ('closing', "Closing of an Activity"),
            ], "Kind", required=True, sort=False)
    contract_types = fields.Many2Many(
        'cae.settlement.step-cae.contract.type', 'step', 'contract_type',
        "Contract Types",
        states={
            'invisible': Eval('kind') != 'exit',
            },
        help="The step is for who had such a contract.\n"
        "Leave empty for everybody.")
    blocking = fields.Boolean(
        "Blocking",
        help="Check if nothing is confirmed before the step is done.")
    description = fields.Text(
        "Description", translate=True,
        help="What to do, and the rule behind it.")

    @classmethod
    def default_kind(cls):
        return 'exit'


class StepContractType(ModelSQL):
    __name__ = 'cae.settlement.step-cae.contract.type'
    __string__ = "Settlement Step - Contract Type"

    step = fields.Many2One(
        'cae.settlement.step', "Step", required=True, ondelete='CASCADE')
    contract_type = fields.Many2One(
        'cae.contract.type', "Contract Type", required=True,
        ondelete='CASCADE')


class Line(ModelSQL, ModelView):
    "A step of a settlement, done or not"
    __name__ = 'cae.settlement.line'
    __string__ = "Step of a Settlement"

    settlement = fields.Many2One(
        'cae.settlement', "Settlement", required=True, ondelete='CASCADE')
    step = fields.Many2One(
        'cae.settlement.step', "Step", required=True, ondelete='RESTRICT')
    blocking = fields.Function(
        fields.Boolean("Blocking"), 'on_change_with_blocking')
    description = fields.Function(
        fields.Text("Description"), 'on_change_with_description')
    done = fields.Boolean("Done")
    done_on = fields.Date(
        "Done On",
        states={
            'required': Bool(Eval('done')),
            'invisible': ~Eval('done'),
            })
    note = fields.Char("Note")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('settlement')
        t = cls.__table__()
        cls._sql_constraints += [
            ('step_unique', Unique(t, t.settlement, t.step),
                'cae_members.msg_settlement_step_unique'),
            ]
        cls._order = [('step.sequence', 'ASC NULLS FIRST'), ('id', 'ASC')]

    @classmethod
    def default_done(cls):
        return False

    @fields.depends('done', 'done_on')
    def on_change_done(self):
        if not self.done:
            self.done_on = None
        elif not self.done_on:
            self.done_on = Pool().get('ir.date').today()

    @fields.depends('step')
    def on_change_with_blocking(self, name=None):
        return bool(self.step and self.step.blocking)

    @fields.depends('step')
    def on_change_with_description(self, name=None):
        return self.step.description if self.step else None

    def get_rec_name(self, name):
        return self.step.rec_name

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('step.rec_name', *clause[1:])]


class Entrepreneur(metaclass=PoolMeta):
    __name__ = 'cae.entrepreneur'

    settlements = fields.One2Many(
        'cae.settlement', 'entrepreneur', "Settlement", readonly=True)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._buttons.update({
                'prepare_exit': {
                    'invisible': Bool(Eval('exit_date')),
                    'depends': ['exit_date'],
                    },
                })

    @classmethod
    @ModelView.button_action('cae_members.act_settlement_entrepreneur_open')
    def prepare_exit(cls, entrepreneurs):
        "Open what must be settled, at the end of the contracts or today"
        pool = Pool()
        Contract = pool.get('cae.contract')
        Date = pool.get('ir.date')
        Settlement = pool.get('cae.settlement')
        dates = {e: [] for e in entrepreneurs}
        for contract in Contract.search([
                    ('entrepreneur', 'in', [e.id for e in entrepreneurs]),
                    ('state', '=', 'signed'),
                    ], order=[]):
            dates[contract.entrepreneur].append(contract.end_date)
        today = Date.today()
        settlements = Settlement.prepare('entrepreneur', {
                e: max(ends) if ends and all(ends) else today
                for e, ends in dates.items()})
        return {'res_id': [s.id for s in settlements]}

    @classmethod
    def copy(cls, entrepreneurs, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('settlements', None)
        return super().copy(entrepreneurs, default=default)


class Activity(metaclass=PoolMeta):
    __name__ = 'cae.activity'

    closing_date = fields.Date(
        "Closing Date", readonly=True,
        help="The last day of the activity: nothing later is posted on it.")
    closing_reason = fields.Selection(
        [(None, "")] + CLOSING_REASONS, "Closing Reason", readonly=True,
        sort=False,
        states={
            'invisible': ~Eval('closing_date'),
            })
    settlements = fields.One2Many(
        'cae.settlement', 'activity', "Settlement", readonly=True)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        # A business is closed by its settlement
        cls.active.states['readonly'] = (Eval('id', -1) >= 0) & (
            Bool(Eval('closing_date'))
            | (Eval('kind') == 'business') & Eval('active', True))
        cls._buttons.update({
                'prepare_closing': {
                    'invisible': (
                        (Eval('kind') != 'business')
                        | Bool(Eval('closing_date'))),
                    'depends': ['kind', 'closing_date'],
                    },
                'open_again': {
                    'invisible': ~Eval('closing_date'),
                    'depends': ['closing_date'],
                    },
                })

    @classmethod
    def __post_setup__(cls):
        super().__post_setup__()
        # It is for those that are not active
        cls._buttons['open_again']['readonly'] = False

    @classmethod
    def check_modification(
            cls, mode, activities, values=None, external=False):
        super().check_modification(
            mode, activities, values=values, external=external)
        if not (external and mode == 'write' and 'active' in values):
            return
        for activity in activities:
            if (activity.kind == 'business'
                    and activity.active != values['active']
                    # Deactivated without a closing it comes back by hand
                    and (activity.active or activity.closing_date)):
                raise ActivityAccessError(gettext(
                        'cae_members.msg_activity_close',
                        activity=activity.rec_name))

    @classmethod
    def close(cls, closings):
        """Close the activities and end their holders with them.

        `closings` is {activity: (last day, reason)}.
        """
        Holder = Pool().get('cae.activity.holder')
        to_end = defaultdict(list)
        for holder in Holder.search([
                    ('activity', 'in', [a.id for a in closings]),
                    ], order=[]):
            date, _ = closings[holder.activity]
            if not holder.to_date or holder.to_date > date:
                to_end[date].append(holder)
        if to_end:
            Holder.write(*sum((
                        [holders, {'to_date': date}]
                        for date, holders in to_end.items()), []))
        if closings:
            cls.write(*sum((
                        [[activity], {
                                'closing_date': date,
                                'closing_reason': reason,
                                'active': False,
                                }] for activity, (date, reason)
                        in closings.items()), []))

    @classmethod
    @ModelView.button_action('cae_members.act_settlement_activity_open')
    def prepare_closing(cls, activities):
        "Open what must be settled before the activities close"
        pool = Pool()
        Date = pool.get('ir.date')
        Settlement = pool.get('cae.settlement')
        settlements = Settlement.prepare(
            'activity', dict.fromkeys(activities, Date.today()))
        return {'res_id': [s.id for s in settlements]}

    @classmethod
    @ModelView.button
    def open_again(cls, activities):
        "Open the closed activities again, without holders"
        Settlement = Pool().get('cae.settlement')
        Settlement.take_back(Settlement.search([
                    ('activity', 'in', [a.id for a in activities]),
                    ('state', '=', 'confirmed'),
                    ]))

    @classmethod
    def copy(cls, activities, default=None):
        default = default.copy() if default is not None else {}
        for name in ['closing_date', 'closing_reason', 'settlements']:
            default.setdefault(name, None)
        default.setdefault('active', True)
        return super().copy(activities, default=default)
