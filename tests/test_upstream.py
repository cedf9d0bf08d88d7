# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"Tryton's own tests pass while our modules are active"
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.stage2, pytest.mark.sqlite, pytest.mark.database]
ROOT = Path(__file__).resolve().parent.parent
# {module: {name of a test that must differ: why}}
KNOWN = {
    'account_invoice': {},
    'analytic_account': {
        'scenario_analytic_account.rst':
        "account_invoice asks for the sequences of the fiscal year",
        'test_move_line_state': "completes lines of a posted move",
        'test_move_line_state_roots_several_companies':
        "completes lines of a posted move",
        },
    'analytic_invoice': {},
    }
# A scenario is reported by its path.
OUTCOME = re.compile(r'^(?:FAIL|ERROR): (?:.*/)?(\S+)', re.M)


@pytest.mark.parametrize('module', KNOWN)
def test_upstream(module):
    result = subprocess.run(
        [sys.executable, '-m', 'tests.upstream', module], cwd=ROOT,
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert re.search(r'^Ran [1-9]', result.stdout, re.M), result.stdout
    failed = set(OUTCOME.findall(result.stdout))
    assert failed == set(KNOWN[module]), result.stdout[-20_000:]
    assert bool(result.returncode) == bool(failed), result.stdout[-20_000:]
