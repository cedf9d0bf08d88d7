# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

from trytond.i18n import gettext
from trytond.modules.party.exceptions import EraseError
from trytond.pool import Pool, PoolMeta


class Replace(metaclass=PoolMeta):
    __name__ = 'party.replace'

    @classmethod
    def fields_to_replace(cls):
        return super().fields_to_replace() + [
            ('cae.associate', 'party'),
            ]


class Erase(metaclass=PoolMeta):
    __name__ = 'party.erase'

    def check_erase_company(self, party, company):
        pool = Pool()
        Associate = pool.get('cae.associate')
        Movement = pool.get('cae.share.movement')
        super().check_erase_company(party, company)
        associates = Associate.search([
                ('party', '=', party.id),
                ('company', '=', company.id),
                ])
        if (any(a.lost_date is None for a in associates)
                or any(Movement.holdings(associates, None).values())):
            raise EraseError(gettext(
                    'cae_governance.msg_erase_party_associate',
                    party=party.rec_name,
                    company=company.rec_name))
