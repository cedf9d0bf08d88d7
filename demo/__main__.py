# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Fill a new database with the demonstration cooperative."""
import argparse
import datetime as dt
import time
from collections import defaultdict
from decimal import Decimal

from dateutil.relativedelta import relativedelta

import trytond.config as config

from .books import Books
from .cooperative import Cooperative
from .server import Server
from .support import fill
from .waiting import fill as fill_waiting

START = dt.date(2026, 1, 1)
PASSWORD = 'cooperative'


def parse():
    parser = argparse.ArgumentParser(prog='demo', description=__doc__)
    parser.add_argument('--config', required=True)
    parser.add_argument('--database', required=True)
    parser.add_argument('--entrepreneurs', type=int, default=12)
    parser.add_argument('--months', type=int, default=3)
    options = parser.parse_args()
    if options.entrepreneurs < 1:
        parser.error("--entrepreneurs: at least one is needed")
    last = (dt.date.today().year - START.year) * 12 + (
        dt.date.today().month - START.month)
    if not 1 <= options.months <= min(12, last):
        parser.error(
            f"--months: between 1 and {min(12, last)}, the months of "
            f"{START.year} that are over")
    return options


def report(cooperative):
    "Return the lines of the report and what does not agree in the books"
    pool = cooperative.server.pool
    end = cooperative.start + relativedelta(
        months=cooperative.months, days=-1)
    books = Books(
        pool, cooperative.server.company, end, cooperative.opening,
        cooperative.grants)
    documents = books.documents()
    nets = defaultdict(Decimal)
    for payslip in pool.get('cae.payslip').search([
                ('company', '=', cooperative.server.company),
                ('state', '=', 'posted'),
                ]):
        nets[payslip.contract.id] += payslip.net_paid
    titles = ["Entrepreneur", "Stage", "Turnover", "Fees", "Costs",
        "Pay cost", "Net pay", "Balance"]
    rows = []
    for person in cooperative.people:
        amounts = documents[person.activity]
        rows.append([person.name, person.stage,
                amounts['sale'], -amounts['fee'], -amounts['cost'],
                -amounts['pay'], nets[person.contract],
                books.balances[person.activity]])
    rows.sort(key=lambda row: -row[2])
    totals = ["Total", "", *(
            sum(row[i] for row in rows) for i in range(2, len(titles)))]
    shown = rows if len(rows) <= 40 else rows[:40]
    lines = []
    for row in [titles, *shown, totals]:
        lines.append(f"{row[0]:<22} {row[1]:<10}" + ''.join(
                f"{value:>12}" if isinstance(value, str)
                else f"{value + 0:>12.2f}" for value in row[2:]))
    if len(shown) < len(rows):
        lines.insert(-1, f"… and {len(rows) - len(shown)} more")
    others = [
        f"{a.name}: {books.balances[a.id]}" for a in books.activities
        if a.kind != 'business']
    return lines, others, books.differences()


def make_users(cooperative):
    "Give the demonstration its users; return their logins with what they do"
    pool = cooperative.server.pool
    Entrepreneur = pool.get('cae.entrepreneur')
    Group = pool.get('res.group')
    ModelData = pool.get('ir.model.data')
    User = pool.get('res.user')
    company = cooperative.server.company
    french, = pool.get('ir.lang').search([('code', '=', 'fr')])

    def groups(*names):
        return [('add', [
                    ModelData.get_id(*name.split('.')) for name in names])]
    users = {
        'comptable': ("Accounting", "Comptabilité", groups(
                'account.group_account', 'account.group_account_admin',
                'cae_members.group_advisor_all')),
        'conseil': ("Advisor", "Conseil", groups(
                'cae_members.group_advisor_all')),
        'paie': ("Payroll", "Paie", groups('cae_payroll.group_payroll')),
        'vie': ("Governance", "Vie coopérative", groups(
                'cae_governance.group_governance')),
        }
    person = cooperative.user
    users['entrepreneur'] = (
        f"Entrepreneur ({person.name})", person.name,
        groups('cae_members.group_entrepreneur'))
    created = User.create([{
                'name': name, 'login': login, 'password': PASSWORD,
                'companies': [('add', [company])], 'company': company,
                'language': french.id,
                'groups': group_ids,
                } for login, (_, name, group_ids) in users.items()])
    Entrepreneur.write([Entrepreneur(person.id)], {'user': created[-1].id})
    advisor = Entrepreneur(person.id).advisor
    by_login = {user.login: user for user in created}
    User.write([by_login['conseil']], {
            'name': advisor.rec_name,
            'employees': [('add', [advisor.id])],
            'employee': advisor.id,
            })
    admin, = User.search([('login', '=', 'admin')])
    staff = Group.search([('id', 'in', [
                    ModelData.get_id(*name.split('.')) for name in [
                        'account.group_account',
                        'account.group_account_admin',
                        'cae_members.group_administrator',
                        'cae_payroll.group_payroll',
                        'cae_governance.group_governance']])])
    User.write([admin], {'groups': [('add', [g.id for g in staff])]})
    Item = pool.get('ir.module.config_wizard.item')
    Item.write(Item.search([]), {'state': 'done'})
    return [(login, label) for login, (label, *_) in users.items()]


def main():
    options = parse()
    config.update_etc(options.config)
    start = time.monotonic()

    def say(text):
        print(f"[{time.monotonic() - start:5.0f} s] {text}", flush=True)
    server = Server(options.database)
    cooperative = Cooperative(
        server, options.entrepreneurs, options.months, start=START, say=say)
    cooperative.build()
    decision = cooperative.work()
    say("The support of the entrepreneurs")
    server.run(fill, cooperative)
    users = server.run(make_users, cooperative)
    say("What waits for an answer")
    server.run(fill_waiting, cooperative)
    lines, others, differences = server.run(report, cooperative)
    print()
    print('\n'.join(lines))
    print('\n' + '; '.join(others))
    name, for_, against, members, result = decision
    print(f"\nAssembly of {members} associates, \"{name}\": "
        f"{for_} for, {against} against: {result}.")
    if differences:
        print("\nThe books do not agree:")
        print('\n'.join(differences))
        raise SystemExit(1)
    print("\nThe books agree: debit and credit, activities and result, "
        "documents and balances, fees, internal accounts, capital.")
    print("\nUsers: " + ', '.join(
            f"{login} ({label})" for login, label in users))


if __name__ == '__main__':
    main()
