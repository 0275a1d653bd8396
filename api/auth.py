"""Who calls: the bearer token of a request."""

from collections.abc import Mapping


def bearer(headers: Mapping[str, str]) -> str | None:
    """Return the token of the ``Authorization`` header, or None when it holds no bearer token.

    Args:
        headers: case-insensitive.
    """
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
