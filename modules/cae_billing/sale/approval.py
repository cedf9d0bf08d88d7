# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Quotes: who writes them, who approves them and what the customer answers."""
from trytond.i18n import gettext
from trytond.model import ModelView
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval
from trytond.transaction import Transaction

from ..approval.access import IS_ENTREPRENEUR
from ..approval.order import OrderApprovalMixin, pending
from ..exceptions import QuoteExpiredError


class Ceiling(metaclass=PoolMeta):
    __name__ = 'cae.approval.ceiling'

    @classmethod
    def get_kinds(cls):
        return super().get_kinds() + [
            ('quote', gettext('cae_billing.msg_ceiling_quote'))]


class Event(metaclass=PoolMeta):
    __name__ = 'cae.approval.event'

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.action.selection += [
            ('quote_alone', "Quoted Within the Ceiling"),
            ('accept', "Accepted by the Customer"),
            ('decline', "Declined by the Customer"),
            ]

    @classmethod
    def _get_documents(cls):
        return super()._get_documents() + ['sale.sale']


class Pending(metaclass=PoolMeta):
    __name__ = 'cae.approval.pending'

    @classmethod
    def _queries(cls):
        return super()._queries() + [pending('sale.sale')]


class Sale(OrderApprovalMixin, metaclass=PoolMeta):
    __name__ = 'sale.sale'

    @classmethod
    def __setup__(cls):
        super().__setup__()
        sent = Eval('state') == 'quotation'
        cls._set_buttons('quote_alone')
        cls._show_buttons({
                'accept': sent & IS_ENTREPRENEUR,
                'decline': sent & IS_ENTREPRENEUR,
                'revise': sent & IS_ENTREPRENEUR,
                })
        cls._buttons['invoice_own'] = {
            'invisible': (
                cls._buttons['manual_invoice']['invisible']
                | ~IS_ENTREPRENEUR),
            'depends': cls._buttons['manual_invoice']['depends'],
            }

    @classmethod
    @ModelView.button
    def quote_alone(cls, sales):
        "Number the quotes within the ceilings, dated today"
        cls._alone(sales, 'quote', 'quote_alone')
        cls.quote(sales)

    @classmethod
    @ModelView.button
    def approve(cls, sales):
        "Accept what was submitted: the quote is numbered, for the customer"
        cls._check_approver(sales)
        cls.quote(sales)

    @classmethod
    @ModelView.button_action('cae_billing.wizard_sale_refuse')
    def refuse(cls, sales):
        pass

    @classmethod
    @ModelView.button_action('cae_billing.wizard_sale_give_up')
    def give_up(cls, sales):
        pass

    @classmethod
    @ModelView.button
    def accept(cls, sales):
        "Note that the customer accepted today: the quote is an order"
        Date = Pool().get('ir.date')
        cls._check_own(sales)
        for sale in sales:
            with Transaction().set_context(company=sale.company.id):
                today = Date.today()
            if sale.quotation_expire and sale.quotation_expire < today:
                raise QuoteExpiredError(gettext(
                        'cae_billing.msg_quote_expired',
                        sale=sale.rec_name,
                        date=sale._printed_lang.strftime(
                            sale.quotation_expire)))
        cls._note(sales, 'accept')
        cls.confirm(sales)

    @classmethod
    @ModelView.button
    def decline(cls, sales):
        "Note that the customer does not want it"
        cls._check_own(sales)
        cls._note(sales, 'decline')
        cls.cancel(sales)

    @classmethod
    @ModelView.button
    def revise(cls, sales):
        "Open quotes again to change them: they are approved once more"
        cls._check_own(sales)
        cls.draft(sales)

    @classmethod
    @ModelView.button
    def invoice_own(cls, sales):
        "Make the draft invoices of what is left to invoice"
        cls._check_own(sales)
        cls.manual_invoice(sales)
