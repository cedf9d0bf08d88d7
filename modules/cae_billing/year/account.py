# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.i18n import gettext
from trytond.model import ModelView, Workflow
from trytond.pool import Pool, PoolMeta

from ..exceptions import YearEndError

DOCUMENTS = ['cae.cutoff', 'cae.year_end']


class FiscalYear(metaclass=PoolMeta):
    __name__ = 'account.fiscalyear'

    @classmethod
    @ModelView.button
    @Workflow.transition('closed')
    def close(cls, fiscalyears):
        """Refuse to close a year whose documents are not all posted.

        Raise YearEndError.
        """
        pool = Pool()
        for name in DOCUMENTS:
            waiting = pool.get(name).search([
                    ('fiscalyear', 'in', [y.id for y in fiscalyears]),
                    ('state', '!=', 'posted'),
                    ], limit=1)
            if waiting:
                document, = waiting
                raise YearEndError(gettext(
                        'cae_billing.msg_year_end_waiting',
                        fiscalyear=document.fiscalyear.rec_name,
                        document=document.rec_name))
        super().close(fiscalyears)


class Move(metaclass=PoolMeta):
    __name__ = 'account.move'

    @classmethod
    def _get_origin(cls):
        return super()._get_origin() + DOCUMENTS


class AnalyticLine(metaclass=PoolMeta):
    __name__ = 'analytic_account.line'

    @classmethod
    def _get_origin(cls):
        return super()._get_origin() + DOCUMENTS
