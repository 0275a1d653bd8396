"""One engine for large rounds of many flexible requests a fellow: a relaxation and its kernel.

A relaxation leaves about as many requests in pieces as there are rows that bind: dozens of ten
thousand. These, and others that may be funded or not at next to no cost by its prices, are the
kernel: a mixed-integer code decides who of it is funded, in which pool and in which slots, beside
what all others hold (kernel search: Angelelli, Mansini, Speranza 2010, "Kernel search: a general
heuristic for the multi-dimensional knapsack problem"). All tiers together make one goal first; its
plan stands for each tier that it is near enough in, and the last one improves it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from solver.plan import Limit
from solver.problem import MILLI, NOBODY, BoolArray, FloatArray, IntArray, Problem
from solver.tiers.aim import Aim, Found
from solver.tiers.amounts import AmountModel, is_loose
from solver.tiers.branching import Settled
from solver.tiers.engines import GOAL_SIZE, broken, enough, made_whole
from solver.tiers.goal import STEP, Goal, in_one
from solver.tiers.model import RoundModel
from solver.tiers.pools import PoolChoices
from solver.tiers.program import Effort, Program, solve_program
from solver.tiers.relaxation import Relaxation, Vertex

LARGE = 25_000
"""Columns from which on a round is large."""
MANY = 10
"""Requests a fellow from which on there are many: then few of them decide what a fellow has."""
WIDE = 2
"""Times as many columns as without slots from which on slots are found by cuts."""
MANY_ROWS = 40_000
"""Rows from which on interior points find a basis sooner: of 61,000 in 25 s for 44, of 19,000 in 8
for 2.
"""
ROUGH = 0.004
"""Relative gap at which a plan for all tiers is near enough: the last one improves it."""
CLEAR = (0.9, 0.7, 0.5)
"""Parts in the main pool from which on the others are given up, one after the other."""
SIZES = ((500, False), (1_000, False), (1_000, True))
"""Requests of a kernel beside those in pieces, and whether all who are funded may move; the next
where the last one is not near enough, the last where nothing is known. Of 10,922 requests the first
came within 0.0002 of the bound of all tiers in 2 s.
"""
NODES = 1_000_000
"""Nodes times columns of one search."""
HOMELESS = 1e-3
"""Part of a request's hours for which there may be no room."""
TRIFLE = 1e-5
"""What a row may be missed by when the rest is held where a code has it."""


def model_of(problem: Problem, *, margin: int) -> RoundModel:
    """Return the program of a round of flexible requests, with slots where those add little.

    Args:
        problem: the round.
        margin: gang-hours by which floors are exceeded.
    """
    amounts = AmountModel(problem, margin=margin)
    seats, places = amounts.slots.seats.request.size, amounts.places.column.size
    if KernelEngine.suits(amounts) and seats <= WIDE * places:
        return RoundModel(problem, margin=margin)
    return amounts


class Held(NamedTuple):
    """A solution whose columns are held, but for a kernel's.

    Attributes:
        values: ``(columns,)``.
        kernel: ``(r,)`` whose columns are free.
        movable: ``(r,)`` who stays funded or not, but may move.
    """

    values: FloatArray
    kernel: BoolArray
    movable: BoolArray


class KernelEngine:
    """Settles tiers by a relaxation of everything and a search among a kernel.

    Args:
        model: the program of the round.
        effort: limits and seed.
    """

    restate: Callable[[FloatArray], FloatArray]

    def __init__(self, model: RoundModel, effort: Effort) -> None:
        self.restate = lambda values: values
        self.model, self.program = model, model.program
        self.effort = replace(effort, scip=True)
        tight = model.program.rows >= MANY_ROWS
        self.relaxation = model.relaxation(replace(effort, barrier=tight))
        self.pools, self.gap = PoolChoices(model), 0.0
        self.columns, self.owners = model.choices()
        self._owner = model.owner_of_columns()

    @staticmethod
    def suits(model: RoundModel) -> bool:
        """Return whether a round is large, of flexible requests, and of many a fellow."""
        problem = model.problem
        fellows = np.unique(problem.fellow[problem.eligible]).size
        many = int(problem.eligible.sum()) >= MANY * fellows
        return many and is_loose(problem) and model.program.columns > LARGE

    def prepare(self, goals: Sequence[Goal], gap: float) -> FloatArray | None:
        """Return a plan good in all tiers, the earlier ones first; None for one tier, or without.

        Args:
            goals: of the tiers.
            gap: each tier is near enough to its bound then.
        """
        if len(goals) == 1:
            return None
        weights = in_one(goals, self.program.columns)
        factor = GOAL_SIZE / STEP ** (len(goals) - 2)
        aim = Aim(weights=weights * factor, factor=factor, size=factor, gap=max(gap, ROUGH))
        found, root = Found(aim=aim, bound=-np.inf), self.model.solved(self.relaxation, aim.weights)
        if root is None:
            return None
        found.aim = replace(aim, size=max(abs(root.objective), 1e-9))
        self._search(found, root)
        return found.values

    def settle(self, goal: Goal, gap: float, known: FloatArray | None = None) -> Settled:
        """Search a kernel where a known plan is not near the bound."""
        self.gap, known = gap, None if known is None else self.restate(known)
        if known is not None and self._is_near(goal, gap, known):
            return Settled(values=known, bound=goal.floor, objective=self._reached(goal, known))
        factor = GOAL_SIZE / goal.size
        aim = Aim(weights=goal.weights * factor, factor=factor, size=GOAL_SIZE, gap=gap)
        if known is not None:
            self.relaxation.begin_at(known)
        found, root = Found(aim=aim, bound=-np.inf), self.model.solved(self.relaxation, aim.weights)
        if root is None:
            none = self.relaxation.infeasible
            return Settled(values=None, bound=-np.inf, infeasible=none, work=1)
        if goal.scale is None:
            found.aim = replace(aim, size=max(abs(root.objective), 1e-9))
        found.offer(known)
        self._search(found, root)
        found.prove(root.objective)
        return Settled(
            values=None if found.values is None else made_whole(self.model, found.values),
            bound=found.bound / factor,
            objective=found.objective / factor,
            work=found.work,
            limit=self.effort.budget.ended() if found.gap > gap else Limit.NONE,
        )

    @staticmethod
    def _reached(goal: Goal, values: FloatArray) -> float:
        """Return what a solution has of a goal."""
        return float(goal.weights @ values[: goal.weights.size])

    def _is_near(self, goal: Goal, gap: float, known: FloatArray) -> bool:
        """Return whether arithmetic shows that a plan is near enough to what none is below."""
        room = gap / 4 * (goal.scale or 0.0)
        return self._reached(goal, known) <= goal.floor + room

    def _search(self, found: Found, root: Vertex) -> None:
        """Decide kernels around the relaxation's solution.

        Args:
            found: the best plan so far; what is found is offered to it.
            root: the relaxation's solution, with its prices.
        """
        clear = self._cleared(root, found.aim.allowed)
        price, pieces = self._price(clear), self._pieces(clear.values)
        if not pieces.any():
            found.offer(clear.values)
        for size, moving in SIZES:
            near = found.objective <= root.objective + found.aim.allowed
            near |= moving and found.values is not None
            if near or self.effort.budget.reached() is not Limit.NONE:
                return
            kernel = self._kernel(price, pieces, size)
            movable = kernel | (enough(self.model, clear.values) & moving)
            found.offer(self._decided(found.aim, Held(clear.values, kernel, movable)))
            found.work += 1

    def _cleared(self, root: Vertex, allowed: float) -> Vertex:
        """Give up the other pools of who has to pick one, the clearest first, while that is cheap.

        Args:
            root: the relaxation's solution.
            allowed: what it may cost.
        """
        relaxation, vertex = self.relaxation, root
        lower, upper = relaxation.lower.copy(), relaxation.upper.copy()
        for part in CLEAR:
            if not self.pools.split(vertex.values)[0].size:
                break
            for column in self.pools.minor_columns(vertex.values, part).tolist():
                relaxation.bound(column, 0.0, 0.0)
            clearer = relaxation.solve()
            if clearer is None or clearer.objective > root.objective + allowed:
                break
            vertex = clearer
        for column in np.flatnonzero((relaxation.lower != lower) | (relaxation.upper != upper)):
            relaxation.bound(int(column), float(lower[column]), float(upper[column]))
        return replace(vertex, values=self.model.completed(vertex.values))

    def _pieces(self, values: FloatArray) -> BoolArray:
        """Return ``(r,)`` requests of which a solution leaves something broken, split or outside.

        Where slots are found by cuts a few requests may have hours that find no room.
        """
        model = self.model
        pieces = broken(model, values)
        pieces[self.pools.request[self.pools.split(values)[0]]] = True
        if not isinstance(model, AmountModel):
            return pieces
        size, everyone = pieces.size, np.ones(pieces.size, dtype=np.bool_)
        hours = values[model.places.column] * model.window_hours()
        wanted = np.bincount(model.places.request, hours, size)
        cells = model.fluid(values, everyone)
        laid = np.bincount(cells[:, 0], cells[:, 3] / MILLI, size)
        pieces |= wanted - laid > HOMELESS * np.maximum(wanted, 1.0)
        return pieces

    def _price(self, root: Vertex) -> FloatArray:
        """Return ``(r,)`` what it costs the relaxation per hour to decide otherwise, at least.

        Who is funded gives up what its columns at their most are worth; who is not takes all in the
        cheapest place.
        """
        model, places, top = self.model, self.model.places, self.model.extent.top
        own, each = root.column_prices[model.funded], root.column_prices[places.column]
        given = np.maximum(-each, 0.0) * root.values[places.column]
        lost = np.maximum(-own, 0.0) + np.bincount(places.request, given, own.size)
        taken = np.full(own.size, np.inf)
        full = top[places.request] / places.share
        np.minimum.at(taken, places.request, np.maximum(each, 0.0) * full)
        price = np.where(enough(model, root.values), lost, np.maximum(own, 0.0) + taken)
        return np.asarray(price / np.maximum(model.problem.ask, 1))

    def _kernel(self, price: FloatArray, pieces: BoolArray, size: int) -> BoolArray:
        """Return ``(r,)`` whether a request is in pieces, or cheap to decide either way.

        Half of them are the cheapest per hour of each first slot, which make room there, half the
        cheapest of each fellow, mostly small ones, which bring what each is due to the hour.
        """
        problem, counted = self.model.problem, self.model.extent.counted
        kernel, other = pieces.copy(), counted & ~pieces
        for cost, kind in ((price, problem.first), (price * problem.ask, problem.fellow)):
            rank = np.where(other, _ranks(cost, kind), problem.requests)
            kernel[np.lexsort((cost, rank))[: size // 2]] = True
        return np.asarray(kernel & counted)

    def _decided(self, aim: Aim, held: Held) -> FloatArray | None:
        """Return the best plan in which everyone outside a kernel stays, None without one."""
        low, high = self.relaxation.lower, self.relaxation.upper
        owner = np.pad(self._owner, (0, low.size - self._owner.size), constant_values=NOBODY)
        free = ((owner == NOBODY) | held.movable[owner]) & (low < high)
        free[self.columns[~held.kernel[self.owners]]] = False
        if not free.any():
            return None
        part, number = self.program.around(free, held.values, TRIFLE), np.cumsum(free) - 1
        if isinstance(self.model, AmountModel):
            _lay(self.model, part, held, np.where(free, number, NOBODY))
        chosen = self.columns[held.kernel[self.owners] & free[self.columns]]
        whole = np.zeros(part.columns, dtype=np.bool_)
        whole[number[chosen]] = True
        least, most = part.column_bounds()
        inside = int(free.sum())
        least[:inside], most[:inside] = low[free], high[free]
        wanted = np.pad(aim.weights, (0, low.size - aim.weights.size))[free]
        nodes = max(NODES // max(part.columns, 1), 20)
        effort = replace(self.effort, nodes=nodes, gap=max(aim.allowed / 2, 1e-6))
        answer = solve_program(part, wanted, effort, integer=whole, lower=least, upper=most)
        if answer.values is None:
            return None
        values = held.values.copy()
        values[free] = np.clip(answer.values[:inside], least[:inside], most[:inside])
        return values

    def possible(self) -> bool:
        """Solve the relaxation; what is left unsolved counts as possible."""
        return self.relaxation.solve() is not None or not self.relaxation.infeasible

    def keep(self, goal: Goal, most: float) -> None:
        """Add the goal as a row, divided by its scale; near its floor it leaves a little.

        Plans that keep a tier to the hour are few, and a quarter of the gap was not searched for.
        """
        scale = max(goal.scale or 0.0, abs(most), 1e-12)
        if np.isfinite(goal.floor):
            most = max(most, goal.floor + self.gap / 4 * (goal.scale or 0.0))
        used = np.flatnonzero(goal.weights)
        weights = goal.weights[used] / scale
        self.program.add_terms(self.program.add_rows(1, -np.inf, most / scale), used, weights)
        self.relaxation.add_row(used, weights, -np.inf, most / scale)

    def cap(self, columns: IntArray, upper: FloatArray) -> None:
        """Lower or raise upper bounds."""
        for column, most in zip(columns.tolist(), upper.tolist(), strict=True):
            self.relaxation.bound(column, self.relaxation.lower[column], most)

    def chosen(self, values: FloatArray) -> Relaxation:
        """Return the linear program of the funded alone, each in its pools."""
        low, high = self.relaxation.lower.copy(), self.relaxation.upper.copy()
        low[self.columns] = high[self.columns] = np.round(values[self.columns])
        places = self.model.places
        out = high[self.model.funded[places.request]] <= 0.0
        high[places.column[out]] = low[places.column[out]] = 0.0
        minor = self.pools.minor_columns(values)
        high[minor] = low[minor] = 0.0
        relaxation = self.relaxation
        if not isinstance(self.model, AmountModel):
            rows = self.program.relaxed()[1]
            relaxation = Relaxation(self.program, self.effort, (low != 0.0) | (high != 0.0), rows)
        changed = np.flatnonzero((low != relaxation.lower) | (high != relaxation.upper))
        for column in changed.tolist():
            relaxation.bound(column, float(low[column]), float(high[column]))
        relaxation.begin_at(np.clip(values, low, high))
        return relaxation


def _ranks(cost: FloatArray, kind: IntArray) -> IntArray:
    """Return how many of its kind cost less than each, or as much and come before.

    Args:
        cost: ``(n,)``.
        kind: ``(n,)``.
    """
    order = np.lexsort((cost, kind))
    ranks = np.empty(cost.size, dtype=np.int64)
    begins = np.searchsorted(kind[order], kind[order])
    ranks[order] = np.arange(cost.size) - begins
    return ranks


def _lay(model: AmountModel, part: Program, held: Held, number: IntArray) -> None:
    """Add the slots of those who may move: what they get in a pool lies in its spans.

    Args:
        model: a program without slots.
        part: the program of its free columns.
        held: a solution and the kernel.
        number: ``(columns,)`` of the free columns in the part, else `NOBODY`.
    """
    seats, places, spans = model.slots.seats, model.places, model.spans
    pools, width = model.problem.pools, spans.lengths.size
    place = np.searchsorted(
        places.request * pools + places.pool, seats.request * pools + seats.pool
    )
    mine = np.flatnonzero(held.movable[seats.request] & (number[places.column[place]] != NOBODY))
    seat = part.add_columns(mine.size, 0.0, seats.hours[mine])
    own, at = np.unique(place[mine], return_inverse=True)
    rows = part.add_rows(own.size, 0.0, 0.0)
    part.add_terms(rows, number[places.column[own]], -1.0)
    part.add_terms(rows[at], seat, 1.0 / model.window_hours()[own][at])
    cell, at = np.unique(seats.pool[mine] * width + seats.span[mine], return_inverse=True)
    supply = np.maximum(spans.supply.reshape(-1)[cell], 1)
    rows = part.add_rows(cell.size, -np.inf, _left(model, held).reshape(-1)[cell] / supply)
    part.add_terms(rows[at], seat, 1.0 / supply[at])
    key, at = np.unique(seats.request[mine] * width + seats.span[mine], return_inverse=True)
    several = np.bincount(at, minlength=key.size) > 1
    rows = np.full(key.size, NOBODY)
    rows[several] = part.add_rows(int(several.sum()), -np.inf, 1.0)
    inside = several[at]
    most = np.maximum(seats.hours[mine][inside], 1)
    part.add_terms(rows[at[inside]], seat[inside], 1.0 / most)


def _left(model: AmountModel, held: Held) -> FloatArray:
    """Return ``(p, i)`` GPU-hours that all who stay leave in each span."""
    cells = model.fluid(held.values, np.ones(held.kernel.size, dtype=np.bool_))
    cells = cells[~held.movable[cells[:, 0]]]
    left = model.spans.supply * float(MILLI)
    span = np.searchsorted(model.spans.start, cells[:, 2], side="right") - 1
    np.subtract.at(left, (cells[:, 1], span), cells[:, 3])
    return np.maximum(left / MILLI, 0.0)
