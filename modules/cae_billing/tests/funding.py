# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Grants from their notification to the report to their funders."""
import datetime as dt
from decimal import Decimal as D

from trytond.model.exceptions import (
    AccessButtonError, AccessError, SQLConstraintError)
from trytond.modules.account.exceptions import PeriodNotFoundError
from trytond.modules.cae_billing.exceptions import (
    FundingAccessError, FundingError, SetupError)
from trytond.modules.cae_members.tests.server import undone, with_transaction
from trytond.modules.cae_members.tests.test_module import create_user, set_user
from trytond.pool import Pool
from trytond.transaction import Transaction

from .tools import YEAR, Cooperative

MARCH = dt.date(YEAR, 3, 10)
START, END = dt.date(YEAR, 1, 1), dt.date(YEAR, 12, 31)


def grant(cooperative, amount, notify=True, **values):
    "Return a new agreement of the customer, as a funder, with the structure"
    pool = Pool()
    Activity = pool.get('cae.activity')
    Agreement = pool.get('cae.funding.agreement')
    agreement, = Agreement.create([{
                'name': "Support of project holders",
                'company': cooperative.company.id,
                'funder': cooperative.party("Customer").id,
                'from_date': START,
                'to_date': END,
                'activity': Activity.special(
                    cooperative.company, 'shared').id,
                'amount': D(amount),
                'notified_on': MARCH,
                **values}])
    if notify:
        Agreement.notify([agreement])
    return Agreement(agreement.id)


class FundingMixin:

    def amounts(self, agreement):
        agreement = agreement.__class__(agreement.id)
        return [
            agreement.amount_notified, agreement.amount_spent,
            agreement.amount_left, agreement.amount_received,
            agreement.amount_to_receive]

    def receipt(self, cooperative, amount, party="Customer"):
        "Return the line of a payment of the funder"
        move = cooperative.move(
            MARCH, ('5121', amount),
            ('4417', -D(amount), cooperative.party(party)), journal='BQ')
        line, = [li for li in move.lines if li.account.code == '4417']
        return line

    @with_transaction()
    def test_funding_entries(self):
        "Notified, tied to later costs, released, refunded and received"
        pool = Pool()
        Action = pool.get('cae.funded_action')
        Agreement = pool.get('cae.funding.agreement')
        with Cooperative.enter() as c:
            agreement = grant(c, 5000)
            action, = Action.create([{
                        'name': "Workshops", 'company': c.company.id,
                        'funder': agreement.funder.id,
                        'agreement': agreement.id}])
            self.assertEqual(Agreement(agreement.id).actions, (action,))
            for kind, amount, lines, amounts in [
                    ('deferred', 2000, [('741', 2000, 'S'), ('487', -2000)],
                        [5000, 3000, 2000, 0, 5000]),
                    ('released', 500, [('741', -500, 'S'), ('487', 500)],
                        [5000, 3500, 1500, 0, 5000]),
                    ('refunded', 100, [('741', 100, 'S'), ('4417', -100)],
                        [4900, 3400, 1500, 0, 4900]),
                    ('notified', 50, [('741', -50, 'S'), ('4417', 50)],
                        [4950, 3450, 1500, 0, 4950]),
                    ]:
                entry = agreement.enter(kind, D(amount), MARCH, "Letter")
                self.assertMove(c, entry.move, *lines)
                self.assertEqual(entry.move.origin, agreement)
                self.assertEqual(self.amounts(agreement), amounts)
            first = Agreement(agreement.id).entries[0]
            self.assertMove(
                c, first.move, ('741', -5000, 'S'), ('4417', 5000))
            with undone(), self.assertRaisesRegex(FundingError, "1500.00"):
                Agreement.close([Agreement(agreement.id)])
            line = self.receipt(c, 4950)
            Agreement.write([agreement], {'receipts': [('add', [line.id])]})
            agreement.enter('released', D(1500), MARCH, "Done")
            self.assertEqual(
                self.amounts(agreement), [4950, 4950, 0, 4950, 0])
            Agreement.close([Agreement(agreement.id)])
            with undone(), self.assertRaises(FundingError):
                Agreement(agreement.id).enter(
                    'deferred', D(1), MARCH, "Late")
            Agreement.reopen([Agreement(agreement.id)])
            self.assertEqual(Agreement(agreement.id).state, 'notified')

    @with_transaction()
    def test_funding_refusals(self):
        "Nothing more than there is, and nothing that was posted changes"
        pool = Pool()
        Agreement = pool.get('cae.funding.agreement')
        Configuration = pool.get('cae.configuration')
        Entry = pool.get('cae.funding.entry')
        with Cooperative.enter() as c:
            for amount in ['0', '-1', 'NaN', '1E400', '0.001']:
                with self.subTest(amount=amount), undone(), \
                        self.assertRaises(FundingError):
                    grant(c, amount, notify=False)
            with undone(), self.assertRaises(FundingError):
                grant(c, 1, notified_on=None)
            with undone(), self.assertRaises(PeriodNotFoundError):
                grant(c, 1, notified_on=dt.date(2035, 1, 1))
            with undone():
                Configuration(1).set_multivalue(
                    'funding_income_account', None, company=c.company.id)
                with self.assertRaises(SetupError):
                    grant(c, 1)
            agreement = grant(c, 100)
            for kind, amount in [
                    ('deferred', '100.01'), ('released', '0.01'),
                    ('refunded', '100.01'), ('deferred', 'NaN'),
                    ('deferred', '-1'), ('released', '1E400')]:
                with self.subTest(kind=kind, amount=amount), undone(), \
                        self.assertRaises(FundingError):
                    Agreement(agreement.id).enter(
                        kind, D(amount), MARCH, "Wrong")
            for operation in [
                    lambda: Agreement.write([agreement], {'amount': D(1)}),
                    lambda: Agreement.delete([agreement]),
                    lambda: Entry.write(
                        list(agreement.entries), {'amount': D(1)}),
                    lambda: Entry.delete(list(agreement.entries)),
                    ]:
                with undone(), self.assertRaises(FundingAccessError):
                    operation()
            Agreement.notify([Agreement(agreement.id)])
            self.assertEqual(len(Agreement(agreement.id).entries), 1)
            with undone(), self.assertRaises(FundingError):
                Agreement.reopen([grant(c, 1, notify=False)])
            # A receipt on another account, and one taken by another grant
            other = grant(c, 100)
            wrong, = [
                li for li in c.move(
                    MARCH, ('5121', 10), ('4111', -10, c.party("Customer")),
                    journal='BQ').lines if li.account.code == '4111']
            with undone(), self.assertRaises(FundingError):
                Agreement.write(
                    [agreement], {'receipts': [('add', [wrong.id])]})
            line = self.receipt(c, 10)
            Agreement.write([agreement], {'receipts': [('add', [line.id])]})
            with self.assertRaises(SQLConstraintError):
                Agreement.write([other], {'receipts': [('add', [line.id])]})

    @with_transaction()
    def test_funding_report(self):
        "The figures of the ledger, as in the worked cases EX-34 and EX-35"
        pool = Pool()
        Agreement = pool.get('cae.funding.agreement')
        Entry = pool.get('cae.funding.entry')
        FundingReport = pool.get('cae.funding.report')
        Print = pool.get('cae.funding.report', type='report')
        Subdivision = pool.get('country.subdivision')
        Country = pool.get('country.country')
        with Cooperative.enter() as c:
            france, = Country.search([('code', '=', 'FR')])
            north, = Subdivision.create([{
                        'name': "Nord", 'code': 'FR-59', 'type':
                        'metropolitan department', 'country': france.id}])
            c.rule()
            for code, amount, activity, other in [
                    ('62891', 150000, 'A1', 'S'),
                    ('62891', 30000, 'A2', 'F'),
                    # What is no contribution is no income of the structure
                    ('62894', 70, 'A1', 'A2')]:
                c.move(
                    MARCH, (code, amount, activity), (code, -amount, other),
                    journal='INT')
            c.move(MARCH, ('5121', 20000), ('706', -20000, 'S'))
            c.move(MARCH, ('5121', 900), ('706', -900, 'A1'))
            grant(c, 250000, territory=north.id)
            other = grant(
                c, 60000, funder=c.party("Supplier").id)
            other.enter('deferred', D(20000), MARCH, "Next year")
            c.move(MARCH, ('5121', 10000), ('741', -10000, 'S'))
            for code, amount in [
                    ('44551', 300000), ('444', 15000), ('447', 5000),
                    ('431', 400000)]:
                c.move(
                    MARCH, (code, amount), ('5121', -amount), journal='BQ')
            # Due and not paid
            c.move(MARCH, ('6451', 999, 'A1'), ('431', -999))
            report, = FundingReport.create([{
                        'company': c.company.id, 'from_date': START,
                        'to_date': END}])
            self.assertEqual(
                [report.contributions, report.other_private,
                    report.public_funding, report.total_income,
                    report.public_unassigned],
                [180000, 20000, 300000, 500000, 10000])
            self.assertEqual(
                [report.self_financing, report.self_financing_place],
                [D('0.4'), 'within'])
            self.assertEqual(
                [report.vat_paid, report.taxes_paid,
                    report.social_contributions_paid, report.return_ratio,
                    report.return_place],
                [300000, 20000, 400000, D('2.4'), 'within'])
            self.assertEqual(
                {(f.funder.name, f.territory and f.territory.name, f.amount)
                    for f in report.funders}, {
                    ("Customer", "Nord", 250000), ("Supplier", None, 40000)})
            extension, data, _, _ = Print.execute([report.id], {})
            self.assertTrue(data)
            # Twice the public money
            grant(c, 300000)
            report = FundingReport(report.id)
            self.assertEqual(
                [report.self_financing, report.self_financing_place],
                [D('0.25'), 'below'])
            later, = FundingReport.create([{
                        'company': c.company.id,
                        'from_date': dt.date(YEAR, 4, 1), 'to_date': END}])
            self.assertEqual(
                [later.total_income, later.self_financing,
                    later.self_financing_place, later.return_ratio],
                [0, None, None, None])
            self.assertEqual(len(later.funders), 0)
            self.assertEqual(Entry.search([], count=True), 4)
            self.assertEqual(
                Agreement.search([], count=True), 3)

    @with_transaction()
    def test_funding_attention(self):
        "Receipts without agreement, what is left at the end, the share"
        Agreement = Pool().get('cae.funding.agreement')
        with Cooperative.enter() as c:
            def found():
                return {
                    a.get('record') for a in c.closing(3)._attention()
                    if a['kind'] == 'funding'}
            agreement = grant(c, 100, to_date=MARCH)
            # No private income
            self.assertEqual(found(), {None})
            c.move(MARCH, ('5121', 80), ('706', -80, 'S'))
            Pool().get('cae.closing').delete(c.search('cae.closing'))
            self.assertEqual(found(), set())
            agreement.enter('deferred', D(10), MARCH, "Later")
            line = self.receipt(c, 40)
            Pool().get('cae.closing').delete(c.search('cae.closing'))
            self.assertEqual(
                found(), {str(agreement), str(c.party("Customer"))})
            Agreement.write([agreement], {'receipts': [('add', [line.id])]})
            agreement.enter('released', D(10), MARCH, "Done")
            Pool().get('cae.closing').delete(c.search('cae.closing'))
            self.assertEqual(found(), set())

    @with_transaction()
    def test_funding_rights(self):
        "For accountants and the administration alone"
        pool = Pool()
        Access = pool.get('ir.model.access')
        Record = pool.get('cae.funding.agreement.record', type='wizard')
        Print = pool.get('cae.funding.report', type='report')
        names = [
            'cae.funding.agreement', 'cae.funding.entry',
            'cae.funding.report', 'cae.funding.report.funder']
        with Cooperative.enter() as c:
            agreement = grant(c, 100)
            report, = pool.get('cae.funding.report').create([{
                        'company': c.company.id, 'from_date': START,
                        'to_date': END}])
            ids = {
                'cae.funding.agreement': [agreement.id],
                'cae.funding.entry': [e.id for e in agreement.entries],
                'cae.funding.report': [report.id],
                'cae.funding.report.funder': [f.id for f in report.funders],
                }
            users = {
                group: create_user(group, c.company, group)
                for group in [
                    'cae_members.group_entrepreneur',
                    'cae_members.group_advisor',
                    'cae_members.group_administrator',
                    'account.group_account']}
            context = {
                'active_model': 'cae.funding.agreement',
                'active_id': agreement.id,
                'active_ids': [agreement.id],
                }
            for group in [
                    'cae_members.group_entrepreneur',
                    'cae_members.group_advisor']:
                with set_user(users[group]):
                    for name in names:
                        Model = pool.get(name)
                        self.assertFalse(
                            Access.get_access([name])[name]['read'], name)
                        for operation in [
                                lambda: Model.search([]),
                                lambda: Model.read(ids[name], ['id']),
                                lambda: Model.create([{}]),
                                lambda: Model.export_data(
                                    Model.browse(ids[name]), ['id']),
                                ]:
                            with self.subTest(group=group, model=name), \
                                    undone(), self.assertRaises((
                                        AccessError, NotImplementedError)):
                                operation()
                    for button in ['notify', 'record', 'close', 'reopen']:
                        with undone(), self.assertRaises((
                                    AccessError, AccessButtonError)):
                            getattr(agreement.__class__, button)(
                                [agreement.__class__(agreement.id)])
                    with undone(), self.assertRaises(AccessError), \
                            Transaction().set_context(context):
                        Record.create()
                    with self.assertRaises(AccessError):
                        Print.execute([report.id], {})
            with set_user(users['cae_members.group_administrator']):
                for name in names:
                    Model = pool.get(name)
                    view = Model.fields_view_get(view_type=(
                            'tree' if name.endswith('.funder') else 'form'))
                    Model.read(ids[name], list(view['fields']))
                with undone(), self.assertRaises(AccessError):
                    agreement.__class__.write(
                        [agreement.__class__(agreement.id)],
                        {'state': 'closed'})
                with undone(), self.assertRaises((
                            AccessError, AccessButtonError)):
                    agreement.__class__.close(
                        [agreement.__class__(agreement.id)])

    @with_transaction()
    def test_funding_replace(self):
        "A funder merged with another takes its agreements along"
        Replace = Pool().get('party.replace', type='wizard')
        self.assertIn(
            ('cae.funding.agreement', 'funder'), Replace.fields_to_replace())
