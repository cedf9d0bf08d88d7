# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""By what right the company does services à la personne."""
import datetime as dt
from decimal import Decimal

from sql.aggregate import Sum
from sql.conditionals import Case, Coalesce

from trytond.i18n import gettext
from trytond.model import Check, ModelSQL, ModelView, Unique, fields
from trytond.modules.cae_members.model import CompanyCurrencyMixin
from trytond.modules.cae_members.query import fetch
from trytond.modules.currency.fields import Monetary
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Bool, Eval, If
from trytond.transaction import Transaction, without_check_access

from ..apportion import round_half_up
from ..exceptions import PersonalServiceError
from .law import exclusivity

VERDICTS = [
    ('exclusive', "Exclusive"),
    ('accessory', "With Accessory Activities"),
    ('refused', "Not Allowed"),
    ]


class Declaration(ModelSQL, ModelView):
    """The declaration and the approval of the company.

    Without declaration the customers have no tax credit (Code du travail,
    art. L7232-1-1 and D7233-1).
    """
    __name__ = 'cae.personal_service.declaration'
    __string__ = "Declaration of Personal Services"
    company = fields.Many2One(
        'company.company', "Company", required=True, ondelete='CASCADE')
    number = fields.Char(
        "Number", required=True,
        help="The number of the declaration, such as SAP123456789.")
    date = fields.Date(
        "Date", required=True,
        help="When the declaration was registered; it is in force from then "
        "on.")
    end_date = fields.Date(
        "End Date",
        domain=[
            If(Bool(Eval('end_date')) & Bool(Eval('date')),
                ('end_date', '>=', Eval('date')), ()),
            ],
        help="The last day, when it was withdrawn.\nLeave empty while it is "
        "in force.")
    approval_number = fields.Char(
        "Approval Number",
        states={
            'required': Bool(Eval('approval_date')),
            },
        help="The number of the approval (agrément) for fragile persons.")
    approval_date = fields.Date(
        "Approval Date",
        states={
            'required': Bool(Eval('approval_number')),
            })
    approval_end = fields.Date(
        "Approval End",
        domain=[
            If(Bool(Eval('approval_end')) & Bool(Eval('approval_date')),
                ('approval_end', '>=', Eval('approval_date')), ()),
            ],
        states={
            'required': Bool(Eval('approval_number')),
            },
        help="The last day of the approval, five years after its date (Code "
        "du travail, art. R7232-8).")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('date_unique', Unique(t, t.company, t.date),
                'cae_billing.msg_service_declaration_unique'),
            ]
        cls._order = [('date', 'DESC'), ('id', None)]

    @staticmethod
    def default_company():
        return Transaction().context.get('company')

    def get_rec_name(self, name):
        return self.number

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('number', *clause[1:])]

    @classmethod
    @without_check_access
    def at(cls, company, date):
        "Return the declaration of the company in force at the date, or None"
        found = cls.search([
                ('company', '=', company.id),
                ('date', '<=', date),
                ['OR', ('end_date', '=', None), ('end_date', '>=', date)],
                ], order=[('date', 'DESC')], limit=1)
        return found[0] if found else None

    def approved(self, date):
        "Return whether the approval is in force at the date"
        return bool(
            self.approval_number
            and self.approval_date <= date <= self.approval_end)


class Year(CompanyCurrencyMixin, ModelSQL, ModelView):
    """What a calendar year allows for the next one.

    The main and accessory turnover and the headcount that a company with
    other activities reports (Code du travail, art. L7232-1-2, 1° e). The
    turnover is that of the ledger: an activity does personal services when
    its trade is one.
    """
    __name__ = 'cae.personal_service.year'
    __string__ = "Year of Personal Services"
    company = fields.Many2One(
        'company.company', "Company", required=True, ondelete='CASCADE')
    year = fields.Integer("Year", required=True)
    headcount = fields.Numeric(
        "Employees", digits=(16, 2), required=True,
        domain=[('headcount', '>=', 0)],
        help="The average number of employees of the year, entrepreneurs "
        "with an employment contract included (Code de la sécurité sociale, "
        "art. L130-1).")
    services = fields.Function(Monetary(
            "Personal Services", currency='currency', digits='currency',
            help="The untaxed turnover of the activities whose trade is a "
            "personal service."),
        'get_figures')
    others = fields.Function(Monetary(
            "Others", currency='currency', digits='currency',
            help="The untaxed turnover of the other activities."),
        'get_figures')
    verdict = fields.Function(fields.Selection(
            VERDICTS, "Next Year",
            help="Whether personal services may be done the year after."),
        'get_figures')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('year_unique', Unique(t, t.company, t.year),
                'cae_billing.msg_service_year_unique'),
            ('year_range', Check(t, (t.year >= 2000) & (t.year <= 9998)),
                'cae_billing.msg_service_year_range'),
            ]
        cls._order = [('year', 'DESC'), ('id', None)]

    @staticmethod
    def default_company():
        return Transaction().context.get('company')

    @classmethod
    def default_year(cls):
        return Pool().get('ir.date').today().year - 1

    def get_rec_name(self, name):
        return str(self.year)

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('year', *clause[1:])]

    @classmethod
    def get_figures(cls, years, names):
        result = {name: {} for name in names}
        for year in years:
            figures = cls.figures(year.company, year.year)
            for name in names:
                result[name][year.id] = figures[name]
        return result

    @classmethod
    @without_check_access
    def figures(cls, company, year):
        """Return {name: figure} of a calendar year.

        The turnovers, the headcount or None, and the verdict for the year
        after by the law of its first day.
        """
        pool = Pool()
        Accessory = pool.get('cae.personal_service.accessory')
        services, others = cls._turnovers(company, year)
        found = cls.search([
                ('company', '=', company.id), ('year', '=', year)])
        headcount = found[0].headcount if found else None
        return {
            'services': services,
            'others': others,
            'headcount': headcount,
            'verdict': exclusivity(
                services, others, headcount,
                Accessory.at(dt.date(year + 1, 1, 1))),
            }

    @classmethod
    def _turnovers(cls, company, year):
        "Return the turnover of personal services and the other"
        pool = Pool()
        movement = pool.get('cae.activity.movement').__table__()
        activity = pool.get('cae.activity').__table__()
        trade = pool.get('cae.trade').__table__()
        is_service = Coalesce(trade.personal_service, False)
        query = (movement
            .join(activity, condition=movement.activity == activity.id)
            .join(trade, 'LEFT', condition=activity.trade == trade.id)
            .select(
                Sum(Case((is_service, movement.amount), else_=0)).as_(
                    'services'),
                Sum(Case((is_service, 0), else_=movement.amount)).as_(
                    'others'),
                where=(movement.company == company.id)
                & (movement.kind == 'sale')
                & (movement.date >= dt.date(year, 1, 1))
                & (movement.date <= dt.date(year, 12, 31))))
        amounts, = fetch(query, ['NUMERIC', 'NUMERIC'])
        return [round_half_up(a or Decimal(0)) for a in amounts]

    @classmethod
    def check(cls, company, date):
        """Refuse what a company with other activities may not do.

        By the turnover of the calendar year before the date. Raises
        PersonalServiceError.
        """
        figures = cls.figures(company, date.year - 1)
        if figures['verdict'] != 'refused':
            return
        Lang = Pool().get('ir.lang')
        lang = Lang.get()
        raise PersonalServiceError(gettext(
                'cae_billing.msg_service_headcount'
                if figures['headcount'] is None
                else 'cae_billing.msg_service_exclusive',
                company=company.rec_name,
                year=date.year - 1,
                headcount=lang.format_number(figures['headcount'] or 0),
                others=lang.currency(
                    figures['others'], company.currency, grouping=True),
                total=lang.currency(
                    figures['services'] + figures['others'],
                    company.currency, grouping=True)))


class Company(metaclass=PoolMeta):
    __name__ = 'company.company'

    def may_do_accessory(self):
        """Return whether it may do other things than personal services.

        Few enough employees in the last calendar year; the turnover is looked
        at when invoices are posted.
        """
        pool = Pool()
        Accessory = pool.get('cae.personal_service.accessory')
        Date = pool.get('ir.date')
        Year = pool.get('cae.personal_service.year')
        with Transaction().set_context(company=self.id):
            today = Date.today()
        limit = Accessory.at(today)
        with without_check_access():
            years = Year.search([
                    ('company', '=', self.id),
                    ('year', '=', today.year - 1),
                    ])
        return bool(
            super().may_do_accessory()
            or limit and years and years[0].headcount < limit.headcount)
