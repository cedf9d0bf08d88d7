# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

from trytond.i18n import gettext
from trytond.model import (
    DeactivableMixin, ModelSQL, ModelView, Unique, fields, tree)
from trytond.pool import Pool
from trytond.pyson import Bool, Date, Eval, If
from trytond.transaction import check_access

from . import picture, radar
from .document import DocumentReport
from .exceptions import SkillError
from .model import EntrepreneurCompanyMixin


class Skill(
        DeactivableMixin, tree(separator=' / '), ModelSQL, ModelView):
    "What somebody can do"
    __name__ = 'cae.skill'
    __string__ = "Skill"

    name = fields.Char("Name", required=True, translate=True)
    parent = fields.Many2One('cae.skill', "Parent", ondelete='RESTRICT')
    childs = fields.One2Many('cae.skill', 'parent', "Children")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls._order.insert(0, ('name', 'ASC'))


LEVELS = [
    ('learning', "Learning"),
    ('able', "Able"),
    ('expert', "Expert"),
    ]


class EntrepreneurSkill(EntrepreneurCompanyMixin, ModelSQL, ModelView):
    """A skill of an entrepreneur, as seen with the advisor.

    It has no field on the entrepreneur, through which who shares an activity
    with them could search.
    """
    __name__ = 'cae.entrepreneur.skill'
    __string__ = "Entrepreneur Skill"

    entrepreneur = fields.Many2One(
        'cae.entrepreneur', "Entrepreneur", required=True,
        ondelete='CASCADE')
    skill = fields.Many2One(
        'cae.skill', "Skill", required=True, ondelete='RESTRICT')
    level = fields.Selection([(None, "")] + LEVELS, "Level", sort=False)
    level_string = level.translated('level')
    target_level = fields.Selection(
        [(None, "")] + LEVELS, "Target Level", sort=False,
        help="The level that the person wants or needs to reach.")
    target_level_string = target_level.translated('target_level')
    target_date = fields.Date(
        "Target Date",
        states={
            'required': Bool(Eval('target_level')),
            'invisible': ~Eval('target_level'),
            },
        help="Until when the person wants to reach the level.")
    reached = fields.Function(
        fields.Boolean("Reached"), 'on_change_with_reached')
    note = fields.Char("Note")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('skill_unique', Unique(t, t.entrepreneur, t.skill),
                'cae_members.msg_entrepreneur_skill_unique'),
            ]
        cls._order = [('entrepreneur', 'ASC'), ('skill', 'ASC'), ('id', None)]

    @classmethod
    def view_attributes(cls):
        return super().view_attributes() + [
            ('/tree', 'visual', If(
                    Bool(Eval('target_level')) & ~Eval('reached', False)
                    & (Eval('target_date', Date()) < Date()),
                    'warning', '')),
            ]

    @fields.depends('level', 'target_level')
    def on_change_with_reached(self, name=None):
        levels = [None, *dict(LEVELS)]
        return levels.index(self.level) >= levels.index(self.target_level)

    def get_rec_name(self, name):
        return self.skill.rec_name

    @classmethod
    def search_rec_name(cls, name, clause):
        return [('skill.rec_name', *clause[1:])]


class SkillReport(DocumentReport):
    "The skills of an entrepreneur with their levels and targets"
    __name__ = 'cae.entrepreneur.skill'

    @classmethod
    def get_context(cls, records, header, data):
        EntrepreneurSkill = Pool().get('cae.entrepreneur.skill')
        context = super().get_context(records, header, data)
        record, = records
        # Who reads the path of the person may not read this
        with check_access():
            skills = EntrepreneurSkill.search([
                    ('entrepreneur', '=', record.id),
                    ], order=[('skill', 'ASC'), ('id', 'ASC')])
        if not skills:
            raise SkillError(gettext(
                    'cae_members.msg_skill_none',
                    entrepreneur=record.rec_name))
        context['skills'] = skills
        context['radar'] = cls.radar(skills)
        return context

    @classmethod
    def radar(cls, skills):
        "Return the picture of the levels with its type and size"
        EntrepreneurSkill = Pool().get('cae.entrepreneur.skill')
        level = EntrepreneurSkill.fields_get(['level'])['level']
        rank = {key: i for i, (key, _) in enumerate(level['selection'])}
        svg = radar.svg(
            [s.skill.name for s in skills],
            [rank[s.level] for s in skills],
            [rank[s.target_level] for s in skills],
            [string for key, string in level['selection'] if key],
            [EntrepreneurSkill.__names__(name)['field']
                for name in ['level', 'target_level']])
        return (
            svg.encode(), 'image/svg+xml',
            *picture.size_cm(radar.size(len(skills)), 17, 11))
