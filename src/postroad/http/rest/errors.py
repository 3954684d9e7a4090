"""What the REST API answers for each error of the core, in the names of the Resend API."""

from postroad.base import errors
from postroad.http.contract.problems import ErrorTable

ERRORS: ErrorTable = {
    errors.MailError: (422, "validation_error"),
    errors.NotFound: (404, "not_found"),
    errors.NoSuchTarget: (409, "resource_locked"),
    errors.AlreadyExists: (409, "validation_error"),
    errors.NotPermitted: (403, "validation_error"),
    errors.MailLoop: (403, "validation_error"),
    errors.NotAuthorised: (403, "invalid_api_key"),
    errors.AuthenticationFailed: (403, "invalid_api_key"),
    errors.InUse: (409, "resource_locked"),
    errors.Invalid: (422, "validation_error"),
    errors.TooLarge: (413, "validation_error"),
    errors.TooMany: (422, "validation_error"),
    errors.Conflict: (409, "resource_locked"),
    errors.OverQuota: (507, "email_above_quota"),
    errors.TryLater: (503, "service_unavailable"),
    errors.LowSpace: (503, "service_unavailable"),
}
