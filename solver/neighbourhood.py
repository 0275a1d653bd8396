"""Moves on the board: add, shift and swap gang-hours between requests, pools and slots."""

from typing import NamedTuple

import numpy as np

from solver.board import OPEN, Arms, Board, cap_room, counted, put, room
from solver.kernels import kernel
from solver.problem import MILLI, NOBODY, IntArray


class Search(NamedTuple):
    """What a search for room obeys, and its scratch space.

    A chain of shifts frees one gang-hour for a request: the request enters an arm's pool-slot,
    someone there shifts to another pool-slot, and so on until one has room (or, when cutting,
    until someone gives up gang-hours). The chain with the least inflow is found as a shortest
    path over pool-slots.

    Attributes:
        arms: where requests may lie; board: what lies where, changed in place.
        want: ``(a,)`` thousandths of GPU-hours that the fluid division lays on each arm.
        stay: ``(a,)`` GPU-hours that shifts and cuts leave where they are.
        keep: ``(b,)`` amounts of the unit that shifts and cuts must leave.
        merit: ``(r,)`` value of a thousandth of a reference hour.
        label: ``(m,)`` GPU-hours that want to come in; leaves, enters: arms of the shift into a
            pool-slot; via: the pool-slot it comes from; done: whether its label is final.
        work: ``(2,)`` arms looked at so far, and the limit.
    """

    arms: Arms
    board: Board
    want: IntArray
    stay: IntArray
    keep: IntArray
    merit: IntArray
    label: IntArray
    leaves: IntArray
    enters: IntArray
    via: IntArray
    done: IntArray
    work: IntArray


def open_search(
    arms: Arms, board: Board, want: IntArray, merit: IntArray, work_limit: int
) -> Search:
    """Return a search over the board's pool-slots."""
    nodes = arms.at.shape[0] - 1
    scratch = [np.zeros(nodes, dtype=np.int64) for _ in range(5)]
    label, leaves, enters, via, done = scratch
    return Search(
        arms=arms,
        board=board,
        want=want,
        stay=np.zeros_like(want),
        keep=np.zeros_like(arms.cap),
        merit=np.array(merit, dtype=np.int64),
        label=label,
        leaves=leaves,
        enters=enters,
        via=via,
        done=done,
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
            want = max(search.want[arm] - board.hours[arm] * MILLI, 0)
            free = board.free[arms.node[arm]]
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
    for arm in range(arms.request.shape[0]):
        request = arms.request[arm]
        gang = arms.gang[request]
        missing = -(-(goals[request] - board.total[request]) // (gang * arms.speed[arm]))
        gangs = min((laid[arm] - board.hours[arm] * MILLI) // (gang * MILLI), missing)
        gangs = min(gangs, room(arms, board, arm))
        if gangs > 0:
            put(arms, board, arm, gangs)


@kernel
def clear(search: Search, request: int) -> None:
    """Take everything from a request."""
    arms, board = search.arms, search.board
    for arm in range(arms.start[request], arms.start[request + 1]):
        put(arms, board, arm, -(board.hours[arm] // arms.gang[request]))


@kernel
def grow(search: Search, request: int, goal: int) -> bool:
    """Add gang-hours where there is room until the request totals the goal; say whether it does."""
    arms, board = search.arms, search.board
    while board.total[request] < goal:
        arm = best_arm(search, request)
        if arm == NOBODY:
            return False
        gang = arms.gang[request]
        want = (search.want[arm] - board.hours[arm] * MILLI) // (gang * MILLI)
        missing = -(-(goal - board.total[request]) // (gang * arms.speed[arm]))
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
    request = arms.request[leaves]
    hours = gangs * arms.gang[request]
    if arms.slot[leaves] != arms.slot[enters]:
        seated = board.seated[arms.seat[enters]]
        if seated + hours > arms.limit[request]:
            return False
    if arms.pool[leaves] == arms.pool[enters]:
        return True
    without = board.total[request] - hours * arms.speed[leaves]
    after = without + hours * arms.speed[enters]
    if after < min(board.total[request], arms.ask[request]):
        return False
    if after - arms.gang[request] * arms.speed[enters] >= arms.ask[request]:
        return False
    return may_change(search, request, hours * (arms.factor[enters] - arms.factor[leaves]))


@kernel
def may_change(search: Search, request: int, charge: int) -> bool:
    """Return whether caps and what has to be kept allow a change of a request's charge."""
    arms, board = search.arms, search.board
    now = board.charged[request]
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
        other = arms.request[arm]
        gangs = -(-short // arms.gang[other])
        hours = gangs * arms.gang[other]
        if other != request and hours <= board.hours[arm] - search.stay[arm]:
            lost = hours * arms.speed[arm]
            loss = min(lost, max(arms.ask[other] - board.total[other] + lost, 0))
            loss = loss * search.merit[other]
            kept = board.total[other] - lost >= arms.need[other]
            if kept and loss < cheapest and may_cut(search, request, arm, gangs):
                best, cheapest = arm, loss
    return best


@kernel
def may_cut(search: Search, request: int, arm: int, gangs: int) -> bool:
    """Return whether every bucket of the arm's request keeps enough when it is cut."""
    arms, board = search.arms, search.board
    other = arms.request[arm]
    hours = gangs * arms.gang[other]
    now = board.charged[other]
    change = counted(arms, other, now - hours * arms.factor[arm]) - counted(arms, other, now)
    credit = arms.gang[request] * least(arms.factor, arms, request)
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
    search.label[:] = OPEN
    search.done[:] = 0
    gang = arms.gang[request]
    for arm in range(arms.start[request], arms.start[request + 1]):
        seated = board.seated[arms.seat[arm]]
        if seated + gang <= arms.limit[request] and cap_room(arms, board, arm) > 0:
            node = arms.node[arm]
            search.label[node] = gang
            search.leaves[node] = NOBODY
            search.enters[node] = arm
            search.via[node] = NOBODY


@kernel
def nearest(search: Search) -> int:
    """Return the pool-slot with the smallest label that is not final, or `NOBODY`."""
    best, least = NOBODY, OPEN
    for node in range(search.label.shape[0]):
        if search.done[node] == 0 and search.label[node] < least:
            best, least = node, search.label[node]
    return best


@kernel
def reach_on(search: Search, node: int, short: int) -> None:
    """Label the pool-slots where someone at this one can shift at least `short` GPU-hours to."""
    arms, board = search.arms, search.board
    for index in range(arms.at[node], arms.at[node + 1]):
        leaves = arms.order[index]
        other = arms.request[leaves]
        gangs = -(-short // arms.gang[other])
        hours = gangs * arms.gang[other]
        if hours <= board.hours[leaves] - search.stay[leaves]:
            search.work[0] += arms.start[other + 1] - arms.start[other]
            for enters in range(arms.start[other], arms.start[other + 1]):
                target = arms.node[enters]
                closer = search.done[target] == 0 and hours < search.label[target]
                if closer and can_shift(search, leaves, enters, gangs):
                    search.label[target] = hours
                    search.leaves[target] = leaves
                    search.enters[target] = enters
                    search.via[target] = node


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
    if search.work[0] > search.work[1] or board.total[request] >= arms.ask[request]:
        return False
    open_doors(search, request)
    while True:
        node = nearest(search)
        if node == NOBODY:
            return False
        search.done[node] = 1
        short = search.label[node] - board.free[node]
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
    other = arms.request[arm]
    gangs = -(-short // arms.gang[other])
    before = min(board.total[other], arms.ask[other])
    put(arms, board, arm, -gangs)
    loss = (before - min(board.total[other], arms.ask[other])) * search.merit[other]
    if loss < gain and follow(search, node):
        return True
    put(arms, board, arm, gangs)
    return False


@kernel
def follow(search: Search, last: int) -> bool:
    """Carry out a chain from its last pool-slot to its first; undo it if a step does not hold."""
    arms, board = search.arms, search.board
    node = last
    while search.via[node] != NOBODY:
        gangs = search.label[node] // arms.gang[arms.request[search.enters[node]]]
        if not shift(search, search.leaves[node], search.enters[node], gangs):
            unwind(search, last, node)
            return False
        node = search.via[node]
    if room(arms, board, search.enters[node]) > 0:
        put(arms, board, search.enters[node], 1)
        return True
    unwind(search, last, node)
    return False


@kernel
def shift(search: Search, leaves: int, enters: int, gangs: int) -> bool:
    """Move gang-hours from one arm to another of the same request if every rule allows it."""
    arms, board = search.arms, search.board
    hours = gangs * arms.gang[arms.request[leaves]]
    spare = board.hours[leaves] - search.stay[leaves]
    if hours > spare or hours > board.free[arms.node[enters]]:
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
    chain = [np.int64(last)]
    while chain[-1] != end:
        chain.append(search.via[chain[-1]])
    for index in range(len(chain) - 2, -1, -1):
        node = chain[index]
        gangs = search.label[node] // arms.gang[arms.request[search.enters[node]]]
        put(arms, board, search.enters[node], -gangs)
        put(arms, board, search.leaves[node], gangs)


@kernel
def add_one(search: Search, request: int, gain: int) -> bool:
    """Add one gang-hour: where there is room, else by shifts, else by a cut of less value."""
    arms, board = search.arms, search.board
    if board.total[request] >= arms.ask[request]:
        return False
    arm = best_arm(search, request)
    if arm != NOBODY:
        put(arms, board, arm, 1)
        return True
    if make_way(search, request, 0):
        return True
    return gain > 0 and make_way(search, request, gain)


@kernel
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
    for request in queue:
        goal = min(goals[request], arms.ask[request])
        while not grow(search, request, goal):
            worth = gain
            if gain == NOBODY:
                worth = worth_of_one(search, request)
            if not add_one(search, request, worth):
                below += 1
                break
    return below


@kernel
def worth_of_one(search: Search, request: int) -> int:
    """Return the least value that one more gang-hour adds to a request's award."""
    arms = search.arms
    hour = arms.gang[request] * least(arms.speed, arms, request)
    missing = arms.ask[request] - search.board.total[request]
    return int(min(hour, missing) * search.merit[request])


@kernel
def least(values: IntArray, arms: Arms, request: int) -> int:
    """Return the least value over a request's arms, 0 without arms."""
    own = values[arms.start[request] : arms.start[request + 1]]
    return int(own.min()) if own.shape[0] > 0 else 0


@kernel
def lift_bucket(search: Search, queue: IntArray, bucket: int, goal: int) -> bool:
    """Add gang-hours to requests of a bucket, in turn, until it holds the goal."""
    board = search.board
    for request in queue:
        while board.held[bucket] < goal and add_one(search, request, OPEN):
            pass
    return bool(board.held[bucket] >= goal)


@kernel
def lift_groups(search: Search, queue: IntArray, target: IntArray) -> None:
    """Add gang-hours, each to the group that lacks the largest share of its target.

    Inside a group the fellow who lacks an entitlement comes first, then the order of the queue.
    A request that cannot be helped once is left alone from then on. The search has to keep the
    targets, so that nobody who lacks something is cut for another.
    """
    arms, board = search.arms, search.board
    stuck = np.zeros(arms.gang.shape[0], dtype=np.int64)
    while True:
        request, worst = NOBODY, 0.0
        needy = False
        for each in queue:
            fellow, group = arms.bucket[each, 0], arms.bucket[each, 1]
            lack = target[group] - board.held[group]
            if stuck[each] == 0 and lack > 0 and board.total[each] < arms.ask[each]:
                share = lack / target[group]
                lacking = board.held[fellow] < target[fellow]
                if share > worst or (share == worst and lacking and not needy):
                    request, worst, needy = each, share, lacking
        if request == NOBODY:
            return
        if not add_one(search, request, OPEN):
            stuck[request] = 1
