"""Two ways to settle a tier: branching over a warm linear program, or a mixed-integer code."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np

from solver.plan import Limit
from solver.problem import BoolArray, FloatArray, IntArray
from solver.tiers.branching import Branching, Choices, Settled
from solver.tiers.goal import Goal
from solver.tiers.model import RoundModel
from solver.tiers.program import Answer, Effort, solve_program
from solver.tiers.relaxation import Relaxation, Vertex

GOAL_SIZE = 1e4
"""Goals are scaled to about this size: codes stop at absolute tolerances."""
SETTLED = 1e-6
"""Shares of an ask that count as nothing."""
LARGE = 25_000
"""From this number of columns on, fewer linear programs are solved the larger they are."""
ROUNDS = 6
"""How often binaries are added before the rest is rounded."""


class Engine(Protocol):
    """What the tiers need of a way to solve.

    `restate` brings the columns that measure fairness in line with changed hours.
    """

    restate: Callable[[FloatArray], FloatArray]

    def settle(self, goal: Goal, gap: float, known: FloatArray | None = None) -> Settled:
        """Return a solution with whole choices, and a bound; `known` is a solution to fall to."""

    def keep(self, goal: Goal, most: float) -> None:
        """From now on the goal stays at most this."""

    def cap(self, columns: IntArray, upper: FloatArray) -> None:
        """From now on the columns stay at most this."""

    def chosen(self, values: FloatArray) -> Relaxation:
        """Return the linear program with every choice made as in a solution, tiers kept."""


def shares(model: RoundModel, values: FloatArray) -> FloatArray:
    """Return ``(r,)`` shares of the ask that a solution serves."""
    places = model.places
    served = values[places.column] * places.share
    sums = np.bincount(places.request, weights=served, minlength=model.problem.requests)
    return sums.astype(np.float64)


def enough(model: RoundModel, values: FloatArray) -> BoolArray:
    """Return ``(r,)`` requests that get something, and their least at least."""
    part = shares(model, values)
    return np.asarray((part > SETTLED) & (part >= model.extent.low * (1 - SETTLED) - SETTLED))


def broken(model: RoundModel, values: FloatArray) -> BoolArray:
    """Return ``(r,)`` requests that get something, but less than their least."""
    some = shares(model, values) > SETTLED
    return np.asarray(some & ~enough(model, values) & model.extent.counted)


def fraction(model: RoundModel, values: FloatArray) -> FloatArray:
    """Return ``(r,)`` which part of the least amount is served."""
    return shares(model, values) / np.maximum(model.extent.low, SETTLED)


def made_whole(model: RoundModel, values: FloatArray) -> FloatArray:
    """Return the solution with the column of every funded request at 1, of the others at 0."""
    counted = model.extent.counted
    result = values.copy()
    result[model.funded[counted]] = enough(model, values)[counted]
    return result


class LinearEngine:
    """For rounds whose only choices are who is funded: one warm linear program throughout."""

    def __init__(self, model: RoundModel, effort: Effort) -> None:
        self.model, self.effort = model, effort
        self.relaxation = Relaxation(model.program)
        self.choices = Choices(
            columns=model.funded,
            fraction=lambda values: fraction(model, values),
            broken=lambda values: broken(model, values),
            without=self._without,
        )
        self.kept: list[tuple[FloatArray, float]] = []
        self.restate: Callable[[FloatArray], FloatArray] = lambda values: values

    def settle(self, goal: Goal, gap: float, known: FloatArray | None = None) -> Settled:
        """Branch until the gap is a quarter of what was asked."""
        size = goal.scale or float(np.abs(goal.weights).sum()) / 10
        factor = GOAL_SIZE / max(size, 1e-12)
        self.relaxation.aim(goal.weights * factor)
        root = self.relaxation.solve()
        if root is None:
            return Settled(values=None, bound=np.inf, infeasible=True, work=1)
        own = abs(root.objective) if goal.scale is None else GOAL_SIZE
        branching = Branching(
            self.relaxation,
            self.choices,
            goal.weights * factor,
            root,
            start=self._same_choices(known, root),
            allowed=gap / 4 * own,
            most=max(self.effort.programs * LARGE // max(LARGE, self.model.program.columns), 6),
            seconds=self.effort.time_seconds,
            spare=gap / 4,
        )
        settled = branching.run()
        return replace(
            settled,
            values=None if settled.values is None else made_whole(self.model, settled.values),
            bound=settled.bound / factor,
            objective=settled.objective / factor,
        )

    def _same_choices(self, known: FloatArray | None, root: Vertex) -> Vertex | None:
        """Keep everyone's choice of an earlier solution and improve the amounts alone."""
        if known is None or not broken(self.model, root.values).any():
            return None
        relaxation, model = self.relaxation, self.model
        lower, upper = relaxation.lower.copy(), relaxation.upper.copy()
        members = np.flatnonzero(model.extent.counted)
        yes = enough(model, known)
        for request in members.tolist():
            column = int(model.funded[request])
            relaxation.bound(column, float(yes[request]), float(yes[request]))
        vertex = relaxation.solve()
        for column in model.funded[members].tolist():
            relaxation.bound(column, lower[column], upper[column])
        return vertex

    def _without(self, values: FloatArray) -> tuple[FloatArray, float]:
        """Take out what is broken; say by which share caps and earlier tiers are then missed."""
        model = self.model
        out = broken(model, values)
        rest = values.copy()
        rest[model.places.column[out[model.places.request]]] = 0.0
        rest[model.funded[out]] = 0.0
        rest[model.award[out & (model.award >= 0)]] = 0.0
        rest = self.restate(rest)
        missed = float((rest - self.relaxation.upper).max(initial=0.0))
        for weights, most in self.kept:
            missed = max(missed, float(weights @ rest[: weights.size]) - most)
        return rest, 1.0 if model.has_floors else missed

    def keep(self, goal: Goal, most: float) -> None:
        """Add the goal as a row, divided by its scale."""
        scale = max(goal.scale or 0.0, abs(most), 1e-12)
        used = np.flatnonzero(goal.weights)
        self.relaxation.add_row(used, goal.weights[used] / scale, -np.inf, most / scale)
        self.kept.append((goal.weights / scale, most / scale))

    def cap(self, columns: IntArray, upper: FloatArray) -> None:
        """Lower or raise upper bounds."""
        for column, most in zip(columns.tolist(), upper.tolist(), strict=True):
            self.relaxation.bound(column, self.relaxation.lower[column], most)

    def chosen(self, values: FloatArray) -> Relaxation:
        """Hold who is funded and who is not."""
        for column in self.model.funded[self.model.extent.counted].tolist():
            self.relaxation.bound(column, round(values[column]), round(values[column]))
        return self.relaxation


class MixedEngine:
    """For rounds with GPU numbers, starts or pools to choose: a mixed-integer code per tier.

    Who is funded becomes binary only where a solution has the choice broken. Without all binaries
    a program is a relaxation, so its bound holds; when no choice is broken, its solution is one of
    the whole program too.
    """

    restate: Callable[[FloatArray], FloatArray]

    def __init__(self, model: RoundModel, effort: Effort) -> None:
        self.restate = lambda values: values
        self.model, self.effort, self.program = model, effort, model.program
        self.core = model.hard
        self.upper = self.program.column_bounds()[1]

    def settle(self, goal: Goal, gap: float, known: FloatArray | None = None) -> Settled:
        """Solve, make broken choices binary, solve again; round what is left in the end."""
        del known
        bound, work, last = -np.inf, 0, None
        whole = np.pad(self.core, (0, self.program.columns - self.core.size))
        for _ in range(ROUNDS):
            answer = self._solve(goal, gap / 4 * _size(goal, last), whole)
            work, bound = work + answer.work, max(bound, answer.bound)
            if answer.infeasible:
                return Settled(values=None, bound=bound, infeasible=True, work=work)
            if answer.values is None:
                break
            last, self.core = answer.values, whole
            loose = broken(self.model, last)
            if not loose.any():
                return Settled(
                    values=made_whole(self.model, last),
                    bound=bound,
                    objective=answer.objective,
                    work=work,
                    limit=answer.limit,
                )
            whole = whole.copy()
            whole[self.model.funded[loose]] = True
        return self._rounded(goal, gap, last, Settled(values=None, bound=bound, work=work))

    def _rounded(
        self, goal: Goal, gap: float, last: FloatArray | None, settled: Settled
    ) -> Settled:
        """Hold every unbroken choice of a solution and decide the broken ones."""
        settled = replace(settled, limit=Limit.WORK)
        if last is None:
            return settled
        low, high = self.program.column_bounds()[0], self.upper.copy()
        loose, yes = broken(self.model, last), enough(self.model, last)
        sure = self.model.extent.counted & ~loose
        low[self.model.funded[sure & yes]] = 1.0
        high[self.model.funded[sure & ~yes & ~self.model.extent.kept]] = 0.0
        whole = np.pad(self.model.hard, (0, self.program.columns - self.model.hard.size))
        whole[self.model.funded[loose]] = True
        answer = self._solve(goal, gap / 4 * _size(goal, last), whole, low, high)
        if answer.values is None:
            whole[self.model.funded[self.model.extent.counted]] = True
            answer = self._solve(goal, gap / 4 * _size(goal, last), whole)
        if answer.values is None:
            return settled
        values = made_whole(self.model, answer.values)
        return replace(settled, values=values, objective=answer.objective)

    def _solve(
        self,
        goal: Goal,
        allowed: float,
        whole: BoolArray,
        low: FloatArray | None = None,
        high: FloatArray | None = None,
    ) -> Answer:
        """Solve the program for a goal brought to a healthy size."""
        size = goal.scale or float(np.abs(goal.weights).sum()) / 10
        factor = GOAL_SIZE / max(size, 1e-12)
        answer = solve_program(
            self.program,
            goal.weights * factor,
            replace(self.effort, gap=max(allowed * factor, 1e-3)),
            integer=whole,
            lower=low,
            upper=self.upper if high is None else high,
        )
        return replace(answer, objective=answer.objective / factor, bound=answer.bound / factor)

    def keep(self, goal: Goal, most: float) -> None:
        """Add the goal as a row, divided by its scale."""
        scale = max(goal.scale or 0.0, abs(most), 1e-12)
        used = np.flatnonzero(goal.weights)
        row = self.program.add_rows(1, -np.inf, most / scale)
        self.program.add_terms(row, used, goal.weights[used] / scale)

    def cap(self, columns: IntArray, upper: FloatArray) -> None:
        """Lower or raise upper bounds."""
        self.upper[columns] = upper

    def chosen(self, values: FloatArray) -> Relaxation:
        """Hold who is funded, the pools, starts and GPU numbers."""
        relaxation = Relaxation(self.program)
        whole = self.model.hard
        whole[self.model.funded[self.model.extent.counted]] = True
        for column in np.flatnonzero(whole).tolist():
            relaxation.bound(column, round(values[column]), round(values[column]))
        open_ = np.flatnonzero(~whole[: self.upper.size] & (self.upper < relaxation.upper))
        for column in open_.tolist():
            relaxation.bound(column, relaxation.lower[column], self.upper[column])
        return relaxation


def _size(goal: Goal, values: FloatArray | None) -> float:
    """Return the size of the goal that gaps are measured against."""
    own = 0.0 if values is None else abs(float(goal.weights @ values[: goal.weights.size]))
    return max(own, goal.scale or 0.0)
