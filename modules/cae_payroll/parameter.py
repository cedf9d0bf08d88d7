# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.i18n import gettext
from trytond.model import ModelSQL, ModelView, Unique, fields
from trytond.pool import Pool
from trytond.pyson import Bool, Eval, If

from . import law
from .engine import UnknownValue
from .exceptions import LawError


class DatedMixin:
    """A value that holds from its start date until the next one.

    An end date says that the value is not known any longer, so that a month
    after it is refused instead of being paid with old figures.
    """
    __slots__ = ()

    start_date = fields.Date("Start Date", required=True)
    end_date = fields.Date(
        "End Date",
        domain=[
            If(Bool(Eval('end_date')),
                ('end_date', '>=', Eval('start_date', None)), ()),
            ],
        help="The last day for which the value is known.\n"
        "Leave empty when it holds until the next one.")
    source = fields.Char(
        "Source", required=True,
        help="The article, decree or agreement that fixes the value.")

    @classmethod
    def _row(cls, record, names):
        return {
            'start_date': record.start_date,
            'end_date': record.end_date,
            **{n: getattr(record, n) for n in names},
            }


class Law(ModelSQL, ModelView):
    """The law of pay of a country: parameters, rules and scales.

    A new figure is a new dated record with its source, never a change of an
    old one.
    """
    __name__ = 'cae.payroll.law'
    __string__ = "Payroll Law"

    name = fields.Char("Name", required=True, translate=True)
    code = fields.Char("Code", required=True)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('code_unique', Unique(t, t.code),
                'cae_payroll.msg_law_code_unique'),
            ]
        cls._order.insert(0, ('name', 'ASC'))

    def at(self, date):
        """Return the engine's Law of the day.

        Raise LawError when a reduction is not known on that day.
        """
        try:
            return law.select(self.tables(), date)
        except UnknownValue as error:
            raise law_error(error) from error

    def tables(self):
        "Return the rows of the law in the form that law.select reads"
        pool = Pool()

        def search(name):
            return pool.get(f'cae.payroll.{name}').search(
                [('law', '=', self.id)])

        return {
            'parameters': [{
                    'code': p.code,
                    'values': [
                        DatedMixin._row(v, ['value']) for v in p.values],
                    } for p in search('parameter')],
            'bases': [{
                    'parameter': b.parameter.code if b.parameter else None,
                    **{n: getattr(b, n) for n in [
                            'code', 'kind', 'lower', 'upper', 'fraction']},
                    } for b in search('base')],
            'rules': [{
                    'base': r.base.code if r.base else None,
                    'rates': [
                        DatedMixin._row(v, [
                                'employee', 'employer', 'reduced',
                                'reduced_limit'])
                        for v in r.rates],
                    **{n: getattr(r, n) for n in [
                            'code', 'kind', 'sequence', 'rate_source',
                            'category', 'headcount_min', 'headcount_max',
                            'deductible', 'benefit', 'taxable_benefit']},
                    } for r in search('rule')],
            'reductions': [{
                    'values': [
                        DatedMixin._row(v, [
                                'minimum', 'delta', 'exit', 'power',
                                'pension_rate'])
                        for v in r.values],
                    **{n: getattr(r, n) for n in [
                            'code', 'headcount_min', 'headcount_max']},
                    } for r in search('reduction')],
            'scales': [{
                    'brackets': [{
                            n: getattr(b, n) for n in [
                                'start_date', 'upper', 'rate']}
                        for b in s.brackets],
                    } for s in search('scale')],
            }


def law_error(error):
    "Return the LawError that tells the user of an UnknownValue"
    lang = Pool().get('ir.lang').get()
    return LawError(gettext(
            f'cae_payroll.msg_unknown_{error.kind}',
            code=error.code, date=lang.strftime(error.date)))


class Parameter(ModelSQL, ModelView):
    "An amount or number that the law fixes, such as the monthly ceiling"
    __name__ = 'cae.payroll.parameter'
    __string__ = "Payroll Parameter"

    law = fields.Many2One(
        'cae.payroll.law', "Law", required=True, ondelete='CASCADE')
    name = fields.Char("Name", required=True, translate=True)
    code = fields.Char(
        "Code", required=True,
        help="The name by which the formulas refer to the parameter.")
    unit = fields.Char("Unit")
    values = fields.One2Many(
        'cae.payroll.parameter.value', 'parameter', "Values")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('law_code_unique', Unique(t, t.law, t.code),
                'cae_payroll.msg_parameter_code_unique'),
            ]
        cls._order.insert(0, ('name', 'ASC'))


class ParameterValue(DatedMixin, ModelSQL, ModelView):
    "The value of a parameter from a date on"
    __name__ = 'cae.payroll.parameter.value'
    __string__ = "Payroll Parameter Value"

    parameter = fields.Many2One(
        'cae.payroll.parameter', "Parameter", required=True,
        ondelete='CASCADE')
    value = fields.Numeric("Value", digits=(16, 6), required=True)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('parameter')
        t = cls.__table__()
        cls._sql_constraints += [
            ('parameter_date_unique', Unique(t, t.parameter, t.start_date),
                'cae_payroll.msg_parameter_value_unique'),
            ]
        cls._order = [
            ('parameter', 'ASC'), ('start_date', 'DESC'), ('id', 'DESC')]


class Scale(ModelSQL, ModelView):
    "A dated grid of rates, such as the neutral rate of the withholding"
    __name__ = 'cae.payroll.scale'
    __string__ = "Payroll Scale"

    law = fields.Many2One(
        'cae.payroll.law', "Law", required=True, ondelete='CASCADE')
    name = fields.Char("Name", required=True, translate=True)
    code = fields.Char("Code", required=True)
    brackets = fields.One2Many(
        'cae.payroll.scale.bracket', 'scale', "Brackets")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('law_code_unique', Unique(t, t.law, t.code),
                'cae_payroll.msg_scale_code_unique'),
            ]
        cls._order.insert(0, ('name', 'ASC'))


class ScaleBracket(ModelSQL, ModelView):
    "The rate below an upper bound; the grid of a date is taken whole"
    __name__ = 'cae.payroll.scale.bracket'
    __string__ = "Payroll Scale Bracket"

    scale = fields.Many2One(
        'cae.payroll.scale', "Scale", required=True, ondelete='CASCADE')
    start_date = fields.Date("Start Date", required=True)
    upper = fields.Numeric(
        "Below", digits=(16, 2),
        help="The rate applies to amounts below this one.\n"
        "Leave empty for the last bracket.")
    rate = fields.Numeric(
        "Rate", digits=(16, 6), required=True,
        domain=[
            ('rate', '>=', 0),
            ('rate', '<=', 1),
            ])
    source = fields.Char(
        "Source", required=True,
        help="The article, decree or agreement that fixes the value.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('scale')
        t = cls.__table__()
        cls._sql_constraints += [
            ('scale_date_upper_unique',
                Unique(t, t.scale, t.start_date, t.upper),
                'cae_payroll.msg_scale_bracket_unique'),
            ]
        cls._order = [
            ('scale', 'ASC'), ('start_date', 'DESC'),
            ('upper', 'ASC NULLS LAST'), ('id', 'ASC')]
