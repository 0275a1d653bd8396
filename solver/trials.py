"""A trial: a changed round, and plans of it in which one request gets what it wants.

Others give up what they hold beyond their need, or one of them its award; the request takes it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from solver.entitle import fellow_weights
from solver.placing.board import floors, free_supply, in_order
from solver.placing.placement import place, total_reference
from solver.placing.trade import Ground, ground, trade
from solver.plan import Entitlement, Plan, awarded_reference
from solver.problem import MILLI, NOBODY, BoolArray, IntArray, Problem, Shape
from solver.rights import rights
from solver.whatif import (
    NO_WORSE,
    Bar,
    Change,
    Claim,
    Counterfactual,
    Goals,
    Lever,
    difference,
    goals,
    judge,
    sizes,
)
from solver.worth import merit_points

DROPS = 12
"""Requests that are, one at a time, tried without an award to make room."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Standing:
    """A plan as it stands, with all that trials ask of it.

    Attributes:
        entitlement: None without fairness tiers; start: its cells and what follows from them.
        goals: what it reaches; awards: ``(r,)`` thousandths of reference GPU-hours.
        open, sizes: as in `Counterfactual`.
    """

    problem: Problem
    plan: Plan
    entitlement: Entitlement | None
    start: Ground
    goals: Goals
    awards: IntArray
    open: Mapping[str, Fraction]
    sizes: Mapping[str, Fraction]


def standing(problem: Problem, plan: Plan) -> Standing:
    """Return a plan as it stands."""
    entitlement = (plan.entitlement or rights(problem)) if problem.rules.is_fair else None
    reached = goals(problem, entitlement, plan.cells)
    return Standing(
        problem=problem,
        plan=plan,
        entitlement=entitlement,
        start=ground(problem, plan.cells),
        goals=reached,
        awards=awarded_reference(problem, plan.cells),
        open=left_open(plan, reached),
        sizes=sizes(entitlement, reached),
    )


@dataclass(frozen=True, slots=True)
class Trial:
    """One changed round and the search for a plan of it that brings the request what it wants."""

    standing: Standing
    problem: Problem
    change: Change
    entitlement: Entitlement | None
    least: int

    def first(self) -> Counterfactual | None:
        """Return the first plan that reaches no goal worse."""
        return next(self.found(NO_WORSE), None)

    def best(self, accept: frozenset[Claim]) -> Counterfactual | None:
        """Return the plan that loses least, goal after goal."""
        return min(self.found(accept), key=loss, default=None)

    def found(self, accept: frozenset[Claim]) -> Iterator[Counterfactual]:
        """Yield the plans that can be vouched for."""
        now, change = self.standing, self.change
        before = now.goals
        if change.lever is not Lever.NOTHING:
            before = goals(self.problem, self.entitlement, now.plan.cells)
        bar = Bar(before=before, least=self.least, open=now.open, accept=accept)
        for cells in self.plans():
            verdict = judge(self.problem, self.entitlement, cells, change, bar)
            if verdict is not None:
                yield Counterfactual(
                    change=change,
                    claim=verdict[0],
                    awarded=int(awarded_reference(self.problem, cells)[change.request]),
                    delta=difference(now.plan.cells, cells),
                    losses=verdict[1],
                    open=now.open,
                    sizes=now.sizes,
                )

    def plans(self) -> Iterator[IntArray]:
        """Yield plans that bring the request what it wants, the likeliest first."""
        problem, request = self.problem, self.change.request
        if problem.shape[request] == Shape.FLEXIBLE:
            for keep, order in self.ways():
                for pools in self.choices():
                    cells = trade(
                        problem,
                        self.standing.start,
                        request,
                        self.least,
                        order=order,
                        need=np.maximum(problem.minimum, 1),
                        keep=keep,
                        pools=pools,
                    )
                    if cells is not None:
                        yield cells
        yield from self.without_another()

    def choices(self) -> list[IntArray]:
        """Return the sets of pools to try: all, or each by itself."""
        problem, request = self.problem, self.change.request
        pools = np.flatnonzero(problem.speed[request] > 0)
        held = np.unique(self.standing.plan.cells[self.standing.plan.cells[:, 0] == request, 1])
        if problem.single_pool[request]:
            return [held] if held.size else [pools[at : at + 1] for at in range(pools.size)]
        return [pools]

    def ways(self) -> Iterator[tuple[IntArray, IntArray]]:
        """Yield what buckets keep and whose cells may shrink, the cheapest first."""
        problem, held = self.problem, self.standing.start.held
        least = np.minimum(floors(problem), held)
        if self.entitlement is None:
            yield least, self.order(problem.requests * [0])
            return
        due = np.concatenate([self.entitlement.fellows, self.entitlement.groups, 0 * held])[
            : held.size
        ]
        own = (problem.fellow == problem.fellow[self.change.request]).tolist()
        mates = (problem.group == problem.group[self.change.request]).tolist()
        ranks = [0 if mine else 1 if mate else 2 for mine, mate in zip(own, mates, strict=True)]
        keep = np.maximum(least, np.minimum(due, held))
        yield keep, self.order([0] * problem.requests)
        yield keep, self.order(ranks)
        loose = keep.copy()
        loose[: problem.fellows] = 0
        yield loose, self.order_of_mates()

    def costs(self) -> IntArray:
        """Return ``(n,)`` what the value loses per thousandth of a unit when a cell shrinks."""
        problem, cells = self.problem, self.standing.plan.cells
        points = merit_points(problem)
        request, pool = cells[:, 0], cells[:, 1]
        speed = problem.speed[self.change.request, pool]
        loss = points[request] * problem.speed[request, pool] - points[self.change.request] * speed
        per_unit: IntArray = loss // np.maximum(problem.factor[request, pool], 1)
        return per_unit

    def order(self, ranks: Sequence[int]) -> IntArray:
        """Return the cells in the taker's pools and window by rank, then by what value loses."""
        near = self.near()
        rank = np.array(ranks)[self.standing.plan.cells[:, 0]]
        keys = (self.costs()[near], rank[near])
        return near[np.lexsort(keys)]

    def order_of_mates(self) -> IntArray:
        """Return the cells of the same group, those of the least fellow weight first."""
        problem, cells = self.problem, self.standing.plan.cells
        near = self.near()
        near = near[problem.group[cells[near, 0]] == problem.group[self.change.request]]
        weights = fellow_weights(problem)[problem.fellow[cells[near, 0]]]
        ordered: IntArray = near[np.lexsort((self.costs()[near], weights))]
        return ordered

    def near(self) -> IntArray:
        """Return the cells of others that may shrink, in the taker's pools and window."""
        problem, cells, request = self.problem, self.standing.plan.cells, self.change.request
        inside = (cells[:, 2] >= problem.first[request]) & (cells[:, 2] < problem.end[request])
        inside &= problem.speed[request, cells[:, 1]] > 0
        inside &= (problem.shape[cells[:, 0]] == Shape.FLEXIBLE) & (cells[:, 0] != request)
        inside &= ~self.stays()[cells[:, 0]]
        return np.flatnonzero(inside)

    def stays(self) -> BoolArray:
        """Return ``(r,)`` requests that an earlier plan promised something."""
        promised = np.zeros(self.problem.requests, dtype=np.bool_)
        if self.problem.rules.keep_accepted:
            promised[self.problem.previous[:, 0]] = True
        return promised

    def without_another(self) -> Iterator[IntArray]:
        """Yield plans in which the request takes free room, or that of one other request."""
        cells, request = self.standing.plan.cells, self.change.request
        others = cells[cells[:, 0] != request]
        yield from self.placed(others)
        for other in self.droppable():
            yield from self.placed(others[others[:, 0] != other])

    def placed(self, rest: IntArray) -> Iterator[IntArray]:
        """Yield the rest with the request placed in the room that it leaves."""
        problem, request = self.problem, self.change.request
        free = free_supply(problem, rest)
        wanted = max(self.least, int(self.standing.awards[request]))
        for amount in (int(problem.ask[request]), wanted):
            own = place(problem, free, request, amount)
            if own.size and total_reference(problem, own) >= self.least:
                yield in_order(np.concatenate([rest, own]))

    def droppable(self) -> list[int]:
        """Return the requests whose award is worth least among those in the way."""
        problem, cells, request = self.problem, self.standing.plan.cells, self.change.request
        inside = (cells[:, 2] >= problem.first[request]) & (cells[:, 2] < problem.end[request])
        inside &= problem.speed[request, cells[:, 1]] > 0
        inside &= (cells[:, 0] != request) & ~problem.must_fund[cells[:, 0]]
        others = np.unique(cells[inside, 0])
        if self.entitlement is not None:
            others = others[problem.fellow[others] == problem.fellow[request]]
        followed = np.zeros(problem.requests, dtype=np.bool_)
        followed[problem.after[problem.after != NOBODY]] = True
        others = others[~followed[others] & ~self.stays()[others]]
        worth = merit_points(problem)[others] * self.standing.awards[others]
        hours = np.bincount(cells[:, 0], weights=cells[:, 3], minlength=problem.requests)[others]
        reach = self.least // max(int(problem.speed[request].max()), 1)
        enough = others[np.lexsort((others, worth, hours * 2 < reach))]
        return [int(each) for each in enough[:DROPS]]


def loss(found: Counterfactual) -> tuple[Fraction, ...]:
    """Return what a plan loses, goal after goal; what it gains counts for nothing."""
    return tuple(max(loss, Fraction(0)) for loss in found.losses.values())


def left_open(plan: Plan, reached: Goals) -> dict[str, Fraction]:
    """Return by goal how far the plan may be from the best, as far as its proof says."""
    units = {"groups_total": MILLI, "fellows": MILLI}
    return {
        stage.name: abs(
            Fraction(stage.bound) * units.get(stage.name, 1) - reached.figures[stage.name]
        )
        for stage in plan.stages
        if stage.name in reached.figures
    }
