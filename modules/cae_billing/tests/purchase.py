# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Purchases of entrepreneurs and the invoices of their suppliers."""
import datetime as dt
from decimal import Decimal as D

from trytond.model.exceptions import AccessError
from trytond.modules.cae_billing.exceptions import (
    ActivityClosedError, GiveUpError)
from trytond.modules.cae_members.tests.server import (
    clear_cache, undone, with_transaction)
from trytond.pool import Pool

from .approval import MARCH
from .order import REFUSED, OrderRightsMixin, Orders, OrderTestMixin
from .tools import YEAR, Cooperative

TAX = 'tva_achat_biens_taux_normal'
# The buttons of Tryton, for who manages the purchases of all
BUTTONS = {
    'draft': ['quote', 'cancel', 'modify_header'],
    'processing': [
        'process', 'manual_invoice', 'handle_invoice_exception',
        'handle_shipment_exception'],
    }


class Purchases(Orders):
    "A cooperative whose entrepreneurs write purchases"
    model = 'purchase.purchase'
    line_model = 'purchase.line'
    party = "Supplier"
    tax = TAX

    def create(self):
        super().create()
        pool = Pool()
        configuration = pool.get('purchase.configuration')(1)
        configuration.purchase_invoice_method = 'order'
        configuration.save()
        configuration = pool.get('account.configuration')(1)
        configuration.default_category_account_expense = (
            self.c.account('6064'))
        configuration.save()
        clear_cache()
        return self

    def ordered(self, *lines, **values):
        "Return a purchase that is confirmed"
        self.ceiling(None, kind='purchase')
        return self.press(
            'A1', 'confirm_alone', self.write(*lines, **values))


def create_purchases():
    "Buy for A1 and A2 from the same supplier"
    pool = Pool()
    Purchase = pool.get('purchase.purchase')
    Sequence = pool.get('ir.sequence')
    Sequence.lock(Sequence.search([]))
    with Cooperative.enter() as c:
        orders = Orders(c)
        orders.party = "Supplier"
        bought = Purchase.create([
                orders.values((100, [TAX]), code=code)
                for code in ['A1', 'A2']])
        Purchase.quote(bought)
        pool.get('cae.approval.event').add(bought, 'approve')


class PurchaseRightsMixin(OrderRightsMixin):

    def setUp(self):
        super().setUp()
        self._add_models(['purchase.purchase', 'purchase.line'], [
                'purchase.product_supplier',
                'purchase.product_supplier.price',
                'purchase.reporting.main', 'purchase.reporting.product',
                'purchase.reporting.supplier'])

    @with_transaction()
    def test_rights_purchase(self):
        "What belongs to a purchase is ruled as it is"
        pool = Pool()
        Purchase = pool.get('purchase.purchase')
        Report = pool.get('purchase.purchase', type='report')
        Tax = pool.get('purchase.line-account.tax')
        with self.world() as (c, user, others):
            own = Purchase.search([('activity', '=', c.activity('A2').id)])
            with self.user(user):
                self.assertTrue(Report.execute([own[0].id], {})[1])
                with self.assertRaises(AccessError):
                    Report.execute(others['purchase.purchase'], {})
                self.assertEqual(
                    [t.line.activity.code for t in Tax.search([])], ['A2'])


class PurchaseMixin(OrderTestMixin):

    @with_transaction()
    def test_purchase_alone(self):
        "Within the ceiling a purchase is numbered and confirmed at once"
        with Purchases.enter() as s:
            self.check_default(s)
            small = self.check_alone(s, 'purchase', 'confirm_alone')
            self.assertEqual(
                (small.state, bool(small.number), small.purchase_date),
                ('processing', True, MARCH))
            self.assertEqual(
                [e.action for e in small.approval_events], ['confirm_alone'])
            self.assertEqual(small.approval_events[0].author, "User A1")
            self.check_copy(s, small)

    def product(self, s):
        "Return a product of A2, bought on 6064"
        _, product = s.foreign()
        category, = Pool().get('product.category').create([{
                    'name': "Goods", 'accounting': True,
                    'account_expense': s.c.account('6064').id}])
        product.template.account_category = category
        product.template.type = 'goods'
        product.template.save()
        clear_cache()
        return product

    @with_transaction()
    def test_purchase_goods(self):
        "Goods make no shipment, and are invoiced whatever the method"
        Configuration = Pool().get('purchase.configuration')
        with Purchases.enter() as s:
            configuration = Configuration(1)
            configuration.purchase_invoice_method = 'fulfillment'
            configuration.save()
            product = self.product(s)
            s.ceiling(None, kind='purchase', code='A2')
            values = s.values((10, [TAX]), code='A2')
            values['lines'][0][1][0].update(
                product=product.id, unit=product.default_uom.id)
            purchase = s.write(login='A2', code='A2', lines=values['lines'])
            purchase = s.press('A2', 'confirm_alone', purchase)
            self.assertEqual(
                (purchase.state, purchase.invoice_method,
                    purchase.shipment_state, list(purchase.moves)),
                ('processing', 'fulfillment', 'none', []))
            invoice, = purchase.invoices
            self.assertEqual(
                [(line.activity.code, line.account.code, line.amount)
                    for line in invoice.lines], [('A2', '6064', D(10))])

    @with_transaction()
    def test_purchase_client(self):
        "What the client fills in needs nothing that is closed"
        pool = Pool()
        Line = pool.get('purchase.line')
        Purchase = pool.get('purchase.purchase')
        Supplier = pool.get('purchase.product_supplier')
        with Purchases.enter() as s:
            party = s.c.party("Supplier")
            product = self.product(s)
            Supplier.create([{
                        'template': product.template.id, 'party': party.id,
                        'company': s.c.company.id,
                        'currency': s.c.company.currency.id,
                        'prices': [('create', [
                                    {'quantity': 0, 'unit_price': D(8)}])],
                        }])
            with s.user('A2'):
                purchase = Purchase(
                    company=s.c.company, party=party,
                    activity=s.c.activity('A2'), lines=[])
                purchase.on_change_party()
                self.assertTrue(purchase.invoice_address)
                line = Line(
                    purchase=purchase, product=product, quantity=2, taxes=[])
                line.on_change_product()
                self.assertEqual(line.unit_price, D(8))
                self.assertFalse(line.on_change_with_movable())
                self.assertIsNone(line.on_change_with_delivery_date())
                with self.assertRaises(AccessError):
                    Supplier.search([])

    @with_transaction()
    def test_purchase_approval(self):
        "Above it is submitted, refused or approved, in the one list"
        with Purchases.enter() as s:
            self.check_approval(s, 'processing')

    @with_transaction()
    def test_purchase_refused(self):
        "What may not be bought is refused, and nothing is changed"
        with Purchases.enter() as s:
            s.ceiling(None, kind='purchase')
            s.ceiling(None, kind='purchase', code='B1')
            buttons = ['submit', 'confirm_alone']
            self.check_activity(s, buttons)
            late = s.write()
            for name in buttons:
                with undone(), self.assertRaises(ActivityClosedError):
                    activity = s.c.activity('A1')
                    activity.closing_date = MARCH - dt.timedelta(days=1)
                    activity.save()
                    clear_cache()
                    s.press('A1', name, late)
            self.check_values(s)

    @with_transaction()
    def test_purchase_buttons(self):
        "The buttons of Tryton are not for entrepreneurs"
        Purchase = Pool().get('purchase.purchase')
        with Purchases.enter() as s:
            for purchase in [s.write(), s.ordered()]:
                for name in BUTTONS[purchase.state]:
                    with self.subTest(state=purchase.state, button=name), \
                            undone(), self.assertRaises(REFUSED):
                        s.press('A1', name, purchase)
                for name in ['submit', 'confirm_alone', 'withdraw']:
                    with self.subTest(state=purchase.state, button=name), \
                            undone(), self.assertRaises(REFUSED):
                        s.press('A2', name, purchase)
            with s.user('accountant'):
                self.assertEqual(Purchase.search([], count=True), 2)
                with self.assertRaises(AccessError):
                    Purchase.write(
                        Purchase.search([]), {'description': "Mine"})

    @with_transaction()
    def test_purchase_invoice(self):
        "The invoice of the supplier is of the activity; the rest comes next"
        pool = Pool()
        Invoice = pool.get('account.invoice')
        InvoiceLine = pool.get('account.invoice.line')
        with Purchases.enter() as s:
            purchase = s.ordered((300, [TAX]), (100, []))
            invoice, = purchase.invoices
            self.assertEqual(
                (invoice.type, invoice.activity.code, invoice.state),
                ('in', 'A1', 'draft'))
            self.assertEqual(
                [(line.activity.code, line.account.code, line.amount)
                    for line in invoice.lines],
                [('A1', '6064', D(300)), ('A1', '6064', D(100))])
            with s.user('A1'), undone(), self.assertRaises(REFUSED):
                Invoice.post([Invoice(invoice.id)])
            first, second = invoice.lines
            InvoiceLine.delete([second])
            invoice.reference = "F1"
            invoice.invoice_date = MARCH
            invoice.save()
            clear_cache()
            s.press('accountant', 'post', invoice)
            rest, = (
                i for i in type(purchase)(purchase.id).invoices
                if i.state == 'draft')
            self.assertEqual(
                (rest.untaxed_amount, rest.lines[0].activity.code),
                (D(100), 'A1'))
            a1 = s.c.activity('A1')
            self.assertEqual(
                a1.results([a1], MARCH)[a1.id], D(-300))

    @with_transaction()
    def test_purchase_give_up(self):
        "What the supplier never delivers is no longer expected"
        Invoice = Pool().get('account.invoice')
        InvoiceLine = Pool().get('account.invoice.line')
        with Purchases.enter() as s:
            purchase = s.ordered((300, [TAX]), (100, []))
            invoice, = purchase.invoices
            InvoiceLine.delete([invoice.lines[1]])
            invoice.reference = "F1"
            invoice.invoice_date = MARCH
            invoice.save()
            clear_cache()
            invoice = s.press('accountant', 'post', invoice)
            purchase = self.check_give_up(
                s, type(purchase)(purchase.id))
            self.assertEqual(
                (purchase.state, list(purchase.invoices)),
                ('processing', [invoice]))
            s.pay(Invoice(invoice.id), MARCH)
            self.assertEqual(type(purchase)(purchase.id).state, 'done')
            # Nothing is left of what is invoiced to the end
            whole = s.ordered((100, []))
            invoice, = whole.invoices
            invoice.reference = "F2"
            invoice.invoice_date = MARCH
            invoice.save()
            for name in ['validate_invoice', 'post']:
                s.press('accountant', name, invoice)
                with self.subTest(name=name), undone(), \
                        s.user('accountant'), \
                        self.assertRaises(GiveUpError):
                    type(whole).give_up_rest(
                        [type(whole)(whole.id)], "Nothing")

    @with_transaction()
    def test_purchase_forecast(self):
        "What was ordered goes out until it is invoiced, and then too"
        Forecast = Pool().get('cae.activity.forecast')
        names = ['month', 'suppliers', 'purchases', 'expected']
        march, may = dt.date(YEAR, 3, 1), dt.date(YEAR, 5, 1)
        with Purchases.enter() as s:
            def rows():
                clear_cache()
                with s.user('A1'):
                    return [
                        tuple(getattr(f, name) for name in names)
                        for f in Forecast.search([])]
            s.write((7, []))
            self.assertEqual(rows(), [])
            purchase = s.ordered(
                (1000, [TAX]), expected_date=dt.date(YEAR, 5, 20))
            self.assertEqual(rows(), [(may, 0, 1200, -1200)])
            with s.user('A2'):
                self.assertEqual(Forecast.search([]), [])
            invoice, = purchase.invoices
            invoice.invoice_date = MARCH
            invoice.reference = "F1"
            invoice.save()
            s.press('accountant', 'post', invoice)
            self.assertEqual(rows(), [(march, 1200, 0, -1200)])
            s.pay(type(invoice)(invoice.id), MARCH)
            self.assertEqual(rows(), [])
            self.assertEqual(type(purchase)(purchase.id).state, 'done')
