# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The worked cases: inputs with the answers expected.

They are read from the folder in the environment variable CAE_CASES, by
default the one beside this file.
"""
import json
import os
from decimal import Decimal
from pathlib import Path

FOLDER = Path(os.environ.get('CAE_CASES') or Path(__file__).parent / 'cases')


def load(name):
    """Return the content of the file of the name, no number a float.

    A file that the folder lacks is empty: its test is skipped.
    """
    path = FOLDER / f'{name}.json'
    if not path.exists():
        return {}
    return json.loads(path.read_text(encoding='utf-8'), parse_float=Decimal)
