# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.i18n import gettext
from trytond.model import fields
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval, Id
from trytond.transaction import Transaction, without_check_access


def _company(value):
    return (
        Eval('company', -1) if value
        else Eval('context', {}).get('company', -1))


def _journal(string, help):
    def make(value=False):
        return fields.Many2One(
            'account.journal', string,
            domain=[('type', '=', 'general')], help=help)
    return make


def _account(string, help, statement='balance'):
    def make(value=False):
        return fields.Many2One(
            'account.account', string,
            domain=[
                ('company', '=', _company(value)),
                ('closed', '!=', True),
                ('type.statement', '=', statement),
                ],
            help=help)
    return make


def _fee_sequence(value=False):
    return fields.Many2One(
        'ir.sequence.strict', "Fee Sequence",
        domain=[
            ('sequence_type', '=', Id('cae_billing', 'sequence_type_fee')),
            ('company', 'in', [_company(value), None]),
            ],
        help="Used to number the fees without a hole.")


_internal_journal = _journal(
    "Internal Journal",
    "Where fees and documents between activities are posted "
    "(journal des cessions internes).")
_vat_journal = _journal(
    "VAT Journal", "Where the VAT due on receipts is posted.")
_vat_waiting_account = _account(
    "VAT Waiting",
    "The VAT of what was invoiced and not received yet. Leave empty when no "
    "VAT is due on receipts (TVA en attente d'encaissement).")
_vat_due_account = _account(
    "VAT Due", "The VAT to declare (TVA collectée).")


class Configuration(metaclass=PoolMeta):
    __name__ = 'cae.configuration'
    internal_journal = fields.MultiValue(_internal_journal())
    vat_journal = fields.MultiValue(_vat_journal())
    vat_waiting_account = fields.MultiValue(_vat_waiting_account())
    vat_due_account = fields.MultiValue(_vat_due_account())
    fee_sequence = fields.MultiValue(_fee_sequence())

    @classmethod
    def setup_company(cls, company):
        super().setup_company(company)
        with without_check_access(), \
                Transaction().set_context(company=company.id):
            cls._setup_journals(company)
            cls._setup_fees(company)
            cls._setup_accounts(company)

    @classmethod
    def _setup_journal(cls, company, field, code):
        """Set the general journal of the code, created when there is none."""
        Journal = Pool().get('account.journal')
        if cls(1).get_multivalue(field, company=company.id):
            return
        journals = Journal.search([
                ('code', '=', code),
                ('type', '=', 'general'),
                ], limit=1)
        if not journals:
            journals = Journal.create([{
                        'name': gettext(f'cae_billing.msg_{_NAMES[code]}'),
                        'code': code,
                        'type': 'general',
                        }])
        cls(1).set_multivalue(field, journals[0], company=company.id)

    @classmethod
    def _setup_journals(cls, company):
        Journal = Pool().get('account.journal')
        Journal.write(Journal.search([
                    ('type', 'in', ['revenue', 'expense']),
                    ('cooperative', '!=', True),
                    ]), {'cooperative': True})
        cls._setup_journal(company, 'internal_journal', 'INT')
        cls._setup_journal(company, 'vat_journal', 'TVA')

    @classmethod
    def _setup_fees(cls, company):
        pool = Pool()
        ModelData = pool.get('ir.model.data')
        Sequence = pool.get('ir.sequence.strict')
        if cls(1).get_multivalue('fee_sequence', company=company.id):
            return
        sequence, = Sequence.create([{
                    'name': gettext('cae_billing.msg_sequence_fee'),
                    'company': company.id,
                    'prefix': 'F',
                    'padding': 6,
                    'sequence_type': ModelData.get_id(
                        'cae_billing', 'sequence_type_fee'),
                    }])
        cls(1).set_multivalue('fee_sequence', sequence, company=company.id)

    @classmethod
    def _account_codes(cls):
        "Return the settings with the codes to look for, the best one first"
        return [
            ('vat_waiting_account', '44574'),
            ('vat_due_account', '44571'),
            ]

    @classmethod
    def _setup_accounts(cls, company):
        Account = Pool().get('account.account')
        for field, code in cls._account_codes():
            if cls(1).get_multivalue(field, company=company.id):
                continue
            accounts = Account.search([
                    ('company', '=', company.id),
                    ('code', '=', code),
                    ('closed', '!=', True),
                    ], limit=1)
            if accounts:
                cls(1).set_multivalue(
                    field, accounts[0], company=company.id)


_NAMES = {
    'INT': 'journal_internal',
    'NDF': 'journal_expense',
    'OD': 'journal_general',
    'TVA': 'journal_vat',
    }


class ConfigurationValue(metaclass=PoolMeta):
    __name__ = 'cae.configuration.value'
    internal_journal = _internal_journal(True)
    vat_journal = _vat_journal(True)
    vat_waiting_account = _vat_waiting_account(True)
    vat_due_account = _vat_due_account(True)
    fee_sequence = _fee_sequence(True)
