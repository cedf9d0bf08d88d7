# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import math
from decimal import Decimal

from trytond.i18n import gettext
from trytond.model import ModelView, Workflow, fields
from trytond.model.exceptions import AccessError
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval
from trytond.transaction import Transaction, without_check_access

from ..exceptions import AmountError, ApprovalError
from .access import (
    IS_ACCOUNTANT, IS_ENTREPRENEUR, check_approver, check_reach,
    is_entrepreneur, own_activities, targets)
from .approval import DraftApprovalMixin

# No amount of a line is written with more digits before the point
LARGEST = 10 ** 12


class Invoice(DraftApprovalMixin, metaclass=PoolMeta):
    __name__ = 'account.invoice'
    auto_approved = fields.Function(fields.Boolean(
            "Posted Within the Ceiling",
            help="Whether an entrepreneur posted the document alone."),
        'get_auto_approved', searcher='search_auto_approved')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._check_modify_exclude |= {'approval'}
        draft = (Eval('state') != 'draft') | (Eval('type') != 'out')
        depends = ['state', 'type', 'approval']
        cls._buttons.update({
                'submit': {
                    'invisible': (
                        draft | (Eval('approval') == 'submitted')
                        | ~IS_ENTREPRENEUR),
                    'depends': depends,
                    },
                'withdraw': {
                    'invisible': (
                        draft | (Eval('approval') != 'submitted')
                        | ~IS_ENTREPRENEUR),
                    'depends': depends,
                    },
                'post_alone': {
                    'invisible': (
                        draft | (Eval('approval') == 'submitted')
                        | ~IS_ENTREPRENEUR),
                    'depends': depends,
                    },
                'approve': {
                    'invisible': draft | (Eval('approval') != 'submitted'),
                    'depends': depends,
                    },
                'refuse': {
                    'invisible': draft | (Eval('approval') != 'submitted'),
                    'depends': depends,
                    },
                })
        # Whoever may not press them does not see them beside their own
        for name in ['cancel', 'draft', 'validate_invoice', 'post']:
            button = cls._buttons[name]
            button['invisible'] = button.get('invisible', False) | (
                IS_ENTREPRENEUR & ~IS_ACCOUNTANT)

    @classmethod
    def default_activity(cls):
        if is_entrepreneur():
            activities = own_activities()
            if len(activities) == 1:
                activity, = activities
                return activity

    @classmethod
    def get_auto_approved(cls, invoices, name):
        Event = Pool().get('cae.approval.event')
        found = set()
        with without_check_access():
            found.update(e.document.id for e in Event.search([
                        ('document', 'in', [str(i) for i in invoices]),
                        ('action', '=', 'post_alone'),
                        ]))
        return {i.id: i.id in found for i in invoices}

    @classmethod
    def search_auto_approved(cls, name, clause):
        _, operator, value = clause
        where = 'where' if (operator == '=') == bool(value) else 'not where'
        return [('approval_events', where, [('action', '=', 'post_alone')])]

    @classmethod
    def preprocess_values(cls, mode, values):
        values = super().preprocess_values(mode, values)
        if is_entrepreneur():
            if mode == 'create':
                values.setdefault('type', 'out')
            cls._fill_values(mode, values)
        return values

    @classmethod
    def _fill_values(cls, mode, values):
        "Add the account and the journal, which are not for who writes it"
        pool = Pool()
        Journal = pool.get('account.journal')
        Party = pool.get('party.party')
        company = Transaction().context.get('company')
        if mode == 'create' and not values.get('journal'):
            journal = Journal.find({'type': 'revenue'})
            values['journal'] = journal.id if journal else None
        if values.get('party') and not values.get('account'):
            with Transaction().set_context(company=company):
                account = Party(values['party']).account_receivable_used
            if account:
                values['account'] = account.id

    def _credit(self, **values):
        credit = super()._credit(**values)
        if is_entrepreneur():
            self._check_own([self])
        return credit

    @classmethod
    def _check_own(cls, invoices):
        """Refuse to an entrepreneur what is not wholly of their activities.

        An invoice of several activities is for who keeps the accounts.
        """
        own = own_activities()
        with without_check_access():
            for invoice in cls.browse(invoices):
                activities = {
                    line.activity for line in invoice.lines
                    if line.activity or line.type == 'line'}
                activities.add(invoice.activity)
                if invoice.type != 'out' or not all(
                        a and a.id in own for a in activities):
                    raise AccessError(gettext(
                            'cae_billing.msg_approval_own',
                            invoice=invoice.rec_name))

    @classmethod
    @ModelView.button
    def post_alone(cls, invoices):
        "Number and post within the ceilings, dated today"
        cls._check_own(invoices)
        cls._check_complete(invoices)
        for invoice in invoices:
            today = invoice._check_ceiling(
                'credit_note' if invoice.is_credit else 'invoice',
                {line.activity for line in invoice.line_lines})
            invoice.invoice_date = today
            invoice.accounting_date = None
            invoice.payment_term_date = None
        cls.save(invoices)
        cls._note(invoices, 'post_alone')
        cls.post(invoices)

    @classmethod
    @ModelView.button
    def approve(cls, invoices):
        "Accept what was submitted: it is validated, for posting"
        cls._check_approver(invoices)
        cls.validate_invoice(invoices)

    @classmethod
    @ModelView.button_action('cae_billing.wizard_approval_refuse')
    def refuse(cls, invoices):
        pass

    @classmethod
    def refuse_submission(cls, invoices, comment):
        """Give the documents back, with what must change.

        Raises ApprovalError when one is not submitted or has no comment.
        """
        cls._check_approver(invoices)
        for invoice in invoices:
            if invoice.state != 'draft' or invoice.approval != 'submitted':
                raise ApprovalError(gettext(
                        'cae_billing.msg_approval_not_submitted',
                        invoice=invoice.rec_name))
        super().refuse_submission(invoices, comment)
        cls.write(invoices, {'approval': 'refused'})

    @classmethod
    def _check_approver(cls, invoices):
        check_approver(
            (invoice, {
                    line.activity for line in invoice.line_lines
                    if line.activity} or {invoice.activity})
            for invoice in cls.browse(invoices))

    @classmethod
    @ModelView.button
    @Workflow.transition('validated')
    def validate_invoice(cls, invoices):
        cls._accept(invoices)
        super().validate_invoice(invoices)

    @classmethod
    @Workflow.transition('posted')
    def post_batch(cls, invoices):
        cls._accept(invoices)
        super().post_batch(invoices)

    @classmethod
    @ModelView.button
    @Workflow.transition('posted')
    def post(cls, invoices):
        cls._accept(invoices)
        super().post(invoices)

    @classmethod
    def check_modification(cls, mode, invoices, values=None, external=False):
        if external:
            check_reach('party.party', targets(
                    mode, 'party', invoices, values))
        super().check_modification(
            mode, invoices, values=values, external=external)


class InvoiceLine(metaclass=PoolMeta):
    __name__ = 'account.invoice.line'

    @fields.depends(
        'invoice', 'activity', '_parent_invoice.activity', 'type', 'account',
        'product', methods=['on_change_account'])
    def on_change_invoice(self):
        super().on_change_invoice()
        # Titles and comments too: their activity says who reads them
        if self.invoice and not self.activity:
            self.activity = self.invoice.activity
        if (self.type == 'line' and not self.account and not self.product
                and is_entrepreneur()):
            self.account = self._default_account()
            self.on_change_account()

    @classmethod
    def default_analytic_accounts(cls):
        # The other axes are for who keeps the accounts
        if is_entrepreneur():
            return []
        return super().default_analytic_accounts()

    @classmethod
    @without_check_access
    def default_analytic_accounts_size(cls):
        return super().default_analytic_accounts_size()

    @classmethod
    def _default_account(cls):
        return Pool().get('account.configuration')(1).get_multivalue(
            'default_category_account_revenue',
            company=Transaction().context.get('company'))

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
        cls._check_amounts(values)
        if is_entrepreneur():
            cls._fill_account(mode, values)
        return values

    @classmethod
    def _check_amounts(cls, values):
        "Refuse what is no amount, before anything is computed from it"
        for name in ['quantity', 'unit_price']:
            value = values.get(name)
            if value is None or not isinstance(value, (int, float, Decimal)):
                continue
            if not math.isfinite(value) or abs(value) >= LARGEST:
                raise AmountError(gettext(
                        'cae_billing.msg_invoice_line_amount',
                        value=value,
                        **cls.__names__(name)))

    @classmethod
    def _fill_account(cls, mode, values):
        "Add the account, that of the product or of the configuration"
        Product = Pool().get('product.product')
        if values.get('account') or not (
                values.get('product')
                or mode == 'create' and values.get('type', 'line') == 'line'):
            return
        if values.get('product'):
            check_reach('product.product', [values['product']])
            account = Product(values['product']).account_revenue_used
        else:
            account = cls._default_account()
        if not account:
            raise ApprovalError(gettext(
                    'cae_billing.msg_invoice_line_account'))
        values['account'] = account.id


class CreditInvoice(metaclass=PoolMeta):
    __name__ = 'account.invoice.credit'

    def default_start(self, fields):
        default = super().default_start(fields)
        if is_entrepreneur():
            default['with_refund'] = False
            default['with_refund_allowed'] = False
        return default

    @property
    def _credit_options(self):
        options = super()._credit_options
        if is_entrepreneur():
            # To refund is to post, and posting gives the date
            options.update(refund=False, invoice_date=None)
        return options

    def do_credit(self, action):
        if is_entrepreneur():
            for invoice in self.records:
                if invoice.state not in {'posted', 'paid'}:
                    raise ApprovalError(gettext(
                            'cae_billing.msg_approval_credit',
                            invoice=invoice.rec_name))
        return super().do_credit(action)


class AccountingMixin:
    "A wizard that changes what was posted"
    __slots__ = ()

    @classmethod
    def check_access(cls):
        super().check_access()
        if is_entrepreneur():
            raise AccessError(gettext(
                    'ir.msg_access_wizard_error', wizard=cls.__name__))


class PayInvoice(AccountingMixin, metaclass=PoolMeta):
    __name__ = 'account.invoice.pay'


class RescheduleLinesToPay(AccountingMixin, metaclass=PoolMeta):
    __name__ = 'account.invoice.lines_to_pay.reschedule'


class DelegateLinesToPay(AccountingMixin, metaclass=PoolMeta):
    __name__ = 'account.invoice.lines_to_pay.delegate'
