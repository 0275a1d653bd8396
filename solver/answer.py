"""The answer of a solve, put together from cells and what each stage reached."""

from importlib.metadata import version

import numpy as np

from solver.divide import Division
from solver.nash import market_stage
from solver.plan import Entitlement, Limit, Plan, SolveStatus, Stage
from solver.problem import IntArray, Problem
from solver.select import Reached
from solver.stages import objectives, plain_stage, reserve, scales, tier_stage
from solver.timetable import Timetable, moved_hours


def put_together(
    problem: Problem,
    entitlement: Entitlement | None,
    cells: IntArray,
    stages: tuple[Stage, ...],
    *,
    seed: int,
) -> Plan:
    """Put the answer together."""
    proved = all(stage.status is SolveStatus.OPTIMAL for stage in stages)
    return Plan(
        status=SolveStatus.OPTIMAL if proved else SolveStatus.FEASIBLE,
        cells=cells,
        stages=stages,
        reserve=reserve(problem, entitlement, cells),
        entitlement=entitlement,
        seed=seed,
        versions=tuple((name, version(name)) for name in ("numba", "numpy", "ortools")),
    )


def set_against(
    problem: Problem,
    entitlement: Entitlement | None,
    tiers: tuple[Reached, ...],
    after: tuple[Division, Timetable],
    *,
    gap: float,
) -> tuple[Stage, ...]:
    """Set the final cells against each tier's bound."""
    division, schedule = after
    reached = objectives(problem, entitlement, schedule.cells)
    scale = scales(entitlement)
    funded = np.zeros(problem.requests, dtype=np.bool_)
    funded[schedule.cells[:, 0]] = True
    kept = int((problem.must_fund & funded).sum())
    stages = [plain_stage("guarantees", float(kept))]
    if entitlement is not None:
        stages.insert(0, plain_stage("entitle", scale["fellows"], work=entitlement.work))
        stages[1:1] = market_stage(entitlement, gap=gap)
    for tier in tiers:
        rest = (tier.limit, tier.work, tier.evidence)
        name = tier.name
        stages.append(tier_stage(name, reached[name], tier.bound, scale[name], gap=gap, rest=rest))
    cut = Limit.WORK if schedule.cut_short else Limit.NONE
    stages.append(plain_stage("divide", division.lowest, work=division.work, limit=division.limit))
    moved = float(moved_hours(problem, schedule.cells))
    return (*stages, plain_stage("timetable", moved, work=schedule.work, limit=cut))


def set_anew(problem: Problem, plan: Plan, tiers: tuple[Reached, ...], *, gap: float) -> Plan:
    """Set a plan's cells against other bounds of its tiers."""
    scale, bounds = scales(plan.entitlement), {each.name: each.bound for each in tiers}
    stages = tuple(
        tier_stage(
            each.name,
            each.objective,
            bounds[each.name],
            scale[each.name],
            gap=gap,
            rest=(each.limit, each.work, each.evidence),
        )
        if each.name in bounds
        else each
        for each in plan.stages
    )
    return put_together(problem, plan.entitlement, plan.cells, stages, seed=plan.seed)
