"""Counterfactuals: what a request could have stated otherwise, each with a plan that shows it.

For an optimising policy the plan is held except for a trade (`solver.trials`). What comes out is
set against the plan as it stands, in the changed round with its own entitlements: every rule, every
goal, in exact arithmetic. For a formula the formula itself is run again on the changed round.
Smallest means: the smallest that this search finds.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import islice

import numpy as np

from solver.audit import is_lawful
from solver.entitle import fellow_weights
from solver.formula import apply_formula
from solver.placing.room import least_needed, most_whole
from solver.plan import Plan, awarded_reference
from solver.problem import MILLI, IntArray, Method, Problem, Shape
from solver.rights import rights
from solver.spread import Crew, chunks, spread
from solver.trials import Trial, loss, standing
from solver.whatif import (
    NO_WORSE,
    UNWEIGHED,
    Change,
    Claim,
    Counterfactual,
    Lever,
    Rerun,
    Silence,
    changed,
    difference,
    goals,
    likely_speed,
)

MOST_SCORE = 100 * MILLI
POINT = MILLI
HALVINGS = 8
"""Steps of a search for the smallest change."""
SIZES = 64
"""Parts of a minimum in which a smaller one is looked for."""
MORE = 10
"""A funded request looks for this part of its ask more: a tenth."""
ENOUGH = 2
"""With fewer counterfactuals than these the ones that come close are shown as well."""
CLOSE = NO_WORSE | {Claim.WITHIN_GAP, Claim.AT_A_COST}


def silence(problem: Problem, request: int, shown: int) -> Silence | None:
    """Return why only so many counterfactuals are shown, or None when they are enough."""
    if shown >= ENOUGH:
        return None
    if problem.vetoed[request]:
        return Silence.VETOED
    if problem.rules.method is Method.REALLOCATE:
        return Silence.MID_ROUND
    alone = most_whole(problem, request, problem.supply // MILLI)
    fits = alone >= least_needed(problem, request)
    return Silence.NOT_FOUND if fits else Silence.NEVER_FITS


def counterfactuals(
    explorer: "Explorer",
    requests: Sequence[int],
    crew: Crew,
    *,
    done: Callable[[int], None] | None = None,
) -> list[list[Counterfactual]]:
    """Return the counterfactuals of some requests, in their order.

    Args:
        explorer: the round and the plan as it stands.
        requests: indices.
        crew: who works.
        done: told how many parts of the work are finished.
    """
    parts = chunks(len(requests), crew.workers, each=8)
    tasks = [(explorer, tuple(requests[at] for at in part)) for part in parts]
    found = spread(_explored, tasks, crew, done=done)
    return [each for part in found for each in part]


def _explored(task: tuple["Explorer", tuple[int, ...]]) -> list[list[Counterfactual]]:
    """Explore some requests of one plan."""
    explorer, requests = task
    return [explorer.of(request) for request in requests]


class Explorer:
    """One plan, ready for questions about its requests.

    Args:
        problem: the round.
        plan: as it stands; its stages say what its proof leaves open.
        formula: what a policy's formula gives after a change; None runs it with the requests in
            the order in which they stand, which a change may alter among equals.
    """

    def __init__(self, problem: Problem, plan: Plan, formula: Rerun | None = None) -> None:
        self.formula = formula or self._as_they_stand
        self.standing = standing(problem, plan)
        self.problem, self.plan, self.awards = problem, plan, self.standing.awards
        self.entitlement = self.standing.entitlement
        self.by_formula = problem.rules.method is not Method.OPTIMIZE

    def of(self, request: int) -> list[Counterfactual]:
        """Return what would have changed a request's award, and what would not have."""
        if self.problem.vetoed[request] or self.problem.rules.method is Method.REALLOCATE:
            return []
        found = [*self._gains(request)]
        if self.awards[request]:
            found += self._margins(request)
        if len(found) < ENOUGH and not self.by_formula:
            found += islice(self._close(request, found), ENOUGH - len(found))
        return found

    def _gains(self, request: int) -> Iterator[Counterfactual]:
        """Yield changes that would have brought an award, or more of one."""
        yield from self._as_it_is(request)
        looks = (self._less, self._larger, self._wider, self._pools, self._gangs, self._score)
        for look in looks:
            yield from look(request)

    def wanted(self, problem: Problem, request: int) -> int:
        """Return the award that a gain has to bring: the minimum, or a tenth of the ask more."""
        held = int(self.awards[request])
        if not held:
            return least_needed(problem, request)
        step = max(int(problem.ask[request]) // MORE, 1)
        return min(int(problem.ask[request]), held + step)

    def _as_it_is(self, request: int) -> Iterator[Counterfactual]:
        """Yield the cheapest way to fund the request unchanged; to add to it, if that is close."""
        if self.by_formula or self.awards[request] >= self.problem.ask[request]:
            return
        accept = NO_WORSE | {Claim.WITHIN_GAP}
        if not self.awards[request]:
            accept |= {Claim.AT_A_COST}
        change = Change(request=request, lever=Lever.NOTHING)
        least = self.wanted(self.problem, request)
        trial = Trial(self.standing, self.problem, change, self.entitlement, least)
        found = trial.best(accept)
        if found is not None:
            yield found

    def _less(self, request: int) -> Iterator[Counterfactual]:
        """Yield the largest minimum, or the largest ask with it, that would have been funded."""
        problem = self.problem
        minimum, ask = int(problem.minimum[request]), int(problem.ask[request])
        if self.awards[request] or minimum <= MILLI:
            return

        def at(step: int) -> Change:
            least = max(minimum * (SIZES - step) // SIZES // MILLI * MILLI, 1)
            if minimum == ask or self.by_formula:
                return Change(
                    request=request, lever=Lever.ASK, ask=max(least, MILLI), minimum=least
                )
            return Change(request=request, lever=Lever.MINIMUM, minimum=least)

        yield from self.smallest(at, SIZES)

    def _larger(self, request: int) -> Iterator[Counterfactual]:
        """Yield what a larger ask would have brought to who has all that was asked."""
        ask = int(self.problem.ask[request])
        if self.awards[request] and self.awards[request] >= ask:
            change = Change(request=request, lever=Lever.ASK, ask=ask + max(ask // MORE, MILLI))
            found = self.tried(change)
            if found is not None:
                yield found

    def _wider(self, request: int) -> Iterator[Counterfactual]:
        """Yield the least widening of the window, on both sides, that would have helped."""
        problem = self.problem
        first, end = int(problem.first[request]), int(problem.end[request])
        most = max(first, problem.slots - end)
        constant = problem.shape[request] == Shape.CONSTANT
        if constant or not most or self._has_all(request):
            return
        yield from self.smallest(
            lambda step: Change(
                request=request,
                lever=Lever.WINDOW,
                first=max(0, first - step),
                end=min(problem.slots, end + step),
            ),
            most,
        )

    def _pools(self, request: int) -> Iterator[Counterfactual]:
        """Yield each further pool that would have helped, as fast as its charge says."""
        problem = self.problem
        if self._has_all(request):
            return
        for pool in np.flatnonzero(problem.speed[request] == 0).tolist():
            speed = likely_speed(problem, request, pool)
            found = self.tried(Change(request=request, lever=Lever.POOL, pool=pool, speed=speed))
            if found is not None:
                yield found

    def _gangs(self, request: int) -> Iterator[Counterfactual]:
        """Yield the largest of the gangs by half, a quarter and so on that would have helped."""
        gang = int(self.problem.gang[request])
        halves = [gang >> part for part in range(1, gang.bit_length()) if not gang % (1 << part)]
        if halves and not self._has_all(request):
            sizes = [*halves, 1] if halves[-1] > 1 else halves

            def at(step: int) -> Change:
                return Change(request=request, lever=Lever.GANG, gang=sizes[step - 1])

            yield from self.smallest(at, len(sizes))

    def _score(self, request: int) -> Iterator[Counterfactual]:
        """Yield the least whole score that would have been enough."""
        score = int(self.problem.score[request])
        steps = (MOST_SCORE - score + POINT - 1) // POINT
        if not steps or self._has_all(request):
            return
        base = score // POINT * POINT
        alone = Change(request=request, lever=Lever.SCORE)
        for change in (alone, *self._with_less(request)):

            def at(step: int, change: Change = change) -> Change:
                return replace(change, score=min(base + step * POINT, MOST_SCORE))

            found = [*self.smallest(at, (MOST_SCORE - base) // POINT)]
            if found:
                yield from found
                return

    def _with_less(self, request: int) -> Iterator[Change]:
        """Yield half of what the fellow holds as minimum, for who needs more than that."""
        problem = self.problem
        if self.entitlement is None or self.awards[request]:
            return
        held = int(self.standing.start.held[problem.fellow[request]])
        pools = problem.speed[request] > 0
        per_unit = problem.speed[request, pools] / problem.factor[request, pools]
        reach = int(held * float(per_unit.min())) // 2 // MILLI * MILLI
        if 0 < reach < problem.minimum[request]:
            yield Change(request=request, lever=Lever.BOTH, minimum=reach)

    def _close(self, request: int, found: Sequence[Counterfactual]) -> Iterator[Counterfactual]:
        """Yield changes that cost goals something, yet less than funding the request unchanged."""
        shown = {each.change.lever for each in found}
        bars = [loss(each) for each in found if each.change.lever is Lever.NOTHING]
        for change in self._bold(request):
            near = None if change.lever in shown else self.tried(change, CLOSE)
            if near is not None and all(loss(near) < bar for bar in bars):
                shown.add(change.lever)
                yield near

    def _bold(self, request: int) -> Iterator[Change]:
        """Yield a bold change with each lever: half the minimum, the whole calendar and so on."""
        problem = self.problem
        ask, minimum = int(problem.ask[request]), int(problem.minimum[request])
        half = max(minimum // 2 // MILLI * MILLI, 1)
        if self._has_all(request):
            yield Change(request=request, lever=Lever.ASK, ask=ask + max(ask // MORE, MILLI))
        elif not self.awards[request] and minimum == ask:
            yield Change(request=request, lever=Lever.ASK, ask=max(half, MILLI), minimum=half)
        elif not self.awards[request] and minimum > half:
            yield Change(request=request, lever=Lever.MINIMUM, minimum=half)
        if problem.score[request] < MOST_SCORE:
            yield Change(request=request, lever=Lever.SCORE, score=MOST_SCORE)
        everything = (0, problem.slots) == (problem.first[request], problem.end[request])
        if problem.shape[request] != Shape.CONSTANT and not everything:
            yield Change(request=request, lever=Lever.WINDOW, first=0, end=problem.slots)
        for pool in np.flatnonzero(problem.speed[request] == 0).tolist():
            speed = likely_speed(problem, request, pool)
            yield Change(request=request, lever=Lever.POOL, pool=pool, speed=speed)

    def _has_all(self, request: int) -> bool:
        """Return whether a request has what it asked."""
        return bool(self.awards[request] >= self.problem.ask[request])

    def smallest(self, at: Callable[[int], Change], most: int) -> Iterator[Counterfactual]:
        """Yield the smallest of the changes 1 … `most` that works, as halving finds it."""
        best = self.tried(at(most))
        low, high = 0, most
        for _ in range(HALVINGS):
            if best is None or high - low <= 1:
                break
            middle = (low + high) // 2
            found = self.tried(at(middle))
            low, high = (low, middle) if found else (middle, high)
            best = found or best
        if best is not None:
            yield best

    def tried(self, change: Change, accept: frozenset[Claim] = NO_WORSE) -> Counterfactual | None:
        """Return a change with a plan that shows what it brings, if there is one.

        Args:
            change: of one request.
            accept: claims that are enough; beyond `NO_WORSE` the plan that loses least is taken.
        """
        problem = changed(self.problem, change)
        least = self.wanted(problem, change.request)
        if self.by_formula:
            return self._rerun(problem, change, least)
        due = self.entitlement
        if due is not None and change.lever not in UNWEIGHED:
            due = rights(problem)
        trial = Trial(self.standing, problem, change, due, least)
        return trial.first() if accept is NO_WORSE else trial.best(accept)

    def _rerun(self, problem: Problem, change: Change, least: int) -> Counterfactual | None:
        """Run the formula on the changed round."""
        cells = self.formula(change)
        awarded = int(awarded_reference(problem, cells)[change.request])
        if awarded < least or not is_lawful(problem, cells):
            return None
        return Counterfactual(
            change=change,
            claim=Claim.FORMULA,
            awarded=awarded,
            delta=difference(self.plan.cells, cells),
            losses={},
            open={},
            sizes={},
        )

    def _as_they_stand(self, change: Change) -> IntArray:
        """Return what the policy's formula gives after a change, equals in their order."""
        return apply_formula(changed(self.problem, change), seed=self.plan.seed).cells

    def _margins(self, request: int) -> Iterator[Counterfactual]:
        """Yield changes that would have left the award as it is, in the same cells."""
        problem, awarded = self.problem, int(self.awards[request])
        rows = self.plan.cells[self.plan.cells[:, 0] == request]
        if awarded > problem.minimum[request]:
            yield from self.kept(Change(request=request, lever=Lever.MINIMUM, minimum=awarded))
        if awarded < problem.ask[request]:
            minimum = min(int(problem.minimum[request]), awarded)
            change = Change(request=request, lever=Lever.ASK, ask=awarded, minimum=minimum)
            yield from self.kept(change)
        if problem.shape[request] == Shape.CONSTANT:
            return
        first, end = int(rows[:, 2].min()), int(rows[:, 2].max()) + 1
        if (first, end) != (problem.first[request], problem.end[request]):
            yield from self.kept(Change(request=request, lever=Lever.WINDOW, first=first, end=end))
        per_slot = np.bincount(rows[:, 2], weights=rows[:, 3]).astype(np.int64)
        gpus = -(-int(per_slot.max()) * MILLI // problem.slot_hours)
        if problem.gang[request] <= gpus < problem.max_gpus[request]:
            yield from self.kept(Change(request=request, lever=Lever.GPUS, gpus=gpus))

    def kept(self, change: Change) -> Iterator[Counterfactual]:
        """Yield a change under which the very same plan keeps every rule and every goal.

        By a formula: under which the formula gives the very same plan.
        """
        problem, cells = changed(self.problem, change), self.plan.cells
        if self.by_formula:
            if np.array_equal(self.formula(change), cells):
                yield self._same(change, {})
            return
        entitlement = self.entitlement
        if change.lever not in UNWEIGHED and entitlement is not None:
            if not np.array_equal(fellow_weights(problem), fellow_weights(self.problem)):
                return
            entitlement = rights(problem)
        losses = goals(problem, entitlement, cells).losses(self.standing.goals)
        if all(lost <= 0 for lost in losses.values()) and is_lawful(problem, cells):
            yield self._same(change, losses)

    def _same(self, change: Change, losses: Mapping[str, Fraction]) -> Counterfactual:
        """Return a change under which the plan stays, cell by cell."""
        return Counterfactual(
            change=change,
            claim=Claim.SAME_PLAN,
            awarded=int(self.awards[change.request]),
            delta=self.plan.cells[:0],
            losses=losses,
            open=self.standing.open if losses else {},
            sizes=self.standing.sizes if losses else {},
        )
