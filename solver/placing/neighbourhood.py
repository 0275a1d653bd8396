"""Moves on the board: add, shift and swap gang-hours between requests, pools and slots."""

from typing import NamedTuple

import numpy as np

from solver.kernels import kernel
from solver.placing.board import (
    ASK,
    CHARGED,
    FACTOR,
    GANG,
    LIMIT,
    NEED,
    NODE,
    OPEN,
    POOL,
    REQUEST,
    SEAT,
    SLOT,
    SPEED,
    TOTAL,
    Arms,
    Board,
    cap_room,
    counted,
    put,
    room,
)
from solver.problem import MILLI, NOBODY, IntArray

LABEL, LEAVES, ENTERS, VIA, DONE = range(5)
"""Rows of `Search.trail`."""
WANT, STAY = range(2)
"""Rows of `Search.marks`."""


class Search(NamedTuple):
    """What a search for room obeys, and its scratch space.

    A chain of shifts frees one gang-hour for a request: the request enters an arm's pool-slot,
    someone there shifts to another pool-slot, and so on until one has room (or, when cutting,
    until someone gives up gang-hours). The chain with the least inflow is found as a shortest
    path over pool-slots.

    Attributes:
        arms: where requests may lie; board: what lies where, changed in place.
        marks: ``(2, a)`` thousandths of GPU-hours that the fluid division lays on each arm;
            GPU-hours that shifts and cuts leave where they are.
        keep: ``(b,)`` amounts of the unit that shifts and cuts must leave.
        merit: ``(r,)`` value of a thousandth of a reference hour.
        trail: ``(5, m)`` GPU-hours that want to come in; arms that the shift into a pool-slot
            leaves and enters; the pool-slot it comes from; whether the label is final.
        work: ``(2,)`` arms looked at so far, and the limit.
    """

    arms: Arms
    board: Board
    marks: IntArray
    keep: IntArray
    merit: IntArray
    trail: IntArray
    work: IntArray


def open_search(
    arms: Arms, board: Board, want: IntArray, merit: IntArray, work_limit: int
) -> Search:
    """Return a search over the board's pool-slots."""
    return Search(
        arms=arms,
        board=board,
        marks=np.stack([want, np.zeros_like(want)]),
        keep=np.zeros_like(arms.cap),
        merit=np.array(merit, dtype=np.int64),
        trail=np.zeros((5, arms.at.shape[0] - 1), dtype=np.int64),
        work=np.array([0, work_limit], dtype=np.int64),
    )


@kernel
def best_arm(search: Search, request: int) -> int:
    """Return the arm to add to: most of the fluid division missing, then most room; or `NOBODY`."""
    arms, board = search.arms, search.board
    best, best_want, best_free = NOBODY, np.int64(-1), np.int64(-1)
    search.work[0] += arms.start[request + 1] - arms.start[request]
    for arm in range(arms.start[request], arms.start[request + 1]):
        if room(arms, board, arm) > 0:
            want = max(search.marks[WANT, arm] - board.hours[arm] * MILLI, 0)
            free = board.free[arms.arm[NODE, arm]]
            if want > best_want or (want == best_want and free > best_free):
                best, best_want, best_free = arm, want, free
    return best


@kernel
def lay(search: Search, laid: IntArray, goals: IntArray) -> None:
    """Lay whole gang-hours of a division on the arms, none past the requests' goals.

    Args:
        search: its board is changed.
        laid: ``(a,)`` thousandths of GPU-hours; what lies there already counts.
        goals: ``(r,)`` thousandths of reference hours.
    """
    arms, board = search.arms, search.board
    for arm in range(arms.arm.shape[1]):
        request = arms.arm[REQUEST, arm]
        gang = arms.asker[GANG, request]
        missing = -(-(goals[request] - board.sums[TOTAL, request]) // (gang * arms.arm[SPEED, arm]))
        gangs = min((laid[arm] - board.hours[arm] * MILLI) // (gang * MILLI), missing)
        gangs = min(gangs, room(arms, board, arm))
        if gangs > 0:
            put(arms, board, arm, gangs)


@kernel
def clear(search: Search, request: int) -> None:
    """Take everything from a request."""
    arms, board = search.arms, search.board
    for arm in range(arms.start[request], arms.start[request + 1]):
        put(arms, board, arm, -(board.hours[arm] // arms.asker[GANG, request]))


@kernel
def grow(search: Search, request: int, goal: int) -> bool:
    """Add gang-hours where there is room until the request totals the goal; say whether it does."""
    arms, board = search.arms, search.board
    while board.sums[TOTAL, request] < goal:
        arm = best_arm(search, request)
        if arm == NOBODY:
            return False
        gang = arms.asker[GANG, request]
        want = (search.marks[WANT, arm] - board.hours[arm] * MILLI) // (gang * MILLI)
        missing = -(-(goal - board.sums[TOTAL, request]) // (gang * arms.arm[SPEED, arm]))
        gangs = min(room(arms, board, arm), missing)
        put(arms, board, arm, min(gangs, want) if want > 0 else gangs)
    return True


@kernel
def can_shift(search: Search, leaves: int, enters: int, gangs: int) -> bool:
    """Return whether a request's gang-hours may go from one arm to another, supply aside.

    No award shrinks, caps and what has to be kept hold; the request is below its ask before the
    last gang-hour lands, so that it stays within one gang-hour of it.
    """
    arms, board = search.arms, search.board
    request = arms.arm[REQUEST, leaves]
    hours = gangs * arms.asker[GANG, request]
    if arms.arm[SLOT, leaves] != arms.arm[SLOT, enters]:
        seated = board.seated[arms.arm[SEAT, enters]]
        if seated + hours > arms.asker[LIMIT, request]:
            return False
    if arms.arm[POOL, leaves] == arms.arm[POOL, enters]:
        return True
    without = board.sums[TOTAL, request] - hours * arms.arm[SPEED, leaves]
    after = without + hours * arms.arm[SPEED, enters]
    if after < min(board.sums[TOTAL, request], arms.asker[ASK, request]):
        return False
    if after - arms.asker[GANG, request] * arms.arm[SPEED, enters] >= arms.asker[ASK, request]:
        return False
    return may_change(
        search, request, hours * (arms.arm[FACTOR, enters] - arms.arm[FACTOR, leaves])
    )


@kernel
def may_change(search: Search, request: int, charge: int) -> bool:
    """Return whether caps and what has to be kept allow a change of a request's charge."""
    arms, board = search.arms, search.board
    now = board.sums[CHARGED, request]
    change = counted(arms, request, now + charge) - counted(arms, request, now)
    for bucket in arms.bucket[request]:
        if bucket != NOBODY:
            held = board.held[bucket] + change
            if change > 0 and held > arms.cap[bucket]:
                return False
            if change < 0 and held < search.keep[bucket]:
                return False
    return True


@kernel
def cheapest_cut(search: Search, request: int, node: int, short: int) -> int:
    """Return the arm at a pool-slot that gives up at least `short` GPU-hours at least loss.

    Nobody is cut below the need or makes a bucket fall below what has to be kept; a bucket that
    the request shares is credited with the gang-hour it is about to get. `NOBODY` when none may.
    """
    arms, board = search.arms, search.board
    best, cheapest = NOBODY, OPEN
    for index in range(arms.at[node], arms.at[node + 1]):
        arm = arms.order[index]
        other = arms.arm[REQUEST, arm]
        gangs = -(-short // arms.asker[GANG, other])
        hours = gangs * arms.asker[GANG, other]
        if other != request and hours <= board.hours[arm] - search.marks[STAY, arm]:
            lost = hours * arms.arm[SPEED, arm]
            loss = min(lost, max(arms.asker[ASK, other] - board.sums[TOTAL, other] + lost, 0))
            loss = loss * search.merit[other]
            kept = board.sums[TOTAL, other] - lost >= arms.asker[NEED, other]
            if kept and loss < cheapest and may_cut(search, request, arm, gangs):
                best, cheapest = arm, loss
    return best


@kernel
def may_cut(search: Search, request: int, arm: int, gangs: int) -> bool:
    """Return whether every bucket of the arm's request keeps enough when it is cut."""
    arms, board = search.arms, search.board
    other = arms.arm[REQUEST, arm]
    hours = gangs * arms.asker[GANG, other]
    now = board.sums[CHARGED, other]
    change = counted(arms, other, now - hours * arms.arm[FACTOR, arm]) - counted(arms, other, now)
    credit = arms.asker[GANG, request] * least(arms, FACTOR, request)
    for column in range(arms.bucket.shape[1]):
        bucket = arms.bucket[other, column]
        if bucket != NOBODY:
            held = board.held[bucket] + change
            if arms.bucket[request, column] == bucket:
                held += credit
            if held < search.keep[bucket]:
                return False
    return True


@kernel
def open_doors(search: Search, request: int) -> None:
    """Label the pool-slots that the request may enter itself."""
    arms, board = search.arms, search.board
    search.trail[LABEL] = OPEN
    search.trail[DONE] = 0
    gang = arms.asker[GANG, request]
    for arm in range(arms.start[request], arms.start[request + 1]):
        seated = board.seated[arms.arm[SEAT, arm]]
        if seated + gang <= arms.asker[LIMIT, request] and cap_room(arms, board, arm) > 0:
            node = arms.arm[NODE, arm]
            search.trail[LABEL, node] = gang
            search.trail[LEAVES, node] = NOBODY
            search.trail[ENTERS, node] = arm
            search.trail[VIA, node] = NOBODY


@kernel
def nearest(search: Search) -> int:
    """Return the pool-slot with the smallest label that is not final, or `NOBODY`."""
    best, least = NOBODY, OPEN
    for node in range(search.trail.shape[1]):
        if search.trail[DONE, node] == 0 and search.trail[LABEL, node] < least:
            best, least = node, search.trail[LABEL, node]
    return best


@kernel
def reach_on(search: Search, node: int, short: int) -> None:
    """Label the pool-slots where someone at this one can shift at least `short` GPU-hours to."""
    arms, board = search.arms, search.board
    for index in range(arms.at[node], arms.at[node + 1]):
        leaves = arms.order[index]
        other = arms.arm[REQUEST, leaves]
        gangs = -(-short // arms.asker[GANG, other])
        hours = gangs * arms.asker[GANG, other]
        if hours <= board.hours[leaves] - search.marks[STAY, leaves]:
            search.work[0] += arms.start[other + 1] - arms.start[other]
            for enters in range(arms.start[other], arms.start[other + 1]):
                target = arms.arm[NODE, enters]
                closer = search.trail[DONE, target] == 0 and hours < search.trail[LABEL, target]
                if closer and can_shift(search, leaves, enters, gangs):
                    search.trail[LABEL, target] = hours
                    search.trail[LEAVES, target] = leaves
                    search.trail[ENTERS, target] = enters
                    search.trail[VIA, target] = node


@kernel
def make_way(search: Search, request: int, gain: int) -> bool:
    """Add one gang-hour to a request by a chain of shifts; say whether it came about.

    Args:
        search: its board is changed, or left as it was.
        request: index; its total must be below its ask.
        gain: with a positive gain someone may be cut at the end of the chain, at a loss of value
            below it; 0: nobody is cut.
    """
    arms, board = search.arms, search.board
    if search.work[0] > search.work[1] or board.sums[TOTAL, request] >= arms.asker[ASK, request]:
        return False
    open_doors(search, request)
    while True:
        node = nearest(search)
        if node == NOBODY:
            return False
        search.trail[DONE, node] = 1
        short = search.trail[LABEL, node] - board.free[node]
        if short <= 0:
            return follow(search, node)
        if gain > 0:
            arm = cheapest_cut(search, request, node, short)
            if arm != NOBODY and cut_for(search, node, arm, short, gain):
                return True
        reach_on(search, node, short)


@kernel
def cut_for(search: Search, node: int, arm: int, short: int, gain: int) -> bool:
    """Cut an arm and follow the chain; undo the cut when the loss or the chain forbids it."""
    arms, board = search.arms, search.board
    other = arms.arm[REQUEST, arm]
    gangs = -(-short // arms.asker[GANG, other])
    before = min(board.sums[TOTAL, other], arms.asker[ASK, other])
    put(arms, board, arm, -gangs)
    loss = (before - min(board.sums[TOTAL, other], arms.asker[ASK, other])) * search.merit[other]
    if loss < gain and follow(search, node):
        return True
    put(arms, board, arm, gangs)
    return False


@kernel
def follow(search: Search, last: int) -> bool:
    """Carry out a chain from its last pool-slot to its first; undo it if a step does not hold."""
    arms, board = search.arms, search.board
    node = last
    while search.trail[VIA, node] != NOBODY:
        gangs = (
            search.trail[LABEL, node]
            // arms.asker[GANG, arms.arm[REQUEST, search.trail[ENTERS, node]]]
        )
        if not shift(search, search.trail[LEAVES, node], search.trail[ENTERS, node], gangs):
            unwind(search, last, node)
            return False
        node = search.trail[VIA, node]
    if room(arms, board, search.trail[ENTERS, node]) > 0:
        put(arms, board, search.trail[ENTERS, node], 1)
        return True
    unwind(search, last, node)
    return False


@kernel
def shift(search: Search, leaves: int, enters: int, gangs: int) -> bool:
    """Move gang-hours from one arm to another of the same request if every rule allows it."""
    arms, board = search.arms, search.board
    hours = gangs * arms.asker[GANG, arms.arm[REQUEST, leaves]]
    spare = board.hours[leaves] - search.marks[STAY, leaves]
    if hours > spare or hours > board.free[arms.arm[NODE, enters]]:
        return False
    if not can_shift(search, leaves, enters, gangs):
        return False
    put(arms, board, leaves, -gangs)
    put(arms, board, enters, gangs)
    return True


@kernel
def unwind(search: Search, last: int, end: int) -> None:
    """Take back the shifts of a chain from its last pool-slot up to, not including, another."""
    arms, board = search.arms, search.board
    node = last
    while node != end:
        enters = search.trail[ENTERS, node]
        gangs = search.trail[LABEL, node] // arms.asker[GANG, arms.arm[REQUEST, enters]]
        put(arms, board, enters, -gangs)
        put(arms, board, search.trail[LEAVES, node], gangs)
        node = search.trail[VIA, node]


@kernel
def add_one(search: Search, request: int, gain: int) -> bool:
    """Add one gang-hour: where there is room, else by shifts, else by a cut of less value."""
    arms, board = search.arms, search.board
    if board.sums[TOTAL, request] >= arms.asker[ASK, request]:
        return False
    arm = best_arm(search, request)
    if arm != NOBODY:
        put(arms, board, arm, 1)
        return True
    if make_way(search, request, 0):
        return True
    return gain > 0 and make_way(search, request, gain)


@kernel
def worth_of_one(search: Search, request: int) -> int:
    """Return the least value that one more gang-hour adds to a request's award."""
    arms = search.arms
    hour = arms.asker[GANG, request] * least(arms, SPEED, request)
    missing = arms.asker[ASK, request] - search.board.sums[TOTAL, request]
    return int(min(hour, missing) * search.merit[request])


@kernel
def least(arms: Arms, row: int, request: int) -> int:
    """Return the least value of a row of `Arms.arm` over a request's arms, 0 without arms."""
    found = OPEN
    for arm in range(arms.start[request], arms.start[request + 1]):
        found = min(found, arms.arm[row, arm])
    return int(found) if found < OPEN else 0


def bring_up(search: Search, queue: IntArray, goals: IntArray, gain: int) -> int:
    """Bring requests of a queue, in turn, to their goals; return how many stay below.

    Args:
        search: its board is changed.
        queue: request indices.
        goals: ``(r,)`` thousandths of reference hours.
        gain: as in `make_way`; `NOBODY` stands for the request's own value of a gang-hour.
    """
    arms = search.arms
    below = 0
    for request in queue.tolist():
        goal = int(min(goals[request], arms.asker[ASK, request]))
        while not grow(search, request, goal):
            worth = worth_of_one(search, request) if gain == NOBODY else gain
            if not add_one(search, request, worth):
                below += 1
                break
    return below


def lift_bucket(search: Search, queue: IntArray, bucket: int, goal: int) -> bool:
    """Add gang-hours to requests of a bucket, in turn, until it holds the goal."""
    held = search.board.held
    for request in queue.tolist():
        while held[bucket] < goal and add_one(search, request, OPEN):
            pass
    return bool(held[bucket] >= goal)


def lift_groups(search: Search, queue: IntArray, target: IntArray, *, at_cost: bool = True) -> None:
    """Add gang-hours, each to the group that lacks the largest share of its target.

    Inside a group the fellow who lacks an entitlement comes first, then the order of the queue.
    A request that cannot be helped once is left alone from then on.

    Args:
        search: its board is changed; it has to keep the targets, so that nobody who lacks
            something is cut for another.
        queue: request indices.
        target: ``(b,)`` what groups and fellows are wanted to hold.
        at_cost: whether others are moved and cut for it; else only what lies free is used.
    """
    arms, board = search.arms, search.board
    fellow, group = arms.bucket[queue, 0], arms.bucket[queue, 1]
    goal = np.maximum(target, 1)
    waiting = np.ones(queue.shape[0], dtype=np.bool_)
    while True:
        lack = (target - board.held) / goal
        helped = waiting & (lack[group] > 0) & (board.total[queue] < arms.asker[ASK, queue])
        if not helped.any():
            return
        worst = helped & (lack[group] == lack[group[helped]].max())
        needy = worst & (lack[fellow] > 0)
        best = int(np.argmax(needy if needy.any() else worst))
        request = int(queue[best])
        if at_cost:
            waiting[best] = add_one(search, request, OPEN)
        else:
            waiting[best] = grow(search, request, int(board.total[request]) + 1)
