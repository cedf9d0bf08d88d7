# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

from trytond.model import DeactivableMixin, ModelSQL, ModelView, fields
from trytond.pyson import Eval

SECTORS = [
    ('business_services', "Services to Businesses"),
    ('personal_services', "Services to Persons"),
    ('crafts', "Crafts"),
    ('other', "Other"),
    ]


class Trade(DeactivableMixin, ModelSQL, ModelView):
    """A trade, its sector and whether the cooperative can carry it.

    Insurance, regulation or heavy investment may keep a cooperative from
    carrying a trade, or put conditions on it; profitability never does.
    """
    __name__ = 'cae.trade'
    __string__ = "Trade"

    name = fields.Char("Name", required=True, translate=True)
    sector = fields.Selection(
        SECTORS, "Sector", required=True, sort=False,
        help="The sector in the yearly figures (secteur d'activité).")
    personal_service = fields.Boolean(
        "Services at Home",
        help="Check for services à la personne: only a cooperative that does "
        "nothing else may carry them (Code du travail, art. L7232-1-1).")
    admission = fields.Selection([
            ('accepted', "Accepted"),
            ('conditional', "On Conditions"),
            ('refused', "Refused"),
            ], "Admission", required=True, sort=False,
        help="Whether the cooperative carries activities of the trade.")
    reason = fields.Selection([
            (None, ""),
            ('insurance', "Insurance"),
            ('regulation', "Regulation"),
            ('investment', "Investment"),
            ], "Reason", sort=False,
        states={
            'required': Eval('admission') != 'accepted',
            'invisible': Eval('admission') == 'accepted',
            })
    reason_string = reason.translated('reason')
    conditions = fields.Text(
        "Conditions", translate=True,
        states={
            'required': Eval('admission') == 'conditional',
            'invisible': Eval('admission') == 'accepted',
            },
        help="What must be shown before an activity may begin: a diploma, a "
        "card, an insurance… or why the trade is refused.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._order.insert(0, ('name', 'ASC'))

    @classmethod
    def default_admission(cls):
        return 'accepted'

    @classmethod
    def default_sector(cls):
        return 'other'
