# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import datetime as dt

from trytond.model.exceptions import AccessError, SQLConstraintError
from trytond.modules.cae_members.exceptions import (
    PaperValidationError, PrivateValidationError)
from trytond.modules.cae_members.tests.server import undone, with_transaction
from trytond.modules.company.tests import set_company
from trytond.pool import Pool

from .deadline import dates, on


class PrivateMixin:
    "Private records and papers"

    @with_transaction()
    def test_private_numbers(self):
        "Numbers are stored bare and checked"
        from .test_module import create_entrepreneur, setup_company
        Private = Pool().get('cae.entrepreneur.private')
        company = setup_company()
        with set_company(company):
            ana = create_entrepreneur(company)
            private, = Private.create([{
                        'entrepreneur': ana.id,
                        'social_security_number': '2 95 10 99 126 111 93',
                        'bank_account': 'FR76 3000 6000 0112 3456 7890 189',
                        }])
            self.assertEqual(
                private.social_security_number, '295109912611193')
            self.assertEqual(
                private.bank_account, 'FR7630006000011234567890189')
            private.social_security_number = '85.07.30-033 28'
            private.save()
            self.assertEqual(private.social_security_number, '85073003328')
            for name, value, message in [
                    ('social_security_number', '295109912611194',
                        "15 digits"),
                    ('bank_account', 'FR7630006000011234567890188', "IBAN"),
                    ]:
                with undone(), self.assertRaisesRegex(
                        PrivateValidationError, message):
                    Private.write([private], {name: value})
            with self.assertRaises(SQLConstraintError):
                Private.create([{'entrepreneur': ana.id}])

    @with_transaction()
    def test_private_readings(self):
        "Few read a private record, and each reading is kept"
        from .test_module import (
            create_entrepreneur, create_user, set_user, setup_company)
        pool = Pool()
        Private = pool.get('cae.entrepreneur.private')
        Reading = pool.get('cae.entrepreneur.private.reading')
        company = setup_company()
        with set_company(company):
            users = {
                name: create_user(name, company, f'cae_members.group_{group}')
                for name, group in [
                    ('ana', 'entrepreneur'), ('bob', 'entrepreneur'),
                    ('advisor', 'advisor'), ('clerk', 'private')]}
            records = Private.create([{
                        'entrepreneur': create_entrepreneur(
                            company, name=name, user=users[name]).id,
                        'emergency_contact': "Somebody",
                        } for name in ['ana', 'bob']])
            ids = [r.id for r in records]
        with set_user(users['ana']):
            self.assertEqual(Private.search([]), records[:1])
            Private.read(ids[:1], ['emergency_contact'])
            for read in [
                    lambda: Private.read(ids, ['emergency_contact']),
                    lambda: Private.export_data(
                        records, ['emergency_contact']),
                    lambda: Private.write(records[:1], {'note': "No"}),
                    lambda: Reading.search([]),
                    ]:
                with undone(), self.assertRaises(AccessError):
                    read()
        with set_user(users['advisor']):
            with undone(), self.assertRaises(AccessError):
                Private.search([])
        with set_user(users['clerk']):
            Private.read(ids, ['emergency_contact'])
            Private.export_data(records, ['emergency_contact'])
        kept = [(r.create_uid.login, r.private.id)
            for r in Reading.search([], order=[('id', 'ASC')])]
        self.assertEqual(set(kept), {
                ('ana', ids[0]), ('clerk', ids[0]), ('clerk', ids[1])})

    @with_transaction()
    def test_papers(self):
        "What is missing is shown, and what expires is on the clock"
        from .test_module import (
            create_contract, create_entrepreneur, setup_company)
        pool = Pool()
        Entrepreneur = pool.get('cae.entrepreneur')
        ModelData = pool.get('ir.model.data')
        Paper = pool.get('cae.paper')
        company = setup_company()
        with set_company(company), on(dt.date(2026, 3, 1)):
            ana = create_entrepreneur(company)
            self.assertEqual(ana.missing_papers, '')
            create_contract(
                ana, 'support', dt.date(2026, 3, 1), sign=False)
            ana = Entrepreneur(ana.id)
            self.assertEqual(ana.missing_papers, "Identity Document")
            values = {
                'entrepreneur': ana.id,
                'type': ModelData.get_id(
                    'cae_members', 'paper_type_identity'),
                'received_on': dt.date(2026, 3, 1),
                'expiry_date': dt.date(2026, 6, 30),
                }
            with undone(), self.assertRaises(PaperValidationError):
                Paper.create([
                        {**values, 'expiry_date': dt.date(2026, 2, 1)}])
            Paper.create([values])
            self.assertEqual(Entrepreneur(ana.id).missing_papers, '')
            self.assertEqual(dates(ana), {'paper': dt.date(2026, 6, 30)})
            Paper.create([{**values, 'expiry_date': dt.date(2036, 3, 1)}])
            self.assertEqual(dates(ana), {'paper': dt.date(2036, 3, 1)})
