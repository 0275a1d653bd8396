"""A round of blocks: what each fellow gets is decided first, when it starts afterwards.

Blocks start nearly anywhere, so that pools have room for what their hours in all allow. That leaves
few combinations to each fellow, and tiers whose bounds are near (`solver.tiers.combined`); starts
are then a question of packing alone (`solver.placing.packing`).
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from solver.answer import put_together, set_against
from solver.audit import is_lawful, kept_amounts
from solver.divide import Division
from solver.integral import lowest_share
from solver.leftover import use_leftover
from solver.placing.board import OPEN, caps, floors, in_order
from solver.placing.packing import Blocks, pack, within
from solver.placing.placement import same_gpus
from solver.plan import NO_CELLS, Entitlement, Plan, per_group, received
from solver.problem import MILLI, NOBODY, FloatArray, IntArray, Problem, Shape, Tier
from solver.select import Reached
from solver.stages import SHORTFALLS, objectives
from solver.tiers.combinations import find_combinations, find_ways
from solver.tiers.combined import Combined
from solver.tiers.program import Effort
from solver.timetable import Timetable
from solver.worth import asked_value

LARGE = 4_000
"""Places (request, pool, start) from which on a round of blocks is decided so."""
Report = Callable[[str, float, float], None]


def by_blocks(
    problem: Problem,
    entitlement: Entitlement | None,
    *,
    gap: float,
    effort: Effort,
    report: Report,
) -> Plan | None:
    """Answer a large round in which all requests are blocks; None for others, or without a plan.

    Args:
        problem: the round.
        entitlement: what groups and fellows hold by right; None without fairness tiers.
        gap: relative gap at which a tier counts as proved.
        effort: limits of each program.
        report: told name, objective and bound of each tier.
    """
    found = None
    if suits(problem):
        found = find_combinations(problem, find_ways(problem), fair=entitlement is not None)
    if found is None:
        return None
    search = Combined(problem, entitlement, found, gap=gap, effort=effort)
    if not search.run():
        return None
    schedule = _timetable(laid_out(search, seed=effort.seed))
    return answered(search, schedule, gap=gap, report=report)


def answered(search: Combined, schedule: Timetable, *, gap: float, report: Report) -> Plan | None:
    """Set a timetable against the bounds of a search; None where it keeps not every rule.

    Args:
        search: the tiers, each with its bound.
        schedule: what is chosen, in slots.
        gap: relative gap at which a tier counts as proved.
        report: told name, objective and bound of each tier.
    """
    problem, entitlement = search.problem, search.entitlement
    cells = use_leftover(problem, entitlement, schedule.cells)
    if not is_lawful(problem, cells):
        return None
    reached = objectives(problem, entitlement, cells)
    tiers = tuple(_reached(search, name, cells, reached) for name in search.settled)
    for each in tiers:
        report(each.name, each.objective, each.bound)
    division = Division(fluid=NO_CELLS, lowest=lowest_share(problem, entitlement, cells))
    after = division, replace(schedule, cells=cells)
    stages = set_against(problem, entitlement, tiers, after, gap=gap)
    return put_together(problem, entitlement, cells, stages, seed=search.effort.seed)


def suits(problem: Problem) -> bool:
    """Return whether all requests are blocks, with nothing said but who lacks and what counts."""
    able = problem.eligible & (problem.ask > 0) & (problem.speed > 0).any(axis=1)
    starts = np.maximum(problem.end - problem.first - problem.block_slots + 1, 0)
    places = int((starts * (problem.speed > 0).sum(axis=1))[able].sum())
    blocks = bool((problem.shape[able] == Shape.BLOCK).all())
    return places >= LARGE and blocks and only_tiers_count(problem)


def only_tiers_count(problem: Problem) -> bool:
    """Return whether nothing is said but who lacks and what counts: no chains, nobody kept."""
    able = problem.eligible & (problem.ask > 0) & (problem.speed > 0).any(axis=1)
    chained = (problem.after[able] != NOBODY).any()
    bound_to = problem.must_fund.any() or kept_amounts(problem).any() or problem.previous.size
    limited = (caps(problem)[problem.fellows :] < OPEN).any() or (floors(problem) > 0).any()
    in_order_of_tiers = not problem.rules.weights and problem.rules.tiers[-1] is not Tier.GROUPS
    return bool(not chained and not bound_to and not limited and in_order_of_tiers)


def laid_out(search: Combined, *, seed: int) -> IntArray:
    """Return the cells of what is chosen, as far as it goes together."""
    assert search.chosen is not None
    problem, ways = search.problem, search.found.ways
    way = search.found.way[search.chosen]
    way = np.sort(way[way != NOBODY])
    request, pool = ways.request[way], ways.pool[way]
    slots = problem.block_slots[request]
    blocks = Blocks(
        hours=ways.hours[way] // slots,
        slots=slots,
        pool=pool,
        earliest=problem.first[request],
        latest=problem.end[request] - slots,
    )
    supply = problem.supply // MILLI
    start = pack(blocks, supply, slot_hours=problem.slot_hours, seed=seed)
    parts = [NO_CELLS]
    for each in np.flatnonzero(within(blocks, start, supply)).tolist():
        span = range(int(start[each]), int(start[each] + slots[each]))
        gpus = int(ways.gpus[way[each]])
        parts.append(same_gpus(problem, int(request[each]), gpus, int(pool[each]), span))
    return in_order(np.concatenate(parts))


def _reached(search: Combined, name: str, cells: IntArray, reached: dict[str, float]) -> Reached:
    """Return what the cells reach of a tier, and its bound for all plans as fair as they are."""
    tier = search.settled[name]
    bound = search.bound_of(name, _lacks(search, cells), reached)
    if name in SHORTFALLS:
        bound = max(bound or 0.0, 0.0)
    elif bound is None:
        bound = float(asked_value(search.problem))
    return Reached(
        name=name,
        objective=reached[name],
        bound=bound,
        work=tier.work,
        limit=tier.limit,
        evidence="arithmetic" if name in SHORTFALLS and bound <= 0.0 else "solver",
    )


def _lacks(search: Combined, cells: IntArray) -> FloatArray:
    """Return ``(groups,)`` the share of its entitlement that each group lacks."""
    if search.entitlement is None:
        return np.zeros(0)
    due = search.entitlement.groups[search.groups]
    held = per_group(search.problem, received(search.problem, cells))[search.groups]
    return np.asarray(np.maximum(due - held, 0) / due)


def _timetable(cells: IntArray) -> Timetable:
    """Return cells as a timetable that was never searched for."""
    return Timetable(cells=cells, unplaced=(), work=0, cut_short=False)
