"""One document, one text: canonical JSON and its digest."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

MOST_DIGITS = 21
"""ECMAScript writes numbers below 10**21 without an exponent."""
LEAST_EXPONENT = -6
"""And numbers from 10**-7 on, exclusive, with an exponent."""
DOUBLES = 1 << 53
"""Whole numbers up to here are doubles, each written with its own digits."""
REMEMBERED = 256
SHORT = 64
"""So many sets of keys, so long at most, are remembered in their order: a document repeats few."""
_WORDS = {None: "null", True: "true", False: "false"}
_text = json.JSONEncoder(ensure_ascii=False).encode


def digest(document: object) -> str:
    """Return the SHA-256 of a document's canonical text as 64 lower-case hex digits.

    Raises:
        ValueError: If the document holds what canonical JSON cannot say (see `canonical`).
    """
    return hashlib.sha256(canonical(document)).hexdigest()


def canonical(document: object) -> bytes:
    """Return the canonical JSON text of a document.

    Numbers may be `int`, `float` or `Decimal`; ``1``, ``1.0`` and ``Decimal("1.00")`` are the same
    number and give the same text.

    Raises:
        ValueError: If a number is no double (nan, infinite, too many digits), a text holds a lone
            surrogate, a key is not text, or a value is not JSON at all.

    Source:
        RFC 8785, JSON Canonicalization Scheme.
    """
    pieces: list[str] = []
    _write(document, pieces)
    return "".join(pieces).encode("utf-8")


def _write(value: object, pieces: list[str]) -> None:
    """Append the text of a value."""
    if isinstance(value, str):
        pieces.append(_text(value))
    elif value is None or isinstance(value, bool):
        pieces.append(_WORDS[value])
    elif isinstance(value, (int, float, Decimal)):
        is_plain = type(value) is int and -DOUBLES <= value <= DOUBLES
        pieces.append(str(value) if is_plain else number(value))
    elif isinstance(value, (dict, Mapping)):
        _write_members(value, pieces)
    elif isinstance(value, (list, Sequence)) and not isinstance(value, (bytes, bytearray)):
        _write_elements(value, pieces)
    else:
        raise ValueError(f"JSON cannot hold a value of type {type(value).__name__}.")


def _write_members(mapping: Mapping[Any, object], pieces: list[str]) -> None:
    """Append an object with its keys in their order."""
    keys = tuple(mapping)
    if not all(isinstance(key, str) for key in keys):
        raise ValueError("A key of a JSON object is not text.")
    separator = "{"
    ordered = _remembered if len(keys) <= SHORT else _ordered
    for key, written in ordered(keys):
        value = mapping[key]
        if type(value) is str:
            pieces.append(separator + written + _text(value))
        else:
            pieces.append(separator + written)
            _write(value, pieces)
        separator = ","
    pieces.append("}" if keys else "{}")


def _ordered(keys: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return keys in the order of their UTF-16 code units, each with its text."""
    return tuple((key, f"{_text(key)}:") for key in sorted(keys, key=_utf16))


_remembered = lru_cache(REMEMBERED)(_ordered)


def _write_elements(sequence: Sequence[object], pieces: list[str]) -> None:
    """Append a list."""
    separator = "["
    for element in sequence:
        if type(element) is str:
            pieces.append(separator + _text(element))
        else:
            pieces.append(separator)
            _write(element, pieces)
        separator = ","
    pieces.append("]" if sequence else "[]")


def _utf16(text: str) -> bytes:
    """Return what RFC 8785 sorts keys by."""
    return text.encode("utf-16-be")


def number(value: float | Decimal) -> str:
    """Return a number as ECMAScript writes it.

    Raises:
        ValueError: If the value is not finite, or is a whole or decimal number that no double
            states exactly enough to be read back (two documents must never share a text).

    Source:
        ECMA-262, Number::toString, radix 10, as RFC 8785 section 3.2.2.3 demands.
    """
    double = _double(value)
    if double == 0:
        return "0"
    plain = repr(double)
    if "e" not in plain:  # both write 10**-4 … 10**16 plainly and with the same digits
        return plain.removesuffix(".0")
    sign = "-" if double < 0 else ""
    digits, point = _shortest(abs(double))
    if len(digits) <= point <= MOST_DIGITS:
        return f"{sign}{digits}{'0' * (point - len(digits))}"
    if 0 < point <= MOST_DIGITS:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if LEAST_EXPONENT < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    mantissa = digits if len(digits) == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{sign}{mantissa}e{point - 1:+d}"


def _double(value: float | Decimal) -> float:
    """Return the double nearest to a number that it names without loss."""
    try:
        double = float(value)
    except OverflowError as error:
        raise ValueError(f"The number {value} is too large for JSON.") from error
    if not math.isfinite(double):
        raise ValueError(f"JSON cannot hold the number {value}.")
    if isinstance(value, Decimal) and Decimal(repr(double)) != value:
        raise ValueError(f"The number {value} has more digits than a double keeps.")
    if isinstance(value, int) and int(double) != value:
        raise ValueError(f"The number {value} has more digits than a double keeps.")
    return double


def _shortest(double: float) -> tuple[str, int]:
    """Return the shortest digits that name a positive double, and where the point stands."""
    _, digits, exponent = Decimal(repr(double)).as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits))
    stripped = text.rstrip("0")
    return stripped, len(text) + exponent
