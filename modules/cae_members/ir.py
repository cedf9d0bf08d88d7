# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

from sql import Null

from trytond.cache import Cache
from trytond.pool import Pool, PoolMeta
from trytond.transaction import Transaction, without_check_access


class Cron(metaclass=PoolMeta):
    __name__ = 'ir.cron'

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.method.selection.extend([
                ('cae.deadline|remind', "Remind of Legal Deadlines"),
                ('cae.retention.due|find', "List What Is Due for Erasure"),
                ('cae.connection|forget', "Forget Old Connections"),
                ])


class Rule(metaclass=PoolMeta):
    """Add to the context of the rules what the user owns today.

    `cae_entrepreneurs` are the ids of the user's own entrepreneur records,
    `cae_activities` those of the activities they hold today, and
    `cae_employees` those of the employees the user is, as advisor.
    `cae_portfolio` is the domain of the entrepreneurs whom the user supports,
    or nobody yet.
    """
    __name__ = 'ir.rule'
    _cae_own_cache = Cache('ir.rule.cae_own', context=False)

    @classmethod
    def _cae_models(cls):
        """Return the set of names of the models ruled by what a user owns.

        A module extends it with its own models.
        """
        return {
            'cae.activity', 'cae.activity.holder', 'cae.contract',
            'cae.deadline', 'cae.entrepreneur.change',
            'cae.entrepreneur.private', 'cae.paper',
            'cae.entrepreneur', 'cae.entrepreneur.skill', 'cae.interview',
            'cae.workshop.registration', 'cae.directory.entry', 'cae.call',
            'cae.call.answer', 'cae.absence', 'cae.aid', 'cae.funnel.person',
            'cae.outside_activity', 'cae.settlement',
            'cae.target.membership', 'cae.trainer', 'cae.connection',
            'company.employee', 'party.party', 'res.user'}

    @classmethod
    def _cae_ruled_by(cls, Model):
        "Return the set of names of the models whose rules rule the model"
        names, todo = set(), [Model]
        while todo:
            Model = todo.pop()
            if Model.__name__ not in names:
                names.add(Model.__name__)
                todo.extend(
                    Model._fields[n].get_target() for n in Model.__access__)
        return names

    @classmethod
    def _cae_own(cls):
        "Return the ids of the user's entrepreneurs and of their activities"
        pool = Pool()
        Date = pool.get('ir.date')
        Entrepreneur = pool.get('cae.entrepreneur')
        Holder = pool.get('cae.activity.holder')
        transaction = Transaction()
        with without_check_access():
            today = Date.today()
        key = (transaction.user, today)
        own = cls._cae_own_cache.get(key)
        if own is not None:
            return own

        cursor = transaction.connection.cursor()
        entrepreneur = Entrepreneur.__table__()
        holder = Holder.__table__()
        cursor.execute(*entrepreneur.select(
                entrepreneur.id,
                where=entrepreneur.user == transaction.user,
                order_by=[entrepreneur.id]))
        entrepreneurs = tuple(id_ for id_, in cursor)
        cursor.execute(*entrepreneur.join(
                holder, condition=holder.entrepreneur == entrepreneur.id
                ).select(
                holder.activity,
                where=(entrepreneur.user == transaction.user)
                & (holder.from_date <= today)
                & ((holder.to_date == Null) | (holder.to_date >= today)),
                group_by=[holder.activity],
                order_by=[holder.activity]))
        activities = tuple(id_ for id_, in cursor)
        return cls._cae_own_cache.set(key, (entrepreneurs, activities))

    @classmethod
    def _get_context(cls, model_name):
        context = super()._get_context(model_name)
        if model_name in cls._cae_models():
            entrepreneurs, activities = cls._cae_own()
            context['cae_entrepreneurs'] = list(entrepreneurs)
            context['cae_activities'] = list(activities)
            employees = list(Pool().get('res.user').get_employees())
            context['cae_employees'] = employees
            context['cae_portfolio'] = ['OR',
                ('advisor', 'in', employees),
                ('advisor', '=', None),
                ('holdings.activity.advisor', 'in', employees),
                ]
        return context

    @classmethod
    def _get_cache_key(cls, model_names):
        key = super()._get_cache_key(model_names)
        if set(model_names) & cls._cae_models():
            User = Pool().get('res.user')
            key = (*key, *cls._cae_own(), User.get_employees())
        return key
