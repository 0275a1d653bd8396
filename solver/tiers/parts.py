"""A program in parts that only a few rows tie together, solved part by part at prices.

A round is such a program: each group has rows of its own, and only supply, tracks and what earlier
tiers keep are shared. With a price for each shared row every part can be solved by itself, and what
they reach together is a bound (Lagrangian relaxation: Geoffrion 1974, section 2). It is a better
one than the relaxation's: within a part choices are whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from solver.problem import NOBODY, BoolArray, FloatArray, IntArray
from solver.tiers.program import Effort, Program, solve_program

OPEN = 1 << 40
"""More than any number of a part."""
WITHIN = 1e-6
"""By how much a solution may be beyond bounds."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parted:
    """What the parts give at some prices.

    Attributes:
        values: ``(columns,)`` the best of each part, one beside the other; shared rows may be
            broken. None where a part has nothing.
        bound: of the whole program; infinite where parts were left out.
        bounds: ``(parts,)`` what each part adds to it.
        infeasible: whether a part has no solution.
        solved: numbers of the parts that were solved; the others have what was known.
        prices: ``(rows,)`` at which that is so.
    """

    values: FloatArray | None
    bound: float = -np.inf
    bounds: FloatArray = field(default_factory=lambda: np.zeros(0))
    infeasible: bool = False
    prices: FloatArray = field(default_factory=lambda: np.zeros(0))
    work: int = 0
    solved: Sequence[int] = ()


class Parts:
    """A program in parts.

    Args:
        program: the whole of it.
        part: ``(columns,)`` the part that a column belongs to, or `NOBODY`: then it goes with the
            rows that it is in, if those are of one part.

    Attributes:
        part: ``(columns,)`` the part of each column; columns of none are shared like rows.
        shared: ``(rows,)`` which rows tie parts together.
    """

    def __init__(self, program: Program, part: IntArray) -> None:
        self.program = program
        self.part = _completed(program, part)
        row, column, _ = program.matrix()
        least, most = _ends(row, self.part[column], program.rows)
        self.shared = (least != most) | (most == NOBODY)
        inside = self.shared[row]
        self._terms = tuple(each[inside] for each in program.matrix())
        self._columns = [np.flatnonzero(self.part == each) for each in np.unique(self.part)]
        self._columns = [each for each in self._columns if self.part[each[0]] != NOBODY]
        self._number = np.full(self.part.size, NOBODY)
        for number, columns in enumerate(self._columns):
            self._number[columns] = number
        self._programs = [
            program.part(self.part == number, ~self.shared & (least == number))
            for number in (int(self.part[each[0]]) for each in self._columns)
        ]

    @property
    def count(self) -> int:
        """Number of parts."""
        return len(self._columns)

    def solve(  # noqa: PLR0913 - the program's goal, prices and bounds, and by name what is known
        self,
        goal: FloatArray,
        prices: FloatArray,
        bounds: tuple[FloatArray, FloatArray],
        whole: BoolArray,
        effort: Effort,
        *,
        known: Sequence[FloatArray] = (),
        order: Sequence[int] | None = None,
        least: float = -np.inf,
        looser: Parted | None = None,
    ) -> Parted:
        """Solve every part at prices of the shared rows.

        Args:
            goal: ``(columns,)``, to be least.
            prices: ``(rows,)`` duals of a relaxation, or near them; those of other rows are unused.
            bounds: ``(columns,)`` least and most.
            whole: ``(columns,)`` which columns have to be whole.
            effort: of each part.
            known: ``(columns,)`` solutions of the parts: each begins with its best one.
            order: numbers of the parts, in the order in which they are solved.
            least: a bound to be beaten: once solutions known show that it is not, the rest is left.
            looser: what the parts gave at these prices under looser bounds: it stands where it is
                within the present ones.
        """
        low, high = bounds
        prices = self._of_right_sign(prices)
        row, column, value = self._terms
        costs = goal - np.bincount(column, value * prices[row], goal.size)
        alone = (self.part == NOBODY) & (costs != 0.0)
        values = np.where(np.isfinite(low), low, np.minimum(high, 0.0))
        values[alone] = np.where(costs[alone] > 0.0, low[alone], high[alone])
        bound, work = self._paid(prices) + float(costs[alone] @ values[alone]), 0
        begun = [_least(costs, columns, known) for columns in self._columns]
        open_parts = sum(each.cost for each in begun)
        solved: list[int] = []
        each = np.full(self.count, -np.inf)
        stands, left = self._stands(looser, (low, high)), set(range(self.count))
        for number in range(self.count) if order is None else order:
            columns = self._columns[number]
            left.discard(number)
            if looser is not None and looser.values is not None and stands[number]:
                values[columns], each[number] = looser.values[columns], looser.bounds[number]
                bound += float(looser.bounds[number])
                open_parts -= begun[number].cost
                continue
            answer = solve_program(
                self._programs[number],
                costs[columns],
                effort,
                integer=whole[columns],
                lower=low[columns],
                upper=high[columns],
                hint=begun[number].values,
            )
            work += answer.work
            solved.append(number)
            if answer.values is None:
                return Parted(values=None, infeasible=answer.infeasible, work=work, solved=solved)
            values[columns], each[number] = answer.values, answer.bound
            bound += answer.bound
            open_parts -= begun[number].cost
            if bound + open_parts < least:
                break
        for number in left:
            values[self._columns[number]], bound = begun[number].values, -np.inf
        return Parted(
            values=values,
            bound=bound,
            bounds=each,
            prices=prices,
            work=work,
            solved=solved,
        )

    def _stands(self, looser: Parted | None, bounds: tuple[FloatArray, FloatArray]) -> BoolArray:
        """Return ``(parts,)`` which parts may stay as they are, within bounds of columns."""
        if looser is None or looser.values is None:
            return np.zeros(self.count, dtype=np.bool_)
        low, high = bounds
        beyond = (looser.values < low - WITHIN) | (looser.values > high + WITHIN)
        return np.asarray((self.sums(beyond.astype(np.float64)) == 0.0) & (looser.bounds > -np.inf))

    def of(self, number: int) -> IntArray:
        """Return the columns of a part."""
        return self._columns[number]

    def sums(self, values: FloatArray) -> FloatArray:
        """Return ``(parts,)`` the sum of values of columns over each part."""
        return np.array([values[columns].sum() for columns in self._columns])

    def use(self, values: FloatArray) -> FloatArray:
        """Return ``(parts, shared rows)`` what each part has of each row that ties them together.

        Args:
            values: ``(columns,)`` a solution.
        """
        row, column, value = self._terms
        rows, inside = int(self.shared.sum()), self._number[column] != NOBODY
        at = self._number[column[inside]] * rows + (np.cumsum(self.shared) - 1)[row[inside]]
        use: FloatArray = np.zeros(self.count * rows)
        np.add.at(use, at, (value * values[column])[inside])
        return use.reshape(self.count, rows)

    def use_of(self, column: int) -> FloatArray:
        """Return ``(shared rows,)`` the coefficients of a column."""
        row, columns, value = self._terms
        here = columns == column
        at = (np.cumsum(self.shared) - 1)[row[here]]
        use: FloatArray = np.zeros(int(self.shared.sum()))
        use[at] = value[here]
        return use

    def _of_right_sign(self, prices: FloatArray) -> FloatArray:
        """Return the prices, 0 where a row is not shared or is open on the side of the price."""
        low, high = self.program.row_bounds()
        prices = np.where(np.isfinite(low), prices, np.minimum(prices, 0.0))
        prices = np.where(np.isfinite(high), prices, np.maximum(prices, 0.0))
        return np.where(self.shared, prices, 0.0)

    def _paid(self, prices: FloatArray) -> float:
        """Return what the shared rows are worth at their prices."""
        low, high = self.program.row_bounds()
        ends = np.where(prices > 0.0, low, high)
        some = prices != 0.0
        return float(prices[some] @ ends[some])


class _Begun(NamedTuple):
    """What a part begins with."""

    values: FloatArray | None
    cost: float


def _least(costs: FloatArray, columns: IntArray, known: Sequence[FloatArray]) -> _Begun:
    """Return the cheapest of some solutions of a part, nothing without any."""
    some = ((values[columns], float(costs[columns] @ values[columns])) for values in known)
    return min((_Begun(*each) for each in some), key=lambda e: e.cost, default=_Begun(None, np.inf))


def _completed(program: Program, part: IntArray) -> IntArray:
    """Give every column that only meets rows of one part to that part, until none is left."""
    row, column, _ = program.matrix()
    part = part.copy()
    while True:
        known = part[column] != NOBODY
        least, most = _ends(row[known], part[column[known]], program.rows)
        one = (least == most)[row] & ~known
        low, high = _ends(column[one], least[row[one]], program.columns)
        found = (part == NOBODY) & (low == high)
        if not found.any():
            return part
        part[found] = low[found]


def _ends(at: IntArray, numbers: IntArray, size: int) -> tuple[IntArray, IntArray]:
    """Return ``(2, size)`` the least and the largest number that stands at each place."""
    least, most = np.full(size, OPEN), np.full(size, NOBODY)
    np.minimum.at(least, at, numbers)
    np.maximum.at(most, at, numbers)
    return least, most
