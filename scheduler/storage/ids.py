"""Ids that sort by time: a prefix and a UUIDv7 in Crockford's base32."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

LETTERS: Final = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH: Final = 26
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_RANDOM_BYTES: Final = 8
_VERSION: Final = 0x7
_VARIANT: Final = 0b10


class Uuid7Ids:
    """Makes ids from an instant and entropy.

    Args:
        entropy: gives that many unpredictable bytes.

    Source:
        RFC 9562, sections 5.7 and 6.2, method 3: the 12 bits after the millisecond hold its
        fraction.
    """

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy

    def new(self, prefix: str, now: datetime) -> str:
        """Return ``prefix_`` and 26 letters."""
        microseconds = (now - _EPOCH) // timedelta(microseconds=1)
        milliseconds, rest = divmod(microseconds, 1000)
        chance = int.from_bytes(self._entropy(_RANDOM_BYTES), "big") & ((1 << 62) - 1)
        value = milliseconds << 80 | _VERSION << 76 | (rest * 4096 // 1000) << 64
        return f"{prefix}_{_letters(value | _VARIANT << 62 | chance)}"


def _letters(value: int) -> str:
    return "".join(LETTERS[value >> 5 * place & 31] for place in reversed(range(LENGTH)))
