"""A goal in which the largest shortfall of a group counts, one range of it after the other.

A relaxation gives every group pieces of requests, and takes the largest shortfall for less than it
is. Groups meet in little else: so its values are split into ranges. In a range every group is
solved by itself, lacking no more than the top of the range, at prices of what is shared, and the
bottom of the range is paid (Lagrangian relaxation: Geoffrion 1974, section 2). The range with the
least bound is halved, again and again. What the groups' plans in a range agree on is held, and a
code decides the rest for a plan of all groups.
"""

from dataclasses import dataclass, replace
from heapq import heappop, heappush

import numpy as np

from solver.plan import Limit
from solver.problem import NOBODY, FloatArray
from solver.tiers.aim import Found
from solver.tiers.dual import Dual
from solver.tiers.fairness_rows import FairRows
from solver.tiers.model import RoundModel
from solver.tiers.parts import Parted, Parts
from solver.tiers.program import Effort, Program, solve_program

MOST = 100
"""Ranges that are bounded at most."""
PART_NODES = 200
"""Nodes of one group."""
LITTLE = 2e-4
"""Relative gain of a range's bound that is not worth another step of prices."""
BEST = 2
"""Plans of the groups at that many of the best prices say what is decided."""
KNOWN = 12
"""Plans of the groups that a range hands on to its halves."""
HELD = 0.6
"""Part of all choices that has to be held for a plan to be sought."""
NODES = 50
"""Nodes of that search."""
SLACK = 2e-6
"""Share of an entitlement by which a group may lack more than the top of a range."""
WHOLE = 1e-6
"""How far apart values of a choice still count as the same."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Range:
    """Plans whose largest shortfall is no less than `low` and no more than `high`.

    Attributes:
        bound: of the goal of all of them; infinite where there are none.
        best: what the groups do at the best prices known; plans: what they did at others.
    """

    low: float
    high: float
    bound: float = -np.inf
    best: Parted | None = None
    plans: tuple[FloatArray, ...] = ()


class Ranges:
    """The search of one goal, range by range.

    Args:
        model: the program of a round, with nothing kept or capped yet.
        fair: what its groups lack.
        found: what is known of the goal; gets plans and the bound.
        effort: of the code's searches.
    """

    def __init__(self, model: RoundModel, fair: FairRows, found: Found, effort: Effort) -> None:
        self.model, self.fair, self.found, self.effort = model, fair, found, effort
        self.program = without_largest(model, fair)
        owner = model.owner_of_columns()
        group = np.where(owner == NOBODY, NOBODY, model.problem.group[owner])
        self.parts = Parts(self.program, group)
        self.whole = np.zeros(self.program.columns, dtype=np.bool_)
        self.whole[model.choices()[0]] = True
        allowed = found.aim.allowed / max(self.parts.count, 1)
        self.part_effort = replace(effort, gap=allowed, nodes=PART_NODES, scip=True)

    def run(self) -> None:
        """Halve the range with the least bound until it is near enough, or the limit comes."""
        if self.parts.count <= 1:
            return
        ranges: list[tuple[float, int, Range]] = []
        closed, number = np.inf, 0
        halves = [Range(low=self.fair.least_worst(), high=1.0)]
        while number < MOST and self.effort.budget.reached() is Limit.NONE:
            for each in halves:
                bounded = self._bounded(each)
                if self._is_near(bounded.bound):
                    closed = min(closed, bounded.bound)
                else:
                    heappush(ranges, (bounded.bound, number, bounded))
                number += 1
            least = min([closed, *(bound for bound, *_ in ranges[:1])])
            self.found.prove(least)
            if not ranges or self._is_near(least):
                return
            halves = _halves(heappop(ranges)[-1])

    def _is_near(self, bound: float) -> bool:
        """Return whether a bound is near enough to the best plan."""
        return bound >= self.found.objective - self.found.aim.allowed

    def _bounded(self, each: Range) -> Range:
        """Return the range with a bound of its own, and offer a plan where it has one."""
        low, high = self._bounds(each)
        weights = self.found.aim.weights
        if (low > high).any():
            return replace(each, bound=np.inf)
        relaxed = solve_program(self.program, weights, self.effort, lower=low, upper=high)
        if relaxed.values is None:
            return replace(each, bound=np.inf if relaxed.infeasible else each.bound)
        dual = Dual(self.parts, weights, (low, high), self.whole, self.part_effort, plans=False)
        for plan in each.plans:
            dual.add(plan)
        dual.solve(relaxed.row_prices if each.best is None else each.best.prices, each.best)
        enough = self.found.objective - self.found.aim.allowed
        dual.climb(relaxed.values, self.found.aim.size, enough, LITTLE)
        self.found.work += dual.work
        if dual.infeasible:
            return replace(each, bound=np.inf)
        bound = float(max(each.bound, relaxed.bound, dual.bound))
        if not self._is_near(bound):
            self._decide((low, high), [*dual.best(BEST), *dual.mixed(), relaxed.values])
        best = dual.tried[0] if dual.tried else None
        plans = (*dual.best(KNOWN), *each.plans)[:KNOWN]
        return replace(each, bound=bound, best=best, plans=plans)

    def _bounds(self, each: Range) -> tuple[FloatArray, FloatArray]:
        """Return ``(2, columns)`` least and most of all columns in a range."""
        low, high = self.program.column_bounds()
        short = self.fair.shortfall
        most = self.fair.most_short(each.high)
        high[short] = np.where(most < 0.0, -1.0, np.minimum(most + SLACK, 1.0))
        low[self.fair.worst], high[self.fair.worst] = each.low, each.high
        return low, high

    def _decide(self, bounds: tuple[FloatArray, FloatArray], plans: list[FloatArray]) -> None:
        """Decide what plans see differently, where that is not much."""
        low, high = bounds
        seen = np.array(plans)
        same = np.flatnonzero(self.whole & (seen.max(axis=0) - seen.min(axis=0) < WHOLE))
        if same.size < HELD * self.whole.sum():
            return
        low[same] = high[same] = np.clip(np.round(seen[0][same]), low[same], high[same])
        answer = solve_program(
            self.model.program,
            self.found.aim.weights,
            replace(self.effort, gap=self.found.aim.allowed, nodes=NODES),
            integer=self.whole,
            lower=low,
            upper=high,
        )
        self.found.work += answer.work
        self.found.offer(answer.values)


def without_largest(model: RoundModel, fair: FairRows) -> Program:
    """Return the program without the rows that make its largest shortfalls the largest."""
    row, column, _ = model.program.matrix()
    rows = np.ones(model.program.rows, dtype=np.bool_)
    rows[row[(column == fair.worst) | (column == fair.deepest)]] = False
    return model.program.part(np.ones(model.program.columns, dtype=np.bool_), rows)


def _halves(each: Range) -> list[Range]:
    """Return the two halves of a range."""
    middle = (each.low + each.high) / 2
    return [replace(each, high=middle), replace(each, low=middle)]
