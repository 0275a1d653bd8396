"""Divide: with the choices made, the fairest of the divisions that keep every tier."""

from dataclasses import dataclass

import numpy as np

from solver.plan import Limit
from solver.problem import FloatArray, IntArray
from solver.select import Search, Selection
from solver.tiers.engines import GOAL_SIZE, SETTLED, enough
from solver.tiers.fairness_rows import FairRows
from solver.tiers.narrowing import SLACK
from solver.tiers.relaxation import Relaxation, Vertex

ROUNDS = 60
"""Levels of the leximin that are looked for; the rest stays as the last one left it."""
LEVEL = 1e-6
"""Shares of an entitlement that count as the same level."""
TRIFLE = 1e-3
"""Shares of an entitlement that are left to whole gang-hours."""
COSTLY = 1e-8
"""Part of the last goal from which on moving a column costs it something."""


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
    """Take what the last goal can still gain, then lift who lacks most of the funded fellows.

    Then the next, and so on: every tier keeps what it reached, so that the division does not leave
    the lexicographic set. Lacks are relative to the entitlement, which is merit-weighted; nobody is
    lifted beyond it. What the last goal would pay for cannot move any more, so only columns
    without a reduced cost are left to the levels.
    """
    search = selection.search
    if search.fair is None or search.values is None:
        return Division(fluid=selection.fluid)
    relaxation = search.engine.chosen(search.values)
    best = _best(search, relaxation)
    if best is None:
        return Division(fluid=selection.fluid, work=relaxation.solves, limit=Limit.WORK)
    members = _funded_fellows(search, search.fair)
    leximin = _Leximin(_face(search, relaxation, best), search.fair, members, best.values)
    finished = leximin.run()
    lacks = leximin.values[search.fair.lack][members]
    return Division(
        fluid=search.model.fluid(leximin.values, selection.funded),
        lowest=1.0 - float(lacks.max(initial=0.0)),
        work=leximin.work + 1,
        limit=Limit.NONE if finished else Limit.WORK,
    )


def _funded_fellows(search: Search, fair: FairRows) -> IntArray:
    """Return which of the fellows with an entitlement have a funded request."""
    assert search.values is not None
    served = np.zeros(search.problem.fellows, dtype=np.bool_)
    served[search.problem.fellow[enough(search.model, search.values)]] = True
    return np.flatnonzero(served[fair.fellows]).astype(np.int64)


def _best(search: Search, relaxation: Relaxation) -> Vertex | None:
    """Return the division that the last goal likes best."""
    weights = search.goals()[-1].weights
    relaxation.aim(weights * (GOAL_SIZE / max(float(np.abs(weights).sum()), 1e-12)))
    return relaxation.solve()


def _face(search: Search, relaxation: Relaxation, best: Vertex) -> Relaxation:
    """Return the program of the divisions that the last goal likes as much as the best one."""
    assert search.fair is not None
    span = np.minimum(relaxation.upper - relaxation.lower, 1.0)
    free = np.abs(best.column_prices) * span <= COSTLY * GOAL_SIZE
    free &= relaxation.upper > relaxation.lower
    free[search.fair.deepest] = True
    face = relaxation.narrowed(free, best.values)
    weights = search.goals()[-1].weights
    used = np.flatnonzero(weights)
    reached = float(weights[used] @ best.values[used])
    scale = max(abs(reached), 1e-12)
    face.add_row(used, weights[used] / scale, -np.inf, reached / scale + SLACK)
    return face


class _Leximin:
    """Level by level: the largest lack is made as small as can be, its holders frozen there.

    Attributes:
        values: the fairest division so far.
    """

    def __init__(
        self, face: Relaxation, fair: FairRows, members: IntArray, values: FloatArray
    ) -> None:
        self.face, self.fair, self.values = face, fair, values
        self.rest = set(members.tolist())

    @property
    def work(self) -> int:
        """Linear programs solved so far."""
        return self.face.solves

    def run(self) -> bool:
        """Return whether every level was found.

        Who is frozen is left out of the comparison: the last solution stays one, and the next one
        is a pivot or two away.
        """
        fair, rest = self.fair, self.rest
        goal = np.zeros(fair.deepest + 1)
        goal[fair.deepest] = GOAL_SIZE
        self.face.aim(goal)
        rest &= set(np.flatnonzero(self.face.has(fair.lack)).tolist())
        for index in set(range(fair.fellows.size)) - rest:
            self._release(index)
        for _ in range(ROUNDS):
            vertex = self.face.solve(primal=True) if rest else None
            if vertex is None:
                return not rest
            self.values = vertex.values
            level = float(vertex.values[fair.deepest])
            if level <= TRIFLE:
                return True
            held = self._held(vertex.row_prices, level, vertex.values)
            for index in held:
                self._freeze(index, level)
            rest -= held
        return not rest

    def _held(self, prices: FloatArray, level: float, values: FloatArray) -> set[int]:
        """Return who cannot lack less: a positive price says so; without one, who is at the level.

        The prices of the rows add up to the cost of the level, so there is always one.
        """
        rows, rest = np.abs(prices[self.fair.depth]), self.rest
        priced = {index for index in rest if rows[index] > SETTLED}
        if priced:
            return priced
        return {index for index in rest if values[self.fair.lack[index]] >= level - LEVEL} or rest

    def _freeze(self, index: int, level: float) -> None:
        """Keep a fellow's lack at the level and take the fellow out of the comparison."""
        column = int(self.fair.lack[index])
        most = min(level + LEVEL, float(self.face.upper[column]))
        self.face.bound(column, 0.0, most)
        self._release(index)

    def _release(self, index: int) -> None:
        """Leave a fellow out of the comparison."""
        self.face.bound_row(int(self.fair.depth[index]), -np.inf, np.inf)
