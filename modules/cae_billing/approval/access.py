# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What an entrepreneur may change of the documents of the accounting.

The record rules say which documents; here is said which fields, as a list of
what is open: a field that another module adds is closed.
"""
from trytond.pool import Pool, PoolMeta
from trytond.transaction import Transaction, check_access

OPEN_FIELDS = {
    'account.invoice': {
        'activity', 'comment', 'currency', 'delivery_address',
        'delivery_date', 'description', 'invoice_address', 'lines', 'party',
        'party_tax_identifier', 'payment_term', 'reference', 'type'},
    'account.invoice.line': {
        'activity', 'currency', 'description', 'invoice', 'invoice_type',
        'note', 'product', 'quantity', 'sequence', 'taxes', 'type', 'unit',
        'unit_price'},
    'party.party': {
        'active', 'addresses', 'categories', 'contact_mechanisms',
        'identifiers', 'lang', 'name'},
    }
OPEN_MODELS = {
    'account.invoice', 'account.invoice.line',
    'account.invoice.line-account.tax'}
# Where what a party has on invoices is stored
CLOSED_MODELS = {'party.party.account', 'party.party.payment_term'}
# To whom a party or a product belongs
CLOSED_FIELDS = {
    'party.party': {'cae_activities'},
    'product.template': {'cae_activities'},
    }


def is_entrepreneur():
    "Return whether the user is an entrepreneur who keeps no accounts"
    pool = Pool()
    if not Transaction().user:
        return False
    ModelData = pool.get('ir.model.data')
    groups = pool.get('res.user').get_groups()
    return (
        ModelData.get_id('cae_members', 'group_entrepreneur') in groups
        and ModelData.get_id('account', 'group_account') not in groups)


def own_activities():
    "Return the ids of the activities that the user holds today"
    return set(Pool().get('ir.rule')._cae_own()[1])


def check_reach(name, ids):
    """Check that an entrepreneur may read what a document points at.

    It is printed with the document, whoever the customer belongs to.
    """
    if ids and is_entrepreneur():
        with check_access():
            Pool().get(name).read(ids, ['id'])


class ModelAccess(metaclass=PoolMeta):
    __name__ = 'ir.model.access'

    @classmethod
    def get_access(cls, models):
        access = super().get_access(models)
        if not is_entrepreneur():
            return access
        pool = Pool()
        Rule = pool.get('ir.rule')
        access = access.copy()
        for name in access:
            if name in CLOSED_MODELS or (
                    name not in OPEN_MODELS
                    and 'account.invoice' in Rule._cae_ruled_by(
                        pool.get(name))):
                access[name] = {
                    'read': access[name]['read'],
                    'write': False, 'create': False, 'delete': False}
        return access


class ModelFieldAccess(metaclass=PoolMeta):
    __name__ = 'ir.model.field.access'

    @classmethod
    def get_access(cls, models):
        accesses = super().get_access(models)
        models = [
            m for m in models if m in OPEN_FIELDS or m in CLOSED_FIELDS]
        if not models or not is_entrepreneur():
            return accesses
        accesses = accesses.copy()
        for model in models:
            access = accesses[model] = accesses[model].copy()
            closed = CLOSED_FIELDS.get(model, set())
            for name in Pool().get(model)._fields:
                if model in OPEN_FIELDS and name in OPEN_FIELDS[model]:
                    continue
                if model in OPEN_FIELDS or name in closed:
                    access[name] = {
                        'read': True, 'create': True, 'delete': True,
                        **access.get(name, {}), 'write': False}
                if name in closed:
                    access[name]['read'] = False
        return accesses


class Rule(metaclass=PoolMeta):
    __name__ = 'ir.rule'

    @classmethod
    def _cae_models(cls):
        return super()._cae_models() | {
            'cae.approval.ceiling', 'cae.approval.event', 'product.template'}
