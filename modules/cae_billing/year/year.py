# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What becomes of the balances of the activities at the end of a year."""
from collections import defaultdict
from decimal import Decimal

from trytond.i18n import gettext
from trytond.model import ModelSQL, ModelView, Unique, Workflow, fields
from trytond.modules.cae_members.model import STORED
from trytond.modules.currency.fields import Monetary
from trytond.pool import Pool
from trytond.pyson import Bool, Eval
from trytond.transaction import inactive_records

from ..exceptions import YearEndAccessError, YearEndError
from ..posting import Entry, move_values
from .cutoff import STATES, DocumentMixin, check_amount

LOSSES = [
    ('carried', "Carried by the Activity"),
    ('fund', "Borne by the Solidarity Fund"),
    ('shared', "Borne by the Shared Services"),
    ]


class YearEnd(DocumentMixin, Workflow, ModelSQL, ModelView):
    """What becomes of the balances of the activities at the end of a year.

    The balance of an activity runs on from one year to the next. What is
    left of it once its pay is accrued is result of the cooperative, taxed
    and shared as such (loi du 19 juillet 1978, art. 33; Code du travail,
    art. R7331-12): it goes to the allocated results, or the activity would
    spend it again. A loss is never a debt of the person. A document made
    later posts only what has changed.
    """
    __name__ = 'cae.year_end'
    __string__ = "Year End"
    _states = {
        'readonly': Eval('state') != 'draft',
        }

    company = fields.Many2One(
        'company.company', "Company", required=True,
        states={
            'readonly': (
                (Eval('state') != 'draft') | STORED & (
                    Bool(Eval('fiscalyear')) | Eval('lines', [0]))),
            })
    fiscalyear = fields.Many2One(
        'account.fiscalyear', "Fiscal Year", required=True,
        ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        states={
            'readonly': (
                (Eval('state') != 'draft') | STORED & Eval('lines', [0])),
            })
    decision = fields.Char(
        "Decision", states=_states,
        help="Who decided it and when; the holders read it on the statement.")
    losses = fields.Selection(
        LOSSES, "Losses", required=True, sort=False, states=_states,
        help="Who bears the negative balances, when the lines are computed.")
    lines = fields.One2Many(
        'cae.year_end.line', 'year_end', "Activities", states=_states)
    allocated = fields.Function(Monetary(
            "Allocated", currency='currency', digits='currency',
            help="What goes from the activities to the allocated results."),
        'get_amounts')
    borne = fields.Function(Monetary(
            "Borne", currency='currency', digits='currency',
            help="What the cooperative bears of the losses of the "
            "activities."),
        'get_amounts')
    move = fields.Many2One(
        'account.move', "Move", readonly=True, ondelete='RESTRICT')
    proposed_by = fields.Many2One(
        'res.user', "Proposed by", readonly=True, ondelete='RESTRICT')
    posted_by = fields.Many2One(
        'res.user', "Posted by", readonly=True, ondelete='RESTRICT')
    state = fields.Selection(
        STATES, "State", required=True, readonly=True, sort=False)

    del _states
    _kept = DocumentMixin._kept | {'move'}

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._buttons.update({
                'compute': {
                    'invisible': Eval('state') != 'draft',
                    'depends': ['state'],
                    },
                })

    @classmethod
    def default_losses(cls):
        return 'carried'

    @classmethod
    def get_amounts(cls, years, names):
        result = {name: {} for name in names}
        for year in years:
            amounts = [li.amount for li in year.lines]
            for name, sign in [('allocated', 1), ('borne', -1)]:
                if name in names:
                    result[name][year.id] = sum(
                        (sign * a for a in amounts if sign * a > 0),
                        Decimal(0))
        return result

    def get_rec_name(self, name):
        return f'{self.fiscalyear.rec_name} ({self.id})'

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('fiscalyear.rec_name', *clause[1:])]

    @classmethod
    def copy(cls, years, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('lines')
        return super().copy(years, default=default)

    def _balances(self):
        "Return {activity: balance} of the businesses at the end of the year"
        Activity = Pool().get('cae.activity')
        with inactive_records():
            activities = Activity.search([
                    ('company', '=', self.company.id),
                    ('kind', '=', 'business'),
                    ], order=[('code', 'ASC'), ('id', 'ASC')])
        balances = Activity.results(activities, self.fiscalyear.end_date)
        return {a: balances[a.id] for a in activities if balances[a.id]}

    @classmethod
    @ModelView.button
    def compute(cls, years):
        """Make the lines of the activities that have something left.

        A positive balance is allocated but what posted documents let the
        activity keep, and a negative one goes where *Losses* says; the lines
        may be changed until the document is proposed.
        """
        Line = Pool().get('cae.year_end.line')
        years = [y for y in years if y.state == 'draft']
        to_create = []
        for year in years:
            kept = year._kept_before()
            for activity, balance in year._balances().items():
                if balance > 0:
                    keeps = min(max(kept[activity], Decimal(0)), balance)
                else:
                    keeps = balance if year.losses == 'carried' else Decimal(0)
                if balance != keeps:
                    to_create.append({
                            'year_end': year.id,
                            'activity': activity.id,
                            'balance': balance,
                            'keeps': keeps,
                            })
        Line.delete([li for y in years for li in y.lines])
        Line.create(to_create)

    def _posted_lines(self):
        "Return the lines of the posted documents of the year, the last last"
        Line = Pool().get('cae.year_end.line')
        return Line.search([
                ('year_end.fiscalyear', '=', self.fiscalyear.id),
                ('year_end.state', '=', 'posted'),
                ], order=[('id', 'ASC')])

    def _kept_before(self):
        "Return {activity: what the last posted document lets it keep}"
        return defaultdict(Decimal, {
                li.activity: li.keeps for li in self._posted_lines()})

    def _parts(self):
        """Return {line: (allocated, borne)}, what is to post of each.

        Both are to date less what posted documents of the year did: a later
        one may give back.
        """
        before = defaultdict(lambda: [Decimal(0), Decimal(0)])
        for line in self._posted_lines():
            before[line.activity][0] += line.allocated
            before[line.activity][1] += line.borne
        result = {}
        for line in self.lines:
            allocated, borne = before[line.activity]
            total = line.balance + allocated + borne
            if not min(total, 0) <= line.keeps <= max(total, 0):
                raise YearEndError(gettext(
                        'cae_billing.msg_year_end_keeps',
                        document=self.rec_name,
                        activity=line.activity.rec_name,
                        total=f'{total:.2f}'))
            rest = total - line.keeps
            result[line] = (
                max(rest, Decimal(0)) - allocated,
                min(rest, Decimal(0)) - borne)
        return result

    def _bearer(self, parts):
        """Return the activity that bears the losses, or None for none.

        All documents of a year name the same.
        """
        if not any(borne for _, borne in parts.values()):
            return None
        for line in self._posted_lines():
            if line.borne and line.year_end.losses != self.losses:
                raise YearEndError(gettext(
                        'cae_billing.msg_year_end_bearer',
                        document=self.rec_name,
                        other=line.year_end.rec_name))
        if self.losses == 'carried':
            raise YearEndError(gettext(
                    'cae_billing.msg_year_end_no_bearer',
                    document=self.rec_name))
        return Pool().get('cae.activity').special(self.company, self.losses)

    def _check(self):
        "Refuse what cannot be posted"
        pool = Pool()
        Activity = pool.get('cae.activity')
        Cutoff = pool.get('cae.cutoff')
        self._check_year()
        if not self.lines:
            raise YearEndError(gettext(
                    'cae_billing.msg_year_end_nothing',
                    document=self.rec_name))
        if not self.decision:
            raise YearEndError(gettext(
                    'cae_billing.msg_year_end_decision',
                    document=self.rec_name))
        waiting = Cutoff.search([
                ('fiscalyear', '=', self.fiscalyear.id),
                ('state', '!=', 'posted'),
                ], limit=1)
        if waiting:
            raise YearEndError(gettext(
                    'cae_billing.msg_year_end_cutoff',
                    document=self.rec_name, cutoff=waiting[0].rec_name))
        unassigned = Activity.special(self.company, 'unassigned')
        balance = Activity.results(
            [unassigned], self.fiscalyear.end_date)[unassigned.id]
        if balance:
            raise YearEndError(gettext(
                    'cae_billing.msg_year_end_unassigned',
                    document=self.rec_name, activity=unassigned.rec_name,
                    balance=f'{balance:.2f}'))
        balances = defaultdict(Decimal, self._balances())
        for line in self.lines:
            if line.balance != balances[line.activity]:
                raise YearEndError(gettext(
                        'cae_billing.msg_year_end_changed',
                        document=self.rec_name,
                        activity=line.activity.rec_name,
                        balance=f'{balances[line.activity]:.2f}'))
        self._bearer(self._parts())

    def _post(self):
        "Post the document; return what to write"
        pool = Pool()
        Activity = pool.get('cae.activity')
        Line = pool.get('cae.year_end.line')
        Period = pool.get('account.period')
        account = self._setting('year_end_account')
        journal = self._setting('internal_journal')
        date = self.fiscalyear.end_date
        parts = self._parts()
        others = [
            Activity.special(self.company, 'allocated'), self._bearer(parts)]
        entries = []
        for line, amounts in parts.items():
            text = f'{self.decision} – {line.activity.code}'
            for other, amount in zip(others, amounts):
                for activity, part in [
                        (line.activity, amount), (other, -amount)]:
                    entries.append(Entry(
                            account, part, activity=activity, origin=self,
                            description=text))
        Line.write(*sum((
                    [[line], {'allocated': allocated, 'borne': borne}]
                    for line, (allocated, borne) in parts.items()), []))
        move, = self._posted([move_values(
                    self.company, journal, Period.find(self.company, date),
                    date, self.decision, self, entries)],
            {(line.activity.id, date) for line in self.lines})
        return {'move': move.id}


class YearEndLine(ModelSQL, ModelView):
    "What an activity keeps at the end of a year, and what it does not"
    __name__ = 'cae.year_end.line'
    __string__ = "Activity of a Year End"
    year_end = fields.Many2One(
        'cae.year_end', "Year End", required=True, ondelete='CASCADE')
    currency = fields.Function(
        fields.Many2One('currency.currency', "Currency"),
        'on_change_with_currency')
    company = fields.Function(
        fields.Many2One('company.company', "Company"),
        'on_change_with_company')
    activity = fields.Many2One(
        'cae.activity', "Activity", required=True, ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ('kind', '=', 'business'),
            ],
        states={
            'readonly': Eval('id', -1) >= 0,
            })
    balance = Monetary(
        "Balance", currency='currency', digits='currency', required=True,
        readonly=True,
        help="At the end of the year, accruals and cut-offs included.")
    keeps = Monetary(
        "Keeps", currency='currency', digits='currency', required=True,
        help="What the activity takes to the next year: nothing, or a loss "
        "that is carried.")
    amount = fields.Function(Monetary(
            "Amount", currency='currency', digits='currency',
            help="What is allocated to the results of the cooperative, or "
            "borne by it when negative."),
        'on_change_with_amount')
    allocated = Monetary(
        "Allocated", currency='currency', digits='currency', readonly=True,
        help="What was posted to the allocated results.")
    borne = Monetary(
        "Borne", currency='currency', digits='currency', readonly=True,
        help="What was posted to who bears the losses, as a negative amount.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('year_end')
        t = cls.__table__()
        cls._sql_constraints += [
            ('activity_unique', Unique(t, t.year_end, t.activity),
                'cae_billing.msg_year_end_activity_unique'),
            ]
        cls._order = [('activity.code', 'ASC'), ('id', 'ASC')]

    @fields.depends('year_end', '_parent_year_end.company')
    def on_change_with_currency(self, name=None):
        if self.year_end and self.year_end.company:
            return self.year_end.company.currency

    @fields.depends('year_end', '_parent_year_end.company')
    def on_change_with_company(self, name=None):
        return self.year_end.company if self.year_end else None

    @fields.depends(
        'year_end', '_parent_year_end.fiscalyear', 'activity')
    def on_change_activity(self):
        if self.activity and self.year_end and self.year_end.fiscalyear:
            self.balance = self.activity.results(
                [self.activity], self.year_end.fiscalyear.end_date)[
                    self.activity.id]

    @fields.depends('balance', 'keeps')
    def on_change_with_amount(self, name=None):
        return (self.balance or Decimal(0)) - (self.keeps or Decimal(0))

    def get_rec_name(self, name):
        return self.activity.rec_name

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('activity.rec_name', *clause[1:])]

    @classmethod
    def copy(cls, lines, default=None):
        default = default.copy() if default is not None else {}
        for name in ['allocated', 'borne']:
            default.setdefault(name)
        return super().copy(lines, default=default)

    @classmethod
    def preprocess_values(cls, mode, values):
        values = super().preprocess_values(mode, values)
        for name in ['balance', 'keeps']:
            if values.get(name) is not None:
                check_amount(values[name])
        return values

    @classmethod
    def check_modification(cls, mode, lines, values=None, external=False):
        for line in lines:
            state = line.year_end.state
            if state == 'posted' or external and state != 'draft':
                raise YearEndAccessError(gettext(
                        'cae_billing.msg_year_end_frozen',
                        document=line.year_end.rec_name))
        if external and (
                mode == 'write' and values.keys() & {'allocated', 'borne'}
                or mode == 'create' and any(
                    li.allocated or li.borne for li in lines)):
            raise YearEndAccessError(gettext(
                    'cae_billing.msg_year_end_by_button'))
        super().check_modification(
            mode, lines, values=values, external=external)
