# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The analytic account of the shared services of a year."""
from collections import defaultdict
from decimal import Decimal

from dateutil.relativedelta import relativedelta
from sql.aggregate import Sum
from sql.conditionals import Case

from trytond.i18n import gettext
from trytond.model import ModelSQL, ModelView, Workflow, fields
from trytond.modules.cae_members.model import STORED, CompanyCurrencyMixin
from trytond.modules.cae_members.query import fetch
from trytond.modules.currency.fields import Monetary
from trytond.pool import Pool
from trytond.pyson import Eval
from trytond.report import Report
from trytond.transaction import inactive_records, without_check_access

from ..apportion import round_half_up
from ..check.check import table
from ..exceptions import BalanceSheetError
from .sheet import STATES, ComputedMixin, PrintMixin

SECTIONS = [
    ('contribution', "Contributions of the Activities"),
    ('grant', "Grants"),
    ('income', "Other Income"),
    ('transfer', "Between Activities"),
    ('cost', "Costs"),
    ]


class SharedAccount(
        CompanyCurrencyMixin, PrintMixin, ComputedMixin, Workflow, ModelSQL,
        ModelView):
    """What the shared services of a year earned and cost.

    The analytic account of the mutualised services (Code du travail, art.
    R7331-9), with the year before: what the activities contributed, the
    grants, the costs and the result. Every entrepreneur reads it once it is
    handed out. What the services own and owe is in the balance sheet.
    """
    __name__ = 'cae.shared_account'
    __string__ = "Account of the Shared Services"
    company = fields.Many2One(
        'company.company', "Company", required=True,
        states={
            'readonly': (
                (Eval('state') != 'draft') | STORED & Eval('lines', [0])),
            })
    fiscalyear = fields.Many2One(
        'account.fiscalyear', "Fiscal Year", required=True,
        ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        states={
            'readonly': (
                (Eval('state') != 'draft') | STORED & Eval('lines', [0])),
            })
    year_name = fields.Char("Year", readonly=True)
    from_date = fields.Date("From Date", readonly=True)
    to_date = fields.Date("To Date", readonly=True)
    lines = fields.One2Many(
        'cae.shared_account.line', 'account', "Lines", readonly=True)
    income = fields.Function(Monetary(
            "Income", currency='currency', digits='currency',
            help="Contributions, grants, other income and what comes from "
            "activities less what goes to them."),
        'get_amounts')
    costs = fields.Function(Monetary(
            "Costs", currency='currency', digits='currency'),
        'get_amounts')
    result = fields.Function(Monetary(
            "Result", currency='currency', digits='currency'),
        'get_amounts')
    state = fields.Selection(
        STATES, "State", required=True, readonly=True, sort=False)
    _computed = 'lines'
    _source = {'company', 'fiscalyear', 'year_name', 'from_date', 'to_date'}

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._order = [('to_date', 'DESC'), ('id', 'DESC')]

    def get_rec_name(self, name):
        return self.year_name or f'({self.id})'

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('year_name', *clause[1:])]

    @classmethod
    def get_amounts(cls, accounts, names):
        result = {name: {} for name in names}
        for account in accounts:
            costs = -sum((
                    li.amount for li in account.lines
                    if li.section == 'cost'), Decimal(0))
            total = sum((li.amount for li in account.lines), Decimal(0))
            amounts = {
                'income': total + costs, 'costs': costs, 'result': total}
            for name in names:
                result[name][account.id] = amounts[name]
        return result

    @property
    def sections(self):
        "The lines by section: [(label, lines, amount, amount before)]"
        sections = defaultdict(list)
        for line in self.lines:
            sections[line.section_string].append(line)
        return [
            (label, lines, sum(li.amount for li in lines),
                sum(li.amount_before for li in lines))
            for label, lines in sections.items()]

    @property
    def result_before(self):
        return sum((li.amount_before for li in self.lines), Decimal(0))

    @classmethod
    def copy(cls, accounts, default=None):
        default = default.copy() if default is not None else {}
        for name in ['year_name', 'from_date', 'to_date']:
            default.setdefault(name)
        return super().copy(accounts, default=default)

    @classmethod
    @ModelView.button
    def compute(cls, accounts):
        "Make the lines of the year again"
        Line = Pool().get('cae.shared_account.line')
        with without_check_access():
            cls.lock(accounts)
            accounts = [
                a for a in cls.browse([a.id for a in accounts])
                if a.state == 'draft']
            Line.delete([li for a in accounts for li in a.lines])
            for account in accounts:
                year = account.fiscalyear
                cls.write([account], {
                        'year_name': year.name,
                        'from_date': year.start_date,
                        'to_date': year.end_date,
                        'lines': [('create', account._lines())],
                        })

    def _lines(self):
        """Return the values of the lines, by section and account.

        One query, whatever the number of activities.
        """
        pool = Pool()
        Account = pool.get('account.account')
        Activity = pool.get('cae.activity')
        shared = Activity.special(self.company, 'shared')
        start, end = self.fiscalyear.start_date, self.fiscalyear.end_date
        before = start - relativedelta(years=1)
        analytic, line, move = (
            table('analytic_account.line'), table('account.move.line'),
            table('account.move'))
        amount = analytic.credit - analytic.debit
        rows = fetch(analytic
            .join(line, condition=analytic.move_line == line.id)
            .join(move, condition=line.move == move.id)
            .select(
                line.account,
                Sum(Case((move.date >= start, amount), else_=0)).as_('now'),
                Sum(Case((move.date < start, amount), else_=0)).as_('then'),
                where=(analytic.account == shared.analytic_account.id)
                & (move.state == 'posted')
                & (move.date >= before) & (move.date <= end),
                group_by=line.account),
            [None, 'NUMERIC', 'NUMERIC'])
        amounts = {
            id_: (round_half_up(now), round_half_up(then))
            for id_, now, then in rows}
        with inactive_records():
            accounts = Account.browse(
                [id_ for id_, values in amounts.items() if any(values)])
        section_of = self._section_of()
        order = [section for section, _ in SECTIONS]
        values = [{
                'section': section_of(account),
                'code': account.code or '',
                'name': account.name,
                'amount': amounts[account.id][0],
                'amount_before': amounts[account.id][1],
                } for account in accounts]
        return sorted(values, key=lambda v: (
                order.index(v['section']), v['code'], v['name']))

    def _section_of(self):
        "Return the function that gives the section of an account"
        pool = Pool()
        Configuration = pool.get('cae.configuration')
        Rule = pool.get('cae.fee.rule')
        with inactive_records():
            fees = {r.account for r in Rule.search([
                        ('company', '=', self.company.id)])}
        grants, income = [
            set(Configuration.accounts_of(self.company, name))
            for name in ['funding_codes', 'income_codes']]

        def section_of(account):
            if account in fees:
                return 'contribution'
            if account.type.revenue and account.type.expense:
                return 'transfer'
            if account in grants:
                return 'grant'
            return (
                'income' if account.type.revenue or account in income
                else 'cost')
        return section_of


class SharedAccountLine(ModelSQL, ModelView):
    "What the shared services earned or bore on an account"
    __name__ = 'cae.shared_account.line'
    __string__ = "Line of the Account of the Shared Services"
    account = fields.Many2One(
        'cae.shared_account', "Account", required=True, readonly=True,
        ondelete='CASCADE')
    currency = fields.Function(
        fields.Many2One('currency.currency', "Currency"),
        'on_change_with_currency')
    section = fields.Selection(
        SECTIONS, "Section", required=True, readonly=True, sort=False)
    section_string = section.translated('section')
    code = fields.Char("Code", readonly=True)
    name = fields.Char("Name", required=True, readonly=True)
    amount = Monetary(
        "Amount", currency='currency', digits='currency', required=True,
        readonly=True, help="Positive for an income, negative for a cost.")
    amount_before = Monetary(
        "Year Before", currency='currency', digits='currency', required=True,
        readonly=True)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('account')
        cls._order = [('account', 'DESC'), ('id', 'ASC')]

    @fields.depends('account', '_parent_account.company')
    def on_change_with_currency(self, name=None):
        if self.account and self.account.company:
            return self.account.company.currency

    @classmethod
    def check_modification(cls, mode, lines, values=None, external=False):
        for line in lines:
            if external or mode == 'write' or line.account.state == 'done':
                raise BalanceSheetError(gettext(
                        'cae_billing.msg_balance_sheet_computed'))
        super().check_modification(
            mode, lines, values=values, external=external)


class SharedAccountReport(Report):
    __name__ = 'cae.shared_account'
