# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from decimal import Decimal

from trytond.i18n import gettext
from trytond.model import Index, ModelView, Workflow, fields
from trytond.modules.product import price_digits
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval
from trytond.transaction import Transaction, without_check_access
from trytond.wizard import Button, StateTransition, StateView, Wizard

from .apportion import apportion
from .exceptions import (
    ActivityRequiredError, SellingNotAllowedError, SplitError)


class Invoice(metaclass=PoolMeta):
    __name__ = 'account.invoice'
    activity = fields.Many2One(
        'cae.activity', "Activity",
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        states={
            'readonly': Eval('state') != 'draft',
            },
        help="The activity given to new lines (activité).\n"
        "The accounts read the activity of each line only.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_indexes.add(Index(t, (t.activity, Index.Range())))

    @fields.depends('activity', 'lines')
    def on_change_activity(self):
        for line in self.lines or []:
            if not line.activity:
                line.activity = self.activity
        self.lines = self.lines

    def _credit(self, **values):
        credit = super()._credit(**values)
        credit.activity = self.activity
        return credit

    def get_move(self):
        move = super().get_move()
        if move != self.move:
            # EcritureLib is mandatory too
            # (Livre des procédures fiscales, art. A47 A-1)
            description = ' '.join(
                filter(None, [self.number, self.party.name]))
            for line in move.lines:
                if not getattr(line, 'description', None):
                    line.description = description
        return move

    @classmethod
    def _check_activities(cls, invoices):
        """Refuse the lines without an open activity or that may not be sold.

        On a journal of the cooperative each line needs an activity; who has
        only a support agreement may not sell yet at the date of the invoice
        (Code de commerce, art. L127-1 ff: the support comes first). A line
        that gives back is never refused.
        """
        pool = Pool()
        Activity = pool.get('cae.activity')
        Date = pool.get('ir.date')
        Lang = pool.get('ir.lang')
        sales = {}
        for invoice in invoices:
            with Transaction().set_context(company=invoice.company.id):
                date = invoice.invoice_date or Date.today()
            Activity.check_open(
                (line.activity, invoice.accounting_date or date,
                    invoice.rec_name)
                for line in invoice.lines
                if line.activity and line.activity.closing_date)
            for line in invoice.lines:
                if line.type != 'line':
                    continue
                if (not line.activity
                        and invoice.journal and invoice.journal.cooperative):
                    raise ActivityRequiredError(gettext(
                            'cae_billing.msg_invoice_line_activity_required',
                            invoice=invoice.rec_name,
                            line=line.rec_name,
                            journal=invoice.journal.rec_name))
                if (line.activity
                        and invoice.type == 'out' and line.amount > 0):
                    sales.setdefault(date, {})[line.activity] = invoice
        for date, activities in sales.items():
            allowed = Activity.may_sell(list(activities), date)
            for activity, invoice in activities.items():
                if activity.id not in allowed:
                    raise SellingNotAllowedError(gettext(
                            'cae_billing.msg_activity_may_not_sell',
                            activity=activity.rec_name,
                            invoice=invoice.rec_name,
                            date=Lang.get().strftime(date)))

    @classmethod
    @ModelView.button
    @Workflow.transition('validated')
    def validate_invoice(cls, invoices):
        cls._check_activities(invoices)
        super().validate_invoice(invoices)

    @classmethod
    @Workflow.transition('posted')
    def post_batch(cls, invoices):
        cls._check_activities(invoices)
        super().post_batch(invoices)

    @classmethod
    @ModelView.button
    @Workflow.transition('posted')
    def post(cls, invoices):
        cls._check_activities(invoices)
        super().post(invoices)


class InvoiceLineTax(metaclass=PoolMeta):
    __name__ = 'account.invoice.line-account.tax'

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('line')


class InvoicePaymentLine(metaclass=PoolMeta):
    __name__ = 'account.invoice-account.move.line'

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('invoice')


class InvoiceLine(metaclass=PoolMeta):
    __name__ = 'account.invoice.line'
    activity = fields.Many2One(
        'cae.activity', "Activity",
        domain=[
            ('company', '=', Eval('company', -1)),
            ],
        states={
            'invisible': Eval('type') != 'line',
            'readonly': Eval('invoice_state') != 'draft',
            },
        help="The activity that earns or bears this line (activité).")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_indexes.add(Index(t, (t.activity, Index.Range())))
        cls._buttons.update({
                'split_activities': {
                    'invisible': (
                        (Eval('type') != 'line')
                        | (Eval('invoice_state') != 'draft')
                        | (Eval('id', -1) < 0)),
                    'depends': ['type', 'invoice_state', 'id'],
                    },
                })

    @classmethod
    def _account_domain(cls, type_):
        domain = super()._account_domain(type_)
        if type_ == 'out':
            domain = domain + [('type.customer_deposit', '=', True)]
        return domain

    @fields.depends(
        'invoice', 'activity', '_parent_invoice.activity', 'type')
    def on_change_invoice(self):
        super().on_change_invoice()
        if self.invoice and self.type == 'line' and not self.activity:
            self.activity = self.invoice.activity

    @classmethod
    def analytic_accounts_domain(cls):
        # The root of the activities is never an entry: the activity is
        Configuration = Pool().get('cae.configuration')
        domain = super().analytic_accounts_domain()
        company = Transaction().context.get('company')
        if company:
            with without_check_access():
                root = Configuration(1).get_multivalue(
                    'analytic_root', company=company)
            if root:
                domain = domain + [('id', '!=', root.id)]
        return domain

    def get_move_lines(self):
        AnalyticLine = Pool().get('analytic_account.line')
        lines = super().get_move_lines()
        if self.activity:
            date = self.invoice.accounting_date or self.invoice.invoice_date
            description = ' '.join(filter(None, [
                        self.invoice.number,
                        self.invoice.party.name,
                        (self.description or '').split('\n')[0]]))
            for line in lines:
                if not getattr(line, 'description', None):
                    line.description = description
                if self.account.type.statement != 'income':
                    continue
                line.analytic_lines = [
                    *(getattr(line, 'analytic_lines', None) or []),
                    AnalyticLine(
                        account=self.activity.analytic_account,
                        debit=line.debit, credit=line.credit, date=date,
                        origin=self, description=description)]
        return lines

    def _credit(self):
        line = super()._credit()
        line.activity = self.activity
        return line

    @classmethod
    @ModelView.button_action('cae_billing.wizard_invoice_line_split')
    def split_activities(cls, lines):
        pass

    def split(self, shares):
        """Split a draft line over activities; return the lines.

        ``shares`` is a list of pairs (activity, weight). The amount is shared
        by largest remainder, so that the invoice keeps its total: this line
        takes the first part and copies of it, of quantity 1, the others.
        Raises ValueError when no weight is positive.
        """
        digits = Decimal(1).scaleb(-self.currency.digits)
        # The amount of a line also holds the tax that is not deductible
        price = self.currency.round(
            Decimal(str(self.quantity or 0)) * (self.unit_price or 0))
        amounts = apportion(price, [w for _, w in shares], digits)
        values = [{
                'activity': activity.id,
                'quantity': 1,
                'unit_price': amount.quantize(
                    Decimal(1).scaleb(-price_digits[1])),
                } for (activity, _), amount in zip(shares, amounts)]
        lines = [self]
        for value in values[1:]:
            lines.extend(self.copy([self], default=value))
        self.write([self], values[0])
        if self.invoice:
            self.invoice.update_taxes([self.invoice])
        return self.browse(lines)


class InvoiceLineSplit(Wizard):
    __name__ = 'cae.invoice.line.split'
    start = StateView(
        'cae.invoice.line.split.start',
        'cae_billing.invoice_line_split_start_view_form', [
            Button("Cancel", 'end', 'tryton-cancel'),
            Button("Split", 'split', 'tryton-ok', default=True),
            ])
    split = StateTransition()

    def default_start(self, fields):
        return {
            'company': self.record.company.id,
            'currency': self.record.currency.id,
            'amount': self.record.amount,
            'parts': [],
            }

    def transition_split(self):
        line = self.record
        shares = [(p.activity, p.weight) for p in self.start.parts]
        activities = [activity for activity, _ in shares]
        if len(activities) < 2 or len(set(activities)) < len(activities):
            raise SplitError(gettext('cae_billing.msg_split_activities'))
        line.split(shares)
        return 'end'

    def end(self):
        return 'reload'


class InvoiceLineSplitStart(ModelView):
    __name__ = 'cae.invoice.line.split.start'
    company = fields.Many2One('company.company', "Company", readonly=True)
    currency = fields.Many2One('currency.currency', "Currency", readonly=True)
    amount = fields.Numeric("Amount", readonly=True)
    parts = fields.One2Many(
        'cae.invoice.line.split.part', None, "Parts", required=True,
        domain=[
            ('activity.company', '=', Eval('company', -1)),
            ],
        context={
            'company': Eval('company', -1),
            },
        depends=['company'])


class InvoiceLineSplitPart(ModelView):
    __name__ = 'cae.invoice.line.split.part'
    activity = fields.Many2One('cae.activity', "Activity", required=True)
    weight = fields.Numeric(
        "Key", required=True, domain=[('weight', '>', 0)],
        help="The parts are shared in proportion to the keys: "
        "percentages, square metres, hours…")
