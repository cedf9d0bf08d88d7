# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
from trytond.exceptions import UserError
from trytond.model.exceptions import AccessError, ValidationError


class ActivityRequiredError(UserError):
    pass


class SellingNotAllowedError(UserError):
    pass


class SplitError(UserError):
    pass


class AnalyticPostedError(AccessError):
    pass


class FeeRuleError(ValidationError):
    pass


class FeePostedError(AccessError):
    pass


class ClosingError(UserError):
    pass


class ClosingFrozenError(AccessError):
    pass


class SetupError(UserError):
    pass


class ActivityClosedError(UserError):
    pass


class BalanceTransferError(UserError):
    pass


class ExpenseError(UserError):
    pass


class ExpenseValidationError(ValidationError):
    pass


class ExpenseAccessError(AccessError):
    pass


class InternalError(UserError):
    pass


class InternalValidationError(ValidationError):
    pass


class InternalAccessError(AccessError):
    pass


class FundingError(UserError):
    pass


class FundingAccessError(AccessError):
    pass


class ApprovalError(UserError):
    pass


class AmountError(UserError):
    pass


class MentionError(ValidationError):
    pass


class LogoError(ValidationError):
    pass


class MonthClosedError(UserError):
    pass


class ReopeningError(AccessError):
    pass


class PaymentError(UserError):
    pass


class DunningError(UserError):
    pass


class PersonalServiceError(UserError):
    pass


class CertificateAccessError(AccessError):
    pass


class EInvoiceError(UserError):
    pass


class SendingError(UserError):
    pass


class IncomingError(UserError):
    pass


class QuoteExpiredError(UserError):
    pass


class DepositUnpaidError(UserError):
    pass


class GiveUpError(UserError):
    pass


class YearEndError(UserError):
    pass


class YearEndAccessError(AccessError):
    pass


class BalanceSheetError(AccessError):
    pass
