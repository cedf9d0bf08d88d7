# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""How personal services are paid."""
from sql import Null

from trytond.i18n import gettext
from trytond.model import fields
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval
from trytond.transaction import Transaction, without_check_access

from ..exceptions import PersonalServiceError
from .law import CASH

in_ = fields.SQL_OPERATORS['in']
# The journals of money: an offset, a loss or a transfer is no payment
MONEY = {'cash', 'statement'}
MEANS = [
    (None, ""),
    ('bank', "Card, Debit, Transfer, Cheque"),
    ('cesu_prefunded', "Prefunded Service Cheque"),
    ('advance', "Advance of the Tax Credit"),
    ('cash', "Cash"),
    ]


class Journal(metaclass=PoolMeta):
    __name__ = 'account.journal'
    payment_means = fields.Selection(
        MEANS, "Means of Payment", sort=False,
        states={
            'invisible': ~Eval('type').in_(list(MONEY)),
            },
        help="How what is posted in the journal was paid. Personal services "
        "are not paid in cash (Code du travail, art. D7233-3); prefunded "
        "service cheques (CESU préfinancés) and the advance of the tax credit "
        "(avance immédiate) are told apart on the yearly certificate.")


def check_payments(pairs):
    """Refuse the payments in cash of invoices of personal services.

    ``pairs`` are (id of an invoice, line of a payment). Raises
    PersonalServiceError (Code du travail, art. D7233-3).
    """
    pool = Pool()
    Invoice = pool.get('account.invoice')
    pairs = [
        (invoice, line) for invoice, line in pairs
        if line.move.journal.type in MONEY
        and line.move.journal.payment_means in {None, CASH}]
    if not pairs:
        return
    services = with_services({invoice for invoice, _ in pairs})
    for id_, line in pairs:
        if id_ in services:
            journal = line.move.journal
            raise PersonalServiceError(gettext(
                    'cae_billing.msg_service_cash' if journal.payment_means
                    else 'cae_billing.msg_service_means',
                    invoice=Invoice(id_).rec_name,
                    journal=journal.rec_name))


def with_services(ids):
    "Return the ids of the invoices with a line of personal service"
    line = Pool().get('account.invoice.line').__table__()
    cursor = Transaction().connection.cursor()
    cursor.execute(*line.select(
            line.invoice, distinct=True,
            where=in_(line.invoice, list(ids))
            & (line.service_nature != Null)))
    return {id_ for id_, in cursor}


class InvoicePaymentLine(metaclass=PoolMeta):
    __name__ = 'account.invoice-account.move.line'

    @classmethod
    def validate_fields(cls, payments, field_names):
        super().validate_fields(payments, field_names)
        with without_check_access():
            check_payments([
                    (p.invoice.id, p.line) for p in cls.browse(payments)])


class Reconciliation(metaclass=PoolMeta):
    __name__ = 'account.move.reconciliation'

    @classmethod
    def validate_fields(cls, reconciliations, field_names):
        super().validate_fields(reconciliations, field_names)
        cls._check_services(reconciliations)

    @classmethod
    @without_check_access
    def _check_services(cls, reconciliations):
        pool = Pool()
        Line = pool.get('account.move.line')
        invoice = pool.get('account.invoice').__table__()
        line = Line.__table__()
        ids = [r.id for r in reconciliations]
        cursor = Transaction().connection.cursor()
        cursor.execute(*line
            .join(invoice, condition=(line.move == invoice.move)
                & (line.account == invoice.account))
            .select(
                line.reconciliation, invoice.id,
                where=in_(line.reconciliation, ids)
                & (invoice.type == 'out')))
        invoices = {}
        for reconciliation, id_ in cursor:
            invoices.setdefault(reconciliation, set()).add(id_)
        if not invoices:
            return
        services = with_services(set().union(*invoices.values()))
        found = {
            reconciliation: min(owners & services)
            for reconciliation, owners in invoices.items()
            if owners & services}
        if found:
            check_payments([
                    (found[x.reconciliation.id], x) for x in Line.search([
                            ('reconciliation', 'in', list(found)),
                            ])])
