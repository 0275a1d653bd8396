"""Exact numbers of levels: sums beyond 64 bits, and rows of rationals that many levels share."""

from collections.abc import Callable
from fractions import Fraction
from operator import mul
from typing import Generic, TypeVar

import numpy as np

from solver.problem import IntArray

Name = TypeVar("Name", int, str)
EXACT = 2.0**62
"""Products and sums below it are exact in 64 bits."""


class Rows(Generic[Name]):
    """Rows of certificates, each kept: thousands of levels share the most of them.

    Args:
        name: what the row of a key begins with.
        rational: makes fractions.
    """

    def __init__(
        self,
        name: Callable[[int], tuple[Name, int]],
        rational: Callable[[int, int], Fraction],
    ) -> None:
        self._name: Callable[[int], tuple[Name, int]] = name
        self._rational = rational
        self._kept = np.empty(0, dtype=object)
        self._value, self._unit = np.zeros((2, 0), dtype=np.int64)

    def of(self, keys: IntArray, values: IntArray, unit: int) -> list[tuple[Name, int, Fraction]]:
        """Return rows of values in parts of a unit.

        Args:
            keys: ``(n,)`` where each row is kept, no two alike.
            values: ``(n,)`` integers.
            unit: positive.
        """
        self._make_room(int(keys.max(initial=-1)) + 1)
        other = (self._value[keys] != values) | (self._unit[keys] != unit)
        new = keys[other]
        self._value[new], self._unit[new] = values[other], unit
        key: int
        for key, value in zip(new.tolist(), values[other].tolist(), strict=True):
            self._kept[key] = (*self._name(key), self._rational(value, unit))
        rows: list[tuple[Name, int, Fraction]] = self._kept[keys].tolist()
        return rows

    def _make_room(self, keys: int) -> None:
        """Let keys below a number have a place."""
        more = keys - self._kept.shape[0]
        if more > 0:
            none = np.zeros(more, dtype=np.int64)
            self._kept = np.append(self._kept, np.empty(more, dtype=object))
            self._value, self._unit = (np.append(old, none) for old in (self._value, self._unit))


def raised(weight: IntArray, level: Fraction) -> IntArray:
    """Return weight times level, rounded down, exactly."""
    whole, rest = divmod(level.numerator, level.denominator)
    largest = float(weight.max(initial=1)) * max(whole, rest, 1)
    if max(largest, level.denominator) < EXACT:
        return weight * whole + weight * rest // level.denominator
    numerator, denominator = level.numerator, level.denominator
    most = np.iinfo(np.int64).max
    raised = (min(w * numerator // denominator, most) for w in weight.tolist())
    return np.fromiter(raised, dtype=np.int64, count=weight.shape[0])


def weighted_sum(lifts: IntArray, amounts: IntArray) -> int:
    """Return Σ lift·amount exactly."""
    largest = float(lifts.max(initial=0)) * float(np.abs(amounts).sum(dtype=np.float64))
    if largest < EXACT:
        return int(lifts @ amounts)
    return sum(map(mul, lifts.tolist(), amounts.tolist()))
