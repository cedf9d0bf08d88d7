# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What belongs to another year than its invoice, by activity."""
import datetime as dt
from contextlib import contextmanager
from decimal import Decimal

from trytond.i18n import gettext
from trytond.model import (
    DeactivableMixin, Index, ModelSQL, ModelView, Workflow, fields,
    sequence_ordered)
from trytond.modules.cae_members.model import STORED, CompanyCurrencyMixin
from trytond.modules.currency.fields import Monetary
from trytond.pool import Pool
from trytond.pyson import Bool, Eval
from trytond.transaction import Transaction, without_check_access

from ..apportion import round_half_up
from ..exceptions import SetupError, YearEndAccessError, YearEndError
from ..posting import Entry, move_values

LIMIT = Decimal(10) ** 12
STATES = [
    ('draft', "Draft"),
    ('proposed', "Proposed"),
    ('posted', "Posted"),
    ]


def check_amount(amount):
    "Refuse what is no amount of money"
    if not (
            Decimal(amount).is_finite() and abs(Decimal(amount)) < LIMIT
            and round_half_up(amount) == amount):
        raise YearEndError(gettext('cae_billing.msg_year_end_amount'))


@contextmanager
def months_open(postings, reason):
    """Open the closed months of the (activity id, date) as long as it lasts.

    It is written down as for any other month that is opened again.
    """
    pool = Pool()
    Activity = pool.get('cae.activity')
    Period = pool.get('account.period')
    Reopening = pool.get('cae.activity.reopening')
    locked = sorted(Activity.locked(postings))
    reopenings = []
    if locked:
        activities = {
            a.id: a for a in Activity.browse(list({a for a, _ in locked}))}
        periods = {}
        for id_, date in locked:
            company = activities[id_].company
            if (company, date) not in periods:
                periods[company, date] = Period.find(company, date)
        reopenings = Reopening.create([{
                    'company': activities[id_].company.id,
                    'activity': id_,
                    'period': periods[activities[id_].company, date].id,
                    'reason': reason,
                    } for id_, date in locked])
    yield
    if reopenings:
        Reopening.close(reopenings)


class DocumentMixin(CompanyCurrencyMixin):
    """A document of a fiscal year that one proposes and another posts.

    Its buttons are for accountants; what was posted never changes.
    """
    __slots__ = ()
    # What only the buttons set
    _kept = {'proposed_by', 'posted_by'}

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_indexes.add(Index(
                t, (t.fiscalyear, Index.Range()),
                (t.state, Index.Equality(cardinality='low'))))
        cls._order = [('fiscalyear', 'DESC'), ('id', 'DESC')]
        cls._transitions |= {
            ('draft', 'proposed'),
            ('proposed', 'draft'),
            ('proposed', 'posted'),
            }
        cls._buttons.update({
                'propose': {
                    'invisible': Eval('state') != 'draft',
                    'depends': ['state'],
                    },
                'draft': {
                    'invisible': Eval('state') != 'proposed',
                    'depends': ['state'],
                    },
                'post': {
                    'invisible': Eval('state') != 'proposed',
                    'depends': ['state'],
                    },
                })

    @classmethod
    def default_company(cls):
        return Transaction().context.get('company')

    @classmethod
    def default_fiscalyear(cls):
        "The last year that is over and open"
        pool = Pool()
        years = pool.get('account.fiscalyear').search([
                ('company', '=', cls.default_company()),
                ('end_date', '<', pool.get('ir.date').today()),
                ('state', '=', 'open'),
                ], order=[('end_date', 'DESC')], limit=1)
        return years[0].id if years else None

    @classmethod
    def default_state(cls):
        return 'draft'

    @classmethod
    def copy(cls, documents, default=None):
        default = default.copy() if default is not None else {}
        for name in cls._kept:
            default.setdefault(name)
        default.setdefault('state', 'draft')
        return super().copy(documents, default=default)

    @classmethod
    def check_modification(
            cls, mode, documents, values=None, external=False):
        if external and (
                mode == 'write' and values.keys() & cls._kept
                or mode == 'create' and any(
                    getattr(d, n) for d in documents for n in cls._kept)):
            raise YearEndAccessError(gettext(
                    'cae_billing.msg_year_end_by_button'))
        if mode in {'write', 'delete'}:
            for document in documents:
                if document.state == 'posted' or (
                        external and document.state != 'draft'):
                    raise YearEndAccessError(gettext(
                            'cae_billing.msg_year_end_frozen',
                            document=document.rec_name))
        super().check_modification(
            mode, documents, values=values, external=external)

    def _check_year(self):
        "Refuse a year that is not over or closed"
        Date = Pool().get('ir.date')
        lang = Pool().get('ir.lang').get()
        with Transaction().set_context(company=self.company.id):
            today = Date.today()
        if self.fiscalyear.end_date >= today:
            raise YearEndError(gettext(
                    'cae_billing.msg_year_end_not_over',
                    document=self.rec_name,
                    date=lang.strftime(self.fiscalyear.end_date)))
        if self.fiscalyear.state != 'open':
            raise YearEndError(gettext(
                    'cae_billing.msg_year_end_closed',
                    document=self.rec_name,
                    fiscalyear=self.fiscalyear.rec_name))

    @classmethod
    @ModelView.button
    @Workflow.transition('proposed')
    def propose(cls, documents):
        "Hand the documents to whoever posts them"
        for document in documents:
            document._check()
        cls.write(documents, {'proposed_by': Transaction().user})

    @classmethod
    @ModelView.button
    @Workflow.transition('draft')
    def draft(cls, documents):
        "Take back what is not posted yet"
        cls.write(documents, {'proposed_by': None})

    @classmethod
    @ModelView.button
    def post(cls, documents):
        """Post the documents; it is for another than who proposed them.

        What is posted already is left alone. Raise YearEndError when a
        document cannot be posted.
        """
        cls.lock(documents)
        # What was read before the lock may be old
        documents = [
            d for d in cls.browse([d.id for d in documents])
            if d.state == 'proposed']
        for document in documents:
            if document.proposed_by.id == Transaction().user:
                raise YearEndError(gettext(
                        'cae_billing.msg_year_end_same_person',
                        document=document.rec_name))
            document._check()
        for document in documents:
            with Transaction().set_context(company=document.company.id):
                values = document._post()
            cls.write([document], {
                    **values,
                    'posted_by': Transaction().user,
                    'state': 'posted',
                    })

    def _setting(self, name):
        Configuration = Pool().get('cae.configuration')
        with without_check_access():
            value = Configuration(1).get_multivalue(
                name, company=self.company.id)
        if not value:
            raise SetupError(gettext(
                    'cae_billing.msg_year_end_configuration',
                    setting=Configuration.__names__(name)['field'],
                    company=self.company.rec_name))
        return value

    def _posted(self, moves, postings):
        "Create and post the moves, in months of activities closed or not"
        Move = Pool().get('account.move')
        with months_open(postings, gettext(
                    'cae_billing.msg_year_end_reason',
                    document=self.rec_name)):
            moves = Move.create(moves)
            Move.post(moves)
        return moves


class CutoffKind(DeactivableMixin, ModelSQL, ModelView):
    "What is cut off, on which accounts, and whether it comes back"
    __name__ = 'cae.cutoff.kind'
    __string__ = "Kind of Cut-Off"
    name = fields.Char("Name", required=True, translate=True)
    company = fields.Many2One(
        'company.company', "Company", required=True,
        states={
            'readonly': Eval('id', -1) >= 0,
            })
    side = fields.Selection([
            ('asset', "Asset: the account is debited"),
            ('debt', "Debt: the account is credited"),
            ], "Side", required=True, sort=False)
    account = fields.Many2One(
        'account.account', "Account", required=True,
        domain=[
            ('company', '=', Eval('company', -1)),
            ('type.statement', '=', 'balance'),
            ('closed', '!=', True),
            ],
        help="Of the balance sheet, for what is carried to the next year.")
    tax_account = fields.Many2One(
        'account.account', "VAT Account",
        domain=[
            ('company', '=', Eval('company', -1)),
            ('type.statement', '=', 'balance'),
            ('closed', '!=', True),
            ('party_required', '!=', True),
            ],
        help="For the VAT of the invoice to come (TVA à régulariser).\n"
        "Leave empty when the amounts have no VAT.")
    line_account = fields.Many2One(
        'account.account', "Default Account",
        domain=[
            ('company', '=', Eval('company', -1)),
            ('type.statement', '=', 'income'),
            ('closed', '!=', True),
            ],
        help="The account that is proposed for the lines.")
    reversed = fields.Boolean(
        "Reversed",
        help="Post the opposite on the first day of the next year "
        "(extourne).")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._order = [('company', 'ASC'), ('id', 'ASC')]

    @classmethod
    def default_company(cls):
        return Transaction().context.get('company')

    @classmethod
    def default_reversed(cls):
        return True

    @property
    def sign(self):
        "Return 1 when the account is debited and -1 when it is credited"
        return 1 if self.side == 'asset' else -1


class Cutoff(DocumentMixin, Workflow, ModelSQL, ModelView):
    """What of a year belongs to another one, by activity.

    Each year bears its own costs and income (Plan comptable général, art.
    513-1): the document is posted on the last day of the year and, unless
    its kind is for good, the opposite on the first day of the next, with the
    same activities. A document with the opposite amounts corrects it.
    """
    __name__ = 'cae.cutoff'
    __string__ = "Cut-Off"
    _states = {
        'readonly': Eval('state') != 'draft',
        }

    company = fields.Many2One(
        'company.company', "Company", required=True,
        states={
            'readonly': (
                (Eval('state') != 'draft') | STORED & (
                    Bool(Eval('kind')) | Eval('lines', [0]))),
            })
    fiscalyear = fields.Many2One(
        'account.fiscalyear', "Fiscal Year", required=True,
        ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        states=_states)
    kind = fields.Many2One(
        'cae.cutoff.kind', "Kind", required=True, ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        states={
            'readonly': (
                (Eval('state') != 'draft') | STORED & Eval('lines', [0])),
            })
    description = fields.Char("Description", required=True, states=_states)
    lines = fields.One2Many(
        'cae.cutoff.line', 'cutoff', "Lines", states=_states)
    amount = fields.Function(Monetary(
            "Amount", currency='currency', digits='currency',
            help="Without VAT."),
        'get_amount')
    move = fields.Many2One(
        'account.move', "Move", readonly=True, ondelete='RESTRICT')
    reversal = fields.Many2One(
        'account.move', "Reversal", readonly=True, ondelete='RESTRICT',
        states={
            'invisible': ~Eval('reversal'),
            })
    proposed_by = fields.Many2One(
        'res.user', "Proposed by", readonly=True, ondelete='RESTRICT')
    posted_by = fields.Many2One(
        'res.user', "Posted by", readonly=True, ondelete='RESTRICT')
    state = fields.Selection(
        STATES, "State", required=True, readonly=True, sort=False)

    del _states
    _kept = DocumentMixin._kept | {'move', 'reversal'}

    @classmethod
    def get_amount(cls, cutoffs, name):
        return {
            c.id: sum((li.amount for li in c.lines), Decimal(0))
            for c in cutoffs}

    def get_rec_name(self, name):
        return f'{self.fiscalyear.rec_name} – {self.description}'

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('description', *clause[1:])]

    def _check(self):
        "Refuse what cannot be posted"
        self._check_year()
        if not self.lines:
            raise YearEndError(gettext(
                    'cae_billing.msg_year_end_empty',
                    document=self.rec_name))
        for line in self.lines:
            if self.kind.account.party_required and not line.party:
                message = 'cae_billing.msg_cutoff_party'
            elif line.tax and not self.kind.tax_account:
                message = 'cae_billing.msg_cutoff_tax'
            else:
                continue
            raise YearEndError(gettext(
                    message, document=self.rec_name, line=line.rec_name,
                    account=self.kind.account.rec_name))

    @property
    def _reversed_on(self):
        return self.fiscalyear.end_date + dt.timedelta(days=1)

    def _post(self):
        "Post the document and its reversal; return what to write"
        pool = Pool()
        MoveLine = pool.get('account.move.line')
        Period = pool.get('account.period')
        dates = [self.fiscalyear.end_date]
        if self.kind.reversed:
            dates.append(self._reversed_on)
        journal = self._setting('year_end_journal')
        entries = self._entries()
        values = []
        for date, sign in zip(dates, [1, -1]):
            text = self.description if sign > 0 else gettext(
                'cae_billing.msg_cutoff_reversal', cutoff=self.description)
            values.append(move_values(
                    self.company, journal, Period.find(self.company, date),
                    date, text, self, [
                        Entry(
                            account, sign * amount, origin=self,
                            description=(
                                text if sign < 0 else description),
                            **others)
                        for account, amount, description, others in entries]))
        moves = self._posted(
            values, {
                (line.activity.id, date)
                for line in self.lines for date in dates})
        if self.kind.reversed:
            to_reconcile = {}
            for line in moves[0].lines + moves[1].lines:
                if line.account.reconcile:
                    to_reconcile.setdefault(
                        (line.account, line.party), []).append(line)
            MoveLine.reconcile(*to_reconcile.values())
        return {
            'move': moves[0].id,
            'reversal': moves[1].id if len(moves) > 1 else None,
            }

    def _entries(self):
        "Return [(account, debit less credit, description, others)]"
        kind = self.kind
        result = []
        for line in self.lines:
            text = line.description or self.description
            party = line.party if kind.account.party_required else None
            total = line.amount + line.tax_amount
            result += [
                (kind.account, kind.sign * total, text, {'party': party}),
                (line.account, -kind.sign * line.amount, text, {
                        'activity': line.activity}),
                ]
            if line.tax_amount:
                result.append((
                        kind.tax_account, -kind.sign * line.tax_amount, text,
                        {}))
        return result


class CutoffLine(sequence_ordered(), ModelSQL, ModelView):
    "What an activity carries to the next year"
    __name__ = 'cae.cutoff.line'
    __string__ = "Line of a Cut-Off"
    _states = {
        'readonly': Eval('cutoff_state') != 'draft',
        }

    cutoff = fields.Many2One(
        'cae.cutoff', "Cut-Off", required=True, ondelete='CASCADE')
    cutoff_state = fields.Function(
        fields.Selection(STATES, "State"), 'on_change_with_cutoff_state')
    company = fields.Function(
        fields.Many2One('company.company', "Company"),
        'on_change_with_company')
    currency = fields.Function(
        fields.Many2One('currency.currency', "Currency"),
        'on_change_with_currency')
    activity = fields.Many2One(
        'cae.activity', "Activity", required=True, ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ('kind', '!=', 'unassigned'),
            ],
        states=_states)
    party = fields.Many2One(
        'party.party', "Party", ondelete='RESTRICT', states=_states,
        context={
            'company': Eval('company', -1),
            },
        depends={'company'},
        help="The customer, supplier or person, where the account has one.")
    account = fields.Many2One(
        'account.account', "Account", required=True, ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ('type.statement', '=', 'income'),
            ('closed', '!=', True),
            ],
        states=_states,
        help="Of the cost or income that is cut off.")
    description = fields.Char(
        "Description", states=_states,
        help="What the holders of the activity read on their statement.")
    amount = Monetary(
        "Amount", currency='currency', digits='currency', required=True,
        states=_states,
        help="Without VAT. The opposite amount corrects another document.")
    tax = fields.Many2One(
        'account.tax', "VAT", ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ('parent', '=', None),
            ],
        states=_states,
        help="Of the invoice to come; it is not declared before.")
    tax_amount = fields.Function(Monetary(
            "VAT Amount", currency='currency', digits='currency'),
        'on_change_with_tax_amount')

    del _states

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('cutoff')

    @fields.depends('cutoff', '_parent_cutoff.state')
    def on_change_with_cutoff_state(self, name=None):
        return self.cutoff.state if self.cutoff else 'draft'

    @fields.depends('cutoff', '_parent_cutoff.company')
    def on_change_with_company(self, name=None):
        return self.cutoff.company if self.cutoff else None

    @fields.depends('cutoff', '_parent_cutoff.company')
    def on_change_with_currency(self, name=None):
        if self.cutoff and self.cutoff.company:
            return self.cutoff.company.currency

    @fields.depends('cutoff', '_parent_cutoff.kind', 'account')
    def on_change_cutoff(self):
        if self.cutoff and self.cutoff.kind and not self.account:
            self.account = self.cutoff.kind.line_account

    @fields.depends('cutoff', '_parent_cutoff.fiscalyear', 'tax', 'amount')
    def on_change_with_tax_amount(self, name=None):
        Tax = Pool().get('account.tax')
        if not (self.tax and self.amount
                and self.cutoff and self.cutoff.fiscalyear):
            return Decimal(0)
        return round_half_up(sum(
                (t['amount'] for t in Tax.compute(
                        [self.tax], self.amount, 1,
                        self.cutoff.fiscalyear.end_date)),
                Decimal(0)))

    def get_rec_name(self, name):
        return ' – '.join(filter(None, [
                    self.activity.rec_name,
                    self.description or self.cutoff.description]))

    @classmethod
    def preprocess_values(cls, mode, values):
        values = super().preprocess_values(mode, values)
        if values.get('amount') is not None:
            check_amount(values['amount'])
            if not values['amount']:
                raise YearEndError(gettext('cae_billing.msg_cutoff_zero'))
        return values

    @classmethod
    def check_modification(cls, mode, lines, values=None, external=False):
        for line in lines:
            if line.cutoff.state != 'draft':
                raise YearEndAccessError(gettext(
                        'cae_billing.msg_year_end_frozen',
                        document=line.cutoff.rec_name))
        super().check_modification(
            mode, lines, values=values, external=external)
