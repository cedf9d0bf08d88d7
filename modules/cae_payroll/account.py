# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.i18n import gettext
from trytond.model import ModelSQL, ModelView, Unique, fields
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval
from trytond.transaction import Transaction, without_check_access

from .exceptions import UnmappedRuleError


class Journal(metaclass=PoolMeta):
    __name__ = 'account.journal'

    confidential = fields.Boolean(
        "Confidential",
        help="Check for pay: only payroll and the accounting administration "
        "can read the moves of the journal.")


class Move(metaclass=PoolMeta):
    __name__ = 'account.move'

    @classmethod
    def _get_origin(cls):
        return super()._get_origin() + ['cae.payroll.run']


class AnalyticLine(metaclass=PoolMeta):
    __name__ = 'analytic_account.line'

    @classmethod
    def _get_origin(cls):
        return super()._get_origin() + ['cae.payslip']


class PayrollAccount(ModelSQL, ModelView):
    "Where the amounts of a rule are posted in a company"
    __name__ = 'cae.payroll.account'
    __string__ = "Payroll Account"

    company = fields.Many2One(
        'company.company', "Company", required=True, ondelete='CASCADE')
    rule = fields.Many2One(
        'cae.payroll.rule', "Rule", required=True, ondelete='CASCADE')
    expense_account = fields.Many2One(
        'account.account', "Expense Account", ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ('closed', '!=', True),
            ('type.statement', '=', 'income'),
            ],
        help="Debited with the share of the employer.")
    liability_account = fields.Many2One(
        'account.account', "Liability Account", ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ('closed', '!=', True),
            ('type.statement', '=', 'balance'),
            ],
        help="Credited with both shares: what is owed to the body.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('company_rule_unique', Unique(t, t.company, t.rule),
                'cae_payroll.msg_account_unique'),
            ]
        cls._order = [
            ('company', 'ASC'), ('rule.sequence', 'ASC'), ('id', 'ASC')]

    @classmethod
    def default_company(cls):
        return Transaction().context.get('company')

    def get_rec_name(self, name):
        return self.rule.rec_name

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('rule.rec_name', *clause[1:])]

    @classmethod
    def mapping(cls, company):
        "Return the Mapping of the company"
        with without_check_access():
            return Mapping(company, {
                    a.rule: a for a in cls.search([
                            ('company', '=', company.id),
                            ])})

    @classmethod
    def setup_company(cls, company, law):
        "Map the rules of the law on the accounts of the chart by their code"
        pool = Pool()
        Account = pool.get('account.account')
        Rule = pool.get('cae.payroll.rule')
        mapped = {a.rule for a in cls.search([('company', '=', company.id)])}
        rules = [
            r for r in Rule.search([('law', '=', law.id)]) if r not in mapped]
        codes = {r.expense_code for r in rules}
        codes.update(r.liability_code for r in rules)
        accounts = {a.code: a for a in Account.search([
                    ('company', '=', company.id),
                    ('code', 'in', list(filter(None, codes))),
                    ('closed', '!=', True),
                    ('type', '!=', None),
                    ])}
        cls.create([{
                    'company': company.id,
                    'rule': rule.id,
                    'expense_account': accounts.get(rule.expense_code),
                    'liability_account': accounts.get(rule.liability_code),
                    } for rule in rules
                if rule.expense_code in accounts
                or rule.liability_code in accounts])


class Mapping:
    "The accounts of the rules in a company"

    def __init__(self, company, accounts):
        self._company = company
        self._accounts = accounts

    def expense(self, rule):
        return self._get(rule, 'expense_account')

    def liability(self, rule):
        return self._get(rule, 'liability_account')

    def _get(self, rule, name):
        account = getattr(self._accounts.get(rule), name, None)
        if not account:
            raise UnmappedRuleError(gettext(
                    f'cae_payroll.msg_no_{name}',
                    rule=rule.rec_name,
                    company=self._company.rec_name))
        return account
