# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""How customer invoices were sent, and how the law wants them to be."""
from sql import Null

from trytond.i18n import gettext
from trytond.model import Check, ModelSQL, ModelView, fields
from trytond.model.exceptions import AccessError
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval
from trytond.transaction import check_access, without_check_access
from trytond.wizard import Button, StateTransition, StateView, Wizard

from ..approval.access import is_entrepreneur
from ..exceptions import SendingError
from .identity import business_countries

CHANNELS = [
    (None, ""),
    ('mail', "Mail"),
    ('portal', "Portal of the Customer"),
    ('platform', "Approved Platform"),
    ('chorus', "Chorus Pro"),
    ('peppol', "Peppol"),
    ('hand', "By Hand or Post"),
    ]
# Those that give a number to what goes through them
NUMBERED = ['platform', 'chorus', 'peppol']
FIELDS = {'sent_date', 'sent_channel', 'sent_reference'}


class Rule(ModelSQL, ModelView):
    """How invoices between businesses of a country must be sent.

    From a date of invoice on: an invoice sent otherwise does not count.
    """
    __name__ = 'cae.sending.rule'
    __string__ = "Sending Rule"
    country_code = fields.Char(
        "Country", size=2, required=True,
        help="The ISO code of the country where both are businesses.")
    from_date = fields.Date(
        "From", required=True, help="The first date of invoices.")
    to_date = fields.Date(
        "To", help="The last date of invoices.\nLeave empty while it is so.")
    channels = fields.MultiSelection(
        CHANNELS[1:], "Channels", required=True,
        help="The only channels allowed.")
    source = fields.Char(
        "Source", required=True, help="The law that wants it.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('dates', Check(t,
                    (t.to_date == Null) | (t.from_date <= t.to_date)),
                'cae_billing.msg_sending_rule_dates'),
            ]
        cls._order = [
            ('country_code', 'ASC'), ('from_date', 'DESC'), ('id', None)]

    def get_rec_name(self, name):
        return f'{self.country_code} – {self.source}'

    @classmethod
    def search_rec_name(cls, name, clause):
        return ['OR',
            ('country_code', *clause[1:]),
            ('source', *clause[1:]),
            ]

    @classmethod
    @without_check_access
    def of(cls, invoices):
        "Return {customer invoice: the rule for it} of those that have one"
        rules = cls.search([])
        businesses, result = {}, {}
        for invoice in invoices:
            date = invoice.invoice_date
            if invoice.type != 'out' or not date:
                continue
            for party in [invoice.company.party, invoice.party]:
                if party not in businesses:
                    businesses[party] = business_countries(party)
            countries = (
                businesses[invoice.company.party] & businesses[invoice.party])
            for rule in rules:
                if (rule.country_code in countries
                        and rule.from_date <= date
                        and (not rule.to_date or date <= rule.to_date)):
                    result[invoice] = rule
        return result


class Invoice(metaclass=PoolMeta):
    __name__ = 'account.invoice'
    sent_date = fields.Date(
        "Sent On", readonly=True,
        states={
            'invisible': ~Eval('sent_date'),
            })
    sent_channel = fields.Selection(
        CHANNELS, "Sent By", readonly=True, sort=False,
        states={
            'invisible': ~Eval('sent_date'),
            })
    sent_reference = fields.Char(
        "Number of Transmission", readonly=True,
        states={
            'invisible': ~Eval('sent_reference'),
            },
        help="What the platform answered.")
    sending = fields.Function(fields.Selection([
                (None, ""),
                ('to_send', "To Send"),
                ('non_compliant', "To Send Electronically"),
                ('sent', "Sent"),
                ], "Sending", sort=False,
            help="Whether the posted invoice was sent; one that the law wants "
            "electronic is not compliant before."),
        'get_sending')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._check_modify_exclude |= FIELDS
        cls._buttons.update({
                'send': {
                    'invisible': (
                        (Eval('type') != 'out')
                        | ~Eval('state').in_(['posted', 'paid'])
                        | Eval('sent_date')),
                    'depends': ['type', 'state', 'sent_date'],
                    },
                })

    @classmethod
    def get_sending(cls, invoices, name):
        rules = Pool().get('cae.sending.rule').of(invoices)
        result = {}
        for invoice in invoices:
            value = None
            if invoice.type == 'out' and invoice.sent_date:
                value = 'sent'
            elif invoice.type == 'out' and invoice.state in {'posted', 'paid'}:
                value = 'non_compliant' if invoice in rules else 'to_send'
            result[invoice.id] = value
        return result

    @classmethod
    def copy(cls, invoices, default=None):
        default = default.copy() if default is not None else {}
        for name in FIELDS:
            default.setdefault(name)
        return super().copy(invoices, default=default)

    @classmethod
    def check_modification(cls, mode, invoices, values=None, external=False):
        if external and (
                mode == 'write' and values.keys() & FIELDS
                or mode == 'create' and any(
                    getattr(i, n) for i in invoices for n in FIELDS)):
            raise AccessError(gettext('cae_billing.msg_sending_by_button'))
        super().check_modification(
            mode, invoices, values=values, external=external)

    @classmethod
    @ModelView.button_action('cae_billing.wizard_send')
    def send(cls, invoices):
        pass

    @classmethod
    def mark_sent(cls, invoices, channel, date, reference=None):
        """Note that the posted customer invoices were sent.

        Raises SendingError when one is not posted or was sent, and when the
        law wants another channel: an invoice between businesses of Belgium
        goes by Peppol since 2026 (loi du 6 février 2024).
        """
        pool = Pool()
        Lang = pool.get('ir.lang')
        Rule = pool.get('cae.sending.rule')
        names = dict(CHANNELS)
        rules = Rule.of(invoices)
        lang = Lang.get()
        for invoice in invoices:
            message, values = None, {'invoice': invoice.rec_name}
            rule = rules.get(invoice)
            if invoice.type != 'out' or invoice.state not in {
                    'posted', 'paid'}:
                message = 'state'
            elif invoice.sent_date:
                message = 'twice'
                values['date'] = lang.strftime(invoice.sent_date)
            elif date < invoice.invoice_date:
                message = 'date'
            elif rule and channel not in rule.channels:
                message = 'channel'
                values.update(
                    customer=invoice.party.rec_name,
                    channels=', '.join(names[c] for c in rule.channels),
                    source=rule.source)
            elif rule and not invoice._transmitted(channel, reference):
                message = 'transmission'
                values['source'] = rule.source
            if message:
                raise SendingError(gettext(
                        f'cae_billing.msg_sending_{message}', **values))
        cls.write(invoices, {
                'sent_date': date, 'sent_channel': channel,
                'sent_reference': reference or None})

    def _transmitted(self, channel, reference):
        """Return whether the channel took the invoice.

        What Tryton sends knows itself; otherwise a number says so.
        """
        documents = (
            getattr(self, 'peppol', None) if channel == 'peppol' else None)
        if documents:
            return any(d.state == 'succeeded' for d in documents)
        return bool((reference or '').strip())


class Send(Wizard):
    "Note how invoices were sent"
    __name__ = 'cae.invoice.send'
    start = StateView(
        'cae.invoice.send.start', 'cae_billing.send_start_view_form', [
            Button("Cancel", 'end', 'tryton-cancel'),
            Button("Mark as Sent", 'send', 'tryton-ok', default=True),
            ])
    send = StateTransition()

    def default_start(self, fields):
        pool = Pool()
        Date = pool.get('ir.date')
        Rule = pool.get('cae.sending.rule')
        default = {'date': Date.today()}
        for rule in Rule.of(self.records).values():
            default['channel'] = rule.channels[0]
        return default

    def transition_send(self):
        # To read them is to be allowed to: an entrepreneur sends their own
        with check_access():
            self.model.read([r.id for r in self.records], ['id'])
        if is_entrepreneur():
            self.model._check_own(self.records)
        with without_check_access():
            self.model.mark_sent(
                self.model.browse(self.records), self.start.channel,
                self.start.date, self.start.reference)
        return 'end'

    def end(self):
        return 'reload'


class SendStart(ModelView):
    __name__ = 'cae.invoice.send.start'
    date = fields.Date("Date", required=True)
    channel = fields.Selection(CHANNELS, "Channel", required=True, sort=False)
    reference = fields.Char(
        "Number of Transmission",
        states={
            'invisible': ~Eval('channel').in_(NUMBERED),
            },
        help="What the platform answered. Leave empty for what Tryton sent by "
        "Peppol.")
