"""Tokens: shown once, kept as a keyed hash, limited in reach and time."""

import hashlib
import hmac
import re
import zlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from scheduler.domain.errors import InvalidTransition, InvalidValue
from scheduler.domain.names import line

PREFIX: Final = "dure_pat_"
LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SECRET_LETTERS: Final = 30
CHECK_LETTERS: Final = 6
ENTROPY_BYTES: Final = 23
"""Enough for 30 letters of 62."""
LONGEST: Final = timedelta(days=90)
LONGEST_SERVICE: Final = timedelta(days=365)
_FORM: Final = re.compile(rf"{PREFIX}([0-9A-Za-z]{{{SECRET_LETTERS}}})([0-9A-Za-z]{{6}})")


def mint(entropy: bytes) -> str:
    """Return a new token text: prefix, secret, and a check that scanners can test offline.

    Args:
        entropy: at least 23 random bytes.
    """
    if len(entropy) < ENTROPY_BYTES:
        raise ValueError("A token needs 23 random bytes.")
    secret = _letters(int.from_bytes(entropy, "big"), SECRET_LETTERS)
    return f"{PREFIX}{secret}{_check(secret)}"


def well_formed(text: str) -> bool:
    """Return whether the text has the form of a token and its check fits."""
    match = _FORM.fullmatch(text)
    return match is not None and _check(match[1]) == match[2]


def hashed(text: str, pepper: bytes) -> str:
    """Return what the store keeps of a token."""
    return hmac.new(pepper, text.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as the store knows it.

    Attributes:
        hint: the first letters, for its owner to tell tokens apart.
        scopes: actions, `area.*`, or `*`; never more than the owner's rights at use time.
    """

    id: str
    person: str
    name: str
    hash: str
    hint: str
    scopes: tuple[str, ...]
    issued_by: str
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    service: bool = False

    def __post_init__(self) -> None:
        line(self.name, field="/name")
        longest = LONGEST_SERVICE if self.service else LONGEST
        if not self.issued_at < self.expires_at <= self.issued_at + longest:
            raise InvalidValue(
                field="/expires_at",
                value=self.expires_at.isoformat(),
                rule=f"later than now, within {longest.days} days",
            )
        if not self.scopes or not all(_scope(scope) for scope in self.scopes):
            raise InvalidValue(field="/scopes", value=list(self.scopes), rule="actions, area.*, *")

    def refusal(self, now: datetime) -> str | None:
        """Return why the token no longer counts, or nothing."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if now >= self.expires_at else None

    def revoke(self, at: datetime) -> "Token":
        """Let the token count no more."""
        if self.revoked_at is not None:
            raise InvalidTransition(
                kind="token", id=self.id, state="revoked", action="revoke", allowed=[]
            )
        return replace(self, revoked_at=at)


def _scope(text: str) -> bool:
    return re.fullmatch(r"\*|[a-z_]+\.(\*|[a-z_]+(\.[a-z_]+)*)", text) is not None


def _check(secret: str) -> str:
    return _letters(zlib.crc32(secret.encode()), CHECK_LETTERS)


def _letters(value: int, count: int) -> str:
    letters = []
    for _ in range(count):
        value, digit = divmod(value, len(LETTERS))
        letters.append(LETTERS[digit])
    return "".join(reversed(letters))
