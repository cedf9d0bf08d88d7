# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What entrepreneurs spend for their activities, up to the refund."""
from collections import defaultdict
from decimal import Decimal

from sql import Null
from sql.aggregate import Sum

from trytond.i18n import gettext
from trytond.model import Index, ModelSQL, ModelView, Unique, Workflow, fields
from trytond.modules.cae_members.document import DocumentReport
from trytond.modules.cae_members.model import (
    STORED, CompanyCurrencyMixin, next_numbers, own_entrepreneur)
from trytond.modules.cae_members.query import fetch
from trytond.modules.cae_members.support import company_lines
from trytond.modules.currency.fields import Monetary
from trytond.pool import Pool
from trytond.pyson import Bool, Eval
from trytond.transaction import (
    Transaction, check_access, inactive_records, without_check_access)

from ..apportion import round_half_up
from ..approval.access import IS_ACCOUNTANT
from ..approval.approval import ApprovalMixin
from ..exceptions import (
    ExpenseAccessError, ExpenseError, ExpenseValidationError, SetupError)
from ..posting import Entry, move_values
from .common import check_numbers, strftime

in_ = fields.SQL_OPERATORS['in']
ZERO = Decimal(0)


class Expense(
        CompanyCurrencyMixin, ApprovalMixin, Workflow, ModelSQL, ModelView):
    """The expense sheet of an entrepreneur (note de frais).

    It is submitted by the entrepreneur, approved by somebody else and posted
    by the accountants. Once posted it never changes: a sheet of the opposite
    amounts corrects it.
    """
    __name__ = 'cae.expense'
    __string__ = "Expense Sheet"

    _states = {
        'readonly': Eval('state') != 'draft',
        }

    number = fields.Char(
        "Number", readonly=True,
        help="It is given when the sheet is submitted.")
    company = fields.Many2One(
        'company.company', "Company", required=True, ondelete='RESTRICT',
        states={
            'readonly': _states['readonly'] | STORED & Eval('lines', [0]),
            })
    entrepreneur = fields.Many2One(
        'cae.entrepreneur', "Entrepreneur", required=True,
        ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        states={
            'readonly': _states['readonly'] | STORED & Eval('lines', [0]),
            },
        help="Who spent, and is refunded.")
    party = fields.Function(
        fields.Many2One(
            'party.party', "Party",
            context={
                'company': Eval('company', -1),
                },
            depends={'company'}),
        'on_change_with_party')
    activity = fields.Many2One(
        'cae.activity', "Activity", ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ('holders.entrepreneur', '=', Eval('entrepreneur', -1)),
            ],
        states=_states,
        help="The activity given to new lines (activité).")
    date = fields.Date(
        "Date", required=True,
        states={
            'readonly': (
                (Eval('state') == 'posted')
                | ((Eval('state') != 'draft') & ~IS_ACCOUNTANT)),
            },
        help="When the sheet is posted. The accountants may change it until "
        "then.")
    description = fields.Char("Description", states=_states)
    lines = fields.One2Many(
        'cae.expense.line', 'expense', "Lines",
        states={
            'readonly': (
                _states['readonly'] | ~Eval('entrepreneur')),
            })
    total = fields.Function(Monetary(
            "Total", currency='currency', digits='currency',
            help="What the activities bear, with the VAT that is recovered."),
        'on_change_with_total')
    tax_amount = fields.Function(Monetary(
            "VAT Recovered", currency='currency', digits='currency'),
        'on_change_with_tax_amount')
    refund_amount = fields.Function(Monetary(
            "Refund", currency='currency', digits='currency',
            help="What the person paid and is refunded."),
        'on_change_with_refund_amount')
    card_amount = fields.Function(Monetary(
            "Company Card", currency='currency', digits='currency',
            help="What was paid with a card of the cooperative."),
        'on_change_with_card_amount')
    amount_to_pay = fields.Function(Monetary(
            "Amount to Pay", currency='currency', digits='currency',
            states={
                'invisible': Eval('state') != 'posted',
                },
            help="What the person is still owed; negative when the person "
            "owes it."),
        'get_amount_to_pay')
    paid = fields.Function(
        fields.Boolean(
            "Paid",
            states={
                'invisible': Eval('state') != 'posted',
                },
            help="The refund is reconciled: paid, waived or reversed."),
        'get_paid', searcher='search_paid')
    state = fields.Selection([
            ('draft', "Draft"),
            ('submitted', "Submitted"),
            ('approved', "Approved"),
            ('posted', "Posted"),
            ], "State", required=True, readonly=True, sort=False)
    state_string = state.translated('state')
    move = fields.Many2One(
        'account.move', "Move", readonly=True, ondelete='RESTRICT',
        states={
            'invisible': ~Eval('move'),
            })
    refund_account = fields.Many2One(
        'account.account', "Refund Account", readonly=True,
        ondelete='RESTRICT',
        states={
            'invisible': ~Eval('move'),
            })
    reverses = fields.Many2One(
        'cae.expense', "Reverses", readonly=True, ondelete='RESTRICT',
        states={
            'invisible': ~Eval('reverses'),
            },
        help="The sheet that this one corrects.")
    reversals = fields.One2Many(
        'cae.expense', 'reverses', "Reversed By", readonly=True)
    waivers = fields.One2Many(
        'cae.expense.waiver', 'expense', "Waivers", readonly=True)

    del _states

    @classmethod
    def __setup__(cls):
        cls.number.search_unaccented = False
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('reverses_unique', Unique(t, t.reverses),
                'cae_billing.msg_expense_reversed_twice'),
            ]
        cls._sql_indexes.update({
                Index(t, (t.company, Index.Range()), (t.date, Index.Range())),
                Index(t, (t.entrepreneur, Index.Range())),
                Index(t, (t.move, Index.Range())),
                Index(t, (t.state, Index.Equality(cardinality='low')),
                    where=t.state.in_(['submitted', 'approved'])),
                })
        cls._order = [('date', 'DESC'), ('id', 'DESC')]
        cls._transitions |= {
            ('draft', 'submitted'),
            ('submitted', 'draft'),
            ('submitted', 'approved'),
            ('approved', 'draft'),
            ('approved', 'posted'),
            }
        cls._buttons.update({
                'submit': {
                    'invisible': Eval('state') != 'draft',
                    'depends': ['state'],
                    },
                'withdraw': {
                    'invisible': Eval('state') != 'submitted',
                    'depends': ['state'],
                    },
                'approve': {
                    'invisible': Eval('state') != 'submitted',
                    'depends': ['state'],
                    },
                'refuse': {
                    'invisible': (
                        ~Eval('state').in_(['submitted', 'approved'])
                        | Bool(Eval('reverses'))),
                    'depends': ['state', 'reverses'],
                    },
                'post': {
                    'invisible': Eval('state') != 'approved',
                    'depends': ['state'],
                    },
                'waive': {
                    'invisible': (
                        (Eval('state') != 'posted')
                        | (Eval('amount_to_pay', 0) <= 0)),
                    'depends': ['state', 'amount_to_pay'],
                    },
                'reverse': {
                    'invisible': (
                        (Eval('state') != 'posted')
                        | Bool(Eval('reverses'))
                        | Bool(Eval('reversals'))),
                    'depends': ['state', 'reverses', 'reversals'],
                    },
                })

    @classmethod
    def default_company(cls):
        return Transaction().context.get('company')

    @classmethod
    def default_entrepreneur(cls):
        company = Transaction().context.get('company')
        return own_entrepreneur(company) if company else None

    @classmethod
    def default_date(cls):
        return Pool().get('ir.date').today()

    @classmethod
    def default_state(cls):
        return 'draft'

    @fields.depends('entrepreneur')
    def on_change_with_party(self, name=None):
        return self.entrepreneur.party if self.entrepreneur else None

    @fields.depends('activity', 'lines')
    def on_change_activity(self):
        for line in self.lines or []:
            if not line.activity:
                line.activity = self.activity
        self.lines = self.lines

    def _sum(self, name, paid_by=None):
        return sum((
                getattr(line, name, None) or ZERO for line in self.lines or []
                if paid_by is None or line.paid_by == paid_by), ZERO)

    @fields.depends('lines')
    def on_change_with_total(self, name=None):
        return self._sum('refund_amount')

    @fields.depends('lines')
    def on_change_with_tax_amount(self, name=None):
        return self._sum('tax_amount')

    @fields.depends('lines')
    def on_change_with_refund_amount(self, name=None):
        return self._sum('refund_amount', 'person')

    @fields.depends('lines')
    def on_change_with_card_amount(self, name=None):
        return self._sum('refund_amount', 'card')

    @classmethod
    def get_amount_to_pay(cls, expenses, name):
        pool = Pool()
        line = pool.get('account.move.line').__table__()
        waiver = pool.get('cae.expense.waiver').__table__()
        table = cls.__table__()
        result = {e.id: ZERO for e in expenses}
        where = in_(table.id, list(result)) & (line.reconciliation == Null)
        for query in [
                table.join(line, condition=(line.move == table.move)
                    & (line.account == table.refund_account)
                    ).select(
                    table.id, Sum(line.credit - line.debit).as_('amount'),
                    where=where, group_by=table.id),
                table.join(waiver, condition=waiver.expense == table.id
                    ).join(line, condition=(line.move == waiver.move)
                    & (line.account == table.refund_account)
                    ).select(
                    table.id, Sum(line.credit - line.debit).as_('amount'),
                    where=where, group_by=table.id),
                ]:
            for id_, amount in fetch(query, [None, 'NUMERIC']):
                result[id_] += round_half_up(amount)
        return result

    @classmethod
    def _open(cls):
        "Return the query of the sheets whose refund is not reconciled"
        line = Pool().get('account.move.line').__table__()
        table = cls.__table__()
        return table.join(line, condition=(line.move == table.move)
            & (line.account == table.refund_account)
            ).select(
            table.id, where=line.reconciliation == Null)

    @classmethod
    def get_paid(cls, expenses, name):
        query = cls._open()
        query.where &= in_(query.columns[0], [e.id for e in expenses])
        unpaid = {id_ for id_, in fetch(query, [None])}
        return {
            e.id: e.state == 'posted' and e.id not in unpaid
            for e in expenses}

    @classmethod
    def search_paid(cls, name, clause):
        _, operator, value = clause[:3]
        values = value if operator.endswith('in') else [value]
        positive = (True in values) != operator.startswith(('!', 'not '))
        paid = [('state', '=', 'posted'), ('id', 'not in', cls._open())]
        if positive:
            return paid
        return ['OR', ('state', '!=', 'posted'), ('id', 'in', cls._open())]

    def get_rec_name(self, name):
        return self.number or f'{self.entrepreneur.rec_name} ({self.id})'

    @classmethod
    def search_rec_name(cls, name, clause):
        _, operator, *_ = clause
        if operator.startswith('!') or operator.startswith('not '):
            bool_op = 'AND'
        else:
            bool_op = 'OR'
        return [bool_op,
            ('number', *clause[1:]),
            ('description', *clause[1:]),
            ('entrepreneur.rec_name', *clause[1:]),
            ]

    @property
    def company_lines(self):
        return company_lines(self.company)

    @property
    def mileage(self):
        """The vehicles driven on the sheet, for its print.

        [(vehicle, year, kilometres of the sheet, kilometres to date,
        amount of the sheet, paid to date)]
        """
        rows = {}
        for line in self.lines:
            if line.kind.mileage:
                key = line.vehicle, line.date.year
                distance, before, amount, paid = rows.get(
                    key, (ZERO, None, ZERO, None))
                if before is None:
                    before = line.distance_before or ZERO
                    paid = line.paid_before or ZERO
                rows[key] = (
                    distance + line.distance, before,
                    amount + line.refund_amount, paid)
        return [
            (vehicle, year, distance, before + distance, amount,
                paid + amount)
            for (vehicle, year), (distance, before, amount, paid)
            in rows.items()]

    # What may change

    @classmethod
    def check_modification(cls, mode, expenses, values=None, external=False):
        if mode == 'delete':
            refused = [e for e in expenses if not e._deletable]
        elif mode == 'create':
            refused = [
                e for e in expenses if external and (
                    e.number or e.move or e.refund_account or e.reverses
                    or e.reversals or e.waivers or e.approval_events)]
        else:
            contents = values.keys() & {
                'company', 'entrepreneur', 'activity', 'description',
                'lines'}
            internal = external and values.keys() & {
                'number', 'move', 'refund_account', 'reverses', 'reversals',
                'waivers', 'approval_events'}
            refused = [
                e for e in expenses if internal
                or contents and e.state != 'draft'
                and (external or e.state == 'posted')
                or 'date' in values and (
                    e.state == 'posted' or e.state != 'draft' and external
                    and not cls._accounts())]
        for expense in refused:
            raise ExpenseAccessError(gettext(
                    'cae_billing.msg_expense_frozen',
                    expense=expense.rec_name, state=expense.state_string))
        super().check_modification(
            mode, expenses, values=values, external=external)

    @property
    def _deletable(self):
        return self.state == 'draft' or bool(
            self.state == 'approved' and self.reverses and self._accounts())

    @staticmethod
    def _accounts():
        "Return whether the user keeps the accounts"
        ModelAccess = Pool().get('ir.model.access')
        with check_access():
            return ModelAccess.check(
                'account.move', 'create', raise_exception=False)

    @classmethod
    def copy(cls, expenses, default=None):
        default = default.copy() if default is not None else {}
        for name in [
                'number', 'move', 'refund_account', 'reverses', 'reversals',
                'waivers']:
            default.setdefault(name)
        default.setdefault('date', cls.default_date())
        return super().copy(expenses, default=default)

    @classmethod
    def validate_fields(cls, expenses, field_names):
        super().validate_fields(expenses, field_names)
        if field_names is None or 'date' in field_names:
            today = Pool().get('ir.date').today()
            for expense in expenses:
                if expense.date > today:
                    raise ExpenseValidationError(gettext(
                            'cae_billing.msg_expense_future',
                            expense=expense.rec_name,
                            date=strftime(expense.date)))

    # The way of a sheet

    @staticmethod
    def _numbers(expenses):
        "Return the sheets with new numbers: [(sheet, number)]"
        by_company = defaultdict(list)
        for expense in expenses:
            by_company[expense.company].append(expense)
        return [
            pair for company, sheets in by_company.items()
            for pair in zip(sheets, next_numbers(
                    company, 'expense_sequence', len(sheets)))]

    @classmethod
    @ModelView.button
    @Workflow.transition('submitted')
    def submit(cls, expenses):
        """Hand the sheets in to be approved; a number is given to new ones.

        Raise ExpenseError when a receipt is missing, or what is not allowed
        at the date of a line.
        """
        Line = Pool().get('cae.expense.line')
        cls.lock(expenses)
        for expense in expenses:
            if not expense.lines:
                raise ExpenseError(gettext(
                        'cae_billing.msg_expense_empty',
                        expense=expense.rec_name))
        lines = [line for e in expenses for line in e.lines]
        Line.check_receipts(lines)
        cls._check_lines(expenses)
        cls.refresh(expenses)
        new = cls._numbers([e for e in expenses if not e.number])
        if new:
            cls.write(*sum(([[e], {'number': n}] for e, n in new), []))
        cls._note(expenses, 'submit')

    @classmethod
    @ModelView.button
    @Workflow.transition('draft')
    def withdraw(cls, expenses):
        "Take the sheets back before they are approved, to correct them"
        cls._note(expenses, 'withdraw')

    @classmethod
    @ModelView.button
    @Workflow.transition('approved')
    def approve(cls, expenses):
        """Approve what was spent.

        Raise ExpenseError when a sheet is the user's own.
        """
        cls._check_not_own(expenses)
        cls._check_lines(expenses)
        cls._note(expenses, 'approve')

    @classmethod
    def _check_not_own(cls, expenses):
        pool = Pool()
        User = pool.get('res.user')
        user = User(Transaction().user)
        parties = {e.party for e in user.employees}
        for expense in expenses:
            entrepreneur = expense.entrepreneur
            if entrepreneur.user == user or entrepreneur.party in parties:
                raise ExpenseError(gettext(
                        'cae_billing.msg_expense_own',
                        expense=expense.rec_name))

    @classmethod
    @ModelView.button_action('cae_billing.wizard_expense_refuse')
    def refuse(cls, expenses):
        pass

    @classmethod
    def refuse_submission(cls, expenses, comment):
        "Give refused sheets back to their entrepreneurs, who are told why"
        # The rights are those of the button
        with check_access():
            cls.refuse(expenses)
        with without_check_access():
            cls._give_back(expenses, comment)

    @classmethod
    @Workflow.transition('draft')
    def _give_back(cls, expenses, comment):
        super().refuse_submission(expenses, comment)
        for expense in expenses:
            if user := expense.entrepreneur.user:
                cls.notify_user(
                    [expense], 'tryton-cae-expense', gettext(
                        'cae_billing.msg_expense_refused',
                        expense=expense.rec_name, comment=comment),
                    user=user)

    @classmethod
    def _check_lines(cls, expenses):
        """Check again what may have changed since the lines were entered.

        An activity may have closed, and nobody spends for an activity whose
        holders have no contract that lets it run a business: under a support
        agreement (convention d'accompagnement) there is nothing to refund.
        """
        pool = Pool()
        Activity = pool.get('cae.activity')
        Line = pool.get('cae.expense.line')
        lines = [
            line for e in expenses if not e.reverses for line in e.lines]
        Line.check(lines)
        spent = defaultdict(dict)
        for line in lines:
            spent[line.date][line.activity] = line
            if line.date > line.expense.date:
                raise ExpenseError(gettext(
                        'cae_billing.msg_expense_line_later',
                        line=line.rec_name, expense=line.expense.rec_name,
                        date=strftime(line.expense.date)))
        for date, activities in spent.items():
            allowed = Activity.may_sell(list(activities), date)
            for activity, line in activities.items():
                if activity.id not in allowed:
                    raise ExpenseError(gettext(
                            'cae_billing.msg_expense_not_allowed',
                            activity=activity.rec_name, line=line.rec_name,
                            date=strftime(date)))

    @classmethod
    def refresh(cls, expenses, together=False):
        """Compute what the trips of the sheets are paid.

        It is what is due for the kilometres of the vehicle in the civil year
        less what was posted; ``together`` when the sheets are posted one
        after the other. A sheet that reverses another keeps its amounts.
        """
        pool = Pool()
        Configuration = pool.get('cae.configuration')
        Line = pool.get('cae.expense.line')
        Scale = pool.get('cae.mileage.scale')
        trips = {
            e: sorted(
                (t for t in e.lines if t.kind.mileage and t.vehicle),
                key=lambda t: (t.date, t.id))
            for e in expenses if not e.reverses}
        keys = {(t.vehicle, t.date.year) for ts in trips.values() for t in ts}
        if not keys:
            return
        posted = Line.posted_mileage(keys)
        done = dict(posted)
        rates, scales = {}, {}
        for company, year in {(v.company, year) for v, year in keys}:
            scales[company, year] = Scale.at(company, year)
            if company not in rates:
                rates[company] = Configuration(1).get_multivalue(
                    'mileage_rate', company=company.id)
        pure = {
            (v, year): scales[v.company, year].pure(v, rates[v.company])
            for v, year in keys}
        to_write = []
        for expense in sorted(trips, key=lambda e: (e.date, e.id)):
            if not together:
                done = dict(posted)
            for trip in trips[expense]:
                key = trip.vehicle, trip.date.year
                distance, paid = done[key]
                amount, = pure[key].trips([trip.distance], distance, paid)
                done[key] = distance + trip.distance, paid + amount
                values = {
                    'amount': amount, 'refund_amount': amount,
                    'tax_amount': ZERO, 'distance_before': distance,
                    'paid_before': paid}
                if any(getattr(trip, n) != v for n, v in values.items()):
                    to_write.extend([[trip], values])
        if to_write:
            Line.write(*to_write)

    # Posting

    @classmethod
    @ModelView.button
    @Workflow.transition('posted')
    def post(cls, expenses):
        """Post the sheets, one move each.

        Raise SetupError when the journal or an account is not set and
        ExpenseError when something is no longer allowed; nothing is posted
        then.
        """
        pool = Pool()
        Date = pool.get('ir.date')
        Line = pool.get('cae.expense.line')
        Move = pool.get('account.move')
        Period = pool.get('account.period')
        Vehicle = pool.get('cae.vehicle')
        if not expenses:
            return
        cls.lock(expenses)
        vehicles = {
            line.vehicle for e in expenses for line in e.lines
            if line.vehicle}
        if vehicles:
            # Two that post at once would count the same kilometres
            Vehicle.lock(sorted(vehicles, key=int))
        cls._check_lines(expenses)
        Line.check_receipts([
                line for e in expenses if not e.reverses
                for line in e.lines])
        cls.refresh(expenses, together=True)
        # What was computed is read again
        expenses = cls.browse(expenses)
        settings = {
            c: cls._settings(c) for c in {e.company for e in expenses}}
        periods, to_create = {}, []
        for expense in expenses:
            company, date = expense.company, expense.date
            if (company, date) not in periods:
                periods[company, date] = Period.find(company, date=date)
            journal, refund, card, _ = settings[company]
            values = move_values(
                company, journal, periods[company, date], date,
                expense.label, expense, expense._entries(refund, card))
            if not values:
                raise ExpenseError(gettext(
                        'cae_billing.msg_expense_nothing',
                        expense=expense.rec_name))
            for _, lines in values['lines']:
                for line in lines:
                    if line['account'] == refund.id:
                        line['maturity_date'] = date
            to_create.append(values)
        moves = Move.create(to_create)
        Move.post(moves)
        cls.write(*sum((
                    [[e], {
                            'move': m.id,
                            'refund_account': settings[e.company][1].id,
                            }] for e, m in zip(expenses, moves)), []))
        cls._note(expenses, 'post')
        reversed_ = [e.reverses for e in expenses if e.reverses]
        if reversed_:
            cls._reconcile(reversed_, Date.today())

    @classmethod
    def _settings(cls, company):
        "Return the journal and the accounts of refund, card and waiver"
        configuration = Pool().get('cae.configuration')(1)
        settings = [
            configuration.get_multivalue(name, company=company.id)
            for name in [
                'expense_journal', 'expense_refund_account',
                'expense_card_account', 'expense_waiver_account']]
        if not all(settings):
            raise SetupError(gettext(
                    'cae_billing.msg_expense_configuration',
                    company=company.rec_name))
        return settings

    @property
    def label(self):
        return f'{self.number} {self.party.name}'

    def _entries(self, refund, card):
        if self.reverses:
            yield from self._opposites()
            return
        totals = defaultdict(Decimal)
        for line in self.lines:
            base_taxes, taxes = line.taxes()
            totals[line.paid_by] += line.refund_amount
            yield Entry(
                line.kind.account, line.refund_amount - line.tax_amount,
                activity=line.activity, origin=line,
                description=line.label, taxes=base_taxes, alone=True)
            for account, tax, amount in taxes:
                yield Entry(
                    account, amount, description=line.label,
                    taxes=((tax, 'tax', amount),))
        for paid_by, account in [('person', refund), ('card', card)]:
            yield Entry(
                account, -totals[paid_by], party=self.party,
                description=self.label)

    def _opposites(self):
        """Yield what takes back all that was posted for the reversed sheet.

        From its moves: the accounts and taxes of its kinds may have changed.
        """
        Activity = Pool().get('cae.activity')
        moves = [
            self.reverses.move, *(w.move for w in self.reverses.waivers)]
        lines = [line for move in moves for line in move.lines]
        with inactive_records():
            activities = {
                a.analytic_account: a for a in Activity.search([
                        ('analytic_account', 'in', [
                                a.account for line in lines
                                for a in line.analytic_lines]),
                        ], order=[])}
        for line in lines:
            taxes = tuple(
                (t.tax, t.type, -t.amount) for t in line.tax_lines)
            if not line.analytic_lines:
                yield Entry(
                    line.account, line.credit - line.debit, party=line.party,
                    description=self.label, taxes=taxes)
            for analytic in line.analytic_lines:
                yield Entry(
                    line.account, analytic.credit - analytic.debit,
                    activity=activities[analytic.account], origin=self,
                    description=f'{self.number} {analytic.description}',
                    taxes=taxes)
                taxes = ()

    @classmethod
    def _reconcile(cls, expenses, date):
        """Reconcile the refunds of the sheets where nothing is left to pay.

        Those of their waivers and reversals come with them.
        """
        MoveLine = Pool().get('account.move.line')
        groups = []
        for expense in cls.browse(expenses):
            lines = [
                line for move in expense._refund_moves() for line in move.lines
                if line.account == expense.refund_account
                and not line.reconciliation]
            if lines and not sum(li.debit - li.credit for li in lines):
                groups.append(lines)
        if groups:
            MoveLine.reconcile(*groups, date=date)

    def _refund_moves(self):
        "Return the moves with the refund and what settles it"
        return [self.move, *(w.move for w in self.waivers),
            *(r.move for r in self.reversals if r.move)]

    @classmethod
    @ModelView.button_action('cae_billing.wizard_expense_waive')
    def waive(cls, expenses):
        pass

    def waive_amount(self, amount, date, reason):
        """Post what the person waives of the refund; return the waiver.

        Raise ExpenseError when the amount is not owed or the date does not
        fit.
        """
        pool = Pool()
        Date = pool.get('ir.date')
        Expense = pool.get('cae.expense')
        Move = pool.get('account.move')
        Period = pool.get('account.period')
        Waiver = pool.get('cae.expense.waiver')
        Expense.lock([self])
        check_numbers(Waiver, {'amount': amount}, ['amount'])
        if (self.state != 'posted' or not 0 < amount <= self.amount_to_pay
                or amount != round_half_up(amount)):
            raise ExpenseError(gettext(
                    'cae_billing.msg_expense_waiver_amount',
                    expense=self.rec_name, amount=amount,
                    owed=self.amount_to_pay))
        if not self.date <= date <= Date.today():
            raise ExpenseError(gettext(
                    'cae_billing.msg_expense_waiver_date',
                    expense=self.rec_name, date=strftime(self.date)))
        journal, _, _, account = self._settings(self.company)
        waiver, = Waiver.create([{
                    'expense': self.id,
                    'date': date,
                    'amount': amount,
                    'reason': reason,
                    }])
        move, = Move.create([move_values(
                    self.company, journal,
                    Period.find(self.company, date=date), date, waiver.label,
                    waiver, waiver.entries(self.refund_account, account))])
        Move.post([move])
        Waiver.write([waiver], {'move': move.id})
        self._note([self], 'waive', reason)
        self._reconcile([self], date)
        return waiver

    @classmethod
    @ModelView.button_action('cae_billing.act_expense_to_post')
    def reverse(cls, expenses):
        """Make the sheets of the opposite amounts; they are to be posted.

        Raise ExpenseError when a sheet is not posted or reversed already.
        """
        Line = Pool().get('cae.expense.line')
        for expense in expenses:
            if (expense.state != 'posted' or expense.reverses
                    or expense.reversals):
                raise ExpenseError(gettext(
                        'cae_billing.msg_expense_reverse',
                        expense=expense.rec_name))
        reversals = []
        for expense, number in cls._numbers(expenses):
            reversals.append({
                    'number': number,
                    'company': expense.company.id,
                    'entrepreneur': expense.entrepreneur.id,
                    'description': gettext(
                        'cae_billing.msg_expense_reversal',
                        expense=expense.number),
                    'reverses': expense.id,
                    'state': 'approved',
                    'lines': [('create', [
                                Line.opposite(line)
                                for line in expense.lines])],
                    })
        reversals = cls.create(reversals)
        cls._note(expenses, 'reverse')
        cls._note(reversals, 'approve')
        return {'res_id': [r.id for r in reversals]}


class ExpenseReport(DocumentReport):
    "An expense sheet in the language of the person"
    __name__ = 'cae.expense'
