# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from collections import defaultdict
from decimal import Decimal

from sql import Null
from sql.aggregate import Min

from trytond.model import ModelSQL, ModelView, fields
from trytond.modules.currency.fields import Monetary
from trytond.pool import Pool
from trytond.pyson import Eval, If
from trytond.transaction import without_check_access

from ..apportion import apportion


class Due(ModelSQL, ModelView):
    """What the customers still owe for an activity, and it to suppliers.

    One row for each posted invoice and each of its activities. The date is
    that of the first part that is not paid.
    """
    __name__ = 'cae.activity.due'
    __string__ = "Due"
    activity = fields.Many2One('cae.activity', "Activity", readonly=True)
    company = fields.Many2One('company.company', "Company", readonly=True)
    currency = fields.Function(
        fields.Many2One('currency.currency', "Currency"), 'get_invoice')
    invoice = fields.Many2One('account.invoice', "Invoice", readonly=True)
    party = fields.Many2One(
        'party.party', "Party", readonly=True,
        context={
            'company': Eval('company', -1),
            },
        depends={'company'})
    type = fields.Selection([
            ('out', "Customer"),
            ('in', "Supplier"),
            ], "Type", readonly=True)
    invoice_date = fields.Date("Invoice Date", readonly=True)
    date = fields.Date("Due Date", readonly=True)
    late = fields.Function(fields.Integer(
            "Days Late", help="How many days ago the amount was due."),
        'get_late')
    amount = fields.Function(Monetary(
            "Amount", currency='currency', digits='currency',
            help="What is left to receive, or to pay when negative, tax "
            "included. The activities of one invoice share it in proportion "
            "to their lines."),
        'get_invoice')
    amount_late = fields.Function(Monetary(
            "Late", currency='currency', digits='currency',
            help="What of the amount should have been paid by today."),
        'get_invoice')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._order = [('date', 'ASC'), ('id', 'ASC')]

    @classmethod
    def view_attributes(cls):
        return super().view_attributes() + [
            ('/tree', 'visual', If(Eval('late', 0) > 0, 'danger', '')),
            ]

    def get_rec_name(self, name):
        return self.invoice.rec_name

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('invoice.rec_name', *clause[1:])]

    @classmethod
    def get_late(cls, dues, name):
        today = Pool().get('ir.date').today()
        return {
            d.id: (today - d.date).days if d.date and d.date < today else None
            for d in dues}

    @classmethod
    def get_invoice(cls, dues, names):
        result = {name: {} for name in names}
        parts = {}
        with without_check_access():
            for due in dues:
                invoice = due.invoice
                for name in names:
                    if name == 'currency':
                        value = invoice.currency.id
                    else:
                        if (invoice, name) not in parts:
                            amount = (
                                invoice.amount_to_pay_today
                                if name == 'amount_late'
                                else invoice.amount_to_pay)
                            if invoice.type == 'in':
                                amount = -amount
                            parts[invoice, name] = cls.shares(invoice, amount)
                        value = parts[invoice, name][due.activity]
                    result[name][due.id] = value
        return result

    @classmethod
    def shares(cls, invoice, amount):
        """Return {activity: its part of the amount of the invoice}.

        In proportion to the lines, to the cent of the whole.
        """
        untaxed = defaultdict(Decimal)
        for line in invoice.lines:
            if line.activity:
                untaxed[line.activity] += line.amount
        weights = [abs(a) for a in untaxed.values()]
        if not any(weights):
            weights = [1] * len(untaxed)
        return dict(zip(untaxed, apportion(
                    amount, weights,
                    Decimal(1).scaleb(-invoice.currency.digits))))

    @classmethod
    def table_query(cls):
        pool = Pool()
        invoice = pool.get('account.invoice').__table__()
        line = pool.get('account.invoice.line').__table__()
        move_line = pool.get('account.move.line').__table__()
        return (line
            .join(invoice, condition=line.invoice == invoice.id)
            .join(move_line,
                condition=(move_line.move == invoice.move)
                & (move_line.account == invoice.account)
                & (move_line.reconciliation == Null))
            .select(
                Min(line.id).as_('id'),
                line.activity.as_('activity'),
                invoice.company.as_('company'),
                invoice.id.as_('invoice'),
                invoice.party.as_('party'),
                invoice.type.as_('type'),
                invoice.invoice_date.as_('invoice_date'),
                Min(move_line.maturity_date).as_('date'),
                where=(invoice.state == 'posted') & (line.activity != Null),
                group_by=[
                    line.activity, invoice.company, invoice.id, invoice.party,
                    invoice.type, invoice.invoice_date]))
