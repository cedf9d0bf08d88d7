# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""How an activity does, at a glance."""
from decimal import Decimal

from sql.aggregate import Count

from trytond.model import fields
from trytond.modules.currency.fields import Monetary
from trytond.pool import Pool, PoolMeta
from trytond.transaction import Transaction


class Activity(metaclass=PoolMeta):
    __name__ = 'cae.activity'
    receivable = fields.Function(Monetary(
            "To Receive", currency='currency', digits='currency',
            help="What the customers still owe, tax included "
            "(reste à encaisser)."),
        'get_dues')
    receivable_late = fields.Function(Monetary(
            "Late", currency='currency', digits='currency',
            help="What the customers should have paid by today."),
        'get_dues')
    payable = fields.Function(Monetary(
            "To Pay", currency='currency', digits='currency',
            help="What is owed to suppliers, tax included."),
        'get_dues')
    to_approve = fields.Function(fields.Integer(
            "To Approve",
            help="How many documents of the activity wait for an answer: of "
            "the staff, or of its holders to another activity."),
        'get_to_approve')

    @classmethod
    def get_dues(cls, activities, names):
        "Amounts in the currency of the company; other currencies are left out"
        Due = Pool().get('cae.activity.due')
        result = {
            name: {a.id: Decimal(0) for a in activities} for name in names}

        def add(name, due, amount):
            if name in result:
                result[name][due.activity.id] += amount
        for due in Due.search([
                    ('activity', 'in', [a.id for a in activities]),
                    ]):
            if due.currency != due.company.currency:
                continue
            if due.type == 'in':
                add('payable', due, -due.amount)
                continue
            add('receivable', due, due.amount)
            add('receivable_late', due, due.amount_late)
        return result

    @classmethod
    def get_to_approve(cls, activities, name):
        in_ = fields.SQL_OPERATORS['in']
        pending = Pool().get('cae.approval.pending').__table__()
        result = {a.id: 0 for a in activities}
        cursor = Transaction().connection.cursor()
        cursor.execute(*pending.select(
                pending.activity, Count(pending.id),
                where=in_(pending.activity, list(result)),
                group_by=pending.activity))
        result.update(cursor)
        return result


class Rule(metaclass=PoolMeta):
    __name__ = 'ir.rule'

    @classmethod
    def _cae_models(cls):
        return super()._cae_models() | {
            'cae.activity.due', 'cae.activity.forecast',
            'cae.activity.month'}


class User(metaclass=PoolMeta):
    __name__ = 'res.user'

    @classmethod
    def _get_preferences(cls, user, context_only=False):
        """Open the activities of an entrepreneur first.

        Unless the user has actions of their own to begin with.
        """
        pool = Pool()
        Action = pool.get('ir.action')
        ModelData = pool.get('ir.model.data')
        preferences = super()._get_preferences(
            user, context_only=context_only)
        if not context_only and not preferences.get('actions'):
            group = ModelData.get_id('cae_members', 'group_entrepreneur')
            if any(g.id == group for g in user.groups):
                preferences['actions'] = [Action.get_action_id(
                        ModelData.get_id(
                            'cae_billing', 'act_activity_overview'))]
        return preferences
