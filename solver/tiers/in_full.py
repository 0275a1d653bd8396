"""Ways to fund flexible requests that get all they ask or nothing, in one pool or several.

Plans count on the fewest units that whole gang-hours in any of the pools bring, each with as many
as make the ask alone; bounds on the most units, and on as few hours as make it with fractions.
"""

import numpy as np

from solver.placing.board import most_hours
from solver.problem import MILLI, NOBODY, IntArray, Problem, Shape, Unit
from solver.tiers.combinations import Spread, Ways
from solver.tiers.extent import find_extent
from solver.worth import merit_points, value_parts

ALL = 1.0 - 1e-12
"""Share of an ask from which on it counts as all of it."""
MISSED = 1e-6
"""Thousandths that floating point may miss."""


def gets_all_or_nothing(problem: Problem) -> bool:
    """Return whether all requests are flexible and nobody may get less than is asked."""
    able = problem.eligible & (problem.ask > 0) & (problem.speed > 0).any(axis=1)
    flexible = (problem.shape[able] == Shape.FLEXIBLE).all()
    return bool(flexible and (find_extent(problem).low[able] >= ALL).all())


def whole_ways(problem: Problem) -> Ways:
    """Return ways in whole gang-hours, for plans: what is sure of them, what a cap may count.

    Plans know only of pools that can hold all of a request.
    """
    request, pool = _places(problem)
    fits = _gangs(problem, request, pool) <= _room(problem, request, pool)
    request, pool = request[fits], pool[fits]
    hours = _gangs(problem, request, pool) * problem.gang[request]
    units = hours * problem.factor[request, pool]
    if problem.rules.unit is Unit.REFERENCE_HOURS:
        units = problem.ask[request]
    places = Spread(request, pool, hours.astype(np.float64))
    fewest, most = (_of_any_pool(problem, places, units, each) for each in (np.minimum, np.maximum))
    return _ways(problem, places, fewest, most)


def mixed_ways(problem: Problem) -> Ways:
    """Return the same for bounds: the fewest hours and the most units of any mixture of pools.

    A pool that holds part of a request counts as one that can hold all.
    """
    request, pool = _places(problem)
    some = _room(problem, request, pool) > 0
    request, pool = request[some], pool[some]
    extent, speed = find_extent(problem), problem.speed[request, pool]
    least = extent.low[request] * problem.ask[request]
    top = extent.top[request] * problem.ask[request]
    places = Spread(request, pool, least / speed)
    fewest = most = problem.ask[request]
    if problem.rules.unit is not Unit.REFERENCE_HOURS:
        per_hour = problem.factor[request, pool] / speed
        ends = np.floor(least * per_hour + MISSED), np.ceil(top * per_hour - MISSED)
        fewest = _of_any_pool(problem, places, ends[0].astype(np.int64), np.minimum)
        most = _of_any_pool(problem, places, ends[1].astype(np.int64), np.maximum)
    return _ways(problem, places, most, fewest)


def _of_any_pool(problem: Problem, places: Spread, units: IntArray, end: np.ufunc) -> IntArray:
    """Return ``(n,)`` units, for who may lie in several pools at once the fewest or most of all.

    Args:
        problem: the round.
        places: n of them.
        units: ``(n,)``.
        end: minimum or maximum.
    """
    joint = np.where(problem.single_pool[places.request], np.arange(units.size), -places.request)
    own, at = np.unique(joint, return_inverse=True)
    found = np.zeros(own.size, dtype=np.int64)
    found[at] = units
    end.at(found, at, units)
    return found[at]


def _ways(problem: Problem, places: Spread, units: IntArray, capped: IntArray) -> Ways:
    """Return one way for each request, and for each pool of those that have to pick one.

    Args:
        problem: the round.
        places: n of them.
        units: ``(n,)`` thousandths of the unit.
        capped: ``(n,)`` the same, of what a cap counts.
    """
    request = places.request
    several = (np.bincount(request, minlength=problem.requests) > 1) & ~problem.single_pool
    inside, new = several[request], np.diff(request, prepend=NOBODY) > 0
    rows = np.flatnonzero(~inside | new)
    own = request[rows]
    by_hours, by_projects = map(float, value_parts(problem))
    merit = merit_points(problem)[own] / MILLI
    hours = np.where(several[own], 0.0, places.hours[rows])
    return Ways(
        request=own,
        pool=np.where(several[own], NOBODY, places.pool[rows]),
        gpus=problem.max_gpus[own],
        hours=np.floor(hours + MISSED).astype(np.int64),
        units=units[rows],
        capped=capped[rows],
        value=merit * (by_hours * problem.ask[own] / MILLI + by_projects),
        spread=Spread(request[inside], places.pool[inside], places.hours[inside]),
    )


def _places(problem: Problem) -> tuple[IntArray, IntArray]:
    """Return requests that may be funded and pools that they accept, in their order."""
    able = problem.eligible & (problem.ask > 0)
    request, pool = np.nonzero((problem.speed > 0) & able[:, None])
    return request.astype(np.int64), pool.astype(np.int64)


def _gangs(problem: Problem, request: IntArray, pool: IntArray) -> IntArray:
    """Return ``(n,)`` the fewest gang-hours of a pool that make the ask."""
    each = problem.gang[request] * problem.speed[request, pool]
    return np.asarray(-(-problem.ask[request] // each))


def _room(problem: Problem, request: IntArray, pool: IntArray) -> IntArray:
    """Return ``(n,)`` how many gang-hours a request has room for in a pool, all others away."""
    limit, supply = most_hours(problem), problem.supply // MILLI
    return np.array(
        [
            int((np.minimum(supply[at, first:end], most) // gang).sum())
            for at, first, end, most, gang in zip(
                pool.tolist(),
                problem.first[request].tolist(),
                problem.end[request].tolist(),
                limit[request].tolist(),
                problem.gang[request].tolist(),
                strict=True,
            )
        ],
        dtype=np.int64,
    )
