# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""A person of whom everything is filled, and the doors to what is theirs."""
import datetime as dt
from contextlib import contextmanager

from trytond.model import ModelSQL, ModelView
from trytond.model.exceptions import AccessButtonError, AccessError
from trytond.modules.company.tests import create_employee, set_company
from trytond.pool import Pool
from trytond.res.user import DeleteError
from trytond.transaction import Transaction, without_check_access

from .server import clear_cache, undone

# In all that is written of the person
MARK = "Zyxw"
# What people write for all the others to read
PUBLISHED = {'cae.call', 'cae.call-cae.skill'}
# The models of Tryton that hold what is of a person
PERSON = [
    'party.party', 'party.address', 'party.contact_mechanism',
    'party.identifier', 'company.employee', 'res.user']
# How Tryton refuses; nobody deletes a user
REFUSALS = (AccessError, AccessButtonError, DeleteError)
TEXTS = {'char', 'text'}


def models():
    "Return the names of the stored models of the module"
    return [
        name for name, Model in Pool().iterobject()
        if name.startswith('cae.') and issubclass(Model, ModelSQL)
        and not Model._is_table_query()]


def binaries(Model):
    "Return the names of the stored files of the model"
    return [
        name for name, field in Model._fields.items()
        if field._type == 'binary' and field.sql_type()
        and not hasattr(field, 'getter')]


def texts(Model):
    "Return the names of the stored texts of the model, but for the numbers"
    return [
        name for name, field in Model._fields.items()
        if field._type in TEXTS and field.sql_type()
        and not hasattr(field, 'get')
        and name not in {'code', 'code_alnum', 'number', 'login'}]


class Person:
    """Ana, of whom every model of the module holds something.

    `records` are the ids by model of what only Ana and her advisor may see;
    each has a note and all its texts hold the mark. Bob shares an activity
    with her. A model that can hold something of a person must be filled here.
    """

    def __init__(self, start=dt.date(2025, 1, 1)):
        from .test_module import (
            create_activity, create_contract, create_entrepreneur, create_user,
            setup_company)
        pool = Pool()
        ModelData = pool.get('ir.model.data')
        today = pool.get('ir.date').today()
        tomorrow = today + dt.timedelta(days=1)
        self.company = setup_company()
        with set_company(self.company):
            self.advisor = create_employee(self.company, "Nora")
            self.users = {}
            for name, group in [
                    ('ana', 'entrepreneur'), ('bob', 'entrepreneur'),
                    ('cleo', 'entrepreneur'), ('nora', 'advisor'),
                    ('clerk', 'private'), ('all', 'advisor_all'),
                    ('plain', None)]:
                self.users[name] = create_user(
                    name, self.company,
                    *([f'cae_members.group_{group}'] if group else []))
            pool.get('res.user').write([self.users['nora']], {
                    'employees': [('add', [self.advisor.id])],
                    'employee': self.advisor.id,
                    })
            for name in ['ana', 'bob', 'cleo']:
                setattr(self, name, create_entrepreneur(
                        self.company, name.title(), user=self.users[name],
                        advisor=self.advisor if name == 'ana' else None))
            ana, bob = self.ana, self.bob
            self.contract = create_contract(ana, 'cesa', start)
            create_activity(
                "Crafts", (ana, '0.5', start, None), (bob, '0.5', start, None))

            def create(model, **values):
                record, = pool.get(model).create([values])
                return record
            create('cae.contract.amendment', contract=self.contract.id,
                date=start, subject="x", text="x")
            create('cae.entrepreneur.private', entrepreneur=ana.id)
            create('cae.paper', entrepreneur=ana.id, received_on=start,
                type=ModelData.get_id('cae_members', 'paper_type_bank'),
                file=MARK.encode(), filename="x")
            skill = create('cae.skill', name="Sales")
            create('cae.entrepreneur.skill',
                entrepreneur=ana.id, skill=skill.id)
            create('cae.directory.entry', entrepreneur=ana.id, name="x",
                skills=[('add', [skill.id])])
            create('cae.trainer', entrepreneur=ana.id,
                specialities=[('add', [skill.id])])
            create('cae.connection', user=self.users['ana'].id,
                month=start, last=dt.datetime.combine(start, dt.time(9)))
            create('cae.interview', entrepreneurs=[('add', [ana.id])],
                advisor=self.advisor.id, date=start,
                kind=ModelData.get_id(
                    'cae_members', 'interview_kind_individual'))
            for author in [ana, self.cleo]:
                call = create('cae.call', author=author.id, title="Call",
                    text="Call", skills=[('add', [skill.id])])
            create('cae.call.answer',
                call=call.id, entrepreneur=ana.id, text="x")
            workshop = create('cae.workshop', name="Accounting")
            session = create('cae.workshop.session', workshop=workshop.id,
                start=dt.datetime.combine(tomorrow, dt.time(9)),
                end=dt.datetime.combine(tomorrow, dt.time(10)))
            pool.get('cae.workshop.session').open([session])
            create('cae.workshop.registration',
                session=session.id, entrepreneur=ana.id)
            for name, values in [
                    ('cae.absence', {'from_date': start, 'to_date': start}),
                    ('cae.outside_activity', {
                            'kind': 'employee', 'from_date': start}),
                    ('cae.aid', {
                            'kind': 'grant', 'date': start,
                            'organisation': self.company.party.id}),
                    ('cae.target.membership', {
                            'from_date': start, 'certificate_date': start,
                            'ground': ModelData.get_id(
                                'cae_members', 'target_ground_income')}),
                    ]:
                create(name, entrepreneur=ana.id, **values)
            create('cae.settlement', entrepreneur=ana.id, date=today)
            Deadline = pool.get('cae.deadline')
            deadline, *_ = Deadline.search([('entrepreneur', '=', ana.id)])
            Deadline.deal_with([deadline])
            create('cae.deadline.reminder', deadline=deadline.id,
                date=today, deadline_date=deadline.date, notice=1)
            self.changes = pool.get('cae.entrepreneur.change').propose(
                ana.id, {'phone': "1", 'emergency_phone': "1"})
            create('cae.retention.due', company=self.company.id,
                entrepreneur=ana.id, date=today, retention=ModelData.get_id(
                    'cae_members', 'retention_paper'))
            create('party.contact_mechanism',
                party=ana.party.id, type='other', value="x")
            create('party.identifier', party=ana.party.id, code="x")
            with Transaction().set_user(self.users['clerk'].id):
                Private = pool.get('cae.entrepreneur.private')
                Private._keep_reading(
                    [p.id for p in Private.search([])])
        self.paths = {
            name: path for name in models() if name not in PUBLISHED
            and (path := self.path(pool.get(name)))}
        self.collect()
        missing = [name for name, ids in self.records.items() if not ids]
        assert not missing, f"nothing of Ana in {missing}"
        self.mark()
        for name, ids in self.records.items():
            # Where people can put them
            if (issubclass(pool.get(name), ModelView)
                    and (name not in PERSON or name == 'party.party')):
                for resource, field in [
                        ('ir.attachment', 'name'), ('ir.note', 'message')]:
                    pool.get(resource).create([{
                                'resource': f'{name},{id_}', field: MARK,
                                } for id_ in ids])
        clear_cache()

    def collect(self):
        "Find the records of the person"
        pool = Pool()
        party = self.ana.party
        self.records = {
            name: [r.id for r in pool.get(name).search(
                    [(path, '=', self.ana.id)])]
            for name, path in self.paths.items()}
        self.records.update({
                'party.party': [party.id],
                'party.address': [a.id for a in party.addresses],
                'party.contact_mechanism': [
                    m.id for m in party.contact_mechanisms],
                'party.identifier': [i.id for i in party.identifiers],
                'company.employee': [self.contract.employee.id],
                'res.user': [self.ana.user.id],
                'cae.connection': [c.id for c in pool.get(
                        'cae.connection').search(
                        [('user', '=', self.ana.user.id)])],
                })

    @staticmethod
    def path(Model, depth=3):
        "Return the path from the model to a person, None if there is none"
        if Model.__name__ == 'cae.entrepreneur':
            return 'id'
        todo = [((), Model)]
        for _ in range(depth):
            following = []
            for path, M in todo:
                for name, field in M._fields.items():
                    if field._type not in {'many2one', 'many2many'} or (
                            hasattr(field, 'getter')):
                        continue
                    Target = field.get_target()
                    if Target.__name__ == 'cae.entrepreneur':
                        return '.'.join((*path, name))
                    if (field._type == 'many2one' and field.required
                            and field.ondelete == 'CASCADE'
                            and Target.__name__.startswith('cae.')
                            and Target.__name__ not in PUBLISHED):
                        following.append(((*path, name), Target))
            todo = following

    def mark(self):
        "Write the mark in all the texts and files of the person"
        pool = Pool()
        cursor = Transaction().connection.cursor()
        for name, ids in self.records.items():
            Model = pool.get(name)
            table = Model.__table__()
            for names, mark in [
                    (texts(Model), MARK), (binaries(Model), MARK.encode())]:
                if names:
                    cursor.execute(*table.update(
                            [getattr(table, n) for n in names],
                            [mark] * len(names),
                            where=table.id.in_(ids)))

    @contextmanager
    def as_(self, name):
        "Act as the user does through the clients"
        from .test_module import set_user
        with set_user(self.users[name]):
            yield


class Sweep:
    """Every way of reading, of the user of the transaction.

    `leaks` are the doors through which something of the person is seen.
    """

    def __init__(self, records):
        pool = Pool()
        Access = pool.get('ir.model.access')
        self.records = records
        self.leaks, self.tried = [], 0
        self.models = [
            name for name, Model in pool.iterobject()
            if issubclass(Model, ModelSQL)]
        access = Access.get_access(self.models)
        self.models = sorted(
            n for n in self.models if access[n]['read'] is not False)

    def try_(self, door, function):
        "Note a door that is not refused and tells of the person"
        self.tried += 1
        try:
            found = function()
        except REFUSALS:
            return
        except Exception as error:
            # What Tryton cannot do it cannot for anybody
            with without_check_access():
                try:
                    function()
                except Exception:
                    if MARK not in str(error):
                        return
            self.leaks.append((door, error))
            return
        if found and (found is True or MARK in repr(found)):
            self.leaks.append((door, found))

    def try_all(self, door, names, function):
        "Try the names at once, or each when one of them is closed"
        try:
            function(names)
        except REFUSALS:
            for name in names:
                self.try_((*door, name), lambda: function([name]))
        else:
            self.try_(door, lambda: function(names))

    def run(self, names):
        for name in names:
            self.sweep_records(name)
            self.sweep_changes(name)
        for name in self.models:
            self.sweep_values(name)
            self.sweep_paths(name)
        self.sweep_wizards(names)
        self.sweep_reports()
        self.sweep_resources()

    def sweep_records(self, name):
        "The records themselves"
        Model = Pool().get(name)
        ids = self.records[name]
        domain = [('id', 'in', ids)]
        for door, function in {
                'search': lambda: bool(Model.search(domain)),
                'inactive': lambda: 'active' in Model._fields and bool(
                    Model.search([domain, ('active', '=', False)])),
                'all': lambda: bool(
                    {r.id for r in Model.search([])} & set(ids)),
                'count': lambda: bool(Model.search_count(domain)),
                'search_read': lambda: bool(Model.search_read(domain)),
                'export': lambda: bool(
                    Model.export_data_domain(domain, ['id'])),
                'export ids': lambda: bool(Model.export_data(
                        Model.browse(ids), ['id'])),
                'rec_name': lambda: bool(Model.search(
                        [('rec_name', 'like', f'%{MARK}%')])),
                'autocomplete': lambda: issubclass(Model, ModelView) and any(
                    r['id'] in ids for r in Model.autocomplete(MARK)),
                'resources': lambda: any(
                    r.resources() and True for r in Model.browse(ids)
                    if any(r.resources().values())),
                }.items():
            self.try_((name, door), function)
        for id_ in ids:
            for field in [['id'], ['rec_name'], list(Model._fields)]:
                self.try_(
                    (name, 'read', id_),
                    lambda: bool(Model.read([id_], field)))

    def sweep_changes(self, name):
        "What changes, copies or acts on the records"
        Model = Pool().get(name)
        ids = self.records[name]
        operations = {
            'write': lambda: Model.write(Model.browse(ids), {}),
            'delete': lambda: Model.delete(Model.browse(ids)),
            'copy': lambda: Model.copy(Model.browse(ids)),
            }
        for button in getattr(Model, '_buttons', {}):
            operations[button] = (
                lambda button=button: getattr(Model, button)(
                    Model.browse(ids)))
        for door, operation in operations.items():
            with undone():
                self.try_((name, door), lambda: [operation(), True][1])

    def sweep_values(self, name):
        "What the records that the user may read say"
        pool = Pool()
        Model = pool.get(name)
        try:
            own = Model.search([], limit=100)
        except REFUSALS:
            return
        if name in self.records or (
                name.startswith('cae.') and name not in PUBLISHED):
            if issubclass(Model, ModelView):
                self.sweep_on_change(name)
            names = [
                f'{n}.rec_name'
                if field._type in {'many2one', 'reference'} else n
                for n, field in Model._fields.items()
                if field._type != 'binary']
            self.try_all((name, 'read'), names, lambda names: Model.read(
                    [r.id for r in own], names))
        if not name.startswith('cae.'):
            return
        # An order by what they point at would tell of it
        for n, field in Model._fields.items():
            if field._type == 'many2one' and (
                    target := field.get_target().__name__) in self.records:
                self.try_((name, 'points', n), lambda: any(
                        r[n] in self.records[target]
                        for r in Model.read([r.id for r in own], [n])))

    def sweep_on_change(self, name):
        "What the forms compute from ids of the person"
        Model = Pool().get(name)
        values = {
            n: self.records[target][0] for n, field in Model._fields.items()
            if field._type == 'many2one'
            and (target := field.get_target().__name__) in self.records}
        for n in Model._fields:
            if hasattr(Model, f'on_change_with_{n}'):
                self.try_((name, 'on_change_with', n), lambda: (
                        Model(**values).on_change_with([n])._changed_values()
                        ))
            if hasattr(Model, f'on_change_{n}'):
                self.try_((name, 'on_change', n), lambda: (
                        Model(**values).on_change([n])._changed_values()))
        with Transaction().set_context(
                active_model=name, active_id=self.records.get(name, [-1])[0]):
            self.try_((name, 'default_get'), lambda: Model.default_get(
                    list(Model._fields), with_rec_name=True))

    def relations(self, name, depth=2):
        "Yield (path, target, whether by a reference) from the model"
        pool = Pool()
        todo = [((), name)]
        for _ in range(depth):
            following = []
            for path, model in todo:
                for n, field in pool.get(model)._fields.items():
                    if n in {'create_uid', 'write_uid'}:
                        continue
                    if field._type == 'reference':
                        if not path:
                            for target in self.records:
                                yield (n,), target, True
                    elif hasattr(field, 'get_target') and (
                            Target := field.get_target()):
                        target = Target.__name__
                        if target in self.records:
                            yield (*path, n), target, False
                        if target in self.models:
                            following.append(((*path, n), target))
            todo = following

    def sweep_paths(self, name):
        "What is found and read of others through relations"
        pool = Pool()
        Model = pool.get(name)
        searchable = {}
        try:
            own = Model.search([], limit=20)
        except REFUSALS:
            return
        depth = 2 if name in PERSON or name.startswith('cae.') else 1
        for path, target, reference in self.relations(name, depth):
            if path[0] not in searchable:
                searchable[path[0]] = Model._fields[path[0]].searchable(Model)
            Target = pool.get(target)
            dotted = '.'.join(path)
            extra = (target,) if reference else ()
            names = texts(Target)
            if searchable[path[0]]:
                clauses = [
                    (f'{dotted}.id', 'in', self.records[target], *extra),
                    (f'{dotted}.rec_name', 'like', MARK, *extra)]
                if names:
                    clauses.append(['OR', *(
                                (f'{dotted}.{n}', 'like', MARK, *extra)
                                for n in names)])
                if not reference:
                    nested = [('id', 'in', self.records[target])]
                    for n in reversed(path[1:]):
                        nested = [(n, 'where', nested)]
                    clauses.append((path[0], 'where', nested))
                for clause in clauses:
                    self.try_((name, clause), lambda: bool(
                            Model.search([clause], limit=1)))
            if reference or not names or not own:
                continue
            self.try_all((name, 'read', dotted), names,
                lambda names: Model.read(
                    [r.id for r in own], [f'{dotted}.{n}' for n in names]))
            self.try_all((name, 'export', dotted), names,
                lambda names: Model.export_data(
                    own, ['/'.join([*path, n]) for n in names]))

    def sweep_wizards(self, names):
        pool = Pool()
        for wizard, Wizard in pool.iterobject(type='wizard'):
            if not wizard.startswith(('cae.', 'party.')):
                continue
            for name in names:
                ids = self.records[name]

                def run():
                    session, start, end = Wizard.create()
                    return Wizard.execute(session, {}, start)
                with undone(), Transaction().set_context(
                        active_model=name, active_ids=ids, active_id=ids[0]):
                    self.try_((wizard, name), run)

    def sweep_reports(self):
        pool = Pool()
        transaction = Transaction()
        with transaction.set_user(1), transaction.set_context(
                _check_access=False):
            actions = [(a.report_name, a.model, a.id) for a in pool.get(
                    'ir.action.report').search([])]
        for report, model, id_ in actions:
            if model in self.records:
                Report = pool.get(report, type='report')
                self.try_((report, model), lambda: bool(Report.execute(
                            self.records[model], {'action_id': id_})))

    def sweep_resources(self):
        pool = Pool()
        for name in ['ir.attachment', 'ir.note']:
            Model = pool.get(name)
            for model, ids in self.records.items():
                if model in PERSON and model != 'party.party':
                    continue
                resource = f'{model},{ids[0]}'
                self.try_((name, model), lambda: bool(Model.search(
                            [('resource', '=', resource)])))
                with undone():
                    self.try_((name, model, 'create'), lambda: bool(
                            Model.create([{'resource': resource, (
                                            'name' if name == 'ir.attachment'
                                            else 'message'): "Mine"}])))
