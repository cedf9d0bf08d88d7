# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from sql import Literal
from sql.conditionals import Coalesce

from trytond.pool import Pool, PoolMeta

from ..approval.order import expected, has_draft_invoice
from ..overview.forecast import amount


class Forecast(metaclass=PoolMeta):
    __name__ = 'cae.activity.forecast'
    purchases = amount(
        "Purchases", "What is not on a posted invoice yet of the purchases "
        "that were confirmed, at their expected dates.")

    @classmethod
    def _queries(cls):
        purchase = Pool().get('purchase.purchase').__table__()
        return super()._queries() + [expected(
                purchase, Coalesce(
                    purchase.expected_date, purchase.purchase_date),
                (purchase.state == 'confirmed')
                | (purchase.state == 'processing')
                & ((purchase.to_invoice == Literal(True))
                    | has_draft_invoice(
                        purchase, 'purchase.line', 'purchase')))]

    @classmethod
    def _expected(cls):
        return {**super()._expected(), 'purchases': -1}

    @classmethod
    def _parts(cls, activities):
        Purchase = Pool().get('purchase.purchase')
        yield from super()._parts(activities)
        for purchase in Purchase.search([
                    ('activity', 'in', activities),
                    ('state', 'in', ['confirmed', 'processing']),
                    ]):
            yield (
                'purchases', purchase.activity,
                purchase.expected_date or purchase.purchase_date,
                purchase.amount_to_invoice(), purchase.currency)
