# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Time invoices, balances and fees against what they stand on.

    PYTHONPATH=. python -O -m benchmarks.billing

On PostgreSQL, in one run:

- creating and posting invoices with the modules, divided by the same with
  account_fr and analytic_invoice alone in a database beside it;
- the balances of many activities over many analytic lines, divided by the
  bare SQL that groups the lines; then on the collected basis over many
  invoices;
- the SQL statements with which a chunk of the closing charges its fees, for
  chunks of two sizes.
"""
import argparse
import datetime as dt
import os
import statistics
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

from benchmarks.closing import START, count_statements

END = dt.date(2026, 1, 31)
BATCH = 20


class Plain:
    "How the cooperative sells when none of its modules is active"

    def __init__(self, server):
        from demo.cooperative import Cooperative
        self.cooperative = Cooperative(server, start=START)
        self.server = server
        for method in ['make_company', 'make_chart', 'make_fiscalyear']:
            server.run(getattr(self.cooperative, method))
        server.run(self.make_analytic)

    def make_analytic(self):
        Account = self.server.pool.get('analytic_account.account')
        Party = self.server.pool.get('party.party')
        root, = Account.create([{
                    'name': "Activities", 'type': 'root',
                    'company': self.server.company}])
        account, = Account.create([{
                    'name': "Activity", 'type': 'normal', 'root': root.id,
                    'parent': root.id, 'company': self.server.company}])
        self.entry = {'root': root.id, 'account': account.id}
        party, = Party.create([{
                    'name': "Customer", 'addresses': [('create', [{}])]}])
        self.party = party.id

    def line(self):
        return {'analytic_accounts': [('create', [self.entry])]}


class Ours:
    "How it sells with them"

    def __init__(self, server, entrepreneurs):
        from demo.cooperative import Cooperative
        self.cooperative = Cooperative(
            server, entrepreneurs=entrepreneurs, months=1, start=START,
            invoices=1)
        self.server = server
        self.cooperative.build()
        # Before the invoices of the end of the month, as numbers follow dates
        self.cooperative.enter(START)
        self.party = self.cooperative.customers[0]
        self.activity = next(
            p.activity for p in self.cooperative.people if p.sells)

    def line(self):
        return {'activity': self.activity}


def sell(books):
    "Create and post a batch of invoices of two lines; return the seconds"
    cooperative = books.cooperative

    def work():
        Invoice = cooperative.get('account.invoice')
        journal = cooperative.journal('revenue')
        values = cooperative.invoice_values(
            'out', books.party, END, [], journal)
        account = cooperative.account('706').id
        tax = cooperative.tax('tva_vente_services_taux_normal').id
        values['lines'] = [('create', [{
                        'type': 'line',
                        'company': cooperative.server.company,
                        'currency': values['currency'],
                        'description': "Work",
                        'quantity': 1,
                        'unit_price': Decimal('12.34'),
                        'account': account,
                        'taxes': [('add', [tax])],
                        **books.line()}] * 2)]
        start = time.perf_counter()
        Invoice.post(Invoice.create([values] * BATCH))
        return time.perf_counter() - start
    return books.server.run(work)


def time_invoices(plain, ours, count):
    sell(plain), sell(ours)
    ratios, seconds = [], {plain: 0, ours: 0}
    for _ in range(count // BATCH):
        times = {books: sell(books) for books in [plain, ours]}
        ratios.append(times[ours] / times[plain])
        for books in seconds:
            seconds[books] += times[books]
    print(f"{count} invoices: {seconds[ours]:.2f} s, "
        f"plain Tryton {seconds[plain]:.2f} s, ratio "
        f"{seconds[ours] / seconds[plain]:.2f} "
        f"(median of the batches {statistics.median(ratios):.2f})",
        flush=True)


def copy_rows(cursor, table, source, count, **columns):
    """Copy a row of the table count times; return the first id.

    ``columns`` are the SQL of columns that differ, where n counts from 0.
    """
    cursor.execute(
        'SELECT column_name FROM information_schema.columns '
        'WHERE table_name = %s', [table])
    names = [name for name, in cursor.fetchall()]
    cursor.execute(f'SELECT MAX(id) + 1 FROM "{table}"')
    first, = cursor.fetchone()
    columns['id'] = f'{first} + n'
    cursor.execute(
        f'INSERT INTO "{table}" (' + ', '.join(f'"{n}"' for n in names)
        + ') SELECT ' + ', '.join(columns.get(n, f'"{n}"') for n in names)
        + f' FROM "{table}", generate_series(0, {count - 1}) n'
        f' WHERE id = {source}')
    return first


def fill(ours, activities, invoices, lines):
    """Fill the books with copies of one invoice, four of five of them paid.

    The rows are copied in SQL: what is timed reads them only.
    """
    from trytond.transaction import Transaction

    def work():
        Invoice = ours.server.pool.get('account.invoice')
        cursor = Transaction().connection.cursor()
        invoice = Invoice.search([('state', '=', 'posted')], limit=1)[0]
        activity = invoice.lines[0].activity
        analytic = copy_rows(
            cursor, 'analytic_account_account', activity.analytic_account.id,
            activities)
        copy_rows(
            cursor, 'cae_activity', activity.id, activities,
            code="'B' || n", analytic_account=f'{analytic} + n')
        account = f'{analytic} + n % {activities}'
        move = copy_rows(
            cursor, 'account_move', invoice.move.id, invoices,
            number="'B' || n", origin='NULL')
        copy_rows(
            cursor, 'account_invoice', invoice.id, invoices,
            number="'B' || n", move=f'{move} + n', state="'posted'")
        for line in invoice.move.lines:
            first = copy_rows(
                cursor, 'account_move_line', line.id, invoices,
                move=f'{move} + n')
            for row in line.analytic_lines:
                copy_rows(
                    cursor, 'analytic_account_line', row.id, invoices,
                    account=account, move_line=f'{first} + n')
                analytic_line, income = row.id, first
            if line.account == invoice.account:
                receivable, due = line.id, first
        cursor.execute(
            'INSERT INTO account_move_reconciliation (id, number, date, '
            "company) SELECT 1000000 + n, 'B' || n, %s, %s "
            'FROM generate_series(0, %s) n',
            [END, invoice.company.id, invoices - 1])
        journal = ours.cooperative.journal('statement').id
        payment = copy_rows(
            cursor, 'account_move', invoice.move.id, invoices,
            number="'P' || n", origin='NULL', journal=str(journal))
        paid = copy_rows(
            cursor, 'account_move_line', receivable, invoices,
            move=f'{payment} + n', debit='credit', credit='debit',
            reconciliation='CASE WHEN n % 5 = 0 THEN NULL '
            'ELSE 1000000 + n END')
        cursor.execute(
            'UPDATE account_move_line SET reconciliation = '
            f'1000000 + id - {due} WHERE id >= {due} AND id < {due} + '
            f'{invoices} AND (id - {due}) % 5 <> 0')
        # Invoices of three activities, and what else these earn and spend
        for number in [1, 2]:
            copy_rows(
                cursor, 'analytic_account_line', analytic_line, invoices,
                account=f'{analytic} + (n + {number}) % {activities}',
                move_line=f'{income} + n')
        copy_rows(
            cursor, 'analytic_account_line', analytic_line,
            lines - 3 * invoices, account=account,
            move_line=f'{paid} + n % {invoices}')
    ours.server.run(work)


def time_balances(ours, activities, invoices, lines):
    from trytond.transaction import Transaction
    fill(ours, activities, invoices, lines)

    def work():
        Activity = ours.server.pool.get('cae.activity')
        cursor = Transaction().connection.cursor()
        cursor.execute('ANALYZE')
        found = Activity.search([('analytic_account', '!=', None)])
        accounts = [a.analytic_account.id for a in found]

        def bare():
            cursor.execute(
                'SELECT a.account, SUM(a.credit - a.debit) '
                'FROM analytic_account_line a '
                'JOIN account_move_line l ON a.move_line = l.id '
                'JOIN account_move m ON l.move = m.id '
                "WHERE m.state = 'posted' AND m.date <= %s "
                'AND a.account = ANY(%s) GROUP BY a.account',
                [END, accounts])
            return cursor.fetchall()

        def timed(function, *args):
            start = time.perf_counter()
            function(*args)
            return time.perf_counter() - start
        bare()
        floor = min(timed(bare) for _ in range(3))
        invoiced = min(
            timed(Activity.balances, found, END) for _ in range(3))
        collected = timed(Activity.balances, found, END, 'collected')
        cursor.execute('SELECT COUNT(*) FROM analytic_account_line')
        count, = cursor.fetchone()
        print(f"balances of {len(found)} activities over {count} analytic "
            f"lines: {invoiced:.2f} s, bare SQL {floor:.2f} s, ratio "
            f"{invoiced / floor:.2f}; collected basis over {invoices} "
            f"invoices: {collected:.2f} s", flush=True)
    ours.server.run(work)


def count_fees(ours):
    "Print the statements of the fees of chunks of two sizes"
    count = count_statements()
    Fee = ours.server.pool.get('cae.fee')

    def charge(size):
        Activity = ours.server.pool.get('cae.activity')
        Period = ours.server.pool.get('account.period')
        period, = Period.search([('start_date', '=', START)])
        found = Activity.search([('kind', '=', 'business')], limit=size)
        before = count[0]
        Fee.charge(found, period)
        return len(found), count[0] - before

    sizes = []
    for size in [8, 32]:
        try:
            ours.server.run(_undone, charge, size)
        except Undo as undo:
            sizes.append(undo.result)
    print("fees: " + ', '.join(
            f"{statements} statements for {size} activities"
            for size, statements in sizes), flush=True)


class Undo(Exception):

    def __init__(self, result):
        super().__init__()
        self.result = result


def _undone(function, *args):
    raise Undo(function(*args))


def measure(config_file, options):
    import trytond.config as config
    config.update_etc(config_file)
    from demo.server import Server
    assert 'trytond.tests' not in sys.modules
    plain = Plain(Server('plain'))
    ours = Ours(Server('ours'), 35)
    time_invoices(plain, ours, options.invoices)
    count_fees(ours)
    time_balances(
        ours, options.activities, options.collected, options.lines)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--invoices', type=int, default=200)
    parser.add_argument('--activities', type=int, default=3500)
    parser.add_argument('--collected', type=int, default=100_000)
    parser.add_argument('--lines', type=int, default=1_000_000)
    parser.add_argument('--config', help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.config:
        measure(options.config, options)
        return
    from tools import database, postgresql
    with postgresql.Server() as server, \
            tempfile.TemporaryDirectory() as folder:
        os.environ.update(server.environment)
        folder = Path(folder)
        config = database.write_config(
            folder / 'trytond.conf', 'postgresql://', folder)
        for name, modules in [
                ('plain', [
                        'account_fr', 'analytic_invoice', 'purchase', 'sale']),
                ('ours', database.MODULES)]:
            database.create(
                sys.executable, config, 'postgresql://', name, folder,
                'benchmark', modules)
        subprocess.run([
                sys.executable, '-O', '-m', 'benchmarks.billing',
                '--config', str(config), *sys.argv[1:]], check=True)


if __name__ == '__main__':
    main()
