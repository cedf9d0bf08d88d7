# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

from sql import Cast
from sql.operators import Concat

from trytond.i18n import gettext
from trytond.modules.party.exceptions import EraseError
from trytond.pool import Pool, PoolMeta
from trytond.transaction import inactive_records, without_check_access

from .exceptions import EntrepreneurValidationError
from .retention import ERASED


class Replace(metaclass=PoolMeta):
    __name__ = 'party.replace'

    def check_similarity(self):
        pool = Pool()
        Entrepreneur = pool.get('cae.entrepreneur')
        super().check_similarity()
        source, destination = self.ask.source, self.ask.destination
        with without_check_access():
            entrepreneurs = Entrepreneur.search([
                    ('party', 'in', [source.id, destination.id]),
                    ], order=[])
            companies = set()
            for entrepreneur in entrepreneurs:
                if entrepreneur.company in companies:
                    raise EntrepreneurValidationError(gettext(
                            'cae_members.msg_replace_entrepreneur',
                            source=source.rec_name,
                            destination=destination.rec_name,
                            company=entrepreneur.company.rec_name))
                companies.add(entrepreneur.company)

    @classmethod
    def fields_to_replace(cls):
        return super().fields_to_replace() + [
            ('cae.entrepreneur', 'party'),
            ('cae.entrepreneur', 'prescriber'),
            ('company.company', 'cae_parent'),
            ('cae.contract', 'party'),
            ('cae.funded_action', 'funder'),
            ('cae.workshop-party.party', 'party'),
            ('cae.workshop.registration', 'party'),
            ('cae.workshop.registration', 'prescriber'),
            ('cae.aid', 'organisation'),
            ('cae.partner', 'party'),
            ('cae.partner', 'contact'),
            ]


class Erase(metaclass=PoolMeta):
    __name__ = 'party.erase'

    def check_erase_company(self, party, company):
        pool = Pool()
        Contract = pool.get('cae.contract')
        Entrepreneur = pool.get('cae.entrepreneur')
        super().check_erase_company(party, company)
        staying = Entrepreneur.search([
                ('party', '=', party.id),
                ('company', '=', company.id),
                ('exit_date', '=', None),
                ], limit=1, order=[])
        running = Contract.search([
                ['OR',
                    ('entrepreneur.party', '=', party.id),
                    ('party', '=', party.id),
                    ],
                ('company', '=', company.id),
                ('state', 'in', ['draft', 'signed']),
                ], limit=1, order=[])
        if staying or running:
            raise EraseError(gettext(
                    'cae_members.msg_erase_party_entrepreneur',
                    party=party.rec_name,
                    company=company.rec_name))

    def transition_erase(self):
        Connection = Pool().get('cae.connection')
        users = self._users(self.ask.party.id)
        result = super().transition_erase()
        Connection.delete(Connection.search([('user', 'in', users)]))
        return result

    @classmethod
    def _users(cls, party_id):
        "Return the ids of the users who are the person, and nobody else"
        User = Pool().get('res.user')
        with inactive_records():
            return [u.id for u in User.search([
                        ['OR',
                            ('cae_entrepreneurs.party', '=', party_id),
                            ('employees.party', '=', party_id),
                            ],
                        ('cae_entrepreneurs', 'not where', [
                                ('party', '!=', party_id),
                                ]),
                        ('employees', 'not where', [
                                ('party', '!=', party_id),
                                ]),
                        ], order=[])]

    def to_erase(self, party_id):
        pool = Pool()

        def of(name, path, values=None):
            "Erase what is of the person in a model, and what is put on it"
            values = values or {}
            path = 'party' if path == 'id' else f'{path}.party'
            return (
                pool.get(name), [(path, '=', party_id)], True,
                list(values.keys()), list(values.values()))

        def anonymous(column):
            return Concat('erased-', Cast(column.table.id, 'VARCHAR'))
        Application = pool.get('res.user.application')
        ContactMechanism = pool.get('party.contact_mechanism')
        Identifier = pool.get('party.identifier')
        Registration = pool.get('cae.workshop.registration')
        User = pool.get('res.user')
        users = self._users(party_id)
        return super().to_erase(party_id) + [
            # Tryton deactivates them, which ends their sessions
            (User, [('id', 'in', users)], True,
                ['login', 'name', 'email', 'signature', 'password_hash',
                    'password_reset', 'password_reset_expire'],
                [anonymous] + [None] * 6),
            (Application, [('user', 'in', users)], False,
                ['key', 'state'],
                [anonymous, 'cancelled']),
            (Registration, [('party', '=', party_id)], True,
                ['visitor', 'email', 'phone', 'prescriber'], [None] * 4),
            # The copies for the search, which Tryton leaves
            (ContactMechanism, [('party', '=', party_id)], False,
                ['value_compact'], [None]),
            (Identifier, [('party', '=', party_id)], False,
                ['code_compact'], ['****']),
            of('cae.contract', 'entrepreneur'),
            of('cae.activity.holder', 'entrepreneur'),
            of('cae.deadline.reminder', 'deadline.entrepreneur'),
            of('cae.entrepreneur.private.reading', 'private.entrepreneur'),
            of('cae.retention.due', 'entrepreneur'),
            *(of(*erased) for erased in sum(ERASED.values(), [])),
            ]
