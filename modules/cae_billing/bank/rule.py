# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.model import fields
from trytond.pool import PoolMeta
from trytond.pyson import Eval


class StatementRuleLine(metaclass=PoolMeta):
    __name__ = 'account.statement.rule.line'

    activity = fields.Many2One(
        'cae.activity', "Activity",
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        states={
            'readonly': ~Eval('company'),
            },
        help="The activity that earns or bears what is posted to an income "
        "or an expense, as the shared services for the fees of the bank "
        "(activité).")

    def get_line(self, origin, keywords, **context):
        line = super().get_line(origin, keywords, **context)
        if line and line.on_change_with_activity_required():
            line.activity = self.activity
        return line
