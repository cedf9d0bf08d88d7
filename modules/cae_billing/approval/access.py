# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What an entrepreneur may change of the documents of the accounting.

The record rules say which documents; here is said which fields, as a list of
what is open: a field that another module adds is closed.
"""
from trytond.i18n import gettext
from trytond.model.exceptions import AccessError
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval, Id
from trytond.transaction import Transaction, check_access, without_check_access

OPEN_FIELDS = {
    'account.invoice': {
        'activity', 'comment', 'currency', 'delivery_address',
        'delivery_date', 'description', 'invoice_address', 'lines', 'party',
        'party_tax_identifier', 'payment_term', 'reference', 'type'},
    'account.invoice.line': {
        'activity', 'currency', 'description', 'gross_price', 'invoice',
        'invoice_type', 'note', 'product', 'quantity', 'sequence',
        'service_date', 'service_hours', 'service_nature', 'service_worker',
        'taxes', 'type', 'unit', 'unit_price'},
    'party.party': {
        'active', 'addresses', 'categories', 'contact_mechanisms',
        'identifiers', 'lang', 'name'},
    'purchase.purchase': {
        'activity', 'comment', 'contact', 'currency', 'description',
        'expected_date', 'invoice_address', 'lines', 'party',
        'payment_term', 'reference'},
    'purchase.line': {
        'description', 'note', 'product', 'purchase', 'quantity', 'sequence',
        'taxes', 'type', 'unit', 'unit_price'},
    'sale.sale': {
        'activity', 'advance_payment_term', 'comment', 'contact', 'currency',
        'deposit_rate', 'description', 'expected_date', 'invoice_address',
        'lines', 'party', 'payment_term', 'quotation_validity', 'reference',
        'shipment_address'},
    'sale.line': {
        'base_price', 'description', 'discount_amount', 'discount_rate',
        'gross_price', 'note', 'product', 'quantity', 'sale', 'sequence',
        'taxes', 'type', 'unit', 'unit_price'},
    }
OPEN_MODELS = {
    'account.invoice', 'account.invoice.line',
    'account.invoice.line-account.tax', 'purchase.line',
    'purchase.line-account.tax', 'purchase.purchase', 'sale.line',
    'sale.line-account.tax', 'sale.sale'}
# With what belongs to them
DOCUMENTS = {'account.invoice', 'purchase.purchase', 'sale.sale'}
# Where what a party has on invoices is stored
CLOSED_MODELS = {'party.party.account', 'party.party.payment_term'}
# At which prices suppliers sell to all
HIDDEN_MODELS = {
    'purchase.product_supplier', 'purchase.product_supplier.price'}
# To whom a party or a product belongs
CLOSED_FIELDS = {
    'party.party': {'cae_activities'},
    'product.template': {'cae_activities'},
    }

# What the user of the client is
IS_ENTREPRENEUR = Id('cae_members', 'group_entrepreneur').in_(
    Eval('context', {}).get('groups', []))
IS_ACCOUNTANT = Id('account', 'group_account').in_(
    Eval('context', {}).get('groups', []))


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


def targets(mode, name, records, values):
    "Return the ids that a creation or a change puts in the Many2One"
    if mode == 'create':
        return list({
                getattr(r, name).id for r in records if getattr(r, name)})
    return list(filter(None, [(values or {}).get(name)]))


def check_approver(documents):
    """Refuse an approval by who does not support the activities.

    ``documents`` are (document, its activities). The accounting and the
    advisors of all approve any document.
    """
    pool = Pool()
    Activity = pool.get('cae.activity')
    Date = pool.get('ir.date')
    ModelData = pool.get('ir.model.data')
    User = pool.get('res.user')
    if not Transaction().user or set(User.get_groups()) & {
            ModelData.get_id('account', 'group_account'),
            ModelData.get_id('cae_members', 'group_advisor_all')}:
        return
    employees = set(User.get_employees())
    today = Date.today()
    with without_check_access():
        for document, activities in documents:
            holders = Activity.holders_at(activities, today)
            for activity in activities:
                advisors = {e.advisor for e, _ in holders[activity.id]}
                advisors.add(activity.advisor)
                if not employees & {a.id for a in advisors if a}:
                    raise AccessError(gettext(
                            'cae_billing.msg_approval_portfolio',
                            invoice=document.rec_name,
                            activity=activity.rec_name))


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
            if name in HIDDEN_MODELS:
                access[name] = dict.fromkeys(access[name], False)
            elif name in CLOSED_MODELS or (
                    name not in OPEN_MODELS
                    and DOCUMENTS & Rule._cae_ruled_by(pool.get(name))):
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
            'cae.approval.ceiling', 'cae.approval.event',
            'cae.approval.pending', 'product.template'}
