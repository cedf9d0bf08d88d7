# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Processes for the interruption test: one closes a month, one is a worker.

python -m tests.closer close DATABASE COMPANY MONTH [--kill before|after N]
python -m tests.closer worker -d DATABASE -n PROCESSES

The first starts the closing of the month or, when it is not done, continues
it; without a worker it does the tasks itself. With --kill it sends itself a
SIGKILL before or after its N-th commit. The environment variable CHUNK_SIZE
makes the chunks small, also in the processes of the worker.
"""
import argparse
import os
import signal
import sys

import trytond.config as config
from demo.server import Server
from trytond.modules.cae_billing import closing as closing_module
from trytond.transaction import Transaction

# Also done again where the processes of the worker are spawned
closing_module.CHUNK_SIZE = int(os.environ['CHUNK_SIZE'])


class Closer(Server):

    def _wanted(self, tasks):
        # Nothing is printed and no transaction of its own adds to the count
        return tasks


def kill_at(moment, number):
    """Kill this process before or after its commit of that number.

    What changed nothing, to begin again with a lock for instance, does not
    count.
    """
    commit = Transaction.commit
    count = 0

    def killing(self):
        nonlocal count
        cursor = self.connection.cursor()
        cursor.execute('SELECT pg_current_xact_id_if_assigned()')
        if cursor.fetchone() == (None,):
            commit(self)
            return
        count += 1
        if count == number and moment == 'before':
            os.kill(os.getpid(), signal.SIGKILL)
        commit(self)
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)
    Transaction.commit = killing


def close(options):
    "Start or continue the closing of the month; return its state"
    server = Closer(options.database)
    server.company = options.company
    Closing = server.pool.get('cae.closing')
    Period = server.pool.get('account.period')
    print("ready", flush=True)
    if options.kill:
        kill_at(options.kill[0], int(options.kill[1]))

    def press():
        period, = Period.search([
                ('company', '=', options.company),
                ('start_date', '=', options.month),
                ('type', '=', 'standard'),
                ])
        closings = Closing.search([('period', '=', period.id)])
        if not closings:
            closings = Closing.create([{
                        'company': options.company, 'period': period.id}])
        closing, = closings
        if closing.state == 'draft':
            Closing.run([closing])
        elif closing.state != 'done':
            Closing.resume([closing])
        return closing.id

    def state(id_):
        return Closing(id_).state
    id_ = server.run(press)
    # To read takes no lock, which would count as a change
    server.extras.clear()
    return server.run(state, id_)


def main():
    if sys.argv[1] == 'worker':
        from trytond.cli.worker import main
        del sys.argv[1]
        main()
        return
    parser = argparse.ArgumentParser(description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('command', choices=['close'])
    parser.add_argument('database')
    parser.add_argument('company', type=int)
    parser.add_argument('month')
    parser.add_argument('--kill', nargs=2)
    config.update_etc()
    print(close(parser.parse_args()), flush=True)


if __name__ == '__main__':
    main()
