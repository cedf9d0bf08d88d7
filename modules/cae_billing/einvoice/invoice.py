# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The electronic invoice, as the business terms (BT) of EN 16931."""
from collections import defaultdict
from decimal import Decimal

from trytond.i18n import gettext
from trytond.pool import Pool, PoolMeta
from trytond.transaction import Transaction, without_check_access

from ..exceptions import EInvoiceError
from .identity import legal_number, vat_number
from .report import factur_x_library

PROFILE = 'en16931'
# UN/ECE recommendation 20, by the symbol of the unit
UNITS = {
    'h': 'HUR', 'd': 'DAY', 'min': 'MIN', 'wk': 'WEE', 'mo': 'MON',
    'y': 'ANN', 'kg': 'KGM', 'g': 'GRM', 'l': 'LTR', 'm': 'MTR', 'km': 'KMT',
    'm²': 'MTK', 'm³': 'MTQ'}
PIECE = 'C62'
# The frame of the invoice in the French reform (BT-23), by its category
FRAMES = {'goods': 'B1', 'services': 'S1', 'mixed': 'M1'}


class Invoice(metaclass=PoolMeta):
    __name__ = 'account.invoice'

    @property
    def is_factur_x(self):
        """Whether it is printed with the electronic invoice inside.

        That of Tryton's own module, where it is active, comes first.
        """
        AccountConfiguration = Pool().get('account.configuration')
        return (
            self.type == 'out' and self.state in {'posted', 'paid'}
            and bool(self.company.cae_factur_x)
            and not hasattr(AccountConfiguration, 'default_factur_x_profile'))

    @without_check_access
    def factur_x(self):
        """Return the electronic invoice (CII, profile EN 16931) as bytes.

        Raises EInvoiceError when a part is missing or not well formed.
        """
        library = factur_x_library()
        lang = self._printed_lang
        with Transaction().set_context(
                language=lang.code, company=self.company.id):
            terms = self.__class__(self.id)._business_terms()
        try:
            return library.generate_xml(
                _written(terms), flavor='factur-x', level=PROFILE,
                check_xsd=True, check_schematron=None)
        except Exception as error:
            raise EInvoiceError(gettext(
                    'cae_billing.msg_einvoice_invalid',
                    invoice=self.rec_name, error=str(error))) from error

    @without_check_access
    def add_factur_x(self, pdf):
        "Return the PDF with the electronic invoice inside"
        library = factur_x_library()
        lang = self._printed_lang
        with Transaction().set_context(language=lang.code):
            title = self.__class__(self.id)._printed_title()
        return library.generate_from_binary(
            pdf, self.factur_x(), flavor='factur-x', level=PROFILE,
            check_xsd=False, check_schematron=False,
            lang=lang.code.replace('_', '-'),
            pdf_metadata={
                'author': self.company.party.name,
                'keywords': "Factur-X",
                'title': f'{self.company.party.name}: {title}',
                'subject': self.description or title,
                })

    def _business_terms(self):
        """Return {code of the term or group: value} of EN 16931.

        Amounts of a credit note are positive, as its type says.
        """
        sign = -1 if self.is_credit else 1
        french = 'FR' == self._country_of(self.company.party)
        terms = {
            'BT-1': self.number,
            'BT-2': self.invoice_date,
            'BT-3': self._type_code(),
            'BT-5': self.currency.code,
            'BT-13': self.reference or None,
            'BT-20': self.payment_term.name if self.payment_term else None,
            'BG-1': [
                {'BT-21': code, 'BT-22': text} if code else {'BT-22': text}
                for mention, text in self._mentions()
                for code in (
                    (mention.note_codes if mention else '') or '').split()
                or [None]],
            'BG-3': [
                {'BT-25': i.number, 'BT-26': i.invoice_date}
                for i in self.origin_invoices if i.number],
            'BG-4': self._seller(),
            'BG-7': self._party_terms(self.party, self.invoice_address),
            'BG-25': [
                line._business_terms(sign, number)
                for number, line in enumerate(self.line_lines, 1)],
            'BG-23': self._vat_terms(sign),
            'BT-72': self.delivery_date or self.invoice_date,
            'BT-106': sum(line.amount for line in self.line_lines) * sign,
            'BT-109': self.untaxed_amount * sign,
            'BT-110': self.tax_amount * sign,
            'BT-112': self.total_amount * sign,
            'BT-115': self.total_amount * sign,
            }
        if self.delivery_address:
            terms['BG-13'] = self._party_terms(
                self.party, self.delivery_address)
        if french:
            category = self.category
            terms['BT-23'] = FRAMES[category]
            # When the VAT is due: at the payment of services, unless they
            # opted for debits
            if category == 'goods':
                terms['BT-8'] = 'delivery'
            elif self.company.cae_vat_on_debits:
                terms['BT-8'] = 'invoice'
            else:
                terms['BT-8'] = 'payment'
        due = [date for date, _ in self._printed_due()]
        if due:
            terms['BT-9'] = max(due)
        elif not self.is_credit:
            terms['BT-9'] = self.invoice_date
        if numbers := self._ibans():
            terms.update({
                    # A transfer, of SEPA within it
                    'BT-81': '58' if self.currency.code == 'EUR' else '30',
                    'BT-84': numbers[0],
                    'BT-83': self.customer_payment_reference or self.number})
        return {k: v for k, v in terms.items() if v not in (None, [], '')}

    def _type_code(self):
        "UNTDID 1001: credit note, prepayment or invoice"
        if self.is_credit:
            return '381'
        if all(getattr(line.account.type, 'customer_deposit', False)
                for line in self.line_lines):
            return '386'
        return '380'

    def _ibans(self):
        "Return the IBANs to pay on, when the module bank is active"
        return [
            number.compact_iban
            for account in getattr(self.company.party, 'bank_accounts', [])
            for number in account.numbers if number.type == 'iban']

    def _country_of(self, party, address=None):
        "Return the code of the country of the party, that of the company else"
        address = address or party.address_get()
        if not (address and address.country):
            address = self.company.party.address_get()
        if not (address and address.country):
            raise EInvoiceError(gettext(
                    'cae_billing.msg_einvoice_country',
                    company=self.company.rec_name))
        return address.country.code

    def _seller(self):
        party = self.company.party
        terms = self._party_terms(party, party.address_get())
        brand = Pool().get('cae.activity').brand(self.activities)
        if brand:
            terms['biz_name'] = brand.brand_name or brand.name
        terms['legal_info'] = ' – '.join(self.company.identity())
        return terms

    def _party_terms(self, party, address):
        number, scheme = legal_number(party)
        terms = {
            'name': party.name,
            'vat_identifier': vat_number(party),
            'legal_identifier': number,
            'legal_identifier_schemeid': scheme,
            'einvoicing_addr': number,
            # The French directory and the Belgian enterprise number
            'einvoicing_addr_schemeid': (
                '0225' if scheme == '0002' else scheme),
            'country_code': self._country_of(party, address),
            }
        if address:
            street = (address.street or '').splitlines()
            terms.update({
                    'city': address.city, 'postcode': address.postal_code,
                    'addr_l1': ', '.join(street[:1]),
                    'addr_l2': ', '.join(street[1:2]),
                    'addr_l3': ', '.join(street[2:])})
        return {k: v for k, v in terms.items() if v}

    def _vat_terms(self, sign):
        bases, keys = defaultdict(Decimal), {}
        for line in self.line_lines:
            category, rate, taxes = line._vat_term()
            bases[category, rate] += line.amount
            keys.update(dict.fromkeys(taxes, (category, rate)))
        amounts, reasons = defaultdict(Decimal), {}
        for tax in self.taxes:
            key = keys.get(tax.tax)
            amounts[key] += tax.amount
            if tax.legal_notice:
                reasons[key] = tax.legal_notice
        result = []
        for (category, rate), base in bases.items():
            term = {
                'BT-116': base * sign,
                'BT-117': amounts[category, rate] * sign,
                'BT-118': category,
                }
            if category != 'O':
                term['BT-119'] = rate
            if category not in {'S', 'Z'}:
                term['BT-120'] = reasons.get((category, rate)) or gettext(
                    'cae_billing.msg_einvoice_exempt')
            result.append(term)
        return result


def _written(value):
    "Return the terms with numbers as they are written, never as floats"
    if isinstance(value, Decimal):
        return f'{value:f}'
    elif isinstance(value, dict):
        return {k: _written(v) for k, v in value.items()}
    elif isinstance(value, list):
        return [_written(v) for v in value]
    return value


class InvoiceLine(metaclass=PoolMeta):
    __name__ = 'account.invoice.line'

    def _vat_term(self):
        "Return the category, the rate in percents and the taxes of the line"
        Tax = Pool().get('account.tax')
        found = [
            v['tax'] for v in Tax.compute(
                self.taxes, Decimal(1), 1,
                self.taxes_date or self.invoice.tax_date)
            if v['tax'].type == 'percentage']
        rate = sum((tax.rate for tax in found), Decimal(0)) * 100
        categories = {t.vat_category for t in found if t.vat_category}
        if len(categories) == 1:
            category, = categories
        else:
            category = 'S' if rate else 'E'
        return category, rate, found

    def _business_terms(self, sign, number):
        category, rate, _ = self._vat_term()
        # The price of a line is never negative, its quantity may be
        turn = sign if self.unit_price >= 0 else -sign
        text = (
            self.description
            or (self.product.name if self.product else '')
            or self.account.name).splitlines()
        terms = {
            'BT-126': str(number),
            'BT-129': Decimal(f'{self.quantity:.12g}') * turn,
            'BT-130': UNITS.get(
                self.unit.symbol, PIECE) if self.unit else PIECE,
            'BT-131': self.amount * sign,
            'BT-146': abs(self.unit_price),
            'BT-151': category,
            'BT-153': text[0],
            'BT-154': '\n'.join(text[1:]),
            'BT-155': self.product.code if self.product else None,
            }
        if category != 'O':
            terms['BT-152'] = rate
        return {k: v for k, v in terms.items() if v not in (None, '')}
