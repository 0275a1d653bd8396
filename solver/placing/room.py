"""How much room there is: in supply, for whole gangs and shapes, and under floors and caps."""

from collections.abc import Iterable
from math import gcd

import numpy as np

from solver.problem import MILLI, IntArray, Problem, Shape, Unit


def most_whole(problem: Problem, request: int, free: IntArray) -> int:
    """Return the most a request can get of some supply, by itself.

    Gangs, shape, window, most GPUs and single pool are kept, floors and caps are not looked at.

    Args:
        problem: the round.
        request: index.
        free: ``(p, t)`` whole GPU-hours.

    Returns:
        Thousandths of reference GPU-hours that the award would state, so at most the ask; 0 when
        nothing fits.
    """
    pools = np.flatnonzero(problem.speed[request] > 0)
    pools = pools[np.argsort(-problem.speed[request, pools], kind="stable")]
    apart = problem.single_pool[request] or problem.shape[request] == Shape.BLOCK
    choices = [pools[index : index + 1] for index in range(pools.size)]
    if not apart:  # steady shapes come in coarse steps: the fastest pools first may not fill best
        choices = [pools, pools[::-1], *choices] if problem.shape[request] else [pools]
    most = max((_most(problem, request, free, each) for each in choices), default=0)
    return min(most, int(problem.ask[request]))


def least_needed(problem: Problem, request: int) -> int:
    """Return the thousandths of reference hours without which a request is not funded."""
    return max(int(problem.minimum[request]), 1)


def fits(problem: Problem, request: int, free: IntArray) -> bool:
    """Say whether a request reaches its minimum in some supply, by itself."""
    return most_whole(problem, request, free) >= least_needed(problem, request)


def least_units(problem: Problem, request: int) -> int:
    """Return the thousandths of the unit that the smallest award of a request counts at least."""
    gang = int(problem.gang[request])
    hours = gang
    if problem.shape[request] != Shape.FLEXIBLE:
        slots = int(problem.end[request] - problem.first[request])
        if problem.shape[request] == Shape.BLOCK:
            slots = int(problem.block_slots[request])
        whole = MILLI // gcd(gang * problem.slot_hours, MILLI)
        hours = gang * whole * problem.slot_hours // MILLI * slots
    pools = problem.speed[request] > 0
    units = hours * int(problem.factor[request, pools].min(initial=np.iinfo(np.int64).max // hours))
    if problem.rules.unit is Unit.REFERENCE_HOURS:
        return min(units, int(problem.ask[request]))
    return units


def holders(problem: Problem) -> dict[str, tuple[IntArray, IntArray, IntArray]]:
    """Return by kind: ``(r,)`` whose each request is, floors and caps."""
    none = np.zeros(problem.fellows, dtype=np.int64)
    institute = problem.fellow_institute[problem.fellow]
    return {
        "fellow": (problem.fellow, none, problem.fellow_cap),
        "group": (problem.group, problem.group_floor, problem.group_cap),
        "institute": (institute, problem.institute_floor, problem.institute_cap),
        "track": (problem.track, problem.track_floor, problem.track_cap),
    }


def _most(problem: Problem, request: int, free: IntArray, pools: IntArray) -> int:
    """Return the most in some pools together, fastest first."""
    first, end = int(problem.first[request]), int(problem.end[request])
    if problem.shape[request] == Shape.BLOCK:
        length = int(problem.block_slots[request])
        starts = range(first, end - length + 1)
        return _steady(problem, request, free, pools, ((each, each + length) for each in starts))
    if problem.shape[request] == Shape.CONSTANT:
        return _steady(problem, request, free, pools, [(first, end)])
    return _flexible(problem, request, free[pools, first:end], problem.speed[request, pools])


def _flexible(problem: Problem, request: int, free: IntArray, speeds: IntArray) -> int:
    """Fill every slot with whole gang-hours, the fastest pool first."""
    gang = int(problem.gang[request])
    hours = int(problem.max_gpus[request]) * problem.slot_hours // MILLI
    left = np.full(free.shape[1], hours // gang, dtype=np.int64)
    total = 0
    for row, speed in zip(free, speeds.tolist(), strict=True):
        taken = np.minimum(left, row // gang)
        left -= taken
        total += int(taken.sum()) * gang * speed
    return total


def _steady(
    problem: Problem,
    request: int,
    free: IntArray,
    pools: IntArray,
    stays: Iterable[tuple[int, int]],
) -> int:
    """Return the most that the same GPUs over one of the stays bring."""
    gang = int(problem.gang[request])
    whole = MILLI // gcd(gang * problem.slot_hours, MILLI)
    step = gang * whole * problem.slot_hours // MILLI
    best = 0
    for first, end in stays:
        left = int(problem.max_gpus[request]) // (gang * whole)
        total = fastest = 0
        for pool in pools.tolist():
            speed = int(problem.speed[request, pool])
            fastest = max(fastest, speed)
            each = step * (end - first) * speed
            beyond = int(problem.ask[request]) + gang * fastest - 1 - total
            steps = min(left, int(free[pool, first:end].min()) // step, beyond // each)
            left -= max(steps, 0)
            total += max(steps, 0) * each
        best = max(best, total)
    return best
