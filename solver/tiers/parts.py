"""A program in parts that only a few rows tie together, solved part by part at prices.

A round is such a program: each group has rows of its own, and only supply, tracks and what earlier
tiers keep are shared. With a price for each shared row every part can be solved by itself, and what
they reach together is a bound (Lagrangian relaxation: Geoffrion 1974, section 2). It is a better
one than the relaxation's: within a part choices are whole.
"""

from dataclasses import dataclass, field

import numpy as np

from solver.problem import NOBODY, BoolArray, FloatArray, IntArray
from solver.tiers.program import Effort, Program, solve_program

OPEN = 1 << 40
"""More than any number of a part."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parted:
    """What the parts give at some prices.

    Attributes:
        values: ``(columns,)`` the best of each part, one beside the other; shared rows may be
            broken. None where a part has nothing.
        bound: of the whole program; infeasible: whether a part has no solution.
        costs: ``(columns,)`` of the goal, less what the prices pay.
    """

    values: FloatArray | None
    bound: float = -np.inf
    infeasible: bool = False
    costs: FloatArray = field(default_factory=lambda: np.zeros(0))
    work: int = 0


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
        self._programs = [
            program.part(self.part == number, ~self.shared & (least == number))
            for number in (int(self.part[each[0]]) for each in self._columns)
        ]

    @property
    def count(self) -> int:
        """Number of parts."""
        return len(self._columns)

    def solve(
        self,
        goal: FloatArray,
        prices: FloatArray,
        bounds: tuple[FloatArray, FloatArray],
        whole: BoolArray,
        effort: Effort,
    ) -> Parted:
        """Solve every part at prices of the shared rows.

        Args:
            goal: ``(columns,)``, to be least.
            prices: ``(rows,)`` duals of a relaxation, or near them; those of other rows are unused.
            bounds: ``(columns,)`` least and most.
            whole: ``(columns,)`` which columns have to be whole.
            effort: of each part.
        """
        low, high = bounds
        prices = self._of_right_sign(prices)
        row, column, value = self._terms
        costs = goal - np.bincount(column, value * prices[row], goal.size)
        alone = (self.part == NOBODY) & (costs != 0.0)
        values = np.where(np.isfinite(low), low, np.minimum(high, 0.0))
        values[alone] = np.where(costs[alone] > 0.0, low[alone], high[alone])
        bound, work = self._paid(prices) + float(costs[alone] @ values[alone]), 0
        for columns, program in zip(self._columns, self._programs, strict=True):
            answer = solve_program(
                program,
                costs[columns],
                effort,
                integer=whole[columns],
                lower=low[columns],
                upper=high[columns],
            )
            work += answer.work
            if answer.values is None:
                return Parted(values=None, infeasible=answer.infeasible, work=work)
            values[columns] = answer.values
            bound += answer.bound
        return Parted(values=values, bound=bound, costs=costs, work=work)

    def regrets(self, values: FloatArray, parted: Parted) -> FloatArray:
        """Return ``(parts,)`` how much worse than its best at the prices each part is.

        Args:
            values: ``(columns,)`` a solution of the whole program.
            parted: what the parts give at the prices.
        """
        assert parted.values is not None
        worse = parted.costs * (values - parted.values)
        return np.array([worse[columns].sum() for columns in self._columns])

    def of(self, numbers: IntArray) -> BoolArray:
        """Return ``(columns,)`` which columns belong to some parts.

        Args:
            numbers: of parts, as `regrets` counts them.
        """
        inside = np.zeros(self.part.size, dtype=np.bool_)
        for number in numbers.tolist():
            inside[self._columns[number]] = True
        return inside

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
