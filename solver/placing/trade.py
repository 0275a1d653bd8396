"""A trade: others give gang-hours up in a request's pools and slots, and the request takes them."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from solver.kernels import kernel
from solver.placing.board import (
    OPEN,
    added_up,
    buckets,
    caps,
    free_supply,
    holdings,
    most_hours,
)
from solver.problem import NOBODY, BoolArray, IntArray, Problem, Shape


class Givers(NamedTuple):
    """Whose hours may be taken, and how far.

    Attributes:
        cells: ``(n, 4)`` the plan; order: ``(m,)`` indices of cells that may shrink, the dearest
            last; need: ``(r,)`` thousandths of reference hours that each request keeps.
        keep: ``(b,)`` thousandths of the unit that each bucket keeps, unless the taker is in it.
    """

    cells: IntArray
    order: IntArray
    need: IntArray
    keep: IntArray


class Taker(NamedTuple):
    """Who takes: request, thousandths still wanted, pools by index, window, most hours a slot."""

    request: int
    wanted: int
    pools: IntArray
    first: int
    end: int
    limit: int


class Facts(NamedTuple):
    """What the kernel reads of the problem, and the state that it changes in place.

    Attributes:
        speed, factor: ``(r, p)``; gang, ask: ``(r,)``; bucket: ``(r, 4)``.
        cap: ``(b,)`` thousandths of the unit.
        free: ``(p, t)`` GPU-hours; seated: ``(r, t)`` GPU-hours; total: ``(r,)``; held: ``(b,)``.
    """

    speed: IntArray
    factor: IntArray
    gang: IntArray
    ask: IntArray
    bucket: IntArray
    cap: IntArray
    free: IntArray
    seated: IntArray
    total: IntArray
    held: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """A plan and what follows from its cells, worked out once for many trades.

    Attributes:
        cells: ``(n, 4)``; free: ``(p, t)`` GPU-hours left; seated: ``(r, t)`` GPU-hours of each
            request in each slot; total: ``(r,)`` thousandths of reference hours; held: ``(b,)``
            thousandths of the unit; bucket: ``(r, 4)``.
    """

    cells: IntArray
    free: IntArray
    seated: IntArray
    total: IntArray
    held: IntArray
    bucket: IntArray


def ground(problem: Problem, cells: IntArray) -> Ground:
    """Return what follows from a plan's cells."""
    bucket = buckets(problem)
    held = holdings(problem, cells)
    seated = np.zeros((problem.requests, problem.slots), dtype=np.int64)
    np.add.at(seated, (cells[:, 0], cells[:, 2]), cells[:, 3])
    total = np.zeros(problem.requests, dtype=np.int64)
    np.add.at(total, cells[:, 0], cells[:, 3] * problem.speed[cells[:, 0], cells[:, 1]])
    free = free_supply(problem, cells)
    return Ground(cells=cells, free=free, seated=seated, total=total, held=held, bucket=bucket)


def trade(  # noqa: PLR0913 - options by name
    problem: Problem,
    start: Ground,
    request: int,
    amount: int,
    *,
    order: IntArray,
    need: IntArray,
    keep: IntArray,
    pools: IntArray,
) -> IntArray | None:
    """Return a plan in which a flexible request totals at least an amount, or None.

    Hours that lie free are taken first, then the cells of `order` shrink in turn. What is given up
    and not taken goes back, and what is still left goes to whoever can use it.

    Args:
        problem: the round.
        start: the plan before.
        request: who takes; what it has already stays.
        amount: thousandths of reference hours, at most the ask.
        order: ``(m,)`` indices of cells of others that may shrink, the dearest last.
        need: ``(r,)`` thousandths of reference hours that givers keep.
        keep: ``(b,)`` thousandths of the unit that buckets keep, those of the taker excepted.
        pools: acceptable pools to use, in the order of preference.

    Returns:
        ``(n, 4)`` cells, sorted; rules of floors, caps and chains are the caller's to check.
    """
    facts = Facts(
        speed=problem.speed,
        factor=np.ascontiguousarray(problem.factor),
        gang=problem.gang,
        ask=problem.ask,
        bucket=start.bucket,
        cap=caps(problem),
        free=start.free.copy(),
        seated=start.seated.copy(),
        total=start.total.copy(),
        held=start.held.copy(),
    )
    hours = start.cells[:, 3].copy()
    taker = Taker(
        request=request,
        wanted=amount - int(start.total[request]),
        pools=pools.astype(np.int64),
        first=int(problem.first[request]),
        end=int(problem.end[request]),
        limit=int(most_hours(problem)[request]),
    )
    givers = Givers(cells=start.cells, order=order.astype(np.int64), need=need, keep=keep)
    taken = np.zeros_like(facts.free)
    if taker.wanted > 0 and exchange(facts, taker, givers, hours, taken) > 0:
        return None
    extra = _fill(problem, facts, start)
    return _joined(start.cells, hours, [_own_cells(request, taken), extra])


def _own_cells(request: int, taken: IntArray) -> IntArray:
    """Return the taken hours as cells."""
    pool, slot = np.nonzero(taken)
    columns = (np.full(pool.size, request), pool, slot, taken[pool, slot])
    return np.stack(columns, axis=1).astype(np.int64)


def _joined(cells: IntArray, hours: IntArray, more: list[IntArray]) -> IntArray:
    """Return cells with other hours and further ones, those in one place added up."""
    kept = cells.copy()
    kept[:, 3] = hours
    return added_up(np.concatenate([kept[hours > 0], *more]))


def _fill(problem: Problem, facts: Facts, start: Ground) -> IntArray:
    """Hand hours that became free to funded flexible requests of the best score."""
    opened = facts.free > start.free
    if not opened.any():
        return np.zeros((0, 4), dtype=np.int64)
    pool, slot = np.nonzero(opened)
    able: BoolArray = (problem.shape == Shape.FLEXIBLE) & (facts.total > 0) & ~problem.single_pool
    queue = np.flatnonzero(able & (facts.total < problem.ask))
    queue = queue[np.lexsort((queue, -problem.score[queue]))]
    limits = np.stack([problem.first, problem.end, most_hours(problem)], axis=1)
    rows = np.zeros((pool.size * 4, 4), dtype=np.int64)
    nodes = np.stack([pool, slot], axis=1).astype(np.int64)
    count = hand_out(facts, queue.astype(np.int64), np.ascontiguousarray(limits), nodes, rows)
    return rows[:count]


@kernel
def exchange(facts: Facts, taker: Taker, givers: Givers, hours: IntArray, taken: IntArray) -> int:
    """Move hours from givers to the taker; return the thousandths still wanted.

    Args:
        facts: its state is changed.
        taker: who takes.
        givers: who may give.
        hours: ``(n,)`` hours of the cells, changed.
        taken: ``(p, t)`` what the taker takes, filled in.
    """
    wanted = taker.wanted
    for pool in taker.pools:
        for slot in range(taker.first, taker.end):
            wanted = take(facts, taker, pool, slot, wanted, taken)
    lost = np.zeros(hours.shape[0], dtype=np.int64)
    for at in givers.order:
        if wanted <= 0:
            break
        pool, slot = givers.cells[at, 1], givers.cells[at, 2]
        if slot < taker.first or slot >= taker.end or not (taker.pools == pool).any():
            continue
        given = spare(facts, taker, givers, hours, at, wanted)
        if given > 0:
            give(facts, givers.cells[at, 0], pool, slot, given)
            hours[at] -= given
            lost[at] = given
            wanted = take(facts, taker, pool, slot, wanted, taken)
    for at in givers.order[::-1]:
        gang = facts.gang[givers.cells[at, 0]]
        back = min(lost[at], facts.free[givers.cells[at, 1], givers.cells[at, 2]] // gang * gang)
        if back > 0:
            give(facts, givers.cells[at, 0], givers.cells[at, 1], givers.cells[at, 2], -back)
            hours[at] += back
    if wanted <= 0:
        more_of_the_freed(facts, taker, givers, lost, taken)
    return int(wanted)


@kernel
def more_of_the_freed(
    facts: Facts, taker: Taker, givers: Givers, lost: IntArray, taken: IntArray
) -> None:
    """Let the taker have what givers freed beyond its wish, up to its ask: gangs differ in size."""
    for at in givers.order:
        if lost[at] > 0:
            missing = facts.ask[taker.request] - facts.total[taker.request]
            take(facts, taker, givers.cells[at, 1], givers.cells[at, 2], missing, taken)


@kernel
def take(  # noqa: PLR0913, PLR0917 - kernels take arrays and numbers
    facts: Facts, taker: Taker, pool: int, slot: int, wanted: int, taken: IntArray
) -> int:
    """Let the taker have what is free in a pool and slot; return what it still wants."""
    request = taker.request
    gang, speed = facts.gang[request], facts.speed[request, pool]
    if wanted <= 0 or speed <= 0:
        return wanted
    room = min(facts.free[pool, slot], taker.limit - facts.seated[request, slot]) // gang
    gangs = min(room, -(-wanted // (gang * speed)))
    gangs = min(gangs, under_caps(facts, request, pool))
    if gangs <= 0:
        return wanted
    taken[pool, slot] += gangs * gang
    give(facts, request, pool, slot, -gangs * gang)
    return int(wanted - gangs * gang * speed)


@kernel
def under_caps(facts: Facts, request: int, pool: int) -> int:
    """Return how many gang-hours on a pool the caps leave to a request."""
    gangs = OPEN
    step = facts.gang[request] * facts.factor[request, pool]
    for bucket in facts.bucket[request]:
        if bucket != NOBODY and facts.cap[bucket] < OPEN:
            gangs = min(gangs, max(facts.cap[bucket] - facts.held[bucket], 0) // step)
    return int(gangs)


@kernel
def spare(  # noqa: PLR0913, PLR0917 - the same
    facts: Facts, taker: Taker, givers: Givers, hours: IntArray, at: int, wanted: int
) -> int:
    """Return how many hours a cell gives: no more than the taker can use, gangs kept whole."""
    giver, pool, slot = givers.cells[at, 0], givers.cells[at, 1], givers.cells[at, 2]
    gang, speed = facts.gang[taker.request], facts.speed[taker.request, pool]
    if giver == taker.request or speed <= 0:
        return 0
    usable = min(
        -(-wanted // (gang * speed)), (taker.limit - facts.seated[taker.request, slot]) // gang
    )
    lacking = usable * gang - facts.free[pool, slot]
    step = facts.gang[giver]
    most = hours[at] // step
    most = min(most, (facts.total[giver] - givers.need[giver]) // (facts.speed[giver, pool] * step))
    for column in range(facts.bucket.shape[1]):
        bucket = facts.bucket[giver, column]
        if bucket != NOBODY and facts.bucket[taker.request, column] != bucket:
            left = facts.held[bucket] - givers.keep[bucket]
            most = min(most, left // (facts.factor[giver, pool] * step))
    return int(max(min(most, -(-lacking // step)), 0) * step)


@kernel
def give(facts: Facts, giver: int, pool: int, slot: int, given: int) -> None:
    """Take hours from a request; a negative number hands them out."""
    facts.free[pool, slot] += given
    facts.seated[giver, slot] -= given
    facts.total[giver] -= given * facts.speed[giver, pool]
    for bucket in facts.bucket[giver]:
        if bucket != NOBODY:
            facts.held[bucket] -= given * facts.factor[giver, pool]


@kernel
def hand_out(
    facts: Facts, queue: IntArray, limits: IntArray, nodes: IntArray, rows: IntArray
) -> int:
    """Give free hours of some pools and slots to a queue of requests; return the rows filled.

    Args:
        facts: its state is changed.
        queue: requests in the order of preference.
        limits: ``(r, 3)`` first slot, end, most hours a slot.
        nodes: ``(m, 2)`` pool and slot.
        rows: ``(n, 4)`` request, pool, slot, GPU-hours, filled in.
    """
    count = 0
    for node in range(nodes.shape[0]):
        pool, slot = nodes[node, 0], nodes[node, 1]
        for request in queue:
            gang, speed = facts.gang[request], facts.speed[request, pool]
            missing = facts.ask[request] - facts.total[request]
            inside = limits[request, 0] <= slot < limits[request, 1]
            if not inside or speed <= 0 or missing <= 0 or count == rows.shape[0]:
                continue
            room = min(facts.free[pool, slot], limits[request, 2] - facts.seated[request, slot])
            gangs = min(room // gang, -(-missing // (gang * speed)))
            gangs = min(gangs, under_caps(facts, request, pool))
            if gangs > 0:
                rows[count, 0], rows[count, 1] = request, pool
                rows[count, 2], rows[count, 3] = slot, gangs * gang
                give(facts, request, pool, slot, -gangs * gang)
                count += 1
    return count
