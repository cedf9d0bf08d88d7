# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What few may read of a person, and who did."""
from sql.functions import CurrentTimestamp
from stdnum import iban
from stdnum.be import nn
from stdnum.exceptions import ValidationError as NumberError
from stdnum.fr import nir

from trytond.i18n import gettext
from trytond.model import Index, ModelSQL, ModelView, Unique, fields
from trytond.pool import Pool
from trytond.pyson import Bool, Eval
from trytond.transaction import Transaction

from .exceptions import PrivateValidationError
from .model import EntrepreneurMixin


class Private(EntrepreneurMixin, ModelSQL, ModelView):
    """The private record of an entrepreneur.

    Only its group and the person read it; each reading by a user is kept.
    """
    __name__ = 'cae.entrepreneur.private'
    __string__ = "Private Record"

    social_security_number = fields.Char(
        "Social Security Number",
        help="The French NIR or the Belgian national register number.")
    birth_name = fields.Char(
        "Birth Name",
        help="The family name at birth, if it is another one; the social "
        "declarations ask for it.")
    birth_place = fields.Char(
        "Birth Place",
        help="The town of birth; the social declarations ask for it.")
    birth_country = fields.Many2One(
        'country.country', "Birth Country", ondelete='RESTRICT')
    nationality = fields.Many2One(
        'country.country', "Nationality", ondelete='RESTRICT')
    permit_number = fields.Char(
        "Permit",
        help="The number of the permit to stay and work (titre de séjour); "
        "the paper tells when it expires.")
    bank_account = fields.Char(
        "Bank Account", help="The IBAN on which the person is paid.")
    disability = fields.Boolean(
        "Disability",
        help="Whether the person told that they are recognised as a disabled "
        "worker (RQTH).")
    disability_consent = fields.Date(
        "Consent",
        states={
            'required': Bool(Eval('disability')),
            'invisible': ~Eval('disability'),
            },
        help="When the person agreed that this is recorded.")
    emergency_contact = fields.Char("Emergency Contact")
    emergency_phone = fields.Char("Emergency Phone")
    note = fields.Text("Note")

    @classmethod
    def __setup__(cls):
        cls.social_security_number.search_unaccented = False
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('entrepreneur_unique', Unique(t, t.entrepreneur),
                'cae_members.msg_private_unique'),
            ]

    def get_rec_name(self, name):
        return self.entrepreneur.rec_name

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('entrepreneur.rec_name', *clause[1:])]

    @classmethod
    def preprocess_values(cls, mode, values):
        "Write the numbers without spaces and dots"
        values = super().preprocess_values(mode, values)
        if number := values.get('social_security_number'):
            values['social_security_number'] = nir.compact(
                number.replace('-', ''))
        if number := values.get('bank_account'):
            values['bank_account'] = iban.compact(number)
        return values

    @classmethod
    def validate_fields(cls, records, field_names):
        super().validate_fields(records, field_names)
        for record in records:
            cls.check_numbers(
                record.social_security_number, record.bank_account)

    @classmethod
    def check_numbers(cls, social_security_number, bank_account):
        """Check that the numbers are a French or Belgian one and an IBAN.

        Empty ones pass. Raise PrivateValidationError, without the number: an
        error is read by more people than the record.
        """
        number = social_security_number
        if number and not (nir.is_valid(number) or nn.is_valid(number)):
            raise PrivateValidationError(gettext(
                    'cae_members.msg_private_social_security_number'))
        try:
            if bank_account:
                iban.validate(bank_account)
        except NumberError as error:
            raise PrivateValidationError(gettext(
                    'cae_members.msg_private_bank_account')) from error

    @classmethod
    def read(cls, ids, fields_names):
        transaction = Transaction()
        records = super().read(ids, fields_names)
        if (transaction.check_access
                and set(fields_names) - {'id', 'rec_name', 'entrepreneur'}):
            cls._keep_reading(ids)
        return records

    @classmethod
    def export_data(cls, records, fields_names, *args, **kwargs):
        if Transaction().check_access:
            cls._keep_reading([r.id for r in records])
        return super().export_data(records, fields_names, *args, **kwargs)

    @classmethod
    def _keep_reading(cls, ids):
        "Keep that the user read the records"
        if not ids:
            return
        Reading = Pool().get('cae.entrepreneur.private.reading')
        transaction = Transaction()
        user = transaction.user

        def keep():
            table = Reading.__table__()
            cursor = Transaction().connection.cursor()
            cursor.execute(*table.insert(
                    [table.create_uid, table.create_date, table.private],
                    [[user, CurrentTimestamp(), id_] for id_ in ids]))
        if transaction.readonly:
            # What is read is read, whatever becomes of the request
            with transaction.new_transaction():
                keep()
        else:
            keep()


class Reading(ModelSQL, ModelView):
    "That a user read a private record, and when"
    __name__ = 'cae.entrepreneur.private.reading'
    __string__ = "Private Record Reading"

    private = fields.Many2One(
        'cae.entrepreneur.private', "Private Record", required=True,
        readonly=True, ondelete='CASCADE')
    company = fields.Function(
        fields.Many2One('company.company', "Company"),
        'get_company', searcher='search_company')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_indexes.add(Index(t, (t.private, Index.Range())))
        cls._order = [('create_date', 'DESC'), ('id', 'DESC')]

    @classmethod
    def get_company(cls, readings, name):
        return {r.id: r.private.entrepreneur.company.id for r in readings}

    @classmethod
    def search_company(cls, name, clause):
        return [('private.' + clause[0], *clause[1:])]
