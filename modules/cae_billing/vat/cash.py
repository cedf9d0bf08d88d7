# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The tax lines on cash basis: at the date of the money, and only for it."""
import datetime as dt
from collections import defaultdict
from decimal import Decimal

from trytond.model import ModelView, dualmethod
from trytond.modules.account.exceptions import PeriodNotFoundError
from trytond.pool import Pool, PoolMeta

from ..settlement import Settlement


class Invoice(metaclass=PoolMeta):
    __name__ = 'account.invoice'

    @classmethod
    def _update_tax_cash_basis(cls, invoices):
        """Put the tax lines of what was paid in the period of the payment.

        Not in that of today; and what was written off is not paid, so that
        its VAT is never due.
        """
        TaxLine = Pool().get('account.tax.line')
        invoices = [i for i in invoices if i.move]
        ratios = cls._cash_ratios(invoices)
        tax_lines = defaultdict(list)
        for invoice in invoices:
            key = invoice._cash_period(), ratios[invoice.id]
            for line in invoice.move.lines:
                tax_lines[key].extend(line.tax_lines)
        for (period, ratio), lines in tax_lines.items():
            TaxLine.update_cash_basis(lines, ratio, period)

    @classmethod
    def _cash_ratios(cls, invoices):
        "Return {id: share that was paid} of the invoices"
        result = {}
        sales = [
            i for i in invoices if i.type == 'out' and i.state != 'cancelled']
        if sales:
            settlements = Settlement.of_open_invoices(
                {i.company for i in sales}, dt.date.max,
                invoices=[i.id for i in sales])
            for invoice in sales:
                paid = 1
                if settlement := settlements.get(invoice.id):
                    paid, _ = settlement.shares()
                result[invoice.id] = (
                    Decimal(paid.numerator) / Decimal(paid.denominator))
        for invoice in invoices:
            if invoice.id not in result:
                result[invoice.id] = invoice.cash_paid_ratio
        return result

    def _cash_period(self):
        """Return the period of the last payment.

        That of today when nothing was paid or when it is closed.
        """
        Period = Pool().get('account.period')
        lines = [*self.payment_lines, *(
                other for line in self.lines_to_pay if line.reconciliation
                for other in line.reconciliation.lines
                if other.move != self.move)]
        if lines:
            try:
                return Period.find(
                    self.company, date=max(line.date for line in lines))
            except PeriodNotFoundError:
                pass
        return Period.find(self.company)


class Move(metaclass=PoolMeta):
    __name__ = 'account.move'

    @dualmethod
    @ModelView.button
    def post(cls, moves):
        pool = Pool()
        Invoice = pool.get('account.invoice')
        Payment = pool.get('account.invoice-account.move.line')
        super().post(moves)
        # A payment counts once it is posted
        payments = Payment.search([
                ('line.move', 'in', [m.id for m in moves])])
        if payments:
            Invoice._update_tax_cash_basis(
                Invoice.browse({p.invoice.id for p in payments}))
