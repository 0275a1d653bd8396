"""Decide a large round with runs of slots as one, then lay it out slot by slot."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from solver.problem import NOBODY, BoolArray, FloatArray, IntArray
from solver.tiers.aim import Aim
from solver.tiers.laying import hold, lay_out
from solver.tiers.model import RoundModel
from solver.tiers.program import Effort, solve_program
from solver.tiers.runs import Runs

FEWEST = 5
"""Spans from which on there is anything to add up."""
NODES = 400_000
"""Nodes times columns after which the code's search ends in any case."""
ROUGH = 0.75
"""Part of the gap asked for at which it ends."""
YIELDING = 0.02
"""What a group may lack beyond its cap, at a cost: the code finds plans sooner."""
LEFT_OUT = 0.3
"""The same when hours find their slots: a group may lose a request that finds no place."""
DEAR = 4.0
"""How many times the goal's size it costs to lack all."""
EVENLY = 20.0
"""The same of what the worst group lacks: better all lack a little than one much."""
MISSED = 1e-6
"""Shares by which a cap may be missed all the same."""
Hours = Callable[[Aim, FloatArray, FloatArray], FloatArray | None]
"""Returns the best hours for an aim under bounds of all columns; None without any."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decided:
    """What came of it.

    Attributes:
        values: ``(columns,)`` a plan, or None.
        bound: of the aim; infeasible: whether it was proved that there is no plan.
    """

    values: FloatArray | None = None
    bound: float = -np.inf
    infeasible: bool = False
    work: int = 0


class ByRuns:
    """Decides by runs.

    Attributes:
        yielding: columns whose caps may be missed by a little when hours are laid out.
    """

    def __init__(self, model: RoundModel, effort: Effort) -> None:
        self.model, self.effort = model, effort
        self.yielding: IntArray = np.zeros(0, dtype=np.int64)

    @property
    def helps(self) -> bool:
        """Whether there is anything to add up: many spans."""
        return self.model.spans.lengths.size >= FEWEST

    def decide(
        self,
        aim: Aim,
        bounds: tuple[FloatArray, FloatArray],
        known: FloatArray | None,
        hours: Hours,
    ) -> Decided:
        """Decide for an aim.

        Args:
            aim: what is wanted.
            bounds: ``(columns,)`` least and most of the round's columns.
            known: ``(columns,)`` a plan to begin with.
            hours: solves the round's program with choices in fractions.
        """
        runs = Runs(self.model, self._edges())
        goal, (low, high) = self._softened(runs, aim, bounds)
        relaxed = solve_program(runs.program, goal, self.effort, lower=low, upper=high)
        if relaxed.values is None:
            return Decided(infeasible=relaxed.infeasible, work=1)
        whole = runs.whole(self.model.choices()[0])
        nodes = max(NODES // runs.program.columns, 1)
        effort = replace(self.effort, gap=ROUGH * aim.gap * aim.size, nodes=nodes, scip=True)
        hint = None if known is None else self._hint(runs, goal, (low, high), whole, known)
        answer = solve_program(
            runs.program, goal, effort, integer=whole, lower=low, upper=high, hint=hint
        )
        bound = max(relaxed.objective, answer.bound)
        work = 1 + answer.work
        if answer.values is None:
            return Decided(bound=bound, infeasible=answer.infeasible, work=work)
        laid = self._laid(aim, bounds, runs.spread(answer.values), hours)
        if laid is not None and known is not None and self._misses_caps(laid, bounds[1]):
            laid = None
        return Decided(values=laid, bound=bound, work=work)

    def _misses_caps(self, values: FloatArray, high: FloatArray) -> bool:
        """Return whether a plan misses a cap that another one keeps."""
        return bool((values[self.yielding] > high[self.yielding] + MISSED).any())

    def _edges(self) -> IntArray:
        """Return the first spans of the runs: the first, two halves of the rest, the last."""
        count = self.model.spans.lengths.size
        return np.array([0, 1, count // 2, count - 1])

    def _softened(
        self, runs: Runs, aim: Aim, bounds: tuple[FloatArray, FloatArray]
    ) -> tuple[FloatArray, tuple[FloatArray, FloatArray]]:
        """Let caps be missed by a little, at a cost; return the goal and bounds by runs.

        What is beyond a cap is a column of its own: a plan that keeps the cap costs nothing.
        """
        program, columns = runs.program, runs.column[self.yielding]
        cap = bounds[1][self.yielding]
        beyond = program.add_columns(columns.size, 0.0, YIELDING)
        rows = program.add_rows(columns.size, -np.inf, cap)
        program.add_terms(rows, columns, 1.0)
        program.add_terms(rows, beyond, -1.0)
        goal, (low, high) = runs.goal(aim.weights), runs.bounds(*bounds)
        goal[beyond] = DEAR * aim.size
        high[columns] += YIELDING
        return goal, (low, high)

    def _hint(
        self,
        runs: Runs,
        goal: FloatArray,
        bounds: tuple[FloatArray, FloatArray],
        whole: BoolArray,
        known: FloatArray,
    ) -> FloatArray | None:
        """Return a plan as a solution by runs."""
        low, high = bounds[0].copy(), bounds[1].copy()
        at = np.flatnonzero(whole)
        low[at] = high[at] = np.clip(np.round(runs.summed(known)[at]), low[at], high[at])
        return solve_program(runs.program, goal, self.effort, lower=low, upper=high).values

    def _laid(
        self,
        aim: Aim,
        bounds: tuple[FloatArray, FloatArray],
        chosen: FloatArray,
        hours: Hours,
    ) -> FloatArray | None:
        """Return a plan with what is chosen by runs; the caps that may be missed cost dear."""
        held = hold(self.model, *bounds, chosen)
        weights = aim.weights.copy()
        weights[self.yielding] += DEAR * aim.size
        if self.model.worst != NOBODY:
            weights[self.model.worst] += EVENLY * aim.size
        held.high[self.yielding] += LEFT_OUT
        strict = replace(aim, weights=weights)

        def solve(low: FloatArray, high: FloatArray) -> FloatArray | None:
            return hours(strict, low, high)

        return lay_out(self.model, held, solve)
