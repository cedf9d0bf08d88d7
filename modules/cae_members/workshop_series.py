# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

import datetime as dt

from trytond.i18n import gettext
from trytond.model import ModelView, fields
from trytond.pool import Pool
from trytond.wizard import (
    Button, StateAction, StateTransition, StateView, Wizard)

from .exceptions import SeriesError
from .series import moments


class PlanSessions(Wizard):
    "Plan the sessions of a workshop, such as the monthly meetings of a year"
    __name__ = 'cae.workshop.plan_sessions'
    start = StateView(
        'cae.workshop.plan_sessions.start',
        'cae_members.plan_sessions_start_form', [
            Button("Cancel", 'end', 'tryton-cancel'),
            Button("Plan", 'plan', 'tryton-ok', default=True),
            ])
    plan = StateTransition()
    open_ = StateAction('cae_members.act_workshop_session_form')

    def default_start(self, fields):
        last = self.record.sessions[:1]
        defaults = {'count': 12, 'frequency': 'monthly_weekday'}
        for session in last:
            defaults['duration'] = session.end - session.start
            defaults['place'] = session.place
            defaults['places'] = session.places
        return defaults

    def transition_plan(self):
        pool = Pool()
        Session = pool.get('cae.workshop.session')
        start, workshop = self.start, self.record
        starts = [workshop.utc(m) for m in moments(
                workshop.local(start.start), start.frequency, start.count)]
        existing = Session.search([
                ('workshop', '=', workshop.id),
                ('start', 'in', starts),
                ('state', '!=', 'cancelled'),
                ], limit=1)
        if existing:
            session, = existing
            raise SeriesError(gettext(
                    'cae_members.msg_series_exists',
                    session=session.rec_name))
        self.start.sessions = Session.create([{
                    'workshop': workshop.id,
                    'start': moment,
                    'end': moment + start.duration,
                    'place': start.place,
                    'places': start.places,
                    } for moment in starts])
        return 'open_'

    def do_open_(self, action):
        action['domains'] = []
        return action, {'res_id': [s.id for s in self.start.sessions]}


class PlanSessionsStart(ModelView):
    __name__ = 'cae.workshop.plan_sessions.start'
    __string__ = "Plan Sessions"

    start = fields.DateTime(
        "First Session", format='%H:%M', required=True)
    duration = fields.TimeDelta(
        "Duration", required=True,
        domain=[
            ('duration', '>', dt.timedelta()),
            ])
    frequency = fields.Selection([
            ('weekly', "Every Week"),
            ('fortnightly', "Every Two Weeks"),
            ('monthly', "Every Month, on the Same Day"),
            ('monthly_weekday', "Every Month, on the Same Weekday"),
            ], "Frequency", required=True, sort=False)
    count = fields.Integer(
        "Sessions", required=True,
        domain=[
            ('count', '>=', 1),
            ('count', '<=', 60),
            ],
        help="How many sessions to plan, 60 at most.")
    place = fields.Char("Place")
    places = fields.Integer(
        "Places",
        domain=['OR',
            ('places', '=', None),
            ('places', '>=', 0),
            ],
        help="How many people can take part.\n"
        "Leave empty for no limit.")
    sessions = fields.Many2Many(
        'cae.workshop.session', None, None, "Sessions")
