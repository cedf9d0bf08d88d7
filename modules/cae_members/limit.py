# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What the law sets for a type of contract, from one date to the next."""
from trytond.model import ModelSQL, ModelView, Unique, fields


class DatedLimitMixin:
    """A limit that holds from its start date until the next one of its type.

    A change of the law is a new record with its source, never a change of an
    old one.
    """
    __slots__ = ()

    type = fields.Many2One(
        'cae.contract.type', "Contract Type", required=True,
        ondelete='CASCADE')
    start_date = fields.Date(
        "Start Date", required=True,
        help="It holds from that day until the next one of the type.")
    source = fields.Char(
        "Source", required=True,
        help="The article, decree or agreement that sets it.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('type_date_unique', Unique(t, t.type, t.start_date),
                'cae_members.msg_limit_date_unique'),
            ]
        cls._order = [('type', 'ASC'), ('start_date', 'DESC'), ('id', None)]

    @staticmethod
    def at(limits, date):
        "Return the one of the limits that holds at the date, None before all"
        return max(
            (limit for limit in limits if limit.start_date <= date),
            key=lambda limit: limit.start_date, default=None)


class SupportLimit(DatedLimitMixin, ModelSQL, ModelView):
    """How many months the support may last from the acceptance of the project.

    They are 24 in Wallonia (décret of 15 July 2008). What holds on the day of
    the acceptance counts for the whole support.
    """
    __name__ = 'cae.contract.support_limit'
    __string__ = "Limit of the Support"

    months = fields.Integer(
        "Months",
        domain=['OR',
            ('months', '=', None),
            ('months', '>', 0),
            ],
        help="How long the support may last from the acceptance of the "
        "project, the contract included.\n"
        "Leave empty when there is no limit any more.")
