# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The end of a year: what is cut off and what becomes of the balances."""
import datetime as dt
from contextlib import contextmanager
from decimal import Decimal as D

from trytond.model.exceptions import (
    AccessButtonError, AccessError, DomainValidationError, SQLConstraintError)
from trytond.modules.account.exceptions import PeriodNotFoundError
from trytond.modules.account.tests import get_fiscalyear
from trytond.modules.cae_billing.exceptions import (
    SetupError, YearEndAccessError, YearEndError)
from trytond.modules.cae_members.tests.server import (
    clear_cache, create_fiscalyear, undone, with_transaction)
from trytond.modules.cae_members.tests.test_module import create_user, set_user
from trytond.pool import Pool

from .tools import YEAR, Cooperative

END, NEXT = dt.date(YEAR, 12, 31), dt.date(YEAR + 1, 1, 1)
SERVICES = 'tva_vente_services_taux_normal'


class Books(Cooperative):
    "A cooperative at the end of its year, with two accountants"

    @classmethod
    @contextmanager
    def at_year_end(cls, next_year=True):
        with cls.enter() as c:
            if next_year:
                create_fiscalyear(c.company, YEAR + 1)
            c.users = {
                name: create_user(
                    name, c.company, 'account.group_account')
                for name in ['ann', 'bob']}
            clear_cache()
            yield c

    @property
    def year(self):
        return self._one(
            'account.fiscalyear', ('end_date', '=', END))

    def by(self, name):
        return set_user(self.users[name])

    def kind(self, code):
        return self._one('cae.cutoff.kind', ('account.code', '=', code))

    def cutoff(self, code, *lines, **values):
        """Return a draft cut-off of the kind on the account of the code.

        A line is (code of the activity, amount, code of the account, party,
        name of the tax), the two last ones or None.
        """
        Cutoff = Pool().get('cae.cutoff')
        cutoff, = Cutoff.create([{
                    'company': self.company.id,
                    'fiscalyear': self.year.id,
                    'kind': self.kind(code).id,
                    'description': "Works of December",
                    'lines': [('create', [{
                                    'activity': self.activity(activity).id,
                                    'amount': D(amount),
                                    'account': self.account(account).id,
                                    'party': party and self.party(party).id,
                                    'tax': tax and self.tax(tax).id,
                                    } for activity, amount, account, party,
                                tax in lines])],
                    **values}])
        return cutoff

    def end(self, **values):
        "Return a computed year end"
        YearEnd = Pool().get('cae.year_end')
        year_end, = YearEnd.create([{
                    'company': self.company.id,
                    'fiscalyear': self.year.id,
                    'decision': "Board of 10 May",
                    **values}])
        YearEnd.compute([year_end])
        return YearEnd(year_end.id)

    def posted(self, document):
        "Return the document, proposed by one accountant, posted by another"
        Document = document.__class__
        for name, button in [('ann', 'propose'), ('bob', 'post')]:
            clear_cache()
            with self.by(name):
                getattr(Document, button)([Document(document.id)])
        clear_cache()
        return Document(document.id)

    def balances(self, date, *codes):
        Activity = Pool().get('cae.activity')
        return self.figures(
            Activity.results(self.activities(), date), *codes)


class YearMixin:

    def assertCutoff(self, c, cutoff, *lines):
        "Check the lines of its move, and the opposite ones of its reversal"
        lines = [
            (code, D(amount), ''.join(activity))
            for code, amount, *activity in lines]
        self.assertEqual(c.lines(cutoff.move), sorted(lines))
        self.assertEqual(
            c.lines(cutoff.reversal), sorted(
                (code, -amount, activity) for code, amount, activity
                in lines))
        self.assertEqual(
            [(m.date, m.state, m.origin) for m in [
                    cutoff.move, cutoff.reversal]],
            [(END, 'posted', cutoff), (NEXT, 'posted', cutoff)])

    @with_transaction()
    def test_cutoff(self):
        "Each kind of cut-off, by activity, and its reversal on the next day"
        pool = Pool()
        Activity = pool.get('cae.activity')
        Move = pool.get('account.move')
        Movement = pool.get('cae.activity.movement')
        with Books.at_year_end() as c:
            c.sale(dt.date(YEAR, 12, 10), 'A1', 1000)
            for code, lines, expected, results in [
                    ('4181', [
                            ('A1', 500, '706', "Customer", SERVICES),
                            ('A2', 100, '7071', "Other Customer", None)],
                        [('4181', 600), ('4181', 100), ('706', -500, 'A1'),
                            ('7071', -100, 'A2'), ('44587', -100)],
                        [500, 100]),
                    ('4081', [
                            ('A1', 50, '6064', "Supplier",
                                'tva_achat_services_taux_normal'),
                            ('A2', 20, '6132', "Supplier", None)],
                        [('4081', -80), ('6064', 50, 'A1'),
                            ('6132', 20, 'A2'), ('44586', 10)],
                        [-50, -20]),
                    ('487', [('A1', 200, '706', None, None)],
                        [('487', -200), ('706', 200, 'A1')], [-200, 0]),
                    ('486', [
                            ('A1', 30, '6132', None, None),
                            ('A2', '10.01', '6132', None, None)],
                        [('486', '40.01'), ('6132', '-40.01', 'A1+A2')],
                        [30, D('10.01')]),
                    ('3451', [('A2', 70, '71345', None, None)],
                        [('3451', 70), ('71345', -70, 'A2')], [0, 70]),
                    ('371', [('A2', 15, '6037', None, None)],
                        [('371', 15), ('6037', -15, 'A2')], [0, 15]),
                    ]:
                with self.subTest(code=code), undone():
                    before = c.balances(END, 'A1', 'A2')
                    cutoff = c.posted(c.cutoff(code, *lines))
                    self.assertEqual(cutoff.state, 'posted')
                    self.assertEqual(cutoff.proposed_by, c.users['ann'])
                    self.assertEqual(cutoff.posted_by, c.users['bob'])
                    self.assertCutoff(c, cutoff, *expected)
                    self.assertEqual(
                        [a - b for a, b in zip(
                                c.balances(END, 'A1', 'A2'), before)],
                        results)
                    # The next year takes it back
                    self.assertEqual(c.balances(NEXT, 'A1', 'A2'), before)
                    for move in [cutoff.move, cutoff.reversal]:
                        for line in move.lines:
                            self.assertEqual(
                                bool(line.reconciliation),
                                bool(line.account.reconcile))
                            self.assertEqual(line.analytic_state, 'valid')
                    self.assertEqual(
                        {m.kind for m in Movement.search([
                                    ('date', 'in', [END, NEXT])])},
                        {'year_end'})
                    # It is no turnover that fees follow
                    self.assertEqual(
                        c.figures(Activity.turnovers(
                                c.activities(), END), 'A1', 'A2'),
                        [1000, 0])
                    # Once more does nothing
                    moves = Move.search([], count=True)
                    cutoff.post([cutoff])
                    cutoff.propose([cutoff])
                    self.assertEqual(Move.search([], count=True), moves)

    @with_transaction()
    def test_cutoff_kept(self):
        "What the holder of a CAPE is owed is not reversed"
        with Books.at_year_end() as c:
            c.sale(dt.date(YEAR, 12, 10), 'A3', 578)
            cutoff = c.posted(c.cutoff(
                    '4672', ('A3', 578, '6581', "Entrepreneur A3", None)))
            self.assertEqual(
                c.lines(cutoff.move), [('4672', -578, ''), (
                        '6581', 578, 'A3')])
            self.assertFalse(cutoff.reversal)
            self.assertEqual(
                c.balances(END, 'A3') + c.balances(NEXT, 'A3'), [0, 0])
            # What was wrong is corrected by the opposite amount
            opposite = c.posted(c.cutoff(
                    '4672', ('A3', -8, '6581', "Entrepreneur A3", None)))
            self.assertEqual(
                c.lines(opposite.move), [('4672', 8, ''), (
                        '6581', -8, 'A3')])

    @with_transaction()
    def test_cutoff_refusals(self):
        "What is refused leaves nothing behind"
        pool = Pool()
        Configuration = pool.get('cae.configuration')
        Cutoff = pool.get('cae.cutoff')
        Kind = pool.get('cae.cutoff.kind')
        Line = pool.get('cae.cutoff.line')
        Move = pool.get('account.move')
        Period = pool.get('account.period')
        prepaid = ('A1', 30, '6132', None, None)
        with Books.at_year_end() as c:
            moves = Move.search([], count=True)
            for code, lines, error in [
                    ('486', [], YearEndError),
                    ('4181', [('A1', 5, '706', None, None)], YearEndError),
                    ('486', [('A1', 5, '706', None, SERVICES)],
                        YearEndError),
                    ('486', [('X', 5, '6132', None, None)],
                        DomainValidationError),
                    ('486', [('A1', 5, '4671', None, None)],
                        DomainValidationError),
                    *(
                        ('486', [('A1', a, '6132', None, None)], YearEndError)
                        for a in ['0', 'NaN', '1E400', '0.001', '1E12']),
                    ]:
                with self.subTest(code=code, lines=lines), undone(), \
                        self.assertRaises(error):
                    Cutoff.propose([c.cutoff(code, *lines)])
            cutoff, draft = [c.cutoff('486', prepaid) for _ in range(2)]
            with c.by('ann'):
                Cutoff.propose([Cutoff(cutoff.id)])
                for operation in [
                        # Not by who proposed it
                        lambda: Cutoff.post([Cutoff(cutoff.id)]),
                        lambda: Cutoff.write(
                            [Cutoff(cutoff.id)], {'description': "Other"}),
                        lambda: Cutoff.write(
                            [Cutoff(cutoff.id)], {'state': 'posted'}),
                        lambda: Cutoff.delete([Cutoff(cutoff.id)]),
                        lambda: Line.write(
                            list(Cutoff(cutoff.id).lines), {'amount': D(1)}),
                        ]:
                    with undone(), self.assertRaises(
                            (YearEndError, AccessError)):
                        operation()
                with undone():
                    Cutoff.draft([Cutoff(cutoff.id)])
                    self.assertFalse(Cutoff(cutoff.id).proposed_by)
                    Cutoff.write(
                        [Cutoff(cutoff.id)], {'description': "Other"})
                for name, value in [
                        ('posted_by', c.users['bob'].id),
                        ('move', 1), ('state', 'posted')]:
                    with undone(), self.assertRaises(AccessError):
                        Cutoff.write([Cutoff(draft.id)], {name: value})
            clear_cache()
            # Where there is no period that is open
            with undone(), self.assertRaises(PeriodNotFoundError):
                Period.close([c.period(12)])
                Cutoff.post([Cutoff(cutoff.id)])
            with undone(), self.assertRaises(PeriodNotFoundError):
                Period.close(Period.search([('start_date', '=', NEXT)]))
                Cutoff.post([Cutoff(cutoff.id)])
            with undone(), self.assertRaisesRegex(SetupError, "Journal"):
                Configuration(1).set_multivalue(
                    'year_end_journal', None, company=c.company.id)
                Cutoff.post([Cutoff(cutoff.id)])
            self.assertEqual(Move.search([], count=True), moves)
            # A year that goes on
            today = pool.get('ir.date').today()
            year = get_fiscalyear(c.company, today=dt.date(
                    max(today.year, YEAR + 2), 1, 1))
            year.save()
            with undone(), self.assertRaisesRegex(YearEndError, "goes on"):
                Cutoff.propose([c.cutoff('486', prepaid, fiscalyear=year.id)])
            with undone(), self.assertRaises(DomainValidationError):
                other = Cooperative("Other Cooperative")
                Kind.write(
                    [c.kind('486')], {'company': other.company.id})
            cutoff = c.posted(Cutoff(cutoff.id).copy(
                    [Cutoff(cutoff.id)])[0])
            self.assertTrue(cutoff.move)
            for operation in [
                    lambda: Cutoff.write([cutoff], {'description': "Other"}),
                    lambda: Cutoff.delete([cutoff]),
                    lambda: Line.delete(list(cutoff.lines)),
                    lambda: Line.copy(list(cutoff.lines)),
                    ]:
                with undone(), self.assertRaises(YearEndAccessError):
                    operation()
            draft, = Cutoff.copy([cutoff])
            self.assertEqual(
                (draft.state, draft.move, draft.reversal, draft.posted_by,
                    len(draft.lines)), ('draft', None, None, None, 1))

    @with_transaction()
    def test_cutoff_next_year_missing(self):
        "Without a next year there is no day for the reversal"
        Cutoff = Pool().get('cae.cutoff')
        with Books.at_year_end(next_year=False) as c:
            cutoff = c.cutoff('486', ('A1', 30, '6132', None, None))
            with c.by('ann'):
                Cutoff.propose([Cutoff(cutoff.id)])
            clear_cache()
            with self.assertRaises(PeriodNotFoundError):
                Cutoff.post([Cutoff(cutoff.id)])

    @with_transaction()
    def test_cutoff_closed_month(self):
        "A month whose statement is handed out is opened for it, and noted"
        pool = Pool()
        Closing = pool.get('cae.closing')
        Reopening = pool.get('cae.activity.reopening')
        Statement = pool.get('cae.activity.statement')
        with Books.at_year_end() as c:
            c.sale(dt.date(YEAR, 12, 10), 'A1', 1000)
            closing = c.close(12)
            self.assertEqual(closing.state, 'done')
            check, = [x for x in closing.checks if x.code == 'year_end']
            self.assertEqual(
                (check.state, check.found, check.ids),
                ('look', 1000, [c.activity('A1').id]))
            first, = Statement.search([('activity.code', '=', 'A1')])
            cutoff = c.posted(
                c.cutoff('486', ('A1', 30, '6132', None, None)))
            reopening, = Reopening.search([])
            self.assertEqual(
                (reopening.activity.code, reopening.period.end_date,
                    reopening.state, reopening.create_uid),
                ('A1', END, 'closed', c.users['bob']))
            self.assertIn(cutoff.rec_name, reopening.reason)
            end = c.posted(c.end())
            self.assertEqual(
                c.lines(end.move),
                [('62895', -1030, 'R'), ('62895', 1030, 'A1')])
            clear_cache()
            closing = Closing(closing.id)
            Closing.check([closing])
            checks = {x.code: x for x in Closing(closing.id).checks}
            for code in [
                    'locked', 'analytic', 'result', 'customers', 'customer',
                    'turnover', 'internal', 'cutoff', 'year_end',
                    'allocated']:
                self.assertEqual(checks[code].state, 'right', code)
            self.assertEqual(
                (checks['cutoff'].expected, checks['cutoff'].found),
                (30, 30))
            # By hand, and more than was decided
            with undone():
                c.reopen('A2', 12)
                c.move(END, ('486', 5), ('6132', -5, 'A2'))
                Closing.check([Closing(closing.id)])
                checks = {x.code: x for x in Closing(closing.id).checks}
                self.assertEqual(
                    [(checks[x].state, checks[x].difference)
                        for x in ['cutoff', 'year_end']],
                    [('look', 5), ('look', 5)])
                self.assertEqual(
                    checks['year_end'].ids, [c.activity('A2').id])
            clear_cache()
            # The next statement starts with what was handed out
            january = pool.get('account.period')(pool.get(
                    'account.period').find(c.company, date=NEXT).id)
            second, = Statement.make([c.activity('A1')], january)
            self.assertEqual(second.opening_balance, first.closing_balance)
            self.assertEqual(
                [line.amount for line in second.lines], [-1000, -30])
            self.assertEqual(second.closing_balance, -30)

    @with_transaction()
    def test_year_end(self):
        "What is left goes to the allocated results, once"
        YearEnd = Pool().get('cae.year_end')
        with Books.at_year_end() as c:
            c.sale(dt.date(YEAR, 5, 1), 'A1', 5400)
            c.sale(dt.date(YEAR, 5, 1), 'A2', 10)
            c.invoice(
                dt.date(YEAR, 5, 1), ('A2', 40, '6064', []),
                ('A3', 100, '6064', []), ('S', 7, '6064', []), type='in')
            # Pay accrued: the activity has it again on the first day
            c.posted(c.cutoff('486', ('A1', -3400, '6411', None, None)))
            self.assertEqual(c.balances(END, 'A1'), [2000])
            end = c.end()
            self.assertEqual(
                [(li.activity.code, li.balance, li.keeps, li.amount)
                    for li in end.lines], [('A1', 2000, 0, 2000)])
            self.assertEqual((end.allocated, end.borne), (2000, 0))
            end = c.posted(end)
            self.assertEqual(
                c.lines(end.move),
                [('62895', -2000, 'R'), ('62895', 2000, 'A1')])
            self.assertEqual((end.move.date, end.move.origin), (END, end))
            # A loss is carried
            self.assertEqual(
                c.balances(END, 'A1', 'A2', 'A3', 'R', 'F', 'S'),
                [0, -30, -100, 2000, 0, -7])
            self.assertEqual(
                c.balances(NEXT, 'A1', 'A2', 'A3', 'R', 'F', 'S'),
                [3400, -30, -100, 2000, 0, -7])
            # Again: nothing has changed, nothing is to post
            again = c.end()
            self.assertEqual(again.lines, ())
            with undone(), self.assertRaisesRegex(YearEndError, "nothing"):
                YearEnd.propose([again])
            # The fund bears the losses, the assembly leaves 300
            again.losses = 'fund'
            again.save()
            YearEnd.compute([again])
            again = YearEnd(again.id)
            self.assertEqual(
                [(li.activity.code, li.amount) for li in again.lines],
                [('A2', -30), ('A3', -100)])
            self.assertEqual((again.allocated, again.borne), (0, 130))
            again.lines = [*again.lines, {
                    'activity': c.activity('A1').id, 'balance': D(0),
                    'keeps': D(300)}]
            again.save()
            again = c.posted(again)
            self.assertEqual(
                sorted((li.activity.code, li.allocated, li.borne)
                    for li in again.lines),
                [('A1', -300, 0), ('A2', 0, -30), ('A3', 0, -100)])
            self.assertEqual(
                c.balances(END, 'A1', 'A2', 'A3', 'R', 'F', 'S'),
                [300, 0, 0, 1700, -130, -7])
            # A late bill of 400 takes back what was allocated of it
            c.invoice(
                dt.date(YEAR, 12, 1), ('A1', 400, '6064', []), type='in')
            late = c.end(losses='fund')
            self.assertEqual(
                [(li.activity.code, li.balance, li.keeps)
                    for li in late.lines], [('A1', -100, 0)])
            late = c.posted(late)
            self.assertEqual(
                [(li.allocated, li.borne) for li in late.lines],
                [(-100, 0)])
            self.assertEqual(
                c.balances(END, 'A1', 'R', 'F'), [0, 1600, -130])
            self.assertEqual(c.end(losses='fund').lines, ())

    @with_transaction()
    def test_year_end_refusals(self):
        "What cannot be posted says why"
        pool = Pool()
        Line = pool.get('cae.year_end.line')
        Move = pool.get('account.move')
        YearEnd = pool.get('cae.year_end')
        may = dt.date(YEAR, 5, 1)
        with Books.at_year_end() as c:
            c.sale(may, 'A1', 500)
            c.invoice(may, ('A2', 40, '6064', []), type='in')
            moves = Move.search([], count=True)

            def proposed(**values):
                YearEnd.propose([c.end(**values)])
            with undone(), self.assertRaisesRegex(YearEndError, "decision"):
                proposed(decision=None)
            with undone(), self.assertRaisesRegex(YearEndError, "cut-off"):
                c.cutoff('486', ('A1', 30, '6132', None, None))
                proposed()
            with undone(), self.assertRaisesRegex(YearEndError, "5.00"):
                c.move(may, ('6132', 5, 'X'), ('5121', -5))
                proposed()
            for keeps in [-1, D('500.01')]:
                with undone(), self.assertRaisesRegex(
                        YearEndError, "500.00"):
                    end = c.end()
                    Line.write(list(end.lines), {'keeps': D(keeps)})
                    YearEnd.propose([end])
            with undone(), self.assertRaisesRegex(YearEndError, "bears"):
                end = c.end(losses='fund')
                YearEnd.write([end], {'losses': 'carried'})
                YearEnd.propose([YearEnd(end.id)])
            for value in ['NaN', '1E400', '0.001']:
                with undone(), self.assertRaises(YearEndError):
                    Line.write(list(c.end().lines), {'keeps': D(value)})
            # A balance that changed since
            end = c.end()
            with c.by('ann'):
                YearEnd.propose([YearEnd(end.id)])
                for operation in [
                        lambda: YearEnd.post([YearEnd(end.id)]),
                        lambda: Line.write(
                            list(YearEnd(end.id).lines), {'keeps': D(1)}),
                        lambda: YearEnd.delete([YearEnd(end.id)]),
                        ]:
                    with undone(), self.assertRaises(
                            (YearEndError, AccessError)):
                        operation()
            clear_cache()
            with undone():
                c.invoice(may, ('A1', 1, '6064', []), type='in')
                with self.assertRaisesRegex(YearEndError, "499.00"):
                    YearEnd.post([YearEnd(end.id)])
            self.assertEqual(Move.search([], count=True), moves)
            with c.by('bob'):
                YearEnd.post([YearEnd(end.id)])
                for operation in [
                        lambda: YearEnd.write(
                            [YearEnd(end.id)], {'decision': "Other"}),
                        lambda: Line.write(
                            list(YearEnd(end.id).lines),
                            {'allocated': D(1)}),
                        ]:
                    with undone(), self.assertRaises(AccessError):
                        operation()
            # Another cannot bear what the fund did
            c.posted(c.end(losses='fund'))
            c.invoice(may, ('A2', 1, '6064', []), type='in')
            with undone(), self.assertRaisesRegex(YearEndError, "bears"):
                proposed(losses='shared')
            with self.assertRaises(SQLConstraintError):
                Line.copy(list(c.end(losses='fund').lines))

    @with_transaction()
    def test_year_close(self):
        "Closing the year leaves the balances of the activities as they are"
        pool = Pool()
        Balance = pool.get(
            'account.fiscalyear.balance_non_deferral', type='wizard')
        Cutoff = pool.get('cae.cutoff')
        FiscalYear = pool.get('account.fiscalyear')
        Journal = pool.get('account.journal')
        Move = pool.get('account.move')
        Period = pool.get('account.period')
        codes = ['A1', 'A2', 'A3', 'R', 'F', 'S', 'X']
        with Books.at_year_end() as c:
            c.sale(dt.date(YEAR, 5, 1), 'A1', 500)
            c.invoice(dt.date(YEAR, 5, 1), ('A2', 40, '6064', []), type='in')
            before = c.balances(END, *codes)
            self.assertEqual(c.balances(NEXT, *codes), before)
            draft = c.cutoff('486', ('A1', 30, '6132', None, None))
            situation, = Journal.create([{
                        'name': "Situation", 'code': 'SIT',
                        'type': 'situation'}])
            adjustment, = Period.create([{
                        'name': "Adjustment", 'start_date': END,
                        'end_date': END, 'fiscalyear': c.year.id,
                        'type': 'adjustment'}])
            session, _, _ = Balance.create()
            balance = Balance(session)
            balance.start.fiscalyear = c.year
            balance.start.journal = situation
            balance.start.period = adjustment
            balance.start.credit_account = c.account('120')
            balance.start.debit_account = c.account('129')
            balance._execute('balance')
            move, = Move.search([('journal', '=', situation.id)])
            Move.post([move])
            self.assertIn(('120', -460, ''), c.lines(move))
            with undone(), self.assertRaisesRegex(
                    YearEndError, draft.description):
                FiscalYear.close([c.year])
            Cutoff.delete([draft])
            FiscalYear.close([FiscalYear(c.year.id)])
            clear_cache()
            self.assertEqual(c.year.state, 'closed')
            self.assertEqual(c.balances(END, *codes), before)
            self.assertEqual(c.balances(NEXT, *codes), before)
            with self.assertRaisesRegex(YearEndError, "is closed"):
                Cutoff.propose([
                        c.cutoff('486', ('A1', 30, '6132', None, None))])

    @with_transaction()
    def test_year_rights(self):
        "The end of the year is for accountants"
        pool = Pool()
        with Books.at_year_end() as c:
            c.sale(dt.date(YEAR, 5, 1), 'A1', 500)
            cutoff = c.cutoff('486', ('A1', 30, '6132', None, None))
            end = c.end()
            records = {
                'cae.cutoff': cutoff, 'cae.cutoff.kind': cutoff.kind,
                'cae.cutoff.line': cutoff.lines[0], 'cae.year_end': end,
                'cae.year_end.line': end.lines[0]}
            users = {
                name: create_user(name, c.company, f'cae_members.{group}')
                for name, group in [
                    ('entrepreneur', 'group_entrepreneur'),
                    ('advisor', 'group_advisor'),
                    ('administrator', 'group_administrator')]}
            other = create_user(
                'other', Cooperative("Other Cooperative").company,
                'account.group_account')
            for name, user in [*users.items(), ('other', other)]:
                clear_cache()
                with self.subTest(user=name), set_user(user):
                    for model, record in records.items():
                        Model = pool.get(model)
                        if name == 'administrator':
                            self.assertTrue(Model.search([
                                        ('id', '=', record.id)]))
                            continue
                        with undone():
                            try:
                                self.assertFalse(Model.search([
                                            ('id', '=', record.id)]))
                            except AccessError:
                                pass
                        for operation in [
                                lambda: Model.read([record.id], ['id']),
                                lambda: Model.write([Model(record.id)], {}),
                                lambda: Model.delete([Model(record.id)]),
                                ]:
                            with undone(), self.assertRaises(AccessError):
                                operation()
                    for model, buttons in [
                            ('cae.cutoff', ['propose', 'draft', 'post']),
                            ('cae.year_end', [
                                    'compute', 'propose', 'draft', 'post'])]:
                        Model = pool.get(model)
                        for button in buttons:
                            with undone(), self.assertRaises(
                                    (AccessError, AccessButtonError)):
                                getattr(Model, button)(
                                    [Model(records[model].id)])
