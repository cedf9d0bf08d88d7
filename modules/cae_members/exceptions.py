# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.

from trytond.exceptions import UserError, UserWarning
from trytond.model.exceptions import AccessError, ValidationError


class SetupError(UserError):
    pass


class ContractError(UserError):
    pass


class ContractValidationError(ValidationError):
    pass


class ContractAccessError(AccessError):
    pass


class DeadlineError(UserError):
    pass


class EntrepreneurValidationError(ValidationError):
    pass


class HolderValidationError(ValidationError):
    pass


class ActivityAccessError(AccessError):
    pass


class TakingOverError(UserError):
    pass


class TradeError(ValidationError):
    pass


class InterviewError(UserError):
    pass


class InterviewAccessError(AccessError):
    pass


class SessionError(UserError):
    pass


class SkillError(UserError):
    pass


class DirectoryError(ValidationError):
    pass


class CallError(UserError):
    pass


class PrivateValidationError(ValidationError):
    pass


class PaperValidationError(ValidationError):
    pass


class WelcomeError(UserError):
    pass


class TargetValidationError(ValidationError):
    pass


class AbsenceError(ValidationError):
    pass


class SeriesError(UserError):
    pass


class SettlementError(UserError):
    pass


class SettlementAccessError(AccessError):
    pass


class SettlementValidationError(ValidationError):
    pass


class ChangeError(UserError):
    pass


class ChangeAccessError(AccessError):
    pass


class RetentionError(UserError):
    pass


class TargetWarning(UserWarning):
    pass
