# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Purchases: who writes them and who lets them be ordered."""
from trytond.i18n import gettext
from trytond.model import ModelView
from trytond.pool import PoolMeta

from ..approval.order import OrderApprovalMixin, pending


class Ceiling(metaclass=PoolMeta):
    __name__ = 'cae.approval.ceiling'

    @classmethod
    def get_kinds(cls):
        return super().get_kinds() + [
            ('purchase', gettext('cae_billing.msg_ceiling_purchase'))]


class Event(metaclass=PoolMeta):
    __name__ = 'cae.approval.event'

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.action.selection += [
            ('confirm_alone', "Ordered Within the Ceiling")]

    @classmethod
    def _get_documents(cls):
        return super()._get_documents() + ['purchase.purchase']


class Pending(metaclass=PoolMeta):
    __name__ = 'cae.approval.pending'

    @classmethod
    def _queries(cls):
        return super()._queries() + [pending('purchase.purchase')]


class Purchase(OrderApprovalMixin, metaclass=PoolMeta):
    __name__ = 'purchase.purchase'

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._set_buttons('confirm_alone')

    @classmethod
    @ModelView.button
    def confirm_alone(cls, purchases):
        "Number and confirm the purchases within the ceilings, dated today"
        cls._alone(purchases, 'purchase', 'confirm_alone')
        cls._go_on(purchases)

    @classmethod
    @ModelView.button
    def approve(cls, purchases):
        "Accept what was submitted: it may be ordered from the supplier"
        cls._check_approver(purchases)
        cls._go_on(purchases)

    @classmethod
    def _go_on(cls, purchases):
        "Number and confirm what the supplier has already priced"
        cls.quote(purchases)
        cls.confirm(purchases)

    @classmethod
    @ModelView.button_action('cae_billing.wizard_purchase_refuse')
    def refuse(cls, purchases):
        pass

    @classmethod
    @ModelView.button_action('cae_billing.wizard_purchase_give_up')
    def give_up(cls, purchases):
        pass
