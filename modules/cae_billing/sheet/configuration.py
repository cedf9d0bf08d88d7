# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.model import fields
from trytond.pool import Pool, PoolMeta
from trytond.transaction import Transaction, without_check_access

# Those of the French chart: assets, stocks, suppliers, customers, pay, grants,
# other third parties, prepaid expenses and deferred income
CODES = '2 3 40 41 421 4286 4417 467 486 487'


def _balance_sheet_codes(value=False):
    return fields.Char(
        "Balance Sheet Accounts of Activities",
        help="What activities own and owe. The other accounts, those of "
        "money, VAT, social contributions and capital, are of the shared "
        "services.\n"
        "The first digits of the codes of the accounts, with spaces between "
        "them.")


class Configuration(metaclass=PoolMeta):
    __name__ = 'cae.configuration'
    balance_sheet_codes = fields.MultiValue(_balance_sheet_codes())

    @classmethod
    def setup_company(cls, company):
        super().setup_company(company)
        Account = Pool().get('account.account')
        with without_check_access(), \
                Transaction().set_context(company=company.id):
            if not cls(1).get_multivalue(
                    'balance_sheet_codes', company=company.id):
                if Account.search([
                            ('company', '=', company.id),
                            ('code', '=', '4417'),
                            ], limit=1):
                    cls(1).set_multivalue(
                        'balance_sheet_codes', CODES, company=company.id)


class ConfigurationValue(metaclass=PoolMeta):
    __name__ = 'cae.configuration.value'
    balance_sheet_codes = _balance_sheet_codes(True)
