# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.pool import PoolMeta


class Movement(metaclass=PoolMeta):
    __name__ = 'cae.activity.movement'

    @classmethod
    def _kinds(cls):
        return {
            **super()._kinds(),
            'cae.cutoff': 'year_end',
            'cae.year_end': 'year_end',
            }
