"""What all requests of one fellow can get together: every combination of pools and GPUs.

A block takes the same GPUs of one pool, a whole number of steps, so that there are few ways to fund
it, and few combinations of ways for a fellow. What a fellow lacks or brings is a number of each
combination: a program that mixes them says all that is whole about fellows (Dantzig, Wolfe 1960).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from solver.placing.board import OPEN, caps
from solver.placing.placement import most_gpus, whole_step
from solver.problem import MILLI, NO_CAP, NOBODY, BoolArray, FloatArray, IntArray, Problem, Unit
from solver.tiers.extent import find_extent, shape_slots
from solver.worth import merit_points, value_parts

MOST = 50_000
"""Combinations of one owner up to which they are listed."""
MOST_IN_ALL = 2_000_000
"""The same of a round."""


class Spread(NamedTuple):
    """Pools of requests that may lie in several of them, partly in each.

    Attributes:
        request, pool: ``(j,)`` in this order.
        hours: ``(j,)`` GPU-hours of all of the request there.
    """

    request: IntArray
    pool: IntArray
    hours: FloatArray


NOWHERE = Spread(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ways:
    """Ways to fund requests; axis w.

    Attributes:
        request, pool, gpus: ``(w,)``.
        hours: ``(w,)`` GPU-hours in all.
        units: ``(w,)`` thousandths of the unit; capped: what of it a cap counts.
        value: ``(w,)`` the policy's.
        spread: where requests lie that may lie in several pools; their own pool is `NOBODY`.
    """

    request: IntArray
    pool: IntArray
    gpus: IntArray
    hours: IntArray
    units: IntArray
    capped: IntArray
    value: FloatArray
    spread: Spread = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Combinations:
    """Combinations of ways, each owner's one after the other; axis n.

    Attributes:
        owner: ``(n,)`` a fellow, or a request where nothing is said of fellows.
        way: ``(n, k)`` indices of ways, or `NOBODY`.
        hours: ``(n, p)`` GPU-hours in all; units, value: ``(n,)`` as of ways.
    """

    ways: Ways
    owner: IntArray
    way: IntArray
    hours: IntArray
    units: IntArray
    value: FloatArray


def find_ways(problem: Problem) -> Ways:
    """Return every way to fund a block: its pool and its GPUs."""
    extent = find_extent(problem)
    least = np.ceil(extent.low * problem.ask - 1e-6).astype(np.int64)
    open_ = problem.eligible & (problem.ask > 0) & extent.reachable
    rows = [
        (request, pool, gpus, gpus * problem.slot_hours // MILLI * shape_slots(problem, request))
        for request in np.flatnonzero(open_).tolist()
        for pool in np.flatnonzero(problem.speed[request]).tolist()
        for gpus in _gpus(problem, request, pool, int(least[request]))
    ]
    request, pool, gpus, hours = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    award = np.minimum(hours * problem.speed[request, pool], problem.ask[request])
    by_hours, by_projects = map(float, value_parts(problem))
    merit = merit_points(problem)[request] / MILLI
    awarded = problem.rules.unit is Unit.REFERENCE_HOURS
    units = award if awarded else hours * problem.factor[request, pool]
    return Ways(
        request=request,
        pool=pool,
        gpus=gpus,
        hours=hours,
        units=units,
        capped=units,
        value=merit * (by_hours * award / MILLI + by_projects),
    )


def _gpus(problem: Problem, request: int, pool: int, least: int) -> range:
    """Return the numbers of GPUs of a pool that a block may use."""
    slots, step = shape_slots(problem, request), whole_step(problem, request)
    window = problem.supply[pool, problem.first[request] : problem.end[request]]
    if window.size < slots:
        return range(0)
    free = int(sliding_window_view(window, slots).min(axis=1).max()) // problem.slot_hours
    most = min(most_gpus(problem, request, pool, slots), free) // step
    each = step * problem.slot_hours // MILLI * slots * int(problem.speed[request, pool])
    return range(max(-(-least // each), 1) * step, most * step + 1, step)


def find_combinations(problem: Problem, ways: Ways, *, fair: bool) -> Combinations | None:
    """Return the combinations of a round's ways; None where there are too many.

    Args:
        problem: the round.
        ways: of all requests, in their order.
        fair: whether it counts what fellows hold.
    """
    by_fellow = fair or bool((caps(problem)[: problem.fellows] < OPEN).any())
    owner = problem.fellow if by_fellow else np.arange(problem.requests)
    options = np.split(
        np.arange(ways.request.size),
        np.searchsorted(ways.request, np.arange(1, problem.requests)),
    )
    parts: list[IntArray] = []
    for number in range(int(owner.max(initial=-1)) + 1):
        asking = [options[one] for one in np.flatnonzero(owner == number).tolist()]
        cap = int(problem.fellow_cap[number]) if by_fellow else NO_CAP
        listed = _listed(problem, ways, [each for each in asking if each.size], cap=cap)
        if listed is None or sum(len(part) for part in parts) > MOST_IN_ALL:
            return None
        parts.append(listed)
    width = max((part.shape[1] for part in parts), default=0)
    way = np.concatenate([_widened(part, width) for part in parts])
    hours, units, value = _sums(problem, ways, way)
    return Combinations(
        ways=ways,
        owner=np.repeat(np.arange(len(parts)), [len(part) for part in parts]),
        way=way,
        hours=hours,
        units=units,
        value=value,
    )


def _listed(problem: Problem, ways: Ways, options: list[IntArray], *, cap: int) -> IntArray | None:
    """Return ``(n, k)`` combinations, None where there are too many.

    Of those that take the same only the most valuable one can be of use, whatever is added; those
    in which a request may lie in several pools are all told apart.

    Args:
        problem: the round.
        ways: of all requests.
        options: the ways of each request of one owner.
        cap: what the owner may hold, or `NO_CAP`.
    """
    rows = np.full((1, 0), NOBODY)
    for ways_of_one in options:
        every = np.append(NOBODY, ways_of_one)
        if len(rows) * every.size > MOST:
            return None
        rows = np.column_stack([np.repeat(rows, every.size, axis=0), np.tile(every, len(rows))])
        hours, units, value = _sums(problem, ways, rows)
        order = np.lexsort((-value, units, *hours.T))
        same = (np.diff(hours[order], axis=0) == 0).all(axis=1) & (np.diff(units[order]) == 0)
        kept: BoolArray = np.ones(len(rows), dtype=np.bool_)
        kept[order[1:][same]] = ways.spread.request.size > 0
        rows = rows[kept & ((cap == NO_CAP) | (_capped(ways, rows) <= cap))]
    return rows


def _capped(ways: Ways, rows: IntArray) -> IntArray:
    """Return ``(n,)`` what of combinations a cap counts."""
    amounts = np.append(ways.capped, 0)  # NOBODY is the last one
    return np.asarray(amounts[rows].sum(axis=1))


def _widened(rows: IntArray, width: int) -> IntArray:
    """Return combinations with `NOBODY` in more columns."""
    return np.pad(rows, ((0, 0), (0, width - rows.shape[1])), constant_values=NOBODY)


def _sums(problem: Problem, ways: Ways, rows: IntArray) -> tuple[IntArray, IntArray, FloatArray]:
    """Return what combinations take of each pool, and what they bring in units and value."""
    hours = np.zeros((len(rows), problem.pools), dtype=np.int64)
    units, value = np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows))
    for column in rows.T:
        used = np.flatnonzero(column != NOBODY)
        way = column[used]
        own = ways.pool[way] != NOBODY
        hours[used[own], ways.pool[way[own]]] += ways.hours[way[own]]
        units[used] += ways.units[way]
        value[used] += ways.value[way]
    return hours, units, value
