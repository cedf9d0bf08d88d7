# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import datetime as dt
import json
import zipfile
from contextlib import contextmanager
from decimal import Decimal
from io import BytesIO
from unittest import TestCase
from xml.etree import ElementTree

from trytond.model.exceptions import (
    AccessButtonError, AccessError, SQLConstraintError)
from trytond.modules.cae_members.exceptions import DirectoryError, SkillError
from trytond.modules.cae_members.tests import server
from trytond.modules.cae_members.tests.server import (
    find, undone, with_transaction)
from trytond.modules.cae_members.tests.test_module import (
    create_user, refused, set_user)
from trytond.modules.company.tests import create_employee
from trytond.pool import Pool
from trytond.tests.test_tryton import drop_db

from .test_picture import jpeg, png
from .test_support import World

LATITUDE, LONGITUDE = Decimal('47.218371'), Decimal('-1.553621')


def content(document):
    "Return the texts of the document and the names of its pictures"
    file = zipfile.ZipFile(BytesIO(document))
    return file.read('content.xml').decode(), [
        n for n in file.namelist() if n.startswith('Pictures/')], file


class DirectoryTestCase(TestCase):
    "Test photos and places, the print of skills and the trainer cards"
    module = 'cae_members'
    extras = None

    @classmethod
    def setUpClass(cls):
        server.activate(cls)

    @classmethod
    def tearDownClass(cls):
        drop_db()

    @contextmanager
    def entries(self):
        "Ana and Bob have an entry, of which that of Ana is published"
        pool = Pool()
        Entry = pool.get('cae.directory.entry')
        Skill = pool.get('cae.skill')
        with World.enter() as world:
            skill, = Skill.create([{'name': "Pottery"}])
            for person in [world.ana, world.bob]:
                with set_user(person.user):
                    entry, = Entry.create([{
                                'presentation': "Bowls",
                                'skills': [('add', [skill.id])],
                                'photo': png(30, 40),
                                'place': "Nantes",
                                'latitude': LATITUDE,
                                'longitude': LONGITUDE,
                                }])
                    setattr(world, f'entry_{entry.name.lower()}', entry.id)
            with set_user(world.ana.user):
                Entry.publish(Entry.browse([world.entry_ana]))
            yield world

    @with_transaction()
    def test_entry(self):
        "Photos are pictures, and points lie on the earth"
        Entry = Pool().get('cae.directory.entry')
        with self.entries() as world, set_user(world.ana.user):
            entry = Entry(world.entry_ana)
            self.assertEqual(entry.skill_names, "Pottery")
            self.assertEqual(Entry.search(
                    [('skill_names', 'ilike', '%pott%')]), [entry])
            self.assertEqual(Entry.search(
                    [('skill_names', 'ilike', 'Sewing')]), [])
            self.assertEqual(
                entry.map_url, 'https://www.openstreetmap.org/'
                '?mlat=47.218371&mlon=-1.553621#map=15/47.218371/-1.553621')
            self.assertEqual(
                entry.get_photo_cm(3, 3)[1:],
                ('image/png', '2.25cm', '3.00cm'))
            for values in [
                    {'photo': b'%PDF-1.7'}, {'photo': b'GIF89a'},
                    {'photo': png(1, 1) + bytes(2 * 1024 * 1024)},
                    {'latitude': Decimal('90.000001')},
                    {'latitude': Decimal('-91')},
                    {'longitude': Decimal('180.1')},
                    {'longitude': Decimal('NaN')},
                    {'longitude': Decimal('-Infinity')},
                    {'latitude': Decimal('1e400')},
                    {'latitude': None}, {'longitude': None}]:
                with self.subTest(values=values), refused(DirectoryError):
                    Entry.write([entry], values)
            for values in [
                    {'photo': jpeg(3, 4)},
                    {'photo': png(1, 1) + bytes(2 * 1024 * 1024 - 24)},
                    {'latitude': Decimal(90), 'longitude': Decimal(-180)},
                    ]:
                Entry.write([entry], values)
            Entry.write([entry], {
                    'latitude': Decimal(0), 'longitude': Decimal(0)})
            self.assertIn('#map=15/0', Entry(entry.id).map_url)
            Entry.write([entry], {'latitude': None, 'longitude': None})
            self.assertEqual(Entry(entry.id).map_url, None)
            self.assertEqual(
                [e.id for e in Entry.search(
                        [('rec_name', 'ilike', "nantes")])], [entry.id])

    def printed(self, name, user, ids):
        "Print the report as the client does for the user"
        pool = Pool()
        action, = pool.get('ir.action.report').search(
            [('report_name', '=', name)])
        Report = pool.get(name, type='report')
        with set_user(user):
            return Report.execute(ids, {'action_id': action.id})

    @with_transaction()
    def test_map(self):
        "The map has the published entries that the user may read"
        pool = Pool()
        Entrepreneur = pool.get('cae.entrepreneur')
        Entry = pool.get('cae.directory.entry')
        name = 'cae.directory.entry.map'
        with self.entries() as world:
            ids = [world.entry_ana, world.entry_bob]
            for user, asked in [
                    (world.nora, ids), (world.bob.user, ids),
                    (world.cleo.user, ids[:1])]:
                extension, text, _, title = self.printed(name, user, asked)
                self.assertEqual(extension, 'geojson')
                feature, = json.loads(
                    text, parse_float=Decimal)['features']
                self.assertEqual(feature['properties'], {
                        'name': "Ana", 'presentation': "Bowls",
                        'place': "Nantes", 'skills': "Pottery",
                        'website': None})
                self.assertEqual(
                    feature['geometry']['coordinates'],
                    [LONGITUDE, LATITUDE])
            stranger = create_user('stranger', world.company)
            for user, asked in [
                    (world.cleo.user, ids), (world.ana.user, ids),
                    (stranger, ids[:1])]:
                with refused(AccessError):
                    self.printed(name, user, asked)
            with refused(DirectoryError, "published"):
                self.printed(name, world.bob.user, ids[1:])
            with undone():
                Entry.write([Entry(world.entry_ana)], {
                        'latitude': None, 'longitude': None})
                with self.assertRaisesRegex(DirectoryError, "latitude"):
                    self.printed(name, world.nora, ids)
            # Who left is not shown, to the staff neither
            Entrepreneur.write([world.ana], {
                    'exit_date': dt.date(2026, 6, 30),
                    'exit_outcome': 'other'})
            with refused(DirectoryError, "published"):
                self.printed(name, world.nora, ids)

    @with_transaction()
    def test_print(self):
        "The printed directory has the photos of who is published"
        Entry = Pool().get('cae.directory.entry')
        with self.entries() as world:
            ids = [world.entry_ana, world.entry_bob]
            extension, document, *_ = self.printed(
                'cae.directory.entry', world.nora, ids)
            self.assertEqual(extension, 'odt')
            text, pictures, file = content(document)
            for found in ["Ana", "Nantes", "Pottery"]:
                self.assertIn(found, text)
            self.assertNotIn("Bob", text)
            self.assertNotIn("xt:placeholder-type", text)
            self.assertEqual(
                [file.read(p) for p in pictures], [png(30, 40)])
            with set_user(world.bob.user):
                Entry.write([Entry(world.entry_bob)], {'photo': None})
                Entry.publish([Entry(world.entry_bob)])
            text, pictures, _ = content(self.printed(
                    'cae.directory.entry', world.cleo.user, ids)[1])
            self.assertIn("Bob", text)
            self.assertEqual(len(pictures), 1)

    @with_transaction()
    def test_skills(self):
        "The skills of a person are printed for them and their advisor only"
        pool = Pool()
        EntrepreneurSkill = pool.get('cae.entrepreneur.skill')
        Lang = pool.get('ir.lang')
        Skill = pool.get('cae.skill')
        User = pool.get('res.user')
        with World.enter() as world:
            pool.get('cae.entrepreneur').write(
                [world.ana], {'advisor': world.advisor.id})
            skills = Skill.create([
                    {'name': name}
                    for name in ["Sales", "Prices & <x>", "Law"]])
            for skill, level, target in zip(
                    skills, [None, 'able', 'expert'],
                    ['expert', 'able', None]):
                EntrepreneurSkill.create([{
                            'entrepreneur': world.ana.id, 'skill': skill.id,
                            'level': level, 'target_level': target,
                            'target_date': target and dt.date(2026, 5, 1),
                            'note': "Shy"}])
            omar = create_user(
                'omar', world.company, 'cae_members.group_advisor')
            employee = create_employee(world.company, "Omar")
            User.write([omar], {
                    'employees': [('add', [employee.id])],
                    'employee': employee.id})
            name, ids = 'cae.entrepreneur.skill', [world.ana.id]
            for user in [world.ana.user, world.nora]:
                text, (picture,), file = content(
                    self.printed(name, user, ids)[1])
                for found in ["Sales", "Prices &amp; &lt;x&gt;", "Able",
                        "05/01/2026", "☑", "☐", "Shy"]:
                    self.assertIn(found, text)
                svg = ElementTree.fromstring(file.read(picture))
                self.assertEqual(
                    len(svg.findall('{http://www.w3.org/2000/svg}polygon')),
                    2)
            for user in [world.bob.user, world.cleo.user]:
                with refused(AccessError):
                    self.printed(name, user, ids)
            # He reads the path of the person, not this
            with refused(SkillError, "may read"):
                self.printed(name, omar, ids)
            with refused(SkillError, "Note the skills"):
                self.printed(name, world.nora, [world.bob.id])
            french, = Lang.search([('code', '=', 'fr')])
            world.ana.party.lang = french
            world.ana.party.save()
            text, *_ = content(self.printed(name, world.nora, ids)[1])
            self.assertIn("01.05.2026", text)

    @with_transaction()
    def test_trainer(self):
        "Who teaches writes their card, which the advisors read"
        pool = Pool()
        Attachment = pool.get('ir.attachment')
        Skill = pool.get('cae.skill')
        Trainer = pool.get('cae.trainer')
        Relation = pool.get('cae.trainer-cae.skill')
        with World.enter() as world:
            pool.get('cae.entrepreneur').write(
                [world.ana], {'advisor': world.advisor.id})
            sales, = Skill.create([{'name': "Sales"}])
            law, = Skill.create([{'name': "Law", 'parent': sales.id}])
            other = create_employee(world.company, "Omar")
            omar = create_user(
                'omar', world.company, 'cae_members.group_advisor')
            pool.get('res.user').write([omar], {
                    'employees': [('add', [other.id])],
                    'employee': other.id})
            everybody = create_user(
                'all', world.company, 'cae_members.group_advisor_all')
            plain = create_user('plain', world.company)
        with set_user(world.ana.user):
            card, = Trainer.create([{
                        'specialities': [('add', [law.id])],
                        'speciality_note': "Contracts",
                        'motivation': "Sharing",
                        }])
            self.assertEqual(
                (card.rec_name, card.available), ("Ana", True))
            Attachment.create([{
                        'resource': str(card), 'name': "Diploma"}])
        card = card.id
        with set_user(world.bob.user):
            own, = Trainer.create([{'available': False}])
            own = own.id
            self.assertEqual([t.id for t in Trainer.search([])], [own])
            for clause in [
                    ('motivation', '=', "Sharing"),
                    ('specialities', '=', law.id),
                    ('rec_name', 'ilike', "%law%")]:
                self.assertEqual(Trainer.search([clause]), [])
            self.assertEqual(Relation.search([]), [])
            self.assertEqual(find(Attachment, []), [])
            for action in [
                    lambda: Trainer.read([card], ['rec_name']),
                    lambda: Trainer.write([Trainer(card)], {'public': "x"}),
                    lambda: Trainer.delete([Trainer(card)]),
                    lambda: Trainer.copy([Trainer(card)]),
                    lambda: Trainer.create([{
                                'entrepreneur': world.cleo.id}]),
                    lambda: Trainer.write([Trainer(own)], {
                            'entrepreneur': world.cleo.id}),
                    lambda: Attachment.create([{
                                'resource': f'cae.trainer,{card}',
                                'name': "x"}])]:
                with refused((AccessError, AccessButtonError)):
                    action()
            Trainer.write([Trainer(own)], {'public': "Adults"})
        for user in [world.nora, omar, everybody]:
            with set_user(user):
                self.assertEqual(len(Trainer.search([])), 2)
                for clause in [
                        ('specialities', 'child_of', [sales.id], 'parent'),
                        ('rec_name', 'ilike', "%law%"),
                        ('rec_name', 'ilike', "contract%"),
                        ('available', '=', True)]:
                    self.assertEqual(
                        [t.id for t in Trainer.search([clause])], [card])
                self.assertEqual(len(Attachment.search([
                                ('resource', '=', f'cae.trainer,{card}'),
                                ])), 1)
        with set_user(omar), refused(AccessError):
            Trainer.write([Trainer(card)], {'public': "x"})
        for user in [world.nora, everybody]:
            with set_user(user):
                Trainer.write([Trainer(card)], {'public': "x"})
        with set_user(plain), refused(AccessError):
            Trainer.search([])
        with set_user(world.ana.user), \
                self.assertRaisesRegex(SQLConstraintError, "existing"):
            Trainer.create([{'available': True}])
