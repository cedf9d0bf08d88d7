# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import datetime as dt
import re
from contextlib import contextmanager
from decimal import Decimal
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from trytond.model.exceptions import (
    AccessButtonError, AccessError, SQLConstraintError, ValidationError)
from trytond.modules.cae_members.exceptions import (
    ActivityAccessError, ContractAccessError, ContractError,
    ContractValidationError, EntrepreneurValidationError,
    HolderValidationError, SetupError)
from trytond.modules.cae_members.tests.server import undone, with_transaction
from trytond.modules.company.tests import (
    CompanyTestMixin, PartyCompanyCheckEraseMixin, create_company, set_company)
from trytond.modules.party.exceptions import EraseError
from trytond.modules.party.tests import PartyCheckReplaceMixin
from trytond.pool import Pool
from trytond.tests.test_tryton import ModuleTestCase
from trytond.transaction import Transaction, check_access

from .deadline import DeadlineMixin
from .network import NetworkMixin
from .private import PrivateMixin
from .settlement import SettlementMixin


def setup_company():
    "Create a company that is set up as a cooperative"
    Configuration = Pool().get('cae.configuration')
    company = create_company(name="Coopérative Les Ateliers")
    with set_company(company):
        Configuration.setup_company(company)
    return company


def create_entrepreneur(company, name="Ana", **values):
    pool = Pool()
    Entrepreneur = pool.get('cae.entrepreneur')
    Party = pool.get('party.party')
    party, = Party.create([{'name': name, 'addresses': [('create', [{}])]}])
    values.setdefault('welcome_date', dt.date(2024, 1, 1))
    entrepreneur = Entrepreneur(party=party, company=company, **values)
    entrepreneur.save()
    return entrepreneur


def create_contract(
        entrepreneur, code, start_date, end_date=None, sign=True, **values):
    pool = Pool()
    Contract = pool.get('cae.contract')
    Type = pool.get('cae.contract.type')
    type_, = Type.search([('code', '=', code)])
    if code == 'part_time':
        values.setdefault('working_hours', Decimal(20))
    contract = Contract(
        company=entrepreneur.company, entrepreneur=entrepreneur, type=type_,
        start_date=start_date, end_date=end_date, **values)
    contract.save()
    Contract.confirm_clauses([contract])
    if sign:
        with Transaction().set_context(_skip_warnings=True):
            Contract.sign([contract])
    return contract


def create_activity(name, *holders, **values):
    "Create a business held by (entrepreneur, share, from_date, to_date)"
    pool = Pool()
    Activity = pool.get('cae.activity')
    activity, = Activity.create([{
                'name': name,
                'holders': [('create', [{
                                'entrepreneur': entrepreneur.id,
                                'share': Decimal(share),
                                'from_date': from_date,
                                'to_date': to_date,
                                } for entrepreneur, share, from_date, to_date
                            in holders])],
                **values,
                }])
    return activity


def create_user(login, company, *groups):
    "Create a user with the groups given by their full id"
    pool = Pool()
    ModelData = pool.get('ir.model.data')
    User = pool.get('res.user')
    user, = User.create([{
                'name': login,
                'login': login,
                'companies': [('add', [company.id])],
                'company': company.id,
                'groups': [('add', [
                                ModelData.get_id(*g.split('.'))
                                for g in groups])],
                }])
    return user


@contextmanager
def refused(exception, regex=''):
    "Check that the body is refused, and undo it"
    transaction = Transaction()
    cursor = transaction.connection.cursor()
    cursor.execute('SAVEPOINT refused')
    try:
        yield
    except exception as e:
        if not re.search(regex, str(e)):
            raise
    else:
        raise AssertionError(f"{exception} not raised")
    finally:
        cursor.execute('ROLLBACK TO SAVEPOINT refused')
        for cache in transaction.cache.values():
            cache.clear()


@contextmanager
def set_user(user):
    "Do as the user does through the clients"
    User = Pool().get('res.user')
    with Transaction().set_user(user.id), \
            Transaction().set_context(
                User.get_preferences(context_only=True)), \
            check_access():
        yield


class CaeMembersTestCase(
        DeadlineMixin, NetworkMixin, PrivateMixin, SettlementMixin,
        PartyCompanyCheckEraseMixin, PartyCheckReplaceMixin, CompanyTestMixin,
        ModuleTestCase):
    "Test CAE Members module"
    module = 'cae_members'
    extras = ['notification_email']

    @with_transaction()
    def test_path(self):
        "Test the stages of a path"
        pool = Pool()
        Activity = pool.get('cae.activity')
        Contract = pool.get('cae.contract')
        Entrepreneur = pool.get('cae.entrepreneur')
        company = setup_company()
        with set_company(company):
            ana = create_entrepreneur(company)
            activity, = Activity.create([{
                        'name': "Pottery",
                        'holders': [('create', [{
                                        'entrepreneur': ana.id,
                                        'from_date': dt.date(2024, 1, 1),
                                        }])],
                        }])
            self.assertEqual(activity.rec_name, "A0001 - Pottery")
            self.assertEqual(
                activity.analytic_account.rec_name, "A0001 - Pottery")
            support = create_contract(ana, 'support', dt.date(2024, 1, 10))
            support.end_date = dt.date(2024, 1, 31)
            support.save()
            create_contract(
                ana, 'cape', dt.date(2024, 2, 1), dt.date(2025, 1, 31))
            create_contract(
                ana, 'cape', dt.date(2025, 2, 1), dt.date(2025, 7, 31))
            cesa = create_contract(ana, 'cesa', dt.date(2025, 8, 1))
            self.assertEqual(cesa.employee.party, ana.party)
            for date, stage, may_sell in [
                    (dt.date(2023, 12, 31), None, False),
                    (dt.date(2024, 1, 9), 'welcomed', False),
                    (dt.date(2024, 1, 10), 'candidate', False),
                    (dt.date(2024, 2, 1), 'cape', True),
                    (dt.date(2025, 7, 31), 'cape', True),
                    (dt.date(2025, 8, 1), 'employed', True),
                    ]:
                with self.subTest(date=date):
                    self.assertEqual(
                        Entrepreneur.stages_at([ana], date), {ana.id: stage})
                    self.assertEqual(
                        activity.id in Activity.may_sell([activity], date),
                        may_sell)
            cesa.end_date = dt.date(2026, 12, 31)
            cesa.save()
            Contract.end([cesa])
            self.assertEqual(cesa.employee.end_date, dt.date(2026, 12, 31))
            self.assertEqual(
                Activity.holders_at([activity], dt.date(2026, 1, 1)),
                {activity.id: [(ana, Decimal(1))]})

    @with_transaction()
    def test_undone(self):
        "What is undone is undone as it was nested"
        Party = Pool().get('party.party')
        first, second = Party.create([{'name': "First"}, {'name': "Second"}])

        def names():
            return [p.name for p in Party.browse([first, second])]
        with undone():
            Party.write([first], {'name': "Third"})
            with self.assertRaises(ValueError), undone():
                Party.write([second], {'name': "Fourth"})
                raise ValueError
            self.assertEqual(names(), ["Third", "Second"])
            Party.write([second], {'name': "Fifth"})
            self.assertEqual(names(), ["Third", "Fifth"])
        self.assertEqual(names(), ["First", "Second"])

    @with_transaction()
    def test_setup(self):
        "Test the set-up of a company, and that it can be done again"
        pool = Pool()
        Account = pool.get('analytic_account.account')
        Activity = pool.get('cae.activity')
        Configuration = pool.get('cae.configuration')
        Sequence = pool.get('ir.sequence')
        company = setup_company()
        with set_company(company):
            counts = [
                M.search([('company', '=', company.id)], count=True)
                for M in [Account, Activity, Sequence]]
            self.assertEqual(counts, [6, 4, 3])
            root = Configuration(1).get_multivalue(
                'analytic_root', company=company.id)
            self.assertEqual(root.type, 'root')
            for kind, code in [
                    ('shared', 'S'), ('fund', 'F'),
                    ('allocated', 'R'), ('unassigned', 'X')]:
                activity = Activity.special(company, kind)
                self.assertEqual(activity.code, code)
                self.assertEqual(activity.analytic_account.parent, root)
            Configuration.setup_company(company)
            self.assertEqual(counts, [
                    M.search([('company', '=', company.id)], count=True)
                    for M in [Account, Activity, Sequence]])

    @with_transaction()
    def test_not_set_up(self):
        "Test that a company without set-up says so"
        pool = Pool()
        Activity = pool.get('cae.activity')
        company = create_company()
        with set_company(company):
            with refused(SetupError, "Set Up Cooperative"):
                create_entrepreneur(company)
            with refused(SetupError, "Set Up Cooperative"):
                Activity.create([{'name': "Pottery", 'code': "A1"}])
            with refused(SetupError, "Set Up Cooperative"):
                Activity.special(company, 'shared')

    @with_transaction()
    def test_activity_kind_unique(self):
        "Test that a company has one activity of each special kind"
        pool = Pool()
        Activity = pool.get('cae.activity')
        company = setup_company()
        with set_company(company):
            Activity.create([{'name': "Pottery"}, {'name': "Bakery"}])
            with self.assertRaises(SQLConstraintError):
                Activity.create([{'name': "Other", 'kind': 'shared'}])

    @with_transaction()
    def test_activity_analytic_account(self):
        "Test that the analytic account follows the activity"
        pool = Pool()
        Account = pool.get('analytic_account.account')
        Activity = pool.get('cae.activity')
        company = setup_company()
        with set_company(company):
            with patch.object(
                    Account, 'create', wraps=Account.create) as create:
                pottery, bakery = Activity.create([
                        {'name': "Pottery"},
                        {'name': "Bakery", 'code': "B1"}])
                self.assertEqual(create.call_count, 1)
            self.assertEqual(pottery.rec_name, "A0001 - Pottery")
            account = pottery.analytic_account
            self.assertEqual(account.parent.type, 'view')
            self.assertEqual(account.rec_name, pottery.rec_name)
            Activity.write([pottery, bakery], {'name': "Crafts"})
            self.assertEqual(account.rec_name, "A0001 - Crafts")
            self.assertEqual(bakery.analytic_account.rec_name, "B1 - Crafts")

            copy, = Activity.copy([pottery])
            self.assertEqual(copy.code, "A0002")
            self.assertNotEqual(copy.analytic_account, account)

            Activity.delete([pottery])
            self.assertFalse(Account.search([('id', '=', account.id)]))

            with refused(ActivityAccessError):
                Activity.write([bakery], {'kind': 'fund'})
            with refused(ActivityAccessError):
                Activity.write(
                    [bakery], {'analytic_account': copy.analytic_account.id})
            Activity.write([bakery], {'kind': 'business'})

    @with_transaction()
    def test_holder_shares(self):
        "Test that shares total 1 at any covered date"
        pool = Pool()
        Activity = pool.get('cae.activity')
        Holder = pool.get('cae.activity.holder')
        company = setup_company()
        with set_company(company):
            ana = create_entrepreneur(company, "Ana")
            bob = create_entrepreneur(company, "Bob")
            start = dt.date(2026, 1, 1)
            with refused(HolderValidationError, "total 60"):
                create_activity("Pottery", (ana, '0.6', start, None))
            activity = create_activity("Pottery", (ana, '1', start, None))
            holder, = activity.holders
            # The form stores the change of partners in one save
            Activity.write([activity], {
                    'holders': [
                        ('create', [{
                                    'entrepreneur': e.id,
                                    'share': Decimal(share),
                                    'from_date': dt.date(2026, 7, 1),
                                    } for e, share in [
                                    (ana, '0.6'), (bob, '0.4')]]),
                        ('write', [holder.id], {
                                'to_date': dt.date(2026, 6, 30)}),
                        ],
                    })
            self.assertEqual(
                Activity.holders_at([activity], dt.date(2026, 6, 30)),
                {activity.id: [(ana, Decimal(1))]})
            self.assertEqual(
                Activity.holders_at([activity], dt.date(2026, 7, 1)),
                {activity.id: [(ana, Decimal('0.6')), (bob, Decimal('0.4'))]})
            self.assertEqual(
                Activity.holders_at([activity], dt.date(2025, 12, 31)),
                {activity.id: []})
            with refused(HolderValidationError):
                Holder.write([holder], {'to_date': dt.date(2026, 7, 31)})
            with refused(HolderValidationError):
                Holder.write([holder], {'to_date': dt.date(2025, 7, 31)})
            last, = Holder.search([('entrepreneur', '=', bob.id)])
            with refused(HolderValidationError):
                Holder.delete([last])

    @with_transaction()
    def test_holder_other_company(self):
        "Test that the holder is of the company of the activity"
        company = setup_company()
        with set_company(company):
            ana = create_entrepreneur(company, "Ana")
        company2 = create_company(
            name="Other", currency=company.currency)
        Configuration = Pool().get('cae.configuration')
        with set_company(company2):
            Configuration.setup_company(company2)
            with refused(ValidationError):
                create_activity(
                    "Pottery", (ana, '1', dt.date(2026, 1, 1), None))

    @with_transaction()
    def test_contract_dates(self):
        "Test the dates of contracts"
        pool = Pool()
        Contract = pool.get('cae.contract')
        company = setup_company()
        with set_company(company):
            ana = create_entrepreneur(company, "Ana")
            with refused(ContractValidationError):
                create_contract(
                    ana, 'cesa', dt.date(2026, 2, 1), dt.date(2026, 1, 31))
            with refused(
                    ContractValidationError, "12 months"):
                create_contract(
                    ana, 'cape', dt.date(2026, 1, 15), dt.date(2027, 1, 15))
            with refused(
                    ContractValidationError, "12 months"):
                create_contract(ana, 'cape', dt.date(2026, 1, 15))
            cesa = create_contract(ana, 'cesa', dt.date(2028, 1, 1))
            with refused(ContractError, "last day"):
                Contract.end([cesa])

    @with_transaction()
    def test_contract_renewals(self):
        "Test that a CAPE is renewed at most twice (article L127-2)"
        company = setup_company()
        with set_company(company):
            ana = create_entrepreneur(company, "Ana")
            for year in [2026, 2027, 2028]:
                create_contract(
                    ana, 'cape',
                    dt.date(year, 1, 15), dt.date(year + 1, 1, 14))
            with refused(
                    ContractValidationError, "2 renewals"):
                create_contract(
                    ana, 'cape', dt.date(2029, 1, 15), dt.date(2029, 6, 30))

    @with_transaction()
    def test_contract_overlap(self):
        "Test that contracts which exclude each other do not overlap"
        pool = Pool()
        Contract = pool.get('cae.contract')
        company = setup_company()
        with set_company(company):
            ana = create_entrepreneur(company, "Ana")
            support = create_contract(ana, 'support', dt.date(2026, 1, 1))
            cape = create_contract(
                ana, 'cape', dt.date(2026, 3, 1), dt.date(2026, 12, 31),
                sign=False)
            with refused(ContractValidationError, "overlaps"):
                Contract.sign([cape])
            support.end_date = dt.date(2026, 2, 28)
            support.save()
            Contract.sign([cape])
            with refused(ContractValidationError, "overlaps"):
                Contract.write([support], {'end_date': dt.date(2026, 3, 1)})
            # The staff contract is an employment, the CAPE is not
            create_contract(ana, 'staff', dt.date(2026, 6, 1))
            with refused(ContractValidationError, "overlaps"):
                create_contract(ana, 'cesa', dt.date(2027, 1, 1))

    @with_transaction()
    def test_contract_locked(self):
        "Test that signed contracts can not be changed nor deleted"
        pool = Pool()
        Contract = pool.get('cae.contract')
        company = setup_company()
        with set_company(company):
            ana = create_entrepreneur(company, "Ana")
            cesa = create_contract(ana, 'cesa', dt.date(2026, 1, 1))
            self.assertEqual(cesa.number, "C0001")
            with refused(ContractAccessError):
                Contract.write([cesa], {'start_date': dt.date(2026, 2, 1)})
            with refused(ContractAccessError):
                Contract.delete([cesa])
            copy, = Contract.copy([cesa])
            self.assertEqual(
                (copy.state, copy.number, copy.employee),
                ('draft', None, None))
            Contract.delete([copy])
            Contract.cancel([cesa])
            self.assertEqual(cesa.employee.end_date, dt.date(2026, 1, 1))
            self.assertEqual(
                Contract.at([ana], dt.date(2026, 1, 1)), {ana.id: []})
            with refused(ContractAccessError):
                Contract.write([cesa], {'end_date': dt.date(2026, 2, 1)})

    @with_transaction()
    def test_contract_employee(self):
        "Test the employee is opened, reused and ended"
        pool = Pool()
        Contract = pool.get('cae.contract')
        Employee = pool.get('company.employee')
        company = setup_company()
        with set_company(company):
            ana = create_entrepreneur(company, "Ana")
            cesa = create_contract(
                ana, 'cesa', dt.date(2026, 1, 1), dt.date(2026, 6, 30))
            employee = cesa.employee
            self.assertEqual(
                (employee.party, employee.start_date, employee.end_date),
                (ana.party, dt.date(2026, 1, 1), dt.date(2026, 6, 30)))
            part_time = create_contract(
                ana, 'part_time', dt.date(2026, 7, 1))
            self.assertEqual(part_time.employee, employee)
            Contract.end([cesa])
            self.assertEqual(Employee(employee.id).end_date, None)
            part_time.end_date = dt.date(2026, 9, 30)
            part_time.save()
            self.assertEqual(
                Employee(employee.id).end_date, dt.date(2026, 9, 30))
            Contract.end([part_time])
            self.assertEqual(
                Employee(employee.id).end_date, dt.date(2026, 9, 30))
            again = create_contract(ana, 'cesa', dt.date(2027, 1, 1))
            self.assertNotEqual(again.employee, employee)

    @with_transaction()
    def test_contract_staff(self):
        "Test the contract of staff who are not entrepreneurs"
        pool = Pool()
        Contract = pool.get('cae.contract')
        Party = pool.get('party.party')
        Type = pool.get('cae.contract.type')
        company = setup_company()
        with set_company(company):
            party, = Party.create([{'name': "Nora"}])
            staff, = Type.search([('code', '=', 'staff')])
            contract, = Contract.create([{
                        'party': party.id,
                        'type': staff.id,
                        'start_date': dt.date(2026, 1, 1),
                        }])
            Contract.sign([contract])
            self.assertEqual(contract.person, party)
            self.assertEqual(contract.employee.party, party)
            self.assertEqual(
                contract.rec_name, "C0001 - Staff Contract - Nora")
            cesa, = Type.search([('code', '=', 'cesa')])
            with refused(ValidationError):
                Contract.create([{
                            'party': party.id,
                            'type': cesa.id,
                            'start_date': dt.date(2026, 1, 1),
                            }])

    @with_transaction()
    def test_exit(self):
        "Test the exit of an entrepreneur"
        pool = Pool()
        Entrepreneur = pool.get('cae.entrepreneur')
        company = setup_company()
        with set_company(company):
            ana = create_entrepreneur(company, "Ana")
            cesa = create_contract(ana, 'cesa', dt.date(2026, 1, 1))
            exit_ = {
                'exit_date': dt.date(2026, 6, 30),
                'exit_outcome': 'company',
                }
            with refused(ContractValidationError, "exit"):
                Entrepreneur.write([ana], exit_)
            cesa.end_date = dt.date(2026, 6, 30)
            cesa.save()
            with refused(ValidationError):
                Entrepreneur.write([ana], {'exit_date': exit_['exit_date']})
            Entrepreneur.write([ana], exit_)
            self.assertEqual(
                Entrepreneur.stages_at([ana], dt.date(2026, 6, 30)),
                {ana.id: 'employed'})
            self.assertEqual(
                Entrepreneur.stages_at([ana], dt.date(2026, 7, 1)),
                {ana.id: 'left'})
            with refused(ContractValidationError, "exit"):
                create_contract(ana, 'cesa', dt.date(2026, 7, 1))
            with refused(EntrepreneurValidationError):
                Entrepreneur.write([ana], {'welcome_date': dt.date.max})

    @with_transaction()
    def test_entrepreneur_party_unique(self):
        "Test that a person is one entrepreneur of a company"
        company = setup_company()
        with set_company(company):
            ana = create_entrepreneur(company, "Ana")
            self.assertEqual(ana.code, "E0001")
            with self.assertRaises(SQLConstraintError):
                ana.copy([ana])

    @with_transaction()
    def test_entrepreneur_user_unique(self):
        "Test that a user is one entrepreneur of a company"
        company = setup_company()
        with set_company(company):
            user = create_user('ana', company)
            create_entrepreneur(company, "Ana", user=user)
            with self.assertRaises(SQLConstraintError):
                create_entrepreneur(company, "Other", user=user)

    @with_transaction()
    def test_stage_property(self):
        "Test the stage of random paths at random dates"
        pool = Pool()
        Contract = pool.get('cae.contract')
        Entrepreneur = pool.get('cae.entrepreneur')
        Type = pool.get('cae.contract.type')
        company = setup_company()
        types = {t.code: t for t in Type.search([])}
        rank = ['welcomed', 'candidate', 'cape', 'employed', 'left']
        start = dt.date(2025, 1, 1)
        names = iter(range(1000))

        path = st.lists(st.tuples(
                st.integers(0, 30), st.integers(1, 300),
                st.sampled_from(['support', 'cape', 'cesa', 'part_time'])),
            max_size=4)

        @settings(max_examples=25, deadline=None)
        @given(
            st.lists(
                st.tuples(path, st.none() | st.integers(0, 60)),
                min_size=1, max_size=4),
            st.integers(-10, 1300))
        def check(paths, days):
            date = start + dt.timedelta(days=days)
            expected, contracts, entrepreneurs = {}, [], []
            for path, left in paths:
                ana = create_entrepreneur(
                    company, f"Ana {next(names)}", welcome_date=start)
                entrepreneurs.append(ana)
                stages = set()
                if date >= start:
                    stages.add('welcomed')
                end = start
                for gap, length, code in path:
                    # A gap of a day or more is not a renewal
                    begin = end + dt.timedelta(days=gap + 2)
                    end = begin + dt.timedelta(days=length)
                    contracts.append({
                            'entrepreneur': ana.id,
                            'type': types[code].id,
                            'start_date': begin,
                            'end_date': end,
                            'working_hours': Decimal(20),
                            'state': 'signed',
                            })
                    if begin <= date <= end:
                        stages.add(types[code].stage)
                if left is not None:
                    ana.exit_date = end + dt.timedelta(days=left)
                    ana.exit_outcome = 'other'
                    ana.save()
                    if ana.exit_date < date:
                        stages.add('left')
                expected[ana.id] = max(
                    stages, key=rank.index, default=None)
            Contract.create(contracts)
            self.assertEqual(
                Entrepreneur.stages_at(entrepreneurs, date), expected)
            with Transaction().set_context(stage_date=date):
                for stage in [*rank, None]:
                    found = Entrepreneur.search([
                            ('stage', '=', stage),
                            ('id', 'in', list(expected)),
                            ])
                    self.assertEqual(
                        {e.id for e in found},
                        {i for i, s in expected.items() if s == stage})
                    others = Entrepreneur.search([
                            ('stage', 'not in', [stage]),
                            ('id', 'in', list(expected)),
                            ])
                    self.assertEqual(
                        {e.id for e in [*found, *others]}, set(expected))

        with set_company(company):
            check()

    @with_transaction()
    def test_special_may_sell(self):
        "Test that the common activities may always sell"
        pool = Pool()
        Activity = pool.get('cae.activity')
        company = setup_company()
        with set_company(company):
            activities = Activity.search([])
            activities.append(create_activity("Pottery"))
            self.assertEqual(
                Activity.may_sell(activities, dt.date(2026, 1, 1)),
                {a.id for a in activities if a.kind != 'business'})

    @with_transaction()
    def test_entrepreneur_rights(self):
        "Test that entrepreneurs reach only what is theirs"
        pool = Pool()
        company = setup_company()
        with set_company(company):
            start = dt.date(2025, 1, 1)
            records = {}
            for name in ["Ana", "Bob"]:
                user = create_user(
                    name.lower(), company, 'cae_members.group_entrepreneur')
                entrepreneur = create_entrepreneur(company, name, user=user)
                contract = create_contract(entrepreneur, 'cesa', start)
                activity = create_activity(
                    f"Crafts of {name}", (entrepreneur, '1', start, None))
                records[name] = [
                    entrepreneur, contract, activity, *activity.holders]
        bob = records["Bob"][0].user
        doors = {
            'cae.entrepreneur': [
                ('party.name', '=', "Ana"),
                ('contracts.number', '=', "C0001"),
                ('holdings.activity.code', '=', "A0001"),
                ('user.login', '=', 'ana'),
                ('stage', '=', 'employed'),
                ],
            'cae.contract': [
                ('entrepreneur.party.name', '=', "Ana"),
                ('entrepreneur.holdings.activity.name', 'like', "%Ana"),
                ('number', '=', "C0001"),
                ('employee.party.name', '=', "Ana"),
                ],
            'cae.activity': [
                ('holders.entrepreneur.party.name', '=', "Ana"),
                ('analytic_account.name', 'like', "%Ana"),
                ('name', 'like', "%Ana"),
                ],
            'cae.activity.holder': [
                ('entrepreneur.user.login', '=', 'ana'),
                ('activity.name', 'like', "%Ana"),
                ],
            }
        with set_user(bob):
            for theirs, own in zip(records["Ana"], records["Bob"]):
                Model = pool.get(theirs.__name__)
                name = Model.__name__
                with self.subTest(model=name):
                    self.assertEqual(
                        [r.id for r in Model.search([])], [own.id])
                    self.assertEqual(Model.search([], count=True), 1)
                    self.assertEqual(
                        Model.search([('id', '=', theirs.id)]), [])
                    for clause in doors[name]:
                        try:
                            found = Model.search([clause])
                        except AccessError:
                            # The model in the middle is closed
                            continue
                        self.assertNotIn(theirs.id, [r.id for r in found])
                    # What the clients read of an own record
                    definition = Model.fields_get()
                    names = [
                        f'{n}.rec_name' if d['type'] == 'many2one' else n
                        for n, d in definition.items()]
                    self.assertTrue(Model.read([own.id], names))
                    self.assertTrue(Model.read([own.id], ['rec_name']))
                    with refused(AccessError):
                        Model.read([theirs.id], ['rec_name'])
                    with refused(AccessError):
                        Model.read([own.id, theirs.id], ['id'])
                    with refused(AccessError):
                        Model.export_data(
                            Model.browse([theirs.id]), ['rec_name'])
                    self.assertEqual(
                        len(Model.export_data_domain([], ['id'])), 1)
                    for id_ in [own.id, theirs.id]:
                        with refused(AccessError):
                            Model.write(
                                Model.browse([id_]), {'company': company.id})
                        with refused(AccessError):
                            Model.delete(Model.browse([id_]))
                        with refused(AccessError):
                            Model.copy(Model.browse([id_]))
            for name in ['analytic_account.account', 'cae.configuration']:
                with self.subTest(model=name), refused(AccessError):
                    pool.get(name).search([])
            Contract = pool.get('cae.contract')
            for button in [Contract.end, Contract.cancel]:
                with refused(AccessButtonError):
                    button(Contract.browse([records["Bob"][1].id]))

    @with_transaction()
    def test_entrepreneur_rights_dated(self):
        "Test that the rights on an activity begin and end with its holder"
        pool = Pool()
        Activity = pool.get('cae.activity')
        Date = pool.get('ir.date')
        Holder = pool.get('cae.activity.holder')
        company = setup_company()
        with set_company(company):
            user = create_user(
                'ana', company, 'cae_members.group_entrepreneur')
            ana = create_entrepreneur(company, "Ana", user=user)
            bob = create_entrepreneur(company, "Bob")
            activity = create_activity("Crafts",
                (ana, '1', dt.date(2025, 1, 1), dt.date(2025, 12, 31)),
                (bob, '1', dt.date(2026, 1, 1), None))
            first, last = sorted(activity.holders, key=lambda h: h.from_date)

        def find(date):
            with set_user(user), \
                    patch.object(Date, 'today', return_value=date):
                return [a.id for a in Activity.search([])]

        self.assertEqual(find(dt.date(2025, 12, 31)), [activity.id])
        self.assertEqual(find(dt.date(2026, 1, 1)), [])
        Holder.write([last], {'entrepreneur': ana.id})
        self.assertEqual(find(dt.date(2026, 1, 1)), [activity.id])
        ana.user = None
        ana.save()
        self.assertEqual(find(dt.date(2026, 1, 1)), [])

    @with_transaction()
    def test_shared_activity_rights(self):
        "Test that one holder can open an activity shared with another"
        pool = Pool()
        Activity = pool.get('cae.activity')
        Entrepreneur = pool.get('cae.entrepreneur')
        Holder = pool.get('cae.activity.holder')
        company = setup_company()
        with set_company(company):
            user = create_user(
                'ana', company, 'cae_members.group_entrepreneur')
            ana = create_entrepreneur(company, "Ana", user=user)
            bob = create_entrepreneur(company, "Bob")
            start = dt.date(2025, 1, 1)
            create_activity(
                "Crafts", (ana, '0.6', start, None), (bob, '0.4', start, None))
        with set_user(user):
            activity, = Activity.search([])
            values, = Activity.read([activity.id], ['holders'])
            values = Holder.read(
                values['holders'],
                ['entrepreneur.rec_name', 'share'])
            self.assertEqual([
                    (v['entrepreneur.']['rec_name'], v['share'])
                    for v in values],
                [("Ana", Decimal('0.6'))])
            with refused(AccessError):
                Entrepreneur.read([bob.id], ['party'])

    @with_transaction()
    def test_staff_rights(self):
        "Test what advisors and the accounting can do"
        pool = Pool()
        Contract = pool.get('cae.contract')
        Entrepreneur = pool.get('cae.entrepreneur')
        company = setup_company()
        with set_company(company):
            ana = create_entrepreneur(company, "Ana")
            contract = create_contract(
                ana, 'cesa', dt.date(2026, 1, 1), sign=False)
            activity = create_activity(
                "Crafts", (ana, '1', dt.date(2026, 1, 1), None))
            users = {
                group: create_user(group, company, group)
                for group in [
                    'cae_members.group_advisor',
                    'cae_members.group_administrator',
                    'account.group_account',
                    'company.group_employee_admin',
                    ]}
        with set_user(users['cae_members.group_advisor']):
            Contract.sign([Contract(contract.id)])
            contract = Contract(contract.id)
            self.assertEqual(contract.state, 'signed')
            self.assertEqual(contract.employee.party, ana.party)
            activity = create_activity(
                "More", (ana, '1', dt.date(2026, 1, 1), None))
            activity.name = "Other"
            activity.save()
            with refused(AccessError):
                Entrepreneur.delete([Entrepreneur(ana.id)])
        with set_user(users['cae_members.group_administrator']):
            party = Pool().get('party.party')(name="Bob")
            party.save()
            bob = Entrepreneur(party=party)
            bob.save()
            Entrepreneur.delete([bob])
        with set_user(users['account.group_account']):
            self.assertEqual(
                [e.id for e in Entrepreneur.search([])], [ana.id])
            with refused(AccessError):
                Entrepreneur.write(
                    [Entrepreneur(ana.id)], {'welcome_date': dt.date.min})
            with refused(AccessError):
                Contract.search([])
        with set_user(users['company.group_employee_admin']):
            for name in [
                    'cae.entrepreneur', 'cae.contract', 'cae.activity',
                    'cae.activity.holder']:
                with refused(AccessError):
                    pool.get(name).search([])

    @with_transaction()
    def test_setup_rights(self):
        "Test that only the administration sets a company up"
        pool = Pool()
        Setup = pool.get('cae.setup', type='wizard')
        company = setup_company()
        with set_company(company):
            advisor = create_user(
                'advisor', company, 'cae_members.group_advisor')
            administrator = create_user(
                'admin2', company, 'cae_members.group_administrator')
        for user, allowed in [(advisor, False), (administrator, True)]:
            with set_user(user):
                session_id, _, _ = Setup.create()
                setup = Setup(session_id)
                setup.start.company = company
                if allowed:
                    self.assertEqual(setup.transition_setup(), 'end')
                else:
                    with refused(AccessError):
                        setup.transition_setup()

    @with_transaction()
    def test_party_erase_replace(self):
        "Test the erasure and the replacement of a party"
        pool = Pool()
        Entrepreneur = pool.get('cae.entrepreneur')
        Erase = pool.get('party.erase', type='wizard')
        Replace = pool.get('party.replace', type='wizard')
        company = setup_company()
        with set_company(company):
            ana = create_entrepreneur(company, "Ana")
            bob = create_entrepreneur(company, "Ana")
            session_id, _, _ = Erase.create()
            erase = Erase(session_id)
            ana.party.active = False
            ana.party.save()
            with refused(EraseError, "contracts"):
                erase.check_erase(ana.party)
            session_id, _, _ = Replace.create()
            replace = Replace(session_id)
            replace.ask.source = ana.party
            replace.ask.destination = bob.party
            with refused(EntrepreneurValidationError, "both"):
                replace.check_similarity()
            Entrepreneur.write([ana], {
                    'exit_date': dt.date(2025, 12, 31),
                    'exit_outcome': 'other',
                    'exit_note': "Private",
                    })
            erase.ask.party = ana.party
            erase.transition_erase()
            values, = Entrepreneur.search_read(
                [('id', '=', ana.id)], fields_names=['exit_note'])
            self.assertEqual(values['exit_note'], None)


del ModuleTestCase
