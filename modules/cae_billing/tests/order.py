# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What the tests of sales and of purchases have in common."""
from contextlib import contextmanager
from decimal import Decimal as D
from unittest.mock import patch

from trytond.exceptions import UserError
from trytond.model.exceptions import AccessButtonError, AccessError
from trytond.modules.cae_billing.exceptions import (
    ActivityRequiredError, AmountError, ApprovalError, GiveUpError,
    SellingNotAllowedError)
from trytond.modules.cae_members.tests.server import clear_cache, undone
from trytond.pool import Pool
from trytond.transaction import Transaction

from . import rights
from .approval import MARCH, Approval
from .tools import Cooperative, run_tasks

REFUSED = (AccessError, AccessButtonError)


class Orders(Approval):
    "A cooperative whose entrepreneurs write orders of the model"
    model = None
    line_model = None
    party = None
    tax = None

    @classmethod
    @contextmanager
    def enter(cls, date=MARCH):
        "Give the cooperative with its users at a date that is today"
        with Cooperative.enter() as c, patch.object(
                Pool().get('ir.date'), 'today', return_value=date):
            yield cls(c).create()

    def values(self, *lines, code='A1', **values):
        "What the client of an entrepreneur sends"
        party = self.c.party(self.party)
        return {
            'party': party.id,
            'invoice_address': party.addresses[0].id,
            'activity': self.c.activity(code).id,
            'lines': [('create', [{
                            'quantity': 1,
                            'unit_price': D(amount),
                            'description': "Work",
                            'taxes': [('add', [
                                        self.c.tax(t).id for t in taxes])],
                            } for amount, taxes
                        in lines or [(1000, [self.tax])]])],
            **values}

    def write(self, *lines, login='A1', **values):
        "Return the draft that the entrepreneur writes"
        Order = Pool().get(self.model)
        values = self.values(*lines, **values)
        with self.user(login):
            order, = Order.create([values])
        return Order(order.id)

    def press(self, login, name, *documents):
        "Press the button as the user, and do what it leaves to do"
        Model = type(documents[0])
        with self.user(login):
            getattr(Model, name)(Model.browse(documents))
        run_tasks()
        clear_cache()
        return Model(documents[0].id)

    def pay(self, invoice, date):
        self.c.pay(date, invoice)
        run_tasks()
        clear_cache()

    def foreign(self):
        "Return a party and a product that belong to A2"
        pool = Pool()
        Party = pool.get('party.party')
        Template = pool.get('product.template')
        Uom = pool.get('product.uom')
        own = [('add', [self.c.activity('A2').id])]
        party, = Party.create([{
                    'name': "Secret", 'addresses': [('create', [{}])],
                    'contact_mechanisms': [('create', [{
                                    'type': 'other',
                                    'value': "Secret"}])],
                    'cae_activities': own}])
        unit, = Uom.search([('symbol', '=', 'u')], limit=1)
        side = 'sal' if self.model == 'sale.sale' else 'purchas'
        template, = Template.create([{
                    'name': "Secret", 'default_uom': unit.id,
                    'type': 'service', 'list_price': D(10),
                    f'{side}able': True,
                    ('sale_uom' if side == 'sal' else 'purchase_uom'):
                    unit.id,
                    'cae_activities': own,
                    'products': [('create', [{}])],
                    }])
        return party, template.products[0]


class OrderTestMixin:

    def check_default(self, s):
        "The client gets its defaults, and the only activity of its user"
        Order, Line = map(Pool().get, [s.model, s.line_model])
        with s.user('A1'):
            values = Order.default_get(list(Order.fields_view_get()['fields']))
            self.assertEqual(values['activity'], s.c.activity('A1').id)
            Line.default_get(list(Line.fields_view_get()['fields']))

    def check_alone(self, s, kind, button):
        "Beyond the ceiling it is refused; return what is within it"
        Order = Pool().get(s.model)
        order = s.write()
        with self.assertRaises(ApprovalError):
            s.press('A1', button, order)
        s.ceiling(999, kind=kind)
        # Those of other documents and activities do not count
        s.ceiling(None)
        s.ceiling(1000, kind=kind, from_date=MARCH, activity=(
                s.c.activity('A2').id))
        with self.assertRaises(ApprovalError):
            s.press('A1', button, order)
        self.assertEqual(Order(order.id).state, 'draft')
        return s.press('A1', button, s.write((999, [s.tax])))

    def check_copy(self, s, order):
        "A copy is a draft of its own"
        Order = Pool().get(s.model)
        with s.user('A1'):
            copy, = Order.copy([Order(order.id)])
        copy = Order(copy.id)
        self.assertEqual(
            (copy.state, copy.approval, copy.activity.code,
                list(copy.approval_events), copy.untaxed_amount),
            ('draft', None, 'A1', [], order.untaxed_amount))

    def check_activity(self, s, buttons):
        "An order needs an activity of its company that may do business"
        Order = Pool().get(s.model)
        support = s.write(login='B1', code='B1')
        empty = s.write(lines=[])
        for name in buttons:
            with undone(), self.assertRaises(SellingNotAllowedError):
                s.press('B1', name, support)
            with undone(), self.assertRaises(ApprovalError):
                s.press('A1', name, empty)
        bare = s.values()
        del bare['activity']
        bare, = Order.create([bare])
        with undone(), self.assertRaises(ActivityRequiredError):
            Order.quote([bare])
        other = Cooperative("Other Cooperative")
        shared, = other.search('cae.activity', ('kind', '=', 'shared'))
        with undone(), self.assertRaises(UserError):
            s.write(activity=shared.id)

    def check_approval(self, s, state):
        "Submit, refuse and approve an order; return it"
        pool = Pool()
        Order = pool.get(s.model)
        Pending = pool.get('cae.approval.pending')
        Refuse = pool.get('cae.approval.refuse', type='wizard')
        order = s.press('A1', 'submit', s.write())
        with s.user('A1'), self.assertRaises(AccessError):
            Order.write([Order(order.id)], {'description': "More"})
        with s.user('advisor'):
            pending, = Pending.search([])
            self.assertEqual(
                (pending.document, pending.activity.code,
                    pending.party.name, pending.amount),
                (order, 'A1', s.party, D(1000)))
        for login in ['A1', 'A2', 'other']:
            for name in ['approve', 'refuse']:
                with self.subTest(login=login, button=name), \
                        undone(), self.assertRaises(REFUSED):
                    s.press(login, name, order)
                    # A button that only opens a wizard
                    with s.user(login):
                        Order.refuse_submission([order], "No")
        with s.user('advisor'), Transaction().set_context(
                active_model=s.model, active_id=order.id,
                active_ids=[order.id]):
            session, start, _ = Refuse.create()
            with undone(), self.assertRaises(ApprovalError):
                Refuse.execute(
                    session, {'start': {'comment': " "}}, 'refuse')
            Refuse.execute(
                session, {'start': {'comment': "Too much"}}, 'refuse')
        clear_cache()
        order = Order(order.id)
        with s.user('A1'):
            self.assertEqual(Order(order.id).approval_comment, "Too much")
            Order.write([Order(order.id)], {'description': "More"})
        s.press('A1', 'submit', order)
        s.press('A1', 'withdraw', order)
        s.press('A1', 'submit', order)
        order = s.press('advisor', 'approve', order)
        self.assertEqual((order.state, order.approval), (state, 'approved'))
        self.assertEqual(Pending.search([]), [])
        self.assertEqual(
            [e.action for e in order.approval_events][::-1],
            ['submit', 'refuse', 'submit', 'withdraw', 'submit', 'approve'])
        return order

    def check_give_up(self, s, order):
        "The accounting gives up what is left of it, and says why"
        pool = Pool()
        Forecast = pool.get('cae.activity.forecast')
        GiveUp = pool.get('cae.approval.give_up', type='wizard')
        Order = pool.get(s.model)
        name = s.model.split('.')[0] + 's'

        def expected():
            clear_cache()
            return sum(getattr(f, name) for f in Forecast.search([]))
        self.assertTrue(expected())
        for login in ['A1', 'A2', 'other', 'advisor']:
            with self.subTest(login=login), undone(), s.user(login), \
                    self.assertRaises(REFUSED):
                Order.give_up_rest([Order(order.id)], "Mine")
        with s.user('accountant'), self.assertRaises(AccessError), undone():
            Order.write([Order(order.id)], {'given_up': True})
        draft = s.write()
        for refused, reason, error in [
                (order, " ", GiveUpError),
                (draft, "Draft", AccessButtonError)]:
            with self.subTest(reason=reason), undone(), \
                    s.user('accountant'), self.assertRaises(error):
                Order.give_up_rest([Order(refused.id)], reason)
        self.assertTrue(expected())
        with s.user('accountant'), Transaction().set_context(
                active_model=s.model, active_id=order.id,
                active_ids=[order.id]):
            session, _, _ = GiveUp.create()
            GiveUp.execute(
                session, {'start': {'reason': "Stopped"}}, 'give_up')
        run_tasks()
        self.assertEqual(expected(), 0)
        order = Order(order.id)
        self.assertEqual(
            (order.given_up, order.to_invoice, order.amount_to_invoice()),
            (True, False, 0))
        self.assertEqual(
            [i for i in order.invoices if i.state == 'draft'], [])
        with s.user('A1'):
            event = Order(order.id).approval_events[0]
            self.assertEqual(
                (event.action, event.comment, event.author),
                ('give_up', "Stopped", "User accountant"))
            copy, = Order.copy([Order(order.id)])
        self.assertFalse(Order(copy.id).given_up)
        with undone(), s.user('accountant'), \
                self.assertRaises(AccessButtonError):
            Order.give_up_rest([Order(order.id)], "Again")
        return order

    def check_values(self, s):
        "What no entrepreneur may send is refused"
        Order = Pool().get(s.model)
        for name in ['quantity', 'unit_price']:
            for value in ['NaN', 'Infinity', '1e400', '-1e12']:
                values = s.values()
                number = float if name == 'quantity' else D
                values['lines'][0][1][0][name] = number(value)
                with self.subTest(field=name, value=value), undone(), \
                        s.user('A1'), self.assertRaises(AmountError):
                    Order.create([values])
        # What is of another activity is neither used nor printed
        party, product = s.foreign()
        used = s.values()
        used['lines'][0][1][0].update(
            product=product.id, unit=product.default_uom.id)
        for values in [
                s.values(
                    party=party.id, invoice_address=party.addresses[0].id),
                s.values(contact=party.contact_mechanisms[0].id),
                s.values(code='A2'),
                s.values(approval='approved'),
                s.values(number="1"),
                s.values(state='quotation'),
                used]:
            with undone(), s.user('A1'), self.assertRaises(AccessError):
                Order.create([values])
        order = s.write()
        with s.user('A1'), undone(), self.assertRaises(AccessError):
            Order.write([Order(order.id)], {'approval': 'approved'})
        return order


class OrderRightsMixin:
    "What stands in the database with those that order is theirs too"

    def _add_models(self, ordered, closed):
        "Rule the models of the orders too, and close others"
        for name, names in {
                'RULED': rights.RULED + ordered,
                'DRAFTS': rights.DRAFTS | {*ordered},
                'CLOSED': rights.CLOSED + closed,
                }.items():
            patcher = patch.object(rights, name, names)
            patcher.start()
            self.addCleanup(patcher.stop)
