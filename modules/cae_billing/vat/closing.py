# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The step of the closing that declares the VAT of the month."""
from decimal import Decimal

from sql import Literal, Null
from sql.aggregate import Sum
from sql.conditionals import Coalesce

from trytond.i18n import gettext
from trytond.model import fields
from trytond.modules.cae_members.query import fetch
from trytond.pool import Pool, PoolMeta

from ..apportion import round_half_up
from ..exceptions import ClosingError
from ..posting import Entry, move_values
from ..settlement import Settlement
from .due import due, less

in_ = fields.SQL_OPERATORS['in']


class Closing(metaclass=PoolMeta):
    __name__ = 'cae.closing'

    @classmethod
    def _steps(cls):
        vat = ('vat', gettext('cae_billing.msg_closing_step_vat'))
        return [vat, *super()._steps()]

    @classmethod
    def _journals(cls):
        return [*super()._journals(), 'vat_journal']

    def _vat_settings(self, *names):
        configuration = Pool().get('cae.configuration')(1)
        return [
            configuration.get_multivalue(name, company=self.company.id)
            for name in names]

    def _items_vat(self):
        Activity = Pool().get('cae.activity')
        if any(self._vat_settings('vat_waiting_account')):
            return [Activity.special(self.company, 'shared')]
        return []

    def _locks_vat(self):
        return self._move_sequences()

    def _run_vat(self, activities):
        """Post the VAT that the receipts of the month made due.

        What is due of every invoice by its paid share, less what was posted
        before. What was written off was never due. The statement of the
        month says which bases and rates are behind.
        """
        pool = Pool()
        Move = pool.get('account.move')
        Statement = pool.get('cae.vat.statement')
        waiting, account, journal = self._vat_settings(
            'vat_waiting_account', 'vat_due_account', 'vat_journal')
        if not account or not journal:
            raise ClosingError(gettext(
                    'cae_billing.msg_closing_vat_configuration'))
        to_date = self._vat_on_receipts(waiting)
        amount = sum((
                a for (_, type_), a in to_date.items() if type_ == 'tax'),
            Decimal(0)) - self._vat_posted(waiting)
        values = move_values(
            self.company, journal, self.period, self.period.end_date,
            gettext('cae_billing.msg_closing_vat_move',
                period=self.period.name),
            self, [Entry(waiting, amount), Entry(account, -amount)])
        move = None
        if values:
            move, = Move.create([values])
            Move.post([move])
        to_date = {('receipts', *key): a for key, a in to_date.items()}
        to_date.update(self._vat_on_issue(waiting))
        Statement.declare(
            self, move, less(to_date, Statement.declared(self.company)))

    def _vat_on_receipts(self, waiting, ledger=False):
        """Return {(tax id, 'base' or 'tax'): amount} due to date of the sales
        whose VAT waits for its receipt.

        What waits without an invoice, as in an opening balance, is left to
        the bookkeeper. With ``ledger`` the bases are the amounts of the
        lines that have the tax, not what their tax lines say.
        """
        settlements = Settlement.of_open_invoices(
            [self.company], self.period.end_date)
        rows = self._vat_invoiced(waiting, list(settlements), ledger)
        paid = {i: s.shares()[0] for i, s in settlements.items()}
        totals = {
            key: amount for _, key, amount in self._vat_invoiced(
                waiting, ledger=ledger)}
        return due(totals, rows, paid)

    def _vat_invoiced(self, waiting, invoices=None, ledger=False):
        """Return [(invoice id, (tax id, 'base' or 'tax'), amount)] of what
        the invoices put on the account.

        For all invoices together when no ids are given; the id is then None.
        """
        sums = {}
        for name in ['move', 'cancel_move']:
            for type_ in ['base', 'tax']:
                for invoice, tax, amount in self._vat_rows(
                        waiting, name, type_, invoices, ledger):
                    key = invoice, (tax, type_)
                    sums[key] = sums.get(key, 0) + round_half_up(amount or 0)
        return [(*key, amount) for key, amount in sums.items()]

    def _vat_rows(self, waiting, name, type_, invoices, ledger):
        pool = Pool()
        Invoice = pool.get('account.invoice')
        invoice, other = Invoice.__table__(), Invoice.__table__()
        line = pool.get('account.move.line').__table__()
        move = pool.get('account.move').__table__()
        tax_line = self._vat_tax_lines(ledger)
        invoice_move = getattr(invoice, name)
        where = self._vat_posted_moves(move) & (invoice.type == 'out')
        if name == 'cancel_move':
            # A credit note counts by itself
            where &= ~invoice_move.in_(
                other.select(other.move, where=other.move != Null))
        source = (line
            .join(move, condition=line.move == move.id)
            .join(invoice, condition=invoice_move == move.id)
            .join(tax_line, 'LEFT' if type_ == 'tax' else 'INNER',
                condition=(tax_line.move_line == line.id)
                & (tax_line.type == type_)))
        if type_ == 'tax':
            # A line may have several, paid and not
            amount = Coalesce(tax_line.amount, line.credit - line.debit)
            where &= line.account == waiting.id
        else:
            amount = tax_line.amount
            waits = self._vat_waits(waiting)
            source = source.join(waits, condition=(waits.move == line.move)
                & (waits.tax == tax_line.tax))
        id_ = Literal(None)
        group_by = [tax_line.tax]
        if invoices is not None:
            id_ = invoice.id
            group_by.append(invoice.id)
            where &= in_(invoice.id, invoices)
        return fetch(source.select(
                id_.as_('invoice'), tax_line.tax, Sum(amount).as_('amount'),
                where=where, group_by=group_by), [None, None, 'NUMERIC'])

    def _vat_waits(self, waiting):
        "Return the query of the moves and taxes that are on the account"
        pool = Pool()
        line = pool.get('account.move.line').__table__()
        tax_line = pool.get('account.tax.line').__table__()
        return (line
            .join(tax_line, condition=(tax_line.move_line == line.id)
                & (tax_line.type == 'tax'))
            .select(
                line.move, tax_line.tax, where=line.account == waiting.id,
                group_by=[line.move, tax_line.tax]))

    def _vat_tax_lines(self, ledger):
        """Return the tax lines as a table or a query.

        With ``ledger`` a base is what stands on its line, once for each tax.
        """
        tax_line = Pool().get('account.tax.line').__table__()
        if not ledger:
            return tax_line
        line = Pool().get('account.move.line').__table__()
        return (tax_line
            .join(line, condition=tax_line.move_line == line.id)
            .select(
                tax_line.move_line, tax_line.tax, tax_line.type,
                (line.credit - line.debit).as_('amount'),
                where=tax_line.type == 'base',
                group_by=[
                    tax_line.move_line, tax_line.tax, tax_line.type,
                    line.credit, line.debit]))

    def _vat_on_issue(self, waiting, ledger=False):
        """Return {(kind, tax id, 'base' or 'tax'): amount} of the VAT that is
        due, or taken off, at the date of its document.

        With ``ledger`` the bases alone, as they stand on the lines.
        """
        pool = Pool()
        Tax = pool.get('account.tax')
        line = pool.get('account.move.line').__table__()
        move = pool.get('account.move').__table__()
        tax_line = self._vat_tax_lines(ledger)
        waits = self._vat_waits(waiting)
        rows = fetch(tax_line
            .join(line, condition=tax_line.move_line == line.id)
            .join(move, condition=line.move == move.id)
            .join(waits, 'LEFT', condition=(waits.move == line.move)
                & (waits.tax == tax_line.tax))
            .select(
                tax_line.tax, tax_line.type,
                Sum(tax_line.amount).as_('amount'),
                where=self._vat_posted_moves(move) & (waits.tax == Null),
                group_by=[tax_line.tax, tax_line.type]),
            [None, None, 'NUMERIC'])
        kinds = {}
        for tax in Tax.browse({tax for tax, *_ in rows}):
            root = tax
            while root.parent:
                root = root.parent
            kinds[tax.id] = (
                'purchase' if root.group and root.group.kind == 'purchase'
                else 'issue')
        return {
            (kinds[tax], tax, type_): round_half_up(amount)
            for tax, type_, amount in rows}

    def _vat_posted(self, waiting):
        "Return the VAT that the closings took off the waiting account"
        pool = Pool()
        line = pool.get('account.move.line').__table__()
        move = pool.get('account.move').__table__()
        rows = fetch(line
            .join(move, condition=line.move == move.id)
            .select(
                line.account, Sum(line.debit - line.credit).as_('amount'),
                where=self._vat_posted_moves(move)
                & (line.account == waiting.id)
                & move.origin.like('cae.closing,%'),
                group_by=line.account),
            [None, 'NUMERIC'])
        return sum((round_half_up(a) for _, a in rows), Decimal(0))

    def _vat_posted_moves(self, move):
        return (
            (move.company == self.company.id) & (move.state == 'posted')
            & (move.date <= self.period.end_date))
