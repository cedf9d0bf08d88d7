# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.i18n import gettext
from trytond.model import Index, ModelView, dualmethod, fields
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Bool, Eval, If

from .exceptions import AnalyticPostedError


def _customer_deposit():
    return fields.Boolean(
        "Customer Deposit",
        domain=[
            If((Eval('statement') != 'balance') | Eval('assets', False),
                ('customer_deposit', '=', False), ()),
            ],
        states={
            'invisible': (
                (Eval('statement') != 'balance') | Eval('assets', False)),
            },
        help="Check to allow customer invoices to ask for a deposit "
        "(acompte): no turnover until the final invoice takes it back.")


class TypeTemplate(metaclass=PoolMeta):
    __name__ = 'account.account.type.template'
    customer_deposit = _customer_deposit()

    def _get_type_value(self, type=None):
        values = super()._get_type_value(type=type)
        if not type or type.customer_deposit != self.customer_deposit:
            values['customer_deposit'] = self.customer_deposit
        return values


class Type(metaclass=PoolMeta):
    __name__ = 'account.account.type'
    customer_deposit = _customer_deposit()
    customer_deposit.states['readonly'] = (
        Bool(Eval('template', -1)) & ~Eval('template_override', False))


class Journal(metaclass=PoolMeta):
    __name__ = 'account.journal'
    cooperative = fields.Boolean(
        "Cooperative",
        help="Every line of an invoice in this journal must name its activity "
        "(journal de la coopérative).")


class Move(metaclass=PoolMeta):
    __name__ = 'account.move'

    @classmethod
    def _get_origin(cls):
        return super()._get_origin() + ['cae.closing']

    @dualmethod
    @ModelView.button
    def post(cls, moves):
        """Post the moves, their analytic lines complete and dated as they are.

        The analytic lines are made before the moves are posted because those
        of a posted move are closed to change.
        """
        pool = Pool()
        Activity = pool.get('cae.activity')
        MoveLine = pool.get('account.move.line')
        AnalyticLine = pool.get('analytic_account.line')
        bare = [
            line for move in moves for line in move.lines
            if not line.analytic_lines]
        MoveLine.apply_rule(bare)
        ruled = [line for line in bare if line.analytic_lines]
        if ruled:
            MoveLine.save(ruled)
        misdated = [
            (analytic_line, move.date)
            for move in moves for line in move.lines
            for analytic_line in line.analytic_lines
            if analytic_line.date != move.date]
        if misdated:
            AnalyticLine.write(*sum(
                    ([[line], {'date': date}] for line, date in misdated), []))
        closed = {
            a.analytic_account: a for a in Activity.search([
                    ('company', 'in', list({m.company.id for m in moves})),
                    ('closing_date', '!=', None),
                    ('active', 'in', [True, False]),
                    ], order=[])}
        if closed:
            Activity.check_open(
                (closed[analytic_line.account], move.date,
                    move.origin.rec_name if move.origin
                    else move.description or move.rec_name)
                for move in moves for line in move.lines
                for analytic_line in line.analytic_lines
                if analytic_line.account in closed)
        super().post(moves)


class AnalyticLine(metaclass=PoolMeta):
    __name__ = 'analytic_account.line'
    origin = fields.Reference(
        "Origin", selection='get_origin',
        help="The document of the activity behind this line.")
    description = fields.Char("Description")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_indexes.update({
                Index(t, (t.origin, Index.Equality())),
                Index(t, (t.account, Index.Range()), (t.date, Index.Range())),
                })

    @classmethod
    def _get_origin(cls):
        "Return the names of the models that make analytic lines"
        return ['account.invoice.line', 'cae.fee']

    @classmethod
    def get_origin(cls):
        get_name = Pool().get('ir.model').get_name
        return [(None, '')] + [(m, get_name(m)) for m in cls._get_origin()]

    @classmethod
    def check_modification(cls, mode, lines, values=None, external=False):
        MoveLine = Pool().get('account.move.line')
        super().check_modification(
            mode, lines, values=values, external=external)
        # The account module protects the lines of a posted move, not these
        move_lines = [line.move_line for line in lines]
        if mode == 'write' and values.get('move_line'):
            move_lines.append(MoveLine(values['move_line']))
        for line in move_lines:
            if line.move.state == 'posted':
                raise AnalyticPostedError(gettext(
                        'cae_billing.msg_analytic_line_posted',
                        move=line.move.rec_name))


class FrFEC(metaclass=PoolMeta):
    __name__ = 'account.fr.fec'

    def get_reference(self, line):
        # PieceRef is mandatory (Livre des procédures fiscales, art. A47 A-1)
        return super().get_reference(line) or line.move.number
