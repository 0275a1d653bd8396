"""Placing one request greedily: any shape, as much as asked, where there is most room."""

from math import gcd
from typing import NamedTuple

import numpy as np

from solver.kernels import kernel
from solver.plan import NO_CELLS
from solver.problem import MILLI, IntArray, Problem, Shape

FLEXIBLE = int(Shape.FLEXIBLE)
"""As a plain number: numpy takes longer to compare itself with an enum than a kernel runs."""


class Spot(NamedTuple):
    """A request as the placing kernels read it.

    Attributes:
        pools: acceptable pools in the order of preference; speed: one each, thousandths.
        first, end: window in slots; gang: GPU-hours; limit: most GPU-hours in a slot.
        amount: thousandths of reference hours wanted; ask: never reached before the last gang-hour.
    """

    pools: IntArray
    speed: IntArray
    first: int
    end: int
    gang: int
    limit: int
    amount: int


def place(  # noqa: PLR0913 - options by name
    problem: Problem,
    free: IntArray,
    request: int,
    amount: int,
    *,
    window: tuple[int, int] | None = None,
    fastest: bool = False,
) -> IntArray:
    """Place a request greedily, without changing what is placed already.

    A flexible request takes gang-hours slot by slot, each time where most supply is left; a block
    and a constant take the pool and start with most room over their slots. Pools that charge less
    per reference hour come first. Cells total at least `amount` (less than one gang-hour more), or
    as much below it as there is room; a caller who needs a minimum checks what came.

    Args:
        problem: the round.
        free: ``(p, t)`` whole GPU-hours left; not changed.
        request: index.
        amount: thousandths of reference GPU-hours, at most the ask.
        window: slots to use instead of the request's own window.
        fastest: let a flexible request fill the fastest pools first, which holds most.

    Returns:
        ``(n, 4)`` request, pool, slot, GPU-hours, sorted; empty when nothing fits.
    """
    first, end = window or (int(problem.first[request]), int(problem.end[request]))
    first, end = max(first, int(problem.first[request])), min(end, int(problem.end[request]))
    pools = _preferred_pools(problem, request)
    if fastest:
        pools = pools[np.argsort(-problem.speed[request, pools], kind="stable")]
    if amount <= 0 or first >= end or not pools.size:
        return NO_CELLS
    if problem.shape[request] != FLEXIBLE:
        if problem.shape[request] == Shape.BLOCK:
            return _block(problem, free, request, amount, (first, end))
        whole = (first, end) == (problem.first[request], problem.end[request])
        return _constant(problem, free, request, amount) if whole else NO_CELLS
    spot = Spot(
        pools=pools,
        speed=problem.speed[request, pools],
        first=first,
        end=end,
        gang=int(problem.gang[request]),
        limit=int(problem.max_gpus[request]) * problem.slot_hours // MILLI,
        amount=amount,
    )
    if not problem.single_pool[request]:
        return _spread(free, request, spot)
    alone = (
        spot._replace(pools=pools[at : at + 1], speed=spot.speed[at : at + 1])
        for at in range(pools.size)
    )
    return _best_of([_spread(free, request, each) for each in alone], problem)


def total_reference(problem: Problem, cells: IntArray) -> int:
    """Return thousandths of reference hours that the cells hold, rounding up included."""
    if not cells.size:
        return 0
    return int((cells[:, 3] * problem.speed[cells[:, 0], cells[:, 1]]).sum())


def _preferred_pools(problem: Problem, request: int) -> IntArray:
    """Return the acceptable pools, least charge per reference hour first."""
    return _cheapest_first(problem.speed[request], problem.charge)


@kernel
def _cheapest_first(speed: IntArray, charge: IntArray) -> IntArray:
    """Return the pools with a speed, least charge per speed first."""
    pools = np.flatnonzero(speed > 0)
    return pools[np.argsort(charge[pools] / speed[pools], kind="mergesort")]


def _best_of(options: list[IntArray], problem: Problem) -> IntArray:
    """Return the option that holds most; the first of equals."""
    return max(options, key=lambda cells: total_reference(problem, cells), default=NO_CELLS)


def _spread(free: IntArray, request: int, spot: Spot) -> IntArray:
    """Place gang-hours slot by slot over the pools of a spot."""
    return _listed(request, spot, spread(spot, np.ascontiguousarray(free)))


@kernel
def _listed(request: int, spot: Spot, hours: IntArray) -> IntArray:
    """Return ``(n, 4)`` the cells that hold hours, by pool and slot."""
    cells = np.empty((np.count_nonzero(hours), 4), dtype=np.int64)
    n = 0
    for row in np.argsort(spot.pools):
        for at in range(hours.shape[1]):
            if hours[row, at] > 0:
                cells[n, 0], cells[n, 1] = request, spot.pools[row]
                cells[n, 2], cells[n, 3] = spot.first + at, hours[row, at]
                n += 1
    return cells


@kernel
def spread(spot: Spot, free: IntArray) -> IntArray:
    """Return ``(pools, slots of the window)`` GPU-hours, most room first, pool after pool."""
    length = spot.end - spot.first
    hours = np.zeros((spot.pools.shape[0], length), dtype=np.int64)
    seated = np.zeros(length, dtype=np.int64)
    missing = spot.amount
    for row in range(spot.pools.shape[0]):
        left = free[spot.pools[row], spot.first : spot.end]
        for at in np.argsort(-left, kind="mergesort"):
            if missing <= 0:
                return hours
            most = min(left[at], spot.limit - seated[at]) // spot.gang
            gangs = min(most, -(-missing // (spot.gang * spot.speed[row])))
            if gangs > 0:
                hours[row, at] = gangs * spot.gang
                seated[at] += gangs * spot.gang
                missing -= gangs * spot.gang * spot.speed[row]
    return hours


def whole_step(problem: Problem, request: int) -> int:
    """Return the least multiple of the gang whose slot of hours is a whole number."""
    gang = int(problem.gang[request])
    return gang * (MILLI // gcd(MILLI, gang * problem.slot_hours))


def same_gpus(problem: Problem, request: int, gpus: int, pool: int, slots: range) -> IntArray:
    """Return the cells of the same GPUs of a pool over some slots."""
    hours = gpus * problem.slot_hours // MILLI
    return np.array([(request, pool, slot, hours) for slot in slots], dtype=np.int64)


def most_gpus(problem: Problem, request: int, pool: int, slots: int) -> int:
    """Return the most GPUs that a block or constant may use before it passes its ask.

    Its cells may total less than the ask plus one gang-hour, whatever its length.
    """
    step = whole_step(problem, request)
    per_gpu = slots * int(problem.speed[request, pool]) * problem.slot_hours
    roof = int(problem.ask[request] + problem.gang[request] * problem.speed[request, pool])
    gpus = min(int(problem.max_gpus[request]), (roof * MILLI - 1) // per_gpu)
    return gpus // step * step


def _fitting(problem: Problem, least: int, wish: tuple[int, int], pool: int, slots: range) -> int:
    """Return the GPUs of a pool to use over the slots: enough for the wish, or what fits.

    Args:
        problem: the round.
        least: GPU-hours free in every slot.
        wish: request and thousandths of reference hours.
        pool: index.
        slots: the slots.
    """
    request, amount = wish
    step = whole_step(problem, request)
    per_step = len(slots) * int(problem.speed[request, pool]) * problem.slot_hours * step // MILLI
    wanted = -(-amount // per_step) * step
    fitting = least * MILLI // (problem.slot_hours * step) * step
    return min(wanted, fitting, most_gpus(problem, request, pool, len(slots)))


def _block(
    problem: Problem, free: IntArray, request: int, amount: int, window: tuple[int, int]
) -> IntArray:
    """Place a block: the pool and start that hold most, then those with most room."""
    length = int(problem.block_slots[request])
    best, cells = (0, -1), NO_CELLS
    for pool in _preferred_pools(problem, request).tolist():
        for start in range(window[0], window[1] - length + 1):
            slots = range(start, start + length)
            least = int(free[pool, slots.start : slots.stop].min())
            gpus = _fitting(problem, least, (request, amount), pool, slots)
            key = (gpus * int(problem.speed[request, pool]), least)
            if gpus > 0 and key > best:
                best, cells = key, same_gpus(problem, request, gpus, pool, slots)
    return cells


def _constant(problem: Problem, free: IntArray, request: int, amount: int) -> IntArray:
    """Place a constant: on the one pool that holds most, else over several pools if allowed."""
    slots = range(int(problem.first[request]), int(problem.end[request]))
    best, cells = (0, -1), NO_CELLS
    for pool in _preferred_pools(problem, request).tolist():
        least = int(free[pool, slots.start : slots.stop].min())
        gpus = _fitting(problem, least, (request, amount), pool, slots)
        key = (gpus * int(problem.speed[request, pool]), least)
        if gpus > 0 and key > best:
            best, cells = key, same_gpus(problem, request, gpus, pool, slots)
    if total_reference(problem, cells) >= amount or problem.single_pool[request]:
        return cells
    return _best_of([cells, _several_pools(problem, free, request, amount)], problem)


def _several_pools(problem: Problem, free: IntArray, request: int, amount: int) -> IntArray:
    """Place a constant over several pools, the preferred first."""
    slots = range(int(problem.first[request]), int(problem.end[request]))
    parts: list[IntArray] = [NO_CELLS]
    gpus_left, missing = int(problem.max_gpus[request]), amount
    for pool in _preferred_pools(problem, request).tolist():
        step = whole_step(problem, request)
        least = int(free[pool, slots.start : slots.stop].min())
        gpus = _fitting(problem, least, (request, max(missing, 0)), pool, slots)
        gpus = min(gpus, gpus_left // step * step)
        held = gpus * len(slots) * int(problem.speed[request, pool]) * problem.slot_hours // MILLI
        if gpus > 0 and missing - held > -int(problem.gang[request] * problem.speed[request, pool]):
            parts.append(same_gpus(problem, request, gpus, pool, slots))
            gpus_left, missing = gpus_left - gpus, missing - held
    cells = np.concatenate(parts)
    return cells[np.lexsort((cells[:, 2], cells[:, 1]))]
