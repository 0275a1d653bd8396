"""Rules that cannot hold together, found before any solve and cut down to a smallest set."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from solver.budget import Budget
from solver.demands import Demand, DemandProgram, demands
from solver.placing.board import most_hours
from solver.placing.room import holders, least_needed, least_units, most_whole
from solver.plan import Conflict
from solver.problem import MILLI, NO_CAP, NOBODY, Problem, Shape


def find_conflicts(problem: Problem, budget: Budget | None = None) -> tuple[Conflict, ...]:
    """Return why no plan can keep every rule; nothing when no reason is found.

    First what one request shows by itself, then what guarantees and floors demand together of
    supply and caps: a linear program says whether they can be met, its prices name a set that
    cannot, and demands are taken out of the set one by one as long as it stays impossible. Where a
    limit comes first no reason is found, or one that names more than it needs to.

    Args:
        problem: the round.
        budget: what the whole solve may still spend; None without a limit.
    """
    for checks in (LINKS, GUARANTEES):
        found = tuple(conflict for check in checks for conflict in check(problem))
        if found:
            return found
    return tuple(demands_beyond(problem, budget or Budget()))


def must_fund(problem: Problem) -> list[int]:
    """Return the requests that every plan funds: guaranteed, pinned, or before one of those."""
    needed: list[int] = []
    seen = np.zeros(problem.requests, dtype=np.bool_)
    for request in np.flatnonzero(problem.must_fund).tolist():
        at = request
        while at != NOBODY and not seen[at]:
            seen[at] = True
            needed.append(at)
            at = int(problem.after[at])
    return sorted(needed)


def pinned_and_vetoed(problem: Problem) -> Iterator[Conflict]:
    """A request cannot be pinned and vetoed at once."""
    for request in np.flatnonzero(problem.pinned & problem.vetoed).tolist():
        yield Conflict(code="pinned_and_vetoed", requests=(request,))


def precedence_cycles(problem: Problem) -> Iterator[Conflict]:
    """A request cannot come after itself, however long the way round."""
    done = np.zeros(problem.requests, dtype=np.bool_)
    for start in np.flatnonzero(problem.after != NOBODY).tolist():
        path: list[int] = []
        at = start
        while at != NOBODY and not done[at] and at not in path:
            path.append(at)
            at = int(problem.after[at])
        if at in path:
            yield Conflict(code="precedence_cycle", requests=tuple(path[path.index(at) :]))
        done[path] = True


def predecessors_vetoed(problem: Problem) -> Iterator[Conflict]:
    """A request that must be funded cannot wait for one that is vetoed."""
    for request in must_fund(problem):
        before = int(problem.after[request])
        if before != NOBODY and problem.vetoed[before]:
            yield Conflict(code="predecessor_vetoed", requests=(request, before))


def guarantees_beyond_reach(problem: Problem) -> Iterator[Conflict]:
    """A request that must be funded has to reach its minimum when it is alone."""
    supply = problem.supply // MILLI
    for request in must_fund(problem):
        reach, needed = most_whole(problem, request, supply), least_needed(problem, request)
        if reach >= needed:
            continue
        pools = tuple(np.flatnonzero(problem.speed[request] > 0).tolist())
        window = (int(problem.first[request]), int(problem.end[request]))
        numbers = (("minimum", needed), ("reach", reach))
        if problem.shape[request] == Shape.BLOCK and window[1] - window[0] < int(
            problem.block_slots[request]
        ):
            numbers = (
                ("block_slots", int(problem.block_slots[request])),
                ("window_slots", window[1] - window[0]),
            )
            yield Conflict(code="block_beyond_window", requests=(request,), numbers=numbers)
        elif not reach and _largest(problem, request) < int(problem.gang[request]):
            numbers = (
                ("gang", int(problem.gang[request]) * MILLI),
                ("largest", _largest(problem, request) * MILLI),
            )
            yield Conflict(
                code="gang_beyond_pools", requests=(request,), pools=pools, numbers=numbers
            )
        else:
            yield Conflict(
                code="guarantee_beyond_reach", requests=(request,), pools=pools, numbers=numbers
            )


def _largest(problem: Problem, request: int) -> int:
    """Return the most whole GPU-hours that any acceptable pool has in a slot of the window."""
    pools = problem.speed[request] > 0
    window = slice(int(problem.first[request]), int(problem.end[request]))
    supply = problem.supply[pools, window] // MILLI
    return min(int(supply.max(initial=0)), int(most_hours(problem)[request]))


def guarantees_beyond_own_caps(problem: Problem) -> Iterator[Conflict]:
    """The smallest award of a request that must be funded has to lie under its own caps."""
    for request in must_fund(problem):
        least = least_units(problem, request)
        for kind, (whose, _, caps) in holders(problem).items():
            holder = int(whose[request])
            if holder != NOBODY and NO_CAP != caps[holder] < least:
                cap = Demand(side="cap", kind=kind, index=holder, amount=int(caps[holder]))
                one = Demand(side="floor", kind="request", index=request, amount=least)
                numbers = (("needed", least), ("reach", cap.amount))
                yield _conflict(problem, _Impossible((one,), (cap,), numbers))


def guarantees_after_the_end(problem: Problem) -> Iterator[Conflict]:
    """A request that must be funded needs room in its window after its predecessors."""
    for request in must_fund(problem):
        if int(problem.after[request]) == NOBODY:
            continue
        begins, chain = _earliest(problem, request)
        ends = begins + _least_slots(problem, request)
        late = problem.shape[request] == Shape.CONSTANT and begins > problem.first[request]
        if late or ends > problem.end[request]:
            numbers = (
                ("earliest_slot", begins),
                ("slots", _least_slots(problem, request)),
                ("end_slot", int(problem.end[request])),
            )
            yield Conflict(code="no_room_after", requests=tuple(chain), numbers=numbers)


def _earliest(problem: Problem, request: int) -> tuple[int, list[int]]:
    """Return the first slot that predecessors leave to a request, and the chain, last first."""
    chain = [request]
    while int(problem.after[chain[-1]]) != NOBODY:
        chain.append(int(problem.after[chain[-1]]))
    free = 0
    for before in reversed(chain[1:]):
        free = max(free, int(problem.first[before])) + _least_slots(problem, before)
    return max(free, int(problem.first[request])), chain


def _least_slots(problem: Problem, request: int) -> int:
    """Return how many slots a request takes at least."""
    if problem.shape[request] == Shape.BLOCK:
        return int(problem.block_slots[request])
    if problem.shape[request] == Shape.CONSTANT:
        return int(problem.end[request] - problem.first[request])
    fastest = int(problem.speed[request].max()) * int(most_hours(problem)[request])
    return max(1, -(-int(problem.minimum[request]) // max(fastest, 1)))


@dataclass(frozen=True, slots=True)
class _Impossible:
    """A smallest set of demands that supply and the named caps cannot meet."""

    demands: tuple[Demand, ...]
    caps: tuple[Demand, ...]
    numbers: tuple[tuple[str, int], ...]


def demands_beyond(problem: Problem, budget: Budget) -> Iterator[Conflict]:
    """Guarantees and floors cannot together exceed what supply and caps leave them."""
    wanted = demands(problem, must_fund(problem))
    if not wanted.least:
        return
    program = DemandProgram(problem, wanted, budget)
    found = program.unmet(wanted.least, wanted.most)
    if found is None:
        return
    least = smallest(found, lambda some: program.unmet(some, wanted.most) is not None)
    most: Sequence[Demand] = ()
    if program.unmet(least, ()) is None:
        most = smallest(wanted.most, lambda some: program.unmet(least, some) is not None)
    needed, reached = program.totals(least, most)
    numbers = (("needed", needed), ("reach", reached))
    yield _conflict(problem, _Impossible(tuple(least), tuple(most), numbers))


def smallest(
    everything: Sequence[Demand], impossible: Callable[[Sequence[Demand]], bool]
) -> list[Demand]:
    """Return a set from which nothing can be left out: try each once.

    Args:
        everything: demands that cannot be met together.
        impossible: says whether some of them cannot.
    """
    kept = list(everything)
    for each in everything:
        fewer = [other for other in kept if other is not each]
        if impossible(fewer):
            kept = fewer
    return kept


def _conflict(problem: Problem, found: _Impossible) -> Conflict:
    """Name what a set of demands is about."""
    rows = (*found.demands, *found.caps)
    requests = tuple(each.index for each in found.demands if each.kind == "request")
    floors = len(requests) < len(found.demands)
    what = "floors" if floors else "guarantees"
    where = "caps" if found.caps else "supply"
    bounds = tuple((f"{each.side}_{each.kind}", each.amount) for each in rows if not each.own)
    pools = np.flatnonzero((problem.speed[list(requests)] > 0).any(axis=0)).tolist()
    return Conflict(
        code=f"{what}_beyond_{where}",
        requests=requests,
        fellows=_of(rows, "fellow"),
        groups=_of(rows, "group"),
        institutes=_of(rows, "institute"),
        tracks=_of(rows, "track"),
        pools=tuple(pools) if not floors else (),
        numbers=(*found.numbers, *bounds),
    )


def _of(rows: Iterable[Demand], kind: str) -> tuple[int, ...]:
    """Return the indices of one kind, each once."""
    return tuple(sorted({each.index for each in rows if each.kind == kind}))


Check = Callable[[Problem], Iterable[Conflict]]
LINKS: tuple[Check, ...] = (pinned_and_vetoed, precedence_cycles, predecessors_vetoed)
GUARANTEES: tuple[Check, ...] = (
    guarantees_beyond_reach,
    guarantees_beyond_own_caps,
    guarantees_after_the_end,
)
"""Looked at in this order, each kind only when the ones before left no conflict."""
