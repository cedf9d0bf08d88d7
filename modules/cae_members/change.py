# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What entrepreneurs ask to be changed in their own record."""
from collections import defaultdict

from trytond.i18n import gettext
from trytond.model import Index, ModelSQL, ModelView, Workflow, fields
from trytond.pool import Pool
from trytond.pyson import Eval
from trytond.tools.email_ import EmailNotValidError, validate_email
from trytond.transaction import Transaction, without_check_access
from trytond.wizard import Button, StateTransition, StateView, Wizard

from .entrepreneur import EDUCATIONS
from .exceptions import ChangeAccessError, ChangeError
from .model import (
    AdvisorMixin, ChangeableMixin, EntrepreneurCompanyMixin, own_entrepreneur)

# The fields by the record on which they are
CONTACT = ['phone', 'email']
ADDRESS = ['street', 'postal_code', 'city']
RECORD = ['project', 'education']
PRIVATE = [
    'social_security_number', 'nationality', 'bank_account',
    'emergency_contact', 'emergency_phone']


class Change(
        AdvisorMixin, EntrepreneurCompanyMixin, ChangeableMixin, Workflow,
        ModelSQL, ModelView):
    """What an entrepreneur asks to be changed in their own record.

    Nothing changes before staff confirms it. What is private stands in a
    request of its own, for those who keep the private records, and its
    values are only kept until it is handled.
    """
    __name__ = 'cae.entrepreneur.change'
    __string__ = "Change Request"

    entrepreneur = fields.Many2One(
        'cae.entrepreneur', "Entrepreneur", required=True, readonly=True,
        ondelete='CASCADE')
    date = fields.Date("Date", required=True, readonly=True)
    private = fields.Boolean(
        "Private", readonly=True,
        help="The request is for those who keep the private records.")
    lines = fields.One2Many(
        'cae.entrepreneur.change.line', 'change', "Changes", readonly=True)
    summary = fields.Function(fields.Char("Changes"), 'get_summary')
    reason = fields.Text(
        "Reason",
        states={
            'readonly': Eval('state') != 'proposed',
            'required': Eval('state') == 'refused',
            },
        help="Why the request is refused; the entrepreneur reads it.")
    handled_by = fields.Many2One(
        'res.user', "Handled By", readonly=True, ondelete='RESTRICT')
    # The user may be an entrepreneur, whom the others may not read
    handled_by_name = fields.Function(fields.Char(
            "Handled By",
            states={
                'invisible': ~Eval('handled_by_name'),
                }),
        'get_handled_by_name')
    handled_on = fields.Date(
        "Handled On", readonly=True,
        states={
            'invisible': ~Eval('handled_on'),
            })
    state = fields.Selection([
            ('proposed', "Proposed"),
            ('confirmed', "Confirmed"),
            ('refused', "Refused"),
            ('withdrawn', "Withdrawn"),
            ], "State", required=True, readonly=True, sort=False)

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_indexes.update({
                Index(t, (t.entrepreneur, Index.Range())),
                Index(t, (t.state, Index.Equality(cardinality='low')),
                    where=t.state == 'proposed'),
                })
        cls._order = [('date', 'DESC'), ('id', 'DESC')]
        cls._transitions |= {
            ('proposed', 'confirmed'),
            ('proposed', 'refused'),
            ('proposed', 'withdrawn'),
            }
        cls._buttons.update({
                name: {
                    'invisible': Eval('state') != 'proposed',
                    'depends': ['state'],
                    } for name in ['confirm', 'refuse', 'withdraw']})

    @classmethod
    def default_date(cls):
        return Pool().get('ir.date').today()

    @classmethod
    def default_state(cls):
        return 'proposed'

    @classmethod
    def get_summary(cls, changes, name):
        return {
            c.id: ', '.join(line.field_string for line in c.lines)
            for c in changes}

    @classmethod
    def get_handled_by_name(cls, changes, name):
        with without_check_access():
            return {
                c.id: c.handled_by.rec_name if c.handled_by else None
                for c in cls.browse(changes)}

    def get_rec_name(self, name):
        lang = Pool().get('ir.lang').get()
        return f'{self.entrepreneur.rec_name} – {lang.strftime(self.date)}'

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('entrepreneur.rec_name', *clause[1:])]

    @classmethod
    def check_modification(cls, mode, changes, values=None, external=False):
        if external and (mode != 'write' or values.keys() - {'reason'}):
            raise ChangeAccessError(gettext('cae_members.msg_change_modify'))
        super().check_modification(
            mode, changes, values=values, external=external)

    @classmethod
    def present(cls, entrepreneurs):
        """Return {entrepreneur id: {field: present value}}.

        Values are texts, also the ids; None when empty.
        """
        pool = Pool()
        Entrepreneur = pool.get('cae.entrepreneur')
        Private = pool.get('cae.entrepreneur.private')
        result = {}
        with without_check_access():
            entrepreneurs = Entrepreneur.browse(entrepreneurs)
            private = {
                p.entrepreneur: p for p in Private.search([
                        ('entrepreneur', 'in',
                            [e.id for e in entrepreneurs]),
                        ], order=[])}
            for entrepreneur in entrepreneurs:
                party = entrepreneur.party
                address = party.address_get()
                values = result[entrepreneur.id] = {}
                for name in CONTACT:
                    mechanism = cls._mechanism(party, name)
                    values[name] = mechanism.value if mechanism else None
                for record, names in [
                        (address, ADDRESS),
                        (entrepreneur, RECORD),
                        (private.get(entrepreneur), PRIVATE)]:
                    for name in names:
                        value = getattr(record, name) if record else None
                        if name == 'nationality' and value:
                            value = str(value.id)
                        values[name] = value or None
        return result

    @classmethod
    def _mechanism(cls, party, name):
        return party.contact_mechanism_get(
            {'phone', 'mobile'} if name == 'phone' else name)

    @classmethod
    def propose(cls, entrepreneur, values):
        """Return the requests of an entrepreneur, given by id.

        `values` is {field: value} of the whole record as wished; only what
        differs is kept. What was proposed before and waits is withdrawn, for
        the new request stands for it. Raise ChangeError when nothing differs
        or a value is not valid.
        """
        pool = Pool()
        Private = pool.get('cae.entrepreneur.private')
        with without_check_access():
            present = cls.present([entrepreneur])[entrepreneur]
            values = Private.preprocess_values('write', {
                    name: (value.strip() or None)
                    if isinstance(value, str) else value
                    for name, value in values.items()})
            cls._check_values(values)
            lines = {True: [], False: []}
            for name in CONTACT + ADDRESS + RECORD + PRIVATE:
                value = values.get(name)
                value = None if value is None else str(value)
                if value != ((present[name] or '').strip() or None):
                    lines[name in PRIVATE].append({
                            'field': name,
                            'old': present[name],
                            'new': value,
                            })
            if not any(lines.values()):
                raise ChangeError(gettext('cae_members.msg_change_none'))
            cls.withdraw(cls.search([
                        ('entrepreneur', '=', entrepreneur),
                        ('state', '=', 'proposed'),
                        ]))
            # Whose readings are kept
            if lines[True] and not Private.search([
                        ('entrepreneur', '=', entrepreneur),
                        ], order=[]):
                Private.create([{'entrepreneur': entrepreneur}])
            changes = cls.create([{
                        'entrepreneur': entrepreneur,
                        'private': private,
                        'lines': [('create', lines_)],
                        } for private, lines_ in lines.items() if lines_])
            cls._notify_staff(changes)
        return changes

    @classmethod
    def _check_values(cls, values):
        Private = Pool().get('cae.entrepreneur.private')
        Private.check_numbers(
            values.get('social_security_number'), values.get('bank_account'))
        if email := values.get('email'):
            try:
                if '@' not in email:
                    raise EmailNotValidError
                # The library that checks more is not always there
                validate_email(email)
            except EmailNotValidError as error:
                raise ChangeError(gettext(
                        'cae_members.msg_change_email',
                        email=email)) from error

    @classmethod
    def _notify_staff(cls, changes):
        "Tell those who confirm that there is something to confirm"
        pool = Pool()
        Group = pool.get('res.group')
        ModelData = pool.get('ir.model.data')
        User = pool.get('res.user')
        for change in changes:
            if change.private:
                users = Group(ModelData.get_id(
                        'cae_members', 'group_private')).users
            elif change.advisor:
                users = User.search([('employees', '=', change.advisor.id)])
            else:
                users = []
            for user in users:
                if change.company in user.companies:
                    cls.notify_user(
                        [change], 'tryton-cae-entrepreneur',
                        gettext('cae_members.msg_change_proposed',
                            entrepreneur=change.entrepreneur.rec_name),
                        user=user)

    @classmethod
    @ModelView.button
    @Workflow.transition('confirmed')
    def confirm(cls, changes):
        """Change the records as the entrepreneurs asked.

        Raise ChangeError when the record is no longer what the entrepreneur
        saw, or when the user is the entrepreneur.
        """
        pool = Pool()
        cls.lock(changes)
        cls._check_handled(changes)
        Address = pool.get('party.address')
        Mechanism = pool.get('party.contact_mechanism')
        Private = pool.get('cae.entrepreneur.private')
        present = cls.present({c.entrepreneur.id for c in changes})
        private = {
            p.entrepreneur: p for p in Private.search([
                    ('entrepreneur', 'in', [
                            c.entrepreneur.id for c in changes if c.private]),
                    ], order=[])}
        to_save = defaultdict(dict)
        for change in changes:
            entrepreneur = change.entrepreneur
            party = entrepreneur.party
            address = party.address_get() or Address(party=party)
            for line in change.lines:
                name, value = line.field, line.new
                if present[entrepreneur.id][name] != line.old:
                    raise ChangeError(gettext(
                            'cae_members.msg_change_changed',
                            change=change.rec_name,
                            field=line.field_string))
                if name in CONTACT:
                    record = cls._mechanism(party, name)
                    if record is None:
                        record = Mechanism(party=party, type=name)
                    if value is None:
                        name, value = 'active', False
                    else:
                        name = 'value'
                elif name in ADDRESS:
                    record = address
                elif name in RECORD:
                    record = entrepreneur
                else:
                    record = private[entrepreneur]
                    if name == 'nationality' and value:
                        value = int(value)
                setattr(record, name, value)
                to_save[type(record)][id(record)] = record
        for Model, records in to_save.items():
            Model.save(list(records.values()))
        cls._handle(changes)

    @classmethod
    @ModelView.button
    @Workflow.transition('refused')
    def refuse(cls, changes):
        "Refuse the requests; raise ChangeError when one has no reason"
        cls._check_handled(changes)
        for change in changes:
            if not change.reason:
                raise ChangeError(gettext(
                        'cae_members.msg_change_no_reason',
                        change=change.rec_name))
        cls._handle(changes)

    @classmethod
    @ModelView.button
    @Workflow.transition('withdrawn')
    def withdraw(cls, changes):
        "Take back what was asked, before it is handled"
        cls._forget(changes)

    @classmethod
    def _check_handled(cls, changes):
        "Check that nobody handles their own request"
        user = Transaction().user
        for change in changes:
            if change.entrepreneur.user and (
                    change.entrepreneur.user.id == user):
                raise ChangeError(gettext(
                        'cae_members.msg_change_own', change=change.rec_name))

    @classmethod
    def _handle(cls, changes):
        "Record who handled the requests, and tell the entrepreneurs"
        cls.write(changes, {
                'handled_by': Transaction().user,
                'handled_on': Pool().get('ir.date').today(),
                })
        cls._forget(changes)
        for change in changes:
            if user := change.entrepreneur.user:
                cls.notify_user(
                    [change], 'tryton-cae-entrepreneur',
                    gettext('cae_members.msg_change_handled'), user=user)

    @classmethod
    def _forget(cls, changes):
        "Keep no private value outside of the private record"
        Line = Pool().get('cae.entrepreneur.change.line')
        Line.write(
            sum((list(c.lines) for c in changes if c.private), []),
            {'old': None, 'new': None})


class ChangeLine(ModelSQL, ModelView):
    "A field that an entrepreneur asks to be changed"
    __name__ = 'cae.entrepreneur.change.line'
    __string__ = "Change"

    change = fields.Many2One(
        'cae.entrepreneur.change', "Request", required=True, readonly=True,
        ondelete='CASCADE')
    field = fields.Selection([
            ('phone', "Phone"),
            ('email', "E-Mail"),
            ('street', "Street"),
            ('postal_code', "Postal Code"),
            ('city', "City"),
            ('project', "Project"),
            ('education', "Education"),
            ('social_security_number', "Social Security Number"),
            ('nationality', "Nationality"),
            ('bank_account', "Bank Account"),
            ('emergency_contact', "Emergency Contact"),
            ('emergency_phone', "Emergency Phone"),
            ], "Field", required=True, readonly=True, sort=False)
    field_string = field.translated('field')
    old = fields.Text("Stored Old Value", readonly=True)
    new = fields.Text("Stored New Value", readonly=True)
    old_value = fields.Function(fields.Text(
            "Old Value",
            help="What the record held when the change was proposed.\n"
            "Private values are no longer kept once it is handled."),
        'get_values')
    new_value = fields.Function(fields.Text("New Value"), 'get_values')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('change')
        t = cls.__table__()
        cls._sql_indexes.add(Index(t, (t.change, Index.Range())))
        cls._order = [('change', 'DESC'), ('id', 'ASC')]

    def get_rec_name(self, name):
        return self.field_string

    @classmethod
    def get_values(cls, lines, names):
        "Return the values as people read them"
        pool = Pool()
        Country = pool.get('country.country')
        Entrepreneur = pool.get('cae.entrepreneur')
        educations = dict(Entrepreneur.fields_get(
                ['education'])['education']['selection'])
        result = {name: {} for name in names}
        for name in names:
            for line in lines:
                value = getattr(line, name.removesuffix('_value'))
                if value and line.field == 'education':
                    value = educations[value]
                elif value and line.field == 'nationality':
                    value = Country(int(value)).rec_name
                result[name][line.id] = value
        return result

    @classmethod
    def read(cls, ids, fields_names):
        result = super().read(ids, fields_names)
        if (Transaction().check_access
                and set(fields_names) & {
                    'old', 'new', 'old_value', 'new_value'}):
            cls._keep_reading(ids)
        return result

    @classmethod
    def export_data(cls, records, fields_names, *args, **kwargs):
        if Transaction().check_access:
            cls._keep_reading([r.id for r in records])
        return super().export_data(records, fields_names, *args, **kwargs)

    @classmethod
    def _keep_reading(cls, ids):
        "Keep that the user read private values, as of the private records"
        Private = Pool().get('cae.entrepreneur.private')
        with without_check_access():
            private = Private.search([
                    ('entrepreneur', 'in', [
                            line.change.entrepreneur.id
                            for line in cls.browse(ids)
                            if line.change.private]),
                    ], order=[])
        Private._keep_reading([p.id for p in private])


class ChangePropose(Wizard):
    "Propose changes of one's own record"
    __name__ = 'cae.entrepreneur.change.propose'

    start = StateView(
        'cae.entrepreneur.change.propose.start',
        'cae_members.change_propose_start_view_form', [
            Button("Cancel", 'end', 'tryton-cancel'),
            Button("Propose", 'propose', 'tryton-ok', default=True),
            ])
    propose = StateTransition()

    @classmethod
    def _own(cls):
        "Return the id of the entrepreneur of the user"
        company = Transaction().context.get('company')
        entrepreneur = company and own_entrepreneur(company)
        if not entrepreneur:
            raise ChangeError(gettext('cae_members.msg_change_no_record'))
        return entrepreneur

    def default_start(self, fields):
        "Return the present values, with what was proposed and waits"
        Line = Pool().get('cae.entrepreneur.change.line')
        entrepreneur = self._own()
        with without_check_access():
            Change = Pool().get('cae.entrepreneur.change')
            values = Change.present([entrepreneur])[entrepreneur]
            for line in Line.search([
                        ('change.entrepreneur', '=', entrepreneur),
                        ('change.state', '=', 'proposed'),
                        ]):
                values[line.field] = line.new
        if values['nationality']:
            values['nationality'] = int(values['nationality'])
        return values

    def transition_propose(self):
        Change = Pool().get('cae.entrepreneur.change')
        values = {
            name: getattr(self.start, name, None)
            for name in CONTACT + ADDRESS + RECORD + PRIVATE}
        if values['nationality']:
            values['nationality'] = values['nationality'].id
        Change.propose(self._own(), values)
        return 'end'


class ChangeProposeStart(ModelView):
    "A copy of the record, for the entrepreneur to change"
    __name__ = 'cae.entrepreneur.change.propose.start'
    __string__ = "Change My Record"

    phone = fields.Char("Phone")
    email = fields.Char("E-Mail")
    street = fields.Text("Street")
    postal_code = fields.Char("Postal Code")
    city = fields.Char("City")
    project = fields.Text(
        "Project", help="What you want to do, in your own words.")
    education = fields.Selection(
        [(None, "")] + EDUCATIONS, "Education", sort=False)
    social_security_number = fields.Char(
        "Social Security Number",
        help="The number on your card: 15 digits in France, 11 in Belgium.")
    nationality = fields.Many2One('country.country', "Nationality")
    bank_account = fields.Char(
        "Bank Account", help="The IBAN on which you are paid.")
    emergency_contact = fields.Char(
        "Emergency Contact", help="Whom to call if something happens to you.")
    emergency_phone = fields.Char("Emergency Phone")
