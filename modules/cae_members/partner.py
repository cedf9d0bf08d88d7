# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

from trytond.model import (
    DeactivableMixin, Index, ModelSQL, ModelView, Unique, fields)
from trytond.pyson import Eval, If
from trytond.transaction import Transaction


class Partner(DeactivableMixin, ModelSQL, ModelView):
    "An organisation that works with the cooperative (partenaire)"
    __name__ = 'cae.partner'
    __string__ = "Partner"

    company = fields.Many2One(
        'company.company', "Company", required=True, ondelete='CASCADE',
        states={
            'readonly': Eval('id', -1) >= 0,
            })
    party = fields.Many2One(
        'party.party', "Party", required=True, ondelete='RESTRICT',
        context={
            'company': Eval('company', -1),
            },
        depends={'company'})
    kind = fields.Selection([
            ('federation', "Professional Federation"),
            ('public_funder', "Public Funder"),
            ('company', "Company"),
            ('social', "Social Partner"),
            ('prescriber', "Prescriber"),
            ('training', "Training Body"),
            ('finance', "Bank or Fund"),
            ('network', "Network"),
            ('other', "Other"),
            ], "Kind", required=True, sort=False)
    branch = fields.Many2One(
        'cae.branch', "Branch", ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        help="Leave empty for the whole cooperative.")
    contact = fields.Many2One(
        'party.party', "Contact", ondelete='RESTRICT',
        context={
            'company': Eval('company', -1),
            },
        depends={'company'},
        help="Whom to speak to at the partner.")
    responsible = fields.Many2One(
        'company.employee', "Responsible", ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        help="The employee who keeps up the relation.")
    from_date = fields.Date(
        "From",
        domain=[
            If(Eval('from_date') & Eval('to_date'),
                ('from_date', '<=', Eval('to_date')),
                ()),
            ],
        help="When the partnership began, or the agreement was signed.")
    to_date = fields.Date(
        "To",
        domain=[
            If(Eval('from_date') & Eval('to_date'),
                ('to_date', '>=', Eval('from_date')),
                ()),
            ],
        help="When the agreement ends.\n"
        "Leave empty while it goes on.")
    note = fields.Text(
        "Note", help="What the partner and the cooperative do together.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('party_kind_unique', Unique(t, t.company, t.party, t.kind),
                'cae_members.msg_partner_unique'),
            ]
        cls._sql_indexes.add(Index(t, (t.company, Index.Range())))
        cls._order = [('party', 'ASC'), ('kind', 'ASC'), ('id', None)]

    @classmethod
    def default_company(cls):
        return Transaction().context.get('company')

    def get_rec_name(self, name):
        return self.party.rec_name

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('party.rec_name', *clause[1:])]
