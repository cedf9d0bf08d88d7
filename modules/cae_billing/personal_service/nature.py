# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The law of services à la personne as dated data."""
from trytond.model import (
    DeactivableMixin, ModelSQL, ModelView, Unique, fields, sequence_ordered)

from .law import Limit


class Nature(
        sequence_ordered(), DeactivableMixin, ModelSQL, ModelView):
    "A personal service of the list of Code du travail, art. D7231-1"
    __name__ = 'cae.personal_service.nature'
    __string__ = "Nature of Personal Service"
    name = fields.Char("Name", required=True, translate=True)
    item = fields.Char(
        "Item", required=True,
        help="Where it stands in article D7231-1 of the Code du travail.")
    urssaf_code = fields.Char(
        "URSSAF Code", size=3,
        help="The code of the nature for the immediate advance of the tax "
        "credit (avance immédiate).")
    approval = fields.Boolean(
        "Needs an Approval",
        help="Check when a declaration is not enough (agrément, Code du "
        "travail, art. L7232-1).")
    timed = fields.Boolean(
        "Timed",
        help="Check when invoices must tell the time spent, uncheck for what "
        "has a flat price only (Code du travail, art. D7233-1, 7° and 8°).")
    caps = fields.One2Many(
        'cae.personal_service.cap', 'nature', "Ceilings")

    @classmethod
    def default_timed(cls):
        return True

    def cap(self, date):
        "Return the ceiling in force at the date, or None"
        caps = [c for c in self.caps if c.from_date <= date]
        return max(caps, key=lambda c: c.from_date, default=None)


class Cap(ModelSQL, ModelView):
    "Up to where a nature gives a tax credit (Code du travail, art. D7233-5)"
    __name__ = 'cae.personal_service.cap'
    __string__ = "Ceiling of Personal Service"
    nature = fields.Many2One(
        'cae.personal_service.nature', "Nature", required=True,
        ondelete='CASCADE')
    from_date = fields.Date("From", required=True)
    amount = fields.Numeric(
        "Yearly Ceiling", digits=(16, 2),
        domain=['OR', ('amount', '=', None), ('amount', '>=', 0)],
        help="The largest amount of a year and a household in euros, tax "
        "included.\n"
        "Leave empty for none.")
    hours = fields.Numeric(
        "Longest", digits=(5, 2),
        domain=['OR', ('hours', '=', None), ('hours', '>', 0)],
        help="The longest time of one intervention, in hours.\n"
        "Leave empty for none.")
    source = fields.Char("Source", required=True)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('from_date_unique', Unique(t, t.nature, t.from_date),
                'cae_billing.msg_service_cap_unique'),
            ]
        cls._order = [
            ('nature', 'ASC'), ('from_date', 'DESC'), ('id', None)]

    def get_rec_name(self, name):
        return f'{self.nature.rec_name} – {self.from_date}'


class Accessory(ModelSQL, ModelView):
    "Who may do other things too (Code du travail, art. L7232-1-2, 1° e)"
    __name__ = 'cae.personal_service.accessory'
    __string__ = "Accessory Activities"
    from_date = fields.Date("From", required=True)
    headcount = fields.Integer(
        "Employees Below", required=True,
        domain=[('headcount', '>=', 0)],
        help="How many employees are too many.")
    share = fields.Numeric(
        "Largest Share", digits=(5, 4), required=True,
        domain=[('share', '>=', 0), ('share', '<=', 1)],
        help="The largest part of the turnover of the previous calendar year "
        "that other activities may be.")
    source = fields.Char("Source", required=True)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('from_date_unique', Unique(t, t.from_date),
                'cae_billing.msg_service_accessory_unique'),
            ]
        cls._order = [('from_date', 'DESC'), ('id', None)]

    def get_rec_name(self, name):
        return str(self.from_date)

    @classmethod
    def at(cls, date):
        "Return the limit in force at the date, or None"
        found = cls.search(
            [('from_date', '<=', date)], order=[('from_date', 'DESC')],
            limit=1)
        return Limit(found[0].headcount, found[0].share) if found else None
