# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

from trytond.i18n import gettext
from trytond.model import (
    DeactivableMixin, Index, ModelSQL, ModelView, Unique, fields,
    sequence_ordered)
from trytond.pool import Pool
from trytond.pyson import Eval
from trytond.transaction import Transaction

from .exceptions import ContractAccessError


class Clause(sequence_ordered(), DeactivableMixin, ModelSQL, ModelView):
    """What a contract of a type must or may contain, as data of its law.

    Its text is the standard of the cooperative; it has none when the parties
    must decide for each contract.
    """
    __name__ = 'cae.contract.clause'
    __string__ = "Clause"

    type = fields.Many2One(
        'cae.contract.type', "Type", required=True, ondelete='CASCADE')
    name = fields.Char("Name", required=True, translate=True)
    article = fields.Char(
        "Article", help="The article of law that asks for the clause.")
    mandatory = fields.Boolean(
        "Mandatory",
        help="Check if the contract cannot be signed without the clause.")
    phase = fields.Selection([
            (None, ""),
            ('before', "Before the Start of Activity"),
            ('after', "After the Start of Activity"),
            ], "Phase", sort=False,
        help="The phase of the project to which the clause applies.\n"
        "Leave empty for both.")
    phase_string = phase.translated('phase')
    text = fields.Text(
        "Standard Text", translate=True,
        help="What is proposed for each contract.\n"
        "Leave empty if the parties decide for each contract.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_indexes.add(Index(t, (t.type, Index.Range())))

    @classmethod
    def default_mandatory(cls):
        return True

    def get_rec_name(self, name):
        return ' - '.join(filter(None, [self.article, self.name]))

    @classmethod
    def search_rec_name(cls, name, clause):
        _, operator, operand, *extra = clause
        if operator.startswith('!') or operator.startswith('not '):
            bool_op = 'AND'
        else:
            bool_op = 'OR'
        return [bool_op,
            ('name', operator, operand, *extra),
            ('article', operator, operand, *extra),
            ]


class ClauseText(ModelSQL, ModelView):
    """What a contract says in a clause.

    The clause is complete when it has a text, or once it is checked that it
    stands in the signed document.
    """
    __name__ = 'cae.contract.clause.text'
    __string__ = "Clause of a Contract"

    contract = fields.Many2One(
        'cae.contract', "Contract", required=True, ondelete='CASCADE')
    clause = fields.Many2One(
        'cae.contract.clause', "Clause", required=True, ondelete='RESTRICT',
        domain=[
            ('type', '=', Eval('_parent_contract', {}).get('type', -1)),
            ],
        depends={'contract'})
    mandatory = fields.Function(
        fields.Boolean("Mandatory"), 'on_change_with_mandatory')
    text = fields.Text("Text")
    done = fields.Boolean(
        "In the Document",
        help="Check if the clause stands in the document that is signed.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('contract')
        t = cls.__table__()
        cls._sql_constraints += [
            ('contract_clause_unique', Unique(t, t.contract, t.clause),
                'cae_members.msg_contract_clause_unique'),
            ]
        cls._order = [
            ('contract', 'DESC'), ('clause.sequence', 'ASC'), ('id', 'ASC')]

    @classmethod
    def default_done(cls):
        return False

    @fields.depends('clause')
    def on_change_with_mandatory(self, name=None):
        return bool(self.clause and self.clause.mandatory)

    def get_rec_name(self, name):
        return self.clause.rec_name

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('clause.rec_name', *clause[1:])]

    @classmethod
    def standard(cls, type, language=None):
        """Return the values of the clauses of a contract of the type.

        Their texts are in the language.
        """
        pool = Pool()
        Configuration = pool.get('ir.configuration')
        ContractType = pool.get('cae.contract.type')
        code = language.code if language else Configuration.get_language()
        with Transaction().set_context(language=code):
            return [
                {'clause': clause.id, 'text': clause.text, 'done': False}
                for clause in ContractType(type.id).clauses]

    @classmethod
    def check_modification(cls, mode, texts, values=None, external=False):
        for contract in {text.contract for text in texts}:
            if (contract.state != 'draft'
                    and (mode != 'delete' or contract.state != 'cancelled')):
                raise ContractAccessError(gettext(
                        'cae_members.msg_contract_modify',
                        contract=contract.rec_name))
        super().check_modification(
            mode, texts, values=values, external=external)
