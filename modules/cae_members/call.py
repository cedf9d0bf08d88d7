# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

from trytond.i18n import gettext
from trytond.model import Index, ModelSQL, ModelView, Workflow, fields
from trytond.pool import Pool
from trytond.pyson import Eval
from trytond.transaction import Transaction

from .exceptions import CallError
from .model import ChangeableMixin, own_entrepreneur


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
        if mode != 'delete':
            today = Pool().get('ir.date').today()
            for answer in answers:
                call = answer.call
                if (call.state != 'open'
                        or call.deadline and call.deadline < today):
                    raise CallError(gettext(
                            'cae_members.msg_call_closed',
                            call=call.rec_name))
        super().check_modification(
            mode, answers, values=values, external=external)
