# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.i18n import gettext
from trytond.pool import PoolMeta
from trytond.transaction import Transaction


class Sale(metaclass=PoolMeta):
    __name__ = 'sale.sale'

    def _printed_line(self, line, lang):
        printed = super()._printed_line(line, lang)
        if line.type == 'line':
            printed.text = '\n'.join(
                filter(None, [printed.text, line.discount_text()]))
        return printed


class SaleLine(metaclass=PoolMeta):
    __name__ = 'sale.line'

    def get_invoice_line(self):
        "Say the discount in the text: an invoice line has no field for it"
        lines = super().get_invoice_line()
        text = self.discount_text()
        if text:
            for line in lines:
                line.description = '\n'.join(
                    filter(None, [line.description, text]))
        return lines

    def discount_text(self):
        """Return the price and what was taken off it, or nothing.

        In the language of the customer. A discount granted is due on the
        invoice (Code de commerce, art. L441-9).
        """
        with Transaction().set_context(language=self.sale.party_lang):
            line = self.__class__(self.id)
            lang = line.sale._printed_lang
            if not line.base_price or line.base_price <= line.unit_price:
                return ''
            return gettext(
                'cae_billing.msg_sale_discount',
                price=lang.currency(
                    line.base_price, line.currency, grouping=True),
                discount=line.discount)
