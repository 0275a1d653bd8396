"""Who calls: the bearer token of a request and the principal behind it."""

from collections.abc import Mapping
from datetime import datetime

from scheduler.domain.access import Principal
from scheduler.domain.errors import Unauthenticated
from scheduler.ports import Transaction


def bearer(headers: Mapping[str, str]) -> str | None:
    """Return the token of the ``Authorization`` header, or None when it holds no bearer token.

    Args:
        headers: case-insensitive.
    """
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def authenticate(tx: Transaction, token: str, *, now: datetime, pepper: bytes) -> Principal:
    """placeholder."""
    raise Unauthenticated(why="unknown")
