# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.model import Workflow
from trytond.pool import Pool, PoolMeta
from trytond.transaction import without_check_access


class InvoiceChorus(metaclass=PoolMeta):
    __name__ = 'account.invoice.chorus'

    @classmethod
    @Workflow.transition('done')
    def succeed(cls, records):
        "Mark what Chorus Pro took as sent"
        Invoice = Pool().get('account.invoice')
        super().succeed(records)
        with without_check_access():
            for record in cls.browse(records):
                if not record.invoice.sent_date:
                    Invoice.mark_sent(
                        [record.invoice], 'chorus', record.date,
                        record.number)
