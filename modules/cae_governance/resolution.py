# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

from trytond.i18n import gettext
from trytond.model import (
    Index, ModelSQL, ModelView, Unique, Workflow, fields, sequence_ordered)
from trytond.pool import Pool
from trytond.pyson import Eval
from trytond.transaction import Transaction, without_check_access
from trytond.wizard import Button, StateTransition, StateView, Wizard

from . import majority
from .assembly import RESOLUTION_KINDS
from .exceptions import (
    AssemblyAccessError, ResolutionError, VoteAccessError, VoteValidationError)

CHOICES = [
    ('for', "For"),
    ('against', "Against"),
    ('abstain', "Abstain"),
    ('blank', "Blank"),
    ]
_CLOSED = {
    'invisible': Eval('state') != 'closed',
    }
_TEXT = {
    'readonly': (
        (Eval('state') != 'draft') | (Eval('assembly_state') != 'draft')),
    }


class Resolution(Workflow, sequence_ordered(), ModelSQL, ModelView):
    """What an assembly is asked to decide, by an open vote.

    Closing the vote decides by the rule of the law or of the statutes, and
    freezes the figures.
    """
    __name__ = 'cae.assembly.resolution'
    __string__ = "Resolution"

    assembly = fields.Many2One(
        'cae.assembly', "Assembly", required=True, ondelete='CASCADE',
        states={
            'readonly': Eval('id', -1) >= 0,
            })
    assembly_state = fields.Function(
        fields.Selection('get_assembly_states', "Assembly State"),
        'on_change_with_assembly_state')
    name = fields.Char(
        "Title", required=True, states=_TEXT,
        help="What the resolution is about, in a few words.")
    text = fields.Text(
        "Text", required=True, states=_TEXT,
        help="The text put to the vote.")
    kind = fields.Selection(
        RESOLUTION_KINDS, "Kind", required=True, sort=False, states=_TEXT,
        help="Which quorum and majority decide.")
    kind_string = kind.translated('kind')
    members = fields.Integer(
        "Members", readonly=True, states=_CLOSED,
        help="The number of members on the roll.")
    voters = fields.Integer(
        "Present or Represented", readonly=True, states=_CLOSED,
        help="The number of members present or represented.")
    for_ = fields.Integer("For", readonly=True, states=_CLOSED)
    against = fields.Integer("Against", readonly=True, states=_CLOSED)
    abstain = fields.Integer(
        "Abstain", readonly=True, states=_CLOSED,
        help="The members who abstained or gave no vote.")
    blank = fields.Integer("Blank", readonly=True, states=_CLOSED)
    quorum = fields.Integer(
        "Quorum", readonly=True, states=_CLOSED,
        help="How many members had to be present or represented.")
    votes_needed = fields.Integer(
        "Votes Needed", readonly=True, states=_CLOSED,
        help="How many votes in favour were needed.")
    source = fields.Char(
        "Rule", readonly=True, states=_CLOSED,
        help="The text that says how it is decided.")
    result = fields.Selection([
            (None, ""),
            ('adopted', "Adopted"),
            ('rejected', "Rejected"),
            ('no_quorum', "No Quorum"),
            ], "Result", readonly=True, sort=False, states=_CLOSED)
    result_string = result.translated('result')
    votes = fields.One2Many(
        'cae.assembly.vote', 'resolution', "Votes", readonly=True)
    state = fields.Selection([
            ('draft', "Draft"),
            ('open', "Vote Open"),
            ('closed', "Closed"),
            ], "State", readonly=True, required=True, sort=False)

    # What closing the vote freezes
    _result_fields = {
        'members', 'voters', 'for_', 'against', 'abstain', 'blank', 'quorum',
        'votes_needed', 'source', 'result'}

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('assembly')
        t = cls.__table__()
        cls._sql_indexes.add(Index(t, (t.assembly, Index.Range())))
        cls._transitions |= {
            ('draft', 'open'),
            ('open', 'closed'),
            }
        cls._buttons.update({
                'vote': {
                    'invisible': (
                        (Eval('state') != 'draft')
                        | (Eval('assembly_state') != 'open')),
                    'depends': ['state', 'assembly_state'],
                    },
                'cast': {
                    'invisible': Eval('state') != 'open',
                    'depends': ['state'],
                    },
                'close': {
                    'invisible': Eval('state') != 'open',
                    'depends': ['state'],
                    },
                })

    @classmethod
    def default_kind(cls):
        return 'ordinary'

    @classmethod
    def default_state(cls):
        return 'draft'

    @classmethod
    def get_assembly_states(cls):
        Assembly = Pool().get('cae.assembly')
        return Assembly.fields_get(['state'])['state']['selection']

    @fields.depends('assembly', '_parent_assembly.state')
    def on_change_with_assembly_state(self, name=None):
        return self.assembly.state if self.assembly else 'draft'

    @classmethod
    @ModelView.button
    @Workflow.transition('open')
    def vote(cls, resolutions):
        "Open the vote to those present or represented"
        for resolution in resolutions:
            if resolution.assembly.state != 'open':
                raise ResolutionError(gettext(
                        'cae_governance.msg_assembly_not_open',
                        assembly=resolution.assembly.rec_name))

    @classmethod
    @ModelView.button_action('cae_governance.wizard_assembly_cast')
    def cast(cls, resolutions):
        "Give votes"

    @classmethod
    @ModelView.button
    @Workflow.transition('closed')
    def close(cls, resolutions):
        "End the vote, decide and freeze the figures"
        args = []
        for resolution in resolutions:
            args.extend([[resolution], resolution._decide()])
        if args:
            cls.write(*args)

    def _decide(self):
        assembly = self.assembly
        rule = assembly.rule(self.kind)
        choices = {v.roll: v.choice for v in self.votes}
        # Who voted and left counts as present for this resolution
        voters = [
            r for r in assembly.roll
            if r.attendance != 'absent' or r in choices]

        def rows(choice):
            return [r for r in voters if choices.get(r) == choice]

        for_, against, blank = map(rows, ['for', 'against', 'blank'])
        votes = assembly.votes
        decision = majority.decide(
            rule, votes(assembly.roll), votes(voters),
            votes(for_), votes(against), votes(blank))
        if not decision.quorate:
            result = 'no_quorum'
        else:
            result = 'adopted' if decision.adopted else 'rejected'
        return {
            'members': len(assembly.roll),
            'voters': len(voters),
            'for_': len(for_),
            'against': len(against),
            'blank': len(blank),
            'abstain': len(voters) - len(for_) - len(against) - len(blank),
            'quorum': decision.quorum,
            'votes_needed': decision.votes_needed,
            'source': rule.source,
            'result': result,
            }

    def eligible(self):
        """Return the rows of the roll that may still vote, with who votes

        It is a list of (row, row of who casts the vote): the member, or the
        holder of the proxy.
        """
        pool = Pool()
        Roll = pool.get('cae.assembly.roll')
        with without_check_access():
            rows = list(self.__class__(self.id).assembly.roll)
            voted = {v.roll for v in self.__class__(self.id).votes}
            holders = Roll.holders(rows)
            result = []
            for row in rows:
                caster = row if row.here else holders[row.id]
                if row not in voted and caster and caster.here:
                    result.append((row, caster))
        return result

    @classmethod
    def check_modification(
            cls, mode, resolutions, values=None, external=False):
        results = cls._result_fields | {'state'}
        for resolution in resolutions:
            draft = (
                resolution.state == 'draft'
                and resolution.assembly.state == 'draft')
            if mode == 'write':
                wrong = (
                    resolution.state == 'closed'
                    or (external and values.keys() & results)
                    or (not draft
                        and values.keys() - results - {'votes'}))
            elif mode == 'create':
                wrong = not draft or external and any(
                    getattr(resolution, f) is not None
                    for f in cls._result_fields)
            else:
                wrong = not draft
            if wrong:
                raise AssemblyAccessError(gettext(
                        'cae_governance.msg_resolution_modify',
                        resolution=resolution.rec_name))
        super().check_modification(
            mode, resolutions, values=values, external=external)

    @classmethod
    def copy(cls, resolutions, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('state', 'draft')
        default.setdefault('votes', None)
        for name in cls._result_fields:
            default.setdefault(name, None)
        return super().copy(resolutions, default=default)


class Vote(ModelSQL, ModelView):
    """The vote of a member on a resolution, whoever casts it.

    One row for each member: the holder of proxies votes once for each
    principal.
    """
    __name__ = 'cae.assembly.vote'
    __string__ = "Vote"

    resolution = fields.Many2One(
        'cae.assembly.resolution', "Resolution", required=True,
        ondelete='CASCADE',
        states={
            'readonly': Eval('id', -1) >= 0,
            })
    roll = fields.Many2One(
        'cae.assembly.roll', "Member", required=True, ondelete='RESTRICT',
        states={
            'readonly': Eval('id', -1) >= 0,
            },
        help="Whose vote it is.")
    cast_by = fields.Many2One(
        'cae.assembly.roll', "Cast By", required=True, ondelete='RESTRICT',
        states={
            'readonly': Eval('id', -1) >= 0,
            },
        help="Who gave the vote: the member, or the holder of their proxy.")
    choice = fields.Selection(
        CHOICES, "Vote", required=True, sort=False)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('vote_unique', Unique(t, t.resolution, t.roll),
                'cae_governance.msg_vote_unique'),
            ]
        cls._sql_indexes.update({
                Index(t, (t.roll, Index.Range())),
                Index(t, (t.cast_by, Index.Range())),
                })

    def get_rec_name(self, name):
        return f'{self.resolution.rec_name} - {self.roll.rec_name}'

    @classmethod
    def search_rec_name(cls, name, clause):
        return ['OR',
            ('resolution.rec_name', *clause[1:]),
            ('roll.rec_name', *clause[1:]),
            ]

    @classmethod
    def validate_fields(cls, votes, field_names):
        super().validate_fields(votes, field_names)
        if field_names is None or field_names & {
                'resolution', 'roll', 'cast_by'}:
            cls.check_eligible(votes)

    @classmethod
    def check_eligible(cls, votes):
        "Check that the members are there, or who represents them is"
        pool = Pool()
        Roll = pool.get('cae.assembly.roll')
        holders = Roll.holders(list({v.roll for v in votes}))
        for vote in votes:
            row = vote.roll
            caster = row if row.here else holders[row.id]
            if (row.assembly != vote.resolution.assembly
                    or not caster or not caster.here
                    or vote.cast_by != caster):
                raise VoteValidationError(gettext(
                        'cae_governance.msg_vote_absent',
                        member=row.name,
                        resolution=vote.resolution.rec_name))

    @classmethod
    def check_modification(cls, mode, votes, values=None, external=False):
        for vote in votes:
            if vote.resolution.state != 'open':
                raise VoteAccessError(gettext(
                        'cae_governance.msg_vote_closed',
                        resolution=vote.resolution.rec_name))
        if mode == 'delete' or (
                mode == 'write' and values.keys() != {'choice'}):
            raise VoteAccessError(gettext(
                    'cae_governance.msg_vote_modify',
                    member=votes[0].roll.name))
        super().check_modification(
            mode, votes, values=values, external=external)


class Cast(Wizard):
    """Give votes on a resolution

    Who manages governance sees all those who may still vote, anybody else
    only themself and those they represent.
    """
    __name__ = 'cae.assembly.cast'
    start = StateView(
        'cae.assembly.cast.start',
        'cae_governance.assembly_cast_start_view_form', [
            Button("Cancel", 'end', 'tryton-cancel'),
            Button("Vote", 'vote', 'tryton-ok', default=True),
            ])
    vote = StateTransition()

    def _eligible(self):
        "Return {row: who casts} for which the user may vote"
        pool = Pool()
        User = pool.get('res.user')
        ModelData = pool.get('ir.model.data')
        Rule = pool.get('ir.rule')
        eligible = self.record.eligible()
        group = ModelData.get_id('cae_governance', 'group_governance')
        if Transaction().user and group not in User.get_groups():
            own = set(Rule._cae_associates())
            with without_check_access():
                eligible = [
                    (r, c) for r, c in eligible if c.associate.id in own]
        return dict(eligible)

    def default_start(self, fields):
        eligible = self._eligible()
        if not eligible:
            raise ResolutionError(gettext(
                    'cae_governance.msg_vote_nobody',
                    resolution=self.record.rec_name))
        return {
            'resolution': self.record.id,
            'votes': [{
                    'roll': row.id,
                    'cast_by': caster.id,
                    } for row, caster in eligible.items()],
            }

    def transition_vote(self):
        pool = Pool()
        Vote = pool.get('cae.assembly.vote')
        eligible = self._eligible()
        vlist = []
        for vote in self.start.votes:
            if not vote.choice:
                continue
            if vote.roll not in eligible:
                raise VoteValidationError(gettext(
                        'cae_governance.msg_vote_absent',
                        member=vote.roll.rec_name,
                        resolution=self.record.rec_name))
            vlist.append({
                    'resolution': self.record.id,
                    'roll': vote.roll.id,
                    'cast_by': eligible[vote.roll].id,
                    'choice': vote.choice,
                    })
        with without_check_access():
            Vote.create(vlist)
        return 'end'


class CastStart(ModelView):
    __name__ = 'cae.assembly.cast.start'
    __string__ = "Roll Call"

    resolution = fields.Many2One(
        'cae.assembly.resolution', "Resolution", readonly=True)
    votes = fields.One2Many(
        'cae.assembly.cast.vote', None, "Votes",
        help="Leave the vote empty for who did not answer.")


class CastVote(ModelView):
    __name__ = 'cae.assembly.cast.vote'
    __string__ = "Vote to Give"

    roll = fields.Many2One('cae.assembly.roll', "Member", readonly=True)
    cast_by = fields.Many2One('cae.assembly.roll', "Cast By", readonly=True)
    choice = fields.Selection(
        [(None, "")] + CHOICES, "Vote", sort=False)
