# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Time the month-end closing of cooperatives of several sizes.

    PYTHONPATH=. python -O -m benchmarks.closing 35 350 3500

Each size has its own PostgreSQL database and process, made by the generator
of the demonstration. In one run it reports the time of the closing; that time
divided by the time Tryton takes to create and post the same move and analytic
lines with no logic of ours (floor A), and by the time of bare SQL inserting
all the same rows (floor B); the SQL statements per entrepreneur and the peak
memory. The floors are rolled back, so that they find the same database.
"""
import argparse
import datetime as dt
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

START = dt.date(2026, 1, 1)
# The tables that a closing fills, those it refers to first
TABLES = [
    'account_move', 'account_move_line', 'analytic_account_line', 'cae_fee',
    'cae_payroll_run', 'cae_payslip', 'cae_payslip_line',
    'cae_payslip_activity', 'cae_activity_statement',
    'cae_activity_statement_line', 'cae_closing', 'cae_closing_chunk',
    'cae_closing_chunk_item', 'cae_closing_attention', 'cae_vat_statement',
    'cae_vat_statement_line', 'ir_queue']


def count_statements():
    "Return a list whose first item counts the statements from now on"
    import psycopg
    count = [0]
    execute = psycopg.Cursor.execute

    def counting(self, *args, **kwargs):
        count[0] += 1
        return execute(self, *args, **kwargs)
    psycopg.Cursor.execute = counting
    return count


def table_ids(server):
    "Return {table: highest id}"
    from trytond.transaction import Transaction

    def read():
        cursor = Transaction().connection.cursor()
        result = {}
        for table in TABLES:
            cursor.execute(f'SELECT COALESCE(MAX(id), 0) FROM "{table}"')
            result[table], = cursor.fetchone()
        return result
    return server.run(read)


class Floor(Exception):
    "Undoes what a floor did"

    def __init__(self, seconds, rows=None):
        super().__init__()
        self.seconds = seconds
        self.rows = rows


def undone(server, function, *args):
    try:
        server.run(function, *args)
    except Floor as floor:
        return floor
    raise AssertionError("the floor was not undone")


def floor_tryton(server, before):
    "Create and post with plain Tryton the moves made since"
    Move = server.pool.get('account.move')
    values = []
    for move in Move.search(
            [('id', '>', before['account_move'])], order=[('id', 'ASC')]):
        values.append({
                'company': move.company.id,
                'journal': move.journal.id,
                'period': move.period.id,
                'date': move.date,
                'description': move.description,
                'lines': [('create', [{
                                'account': line.account.id,
                                'party': line.party and line.party.id,
                                'debit': line.debit,
                                'credit': line.credit,
                                'description': line.description,
                                'analytic_lines': [('create', [{
                                                'account': a.account.id,
                                                'date': a.date,
                                                'debit': a.debit,
                                                'credit': a.credit,
                                                } for a in
                                            line.analytic_lines])],
                                } for line in move.lines])],
                })
    # The months are closed now
    server.pool.get('cae.activity').check_months = lambda postings: None
    start = time.perf_counter()
    for value in values:
        Move.post(Move.create([value]))
    raise Floor(time.perf_counter() - start)


def floor_sql(server, before):
    "Insert the rows made since in copies of their tables"
    from psycopg.types.json import Json

    from trytond.transaction import Transaction
    cursor = Transaction().connection.cursor()
    data = []
    for table in TABLES:
        cursor.execute(
            f'SELECT * FROM "{table}" WHERE id > %s ORDER BY id',
            [before[table]])
        rows = [
            [Json(v) if isinstance(v, dict) else v for v in row]
            for row in cursor.fetchall()]
        data.append((table, len(cursor.description), rows))
        cursor.execute(
            f'CREATE TEMPORARY TABLE "floor_{table}" '
            f'(LIKE "{table}" INCLUDING ALL)')
    start = time.perf_counter()
    for table, columns, rows in data:
        if not rows:
            continue
        marks = '(%s)' % ', '.join(['%s'] * columns)
        size = max(1, 30000 // columns)
        for index in range(0, len(rows), size):
            part = rows[index:index + size]
            cursor.execute(
                f'INSERT INTO "floor_{table}" VALUES '
                + ', '.join([marks] * len(part)),
                [value for row in part for value in row])
    raise Floor(
        time.perf_counter() - start, {t: len(rows) for t, _, rows in data})


def measure(config_file, database, size):
    "Make the cooperative of the size, close its month, print the figures"
    import trytond.config as config
    config.update_etc(config_file)
    from demo.cooperative import Cooperative
    from demo.server import Server
    assert 'trytond.tests' not in sys.modules
    server = Server(database)
    cooperative = Cooperative(
        server, entrepreneurs=size, months=1, start=START, invoices=1)
    start = time.perf_counter()
    cooperative.build()
    cooperative.enter(START)
    built = time.perf_counter() - start
    before = table_ids(server)
    memory_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    count = count_statements()
    start = time.perf_counter()
    cooperative.close(START)
    seconds = time.perf_counter() - start
    statements = count[0]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tryton = undone(server, floor_tryton, server, before)
    sql = undone(server, floor_sql, server, before)
    print(f"{size:>6} entrepreneurs: closing {seconds:.2f} s, "
        f"{seconds / size * 1000:.1f} ms each; "
        f"floor A {tryton.seconds:.2f} s, ratio "
        f"{seconds / tryton.seconds:.2f}; "
        f"floor B {sql.seconds:.2f} s, ratio {seconds / sql.seconds:.1f}; "
        f"{statements / size:.1f} statements each; "
        f"peak {memory // 1024} MB ({memory_before // 1024} MB before); "
        f"{sql.rows['account_move_line']} move lines, "
        f"{sql.rows['analytic_account_line']} analytic lines, "
        f"{sum(sql.rows.values())} rows; built in {built:.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('sizes', nargs='*', type=int, default=[35, 350])
    parser.add_argument('--measure', nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(*options.measure, options.sizes[0])
        return
    from tools import database, postgresql
    with postgresql.Server() as server, \
            tempfile.TemporaryDirectory() as folder:
        os.environ.update(server.environment)
        folder = Path(folder)
        config = database.write_config(
            folder / 'trytond.conf', 'postgresql://', folder)
        database.create(
            sys.executable, config, 'postgresql://', 'template_cae', folder,
            'benchmark')
        for size in options.sizes:
            name = f'cae_{size}'
            subprocess.run(
                ['createdb', '-T', 'template_cae', name], check=True)
            subprocess.run([
                    sys.executable, '-O', '-m', 'benchmarks.closing',
                    '--measure', str(config), name, str(size)], check=True)
            subprocess.run(['dropdb', name], check=True)


if __name__ == '__main__':
    main()
