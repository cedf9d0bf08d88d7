# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

from trytond.exceptions import UserError
from trytond.model.exceptions import AccessError, ValidationError


class AssociateValidationError(ValidationError):
    pass


class AssociateAccessError(AccessError):
    pass


class ConfigurationValidationError(ValidationError):
    pass


class CapitalSetupError(UserError):
    pass


class ShareValidationError(ValidationError):
    pass


class ShareAccessError(AccessError):
    pass


class AssemblyError(UserError):
    pass


class AssemblyValidationError(ValidationError):
    pass


class AssemblyAccessError(AccessError):
    pass


class ProxyValidationError(ValidationError):
    pass


class ResolutionError(UserError):
    pass


class VoteValidationError(ValidationError):
    pass


class VoteAccessError(AccessError):
    pass
