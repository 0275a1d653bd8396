"""Timetable: the fluid division becomes whole gang-hours in slots; the fourth stage."""

from dataclasses import dataclass, replace

import numpy as np

from solver.placing.arrange import Task, arrange
from solver.placing.board import (
    NEED,
    NODE,
    OPEN,
    REQUEST,
    Arms,
    caps,
    floors,
    free_supply,
    holdings,
    in_order,
    lay_arms,
    loose,
    read_cells,
    set_up,
)
from solver.placing.neighbourhood import (
    STAY,
    WANT,
    Search,
    bring_up,
    clear,
    lay,
    lift_bucket,
    lift_groups,
    open_search,
)
from solver.placing.outline import Outline, fellow_merit, laid_shapes, outline, redrawn, totals
from solver.placing.placement import place, total_reference
from solver.plan import NO_CELLS, Entitlement, received
from solver.problem import MILLI, NOBODY, BoolArray, IntArray, Problem

WORK_LIMIT = 2_000_000_000
"""Arms looked at before the search for room gives up; minutes at worst."""
ARMS_PER_SECOND = 10_000_000
"""Arms that the moves look at in a second; measured 20 to 40 million."""
ARRANGING = 20.0
"""CP-SAT's deterministic time, about seconds, for a whole round or its blocks and constants."""
SMALL = 2_500
"""Places (request, pool, slot) up to which a whole round is arranged by CP-SAT."""
REPAIRS = 8
"""Requests without a place for which their surroundings are arranged anew."""
REPAIR_PLACES = 800
"""Places in such surroundings."""
REPAIR_WORK = 0.5
"""CP-SAT's deterministic time for one of them."""
NEARLY = 2e-4
"""Share of its target that a group may lack in the division and still be brought to all of it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Timetable:
    """Whole gang-hours for the funded requests.

    Attributes:
        cells: ``(n, 4)`` request, pool, slot, whole GPU-hours; sorted, positive.
        unplaced: funded requests that got nothing because what they need found no place.
        work: arms looked at.
        cut_short: whether the work limit ended the search.
    """

    cells: IntArray
    unplaced: tuple[int, ...]
    work: int
    cut_short: bool


def timetable(  # noqa: PLR0913 - three of them are options
    problem: Problem,
    fluid: IntArray,
    funded: BoolArray,
    least: IntArray,
    *,
    entitlement: Entitlement | None = None,
    seed: int = 0,
    work_limit: int = WORK_LIMIT,
    seconds: float | None = None,
) -> Timetable:
    """Turn a fluid division into whole gang-hours that obey every rule of a plan.

    Small rounds whose division bends a shape, or that have a previous plan, are arranged as a whole
    by CP-SAT. Else blocks and constants are placed first. Then everything flexible is rounded down
    to gangs, needs are restored by chains of shifts, and what supply is left goes, tier by tier, to
    floors, groups, fellows and value. What a previous plan awarded stays where it was if that is
    possible.

    Args:
        problem: the round.
        fluid: ``(n, 4)`` request, pool, slot, thousandths of a GPU-hour.
        funded: ``(r,)`` who is funded.
        least: ``(r,)`` thousandths of reference hours that each of them gets at least.
        entitlement: what groups and fellows hold by right; else what the division gives them.
        seed: of the search by CP-SAT.
        work_limit: arms that the moves may look at.
        seconds: what is left of the solve's time, None without a limit; arranging takes a
            quarter of it at a time at most.
    """
    if seconds is not None:
        work_limit = min(work_limit, int(seconds * ARMS_PER_SECOND))
    aims = outline(problem, fluid, funded, least, entitlement)
    arranging = ARRANGING if seconds is None else min(ARRANGING, seconds / 4)
    whole = _arrange_all(aims, seed, arranging) if _is_small(aims) else None
    drawn = aims if whole is None else redrawn(aims, whole)
    fixed = _structured(drawn, seed, arranging)
    moves = _moves(drawn, fixed, work_limit)
    _lay_down(drawn, moves)
    _restore(drawn, moves, seed)
    fixed = _drop_followers(drawn, moves, fixed)
    _fill(drawn, moves)
    cells = _grow_shapes(drawn, read_cells(moves.arms, moves.board, fixed))
    without = aims.funded.copy()
    without[cells[:, 0]] = False
    work = int(moves.work[0])
    return Timetable(
        cells=cells,
        unplaced=tuple(np.nonzero(without)[0].tolist()),
        work=work,
        cut_short=work > work_limit,
    )


def shifted_in(
    problem: Problem, cells: IntArray, rest: IntArray, funded: BoolArray, least: IntArray
) -> IntArray:
    """Return the cells with gang-hours that found no place, as far as shifts make room for them.

    Args:
        problem: a round of flexible requests.
        cells: ``(n, 4)`` request, pool, slot, whole GPU-hours.
        rest: ``(k, 4)`` the same, of what has to be added in any slot.
        funded: ``(r,)`` who is funded.
        least: ``(r,)`` thousandths of reference hours that each of them gets at least.
    """
    wanted = np.concatenate([cells, rest]) * np.array([1, 1, 1, MILLI])
    aims = outline(problem, wanted, funded, least, None)
    moves = _moves(aims, NO_CELLS, WORK_LIMIT)
    lay(moves, _on_arms(moves.arms, cells) * MILLI, aims.goal)
    bring_up(moves, np.unique(rest[:, 0]), aims.goal, 0)
    return read_cells(moves.arms, moves.board, NO_CELLS)


def moved_hours(problem: Problem, cells: IntArray) -> int:
    """Return GPU-hours of the previous plan that are not where they were."""
    before, now = (_by_place(problem, each) for each in (problem.previous, cells))
    return sum(max(0, hours - now.get(place, 0)) for place, hours in before.items())


def _by_place(problem: Problem, cells: IntArray) -> dict[int, int]:
    """Return GPU-hours by request, pool and slot in one key."""
    keys = (cells[:, 0] * problem.pools + cells[:, 1]) * problem.slots + cells[:, 2]
    return dict(zip(keys.tolist(), cells[:, 3].tolist(), strict=True))


def _is_small(aims: Outline) -> bool:
    """Return whether CP-SAT should arrange the whole round, and can."""
    problem, funded = aims.problem, aims.funded
    lengths = problem.end - problem.first
    places = int((lengths * (problem.speed > 0).sum(axis=1))[funded].sum())
    stable = bool(problem.previous.size) and problem.rules.move_cost > 0
    return places <= SMALL and (stable or laid_shapes(aims) is None)


def _task(aims: Outline, members: IntArray, free: IntArray) -> Task:
    """Return the task of arranging some of the requests, aiming at their goals."""
    problem = aims.problem
    return Task(
        problem=problem,
        members=members,
        windows=aims.windows,
        pools=aims.pools,
        chained=False,
        need=aims.need,
        goal=aims.goal,
        free=free,
        reserved=np.zeros_like(free),
        cap=caps(problem),
        floor=np.zeros_like(aims.target),
        target=np.zeros(0, dtype=np.int64),
        held=np.zeros_like(aims.target),
        merit=aims.merit,
        fellow_merit=fellow_merit(problem),
        keep=problem.previous if problem.rules.move_cost > 0 else NO_CELLS,
        must=problem.must_fund & aims.funded,
    )


def _arrange_all(aims: Outline, seed: int, work: float) -> IntArray | None:
    """Arrange the whole round; None when CP-SAT found nothing in its limit."""
    problem = aims.problem
    members = np.nonzero(aims.funded)[0]
    windows = np.stack([problem.first, problem.end], axis=1)
    task = _task(aims, members, free_supply(problem, NO_CELLS))
    task = replace(
        task,
        windows=windows,
        pools=problem.speed > 0,
        chained=True,
        floor=floors(problem),
        target=aims.target,
    )
    return arrange(task, seed=seed, work_limit=work)


def _structured(aims: Outline, seed: int, work: float) -> IntArray:
    """Return the cells of blocks and constants: as divided, else arranged, else greedily."""
    problem = aims.problem
    laid = laid_shapes(aims)
    if laid is not None:
        return laid
    flexible = aims.fluid[loose(problem)[aims.fluid[:, 0]]]
    reserved = np.zeros_like(problem.supply)
    np.add.at(reserved, (flexible[:, 1], flexible[:, 2]), flexible[:, 3])
    members = np.nonzero(aims.funded & ~loose(problem))[0]
    task = _task(aims, members, free_supply(problem, NO_CELLS))
    task = replace(task, reserved=-(-reserved // MILLI))
    cells = arrange(task, seed=seed, work_limit=work)
    return _placed(aims, members) if cells is None else cells


def _placed(aims: Outline, members: IntArray) -> IntArray:
    """Place requests greedily: those that must be funded first, then those that need most."""
    problem = aims.problem
    free = free_supply(problem, NO_CELLS)
    order = members[np.lexsort((members, -aims.need[members], ~problem.must_fund[members]))]
    parts = [NO_CELLS]
    for request in order.tolist():
        window = (int(aims.windows[request, 0]), int(aims.windows[request, 1]))
        cells = place(problem, free, request, int(aims.goal[request]), window=window)
        if total_reference(problem, cells) >= aims.need[request]:
            parts.append(cells)
            free[cells[:, 1], cells[:, 2]] -= cells[:, 3]
    return in_order(np.concatenate(parts))


def _moves(aims: Outline, fixed: IntArray, work_limit: int) -> Search:
    """Lay out the board for everyone who is not fixed."""
    problem = aims.problem
    open_ended = aims.windows[:, 0] < aims.windows[:, 1]
    movable = aims.funded & loose(problem) & open_ended
    arms = lay_arms(problem, movable, aims.need, aims.windows, aims.pools)
    want = _on_arms(arms, aims.fluid)
    return open_search(arms, set_up(problem, arms, fixed), want, aims.merit, work_limit)


def _on_arms(arms: Arms, cells: IntArray) -> IntArray:
    """Return ``(a,)`` the amounts of cells that lie on arms."""
    nodes = arms.at.shape[0] - 1
    keys = np.append(arms.arm[REQUEST] * nodes + arms.arm[NODE], NOBODY)
    wanted = cells[:, 0] * nodes + cells[:, 1] * arms.slots + cells[:, 2]
    at = np.searchsorted(keys[:-1], wanted)
    found = keys[at] == wanted
    amounts = np.zeros(keys.shape[0], dtype=np.int64)
    np.add.at(amounts, at[found], cells[found, 3])
    return amounts[:-1].copy()


def _lay_down(aims: Outline, moves: Search) -> None:
    """Lay the previous plan as far as it is still wanted, then the division, in whole gangs."""
    if aims.problem.rules.move_cost > 0:
        lay(moves, _on_arms(moves.arms, aims.problem.previous) * MILLI, aims.goal)
        moves.marks[STAY] = moves.board.hours
    lay(moves, moves.marks[WANT], aims.goal)


def _restore(aims: Outline, moves: Search, seed: int) -> None:
    """Give everyone what is needed, moving and cutting others; clear who is left without."""
    problem, arms = aims.problem, moves.arms
    moves.keep[:] = floors(problem)
    movable = np.nonzero(np.diff(arms.start))[0]
    places = np.diff(arms.start)[movable]
    order = np.lexsort((movable, places, -problem.gang[movable], ~problem.must_fund[movable]))
    bring_up(moves, movable[order], aims.need, OPEN)
    for request in _lacking(aims, moves, movable)[:REPAIRS]:
        moves.marks[STAY] = 0
        if not _fits_alone(aims, request):
            continue
        if bring_up(moves, np.array([request]), aims.need, OPEN):
            _repair(aims, moves, request, seed)
    for request in _lacking(aims, moves, movable):
        clear(moves, request)
    laid = _on_arms(arms, problem.previous)
    stays = np.minimum(laid, moves.board.hours) if problem.rules.move_cost > 0 else 0
    moves.marks[STAY] = stays


def _fits_alone(aims: Outline, request: int) -> bool:
    """Return whether a request finds what it needs where nobody else is."""
    problem = aims.problem
    window = (int(aims.windows[request, 0]), int(aims.windows[request, 1]))
    empty = free_supply(problem, NO_CELLS)
    alone = place(problem, empty, request, int(aims.need[request]), window=window)
    return total_reference(problem, alone) >= int(aims.need[request])


def _lacking(aims: Outline, moves: Search, movable: IntArray) -> list[int]:
    """Return who does not have what is needed, those that must be funded first."""
    lacking = movable[moves.board.total[movable] < aims.need[movable]]
    order = np.argsort(~aims.problem.must_fund[lacking], kind="stable")
    return [int(request) for request in lacking[order]]


def _repair(aims: Outline, moves: Search, request: int, seed: int) -> None:
    """Arrange a request's surroundings anew so that it finds a place, if there is one."""
    problem, arms, board = aims.problem, moves.arms, moves.board
    nodes = arms.arm[NODE, arms.start[request] : arms.start[request + 1]]
    near = np.unique(arms.arm[REQUEST, np.isin(arms.arm[NODE], nodes) & (board.hours > 0)])
    near = near[near != request]
    near = np.random.default_rng(seed).permutation(near)
    reach = np.cumsum(np.diff(arms.start)[near]) + nodes.size
    members = np.append(near[reach <= REPAIR_PLACES], request)
    ours = np.isin(arms.arm[REQUEST], members)
    free = board.free.copy()
    np.add.at(free, arms.arm[NODE, ours], board.hours[ours])
    cells = read_cells(arms, board, NO_CELLS)
    held = board.held - holdings(problem, cells[np.isin(cells[:, 0], members)])
    task = _task(aims, np.sort(members), free.reshape(problem.supply.shape))
    must = np.zeros_like(aims.funded)
    must[members] = True
    goal = np.minimum(board.total, problem.ask)
    task = replace(task, must=must, goal=goal, held=held)
    found = arrange(task, seed=seed, work_limit=REPAIR_WORK, workers=1)
    if found is not None:
        for member in members.tolist():
            clear(moves, member)
        lay(moves, _on_arms(arms, found) * MILLI, problem.ask.copy())


def _drop_followers(aims: Outline, moves: Search, fixed: IntArray) -> IntArray:
    """Take from everyone whose predecessor got nothing; return the fixed cells that remain."""
    problem = aims.problem
    while True:
        served = (moves.board.total > 0) & aims.funded
        alone = served & (problem.after != NOBODY) & ~served[problem.after]
        if not alone.any():
            return fixed
        gone = fixed[alone[fixed[:, 0]]]
        fixed = fixed[~alone[fixed[:, 0]]]
        for request in np.nonzero(alone)[0].tolist():
            clear(moves, request)
        _give_back(aims, moves, gone)


def _give_back(aims: Outline, moves: Search, gone: IntArray) -> None:
    """Take fixed cells off the board."""
    problem, board = aims.problem, moves.board
    np.add.at(board.free, gone[:, 1] * problem.slots + gone[:, 2], gone[:, 3])
    amounts = received(problem, gone)
    for column in moves.arms.bucket.T:
        np.subtract.at(board.held, column[column != NOBODY], amounts[column != NOBODY])
    board.sums[:, gone[:, 0]] = 0


def _fill(aims: Outline, moves: Search) -> None:
    """Hand out what supply is left: floors, groups, fellows, the division, value.

    What the division leaves groups to lack is for the fellows and for value: nobody is cut for it.
    For value alone nobody is cut by more than a gang-hour below the division.
    """
    problem, target = aims.problem, _at_cost(aims)
    served = (moves.board.total > 0) & (np.diff(moves.arms.start) > 0)
    members = np.nonzero(served)[0]
    queue = members[np.lexsort((members, -moves.merit[members]))]
    least = floors(problem)
    for bucket in np.nonzero(least)[0].tolist():
        ours = (moves.arms.bucket[queue] == bucket).any(axis=1)
        lift_bucket(moves, queue[ours], bucket, int(least[bucket]))
    groups = slice(problem.fellows, problem.fellows + problem.groups)
    moves.keep[groups] = np.maximum(least[groups], target[groups])
    lift_groups(moves, queue, target)
    moves.keep[:] = np.maximum(least, target)
    for fellow in np.argsort(-fellow_merit(problem), kind="stable").tolist():
        ours = problem.fellow[queue] == fellow
        if moves.board.held[fellow] < target[fellow]:
            lift_bucket(moves, queue[ours], fellow, int(target[fellow]))
    bring_up(moves, queue, aims.goal, 0)
    lift_groups(moves, queue, aims.target, at_cost=False)
    near = aims.goal - problem.gang * problem.speed.max(axis=1)
    moves.arms.asker[NEED] = np.maximum(aims.need, near)
    bring_up(moves, queue, problem.ask.copy(), NOBODY)


def _at_cost(aims: Outline) -> IntArray:
    """Return ``(b,)`` what fellows and groups are to hold at the cost of others."""
    problem, target = aims.problem, aims.target.copy()
    groups = slice(problem.fellows, problem.fellows + problem.groups)
    lacks = aims.divided[groups] < target[groups] * (1 - NEARLY)
    target[groups] = np.where(lacks, aims.divided[groups], target[groups])
    return target


def _grow_shapes(aims: Outline, cells: IntArray) -> IntArray:
    """Give blocks and constants more GPUs where supply and caps are left, best value first."""
    problem = aims.problem
    kept = np.unique(problem.previous[:, 0])
    held = totals(problem, cells)
    short = (held > 0) & (held < problem.ask) & ~loose(problem)
    short[kept] = False
    members = np.nonzero(short)[0]
    for request in members[np.lexsort((members, -aims.merit[members]))].tolist():
        rest = cells[cells[:, 0] != request]
        window = (int(aims.windows[request, 0]), int(aims.windows[request, 1]))
        ask = int(problem.ask[request])
        more = place(problem, free_supply(problem, rest), request, ask, window=window)
        grown = in_order(np.concatenate([rest, more]))
        if total_reference(problem, more) > held[request] and _within_caps(problem, grown):
            cells = grown
    return cells


def _within_caps(problem: Problem, cells: IntArray) -> bool:
    """Return whether every cap holds."""
    arms = lay_arms(
        problem,
        np.zeros(problem.requests, dtype=np.bool_),
        problem.minimum,
        np.stack([problem.first, problem.end], axis=1),
        problem.speed > 0,
    )
    return bool((set_up(problem, arms, cells).held <= arms.cap).all())
