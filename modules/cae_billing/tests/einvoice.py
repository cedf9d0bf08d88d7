# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Electronic invoices: made, sent as the law wants, and received."""
import datetime as dt
import io
from decimal import Decimal as D
from unittest.mock import patch

import facturx
from lxml import etree
from pypdf import PdfWriter

from trytond.model.exceptions import (
    AccessButtonError, AccessError, SQLConstraintError)
from trytond.modules.cae_billing.einvoice import report
from trytond.modules.cae_billing.einvoice.document import NAMESPACES, read
from trytond.modules.cae_billing.exceptions import (
    EInvoiceError, IncomingError, SendingError)
from trytond.modules.cae_members.tests.server import (
    clear_cache, create_fiscalyear, undone, with_transaction)
from trytond.modules.cae_members.tests.test_module import create_user, set_user
from trytond.pool import Pool
from trytond.transaction import Transaction

from .test_document import ubl
from .tools import YEAR, Cooperative

MARCH = dt.date(YEAR, 3, 10)
TAX = 'tva_vente_services_taux_normal'
PURCHASE_TAX = 'tva_achat_biens_taux_normal'


def identify(party, **codes):
    Pool().get('party.identifier').create([
            {'party': party.id, 'type': type_, 'code': code}
            for type_, code in codes.items()])
    clear_cache()


class EInvoiceMixin:

    def french(self, c):
        "Make the cooperative and its customer French businesses in euro"
        Country = Pool().get('country.country')
        c.company.currency.code = 'EUR'
        c.company.currency.save()
        identify(c.company.party, fr_siren='552008443', eu_vat='FR19552008443')
        customer = c.party("Customer")
        identify(customer, fr_siren='820043784', eu_vat='FR01820043784')
        country, = Country.search([('code', '=', 'FR')])
        address, = customer.addresses
        address.street_unstructured = "3 rue des Lilas\nBâtiment B"
        address.postal_code, address.city = '59800', "Lille"
        address.country = country
        address.save()
        clear_cache()
        return customer

    def find(self, invoice, path):
        "Return the texts at the path of the electronic invoice"
        clear_cache()
        root = etree.fromstring(
            Pool().get('account.invoice')(invoice.id).factur_x())
        return [
            ' '.join(node.itertext()).strip() if not isinstance(node, str)
            else node for node in root.xpath(path, namespaces=NAMESPACES)]

    @with_transaction()
    def test_factur_x(self):
        "The electronic invoice says what the printed one does"
        pool = Pool()
        Address = pool.get('party.address')
        with Cooperative.enter() as c:
            customer = self.french(c)
            address, = Address.create([{
                        'party': customer.id, 'city': "Roubaix"}])
            invoice = c.invoice(
                MARCH, ('A3', '1000', '706', [TAX]),
                ('A3', '-100', '706', [TAX]), ('A3', '50', '706', []),
                activity='A3', reference="PO 7",
                delivery_address=address.id,
                delivery_date=dt.date(YEAR, 3, 1))
            trade = '//ram:ApplicableHeaderTrade'
            for path, expected in [
                    ('//rsm:ExchangedDocument/ram:ID', [invoice.number]),
                    ('//rsm:ExchangedDocument/ram:TypeCode', ['380']),
                    # The four mentions of the reform
                    (f'{trade}Agreement/ram:BuyerTradeParty/'
                        'ram:SpecifiedLegalOrganization/ram:ID[@schemeID='
                        '"0002"]', ['820043784']),
                    (f'{trade}Delivery/ram:ShipToTradeParty/'
                        'ram:PostalTradeAddress/ram:CityName', ["Roubaix"]),
                    ('//ram:BusinessProcessSpecifiedDocumentContextParameter'
                        '/ram:ID', ['S1']),
                    ('//ram:DueDateTypeCode', ['72', '72']),
                    (f'{trade}Agreement/ram:SellerTradeParty/'
                        'ram:SpecifiedTaxRegistration/ram:ID',
                        ['FR19552008443']),
                    (f'{trade}Settlement/ram:ApplicableTradeTax/'
                        'ram:CategoryCode', ['S', 'E']),
                    (f'{trade}Settlement/ram:ApplicableTradeTax/'
                        'ram:CalculatedAmount', ['180.00', '0']),
                    ('//ram:GrandTotalAmount', ['1130.00']),
                    ('//ram:BilledQuantity', ['1', '-1', '1']),
                    ('//ram:BuyerOrderReferencedDocument/'
                        'ram:IssuerAssignedID', ["PO 7"]),
                    ('//ram:IncludedNote/ram:SubjectCode',
                        ['PMD', 'PMT', 'AAB']),
                    ]:
                with self.subTest(path=path):
                    self.assertEqual(self.find(invoice, path), expected)
            self.assertIn(
                "Entrepreneur A3",
                ' '.join(self.find(invoice, '//ram:IncludedNote')))
            c.company.cae_vat_on_debits = True
            c.company.save()
            self.assertEqual(
                self.find(invoice, '//ram:DueDateTypeCode'), ['5', '5'])
            # It can be read again
            found = read(pool.get('account.invoice')(invoice.id).factur_x())
            self.assertEqual(
                (found.number, found.date, found.total, found.untaxed),
                (invoice.number, MARCH, 1130, 950))
            self.assertEqual(
                [(x.quantity, x.price, x.amount) for x in found.lines],
                [(1, 1000, 1000), (-1, 100, -100), (1, 50, 50)])
            self.assertIn('FR19552008443', found.seller.numbers)

    @with_transaction()
    def test_factur_x_credit(self):
        "A credit note names its invoice and gives positive amounts"
        pool = Pool()
        Invoice = pool.get('account.invoice')
        with Cooperative.enter() as c:
            self.french(c)
            invoice = c.sale(MARCH, 'A1', 100)
            credit, = Invoice.credit([invoice])
            credit.invoice_date = MARCH
            credit.save()
            Invoice.post([credit])
            for path, expected in [
                    ('//rsm:ExchangedDocument/ram:TypeCode', ['381']),
                    ('//ram:GrandTotalAmount', ['120.00']),
                    ('//ram:InvoiceReferencedDocument/ram:IssuerAssignedID',
                        [invoice.number]),
                    ('//ram:BilledQuantity', ['1']),
                    ]:
                with self.subTest(path=path):
                    self.assertEqual(self.find(credit, path), expected)

    @with_transaction()
    def test_factur_x_printed(self):
        "A posted invoice is printed with the electronic one inside"
        pool = Pool()
        Invoice = pool.get('account.invoice')
        Report = pool.get('account.invoice', type='report')
        pdf = io.BytesIO()
        writer = PdfWriter()
        writer.add_blank_page(100, 100)
        writer.write(pdf)
        with Cooperative.enter() as c, patch.object(
                report, 'pdf_a', return_value=pdf.getvalue()) as convert:
            self.french(c)
            invoice = c.sale(MARCH, 'A1', 100)
            clear_cache()
            self.assertEqual(
                Report.execute([invoice.id], {})[0], 'odt')
            convert.assert_not_called()
            with patch.object(
                    report.importlib.util, 'find_spec', return_value=None), \
                    self.assertRaisesRegex(
                        EInvoiceError, r'trytond_cae\[einvoice\]'):
                c.company.cae_factur_x = True
                c.company.save()
            c.company.cae_factur_x = True
            c.company.save()
            draft = c.draft(MARCH, ('A1', 10, '706', [TAX]))
            clear_cache()
            self.assertEqual(Report.execute([draft.id], {})[0], 'odt')
            invoice = c.sale(MARCH, 'A1', 100)
            clear_cache()
            extension, data, _, _ = Report.execute([invoice.id], {})
            self.assertEqual(extension, 'pdf')
            _, xml = facturx.get_facturx_xml_from_pdf(data, check_xsd=True)
            self.assertEqual(read(xml).number, invoice.number)
            clear_cache()
            # It is kept
            self.assertEqual(
                bytes(Invoice(invoice.id).invoice_report_cache), data)
            # Without country there is none
            c.company.party.addresses[0].country = None
            c.company.party.addresses[0].save()
            clear_cache()
            with self.assertRaisesRegex(EInvoiceError, 'country'):
                Invoice(invoice.id).factur_x()

    @with_transaction()
    def test_sending_belgium(self):
        "An invoice between Belgian businesses goes by Peppol"
        pool = Pool()
        Invoice = pool.get('account.invoice')
        april = dt.date(2026, 4, 10)
        with Cooperative.enter() as c:
            identify(c.company.party, be_vat='0403019261')
            identify(c.party("Customer"), be_vat='0428759497')
            create_fiscalyear(c.company, 2026)
            before = c.sale(dt.date(YEAR, 12, 31), 'A1', 10)
            business = c.sale(april, 'A1', 10)
            private = c.sale(april, 'A1', 10, party="Other Customer")
            draft = c.draft(april, ('A1', 10, '706', []))
            clear_cache()
            self.assertEqual([
                    Invoice(i.id).sending
                    for i in [before, business, private, draft]],
                ['to_send', 'non_compliant', 'to_send', None])
            for invoice, channel, reference, text in [
                    (business, 'mail', None, 'Peppol .*6 février 2024'),
                    (business, 'platform', "1", 'Peppol .*6 février 2024'),
                    (business, 'peppol', None, 'transmitted'),
                    (business, 'peppol', " ", 'transmitted'),
                    (draft, 'mail', None, 'post it'),
                    ]:
                with self.subTest(channel=channel), \
                        self.assertRaisesRegex(SendingError, text):
                    # What could be sent with it is not
                    Invoice.mark_sent(
                        [Invoice(before.id), Invoice(invoice.id)],
                        channel, april, reference)
            with self.assertRaisesRegex(SendingError, 'before its date'):
                Invoice.mark_sent(
                    [before], 'mail', dt.date(YEAR, 12, 30))
            Invoice.mark_sent([before, private], 'mail', april)
            Invoice.mark_sent([business], 'peppol', april, "T-1")
            clear_cache()
            business = Invoice(business.id)
            self.assertEqual(
                (business.sending, business.sent_reference), ('sent', "T-1"))
            with self.assertRaisesRegex(SendingError, 'already'):
                Invoice.mark_sent([business], 'peppol', april, "T-2")
            copy, = Invoice.copy([business])
            self.assertFalse(copy.sent_date)

    @with_transaction()
    def test_sending_rights(self):
        "Who may see an invoice notes that it was sent, by the button only"
        pool = Pool()
        Invoice = pool.get('account.invoice')
        Rule = pool.get('cae.sending.rule')
        Send = pool.get('cae.invoice.send', type='wizard')

        def send(invoice):
            with Transaction().set_context(
                    active_model='account.invoice', active_id=invoice.id,
                    active_ids=[invoice.id]):
                session, start, _ = Send.create()
                Send.execute(session, {}, start)
                Send.execute(session, {'start': {
                            'date': MARCH, 'channel': 'mail'}}, 'send')
        with Cooperative.enter() as c:
            mine = c.sale(MARCH, 'A2', 10, activity='A2')
            other = c.sale(MARCH, 'A1', 10, activity='A1')
            both = c.invoice(
                MARCH, ('A1', 10, '706', []), ('A2', 10, '706', []),
                activity='A2')
            entrepreneur, = c.search('cae.entrepreneur', ('code', '=', 'A2'))
            user = create_user(
                'sender', c.company, 'cae_members.group_entrepreneur')
            entrepreneur.user = user
            entrepreneur.save()
            advisor = create_user(
                'advisor', c.company, 'cae_members.group_advisor')
            clear_cache()
            with set_user(advisor), self.assertRaises(
                    (AccessError, AccessButtonError)):
                Invoice.send([Invoice(mine.id)])
            with set_user(user):
                Invoice.send([Invoice(mine.id)])
                for invoice in [other, both]:
                    with undone(), self.assertRaises(AccessError):
                        send(invoice)
                for values in [
                        {'sent_date': MARCH}, {'sent_channel': 'mail'}]:
                    with undone(), self.assertRaises(AccessError):
                        Invoice.write([Invoice(mine.id)], values)
                with undone(), self.assertRaises(AccessError):
                    Rule.create([{}])
                send(mine)
            clear_cache()
            self.assertEqual(Invoice(mine.id).sent_channel, 'mail')
            self.assertFalse(Invoice(other.id).sent_date)
            accountant = create_user(
                'accountant', c.company, 'account.group_account')
            with set_user(accountant):
                with undone(), self.assertRaises(AccessError):
                    Invoice.write([Invoice(mine.id)], {'sent_date': None})
                send(other)

    def receive(self, c):
        "Let the cooperative take the invoices of its supplier"
        Configuration = Pool().get('account.configuration')
        c.company.currency.code = 'EUR'
        c.company.currency.save()
        identify(c.company.party, fr_siren='552008443')
        identify(c.party("Supplier"), eu_vat='FR40303265045')
        account = c.account('6064')
        account.taxes = [c.tax(PURCHASE_TAX)]
        account.save()
        config = Configuration(1)
        config.default_category_account_expense = account
        config.save()
        clear_cache()

    @with_transaction()
    def test_incoming(self):
        "The draft of the supplier is of the activity that it names"
        pool = Pool()
        Activity = pool.get('cae.activity')
        Incoming = pool.get('cae.incoming')
        with Cooperative.enter() as c:
            self.receive(c)
            Activity.write(
                [c.activity('A2')], {'incoming_alias': "atelier"})
            for number, values, code, total, attention in [
                    ('F1', {'reference': "A1"}, 'A1', 108, False),
                    ('F2', {'reference': "Atelier@coop.example"}, 'A2', 108,
                        False),
                    ('F3', {'order': "A3/7", 'credit': True}, 'A3', -108,
                        False),
                    ('F4', {'endpoint': "552008443_A2", 'reference': "A1"},
                        'A2', 108, False),
                    ('F5', {}, 'X', 108, True),
                    ('F6', {'reference': "A1 or A2"}, 'X', 108, True),
                    # A rate without tax leaves a difference
                    ('F7', {'reference': "A1", 'rate': '10'}, 'A1', 88,
                        True),
                    ]:
                with self.subTest(number=number):
                    record = Incoming.take(
                        c.company, ubl(number=number, **values), "f.xml")
                    clear_cache()
                    record = Incoming(record.id)
                    invoice = record.invoice
                    self.assertEqual(
                        (invoice.state, invoice.type, invoice.reference,
                            invoice.party.name, invoice.invoice_date,
                            invoice.total_amount, record.attention),
                        ('draft', 'in', number, "Supplier", MARCH, total,
                            attention))
                    activity = (
                        Activity.special(c.company, 'unassigned')
                        if code == 'X' else c.activity(code))
                    self.assertEqual(
                        {line.activity for line in invoice.lines}, {activity})
                    self.assertEqual(invoice.activity, activity)
                    self.assertEqual(
                        record.difference, record.total - total)
            with self.assertRaises(SQLConstraintError):
                Activity.write(
                    [c.activity('A1')], {'incoming_alias': "atelier"})

    @with_transaction()
    def test_incoming_refused(self):
        "What is no invoice for the cooperative is not taken"
        pool = Pool()
        Configuration = pool.get('account.configuration')
        Incoming = pool.get('cae.incoming')
        Invoice = pool.get('account.invoice')
        with Cooperative.enter() as c:
            self.receive(c)
            Incoming.take(c.company, ubl(number='F0'))
            number = Invoice.search_count([])
            for data, text in [
                    (b'', 'no electronic invoice'),
                    (b'%PDF-1.7 cut', 'no electronic invoice'),
                    (ubl()[:500], 'no electronic invoice'),
                    (ubl(total='1e400'), 'no electronic invoice'),
                    (ubl(total='NaN'), 'no electronic invoice'),
                    (ubl(seller='FR01820043784'), 'no party has a number'),
                    (ubl(seller=''), 'no party has a number'),
                    (ubl(buyer='820043784'), 'not for'),
                    (ubl(currency='XXX'), 'currency XXX'),
                    (ubl(number='F0'), 'has this number already'),
                    ]:
                with self.subTest(text=text), undone(), \
                        self.assertRaisesRegex(IncomingError, text):
                    Incoming.take(c.company, data, "f.xml")
            with undone():
                identify(c.party("Other Customer"), fr_siren='303265045')
                with self.assertRaisesRegex(IncomingError, 'several parties'):
                    Incoming.take(c.company, ubl())
            config = Configuration(1)
            config.default_category_account_expense = None
            config.save()
            with self.assertRaisesRegex(IncomingError, 'default expense'):
                Incoming.take(c.company, ubl())
            self.assertEqual(Invoice.search_count([]), number)

    @with_transaction()
    def test_incoming_rights(self):
        "The accounting takes electronic invoices, which stay as they came"
        pool = Pool()
        Import = pool.get('cae.incoming.import', type='wizard')
        Incoming = pool.get('cae.incoming')
        with Cooperative.enter() as c:
            self.receive(c)
            users = {
                name: create_user(name, c.company, group)
                for name, group in [
                    ('accountant', 'account.group_account'),
                    ('advisor', 'cae_members.group_advisor'),
                    ('entrepreneur', 'cae_members.group_entrepreneur')]}
            with set_user(users['accountant']):
                session, start, end = Import.create()
                Import.execute(session, {'start': {
                            'company': c.company.id, 'file': ubl(),
                            'filename': "f.xml"}}, 'import_')
                record, = Incoming.search([])
                with undone(), self.assertRaises(AccessError):
                    Incoming.write([record], {'total': D(1)})
                with undone(), self.assertRaises(AccessError):
                    Incoming.copy([record])
            for name in ['advisor', 'entrepreneur']:
                with set_user(users[name]):
                    for operation in [
                            lambda: Incoming.search([]),
                            lambda: Incoming.delete([record]),
                            lambda: Import.create()]:
                        with undone(), self.assertRaises(AccessError):
                            operation()


class PlatformMixin:

    def peppol(self, c, invoice, direction='out', **values):
        "Return a document of Peppol on its way"
        pool = Pool()
        Peppol = pool.get('edocument.peppol')
        Service = pool.get('edocument.peppol.service')
        service, = Service.create([{
                    'company': c.company.id, 'types': ['bis-billing-3']}])
        record, = Peppol.create([{
                    'direction': direction, 'company': c.company.id,
                    'type': 'bis-billing-3', 'service': service.id,
                    'invoice': invoice.id, 'state': 'processing',
                    **values}])
        return record

    @with_transaction()
    def test_peppol_sent(self):
        "What Peppol took is sent, and nothing else is"
        pool = Pool()
        Invoice = pool.get('account.invoice')
        Peppol = pool.get('edocument.peppol')
        april = dt.date(2026, 4, 10)
        with Cooperative.enter() as c:
            identify(c.company.party, be_vat='0403019261')
            identify(c.party("Customer"), be_vat='0428759497')
            create_fiscalyear(c.company, 2026)
            invoice = c.sale(april, 'A1', 10, activity='A1')
            clear_cache()
            record = self.peppol(c, invoice, transmission_id="T-1")
            clear_cache()
            with self.assertRaisesRegex(SendingError, 'transmitted'):
                # Its number is no proof while it is on its way
                Invoice.mark_sent(
                    [Invoice(invoice.id)], 'peppol', april, "T-1")
            Peppol.fail([record], status="refused")
            clear_cache()
            self.assertEqual(Invoice(invoice.id).sending, 'non_compliant')
            Peppol.write([record], {'state': 'processing'})
            Peppol.succeed([record])
            clear_cache()
            invoice = Invoice(invoice.id)
            self.assertEqual(
                (invoice.sending, invoice.sent_channel,
                    invoice.sent_reference), ('sent', 'peppol', "T-1"))

    @with_transaction()
    def test_peppol_received(self):
        "What Peppol brings is for the activity that it names"
        pool = Pool()
        Activity = pool.get('cae.activity')
        Peppol = pool.get('edocument.peppol')
        with Cooperative.enter() as c:
            unassigned = Activity.special(c.company, 'unassigned')
            for reference, activity in [
                    ("A2", c.activity('A2')), ("", unassigned)]:
                draft = c.draft(
                    MARCH, (None, 10, '6064', []), type='in')
                record = self.peppol(
                    c, draft, 'in', data=ubl(reference=reference))
                Peppol.succeed([record])
                clear_cache()
                draft = draft.__class__(draft.id)
                self.assertEqual(draft.activity, activity)
                self.assertEqual(draft.lines[0].activity, activity)

    @with_transaction()
    def test_chorus_sent(self):
        "What Chorus Pro took is sent"
        pool = Pool()
        Chorus = pool.get('account.invoice.chorus')
        Invoice = pool.get('account.invoice')
        with Cooperative.enter() as c:
            for party in [c.company.party, c.party("Customer")]:
                pool.get('party.identifier').create([{
                            'party': party.id, 'type': 'fr_siret',
                            'code': '55200844300004',
                            'address': party.addresses[0].id}])
            clear_cache()
            invoice = c.sale(MARCH, 'A1', 10, activity='A1')
            record, = Chorus.create([{
                        'invoice': invoice.id, 'state': 'sent',
                        'syntax': 'edocument.uncefact.invoice',
                        'number': "CPP1", 'date': MARCH}])
            self.assertEqual(Invoice(invoice.id).sending, 'to_send')
            Chorus.succeed([record])
            clear_cache()
            invoice = Invoice(invoice.id)
            self.assertEqual(
                (invoice.sent_channel, invoice.sent_reference,
                    invoice.sent_date), ('chorus', "CPP1", MARCH))
