# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

from trytond.pool import Pool, PoolMeta
from trytond.transaction import Transaction


class Rule(metaclass=PoolMeta):
    """Add to the context of the rules who the user is as an associate.

    `cae_associates` are the ids of the associates whose party is an
    entrepreneur or an employee of the user.
    """
    __name__ = 'ir.rule'
    _cae_associates_models = {
        'cae.associate', 'cae.share.movement', 'cae.assembly',
        'cae.assembly.vote'}

    @classmethod
    def _cae_models(cls):
        return super()._cae_models() | cls._cae_associates_models

    @classmethod
    def _cae_associates(cls):
        "Return the ids of the user's associates"
        pool = Pool()
        Associate = pool.get('cae.associate')
        Employee = pool.get('company.employee')
        Entrepreneur = pool.get('cae.entrepreneur')
        UserEmployee = pool.get('res.user-company.employee')
        user = Transaction().user
        cursor = Transaction().connection.cursor()
        associate = Associate.__table__()
        entrepreneur = Entrepreneur.__table__()
        employee = Employee.__table__()
        user_employee = UserEmployee.__table__()
        cursor.execute(*(
                associate.join(entrepreneur,
                    condition=(entrepreneur.party == associate.party)
                    & (entrepreneur.company == associate.company)
                    ).select(associate.id, where=entrepreneur.user == user)
                | associate.join(employee,
                    condition=(employee.party == associate.party)
                    & (employee.company == associate.company)
                    ).join(user_employee,
                    condition=user_employee.employee == employee.id
                    ).select(associate.id, where=user_employee.user == user)))
        return tuple(sorted(id_ for id_, in cursor))

    @classmethod
    def _get_context(cls, model_name):
        context = super()._get_context(model_name)
        if model_name in cls._cae_associates_models:
            context['cae_associates'] = list(cls._cae_associates())
        return context

    @classmethod
    def _get_cache_key(cls, model_names):
        key = super()._get_cache_key(model_names)
        if set(model_names) & cls._cae_associates_models:
            key = (*key, cls._cae_associates())
        return key
