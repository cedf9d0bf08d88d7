# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What the closings of a database left, so that two databases compare.

Plain SQL without the models: the records are named by codes, names and dates,
never by their ids, and each table is a sorted list with nothing taken twice
for once.
"""
from collections import Counter
from decimal import Decimal

QUERIES = {
    'closings': """
        SELECT period.name, closing.state, closing.step
        FROM cae_closing closing
        JOIN account_period period ON period.id = closing.period""",
    'chunks': """
        SELECT period.name, chunk.step, chunk.number, chunk.state, chunk.error,
            (SELECT COUNT(*) FROM cae_closing_chunk_item item
                WHERE item.chunk = chunk.id)
        FROM cae_closing_chunk chunk
        JOIN cae_closing closing ON closing.id = chunk.closing
        JOIN account_period period ON period.id = closing.period""",
    'attentions': """
        SELECT period.name, attention.kind
        FROM cae_closing_attention attention
        JOIN cae_closing closing ON closing.id = attention.closing
        JOIN account_period period ON period.id = closing.period""",
    'fees': """
        SELECT activity.code, fee.rule, period.name, fee.base, fee.due_change,
            fee.amount, move.date, move.state
        FROM cae_fee fee
        JOIN cae_activity activity ON activity.id = fee.activity
        JOIN account_period period ON period.id = fee.period
        LEFT JOIN account_move move ON move.id = fee.move""",
    'vat': """
        SELECT period.name, line.kind, tax.name, line.base, line.amount,
            move.date, move.state
        FROM cae_vat_statement_line line
        JOIN cae_vat_statement statement ON statement.id = line.statement
        JOIN account_period period ON period.id = statement.period
        LEFT JOIN account_tax tax ON tax.id = line.tax
        LEFT JOIN account_move move ON move.id = statement.move""",
    'payslips': """
        SELECT party.name, contract.number, period.name, payslip.state,
            payslip.budget, payslip.gross, payslip.employee_amount,
            payslip.employer_amount, payslip.reduction, payslip.cost,
            payslip.net_taxable, payslip.withholding, payslip.net_paid,
            payslip.counters, move.date, move.state
        FROM cae_payslip payslip
        JOIN cae_contract contract ON contract.id = payslip.contract
        JOIN party_party party ON party.id = payslip.party
        JOIN account_period period ON period.id = payslip.period
        LEFT JOIN account_move move ON move.id = payslip.move""",
    'payslip lines': """
        SELECT contract.number, period.name, line.rule, line.base,
            line.employee, line.employer
        FROM cae_payslip_line line
        JOIN cae_payslip payslip ON payslip.id = line.payslip
        JOIN cae_contract contract ON contract.id = payslip.contract
        JOIN account_period period ON period.id = payslip.period""",
    'payslip activities': """
        SELECT contract.number, period.name, activity.code, part.gross,
            part.cost
        FROM cae_payslip_activity part
        JOIN cae_activity activity ON activity.id = part.activity
        JOIN cae_payslip payslip ON payslip.id = part.payslip
        JOIN cae_contract contract ON contract.id = payslip.contract
        JOIN account_period period ON period.id = payslip.period""",
    'runs': """
        SELECT period.name, run.state
        FROM cae_payroll_run run
        JOIN account_period period ON period.id = run.period""",
    'moves': """
        SELECT period.name, journal.code, journal.name, move.date, move.state,
            (SELECT SUM(line.debit) FROM account_move_line line
                WHERE line.move = move.id)
        FROM account_move move
        JOIN account_period period ON period.id = move.period
        JOIN account_journal journal ON journal.id = move.journal""",
    'move lines': """
        SELECT account.code, party.name, journal.name, move.date, line.debit,
            line.credit
        FROM account_move_line line
        JOIN account_move move ON move.id = line.move
        JOIN account_journal journal ON journal.id = move.journal
        JOIN account_account account ON account.id = line.account
        LEFT JOIN party_party party ON party.id = line.party""",
    'analytic lines': """
        SELECT analytic.name, account.code, line.date, line.debit, line.credit,
            move.date
        FROM analytic_account_line line
        JOIN analytic_account_account analytic ON analytic.id = line.account
        JOIN account_move_line move_line ON move_line.id = line.move_line
        JOIN account_move move ON move.id = move_line.move
        JOIN account_account account ON account.id = move_line.account""",
    'statements': """
        SELECT activity.code, period.name, statement.date, statement.holders,
            statement.opening_balance, statement.closing_balance,
            statement.uncollected
        FROM cae_activity_statement statement
        JOIN cae_activity activity ON activity.id = statement.activity
        JOIN account_period period ON period.id = statement.period""",
    'statement lines': """
        SELECT activity.code, period.name, line.date, line.kind, line.amount
        FROM cae_activity_statement_line line
        JOIN cae_activity_statement statement ON statement.id = line.statement
        JOIN cae_activity activity ON activity.id = statement.activity
        JOIN account_period period ON period.id = statement.period""",
    'balances': """
        SELECT activity.code, SUM(line.credit - line.debit)
        FROM analytic_account_line line
        JOIN cae_activity activity
            ON activity.analytic_account = line.account
        JOIN account_move_line move_line ON move_line.id = line.move_line
        JOIN account_move move ON move.id = move_line.move
        WHERE move.state = 'posted'
        GROUP BY activity.code""",
    'move numbers': """
        SELECT period.fiscalyear, number FROM account_move move
        JOIN account_period period ON period.id = move.period""",
    'fee numbers': "SELECT company, number FROM cae_fee",
    'payslip numbers': "SELECT company, number FROM cae_payslip",
    'sequences': """
        SELECT name, number_next_internal FROM ir_sequence_strict""",
    }


def take(cursor):
    "Return {name: sorted rows} of what the cursor reads"
    result = {}
    for name, query in QUERIES.items():
        cursor.execute(query)
        result[name] = sorted(
            tuple(map(_text, row)) for row in cursor.fetchall())
    return result


def _text(value):
    if value is None:
        return ''
    if isinstance(value, (float, Decimal)):
        value = round(Decimal(str(value)), 6)
        return f'{value.normalize():f}' if value else '0'
    return str(value)


def differences(expected, found):
    "Return sentences on the rows that are in one of the two only"
    result = []
    for name, rows in expected.items():
        before, after = Counter(rows), Counter(found[name])
        for row in sorted((before - after).elements()):
            result.append(f"{name}: lacks {' | '.join(row)}")
        for row in sorted((after - before).elements()):
            result.append(f"{name}: has {' | '.join(row)}")
    return result


def gaps(fingerprint):
    "Return sentences on the numbers that are twice there or are missing"
    result = []
    for name in ['move numbers', 'fee numbers', 'payslip numbers']:
        by_sequence = {}
        for sequence, number in fingerprint[name]:
            if number:
                digits = int(''.join(filter(str.isdigit, number[-5:])))
                by_sequence.setdefault(sequence, []).append(digits)
        for numbers in by_sequence.values():
            if sorted(numbers) != list(range(1, len(numbers) + 1)):
                result.append(f"{name}: {sorted(numbers)}")
    return result
