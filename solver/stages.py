"""What the final plan of whole gang-hours reaches in each stage, recomputed from its cells."""

from fractions import Fraction

import numpy as np

from solver.checking.goals import LEAST_SHARE
from solver.entitle import fellow_weights
from solver.placing.room import fits
from solver.plan import (
    Entitlement,
    Limit,
    SolveStatus,
    Stage,
    awarded_reference,
    per_fellow,
    per_group,
    received,
)
from solver.problem import MILLI, FloatArray, IntArray, Problem, Tier, dot
from solver.worth import asked_value, merit_points, value_parts

SHORTFALLS = ("groups", "groups_total", "fellows")
"""Tiers that want least; the value tier and the weighted goal want most."""
RESERVE_PERCENT = 10
"""Share of the awarded GPU-hours that the reserve list could take: the most that drop out."""


def objectives(
    problem: Problem, entitlement: Entitlement | None, cells: IntArray
) -> dict[str, float]:
    """Return what the cells reach in each tier, in the tier's own unit."""
    found = exact_objectives(problem, entitlement, cells)
    return {name: float(figure) for name, figure in found.items()}


def exact_objectives(
    problem: Problem, entitlement: Entitlement | None, cells: IntArray
) -> dict[str, Fraction]:
    """Return the same in exact numbers, with the weighted goal where the policy has one."""
    found = {"value": value(problem, cells)}
    if entitlement is not None:
        found |= _shortfalls(problem, entitlement, received(problem, cells))
    if problem.rules.weights:
        found["weighted"] = _attained(problem, entitlement, found)
    return found


def _shortfalls(
    problem: Problem, entitlement: Entitlement, amounts: IntArray
) -> dict[str, Fraction]:
    """Return what groups and fellows lack with what requests receive."""
    short = np.maximum(entitlement.groups - per_group(problem, amounts), 0)
    due = entitlement.groups
    parts = [
        Fraction(lack, right)
        for lack, right in zip(short.tolist(), due.tolist(), strict=True)
        if right
    ]
    lacks = np.maximum(entitlement.fellows - per_fellow(problem, amounts), 0)
    weights = mean_one_weights(problem)
    lack = sum(w * each for w, each in zip(weights, lacks.tolist(), strict=True))
    return {
        "groups": max(parts, default=Fraction(0)),
        "groups_total": Fraction(int(short.sum()), MILLI),
        "fellows": Fraction(lack) / MILLI,
    }


def lacks(problem: Problem, entitlement: Entitlement | None, cells: IntArray) -> FloatArray:
    """Return ``(g,)`` which share of its entitlement each group lacks; 0 without one."""
    if entitlement is None:
        return np.zeros(problem.groups)
    due, held = entitlement.groups, per_group(problem, received(problem, cells))
    return np.asarray(np.maximum(due - held, 0) / np.maximum(due, 1))


def _attained(
    problem: Problem, entitlement: Entitlement | None, reached: dict[str, Fraction]
) -> Fraction:
    """Return the weighted mean of what each tier attains, as a share of all there is of it.

    Groups attain what is left of 1 by the mean of the largest share that one of them lacks and
    the share that they lack together; fellows what is left by the share that they lack, weighed by
    merit; value its share of what everything that is asked would be worth.
    """
    rules = problem.rules
    lacks = Fraction(0)
    if entitlement is not None:
        due = max(Fraction(int(entitlement.groups.sum()), MILLI), Fraction(1, MILLI))
        lacks += rules.part(Tier.GROUPS) * (reached["groups"] + reached["groups_total"] / due) / 2
        lacks += rules.part(Tier.FELLOWS) * reached["fellows"] / weighed_due(problem, entitlement)
    asked = asked_value(problem)
    missed = 1 - reached["value"] / asked if asked else Fraction(0)
    return 1 - lacks - rules.part(Tier.VALUE) * missed


def weighed_due(problem: Problem, entitlement: Entitlement) -> Fraction:
    """Return the entitlements of the fellows, each times the weight over the mean weight."""
    weights, due = mean_one_weights(problem), entitlement.fellows.tolist()
    total = sum((w * each for w, each in zip(weights, due, strict=True)), Fraction(0))
    return total / MILLI or Fraction(1)


def scales(entitlement: Entitlement | None) -> dict[str, float]:
    """Return the size that the gap of each tier is measured against at least."""
    total = 0 if entitlement is None else int(entitlement.groups.sum())
    whole = {"groups": 1.0, "groups_total": total / MILLI, "fellows": total / MILLI}
    return whole | {"value": 0.0, "weighted": float(LEAST_SHARE)}


def mean_one_weights(problem: Problem) -> list[Fraction]:
    """Return the fellows' weights scaled to mean 1 over those with an eligible request."""
    asking = np.unique(problem.fellow[problem.eligible]).tolist()
    weights = fellow_weights(problem).tolist()
    together = sum(weights[each] for each in asking)
    found = [Fraction(0)] * problem.fellows
    for each in asking if together else []:
        found[each] = Fraction(weights[each] * len(asking), together)
    return found


def value(problem: Problem, cells: IntArray) -> Fraction:
    """Return the policy's value of the cells."""
    by_hours, by_projects = value_parts(problem)
    points = merit_points(problem)
    hours = dot(points, awarded_reference(problem, cells))
    projects = int(points[np.unique(cells[:, 0])].sum())
    return by_hours * Fraction(hours, MILLI**2) + by_projects * Fraction(projects, MILLI)


def tier_stage(  # noqa: PLR0913 - one parameter a figure
    name: str, objective: float, bound: float, scale: float, *, gap: float, rest: "Rest"
) -> Stage:
    """Return a tier's stage: its bound never lies on the wrong side of what the plan reaches.

    Whole gang-hours may leave an earlier tier by a trifle and so pass a later tier's bound. Bound
    and objective that differ by noise are one.
    """
    fair = min(bound, objective) if name in SHORTFALLS else max(bound, objective)
    fair = objective if abs(fair - objective) <= NOISE else fair
    size = max(abs(fair), abs(objective), scale)
    off = abs(fair - objective) / size if size else 0.0
    return Stage(
        name=name,
        status=SolveStatus.OPTIMAL if off <= gap else SolveStatus.FEASIBLE,
        objective=objective,
        bound=fair,
        gap=off,
        limit=rest[0],
        work=rest[1],
        evidence=rest[2],
    )


NOISE = 1e-12
"""What floating point makes of nothing, in a tier's own unit."""
Rest = tuple[Limit, int, str]
"""Limit, work and evidence of a tier."""


def plain_stage(name: str, figure: float, *, work: int = 0, limit: Limit = Limit.NONE) -> Stage:
    """Return a stage without a goal of its own: it states a figure."""
    return Stage(
        name=name,
        status=SolveStatus.OPTIMAL,
        objective=figure,
        bound=figure,
        gap=0.0,
        work=work,
        limit=limit,
        evidence="none",
    )


def moved_stage(problem: Problem, moved: int, least: int) -> Stage:
    """Return the stage that says how many held GPU-hours lie elsewhere; its gap is a share of all.

    The bound is plain arithmetic: what a pool has promised in a slot beyond its supply must go.
    """
    gap = (moved - least) / max(int(problem.previous[:, 3].sum()), moved, 1)
    return Stage(
        name="moved",
        status=SolveStatus.OPTIMAL if moved == least else SolveStatus.FEASIBLE,
        objective=float(moved),
        bound=float(least),
        gap=gap,
        evidence="arithmetic",
    )


def reserve(problem: Problem, entitlement: Entitlement | None, cells: IntArray) -> tuple[int, ...]:
    """Return the requests next in line: who would be funded if some awards came back.

    The better score goes first; between equals the fellow who lacks more of the entitlement. The
    list ends where the minimums on it add up to `RESERVE_PERCENT` of the awarded GPU-hours, for
    it is no kindness to wait in a line that cannot be reached; the first one is always on it.
    Who could not be funded even alone in the round is not.
    """
    funded = np.zeros(problem.requests, dtype=np.bool_)
    funded[cells[:, 0]] = True
    lack = np.zeros(problem.fellows, dtype=np.int64)
    if entitlement is not None and problem.rules.is_fair:
        lack = entitlement.fellows - per_fellow(problem, received(problem, cells))
    waiting = np.flatnonzero(problem.eligible & ~funded)
    keys = (waiting, -np.maximum(lack, 0)[problem.fellow[waiting]], -problem.score[waiting])
    returned = int(cells[:, 3].sum()) * MILLI * RESERVE_PERCENT // 100
    supply, line, needed = problem.supply // MILLI, list[int](), 0
    for each in waiting[np.lexsort(keys)].tolist():
        if not fits(problem, each, supply):
            continue
        needed += max(int(problem.minimum[each]) * MILLI // int(problem.speed[each].max()), MILLI)
        if line and needed > returned:
            break
        line.append(each)
    return tuple(line)
