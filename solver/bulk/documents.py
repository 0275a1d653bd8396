"""Documents in their canonical text, read fast; any other text is left to the plain reading."""

import gzip
import hashlib
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

ZIPPED = b"\x1f\x8b"
WHOLE_DOUBLE = re.compile(rb"\.0[,\]}]")
EXPONENT = re.compile(rb"[:,\[]-?[0-9.]+[eE]\Z")
SMALL = re.compile(rb"e-(?:[7-9]|[1-9][0-9])")
"""Exponents that both write, and write alike."""
MILLIONTHS = re.compile(rb"(?<=[:,\[-])(\d)(?:\.(\d+))?e-6(?=[,\]}])")
"""The exponent that orjson writes and RFC 8785 does not."""
BEYOND = re.compile(rb"[\xf0-\xf4]")
"""Bytes of characters beyond the basic plane."""
SORTED = orjson.OPT_SORT_KEYS
LONG = 16
"""Whole numbers of fewer digits are doubles."""
PIECE = 1 << 16
"""So many bytes of a text, with all that is made of them, stay in the caches of a processor."""
LONGEST = 40
"""No double that is written without an exponent has more characters."""


class Doubt(Exception):  # noqa: N818 - what it is, not what went wrong
    """Something is not plainly right; the plain checker has to look at it."""


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """A document and the digest of its canonical text."""

    value: Mapping[str, Any]
    digest: str


def read(raw: bytes) -> Written:
    """Return a document that is written canonically, gzipped or not.

    What is read and written again gives the same bytes, but for millionths, so no key stands twice,
    keys are sorted and each number is the shortest that names its double; the bytes themselves are
    then the canonical text.

    Raises:
        Doubt: If the bytes are anything else.
    """
    try:
        text = gzip.decompress(raw) if raw[:2] == ZIPPED else raw
        value = orjson.loads(text)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise Doubt(str(error)) from error
    if not isinstance(value, dict) or not _is_same(orjson.dumps(value, option=SORTED), text):
        raise Doubt("The text is not canonical.")
    if _is_unlike(text):
        raise Doubt("The text has numbers or keys that are written in more than one way.")
    return Written(value, hashlib.sha256(text).hexdigest())


def _is_same(written: bytes, text: bytes) -> bool:
    """Say whether a text is what orjson wrote, but for its millionths."""
    return written == text or MILLIONTHS.sub(rb"0.00000\1\2", written) == text


def _is_unlike(text: bytes) -> bool:
    """Say whether RFC 8785 might write a text otherwise than orjson does.

    They differ in ``1.0``, exponents but for small ones, whole numbers that are no doubles, and the
    order of keys beyond the basic plane. Inside texts such things do not matter; to doubt them
    costs only time.
    """
    if WHOLE_DOUBLE.search(text) or (not text.isascii() and BEYOND.search(text)):
        return True
    starts = range(0, len(text), PIECE)
    return any(_has_odd_numbers(text, max(0, at - LONGEST), at + PIECE) for at in starts)


def _has_odd_numbers(text: bytes, first: int, end: int) -> bool:
    """Say whether a piece of a text has long whole numbers, or exponents that are not small."""
    letters = np.frombuffer(text, dtype=np.uint8)[first:end]
    digit = letters - ord("0") < 10  # noqa: PLR2004 - letters below 0 wrap around
    run = digit
    for width in (1, 2, 4, 8):
        run = run[width:] & run[:-width]
    starts = np.flatnonzero(run[1:] & ~digit[: 1 - LONG][: run.size - 1]) + 1
    if set(letters[starts - 1].tolist()) & set(b":,[-"):
        return True
    exponents = np.flatnonzero(digit[:-1] & (letters[1:] | ord(" ") == ord("e"))) + first
    return any(
        EXPONENT.search(text[max(0, at - LONGEST) : at + 2]) and not SMALL.match(text, at + 1)
        for at in exponents.tolist()
    )
