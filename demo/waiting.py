# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What waits for its entrepreneur or for the staff in the demonstration."""
import datetime as dt
from contextlib import contextmanager
from decimal import Decimal

from dateutil.relativedelta import relativedelta

from trytond.tools import slugify
from trytond.transaction import Transaction

REFUSAL = "Le numéro de commande du client manque."
DUNNING_DAYS = [15, 30, 60]


def fill(cooperative):
    """Enter the month after those that are closed, up to its closing.

    To be called when the users are there. Nothing is done where that month
    is not over or not in the fiscal year.
    """
    month = cooperative.start + relativedelta(months=cooperative.months)
    if (month.year != cooperative.start.year
            or month + relativedelta(months=1) > dt.date.today()
            or not cooperative.user.sells):
        return
    cooperative.enter_sales(month)
    cooperative.enter_purchases(month)
    filler = _Filler(cooperative, month)
    filler.users()
    filler.ceilings()
    filler.invoices()
    filler.expenses()
    filler.internals()
    filler.purchases()
    filler.statements()
    filler.quotes()
    filler.orders()
    filler.dunnings()
    filler.closing()


class _Filler:

    def __init__(self, cooperative, month):
        self.cooperative = cooperative
        self.get = cooperative.server.pool.get
        self.company = cooperative.server.company
        self.month = month
        self.person, *self.others = cooperative.spenders

    def day(self, day):
        return self.month + relativedelta(day=day)

    @contextmanager
    def acting(self, person):
        "Act as the entrepreneur"
        Entrepreneur = self.get('cae.entrepreneur')
        user = Entrepreneur(person.id).user
        with Transaction().set_user(user.id):
            yield

    def users(self):
        "Give the others users too, who cannot log in: they submit documents"
        Entrepreneur = self.get('cae.entrepreneur')
        ModelData = self.get('ir.model.data')
        User = self.get('res.user')
        users = User.create([{
                    'name': person.name,
                    'login': slugify(person.name).lower(),
                    'companies': [('add', [self.company])],
                    'company': self.company,
                    'groups': [('add', [ModelData.get_id(
                                    'cae_members', 'group_entrepreneur')])],
                    } for person in self.others])
        Entrepreneur.write(*sum((
                    [[Entrepreneur(person.id)], {'user': user.id}]
                    for person, user in zip(self.others, users)), []))

    def ceilings(self):
        Ceiling = self.get('cae.approval.ceiling')
        Ceiling.create([{
                    'company': self.company,
                    'entrepreneur': self.person.id,
                    'kind': kind,
                    'from_date': self.cooperative.start,
                    'amount': Decimal(amount),
                    } for kind, amount in [
                    ('invoice', 500), ('credit_note', 100),
                    ('quote', 3000), ('purchase', 300)]])

    def invoices(self):
        "Leave invoices as drafts, submitted, refused and approved"
        Invoice = self.get('account.invoice')
        person = self.person
        self.submit(person, "Commande 4512", 740)
        refused = self.submit(person, "Intervention sur site", 1180)
        Invoice.refuse_submission([refused], REFUSAL)
        self.draft(person, "Abonnement", 320)
        approved = [
            self.submit(other, "Prestation", amount)
            for other, amount in zip(self.others, [2350, 615, 980])][2:]
        Invoice.approve(approved)

    def draft(self, person, description, amount):
        "Return a draft that the entrepreneur wrote"
        Invoice = self.get('account.invoice')
        cooperative = self.cooperative
        values = cooperative.invoice_values(
            'out', cooperative.random.choice(cooperative.customers),
            self.day(28), [(
                    person.activity, person.trade, Decimal(amount),
                    cooperative.account('706'),
                    [cooperative.tax('tva_vente_services_taux_normal')])],
            cooperative.journal('revenue'), activity=person.activity,
            description=description)
        # Who posts it gives the dates
        del values['invoice_date'], values['payment_term_date']
        with self.acting(person):
            invoice, = Invoice.create([values])
        return Invoice(invoice.id)

    def submit(self, person, description, amount):
        Invoice = self.get('account.invoice')
        invoice = self.draft(person, description, amount)
        with self.acting(person):
            Invoice.submit([invoice])
        return Invoice(invoice.id)

    def expenses(self):
        "Leave a sheet in each state"
        Expense = self.get('cae.expense')
        people = [self.person, *self.others]
        expenses = self.cooperative.make_expenses(self.month, people)
        for person, expense in zip(people, expenses):
            with self.acting(person):
                Expense.submit([expense])
        expenses = Expense.browse(expenses)
        Expense.approve(expenses[2:])
        Expense.post(expenses[3:])
        if len(expenses) > 1:
            Expense.refuse_submission(
                expenses[1:2], "Le ticket du déjeuner est illisible.")
        # The person has begun another
        self.cooperative.make_expenses(self.month, [self.person])

    def internals(self):
        "Leave a sale to the person to accept, and a draft of the person"
        Internal = self.get('cae.internal')
        pairs = [
            pair for other in self.others[:1]
            for pair in [(other, self.person), (self.person, other)]]
        for (seller, buyer), amount in zip(pairs, [150, 95]):
            values = self.cooperative.internal_values(
                seller, buyer, self.day(20), Decimal(amount))
            with self.acting(seller):
                sale, = Internal.create([values])
                if seller is not self.person:
                    Internal.propose([sale])

    def purchases(self):
        "Leave an invoice of two activities, not split yet"
        Invoice = self.get('account.invoice')
        cooperative = self.cooperative
        Invoice.create([cooperative.invoice_values(
                    'in', cooperative.suppliers[2], self.day(22), [(
                            self.person.activity, "Stand au salon",
                            Decimal(480), cooperative.account('6236'),
                            [cooperative.tax(
                                    'tva_achat_services_taux_normal')])],
                    cooperative.journal('expense'),
                    reference=f"IMP{self.month:%Y%m}-S",
                    activity=self.person.activity)])

    def statements(self):
        """Leave a statement as it comes from the bank.

        One of the days before was posted: the person was paid.
        """
        Activity = self.get('cae.activity')
        Statement = self.get('account.statement')
        own = Activity(self.person.activity)
        paid, opened = [], []
        for invoice in self.open_invoices():
            if invoice.type == 'out' and invoice.activity == own:
                paid.append(invoice)
            else:
                opened.append(invoice)
        statement, = Statement.create([self.statement_values(
                    1, self.day(15), lines=[('create', [{
                                    'number': invoice.number,
                                    'date': self.day(15),
                                    'amount': invoice.amount_to_pay,
                                    'party': invoice.party.id,
                                    'account': invoice.account.id,
                                    'related_to': str(invoice),
                                    } for invoice in paid])],
                    total_amount=sum(i.amount_to_pay for i in paid))])
        Statement.validate_statement([statement])
        Statement.post([statement])
        rows = [
            (invoice.invoice_date + dt.timedelta(days=3),
                invoice.amount_to_pay,
                f"VIR {invoice.party.name.upper()} {invoice.number}")
            for invoice in opened if invoice.type == 'out'][:4]
        rows += [
            (invoice.invoice_date, -invoice.amount_to_pay,
                f"PRLV {invoice.party.name.upper()} {invoice.reference}")
            for invoice in opened if invoice.type == 'in'][:2]
        rows.append((
                self.day(30), Decimal('-18.50'), "FRAIS DE TENUE DE COMPTE"))
        rows.sort()
        Statement.create([self.statement_values(
                    2, self.day(31), origins=[('create', [{
                                    'number': str(number),
                                    'date': date,
                                    'amount': amount,
                                    'description': description,
                                    } for number, (date, amount, description)
                                in enumerate(rows, 1)])],
                    total_amount=sum(amount for _, amount, _ in rows))])

    def open_invoices(self):
        "Return what was invoiced in the month"
        Invoice = self.get('account.invoice')
        return Invoice.search([
                ('company', '=', self.company),
                ('state', '=', 'posted'),
                ('invoice_date', '>=', self.month),
                ], order=[('id', 'ASC')])

    def statement_values(self, number, date, **values):
        return {
            'name': f"{self.month:%Y-%m}-{number}",
            'company': self.company,
            'journal': self.cooperative.statement_journal().id,
            'date': date,
            **values}

    def order(self, name, person, party, description, amount, **values):
        "Return the quote or the purchase that the entrepreneur writes"
        Order = self.get(name)
        Party = self.get('party.party')
        tax = self.cooperative.tax(
            f"tva_{'vente' if name == 'sale.sale' else 'achat'}_"
            "services_taux_normal")
        with self.acting(person):
            order, = Order.create([{
                        'company': self.company,
                        'party': party,
                        'invoice_address': Party(party).addresses[0].id,
                        'activity': person.activity,
                        'description': description,
                        'lines': [('create', [{
                                        'description': description,
                                        'quantity': 1,
                                        'unit_price': Decimal(amount),
                                        'taxes': [('add', [tax.id])],
                                        }])],
                        **values}])
        return Order(order.id)

    def press(self, order, person, *names):
        "Press the buttons as the entrepreneur"
        for name in names:
            with self.acting(person):
                getattr(type(order), name)([type(order)(order.id)])
        return type(order)(order.id)

    def quotes(self):
        "Leave a quote in each state, one ordered with a deposit"
        Configuration = self.get('sale.configuration')
        Sale = self.get('sale.sale')
        Term = self.get('sale.advance_payment_term')
        Configuration(1).set_multivalue('sale_invoice_method', 'manual')
        term, = Term.create([{
                    'name': "Acompte de 30 %",
                    'lines': [('create', [{
                                    'description': "Acompte de 30 %",
                                    'account': self.cooperative.account(
                                        '4191').id,
                                    'formula': "untaxed_amount * 0.3",
                                    }])],
                    }])
        customers = self.cooperative.customers
        for number, (person, description, amount, buttons) in enumerate([
                    (self.person, "Devis à compléter", 850, []),
                    (self.person, "Refonte complète", 6400, ['submit']),
                    (self.person, "Prestation de printemps", 2400, [
                            'quote_alone']),
                    (self.person, "Lot 1", 2900, ['quote_alone', 'accept']),
                    *((p, "Prestation", 1900, ['submit'])
                        for p in self.others[:1]),
                    ]):
            self.press(self.order(
                    'sale.sale', person, customers[number % len(customers)],
                    description, amount, sale_date=self.day(20),
                    quotation_date=self.day(18 - number),
                    expected_date=self.day(28) + relativedelta(months=2),
                    advance_payment_term=term.id), person, *buttons)
        Sale.process(Sale.search([('state', '=', 'confirmed')]))

    def orders(self):
        "Leave a purchase in each state, one with its invoice"
        Configuration = self.get('purchase.configuration')
        Invoice = self.get('account.invoice')
        Purchase = self.get('purchase.purchase')
        Configuration(1).set_multivalue('purchase_invoice_method', 'order')
        suppliers = self.cooperative.suppliers
        for number, (person, description, amount, buttons) in enumerate([
                    (self.person, "Fournitures", 64, []),
                    (self.person, "Machine", 1450, ['submit']),
                    (self.person, "Impression", 120, ['confirm_alone']),
                    (self.person, "Hébergement", 180, ['confirm_alone']),
                    *((p, "Sous-traitance", 700, ['submit'])
                        for p in self.others[:1]),
                    ]):
            self.press(self.order(
                    'purchase.purchase', person,
                    suppliers[number % len(suppliers)], description, amount,
                    purchase_date=self.day(16 + number),
                    expected_date=self.day(28) + relativedelta(months=1)),
                person, *buttons)
        ordered = Purchase.search(
            [('state', '=', 'confirmed')], order=[('id', 'ASC')])
        Purchase.process(ordered)
        invoices = list(Purchase(ordered[-1].id).invoices)
        Invoice.write(invoices, {
                'invoice_date': self.day(26),
                'payment_term_date': self.day(26) + relativedelta(days=30),
                'reference': f"HEB{self.month:%Y%m}",
                })
        Invoice.post(invoices)

    def dunnings(self):
        "Remind the customers, but those of an activity that wishes none"
        Activity = self.get('cae.activity')
        Configuration = self.get('account.configuration')
        Dunning = self.get('account.dunning')
        Party = self.get('party.party')
        Procedure = self.get('account.dunning.procedure')
        procedure, = Procedure.create([{
                    'name': "Relances",
                    'levels': [('create', [
                                {'overdue': dt.timedelta(days=days)}
                                for days in DUNNING_DAYS])],
                    }])
        Configuration(1).set_multivalue(
            'default_dunning_procedure', procedure)
        Party.write(
            Party.browse(self.cooperative.customers),
            {'dunning_procedure': procedure.id})
        if self.others:
            Activity.write(
                [Activity(self.others[-1].activity)], {'dunning': 'none'})
        Dunning.generate_dunnings(self.day(31) + dt.timedelta(days=15))
        dunnings = Dunning.search([], order=[('id', 'ASC')])
        Dunning.process(dunnings[::2])

    def closing(self):
        Closing = self.get('cae.closing')
        Closing.create([{
                    'company': self.company,
                    'period': self.cooperative.period(self.month).id,
                    }])
