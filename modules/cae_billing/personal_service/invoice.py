# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.i18n import gettext
from trytond.model import fields
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval
from trytond.transaction import without_check_access

from ..exceptions import PersonalServiceError
from ..mention.printed import BUSINESS_IDENTIFIERS

STATES = {
    'invisible': (
        (Eval('type') != 'line')
        | ~Eval('service_scope', False) & ~Eval('service_nature')),
    'readonly': Eval('invoice_state') != 'draft',
    }


class InvoiceLine(metaclass=PoolMeta):
    __name__ = 'account.invoice.line'
    service_scope = fields.Function(
        fields.Boolean("Personal Services"), 'on_change_with_service_scope')
    service_nature = fields.Many2One(
        'cae.personal_service.nature', "Nature of Service",
        ondelete='RESTRICT', states=STATES,
        help="Which personal service was done (Code du travail, art. "
        "D7231-1).")
    service_worker = fields.Many2One(
        'cae.entrepreneur', "Done By", ondelete='RESTRICT',
        domain=[('company', '=', Eval('company', -1))], states=STATES,
        help="Who did the work (intervenant); their number identifies them "
        "on the invoice.")
    service_date = fields.Date(
        "Done On", states=STATES,
        help="The day of the intervention: enter a line for each.")
    service_hours = fields.Numeric(
        "Time Spent", digits=(7, 2), states=STATES,
        domain=['OR',
            ('service_hours', '=', None),
            ('service_hours', '>=', 0),
            ],
        help="In hours, such as 1.5 for an hour and a half.")

    @fields.depends('activity')
    def on_change_with_service_scope(self, name=None):
        return bool(
            self.activity and self.activity.trade
            and self.activity.trade.personal_service)

    @property
    def taxed_amount(self):
        "The amount with the taxes in percents, not rounded"
        return self.amount * (100 + (self._vat_rate() or 0)) / 100

    def _credit(self):
        line = super()._credit()
        for name in [
                'service_nature', 'service_worker', 'service_date',
                'service_hours']:
            setattr(line, name, getattr(self, name))
        return line

    def _check_service(self, invoice, declaration, date):
        """Refuse a personal service that the law does not allow so.

        ``declaration`` is that in force at the date of the invoice, or None.
        """
        nature = self.service_nature
        cap = nature.cap(self.service_date or date) if nature else None
        longest = cap.hours if cap else None
        scope = self.on_change_with_service_scope()
        if not nature:
            if scope and not getattr(
                    self.account.type, 'customer_deposit', False):
                self._refuse_service('nature', invoice)
        elif not scope:
            self._refuse_service('scope', invoice)
        elif not declaration:
            self._refuse_service('declaration', invoice)
        elif nature.approval and not declaration.approved(date):
            self._refuse_service('approval', invoice)
        elif invoice.party_tax_identifier or (
                {i.type for i in invoice.party.identifiers}
                & BUSINESS_IDENTIFIERS):
            self._refuse_service('customer', invoice)
        elif not self.service_worker or not self.service_date:
            self._refuse_service('worker', invoice)
        elif nature.timed and not self.service_hours:
            self._refuse_service('hours', invoice)
        elif longest and (self.service_hours or 0) > longest:
            self._refuse_service('longest', invoice, longest=longest)

    def _refuse_service(self, reason, invoice, **values):
        raise PersonalServiceError(gettext(
                f'cae_billing.msg_service_{reason}',
                invoice=invoice.rec_name,
                line=self.rec_name,
                company=invoice.company.rec_name,
                customer=invoice.party.rec_name,
                nature=(
                    self.service_nature.rec_name
                    if self.service_nature else ''),
                activity=self.activity.rec_name if self.activity else '',
                **values))


class Invoice(metaclass=PoolMeta):
    __name__ = 'account.invoice'

    @classmethod
    def _check_activities(cls, invoices):
        super()._check_activities(invoices)
        cls._check_services(invoices)

    @classmethod
    @without_check_access
    def _check_services(cls, invoices):
        """Refuse the personal services that the law does not allow so.

        What is sold, not what is given back (Code du travail, art. L7232-1,
        L7232-1-1, D7231-1, D7233-1 and D7233-5).
        """
        pool = Pool()
        Declaration = pool.get('cae.personal_service.declaration')
        Year = pool.get('cae.personal_service.year')
        declarations = {}
        for invoice in invoices:
            if invoice.type != 'out':
                continue
            lines = [
                line for line in invoice.line_lines
                if (line.service_nature or line.on_change_with_service_scope())
                and line.amount > 0]
            if not lines:
                continue
            date, company = invoice.printed_date, invoice.company
            if (company, date) not in declarations:
                declarations[company, date] = Declaration.at(company, date)
                Year.check(company, date)
            for line in lines:
                line._check_service(
                    invoice, declarations[company, date], date)

    def _mention_conditions(self):
        pool = Pool()
        Declaration = pool.get('cae.personal_service.declaration')
        result = super()._mention_conditions()
        natures = {
            line.service_nature for line in self.line_lines
            if line.service_nature}
        date, lang = self.printed_date, self._printed_lang
        if natures and (declaration := Declaration.at(self.company, date)):
            result['personal_service'] = [{
                    'declaration': declaration.number,
                    'declaration_date': lang.strftime(declaration.date)}]
            if (any(n.approval for n in natures)
                    and declaration.approved(date)):
                result['service_approval'] = [{
                        'approval': declaration.approval_number,
                        'approval_date': lang.strftime(
                            declaration.approval_date)}]
        return result

    def _printed_line(self, line, lang):
        """Add what an invoice of a personal service says.

        The nature, the day, the number of who did the work, the time spent
        and the prices tax included (Code du travail, art. D7233-1 and
        D7233-2).
        """
        printed = super()._printed_line(line, lang)
        if line.service_nature:
            printed.text = '\n'.join(filter(None, [
                        printed.text, *self._printed_service(line, lang)]))
        return printed

    def _printed_service(self, line, lang):
        nature = line.service_nature.name
        if worker := line.service_worker:
            nature = gettext(
                'cae_billing.msg_printed_service', nature=nature,
                date=(
                    lang.strftime(line.service_date)
                    if line.service_date else '–'),
                worker=worker.party.name, number=worker.code)
        yield nature
        amount = self.currency.round(line.taxed_amount)
        values = {'amount': lang.currency(
                amount, self.currency, grouping=True)}
        if hours := line.service_hours:
            yield gettext(
                'cae_billing.msg_printed_service_hours',
                hours=lang.format_number(hours),
                rate=lang.currency(
                    self.currency.round(amount / hours), self.currency,
                    grouping=True),
                **values)
        else:
            yield gettext('cae_billing.msg_printed_service_flat', **values)
