# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The checks of what was paid: the files for the bank and the books."""
from collections import defaultdict
from decimal import Decimal

from lxml import etree
from sql import Null
from sql.aggregate import Sum
from sql.conditionals import Case, Coalesce

from trytond.i18n import gettext
from trytond.modules.cae_members.query import fetch
from trytond.pool import Pool, PoolMeta

from ..apportion import round_half_up
from ..check.check import table


class AmountsMixin:
    __slots__ = ()

    def _check_amounts(self, code, model, amounts):
        "Return the values of a check of {id: (expected, found)}"
        amounts = {
            id_: tuple(map(round_half_up, pair))
            for id_, pair in amounts.items()}
        wrong = [id_ for id_, (due, found) in amounts.items() if due != found]
        return self._check_value(
            not wrong, model, wrong,
            gettext(f'cae_billing.msg_check_{code}_look'),
            sum((due for due, _ in amounts.values()), Decimal(0)),
            sum((found for _, found in amounts.values()), Decimal(0)),
            sum((abs(found - due) for due, found in amounts.values()),
                Decimal(0)))


class ClearingClosing(AmountsMixin, metaclass=PoolMeta):
    __name__ = 'cae.closing'

    @classmethod
    def _checks(cls):
        return [
            *super()._checks(),
            ('payment', gettext('cae_billing.msg_check_payment'))]

    def _check_payment(self):
        """What the bank carried out is booked with the amount of the payment.

        On journals with a clearing account, since the start of the fiscal
        year; a move that waits for its posting is left to its own check.
        """
        payment, journal = (
            table('account.payment'), table('account.payment.journal'))
        move, line = table('account.move'), table('account.move.line')
        side = Case(
            (payment.kind == 'payable', line.credit), else_=line.debit)
        # In the currency of the payment
        booked = Case(
            (side == 0, 0),
            (line.second_currency == journal.currency,
                line.amount_second_currency
                * Case((payment.kind == 'payable', -1), else_=1)),
            else_=side)
        date = Coalesce(move.date, payment.date)
        rows = fetch(payment
            .join(journal, condition=payment.journal == journal.id)
            .join(move, 'LEFT', condition=payment.clearing_move == move.id)
            .join(line, 'LEFT', condition=line.move == move.id)
            .select(
                payment.id, payment.amount.as_('amount'),
                Coalesce(Sum(booked), 0).as_('booked'),
                where=(payment.company == self.company.id)
                & (payment.state == 'succeeded')
                & (journal.clearing_account != Null)
                & (date >= self._year_start)
                & (date <= self.period.end_date)
                & ((move.id == Null) | (move.state == 'posted')),
                group_by=[payment.id, payment.amount]),
            [None, 'NUMERIC', 'NUMERIC'])
        return self._check_amounts(
            'payment', 'account.payment', {
                id_: (amount, booked) for id_, amount, booked in rows})


class SepaClosing(AmountsMixin, metaclass=PoolMeta):
    __name__ = 'cae.closing'

    @classmethod
    def _checks(cls):
        return [
            *super()._checks(),
            ('payment_file', gettext('cae_billing.msg_check_payment_file'))]

    def _check_payment_file(self):
        """The files for the bank total the payments of their groups.

        Of the groups with a payment dated in the month. Two files of a group
        that both went to the bank would pay it twice.
        """
        pool = Pool()
        Message = pool.get('account.payment.sepa.message')
        Payment = pool.get('account.payment')
        dated = Payment.search([
                ('company', '=', self.company.id),
                ('date', '>=', self.period.start_date),
                ('date', '<=', self.period.end_date),
                ('group', '!=', None),
                ])
        groups = {p.group for p in dated}
        amounts = defaultdict(Decimal)
        for message in Message.search([
                    ('company', '=', self.company.id),
                    ('type', '=', 'out'),
                    ('state', 'in', ['waiting', 'done']),
                    ('origin', 'in', [str(g) for g in groups]),
                    ]):
            amounts[message.origin] += file_total(message.message)
        return self._check_amounts(
            'payment_file', 'account.payment.group', {
                group.id: (
                    sum((p.amount for p in group.payments), Decimal(0)),
                    amount)
                for group, amount in amounts.items()})


def file_total(message):
    "Return the sum of the payments in a SEPA file (pain.001 or pain.008)"
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    root = etree.fromstring(message, parser)
    return sum((
            Decimal(element.text) for element in root.iter('{*}InstdAmt')),
        Decimal(0))
