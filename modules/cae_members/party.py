# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

from trytond.i18n import gettext
from trytond.modules.party.exceptions import EraseError
from trytond.pool import Pool, PoolMeta
from trytond.transaction import without_check_access

from .exceptions import EntrepreneurValidationError


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

    def to_erase(self, party_id):
        pool = Pool()

        def of(name, columns=(), path='entrepreneur', values=None):
            "Erase the columns of the records of the person, and what is on it"
            return (
                pool.get(name), [(f'{path}.party', '=', party_id)], True,
                list(columns), values or [None] * len(columns))
        Entrepreneur = pool.get('cae.entrepreneur')
        ContactMechanism = pool.get('party.contact_mechanism')
        Identifier = pool.get('party.identifier')
        return super().to_erase(party_id) + [
            # The copies for the search, which Tryton leaves
            (ContactMechanism, [('party', '=', party_id)], False,
                ['value_compact'], [None]),
            (Identifier, [('party', '=', party_id)], False,
                ['code_compact'], [None]),
            (Entrepreneur, [('party', '=', party_id)], True,
                ['birth_date', 'benefit', 'benefit_end_date', 'prescriber',
                    'project', 'decision_reason', 'exit_note'],
                [None] * 7),
            of('cae.contract'),
            of('cae.contract.clause.text', ['text'],
                'contract.entrepreneur', ['-']),
            of('cae.contract.amendment', ['subject', 'text'],
                'contract.entrepreneur', ['-', '-']),
            of('cae.activity.holder'),
            of('cae.deadline', ['note']),
            of('cae.deadline.reminder', path='deadline.entrepreneur'),
            of('cae.entrepreneur.private', [
                    'social_security_number', 'nationality', 'permit_number',
                    'bank_account', 'disability', 'disability_consent',
                    'emergency_contact', 'emergency_phone', 'note']),
            of('cae.entrepreneur.private.reading',
                path='private.entrepreneur'),
            of('cae.entrepreneur.change', ['reason']),
            of('cae.entrepreneur.change.line', ['old', 'new'],
                'change.entrepreneur'),
            of('cae.paper', ['file', 'filename', 'expiry_date']),
            of('cae.entrepreneur.skill', ['note']),
            of('cae.interview', ['subject', 'decisions', 'next_steps'],
                'entrepreneurs'),
            of('cae.workshop.registration', ['visitor']),
            of('cae.directory.entry', [
                    'name', 'presentation', 'phone', 'email', 'website',
                    'consent_date'],
                values=['-', None, None, None, None, None]),
            of('cae.call', ['title', 'text', 'state'], 'author',
                ['-', '-', 'closed']),
            of('cae.call.answer', ['text'], values=['-']),
            ]
