# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Services à la personne, from the right to do them to the certificates."""
import datetime as dt
from decimal import Decimal as D
from unittest.mock import patch

from trytond.model.exceptions import (
    AccessButtonError, AccessError, SQLConstraintError)
from trytond.modules.cae_billing.exceptions import (
    CertificateAccessError, PersonalServiceError)
from trytond.modules.cae_members.exceptions import TradeError
from trytond.modules.cae_members.tests.server import (
    clear_cache, undone, with_transaction)
from trytond.modules.cae_members.tests.test_module import create_user, set_user
from trytond.pool import Pool

from .tools import YEAR, Cooperative

MARCH = dt.date(YEAR, 3, 10)
JUNE = dt.date(YEAR, 6, 10)
TAX = 'tva_vente_services_taux_normal'


class PersonalServiceMixin:

    def serve_persons(self, c, *codes):
        "Let the activities do personal services, declared by the company"
        pool = Pool()
        Activity = pool.get('cae.activity')
        Declaration = pool.get('cae.personal_service.declaration')
        Trade = pool.get('cae.trade')
        c.company.cae_kind = 'thematic'
        c.company.cae_theme = 'personal_services'
        c.company.save()
        trade, = Trade.create([{
                    'name': "Gardening", 'sector': 'personal_services',
                    'personal_service': True}])
        Activity.write(
            [c.activity(code) for code in codes], {'trade': trade.id})
        declaration, = Declaration.create([{
                    'company': c.company.id, 'number': "SAP820043784",
                    'date': dt.date(YEAR, 1, 1)}])
        journal = c.journal('BQ')
        journal.payment_means = 'bank'
        journal.save()
        return declaration

    def nature(self, name):
        pool = Pool()
        ModelData = pool.get('ir.model.data')
        return pool.get('cae.personal_service.nature')(
            ModelData.get_id('cae_billing', f'service_nature_{name}'))

    def service(
            self, c, amount, nature='II_2', hours=2, code='A1', date=MARCH,
            taxes=(), post=True, **values):
        "Return an invoice of a personal service, posted unless told"
        pool = Pool()
        Invoice = pool.get('account.invoice')
        invoice = c.draft(
            date, (code, amount, '706', taxes), activity=code, **values)
        entrepreneur, = c.search('cae.entrepreneur', ('code', '=', code))
        line, = invoice.lines
        line.service_nature = self.nature(nature)
        line.service_worker = entrepreneur
        line.service_date = date
        line.service_hours = hours and D(hours)
        line.save()
        clear_cache()
        invoice = Invoice(invoice.id)
        if post:
            Invoice.post([invoice])
        return Invoice(invoice.id)

    def assertRefused(self, invoice, article, **line_values):
        pool = Pool()
        Invoice = pool.get('account.invoice')
        Line = pool.get('account.invoice.line')
        if line_values:
            Line.write(list(invoice.lines), line_values)
        clear_cache()
        for button in ['validate_invoice', 'post']:
            with self.assertRaisesRegex(PersonalServiceError, article):
                getattr(Invoice, button)([Invoice(invoice.id)])

    @with_transaction()
    def test_service_refused(self):
        "What the law wants on an invoice, before it is posted"
        pool = Pool()
        Declaration = pool.get('cae.personal_service.declaration')
        Identifier = pool.get('party.identifier')
        Invoice = pool.get('account.invoice')
        with Cooperative.enter() as c:
            declaration = self.serve_persons(c, 'A1')
            invoice = self.service(c, 100, post=False)
            for article, values in [
                    ('D7233-1, 6', {'service_worker': None}),
                    ('D7233-1, 6', {'service_date': None}),
                    ('D7233-1, 8', {'service_hours': None}),
                    ('D7233-1, 8', {'service_hours': D(0)}),
                    ('L7232-1-1', {'service_nature': None}),
                    ('L7232-1-1', {'activity': c.activity('A2').id}),
                    (r'L7232-1\)', {'service_nature': self.nature('I_2').id}),
                    ('D7233-5', {
                            'service_nature': self.nature('II_3').id,
                            'service_hours': D('2.01')}),
                    ]:
                with self.subTest(values=values), undone():
                    self.assertRefused(invoice, article, **values)
            with undone():
                Declaration.write(
                    [declaration], {'date': MARCH + dt.timedelta(days=1)})
                self.assertRefused(invoice, 'D7233-1')
            with undone():
                Identifier.create([{
                            'party': invoice.party.id, 'type': 'fr_siren',
                            'code': '552008443'}])
                self.assertRefused(invoice, 'L7231-1')
            # The ends are allowed
            with undone():
                pool.get('account.invoice.line').write(
                    list(invoice.lines), {
                        'service_nature': self.nature('II_3').id})
                Invoice.post([Invoice(invoice.id)])
            Declaration.write([declaration], {
                    'date': MARCH, 'approval_number': "A",
                    'approval_date': MARCH, 'approval_end': MARCH})
            pool.get('account.invoice.line').write(
                list(invoice.lines), {
                    'service_nature': self.nature('I_2').id})
            Invoice.post([Invoice(invoice.id)])
            # A flat price needs no time
            self.service(c, 10, nature='II_8', hours=None)

    @with_transaction()
    def test_service_credit(self):
        "A credit note keeps what was done, and is never refused"
        pool = Pool()
        Declaration = pool.get('cae.personal_service.declaration')
        Figure = pool.get('cae.personal_service.figure')
        Invoice = pool.get('account.invoice')
        with Cooperative.enter() as c:
            declaration = self.serve_persons(c, 'A1')
            invoice = self.service(c, 100)
            self.service(c, 50, date=JUNE, party="Other Customer")
            self.service(c, 30, date=dt.date(YEAR, 6, 20), hours='1.5')
            Declaration.delete([declaration])
            credit, = Invoice.credit([invoice])
            credit.invoice_date = dt.date(YEAR, 6, 20)
            credit.save()
            Invoice.post([credit])
            credit = Invoice(credit.id)
            line, = credit.lines
            self.assertEqual(line.service_nature, self.nature('II_2'))
            self.assertEqual(line.service_hours, 2)
            clear_cache()
            figures = {
                f.month.month: (
                    f.nature.item, f.hours, f.customers, f.workers, f.amount)
                for f in Figure.search([])}
            self.assertEqual(figures, {
                    3: ("II 2°", 0, 1, 1, 0),
                    6: ("II 2°", D('3.5'), 2, 1, 80)})

    @with_transaction()
    def test_service_exclusive(self):
        "Other things up to the share, with few enough employees"
        pool = Pool()
        Activity = pool.get('cae.activity')
        Invoice = pool.get('account.invoice')
        Trade = pool.get('cae.trade')
        Year = pool.get('cae.personal_service.year')
        later = dt.date(YEAR + 1, 1, 15)

        def verdict():
            return Year.figures(c.company, YEAR)['verdict']
        with Cooperative.enter() as c:
            self.serve_persons(c, 'A1')
            self.service(c, 70000)
            self.assertEqual(verdict(), 'exclusive')
            c.invoice(JUNE, ('A2', 30000, '706', []))
            self.assertEqual(verdict(), 'refused')
            invoice = self.service(c, 100, date=later, post=False)
            self.assertRefused(invoice, 'headcount')
            year, = Year.create([{
                        'company': c.company.id, 'year': YEAR,
                        'headcount': 10}])
            self.assertEqual(
                (year.services, year.others, year.verdict),
                (70000, 30000, 'accessory'))
            with undone():
                Invoice.validate_invoice([invoice])
            with undone():
                Year.write([year], {'headcount': 11})
                self.assertRefused(invoice, 'with 11 employees')
            with undone():
                c.invoice(JUNE, ('A2', 1, '706', []))
                self.assertRefused(invoice, '30,001')
            # Who may do other things may carry their trades
            crafts, = Trade.create([{'name': "Joinery", 'sector': 'crafts'}])
            with patch.object(
                    pool.get('ir.date'), 'today', return_value=later):
                with undone():
                    Activity.write([c.activity('A2')], {'trade': crafts.id})
                Year.write([year], {'headcount': 11})
                with undone(), self.assertRaises(TradeError):
                    Activity.write([c.activity('A2')], {'trade': crafts.id})
            with self.assertRaises(SQLConstraintError):
                Year.create([{
                            'company': c.company.id, 'year': YEAR,
                            'headcount': 1}])

    @with_transaction()
    def test_service_printed(self):
        "The invoice says what the customer needs for the tax credit"
        pool = Pool()
        Declaration = pool.get('cae.personal_service.declaration')
        with Cooperative.enter() as c:
            declaration = self.serve_persons(c, 'A1')
            invoice = self.service(c, 100, taxes=[TAX])
            clear_cache()
            printed = invoice.printed()
            self.assertEqual(printed.lines[0].text.splitlines()[-2:], [
                    f"Small gardening works – 03/10/{YEAR} – "
                    "Entrepreneur A1 (no. A1)",
                    "2 h at usd60.00 an hour, usd120.00 tax included"])
            mentions = '\n'.join(printed.mentions)
            self.assertIn("number SAP820043784 on 01/01", mentions)
            self.assertNotIn("Approved", mentions)
            Declaration.write([declaration], {
                    'approval_number': "AGR1", 'approval_date': MARCH,
                    'approval_end': JUNE})
            invoice = self.service(c, 100, nature='I_2')
            clear_cache()
            self.assertIn(
                "Approved for personal services under number AGR1",
                '\n'.join(invoice.printed().mentions))
            invoice = c.invoice(MARCH, ('A2', 10, '706', []))
            clear_cache()
            self.assertNotIn("SAP", '\n'.join(invoice.printed().mentions))

    @with_transaction()
    def test_service_cash(self):
        "A personal service is not paid in cash"
        Journal = Pool().get('account.journal')
        with Cooperative.enter() as c:
            self.serve_persons(c, 'A1')
            service = self.service(c, 100)
            other = c.invoice(MARCH, ('A2', 10, '706', []))
            for means, text in [
                    ('cash', 'not paid in cash'), (None, 'does not say')]:
                Journal.write([c.journal('BQ')], {'payment_means': means})
                for invoices, amount in [
                        ([service], None), ([service], D(10)),
                        ([service, other], None)]:
                    with self.subTest(means=means, amount=amount), undone(), \
                            self.assertRaisesRegex(
                                PersonalServiceError,
                                f'{text}.*D7233-3'):
                        c.pay(MARCH, *invoices, amount=amount)
                with undone():
                    c.pay(MARCH, other)
            for means in ['bank', 'cesu_prefunded', 'advance']:
                Journal.write([c.journal('BQ')], {'payment_means': means})
                with undone():
                    c.pay(MARCH, service)

    def paid_services(self, c):
        "Pay services in several ways"
        pool = Pool()
        Journal = pool.get('account.journal')
        Line = pool.get('account.move.line')
        self.serve_persons(c, 'A1')
        c.pay(JUNE, self.service(c, 1000, taxes=[TAX]))
        # Not paid in the year
        self.service(c, 300)
        # In part, and for handiwork above its ceiling
        c.pay(JUNE, self.service(
                c, 500, nature='II_3', party="Other Customer"), amount=450)
        c.pay(JUNE, self.service(
                c, 120, nature='II_3', party="Other Customer"))
        for code, amount in [
                ('advance', 40), ('cesu_prefunded', 60), ('cash', 100)]:
            # What was paid in cash, as if before the rule
            journal, = Journal.copy([c.journal('BQ')], {
                    'code': code, 'payment_means': 'bank'})
            invoice = self.service(c, amount)
            move = c.move(
                JUNE, ('5121', amount), ('4111', -amount, invoice.party),
                journal=code)
            Line.reconcile(list(invoice.lines_to_pay) + [
                    line for line in move.lines if line.party])
            Journal.write([journal], {'payment_means': code})
        clear_cache()

    @with_transaction()
    def test_certificates(self):
        "One for each customer, of the payments of the year, frozen"
        pool = Pool()
        Certificate = pool.get('cae.personal_service.certificate')
        Make = pool.get('cae.personal_service.certificate.make', type='wizard')
        Report = pool.get('cae.personal_service.certificate', type='report')
        with Cooperative.enter() as c:
            self.paid_services(c)
            with self.assertRaisesRegex(PersonalServiceError, 'declaration'):
                Certificate.make(c.company, YEAR - 1)
            session, start, end = Make.create()
            Make.execute(session, {'start': {
                        'company': c.company.id, 'year': YEAR}}, 'make')
            found = {
                x.party.name: (
                    x.amount, x.cesu_prefunded, x.advance, x.eligible,
                    len(x.lines)) for x in Certificate.search([])}
            self.assertEqual(found, {
                    "Customer": (1200, 60, 40, 1200, 3),
                    "Other Customer": (570, 0, 0, 500, 2)})
            other, = Certificate.search(
                [('party.name', '=', "Other Customer")])
            self.assertIn("usd500.00 of the usd570.00", other.notice)
            self.assertIn("SAP820043784", other.declaration)
            self.assertIn("Les Ateliers", other.provider)
            with patch.object(
                    pool.get('ir.date'), 'today',
                    return_value=dt.date(YEAR, 12, 31)), \
                    self.assertRaisesRegex(PersonalServiceError, 'is over'):
                Certificate.issue([other])
            with undone():
                c.pay(JUNE, self.service(c, 7, party="Other Customer"))
                clear_cache()
                with self.assertRaisesRegex(
                        PersonalServiceError, 'make the certificates'):
                    Certificate.issue([other])
            Certificate.issue([other])
            for operation in [
                    lambda: Certificate.write([other], {'amount': 1}),
                    lambda: Certificate.delete([other]),
                    lambda: Certificate.copy([other]),
                    lambda: other.lines[0].delete([other.lines[0]]),
                    lambda: other.lines[0].write(
                        [other.lines[0]], {'amount': 1})]:
                with undone(), self.assertRaises(CertificateAccessError):
                    operation()
            _, data, _, _ = Report.execute([other.id], {})
            self.assertTrue(data)
            made = Certificate.make(c.company, YEAR)
            self.assertEqual([x.party.name for x in made], ["Customer"])
            Certificate.cancel([other])
            made = Certificate.make(c.company, YEAR)
            self.assertEqual(len(made), 2)
            with self.assertRaises(SQLConstraintError):
                Certificate.create([{
                            'company': c.company.id, 'year': YEAR,
                            'party': made[0].party.id}])

    @with_transaction()
    def test_service_rights(self):
        "The accounting makes the certificates, which are not for others"
        pool = Pool()
        Certificate = pool.get('cae.personal_service.certificate')
        Make = pool.get('cae.personal_service.certificate.make', type='wizard')
        Declaration = pool.get('cae.personal_service.declaration')
        Figure = pool.get('cae.personal_service.figure')
        Nature = pool.get('cae.personal_service.nature')
        Year = pool.get('cae.personal_service.year')
        with Cooperative.enter() as c:
            self.paid_services(c)
            made = Certificate.make(c.company, YEAR)
            users = {
                name: create_user(name, c.company, group)
                for name, group in [
                    ('accountant', 'account.group_account'),
                    ('advisor', 'cae_members.group_advisor'),
                    ('entrepreneur', 'cae_members.group_entrepreneur')]}
            other = Pool().get('company.company').search(
                [('id', '!=', c.company.id)])[0]
            with undone(), set_user(users['accountant']):
                made = Certificate.make(c.company, YEAR)
                Certificate.issue(made)
                with self.assertRaises(AccessError):
                    Certificate.write(made, {'state': 'draft'})
            with set_user(users['advisor']):
                self.assertEqual(len(Certificate.search([])), 2)
                self.assertTrue(Figure.search([]))
                self.assertTrue(Declaration.search([]))
                for operation in [
                        lambda: Certificate.issue(made),
                        lambda: Certificate.cancel(made),
                        lambda: Certificate.delete(made),
                        lambda: Certificate.create([{}]),
                        lambda: Make.create(),
                        lambda: Year.search([]),
                        lambda: Declaration.create([{}]),
                        lambda: Nature.create([{}])]:
                    with undone(), self.assertRaises(
                            (AccessError, AccessButtonError)):
                        operation()
            with set_user(users['entrepreneur']):
                self.assertTrue(Nature.search([]))
                for operation in [
                        lambda: Certificate.search([]),
                        lambda: Certificate.lines.get_target().search([]),
                        lambda: Figure.search([]),
                        lambda: Declaration.search([]),
                        lambda: Make.create()]:
                    with self.assertRaises(AccessError):
                        operation()
            elsewhere = create_user(
                'elsewhere', other, 'account.group_account')
            with set_user(elsewhere):
                self.assertEqual(Certificate.search([]), [])
                self.assertEqual(Figure.search([]), [])
                with self.assertRaises(AccessError):
                    Certificate.read([made[0].id], ['amount'])
