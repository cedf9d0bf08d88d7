# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The worked cases: inputs with the answers expected.

They are read from the folder in the environment variable CAE_CASES, by
default the one beside this file.
"""
import json
import os
from pathlib import Path

FOLDER = Path(os.environ.get('CAE_CASES') or Path(__file__).parent / 'cases')


def load(name):
    "Return the content of the file of the name"
    return json.loads((FOLDER / f'{name}.json').read_text(encoding='utf-8'))
