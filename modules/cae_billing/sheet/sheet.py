# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What each activity owns and owes at a date, from the posted lines."""
from collections import defaultdict
from decimal import Decimal

from sql import Literal, Null, Union, With
from sql.aggregate import Sum
from sql.conditionals import Case, Coalesce
from sql.functions import Abs
from sql.operators import Concat, Or

from trytond.i18n import gettext
from trytond.model import Index, ModelSQL, ModelView, Unique, Workflow, fields
from trytond.modules.cae_members.query import fetch
from trytond.modules.currency.fields import Monetary
from trytond.pool import Pool
from trytond.pyson import Eval
from trytond.report import Report
from trytond.transaction import (
    Transaction, inactive_records, without_check_access)

from ..apportion import round_together
from ..check.check import differs, table
from ..exceptions import BalanceSheetError, SetupError

STATES = [
    ('draft', "Draft"),
    ('done', "Done"),
    ]


class ComputedMixin:
    """Figures of the ledger that are computed until they are handed out.

    ``_computed`` is the name of the field of what is computed and
    ``_source`` are those that it is computed for.
    """
    __slots__ = ()

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._transitions.add(('draft', 'done'))
        cls._buttons.update({
                'compute': {
                    'invisible': Eval('state') != 'draft',
                    'depends': ['state'],
                    },
                'finish': {
                    'invisible': Eval('state') != 'draft',
                    'depends': ['state'],
                    },
                })

    @classmethod
    def default_company(cls):
        return Transaction().context.get('company')

    @classmethod
    def default_state(cls):
        return 'draft'

    @classmethod
    def copy(cls, documents, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('state', 'draft')
        default.setdefault(cls._computed)
        return super().copy(documents, default=default)

    @classmethod
    def check_modification(
            cls, mode, documents, values=None, external=False):
        if mode in {'write', 'delete'}:
            for document in documents:
                if document.state == 'done':
                    raise BalanceSheetError(gettext(
                            'cae_billing.msg_balance_sheet_done',
                            document=document.rec_name))
        if external and (
                mode == 'write' and (
                    cls._computed in values
                    or values.keys() & cls._source and any(
                        getattr(d, cls._computed) for d in documents))
                or mode == 'create' and any(
                    getattr(d, cls._computed) for d in documents)):
            raise BalanceSheetError(gettext(
                    'cae_billing.msg_balance_sheet_computed'))
        super().check_modification(
            mode, documents, values=values, external=external)

    @classmethod
    @ModelView.button
    @Workflow.transition('done')
    def finish(cls, documents):
        "Hand the documents out"
        for document in documents:
            if not getattr(document, cls._computed):
                raise BalanceSheetError(gettext(
                        'cae_billing.msg_balance_sheet_empty',
                        document=document.rec_name))


class PrintMixin:
    "A document with the company in its head"
    __slots__ = ()

    @property
    def company_lines(self):
        "The lines under the name of the company: address and identifier"
        party = self.company.party
        lines = []
        if address := party.address_get():
            lines.extend(address.full_address.splitlines())
        if party.tax_identifier:
            lines.append(party.tax_identifier.rec_name)
        return lines


class BalanceSheet(ComputedMixin, Workflow, ModelSQL, ModelView):
    """What the activities and the shared services own and owe at a date.

    The balance sheet half of the analytic account of each activity (Code du
    travail, art. R7331-9). Its sums are the balances of the ledger. It may
    be computed again until it is done; then its holders read it and it never
    changes.
    """
    __name__ = 'cae.balance_sheet'
    __string__ = "Balance Sheet of the Activities"
    company = fields.Many2One(
        'company.company', "Company", required=True,
        states={
            'readonly': (Eval('state') != 'draft') | Eval('activities', [0]),
            })
    date = fields.Date(
        "Date", required=True,
        states={
            'readonly': (Eval('state') != 'draft') | Eval('activities', [0]),
            })
    activities = fields.One2Many(
        'cae.balance_sheet.activity', 'sheet', "Activities", readonly=True)
    state = fields.Selection(
        STATES, "State", required=True, readonly=True, sort=False)
    _computed = 'activities'
    _source = {'company', 'date'}

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._order = [('date', 'DESC'), ('id', 'DESC')]

    @classmethod
    def default_date(cls):
        return Pool().get('ir.date').today()

    def get_rec_name(self, name):
        return Pool().get('ir.lang').get().strftime(self.date)

    @classmethod
    @ModelView.button
    def compute(cls, sheets):
        "Make the rows of the activities again"
        pool = Pool()
        Activity = pool.get('cae.activity')
        Row = pool.get('cae.balance_sheet.activity')
        with without_check_access():
            cls.lock(sheets)
            sheets = [
                s for s in cls.browse([s.id for s in sheets])
                if s.state == 'draft']
            Row.delete([r for s in sheets for r in s.activities])
            for sheet in sheets:
                amounts, balances = sheet.figures()
                ids = {a for a, _ in amounts} | {
                    a for a, balance in balances.items() if balance}
                with inactive_records():
                    activities = Activity.browse(sorted(ids))
                holders = Activity.holders_at(activities, sheet.date)
                accounts = cls._accounts({id_ for _, id_ in amounts})
                lines = defaultdict(list)
                for (activity, id_), amount in amounts.items():
                    lines[activity].append((*accounts[id_], amount))
                Row.create([{
                            'sheet': sheet.id,
                            'activity': activity.id,
                            'holders': ', '.join(
                                e.party.rec_name
                                for e, _ in holders[activity.id]),
                            'balance': balances[activity.id],
                            **cls._sides(lines[activity.id]),
                            'lines': [('create', [{
                                            'code': code,
                                            'name': name,
                                            'amount': amount,
                                            } for code, name, amount
                                        in sorted(lines[activity.id])])],
                            } for activity in activities])

    @classmethod
    def _accounts(cls, ids):
        "Return {account id: (code, name)}"
        Account = Pool().get('account.account')
        with inactive_records():
            return {
                a.id: (a.code or '', a.name)
                for a in Account.browse(list(ids))}

    @classmethod
    def _sides(cls, lines):
        amounts = [amount for *_, amount in lines]
        return {
            'assets': sum((a for a in amounts if a > 0), Decimal(0)),
            'debts': -sum((a for a in amounts if a < 0), Decimal(0)),
            }

    def figures(self):
        """Return what the activities own and owe, and their balances.

        As {(activity id, account id): debit less credit} and {activity id:
        income less costs}. What has no activity is of the shared services,
        also what closed a fiscal year. It is one query, whatever the number
        of activities.
        """
        Activity = Pool().get('cae.activity')
        shared = Activity.special(self.company, 'shared').id
        raw, rest = defaultdict(dict), defaultdict(Decimal)
        balances = defaultdict(Decimal)
        with without_check_access():
            rows = fetch(self._query(), [None, None, 'NUMERIC'])
        for account, activity, amount in rows:
            amount = Decimal(amount)
            if account is None:
                balances[activity or shared] += amount
            elif activity is None:
                rest[account] += amount
            else:
                raw[account][activity] = amount
        amounts = defaultdict(Decimal)
        for account, parts in raw.items():
            for activity, amount in zip(
                    parts, round_together(list(parts.values()))):
                amounts[activity, account] += amount
        for account, amount in rest.items():
            amounts[shared, account] += round_together([amount])[0]
        return (
            {key: amount for key, amount in amounts.items() if amount},
            defaultdict(Decimal, {
                    id_: round_together([amount])[0]
                    for id_, amount in balances.items()}))

    def _query(self):
        """Return the query of (account, activity, amount).

        Without account it is the income less the costs.
        """
        weight = With(query=self._weights())
        open_ = With(query=self._open())
        share = With(query=self._shares(open_, weight))
        total = With(query=share.select(
                share.line, Sum(share.weight).as_('weight'),
                group_by=share.line))
        # SQLite would divide integers without their rest
        ratio = (
            Coalesce(share.weight, 1) * Decimal('1.0')
            / Coalesce(total.weight, 1))
        owned = (open_
            .join(share, 'LEFT', condition=share.line == open_.id)
            .join(total, 'LEFT', condition=total.line == open_.id)
            .select(
                open_.account.as_('account'),
                Coalesce(open_.own, share.activity).as_('activity'),
                (open_.amount * ratio).as_('amount')))
        rows = Union(owned, self._income(), all_=True)
        return rows.select(
            rows.account, rows.activity, Sum(rows.amount).as_('amount'),
            group_by=[rows.account, rows.activity],
            with_=[weight, open_, share, total])

    def _lines(self):
        "Return the tables of the posted lines up to the date"
        line, move = table('account.move.line'), table('account.move')
        account, type_ = (
            table('account.account'), table('account.account.type'))
        return line, account, type_, (line
            .join(move, condition=(line.move == move.id)
                & (move.company == self.company.id)
                & (move.state == 'posted') & (move.date <= self.date))
            .join(account, condition=line.account == account.id)
            .join(type_, condition=account.type == type_.id))

    def _income(self):
        "Return the query of the income less the costs of each activity"
        analytic, activity = (
            table('analytic_account.line'), table('cae.activity'))
        line, _, type_, source = self._lines()
        return (source
            .join(analytic, 'LEFT', condition=analytic.move_line == line.id)
            .join(activity, 'LEFT',
                condition=activity.analytic_account == analytic.account)
            .select(
                Literal(None).as_('account'),
                activity.id.as_('activity'),
                Coalesce(
                    analytic.credit - analytic.debit,
                    line.credit - line.debit).as_('amount'),
                where=type_.statement == 'income'))

    def _carried(self, account):
        "Return the condition that what is on the account is of activities"
        Configuration = Pool().get('cae.configuration')
        codes = Configuration(1).get_multivalue(
            'balance_sheet_codes', company=self.company.id)
        if not codes:
            raise SetupError(gettext(
                    'cae_billing.msg_balance_sheet_configuration',
                    company=self.company.rec_name))
        return Or([account.code.like(f'{code}%') for code in codes.split()])

    @staticmethod
    def _of_invoice_line(line, invoice_line):
        return line.origin == Concat(
            'account.invoice.line,', invoice_line.id.cast('VARCHAR'))

    def _open(self):
        """Return the query of the lines that are open at the date.

        What is reconciled by then makes nothing of any account. ``own`` is
        the activity of the line of the invoice behind, of a deposit or an
        asset for instance.
        """
        reconciliation = table('account.move.reconciliation')
        invoice_line = table('account.invoice.line')
        line, account, type_, source = self._lines()
        carried = self._carried(account)
        return (source
            .join(reconciliation, 'LEFT',
                condition=line.reconciliation == reconciliation.id)
            .join(invoice_line, 'LEFT',
                condition=self._of_invoice_line(line, invoice_line))
            .select(
                line.id.as_('id'), line.account.as_('account'),
                line.move.as_('move'), line.party.as_('party'),
                line.reconciliation.as_('reconciliation'),
                (line.debit - line.credit).as_('amount'),
                Case((carried, invoice_line.activity)).as_('own'),
                Case((carried, 1), else_=0).as_('carried'),
                where=(type_.statement == 'balance')
                & ((reconciliation.id == Null)
                    | (reconciliation.date > self.date))))

    def _weights(self):
        """Return the query of the part of the activities in the moves.

        By what they earned or bore in the move, and by the lines of an
        invoice that are no income.
        """
        analytic, activity = (
            table('analytic_account.line'), table('cae.activity'))
        line, invoice_line = (
            table('account.move.line'), table('account.invoice.line'))
        earned = (analytic
            .join(line, condition=analytic.move_line == line.id)
            .join(activity,
                condition=activity.analytic_account == analytic.account)
            .select(
                line.move.as_('move'), activity.id.as_('activity'),
                (analytic.credit - analytic.debit).as_('amount'),
                where=activity.company == self.company.id))
        line, account, type_, source = self._lines()
        invoiced = (source
            .join(invoice_line,
                condition=self._of_invoice_line(line, invoice_line))
            .select(
                line.move.as_('move'),
                invoice_line.activity.as_('activity'),
                (line.credit - line.debit).as_('amount'),
                where=(type_.statement == 'balance')
                & (invoice_line.activity != Null)))
        parts = Union(earned, invoiced, all_=True)
        return parts.select(
            parts.move, parts.activity, Abs(Sum(parts.amount)).as_('weight'),
            group_by=[parts.move, parts.activity],
            having=differs(Sum(parts.amount)))

    @classmethod
    def _details(cls):
        """Return the queries of the part of the activities by person.

        Their columns are move, party, activity and weight.
        """
        result = []
        for name in ['move', 'reversal']:
            cutoff, line = table('cae.cutoff'), table('cae.cutoff.line')
            move = getattr(cutoff, name)
            result.append(line
                .join(cutoff, condition=line.cutoff == cutoff.id)
                .select(
                    move.as_('move'), line.party.as_('party'),
                    line.activity.as_('activity'),
                    Abs(line.amount).as_('weight'),
                    where=(move != Null) & (line.party != Null)))
        return result

    def _shares(self, open_, weight):
        """Return the query of the parts of the activities in the lines.

        The parts are those in the invoice that the line pays, in the move of
        the line or else in the moves that the line or, of a transfer to
        another account, its counterpart is reconciled with.
        """
        invoice, payment = (
            table('account.invoice'),
            table('account.invoice-account.move.line'))
        detail = Union(*self._details(), all_=True)
        by_party = (open_
            .join(detail, condition=(detail.move == open_.move)
                & (detail.party == open_.party))
            .select(
                open_.id.as_('line'), detail.activity.as_('activity'),
                Sum(detail.weight).as_('weight'),
                where=open_.carried == 1,
                group_by=[open_.id, detail.activity]))
        detailed = Union(*self._details(), all_=True)
        to_share = (open_.carried == 1) & (open_.own == Null)
        without = to_share & ~open_.move.in_(weight.select(weight.move))
        own = open_.select(
            open_.id.as_('line'), open_.move.as_('move'),
            where=to_share
            & ~open_.move.in_(detailed.select(
                    detailed.move, where=detailed.party == open_.party))
            & ~open_.id.in_(payment.select(payment.line)))
        paid = (open_
            .join(payment, condition=payment.line == open_.id)
            .join(invoice, condition=payment.invoice == invoice.id)
            .select(
                open_.id.as_('line'), invoice.move.as_('move'),
                where=to_share))
        other = table('account.move.line')
        reconciled = (open_
            .join(other,
                condition=other.reconciliation == open_.reconciliation)
            .select(
                open_.id.as_('line'), other.move.as_('move'), where=without))
        counterpart, other = (
            table('account.move.line'), table('account.move.line'))
        transferred = (open_
            .join(counterpart, condition=(counterpart.move == open_.move)
                & (counterpart.party == open_.party)
                & (counterpart.credit - counterpart.debit == open_.amount))
            .join(other,
                condition=other.reconciliation == counterpart.reconciliation)
            .select(
                open_.id.as_('line'), other.move.as_('move'), where=without))
        source = Union(own, paid, reconciled, transferred)
        by_move = (source
            .join(weight, condition=weight.move == source.move)
            .select(
                source.line, weight.activity,
                Sum(weight.weight).as_('weight'),
                group_by=[source.line, weight.activity]))
        return Union(by_party, by_move, all_=True)


class BalanceSheetActivity(PrintMixin, ModelSQL, ModelView):
    "What an activity owns and owes at a date"
    __name__ = 'cae.balance_sheet.activity'
    __string__ = "Balance Sheet of an Activity"
    sheet = fields.Many2One(
        'cae.balance_sheet', "Balance Sheet", required=True, readonly=True,
        ondelete='CASCADE')
    date = fields.Function(
        fields.Date("Date"), 'on_change_with_date', searcher='search_sheet')
    company = fields.Function(
        fields.Many2One('company.company', "Company"),
        'on_change_with_company', searcher='search_sheet')
    currency = fields.Function(
        fields.Many2One('currency.currency', "Currency"),
        'on_change_with_currency')
    activity = fields.Many2One(
        'cae.activity', "Activity", required=True, readonly=True,
        ondelete='RESTRICT')
    holders = fields.Char("Holders", readonly=True)
    assets = Monetary(
        "Assets", currency='currency', digits='currency', required=True,
        readonly=True, help="What it owns and what is owed to it.")
    debts = Monetary(
        "Debts", currency='currency', digits='currency', required=True,
        readonly=True, help="What it owes.")
    current_account = fields.Function(Monetary(
            "Current Account", currency='currency', digits='currency',
            help="What the cooperative holds for it, its money above all; "
            "what it owes the cooperative when negative."),
        'on_change_with_current_account')
    balance = Monetary(
        "Balance", currency='currency', digits='currency', required=True,
        readonly=True,
        help="Income less costs of all posted moves: the assets and the "
        "current account less the debts (solde facturé).")
    lines = fields.One2Many(
        'cae.balance_sheet.line', 'row', "Lines", readonly=True)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('activity_unique', Unique(t, t.sheet, t.activity),
                'cae_billing.msg_balance_sheet_unique'),
            ]
        cls._sql_indexes.add(Index(t, (t.activity, Index.Range())))
        cls._order = [
            ('sheet.date', 'DESC'), ('activity.code', 'ASC'), ('id', None)]

    @fields.depends('sheet', '_parent_sheet.date')
    def on_change_with_date(self, name=None):
        return self.sheet.date if self.sheet else None

    @fields.depends('sheet', '_parent_sheet.company')
    def on_change_with_company(self, name=None):
        return self.sheet.company if self.sheet else None

    @classmethod
    def search_sheet(cls, name, clause):
        return [(f'sheet.{clause[0]}', *clause[1:])]

    @fields.depends('sheet', '_parent_sheet.company')
    def on_change_with_currency(self, name=None):
        if self.sheet and self.sheet.company:
            return self.sheet.company.currency

    @fields.depends('assets', 'debts', 'balance')
    def on_change_with_current_account(self, name=None):
        return (
            (self.balance or Decimal(0)) - (self.assets or Decimal(0))
            + (self.debts or Decimal(0)))

    def get_rec_name(self, name):
        return f'{self.activity.rec_name} – {self.sheet.rec_name}'

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('activity.rec_name', *clause[1:])]

    @property
    def owned(self):
        return [line for line in self.lines if line.amount > 0]

    @property
    def owed(self):
        return [line for line in self.lines if line.amount < 0]

    @classmethod
    def check_modification(cls, mode, rows, values=None, external=False):
        for row in rows:
            if external or mode == 'write' or row.sheet.state == 'done':
                raise BalanceSheetError(gettext(
                        'cae_billing.msg_balance_sheet_computed'))
        super().check_modification(
            mode, rows, values=values, external=external)


class BalanceSheetLine(ModelSQL, ModelView):
    "An account in the balance sheet of an activity"
    __name__ = 'cae.balance_sheet.line'
    __string__ = "Line of a Balance Sheet"
    row = fields.Many2One(
        'cae.balance_sheet.activity', "Activity", required=True,
        readonly=True, ondelete='CASCADE')
    currency = fields.Function(
        fields.Many2One('currency.currency', "Currency"),
        'on_change_with_currency')
    code = fields.Char("Code", readonly=True)
    name = fields.Char("Account", required=True, readonly=True)
    amount = Monetary(
        "Amount", currency='currency', digits='currency', required=True,
        readonly=True, help="Positive for an asset, negative for a debt.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('row')
        cls._order = [('code', 'ASC'), ('id', 'ASC')]

    @fields.depends('row', '_parent_row.sheet')
    def on_change_with_currency(self, name=None):
        if self.row and self.row.sheet:
            return self.row.sheet.company.currency

    @classmethod
    def check_modification(cls, mode, lines, values=None, external=False):
        for line in lines:
            if external or mode == 'write' or line.row.sheet.state == 'done':
                raise BalanceSheetError(gettext(
                        'cae_billing.msg_balance_sheet_computed'))
        super().check_modification(
            mode, lines, values=values, external=external)


class BalanceSheetReport(Report):
    __name__ = 'cae.balance_sheet.activity'
