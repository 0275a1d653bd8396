"""What the tiers need of a way to solve, and the one for rounds where only funding is chosen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from solver.problem import NOBODY, BoolArray, FloatArray, IntArray
from solver.tiers.branching import Branching, Choices, Settled
from solver.tiers.goal import Goal
from solver.tiers.model import RoundModel
from solver.tiers.pools import PoolChoices
from solver.tiers.program import MISSED, Effort
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
SPARE = 1 / 4
"""Part of the gap by which a plan may miss what earlier tiers reached."""
DEARER = 1.05
"""Times the price of an earlier tier that a later one pays where the earlier one gives way."""
ROUNDS_OF_HULLS = 8
"""How often hulls are added at most before a search."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kept:
    """A tier that later ones keep: weights · columns ≤ most + what it gives way.

    Attributes:
        weights: ``(columns,)`` of the columns there were then, for a goal of about 1.
        row: the row of the program that says so.
        way: the column of what it gives way, which is 0 but for large rounds' value; else NOBODY.
    """

    weights: FloatArray
    most: float
    row: int
    way: int

    def missed(self, values: FloatArray) -> float:
        """Return by how much a solution misses it."""
        return float(self.weights @ values[: self.weights.size]) - self.most


class Engine(Protocol):
    """What the tiers need of a way to solve.

    `restate` brings the columns that measure fairness in line with changed hours.
    """

    restate: Callable[[FloatArray], FloatArray]

    def prepare(self, goals: Sequence[Goal], gap: float) -> FloatArray | None:
        """Return a plan to start from, good in all tiers; None when the tiers need none."""

    def settle(self, goal: Goal, gap: float, known: FloatArray | None = None) -> Settled:
        """Return a solution with whole choices, and a bound; `known` is a solution to fall to."""

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
        self.kept: list[Kept] = []
        self.restate: Callable[[FloatArray], FloatArray] = lambda values: values

    def prepare(self, goals: Sequence[Goal], gap: float) -> FloatArray | None:
        """Each tier starts from its own relaxation: there is nothing to prepare."""
        del goals, gap
        return None

    def settle(self, goal: Goal, gap: float, known: FloatArray | None = None) -> Settled:
        """Branch until the gap is a quarter of what was asked."""
        factor = GOAL_SIZE / goal.size
        self.relaxation.aim(goal.weights * factor)
        root = self.relaxation.solve()
        if root is None:
            none = self.relaxation.infeasible
            limit = self.effort.budget.reached()
            return Settled(values=None, bound=-np.inf, infeasible=none, work=1, limit=limit)
        root = self._hulled(root)
        own = abs(root.objective) if goal.scale is None else GOAL_SIZE
        columns = max(LARGE, self.model.program.columns)
        wanted, gives_way = goal.weights * factor, goal.scale is None and columns > LARGE
        if gives_way:
            wanted = self._let_give_way(wanted, root, gap * SPARE)
            root = self.relaxation.solve(primal=True) or root
        branching = Branching(
            self.relaxation,
            self.choices,
            wanted,
            root,
            start=self._same_choices(known, root),
            allowed=gap / 4 * own,
            most=self.effort.budget.work_left(max(self.effort.programs * LARGE // columns, 6)),
            budget=self.effort.budget,
            spare=gap * SPARE,
            clear=gives_way,
        )
        settled = branching.run()
        if gives_way:
            settled = self._given_way(settled, wanted, root)
        return replace(
            settled,
            values=None if settled.values is None else made_whole(self.model, settled.values),
            bound=settled.bound / factor,
            objective=settled.objective / factor,
        )

    def _let_give_way(self, goal: FloatArray, root: Vertex, most: float) -> FloatArray:
        """Let earlier tiers give way, for a little more than that is worth; return the goal.

        The relaxation gains nothing by it, but choices that it finds no room for can be made. Of
        the goal with these payments the relaxation's minimum is a bound like that of a Lagrangian
        (Geoffrion, 1974): goal + price · way ≥ bound for every plan.

        Args:
            goal: ``(columns,)``.
            root: the solution that keeps everything, with its prices.
            most: by how much each may give way.
        """
        wanted = np.pad(goal, (0, self.relaxation.columns - goal.size))
        for each in self.kept:
            if each.way != NOBODY:
                price = DEARER * abs(float(root.row_prices[each.row]))
                wanted[each.way] = max(price, abs(root.objective))
                self.relaxation.bound(each.way, 0.0, most)
        self.relaxation.aim(wanted)
        return wanted

    def _given_way(self, settled: Settled, goal: FloatArray, root: Vertex) -> Settled:
        """Keep earlier tiers as far as a solution does, and bound all that keep them as far.

        Args:
            settled: a solution, and a bound of goals with what is paid where tiers give way.
            goal: ``(columns,)`` the same goal.
            root: the relaxation's solution, whose goal is a bound however far they give way.
        """
        bound, paid = settled.bound, 0.0
        for index, each in enumerate(self.kept):
            if each.way == NOBODY:
                continue
            way = 0.0 if settled.values is None else max(float(settled.values[each.way]), 0.0)
            if way > self.relaxation.upper[each.way]:
                bound = min(bound, root.objective)
            paid += float(goal[each.way]) * way
            self.relaxation.bound(each.way, 0.0, 0.0)
            if way > 0.0:
                self.kept[index] = replace(each, most=each.most + way + MISSED)
                self.relaxation.bound_row(each.row, -np.inf, self.kept[index].most)
        return replace(settled, bound=bound - paid, objective=settled.objective - paid)

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
        for each in self.kept:
            missed = max(missed, each.missed(rest))
            if each.way != NOBODY:
                rest[each.way] = max(each.missed(rest), 0.0)
        return rest, 1.0 if model.has_floors else missed

    def keep(self, goal: Goal, most: float) -> None:
        """Add the goal as a row, divided by its scale, in large rounds with room to give way."""
        program, scale = self.model.program, max(goal.scale or 0.0, abs(most), 1e-12)
        used, way = np.flatnonzero(goal.weights), NOBODY
        weights, most = goal.weights / scale, most / scale
        row = program.add_rows(1, -np.inf, most)
        program.add_terms(row, used, weights[used])
        if program.columns > LARGE:
            way = int(program.add_columns(1, 0.0, 0.0)[0])
            program.add_terms(row, way, -1.0)
            self.relaxation.extend()
        else:
            self.relaxation.add_row(used, weights[used], -np.inf, most)
        self.kept.append(Kept(weights=weights, most=most, row=int(row[0]), way=way))

    def cap(self, columns: IntArray, upper: FloatArray) -> None:
        """Lower or raise upper bounds."""
        for column, most in zip(columns.tolist(), upper.tolist(), strict=True):
            self.relaxation.bound(column, self.relaxation.lower[column], most)

    def chosen(self, values: FloatArray) -> Relaxation:
        """Hold who is funded, and in which pool."""
        self._hold_funded(values)
        self._hold_pools(values)
        return self.relaxation
