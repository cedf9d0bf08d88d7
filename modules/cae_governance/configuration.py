# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

from trytond.i18n import gettext
from trytond.model import fields
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval, Id
from trytond.transaction import Transaction, without_check_access

from .exceptions import CapitalSetupError, ConfigurationValidationError

LEGAL_FORMS = [
    ('scop_sarl', "SCOP SARL"),
    ('scop_sa', "SCOP SA"),
    ('scop_sas', "SCOP SAS"),
    ]


def _company(company):
    if company:
        return Eval('company', -1)
    return Eval('context', {}).get('company', -1)


def _form(string, help, company=False):
    return fields.Selection(
        [(None, "")] + LEGAL_FORMS, string, sort=False, help=help)


def _value(string, help, company=False):
    return fields.Numeric(
        string, digits=(16, 2),
        domain=['OR',
            ('share_value', '=', None),
            ('share_value', '>', 0),
            ],
        help=help)


def _sequence(type_):
    def make(string, help, company=False):
        return fields.Many2One(
            'ir.sequence.strict', string,
            domain=[
                ('sequence_type', '=', Id('cae_governance', type_)),
                ('company', '=', _company(company)),
                ],
            help=help)
    return make


def _journal(string, help, company=False):
    return fields.Many2One('account.journal', string, help=help)


def _account(party):
    def make(string, help, company=False):
        return fields.Many2One(
            'account.account', string,
            domain=[
                ('company', '=', _company(company)),
                ('closed', '!=', True),
                ('type.statement', '=', 'balance'),
                ('party_required', '=', party),
                ],
            help=help)
    return make


_FIELDS = {
    'legal_form': (
        _form, "Legal Form",
        "The form of the company: it says how assemblies decide."),
    'share_value': (
        _value, "Share Value",
        "The nominal value of each share, the same for all (loi 78-763, "
        "art. 22)."),
    'associate_sequence': (
        _sequence('sequence_type_associate'), "Associate Sequence",
        "Used to number associates when they are admitted."),
    'share_sequence': (
        _sequence('sequence_type_share'), "Share Movement Sequence",
        "Used to number the movements of shares."),
    'capital_journal': (
        _journal, "Capital Journal",
        "Where the entries of the capital are posted."),
    'capital_due_account': (
        _account(True), "Capital Due Account",
        "What associates still owe on their shares (45625)."),
    'capital_called_account': (
        _account(False), "Capital Called Account",
        "The capital subscribed and not yet paid (1012)."),
    'capital_paid_account': (
        _account(False), "Capital Paid Account",
        "The capital subscribed and paid (10131)."),
    'capital_refund_account': (
        _account(True), "Capital Refund Account",
        "What is due to associates for the shares they left (4567)."),
    }
# The accounts of the French chart
_CODES = {
    'capital_due_account': '45625',
    'capital_called_account': '1012',
    'capital_paid_account': '10131',
    'capital_refund_account': '4567',
    }


def _field(name, company=False):
    make, string, help = _FIELDS[name]
    return make(string, help, company=company)


class Configuration(metaclass=PoolMeta):
    __name__ = 'cae.configuration'

    legal_form = fields.MultiValue(_field('legal_form'))
    share_value = fields.MultiValue(_field('share_value'))
    associate_sequence = fields.MultiValue(_field('associate_sequence'))
    share_sequence = fields.MultiValue(_field('share_sequence'))
    capital_journal = fields.MultiValue(_field('capital_journal'))
    capital_due_account = fields.MultiValue(_field('capital_due_account'))
    capital_called_account = fields.MultiValue(
        _field('capital_called_account'))
    capital_paid_account = fields.MultiValue(_field('capital_paid_account'))
    capital_refund_account = fields.MultiValue(
        _field('capital_refund_account'))

    @classmethod
    def default_legal_form(cls, **pattern):
        return cls.multivalue_model('legal_form').default_legal_form()

    @classmethod
    def get_capital(cls, company, name):
        """Return the setting `name` of the company.

        Raise CapitalSetupError when it is missing.
        """
        pool = Pool()
        Company = pool.get('company.company')
        with without_check_access():
            value = cls(1).get_multivalue(name, company=int(company))
            if not value:
                raise CapitalSetupError(gettext(
                        'cae_governance.msg_no_capital_setup',
                        company=Company(int(company)).rec_name,
                        **cls.__names__(name)))
        return value

    @classmethod
    def setup_company(cls, company):
        super().setup_company(company)
        with without_check_access(), \
                Transaction().set_context(company=company.id):
            cls._setup_capital(company)

    @classmethod
    def _setup_capital(cls, company):
        pool = Pool()
        Account = pool.get('account.account')
        ModelData = pool.get('ir.model.data')
        Sequence = pool.get('ir.sequence.strict')
        config = cls(1)
        missing = {
            name for name in _FIELDS
            if not config.get_multivalue(name, company=company.id)}
        for name in ['associate', 'share']:
            if f'{name}_sequence' not in missing:
                continue
            sequence = Sequence(
                name=gettext(f'cae_governance.msg_sequence_{name}'),
                company=company,
                padding=4,
                sequence_type=ModelData.get_id(
                    'cae_governance', f'sequence_type_{name}'))
            sequence.save()
            config.set_multivalue(
                f'{name}_sequence', sequence, company=company.id)
        if 'capital_journal' in missing:
            config.set_multivalue(
                'capital_journal',
                ModelData.get_id('cae_governance', 'journal_capital'),
                company=company.id)
        accounts = {a.code: a for a in Account.search([
                    ('company', '=', company.id),
                    ('code', 'in', list(_CODES.values())),
                    ('closed', '!=', True),
                    ('type.statement', '=', 'balance'),
                    ])}
        for name, code in _CODES.items():
            if name in missing and code in accounts:
                config.set_multivalue(
                    name, accounts[code], company=company.id)


class ConfigurationValue(metaclass=PoolMeta):
    __name__ = 'cae.configuration.value'

    legal_form = _field('legal_form', company=True)
    share_value = _field('share_value', company=True)
    associate_sequence = _field('associate_sequence', company=True)
    share_sequence = _field('share_sequence', company=True)
    capital_journal = _field('capital_journal', company=True)
    capital_due_account = _field('capital_due_account', company=True)
    capital_called_account = _field('capital_called_account', company=True)
    capital_paid_account = _field('capital_paid_account', company=True)
    capital_refund_account = _field('capital_refund_account', company=True)

    @classmethod
    def default_legal_form(cls):
        return 'scop_sarl'

    @classmethod
    def validate_fields(cls, values, field_names):
        super().validate_fields(values, field_names)
        cls.check_share_value(values, field_names)

    @classmethod
    def check_share_value(cls, values, field_names=None):
        "Check that the nominal is the one of the shares there are"
        pool = Pool()
        Movement = pool.get('cae.share.movement')
        if field_names and 'share_value' not in field_names:
            return
        for value in values:
            if not value.company:
                continue
            others = Movement.search([
                    ('company', '=', value.company.id),
                    ('unit_value', '!=', value.share_value),
                    ], limit=1, order=[])
            if others:
                raise ConfigurationValidationError(gettext(
                        'cae_governance.msg_share_value_in_use',
                        company=value.company.rec_name))
