# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.model import ModelSQL, ModelView, Unique, fields, sequence_ordered
from trytond.pyson import Bool, Eval, If

from .parameter import DatedMixin


class Group(sequence_ordered(), ModelSQL, ModelView):
    "A part of the payslip"
    __name__ = 'cae.payroll.group'
    __string__ = "Payslip Group"

    law = fields.Many2One(
        'cae.payroll.law', "Law", required=True, ondelete='CASCADE')
    name = fields.Char("Name", required=True, translate=True)
    code = fields.Char("Code", required=True)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('law_code_unique', Unique(t, t.law, t.code),
                'cae_payroll.msg_group_code_unique'),
            ]


class Base(ModelSQL, ModelView):
    "What rates apply to, found from the pay by one of a few formulas"
    __name__ = 'cae.payroll.base'
    __string__ = "Contribution Base"

    _multiple = {
        'invisible': ~Eval('kind').in_(['slice', 'threshold', 'abated']),
        }

    law = fields.Many2One(
        'cae.payroll.law', "Law", required=True, ondelete='CASCADE')
    name = fields.Char("Name", required=True, translate=True)
    code = fields.Char("Code", required=True)
    kind = fields.Selection([
            ('gross', "Gross"),
            ('slice', "Slice"),
            ('threshold', "Above a Threshold"),
            ('abated', "Abated"),
            ('benefits', "Employer's Benefits"),
            ], "Kind", required=True, sort=False,
        help="Gross: the whole pay.\n"
        "Slice: the pay between two multiples of the parameter.\n"
        "Above a threshold: the pay up to the upper multiple, when it "
        "exceeds the lower one.\n"
        "Abated: a fraction of the pay up to the upper multiple, all of it "
        "above, and the employer's benefits.\n"
        "Employer's benefits: what the employer pays for the rules marked as "
        "benefit.")
    parameter = fields.Many2One(
        'cae.payroll.parameter', "Parameter", ondelete='RESTRICT',
        domain=[
            ('law', '=', Eval('law', -1)),
            ],
        states={
            'required': Eval('kind').in_(['slice', 'threshold', 'abated']),
            **_multiple,
            })
    lower = fields.Numeric(
        "Lower Multiple", digits=(16, 4), states=_multiple)
    upper = fields.Numeric(
        "Upper Multiple", digits=(16, 4), states=_multiple)
    fraction = fields.Numeric(
        "Fraction", digits=(16, 6),
        states={
            'required': Eval('kind') == 'abated',
            'invisible': Eval('kind') != 'abated',
            })
    source = fields.Char(
        "Source", required=True,
        help="The article, decree or agreement that defines the base.")

    del _multiple

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('law_code_unique', Unique(t, t.law, t.code),
                'cae_payroll.msg_base_code_unique'),
            ]
        cls._order.insert(0, ('name', 'ASC'))


class HeadcountMixin:
    "What applies to companies of some sizes only"
    __slots__ = ()

    headcount_min = fields.Integer(
        "From Headcount",
        help="Applies to companies with at least this number of people.")
    headcount_max = fields.Integer(
        "To Headcount",
        domain=[
            If(Bool(Eval('headcount_max')) & Bool(Eval('headcount_min')),
                ('headcount_max', '>=', Eval('headcount_min', 0)), ()),
            ],
        help="Applies to companies with at most this number of people.")


class Rule(
        HeadcountMixin, sequence_ordered(), ModelSQL, ModelView):
    """A line of the payslip: part of the pay, contribution or reduction.

    The French accounts by default are only used by the set-up of a company.
    """
    __name__ = 'cae.payroll.rule'
    __string__ = "Contribution Rule"

    _contribution = {
        'invisible': Eval('kind') != 'contribution',
        }

    law = fields.Many2One(
        'cae.payroll.law', "Law", required=True, ondelete='CASCADE')
    name = fields.Char("Name", required=True, translate=True)
    label = fields.Char(
        "Label", required=True, translate=True,
        help="What is printed on the payslip: the lines of a group with the "
        "same label are added up.")
    code = fields.Char("Code", required=True)
    group = fields.Many2One(
        'cae.payroll.group', "Group", required=True, ondelete='RESTRICT',
        domain=[
            ('law', '=', Eval('law', -1)),
            ])
    kind = fields.Selection([
            ('gross', "Gross Pay"),
            ('contribution', "Contribution"),
            ('reduction', "Reduction"),
            ('reduction_pension', "Reduction, Pension"),
            ('withholding', "Withholding of Income Tax"),
            ('net', "Net Pay"),
            ], "Kind", required=True, sort=False)
    base = fields.Many2One(
        'cae.payroll.base', "Base", ondelete='RESTRICT',
        domain=[
            ('law', '=', Eval('law', -1)),
            ],
        states={
            'required': ((Eval('kind') == 'contribution')
                & (Eval('rate_source') != 'health')),
            **_contribution,
            })
    rate_source = fields.Selection([
            ('rate', "Law"),
            ('work_accident', "Work Accident Rate of the Company"),
            ('mobility', "Mobility Rate of the Company"),
            ('health', "Amounts of the Person's Health Scheme"),
            ], "Rate From", required=True, sort=False, states=_contribution)
    category = fields.Selection([
            (None, "All"),
            ('executive', "Executives"),
            ('other', "Not Executives"),
            ], "Category", sort=False, states=_contribution)
    deductible = fields.Boolean(
        "Deductible", states=_contribution,
        help="Check if the share of the employee lowers the taxable net.")
    benefit = fields.Boolean(
        "Benefit", states=_contribution,
        help="Check if the share of the employer is a benefit of the "
        "employee (santé, prévoyance).")
    taxable_benefit = fields.Boolean(
        "Taxable Benefit", states=_contribution,
        help="Check if the share of the employer is added to the taxable "
        "net.")
    expense_code = fields.Char(
        "Default Expense Account",
        help="The code of the account with which a company is set up.")
    liability_code = fields.Char(
        "Default Liability Account",
        help="The code of the account with which a company is set up.")
    rates = fields.One2Many(
        'cae.payroll.rule.rate', 'rule', "Rates",
        states={
            'invisible': ((Eval('kind') != 'contribution')
                | (Eval('rate_source') != 'rate')),
            })

    del _contribution

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('law_code_unique', Unique(t, t.law, t.code),
                'cae_payroll.msg_rule_code_unique'),
            ]

    @classmethod
    def default_kind(cls):
        return 'contribution'

    @classmethod
    def default_rate_source(cls):
        return 'rate'

    @classmethod
    def default_deductible(cls):
        return True


class RuleRate(DatedMixin, ModelSQL, ModelView):
    "The rates of a rule from a date on; zero rates end it"
    __name__ = 'cae.payroll.rule.rate'
    __string__ = "Contribution Rate"

    rule = fields.Many2One(
        'cae.payroll.rule', "Rule", required=True, ondelete='CASCADE')
    employee = fields.Numeric(
        "Employee", digits=(16, 6), required=True)
    employer = fields.Numeric(
        "Employer", digits=(16, 6), required=True)
    reduced = fields.Numeric(
        "Reduced Employer", digits=(16, 6),
        states={
            'required': Bool(Eval('reduced_limit')),
            },
        help="The rate of the employer for low pay.")
    reduced_limit = fields.Numeric(
        "Reduced Up To", digits=(16, 4),
        help="The multiple of the minimum wage up to which the reduced rate "
        "holds.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('rule')
        t = cls.__table__()
        cls._sql_constraints += [
            ('rule_date_unique', Unique(t, t.rule, t.start_date),
                'cae_payroll.msg_rule_rate_unique'),
            ]
        cls._order = [
            ('rule', 'ASC'), ('start_date', 'DESC'), ('id', 'DESC')]


class Reduction(HeadcountMixin, ModelSQL, ModelView):
    "A reduction of the employer's contributions for low pay"
    __name__ = 'cae.payroll.reduction'
    __string__ = "Contribution Reduction"

    law = fields.Many2One(
        'cae.payroll.law', "Law", required=True, ondelete='CASCADE')
    name = fields.Char("Name", required=True, translate=True)
    code = fields.Char("Code", required=True)
    formula = fields.Selection([
            ('degressive', "Degressive"),
            ], "Formula", required=True,
        help="Degressive: the whole at the minimum wage, nothing from the "
        "exit multiple of it on.\n"
        "coefficient = minimum + delta × "
        "((exit × wage / pay − 1) / (exit − 1)) ^ power")
    values = fields.One2Many(
        'cae.payroll.reduction.value', 'reduction', "Values")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('law_code_unique', Unique(t, t.law, t.code),
                'cae_payroll.msg_reduction_code_unique'),
            ]
        cls._order.insert(0, ('name', 'ASC'))

    @classmethod
    def default_formula(cls):
        return 'degressive'


class ReductionValue(DatedMixin, ModelSQL, ModelView):
    "The figures of a reduction from a date on"
    __name__ = 'cae.payroll.reduction.value'
    __string__ = "Contribution Reduction Value"

    reduction = fields.Many2One(
        'cae.payroll.reduction', "Reduction", required=True,
        ondelete='CASCADE')
    minimum = fields.Numeric(
        "Minimum", digits=(16, 6), required=True,
        help="The coefficient just before the exit.")
    delta = fields.Numeric(
        "Delta", digits=(16, 6), required=True,
        help="What is added to the minimum at the minimum wage.")
    exit = fields.Numeric(
        "Exit", digits=(16, 4), required=True,
        domain=[
            ('exit', '>', 1),
            ],
        help="The multiple of the minimum wage from which there is no "
        "reduction.")
    power = fields.Numeric("Power", digits=(16, 4), required=True)
    pension_rate = fields.Numeric(
        "Pension Rate", digits=(16, 6), required=True,
        help="The part of the largest coefficient that is borne by the "
        "pension funds.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('reduction')
        t = cls.__table__()
        cls._sql_constraints += [
            ('reduction_date_unique', Unique(t, t.reduction, t.start_date),
                'cae_payroll.msg_reduction_value_unique'),
            ]
        cls._order = [
            ('reduction', 'ASC'), ('start_date', 'DESC'), ('id', 'DESC')]
