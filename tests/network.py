# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"The people of a network, taken over from a file, and its yearly report"
import datetime as dt
from decimal import Decimal

import pytest

from tests import databases
from tests.cases import FOLDER, load

NAMES = [path.stem for path in sorted(FOLDER.glob('network_*.csv'))]
OUTCOMES = {'unclassified_creation': 'creation'}
GROUPS = {'age_at_entry': 'age'}


@pytest.fixture(scope='module')
def network_server():
    server = databases.activate()
    yield server
    databases.drop()


def _take_over(server, data):
    "Take the file over with the wizard, return what it shows before"
    TakeOver = server.pool.get('cae.take_over', type='wizard')
    session, state, _ = TakeOver.create()
    start = {'company': server.company, 'kind': 'people', 'file': data}
    result = TakeOver.execute(session, {state: start}, 'check')
    shown = result['view']['defaults']
    if not shown['problems']:
        TakeOver.execute(session, {'result': {}}, 'create_')
    TakeOver.delete(session)
    return shown


def _report(server, year):
    "Return {group: {key: (count, percentage)}} of the report of the year"
    Report = server.pool.get('cae.network.report')
    report, = Report.create([{
                'name': str(year),
                'companies': [('add', [server.company])],
                'start_date': dt.date(year, 1, 1),
                'end_date': dt.date(year, 12, 31),
                }])
    Report.compute([report])
    groups = {}
    for line in Report(report.id).lines:
        groups.setdefault(line.group, {})[line.key] = (
            line.count, line.percentage)
    return groups


@pytest.mark.sqlite
@pytest.mark.database
@pytest.mark.parametrize('name', NAMES)
def test_network(network_server, name):
    server = network_server
    expected = load(name)
    data = (FOLDER / f'{name}.csv').read_bytes()
    shown = server.run(_take_over, server, data)
    assert shown['problems'] == []
    try:
        groups = server.run(_report, server, expected['year'])
    finally:
        server.run(_remove, server)
    path = {key: count for key, (count, _) in groups['funnel'].items()}
    assert path['welcomed'] == expected['welcomed']
    assert path['left'] == expected['exits']
    assert path['accompanied'] == expected['accompanied']
    assert path['new_associates'] == expected['new_associates']
    assert path['associates'] == expected['associates_at_year_end']
    for key, count in expected['exit_outcomes'].items():
        assert groups['outcome'][OUTCOMES.get(key, key)][0] == count
    assert sum(c for c, _ in groups['outcome'].values()) == path['left']
    for group, shares in expected['percent'].items():
        found = groups[GROUPS.get(group, group)]
        for key, percentage in shares.items():
            found_percentage = found.get(key, (0, Decimal(0)))[1]
            assert abs(found_percentage - percentage) <= Decimal('0.01')


def _remove(server):
    "Leave no people to the next file"
    Entrepreneur = server.pool.get('cae.entrepreneur')
    Entrepreneur.delete(Entrepreneur.search([]))
