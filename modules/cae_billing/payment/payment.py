# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The payments of expense sheets, suppliers and nets, made in bulk."""
from trytond.i18n import gettext
from trytond.model import ModelView, fields
from trytond.modules.cae_members.query import fetch
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval
from trytond.wizard import Button, StateAction, StateView, Wizard

from ..exceptions import PaymentError

in_ = fields.SQL_OPERATORS['in']


class Payment(metaclass=PoolMeta):
    __name__ = 'account.payment'

    activities = fields.Function(
        fields.Many2Many(
            'cae.activity', None, None, "Activities",
            help="Those of the invoice or expense sheet that is paid "
            "(activités)."),
        'get_activities')

    @classmethod
    def get_activities(cls, payments, name):
        pool = Pool()
        activity = pool.get('cae.activity').__table__()
        analytic = pool.get('analytic_account.line').__table__()
        entry = pool.get('account.move.line').__table__()
        line = pool.get('account.move.line').__table__()
        move = pool.get('account.move').__table__()
        payment = cls.__table__()
        # A move of pay is of many persons: nothing tells their activities
        documents = (
            move.origin.like('account.invoice,%')
            | move.origin.like('cae.expense,%'))
        result = {p.id: [] for p in payments}
        for id_, activity_id in fetch(payment
                .join(line, condition=payment.line == line.id)
                .join(move, condition=line.move == move.id)
                .join(entry, condition=entry.move == move.id)
                .join(analytic, condition=analytic.move_line == entry.id)
                .join(activity,
                    condition=activity.analytic_account == analytic.account)
                .select(
                    payment.id, activity.id.as_('activity'),
                    where=in_(payment.id, list(result)) & documents,
                    group_by=[payment.id, activity.id],
                    order_by=[payment.id, activity.id]),
                [None, None]):
            result[id_].append(activity_id)
        return result

    @classmethod
    def check_payable(cls, payments):
        """Raise PaymentError when the journal cannot pay one of the payments.

        The processing would refuse the first of them when all are approved.
        """


class Pay(Wizard):
    "Pay expense sheets or supplier invoices"
    __name__ = 'cae.payment.pay'
    start = StateView(
        'cae.payment.pay.start', 'cae_billing.payment_pay_start_view_form', [
            Button("Cancel", 'end', 'tryton-cancel'),
            Button("Pay", 'pay', 'tryton-ok', default=True),
            ])
    pay = StateAction('account_payment.act_payment_form')

    def default_start(self, fields):
        Journal = Pool().get('account.payment.journal')
        companies = {r.company for r in self.records}
        if len(companies) != 1:
            raise PaymentError(gettext('cae_billing.msg_payment_companies'))
        company, = companies
        values = {'company': company.id}
        journals = Journal.search([('company', '=', company.id)], limit=2)
        if len(journals) == 1:
            values['journal'] = journals[0].id
        return values

    def _due(self, record):
        "Return [(line, amount)] of what is left to pay of the document"
        if record.__name__ == 'cae.expense':
            lines = [
                line for line in (record.move.lines if record.move else [])
                if line.account == record.refund_account
                and not line.reconciliation and line.credit > 0]
            # What was waived is on other lines
            waived = sum(line.credit for line in lines) - record.amount_to_pay
            return [
                (line, line.payment_amount - waived) for line in lines[:1]]
        if record.type != 'in' or record.state != 'posted':
            return []
        return [
            (line, line.payment_amount) for line in record.lines_to_pay
            if not line.reconciliation and line.credit > 0]

    def do_pay(self, action):
        Payment = Pool().get('account.payment')
        journal = self.start.journal
        payments, refused = [], []
        for record in self.records:
            due = [(line, a) for line, a in self._due(record) if a > 0]
            if not due or journal.company != record.company:
                refused.append(record)
            for line, amount in due:
                payments.append(Payment(
                        company=record.company,
                        journal=journal,
                        kind='payable',
                        party=line.party,
                        line=line,
                        amount=amount,
                        date=(
                            self.start.date or line.maturity_date
                            or line.date)))
        if refused:
            raise PaymentError(gettext(
                    'cae_billing.msg_payment_nothing',
                    documents=', '.join(r.rec_name for r in refused)))
        Payment.save(payments)
        Payment.check_payable(payments)
        return action, {'res_id': [p.id for p in payments]}


class PayStart(ModelView):
    __name__ = 'cae.payment.pay.start'
    __string__ = "Pay"

    company = fields.Many2One('company.company', "Company", readonly=True)
    journal = fields.Many2One(
        'account.payment.journal', "Journal", required=True,
        domain=[
            ('company', '=', Eval('company', -1)),
            ])
    date = fields.Date(
        "Date",
        help="When the bank is to pay. Leave empty to pay each at its "
        "maturity date.")


class PayLine(metaclass=PoolMeta):
    __name__ = 'account.move.line.pay'

    def do_pay(self, action):
        Payment = Pool().get('account.payment')
        action, data = super().do_pay(action)
        Payment.check_payable(Payment.browse(data['res_id']))
        return action, data
