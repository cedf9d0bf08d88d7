# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.i18n import gettext
from trytond.model import fields
from trytond.pool import Pool, PoolMeta
from trytond.transaction import (
    Transaction, inactive_records, without_check_access)

from ..configuration import _account, _journal

# The kinds of a new cooperative: message, codes of the account, of its VAT,
# of the account of the lines, side, reversed
KINDS = [
    ('accrued_income', '4181', '44587', None, 'asset', True),
    ('accrued_expense', '4081', '44586', None, 'debt', True),
    ('deferred_income', '487', None, None, 'debt', True),
    ('prepaid_expense', '486', None, None, 'asset', True),
    ('work_in_progress', '3451', None, '71345', 'asset', True),
    ('stock', '371', None, '6037', 'asset', True),
    ('accrued_pay', '42861', None, '64113', 'debt', True),
    ('accrued_contributions', '4386', None, '6451', 'debt', True),
    ('cape', '4672', None, '6581', 'debt', False),
    ]

_year_end_journal = _journal(
    "Year End Journal",
    "Where what is cut off at the end of a year is posted.")
_year_end_account = _account(
    "Year End Account",
    "Debited to the activity and credited to the allocated results, so that "
    "its balance does not change (prises en charge et résultats affectés).",
    statement='income')


class Configuration(metaclass=PoolMeta):
    __name__ = 'cae.configuration'
    year_end_journal = fields.MultiValue(_year_end_journal())
    year_end_account = fields.MultiValue(_year_end_account())

    @classmethod
    def setup_company(cls, company):
        super().setup_company(company)
        with without_check_access(), inactive_records(), \
                Transaction().set_context(company=company.id):
            cls._setup_journal(company, 'year_end_journal', 'OD')
            cls._setup_cutoff_kinds(company)

    @classmethod
    def _account_codes(cls):
        return super()._account_codes() + [('year_end_account', '62895')]

    @classmethod
    def _setup_cutoff_kinds(cls, company):
        "Create the missing kinds whose accounts are in the chart"
        pool = Pool()
        Account = pool.get('account.account')
        Kind = pool.get('cae.cutoff.kind')
        accounts = {a.code: a.id for a in Account.search([
                    ('company', '=', company.id),
                    ('code', 'in', [
                            code for _, *codes, _, _ in KINDS
                            for code in codes if code]),
                    ('closed', '!=', True),
                    ('type', '!=', None),
                    ])}
        accounts[None] = None
        made = {k.account.id for k in Kind.search([
                    ('company', '=', company.id)])}
        Kind.create([{
                    'name': gettext(f'cae_billing.msg_cutoff_kind_{name}'),
                    'company': company.id,
                    'account': accounts[account],
                    'tax_account': accounts[tax],
                    'line_account': accounts[line],
                    'side': side,
                    'reversed': reversed_,
                    } for name, account, tax, line, side, reversed_ in KINDS
                if {account, tax, line} <= accounts.keys()
                and accounts[account] not in made])


class ConfigurationValue(metaclass=PoolMeta):
    __name__ = 'cae.configuration.value'
    year_end_journal = _year_end_journal(True)
    year_end_account = _year_end_account(True)
