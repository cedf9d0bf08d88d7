# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Deposits (acomptes): what the customer pays before anything is sold.

They are no turnover until the final invoice takes them back.
"""
from collections import defaultdict
from decimal import Decimal
from types import SimpleNamespace

from trytond.i18n import gettext
from trytond.model import ModelView, fields
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Bool, Eval, If
from trytond.transaction import Transaction

from ..apportion import apportion
from ..exceptions import (
    AmountError, DepositUnpaidError, GiveUpError, SetupError)


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
    deposit_rate = fields.Numeric(
        "Deposit", digits=(None, 4),
        domain=[
            If(Bool(Eval('advance_payment_term')),
                ('deposit_rate', '=', None),
                ['OR',
                    ('deposit_rate', '=', None),
                    [
                        ('deposit_rate', '>', 0),
                        ('deposit_rate', '<=', 1),
                        ]]),
            ],
        states={
            'readonly': Eval('state') != 'draft',
            'invisible': Bool(Eval('advance_payment_term')),
            },
        help="Which part the customer pays when ordering (taux d'acompte).\n"
        "Choose an advance payment term instead for several deposits.")

    @fields.depends('advance_payment_term', 'deposit_rate')
    def on_change_advance_payment_term(self):
        if self.advance_payment_term:
            self.deposit_rate = None

    @classmethod
    def preprocess_values(cls, mode, values):
        values = super().preprocess_values(mode, values)
        rate = values.get('deposit_rate')
        if rate is not None and not Decimal(rate).is_finite():
            raise AmountError(gettext(
                    'cae_billing.msg_invoice_line_amount',
                    value=rate, **cls.__names__('deposit_rate')))
        return values

    def _deposits(self):
        "Return the deposits that are asked for, as new records"
        if self.advance_payment_term:
            return self.advance_payment_term.get_lines(self)
        if not self.deposit_rate or self.untaxed_amount <= 0:
            return []
        pool = Pool()
        Account = pool.get('account.account')
        Line = pool.get('sale.advance_payment.line')
        accounts = Account.search([
                ('company', '=', self.company.id),
                ('type.unearned_revenue', '=', True),
                ('closed', '!=', True),
                ], order=[('code', 'ASC')], limit=1)
        if not accounts:
            raise SetupError(gettext(
                    'cae_billing.msg_sale_deposit_account',
                    company=self.company.rec_name))
        with Transaction().set_context(language=self.party_lang):
            lang = self._printed_lang
            description = gettext(
                'cae_billing.msg_sale_deposit',
                rate=lang.format('%.10g', self.deposit_rate * 100))
        return [Line(
                account=accounts[0],
                amount=self.currency.round(
                    self.untaxed_amount * self.deposit_rate),
                description=description)]

    def set_advance_payment_term(self):
        super().set_advance_payment_term()
        if not self.advance_payment_term:
            self.advance_payment_lines = self._deposits()

    @property
    def _invoiced_lines(self):
        lines = super()._invoiced_lines
        for deposit in self.advance_payment_lines:
            for line in deposit.invoice_lines:
                lines += [line, *line.advance_payment_recalled_lines]
        return lines

    def _printed_deposits(self, lang):
        deposits = self.advance_payment_lines or self._deposits()
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

    def advance_payment_eligible(self, shipment_type=None):
        # Nobody pays a deposit on what is given up
        return not self.given_up and super().advance_payment_eligible(
            shipment_type=shipment_type)

    def _check_give_up(self):
        super()._check_give_up()
        for deposit in self.advance_payment_lines:
            for line in deposit.invoice_lines:
                if (line.invoice.state in {'posted', 'paid'}
                        and line.amount + sum(
                            taken.amount for taken
                            in line.advance_payment_recalled_lines
                            if taken.invoice.state in {'posted', 'paid'})):
                    raise GiveUpError(gettext(
                            'cae_billing.msg_give_up_deposit',
                            order=self.rec_name,
                            invoice=line.invoice.rec_name))

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
