# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

import datetime as dt

from sql.aggregate import Min
from sql.conditionals import Coalesce

from trytond.model import fields
from trytond.pool import Pool, PoolMeta
from trytond.transaction import Transaction


class Entrepreneur(metaclass=PoolMeta):
    __name__ = 'cae.entrepreneur'

    @classmethod
    def _stage_facts(cls, entrepreneurs, date):
        pool = Pool()
        Associate = pool.get('cae.associate')
        cursor = Transaction().connection.cursor()
        facts = super()._stage_facts(entrepreneurs, date)
        table = cls.__table__()
        associate = Associate.__table__()
        cursor.execute(*table.join(associate,
                condition=(associate.party == table.party)
                & (associate.company == table.company)
                ).select(table.id,
                where=fields.SQL_OPERATORS['in'](table.id, list(facts))
                & Associate._member_at(associate, date)))
        for id_, in cursor:
            facts[id_].add('associate')
        return facts

    @classmethod
    def _associate_since(cls, table):
        "The register goes before a date taken over from another system"
        associate = Pool().get('cae.associate').__table__()
        return Coalesce(
            associate.select(
                Min(associate.admission_date),
                where=(associate.party == table.party)
                & (associate.company == table.company)
                & (associate.state == 'admitted')),
            super()._associate_since(table))

    @classmethod
    def associate_periods(cls, companies):
        "The register goes before a date taken over from another system"
        pool = Pool()
        Associate = pool.get('cae.associate')
        cursor = Transaction().connection.cursor()
        periods = super().associate_periods(companies)
        table = cls.__table__()
        associate = Associate.__table__()
        cursor.execute(*table.join(associate,
                condition=(associate.party == table.party)
                & (associate.company == table.company)
                ).select(
                table.id, associate.admission_date, associate.lost_date,
                where=fields.SQL_OPERATORS['in'](
                    table.company, list(companies))
                & (associate.state == 'admitted'),
                order_by=[associate.admission_date]))
        for id_, admission_date, lost_date in cursor:
            if lost_date:
                lost_date -= dt.timedelta(days=1)
            periods[id_] = admission_date, lost_date
        return periods
