# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.model import fields
from trytond.pool import PoolMeta

from ..approval.order import OrderLineMixin, OrderMixin, PartMixin


class Sale(OrderMixin, metaclass=PoolMeta):
    __name__ = 'sale.sale'
    _stock_fields = [
        'shipment_method', 'shipment_party', 'shipment_state',
        'shipping_date', 'warehouse']
    _parties = ['party', 'invoice_party', 'shipment_party', 'contact']
    _order_date = 'sale_date'
    _msg_activity_required = 'cae_billing.msg_sale_activity_required'
    _msg_not_allowed = 'cae_billing.msg_sale_may_not_sell'

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

    def is_done(self):
        # For Tryton it is once its deposit is paid
        return super().is_done() and not (self.activity and self.to_invoice)


class SaleLine(OrderLineMixin, metaclass=PoolMeta):
    __name__ = 'sale.line'
    _order_field = 'sale'

    @fields.depends('sale', '_parent_sale.activity')
    def on_change_with_activity(self, name=None):
        return self.sale.activity if self.sale else None

    @fields.depends('activity')
    def on_change_with_shipping_date(self, name=None):
        # Nothing of the stock, which entrepreneurs may not read
        if not self.activity:
            return super().on_change_with_shipping_date(name=name)


class SaleLineTax(PartMixin, metaclass=PoolMeta):
    __name__ = 'sale.line-account.tax'
    _part_of = 'line'


class SaleIgnoredInvoice(PartMixin, metaclass=PoolMeta):
    __name__ = 'sale.sale-ignored-account.invoice'
    _part_of = 'sale'


class SaleRecreatedInvoice(PartMixin, metaclass=PoolMeta):
    __name__ = 'sale.sale-recreated-account.invoice'
    _part_of = 'sale'


class SaleLineIgnoredMove(PartMixin, metaclass=PoolMeta):
    __name__ = 'sale.line-ignored-stock.move'
    _part_of = 'sale_line'


class SaleLineRecreatedMove(PartMixin, metaclass=PoolMeta):
    __name__ = 'sale.line-recreated-stock.move'
    _part_of = 'sale_line'
