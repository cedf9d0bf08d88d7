# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

from dateutil.relativedelta import relativedelta

from trytond.i18n import gettext
from trytond.model import fields
from trytond.model.exceptions import AccessError
from trytond.pool import Pool
from trytond.pyson import Eval, If
from trytond.transaction import (
    Transaction, check_access, inactive_records, without_check_access)

from .exceptions import SetupError

# What may be entered with a new record and not changed afterwards
STORED = Eval('id', -1) >= 0


class CodeMixin:
    """Fill an empty code from a sequence of the company.

    The sequence is the field `_code_sequence` of `cae.configuration`; the
    codes of one call are drawn at once.
    """
    __slots__ = ()
    _code_sequence = None

    @classmethod
    def create(cls, vlist):
        vlist = [v.copy() for v in vlist]
        cls._set_codes(vlist)
        return super().create(vlist)

    @classmethod
    def _set_codes(cls, vlist):
        "Set the empty codes of the values"
        default_company = Transaction().context.get('company')
        missing = {}
        for values in vlist:
            if not values.get('code'):
                company = values.get('company', default_company)
                missing.setdefault(company, []).append(values)
        for company, vlist_ in missing.items():
            if company is not None:
                numbers = next_numbers(
                    company, cls._code_sequence, len(vlist_))
                for values, number in zip(vlist_, numbers):
                    values['code'] = number


def next_numbers(company, name, n):
    """Return n numbers of the sequence `name` of the configuration.

    `company` is an id. Raise SetupError when the company has no such
    sequence.
    """
    Configuration = Pool().get('cae.configuration')
    with without_check_access():
        sequence = Configuration(1).get_multivalue(name, company=int(company))
        if not sequence:
            raise setup_error(company)
        return list(sequence.get_many(n))


def setup_error(company):
    "Return the error for a company that is not set up"
    Company = Pool().get('company.company')
    with without_check_access():
        company = Company(int(company))
        return SetupError(gettext(
                'cae_members.msg_no_setup', company=company.rec_name))


def own_entrepreneur(company):
    "Return the id of the user's entrepreneur in the company, None if none"
    Entrepreneur = Pool().get('cae.entrepreneur')
    with without_check_access():
        entrepreneurs = Entrepreneur.search([
                ('user', '=', Transaction().user),
                ('company', '=', company),
                ], limit=1, order=[])
    for entrepreneur in entrepreneurs:
        return entrepreneur.id


def check_company(company):
    """Refuse a company that is not of the user, as the rules would.

    Raise AccessError. It is for wizards, that take what the client sends.
    """
    pool = Pool()
    Company = pool.get('company.company')
    User = pool.get('res.user')
    if (Transaction().check_access
            and company.id not in User.get_companies()):
        raise AccessError(gettext(
                'ir.msg_access_rule_error', **Company.__names__()))


class CompanyCurrencyMixin:
    "The currency of the company whose record it is"
    __slots__ = ()
    currency = fields.Function(
        fields.Many2One('currency.currency', "Currency"),
        'on_change_with_currency')

    @fields.depends('company')
    def on_change_with_currency(self, name=None):
        return self.company.currency if self.company else None


class EntrepreneurCompanyMixin:
    "The company of the entrepreneur whose record it is"
    __slots__ = ()
    company = fields.Function(
        fields.Many2One('company.company', "Company"),
        'on_change_with_company', searcher='search_company')

    @fields.depends('entrepreneur', '_parent_entrepreneur.company')
    def on_change_with_company(self, name=None):
        return self.entrepreneur.company if self.entrepreneur else None

    @classmethod
    def search_company(cls, name, clause):
        return [('entrepreneur.' + clause[0], *clause[1:])]


class EntrepreneurMixin(EntrepreneurCompanyMixin):
    "What is of one entrepreneur, and goes with them"
    __slots__ = ()
    entrepreneur = fields.Many2One(
        'cae.entrepreneur', "Entrepreneur", required=True,
        ondelete='CASCADE',
        states={
            'readonly': Eval('id', -1) >= 0,
            })


class AdvisorMixin:
    "The advisor of the entrepreneur whose record it is"
    __slots__ = ()
    advisor = fields.Function(
        fields.Many2One('company.employee', "Advisor"),
        'on_change_with_advisor', searcher='search_advisor')

    @fields.depends('entrepreneur', '_parent_entrepreneur.advisor')
    def on_change_with_advisor(self, name=None):
        return self.entrepreneur.advisor if self.entrepreneur else None

    @classmethod
    def search_advisor(cls, name, clause):
        return [('entrepreneur.' + clause[0], *clause[1:])]


class YearContextMixin:
    "A period that may be open, this year by default"
    __slots__ = ()
    from_date = fields.Date(
        "From Date",
        domain=[
            If(Eval('from_date') & Eval('to_date'),
                ('from_date', '<=', Eval('to_date')),
                ()),
            ])
    to_date = fields.Date(
        "To Date",
        domain=[
            If(Eval('from_date') & Eval('to_date'),
                ('to_date', '>=', Eval('from_date')),
                ()),
            ])

    @classmethod
    def default_from_date(cls):
        return Pool().get('ir.date').today() + relativedelta(month=1, day=1)

    @classmethod
    def default_to_date(cls):
        return Pool().get('ir.date').today() + relativedelta(month=12, day=31)


class ChangeableMixin:
    """Keep the buttons to the records that the rules let the user change.

    For a button Tryton checks only that the record may be read.
    """
    __slots__ = ()
    changeable = fields.Function(
        fields.Boolean("Changeable"), 'get_changeable')

    @classmethod
    def __post_setup__(cls):
        for states in cls._buttons.values():
            states['invisible'] = (
                states.get('invisible', False) | ~Eval('changeable'))
            states['depends'] = [*states.get('depends', []), 'changeable']
        super().__post_setup__()

    @classmethod
    def default_changeable(cls):
        return True

    @classmethod
    def get_changeable(cls, records, name):
        Rule = Pool().get('ir.rule')
        ids = list(map(int, records))
        with check_access():
            rule = Rule.domain_get(cls.__name__, mode='write')
        with inactive_records():
            found = set(map(
                    int, cls.search([('id', 'in', ids), rule], order=[])))
        return {i: i in found for i in ids}
