# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

from collections import defaultdict, namedtuple
from decimal import Decimal
from fractions import Fraction

from sql.aggregate import Sum

from trytond.i18n import gettext
from trytond.model import Index, ModelSQL, ModelView, Unique, fields
from trytond.modules.cae_members.model import CompanyCurrencyMixin
from trytond.modules.cae_members.query import fetch
from trytond.modules.currency.fields import Monetary
from trytond.pool import Pool
from trytond.pyson import Eval
from trytond.transaction import Transaction, check_access, without_check_access
from trytond.wizard import Button, StateTransition, StateView, Wizard

from .exceptions import ShareAccessError, ShareValidationError

# Nobody may hold more (loi 78-763, art. 24)
CAPITAL_CAP = Fraction(1, 2)
# The sign of the quantity; a reversal has the opposite one
_SIGNS = {
    'opening': 1,
    'subscription': 1,
    'transfer_in': 1,
    'transfer_out': -1,
    'refund': -1,
    }
_TRANSFER = {'transfer_in', 'transfer_out'}

Difference = namedtuple('Difference', ['name', 'register', 'ledger'])


def _format(date):
    return Pool().get('ir.lang').get().strftime(date)


class Movement(CompanyCurrencyMixin, ModelSQL, ModelView):
    """A change of the shares of an associate, in the register for ever.

    The quantity is signed.  A movement is never changed nor deleted: a wrong
    one is reversed by another.  The shares held at a date are the sum of the
    quantities up to it, so the register exists at any date.
    """
    __name__ = 'cae.share.movement'
    __string__ = "Share Movement"
    _rec_name = 'number'

    company = fields.Many2One(
        'company.company', "Company", required=True, ondelete='RESTRICT',
        states={
            'readonly': Eval('id', -1) >= 0,
            },
        help="The cooperative whose shares move.")
    number = fields.Char(
        "Number",
        states={
            'readonly': Eval('id', -1) >= 0,
            'invisible': Eval('id', -1) < 0,
            },
        help="The number in the register. "
        "The two sides of a transfer share it.")
    associate = fields.Many2One(
        'cae.associate', "Associate", required=True, ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ('state', '=', 'admitted'),
            ],
        states={
            'readonly': Eval('id', -1) >= 0,
            },
        help="Who gets or leaves the shares.")
    type = fields.Selection([
            ('opening', "Opening"),
            ('subscription', "Subscription"),
            ('transfer_in', "Transfer In"),
            ('transfer_out', "Transfer Out"),
            ('refund', "Refund"),
            ], "Type", required=True, sort=False,
        states={
            'readonly': Eval('id', -1) >= 0,
            },
        help="Opening: shares held before this register, whose capital is "
        "entered with the opening balances.\n"
        "Subscription: new shares, called in full.\n"
        "Transfer: shares from another associate; "
        "it is made by the action \"Transfer Shares\".\n"
        "Refund: shares cancelled and owed to who leaves them.")
    type_string = type.translated('type')
    quantity = fields.Integer(
        "Quantity", required=True,
        states={
            'readonly': Eval('id', -1) >= 0,
            },
        help="The number of shares: positive when the associate gets them, "
        "negative when the associate leaves them.")
    unit_value = fields.Numeric(
        "Unit Value", digits=(16, 2),
        states={
            'required': Eval('id', -1) >= 0,
            'readonly': Eval('id', -1) >= 0,
            'invisible': Eval('id', -1) < 0,
            },
        help="The nominal value of one share.")
    amount = fields.Function(
        Monetary("Amount", currency='currency', digits='currency'),
        'on_change_with_amount')
    decision = fields.Char(
        "Decision", required=True,
        states={
            'readonly': Eval('id', -1) >= 0,
            },
        help="What decided the movement: subscription form, assembly and "
        "resolution, clause of the statutes.")
    decision_date = fields.Date(
        "Decision Date", required=True,
        states={
            'readonly': Eval('id', -1) >= 0,
            },
        help="When the movement was decided.")
    effective_date = fields.Date(
        "Effective Date", required=True,
        states={
            'readonly': Eval('id', -1) >= 0,
            },
        help="From when the shares count.")
    reversal_of = fields.Many2One(
        'cae.share.movement', "Reversal of", readonly=True,
        ondelete='RESTRICT',
        domain=[
            ('associate', '=', Eval('associate', -1)),
            ('type', '=', Eval('type')),
            ('reversal_of', '=', None),
            ],
        help="The wrong movement that this one undoes.")
    moves = fields.One2Many(
        'account.move', 'origin', "Accounting Entries", readonly=True)

    @classmethod
    def __setup__(cls):
        cls.number.search_unaccented = False
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('number_unique', Unique(t, t.company, t.number, t.type),
                'cae_governance.msg_share_number_unique'),
            ('reversal_unique', Unique(t, t.reversal_of),
                'cae_governance.msg_share_reversed_twice'),
            ]
        cls._sql_indexes.update({
                Index(t,
                    (t.associate, Index.Range()),
                    (t.effective_date, Index.Range())),
                Index(t,
                    (t.company, Index.Range()),
                    (t.effective_date, Index.Range())),
                })
        cls._order = [
            ('effective_date', 'DESC'), ('number', 'DESC'), ('id', 'DESC')]

    @classmethod
    def default_company(cls):
        return Transaction().context.get('company')

    @classmethod
    def default_type(cls):
        return 'subscription'

    @classmethod
    def default_unit_value(cls):
        pool = Pool()
        Configuration = pool.get('cae.configuration')
        return Configuration(1).get_multivalue('share_value')

    @classmethod
    def default_effective_date(cls):
        return Pool().get('ir.date').today()

    @classmethod
    def default_decision_date(cls):
        return Pool().get('ir.date').today()

    @fields.depends('quantity', 'unit_value', 'currency')
    def on_change_with_amount(self, name=None):
        amount = (self.quantity or 0) * (self.unit_value or Decimal(0))
        return self.currency.round(amount) if self.currency else amount

    def get_rec_name(self, name):
        return f'{self.number} {self.type_string}'

    @classmethod
    def holdings(cls, associates, date, amount=False):
        """Return {associate id: shares held at the end of the date}

        The date None takes everything, even to come.  With amount it is
        their nominal value, a Decimal in the currency of the company.
        """
        table = cls.__table__()
        zero = Decimal(0) if amount else 0
        result = {int(a): zero for a in associates}
        if amount:
            column = Sum(table.quantity * table.unit_value)
        else:
            column = Sum(table.quantity)
        where = fields.SQL_OPERATORS['in'](table.associate, list(result))
        if date:
            where &= table.effective_date <= date
        query = table.select(
            table.associate, column.as_('total'),
            where=where, group_by=[table.associate])
        result.update(
            (id_, type(zero)(total)) for id_, total in fetch(
                query, [None, 'NUMERIC' if amount else None]))
        return result

    @classmethod
    def create(cls, vlist):
        # Draw the numbers of one call at once
        pool = Pool()
        Configuration = pool.get('cae.configuration')
        default_company = Transaction().context.get('company')
        vlist = [v.copy() for v in vlist]
        by_company = defaultdict(list)
        for values in vlist:
            company = values.setdefault('company', default_company)
            if company is not None:
                by_company[company].append(values)
        for company, values_list in by_company.items():
            unit_value = Configuration.get_capital(company, 'share_value')
            missing = [v for v in values_list if not v.get('number')]
            if missing:
                with without_check_access():
                    numbers = Configuration.get_capital(
                        company, 'share_sequence').get_many(len(missing))
                for values, number in zip(missing, numbers):
                    values['number'] = number
            for values in values_list:
                if not values.get('unit_value'):
                    values['unit_value'] = unit_value
        return super().create(vlist)

    @classmethod
    def check_modification(cls, mode, movements, values=None, external=False):
        if mode in {'write', 'delete'}:
            raise ShareAccessError(gettext(
                    'cae_governance.msg_share_movement_modify',
                    movement=movements[0].rec_name))
        if external and any(
                m.type in _TRANSFER or m.reversal_of for m in movements):
            raise ShareAccessError(gettext(
                    'cae_governance.msg_share_movement_create'))
        super().check_modification(
            mode, movements, values=values, external=external)

    @classmethod
    def validate_fields(cls, movements, field_names):
        super().validate_fields(movements, field_names)
        cls.check_sign(movements)
        cls.check_unit_value(movements)
        cls.check_transfers(movements)
        cls.check_membership(movements)
        cls.check_holdings(movements)
        cls.check_paid(movements)

    @classmethod
    def check_sign(cls, movements):
        "Check that the quantity goes the way of the type"
        for movement in movements:
            sign = _SIGNS[movement.type]
            if movement.reversal_of:
                sign = -sign
            if movement.quantity * sign <= 0:
                if sign > 0:
                    message = 'cae_governance.msg_share_quantity_positive'
                else:
                    message = 'cae_governance.msg_share_quantity_negative'
                raise ShareValidationError(gettext(
                        message, movement=movement.rec_name))
            origin = movement.reversal_of
            if origin and (
                    movement.quantity != -origin.quantity
                    or movement.unit_value != origin.unit_value):
                raise ShareValidationError(gettext(
                        'cae_governance.msg_share_reversal_differs',
                        movement=movement.rec_name))

    @classmethod
    def check_unit_value(cls, movements):
        "Check that all the shares have one value (loi 78-763, art. 22)"
        pool = Pool()
        Configuration = pool.get('cae.configuration')
        values = {
            company: Configuration.get_capital(company, 'share_value')
            for company in {m.company for m in movements}}
        for movement in movements:
            if movement.unit_value != values[movement.company]:
                raise ShareValidationError(gettext(
                        'cae_governance.msg_share_unit_value',
                        movement=movement.rec_name))

    @classmethod
    def check_transfers(cls, movements):
        "Check that each transfer has its two equal sides"
        numbers = {
            (m.company, m.number) for m in movements if m.type in _TRANSFER}
        if not numbers:
            return
        sides = defaultdict(list)
        for movement in cls.search([
                    ('company', 'in', list({c.id for c, _ in numbers})),
                    ('number', 'in', [n for _, n in numbers]),
                    ], order=[]):
            sides[movement.company, movement.number].append(movement)
        for key in numbers:
            pair = sides[key]
            if (sorted(m.type for m in pair) != sorted(_TRANSFER)
                    or sum(m.quantity for m in pair)
                    or len({m.associate for m in pair}) != 2
                    or len({(m.effective_date, m.decision_date)
                            for m in pair}) != 1):
                raise ShareValidationError(gettext(
                        'cae_governance.msg_share_transfer_sides',
                        movement=pair[0].rec_name))

    @classmethod
    def check_membership(cls, movements):
        "Check that only associates get shares"
        for movement in movements:
            if (movement.quantity > 0 and not movement.reversal_of
                    and not movement.associate.is_member(
                        movement.effective_date)):
                raise ShareValidationError(gettext(
                        'cae_governance.msg_share_not_member',
                        associate=movement.associate.rec_name,
                        date=_format(movement.effective_date)))

    @classmethod
    def check_holdings(cls, movements):
        """Check what the movements make of the register, on every date

        Nobody holds less than nothing, and nobody comes to hold more than
        half of the capital (loi 78-763, art. 24), except who subscribes first
        and the reversal of an error.
        """
        cursor = Transaction().connection.cursor()
        table = cls.__table__()
        new = defaultdict(lambda: defaultdict(int))
        for movement in movements:
            if not movement.reversal_of:
                new[movement.company.id][
                    movement.associate.id, movement.effective_date
                    ] += movement.quantity
        companies = {m.company for m in movements}
        for company in companies:
            since = min(
                m.effective_date for m in movements if m.company == company)
            cursor.execute(*table.select(
                    table.associate, table.effective_date,
                    Sum(table.quantity),
                    where=table.company == company.id,
                    group_by=[table.associate, table.effective_date]))
            days = defaultdict(dict)
            for associate, date, quantity in cursor:
                days[date][associate] = int(quantity)
            cls._check_days(days, new[company.id], since)

    @classmethod
    def _check_days(cls, days, new, since):
        after, before = defaultdict(int), defaultdict(int)
        capital = old_capital = 0
        for date in sorted(days):
            for associate, quantity in days[date].items():
                old_quantity = quantity - new.get((associate, date), 0)
                after[associate] += quantity
                before[associate] += old_quantity
                capital += quantity
                old_capital += old_quantity
            if date < since:
                continue
            lowest = min(after, key=after.__getitem__)
            if after[lowest] < 0:
                raise ShareValidationError(gettext(
                        'cae_governance.msg_share_below_zero',
                        associate=cls._associate_name(lowest),
                        date=_format(date)))
            if not capital or not old_capital:
                continue
            highest = max(after, key=after.__getitem__)
            share = Fraction(after[highest], capital)
            if (share > CAPITAL_CAP
                    and share > Fraction(before[highest], old_capital)):
                raise ShareValidationError(gettext(
                        'cae_governance.msg_share_above_half',
                        associate=cls._associate_name(highest),
                        date=_format(date)))

    @classmethod
    def check_paid(cls, movements):
        "Check that nobody leaves shares that are still to pay"
        pool = Pool()
        Associate = pool.get('cae.associate')
        by_date = defaultdict(list)
        for movement in movements:
            if movement.quantity < 0 and not movement.reversal_of:
                by_date[movement.effective_date].append(movement.associate.id)
        for date, ids in by_date.items():
            with Transaction().set_context(share_date=date):
                for associate in Associate.browse(ids):
                    if associate.capital_due > associate.capital:
                        raise ShareValidationError(gettext(
                                'cae_governance.msg_share_unpaid',
                                associate=associate.rec_name))

    @classmethod
    def _associate_name(cls, id_):
        return Pool().get('cae.associate')(id_).rec_name

    @classmethod
    def on_modification(cls, mode, movements, field_names=None):
        super().on_modification(mode, movements, field_names=field_names)
        if mode == 'create':
            cls._post(movements)

    @classmethod
    def _post(cls, movements):
        "Post the capital of the movements, one entry for each"
        pool = Pool()
        Move = pool.get('account.move')
        movements = [
            m for m in movements if m.type in {'subscription', 'refund'}]
        if movements:
            Move.post(Move.create([m._move_values() for m in movements]))

    def _move_values(self):
        pool = Pool()
        Configuration = pool.get('cae.configuration')
        Period = pool.get('account.period')

        def account(name):
            return Configuration.get_capital(
                self.company, f'capital_{name}_account')

        if self.type == 'subscription':
            debit, credit = account('due'), account('called')
        else:
            debit, credit = account('paid'), account('refund')
        amount = abs(self.amount)
        if self.reversal_of:
            debit, credit = credit, debit
        description = gettext(
            'cae_governance.msg_share_move_description',
            type=self.type_string, quantity=abs(self.quantity),
            associate=self.associate.party.rec_name)

        def line(account, debit, credit):
            return {
                'account': account.id,
                'debit': debit,
                'credit': credit,
                'party': (
                    self.associate.party.id if account.party_required
                    else None),
                'origin': str(self),
                'description': description,
                }
        return {
            'company': self.company.id,
            'journal': Configuration.get_capital(
                self.company, 'capital_journal').id,
            'period': Period.find(self.company, self.effective_date).id,
            'date': self.effective_date,
            'origin': str(self),
            'description': description,
            'lines': [('create', [
                        line(debit, amount, Decimal(0)),
                        line(credit, Decimal(0), amount),
                        ])],
            }

    @classmethod
    def transfer(
            cls, from_, to, quantity, decision, decision_date,
            effective_date):
        """Move shares from an associate to another and return both sides

        quantity is a positive number of shares.  Nothing is posted, as the
        capital does not change.
        """
        pool = Pool()
        Configuration = pool.get('cae.configuration')
        common = {
            'company': from_.company.id,
            'number': Configuration.get_capital(
                from_.company, 'share_sequence').get(),
            'decision': decision,
            'decision_date': decision_date,
            'effective_date': effective_date,
            }
        with without_check_access():
            return cls.create([{
                        'associate': from_.id,
                        'type': 'transfer_out',
                        'quantity': -quantity,
                        **common,
                        }, {
                        'associate': to.id,
                        'type': 'transfer_in',
                        'quantity': quantity,
                        **common,
                        }])

    @classmethod
    def reverse(cls, movements, decision, decision_date, effective_date=None):
        """Undo wrong movements by opposite ones and return these

        A transfer is undone on both sides.  They take effect on the date of
        the wrong ones unless another is given.
        """
        pool = Pool()
        Configuration = pool.get('cae.configuration')
        with without_check_access():
            movements = cls.search([
                    ('company', 'in', [m.company.id for m in movements]),
                    ('number', 'in', [m.number for m in movements]),
                    ], order=[('id', 'ASC')])
            numbers = {}
            vlist = []
            for movement in movements:
                if movement.reversal_of:
                    raise ShareValidationError(gettext(
                            'cae_governance.msg_share_reverse_reversal',
                            movement=movement.rec_name))
                key = movement.company, movement.number
                if key not in numbers:
                    numbers[key] = Configuration.get_capital(
                        movement.company, 'share_sequence').get()
                vlist.append({
                        'company': movement.company.id,
                        'number': numbers[key],
                        'associate': movement.associate.id,
                        'type': movement.type,
                        'quantity': -movement.quantity,
                        'unit_value': movement.unit_value,
                        'decision': decision,
                        'decision_date': decision_date,
                        'effective_date': (
                            effective_date or movement.effective_date),
                        'reversal_of': movement.id,
                        })
            return cls.create(vlist)

    @classmethod
    def capital_differences(cls, company, date):
        """Return where the ledger is not what the register says at the date

        The result is a list of Difference(name, register, ledger), amounts in
        the currency of the company, empty when all agrees:
        'subscribed': the shares held against the capital accounts;
        'due': the capital called and not paid against what associates owe;
        'associate': an associate owes more than the shares held.
        Only posted entries count.
        """
        pool = Pool()
        Associate = pool.get('cae.associate')
        Company = pool.get('company.company')
        Configuration = pool.get('cae.configuration')
        Line = pool.get('account.move.line')
        Move = pool.get('account.move')
        line = Line.__table__()
        move = Move.__table__()

        company = Company(int(company))
        with without_check_access():
            accounts = {
                name: Configuration.get_capital(
                    company, f'capital_{name}_account').id
                for name in ['due', 'called', 'paid']}
            associates = Associate.search([('company', '=', company.id)])
        query = line.join(move, condition=line.move == move.id).select(
            line.account, line.party,
            Sum(line.debit - line.credit).as_('balance'),
            where=line.account.in_(list(accounts.values()))
            & (move.state == 'posted') & (move.date <= date),
            group_by=[line.account, line.party])
        balances = defaultdict(Decimal)
        owed = defaultdict(Decimal)
        for account, party, balance in fetch(query, [None, None, 'NUMERIC']):
            balances[account] += balance
            if account == accounts['due']:
                owed[party] += balance
        capital = cls.holdings(associates, date, amount=True)
        held = defaultdict(Decimal)
        for associate in associates:
            held[associate.party.id] += capital[associate.id]

        round_ = company.currency.round
        pairs = [
            ('subscribed', sum(capital.values(), Decimal(0)),
                -balances[accounts['called']] - balances[accounts['paid']]),
            ('due', -balances[accounts['called']], balances[accounts['due']]),
            ]
        differences = [
            Difference(name, round_(register), round_(ledger))
            for name, register, ledger in pairs
            if round_(register) != round_(ledger)]
        differences += [
            Difference('associate', round_(held[party]), round_(balance))
            for party, balance in owed.items()
            if round_(balance) > round_(held[party])]
        return differences

    @classmethod
    def copy(cls, movements, default=None):
        if movements:
            raise ShareAccessError(
                gettext('cae_governance.msg_share_movement_copy'))
        return super().copy(movements, default=default)


class _Decision:
    __slots__ = ()

    decision = fields.Char(
        "Decision", required=True,
        help="What decided it: assembly and resolution, clause of the "
        "statutes, letter.")
    decision_date = fields.Date("Decision Date", required=True)

    @classmethod
    def default_decision_date(cls):
        return Pool().get('ir.date').today()


class Transfer(Wizard):
    "Move shares from an associate to another"
    __name__ = 'cae.share.transfer'

    start = StateView(
        'cae.share.transfer.start',
        'cae_governance.share_transfer_start_view_form', [
            Button("Cancel", 'end', 'tryton-cancel'),
            Button("Transfer", 'transfer', 'tryton-ok', default=True),
            ])
    transfer = StateTransition()

    def default_start(self, fields):
        return {
            'from_': self.record.id if self.record else None,
            }

    def transition_transfer(self):
        pool = Pool()
        Associate = pool.get('cae.associate')
        ModelAccess = pool.get('ir.model.access')
        Movement = pool.get('cae.share.movement')
        start = self.start
        # Anybody may start a wizard that has no active record
        with check_access():
            ModelAccess.check(Movement.__name__, 'create')
            Associate.read([start.from_.id, start.to.id], ['id'])
        Movement.transfer(
            start.from_, start.to, start.quantity, start.decision,
            start.decision_date, start.effective_date)
        return 'end'


class TransferStart(_Decision, ModelView):
    __name__ = 'cae.share.transfer.start'
    __string__ = "Transfer Shares"

    from_ = fields.Many2One(
        'cae.associate', "From", required=True,
        domain=[
            ('state', '=', 'admitted'),
            ],
        help="The associate who leaves the shares.")
    company = fields.Function(
        fields.Many2One('company.company', "Company"),
        'on_change_with_company')
    to = fields.Many2One(
        'cae.associate', "To", required=True,
        domain=[
            ('company', '=', Eval('company', -1)),
            ('state', '=', 'admitted'),
            ('id', '!=', Eval('from_', -1)),
            ],
        help="The associate who gets the shares. "
        "They must be admitted first.")
    quantity = fields.Integer(
        "Quantity", required=True,
        domain=[
            ('quantity', '>', 0),
            ],
        help="The number of shares.")
    effective_date = fields.Date("Effective Date", required=True)

    @fields.depends('from_')
    def on_change_with_company(self, name=None):
        return self.from_.company if self.from_ else None

    @classmethod
    def default_effective_date(cls):
        return Pool().get('ir.date').today()


class Reverse(Wizard):
    "Undo wrong share movements"
    __name__ = 'cae.share.reverse'

    start = StateView(
        'cae.share.reverse.start',
        'cae_governance.share_reverse_start_view_form', [
            Button("Cancel", 'end', 'tryton-cancel'),
            Button("Reverse", 'reverse', 'tryton-ok', default=True),
            ])
    reverse = StateTransition()

    def transition_reverse(self):
        pool = Pool()
        ModelAccess = pool.get('ir.model.access')
        Movement = pool.get('cae.share.movement')
        with check_access():
            ModelAccess.check(Movement.__name__, 'create')
        Movement.reverse(
            self.records, self.start.decision, self.start.decision_date,
            self.start.effective_date)
        return 'end'


class ReverseStart(_Decision, ModelView):
    __name__ = 'cae.share.reverse.start'
    __string__ = "Reverse Share Movement"

    effective_date = fields.Date(
        "Effective Date",
        help="From when the reversal counts.\n"
        "Leave empty to take the date of the wrong movement.")
