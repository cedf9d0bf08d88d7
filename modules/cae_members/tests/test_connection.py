# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import datetime as dt
from unittest import TestCase
from unittest.mock import patch

from trytond import backend, security
from trytond.model.exceptions import AccessError
from trytond.modules.cae_members import connection
from trytond.modules.cae_members.tests import server
from trytond.modules.cae_members.tests.deadline import on
from trytond.modules.cae_members.tests.server import with_transaction
from trytond.modules.cae_members.tests.test_module import (
    create_activity, create_contract, create_user, refused, set_user)
from trytond.pool import Pool
from trytond.tests.test_tryton import DB_NAME, drop_db
from trytond.transaction import Transaction

from .test_support import World

NOW = dt.datetime(2026, 5, 31, 23, 59)


class ConnectionTestCase(TestCase):
    "Test who logged in when, and who sees it"
    module = 'cae_members'
    extras = None

    @classmethod
    def setUpClass(cls):
        server.activate(cls)

    @classmethod
    def tearDownClass(cls):
        drop_db()

    def login(self, user, now=NOW):
        with patch.object(connection, 'dt', wraps=dt) as module, \
                Transaction().set_user(user.id):
            module.datetime.now.return_value = now
            return Pool().get('ir.session').new()

    def kept(self):
        return [
            (c.user.login, c.month, c.last) for c in Pool().get(
                'cae.connection').search([], order=[('id', 'ASC')])]

    @with_transaction()
    def test_login(self):
        "There is one connection for each user and month"
        with World.enter() as world:
            self.assertTrue(self.login(world.ana.user, dt.datetime(
                        2026, 5, 1, 8, 30)))
            self.login(world.ana.user)
            june = dt.datetime(2026, 6, 1)
            self.login(world.ana.user, june)
            self.login(world.bob.user)
            # Nobody needs to know it of who is no entrepreneur
            self.login(world.nora)
            self.assertEqual(self.kept(), [
                    ('ana', dt.date(2026, 5, 1), NOW),
                    ('ana', dt.date(2026, 6, 1), june),
                    ('bob', dt.date(2026, 5, 1), NOW)])

    @with_transaction()
    def test_login_never_fails(self):
        "What cannot be kept keeps nobody outside"
        Session = Pool().get('ir.session')
        with World.enter() as world:
            with patch.object(
                    connection, 'Conflict', side_effect=Exception), \
                    self.assertLogs(connection.logger, 'WARNING'):
                self.assertTrue(self.login(world.ana.user))
            self.assertEqual(len(Session.search([])), 1)
            self.assertEqual(self.kept(), [])

    @with_transaction()
    def test_last_connection(self):
        "The last connection is that of the person, for whom may know it"
        pool = Pool()
        Activity = pool.get('cae.activity')
        Connection = pool.get('cae.connection')
        Entrepreneur = pool.get('cae.entrepreneur')
        start = dt.date(2026, 1, 1)
        with World.enter() as world:
            for person in [world.ana, world.bob]:
                create_contract(person, 'cesa', start)
            create_activity(
                "Crafts", (world.ana, '0.5', start, None),
                (world.bob, '0.5', start, None))
            self.login(world.ana.user, dt.datetime(2026, 1, 2, 9))
            self.login(world.ana.user)
            clerk = create_user(
                'clerk', world.company, 'account.group_account')
            both = create_user(
                'both', world.company, 'account.group_account',
                'cae_members.group_entrepreneur')
            everybody = [world.ana.id, world.bob.id, world.cleo.id]

        def found(*clause):
            return [e.id for e in Entrepreneur.search(
                    [('last_connection', *clause)],
                    order=[('id', 'ASC')])]
        with set_user(world.nora):
            self.assertEqual([r['last_connection'] for r in Entrepreneur.read(
                        everybody, ['last_connection'])], [NOW, None, None])
            for clause, expected in [
                    (('=', None), everybody[1:]),
                    (('!=', None), everybody[:1]),
                    (('=', NOW), everybody[:1]),
                    (('>=', dt.datetime(2026, 5, 31)), everybody[:1]),
                    (('<', dt.datetime(2026, 5, 31)), []),
                    (('<', dt.datetime(2026, 6, 1)), everybody[:1])]:
                self.assertEqual(found(*clause), expected, clause)
            self.assertEqual(len(Connection.search([])), 2)
            with refused(AccessError):
                Connection.delete(Connection.search([]))
        with set_user(world.ana.user):
            self.assertEqual(found('!=', None), everybody[:1])
            self.assertEqual(len(Connection.search([])), 2)
            for action in [
                    lambda: Connection.write(Connection.search([]), {}),
                    lambda: Connection.create([{
                                'user': world.ana.user.id, 'month': start,
                                'last': NOW}])]:
                with refused(AccessError):
                    action()
        # Who shares an activity with her
        with set_user(world.bob.user):
            self.assertEqual(found('!=', None), [])
            self.assertEqual(Connection.search([]), [])
            for clause in [
                    ('holders.entrepreneur.last_connection', '!=', None),
                    ('holders', 'where', [
                            ('entrepreneur.last_connection', '=', NOW)])]:
                self.assertEqual(Activity.search([clause]), [])
            with refused(AccessError):
                Entrepreneur.read([world.ana.id], ['last_connection'])
        # Who reads the entrepreneurs for another reason
        with set_user(clerk):
            for action in [
                    lambda: found('!=', None),
                    lambda: Connection.search([]),
                    lambda: Entrepreneur.read(
                        [world.ana.id], ['last_connection'])]:
                with refused(AccessError):
                    action()
        with set_user(both):
            self.assertEqual(Entrepreneur.read(
                    [world.ana.id], ['last_connection']),
                [{'id': world.ana.id, 'last_connection': None}])
            self.assertEqual(found('!=', None), [])

    @with_transaction()
    def test_forget(self):
        "A connection is deleted after its delay"
        pool = Pool()
        Connection = pool.get('cae.connection')
        Retention = pool.get('cae.retention')
        with World.enter() as world:
            self.login(world.ana.user)
            self.login(world.ana.user, dt.datetime(2026, 6, 2))
            for date, count in [
                    (dt.date(2027, 5, 31), 2), (dt.date(2027, 6, 1), 1),
                    (dt.date(2027, 6, 2), 1), (dt.date(2027, 6, 3), 0)]:
                with on(date):
                    Connection.forget()
                self.assertEqual(len(Connection.search([])), count, date)
            retention, = Retention.search([('kind', '=', 'connection')])
            self.assertEqual(retention.months, 12)


class LoginTestCase(TestCase):
    "Test the login of the server, also of two at once"
    module = 'cae_members'
    extras = None

    @classmethod
    def setUpClass(cls):
        server.activate(cls, people)

    @classmethod
    def tearDownClass(cls):
        drop_db()

    @staticmethod
    def count(login):
        Connection = Pool().get('cae.connection')
        return len(Connection.search([('user.login', '=', login)]))

    def test_login(self):
        "Logging in to the server keeps it"
        self.assertTrue(security.login(
                DB_NAME, 'ana', {'password': 'Ruche-2026!'}))
        self.assertEqual(server.commit(self.count, 'ana'), 1)

    def test_concurrent(self):
        "Two logins at once do not fail each other"
        if backend.name != 'postgresql':
            self.skipTest("SQLite has one transaction at a time")
        user = server.commit(lambda: Pool().get('res.user').search(
                [('login', '=', 'bob')])[0].id)
        with Transaction().start(DB_NAME, user) as second:
            Connection = Pool().get('cae.connection')
            # From here on the second does not see what the first commits
            second.connection.cursor().execute('SELECT 1 FROM cae_connection')
            with Transaction().new_transaction() as first:
                Connection.note(user)
                first.commit()
            with self.assertLogs(connection.logger, 'WARNING'):
                self.assertTrue(Pool().get('ir.session').new())
            second.commit()
        self.assertEqual(server.commit(self.count, 'bob'), 1)


def people():
    with World.enter() as world:
        world.ana.user.password = 'Ruche-2026!'
        world.ana.user.save()
