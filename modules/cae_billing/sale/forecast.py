# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from sql import Literal
from sql.conditionals import Coalesce

from trytond.pool import Pool, PoolMeta

from ..approval.order import expected, has_draft_invoice
from ..overview.forecast import amount


class Forecast(metaclass=PoolMeta):
    __name__ = 'cae.activity.forecast'
    sales = amount(
        "Sales", "What is not on a posted invoice yet of the sales that the "
        "customers ordered, at their expected dates.")
    quotes = amount(
        "Quotes", "The quotes that the customers may still accept, at their "
        "expected dates. They are not counted in what is expected.")

    @classmethod
    def _queries(cls):
        sale = Pool().get('sale.sale').__table__()
        return super()._queries() + [expected(
                sale, Coalesce(
                    sale.expected_date, sale.sale_date, sale.quotation_date),
                sale.state.in_(['quotation', 'confirmed'])
                | (sale.state == 'processing')
                & ((sale.to_invoice == Literal(True))
                    | has_draft_invoice(sale, 'sale.line', 'sale')))]

    @classmethod
    def _expected(cls):
        return {**super()._expected(), 'sales': 1}

    @classmethod
    def _parts(cls, activities):
        Sale = Pool().get('sale.sale')
        yield from super()._parts(activities)
        for sale in Sale.search([
                    ('activity', 'in', activities),
                    ('state', 'in', ['quotation', 'confirmed', 'processing']),
                    ]):
            date = sale.expected_date or sale.sale_date or sale.quotation_date
            if sale.state == 'quotation':
                name, left = 'quotes', sale.total_amount
            else:
                name, left = 'sales', sale.amount_to_invoice()
            yield name, sale.activity, date, left, sale.currency
