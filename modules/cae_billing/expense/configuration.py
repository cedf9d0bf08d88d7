# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.i18n import gettext
from trytond.model import fields
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Id
from trytond.transaction import Transaction, without_check_access

from ..configuration import _account, _company, _journal
from .common import check_numbers

_expense_journal = _journal(
    "Expense Journal",
    "Where expense sheets are posted (journal des notes de frais).")
_expense_refund_account = _account(
    "Expense Refund",
    "What persons are owed for what they paid (frais à rembourser).")
_expense_card_account = _account(
    "Company Cards",
    "What was paid with company cards and is to be justified (cartes de "
    "paiement – achats à justifier).")
_expense_waiver_account = _account(
    "Waived Expenses",
    "The income of what persons waive of their refund (abandons de "
    "créance).", statement='income')


def _expense_sequence(value=False):
    return fields.Many2One(
        'ir.sequence', "Expense Sequence",
        domain=[
            ('sequence_type', '=', Id('cae_billing', 'sequence_type_expense')),
            ('company', 'in', [_company(value), None]),
            ],
        help="Used to number the expense sheets.")


def _mileage_rate(value=False):
    return fields.Numeric(
        "Mileage Rate", digits=(16, 4),
        domain=['OR', ('mileage_rate', '=', None), ('mileage_rate', '>', 0)],
        help="The amount of a kilometre that the cooperative decided, where "
        "it is below the scale. Leave empty to pay the scale.")


class Configuration(metaclass=PoolMeta):
    __name__ = 'cae.configuration'
    expense_journal = fields.MultiValue(_expense_journal())
    expense_refund_account = fields.MultiValue(_expense_refund_account())
    expense_card_account = fields.MultiValue(_expense_card_account())
    expense_waiver_account = fields.MultiValue(_expense_waiver_account())
    expense_sequence = fields.MultiValue(_expense_sequence())
    mileage_rate = fields.MultiValue(_mileage_rate())

    @classmethod
    def setup_company(cls, company):
        Kind = Pool().get('cae.expense.kind')
        super().setup_company(company)
        with without_check_access(), \
                Transaction().set_context(company=company.id):
            cls._setup_expenses(company)
            Kind.setup(company)

    @classmethod
    def _setup_journals(cls, company):
        super()._setup_journals(company)
        cls._setup_journal(company, 'expense_journal', 'NDF')

    @classmethod
    def _account_codes(cls):
        # 7588 stands below 758 since the chart of 2025
        return super()._account_codes() + [
            ('expense_refund_account', '4671'),
            ('expense_card_account', '4673'),
            ('expense_waiver_account', '7588'),
            ('expense_waiver_account', '758'),
            ]

    @classmethod
    def _setup_expenses(cls, company):
        pool = Pool()
        ModelData = pool.get('ir.model.data')
        Sequence = pool.get('ir.sequence')
        if cls(1).get_multivalue('expense_sequence', company=company.id):
            return
        sequence, = Sequence.create([{
                    'name': gettext('cae_billing.msg_sequence_expense'),
                    'company': company.id,
                    'prefix': 'NDF',
                    'padding': 5,
                    'sequence_type': ModelData.get_id(
                        'cae_billing', 'sequence_type_expense'),
                    }])
        cls(1).set_multivalue('expense_sequence', sequence, company=company.id)


class ConfigurationValue(metaclass=PoolMeta):
    __name__ = 'cae.configuration.value'
    expense_journal = _expense_journal(True)
    expense_refund_account = _expense_refund_account(True)
    expense_card_account = _expense_card_account(True)
    expense_waiver_account = _expense_waiver_account(True)
    expense_sequence = _expense_sequence(True)
    mileage_rate = _mileage_rate(True)

    @classmethod
    def preprocess_values(cls, mode, values):
        values = super().preprocess_values(mode, values)
        check_numbers(cls, values, ['mileage_rate'])
        return values
