# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.transaction import Transaction


class ExportMixin:
    """Check the rules of the exported records as reading them does.

    The export evaluates the rules in Python, where those that reach another
    model, a parent for instance, let every record through.
    """
    __slots__ = ()

    @classmethod
    def export_data(cls, records, *args, **kwargs):
        if Transaction().check_access:
            cls.read([r.id for r in records], ['id'])
        return super().export_data(records, *args, **kwargs)
