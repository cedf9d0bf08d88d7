# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Electronic invoices of suppliers, and the activities that they are for."""
from decimal import Decimal

from trytond.i18n import gettext
from trytond.model import Index, ModelSQL, ModelView, Unique, fields
from trytond.model.exceptions import AccessError
from trytond.modules.currency.fields import Monetary
from trytond.modules.product import round_price
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval, If, PYSONEncoder
from trytond.transaction import Transaction, without_check_access
from trytond.wizard import Button, StateAction, StateView, Wizard

from ..exceptions import IncomingError
from . import document
from .identity import legal_number, vat_number
from .report import factur_x_library

LARGEST = 20 * 1024 * 1024


class Incoming(ModelSQL, ModelView):
    """An electronic invoice of a supplier, as it was received.

    Its supplier invoice is a draft of the activity that it names, or of the
    activity *To Be Assigned*. The file is kept as it came.
    """
    __name__ = 'cae.incoming'
    __string__ = "Incoming Electronic Invoice"
    company = fields.Many2One(
        'company.company', "Company", required=True, readonly=True,
        ondelete='RESTRICT')
    currency = fields.Function(
        fields.Many2One('currency.currency', "Currency"), 'get_invoice')
    file = fields.Binary(
        "File", filename='filename', required=True, readonly=True)
    filename = fields.Char("File Name", readonly=True)
    supplier = fields.Many2One(
        'party.party', "Supplier", required=True, readonly=True,
        ondelete='RESTRICT',
        context={
            'company': Eval('company', -1),
            },
        depends={'company'})
    number = fields.Char("Number", required=True, readonly=True)
    date = fields.Date("Date", required=True, readonly=True)
    total = Monetary(
        "Total", currency='currency', digits='currency', required=True,
        readonly=True, help="Tax included, as the supplier says.")
    references = fields.Char(
        "References", readonly=True,
        help="What the supplier wrote of the buyer.")
    invoice = fields.Many2One(
        'account.invoice', "Invoice", readonly=True, ondelete='SET NULL')
    activities = fields.Function(fields.Char(
            "Activities", help="Those of the lines of the invoice."),
        'get_invoice')
    difference = fields.Function(Monetary(
            "Difference", currency='currency', digits='currency',
            help="The total of the supplier less that of the invoice: a tax "
            "is missing, or a line was changed."),
        'get_invoice')
    attention = fields.Function(fields.Boolean(
            "Needs Attention",
            help="Whether its draft is to be assigned or has another total."),
        'get_invoice')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('number_unique', Unique(t, t.company, t.supplier, t.number),
                'cae_billing.msg_incoming_unique'),
            ]
        cls._sql_indexes.add(Index(t, (t.invoice, Index.Range())))
        cls._order = [('date', 'DESC'), ('id', 'DESC')]

    @classmethod
    def view_attributes(cls):
        return super().view_attributes() + [
            ('/tree', 'visual', If(Eval('attention', False), 'warning', '')),
            ]

    @staticmethod
    def default_company():
        return Transaction().context.get('company')

    def get_rec_name(self, name):
        return f'{self.supplier.rec_name} – {self.number}'

    @classmethod
    def search_rec_name(cls, name, clause):
        return ['OR',
            ('number', *clause[1:]),
            ('supplier.rec_name', *clause[1:]),
            ]

    @classmethod
    def get_invoice(cls, records, names):
        result = {name: {} for name in names}
        for record in records:
            invoice = record.invoice
            found = {
                line.activity for line in invoice.lines
                if line.activity} if invoice else set()
            difference = (
                record.total - invoice.total_amount if invoice else None)
            values = {
                'currency': (
                    invoice.currency if invoice
                    else record.company.currency).id,
                'activities': ', '.join(
                    sorted(a.rec_name for a in found)),
                'difference': difference,
                'attention': bool(
                    not invoice or invoice.state == 'draft' and (
                        difference or not found or any(
                            a.kind == 'unassigned' for a in found))),
                }
            for name in names:
                result[name][record.id] = values[name]
        return result

    @classmethod
    def check_modification(cls, mode, records, values=None, external=False):
        if mode == 'write' and external:
            for record in records:
                raise AccessError(gettext(
                        'cae_billing.msg_incoming_frozen',
                        incoming=record.rec_name))
        super().check_modification(
            mode, records, values=values, external=external)

    @classmethod
    def copy(cls, records, default=None):
        if records:
            raise AccessError(gettext('cae_billing.msg_incoming_copy'))
        return super().copy(records, default=default)

    @classmethod
    def take(cls, company, data, filename=None):
        """Return the incoming invoice of a file, with its supplier invoice.

        The file is a Factur-X PDF or an XML file in CII or UBL. Raises
        IncomingError when it is none, is for another buyer, comes from an
        unknown supplier or was taken before.
        """
        pool = Pool()
        Invoice = pool.get('account.invoice')
        content = cls._read(data, filename)
        supplier = cls._supplier(content)
        cls._check_buyer(company, content)
        known = Invoice.search([
                ('company', '=', company.id),
                ('type', '=', 'in'),
                ('party', '=', supplier.id),
                ('reference', '=', content.number),
                ('state', '!=', 'cancelled'),
                ], limit=1)
        if known:
            raise IncomingError(gettext(
                    'cae_billing.msg_incoming_known',
                    number=content.number, supplier=supplier.rec_name,
                    invoice=known[0].rec_name))
        invoice = cls._invoice(company, supplier, content)
        # Nobody writes it: whether the user may was found with the invoice
        with without_check_access():
            record, = cls.create([{
                        'company': company.id,
                        'file': data,
                        'filename': filename,
                        'supplier': supplier.id,
                        'number': content.number,
                        'date': content.date,
                        'total': -content.total if content.credit
                        else content.total,
                        'references': ', '.join(filter(None, [
                                    content.buyer.address,
                                    *content.references])),
                        'invoice': invoice.id,
                        }])
        return cls(record.id)

    @classmethod
    def _read(cls, data, filename):
        if len(data) > LARGEST:
            raise IncomingError(gettext('cae_billing.msg_incoming_large'))
        try:
            if data.lstrip()[:5] == b'%PDF-':
                library = factur_x_library()
                try:
                    _, data = library.get_facturx_xml_from_pdf(
                        data, check_xsd=False)
                except Exception as error:
                    raise ValueError(str(error)) from error
                if not data:
                    raise ValueError("a PDF without electronic invoice")
            return document.read(data)
        except ValueError as error:
            raise IncomingError(gettext(
                    'cae_billing.msg_incoming_unreadable',
                    name=filename or '', error=str(error))) from error

    @classmethod
    def _supplier(cls, content):
        "Return the only party with a number of the seller"
        Identifier = Pool().get('party.identifier')
        numbers = _variants(content.seller.numbers)
        parties = {
            i.party for i in Identifier.search([
                    ('code_compact', 'in', list(numbers)),
                    ('party', '!=', None),
                    ])
            } if numbers else set()
        if len(parties) != 1:
            raise IncomingError(gettext(
                    'cae_billing.msg_incoming_suppliers' if parties
                    else 'cae_billing.msg_incoming_supplier',
                    name=content.seller.name,
                    numbers=', '.join(sorted(numbers)) or '–',
                    parties=', '.join(sorted(p.rec_name for p in parties))))
        return parties.pop()

    @classmethod
    def _check_buyer(cls, company, content):
        "Refuse what names another buyer"
        party = company.party
        own = {
            document.compact(i.code) for i in party.identifiers} | {
            vat_number(party), legal_number(party)[0]} - {''}
        named = _variants(content.buyer.numbers)
        if named and own and not named & own:
            raise IncomingError(gettext(
                    'cae_billing.msg_incoming_buyer',
                    number=content.number, buyer=content.buyer.name,
                    company=company.rec_name))

    @classmethod
    def _names(cls, company):
        "Return {code or alias: activity} of the company"
        Activity = Pool().get('cae.activity')
        with without_check_access():
            return {
                name: activity for activity in Activity.search([
                        ('company', '=', company.id),
                        ])
                for name in [activity.code, activity.incoming_alias] if name}

    @classmethod
    def activity_for(cls, company, content):
        "Return the activity of the document, or that *To Be Assigned*"
        Activity = Pool().get('cae.activity')
        return (
            document.route(content, cls._names(company))
            or Activity.special(company, 'unassigned'))

    @classmethod
    def route(cls, invoice, content):
        "Give the lines of a draft that have none the activity of the document"
        Line = Pool().get('account.invoice.line')
        activity = cls.activity_for(invoice.company, content)
        lines = [
            line for line in invoice.lines
            if line.type == 'line' and not line.activity]
        if lines:
            Line.write(lines, {'activity': activity.id})
        if not invoice.activity:
            invoice.__class__.write([invoice], {'activity': activity.id})

    @classmethod
    def _invoice(cls, company, supplier, content):
        "Return the new draft of the supplier"
        pool = Pool()
        AccountConfiguration = pool.get('account.configuration')
        Currency = pool.get('currency.currency')
        Invoice = pool.get('account.invoice')
        Journal = pool.get('account.journal')
        currencies = Currency.search([('code', '=', content.currency)])
        if not currencies:
            raise IncomingError(gettext(
                    'cae_billing.msg_incoming_currency',
                    number=content.number, currency=content.currency))
        account = AccountConfiguration(1).get_multivalue(
            'default_category_account_expense', company=company.id)
        if not account:
            raise IncomingError(gettext(
                    'cae_billing.msg_incoming_account'))
        activity = cls.activity_for(company, content)
        sign = -1 if content.credit else 1
        taxes = cls._taxes(company, supplier, account, content.date)
        rows = [
            (line.name, *cls._quantity(line), line.rate)
            for line in content.lines] + [
            (name, Decimal(1), amount, rate)
            for name, amount, rate in content.charges]
        if not rows:
            # The smallest profiles have no lines
            rows = [('', Decimal(1), content.untaxed, None)]
        with Transaction().set_context(company=company.id):
            invoice = Invoice(
                type='in', company=company, party=supplier,
                currency=currencies[0],
                journal=Journal.find({'type': 'expense'}))
            invoice.on_change_party()
            invoice.invoice_date = content.date
            invoice.payment_term_date = content.due_date
            invoice.reference = content.number
            invoice.activity = activity
            invoice.save()
            Invoice.write([invoice], {
                    'lines': [('create', [{
                                    'type': 'line',
                                    'company': company.id,
                                    'currency': currencies[0].id,
                                    'description': name or None,
                                    'quantity': float(quantity * sign),
                                    'unit_price': round_price(price),
                                    'account': account.id,
                                    'activity': activity.id,
                                    'taxes': [('add', taxes.get(rate, []))],
                                    } for name, quantity, price, rate
                                in rows])]})
            Invoice.update_taxes([invoice])
        return invoice

    @staticmethod
    def _quantity(line):
        """Return the quantity and the price that give the amount of the line.

        One of the amount when they do not, as with a discount.
        """
        price = round_price(line.price)
        cent = Decimal('0.01')
        if (line.quantity * price).quantize(cent) == line.amount.quantize(
                cent):
            return line.quantity, price
        return Decimal(1), line.amount

    @classmethod
    def _taxes(cls, company, supplier, account, date):
        """Return {rate in percents: ids of the taxes} of the account.

        At the date, by the tax rule of the supplier. A rate that they do not
        have gets no tax, so that the difference shows.
        """
        Tax = Pool().get('account.tax')
        taxes = list(account.taxes)
        with Transaction().set_context(company=company.id):
            rule = supplier.supplier_tax_rule
        if rule:
            taxes = Tax.browse([
                    id_ for tax in taxes for id_ in rule.apply(tax, {}) or []])
        result = {}
        for tax in taxes:
            # A tax of the French chart is made of others
            rates = [
                v['tax'].rate for v in Tax.compute(
                    [tax], Decimal(1), 1, date)
                if v['tax'].type == 'percentage']
            if rates:
                result.setdefault(sum(rates) * 100, [tax.id])
        return result


def _variants(numbers):
    """Return the numbers with those that they hold.

    The SIREN is the start of a SIRET and the end of a French VAT number; a
    Belgian VAT number is the enterprise number after BE.
    """
    result = set(numbers)
    for number in numbers:
        if len(number) == 14 and number.isdigit():
            result.add(number[:9])
        elif len(number) == 13 and number.startswith('FR'):
            result.add(number[4:])
        elif number.startswith('BE'):
            result.add(number[2:])
    return result


class Import(Wizard):
    "Take electronic invoices of suppliers"
    __name__ = 'cae.incoming.import'
    start = StateView(
        'cae.incoming.import.start',
        'cae_billing.incoming_import_start_view_form', [
            Button("Cancel", 'end', 'tryton-cancel'),
            Button("Import", 'import_', 'tryton-ok', default=True),
            ])
    import_ = StateAction('cae_billing.act_incoming')

    @classmethod
    def check_access(cls):
        super().check_access()
        ModelAccess = Pool().get('ir.model.access')
        ModelAccess.check('cae.incoming', 'create')

    def do_import_(self, action):
        Incoming = Pool().get('cae.incoming')
        record = Incoming.take(
            self.start.company, self.start.file, self.start.filename)
        action['pyson_domain'] = PYSONEncoder().encode(
            [('id', '=', record.id)])
        return action, {}


class ImportStart(ModelView):
    __name__ = 'cae.incoming.import.start'
    company = fields.Many2One(
        'company.company', "Company", required=True, readonly=True)
    file = fields.Binary(
        "File", filename='filename', required=True,
        help="A Factur-X PDF, or an XML file in CII or UBL.")
    filename = fields.Char("File Name")

    @staticmethod
    def default_company():
        return Transaction().context.get('company')


class Replace(metaclass=PoolMeta):
    __name__ = 'party.replace'

    @classmethod
    def fields_to_replace(cls):
        return super().fields_to_replace() + [
            ('cae.incoming', 'supplier'),
            ]
