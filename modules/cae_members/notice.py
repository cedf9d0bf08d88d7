# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What the authorities are told of the contracts."""
from sql import Null

from trytond.model import fields
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval
from trytond.transaction import Transaction


class ContractType(metaclass=PoolMeta):
    __name__ = 'cae.contract.type'

    told = fields.Boolean(
        "Told to the Authorities",
        help="Check if URSSAF and France Travail are told of the conclusion, "
        "the renewal and the end of the contract (Code du travail, art. "
        "R5142-1).")


class Contract(metaclass=PoolMeta):
    __name__ = 'cae.contract'

    told = fields.Function(
        fields.Boolean("Told to the Authorities"), 'on_change_with_told')
    start_told_on = fields.Date(
        "Start Told On",
        states={
            'invisible': ~Eval('told', False),
            },
        help="When URSSAF and France Travail were told of the conclusion or "
        "the renewal (Code du travail, art. R5142-1).")
    end_told_on = fields.Date(
        "End Told On",
        states={
            'invisible': ~Eval('told', False),
            },
        help="When URSSAF and France Travail were told of the end, at the "
        "term or before (Code du travail, art. R5142-1).\n"
        "A renewal tells it too.")
    to_tell = fields.Function(
        fields.Boolean(
            "To Tell",
            help="The authorities were not told of the start yet, or of the "
            "end."),
        'get_to_tell', searcher='search_to_tell')

    @fields.depends('type')
    def on_change_with_told(self, name=None):
        return bool(self.type and self.type.told)

    @classmethod
    def _to_tell(cls):
        "Return the query of the ids of the contracts to tell of"
        pool = Pool()
        Type = pool.get('cae.contract.type')
        table, renewal = cls.__table__(), cls.__table__()
        type_ = Type.__table__()
        today = pool.get('ir.date').today()
        renewed = renewal.select(
            renewal.renewal_of,
            where=(renewal.renewal_of != Null)
            & renewal.state.in_(['signed', 'ended']))
        return table.join(
            type_, condition=table.type == type_.id
            ).select(table.id,
                where=type_.told & table.state.in_(['signed', 'ended'])
                & ((table.start_told_on == Null)
                    | (table.end_told_on == Null)
                    & (table.end_date <= today)
                    & ~table.id.in_(renewed)))

    @classmethod
    def get_to_tell(cls, contracts, name):
        cursor = Transaction().connection.cursor()
        query = cls._to_tell()
        query.where &= fields.SQL_OPERATORS['in'](
            query.columns[0], list(map(int, contracts)))
        cursor.execute(*query)
        found = {id_ for id_, in cursor}
        return {int(c): int(c) in found for c in contracts}

    @classmethod
    def search_to_tell(cls, name, clause):
        _, operator, value = clause
        wanted = (operator == '=') == bool(value)
        return [('id', 'in' if wanted else 'not in', cls._to_tell())]

    @classmethod
    def copy(cls, contracts, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('start_told_on')
        default.setdefault('end_told_on')
        return super().copy(contracts, default=default)
