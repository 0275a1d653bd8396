"""Reading JSON objects strictly: keys known, numbers exact; standard library only."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

MILLI = 1000
MOST = 10**12
"""No number of a round may exceed this."""
MOST_PLACES = 300
"""No number at all has more digits before the point, or more zeros after it: no double has."""

Cell: TypeAlias = tuple[str, int, int]
"""Pool, slot, whole GPU-hours."""


class Unreadable(ValueError):  # noqa: N818 - what the document is, not what went wrong in here
    """A document breaks its format; the message names the place and the rule."""


class Row:
    """One JSON object: its keys are checked when it is opened, its values when they are read."""

    def __init__(self, value: object, path: str, required: str, optional: str = "") -> None:
        if not isinstance(value, Mapping):
            raise Unreadable(f"{path}: must be an object.")
        known = set(required.split())
        missing = known - value.keys()
        unknown = value.keys() - known - set(optional.split())
        if missing or unknown:
            which, fault = (missing, "is missing") if missing else (unknown, "is unknown")
            raise Unreadable(f"{path}: the key {min(which)!r} {fault}.")
        self.value: Mapping[str, Any] = value
        self.path = path

    def at(self, name: str) -> str:
        """Return the path of a key."""
        return f"{self.path}.{name}"

    def has(self, name: str) -> bool:
        """Say whether a key is present and not null."""
        return self.value.get(name) is not None

    def text(self, name: str) -> str:
        """Return a text of at least one character."""
        value = self.value[name]
        if not isinstance(value, str) or not value:
            raise Unreadable(f"{self.at(name)}: must be text, not {value!r}.")
        return value

    def maybe_text(self, name: str) -> str | None:
        """Return a text or nothing."""
        return self.text(name) if self.has(name) else None

    def choice(self, name: str, allowed: Iterable[str], default: str) -> str:
        """Return one of some words."""
        value = self.value[name] if self.has(name) else default
        if value not in tuple(allowed):
            raise Unreadable(f"{self.at(name)}: {value!r} is none of {', '.join(allowed)}.")
        return str(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return true or false."""
        value = self.value[name] if self.has(name) else default
        if not isinstance(value, bool):
            raise Unreadable(f"{self.at(name)}: must be true or false, not {value!r}.")
        return value

    def count(self, name: str, least: int = 0, default: int | None = None) -> int:
        """Return a whole number."""
        value = self.value[name] if default is None or self.has(name) else default
        return whole(value, self.at(name), least)

    def milli(self, name: str, default: int = 0) -> int:
        """Return a number in thousandths; the default is in thousandths too."""
        return thousandths(self.value[name], self.at(name)) if self.has(name) else default

    def maybe_milli(self, name: str) -> int | None:
        """Return a number in thousandths, or nothing."""
        return self.milli(name) if self.has(name) else None

    def items(self, name: str) -> list[Any]:
        """Return a list; an absent one is empty."""
        value = self.value[name] if self.has(name) else []
        if not isinstance(value, list):
            raise Unreadable(f"{self.at(name)}: must be a list.")
        return value

    def numbered(self, name: str) -> Iterable[tuple[int, object]]:
        """Return the elements of a list with their positions."""
        return enumerate(self.items(name))

    def table(self, name: str) -> Mapping[str, Any]:
        """Return an object; an absent one is empty."""
        value = self.value[name] if self.has(name) else {}
        if not isinstance(value, Mapping):
            raise Unreadable(f"{self.at(name)}: must be an object.")
        return value


def whole(value: object, path: str, least: int = 0) -> int:
    """Return a JSON number that is whole.

    Raises:
        Unreadable: If it is not, or lies outside ``least`` … `MOST`.
    """
    if type(value) is int and least <= value <= MOST:
        return value
    number = exact(value, path)
    if number != number.to_integral_value() or not least <= number <= MOST:
        raise Unreadable(f"{path}: must be a whole number from {least}, not {value}.")
    return int(number)


def thousandths(value: object, path: str) -> int:
    """Return a JSON number as exact thousandths.

    Raises:
        Unreadable: If it is negative, larger than `MOST`, or has more than three places.
    """
    if type(value) is int and 0 <= value <= MOST:
        return value * MILLI
    number = exact(value, path)
    scaled = number * MILLI
    if not 0 <= number <= MOST or scaled != scaled.to_integral_value():
        raise Unreadable(f"{path}: must be 0 or more with at most three places, not {value}.")
    return int(scaled)


def exact(value: object, path: str) -> Decimal:
    """Return a JSON number as a decimal; a double is the shortest decimal that names it.

    Raises:
        Unreadable: If it is no finite number.
    """
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise Unreadable(f"{path}: must be a number, not {value!r}.")
    number = Decimal(value)
    if not number.is_finite() or (number and abs(number.adjusted()) > MOST_PLACES):
        raise Unreadable(f"{path}: must be a number of usual size, not {value}.")
    return number


def read_cells(value: object, path: str) -> tuple[Cell, ...]:
    """Return cells written ``[pool, slot, gpu_hours]``.

    Raises:
        Unreadable: If they are not written so.
    """
    if not isinstance(value, list):
        raise Unreadable(f"{path}: must be a list.")
    cells = []
    for cell in value:
        if not isinstance(cell, list) or len(cell) != 3:  # noqa: PLR2004 - pool, slot, hours
            raise Unreadable(f"{path}: {cell!r} is not [pool, slot, gpu_hours].")
        pool, slot, hours = cell
        if not isinstance(pool, str):
            raise Unreadable(f"{path}: the pool {pool!r} is not text.")
        cells.append((pool, whole(slot, path), whole(hours, path)))
    return tuple(cells)
