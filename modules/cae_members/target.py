# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The target group that an activity cooperative must serve.

In Belgium 60 % of the candidate entrepreneurs are unemployed who are hard to
place or belong to another group at risk (law of 1 March 2007, art. 81; AR of
15 June 2009).
"""
from decimal import ROUND_UP, Decimal

from dateutil.relativedelta import relativedelta
from sql import Null
from sql.aggregate import Count, Min
from sql.conditionals import Case

from trytond.i18n import gettext
from trytond.model import DeactivableMixin, Index, ModelSQL, ModelView, fields
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval, If
from trytond.transaction import Transaction, inactive_records

from .exceptions import TargetValidationError, TargetWarning
from .limit import DatedLimitMixin
from .model import EntrepreneurMixin


class ContractType(metaclass=PoolMeta):
    __name__ = 'cae.contract.type'

    target_requirements = fields.One2Many(
        'cae.target.requirement', 'type', "Target Group",
        help="The least share of the people with such a contract who belong "
        "to the target group (groupe cible).")

    def target_requirement(self, date):
        "Return what is required at the date, None if nothing"
        requirement = Pool().get('cae.target.requirement').at(
            self.target_requirements, date)
        return requirement if requirement and requirement.share else None


class TargetRequirement(DatedLimitMixin, ModelSQL, ModelView):
    """The share of the target group that the law requires from a date on.

    It is 60 % of the Belgian candidates (AR of 15 June 2009).
    """
    __name__ = 'cae.target.requirement'
    __string__ = "Required Share of the Target Group"

    share = fields.Numeric(
        "Share", digits=(5, 4),
        domain=['OR',
            ('share', '=', None),
            [
                ('share', '>', 0),
                ('share', '<=', 1),
                ],
            ],
        help="The least share of the people with such a contract who belong "
        "to the target group.\n"
        "Leave empty when none is required any more.")

    def least(self, people):
        "Return how many of the people must belong to the target group"
        return int((self.share * people).to_integral_value(ROUND_UP))


class Contract(metaclass=PoolMeta):
    __name__ = 'cae.contract'

    @classmethod
    def warn_target_share(cls, contracts):
        """Warn when the target group falls short with the contracts.

        The people with such a contract on the first day of each are counted,
        those that are signed with it too (law of 1 March 2007, art. 81), and
        compared with what the law requires on that day.
        """
        pool = Pool()
        Membership = pool.get('cae.target.membership')
        Warning = pool.get('res.user.warning')
        required = {
            c.id: requirement for c in contracts
            if (requirement := c.type.target_requirement(c.start_date))}
        if not required:
            return
        cursor = Transaction().connection.cursor()
        table, other = cls.__table__(), cls.__table__()
        membership = Membership.__table__()
        in_ = fields.SQL_OPERATORS['in']
        ids = [c.id for c in contracts]
        cursor.execute(*table.join(other,
                condition=(other.company == table.company)
                & (other.type == table.type)
                ).join(membership, 'LEFT',
                condition=Membership.counts(membership, other)
                ).select(
                table.id,
                Count(other.entrepreneur, distinct=True),
                Count(membership.entrepreneur, distinct=True),
                Count(Case((other.id == table.id, membership.id), else_=Null)),
                where=in_(table.id, list(required))
                & (other.state.in_(['signed', 'ended']) | in_(other.id, ids))
                & (other.start_date <= table.start_date)
                & ((other.end_date == Null)
                    | (other.end_date >= table.start_date)),
                group_by=[table.id]))
        lacking = {}
        for id_, people, members, member in cursor:
            requirement = required[id_]
            least = requirement.least(people)
            # Who belongs to the group makes nothing worse
            if members < least and not member:
                lacking[cls(id_)] = (members, people, least, requirement)
        if not lacking:
            return
        key = Warning.format('target_share', list(lacking))
        if Warning.check(key):
            contract, (members, people, least, requirement) = max(
                lacking.items(), key=lambda item: item[1][2] - item[1][0])
            raise TargetWarning(key, gettext(
                    'cae_members.msg_target_share',
                    contract=contract.rec_name,
                    members=members,
                    people=people,
                    least=least,
                    article=requirement.source))


class TargetGround(DeactivableMixin, ModelSQL, ModelView):
    "On which ground somebody belongs to the target group"
    __name__ = 'cae.target.ground'
    __string__ = "Target Group Ground"

    name = fields.Char("Name", required=True, translate=True)
    article = fields.Char("Article", help="The law that names the ground.")
    min_age = fields.Integer(
        "From Age",
        domain=['OR',
            ('min_age', '=', None),
            ('min_age', '>=', 0),
            ],
        help="Leave empty for no limit.")
    below_age = fields.Integer(
        "Below Age",
        domain=['OR',
            ('below_age', '=', None),
            ('below_age', '>', 0),
            ],
        help="Leave empty for no limit.")
    days = fields.Integer(
        "Days",
        domain=['OR',
            ('days', '=', None),
            ('days', '>', 0),
            ],
        help="How many days of allowance the certificate must show.\n"
        "Leave empty if days are not counted.")
    months = fields.Integer(
        "Within Months",
        domain=['OR',
            ('months', '=', None),
            ('months', '>', 0),
            ],
        help="In how many months before the contract, or since how many.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._order.insert(0, ('name', 'ASC'))


class TargetMembership(EntrepreneurMixin, ModelSQL, ModelView):
    """That a person belongs to the target group, with the evidence.

    It counts for the contracts that begin in its period, for the law looks
    at the days before the signature.
    """
    __name__ = 'cae.target.membership'
    __string__ = "Target Group Membership"

    ground = fields.Many2One(
        'cae.target.ground', "Ground", required=True, ondelete='RESTRICT')
    counted = fields.Function(
        fields.Boolean("Counted"), 'on_change_with_counted')
    from_date = fields.Date(
        "From", required=True,
        domain=[
            If(Eval('from_date') & Eval('to_date'),
                ('from_date', '<=', Eval('to_date')),
                ()),
            ],
        help="The first day on which a contract may begin with it.")
    to_date = fields.Date(
        "To",
        domain=[
            If(Eval('from_date') & Eval('to_date'),
                ('to_date', '>=', Eval('from_date')),
                ()),
            ],
        help="The last day on which a contract may begin with it.\n"
        "Leave empty while it goes on.")
    days = fields.Integer(
        "Days",
        domain=['OR',
            ('days', '=', None),
            ('days', '>=', 0),
            ],
        states={
            'required': Eval('counted', False),
            'invisible': ~Eval('counted', False),
            },
        help="The days of allowance that the certificate shows.")
    certificate_date = fields.Date(
        "Certificate Date", required=True,
        help="The date of the certificate, for instance of the ONEM, the "
        "Forem, Actiris or the CPAS.")
    certificate = fields.Binary("Certificate", filename='filename')
    filename = fields.Char("File Name")
    note = fields.Char("Note")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_indexes.add(Index(t, (t.entrepreneur, Index.Range())))
        cls._order = [('from_date', 'DESC'), ('id', 'DESC')]

    @classmethod
    def default_from_date(cls):
        return Pool().get('ir.date').today()

    @staticmethod
    def counts(membership, contract):
        "Return the condition that the membership counts for the contract"
        return (
            (membership.entrepreneur == contract.entrepreneur)
            & (membership.from_date <= contract.start_date)
            & ((membership.to_date == Null)
                | (membership.to_date >= contract.start_date)))

    @fields.depends('ground')
    def on_change_with_counted(self, name=None):
        return bool(self.ground and self.ground.days)

    def get_rec_name(self, name):
        return f'{self.entrepreneur.rec_name} – {self.ground.rec_name}'

    @classmethod
    def search_rec_name(cls, name, clause):
        return ['OR',
            ('entrepreneur.rec_name', *clause[1:]),
            ('ground.rec_name', *clause[1:]),
            ]

    @classmethod
    def validate_fields(cls, memberships, field_names):
        super().validate_fields(memberships, field_names)
        for membership in memberships:
            membership.check_ground()

    def check_ground(self):
        "Check the age and the days that the ground asks for"
        ground = self.ground
        if ground.days and (self.days or 0) < ground.days:
            raise TargetValidationError(gettext(
                    'cae_members.msg_target_days',
                    membership=self.rec_name,
                    days=ground.days,
                    months=ground.months or '',
                    article=ground.article or ''))
        if ground.min_age is None and ground.below_age is None:
            return
        birth_date = self.entrepreneur.birth_date
        age = (
            relativedelta(self.from_date, birth_date).years if birth_date
            else None)
        if (age is None
                or ground.min_age is not None and age < ground.min_age
                or ground.below_age is not None and age >= ground.below_age):
            raise TargetValidationError(gettext(
                    'cae_members.msg_target_no_birth_date' if age is None
                    else 'cae_members.msg_target_age',
                    membership=self.rec_name,
                    age=age,
                    article=ground.article or ''))


class TargetContext(ModelView):
    __name__ = 'cae.target.context'
    __string__ = "Target Group Context"

    from_date = fields.Date(
        "From Date", required=True,
        domain=[
            ('from_date', '<=', Eval('to_date', None)),
            ])
    to_date = fields.Date(
        "To Date", required=True,
        domain=[
            ('to_date', '>=', Eval('from_date', None)),
            ])

    @classmethod
    def default_from_date(cls):
        return Pool().get('ir.date').today()

    @classmethod
    def default_to_date(cls):
        return Pool().get('ir.date').today()


class TargetShare(ModelSQL, ModelView):
    """The share of the target group among those accompanied.

    For each company and type of contract of which the law requires one at the
    end of the period: of the people with a contract of the type in the
    period, those who belonged to the group when it began.
    """
    __name__ = 'cae.target.share'
    __string__ = "Share of the Target Group"

    company = fields.Many2One('company.company', "Company")
    type = fields.Many2One('cae.contract.type', "Contract Type")
    people = fields.Integer(
        "Accompanied",
        help="How many people had a contract of the type in the period.")
    members = fields.Integer(
        "Target Group",
        help="How many of them belonged to the target group when the "
        "contract began.")
    share = fields.Function(
        fields.Numeric("Share", digits=(5, 4)), 'get_share')
    required = fields.Function(
        fields.Numeric("Required", digits=(5, 4)), 'get_share')
    lacking = fields.Function(
        fields.Integer(
            "Lacking",
            help="How many members are missing among as many people."),
        'get_share')
    article = fields.Function(fields.Char("Article"), 'get_share')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._order = [('company', 'ASC'), ('type', 'ASC'), ('id', None)]

    @classmethod
    def view_attributes(cls):
        return super().view_attributes() + [
            ('/tree', 'visual', If(
                    Eval('lacking', 0) > 0, 'danger', 'success')),
            ]

    def get_rec_name(self, name):
        return self.type.rec_name

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('type.rec_name', *clause[1:])]

    @classmethod
    def _period(cls):
        "Return the first and the last day of the period of the context"
        context = Transaction().context
        today = Pool().get('ir.date').today()
        return (
            context.get('from_date') or today, context.get('to_date') or today)

    @classmethod
    def table_query(cls):
        pool = Pool()
        Type = pool.get('cae.contract.type')
        start, end = cls._period()
        with inactive_records():
            types = [
                t.id for t in Type.search(
                    [('target_requirements', '!=', None)], order=[])
                if t.target_requirement(end)]
        contract = pool.get('cae.contract').__table__()
        Membership = pool.get('cae.target.membership')
        membership = Membership.__table__()
        people = contract.join(
            membership, 'LEFT',
            condition=Membership.counts(membership, contract)
            ).select(
            contract.company, contract.type, contract.entrepreneur,
            Min(contract.id).as_('contract'),
            Count(membership.id).as_('memberships'),
            where=fields.SQL_OPERATORS['in'](contract.type, types)
            & (contract.entrepreneur != Null)
            & contract.state.in_(['signed', 'ended'])
            & (contract.start_date <= end)
            & ((contract.end_date == Null) | (contract.end_date >= start)),
            group_by=[
                contract.company, contract.type, contract.entrepreneur])
        return people.select(
            Min(people.contract).as_('id'), people.company, people.type,
            Count(people.entrepreneur).as_('people'),
            Count(Case((people.memberships > 0, 1), else_=Null)).as_(
                'members'),
            group_by=[people.company, people.type])

    @classmethod
    def get_share(cls, shares, names):
        result = {name: {} for name in names}
        _, end = cls._period()
        for share in shares:
            requirement = share.type.target_requirement(end)
            values = {
                'share': (Decimal(share.members) / share.people).quantize(
                    Decimal('.0001')),
                'required': requirement.share,
                'lacking': max(
                    requirement.least(share.people) - share.members, 0),
                'article': requirement.source,
                }
            for name in names:
                result[name][share.id] = values[name]
        return result
