"""Canonical JSON: RFC 8785 by its own examples."""

import json
import struct
from decimal import Decimal

import pytest

from solver.canonical import canonical, digest, number


@pytest.mark.parametrize(
    ("bits", "text"),
    [
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("8000000000000001", "-5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("ffefffffffffffff", "-1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"),
        ("c340000000000000", "-9007199254740992"),
        ("4430000000000000", "295147905179352830000"),
        ("44b52d02c7e14af5", "9.999999999999997e+22"),
        ("44b52d02c7e14af6", "1e+23"),
        ("44b52d02c7e14af7", "1.0000000000000001e+23"),
        ("444b1ae4d6e2ef4e", "999999999999999700000"),
        ("444b1ae4d6e2ef4f", "999999999999999900000"),
        ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("41b3de4355555553", "333333333.3333332"),
        ("41b3de4355555554", "333333333.33333325"),
        ("41b3de4355555555", "333333333.3333333"),
        ("becbf647612f3696", "-0.0000033333333333333333"),
        ("43143ff3c1cb0959", "1424953923781206.2"),
    ],
)
def test_numbers_of_the_rfc(bits: str, text: str) -> None:
    """Every double of the RFC's appendix B is written as the RFC writes it."""
    assert text == number(struct.unpack(">d", bytes.fromhex(bits))[0])


def test_example_of_the_rfc() -> None:
    """The RFC's own example document gives the RFC's own text."""
    document = json.loads(
        r"""{
          "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
          "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
          "literals": [null, true, false]
        }"""
    )
    expected = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert expected == canonical(document).decode()


def test_keys_are_sorted_by_utf16() -> None:
    """Keys follow their UTF-16 code units: an emoji stands before U+FB33."""
    document = {"€": 1, "\r": 2, "\ufb33": 3, "1": 4, "😀": 5, "\u0080": 6, "ö": 7}
    keys = list(json.loads(canonical(document)))
    assert keys == ["\r", "1", "\u0080", "ö", "€", "😀", "\ufb33"]


def test_equal_numbers_have_one_digest() -> None:
    """A number read as whole, as decimal or as double leaves one digest."""
    assert digest([12]) == digest([12.0]) == digest([Decimal("12.00")])
    assert digest([0.1]) == digest([Decimal("0.1")])


def test_empty_containers() -> None:
    """Empty objects, lists and tuples are written without blanks."""
    assert canonical({"c": (), "a": {}, "b": []}) == b'{"a":{},"b":[],"c":[]}'


def test_known_digest() -> None:
    """The digest is the SHA-256 of the canonical text, in lower-case hex."""
    assert digest({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        Decimal("Infinity"),
        Decimal("0.10000000000000000001"),
        2**53 + 1,
        10**400,
        "\ud800",
        {"\ud800": 1},
        {1: 2},
        {1, 2},
        b"bytes",
    ],
)
def test_what_json_cannot_say_is_refused(value: object) -> None:
    """Whatever two readers could read differently is refused."""
    with pytest.raises(ValueError, match=r"JSON|digits|surrogates"):
        canonical([value])
