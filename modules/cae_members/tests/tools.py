# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Set-up shared by the scenarios of all the modules, through proteus.

Every scenario calls `activate` with the same list of modules and the same
ordered set-ups, so that a database is built once and restored afterwards.
"""
import datetime as dt
from functools import partial

from proteus import Model, Wizard
from proteus.config import get_config, set_trytond

__all__ = [
    'MODULES', 'activate', 'activate_modules', 'add_groups', 'create_chart',
    'create_company', 'create_contract', 'create_entrepreneur',
    'create_fiscalyear', 'create_user', 'get_activity', 'setup_cooperative']

MODULES = [
    'cae_members', 'cae_billing', 'cae_payroll', 'cae_governance',
    'account_fr', 'account_statement']


def activate(*setups, modules=MODULES):
    """Activate the modules in a database with a French cooperative.

    `setups` are top-level functions that take `config` and run after the
    shared ones. Return the configuration of proteus.
    """
    return activate_modules(
        modules, create_company, create_chart, create_fiscalyear,
        setup_cooperative, *setups)


def activate_modules(modules, *setups):
    """Activate the modules as trytond.tests.tools does.

    It leaves alone those that the database was made with.
    """
    from trytond.tests.test_tryton import (
        activate_module, backup_db_cache, drop_db, restore_db_cache)
    name = '--'.join(['-'.join(modules), *map(_function_name, setups)])
    drop_db()
    if restore_db_cache(name):
        return set_trytond()
    activate_module(modules)
    config = set_trytond()
    for setup in setups:
        setup(config=config)
    backup_db_cache(name)
    return config


def _function_name(function):
    if isinstance(function, partial):
        return f'{function.func.__qualname__}' \
            f'(*{function.args}, **{function.keywords})'
    return function.__qualname__


def create_company(config=None):
    "Create the company in euro; the administrator gets all cae groups"
    from trytond.modules.company.tests import tools as company_tools
    from trytond.modules.currency.tests.tools import get_currency
    Country = Model.get('country.country', config=config)
    Party = Model.get('party.party', config=config)

    france = Country(name="France", code='FR', code3='FRA')
    france.save()
    party = Party(name="Coopérative Les Ateliers")
    address, = party.addresses
    address.street_unstructured = "1 rue de la Coopération"
    address.postal_code = '59000'
    address.city = "Lille"
    address.country = france
    identifier = party.identifiers.new(type='fr_siren')
    identifier.code = '820043784'
    party.save()
    company_tools.create_company(
        party=party, currency=get_currency('EUR', config=config),
        config=config)
    add_groups(config=config)


def add_groups(config=None):
    "Add all groups but that of the entrepreneurs to the current user"
    Group = Model.get('res.group', config=config)
    User = Model.get('res.user', config=config)
    config = config or get_config()
    user = User(config.user)
    present = {g.id for g in user.groups}
    for group in Group.find([]):
        if (group.xml_id != 'cae_members.group_entrepreneur'
                and group.id not in present):
            user.groups.append(group)
    user.save()
    config._context = User.get_preferences(True, {})


def create_chart(config=None):
    "Create the French chart of accounts"
    from trytond.modules.account_fr.tests.tools import create_chart
    create_chart(config=config)


def create_fiscalyear(year=2026, config=None):
    "Create the fiscal year with its months and the sequences of invoices"
    from trytond.modules.account.tests.tools import create_fiscalyear
    FiscalYear = Model.get('account.fiscalyear', config=config)
    fiscalyear = create_fiscalyear(
        today=(dt.date(year, 1, 1), dt.date(year, 12, 31)), config=config)
    if 'invoice_sequences' in FiscalYear._fields:
        from trytond.modules.account_invoice.tests.tools import (
            set_fiscalyear_invoice_sequences)
        set_fiscalyear_invoice_sequences(fiscalyear, config=config)
    fiscalyear.save()
    fiscalyear.click('create_period')
    return fiscalyear


def setup_cooperative(config=None):
    "Set up the company as a cooperative"
    Wizard('cae.setup', config=config).execute('setup')


def create_entrepreneur(name, welcome_date=dt.date(2025, 1, 1), config=None):
    "Return a new entrepreneur with their party"
    Entrepreneur = Model.get('cae.entrepreneur', config=config)
    Party = Model.get('party.party', config=config)
    party = Party(name=name)
    party.save()
    entrepreneur = Entrepreneur(party=party, welcome_date=welcome_date)
    entrepreneur.save()
    return entrepreneur


def create_contract(
        entrepreneur, code, start_date, end_date=None, config=None):
    "Return a new signed contract of the type with the code"
    Contract = Model.get('cae.contract', config=config)
    Type = Model.get('cae.contract.type', config=config)
    type_, = Type.find([('code', '=', code)])
    contract = Contract(
        entrepreneur=entrepreneur, type=type_, start_date=start_date)
    if end_date:
        contract.end_date = end_date
    contract.click('confirm_clauses')
    contract.click('sign')
    return contract


def get_activity(kind, config=None):
    "Return the only activity of a kind that is not a business"
    Activity = Model.get('cae.activity', config=config)
    activity, = Activity.find([('kind', '=', kind)])
    return activity


def create_user(login, group, entrepreneur=None, config=None):
    """Return a new user of the group, linked to the entrepreneur.

    `group` is the full id of a group, as 'cae_members.group_entrepreneur'.
    """
    from trytond.modules.company.tests.tools import get_company
    Group = Model.get('res.group', config=config)
    ModelData = Model.get('ir.model.data', config=config)
    User = Model.get('res.user', config=config)
    config = config or get_config()
    company = get_company(config=config)
    user = User(name=login, login=login)
    user.companies.append(company)
    user.company = company
    user.groups.append(Group(
            ModelData.get_id(*group.split('.'), config.context)))
    user.save()
    if entrepreneur:
        entrepreneur.user = user
        entrepreneur.save()
    return user
