# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.i18n import gettext
from trytond.model import ModelStorage
from trytond.model.exceptions import AccessError
from trytond.pool import Pool
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
        """Check the access to the fields that a nested domain names.

        The search checks those of dotted names, but not those of the domain
        of an operator "where".
        """
        transaction = Transaction()
        if transaction.user and transaction.check_access:
            for Target, nested in _nested(cls, domain):
                # It checks and finds nothing
                ModelStorage.search.__func__(Target, nested)
        return super().search(domain, *args, **kwargs)


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
