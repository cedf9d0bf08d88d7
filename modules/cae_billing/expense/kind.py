# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The kinds of expenses, as data of each cooperative."""
from decimal import Decimal

from trytond.i18n import gettext
from trytond.model import (
    DeactivableMixin, Index, ModelSQL, ModelView, Unique, fields)
from trytond.pool import Pool
from trytond.pyson import Eval
from trytond.transaction import Transaction

from ..apportion import round_half_up
from ..exceptions import ExpenseValidationError
from .common import check_numbers

# The kinds made with the cooperative: the code, the account, the tax of the
# French chart, the part refunded and whether it is mileage. VAT of transport
# and of one's own lodging is not recovered (Code général des impôts, annexe
# II, art. 206 IV).
DEFAULTS = [
    ('mileage', '6251', None, 1, True),
    ('transport', '6251', None, 1, False),
    ('lodging', '6251', None, 1, False),
    ('meal', '6257', 'tva_achat_services_taux_intermediaire', 1, False),
    ('supplies', '6064', 'tva_achat_biens_taux_normal', 1, False),
    ('phone', '626', 'tva_achat_services_taux_normal', Decimal('0.5'), False),
    ]


class Kind(DeactivableMixin, ModelSQL, ModelView):
    "A kind of expense: its account, its VAT and what is refunded of it"
    __name__ = 'cae.expense.kind'
    __string__ = "Expense Kind"

    name = fields.Char("Name", required=True)
    code = fields.Char("Code", required=True)
    company = fields.Many2One(
        'company.company', "Company", required=True, ondelete='CASCADE',
        states={
            'readonly': Eval('id', -1) >= 0,
            })
    mileage = fields.Boolean(
        "Mileage",
        help="Check if what is paid follows from the kilometres driven.")
    account = fields.Many2One(
        'account.account', "Account", required=True,
        domain=[
            ('company', '=', Eval('company', -1)),
            ('type.statement', '=', 'income'),
            ('closed', '!=', True),
            ])
    taxes = fields.Many2Many(
        'cae.expense.kind-account.tax', 'kind', 'tax', "Recoverable Taxes",
        domain=[
            ('company', '=', Eval('company', -1)),
            ('parent', '=', None),
            ['OR',
                ('group', '=', None),
                ('group.kind', 'in', ['purchase', 'both']),
                ],
            ],
        states={
            'invisible': Eval('mileage', False),
            },
        help="The VAT that is recovered of the amount tax included.\n"
        "Leave empty when the VAT is not deductible: it is then a part of "
        "the cost.")
    receipt_required = fields.Boolean(
        "Receipt Required",
        states={
            'invisible': Eval('mileage', False),
            },
        help="Uncheck for flat amounts, which have no receipt.")
    refund_share = fields.Numeric(
        "Refunded Share", digits=(5, 4), required=True,
        domain=[
            ('refund_share', '>', 0),
            ('refund_share', '<=', 1),
            ],
        states={
            'invisible': Eval('mileage', False),
            },
        help="The part of what was paid that the activity bears, of a phone "
        "used in private too for instance.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('code_unique', Unique(t, t.company, t.code),
                'cae_billing.msg_expense_kind_unique'),
            ]
        cls._sql_indexes.add(Index(t, (t.company, Index.Range())))
        cls._order = [('company', 'ASC'), ('name', 'ASC'), ('id', None)]

    @classmethod
    def default_company(cls):
        return Transaction().context.get('company')

    @classmethod
    def default_mileage(cls):
        return False

    @classmethod
    def default_receipt_required(cls):
        return True

    @classmethod
    def default_refund_share(cls):
        return 1

    @fields.depends('mileage')
    def on_change_mileage(self):
        if self.mileage:
            self.taxes = None
            self.receipt_required = False
            self.refund_share = 1

    @classmethod
    def search_rec_name(cls, name, clause):
        return ['OR',
            ('code', *clause[1:]),
            ('name', *clause[1:]),
            ]

    @classmethod
    def preprocess_values(cls, mode, values):
        values = super().preprocess_values(mode, values)
        check_numbers(cls, values, ['refund_share'])
        return values

    @classmethod
    def validate_fields(cls, kinds, field_names):
        super().validate_fields(kinds, field_names)
        for kind in kinds:
            if kind.mileage and (
                    kind.taxes or kind.receipt_required
                    or kind.refund_share != 1):
                raise ExpenseValidationError(gettext(
                        'cae_billing.msg_expense_kind_taxes',
                        kind=kind.rec_name))

    def tax_rows(self, amount, date):
        """Return the taxes in an amount tax included: [(tax, base, amount)].

        They total the VAT that can be recovered at most, to the cent.
        """
        Tax = Pool().get('account.tax')
        if not self.taxes:
            return []
        untaxed = Tax.reverse_compute(amount, self.taxes, date)
        return [
            (row['tax'], round_half_up(row['base']),
                round_half_up(row['amount']))
            for row in Tax.compute(self.taxes, untaxed, 1, date)]

    @classmethod
    def setup(cls, company):
        "Create the usual kinds of a company that has none"
        pool = Pool()
        Account = pool.get('account.account')
        ModelData = pool.get('ir.model.data')
        Tax = pool.get('account.tax')
        if cls.search([
                    ('company', '=', company.id),
                    ('active', 'in', [True, False]),
                    ], limit=1):
            return
        accounts = {
            a.code: a.id for a in Account.search([
                    ('company', '=', company.id),
                    ('code', 'in', [row[1] for row in DEFAULTS]),
                    ('closed', '!=', True),
                    ('type.statement', '=', 'income'),
                    ])}
        templates = {
            d.db_id: d.fs_id for d in ModelData.search([
                    ('module', '=', 'account_fr'),
                    ('fs_id', 'in', [row[2] for row in DEFAULTS if row[2]]),
                    ])}
        taxes = {
            templates[t.template.id]: t.id for t in Tax.search([
                    ('company', '=', company.id),
                    ('template', 'in', list(templates)),
                    ])}
        cls.create([{
                    'company': company.id,
                    'code': code,
                    'name': gettext(f'cae_billing.msg_expense_kind_{code}'),
                    'account': accounts[account],
                    'taxes': [('add', [taxes[tax]])] if tax in taxes else [],
                    'refund_share': Decimal(share),
                    'mileage': mileage,
                    'receipt_required': not mileage,
                    } for code, account, tax, share, mileage in DEFAULTS
                if account in accounts])


class KindTax(ModelSQL):
    __name__ = 'cae.expense.kind-account.tax'
    __string__ = "Expense Kind - Tax"

    kind = fields.Many2One(
        'cae.expense.kind', "Kind", required=True, ondelete='CASCADE')
    tax = fields.Many2One(
        'account.tax', "Tax", required=True, ondelete='RESTRICT')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('kind')
