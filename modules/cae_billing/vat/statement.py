# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What is behind the VAT of a month, to fill in the return."""
from collections import defaultdict
from decimal import Decimal

from sql.aggregate import Sum

from trytond.model import ModelSQL, ModelView, Unique, fields
from trytond.modules.cae_members.query import fetch
from trytond.modules.currency.fields import Monetary
from trytond.pool import Pool

from ..apportion import round_half_up

KINDS = [
    ('receipts', "Sales, on Receipts"),
    ('issue', "Sales, on Issue"),
    ('purchase', "Purchases"),
    ]
TYPES = {'base': 'base', 'tax': 'amount'}
in_ = fields.SQL_OPERATORS['in']


class Statement(ModelSQL, ModelView):
    """The VAT of a month by tax (état de TVA).

    It holds what is due to date less what the statements before declared, so
    that late payments, credit notes and documents correct themselves.
    """
    __name__ = 'cae.vat.statement'
    __string__ = "VAT Statement"

    company = fields.Many2One(
        'company.company', "Company", required=True, readonly=True,
        ondelete='RESTRICT')
    period = fields.Many2One(
        'account.period', "Month", required=True, readonly=True,
        ondelete='RESTRICT')
    closing = fields.Many2One(
        'cae.closing', "Closing", required=True, readonly=True,
        ondelete='RESTRICT')
    move = fields.Many2One(
        'account.move', "Move", readonly=True, ondelete='RESTRICT',
        help="What the receipts made due, from the account where it waited.")
    lines = fields.One2Many(
        'cae.vat.statement.line', 'statement', "Lines", readonly=True)
    currency = fields.Function(
        fields.Many2One('currency.currency', "Currency"), 'get_currency')
    collected = fields.Function(Monetary(
            "Collected VAT", currency='currency', digits='currency',
            help="On the sales (TVA collectée)."), 'get_amounts')
    deductible = fields.Function(Monetary(
            "Deductible VAT", currency='currency', digits='currency',
            help="On the purchases (TVA déductible)."), 'get_amounts')
    to_pay = fields.Function(Monetary(
            "To Pay", currency='currency', digits='currency',
            help="Collected less deductible; a credit when negative."),
        'get_amounts')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('period_unique', Unique(t, t.company, t.period),
                'cae_billing.msg_vat_statement_unique'),
            ]
        cls._order = [('period.start_date', 'DESC'), ('id', 'DESC')]

    def get_rec_name(self, name):
        return self.period.rec_name

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('period.rec_name', *clause[1:])]

    def get_currency(self, name):
        return self.company.currency.id

    @classmethod
    def get_amounts(cls, statements, names):
        line = Pool().get('cae.vat.statement.line').__table__()
        sums = defaultdict(Decimal)
        for statement, kind, amount in fetch(
                line.select(
                    line.statement, line.kind,
                    Sum(line.amount).as_('amount'),
                    where=in_(line.statement, [s.id for s in statements]),
                    group_by=[line.statement, line.kind]),
                [None, None, 'NUMERIC']):
            sums[statement, kind == 'purchase'] += round_half_up(amount)
        result = {}
        for statement in statements:
            collected, deductible = [
                sums[statement.id, purchase] for purchase in [False, True]]
            for name, amount in [
                    ('collected', collected), ('deductible', deductible),
                    ('to_pay', collected - deductible)]:
                result.setdefault(name, {})[statement.id] = amount
        return {name: result.get(name, {}) for name in names}

    @classmethod
    def declared(cls, company):
        """Return {(kind, tax id, 'base' or 'tax'): amount} of all statements
        of the company.
        """
        statement = cls.__table__()
        line = Pool().get('cae.vat.statement.line').__table__()
        result = {}
        for kind, tax, base, amount in fetch(
                line.join(statement,
                    condition=line.statement == statement.id)
                .select(
                    line.kind, line.tax, Sum(line.base).as_('base'),
                    Sum(line.amount).as_('amount'),
                    where=statement.company == company.id,
                    group_by=[line.kind, line.tax]),
                [None, None, 'NUMERIC', 'NUMERIC']):
            result[kind, tax, 'base'] = round_half_up(base)
            result[kind, tax, 'tax'] = round_half_up(amount)
        return result

    @classmethod
    def declare(cls, closing, move, amounts):
        """Return the statement of the month of the closing.

        ``amounts`` are {(kind, tax id, 'base' or 'tax'): amount}; ``move`` is
        what was posted, or None.
        """
        lines = defaultdict(
            lambda: dict.fromkeys(TYPES.values(), Decimal(0)))
        for (kind, tax, type_), amount in amounts.items():
            lines[kind, tax][TYPES[type_]] += amount
        statement, = cls.create([{
                    'company': closing.company.id,
                    'period': closing.period.id,
                    'closing': closing.id,
                    'move': move.id if move else None,
                    'lines': [('create', [
                                {'kind': kind, 'tax': tax, **values}
                                for (kind, tax), values in lines.items()])],
                    }])
        return statement


class StatementLine(ModelSQL, ModelView):
    "The base and the VAT of a tax in a month"
    __name__ = 'cae.vat.statement.line'
    __string__ = "VAT Statement Line"

    statement = fields.Many2One(
        'cae.vat.statement', "Statement", required=True, readonly=True,
        ondelete='CASCADE')
    kind = fields.Selection(
        KINDS, "Kind", required=True, readonly=True, sort=False,
        help="When the VAT is due: as the customer pays, or at the date of "
        "the document.")
    tax = fields.Many2One(
        'account.tax', "Tax", readonly=True, ondelete='RESTRICT')
    rate = fields.Function(
        fields.Numeric("Rate", digits=(14, 4)), 'get_rate')
    base = fields.Numeric(
        "Base", digits=(16, 2), required=True, readonly=True,
        help="The untaxed amount, a credit note counted as negative.")
    amount = fields.Numeric(
        "VAT", digits=(16, 2), required=True, readonly=True)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('statement')
        cls._order = [
            ('statement', 'DESC'), ('kind', 'DESC'), ('tax', 'ASC'),
            ('id', 'ASC')]

    def get_rate(self, name):
        return self.tax.rate if self.tax else None
