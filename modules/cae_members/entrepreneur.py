# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

from sql import Null
from sql.conditionals import Coalesce

from trytond.i18n import gettext
from trytond.model import Index, ModelSQL, ModelView, Unique, fields
from trytond.pool import Pool
from trytond.pyson import Bool, Eval
from trytond.tools import is_full_text, lstrip_wildcard
from trytond.transaction import Transaction, without_check_access

from .exceptions import EntrepreneurValidationError
from .model import ChangeableMixin, CodeMixin

# In the order of the path: the highest reached one is the stage.
STAGES = [
    ('welcomed', "Welcomed"),
    ('candidate', "Candidate"),
    ('cape', "Business Project Support"),
    ('employed', "Employed"),
    ('associate', "Associate"),
    ('left', "Left"),
    ]


OUTCOMES = [
    ('self_employed', "Self-employed"),
    ('company', "Own Company"),
    ('cooperative', "Own Cooperative"),
    ('creation', "Business of Unknown Form"),
    ('employment', "Employment"),
    ('other', "Other or Unknown"),
    ]
EXIT_REASONS = [
    ('project', "Own Project"),
    ('income', "Income Too Low"),
    ('term', "End of the Contract"),
    ('not_associate', "Not Associate in Time"),
    ('breach', "Breach of the Contract"),
    ('retirement', "Retirement"),
    ('health', "Health"),
    ('move', "Move"),
    ('other', "Other"),
    ]
GENDERS = [
    ('female', "Female"),
    ('male', "Male"),
    ]
PRIOR_STATUSES = [
    ('job_seeker', "Job Seeker"),
    ('employee', "Employee"),
    ('self_employed', "Self-employed"),
    ('student', "Student"),
    ('inactive', "Not Working"),
    ('other', "Other"),
    ]
EDUCATIONS = [
    ('below_bac', "Below the Baccalauréat"),
    ('bac', "Baccalauréat"),
    ('post_bac', "Higher than the Baccalauréat"),
    ]
ZONES = [
    ('qpv', "Priority Neighbourhood"),
    ('zrr', "Rural Revitalisation Zone"),
    ]


class Entrepreneur(ChangeableMixin, CodeMixin, ModelSQL, ModelView):
    """A person on the path of a cooperative, from first welcome to exit.

    The stage is never typed: it follows at any date from the contracts, the
    exit and the facts that other modules add through `_stage_facts`.
    """
    __name__ = 'cae.entrepreneur'
    __string__ = "Entrepreneur"
    _code_sequence = 'entrepreneur_sequence'

    party = fields.Many2One(
        'party.party', "Party", required=True, ondelete='RESTRICT',
        context={
            'company': Eval('company', -1),
            },
        depends={'company'},
        help="The person.")
    company = fields.Many2One(
        'company.company', "Company", required=True, ondelete='RESTRICT',
        states={
            'readonly': Eval('id', -1) >= 0,
            },
        help="The cooperative that supports the person.")
    code = fields.Char(
        "Code",
        states={
            'required': Eval('id', -1) >= 0,
            },
        help="The number of the entrepreneur in the cooperative.\n"
        "Leave empty to take the next one.")
    user = fields.Many2One(
        'res.user', "User", ondelete='RESTRICT',
        help="The user with whom the entrepreneur logs in.")
    advisor = fields.Many2One(
        'company.employee', "Advisor", ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        help="The employee who supports the entrepreneur (accompagnateur).")
    accountant = fields.Many2One(
        'company.employee', "Accountant", ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        help="The employee who keeps the accounts of the entrepreneur "
        "(référent comptable).")
    branch = fields.Many2One(
        'cae.branch', "Branch", ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        help="Where the person is received (antenne).")
    welcome_date = fields.Date(
        "Welcome Date", required=True,
        help="When the person was first received (accueil).")
    gender = fields.Selection(
        [(None, "")] + GENDERS, "Gender", sort=False)
    birth_date = fields.Date("Birth Date")
    prior_status = fields.Selection(
        [(None, "")] + PRIOR_STATUSES, "Prior Status", sort=False,
        help="What the person was before the entry.")
    education = fields.Selection(
        [(None, "")] + EDUCATIONS, "Education", sort=False)
    zone = fields.Selection(
        [(None, "")] + ZONES, "Zone", sort=False,
        help="The zone of the home: quartier prioritaire (QPV) or zone de "
        "revitalisation rurale (ZRR).")
    benefit = fields.Selection([
            (None, ""),
            ('unemployment', "Unemployment Benefit"),
            ('integration', "Integration Allowance"),
            ('minimum', "Minimum Income"),
            ], "Benefit", sort=False,
        help="The allowance the person keeps during the preparation: "
        "chômage, insertion, RSA or RIS.")
    benefit_end_date = fields.Date(
        "Benefit End Date",
        states={
            'invisible': ~Eval('benefit'),
            },
        help="The last day of the rights.")
    prescriber = fields.Many2One(
        'party.party', "Prescriber", ondelete='RESTRICT',
        context={
            'company': Eval('company', -1),
            },
        depends={'company'},
        help="Who sent the person to the cooperative.")
    project = fields.Text(
        "Project", help="What the person wants to do, in their own words.")
    trade = fields.Many2One(
        'cae.trade', "Trade", ondelete='RESTRICT',
        help="The trade of the project.")
    decision = fields.Selection([
            (None, ""),
            ('accepted', "Accepted"),
            ('refused', "Refused"),
            ('redirected', "Redirected"),
            ], "Decision", sort=False,
        help="What was decided after the first interview. Profitability is "
        "no criterion.")
    decision_date = fields.Date(
        "Decision Date",
        states={
            'required': Bool(Eval('decision')),
            'invisible': ~Eval('decision'),
            })
    decision_reason = fields.Char(
        "Decision Reason",
        states={
            'required': Eval('decision').in_(['refused', 'redirected']),
            'invisible': ~Eval('decision').in_(['refused', 'redirected']),
            },
        help="Why the project was refused, or where the person was sent to.")
    entry_date = fields.Date(
        "Entry Date",
        help="The day the person entered, when their first contract stands "
        "in another system.\n"
        "Leave empty to count from the first contract.")
    associate_date = fields.Date(
        "Associate Since",
        help="The day the person became an associate, when the register of "
        "the associates stands in another system.")
    exit_date = fields.Date(
        "Exit Date",
        help="The last day of the entrepreneur in the cooperative (sortie).")
    exit_outcome = fields.Selection(
        [(None, "")] + OUTCOMES, "Exit Outcome", sort=False,
        states={
            'required': Bool(Eval('exit_date')),
            'invisible': ~Eval('exit_date'),
            },
        help="What the person does after the exit, as it is counted in the "
        "yearly figures.")
    exit_reason = fields.Selection(
        [(None, "")] + EXIT_REASONS, "Exit Reason", sort=False,
        states={
            'invisible': ~Eval('exit_date'),
            },
        help="Why the entrepreneur leaves the cooperative.")
    exit_reason_string = exit_reason.translated('exit_reason')
    exit_note = fields.Text(
        "Exit Note",
        states={
            'invisible': ~Eval('exit_date'),
            })
    contracts = fields.One2Many(
        'cae.contract', 'entrepreneur', "Contracts",
        domain=[
            ('company', '=', Eval('company', -1)),
            ])
    holdings = fields.One2Many(
        'cae.activity.holder', 'entrepreneur', "Activities", readonly=True,
        help="The activities held by the entrepreneur.")
    stage = fields.Function(
        fields.Selection([(None, "")] + STAGES, "Stage", sort=False,
            help="How far the entrepreneur is on the path (parcours).\n"
            "It follows from the contracts, the admission and the exit."),
        'get_stage', searcher='search_stage')

    @classmethod
    def __setup__(cls):
        cls.code.search_unaccented = False
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('party_unique', Unique(t, t.company, t.party),
                'cae_members.msg_entrepreneur_party_unique'),
            ('code_unique', Unique(t, t.company, t.code),
                'cae_members.msg_entrepreneur_code_unique'),
            ('user_unique', Unique(t, t.company, t.user),
                'cae_members.msg_entrepreneur_user_unique'),
            ]
        cls._sql_indexes.update({
                Index(t, (t.company, Index.Range())),
                Index(t, (t.user, Index.Range()), where=t.user != Null),
                Index(t, (Coalesce(t.code, ''), Index.Similarity())),
                })
        cls._order = [('code', 'ASC'), ('id', None)]

    @classmethod
    def default_company(cls):
        return Transaction().context.get('company')

    @classmethod
    def default_welcome_date(cls):
        return Pool().get('ir.date').today()

    def get_rec_name(self, name):
        return self.party.rec_name

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
            ('party.rec_name', operator, operand, *extra),
            ]

    @classmethod
    def _stage_facts(cls, entrepreneurs, date):
        """Return the stages that facts give the entrepreneurs at the date.

        The result is {id: set of stages}. Other modules extend it with their
        own facts, with one query per table for all the entrepreneurs.
        """
        pool = Pool()
        Contract = pool.get('cae.contract')
        ContractType = pool.get('cae.contract.type')
        cursor = Transaction().connection.cursor()
        table = cls.__table__()
        contract = Contract.__table__()
        type_ = ContractType.__table__()

        facts = {int(e): set() for e in entrepreneurs}
        if not facts:
            return facts
        in_ = fields.SQL_OPERATORS['in']
        cursor.execute(*table.select(
                table.id, table.welcome_date, table.exit_date,
                table.entry_date, table.associate_date,
                where=in_(table.id, list(facts))))
        for id_, welcome_date, exit_date, entry_date, associate_date in cursor:
            if welcome_date <= date:
                facts[id_].add('welcomed')
            if entry_date and entry_date <= date:
                facts[id_].add('candidate')
            if associate_date and associate_date <= date:
                facts[id_].add('associate')
            if exit_date and exit_date < date:
                facts[id_].add('left')
        cursor.execute(*contract.join(
                type_, condition=contract.type == type_.id
                ).select(contract.entrepreneur, type_.stage,
                where=in_(contract.entrepreneur, list(facts))
                & (type_.stage != Null)
                & Contract._covers(contract, date)))
        for id_, stage in cursor:
            facts[id_].add(stage)
        return facts

    @classmethod
    def associate_periods(cls, companies):
        """Return {id: (first day, last day or None)} of the associates.

        Those of the companies, given by id, in one query. A module with a
        register of the associates extends it.
        """
        cursor = Transaction().connection.cursor()
        table = cls.__table__()
        cursor.execute(*table.select(
                table.id, table.associate_date, table.exit_date,
                where=fields.SQL_OPERATORS['in'](
                    table.company, list(companies))
                & (table.associate_date != Null)))
        return {id_: (since, until) for id_, since, until in cursor}

    @classmethod
    def _associate_since(cls, table):
        """Return the SQL expression of the first day as an associate.

        A module with a register of the associates extends it.
        """
        return table.associate_date

    @classmethod
    def stages_at(cls, entrepreneurs, date):
        """Return {id: stage} of the entrepreneurs at the date.

        The stage is the highest in the order of the path; it is None before
        the welcome and 'left' after the exit, whatever the other facts.
        """
        rank = {stage: i for i, (stage, _) in enumerate(STAGES)}
        return {
            id_: max(stages, key=rank.__getitem__, default=None)
            for id_, stages in cls._stage_facts(entrepreneurs, date).items()}

    @classmethod
    def _stage_date(cls):
        return (Transaction().context.get('stage_date')
            or Pool().get('ir.date').today())

    @classmethod
    def get_stage(cls, entrepreneurs, name):
        return cls.stages_at(entrepreneurs, cls._stage_date())

    @classmethod
    def search_stage(cls, name, clause):
        _, operator, value = clause[:3]
        test = {
            '=': lambda stage: stage == value,
            '!=': lambda stage: stage != value,
            'in': lambda stage: stage in value,
            'not in': lambda stage: stage not in value,
            }[operator]
        with without_check_access():
            entrepreneurs = cls.search([], order=[])
        stages = cls.stages_at(entrepreneurs, cls._stage_date())
        return [('id', 'in', [i for i, s in stages.items() if test(s)])]

    @classmethod
    def validate_fields(cls, entrepreneurs, field_names):
        super().validate_fields(entrepreneurs, field_names)
        cls.check_exit(entrepreneurs, field_names)

    @classmethod
    def check_exit(cls, entrepreneurs, field_names=None):
        "Check that the exit follows the welcome and the end of contracts"
        pool = Pool()
        Contract = pool.get('cae.contract')
        if field_names and not (
                field_names & {'welcome_date', 'exit_date'}):
            return
        leaving = [e for e in entrepreneurs if e.exit_date]
        for entrepreneur in leaving:
            if entrepreneur.exit_date < entrepreneur.welcome_date:
                raise EntrepreneurValidationError(gettext(
                        'cae_members.msg_entrepreneur_exit_before_welcome',
                        entrepreneur=entrepreneur.rec_name))
        Contract.check_exit(Contract.search([
                    ('entrepreneur', 'in', leaving),
                    ('state', 'in', ['signed', 'ended']),
                    ], order=[]))

    @classmethod
    def on_modification(cls, mode, entrepreneurs, field_names=None):
        pool = Pool()
        Rule = pool.get('ir.rule')
        super().on_modification(mode, entrepreneurs, field_names=field_names)
        if field_names is None or 'user' in field_names:
            Rule._cae_own_cache.clear()
        if mode != 'delete' and (
                field_names is None or field_names & {
                    'exit_date', 'benefit', 'benefit_end_date',
                    'associate_date'}):
            pool.get('cae.deadline').refresh([
                    e for e in entrepreneurs
                    if mode == 'write' or e.benefit_end_date])

    @classmethod
    def copy(cls, entrepreneurs, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('code', None)
        default.setdefault('user', None)
        default.setdefault('contracts', None)
        default.setdefault('holdings', None)
        return super().copy(entrepreneurs, default=default)
