# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.i18n import gettext
from trytond.pool import Pool, PoolMeta

from ..mention.printed import PrintedLineMixin, PrintedMixin


class Sale(PrintedMixin, metaclass=PoolMeta):
    __name__ = 'sale.sale'

    @property
    def _document_date(self):
        return self.quotation_date or self.sale_date

    @property
    def activities(self):
        "The activity of the document, as a set"
        return {self.activity} - {None}

    @property
    def _category_lines(self):
        return self.line_lines

    def _vat(self):
        "Return {name of the tax: (base, amount)}"
        result = {}
        for line in self._get_taxes().values():
            base, amount = result.get(line.tax.description, (0, 0))
            result[line.tax.description] = (
                base + line.base, amount + line.amount)
        return result

    def _legal_notices(self):
        return [line.tax.legal_notice for line in self._get_taxes().values()]

    def _printed_title(self):
        kind = (
            'quote' if self.state in {'draft', 'quotation', 'cancelled'}
            else 'order')
        title = gettext(f'cae_billing.msg_printed_{kind}')
        return f'{title} {self.number}' if self.number else title

    def _printed(self, lang):
        printed = super()._printed(lang)
        printed.draft = self.state == 'draft'
        printed.acceptance = self.state in {'draft', 'quotation'}
        printed.valid_until = (
            lang.strftime(self.quotation_expire)
            if printed.acceptance and self.quotation_expire else '')
        printed.payment_term = (
            self.payment_term.name if self.payment_term else '')
        printed.deposits = self._printed_deposits(lang)
        return printed

    def _printed_deposits(self, lang):
        "Return what the customer pays when accepting"
        return []


class SaleLine(PrintedLineMixin, metaclass=PoolMeta):
    __name__ = 'sale.line'

    @property
    def _vat_date(self):
        return self.sale.tax_date


class QuoteReport(metaclass=PoolMeta):
    __name__ = 'sale.sale'

    @classmethod
    def get_context(cls, records, header, data):
        Sale = Pool().get('sale.sale')
        context = super().get_context(records, header, data)
        context['sale'] = context['record']
        context['printed'] = Sale(context['record'].id).printed()
        return context
