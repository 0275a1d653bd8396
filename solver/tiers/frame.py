"""The program of a round by runs of slots, what earlier tiers keep, and what groups may lack.

The engine decides tiers on it, and bounds are found on it.
"""

from dataclasses import dataclass, replace

import numpy as np

from solver.problem import BoolArray, FloatArray, IntArray
from solver.tiers.aim import Aim
from solver.tiers.dual import Dual
from solver.tiers.engines import GOAL_SIZE
from solver.tiers.goal import Goal
from solver.tiers.model import RoundModel
from solver.tiers.parts import Parts
from solver.tiers.program import Answer, Effort, solve_program
from solver.tiers.relaxation import Relaxation
from solver.tiers.runs import Runs
from solver.tiers.slotted import DEAR, EVENLY

WHOLLY = 6_000
"""Columns by runs up to which the code may decide all of them at once: with 5,500 that took half a
minute in all tiers together, with 6,600 three and a half.
"""
WHOLE_NODES = 4_000_000
"""Nodes times columns of such a search."""
PART_NODES = 200
"""The same of one group, in nodes."""
YIELDING = 0.02
"""What a group may lack beyond its cap, at a cost: the code finds plans sooner."""
GRACE, LESS_GRACE = 3e-4, 1e-5
"""What a group may lack beyond its cap all the same: bounds hold for that much; less in small
programs."""
LEEWAY = 0.002
"""Share of its scale that a tier kept leaves to the later ones and to their slots."""
SEARCHED, LAID = 0.8, 0.95
"""Parts of the leeway that are used before slots are found, and in slots without a cost."""
ROUGH = 0.5
"""Part of the gap asked for at which searches end."""
ANY = 1e3
"""More of its scale than any plan has of a tier."""
MISSED = 1e-6
"""Shares by which something kept may be missed all the same."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kept:
    """A tier that later ones leave as it is.

    Attributes:
        column: of the program by runs: the goal divided by its scale; row: that says so.
        most: of that, for plans and for bounds.
    """

    goal: Goal
    scale: float
    column: int
    row: int
    most: float


class Frame:
    """A round by runs.

    Attributes:
        low, high: ``(columns,)`` least and most of each column.
        kept: the tiers so far.
        capped: columns of the round's program, of what groups lack; caps: their shares.
        is_small: whether the code may decide all of it at once.
    """

    def __init__(self, model: RoundModel, effort: Effort) -> None:
        self.model, self.effort = model, replace(effort, barrier=True)
        count = model.spans.lengths.size
        self.runs = Runs(model, np.array([0, 1, count // 2, count - 1]))
        self.program = self.runs.program
        self.is_small = self.program.columns <= WHOLLY
        self.laid = LEEWAY * (SEARCHED if self.is_small else LAID)
        self.low, self.high = self.runs.bounds(*model.program.column_bounds())
        self.kept: list[Kept] = []
        self.capped: IntArray = np.zeros(0, dtype=np.int64)
        self.caps: FloatArray = np.zeros(0)
        self._within: IntArray = self.capped
        self._beyond: IntArray = self.capped
        self._furthest: IntArray = self.capped
        self._linear: Relaxation | None = None

    def weights(self, goal: Goal) -> tuple[FloatArray, float]:
        """Return the goal by runs, brought to a healthy size, and by what it was multiplied."""
        factor = GOAL_SIZE / goal.size
        weights = self.runs.goal(goal.weights) * factor
        weights[self._beyond] = DEAR * GOAL_SIZE
        weights[self._furthest] = EVENLY * GOAL_SIZE
        return weights, factor

    def solve(self, weights: FloatArray, high: FloatArray | None = None) -> Answer:
        """Solve the relaxation from its last basis on, or with another code where that fails.

        Args:
            weights: ``(columns,)`` of the goal.
            high: ``(columns,)`` upper bounds; without, those that bounds hold for.
        """
        high = self.highest() if high is None else high
        linear = self._linear
        if linear is None:
            linear = self._linear = Relaxation(self.program, self.effort)
        begun = linear.solves > 0
        linear.extend()
        linear.aim(weights)
        for column in np.flatnonzero((linear.lower != self.low) | (linear.upper != high)).tolist():
            linear.bound(column, self.low[column], high[column])
        if not begun:
            linear.begin_anew()
        vertex = linear.solve()
        if vertex is None:
            return solve_program(self.program, weights, self.effort, lower=self.low, upper=high)
        reached = vertex.objective
        return Answer(
            values=vertex.values, objective=reached, bound=reached, row_prices=vertex.row_prices
        )

    def highest(self, grace: float = GRACE) -> FloatArray:
        """Return upper bounds with grace for caps."""
        high = self.high.copy()
        high[self._within] = np.minimum(self.caps + grace, 1.0)
        return high

    def as_fair(self, most: FloatArray, lacks: FloatArray | None) -> FloatArray:
        """Return upper bounds for plans that use no more of the first tiers kept, and lack no more.

        Args:
            most: of those tiers, in shares of their scales.
            lacks: share of its entitlement that each group capped lacks; None where that is free.
        """
        high = self.high.copy()
        high[[each.column for each in self.kept]] = ANY
        high[[each.column for each in self.kept[: most.size]]] = most
        high[self._within] = 1.0 if lacks is None else np.minimum(lacks + MISSED, 1.0)
        high[self._beyond] = high[self._furthest] = 0.0
        high[self.runs.column[self.capped]] = 1.0
        return high

    def whole(self) -> BoolArray:
        """Return ``(columns,)`` which columns have to be whole."""
        return self.runs.whole(self.model.choices()[0])

    def holding(self, held: BoolArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return bounds that hold some columns where a solution has them, in whole numbers."""
        low, high, at = self.low.copy(), self.high.copy(), np.flatnonzero(held)
        low[at] = high[at] = np.clip(np.round(values[at]), low[at], high[at])
        return low, high

    def decide(
        self,
        aim: Aim,
        gap: float,
        nodes: int,
        bounds: tuple[FloatArray, FloatArray],
        known: FloatArray | None = None,
    ) -> Answer:
        """Let the code decide what bounds leave open.

        Args:
            aim: what for.
            gap: relative gap at which it ends.
            nodes: times columns, after which it ends in any case.
            bounds: ``(columns,)`` least and most.
            known: a solution to begin from.
        """
        nodes = max(nodes // self.program.columns, 1)
        return solve_program(
            self.program,
            aim.weights,
            replace(self.effort, gap=gap * aim.size, nodes=nodes, scip=True),
            integer=self.whole(),
            lower=bounds[0],
            upper=bounds[1],
            hint=known,
        )

    def bounded(self, aim: Aim, high: FloatArray) -> float:
        """Return a bound by cuts at the root alone: of groups together, which prices do not see.

        Args:
            aim: what for.
            high: ``(columns,)`` most.
        """
        answer = solve_program(
            self.program,
            aim.weights,
            replace(self.effort, bound_only=True),
            integer=self.whole(),
            lower=self.low,
            upper=high,
        )
        return answer.bound

    def parts(self) -> Parts:
        """Return the groups, each with its part of the program."""
        owners = self.runs.part(self.model.owner_of_columns(), self.model.problem.group)
        return Parts(self.program, owners)

    def dual(self, aim: Aim, high: FloatArray) -> Dual:
        """Return the groups, and prices to be tried for a goal."""
        parts, whole = self.parts(), self.whole()
        allowed = aim.allowed / max(parts.count, 1)
        effort = replace(self.effort, gap=allowed, nodes=PART_NODES, scip=True)
        return Dual(parts, aim.weights, (self.low, high), whole, effort)

    def padded(self, plan: FloatArray) -> FloatArray:
        """Return a solution with 0 for the columns that the program has got since."""
        return np.pad(plan, (0, self.program.columns - plan.size))

    def lacks(self, values: FloatArray | None) -> bool:
        """Return whether a group lacks more than its cap, so that the gap is what that costs."""
        return values is None or bool((values[self._beyond] > MISSED).any())

    def keep(self, goal: Goal, most: float) -> None:
        """Add the goal as a row, divided by its scale; some of its leeway is for the slots."""
        scale = max(goal.scale or 0.0, abs(most), 1e-12)
        weights = self.runs.goal(goal.weights) / scale
        used = np.flatnonzero(weights)
        column = self._add_columns(-np.inf, most / scale + LEEWAY * SEARCHED)
        row = self.program.add_rows(1, -np.inf, 0.0)
        self.program.add_terms(row, used, weights[used])
        self.program.add_terms(row, column, -1.0)
        self.kept.append(
            Kept(goal=goal, scale=scale, column=int(column[0]), row=int(row[0]), most=most / scale)
        )

    def cap(self, columns: IntArray, upper: FloatArray) -> None:
        """Lower or raise upper bounds, always of the same columns; beyond them it costs dear."""
        here = self.runs.column[columns]
        if not self.capped.size:
            self.capped = columns
            self._within = self._add_columns(np.zeros(columns.size), upper)
            self._beyond = self._add_columns(np.zeros(columns.size), YIELDING)
            rows = self.program.add_rows(columns.size, -np.inf, 0.0)
            self.program.add_terms(rows, here, 1.0)
            self.program.add_terms(rows, self._within, -1.0)
            self.program.add_terms(rows, self._beyond, -1.0)
            self._furthest = self._add_columns(np.zeros(1), YIELDING)
            rows = self.program.add_rows(columns.size, -np.inf, 0.0)
            self.program.add_terms(rows, self._beyond, 1.0)
            self.program.add_terms(rows, self._furthest, -1.0)
        self.caps, self.high[self._within], self.high[here] = upper, upper, upper + YIELDING

    def _add_columns(self, low: FloatArray | float, high: FloatArray | float) -> IntArray:
        """Add columns to the program by runs, and to the bounds."""
        columns = self.program.add_columns(np.size(low), low, high)
        self.low, self.high = np.append(self.low, low), np.append(self.high, np.zeros_like(low))
        self.high[columns] = high
        return columns


def aim_at(goal: Goal, weights: FloatArray, factor: float, relaxed: float, gap: float) -> Aim:
    """Return a goal by runs as an aim; without a scale its size is what the relaxation reaches."""
    size = GOAL_SIZE if goal.scale is not None else max(abs(relaxed), 1e-9)
    return Aim(weights=weights, factor=factor, size=size, gap=gap)
