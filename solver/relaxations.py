"""Ways out of a round that no plan can serve: the smallest changes, each shown by a plan.

A way out is a few changes of rules (a guarantee released, a minimum or floor lowered, a cap raised,
supply added, a window widened) after which a plan exists; every amount is the smallest that does.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np

from solver.budget import Budget
from solver.conflicts import (
    GUARANTEES,
    LINKS,
    find_conflicts,
    guarantees_beyond_own_caps,
    must_fund,
)
from solver.demands import DemandProgram, demands, kept_amounts
from solver.pipeline import Limits, attempt
from solver.placing.room import holders, least_units
from solver.plan import Conflict, Limit, SolveStatus
from solver.problem import MILLI, NO_CAP, NOBODY, IntArray, Method, Problem, Tier
from solver.whole_conflicts import CODE as WHOLE
from solver.whole_conflicts import still_impossible

WORK = 200
"""Linear programs and nodes that the plan behind a way out may take."""
ANY_GAP = 1.0
"""It need not be a good one."""
MOST_STEPS = 6
"""Changes after which a way is given up."""
TOGETHER = frozenset(
    f"{what}_beyond_{where}" for what in ("guarantees", "floors") for where in ("supply", "caps")
)
"""Conflicts of what is demanded together."""


class Change(Enum):
    """What is given up."""

    DROP_LINK = "drop_link"
    """A request no longer waits for another."""
    LIFT_VETO = "lift_veto"
    """A request may be funded after all."""
    WIDEN_WINDOW = "widen_window"
    """A request may use more slots."""
    LOWER_FLOOR = "lower_floor"
    """A group, institute or track is promised less."""
    RAISE_CAP = "raise_cap"
    """A fellow, group, institute or track may have more."""
    LOWER_MINIMUM = "lower_minimum"
    """A request that must be funded is funded with less."""
    ADD_SUPPLY = "add_supply"
    """A pool gives more in every slot of some window."""
    RELEASE = "release"
    """A request need not be funded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaxation:
    """One change.

    Attributes:
        kind: ``request``, ``fellow``, ``group``, ``institute``, ``track`` or ``pool``.
        before, after: thousandths of what the rule states; slots of a window; GPU-hours a slot
            of added supply.
        cost: thousandths of the unit that are given up or added; 0 where nothing is counted.
    """

    change: Change
    kind: str
    index: int
    before: int = 0
    after: int = 0
    cost: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOut:
    """Changes after which a plan was found, none of them more than it needs to be.

    Attributes:
        cost: of all of them together.
    """

    steps: tuple[Relaxation, ...]

    @property
    def cost(self) -> int:
        """Thousandths of the unit that are given up or added."""
        return sum(step.cost for step in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Option:
    """A change that could help, by any amount up to a most.

    Attributes:
        most: steps that it can go at most.
        relax: returns the problem after some steps; says: what that is.
    """

    most: int
    relax: Callable[[int], Problem]
    says: Callable[[int], Relaxation]


def ways_out(
    problem: Problem, budget: Budget | None = None, conflicts: Sequence[Conflict] = ()
) -> tuple[WayOut, ...]:
    """Return ways out of a round whose rules cannot hold together, cheapest first.

    Every way begins with another change of the first conflict, goes on with the cheapest change of
    whatever is left, and is kept only if a plan for the round so changed is found.

    Args:
        problem: a round; one without conflicts has no ways out.
        budget: what may be spent; what was found until then is returned. None without a limit.
        conflicts: those that a solve found; without any they are looked for.
    """
    budget = budget or Budget()
    found = conflicts or find_conflicts(problem, budget)
    ways: dict[tuple[Relaxation, ...], WayOut] = {}
    for conflict in found[:1]:
        for relaxed, step in _eased(problem, conflict, budget):
            way = _finished(relaxed, (step,), budget)
            if way is not None:
                ways[way.steps] = way
    return tuple(sorted(ways.values(), key=_order))


def _order(way: WayOut) -> tuple[int, int, list[int]]:
    """Return what ways are listed by: cost, then length, then what is given up first."""
    ranks = [list(Change).index(step.change) for step in way.steps]
    return way.cost, len(way.steps), ranks


def _finished(problem: Problem, steps: tuple[Relaxation, ...], budget: Budget) -> WayOut | None:
    """Go on until no conflict is left; return the way if a plan shows it."""
    conflicts = find_conflicts(problem, budget)
    if budget.reached() is not Limit.NONE:
        return None
    if not conflicts:
        return WayOut(steps=_joined(steps)) if _has_plan(problem, budget) else None
    if len(steps) == MOST_STEPS:
        return None
    eased = sorted(
        _eased(problem, conflicts[0], budget), key=lambda pair: _order(WayOut(steps=(pair[1],)))
    )
    for relaxed, step in eased[:1]:
        return _finished(relaxed, (*steps, step), budget)
    return None


def _joined(steps: tuple[Relaxation, ...]) -> tuple[Relaxation, ...]:
    """Return steps so that nothing is changed twice."""
    joined: dict[tuple[Change, str, int], Relaxation] = {}
    for step in steps:
        what = step.change, step.kind, step.index
        earlier = joined.get(what)
        if earlier is None:
            joined[what] = step
            continue
        more = step.after if step.change is Change.ADD_SUPPLY else step.after - step.before
        joined[what] = replace(earlier, after=earlier.after + more, cost=earlier.cost + step.cost)
    return tuple(joined.values())


def _has_plan(problem: Problem, budget: Budget) -> bool:
    """Say whether a plan is found, whatever it is worth."""
    rules = replace(problem.rules, method=Method.OPTIMIZE, tiers=(Tier.VALUE,), weights=())
    limits = Limits(time_seconds=budget.seconds_left(), work=WORK, clock=budget.clock)
    plan = attempt(replace(problem, rules=rules), gap=ANY_GAP, limits=limits)
    return plan.status in {SolveStatus.OPTIMAL, SolveStatus.FEASIBLE}


def _eased(
    problem: Problem, conflict: Conflict, budget: Budget
) -> Iterator[tuple[Problem, Relaxation]]:
    """Yield each change by the least that ends a conflict, and the problem after it."""
    for option in _options(problem, conflict):
        if budget.reached() is not Limit.NONE:
            return
        steps = _least(option, lambda relaxed: not _stands(relaxed, conflict))
        if steps is not None:
            yield option.relax(steps), option.says(steps)


def _stands(problem: Problem, conflict: Conflict) -> bool:
    """Say whether what a conflict names still cannot hold together, whatever else does not."""
    if conflict.code == WHOLE:
        return still_impossible(problem, conflict)
    if conflict.code not in TOGETHER:
        checks = (check for kinds in (LINKS, GUARANTEES) for check in kinds)
        found = (each for check in checks for each in check(problem))
        return any(each.code == conflict.code and _same(each, conflict) for each in found)
    named = {(kind, index) for kind, indices in conflict.named.items() for index in indices}
    wanted = demands(problem, must_fund(problem))
    least, most = (
        [each for each in side if (each.kind, each.index) in named]
        for side in (wanted.least, wanted.most)
    )
    if least and DemandProgram(problem, wanted).unmet(least, most) is not None:
        return True
    return any(_same(each, conflict) for each in guarantees_beyond_own_caps(problem))


def _same(one: Conflict, other: Conflict) -> bool:
    """Say whether two conflicts are about the same."""
    return one.named == other.named


def _least(option: _Option, ends: Callable[[Problem], bool]) -> int | None:
    """Return the fewest steps that end it, by halving; None when even the most do not."""
    low, high = 0, option.most
    if high <= 0 or not ends(option.relax(high)):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if ends(option.relax(middle)) else (middle, high)
    return high


def _options(problem: Problem, conflict: Conflict) -> Iterator[_Option]:
    """Yield what could be given up of what a conflict names."""
    for kind, indices in conflict.named.items():
        for index in indices:
            if kind == "request":
                yield from _of_request(problem, index)
            else:
                yield from _of_holder(problem, kind, index)
    if conflict.code.endswith(("beyond_supply", "beyond_reach")):
        for pool in conflict.pools or range(problem.pools):
            yield _supply(problem, conflict, pool)


def _of_request(problem: Problem, request: int) -> Iterator[_Option]:
    """Yield what one request could give up."""
    promised = int(kept_amounts(problem)[request])
    if problem.vetoed[request]:
        yield _flag(problem, request, Change.LIFT_VETO)
    if problem.after[request] != NOBODY:
        yield _flag(problem, request, Change.DROP_LINK)
    if problem.guaranteed[request] or problem.pinned[request] or promised:
        yield _flag(problem, request, Change.RELEASE)
    if request in must_fund(problem) and not promised:
        yield _minimum(problem, request)
        yield _window(problem, request)


def _flag(problem: Problem, request: int, change: Change) -> _Option:
    """Return a change that is made or not."""
    one = np.arange(problem.requests) == request

    def relax(_: int) -> Problem:
        if change is Change.LIFT_VETO:
            return replace(problem, vetoed=problem.vetoed & ~one)
        if change is Change.DROP_LINK:
            return replace(problem, after=np.where(one, NOBODY, problem.after))
        previous = problem.previous
        return replace(
            problem,
            guaranteed=problem.guaranteed & ~one,
            pinned=problem.pinned & ~one,
            previous=previous[previous[:, 0] != request],
        )

    cost = 0 if change is Change.DROP_LINK else _worth(problem, request)
    said = Relaxation(change=change, kind="request", index=request, cost=cost)
    return _Option(most=1, relax=relax, says=lambda _: said)


def _worth(problem: Problem, request: int) -> int:
    """Return the thousandths of the unit that the smallest award of a request takes."""
    pools = problem.speed[request] > 0
    rate = (problem.factor[request, pools] / problem.speed[request, pools]).min(initial=np.inf)
    least = max(int(problem.minimum[request]), int(kept_amounts(problem)[request]))
    units = least_units(problem, request)
    return max(units, round(least * float(rate))) if np.isfinite(rate) else units


def _minimum(problem: Problem, request: int) -> _Option:
    """Return a lower minimum, down to nothing."""
    before = int(problem.minimum[request])
    rate = _worth(problem, request) / max(before, 1)

    def relax(steps: int) -> Problem:
        return replace(problem, minimum=_with(problem.minimum, request, before - steps))

    def says(steps: int) -> Relaxation:
        return Relaxation(
            change=Change.LOWER_MINIMUM,
            kind="request",
            index=request,
            before=before,
            after=before - steps,
            cost=round(steps * rate),
        )

    return _Option(most=before, relax=relax, says=says)


def _window(problem: Problem, request: int) -> _Option:
    """Return a wider window: later first, then earlier."""
    first, end = int(problem.first[request]), int(problem.end[request])
    later = problem.slots - end

    def relax(steps: int) -> Problem:
        return replace(
            problem,
            end=_with(problem.end, request, end + min(steps, later)),
            first=_with(problem.first, request, first - max(steps - later, 0)),
        )

    def says(steps: int) -> Relaxation:
        return Relaxation(
            change=Change.WIDEN_WINDOW,
            kind="request",
            index=request,
            before=end - first,
            after=end - first + steps,
        )

    return _Option(most=later + first, relax=relax, says=says)


def _of_holder(problem: Problem, kind: str, index: int) -> Iterator[_Option]:
    """Yield a lower floor and a higher cap of a fellow, group, institute or track."""
    _, floors, caps = holders(problem)[kind]
    floor, cap = int(floors[index]), int(caps[index])
    if floor:
        yield _bound(problem, f"{kind}_floor", index, -1, floor)
    if cap != NO_CAP:
        rates = problem.factor.max(axis=1, initial=0) * (problem.ask + problem.gang * MILLI)
        yield _bound(problem, f"{kind}_cap", index, 1, int(rates.sum()) // MILLI)


def _bound(problem: Problem, field: str, index: int, sign: int, most: int) -> _Option:
    """Return a floor lowered or a cap raised."""
    amounts: IntArray = getattr(problem, field)
    before = int(amounts[index])
    kind = field.partition("_")[0]

    def relax(steps: int) -> Problem:
        changed: dict[str, Any] = {field: _with(amounts, index, before + sign * steps)}
        return replace(problem, **changed)

    def says(steps: int) -> Relaxation:
        return Relaxation(
            change=Change.LOWER_FLOOR if sign < 0 else Change.RAISE_CAP,
            kind=kind,
            index=index,
            before=before,
            after=before + sign * steps,
            cost=steps,
        )

    return _Option(most=most, relax=relax, says=says)


def _supply(problem: Problem, conflict: Conflict, pool: int) -> _Option:
    """Return more GPU-hours of a pool in every slot that the named requests can use."""
    who = list(conflict.requests) or range(problem.requests)
    first, end = int(problem.first[who].min()), int(problem.end[who].max())
    needed = dict(conflict.numbers).get("needed", int(problem.minimum[who].sum()))
    slowest = int(problem.speed[problem.speed > 0].min(initial=MILLI))

    def relax(steps: int) -> Problem:
        supply = problem.supply.copy()
        supply[pool, first:end] += steps * MILLI
        return replace(problem, supply=supply)

    def says(steps: int) -> Relaxation:
        return Relaxation(
            change=Change.ADD_SUPPLY,
            kind="pool",
            index=pool,
            before=0,
            after=steps * MILLI,
            cost=steps * (end - first) * int(problem.charge[pool]),
        )

    return _Option(most=-(-needed // min(slowest, MILLI)), relax=relax, says=says)


def _with(array: IntArray, index: int, value: int) -> IntArray:
    """Return an array with one value changed."""
    changed = array.copy()
    changed[index] = value
    return changed
