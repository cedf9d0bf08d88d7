# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The public money behind the support, by funder and territory."""
from sql import Null
from sql.aggregate import Count, Min, Sum

from trytond.model import ModelSQL, ModelView, fields
from trytond.modules.currency.fields import Monetary
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval
from trytond.transaction import Transaction

from .model import CompanyCurrencyMixin, YearContextMixin


class FundedAction(CompanyCurrencyMixin, metaclass=PoolMeta):
    __name__ = 'cae.funded_action'

    # Closed to entrepreneurs, so that it must not be read with the others
    amount = Monetary(
        "Amount", currency='currency', digits='currency', loading='lazy',
        domain=['OR',
            ('amount', '=', None),
            ('amount', '>=', 0),
            ],
        help="What the funder grants for the action.")
    territory = fields.Many2One(
        'country.subdivision', "Territory", ondelete='RESTRICT',
        help="The region, department or municipality for which the funder "
        "pays.\n"
        "Leave empty for the whole country.")


class FundedActionTotal(ModelSQL, ModelView):
    "What each funder grants for each territory"
    __name__ = 'cae.funded_action.total'
    __string__ = "Funding"

    company = fields.Many2One('company.company', "Company")
    funder = fields.Many2One(
        'party.party', "Funder",
        context={
            'company': Eval('company', -1),
            },
        depends={'company'})
    territory = fields.Many2One('country.subdivision', "Territory")
    number = fields.Integer("Actions")
    currency = fields.Function(
        fields.Many2One('currency.currency', "Currency"), 'get_currency')
    amount = Monetary("Amount", currency='currency', digits='currency')
    hours_planned = fields.TimeDelta("Hours Planned")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._order = [
            ('company', 'ASC'), ('funder', 'ASC'), ('territory', 'ASC'),
            ('id', None)]

    def get_rec_name(self, name):
        return self.funder.rec_name if self.funder else ''

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('funder.rec_name', *clause[1:])]

    @classmethod
    def table_query(cls):
        context = Transaction().context
        action = Pool().get('cae.funded_action').__table__()
        where = action.active
        if from_date := context.get('from_date'):
            where &= (action.to_date == Null) | (action.to_date >= from_date)
        if to_date := context.get('to_date'):
            where &= (
                (action.from_date == Null) | (action.from_date <= to_date))
        return action.select(
            Min(action.id).as_('id'), action.company, action.funder,
            action.territory, Count(action.id).as_('number'),
            Sum(action.amount).as_('amount'),
            Sum(action.hours_planned).as_('hours_planned'),
            where=where,
            group_by=[action.company, action.funder, action.territory])

    @classmethod
    def get_currency(cls, totals, name):
        return {t.id: t.company.currency.id for t in totals}


class FundedActionTotalContext(YearContextMixin, ModelView):
    __name__ = 'cae.funded_action.total.context'
    __string__ = "Funding Context"

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.from_date.help = (
            "Counts the actions that end on that day or after.")
        cls.to_date.help = (
            "Counts the actions that begin on that day or before.")
