# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

from trytond.i18n import gettext
from trytond.pool import Pool
from trytond.report import Report
from trytond.transaction import Transaction, without_check_access

from . import delay
from .exceptions import ContractError


class DocumentReport(Report):
    "A document in the language of the person it is for"

    @classmethod
    def _person(cls, record):
        "Return the party the document is for"
        return record.party

    @classmethod
    def get_context(cls, records, header, data):
        pool = Pool()
        Configuration = pool.get('ir.configuration')
        Date = pool.get('ir.date')
        Lang = pool.get('ir.lang')
        context = super().get_context(records, header, data)
        # The documents are printed one by one
        record, = records
        lang = cls._person(record).lang or Lang.get(
            Configuration.get_language())
        context['set_lang'](lang)
        record.set_lang(lang)
        context['lang'] = lang
        context['today'] = Date.today()
        context['duration'] = cls.duration
        context['former'] = cls.former
        context['contracts'] = cls.contracts
        return context

    @classmethod
    def duration(cls, contract):
        "Return how long the contract lasted, empty as long as it has no end"
        if not contract.end_date:
            return ''
        months, days = delay.lasted(
            [(contract.start_date, contract.end_date)],
            contract.end_date + delay.DAY)
        return gettext(
            'cae_members.msg_contract_duration', months=months, days=days)

    @classmethod
    def former(cls, contract):
        "Return the contracts between the same parties before the contract"
        Contract = Pool().get('cae.contract')
        return Contract.former([contract.id])[contract.id]

    @classmethod
    def contracts(cls, entrepreneur):
        "Return the signed and ended contracts of the entrepreneur"
        Contract = Pool().get('cae.contract')
        with without_check_access():
            return Contract.search([
                    ('entrepreneur', '=', entrepreneur.id),
                    ('state', 'in', ['signed', 'ended']),
                    ],
                order=[('start_date', 'ASC'), ('id', 'ASC')])


class ContractReport(DocumentReport):
    "The document of the contracts of some types"
    _codes = set()

    @classmethod
    def _person(cls, record):
        return record.person

    @classmethod
    def execute(cls, ids, data):
        pool = Pool()
        ActionReport = pool.get('ir.action.report')
        Contract = pool.get('cae.contract')
        if Transaction().check_access:
            # Before the error that names the contract
            Contract.read(ids, ['id'])
        for contract in Contract.browse(ids):
            if contract.type.code not in cls._codes:
                action, = ActionReport.search(
                    [('report_name', '=', cls.__name__)], limit=1)
                raise ContractError(gettext(
                        'cae_members.msg_contract_document',
                        document=action.name,
                        contract=contract.rec_name))
        return super().execute(ids, data)


class Support(ContractReport):
    __name__ = 'cae.contract.support'
    _codes = {'support'}


class Cape(ContractReport):
    """The CAPE and its renewals, which are in writing too.

    It shows the mention of article R127-3 of the Code de commerce.
    """
    __name__ = 'cae.contract.cape'
    _codes = {'cape'}


class Cesa(ContractReport):
    "The CESA with what article L7331-2 of the Code du travail asks for"
    __name__ = 'cae.contract.cesa'
    _codes = {'cesa'}


class Candidate(ContractReport):
    "The Belgian agreement of a test in real conditions"
    __name__ = 'cae.contract.candidate'
    _codes = {'candidate', 'trainee'}


class Amendment(DocumentReport):
    __name__ = 'cae.contract.amendment'

    @classmethod
    def _person(cls, record):
        return record.contract.person


class Certificate(DocumentReport):
    "The path of a person in the cooperative, for the exit"
    __name__ = 'cae.entrepreneur.certificate'


class Rights(DocumentReport):
    """What a person needs to recover their unemployment rights.

    The periods, the contracts with their dates and the papers to hand in.
    """
    __name__ = 'cae.entrepreneur.rights'
