# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.model import fields
from trytond.pool import PoolMeta


def _close_without_statements(value=False):
    return fields.Boolean(
        "Close without Bank Statements",
        help="Check to only warn when a bank statement is missing. Otherwise "
        "a month whose fees or pay follow what the customers paid cannot be "
        "closed before its bank statements are posted.")


class Configuration(metaclass=PoolMeta):
    __name__ = 'cae.configuration'
    close_without_statements = fields.MultiValue(_close_without_statements())


class ConfigurationValue(metaclass=PoolMeta):
    __name__ = 'cae.configuration.value'
    close_without_statements = _close_without_statements(True)
