# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What of the accounts is settled before an activity closes."""
from trytond.i18n import gettext
from trytond.model import ModelView, fields
from trytond.modules.currency.fields import Monetary
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval
from trytond.transaction import Transaction, check_access
from trytond.wizard import Button, StateTransition, StateView, Wizard

from .exceptions import ActivityClosedError, BalanceTransferError


class Settlement(metaclass=PoolMeta):
    __name__ = 'cae.settlement'

    @classmethod
    def _facts(cls, settlements):
        activities = cls.activities(settlements)
        return [
            *super()._facts(settlements),
            *cls._document_facts(activities),
            *cls._draft_facts(activities),
            *cls._balance_facts(activities),
            *cls._month_facts(settlements),
            ]

    @classmethod
    def _document_facts(cls, activities):
        "Yield the documents of the activities not posted or not paid"
        pool = Pool()
        Invoice = pool.get('account.invoice')
        InvoiceLine = pool.get('account.invoice.line')
        found = dict.fromkeys(
            (line.activity.id, line.invoice.id)
            for line in InvoiceLine.search([
                    ('activity', 'in', list(activities)),
                    ('invoice.state', 'in', ['draft', 'validated', 'posted']),
                    ], order=[('invoice', 'ASC')]))
        invoices = {
            i.id: i for i in Invoice.browse(
                list(dict.fromkeys(i for _, i in found)))}
        for activity, id_ in found:
            invoice = invoices[id_]
            if invoice.state != 'posted':
                message = 'msg_settlement_unposted'
            elif not invoice.amount_to_pay:
                # It becomes paid in a moment
                continue
            elif invoice.type == 'out':
                message = 'msg_settlement_uncollected'
            else:
                message = 'msg_settlement_unpaid'
            for settlement in activities[activity]:
                yield cls.fact(
                    settlement, f'cae_billing.{message}', invoice,
                    bool(settlement.activity), document=invoice.rec_name,
                    party=invoice.party.rec_name,
                    amount=invoice.amount_to_pay)

    @classmethod
    def _draft_facts(cls, activities):
        "Yield the draft moves of the activities, which no balance has yet"
        pool = Pool()
        Activity = pool.get('cae.activity')
        AnalyticLine = pool.get('analytic_account.line')
        Invoice = pool.get('account.invoice')
        accounts = {
            a.analytic_account: a.id for a in Activity.browse(
                list(activities))}
        for activity, move in dict.fromkeys(
                (accounts[line.account], line.move_line.move)
                for line in AnalyticLine.search([
                        ('account', 'in', [a.id for a in accounts]),
                        ('move_line.move.state', '=', 'draft'),
                        ], order=[('id', 'ASC')])):
            if isinstance(move.origin, Invoice):
                continue
            for settlement in activities[activity]:
                yield cls.fact(
                    settlement, 'cae_billing.msg_settlement_draft', move,
                    bool(settlement.activity), move=move.rec_name,
                    date=move.date)

    @classmethod
    def _balance_facts(cls, activities):
        "Yield the activities whose posted moves do not come to zero"
        Activity = Pool().get('cae.activity')
        records = Activity.browse(list(activities))
        balances = Activity.results(records)
        for activity in records:
            balance = balances[activity.id]
            if not balance:
                continue
            for settlement in activities[activity.id]:
                yield cls.fact(
                    settlement,
                    'cae_billing.msg_settlement_balance_positive'
                    if balance > 0
                    else 'cae_billing.msg_settlement_balance_negative',
                    activity, bool(settlement.activity),
                    activity=activity.rec_name, amount=abs(balance))

    @classmethod
    def _month_facts(cls, settlements):
        """Yield the closings of activities whose month is not closed yet.

        Its fees and its statement would come after. It says nothing where
        the months are not closed with this module.
        """
        Closing = Pool().get('cae.closing')
        closings = [s for s in settlements if s.activity]
        last = {}
        for closing in Closing.search([
                    ('company', 'in', [s.company.id for s in closings]),
                    ('state', '=', 'done'),
                    ], order=[('period.end_date', 'ASC')]):
            last[closing.company] = closing.period
        for settlement in closings:
            period = last.get(settlement.company)
            if period and period.end_date < settlement.date:
                yield cls.fact(
                    settlement, 'cae_billing.msg_settlement_month',
                    blocking=True, date=settlement.date,
                    period=period.rec_name)


class Fact(metaclass=PoolMeta):
    __name__ = 'cae.settlement.fact'

    @classmethod
    def _get_origins(cls):
        return super()._get_origins() + ['account.invoice', 'account.move']


class Activity(metaclass=PoolMeta):
    __name__ = 'cae.activity'

    @classmethod
    def check_open(cls, postings):
        """Check that nothing is dated after the closing of its activity.

        `postings` are (activity, date, name of the document).
        """
        lang = Pool().get('ir.lang').get()
        for activity, date, document in postings:
            if activity.closing_date and date > activity.closing_date:
                raise ActivityClosedError(gettext(
                        'cae_billing.msg_activity_closed',
                        activity=activity.rec_name,
                        document=document,
                        date=lang.strftime(date),
                        closing=lang.strftime(activity.closing_date)))

    def transfer_balance(self, to, kind, date, decision):
        """Post what brings the balance to zero, and return the document.

        The activity `to` takes a positive balance over and bears a negative
        one: nobody owes anything to anybody. Raises BalanceTransferError when
        the balance is zero.
        """
        Internal = Pool().get('cae.internal')
        balance = self.results([self])[self.id]
        if not balance:
            raise BalanceTransferError(gettext(
                    'cae_billing.msg_balance_zero', activity=self.rec_name))
        from_, to_ = (self, to) if balance > 0 else (to, self)
        document, = Internal.create([{
                    'company': self.company.id,
                    'date': date,
                    'kind': kind.id,
                    'from_activity': from_.id,
                    'to_activity': to_.id,
                    'decision': decision,
                    'lines': [('create', [{
                                    'description': decision,
                                    'unit_price': abs(balance),
                                    }])],
                    }])
        Internal.post([document])
        return Internal(document.id)


class BalanceTransfer(Wizard):
    "Move the balance of an activity to the cooperative"
    __name__ = 'cae.activity.balance.transfer'
    start = StateView(
        'cae.activity.balance.transfer.start',
        'cae_billing.balance_transfer_start_view_form', [
            Button("Cancel", 'end', 'tryton-cancel'),
            Button("Transfer", 'transfer', 'tryton-ok', default=True),
            ])
    transfer = StateTransition()

    def default_start(self, fields):
        pool = Pool()
        Activity = pool.get('cae.activity')
        Date = pool.get('ir.date')
        Kind = pool.get('cae.internal.kind')
        activity = self.record
        balance = Activity.results([activity])[activity.id]
        kinds = Kind.search([
                ('company', '=', activity.company.id),
                ('account', '!=', None),
                ('payer', '=', 'from'),
                ('from_side', '=', 'common' if balance < 0 else 'business'),
                ], limit=1)
        return {
            'activity': activity.id,
            'company': activity.company.id,
            'currency': activity.company.currency.id,
            'balance': balance,
            'to': Activity.special(activity.company, 'fund').id,
            'kind': kinds[0].id if kinds else None,
            'date': Date.today(),
            }

    def transition_transfer(self):
        ModelAccess = Pool().get('ir.model.access')
        start = self.start
        with check_access():
            ModelAccess.check('account.move', 'create')
        with Transaction().set_context(company=self.record.company.id):
            self.record.transfer_balance(
                start.to, start.kind, start.date, start.description)
        return 'end'

    def end(self):
        return 'reload'


class BalanceTransferStart(ModelView):
    "Where the balance of an activity goes"
    __name__ = 'cae.activity.balance.transfer.start'
    __string__ = "Transfer the Balance"

    activity = fields.Many2One('cae.activity', "Activity", readonly=True)
    company = fields.Many2One('company.company', "Company", readonly=True)
    currency = fields.Many2One('currency.currency', "Currency", readonly=True)
    balance = Monetary(
        "Balance", currency='currency', digits='currency', readonly=True)
    to = fields.Many2One(
        'cae.activity', "To", required=True,
        domain=[
            ('company', '=', Eval('company', -1)),
            ('kind', 'in', ['shared', 'fund', 'allocated']),
            ],
        help="Who keeps a positive balance or bears a negative one.")
    kind = fields.Many2One(
        'cae.internal.kind', "Kind", required=True,
        domain=[
            ('company', '=', Eval('company', -1)),
            ('account', '!=', None),
            ('payer', '=', 'from'),
            ],
        help="Its account is debited and credited, so that its balance does "
        "not change.")
    date = fields.Date("Date", required=True)
    description = fields.Char(
        "Decision", required=True,
        help="Who decided it and when; the holders read it on the statement.")
