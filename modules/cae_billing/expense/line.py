# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The lines of expense sheets, their receipts and their trips."""
import datetime as dt
from collections import defaultdict
from decimal import Decimal

from sql import Null
from sql.aggregate import Sum
from sql.conditionals import Case

from trytond.i18n import gettext
from trytond.model import Index, ModelSQL, ModelView, fields, sequence_ordered
from trytond.modules.cae_members.query import fetch
from trytond.modules.currency.fields import Monetary
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval, If
from trytond.transaction import without_check_access

from ..apportion import apportion, round_half_up
from ..exceptions import (
    ExpenseAccessError, ExpenseError, ExpenseValidationError)
from .common import check_numbers, strftime

in_ = fields.SQL_OPERATORS['in']
ZERO = Decimal(0)


class Line(sequence_ordered(), ModelSQL, ModelView):
    "Something that was spent, or a trip"
    __name__ = 'cae.expense.line'
    __string__ = "Expense Line"

    _states = {
        'readonly': Eval('state') != 'draft',
        }
    _trip = {
        'readonly': _states['readonly'],
        'required': Eval('mileage', False),
        'invisible': ~Eval('mileage', False),
        }

    expense = fields.Many2One(
        'cae.expense', "Sheet", required=True, ondelete='CASCADE',
        states={
            'readonly': Eval('id', -1) >= 0,
            })
    company = fields.Function(
        fields.Many2One('company.company', "Company"),
        'on_change_with_company')
    currency = fields.Function(
        fields.Many2One('currency.currency', "Currency"),
        'on_change_with_currency')
    entrepreneur = fields.Function(
        fields.Many2One('cae.entrepreneur', "Entrepreneur"),
        'on_change_with_entrepreneur')
    state = fields.Function(
        fields.Selection('get_states', "State"), 'on_change_with_state')
    date = fields.Date(
        "Date", required=True, states=_states,
        help="When it was spent or driven.")
    kind = fields.Many2One(
        'cae.expense.kind', "Kind", required=True, ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        states=_states)
    mileage = fields.Function(
        fields.Boolean("Mileage"), 'on_change_with_mileage')
    description = fields.Char(
        "Description", required=True, states=_states,
        help="What it was for; of a trip, its purpose.")
    activity = fields.Many2One(
        'cae.activity', "Activity", required=True, ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ('holders.entrepreneur', '=', Eval('entrepreneur', -1)),
            ],
        states=_states,
        help="The activity that bears it (activité).")
    amount = Monetary(
        "Amount", currency='currency', digits='currency',
        states={
            'readonly': _states['readonly'] | Eval('mileage', False),
            'required': ~Eval('mileage', False),
            },
        help="What was paid, tax included. For a trip it follows from the "
        "scale.")
    refund_amount = Monetary(
        "Borne", currency='currency', digits='currency', readonly=True,
        help="The part of it that the activity bears, tax included.")
    tax_amount = Monetary(
        "VAT Recovered", currency='currency', digits='currency',
        states={
            'readonly': (
                (Eval('state') == 'posted') | Eval('mileage', False)),
            },
        help="What of the VAT can be recovered. Lower it when the receipt "
        "shows less.")
    paid_by = fields.Selection([
            ('person', "Person"),
            ('card', "Company Card"),
            ], "Paid By", required=True, sort=False,
        domain=[
            If(Eval('mileage', False), ('paid_by', '=', 'person'), ()),
            ],
        states=_states)
    paid_by_string = paid_by.translated('paid_by')
    receipts = fields.One2Many(
        'ir.attachment', 'resource', "Receipts",
        states={
            'readonly': _states['readonly'],
            'invisible': Eval('mileage', False),
            },
        help="The receipts (justificatifs), kept for ten years (Code de "
        "commerce, art. L123-22).")
    vehicle = fields.Many2One(
        'cae.vehicle', "Vehicle", ondelete='RESTRICT',
        domain=[
            ('entrepreneur', '=', Eval('entrepreneur', -1)),
            ],
        states=_trip)
    departure = fields.Char("From", states=_trip)
    destination = fields.Char("To", states=_trip)
    kilometers = fields.Numeric(
        "Kilometres", digits=(16, 1), states=_trip,
        help="The kilometres one way.")
    round_trip = fields.Boolean(
        "Round Trip",
        states={
            'readonly': _trip['readonly'],
            'invisible': _trip['invisible'],
            })
    distance = fields.Function(
        fields.Numeric(
            "Distance", digits=(16, 1),
            states={
                'invisible': _trip['invisible'],
                },
            help="The kilometres of the whole trip."),
        'on_change_with_distance')
    distance_before = fields.Numeric(
        "Kilometres Before", digits=(16, 1), readonly=True,
        states={
            'invisible': _trip['invisible'],
            },
        help="Those of the vehicle in the civil year that were paid before "
        "the trip.")
    paid_before = Monetary(
        "Paid Before", currency='currency', digits='currency', readonly=True,
        states={
            'invisible': _trip['invisible'],
            },
        help="What was paid for these kilometres.")

    del _states, _trip

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls.__access__.add('expense')
        cls._sql_indexes.update({
                Index(t, (t.expense, Index.Range())),
                Index(t, (t.activity, Index.Range())),
                Index(t, (t.vehicle, Index.Range()), (t.date, Index.Range()),
                    where=t.vehicle != Null),
                })

    @classmethod
    def default_date(cls):
        return Pool().get('ir.date').today()

    @classmethod
    def default_paid_by(cls):
        return 'person'

    @classmethod
    def default_round_trip(cls):
        return False

    @classmethod
    def default_state(cls):
        return 'draft'

    @classmethod
    def get_states(cls):
        Expense = Pool().get('cae.expense')
        return Expense.fields_get(['state'])['state']['selection']

    @fields.depends('expense', '_parent_expense.company')
    def on_change_with_company(self, name=None):
        return self.expense.company if self.expense else None

    @fields.depends(
        'expense', '_parent_expense.company', '_parent_expense.currency')
    def on_change_with_currency(self, name=None):
        return self.expense.currency if self.expense else None

    @fields.depends('expense', '_parent_expense.entrepreneur')
    def on_change_with_entrepreneur(self, name=None):
        return self.expense.entrepreneur if self.expense else None

    @fields.depends('expense', '_parent_expense.state')
    def on_change_with_state(self, name=None):
        return self.expense.state if self.expense else 'draft'

    @fields.depends('kind')
    def on_change_with_mileage(self, name=None):
        return bool(self.kind and self.kind.mileage)

    @fields.depends('kilometers', 'round_trip')
    def on_change_with_distance(self, name=None):
        if self.kilometers is not None:
            return self.kilometers * (2 if self.round_trip else 1)

    @fields.depends('expense', '_parent_expense.activity', 'activity')
    def on_change_expense(self):
        if self.expense and not self.activity:
            self.activity = self.expense.activity

    @fields.depends('kind', 'amount', 'date', methods=['_set_parts'])
    def on_change_kind(self):
        if self.kind and self.kind.mileage:
            self.amount = None
            self.paid_by = 'person'
        self._set_parts()

    @fields.depends(methods=['_set_parts'])
    def on_change_amount(self):
        self._set_parts()

    @fields.depends(methods=['_set_parts'])
    def on_change_date(self):
        self._set_parts()

    @fields.depends('kind', 'amount', 'date')
    def _set_parts(self):
        self.refund_amount = self.tax_amount = None
        if self.kind and not self.kind.mileage and self.amount is not None:
            with without_check_access():
                self.refund_amount = self._borne()
                self.tax_amount = self.most_tax()

    def _borne(self):
        return round_half_up(self.amount * self.kind.refund_share)

    def most_tax(self):
        "Return the VAT that can be recovered at most"
        if not self.kind.taxes or not self.date:
            return ZERO
        return sum((
                amount for _, _, amount in self.kind.tax_rows(
                    self._borne(), self.date)), ZERO)

    def get_rec_name(self, name):
        return f'{strftime(self.date)} {self.description}'

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('description', *clause[1:])]

    @property
    def label(self):
        "What the holders of the activity read"
        parts = [self.expense.number, self.kind.name]
        if self.kind.mileage:
            lang = Pool().get('ir.lang').get()
            parts.append(gettext(
                    'cae_billing.msg_expense_trip',
                    departure=self.departure, destination=self.destination,
                    distance=lang.format_number(self.distance, 1)))
        parts.append(self.description)
        return ' '.join(filter(None, parts))

    def taxes(self):
        """Return what the line brings to the VAT return.

        [(tax, 'base', amount)] for the expense and [(account, tax, amount)]
        for the VAT. A base is in proportion to the VAT that is recovered.
        """
        if not self.tax_amount:
            return (), []
        rows = self.kind.tax_rows(abs(self._borne()), self.date)
        sign = -1 if self.tax_amount < 0 else 1
        most = sum(amount for _, _, amount in rows)
        amounts = apportion(
            abs(self.tax_amount), [amount for _, _, amount in rows])
        bases, taxes = [], []
        for (tax, base, _), amount in zip(rows, amounts):
            base = round_half_up(base * abs(self.tax_amount) / most)
            account = (
                tax.invoice_account if sign > 0 else tax.credit_note_account)
            bases.append((tax, 'base', sign * base))
            taxes.append((account, tax, sign * amount))
        return tuple(bases), taxes

    @classmethod
    def opposite(cls, line):
        "Return the values of the line that takes the line back"
        names = [
            'date', 'description', 'paid_by', 'departure', 'destination',
            'round_trip', 'sequence']
        values = {name: getattr(line, name) for name in names}
        for name in ['kind', 'activity', 'vehicle']:
            record = getattr(line, name)
            values[name] = record.id if record else None
        for name in ['amount', 'refund_amount', 'tax_amount', 'kilometers']:
            value = getattr(line, name)
            values[name] = None if value is None else -value
        return values

    @classmethod
    def posted_mileage(cls, keys):
        """Return {(vehicle, civil year): (kilometres, amount)} posted.

        A query for each year.
        """
        Expense = Pool().get('cae.expense')
        expense = Expense.__table__()
        line = cls.__table__()
        vehicles = defaultdict(dict)
        for vehicle, year in keys:
            vehicles[year][vehicle.id] = vehicle
        result = dict.fromkeys(keys, (ZERO, ZERO))
        for year, by_id in vehicles.items():
            query = (line
                .join(expense, condition=line.expense == expense.id)
                .select(
                    line.vehicle,
                    Sum(Case(
                            (line.round_trip, line.kilometers * 2),
                            else_=line.kilometers)).as_('distance'),
                    Sum(line.refund_amount).as_('amount'),
                    where=in_(line.vehicle, list(by_id))
                    & (expense.state == 'posted')
                    & (line.date >= dt.date(year, 1, 1))
                    & (line.date <= dt.date(year, 12, 31)),
                    group_by=line.vehicle))
            for id_, distance, amount in fetch(
                    query, [None, 'NUMERIC', 'NUMERIC']):
                result[by_id[id_], year] = (
                    round_half_up(distance, Decimal('0.1')),
                    round_half_up(amount))
        return result

    # What may change

    @classmethod
    def preprocess_values(cls, mode, values):
        values = super().preprocess_values(mode, values)
        check_numbers(cls, values, ['amount', 'tax_amount', 'kilometers'])
        return values

    @classmethod
    def check_modification(cls, mode, lines, values=None, external=False):
        internal = {'refund_amount', 'distance_before', 'paid_before'}
        for line in lines:
            expense = line.expense
            if mode == 'create':
                allowed = expense.state == 'draft' or (
                    expense._deletable and not external)
                if external and any(
                        getattr(line, name) is not None for name in internal):
                    allowed = False
            elif mode == 'delete':
                allowed = expense._deletable
            elif 'expense' in values and values['expense'] != expense.id:
                allowed = False
            elif external and values.keys() & internal:
                allowed = False
            elif expense.state == 'posted':
                allowed = False
            elif external and expense.state != 'draft':
                allowed = (
                    values.keys() <= {'tax_amount'} and expense._accounts())
            else:
                allowed = True
            if not allowed:
                raise ExpenseAccessError(gettext(
                        'cae_billing.msg_expense_frozen',
                        expense=expense.rec_name,
                        state=expense.state_string))
        super().check_modification(
            mode, lines, values=values, external=external)

    @classmethod
    def on_modification(cls, mode, lines, field_names=None):
        Expense = Pool().get('cae.expense')
        super().on_modification(mode, lines, field_names=field_names)
        if mode == 'delete' or (
                field_names is not None and not field_names & {
                    'amount', 'kind', 'date', 'tax_amount', 'vehicle',
                    'kilometers', 'round_trip'}):
            return
        to_write, trips = [], set()
        for line in lines:
            if line.expense.reverses:
                continue
            if line.kind.mileage:
                trips.add(line.expense)
                continue
            values = {}
            if line.refund_amount != line._borne():
                values['refund_amount'] = line._borne()
            if line.tax_amount is None:
                values['tax_amount'] = line.most_tax()
            if values:
                to_write.extend([[line], values])
        if to_write:
            cls.write(*to_write)
        Expense.refresh([e for e in trips if e.state == 'draft'])

    @classmethod
    def copy(cls, lines, default=None):
        default = default.copy() if default is not None else {}
        for name in [
                'receipts', 'refund_amount', 'distance_before',
                'paid_before']:
            default.setdefault(name)
        return super().copy(lines, default=default)

    @classmethod
    def validate_fields(cls, lines, field_names):
        super().validate_fields(lines, field_names)
        if field_names is None or field_names & {
                'date', 'kind', 'activity', 'amount', 'tax_amount',
                'paid_by', 'vehicle', 'kilometers'}:
            cls.check([li for li in lines if not li.expense.reverses])

    @classmethod
    def check(cls, lines):
        """Check what is spent.

        Raise ExpenseValidationError, which names the line.
        """
        pool = Pool()
        Activity = pool.get('cae.activity')
        today = pool.get('ir.date').today()
        dates = defaultdict(set)
        for line in lines:
            dates[line.date].add(line.activity)
        holders = {
            date: Activity.holders_at(activities, date)
            for date, activities in dates.items()}

        def refuse(message, line, **values):
            raise ExpenseValidationError(gettext(
                    f'cae_billing.msg_expense_{message}',
                    line=line.rec_name, **values))
        for line in lines:
            date, activity, vehicle = line.date, line.activity, line.vehicle
            if date > today:
                refuse('line_future', line)
            if activity.closing_date and date > activity.closing_date:
                refuse(
                    'line_closed', line, activity=activity.rec_name,
                    date=strftime(activity.closing_date))
            if line.entrepreneur not in {
                    e for e, _ in holders[date][activity.id]}:
                refuse(
                    'line_holder', line, activity=activity.rec_name,
                    entrepreneur=line.entrepreneur.rec_name)
            if line.kind.mileage:
                if not vehicle or line.kilometers is None:
                    # The fields themselves say that they are required
                    continue
                if line.kilometers <= 0:
                    refuse('line_kilometers', line)
                if vehicle.entrepreneur != line.entrepreneur:
                    refuse(
                        'line_vehicle', line, vehicle=vehicle.rec_name,
                        entrepreneur=line.entrepreneur.rec_name)
                if date < vehicle.from_date or (
                        vehicle.to_date and date > vehicle.to_date):
                    refuse(
                        'line_vehicle_dates', line, vehicle=vehicle.rec_name)
                continue
            if line.amount is None:
                continue
            if line.amount <= 0:
                refuse('line_amount', line)
            if line.paid_by == 'card' and line.kind.refund_share != 1:
                refuse('line_card', line, kind=line.kind.rec_name)
            most = line.most_tax()
            if line.tax_amount is not None and not (
                    0 <= line.tax_amount <= most):
                refuse('line_tax', line, amount=most)

    @classmethod
    def check_receipts(cls, lines):
        """Check that each line has its receipt, but trips and flat amounts.

        Raise ExpenseError.
        """
        Attachment = Pool().get('ir.attachment')
        lines = [
            li for li in lines
            if li.kind.receipt_required and not li.kind.mileage]
        with without_check_access():
            found = {
                a.resource for a in Attachment.search([
                        ('resource', 'in', [str(line) for line in lines]),
                        ], order=[])}
        for line in lines:
            if line not in found:
                raise ExpenseError(gettext(
                        'cae_billing.msg_expense_line_receipt',
                        line=line.rec_name, expense=line.expense.rec_name,
                        kind=line.kind.rec_name))


class Attachment(metaclass=PoolMeta):
    __name__ = 'ir.attachment'

    @classmethod
    def check_modification(
            cls, mode, attachments, values=None, external=False):
        Line = Pool().get('cae.expense.line')
        super().check_modification(
            mode, attachments, values=values, external=external)
        if mode == 'create' or not external:
            return
        for attachment in attachments:
            line = attachment.resource
            if isinstance(line, Line) and line.expense.state != 'draft':
                raise ExpenseAccessError(gettext(
                        'cae_billing.msg_expense_receipt_frozen',
                        receipt=attachment.rec_name,
                        expense=line.expense.rec_name))
