# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.model import ModelView, fields
from trytond.wizard import Button, StateTransition, StateView, Wizard


class GiveUp(Wizard):
    "Give up what is left to invoice of orders, and say why"
    __name__ = 'cae.approval.give_up'
    start = StateView(
        'cae.approval.give_up.start',
        'cae_billing.approval_give_up_start_view_form', [
            Button("Cancel", 'end', 'tryton-cancel'),
            Button("Give Up", 'give_up', 'tryton-ok', default=True),
            ])
    give_up = StateTransition()

    def transition_give_up(self):
        self.model.give_up_rest(self.records, self.start.reason)
        return 'end'

    def end(self):
        return 'reload'


class GiveUpStart(ModelView):
    __name__ = 'cae.approval.give_up.start'
    reason = fields.Text(
        "Reason", required=True,
        help="Why the rest is never invoiced: kept in the history, which the "
        "entrepreneur reads.")
