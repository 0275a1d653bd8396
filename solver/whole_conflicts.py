"""Why no plan of whole gang-hours keeps every rule, where fluid hours would do."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from solver.budget import Budget
from solver.conflicts import must_fund, smallest
from solver.demands import Demand, demands
from solver.integral import is_impossible, is_small
from solver.placing.room import holders
from solver.plan import Conflict, Limit
from solver.problem import NO_CAP, NOBODY, BoolArray, Problem

CODE = "beyond_whole_hours"
EFFORT = 0.3
"""CP-SAT's deterministic time for one set of rules; one that is not decided by then may hold."""
ALTOGETHER = 3.0
"""The same for all sets; when it is spent, a conflict may name more than it needs to."""


def whole_conflicts(problem: Problem, budget: Budget, *, seed: int) -> tuple[Conflict, ...]:
    """Return smallest sets of guarantees, floors and caps that whole gang-hours cannot keep.

    First every guarantee and floor by itself, with the requests that could serve it; if each of
    them can be kept, all together where the round is small.

    Args:
        problem: the round.
        budget: what the whole solve may still spend.
        seed: of the searches.
    """
    wanted, spent = demands(problem, must_fund(problem)), 0.0

    def impossible(least: Sequence[Demand], most: Sequence[Demand]) -> bool:
        nonlocal spent
        if budget.reached() is not Limit.NONE or spent >= ALTOGETHER:
            return False
        part = _only(problem, least, most)
        if not is_small(part):
            return False
        proved, work = is_impossible(part, effort=EFFORT, seed=seed)
        spent += work
        return proved

    alone = [[each] for each in wanted.least]
    found = [_conflict(each, wanted.most, impossible) for each in alone]
    if not any(found) and len(alone) > 1:
        found = [_conflict(wanted.least, wanted.most, impossible)]
    return tuple(each for each in found if each is not None)


def still_impossible(problem: Problem, conflict: Conflict, *, seed: int = 0) -> bool:
    """Return whether what a conflict names cannot be kept in whole gang-hours, as rules are now."""
    wanted = demands(problem, must_fund(problem))
    least, most = (
        [each for each in side if each.index in conflict.named[each.kind]]
        for side in (wanted.least, wanted.most)
    )
    part = _only(problem, least, most)
    return bool(least) and is_impossible(part, effort=EFFORT, seed=seed)[0]


def _conflict(
    least: Sequence[Demand],
    most: Sequence[Demand],
    impossible: Callable[[Sequence[Demand], Sequence[Demand]], bool],
) -> Conflict | None:
    """Return the conflict that some demands and caps are, with nothing in it that is not needed."""
    if not impossible(least, most):
        return None
    least = smallest(least, lambda some: impossible(some, most))
    most = smallest(most, lambda some: impossible(least, some))
    rows = (*least, *most)
    indices = {
        kind: tuple(sorted({each.index for each in rows if each.kind == kind}))
        for kind in ("request", "fellow", "group", "institute", "track")
    }
    return Conflict(
        code=CODE,
        requests=indices["request"],
        fellows=indices["fellow"],
        groups=indices["group"],
        institutes=indices["institute"],
        tracks=indices["track"],
        numbers=tuple((f"{each.side}_{each.kind}", each.amount) for each in rows if not each.own),
    )


def _only(problem: Problem, least: Sequence[Demand], most: Sequence[Demand]) -> Problem:
    """Return the round with those demands and caps alone, and the requests that could help."""
    helping = _helping(problem, least)
    kept = {(each.side, each.kind, each.index) for each in (*least, *most)}
    owed = np.array([("floor", "request", r) in kept for r in range(problem.requests)])
    limits: dict[str, Any] = {}
    for kind, (_, floors, caps) in holders(problem).items():
        if kind != "fellow":
            is_kept = np.array([("floor", kind, i) in kept for i in range(floors.size)], dtype=bool)
            limits[f"{kind}_floor"] = np.where(is_kept, floors, 0)
        is_kept = np.array([("cap", kind, i) in kept for i in range(caps.size)], dtype=bool)
        limits[f"{kind}_cap"] = np.where(is_kept, caps, NO_CAP)
    return replace(
        problem,
        vetoed=problem.vetoed | ~helping,
        guaranteed=owed,
        pinned=np.zeros(problem.requests, dtype=np.bool_),
        **limits,
    )


def _helping(problem: Problem, least: Sequence[Demand]) -> BoolArray:
    """Return ``(r,)`` who can serve some demands, and whom those wait for."""
    helping = np.zeros(problem.requests, dtype=np.bool_)
    of = {kind: holder for kind, (holder, _, _) in holders(problem).items()}
    for each in least:
        if each.own:
            helping[each.index] = True
        else:
            helping |= of[each.kind] == each.index
    for request in np.flatnonzero(helping).tolist():
        at = request
        while at != NOBODY and not (at != request and helping[at]):
            helping[at] = True
            at = int(problem.after[at])
    return helping
