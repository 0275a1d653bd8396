"""Keyset pagination: opaque cursors bound by HMAC to the caller, the filter and the sort."""

import base64
import binascii
import hashlib
import hmac
from typing import Annotated, Final

from fastapi import Query

from api.errors import InvalidCursor
from scheduler.ports.paging import DEFAULT_LIMIT, LARGEST_LIMIT

MAC_BYTES: Final = 16

Limit = Annotated[int, Query(ge=1, le=LARGEST_LIMIT, description="Most items of a page.")]
"""Length of a page."""
Cursor = Annotated[str | None, Query(max_length=512, description="Opens the next page.")]
"""Where a page begins."""
STANDARD: Final = DEFAULT_LIMIT


def seal(after: str, *, binding: str, key: bytes) -> str:
    """Return the opaque cursor that continues after a sort key.

    Args:
        after: the sort key of the last item shown.
        binding: what the cursor belongs to (caller, route, filter).
        key: the service's secret.
    """
    raw = _mac(after, binding, key) + after.encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unseal(cursor: str, *, binding: str, key: bytes) -> str:
    """Return the sort key a cursor holds.

    Raises:
        InvalidCursor: If it was not sealed with this binding and key.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        after = raw[MAC_BYTES:].decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidCursor from error
    if not hmac.compare_digest(raw[:MAC_BYTES], _mac(after, binding, key)):
        raise InvalidCursor
    return after


def _mac(after: str, binding: str, key: bytes) -> bytes:
    message = f"cursor\0{binding}\0{after}".encode()
    return hmac.digest(key, message, hashlib.sha256)[:MAC_BYTES]
