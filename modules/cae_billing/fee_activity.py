# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What is agreed with one activity about a fee rule."""
from trytond.i18n import gettext
from trytond.model import Index, ModelSQL, ModelView, fields
from trytond.pyson import Eval
from trytond.transaction import Transaction

from .exceptions import FeeRuleError
from .fee import AmountMixin


class FeeAgreementMixin:
    """What holds for an activity and a rule from a date to another.

    A month counts when it holds on its last day.
    """
    __slots__ = ()
    rule = fields.Many2One(
        'cae.fee.rule', "Rule", required=True, ondelete='CASCADE')
    activity = fields.Many2One(
        'cae.activity', "Activity", required=True, ondelete='CASCADE',
        domain=[
            ('company', '=', Eval('company', -1)),
            ('kind', '=', 'business'),
            ])
    company = fields.Function(
        fields.Many2One('company.company', "Company"),
        'on_change_with_company', searcher='search_company')
    from_date = fields.Date("From", required=True)
    to_date = fields.Date("To", help="Leave empty while it goes on.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_indexes.add(
            Index(t, (t.activity, Index.Range()), (t.rule, Index.Range())))
        cls._order = [
            ('rule', 'ASC'), ('activity', 'ASC'), ('from_date', 'DESC'),
            ('id', None)]

    @fields.depends('rule', '_parent_rule.company')
    def on_change_with_company(self, name=None):
        return self.rule.company if self.rule else None

    @classmethod
    def search_company(cls, name, clause):
        return [('rule.' + clause[0], *clause[1:])]

    def get_rec_name(self, name):
        return f'{self.rule.rec_name} - {self.activity.rec_name}'

    @classmethod
    def search_rec_name(cls, name, clause):
        _, operator, *_ = clause
        if operator.startswith('!') or operator.startswith('not '):
            bool_op = 'AND'
        else:
            bool_op = 'OR'
        return [bool_op,
            ('rule.rec_name', *clause[1:]),
            ('activity.rec_name', *clause[1:]),
            ]

    @classmethod
    def validate_fields(cls, records, field_names):
        super().validate_fields(records, field_names)
        for record in records:
            if record.to_date and record.to_date < record.from_date:
                raise FeeRuleError(gettext(
                        'cae_billing.msg_fee_agreement_dates',
                        record=record.rec_name))

    def holds(self, date):
        "Return whether it holds at the date"
        return self.from_date <= date and (
            not self.to_date or date <= self.to_date)


class FeeExemption(FeeAgreementMixin, ModelSQL, ModelView):
    """The time in which an activity does not owe the fees of a rule.

    Turnover, minimums and fixed amounts of its months are left out.
    """
    __name__ = 'cae.fee.exemption'
    __string__ = "Fee Exemption"
    reason = fields.Char("Reason", required=True)
    decided_by = fields.Many2One(
        'company.employee', "Decided by", required=True, ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ])

    @classmethod
    def default_decided_by(cls):
        return Transaction().context.get('employee')


class FeeCharge(AmountMixin, FeeAgreementMixin, ModelSQL, ModelView):
    """An amount that one activity owes each month.

    As the rent of tools or an option of the insurance.
    """
    __name__ = 'cae.fee.charge'
    __string__ = "Individual Fee"
    currency = fields.Function(
        fields.Many2One('currency.currency', "Currency"),
        'on_change_with_currency')
    amount = fields.Numeric(
        "Amount", digits=(16, 2), required=True,
        help="The amount of each month.")
    description = fields.Char(
        "Description", required=True, help="What the amount is for.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.rule.domain = [
            ('base', '=', 'individual'),
            ]

    @fields.depends('rule', '_parent_rule.company')
    def on_change_with_currency(self, name=None):
        return self.rule.company.currency if self.rule else None
