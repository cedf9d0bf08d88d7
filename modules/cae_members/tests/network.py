# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import datetime as dt
from decimal import Decimal

from trytond.model.exceptions import AccessError
from trytond.modules.cae_members.exceptions import (
    ContractValidationError, HolderValidationError, TakingOverError,
    TradeError)
from trytond.modules.cae_members.tests.server import undone, with_transaction
from trytond.modules.company.tests import set_company
from trytond.pool import Pool
from trytond.transaction import Transaction

PEOPLE = """\
Identifiant interne;Nom;Prénom;E-mail 1;Sexe;Date de naissance;Accueil;\
Date d'entrée;Date de sortie;Type de sortie;Secteur d'activité;Antenne;\
Prescripteur;Projet
P1;Martin;Ana;ana@example.com;F;02/03/1990;05/01/2026;01/02/2026;;;Artisanat;\
Nord;Mission locale;Poterie
P2;Petit;Bob;;H;1970-05-06;2025-02-03;2025-03-01;2026-06-30;Société;
P3;Durand;Cléo;;;;03/03/2026;;;;
"""
CONTRACTS = """\
person,type,start_date,end_date
P1,cape,2026-02-01,2027-01-31
P2,cape,2025-03-01,2026-02-28
P2,cape,2026-03-01,2026-06-30
"""
ACTIVITIES = """\
code,name,trade,person,share,from_date
A7,Atelier,,P1,60,2026-02-01
A7,Atelier,,P2,40,2026-02-01
A8,Conseil,Crafts,P1,,2026-02-01
"""


def create_named():
    "Return the branch and the prescriber that the file of people names"
    pool = Pool()
    branch, = pool.get('cae.branch').create([{'name': "Nord"}])
    prescriber, = pool.get('party.party').create([{'name': "Mission locale"}])
    pool.get('cae.partner').create([{
                'party': prescriber.id, 'kind': 'prescriber'}])
    return branch, prescriber


def take_over(company, kind, text):
    "Take the text over with the wizard; return the problems it shows"
    TakeOver = Pool().get('cae.take_over', type='wizard')
    session, state, _ = TakeOver.create()
    result = TakeOver.execute(session, {state: {
                'company': company.id,
                'kind': kind,
                'file': text.encode(),
                }}, 'check')
    problems = result['view']['defaults']['problems']
    if not problems:
        TakeOver.execute(session, {'result': {}}, 'create_')
    TakeOver.delete(session)
    return [(p['line'], p['message']) for p in problems]


class NetworkMixin:
    "What a network asks of its cooperatives, and what is taken over"

    @with_transaction()
    def test_take_over(self):
        "People, contracts and activities are taken over from files"
        from .test_module import setup_company
        pool = Pool()
        Activity = pool.get('cae.activity')
        Entrepreneur = pool.get('cae.entrepreneur')
        Party = pool.get('party.party')
        company = setup_company()
        with set_company(company):
            branch, prescriber = create_named()
            self.assertEqual(take_over(company, 'people', PEOPLE), [])
            ana, bob, cleo = Entrepreneur.search([])
            self.assertEqual(
                (ana.branch, ana.prescriber, ana.project),
                (branch, prescriber, "Poterie"))
            self.assertEqual(
                (bob.branch, bob.prescriber, bob.project), (None, None, None))
            # No value of its own, but that of the configuration
            self.assertEqual(ana.party.langs, ())
            lang, = pool.get('ir.lang').search([('code', '=', 'fr')])
            configuration = pool.get('party.configuration')(1)
            configuration.party_lang = lang
            configuration.save()
            self.assertEqual(Party(ana.party.id).lang, lang)
            self.assertEqual(
                [e.party.name for e in [ana, bob, cleo]],
                ["Ana Martin", "Bob Petit", "Cléo Durand"])
            self.assertEqual(ana.code, 'P1')
            self.assertEqual(ana.party.email, 'ana@example.com')
            self.assertEqual(ana.birth_date, dt.date(1990, 3, 2))
            self.assertEqual(ana.trade.sector, 'crafts')
            self.assertEqual(bob.gender, 'male')
            self.assertEqual(bob.exit_outcome, 'company')
            self.assertEqual(take_over(company, 'contracts', CONTRACTS), [])
            self.assertEqual(len(bob.contracts), 2)
            self.assertTrue(all(c.number for c in bob.contracts))
            self.assertEqual(
                Entrepreneur.stages_at([ana, bob], dt.date(2026, 6, 1)),
                {ana.id: 'cape', bob.id: 'cape'})
            self.assertEqual(take_over(company, 'activities', ACTIVITIES), [])
            shared, = Activity.search([('code', '=', 'A7')])
            self.assertEqual(
                sorted(h.share for h in shared.holders),
                [Decimal('0.4'), Decimal('0.6')])

    @with_transaction()
    def test_take_over_problems(self):
        "Every problem is shown with its line and nothing is taken over"
        from .test_module import setup_company
        pool = Pool()
        Entrepreneur = pool.get('cae.entrepreneur')
        Party = pool.get('party.party')
        TakeOver = pool.get('cae.take_over', type='wizard')
        company = setup_company()
        parties = Party.search([], count=True)
        with set_company(company):
            text = PEOPLE + (
                'P1;Double;;;;;05/01/2026;;;;\n'
                'P5;Wrong;;;X;31/02/1990;05/01/2026;;;;\n'
                'P6;Back;;;;;05/01/2026;01/01/2026;;;\n'
                ';;;;;;05/01/2026;;;Société;\n')
            problems = take_over(company, 'people', text)
            self.assertEqual(
                [line for line, _ in problems], [2, 2, 2, 5, 6, 6, 7, 8, 8])
            for (_, message), part in zip(problems, [
                        "several", "Nord", "Mission locale", "several",
                        "not known", "31/02/1990",
                        "before", "left_on", "name"]):
                self.assertIn(part, message)
            self.assertEqual(Party.search([], count=True), parties)
            with self.assertRaisesRegex(TakingOverError, "line 2"):
                session, state, _ = TakeOver.create()
                TakeOver.execute(session, {state: {
                            'company': company.id,
                            'kind': 'people',
                            'file': text.encode(),
                            }}, 'create_')
            self.assertEqual(Entrepreneur.search([]), [])

            create_named()
            self.assertEqual(take_over(company, 'people', PEOPLE), [])
            self.assertEqual(
                [line for line, _ in take_over(company, 'people', PEOPLE)],
                [2, 3, 4])
            self.assertEqual(
                [line for line, _ in take_over(
                        company, 'contracts',
                        CONTRACTS + 'P9,cape,2026-01-01,\n'
                        'P1,unknown,2026-01-01,2025-01-01\n')],
                [5, 6, 6])

    @with_transaction()
    def test_take_over_follows_the_rules(self):
        "What is taken over is held to the rules of what is typed"
        from .test_module import setup_company
        Contract = Pool().get('cae.contract')
        company = setup_company()
        with set_company(company):
            create_named()
            take_over(company, 'people', PEOPLE)
            with undone(), self.assertRaises(ContractValidationError):
                take_over(
                    company, 'contracts',
                    CONTRACTS + 'P1,cape,2026-06-01,2026-08-31\n')
            self.assertEqual(Contract.search([]), [])
            with undone(), self.assertRaises(HolderValidationError):
                take_over(
                    company, 'activities', ACTIVITIES.replace('40', '30'))

    @with_transaction()
    def test_take_over_rights(self):
        "An advisor takes nothing over"
        from .test_module import create_user, set_user, setup_company
        company = setup_company()
        advisor = create_user('advisor', company, 'cae_members.group_advisor')
        with set_user(advisor), self.assertRaises(AccessError):
            take_over(company, 'people', PEOPLE)

    @with_transaction()
    def test_network_report(self):
        "The report counts, adds up and prints"
        from .test_module import create_user, set_user, setup_company
        pool = Pool()
        Report = pool.get('cae.network.report')
        Print = pool.get('cae.network.report', type='report')
        company = setup_company()
        advisor = create_user('advisor', company, 'cae_members.group_advisor')
        User = pool.get('res.user')
        User.write([User(Transaction().user)], {
                'companies': [('add', [company.id])],
                })
        with set_company(company):
            create_named()
            take_over(company, 'people', PEOPLE)
            take_over(company, 'contracts', CONTRACTS)
            report, = Report.create([{
                        'name': "2026",
                        'start_date': dt.date(2026, 1, 1),
                        'end_date': dt.date(2026, 12, 31),
                        }])
            Report.compute([report])
            counts = {(line.group, line.key): line.count
                for line in report.lines}
            self.assertEqual(
                [counts['funnel', key] for key in [
                        'welcomed', 'entered', 'accompanied', 'left']],
                [2, 1, 2, 1])
            self.assertEqual(counts['outcome', 'company'], 1)
            self.assertEqual(
                {key for group, key in counts if group == 'age'},
                {'30-50', '51+'})
            self.assertEqual(counts['sector', 'unknown'], 1)
            self.assertEqual(len(report.months), 12)
            self.assertEqual(
                [(m.welcomed, m.cape) for m in report.months][1:3],
                [(0, 2), (1, 2)])
            # Computed again it has its lines once
            lines = len(report.lines)
            Report.compute([report])
            self.assertEqual(len(Report(report.id).lines), lines)
            with set_user(advisor):
                oext, content, _, _ = Print.execute([report.id], {})
            self.assertEqual(oext, 'odt')
            self.assertTrue(content)

    @with_transaction()
    def test_network_report_cooperatives(self):
        "Each cooperative has its part of the figures"
        from trytond.modules.company.tests import create_company

        from .test_module import (
            create_entrepreneur, create_user, set_user, setup_company)
        pool = Pool()
        Address = pool.get('party.address')
        Country = pool.get('country.country')
        Print = pool.get('cae.network.report', type='report')
        Report = pool.get('cae.network.report')
        User = pool.get('res.user')
        company = setup_company()
        other = create_company(name="Other", currency=company.currency)
        other.cae_kind = 'generalist'
        other.save()
        advisor = create_user('advisor', company, 'cae_members.group_advisor')
        belgium, = Country.create([{'name': "Belgium"}])
        Address.create([{'party': other.party.id, 'country': belgium.id}])
        User.write([User(Transaction().user), advisor], {
                'companies': [('add', [company.id, other.id])],
                })
        with set_company(company):
            create_entrepreneur(
                company, "Ana", welcome_date=dt.date(2026, 3, 1))
            report, = Report.create([{
                        'name': "2026",
                        'companies': [('add', [company.id, other.id])],
                        'start_date': dt.date(2026, 1, 1),
                        'end_date': dt.date(2026, 12, 31),
                        }])
            for _ in range(2):
                Report.compute([report])
                report = Report(report.id)
                self.assertEqual({
                        (c.company, c.country, c.kind, c.welcomed)
                        for c in report.cooperatives}, {
                        (company, None, None, 1),
                        (other, belgium, 'generalist', 0)})
            total, = [
                line.count for line in report.lines
                if line.key == 'welcomed']
            self.assertEqual(total, 1)
        with set_user(advisor):
            _, content, _, _ = Print.execute([report.id], {})
        self.assertTrue(content)

    @with_transaction()
    def test_network_report_company(self):
        "The figures of a company of others are not added up"
        from trytond.modules.company.tests import create_company

        from .test_module import create_user, refused, set_user, setup_company
        Report = Pool().get('cae.network.report')
        company = setup_company()
        other = create_company(name="Other")
        advisor = create_user('advisor', company, 'cae_members.group_advisor')
        values = {
            'name': "2026",
            'start_date': dt.date(2026, 1, 1),
            'end_date': dt.date(2026, 12, 31),
            }
        with set_user(advisor):
            with refused(AccessError, "not among your companies"):
                Report.create([{
                            'companies': [
                                ('add', [company.id, other.id])],
                            **values}])
            report, = Report.create([{
                        'companies': [('add', [company.id])], **values}])
            Report.compute([report])
            report = Report(report.id)
            line, = report.cooperatives
            self.assertEqual((line.company, line.welcomed), (company, 0))
            with refused(AccessError, "not among your companies"):
                Report.write([report], {'companies': [('add', [other.id])]})

    @with_transaction()
    def test_trade(self):
        "A trade may be refused or have conditions"
        from .test_module import create_activity, setup_company
        pool = Pool()
        Trade = pool.get('cae.trade')
        company = setup_company()
        with set_company(company):
            roofer, driver = Trade.create([{
                        'name': "Roofer",
                        'sector': 'crafts',
                        'admission': 'conditional',
                        'reason': 'insurance',
                        'conditions': "Ten-year insurance",
                        }, {
                        'name': "Taxi",
                        'admission': 'refused',
                        'reason': 'regulation',
                        'conditions': "The licence is personal",
                        }])
            with undone(), self.assertRaisesRegex(
                    TradeError, "Ten-year insurance"):
                create_activity("Roofs", trade=roofer.id)
            with undone(), self.assertRaisesRegex(TradeError, "personal"):
                create_activity(
                    "Taxi", trade=driver.id, conditions_met=True)
            activity = create_activity(
                "Roofs", trade=roofer.id, conditions_met=True)
            with undone(), self.assertRaises(TradeError):
                activity.conditions_met = False
                activity.save()

    @with_transaction()
    def test_trade_at_home(self):
        "Services at home stand in a cooperative of their own"
        from .test_module import create_activity, setup_company
        Trade = Pool().get('cae.trade')
        company = setup_company()
        with set_company(company):
            garden, roof = Trade.create([{
                        'name': "Gardening",
                        'sector': 'personal_services',
                        'personal_service': True,
                        }, {
                        'name': "Roofs",
                        'sector': 'crafts',
                        }])
            with undone(), self.assertRaisesRegex(TradeError, "at home"):
                create_activity("Garden", trade=garden.id)
            create_activity("Roof", trade=roof.id)
            company.cae_kind = 'thematic'
            company.cae_theme = 'personal_services'
            company.save()
            create_activity("Garden", trade=garden.id)
            with undone(), self.assertRaisesRegex(TradeError, "is not one"):
                create_activity("Another Roof", trade=roof.id)
