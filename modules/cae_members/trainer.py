# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What entrepreneurs who teach say of it."""
from trytond.model import ModelSQL, ModelView, Unique, fields
from trytond.transaction import Transaction

from .model import EntrepreneurMixin, own_entrepreneur


class Trainer(EntrepreneurMixin, ModelSQL, ModelView):
    """The card of an entrepreneur who teaches (fiche formateur).

    The person writes their own, the advisors read all of them; certificates
    and programmes are attached to it.
    """
    __name__ = 'cae.trainer'
    __string__ = "Trainer Card"

    available = fields.Boolean(
        "Available", help="Check if the person takes trainings now.")
    specialities = fields.Many2Many(
        'cae.trainer-cae.skill', 'trainer', 'skill', "Specialities",
        help="The skills that the person teaches.")
    skill_names = fields.Function(
        fields.Char("Specialities"), 'get_skill_names',
        searcher='search_skill_names')
    speciality_note = fields.Text(
        "Other Specialities",
        help="What the person teaches, in their own words.")
    qualifications = fields.Text(
        "Qualifications", help="Diplomas, titles and certifications.")
    training = fields.Text(
        "Training Followed", help="What the person learned to teach.")
    experience = fields.Text(
        "Experience", help="The experience in the trade and in teaching.")
    approach = fields.Text(
        "Teaching Approach",
        help="The methods and means (approche pédagogique).")
    public = fields.Text("Public", help="Whom the person teaches.")
    motivation = fields.Text("Motivation", help="Why the person teaches.")
    references = fields.Text(
        "References", help="Customers and trainings already given.")
    website = fields.Char("Website")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        t = cls.__table__()
        cls._sql_constraints += [
            ('entrepreneur_unique', Unique(t, t.entrepreneur),
                'cae_members.msg_trainer_unique'),
            ]
        cls._order = [('entrepreneur', 'ASC'), ('id', None)]

    @classmethod
    def default_entrepreneur(cls):
        if company := Transaction().context.get('company'):
            return own_entrepreneur(company)

    def get_skill_names(self, name):
        return ", ".join(s.name for s in self.specialities)

    @classmethod
    def search_skill_names(cls, name, clause):
        return [('specialities.name', *clause[1:])]

    @classmethod
    def default_available(cls):
        return True

    def get_rec_name(self, name):
        return self.entrepreneur.rec_name

    @classmethod
    def search_rec_name(cls, name, clause):
        _, operator, *_ = clause
        if operator.startswith('!') or operator.startswith('not '):
            bool_op = 'AND'
        else:
            bool_op = 'OR'
        return [bool_op,
            ('entrepreneur.rec_name', *clause[1:]),
            ('specialities.name', *clause[1:]),
            ('speciality_note', *clause[1:]),
            ]


class TrainerSkill(ModelSQL):
    __name__ = 'cae.trainer-cae.skill'
    __string__ = "Trainer Card - Skill"

    trainer = fields.Many2One(
        'cae.trainer', "Trainer Card", required=True, ondelete='CASCADE')
    skill = fields.Many2One(
        'cae.skill', "Skill", required=True, ondelete='CASCADE')

    @classmethod
    def __setup__(cls):
        super().__setup__()
        cls.__access__.add('trainer')
