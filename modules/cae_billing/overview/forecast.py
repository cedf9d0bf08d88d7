# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What an activity may expect, month by month."""
from collections import defaultdict
from decimal import Decimal

from sql import Null, Union
from sql.conditionals import Coalesce
from sql.functions import DateTrunc, Extract

from trytond.model import ModelView, fields
from trytond.modules.currency.fields import Monetary
from trytond.pool import Pool
from trytond.pyson import Date, Eval, If
from trytond.transaction import without_check_access

from .month import MonthMixin


def amount(string, help):
    "Return the field of an amount of a month"
    return fields.Function(Monetary(
            string, currency='currency', digits='currency', help=help),
        'get_amounts')


class Forecast(MonthMixin, ModelView):
    """What customers are expected to pay in a month, and suppliers to be paid.

    One row for each month with an expected amount. All amounts include tax
    and are in the currency of the company, at the rate of today. A module
    that knows of other amounts adds its documents to `_queries` and `_parts`.
    """
    __name__ = 'cae.activity.forecast'
    __string__ = "Forecast"
    invoices = amount(
        "Invoices", "What is left to pay of the posted customer invoices, by "
        "due date.\nA month that is over is late.")
    suppliers = amount(
        "Suppliers", "What is left to pay of the posted supplier invoices, by "
        "due date.")
    expected = amount(
        "Expected", "What the activity receives less what it pays (prévision "
        "de trésorerie).")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._order = [('month', 'ASC'), ('activity', 'ASC'), ('id', None)]

    @classmethod
    def view_attributes(cls):
        return super().view_attributes() + [
            ('/tree', 'visual', If(
                    Eval('month', Date()) < Date(day=1), 'danger', '')),
            ]

    @classmethod
    def _queries(cls):
        """Return the queries of what is expected, one for each document.

        Their columns are activity, company and date.
        """
        pool = Pool()
        invoice = pool.get('account.invoice').__table__()
        line = pool.get('account.invoice.line').__table__()
        move_line = pool.get('account.move.line').__table__()
        return [line
            .join(invoice, condition=line.invoice == invoice.id)
            .join(move_line,
                condition=(move_line.move == invoice.move)
                & (move_line.account == invoice.account)
                & (move_line.reconciliation == Null))
            .select(
                line.activity.as_('activity'),
                invoice.company.as_('company'),
                Coalesce(
                    move_line.maturity_date,
                    invoice.invoice_date).as_('date'),
                where=(invoice.state == 'posted') & (line.activity != Null))]

    @classmethod
    def table_query(cls):
        queries = cls._queries()
        # Without doubles: it has a row for each activity and month
        parts = Union(*queries) if len(queries) > 1 else queries[0]
        month = cls.month.sql_cast(DateTrunc('month', parts.date))
        months = parts.select(
            parts.activity, parts.company, month.as_('month'),
            group_by=[parts.activity, parts.company, month.as_('month')])
        number = (
            (Extract('YEAR', months.month) - 2000) * 12
            + Extract('MONTH', months.month))
        return months.select(
            (months.activity * 12000 + number).cast(
                cls.id.sql_type().base).as_('id'),
            months.activity, months.company, months.month)

    @classmethod
    def _expected(cls):
        "Return {name of the field: its sign in what is expected}"
        return {'invoices': 1, 'suppliers': -1}

    @classmethod
    @without_check_access
    def get_amounts(cls, forecasts, names):
        signs = cls._expected()
        result = {
            name: {f.id: Decimal(0) for f in forecasts} for name in names}
        ids = {
            (f.activity, f.month): f.id for f in cls.browse(forecasts)}
        for name, activity, date, amount, currency in cls._parts(
                sorted({activity.id for activity, _ in ids})):
            id_ = ids.get((activity, date.replace(day=1)))
            if not id_:
                continue
            amount = cls._convert(activity.company, currency, amount)
            if name in result:
                result[name][id_] += amount
            if 'expected' in result:
                result['expected'][id_] += amount * signs.get(name, 0)
        return result

    @classmethod
    def _convert(cls, company, currency, amount):
        "Return the amount in the currency of the company, as of today"
        Currency = Pool().get('currency.currency')
        if currency == company.currency:
            return amount
        return Currency.compute(currency, amount, company.currency)

    @classmethod
    def _parts(cls, activities):
        """Yield what is expected for the activities, given by id.

        As (name of the field, activity, date, amount, currency).
        """
        pool = Pool()
        Due = pool.get('cae.activity.due')
        Invoice = pool.get('account.invoice')
        for invoice in Invoice.search([
                    ('state', '=', 'posted'),
                    ('lines', 'where', [('activity', 'in', activities)]),
                    ]):
            name = 'invoices' if invoice.type == 'out' else 'suppliers'
            for date, amount in _open_parts(invoice):
                for activity, part in Due.shares(invoice, amount).items():
                    yield name, activity, date, part, invoice.currency


def _open_parts(invoice):
    """Return [(date, amount)] of what is left to pay of the invoice.

    What was paid in part is taken from the first ones. The amounts are
    negative when the invoice gives back.
    """
    dues = defaultdict(Decimal)
    for line in invoice.lines_to_pay:
        if line.reconciliation:
            continue
        if line.second_currency == invoice.currency:
            amount = line.amount_second_currency
        else:
            amount = line.debit - line.credit
        date = line.maturity_date or invoice.invoice_date
        dues[date] += amount if invoice.type == 'out' else -amount
    sign = -1 if sum(dues.values()) < 0 else 1
    paid = sign * (sum(dues.values()) - invoice.amount_to_pay)
    result = []
    for date, amount in sorted(dues.items()):
        part = min(max(sign * amount, 0), max(paid, 0))
        paid -= part
        result.append((date, amount - sign * part))
    return result
