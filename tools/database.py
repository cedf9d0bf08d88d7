# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"Databases with the modules of the project (standard library only)"
import os
import subprocess
from urllib.parse import urlsplit, urlunsplit

from . import environment

MODULES = [
    'account_dunning', 'account_fr', 'account_statement',
    'cae_billing', 'cae_governance', 'cae_members', 'cae_payroll',
    'purchase', 'sale', 'sale_advance_payment']
CREATE = """
import sys
import psycopg
from psycopg import sql
uri, name = sys.argv[1:]
with psycopg.connect(uri, dbname='postgres', autocommit=True) as connection:
    found = connection.execute(
        'SELECT 1 FROM pg_database WHERE datname = %s', [name]).fetchone()
    if not found:
        connection.execute(sql.SQL('CREATE DATABASE {} TEMPLATE template0 '
            'ENCODING UTF8').format(sql.Identifier(name)))
with psycopg.connect(uri, dbname=name) as connection:
    tables = connection.execute("SELECT count(*) FROM pg_tables "
        "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')")
    if tables.fetchone()[0]:
        sys.exit(f"The database {name} is not empty. Nothing was done: give "
            "the name of a new one.")
"""


def split_uri(uri, default='demo'):
    "Return the URI of the server and the name of the database"
    parts = urlsplit(uri)
    name = parts.path.strip('/') or default
    # urlunsplit leaves out the slashes of an empty host.
    server = urlunsplit(parts._replace(path=''))
    if '://' not in server:
        server = server.replace(':', '://', 1)
    return server, name


def write_config(path, uri, folder, **web):
    "Write a configuration of trytond; SQLite files are kept in folder"
    sections = {
        'database': {'uri': uri, 'path': folder},
        'web': web,
        }
    path.touch()
    # The URI may hold a password.
    path.chmod(0o600)
    path.write_text('\n'.join(
            f'[{name}]\n' + ''.join(f'{k} = {v}\n' for k, v in values.items())
            for name, values in sections.items()))
    return path


def create(python, config, uri, name, folder, password, modules=MODULES):
    """Make an empty database and activate the modules in it.

    A file of SQLite is replaced; a database of PostgreSQL must be new or
    empty. Raises CalledProcessError when that fails.
    """
    if uri.startswith('sqlite'):
        for file in folder.glob(f'{name}.sqlite*'):
            file.unlink()
        (folder / f'{name}.sqlite').touch()
    else:
        subprocess.run(
            [str(python), '-c', CREATE, uri, name], check=True)
    passfile = folder / 'password'
    passfile.write_text(password + '\n')
    subprocess.run([
            str(python), '-O', '-m', 'trytond.cli.admin', '-c', str(config),
            '-d', name, '--all', '-u', *modules, '--activate-dependencies',
            '-l', 'fr', '--email', 'admin@example.com'],
        check=True, env={**os.environ, 'TRYTONPASSFILE': str(passfile)})
    passfile.unlink()


def fill(python, config, name, entrepreneurs, months):
    """Let the demonstration fill a database that create() made.

    Raises CalledProcessError when it fails, FileNotFoundError when the
    package of the demonstration has no command.
    """
    (environment.ROOT / 'demo' / '__main__.py').stat()
    # -O: without assertions bulk work takes about half the time.
    subprocess.run([
            str(python), '-O', '-m', 'demo', '--config', str(config),
            '--database', name, '--entrepreneurs', str(entrepreneurs),
            '--months', str(months)],
        cwd=environment.ROOT, check=True)
