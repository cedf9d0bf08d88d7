# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

from sql import Null
from sql.aggregate import Max

from trytond.i18n import gettext
from trytond.model import Index, ModelSQL, ModelView, Unique, Workflow, fields
from trytond.pool import Pool
from trytond.pyson import Eval
from trytond.transaction import Transaction

from .exceptions import ContractAccessError, ContractError
from .model import ChangeableMixin


class Amendment(ChangeableMixin, Workflow, ModelSQL, ModelView):
    """What the parties change in a signed contract.

    Once signed it is never changed: another amendment follows it.
    """
    __name__ = 'cae.contract.amendment'
    __string__ = "Amendment"

    _states = {
        'readonly': Eval('state') != 'draft',
        }

    contract = fields.Many2One(
        'cae.contract', "Contract", required=True, ondelete='CASCADE',
        states=_states)
    number = fields.Integer(
        "Number", readonly=True,
        help="Given when the amendment is signed.")
    date = fields.Date(
        "Date", required=True, states=_states,
        help="The first day of the change.")
    subject = fields.Char("Subject", required=True, states=_states)
    text = fields.Text("Text", required=True, states=_states)
    state = fields.Selection([
            ('draft', "Draft"),
            ('signed', "Signed"),
            ], "State", required=True, readonly=True, sort=False)

    del _states

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('contract')
        t = cls.__table__()
        cls._sql_constraints += [
            ('contract_number_unique', Unique(t, t.contract, t.number),
                'cae_members.msg_amendment_number_unique'),
            ]
        cls._sql_indexes.add(Index(t, (t.contract, Index.Range())))
        cls._order = [
            ('contract', 'DESC'), ('date', 'DESC'), ('id', 'DESC')]
        cls._transitions.add(('draft', 'signed'))
        cls._buttons.update({
                'sign': {
                    'invisible': Eval('state') != 'draft',
                    'depends': ['state'],
                    },
                })

    @classmethod
    def default_date(cls):
        return Pool().get('ir.date').today()

    @classmethod
    def default_state(cls):
        return 'draft'

    def get_rec_name(self, name):
        return ' - '.join(filter(None, [
                    self.contract.rec_name,
                    str(self.number) if self.number else '',
                    self.subject]))

    @classmethod
    def search_rec_name(cls, name, clause):
        _, operator, operand, *extra = clause
        if operator.startswith('!') or operator.startswith('not '):
            bool_op = 'AND'
        else:
            bool_op = 'OR'
        return [bool_op,
            ('subject', operator, operand, *extra),
            ('contract.rec_name', operator, operand, *extra),
            ]

    @classmethod
    def check_modification(
            cls, mode, amendments, values=None, external=False):
        if mode in {'write', 'delete'}:
            for amendment in amendments:
                if amendment.state != 'draft':
                    raise ContractAccessError(gettext(
                            'cae_members.msg_amendment_modify',
                            amendment=amendment.rec_name))
        super().check_modification(
            mode, amendments, values=values, external=external)

    @classmethod
    def copy(cls, amendments, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('number', None)
        default.setdefault('state', 'draft')
        return super().copy(amendments, default=default)

    @classmethod
    @ModelView.button
    @Workflow.transition('signed')
    def sign(cls, amendments):
        """Number the amendments of each contract in the order of their dates.

        Raise ContractError when the contract does not run at the date.
        """
        Lang = Pool().get('ir.lang')
        cursor = Transaction().connection.cursor()
        for amendment in amendments:
            contract = amendment.contract
            if (contract.state != 'signed'
                    or amendment.date < contract.start_date
                    or contract.end_date
                    and amendment.date > contract.end_date):
                raise ContractError(gettext(
                        'cae_members.msg_amendment_date',
                        amendment=amendment.rec_name,
                        contract=contract.rec_name,
                        date=Lang.get().strftime(amendment.date)))
        table = cls.__table__()
        cursor.execute(*table.select(
                table.contract, Max(table.number),
                where=fields.SQL_OPERATORS['in'](
                    table.contract, [a.contract.id for a in amendments])
                & (table.number != Null),
                group_by=[table.contract]))
        last = dict(cursor)
        for amendment in sorted(amendments, key=lambda a: (a.date, a.id)):
            contract = amendment.contract.id
            amendment.number = last[contract] = last.get(contract, 0) + 1
        cls.save(amendments)
