# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The customers who pay late, reminded as each activity wishes it."""
from trytond.i18n import gettext
from trytond.model import fields
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval

from ..exceptions import DunningError


class Activity(metaclass=PoolMeta):
    __name__ = 'cae.activity'

    dunning = fields.Selection([
            ('party', "As the Customer"),
            ('procedure', "By a Procedure"),
            ('none', "None"),
            ], "Dunning", required=True, sort=False,
        help="How customers who pay late are reminded (relances). As the "
        "customer: by the procedure of the customer, which the cooperative "
        "sets for new ones.")
    dunning_procedure = fields.Many2One(
        'account.dunning.procedure', "Dunning Procedure",
        ondelete='RESTRICT',
        states={
            'required': Eval('dunning') == 'procedure',
            'invisible': Eval('dunning') != 'procedure',
            })

    @classmethod
    def default_dunning(cls):
        return 'party'


class MoveLine(metaclass=PoolMeta):
    __name__ = 'account.move.line'

    @property
    def dunning_activities(self):
        "Return the set of the activities of the invoice of the line"
        Invoice = Pool().get('account.invoice')
        invoice = self.move_origin
        if not isinstance(invoice, Invoice):
            return set()
        return {line.activity for line in invoice.lines if line.activity}

    @property
    def dunning_refused_by(self):
        "Return the activities that wish no dunning; one of them is enough"
        return [a for a in self.dunning_activities if a.dunning == 'none']

    @property
    def dunning_procedure(self):
        if self.dunning_refused_by:
            return None
        procedures = {
            a.dunning_procedure if a.dunning == 'procedure' else None
            for a in self.dunning_activities}
        if len(procedures) == 1:
            procedure, = procedures
            if procedure:
                return procedure
        return super().dunning_procedure


class Dunning(metaclass=PoolMeta):
    __name__ = 'account.dunning'

    invoice = fields.Function(
        fields.Many2One('account.invoice', "Invoice"), 'get_invoice')
    activity = fields.Function(
        fields.Many2One(
            'cae.activity', "Activity",
            help="The activity of the invoice (activité)."),
        'get_activity', searcher='search_activity')

    def get_invoice(self, name):
        Invoice = Pool().get('account.invoice')
        origin = self.line.move_origin
        return origin.id if isinstance(origin, Invoice) else None

    def get_activity(self, name):
        return (
            self.invoice.activity.id
            if self.invoice and self.invoice.activity else None)

    @classmethod
    def search_activity(cls, name, clause):
        return [(
                'line.move.origin.' + clause[0], *clause[1:3],
                'account.invoice', *clause[3:])]

    @classmethod
    def generate_dunnings(cls, date=None):
        """Let the dunnings go that an activity does not wish any more.

        Those not sent are deleted, the others go no further.
        """
        refused = [
            d for d in cls.search([
                    ('state', 'in', ['draft', 'waiting']),
                    ('blocked', '=', False),
                    ]) if d.line.dunning_refused_by]
        cls.delete([d for d in refused if d.state == 'draft'])
        waiting = [d for d in refused if d.state == 'waiting']
        if waiting:
            cls.write(waiting, {'blocked': True})
        super().generate_dunnings(date=date)

    @classmethod
    def process(cls, dunnings):
        refused = [d for d in dunnings if d.line.dunning_refused_by]
        if refused:
            raise DunningError(gettext(
                    'cae_billing.msg_dunning_refused',
                    invoices=', '.join(
                        d.line.move_origin.rec_name for d in refused),
                    activities=', '.join(sorted({
                                a.rec_name for d in refused
                                for a in d.line.dunning_refused_by}))))
        super().process(dunnings)
