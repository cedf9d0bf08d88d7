# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Quotes, orders, their deposits and their invoices."""
import datetime as dt
import io
import zipfile
from collections import defaultdict
from decimal import Decimal as D
from xml.etree import ElementTree

from trytond.exceptions import UserError
from trytond.model.exceptions import AccessError
from trytond.modules.cae_billing.exceptions import (
    AmountError, DepositUnpaidError, GiveUpError, QuoteExpiredError,
    SetupError)
from trytond.modules.cae_members.tests.server import (
    clear_cache, undone, with_transaction)
from trytond.pool import Pool

from .approval import MARCH, TAX
from .order import REFUSED, OrderRightsMixin, Orders, OrderTestMixin
from .tools import YEAR, Cooperative, run_tasks

GOODS = 'tva_vente_biens_5_5'
# The buttons of Tryton, for who manages the sales of all
BUTTONS = {
    'draft': ['quote', 'cancel', 'modify_header'],
    'quotation': ['confirm', 'draft', 'cancel'],
    'processing': [
        'process', 'manual_invoice', 'manual_shipment',
        'handle_invoice_exception', 'handle_shipment_exception'],
    }


class Sales(Orders):
    "A cooperative whose entrepreneurs write quotes"
    model = 'sale.sale'
    line_model = 'sale.line'
    party = "Customer"
    tax = TAX

    def create(self):
        super().create()
        pool = Pool()
        Configuration = pool.get('sale.configuration')
        Term = pool.get('sale.advance_payment_term')
        configuration = Configuration(1)
        configuration.sale_invoice_method = 'manual'
        configuration.sale_quotation_validity = dt.timedelta(days=30)
        configuration.save()
        self.term, = Term.create([{
                    'name': "30 %",
                    'lines': [('create', [{
                                    'description': "Deposit of 30 %",
                                    'account': self.c.account('4191').id,
                                    'formula': 'untaxed_amount * 0.3',
                                    }])],
                    }])
        clear_cache()
        return self

    def ordered(self, *lines, **values):
        "Return a sale that the customer ordered"
        self.ceiling(None, kind='quote')
        self.ceiling(None)
        sale = self.write(*lines, **values)
        self.press('A1', 'quote_alone', sale)
        return self.press('A1', 'accept', sale)

    def post(self, invoice):
        return self.press('A1', 'post_alone', invoice)

    def totals(self, move):
        "Return {(code of the account, of the activity): debit less credit}"
        result = defaultdict(D)
        for account, amount, activity in self.c.lines(move):
            result[account, activity] += amount
        return result


def create_sales():
    "Sell for A1 and A2 to the same customer, with a deposit"
    pool = Pool()
    Sale = pool.get('sale.sale')
    Sequence = pool.get('ir.sequence')
    Term = pool.get('sale.advance_payment_term')
    Sequence.lock(Sequence.search([]))
    with Cooperative.enter() as c:
        term, = Term.create([{
                    'name': "10",
                    'lines': [('create', [{
                                    'description': "Deposit of 10",
                                    'account': c.account('4191').id,
                                    'formula': 'Decimal(10)',
                                    }])],
                    }])
        party = c.party("Customer")
        sales = Sale.create([{
                    'party': party.id,
                    'invoice_address': party.addresses[0].id,
                    'activity': c.activity(code).id,
                    'advance_payment_term': term.id,
                    'description': f"Work of {code}",
                    'lines': [('create', [{
                                    'quantity': 1,
                                    'unit_price': D(100),
                                    'description': f"Work of {code}",
                                    'taxes': [('add', [c.tax(TAX).id])],
                                    }])],
                    } for code in ['A1', 'A2']])
        Sale.quote(sales)
        pool.get('cae.approval.event').add(sales, 'approve')


class SaleRightsMixin(OrderRightsMixin):

    def setUp(self):
        super().setUp()
        self._add_models(['sale.sale', 'sale.line'], [
                'sale.reporting.customer', 'sale.reporting.main',
                'sale.reporting.product'])

    @with_transaction()
    def test_rights_sale(self):
        "What belongs to a sale is ruled as it is"
        pool = Pool()
        Deposit = pool.get('sale.advance_payment.line')
        Report = pool.get('sale.sale', type='report')
        Tax = pool.get('sale.line-account.tax')
        Term = pool.get('sale.advance_payment_term')
        with self.world() as (c, user, others):
            own = Pool().get('sale.sale').search([
                    ('activity', '=', c.activity('A2').id)])
            deposits = Deposit.search([])
            with self.user(user):
                self.assertTrue(Report.execute([own[0].id], {})[1])
                with self.assertRaises(AccessError):
                    Report.execute(others['sale.sale'], {})
                self.assertEqual(
                    [d.sale.activity.code for d in Deposit.search([])],
                    ['A2'])
                self.assertEqual(
                    [t.line.activity.code for t in Tax.search([])], ['A2'])
                for operation in [
                        lambda: Deposit.read(
                            [d.id for d in deposits], ['amount']),
                        lambda: Deposit.write(
                            Deposit.search([]), {'amount': D(1)}),
                        lambda: Deposit.delete(Deposit.search([])),
                        lambda: Term.write(
                            Term.search([]), {'name': "Mine"}),
                        ]:
                    with undone(), self.assertRaises(AccessError):
                        operation()


class SaleMixin(OrderTestMixin):

    @with_transaction()
    def test_quote_alone(self):
        "Within the ceiling a quote is numbered, sent and answered"
        with Sales.enter() as s:
            self.check_default(s)
            self.assertEqual(s.write().invoice_method, 'manual')
            small = self.check_alone(s, 'quote', 'quote_alone')
            self.assertEqual(
                (small.state, bool(small.number), small.quotation_date),
                ('quotation', True, MARCH))
            other = s.press('A1', 'quote_alone', s.write((10, [])))
            other = s.press('A1', 'decline', other)
            self.assertEqual(other.state, 'cancelled')
            small = s.press('A1', 'revise', small)
            self.assertEqual(small.state, 'draft')
            small = s.press('A1', 'quote_alone', small)
            small = s.press('A1', 'accept', small)
            self.assertEqual(
                (small.state, small.sale_date), ('processing', MARCH))
            self.assertEqual(
                [e.action for e in small.approval_events][::-1],
                ['quote_alone', 'quote_alone', 'accept'])
            self.assertEqual(
                [e.action for e in other.approval_events][::-1],
                ['quote_alone', 'decline'])
            self.check_copy(s, small)

    @with_transaction()
    def test_quote_approval(self):
        "Above it is submitted, refused or approved, in the one list"
        with Sales.enter() as s:
            sale = self.check_approval(s, 'quotation')
            # What was approved is not what is changed
            sale = s.press('A1', 'revise', sale)
            self.assertEqual((sale.state, sale.approval), ('draft', None))

    @with_transaction()
    def test_quote_refused(self):
        "What may not be quoted is refused, and nothing is changed"
        pool = Pool()
        with Sales.enter() as s:
            s.ceiling(None, kind='quote')
            s.ceiling(None, kind='quote', code='B1')
            self.check_activity(s, ['submit', 'quote_alone'])
            sale = self.check_values(s)
            # The customer answers in time
            s.press('A1', 'quote_alone', sale)
            today = pool.get('ir.date').today
            today.return_value = MARCH + dt.timedelta(days=31)
            with undone(), self.assertRaises(QuoteExpiredError):
                s.press('A1', 'accept', sale)

    @with_transaction()
    def test_quote_buttons(self):
        "The buttons of Tryton are not for entrepreneurs"
        Sale = Pool().get('sale.sale')
        with Sales.enter() as s:
            draft = s.write()
            ordered = s.ordered()
            sent = s.press('A1', 'quote_alone', s.write())
            for sale in [draft, sent, ordered]:
                for name in BUTTONS[sale.state]:
                    with self.subTest(state=sale.state, button=name), \
                            undone(), self.assertRaises(REFUSED):
                        s.press('A1', name, sale)
                for name in [
                        'submit', 'quote_alone', 'withdraw', 'accept',
                        'decline', 'revise', 'invoice_own']:
                    with self.subTest(state=sale.state, button=name), \
                            undone(), self.assertRaises(REFUSED):
                        s.press('A2', name, sale)
            with s.user('accountant'):
                self.assertEqual(Sale.search([], count=True), 3)
                with self.assertRaises(AccessError):
                    Sale.write(Sale.search([]), {'description': "Mine"})

    @with_transaction()
    def test_sale_invoice(self):
        "The invoices are of the activity; what is left comes on the next"
        pool = Pool()
        Invoice = pool.get('account.invoice')
        InvoiceLine = pool.get('account.invoice.line')
        with Sales.enter() as s:
            sale = s.ordered((300, [TAX]), (100, [GOODS]), reference="PO 7")
            self.assertEqual(
                (sale.state, list(sale.invoices)), ('processing', []))
            s.press('A1', 'invoice_own', sale)
            invoice, = sale.invoices
            self.assertEqual(
                (invoice.activity.code, invoice.reference, invoice.state),
                ('A1', "PO 7", 'draft'))
            self.assertEqual(
                [(line.activity.code, line.amount) for line in invoice.lines],
                [('A1', D(300)), ('A1', D(100))])
            self.assertEqual(invoice.total_amount, D('465.50'))
            with s.user('A1'):
                # A part is done
                first, second = Invoice(invoice.id).lines
                InvoiceLine.write([first], {'quantity': 0.5})
                InvoiceLine.delete([second])
            run_tasks()
            invoice = s.post(invoice)
            self.assertEqual(invoice.untaxed_amount, D(150))
            self.assertEqual(
                s.c.activity('A1').turnovers(
                    [s.c.activity('A1')], MARCH)[s.c.activity('A1').id],
                D(150))
            sale = s.press('A1', 'invoice_own', sale)
            rest, = (i for i in sale.invoices if i.state == 'draft')
            self.assertEqual(rest.untaxed_amount, D(250))
            s.pay(invoice, MARCH)
            s.pay(s.post(rest), MARCH)
            self.assertEqual(type(sale)(sale.id).state, 'done')

    @with_transaction()
    def test_sale_deposit(self):
        "A deposit is no turnover and the final invoice takes it off"
        pool = Pool()
        Activity = pool.get('cae.activity')
        with Sales.enter() as s:
            a1 = s.c.activity('A1')

            def figures():
                clear_cache()
                return (
                    Activity.turnovers([a1], MARCH)[a1.id],
                    Activity.turnovers([a1], MARCH, 'collected')[a1.id],
                    Activity.balances([a1], MARCH)[a1.id])
            sale = s.ordered(
                (800, [TAX]), (200, [GOODS]),
                advance_payment_term=s.term.id)
            deposit, = sale.advance_payment_invoices
            self.assertEqual(deposit.activity, a1)
            self.assertEqual(
                [(line.account.code, line.activity, line.amount)
                    for line in deposit.lines],
                [('4191', a1, D(240)), ('4191', a1, D(60))])
            # 20 % of 240 and 5.5 % of 60
            self.assertEqual(deposit.total_amount, D('351.30'))
            with undone(), self.assertRaises(DepositUnpaidError):
                s.press('A1', 'invoice_own', sale)
            deposit = s.post(deposit)
            self.assertEqual(
                s.totals(deposit.move), {
                    ('4111', ''): D('351.30'), ('4191', ''): D(-300),
                    ('44571', ''): D('-3.30'), ('44574', ''): D(-48)})
            s.pay(deposit, MARCH)
            self.assertEqual(figures(), (0, 0, 0))
            sale = s.press('A1', 'invoice_own', sale)
            final, = sale.invoices
            # 1000 and its VAT of 171, less the deposit
            self.assertEqual(
                (final.untaxed_amount, final.total_amount),
                (D(700), D('819.70')))
            self.assertEqual({i.activity for i in final.lines}, {a1})
            final = s.post(final)
            self.assertEqual(
                s.totals(final.move), {
                    ('4111', ''): D('819.70'), ('4191', ''): D(300),
                    ('44571', ''): D('-7.70'), ('44574', ''): D(-112),
                    ('706', 'A1'): D(-1000)})
            self.assertEqual(figures(), (1000, 0, 1000))
            s.pay(final, MARCH)
            self.assertEqual(figures(), (1000, 1000, 1000))
            account = s.c.account('4191')
            self.assertEqual(account.balance, 0)
            self.assertEqual(type(sale)(sale.id).state, 'done')

    @with_transaction()
    def test_sale_deposit_rate(self):
        "The entrepreneur asks for any part of the amount as a deposit"
        Sale = Pool().get('sale.sale')
        with Sales.enter() as s:
            s.ceiling(None, kind='quote')
            sale = s.write((1000, [TAX]), deposit_rate=D('0.125'))
            printed, = sale._printed_deposits(sale._printed_lang)
            self.assertEqual(printed.name, "Deposit of 12.5 %")
            sale = s.press('A1', 'quote_alone', sale)
            deposit, = sale.advance_payment_lines
            self.assertEqual(
                (deposit.amount, deposit.account.code, deposit.description),
                (D(125), '4191', "Deposit of 12.5 %"))
            sale = s.press('A1', 'accept', sale)
            invoice, = sale.advance_payment_invoices
            self.assertEqual(invoice.total_amount, D(150))
            copy, = Sale.copy([sale])
            self.assertEqual(
                (copy.deposit_rate, list(copy.advance_payment_lines)),
                (D('0.125'), []))
            for rate, error in [
                    ('-0.1', UserError), ('1.01', UserError),
                    ('0', UserError), ('NaN', AmountError),
                    ('Infinity', AmountError)]:
                with self.subTest(rate=rate), undone(), \
                        self.assertRaises(error):
                    s.write(deposit_rate=D(rate))
            with undone(), self.assertRaises(UserError):
                s.write(
                    deposit_rate=D('0.1'), advance_payment_term=s.term.id)
            with undone(), s.user('A2'), self.assertRaises(AccessError):
                Sale.write([Sale(copy.id)], {'deposit_rate': D('0.2')})
            with undone(), self.assertRaises(SetupError):
                kind = s.c.account('4191').type
                kind.unearned_revenue = False
                kind.save()
                s.press('A1', 'quote_alone', s.write(deposit_rate=D('0.1')))

    @with_transaction()
    def test_sale_give_up(self):
        "What the customer no longer wants is no longer expected"
        pool = Pool()
        Invoice = pool.get('account.invoice')
        with Sales.enter() as s:
            sale = self.check_give_up(s, s.ordered((300, [TAX])))
            self.assertEqual((sale.state, list(sale.invoices)), ('done', []))
            with undone(), self.assertRaises(REFUSED):
                s.press('A1', 'invoice_own', sale)

            def ordered():
                sale = s.ordered((300, [TAX]), advance_payment_term=s.term.id)
                return sale, sale.advance_payment_invoices[0]

            def give_up(sale):
                clear_cache()
                with s.user('accountant'):
                    type(sale).give_up_rest([type(sale)(sale.id)], "Stopped")
                clear_cache()
                return type(sale)(sale.id)
            sale, deposit = ordered()
            sale = give_up(sale)
            self.assertEqual(
                (sale.state, list(sale.advance_payment_invoices)),
                ('done', []))
            # What the customer has paid is given back first
            sale, deposit = ordered()
            deposit = s.post(deposit)
            with undone(), self.assertRaises(GiveUpError):
                give_up(sale)
            credit, = Invoice.credit([deposit])
            with undone(), self.assertRaises(GiveUpError):
                give_up(sale)
            s.press('accountant', 'post', credit)
            self.assertTrue(give_up(sale).given_up)

    @with_transaction()
    def test_sale_forecast(self):
        "Orders are expected until they are invoiced, quotes apart"
        pool = Pool()
        Forecast = pool.get('cae.activity.forecast')
        Sale = pool.get('sale.sale')
        names = ['month', 'invoices', 'sales', 'suppliers', 'expected',
            'quotes']
        march = dt.date(YEAR, 3, 1)
        with Sales.enter() as s:
            def rows():
                clear_cache()
                with s.user('A1'):
                    return [
                        tuple(getattr(f, name) for name in names)
                        for f in Forecast.search([])]
            sale = s.ordered(
                (1000, [TAX]), advance_payment_term=s.term.id,
                expected_date=dt.date(YEAR, 5, 20))
            s.press('A1', 'quote_alone', s.write((100, [TAX])))
            s.write((7, []))
            may = dt.date(YEAR, 5, 1)
            quote = (march, 0, 0, 0, 0, 120)
            self.assertEqual(
                rows(), [quote, (may, 0, 1200, 0, 1200, 0)])
            deposit = s.post(sale.advance_payment_invoices[0])
            unpaid = (march, 360, 0, 0, 360, 120)
            self.assertEqual(rows(), [unpaid, (may, 0, 840, 0, 840, 0)])
            s.pay(deposit, MARCH)
            self.assertEqual(rows(), [quote, (may, 0, 840, 0, 840, 0)])
            sale = s.press('A1', 'invoice_own', sale)
            final, = sale.invoices
            self.assertEqual(rows(), [quote, (may, 0, 840, 0, 840, 0)])
            s.post(final)
            self.assertEqual(rows(), [(march, 840, 0, 0, 840, 120)])
            with s.user('A2'):
                self.assertEqual(Forecast.search([]), [])
            Sale.cancel(Sale.search([('state', '=', 'quotation')]))
            self.assertEqual(rows(), [(march, 840, 0, 0, 840, 0)])

    @with_transaction()
    def test_sale_discount(self):
        "The discount is said in the text of the invoice"
        pool = Pool()
        Line = pool.get('sale.line')
        with Sales.enter() as s:
            party = s.c.party("Customer")
            line = Line(
                sale=None, type='line', quantity=2, base_price=D(100),
                discount_rate=D('0.1'))
            line.on_change_discount_rate()
            self.assertEqual(line.unit_price, D(90))
            values = s.values()
            values['lines'][0][1][0].update(
                quantity=2, base_price=D(100), unit_price=D(90))
            sale = s.ordered(lines=values['lines'])
            self.assertEqual(sale.party, party)
            s.press('A1', 'invoice_own', sale)
            invoice, = sale.invoices
            line, = invoice.lines
            self.assertEqual(line.amount, D(180))
            self.assertRegex(
                line.description, r"^Work\nPrice .*100\.00.* less 10%$")

    @with_transaction()
    def test_sale_gross(self):
        "A price entered with tax is what the line makes with its tax"
        pool = Pool()
        Invoice = pool.get('account.invoice')
        InvoiceLine = pool.get('account.invoice.line')
        Line = pool.get('sale.line')
        Sale = pool.get('sale.sale')
        with Sales.enter() as s:
            taxes = [s.c.tax(TAX)]
            currency = s.c.company.currency
            for gross, quantity, total in [
                    ('10', 1, '10.00'), ('10', 3, '30.00'),
                    ('19.99', 7, '139.93'), ('0.99', 12, '11.88')]:
                for Model, parent in [
                        (Line, Sale(company=s.c.company, currency=currency)),
                        (InvoiceLine, None)]:
                    line = Model(
                        type='line', quantity=quantity, taxes=taxes,
                        gross_price=D(gross))
                    if Model is Line:
                        line.sale = parent
                    line.company, line.currency = s.c.company, currency
                    line.on_change_gross_price()
                    with self.subTest(gross=gross, model=Model.__name__):
                        self.assertEqual(
                            line.on_change_with_gross_price(), D(gross))
                        invoice = s.c.draft(
                            MARCH, ('A1', line.unit_price, '706', [TAX]))
                        InvoiceLine.write(
                            list(invoice.lines), {'quantity': quantity})
                        clear_cache()
                        Invoice.update_taxes([Invoice(invoice.id)])
                        self.assertEqual(
                            Invoice(invoice.id).total_amount, D(total))

    @with_transaction()
    def test_quote_printed(self):
        "The paper has the brand, the validity, the deposit and the mentions"
        pool = Pool()
        Report = pool.get('sale.sale', type='report')
        with Sales.enter() as s:
            a3 = s.c.activity('A3')
            a3.brand_name = "Claire Fontaine"
            a3.save()
            values = s.values(
                (1000, [TAX]), code='A3', advance_payment_term=s.term.id,
                description="Bench")
            sale, = pool.get('sale.sale').create([values])
            for state, found, absent in [
                    ('draft', ["not an offer", "Accepted by"], []),
                    ('quotation', [
                            f"Quote {sale.number or ''}", "Valid until"],
                        ["not an offer"]),
                    ('processing', ["Order"], ["Accepted by", "Valid until"]),
                    ]:
                if state == 'quotation':
                    sale.quote([sale])
                elif state == 'processing':
                    sale.confirm([sale])
                    run_tasks()
                clear_cache()
                _, data, _, name = Report.execute([sale.id], {})
                with zipfile.ZipFile(io.BytesIO(data)) as archive:
                    text = ''.join(ElementTree.fromstring(
                            archive.read('content.xml')).itertext())
                for part in found + [
                        "Claire Fontaine", "Les Ateliers", "Bench",
                        "Deposit of 30 %", "360.00", "300.00", "1,200.00",
                        "business project support contract"]:
                    with self.subTest(state=state, text=part):
                        self.assertIn(part, text)
                for part in absent:
                    with self.subTest(state=state, absent=part):
                        self.assertNotIn(part, text)
                self.assertNotIn('printed.', text)
