# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.i18n import gettext
from trytond.model import Index, ModelSQL, ModelView, Unique, Workflow, fields
from trytond.pool import Pool
from trytond.pyson import Eval
from trytond.transaction import Transaction

from .exceptions import RunError


class Run(Workflow, ModelSQL, ModelView):
    """The payslips of one month of one company."""
    __name__ = 'cae.payroll.run'
    __string__ = "Payroll Run"

    company = fields.Many2One(
        'company.company', "Company", required=True, ondelete='RESTRICT',
        states={
            'readonly': Eval('state') != 'draft',
            })
    period = fields.Many2One(
        'account.period', "Month", required=True, ondelete='RESTRICT',
        domain=[
            ('company', '=', Eval('company', -1)),
            ('type', '=', 'standard'),
            ],
        states={
            'readonly': Eval('state') != 'draft',
            })
    closing = fields.Many2One(
        'cae.closing', "Closing", readonly=True, ondelete='RESTRICT',
        help="The closing of the month that made the run.")
    payslips = fields.One2Many(
        'cae.payslip', 'run', "Payslips",
        domain=[
            ('company', '=', Eval('company', -1)),
            ])
    state = fields.Selection([
            ('draft', "Draft"),
            ('computed', "Computed"),
            ('posted', "Posted"),
            ], "State", required=True, readonly=True, sort=False)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('company_period_unique', Unique(t, t.company, t.period),
                'cae_payroll.msg_run_unique'),
            ]
        cls._sql_indexes.add(Index(
                t, (t.state, Index.Equality(cardinality='low')),
                where=t.state.in_(['draft', 'computed'])))
        cls._order = [('period.start_date', 'DESC'), ('id', 'DESC')]
        cls._transitions |= {
            ('draft', 'computed'),
            ('computed', 'computed'),
            ('computed', 'posted'),
            ('posted', 'posted'),
            ('draft', 'posted'),
            }
        cls._buttons.update({
                'compute': {
                    'invisible': Eval('state') == 'posted',
                    'depends': ['state'],
                    },
                'post': {
                    'invisible': Eval('state') != 'computed',
                    'depends': ['state'],
                    },
                })

    @classmethod
    def default_company(cls):
        return Transaction().context.get('company')

    @classmethod
    def default_state(cls):
        return 'draft'

    def get_rec_name(self, name):
        return self.period.rec_name

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('period.rec_name', *clause[1:])]

    @classmethod
    def copy(cls, runs, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('state', 'draft')
        default.setdefault('closing')
        default.setdefault('payslips')
        return super().copy(runs, default=default)

    @classmethod
    def check_modification(cls, mode, runs, values=None, external=False):
        if mode == 'delete':
            for run in runs:
                if run.state != 'draft':
                    raise RunError(gettext(
                            'cae_payroll.msg_run_delete', run=run.rec_name))
        super().check_modification(
            mode, runs, values=values, external=external)

    @classmethod
    def of(cls, company, period, closing=None):
        "Return the run of the month, a new one if there is none yet"
        runs = cls.search([
                ('company', '=', company.id),
                ('period', '=', period.id),
                ])
        if not runs:
            runs = cls.create([{
                        'company': company.id,
                        'period': period.id,
                        'closing': closing.id if closing else None,
                        }])
        run, = runs
        return run

    def check_open(self):
        "Check that pay can be posted in the month"
        if self.period.state != 'open':
            raise RunError(gettext(
                    'cae_payroll.msg_run_period_closed',
                    period=self.period.rec_name))

    @classmethod
    @ModelView.button
    @Workflow.transition('computed')
    def compute(cls, runs):
        "Compute the payslips of everybody employed at the end of the month"
        pool = Pool()
        Contract = pool.get('cae.contract')
        Payslip = pool.get('cae.payslip')
        for run in runs:
            run.check_open()
            Payslip.recompute(
                [p for p in run.payslips if p.state != 'posted'])
            Payslip.prepare(
                Contract.paid_at(run.company, run.period.end_date), run)

    @classmethod
    @ModelView.button
    @Workflow.transition('posted')
    def post(cls, runs):
        "Post the computed payslips"
        Payslip = Pool().get('cae.payslip')
        for run in runs:
            Payslip.post([p for p in run.payslips if p.state == 'computed'])
