# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.model import fields
from trytond.pool import PoolMeta
from trytond.pyson import Bool, Eval


def _clear_within():
    return fields.Integer(
        "To Clear within",
        domain=['OR',
            ('clear_within', '=', None),
            ('clear_within', '>=', 0),
            ],
        help="In days: an account of passage, such as expenses to refund, "
        "cards, transfers or suspense, on which nothing should stay longer "
        "(compte d'attente ou de passage). Leave empty for the others.")


class AccountTemplate(metaclass=PoolMeta):
    __name__ = 'account.account.template'
    clear_within = _clear_within()

    def _get_account_value(self, account=None):
        values = super()._get_account_value(account=account)
        if not account or account.clear_within != self.clear_within:
            values['clear_within'] = self.clear_within
        return values


class Account(metaclass=PoolMeta):
    __name__ = 'account.account'
    clear_within = _clear_within()
    clear_within.states['readonly'] = (
        Bool(Eval('template', -1)) & ~Eval('template_override', False))
