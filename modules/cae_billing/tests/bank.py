# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The bank: its files, what they settle and whom its fees burden."""
import datetime as dt
from contextlib import contextmanager
from decimal import Decimal as D
from unittest.mock import patch

from trytond.exceptions import UserError
from trytond.modules.account_statement.exceptions import ImportStatementError
from trytond.modules.cae_billing.exceptions import (
    ActivityClosedError, ActivityRequiredError)
from trytond.modules.cae_members.tests.server import undone, with_transaction
from trytond.pool import Pool

from .tools import YEAR, Cooperative

MARCH = dt.date(YEAR, 3, 10)


class BankMixin:

    def bank_journal(self, c, validation='amount'):
        pool = Pool()
        Journal = pool.get('account.statement.journal')
        bank, = pool.get('account.journal').create([{
                    'name': "Bank Statements", 'code': 'REL',
                    'type': 'statement'}])
        journal, = Journal.create([{
                    'name': "Bank", 'journal': bank.id,
                    'company': c.company.id,
                    'currency': c.company.currency.id,
                    'validation': validation,
                    'account': c.account('5121').id}])
        return journal

    def bank_statement(self, c, *origins, **values):
        """Return a draft statement.

        An origin is (amount, description) and its other values.
        """
        Statement = Pool().get('account.statement')
        statement, = Statement.create([{
                    'name': "March",
                    'company': c.company.id,
                    'journal': self.bank_journal(c).id,
                    'date': MARCH,
                    'total_amount': sum(D(o[0]) for o in origins),
                    'origins': [('create', [{
                                    'date': MARCH,
                                    'amount': D(amount),
                                    'description': description,
                                    **(other[0] if other else {}),
                                    } for amount, description, *other
                                in origins])],
                    **values}])
        return statement

    @with_transaction()
    def test_bank_suggest(self):
        "What the bank settles is found by number, reference and amount"
        pool = Pool()
        Invoice = pool.get('account.invoice')
        Statement = pool.get('account.statement')
        with Cooperative.enter() as c:
            whole = c.sale(MARCH, 'A1', 1000)
            part = c.sale(MARCH, 'A2', 500, reference="PO-7781")
            other = c.sale(MARCH, 'A2', 250)
            bill = c.invoice(
                MARCH, ('A1', 60, '6064', []), ('A2', 40, '6064', []),
                type='in', reference="2025/118")
            statement = self.bank_statement(
                c, (1200, f"VIR {whole.number} MERCI"),
                (100, "ACOMPTE PO 7781"),
                (300, "VIREMENT", {
                        'information': None,
                        'party': c.party("Customer").id}),
                (-100, "PRLV FACTURE 2025-118"),
                (77, "INCONNU"))
            Statement.suggest([statement])
            statement = Statement(statement.id)
            self.assertEqual(
                [[(x.related_to, x.amount, x.account.code) for x in o.lines]
                    for o in statement.origins],
                [[(whole, 1200, '4111')], [(part, 100, '4111')],
                    [(other, 300, '4111')], [(bill, -100, '4011')], []])
            # Asked again it changes nothing
            Statement.suggest([statement])
            self.assertEqual(len(Statement(statement.id).lines), 4)
            # The rest is not known: nothing is posted
            Statement.write([statement], {'total_amount': D(1500)})
            Statement.validate_statement([statement])
            with undone(), self.assertRaisesRegex(UserError, "77"):
                Statement.post([statement])
            Statement.cancel([statement])
            Statement.draft([statement])
            statement = Statement(statement.id)
            pool.get('account.statement.origin').delete(
                [o for o in statement.origins if not o.lines])
            Statement.validate_statement([statement])
            Statement.post([statement])
            Invoice.process([whole, part, other, bill])
            self.assertEqual(
                [(i.state, i.amount_to_pay) for i in Invoice.browse(
                        [whole, part, other, bill])],
                [('paid', 0), ('posted', 500), ('paid', 0), ('paid', 0)])

    @with_transaction()
    def test_bank_activity(self):
        "What the bank posts to an expense has an activity"
        pool = Pool()
        Activity = pool.get('cae.activity')
        Line = pool.get('account.statement.line')
        Statement = pool.get('account.statement')
        with Cooperative.enter() as c:
            statement = self.bank_statement(c, (-12, "FRAIS DE TENUE"))
            origin, = statement.origins
            line, = Line.create([{
                        'statement': statement.id, 'origin': origin.id,
                        'date': MARCH, 'amount': D(-12),
                        'description': "FRAIS DE TENUE",
                        'account': c.account('6278').id}])
            self.assertTrue(line.activity_required)
            with undone(), self.assertRaisesRegex(
                    ActivityRequiredError, "FRAIS DE TENUE"):
                Statement.validate_statement([statement])
            self.assertEqual(Statement(statement.id).state, 'draft')
            Line.write([line], {'activity': c.activity('S').id})
            Statement.validate_statement([statement])
            Statement.post([statement])
            line = Line(line.id)
            self.assertEqual(
                c.lines(line.move),
                [('5121', -12, ''), ('6278', 12, 'S')])
            entry, = [x for x in line.move.lines if x.analytic_lines]
            analytic, = entry.analytic_lines
            self.assertEqual(
                (analytic.origin, analytic.description, entry.analytic_state),
                (line, "FRAIS DE TENUE", 'valid'))
            self.assertEqual(
                Activity.results([c.activity('S')], MARCH),
                {c.activity('S').id: -12})
            # A closed activity bears nothing any more
            Activity.write([c.activity('A3')], {
                    'closing_date': dt.date(YEAR, 1, 31)})
            late = Line(Line.copy([line], default={
                        'statement': self._again(c, statement).id,
                        'activity': c.activity('A3').id,
                        'origin': None})[0].id)
            Statement.validate_statement([late.statement])
            with self.assertRaises(ActivityClosedError):
                Statement.post([late.statement])

    def _again(self, c, statement):
        Statement = Pool().get('account.statement')
        again, = Statement.create([{
                    'name': "Again", 'company': c.company.id,
                    'journal': statement.journal.id, 'date': MARCH,
                    'total_amount': D(-12)}])
        return again

    @contextmanager
    def _file(self, c, parse, format='test', data=b'data'):
        "Give the import of a file that the function reads"
        Import = Pool().get('account.statement.import', type='wizard')
        with patch.object(Import, f'parse_{format}', parse, create=True):
            session, _, _ = Import.create()
            wizard = Import(session)
            wizard.start.company = c.company
            wizard.start.file_ = data
            wizard.start.file_format = format
            yield wizard

    @with_transaction()
    def test_bank_import(self):
        "A file that is cut, empty or known already is refused as a whole"
        pool = Pool()
        Origin = pool.get('account.statement.origin')
        Statement = pool.get('account.statement')
        with Cooperative.enter() as c:
            journal = self.bank_journal(c)

            def statement(name, *origins):
                return Statement(
                    name=name, company=c.company, journal=journal,
                    date=MARCH, total_amount=D(0), origins=[
                        Origin(number=n, date=MARCH, amount=D(a))
                        for n, a in origins])

            def read(*statements):
                return lambda wizard: iter([
                        statement(*s) for s in statements])

            def broken(wizard):
                yield statement("One", ('1', 10))
                raise ValueError("no closing tag")

            def refused(message, parse, **values):
                count = Statement.search([], count=True)
                with self._file(c, parse, **values) as wizard, \
                        self.assertRaisesRegex(ImportStatementError, message):
                    wizard.do_import_({'views': []})
                self.assertEqual(Statement.search([], count=True), count)

            refused("cut or of another format", broken)
            refused("no statement", read())
            for format, cut, whole in [
                    ('ofx', b'<OFX><STMTTRN>', b'<OFX></ofx>\n'),
                    ('coda', b'0000\n2100', b'0000\n2100\n9   \n')]:
                refused(
                    "has no end", read(("One",)), format=format, data=cut)
                with undone(), self._file(
                        c, read(("One",)), format=format,
                        data=whole) as wizard:
                    wizard.do_import_({'views': []})
            with self._file(c, read(
                        ("One", ('1', 10), ('2', -5), (None, 3)),
                        ("Two", ('1', 20)))) as wizard:
                _, data = wizard.do_import_({'views': []})
                self.assertEqual(len(data['res_id']), 2)
            # The same, a part of it under another name, not what is like it
            for known in [
                    ("One", ('7', 1)), ("Three", ('9', 4), ('2', -5))]:
                refused('"Bank" has already', read(
                        ("Four", ('8', 8)), known))
            with undone(), self._file(c, read(
                        ("Three", ('2', -6), (None, 3)))) as wizard:
                wizard.do_import_({'views': []})
            # What was cancelled may come again
            Statement.cancel(Statement.search([('name', '=', "One")]))
            with self._file(c, read(
                        ("One", ('1', 10), ('2', -5)))) as wizard:
                wizard.do_import_({'views': []})
