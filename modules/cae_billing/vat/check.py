# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The check that what is declared is what stands in the books."""
from collections import defaultdict
from decimal import Decimal

from sql.aggregate import Count, Sum
from sql.conditionals import Coalesce

from trytond.i18n import gettext
from trytond.modules.cae_members.query import fetch
from trytond.pool import Pool, PoolMeta

from ..apportion import round_half_up
from ..check.check import amounts, table

CENT = Decimal('0.01')


class Closing(metaclass=PoolMeta):
    __name__ = 'cae.closing'

    @classmethod
    def _checks(cls):
        checks = super()._checks()
        index = [code for code, _ in checks].index('vat_due') + 1
        checks[index:index] = [
            (code, gettext(f'cae_billing.msg_check_{code}'))
            for code in ['vat_statement', 'vat_base', 'vat_turnover']]
        return checks

    def _check_vat_statement(self):
        """The VAT declared to date is what sales and receipts made due.

        As far as its taxes stand on the account of the VAT due.
        """
        waiting, due = self._vat_settings(
            'vat_waiting_account', 'vat_due_account')
        if not waiting or not due:
            return self._check_none(
                gettext('cae_billing.msg_check_vat_waiting_none'))
        if self.state == 'draft':
            return self._check_none(gettext('cae_billing.msg_check_after'))
        statement, period = (
            table('cae.vat.statement'), table('account.period'))
        vat, tax = table('cae.vat.statement.line'), table('account.tax')
        expected = amounts(vat
            .join(statement, condition=vat.statement == statement.id)
            .join(period, condition=statement.period == period.id)
            .join(tax, 'LEFT', condition=vat.tax == tax.id)
            .select(
                statement.company, Sum(vat.amount).as_('amount'),
                where=(statement.company == self.company.id)
                & (period.end_date <= self.period.end_date)
                & ((vat.kind == 'receipts')
                    | ((vat.kind == 'issue')
                        & (tax.invoice_account == due.id))),
                group_by=statement.company))[self.company.id]
        line, move = table('account.move.line'), table('account.move')
        found = amounts(line
            .join(move, condition=line.move == move.id)
            .select(
                move.company, Sum(line.credit - line.debit).as_('amount'),
                where=self._check_posted(move) & (line.account == due.id)
                & (Coalesce(move.origin, '').like('cae.closing,%')
                    | line.move.in_(self._invoice_moves('out'))),
                group_by=move.company))[self.company.id]
        statements = Pool().get('cae.vat.statement').search([
                ('company', '=', self.company.id),
                ('period.end_date', '<=', self.period.end_date),
                ])
        return self._check_value(
            expected == found, 'cae.vat.statement',
            [] if expected == found else [s.id for s in statements],
            gettext('cae_billing.msg_check_vat_statement_look'),
            expected, found)

    def _check_vat_base(self):
        """The bases declared in the year make the VAT at their rates.

        But for the rounding of each document, a cent at most.
        """
        line = table('account.tax.line')
        source, vat, period, tax, where = self._vat_declared()
        where &= period.fiscalyear == self.period.fiscalyear.id
        rows = fetch(source.select(
                vat.kind, vat.tax, tax.rate.as_('rate'),
                Sum(vat.base).as_('base'), Sum(vat.amount).as_('amount'),
                where=where, group_by=[vat.kind, vat.tax, tax.rate]),
            [None, None, 'NUMERIC', 'NUMERIC', 'NUMERIC'])
        if not rows:
            return self._check_none(gettext('cae_billing.msg_check_after'))
        documents = dict(fetch(
                line.select(
                    line.tax, Count(line.id).as_('count'),
                    where=line.tax.in_(list({row[1] for row in rows})),
                    group_by=line.tax),
                [None, None]))
        expected = found = difference = Decimal(0)
        wrong = set()
        for kind, tax_id, rate, base, amount in rows:
            due = round_half_up(Decimal(base) * Decimal(rate))
            amount = round_half_up(amount)
            expected += due
            found += amount
            if abs(due - amount) > CENT * documents.get(tax_id, 1):
                difference += abs(due - amount)
                wrong.add((kind, tax_id))
        return self._check_value(
            not wrong, 'cae.vat.statement.line',
            self._vat_lines_of(wrong, source, vat, where),
            gettext('cae_billing.msg_check_vat_base_look'),
            expected, found, difference)

    def _check_vat_turnover(self):
        """The bases declared of each tax are the sales that have it.

        To date, as they stand on the accounts of turnover and of deposits,
        less the part of the services that the customers have not paid.
        """
        waiting, = self._vat_settings('vat_waiting_account')
        if not waiting:
            return self._check_none(
                gettext('cae_billing.msg_check_vat_waiting_none'))
        if self.state == 'draft':
            return self._check_none(gettext('cae_billing.msg_check_after'))
        source, vat, period, tax, where = self._vat_declared()
        where &= vat.kind != 'purchase'
        declared = defaultdict(Decimal)
        for kind, tax_id, base in fetch(source.select(
                    vat.kind, vat.tax, Sum(vat.base).as_('base'),
                    where=where, group_by=[vat.kind, vat.tax]),
                [None, None, 'NUMERIC']):
            declared[kind, tax_id] = round_half_up(base)
        bases = {
            ('receipts', tax_id, type_): amount
            for (tax_id, type_), amount in self._vat_on_receipts(
                waiting, ledger=True).items()}
        bases.update(self._vat_on_issue(waiting, ledger=True))
        percentages = {id_ for id_, in fetch(
                tax.select(tax.id, where=tax.type == 'percentage'), [None])}
        sold = defaultdict(Decimal)
        for (kind, tax_id, type_), amount in bases.items():
            if (kind != 'purchase' and type_ == 'base'
                    and tax_id in percentages):
                sold[kind, tax_id] = amount
        wrong = {
            key for key in {*declared, *sold} if declared[key] != sold[key]}
        return self._check_value(
            not wrong, 'cae.vat.statement.line',
            self._vat_lines_of(wrong, source, vat, where),
            gettext('cae_billing.msg_check_vat_turnover_look'),
            sum(sold.values(), Decimal(0)),
            sum(declared.values(), Decimal(0)),
            sum((abs(declared[key] - sold[key]) for key in wrong),
                Decimal(0)))

    def _vat_declared(self):
        """Return what was declared up to the month of the taxes with a rate.

        As the join, its tables of the lines, periods and taxes, and the
        condition.
        """
        statement, period = (
            table('cae.vat.statement'), table('account.period'))
        vat, tax = table('cae.vat.statement.line'), table('account.tax')
        source = (vat
            .join(statement, condition=vat.statement == statement.id)
            .join(period, condition=statement.period == period.id)
            .join(tax, condition=vat.tax == tax.id))
        where = (
            (statement.company == self.company.id)
            & (tax.type == 'percentage')
            & (period.end_date <= self.period.end_date))
        return source, vat, period, tax, where

    @staticmethod
    def _vat_lines_of(keys, source, vat, where):
        "Return the ids of the lines declared of the (kind, tax id)"
        if not keys:
            return []
        return [
            id_ for id_, *key in fetch(
                source.select(vat.id, vat.kind, vat.tax, where=where),
                [None] * 3)
            if tuple(key) in keys]
