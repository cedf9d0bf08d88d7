# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

from collections import defaultdict

from sql import Null
from sql.operators import Equal

from trytond.i18n import gettext
from trytond.model import (
    DeactivableMixin, Exclude, Index, ModelSQL, ModelView, Unique, fields)
from trytond.pool import Pool
from trytond.pyson import Eval
from trytond.tools import is_full_text, lstrip_wildcard
from trytond.transaction import Transaction, without_check_access

from .exceptions import ActivityAccessError, HolderValidationError, TradeError
from .model import ChangeableMixin, CodeMixin, setup_error
from .share import wrong_total


class Activity(
        ChangeableMixin, CodeMixin, DeactivableMixin, ModelSQL, ModelView):
    """A business run inside the company, with its analytic account.

    The structure, the solidarity fund, the allocated results and what is to
    be assigned are activities too, one of each per company, so that every
    income and expense has an activity.
    """
    __name__ = 'cae.activity'
    __string__ = "Activity"
    _code_sequence = 'activity_sequence'

    name = fields.Char("Name", required=True)
    code = fields.Char(
        "Code",
        states={
            'required': Eval('id', -1) >= 0,
            },
        help="The number of the activity in the cooperative.\n"
        "Leave empty to take the next one.")
    company = fields.Many2One(
        'company.company', "Company", required=True, ondelete='RESTRICT',
        states={
            'readonly': Eval('id', -1) >= 0,
            },
        help="The cooperative inside which the activity is run.")
    kind = fields.Selection([
            ('business', "Business"),
            ('shared', "Shared Services"),
            ('fund', "Solidarity Fund"),
            ('allocated', "Allocated Results"),
            ('unassigned', "To Be Assigned"),
            ], "Kind", required=True, sort=False,
        states={
            'readonly': Eval('id', -1) >= 0,
            },
        help="A business belongs to its holders.\n"
        "The others exist once in a cooperative: the services shared by all "
        "(services mutualisés), the solidarity fund (fonds de solidarité), "
        "results already allocated (résultats affectés) and documents still "
        "to be assigned (à affecter).")
    analytic_account = fields.Many2One(
        'analytic_account.account', "Analytic Account", ondelete='RESTRICT',
        states={
            'required': Eval('id', -1) >= 0,
            'readonly': Eval('id', -1) >= 0,
            'invisible': Eval('id', -1) < 0,
            },
        domain=[
            ('company', '=', Eval('company', -1)),
            ('type', '=', 'normal'),
            ],
        help="The account of the activity (articles R7331-1 and following of "
        "the French labour code). It is created with it and follows its name "
        "and code.")
    advisor = fields.Many2One(
        'company.employee', "Advisor", ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        help="The employee who supports the activity (accompagnateur).")
    trade = fields.Many2One(
        'cae.trade', "Trade", ondelete='RESTRICT',
        states={
            'invisible': Eval('kind') != 'business',
            },
        help="What the activity does; it gives its sector.")
    conditions_met = fields.Boolean(
        "Conditions Met",
        states={
            'invisible': ~Eval('trade'),
            },
        help="Check once the conditions of the trade were shown to be met.")
    holders = fields.One2Many(
        'cae.activity.holder', 'activity', "Holders",
        states={
            'invisible': Eval('kind') != 'business',
            },
        help="Who runs the activity, and with which share, at each date.")

    @classmethod
    def __setup__(cls):
        cls.code.search_unaccented = False
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('code_unique', Unique(t, t.company, t.code),
                'cae_members.msg_activity_code_unique'),
            ('kind_unique',
                Exclude(t, (t.company, Equal), (t.kind, Equal),
                    where=t.kind != 'business'),
                'cae_members.msg_activity_kind_unique'),
            ('analytic_account_unique', Unique(t, t.analytic_account),
                'cae_members.msg_activity_analytic_account_unique'),
            ]
        cls._sql_indexes.update({
                Index(t, (t.company, Index.Range())),
                Index(t, (t.code, Index.Similarity())),
                })
        cls._order = [('code', 'ASC'), ('id', None)]

    @classmethod
    def default_company(cls):
        return Transaction().context.get('company')

    @classmethod
    def default_kind(cls):
        return 'business'

    def get_rec_name(self, name):
        return f'{self.code} - {self.name}'

    @classmethod
    def search_rec_name(cls, name, clause):
        _, operator, operand, *extra = clause
        if operator.startswith('!') or operator.startswith('not '):
            bool_op = 'AND'
        else:
            bool_op = 'OR'
        code_value = operand
        if operator.endswith('like') and is_full_text(operand):
            code_value = lstrip_wildcard(operand)
        return [bool_op,
            ('code', operator, code_value, *extra),
            ('name', operator, operand, *extra),
            ]

    @classmethod
    def special(cls, company, kind):
        """Return the activity of the kind of the company.

        `kind` is 'shared', 'fund', 'allocated' or 'unassigned'. Raise
        SetupError when the company is not set up.
        """
        with without_check_access():
            activities = cls.search([
                    ('company', '=', int(company)),
                    ('kind', '=', kind),
                    ('active', 'in', [True, False]),
                    ], limit=1, order=[])
        if not activities:
            raise setup_error(company)
        activity, = activities
        return cls(activity.id)

    @classmethod
    def holders_at(cls, activities, date):
        """Return who holds the activities at the date.

        The result is {activity id: [(entrepreneur, share)]} in the order of
        the entrepreneurs, shares being ratios that total 1. An activity
        without holder has an empty list.
        """
        pool = Pool()
        Entrepreneur = pool.get('cae.entrepreneur')
        Holder = pool.get('cae.activity.holder')
        with without_check_access():
            holders = Holder.search([
                    ('activity', 'in', [int(a) for a in activities]),
                    ('from_date', '<=', date),
                    ['OR',
                        ('to_date', '=', None),
                        ('to_date', '>=', date),
                        ],
                    ],
                order=[('entrepreneur', None), ('id', None)])
            found = [
                (h.activity.id, h.entrepreneur.id, h.share) for h in holders]
        entrepreneurs = {
            e.id: e for e in Entrepreneur.browse(
                list(dict.fromkeys(e for _, e, _ in found)))}
        result = {int(a): [] for a in activities}
        for activity, entrepreneur, share in found:
            result[activity].append((entrepreneurs[entrepreneur], share))
        return result

    @classmethod
    def may_sell(cls, activities, date):
        """Return the ids of the activities that may sell at the date.

        A business may when one of its holders has a contract in force that
        allows it; a support agreement does not. The others always may.
        """
        pool = Pool()
        Contract = pool.get('cae.contract')
        ContractType = pool.get('cae.contract.type')
        Holder = pool.get('cae.activity.holder')
        cursor = Transaction().connection.cursor()
        table = cls.__table__()
        contract = Contract.__table__()
        type_ = ContractType.__table__()
        holder = Holder.__table__()
        in_ = fields.SQL_OPERATORS['in']
        ids = list({int(a) for a in activities})
        if not ids:
            return set()
        cursor.execute(*table.select(table.id,
                where=in_(table.id, ids) & (table.kind != 'business')))
        result = {id_ for id_, in cursor}
        cursor.execute(*holder.join(contract,
                condition=contract.entrepreneur == holder.entrepreneur
                ).join(type_, condition=contract.type == type_.id
                ).select(holder.activity,
                where=in_(holder.activity, ids)
                & Holder._covers(holder, date)
                & Contract._covers(contract, date)
                & type_.can_sell,
                group_by=[holder.activity]))
        result.update(id_ for id_, in cursor)
        return result

    @classmethod
    def validate_fields(cls, activities, field_names):
        super().validate_fields(activities, field_names)
        if field_names is None or 'holders' in field_names:
            cls.check_shares(activities)
        if field_names is None or field_names & {'trade', 'conditions_met'}:
            cls.check_trade(activities)

    @classmethod
    def check_trade(cls, activities):
        "Check that the cooperative carries the trades of the activities"
        for activity in activities:
            trade = activity.trade
            if not trade:
                continue
            at_home = activity.company.cae_theme == 'personal_services'
            if trade.personal_service and not at_home:
                message = 'cae_members.msg_trade_at_home'
            elif (at_home and not trade.personal_service
                    and not activity.company.may_do_accessory()):
                message = 'cae_members.msg_trade_not_at_home'
            elif trade.admission == 'refused':
                message = 'cae_members.msg_trade_refused'
            elif trade.admission == 'conditional' and (
                    not activity.conditions_met):
                message = 'cae_members.msg_trade_conditions'
            else:
                continue
            raise TradeError(gettext(
                    message,
                    trade=trade.rec_name,
                    activity=activity.rec_name,
                    company=activity.company.rec_name,
                    reason=trade.reason_string,
                    conditions=trade.conditions or ''))

    @classmethod
    def check_shares(cls, activities):
        "Check that shares total 1 at each date that holders cover"
        pool = Pool()
        Holder = pool.get('cae.activity.holder')
        Lang = pool.get('ir.lang')
        periods = defaultdict(list)
        for holder in Holder.search([
                    ('activity', 'in', [a.id for a in activities]),
                    ], order=[]):
            periods[holder.activity].append(
                (holder.from_date, holder.to_date, holder.share))
        for activity, periods_ in periods.items():
            if wrong := wrong_total(periods_):
                date, total = wrong
                lang = Lang.get()
                raise HolderValidationError(gettext(
                        'cae_members.msg_holder_shares',
                        activity=activity.rec_name,
                        date=lang.strftime(date),
                        total=lang.format_number(total * 100, 2)))

    @classmethod
    def create(cls, vlist):
        ModelAccess = Pool().get('ir.model.access')
        # Before the analytic accounts, which are made without this check
        ModelAccess.check(cls.__name__, 'create')
        vlist = [v.copy() for v in vlist]
        cls._set_codes(vlist)
        cls._set_analytic_accounts(vlist)
        # Shares are checked once all holders are stored
        with Transaction().set_context(_cae_check_shares=False):
            return super().create(vlist)

    @classmethod
    def write(cls, *args):
        with Transaction().set_context(_cae_check_shares=False):
            super().write(*args)

    @classmethod
    def _set_analytic_accounts(cls, vlist):
        "Create the missing analytic accounts of the values in one batch"
        pool = Pool()
        Account = pool.get('analytic_account.account')
        default_company = Transaction().context.get('company')
        missing, parents, accounts = [], {}, []
        for values in vlist:
            company = values.get('company', default_company)
            if values.get('analytic_account') or company is None:
                continue
            kind = values.get('kind', 'business')
            if (company, kind) not in parents:
                parents[company, kind] = cls._analytic_parent(company, kind)
            root, parent = parents[company, kind]
            missing.append(values)
            accounts.append({
                    'name': values.get('name'),
                    'code': values.get('code'),
                    'company': company,
                    'type': 'normal',
                    'state': 'opened',
                    'root': root.id,
                    'parent': parent.id,
                    })
        with without_check_access():
            for values, account in zip(missing, Account.create(accounts)):
                values['analytic_account'] = account.id

    @classmethod
    def _analytic_parent(cls, company, kind):
        "Return the root and the parent of the analytic accounts of a kind"
        Configuration = Pool().get('cae.configuration')
        with without_check_access():
            config = Configuration(1)
            root = config.get_multivalue('analytic_root', company=company)
            parent = root
            if kind == 'business':
                parent = config.get_multivalue(
                    'analytic_business', company=company)
        if not root or not parent:
            raise setup_error(company)
        return root, parent

    @classmethod
    def check_modification(
            cls, mode, activities, values=None, external=False):
        if mode == 'write':
            for name in values.keys() & {
                    'company', 'kind', 'analytic_account'}:
                field = cls._fields[name]
                for activity in activities:
                    old = field.sql_format(getattr(activity, name))
                    if old != field.sql_format(values[name]):
                        raise ActivityAccessError(gettext(
                                'cae_members.msg_activity_modify',
                                activity=activity.rec_name,
                                **cls.__names__(name)))
        super().check_modification(
            mode, activities, values=values, external=external)

    @classmethod
    def on_modification(cls, mode, activities, field_names=None):
        super().on_modification(mode, activities, field_names=field_names)
        if mode == 'write' and field_names & {'name', 'code'}:
            cls._rename_analytic_accounts(activities)

    @classmethod
    def _rename_analytic_accounts(cls, activities):
        "Give the analytic accounts the name and code of their activities"
        pool = Pool()
        Account = pool.get('analytic_account.account')
        Lang = pool.get('ir.lang')
        to_write = sum((
                [[a.analytic_account], {'name': a.name, 'code': a.code}]
                for a in activities), [])
        # An activity has the same name in every language
        for lang in Lang.search([('translatable', '=', True)]):
            with Transaction().set_context(language=lang.code):
                Account.write(*to_write)

    @classmethod
    def on_delete(cls, activities):
        pool = Pool()
        Account = pool.get('analytic_account.account')
        callback = super().on_delete(activities)
        accounts = [a.analytic_account for a in activities]
        callback.append(lambda: Account.delete(accounts))
        return callback

    @classmethod
    def copy(cls, activities, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('code', None)
        default.setdefault('analytic_account', None)
        default.setdefault('holders', None)
        return super().copy(activities, default=default)


class Holder(ModelSQL, ModelView):
    "Who runs an activity, from when to when, and with which share"
    __name__ = 'cae.activity.holder'
    __string__ = "Activity Holder"

    activity = fields.Many2One(
        'cae.activity', "Activity", required=True, ondelete='CASCADE',
        domain=[
            ('kind', '=', 'business'),
            ('company', '=', Eval('company', -1)),
            ])
    entrepreneur = fields.Many2One(
        'cae.entrepreneur', "Entrepreneur", required=True,
        ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ])
    company = fields.Function(
        fields.Many2One('company.company', "Company"),
        'on_change_with_company', searcher='search_company')
    from_date = fields.Date(
        "From", required=True,
        help="The first day on which the entrepreneur holds the activity.")
    to_date = fields.Date(
        "To",
        help="The last day on which the entrepreneur holds the activity.\n"
        "Leave empty while it goes on.")
    share = fields.Numeric(
        "Share", digits=(5, 4), required=True,
        domain=[
            ('share', '>', 0),
            ('share', '<=', 1),
            ],
        help="The part of the entrepreneur in the activity.\n"
        "The shares of an activity total 100 % at each date.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._order = [('activity', 'ASC'), ('from_date', 'DESC'), ('id', None)]

    @classmethod
    def default_from_date(cls):
        return Pool().get('ir.date').today()

    @classmethod
    def default_share(cls):
        return 1

    @fields.depends('activity', '_parent_activity.company')
    def on_change_with_company(self, name=None):
        return self.activity.company if self.activity else None

    @classmethod
    def search_company(cls, name, clause):
        return [('activity.' + clause[0], *clause[1:])]

    def get_rec_name(self, name):
        return f'{self.activity.rec_name} - {self.entrepreneur.rec_name}'

    @classmethod
    def search_rec_name(cls, name, clause):
        _, operator, *_ = clause
        if operator.startswith('!') or operator.startswith('not '):
            bool_op = 'AND'
        else:
            bool_op = 'OR'
        return [bool_op,
            ('activity.rec_name', *clause[1:]),
            ('entrepreneur.rec_name', *clause[1:]),
            ]

    @classmethod
    def _covers(cls, table, date):
        "Return the SQL condition of the holders at the date"
        return ((table.from_date <= date)
            & ((table.to_date == Null) | (table.to_date >= date)))

    @classmethod
    def validate_fields(cls, holders, field_names):
        pool = Pool()
        Activity = pool.get('cae.activity')
        super().validate_fields(holders, field_names)
        for holder in holders:
            if holder.to_date and holder.to_date < holder.from_date:
                raise HolderValidationError(gettext(
                        'cae_members.msg_holder_dates',
                        holder=holder.rec_name))
        if Transaction().context.get('_cae_check_shares', True):
            Activity.check_shares(list({h.activity for h in holders}))

    @classmethod
    def on_modification(cls, mode, holders, field_names=None):
        pool = Pool()
        Rule = pool.get('ir.rule')
        super().on_modification(mode, holders, field_names=field_names)
        Rule._cae_own_cache.clear()

    @classmethod
    def on_delete(cls, holders):
        pool = Pool()
        Activity = pool.get('cae.activity')
        callback = super().on_delete(holders)
        if Transaction().context.get('_cae_check_shares', True):
            activities = list({h.activity for h in holders})
            callback.append(lambda: Activity.check_shares(activities))
        return callback
