# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

from trytond.i18n import gettext
from trytond.model import ModelSingleton, ModelSQL, ModelView, fields
from trytond.modules.company.model import (
    CompanyMultiValueMixin, CompanyValueMixin)
from trytond.pool import Pool
from trytond.pyson import Eval, Id
from trytond.transaction import Transaction, without_check_access
from trytond.wizard import Button, StateTransition, StateView, Wizard


def _sequence(string, type_, help, company=False):
    if company:
        company = Eval('company', -1)
    else:
        company = Eval('context', {}).get('company', -1)
    return fields.Many2One(
        'ir.sequence', string,
        domain=[
            ('sequence_type', '=', Id('cae_members', type_)),
            ('company', 'in', [company, None]),
            ],
        help=help)


def _analytic(string, type_, help, company=False):
    if company:
        company = Eval('company', -1)
    else:
        company = Eval('context', {}).get('company', -1)
    return fields.Many2One(
        'analytic_account.account', string,
        domain=[
            ('type', '=', type_),
            ('company', '=', company),
            ],
        help=help)


_FIELDS = {
    'analytic_root': (
        _analytic, "Root of Activities", 'root',
        "The analytic root under which each activity has its account."),
    'analytic_business': (
        _analytic, "Businesses", 'view',
        "The analytic account above those of the businesses."),
    'activity_sequence': (
        _sequence, "Activity Sequence", 'sequence_type_activity',
        "Used to generate the code of activities."),
    'entrepreneur_sequence': (
        _sequence, "Entrepreneur Sequence", 'sequence_type_entrepreneur',
        "Used to generate the code of entrepreneurs."),
    'contract_sequence': (
        _sequence, "Contract Sequence", 'sequence_type_contract',
        "Used to number contracts when they are signed."),
    }


def _field(name, company=False):
    make, string, type_, help = _FIELDS[name]
    return make(string, type_, help, company=company)


class Configuration(
        ModelSingleton, ModelSQL, ModelView, CompanyMultiValueMixin):
    """Settings of the cooperative.

    Each setting is a value per company, kept by `cae.configuration.value`:
    a module that adds a setting declares a MultiValue here and the same
    field there.
    """
    __name__ = 'cae.configuration'
    __string__ = "Cooperative Configuration"

    analytic_root = fields.MultiValue(_field('analytic_root'))
    analytic_business = fields.MultiValue(_field('analytic_business'))
    activity_sequence = fields.MultiValue(_field('activity_sequence'))
    entrepreneur_sequence = fields.MultiValue(_field('entrepreneur_sequence'))
    contract_sequence = fields.MultiValue(_field('contract_sequence'))

    @classmethod
    def multivalue_model(cls, field):
        Value = Pool().get('cae.configuration.value')
        if field in Value._fields:
            return Value
        return super().multivalue_model(field)

    @classmethod
    def setup_company(cls, company):
        """Create what a company needs to run as a cooperative.

        That is: the sequences, the analytic root "Activities" with the
        account of the businesses, and the four special activities.
        What exists already is left alone, so it can be called again.
        Other modules extend it to add their journals, accounts and rules.
        """
        with without_check_access(), \
                Transaction().set_context(company=company.id):
            if not cls.get_singleton():
                # Without its record the form would show empty settings
                cls.create([{}])
            cls._setup_sequences(company)
            cls._setup_analytic(company)
            cls._setup_activities(company)

    @classmethod
    def _setup_sequences(cls, company):
        pool = Pool()
        ModelData = pool.get('ir.model.data')
        Sequence = pool.get('ir.sequence')
        config = cls(1)
        for name, prefix in [
                ('entrepreneur', 'E'),
                ('activity', 'A'),
                ('contract', 'C'),
                ]:
            field = f'{name}_sequence'
            if config.get_multivalue(field, company=company.id):
                continue
            sequence = Sequence(
                name=gettext(f'cae_members.msg_sequence_{name}'),
                company=company,
                prefix=prefix,
                padding=4,
                sequence_type=ModelData.get_id(
                    'cae_members', f'sequence_type_{name}'))
            sequence.save()
            config.set_multivalue(field, sequence, company=company.id)

    @classmethod
    def _setup_analytic(cls, company):
        pool = Pool()
        Account = pool.get('analytic_account.account')
        config = cls(1)
        root = config.get_multivalue('analytic_root', company=company.id)
        if not root:
            root = Account(
                name=gettext('cae_members.msg_analytic_root'),
                company=company, type='root', state='opened')
            root.save()
            config.set_multivalue('analytic_root', root, company=company.id)
        if not config.get_multivalue('analytic_business', company=company.id):
            business = Account(
                name=gettext('cae_members.msg_analytic_business'),
                company=company, type='view', state='opened',
                root=root, parent=root)
            business.save()
            config.set_multivalue(
                'analytic_business', business, company=company.id)

    @classmethod
    def _setup_activities(cls, company):
        pool = Pool()
        Activity = pool.get('cae.activity')
        existing = {a.kind for a in Activity.search([
                    ('company', '=', company.id),
                    ('kind', '!=', 'business'),
                    ('active', 'in', [True, False]),
                    ])}
        Activity.create([{
                    'name': gettext(f'cae_members.msg_activity_{kind}'),
                    'code': code,
                    'kind': kind,
                    'company': company.id,
                    } for kind, code in [
                    ('shared', 'S'),
                    ('fund', 'F'),
                    ('allocated', 'R'),
                    ('unassigned', 'X'),
                    ] if kind not in existing])


class ConfigurationValue(ModelSQL, CompanyValueMixin):
    "Settings of one company"
    __name__ = 'cae.configuration.value'
    __string__ = "Cooperative Configuration Value"

    analytic_root = _field('analytic_root', company=True)
    analytic_business = _field('analytic_business', company=True)
    activity_sequence = _field('activity_sequence', company=True)
    entrepreneur_sequence = _field('entrepreneur_sequence', company=True)
    contract_sequence = _field('contract_sequence', company=True)


class Setup(Wizard):
    "Set up a company as a cooperative"
    __name__ = 'cae.setup'
    start = StateView('cae.setup.start', 'cae_members.setup_start_view_form', [
            Button("Cancel", 'end', 'tryton-cancel'),
            Button("Set Up", 'setup', 'tryton-launch', default=True),
            ])
    setup = StateTransition()

    def transition_setup(self):
        pool = Pool()
        Configuration = pool.get('cae.configuration')
        ModelAccess = pool.get('ir.model.access')
        ModelAccess.check(Configuration.__name__, 'write')
        Configuration.setup_company(self.start.company)
        return 'end'


class SetupStart(ModelView):
    __name__ = 'cae.setup.start'
    __string__ = "Set Up Cooperative"

    company = fields.Many2One(
        'company.company', "Company", required=True,
        help="The company that becomes a cooperative.")

    @classmethod
    def default_company(cls):
        return Transaction().context.get('company')
