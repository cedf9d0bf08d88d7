# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import datetime as dt
from unittest.mock import patch

from dateutil.relativedelta import relativedelta
from hypothesis import given, settings
from hypothesis import strategies as st

from trytond.model.exceptions import AccessButtonError, AccessError
from trytond.modules.cae_members.exceptions import DeadlineError
from trytond.modules.cae_members.tests.server import (
    clear_cache, with_transaction)
from trytond.modules.company.tests import set_company
from trytond.pool import Pool
from trytond.transaction import Transaction


def dates(entrepreneur):
    "Return {kind: date} of the open deadlines of the entrepreneur"
    Deadline = Pool().get('cae.deadline')
    return {d.kind: d.date for d in Deadline.search([
                ('entrepreneur', '=', entrepreneur.id),
                ('state', '=', 'open'),
                ])}


def on(date):
    "Let it be that day"
    return patch.object(
        Pool().get('ir.date'), 'today', lambda *args, **kwargs: date)


class DeadlineMixin:
    "The legal clock"

    @with_transaction()
    def test_authorities_told(self):
        "A CAPE is to tell from the signature and after the end"
        from .test_module import (
            create_contract, create_entrepreneur, setup_company)
        Contract = Pool().get('cae.contract')
        company = setup_company()
        end = dt.date(2027, 1, 14)

        def to_tell():
            contracts = Contract.search([])
            found = Contract.search([('to_tell', '=', True)])
            self.assertEqual(
                set(Contract.search([('to_tell', '=', False)])),
                set(contracts) - set(found))
            self.assertEqual([c for c in contracts if c.to_tell], found)
            return found
        with set_company(company), on(dt.date(2026, 1, 15)):
            ana = create_entrepreneur(company)
            cape = create_contract(
                ana, 'cape', dt.date(2026, 1, 15), end, sign=False)
            create_contract(
                create_entrepreneur(company, "Bob"), 'cesa',
                dt.date(2026, 1, 1))
            self.assertEqual(to_tell(), [])
            Contract.confirm_clauses([cape])
            Contract.sign([cape])
            self.assertEqual(to_tell(), [cape])
            cape.start_told_on = dt.date(2026, 1, 16)
            cape.save()
            self.assertEqual(to_tell(), [])
        with set_company(company), on(end):
            self.assertEqual(to_tell(), [cape])
            Contract.renew([cape])
            renewal, = Contract.search([('renewal_of', '=', cape.id)])
            Contract.confirm_clauses([renewal])
            Contract.sign([renewal])
            # The renewal tells that the former one does not end
            self.assertEqual(to_tell(), [renewal])
            renewal.start_told_on = end
            renewal.save()
            self.assertEqual(to_tell(), [])
            copy, = Contract.copy([renewal])
            self.assertEqual(copy.start_told_on, None)
            Contract.delete([copy])
        with set_company(company), on(dt.date(2027, 6, 1)):
            # Before the term
            renewal.end_date = dt.date(2027, 5, 31)
            renewal.end_reason = 'other'
            renewal.save()
            self.assertEqual(to_tell(), [renewal])
            renewal.end_told_on = dt.date(2027, 6, 1)
            renewal.save()
            self.assertEqual(to_tell(), [])

    @with_transaction()
    def test_deadlines_follow_the_facts(self):
        "Deadlines are made, moved and removed with contracts and interviews"
        from .test_module import (
            create_contract, create_entrepreneur, setup_company)
        pool = Pool()
        Contract = pool.get('cae.contract')
        Entrepreneur = pool.get('cae.entrepreneur')
        company = setup_company()
        with set_company(company), on(dt.date(2026, 2, 1)):
            ana = create_entrepreneur(
                company, benefit='unemployment',
                benefit_end_date=dt.date(2026, 12, 31))
            self.assertEqual(
                dates(ana), {'benefit': dt.date(2026, 12, 31)})
            cape = create_contract(
                ana, 'cape', dt.date(2026, 1, 15), dt.date(2027, 1, 14),
                sign=False)
            self.assertNotIn('contract', dates(ana))
            Contract.confirm_clauses([cape])
            Contract.sign([cape])
            self.assertEqual(dates(ana)['contract'], dt.date(2027, 1, 14))

            # The end of the CAPE is moved forward, then it ends
            cape.end_date = dt.date(2026, 6, 30)
            cape.save()
            self.assertEqual(dates(ana)['contract'], dt.date(2026, 6, 30))
            Contract.end([cape])
            self.assertNotIn('contract', dates(ana))
            ana = Entrepreneur(ana.id)
            ana.benefit_end_date = None
            ana.save()
            self.assertEqual(dates(ana), {})

        with set_company(company), on(dt.date(2026, 7, 1)):
            create_contract(
                ana, 'cesa', dt.date(2026, 7, 1),
                trial_end=dt.date(2026, 8, 31))
            found = dates(ana)
            self.assertEqual(found['interview'], dt.date(2026, 12, 31))
            self.assertEqual(found['trial'], dt.date(2026, 8, 31))
            # 36 months less 5 months and 16 days
            self.assertEqual(found['membership'], dt.date(2029, 1, 16))
            ana = Entrepreneur(ana.id)
            ana.associate_date = dt.date(2026, 7, 1)
            ana.save()
            self.assertNotIn('membership', dates(ana))

    @with_transaction()
    def test_renewals_move_forward(self):
        "A renewal moves the end of the contract forward only"
        from .test_module import (
            create_contract, create_entrepreneur, setup_company)
        Contract = Pool().get('cae.contract')
        company = setup_company()
        names = iter(range(1000))

        @settings(max_examples=15, deadline=None)
        @given(st.lists(st.integers(0, 364), min_size=1, max_size=3))
        def check(lengths):
            start = dt.date(2026, 2, 1)
            ana = create_entrepreneur(company, f"Ana {next(names)}")
            contract, last = None, None
            for length in lengths:
                if contract is None:
                    contract = create_contract(
                        ana, 'cape', start,
                        start + dt.timedelta(days=length))
                else:
                    Contract.renew([contract])
                    contract, = Contract.search([
                            ('renewal_of', '=', contract.id)])
                    contract.end_date = (
                        contract.start_date + dt.timedelta(days=length))
                    contract.save()
                    # A draft moves nothing
                    self.assertEqual(dates(ana)['contract'], last)
                    Contract.sign([contract])
                self.assertEqual(dates(ana)['contract'], contract.end_date)
                if last:
                    self.assertGreater(contract.end_date, last)
                last = contract.end_date

        with set_company(company), on(dt.date(2026, 2, 1)):
            check()

    @with_transaction()
    def test_interviews_move_the_deadline(self):
        from .test_module import (
            create_contract, create_entrepreneur, setup_company)
        pool = Pool()
        Employee = pool.get('company.employee')
        Interview = pool.get('cae.interview')
        Kind = pool.get('cae.interview.kind')
        Party = pool.get('party.party')
        company = setup_company()
        with set_company(company), on(dt.date(2026, 7, 20)):
            party, = Party.create([{'name': "Advisor"}])
            employee, = Employee.create([{
                        'party': party.id, 'company': company.id}])
            kind, = Kind.create([{'name': "Review", 'individual': True}])
            ana = create_entrepreneur(company)
            create_contract(ana, 'cesa', dt.date(2026, 1, 1))
            # Nobody was seen in the first half of the year
            self.assertEqual(dates(ana)['interview'], dt.date(2026, 6, 30))
            for end in [dt.date(2026, 12, 31), dt.date(2027, 6, 30)]:
                interview, = Interview.create([{
                            'company': company.id,
                            'entrepreneurs': [('add', [ana.id])],
                            'advisor': employee.id,
                            'kind': kind.id,
                            'date': dt.date(2026, 7, 10),
                            'duration': dt.timedelta(hours=1),
                            }])
                Interview.hold([interview])
                self.assertEqual(dates(ana)['interview'], end)

    @with_transaction()
    def test_remind_once(self):
        "Each notice is given once, the late ones too"
        from .test_module import (
            create_contract, create_entrepreneur, setup_company)
        pool = Pool()
        Deadline = pool.get('cae.deadline')
        Reminder = pool.get('cae.deadline.reminder')
        company = setup_company()

        def remind(date):
            with on(date):
                Deadline.remind()
            return Reminder.search([], count=True)
        with set_company(company):
            with on(dt.date(2026, 1, 15)):
                ana = create_entrepreneur(company)
                create_contract(
                    ana, 'cape', dt.date(2026, 1, 15), dt.date(2027, 1, 14))
            self.assertEqual(remind(dt.date(2026, 10, 1)), 0)
            self.assertEqual(remind(dt.date(2026, 11, 16)), 1)
            self.assertEqual(remind(dt.date(2026, 11, 17)), 1)
            self.assertEqual(remind(dt.date(2026, 12, 25)), 2)
            deadline, = Deadline.search([])
            self.assertEqual(
                [r.notice for r in deadline.reminders], [30, 60])
            Deadline.deal_with([deadline])
            self.assertEqual(remind(dt.date(2027, 1, 10)), 2)
            # What was dealt with stays, and is not made again
            self.assertEqual(Deadline.search([], count=True), 1)

    @with_transaction()
    def test_remind_notifies_the_advisor(self):
        from .test_module import (
            create_contract, create_entrepreneur, create_user, setup_company)
        pool = Pool()
        Deadline = pool.get('cae.deadline')
        Employee = pool.get('company.employee')
        Party = pool.get('party.party')
        company = setup_company()
        with set_company(company), on(dt.date(2026, 12, 20)):
            party, = Party.create([{'name': "Advisor"}])
            employee, = Employee.create([{
                        'party': party.id, 'company': company.id}])
            user = create_user(
                'advisor', company, 'cae_members.group_advisor')
            user.employees = [employee]
            user.save()
            ana = create_entrepreneur(company, advisor=employee)
            create_contract(
                ana, 'cape', dt.date(2026, 1, 15), dt.date(2027, 1, 14))
            Deadline.remind()
            notification, = Transaction().user_notifications
            self.assertEqual(notification.user, user)
            self.assertEqual(
                Deadline.search([('advisor', '=', employee.id)]),
                Deadline.search([]))

    def run_tasks(self):
        "Run what the transaction left in the queue, as the server does"
        Queue = Pool().get('ir.queue')
        tasks = Transaction().tasks
        while tasks:
            Queue(tasks.pop()).run()

    @with_transaction()
    def test_remind_by_email(self):
        "The advisor receives what to do in their language"
        from .test_module import (
            create_contract, create_entrepreneur, setup_company)
        pool = Pool()
        Deadline = pool.get('cae.deadline')
        Employee = pool.get('company.employee')
        Lang = pool.get('ir.lang')
        Party = pool.get('party.party')
        company = setup_company()
        with set_company(company), on(dt.date(2026, 12, 20)), patch(
                'trytond.modules.notification_email.notification'
                '.send_message_transactional') as send:
            lang, = Lang.search([('code', '=', 'en')])
            party, = Party.create([{
                        'name': "Advisor",
                        'lang': lang.id,
                        'contact_mechanisms': [('create', [{
                                        'type': 'email',
                                        'value': 'advisor@example.com',
                                        }])],
                        }])
            employee, = Employee.create([{
                        'party': party.id, 'company': company.id}])
            ana = create_entrepreneur(company, advisor=employee)
            create_contract(
                ana, 'cape', dt.date(2026, 1, 15), dt.date(2027, 1, 14))
            # As the cron, of all companies
            with Transaction().set_user(0), \
                    Transaction().set_context(company=None):
                Deadline.remind()
                self.run_tasks()
            message, = [call.args[0] for call in send.call_args_list]
            self.assertIn('advisor@example.com', message['To'])
            text = message.get_content()
            self.assertIn("Ana", text)
            self.assertIn("Renew it", text)

    @with_transaction()
    def test_contract_of_no_associate(self):
        "The contract of who is no associate in time ends on that day"
        from .test_module import (
            create_contract, create_entrepreneur, create_user, refused,
            set_user, setup_company)
        pool = Pool()
        Contract = pool.get('cae.contract')
        Deadline = pool.get('cae.deadline')
        Entrepreneur = pool.get('cae.entrepreneur')
        start, day = dt.date(2023, 3, 1), dt.date(2026, 3, 1)
        company = setup_company()
        with set_company(company):
            with on(start):
                ana, bob = [
                    create_entrepreneur(
                        company, name, welcome_date=start,
                        user=create_user(
                            name, company, 'cae_members.group_entrepreneur'))
                    for name in ["Ana", "Bob"]]
                contracts = [
                    create_contract(e, 'cesa', start) for e in [ana, bob]]
            nora = create_user('nora', company, 'cae_members.group_advisor')

            def deadline(entrepreneur, kind='membership'):
                deadline, = Deadline.search([
                        ('entrepreneur', '=', entrepreneur.id),
                        ('kind', '=', kind)])
                return deadline
            user, membership = ana.user, deadline(ana)
            interview, other = deadline(ana, 'interview'), deadline(bob)
            # An admission of which the clock knows nothing yet
            table = Entrepreneur.__table__()
            Transaction().connection.cursor().execute(*table.update(
                    [table.associate_date], [day], where=table.id == bob.id))
            clear_cache()
        self.assertEqual(membership.date, day)
        with set_user(nora):
            with on(day - dt.timedelta(days=1)), refused(AccessButtonError):
                Deadline.end_contract(Deadline.browse([membership.id]))
            with on(day):
                with refused(AccessButtonError):
                    Deadline.end_contract(Deadline.browse([interview.id]))
                with refused(DeadlineError, "associate.*L7331-3"):
                    Deadline.end_contract(
                        Deadline.browse([membership.id, other.id]))
        with set_user(user), on(day), refused(AccessButtonError):
            Deadline.end_contract(Deadline.browse([membership.id]))
        with set_user(nora), on(day):
            Deadline.end_contract(Deadline.browse([membership.id]))
        ended, running = Contract.browse([c.id for c in contracts])
        self.assertEqual(
            (ended.state, ended.end_date, ended.end_reason),
            ('ended', day, 'not_associate'))
        self.assertEqual(ended.employee.end_date, day)
        self.assertEqual((running.state, running.end_date), ('signed', None))
        self.assertEqual(
            [(d.kind, d.state) for d in Deadline.search([
                        ('entrepreneur', '=', ana.id)])],
            [('membership', 'done')])

    @with_transaction()
    def test_deadline_rights(self):
        "An entrepreneur reads their own deadlines and changes none"
        from .test_module import (
            create_contract, create_entrepreneur, create_user, set_user,
            setup_company)
        pool = Pool()
        Deadline = pool.get('cae.deadline')
        company = setup_company()
        today = dt.date.today()
        with set_company(company):
            users = []
            for name in ['ana', 'bob']:
                user = create_user(
                    name, company, 'cae_members.group_entrepreneur')
                person = create_entrepreneur(company, name=name, user=user)
                create_contract(
                    person, 'cape', today,
                    today + relativedelta(months=6))
                users.append(user)
        for user in users:
            with set_user(user):
                deadline, = Deadline.search([])
                self.assertEqual(deadline.entrepreneur.user.id, user.id)
                with self.assertRaises(AccessButtonError):
                    Deadline.deal_with([deadline])
                with self.assertRaises(AccessError):
                    Deadline.write([deadline], {'note': "No"})
