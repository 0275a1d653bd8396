"""Columns of JSON objects as arrays, exactly; whatever is unusual raises a doubt."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from solver.bulk.documents import Doubt
from solver.checking.rows import MILLI, MOST
from solver.problem import BoolArray, IntArray

Thing = TypeVar("Thing")
Entry = TypeVar("Entry", np.int64, np.bool_)
EXACT = 2.0**62
"""Sums below it are exact in 64 bits."""
SAFE = 2.0**53
"""Whole numbers below it are exact in doubles."""
DENSE = 4
"""A table of so many entries per value is sooner made than values are sorted."""


def opened(rows: object, required: str, optional: str = "") -> dict[str, list[Any]]:
    """Return the columns of a list of objects with known keys only; nothing where one is absent.

    Objects with the same keys in the same order give their values away at once: no object has a key
    twice, so one that is out of step would show in the keys of all, one after the other.
    """
    need, may = required.split(), f"{required} {optional}".split()
    if not isinstance(rows, list) or not set(map(type, rows)) <= {dict}:
        raise Doubt("No list of objects.")
    first = list(rows[0]) if rows else []
    alike = list(chain.from_iterable(rows)) == first * len(rows)
    kinds = set(map(tuple, rows[:1] if alike else rows))
    if not all(set(need) <= set(kind) <= set(may) for kind in kinds):
        raise Doubt("An object has other keys.")
    columns: dict[str, list[Any]] = {name: [None] * len(rows) for name in may}
    if alike:
        values = list(chain.from_iterable(map(dict.values, rows)))
        return columns | {name: values[at :: len(first)] for at, name in enumerate(first)}
    named = set().union(*kinds)
    return columns | {name: [row.get(name) for row in rows] for name in named}


def stated(
    column: list[Any], default: object, read: Callable[[list[Any]], NDArray[Entry]]
) -> NDArray[Entry]:
    """Return a column read with the default for nothing."""
    absent = column.count(None)
    if absent == len(column):
        return np.repeat(read([default]), absent)
    if absent == 0:
        return read(column)
    return read([default if value is None else value for value in column])


def texts(values: Sequence[object]) -> list[str]:
    """Return a column of texts, none of them empty."""
    if not set(map(type, values)) <= {str} or "" in values:
        raise Doubt("A text is none.")
    return values  # type: ignore[return-value]  # looked at above


def places(names: Iterable[str], at: Mapping[str, int]) -> IntArray:
    """Return the index of each name."""
    try:
        return np.fromiter(map(at.__getitem__, names), dtype=np.int64)
    except (KeyError, TypeError) as error:
        raise Doubt(f"Nothing bears the name {error}.") from error


def indices(names: Sequence[str]) -> dict[str, int]:
    """Return the index of each name, none of which stands twice."""
    at = {name: index for index, name in enumerate(names)}
    if len(at) < len(names):
        raise Doubt("A name stands twice.")
    return at


def rows_of(rows: object, length: int) -> list[Any]:
    """Return the entries of a list of lists of one length, one after the other."""
    if not isinstance(rows, list) or not set(map(type, rows)) <= {list}:
        raise Doubt("No list of rows.")
    if not set(map(len, rows)) <= {length}:
        raise Doubt("A row has another length.")
    return list(chain.from_iterable(rows))


def distinct(values: IntArray) -> IntArray:
    """Return the values in order, each once; `numpy.unique` would load masked arrays for it."""
    if _is_dense(values):
        seen = np.zeros(int(values.max()) + 1, dtype=np.bool_)
        seen[values] = True
        return np.flatnonzero(seen)
    ordered = np.sort(values)
    return ordered[np.flatnonzero(np.diff(ordered, prepend=ordered[:1] - 1))]


def ranked(values: IntArray) -> tuple[IntArray, IntArray]:
    """Return the values in order, each once, and where each stands among them."""
    if not _is_dense(values):
        return np.unique(values, return_inverse=True)
    found = distinct(values)
    rank = np.zeros(int(values.max()) + 1, dtype=np.int64)
    rank[found] = np.arange(found.size)
    return found, rank[values]


def _is_dense(values: IntArray) -> bool:
    """Say whether a table over the whole range of values is not much longer than they are."""
    return bool(values.size) and 0 <= values.min() <= values.max() < DENSE * values.size


def whole(values: Sequence[object], least: int = 0) -> IntArray:
    """Return a column of whole numbers."""
    if not set(map(type, values)) <= {int}:
        raise Doubt("A count is not written as a whole number.")
    array = np.array(values, dtype=np.int64)
    if array.size and not least <= array.min() <= array.max() <= MOST:
        raise Doubt("A count is out of range.")
    return array


def milli(values: Sequence[object]) -> IntArray:
    """Return a column of numbers in thousandths.

    A double is a number of at most three places if it is the one nearest to its rounding.
    """
    if not set(map(type, values)) <= {int, float}:
        raise Doubt("A number is none.")
    array = np.array(values, dtype=np.float64)
    scaled = np.rint(array * MILLI)
    if array.size and not (0 <= array.min() <= array.max() <= MOST):
        raise Doubt("A number is out of range.")
    if (scaled / MILLI != array).any():
        raise Doubt("A number has more than three places.")
    return scaled.astype(np.int64)


def flags(values: Sequence[object]) -> BoolArray:
    """Return a column of truths."""
    if not set(map(type, values)) <= {bool}:
        raise Doubt("A truth is none.")
    return np.array(values, dtype=np.bool_)


def sums(index: IntArray, amounts: IntArray, count: int) -> IntArray:
    """Return exact sums of amounts that are not negative, by index."""
    whole = float(amounts.sum(dtype=np.float64))
    if whole < SAFE:
        return np.bincount(index, weights=amounts, minlength=count).astype(np.int64)
    if whole >= EXACT:
        raise Doubt("Sums may not fit into 64 bits.")
    found = np.zeros(count, dtype=np.int64)
    np.add.at(found, index, amounts)
    return found


def product(*factors: IntArray) -> IntArray:
    """Return a product of arrays that are not negative, exact in 64 bits."""
    if np.prod([float(each.max(initial=0)) for each in factors]) >= EXACT:
        raise Doubt("Products may not fit into 64 bits.")
    result = factors[0]
    for each in factors[1:]:
        result = result * each
    return result


def added(amounts: IntArray) -> int:
    """Return the exact sum of amounts that are not negative."""
    if float(amounts.sum(dtype=np.float64)) >= EXACT:
        raise Doubt("A sum may not fit into 64 bits.")
    return int(amounts.sum())


class Late(Mapping[str, Thing]):
    """Objects by id that are read one by one when somebody asks.

    Args:
        at: index of each id, in the order of the document.
        read: what makes the object of an index.
    """

    def __init__(self, at: Mapping[str, int], read: Callable[[int], Thing]) -> None:
        self.at, self.read = at, read
        self.known: dict[str, Thing] = {}

    def __getitem__(self, name: str) -> Thing:
        if name not in self.known:
            self.known[name] = self.read(self.at[name])
        return self.known[name]

    def __contains__(self, name: object) -> bool:
        return name in self.at

    def __iter__(self) -> Iterator[str]:
        return iter(self.at)

    def __len__(self) -> int:
        return len(self.at)


class LateList(Sequence[Thing]):
    """Objects in a row that are read one by one when somebody asks.

    Args:
        length: how many there are.
        read: what makes the object of a place.
    """

    def __init__(self, length: int, read: Callable[[int], Thing]) -> None:
        self.length, self.read = length, read

    @overload
    def __getitem__(self, at: int) -> Thing: ...

    @overload
    def __getitem__(self, at: slice) -> list[Thing]: ...

    def __getitem__(self, at: int | slice) -> Thing | list[Thing]:
        if isinstance(at, slice):
            return [self.read(each) for each in range(*at.indices(self.length))]
        if not 0 <= at < self.length:
            raise IndexError(at)
        return self.read(at)

    def __len__(self) -> int:
        return self.length
