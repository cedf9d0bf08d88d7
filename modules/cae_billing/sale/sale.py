# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from decimal import Decimal

from trytond.i18n import gettext
from trytond.model import Index, ModelView, Workflow, fields
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Bool, Eval
from trytond.transaction import Transaction

from ..approval.access import (
    check_reach, is_entrepreneur, own_activities, targets)
from ..exceptions import ActivityRequiredError, SellingNotAllowedError

# What only who keeps a stock looks at
STOCK_FIELDS = [
    'shipment_method', 'shipment_party', 'shipment_state', 'shipping_date',
    'warehouse']


class Sale(metaclass=PoolMeta):
    __name__ = 'sale.sale'
    activity = fields.Many2One(
        'cae.activity', "Activity",
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        states={
            'readonly': Eval('state') != 'draft',
            },
        help="The activity that sells (activité): its invoices are too.")
    expected_date = fields.Date(
        "Expected Date",
        states={
            'readonly': Eval('state') != 'draft',
            },
        help="When the customer should pay, for the forecast.\n"
        "Leave empty for the month of the sale or of the quote.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_indexes.add(Index(t, (t.activity, Index.Range())))
        for name in STOCK_FIELDS:
            field = getattr(cls, name)
            field.states['invisible'] = (
                field.states.get('invisible', False)
                | Bool(Eval('activity')))

    @classmethod
    def default_activity(cls):
        if is_entrepreneur():
            activities = own_activities()
            if len(activities) == 1:
                activity, = activities
                return activity

    @classmethod
    def copy(cls, sales, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('expected_date')
        return super().copy(sales, default=default)

    def _get_invoice(self):
        invoice = super()._get_invoice()
        invoice.activity = self.activity
        # The number of the order is due on the invoice
        # (Code de commerce, art. L441-9)
        invoice.reference = self.reference
        invoice.description = self.description
        address = self.shipment_address
        if (address and address != self.invoice_address
                and address.party == invoice.party):
            invoice.delivery_address = address
        return invoice

    @property
    def _invoiced_lines(self):
        "The lines of invoices that were made from the sale"
        return [
            line for sale_line in self.line_lines
            for line in sale_line.invoice_lines]

    def amount_to_invoice(self):
        """Return what is not on a posted invoice yet, tax included.

        In proportion to the untaxed amount. A deposit counts as invoiced.
        """
        left = self.untaxed_amount - sum(
            line.amount for line in self._invoiced_lines
            if line.invoice and line.invoice.state in {'posted', 'paid'})
        if not self.untaxed_amount or left / self.untaxed_amount <= 0:
            return Decimal(0)
        return self.currency.round(
            left * self.total_amount / self.untaxed_amount)

    def is_done(self):
        # For Tryton it is once its deposit is paid
        return super().is_done() and not (self.activity and self.to_invoice)

    @classmethod
    def _check_activities(cls, sales):
        """Refuse the sales without an open activity or that is too early.

        Who has only a support agreement may not sell yet (Code de commerce,
        art. L127-1 ff: the support comes first), and so makes no offer. What
        only gives back is never refused.
        """
        pool = Pool()
        Activity = pool.get('cae.activity')
        Date = pool.get('ir.date')
        Lang = pool.get('ir.lang')
        for sale in sales:
            if not sale.activity:
                journal = sale._get_invoice().journal
                if journal and journal.cooperative:
                    raise ActivityRequiredError(gettext(
                            'cae_billing.msg_sale_activity_required',
                            sale=sale.rec_name))
                continue
            with Transaction().set_context(company=sale.company.id):
                date = sale.sale_date or Date.today()
            Activity.check_open([(sale.activity, date, sale.rec_name)])
            if (any(line.amount > 0 for line in sale.line_lines)
                    and not Activity.may_sell([sale.activity], date)):
                raise SellingNotAllowedError(gettext(
                        'cae_billing.msg_sale_may_not_sell',
                        activity=sale.activity.rec_name,
                        sale=sale.rec_name,
                        date=Lang.get().strftime(date)))

    @classmethod
    @ModelView.button
    @Workflow.transition('quotation')
    def quote(cls, sales):
        cls._check_activities(sales)
        super().quote(sales)

    @classmethod
    @ModelView.button
    @Workflow.transition('confirmed')
    def confirm(cls, sales):
        cls._check_activities(sales)
        super().confirm(sales)

    @classmethod
    def check_modification(cls, mode, sales, values=None, external=False):
        super().check_modification(
            mode, sales, values=values, external=external)
        if external:
            for name in [
                    'party', 'invoice_party', 'shipment_party', 'contact']:
                Target = cls._fields[name].get_target()
                check_reach(
                    Target.__name__, targets(mode, name, sales, values))


class SaleLine(metaclass=PoolMeta):
    __name__ = 'sale.line'
    activity = fields.Function(
        fields.Many2One('cae.activity', "Activity"),
        'on_change_with_activity', searcher='search_activity')

    @fields.depends('sale', '_parent_sale.activity')
    def on_change_with_activity(self, name=None):
        return self.sale.activity if self.sale else None

    @classmethod
    def search_activity(cls, name, clause):
        return [('sale.' + clause[0], *clause[1:])]

    @fields.depends('activity')
    def on_change_with_movable(self, name=None):
        # The goods of an activity are delivered by who sells them
        if self.activity:
            return False
        return super().on_change_with_movable(name=name)

    @fields.depends('activity')
    def on_change_with_shipping_date(self, name=None):
        # Nothing of the stock, which entrepreneurs may not read
        if not self.activity:
            return super().on_change_with_shipping_date(name=name)

    def get_move(self, shipment_type):
        if not self.activity:
            return super().get_move(shipment_type)

    def get_invoice_line(self):
        lines = super().get_invoice_line()
        for line in lines:
            line.activity = self.activity
        return lines

    @classmethod
    def check_modification(cls, mode, lines, values=None, external=False):
        super().check_modification(
            mode, lines, values=values, external=external)
        if external:
            check_reach('product.product', targets(
                    mode, 'product', lines, values))

    @classmethod
    def preprocess_values(cls, mode, values):
        values = super().preprocess_values(mode, values)
        # As on the invoices that are made of them
        Pool().get('account.invoice.line')._check_amounts(values)
        return values


class SaleLineTax(metaclass=PoolMeta):
    __name__ = 'sale.line-account.tax'

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('line')


class SaleIgnoredInvoice(metaclass=PoolMeta):
    __name__ = 'sale.sale-ignored-account.invoice'

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('sale')


class SaleRecreatedInvoice(metaclass=PoolMeta):
    __name__ = 'sale.sale-recreated-account.invoice'

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('sale')


class SaleLineIgnoredMove(metaclass=PoolMeta):
    __name__ = 'sale.line-ignored-stock.move'

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('sale_line')


class SaleLineRecreatedMove(metaclass=PoolMeta):
    __name__ = 'sale.line-recreated-stock.move'

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('sale_line')
