# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

import datetime as dt
from collections import defaultdict

from dateutil.relativedelta import relativedelta
from sql import Null

from trytond.i18n import gettext
from trytond.model import Index, ModelSQL, ModelView, fields, sequence_ordered
from trytond.model.exceptions import AccessError
from trytond.pool import Pool
from trytond.pyson import Eval
from trytond.report import Report
from trytond.transaction import Transaction

from .cooperative import KINDS
from .entrepreneur import (
    EDUCATIONS, GENDERS, OUTCOMES, PRIOR_STATUSES, STAGES, ZONES)
from .figures import CREATIONS, Person, figures, stages
from .trade import SECTORS

GROUPS = [
    ('funnel', "Path"),
    ('outcome', "Exits"),
    ('gender', "Gender"),
    ('prior_status', "Prior Status"),
    ('education', "Education"),
    ('age', "Age at Entry"),
    ('sector', "Sector"),
    ('zone', "Zone"),
    ]
FUNNEL = [
    ('welcomed', "Welcomed"),
    ('entered', "Entered"),
    ('accompanied', "Accompanied"),
    ('left', "Left"),
    ('new_associates', "New Associates"),
    ('associates', "Associates"),
    ]
AGES = [
    ('-30', "Under 30"),
    ('30-50', "30 to 50"),
    ('51+', "Over 50"),
    ]
UNKNOWN = [('unknown', "Unknown")]
# The keys of each group in the order of the report
KEYS = {
    'funnel': FUNNEL,
    'outcome': OUTCOMES,
    'gender': GENDERS + UNKNOWN,
    'prior_status': [
        s for s in PRIOR_STATUSES
        if s[0] in {'job_seeker', 'employee', 'other'}] + UNKNOWN,
    'education': EDUCATIONS + UNKNOWN,
    'age': AGES + UNKNOWN,
    'sector': SECTORS + UNKNOWN,
    'zone': ZONES + UNKNOWN,
    }
STAGE_NAMES = [name for name, _ in STAGES if name != 'left']


class NetworkReport(ModelSQL, ModelView):
    """The figures of cooperatives for a period, as given to their network.

    They are kept as they were computed.
    """
    __name__ = 'cae.network.report'
    __string__ = "Network Report"

    name = fields.Char("Name", required=True)
    companies = fields.Many2Many(
        'cae.network.report-company.company', 'report', 'company',
        "Companies", required=True,
        help="The cooperatives whose figures are added up.")
    start_date = fields.Date(
        "Start Date", required=True,
        domain=[
            ('start_date', '<=', Eval('end_date', None)),
            ])
    end_date = fields.Date(
        "End Date", required=True,
        domain=[
            ('end_date', '>=', Eval('start_date', None)),
            ])
    computed_on = fields.DateTime("Computed On", readonly=True)
    lines = fields.One2Many(
        'cae.network.report.line', 'report', "Figures", readonly=True)
    months = fields.One2Many(
        'cae.network.report.month', 'report', "Stages", readonly=True)
    cooperatives = fields.One2Many(
        'cae.network.report.cooperative', 'report', "By Cooperative",
        readonly=True)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._order = [('start_date', 'DESC'), ('id', 'DESC')]
        cls._buttons.update({
                'compute': {},
                })

    @classmethod
    def default_companies(cls):
        company = Transaction().context.get('company')
        return [company] if company is not None else []

    @classmethod
    def default_start_date(cls):
        return cls.default_end_date() + relativedelta(month=1, day=1)

    @classmethod
    def default_end_date(cls):
        today = Pool().get('ir.date').today()
        return today + relativedelta(years=-1, month=12, day=31)

    @classmethod
    def validate_fields(cls, reports, field_names):
        super().validate_fields(reports, field_names)
        if field_names is None or 'companies' in field_names:
            cls.check_companies(reports)

    @classmethod
    def check_companies(cls, reports):
        "Check that the user has access to the companies"
        User = Pool().get('res.user')
        user = Transaction().user
        if not user:
            return
        allowed = set(User(user).companies)
        for report in reports:
            for company in report.companies:
                if company not in allowed:
                    raise AccessError(gettext(
                            'cae_members.msg_network_report_company',
                            report=report.rec_name,
                            company=company.rec_name))

    @classmethod
    def copy(cls, reports, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('computed_on')
        default.setdefault('lines')
        default.setdefault('months')
        default.setdefault('cooperatives')
        return super().copy(reports, default=default)

    @classmethod
    def people(cls, companies):
        "Return the people of the companies as `figures.Person`"
        return sum(cls.people_by_company(companies).values(), [])

    @classmethod
    def people_by_company(cls, companies):
        """Return {company id: [figures.Person]}.

        One query per table, for all of them.
        """
        pool = Pool()
        Contract = pool.get('cae.contract')
        ContractType = pool.get('cae.contract.type')
        Entrepreneur = pool.get('cae.entrepreneur')
        Trade = pool.get('cae.trade')
        cursor = Transaction().connection.cursor()
        in_ = fields.SQL_OPERATORS['in']
        table = Entrepreneur.__table__()
        contract, type_ = Contract.__table__(), ContractType.__table__()
        trade = Trade.__table__()
        companies = [int(c) for c in companies]
        paths = defaultdict(list)
        cursor.execute(*contract.join(
                type_, condition=contract.type == type_.id
                ).select(
                contract.entrepreneur, type_.stage,
                contract.start_date, contract.end_date,
                where=in_(contract.company, companies)
                & (contract.entrepreneur != Null)
                & (type_.stage != Null)
                & contract.state.in_(['signed', 'ended'])))
        for id_, stage, start_date, end_date in cursor:
            paths[id_].append((stage, start_date, end_date))
        associates = Entrepreneur.associate_periods(companies)
        cursor.execute(*table.join(
                trade, 'LEFT', condition=table.trade == trade.id
                ).select(
                table.id, table.welcome_date, table.entry_date,
                table.exit_date, table.exit_outcome, table.gender,
                table.birth_date, table.prior_status, table.education,
                trade.sector, table.zone, table.company,
                where=in_(table.company, companies)))
        people = {company: [] for company in companies}
        for (id_, welcomed, entered, left, outcome, gender, birth_date,
                prior_status, education, sector, zone, company) in cursor:
            path = paths.get(id_, [])
            since, until = associates.get(id_, (None, None))
            if prior_status and prior_status not in {
                    'job_seeker', 'employee'}:
                prior_status = 'other'
            people[company].append(Person(
                    welcomed=welcomed,
                    entered=min(
                        filter(None, [entered, *(c[1] for c in path)]),
                        default=None),
                    left=left, outcome=outcome,
                    associate=since, associate_end=until,
                    gender=gender, birth_date=birth_date,
                    prior_status=prior_status, education=education,
                    sector=sector, zone=zone, contracts=tuple(path)))
        return people

    def figures(self):
        "Return the `figures.Figures` of the period, computed anew"
        return figures(
            self.people(self.companies), self.start_date, self.end_date)

    @classmethod
    @ModelView.button
    def compute(cls, reports):
        "Compute the figures of the reports anew"
        to_write = []
        for report in reports:
            by_company = report.people_by_company(report.companies)
            people = sum(by_company.values(), [])
            result = figures(people, report.start_date, report.end_date)
            by_month = stages(people, report._month_ends())
            to_write += [[report], {
                    'computed_on': dt.datetime.now(),
                    'lines': [
                        ('delete', [line.id for line in report.lines]),
                        ('create', list(report._lines(result))),
                        ],
                    'months': [
                        ('delete', [month.id for month in report.months]),
                        ('create', [{
                                    'date': date,
                                    **{name: counts[name]
                                        for name in STAGE_NAMES},
                                    } for date, counts in by_month.items()]),
                        ],
                    'cooperatives': [
                        ('delete', [c.id for c in report.cooperatives]),
                        ('create', list(report._cooperatives(by_company))),
                        ],
                    }]
        if to_write:
            cls.write(*to_write)

    def _cooperatives(self, people):
        "Yield the values of each company, its people being {id: people}"
        for company in self.companies:
            result = figures(
                people[company.id], self.start_date, self.end_date)
            countries = [
                a.country for a in company.party.addresses if a.country]
            yield {
                'company': company.id,
                'country': countries[0].id if countries else None,
                'kind': company.cae_kind,
                **{name: getattr(result, name) for name, _ in FUNNEL},
                }

    def _month_ends(self):
        "Return the last days of the months of the period"
        date = self.start_date + relativedelta(day=31)
        while date < self.end_date:
            yield date
            date += relativedelta(months=1, day=31)
        yield self.end_date

    @classmethod
    def _lines(cls, result):
        "Yield the values of the lines of the Figures"
        groups = {
            'funnel': {
                name: (getattr(result, name), None) for name, _ in FUNNEL},
            'outcome': {
                name: (count, None)
                for name, count in result.outcomes.items()},
            **result.shares,
            }
        sequence = 0
        for group, keys in KEYS.items():
            for key, _ in keys:
                if key in groups[group]:
                    count, percentage = groups[group][key]
                    sequence += 1
                    yield {
                        'sequence': sequence,
                        'group': group,
                        'key': key,
                        'count': count,
                        'percentage': percentage,
                        }

    @property
    def printed_groups(self):
        "The groups of the report with their lines: [(label, lines)]"
        groups = defaultdict(list)
        for line in self.lines:
            groups[line.group_string].append(line)
        return list(groups.items())

    @property
    def reconciliation(self):
        "The sentence that adds the outcomes up to the exits"
        counts = {line.key: line.count for line in self.lines
            if line.group == 'outcome'}
        return gettext(
            'cae_members.msg_network_reconciliation',
            creations=sum(counts.get(key, 0) for key in CREATIONS),
            unknown=counts.get('creation', 0),
            employment=counts.get('employment', 0),
            other=counts.get('other', 0),
            left=sum(counts.values()))


class NetworkReportCompany(ModelSQL):
    __name__ = 'cae.network.report-company.company'

    report = fields.Many2One(
        'cae.network.report', "Report", required=True, ondelete='CASCADE')
    company = fields.Many2One(
        'company.company', "Company", required=True, ondelete='CASCADE')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('report')


class NetworkReportLine(sequence_ordered(), ModelSQL, ModelView):
    __name__ = 'cae.network.report.line'
    __string__ = "Network Figure"

    report = fields.Many2One(
        'cae.network.report', "Report", required=True, readonly=True,
        ondelete='CASCADE')
    group = fields.Selection(
        GROUPS, "Group", required=True, readonly=True, sort=False)
    group_string = group.translated('group')
    key = fields.Selection(
        list(dict(sum(KEYS.values(), [])).items()), "Figure",
        required=True, readonly=True, sort=False)
    key_string = key.translated('key')
    count = fields.Integer("People", required=True, readonly=True)
    percentage = fields.Numeric("Percentage", digits=(5, 2), readonly=True)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('report')
        t = cls.__table__()
        cls._sql_indexes.add(Index(t, (t.report, Index.Range())))

    def get_rec_name(self, name):
        return self.key_string


class NetworkReportMonth(ModelSQL, ModelView):
    "How many people are at each stage at the end of a month"
    __name__ = 'cae.network.report.month'
    __string__ = "Network Month"

    report = fields.Many2One(
        'cae.network.report', "Report", required=True, readonly=True,
        ondelete='CASCADE')
    date = fields.Date("Date", required=True, readonly=True)
    welcomed = fields.Integer("Welcomed", readonly=True)
    candidate = fields.Integer("Candidate", readonly=True)
    cape = fields.Integer("Business Project Support", readonly=True)
    employed = fields.Integer("Employed", readonly=True)
    associate = fields.Integer("Associate", readonly=True)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('report')
        cls._order = [('date', 'ASC'), ('id', None)]
        t = cls.__table__()
        cls._sql_indexes.add(Index(t, (t.report, Index.Range())))


class NetworkReportReport(Report):
    __name__ = 'cae.network.report'


class NetworkReportCooperative(ModelSQL, ModelView):
    "What each of the cooperatives adds to the figures"
    __name__ = 'cae.network.report.cooperative'
    __string__ = "Network Cooperative"

    report = fields.Many2One(
        'cae.network.report', "Report", required=True, readonly=True,
        ondelete='CASCADE')
    company = fields.Many2One(
        'company.company', "Cooperative", required=True, readonly=True,
        ondelete='CASCADE')
    country = fields.Many2One(
        'country.country', "Country", readonly=True, ondelete='RESTRICT',
        help="That of the first address of the company.")
    kind = fields.Selection(
        KINDS, "Kind of Cooperative", readonly=True, sort=False)
    kind_string = kind.translated('kind')
    welcomed = fields.Integer("Welcomed", readonly=True)
    entered = fields.Integer("Entered", readonly=True)
    accompanied = fields.Integer("Accompanied", readonly=True)
    left = fields.Integer("Left", readonly=True)
    new_associates = fields.Integer("New Associates", readonly=True)
    associates = fields.Integer("Associates", readonly=True)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('report')
        t = cls.__table__()
        cls._sql_indexes.add(Index(t, (t.report, Index.Range())))
        cls._order = [
            ('country', 'ASC'), ('kind', 'ASC'), ('company', 'ASC'),
            ('id', None)]

    def get_rec_name(self, name):
        return self.company.rec_name

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('company.rec_name', *clause[1:])]
