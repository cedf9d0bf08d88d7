# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The activity on the lines of the bank, and what they may settle."""
from trytond.i18n import gettext
from trytond.model import ModelView, Workflow, fields
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval

from ..exceptions import ActivityRequiredError
from .match import Candidate, match


class Statement(metaclass=PoolMeta):
    __name__ = 'account.statement'

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._buttons.update({
                'suggest': {
                    'invisible': (
                        (Eval('state') != 'draft') | ~Eval('origins', [])),
                    'depends': ['state', 'origins'],
                    },
                })

    @classmethod
    @ModelView.button
    def suggest(cls, statements):
        """Make lines of what the lines of the bank most likely settle.

        Those that have a line already are left alone, so that the rules and
        the bookkeeper come first.
        """
        Line = Pool().get('account.statement.line')
        lines = []
        for statement in statements:
            candidates = list(statement._candidates())
            for origin in statement.origins:
                if origin.lines or not origin.amount:
                    continue
                found = match(
                    origin.amount, origin._match_text, origin.party,
                    candidates)
                for candidate, amount in found:
                    candidates.remove(candidate)
                    lines.append(Line(
                            statement=statement,
                            origin=origin,
                            number=origin.number,
                            date=origin.date,
                            amount=amount,
                            party=candidate.party,
                            account=candidate.account,
                            related_to=candidate.document,
                            description=origin.description,
                            ))
        Line.save(lines)

    def _candidates(self):
        "Yield what is open in the currency of the statement"
        Invoice = Pool().get('account.invoice')
        for invoice in Invoice.search([
                    ('company', '=', self.company.id),
                    ('currency', '=', self.currency.id),
                    ('state', '=', 'posted'),
                    ]):
            sign = 1 if invoice.type == 'out' else -1
            if amount := sign * invoice.amount_to_pay:
                references = (
                    (invoice.number, invoice.reference,
                        invoice.customer_payment_reference)
                    if invoice.type == 'out'
                    else (invoice.reference,
                        invoice.supplier_payment_reference))
                yield Candidate(
                    invoice, amount, invoice.party, invoice.account,
                    tuple(filter(None, references)))

    @classmethod
    @ModelView.button
    @Workflow.transition('validated')
    def validate_statement(cls, statements):
        for statement in statements:
            missing = [
                line for line in statement.lines
                if line.activity_required and not line.activity]
            if missing:
                raise ActivityRequiredError(gettext(
                        'cae_billing.msg_statement_line_activity_required',
                        statement=statement.rec_name,
                        lines=', '.join(
                            line.description or line.number
                            or str(line.amount) for line in missing[:5])))
        super().validate_statement(statements)


class Origin(metaclass=PoolMeta):
    __name__ = 'account.statement.origin'

    @property
    def _match_text(self):
        "What the bank says of the line"
        information = self.information or {}
        return ' '.join(filter(None, [
                    self.description,
                    *(v for v in information.values() if isinstance(v, str)),
                    ]))


class StatementLine(metaclass=PoolMeta):
    __name__ = 'account.statement.line'

    activity = fields.Many2One(
        'cae.activity', "Activity",
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        states={
            'readonly': Eval('statement_state') != 'draft',
            'invisible': ~Eval('activity_required', False),
            },
        help="The activity that earns or bears what is posted to an income "
        "or an expense (activité).")
    activity_required = fields.Function(
        fields.Boolean("Activity Required"),
        'on_change_with_activity_required')

    @fields.depends('account')
    def on_change_with_activity_required(self, name=None):
        return bool(
            self.account and self.account.type
            and self.account.type.statement == 'income')

    def get_move_line(self):
        AnalyticLine = Pool().get('analytic_account.line')
        line = super().get_move_line()
        if line and self.activity and self.activity_required:
            line.analytic_lines = [AnalyticLine(
                    account=self.activity.analytic_account,
                    debit=line.debit, credit=line.credit, date=self.date,
                    origin=self,
                    description=self.description or self.statement.rec_name)]
        return line


class AnalyticLine(metaclass=PoolMeta):
    __name__ = 'analytic_account.line'

    @classmethod
    def _get_origin(cls):
        return super()._get_origin() + ['account.statement.line']
