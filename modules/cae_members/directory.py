# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

from trytond.i18n import gettext
from trytond.model import Index, ModelSQL, ModelView, Unique, fields
from trytond.pool import Pool
from trytond.pyson import Bool, Eval
from trytond.report import Report
from trytond.transaction import Transaction, without_check_access

from . import geojson, picture
from .exceptions import DirectoryError
from .model import ChangeableMixin, own_entrepreneur

LARGEST_PHOTO = 2 * 1024 * 1024
# The largest value in degrees
COORDINATES = {'latitude': 90, 'longitude': 180}


class DirectoryEntry(ChangeableMixin, ModelSQL, ModelView):
    """What an entrepreneur shows of themselves to the others.

    It is a copy, not a view on the entrepreneur or the party: the others see
    what was written here, from the consent to its withdrawal or the exit.
    """
    __name__ = 'cae.directory.entry'
    __string__ = "Directory Entry"

    company = fields.Many2One(
        'company.company', "Company", required=True, ondelete='CASCADE',
        states={
            'readonly': Eval('id', -1) >= 0,
            })
    # Closed to entrepreneurs, so that it must not be read with the others
    entrepreneur = fields.Many2One(
        'cae.entrepreneur', "Entrepreneur", required=True,
        ondelete='CASCADE', loading='lazy',
        domain=[
            ('company', '=', Eval('company', -1)),
            ])
    name = fields.Char(
        "Name", required=True,
        help="The name to show, of the person or of the business.")
    presentation = fields.Text("Presentation")
    skills = fields.Many2Many(
        'cae.directory.entry-cae.skill', 'entry', 'skill', "Skills")
    skill_names = fields.Function(
        fields.Char("Skills"), 'get_skill_names',
        searcher='search_skill_names')
    phone = fields.Char("Phone")
    email = fields.Char("E-Mail")
    website = fields.Char("Website")
    photo = fields.Binary(
        "Photo",
        help="A PNG or JPEG picture of at most 2 MB and 4000 pixels.")
    place = fields.Char(
        "Place", help="The town in which the person works.")
    latitude = fields.Numeric(
        "Latitude", digits=(8, 6),
        help="Where the point of the map is, in degrees from -90 (south) to "
        "90.\n"
        "Leave empty to be on no map.")
    longitude = fields.Numeric(
        "Longitude", digits=(9, 6),
        help="Where the point of the map is, in degrees from -180 (west) to "
        "180.")
    map_url = fields.Function(
        fields.Char("Map", help="Where OpenStreetMap shows the point."),
        'on_change_with_map_url')
    consent_date = fields.Date(
        "Published Since", readonly=True,
        help="When the entrepreneur agreed to be in the directory.\n"
        "The others don't see the entry while this is empty.")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('entrepreneur_unique', Unique(t, t.entrepreneur),
                'cae_members.msg_directory_entry_unique'),
            ]
        cls._sql_indexes.add(Index(t, (t.company, Index.Range())))
        cls._order = [('name', 'ASC'), ('id', None)]
        cls._buttons.update({
                'publish': {
                    'invisible': Bool(Eval('consent_date')),
                    'depends': ['consent_date'],
                    },
                'withdraw': {
                    'invisible': ~Eval('consent_date'),
                    'depends': ['consent_date'],
                    },
                })

    @classmethod
    def default_company(cls):
        return Transaction().context.get('company')

    @classmethod
    def default_entrepreneur(cls):
        if company := Transaction().context.get('company'):
            return own_entrepreneur(company)

    @classmethod
    def default_name(cls):
        Entrepreneur = Pool().get('cae.entrepreneur')
        if entrepreneur := cls.default_entrepreneur():
            with without_check_access():
                return Entrepreneur(entrepreneur).rec_name

    def get_skill_names(self, name):
        return ", ".join(s.name for s in self.skills)

    @classmethod
    def search_skill_names(cls, name, clause):
        return [('skills.name', *clause[1:])]

    @fields.depends('latitude', 'longitude')
    def on_change_with_map_url(self, name=None):
        if self.latitude is None or self.longitude is None:
            return
        latitude, longitude = f'{self.latitude:f}', f'{self.longitude:f}'
        return (
            'https://www.openstreetmap.org/'
            f'?mlat={latitude}&mlon={longitude}'
            f'#map=15/{latitude}/{longitude}')

    @classmethod
    def search_rec_name(cls, name, clause):
        _, operator, operand, *extra = clause
        if operator.startswith('!') or operator.startswith('not '):
            bool_op = 'AND'
        else:
            bool_op = 'OR'
        return [bool_op,
            ('name', operator, operand, *extra),
            ('presentation', operator, operand, *extra),
            ('place', operator, operand, *extra),
            ('skills.name', operator, operand, *extra),
            ]

    @classmethod
    def preprocess_values(cls, mode, values):
        values = super().preprocess_values(mode, values)
        if photo := values.get('photo'):
            try:
                picture.measure(photo, LARGEST_PHOTO)
            except ValueError as error:
                raise DirectoryError(gettext(
                        'cae_members.msg_directory_photo')) from error
        for name, limit in COORDINATES.items():
            value = values.get(name)
            # A number that is not finite has no order
            if value is not None and not (
                    value.is_finite() and -limit <= value <= limit):
                raise DirectoryError(gettext(
                        'cae_members.msg_directory_coordinate',
                        limit=limit, **cls.__names__(name)))
        return values

    @classmethod
    def validate_fields(cls, entries, field_names):
        super().validate_fields(entries, field_names)
        cls.check_coordinates(entries, field_names)

    @classmethod
    def check_coordinates(cls, entries, field_names=None):
        "Check that the point has both its coordinates, or none"
        if field_names and not field_names & COORDINATES.keys():
            return
        for entry in entries:
            if (entry.latitude is None) != (entry.longitude is None):
                raise DirectoryError(gettext(
                        'cae_members.msg_directory_half_point',
                        entry=entry.rec_name))

    @classmethod
    def shown(cls, ids):
        "Return of the entries those that the others see, by name"
        with without_check_access():
            return cls.search([
                    ('id', 'in', ids),
                    ('consent_date', '!=', None),
                    ('entrepreneur.exit_date', '=', None),
                    ])

    def get_photo_cm(self, width, height):
        "Return the photo with its type and its size inside the box"
        kind, *size = picture.measure(self.photo, LARGEST_PHOTO)
        return self.photo, kind, *picture.size_cm(size, width, height)

    @classmethod
    def copy(cls, entries, default=None):
        default = default.copy() if default is not None else {}
        default.setdefault('consent_date')
        return super().copy(entries, default=default)

    @classmethod
    @ModelView.button
    def publish(cls, entries):
        "Record that the entrepreneurs agree to be in the directory"
        cls.write(entries, {
                'consent_date': Pool().get('ir.date').today(),
                })

    @classmethod
    @ModelView.button
    def withdraw(cls, entries):
        "Record that the entrepreneurs don't agree any more"
        cls.write(entries, {'consent_date': None})


class DirectoryEntrySkill(ModelSQL):
    __name__ = 'cae.directory.entry-cae.skill'
    __string__ = "Directory Entry - Skill"

    entry = fields.Many2One(
        'cae.directory.entry', "Entry", required=True, ondelete='CASCADE')
    skill = fields.Many2One(
        'cae.skill', "Skill", required=True, ondelete='CASCADE')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('entry')


class ShownReport(Report):
    "A report of the entries that the others see"

    @classmethod
    def _get_records(cls, ids, model, data):
        Entry = Pool().get(model)
        records = super()._get_records(
            list(map(int, Entry.shown(ids))), model, data)
        if not records:
            raise DirectoryError(gettext(
                    'cae_members.msg_directory_none_shown'))
        return records


class DirectoryReport(ShownReport):
    "The directory with photos (trombinoscope)"
    __name__ = 'cae.directory.entry'

    @classmethod
    def get_context(cls, records, header, data):
        pool = Pool()
        Company = pool.get('company.company')
        context = super().get_context(records, header, data)
        context['today'] = pool.get('ir.date').today()
        with without_check_access():
            context['company_names'] = ', '.join(
                c.rec_name for c in Company.browse(
                    {r.company.id for r in records}))
        return context


class DirectoryMap(ShownReport):
    "The points of the directory as GeoJSON"
    __name__ = 'cae.directory.entry.map'

    @classmethod
    def _execute(cls, records, header, data, action):
        points = [(e.latitude, e.longitude, {
                    'name': e.name,
                    'presentation': e.presentation,
                    'place': e.place,
                    'skills': ', '.join(s.rec_name for s in e.skills),
                    'website': e.website,
                    }) for e in records if e.map_url]
        if not points:
            raise DirectoryError(gettext('cae_members.msg_directory_no_point'))
        return 'geojson', geojson.collection(points).encode()
