"""Timetable: the fluid division becomes whole gang-hours in slots; the fourth stage."""

from dataclasses import dataclass

import numpy as np

from solver.board import (
    OPEN,
    Arms,
    floors,
    free_supply,
    in_order,
    lay_arms,
    loose,
    read_cells,
    set_up,
)
from solver.neighbourhood import (
    Search,
    bring_up,
    clear,
    lay,
    lift_bucket,
    lift_groups,
    open_search,
)
from solver.placement import place, total_reference
from solver.plan import NO_CELLS, Entitlement, per_fellow, per_group
from solver.problem import (
    MILLI,
    NOBODY,
    BoolArray,
    FellowWeight,
    FloatArray,
    IntArray,
    Merit,
    Problem,
    Tier,
)
from solver.windows import tighten

WORK_LIMIT = 2_000_000_000
"""Arms looked at before the search for room gives up; minutes at worst."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Timetable:
    """Whole gang-hours for the funded requests.

    Attributes:
        cells: ``(n, 4)`` request, pool, slot, whole GPU-hours; sorted, positive.
        unplaced: funded requests that got nothing because what they need found no place.
        moved: GPU-hours of the previous plan that are not where they were.
        work: arms looked at.
        cut_short: whether the work limit ended the search.
    """

    cells: IntArray
    unplaced: tuple[int, ...]
    moved: int
    work: int
    cut_short: bool


def timetable(  # noqa: PLR0913 - two optional arguments by name
    problem: Problem,
    fluid: IntArray,
    funded: BoolArray,
    least: IntArray,
    *,
    entitlement: Entitlement | None = None,
    work_limit: int = WORK_LIMIT,
) -> Timetable:
    """Turn a fluid division into whole gang-hours that obey every rule of a plan.

    Blocks and constants are placed first, then the rest is rounded down to gangs; needs are
    restored by moving others, and what supply is left goes, tier by tier, to floors, groups,
    fellows and value.

    Args:
        problem: the round.
        fluid: ``(n, 4)`` request, pool, slot, thousandths of a GPU-hour.
        funded: ``(r,)`` who is funded.
        least: ``(r,)`` thousandths of reference hours that each of them gets at least.
        entitlement: what groups and fellows hold by right; else what the division gives them.
        work_limit: arms that the moves may look at.
    """
    case = _case(problem, fluid, funded & ~problem.vetoed, least)
    fixed = _structured(case)
    moves = _moves(case, fixed, work_limit)
    _lay_down(case, moves)
    unplaced = _restore(case, moves)
    fixed = fixed[~np.isin(fixed[:, 0], unplaced)]
    _fill(case, moves, _targets(problem, case.fluid, entitlement))
    cells = read_cells(moves.arms, moves.board, fixed)
    work = int(moves.work[0])
    return Timetable(
        cells=cells,
        unplaced=tuple(unplaced),
        moved=moved_hours(problem, cells),
        work=work,
        cut_short=work > work_limit,
    )


def moved_hours(problem: Problem, cells: IntArray) -> int:
    """Return GPU-hours of the previous plan that are not where they were."""
    before, now = (_dense(problem, each) for each in (problem.previous, cells))
    return sum(max(0, hours - now.get(place, 0)) for place, hours in before.items())


def _dense(problem: Problem, cells: IntArray) -> dict[int, int]:
    """Return GPU-hours by request, pool and slot in one key."""
    keys = (cells[:, 0] * problem.pools + cells[:, 1]) * problem.slots + cells[:, 2]
    return dict(zip(keys.tolist(), cells[:, 3].tolist(), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Case:
    """What is to be placed.

    Attributes:
        need: ``(r,)`` thousandths of reference hours, 0 for who is not funded.
        goal: ``(r,)`` the same, what the fluid division gives and at least the need.
        windows: ``(r, 2)`` tightened; pools: ``(r, p)`` pools to use.
    """

    problem: Problem
    fluid: IntArray
    funded: BoolArray
    need: IntArray
    goal: IntArray
    windows: IntArray
    pools: BoolArray


def _case(problem: Problem, fluid: IntArray, funded: BoolArray, least: IntArray) -> _Case:
    """Read off what everyone needs, where and when."""
    fluid = fluid[funded[fluid[:, 0]] & (fluid[:, 3] > 0)]
    need = np.maximum(np.maximum(problem.minimum, least), 1)
    if problem.rules.keep_accepted:
        need = np.maximum(need, _totals(problem, problem.previous, 1))
    need = np.where(funded, np.minimum(need, problem.ask), 0)
    goal = np.minimum(np.maximum(_totals(problem, fluid, MILLI), need), problem.ask)
    return _Case(
        problem=problem,
        fluid=fluid,
        funded=funded,
        need=need,
        goal=goal,
        windows=tighten(problem, funded, need, fluid),
        pools=_choose_pools(problem, fluid),
    )


def _totals(problem: Problem, cells: IntArray, scale: int) -> IntArray:
    """Return ``(r,)`` thousandths of reference hours of cells in `scale`-ths of GPU-hours."""
    totals = np.zeros(problem.requests, dtype=np.int64)
    np.add.at(totals, cells[:, 0], cells[:, 3] * problem.speed[cells[:, 0], cells[:, 1]])
    return totals // scale


def _choose_pools(problem: Problem, fluid: IntArray) -> BoolArray:
    """Return ``(r, p)`` acceptable pools; where only one may be used, the one with most of it.

    What an earlier plan gave counts before what the division gives.
    """
    pools = problem.speed > 0
    mass = np.zeros(problem.speed.shape, dtype=np.int64)
    for cells, scale in ((fluid, 1), (problem.previous, OPEN // 10**9)):
        reference = problem.speed[cells[:, 0], cells[:, 1]]
        np.add.at(mass, (cells[:, 0], cells[:, 1]), cells[:, 3] * reference * scale)
    chosen = np.zeros_like(pools)
    chosen[np.arange(problem.requests), np.argmax(np.where(pools, mass, -1), axis=1)] = True
    return np.where(problem.single_pool[:, None], chosen & pools, pools)


def _structured(case: _Case) -> IntArray:
    """Return the cells of blocks and constants, as the division has them or placed greedily."""
    problem = case.problem
    free = free_supply(problem, NO_CELLS)
    members = np.nonzero(case.funded & ~loose(problem))[0]
    order = members[np.lexsort((members, -case.need[members], ~problem.must_fund[members]))]
    parts = [NO_CELLS]
    for request in order.tolist():
        goal, need = int(case.goal[request]), int(case.need[request])
        cells = place(problem, free, request, goal, window=_window(case, request))
        if total_reference(problem, cells) >= need:
            parts.append(cells)
            free[cells[:, 1], cells[:, 2]] -= cells[:, 3]
    return in_order(np.concatenate(parts))


def _window(case: _Case, request: int) -> tuple[int, int]:
    """Return the tightened window of a request."""
    return int(case.windows[request, 0]), int(case.windows[request, 1])


def _moves(case: _Case, fixed: IntArray, work_limit: int) -> Search:
    """Lay out the board for everyone who is not fixed."""
    problem = case.problem
    open_ended = case.windows[:, 0] < case.windows[:, 1]
    movable = case.funded & loose(problem) & open_ended
    arms = lay_arms(problem, movable, case.need, case.windows, case.pools)
    merit = problem.score if problem.rules.merit is Merit.SCORE else np.ones_like(problem.score)
    want = _on_arms(arms, case.fluid)
    return open_search(arms, set_up(problem, arms, fixed), want, merit, work_limit)


def _on_arms(arms: Arms, cells: IntArray) -> IntArray:
    """Return ``(a,)`` the amounts of cells that lie on arms."""
    nodes = arms.at.shape[0] - 1
    keys = arms.request * nodes + arms.node
    amounts = np.zeros(keys.shape[0] + 1, dtype=np.int64)
    wanted = cells[:, 0] * nodes + cells[:, 1] * arms.slots + cells[:, 2]
    at = np.searchsorted(keys, wanted)
    found = np.append(keys, -1)[at] == wanted
    np.add.at(amounts, at[found], cells[found, 3])
    return amounts[:-1].copy()


def _lay_down(case: _Case, moves: Search) -> None:
    """Lay the previous plan as far as it is still wanted, then the division, in whole gangs."""
    if case.problem.rules.move_cost > 0:
        lay(moves, _on_arms(moves.arms, case.problem.previous) * MILLI, case.goal)
    lay(moves, moves.want, case.goal)


def _restore(case: _Case, moves: Search) -> list[int]:
    """Give everyone what is needed, moving and cutting others; return who is left without."""
    problem, arms = case.problem, moves.arms
    moves.keep[:] = floors(problem)
    movable = np.nonzero(np.diff(arms.start))[0]
    window = np.diff(arms.start)[movable]
    order = np.lexsort((movable, window, -problem.gang[movable], ~problem.must_fund[movable]))
    bring_up(moves, movable[order], case.need, OPEN)
    placed = moves.board.total >= np.maximum(case.need, 1)
    for request in np.nonzero(case.funded & ~placed)[0].tolist():
        clear(moves, request)
    return np.nonzero(case.funded & ~placed)[0].tolist()


def _targets(problem: Problem, fluid: IntArray, entitlement: Entitlement | None) -> IntArray:
    """Return ``(b,)`` what the tiers want fellows and groups to hold, 0 without such a tier."""
    units = np.zeros(problem.requests, dtype=np.int64)
    np.add.at(units, fluid[:, 0], fluid[:, 3] * problem.factor[fluid[:, 0], fluid[:, 1]])
    units //= MILLI
    groups = per_group(problem, units) if entitlement is None else entitlement.groups
    fellows = per_fellow(problem, units) if entitlement is None else entitlement.fellows
    tiers = problem.rules.tiers
    rest = problem.institute_cap.shape[0] + problem.track_cap.shape[0]
    parts = (
        fellows * (Tier.FELLOWS in tiers),
        groups * (Tier.GROUPS in tiers),
        np.zeros(rest, dtype=np.int64),
    )
    return np.concatenate(parts).astype(np.int64)


def _fill(case: _Case, moves: Search, target: IntArray) -> None:
    """Hand out what supply is left: floors, groups, fellows, the division, value."""
    problem = case.problem
    served = case.funded & (moves.board.total > 0) & (np.diff(moves.arms.start) > 0)
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
    for fellow in np.argsort(-_fellow_merit(problem), kind="stable").tolist():
        ours = problem.fellow[queue] == fellow
        if moves.board.held[fellow] < target[fellow]:
            lift_bucket(moves, queue[ours], fellow, int(target[fellow]))
    bring_up(moves, queue, case.goal, 0)
    bring_up(moves, queue, problem.ask.copy(), NOBODY)


def _fellow_merit(problem: Problem) -> FloatArray:
    """Return ``(f,)`` the weight a fellow's shortfall counts with, up to scale."""
    if problem.rules.fellow_weight is FellowWeight.WEIGHT:
        return problem.fellow_weight.astype(np.float64)
    if problem.rules.fellow_weight is FellowWeight.EQUAL:
        return np.ones(problem.fellows)
    ask = np.where(problem.vetoed, 0, problem.ask).astype(np.float64)
    asked = np.bincount(problem.fellow, weights=ask, minlength=problem.fellows)
    scored = np.bincount(problem.fellow, weights=ask * problem.score, minlength=problem.fellows)
    return scored / np.maximum(asked, 1.0)
