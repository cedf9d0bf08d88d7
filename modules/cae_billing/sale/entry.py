# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Lines entered at a price with tax."""
from decimal import Decimal

from trytond.i18n import gettext
from trytond.model import Model, fields
from trytond.modules.currency.fields import Monetary
from trytond.modules.product import price_digits
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval

from ..exceptions import AmountError
from .gross import net_price

STEP = Decimal(1).scaleb(-price_digits[1])


class EntryMixin(Model):
    """A line whose price is given with or without tax.

    The price without tax is the one that counts.
    """
    __slots__ = ()
    gross_price = fields.Function(Monetary(
            "Price with Tax", currency='currency', digits=price_digits,
            states={
                'invisible': Eval('type') != 'line',
                },
            help="Enter it to get the unit price such that the line makes "
            "it with its taxes (prix TTC).\n"
            "Where no amount does, to the cent, it is the closest."),
        'on_change_with_gross_price', setter='set_gross_price')

    @fields.depends('taxes', 'currency')
    def _tax_rate(self):
        "Return the rate of all taxes, None when one is no percentage"
        pool = Pool()
        Date = pool.get('ir.date')
        Tax = pool.get('account.tax')
        taxes = Tax.compute(
            self.taxes or [], Decimal(1), 1, Date.today())
        if all(values['tax'].type == 'percentage' for values in taxes):
            return sum((values['amount'] for values in taxes), Decimal(0))

    @fields.depends('type', 'unit_price', methods=['_tax_rate'])
    def on_change_with_gross_price(self, name=None):
        if self.type != 'line' or self.unit_price is None:
            return None
        rate = self._tax_rate()
        if rate is not None:
            return (self.unit_price * (1 + rate)).quantize(STEP)

    @fields.depends(
        'gross_price', 'quantity', 'currency', methods=['_tax_rate'])
    def on_change_gross_price(self):
        if self.gross_price is None:
            return
        rate = self._tax_rate()
        if rate is None:
            raise AmountError(gettext('cae_billing.msg_gross_price_tax'))
        cent = (
            self.currency.rounding if self.currency else Decimal('0.01'))
        self.unit_price = net_price(
            self.gross_price, Decimal(str(self.quantity or 0)), rate, cent,
            STEP)

    @classmethod
    def set_gross_price(cls, lines, name, value):
        "The unit price is what is stored"


class InvoiceLine(EntryMixin, metaclass=PoolMeta):
    __name__ = 'account.invoice.line'

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.gross_price.states['readonly'] = Eval('invoice_state') != 'draft'


class SaleLine(EntryMixin, metaclass=PoolMeta):
    __name__ = 'sale.line'

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.gross_price.states['readonly'] = Eval('sale_state') != 'draft'
