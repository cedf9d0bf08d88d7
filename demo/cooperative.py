# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""A cooperative of any size, made as its staff would make it.

The documents are created by the buttons and methods behind the screens, in
bulk, so that the same generator makes a demonstration and a large database.
"""
import datetime as dt
import random
from collections import defaultdict
from decimal import Decimal
from itertools import cycle, islice

from dateutil.relativedelta import relativedelta

from trytond.transaction import Transaction

from .logo import draw

CENT = Decimal('0.01')
CUSTOMERS = [
    "Boulangerie du Port", "Mairie de Saint-Aubin", "Lycée Jean Moulin",
    "Garage Martin", "Cabinet Lefort", "Librairie des Halles",
    "Ferme des Tilleuls", "Studio Horizon", "Hôtel de la Gare",
    "Pharmacie Centrale"]
SUPPLIERS = [
    "Papeterie Durand", "Bailleur des Docks", "Imprimerie Colas",
    "Assurances Mutuelles", "Fournitures Pro"]
FIRST = [
    "Amina", "Bruno", "Chloé", "David", "Elsa", "Farid", "Gaëlle", "Hugo",
    "Inès", "Julien", "Karim", "Léa", "Manon", "Nicolas", "Océane", "Paul",
    "Rachel", "Samir", "Thomas", "Yasmine"]
LAST = [
    "Armand", "Benali", "Carpentier", "Delmas", "Etienne", "Fontaine",
    "Gauthier", "Haddad", "Imbert", "Joly", "Kerjean", "Lacroix", "Morel",
    "Nguyen", "Olivier", "Perrin", "Rousseau", "Schmitt", "Tessier"]
TRADES = [
    "Graphisme", "Traduction", "Menuiserie", "Conseil en énergie",
    "Formation", "Jardins", "Photographie", "Couture", "Développement web",
    "Céramique", "Rédaction", "Animation"]
FUNDER = "Région Pays de la Loire"
# Where people drive, with the kilometres one way
TRIPS = [("Saint-Nazaire", 62), ("Angers", 91), ("Rennes", 112)]
# Of twelve: two candidates, three under a CAPE, seven employed, three of
# them associates
STAGES = ['support'] * 2 + ['cape'] * 3 + ['cesa'] * 4 + ['associate'] * 3


class Person:
    "One entrepreneur of the cooperative with its records"

    def __init__(self, index, stage):
        self.index = index
        self.stage = stage
        self.name = (
            f"{FIRST[index % len(FIRST)]} "
            f"{LAST[index * 7 % len(LAST)]}"
            + (f" {index}" if index >= len(FIRST) else ''))
        self.trade = TRADES[index % len(TRADES)]

    @property
    def sells(self):
        return self.stage != 'support'

    @property
    def employed(self):
        return self.stage in {'cesa', 'associate'}


class Cooperative:
    """Make the cooperative with ``server`` and work its months.

    ``start`` is the first day of the fiscal year and of the first month.
    ``opening`` keeps what each activity brought into the year and ``grants``
    what it was granted, by id.
    """

    def __init__(self, server, entrepreneurs=12, months=3, staff=3,
            start=dt.date(2026, 1, 1), seed=1, invoices=3, say=None):
        self.server = server
        self.random = random.Random(seed)
        self.start = start
        self.months = months
        self.invoices = invoices
        self.staff = [f"{FIRST[-i - 1]} {LAST[-i - 3]}" for i in range(staff)]
        self.people = [
            Person(i, stage) for i, stage in enumerate(
                islice(cycle(STAGES), entrepreneurs))]
        self.opening = {}
        self.grants = {}
        self.say = say or (lambda text: None)

    def get(self, name, type='model'):
        return self.server.pool.get(name, type=type)

    @property
    def user(self):
        "The person whose user the demonstration shows"
        return next(
            (p for p in reversed(self.people) if p.employed), self.people[0])

    @property
    def spenders(self):
        "The persons with expenses and charges, a few however many there are"
        sellers = [p for p in self.people if p.sells]
        last = [self.user] if self.user.sells else []
        return last + [p for p in sellers if p is not self.user][:3]

    def build(self):
        "Make the cooperative up to its opening balances"
        self.say("The company, its chart of accounts and its fiscal year")
        self.server.run(self.make_company)
        self.server.run(self.make_chart)
        self.server.run(self.make_fiscalyear)
        self.server.run(self.make_setup)
        self.say(f"{len(self.people)} entrepreneurs, {len(self.staff)} staff")
        self.server.run(self.make_people)
        self.server.run(self.make_vehicles)
        self.server.run(self.make_fee_rules)
        self.server.run(self.make_pay_terms)
        self.server.run(self.make_associates)
        self.server.run(self.make_opening)

    def work(self):
        "Enter and close each month, then hold the assembly"
        for number in range(self.months):
            month = self.start + relativedelta(months=number)
            self.say(f"Month {month:%Y-%m}: documents")
            self.enter(month)
            self.say(f"Month {month:%Y-%m}: closing")
            self.close(month)
        self.say("The assembly of the associates")
        return self.server.run(self.hold_assembly)

    # Set-up

    def make_company(self):
        Company = self.get('company.company')
        Country = self.get('country.country')
        Currency = self.get('currency.currency')
        Party = self.get('party.party')
        User = self.get('res.user')
        currencies = Currency.search([('code', '=', 'EUR')])
        if not currencies:
            currencies = Currency.create([{
                        'name': "Euro", 'symbol': "€", 'code': 'EUR',
                        'numeric_code': '978', 'rounding': CENT, 'digits': 2,
                        }])
        countries = Country.search([('code', '=', 'FR')])
        if not countries:
            countries = Country.create([{'name': "France", 'code': 'FR'}])
        self.country = countries[0].id
        french, = self.get('ir.lang').search([('code', '=', 'fr')])
        party, = Party.create([{
                    'name': "Les Ateliers Réunis",
                    'lang': french.id,
                    'identifiers': [('create', [
                                {'type': 'fr_siren', 'code': '820043784'},
                                {'type': 'eu_vat', 'code': 'FR01820043784'},
                                ])],
                    'addresses': [('create', [{
                                    'street': "12 quai des Docks",
                                    'postal_code': '44000',
                                    'city': "Nantes",
                                    'country': self.country,
                                    }])],
                    }])
        company, = Company.create([{
                    'party': party.id, 'currency': currencies[0].id,
                    }])
        self.server.company = company.id
        user = User(self.server.user)
        user.companies = [company]
        user.company = company
        user.save()

    def make_chart(self):
        ModelData = self.get('ir.model.data')
        Wizard = self.get('account.create_chart', type='wizard')
        Template = self.get('account.account.template')
        company = self.company
        session, _, _ = Wizard.create()
        wizard = Wizard(session)
        wizard.account.account_template = Template(
            ModelData.get_id('account_fr', 'root'))
        wizard.account.company = company
        wizard.transition_create_account()
        wizard.properties.company = company
        for name, code in [
                ('account_receivable', '4111'),
                ('account_payable', '4011'),
                ('category_account_expense', '6064'),
                ('category_account_revenue', '706'),
                ]:
            setattr(wizard.properties, name, self.account(code))
        wizard.transition_create_properties()

    @property
    def company(self):
        return self.get('company.company')(self.server.company)

    def account(self, code):
        "Return the account of the code"
        account, = self.get('account.account').search([
                ('company', '=', self.server.company), ('code', '=', code)])
        return account

    def tax(self, name):
        "Return the tax made from the template of the French chart"
        ModelData = self.get('ir.model.data')
        tax, = self.get('account.tax').search([
                ('company', '=', self.server.company),
                ('template', '=', ModelData.get_id('account_fr', name)),
                ])
        return tax

    def journal(self, type_, code=None):
        domain = [('type', '=', type_)]
        if code:
            domain.append(('code', '=', code))
        return self.get('account.journal').search(domain, limit=1)[0]

    def period(self, date):
        Period = self.get('account.period')
        return Period.find(self.company, date=date)

    def make_fiscalyear(self):
        FiscalYear = self.get('account.fiscalyear')
        ModelData = self.get('ir.model.data')
        Sequence = self.get('ir.sequence.strict')

        def sequence(name, module, id_, prefix):
            record, = Sequence.create([{
                        'name': name, 'company': self.server.company,
                        'sequence_type': ModelData.get_id(module, id_),
                        'prefix': prefix, 'padding': 5}])
            return record.id
        year = str(self.start.year)
        invoices = {
            f'{kind}_sequence': sequence(
                f"{label} {year}", 'account_invoice',
                'sequence_type_account_invoice', f"{prefix}{year}-")
            for kind, label, prefix in [
                ('out_invoice', "Factures", 'F'),
                ('out_credit_note', "Avoirs", 'AV'),
                ('in_invoice', "Achats", 'A'),
                ('in_credit_note', "Avoirs reçus", 'AR'),
                ]}
        fiscalyear, = FiscalYear.create([{
                    'name': year,
                    'company': self.server.company,
                    'start_date': self.start,
                    'end_date': self.start + relativedelta(years=1, days=-1),
                    'move_sequence': sequence(
                        f"Écritures {year}", 'account',
                        'sequence_type_account_move', ''),
                    'invoice_sequences': [('create', [{
                                    'company': self.server.company,
                                    **invoices}])],
                    }])
        FiscalYear.create_period([fiscalyear])

    def make_setup(self):
        Company = self.get('company.company')
        Configuration = self.get('cae.configuration')
        Journal = self.get('account.journal')
        Company.write([self.company], {
                'cae_legal_form': "SCOP SARL",
                'cae_variable_capital': True,
                'cae_registry': "RCS Nantes",
                })
        Journal.create([
                {'name': "Banque", 'code': 'BQ', 'type': 'statement'},
                {'name': "Opérations diverses", 'code': 'OD',
                    'type': 'general'},
                ])
        Configuration.setup_company(self.company)
        config = Configuration(1)
        for name, value in [
                ('headcount', 60),
                ('work_accident_rate', Decimal('0.012')),
                ('legal_form', 'scop_sarl'),
                ('share_value', Decimal(50)),
                ]:
            config.set_multivalue(name, value)

    # People

    def make_people(self):
        Activity = self.get('cae.activity')
        Contract = self.get('cae.contract')
        Employee = self.get('company.employee')
        Entrepreneur = self.get('cae.entrepreneur')
        Party = self.get('party.party')
        Type = self.get('cae.contract.type')

        def parties(names):
            return Party.create([{
                        'name': name,
                        'lang': self.get('ir.lang').search(
                            [('code', '=', 'fr')])[0].id,
                        'addresses': [('create', [{
                                        'city': "Nantes",
                                        'country': self.country}])],
                        } for name in names])
        types = {t.code: t.id for t in Type.search(
                [('country_code', 'in', ['FR', None])])}
        company = self.server.company
        self.customers = [p.id for p in parties(CUSTOMERS)]
        self.suppliers = [p.id for p in parties(SUPPLIERS)]
        self.funder = parties([FUNDER])[0].id
        staff = parties(self.staff)
        advisor, = Employee.create([{
                    'party': staff[0].id, 'company': company,
                    'start_date': self.start - relativedelta(years=4)}])
        staff_contracts = Contract.create([{
                    'company': company, 'party': p.id,
                    'type': types['staff'],
                    'start_date': self.start - relativedelta(years=4),
                    } for p in staff])
        people = parties([p.name for p in self.people])
        entrepreneurs = Entrepreneur.create([{
                    'company': company, 'party': party.id,
                    'advisor': advisor.id,
                    'welcome_date': self.start - relativedelta(years=4),
                    } for party in people])
        contracts = []
        for person, entrepreneur in zip(self.people, entrepreneurs):
            person.id, person.party = entrepreneur.id, entrepreneur.party.id
            start, end, type_ = {
                'support': (-2, None, 'support'),
                'cape': (-3, 9, 'cape'),
                'cesa': (-14, None, 'cesa'),
                'associate': (-36, None, 'cesa'),
                }[person.stage]
            start = self.start + relativedelta(months=start)
            contracts.append({
                    'company': company, 'entrepreneur': entrepreneur.id,
                    'type': types[type_], 'start_date': start,
                    'end_date': end and (
                        self.start + relativedelta(months=end, days=-1)),
                    })
        contracts = Contract.create(contracts)
        Contract.confirm_clauses(contracts)
        Contract.sign([*staff_contracts, *contracts])
        activities = Activity.create([{
                    'company': company,
                    'name': f"{person.trade} {person.name.split()[0]}",
                    'advisor': advisor.id,
                    'holders': [('create', [{
                                    'entrepreneur': person.id,
                                    'from_date': contract.start_date,
                                    }])],
                    } for person, contract in zip(self.people, contracts)])
        for person, contract, activity in zip(
                self.people, contracts, activities):
            person.contract, person.activity = contract.id, activity.id
        shown = self.user
        Activity.write([Activity(shown.activity)], {
                'brand_name': f"Atelier {shown.trade}",
                'logo': draw(),
                })
        self.staff_contracts = [c.id for c in staff_contracts]

    def make_vehicles(self):
        Vehicle = self.get('cae.vehicle')
        vehicles = Vehicle.create([{
                    'entrepreneur': person.id,
                    'name': f"Berline AB-{100 + number}-CD",
                    'fiscal_power': 4 + number,
                    'electric': number == 1,
                    'from_date': self.start - relativedelta(years=2),
                    } for number, person in enumerate(self.spenders)])
        for person, vehicle in zip(self.spenders, vehicles):
            person.vehicle = vehicle.id

    def make_fee_rules(self):
        Activity = self.get('cae.activity')
        Charge = self.get('cae.fee.charge')
        Rule = self.get('cae.fee.rule')
        shared = Activity.special(self.company, 'shared')
        fund = Activity.special(self.company, 'fund')
        common = {'company': self.server.company, 'start_date': self.start,
            'decision': "Assemblée générale, règlement intérieur"}

        def tiers(*pairs):
            return [('create', [
                        {'up_to': up_to and Decimal(up_to),
                            'rate': Decimal(rate)}
                        for up_to, rate in pairs])]
        *_, tools = Rule.create([{
                    'name': "Contribution", 'base': 'collected',
                    'tiers': tiers(
                        (40000, '0.11'), (80000, '0.10'), (None, '0.09')),
                    'account': self.account('62891').id,
                    'beneficiary': shared.id, **common,
                    }, {
                    'name': "Assurance", 'base': 'invoiced',
                    'tiers': tiers((None, '0.015')),
                    'monthly_minimum': Decimal(5),
                    'account': self.account('62892').id,
                    'beneficiary': shared.id, **common,
                    }, {
                    'name': "Fonds de solidarité", 'base': 'fixed',
                    'amount': Decimal(10),
                    'account': self.account('62893').id,
                    'beneficiary': fund.id, **common,
                    }, {
                    'name': "Outils partagés", 'base': 'individual',
                    'account': self.account('62892').id,
                    'beneficiary': shared.id, **common,
                    }])
        Charge.create([{
                    'rule': tools.id,
                    'activity': person.activity,
                    'from_date': self.start,
                    'amount': Decimal(12),
                    'description': "Logiciel de devis",
                    } for person in self.spenders])

    def make_pay_terms(self):
        Pay = self.get('cae.contract.pay')
        TaxRate = self.get('cae.payroll.tax_rate')
        health = {
            'health_employee': Decimal(20), 'health_employer': Decimal(20)}
        employed = [p for p in self.people if p.employed]
        Pay.create([{
                    'contract': person.contract,
                    'start_date': self.start,
                    'mode': 'available',
                    'fixed_part': Decimal(300),
                    'basis': 'collected',
                    'reserve': Decimal(100 * (person.index % 3)),
                    **health,
                    } for person in employed]
            + [{
                    'contract': contract,
                    'start_date': self.start,
                    'mode': 'fixed',
                    'fixed_part': Decimal(2200 + 200 * i),
                    'weekly_hours': Decimal(35),
                    **health,
                    } for i, contract in enumerate(self.staff_contracts)])
        TaxRate.create([{
                    'contract': person.contract,
                    'start_date': self.start,
                    'rate': Decimal('0.021'),
                    } for person in employed[::2]])

    def make_associates(self):
        Associate = self.get('cae.associate')
        Movement = self.get('cae.share.movement')
        old = [p for p in self.people if p.stage == 'associate']
        admission = self.start - relativedelta(months=18)
        associates = Associate.create([{
                    'company': self.server.company, 'party': person.party,
                    'category': 'employed', 'admission_date': admission,
                    'admission_decision': "Assemblée générale",
                    } for person in old])
        Associate.admit(associates)
        Movement.create([{
                    'company': self.server.company,
                    'associate': associate.id,
                    'type': 'opening',
                    'quantity': 20,
                    'unit_value': Decimal(50),
                    'decision': "Bulletin de souscription",
                    'decision_date': admission,
                    'effective_date': admission,
                    } for associate in associates])
        self.opening_capital = Decimal(20 * 50 * len(associates))

    def make_opening(self):
        "Enter the balance sheet and what each activity keeps from before"
        from trytond.modules.cae_billing.posting import Entry, move_values
        Activity = self.get('cae.activity')
        Move = self.get('account.move')
        company, period = self.company, self.period(self.start)
        reserves = Decimal(2000) * max(len(self.people), 12)
        sheet = [
            Entry(self.account('5121'), self.opening_capital + reserves),
            Entry(self.account('10131'), -self.opening_capital),
            Entry(self.account('1063'), -reserves),
            ]
        allocated = Activity.special(company, 'allocated')
        kept = []
        for person in self.people:
            if person.sells:
                amount = Decimal(self.random.randint(20, 1500))
                self.opening[person.activity] = amount
                kept.append((Activity(person.activity), amount))
        account = self.account('62895')
        transfer = [Entry(account, -amount, activity=activity)
            for activity, amount in kept]
        transfer.append(Entry(
                account, sum(a for _, a in kept), activity=allocated))
        values = [
            move_values(
                company, self.journal('general', 'OD'), period, self.start,
                description, None, entries)
            for description, entries in [
                ("À nouveaux", sheet),
                ("Résultats antérieurs gardés par les activités", transfer),
                ]]
        Move.post(Move.create([v for v in values if v]))

    # The documents of a month

    def enter(self, month):
        "Enter the documents of the month and its bank statement"
        self.server.run(self.enter_sales, month)
        self.server.run(self.enter_credit_note, month)
        self.server.run(self.enter_purchases, month)
        self.server.run(self.enter_internal, month)
        self.server.run(self.enter_expenses, month)
        self.server.run(self.enter_grant, month)
        self.server.run(self.enter_statement, month)

    def invoice_values(self, type_, party, date, lines, journal, **values):
        "Return the values of an invoice: lines are (activity, amount, ...)"
        Party = self.get('party.party')
        party = Party(party)
        account = self.account('4111' if type_ == 'out' else '4011')
        return {
            'type': type_,
            'company': self.server.company,
            'party': party.id,
            'invoice_address': party.addresses[0].id,
            'currency': self.company.currency.id,
            'journal': journal.id,
            'account': account.id,
            'invoice_date': date,
            'payment_term_date': date + relativedelta(days=30),
            'lines': [('create', [{
                            'type': 'line',
                            'company': self.server.company,
                            'currency': self.company.currency.id,
                            'activity': activity,
                            'description': description,
                            'quantity': 1,
                            'unit_price': amount,
                            'account': line_account.id,
                            'taxes': [('add', [t.id for t in taxes])],
                            } for activity, description, amount,
                            line_account, taxes in lines])],
            **values}

    def enter_sales(self, month):
        Invoice = self.get('account.invoice')
        journal = self.journal('revenue')
        services, goods = self.account('706'), self.account('7071')
        normal = self.tax('tva_vente_services_taux_normal')
        reduced = self.tax('tva_vente_biens_5_5')
        middle = self.tax('tva_vente_services_taux_intermediaire')
        values = []
        for person in self.people:
            if not person.sells:
                continue
            for number in range(
                    1 + (person.index + month.month) % self.invoices):
                amount = Decimal(self.random.randint(50000, 250000)) / 100
                line = (person.activity, person.trade, amount, services,
                    [middle if person.index % 5 == 4 else normal])
                lines = [line]
                if person.trade in {"Menuiserie", "Céramique"}:
                    lines.append((
                            person.activity, "Vente d'ouvrages",
                            Decimal(self.random.randint(2000, 9000)) / 100,
                            goods, [reduced]))
                values.append(self.invoice_values(
                        'out', self.random.choice(self.customers),
                        month + relativedelta(
                            days=self.random.randint(0, 24)),
                        lines, journal, activity=person.activity))
        values.sort(key=lambda v: v['invoice_date'])
        self._post(Invoice, values)

    def _post(self, Invoice, values):
        for start in range(0, len(values), 200):
            Invoice.post(Invoice.create(values[start:start + 200]))

    def enter_credit_note(self, month):
        "Credit one open invoice of the month by half"
        Invoice = self.get('account.invoice')
        Line = self.get('account.invoice.line')
        date = month + relativedelta(day=26)
        invoices = Invoice.search([
                ('company', '=', self.server.company), ('type', '=', 'out'),
                ('invoice_date', '>=', month), ('invoice_date', '<=', date),
                ('state', '=', 'posted'),
                ], order=[('id', 'ASC')], limit=1)
        if not invoices:
            return
        credit, = Invoice.credit(invoices, invoice_date=date)
        Line.write(list(credit.lines), {'quantity': -0.5})
        Invoice.write([credit], {
                'payment_term_date': date, 'description': "Remise"})
        Invoice.post([credit])

    def enter_purchases(self, month):
        "Post the suppliers' invoices, one of them split over two activities"
        Activity = self.get('cae.activity')
        Invoice = self.get('account.invoice')
        journal = self.journal('expense')
        shared = Activity.special(self.company, 'shared')
        goods = self.tax('tva_achat_biens_taux_normal')
        services = self.tax('tva_achat_services_taux_normal')
        sellers = [p for p in self.people if p.sells]
        rent = (
            shared.id, "Loyer", Decimal(1200), self.account('6132'),
            [services])
        values = [self.invoice_values(
                'in', self.suppliers[1], month + relativedelta(day=2),
                [rent], journal, reference=f"LOYER-{month:%Y%m}")]
        for person in sellers[::2]:
            amount = Decimal(self.random.randint(1500, 25000)) / 100
            line = (
                person.activity, "Fournitures", amount, self.account('6063'),
                [goods])
            values.append(self.invoice_values(
                    'in', self.random.choice(self.suppliers),
                    month + relativedelta(day=self.random.randint(3, 25)),
                    [line], journal,
                    reference=f"FA{month:%Y%m}-{person.index}",
                    activity=person.activity))
        self._post(Invoice, values)
        if len(sellers) > 1:
            first, second = sellers[:2]
            line = (
                first.activity, "Annonce commune", Decimal('333.33'),
                self.account('6236'), [services])
            advert, = Invoice.create([self.invoice_values(
                        'in', self.suppliers[2], month + relativedelta(day=18),
                        [line], journal, reference=f"IMP{month:%Y%m}")])
            advert.lines[0].split([
                    (Activity(first.activity), 60),
                    (Activity(second.activity), 40)])
            Invoice.post([Invoice(advert.id)])

    def enter_internal(self, month):
        "Post what one activity sold to another"
        Internal = self.get('cae.internal')
        sellers = [p for p in self.people if p.sells]
        if len(sellers) > 1:
            sale, = Internal.create([self.internal_values(
                        sellers[-1], sellers[0], month + relativedelta(day=16),
                        Decimal(self.random.randint(4000, 18000)) / 100)])
            Internal.post([sale])

    def internal_values(self, seller, buyer, date, amount):
        "Return the values of what the seller did for the buyer"
        Kind = self.get('cae.internal.kind')
        kind, = Kind.search([
                ('company', '=', self.server.company),
                ('holders', '=', True),
                ])
        return {
            'company': self.server.company,
            'date': date,
            'kind': kind.id,
            'from_activity': seller.activity,
            'to_activity': buyer.activity,
            'lines': [('create', [{
                            'description': f"{seller.trade} ({date:%m/%Y})",
                            'quantity': 1,
                            'unit_price': amount,
                            }])],
            }

    def enter_expenses(self, month):
        "Post an expense sheet of a few persons; the bank refunds them"
        Expense = self.get('cae.expense')
        expenses = self.make_expenses(month, self.spenders)
        if not expenses:
            return
        # Nobody approves what they submitted
        with Transaction().set_user(0):
            Expense.submit(expenses)
        Expense.approve(expenses)
        Expense.post(expenses)

    def make_expenses(self, month, people):
        "Return a draft sheet of the month for each of the people"
        Attachment = self.get('ir.attachment')
        Expense = self.get('cae.expense')
        Kind = self.get('cae.expense.kind')
        kinds = {
            kind.code: kind.id for kind in Kind.search([
                    ('company', '=', self.server.company)])}
        values = []
        for number, person in enumerate(people):
            place, kilometers = TRIPS[
                (number + month.month) % len(TRIPS)]

            def line(kind, day, description, **values):
                return {
                    'kind': kinds[kind],
                    'activity': person.activity,
                    'date': month + relativedelta(day=day),
                    'description': description,
                    **values}

            def amount(low, high):
                return Decimal(self.random.randint(low, high)) / 100
            values.append({
                    'company': self.server.company,
                    'entrepreneur': person.id,
                    'activity': person.activity,
                    'date': month + relativedelta(day=24),
                    'description': f"Frais {month:%m/%Y}",
                    'lines': [('create', [
                                line('mileage', 8, "Rendez-vous client",
                                    vehicle=person.vehicle,
                                    departure="Nantes", destination=place,
                                    kilometers=Decimal(kilometers),
                                    round_trip=True),
                                line('supplies', 12, "Papier et encre",
                                    amount=amount(1500, 6000)),
                                line('meal', 15, "Déjeuner avec un client",
                                    amount=amount(1800, 4200)),
                                line('transport', 19, "Train",
                                    amount=amount(2200, 9000),
                                    paid_by='person' if number else 'card'),
                                ])],
                    })
        expenses = Expense.create(values)
        Attachment.create([{
                    'name': f"{line.description}.txt",
                    'data': line.description.encode(),
                    'resource': str(line),
                    }
                for expense in expenses for line in expense.lines
                if not line.mileage])
        return expenses

    def enter_grant(self, month):
        """Post what the region grants for the support of the entrepreneurs.

        The agreement of the year grows by an amount each month.
        """
        Activity = self.get('cae.activity')
        Agreement = self.get('cae.funding.agreement')
        shared = Activity.special(self.company, 'shared')
        amount = Decimal(500) * len(self.people)
        date = month + relativedelta(day=28)
        agreements = Agreement.search([
                ('company', '=', self.server.company),
                ('funder', '=', self.funder),
                ])
        if agreements:
            agreements[0].enter(
                'notified', amount, date, f"Versement {month:%Y-%m}")
        else:
            agreements = Agreement.create([{
                        'name': (
                            f"Accompagnement à la création {month.year}"),
                        'company': self.server.company,
                        'funder': self.funder,
                        'from_date': self.start,
                        'to_date': self.start + relativedelta(
                            years=1, days=-1),
                        'activity': shared.id,
                        'amount': amount,
                        'notified_on': date,
                        }])
            Agreement.notify(agreements)
        self.grants[shared.id] = self.grants.get(shared.id, 0) + amount

    def statement_journal(self):
        Journal = self.get('account.statement.journal')
        journals = Journal.search([('company', '=', self.server.company)])
        if not journals:
            journals = Journal.create([{
                        'name': "Banque coopérative",
                        'company': self.server.company,
                        'journal': self.journal('statement').id,
                        'currency': self.company.currency.id,
                        'validation': 'amount',
                        'account': self.account('5121').id,
                        }])
        return journals[0]

    def enter_statement(self, month):
        """Post the bank statement: most customers pay, some in part.

        Suppliers, expenses and the pay of the month before are paid too.
        """
        Invoice = self.get('account.invoice')
        Statement = self.get('account.statement')
        MoveLine = self.get('account.move.line')
        end = month + relativedelta(months=1, days=-1)
        lines = []
        # Ids are not the same on all databases
        for number, invoice in enumerate(Invoice.search([
                        ('company', '=', self.server.company),
                        ('state', '=', 'posted'),
                        ('invoice_date', '<=', end),
                        ], order=[('id', 'ASC')]), 1):
            amount = invoice.amount_to_pay
            if not amount:
                continue
            date = max(
                month, min(end, invoice.invoice_date + relativedelta(days=9)))
            if invoice.type == 'in':
                amount = -amount
            elif number % 5 == 0 and invoice.invoice_date >= month:
                continue
            elif number % 7 == 0 and invoice.invoice_date >= month:
                amount = (amount / 2).quantize(CENT)
            lines.append({
                    'date': date,
                    'amount': amount,
                    'party': invoice.party.id,
                    'account': invoice.account.id,
                    'related_to': str(invoice),
                    'number': invoice.number or invoice.reference,
                    })
        labels = {
            self.account(code): label for code, label in [
                ('4211', "Paie"), ('4671', "Note de frais"),
                ('4673', "Carte")]}
        unpaid = [
            ('account', 'in', [account.id for account in labels]),
            ('reconciliation', '=', None),
            ('move.state', '=', 'posted'),
            ]
        lines.extend({
                'date': max(month + relativedelta(day=5), line.date),
                'amount': line.debit - line.credit,
                'party': line.party.id,
                'account': line.account.id,
                'number': labels[line.account],
                } for line in MoveLine.search(unpaid))
        lines.sort(key=lambda line: line['date'])
        # Tryton checks the invoices that one statement pays all together, in
        # a time that grows with their square
        size = 200
        # The closing asks for one, even empty
        for number, index in enumerate(range(0, len(lines) or 1, size), 1):
            part = lines[index:index + size]
            statement, = Statement.create([{
                        'name': f"{month:%Y-%m}-{number}",
                        'company': self.server.company,
                        'journal': self.statement_journal().id,
                        'date': end,
                        'total_amount': sum(
                            (line['amount'] for line in part), Decimal(0)),
                        'lines': [('create', part)],
                        }])
            Statement.validate_statement([statement])
            Statement.post([statement])
        settled = defaultdict(list)
        for line in MoveLine.search(unpaid):
            settled[line.account, line.party].append(line)
        MoveLine.reconcile(*settled.values())

    # Closing and assembly

    def close(self, month):
        "Close the month with its button; return the closing's id"
        Closing = self.get('cae.closing')

        def create():
            closing, = Closing.create([{
                        'company': self.server.company,
                        'period': self.period(month).id,
                        }])
            return closing.id

        def run(id_):
            Closing.run([Closing(id_)])

        def state(id_):
            closing = Closing(id_)
            return closing.state, [c.error for c in closing.chunks if c.error]
        id_ = self.server.run(create)
        self.server.run(run, id_)
        reached, errors = self.server.run(state, id_)
        if reached != 'done':
            raise RuntimeError(f"closing {month:%Y-%m}: {reached} {errors}")
        return id_

    def hold_assembly(self):
        "Hold an ordinary assembly that decides one resolution by open vote"
        Assembly = self.get('cae.assembly')
        Resolution = self.get('cae.assembly.resolution')
        Roll = self.get('cae.assembly.roll')
        Vote = self.get('cae.assembly.vote')
        meeting = self.start + relativedelta(months=self.months, day=20)
        assembly, = Assembly.create([{
                    'company': self.server.company,
                    'name': f"Assemblée générale {meeting:%Y}",
                    'legal_form': 'scop_sarl',
                    'kind': 'ordinary',
                    'place': "Nantes",
                    'convocation_date': meeting - relativedelta(days=30),
                    'record_date': meeting - relativedelta(days=30),
                    'meeting_date': meeting,
                    'resolutions': [('create', [{
                                    'name': "Taux de contribution",
                                    'kind': 'ordinary',
                                    'text': (
                                        "L'assemblée fixe la contribution aux "
                                        "services mutualisés à 11 % du "
                                        "chiffre d'affaires encaissé."),
                                    }])],
                    }])
        Assembly.convene([assembly])
        assembly = Assembly(assembly.id)
        assembly.chair = assembly.roll[0].associate.party.rec_name
        assembly.save()
        Assembly.open([assembly])
        Roll.arrive(list(assembly.roll))
        resolution, = Resolution.browse([r.id for r in assembly.resolutions])
        Resolution.vote([resolution])
        Vote.create([{
                    'resolution': resolution.id,
                    'roll': row.id,
                    'cast_by': row.id,
                    'choice': 'against' if i % 4 == 3 else 'for',
                    } for i, row in enumerate(assembly.roll)])
        Resolution.close([Resolution(resolution.id)])
        Assembly.close([Assembly(assembly.id)])
        resolution = Resolution(resolution.id)
        return (resolution.rec_name, resolution.for_, resolution.against,
            resolution.members, resolution.result)
