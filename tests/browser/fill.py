# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Fill a new database for the browser: one month closed, one to close.

python -m tests.browser.fill CONFIG DATABASE
"""
import sys

from dateutil.relativedelta import relativedelta

import trytond.config as config


def main(configfile, database):
    config.update_etc(configfile)
    # They read the configuration when they are imported.
    from demo.__main__ import START, make_users
    from demo.cooperative import Cooperative
    from demo.server import Server
    from demo.support import fill

    server = Server(database)
    cooperative = Cooperative(server, 12, 2, start=START)
    cooperative.build()
    first = START
    second = START + relativedelta(months=1)
    cooperative.enter(first)
    cooperative.close(first)
    cooperative.enter(second)

    def prepare():
        server.pool.get('cae.closing').create([{
                    'company': server.company,
                    'period': cooperative.period(second).id,
                    }])
    server.run(prepare)
    server.run(fill, cooperative)
    server.run(make_users, cooperative)


if __name__ == '__main__':
    main(*sys.argv[1:])
