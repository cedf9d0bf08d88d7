# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Reading electronic invoices, free of any database.

The two syntaxes of EN 16931, CII (also inside a Factur-X PDF) and UBL. Terms
are named by the business terms of the standard (BT).
"""
import datetime as dt
import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from lxml import etree

NAMESPACES = {
    'rsm': 'urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100',
    'ram': 'urn:un:unece:uncefact:data:standard:'
    'ReusableAggregateBusinessInformationEntity:100',
    'udt': 'urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100',
    'cac': 'urn:oasis:names:specification:ubl:schema:xsd:'
    'CommonAggregateComponents-2',
    'cbc': 'urn:oasis:names:specification:ubl:schema:xsd:'
    'CommonBasicComponents-2',
    }
CII = '{%(rsm)s}CrossIndustryInvoice' % NAMESPACES
UBL = {
    '{urn:oasis:names:specification:ubl:schema:xsd:Invoice-2}Invoice',
    '{urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2}CreditNote',
    }
# The type codes that give back (UNTDID 1001)
CREDIT_NOTES = {'81', '83', '261', '262', '296', '308', '381', '396', '420',
    '458', '532'}
LARGEST = Decimal(10) ** 12


@dataclass(frozen=True)
class Party:
    """A seller or a buyer: ``numbers`` are its VAT and legal numbers."""
    name: str
    numbers: tuple = ()
    address: str = ''


@dataclass(frozen=True)
class Line:
    "A line; the rate of the VAT is in percents, None when it has none"
    name: str
    quantity: Decimal
    price: Decimal
    amount: Decimal
    rate: Decimal = None


@dataclass(frozen=True)
class Document:
    """An invoice as it was sent; amounts are positive on a credit note."""
    number: str
    date: dt.date
    currency: str
    credit: bool
    seller: Party
    buyer: Party
    untaxed: Decimal
    total: Decimal
    due_date: dt.date = None
    # Where the buyer may have said which activity it is for, the surest first
    references: tuple = ()
    lines: list = field(default_factory=list)
    # What applies to the whole: (reason, amount, rate), negative for allowance
    charges: list = field(default_factory=list)


def read(data):
    """Return the document of an XML file.

    Raises ValueError when it is no invoice of EN 16931 or lacks a part.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False,
        huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise ValueError(f"no XML: {error}") from error
    if root.getroottree().docinfo.doctype:
        # No invoice has one, and it could name files of the server
        raise ValueError("a document type declaration")
    if root.tag == CII:
        return _read_cii(root)
    elif root.tag in UBL:
        return _read_ubl(root)
    raise ValueError(f"unknown root {root.tag}")


def _text(node, path):
    found = node.xpath(path, namespaces=NAMESPACES)
    if not found:
        return ''
    value = found[0]
    text = value if isinstance(value, str) else value.text
    return ' '.join((text or '').split())


def _need(node, path):
    value = _text(node, path)
    if not value:
        raise ValueError(f"nothing at {path}")
    return value


def _number(text, path):
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"no number at {path}: {text}") from None
    if not value.is_finite() or abs(value) >= LARGEST:
        raise ValueError(f"no amount at {path}: {text}")
    return value


def _amount(node, path, default=None):
    text = _text(node, path)
    if not text and default is not None:
        return default
    return _number(text or _need(node, path), path)


def _date(text):
    if not text:
        return None
    try:
        return dt.datetime.strptime(
            text[:10].replace('-', ''), '%Y%m%d').date()
    except ValueError:
        raise ValueError(f"no date: {text}") from None


def _references(node, *paths):
    return tuple(filter(None, (_text(node, path) for path in paths)))


def _read_cii(root):
    header = root.find('rsm:ExchangedDocument', NAMESPACES)
    trade = root.find('rsm:SupplyChainTradeTransaction', NAMESPACES)
    if header is None or trade is None:
        raise ValueError("cut short")
    agreement = 'ram:ApplicableHeaderTradeAgreement/'
    settlement = 'ram:ApplicableHeaderTradeSettlement/'
    sums = (
        settlement
        + 'ram:SpecifiedTradeSettlementHeaderMonetarySummation/')
    lines = []
    for line in trade.findall(
            'ram:IncludedSupplyChainTradeLineItem', NAMESPACES):
        rate = _text(
            line, 'ram:SpecifiedLineTradeSettlement/ram:ApplicableTradeTax/'
            'ram:RateApplicablePercent')
        price = 'ram:SpecifiedLineTradeAgreement/' \
            'ram:NetPriceProductTradePrice/'
        lines.append(Line(
                _text(line, 'ram:SpecifiedTradeProduct/ram:Name'),
                _amount(
                    line,
                    'ram:SpecifiedLineTradeDelivery/ram:BilledQuantity'),
                _amount(line, price + 'ram:ChargeAmount')
                / (_amount(line, price + 'ram:BasisQuantity', Decimal(1))
                    or 1),
                _amount(
                    line, 'ram:SpecifiedLineTradeSettlement/'
                    'ram:SpecifiedTradeSettlementLineMonetarySummation/'
                    'ram:LineTotalAmount'),
                _number(rate, 'rate') if rate else None))
    charges = []
    for charge in trade.findall(
            settlement + 'ram:SpecifiedTradeAllowanceCharge', NAMESPACES):
        rate = _text(charge, 'ram:CategoryTradeTax/ram:RateApplicablePercent')
        added = _text(charge, 'ram:ChargeIndicator/udt:Indicator') == 'true'
        amount = _amount(charge, 'ram:ActualAmount')
        charges.append((
                _text(charge, 'ram:Reason'), amount if added else -amount,
                _number(rate, 'rate') if rate else None))
    return Document(
        number=_need(header, 'ram:ID'),
        date=_date(_need(header, 'ram:IssueDateTime/udt:DateTimeString')),
        currency=_need(trade, settlement + 'ram:InvoiceCurrencyCode'),
        credit=_text(header, 'ram:TypeCode') in CREDIT_NOTES,
        seller=_cii_party(trade, agreement + 'ram:SellerTradeParty'),
        buyer=_cii_party(trade, agreement + 'ram:BuyerTradeParty'),
        untaxed=_amount(trade, sums + 'ram:TaxBasisTotalAmount'),
        total=_amount(trade, sums + 'ram:GrandTotalAmount'),
        due_date=_date(_text(
                trade, settlement + 'ram:SpecifiedTradePaymentTerms/'
                'ram:DueDateDateTime/udt:DateTimeString')),
        references=_references(
            trade,
            settlement
            + 'ram:ReceivableSpecifiedTradeAccountingAccount/ram:ID',
            agreement + 'ram:BuyerReference',
            agreement + 'ram:BuyerOrderReferencedDocument/'
            'ram:IssuerAssignedID'),
        lines=lines, charges=charges)


def _cii_party(trade, path):
    numbers = trade.xpath(
        f'{path}/ram:SpecifiedTaxRegistration/ram:ID/text()'
        f'|{path}/ram:SpecifiedLegalOrganization/ram:ID/text()'
        f'|{path}/ram:GlobalID/text()', namespaces=NAMESPACES)
    return Party(
        _text(trade, f'{path}/ram:Name'), tuple(map(compact, numbers)),
        _text(trade, f'{path}/ram:URIUniversalCommunication/ram:URIID'))


def _read_ubl(root):
    credit = root.tag.endswith('}CreditNote')
    kind = 'CreditNote' if credit else 'Invoice'
    code = _text(root, f'cbc:{kind}TypeCode')
    lines = []
    for line in root.findall(f'cac:{kind}Line', NAMESPACES):
        quantity = 'Credited' if credit else 'Invoiced'
        rate = _text(
            line, 'cac:Item/cac:ClassifiedTaxCategory/cbc:Percent')
        lines.append(Line(
                _text(line, 'cac:Item/cbc:Name'),
                _amount(line, f'cbc:{quantity}Quantity'),
                _amount(line, 'cac:Price/cbc:PriceAmount')
                / (_amount(line, 'cac:Price/cbc:BaseQuantity', Decimal(1))
                    or 1),
                _amount(line, 'cbc:LineExtensionAmount'),
                _number(rate, 'rate') if rate else None))
    charges = []
    for charge in root.findall('cac:AllowanceCharge', NAMESPACES):
        rate = _text(charge, 'cac:TaxCategory/cbc:Percent')
        amount = _amount(charge, 'cbc:Amount')
        added = _text(charge, 'cbc:ChargeIndicator') == 'true'
        charges.append((
                _text(charge, 'cbc:AllowanceChargeReason'),
                amount if added else -amount,
                _number(rate, 'rate') if rate else None))
    return Document(
        number=_need(root, 'cbc:ID'),
        date=_date(_need(root, 'cbc:IssueDate')),
        currency=_need(root, 'cbc:DocumentCurrencyCode'),
        credit=credit or code in CREDIT_NOTES,
        seller=_ubl_party(root, 'cac:AccountingSupplierParty/cac:Party'),
        buyer=_ubl_party(root, 'cac:AccountingCustomerParty/cac:Party'),
        untaxed=_amount(
            root, 'cac:LegalMonetaryTotal/cbc:TaxExclusiveAmount'),
        total=_amount(
            root, 'cac:LegalMonetaryTotal/cbc:TaxInclusiveAmount'),
        due_date=_date(
            _text(root, 'cbc:DueDate')
            or _text(root, 'cac:PaymentMeans/cbc:PaymentDueDate')),
        references=_references(
            root, 'cbc:AccountingCost', 'cbc:BuyerReference',
            'cac:OrderReference/cbc:ID'),
        lines=lines, charges=charges)


def _ubl_party(root, path):
    numbers = root.xpath(
        f'{path}/cac:PartyTaxScheme/cbc:CompanyID/text()'
        f'|{path}/cac:PartyLegalEntity/cbc:CompanyID/text()'
        f'|{path}/cac:PartyIdentification/cbc:ID/text()',
        namespaces=NAMESPACES)
    return Party(
        _text(root, f'{path}/cac:PartyLegalEntity/cbc:RegistrationName')
        or _text(root, f'{path}/cac:PartyName/cbc:Name'),
        tuple(map(compact, numbers)), _text(root, f'{path}/cbc:EndpointID'))


def compact(number):
    "Return the number without what only makes it readable"
    return re.sub(r'[^0-9A-Za-z]', '', number).upper()


def route(document, names):
    """Return the activity that the document is for, or None.

    ``names`` is {code or alias: activity}. The electronic address of the
    buyer is looked at first, then its accounting, own and order references;
    the first that names activities decides, unless it names several.
    """
    names = {name.casefold(): activity for name, activity in names.items()}
    for text in (document.buyer.address, *document.references):
        text = text.casefold()
        words = {text, *re.split(r'[\s,;:/|_+@]+', text)}
        found = {names[word] for word in words if word in names}
        if found:
            return found.pop() if len(found) == 1 else None
    return None
