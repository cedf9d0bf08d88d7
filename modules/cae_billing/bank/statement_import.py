# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What is refused of a bank file before anything is made of it."""
from trytond.exceptions import UserError, UserWarning
from trytond.i18n import gettext
from trytond.modules.account_statement.exceptions import ImportStatementError
from trytond.pool import Pool, PoolMeta
from trytond.transaction import TransactionError


class StatementImport(metaclass=PoolMeta):
    __name__ = 'account.statement.import'

    def do_import_(self, action):
        self._check_statements(self._read())
        return super().do_import_(action)

    def _read(self):
        "Return the statements of the file, or refuse it"
        format_ = self.start.file_format
        complete = getattr(self, f'_complete_{format_}', None)
        if complete and not complete():
            raise ImportStatementError(gettext(
                    'cae_billing.msg_import_cut', format=self._format_name))
        try:
            statements = list(getattr(self, f'parse_{format_}')())
        except (UserError, UserWarning, TransactionError):
            raise
        except Exception as error:
            # Each library has its own for a file it does not understand
            raise ImportStatementError(gettext(
                    'cae_billing.msg_import_unreadable',
                    format=self._format_name)) from error
        if not statements:
            raise ImportStatementError(gettext(
                    'cae_billing.msg_import_empty',
                    format=self._format_name))
        return statements

    @property
    def _format_name(self):
        Start = Pool().get('account.statement.import.start')
        format_ = self.start.file_format
        return dict(Start.file_format.selection).get(format_, format_)

    # The readers of these take what there is of a file that was cut

    def _complete_ofx(self):
        return b'</OFX>' in bytes(self.start.file_).upper()

    def _complete_coda(self):
        # The trailer record is the last one
        records = bytes(self.start.file_).strip().splitlines()
        return bool(records) and records[-1].startswith(b'9')

    def _check_statements(self, statements):
        "Refuse what was imported before"
        pool = Pool()
        Lang = pool.get('ir.lang')
        Origin = pool.get('account.statement.origin')
        Statement = pool.get('account.statement')
        for statement in statements:
            known = Statement.search([
                    ('journal', '=', statement.journal.id),
                    ('state', '!=', 'cancelled'),
                    ('name', '=', statement.name),
                    ('date', '=', getattr(statement, 'date', None)),
                    ], limit=1)
            numbered = {
                (o.number, o.date, o.amount): o for o in statement.origins
                if getattr(o, 'number', None)}
            if not known and numbered:
                known = [o.statement for o in Origin.search([
                            ('statement.journal', '=', statement.journal.id),
                            ('statement.state', '!=', 'cancelled'),
                            ('date', '>=', min(d for _, d, _ in numbered)),
                            ('date', '<=', max(d for _, d, _ in numbered)),
                            ]) if (o.number, o.date, o.amount) in numbered]
            if known:
                raise ImportStatementError(gettext(
                        'cae_billing.msg_import_again',
                        journal=statement.journal.rec_name,
                        statement=known[0].rec_name,
                        date=Lang.get().strftime(known[0].date)))
