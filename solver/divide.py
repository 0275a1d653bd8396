"""Divide: with the choices made, the fairest of the divisions that keep every tier."""

from dataclasses import dataclass

import numpy as np

from solver.plan import Limit
from solver.problem import FloatArray, IntArray, Tier
from solver.select import Search, Selection, read_fluid
from solver.tiers.engines import SETTLED, enough
from solver.tiers.fairness_rows import FairRows
from solver.tiers.relaxation import Relaxation, Vertex

ROUNDS = 60
"""Levels of the leximin that are looked for; the rest stays as the last one left it."""
LEVEL = 1e-6
"""Shares of an entitlement that count as the same level."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Division:
    """Who gets how much where, in fluid hours.

    Attributes:
        fluid: ``(n, 4)`` request, pool, slot, thousandths of a GPU-hour.
        lowest: smallest share of the entitlement, at most 1, that a funded fellow gets.
        work: linear programs solved.
    """

    fluid: IntArray
    lowest: float = 1.0
    work: int = 0
    limit: Limit = Limit.NONE


def divide(selection: Selection) -> Division:
    """Lift the funded fellow who lacks most, then the next, then take the value that is left.

    Every tier keeps what it reached: the division does not leave the lexicographic set. Lacks are
    relative to the entitlement, which is merit-weighted; nobody is lifted beyond it.
    """
    search = selection.search
    if search.fair is None or search.values is None:
        return Division(fluid=selection.fluid)
    relaxation = search.engine.chosen(search.values)
    leximin = _Leximin(relaxation, search.fair, _funded_fellows(search, search.fair))
    finished = leximin.run()
    vertex = _best_value(search, relaxation)
    if vertex is None:
        return Division(fluid=selection.fluid, work=relaxation.solves, limit=Limit.WORK)
    lacks = vertex.values[search.fair.lack][leximin.members]
    return Division(
        fluid=read_fluid(search.model, vertex.values, selection.funded),
        lowest=1.0 - float(lacks.max(initial=0.0)),
        work=leximin.work,
        limit=Limit.NONE if finished else Limit.WORK,
    )


def _funded_fellows(search: Search, fair: FairRows) -> IntArray:
    """Return which of the fellows with an entitlement have a funded request."""
    assert search.values is not None
    served = np.zeros(search.problem.fellows, dtype=np.bool_)
    served[search.problem.fellow[enough(search.model, search.values)]] = True
    return np.flatnonzero(served[fair.fellows]).astype(np.int64)


def _best_value(search: Search, relaxation: Relaxation) -> Vertex | None:
    """Return the division that the last goal likes best among those as fair."""
    rules = search.problem.rules
    goal = search.weighted_goal() if rules.weights else search.value_goal()
    if rules.weights or Tier.VALUE in rules.tiers:
        size = max(float(np.abs(goal.weights).sum()), 1e-12)
        relaxation.aim(goal.weights * (1e5 / size))
    return relaxation.solve()


class _Leximin:
    """Level by level: the largest lack is made as small as can be, its holders frozen there."""

    def __init__(self, relaxation: Relaxation, fair: FairRows, members: IntArray) -> None:
        self.relaxation, self.fair, self.members = relaxation, fair, members
        self.first = relaxation.solves

    @property
    def work(self) -> int:
        """Linear programs solved so far."""
        return self.relaxation.solves - self.first

    def run(self) -> bool:
        """Return whether every level was found."""
        fair = self.fair
        goal = np.zeros(fair.deepest + 1)
        goal[fair.deepest] = 1e4
        self.relaxation.aim(goal)
        for index in np.setdiff1d(np.arange(fair.fellows.size), self.members).tolist():
            self._release(index)
        rest = set(self.members.tolist())
        for _ in range(ROUNDS):
            vertex = self.relaxation.solve() if rest else None
            if vertex is None:
                return not rest
            level = float(vertex.values[fair.deepest])
            held = self._held(vertex.row_prices, rest, level, vertex.values)
            for index in held if level > LEVEL else rest:
                self._freeze(index, level)
            rest -= held if level > LEVEL else set(rest)
        return not rest

    def _held(
        self, prices: FloatArray, rest: set[int], level: float, values: FloatArray
    ) -> set[int]:
        """Return who cannot lack less: a positive price says so; without one, who is at the level.

        The prices of the rows add up to the cost of the level, so there is always one.
        """
        rows = np.abs(prices[self.fair.depth])
        priced = {index for index in rest if rows[index] > SETTLED}
        if priced:
            return priced
        return {index for index in rest if values[self.fair.lack[index]] >= level - LEVEL} or rest

    def _freeze(self, index: int, level: float) -> None:
        """Keep a fellow's lack at the level and take the fellow out of the comparison."""
        column = int(self.fair.lack[index])
        most = min(level + LEVEL, float(self.relaxation.upper[column]))
        self.relaxation.bound(column, 0.0, most)
        self._release(index)

    def _release(self, index: int) -> None:
        """Leave a fellow out of the comparison."""
        self.relaxation.bound_row(int(self.fair.depth[index]), -np.inf, np.inf)
