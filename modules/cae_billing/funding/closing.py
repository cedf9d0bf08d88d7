# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from collections import defaultdict
from decimal import Decimal

from sql.aggregate import Sum

from trytond.i18n import gettext
from trytond.modules.cae_members.query import fetch
from trytond.pool import Pool, PoolMeta

from ..apportion import round_half_up


class Closing(metaclass=PoolMeta):
    __name__ = 'cae.closing'

    def _attention(self):
        return [*super()._attention(), *self._funding_attention()]

    def _funding_attention(self):
        """Yield what does not fit in the grants.

        What the funders owe is what their agreements notified and did not
        receive; a grant that ended has nothing left to spend; and the share
        of private money of the fiscal year is within the reference.
        """
        pool = Pool()
        Agreement = pool.get('cae.funding.agreement')
        Party = pool.get('party.party')
        Report = pool.get('cae.funding.report')
        agreements = Agreement.search([
                ('company', '=', self.company.id),
                ('state', '!=', 'draft'),
                ])
        date = self.period.end_date
        sums = Agreement.sums(agreements, date)
        expected = defaultdict(Decimal)
        for agreement in agreements:
            amounts = sums[agreement.id]
            expected[agreement.funder.id] += amounts['amount_to_receive']
            if agreement.to_date <= date and amounts['amount_left']:
                yield {
                    'kind': 'funding',
                    'record': str(agreement),
                    'message': gettext(
                        'cae_billing.msg_attention_funding_left',
                        agreement=agreement.rec_name,
                        amount=f"{amounts['amount_left']:.2f}"),
                    }
        owed = self._owed_by_funders()
        for id_ in sorted(expected.keys() | owed.keys()):
            if expected[id_] != owed.get(id_, Decimal(0)):
                party = Party(id_)
                yield {
                    'kind': 'funding',
                    'record': str(party),
                    'message': gettext(
                        'cae_billing.msg_attention_funding_owed',
                        funder=party.rec_name,
                        owed=f"{owed.get(id_, Decimal(0)):.2f}",
                        expected=f"{expected[id_]:.2f}"),
                    }
        if not agreements:
            return
        figures = Report.figures(
            self.company, self.period.fiscalyear.start_date, date)
        if figures['self_financing_place'] in {'below', 'above'}:
            yield {
                'kind': 'funding',
                'message': gettext(
                    'cae_billing.msg_attention_funding_share',
                    share=f"{figures['self_financing'] * 100:.2f}"),
                }

    def _owed_by_funders(self):
        "Return {party id: balance of the grants to receive}"
        pool = Pool()
        Configuration = pool.get('cae.configuration')
        line = pool.get('account.move.line').__table__()
        move = pool.get('account.move').__table__()
        account = Configuration(1).get_multivalue(
            'funding_receivable_account', company=self.company.id)
        if not account or not account.party_required:
            return {}
        query = (line
            .join(move, condition=line.move == move.id)
            .select(
                line.party, Sum(line.debit - line.credit).as_('amount'),
                where=(line.account == account.id)
                & (move.state == 'posted')
                & (move.date <= self.period.end_date),
                group_by=[line.party]))
        return {
            party: round_half_up(amount)
            for party, amount in fetch(query, [None, 'NUMERIC'])}


class Attention(metaclass=PoolMeta):
    __name__ = 'cae.closing.attention'

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.kind.selection = [*cls.kind.selection, ('funding', "Funding")]

    @classmethod
    def _get_records(cls):
        return super()._get_records() + [
            'cae.funding.agreement', 'party.party']
