# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What of the pay is settled before an exit or a closing."""
from dateutil.relativedelta import relativedelta
from sql.aggregate import Max

from trytond.model import fields
from trytond.modules.cae_members.query import fetch
from trytond.pool import Pool, PoolMeta


class Settlement(metaclass=PoolMeta):
    __name__ = 'cae.settlement'

    @classmethod
    def _facts(cls, settlements):
        exits = cls.exits(settlements)
        return [
            *super()._facts(settlements),
            *cls._payslip_facts(exits, cls.closings(settlements)),
            *cls._unpaid_facts(exits),
            ]

    @classmethod
    def _payslip_facts(cls, exits, closings):
        "Yield the payslips of the persons and activities not posted"
        Payslip = Pool().get('cae.payslip')
        for payslip in Payslip.search([
                    ('state', '!=', 'posted'),
                    ['OR',
                        ('entrepreneur', 'in', list(exits)),
                        ('activities.activity', 'in', list(closings)),
                        ],
                    ]):
            settlements = {closings.get(p.activity.id)
                for p in payslip.activities}
            if payslip.entrepreneur:
                settlements.add(exits.get(payslip.entrepreneur.id))
            for settlement in settlements - {None}:
                yield cls.fact(
                    settlement, 'cae_payroll.msg_settlement_payslip', payslip,
                    bool(settlement.activity), payslip=payslip.rec_name)

    @classmethod
    def _unpaid_facts(cls, exits):
        """Yield the contracts with months that no posted payslip follows.

        Paid leave is no part of the module: the last pay settles it.
        """
        pool = Pool()
        Contract = pool.get('cae.contract')
        Payslip = pool.get('cae.payslip')
        Period = pool.get('account.period')
        contracts = Contract.search([
                ('entrepreneur', 'in', list(exits)),
                ('type.employment', '=', True),
                ('state', 'in', ['signed', 'ended']),
                ('pay_terms', '!=', None),
                ], order=[('start_date', 'ASC')])
        payslip, period = Payslip.__table__(), Period.__table__()
        query = payslip.join(
            period, condition=payslip.period == period.id
            ).select(
                payslip.contract, Max(period.end_date).as_('date'),
                where=(payslip.state == 'posted')
                & fields.SQL_OPERATORS['in'](
                    payslip.contract, [c.id for c in contracts]),
                group_by=[payslip.contract])
        paid = dict(fetch(query, [None, 'DATE']))
        for contract in contracts:
            settlement = exits[contract.entrepreneur.id]
            first = max(
                contract.start_date,
                min(t.start_date for t in contract.pay_terms))
            if contract.id in paid:
                first = paid[contract.id] + relativedelta(days=1)
            last = min(filter(None, [contract.end_date, settlement.date]))
            if first <= last:
                yield cls.fact(
                    settlement, 'cae_payroll.msg_settlement_unpaid', contract,
                    contract=contract.rec_name,
                    start=f"{first:%m/%Y}", end=f"{last:%m/%Y}")


class Fact(metaclass=PoolMeta):
    __name__ = 'cae.settlement.fact'

    @classmethod
    def _get_origins(cls):
        return super()._get_origins() + ['cae.payslip']
