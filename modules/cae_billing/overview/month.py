# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from sql import Window
from sql.aggregate import Min, Sum
from sql.conditionals import Case
from sql.functions import DateTrunc

from trytond.model import ModelSQL, ModelView, fields
from trytond.modules.currency.fields import Monetary
from trytond.pool import Pool


def amount(string, help=''):
    "Return the field of an amount of a month"
    return Monetary(
        string, currency='currency', digits='currency', readonly=True,
        help=help)


class MonthMixin(ModelSQL):
    "A row for a month of an activity"
    activity = fields.Many2One('cae.activity', "Activity", readonly=True)
    company = fields.Many2One('company.company', "Company", readonly=True)
    currency = fields.Function(
        fields.Many2One('currency.currency', "Currency"), 'get_currency')
    month = fields.Date("Month", readonly=True)

    @classmethod
    def get_currency(cls, months, name):
        return {m.id: m.company.currency.id for m in months}

    def get_rec_name(self, name):
        lang = Pool().get('ir.lang').get()
        return (
            f'{self.activity.rec_name} – '
            f'{lang.strftime(self.month, "%m/%Y")}')

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('activity.rec_name', *clause[1:])]


class Month(MonthMixin, ModelView):
    """What an activity earned and spent in a month (compte de résultat).

    One row for each month with a posted move. A column is the sum of the
    movements of the kind of its name; a module that adds a kind to
    `cae.activity.movement` adds its column.
    """
    __name__ = 'cae.activity.month'
    __string__ = "Month of an Activity"
    sale = amount("Sales", help="Untaxed, as invoiced (chiffre d'affaires).")
    purchase = amount("Purchases")
    fee = amount("Contributions")
    expense = amount("Expense Sheets")
    internal = amount("Between Activities")
    year_end = amount("Year End", help="Cut-offs and allocated results.")
    other = amount("Others")
    result = amount(
        "Result", help="Income less costs of the month (résultat).")
    balance = amount(
        "Balance", help="The results up to this month (solde facturé).")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._order = [('month', 'DESC'), ('activity', 'ASC'), ('id', None)]

    @classmethod
    def table_query(cls):
        Movement = Pool().get('cae.activity.movement')
        movement = Movement.__table__()
        kinds = [k for k, _ in Movement.kind.selection]
        month = cls.month.sql_cast(DateTrunc('month', movement.date))
        by_month = movement.select(
            Min(movement.id).as_('id'),
            movement.activity,
            movement.company,
            month.as_('month'),
            *(Sum(Case(
                        (movement.kind == kind, movement.amount),
                        else_=0)).as_(kind)
                for kind in kinds),
            Sum(movement.amount).as_('result'),
            group_by=[
                movement.activity, movement.company, month.as_('month')])
        return by_month.select(
            by_month.id, by_month.activity, by_month.company, by_month.month,
            *(getattr(by_month, kind) for kind in kinds),
            by_month.result,
            Sum(by_month.result, window=Window(
                    [by_month.activity],
                    order_by=[by_month.month])).as_('balance'))
