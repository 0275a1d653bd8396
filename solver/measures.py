"""What a plan is like: hours, utilization, shortfalls and fairness per unit of entitlement."""

from dataclasses import dataclass

import numpy as np

from solver.fairness import Theil, atkinson, envious_pairs, gini, jain_index, theil
from solver.plan import (
    Entitlement,
    Plan,
    awarded_reference,
    per_fellow,
    per_group,
    received,
)
from solver.problem import MILLI, FloatArray, IntArray, Problem

SATISFIED = np.iinfo(np.int64).max
"""Stands for the award of a fellow who got everything asked, and so envies nobody."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measures:
    """The figures of a plan.

    Shares are received / entitlement over the fellows who have an entitlement; under a policy
    without fairness tiers they are received / stated weight over the fellows with an eligible
    request, and "at entitlement" means at the whole ask.

    Attributes:
        awarded: thousandths of reference GPU-hours.
        utilization: ``(p,)`` share of the supply in use, 0 without supply.
        group_awarded, group_entitlement, group_shortfall: ``(g,)`` thousandths of the unit.
        at_entitlement: fellows who have it but for less than one gang-hour of theirs.
        at_half: fellows with half of it or more; at_zero: fellows with nothing.
        jain, gini, theil, atkinson: of the shares.
        envy: share of ordered pairs of fellows in which one would, per unit of entitlement, make
            more of what the other got than of the own award.
        funded: requests with an award; minimum_met: those of them at their minimum or above.
    """

    awarded: int
    utilization: FloatArray
    group_awarded: IntArray
    group_entitlement: IntArray
    group_shortfall: IntArray
    at_entitlement: int
    at_half: int
    at_zero: int
    jain: float
    gini: float
    theil: Theil
    atkinson: float
    envy: float
    funded: int
    minimum_met: int


def measure(problem: Problem, plan: Plan) -> Measures:
    """Measure a plan."""
    units = received(problem, plan.cells)
    awards = awarded_reference(problem, plan.cells)
    rights, claims = _rights(problem, plan.entitlement)
    entitled = rights > 0
    got = per_fellow(problem, units)
    shares = got[entitled] / rights[entitled]
    enough = np.where(claims > _last_gang(problem), claims - _last_gang(problem), claims - 1)
    group_awarded = per_group(problem, units)
    right = plan.entitlement.groups if plan.entitlement else np.zeros_like(group_awarded)
    return Measures(
        awarded=int(awards.sum()),
        utilization=_utilization(problem, plan.cells),
        group_awarded=group_awarded,
        group_entitlement=right,
        group_shortfall=np.maximum(right - group_awarded, 0),
        at_entitlement=int(((got > enough) | (got >= claims))[entitled].sum()),
        at_half=int((2 * got >= claims)[entitled].sum()),
        at_zero=int((got == 0)[entitled].sum()),
        jain=jain_index(shares),
        gini=gini(shares),
        theil=theil(shares, problem.fellow_group[entitled]),
        atkinson=atkinson(shares),
        envy=envy(problem, plan.cells, rights),
        funded=int((awards > 0).sum()),
        minimum_met=int(((awards > 0) & (awards >= problem.minimum)).sum()),
    )


def envy(problem: Problem, cells: IntArray, rights: IntArray) -> float:
    """Return the share of ordered pairs of entitled fellows in which one envies the other.

    A fellow values a GPU-hour by the fastest own request that may lie on its pool in its slot;
    gangs and minimums are left out, so this counts too much envy rather than too little.

    Args:
        problem: the round.
        cells: ``(n, 4)`` of the plan.
        rights: ``(f,)`` entitlements, or whatever stands for them.
    """
    entitled = int((rights > 0).sum())
    if entitled <= 1:
        return 0.0
    nodes = problem.pools * problem.slots
    got = np.zeros((problem.fellows, nodes), dtype=np.int64)
    np.add.at(
        got, (problem.fellow[cells[:, 0]], cells[:, 1] * problem.slots + cells[:, 2]), cells[:, 3]
    )
    awards = per_fellow(problem, awarded_reference(problem, cells))
    asks = per_fellow(problem, np.where(problem.vetoed, 0, problem.ask))
    awards = np.where(awards >= asks, SATISFIED, awards)
    pairs = int(envious_pairs(_useful(problem), got, awards, np.array(rights)))
    return pairs / (entitled * (entitled - 1))


def _rights(problem: Problem, entitlement: Entitlement | None) -> tuple[IntArray, IntArray]:
    """Return ``(f,)`` what shares are per unit of, and what counts as all of it."""
    if entitlement is not None and entitlement.fellows.any():
        return entitlement.fellows, entitlement.fellows
    units = problem.ask[:, None] * problem.factor // np.maximum(problem.speed, 1)
    least = np.where(problem.speed > 0, units, np.iinfo(np.int64).max).min(axis=1)
    asks = per_fellow(problem, np.where(problem.vetoed, 0, least))
    return np.where(asks > 0, problem.fellow_weight, 0), asks


def _last_gang(problem: Problem) -> IntArray:
    """Return ``(f,)`` thousandths of the unit in the largest gang-hour of a fellow's requests."""
    steps = np.where(problem.vetoed, 0, problem.gang * problem.factor.max(axis=1))
    largest = np.zeros(problem.fellows, dtype=np.int64)
    np.maximum.at(largest, problem.fellow, steps)
    return largest


def _utilization(problem: Problem, cells: IntArray) -> FloatArray:
    """Return ``(p,)`` the share of each pool's supply that is in use."""
    used = np.bincount(cells[:, 1], weights=cells[:, 3] * MILLI, minlength=problem.pools)
    supply = problem.supply.sum(axis=1)
    utilization: FloatArray = np.divide(used, supply, out=np.zeros(problem.pools), where=supply > 0)
    return utilization


def _useful(problem: Problem) -> IntArray:
    """Return ``(f, m)`` the fastest speed of a fellow's requests on each pool in each slot."""
    useful = np.zeros((problem.fellows, problem.pools, problem.slots), dtype=np.int64)
    for request in np.nonzero(problem.eligible)[0].tolist():
        first, end = int(problem.first[request]), int(problem.end[request])
        mine = useful[problem.fellow[request], :, first:end]
        np.maximum(mine, problem.speed[request][:, None], out=mine)
    return useful.reshape(problem.fellows, -1)
