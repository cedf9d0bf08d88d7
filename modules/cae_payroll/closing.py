# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from collections import defaultdict
from decimal import Decimal

from sql import Null
from sql.aggregate import Sum
from sql.conditionals import Coalesce

from trytond.i18n import gettext
from trytond.modules.cae_billing.check.check import amounts, table
from trytond.modules.cae_members.query import fetch
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
        payslips = [
            *Payslip.recompute(prepared),
            *Payslip.prepare(contracts, run, number=True)]
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
                    'record': str(contract.person),
                    'message': gettext(message, contract=contract.rec_name),
                    })
        for payslip in above:
            result.append({
                    'kind': 'above_budget',
                    'record': str(payslip.contract.person),
                    'message': gettext(
                        'cae_payroll.msg_attention_above_budget',
                        payslip=payslip.rec_name,
                        cost=f"{payslip.cost:.2f}",
                        budget=f"{payslip.budget:.2f}"),
                    })
        return result

    # Checks

    @classmethod
    def _checks(cls):
        return [*super()._checks(), *[
                (code, gettext(f'cae_payroll.msg_check_{code}'))
                for code in [
                    'pay', 'pay_activity', 'charges', 'contributions',
                    'net_pay']]]

    def _on_collected_basis(self):
        Pay = Pool().get('cae.contract.pay')
        return super()._on_collected_basis() or bool(Pay.search([
                    ('contract.company', '=', self.company.id),
                    ('start_date', '<=', self.period.end_date),
                    ('basis', '=', 'collected'),
                    ], limit=1))

    def _numbers(self):
        payslip = table('cae.payslip')
        query = payslip.select(
            payslip.number, where=(payslip.company == self.company.id)
            & (payslip.number != Null))
        return [
            *super()._numbers(),
            *(('payslip', number) for number, in fetch(query, [None]))]

    def _payslips(self, payslip):
        "Return the condition of the posted payslips of the month"
        return (
            (payslip.company == self.company.id)
            & (payslip.period == self.period.id)
            & (payslip.state == 'posted'))

    def _payslip_moves(self):
        payslip = table('cae.payslip')
        return payslip.select(
            payslip.move,
            where=self._payslips(payslip) & (payslip.move != Null))

    def _check_pay(self):
        "The cost of the payslips is posted to the activities that bear it"
        payslip, part = table('cae.payslip'), table('cae.payslip.activity')
        activity = table('cae.activity')
        line, move = table('account.move.line'), table('account.move')
        analytic = table('analytic_account.line')
        due = amounts(part
            .join(payslip, condition=part.payslip == payslip.id)
            .select(
                part.activity, Sum(part.cost).as_('amount'),
                where=self._payslips(payslip), group_by=part.activity))
        posted = amounts(analytic
            .join(line, condition=analytic.move_line == line.id)
            .join(move, condition=line.move == move.id)
            .join(activity,
                condition=analytic.account == activity.analytic_account)
            .select(
                activity.id,
                Sum(analytic.debit - analytic.credit).as_('amount'),
                where=self._check_posted(move)
                & move.id.in_(self._payslip_moves()),
                group_by=activity.id))
        wrong = [id_ for id_ in {*due, *posted} if due[id_] != posted[id_]]
        return self._check_value(
            not wrong, 'cae.activity', wrong,
            gettext('cae_payroll.msg_check_pay_look'),
            sum(due.values(), Decimal(0)), sum(posted.values(), Decimal(0)),
            sum((abs(posted[id_] - due[id_]) for id_ in wrong), Decimal(0)))

    def _above_budget(self):
        payslip, part = table('cae.payslip'), table('cae.payslip.activity')
        return super()._above_budget() | {
            id_ for id_, in fetch(part
                .join(payslip, condition=part.payslip == payslip.id)
                .select(
                    part.activity,
                    where=self._payslips(payslip) & payslip.above_budget),
                [None])}

    def _check_pay_activity(self):
        "Each payslip of the month is borne by activities"
        payslip, part = table('cae.payslip'), table('cae.payslip.activity')
        ids = [id_ for id_, in fetch(payslip
                .join(part, 'LEFT', condition=part.payslip == payslip.id)
                .select(
                    payslip.id,
                    where=self._payslips(payslip) & (payslip.cost != 0)
                    & (part.id == Null)),
                [None])]
        return self._check_value(
            not ids, 'cae.payslip', ids,
            gettext('cae_payroll.msg_check_pay_activity_look'),
            Decimal(0), Decimal(len(ids)))

    def _check_charges(self):
        """The payslips are posted to the accounts of their expenses.

        By account: pay, contributions and, taken off them, reductions.
        """
        return self._check_accounts(
            'charges', 'expense_account', lambda part: part.employer,
            'income')

    def _check_contributions(self):
        """The payslips are posted to the accounts of those who get them.

        By account: both shares for the bodies and the tax, the net pay for
        the persons.
        """
        payslip = table('cae.payslip')
        net = self._net_account()
        paid = amounts(payslip.select(
                payslip.company, Sum(payslip.net_paid).as_('amount'),
                where=self._payslips(payslip),
                group_by=payslip.company))[self.company.id]
        return self._check_accounts(
            'contributions', 'liability_account',
            lambda part: -Coalesce(part.employee, 0)
            - Coalesce(part.employer, 0),
            'balance', {net.id if net else None: -paid})

    def _check_accounts(self, code, name, amount, statement, others=None):
        """Compare by account what the payslips are posted to.

        ``name`` is the account of the rules, ``amount`` gives what a line of
        a payslip debits, and ``others`` are {account id: debit} without line.
        """
        pool = Pool()
        Account = pool.get('cae.payroll.account')
        payslip, part = table('cae.payslip'), table('cae.payslip.line')
        rule = table('cae.payroll.rule')
        line, move = table('account.move.line'), table('account.move')
        account, type_ = (
            table('account.account'), table('account.account.type'))
        mapping = {
            a.rule.id: getattr(a, name).id for a in Account.search([
                    ('company', '=', self.company.id),
                    (name, '!=', None)])}
        where = self._payslips(payslip)
        if statement == 'balance':
            where &= rule.kind != 'gross'
        due = defaultdict(Decimal, others or {})
        for id_, debit in amounts(part
                .join(payslip, condition=part.payslip == payslip.id)
                .join(rule, condition=part.rule == rule.id)
                .select(
                    part.rule, Sum(amount(part)).as_('amount'),
                    where=where, group_by=part.rule)).items():
            if debit:
                due[mapping.get(id_)] += debit
        posted = amounts(line
            .join(move, condition=line.move == move.id)
            .join(account, condition=line.account == account.id)
            .join(type_, condition=account.type == type_.id)
            .select(
                line.account, Sum(line.debit - line.credit).as_('amount'),
                where=self._check_posted(move)
                & move.id.in_(self._payslip_moves())
                & (type_.statement == statement),
                group_by=line.account))
        wrong = [
            id_ for id_ in {*due, *posted}
            if due[id_] != posted[id_]]
        sign = 1 if statement == 'income' else -1
        return self._check_value(
            not wrong, 'account.account', list(filter(None, wrong)),
            gettext(f'cae_payroll.msg_check_{code}_look'),
            sign * sum(due.values(), Decimal(0)),
            sign * sum(posted.values(), Decimal(0)),
            sum((abs(posted[id_] - due[id_]) for id_ in wrong), Decimal(0)))

    def _check_net_pay(self):
        "Nobody waits for the pay of a month before"
        account = self._net_account()
        if not account or not account.reconcile:
            return self._check_none(
                gettext('cae_payroll.msg_check_net_pay_none'))
        line, move = table('account.move.line'), table('account.move')
        reconciliation = table('account.move.reconciliation')
        later = reconciliation.select(
            reconciliation.id,
            where=reconciliation.date > self.period.end_date)
        waiting = amounts(line
            .join(move, condition=line.move == move.id)
            .select(
                line.id, (line.credit - line.debit).as_('amount'),
                where=self._check_posted(move)
                & (move.date < self.period.start_date)
                & (line.account == account.id)
                & ((line.reconciliation == Null)
                    | line.reconciliation.in_(later))))
        return self._check_value(
            not waiting, 'account.move.line', list(waiting),
            gettext('cae_payroll.msg_check_net_pay_look'),
            Decimal(0), sum(waiting.values(), Decimal(0)))

    def _net_account(self):
        "Return the account of the net pay, if it is set up"
        pool = Pool()
        Account = pool.get('cae.payroll.account')
        accounts = Account.search([
                ('company', '=', self.company.id),
                ('rule.kind', '=', 'net'),
                ('liability_account', '!=', None),
                ], limit=1)
        return accounts[0].liability_account if accounts else None


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
