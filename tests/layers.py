# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Databases of tests that are made from each other.

Most of the time that a new database takes goes into modules that the others
have too. With the cache of trytond.tests, each is made from the last of the
layers below that holds no more than it asks for.
"""
import functools
import os

# Each holds the one before. A module is loaded again when one that it is
# extended by is added: those stand in the same layer.
LAYERS = [
    [],
    ['cae_members'],
    ['cae_billing', 'account_fr', 'account_statement'],
    ]
# Whether Function fields are validated as others are
functions_validated = False


def install(layers=LAYERS):
    """Change, in this process, how trytond.tests makes its databases.

    Without its cache they are made as ever.
    """
    _resolve_once()
    if 'DB_CACHE' in os.environ:
        _ask_catalog()
        _keep_pools()
        _validate_less()
        _make_in_layers(layers)


def _resolve_once():
    """Remember how the names of classes resolve.

    The tests of each module resolve some 25,000 of them, and each time all
    that is installed is gone through.
    """
    from trytond import pool
    pool.resolve = functools.cache(pool.resolve)


def _make_in_layers(layers):
    from trytond.tests import test_tryton
    create_db = test_tryton.create_db
    activate_module = test_tryton.activate_module
    wanted = set()

    def create(name=test_tryton.DB_NAME, lang='en'):
        if (lang != 'en' or name != test_tryton.DB_NAME
                or test_tryton.db_exist(name)):
            create_db(name, lang)
            return
        made = [layer for layer in layers if wanted.issuperset(layer)]
        todo = []
        while made and not test_tryton.restore_db_cache('-'.join(made[-1])):
            todo.insert(0, made.pop())
        if not made:
            create_db(name, lang)
        for layer in todo:
            activate_module(layer)

    @functools.wraps(activate_module)
    def activate(modules, lang='en'):
        wanted.clear()
        wanted.update(_with_depends(modules))
        activate_module(modules, lang)

    test_tryton.create_db = create
    test_tryton.activate_module = activate


def _ask_catalog():
    """Read the foreign keys of a table from the catalog of PostgreSQL.

    The views of information_schema that Tryton joins take a second of the
    server each time, half of the making of a database.
    """
    from trytond import backend
    from trytond.transaction import Transaction
    if backend.name != 'postgresql':
        return
    rules = {
        'a': 'NO ACTION', 'r': 'RESTRICT', 'c': 'CASCADE', 'n': 'SET NULL',
        'd': 'SET DEFAULT'}

    @property
    def deltypes(self):
        cursor = Transaction().connection.cursor()
        cursor.execute(
            'SELECT c.conname, a.attname, c.confdeltype::text '
            'FROM pg_constraint c '
            'JOIN pg_class t ON t.oid = c.conrelid '
            'JOIN pg_namespace n ON n.oid = t.relnamespace '
            'JOIN pg_attribute a '
            'ON a.attrelid = t.oid AND a.attnum = ANY(c.conkey) '
            "WHERE c.contype = 'f' AND t.relname = %s AND n.nspname = %s",
            (self.table_name, self.table_schema))
        return {(name, column): rules[type_] for name, column, type_ in cursor}

    backend.TableHandler._fk_deltypes = deltypes


def _keep_pools(most=3):
    """Keep the classes of the last databases for the next ones.

    Making those of all our modules takes some five seconds.
    """
    from trytond.pool import Pool
    start, init = Pool.start.__func__, Pool.init
    kept = {}

    @classmethod
    def start_once(cls):
        if not cls._started:
            start(cls)

    @functools.wraps(init)
    def init_once(self, update=None, **kwargs):
        if update:
            init(self, update=update, **kwargs)
            return
        with self._lock:
            modules = _activated(self.database_name)
            if modules not in kept:
                init(self, **kwargs)
                kept[modules] = self._pool, self._modules
                if len(kept) > most:
                    del kept[next(iter(kept))]
                return
            # The last one used is the last to go
            kept[modules] = self._pool, self._modules = kept.pop(modules)
            self._pools[self.database_name] = self._pool
            self._pool_modules[self.database_name] = self._modules
            self._pool_instances.clear()
            self._pool_instances.add(self)
            self.ready = True

    Pool.start = start_once
    Pool.init = init_once


def _activated(database):
    from trytond.modules import ir_module
    from trytond.transaction import Transaction

    def find(connection):
        with connection.cursor() as cursor:
            cursor.execute(*ir_module.select(
                    ir_module.name, where=ir_module.state.in_(
                        ['activated', 'to upgrade', 'to remove'])))
            return frozenset(name for name, in cursor)
    transaction = Transaction()
    if transaction.connection:
        with transaction.new_transaction(readonly=True) as transaction:
            return find(transaction.connection)
    with transaction.start(database, 0, readonly=True) as transaction:
        return find(transaction.connection)


def _validate_less():
    """Leave out what takes most of the time.

    That is the validation of the records that modules define, more than half
    of an activation, which tests/test_packaging.py does as ever, and that of
    Function fields, which Tryton validates in tests only: a third of the time
    of a test.
    """
    from trytond.convert import TrytondXmlHandler
    from trytond.model import ModelStorage
    from trytond.pool import Pool
    parse = TrytondXmlHandler.parse_xmlstream
    validate = ModelStorage._validate.__func__
    loading = False

    @classmethod
    def _validate(cls, *args, **kwargs):
        if loading:
            return
        test, Pool.test = Pool.test, Pool.test and functions_validated
        try:
            validate(cls, *args, **kwargs)
        finally:
            Pool.test = test

    @functools.wraps(parse)
    def parse_xmlstream(*args, **kwargs):
        nonlocal loading
        loading = True
        try:
            return parse(*args, **kwargs)
        finally:
            loading = False
    ModelStorage._validate = _validate
    TrytondXmlHandler.parse_xmlstream = parse_xmlstream


def _with_depends(modules):
    "Return the names of the modules and of all that they depend on"
    from trytond.modules import get_module_info
    found = set()
    todo = [modules] if isinstance(modules, str) else list(modules)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += get_module_info(name).get('depends', [])
    return found
