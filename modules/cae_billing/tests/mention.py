# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What the law wants on the documents of sale, and the printed invoice."""
import datetime as dt
import io
import zipfile
from decimal import Decimal as D
from xml.etree import ElementTree

from trytond.model.exceptions import AccessError, SQLConstraintError
from trytond.modules.cae_billing.exceptions import LogoError, MentionError
from trytond.modules.cae_members.tests.server import (
    clear_cache, undone, with_transaction)
from trytond.modules.cae_members.tests.test_picture import png
from trytond.pool import Pool
from trytond.transaction import Transaction, check_access

from .tools import YEAR, Cooperative

MARCH = dt.date(YEAR, 3, 10)
TAX = 'tva_vente_services_taux_normal'
CAPE = "business project support contract"


class MentionMixin:

    def mentions(self, invoice):
        clear_cache()
        Invoice = Pool().get('account.invoice')
        return Invoice(invoice.id).mentions()

    def assertMentions(self, invoice, *found, absent=()):
        mentions = '\n'.join(self.mentions(invoice))
        for text in found:
            self.assertIn(text, mentions)
        for text in absent:
            self.assertNotIn(text, mentions)

    def identify(self, party, **codes):
        "Give the party identifiers"
        Identifier = Pool().get('party.identifier')
        Identifier.create([
                {'party': party.id, 'type': type_, 'code': code,
                    'address': party.addresses[0].id}
                for type_, code in codes.items()])
        clear_cache()

    @with_transaction()
    def test_mention_customer(self):
        "Penalties are for professionals"
        with Cooperative.enter() as c:
            invoice = c.sale(MARCH, 'A1', 100, activity='A1')
            business = ["plus 10 points", "€40", "No discount"]
            self.assertMentions(invoice, absent=business)
            self.identify(invoice.party, fr_siren='552008443')
            self.assertMentions(
                invoice, *business, absent=["law of 2 August 2002", CAPE])
            self.assertIn('SIREN 552 008 443', invoice.printed().customer)

    @with_transaction()
    def test_mention_cape(self):
        "The holder under a CAPE at the date is named, with its term"
        pool = Pool()
        Holder = pool.get('cae.activity.holder')
        with Cooperative.enter() as c:
            self.identify(c.company.party, fr_siren='552008443')
            invoice = c.sale(MARCH, 'A3', 100)
            self.assertMentions(
                invoice, CAPE, "Entrepreneur A3", "Les Ateliers",
                "1 RUE DE LA COOPÉRATION", "552 008 443",
                f"until 12/31/{YEAR}")
            # An entrepreneur under a CESA has none
            self.assertMentions(
                c.sale(MARCH, 'A1', 100), absent=[CAPE])
            # The activity of a line counts, not that of the document
            both = c.draft(
                MARCH, ('A1', 10, '706', []), ('A3', 10, '706', []),
                activity='A1')
            self.assertMentions(both, "Entrepreneur A3")
            holder, = c.activity('A3').holders
            Holder.write([holder], {'to_date': MARCH})
            self.assertMentions(both, CAPE)
            both.invoice_date = MARCH + dt.timedelta(days=1)
            both.save()
            self.assertMentions(both, absent=[CAPE])

    @with_transaction()
    def test_mention_dates(self):
        "A mention is needed from its date on, in its country"
        with Cooperative.enter() as c:
            invoice = c.draft(
                dt.date(2026, 8, 31), ('A1', 100, '706', [TAX]))
            c.company.cae_vat_on_debits = True
            c.company.save()
            later = ["Category of the operation: supply of services", "debits"]
            self.assertMentions(invoice, absent=later)
            invoice.invoice_date = dt.date(2026, 9, 1)
            invoice.save()
            self.assertMentions(invoice, *later)
            c.company.party.addresses[0].country = None
            c.company.party.addresses[0].save()
            self.assertMentions(invoice, absent=later)

    @with_transaction()
    def test_mention_category(self):
        "Goods, services or both; a deposit is neither"
        pool = Pool()
        Product = pool.get('product.template')
        Uom = pool.get('product.uom')
        with Cooperative.enter() as c:
            unit, = Uom.search([('symbol', '=', 'u')], limit=1)
            template, = Product.create([{
                        'name': "Chair", 'default_uom': unit.id,
                        'type': 'goods', 'list_price': D(10),
                        'products': [('create', [{}])],
                        }])
            invoice = c.draft(
                MARCH, ('A1', 10, '706', []), ('A1', 10, '7071', []))
            self.assertEqual(invoice.category, 'services')
            invoice.lines[0].product = template.products[0]
            invoice.lines[0].unit = unit
            invoice.lines[0].save()
            self.assertEqual(
                Pool().get('account.invoice')(invoice.id).category, 'mixed')
            invoice.lines[1].account = c.account('4191')
            invoice.lines[1].save()
            self.assertEqual(
                Pool().get('account.invoice')(invoice.id).category, 'goods')

    @with_transaction()
    def test_mention_delivery(self):
        "The date and place of what was done, where they differ"
        Address = Pool().get('party.address')
        with Cooperative.enter() as c:
            invoice = c.draft(
                dt.date(2026, 9, 1), ('A1', 100, '706', [TAX]))
            address, = Address.create([{
                        'party': invoice.party.id, 'city': "Roubaix"}])
            invoice.delivery_date = invoice.invoice_date
            invoice.delivery_address = invoice.invoice_address
            invoice.save()
            self.assertMentions(invoice, absent=["Done or", "Delivery"])
            invoice.delivery_date = MARCH
            invoice.delivery_address = address
            invoice.save()
            self.assertMentions(
                invoice, f"delivered on 03/10/{YEAR}",
                "Delivery address: Roubaix")

    @with_transaction()
    def test_mention_credit_note(self):
        "A credit note names its invoice"
        Invoice = Pool().get('account.invoice')
        with Cooperative.enter() as c:
            invoice = c.invoice(
                MARCH, ('A1', 100, '706', [TAX]), ('A1', -10, '706', [TAX]))
            credit, = Invoice.credit([invoice])
            self.assertMentions(
                credit,
                f"Credit note for invoice {invoice.number} (03/10/{YEAR})")
            self.assertIn("Credit Note", credit.printed().title)

    @with_transaction()
    def test_mention_texts(self):
        "Placeholders are those of the list, and a customer's words none"
        pool = Pool()
        Mention = pool.get('cae.mention')
        with Cooperative.enter() as c:
            values = {
                'code': "own", 'source': "Statutes", 'condition': 'always',
                'text': "${company} for ${delivery_address}${holder}"}
            mention, = Mention.create([values])
            with undone(), self.assertRaises(SQLConstraintError):
                Mention.create([{
                            **values, 'from_date': MARCH,
                            'to_date': MARCH - dt.timedelta(days=1)}])
            invoice = c.draft(MARCH, ('A1', 10, '706', []))
            party = invoice.party
            party.name = "${company}"
            party.save()
            self.assertMentions(
                invoice, "Coopérative Les Ateliers for ", absent=["${"])
            with self.assertRaises(MentionError):
                mention.text = "${password}"
                mention.save()

    @with_transaction()
    def test_mention_identity(self):
        "The identity of the company; the brand and logo of the activity"
        Activity = Pool().get('cae.activity')
        with Cooperative.enter() as c:
            company = c.company
            self.identify(company.party, fr_siret='55200844300004')
            company.cae_legal_form = "SCOP SARL"
            company.cae_variable_capital = True
            company.cae_registry = "RCS Lille Métropole"
            company.save()
            self.assertEqual(company.identity(), [
                    "Coopérative Les Ateliers, SCOP SARL with variable "
                    "capital",
                    "1 RUE DE LA COOPÉRATION, 59000 LILLE, FRANCE",
                    "SIREN 552 008 443 – SIRET 552 008 443 00004 – "
                    "RCS Lille Métropole"])
            activity = c.activity('A1')
            with undone(), self.assertRaises(LogoError):
                Activity.write([activity], {'logo': b'%PDF-1.7'})
            Activity.write([activity], {
                    'brand_name': "The Workshop", 'logo': png(600, 100)})
            self.assertEqual(
                Activity(activity.id).get_logo_cm(6, 2)[1:],
                ('image/png', '6.00cm', '1.00cm'))
            printed = c.sale(MARCH, 'A1', 10).printed()
            self.assertEqual(printed.brand, "The Workshop")
            self.assertEqual(printed.of, "Coopérative Les Ateliers")
            printed = c.invoice(
                MARCH, ('A1', 10, '706', []), ('A2', 10, '706', [])).printed()
            self.assertEqual(printed.brand, "Coopérative Les Ateliers")

    @with_transaction()
    def test_mention_rights(self):
        "Who is not of the administration reads the mentions only"
        pool = Pool()
        Mention = pool.get('cae.mention')
        with Cooperative.enter():
            user, = pool.get('res.user').create([{
                        'name': "Any", 'login': 'any'}])
            with Transaction().set_user(user.id), check_access():
                mention = Mention.search([])[0]
                for operation in [
                        lambda: Mention.create([{}]),
                        lambda: Mention.write([mention], {'source': "-"}),
                        lambda: Mention.delete([mention])]:
                    with undone(), self.assertRaises(AccessError):
                        operation()

    @with_transaction()
    def test_printed(self):
        "The document shows its lines, VAT, payments and mentions"
        pool = Pool()
        Invoice = pool.get('account.invoice')
        Report = pool.get('account.invoice', type='report')
        with Cooperative.enter() as c:
            invoice = c.draft(
                MARCH, ('A3', '1000', '706', [TAX]),
                ('A3', '-100', '706', [TAX]),
                ('A3', '50', '706', []),
                activity='A3', reference="PO 7", description="Chairs")
            text = self.render(Report, invoice)
            self.assertIn("Draft – not an invoice", text)
            Invoice.post([invoice])
            invoice = Invoice(invoice.id)
            c.pay(MARCH, invoice, amount=30)
            clear_cache()
            text = self.render(Report, invoice)
            self.assertNotIn("Draft", text)
            for part in [
                    f"Invoice {invoice.number}", "PO 7", "Chairs",
                    "Activity A3", "Customer", "20 %", "usd950.00",
                    "usd180.00", "usd1,130.00", "usd30.00", "usd1,100.00",
                    "Entrepreneur A3",
                    "1 RUE DE LA COOPÉRATION"]:
                self.assertIn(part, text)

    def render(self, Report, invoice):
        "Return the text of the printed document"
        extension, data, _, _ = Report.execute([invoice.id], {})
        self.assertEqual(extension, 'odt')
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            return '\n'.join(
                ''.join(ElementTree.fromstring(file.read(name)).itertext())
                for name in ['styles.xml', 'content.xml']
                if name in file.namelist())
