"""One document, one text: canonical JSON and its digest."""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

MOST_DIGITS = 21
"""ECMAScript writes numbers below 10**21 without an exponent."""
LEAST_EXPONENT = -6
"""And numbers from 10**-7 on, exclusive, with an exponent."""


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
    return "".join(_pieces(document)).encode("utf-8")


def _pieces(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from _members(value)
    elif isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray)):
        yield from _elements(value)
    else:
        yield _scalar(value)


def _members(mapping: Mapping[Any, object]) -> Iterator[str]:
    """Write an object with its keys in the order of their UTF-16 code units."""
    if not all(isinstance(key, str) for key in mapping):
        raise ValueError("A key of a JSON object is not text.")
    separator = "{"
    for key in sorted(mapping, key=lambda text: text.encode("utf-16-be")):
        yield f"{separator}{_text(key)}:"
        yield from _pieces(mapping[key])
        separator = ","
    yield "}" if mapping else "{}"


def _elements(sequence: Sequence[object]) -> Iterator[str]:
    separator = "["
    for element in sequence:
        yield separator
        yield from _pieces(element)
        separator = ","
    yield "]" if sequence else "[]"


def _scalar(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (int, float, Decimal)):
        return number(value)
    raise ValueError(f"JSON cannot hold a value of type {type(value).__name__}.")


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


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
