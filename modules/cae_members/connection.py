# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""When users last logged in, by month."""
import datetime as dt
import logging

from dateutil.relativedelta import relativedelta
from sql import Conflict, Literal
from sql.aggregate import Max

from trytond.model import ModelSQL, ModelView, Unique, fields
from trytond.pool import Pool, PoolMeta
from trytond.transaction import Transaction, check_access, without_check_access

from .query import fetch

logger = logging.getLogger(__name__)


class Connection(ModelSQL, ModelView):
    """The last login of a user in a month.

    There is one for each user and month, so that it tells who stays away but
    not when somebody works.
    """
    __name__ = 'cae.connection'
    __string__ = "Connection"

    user = fields.Many2One(
        'res.user', "User", required=True, readonly=True, ondelete='CASCADE')
    month = fields.Date(
        "Month", required=True, readonly=True,
        help="The first day of the month.")
    last = fields.DateTime("Last Connection", required=True, readonly=True)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('month_unique', Unique(t, t.user, t.month),
                'cae_members.msg_connection_unique'),
            ]
        cls._order = [('month', 'DESC'), ('id', 'DESC')]

    @classmethod
    def note(cls, user):
        """Keep that the user, given by id, logs in now.

        Of no other than entrepreneurs, for nobody needs it.
        In one statement, so that two logins at once make no error. Whatever
        else goes wrong is logged: nobody stays outside for it.
        """
        pool = Pool()
        cursor = Transaction().connection.cursor()
        now = dt.datetime.now().replace(microsecond=0)
        t = cls.__table__()
        table = pool.get('res.user').__table__()
        entrepreneur = pool.get('cae.entrepreneur').__table__()
        cursor.execute('SAVEPOINT cae_connection')
        try:
            cursor.execute(*t.insert(
                    [t.user, t.month, t.last],
                    table.select(
                        table.id, Literal(now.date().replace(day=1)),
                        Literal(now),
                        where=(table.id == user)
                        & table.id.in_(
                            entrepreneur.select(entrepreneur.user))),
                    on_conflict=Conflict(
                        t, indexed_columns=[t.user, t.month],
                        columns=[t.last], values=[now])))
        except Exception:
            logger.warning("the connection is not kept", exc_info=True)
            cursor.execute('ROLLBACK TO SAVEPOINT cae_connection')
        else:
            cursor.execute('RELEASE SAVEPOINT cae_connection')

    @classmethod
    def last_query(cls):
        """Return the query of the last connection of each user.

        Only of those that the user of the transaction may read, whoever asks.
        """
        with check_access():
            allowed = Pool().get('ir.rule').domain_get(cls.__name__)
        with without_check_access():
            query = cls.search(allowed, order=[], query=True)
        t = cls.__table__()
        return t.select(
            t.user, Max(t.last).as_('last'),
            where=t.id.in_(query), group_by=[t.user])

    @classmethod
    def forget(cls):
        "Delete what is older than its delay; called once a day"
        pool = Pool()
        Retention = pool.get('cae.retention')
        today = pool.get('ir.date').today()
        for retention in Retention.search([('kind', '=', 'connection')]):
            limit = today - relativedelta(months=retention.months)
            cls.delete(cls.search([
                        ('last', '<', dt.datetime.combine(limit, dt.time())),
                        ]))


class Session(metaclass=PoolMeta):
    __name__ = 'ir.session'

    @classmethod
    def new(cls, values=None):
        key = super().new(values=values)
        Pool().get('cae.connection').note(Transaction().user)
        return key


class Entrepreneur(metaclass=PoolMeta):
    __name__ = 'cae.entrepreneur'
    last_connection = fields.Function(
        fields.DateTime(
            "Last Connection",
            help="When the person last logged in, as far as it is kept."),
        'get_last_connection', searcher='search_last_connection')

    @classmethod
    def get_last_connection(cls, entrepreneurs, name):
        result = dict.fromkeys(map(int, entrepreneurs))
        table = cls.__table__()
        last = Pool().get('cae.connection').last_query()
        result.update(fetch(
                table.join(last, condition=last.user == table.user).select(
                    table.id, last.last.as_('last'),
                    where=fields.SQL_OPERATORS['in'](
                        table.id, list(result))),
                [None, 'DATETIME']))
        return result

    @classmethod
    def search_last_connection(cls, name, clause):
        _, operator, value = clause
        table = cls.__table__()
        last = Pool().get('cae.connection').last_query()
        Operator = fields.SQL_OPERATORS[operator]
        return [('id', 'in', table.join(
                    last, 'LEFT', condition=last.user == table.user
                    ).select(table.id, where=Operator(last.last, value)))]
