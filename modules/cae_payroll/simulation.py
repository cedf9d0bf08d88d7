# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What the activities of a person can bear this month, before the closing."""
from trytond.i18n import gettext
from trytond.model import ModelView, fields
from trytond.modules.currency.fields import Monetary
from trytond.pool import Pool
from trytond.pyson import Eval
from trytond.transaction import Transaction, check_access
from trytond.wizard import Button, StateTransition, StateView, Wizard

from .exceptions import PayslipError


def _amount(string, help=''):
    return Monetary(
        string, currency='currency', digits='currency', readonly=True,
        help=help)


class Simulation(Wizard):
    """Compute a pay of the present month without making a payslip.

    Nothing is stored: what is paid is computed again when the month is
    closed, after its contributions.
    """
    __name__ = 'cae.payslip.simulation'
    start = StateView(
        'cae.payslip.simulation.start',
        'cae_payroll.simulation_start_view_form', [
            Button("Close", 'end', 'tryton-close'),
            Button("Compute", 'compute', 'tryton-ok', default=True),
            ])
    compute = StateTransition()
    result = StateView(
        'cae.payslip.simulation.result',
        'cae_payroll.simulation_result_view_form', [
            Button("Close", 'end', 'tryton-close'),
            Button("Back", 'start', 'tryton-back', default=True),
            ])

    @classmethod
    def _contracts(cls):
        "Return the contracts in force that the user may read"
        pool = Pool()
        Company = pool.get('company.company')
        Contract = pool.get('cae.contract')
        Date = pool.get('ir.date')
        company = Transaction().context.get('company')
        if company is None:
            return []
        with check_access():
            return Contract.paid_at(Company(company), Date.today())

    def default_start(self, fields):
        if getattr(self.start, 'contract', None):
            return {
                'contracts': [c.id for c in self.start.contracts],
                'contract': self.start.contract.id,
                'gross': self.start.gross,
                }
        contracts = self._contracts()
        return {
            'contracts': [c.id for c in contracts],
            'contract': contracts[0].id if len(contracts) == 1 else None,
            }

    def transition_compute(self):
        if self.start.contract not in self._contracts():
            raise PayslipError(gettext('cae_payroll.msg_simulation_contract'))
        self._values()
        return 'result'

    def _values(self):
        pool = Pool()
        Date = pool.get('ir.date')
        Payslip = pool.get('cae.payslip')
        Period = pool.get('account.period')
        contract = self.start.contract
        company = contract.company
        with Transaction().set_context(company=company.id):
            period = Period.find(company, date=Date.today())
            computed = Payslip._computed(
                company, period, [contract], {contract: self.start.gross})
        if contract not in computed:
            raise PayslipError(gettext(
                    'cae_payroll.msg_payslip_nothing',
                    contract=contract.rec_name, period=period.rec_name))
        return period, computed[contract]

    def default_result(self, fields):
        period, values = self._values()
        budget = values['budget']
        return {
            'company': self.start.contract.company.id,
            'currency': self.start.contract.company.currency.id,
            'period': period.id,
            'left': None if budget is None else budget - values['cost'],
            **{name: values[name] for name in [
                    'budget', 'above_budget', 'fixed_part', 'reserve',
                    'gross', 'employee_amount', 'cost', 'net_before_tax',
                    'withholding', 'net_paid']},
            }


class SimulationStart(ModelView):
    "Whose pay, and how much"
    __name__ = 'cae.payslip.simulation.start'
    __string__ = "What I Can Pay Myself"

    contracts = fields.Many2Many('cae.contract', None, None, "Contracts")
    contract = fields.Many2One(
        'cae.contract', "Contract", required=True,
        domain=[
            ('id', 'in', Eval('contracts', [])),
            ])
    gross = fields.Numeric(
        "Gross", digits=(16, 2),
        domain=['OR',
            ('gross', '=', None),
            ('gross', '>', 0),
            ],
        help="Leave empty for what the pay terms and the budget give.")


class SimulationResult(ModelView):
    "What it costs and what is left"
    __name__ = 'cae.payslip.simulation.result'
    __string__ = "What I Can Pay Myself"

    company = fields.Many2One('company.company', "Company", readonly=True)
    currency = fields.Many2One('currency.currency', "Currency", readonly=True)
    period = fields.Many2One('account.period', "Month", readonly=True)
    budget = _amount(
        "Budget",
        help="What the activities have today, without the reserve. The "
        "contributions of the month are taken from it when it is closed.")
    reserve = _amount("Reserve")
    fixed_part = _amount("Fixed Part")
    above_budget = fields.Boolean("Above Budget", readonly=True)
    gross = _amount("Gross")
    employee_amount = _amount("Employee Contributions")
    cost = _amount(
        "Cost", help="Gross and employer contributions less reduction.")
    net_before_tax = _amount("Net before Tax")
    withholding = _amount("Withholding")
    net_paid = _amount("Net Paid")
    left = _amount("Left", help="What of the budget the pay leaves.")
