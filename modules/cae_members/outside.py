# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What people do beside the cooperative: statuses that are held together."""
from sql import Null

from trytond.i18n import gettext
from trytond.model import Index, ModelSQL, ModelView, Workflow, fields
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval, If
from trytond.transaction import Transaction

from .exceptions import ContractError
from .model import EntrepreneurMixin


class ContractType(metaclass=PoolMeta):
    __name__ = 'cae.contract.type'

    excludes_full_time = fields.Boolean(
        "No Full-Time Employee",
        help="Check if a full-time employee may not have such a contract, as "
        "the CAPE (Code de commerce, art. L127-1).")


class Contract(metaclass=PoolMeta):
    __name__ = 'cae.contract'

    @classmethod
    @ModelView.button
    @Workflow.transition('signed')
    def sign(cls, contracts):
        cls.check_full_time(contracts)
        super().sign(contracts)

    @classmethod
    def check_full_time(cls, contracts):
        """Check that no full-time employee gets a contract against it.

        A CAPE is only for who is no full-time employee (Code de commerce,
        art. L127-1).
        """
        pool = Pool()
        ContractType = pool.get('cae.contract.type')
        OutsideActivity = pool.get('cae.outside_activity')
        cursor = Transaction().connection.cursor()
        table = cls.__table__()
        type_ = ContractType.__table__()
        activity = OutsideActivity.__table__()
        cursor.execute(*table.join(
                type_, condition=table.type == type_.id
                ).join(activity,
                condition=activity.entrepreneur == table.entrepreneur
                ).select(table.id,
                where=fields.SQL_OPERATORS['in'](
                    table.id, [c.id for c in contracts])
                & type_.excludes_full_time & activity.full_time
                & (activity.from_date <= table.start_date)
                & ((activity.to_date == Null)
                    | (activity.to_date >= table.start_date)),
                limit=1))
        if row := cursor.fetchone():
            contract, = cls.browse(row)
            raise ContractError(gettext(
                    'cae_members.msg_contract_full_time',
                    contract=contract.rec_name,
                    person=contract.person.rec_name))


class OutsideActivity(EntrepreneurMixin, ModelSQL, ModelView):
    "What a person does and is beside the cooperative (cumul de statuts)"
    __name__ = 'cae.outside_activity'
    __string__ = "Outside Activity"

    kind = fields.Selection([
            ('employee', "Employee"),
            ('civil_servant', "Civil Servant"),
            ('performer', "Performer or Technician"),
            ('self_employed', "Self-employed"),
            ('student', "Student"),
            ('retired', "Retired"),
            ('other', "Other"),
            ], "Kind", required=True, sort=False,
        help="Performer or Technician: intermittent du spectacle.")
    kind_string = kind.translated('kind')
    full_time = fields.Boolean(
        "Full Time",
        states={
            'invisible': ~Eval('kind').in_(['employee', 'civil_servant']),
            })
    weekly_hours = fields.Numeric(
        "Weekly Hours", digits=(5, 2),
        domain=['OR',
            ('weekly_hours', '=', None),
            ('weekly_hours', '>', 0),
            ])
    from_date = fields.Date(
        "From", required=True,
        domain=[
            If(Eval('from_date') & Eval('to_date'),
                ('from_date', '<=', Eval('to_date')),
                ()),
            ])
    to_date = fields.Date(
        "To",
        domain=[
            If(Eval('from_date') & Eval('to_date'),
                ('to_date', '>=', Eval('from_date')),
                ()),
            ],
        help="Leave empty while it goes on.")
    note = fields.Char("Note")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_indexes.add(Index(t, (t.entrepreneur, Index.Range())))
        cls._order = [('from_date', 'DESC'), ('id', 'DESC')]

    @classmethod
    def default_from_date(cls):
        return Pool().get('ir.date').today()

    @fields.depends('kind', 'full_time')
    def on_change_kind(self):
        if self.kind not in {'employee', 'civil_servant'}:
            self.full_time = False

    def get_rec_name(self, name):
        return f'{self.entrepreneur.rec_name} – {self.kind_string}'

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('entrepreneur.rec_name', *clause[1:])]
