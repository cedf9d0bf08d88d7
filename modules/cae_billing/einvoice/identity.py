# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from sql.operators import Equal

from trytond.model import Exclude, fields
from trytond.pool import PoolMeta
from trytond.pyson import Eval

from ..mention.identity import siren_of
from .report import factur_x_library

# The countries of the types of identifiers that only a business has
COUNTRIES = {
    'be_vat': 'BE', 'fr_siren': 'FR', 'fr_siret': 'FR', 'fr_tva': 'FR'}
# UNTDID 5305
VAT_CATEGORIES = [
    (None, ""),
    ('S', "Standard Rate"),
    ('Z', "Zero Rate"),
    ('E', "Exempt"),
    ('AE', "Reverse Charge"),
    ('K', "Intra-Community Supply"),
    ('G', "Export"),
    ('O', "Not Subject to VAT"),
    ]


def business_countries(party):
    "Return the codes of the countries where the party is a business"
    result = set()
    for identifier in party.identifiers:
        if country := COUNTRIES.get(identifier.type):
            result.add(country)
        elif identifier.type == 'eu_vat':
            result.add(identifier.code_compact[:2].upper())
    return result


def vat_number(party):
    "Return the VAT number of the party with its country, or nothing"
    for identifier in party.identifiers:
        if identifier.type == 'eu_vat':
            return identifier.code_compact
        elif identifier.type in {'be_vat', 'fr_tva'}:
            code = identifier.code_compact
            country = COUNTRIES[identifier.type]
            return code if code.startswith(country) else country + code
    return ''


def legal_number(party):
    """Return the number of the register of the party and its ISO 6523 scheme.

    The SIREN in France and the enterprise number in Belgium.
    """
    if siren := siren_of(party):
        return ''.join(siren.split()), '0002'
    vat = vat_number(party)
    if vat.startswith('BE'):
        return vat[2:], '0208'
    return '', ''


class Company(metaclass=PoolMeta):
    __name__ = 'company.company'
    cae_factur_x = fields.Boolean(
        "Factur-X",
        help="Check to print posted customer invoices as PDF files that hold "
        "the electronic invoice (EN 16931).")

    @classmethod
    def validate_fields(cls, companies, field_names):
        super().validate_fields(companies, field_names)
        if (field_names is None or 'cae_factur_x' in field_names) and any(
                c.cae_factur_x for c in companies):
            factur_x_library()


class Activity(metaclass=PoolMeta):
    __name__ = 'cae.activity'
    incoming_alias = fields.Char(
        "Incoming Alias",
        states={
            'invisible': Eval('kind') != 'business',
            },
        help="What suppliers write on electronic invoices for the activity "
        "besides its code: a reference or the start of a mail address.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('incoming_alias_unique',
                Exclude(t, (t.company, Equal), (t.incoming_alias, Equal),
                    where=t.incoming_alias != ''),
                'cae_billing.msg_activity_alias_unique'),
            ]

    @classmethod
    def copy(cls, activities, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('incoming_alias')
        return super().copy(activities, default=default)


class Tax(metaclass=PoolMeta):
    __name__ = 'account.tax'
    vat_category = fields.Selection(
        VAT_CATEGORIES, "VAT Category", sort=False,
        help="The category on electronic invoices (UNTDID 5305).\n"
        "Leave empty for the standard rate, or exempt when the rate is zero.")
