# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What an activity did, owes and is owed."""
import datetime as dt
from decimal import Decimal as D
from unittest.mock import patch

from trytond.modules.cae_members.tests.server import (
    clear_cache, with_transaction)
from trytond.pool import Pool

from .tools import YEAR, Cooperative


def _date(month, day):
    return dt.date(YEAR, month, day)


class OverviewMixin:

    @with_transaction()
    def test_months(self):
        "A row for each month with its kinds, and the balance up to it"
        Month = Pool().get('cae.activity.month')
        with Cooperative.enter() as c:
            c.sale(_date(1, 10), 'A1', 1000)
            c.sale(_date(1, 31), 'A1', 500)
            c.invoice(_date(1, 12), ('A1', 80, '6064', []), type='in')
            c.sale(_date(3, 1), 'A1', -200)
            c.move(_date(3, 2), ('5121', 30), ('7588', -30, 'A1'))
            c.sale(_date(3, 2), 'A2', 70)
            months = Month.search([
                    ('activity', '=', c.activity('A1').id),
                    ], order=[('month', 'ASC')])
            names = [
                'month', 'sale', 'purchase', 'fee', 'other', 'result',
                'balance']
            self.assertEqual(
                [tuple(getattr(m, n) for n in names) for m in months], [
                    (_date(1, 1), D(1500), D(-80), D(0), D(0), D(1420),
                        D(1420)),
                    (_date(3, 1), D(-200), D(0), D(0), D(30), D(-170),
                        D(1250)),
                    ])
            self.assertEqual(
                months[-1].balance,
                c.figures(
                    c.activity('A1').results([c.activity('A1')]), 'A1')[0])
            self.assertEqual(months[0].rec_name, "A1 - Activity A1 – 01/2025")

    @with_transaction()
    def test_months_complete(self):
        "The columns of a month, one for each kind, make its result"
        pool = Pool()
        Kind = pool.get('cae.internal.kind')
        Internal = pool.get('cae.internal')
        Month = pool.get('cae.activity.month')
        Movement = pool.get('cae.activity.movement')
        with Cooperative.enter() as c:
            kind, = Kind.search([
                    ('company', '=', c.company.id), ('holders', '=', True)])
            internal, = Internal.create([{
                        'kind': kind.id,
                        'date': _date(1, 20),
                        'from_activity': c.activity('A1').id,
                        'to_activity': c.activity('A2').id,
                        'lines': [('create', [{
                                        'description': "Logo",
                                        'quantity': 1,
                                        'unit_price': D(150),
                                        }])],
                        }])
            Internal.post([internal])
            c.sale(_date(1, 10), 'A1', 1000)
            month, = Month.search([('activity', '=', c.activity('A1').id)])
            self.assertEqual(month.internal, D(150))
            self.assertEqual(
                sum(getattr(month, kind)
                    for kind, _ in Movement.kind.selection),
                month.result)

    @with_transaction()
    def test_dues(self):
        "The activities of an invoice share what is left of it to the cent"
        pool = Pool()
        Date = pool.get('ir.date')
        Due = pool.get('cae.activity.due')
        with Cooperative.enter() as c:
            invoice = c.invoice(
                _date(1, 10),
                ('A1', 100, '706', []), ('A2', 50, '706', []),
                ('A1', 100, '706', []))
            c.pay(_date(1, 15), invoice, amount=D('50.01'))
            paid = c.sale(_date(1, 10), 'A1', 1000)
            c.pay(_date(1, 15), paid)
            c.draft(_date(1, 10), ('A1', 7, '706', []))
            c.invoice(
                _date(1, 12), ('A1', 80, '6064', []), type='in')
            later = c.draft(_date(1, 20), ('A1', 300, '706', []))
            later.payment_term_date = _date(2, 28)
            later.save()
            pool.get('account.invoice').post([later])
            with patch.object(
                    Date, 'today', lambda *args, **kwargs: _date(2, 1)):
                dues = Due.search([
                        ('activity.code', 'in', ['A1', 'A2']),
                        ], order=[('invoice', 'ASC'), ('activity', 'ASC')])
                names = ['type', 'amount', 'amount_late', 'date', 'late']
                self.assertEqual([
                        (d.activity.code, *(getattr(d, n) for n in names))
                        for d in dues], [
                        ('A1', 'out', D('159.99'), D('159.99'),
                            _date(1, 10), 22),
                        ('A2', 'out', D('40.00'), D('40.00'),
                            _date(1, 10), 22),
                        ('A1', 'in', D(-80), D(-80), _date(1, 12), 20),
                        ('A1', 'out', D(300), D(0), _date(2, 28), None),
                        ])
                activity = c.activity('A1')
                self.assertEqual(
                    (activity.receivable, activity.receivable_late,
                        activity.payable),
                    (D('459.99'), D('159.99'), D(80)))
                self.assertEqual(c.activity('A3').receivable, 0)

    @with_transaction()
    def test_forecast(self):
        "Each part of an invoice is expected in its month, to the cent"
        pool = Pool()
        Forecast = pool.get('cae.activity.forecast')
        Term = pool.get('account.invoice.payment_term')
        with Cooperative.enter() as c:
            term, = Term.create([{
                        'name': "Half now",
                        'lines': [('create', [
                                    {'type': 'percent_on_total',
                                        'ratio': D('0.5'), 'divisor': D(2),
                                        'sequence': 1},
                                    {'type': 'remainder', 'sequence': 2,
                                        'relativedeltas': [('create', [
                                                    {'months': 2}])]},
                                    ])],
                        }])
            c.pay(_date(1, 15), c.sale(_date(1, 9), 'A1', 1000))
            invoice = c.invoice(
                _date(1, 10),
                ('A1', 100, '706', []), ('A2', 50, '706', []),
                payment_term=term.id)
            c.invoice(_date(3, 12), ('A1', 80, '6064', []), type='in')
            c.sale(_date(3, 12), 'A1', -10)
            c.draft(_date(3, 12), ('A1', 7, '706', []))

            def rows():
                clear_cache()
                return [
                    (f.activity.code, f.month.month, f.invoices, f.suppliers,
                        f.expected) for f in Forecast.search([])]
            self.assertEqual(rows(), [
                    ('A1', 1, D(50), D(0), D(50)),
                    ('A2', 1, D(25), D(0), D(25)),
                    ('A1', 3, D(38), D(80), D(-42)),
                    ('A2', 3, D(25), D(0), D(25))])
            # The first part, and a cent of the second
            c.pay(_date(1, 15), invoice, amount=D('75.01'))
            self.assertEqual(
                [(code, month, amount)
                    for code, month, amount, *_ in rows()], [
                    ('A1', 1, D(0)), ('A2', 1, D(0)),
                    ('A1', 3, D('37.99')), ('A2', 3, D(25))])
            self.assertEqual(
                Forecast.search([])[0].rec_name, "A1 - Activity A1 – 01/2025")

    @with_transaction()
    def test_first_screen(self):
        "Entrepreneurs begin with their activities, unless they chose"
        pool = Pool()
        Action = pool.get('ir.action')
        Group = pool.get('res.group')
        ModelData = pool.get('ir.model.data')
        User = pool.get('res.user')
        action = Action.get_action_id(
            ModelData.get_id('cae_billing', 'act_activity_overview'))
        entrepreneur, advisor = [
            Group.search([('name', '=', name)])
            for name in ["CAE Entrepreneur", "CAE Advisor"]]
        with Cooperative.enter() as c:
            values = {
                'companies': [('add', [c.company.id])],
                'company': c.company.id,
                }
            own, other, chosen = User.create([
                    {**values, 'name': "Own", 'login': 'own',
                        'groups': [('add', [g.id for g in entrepreneur])]},
                    {**values, 'name': "Other", 'login': 'other',
                        'groups': [('add', [g.id for g in advisor])]},
                    {**values, 'name': "Chosen", 'login': 'chosen',
                        'groups': [('add', [g.id for g in entrepreneur])],
                        'actions': [('add', [
                                    ModelData.get_id(
                                        'cae_billing', 'act_month')])]},
                    ])
            for user, actions in [
                    (own, [action]), (other, []),
                    (chosen, [Action.get_action_id(ModelData.get_id(
                                    'cae_billing', 'act_month'))])]:
                self.assertEqual(
                    User._get_preferences(user)['actions'], actions)
