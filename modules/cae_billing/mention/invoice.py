# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from decimal import Decimal
from types import SimpleNamespace

from trytond.i18n import gettext
from trytond.model import fields
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval
from trytond.transaction import Transaction, without_check_access

from .identity import siren_of

# What only a business has
BUSINESS_IDENTIFIERS = {'be_vat', 'eu_vat', 'fr_siren', 'fr_siret'}


class Invoice(metaclass=PoolMeta):
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
    def printed_date(self):
        "The date of the document, today for a draft without date"
        Date = Pool().get('ir.date')
        with Transaction().set_context(company=self.company.id):
            return self.invoice_date or Date.today()

    @property
    def activities(self):
        "The activities of the lines, or that of the document"
        return {
            line.activity for line in self.line_lines if line.activity} or (
            {self.activity} - {None})

    @property
    def category(self):
        "Whether it is of 'goods', 'services' or 'mixed'"
        kinds = {
            'services' if not line.product or line.product.type == 'service'
            else 'goods'
            for line in self.line_lines
            if not getattr(line.account.type, 'customer_deposit', False)}
        return 'mixed' if len(kinds) > 1 else ''.join(kinds) or 'services'

    @property
    def is_credit(self):
        """Whether it gives back, even when one of its lines does not.

        Tryton numbers it as an invoice then.
        """
        return self.total_amount < 0

    def _mention_conditions(self):
        """Return {condition that the document meets: [its own values]}.

        The conditions are those of ``cae.mention``.
        """
        lang = self._printed_lang
        date = self.printed_date
        types = {i.type for i in self.party.identifiers}
        business = self.party_tax_identifier or types & BUSINESS_IDENTIFIERS
        category = self.category
        result = {
            'always': [{}],
            'business' if business else 'individual': [{}],
            category: [{}],
            }
        if self.company.cae_vat_on_debits and category != 'goods':
            result['debits'] = [{}]
        if capes := self._capes(date):
            result['cape'] = [{
                    'holder': cape.entrepreneur.party.name,
                    'term': (
                        lang.strftime(cape.end_date) if cape.end_date
                        else '–'),
                    } for cape in capes]
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
        if self.delivery_date and self.delivery_date != date:
            result['delivery_date'] = [
                {'delivery_date': lang.strftime(self.delivery_date)}]
        return result

    def _capes(self, date):
        "Return the CAPE in force at the date of the holders of the activities"
        pool = Pool()
        Activity = pool.get('cae.activity')
        Contract = pool.get('cae.contract')
        holders = Activity.holders_at(self.activities, date)
        entrepreneurs = {e for found in holders.values() for e, _ in found}
        contracts = Contract.at(sorted(e.id for e in entrepreneurs), date)
        return [
            c for found in contracts.values() for c in found
            if c.type.stage == 'cape']

    def mentions(self):
        """Return the mentions of the document, in the language of the context.

        Those of the law at its date, then those of its taxes.
        """
        if self.type != 'out':
            return []
        Mention = Pool().get('cae.mention')
        address = self.company.party.address_get()
        country = address.country if address else None
        texts = Mention.texts(
            country.code if country else None, self.printed_date, {
                'company': self.company.party.name,
                'seat': self.company.seat(),
                'number': self.company.siren(),
                }, self._mention_conditions())
        texts += [tax.legal_notice for tax in self.taxes if tax.legal_notice]
        return list(dict.fromkeys(texts))

    @property
    def _printed_lang(self):
        Lang = Pool().get('ir.lang')
        return self.party.lang or Lang.get()

    @without_check_access
    def printed(self):
        "Return what the printed document shows, in the customer's language"
        lang = self._printed_lang
        with Transaction().set_context(
                language=lang.code, company=self.company.id):
            return self.__class__(self.id)._printed(lang)

    def _printed(self, lang):
        brand = Pool().get('cae.activity').brand(self.activities)
        name = self.company.party.name

        def money(amount):
            return lang.currency(amount, self.currency, grouping=True)
        return SimpleNamespace(
            title=self._printed_title(),
            draft=self.state in {'draft', 'validated'},
            cancelled=self.state == 'cancelled',
            brand=(brand.brand_name or brand.name) if brand else name,
            of=name if brand else '',
            logo=brand if brand and brand.logo else None,
            identity=self.company.identity(),
            date=lang.strftime(self.printed_date),
            customer=self._printed_customer(),
            lines=[self._printed_line(line, lang) for line in self.lines],
            taxes=[SimpleNamespace(
                    name=name, base=money(base), amount=money(amount),
                    ) for name, (base, amount) in self._vat().items()],
            untaxed=money(self.untaxed_amount),
            tax=money(self.tax_amount),
            total=money(self.total_amount),
            paid=(
                money(self.total_amount - self.amount_to_pay)
                if self._printed_paid else None),
            remaining=money(self.amount_to_pay),
            due=[
                (lang.strftime(date), money(amount))
                for date, amount in self._printed_due()],
            payment_term=(
                self.payment_term.name
                if self.payment_term and not self.is_credit else ''),
            payment_reference=(
                self.customer_payment_reference
                if self.type == 'out' and self.total_amount > 0 else ''),
            bank_accounts=self._printed_bank_accounts(),
            mentions=self.mentions())

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
        "Return the lines of the name, address and numbers of the customer"
        lines = self.invoice_address.full_address.splitlines()
        if not lines or lines[0] != self.party.name:
            lines.insert(0, self.party.name)
        siren = siren_of(self.party)
        if siren:
            lines.append(f'SIREN {siren}')
        if identifier := self.party_tax_identifier:
            if identifier.type not in {'fr_siren', 'fr_siret'}:
                lines.append(gettext(
                        'cae_billing.msg_vat_number', number=identifier.code))
        return lines

    def _printed_line(self, line, lang):
        rate = line._vat_rate()
        quantity = ''
        if line.type == 'line':
            number = Decimal(str(line.quantity))
            quantity = lang.format_number(number, _digits(number))
            if line.unit:
                quantity += f' {line.unit.symbol}'
        text = line.description or (
            line.product.rec_name if line.product else '')
        return SimpleNamespace(
            type=line.type,
            text=text,
            quantity=quantity,
            price=(
                lang.currency(
                    line.unit_price, self.currency, grouping=True,
                    digits=max(_digits(line.unit_price), self.currency.digits))
                if line.type == 'line' else ''),
            rate=(
                '' if rate is None
                else lang.format_number(rate, _digits(rate)) + ' %'),
            amount=lang.currency(
                line.amount, self.currency, grouping=True))

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


def _digits(number):
    "Return how many digits of the number after the point count"
    return max(-number.normalize().as_tuple().exponent, 0)


class InvoiceLine(metaclass=PoolMeta):
    __name__ = 'account.invoice.line'

    def _vat_rate(self):
        "Return the rate of the taxes at their date in percents, or None"
        Tax = Pool().get('account.tax')
        rates = [
            values['amount'] * 100 for values in Tax.compute(
                self.taxes, Decimal(1), 1,
                self.taxes_date or self.invoice.tax_date)
            if values['tax'].type == 'percentage']
        return sum(rates) if rates else None


class InvoiceReport(metaclass=PoolMeta):
    __name__ = 'account.invoice'

    @classmethod
    def get_context(cls, records, header, data):
        Invoice = Pool().get('account.invoice')
        context = super().get_context(records, header, data)
        context['printed'] = Invoice(context['record'].id).printed()
        return context
