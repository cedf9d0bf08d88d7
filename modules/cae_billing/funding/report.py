# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The public funding of a period, and what its funders ask about it."""
from decimal import Decimal
from fractions import Fraction

from dateutil.relativedelta import relativedelta
from sql import Window
from sql.aggregate import Sum
from sql.conditionals import Case
from sql.functions import RowNumber

from trytond.model import ModelSQL, ModelView, Unique, fields
from trytond.modules.cae_members.model import CompanyCurrencyMixin
from trytond.modules.cae_members.query import fetch
from trytond.modules.currency.fields import Monetary
from trytond.pool import Pool
from trytond.pyson import Bool, Eval, If
from trytond.report import Report
from trytond.transaction import (
    Transaction, inactive_records, without_check_access)

from ..apportion import round_half_up
from .ratio import place, return_ratio, self_financing

PLACES = [
    (None, ""),
    ('below', "Below"),
    ('within', "Within"),
    ('above', "Above"),
    ]
MONEY = [
    'contributions', 'other_private', 'public_funding', 'total_income',
    'public_unassigned', 'vat_paid', 'taxes_paid',
    'social_contributions_paid']


class Reference(ModelSQL, ModelView):
    "The bounds within which the shares of a cooperative are usual"
    __name__ = 'cae.funding.reference'
    __string__ = "Funding Reference"
    start_date = fields.Date("Start Date", required=True)
    self_financing_low = fields.Numeric(
        "Lowest Self-Financing", digits=(5, 4), required=True,
        domain=[('self_financing_low', '>=', 0)])
    self_financing_high = fields.Numeric(
        "Highest Self-Financing", digits=(5, 4), required=True,
        domain=[
            ('self_financing_high', '>=', Eval('self_financing_low', 0)),
            ])
    return_low = fields.Numeric(
        "Lowest Return", digits=(5, 2), required=True,
        domain=[('return_low', '>=', 0)])
    return_high = fields.Numeric(
        "Highest Return", digits=(5, 2), required=True,
        domain=[('return_high', '>=', Eval('return_low', 0))])
    source = fields.Char("Source", required=True)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('start_date_unique', Unique(t, t.start_date),
                'cae_billing.msg_funding_reference_unique'),
            ]
        cls._order = [('start_date', 'DESC'), ('id', None)]

    @classmethod
    def at(cls, date):
        "Return the reference in force at the date or None"
        references = cls.search(
            [('start_date', '<=', date)], order=[('start_date', 'DESC')],
            limit=1)
        return references[0] if references else None


class FundingReport(CompanyCurrencyMixin, ModelSQL, ModelView):
    """What public funders paid for and what came back, over a period.

    The figures are those of the ledger when they are read: the income of the
    shared services and the solidarity fund, the grants, and what was paid to
    the State and the social bodies.
    """
    __name__ = 'cae.funding.report'
    __string__ = "Funding Report"
    company = fields.Many2One(
        'company.company', "Company", required=True,
        states={
            'readonly': Eval('id', -1) >= 0,
            })
    from_date = fields.Date(
        "From Date", required=True,
        domain=[
            If(Bool(Eval('to_date')),
                ('from_date', '<=', Eval('to_date')), ()),
            ])
    to_date = fields.Date(
        "To Date", required=True,
        domain=[
            If(Bool(Eval('from_date')),
                ('to_date', '>=', Eval('from_date')), ()),
            ])
    contributions = fields.Function(Monetary(
            "Contributions", currency='currency', digits='currency',
            help="What the activities paid to the shared services and the "
            "solidarity fund."),
        'get_figures')
    other_private = fields.Function(Monetary(
            "Other Private Income", currency='currency', digits='currency',
            help="What the shared services and the fund earned otherwise."),
        'get_figures')
    public_funding = fields.Function(Monetary(
            "Public Funding", currency='currency', digits='currency'),
        'get_figures')
    total_income = fields.Function(Monetary(
            "Total Operating Income", currency='currency',
            digits='currency'),
        'get_figures')
    self_financing = fields.Function(fields.Numeric(
            "Self-Financing", digits=(16, 4),
            help="Contributions and other private income over the total "
            "operating income (part d'autofinancement)."),
        'get_figures')
    self_financing_place = fields.Function(fields.Selection(
            PLACES, "Self-Financing and Reference"),
        'get_figures')
    self_financing_place_string = self_financing_place.translated(
        'self_financing_place')
    vat_paid = fields.Function(Monetary(
            "VAT Paid", currency='currency', digits='currency'),
        'get_figures')
    taxes_paid = fields.Function(Monetary(
            "Taxes Paid", currency='currency', digits='currency'),
        'get_figures')
    social_contributions_paid = fields.Function(Monetary(
            "Social Contributions Paid", currency='currency',
            digits='currency',
            help="Those of the employees and of the employer."),
        'get_figures')
    return_ratio = fields.Function(fields.Numeric(
            "Return", digits=(16, 2),
            help="What was paid to the State and the social bodies over the "
            "public funding (taux de retour)."),
        'get_figures')
    return_place = fields.Function(fields.Selection(
            PLACES, "Return and Reference"),
        'get_figures')
    return_place_string = return_place.translated('return_place')
    reference = fields.Function(fields.Many2One(
            'cae.funding.reference', "Reference"),
        'get_figures')
    funders = fields.One2Many(
        'cae.funding.report.funder', 'report', "Funders", readonly=True)
    public_unassigned = fields.Function(Monetary(
            "Without Agreement", currency='currency', digits='currency',
            help="Public funding posted without a funding agreement."),
        'get_figures')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._order = [('to_date', 'DESC'), ('id', 'DESC')]

    @staticmethod
    def default_company():
        return Transaction().context.get('company')

    @classmethod
    def default_from_date(cls):
        return Pool().get('ir.date').today() + relativedelta(
            years=-1, month=1, day=1)

    @classmethod
    def default_to_date(cls):
        return Pool().get('ir.date').today() + relativedelta(
            years=-1, month=12, day=31)

    def get_rec_name(self, name):
        lang = Pool().get('ir.lang').get()
        return (
            f'{lang.strftime(self.from_date)} – '
            f'{lang.strftime(self.to_date)}')

    @classmethod
    def get_figures(cls, reports, names):
        result = {name: {} for name in names}
        for report in reports:
            figures = cls.figures(
                report.company, report.from_date, report.to_date)
            for name in names:
                result[name][report.id] = figures[name]
        return result

    @classmethod
    def figures(cls, company, start, end):
        """Return {name of the field: figure} of the ledger for a period.

        Postings that only move balances at year end (journals of type
        situation) do not count.
        """
        pool = Pool()
        Agreement = pool.get('cae.funding.agreement')
        Configuration = pool.get('cae.configuration')
        Reference = pool.get('cae.funding.reference')
        with without_check_access(), inactive_records():
            transfers = {
                r.account.id for name in ['cae.internal.kind', 'cae.fee.rule']
                for r in pool.get(name).search([
                        ('company', '=', company.id),
                        ('account', '!=', None),
                        ])}
            fees = {r.account.id for r in pool.get('cae.fee.rule').search([
                        ('company', '=', company.id)])}

            def accounts(name):
                return {
                    a.id for a in Configuration.accounts_of(company, name)}
            public = accounts('funding_codes') - transfers
            private = accounts('income_codes') - public - transfers
            activities = pool.get('cae.activity').search([
                    ('company', '=', company.id),
                    ('kind', 'in', ['shared', 'fund']),
                    ])
            analytic = [a.analytic_account.id for a in activities]
            result = dict.fromkeys(MONEY, Decimal(0))
            result['contributions'] = cls._earned(
                company, start, end, fees, analytic)
            result['other_private'] = cls._earned(
                company, start, end, private, analytic)
            result['public_funding'] = cls._moved(
                company, start, end, public)
            for name, setting in [
                    ('vat_paid', 'returned_vat_codes'),
                    ('taxes_paid', 'returned_tax_codes'),
                    ('social_contributions_paid',
                        'returned_contribution_codes')]:
                result[name] = -cls._moved(
                    company, start, end, accounts(setting), paid=True)
            result['public_unassigned'] = (
                result['public_funding'] - cls._moved(
                    company, start, end, public, origin=Agreement))
            reference = Reference.at(end)
        result['total_income'] = sum(
            result[n] for n in [
                'contributions', 'other_private', 'public_funding'])
        share = self_financing(
            result['contributions'], result['other_private'],
            result['public_funding'])
        ratio = return_ratio(
            result['vat_paid'], result['taxes_paid'],
            result['social_contributions_paid'], result['public_funding'])
        result['self_financing'] = _round(share, '0.0001')
        result['return_ratio'] = _round(ratio, '0.01')
        result['reference'] = reference.id if reference else None
        result['self_financing_place'] = result['return_place'] = None
        if reference:
            result['self_financing_place'] = place(
                share, Fraction(reference.self_financing_low),
                Fraction(reference.self_financing_high))
            result['return_place'] = place(
                ratio, Fraction(reference.return_low),
                Fraction(reference.return_high))
        return result

    @staticmethod
    def _tables():
        pool = Pool()
        line = pool.get('account.move.line').__table__()
        move = pool.get('account.move').__table__()
        journal = pool.get('account.journal').__table__()
        return line, move, journal, (line
            .join(move, condition=line.move == move.id)
            .join(journal, condition=move.journal == journal.id))

    @staticmethod
    def _within(move, journal, company, start, end):
        return (
            (move.company == company.id) & (move.state == 'posted')
            & (move.date >= start) & (move.date <= end)
            & (journal.type != 'situation'))

    @classmethod
    def _earned(cls, company, start, end, accounts, analytic_accounts):
        "Return the credit less debit of the analytic accounts"
        analytic = Pool().get('analytic_account.line').__table__()
        line, move, journal, tables = cls._tables()
        in_ = fields.SQL_OPERATORS['in']
        return _sum(tables
            .join(analytic, condition=analytic.move_line == line.id)
            .select(
                Sum(analytic.credit - analytic.debit).as_('amount'),
                where=cls._within(move, journal, company, start, end)
                & in_(line.account, list(accounts))
                & in_(analytic.account, analytic_accounts)))

    @classmethod
    def _moved(
            cls, company, start, end, accounts, paid=False, origin=None):
        """Return the credit less debit of the accounts.

        Only of what moved money, or of the moves of the origin, when asked.
        """
        line, move, journal, tables = cls._tables()
        where = cls._within(move, journal, company, start, end)
        where &= fields.SQL_OPERATORS['in'](line.account, list(accounts))
        if paid:
            where &= journal.type.in_(['cash', 'statement'])
        if origin:
            where &= move.origin.like(f'{origin.__name__},%')
        return _sum(tables.select(
                Sum(line.credit - line.debit).as_('amount'), where=where))

    @property
    def company_lines(self):
        "The lines under the name of the company: address and identifier"
        party = self.company.party
        lines = []
        if address := party.address_get():
            lines.extend(address.full_address.splitlines())
        if party.tax_identifier:
            lines.append(party.tax_identifier.rec_name)
        return lines


def _sum(query):
    (amount,), = fetch(query, ['NUMERIC'])
    return round_half_up(amount or 0)


def _round(fraction, quantum):
    return None if fraction is None else round_half_up(
        fraction, Decimal(quantum))


class FundingReportFunder(ModelSQL, ModelView):
    "What a funder granted for a territory in the period of a report"
    __name__ = 'cae.funding.report.funder'
    __string__ = "Funder of a Funding Report"
    report = fields.Many2One(
        'cae.funding.report', "Report", required=True, readonly=True)
    company = fields.Many2One('company.company', "Company", readonly=True)
    currency = fields.Function(
        fields.Many2One('currency.currency', "Currency"), 'get_currency')
    funder = fields.Many2One(
        'party.party', "Funder", readonly=True,
        context={
            'company': Eval('company', -1),
            },
        depends={'company'})
    territory = fields.Many2One(
        'country.subdivision', "Territory", readonly=True)
    amount = Monetary(
        "Amount", currency='currency', digits='currency', readonly=True,
        help="What is income of the period.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('report')
        cls._order = [('funder', 'ASC'), ('territory', 'ASC'), ('id', None)]

    @classmethod
    def table_query(cls):
        pool = Pool()
        report = pool.get('cae.funding.report').__table__()
        agreement = pool.get('cae.funding.agreement').__table__()
        entry = pool.get('cae.funding.entry').__table__()
        amount = Sum(Case(
                (entry.kind.in_(['notified', 'released']), entry.amount),
                else_=-entry.amount))
        group_by = [
            report.id, report.company, agreement.funder, agreement.territory]
        return (report
            .join(agreement, condition=agreement.company == report.company)
            .join(entry,
                condition=(entry.agreement == agreement.id)
                & (entry.date >= report.from_date)
                & (entry.date <= report.to_date))
            .select(
                RowNumber(window=Window([], order_by=[
                            report.id, agreement.funder,
                            agreement.territory])).as_('id'),
                report.id.as_('report'), report.company, agreement.funder,
                agreement.territory, amount.as_('amount'),
                group_by=group_by))

    @classmethod
    def get_currency(cls, funders, name):
        return {f.id: f.company.currency.id for f in funders}

    def get_rec_name(self, name):
        return self.funder.rec_name

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('funder.rec_name', *clause[1:])]


class FundingReportPrint(Report):
    __name__ = 'cae.funding.report'
