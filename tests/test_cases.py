# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The worked cases, a test for each file of their folder.

The tests stand in the modules of the names of the files.
"""
from tests.assemblies import test_assemblies
from tests.deadlines import members, path, test_deadlines
from tests.fees import test_fees
from tests.fr_payslips import test_fr_payslips, test_fr_payslips_neutral_rate
from tests.mileage import test_mileage, test_mileage_brackets
from tests.month import server, test_month, test_month_invoiced_basis
from tests.network import network_server, test_network

__all__ = [
    'members', 'network_server', 'path', 'server', 'test_assemblies',
    'test_deadlines', 'test_fees', 'test_fr_payslips',
    'test_fr_payslips_neutral_rate', 'test_mileage',
    'test_mileage_brackets', 'test_month', 'test_month_invoiced_basis',
    'test_network']
