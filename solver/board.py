"""The plan as a board: whole gang-hours of each request on pools and slots, and what they touch."""

from typing import NamedTuple

import numpy as np

from solver.kernels import kernel
from solver.plan import received
from solver.problem import MILLI, NO_CAP, NOBODY, BoolArray, IntArray, Problem, Shape, Unit

OPEN = np.iinfo(np.int64).max // 4
"""Stands for no limit in kernels."""


class Arms(NamedTuple):
    """Where each request may lie: an arm is one request on one pool in one slot.

    Only requests that move freely have arms (shape `FLEXIBLE`); axis a arm, m pool-slot,
    b bucket: whoever holds a cap or a floor (fellows, groups, institutes, tracks, in this order).

    Attributes:
        request, pool, slot, node: ``(a,)``; node is pool × slots + slot.
        seat: ``(a,)`` index of the request's slot in `Board.seated`.
        speed, factor: ``(a,)`` thousandths of a reference hour, of the unit, per GPU-hour.
        start: ``(r + 1,)`` arms of request r are ``start[r] … start[r + 1] − 1``.
        order, at: ``(a,)`` and ``(m + 1,)``: arms of node m are ``order[at[m]:at[m + 1]]``.
        gang: ``(r,)`` GPU-hours of a gang-hour; limit: ``(r,)`` most GPU-hours in a slot.
        ask: ``(r,)`` thousandths; an arm may grow while the request has less.
        need: ``(r,)`` thousandths that no move may undercut.
        bucket: ``(r, 4)`` index or `NOBODY`; cap: ``(b,)`` in the unit, `OPEN` without.
        first_group: index of the first group among the buckets.
        slots: number of slots; awards: 1 when the unit is what is awarded, at most the ask.
    """

    request: IntArray
    pool: IntArray
    slot: IntArray
    node: IntArray
    seat: IntArray
    speed: IntArray
    factor: IntArray
    start: IntArray
    order: IntArray
    at: IntArray
    gang: IntArray
    limit: IntArray
    ask: IntArray
    need: IntArray
    bucket: IntArray
    cap: IntArray
    first_group: int
    slots: int
    awards: int


class Board(NamedTuple):
    """What lies where; kernels change it in place.

    Attributes:
        hours: ``(a,)`` GPU-hours; free: ``(m,)`` GPU-hours left; seated: GPU-hours per seat.
        total: ``(r,)`` thousandths of reference hours; charged: ``(r,)`` of the unit.
        held: ``(b,)`` thousandths of the unit.
    """

    hours: IntArray
    free: IntArray
    seated: IntArray
    total: IntArray
    charged: IntArray
    held: IntArray


def free_supply(problem: Problem, cells: IntArray) -> IntArray:
    """Return ``(p, t)`` whole GPU-hours that the cells leave."""
    free = problem.supply // MILLI
    np.subtract.at(free, (cells[:, 1], cells[:, 2]), cells[:, 3])
    return free


def most_hours(problem: Problem) -> IntArray:
    """Return ``(r,)`` most GPU-hours in a slot over all pools."""
    return problem.max_gpus * problem.slot_hours // MILLI


def caps(problem: Problem) -> IntArray:
    """Return ``(b,)`` caps of fellows, groups, institutes and tracks, `OPEN` without."""
    joined = np.concatenate(
        [problem.fellow_cap, problem.group_cap, problem.institute_cap, problem.track_cap]
    )
    return np.where(joined == NO_CAP, OPEN, joined).astype(np.int64)


def floors(problem: Problem) -> IntArray:
    """Return ``(b,)`` floors of the same; fellows have none."""
    parts = (problem.group_floor, problem.institute_floor, problem.track_floor)
    return np.concatenate([np.zeros(problem.fellows, dtype=np.int64), *parts]).astype(np.int64)


def buckets(problem: Problem) -> IntArray:
    """Return ``(r, 4)`` the bucket of each request's fellow, group, institute and track."""
    institute = problem.fellow_institute[problem.fellow]
    before_institutes = problem.fellows + problem.groups
    before_tracks = before_institutes + problem.institute_cap.shape[0]
    columns = [
        problem.fellow,
        problem.group + problem.fellows,
        np.where(institute == NOBODY, NOBODY, institute + before_institutes),
        np.where(problem.track == NOBODY, NOBODY, problem.track + before_tracks),
    ]
    return np.stack(columns, axis=1).astype(np.int64)


def loose(problem: Problem) -> BoolArray:
    """Return ``(r,)`` requests that lie anywhere in their window, slot by slot."""
    return np.asarray(problem.shape == Shape.FLEXIBLE)


def lay_arms(
    problem: Problem, movable: BoolArray, need: IntArray, windows: IntArray, pools: BoolArray
) -> Arms:
    """Lay out the arms.

    Args:
        problem: the round.
        movable: ``(r,)`` requests that get arms.
        need: ``(r,)`` thousandths that moves must keep.
        windows: ``(r, 2)`` first slot and end, inside the requests' own windows.
        pools: ``(r, p)`` pools to use, among the acceptable ones.
    """
    lengths = np.where(movable, windows[:, 1] - windows[:, 0], 0)
    usable = pools & (problem.speed > 0)
    sizes = lengths * usable.sum(axis=1)
    owner, pool = np.nonzero(usable)
    request = np.repeat(owner, lengths[owner])
    pool = np.repeat(pool, lengths[owner])
    slot = _within(lengths[owner]) + windows[request, 0]
    node = pool * problem.slots + slot
    seats = np.concatenate([[0], np.cumsum(lengths)])[:-1]
    order = np.argsort(node, kind="stable")
    nodes = problem.pools * problem.slots
    return Arms(
        request=_own(request),
        pool=_own(pool),
        slot=_own(slot),
        node=_own(node),
        seat=_own(seats[request] + slot - windows[request, 0]),
        speed=_own(problem.speed[request, pool]),
        factor=_own(problem.factor[request, pool]),
        start=_own(np.concatenate([[0], np.cumsum(sizes)])),
        order=_own(order),
        at=_own(np.searchsorted(node[order], np.arange(nodes + 1))),
        gang=_own(problem.gang),
        limit=_own(most_hours(problem)),
        ask=_own(problem.ask),
        need=_own(need),
        bucket=_own(buckets(problem)),
        cap=_own(caps(problem)),
        first_group=problem.fellows,
        slots=problem.slots,
        awards=int(problem.rules.unit is Unit.REFERENCE_HOURS),
    )


def set_up(problem: Problem, arms: Arms, fixed: IntArray) -> Board:
    """Return a board with nothing on the arms and the fixed cells counted.

    Args:
        problem: the round.
        arms: where the rest may lie.
        fixed: ``(n, 4)`` cells of requests that have no arms.
    """
    request, pool, hours = fixed[:, 0], fixed[:, 1], fixed[:, 3]
    total = np.zeros(problem.requests, dtype=np.int64)
    charged = np.zeros(problem.requests, dtype=np.int64)
    np.add.at(total, request, hours * problem.speed[request, pool])
    np.add.at(charged, request, hours * problem.factor[request, pool])
    amounts = received(problem, fixed)
    held = np.zeros(arms.cap.shape[0], dtype=np.int64)
    for column in arms.bucket.T:
        member = column != NOBODY
        np.add.at(held, column[member], amounts[member])
    seats = int(arms.seat.max(initial=-1)) + 1
    return Board(
        hours=np.zeros(arms.request.shape[0], dtype=np.int64),
        free=free_supply(problem, fixed).reshape(-1),
        seated=np.zeros(seats, dtype=np.int64),
        total=total,
        charged=charged,
        held=held,
    )


def read_cells(arms: Arms, board: Board, fixed: IntArray) -> IntArray:
    """Return ``(n, 4)`` the cells of the arms and the fixed ones, sorted."""
    used = np.nonzero(board.hours)[0]
    columns = (arms.request[used], arms.pool[used], arms.slot[used], board.hours[used])
    return in_order(np.concatenate([np.stack(columns, axis=1), fixed]))


def in_order(cells: IntArray) -> IntArray:
    """Return the cells sorted by request, pool and slot."""
    return cells[np.lexsort((cells[:, 2], cells[:, 1], cells[:, 0]))]


def _within(lengths: IntArray) -> IntArray:
    """Return 0 … length − 1 for each length, one after another."""
    starts = np.cumsum(lengths) - lengths
    return np.arange(int(lengths.sum()), dtype=np.int64) - np.repeat(starts, lengths)


def _own(values: IntArray) -> IntArray:
    """Return a contiguous writable copy, the one array type that kernels are compiled for."""
    return np.array(values, dtype=np.int64, order="C")


@kernel
def counted(arms: Arms, request: int, charged: int) -> int:
    """Return what counts of a charge: at most the ask when awards are counted."""
    return int(min(charged, arms.ask[request])) if arms.awards == 1 else charged


@kernel
def room(arms: Arms, board: Board, arm: int) -> int:
    """Return how many gang-hours the arm can take now."""
    request = arms.request[arm]
    missing = arms.ask[request] - board.total[request]
    if missing <= 0:
        return 0
    gang = arms.gang[request]
    most = min(board.free[arms.node[arm]], arms.limit[request] - board.seated[arms.seat[arm]])
    gangs = min(most // gang, -(-missing // (gang * arms.speed[arm])))
    return int(min(gangs, cap_room(arms, board, arm)))


@kernel
def cap_room(arms: Arms, board: Board, arm: int) -> int:
    """Return how many gang-hours the caps let the arm take."""
    request = arms.request[arm]
    step = arms.gang[request] * arms.factor[arm]
    gangs = OPEN
    for bucket in arms.bucket[request]:
        if bucket != NOBODY and arms.cap[bucket] < OPEN:
            left = arms.cap[bucket] - board.held[bucket]
            rest = arms.ask[request] - board.charged[request]
            if not (arms.awards == 1 and left >= rest >= 0):
                gangs = min(gangs, max(left, 0) // step)
    return gangs


@kernel
def put(arms: Arms, board: Board, arm: int, gangs: int) -> None:
    """Add gang-hours to an arm, or take them away when negative."""
    request = arms.request[arm]
    hours = gangs * arms.gang[request]
    before = counted(arms, request, board.charged[request])
    board.hours[arm] += hours
    board.free[arms.node[arm]] -= hours
    board.seated[arms.seat[arm]] += hours
    board.total[request] += hours * arms.speed[arm]
    board.charged[request] += hours * arms.factor[arm]
    change = counted(arms, request, board.charged[request]) - before
    for bucket in arms.bucket[request]:
        if bucket != NOBODY:
            board.held[bucket] += change
