# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Funding agreements and what is posted of them."""
from collections import defaultdict
from decimal import Decimal

from sql.aggregate import Sum

from trytond.i18n import gettext
from trytond.model import Index, ModelSQL, ModelView, Unique, Workflow, fields
from trytond.modules.cae_members.model import CompanyCurrencyMixin
from trytond.modules.cae_members.query import fetch
from trytond.modules.currency.fields import Monetary
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Bool, Eval, If
from trytond.transaction import Transaction
from trytond.wizard import Button, StateTransition, StateView, Wizard

from ..apportion import round_half_up
from ..exceptions import FundingAccessError, FundingError, SetupError
from ..posting import Entry as Posting
from ..posting import move_values

LIMIT = Decimal(10) ** 12
KINDS = [
    ('notified', "Notified"),
    ('deferred', "Tied to Later Costs"),
    ('released', "Released"),
    ('refunded', "Refund Claimed"),
    ]
# The settings of the accounts debited and credited
SIDES = {
    'notified': ('funding_receivable_account', 'funding_income_account'),
    'deferred': ('funding_income_account', 'funding_deferred_account'),
    'released': ('funding_deferred_account', 'funding_income_account'),
    'refunded': ('funding_income_account', 'funding_receivable_account'),
    }
AMOUNTS = [
    'amount_notified', 'amount_spent', 'amount_left', 'amount_received',
    'amount_to_receive']


class Agreement(CompanyCurrencyMixin, Workflow, ModelSQL, ModelView):
    """What a public funder grants for a territory and a period.

    A grant is income once it is notified (Plan comptable général, art.
    512-1); what is tied to later costs is deferred until they are made.
    """
    __name__ = 'cae.funding.agreement'
    __string__ = "Funding Agreement"
    _states = {
        'readonly': Eval('state') != 'draft',
        }

    name = fields.Char("Name", required=True)
    reference = fields.Char(
        "Reference", help="The number that the funder gave it.")
    company = fields.Many2One(
        'company.company', "Company", required=True,
        states={
            'readonly': (
                (Eval('state') != 'draft') | Eval('funder')
                | Eval('activity') | Eval('actions', [0])),
            })
    funder = fields.Many2One(
        'party.party', "Funder", required=True, ondelete='RESTRICT',
        states=_states,
        context={
            'company': Eval('company', -1),
            },
        depends={'company'},
        help="Who grants the money (financeur).")
    territory = fields.Many2One(
        'country.subdivision', "Territory", ondelete='RESTRICT',
        help="The region, department or municipality for which the funder "
        "pays.\n"
        "Leave empty for the whole country.")
    from_date = fields.Date(
        "From Date", required=True,
        domain=[
            If(Bool(Eval('to_date')),
                ('from_date', '<=', Eval('to_date')), ()),
            ])
    to_date = fields.Date(
        "To Date", required=True,
        domain=[
            If(Bool(Eval('from_date')),
                ('to_date', '>=', Eval('from_date')), ()),
            ])
    activity = fields.Many2One(
        'cae.activity', "Activity", required=True, ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        states=_states,
        help="Whose income the grant is: the shared services, or an activity "
        "that the funder names.")
    amount = Monetary(
        "Amount", currency='currency', digits='currency', required=True,
        states=_states, help="What the funder notifies first.")
    notified_on = fields.Date(
        "Notified On",
        states={
            'readonly': Eval('state') != 'draft',
            'required': Eval('state') != 'draft',
            })
    actions = fields.One2Many(
        'cae.funded_action', 'agreement', "Actions",
        domain=[
            ('company', '=', Eval('company', -1)),
            ['OR',
                ('funder', '=', Eval('funder', -1)),
                ('funder', '=', None),
                ],
            ],
        add_remove=[
            ('agreement', '=', None),
            ],
        help="What the cooperative does for it.")
    entries = fields.One2Many(
        'cae.funding.entry', 'agreement', "Entries", readonly=True)
    receipts = fields.Many2Many(
        'cae.funding.agreement-account.move.line', 'agreement', 'line',
        "Receipts",
        domain=[
            ('move.company', '=', Eval('company', -1)),
            ('move.state', '=', 'posted'),
            ('party', '=', Eval('funder', -1)),
            ('credit', '>', 0),
            ],
        states={
            'readonly': Eval('state') != 'notified',
            },
        help="What the funder paid of it, on the account of grants to "
        "receive.")
    amount_notified = fields.Function(Monetary(
            "Notified", currency='currency', digits='currency',
            help="Less the refunds that the funder claimed."),
        'get_amounts')
    amount_spent = fields.Function(Monetary(
            "Spent", currency='currency', digits='currency',
            help="What is income: notified less what is tied to later "
            "costs."),
        'get_amounts')
    amount_left = fields.Function(Monetary(
            "Left", currency='currency', digits='currency',
            help="What is tied to later costs and not released yet."),
        'get_amounts')
    amount_received = fields.Function(Monetary(
            "Received", currency='currency', digits='currency'),
        'get_amounts')
    amount_to_receive = fields.Function(Monetary(
            "To Receive", currency='currency', digits='currency'),
        'get_amounts')
    state = fields.Selection([
            ('draft', "Draft"),
            ('notified', "Notified"),
            ('closed', "Closed"),
            ], "State", required=True, readonly=True, sort=False)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_indexes.add(Index(t, (t.company, Index.Range())))
        cls._order = [('from_date', 'DESC'), ('id', 'DESC')]
        cls._transitions |= {
            ('draft', 'notified'),
            ('notified', 'closed'),
            ('closed', 'notified'),
            }
        cls._buttons.update({
                'notify': {
                    'invisible': Eval('state') != 'draft',
                    'depends': ['state'],
                    },
                'record': {
                    'invisible': Eval('state') != 'notified',
                    'depends': ['state'],
                    },
                'close': {
                    'invisible': Eval('state') != 'notified',
                    'depends': ['state'],
                    },
                'reopen': {
                    'invisible': Eval('state') != 'closed',
                    'depends': ['state'],
                    },
                })

    @staticmethod
    def default_company():
        return Transaction().context.get('company')

    @classmethod
    def default_activity(cls):
        Activity = Pool().get('cae.activity')
        activities = Activity.search([
                ('company', '=', cls.default_company()),
                ('kind', '=', 'shared'),
                ], limit=1)
        return activities[0].id if activities else None

    @staticmethod
    def default_state():
        return 'draft'

    @classmethod
    def get_amounts(cls, agreements, names):
        sums = cls.sums(agreements)
        result = {name: {} for name in names}
        for agreement in agreements:
            for name in names:
                result[name][agreement.id] = sums[agreement.id][name]
        return result

    @classmethod
    def sums(cls, agreements, date=None):
        "Return {agreement id: {name of the field: amount}} up to the date"
        pool = Pool()
        entry = pool.get('cae.funding.entry').__table__()
        line = pool.get('account.move.line').__table__()
        move = pool.get('account.move').__table__()
        receipt = pool.get(
            'cae.funding.agreement-account.move.line').__table__()
        ids = [a.id for a in agreements]
        in_ = fields.SQL_OPERATORS['in']
        where = in_(entry.agreement, ids)
        received_where = in_(receipt.agreement, ids)
        if date:
            where &= entry.date <= date
            received_where &= move.date <= date
        entries = defaultdict(Decimal)
        for agreement, kind, amount in _rows(entry.select(
                    entry.agreement, entry.kind,
                    Sum(entry.amount).as_('amount'), where=where,
                    group_by=[entry.agreement, entry.kind])):
            entries[agreement, kind] = amount
        received = {
            agreement: amount for agreement, _, amount in _rows(receipt
                .join(line, condition=receipt.line == line.id)
                .join(move, condition=line.move == move.id)
                .select(
                    receipt.agreement, receipt.agreement.as_('same'),
                    Sum(line.credit - line.debit).as_('amount'),
                    where=received_where, group_by=[receipt.agreement]))}
        result = {}
        for id_ in ids:
            notified = entries[id_, 'notified'] - entries[id_, 'refunded']
            left = entries[id_, 'deferred'] - entries[id_, 'released']
            paid = received.get(id_, Decimal(0))
            result[id_] = dict(zip(AMOUNTS, [
                        notified, notified - left, left, paid,
                        notified - paid]))
        return result

    @classmethod
    def copy(cls, agreements, default=None):
        default = default.copy() if default is not None else {}
        for name in ['actions', 'entries', 'receipts', 'notified_on']:
            default.setdefault(name, None)
        default.setdefault('state', 'draft')
        return super().copy(agreements, default=default)

    @classmethod
    def preprocess_values(cls, mode, values):
        values = super().preprocess_values(mode, values)
        check_amount(values.get('amount'), values.get('name') or '')
        return values

    @classmethod
    def check_modification(
            cls, mode, agreements, values=None, external=False):
        fixed = {
            'company', 'funder', 'activity', 'amount', 'notified_on',
            'entries'}
        if mode == 'delete' or mode == 'write' and values.keys() & fixed:
            for agreement in agreements:
                if agreement.state != 'draft':
                    raise FundingAccessError(gettext(
                            'cae_billing.msg_funding_frozen',
                            agreement=agreement.rec_name))
        super().check_modification(
            mode, agreements, values=values, external=external)

    @classmethod
    @ModelView.button
    @Workflow.transition('notified')
    def notify(cls, agreements):
        """Post the amounts that were notified.

        Raise FundingError when an agreement has no date of notification.
        """
        for agreement in agreements:
            if agreement.state != 'draft':
                raise FundingError(gettext(
                        'cae_billing.msg_funding_state',
                        agreement=agreement.rec_name))
            if not agreement.notified_on:
                raise FundingError(gettext(
                        'cae_billing.msg_funding_date',
                        agreement=agreement.rec_name))
        for agreement in agreements:
            agreement.enter(
                'notified', agreement.amount, agreement.notified_on,
                agreement.name)

    @classmethod
    @ModelView.button_action('cae_billing.wizard_funding_record')
    def record(cls, agreements):
        pass

    @classmethod
    @ModelView.button
    @Workflow.transition('closed')
    def close(cls, agreements):
        "Refuse those of which something is still to come or to release"
        for agreement in agreements:
            if agreement.amount_to_receive or agreement.amount_left:
                raise FundingError(gettext(
                        'cae_billing.msg_funding_open',
                        agreement=agreement.rec_name,
                        receive=f"{agreement.amount_to_receive:.2f}",
                        left=f"{agreement.amount_left:.2f}"))

    @classmethod
    @ModelView.button
    @Workflow.transition('notified')
    def reopen(cls, agreements):
        "Go on with what was closed"
        for agreement in agreements:
            if agreement.state != 'closed':
                raise FundingError(gettext(
                        'cae_billing.msg_funding_state',
                        agreement=agreement.rec_name))

    def enter(self, kind, amount, date, description):
        """Post an entry of the kind and return it.

        Raise FundingError when more would be deferred or refunded than is
        income, or more released than is deferred.
        """
        pool = Pool()
        Configuration = pool.get('cae.configuration')
        Entry = pool.get('cae.funding.entry')
        Move = pool.get('account.move')
        Period = pool.get('account.period')
        cls = self.__class__
        cls.lock([self])
        agreement = cls(self.id)
        check_amount(amount, agreement.rec_name)
        if kind == 'notified':
            most = LIMIT
        elif agreement.state != 'notified':
            raise FundingError(gettext(
                    'cae_billing.msg_funding_state',
                    agreement=agreement.rec_name))
        elif kind == 'released':
            most = agreement.amount_left
        else:
            most = agreement.amount_spent
        if amount > most:
            raise FundingError(gettext(
                    'cae_billing.msg_funding_most',
                    agreement=agreement.rec_name, most=f"{most:.2f}"))
        settings = [
            Configuration(1).get_multivalue(
                name, company=agreement.company.id)
            for name in ['funding_journal', *SIDES[kind]]]
        if not all(settings):
            raise SetupError(gettext(
                    'cae_billing.msg_funding_configuration',
                    company=agreement.company.rec_name))
        journal, *accounts = settings
        entry, = Entry.create([{
                    'agreement': agreement.id,
                    'kind': kind,
                    'date': date,
                    'amount': amount,
                    'description': description,
                    }])
        text = ' – '.join(filter(None, [
                    agreement.name, entry.kind_string, description]))
        move, = Move.create([move_values(
                    agreement.company, journal,
                    Period.find(agreement.company, date), date, text,
                    agreement, [
                        Posting(
                            account, sign * amount,
                            activity=agreement.activity,
                            party=(
                                agreement.funder if account.party_required
                                else None),
                            origin=agreement, description=text)
                        for account, sign in zip(accounts, [1, -1])])])
        Move.post([move])
        Entry.write([entry], {'move': move.id})
        return entry


def check_amount(amount, name):
    "Refuse what is no amount of money"
    if amount is None:
        return
    if not (
            Decimal(amount).is_finite() and 0 < Decimal(amount) < LIMIT
            and round_half_up(amount) == amount):
        raise FundingError(gettext(
                'cae_billing.msg_funding_amount', agreement=name))


def _rows(query):
    return [
        (*row[:2], round_half_up(row[2]))
        for row in fetch(query, [None, None, 'NUMERIC'])]


class AgreementReceipt(ModelSQL):
    __name__ = 'cae.funding.agreement-account.move.line'
    __string__ = "Funding Agreement - Receipt"
    agreement = fields.Many2One(
        'cae.funding.agreement', "Agreement", required=True,
        ondelete='CASCADE')
    line = fields.Many2One(
        'account.move.line', "Line", required=True, ondelete='RESTRICT')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('agreement')
        t = cls.__table__()
        cls._sql_constraints += [
            ('line_unique', Unique(t, t.line),
                'cae_billing.msg_funding_receipt_unique'),
            ]
        cls._sql_indexes.add(Index(t, (t.agreement, Index.Range())))

    @classmethod
    def validate_fields(cls, receipts, field_names):
        Configuration = Pool().get('cae.configuration')
        super().validate_fields(receipts, field_names)
        for receipt in receipts:
            account = Configuration(1).get_multivalue(
                'funding_receivable_account',
                company=receipt.agreement.company.id)
            if (receipt.line.account != account
                    or isinstance(
                        receipt.line.move.origin,
                        receipt.agreement.__class__)):
                raise FundingError(gettext(
                        'cae_billing.msg_funding_receipt_account',
                        line=receipt.line.rec_name,
                        agreement=receipt.agreement.rec_name))


class Entry(ModelSQL, ModelView):
    "What was posted of a funding agreement"
    __name__ = 'cae.funding.entry'
    __string__ = "Funding Entry"
    agreement = fields.Many2One(
        'cae.funding.agreement', "Agreement", required=True, readonly=True,
        ondelete='RESTRICT')
    date = fields.Date("Date", required=True, readonly=True)
    kind = fields.Selection(
        KINDS, "Kind", required=True, readonly=True, sort=False)
    kind_string = kind.translated('kind')
    description = fields.Char("Description", readonly=True)
    currency = fields.Function(
        fields.Many2One('currency.currency', "Currency"),
        'on_change_with_currency')
    amount = Monetary(
        "Amount", currency='currency', digits='currency', required=True,
        readonly=True)
    move = fields.Many2One(
        'account.move', "Move", readonly=True, ondelete='RESTRICT')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('agreement')
        t = cls.__table__()
        cls._sql_indexes.add(
            Index(t, (t.agreement, Index.Range()), (t.date, Index.Range())))
        cls._order = [('date', 'ASC'), ('id', 'ASC')]

    @fields.depends('agreement', '_parent_agreement.company')
    def on_change_with_currency(self, name=None):
        if self.agreement and self.agreement.company:
            return self.agreement.company.currency

    def get_rec_name(self, name):
        return f'{self.agreement.rec_name} – {self.kind_string}'

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('agreement.rec_name', *clause[1:])]

    @classmethod
    def check_modification(cls, mode, entries, values=None, external=False):
        if external or mode == 'delete' or (
                mode == 'write' and values.keys() - {'move'}):
            raise FundingAccessError(gettext(
                    'cae_billing.msg_funding_entry'))
        super().check_modification(
            mode, entries, values=values, external=external)


class FundedAction(metaclass=PoolMeta):
    __name__ = 'cae.funded_action'
    agreement = fields.Many2One(
        'cae.funding.agreement', "Agreement", ondelete='SET NULL',
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        help="The agreement that pays for the action.")

    @classmethod
    def copy(cls, actions, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('agreement')
        return super().copy(actions, default=default)


class Record(Wizard):
    "Post what becomes of a grant"
    __name__ = 'cae.funding.agreement.record'
    start = StateView(
        'cae.funding.agreement.record.start',
        'cae_billing.funding_record_start_view_form', [
            Button("Cancel", 'end', 'tryton-cancel'),
            Button("Post", 'post', 'tryton-ok', default=True),
            ])
    post = StateTransition()

    def default_start(self, fields):
        return {
            'currency': self.record.currency.id,
            'amount_spent': self.record.amount_spent,
            'amount_left': self.record.amount_left,
            'date': Pool().get('ir.date').today(),
            }

    def transition_post(self):
        start = self.start
        self.record.enter(
            start.kind, start.amount, start.date, start.description)
        return 'end'

    def end(self):
        return 'reload'


class RecordStart(ModelView):
    "What becomes of a grant"
    __name__ = 'cae.funding.agreement.record.start'
    __string__ = "Record"
    kind = fields.Selection(
        KINDS, "Kind", required=True, sort=False,
        help="Notified: the funder grants more.\n"
        "Tied to Later Costs: taken out of the income until they are made.\n"
        "Released: the costs are made.\n"
        "Refund Claimed: the funder wants an amount back.")
    currency = fields.Many2One('currency.currency', "Currency", readonly=True)
    amount_spent = Monetary(
        "Spent", currency='currency', digits='currency', readonly=True)
    amount_left = Monetary(
        "Left", currency='currency', digits='currency', readonly=True)
    amount = Monetary(
        "Amount", currency='currency', digits='currency', required=True)
    date = fields.Date("Date", required=True)
    description = fields.Char("Description", required=True)
