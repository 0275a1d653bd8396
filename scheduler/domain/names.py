"""Names: slugs that people choose, prefixed ids that the center makes."""

import re
import unicodedata
from typing import Final

from scheduler.domain.errors import InvalidValue

SLUG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
MADE: Final = re.compile(r"[a-z]{3,4}_[0-9a-hjkmnp-tv-z]{26}")
_BIDI: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")
LINE: Final = 200
"""Most characters of a title or a name."""
PARAGRAPHS: Final = 10_000
"""Most characters of an abstract or a reason."""


def slug(value: str, *, field: str) -> str:
    """Return the value if it may name a directory object.

    Raises:
        InvalidValue: If it is not 1 to 64 letters, digits, dots, underscores or hyphens.
    """
    if not SLUG.fullmatch(value):
        raise InvalidValue(field=field, value=value, rule="slug")
    return value


def made(value: str, prefix: str) -> bool:
    """Return whether the value is an id that the center makes under this prefix."""
    return value.startswith(f"{prefix}_") and MADE.fullmatch(value) is not None


def line(value: str, *, field: str, longest: int = LINE) -> str:
    """Return one line of text in NFC, without control or direction characters.

    Raises:
        InvalidValue: If such a character occurs, or the text is too long.
    """
    return _text(value, field=field, longest=longest, breaks=False)


def paragraphs(value: str, *, field: str, longest: int = PARAGRAPHS) -> str:
    """Return text in NFC; line breaks and tabs are allowed.

    Raises:
        InvalidValue: If a control or direction character occurs, or the text is too long.
    """
    return _text(value, field=field, longest=longest, breaks=True)


def reason(value: str) -> str:
    """Return a reason as it is kept.

    Raises:
        InvalidValue: If nothing is said.
    """
    said = paragraphs(value, field="/reason").strip()
    if not said:
        raise InvalidValue(field="/reason", value=value, rule="required")
    return said


def _text(value: str, *, field: str, longest: int, breaks: bool) -> str:
    text = unicodedata.normalize("NFC", value)
    allowed = "\n\r\t" if breaks else ""
    if any(
        (unicodedata.category(letter) in {"Cc", "Cs"} and letter not in allowed) or letter in _BIDI
        for letter in text
    ):
        raise InvalidValue(field=field, value=repr(value)[:80], rule="printable")
    if len(text) > longest:
        raise InvalidValue(field=field, value=f"{len(text)} characters", rule=f"at most {longest}")
    return text
