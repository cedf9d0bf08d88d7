# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What persons waive of their refunds."""
from collections import defaultdict
from decimal import Decimal

from trytond.i18n import gettext
from trytond.model import ModelSQL, ModelView, fields
from trytond.modules.currency.fields import Monetary
from trytond.pool import Pool
from trytond.transaction import Transaction, check_access, without_check_access
from trytond.wizard import Button, StateTransition, StateView, Wizard

from ..apportion import apportion
from ..exceptions import ExpenseAccessError
from ..posting import Entry
from .common import strftime


class Waiver(ModelSQL, ModelView):
    """What a person waives of a refund (abandon de créance).

    The cost stays with the activity, which gets an income of the amount.
    """
    __name__ = 'cae.expense.waiver'
    __string__ = "Expense Waiver"

    expense = fields.Many2One(
        'cae.expense', "Sheet", required=True, readonly=True,
        ondelete='RESTRICT')
    company = fields.Function(
        fields.Many2One('company.company', "Company"),
        'on_change_with_company')
    currency = fields.Function(
        fields.Many2One('currency.currency', "Currency"),
        'on_change_with_currency')
    date = fields.Date("Date", required=True, readonly=True)
    amount = Monetary(
        "Amount", currency='currency', digits='currency', required=True,
        readonly=True)
    reason = fields.Char(
        "Reason", required=True, readonly=True,
        help="The writing by which the person waives it.")
    move = fields.Many2One(
        'account.move', "Move", readonly=True, ondelete='RESTRICT')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('expense')
        cls._order = [('date', 'ASC'), ('id', 'ASC')]

    @fields.depends('expense', '_parent_expense.company')
    def on_change_with_company(self, name=None):
        return self.expense.company if self.expense else None

    @fields.depends('expense', '_parent_expense.currency')
    def on_change_with_currency(self, name=None):
        return self.expense.currency if self.expense else None

    def get_rec_name(self, name):
        return f'{self.expense.rec_name} {strftime(self.date)}'

    @property
    def label(self):
        return gettext(
            'cae_billing.msg_expense_waiver',
            expense=self.expense.label, reason=self.reason)

    def entries(self, refund, account):
        """Return the entries, an income for each activity of the refund."""
        weights = defaultdict(Decimal)
        for line in self.expense.lines:
            if line.paid_by == 'person':
                weights[line.activity] += line.refund_amount
        entries = [Entry(
                refund, self.amount, party=self.expense.party,
                description=self.label)]
        for activity, amount in zip(
                weights, apportion(self.amount, weights.values())):
            entries.append(Entry(
                    account, -amount, activity=activity, origin=self,
                    description=self.label))
        return entries

    @classmethod
    def check_modification(cls, mode, waivers, values=None, external=False):
        for waiver in waivers:
            if external or waiver.move:
                raise ExpenseAccessError(gettext(
                        'cae_billing.msg_expense_waiver_frozen',
                        expense=waiver.expense.rec_name))
        super().check_modification(
            mode, waivers, values=values, external=external)


class Waive(Wizard):
    "Post what a person waives of a refund"
    __name__ = 'cae.expense.waive'
    start = StateView(
        'cae.expense.waive.start',
        'cae_billing.expense_waive_start_view_form', [
            Button("Cancel", 'end', 'tryton-cancel'),
            Button("Waive", 'waive', 'tryton-ok', default=True),
            ])
    waive = StateTransition()

    def default_start(self, fields):
        return {
            'currency': self.record.currency.id,
            'amount': self.record.amount_to_pay,
            'date': Pool().get('ir.date').today(),
            }

    def transition_waive(self):
        Expense = Pool().get('cae.expense')
        with check_access():
            Expense.waive([self.record])
        with without_check_access(), \
                Transaction().set_context(company=self.record.company.id):
            Expense(self.record.id).waive_amount(
                self.start.amount, self.start.date, self.start.reason)
        return 'end'

    def end(self):
        return 'reload'


class WaiveStart(ModelView):
    __name__ = 'cae.expense.waive.start'
    __string__ = "Waive the Refund"

    currency = fields.Many2One('currency.currency', "Currency", readonly=True)
    amount = Monetary(
        "Amount", currency='currency', digits='currency', required=True,
        help="All of what is owed, or a part of it.")
    date = fields.Date("Date", required=True)
    reason = fields.Char(
        "Reason", required=True,
        help="The writing by which the person waives it: its date and "
        "reference.")
