# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

from trytond.model import DeactivableMixin, ModelSQL, ModelView, fields
from trytond.pool import PoolMeta
from trytond.pyson import Eval
from trytond.transaction import Transaction

KINDS = [
    (None, ""),
    ('generalist', "Generalist"),
    ('thematic', "Thematic"),
    ]


class Company(metaclass=PoolMeta):
    __name__ = 'company.company'

    cae_kind = fields.Selection(
        KINDS, "Kind of Cooperative", sort=False,
        help="Whether the cooperative carries any trade or those of one "
        "theme.")
    cae_theme = fields.Selection([
            (None, ""),
            ('construction', "Construction"),
            ('personal_services', "Services at Home"),
            ('culture', "Arts and Culture"),
            ('agriculture', "Agriculture"),
            ('other', "Other"),
            ], "Theme", sort=False,
        states={
            'required': Eval('cae_kind') == 'thematic',
            'invisible': Eval('cae_kind') != 'thematic',
            },
        help="Services at home (services à la personne) may be carried only "
        "by a cooperative that does nothing else (Code du travail, art. "
        "L7232-1-1).")
    cae_parent = fields.Many2One(
        'party.party', "Parent Cooperative", ondelete='RESTRICT',
        help="The cooperative whose subsidiary it is.")
    charter_version = fields.Char(
        "Charter",
        help="The version of the charter of the network to which the "
        "cooperative adheres.")
    charter_date = fields.Date(
        "Adhesion Date",
        help="When the cooperative adhered to the charter.")
    cae_branches = fields.One2Many(
        'cae.branch', 'company', "Branches",
        help="The places where the cooperative receives people (antennes).")

    def may_do_accessory(self):
        """Return whether who does services at home may do other things too.

        A hook: who knows the exceptions of the law extends it.
        """
        return False


class Branch(DeactivableMixin, ModelSQL, ModelView):
    "A place where a cooperative receives people"
    __name__ = 'cae.branch'
    __string__ = "Branch"

    name = fields.Char("Name", required=True)
    company = fields.Many2One(
        'company.company', "Company", required=True, ondelete='CASCADE',
        states={
            'readonly': Eval('id', -1) >= 0,
            })
    address = fields.Text("Address")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._order.insert(0, ('name', 'ASC'))

    @classmethod
    def default_company(cls):
        return Transaction().context.get('company')
