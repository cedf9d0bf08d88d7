# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Work on a Tryton database from a script as the server does it."""
from trytond.pool import Pool
from trytond.transaction import Transaction, TransactionError


class Server:
    """Run functions in transactions of one database.

    ``company`` goes into the context of each transaction once it is known.
    Tasks that a transaction leaves in the queue are run after it, as the
    server does when no worker is configured. The methods in ``skipped`` are
    taken out of the queue instead: a demonstration prints nothing.
    """
    skipped = {'print_invoice'}

    def __init__(self, database, user=1):
        self.database = database
        self.user = user
        self.company = None
        # What had to be locked once is locked at once from then on
        self.extras = {}
        Pool.start()
        known = Pool.database_list()
        self.pool = Pool(database)
        if database not in known:
            with Transaction().start(database, 0, readonly=True):
                self.pool.init()

    def run(self, function, *args, **context):
        "Return the result of the function, committed"
        if self.company is not None:
            context.setdefault('company', self.company)
            context.setdefault('companies', [self.company])
        context.setdefault('_skip_warnings', True)
        context.setdefault('language', 'fr')
        while True:
            with Transaction().start(
                    self.database, self.user, context=context,
                    **self.extras) as transaction:
                try:
                    result = function(*args)
                except TransactionError as error:
                    transaction.rollback()
                    transaction.tasks.clear()
                    error.fix(self.extras)
                    continue
                except Exception:
                    # They are rolled back too
                    transaction.tasks.clear()
                    raise
            break
        self._work(transaction)
        return result

    def _work(self, transaction):
        from trytond.worker import run_task

        # The tasks of a task join the list
        while transaction.tasks:
            tasks = list(transaction.tasks)
            transaction.tasks.clear()
            for task in self._wanted(tasks):
                run_task(self.pool, task)

    def _wanted(self, tasks):
        with Transaction().start(self.database, 0):
            Queue = self.pool.get('ir.queue')
            unwanted = [
                t for t in Queue.browse(tasks)
                if t.data['method'] in self.skipped]
            Queue.delete(unwanted)
        return [t for t in tasks if t not in {u.id for u in unwanted}]
