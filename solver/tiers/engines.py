"""What the tiers need of a way to solve, and the one for rounds where only funding is chosen."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from solver.problem import BoolArray, FloatArray, IntArray
from solver.tiers.branching import Branching, Choices, Settled
from solver.tiers.goal import Goal
from solver.tiers.model import RoundModel
from solver.tiers.pools import PoolChoices
from solver.tiers.program import Effort
from solver.tiers.relaxation import Relaxation, Vertex

if TYPE_CHECKING:
    from solver.tiers.hulls import Hulls

GOAL_SIZE = 1e4
"""Goals are scaled to about this size: codes stop at absolute tolerances."""
SETTLED = 1e-6
"""Shares of an ask that count as nothing."""
CLEAR = (0.9, 0.7, 0.0)
"""Parts in the main pool from which on the others are given up, one after the other."""
MOST = 0.51
"""How near to yes the pool counts that has most of a request."""
LARGE = 25_000
"""From this number of columns on, fewer linear programs are solved the larger they are."""


ROUNDS_OF_HULLS = 8
"""How often hulls are added at most before a search."""


class Engine(Protocol):
    """What the tiers need of a way to solve.

    `restate` brings the columns that measure fairness in line with changed hours. `spare` is what
    a group may lack, as a share, without a search for less; where nobody looks, 0.
    """

    restate: Callable[[FloatArray], FloatArray]
    spare: float

    def prepare(self, goals: Sequence[Goal], gap: float) -> FloatArray | None:
        """Return a plan to start from, good in all tiers; None when the tiers need none."""

    def settle(self, goal: Goal, gap: float, known: FloatArray | None = None) -> Settled:
        """Return a solution with whole choices, and a bound; `known` is a solution to fall to."""

    def least(self, goal: Goal) -> float:
        """Return the goal's least in the linear program under the present caps."""

    def possible(self) -> bool:
        """Return whether the linear program has a solution under the present caps."""

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
    """For rounds that choose only who is funded and in which pool: one warm linear program."""

    spare = 0.0

    def __init__(self, model: RoundModel, effort: Effort) -> None:
        self.model, self.effort = model, effort
        self.relaxation = model.relaxation(effort)
        self.pools = PoolChoices(model)
        stakes = np.sqrt(model.extent.low * model.problem.ask)
        self.choices = Choices(
            broken=self._broken,
            split=self._split,
            bounds=self._bounds,
            finished=self._finished,
            stakes=np.concatenate([stakes, stakes[self.pools.request]]),
            without=self._without,
        )
        self.hulls: Hulls | None = None
        self.kept: list[tuple[FloatArray, float]] = []
        self.restate: Callable[[FloatArray], FloatArray] = lambda values: values

    def prepare(self, goals: Sequence[Goal], gap: float) -> FloatArray | None:
        """Each tier starts from its own relaxation: there is nothing to prepare."""
        del goals, gap
        return None

    def settle(self, goal: Goal, gap: float, known: FloatArray | None = None) -> Settled:
        """Branch until the gap is a quarter of what was asked."""
        size = goal.scale or float(np.abs(goal.weights).sum()) / 10
        factor = GOAL_SIZE / max(size, 1e-12)
        self.relaxation.aim(goal.weights * factor)
        root = self.relaxation.solve()
        if root is None:
            none = self.relaxation.infeasible
            limit = self.effort.budget.reached()
            return Settled(values=None, bound=-np.inf, infeasible=none, work=1, limit=limit)
        root = self._hulled(root)
        own = abs(root.objective) if goal.scale is None else GOAL_SIZE
        columns = max(LARGE, self.model.program.columns)
        branching = Branching(
            self.relaxation,
            self.choices,
            goal.weights * factor,
            root,
            start=self._same_choices(known, root),
            allowed=gap / 4 * own,
            most=self.effort.budget.work_left(max(self.effort.programs * LARGE // columns, 6)),
            budget=self.effort.budget,
            spare=gap / 4,
        )
        settled = branching.run()
        return replace(
            settled,
            values=None if settled.values is None else made_whole(self.model, settled.values),
            bound=settled.bound / factor,
            objective=settled.objective / factor,
        )

    def least(self, goal: Goal) -> float:
        """Solve the linear program for a goal."""
        self.relaxation.aim(goal.weights)
        vertex = self.relaxation.solve()
        return -np.inf if vertex is None else vertex.objective

    def _hulled(self, root: Vertex) -> Vertex:
        """Add the hulls of fellows of whose requests something is broken, and solve again."""
        if self.hulls is None:
            return root
        for _ in range(ROUNDS_OF_HULLS):
            if not self.hulls.add(np.flatnonzero(broken(self.model, root.values))):
                break
            self.relaxation.extend()
            better = self.relaxation.solve()
            if better is None:
                more = self.relaxation.columns - root.values.size
                return replace(root, values=np.pad(root.values, (0, more)))
            root = better
        return root

    def possible(self) -> bool:
        """Solve the linear program; what is left unsolved counts as possible."""
        return self.relaxation.solve() is not None or not self.relaxation.infeasible

    def _same_choices(self, known: FloatArray | None, root: Vertex) -> Vertex | None:
        """Keep everyone's choice of an earlier solution and improve the amounts alone."""
        if known is None or not self._is_open(root.values):
            return None
        return self._finished(known)

    def _is_open(self, values: FloatArray) -> bool:
        """Return whether a solution leaves anything broken, or split between pools."""
        return bool(broken(self.model, values).any() or self.pools.split(values)[0].size)

    def _finished(self, values: FloatArray) -> Vertex | None:
        """Keep who is funded, bring everyone into one pool, the clearest first, improve amounts."""
        relaxation = self.relaxation
        lower, upper = relaxation.lower.copy(), relaxation.upper.copy()
        self._hold_funded(values)
        vertex: Vertex | None = None
        for part in CLEAR:
            self._hold_pools(values, part)
            vertex = relaxation.solve()
            if vertex is None or not self.pools.split(vertex.values)[0].size:
                break
            values = vertex.values
        for column in np.flatnonzero((relaxation.lower != lower) | (relaxation.upper != upper)):
            relaxation.bound(int(column), float(lower[column]), float(upper[column]))
        return vertex

    def _hold_funded(self, values: FloatArray) -> None:
        """Hold who is funded as a solution has it."""
        counted = np.flatnonzero(self.model.extent.counted)
        yes = enough(self.model, values)[counted].astype(np.float64)
        for column, part in zip(self.model.funded[counted].tolist(), yes.tolist(), strict=True):
            self.relaxation.bound(column, part, part)

    def _hold_pools(self, values: FloatArray, part: float = 0.0) -> None:
        """Hold those in their main pool who have at least a part of all they get there."""
        for column in self.pools.minor_columns(values, part).tolist():
            self.relaxation.bound(column, 0.0, 0.0)

    def _broken(self, values: FloatArray) -> tuple[IntArray, FloatArray]:
        """Return the requests that get less than their least, and how near each is to it."""
        requests = np.flatnonzero(broken(self.model, values))
        return requests, fraction(self.model, values)[requests]

    def _split(self, values: FloatArray) -> tuple[IntArray, FloatArray]:
        """Return those in several pools by what is numbered beyond requests: rows of `pools`."""
        rows, parts = self.pools.split(values)
        return self.model.problem.requests + rows, np.maximum(parts, MOST)

    def _bounds(self, choice: int, yes: bool) -> tuple[IntArray, float]:  # noqa: FBT001 - a choice
        """Return the columns that make a choice, and what they are held at."""
        row = choice - self.model.problem.requests
        if row < 0:
            return self.model.funded[choice : choice + 1], float(yes)
        return self.pools.other_columns(row) if yes else self.pools.columns(row), 0.0

    def _without(self, values: FloatArray) -> tuple[FloatArray, float]:
        """Take out what is broken; say by which share caps and earlier tiers are then missed."""
        model = self.model
        rest = values.copy()
        rest[self.pools.minor_columns(values)] = 0.0
        less = shares(model, values) - shares(model, rest)
        cut = np.flatnonzero((less > 0.0) & (model.award >= 0))
        rest[model.award[cut]] = np.maximum(rest[model.award[cut]] - less[cut], 0.0)
        out = broken(model, rest)
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
        row = self.model.program.add_rows(1, -np.inf, most / scale)
        self.model.program.add_terms(row, used, goal.weights[used] / scale)
        self.relaxation.add_row(used, goal.weights[used] / scale, -np.inf, most / scale)
        self.kept.append((goal.weights / scale, most / scale))

    def cap(self, columns: IntArray, upper: FloatArray) -> None:
        """Lower or raise upper bounds."""
        for column, most in zip(columns.tolist(), upper.tolist(), strict=True):
            self.relaxation.bound(column, self.relaxation.lower[column], most)

    def chosen(self, values: FloatArray) -> Relaxation:
        """Hold who is funded, and in which pool."""
        self._hold_funded(values)
        self._hold_pools(values)
        return self.relaxation
