# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What was paid, in the files for the bank and in the books."""
import datetime as dt
from decimal import Decimal as D
from unittest.mock import patch

from trytond.modules.cae_members.tests.server import (
    clear_cache, undone, with_transaction)
from trytond.pool import Pool
from trytond.transaction import Transaction

from .tools import YEAR, Cooperative

MARCH = dt.date(YEAR, 3, 10)


class PaymentMixin:

    def create_journal(self, c, supplier):
        "Return a journal of SEPA payments that are cleared on 581"
        pool = Pool()
        Account = pool.get('bank.account')
        Bank = pool.get('bank')
        Party = pool.get('party.party')
        Journal = pool.get('account.payment.journal')
        party, = Party.create([{'name': "Bank"}])
        bank, = Bank.create([{'party': party.id, 'bic': 'BICODEBBXXX'}])
        accounts = Account.create([{
                    'bank': bank.id,
                    'owners': [('add', [owner.id])],
                    'currency': c.company.currency.id,
                    'numbers': [('create', [
                                {'type': 'iban', 'number': number}])],
                    } for owner, number in [
                    (c.company.party, 'ES8200000000000000000000'),
                    (supplier, 'ES3600000000050000000001')]])
        journal, = Journal.create([{
                    'name': "SEPA", 'company': c.company.id,
                    'currency': c.company.currency.id,
                    'process_method': 'sepa',
                    'sepa_bank_account_number': accounts[0].numbers[0].id,
                    'sepa_payable_flavor': 'pain.001.001.03',
                    'sepa_receivable_flavor': 'pain.008.001.02',
                    'clearing_account': c.account('581').id,
                    'clearing_journal': c.journal('BQ').id,
                    }])
        return journal

    @with_transaction()
    def test_check_payments(self):
        "Files and clearing moves are what was paid, or are seen"
        pool = Pool()
        Closing = pool.get('cae.closing')
        Message = pool.get('account.payment.sepa.message')
        Move = pool.get('account.move')
        Payment = pool.get('account.payment')
        Process = pool.get('account.payment.process', type='wizard')
        codes = ['payment', 'payment_file']
        with Cooperative.enter() as c, patch.object(
                pool.get('ir.date'), 'today', return_value=MARCH):
            supplier = c.party("Supplier")
            journal = self.create_journal(c, supplier)
            closing = c.closing(3)

            def checked():
                clear_cache()
                return {
                    v['code']: (
                        v['state'], v['expected'], v['found'], v['count'])
                    for v in Closing(closing.id)._checked(codes)}

            self.assertEqual(
                checked(), dict.fromkeys(codes, ('right', 0, 0, 0)))
            payments = []
            for amount in [100, 50]:
                invoice = c.invoice(
                    MARCH, ('A1', amount, '6064', []), type='in')
                line, = invoice.lines_to_pay
                payments.append(Payment(
                        company=c.company, journal=journal, kind='payable',
                        party=supplier, line=line, amount=D(amount),
                        date=MARCH))
            Payment.save(payments)
            Payment.submit(payments)
            Payment.approve(payments)
            with Transaction().set_context(
                    active_model='account.payment',
                    active_ids=[p.id for p in payments],
                    active_id=payments[0].id):
                session, _, _ = Process.create()
                Process(session).do_process(None)
            message, = Message.search([])
            Message.wait([message])
            Payment.succeed(payments)
            clearing = [Payment(p.id).clearing_move for p in payments]
            # What waits for the statement of the bank is not told yet
            self.assertEqual(checked()['payment'], ('right', 0, 0, 0))
            Move.post(clearing)
            self.assertEqual(
                checked(), dict.fromkeys(codes, ('right', 150, 150, 0)))
            # Of the month of the payments
            self.assertEqual({
                    v['found'] for v in c.closing(4)._checked(codes)},
                {150, 0})
            cursor = Transaction().connection.cursor()
            first = payments[0].id
            for query, wrong in [
                    ("UPDATE account_payment SET amount = amount + 1 "
                        f"WHERE id = {first}", {
                            'payment': ('look', 151, 150, 1),
                            'payment_file': ('look', 151, 150, 1)}),
                    ("UPDATE account_payment SET clearing_move = NULL "
                        f"WHERE id = {first}",
                        {'payment': ('look', 150, 50, 1)}),
                    ("UPDATE account_move_line SET credit = credit + 1 "
                        f"WHERE account = {c.account('581').id} "
                        f"AND move = {clearing[0].id}",
                        {'payment': ('look', 150, 151, 1)}),
                    ('UPDATE account_payment SET "group" = NULL '
                        f"WHERE id = {first}",
                        {'payment_file': ('look', 50, 150, 1)}),
                    ]:
                with self.subTest(query=query), undone():
                    cursor.execute(query)
                    self.assertTrue(cursor.rowcount)
                    self.assertEqual(
                        {k: v for k, v in checked().items()
                            if v[0] != 'right'}, wrong)
            for name, values in [
                    ("changed", {'message': message.message.replace(
                                b'>100<', b'>900<')}),
                    ("sent twice", None)]:
                with self.subTest(file=name), undone():
                    if values:
                        Message.write([message], values)
                    else:
                        Message.wait(Message.copy([message]))
                    found = checked()['payment_file']
                    self.assertEqual(
                        (found[0], found[2]),
                        ('look', 950 if values else 300))
