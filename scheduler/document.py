"""JSON documents read field by field; what is refused names the field, the value and the rule."""

import gzip
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

Document: TypeAlias = dict[str, Any]
MOST = 10**12
"""No number in a round may exceed this; it keeps every product inside 64 bits or exact floats."""
LARGEST = 10**300
"""What a figure that floats cannot hold is read as."""
MOST_SHOWN = 80
"""Characters of a wrong value that a refusal repeats."""


class InvalidRound(ValueError):  # noqa: N818 - a refusal, named as the rule names it
    """A round file breaks a rule of the format.

    Attributes:
        pointer: JSON pointer of the field, such as ``#/requests/3/gpu_hours``.
        value: what stands there.
        shown: the value as a file would have it, cut where it grows long.
        rule: what should stand there.
    """

    def __init__(self, pointer: str, value: object, rule: str) -> None:
        self.shown = _as_written(value)
        super().__init__(f"{pointer}: {self.shown}: {rule}")
        self.pointer = pointer
        self.value = value
        self.rule = rule


def _as_written(value: object) -> str:
    """Return a value as a file would have it, cut where it grows long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, Decimal):
        text = str(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def load_document(path: Path | str) -> Document:
    """Read a JSON document, gzipped or not, with exact decimals.

    Raises:
        InvalidRound: If it is not a JSON object, or a key stands twice in one object.
        OSError: If it cannot be read.
    """
    return parse_document(Path(path).read_bytes())


def parse_document(raw: bytes) -> Document:
    """Parse JSON bytes, gzipped or not, with exact decimals.

    Raises:
        InvalidRound: If they are not a JSON object, or a key stands twice in one object.
    """
    try:
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8")
        document = json.loads(
            text, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_unique
        )
    except (ValueError, EOFError, OSError, RecursionError) as error:
        if isinstance(error, InvalidRound):
            raise
        raise InvalidRound(
            "#", _short(raw), f"Must be JSON in UTF-8, gzipped or not: {error}"
        ) from error
    if not isinstance(document, dict):
        raise InvalidRound("#", _short(raw), "Must be a JSON object.")
    return document


class Fields:
    """One JSON object being read: each key once, unknown keys refused at the end."""

    def __init__(self, value: object, pointer: str) -> None:
        if not isinstance(value, dict):
            raise InvalidRound(pointer, value, "Must be an object.")
        self.value: Mapping[str, Any] = value
        self.pointer = pointer
        self.read: set[str] = set()

    def take(self, name: str) -> Any:  # noqa: ANN401 - any JSON value
        """Return a required value."""
        self.read.add(name)
        if name not in self.value:
            raise InvalidRound(self.at(name), None, "Is required.")
        return self.value[name]

    def has(self, name: str) -> bool:
        """Say whether a key is present and not null."""
        self.read.add(name)
        return self.value.get(name) is not None

    def ignore(self, name: str) -> None:
        """Allow a key whose value is text about the round."""
        self.read.add(name)

    def at(self, name: str) -> str:
        """Return the JSON pointer of a key."""
        return f"{self.pointer}/{name}"

    def text(self, name: str) -> str:
        """Return a non-empty text."""
        value = self.take(name)
        if not isinstance(value, str) or not value:
            raise InvalidRound(self.at(name), value, "Must be a non-empty text.")
        return value

    def optional_text(self, name: str) -> str | None:
        """Return a text or nothing."""
        return self.text(name) if self.has(name) else None

    def choice(self, name: str, allowed: Sequence[str], default: str) -> str:
        """Return one of the allowed words."""
        value = self.take(name) if self.has(name) else default
        if value not in allowed:
            raise InvalidRound(self.at(name), value, f"Must be one of {', '.join(allowed)}.")
        return str(value)

    def flag(self, name: str) -> bool:
        """Return true or false; false when absent."""
        value = self.take(name) if self.has(name) else False
        if not isinstance(value, bool):
            raise InvalidRound(self.at(name), value, "Must be true or false.")
        return value

    def count(self, name: str, *, least: int = 0, default: int | None = None) -> int:
        """Return a whole number."""
        value = default if default is not None and not self.has(name) else self.take(name)
        if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST:
            raise InvalidRound(
                self.at(name), value, f"Must be a whole number from {least} to {MOST}."
            )
        return value

    def figure(self, name: str) -> float:
        """Return a number of any size, sign and places, as a float."""
        value = self.take(name)
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise InvalidRound(self.at(name), value, "Must be a number.")
        return float(min(max(value, -LARGEST), LARGEST))

    def milli(self, name: str, *, default: int | None = None, positive: bool = False) -> int:
        """Return a number as thousandths; `default` in thousandths too."""
        if default is not None and not self.has(name):
            return default
        return as_milli(self.take(name), self.at(name), positive=positive)

    def optional_milli(self, name: str) -> int | None:
        """Return a number as thousandths, or nothing."""
        return self.milli(name) if self.has(name) else None

    def fields(self, name: str) -> "Fields":
        """Return an object to be read."""
        return Fields(self.take(name), self.at(name))

    def rows(self, name: str) -> list["Fields"]:
        """Return a list of objects to be read."""
        value = self.items(name)
        return [Fields(each, f"{self.at(name)}/{index}") for index, each in enumerate(value)]

    def items(self, name: str) -> list[Any]:
        """Return a list."""
        value = self.take(name)
        if not isinstance(value, list):
            raise InvalidRound(self.at(name), value, "Must be a list.")
        return value

    def finish(self) -> None:
        """Refuse keys that nobody asked for."""
        for name in self.value:
            if name not in self.read:
                raise InvalidRound(self.at(name), self.value[name], "Is not a key of the format.")


def as_milli(value: object, pointer: str, *, positive: bool = False) -> int:
    """Return a JSON number as exact thousandths.

    Raises:
        InvalidRound: If it is no number, negative, too large, or has more than three places.
    """
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise InvalidRound(pointer, value, "Must be a number.")
    scaled = Decimal(value) * 1000
    if not scaled.is_finite() or not 0 <= scaled <= MOST * 1000 or (positive and scaled == 0):
        low = "above 0" if positive else "0 or more"
        raise InvalidRound(pointer, str(value), f"Must be {low} and at most {MOST}.")
    if scaled != scaled.to_integral_value():
        raise InvalidRound(pointer, str(value), "Must have at most three decimal places.")
    return int(scaled)


def _unique(pairs: list[tuple[str, Any]]) -> Document:
    """Build an object, refusing a key that stands twice."""
    document = dict(pairs)
    if len(document) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InvalidRound(f"#/…/{twice}", twice, "A key stands twice in one object.")
    return document


def _no_constant(text: str) -> None:
    """Refuse NaN and infinities, which JSON does not have."""
    raise InvalidRound("#", text, "Is not a JSON number.")


def _short(raw: bytes) -> str:
    """Return the beginning of what was read."""
    return raw[:40].decode("utf-8", "replace")
