# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""A closing that is killed and continued ends as one that was not.

The closing runs in processes of its own that get a real SIGKILL, each in a
copy of one database.
"""
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest
from dateutil.relativedelta import relativedelta

from demo.books import Books
from demo.server import Server
from tests import databases, fingerprint

pytestmark = [pytest.mark.stage2, pytest.mark.postgresql]

ROOT = Path(__file__).resolve().parent.parent
ENTREPRENEURS = 24
# So that each step but the one of the VAT has several chunks
CHUNK_SIZE = 7
TIMEOUT = 300


def execute(database, *queries):
    "Commit the queries and return the rows of the last one"
    import psycopg

    from trytond import backend
    uri = backend.Database._connection_params(database)['conninfo']
    with psycopg.connect(uri) as connection:
        cursor = connection.cursor()
        for query in queries:
            cursor.execute(query)
        return cursor.fetchall() if cursor.description else []


class Template:
    "A database with a month entered and what closing it makes of it"

    def __init__(self):
        from trytond import backend
        from trytond.pool import Pool
        server = databases.activate()
        self.name = server.database
        self.cooperative = databases.Adopted(
            server, entrepreneurs=ENTREPRENEURS, months=1, invoices=2)
        self.cooperative.build()
        self.cooperative.enter(self.cooperative.start)
        self.company = server.company
        assert not execute(
            self.name, "SELECT id FROM ir_queue WHERE dequeued_at IS NULL")
        # A database with connections can't be copied
        Pool.stop(self.name)
        backend.Database(self.name).close()
        with self.copy() as copy:
            start = time.monotonic()
            assert copy.close() == 'done'
            self.seconds = time.monotonic() - start
            self.expected = copy.fingerprint()
            self.differences = self.read_books(copy.name)

    @contextmanager
    def copy(self):
        name = f'{self.name}_copy'
        databases.maintain('create', name, self.name)
        copy = Copy(name, self)
        try:
            yield copy
        finally:
            copy.stop()
            databases.maintain('drop', name)

    def read_books(self, name):
        from trytond import backend
        from trytond.pool import Pool
        server = Server(name)
        server.company = self.company
        cooperative = self.cooperative

        def read():
            return Books(
                server.pool, self.company,
                cooperative.start + relativedelta(months=1, days=-1),
                cooperative.opening, cooperative.grants).differences()
        try:
            return server.run(read)
        finally:
            Pool.stop(name)
            backend.Database(name).close()


class Copy:
    "One copy of the database and the processes that work in it"

    def __init__(self, name, template):
        self.name = name
        self.template = template
        self.processes = []
        self.workers = []
        self.killed = 0

    def popen(self, *arguments, worker=False):
        environment = {
            **os.environ,
            'PYTHONPATH': str(ROOT),
            'CHUNK_SIZE': str(CHUNK_SIZE),
            'TRYTOND_QUEUE__WORKER': str(worker),
            }
        # A session of its own is a process group to kill
        process = subprocess.Popen(
            [sys.executable, '-m', 'tests.closer', *map(str, arguments)],
            cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE,
            start_new_session=True)
        self.processes.append(process)
        return process

    def closer(self, *arguments, worker=False):
        return self.popen(
            'close', self.name, self.template.company,
            self.template.cooperative.start, *arguments, worker=worker)

    def close(self, *arguments, worker=False):
        "Close and return the state, None when the process was killed"
        process = self.closer(*arguments, worker=worker)
        output, _ = process.communicate(timeout=TIMEOUT)
        if process.returncode == -signal.SIGKILL:
            self.killed += 1
            self.disconnected()
            return None
        assert process.returncode == 0
        return output.split()[-1]

    def worker(self, processes):
        self.workers.append(self.popen(
                'worker', '-d', self.name, '-n', processes, '--name',
                'cae_closing', '-t', 1, worker=True))
        return self.workers[-1]

    def kill(self, process):
        "Kill the process with all its children, if it is not over"
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            self.killed += 1
        self.disconnected()

    def stop(self):
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            process.stdout.close()
        self.disconnected()

    def disconnected(self):
        "Wait until the server knows that the processes are gone"
        end = time.monotonic() + 30
        while execute('postgres', f"""
                SELECT pid FROM pg_stat_activity
                WHERE datname = '{self.name}'"""):
            assert time.monotonic() < end, "connections are left"
            time.sleep(0.05)

    def state(self):
        found = execute(self.name, 'SELECT state FROM cae_closing')
        return found[0][0] if found else None

    def wait(self):
        "Wait until the workers have ended the closing and all the tasks"
        end = time.monotonic() + TIMEOUT
        while self.state() not in {'done', 'attention'} or execute(
                self.name, """
                SELECT id FROM ir_queue
                WHERE name = 'cae_closing' AND dequeued_at IS NULL"""):
            assert time.monotonic() < end, self.state()
            assert any(p.poll() is None for p in self.workers), "no worker"
            time.sleep(0.1)
        return self.state()

    def fingerprint(self):
        import psycopg

        from trytond import backend
        uri = backend.Database._connection_params(self.name)['conninfo']
        with psycopg.connect(uri) as connection:
            return fingerprint.take(connection.cursor())

    def check(self):
        "Check that nothing lacks, is there twice or differs"
        found = self.fingerprint()
        differences = fingerprint.differences(self.template.expected, found)
        assert not differences, '\n'.join(differences[:40])
        assert not fingerprint.gaps(found)


@pytest.fixture(scope='module')
def template():
    template = Template()
    yield template
    databases.drop()


@pytest.fixture
def copy(template):
    with template.copy() as copy:
        yield copy


def test_uninterrupted(template):
    "What the others are compared with has several chunks of each step"
    expected = template.expected
    chunks = Counter(chunk[1] for chunk in expected['chunks'])
    assert set(chunks) == {'vat', 'fee', 'pay', 'statement'}
    assert all(n > 2 for step, n in chunks.items() if step != 'vat')
    assert {chunk[3] for chunk in expected['chunks']} == {'done'}
    assert len(expected['statements']) == ENTREPRENEURS
    assert expected['payslips'] and expected['fees']
    assert not fingerprint.gaps(expected)
    assert not template.differences


@pytest.mark.parametrize('moment', ['before', 'after'])
def test_each_transaction(copy, moment):
    """Killed at the end of every transaction, before or after its commit.

    Before it, a chunk was worked and is lost; after it, a task is done and
    what it should wake is not: the next chunk, the next step or the end.
    """
    # The button is the first; before the second its task must be done again
    number = 2 if moment == 'after' else 3
    tasks = sum(2 for _ in copy.template.expected['chunks']) + 5
    for _ in range(tasks):
        state = copy.close('--kill', moment, number)
        if state:
            break
    assert state == 'done'
    # The last advances are as many as the steps
    assert copy.killed >= len(copy.template.expected['chunks'])
    copy.check()


def test_before_it_starts(copy):
    "Killed in the button, nothing is there, and it can be pressed again"
    assert copy.close('--kill', 'before', 1) is None
    assert copy.state() is None
    assert copy.close('--kill', 'after', 1) is None
    assert copy.state() == 'running'
    assert copy.close() == 'done'
    copy.check()


@pytest.mark.parametrize('seed', range(3))
def test_any_moment(copy, seed):
    "Killed from outside at random moments of the work"
    moments = random.Random(seed)
    for _ in range(4):
        process = copy.closer()
        assert process.stdout.readline() == 'ready\n'
        time.sleep(moments.uniform(0, copy.template.seconds / 3))
        copy.kill(process)
    assert copy.killed
    assert copy.close() == 'done'
    copy.check()


@pytest.mark.parametrize('seed', range(2))
def test_worker_killed(copy, seed):
    "The worker and its processes are killed as a group, then continued"
    moments = random.Random(seed)
    for _ in range(3):
        copy.close(worker=True)
        worker = copy.worker(2)
        # It takes a while until the worker has loaded the modules
        begun = threading.Event()
        end = time.monotonic() + TIMEOUT
        while not begun.is_set() and copy.state() == 'running':
            if execute(copy.name, """
                    SELECT id FROM ir_queue WHERE name = 'cae_closing'
                        AND dequeued_at > now() - interval '1 second'"""):
                begun.set()
            assert time.monotonic() < end
            time.sleep(0.02)
        time.sleep(moments.uniform(0, copy.template.seconds / 4))
        copy.kill(worker)
    copy.close(worker=True)
    copy.worker(2)
    assert copy.wait() == 'done'
    copy.check()


def test_two_workers(copy):
    "Two workers at once start each step and wake each chunk once"
    copy.worker(1)
    copy.worker(1)
    copy.close(worker=True)
    assert copy.wait() == 'done'
    copy.check()
    woken = Counter()
    for name, data in execute(
            copy.name, "SELECT name, data FROM ir_queue"):
        data = json.loads(data) if isinstance(data, str) else data
        if data['model'] == 'cae.closing.chunk':
            woken[tuple(data['instances'])] += 1
    # A task put off because another held a lock has a second row
    assert len(woken) == len(copy.template.expected['chunks'])


def test_refused_chunk(copy):
    "A chunk that is refused says why, stops no other and is continued"
    activity, account, code = execute(copy.name, f"""
        SELECT id, analytic_account, code FROM cae_activity
        WHERE kind = 'business' AND company = {copy.template.company}
            AND id IN (SELECT activity FROM account_invoice_line)
        ORDER BY id LIMIT 1""")[0]
    execute(copy.name, f"""
        UPDATE analytic_account_account SET type = 'view'
        WHERE id = {account}""")
    for _ in range(2):
        # Continued without a correction it is refused again
        assert copy.close() == 'attention'
        chunks = execute(copy.name, """
            SELECT step, state, error FROM cae_closing_chunk""")
        failed = [c for c in chunks if c[1] == 'failed']
        assert len(failed) == 1
        step, _, error = failed[0]
        assert step == 'fee' and error
        assert {c[1] for c in chunks} == {'done', 'failed'}
        charged = {a for a, in execute(
                copy.name, "SELECT DISTINCT activity FROM cae_fee")}
        assert charged and activity not in charged
        attentions = execute(
            copy.name, "SELECT message FROM cae_closing_attention "
            "WHERE kind = 'failed'")
        assert len(attentions) == 1 and error in attentions[0][0]
        assert not execute(copy.name, "SELECT id FROM cae_payslip")
    execute(copy.name, f"""
        UPDATE analytic_account_account SET type = 'normal'
        WHERE id = {account}""")
    assert copy.close() == 'done'
    copy.check()
