"""The timetable of a large round of flexible requests: whole gang-hours first, slots after.

Chains of shifts look at every place of everyone they touch. Over 218,000 places they took 38 s and
ended at their limit of work; on the same round in one long slot, with 11,000 places, 4 s. Once it
is known how many gang-hours lie in which pool, the calendar is filled request by request, who has
least room to spare first, each where most is free. Whose gang-hours then find no place are laid
first next time, a few times; what few are left are shifted in.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from solver.placing.board import floors, holdings, in_order, most_hours
from solver.placing.outline import totals
from solver.plan import Entitlement
from solver.problem import MILLI, NOBODY, BoolArray, IntArray, Problem, Shape, as_int
from solver.timetable import Timetable, shifted_in, timetable

PLACES = 50_000
"""Places (request, pool, slot) from which on a round is large."""
TIMES = 6
"""How often everything is laid out, whoever found no place earlier going first."""


def is_large(problem: Problem) -> bool:
    """Return whether a round is large, and of flexible requests alone, without an earlier plan."""
    asks = problem.eligible & (problem.ask > 0)
    lengths = problem.end - problem.first
    places = (lengths * (problem.speed > 0).sum(axis=1))[asks].sum()
    bound = (problem.shape != Shape.FLEXIBLE) | (problem.after != NOBODY)
    return int(places) >= PLACES and not bound[asks].any() and not problem.previous.size


def large_timetable(  # noqa: PLR0913 - two of them are options
    problem: Problem,
    fluid: IntArray,
    funded: BoolArray,
    least: IntArray,
    *,
    entitlement: Entitlement | None = None,
    seconds: float | None = None,
) -> Timetable:
    """Turn a fluid division into whole gang-hours; as `timetable`, which also takes over here.

    It does so where somebody would be left with too little.

    Args:
        problem: a large round.
        fluid: ``(n, 4)`` request, pool, slot, thousandths of a GPU-hour.
        funded: ``(r,)`` who is funded.
        least: ``(r,)`` thousandths of reference hours that each of them gets at least.
        entitlement: what groups and fellows hold by right; else what the division gives them.
        seconds: what is left of the solve's time, None without a limit.
    """
    amounts = _without_slots(fluid, problem)
    usual = partial(timetable, entitlement=entitlement, seconds=seconds)
    whole = usual(in_one_slot(problem), amounts, funded, least)
    need = np.where(funded, np.maximum(np.maximum(problem.minimum, least), 1), 0)
    need[list(whole.unplaced)] = 0
    need = np.minimum(need, problem.ask)
    cells = laid_out(problem, whole.cells, need, (funded, least))
    if (totals(problem, cells) < need).any() or (holdings(problem, cells) < floors(problem)).any():
        return usual(problem, fluid, funded, least)
    return Timetable(
        cells=cells, unplaced=whole.unplaced, work=whole.work, cut_short=whole.cut_short
    )


def in_one_slot(problem: Problem) -> Problem:
    """Return the round with its calendar as one slot, an hour long."""
    gangs = most_hours(problem) // problem.gang * problem.gang
    return replace(
        problem,
        slot_hours=MILLI,
        supply=as_int((problem.supply // MILLI * MILLI).sum(axis=1, keepdims=True)),
        max_gpus=as_int(gangs * (problem.end - problem.first)),
        first=as_int(np.zeros(problem.requests)),
        end=as_int(np.ones(problem.requests)),
    )


def _without_slots(fluid: IntArray, problem: Problem) -> IntArray:
    """Return the cells of a division with all slots as slot 0."""
    key = fluid[:, 0] * problem.pools + fluid[:, 1]
    keys, at = np.unique(key, return_inverse=True)
    amounts = np.bincount(at, fluid[:, 3], keys.size).astype(np.int64)
    columns = (keys // problem.pools, keys % problem.pools, np.zeros_like(keys), amounts)
    return np.stack(columns, axis=1)


def laid_out(
    problem: Problem, cells: IntArray, need: IntArray, granted: tuple[BoolArray, IntArray]
) -> IntArray:
    """Lay whole gang-hours into slots as `lay_out`, anew as long as some find no place.

    A request that found none goes first the next time, the more often the further ahead ("squeaky
    wheel" optimisation: Joslin and Clements 1999, section 2). Each time what is left over is
    shifted in; the fewest who have less than they need count, then the most hours.

    Args:
        problem: the round.
        cells: ``(n, 4)`` request, pool, anything, GPU-hours.
        need: ``(r,)`` thousandths of reference hours that a request needs.
        granted: ``(r,)`` who is funded, and thousandths that each of them gets at least.
    """
    urgency = np.zeros(problem.requests, dtype=np.int64)
    best: tuple[tuple[int, int], IntArray] | None = None
    for _ in range(TIMES):
        laid, rest = lay_out(problem, cells, urgency)
        found = shifted_in(problem, laid, rest, *granted) if rest.size else laid
        rank = int((totals(problem, found) < need).sum()), -int(found[:, 3].sum())
        if best is None or rank < best[0]:
            best = rank, found
        if not rest.size:
            break
        urgency[np.unique(rest[:, 0])] += 1
    assert best is not None
    return best[1]


def lay_out(problem: Problem, cells: IntArray, urgency: IntArray) -> tuple[IntArray, IntArray]:
    """Lay whole gang-hours, known by request and pool, into slots; return the cells and the rest.

    Args:
        problem: the round.
        cells: ``(n, 4)`` request, pool, anything, GPU-hours.
        urgency: ``(r,)`` who goes first, before who has least room to spare.

    Returns:
        ``(m, 4)`` cells, sorted; ``(k, 4)`` what found no place, as `cells`.
    """
    request, _, _, hours = cells.T
    free, gang = problem.supply // MILLI, problem.gang
    most = most_hours(problem) // gang * gang
    seats: dict[int, IntArray] = {}
    spare = 1.0 - hours / (most * (problem.end - problem.first))[request]
    laid, rest = [np.zeros((0, 4), dtype=np.int64)], [np.zeros((0, 4), dtype=np.int64)]
    for row in cells[np.lexsort((-gang[request], spare, -urgency[request]))]:
        who, pool, _, left = row.tolist()
        window = slice(int(problem.first[who]), int(problem.end[who]))
        seat = seats.setdefault(who, np.full(window.stop - window.start, most[who]))
        order = np.argsort(-free[pool, window], kind="stable")
        room = np.minimum(seat, free[pool, window])[order] // gang[who] * gang[who]
        before = np.cumsum(room) - room
        taken = np.clip(left - before, 0, room)
        seat[order] -= taken
        free[pool, window.start + order] -= taken
        columns = np.full_like(taken, who), np.full_like(taken, pool), window.start + order, taken
        laid.append(np.stack(columns, axis=1)[taken > 0])
        if taken.sum() < left:
            rest.append(np.array([[who, pool, window.start, left - int(taken.sum())]]))
    return in_order(np.concatenate(laid)), np.concatenate(rest)
