# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Deposits (acomptes): what the customer pays before anything is sold.

They are no turnover until the final invoice takes them back.
"""
from collections import defaultdict
from decimal import Decimal
from types import SimpleNamespace

from trytond.i18n import gettext
from trytond.model import ModelView
from trytond.pool import Pool, PoolMeta

from ..apportion import apportion
from ..exceptions import DepositUnpaidError


class AdvancePaymentLine(metaclass=PoolMeta):
    __name__ = 'sale.advance_payment.line'

    def get_invoice_advance_payment_lines(self, invoice):
        """Return a line for each set of taxes of the sale.

        The VAT is due on a deposit at the rates of what is sold (CGI,
        art. 269).
        """
        InvoiceLine = Pool().get('account.invoice.line')
        lines = []
        for line in super().get_invoice_advance_payment_lines(invoice):
            line.activity = self.sale.activity
            taxed = self._amounts_by_taxes()
            if not taxed:
                lines.append(line)
                continue
            amounts = apportion(
                line.unit_price, list(taxed.values()),
                Decimal(1).scaleb(-self.currency.digits))
            for taxes, amount in zip(taxed, amounts):
                if not amount:
                    continue
                values = {
                    name: getattr(line, name) for name in [
                        'account', 'activity', 'company', 'currency',
                        'description', 'invoice', 'origin', 'quantity',
                        'type']}
                lines.append(InvoiceLine(
                        unit_price=amount, taxes=taxes, **values))
        return lines

    def _amounts_by_taxes(self):
        "Return {taxes: untaxed amount} of what the sale is made of"
        result = defaultdict(Decimal)
        for line in self.sale.line_lines:
            result[line.taxes] += line.amount
        return {taxes: a for taxes, a in result.items() if a > 0}


class Sale(metaclass=PoolMeta):
    __name__ = 'sale.sale'

    @property
    def _invoiced_lines(self):
        lines = super()._invoiced_lines
        for deposit in self.advance_payment_lines:
            for line in deposit.invoice_lines:
                lines += [line, *line.advance_payment_recalled_lines]
        return lines

    def _printed_deposits(self, lang):
        deposits = self.advance_payment_lines
        if not deposits and self.advance_payment_term:
            deposits = self.advance_payment_term.get_lines(self)
        result = super()._printed_deposits(lang)
        for deposit in deposits:
            total = deposit.amount
            if self.untaxed_amount:
                total = self.currency.round(
                    total * self.total_amount / self.untaxed_amount)
            result.append(SimpleNamespace(
                    name=deposit.description,
                    untaxed=lang.currency(
                        deposit.amount, self.currency, grouping=True),
                    total=lang.currency(
                        total, self.currency, grouping=True)))
        return result

    def get_recall_lines(self, invoice):
        lines = super().get_recall_lines(invoice)
        for line in lines:
            line.activity = self.activity
        return lines

    @classmethod
    @ModelView.button
    def manual_invoice(cls, sales):
        for sale in sales:
            if (sale.advance_payment_eligible()
                    and not sale.advance_payment_completed):
                raise DepositUnpaidError(gettext(
                        'cae_billing.msg_sale_deposit_unpaid',
                        sale=sale.rec_name))
        super().manual_invoice(sales)
