# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.i18n import gettext
from trytond.pool import PoolMeta

from ..exceptions import PaymentError


class Payment(metaclass=PoolMeta):
    __name__ = 'account.payment'

    @classmethod
    def check_payable(cls, payments):
        super().check_payable(payments)
        unknown = {
            p.party for p in payments
            if p.process_method == 'sepa' and p.kind == 'payable'
            and not (
                p.sepa_bank_account_number
                and p.sepa_bank_account_number.account.bank)}
        if unknown:
            raise PaymentError(gettext(
                    'cae_billing.msg_payment_no_iban',
                    parties=', '.join(sorted(p.rec_name for p in unknown))))
