# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.i18n import gettext
from trytond.model import fields
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval, Id
from trytond.transaction import Transaction, without_check_access

from . import engine
from .exceptions import PayrollConfigurationError


def _ratio(string, help):
    def make(value=False):
        return fields.Numeric(
            string, digits=(16, 6),
            domain=['OR',
                (name, '=', None),
                [(name, '>=', 0), (name, '<=', 1)],
                ],
            help=help)
    name = '_'.join(string.lower().split())
    return make


def _headcount(value=False):
    return fields.Integer(
        "Headcount",
        domain=['OR',
            ('headcount', '=', None),
            ('headcount', '>=', 0),
            ],
        help="The people that count for the thresholds of contributions "
        "(effectif).")


def _regularisation(value=False):
    return fields.Selection([
            (None, ""),
            ('none', "None"),
            ('reduction', "Reduction"),
            ('progressive', "Reduction and Ceilings"),
            ], "Regularisation", sort=False,
        help="What is computed on the year to date instead of the month "
        "alone: what is due to date less what was counted before.")


def _law(value=False):
    return fields.Many2One(
        'cae.payroll.law', "Payroll Law",
        help="The law that applies to the pay of the company.")


def _journal(value=False):
    return fields.Many2One(
        'account.journal', "Pay Journal",
        domain=[
            ('type', '=', 'general'),
            ('confidential', '=', True),
            ],
        help="The confidential journal where pay is posted.")


def _sequence(value=False):
    company = (
        Eval('company', -1) if value
        else Eval('context', {}).get('company', -1))
    return fields.Many2One(
        'ir.sequence.strict', "Payslip Sequence",
        domain=[
            ('sequence_type', '=', Id('cae_payroll', 'sequence_type_payslip')),
            ('company', 'in', [company, None]),
            ],
        help="Used to number the payslips without a hole.")


_work_accident_rate = _ratio(
    "Work Accident Rate",
    "The rate of the establishment notified to the company (taux AT/MP).")
_mobility_rate = _ratio(
    "Mobility Rate",
    "The rate of the place of work (versement mobilité).")


class Configuration(metaclass=PoolMeta):
    __name__ = 'cae.configuration'

    payroll_law = fields.MultiValue(_law())
    headcount = fields.MultiValue(_headcount())
    work_accident_rate = fields.MultiValue(_work_accident_rate())
    mobility_rate = fields.MultiValue(_mobility_rate())
    regularisation = fields.MultiValue(_regularisation())
    payroll_journal = fields.MultiValue(_journal())
    payslip_sequence = fields.MultiValue(_sequence())

    @classmethod
    def setup_company(cls, company):
        super().setup_company(company)
        with without_check_access(), \
                Transaction().set_context(company=company.id):
            cls._setup_payroll(company)

    @classmethod
    def _setup_payroll(cls, company):
        pool = Pool()
        Account = pool.get('cae.payroll.account')
        Journal = pool.get('account.journal')
        Law = pool.get('cae.payroll.law')
        ModelData = pool.get('ir.model.data')
        Sequence = pool.get('ir.sequence.strict')
        config = cls(1)

        def missing(name):
            return not config.get_multivalue(name, company=company.id)

        if missing('payroll_law'):
            config.set_multivalue(
                'payroll_law', Law(ModelData.get_id('cae_payroll', 'law_fr')),
                company=company.id)
        if missing('regularisation'):
            config.set_multivalue(
                'regularisation', 'none', company=company.id)
        if missing('payroll_journal'):
            journals = Journal.search([
                    ('code', '=', 'PAI'),
                    ('type', '=', 'general'),
                    ('confidential', '=', True),
                    ], limit=1)
            if not journals:
                journals = Journal.create([{
                            'name': gettext('cae_payroll.msg_journal_pay'),
                            'code': 'PAI',
                            'type': 'general',
                            'confidential': True,
                            }])
            config.set_multivalue(
                'payroll_journal', journals[0], company=company.id)
        if missing('payslip_sequence'):
            sequence, = Sequence.create([{
                        'name': gettext('cae_payroll.msg_sequence_payslip'),
                        'company': company.id,
                        'prefix': 'B',
                        'padding': 6,
                        'sequence_type': ModelData.get_id(
                            'cae_payroll', 'sequence_type_payslip'),
                        }])
            config.set_multivalue(
                'payslip_sequence', sequence, company=company.id)
        Account.setup_company(
            company, config.get_multivalue('payroll_law', company=company.id))

    @classmethod
    def payroll_setting(cls, company, name):
        """Return a setting that pay needs.

        Raise PayrollConfigurationError when it is empty.
        """
        with without_check_access():
            value = cls(1).get_multivalue(name, company=company.id)
        if value is None:
            raise PayrollConfigurationError(gettext(
                    'cae_payroll.msg_no_setting',
                    setting=cls.__names__(name)['field'],
                    company=company.rec_name))
        return value

    @classmethod
    def establishment(cls, company):
        "Return what the engine needs to know of the company"
        return engine.Establishment(
            headcount=cls.payroll_setting(company, 'headcount'),
            work_accident_rate=cls.payroll_setting(
                company, 'work_accident_rate'),
            mobility_rate=cls(1).get_multivalue(
                'mobility_rate', company=company.id) or engine.ZERO,
            regularisation=cls.payroll_setting(company, 'regularisation'))


class ConfigurationValue(metaclass=PoolMeta):
    __name__ = 'cae.configuration.value'

    payroll_law = _law(True)
    headcount = _headcount(True)
    work_accident_rate = _work_accident_rate(True)
    mobility_rate = _mobility_rate(True)
    regularisation = _regularisation(True)
    payroll_journal = _journal(True)
    payslip_sequence = _sequence(True)
