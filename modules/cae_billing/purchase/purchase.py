# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.model import fields
from trytond.pool import PoolMeta

from ..approval.order import OrderLineMixin, OrderMixin, PartMixin


class Purchase(OrderMixin, metaclass=PoolMeta):
    __name__ = 'purchase.purchase'
    _stock_fields = ['delivery_date', 'shipment_state', 'warehouse']
    _order_date = 'purchase_date'
    _msg_activity_required = 'cae_billing.msg_purchase_activity_required'
    _msg_not_allowed = 'cae_billing.msg_purchase_not_allowed'

    def _get_invoice(self):
        invoice = super()._get_invoice()
        invoice.activity = self.activity
        invoice.description = self.description
        return invoice


class PurchaseLine(OrderLineMixin, metaclass=PoolMeta):
    __name__ = 'purchase.line'
    _order_field = 'purchase'

    @fields.depends('purchase', '_parent_purchase.activity')
    def on_change_with_activity(self, name=None):
        return self.purchase.activity if self.purchase else None

    @fields.depends('activity')
    def on_change_with_delivery_date(self, name=None):
        # Nothing of the stock, which entrepreneurs may not read
        if not self.activity:
            return super().on_change_with_delivery_date(name=name)


class PurchaseLineTax(PartMixin, metaclass=PoolMeta):
    __name__ = 'purchase.line-account.tax'
    _part_of = 'line'


class PurchaseIgnoredInvoice(PartMixin, metaclass=PoolMeta):
    __name__ = 'purchase.purchase-ignored-account.invoice'
    _part_of = 'purchase'


class PurchaseRecreatedInvoice(PartMixin, metaclass=PoolMeta):
    __name__ = 'purchase.purchase-recreated-account.invoice'
    _part_of = 'purchase'


class PurchaseLineIgnoredMove(PartMixin, metaclass=PoolMeta):
    __name__ = 'purchase.line-ignored-stock.move'
    _part_of = 'purchase_line'


class PurchaseLineRecreatedMove(PartMixin, metaclass=PoolMeta):
    __name__ = 'purchase.line-recreated-stock.move'
    _part_of = 'purchase_line'
