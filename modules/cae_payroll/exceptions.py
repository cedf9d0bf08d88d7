# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.exceptions import UserError
from trytond.model.exceptions import AccessError, ValidationError


class LawError(UserError):
    "The law has no value for what is asked"


class LawValidationError(ValidationError):
    pass


class PayrollConfigurationError(UserError):
    pass


class UnmappedRuleError(PayrollConfigurationError):
    "A rule has no account to be posted on"


class TermsValidationError(ValidationError):
    pass


class RunError(UserError):
    pass


class PayslipError(UserError):
    pass


class PayslipValidationError(ValidationError):
    pass


class PayslipPostedError(AccessError):
    pass
