# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from sql import Null
from sql.aggregate import Count, Min, Sum
from sql.conditionals import Case, Coalesce
from sql.functions import DateTrunc
from sql.operators import Concat

from trytond.model import ModelSQL, ModelView, fields
from trytond.modules.currency.fields import Monetary
from trytond.pool import Pool


class Figure(ModelSQL, ModelView):
    """The personal services of a month by nature.

    What the yearly and quarterly statements ask for (Code du travail, art.
    R7232-19), from posted invoices by the month of the intervention.
    """
    __name__ = 'cae.personal_service.figure'
    __string__ = "Figure of Personal Services"
    company = fields.Many2One('company.company', "Company", readonly=True)
    currency = fields.Function(
        fields.Many2One('currency.currency', "Currency"), 'get_currency')
    nature = fields.Many2One(
        'cae.personal_service.nature', "Nature", readonly=True)
    month = fields.Date("Month", readonly=True)
    hours = fields.Numeric("Hours", digits=(16, 2), readonly=True)
    customers = fields.Integer("Customers", readonly=True)
    workers = fields.Integer("Workers", readonly=True)
    amount = Monetary(
        "Turnover", currency='currency', digits='currency', readonly=True,
        help="Untaxed, as posted; credit notes are taken off.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._order = [
            ('month', 'DESC'), ('nature', 'ASC'), ('id', None)]

    @classmethod
    def get_currency(cls, figures, name):
        return {f.id: f.company.currency.id for f in figures}

    def get_rec_name(self, name):
        lang = Pool().get('ir.lang').get()
        return f'{self.nature.rec_name} – {lang.strftime(self.month, "%m/%Y")}'

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('nature.rec_name', *clause[1:])]

    @classmethod
    def table_query(cls):
        pool = Pool()
        analytic = pool.get('analytic_account.line').__table__()
        invoice = pool.get('account.invoice').__table__()
        line = pool.get('account.invoice.line').__table__()
        move = pool.get('account.move').__table__()
        posted = analytic.select(
            analytic.origin,
            Sum(analytic.credit - analytic.debit).as_('amount'),
            where=analytic.origin.like('account.invoice.line,%'),
            group_by=[analytic.origin])
        month = cls.month.sql_cast(DateTrunc('month', line.service_date))
        # The time of what is given back is taken off too
        sign = Case((posted.amount < 0, -1), else_=1)
        return (line
            .join(invoice, condition=line.invoice == invoice.id)
            .join(move, condition=invoice.move == move.id)
            .join(posted, condition=posted.origin
                == Concat('account.invoice.line,', line.id))
            .select(
                Min(line.id).as_('id'),
                line.company.as_('company'),
                line.service_nature.as_('nature'),
                month.as_('month'),
                Sum(Coalesce(line.service_hours, 0) * sign).as_('hours'),
                Count(invoice.party, distinct=True).as_('customers'),
                Count(line.service_worker, distinct=True).as_('workers'),
                Sum(posted.amount).as_('amount'),
                where=(move.state == 'posted')
                & (line.service_nature != Null)
                & (invoice.type == 'out'),
                group_by=[
                    line.company, line.service_nature, month.as_('month')]))
