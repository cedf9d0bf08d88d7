# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

from trytond.i18n import gettext
from trytond.model import (
    DeactivableMixin, Index, ModelSQL, ModelView, Unique, Workflow, fields,
    tree)
from trytond.pool import Pool
from trytond.pyson import Bool, Date, Eval, If
from trytond.transaction import Transaction, without_check_access

from .exceptions import CallError
from .model import ChangeableMixin, EntrepreneurCompanyMixin, own_entrepreneur


class Skill(
        DeactivableMixin, tree(separator=' / '), ModelSQL, ModelView):
    "What somebody can do"
    __name__ = 'cae.skill'
    __string__ = "Skill"

    name = fields.Char("Name", required=True, translate=True)
    parent = fields.Many2One('cae.skill', "Parent", ondelete='RESTRICT')
    childs = fields.One2Many('cae.skill', 'parent', "Children")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._order.insert(0, ('name', 'ASC'))


LEVELS = [
    ('learning', "Learning"),
    ('able', "Able"),
    ('expert', "Expert"),
    ]


class EntrepreneurSkill(EntrepreneurCompanyMixin, ModelSQL, ModelView):
    """A skill of an entrepreneur, as seen with the advisor.

    It has no field on the entrepreneur, through which who shares an activity
    with them could search.
    """
    __name__ = 'cae.entrepreneur.skill'
    __string__ = "Entrepreneur Skill"

    entrepreneur = fields.Many2One(
        'cae.entrepreneur', "Entrepreneur", required=True,
        ondelete='CASCADE')
    skill = fields.Many2One(
        'cae.skill', "Skill", required=True, ondelete='RESTRICT')
    level = fields.Selection([(None, "")] + LEVELS, "Level", sort=False)
    target_level = fields.Selection(
        [(None, "")] + LEVELS, "Target Level", sort=False,
        help="The level that the person wants or needs to reach.")
    target_date = fields.Date(
        "Target Date",
        states={
            'required': Bool(Eval('target_level')),
            'invisible': ~Eval('target_level'),
            },
        help="Until when the person wants to reach the level.")
    reached = fields.Function(
        fields.Boolean("Reached"), 'on_change_with_reached')
    note = fields.Char("Note")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('skill_unique', Unique(t, t.entrepreneur, t.skill),
                'cae_members.msg_entrepreneur_skill_unique'),
            ]
        cls._order = [('entrepreneur', 'ASC'), ('skill', 'ASC'), ('id', None)]

    @classmethod
    def view_attributes(cls):
        return super().view_attributes() + [
            ('/tree', 'visual', If(
                    Bool(Eval('target_level')) & ~Eval('reached', False)
                    & (Eval('target_date', Date()) < Date()),
                    'warning', '')),
            ]

    @fields.depends('level', 'target_level')
    def on_change_with_reached(self, name=None):
        levels = [None, *dict(LEVELS)]
        return levels.index(self.level) >= levels.index(self.target_level)

    def get_rec_name(self, name):
        return self.skill.rec_name

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('skill.rec_name', *clause[1:])]


class DirectoryEntry(ChangeableMixin, ModelSQL, ModelView):
    """What an entrepreneur shows of themselves to the others.

    It is a copy, not a view on the entrepreneur or the party: the others see
    what was written here, from the consent to its withdrawal or the exit.
    """
    __name__ = 'cae.directory.entry'
    __string__ = "Directory Entry"

    company = fields.Many2One(
        'company.company', "Company", required=True, ondelete='CASCADE',
        states={
            'readonly': Eval('id', -1) >= 0,
            })
    # Closed to entrepreneurs, so that it must not be read with the others
    entrepreneur = fields.Many2One(
        'cae.entrepreneur', "Entrepreneur", required=True,
        ondelete='CASCADE', loading='lazy',
        domain=[
            ('company', '=', Eval('company', -1)),
            ])
    name = fields.Char(
        "Name", required=True,
        help="The name to show, of the person or of the business.")
    presentation = fields.Text("Presentation")
    skills = fields.Many2Many(
        'cae.directory.entry-cae.skill', 'entry', 'skill', "Skills")
    phone = fields.Char("Phone")
    email = fields.Char("E-Mail")
    website = fields.Char("Website")
    consent_date = fields.Date(
        "Published Since", readonly=True,
        help="When the entrepreneur agreed to be in the directory.\n"
        "The others don't see the entry while this is empty.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('entrepreneur_unique', Unique(t, t.entrepreneur),
                'cae_members.msg_directory_entry_unique'),
            ]
        cls._sql_indexes.add(Index(t, (t.company, Index.Range())))
        cls._order = [('name', 'ASC'), ('id', None)]
        cls._buttons.update({
                'publish': {
                    'invisible': Bool(Eval('consent_date')),
                    'depends': ['consent_date'],
                    },
                'withdraw': {
                    'invisible': ~Eval('consent_date'),
                    'depends': ['consent_date'],
                    },
                })

    @classmethod
    def default_company(cls):
        return Transaction().context.get('company')

    @classmethod
    def default_entrepreneur(cls):
        if company := Transaction().context.get('company'):
            return own_entrepreneur(company)

    @classmethod
    def default_name(cls):
        Entrepreneur = Pool().get('cae.entrepreneur')
        if entrepreneur := cls.default_entrepreneur():
            with without_check_access():
                return Entrepreneur(entrepreneur).rec_name

    @classmethod
    def search_rec_name(cls, name, clause):
        _, operator, operand, *extra = clause
        if operator.startswith('!') or operator.startswith('not '):
            bool_op = 'AND'
        else:
            bool_op = 'OR'
        return [bool_op,
            ('name', operator, operand, *extra),
            ('presentation', operator, operand, *extra),
            ('skills.name', operator, operand, *extra),
            ]

    @classmethod
    def copy(cls, entries, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('consent_date')
        return super().copy(entries, default=default)

    @classmethod
    @ModelView.button
    def publish(cls, entries):
        "Record that the entrepreneurs agree to be in the directory"
        cls.write(entries, {
                'consent_date': Pool().get('ir.date').today(),
                })

    @classmethod
    @ModelView.button
    def withdraw(cls, entries):
        "Record that the entrepreneurs don't agree any more"
        cls.write(entries, {'consent_date': None})


class DirectoryEntrySkill(ModelSQL):
    __name__ = 'cae.directory.entry-cae.skill'
    __string__ = "Directory Entry - Skill"

    entry = fields.Many2One(
        'cae.directory.entry', "Entry", required=True, ondelete='CASCADE')
    skill = fields.Many2One(
        'cae.skill', "Skill", required=True, ondelete='CASCADE')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('entry')


class Call(ChangeableMixin, Workflow, ModelSQL, ModelView):
    "A call of an entrepreneur to the others for joint work"
    __name__ = 'cae.call'
    __string__ = "Call for Joint Work"
    _rec_name = 'title'

    title = fields.Char("Title", required=True)
    company = fields.Many2One(
        'company.company', "Company", required=True, ondelete='CASCADE',
        states={
            'readonly': Eval('id', -1) >= 0,
            })
    # Closed to entrepreneurs, so that it must not be read with the others
    author = fields.Many2One(
        'cae.entrepreneur', "Author", required=True, ondelete='CASCADE',
        loading='lazy',
        domain=[
            ('company', '=', Eval('company', -1)),
            ])
    author_name = fields.Function(
        fields.Char("Author"),
        'get_author_name', searcher='search_author_name')
    text = fields.Text("Text", required=True)
    skills = fields.Many2Many(
        'cae.call-cae.skill', 'call', 'skill', "Skills",
        help="The skills that are looked for.")
    deadline = fields.Date(
        "Deadline",
        help="The last day to answer.\n"
        "Leave empty for no limit.")
    state = fields.Selection([
            ('open', "Open"),
            ('closed', "Closed"),
            ], "State", required=True, readonly=True, sort=False)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_indexes.add(Index(t, (t.company, Index.Range())))
        cls._order = [('id', 'DESC')]
        cls._transitions |= {
            ('open', 'closed'),
            ('closed', 'open'),
            }
        cls._buttons.update({
                'close': {
                    'invisible': Eval('state') != 'open',
                    'depends': ['state'],
                    },
                'reopen': {
                    'invisible': Eval('state') != 'closed',
                    'depends': ['state'],
                    },
                })

    @classmethod
    def default_company(cls):
        return Transaction().context.get('company')

    @classmethod
    def default_author(cls):
        if company := Transaction().context.get('company'):
            return own_entrepreneur(company)

    @classmethod
    def default_state(cls):
        return 'open'

    def get_author_name(self, name):
        return self.author.rec_name

    @classmethod
    def search_author_name(cls, name, clause):
        return [('author.party.name', *clause[1:])]

    @classmethod
    @ModelView.button
    @Workflow.transition('closed')
    def close(cls, calls):
        "Take no more answers"

    @classmethod
    @ModelView.button
    @Workflow.transition('open')
    def reopen(cls, calls):
        "Take answers again"


class CallSkill(ModelSQL):
    __name__ = 'cae.call-cae.skill'
    __string__ = "Call - Skill"

    call = fields.Many2One(
        'cae.call', "Call", required=True, ondelete='CASCADE')
    skill = fields.Many2One(
        'cae.skill', "Skill", required=True, ondelete='CASCADE')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('call')


class CallAnswer(ModelSQL, ModelView):
    "The answer of an entrepreneur to a call, for its author alone"
    __name__ = 'cae.call.answer'
    __string__ = "Answer to Call"

    call = fields.Many2One(
        'cae.call', "Call", required=True, ondelete='CASCADE',
        states={
            'readonly': Eval('id', -1) >= 0,
            })
    company = fields.Function(
        fields.Many2One('company.company', "Company"),
        'on_change_with_company', searcher='search_company')
    # Closed to entrepreneurs, so that it must not be read with the others
    entrepreneur = fields.Many2One(
        'cae.entrepreneur', "Entrepreneur", required=True,
        ondelete='CASCADE', loading='lazy',
        domain=[
            ('company', '=', Eval('company', -1)),
            ])
    entrepreneur_name = fields.Function(
        fields.Char("Entrepreneur"), 'get_entrepreneur_name')
    text = fields.Text("Text", required=True)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_indexes.update({
                Index(t, (t.call, Index.Range())),
                Index(t, (t.entrepreneur, Index.Range())),
                })
        cls._order = [('call', 'DESC'), ('id', 'ASC')]

    @fields.depends('call', '_parent_call.company')
    def on_change_with_company(self, name=None):
        return self.call.company if self.call else None

    @classmethod
    def search_company(cls, name, clause):
        return [('call.' + clause[0], *clause[1:])]

    @classmethod
    def default_entrepreneur(cls):
        if company := Transaction().context.get('company'):
            return own_entrepreneur(company)

    def get_entrepreneur_name(self, name):
        return self.entrepreneur.rec_name

    def get_rec_name(self, name):
        return f'{self.call.rec_name} – {self.entrepreneur_name}'

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('call.rec_name', *clause[1:])]

    @classmethod
    def check_modification(cls, mode, answers, values=None, external=False):
        super().check_modification(
            mode, answers, values=values, external=external)
        if mode != 'delete':
            today = Pool().get('ir.date').today()
            for answer in answers:
                call = answer.call
                if (call.state != 'open'
                        or call.deadline and call.deadline < today):
                    raise CallError(gettext(
                            'cae_members.msg_call_closed',
                            call=call.rec_name))
