# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What passes between two activities of the one company.

No activity has a legal personality: nothing of it is an invoice, VAT or
turnover. Each document is posted at once on both sides of one account.
"""
from decimal import Decimal

from trytond.i18n import gettext
from trytond.model import (
    DeactivableMixin, Index, ModelSQL, ModelView, Unique, Workflow, fields,
    sequence_ordered)
from trytond.modules.cae_members.model import STORED, CompanyCurrencyMixin
from trytond.modules.currency.fields import Monetary
from trytond.modules.product import price_digits
from trytond.pool import Pool
from trytond.pyson import Bool, Eval
from trytond.transaction import Transaction, without_check_access
from trytond.wizard import Button, StateTransition, StateView, Wizard

from ..apportion import round_half_up
from ..approval.approval import ApprovalMixin
from ..exceptions import (
    InternalAccessError, InternalError, InternalValidationError, SetupError)
from ..posting import Entry, move_values

LIMIT = Decimal(10) ** 12
COMMON = ['shared', 'fund', 'allocated']
SIDES = [
    ('business', "Business"),
    ('common', "The Cooperative"),
    ('any', "Any"),
    ]
# What only the buttons set
KEPT = {'number', 'move', 'corrects', 'approval_events'}


class ActivityName(DeactivableMixin, ModelSQL, ModelView):
    """What everybody in the cooperative may know of its activities.

    Its ids are those of the activities, which their holders alone may read.
    """
    __name__ = 'cae.activity.name'
    __string__ = "Activity Name"
    name = fields.Char("Name", readonly=True)
    code = fields.Char("Code", readonly=True)
    company = fields.Many2One('company.company', "Company", readonly=True)
    kind = fields.Char("Kind", readonly=True)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._order = [('code', 'ASC'), ('id', None)]

    @classmethod
    def table_query(cls):
        table = Pool().get('cae.activity').__table__()
        return table.select(
            table.id, table.name, table.code, table.company, table.kind,
            table.active)

    def get_rec_name(self, name):
        return f'{self.code} - {self.name}'

    @classmethod
    def search_rec_name(cls, name, clause):
        _, operator, *_ = clause
        if operator.startswith('!') or operator.startswith('not '):
            bool_op = 'AND'
        else:
            bool_op = 'OR'
        return [bool_op,
            ('code', *clause[1:]),
            ('name', *clause[1:]),
            ]


class Kind(DeactivableMixin, ModelSQL, ModelView):
    "A kind of document between activities: who, what for, which account"
    __name__ = 'cae.internal.kind'
    __string__ = "Kind of Document Between Activities"
    name = fields.Char("Name", required=True, translate=True)
    company = fields.Many2One(
        'company.company', "Company", required=True,
        states={
            'readonly': Eval('id', -1) >= 0,
            })
    account = fields.Many2One(
        'account.account', "Account",
        domain=[
            ('company', '=', Eval('company', -1)),
            ('type.statement', '=', 'income'),
            ('closed', '!=', True),
            ],
        states={
            'required': Eval('holders', False),
            },
        help="Debited to one activity and credited to the other "
        "(compte de cessions internes).\n"
        "Leave empty to choose it on each document, as to move a cost or an "
        "income that was posted on the wrong activity.")
    payer = fields.Selection([
            ('to', "To: who receives is debited"),
            ('from', "From: who gives is debited"),
            ], "Payer", required=True, sort=False,
        help="A sale is paid by who receives it, what is taken over by who "
        "gives.")
    from_side = fields.Selection(SIDES, "From", required=True, sort=False)
    to_side = fields.Selection(SIDES, "To", required=True, sort=False)
    holders = fields.Boolean(
        "Between Holders",
        help="A holder of the one activity proposes it as a sale and a "
        "holder of the other accepts. The others are posted by accountants.")
    decision = fields.Boolean(
        "Needs a Decision",
        help="The document must name the decision behind it.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._order = [('company', 'ASC'), ('id', 'ASC')]

    @staticmethod
    def default_company():
        return Transaction().context.get('company')

    @staticmethod
    def default_payer():
        return 'to'

    @staticmethod
    def default_from_side():
        return 'any'

    @staticmethod
    def default_to_side():
        return 'any'

    def fits(self, from_, to):
        "Return whether it goes from and to the kinds of activities"
        return all(
            side == 'any' or (kind in COMMON) == (side == 'common')
            for side, kind in [
                (self.from_side, from_.kind), (self.to_side, to.kind)])


class Internal(
        CompanyCurrencyMixin, ApprovalMixin, Workflow, ModelSQL, ModelView):
    """A document between two activities (facture ou opération interne).

    An opposite document corrects the one posted, as a whole or in part. It
    is not an invoice (Code général des impôts, art. 256: no supply between
    two persons).
    """
    __name__ = 'cae.internal'
    __string__ = "Document Between Activities"
    _states = {
        'readonly': Eval('state') != 'draft',
        }

    number = fields.Char("Number", readonly=True)
    company = fields.Many2One(
        'company.company', "Company", required=True,
        states={
            'readonly': (
                (Eval('state') != 'draft') | STORED & (
                    Bool(Eval('lines', [0]))
                    | Eval('from_activity') | Eval('to_activity'))),
            })
    date = fields.Date("Date", required=True, states=_states)
    kind = fields.Many2One(
        'cae.internal.kind', "Kind", required=True, ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        states=_states)
    from_activity = fields.Many2One(
        'cae.activity.name', "From", required=True,
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        states=_states,
        help="The activity that sells or gives.")
    to_activity = fields.Many2One(
        'cae.activity.name', "To", required=True,
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        states=_states,
        help="The activity that buys or receives.")
    choose_account = fields.Function(
        fields.Boolean("Choose Account"), 'on_change_with_choose_account')
    account = fields.Many2One(
        'account.account', "Account", ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ('type.statement', '=', 'income'),
            ('closed', '!=', True),
            ],
        states={
            'readonly': Eval('state') != 'draft',
            'required': Eval('choose_account', False),
            'invisible': ~Eval('choose_account', False),
            },
        help="The account of the cost or income on the wrong activity.")
    reference = fields.Char("Reference", states=_states)
    needs_decision = fields.Function(
        fields.Boolean("Needs a Decision"), 'on_change_with_needs_decision')
    decision = fields.Char(
        "Decision",
        states={
            'readonly': Eval('state') != 'draft',
            'required': Eval('needs_decision', False),
            'invisible': ~Eval('needs_decision', False),
            },
        help="Who decided it and when; the holders read it.")
    lines = fields.One2Many(
        'cae.internal.line', 'internal', "Lines", states=_states)
    amount = fields.Function(Monetary(
            "Amount", currency='currency', digits='currency'),
        'get_amount')
    amount_left = fields.Function(Monetary(
            "Amount Left", currency='currency', digits='currency',
            states={
                'invisible': Eval('state') != 'posted',
                },
            help="What was not corrected."),
        'get_amount')
    corrects = fields.Many2One(
        'cae.internal', "Corrects", readonly=True, ondelete='RESTRICT',
        states={
            'invisible': ~Eval('corrects'),
            })
    corrections = fields.One2Many(
        'cae.internal', 'corrects', "Corrections", readonly=True,
        states={
            'invisible': ~Eval('corrections', [0]),
            })
    move = fields.Many2One(
        'account.move', "Move", readonly=True, ondelete='RESTRICT')
    state = fields.Selection([
            ('draft', "Draft"),
            ('proposed', "Proposed"),
            ('posted', "Posted"),
            ], "State", required=True, readonly=True, sort=False)
    to_accept = fields.Function(
        fields.Boolean(
            "To Accept",
            help="It waits for the user's answer."),
        'get_to_accept', searcher='search_to_accept')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('number_unique', Unique(t, t.company, t.number),
                'cae_billing.msg_internal_number_unique'),
            ]
        cls._sql_indexes.update({
                Index(t, (t.from_activity, Index.Range())),
                Index(t, (t.to_activity, Index.Range())),
                Index(t, (t.state, Index.Equality(cardinality='low')),
                    where=t.state != 'posted'),
                })
        cls._order = [('date', 'DESC'), ('id', 'DESC')]
        cls._transitions |= {
            ('draft', 'proposed'),
            ('draft', 'posted'),
            ('proposed', 'draft'),
            ('proposed', 'posted'),
            }
        cls._buttons.update({
                'propose': {
                    'invisible': (
                        (Eval('state') != 'draft')
                        | Eval('needs_decision', False)
                        | Eval('choose_account', False)),
                    'depends': ['state', 'needs_decision', 'choose_account'],
                    },
                'withdraw': {
                    'invisible': Eval('state') != 'proposed',
                    'depends': ['state'],
                    },
                'accept': {
                    'invisible': ~Eval('to_accept', False),
                    'depends': ['to_accept'],
                    },
                'refuse': {
                    'invisible': ~Eval('to_accept', False),
                    'depends': ['to_accept'],
                    },
                'post': {
                    'invisible': Eval('state') == 'posted',
                    'depends': ['state'],
                    },
                'correct': {
                    'invisible': (
                        (Eval('state') != 'posted') | Eval('corrects')
                        | (Eval('amount_left', 0) == 0)),
                    'depends': ['state', 'corrects', 'amount_left'],
                    },
                })

    @classmethod
    def __register__(cls, module):
        super().__register__(module)
        table = cls.__table_handler__(module)
        for name in ['from_activity', 'to_activity']:
            # The names are a query, which takes no foreign key
            table.add_fk(name, 'cae_activity', on_delete='RESTRICT')

    @staticmethod
    def default_company():
        return Transaction().context.get('company')

    @classmethod
    def default_date(cls):
        return Pool().get('ir.date').today()

    @classmethod
    def default_kind(cls):
        Kind = Pool().get('cae.internal.kind')
        kinds = Kind.search([
                ('company', '=', cls.default_company()),
                ('holders', '=', True),
                ], limit=1)
        return kinds[0].id if kinds else None

    @classmethod
    def default_from_activity(cls):
        Rule = Pool().get('ir.rule')
        _, activities = Rule._cae_own()
        return activities[0] if len(activities) == 1 else None

    @staticmethod
    def default_state():
        return 'draft'

    @fields.depends('kind')
    def on_change_with_choose_account(self, name=None):
        return bool(self.kind and not self.kind.account)

    @fields.depends('kind')
    def on_change_with_needs_decision(self, name=None):
        return bool(self.kind and self.kind.decision)

    @classmethod
    def get_amount(cls, documents, names):
        result = {name: {} for name in names}
        for document in documents:
            amount = sum((li.amount for li in document.lines), Decimal(0))
            if 'amount' in names:
                result['amount'][document.id] = amount
            if 'amount_left' in names:
                result['amount_left'][document.id] = amount + sum(
                    c.amount for c in document.corrections)
        return result

    @classmethod
    def _is_accountant(cls):
        pool = Pool()
        ModelData = pool.get('ir.model.data')
        User = pool.get('res.user')
        return (
            not Transaction().user
            or ModelData.get_id('account', 'group_account')
            in User.get_groups())

    @classmethod
    def get_to_accept(cls, documents, name):
        accountant, own = cls._is_accountant(), cls._own()
        return {
            d.id: d.state == 'proposed'
            and (accountant or d.to_activity.id in own) for d in documents}

    @classmethod
    def search_to_accept(cls, name, clause):
        domain = [('state', '=', 'proposed')]
        if not cls._is_accountant():
            domain.append(('to_activity', 'in', cls._own()))
        _, operator, value = clause
        if (operator in {'=', 'in'}) == bool(
                any(value) if operator.endswith('in') else value):
            return domain
        found = cls.search(domain, order=[])
        return [('id', 'not in', [d.id for d in found])]

    @classmethod
    def _own(cls):
        "Return the ids of the activities that the user holds"
        _, activities = Pool().get('ir.rule')._cae_own()
        return list(activities)

    def get_rec_name(self, name):
        # What is missing is named in the message about it
        from_, to = [
            activity.code if activity else ''
            for activity in [self.from_activity, self.to_activity]]
        return f'{self.number or f"({self.id})"} – {from_} → {to}'

    @classmethod
    def search_rec_name(cls, name, clause):
        _, operator, *_ = clause
        if operator.startswith('!') or operator.startswith('not '):
            bool_op = 'AND'
        else:
            bool_op = 'OR'
        return [bool_op,
            ('number', *clause[1:]),
            ('reference', *clause[1:]),
            ]

    @classmethod
    def copy(cls, documents, default=None):
        default = default.copy() if default is not None else {}
        for name in [*KEPT, 'corrections']:
            default.setdefault(name, None)
        default.setdefault('state', 'draft')
        return super().copy(documents, default=default)

    @classmethod
    def check_modification(
            cls, mode, documents, values=None, external=False):
        if external and (
                mode == 'write' and values.keys() & {*KEPT, 'corrections'}
                or mode == 'create' and any(
                    getattr(d, n) for d in documents for n in KEPT)):
            raise InternalAccessError(gettext(
                    'cae_billing.msg_internal_by_button'))
        if mode in {'write', 'delete'}:
            for document in documents:
                if document.state == 'posted' or (
                        external and document.state != 'draft'):
                    raise InternalAccessError(gettext(
                            'cae_billing.msg_internal_frozen',
                            document=document.rec_name))
        super().check_modification(
            mode, documents, values=values, external=external)

    @classmethod
    def validate_fields(cls, documents, field_names):
        super().validate_fields(documents, field_names)
        for document in documents:
            from_, to = document.from_activity, document.to_activity
            if from_ == to:
                raise InternalValidationError(gettext(
                        'cae_billing.msg_internal_same',
                        activity=from_.rec_name))
            if not document.kind.fits(from_, to):
                raise InternalValidationError(gettext(
                        'cae_billing.msg_internal_sides',
                        kind=document.kind.name,
                        from_=from_.rec_name, to=to.rec_name))

    @classmethod
    def _check(cls, documents):
        """Refuse what cannot be posted.

        A sale needs a holder who may sell at its date (Code de commerce, art.
        L127-1 ff: the support comes first).
        """
        pool = Pool()
        Activity = pool.get('cae.activity')
        Lang = pool.get('ir.lang')
        Period = pool.get('account.period')
        lang = Lang.get()
        sales = {}
        for document in documents:
            if not document.corrects and not 0 < document.amount < LIMIT:
                raise InternalError(gettext(
                        'cae_billing.msg_internal_amount',
                        document=document.rec_name))
            if document.kind.decision and not document.decision:
                raise InternalError(gettext(
                        'cae_billing.msg_internal_decision',
                        document=document.rec_name,
                        kind=document.kind.name))
            if not document.kind.account and not document.account:
                raise InternalError(gettext(
                        'cae_billing.msg_internal_account',
                        document=document.rec_name))
            Period.find(document.company, document.date)
            Activity.check_open(
                (Activity(name.id), document.date, document.rec_name)
                for name in [document.from_activity, document.to_activity])
            if document.kind.holders and not document.corrects:
                sales.setdefault(document.date, []).append(document)
        for date, documents_ in sales.items():
            allowed = Activity.may_sell(
                [d.from_activity.id for d in documents_], date)
            for document in documents_:
                if document.from_activity.id not in allowed:
                    raise InternalError(gettext(
                            'cae_billing.msg_internal_may_not_sell',
                            document=document.rec_name,
                            activity=document.from_activity.rec_name,
                            date=lang.strftime(date)))

    @classmethod
    def _check_holder(cls, documents, name):
        "Refuse who neither holds the activity nor is an accountant"
        if cls._is_accountant():
            return
        own = cls._own()
        for document in documents:
            activity = getattr(document, name)
            if activity.id not in own:
                raise InternalAccessError(gettext(
                        'cae_billing.msg_internal_holder',
                        document=document.rec_name,
                        activity=activity.rec_name))

    @classmethod
    @ModelView.button
    @Workflow.transition('proposed')
    def propose(cls, documents):
        """Ask the holders of the buying activity to accept the documents.

        Raise InternalError for what could not be posted and
        InternalAccessError when the user does not hold the selling activity.
        """
        cls._check_holder(documents, 'from_activity')
        for document in documents:
            if not document.kind.holders:
                raise InternalError(gettext(
                        'cae_billing.msg_internal_not_proposed',
                        document=document.rec_name,
                        kind=document.kind.name))
        cls._check(documents)
        cls._note(documents, 'submit')
        cls._notify(documents, 'to_activity', 'msg_internal_proposed')

    @classmethod
    @ModelView.button
    @Workflow.transition('draft')
    def withdraw(cls, documents):
        "Take back what was proposed, before it is accepted"
        cls._check_holder(documents, 'from_activity')
        cls._note(documents, 'withdraw')

    @classmethod
    @ModelView.button
    @Workflow.transition('posted')
    def accept(cls, documents):
        """Agree with what was proposed, which is posted at once.

        Raise InternalAccessError when the user does not hold the buying
        activity.
        """
        cls._check_holder(documents, 'to_activity')
        cls._post(documents)
        cls._note(documents, 'approve')

    @classmethod
    @ModelView.button_action('cae_billing.wizard_internal_refuse')
    def refuse(cls, documents):
        pass

    @classmethod
    def refuse_submission(cls, documents, comment):
        "Give the documents back to the sellers with the comment"
        cls.lock(documents)
        cls._check_holder(documents, 'to_activity')
        for document in documents:
            if document.state != 'proposed':
                raise InternalError(gettext(
                        'cae_billing.msg_internal_not_waiting',
                        document=document.rec_name))
        super().refuse_submission(documents, comment)
        cls.write(documents, {'state': 'draft'})
        cls._notify(documents, 'from_activity', 'msg_internal_refused')

    @classmethod
    @ModelView.button
    @Workflow.transition('posted')
    def post(cls, documents):
        "Post the documents; it is for accountants"
        cls._post(documents)
        cls._note(documents, 'post')

    @classmethod
    @ModelView.button_action('cae_billing.wizard_internal_correct')
    def correct(cls, documents):
        pass

    def correct_with(self, amount, date, reason):
        """Return the posted opposite document of an amount.

        Raise InternalError when the amount is more than what is left or the
        document is not posted.
        """
        cls = self.__class__
        cls.lock([self])
        # What was read before the lock may be old
        document = cls(self.id)
        if document.state != 'posted' or document.corrects:
            raise InternalError(gettext(
                    'cae_billing.msg_internal_not_corrected',
                    document=document.rec_name))
        if (not amount.is_finite()
                or not 0 < amount <= document.amount_left
                or amount != document.currency.round(amount)):
            raise InternalError(gettext(
                    'cae_billing.msg_internal_left',
                    document=document.rec_name,
                    left=f"{document.amount_left:.2f}"))
        correction, = cls.create([{
                    'company': document.company.id,
                    'date': date,
                    'kind': document.kind.id,
                    'from_activity': document.from_activity.id,
                    'to_activity': document.to_activity.id,
                    'account': document.account and document.account.id,
                    'reference': document.number,
                    'decision': document.decision,
                    'corrects': document.id,
                    'lines': [('create', [{
                                    'description': gettext(
                                        'cae_billing.msg_internal_correction',
                                        number=document.number,
                                        reason=reason),
                                    'quantity': 1,
                                    'unit_price': -amount,
                                    }])],
                    }])
        cls.post([correction])
        return cls(correction.id)

    @classmethod
    def _post(cls, documents):
        "Number the documents and post a move for each"
        pool = Pool()
        Configuration = pool.get('cae.configuration')
        Move = pool.get('account.move')
        if not documents:
            return
        cls._check(documents)
        configuration = Configuration(1)
        settings, to_write, to_move = {}, [], []
        for company in {d.company for d in documents}:
            documents_ = [d for d in documents if d.company == company]
            sequence, journal = [
                configuration.get_multivalue(name, company=company.id)
                for name in ['internal_sequence', 'internal_journal']]
            if not sequence or not journal:
                raise SetupError(gettext(
                        'cae_billing.msg_internal_configuration',
                        company=company.rec_name))
            settings[company] = journal
            for document, number in zip(
                    documents_, sequence.get_many(len(documents_))):
                document.number = number
        for document in documents:
            to_move.append(document._move_values(settings[document.company]))
        moves = Move.create(to_move)
        Move.post(moves)
        for document, move in zip(documents, moves):
            to_write.extend([[document], {
                        'number': document.number, 'move': move.id}])
        cls.write(*to_write)

    def _move_values(self, journal):
        "Return the values of the move, in the language of the company"
        pool = Pool()
        Activity = pool.get('cae.activity')
        Period = pool.get('account.period')
        account = self.kind.account or self.account
        sides = {
            self.from_activity: -1 if self.kind.payer == 'to' else 1,
            self.to_activity: 1 if self.kind.payer == 'to' else -1,
            }
        others = dict(zip(sides, reversed(sides)))
        context = {'company': self.company.id}
        if lang := self.company.party.lang:
            context['language'] = lang.code
        with Transaction().set_context(context):
            name = self.kind.__class__(self.kind.id).name
            entries = [
                Entry(
                    account, sign * line.amount, activity=Activity(side.id),
                    origin=self, description=gettext(
                        'cae_billing.msg_internal_description',
                        kind=name, number=self.number,
                        other=others[side].rec_name, line=line.description))
                for line in self.lines for side, sign in sides.items()]
            return move_values(
                self.company, journal, Period.find(self.company, self.date),
                self.date, ' '.join(
                    filter(None, [name, self.number, self.decision])),
                self, entries)

    @classmethod
    def _notify(cls, documents, name, message):
        "Tell the holders of the activity of the documents"
        Activity = Pool().get('cae.activity')
        with without_check_access():
            for document in documents:
                activity = getattr(document, name).id
                holders = Activity.holders_at([activity], document.date)
                for entrepreneur, _ in holders[activity]:
                    if entrepreneur.user:
                        cls.notify_user(
                            [document], 'tryton-cae-internal',
                            gettext(f'cae_billing.{message}'),
                            document.rec_name, user=entrepreneur.user)


class InternalLine(sequence_ordered(), ModelSQL, ModelView):
    __name__ = 'cae.internal.line'
    __string__ = "Line Between Activities"
    internal = fields.Many2One(
        'cae.internal', "Document", required=True, ondelete='CASCADE')
    currency = fields.Function(
        fields.Many2One('currency.currency', "Currency"),
        'on_change_with_currency')
    description = fields.Char("Description", required=True)
    quantity = fields.Numeric("Quantity", digits=(16, 4), required=True)
    unit_price = Monetary(
        "Unit Price", currency='currency', digits=price_digits,
        required=True)
    amount = fields.Function(Monetary(
            "Amount", currency='currency', digits='currency'),
        'on_change_with_amount')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('internal')
        t = cls.__table__()
        cls._sql_indexes.add(Index(t, (t.internal, Index.Range())))

    @staticmethod
    def default_quantity():
        return 1

    @fields.depends('internal', '_parent_internal.company')
    def on_change_with_currency(self, name=None):
        if self.internal and self.internal.company:
            return self.internal.company.currency

    @fields.depends('quantity', 'unit_price')
    def on_change_with_amount(self, name=None):
        return round_half_up(
            (self.quantity or Decimal(0)) * (self.unit_price or Decimal(0)))

    @classmethod
    def preprocess_values(cls, mode, values):
        values = super().preprocess_values(mode, values)
        for name in ['quantity', 'unit_price']:
            value = values.get(name)
            # What is no number would break the checks of Tryton
            if value is not None and not (
                    Decimal(value).is_finite()
                    and abs(Decimal(value)) < LIMIT):
                raise InternalValidationError(gettext(
                        'cae_billing.msg_internal_line_number',
                        **cls.__names__(name)))
        return values

    @classmethod
    def validate_fields(cls, lines, field_names):
        super().validate_fields(lines, field_names)
        for line in lines:
            if not line.amount:
                raise InternalValidationError(gettext(
                        'cae_billing.msg_internal_line_zero',
                        line=line.description))

    @classmethod
    def check_modification(cls, mode, lines, values=None, external=False):
        for document in {line.internal for line in lines}:
            if document.state != 'draft':
                raise InternalAccessError(gettext(
                        'cae_billing.msg_internal_frozen',
                        document=document.rec_name))
        super().check_modification(
            mode, lines, values=values, external=external)


class Correct(Wizard):
    "Post the opposite of a document"
    __name__ = 'cae.internal.correct'
    start = StateView(
        'cae.internal.correct.start',
        'cae_billing.internal_correct_start_view_form', [
            Button("Cancel", 'end', 'tryton-cancel'),
            Button("Correct", 'correct', 'tryton-ok', default=True),
            ])
    correct = StateTransition()

    def default_start(self, fields):
        Date = Pool().get('ir.date')
        return {
            'currency': self.record.currency.id,
            'amount_left': self.record.amount_left,
            'amount': self.record.amount_left,
            'date': Date.today(),
            }

    def transition_correct(self):
        self.record.correct_with(
            self.start.amount, self.start.date, self.start.reason)
        return 'end'

    def end(self):
        return 'reload'


class CorrectStart(ModelView):
    "What of a document is corrected"
    __name__ = 'cae.internal.correct.start'
    __string__ = "Correct"
    currency = fields.Many2One('currency.currency', "Currency", readonly=True)
    amount_left = Monetary(
        "Amount Left", currency='currency', digits='currency', readonly=True)
    amount = Monetary(
        "Amount", currency='currency', digits='currency', required=True)
    date = fields.Date("Date", required=True)
    reason = fields.Char(
        "Reason", required=True, help="The holders of both sides read it.")
