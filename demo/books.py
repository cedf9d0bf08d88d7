# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Whether the books of a cooperative agree, and what they say of each."""
from collections import defaultdict
from decimal import Decimal


def _sum(values):
    return sum(values, Decimal(0))


class Books:
    """The books of a company at a date, read once.

    To be used inside a transaction; ``opening`` is what each activity
    brought into the year, ``grants`` what it was granted, by
    their ids.
    """

    def __init__(self, pool, company, date, opening, grants=None):
        self.pool = pool
        self.company = pool.get('company.company')(company)
        self.date = date
        self.opening = opening
        self.grants = grants or {}
        Activity = pool.get('cae.activity')
        self.activities = Activity.search([('company', '=', company)])
        self.balances = Activity.balances(self.activities, date)
        self.lines = pool.get('account.move.line').search([
                ('move.company', '=', company),
                ('move.state', '=', 'posted'),
                ('date', '<=', date),
                ])

    def differences(self):
        "Return what does not agree, one sentence each"
        result = []
        for method in [
                self._balanced, self._internal, self._assigned, self._posted,
                self._result, self._documents, self._fees, self._capital]:
            result.extend(method())
        return result

    def _balanced(self):
        debit = _sum(line.debit for line in self.lines)
        credit = _sum(line.credit for line in self.lines)
        if debit != credit:
            yield f"debit {debit} is not credit {credit}"

    def _internal(self):
        totals = defaultdict(Decimal)
        for line in self.lines:
            if line.account.code.startswith('6289'):
                totals[line.account.code] += line.debit - line.credit
        for code, total in totals.items():
            if total:
                yield f"the internal account {code} is {total}, not zero"

    def _assigned(self):
        for line in self.lines:
            if line.account.type.statement != 'income':
                continue
            amount = _sum(a.debit - a.credit for a in line.analytic_lines)
            if amount != line.debit - line.credit:
                yield (f"the line {line.rec_name} of {line.move.rec_name} "
                    "lacks its activity")
            for analytic in line.analytic_lines:
                if analytic.date != line.move.date:
                    yield (f"an analytic line of {line.move.rec_name} "
                        "is misdated")
        for activity in self.activities:
            if activity.kind == 'unassigned' and self.balances[activity.id]:
                yield f"{self.balances[activity.id]} is to be assigned"

    def _posted(self):
        "The balance of an activity is its posted income less its costs"
        totals = defaultdict(Decimal)
        for line in self.lines:
            for analytic in line.analytic_lines:
                totals[analytic.account.id] += analytic.credit - analytic.debit
        for activity in self.activities:
            total = totals[activity.analytic_account.id]
            if total != self.balances[activity.id]:
                yield (f"{total} is posted to {activity.rec_name}, its "
                    f"balance is {self.balances[activity.id]}")

    def _result(self):
        result = _sum(
            line.credit - line.debit for line in self.lines
            if line.account.type.statement == 'income')
        total = _sum(self.balances.values())
        if result != total:
            yield f"the activities total {total}, the result is {result}"

    def documents(self):
        "Return {activity id: {kind: amount}} from the documents alone"
        result = defaultdict(lambda: defaultdict(Decimal))
        for id_, amount in self.opening.items():
            result[id_]['opening'] += amount
        for id_, amount in self.grants.items():
            result[id_]['grant'] += amount
        lines = self.pool.get('account.invoice.line').search([
                ('invoice.company', '=', self.company.id),
                ('invoice.move.state', '=', 'posted'),
                ('invoice.move.date', '<=', self.date),
                ('type', '=', 'line'),
                ])
        moves = {line.invoice.move for line in lines}
        for line in lines:
            cancel = line.invoice.cancel_move
            if cancel and cancel not in moves and cancel.date <= self.date:
                # By no credit note, which would count by itself
                continue
            if line.account.type.statement == 'income':
                sale = line.invoice.type == 'out'
                result[line.activity.id]['sale' if sale else 'cost'] += (
                    line.amount if sale else -line.amount)
        for line in self.pool.get('cae.expense.line').search([
                    ('expense.company', '=', self.company.id),
                    ('expense.move.state', '=', 'posted'),
                    ('expense.move.date', '<=', self.date),
                    ]):
            result[line.activity.id]['cost'] -= (
                line.refund_amount - line.tax_amount)
        for line in self.pool.get('cae.internal.line').search([
                    ('internal.company', '=', self.company.id),
                    ('internal.move.state', '=', 'posted'),
                    ('internal.move.date', '<=', self.date),
                    ]):
            internal = line.internal
            amount = (
                line.amount if internal.kind.payer == 'to' else -line.amount)
            result[internal.from_activity.id]['internal'] += amount
            result[internal.to_activity.id]['internal'] -= amount
        for fee in self.pool.get('cae.fee').search([
                    ('company', '=', self.company.id),
                    ('period.end_date', '<=', self.date),
                    ]):
            result[fee.activity.id]['fee'] -= fee.amount
            result[fee.rule.beneficiary.id]['fee'] += fee.amount
        for payslip in self.pool.get('cae.payslip').search([
                    ('company', '=', self.company.id),
                    ('state', '=', 'posted'),
                    ('period.end_date', '<=', self.date),
                    ]):
            for part in payslip.activities:
                result[part.activity.id]['pay'] -= part.cost
        return result

    def _documents(self):
        documents = self.documents()
        for activity in self.activities:
            total = _sum(documents[activity.id].values())
            if activity.kind == 'allocated':
                total -= _sum(self.opening.values())
            if total != self.balances[activity.id]:
                yield (f"the documents of {activity.rec_name} total {total}, "
                    f"its balance is {self.balances[activity.id]}")

    def _fees(self):
        """Both sides of the fees in the ledger, and each with its documents.
        """
        kinds = {a.analytic_account.id: a for a in self.activities}
        accounts = {
            rule.account for rule in self.pool.get('cae.fee.rule').search([
                    ('company', '=', self.company.id)])}
        documents = self.documents()
        posted = defaultdict(Decimal)
        for line in self.lines:
            if line.account in accounts:
                for analytic in line.analytic_lines:
                    activity = kinds[analytic.account.id]
                    posted[activity.id] += analytic.credit - analytic.debit
        paid = -_sum(
            posted[a.id] for a in self.activities if a.kind == 'business')
        received = _sum(
            posted[a.id] for a in self.activities if a.kind != 'business')
        if paid != received:
            yield f"fees paid {paid}, received {received}"
        for activity in self.activities:
            due = documents[activity.id]['fee']
            if posted[activity.id] != due:
                yield (f"the fees of {activity.rec_name} are {due}, posted "
                    f"{posted[activity.id]}")

    def _capital(self):
        Movement = self.pool.get('cae.share.movement')
        for difference in Movement.capital_differences(
                self.company, self.date):
            yield f"capital: {difference}"
