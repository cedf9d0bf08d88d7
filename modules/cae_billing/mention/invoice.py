# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.i18n import gettext
from trytond.model import fields
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval

from .printed import PrintedLineMixin, PrintedMixin


class Invoice(PrintedMixin, metaclass=PoolMeta):
    __name__ = 'account.invoice'
    delivery_address = fields.Many2One(
        'party.address', "Delivery Address", ondelete='RESTRICT',
        domain=[('party', '=', Eval('party', -1))],
        states={
            'readonly': Eval('state') != 'draft',
            'invisible': Eval('type') != 'out',
            },
        help="Where the goods go or the work is done, when it is not the "
        "address of the invoice.")
    delivery_date = fields.Date(
        "Date of Performance",
        states={
            'readonly': Eval('state') != 'draft',
            'invisible': Eval('type') != 'out',
            },
        help="When the goods were delivered or the work was done, when it is "
        "not the date of the invoice.")

    @classmethod
    def copy(cls, invoices, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('delivery_date')
        return super().copy(invoices, default=default)

    @property
    def _document_date(self):
        return self.invoice_date

    @property
    def activities(self):
        "The activities of the lines, or that of the document"
        return {
            line.activity for line in self.line_lines if line.activity} or (
            {self.activity} - {None})

    @property
    def _category_lines(self):
        return [
            line for line in self.line_lines
            if not getattr(line.account.type, 'customer_deposit', False)]

    @property
    def is_business(self):
        return bool(self.party_tax_identifier) or super().is_business

    @property
    def is_credit(self):
        """Whether it gives back, even when one of its lines does not.

        Tryton numbers it as an invoice then.
        """
        return self.total_amount < 0

    def _mention_conditions(self):
        result = super()._mention_conditions()
        lang = self._printed_lang
        if self.is_credit and self.origin_invoices:
            result['credit_note'] = [{
                    'invoices': ', '.join(
                        f'{i.number} ({lang.strftime(i.invoice_date)})'
                        for i in self.origin_invoices
                        if i.number and i.invoice_date)}]
        if (self.delivery_address
                and self.delivery_address != self.invoice_address):
            result['delivery_address'] = [{
                    'delivery_address': ', '.join(
                        self.delivery_address.full_address.splitlines())}]
        if self.delivery_date and self.delivery_date != self.printed_date:
            result['delivery_date'] = [
                {'delivery_date': lang.strftime(self.delivery_date)}]
        return result

    def _mentions(self):
        return super()._mentions() if self.type == 'out' else []

    def _legal_notices(self):
        return [tax.legal_notice for tax in self.taxes]

    def _printed(self, lang):
        def money(amount):
            return lang.currency(amount, self.currency, grouping=True)
        printed = super()._printed(lang)
        printed.draft = self.state in {'draft', 'validated'}
        printed.paid = (
            money(self.total_amount - self.amount_to_pay)
            if self._printed_paid else None)
        printed.remaining = money(self.amount_to_pay)
        printed.due = [
            (lang.strftime(date), money(amount))
            for date, amount in self._printed_due()]
        printed.payment_term = (
            self.payment_term.name
            if self.payment_term and not self.is_credit else '')
        printed.payment_reference = (
            self.customer_payment_reference
            if self.type == 'out' and self.total_amount > 0 else '')
        printed.bank_accounts = self._printed_bank_accounts()
        return printed

    def _vat(self):
        "Return {name of the tax: (base, amount)}, what is given back included"
        result = {}
        for tax in self.taxes:
            base, amount = result.get(tax.description, (0, 0))
            result[tax.description] = base + tax.base, amount + tax.amount
        return result

    def _printed_title(self):
        if self.type == 'in':
            message = 'supplier'
        elif self.is_credit:
            message = 'credit_note'
        else:
            message = 'invoice'
        title = gettext(f'cae_billing.msg_printed_{message}')
        return f'{title} {self.number}' if self.number else title

    def _printed_customer(self):
        lines = super()._printed_customer()
        if identifier := self.party_tax_identifier:
            if identifier.type not in {'fr_siren', 'fr_siret'}:
                lines.append(gettext(
                        'cae_billing.msg_vat_number', number=identifier.code))
        return lines

    @property
    def _printed_paid(self):
        return (
            self.state in {'posted', 'paid'}
            and self.total_amount != self.amount_to_pay)

    def _printed_due(self):
        """Return the dates and amounts that a posted invoice asks for.

        What was paid in part is taken from the first ones.
        """
        if self.state != 'posted' or self.is_credit:
            return []
        due = [
            (line.maturity_date,
                abs(line.amount_second_currency
                    if line.second_currency == self.currency
                    else line.debit - line.credit))
            for line in self.lines_to_pay
            if line.maturity_date and not line.reconciliation]
        settled = sum(amount for _, amount in due) - self.amount_to_pay
        result = []
        for date, amount in due:
            part = min(amount, max(settled, 0))
            settled -= part
            if amount > part:
                result.append((date, amount - part))
        return result

    def _printed_bank_accounts(self):
        "Return the numbers of the accounts to pay on"
        party = self.company.party
        if self.type != 'out' or self.is_credit:
            return []
        # Of the module bank, when it is active
        return [
            account.rec_name
            for account in getattr(party, 'bank_accounts', [])]


class InvoiceLine(PrintedLineMixin, metaclass=PoolMeta):
    __name__ = 'account.invoice.line'

    @property
    def _vat_date(self):
        return self.taxes_date or self.invoice.tax_date


class InvoiceReport(metaclass=PoolMeta):
    __name__ = 'account.invoice'

    @classmethod
    def get_context(cls, records, header, data):
        Invoice = Pool().get('account.invoice')
        context = super().get_context(records, header, data)
        context['printed'] = Invoice(context['record'].id).printed()
        return context
