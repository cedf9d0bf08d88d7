# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"Proxies and decisions of assemblies"
import pytest

from tests.cases import load
from trytond.modules.cae_governance import majority


def _cases():
    data = load('assemblies')
    for section in ['proxies', 'decisions']:
        for number, case in enumerate(data.get(section, []), 1):
            yield pytest.param(section, case, id=f'{section}-{number}')


@pytest.mark.parametrize('section, case', list(_cases()))
def test_assemblies(section, case):
    if section == 'proxies':
        assert majority.proxy_limit(case['members']) == case['limit']
        return
    decision = majority.decide(
        majority.rule(case['kind'], case['call']),
        case['members'], case['present'],
        case['for'], case['against'], case['blank'])
    assert decision.adopted is case['adopted']
    assert decision.quorum == case['quorum']
    # null: no number is given, as it depends on the votes cast
    if case['votes_needed'] is not None:
        assert decision.votes_needed == case['votes_needed']
