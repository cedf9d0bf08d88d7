# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What each activity owns and owes at a date."""
import datetime as dt
from collections import defaultdict
from decimal import Decimal as D
from unittest.mock import patch

from trytond.model.exceptions import AccessButtonError, AccessError
from trytond.modules.cae_billing.exceptions import (
    BalanceSheetError, SetupError)
from trytond.modules.cae_billing.sheet import sheet as sheet_module
from trytond.modules.cae_members.tests.server import (
    clear_cache, undone, with_transaction)
from trytond.modules.cae_members.tests.test_module import create_user, set_user
from trytond.pool import Pool

from .funding import grant
from .tools import YEAR, Cooperative
from .year import END, NEXT, Books

SERVICES = 'tva_vente_services_taux_normal'


def date(month, day=10):
    return dt.date(YEAR, month, day)


def make(c, day, finish=False):
    "Return the computed balance sheet of the day"
    Sheet = Pool().get('cae.balance_sheet')
    sheet, = Sheet.create([{'company': c.company.id, 'date': day}])
    Sheet.compute([sheet])
    if finish:
        Sheet.finish([sheet])
    clear_cache()
    return Sheet(sheet.id)


class SheetMixin:

    def assertSheet(self, c, sheet):
        "Check that the rows total the ledger, recomputed line by line"
        MoveLine = Pool().get('account.move.line')
        ledger = defaultdict(D)
        income = D(0)
        for line in MoveLine.search([
                    ('move.company', '=', c.company.id),
                    ('move.state', '=', 'posted'),
                    ('date', '<=', sheet.date)]):
            if line.account.type.statement == 'balance':
                ledger[line.account.code] += line.debit - line.credit
            else:
                income += line.credit - line.debit
        found = defaultdict(D)
        for row in sheet.activities:
            self.assertEqual(
                row.assets - row.debts, sum(li.amount for li in row.lines))
            for line in row.lines:
                found[line.code] += line.amount
        self.assertEqual(
            dict(found), {k: a for k, a in ledger.items() if a})
        self.assertEqual(
            sum(row.balance for row in sheet.activities), income)
        self.assertEqual(
            sum(row.current_account for row in sheet.activities), 0)

    def rows(self, sheet, code):
        "Return {code of the account: amount} of the activity"
        for row in sheet.activities:
            if row.activity.code == code:
                return {line.code: line.amount for line in row.lines}
        return {}

    def row(self, sheet, code):
        row, = [r for r in sheet.activities if r.activity.code == code]
        return row

    @with_transaction()
    def test_sheet(self):
        "Customers, suppliers, deposits, payments and doubtful debts"
        with Books.at_year_end() as c:
            customer = c.party("Customer")
            whole = c.sale(date(1), 'A1', 1000)
            part = c.invoice(
                date(2), ('A1', 1000, '706', [SERVICES]),
                ('A2', 100, '7071', ['tva_vente_biens_5_5']))
            c.pay(date(2), part, amount=600)
            c.invoice(date(2), ('A1', 300, '4191', [SERVICES]))
            bill = c.invoice(
                date(2), ('A1', 40, '6064', []), ('S', 60, '6132', []),
                type='in')
            bad = c.sale(date(3), 'A3', 1000)
            early = make(c, date(3))
            self.assertSheet(c, early)
            # 1305.50 less 600.00, by 1000 and 100; the VAT is of the company
            self.assertEqual(self.rows(early, 'A1'), {
                    '4111': 1200 + D('641.36') + 360, '4191': -300,
                    '4011': -40})
            self.assertEqual(self.rows(early, 'A2'), {'4111': D('64.14')})
            self.assertEqual(self.rows(early, 'A3'), {'4111': 1200})
            row = self.row(early, 'A1')
            self.assertEqual(
                (row.assets, row.debts, row.balance, row.current_account),
                (D('2201.36'), 340, 1960, 1960 - D('1861.36')))
            self.assertEqual(row.holders, "Entrepreneur A1")
            # Paid, and doubtful
            c.pay(date(4), whole)
            c.pay(date(4), bill)
            doubtful = c.move(
                date(4), ('416', 1200, customer), ('4111', -1200, customer))
            Pool().get('account.move.line').reconcile(
                list(bad.lines_to_pay) + [
                    x for x in doubtful.lines if x.account.code == '4111'])
            # Money without an invoice is of the shared services
            c.move(date(4), ('5121', 7), ('4111', -7, customer))
            later = make(c, date(4))
            self.assertSheet(c, later)
            self.assertEqual(self.rows(later, 'A1'), {
                    '4111': D('641.36') + 360, '4191': -300})
            self.assertEqual(self.rows(later, 'A3'), {'416': 1200})
            shared = self.rows(later, 'S')
            self.assertEqual(
                (shared['5121'], shared['4111']), (1200 + 600 - 100 + 7, -7))
            # What was settled later was open then
            clear_cache()
            self.assertEqual(
                self.rows(make(c, date(3)), 'A1'), self.rows(early, 'A1'))
            c.pay(date(5), part)
            again = make(c, date(4))
            self.assertEqual(
                self.rows(again, 'A1'), self.rows(later, 'A1'))
            self.assertSheet(c, again)

    @with_transaction()
    def test_sheet_year_end(self):
        "Cut-offs stand with their activities until the next year"
        with Books.at_year_end() as c:
            c.sale(date(5), 'A1', 5000)
            c.posted(c.cutoff(
                    '4181', ('A1', 500, '706', "Customer", SERVICES),
                    ('A2', 100, '706', "Other Customer", SERVICES),
                    ('A3', 1, '706', "Other Customer", None)))
            c.posted(c.cutoff(
                    '486', ('A1', 30, '6132', None, None),
                    ('A2', '10.01', '6132', None, None)))
            c.posted(c.end())
            sheet = make(c, END)
            self.assertSheet(c, sheet)
            self.assertEqual(
                self.rows(sheet, 'A1'),
                {'4111': 6000, '4181': 600, '486': 30})
            self.assertEqual(
                self.rows(sheet, 'A2')['486'], D('10.01'))
            # By person, in proportion to the lines without VAT
            self.assertEqual(
                [self.rows(sheet, x)['4181'] for x in ['A2', 'A3']],
                [D('119.80'), D('1.20')])
            self.assertEqual(self.row(sheet, 'A1').balance, 0)
            self.assertEqual(
                self.row(sheet, 'R').balance,
                5000 + 500 + 30 + 100 + D('10.01') + 1)
            after = make(c, NEXT)
            self.assertSheet(c, after)
            self.assertEqual(self.rows(after, 'A1'), {'4111': 6000})

    @with_transaction()
    def test_sheet_queries(self):
        "The number of queries does not follow that of the activities"
        Sheet = Pool().get('cae.balance_sheet')
        with Books.at_year_end() as c:
            c.sale(date(1), 'A1', 1000)
            sheet, = Sheet.create([{
                        'company': c.company.id, 'date': END}])
            with patch.object(
                    sheet_module, 'fetch', wraps=sheet_module.fetch) as rows:
                sheet.figures()
                c.invoice(
                    date(2), *(
                        (code, 10, '706', [SERVICES])
                        for code in ['A1', 'A2', 'A3']))
                sheet.figures()
            self.assertEqual(rows.call_count, 2)

    @with_transaction()
    def test_sheet_rights(self):
        "Handed out it never changes, and its holder alone reads it"
        pool = Pool()
        Configuration = pool.get('cae.configuration')
        Line = pool.get('cae.balance_sheet.line')
        Print = pool.get('cae.balance_sheet.activity', type='report')
        Row = pool.get('cae.balance_sheet.activity')
        Sheet = pool.get('cae.balance_sheet')
        with Books.at_year_end() as c:
            for code in ['A1', 'A2']:
                c.sale(date(1), code, 1000)
            user = create_user(
                'a1', c.company, 'cae_members.group_entrepreneur')
            entrepreneur, = c.search('cae.entrepreneur', ('code', '=', 'A1'))
            entrepreneur.user = user
            entrepreneur.save()
            clear_cache()
            with c.by('ann'):
                sheet, = Sheet.create([{
                            'company': c.company.id, 'date': END}])
                with undone(), self.assertRaises(BalanceSheetError):
                    Sheet.finish([sheet])
                Sheet.compute([sheet])
                Sheet.compute([sheet])
                for operation in [
                        lambda: Sheet.write([sheet], {
                                'activities': [('delete', [
                                            r.id for r
                                            in sheet.activities])]}),
                        lambda: Sheet.write([sheet], {'date': NEXT}),
                        lambda: Row.write(
                            list(sheet.activities), {'balance': D(1)}),
                        lambda: Line.delete(
                            list(sheet.activities[0].lines)),
                        ]:
                    with undone(), self.assertRaises(AccessError):
                        operation()
            clear_cache()
            with set_user(user):
                self.assertEqual(Row.search([]), [])
                with undone(), self.assertRaises(AccessError):
                    Sheet.compute([Sheet(sheet.id)])
            with c.by('bob'):
                Sheet.finish([Sheet(sheet.id)])
                for operation in [
                        lambda: Sheet.write(
                            [Sheet(sheet.id)], {'date': NEXT}),
                        lambda: Sheet.delete([Sheet(sheet.id)]),
                        ]:
                    with undone(), self.assertRaises(AccessError):
                        operation()
            # Done twice does nothing
            clear_cache()
            Sheet.compute([Sheet(sheet.id)])
            self.assertEqual(
                len(Sheet(sheet.id).activities), 3)
            with set_user(user):
                row, = Row.search([])
                self.assertEqual(
                    (row.activity.code, row.assets), ('A1', 1200))
                self.assertEqual(
                    {line.row for line in Line.search([])}, {row})
                extension, data, _, name = Print.execute([row.id], {})
                self.assertEqual(extension, 'odt')
                self.assertTrue(data)
                others = Sheet(sheet.id).activities
                other, = [
                    r.id for r in others if r.activity.code == 'A2']
                with undone(), self.assertRaises(AccessError):
                    Print.execute([other], {})
            with undone(), self.assertRaises(SetupError):
                Configuration(1).set_multivalue(
                    'balance_sheet_codes', None, company=c.company.id)
                make(c, END)

    @with_transaction()
    def test_shared_account(self):
        "What the shared services earned and cost, for every entrepreneur"
        pool = Pool()
        Account = pool.get('cae.shared_account')
        Activity = pool.get('cae.activity')
        Line = pool.get('cae.shared_account.line')
        Print = pool.get('cae.shared_account', type='report')
        with Books.at_year_end() as c:
            c.rule(base='invoiced')
            c.rule('62893', [], name="Fund", base='fixed', amount=D(10))
            c.sale(date(1), 'A1', 1000)
            c.close(1)
            grant(c, 5000)
            c.invoice(
                date(2), ('S', 1200, '6132', []), ('A1', 9, '6132', []),
                type='in')
            c.move(date(3), ('758', -30, 'S'), ('5121', 30))
            c.move(date(3), ('62896', 40, 'A1'), ('62896', -40, 'S'))
            with c.by('ann'):
                account, = Account.create([{
                            'company': c.company.id,
                            'fiscalyear': c.year.id}])
                with undone(), self.assertRaises(BalanceSheetError):
                    Account.finish([account])
                Account.compute([account])
                Account.compute([account])
                account = Account(account.id)
                self.assertEqual(
                    [(li.section, li.code, li.amount, li.amount_before)
                        for li in account.lines], [
                        ('contribution', '62891', 100, 0),
                        ('grant', '741', 5000, 0),
                        ('income', '758', 30, 0),
                        ('transfer', '62896', 40, 0),
                        ('cost', '6132', -1200, 0)])
                self.assertEqual(
                    (account.income, account.costs, account.result),
                    (5170, 1200, 3970))
                for operation in [
                        lambda: Line.write(
                            list(account.lines), {'amount': D(1)}),
                        lambda: Line.delete(list(account.lines)),
                        lambda: Account.write(
                            [account], {'state': 'done'}),
                        ]:
                    with undone(), self.assertRaises(AccessError):
                        operation()
            shared = Activity.special(c.company, 'shared')
            self.assertEqual(
                Activity.results([shared], END, date(1, 1))[shared.id],
                account.result)
            user = create_user(
                'a1', c.company, 'cae_members.group_entrepreneur')
            other = create_user(
                'other', Cooperative("Other Cooperative").company,
                'cae_members.group_entrepreneur')
            clear_cache()
            with set_user(user):
                self.assertEqual(Account.search([]), [])
                self.assertEqual(Line.search([]), [])
            with c.by('bob'):
                Account.finish([Account(account.id)])
                with undone(), self.assertRaises(AccessError):
                    Account.delete([Account(account.id)])
            clear_cache()
            with set_user(user):
                self.assertEqual(
                    [a.id for a in Account.search([])], [account.id])
                self.assertEqual(len(Line.search([])), 5)
                extension, data, _, name = Print.execute([account.id], {})
                self.assertEqual(extension, 'odt')
                self.assertTrue(data)
                for button in ['compute', 'finish']:
                    with undone(), self.assertRaises(AccessButtonError):
                        getattr(Account, button)([Account(account.id)])
            with set_user(other):
                self.assertEqual(Account.search([]), [])
            # In the next year it is the year before
            following, = c.search(
                'account.fiscalyear', ('start_date', '=', NEXT))
            after, = Account.create([{
                        'company': c.company.id,
                        'fiscalyear': following.id}])
            Account.compute([after])
            after = Account(after.id)
            self.assertEqual(
                (after.result, after.result_before), (0, 3970))
            draft, = Account.copy([Account(account.id)])
            self.assertEqual(
                (draft.state, draft.lines, draft.year_name),
                ('draft', (), None))
