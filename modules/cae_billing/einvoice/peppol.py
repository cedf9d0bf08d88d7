# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.model import Workflow, dualmethod
from trytond.pool import Pool, PoolMeta
from trytond.transaction import Transaction, without_check_access

from . import document


class Peppol(metaclass=PoolMeta):
    __name__ = 'edocument.peppol'

    @dualmethod
    @Workflow.transition('succeeded')
    def succeed(cls, documents, status=None):
        """Mark what was transmitted as sent, and route what was received.

        By the activity that the document names, else to be assigned.
        """
        pool = Pool()
        Date = pool.get('ir.date')
        Incoming = pool.get('cae.incoming')
        Invoice = pool.get('account.invoice')
        super().succeed(documents, status=status)
        with without_check_access():
            for record in documents:
                if not record.invoice:
                    continue
                with Transaction().set_context(company=record.company.id):
                    if record.direction == 'in':
                        Incoming.route(
                            record.invoice, document.read(record.data))
                    elif not record.invoice.sent_date:
                        Invoice.mark_sent(
                            [record.invoice], 'peppol', Date.today(),
                            record.transmission_id)
