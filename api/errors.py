"""What the HTTP door refuses by itself, and the one table from error code to status."""

# ruff: noqa: N818 - refusals are named by their rule

from http import HTTPStatus
from typing import Final

from starlette.exceptions import HTTPException

STATUS: Final[dict[str, int]] = {
    # the door's own
    "malformed-body": 400,
    "invalid-cursor": 400,
    "invalid-host": 400,
    "idempotency-key-required": 400,
    "unknown-address": 404,
    "method-not-allowed": 405,
    "payload-too-large": 413,
    "unsupported-media-type": 415,
    "invalid-input": 422,
    "precondition-required": 428,
    "internal-error": 500,
    # the center's
    "unauthenticated": 401,
    "forbidden": 403,
    "not-found": 404,
    "already-exists": 409,
    "already-founded": 409,
    "call-closed": 409,
    "balance-too-small": 409,
    "call-not-open": 409,
    "call-still-open": 409,
    "deadline-not-later": 409,
    "exemption-too-late": 409,
    "offer-lapsed": 409,
    "exemptions-waiting": 409,
    "idempotency-in-flight": 409,
    "invalid-transition": 409,
    "lease-lost": 409,
    "appeal-closed": 409,
    "holdings-changed": 409,
    "not-verified": 409,
    "notice-running": 409,
    "nothing-to-freeze": 409,
    "policy-not-locked": 409,
    "refused": 409,
    "return-too-large": 409,
    "scenario-mismatch": 409,
    "second-person-required": 409,
    "party-required": 409,
    "seed-mismatch": 409,
    "seed-not-revealed": 409,
    "seed-not-sealed": 409,
    "undated-round": 409,
    "version-mismatch": 412,
    "idempotency-key-reused": 422,
    "invalid-policy": 422,
    "invalid-round-file": 422,
    "invalid-scores": 422,
    "invalid-usage": 422,
    "invalid-value": 422,
    "request-not-ready": 422,
    "store-busy": 503,
    "store-unavailable": 503,
}
"""Error code → HTTP status. The domain does not know that HTTP exists."""

RETRY_AFTER_SECONDS: Final = {503: 2}
"""Seconds after which trying again may help, by status."""


class DoorError(HTTPException):
    """A refusal of the door itself.

    Attributes:
        code: stable name, kebab-case; its page is ``/api/v1/problems/{code}``.
        fields: what the text of the code speaks about.
    """

    code: str

    def __init__(self, headers: dict[str, str] | None = None, **fields: object) -> None:
        super().__init__(STATUS[self.code], HTTPStatus(STATUS[self.code]).phrase, headers)
        self.fields = fields


class MalformedBody(DoorError):
    """The body is not JSON as we read it. Fields: why."""

    code = "malformed-body"


class InvalidCursor(DoorError):
    """The cursor was not given out for this list, filter, sort and caller."""

    code = "invalid-cursor"


class InvalidHost(DoorError):
    """The Host header names another service. Fields: host."""

    code = "invalid-host"


class UnknownAddress(DoorError):
    """No route has this address."""

    code = "unknown-address"


class MethodNotAllowed(DoorError):
    """The address exists, the method does not. Fields: allowed."""

    code = "method-not-allowed"


class PayloadTooLarge(DoorError):
    """The body is larger than this route takes. Fields: limit, got."""

    code = "payload-too-large"


class UnsupportedMediaType(DoorError):
    """The body's content type is not one this route takes. Fields: accepted."""

    code = "unsupported-media-type"


class IdempotencyKeyRequired(DoorError):
    """A create needs an ``Idempotency-Key`` of 8 to 255 visible ASCII characters."""

    code = "idempotency-key-required"


class InvalidInput(DoorError):
    """Fields of the input break a rule of the schema. Fields: count, fields."""

    code = "invalid-input"


class PreconditionRequired(DoorError):
    """The change must say in ``If-Match`` which version it was made against."""

    code = "precondition-required"


class InternalError(DoorError):
    """Something of ours broke; the trace id finds it in the log."""

    code = "internal-error"
