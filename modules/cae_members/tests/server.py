# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""How the tests on the server make and use their databases."""
import datetime as dt
from contextlib import contextmanager
from functools import wraps

from trytond.cache import MemoryCache
from trytond.model.exceptions import AccessError
from trytond.pool import Pool
from trytond.tests.test_tryton import (
    DB_NAME, activate_module, backup_db_cache, drop_db, restore_db_cache)
from trytond.transaction import Transaction, TransactionError

__all__ = [
    'activate', 'clear_cache', 'commit', 'create_fiscalyear',
    'create_french_company', 'find', 'undone', 'with_transaction']
# The caches of what the modules define
DEFINITIONS = {
    'ir.message', 'ir.model.field.get_name', 'ir.model.get_names',
    'ir.translation', 'ir_model_data.get_id'}


def activate(test_case, *setups):
    """Make the database of the test case anew, with what the setups commit.

    The setups are top-level functions without arguments, each run in a
    transaction of its own. The database goes on from the last of them that
    another one was made with.
    """
    modules = [test_case.module, *(test_case.extras or [])]

    def name(number):
        return '--'.join([
                '-'.join(modules), *(s.__qualname__ for s in setups[:number])])
    drop_db()
    for made in range(len(setups), 0, -1):
        if restore_db_cache(name(made)):
            break
    else:
        made = 0
        activate_module(modules)
    for setup in setups[made:]:
        commit(setup)
    if made < len(setups):
        backup_db_cache(name(len(setups)))


def with_transaction(user=1, context=None):
    """As the one of trytond.tests, for methods of a test case.

    What one test had to lock is locked at once by those that follow, for it
    must begin again when it finds that it needs a lock.
    """
    def decorator(function):
        @wraps(function)
        def wrapper(self, *args, **kwargs):
            test_case = type(self)
            if '_locks' not in vars(test_case):
                test_case._locks = {}
            while True:
                with Transaction().start(
                        DB_NAME, user, context=context,
                        **test_case._locks) as transaction:
                    try:
                        return function(self, *args, **kwargs)
                    except TransactionError as error:
                        transaction.rollback()
                        error.fix(test_case._locks)
                    finally:
                        transaction.rollback()
                        transaction.tasks.clear()
                        _drop_caches()
        return wrapper
    return decorator


def _drop_caches():
    "Forget what was cached, but of what no test changes"
    for name, cache in MemoryCache._instances.items():
        if name not in DEFINITIONS:
            cache._database_cache.pop(DB_NAME, None)


def commit(function, *args, user=1, context=None):
    """Return the result of the function run in a transaction of its own.

    It is committed, then the tasks that it left in the queue are run as the
    server without a worker does.
    """
    from trytond.worker import run_task
    locks = {}
    while True:
        with Transaction().start(
                DB_NAME, user, context=context or {},
                **locks) as transaction:
            try:
                result = function(*args)
                transaction.commit()
            except TransactionError as error:
                transaction.rollback()
                transaction.tasks.clear()
                error.fix(locks)
                continue
        break
    while transaction.tasks:
        run_task(DB_NAME, transaction.tasks.pop(0))
    return result


def find(Model, domain, **kwargs):
    """Return what the user finds of a model of resources.

    That is nothing too when the search is refused, as by Tryton 8.2.
    """
    try:
        return Model.search(domain, **kwargs)
    except AccessError:
        return []


@contextmanager
def undone():
    "Undo what is done in the context, also when it fails; it nests"
    transaction = Transaction()
    cursor = transaction.connection.cursor()
    deleted = {
        name: set(ids) for name, ids in transaction.delete_records.items()}
    cursor.execute('SAVEPOINT undone')
    try:
        yield
    finally:
        cursor.execute('ROLLBACK TO SAVEPOINT undone')
        # It would hide the one around it, which has the same name
        cursor.execute('RELEASE SAVEPOINT undone')
        # What was deleted is there again
        transaction.delete_records.clear()
        transaction.delete_records.update(deleted)
        clear_cache()


def clear_cache():
    "Forget the records that were read, before going round the ORM"
    transaction = Transaction()
    transaction.counter += 1
    for models in transaction.cache.values():
        for records in models.values():
            records.clear()


def create_french_company(name="Coopérative Les Ateliers"):
    "Return a new company with the French chart of accounts"
    from trytond.modules.account.tests import create_chart
    from trytond.modules.company.tests import create_company, set_company

    # Tryton gives its groups to the administrator up to 8.0
    User = Pool().get('res.user')
    group = Pool().get('ir.model.data').get_id('account', 'group_account')
    User.write([User(1)], {'groups': [('add', [group])]})
    # Written last: locked then, the whole chart would be made again
    Pool().get('account.configuration').lock()
    company = create_company(name=name)
    with set_company(company):
        create_chart(company, chart='account_fr.root')
    return company


def create_fiscalyear(company, year):
    "Create the fiscal year with its months and the sequences of invoices"
    from trytond.modules.account.tests import get_fiscalyear
    FiscalYear = Pool().get('account.fiscalyear')
    fiscalyear = get_fiscalyear(company, today=dt.date(year, 1, 1))
    if 'invoice_sequences' in FiscalYear._fields:
        from trytond.modules.account_invoice.tests import set_invoice_sequences
        set_invoice_sequences(fiscalyear)
    fiscalyear.save()
    FiscalYear.create_period([fiscalyear])
    return fiscalyear
