# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""What the files of the expense sheets share."""
from decimal import Decimal

from trytond.i18n import gettext
from trytond.pool import Pool

from ..exceptions import ExpenseValidationError

# Above it an amount is a slip of the keyboard
LIMIT = Decimal(10) ** 9


def check_numbers(Model, values, names):
    "Refuse what is no finite number that can be paid, by its name"
    for name in names:
        value = values.get(name)
        if value is not None and not (
                Decimal(value).is_finite() and abs(value) < LIMIT):
            raise ExpenseValidationError(gettext(
                    'cae_billing.msg_expense_number',
                    value=value, **Model.__names__(name)))


def strftime(date):
    "Return the date in the language of the user"
    return Pool().get('ir.lang').get().strftime(date)
