# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.pool import Pool, PoolMeta


class Settlement(metaclass=PoolMeta):
    __name__ = 'cae.settlement'

    @classmethod
    def _facts(cls, settlements):
        return [
            *super()._facts(settlements),
            *cls._internal_facts(cls.activities(settlements)),
            ]

    @classmethod
    def _internal_facts(cls, activities):
        "Yield the internal documents not posted or not answered"
        Internal = Pool().get('cae.internal')
        for document in Internal.search([
                    ('state', 'in', ['draft', 'proposed']),
                    ['OR',
                        ('from_activity', 'in', list(activities)),
                        ('to_activity', 'in', list(activities)),
                        ],
                    ]):
            for activity in [document.from_activity, document.to_activity]:
                for settlement in activities.get(activity.id, []):
                    yield cls.fact(
                        settlement,
                        'cae_billing.msg_settlement_internal'
                        if document.state == 'proposed'
                        else 'cae_billing.msg_settlement_internal_draft',
                        document, bool(settlement.activity),
                        document=document.rec_name,
                        amount=document.amount)


class Fact(metaclass=PoolMeta):
    __name__ = 'cae.settlement.fact'

    @classmethod
    def _get_origins(cls):
        return super()._get_origins() + ['cae.internal']
