"""What is to be placed: needs, goals, windows, pools and targets of the funded requests."""

from dataclasses import dataclass

import numpy as np

from solver.placing.board import OPEN, loose, most_hours
from solver.placing.placement import most_gpus, same_gpus, whole_step
from solver.placing.windows import tighten
from solver.plan import NO_CELLS, Entitlement, per_fellow, per_group
from solver.problem import (
    MILLI,
    BoolArray,
    FellowWeight,
    IntArray,
    Merit,
    Problem,
    Shape,
    Tier,
)

TOLERANCE = 10
"""Thousandths of a GPU-hour that a division may stray from whole GPUs and still count as such."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outline:
    """What is to be placed.

    Attributes:
        fluid: ``(n, 4)`` request, pool, slot, thousandths of a GPU-hour of the funded.
        need: ``(r,)`` thousandths of reference hours, 0 for who is not funded.
        goal: ``(r,)`` the same, what the fluid division gives and at least the need.
        windows: ``(r, 2)`` tightened; pools: ``(r, p)`` pools to use.
        target: ``(b,)`` what the tiers want fellows and groups to hold; divided: what they hold in
            the division.
        merit: ``(r,)`` value of a thousandth of a reference hour.
    """

    problem: Problem
    fluid: IntArray
    funded: BoolArray
    need: IntArray
    goal: IntArray
    windows: IntArray
    pools: BoolArray
    target: IntArray
    divided: IntArray
    merit: IntArray


def outline(
    problem: Problem,
    fluid: IntArray,
    funded: BoolArray,
    least: IntArray,
    entitlement: Entitlement | None,
) -> Outline:
    """Read off what everyone needs, where, when and towards what."""
    funded = funded & ~problem.vetoed
    fluid = fluid[funded[fluid[:, 0]] & (fluid[:, 3] > 0)]
    need = np.maximum(np.maximum(problem.minimum, least), 1)
    if problem.rules.keep_accepted:
        need = np.maximum(need, totals(problem, problem.previous))
    need = np.where(funded, np.minimum(need, problem.ask), 0)
    goal = np.minimum(np.maximum(totals(problem, fluid) // MILLI, need), problem.ask)
    score = problem.rules.merit is Merit.SCORE
    divided = _divided(problem, fluid)
    return Outline(
        problem=problem,
        fluid=fluid,
        funded=funded,
        need=need,
        goal=goal,
        windows=tighten(problem, funded, need, fluid),
        pools=_choose_pools(problem, fluid),
        target=_targets(problem, divided, entitlement),
        divided=divided,
        merit=np.maximum(problem.score, 1) if score else np.ones_like(problem.score),
    )


def redrawn(plan: Outline, cells: IntArray) -> Outline:
    """Return the outline with whole cells in the place of its division."""
    problem = plan.problem
    fluid = cells * np.array([1, 1, 1, MILLI])
    served = np.zeros_like(plan.funded)
    served[cells[:, 0]] = True
    need = np.where(served, plan.need, 0)
    return Outline(
        problem=problem,
        fluid=fluid,
        funded=served,
        need=need,
        goal=np.minimum(totals(problem, cells), problem.ask),
        windows=tighten(problem, served, need, fluid),
        pools=_choose_pools(problem, fluid),
        target=plan.target,
        divided=_divided(problem, fluid),
        merit=plan.merit,
    )


def totals(problem: Problem, cells: IntArray) -> IntArray:
    """Return ``(r,)`` reference hours of cells, in thousandths of the cells' unit."""
    sums = np.zeros(problem.requests, dtype=np.int64)
    np.add.at(sums, cells[:, 0], cells[:, 3] * problem.speed[cells[:, 0], cells[:, 1]])
    return sums


def fellow_merit(problem: Problem) -> IntArray:
    """Return ``(f,)`` the weight a fellow's shortfall counts with, up to scale, at least 1."""
    if problem.rules.fellow_weight is FellowWeight.WEIGHT:
        return np.maximum(problem.fellow_weight, 1)
    if problem.rules.fellow_weight is FellowWeight.EQUAL:
        return np.ones(problem.fellows, dtype=np.int64)
    ask = np.where(problem.vetoed, 0, problem.ask)
    asked = np.maximum(per_fellow(problem, ask), 1)
    share = ask * problem.score // asked[problem.fellow]
    return np.maximum(per_fellow(problem, share), 1)


def laid_shapes(plan: Outline) -> IntArray | None:
    """Return the blocks and constants as the division lays them, or None if it bends a shape."""
    parts = [NO_CELLS]
    for request in np.nonzero(plan.funded & ~loose(plan.problem))[0].tolist():
        cells = _shape_of(plan, request)
        if cells is None:
            return None
        parts.append(cells)
    cells = np.concatenate(parts)
    used = np.zeros_like(plan.problem.supply)
    np.add.at(used, (cells[:, 1], cells[:, 2]), cells[:, 3] * MILLI)
    return cells if (used <= plan.problem.supply).all() else None


def _shape_of(plan: Outline, request: int) -> IntArray | None:
    """Return the cells of one block or constant if the division has its shape."""
    problem = plan.problem
    rows = plan.fluid[plan.fluid[:, 0] == request]
    if not rows.size:
        return None
    pools = np.unique(rows[:, 1]).tolist()
    slots = range(int(rows[:, 2].min()), int(rows[:, 2].max()) + 1)
    if problem.shape[request] == Shape.BLOCK:
        fits = len(pools) == 1 and len(slots) == problem.block_slots[request]
    else:
        fits = slots == range(int(problem.first[request]), int(problem.end[request]))
        fits = fits and (len(pools) == 1 or not problem.single_pool[request])
    inside = plan.windows[request, 0] <= slots[0] and slots[-1] < plan.windows[request, 1]
    if not (fits and inside and len(rows) == len(pools) * len(slots)):
        return None
    parts = []
    for pool in pools:
        gpus = _whole_gpus(problem, request, pool, rows[rows[:, 1] == pool, 3])
        if not gpus:
            return None
        parts.append(same_gpus(problem, request, gpus, pool, slots))
    cells = np.concatenate(parts)
    past = int(problem.gang[request] * problem.speed[request, pools].max())
    total = int(totals(problem, cells)[request])
    return cells if plan.need[request] <= total < problem.ask[request] + past else None


def _whole_gpus(problem: Problem, request: int, pool: int, amounts: IntArray) -> int:
    """Return the GPUs that equal amounts in slots stand for, 0 if they are not equal and whole."""
    step = whole_step(problem, request)
    gpus = round(int(amounts[0]) / (problem.slot_hours * step)) * step
    even = np.abs(amounts - gpus * problem.slot_hours) <= TOLERANCE
    most = most_gpus(problem, request, pool, len(amounts))
    return gpus if even.all() and gpus <= most else 0


def _choose_pools(problem: Problem, fluid: IntArray) -> BoolArray:
    """Return ``(r, p)`` acceptable pools; where only one may be used, the one with most of it.

    What an earlier plan gave counts before what the division gives, and where neither gives
    anything the room that there is.
    """
    pools = problem.speed > 0
    mass = np.zeros(problem.speed.shape, dtype=np.int64)
    for cells, scale in ((fluid, 1), (problem.previous, OPEN // 10**9)):
        np.add.at(mass, (cells[:, 0], cells[:, 1]), cells[:, 3] * scale)
    gangs = most_hours(problem) // problem.gang
    for request in np.flatnonzero(problem.single_pool & ~mass.any(axis=1)).tolist():
        window = slice(int(problem.first[request]), int(problem.end[request]))
        free = problem.supply[:, window] // (MILLI * int(problem.gang[request]))
        room = np.minimum(free, gangs[request]).sum(axis=1)
        mass[request] = room * problem.speed[request]
    chosen = np.zeros_like(pools)
    chosen[np.arange(problem.requests), np.argmax(np.where(pools, mass, -1), axis=1)] = True
    return np.where(problem.single_pool[:, None], chosen & pools, pools)


def _divided(problem: Problem, fluid: IntArray) -> IntArray:
    """Return ``(b,)`` what fellows and groups hold in a division, 0 for the rest."""
    units = np.zeros(problem.requests, dtype=np.int64)
    np.add.at(units, fluid[:, 0], fluid[:, 3] * problem.factor[fluid[:, 0], fluid[:, 1]])
    units //= MILLI
    rest = problem.institute_cap.shape[0] + problem.track_cap.shape[0]
    parts = per_fellow(problem, units), per_group(problem, units), np.zeros(rest)
    return np.concatenate(parts).astype(np.int64)


def _targets(problem: Problem, divided: IntArray, entitlement: Entitlement | None) -> IntArray:
    """Return ``(b,)`` what the tiers want fellows and groups to hold, 0 without such a tier."""
    target, fellows = divided.copy(), problem.fellows
    if entitlement is not None:
        target[:fellows] = entitlement.fellows
        target[fellows : fellows + problem.groups] = entitlement.groups
    target[:fellows] *= Tier.FELLOWS in problem.rules.tiers
    target[fellows:] *= Tier.GROUPS in problem.rules.tiers
    return target
