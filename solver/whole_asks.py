"""A round in which flexible requests get all they ask or nothing: who is funded comes first.

Each fellow gets one of few combinations of his requests, as in rounds of blocks
(`solver.whole_blocks`), how much of each lies in which pool is open; slots come
afterwards. Bounds count on fewer hours and more units than whole gang-hours can have.
"""

import numpy as np

from solver.plan import Entitlement, Plan
from solver.problem import NOBODY, Problem
from solver.tiers.amounts import AmountModel
from solver.tiers.combinations import find_combinations
from solver.tiers.combined import Combined
from solver.tiers.in_full import gets_all_or_nothing, mixed_ways, whole_ways
from solver.tiers.kernel import MANY
from solver.tiers.program import Effort
from solver.timetable import Timetable, timetable
from solver.whole_blocks import Report, answered, only_tiers_count

LARGE = 4_000
"""Places (request, pool, slot) from which on a round is decided so."""
CORES = ((250, 100), (400, 100), (800, 60))
"""Combinations beside one for each fellow that are decided among, and nodes: of 694 requests the
first came as near in 2 s as all 1,600 combinations in 8, and the last won 0.002 to 0.004 more.
"""
SPARE = 5e-4
"""Share of every pool that is left free: where all of 1.5 million hours were given away, fifteen
were missing in the end, and two requests lost all.
"""
LOST = 0.002
"""Share of the hours chosen that may find no slot."""


def by_asks(
    problem: Problem,
    entitlement: Entitlement | None,
    *,
    gap: float,
    effort: Effort,
    report: Report,
) -> Plan | None:
    """Answer a large round of all-or-nothing requests; None for others, or without a plan.

    Args:
        problem: the round.
        entitlement: what groups and fellows hold by right; None without fairness tiers.
        gap: relative gap at which a tier counts as proved.
        effort: limits of each program.
        report: told name, objective and bound of each tier.
    """
    if not suits(problem):
        return None
    fair = entitlement is not None
    found = find_combinations(problem, whole_ways(problem), fair=fair)
    mixed = find_combinations(problem, mixed_ways(problem), fair=fair)
    if found is None or mixed is None:
        return None
    search = Combined(problem, entitlement, found, gap=gap, effort=effort, cores=CORES, spare=SPARE)
    if not search.run():
        return None
    bounds = Combined(problem, entitlement, mixed, gap=gap, effort=effort)
    schedule = laid_out(search) if bounds.follow(search) else None
    return None if schedule is None else answered(bounds, schedule, gap=gap, report=report)


def suits(problem: Problem) -> bool:
    """Return whether a round is large, all or nothing, and says nothing but what tiers count.

    Where fellows have many requests none of them decides much, and kernels come nearer.
    """
    places = ((problem.speed > 0).sum(axis=1) * (problem.end - problem.first))[problem.eligible]
    many = int(problem.eligible.sum()) >= MANY * np.unique(problem.fellow[problem.eligible]).size
    suitable = int(places.sum()) >= LARGE and not many
    return suitable and only_tiers_count(problem) and gets_all_or_nothing(problem)


def laid_out(search: Combined) -> Timetable | None:
    """Return what is chosen in slots; None where too much of it finds none."""
    assert search.chosen is not None
    problem, ways, model = search.problem, search.found.ways, AmountModel(search.problem)
    way = search.found.way[search.chosen]
    way = way[way != NOBODY]
    own = way[ways.pool[way] != NOBODY]
    places = np.concatenate([ways.request[own], ways.spread.request]) * problem.pools
    places += np.concatenate([ways.pool[own], ways.spread.pool])
    hours = np.concatenate([ways.hours[own], ways.spread.hours * search.parts])
    at = np.searchsorted(model.places.request * problem.pools + model.places.pool, places)
    values = np.zeros(model.program.columns)
    values[model.places.column[at]] = hours / model.window_hours()[at]
    if model.lost(values) > LOST:
        return None
    funded = np.zeros(problem.requests, dtype=np.bool_)
    funded[ways.request[way]] = True
    least = np.where(funded, problem.ask, 0)
    fluid = model.fluid(values, funded)
    return timetable(problem, fluid, funded, least, entitlement=search.entitlement)
