# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""How far each customer invoice was settled at a date."""
from collections import defaultdict, namedtuple
from fractions import Fraction

from sql import Null

from trytond.model import fields
from trytond.modules.cae_members.query import fetch
from trytond.pool import Pool
from trytond.transaction import Transaction

# Debit less credit, account, party and kind of journal of a move line
Line = namedtuple('Line', [
        'id', 'reconciliation', 'amount', 'date', 'move', 'account', 'party',
        'journal_type', 'receivable', 'statement'])
in_ = fields.SQL_OPERATORS['in']
# Up to how many accounts it is faster to look for their invoices
FEW = 500


class Settlement:
    """What of the lines to pay of one invoice was settled at a date.

    Credit notes are invoices of the opposite sign with a settlement of their
    own, so that nothing needs to know what settled what. ``total``, ``paid``
    and ``written_off`` are Fractions in company currency, of the sign of the
    invoice.
    """

    def __init__(self):
        self.total = Fraction(0)
        self.paid = Fraction(0)
        self.written_off = Fraction(0)

    def shares(self):
        "Return the collected and the lost share, between 0 and 1 together"
        if not self.total:
            return Fraction(1), Fraction(0)
        lost = min(max(self.written_off / self.total, 0), 1)
        paid = min(max(self.paid / self.total, 0), 1 - lost)
        return paid, lost

    @classmethod
    def of_open_invoices(
            cls, companies, date, accounts=None, invoices=None):
        """Return {invoice id: settlement} of the invoices not fully paid.

        Those of the companies with a line to pay that at the date was not
        reconciled, or was with a later line or one that is not money. Every
        other posted customer invoice is collected. ``accounts`` are ids of
        analytic accounts, whose invoices are wanted: those of others may be
        in the result too. ``invoices`` limits it to their ids. The number of
        queries does not depend on that of invoices.
        """
        result = defaultdict(cls)
        to_pay = cls._lines_to_pay(companies, date, accounts, invoices)
        owners = {}
        for invoice, line, reconciliation, amount in to_pay:
            result[invoice].total += Fraction(amount)
            if not reconciliation:
                owners[line] = invoice
        ledger = _Ledger(
            {r for _, _, r, _ in to_pay if r}, date)
        for invoice, line, reconciliation, amount in to_pay:
            if reconciliation:
                paid, lost = ledger.settled(reconciliation, Fraction(amount))
                result[invoice].paid += paid
                result[invoice].written_off += lost
        payments = cls._payments(list(result), list(owners), date)
        ledger.follow(line for _, line in payments)
        for invoice, line in payments:
            paid, lost = ledger.part(line, line.amount)
            if invoice in result:
                result[invoice].paid -= paid
                result[invoice].written_off -= lost
            # A credit note that pays an invoice is settled by it
            if line.id in owners:
                result[owners[line.id]].paid += paid
        return dict(result)

    @classmethod
    def _lines_to_pay(cls, companies, date, accounts, invoices):
        """Return the lines to pay of the invoices to look at.

        As (invoice, line, reconciliation, debit - credit).
        """
        pool = Pool()
        Invoice = pool.get('account.invoice')
        Additional = pool.get('account.invoice-additional-account.move')
        MoveLine = pool.get('account.move.line')
        Move = pool.get('account.move')
        Journal = pool.get('account.journal')
        AnalyticLine = pool.get('analytic_account.line')

        def unsettled(line):
            later, move = MoveLine.__table__(), Move.__table__()
            journal = Journal.__table__()
            return (line.reconciliation == Null) | (
                line.reconciliation.in_(later
                    .join(move, condition=later.move == move.id)
                    .join(journal, condition=move.journal == journal.id)
                    .select(
                        later.reconciliation,
                        where=(later.reconciliation != Null)
                        & ((move.date > date)
                            | journal.type.in_(['write-off', 'general'])))))

        def query(additional, ids=None):
            invoice = Invoice.__table__()
            line, move = MoveLine.__table__(), Move.__table__()
            source = invoice
            move_column = invoice.move
            if additional:
                additional = Additional.__table__()
                source = invoice.join(
                    additional, condition=additional.invoice == invoice.id)
                move_column = additional.move
            where = (
                (invoice.type == 'out')
                & in_(invoice.company, [c.id for c in companies])
                & (move.state == 'posted') & (move.date <= date))
            if ids is None:
                columns = [invoice.id.as_('invoice')]
                where &= unsettled(line)
                if invoices is not None:
                    where &= in_(invoice.id, list(invoices))
                if accounts is not None and len(accounts) <= FEW:
                    analytic = AnalyticLine.__table__()
                    entry = MoveLine.__table__()
                    where &= invoice.move.in_(analytic
                        .join(entry, condition=analytic.move_line == entry.id)
                        .select(entry.move,
                            where=in_(analytic.account, list(accounts))))
            else:
                columns = [
                    invoice.id.as_('invoice'),
                    line.id.as_('line'),
                    line.reconciliation.as_('reconciliation'),
                    (line.debit - line.credit).as_('amount')]
                where &= invoice.id.in_(ids)
            return (source
                .join(line, condition=(line.move == move_column)
                    & (line.account == invoice.account))
                .join(move, condition=line.move == move.id)
                .select(*columns, where=where))

        ids = query(False) | query(True)
        lines = query(False, ids) | query(True, ids)
        return fetch(
            lines.select(
                lines.invoice, lines.line, lines.reconciliation,
                lines.amount.as_('amount')),
            [None, None, None, 'NUMERIC'])

    @classmethod
    def _payments(cls, invoices, lines, date):
        """Return (invoice, line) of the payments not reconciled yet.

        Those of the invoices, and those made of the lines by any invoice.
        """
        payment = Pool().get('account.invoice-account.move.line').__table__()

        def where(line, move):
            return (
                (line.reconciliation == Null)
                & (move.state == 'posted') & (move.date <= date))
        result = {}
        for condition in [
                in_(payment.invoice, invoices), in_(payment.line, lines)]:
            cursor = Transaction().connection.cursor()
            cursor.execute(*payment.select(
                    payment.invoice, payment.line, where=condition))
            result.update(dict.fromkeys(cursor))
        found = {line.id: line for line in _lines(
                lambda line, move: in_(line.id, [i for _, i in result])
                & where(line, move))}
        return [(i, found[id_]) for i, id_ in result if id_ in found]


class _Ledger:
    """The reconciled lines that settle others up to a date."""

    def __init__(self, reconciliations, date):
        self.date = date
        self.reconciled = defaultdict(list)
        self.entries = defaultdict(list)
        self._path = set()
        self._load(reconciliations)

    def _load(self, ids):
        while ids:
            lines = _lines(
                lambda line, move: in_(line.reconciliation, list(ids)))
            for line in lines:
                self.reconciled[line.reconciliation].append(line)
            ids = self._entries(lines) - self.reconciled.keys()

    def _entries(self, lines):
        "Load the entries of the general moves; return what to follow"
        moves = {
            line.move for line in lines
            if line.journal_type == 'general'} - self.entries.keys()
        if not moves:
            return set()
        for entry in _lines(lambda line, move: in_(line.move, list(moves))):
            self.entries[entry.move].append(entry)
        transfers = map(self._transfer, lines)
        return {t.reconciliation for t in transfers if t and t.reconciliation}

    def follow(self, lines):
        "Load what is needed for the parts of the lines"
        self._load(self._entries(list(lines)))

    def settled(self, reconciliation, amount):
        """Return what of the amount of a line was paid and was lost.

        The lines of its own side share what the other side settles.
        """
        if reconciliation in self._path:
            # Moved to the other account and back
            return amount, Fraction(0)
        self._path.add(reconciliation)
        lines = self.reconciled.get(reconciliation, [])
        side = sum(
            abs(line.amount) for line in lines if line.amount * amount > 0)
        paid = lost = Fraction(0)
        for other in lines:
            if other.amount * amount < 0 and other.date <= self.date:
                part = self.part(other, -other.amount * abs(amount) / side)
                paid, lost = paid + part[0], lost + part[1]
        self._path.remove(reconciliation)
        return paid, lost

    def part(self, line, amount):
        """Return what of the amount that the line settles is money and loss.

        A loss is posted in a write-off journal, or by a general move with a
        line of the income statement. A general move to another receivable
        account of the same party (416, doubtful customers) settles as far as
        that line is settled.
        """
        if line.journal_type == 'write-off':
            return Fraction(0), amount
        if line.journal_type == 'general':
            if any(e.statement == 'income' for e in self.entries[line.move]):
                return Fraction(0), amount
            if transfer := self._transfer(line):
                if not transfer.reconciliation:
                    return Fraction(0), Fraction(0)
                paid, lost = self.settled(
                    transfer.reconciliation, transfer.amount)
                return (
                    amount * paid / transfer.amount,
                    amount * lost / transfer.amount)
        return amount, Fraction(0)

    def _transfer(self, line):
        for entry in self.entries.get(line.move, []):
            if (entry.receivable and entry.amount == -line.amount
                    and entry.party == line.party
                    and entry.account != line.account):
                return entry


def _lines(where):
    "Return the lines of the condition where(line, move)"
    pool = Pool()
    line = pool.get('account.move.line').__table__()
    move = pool.get('account.move').__table__()
    journal = pool.get('account.journal').__table__()
    account = pool.get('account.account').__table__()
    type_ = pool.get('account.account.type').__table__()
    query = (line
        .join(move, condition=line.move == move.id)
        .join(journal, condition=move.journal == journal.id)
        .join(account, condition=line.account == account.id)
        .join(type_, condition=account.type == type_.id)
        .select(
            line.id, line.reconciliation,
            (line.debit - line.credit).as_('amount'),
            move.date.as_('date'), move.id.as_('move'),
            line.account, line.party, journal.type.as_('journal_type'),
            type_.receivable, type_.statement,
            where=where(line, move)))
    return [
        Line(*row)._replace(amount=Fraction(row[2])) for row in fetch(
            query, [
                None, None, 'NUMERIC', 'DATE', None, None, None, None,
                None, None])]
