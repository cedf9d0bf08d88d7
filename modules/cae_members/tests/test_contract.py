# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The contracts of the path in depth, in a database of their own class."""
import datetime as dt
import unittest
import zipfile
from decimal import Decimal
from io import BytesIO
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

import trytond
from trytond.model.exceptions import (
    AccessButtonError, AccessError, RequiredValidationError,
    SQLConstraintError, ValidationError)
from trytond.modules.cae_members import delay
from trytond.modules.cae_members.exceptions import (
    ContractAccessError, ContractError, ContractValidationError)
from trytond.modules.cae_members.tests.server import with_transaction
from trytond.modules.cae_members.tests.test_module import (
    create_contract, create_entrepreneur, create_user, refused, set_user,
    setup_company)
from trytond.modules.company.tests import set_company
from trytond.pool import Pool
from trytond.tests.test_tryton import activate_module, drop_db
from trytond.transaction import Transaction

START = dt.date(2026, 1, 15)


def day(text):
    return dt.date.fromisoformat(text)


class CaeMembersContractTestCase(unittest.TestCase):
    "Test the contracts of CAE Members module"

    @classmethod
    def setUpClass(cls):
        drop_db()
        activate_module('cae_members')

    @classmethod
    def tearDownClass(cls):
        drop_db()

    def open_clauses(self, contract):
        return {t.clause.article for t in contract.clauses
            if t.mandatory and not t.text and not t.done}

    def draft(self, entrepreneur, code, start, **values):
        "Return a draft contract whose clauses nobody has filled in"
        pool = Pool()
        Type = pool.get('cae.contract.type')
        type_, = Type.search([('code', '=', code)])
        contract, = pool.get('cae.contract').create([{
                    'company': entrepreneur.company.id,
                    'entrepreneur': entrepreneur.id,
                    'type': type_.id, 'start_date': start, **values}])
        return contract

    @with_transaction()
    def test_types(self):
        "Test the limits that the types bring"
        Type = Pool().get('cae.contract.type')
        types = {t.code: t for t in Type.search([])}
        self.assertEqual(set(types), {
                'support', 'cape', 'cesa', 'part_time', 'staff',
                'trainee', 'candidate', 'employee'})
        for code, limits in {
                'support': (None, 0, None, None, None, 0),
                'cape': (12, 2, None, None, None, 0),
                'cesa': (None, 0, None, 8, 36, 0),
                'part_time': (None, 0, None, None, None, 0),
                'trainee': (None, 0, 24, None, None, 1),
                'candidate': (18, 0, 24, None, None, 1),
                'employee': (None, 0, 24, 0, None, 0),
                }.items():
            with self.subTest(type=code):
                t = types[code]
                self.assertEqual((
                        t.max_months, t.renewals,
                        limit.months if (
                            limit := t.support_limit(START)) else None,
                        t.trial_months, t.membership_months, t.test), limits)
        self.assertTrue(types['cesa'].deduct_former)
        self.assertTrue(types['part_time'].working_hours)
        self.assertFalse(types['support'].can_sell)

    @with_transaction()
    def test_delays(self):
        "Test that former contracts shorten the trial and the membership"
        Contract = Pool().get('cae.contract')
        company = setup_company()
        with set_company(company):
            ana = create_entrepreneur(company, "Ana")
            bob = create_entrepreneur(company, "Bob")
            eve = create_entrepreneur(company, "Eve")
            for start, end in [
                    ('2024-02-01', '2025-01-31'),
                    ('2025-02-01', '2025-07-31')]:
                create_contract(ana, 'cape', day(start), day(end))
            create_contract(eve, 'cape', day('2025-05-01'), day('2025-07-31'))
            # A contract that was cancelled or not signed counts for nothing
            cancelled = create_contract(bob, 'support', day('2024-02-01'))
            Contract.cancel([cancelled])
            create_contract(
                bob, 'cape', day('2024-03-01'), day('2024-03-31'), sign=False)
            contracts = [
                create_contract(e, 'cesa', day('2025-08-01'), sign=False)
                for e in [ana, bob, eve]]
            self.assertEqual(
                [(c.trial_limit, c.membership_deadline) for c in contracts], [
                    (None, day('2027-02-01')),
                    (day('2026-03-31'), day('2028-08-01')),
                    (day('2025-12-31'), day('2028-05-01')),
                    ])

    @with_transaction()
    def test_delays_of_staff(self):
        "Test that a contract as staff with the same person counts too"
        pool = Pool()
        Contract = pool.get('cae.contract')
        Type = pool.get('cae.contract.type')
        company = setup_company()
        with set_company(company):
            ana = create_entrepreneur(company, "Ana")
            staff, = Type.search([('code', '=', 'staff')])
            contract, = Contract.create([{
                        'party': ana.party.id, 'type': staff.id,
                        'start_date': day('2024-01-01'),
                        'end_date': day('2024-12-31')}])
            Contract.sign([contract])
            cesa = create_contract(
                ana, 'cesa', day('2025-01-01'), sign=False)
            self.assertEqual(cesa.membership_deadline, day('2027-01-01'))

    @with_transaction()
    def test_delays_bulk(self):
        "Test that the delays of many contracts need no more queries"
        Contract = Pool().get('cae.contract')
        company = setup_company()
        with set_company(company):
            contracts = []
            for i in range(6):
                ana = create_entrepreneur(company, f"Ana {i}")
                create_contract(
                    ana, 'cape', day('2025-01-01'), day('2025-03-31'))
                contracts.append(create_contract(
                        ana, 'cesa', day('2025-04-01'), sign=False))
            with patch.object(
                    Contract, 'search', wraps=Contract.search) as search:
                values = Contract.read(
                    [c.id for c in contracts],
                    ['trial_limit', 'membership_deadline'])
            self.assertEqual(search.call_count, 1)
            self.assertEqual(
                {v['trial_limit'] for v in values}, {day('2025-08-31')})

    @with_transaction()
    def test_trial(self):
        "Test that a trial is no longer than allowed (article L7332-1)"
        Contract = Pool().get('cae.contract')
        company = setup_company()
        with set_company(company):
            ana = create_entrepreneur(company, "Ana")
            start = day('2025-08-01')
            cesa = create_contract(
                ana, 'cesa', start, sign=False, trial_end=day('2026-03-31'))
            for date in ['2026-04-01', '2025-07-31']:
                with refused(
                        ContractValidationError, "03/31/2026.*L7332-1"):
                    Contract.write([cesa], {'trial_end': day(date)})
            Contract.sign([cesa])
            with refused(ContractAccessError):
                Contract.write([cesa], {'trial_end': None})
            bob = create_entrepreneur(company, "Bob")
            create_contract(
                bob, 'cape', day('2024-11-01'), day('2025-07-31'))
            with refused(ContractValidationError, "no trial.*L7332-1"):
                create_contract(
                    bob, 'cesa', start, sign=False, trial_end=start)
            create_contract(bob, 'cesa', start)

    @with_transaction()
    def test_trial_of_others(self):
        "Test the trial of the contracts that have none or any"
        company = setup_company()
        with set_company(company):
            ana = create_entrepreneur(company, "Ana")
            for code in ['support', 'cape', 'employee']:
                with refused(ContractValidationError, "no trial"):
                    create_contract(
                        ana, code, START, START, sign=False, trial_end=START)
            create_contract(ana, 'staff', START, trial_end=day('2026-09-14'))

    @with_transaction()
    def test_belgium(self):
        "Test that the earlier of the two Belgian limits wins"
        Contract = Pool().get('cae.contract')
        company = setup_company()
        # Nobody belongs to the target group
        with set_company(company), \
                Transaction().set_context(_skip_warnings=True):
            ana = create_entrepreneur(company, "Ana")
            accepted, plan = day('2026-03-10'), day('2026-08-20')
            for start, limit, article in [
                    ('2026-09-01', '2028-02-29', "AR du 15 juin 2009"),
                    ('2027-01-15', '2028-03-09', "acceptance.*décret"),
                    ]:
                with self.subTest(start=start):
                    limit = day(limit)
                    contract = create_contract(
                        ana, 'candidate', day(start), limit, sign=False,
                        acceptance_date=accepted, plan_date=plan)
                    self.assertEqual(contract.limit_date, limit)
                    with refused(ContractValidationError, article):
                        Contract.write([contract], {
                                'end_date': limit + delay.DAY})
                    with refused(ContractValidationError, article):
                        Contract.write([contract], {'end_date': None})
                        Contract.sign([contract])
                    Contract.sign([contract])
                    Contract.cancel([contract])

    @with_transaction()
    def test_support_limit(self):
        "Test that the support is limited as the law was at the acceptance"
        pool = Pool()
        Contract = pool.get('cae.contract')
        Limit = pool.get('cae.contract.support_limit')
        Type = pool.get('cae.contract.type')
        company = setup_company()
        type_, = Type.search([('code', '=', 'trainee')])
        Limit.create([{
                    'type': type_.id,
                    'start_date': day(date),
                    'months': months,
                    'source': source,
                    } for date, months, source in [
                    ('2026-02-01', 12, "decree of one year"),
                    ('2026-03-01', None, "decree without limit"),
                    ]])
        with set_company(company):
            ana = create_entrepreneur(
                company, "Ana", welcome_date=day('2008-01-01'))
            for accepted, limit, source in [
                    ('2008-07-14', None, None),
                    ('2008-07-15', '2010-07-14', "2008"),
                    ('2022-12-31', '2024-12-30', "2008"),
                    ('2023-01-01', '2024-12-31', "2022"),
                    ('2026-01-31', '2028-01-30', "2022"),
                    ('2026-02-01', '2027-01-31', "12 months .*one year"),
                    ('2026-03-01', None, None),
                    ]:
                with self.subTest(accepted=accepted):
                    accepted = day(accepted)
                    contract = create_contract(
                        ana, 'trainee', accepted, sign=False,
                        acceptance_date=accepted, plan_date=accepted)
                    self.assertEqual(
                        contract.limit_date, limit and day(limit))
                    self.assertIn('acceptance', contract.asked)
                    if limit:
                        with refused(ContractValidationError, source):
                            Contract.write([contract], {
                                    'end_date': day(limit) + delay.DAY})
                        Contract.write([contract], {'end_date': day(limit)})
                    Contract.sign([contract])
                    Contract.cancel([contract])
        with self.assertRaisesRegex(SQLConstraintError, "another date"):
            Limit.create([{
                        'type': type_.id, 'start_date': day('2026-02-01'),
                        'source': "x"}])

    @with_transaction()
    def test_belgian_test(self):
        "Test that a test needs the acceptance and the operational plan"
        company = setup_company()
        with set_company(company):
            ana = create_entrepreneur(company, "Ana")
            dates = {'acceptance_date': START, 'plan_date': START}
            for code in ['candidate', 'trainee']:
                for name in dates:
                    with self.subTest(code=code, name=name):
                        with refused(RequiredValidationError):
                            self.draft(
                                ana, code, START, **{**dates, name: None})
                        with refused(ContractValidationError, "starts befor"):
                            self.draft(ana, code, START, **{
                                    **dates, name: START + delay.DAY})
                self.draft(ana, code, START, **dates)
            # An employee may be tested or not
            self.draft(ana, 'employee', START)
            employee = self.draft(
                ana, 'employee', START, acceptance_date=START,
                end_date=day('2028-01-14'))
            self.assertEqual(employee.limit_date, day('2028-01-14'))

    @with_transaction()
    def test_working_hours(self):
        "Test that a part-time contract states its hours (article L3123-6)"
        company = setup_company()
        with set_company(company):
            ana = create_entrepreneur(company, "Ana")
            with refused(RequiredValidationError):
                self.draft(ana, 'part_time', START)
            with refused(ValidationError):
                self.draft(ana, 'part_time', START, working_hours=Decimal(0))
            self.draft(ana, 'part_time', START, working_hours=Decimal('17.5'))

    @with_transaction()
    def test_clauses(self):
        "Test that mandatory clauses are complete before the signature"
        pool = Pool()
        Contract = pool.get('cae.contract')
        Text = pool.get('cae.contract.clause.text')
        company = setup_company()
        with set_company(company):
            ana = create_entrepreneur(company, "Ana")
            cesa = self.draft(ana, 'cesa', START)
            self.assertEqual(
                [t.clause.article for t in cesa.clauses][:6],
                [f'C. trav., art. L7331-2, {i})' for i in 'abcdef'])
            self.assertEqual(self.open_clauses(cesa), {
                    'C. trav., art. L7331-2, a)',
                    'C. trav., art. L7331-2, d)'})
            with refused(
                    ContractError, r"(?s)L7331-2, a\).*L7331-2, d\)"):
                Contract.sign([cesa])
            first, = [t for t in cesa.clauses
                if t.clause.article.endswith('a)')]
            fixed, = [t for t in cesa.clauses
                if t.clause.article.endswith('d)')]
            Text.write([first], {'text': "Twenty days a year"})
            with refused(ContractError, r"(?<!a\)) - .*\n- C. trav.*d\)"):
                Contract.sign([cesa])
            for text in [None, '']:
                Text.write([fixed], {'text': text})
                with refused(ContractError, r"d\)"):
                    Contract.sign([cesa])
            with refused(ContractError, r"f\)"):
                Text.delete([t for t in cesa.clauses
                        if t.clause.article.endswith('f)')])
                Text.write([fixed], {'done': True})
                Contract.sign([cesa])
            Text.write([fixed], {'text': "Fixed part: 300 a month"})
            Contract.sign([cesa])
            for change in [
                    lambda: Text.write([fixed], {'text': "400"}),
                    lambda: Text.delete([fixed]),
                    lambda: Contract.write([cesa], {
                            'clauses': [('delete', [fixed.id])]}),
                    ]:
                with refused(ContractAccessError):
                    change()
            cape = self.draft(ana, 'cape', START)
            with self.assertRaises(SQLConstraintError):
                Text.create([{
                            'contract': cape.id,
                            'clause': cape.clauses[0].clause.id}])

    @with_transaction()
    def test_clauses_of_cape(self):
        "Test the clauses of a CAPE (article R127-1)"
        company = setup_company()
        with set_company(company):
            ana = create_entrepreneur(company, "Ana")
            cape = self.draft(ana, 'cape', START, end_date=START)
            self.assertEqual(
                {t.clause.article for t in cape.clauses},
                {f'C. com., art. R127-1, {i}°' for i in range(1, 9)})
            self.assertEqual([
                    t.clause.article[-2:] for t in cape.clauses
                    if t.clause.phase == 'after'], ['1°', '5°', '8°'])
            self.assertEqual(
                self.open_clauses(cape), {'C. com., art. R127-1, 4°'})

    @with_transaction()
    def test_clauses_of_type(self):
        "Test that the clauses follow the type of the contract"
        pool = Pool()
        Contract = pool.get('cae.contract')
        Text = pool.get('cae.contract.clause.text')
        Type = pool.get('cae.contract.type')
        company = setup_company()
        with set_company(company):
            ana = create_entrepreneur(company, "Ana")
            support = self.draft(ana, 'support', START)
            self.assertFalse(self.open_clauses(support))
            cesa, = Type.search([('code', '=', 'cesa')])
            staff, = Type.search([('code', '=', 'staff')])
            Contract.write([support], {'type': cesa.id})
            self.assertEqual({t.clause.type for t in support.clauses}, {cesa})
            with refused(ValidationError):
                cape = self.draft(ana, 'cape', START)
                Text.write([support.clauses[0]], {
                        'clause': cape.clauses[0].clause.id})
            Contract.write([support], {'type': staff.id})
            self.assertFalse(support.clauses)
            Contract.sign([support])
            # As the client does
            contract = Contract(
                entrepreneur=ana, type=cesa, start_date=START)
            contract.on_change_type()
            self.assertEqual(len(contract.clauses), len(cesa.clauses))
            contract.company = company
            contract.save()
            self.assertEqual(len(contract.clauses), len(cesa.clauses))

    @with_transaction()
    def test_nobody(self):
        "Test that a contract with nobody is refused"
        pool = Pool()
        Contract = pool.get('cae.contract')
        Type = pool.get('cae.contract.type')
        with set_company(setup_company()):
            type_, = Type.search([('code', '=', 'cesa')])
            with refused(RequiredValidationError):
                Contract.create([{'type': type_.id, 'start_date': START}])

    @with_transaction()
    def test_clauses_bulk(self):
        "Test that the clauses of many contracts are made at once"
        pool = Pool()
        Contract = pool.get('cae.contract')
        Text = pool.get('cae.contract.clause.text')
        Type = pool.get('cae.contract.type')
        company = setup_company()
        with set_company(company):
            type_, = Type.search([('code', '=', 'cesa')])
            values = [{
                    'entrepreneur': create_entrepreneur(
                        company, f"Ana {i}").id,
                    'type': type_.id, 'start_date': START,
                    } for i in range(5)]
            with patch.object(Text, 'create', wraps=Text.create) as create, \
                    patch.object(Text, 'write', wraps=Text.write) as write:
                contracts = Contract.create(values)
                Contract.confirm_clauses(contracts)
                Contract.sign(contracts)
            self.assertEqual((create.call_count, write.call_count), (1, 1))
            self.assertEqual(
                {len(c.clauses) for c in contracts}, {len(type_.clauses)})

    @with_transaction()
    def test_clauses_language(self):
        "Test that the clauses are in the language of the person"
        pool = Pool()
        Clause = pool.get('cae.contract.clause')
        Lang = pool.get('ir.lang')
        company = setup_company()
        with set_company(company):
            french, = Lang.search([('code', '=', 'fr')])
            french.translatable = True
            french.save()
            clause, = Clause.search([('article', 'like', '%L7331-2, e)')])
            with Transaction().set_context(language='fr'):
                Clause.write([Clause(clause.id)], {'text': "Les statuts"})
            ana = create_entrepreneur(company, "Ana")
            bob = create_entrepreneur(company, "Bob")
            bob.party.lang = french
            bob.party.save()
            eve = create_entrepreneur(company, "Eve")
            for entrepreneur, language, start in [
                    (ana, None, "The "), (bob, None, "Les "),
                    # Without, they are in that of the cooperative
                    (eve, french, "Les ")]:
                company.party.lang = language
                company.party.save()
                cesa = self.draft(entrepreneur, 'cesa', START)
                text, = [
                    t.text for t in cesa.clauses if t.clause == clause]
                self.assertTrue(text.startswith(start), text)

    @with_transaction()
    def test_renew(self):
        "Test that a CAPE is renewed at most twice (article L127-2)"
        pool = Pool()
        Contract = pool.get('cae.contract')
        Text = pool.get('cae.contract.clause.text')
        company = setup_company()
        with set_company(company):
            ana = create_entrepreneur(company, "Ana")
            cape = create_contract(ana, 'cape', START, day('2027-01-14'))
            self.assertEqual(cape.renewal_number, 0)
            for number, end in [(1, '2028-01-14'), (2, '2029-01-14')]:
                Contract.renew([cape])
                renewal, = Contract.search([('renewal_of', '=', cape.id)])
                self.assertEqual((
                        renewal.state, renewal.start_date, renewal.end_date,
                        renewal.renewal_number), (
                        'draft', cape.end_date + delay.DAY, day(end),
                        number))
                # The clauses come with it
                self.assertEqual(
                    [t.done for t in renewal.clauses],
                    [t.done for t in cape.clauses])
                Contract.sign([renewal])
                cape = renewal
            with refused(ContractError, "L127-2"):
                Contract.renew([cape])
            # Not by hand either, with or without the link
            for values in [{}, {'renewal_of': cape}]:
                with refused(ContractValidationError, "L127-2"):
                    create_contract(
                        ana, 'cape', day('2029-01-15'), day('2029-06-30'),
                        **values)
            with refused(ContractValidationError, "L127-2"):
                create_contract(
                    ana, 'cape', day('2029-02-15'), day('2029-06-30'),
                    renewal_of=cape)
            self.assertEqual(
                len(Text.search([('contract', '=', cape.id)])), 9)
            # Nor a contract without limit
            cesa = create_contract(ana, 'cesa', day('2029-01-15'))
            with refused(ContractError):
                Contract.renew([cesa])

    @with_transaction()
    def test_renew_early_end(self):
        "Test that a renewal follows an end before the term"
        Contract = Pool().get('cae.contract')
        company = setup_company()
        with set_company(company):
            ana = create_entrepreneur(company, "Ana")
            cape = create_contract(ana, 'cape', START, day('2027-01-14'))
            cape.end_date = day('2026-06-30')
            cape.end_reason = 'agreement'
            cape.save()
            Contract.end([cape])
            with refused(ContractAccessError):
                Contract.write([cape], {'end_reason': 'other'})
            Contract.renew([cape])
            renewal, = Contract.search([('renewal_of', '=', cape.id)])
            self.assertEqual(
                (renewal.start_date, renewal.end_date, renewal.end_reason),
                (day('2026-07-01'), day('2027-06-30'), None))

    @with_transaction()
    def test_renewal_property(self):
        "Test that no chain of contracts goes beyond the second renewal"
        company = setup_company()
        names = iter(range(1000))

        @settings(max_examples=15, deadline=None)
        @given(st.lists(
                st.tuples(st.integers(1, 365), st.integers(0, 2)),
                min_size=1, max_size=7))
        def check(chain):
            ana = create_entrepreneur(company, f"Ana {next(names)}")
            start, number = START, -1
            for length, gap in chain:
                number = number + 1 if not gap else 0
                start += gap * delay.DAY
                end = min(
                    start + length * delay.DAY, delay.last_day(start, 12))
                if number > 2:
                    with refused(ContractValidationError, "L127-2"):
                        create_contract(ana, 'cape', start, end)
                    break
                contract = create_contract(ana, 'cape', start, end)
                self.assertEqual(contract.renewal_number, number)
                start = end + delay.DAY

        with set_company(company):
            check()

    @with_transaction()
    def test_history_property(self):
        "Test that whatever is signed, the history of a person never overlaps"
        pool = Pool()
        Contract = pool.get('cae.contract')
        Entrepreneur = pool.get('cae.entrepreneur')
        company = setup_company()
        names = iter(range(1000))
        codes = ['support', 'cape', 'cesa', 'part_time']

        @settings(max_examples=20, deadline=None)
        @given(st.lists(
                st.tuples(
                    st.sampled_from(codes), st.integers(0, 300),
                    st.none() | st.integers(0, 200)),
                min_size=2, max_size=6))
        def check(wanted):
            ana = create_entrepreneur(company, f"Ana {next(names)}")
            history = []
            for code, gap, length in wanted:
                # An even number of days, so that no CAPE renews another
                start = START + 2 * gap * delay.DAY
                if length is None and code == 'cape':
                    length = 100
                end = None
                if length is not None:
                    end = start + 2 * length * delay.DAY
                clash = any(
                    start <= (o_end or dt.date.max)
                    and o_start <= (end or dt.date.max)
                    for o_start, o_end, _ in history)
                too_long = code == 'cape' and end > delay.last_day(start, 12)
                if clash or too_long:
                    with refused(ContractValidationError):
                        create_contract(ana, code, start, end)
                else:
                    contract = create_contract(ana, code, start, end)
                    history.append((start, end, contract))
            for start, end, contract in history:
                # On each first and last day one contract gives the stage
                for date in filter(None, [start, end]):
                    self.assertEqual(
                        Contract.at([ana], date), {ana.id: [contract]})
                    self.assertEqual(
                        Entrepreneur.stages_at([ana], date),
                        {ana.id: contract.type.stage})

        with set_company(company):
            check()

    @with_transaction()
    def test_state_by_button(self):
        "Test that who may write a contract can't sign it past its button"
        Contract = Pool().get('cae.contract')
        # Tryton 8.2 refuses it first
        past_button = "buttons|not allowed to modify the field"
        company = setup_company()
        advisor = create_user(
            'advisor', company, 'cae_members.group_advisor')
        with set_company(company):
            ana = create_entrepreneur(company, "Ana")
            cesa = create_contract(ana, 'cesa', START, sign=False)
            with set_user(advisor):
                with refused(AccessError, past_button):
                    Contract.write([cesa], {'state': 'signed'})
                with refused(AccessError, past_button):
                    Contract.create([{
                                'company': company.id,
                                'entrepreneur': ana.id,
                                'type': cesa.type.id,
                                'start_date': START,
                                'state': 'signed',
                                }])
                # What the client sends of an unchanged field is no harm, but
                # to Tryton 8.2
                if trytond.__version__ < '8.2':
                    Contract.write([cesa], {'state': 'draft'})
                Contract.sign([cesa])
                with refused(AccessError, past_button):
                    Contract.write([cesa], {'state': 'draft'})
            self.assertEqual(cesa.state, 'signed')

    @with_transaction()
    def test_supervisor(self):
        "Test that the advisor oversees the employee unless another one does"
        pool = Pool()
        Contract = pool.get('cae.contract')
        Employee = pool.get('company.employee')
        Party = pool.get('party.party')
        company = setup_company()
        user = create_user('advisor', company, 'cae_members.group_advisor')
        with set_company(company):
            nora, zoe = Employee.create([{
                        'party': party.id, 'company': company.id,
                        } for party in Party.create([
                            {'name': "Nora"}, {'name': "Zoe"}])])
            pool.get('res.user').write([user], {
                    'employees': [('add', [nora.id])],
                    'employee': nora.id,
                    })
            ana = create_entrepreneur(company, "Ana", advisor=nora)
            cape = create_contract(ana, 'cape', START, day('2026-03-31'))
            self.assertIsNone(cape.supervisor)
            cesa = create_contract(
                ana, 'cesa', day('2026-04-01'), sign=False)
            self.assertEqual(cesa.supervisor, nora)
            Contract.sign([cesa])
            self.assertEqual(cesa.employee.supervisor, nora)
            with set_user(user):
                Contract.write([cesa], {'supervisor': zoe.id})
            self.assertEqual(Employee(cesa.employee.id).supervisor, zoe)
            self.assertEqual(Contract(cesa.id).supervisor, zoe)

    @with_transaction()
    def test_cancelled_employee(self):
        "Test that a cancelled contract ends only the employee it opened"
        pool = Pool()
        Contract = pool.get('cae.contract')
        Employee = pool.get('company.employee')
        company = setup_company()
        with set_company(company):
            ana = create_entrepreneur(company, "Ana")
            bob = create_entrepreneur(company, "Bob")
            known, = Employee.create([{
                        'party': bob.party.id, 'company': company.id,
                        'start_date': day('2020-01-01'),
                        }])
            contracts = [create_contract(e, 'cesa', START) for e in [ana, bob]]
            self.assertEqual(contracts[1].employee, known)
            Contract.cancel(contracts)
            self.assertEqual(
                [c.employee.end_date for c in contracts], [START, None])

    @with_transaction()
    def test_amendment(self):
        "Test that signed amendments are numbered and never changed"
        pool = Pool()
        Amendment = pool.get('cae.contract.amendment')
        Contract = pool.get('cae.contract')
        company = setup_company()
        with set_company(company):
            ana = create_entrepreneur(company, "Ana")
            cesa = create_contract(ana, 'cesa', START, sign=False)

            def amendment(date, subject):
                amendment, = Amendment.create([{
                            'contract': cesa.id, 'date': date,
                            'subject': subject, 'text': "350 a month"}])
                return amendment
            first = amendment(day('2026-06-01'), "Fixed part")
            with refused(ContractError, "not in force"):
                Amendment.sign([first])
            Contract.sign([cesa])
            second = amendment(day('2026-09-01'), "Contribution")
            Amendment.sign([second, first])
            self.assertEqual((first.number, second.number), (1, 2))
            third = amendment(day('2026-03-01'), "Objectives")
            Amendment.sign([third])
            self.assertEqual(third.number, 3)
            with refused(ContractAccessError):
                Amendment.write([first], {'text': "400 a month"})
            with refused(ContractAccessError):
                Amendment.delete([first])
            draft = amendment(day('2026-01-14'), "Too early")
            with refused(ContractError, "not in force"):
                Amendment.sign([draft])
            Contract.write([cesa], {'end_date': day('2026-12-31')})
            Amendment.write([draft], {'date': day('2027-01-01')})
            with refused(ContractError, "not in force"):
                Amendment.sign([draft])
            Amendment.delete([draft])
            copy, = Contract.copy([cesa])
            self.assertFalse(copy.amendments)

    @with_transaction()
    def test_cancelled_deleted(self):
        "Test that a cancelled contract is deleted with its clauses"
        pool = Pool()
        Contract = pool.get('cae.contract')
        Text = pool.get('cae.contract.clause.text')
        company = setup_company()
        with set_company(company):
            ana = create_entrepreneur(company, "Ana")
            cesa = create_contract(ana, 'cesa', START)
            Contract.cancel([cesa])
            Contract.delete([cesa])
            self.assertFalse(Text.search([('contract', '=', cesa.id)]))

    @with_transaction()
    def test_documents(self):
        "Test that each document is made, for its contracts only"
        pool = Pool()
        Amendment = pool.get('cae.contract.amendment')
        company = setup_company()
        dates = {'acceptance_date': START, 'plan_date': START}
        with set_company(company):
            user = create_user(
                'ana', company, 'cae_members.group_entrepreneur')
            ana = create_entrepreneur(company, "Ana", user=user)
            bob = create_entrepreneur(company, "Bob")
            contracts = {
                'support': create_contract(
                    ana, 'support', day('2025-12-01'), day('2025-12-31')),
                'cape': create_contract(ana, 'cape', START, START),
                'cesa': create_contract(ana, 'cesa', day('2026-01-16')),
                'candidate': create_contract(
                    ana, 'candidate', START, START, sign=False, **dates),
                }
            theirs = create_contract(bob, 'cesa', START)
            amendment, = Amendment.create([{
                        'contract': contracts['cesa'].id, 'date': START,
                        'subject': "Fixed part", 'text': "350 a month"}])

        def content(name, id_):
            Report = pool.get(name, type='report')
            format_, data, _, _ = Report.execute([id_], {})
            self.assertEqual(format_, 'odt')
            with zipfile.ZipFile(BytesIO(data)) as archive:
                return archive.read('content.xml').decode()
        with set_user(user):
            for code, contract in contracts.items():
                for other in contracts:
                    name = f'cae.contract.{other}'
                    with self.subTest(document=other, contract=code):
                        if other == code:
                            text = content(name, contract.id)
                            self.assertIn("Ana", text)
                            for clause in contract.clauses:
                                self.assertEqual(
                                    clause.clause.name in text,
                                    clause.mandatory)
                        else:
                            with refused(ContractError, "Choose"):
                                content(name, contract.id)
            self.assertIn("without trial", content(
                    'cae.contract.cesa', contracts['cesa'].id))
            self.assertIn("R127-3", content(
                    'cae.contract.cape', contracts['cape'].id))
            self.assertIn("350 a month", content(
                    'cae.contract.amendment', amendment.id))
            for name in ['certificate', 'rights']:
                text = content(f'cae.entrepreneur.{name}', ana.id)
                for code in ['support', 'cape', 'cesa']:
                    self.assertIn(contracts[code].number, text)
                with refused(AccessError):
                    content(f'cae.entrepreneur.{name}', bob.id)
            with refused(AccessError):
                content('cae.contract.cesa', theirs.id)

    @with_transaction()
    def test_rights(self):
        "Test who reads and who changes clauses and amendments"
        pool = Pool()
        Amendment = pool.get('cae.contract.amendment')
        Clause = pool.get('cae.contract.clause')
        Contract = pool.get('cae.contract')
        Text = pool.get('cae.contract.clause.text')
        company = setup_company()
        records = {}
        with set_company(company):
            advisor = create_user(
                'advisor', company, 'cae_members.group_advisor')
            for name in ["Ana", "Bob"]:
                user = create_user(
                    name.lower(), company, 'cae_members.group_entrepreneur')
                entrepreneur = create_entrepreneur(company, name, user=user)
                contract = create_contract(entrepreneur, 'cesa', START)
                amendment, = Amendment.create([{
                            'contract': contract.id, 'date': START,
                            'subject': name, 'text': name}])
                records[name] = [amendment, contract.clauses[0]]
            draft = create_contract(
                entrepreneur, 'cape', START, START, sign=False)
        with set_user(user):
            for own, theirs in zip(records["Bob"], records["Ana"]):
                Model = pool.get(own.__name__)
                with self.subTest(model=Model.__name__):
                    found = [r.id for r in Model.search([])]
                    self.assertIn(own.id, found)
                    self.assertNotIn(theirs.id, found)
                    self.assertTrue(Model.read(
                            [own.id], ['rec_name', 'contract', 'text']))
                    for action in [
                            lambda: Model.read([theirs.id], ['text']),
                            lambda: Model.export_data(
                                Model.browse([theirs.id]), ['text']),
                            lambda: Model.write(
                                Model.browse([own.id]), {'text': "Mine"}),
                            lambda: Model.delete(Model.browse([own.id])),
                            lambda: Model.create([{
                                        'contract': draft.id,
                                        'text': "Mine"}]),
                            ]:
                        with refused(AccessError):
                            action()
            self.assertTrue(Clause.search([]))
            with refused(AccessError):
                Clause.write(Clause.search([])[:1], {'mandatory': False})
            for button, ids in [
                    (Contract.renew, [draft.id]),
                    (Contract.amend, [draft.id]),
                    (Contract.confirm_clauses, [draft.id]),
                    (Amendment.sign, [records["Bob"][0].id]),
                    ]:
                Model = button.__self__
                with refused(AccessButtonError):
                    button(Model.browse(ids))
        with set_user(advisor):
            Amendment.sign(Amendment.browse([records["Bob"][0].id]))
            Text.write(
                Text.browse([draft.clauses[0].id]), {'text': "Agreed"})
            Text.delete(Text.browse([draft.clauses[0].id]))
            with refused(AccessError):
                Clause.write(Clause.search([])[:1], {'mandatory': False})
            Contract.write(
                Contract.browse([draft.id]), {'end_date': START})
