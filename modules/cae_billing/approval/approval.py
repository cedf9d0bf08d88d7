# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import datetime as dt

from sql import Literal, Null, Union
from sql.aggregate import Max
from sql.operators import Concat

from trytond.i18n import gettext
from trytond.model import (
    Check, Index, Model, ModelSQL, ModelView, Workflow, fields)
from trytond.model.exceptions import AccessError
from trytond.modules.cae_members.model import CompanyCurrencyMixin
from trytond.modules.currency.fields import Monetary
from trytond.pool import Pool
from trytond.pyson import Eval
from trytond.transaction import Transaction, without_check_access
from trytond.wizard import Button, StateTransition, StateView, Wizard

from ..exceptions import ApprovalError
from .access import is_entrepreneur


class Ceiling(CompanyCurrencyMixin, ModelSQL, ModelView):
    """Up to which amount an entrepreneur posts documents alone.

    It limits each document, not the sum of several. Of the ceilings that
    apply to a document the lowest counts; without any nothing is posted
    alone.
    """
    __name__ = 'cae.approval.ceiling'
    __string__ = "Approval Ceiling"

    company = fields.Many2One(
        'company.company', "Company", required=True, ondelete='CASCADE')
    entrepreneur = fields.Many2One(
        'cae.entrepreneur', "Entrepreneur", ondelete='CASCADE',
        domain=[('company', '=', Eval('company', -1))],
        states={
            'required': ~Eval('activity'),
            'invisible': Eval('activity', False),
            },
        help="Who may post alone, in each of their activities.")
    activity = fields.Many2One(
        'cae.activity', "Activity", ondelete='CASCADE',
        domain=[('company', '=', Eval('company', -1))],
        states={
            'required': ~Eval('entrepreneur'),
            'invisible': Eval('entrepreneur', False),
            },
        help="The activity whose holders may post alone.")
    kind = fields.Selection('get_kinds', "Document", required=True)
    from_date = fields.Date("From", required=True)
    to_date = fields.Date(
        "To", help="The last day.\nLeave empty while it goes on.")
    amount = Monetary(
        "Ceiling", currency='currency', digits='currency',
        domain=['OR', ('amount', '=', None), ('amount', '>=', 0)],
        help="The untaxed amount of one document, as an absolute value.\n"
        "Leave empty for no ceiling. The sum of several documents is not "
        "limited.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('subject', Check(t,
                    ((t.entrepreneur != Null) & (t.activity == Null))
                    | ((t.entrepreneur == Null) & (t.activity != Null))),
                'cae_billing.msg_ceiling_subject'),
            ('dates', Check(t,
                    (t.to_date == Null) | (t.from_date <= t.to_date)),
                'cae_billing.msg_ceiling_dates'),
            ]
        cls._sql_indexes.update({
                Index(t, (t.entrepreneur, Index.Range())),
                Index(t, (t.activity, Index.Range())),
                })
        cls._order = [('from_date', 'DESC'), ('id', 'DESC')]

    @staticmethod
    def default_company():
        return Transaction().context.get('company')

    @classmethod
    def default_from_date(cls):
        return Pool().get('ir.date').today()

    @classmethod
    def get_kinds(cls):
        "Return the kinds of documents that have a ceiling"
        return [
            ('invoice', gettext('cae_billing.msg_ceiling_invoice')),
            ('credit_note', gettext('cae_billing.msg_ceiling_credit_note')),
            ]

    def get_rec_name(self, name):
        subject = self.entrepreneur or self.activity
        return f'{subject.rec_name} - {dict(self.get_kinds())[self.kind]}'

    @classmethod
    def search_rec_name(cls, name, clause):
        return ['OR',
            ('entrepreneur.rec_name', *clause[1:]),
            ('activity.rec_name', *clause[1:]),
            ]

    @classmethod
    def check(cls, document, kind, amount, activities, date):
        """Refuse that the user posts the document alone.

        ``amount`` is the untaxed amount in the currency of the company and
        ``activities`` are those of the lines: each must be held by the user
        today and have a ceiling at the date, of its own or of its holder.
        Raises ApprovalError.
        """
        pool = Pool()
        Lang = pool.get('ir.lang')
        entrepreneurs, own = pool.get('ir.rule')._cae_own()
        company = document.company
        kind_name = dict(cls.get_kinds())[kind]
        for activity in activities:
            with without_check_access():
                found = cls.search([
                        ('company', '=', company.id),
                        ('kind', '=', kind),
                        ('from_date', '<=', date),
                        ['OR',
                            ('to_date', '=', None),
                            ('to_date', '>=', date),
                            ],
                        ['OR',
                            ('activity', '=', activity.id),
                            ('entrepreneur', 'in', entrepreneurs),
                            ],
                        ])
                limits = [c.amount for c in found]
            if activity.id not in own or not limits:
                raise ApprovalError(gettext(
                        'cae_billing.msg_approval_no_ceiling',
                        document=document.rec_name,
                        kind=kind_name,
                        activity=activity.rec_name))
            limits = [limit for limit in limits if limit is not None]
            if limits and abs(amount) > min(limits):
                lang = Lang.get()
                raise ApprovalError(gettext(
                        'cae_billing.msg_approval_ceiling',
                        document=document.rec_name,
                        kind=kind_name,
                        amount=lang.currency(abs(amount), company.currency),
                        ceiling=lang.currency(min(limits), company.currency)))


class ApprovalMixin(Model):
    """A document that is submitted, and approved or given back.

    Its name stands in ``_get_documents`` of ``cae.approval.event``, and the
    rules of that model say who reads what was done with it.
    """
    __slots__ = ()
    approval_events = fields.One2Many(
        'cae.approval.event', 'document', "History", readonly=True)
    approval_comment = fields.Function(fields.Text(
            "What Must Change",
            states={
                'invisible': ~Eval('approval_comment'),
                }),
        'get_approval_comment')

    def get_approval_comment(self, name):
        "The comment of a refusal that nothing was done about yet"
        last = self.approval_events[0] if self.approval_events else None
        if last and last.action == 'refuse':
            return last.comment

    @classmethod
    def copy(cls, documents, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('approval_events', None)
        return super().copy(documents, default=default)

    @classmethod
    def refuse_submission(cls, documents, comment):
        """Give the documents back to who submitted them.

        The model checks who may. Raises ApprovalError when the comment is
        empty.
        """
        cls._note(documents, 'refuse', comment)

    @classmethod
    def _note(cls, documents, action, comment=None):
        "Keep that the user does the action"
        Pool().get('cae.approval.event').add(documents, action, comment)


class DraftApprovalMixin(ApprovalMixin):
    """A document of Tryton that is approved while it is a draft.

    Its model has ``_check_own``, which refuses an entrepreneur what is not
    theirs, and ``_check_activities``.
    """
    __slots__ = ()
    approval = fields.Selection([
            (None, ""),
            ('submitted', "Submitted"),
            ('refused', "Refused"),
            ('approved', "Approved"),
            ], "Approval", readonly=True, sort=False,
        states={
            'invisible': ~Eval('approval'),
            })

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_indexes.add(Index(
                t, (t.approval, Index.Equality(cardinality='low')),
                where=t.approval == 'submitted'))

    @classmethod
    def copy(cls, documents, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('approval', None)
        if Transaction().check_access and is_entrepreneur():
            # The fields that are closed to them are copied too
            cls.read([d.id for d in documents], ['id'])
            cls._check_own(documents)
            with without_check_access():
                return super().copy(documents, default=default)
        return super().copy(documents, default=default)

    @classmethod
    def _check_complete(cls, documents):
        "Refuse to submit what could not go on"
        for document in documents:
            if not document.line_lines:
                raise ApprovalError(gettext(
                        'cae_billing.msg_approval_empty',
                        invoice=document.rec_name))
        cls._check_activities(documents)

    def _check_ceiling(self, kind, activities):
        "Return today when the user may go on alone with the document"
        pool = Pool()
        Ceiling = pool.get('cae.approval.ceiling')
        Currency = pool.get('currency.currency')
        Date = pool.get('ir.date')
        with Transaction().set_context(company=self.company.id):
            today = Date.today()
        with Transaction().set_context(date=today):
            amount = Currency.compute(
                self.currency, self.untaxed_amount, self.company.currency)
        Ceiling.check(self, kind, amount, activities, today)
        return today

    @classmethod
    @ModelView.button
    def submit(cls, documents):
        "Ask for the approval of drafts, which are closed until the answer"
        cls._check_own(documents)
        cls._check_complete(documents)
        cls.write(documents, {'approval': 'submitted'})
        cls._note(documents, 'submit')

    @classmethod
    @ModelView.button
    def withdraw(cls, documents):
        "Take submitted documents back to change them"
        cls._check_own(documents)
        cls.write(documents, {'approval': None})
        cls._note(documents, 'withdraw')

    @classmethod
    def _accept(cls, documents):
        "Note the approval of what was submitted and goes on"
        accepted = [d for d in documents if d.approval == 'submitted']
        if accepted:
            cls.write(accepted, {'approval': 'approved'})
            cls._note(accepted, 'approve')

    @classmethod
    @ModelView.button
    @Workflow.transition('draft')
    def draft(cls, documents):
        approved = [d for d in documents if d.approval == 'approved']
        super().draft(documents)
        if approved:
            cls.write(approved, {'approval': None})
            cls._note(approved, 'reopen')

    @classmethod
    def check_modification(cls, mode, documents, values=None, external=False):
        if external and (
                mode == 'write' and 'approval' in values
                or mode == 'create' and any(d.approval for d in documents)):
            raise AccessError(gettext('cae_billing.msg_approval_by_button'))
        super().check_modification(
            mode, documents, values=values, external=external)


class Event(ModelSQL, ModelView):
    "What was asked for or decided about a document; it is only added to"
    __name__ = 'cae.approval.event'
    __string__ = "Approval Event"

    document = fields.Reference(
        "Document", selection='get_documents', required=True, readonly=True)
    company = fields.Many2One(
        'company.company', "Company", required=True, readonly=True,
        ondelete='CASCADE')
    user = fields.Many2One(
        'res.user', "User", required=True, readonly=True,
        ondelete='RESTRICT')
    author = fields.Function(fields.Char("Author"), 'get_author')
    time = fields.Timestamp("Time", required=True, readonly=True)
    time.format = '%H:%M'
    action = fields.Selection([
            ('submit', "Submitted"),
            ('withdraw', "Taken Back"),
            ('refuse', "Refused"),
            ('approve', "Approved"),
            ('reopen', "Opened Again"),
            ('post', "Posted"),
            ('post_alone', "Posted Within the Ceiling"),
            ('waive', "Waived"),
            ('reverse', "Reversed"),
            ('give_up', "Rest Given Up"),
            ], "Action", required=True, readonly=True, sort=False)
    action_string = action.translated('action')
    comment = fields.Text("Comment", readonly=True)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_indexes.add(Index(t, (t.document, Index.Equality())))
        cls._order = [('time', 'DESC'), ('id', 'DESC')]

    @classmethod
    def _get_documents(cls):
        "Return the names of the models that are approved"
        return ['account.invoice', 'cae.expense', 'cae.internal']

    @classmethod
    def get_documents(cls):
        get_name = Pool().get('ir.model').get_name
        return [(m, get_name(m)) for m in cls._get_documents()]

    @classmethod
    def get_author(cls, events, name):
        with without_check_access():
            return {e.id: e.user.name for e in cls.browse(events)}

    @classmethod
    def add(cls, documents, action, comment=None):
        """Add that the user did the action now on the documents.

        Raises ApprovalError when a refusal has no comment.
        """
        if action == 'refuse' and not (comment or '').strip():
            raise ApprovalError(gettext(
                    'cae_billing.msg_approval_comment',
                    document=documents[0].rec_name))
        user, now = Transaction().user, dt.datetime.now()
        with without_check_access():
            cls.create([{
                        'document': str(document),
                        'company': document.company.id,
                        'user': user,
                        'time': now,
                        'action': action,
                        'comment': comment,
                        } for document in documents])

    @classmethod
    def check_modification(cls, mode, events, values=None, external=False):
        if mode != 'create':
            raise AccessError(gettext('cae_billing.msg_approval_event_kept'))
        super().check_modification(
            mode, events, values=values, external=external)


class Pending(ModelSQL, ModelView):
    """The documents that wait for approval, whatever they are.

    A model of ApprovalMixin takes part with a query in ``_queries``.
    """
    __name__ = 'cae.approval.pending'
    __string__ = "To Approve"

    document = fields.Reference(
        "Document", selection='get_documents', readonly=True)
    company = fields.Many2One('company.company', "Company", readonly=True)
    activity = fields.Many2One('cae.activity', "Activity", readonly=True)
    advisor = fields.Many2One('company.employee', "Advisor", readonly=True)
    party = fields.Many2One(
        'party.party', "Party", readonly=True,
        context={
            'company': Eval('company', -1),
            },
        depends={'company'})
    submitted_at = fields.Timestamp("Submitted", readonly=True)
    currency = fields.Function(
        fields.Many2One('currency.currency', "Currency"), 'get_amount')
    amount = fields.Function(Monetary(
            "Amount", currency='currency', digits='currency',
            help="Without the VAT that is collected or recovered."),
        'get_amount')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._order = [('submitted_at', 'ASC'), ('id', 'ASC')]

    @classmethod
    def get_documents(cls):
        return Pool().get('cae.approval.event').get_documents()

    @classmethod
    def _queries(cls):
        """Return (table, values) for each model of documents.

        The table has a column company; values are the name of the model,
        the columns activity and party, which documents wait and the field
        of their amount.
        """
        invoice = Pool().get('account.invoice').__table__()
        expense = Pool().get('cae.expense').__table__()
        internal = Pool().get('cae.internal').__table__()
        entrepreneur = Pool().get('cae.entrepreneur').__table__()
        return [
            (invoice, {
                    'model': 'account.invoice',
                    'activity': invoice.activity,
                    'party': invoice.party,
                    'where': (invoice.state == 'draft')
                    & (invoice.approval == 'submitted'),
                    'amount': 'untaxed_amount',
                    }),
            (expense, {
                    'model': 'cae.expense',
                    'activity': expense.activity,
                    'party': entrepreneur.select(
                        entrepreneur.party,
                        where=entrepreneur.id == expense.entrepreneur),
                    'where': expense.state == 'submitted',
                    'amount': 'total',
                    }),
            (internal, {
                    'model': 'cae.internal',
                    'activity': internal.to_activity,
                    'party': Literal(None),
                    'where': internal.state == 'proposed',
                    'amount': 'amount',
                    }),
            ]

    @classmethod
    def table_query(cls):
        pool = Pool()
        Activity = pool.get('cae.activity')
        Event = pool.get('cae.approval.event')
        queries = cls._queries()
        selects = []
        for i, (table, values) in enumerate(queries):
            activity, event = Activity.__table__(), Event.__table__()
            document = Concat(values['model'] + ',', table.id.cast('VARCHAR'))
            selects.append(table.join(
                    activity, 'LEFT',
                    condition=values['activity'] == activity.id
                    ).select(
                    # A number of its own for each document of each model
                    (table.id * len(queries) + i).as_('id'),
                    document.as_('document'),
                    table.company.as_('company'),
                    activity.id.as_('activity'),
                    activity.advisor.as_('advisor'),
                    values['party'].as_('party'),
                    event.select(
                        Max(event.time),
                        where=(event.document == document)
                        & (event.action == 'submit')).as_('submitted_at'),
                    where=values['where']))
        return Union(*selects, all_=True) if len(selects) > 1 else selects[0]

    @classmethod
    def get_amount(cls, pendings, names):
        pool = Pool()
        fields = {v['model']: v['amount'] for _, v in cls._queries()}
        ids = {}
        for pending in pendings:
            ids.setdefault(pending.document.__name__, []).append(
                pending.document.id)
        documents = {
            str(d): d for model, ids_ in ids.items()
            for d in pool.get(model).browse(ids_)}
        result = {name: {} for name in names}
        for pending in pendings:
            document = documents[str(pending.document)]
            if 'currency' in names:
                result['currency'][pending.id] = document.currency.id
            if 'amount' in names:
                result['amount'][pending.id] = getattr(
                    document, fields[document.__name__])
        return result


class Refuse(Wizard):
    "Give documents back to who submitted them, with what must change"
    __name__ = 'cae.approval.refuse'
    start = StateView(
        'cae.approval.refuse.start',
        'cae_billing.approval_refuse_start_view_form', [
            Button("Cancel", 'end', 'tryton-cancel'),
            Button("Refuse", 'refuse', 'tryton-ok', default=True),
            ])
    refuse = StateTransition()

    def transition_refuse(self):
        self.model.refuse_submission(self.records, self.start.comment)
        return 'end'

    def end(self):
        return 'reload'


class RefuseStart(ModelView):
    __name__ = 'cae.approval.refuse.start'
    comment = fields.Text(
        "What Must Change", required=True,
        help="Shown to the entrepreneur, who submits the document again.")
