# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.model import ModelStorage, fields
from trytond.pool import Pool, PoolMeta
from trytond.transaction import Transaction


class AccessMixin:
    "Check what Tryton lets through, on every model"
    __slots__ = ()

    @classmethod
    def export_data(cls, records, *args, **kwargs):
        """Check the rules of the exported records as reading them does.

        The export evaluates the rules in Python, where those that reach
        another model, a parent for instance, let every record through.
        """
        if Transaction().check_access:
            cls.read([r.id for r in records], ['id'])
        return super().export_data(records, *args, **kwargs)

    @classmethod
    def search(cls, domain, *args, **kwargs):
        """Check what a domain reaches through relations.

        Tryton checks the fields of dotted names, but not those of the domain
        of an operator "where"; and it applies the rules of the records that
        are searched, but not those of the records the domain goes through.
        """
        transaction = Transaction()
        if transaction.user and transaction.check_access:
            # They check and find nothing
            ModelStorage.search.__func__(cls, domain)
            for Target, nested in _nested(cls, domain):
                ModelStorage.search.__func__(Target, nested)
            domain = _ruled(cls, domain)
        return super().search(domain, *args, **kwargs)


def _ruled(Model, domain):
    """Return the domain with the rules of the models that it goes through.

    Only of those ruled by what a user owns or supports: what others may read
    of them must not be found out by searching their neighbours.
    """
    if not domain or isinstance(domain, str):
        return domain
    if not isinstance(domain[0], str) or domain[0] in {'AND', 'OR'}:
        return [_ruled(Model, clause) for clause in domain]
    name, operator, value, *extra = domain
    name, _, relate = name.partition('.')
    field = Model._fields[name]
    many = field._type in {'one2many', 'many2many'}
    if (extra or not hasattr(field, 'get_target')
            or isinstance(field, fields.Function) and field.getter
            or not (relate or operator.endswith('where')
                or many and value is not None)):
        return domain
    Target = field.get_target()
    if operator.endswith('where') and not relate:
        nested = value
    else:
        relate = relate or (
            'rec_name' if isinstance(value, str) else 'id')
        nested = [(relate, operator, value)]
    ruled = _ruled(Target, nested)
    if rule := _rule(Target):
        ruled = [ruled, rule]
    elif ruled == nested:
        return domain
    if operator == 'not where' and nested is value:
        return (name, operator, ruled)
    clause = (name, 'where', ruled)
    if (operator == '!=' and value is not None
            or operator.startswith('not ') and nested is not value):
        # As Tryton does, who has none is different
        clause = ['OR', clause, (name, '=', None)]
    return clause


def _rule(Model):
    "Return the domain of the records of the model that the user may read"
    Rule = Pool().get('ir.rule')
    if Rule._cae_models() & Rule._cae_ruled_by(Model):
        return Rule.domain_get(Model.__name__)


def _nested(Model, domain):
    "Yield the model and the domain of each operator where"
    if not domain or isinstance(domain, str):
        return
    if not isinstance(domain[0], str) or domain[0] in {'AND', 'OR'}:
        for clause in domain:
            yield from _nested(Model, clause)
    elif domain[1] in {'where', 'not where'}:
        Target = Model
        for name in domain[0].split('.'):
            field = Target._fields[name]
            if field._type == 'reference':
                Target = Pool().get(domain[3])
            else:
                Target = field.get_target()
        yield Target, domain[2]
        yield from _nested(Target, domain[2])


class PersonMixin:
    "What may be of an entrepreneur, whom the others do not know"
    __slots__ = ()

    @classmethod
    def copy(cls, records, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('cae_entrepreneurs')
        return super().copy(records, default=default)


class Party(PersonMixin, metaclass=PoolMeta):
    __name__ = 'party.party'
    cae_entrepreneurs = fields.One2Many(
        'cae.entrepreneur', 'party', "Entrepreneurs", readonly=True)


class Employee(metaclass=PoolMeta):
    __name__ = 'company.employee'
    cae_portfolio = fields.One2Many(
        'cae.entrepreneur', 'advisor', "Portfolio", readonly=True,
        help="The entrepreneurs whom the employee supports.")

    @classmethod
    def copy(cls, employees, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('cae_portfolio')
        return super().copy(employees, default=default)


class User(PersonMixin, metaclass=PoolMeta):
    __name__ = 'res.user'
    cae_entrepreneurs = fields.One2Many(
        'cae.entrepreneur', 'user', "Entrepreneurs", readonly=True)
