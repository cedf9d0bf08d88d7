# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

from trytond.i18n import gettext
from trytond.model import Index, ModelSQL, ModelView, fields
from trytond.pool import Pool
from trytond.pyson import Eval, If
from trytond.transaction import Transaction

from .exceptions import AbsenceError
from .model import AdvisorMixin, own_entrepreneur


class Absence(AdvisorMixin, ModelSQL, ModelView):
    """When an entrepreneur is away, as they declare it.

    Entrepreneurs choose their time freely: it is told, not asked for, and no
    right to leave is counted.
    """
    __name__ = 'cae.absence'
    __string__ = "Absence"

    company = fields.Many2One(
        'company.company', "Company", required=True, ondelete='CASCADE',
        states={
            'readonly': Eval('id', -1) >= 0,
            })
    entrepreneur = fields.Many2One(
        'cae.entrepreneur', "Entrepreneur", required=True,
        ondelete='CASCADE',
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        states={
            'readonly': Eval('id', -1) >= 0,
            })
    from_date = fields.Date(
        "From", required=True,
        domain=[
            If(Eval('from_date') & Eval('to_date'),
                ('from_date', '<=', Eval('to_date')),
                ()),
            ],
        help="The first day away.")
    to_date = fields.Date(
        "To", required=True,
        domain=[
            If(Eval('from_date') & Eval('to_date'),
                ('to_date', '>=', Eval('from_date')),
                ()),
            ],
        help="The last day away.")
    note = fields.Char(
        "Note",
        help="What the others should know, for instance who answers "
        "customers. No reason needs to be given.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_indexes.update({
                Index(t, (t.entrepreneur, Index.Range())),
                Index(t,
                    (t.company, Index.Range()),
                    (t.from_date, Index.Range())),
                })
        cls._order = [('from_date', 'DESC'), ('id', 'DESC')]

    @classmethod
    def default_company(cls):
        return Transaction().context.get('company')

    @classmethod
    def default_entrepreneur(cls):
        if company := Transaction().context.get('company'):
            return own_entrepreneur(company)

    def get_rec_name(self, name):
        lang = Pool().get('ir.lang').get()
        return (f'{self.entrepreneur.rec_name} – '
            f'{lang.strftime(self.from_date)} – '
            f'{lang.strftime(self.to_date)}')

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('entrepreneur.rec_name', *clause[1:])]

    @classmethod
    def validate_fields(cls, absences, field_names):
        super().validate_fields(absences, field_names)
        cls.check_overlap(absences)

    @classmethod
    def check_overlap(cls, absences):
        "Check that nobody declared the same days twice"
        cursor = Transaction().connection.cursor()
        table, other = cls.__table__(), cls.__table__()
        cursor.execute(*table.join(other,
                condition=(table.id != other.id)
                & (table.entrepreneur == other.entrepreneur)
                & (table.from_date <= other.to_date)
                & (table.to_date >= other.from_date)
                ).select(table.id, other.id,
                where=fields.SQL_OPERATORS['in'](
                    table.id, [a.id for a in absences]),
                limit=1))
        if row := cursor.fetchone():
            absence, other = cls.browse(row)
            raise AbsenceError(gettext(
                    'cae_members.msg_absence_overlap',
                    absence=absence.rec_name,
                    other=other.rec_name))
