# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The database of the tests: its cooperative, kept and put back."""
from demo.cooperative import Cooperative
from demo.server import Server


def activate():
    """Make the database of the scenarios; return its server.

    It has the four modules and a French cooperative with its chart of
    accounts and its fiscal year 2026.
    """
    from trytond.modules.cae_members.tests.tools import activate
    from trytond.tests.test_tryton import DB_NAME
    activate()
    return connect(DB_NAME)


def connect(name):
    "Return a server of the database for its only company"
    server = Server(name)

    def company():
        company, = server.pool.get('company.company').search([])
        return company.id
    server.company = server.run(company)
    return server


def drop():
    "Leave nothing to the tests that follow"
    from trytond.tests.test_tryton import drop_db
    drop_db()


class Adopted(Cooperative):
    "A cooperative whose company and chart of accounts exist already"

    def make_company(self):
        self.country = self.company.party.addresses[0].country.id

    def make_chart(self):
        pass

    def make_fiscalyear(self):
        pass


def maintain(method, *args):
    "Create or drop a database of PostgreSQL"
    from trytond.transaction import Transaction
    with Transaction().start(None, 0, autocommit=True) as transaction:
        getattr(transaction.database, method)(transaction.connection, *args)


class Saved:
    "The database as it is now, to be put back as often as wanted"

    def __init__(self, name):
        from trytond import backend
        self.name = name
        if backend.name == 'sqlite':
            import sqlite3
            self.copy = sqlite3.connect(':memory:')
            self._connection(lambda connection: connection.backup(self.copy))
        else:
            self.copy = f'{name}_saved'
            backend.Database(name).close()
            maintain('create', self.copy, name)

    def _connection(self, function):
        from trytond import backend
        database = backend.Database(self.name).connect()
        connection = database.get_connection()
        try:
            function(connection)
        finally:
            database.put_connection(connection)

    def restore(self):
        from trytond import backend
        from trytond.cache import Cache
        Cache.drop(self.name)
        if backend.name == 'sqlite':
            self._connection(self.copy.backup)
        else:
            backend.Database(self.name).close()
            maintain('drop', self.name)
            maintain('create', self.name, self.copy)

    def remove(self):
        from trytond import backend
        if backend.name == 'sqlite':
            self.copy.close()
        else:
            maintain('drop', self.copy)
