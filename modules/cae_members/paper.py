# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from collections import defaultdict

from sql import Null

from trytond.i18n import gettext
from trytond.model import DeactivableMixin, Index, ModelSQL, ModelView, fields
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval

from .exceptions import PaperValidationError
from .model import EntrepreneurMixin


class PaperType(DeactivableMixin, ModelSQL, ModelView):
    "A kind of paper that the cooperative collects from people"
    __name__ = 'cae.paper.type'
    __string__ = "Paper Type"

    name = fields.Char("Name", required=True, translate=True)
    expires = fields.Boolean(
        "Expires", help="Check if the paper is valid until a date only.")
    contract_types = fields.Many2Many(
        'cae.paper.type-cae.contract.type', 'paper_type', 'contract_type',
        "Contract Types",
        help="The contracts for which the paper is needed.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._order.insert(0, ('name', 'ASC'))


class PaperTypeContractType(ModelSQL):
    __name__ = 'cae.paper.type-cae.contract.type'
    __string__ = "Paper Type - Contract Type"

    paper_type = fields.Many2One(
        'cae.paper.type', "Paper Type", required=True, ondelete='CASCADE')
    contract_type = fields.Many2One(
        'cae.contract.type', "Contract Type", required=True,
        ondelete='CASCADE')


class Paper(EntrepreneurMixin, ModelSQL, ModelView):
    "A paper that a person handed in (pièce justificative)"
    __name__ = 'cae.paper'
    __string__ = "Paper"

    type = fields.Many2One(
        'cae.paper.type', "Type", required=True, ondelete='RESTRICT')
    expires = fields.Function(
        fields.Boolean("Expires"), 'on_change_with_expires')
    received_on = fields.Date("Received On", required=True)
    expiry_date = fields.Date(
        "Expiry Date",
        states={
            'required': Eval('expires', False),
            'invisible': ~Eval('expires', False),
            },
        help="The last day on which the paper is valid.")
    file = fields.Binary("File", filename='filename')
    filename = fields.Char("File Name")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_indexes.add(Index(t, (t.entrepreneur, Index.Range())))
        cls._order = [('received_on', 'DESC'), ('id', 'DESC')]

    @classmethod
    def default_received_on(cls):
        return Pool().get('ir.date').today()

    @fields.depends('type')
    def on_change_with_expires(self, name=None):
        return bool(self.type and self.type.expires)

    def get_rec_name(self, name):
        return f'{self.type.rec_name} – {self.entrepreneur.rec_name}'

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('type.name', *clause[1:])]

    @classmethod
    def validate_fields(cls, papers, field_names):
        super().validate_fields(papers, field_names)
        for paper in papers:
            if paper.expiry_date and paper.expiry_date < paper.received_on:
                raise PaperValidationError(gettext(
                        'cae_members.msg_paper_expired',
                        paper=paper.rec_name))

    @classmethod
    def on_modification(cls, mode, papers, field_names=None):
        Deadline = Pool().get('cae.deadline')
        super().on_modification(mode, papers, field_names=field_names)
        if mode != 'delete':
            Deadline.refresh({p.entrepreneur.id for p in papers})

    @classmethod
    def expiries(cls, entrepreneurs):
        """Return {entrepreneur id: when the first of their papers expires}.

        Of each type the paper that is valid longest counts.
        """
        last = {}
        for paper in cls.search([
                    ('entrepreneur', 'in', [int(e) for e in entrepreneurs]),
                    ('expiry_date', '!=', None),
                    ], order=[('expiry_date', 'ASC')]):
            last[paper.entrepreneur.id, paper.type.id] = paper.expiry_date
        result = {}
        for (id_, _), date in last.items():
            result[id_] = min(result.get(id_, date), date)
        return result


class Entrepreneur(metaclass=PoolMeta):
    __name__ = 'cae.entrepreneur'

    papers = fields.One2Many('cae.paper', 'entrepreneur', "Papers")
    missing_papers = fields.Function(
        fields.Char(
            "Missing Papers",
            help="What the contracts in preparation and in force need and "
            "the person has not handed in or what has expired."),
        'get_missing_papers', searcher='search_missing_papers')

    @classmethod
    def get_missing_papers(cls, entrepreneurs, name):
        pool = Pool()
        Contract = pool.get('cae.contract')
        Date = pool.get('ir.date')
        Paper = pool.get('cae.paper')
        PaperType = pool.get('cae.paper.type')
        ids = [e.id for e in entrepreneurs]
        today = Date.today()
        valid = defaultdict(set)
        for paper in Paper.search([
                    ('entrepreneur', 'in', ids),
                    ['OR',
                        ('expiry_date', '=', None),
                        ('expiry_date', '>=', today),
                        ],
                    ], order=[]):
            valid[paper.entrepreneur.id].add(paper.type)
        wanted = defaultdict(list)
        for type_ in PaperType.search([]):
            for contract_type in type_.contract_types:
                wanted[contract_type].append(type_)
        missing = {id_: {} for id_ in ids}
        for contract in Contract.search([
                    ('entrepreneur', 'in', ids),
                    ('state', 'in', ['draft', 'signed']),
                    ], order=[]):
            id_ = contract.entrepreneur.id
            for type_ in wanted[contract.type]:
                if type_ not in valid[id_]:
                    missing[id_][type_.rec_name] = None
        return {id_: ', '.join(sorted(names)) for id_, names in
            missing.items()}

    @classmethod
    def search_missing_papers(cls, name, clause):
        "Search who lacks a paper of a name, or any without a name"
        pool = Pool()
        PaperType = pool.get('cae.paper.type')
        _, operator, value = clause
        positive = operator.removeprefix('not ').removeprefix('!')
        lacking = (positive == operator) == bool(value)
        contract = pool.get('cae.contract').__table__()
        needed = pool.get('cae.paper.type-cae.contract.type').__table__()
        type_ = pool.get('cae.paper.type').__table__()
        paper = pool.get('cae.paper').__table__()
        today = pool.get('ir.date').today()
        missing = contract.join(
            needed, condition=needed.contract_type == contract.type
            ).join(type_, condition=needed.paper_type == type_.id
            ).join(paper, 'LEFT',
            condition=(paper.entrepreneur == contract.entrepreneur)
            & (paper.type == type_.id)
            & ((paper.expiry_date == Null) | (paper.expiry_date >= today))
            ).select(
            contract.entrepreneur,
            where=(contract.entrepreneur != Null)
            & contract.state.in_(['draft', 'signed'])
            & type_.active & (paper.id == Null))
        if value:
            missing.where &= fields.SQL_OPERATORS['in'](type_.id, [
                    t.id for t in PaperType.search(
                        [('name', positive, value)], order=[])])
        return [('id', 'in' if lacking else 'not in', missing)]
