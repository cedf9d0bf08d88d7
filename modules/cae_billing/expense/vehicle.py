# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The vehicles of the entrepreneurs and the scales of their kilometres."""
from decimal import Decimal

from trytond.i18n import gettext
from trytond.model import Index, ModelSQL, ModelView, Unique, fields
from trytond.pool import Pool
from trytond.pyson import Bool, Eval, If

from ..exceptions import (
    ExpenseAccessError, ExpenseError, ExpenseValidationError)
from .common import check_numbers
from .mileage import Band as PureBand
from .mileage import Scale as PureScale

TYPES = [
    ('car', "Car"),
    ('motorcycle', "Motorcycle"),
    ('moped', "Moped"),
    ]


class Vehicle(ModelSQL, ModelView):
    "A vehicle with which an entrepreneur drives for the activities"
    __name__ = 'cae.vehicle'
    __string__ = "Vehicle"

    entrepreneur = fields.Many2One(
        'cae.entrepreneur', "Entrepreneur", required=True,
        ondelete='RESTRICT',
        help="Who owns or uses the vehicle.")
    company = fields.Function(
        fields.Many2One('company.company', "Company"),
        'on_change_with_company', searcher='search_company')
    name = fields.Char(
        "Name", required=True, help="Make and registration number.")
    type = fields.Selection(TYPES, "Type", required=True, sort=False)
    type_string = type.translated('type')
    fiscal_power = fields.Integer(
        "Fiscal Power",
        domain=[
            If(Bool(Eval('fiscal_power')),
                [('fiscal_power', '>=', 1), ('fiscal_power', '<=', 100)], ()),
            ],
        states={
            'required': Eval('type') != 'moped',
            'invisible': Eval('type') == 'moped',
            },
        help="The fiscal horsepower of the registration certificate "
        "(puissance administrative, P.6 of the carte grise).")
    electric = fields.Boolean(
        "Electric", help="The scale is higher for electric vehicles.")
    from_date = fields.Date(
        "From", required=True, help="The first day it is used.")
    to_date = fields.Date(
        "To",
        domain=[
            If(Bool(Eval('to_date')),
                ('to_date', '>=', Eval('from_date', None)), ()),
            ],
        help="The last day it is used. Leave empty while it goes on.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_indexes.add(Index(t, (t.entrepreneur, Index.Range())))
        cls._order = [
            ('entrepreneur', 'ASC'), ('from_date', 'DESC'), ('id', None)]

    @classmethod
    def default_entrepreneur(cls):
        return Pool().get('cae.expense').default_entrepreneur()

    @classmethod
    def default_type(cls):
        return 'car'

    @classmethod
    def default_electric(cls):
        return False

    @fields.depends('entrepreneur', '_parent_entrepreneur.company')
    def on_change_with_company(self, name=None):
        return self.entrepreneur.company if self.entrepreneur else None

    @classmethod
    def search_company(cls, name, clause):
        return [('entrepreneur.' + clause[0], *clause[1:])]

    @property
    def power(self):
        "The fiscal power that counts for the scale"
        return 0 if self.type == 'moped' else self.fiscal_power

    @classmethod
    def check_modification(cls, mode, vehicles, values=None, external=False):
        Line = Pool().get('cae.expense.line')
        super().check_modification(
            mode, vehicles, values=values, external=external)
        names = ['entrepreneur', 'type', 'fiscal_power', 'electric']
        if mode != 'write' or not values.keys() & set(names):
            return
        changed = [
            v for v in vehicles if any(
                cls._fields[n].sql_format(getattr(v, n))
                != cls._fields[n].sql_format(values[n])
                for n in names if n in values)]
        for line in Line.search([
                    ('vehicle', 'in', changed),
                    ('expense.state', '=', 'posted'),
                    ], limit=1, order=[]):
            raise ExpenseAccessError(gettext(
                    'cae_billing.msg_vehicle_used',
                    vehicle=line.vehicle.rec_name))


class Scale(ModelSQL, ModelView):
    "The kilometre scale of a country from a civil year on"
    __name__ = 'cae.mileage.scale'
    __string__ = "Mileage Scale"

    country = fields.Char(
        "Country", size=2, required=True,
        help="The two letters of the country (ISO 3166-1).")
    year = fields.Integer(
        "From Civil Year", required=True,
        domain=[('year', '>=', 1900), ('year', '<=', 9999)],
        help="The scale is valid until a later one.")
    electric_increase = fields.Numeric(
        "Electric Increase", digits=(16, 4), required=True,
        domain=[
            ('electric_increase', '>=', 0),
            ('electric_increase', '<=', 10),
            ],
        help="What is added for an electric vehicle.")
    source = fields.Char("Source", required=True)
    bands = fields.One2Many('cae.mileage.band', 'scale', "Bands")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('country_year_unique', Unique(t, t.country, t.year),
                'cae_billing.msg_mileage_scale_unique'),
            ]
        cls._order = [
            ('country', 'ASC'), ('year', 'DESC'), ('id', None)]

    @classmethod
    def default_electric_increase(cls):
        return Decimal(0)

    def get_rec_name(self, name):
        return f'{self.country} {self.year}'

    @classmethod
    def preprocess_values(cls, mode, values):
        values = super().preprocess_values(mode, values)
        check_numbers(cls, values, ['electric_increase'])
        return values

    @classmethod
    def validate_fields(cls, scales, field_names):
        super().validate_fields(scales, field_names)
        # The first power of each row of the table stands for the row
        for scale in scales:
            for band in scale.bands:
                try:
                    scale._pure(band.vehicle_type, band.power_from or 0)
                except ValueError:
                    raise ExpenseValidationError(gettext(
                            'cae_billing.msg_mileage_scale_bands',
                            scale=scale.rec_name, type=band.type_string))

    @classmethod
    def at(cls, company, year):
        """Return the scale of the civil year in the country of the company.

        Raises ExpenseError when there is none.
        """
        address = company.party.address_get()
        country = address.country if address else None
        scales = country and cls.search([
                ('country', '=', country.code),
                ('year', '<=', year),
                ], order=[('year', 'DESC')], limit=1)
        if not scales:
            raise ExpenseError(gettext(
                    'cae_billing.msg_mileage_no_scale',
                    company=company.rec_name, year=year))
        scale, = scales
        return scale

    def _pure(self, type, power, **values):
        bands = sorted((
                (b.up_to is None, b.up_to or 0, b) for b in self.bands
                if b.vehicle_type == type
                and (b.power_from or 0) <= power
                and (b.power_to is None or power <= b.power_to)),
            key=lambda row: row[:2])
        return PureScale(
            tuple(PureBand(
                    None if b.up_to is None else Decimal(b.up_to),
                    b.rate, b.constant) for _, _, b in bands), **values)

    def pure(self, vehicle, flat=None):
        """Return the scale of the vehicle.

        ``flat`` is the rate of the kilometre that the company decided.
        Raises ExpenseError when the vehicle has no bands.
        """
        try:
            return self._pure(
                vehicle.type, vehicle.power, flat=flat,
                increase=(
                    self.electric_increase if vehicle.electric
                    else Decimal(0)))
        except ValueError:
            raise ExpenseError(gettext(
                    'cae_billing.msg_mileage_no_band',
                    scale=self.rec_name, vehicle=vehicle.rec_name))


class Band(ModelSQL, ModelView):
    "A band of kilometres of a scale, for vehicles of some powers"
    __name__ = 'cae.mileage.band'
    __string__ = "Mileage Band"

    scale = fields.Many2One(
        'cae.mileage.scale', "Scale", required=True, ondelete='CASCADE')
    vehicle_type = fields.Selection(TYPES, "Type", required=True, sort=False)
    type_string = vehicle_type.translated('vehicle_type')
    power_from = fields.Integer(
        "Power From", help="Leave empty for the lowest powers.")
    power_to = fields.Integer(
        "Power To", help="Leave empty for the highest powers.")
    up_to = fields.Integer(
        "Up To Kilometres",
        domain=['OR', ('up_to', '=', None), ('up_to', '>', 0)],
        help="The kilometres of the year where the band ends.\n"
        "Leave empty for the last one.")
    rate = fields.Numeric(
        "Rate", digits=(16, 4), required=True,
        domain=[('rate', '>=', 0), ('rate', '<=', 1000)],
        help="The amount of each kilometre of the year.")
    constant = fields.Numeric(
        "Constant", digits=(16, 2), required=True,
        domain=[('constant', '>=', 0), ('constant', '<=', 1000000)],
        help="The amount added once.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('scale')
        cls._order = [
            ('vehicle_type', 'ASC'), ('power_from', 'ASC NULLS FIRST'),
            ('up_to', 'ASC NULLS LAST'), ('id', None)]

    @classmethod
    def default_constant(cls):
        return Decimal(0)

    @classmethod
    def preprocess_values(cls, mode, values):
        values = super().preprocess_values(mode, values)
        check_numbers(cls, values, ['rate', 'constant'])
        return values
