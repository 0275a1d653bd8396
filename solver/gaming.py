"""The gaming audit: what a lie in a request would have brought, in useful hours, lie by lie."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from solver.fluid.merging import reach
from solver.pipeline import Limits, attempt
from solver.plan import SolveStatus
from solver.problem import MILLI, IntArray, Problem
from solver.rights import rights
from solver.spread import Crew, chunks, spread

TIMES = 2
"""How far an ask or a speed is overstated, or a speed understated."""
PER_REQUEST = (
    "ask",
    "minimum",
    "gang",
    "max_gpus",
    "first",
    "end",
    "speed",
    "shape",
    "block_slots",
    "single_pool",
    "guaranteed",
    "pinned",
    "vetoed",
    "score",
    "after",
    "fellow",
    "track",
)
"""Fields with an axis of requests."""


class Lie(StrEnum):
    """What a fellow may say of a request that is not so."""

    ASK = "ask"
    """Twice as much is asked."""
    MINIMUM = "minimum"
    """All or nothing, where less would do."""
    POOLS = "pools"
    """Only the fastest pool is said to do."""
    SPLIT = "split"
    """Two requests of half the ask and half the minimum."""
    FASTER = "faster"
    """Every speed is overstated."""
    SLOWER = "slower"
    """Every speed is understated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What one lie changes for the fellow who tells it.

    Attributes:
        request: whose lie it is.
        before, after: thousandths of what is useful to the fellow, told truly and told so; of the
            unit for entitlements, of reference GPU-hours for plans.
        saturated: whether the fellow's group holds all that it asks for, so that nothing is scarce
            to it.
    """

    request: int
    lie: Lie
    before: int
    after: int
    saturated: bool

    @property
    def gain(self) -> int:
        """What the lie brings; negative where it costs."""
        return self.after - self.before


def told(problem: Problem, lie: Lie, request: int) -> Problem | None:
    """Return the round as the lie tells it; nothing where there is nothing to lie about.

    A second request of a split stands at the end, so that all others keep their index.
    """
    ask, minimum = int(problem.ask[request]), int(problem.minimum[request])
    speed = problem.speed[request]
    match lie:
        case Lie.ASK:
            return _with(problem, request, ask=ask * TIMES)
        case Lie.MINIMUM:
            return _with(problem, request, minimum=ask) if minimum < ask else None
        case Lie.POOLS:
            only = np.where(np.arange(speed.size) == int(speed.argmax()), speed, 0)
            return _with(problem, request, speed=only) if (speed > 0).sum() > 1 else None
        case Lie.SPLIT:
            return _split(problem, request) if ask > MILLI else None
        case Lie.FASTER:
            return _with(problem, request, speed=speed * TIMES)
        case Lie.SLOWER:
            slow = np.where(speed > 0, np.maximum(speed // TIMES, 1), 0)
            return _with(problem, request, speed=slow)


def useful(truth: Problem, request: int, cells: IntArray) -> int:
    """Return thousandths of reference hours that the cells are truly worth to a request.

    Args:
        truth: the round as it is.
        request: index.
        cells: ``(n, 4)`` whatever was given in its name.
    """
    worth = int((cells[:, 3] * truth.speed[request, cells[:, 1]]).sum())
    enough = worth >= max(int(truth.minimum[request]), 1)
    return min(worth, int(truth.ask[request])) if enough else 0


def entitled(problem: Problem, requests: Sequence[int], crew: Crew) -> list[Effect]:
    """Return what lies change of entitlements, exactly, for some requests.

    Useful is an entitlement up to what the fellow's true requests can take, each alone.

    Raises:
        ValueError: If the policy gives no entitlements.
    """
    if not problem.rules.is_fair:
        raise ValueError("A policy without entitlements has none to audit.")
    tasks = [
        (problem, [requests[at] for at in part]) for part in chunks(len(requests), crew.workers)
    ]
    return [each for found in spread(_entitled, tasks, crew) for each in found]


def _entitled(task: tuple[Problem, Sequence[int]]) -> list[Effect]:
    """Audit the entitlements of some requests."""
    problem, requests = task
    before, most = rights(problem), _most(problem)
    groups = np.bincount(problem.fellow_group, weights=most, minlength=problem.groups)
    full = before.groups + MILLI >= groups
    effects = []
    for request in requests:
        fellow = int(problem.fellow[request])
        for lie in Lie:
            lied = told(problem, lie, request)
            if lied is None:
                continue
            effects.append(
                Effect(
                    request=request,
                    lie=lie,
                    before=min(int(before.fellows[fellow]), int(most[fellow])),
                    after=min(int(rights(lied).fellows[fellow]), int(most[fellow])),
                    saturated=bool(full[problem.fellow_group[fellow]]),
                )
            )
    return effects


def _most(problem: Problem) -> IntArray:
    """Return ``(f,)`` the most of the unit that each fellow's requests can take, each alone."""
    alone = np.where(problem.eligible, reach(problem), 0)
    found = np.zeros(problem.fellows, dtype=np.int64)
    np.add.at(found, problem.fellow, alone)
    return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solving:
    """How each lie is solved."""

    seed: int
    gap: float
    limits: Limits


def awarded(
    problem: Problem,
    requests: Sequence[int],
    how: Solving,
    crew: Crew,
    *,
    done: Callable[[int], None] | None = None,
) -> list[Effect]:
    """Return what lies change of plans, each by solving the round anew as it was told.

    A plan is whole hours found within a gap: other plans within it would do as well, so single
    figures carry that much noise, to either side.

    Args:
        problem: the round as it is.
        requests: whose lies are tried, one at a time.
        how: seed, gap and limits of every solve.
        crew: who solves.
        done: told how many solves are finished.
    """
    asked = [(None, requests[0] if requests else 0)] + [
        (lie, request)
        for request in requests
        for lie in Lie
        if told(problem, lie, request) is not None
    ]
    tasks = [(problem, lie, request, how) for lie, request in asked]
    truth, *found = spread(_awarded, tasks, crew, done=done)
    return [
        Effect(
            request=request,
            lie=lie,
            before=truth[int(problem.fellow[request])],
            after=after[int(problem.fellow[request])],
            saturated=False,
        )
        for (lie, request), after in zip(asked[1:], found, strict=True)
        if lie is not None and truth and after
    ]


def _awarded(task: tuple[Problem, Lie | None, int, Solving]) -> Mapping[int, int]:
    """Return what each fellow's award is truly worth when a lie is told; nothing without a plan."""
    problem, lie, request, how = task
    lied = problem if lie is None else told(problem, lie, request)
    assert lied is not None, "lies that cannot be told are not asked about"
    plan = attempt(lied, seed=how.seed, gap=how.gap, limits=how.limits)
    if plan.status not in {SolveStatus.OPTIMAL, SolveStatus.FEASIBLE}:
        return {}
    cells = plan.cells.copy()
    cells[cells[:, 0] >= problem.requests, 0] = request
    found = dict.fromkeys(range(problem.fellows), 0)
    for each in np.unique(cells[:, 0]).tolist():
        found[int(problem.fellow[each])] += useful(problem, each, cells[cells[:, 0] == each])
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What a lie brought, over everybody who could tell it.

    Attributes:
        count: how many could; gains, losses: how many have more, or less, for it.
        mean: mean change in parts of what the truth brings; largest: the largest gain, thousandths.
    """

    lie: Lie
    count: int
    gains: int
    losses: int
    mean: float
    largest: int


def tallies(effects: Sequence[Effect], *, least: int = 1) -> list[Tally]:
    """Return the effects added up by lie.

    Args:
        effects: of one policy.
        least: thousandths from which a change counts as one.
    """
    found = []
    for lie in Lie:
        mine = [each for each in effects if each.lie is lie]
        before = sum(each.before for each in mine)
        found.append(
            Tally(
                lie=lie,
                count=len(mine),
                gains=sum(each.gain >= least for each in mine),
                losses=sum(each.gain <= -least for each in mine),
                mean=sum(each.gain for each in mine) / before if before else 0.0,
                largest=max((each.gain for each in mine), default=0),
            )
        )
    return found


def sample(problem: Problem, count: int, seed: int) -> list[int]:
    """Return some of the requests that can be funded, by chance, in order of index."""
    eligible = np.flatnonzero(problem.eligible)
    chosen = np.random.default_rng(seed).permutation(eligible)[: max(count, 0)]
    return sorted(chosen.tolist())


def _with(problem: Problem, request: int, **changes: int | IntArray) -> Problem:
    """Return the round with some fields of one request changed."""
    arrays: dict[str, Any] = {}
    for name, value in changes.items():
        array = getattr(problem, name).copy()
        array[request] = value
        arrays[name] = array
    return replace(problem, **arrays)


def _split(problem: Problem, request: int) -> Problem:
    """Return the round with a request told as two halves."""
    arrays: dict[str, Any] = {}
    for name in PER_REQUEST:
        array = getattr(problem, name)
        arrays[name] = np.concatenate([array, array[request : request + 1]])
    for name in ("ask", "minimum"):
        whole = int(arrays[name][request])
        arrays[name][request], arrays[name][-1] = whole - whole // 2, whole // 2
    tickets = problem.tickets
    if tickets:
        tickets = (*tickets, f"{tickets[request]}+")
    return replace(problem, **arrays, tickets=tickets)
