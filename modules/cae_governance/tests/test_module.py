# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import datetime as dt
from collections import defaultdict
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from trytond.exceptions import UserError
from trytond.model.exceptions import AccessError, SQLConstraintError
from trytond.model.modelview import AccessButtonError
from trytond.modules.account.tests import get_fiscalyear
from trytond.modules.cae_governance.exceptions import (
    AssemblyAccessError, AssemblyError, AssemblyValidationError,
    AssociateAccessError, AssociateValidationError, CapitalSetupError,
    ConfigurationValidationError, ProxyValidationError, ResolutionError,
    ShareAccessError, ShareValidationError, VoteAccessError,
    VoteValidationError)
from trytond.modules.cae_members.tests import server
from trytond.modules.cae_members.tests.server import (
    clear_cache, undone, with_transaction)
from trytond.modules.company.tests import (
    CompanyTestMixin, PartyCompanyCheckEraseMixin, create_company,
    create_employee, set_company)
from trytond.modules.party.exceptions import EraseError
from trytond.modules.party.tests import PartyCheckReplaceMixin
from trytond.pool import Pool
from trytond.tests.test_tryton import ModuleTestCase
from trytond.transaction import Transaction, check_access

YEAR = 2026
ADMISSION = dt.date(YEAR, 1, 1)


def date(month, day):
    return dt.date(YEAR, month, day)


def add_group():
    "Let the administrator use the wizards, which are for the group only"
    pool = Pool()
    ModelData = pool.get('ir.model.data')
    User = pool.get('res.user')
    User.write([User(1)], {
            'groups': [('add', [ModelData.get_id(
                            'cae_governance', 'group_governance')])],
            })


def create_accounts(company):
    "Create the accounts of the capital only, as the French chart is long"
    pool = Pool()
    Account = pool.get('account.account')
    Type = pool.get('account.account.type')
    type_, = Type.create([{
                'name': "Capital",
                'statement': 'balance',
                'company': company.id,
                }])
    Account.create([{
                'name': code,
                'code': code,
                'type': type_.id,
                'company': company.id,
                'party_required': code in {'45625', '4567'},
                'reconcile': code in {'45625', '4567'},
                } for code in ['45625', '1012', '10131', '4567', '5121']])


@contextmanager
def cooperative(chart=None):
    """Give a cooperative, whose shares are worth 50 when it has a chart.

    With chart='french' it is the company that has that chart already, else
    a new one with the accounts that the function creates.
    """
    pool = Pool()
    Company = pool.get('company.company')
    Configuration = pool.get('cae.configuration')
    FiscalYear = pool.get('account.fiscalyear')
    if chart == 'french':
        company, = Company.search([])
    else:
        company = create_company(name="Coopérative Les Métiers")
    with set_company(company):
        if chart and chart != 'french':
            chart(company)
        Configuration.setup_company(company)
        if chart:
            Configuration(1).set_multivalue(
                'share_value', Decimal('50.00'), company=company.id)
            fiscalyear = get_fiscalyear(company, today=ADMISSION)
            fiscalyear.save()
            FiscalYear.create_period([fiscalyear])
        yield company


def apply(company, *names, **values):
    "Return new applicants"
    pool = Pool()
    Associate = pool.get('cae.associate')
    Party = pool.get('party.party')
    parties = Party.create(
        [{'name': n, 'addresses': [('create', [{}])]} for n in names])
    values.setdefault('admission_date', ADMISSION)
    values.setdefault('admission_decision', "AG 2025, 3")
    return Associate.create([{
                'company': company.id,
                'party': p.id,
                **values,
                } for p in parties])


def admit(company, *names, **values):
    "Return new associates"
    pool = Pool()
    Associate = pool.get('cae.associate')
    associates = apply(company, *names, **values)
    Associate.admit(associates)
    return associates


def move_shares(associate, quantity, date, type='subscription', **values):
    "Return a new movement"
    pool = Pool()
    Movement = pool.get('cae.share.movement')
    movement, = Movement.create([{
                'company': associate.company.id,
                'associate': associate.id,
                'type': type,
                'quantity': quantity,
                'decision': "AG 2025, 4",
                'decision_date': date,
                'effective_date': date,
                **values,
                }])
    return movement


def pay(associate, amount, date, account='capital_due_account'):
    "Post a payment of the associate at the bank; negative to the associate"
    pool = Pool()
    Account = pool.get('account.account')
    Configuration = pool.get('cae.configuration')
    Journal = pool.get('account.journal')
    Move = pool.get('account.move')
    Period = pool.get('account.period')
    company = associate.company
    bank, = Account.search([
            ('code', '=', '5121'), ('company', '=', company.id)])
    account = Configuration.get_capital(company, account)
    journal, = Journal.search([('type', '=', 'cash')], limit=1)

    def line(account, amount, party=None):
        return {
            'account': account.id,
            'debit': max(amount, Decimal(0)),
            'credit': max(-amount, Decimal(0)),
            'party': party.id if party else None,
            }
    move, = Move.create([{
                'company': company.id,
                'journal': journal.id,
                'period': Period.find(company, date).id,
                'date': date,
                'lines': [('create', [
                            line(bank, amount),
                            line(account, -amount, associate.party),
                            ])],
                }])
    Move.post([move])
    return move


def balances(company):
    "Return {code: debit - credit} of the posted moves, but the bank"
    pool = Pool()
    Line = pool.get('account.move.line')
    result = defaultdict(Decimal)
    for line in Line.search([
                ('move.company', '=', company.id),
                ('move.state', '=', 'posted'),
                ('account.code', '!=', '5121'),
                ]):
        result[line.account.code] += line.debit - line.credit
    return {c: b for c, b in result.items() if b}


def prepare(company, *kinds, **values):
    "Return a draft assembly with a resolution of each kind"
    pool = Pool()
    Assembly = pool.get('cae.assembly')
    values.setdefault('kind', 'mixed' if len(set(kinds)) > 1 else kinds[0])
    values.setdefault('convocation_date', date(5, 1))
    values.setdefault('record_date', values['convocation_date'])
    values.setdefault('meeting_date', date(5, 20))
    assembly, = Assembly.create([{
                'company': company.id,
                'name': "General Meeting",
                'legal_form': 'scop_sarl',
                'place': "Lille",
                'chair': "Ana",
                'resolutions': [('create', [{
                                'name': f"Resolution {i}",
                                'text': "The assembly decides it.",
                                'kind': kind,
                                } for i, kind in enumerate(kinds, 1)])],
                **values,
                }])
    return assembly


def meet(company, *kinds, present=0, **values):
    "Return an open assembly with the first members of the roll present"
    pool = Pool()
    Assembly = pool.get('cae.assembly')
    Roll = pool.get('cae.assembly.roll')
    assembly = prepare(company, *kinds, **values)
    Assembly.convene([assembly])
    Assembly.open([assembly])
    Roll.arrive(list(assembly.roll[:present]))
    return Assembly(assembly.id)


def give_proxy(principal, holder):
    pool = Pool()
    Proxy = pool.get('cae.assembly.proxy')
    proxy, = Proxy.create([{
                'assembly': principal.assembly.id,
                'principal': principal.id,
                'holder': holder.id,
                }])
    return proxy


def give_votes(resolution, **choices):
    "Vote, by number of votes for each choice, in the order of the roll"
    pool = Pool()
    Vote = pool.get('cae.assembly.vote')
    eligible = iter(resolution.eligible())
    return Vote.create([{
                'resolution': resolution.id,
                'roll': row.id,
                'cast_by': caster.id,
                'choice': choice.rstrip('_'),
                }
            for choice, number in choices.items()
            for _, (row, caster) in zip(range(number), eligible)])


class CaeGovernanceTestCase(
        PartyCompanyCheckEraseMixin, PartyCheckReplaceMixin, CompanyTestMixin,
        ModuleTestCase):
    "Test CAE Governance module"
    module = 'cae_governance'
    extras = ['account_fr', 'account_statement']

    @classmethod
    def setUpClass(cls):
        # Made once, as the French chart is long
        server.activate(cls, server.create_french_company, add_group)

    @contextmanager
    def assertRefused(self, *exceptions):
        "Check that what is done raises and undo it"
        with undone(), self.assertRaises(exceptions or UserError) as cm:
            yield cm

    @with_transaction()
    def test_admission(self):
        "Test the register of associates"
        pool = Pool()
        Associate = pool.get('cae.associate')
        Party = pool.get('party.party')
        with cooperative() as company:
            ana, ben = admit(company, "Ana", "Ben")
            self.assertEqual([ana.number, ben.number], ['0001', '0002'])
            self.assertTrue(ana.is_member(ADMISSION))
            self.assertFalse(ana.is_member(date(1, 1) - dt.timedelta(1)))
            eve, = apply(company, "Eve", admission_decision=None)
            with self.assertRefused(AssociateValidationError):
                Associate.admit([eve])
            with self.assertRefused(AssociateAccessError):
                Associate.delete([ana])
            with self.assertRefused(AssociateValidationError):
                apply(company, "Eve", party=ana.party.id)
                Associate.admit(Associate.search([
                            ('party', '=', ana.party.id),
                            ('state', '=', 'applicant')]))
            ben.lost_date = date(6, 30)
            ben.loss_reason = 'resignation'
            ben.save()
            self.assertTrue(ben.is_member(date(6, 29)))
            self.assertFalse(ben.is_member(date(6, 30)))
            self.assertEqual(
                Associate.members_at(company, date(6, 29)), [ana, ben])
            self.assertEqual(
                Associate.members_at(company, date(6, 30)), [ana])
            again, = Associate.create([{
                        'company': company.id,
                        'party': ben.party.id,
                        'admission_date': date(7, 1),
                        'admission_decision': "AG 2026, 2",
                        }])
            Associate.admit([again])
            self.assertEqual(again.number, '0003')
            with Transaction().set_context(share_date=date(6, 30)):
                self.assertEqual(
                    Associate.search([('member', '=', True)]), [ana])
                self.assertEqual(Associate.search([
                            ('member', '=', False),
                            ('state', '=', 'admitted')]), [ben, again])
            self.assertEqual(Associate.search([
                        ('rec_name', 'ilike', "Ben%")]), [ben, again])
            self.assertEqual(Party(ana.party.id).rec_name, "Ana")

    @with_transaction()
    def test_no_setup(self):
        "Test shares without the settings of the capital"
        pool = Pool()
        Configuration = pool.get('cae.configuration')
        company = create_company()
        with set_company(company):
            Configuration.setup_company(company)
            ana, = admit(company, "Ana")
            with self.assertRaisesRegex(CapitalSetupError, "Share Value"):
                move_shares(ana, 10, ADMISSION)

    @with_transaction()
    def test_stage(self):
        "Test the stage of associate"
        pool = Pool()
        Associate = pool.get('cae.associate')
        Entrepreneur = pool.get('cae.entrepreneur')
        with cooperative() as company:
            ana, = apply(company, "Ana", admission_date=date(3, 1))
            entrepreneur = Entrepreneur(
                party=ana.party, company=company, welcome_date=ADMISSION)
            entrepreneur.save()
            self.assertEqual(
                Entrepreneur.stages_at([entrepreneur], date(3, 1)),
                {entrepreneur.id: 'welcomed'})
            Associate.admit([ana])
            ana.lost_date = date(9, 1)
            ana.loss_reason = 'contract'
            ana.save()
            for day, stage in [
                    (date(2, 28), 'welcomed'), (date(3, 1), 'associate'),
                    (date(8, 31), 'associate'), (date(9, 1), 'welcomed')]:
                self.assertEqual(
                    Entrepreneur.stages_at([entrepreneur], day),
                    {entrepreneur.id: stage})

    @with_transaction()
    def test_funnel(self):
        "Test that the funnel takes the associates from the register"
        pool = Pool()
        Associate = pool.get('cae.associate')
        Entrepreneur = pool.get('cae.entrepreneur')
        Person = pool.get('cae.funnel.person')
        with cooperative() as company:
            ana, bob = apply(
                company, "Ana", "Bob", admission_date=date(3, 1))
            Entrepreneur.create([{
                        'party': associate.party.id,
                        'welcome_date': ADMISSION,
                        'associate_date': date(2, 1),
                        } for associate in [ana, bob]])
            Associate.admit([ana])
            for day, associates in [
                    (date(2, 15), {"Bob": date(2, 1)}),
                    (date(3, 1), {"Ana": date(3, 1), "Bob": date(2, 1)}),
                    ]:
                with Transaction().set_context(date=day), \
                        self.subTest(day=day):
                    self.assertEqual({
                            p.rec_name: p.associate_date
                            for p in Person.search([
                                    ('step', '=', 'associate')])},
                        associates)

    @with_transaction()
    def test_chart(self):
        "Test the accounts of the capital in the French chart"
        pool = Pool()
        Account = pool.get('account.account')
        Configuration = pool.get('cae.configuration')
        Movement = pool.get('cae.share.movement')
        with cooperative('french') as company:
            for name, code, party in [
                    ('due', '45625', True), ('called', '1012', False),
                    ('paid', '10131', False), ('refund', '4567', True)]:
                account = Configuration.get_capital(
                    company, f'capital_{name}_account')
                self.assertEqual(account.code, code)
                self.assertEqual(account.party_required, party)
                self.assertEqual(account.reconcile, party)
            for code in ['109', '4563', '4564', '457']:
                account, = Account.search([
                        ('code', '=', code), ('company', '=', company.id)])
                self.assertTrue(account.party_required and account.reconcile)
                self.assertEqual(bool(account.type.payable), code == '457')
            self.assertTrue(Configuration.get_capital(
                    company, 'capital_refund_account').type.payable)
            # Setting up again changes nothing
            sequence = Configuration.get_capital(company, 'share_sequence')
            Configuration.setup_company(company)
            self.assertEqual(
                Configuration.get_capital(company, 'share_sequence'),
                sequence)

            ana, = admit(company, "Ana")
            move_shares(ana, 20, date(1, 10))
            pay(ana, Decimal('1000.00'), date(1, 20))
            move_shares(ana, -20, date(2, 1), 'refund')
            pay(ana, Decimal('-1000.00'), date(2, 2),
                'capital_refund_account')
            self.assertEqual(balances(company), {})
            for day in [date(1, 10), date(1, 20), date(2, 1), date(2, 2)]:
                self.assertEqual(
                    Movement.capital_differences(company, day), [])

    @with_transaction()
    def test_capital(self):
        "Test that the ledger follows the register"
        pool = Pool()
        Associate = pool.get('cae.associate')
        Move = pool.get('account.move')
        Movement = pool.get('cae.share.movement')

        def agree():
            for month in range(1, 13):
                self.assertEqual(Movement.capital_differences(
                        company, date(month, 15)), [])

        with cooperative(create_accounts) as company:
            ana, ben, eve = admit(company, "Ana", "Ben", "Eve")
            subscription = move_shares(ana, 20, date(1, 10))
            self.assertEqual(subscription.number, '0001')
            self.assertEqual(subscription.amount, Decimal('1000.00'))
            move, = subscription.moves
            self.assertEqual(move.state, 'posted')
            self.assertEqual(move.journal.code, 'CAP')
            self.assertEqual(move.date, date(1, 10))
            self.assertEqual(balances(company), {
                    '45625': Decimal('1000.00'), '1012': Decimal('-1000.00')})
            agree()
            move_shares(ben, 15, date(1, 10))
            self.assertEqual(ana.capital_due, Decimal('1000.00'))

            payment = pay(ana, Decimal('400.00'), date(2, 1))
            self.assertEqual(balances(company), {
                    '45625': Decimal('1350.00'), '1012': Decimal('-1350.00'),
                    '10131': Decimal('-400.00')})
            paid, = Move.search([('origin', '=', str(payment))])
            self.assertEqual(paid.date, date(2, 1))
            agree()
            pay(ana, Decimal('600.00'), date(3, 1))
            agree()
            Move.post([payment.cancel()])
            self.assertEqual(balances(company), {
                    '45625': Decimal('1150.00'), '1012': Decimal('-1150.00'),
                    '10131': Decimal('-600.00')})
            agree()
            pay(ana, Decimal('400.00'), date(4, 1))
            pay(ben, Decimal('750.00'), date(4, 1))
            ana, = Associate.browse([ana.id])
            self.assertEqual(ana.capital_due, Decimal(0))

            before = balances(company)
            Movement.transfer(
                ana, eve, 5, "Transfer order", date(4, 20), date(5, 1))
            self.assertEqual(balances(company), before)
            for day, shares in [
                    (date(4, 30), (20, 15, 0)), (date(5, 1), (15, 15, 5))]:
                self.assertEqual(
                    tuple(Movement.holdings(
                            [ana, ben, eve], day).values()), shares)
            agree()

            eve.lost_date, eve.loss_reason = date(6, 1), 'resignation'
            eve.save()
            move_shares(eve, -5, date(6, 1), 'refund')
            self.assertEqual(balances(company), {
                    '10131': Decimal('-1500.00'), '4567': Decimal('-250.00')})
            self.assertEqual(
                Associate(eve.id).capital_to_refund, Decimal('250.00'))
            agree()
            pay(eve, Decimal('-250.00'), date(7, 1), 'capital_refund_account')
            self.assertEqual(
                balances(company), {'10131': Decimal('-1500.00')})
            agree()

            with Transaction().set_context(share_date=date(5, 31)):
                self.assertEqual(
                    [(a.holdings, a.capital)
                        for a in Associate.browse([ana.id, ben.id, eve.id])],
                    [(15, Decimal('750.00')), (15, Decimal('750.00')),
                        (5, Decimal('250.00'))])
                self.assertEqual(
                    Associate.search([('holdings', '>=', 15)]), [ana, ben])

    @with_transaction()
    def test_capital_differences(self):
        "Test that a difference between ledger and register is found"
        pool = Pool()
        Account = pool.get('account.account')
        Movement = pool.get('cae.share.movement')
        with cooperative(create_accounts) as company:
            ana, = admit(company, "Ana")
            # Shares from before the register need their opening balance
            move_shares(ana, 10, date(1, 2), 'opening')
            self.assertEqual(
                Movement.capital_differences(company, date(1, 1)), [])
            self.assertEqual(
                Movement.capital_differences(company, date(1, 2)),
                [('subscribed', Decimal('500.00'), Decimal('0.00'))])
            paid, = Account.search([
                    ('code', '=', '10131'), ('company', '=', company.id)])
            Move = pool.get('account.move')
            bank, = Account.search([
                    ('code', '=', '5121'), ('company', '=', company.id)])
            journal, = pool.get('account.journal').search(
                [('type', '=', 'cash')], limit=1)
            move, = Move.create([{
                        'company': company.id,
                        'journal': journal.id,
                        'period': pool.get('account.period').find(
                            company, date(1, 2)).id,
                        'date': date(1, 2),
                        'lines': [('create', [{
                                        'account': bank.id,
                                        'debit': Decimal(500),
                                        'credit': Decimal(0),
                                        }, {
                                        'account': paid.id,
                                        'debit': Decimal(0),
                                        'credit': Decimal(500),
                                        }])],
                        }])
            self.assertTrue(
                Movement.capital_differences(company, date(1, 2)))
            Move.post([move])
            self.assertEqual(
                Movement.capital_differences(company, date(1, 2)), [])
            # A debt without any share
            ben, = admit(company, "Ben")
            pay(ben, Decimal(-50), date(1, 3))
            self.assertEqual(
                [d.name for d in Movement.capital_differences(
                        company, date(1, 3))], ['associate'])

    @with_transaction()
    def test_reversal(self):
        "Test that wrong movements are reversed"
        pool = Pool()
        Movement = pool.get('cae.share.movement')
        with cooperative(create_accounts) as company:
            ana, ben, eve = admit(company, "Ana", "Ben", "Eve")
            wrong = move_shares(ana, 20, date(1, 10))
            with self.assertRefused(ShareAccessError):
                Movement.write([wrong], {'quantity': 2})
            with self.assertRefused(ShareAccessError):
                Movement.delete([wrong])
            with self.assertRefused(ShareAccessError):
                Movement.copy([wrong])
            reversal, = Movement.reverse(
                [wrong], "Typing error", date(1, 12))
            self.assertEqual(reversal.effective_date, date(1, 10))
            self.assertEqual(reversal.quantity, -20)
            self.assertEqual(balances(company), {})
            with self.assertRefused(ShareValidationError):
                Movement.reverse([reversal], "Again", date(1, 12))

            move_shares(ana, 10, date(2, 1))
            move_shares(ben, 10, date(2, 1))
            pay(ana, Decimal(500), date(2, 15))
            transfer = Movement.transfer(
                ana, eve, 5, "Order", date(3, 1), date(3, 1))
            out, in_ = Movement.reverse(
                [transfer[0]], "Wrong", date(3, 2), date(3, 5))
            self.assertEqual(
                (out.type, in_.type), ('transfer_out', 'transfer_in'))
            self.assertEqual(out.number, in_.number)
            for day, shares in [
                    (date(2, 28), [10, 10, 0]), (date(3, 4), [5, 10, 5]),
                    (date(3, 5), [10, 10, 0])]:
                self.assertEqual(list(Movement.holdings(
                            [ana, ben, eve], day).values()), shares)
            numbers = [int(m.number) for m in Movement.search(
                    [], order=[('id', 'ASC')])]
            self.assertEqual(sorted(set(numbers)), list(range(1, 7)))
            with self.assertRaises(SQLConstraintError):
                Movement.reverse([wrong], "Twice", date(1, 12))

    @with_transaction()
    def test_share_refusals(self):
        "Test movements that are refused"
        pool = Pool()
        Associate = pool.get('cae.associate')
        Configuration = pool.get('cae.configuration')
        Movement = pool.get('cae.share.movement')
        with cooperative(create_accounts) as company:
            ana, ben, eve = admit(company, "Ana", "Ben", "Eve")
            joe, = admit(company, "Joe", admission_date=date(6, 1))
            applicant, = apply(company, "Zoe")
            with self.assertRefused(ShareValidationError):
                move_shares(ana, -5, date(1, 10))
            with self.assertRefused(ShareValidationError):
                move_shares(ana, 5, date(1, 10), 'refund')
            with self.assertRefused(ShareValidationError):
                move_shares(ana, 0, date(1, 10))
            with self.assertRefused(ShareValidationError):
                move_shares(joe, 5, date(5, 31))
            with self.assertRefused(UserError):
                move_shares(applicant, 5, date(5, 31))
            with self.assertRefused(ShareValidationError):
                move_shares(ana, 5, date(1, 10), unit_value=Decimal(40))
            # A transfer has two sides
            with self.assertRefused(ShareValidationError):
                move_shares(ana, 5, date(1, 10), 'transfer_in')
            # The first may hold all, then nobody comes above the half
            move_shares(ana, 10, date(1, 10))
            move_shares(ben, 4, date(2, 10))
            with self.assertRefused(ShareValidationError):
                move_shares(ana, 1, date(2, 10))
            move_shares(ben, 6, date(2, 10))
            move_shares(eve, 10, date(2, 10))
            move_shares(ana, 10, date(2, 20))
            with self.assertRefused(ShareValidationError):
                move_shares(ana, 1, date(2, 20))
            pay(eve, Decimal(500), date(2, 20))
            with self.assertRefused(ShareValidationError) as cm:
                move_shares(eve, -10, date(3, 10), 'refund')
            self.assertIn("half", str(cm.exception))
            # Nobody below zero, not even in the past
            with self.assertRefused(ShareValidationError):
                Movement.transfer(
                    ben, eve, 11, "Order", date(3, 1), date(3, 1))
            with self.assertRefused(ShareValidationError):
                Movement.transfer(
                    ben, eve, 5, "Order", date(3, 1), date(2, 1))
            with self.assertRefused(ShareValidationError):
                Movement.transfer(ben, ben, 5, "Order", date(3, 1), date(3, 1))
            with self.assertRefused(ShareValidationError):
                Movement.transfer(
                    ben, joe, 5, "Order", date(3, 1), date(5, 31))
            # Not paid yet
            with self.assertRefused(ShareValidationError) as cm:
                Movement.transfer(
                    ben, eve, 1, "Order", date(3, 10), date(3, 10))
            self.assertIn("not paid", str(cm.exception))
            # No date outside of the periods
            with self.assertRefused(UserError):
                move_shares(ben, 1, dt.date(YEAR + 1, 1, 1))
            # One value for all
            with self.assertRefused(ConfigurationValidationError):
                Configuration(1).set_multivalue(
                    'share_value', Decimal(60), company=company.id)
            # The admission is settled
            with self.assertRefused(AssociateAccessError):
                Associate.write([ana], {'admission_date': date(1, 5)})
            with self.assertRefused(ShareValidationError):
                Associate.write([ana], {
                        'lost_date': date(2, 1), 'loss_reason': 'other'})
            # Not by hand, even right
            sides = [{
                    'company': company.id,
                    'number': '0100',
                    'associate': associate.id,
                    'type': type_,
                    'quantity': quantity,
                    'decision': "By hand",
                    'decision_date': date(3, 10),
                    'effective_date': date(3, 10),
                    } for associate, type_, quantity in [
                    (eve, 'transfer_out', -1), (ben, 'transfer_in', 1)]]
            with self.assertRefused(ShareAccessError), check_access():
                Movement.create(sides)

    @with_transaction()
    def test_erase(self):
        "Test that an associate is not erased"
        pool = Pool()
        Erase = pool.get('party.erase', type='wizard')
        with cooperative(create_accounts) as company:
            ana, = admit(company, "Ana")
            session_id, _, _ = Erase.create()
            erase = Erase(session_id)
            with self.assertRefused(EraseError):
                erase.check_erase_company(ana.party, company)
            move_shares(ana, 10, date(1, 10), 'opening')
            ana.lost_date, ana.loss_reason = date(2, 1), 'other'
            ana.save()
            with self.assertRefused(EraseError):
                erase.check_erase_company(ana.party, company)
            Movement = pool.get('cae.share.movement')
            Movement.reverse(
                Movement.search([]), "Typing error", date(2, 1))
            erase.check_erase_company(ana.party, company)

    @with_transaction()
    def test_holdings(self):
        "Test that holdings are the sum of movements on every date"
        pool = Pool()
        Movement = pool.get('cae.share.movement')
        days = [date(month, 1) for month in range(1, 13)]
        operation = st.tuples(
            st.sampled_from(['opening', 'transfer']),
            st.integers(0, 3), st.integers(0, 3), st.integers(1, 9),
            st.integers(0, 11))

        def right(rows):
            "If nobody is below zero or comes above the half"
            for day in days:
                shares = [
                    sum(q for a, q, d in rows if a == i and d <= day)
                    for i in range(4)]
                if min(shares) < 0 or 2 * max(shares) > sum(shares):
                    return False
            return True

        with cooperative(create_accounts) as company:

            # Without shrinking, as each example is a lot of records
            @settings(max_examples=5, deadline=None, database=None,
                derandomize=True, phases=[Phase.generate],
                suppress_health_check=list(HealthCheck))
            @given(st.integers(1, 9), st.lists(operation, max_size=10))
            def check(start, operations):
                associates = admit(company, *"ABCD")
                rows = []
                # An equal start keeps everybody below the half
                Movement.create([{
                            'company': company.id,
                            'associate': a.id,
                            'type': 'opening',
                            'quantity': start,
                            'decision': "AG",
                            'decision_date': days[0],
                            'effective_date': days[0],
                            } for a in associates])
                rows.extend((i, start, days[0]) for i in range(4))
                for type_, i, j, quantity, day in operations:
                    day = days[day]
                    if type_ == 'transfer' and i != j:
                        new = rows + [(i, -quantity, day), (j, quantity, day)]
                        total = [
                            sum(q for _, q, d in rows if d <= x)
                            for x in days]
                        if not right(new):
                            continue
                        Movement.transfer(
                            associates[i], associates[j], quantity, "Order",
                            day, day)
                        rows = new
                        self.assertEqual(total, [
                                sum(Movement.holdings(
                                        associates, x).values())
                                for x in days])
                    elif type_ == 'opening':
                        new = rows + [(i, quantity, day)]
                        if not right(new):
                            continue
                        move_shares(associates[i], quantity, day, 'opening')
                        rows = new
                for day in days:
                    holdings = Movement.holdings(associates, day)
                    self.assertEqual(
                        list(holdings.values()),
                        [sum(q for a, q, d in rows if a == i and d <= day)
                            for i in range(4)])
            check()

    @with_transaction()
    def test_convocation(self):
        "Test that convening checks and freezes"
        pool = Pool()
        Assembly = pool.get('cae.assembly')
        Associate = pool.get('cae.associate')
        Resolution = pool.get('cae.assembly.resolution')
        Roll = pool.get('cae.assembly.roll')
        with cooperative() as company:
            with self.assertRefused(AssemblyError) as cm:
                Assembly.convene([prepare(
                            company, 'ordinary', meeting_date=date(5, 15))])
            self.assertIn("R223-20", str(cm.exception))
            with self.assertRefused(AssemblyError):
                Assembly.convene([prepare(company, 'ordinary')])
            admit(company, "Ana", "Ben")
            with self.assertRefused(AssemblyError):
                Assembly.convene([prepare(
                            company, 'extraordinary', kind='ordinary')])
            with self.assertRefused(AssemblyError):
                Assembly.convene([prepare(
                            company, 'ordinary', resolutions=None)])
            with self.assertRefused(AssemblyError):
                Assembly.convene([prepare(
                            company, 'ordinary', legal_form='scop_sas')])
            # A SA has ten days on its second call
            first = meet(
                company, 'ordinary', legal_form='scop_sa', present=0)
            Resolution.vote(first.resolutions)
            Resolution.close(first.resolutions)
            self.assertEqual(first.resolutions[0].result, 'no_quorum')
            Assembly.close([first])
            Assembly.convene([prepare(
                        company, 'ordinary', legal_form='scop_sa', call='2',
                        previous=first.id, convocation_date=date(6, 1),
                        meeting_date=date(6, 11))])

            assembly = prepare(
                company, 'ordinary', meeting_date=date(5, 16))
            Assembly.convene([assembly])
            self.assertEqual(assembly.state, 'convened')
            self.assertEqual(
                [r.name for r in assembly.roll], ["Ana", "Ben"])
            self.assertTrue(assembly.roll_intact)
            self.assertEqual(assembly.roll_hash, assembly.compute_hash())
            for values in [
                    {'meeting_date': date(5, 17)}, {'kind': 'mixed'},
                    {'roll_hash': 'x'}]:
                with self.assertRefused(AssemblyAccessError):
                    Assembly.write([assembly], values)
            with self.assertRefused(AssemblyAccessError):
                Assembly.delete([assembly])
            with self.assertRefused(AssemblyAccessError):
                Resolution.write(
                    list(assembly.resolutions), {'text': "Something else"})
            with self.assertRefused(AssemblyAccessError):
                Resolution.create([{
                            'assembly': assembly.id, 'name': "New",
                            'text': "New", 'kind': 'ordinary'}])
            with self.assertRefused(AssemblyAccessError):
                Roll.write(list(assembly.roll), {'category': 'external'})
            with self.assertRefused(AssemblyAccessError):
                Roll.delete(list(assembly.roll))
            # Who comes later is not on the roll, and its names stay
            zoe, = admit(company, "Zoe")
            ana, *_ = Associate.search([], order=[('number', 'ASC')])
            ana.party.name = "Anne"
            ana.party.save()
            assembly = Assembly(assembly.id)
            self.assertEqual(
                [r.name for r in assembly.roll], ["Ana", "Ben"])
            self.assertTrue(assembly.roll_intact)
            with self.assertRefused(AssemblyAccessError):
                Roll.create([{
                            'assembly': assembly.id, 'associate': zoe.id,
                            'number': zoe.number, 'name': "Zoe",
                            'category': 'employed'}])
            # Tampering with the database is seen
            table = Roll.__table__()
            cursor = Transaction().connection.cursor()
            cursor.execute(*table.update(
                    [table.name], ["Zoe"],
                    where=table.id == assembly.roll[1].id))
            clear_cache()
            assembly = Assembly(assembly.id)
            self.assertFalse(assembly.roll_intact)
            with self.assertRefused(AssemblyError):
                Assembly.open([assembly])
            copy, = Assembly.copy([assembly])
            self.assertEqual(copy.state, 'draft')
            self.assertFalse(copy.roll)
            self.assertEqual(len(copy.resolutions), 1)

    @with_transaction()
    def test_record_date(self):
        "Test that only the associates on the record date are on the roll"
        pool = Pool()
        Assembly = pool.get('cae.assembly')
        with cooperative() as company:
            ana, ben = admit(company, "Ana", "Ben")
            admit(company, "Eve", admission_date=date(4, 15))
            admit(company, "Joe", admission_date=date(4, 16))
            ben.lost_date, ben.loss_reason = date(4, 15), 'resignation'
            ben.save()
            assembly = prepare(
                company, 'ordinary', record_date=date(4, 15))
            Assembly.convene([assembly])
            self.assertEqual(
                [r.name for r in assembly.roll], ["Ana", "Eve"])
            with self.assertRefused():
                prepare(company, 'ordinary', record_date=date(5, 2))

    @with_transaction()
    def test_proxies(self):
        "Test the limits of proxies"
        pool = Pool()
        Assembly = pool.get('cae.assembly')
        Proxy = pool.get('cae.assembly.proxy')
        Roll = pool.get('cae.assembly.roll')
        with cooperative() as company:
            admit(company, *[f"Member {i}" for i in range(40)])
            assembly = meet(company, 'ordinary', present=3)
            rows = assembly.roll
            first = give_proxy(rows[10], rows[0])
            give_proxy(rows[11], rows[0])
            self.assertEqual(
                [r.attendance for r in Roll.browse(rows[10:13])],
                ['represented', 'represented', 'absent'])
            assembly = Assembly(assembly.id)
            self.assertEqual(
                (assembly.members, assembly.present, assembly.represented,
                    assembly.voters), (40, 3, 2, 5))
            # The third is above a twentieth of 40
            with self.assertRefused(ProxyValidationError) as cm:
                give_proxy(rows[12], rows[0])
            self.assertIn("art. 14", str(cm.exception))
            # Neither present nor twice represented, no chain
            with self.assertRefused(ProxyValidationError):
                give_proxy(rows[1], rows[2])
            with self.assertRefused(ProxyValidationError):
                give_proxy(rows[12], rows[10])
            with self.assertRefused():
                give_proxy(rows[12], rows[12])
            with self.assertRefused(ProxyValidationError):
                Roll.arrive([rows[10]])
            with self.assertRefused(AssemblyAccessError):
                Proxy.delete([first])
            with self.assertRefused(AssemblyAccessError):
                Proxy.write([first], {'holder': rows[1].id})
            # Who leaves takes those represented along
            Roll.leave([rows[0]])
            assembly = Assembly(assembly.id)
            self.assertEqual((assembly.present, assembly.voters), (2, 2))
            with self.assertRefused(ProxyValidationError):
                give_proxy(rows[0], rows[1])
            Roll.arrive([rows[0]])
            Proxy.revoke([first])
            Roll.arrive([rows[10]])
            self.assertEqual(Roll(rows[10].id).attendance, 'present')
            give_proxy(rows[13], rows[0])
            with self.assertRaises(SQLConstraintError):
                give_proxy(rows[13], rows[1])

    @with_transaction()
    def test_decisions(self):
        "Test the decisions of an assembly on both calls"
        pool = Pool()
        Assembly = pool.get('cae.assembly')
        Associate = pool.get('cae.associate')
        Resolution = pool.get('cae.assembly.resolution')
        Vote = pool.get('cae.assembly.vote')
        with cooperative(create_accounts) as company:
            associates = admit(
                company, *[f"Member {i}" for i in range(40)])
            # One person one vote, whatever the shares
            move_shares(associates[0], 10, date(2, 1), 'opening')
            move_shares(associates[1], 10, date(2, 1), 'opening')
            assembly = meet(
                company, 'ordinary', 'extraordinary', present=21)
            self.assertEqual(assembly.quorum_ordinary, None)
            self.assertEqual(assembly.quorum_extraordinary, 10)
            first, second = assembly.resolutions
            with self.assertRefused(AssemblyError):
                Assembly.close([assembly])
            with self.assertRefused(VoteAccessError):
                give_votes(first, for_=1)
            Resolution.vote([first])
            votes = give_votes(first, for_=18, against=3)
            absent = assembly.roll[30]
            for caster in [absent, assembly.roll[0]]:
                with self.assertRefused(VoteValidationError):
                    Vote.create([{
                                'resolution': first.id,
                                'roll': absent.id,
                                'cast_by': caster.id,
                                'choice': 'for'}])
            Vote.write(votes[:1], {'choice': 'against'})
            Vote.write(votes[:1], {'choice': 'for'})
            with self.assertRefused(VoteAccessError):
                Vote.delete(votes[:1])
            Resolution.close([first])
            first = Resolution(first.id)
            self.assertEqual(
                (first.result, first.members, first.voters, first.for_,
                    first.against, first.abstain, first.blank,
                    first.votes_needed, first.quorum),
                ('rejected', 40, 21, 18, 3, 0, 0, 21, None))
            self.assertIn("L223-29", first.source)
            with self.assertRefused(VoteAccessError):
                Vote.write(votes[:1], {'choice': 'against'})
            with self.assertRefused(AssemblyAccessError):
                Resolution.write([first], {'result': 'adopted'})

            Resolution.vote([second])
            give_votes(second, for_=14, against=3, blank=2)
            Resolution.close([second])
            second = Resolution(second.id)
            self.assertEqual(
                (second.result, second.abstain, second.quorum,
                    second.votes_needed), ('adopted', 2, 10, 14))
            Assembly.close([assembly])
            with self.assertRefused(AssemblyAccessError):
                Assembly.write([assembly], {'remarks': "Later"})

            again = meet(
                company, 'ordinary', present=21, call='2',
                previous=assembly.id)
            resolution, = again.resolutions
            Resolution.vote([resolution])
            give_votes(resolution, for_=18, against=3)
            Resolution.close([resolution])
            self.assertEqual(Resolution(resolution.id).result, 'adopted')
            with self.assertRefused(ResolutionError):
                Resolution.vote(list(prepare(company, 'ordinary').resolutions))
            self.assertEqual(len(Associate.search([])), 40)

    @with_transaction()
    def test_vote_by_proxy(self):
        "Test that the holder votes once for each principal"
        pool = Pool()
        Resolution = pool.get('cae.assembly.resolution')
        Roll = pool.get('cae.assembly.roll')
        with cooperative() as company:
            admit(company, "Ana", "Ben", "Eve")
            assembly = meet(company, 'ordinary', present=1, call='1')
            ana, ben, eve = assembly.roll
            give_proxy(ben, ana)
            resolution, = assembly.resolutions
            Resolution.vote([resolution])
            self.assertEqual(
                resolution.eligible(), [(ana, ana), (ben, ana)])
            own, other = give_votes(resolution, against=1, for_=1)
            self.assertEqual((own.roll, own.cast_by), (ana, ana))
            self.assertEqual((other.roll, other.cast_by), (ben, ana))
            self.assertEqual(resolution.eligible(), [])
            # Votes given count even when the voter leaves
            Roll.leave([ana])
            Roll.arrive([eve])
            Resolution.close([resolution])
            resolution = Resolution(resolution.id)
            self.assertEqual(
                (resolution.voters, resolution.for_, resolution.against,
                    resolution.abstain, resolution.result),
                (3, 1, 1, 1, 'rejected'))

    @with_transaction()
    def test_vote_once(self):
        "Test that nobody votes twice"
        pool = Pool()
        Resolution = pool.get('cae.assembly.resolution')
        Vote = pool.get('cae.assembly.vote')
        with cooperative() as company:
            admit(company, "Ana", "Ben")
            assembly = meet(company, 'ordinary', present=1)
            resolution, = assembly.resolutions
            Resolution.vote([resolution])
            vote, = give_votes(resolution, for_=1)
            with self.assertRaises(SQLConstraintError):
                Vote.create([{
                            'resolution': resolution.id,
                            'roll': vote.roll.id,
                            'cast_by': vote.roll.id,
                            'choice': 'against'}])

    @with_transaction()
    def test_statutes(self):
        "Test the rules of the statutes"
        pool = Pool()
        Rule = pool.get('cae.assembly.rule')
        Resolution = pool.get('cae.assembly.resolution')
        values = {
            'legal_form': 'scop_sarl',
            'kind': 'extraordinary',
            'call': '1',
            'quorum_numerator': 3,
            'quorum_denominator': 4,
            'majority_numerator': 3,
            'majority_denominator': 4,
            'base': 'present',
            }
        with cooperative() as company:
            values['company'] = company.id
            for change in [
                    {'quorum_numerator': 1, 'quorum_denominator': 5},
                    {'quorum_numerator': 0},
                    {'majority_numerator': 1, 'majority_denominator': 2},
                    {'base': 'cast'},
                    ]:
                with self.assertRefused(AssemblyValidationError):
                    Rule.create([{**values, **change}])
            Rule.create([values, {
                        **values, 'legal_form': 'scop_sas',
                        'kind': 'ordinary', 'base': 'cast', 'strict': True,
                        'quorum_numerator': 0, 'majority_numerator': 2,
                        }])
            admit(company, *[f"Member {i}" for i in range(41)])
            for present, for_, result in [
                    (30, 30, 'no_quorum'), (31, 23, 'rejected'),
                    (31, 24, 'adopted')]:
                assembly = meet(company, 'extraordinary', present=present)
                self.assertEqual(assembly.quorum_extraordinary, 31)
                resolution, = assembly.resolutions
                Resolution.vote([resolution])
                give_votes(resolution, for_=for_)
                Resolution.close([resolution])
                self.assertEqual(
                    Resolution(resolution.id).result, result)
            assembly = meet(
                company, 'ordinary', legal_form='scop_sas', present=3)
            resolution, = assembly.resolutions
            Resolution.vote([resolution])
            give_votes(resolution, for_=2, against=1)
            Resolution.close([resolution])
            self.assertEqual(Resolution(resolution.id).result, 'adopted')
            with self.assertRaises(SQLConstraintError):
                Rule.create([values])

    @with_transaction()
    def test_external_votes(self):
        "Test that external votes are reduced to 35 %"
        pool = Pool()
        Resolution = pool.get('cae.assembly.resolution')
        with cooperative() as company:
            admit(company, *[f"Member {i}" for i in range(30)])
            admit(company, *[f"External {i}" for i in range(20)],
                category='external')
            assembly = meet(
                company, 'ordinary', 'ordinary', present=50, call='2',
                previous=_closed(company).id)
            self.assertEqual(assembly.weight, Fraction(21, 26))
            self.assertEqual(assembly.external_weight, '21/26')
            for resolution, employed, result in [
                    # 20 external and 6 employed: 22.15 of 46.15
                    (assembly.resolutions[0], 6, 'rejected'),
                    (assembly.resolutions[1], 7, 'adopted')]:
                Resolution.vote([resolution])
                Vote = pool.get('cae.assembly.vote')
                Vote.create([{
                            'resolution': resolution.id,
                            'roll': row.id,
                            'cast_by': row.id,
                            'choice': (
                                'for' if i < employed
                                or row.category == 'external' else 'against'),
                            } for i, row in enumerate(assembly.roll)])
                Resolution.close([resolution])
                self.assertEqual(
                    Resolution(resolution.id).result, result)

    def _create_user(self, login, group, company):
        pool = Pool()
        ModelData = pool.get('ir.model.data')
        User = pool.get('res.user')
        module, name = group.split('.')
        user, = User.create([{
                    'name': login,
                    'login': login,
                    'companies': [('add', [company.id])],
                    'company': company.id,
                    'groups': [('add', [ModelData.get_id(module, name)])],
                    }])
        return user

    @contextmanager
    def as_user(self, user):
        User = Pool().get('res.user')
        with Transaction().set_user(user.id), check_access():
            with Transaction().set_context(
                    User.get_preferences(context_only=True)):
                yield

    @with_transaction()
    def test_rights(self):
        "Test what an entrepreneur who is an associate may do"
        pool = Pool()
        Assembly = pool.get('cae.assembly')
        Associate = pool.get('cae.associate')
        Cast = pool.get('cae.assembly.cast', type='wizard')
        Entrepreneur = pool.get('cae.entrepreneur')
        Movement = pool.get('cae.share.movement')
        Proxy = pool.get('cae.assembly.proxy')
        Resolution = pool.get('cae.assembly.resolution')
        Roll = pool.get('cae.assembly.roll')
        Transfer = pool.get('cae.share.transfer', type='wizard')
        Vote = pool.get('cae.assembly.vote')
        with cooperative(create_accounts) as company:
            user = self._create_user(
                'ana', 'cae_members.group_entrepreneur', company)
            ana, ben, eve, joe = admit(company, "Ana", "Ben", "Eve", "Joe")
            Entrepreneur.create([{
                        'party': ana.party.id, 'company': company.id,
                        'user': user.id, 'welcome_date': ADMISSION}])
            for associate in [ana, ben, eve, joe]:
                move_shares(associate, 10, date(1, 10))
            # On the roll of the second assembly only
            lost = _closed(company)
            other = prepare(company, 'ordinary', record_date=ADMISSION)
            assembly = meet(company, 'ordinary', 'ordinary', present=3)
            rows = assembly.roll
            give_proxy(rows[3], rows[0])
            first, second = assembly.resolutions
            Resolution.vote([first, second])
            self.assertIsNotNone(lost)

            with self.as_user(user):
                self.assertEqual(Associate.search([]), [ana])
                self.assertEqual(
                    [m.associate for m in Movement.search([])], [ana])
                self.assertNotIn(other, Assembly.search([]))
                self.assertIn(assembly, Assembly.search([]))
                self.assertEqual(
                    Associate.search([('movements.quantity', '=', 10)]),
                    [ana])
                self.assertEqual(
                    len(Roll.search([('assembly', '=', assembly.id)])), 4)
                for domain in [
                        [('associate', '=', ben.id)],
                        [('associate.movements.quantity', '=', 10)]]:
                    with self.assertRaises(AccessError):
                        Roll.search(domain)
                for domain in [
                        [('votes.choice', '=', 'for')],
                        [('votes', 'where', [('choice', '=', 'for')])]]:
                    with self.assertRaises(AccessError):
                        Resolution.search(domain)
                with self.assertRaises(AccessError):
                    Associate.read([ben.id], ['holdings'])
                with self.assertRaises(AccessError):
                    pool.get('account.move').search([])
                with self.assertRaises(AccessError):
                    Movement.search([('moves.number', '!=', None)])
                for method, records in [
                        (Resolution.close, [first]), (Roll.leave, [rows[1]]),
                        (Assembly.close, [assembly]),
                        (Associate.admit, [ana])]:
                    with self.assertRaises(AccessButtonError):
                        method(records)
                for Model, values in [
                        (Vote, {'resolution': first.id, 'roll': rows[1].id,
                                'cast_by': rows[1].id, 'choice': 'for'}),
                        (Proxy, {'assembly': assembly.id,
                                'principal': rows[1].id,
                                'holder': rows[0].id}),
                        (Movement, {'associate': ana.id, 'quantity': 5,
                                'decision': "Mine"})]:
                    with self.assertRaises(AccessError):
                        Model.create([values])
                with self.assertRaises(AccessError):
                    Transfer.create()
                with self.assertRaises(AccessError):
                    session_id = pool.get('ir.session.wizard').create([{}])
                    transfer = Transfer(session_id[0].id)
                    transfer.start.from_ = ben
                    transfer.start.to = ana
                    transfer.transition_transfer()

                # Own vote and the one of who is represented
                context = {
                    'active_model': Resolution.__name__,
                    'active_id': first.id,
                    'active_ids': [first.id],
                    }
                with Transaction().set_context(context):
                    session_id, _, _ = Cast.create()
                    cast = Cast(session_id)
                    start = cast.default_start([])
                    self.assertEqual(
                        [v['roll'] for v in start['votes']],
                        [rows[0].id, rows[3].id])
                    data = {'start': {'resolution': first.id, 'votes': [
                                {**v, 'choice': 'for'}
                                for v in start['votes']]}}
                    Cast.execute(session_id, data, 'vote')
                    # Not the one of another
                    session_id, _, _ = Cast.create()
                    data = {'start': {'resolution': first.id, 'votes': [{
                                    'roll': rows[1].id, 'choice': 'for'}]}}
                    with self.assertRaises(VoteValidationError):
                        Cast.execute(session_id, data, 'vote')
                    with self.assertRaises(ResolutionError):
                        Cast(session_id).default_start([])
            give_votes(first, against=2)
            with self.as_user(user):
                self.assertEqual(
                    {v.roll for v in Vote.search([])}, {rows[0], rows[3]})
            Resolution.close([first])
            with self.as_user(user):
                self.assertEqual(
                    len(Vote.search([('resolution', '=', first.id)])), 4)
                self.assertEqual(
                    Resolution(first.id).result, 'rejected')

            # A member of staff sees their own too
            employee = create_employee(company)
            staff, = apply(company, "Staff")
            Associate.write([staff], {'party': employee.party.id})
            Associate.admit([staff])
            clerk = self._create_user(
                'clerk', 'cae_members.group_entrepreneur', company)
            pool.get('res.user').write([clerk], {
                    'employees': [('add', [employee.id])]})
            with self.as_user(clerk):
                self.assertEqual(Associate.search([]), [staff])
                self.assertEqual(Assembly.search([]), [])
                self.assertEqual(Vote.search([]), [])
            manager = self._create_user(
                'manager', 'cae_governance.group_governance', company)
            with self.as_user(manager):
                self.assertEqual(len(Associate.search([])), 5)
                self.assertEqual(
                    len(Vote.search([('resolution', '=', first.id)])), 4)
                Resolution.close([second])
                Assembly.close([assembly])

    @with_transaction()
    def test_minutes(self):
        "Test the minutes"
        pool = Pool()
        Minutes = pool.get('cae.assembly.minutes', type='report')
        Resolution = pool.get('cae.assembly.resolution')
        with cooperative() as company:
            admit(company, "Ana", "Ben", "Eve")
            assembly = meet(
                company, 'ordinary', 'extraordinary', present=2,
                remarks="The accounts were presented.\nNo incident.")
            Resolution.vote(assembly.resolutions[:1])
            give_votes(assembly.resolutions[0], for_=2)
            Resolution.close(assembly.resolutions[:1])
            format_, content, _, name = Minutes.execute([assembly.id], {})
            self.assertEqual(format_, 'odt')
            self.assertTrue(content)
            self.assertIn("General Meeting", name)

    @with_transaction()
    def test_settlement(self):
        "The membership, shares and proxies of who leaves are shown"
        pool = Pool()
        Assembly = pool.get('cae.assembly')
        Entrepreneur = pool.get('cae.entrepreneur')
        Settlement = pool.get('cae.settlement')
        with cooperative(create_accounts) as company:
            ana, ben, cid = admit(company, "Ana", "Ben", "Cid")
            applicant, = apply(company, "Dan")
            for associate in [ana, ben, cid]:
                move_shares(associate, 10, date(1, 5))
                pay(associate, Decimal(500), date(1, 6))
            assembly = prepare(company, 'ordinary')
            Assembly.convene([assembly])
            rows = {
                r.associate: r for r in Assembly(assembly.id).roll}
            proxy = give_proxy(rows[ben], rows[ana])
            settlements = Settlement.create([{
                        'company': company.id,
                        'entrepreneur': entrepreneur.id,
                        'date': date(4, 30),
                        'outcome': 'other',
                        'exit_reason': 'other',
                        } for entrepreneur in Entrepreneur.create([{
                                'company': company.id,
                                'party': a.party.id,
                                'welcome_date': ADMISSION,
                                } for a in [ana, ben, applicant]])])

            def found():
                Settlement.check(settlements)
                return [
                    sorted(str(f.origin) for f in s.facts
                        if not f.blocking)
                    for s in Settlement.browse(settlements)]
            self.assertEqual(found(), [
                    sorted([str(a), str(a), str(assembly)])
                    for a in [ana, ben]] + [[str(applicant)]])
            texts = [f.message for f in settlements[0].facts]
            self.assertTrue(any("10 shares" in t for t in texts), texts)
            proxy.revoke([proxy])
            move_shares(ana, -10, date(4, 30), type='refund')
            pay(ana, Decimal(-500), date(4, 30), 'capital_refund_account')
            ana.lost_date = date(5, 1)
            ana.loss_reason = 'contract'
            ana.save()
            self.assertEqual(
                found(), [[], [str(ben), str(ben)], [str(applicant)]])
            # None of it holds the exit back
            Settlement.confirm(settlements)
            self.assertEqual(
                {e.entrepreneur.exit_date for e in settlements},
                {date(4, 30)})


def _closed(company):
    "Return a closed first assembly that decided nothing"
    pool = Pool()
    Assembly = pool.get('cae.assembly')
    Resolution = pool.get('cae.assembly.resolution')
    assembly = meet(company, 'ordinary')
    Resolution.vote(assembly.resolutions)
    Resolution.close(assembly.resolutions)
    Assembly.close([assembly])
    return assembly


del ModuleTestCase
