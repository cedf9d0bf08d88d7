# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from sql import Null

from trytond.i18n import gettext
from trytond.model import Check, ModelSQL, ModelView, fields, sequence_ordered

from ..exceptions import MentionError
from .text import fill, unknown

PLACEHOLDERS = [
    'company', 'seat', 'number', 'holder', 'term', 'invoices',
    'delivery_address', 'delivery_date', 'declaration', 'declaration_date',
    'approval', 'approval_date']


class Mention(sequence_ordered(), ModelSQL, ModelView):
    """What the law wants on the documents of sale, from a date on.

    The text is the cooperative's to write; when it stands on a document is
    one of a closed list of conditions, which the document answers.
    """
    __name__ = 'cae.mention'
    __string__ = "Legal Mention"

    code = fields.Char(
        "Code", required=True, help="The name by which people refer to it.")
    text = fields.Text(
        "Text", required=True, translate=True,
        help="Printed in the language of the customer.\n"
        "The following placeholders can be used:\n"
        + '\n'.join(f'- ${{{name}}}' for name in PLACEHOLDERS))
    country_code = fields.Char(
        "Country", size=2,
        help="The ISO code of the country of the company whose law wants it."
        "\nLeave empty for any.")
    condition = fields.Selection([
            ('always', "Always"),
            ('business', "Professional Customer"),
            ('individual', "Private Customer"),
            ('cape', "Holder Under a CAPE"),
            ('credit_note', "Credit Note of an Invoice"),
            ('debits', "VAT on Debits"),
            ('goods', "Goods Only"),
            ('services', "Services Only"),
            ('mixed', "Goods and Services"),
            ('delivery_address', "Delivery at Another Address"),
            ('delivery_date', "Done at Another Date"),
            ('personal_service', "Personal Services"),
            ('service_approval', "Personal Services With an Approval"),
            ], "Condition", required=True, sort=False,
        help="When the mention stands on a document.")
    from_date = fields.Date(
        "From",
        help="The first date of documents that need it.\n"
        "Leave empty if it was always needed.")
    to_date = fields.Date(
        "To", help="The last date of documents that need it.")
    source = fields.Char(
        "Source", required=True, help="The article of law that wants it.")
    note_codes = fields.Char(
        "Note Codes",
        help="The subject codes of the note on electronic invoices (UNTDID "
        "4451), separated by spaces, such as PMD PMT.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('dates', Check(t,
                    (t.from_date == Null) | (t.to_date == Null)
                    | (t.from_date <= t.to_date)),
                'cae_billing.msg_mention_dates'),
            ]

    @classmethod
    def default_condition(cls):
        return 'always'

    def get_rec_name(self, name):
        return self.code

    @classmethod
    def search_rec_name(cls, name, clause):
        return ['OR',
            ('code', *clause[1:]),
            ('text', *clause[1:]),
            ]

    @classmethod
    def validate_fields(cls, mentions, field_names):
        super().validate_fields(mentions, field_names)
        if field_names is None or 'text' in field_names:
            for mention in mentions:
                if names := unknown(mention.text, PLACEHOLDERS):
                    raise MentionError(gettext(
                            'cae_billing.msg_mention_placeholder',
                            mention=mention.rec_name,
                            names=', '.join(names),
                            allowed=', '.join(PLACEHOLDERS)))

    @classmethod
    def texts(cls, country_code, date, values, conditions):
        """Return (mention, text) of what a document of the date needs.

        ``values`` are those of the placeholders and ``conditions`` is {met
        condition: [values of its own]}: there is a text for each of them.
        """
        mentions = cls.search([
                ('country_code', 'in', [None, '', country_code]),
                ('condition', 'in', list(conditions)),
                ['OR', ('from_date', '=', None), ('from_date', '<=', date)],
                ['OR', ('to_date', '=', None), ('to_date', '>=', date)],
                ])
        empty = dict.fromkeys(PLACEHOLDERS, '')
        return [
            (mention, fill(mention.text, {**empty, **values, **own}))
            for mention in mentions
            for own in conditions[mention.condition]]
