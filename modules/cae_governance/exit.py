# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What an associate who leaves still holds."""
from trytond.pool import Pool, PoolMeta


class Settlement(metaclass=PoolMeta):
    __name__ = 'cae.settlement'

    @classmethod
    def _facts(cls, settlements):
        return [
            *super()._facts(settlements),
            *cls._associate_facts([s for s in settlements if s.entrepreneur]),
            ]

    @classmethod
    def _associate_facts(cls, exits):
        """Yield the memberships, shares and proxies of the persons.

        None blocks: who leaves stays an associate until the statutes or the
        assembly say otherwise (loi 78-763, art. 10 and 11), and the shares
        are refunded later.
        """
        pool = Pool()
        Associate = pool.get('cae.associate')
        Movement = pool.get('cae.share.movement')
        Proxy = pool.get('cae.assembly.proxy')
        by_party = {(s.company, s.entrepreneur.party): s for s in exits}
        associates = {}
        for associate in Associate.search([
                    ('party', 'in', [p.id for _, p in by_party]),
                    ]):
            if settlement := by_party.get(
                    (associate.company, associate.party)):
                associates[associate] = settlement
        holdings = Movement.holdings(list(associates), None)
        for associate, settlement in associates.items():
            if associate.state == 'applicant':
                yield cls.fact(
                    settlement, 'cae_governance.msg_settlement_applicant',
                    associate)
            elif not associate.lost_date:
                yield cls.fact(
                    settlement, 'cae_governance.msg_settlement_member',
                    associate, date=settlement.date)
            if holdings[associate.id]:
                yield cls.fact(
                    settlement, 'cae_governance.msg_settlement_shares',
                    associate, shares=holdings[associate.id])
        ids = [a.id for a in associates]
        for proxy in Proxy.search([
                    ('state', '=', 'given'),
                    ('assembly.state', 'in', ['convened', 'open']),
                    ['OR',
                        ('principal.associate', 'in', ids),
                        ('holder.associate', 'in', ids),
                        ],
                    ]):
            for associate in {
                    proxy.principal.associate, proxy.holder.associate}:
                if settlement := associates.get(associate):
                    yield cls.fact(
                        settlement, 'cae_governance.msg_settlement_proxy',
                        proxy.assembly, assembly=proxy.assembly.rec_name)


class Fact(metaclass=PoolMeta):
    __name__ = 'cae.settlement.fact'

    @classmethod
    def _get_origins(cls):
        return super()._get_origins() + ['cae.assembly', 'cae.associate']
