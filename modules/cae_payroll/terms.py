# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from decimal import Decimal

from trytond.i18n import gettext
from trytond.model import Index, ModelSQL, ModelView, Unique, fields
from trytond.modules.cae_billing.balance import BASES
from trytond.pool import PoolMeta
from trytond.pyson import Eval
from trytond.transaction import without_check_access

from . import engine
from .exceptions import TermsValidationError

MODES = [
    ('available', "All Available"),
    ('fixed', "Fixed Part"),
    ('wanted', "Wanted Gross"),
    ]


class ContractDatedMixin:
    "What holds for a contract from a date on"
    __slots__ = ()

    contract = fields.Many2One(
        'cae.contract', "Contract", required=True, ondelete='CASCADE',
        domain=[
            ('type.employment', '=', True),
            ])
    company = fields.Function(
        fields.Many2One('company.company', "Company"),
        'on_change_with_company', searcher='search_company')
    start_date = fields.Date(
        "Start Date", required=True,
        help="The first day from which it holds, until the next one.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('contract_date_unique', Unique(t, t.contract, t.start_date),
                'cae_payroll.msg_contract_date_unique'),
            ]
        cls._order = [
            ('contract', 'ASC'), ('start_date', 'DESC'), ('id', 'DESC')]

    @fields.depends('contract', '_parent_contract.company')
    def on_change_with_company(self, name=None):
        return self.contract.company if self.contract else None

    @classmethod
    def search_company(cls, name, clause):
        return [('contract.' + clause[0], *clause[1:])]

    def get_rec_name(self, name):
        return f'{self.contract.rec_name} - {self.start_date}'

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('contract.rec_name', *clause[1:])]

    @classmethod
    def at(cls, contracts, date):
        "Return {contract id: record in force at the date}"
        with without_check_access():
            records = cls.search([
                    ('contract', 'in', [int(c) for c in contracts]),
                    ('start_date', '<=', date),
                    ],
                order=[('start_date', 'ASC')])
            return {r.contract.id: r for r in records}


class ContractPay(ContractDatedMixin, ModelSQL, ModelView):
    """The pay terms of an employment contract from a date on.

    The fixed part is due every month (article R7331-11 of the French labour
    code); the rest is an advance of the variable part, out of what the
    activities of the person earned.
    """
    __name__ = 'cae.contract.pay'
    __string__ = "Pay Terms"

    mode = fields.Selection(MODES, "Pay", required=True, sort=False,
        help="All available: the largest gross that the activities can bear.\n"
        "Fixed part: the fixed part alone.\n"
        "Wanted gross: the gross asked for, as far as the activities can "
        "bear it.\n"
        "The fixed part is paid in any case.")
    fixed_part = fields.Numeric(
        "Fixed Part", digits=(16, 2), required=True,
        domain=[
            ('fixed_part', '>=', 0),
            ],
        help="The gross due each month (part fixe); the whole pay of the "
        "staff.")
    wanted_gross = fields.Numeric(
        "Wanted Gross", digits=(16, 2),
        states={
            'required': Eval('mode') == 'wanted',
            'invisible': Eval('mode') != 'wanted',
            },
        help="The monthly gross that the person asks for.")
    basis = fields.Selection(BASES, "Basis", required=True, sort=False,
        help="Whether the income counts when it is invoiced or when it is "
        "collected.")
    reserve = fields.Numeric(
        "Reserve", digits=(16, 2), required=True,
        domain=[
            ('reserve', '>=', 0),
            ],
        help="The amount that stays on the account of the activities.")
    weekly_hours = fields.Numeric(
        "Weekly Hours", digits=(16, 2),
        domain=['OR',
            ('weekly_hours', '=', None),
            ('weekly_hours', '>', 0),
            ],
        help="The hours of the contract.\n"
        "Leave empty when there are none (CESA): the working time is then "
        "the equivalent of the pay.")
    executive = fields.Boolean(
        "Executive", help="Check for executives (cadres).")
    health_employee = fields.Numeric(
        "Health Scheme, Employee", digits=(16, 2), required=True,
        domain=[
            ('health_employee', '>=', 0),
            ],
        help="The monthly amount of the employee for the complementary "
        "health insurance (mutuelle).")
    health_employer = fields.Numeric(
        "Health Scheme, Employer", digits=(16, 2), required=True,
        domain=[
            ('health_employer', '>=', 0),
            ],
        help="The monthly amount of the employer for the complementary "
        "health insurance (mutuelle).")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_indexes.add(Index(t, (t.contract, Index.Range())))

    @classmethod
    def default_mode(cls):
        return 'available'

    @classmethod
    def default_basis(cls):
        return 'collected'

    @classmethod
    def default_reserve(cls):
        return Decimal(0)

    @classmethod
    def default_health_employee(cls):
        return Decimal(0)

    @classmethod
    def default_health_employer(cls):
        return Decimal(0)

    @fields.depends(
        'contract', '_parent_contract.working_hours', 'weekly_hours')
    def on_change_contract(self):
        # The contract says the hours it began with, an amendment may change
        # them: the terms say those of their dates
        if self.contract and self.weekly_hours is None:
            self.weekly_hours = self.contract.working_hours

    @classmethod
    def validate_fields(cls, terms, field_names):
        super().validate_fields(terms, field_names)
        cls.check_wanted(terms, field_names)
        cls.check_hours(terms, field_names)

    @classmethod
    def check_wanted(cls, terms, field_names=None):
        "Check that the wanted gross is not below the fixed part"
        if field_names and not (
                field_names & {'mode', 'fixed_part', 'wanted_gross'}):
            return
        for term in terms:
            if term.mode == 'wanted' and term.wanted_gross < term.fixed_part:
                raise TermsValidationError(gettext(
                        'cae_payroll.msg_wanted_below_fixed',
                        contract=term.contract.rec_name,
                        wanted=f"{term.wanted_gross:.2f}",
                        fixed=f"{term.fixed_part:.2f}"))

    @classmethod
    def check_hours(cls, terms, field_names=None):
        """Check that who has hours in the contract is paid by them.

        They are those of article L3123-6 of the Code du travail.
        """
        if field_names and not (
                field_names & {'contract', 'weekly_hours'}):
            return
        for term in terms:
            if term.contract.working_hours and not term.weekly_hours:
                raise TermsValidationError(gettext(
                        'cae_payroll.msg_terms_no_hours',
                        contract=term.contract.rec_name))

    def engine_terms(self, rate):
        "Return the terms for the engine with the withholding rate or None"
        return engine.Terms(
            executive=bool(self.executive),
            weekly_hours=self.weekly_hours,
            health_employee=self.health_employee,
            health_employer=self.health_employer,
            withholding_rate=rate)


class TaxRate(ContractDatedMixin, ModelSQL, ModelView):
    """The personal rate of the withholding at source, as the tax office sent
    it.

    Without one the neutral grid applies (CGI 204 H).
    """
    __name__ = 'cae.payroll.tax_rate'
    __string__ = "Withholding Rate"

    rate = fields.Numeric(
        "Rate", digits=(16, 6), required=True,
        domain=[
            ('rate', '>=', 0),
            ('rate', '<=', 1),
            ])

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_indexes.add(Index(t, (t.contract, Index.Range())))


class Contract(metaclass=PoolMeta):
    __name__ = 'cae.contract'

    pay_terms = fields.One2Many(
        'cae.contract.pay', 'contract', "Pay Terms",
        states={
            'invisible': ~Eval('employment'),
            })
    tax_rates = fields.One2Many(
        'cae.payroll.tax_rate', 'contract', "Withholding Rates",
        states={
            'invisible': ~Eval('employment'),
            })

    @classmethod
    def copy(cls, contracts, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('pay_terms', None)
        default.setdefault('tax_rates', None)
        return super().copy(contracts, default=default)

    @classmethod
    def paid_at(cls, company, date):
        "Return the employment contracts of the company in force at the date"
        return cls.search([
                ('company', '=', company.id),
                ('type.employment', '=', True),
                ('state', 'in', ['signed', 'ended']),
                ('start_date', '<=', date),
                ['OR',
                    ('end_date', '=', None),
                    ('end_date', '>=', date),
                    ],
                ], order=[('id', 'ASC')])
