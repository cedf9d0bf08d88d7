# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

from collections import defaultdict
from decimal import Decimal

from sql import Null
from sql.aggregate import Sum

from trytond.i18n import gettext
from trytond.model import Index, ModelSQL, ModelView, Unique, Workflow, fields
from trytond.modules.cae_members.model import CompanyCurrencyMixin
from trytond.modules.cae_members.query import fetch
from trytond.modules.currency.fields import Monetary
from trytond.pool import Pool
from trytond.pyson import Bool, Eval
from trytond.tools import is_full_text, lstrip_wildcard
from trytond.transaction import Transaction, without_check_access

from .exceptions import AssociateAccessError, AssociateValidationError

_OPERATORS = {
    '=': lambda a, b: a == b,
    '!=': lambda a, b: a != b,
    '<': lambda a, b: a < b,
    '<=': lambda a, b: a <= b,
    '>': lambda a, b: a > b,
    '>=': lambda a, b: a >= b,
    'in': lambda a, b: a in b,
    'not in': lambda a, b: a not in b,
    }


class Associate(CompanyCurrencyMixin, Workflow, ModelSQL, ModelView):
    """A party who owns the company with others and votes in its assemblies.

    Membership runs from the admission to the day before the loss.  It is
    apart from the shares: who has left may still hold some until they are
    refunded.
    """
    __name__ = 'cae.associate'
    __string__ = "Associate"

    company = fields.Many2One(
        'company.company', "Company", required=True, ondelete='RESTRICT',
        states={
            'readonly': Eval('id', -1) >= 0,
            },
        help="The cooperative to which the associate belongs.")
    number = fields.Char(
        "Number", readonly=True,
        help="The number in the register, given at the admission.")
    party = fields.Many2One(
        'party.party', "Party", required=True, ondelete='RESTRICT',
        states={
            'readonly': Eval('state') != 'applicant',
            },
        context={
            'company': Eval('company', -1),
            },
        depends={'company'},
        help="The person or body that is an associate (associé).")
    category = fields.Selection([
            ('employed', "Employed"),
            ('former', "Formerly Employed"),
            ('external', "External"),
            ], "Category", required=True, sort=False,
        help="Whether the associate works in the cooperative.\n"
        "The votes of all the external ones are at most 35 % (loi 47-1775, "
        "art. 3 bis).")
    admission_date = fields.Date(
        "Admission Date",
        states={
            'required': Eval('state') != 'applicant',
            },
        help="The first day of the membership.")
    admission_decision = fields.Char(
        "Admission Decision",
        states={
            'required': Eval('state') != 'applicant',
            },
        help="The decision that admitted the associate: the assembly and the "
        "resolution (loi 78-763, art. 7), or the clause of the statutes.")
    lost_date = fields.Date(
        "Lost On",
        domain=['OR',
            ('lost_date', '=', None),
            ('lost_date', '>=', Eval('admission_date', None)),
            ],
        states={
            'invisible': Eval('state') == 'applicant',
            'required': Bool(Eval('loss_reason')),
            },
        help="The first day without membership.")
    loss_reason = fields.Selection([
            (None, ""),
            ('resignation', "Resignation"),
            ('contract', "End of the Contract"),
            ('retirement', "Retirement"),
            ('exclusion', "Exclusion"),
            ('death', "Death or Dissolution"),
            ('other', "Other"),
            ], "Reason of Loss", sort=False,
        states={
            'invisible': Eval('state') == 'applicant',
            'required': Bool(Eval('lost_date')),
            },
        help="Why the membership is lost (loi 78-763, art. 10 and 11).")
    movements = fields.One2Many(
        'cae.share.movement', 'associate', "Share Movements", readonly=True)
    holdings = fields.Function(
        fields.Integer("Shares",
            help="The number of shares held at the date."),
        'get_holdings', searcher='search_holdings')
    capital = fields.Function(
        Monetary("Capital", currency='currency', digits='currency',
            help="The nominal value of the shares held at the date."),
        'get_holdings')
    capital_due = fields.Function(
        Monetary("Capital Due", currency='currency', digits='currency',
            help="What the associate still owes on the shares."),
        'get_balances')
    capital_to_refund = fields.Function(
        Monetary("Capital to Refund", currency='currency', digits='currency',
            help="What the cooperative owes for the shares refunded."),
        'get_balances')
    member = fields.Function(
        fields.Boolean("Member",
            help="If the party is an associate at the date."),
        'get_member', searcher='search_member')
    state = fields.Selection([
            ('applicant', "Applicant"),
            ('admitted', "Admitted"),
            ], "State", readonly=True, required=True, sort=False)

    @classmethod
    def __setup__(cls):
        cls.number.search_unaccented = False
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('number_unique', Unique(t, t.company, t.number),
                'cae_governance.msg_associate_number_unique'),
            ]
        cls._sql_indexes.update({
                Index(t, (t.company, Index.Range())),
                Index(t, (t.party, Index.Range())),
                Index(t, (t.number, Index.Similarity())),
                })
        cls._order = [('number', 'ASC NULLS FIRST'), ('id', None)]
        cls._transitions |= {('applicant', 'admitted')}
        cls._buttons.update({
                'admit': {
                    'invisible': Eval('state') != 'applicant',
                    'depends': ['state'],
                    },
                })

    @classmethod
    def default_company(cls):
        return Transaction().context.get('company')

    @classmethod
    def default_category(cls):
        return 'employed'

    @classmethod
    def default_state(cls):
        return 'applicant'

    def get_rec_name(self, name):
        if self.number:
            return f'{self.party.rec_name} ({self.number})'
        return self.party.rec_name

    @classmethod
    def search_rec_name(cls, name, clause):
        _, operator, operand, *extra = clause
        if operator.startswith('!') or operator.startswith('not '):
            bool_op = 'AND'
        else:
            bool_op = 'OR'
        number_value = operand
        if operator.endswith('like') and is_full_text(operand):
            number_value = lstrip_wildcard(operand)
        return [bool_op,
            ('number', operator, number_value, *extra),
            ('party.rec_name', operator, operand, *extra),
            ]

    @classmethod
    def _date(cls):
        return (Transaction().context.get('share_date')
            or Pool().get('ir.date').today())

    @classmethod
    def _member_at(cls, table, date):
        "Return the SQL condition to be an associate at the date"
        return (
            (table.state == 'admitted')
            & (table.admission_date <= date)
            & ((table.lost_date == Null) | (table.lost_date > date)))

    @classmethod
    def members_at(cls, company, date):
        """Return the associates of the company at the date, by number.

        They are those who can take part in an assembly then.
        """
        return cls.search([
                ('company', '=', int(company)),
                cls._member_domain(date),
                ], order=[('number', 'ASC'), ('id', 'ASC')])

    @classmethod
    def _member_domain(cls, date):
        return [
            ('state', '=', 'admitted'),
            ('admission_date', '<=', date),
            ['OR',
                ('lost_date', '=', None),
                ('lost_date', '>', date),
                ],
            ]

    def is_member(self, date):
        "Return whether the party is an associate at the date"
        return bool(
            self.state == 'admitted'
            and self.admission_date <= date
            and (not self.lost_date or self.lost_date > date))

    @classmethod
    def get_member(cls, associates, name):
        date = cls._date()
        return {a.id: a.is_member(date) for a in associates}

    @classmethod
    def search_member(cls, name, clause):
        cursor = Transaction().connection.cursor()
        table = cls.__table__()
        cursor.execute(*table.select(
                table.id, where=cls._member_at(table, cls._date())))
        members = [id_ for id_, in cursor]
        _, operator, value = clause[:3]
        if (operator == '=') == bool(value):
            return [('id', 'in', members)]
        return [('id', 'not in', members)]

    @classmethod
    def get_holdings(cls, associates, names):
        pool = Pool()
        Movement = pool.get('cae.share.movement')
        date = cls._date()
        result = {}
        if 'holdings' in names:
            result['holdings'] = Movement.holdings(associates, date)
        if 'capital' in names:
            result['capital'] = Movement.holdings(
                associates, date, amount=True)
        return result

    @classmethod
    def search_holdings(cls, name, clause):
        pool = Pool()
        Movement = pool.get('cae.share.movement')
        _, operator, value = clause[:3]
        test = _OPERATORS[operator]
        with without_check_access():
            associates = cls.search([], order=[])
        holdings = Movement.holdings(associates, cls._date())
        return [('id', 'in', [
                    i for i, shares in holdings.items()
                    if test(shares, value)])]

    @classmethod
    def get_balances(cls, associates, names):
        pool = Pool()
        Line = pool.get('account.move.line')
        Move = pool.get('account.move')
        Value = pool.get('cae.configuration.value')
        table = cls.__table__()
        line = Line.__table__()
        move = Move.__table__()
        value = Value.__table__()
        date = cls._date()

        result = {n: {a.id: Decimal(0) for a in associates} for n in names}
        for name in names:
            if name == 'capital_due':
                account = value.capital_due_account
                balance = Sum(line.debit - line.credit)
            else:
                account = value.capital_refund_account
                balance = Sum(line.credit - line.debit)
            query = table.join(value,
                condition=value.company == table.company
                ).join(line,
                condition=(line.account == account)
                & (line.party == table.party)
                ).join(move, condition=move.id == line.move
                ).select(
                    table.id, balance.as_('balance'),
                    where=fields.SQL_OPERATORS['in'](
                        table.id, [a.id for a in associates])
                    & (move.state == 'posted')
                    & (move.date <= date),
                    group_by=[table.id])
            result[name].update(fetch(query, [None, 'NUMERIC']))
            for associate in associates:
                result[name][associate.id] = associate.currency.round(
                    result[name][associate.id])
        return result

    @classmethod
    @ModelView.button
    @Workflow.transition('admitted')
    def admit(cls, associates):
        "Enter the applicants in the register with the next numbers"
        pool = Pool()
        Configuration = pool.get('cae.configuration')
        by_company = defaultdict(list)
        for associate in associates:
            if not associate.admission_date or (
                    not associate.admission_decision):
                raise AssociateValidationError(gettext(
                        'cae_governance.msg_associate_no_admission',
                        associate=associate.rec_name))
            by_company[associate.company].append(associate)
        for company, records in by_company.items():
            sequence = Configuration.get_capital(
                company, 'associate_sequence')
            records.sort(key=lambda a: (a.admission_date, a.id))
            args = []
            for associate, number in zip(
                    records, sequence.get_many(len(records))):
                args.extend([[associate], {'number': number}])
            cls.write(*args)

    @classmethod
    def validate_fields(cls, associates, field_names):
        super().validate_fields(associates, field_names)
        cls.check_overlap(associates, field_names)
        cls.check_movements(associates, field_names)

    @classmethod
    def check_overlap(cls, associates, field_names=None):
        "Check that nobody is an associate twice at the same time"
        if field_names and not (field_names & {
                    'party', 'company', 'state',
                    'admission_date', 'lost_date'}):
            return
        records = defaultdict(list)
        for associate in cls.search([
                    ('party', 'in', list({a.party.id for a in associates})),
                    ], order=[]):
            records[associate.party, associate.company].append(associate)
        for same in records.values():
            if sum(a.state == 'applicant' for a in same) > 1:
                raise AssociateValidationError(gettext(
                        'cae_governance.msg_associate_twice',
                        associate=same[0].party.rec_name))
            same = sorted(
                (a for a in same if a.state != 'applicant'),
                key=lambda a: a.admission_date)
            for before, after in zip(same, same[1:]):
                if (not before.lost_date
                        or before.lost_date > after.admission_date):
                    raise AssociateValidationError(gettext(
                            'cae_governance.msg_associate_twice',
                            associate=after.party.rec_name))

    @classmethod
    def check_movements(cls, associates, field_names=None):
        "Check that shares were acquired during the membership"
        pool = Pool()
        Movement = pool.get('cae.share.movement')
        if field_names and not (
                field_names & {'admission_date', 'lost_date'}):
            return
        Movement.check_membership(Movement.search([
                    ('associate', 'in', [a.id for a in associates]),
                    ], order=[]))

    @classmethod
    def check_modification(cls, mode, associates, values=None, external=False):
        pool = Pool()
        Roll = pool.get('cae.assembly.roll')
        super().check_modification(
            mode, associates, values=values, external=external)
        if (mode == 'create' and external
                and any(a.state != 'applicant' or a.number
                    for a in associates)):
            raise AssociateAccessError(
                gettext('cae_governance.msg_associate_create'))
        if mode == 'delete':
            for associate in associates:
                if associate.state != 'applicant':
                    raise AssociateAccessError(gettext(
                            'cae_governance.msg_associate_delete',
                            associate=associate.rec_name))
        elif mode == 'write':
            if external and values.keys() & {'state', 'number'}:
                raise AssociateAccessError(
                    gettext('cae_governance.msg_associate_create'))
            if external and 'party' in values:
                for associate in associates:
                    if associate.state != 'applicant':
                        raise AssociateAccessError(gettext(
                                'cae_governance.msg_associate_party',
                                associate=associate.rec_name))
            if values.keys() & {
                    'company', 'admission_date', 'admission_decision'}:
                used = [a for a in associates if a.movements]
                used += [r.associate for r in Roll.search([
                            ('associate', 'in', [a.id for a in associates]),
                            ], limit=1, order=[])]
                if used:
                    raise AssociateAccessError(gettext(
                            'cae_governance.msg_associate_admission_used',
                            associate=used[0].rec_name))

    @classmethod
    def copy(cls, associates, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('number', None)
        default.setdefault('state', 'applicant')
        default.setdefault('admission_date', None)
        default.setdefault('admission_decision', None)
        default.setdefault('lost_date', None)
        default.setdefault('loss_reason', None)
        default.setdefault('movements', None)
        return super().copy(associates, default=default)


class AssociateContext(ModelView):
    __name__ = 'cae.associate.context'
    __string__ = "Register of Associates"

    company = fields.Many2One('company.company', "Company", required=True)
    share_date = fields.Date(
        "Date", required=True,
        help="The register as it was at the end of this day.")

    @classmethod
    def default_company(cls):
        return Transaction().context.get('company')

    @classmethod
    def default_share_date(cls):
        return (Transaction().context.get('share_date')
            or Pool().get('ir.date').today())
