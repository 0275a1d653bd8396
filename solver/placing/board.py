"""The plan as a board: whole gang-hours of each request on pools and slots, and what they touch."""

from typing import NamedTuple

import numpy as np

from solver.kernels import kernel
from solver.plan import received
from solver.problem import MILLI, NO_CAP, NOBODY, BoolArray, IntArray, Problem, Shape, Unit

OPEN = np.iinfo(np.int64).max // 4
"""Stands for no limit in kernels."""


REQUEST, POOL, SLOT, NODE, SEAT, SPEED, FACTOR = range(7)
"""Rows of `Arms.arm`."""
GANG, LIMIT, ASK, NEED = range(4)
"""Rows of `Arms.asker`."""
TOTAL, CHARGED = range(2)
"""Rows of `Board.sums`."""


class Arms(NamedTuple):
    """Where each request may lie: an arm is one request on one pool in one slot.

    Only requests that move freely have arms (shape `FLEXIBLE`); axis a arm, m pool-slot,
    b bucket: whoever holds a cap or a floor (fellows, groups, institutes, tracks, in this order).
    Columns of one length share an array: every array in a tuple costs seconds of compilation.

    Attributes:
        arm: ``(7, a)`` request; pool; slot; node, which is pool × slots + slot; seat, the
            request's slot in `Board.seated`; thousandths of a reference hour and of the unit per
            GPU-hour.
        asker: ``(4, r)`` GPU-hours of a gang-hour; most GPU-hours in a slot; ask, thousandths: an
            arm may grow while the request has less; need, thousandths that no move may undercut.
        start: ``(r + 1,)`` arms of request r are ``start[r] … start[r + 1] − 1``.
        order, at: ``(a,)`` and ``(m + 1,)``: arms of node m are ``order[at[m]:at[m + 1]]``.
        bucket: ``(r, 4)`` index or `NOBODY`; cap: ``(b,)`` in the unit, `OPEN` without.
        slots: number of slots; awards: 1 when the unit is what is awarded, at most the ask.
    """

    arm: IntArray
    asker: IntArray
    start: IntArray
    order: IntArray
    at: IntArray
    bucket: IntArray
    cap: IntArray
    slots: int
    awards: int


class Board(NamedTuple):
    """What lies where; kernels change it in place.

    Attributes:
        hours: ``(a,)`` GPU-hours; free: ``(m,)`` GPU-hours left; seated: GPU-hours per seat.
        sums: ``(2, r)`` thousandths of reference hours, and of the unit charged.
        held: ``(b,)`` thousandths of the unit.
    """

    hours: IntArray
    free: IntArray
    seated: IntArray
    sums: IntArray
    held: IntArray

    @property
    def total(self) -> IntArray:
        """``(r,)`` thousandths of reference hours."""
        total: IntArray = self.sums[TOTAL]
        return total


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


def holdings(problem: Problem, cells: IntArray) -> IntArray:
    """Return ``(b,)`` thousandths of the unit that each bucket holds with the cells."""
    amounts = received(problem, cells)
    held = np.zeros(caps(problem).size, dtype=np.int64)
    for column in buckets(problem).T:
        member = column != NOBODY
        np.add.at(held, column[member], amounts[member])
    return held


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
    columns = (
        request,
        pool,
        slot,
        node,
        seats[request] + slot - windows[request, 0],
        problem.speed[request, pool],
        problem.factor[request, pool],
    )
    return Arms(
        arm=_own(np.stack(columns)),
        asker=_own(np.stack([problem.gang, most_hours(problem), problem.ask, need])),
        start=_own(np.concatenate([[0], np.cumsum(sizes)])),
        order=_own(order),
        at=_own(np.searchsorted(node[order], np.arange(nodes + 1))),
        bucket=_own(buckets(problem)),
        cap=_own(caps(problem)),
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
    sums = np.zeros((2, problem.requests), dtype=np.int64)
    np.add.at(sums[TOTAL], request, hours * problem.speed[request, pool])
    np.add.at(sums[CHARGED], request, hours * problem.factor[request, pool])
    seats = int(arms.arm[SEAT].max(initial=-1)) + 1
    return Board(
        hours=np.zeros(arms.arm.shape[1], dtype=np.int64),
        free=free_supply(problem, fixed).reshape(-1),
        seated=np.zeros(seats, dtype=np.int64),
        sums=sums,
        held=holdings(problem, fixed),
    )


def read_cells(arms: Arms, board: Board, fixed: IntArray) -> IntArray:
    """Return ``(n, 4)`` the cells of the arms and the fixed ones, sorted."""
    used = np.nonzero(board.hours)[0]
    columns = (*arms.arm[: SLOT + 1, used], board.hours[used])
    return in_order(np.concatenate([np.stack(columns, axis=1), fixed]))


def in_order(cells: IntArray) -> IntArray:
    """Return the cells sorted by request, pool and slot."""
    return cells[np.lexsort((cells[:, 2], cells[:, 1], cells[:, 0]))]


def added_up(rows: IntArray) -> IntArray:
    """Return rows of request, pool, slot and hours, sorted, those of one place added up."""
    rows = in_order(rows)
    if not rows.shape[0]:
        return rows
    new = np.append(True, (rows[1:, :3] != rows[:-1, :3]).any(axis=1))
    at = np.flatnonzero(new)
    hours = np.add.reduceat(rows[:, 3], at)
    return np.column_stack((rows[at, :3], hours))


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
    return int(min(charged, arms.asker[ASK, request])) if arms.awards == 1 else charged


@kernel
def room(arms: Arms, board: Board, arm: int) -> int:
    """Return how many gang-hours the arm can take now."""
    request = arms.arm[REQUEST, arm]
    missing = arms.asker[ASK, request] - board.sums[TOTAL, request]
    if missing <= 0:
        return 0
    gang = arms.asker[GANG, request]
    most = min(
        board.free[arms.arm[NODE, arm]],
        arms.asker[LIMIT, request] - board.seated[arms.arm[SEAT, arm]],
    )
    gangs = min(most // gang, -(-missing // (gang * arms.arm[SPEED, arm])))
    return int(min(gangs, cap_room(arms, board, arm)))


@kernel
def cap_room(arms: Arms, board: Board, arm: int) -> int:
    """Return how many gang-hours the caps let the arm take."""
    request = arms.arm[REQUEST, arm]
    step = arms.asker[GANG, request] * arms.arm[FACTOR, arm]
    gangs = OPEN
    for bucket in arms.bucket[request]:
        if bucket != NOBODY and arms.cap[bucket] < OPEN:
            left = arms.cap[bucket] - board.held[bucket]
            rest = arms.asker[ASK, request] - board.sums[CHARGED, request]
            if not (arms.awards == 1 and left >= rest >= 0):
                gangs = min(gangs, max(left, 0) // step)
    return gangs


@kernel
def put(arms: Arms, board: Board, arm: int, gangs: int) -> None:
    """Add gang-hours to an arm, or take them away when negative."""
    request = arms.arm[REQUEST, arm]
    hours = gangs * arms.asker[GANG, request]
    before = counted(arms, request, board.sums[CHARGED, request])
    board.hours[arm] += hours
    board.free[arms.arm[NODE, arm]] -= hours
    board.seated[arms.arm[SEAT, arm]] += hours
    board.sums[TOTAL, request] += hours * arms.arm[SPEED, arm]
    board.sums[CHARGED, request] += hours * arms.arm[FACTOR, arm]
    change = counted(arms, request, board.sums[CHARGED, request]) - before
    for bucket in arms.bucket[request]:
        if bucket != NOBODY:
            board.held[bucket] += change
