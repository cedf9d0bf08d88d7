# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What invoices and quotes have in common on paper."""
from decimal import Decimal
from types import SimpleNamespace

from trytond.model import Model
from trytond.pool import Pool
from trytond.transaction import Transaction, without_check_access

from .identity import siren_of

# What only a business has
BUSINESS_IDENTIFIERS = {'be_vat', 'eu_vat', 'fr_siren', 'fr_siret'}


class PrintedMixin(Model):
    """A document of sale with its mentions.

    It has company, party, invoice_address, currency, lines, line_lines and
    the three amounts; the model says its activities, its date, its title,
    its taxes and which lines are goods or services.
    """
    __slots__ = ()

    @property
    def printed_date(self):
        "The date of the document, today for a draft without date"
        Date = Pool().get('ir.date')
        with Transaction().set_context(company=self.company.id):
            return self._document_date or Date.today()

    @property
    def category(self):
        "Whether it is of 'goods', 'services' or 'mixed'"
        kinds = {
            'services' if not line.product or line.product.type == 'service'
            else 'goods'
            for line in self._category_lines}
        return 'mixed' if len(kinds) > 1 else ''.join(kinds) or 'services'

    @property
    def is_business(self):
        "Whether the customer is a business, by its identifiers"
        return any(
            i.type in BUSINESS_IDENTIFIERS for i in self.party.identifiers)

    def _mention_conditions(self):
        """Return {condition that the document meets: [its own values]}.

        The conditions are those of ``cae.mention``.
        """
        lang = self._printed_lang
        category = self.category
        result = {
            'always': [{}],
            'business' if self.is_business else 'individual': [{}],
            category: [{}],
            }
        if self.company.cae_vat_on_debits and category != 'goods':
            result['debits'] = [{}]
        if capes := self._capes(self.printed_date):
            result['cape'] = [{
                    'holder': cape.entrepreneur.party.name,
                    'term': (
                        lang.strftime(cape.end_date) if cape.end_date
                        else '–'),
                    } for cape in capes]
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
        return list(dict.fromkeys(text for _, text in self._mentions()))

    def _mentions(self):
        "Return (mention or None for the notice of a tax, text)"
        Mention = Pool().get('cae.mention')
        address = self.company.party.address_get()
        country = address.country if address else None
        found = Mention.texts(
            country.code if country else None, self.printed_date, {
                'company': self.company.party.name,
                'seat': self.company.seat(),
                'number': self.company.siren(),
                }, self._mention_conditions())
        found += [
            (None, notice) for notice in self._legal_notices() if notice]
        return found

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
            mentions=self.mentions())

    def _printed_customer(self):
        "Return the lines of the name, address and numbers of the customer"
        lines = []
        if self.invoice_address:
            lines = self.invoice_address.full_address.splitlines()
        if not lines or lines[0] != self.party.name:
            lines.insert(0, self.party.name)
        siren = siren_of(self.party)
        if siren:
            lines.append(f'SIREN {siren}')
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


class PrintedLineMixin(Model):
    "A line of a document of sale: it has taxes and the model says their date"
    __slots__ = ()

    def _vat_rate(self):
        "Return the rate of the taxes at their date in percents, or None"
        Tax = Pool().get('account.tax')
        rates = [
            values['amount'] * 100 for values in Tax.compute(
                self.taxes, Decimal(1), 1, self._vat_date)
            if values['tax'].type == 'percentage']
        return sum(rates) if rates else None


def _digits(number):
    "Return how many digits of the number after the point count"
    return max(-number.normalize().as_tuple().exponent, 0)
