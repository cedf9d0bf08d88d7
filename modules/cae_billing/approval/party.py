# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.model import Index, ModelSQL, fields
from trytond.pool import PoolMeta

from .access import is_entrepreneur, own_activities


class OwnedMixin:
    "What belongs to activities, or to all when it has none"
    __slots__ = ()

    @classmethod
    def preprocess_values(cls, mode, values):
        values = super().preprocess_values(mode, values)
        if (mode == 'create' and is_entrepreneur()
                and 'cae_activities' not in values):
            if activities := own_activities():
                # First, as they say who may write what follows: addresses
                values = {
                    'cae_activities': [('add', sorted(activities))], **values}
        return values


class Party(OwnedMixin, metaclass=PoolMeta):
    __name__ = 'party.party'
    cae_activities = fields.Many2Many(
        'cae.activity-party.party', 'party', 'activity', "Activities",
        help="The activities whose customer or supplier it is: only their "
        "holders see it.\n"
        "Leave empty to share it with all.")


class PartyActivity(ModelSQL):
    "A party that belongs to an activity"
    __name__ = 'cae.activity-party.party'
    activity = fields.Many2One(
        'cae.activity', "Activity", required=True, ondelete='CASCADE')
    party = fields.Many2One(
        'party.party', "Party", required=True, ondelete='CASCADE')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('party')
        t = cls.__table__()
        cls._sql_indexes.update({
                Index(t, (t.party, Index.Range())),
                Index(t, (t.activity, Index.Range())),
                })


class Replace(metaclass=PoolMeta):
    __name__ = 'party.replace'

    @classmethod
    def fields_to_replace(cls):
        return super().fields_to_replace() + [
            ('cae.activity-party.party', 'party'),
            ]
