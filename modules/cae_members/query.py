# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond import backend
from trytond.tools import sqlite_apply_types
from trytond.transaction import Transaction

__all__ = ['fetch']


def fetch(query, types):
    """Return the rows of the query.

    ``types`` has for each column 'NUMERIC' or 'DATE', which SQLite forgets in
    an expression, or None.
    """
    if backend.name == 'sqlite':
        sqlite_apply_types(query, types)
    cursor = Transaction().connection.cursor()
    cursor.execute(*query)
    return cursor.fetchall()
