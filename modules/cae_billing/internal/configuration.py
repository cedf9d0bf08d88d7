# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.i18n import gettext
from trytond.model import fields
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Id
from trytond.transaction import (
    Transaction, inactive_records, without_check_access)

from ..configuration import _company

# The kinds of a new cooperative: message, code of the account (none to choose
# it on the document), who is debited, from, to, by holders, with a decision
KINDS = [
    ('sale', '62894', 'to', 'business', 'any', True, False),
    ('staff', '62896', 'to', 'common', 'any', False, False),
    ('support', '62895', 'from', 'common', 'business', False, True),
    ('result', '62895', 'from', 'business', 'common', False, True),
    ('cost', None, 'to', 'any', 'any', False, False),
    ('income', None, 'from', 'any', 'any', False, False),
    ]


def _internal_sequence(value=False):
    return fields.Many2One(
        'ir.sequence.strict', "Internal Document Sequence",
        domain=[
            ('sequence_type', '=',
                Id('cae_billing', 'sequence_type_internal')),
            ('company', 'in', [_company(value), None]),
            ],
        help="Used to number the documents between activities without a "
        "hole.")


class Configuration(metaclass=PoolMeta):
    __name__ = 'cae.configuration'
    internal_sequence = fields.MultiValue(_internal_sequence())

    @classmethod
    def setup_company(cls, company):
        super().setup_company(company)
        with without_check_access(), inactive_records(), \
                Transaction().set_context(company=company.id):
            cls._setup_internal_sequence(company)
            cls._setup_internal_kinds(company)

    @classmethod
    def _setup_internal_sequence(cls, company):
        pool = Pool()
        ModelData = pool.get('ir.model.data')
        Sequence = pool.get('ir.sequence.strict')
        if cls(1).get_multivalue('internal_sequence', company=company.id):
            return
        sequence, = Sequence.create([{
                    'name': gettext('cae_billing.msg_sequence_internal'),
                    'company': company.id,
                    'prefix': 'I',
                    'padding': 6,
                    'sequence_type': ModelData.get_id(
                        'cae_billing', 'sequence_type_internal'),
                    }])
        cls(1).set_multivalue(
            'internal_sequence', sequence, company=company.id)

    @classmethod
    def _setup_internal_kinds(cls, company):
        "Create the missing kinds whose account is in the chart"
        pool = Pool()
        Account = pool.get('account.account')
        Kind = pool.get('cae.internal.kind')
        accounts = {a.code: a for a in Account.search([
                    ('company', '=', company.id),
                    ('code', 'in', [k[1] for k in KINDS if k[1]]),
                    ('closed', '!=', True),
                    ])}
        accounts[None] = None
        made = {
            (k.account, k.payer, k.from_side) for k in Kind.search([
                    ('company', '=', company.id)])}
        to_create = []
        for name, code, payer, from_side, to_side, holders, decision in KINDS:
            if (code in accounts
                    and (accounts[code], payer, from_side) not in made):
                to_create.append({
                        'name': gettext(
                            f'cae_billing.msg_internal_kind_{name}'),
                        'company': company.id,
                        'account': accounts[code] and accounts[code].id,
                        'payer': payer,
                        'from_side': from_side,
                        'to_side': to_side,
                        'holders': holders,
                        'decision': decision,
                        })
        Kind.create(to_create)


class ConfigurationValue(metaclass=PoolMeta):
    __name__ = 'cae.configuration.value'
    internal_sequence = _internal_sequence(True)
