# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import datetime as dt
from unittest import TestCase

from trytond.model import ModelSQL
from trytond.model.exceptions import AccessButtonError, AccessError
from trytond.modules.cae_members.exceptions import (
    ChangeAccessError, ChangeError, PrivateValidationError)
from trytond.modules.cae_members.tests import server
from trytond.modules.cae_members.tests.server import with_transaction
from trytond.modules.company.tests import set_company
from trytond.pool import Pool
from trytond.tests.test_tryton import drop_db
from trytond.transaction import Transaction, inactive_records

from .sweep import MARK, PERSON, Person, Sweep, models, texts
from .test_module import (
    create_contract, create_entrepreneur, create_user, refused, set_user,
    setup_company)

START = dt.date(2026, 1, 1)
IBAN = 'FR7630006000011234567890189'


class PrivacyTestCase(TestCase):
    "Test who sees, changes and keeps what is of a person"
    module = 'cae_members'
    extras = None

    @classmethod
    def setUpClass(cls):
        server.activate(cls)

    @classmethod
    def tearDownClass(cls):
        drop_db()

    @with_transaction()
    def test_sweep_entrepreneur(self):
        "Nothing of Ana is seen by who shares an activity with her"
        person = Person()
        with person.as_('bob'):
            sweep = Sweep(person.records)
            sweep.run(person.records)
        self.assertFalse(sweep.leaks)
        self.assertGreater(sweep.tried, 1000)

    @with_transaction()
    def test_sweep_plain(self):
        "Nothing of the module is seen by a user without groups"
        person = Person()
        records = {
            n: ids for n, ids in person.records.items() if n not in PERSON}
        with person.as_('plain'):
            sweep = Sweep(records)
            sweep.run(records)
        self.assertFalse(sweep.leaks)

    @with_transaction()
    def test_sweep_finds(self):
        "The sweep sees what is open"
        person = Person()
        with person.as_('all'):
            sweep = Sweep(person.records)
            sweep.run(['cae.entrepreneur', 'cae.paper'])
        doors = {(door[0], door[1]) for door, _ in sweep.leaks}
        for door in [
                ('cae.entrepreneur', 'search'), ('cae.entrepreneur', 'read'),
                ('cae.paper', 'export'),
                ('cae.activity', (
                        'holders.entrepreneur.exit_note', 'like', MARK))]:
            self.assertIn(door, doors)
