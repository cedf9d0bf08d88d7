# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What the sales and the purchases of an activity have in common."""
from decimal import Decimal

from sql import Literal, Null
from sql.operators import Concat, Exists

from trytond.i18n import gettext
from trytond.model import Index, Model, ModelView, Workflow, fields
from trytond.model.exceptions import AccessError
from trytond.pool import Pool
from trytond.pyson import Bool, Eval
from trytond.transaction import Transaction, check_access, without_check_access

from ..exceptions import (
    ActivityRequiredError, GiveUpError, SellingNotAllowedError)
from .access import (
    IS_ENTREPRENEUR, check_approver, check_reach, is_entrepreneur,
    own_activities, targets)
from .approval import DraftApprovalMixin


class OrderMixin(Model):
    """An order of an activity, whose invoices are of the activity too.

    The class says which of its fields are of the stock, who is on the paper,
    which field has the date of the order and the messages of its refusals.
    """
    __slots__ = ()
    # What only who keeps a stock looks at
    _stock_fields = []
    _parties = ['party', 'invoice_party', 'contact']
    _order_date = None
    _msg_activity_required = None
    _msg_not_allowed = None
    activity = fields.Many2One(
        'cae.activity', "Activity",
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        states={
            'readonly': Eval('state') != 'draft',
            },
        help="Whose order it is (activité): its invoices are too.")
    expected_date = fields.Date(
        "Expected Date",
        states={
            'readonly': Eval('state') != 'draft',
            },
        help="When it should be paid, for the forecast.\n"
        "Leave empty for the month of the order or of the quote.")
    given_up = fields.Boolean(
        "Rest Given Up", readonly=True,
        states={
            'invisible': ~Eval('given_up'),
            },
        help="What was left to invoice never will be (solde abandonné).")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_indexes.add(Index(t, (t.activity, Index.Range())))
        for name in cls._stock_fields:
            field = getattr(cls, name)
            field.states['invisible'] = (
                field.states.get('invisible', False)
                | Bool(Eval('activity')))

    @classmethod
    def default_activity(cls):
        if is_entrepreneur():
            activities = own_activities()
            if len(activities) == 1:
                activity, = activities
                return activity

    @classmethod
    def copy(cls, orders, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('expected_date')
        default.setdefault('given_up')
        return super().copy(orders, default=default)

    def amount_to_invoice(self):
        """Return what is not on a posted invoice yet, tax included.

        In proportion to the untaxed amount. A deposit counts as invoiced.
        """
        if self.given_up:
            return Decimal(0)
        left = self.untaxed_amount - sum(
            line.amount for line in self._invoiced_lines
            if line.invoice and line.invoice.state in {'posted', 'paid'})
        if not self.untaxed_amount or left / self.untaxed_amount <= 0:
            return Decimal(0)
        return self.currency.round(
            left * self.total_amount / self.untaxed_amount)

    @property
    def _invoiced_lines(self):
        "The lines of invoices that were made from the order"
        return [
            line for order_line in self.line_lines
            for line in order_line.invoice_lines]

    def is_done(self):
        if self.given_up:
            return (
                self.invoice_state in {'none', 'paid'}
                and self.shipment_state in {'none', 'sent', 'received'})
        return super().is_done()

    @property
    def _invoice_journal(self):
        "The journal of the invoices that are made from the order"
        return self._get_invoice().journal

    @classmethod
    def _check_activities(cls, orders):
        """Refuse the orders without an open activity or that are too early.

        Who has only a support agreement does no business yet (Code de
        commerce, art. L127-1 ff: the support comes first). What only gives
        back is never refused.
        """
        pool = Pool()
        Activity = pool.get('cae.activity')
        Date = pool.get('ir.date')
        Lang = pool.get('ir.lang')
        for order in orders:
            if not order.activity:
                journal = order._invoice_journal
                if journal and journal.cooperative:
                    raise ActivityRequiredError(gettext(
                            cls._msg_activity_required,
                            order=order.rec_name))
                continue
            with Transaction().set_context(company=order.company.id):
                date = getattr(order, cls._order_date) or Date.today()
            Activity.check_open([(order.activity, date, order.rec_name)])
            if (any(line.amount > 0 for line in order.line_lines)
                    and not Activity.may_sell([order.activity], date)):
                raise SellingNotAllowedError(gettext(
                        cls._msg_not_allowed,
                        activity=order.activity.rec_name,
                        order=order.rec_name,
                        date=Lang.get().strftime(date)))

    @classmethod
    @ModelView.button
    @Workflow.transition('quotation')
    def quote(cls, orders):
        cls._check_activities(orders)
        super().quote(orders)

    @classmethod
    @ModelView.button
    @Workflow.transition('confirmed')
    def confirm(cls, orders):
        cls._check_activities(orders)
        super().confirm(orders)

    @classmethod
    def check_modification(cls, mode, orders, values=None, external=False):
        if external:
            if (mode == 'write' and 'given_up' in values
                    or mode == 'create' and any(o.given_up for o in orders)):
                raise AccessError(gettext(
                        'cae_billing.msg_approval_by_button'))
            for name in cls._parties:
                Target = cls._fields[name].get_target()
                check_reach(
                    Target.__name__, targets(mode, name, orders, values))
        super().check_modification(
            mode, orders, values=values, external=external)


class OrderApprovalMixin(DraftApprovalMixin):
    "An order that its entrepreneur submits, or sends within the ceiling"
    __slots__ = ()

    @classmethod
    def _set_buttons(cls, alone):
        "Add the buttons of the approval; ``alone`` is that of the ceiling"
        draft = Eval('state') == 'draft'
        submitted = draft & (Eval('approval') == 'submitted')
        writing = draft & (Eval('approval') != 'submitted')
        cls._show_buttons({
                'submit': writing & IS_ENTREPRENEUR,
                alone: writing & IS_ENTREPRENEUR,
                'withdraw': submitted & IS_ENTREPRENEUR,
                'approve': submitted,
                'refuse': submitted,
                'give_up': (
                    Eval('state').in_(['confirmed', 'processing'])
                    & ~Eval('given_up')),
                })

    @classmethod
    def _show_buttons(cls, shown):
        "Add the buttons, with the condition of the state they are shown in"
        for name, condition in shown.items():
            cls._buttons[name] = {
                'invisible': ~condition,
                'depends': ['state', 'approval', 'given_up'],
                }

    @classmethod
    def _check_own(cls, orders):
        "Refuse to an entrepreneur what is not of their activities"
        own = own_activities()
        with without_check_access():
            for order in cls.browse(orders):
                if not order.activity or order.activity.id not in own:
                    raise AccessError(gettext(
                            'cae_billing.msg_approval_own',
                            invoice=order.rec_name))

    @classmethod
    def _check_complete(cls, orders):
        super()._check_complete(orders)
        for order in orders:
            order.check_for_quotation()

    @classmethod
    def _alone(cls, orders, kind, action):
        "Note that the user goes on with what is within the ceilings"
        cls._check_own(orders)
        cls._check_complete(orders)
        for order in orders:
            order._check_ceiling(kind, {order.activity})
        cls._note(orders, action)

    @classmethod
    def refuse_submission(cls, orders, comment):
        """Give the orders back, with what must change.

        Raises ApprovalError when there is no comment.
        """
        # The rights are those of the button
        with check_access():
            cls.refuse(orders)
        with without_check_access():
            cls._check_approver(orders)
            super().refuse_submission(orders, comment)
            cls.write(orders, {'approval': 'refused'})

    @classmethod
    def give_up_rest(cls, orders, reason):
        """Keep that what is left to invoice of the orders never will be.

        Their lines on drafts of invoices are deleted. Raises GiveUpError when
        there is no reason or nothing is left, or when an invoice or a deposit
        must be dealt with before.
        """
        # The rights are those of the button
        with check_access():
            cls.give_up(orders)
        if not (reason or '').strip():
            raise GiveUpError(gettext(
                    'cae_billing.msg_give_up_reason',
                    order=orders[0].rec_name))
        pool = Pool()
        Invoice = pool.get('account.invoice')
        InvoiceLine = pool.get('account.invoice.line')
        with without_check_access():
            orders = cls.browse(orders)
            cls.lock(orders)
            lines = []
            for order in orders:
                order._check_give_up()
                lines += [
                    line for line in order._invoiced_lines
                    if line.invoice and line.invoice.state == 'draft']
            cls.write(orders, {'given_up': True})
            invoices = {line.invoice for line in lines}
            InvoiceLine.delete(lines)
            Invoice.delete([
                    i for i in Invoice.browse(sorted(invoices))
                    if not i.line_lines])
            cls.process(orders)
            cls._note(orders, 'give_up', reason)

    def _check_give_up(self):
        "Refuse to give up what is not ordered or what is being invoiced"
        if (self.state not in {'confirmed', 'processing'} or self.given_up
                or not self.amount_to_invoice()):
            raise GiveUpError(gettext(
                    'cae_billing.msg_give_up_nothing', order=self.rec_name))
        for line in self._invoiced_lines:
            if line.invoice and line.invoice.state == 'validated':
                raise GiveUpError(gettext(
                        'cae_billing.msg_give_up_validated',
                        order=self.rec_name, invoice=line.invoice.rec_name))

    @classmethod
    def _check_approver(cls, orders):
        check_approver((order, {order.activity}) for order in orders)

    @classmethod
    @ModelView.button
    @Workflow.transition('quotation')
    def quote(cls, orders):
        cls._accept(orders)
        super().quote(orders)


class OrderLineMixin(Model):
    """A line of an order of an activity.

    The class defines ``on_change_with_activity`` and says which of its fields
    is the order. What an activity orders or sells is delivered without the
    stock of the cooperative, which entrepreneurs may not read.
    """
    __slots__ = ()
    _order_field = None
    activity = fields.Function(
        fields.Many2One('cae.activity', "Activity"),
        'on_change_with_activity', searcher='search_activity')

    @classmethod
    def search_activity(cls, name, clause):
        return [(f'{cls._order_field}.{clause[0]}', *clause[1:])]

    @fields.depends('activity')
    def on_change_with_movable(self, name=None):
        if self.activity:
            return False
        return super().on_change_with_movable(name=name)

    def get_move(self, type_):
        if not self.activity:
            return super().get_move(type_)

    def _get_invoice_line_quantity(self):
        order = getattr(self, self._order_field)
        if order.given_up:
            return self._get_invoiced_quantity()
        # Nothing is shipped, whatever the invoice method
        if self.activity:
            return self.quantity
        return super()._get_invoice_line_quantity()

    def get_invoice_line(self):
        lines = super().get_invoice_line()
        for line in lines:
            line.activity = self.activity
        return lines

    @classmethod
    def check_modification(cls, mode, lines, values=None, external=False):
        if external:
            check_reach('product.product', targets(
                    mode, 'product', lines, values))
        super().check_modification(
            mode, lines, values=values, external=external)

    @classmethod
    def preprocess_values(cls, mode, values):
        values = super().preprocess_values(mode, values)
        # As on the invoices that are made of them
        Pool().get('account.invoice.line')._check_amounts(values)
        return values


class PartMixin(Model):
    "What is accessed as the record that it is a part of"
    __slots__ = ()
    _part_of = None

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add(cls._part_of)


def pending(name):
    "Return the query of the orders that wait for their approval"
    order = Pool().get(name).__table__()
    return order, {
        'model': name,
        'activity': order.activity,
        'party': order.party,
        'where': (order.state == 'draft') & (order.approval == 'submitted'),
        'amount': 'untaxed_amount',
        }


def has_draft_invoice(order, line, field):
    """Return the condition that an invoice of the order is not posted yet.

    ``order`` is the table of the orders, ``line`` the name of the model of
    their lines and ``field`` that of the order on it.
    """
    pool = Pool()
    order_line = pool.get(line).__table__()
    invoice_line = pool.get('account.invoice.line').__table__()
    invoice = pool.get('account.invoice').__table__()
    return Exists(order_line
        .join(invoice_line, condition=invoice_line.origin == Concat(
                f'{line},', order_line.id.cast('VARCHAR')))
        .join(invoice, condition=invoice_line.invoice == invoice.id)
        .select(Literal(1),
            where=(getattr(order_line, field) == order.id)
            & invoice.state.in_(['draft', 'validated'])))


def expected(order, date, where):
    "Return the query of the orders of activities for the forecast"
    return order.select(
        order.activity.as_('activity'),
        order.company.as_('company'),
        date.as_('date'),
        where=(order.activity != Null) & where)
