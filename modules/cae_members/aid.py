# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

from trytond.model import Index, ModelSQL, ModelView, fields
from trytond.modules.currency.fields import Monetary
from trytond.pool import Pool
from trytond.pyson import Eval

from .model import EntrepreneurMixin


class Aid(EntrepreneurMixin, ModelSQL, ModelView):
    "What an organisation gives or lends a person for their project"
    __name__ = 'cae.aid'
    __string__ = "Aid"

    organisation = fields.Many2One(
        'party.party', "Organisation", required=True, ondelete='RESTRICT',
        context={
            'company': Eval('company', -1),
            },
        depends={'company'},
        help="Who gives the aid (organisme d'aide).")
    kind = fields.Selection([
            ('grant', "Grant"),
            ('loan', "Loan"),
            ('guarantee', "Guarantee"),
            ('exemption', "Exemption"),
            ('support', "Support"),
            ('other', "Other"),
            ], "Kind", required=True, sort=False)
    kind_string = kind.translated('kind')
    date = fields.Date(
        "Date", required=True, help="When the aid was granted.")
    currency = fields.Function(
        fields.Many2One('currency.currency', "Currency"),
        'on_change_with_currency')
    amount = Monetary(
        "Amount", currency='currency', digits='currency',
        domain=['OR',
            ('amount', '=', None),
            ('amount', '>', 0),
            ])
    note = fields.Char("Note")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_indexes.add(Index(t, (t.entrepreneur, Index.Range())))
        cls._order = [('date', 'DESC'), ('id', 'DESC')]

    @classmethod
    def default_date(cls):
        return Pool().get('ir.date').today()

    @fields.depends('entrepreneur', '_parent_entrepreneur.company')
    def on_change_with_currency(self, name=None):
        if self.entrepreneur and self.entrepreneur.company:
            return self.entrepreneur.company.currency

    def get_rec_name(self, name):
        return (f'{self.entrepreneur.rec_name} – '
            f'{self.organisation.rec_name} – {self.kind_string}')

    @classmethod
    def search_rec_name(cls, name, clause):
        return ['OR',
            ('entrepreneur.rec_name', *clause[1:]),
            ('organisation.rec_name', *clause[1:]),
            ]
