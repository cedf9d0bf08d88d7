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

    def to_erase(self, party_id):
        pool = Pool()
        Deadline = pool.get('cae.deadline')
        Entrepreneur = pool.get('cae.entrepreneur')
        Paper = pool.get('cae.paper')
        Private = pool.get('cae.entrepreneur.private')
        EntrepreneurSkill = pool.get('cae.entrepreneur.skill')
        Interview = pool.get('cae.interview')
        DirectoryEntry = pool.get('cae.directory.entry')
        Call = pool.get('cae.call')
        CallAnswer = pool.get('cae.call.answer')
        Absence = pool.get('cae.absence')
        Aid = pool.get('cae.aid')
        OutsideActivity = pool.get('cae.outside_activity')
        Registration = pool.get('cae.workshop.registration')
        TargetMembership = pool.get('cae.target.membership')
        Settlement = pool.get('cae.settlement')
        SettlementFact = pool.get('cae.settlement.fact')
        SettlementLine = pool.get('cae.settlement.line')
        return super().to_erase(party_id) + [
            (Entrepreneur, [('party', '=', party_id)], True,
                ['birth_date', 'benefit', 'benefit_end_date', 'prescriber',
                    'project', 'needs', 'decision_reason', 'exit_note'],
                [None] * 8),
            (Deadline, [('entrepreneur.party', '=', party_id)], True,
                ['note'],
                [None]),
            (Private, [('entrepreneur.party', '=', party_id)], True,
                ['social_security_number', 'birth_name', 'birth_place',
                    'birth_country', 'nationality', 'permit_number',
                    'bank_account', 'disability', 'disability_consent',
                    'emergency_contact', 'emergency_phone', 'note'],
                [None] * 12),
            (Paper, [('entrepreneur.party', '=', party_id)], True,
                ['file', 'filename', 'expiry_date'],
                [None, None, None]),
            (EntrepreneurSkill, [('entrepreneur.party', '=', party_id)], True,
                ['note'],
                [None]),
            (Interview, [('entrepreneurs.party', '=', party_id)], True,
                ['subject', 'decisions', 'next_steps'],
                [None, None, None]),
            (DirectoryEntry, [('entrepreneur.party', '=', party_id)], True,
                ['name', 'presentation', 'phone', 'email', 'website',
                    'consent_date'],
                ['-', None, None, None, None, None]),
            (Call, [('author.party', '=', party_id)], True,
                ['title', 'text', 'state'],
                ['-', '-', 'closed']),
            (CallAnswer, [('entrepreneur.party', '=', party_id)], True,
                ['text'],
                ['-']),
            (Absence, [('entrepreneur.party', '=', party_id)], True,
                ['note'],
                [None]),
            (Aid, [('entrepreneur.party', '=', party_id)], True,
                ['note'],
                [None]),
            (OutsideActivity, [('entrepreneur.party', '=', party_id)], True,
                ['note'],
                [None]),
            (Registration, ['OR',
                    ('entrepreneur.party', '=', party_id),
                    ('party', '=', party_id),
                    ], True,
                ['visitor', 'email', 'phone', 'prescriber'],
                [None] * 4),
            (TargetMembership, [('entrepreneur.party', '=', party_id)], True,
                ['certificate', 'filename', 'note'],
                [None] * 3),
            (Settlement, [('entrepreneur.party', '=', party_id)], True,
                ['note'],
                [None]),
            (SettlementFact,
                [('settlement.entrepreneur.party', '=', party_id)], True,
                ['message'],
                ['-']),
            (SettlementLine,
                [('settlement.entrepreneur.party', '=', party_id)], True,
                ['note'],
                [None]),
            ]
