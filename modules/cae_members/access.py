# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.i18n import gettext
from trytond.model import ModelStorage, fields
from trytond.model.exceptions import AccessError
from trytond.pool import Pool, PoolMeta
from trytond.transaction import Transaction


class AccessMixin:
    "Check what Tryton lets through, on every model"
    __slots__ = ()

    @classmethod
    def copy(cls, records, *args, **kwargs):
        "Check that the user may read what is copied, which Tryton does not"
        if Transaction().check_access:
            cls.read([r.id for r in records], ['id'])
        return super().copy(records, *args, **kwargs)

    @classmethod
    def export_data(cls, records, fields_names, *args, **kwargs):
        """Check the rules of what is exported as reading it does.

        The export evaluates the rules in Python, where those that reach
        another model, a parent for instance, let every record through.
        """
        if Transaction().check_access:
            Rule = Pool().get('ir.rule')
            cls.read([r.id for r in records], ['id'])
            for Target, ids in _exported(cls, records, fields_names):
                Rule.check(Target.__name__, list(ids))
        return super().export_data(records, fields_names, *args, **kwargs)

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
    where = operator.endswith('where') and not relate
    many = field._type in {'one2many', 'many2many'}
    if (extra or not hasattr(field, 'get_target')
            or not (relate or where or many and value is not None)):
        return domain
    Target = field.get_target()
    if where:
        nested = value
    else:
        relate = relate or ('rec_name' if isinstance(value, str) else 'id')
        nested = [(relate, operator, value)]
    rule, ruled = _rule(Target), _ruled(Target, nested)
    if not rule and ruled == nested:
        return domain
    if isinstance(field, fields.Function) and field.getter:
        # Their searchers know the simple operators only
        ids = list(map(int, Target.search(nested, order=[])))
        operators, ruled = ('in', 'not in'), ids
    else:
        operators, ruled = ('where', 'not where'), [ruled, rule]
    if where:
        return (name, operators[operator == 'not where'], ruled)
    clause = (name, operators[0], ruled)
    if operator == '!=' and value is not None or operator.startswith('not '):
        # As Tryton does, who has none is different
        clause = ['OR', clause, (name, '=', None)]
    return clause


def _rule(Model):
    "Return the domain of the records of the model that the user may read"
    Rule = Pool().get('ir.rule')
    if not Rule._cae_models() & Rule._cae_ruled_by(Model):
        return []
    rule = Rule.domain_get(Model.__name__)
    # A group of rules without rule lets everything through
    return [] if rule and rule[0] == 'OR' and [] in rule else rule


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


def _exported(Model, records, fields_names):
    "Yield the ruled models with the ids of their records that are exported"
    levels = {(): (Model, records)}
    for path in fields_names:
        path = path.split('/')
        for i, name in enumerate(path):
            if tuple(path[:i + 1]) in levels:
                continue
            Model, records = levels[tuple(path[:i])]
            field = Model._fields.get(name)
            if not (records and hasattr(field, 'get_target')):
                break
            values = [getattr(r, name) for r in records]
            if field._type in {'one2many', 'many2many'}:
                values = sum(map(list, values), [])
            Target = field.get_target()
            targets = list(dict.fromkeys(filter(None, values)))
            levels[tuple(path[:i + 1])] = (Target, targets)
            if targets and _rule(Target):
                yield Target, map(int, targets)


class OnChangeMixin:
    "Check what Tryton lets through, on every form"
    __slots__ = ()

    def _changed_values(self):
        """Check that the user may read the records that the form points at.

        The result names them and holds what was computed from them.
        """
        transaction = Transaction()
        if transaction.user and transaction.check_access and self._values:
            Rule = Pool().get('ir.rule')
            for name, value in self._values._items():
                if (self._fields[name]._type == 'many2one' and value
                        and value.id is not None and value.id >= 0
                        and _rule(type(value))):
                    Rule.check(type(value).__name__, [value.id])
        return super()._changed_values()


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


class StateMixin:
    """Keep the state of the workflows of the cooperative to their buttons.

    A read-only field is so in the client only: who may write a record could
    otherwise set its state by a script, past the group of the button and what
    the button checks.
    """
    __slots__ = ()

    @classmethod
    def check_modification(
            cls, mode, records, values=None, external=False):
        super().check_modification(
            mode, records, values=values, external=external)
        name = cls._transition_state
        if not (external and cls.__name__.startswith('cae.')):
            return
        if mode == 'create':
            allowed = cls.default_get(
                [name], with_rec_name=False).get(name)
        elif mode == 'write' and name in values:
            allowed = values[name]
        else:
            return
        for record in records:
            if getattr(record, name) != allowed:
                raise AccessError(gettext(
                        'cae_members.msg_state_by_button',
                        **cls.__names__(name, record=record)))
