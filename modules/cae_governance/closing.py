# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What the closings of the months check of the capital."""
from decimal import Decimal

from trytond.i18n import gettext
from trytond.pool import Pool, PoolMeta


class Closing(metaclass=PoolMeta):
    __name__ = 'cae.closing'

    @classmethod
    def _checks(cls):
        return [
            *super()._checks(),
            ('capital', gettext('cae_governance.msg_check_capital')),
            ]

    def _check_capital(self):
        "The register of shares and the capital accounts agree"
        pool = Pool()
        Configuration = pool.get('cae.configuration')
        Movement = pool.get('cae.share.movement')
        if not all(
                Configuration(1).get_multivalue(
                    f'capital_{name}_account', company=self.company.id)
                for name in ['due', 'called', 'paid']):
            return self._check_none(
                gettext('cae_governance.msg_check_capital_none'))
        differences = Movement.capital_differences(
            self.company, self.period.end_date)
        return self._check_value(
            not differences, None, [],
            gettext('cae_governance.msg_check_capital_look',
                differences=', '.join(
                    gettext(f'cae_governance.msg_check_capital_{d.name}',
                        register=f'{d.register:.2f}',
                        ledger=f'{d.ledger:.2f}')
                    for d in differences)),
            sum((d.register for d in differences), Decimal(0)),
            sum((d.ledger for d in differences), Decimal(0)))
