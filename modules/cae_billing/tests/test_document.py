# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Reading electronic invoices, and finding the activity they are for."""
import datetime as dt
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trytond.modules.cae_billing.einvoice.document import (
    Document, Party, compact, read, route)

pytestmark = pytest.mark.pure

UBL = """<?xml version="1.0" encoding="UTF-8"?>
<{kind} xmlns="urn:oasis:names:specification:ubl:schema:xsd:{kind}-2"
    xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:\
CommonAggregateComponents-2"
    xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:\
CommonBasicComponents-2">
  <cbc:ID>{number}</cbc:ID>
  <cbc:IssueDate>2025-03-10</cbc:IssueDate>
  <cbc:DueDate>2025-04-09</cbc:DueDate>
  <cbc:{kind}TypeCode>380</cbc:{kind}TypeCode>
  <cbc:DocumentCurrencyCode>{currency}</cbc:DocumentCurrencyCode>
  <cbc:BuyerReference>{reference}</cbc:BuyerReference>
  <cac:OrderReference><cbc:ID>{order}</cbc:ID></cac:OrderReference>
  <cac:AccountingSupplierParty><cac:Party>
    <cac:PartyTaxScheme><cbc:CompanyID>{seller}</cbc:CompanyID>
    </cac:PartyTaxScheme>
    <cac:PartyLegalEntity><cbc:RegistrationName>Seller &amp; Sons\
</cbc:RegistrationName></cac:PartyLegalEntity>
  </cac:Party></cac:AccountingSupplierParty>
  <cac:AccountingCustomerParty><cac:Party>
    <cbc:EndpointID schemeID="0225">{endpoint}</cbc:EndpointID>
    <cac:PartyLegalEntity>
      <cbc:RegistrationName>Buyer</cbc:RegistrationName>
      <cbc:CompanyID>{buyer}</cbc:CompanyID>
    </cac:PartyLegalEntity>
  </cac:Party></cac:AccountingCustomerParty>
  <cac:AllowanceCharge>
    <cbc:ChargeIndicator>false</cbc:ChargeIndicator>
    <cbc:AllowanceChargeReason>Discount</cbc:AllowanceChargeReason>
    <cbc:Amount>10.00</cbc:Amount>
    <cac:TaxCategory><cbc:Percent>20</cbc:Percent></cac:TaxCategory>
  </cac:AllowanceCharge>
  <cac:LegalMonetaryTotal>
    <cbc:TaxExclusiveAmount>90.00</cbc:TaxExclusiveAmount>
    <cbc:TaxInclusiveAmount>{total}</cbc:TaxInclusiveAmount>
  </cac:LegalMonetaryTotal>
  <cac:{kind}Line>
    <cbc:{word}Quantity unitCode="C62">4</cbc:{word}Quantity>
    <cbc:LineExtensionAmount>100.00</cbc:LineExtensionAmount>
    <cac:Item><cbc:Name>Paper</cbc:Name>
      <cac:ClassifiedTaxCategory><cbc:Percent>{rate}</cbc:Percent>
      </cac:ClassifiedTaxCategory></cac:Item>
    <cac:Price><cbc:PriceAmount>25.00</cbc:PriceAmount></cac:Price>
  </cac:{kind}Line>
</{kind}>
"""


def ubl(credit=False, **values):
    "Return an invoice in UBL as bytes"
    return UBL.format(**{
            'kind': 'CreditNote' if credit else 'Invoice',
            'word': 'Credited' if credit else 'Invoiced',
            'number': 'F1', 'currency': 'EUR', 'reference': '', 'order': '',
            'seller': 'FR40303265045', 'buyer': '552008443', 'endpoint': '',
            'total': '108.00', 'rate': '20', **values}).encode()


def test_read_ubl():
    document = read(ubl(reference=' A1 ', endpoint='552008443_a2'))
    assert document.number == 'F1'
    assert document.date == dt.date(2025, 3, 10)
    assert document.due_date == dt.date(2025, 4, 9)
    assert document.seller == Party("Seller & Sons", ('FR40303265045',))
    assert document.buyer.address == '552008443_a2'
    assert document.references == ('A1',)
    assert (document.untaxed, document.total) == (90, 108)
    line, = document.lines
    assert (line.name, line.quantity, line.price, line.amount, line.rate) == (
        "Paper", 4, 25, 100, 20)
    assert document.charges == [("Discount", D(-10), D(20))]
    assert not document.credit
    assert read(ubl(credit=True)).credit


@pytest.mark.parametrize('data', [
        b'', b'%PDF', b'<a/>', ubl()[:-200], ubl(total='1e400'),
        ubl(total='NaN'), ubl(total='-Infinity'), ubl(total='x'),
        ubl(number=''),
        ubl().replace(b'2025-03-10', b'2025-13-10'),
        ubl().replace(b'<Invoice', b'<!DOCTYPE a [<!ENTITY b SYSTEM '
            b'"file:///etc/passwd">]><Invoice', 1).replace(
            b'F1', b'&b;'),
        ])
def test_read_refused(data):
    with pytest.raises(ValueError):
        read(data)


def document(address='', *references):
    return Document(
        'F1', dt.date(2025, 1, 1), 'EUR', False, Party("S"),
        Party("B", (), address), D(0), D(0), references=references)


NAMES = {'A1': 1, 'A2': 2, 'atelier': 1}


@pytest.mark.parametrize('texts,expected', [
        ([''], None),
        (['552008443_A1'], 1),
        (['552008443_a2', 'A1'], 2),
        (['552008443', 'A1'], 1),
        (['', 'Atelier@coop.example'], 1),
        (['', 'factures+a2@coop.example'], 2),
        (['', 'PO 7', 'order A2/7'], 2),
        # The code inside a word is another word
        (['', 'A10', 'A12'], None),
        (['', 'A1 A2', 'A1'], None),
        (['', 'A1, atelier'], 1),
        ])
def test_route(texts, expected):
    assert route(document(*texts), NAMES) == expected


@given(st.lists(st.text(max_size=30), max_size=4))
def test_route_known(texts):
    "Only a name that stands there decides"
    found = route(document('', *texts), NAMES)
    assert found is None or any(
        name.casefold() in text.casefold()
        for text in texts for name, n in NAMES.items() if n == found)


@given(st.binary(max_size=200))
def test_read_any(data):
    with pytest.raises(ValueError):
        read(data)


def test_compact():
    assert compact('fr 40.303-265 045') == 'FR40303265045'
