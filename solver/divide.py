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
STEEP = 16
"""Power of lacks by which they count where it is asked whether anybody can be lifted."""
NEARLY = 0.5
"""Part of the largest lack from which on others are asked about with it."""
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
    if not search.model.picks_only_pools:
        known = np.clip(search.values, relaxation.lower, relaxation.upper)
        relaxation = relaxation.narrowed(relaxation.lower < relaxation.upper, known)
        relaxation.begin_at(known)
    best = _best(search, relaxation)
    if best is None:
        return Division(fluid=selection.fluid, work=relaxation.solves, limit=Limit.WORK)
    members = _funded_fellows(search, search.fair)
    leximin = Leximin(_face(search, relaxation, best), search.fair, members, best.values)
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
    face.begin_at(best.values)
    return face


class Leximin:
    """Level by level: the largest lack is made as small as can be, its holders frozen there.

    Attributes:
        values: the fairest division so far.
    """

    def __init__(
        self, face: Relaxation, fair: FairRows, members: IntArray, values: FloatArray
    ) -> None:
        self.face, self.fair, self.values = face, fair, values
        self.rest = set(members.tolist())
        self.least = face.bounds_within()[0][fair.lack]

    @property
    def work(self) -> int:
        """Linear programs solved so far."""
        return self.face.solves

    def run(self) -> bool:
        """Return whether every level was found.

        Who is frozen is left out of the comparison: the last solution stays one, and the next one
        is a pivot or two away.
        """
        rest = self.rest
        rest &= set(np.flatnonzero(self.face.has(self.fair.lack)).tolist())
        for index in set(range(self.fair.fellows.size)) - rest:
            self._release(index)
        self._aim_at_deepest()
        for _ in range(ROUNDS):
            if self._settled():
                return True
            before = self._largest()
            vertex = self.face.solve(primal=True)
            if vertex is None:
                return False
            self.values = vertex.values
            level = float(vertex.values[self.fair.deepest])
            if level <= TRIFLE:
                return True
            self._freeze_all(self._held(vertex.row_prices, level, vertex.values), level)
            if level > before - TRIFLE:
                self._freeze_stuck()
        return not rest

    def _aim_at_deepest(self) -> None:
        """Let the largest lack be made small."""
        goal = np.zeros(self.fair.deepest + 1)
        goal[self.fair.deepest] = GOAL_SIZE
        self.face.aim(goal)

    def _largest(self) -> float:
        """Return what the one of the rest lacks who lacks most."""
        return max((float(self.values[self.fair.lack[each]]) for each in self.rest), default=0.0)

    def _freeze_stuck(self) -> None:
        """Freeze all who lack nearly as much as the largest lack, if none of them can be lifted.

        One program asks whether anybody can be, as long as nobody falls below whom it leaves
        behind: lacks count by a high power of themselves, so that whoever lacks much is lifted at
        the cost of many who lack less (a step towards alpha-fairness, which becomes max-min
        fairness as alpha grows: Mo and Walrand 2000, section III). If it gains nothing, a level
        would gain a trifle at most, or at the cost of those who lack about as much.
        """
        top, lacks = self._largest(), self.values[self.fair.lack]
        if top <= TRIFLE:
            return
        some = [each for each in sorted(self.rest) if lacks[each] >= max(top * NEARLY, TRIFLE)]
        columns = self.fair.lack[some]
        goal = np.zeros(self.face.columns)
        goal[columns] = GOAL_SIZE * (lacks[some] / top) ** STEEP
        self.face.bound(self.fair.deepest, 0.0, top + LEVEL)
        self.face.aim(goal)
        vertex = self.face.solve(primal=True)
        if vertex is not None and (vertex.values[columns] >= lacks[some] - TRIFLE).all():
            for index in some:
                self._freeze_all({index}, float(lacks[index]))
        self._aim_at_deepest()

    def _freeze_all(self, held: set[int], level: float) -> None:
        """Freeze some fellows at a level; they no longer count among the rest."""
        for index in held:
            self._freeze(index, level)
        self.rest -= held

    def _settled(self) -> bool:
        """Freeze who lacks most as long as arithmetic shows that it cannot be less.

        Returns:
            Whether nobody is left who lacks more than a trifle.
        """
        lacks = self.values[self.fair.lack]
        for index in sorted(self.rest, key=lambda each: (-lacks[each], each)):
            level = float(lacks[index])
            if level <= TRIFLE:
                return True
            if self.least[index] < level - LEVEL:
                return False
            self._freeze_all({index}, level)
        return True

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
