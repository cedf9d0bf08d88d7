# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.i18n import gettext
from trytond.pool import Pool, PoolMeta
from trytond.transaction import without_check_access


class Closing(metaclass=PoolMeta):
    __name__ = 'cae.closing'

    @classmethod
    def _steps(cls):
        steps = super()._steps()
        index = [code for code, _ in steps].index('statement')
        steps.insert(
            index, ('pay', gettext('cae_payroll.msg_closing_step_pay')))
        return steps

    @classmethod
    def _journals(cls):
        return super()._journals() + ['payroll_journal']

    def _items_pay(self):
        """The employment contracts in force at the end of the month.

        The run is made here, under the lock of the closing, for all chunks.
        """
        pool = Pool()
        Contract = pool.get('cae.contract')
        Pay = pool.get('cae.contract.pay')
        Run = pool.get('cae.payroll.run')
        date = self.period.end_date
        contracts = Contract.paid_at(self.company, date)
        terms = Pay.at(contracts, date)
        contracts = [c for c in contracts if c.id in terms]
        if contracts:
            Run.of(self.company, self.period, closing=self)
        return contracts

    def _locks_pay(self):
        Configuration = Pool().get('cae.configuration')
        return self._move_sequences() + [
            Configuration.payroll_setting(self.company, 'payslip_sequence')]

    def _run_pay(self, contracts):
        """Pay what is not paid yet, in one posted move.

        Payslips that were prepared by hand are computed again first: the
        fees of the month are now known.
        """
        pool = Pool()
        Payslip = pool.get('cae.payslip')
        Run = pool.get('cae.payroll.run')
        run = Run.of(self.company, self.period)
        run.check_open()
        prepared = Payslip.search([
                ('run', '=', run.id),
                ('contract', 'in', [c.id for c in contracts]),
                ('state', '!=', 'posted'),
                ])
        payslips = Payslip.recompute(prepared)
        payslips += Payslip.prepare(contracts, run, number=True)
        Payslip.post(payslips)
        if run.state != 'posted':
            Run.write([run], {'state': 'posted'})

    def _attention(self):
        pool = Pool()
        Contract = pool.get('cae.contract')
        Pay = pool.get('cae.contract.pay')
        Payslip = pool.get('cae.payslip')
        result = super()._attention()
        date = self.period.end_date
        with without_check_access():
            contracts = Contract.paid_at(self.company, date)
            terms = Pay.at(contracts, date)
            unable = Payslip.without_activity(contracts, date)
            above = Payslip.search([
                    ('company', '=', self.company.id),
                    ('period', '=', self.period.id),
                    ('above_budget', '=', True),
                    ])
        for contract in contracts:
            if contract.id not in terms:
                message = 'cae_payroll.msg_attention_no_terms'
            elif contract in unable:
                message = 'cae_payroll.msg_attention_no_activity'
            else:
                continue
            result.append({
                    'kind': 'pay_terms',
                    'record': str(contract),
                    'message': gettext(message, contract=contract.rec_name),
                    })
        for payslip in above:
            result.append({
                    'kind': 'above_budget',
                    'record': str(payslip),
                    'message': gettext(
                        'cae_payroll.msg_attention_above_budget',
                        payslip=payslip.rec_name,
                        cost=f"{payslip.cost:.2f}",
                        budget=f"{payslip.budget:.2f}"),
                    })
        return result


class ChunkItem(metaclass=PoolMeta):
    __name__ = 'cae.closing.chunk.item'

    @classmethod
    def _get_records(cls):
        return super()._get_records() + ['cae.contract']


class Attention(metaclass=PoolMeta):
    __name__ = 'cae.closing.attention'

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.kind.selection = cls.kind.selection + [
            ('pay_terms', "Pay Terms"),
            ('above_budget', "Pay above Budget"),
            ]

    @classmethod
    def _get_records(cls):
        return super()._get_records() + ['cae.contract', 'cae.payslip']
