# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.i18n import gettext
from trytond.model import fields
from trytond.modules.cae_members import picture
from trytond.pool import Pool, PoolMeta
from trytond.transaction import without_check_access

from ..exceptions import LogoError


class Company(metaclass=PoolMeta):
    __name__ = 'company.company'
    cae_legal_form = fields.Char(
        "Legal Form", help="As on the invoices, such as SCOP SARL or SA.")
    cae_variable_capital = fields.Boolean(
        "Variable Capital",
        help="Documents must then say it (Code de commerce, art. L231-2).")
    cae_registry = fields.Char(
        "Registry",
        help="Where the company is registered, such as RCS Lille Métropole.")
    cae_vat_on_debits = fields.Boolean(
        "VAT on Debits",
        help="Check if the company opted to pay the VAT of services when it "
        "invoices them (option pour les débits).")

    def identity(self):
        """Return the lines of what a document must say of the company.

        Its name and form, its seat, its numbers (Code de commerce, art.
        R123-237 and L231-2; CGI, annexe II, art. 242 nonies A), in the
        language of the context.
        """
        party = self.party
        form = self.cae_legal_form or ''
        if self.cae_variable_capital:
            form = ' '.join(filter(None, [
                        form, gettext('cae_billing.msg_variable_capital')]))
        siren, siret = siren_of(party), _code(party, 'fr_siret')
        numbers = [
            f"SIREN {siren}" if siren else None,
            f"SIRET {siret}" if siret else None,
            self.cae_registry,
            ]
        vat = _code(party, 'eu_vat')
        if not vat and party.tax_identifier:
            vat = party.tax_identifier.code
        if vat and vat not in {siren, siret}:
            numbers.append(gettext('cae_billing.msg_vat_number', number=vat))
        lines = [
            ', '.join(filter(None, [party.name, form])),
            self.seat(),
            ' – '.join(filter(None, numbers)),
            ]
        return [line for line in lines if line]

    def seat(self):
        "Return the address of the company on one line"
        address = self.party.address_get()
        return ', '.join(
            line for line in address.full_address.splitlines()
            if line != self.party.name) if address else ''

    def siren(self):
        "Return the number by which the company is known, or nothing"
        return siren_of(self.party) or (
            self.party.tax_identifier.code if self.party.tax_identifier
            else '')


def _code(party, type_):
    "Return the first identifier of the type of the party, or nothing"
    for identifier in party.identifiers:
        if identifier.type == type_:
            return identifier.code
    return ''


def siren_of(party):
    "Return the SIREN of the party, also as the start of its SIRET"
    siren = _code(party, 'fr_siren')
    if not siren and (siret := _code(party, 'fr_siret')):
        digits = ''.join(filter(str.isdigit, siret))
        siren = ' '.join([digits[:3], digits[3:6], digits[6:9]])
    return siren


class Activity(metaclass=PoolMeta):
    __name__ = 'cae.activity'
    brand_name = fields.Char(
        "Brand Name",
        help="The name under which customers know the activity, on its "
        "documents (enseigne).\nLeave empty to use its name.")
    logo = fields.Binary(
        "Logo", help="A PNG or JPEG picture of at most 1 MB.")

    @classmethod
    def preprocess_values(cls, mode, values):
        values = super().preprocess_values(mode, values)
        if logo := values.get('logo'):
            try:
                picture.measure(logo)
            except ValueError as error:
                raise LogoError(gettext(
                        'cae_billing.msg_logo_kind')) from error
        return values

    def get_logo_cm(self, width, height):
        "Return the logo with its type and its size inside the box"
        kind, *size = picture.measure(self.logo)
        return self.logo, kind, *picture.size_cm(size, width, height)

    @classmethod
    def brand(cls, activities):
        """Return the only activity of a document that has a brand, or None.

        The document of several activities is that of the cooperative.
        """
        activities = set(activities)
        if len(activities) == 1:
            with without_check_access():
                activity = Pool().get('cae.activity')(
                    next(iter(activities)).id)
                if activity.kind == 'business':
                    return activity
