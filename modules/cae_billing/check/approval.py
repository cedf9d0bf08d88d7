# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The check that nobody approved what they submitted themselves."""
from decimal import Decimal

from trytond.i18n import gettext
from trytond.modules.cae_members.query import fetch
from trytond.pool import PoolMeta

from .check import table


class Closing(metaclass=PoolMeta):
    __name__ = 'cae.closing'

    @classmethod
    def _checks(cls):
        return [
            *super()._checks(),
            ('approval', gettext('cae_billing.msg_check_approval')),
            ]

    def _check_approval(self):
        """Two persons submitted and approved each document.

        Those approved since the start of the month; within a ceiling one is
        enough.
        """
        submitted, approved = (
            table('cae.approval.event'), table('cae.approval.event'))
        rows = fetch(approved
            .join(submitted,
                condition=(submitted.document == approved.document)
                & (submitted.user == approved.user)
                & (submitted.time <= approved.time))
            .select(
                approved.id,
                where=(approved.company == self.company.id)
                & approved.action.in_(['approve', 'post'])
                & (submitted.action == 'submit')
                & (approved.time >= self.period.start_date),
                group_by=approved.id),
            [None])
        return self._check_value(
            not rows, 'cae.approval.event', [id_ for id_, in rows],
            gettext('cae_billing.msg_check_approval_look'),
            Decimal(0), Decimal(len(rows)))
