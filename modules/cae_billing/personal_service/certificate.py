# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The yearly certificates for the tax credit of the customers."""
import datetime as dt
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

from sql import Null
from sql.operators import Equal

from trytond.i18n import gettext
from trytond.model import (
    Exclude, ModelSQL, ModelView, Workflow, fields, sequence_ordered)
from trytond.modules.cae_members.model import (
    CompanyCurrencyMixin, check_company)
from trytond.modules.currency.fields import Monetary
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval, PYSONEncoder
from trytond.report import Report
from trytond.transaction import Transaction, without_check_access
from trytond.wizard import Button, StateAction, StateView, Wizard

from ..exceptions import CertificateAccessError, PersonalServiceError
from .law import CASH, CUSTOMER, Part, Payment, eligible, paid
from .payment import MONEY

in_ = fields.SQL_OPERATORS['in']
# The means of payment that the certificate tells apart from the customer's
AIDS = ['cesu_prefunded', 'advance']


class Certificate(CompanyCurrencyMixin, Workflow, ModelSQL, ModelView):
    """What a customer paid in a year for personal services.

    The attestation fiscale of Code du travail, art. D7233-4. Amounts are tax
    included, of the payments of the calendar year in any means but cash. What
    was issued never changes: cancel it and make another one.
    """
    __name__ = 'cae.personal_service.certificate'
    __string__ = "Certificate of Personal Services"
    company = fields.Many2One(
        'company.company', "Company", required=True, readonly=True,
        ondelete='RESTRICT')
    party = fields.Many2One(
        'party.party', "Customer", required=True, readonly=True,
        ondelete='RESTRICT',
        context={
            'company': Eval('company', -1),
            },
        depends={'company'})
    year = fields.Integer("Year", required=True, readonly=True)
    issue_date = fields.Date(
        "Issued On", readonly=True,
        help="To be handed out before 31 March of the next year.")
    provider = fields.Text("Provider", readonly=True)
    declaration = fields.Text("Declaration", readonly=True)
    customer = fields.Text("Name and Address", readonly=True)
    amount = Monetary(
        "Amount", currency='currency', digits='currency', readonly=True,
        help="What the customer paid in the year, tax included.")
    cesu_prefunded = Monetary(
        "Prefunded Service Cheques", currency='currency', digits='currency',
        readonly=True,
        help="What was paid with prefunded service cheques (CESU "
        "préfinancés), not in the amount.")
    advance = Monetary(
        "Advance of the Tax Credit", currency='currency', digits='currency',
        readonly=True,
        help="What was paid with the advance of the tax credit (avance "
        "immédiate), not in the amount.")
    eligible = Monetary(
        "Gives a Tax Credit", currency='currency', digits='currency',
        readonly=True,
        help="What of the amount is within the ceilings of its natures (Code "
        "du travail, art. D7233-5).")
    notice = fields.Text("Ceilings", readonly=True)
    lines = fields.One2Many(
        'cae.personal_service.certificate.line', 'certificate',
        "Interventions", readonly=True)
    state = fields.Selection([
            ('draft', "Draft"),
            ('issued', "Issued"),
            ('cancelled', "Cancelled"),
            ], "State", required=True, readonly=True, sort=False)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('one_a_year',
                Exclude(t, (t.company, Equal), (t.party, Equal),
                    (t.year, Equal), where=t.state != 'cancelled'),
                'cae_billing.msg_certificate_unique'),
            ]
        cls._order = [('year', 'DESC'), ('party', 'ASC'), ('id', None)]
        cls._transitions |= {('draft', 'issued'), ('issued', 'cancelled')}
        cls._buttons.update({
                'issue': {
                    'invisible': Eval('state') != 'draft',
                    'depends': ['state'],
                    },
                'cancel': {
                    'invisible': Eval('state') != 'issued',
                    'depends': ['state'],
                    },
                })

    @staticmethod
    def default_company():
        return Transaction().context.get('company')

    @classmethod
    def default_state(cls):
        return 'draft'

    def get_rec_name(self, name):
        return f'{self.party.rec_name} – {self.year}'

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('party.rec_name', *clause[1:])]

    @classmethod
    def check_modification(
            cls, mode, certificates, values=None, external=False):
        if mode == 'delete' or (
                mode == 'write' and values.keys() - {'state'}):
            for certificate in certificates:
                if certificate.state != 'draft':
                    raise CertificateAccessError(gettext(
                            'cae_billing.msg_certificate_frozen',
                            certificate=certificate.rec_name))
        super().check_modification(
            mode, certificates, values=values, external=external)

    @classmethod
    def copy(cls, certificates, default=None):
        if certificates:
            raise CertificateAccessError(gettext(
                    'cae_billing.msg_certificate_copy'))
        return super().copy(certificates, default=default)

    @classmethod
    @ModelView.button
    def issue(cls, certificates):
        """Freeze the drafts, dated today.

        Raises PersonalServiceError when the year is not over or when what was
        paid is not what they say any more.
        """
        pool = Pool()
        Date = pool.get('ir.date')
        years = defaultdict(list)
        for certificate in certificates:
            years[certificate.company, certificate.year].append(certificate)
        for (company, year), certificates in years.items():
            with Transaction().set_context(company=company.id):
                today = Date.today()
            if today.year <= year:
                raise PersonalServiceError(gettext(
                        'cae_billing.msg_certificate_year', year=year))
            found = cls._paid(company, year)
            for certificate in certificates:
                amounts = _sums(found.get(certificate.party, {}))
                if any(getattr(certificate, n) != amounts[n]
                        for n in amounts):
                    raise PersonalServiceError(gettext(
                            'cae_billing.msg_certificate_changed',
                            certificate=certificate.rec_name))
            drafts = [c for c in certificates if c.state == 'draft']
            cls.write(drafts, {'issue_date': today})
            cls._issue(drafts)

    @classmethod
    @Workflow.transition('issued')
    def _issue(cls, certificates):
        pass

    @classmethod
    @ModelView.button
    @Workflow.transition('cancelled')
    def cancel(cls, certificates):
        "Withdraw what was issued, for another one to be made"

    @classmethod
    def make(cls, company, year):
        """Make the drafts of the year again; return them.

        One for each customer who paid and has none issued. Raises
        PersonalServiceError when the company has no declaration.
        """
        pool = Pool()
        Declaration = pool.get('cae.personal_service.declaration')
        declaration = Declaration.at(company, dt.date(year, 12, 31))
        if not declaration:
            raise PersonalServiceError(gettext(
                    'cae_billing.msg_certificate_declaration',
                    company=company.rec_name, year=year))
        mine = [('company', '=', company.id), ('year', '=', year)]
        cls.delete(cls.search([*mine, ('state', '=', 'draft')]))
        issued = {
            c.party for c in cls.search([*mine, ('state', '=', 'issued')])}
        to_create = [
            cls._new(company, year, declaration, party, amounts)
            for party, amounts in cls._paid(company, year).items()
            if party not in issued and any(
                a > 0 for a in _sums(amounts).values())]
        # Nobody writes them
        with without_check_access():
            made = cls.create(to_create)
        return cls.browse([c.id for c in made])

    @classmethod
    def _new(cls, company, year, declaration, party, amounts):
        "Return the values of the certificate of a customer"
        pool = Pool()
        InvoiceLine = pool.get('account.invoice.line')
        Lang = pool.get('ir.lang')
        lang = party.lang or Lang.get()
        end = dt.date(year, 12, 31)
        with Transaction().set_context(
                language=lang.code, company=company.id):
            company = company.__class__(company.id)
            party = party.__class__(party.id)
            own = amounts.get(CUSTOMER, {})
            lines = sorted(
                InvoiceLine.browse(
                    list({id_ for paid in amounts.values() for id_ in paid})),
                key=lambda line: (line.service_date or dt.date.min, line.id))
            natures = defaultdict(Decimal)
            for line in lines:
                natures[line.service_nature] += own.get(line.id, 0)
            caps = {
                nature: cap.amount for nature in natures
                if (cap := nature.cap(end)) and cap.amount is not None}
            credit = eligible(natures, caps)
            notice = [
                gettext(
                    'cae_billing.msg_certificate_cap', nature=nature.name,
                    amount=lang.currency(
                        amount, company.currency, grouping=True),
                    cap=lang.currency(
                        caps[nature], company.currency, grouping=True))
                for nature, amount in natures.items()
                if amount > credit[nature]]
            declared = [gettext(
                    'cae_billing.msg_certificate_declared',
                    number=declaration.number,
                    date=lang.strftime(declaration.date))]
            if declaration.approved(end):
                declared.append(gettext(
                        'cae_billing.msg_certificate_approved',
                        number=declaration.approval_number,
                        date=lang.strftime(declaration.approval_date)))
            address = party.address_get(type='invoice')
            customer = address.full_address.splitlines() if address else []
            if party.name not in customer:
                customer.insert(0, party.name)
            return {
                'company': company.id,
                'party': party.id,
                'year': year,
                'provider': '\n'.join(company.identity()),
                'declaration': '\n'.join(declared),
                'customer': '\n'.join(customer),
                'notice': '\n'.join(notice),
                'eligible': sum(credit.values(), Decimal(0)),
                **_sums(amounts),
                'lines': [('create', [{
                                'sequence': i,
                                'date': line.service_date,
                                'nature': line.service_nature.name,
                                'worker': (
                                    line.service_worker.party.name
                                    if line.service_worker else ''),
                                'worker_number': (
                                    line.service_worker.code
                                    if line.service_worker else ''),
                                'hours': line.service_hours,
                                'amount': own.get(line.id, Decimal(0)),
                                } for i, line in enumerate(lines, 1)])],
                }

    @classmethod
    @without_check_access
    def _paid(cls, company, year):
        """Return {customer: {means: {invoice line id: amount}}} of a year.

        The number of queries does not depend on that of customers.
        """
        start, end = dt.date(year, 1, 1), dt.date(year, 12, 31)
        result = defaultdict(lambda: defaultdict(lambda: defaultdict(Decimal)))
        for payments, documents in cls._settled(company, start, end):
            parts, customers = [], {}
            for invoice, amount in documents:
                prices = {
                    line: line.taxed_amount for line in invoice.line_lines}
                total = sum(prices.values())
                if not total:
                    continue
                parts += [
                    Part(line.id, Fraction(amount) * Fraction(price)
                        / Fraction(total), bool(line.service_nature))
                    for line, price in prices.items()]
                customers.update(
                    (line.id, invoice.party) for line in prices)
            for means, amounts in paid(payments, parts, start, end).items():
                if means == CASH:
                    continue
                for id_, amount in amounts.items():
                    result[customers[id_]][means][id_] += amount
        return result

    @classmethod
    def _settled(cls, company, start, end):
        """Return what was paid from start to end: [(payments, documents)].

        Payments are those of law.py, up to the end; documents are (invoice,
        what of it they settle together, negative for credit notes).
        """
        pool = Pool()
        Invoice = pool.get('account.invoice')
        MoveLine = pool.get('account.move.line')
        Payment_ = pool.get('account.invoice-account.move.line')
        invoice = Invoice.__table__()
        invoice_line = pool.get('account.invoice.line').__table__()
        line = MoveLine.__table__()
        owed = (line
            .join(invoice, condition=(line.move == invoice.move)
                & (line.account == invoice.account))
            .select(
                line.reconciliation,
                where=(invoice.company == company.id)
                & (invoice.type == 'out')
                & (line.reconciliation != Null)
                & invoice.id.in_(invoice_line.select(
                        invoice_line.invoice,
                        where=invoice_line.service_nature != Null))))
        money = [
            ('move.company', '=', company.id),
            ('move.state', '=', 'posted'),
            ('move.journal.type', 'in', list(MONEY)),
            ('move.date', '<=', end),
            ]
        now = ('move.date', '>=', start)
        cursor = Transaction().connection.cursor()
        cursor.execute(*owed)
        reconciliations = {id_ for id_, in cursor}
        reconciliations &= {
            x.reconciliation.id for x in MoveLine.search([
                    *money, now,
                    ('reconciliation', 'in', list(reconciliations))])}
        groups = defaultdict(list)
        for x in MoveLine.search(
                [('reconciliation', 'in', list(reconciliations))]):
            groups[x.reconciliation].append(x)
        owners = cls._owners(
            [x for lines in groups.values() for x in lines])
        for lines in groups.values():
            documents = defaultdict(Decimal)
            for x in lines:
                if x in owners:
                    documents[owners[x]] += x.debit - x.credit
            yield (
                [Payment(x.move.date, x.credit - x.debit,
                        x.move.journal.payment_means)
                    for x in lines
                    if x.move.journal.type in MONEY and x.move.date <= end],
                list(documents.items()))
        partial = defaultdict(list)
        for payment in Payment_.search([
                    ('invoice.type', '=', 'out'),
                    ('invoice.lines.service_nature', '!=', None),
                    ('line', 'where', [
                            *money, ('reconciliation', '=', None)]),
                    ]):
            partial[payment.invoice].append(payment.line)
        for invoice, lines in partial.items():
            yield (
                [Payment(x.move.date, x.credit - x.debit,
                        x.move.journal.payment_means) for x in lines],
                [(invoice, invoice.total_amount)])

    @classmethod
    def _owners(cls, lines):
        "Return {line: the invoice that it is to pay}"
        Invoice = Pool().get('account.invoice')
        invoices = {i.move: i for i in Invoice.search([
                    ('move', 'in', [x.move.id for x in lines]),
                    ('type', '=', 'out'),
                    ])}
        return {
            x: invoices[x.move] for x in lines
            if x.move in invoices and invoices[x.move].account == x.account}


def _sums(amounts):
    "Return {name of the field: sum of its means}"
    return {
        name: sum(amounts.get(means, {}).values(), Decimal(0))
        for name, means in [('amount', CUSTOMER), *((a, a) for a in AIDS)]}


class CertificateLine(sequence_ordered(), ModelSQL, ModelView):
    "An intervention that was paid, on a certificate"
    __name__ = 'cae.personal_service.certificate.line'
    __string__ = "Intervention of a Certificate"
    certificate = fields.Many2One(
        'cae.personal_service.certificate', "Certificate", required=True,
        readonly=True, ondelete='CASCADE')
    date = fields.Date("Date", readonly=True)
    nature = fields.Char("Nature", readonly=True)
    worker = fields.Char("Done By", readonly=True)
    worker_number = fields.Char(
        "Number", readonly=True,
        help="The number of who did the work in the cooperative.")
    hours = fields.Numeric("Hours", digits=(7, 2), readonly=True)
    amount = fields.Numeric(
        "Amount", digits=(16, 2), readonly=True,
        help="What the customer paid for it in the year, tax included.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('certificate')

    @classmethod
    def check_modification(cls, mode, lines, values=None, external=False):
        for line in lines:
            if line.certificate.state != 'draft':
                raise CertificateAccessError(gettext(
                        'cae_billing.msg_certificate_frozen',
                        certificate=line.certificate.rec_name))
        super().check_modification(
            mode, lines, values=values, external=external)


class Make(Wizard):
    "Make the certificates of a year"
    __name__ = 'cae.personal_service.certificate.make'
    start = StateView(
        'cae.personal_service.certificate.make.start',
        'cae_billing.certificate_make_start_view_form', [
            Button("Cancel", 'end', 'tryton-cancel'),
            Button("Make", 'make', 'tryton-ok', default=True),
            ])
    make = StateAction('cae_billing.act_certificate')

    @classmethod
    def check_access(cls):
        super().check_access()
        ModelAccess = Pool().get('ir.model.access')
        ModelAccess.check('cae.personal_service.certificate', 'create')

    def do_make(self, action):
        Certificate = Pool().get('cae.personal_service.certificate')
        check_company(self.start.company)
        made = Certificate.make(self.start.company, self.start.year)
        action['pyson_domain'] = PYSONEncoder().encode(
            [('id', 'in', [c.id for c in made])])
        return action, {}


class MakeStart(ModelView):
    __name__ = 'cae.personal_service.certificate.make.start'
    company = fields.Many2One(
        'company.company', "Company", required=True, readonly=True)
    year = fields.Integer(
        "Year", required=True,
        domain=[('year', '>=', 2000), ('year', '<=', 9998)],
        help="The calendar year of the payments.")

    @staticmethod
    def default_company():
        return Transaction().context.get('company')

    @classmethod
    def default_year(cls):
        return Pool().get('ir.date').today().year - 1


class CertificateReport(Report):
    __name__ = 'cae.personal_service.certificate'


class Replace(metaclass=PoolMeta):
    __name__ = 'party.replace'

    @classmethod
    def fields_to_replace(cls):
        return super().fields_to_replace() + [
            ('cae.personal_service.certificate', 'party'),
            ]
