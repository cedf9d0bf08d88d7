# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from decimal import Decimal

from trytond.i18n import gettext
from trytond.model import ModelView, fields
from trytond.pool import Pool
from trytond.transaction import Transaction, check_access
from trytond.wizard import Button, StateView, Wizard

from .apportion import apportion, round_half_up
from .exceptions import FeeRuleError


class FeeSimulate(Wizard):
    """The fees of a year under a rule; nothing is stored or posted."""
    __name__ = 'cae.fee.simulate'
    start = StateView(
        'cae.fee.simulate.start', 'cae_billing.fee_simulate_start_view_form', [
            Button("Close", 'end', 'tryton-close', default=True),
            ])

    @classmethod
    def check_access(cls):
        # Nothing is stored: who may read the rule may simulate it
        Rule = Pool().get('cae.fee.rule')
        context = Transaction().context
        if Transaction().user == 0:
            return
        with check_access():
            Rule.read(context.get('active_ids') or [], ['id'])

    def default_start(self, fields):
        pool = Pool()
        Start = pool.get('cae.fee.simulate.start')
        start = Start(rule=self.record, year=None, type=None)
        start.months = [
            {'month': month, 'base': Decimal(0)} for month in range(1, 13)]
        start.on_change_months()
        return start._default_values


class FeeSimulateStart(ModelView):
    __name__ = 'cae.fee.simulate.start'
    rule = fields.Many2One('cae.fee.rule', "Rule", readonly=True)
    type = fields.Many2One(
        'cae.contract.type', "Contract Type",
        help="The contract whose minimums are owed.")
    year = fields.Numeric(
        "Base of the Year", digits=(16, 2),
        help="Spread evenly over the months; or type the base of each month.")
    months = fields.One2Many('cae.fee.simulate.month', None, "Months")
    total = fields.Numeric("Fees of the Year", digits=(16, 2), readonly=True)

    @fields.depends('year', 'months', methods=['on_change_months'])
    def on_change_year(self):
        if self.year is not None and self.months:
            self._check(self.year, 'year')
            parts = apportion(
                round_half_up(self.year), [1] * len(self.months))
            for month, part in zip(self.months, parts):
                month.base = part
        self.on_change_months()

    @fields.depends(methods=['on_change_months'])
    def on_change_type(self):
        self.on_change_months()

    @fields.depends('rule', 'type', 'months')
    def on_change_months(self):
        if not self.rule:
            return
        for month in self.months:
            self._check(month.base or 0, 'months')
        fees = self.rule.scale_under([self.type.id] if self.type else []).fees(
            [month.base or Decimal(0) for month in self.months])
        for month, fee in zip(self.months, fees):
            month.fee = fee
        self.months = list(self.months)
        self.total = sum(fees, Decimal(0))

    @classmethod
    def _check(cls, value, name):
        number = Decimal(value)
        if not number.is_finite() or abs(number) >= 10 ** 12:
            raise FeeRuleError(gettext(
                    'cae_billing.msg_fee_base',
                    value=str(value), **cls.__names__(name)))


class FeeSimulateMonth(ModelView):
    __name__ = 'cae.fee.simulate.month'
    month = fields.Integer(
        "Month", readonly=True, help="The number in the fiscal year.")
    base = fields.Numeric("Base", digits=(16, 2))
    fee = fields.Numeric("Fee", digits=(16, 2), readonly=True)
