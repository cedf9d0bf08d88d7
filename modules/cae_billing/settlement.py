# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""How far each customer invoice was settled at a date."""
from collections import defaultdict
from fractions import Fraction

from sql import Null

from trytond import backend
from trytond.model import fields
from trytond.pool import Pool
from trytond.tools import grouped_slice, sqlite_apply_types
from trytond.transaction import Transaction


class Settlement:
    """What of the lines to pay of one invoice was settled at a date.

    Credit notes are invoices of the opposite sign with a settlement of their
    own, so that nothing needs to know what settled what. ``total``, ``paid``
    and ``written_off`` are in company currency, of the sign of the invoice.
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
    def of_open_invoices(cls, companies, date):
        """Return {invoice id: settlement} of the invoices not fully paid.

        Those of the companies with a line to pay that at the date was not
        reconciled, or was with a later line or a write-off. Every other
        posted invoice is collected. A constant number of queries.
        """
        result = defaultdict(cls)
        reconciled = defaultdict(list)
        for invoice, reconciliation, amount in cls._lines_to_pay(
                companies, date):
            amount = Fraction(amount)
            result[invoice].total += amount
            if reconciliation:
                reconciled[reconciliation].append((invoice, amount))
        for reconciliation, lines in cls._reconciliations(
                list(reconciled)).items():
            for invoice, amount in reconciled[reconciliation]:
                # The lines of its own side share what the other side settles
                side = sum(
                    abs(a) for a, _, _ in lines if (a > 0) == (amount > 0))
                for other, other_date, type_ in lines:
                    if (other > 0) == (amount > 0) or other_date > date:
                        continue
                    part = -other * abs(amount) / side
                    if type_ == 'write-off':
                        result[invoice].written_off += part
                    else:
                        result[invoice].paid += part
        for invoice, amount in cls._payments(list(result), date):
            result[invoice].paid += Fraction(amount)
        return dict(result)

    @staticmethod
    def _fetch(query, types):
        if backend.name == 'sqlite':
            sqlite_apply_types(query, types)
        cursor = Transaction().connection.cursor()
        cursor.execute(*query)
        return cursor.fetchall()

    @classmethod
    def _lines_to_pay(cls, companies, date):
        "Return (invoice, reconciliation, debit - credit) of the open invoices"
        pool = Pool()
        Invoice = pool.get('account.invoice')
        Additional = pool.get('account.invoice-additional-account.move')
        Line = pool.get('account.move.line')
        Move = pool.get('account.move')
        Journal = pool.get('account.journal')

        def lines(unsettled):
            # The invoice's move and its additional moves
            for additional in [None, Additional.__table__()]:
                invoice = Invoice.__table__()
                line, move = Line.__table__(), Move.__table__()
                if additional is None:
                    join = invoice.join(
                        line, condition=(invoice.move == line.move)
                        & (invoice.account == line.account))
                else:
                    join = invoice.join(
                        additional,
                        condition=additional.invoice == invoice.id
                        ).join(line, condition=(additional.move == line.move)
                        & (invoice.account == line.account))
                where = (
                    (invoice.type == 'out')
                    & invoice.company.in_([c.id for c in companies])
                    & (move.state == 'posted') & (move.date <= date))
                if unsettled is None:
                    columns = [invoice.id]
                    later = Line.__table__()
                    later_move = Move.__table__()
                    journal = Journal.__table__()
                    where &= (line.reconciliation == Null) | (
                        line.reconciliation.in_(later
                            .join(later_move,
                                condition=later.move == later_move.id)
                            .join(journal,
                                condition=later_move.journal == journal.id)
                            .select(
                                later.reconciliation,
                                where=(later.reconciliation != Null)
                                & ((later_move.date > date)
                                    | (journal.type == 'write-off')))))
                else:
                    columns = [
                        invoice.id.as_('invoice'),
                        line.reconciliation.as_('reconciliation'),
                        (line.debit - line.credit).as_('amount'),
                        line.id.as_('line')]
                    where &= invoice.id.in_(unsettled)
                yield (join.join(move, condition=line.move == move.id)
                    .select(*columns, where=where))

        first, second = lines(None)
        first, second = lines(first | second)
        union = first | second
        return cls._fetch(
            union.select(
                union.invoice, union.reconciliation,
                union.amount.as_('amount')),
            [None, None, 'NUMERIC'])

    @classmethod
    def _reconciliations(cls, ids):
        "Return {reconciliation: [(debit - credit, date, journal type)]}"
        pool = Pool()
        Line = pool.get('account.move.line')
        Move = pool.get('account.move')
        Journal = pool.get('account.journal')
        result = defaultdict(list)
        for sub_ids in grouped_slice(ids):
            line, move = Line.__table__(), Move.__table__()
            journal = Journal.__table__()
            query = (line
                .join(move, condition=line.move == move.id)
                .join(journal, condition=move.journal == journal.id)
                .select(
                    line.reconciliation,
                    (line.debit - line.credit).as_('amount'),
                    move.date, journal.type,
                    where=fields.SQL_OPERATORS['in'](
                        line.reconciliation, list(sub_ids))))
            for id_, amount, date, type_ in cls._fetch(
                    query, [None, 'NUMERIC', 'DATE', None]):
                result[id_].append((Fraction(amount), date, type_))
        return result

    @classmethod
    def _payments(cls, ids, date):
        "Return (invoice, amount) of the payments not reconciled yet"
        pool = Pool()
        Payment = pool.get('account.invoice-account.move.line')
        Line = pool.get('account.move.line')
        Move = pool.get('account.move')
        result = []
        for sub_ids in grouped_slice(ids):
            payment = Payment.__table__()
            line, move = Line.__table__(), Move.__table__()
            query = (payment
                .join(line, condition=payment.line == line.id)
                .join(move, condition=line.move == move.id)
                .select(
                    payment.invoice,
                    (line.credit - line.debit).as_('amount'),
                    where=fields.SQL_OPERATORS['in'](
                        payment.invoice, list(sub_ids))
                    & (line.reconciliation == Null)
                    & (move.state == 'posted')
                    & (move.date <= date)))
            result.extend(cls._fetch(query, [None, 'NUMERIC']))
        return result
