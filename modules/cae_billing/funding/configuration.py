# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.model import fields
from trytond.pool import Pool, PoolMeta
from trytond.transaction import Transaction, without_check_access

from ..configuration import _account, _company, _journal

# The settings found in the French chart, by the code of an account that
# must be there for them
ACCOUNTS = {
    'funding_receivable_account': '4417',
    'funding_income_account': '741',
    'funding_deferred_account': '487',
    }
CODES = {
    'income_codes': ('7', '70'),
    'funding_codes': ('74', '74'),
    'returned_vat_codes': ('44551', '4455'),
    'returned_tax_codes': ('444 447', '444'),
    'returned_contribution_codes': ('431 437', '431'),
    }


def _income_account(value=False):
    return fields.Many2One(
        'account.account', "Grant Income",
        domain=[
            ('company', '=', _company(value)),
            ('closed', '!=', True),
            ('type.statement', '=', 'income'),
            ],
        help="Where grants are income (subventions d'exploitation).")


def _codes(string, help):
    def make(value=False):
        return fields.Char(
            string, help=f"{help}\n"
            "The first digits of the codes of the accounts, with spaces "
            "between them.")
    return make


_funding_journal = _journal(
    "Funding Journal", "Where grants notified are posted.")
_receivable_account = _account(
    "Grant Receivable",
    "What the funders notified and did not pay yet (subventions à recevoir).")
_deferred_account = _account(
    "Grant Deferred",
    "What is tied to later costs (produits constatés d'avance).")
_income_codes = _codes(
    "Income Accounts", "All income, the public funding with it.")
_funding_codes = _codes(
    "Public Funding Accounts", "Grants of public funders.")
_vat_codes = _codes(
    "VAT Paid Accounts", "Debited when the VAT is paid to the State.")
_tax_codes = _codes(
    "Taxes Paid Accounts", "Debited when other taxes are paid.")
_contribution_codes = _codes(
    "Social Contributions Paid Accounts",
    "Debited when the contributions of employees and employer are paid.")


class Configuration(metaclass=PoolMeta):
    __name__ = 'cae.configuration'
    funding_journal = fields.MultiValue(_funding_journal())
    funding_receivable_account = fields.MultiValue(_receivable_account())
    funding_income_account = fields.MultiValue(_income_account())
    funding_deferred_account = fields.MultiValue(_deferred_account())
    income_codes = fields.MultiValue(_income_codes())
    funding_codes = fields.MultiValue(_funding_codes())
    returned_vat_codes = fields.MultiValue(_vat_codes())
    returned_tax_codes = fields.MultiValue(_tax_codes())
    returned_contribution_codes = fields.MultiValue(_contribution_codes())

    @classmethod
    def setup_company(cls, company):
        super().setup_company(company)
        with without_check_access(), \
                Transaction().set_context(company=company.id):
            cls._setup_journal(company, 'funding_journal', 'OD')
            cls._setup_funding(company)

    @classmethod
    def _setup_funding(cls, company):
        Account = Pool().get('account.account')
        accounts = {a.code: a for a in Account.search([
                    ('company', '=', company.id),
                    ('code', 'in', [
                            *ACCOUNTS.values(),
                            *(code for _, code in CODES.values())]),
                    ])}
        for name, code in ACCOUNTS.items():
            account = accounts.get(code)
            if account and not account.closed and not cls(1).get_multivalue(
                    name, company=company.id):
                cls(1).set_multivalue(name, account, company=company.id)
        for name, (codes, code) in CODES.items():
            if code in accounts and not cls(1).get_multivalue(
                    name, company=company.id):
                cls(1).set_multivalue(name, codes, company=company.id)

    @classmethod
    def accounts_of(cls, company, name):
        "Return the accounts of the company whose codes the setting gives"
        Account = Pool().get('account.account')
        with without_check_access():
            codes = cls(1).get_multivalue(name, company=company.id)
            return Account.search([
                    ('company', '=', company.id),
                    ['OR', ('id', '<', 0), *(
                            ('code', 'like', f'{code}%')
                            for code in (codes or '').split())],
                    ], order=[])


class ConfigurationValue(metaclass=PoolMeta):
    __name__ = 'cae.configuration.value'
    funding_journal = _funding_journal(True)
    funding_receivable_account = _receivable_account(True)
    funding_income_account = _income_account(True)
    funding_deferred_account = _deferred_account(True)
    income_codes = _income_codes(True)
    funding_codes = _funding_codes(True)
    returned_vat_codes = _vat_codes(True)
    returned_tax_codes = _tax_codes(True)
    returned_contribution_codes = _contribution_codes(True)
