# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The month-end closing: steps worked in chunks that survive a kill.

The rows of the chunks are the truth; the queue only wakes. Each chunk is one
task and one transaction: it locks its row and what it will number first,
looks whether it is still to do, works and is marked done.
"""
from collections import defaultdict

from sql.aggregate import Count

from trytond.exceptions import UserError, UserWarning
from trytond.i18n import gettext
from trytond.model import Index, ModelSQL, ModelView, Unique, Workflow, fields
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval
from trytond.tools import grouped_slice
from trytond.transaction import (
    Transaction, inactive_records, without_check_access)

from .exceptions import ClosingError, ClosingFrozenError

CHUNK_SIZE = 500
QUEUE = 'cae_closing'


class Closing(Workflow, ModelSQL, ModelView):
    """The closing of one month of one company.

    A module adds its step to ``_steps`` and defines for the code of the step
    ``_items_<code>`` (the records to treat), ``_locks_<code>`` (the records
    to lock first) and ``_run_<code>(records)`` (the work of a chunk).
    """
    __name__ = 'cae.closing'
    __string__ = "Month-End Closing"
    company = fields.Many2One(
        'company.company', "Company", required=True,
        states={'readonly': Eval('state') != 'draft'})
    period = fields.Many2One(
        'account.period', "Month", required=True, ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ('type', '=', 'standard'),
            ],
        states={'readonly': Eval('state') != 'draft'})
    state = fields.Selection([
            ('draft', "Draft"),
            ('running', "Running"),
            ('attention', "Needs Attention"),
            ('done', "Done"),
            ], "State", readonly=True, required=True, sort=False)
    step = fields.Selection('get_steps', "Step", readonly=True)
    chunks = fields.One2Many(
        'cae.closing.chunk', 'closing', "Chunks", readonly=True)
    attentions = fields.One2Many(
        'cae.closing.attention', 'closing', "Needs Attention", readonly=True)
    progress = fields.Function(
        fields.Float("Progress", digits=(1, 2)), 'get_progress')
    waiting = fields.Function(
        fields.Integer("Chunks Waiting"), 'get_progress')
    failed = fields.Function(
        fields.Integer("Chunks Failed"), 'get_progress')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('company_period_unique', Unique(t, t.company, t.period),
                'cae_billing.msg_closing_unique'),
            ]
        cls._order = [('period.start_date', 'DESC'), ('id', 'DESC')]
        cls._transitions |= {
            ('draft', 'running'),
            ('running', 'attention'),
            ('running', 'done'),
            ('attention', 'running'),
            ('done', 'running'),
            }
        cls._buttons.update({
                'check': {
                    'invisible': Eval('state') == 'running',
                    'depends': ['state'],
                    },
                'run': {
                    'invisible': Eval('state') != 'draft',
                    'depends': ['state'],
                    },
                'resume': {
                    'invisible': Eval('state') == 'draft',
                    'depends': ['state'],
                    },
                })

    @staticmethod
    def default_company():
        return Transaction().context.get('company')

    @staticmethod
    def default_state():
        return 'draft'

    def get_rec_name(self, name):
        return f"{self.period.name} – {self.company.rec_name}"

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('period.name',) + tuple(clause[1:])]

    @classmethod
    def _steps(cls):
        "Return the codes and labels of the steps in the order of the work"
        return [
            ('fee', gettext('cae_billing.msg_closing_step_fee')),
            ('statement', gettext('cae_billing.msg_closing_step_statement')),
            ]

    @classmethod
    def get_steps(cls):
        return [(None, '')] + cls._steps()

    @classmethod
    def get_progress(cls, closings, names):
        Chunk = Pool().get('cae.closing.chunk')
        cursor = Transaction().connection.cursor()
        t = Chunk.__table__()
        cursor.execute(*t.select(
                t.closing, t.step, t.state, Count(t.id),
                where=fields.SQL_OPERATORS['in'](
                    t.closing, [c.id for c in closings]),
                group_by=[t.closing, t.step, t.state]))
        counts = defaultdict(dict)
        for closing, step, state, count in cursor:
            counts[closing][step, state] = count
        codes = [code for code, _ in cls._steps()]
        result = {name: {} for name in names}
        for closing in closings:
            count = counts[closing.id]
            for name in {'waiting', 'failed'} & set(names):
                result[name][closing.id] = sum(
                    n for (_, state), n in count.items() if state == name)
            if 'progress' in names:
                done = 1 if closing.state == 'done' else 0
                if closing.step in codes:
                    total = sum(
                        n for (step, _), n in count.items()
                        if step == closing.step)
                    share = count.get((closing.step, 'done'), 0) / total
                    done = (codes.index(closing.step) + share) / len(codes)
                result['progress'][closing.id] = round(done, 2)
        return result

    @classmethod
    def copy(cls, closings, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('state', 'draft')
        default.setdefault('step', None)
        default.setdefault('chunks', None)
        default.setdefault('attentions', None)
        return super().copy(closings, default=default)

    @classmethod
    def check_modification(cls, mode, closings, values=None, external=False):
        if (mode == 'delete' or (
                    mode == 'write'
                    and values.keys() & {'company', 'period'})):
            for closing in closings:
                if closing.state != 'draft':
                    raise ClosingFrozenError(gettext(
                            'cae_billing.msg_closing_frozen',
                            closing=closing.rec_name))
        super().check_modification(
            mode, closings, values=values, external=external)

    def _check_open(self):
        Date = Pool().get('ir.date')
        with Transaction().set_context(company=self.company.id):
            today = Date.today()
        if self.period.end_date >= today:
            raise ClosingError(gettext(
                    'cae_billing.msg_closing_not_over',
                    closing=self.rec_name,
                    date=Pool().get('ir.lang').get().strftime(
                        self.period.end_date)))
        if self.period.state != 'open':
            raise ClosingError(gettext(
                    'cae_billing.msg_closing_period_closed',
                    period=self.period.rec_name))

    def _check_order(self):
        "The months are closed one after the other"
        before = self.search([
                ('company', '=', self.company.id),
                ('period.end_date', '<', self.period.end_date),
                ('state', '!=', 'done'),
                ], order=[('period.start_date', 'ASC')], limit=1)
        if before:
            raise ClosingError(gettext(
                    'cae_billing.msg_closing_before',
                    closing=self.rec_name,
                    other=before[0].rec_name))
        if after := self._started_after():
            raise ClosingError(gettext(
                    'cae_billing.msg_closing_after',
                    closing=self.rec_name,
                    other=after[0].rec_name))

    @classmethod
    def _journals(cls):
        "Return the names of the settings of the journals the steps post in"
        return ['internal_journal']

    def _open_journals(self):
        """Open the month in the journals or refuse when one is closed.

        The first move would do it, but lock a table for it that late: the
        chunk would begin again.
        """
        pool = Pool()
        MoveLine = pool.get('account.move.line')
        configuration = pool.get('cae.configuration')(1)
        with without_check_access():
            for name in self._journals():
                journal = configuration.get_multivalue(
                    name, company=self.company.id)
                if journal:
                    MoveLine.check_journal_period_modify(self.period, journal)

    def _started_after(self):
        return self.search([
                ('company', '=', self.company.id),
                ('period.start_date', '>', self.period.start_date),
                ('state', '!=', 'draft'),
                ], limit=1)

    @classmethod
    @ModelView.button
    def check(cls, closings):
        "List what needs attention"
        Attention = Pool().get('cae.closing.attention')
        Attention.delete(Attention.search([
                    ('closing', 'in', [c.id for c in closings])]))
        Attention.create([
                {'closing': closing.id, **attention}
                for closing in closings for attention in closing._attention()])

    @classmethod
    @ModelView.button
    @Workflow.transition('running')
    def run(cls, closings):
        "Start the steps of the month"
        for closing in closings:
            closing._check_open()
            closing._check_order()
            closing._open_journals()
        cls._wake_advance(closings)

    @classmethod
    @ModelView.button
    def resume(cls, closings):
        """Take up what is left: the chunks that failed, were killed or whose
        records are new."""
        pool = Pool()
        Chunk = pool.get('cae.closing.chunk')
        cls.lock(closings)
        for closing in closings:
            closing._check_open()
        chunks = Chunk.search([
                ('closing', 'in', [c.id for c in closings]),
                ('state', '!=', 'done'),
                ])
        failed = [c for c in chunks if c.state == 'failed']
        if failed:
            Chunk.write(failed, {'state': 'waiting', 'error': None})
        again = [c for c in closings if c.state != 'running']
        if again:
            cls.write(again, {'state': 'running', 'step': None})
        if chunks:
            Chunk.wake(chunks)
        cls._wake_advance(closings)

    @property
    def _work_context(self):
        "What is posted is written in the language of the company"
        context = {'company': self.company.id}
        if lang := self.company.party.lang:
            context['language'] = lang.code
        return context

    @classmethod
    def _wake_advance(cls, closings):
        with Transaction().set_context(queue_name=QUEUE):
            for closing in closings:
                cls.__queue__.advance([closing])

    @classmethod
    def advance(cls, closings):
        """Start the next step of the closings whose step is finished.

        The closing is locked first: of two chunks that end together one only
        finds the step to start.
        """
        Chunk = Pool().get('cae.closing.chunk')
        cls.lock(closings)
        for closing in closings:
            if closing.state != 'running':
                continue
            with Transaction().set_context(company=closing.company.id):
                closing._advance(Chunk)

    def _advance(self, Chunk):
        chunks = Chunk.search([
                ('closing', '=', self.id),
                ('state', '!=', 'done'),
                ])
        if any(c.state == 'waiting' for c in chunks):
            return
        if chunks:
            self._finish('attention')
            return
        codes = [code for code, _ in self._steps()]
        start = codes.index(self.step) + 1 if self.step else 0
        for code in codes[start:]:
            chunks = self._chunk(code)
            if chunks:
                self.write([self], {'step': code})
                Chunk.wake(chunks)
                return
        self._finish('done')

    def _chunk(self, code):
        "Create the chunks of the records of the step that are in none yet"
        if self._started_after():
            # What is new belongs to the later month
            return []
        pool = Pool()
        Chunk = pool.get('cae.closing.chunk')
        Item = pool.get('cae.closing.chunk.item')
        done = {i.record for i in Item.search([
                    ('chunk.closing', '=', self.id),
                    ('chunk.step', '=', code),
                    ])}
        items = [
            i for i in getattr(self, f'_items_{code}')() if i not in done]
        number = Chunk.search([
                ('closing', '=', self.id),
                ('step', '=', code),
                ], count=True)
        return Chunk.create([{
                    'closing': self.id,
                    'step': code,
                    'number': number + index,
                    'items': [('create', [
                                {'record': str(i)} for i in sub_items])],
                    } for index, sub_items in enumerate(
                    grouped_slice(items, CHUNK_SIZE), 1)])

    def _finish(self, state):
        self.check([self])
        self.write([self], {
                'state': state,
                'step': self.step if state == 'attention' else None,
                })

    def _attention(self):
        """Return the values of what needs attention, one each.

        ``kind`` is a code, ``message`` says what to do and ``record`` is what
        it is about.
        """
        pool = Pool()
        Activity = pool.get('cae.activity')
        Invoice = pool.get('account.invoice')
        Move = pool.get('account.move')
        date = self.period.end_date
        result = []
        for chunk in self.chunks:
            if chunk.state == 'failed':
                result.append({
                        'kind': 'failed',
                        'record': str(chunk),
                        'message': gettext(
                            'cae_billing.msg_attention_failed',
                            chunk=chunk.rec_name, error=chunk.error),
                        })
        for invoice in Invoice.search([
                    ('company', '=', self.company.id),
                    ('state', 'in', ['draft', 'validated']),
                    ('invoice_date', '<=', date),
                    ]):
            result.append({
                    'kind': 'unposted',
                    'record': str(invoice),
                    'message': gettext(
                        'cae_billing.msg_attention_unposted',
                        document=invoice.rec_name,
                        party=invoice.party.rec_name),
                    })
        for move in Move.search([
                    ('company', '=', self.company.id),
                    ('state', '=', 'draft'),
                    ('date', '<=', date),
                    ['OR',
                        ('origin', '=', None),
                        ('origin', 'not like', 'account.invoice,%'),
                        ],
                    ]):
            result.append({
                    'kind': 'unposted',
                    'record': str(move),
                    'message': gettext(
                        'cae_billing.msg_attention_draft_move',
                        move=move.description or f'({move.id})'),
                    })
        for line in self._unassigned_lines():
            result.append({
                    'kind': 'unassigned',
                    'record': str(line.move),
                    'message': gettext(
                        'cae_billing.msg_attention_no_activity',
                        move=line.move.rec_name,
                        account=line.account.rec_name),
                    })
        with inactive_records():
            activities = Activity.search([
                    ('company', '=', self.company.id),
                    ('kind', 'in', ['business', 'unassigned']),
                    ['OR',
                        ('active', '=', True),
                        ('closing_date', '<=', date),
                        ],
                    ])
        balances = Activity.results(activities, date)
        for activity in activities:
            balance = balances[activity.id]
            if activity.kind == 'unassigned' and balance:
                kind, message = (
                    'unassigned', 'cae_billing.msg_attention_unassigned')
            elif activity.closing_date and activity.closing_date <= date:
                if not balance:
                    continue
                kind, message = 'closed', 'cae_billing.msg_attention_closed'
            elif activity.kind == 'business' and balance < 0:
                kind, message = (
                    'negative', 'cae_billing.msg_attention_negative')
            else:
                continue
            result.append({
                    'kind': kind,
                    'record': str(activity),
                    'message': gettext(
                        message, activity=activity.rec_name,
                        balance=f"{balance:.2f}"),
                    })
        return result

    def _unassigned_lines(self):
        "Return the posted lines of the income statement without activity"
        MoveLine = Pool().get('account.move.line')
        return [line for line in MoveLine.search([
                    ('move.company', '=', self.company.id),
                    ('move.state', '=', 'posted'),
                    ('date', '<=', self.period.end_date),
                    ('account.type.statement', '=', 'income'),
                    ('analytic_state', '=', 'draft'),
                    ], limit=100) if line.must_have_analytic]

    def _move_sequences(self):
        return [self.period.move_sequence_used]

    def _activities(self):
        """Return the businesses that were begun by the end of the month.

        Of those closed the ones that were still open in the month.
        """
        Activity = Pool().get('cae.activity')
        with inactive_records():
            return Activity.search([
                    ('company', '=', self.company.id),
                    ('kind', '=', 'business'),
                    ['OR',
                        ('active', '=', True),
                        ('settlements.confirmed_on', '>=',
                            self.period.start_date),
                        ],
                    ['OR',
                        ('holders.from_date', '<=', self.period.end_date),
                        ('holders', '=', None),
                        ],
                    ], order=[('id', 'ASC')])

    # Fees

    def _items_fee(self):
        return self._activities()

    def _locks_fee(self):
        configuration = Pool().get('cae.configuration')(1)
        sequence = configuration.get_multivalue(
            'fee_sequence', company=self.company.id)
        return [*filter(None, [sequence]), *self._move_sequences()]

    def _run_fee(self, activities):
        Fee = Pool().get('cae.fee')
        Fee.charge(activities, self.period, origin=self)

    # Statements

    def _items_statement(self):
        return self._activities()

    def _locks_statement(self):
        return []

    def _run_statement(self, activities):
        Statement = Pool().get('cae.activity.statement')
        Statement.make(activities, self.period, closing=self)


class Chunk(ModelSQL, ModelView):
    __name__ = 'cae.closing.chunk'
    __string__ = "Chunk of a Closing"
    closing = fields.Many2One(
        'cae.closing', "Closing", required=True, readonly=True,
        ondelete='CASCADE')
    company = fields.Function(
        fields.Many2One('company.company', "Company"),
        'on_change_with_company', searcher='search_company')
    step = fields.Selection('get_steps', "Step", required=True, readonly=True)
    number = fields.Integer("Number", required=True, readonly=True)
    state = fields.Selection([
            ('waiting', "Waiting"),
            ('done', "Done"),
            ('failed', "Failed"),
            ], "State", required=True, readonly=True, sort=False)
    items = fields.One2Many(
        'cae.closing.chunk.item', 'chunk', "Items", readonly=True)
    error = fields.Text("Error", readonly=True)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('closing_step_number_unique',
                Unique(t, t.closing, t.step, t.number),
                'cae_billing.msg_chunk_unique'),
            ]
        cls._sql_indexes.add(
            Index(t, (t.closing, Index.Range()), (t.state, Index.Equality())))
        cls._order = [('closing', 'DESC'), ('id', 'ASC')]

    @staticmethod
    def default_state():
        return 'waiting'

    @classmethod
    def get_steps(cls):
        return Pool().get('cae.closing').get_steps()

    @fields.depends('closing', '_parent_closing.company')
    def on_change_with_company(self, name=None):
        return self.closing.company if self.closing else None

    @classmethod
    def search_company(cls, name, clause):
        return [('closing.' + clause[0],) + tuple(clause[1:])]

    def get_rec_name(self, name):
        labels = dict(self.get_steps())
        return f"{labels.get(self.step, self.step)} {self.number}"

    @classmethod
    def wake(cls, chunks):
        "Put a task in the queue for each chunk"
        with Transaction().set_context(queue_name=QUEUE):
            for chunk in chunks:
                cls.__queue__.process([chunk])

    @classmethod
    def process(cls, chunks):
        """Do the work of the chunk, or keep the message of its refusal.

        A chunk already done is left alone, so that waking it twice does no
        harm. A refusal undoes the work of the chunk and stops no other.
        """
        Closing = Pool().get('cae.closing')
        chunk, = chunks
        closing = chunk.closing
        with Transaction().set_context(closing._work_context):
            cls.lock([chunk])
            if chunk.state != 'waiting':
                return
            try:
                chunk._work()
                cls.write([chunk], {'state': 'done'})
            except (UserError, UserWarning) as error:
                # The rollback also forgets the locks and what was read
                Transaction().rollback()
                chunk = cls(chunk.id)
                if chunk.state == 'waiting':
                    cls.write([chunk], {
                            'state': 'failed',
                            'error': error.message,
                            })
            Closing._wake_advance([chunk.closing])

    def _work(self):
        for record in getattr(self.closing, f'_locks_{self.step}')():
            record.__class__.lock([record])
        ids = defaultdict(list)
        for item in self.items:
            ids[item.record.__class__].append(item.record.id)
        for Model, ids_ in ids.items():
            getattr(self.closing, f'_run_{self.step}')(Model.browse(ids_))


class ChunkItem(ModelSQL, ModelView):
    __name__ = 'cae.closing.chunk.item'
    __string__ = "Item of a Chunk"
    chunk = fields.Many2One(
        'cae.closing.chunk', "Chunk", required=True, readonly=True,
        ondelete='CASCADE')
    record = fields.Reference(
        "Record", selection='get_records', required=True, readonly=True)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('chunk')

    @classmethod
    def _get_records(cls):
        return ['cae.activity', 'cae.entrepreneur']

    @classmethod
    def get_records(cls):
        get_name = Pool().get('ir.model').get_name
        return [(m, get_name(m)) for m in cls._get_records()]


class Attention(ModelSQL, ModelView):
    "What somebody must look at before the month is right"
    __name__ = 'cae.closing.attention'
    __string__ = "What Needs Attention"
    closing = fields.Many2One(
        'cae.closing', "Closing", required=True, readonly=True,
        ondelete='CASCADE')
    kind = fields.Selection([
            ('failed', "Refused"),
            ('unposted', "Not Posted"),
            ('unassigned', "Without Activity"),
            ('negative', "Negative Balance"),
            ('closed', "Closed Activity"),
            ('unsettled', "Not Settled"),
            ], "Kind", required=True, readonly=True, sort=False)
    message = fields.Text("What to Do", required=True, readonly=True)
    record = fields.Reference(
        "Record", selection='get_records', readonly=True)

    @classmethod
    def _get_records(cls):
        return [
            'account.invoice', 'account.move', 'cae.activity',
            'cae.closing.chunk', 'cae.entrepreneur']

    @classmethod
    def get_records(cls):
        get_name = Pool().get('ir.model').get_name
        return [(None, '')] + [(m, get_name(m)) for m in cls._get_records()]


class ClosingStatement(metaclass=PoolMeta):
    __name__ = 'cae.closing'

    def _attention(self):
        Statement = Pool().get('account.statement')
        result = super()._attention()
        for statement in Statement.search([
                    ('company', '=', self.company.id),
                    ('state', 'in', ['draft', 'validated']),
                    ('date', '<=', self.period.end_date),
                    ]):
            result.append({
                    'kind': 'unposted',
                    'record': str(statement),
                    'message': gettext(
                        'cae_billing.msg_attention_statement',
                        statement=statement.rec_name,
                        journal=statement.journal.rec_name),
                    })
        return result


class AttentionStatement(metaclass=PoolMeta):
    __name__ = 'cae.closing.attention'

    @classmethod
    def _get_records(cls):
        return super()._get_records() + ['account.statement']
