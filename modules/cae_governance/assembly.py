# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

import datetime as dt
import hashlib
import json
from collections import defaultdict
from fractions import Fraction

from sql.operators import Equal

from trytond.i18n import gettext
from trytond.model import (
    Exclude, Index, ModelSQL, ModelView, Unique, Workflow, fields)
from trytond.pool import Pool
from trytond.pyson import Eval, If
from trytond.report import Report
from trytond.transaction import Transaction, without_check_access

from . import majority
from .configuration import LEGAL_FORMS
from .exceptions import (
    AssemblyAccessError, AssemblyError, AssemblyValidationError,
    ProxyValidationError)

RESOLUTION_KINDS = [
    ('ordinary', "Ordinary"),
    ('extraordinary', "Extraordinary"),
    ]
CALLS = [
    ('1', "First"),
    ('2', "Second"),
    ]


class Rule(ModelSQL, ModelView):
    """What the statutes ask of an assembly beyond the law.

    The law is in majority.py; a rule may only be stricter.  A SAS has no
    legal minimum: it needs its rules.
    """
    __name__ = 'cae.assembly.rule'
    __string__ = "Rule of the Statutes"

    company = fields.Many2One(
        'company.company', "Company", required=True, ondelete='CASCADE',
        help="The cooperative whose statutes say so.")
    legal_form = fields.Selection(
        LEGAL_FORMS, "Legal Form", required=True, sort=False,
        help="The form of the company to which the rule applies.")
    legal_form_string = legal_form.translated('legal_form')
    kind = fields.Selection(
        RESOLUTION_KINDS, "Kind", required=True, sort=False,
        help="The kind of resolutions to which the rule applies.")
    kind_string = kind.translated('kind')
    call = fields.Selection(
        CALLS, "Call", required=True, sort=False,
        help="The convocation to which the rule applies.")
    call_string = call.translated('call')
    quorum_numerator = fields.Integer(
        "Quorum", required=True,
        domain=[
            ('quorum_numerator', '>=', 0),
            ],
        help="How many members must be present or represented, out of those "
        "beside. Zero for no quorum.")
    quorum_denominator = fields.Integer(
        "Quorum out of", required=True,
        domain=[
            ('quorum_denominator', '>', 0),
            ('quorum_denominator', '>=', Eval('quorum_numerator', 0)),
            ])
    majority_numerator = fields.Integer(
        "Majority", required=True,
        domain=[
            ('majority_numerator', '>', 0),
            ],
        help="How many votes must be in favour, out of those beside.")
    majority_denominator = fields.Integer(
        "Majority out of", required=True,
        domain=[
            ('majority_denominator', '>', 0),
            ('majority_denominator', '>=', Eval('majority_numerator', 0)),
            ])
    strict = fields.Boolean(
        "More Than",
        help="Check when more than the majority is needed: "
        "half of the votes and one, for instance.")
    base = fields.Selection([
            ('registered', "All Members"),
            ('present', "Present or Represented"),
            ('cast', "Votes Cast"),
            ], "Counted On", required=True, sort=False,
        help="The votes of which the majority is taken.\n"
        "Abstentions and blank votes are not cast.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('rule_unique',
                Unique(t, t.company, t.legal_form, t.kind, t.call),
                'cae_governance.msg_assembly_rule_unique'),
            ]
        cls._order = [
            ('company', 'ASC'), ('legal_form', 'ASC'), ('kind', 'DESC'),
            ('call', 'ASC'), ('id', None)]

    @classmethod
    def default_company(cls):
        return Transaction().context.get('company')

    @classmethod
    def default_legal_form(cls):
        pool = Pool()
        Configuration = pool.get('cae.configuration')
        return Configuration(1).get_multivalue('legal_form')

    @classmethod
    def default_kind(cls):
        return 'extraordinary'

    @classmethod
    def default_call(cls):
        return '1'

    @classmethod
    def default_base(cls):
        return 'present'

    @classmethod
    def default_strict(cls):
        return False

    @classmethod
    def default_quorum_denominator(cls):
        return 4

    @classmethod
    def default_majority_denominator(cls):
        return 4

    def get_rec_name(self, name):
        return ' '.join([
                self.legal_form_string, self.kind_string, self.call_string])

    @classmethod
    def get(cls, company, legal_form, kind, call):
        """Return the majority.Rule of resolutions of the kind on the call

        Raise AssemblyError when neither the law nor the statutes say.
        """
        with without_check_access():
            rules = cls.search([
                    ('company', '=', int(company)),
                    ('legal_form', '=', legal_form),
                    ('kind', '=', kind),
                    ('call', '=', call),
                    ], limit=1, order=[])
        legal = majority.LEGAL.get((f'{legal_form}_{kind}', int(call)))
        if rules:
            rule, = rules
            statutes = rule._rule()
            return majority.stricter(legal, statutes) if legal else statutes
        elif legal:
            return legal
        raise AssemblyError(gettext(
                'cae_governance.msg_assembly_no_rule',
                kind=dict(RESOLUTION_KINDS)[kind], call=call))

    def _rule(self):
        quorum = Fraction(self.quorum_numerator, self.quorum_denominator)
        return majority.Rule(
            quorum or None,
            Fraction(self.majority_numerator, self.majority_denominator),
            bool(self.strict), self.base,
            gettext('cae_governance.msg_statutes'))

    @classmethod
    def validate_fields(cls, rules, field_names):
        super().validate_fields(rules, field_names)
        for rule in rules:
            key = f'{rule.legal_form}_{rule.kind}', int(rule.call)
            legal = majority.LEGAL.get(key)
            try:
                statutes = rule._rule()
                if legal:
                    majority.stricter(legal, statutes)
            except ValueError:
                raise AssemblyValidationError(gettext(
                        'cae_governance.msg_assembly_rule_below_law',
                        rule=rule.rec_name,
                        source=legal.source if legal else ''))


_DRAFT = {
    'readonly': Eval('state') != 'draft',
    }


class Assembly(Workflow, ModelSQL, ModelView):
    """A meeting of the associates that decides, one person one vote.

    Convening freezes the agenda and the roll of those who can vote.
    """
    __name__ = 'cae.assembly'
    __string__ = "Assembly"

    company = fields.Many2One(
        'company.company', "Company", required=True, ondelete='RESTRICT',
        states={
            'readonly': Eval('id', -1) >= 0,
            },
        help="The cooperative whose associates meet.")
    name = fields.Char(
        "Name", required=True, states=_DRAFT,
        help="What the assembly is called, "
        "as \"Annual General Meeting 2026\".")
    legal_form = fields.Selection(
        LEGAL_FORMS, "Legal Form", required=True, sort=False, states=_DRAFT,
        help="The form of the company, which says how it decides.")
    legal_form_string = legal_form.translated('legal_form')
    kind = fields.Selection([
            ('ordinary', "Ordinary"),
            ('extraordinary', "Extraordinary"),
            ('mixed', "Mixed"),
            ], "Kind", required=True, sort=False, states=_DRAFT,
        help="Ordinary: accounts, elections, admissions.\n"
        "Extraordinary: changes of the statutes.\n"
        "Mixed: resolutions of both kinds.")
    kind_string = kind.translated('kind')
    call = fields.Selection(
        CALLS, "Call", required=True, sort=False, states=_DRAFT,
        help="The second call (deuxième convocation) takes up what the first "
        "could not decide, with lighter conditions.")
    call_string = call.translated('call')
    previous = fields.Many2One(
        'cae.assembly', "First Call", ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ('state', '=', 'closed'),
            ('call', '=', '1'),
            ],
        states={
            'invisible': Eval('call') != '2',
            'required': Eval('call') == '2',
            'readonly': Eval('state') != 'draft',
            },
        help="The assembly that could not decide.")
    convocation_date = fields.Date(
        "Convocation Date",
        states={
            'readonly': Eval('state') != 'draft',
            'required': Eval('state') != 'draft',
            },
        help="When the members are called to the meeting.")
    record_date = fields.Date(
        "Record Date",
        domain=[If(Eval('record_date', None) & Eval('convocation_date', None),
                ('record_date', '<=', Eval('convocation_date', None)),
                ()),
            ],
        states={
            'readonly': Eval('state') != 'draft',
            'required': Eval('state') != 'draft',
            },
        help="Who is an associate on this day is on the roll.\n"
        "It is the convocation date at the latest.")
    meeting_date = fields.Date(
        "Meeting Date", required=True, states=_DRAFT,
        help="When the assembly meets.")
    place = fields.Char(
        "Place",
        states={
            'readonly': Eval('state') != 'draft',
            'required': Eval('state') != 'draft',
            },
        help="Where the assembly meets.")
    chair = fields.Char(
        "Chair",
        states={
            'readonly': Eval('state').in_(['closed', 'cancelled']),
            'required': Eval('state').in_(['open', 'closed']),
            },
        help="Who presides over the meeting.")
    remarks = fields.Text(
        "Remarks",
        states={
            'readonly': Eval('state').in_(['closed', 'cancelled']),
            },
        help="Documents presented, summary of the debates and incidents, "
        "printed in the minutes.")
    resolutions = fields.One2Many(
        'cae.assembly.resolution', 'assembly', "Resolutions",
        states=_DRAFT,
        help="The resolutions put to the vote, in their order.")
    roll = fields.One2Many(
        'cae.assembly.roll', 'assembly', "Roll", readonly=True,
        help="Those who can vote, as they were on the record date.")
    proxies = fields.One2Many(
        'cae.assembly.proxy', 'assembly', "Proxies",
        states={
            'readonly': ~Eval('state').in_(['convened', 'open']),
            },
        help="Who represents whom.")
    roll_hash = fields.Char(
        "Roll Hash", readonly=True,
        help="The fingerprint (SHA-256) of the roll, taken when the "
        "assembly was convened.")
    roll_intact = fields.Function(
        fields.Boolean("Roll Intact",
            states={
                'invisible': ~Eval('roll_hash'),
                },
            help="If the roll is still the one of the convocation."),
        'get_roll_intact')
    members = fields.Function(
        fields.Integer("Members",
            help="The number of members on the roll."),
        'get_attendance')
    present = fields.Function(
        fields.Integer("Present",
            help="The number of members who are there."),
        'get_attendance')
    represented = fields.Function(
        fields.Integer("Represented",
            help="The number of members whose representative is there."),
        'get_attendance')
    voters = fields.Function(
        fields.Integer("Present or Represented"),
        'get_attendance')
    quorum_ordinary = fields.Function(
        fields.Integer("Quorum for Ordinary Resolutions",
            help="How many members must be present or represented. "
            "Empty when there is no quorum."),
        'get_attendance')
    quorum_extraordinary = fields.Function(
        fields.Integer("Quorum for Extraordinary Resolutions",
            help="How many members must be present or represented. "
            "Empty when there is no quorum."),
        'get_attendance')
    external_weight = fields.Function(
        fields.Char("External Vote",
            help="What the vote of each external member counts for, when "
            "they are so many that their votes are reduced "
            "(loi 47-1775, art. 3 bis)."),
        'get_external_weight')
    state = fields.Selection([
            ('draft', "Draft"),
            ('convened', "Convened"),
            ('open', "Open"),
            ('closed', "Closed"),
            ('cancelled', "Cancelled"),
            ], "State", readonly=True, required=True, sort=False)

    # What may still change after the convocation
    _live_fields = {
        'state', 'chair', 'remarks', 'roll', 'proxies', 'resolutions'}

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_indexes.update({
                Index(t,
                    (t.company, Index.Range()),
                    (t.meeting_date, Index.Range())),
                })
        cls._order = [('meeting_date', 'DESC'), ('id', 'DESC')]
        cls._transitions |= {
            ('draft', 'convened'),
            ('convened', 'open'),
            ('open', 'closed'),
            ('convened', 'cancelled'),
            }
        cls._buttons.update({
                'convene': {
                    'invisible': Eval('state') != 'draft',
                    'depends': ['state'],
                    },
                'open': {
                    'invisible': Eval('state') != 'convened',
                    'depends': ['state'],
                    },
                'close': {
                    'invisible': Eval('state') != 'open',
                    'depends': ['state'],
                    },
                'cancel': {
                    'invisible': Eval('state') != 'convened',
                    'depends': ['state'],
                    },
                })

    @classmethod
    def default_company(cls):
        return Transaction().context.get('company')

    @classmethod
    def default_legal_form(cls):
        pool = Pool()
        Configuration = pool.get('cae.configuration')
        return Configuration(1).get_multivalue('legal_form')

    @classmethod
    def default_kind(cls):
        return 'ordinary'

    @classmethod
    def default_call(cls):
        return '1'

    @classmethod
    def default_state(cls):
        return 'draft'

    @fields.depends('convocation_date', 'record_date')
    def on_change_convocation_date(self):
        if self.convocation_date and (
                not self.record_date
                or self.record_date > self.convocation_date):
            self.record_date = self.convocation_date

    def rule(self, kind):
        "Return the majority.Rule of the resolutions of the kind"
        pool = Pool()
        Rule = pool.get('cae.assembly.rule')
        return Rule.get(self.company, self.legal_form, kind, self.call)

    def compute_hash(self):
        "Return the fingerprint of the roll and of what it was taken for"
        rows = sorted(
            [row.number, row.associate.id, row.name, row.category]
            for row in self.roll)
        content = json.dumps([
                self.company.id, self.name, self.kind, self.call,
                self.meeting_date.isoformat(), self.record_date.isoformat(),
                rows], ensure_ascii=True, separators=(',', ':'))
        return hashlib.sha256(content.encode()).hexdigest()

    @classmethod
    def get_roll_intact(cls, assemblies, name):
        return {
            a.id: bool(a.roll_hash) and a.compute_hash() == a.roll_hash
            for a in assemblies}

    @classmethod
    def get_attendance(cls, assemblies, names):
        pool = Pool()
        Roll = pool.get('cae.assembly.roll')
        result = {n: {a.id: None for a in assemblies} for n in names}
        with without_check_access():
            for assembly in cls.browse(assemblies):
                rows = assembly.roll
                attendance = Roll.get_attendance(rows, 'attendance')
                states = list(attendance.values())
                values = {
                    'members': len(rows),
                    'present': states.count('present'),
                    'represented': states.count('represented'),
                    }
                values['voters'] = values['present'] + values['represented']
                for kind, _ in RESOLUTION_KINDS:
                    name = f'quorum_{kind}'
                    if name in names:
                        try:
                            values[name] = assembly.rule(kind).quorum_needed(
                                assembly.votes(rows))
                        except AssemblyError:
                            values[name] = None
                for name in names:
                    result[name][assembly.id] = values[name]
        return result

    @property
    def weight(self):
        "The Fraction of a vote that each external member of the roll has"
        external = sum(row.category == 'external' for row in self.roll)
        return majority.external_weight(len(self.roll) - external, external)

    def votes(self, rows):
        "Return the votes of the rows of the roll, an int or a Fraction"
        external = sum(row.category == 'external' for row in rows)
        return len(rows) - external + external * self.weight

    @classmethod
    def get_external_weight(cls, assemblies, name):
        with without_check_access():
            return {
                a.id: str(a.weight) if a.weight != 1 else None
                for a in cls.browse(assemblies)}

    @classmethod
    @ModelView.button
    @Workflow.transition('convened')
    def convene(cls, assemblies):
        """Call the members and freeze the agenda and the roll

        Raise AssemblyError when the notice is shorter than the law, when
        there is nothing to decide or nobody to decide it.
        """
        pool = Pool()
        Associate = pool.get('cae.associate')
        Roll = pool.get('cae.assembly.roll')
        rows = []
        for assembly in assemblies:
            assembly._check_convocation()
            members = Associate.members_at(
                assembly.company, assembly.record_date)
            if not members:
                raise AssemblyError(gettext(
                        'cae_governance.msg_assembly_no_member',
                        assembly=assembly.rec_name))
            rows.extend({
                    'assembly': assembly.id,
                    'associate': m.id,
                    'number': m.number,
                    'name': m.party.rec_name,
                    'category': m.category,
                    } for m in members)
        Roll.create(rows)
        args = []
        for assembly in cls.browse([a.id for a in assemblies]):
            args.extend([[assembly], {'roll_hash': assembly.compute_hash()}])
        if args:
            cls.write(*args)

    def _check_convocation(self):
        pool = Pool()
        Lang = pool.get('ir.lang')
        for name in ['convocation_date', 'record_date', 'place']:
            if not getattr(self, name):
                raise AssemblyError(gettext(
                        'cae_governance.msg_assembly_missing',
                        assembly=self.rec_name,
                        **self.__names__(name)))
        if not self.resolutions:
            raise AssemblyError(gettext(
                    'cae_governance.msg_assembly_no_resolution',
                    assembly=self.rec_name))
        for resolution in self.resolutions:
            # Fails early when no rule says how to decide
            self.rule(resolution.kind)
            if self.kind not in {resolution.kind, 'mixed'}:
                raise AssemblyError(gettext(
                        'cae_governance.msg_assembly_resolution_kind',
                        resolution=resolution.rec_name,
                        assembly=self.rec_name))
        days, source = majority.NOTICE.get(
            (self.legal_form, int(self.call)), (0, ''))
        first = self.convocation_date + dt.timedelta(days=days)
        if self.meeting_date < first:
            raise AssemblyError(gettext(
                    'cae_governance.msg_assembly_notice',
                    assembly=self.rec_name, days=days, source=source,
                    date=Lang.get().strftime(first)))

    @classmethod
    @ModelView.button
    @Workflow.transition('open')
    def open(cls, assemblies):
        "Begin the meeting: the attendance is taken from now on"
        for assembly in assemblies:
            if not assembly.chair:
                raise AssemblyError(gettext(
                        'cae_governance.msg_assembly_missing',
                        assembly=assembly.rec_name,
                        **assembly.__names__('chair')))
            if not assembly.roll_intact:
                raise AssemblyError(gettext(
                        'cae_governance.msg_assembly_roll_changed',
                        assembly=assembly.rec_name))

    @classmethod
    @ModelView.button
    @Workflow.transition('closed')
    def close(cls, assemblies):
        "End the meeting once every resolution is decided"
        for assembly in assemblies:
            for resolution in assembly.resolutions:
                if resolution.state != 'closed':
                    raise AssemblyError(gettext(
                            'cae_governance.msg_assembly_resolution_open',
                            assembly=assembly.rec_name,
                            resolution=resolution.rec_name))

    @classmethod
    @ModelView.button
    @Workflow.transition('cancelled')
    def cancel(cls, assemblies):
        "Call off the meeting"

    @classmethod
    def check_modification(cls, mode, assemblies, values=None, external=False):
        if mode == 'create':
            wrong = external and any(
                a.state != 'draft' or a.roll_hash for a in assemblies)
        elif mode == 'delete':
            wrong = any(a.state != 'draft' for a in assemblies)
        else:
            wrong = (
                (external and values.keys() & {'state', 'roll_hash', 'roll'})
                or any(a.state != 'draft' for a in assemblies)
                and values.keys() - cls._live_fields
                or any(a.state in {'closed', 'cancelled'} for a in assemblies))
        if wrong:
            raise AssemblyAccessError(gettext(
                    'cae_governance.msg_assembly_modify',
                    assembly=assemblies[0].rec_name))
        super().check_modification(
            mode, assemblies, values=values, external=external)

    @classmethod
    def copy(cls, assemblies, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('state', 'draft')
        default.setdefault('roll', None)
        default.setdefault('roll_hash', None)
        default.setdefault('proxies', None)
        default.setdefault('convocation_date', None)
        default.setdefault('record_date', None)
        return super().copy(assemblies, default=default)


class Roll(ModelSQL, ModelView):
    "A member who can vote in an assembly, as on the record date"
    __name__ = 'cae.assembly.roll'
    __string__ = "Assembly Roll"
    _rec_name = 'name'

    assembly = fields.Many2One(
        'cae.assembly', "Assembly", required=True, readonly=True,
        ondelete='CASCADE')
    associate = fields.Many2One(
        'cae.associate', "Associate", required=True, readonly=True,
        ondelete='RESTRICT')
    number = fields.Char("Number", required=True, readonly=True)
    name = fields.Char("Name", required=True, readonly=True)
    category = fields.Selection(
        'get_categories', "Category", required=True, readonly=True)
    here = fields.Boolean("Here", readonly=True,
        help="If the member is in the meeting.")
    attendance = fields.Function(
        fields.Selection([
                ('present', "Present"),
                ('represented', "Represented"),
                ('absent', "Absent"),
                ], "Attendance", sort=False,
            help="A member is represented as long as the holder of the proxy "
            "is present."),
        'get_attendance')
    attendance_string = attendance.translated('attendance')
    represented_by = fields.Function(
        fields.Many2One('cae.assembly.roll', "Represented By"),
        'get_represented_by')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('assembly')
        t = cls.__table__()
        cls._sql_constraints += [
            ('associate_unique', Unique(t, t.assembly, t.associate),
                'cae_governance.msg_assembly_roll_unique'),
            ]
        cls._sql_indexes.add(
            Index(t, (t.associate, Index.Range())))
        cls._order = [('number', 'ASC'), ('id', 'ASC')]
        cls._buttons.update({
                'arrive': {
                    'invisible': (
                        Eval('here', False)
                        | (Eval('assembly_state') != 'open')),
                    'depends': ['here', 'assembly_state'],
                    },
                'leave': {
                    'invisible': (
                        ~Eval('here', False)
                        | (Eval('assembly_state') != 'open')),
                    'depends': ['here', 'assembly_state'],
                    },
                })

    assembly_state = fields.Function(
        fields.Selection('get_assembly_states', "Assembly State"),
        'on_change_with_assembly_state')

    @classmethod
    def default_here(cls):
        return False

    @classmethod
    def get_categories(cls):
        Associate = Pool().get('cae.associate')
        return Associate.fields_get(['category'])['category']['selection']

    @classmethod
    def get_assembly_states(cls):
        Assembly = Pool().get('cae.assembly')
        return Assembly.fields_get(['state'])['state']['selection']

    @fields.depends('assembly', '_parent_assembly.state')
    def on_change_with_assembly_state(self, name=None):
        return self.assembly.state if self.assembly else None

    @classmethod
    def holders(cls, rows):
        "Return {row id: row that holds the proxy or None}"
        pool = Pool()
        Proxy = pool.get('cae.assembly.proxy')
        result = {r.id: None for r in rows}
        with without_check_access():
            for proxy in Proxy.search([
                        ('principal', 'in', [r.id for r in rows]),
                        ('state', '=', 'given'),
                        ], order=[]):
                result[proxy.principal.id] = proxy.holder
        return result

    @classmethod
    def get_represented_by(cls, rows, name):
        return {
            i: holder.id if holder else None
            for i, holder in cls.holders(rows).items()}

    @classmethod
    def get_attendance(cls, rows, name):
        holders = cls.holders(rows)
        result = {}
        for row in rows:
            holder = holders[row.id]
            if row.here:
                result[row.id] = 'present'
            elif holder and holder.here:
                result[row.id] = 'represented'
            else:
                result[row.id] = 'absent'
        return result

    @classmethod
    @ModelView.button
    def arrive(cls, rows):
        "Mark the members as present"
        cls._check_open(rows)
        for row_id, holder in cls.holders(rows).items():
            if holder:
                raise ProxyValidationError(gettext(
                        'cae_governance.msg_roll_represented',
                        member=cls(row_id).name, holder=holder.name))
        cls.write(rows, {'here': True})

    @classmethod
    @ModelView.button
    def leave(cls, rows):
        "Mark that the members left; those they represent leave with them"
        cls._check_open(rows)
        cls.write(rows, {'here': False})

    @classmethod
    def _check_open(cls, rows):
        for assembly in {r.assembly for r in rows}:
            if assembly.state != 'open':
                raise AssemblyError(gettext(
                        'cae_governance.msg_assembly_not_open',
                        assembly=assembly.rec_name))

    @classmethod
    def check_modification(cls, mode, rows, values=None, external=False):
        if mode == 'create':
            wrong = external or any(r.assembly.state != 'draft' for r in rows)
        elif mode == 'write':
            wrong = external or values.keys() - {'here'}
        else:
            wrong = True
        if wrong:
            raise AssemblyAccessError(gettext(
                    'cae_governance.msg_assembly_roll_modify',
                    assembly=rows[0].assembly.rec_name))
        super().check_modification(
            mode, rows, values=values, external=external)

    @classmethod
    def copy(cls, rows, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('here', False)
        return super().copy(rows, default=default)


class Proxy(ModelSQL, ModelView):
    """The right given by a member to another one to vote in their place.

    Only to a member, and within the limit of the law (loi 78-763, art. 14).
    """
    __name__ = 'cae.assembly.proxy'
    __string__ = "Proxy"

    assembly = fields.Many2One(
        'cae.assembly', "Assembly", required=True, ondelete='CASCADE',
        states={
            'readonly': Eval('id', -1) >= 0,
            })
    principal = fields.Many2One(
        'cae.assembly.roll', "Member", required=True, ondelete='RESTRICT',
        domain=[
            ('assembly', '=', Eval('assembly', -1)),
            ],
        states={
            'readonly': Eval('id', -1) >= 0,
            },
        help="The member who will not come.")
    holder = fields.Many2One(
        'cae.assembly.roll', "Given To", required=True, ondelete='RESTRICT',
        domain=[
            ('assembly', '=', Eval('assembly', -1)),
            ('id', '!=', Eval('principal', -1)),
            ],
        states={
            'readonly': Eval('id', -1) >= 0,
            },
        help="The member who votes in their place.")
    state = fields.Selection([
            ('given', "Given"),
            ('revoked', "Revoked"),
            ], "State", readonly=True, required=True, sort=False)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('assembly')
        t = cls.__table__()
        cls._sql_constraints += [
            ('principal_unique',
                Exclude(t, (t.principal, Equal), where=t.state == 'given'),
                'cae_governance.msg_proxy_unique'),
            ]
        cls._sql_indexes.update({
                Index(t, (t.principal, Index.Range())),
                Index(t, (t.holder, Index.Range())),
                })
        cls._buttons.update({
                'revoke': {
                    'invisible': Eval('state') != 'given',
                    'depends': ['state'],
                    },
                })

    @classmethod
    def default_state(cls):
        return 'given'

    def get_rec_name(self, name):
        return f'{self.principal.name} → {self.holder.name}'

    @classmethod
    def search_rec_name(cls, name, clause):
        return ['OR',
            ('principal.name', *clause[1:]),
            ('holder.name', *clause[1:]),
            ]

    @classmethod
    @ModelView.button
    def revoke(cls, proxies):
        "End the proxies"
        cls.write(proxies, {'state': 'revoked'})

    @classmethod
    def validate_fields(cls, proxies, field_names):
        super().validate_fields(proxies, field_names)
        cls.check_limit(proxies)

    @classmethod
    def check_limit(cls, proxies):
        "Check who may represent whom, and how many"
        pool = Pool()
        Roll = pool.get('cae.assembly.roll')
        by_assembly = defaultdict(list)
        for proxy in proxies:
            if proxy.state == 'given':
                by_assembly[proxy.assembly].append(proxy)
        for assembly, new in by_assembly.items():
            given = cls.search([
                    ('assembly', '=', assembly.id),
                    ('state', '=', 'given'),
                    ], order=[])
            held = defaultdict(int)
            for proxy in given:
                held[proxy.holder] += 1
            principals = {p.principal for p in given}
            limit = majority.proxy_limit(Roll.search([
                        ('assembly', '=', assembly.id),
                        ], order=[], count=True))
            for proxy in new:
                principal, holder = proxy.principal, proxy.holder
                if principal.here:
                    raise ProxyValidationError(gettext(
                            'cae_governance.msg_proxy_present',
                            member=principal.name))
                if principal == holder or (
                        holder in principals or principal in held):
                    raise ProxyValidationError(gettext(
                            'cae_governance.msg_proxy_chain',
                            member=principal.name, holder=holder.name))
                if held[holder] > limit:
                    raise ProxyValidationError(gettext(
                            'cae_governance.msg_proxy_limit',
                            holder=holder.name, limit=limit))

    @classmethod
    def check_modification(cls, mode, proxies, values=None, external=False):
        for assembly in {p.assembly for p in proxies}:
            if (assembly.state not in {'convened', 'open'}
                    or mode == 'delete'
                    or (mode == 'write'
                        and (external or values.keys() != {'state'}))
                    or (mode == 'create' and external
                        and any(p.state != 'given' for p in proxies))):
                raise AssemblyAccessError(gettext(
                        'cae_governance.msg_proxy_modify',
                        assembly=assembly.rec_name))
        super().check_modification(
            mode, proxies, values=values, external=external)

    @classmethod
    def copy(cls, proxies, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('state', 'given')
        return super().copy(proxies, default=default)


class Minutes(Report):
    __name__ = 'cae.assembly.minutes'

    @classmethod
    def get_context(cls, records, header, data):
        context = super().get_context(records, header, data)
        context['lang_of'] = lambda assembly: assembly.company.party.lang
        return context
