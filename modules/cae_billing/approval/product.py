# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.model import Index, ModelSQL, fields
from trytond.pool import PoolMeta

from .party import OwnedMixin


class Template(OwnedMixin, metaclass=PoolMeta):
    __name__ = 'product.template'
    cae_activities = fields.Many2Many(
        'cae.activity-product.template', 'template', 'activity',
        "Activities",
        help="The activities that sell it: only their holders see it.\n"
        "Leave empty to share it with all.")


class TemplateActivity(ModelSQL):
    "A product that belongs to an activity"
    __name__ = 'cae.activity-product.template'
    activity = fields.Many2One(
        'cae.activity', "Activity", required=True, ondelete='CASCADE')
    template = fields.Many2One(
        'product.template', "Product", required=True, ondelete='CASCADE')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('template')
        t = cls.__table__()
        cls._sql_indexes.update({
                Index(t, (t.template, Index.Range())),
                Index(t, (t.activity, Index.Range())),
                })
