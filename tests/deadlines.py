# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"The delays of the contracts, asked of a database of cae_members alone"
import datetime as dt

import pytest

from tests.cases import load
from trytond.modules.cae_members.delay import DAY, last_day


def _date(text):
    return dt.date.fromisoformat(text) if text else None


def _create_cooperative():
    from trytond.modules.company.tests import create_company
    from trytond.pool import Pool
    company = create_company()
    Pool().get('cae.configuration').setup_company(company)


class Path:
    "The contracts of a person, made as an advisor does"

    def __init__(self):
        from trytond.pool import Pool
        self.pool = Pool()
        company, = self.get('company.company').search([])
        self.company = company.id
        party, = self.get('party.party').create([{'name': "Ana"}])
        entrepreneur, = self.get('cae.entrepreneur').create([{
                    'company': self.company, 'party': party.id,
                    'welcome_date': dt.date(1990, 1, 1)}])
        self.entrepreneur = entrepreneur.id

    def get(self, name):
        return self.pool.get(name)

    def draft(self, code, start, end=None, **values):
        Contract = self.get('cae.contract')
        type_, = self.get('cae.contract.type').search([('code', '=', code)])
        contract, = Contract.create([{
                    'company': self.company,
                    'entrepreneur': self.entrepreneur,
                    'type': type_.id, 'start_date': start, 'end_date': end,
                    **values}])
        return contract

    def sign(self, contract):
        from trytond.transaction import Transaction
        Contract = self.get('cae.contract')
        Contract.confirm_clauses([contract])
        # Alone and no member of the target group
        with Transaction().set_context(_skip_warnings=True):
            Contract.sign([contract])
        return Contract(contract.id)

    def renewal(self, contract):
        Contract = self.get('cae.contract')
        Contract.renew([contract])
        renewal, = Contract.search([('renewal_of', '=', contract.id)])
        return self.sign(renewal)

    def refuses(self, contract, **values):
        "Return whether the contract with the values is refused"
        from trytond.modules.cae_members.exceptions import (
            ContractValidationError)
        from trytond.modules.cae_members.tests.server import undone
        Contract = self.get('cae.contract')
        with undone():
            try:
                Contract.write([Contract(contract.id)], values)
                self.sign(Contract(contract.id))
            except ContractValidationError:
                return True
        return False


@pytest.fixture(scope='module')
def members():
    "A database of cae_members with a cooperative"
    from trytond.modules.cae_members.tests.server import commit
    from trytond.tests.test_tryton import activate_module, drop_db
    drop_db()
    activate_module('cae_members')
    commit(_create_cooperative)
    yield
    drop_db()


@pytest.fixture
def path(members):
    from trytond.cache import Cache
    from trytond.tests.test_tryton import DB_NAME
    from trytond.transaction import Transaction
    with Transaction().start(DB_NAME, 1, context={}) as transaction:
        yield Path()
        transaction.rollback()
        Cache.drop(DB_NAME)


def check_cape(path, case):
    from trytond.modules.cae_members.exceptions import ContractError
    start = _date(case['start'])
    longest = _date(case['longest_end'])
    draft = path.draft('cape', start)
    assert draft.limit_date == longest
    assert path.refuses(draft, end_date=longest + DAY)
    assert not path.refuses(draft, end_date=longest)
    path.get('cae.contract').write([draft], {'end_date': longest})
    contract = path.sign(draft)
    for end in case['with_renewals']:
        contract = path.renewal(contract)
        assert contract.end_date == contract.limit_date == _date(end)
    if case.get('third_renewal') == 'refused':
        with pytest.raises(ContractError):
            path.renewal(contract)
        # Nor when it is entered without the button
        after = contract.end_date + DAY
        assert path.refuses(path.draft('cape', after, after))


def check_cesa(path, case):
    start = _date(case['cesa_start'])
    if case.get('cape'):
        first, last = map(_date, case['cape'])
        while first <= last:
            end = min(last_day(first, 12), last)
            path.sign(path.draft('cape', first, end))
            first = end + DAY
    draft = path.draft('cesa', start)
    assert draft.membership_deadline == _date(case['membership_deadline'])
    until = _date(case['trial_until'])
    assert draft.trial_limit == until
    if until:
        assert not path.refuses(draft, trial_end=until)
        assert path.refuses(draft, trial_end=until + DAY)
    else:
        assert path.refuses(draft, trial_end=start)
    path.sign(draft)


def check_belgium(path, case):
    start, accepted = _date(case['test_start']), _date(case['accepted'])
    limit = _date(case['limit'])
    draft = path.draft(
        'candidate', start, acceptance_date=accepted, plan_date=start)
    type_ = draft.type
    assert type_.longest_end(start) == _date(case['federal_limit'])
    assert (last_day(accepted, type_.support_limit(accepted).months)
        == _date(case['walloon_limit']))
    assert draft.limit_date == limit
    assert path.refuses(draft, end_date=limit + DAY)
    assert path.refuses(draft, end_date=None)
    assert not path.refuses(draft, end_date=limit)


@pytest.mark.database
@pytest.mark.parametrize('case', load('deadlines').get('cases', []))
def test_deadlines(path, case):
    {
        'cape': check_cape,
        'cesa': check_cesa,
        'belgium': check_belgium,
        }[case['kind']](path, case)
