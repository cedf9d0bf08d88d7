# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import datetime as dt

from trytond.i18n import gettext
from trytond.pool import Pool, PoolMeta


class Closing(metaclass=PoolMeta):
    __name__ = 'cae.closing'

    def _attention(self):
        Invoice = Pool().get('account.invoice')
        result = super()._attention()
        listed = {values['record'] for values in result}
        after = dt.datetime.combine(
            self.period.end_date + dt.timedelta(days=1), dt.time())
        for invoice in Invoice.search([
                    ('company', '=', self.company.id),
                    ('state', 'in', ['draft', 'validated']),
                    ('approval', 'in', ['submitted', 'approved']),
                    ('approval_events', 'where', [
                            ('action', '=', 'submit'),
                            ('time', '<', after),
                            ]),
                    ]):
            if str(invoice) not in listed:
                result.append({
                        'kind': 'unposted',
                        'record': str(invoice),
                        'message': gettext(
                            'cae_billing.msg_attention_submitted',
                            document=invoice.rec_name,
                            party=invoice.party.rec_name),
                        })
        return result
