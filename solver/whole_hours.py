"""What whole gang-hours reach beside fluid hours: improved, mended, or begun with."""

from collections.abc import Collection
from dataclasses import replace
from itertools import takewhile

from solver.answer import put_together, set_against
from solver.audit import keeps_hard_rules
from solver.budget import Budget
from solver.divide import Division
from solver.integral import EFFORT, UNITS_OF_WORK, Integral, improve, is_small
from solver.mend import Wanted, mend
from solver.plan import NO_CELLS, Entitlement, Plan, Stage
from solver.problem import IntArray, Problem
from solver.select import Reached
from solver.stages import SHORTFALLS, objectives, scales, tier_stage
from solver.tiers.program import Effort
from solver.timetable import Timetable

MENDING = 6.0
"""CP-SAT's deterministic time for what whole gang-hours lose; some 20 seconds of a core."""


def in_whole_hours(problem: Problem, plan: Plan, *, gap: float, effort: Effort) -> Plan:
    """Improve a small round's plan on whole gang-hours, where fluid hours leave a gap.

    The tiers before the first gap are kept as they are.
    """
    before = (each for each in plan.stages if each.name in {*SHORTFALLS, "value", "weighted"})
    near = [each.name for each in takewhile(lambda tier: tier.gap <= gap, before)]
    found = _integral(problem, plan.entitlement, plan.cells, effort, near)
    if found is None:
        return plan
    tiers = {each.name: each for each in found.tiers}
    reached = objectives(problem, plan.entitlement, found.cells)
    scale, stages = scales(plan.entitlement), list[Stage]()
    for stage in plan.stages:
        if stage.name == "divide":
            stages.append(replace(stage, objective=found.lowest, bound=found.lowest))
        elif stage.name in near:
            rest = (stage.limit, stage.work, stage.evidence)
            each = (stage.name, reached[stage.name], stage.bound, scale[stage.name])
            stages.append(tier_stage(*each, gap=gap, rest=rest))
        elif stage.name not in tiers:
            stages.append(stage)
        else:
            tier = tiers[stage.name]
            bound = max(tier.bound, stage.bound) if stage.name == "groups" else tier.bound
            rest = (tier.limit, stage.work + tier.work, tier.evidence)
            each = (stage.name, tier.objective, bound, scale[stage.name])
            stages.append(tier_stage(*each, gap=gap, rest=rest))
    return _nearer(problem, plan, found.cells, tuple(stages), gap=gap)


def _nearer(
    problem: Problem, plan: Plan, cells: IntArray, stages: tuple[Stage, ...], *, gap: float
) -> Plan:
    """Return the plan with the smaller gap: in the first tier, or else in the next."""
    before, after = (
        [each.gap if each.gap > gap else 0.0 for each in some] for some in (plan.stages, stages)
    )
    if after >= before:
        return plan
    return put_together(problem, plan.entitlement, cells, stages, seed=plan.seed)


def mended(
    problem: Problem, plan: Plan, fluid: tuple[Reached, ...], *, gap: float, effort: Effort
) -> Plan:
    """Win back what whole gang-hours lose of fairness, or of the weighted goal, in larger rounds.

    What one tier wins has to be as much as any other loses: tiers leave a little of what they reach
    to the later ones, and a ten-thousandth of the first is not worth a hundredth of the next.
    """
    scale, before = scales(plan.entitlement), {each.name: each.objective for each in fluid}
    named = {*SHORTFALLS, "value", "weighted"}
    tiers = tuple(each for each in plan.stages if each.name in named)
    lacking = any(
        each.gap > gap and abs(each.objective - before[each.name]) > gap * scale[each.name]
        for each in tiers
        if each.name != "value"
    )
    seconds = _seconds_of_improving(effort.budget, MENDING)
    if plan.entitlement is None or not lacking or seconds <= 0.0:
        return plan
    if is_small(problem) or problem.previous.size:
        return plan
    wanted = Wanted(problem=problem, entitlement=plan.entitlement, tiers=tiers, gap=gap)
    cells, spent = mend(wanted, plan.cells, effort=seconds, seed=plan.seed)
    effort.budget.spend(round(spent * UNITS_OF_WORK))
    reached = objectives(problem, plan.entitlement, cells)
    stages = tuple(
        tier_stage(
            each.name,
            reached[each.name],
            each.bound,
            scale[each.name],
            gap=gap,
            rest=(each.limit, each.work, each.evidence),
        )
        if each in tiers
        else each
        for each in plan.stages
    )
    changes = [now.gap - was.gap for was, now in zip(plan.stages, stages, strict=True)]
    if max(changes) > -min(changes):
        return plan
    return _nearer(problem, plan, cells, stages, gap=gap)


def begun_in_whole_hours(
    problem: Problem, entitlement: Entitlement | None, *, gap: float, effort: Effort
) -> Plan | None:
    """Answer a small round of which no fluid plan was found or rounded; None without an answer."""
    found = _integral(problem, entitlement, NO_CELLS, effort)
    if found is None or not keeps_hard_rules(problem, found.cells):
        return None
    division = Division(fluid=NO_CELLS, lowest=found.lowest)
    schedule = Timetable(cells=found.cells, unplaced=(), work=0, cut_short=False)
    stages = set_against(problem, entitlement, found.tiers, (division, schedule), gap=gap)
    return put_together(problem, entitlement, found.cells, stages, seed=effort.seed)


def _integral(
    problem: Problem,
    entitlement: Entitlement | None,
    cells: IntArray,
    effort: Effort,
    near: Collection[str] = (),
) -> Integral | None:
    """Return what whole gang-hours reach in a small round, if there is something left to spend."""
    seconds = _seconds_of_improving(effort.budget, EFFORT)
    if not is_small(problem) or seconds <= 0.0:
        return None
    found = improve(
        problem,
        entitlement,
        cells,
        effort=seconds,
        seed=effort.seed,
        budget=effort.budget,
        near=near,
    )
    if found is not None:
        effort.budget.spend(round(seconds * UNITS_OF_WORK))
    return found


def _seconds_of_improving(budget: Budget, most: float) -> float:
    """Return CP-SAT's deterministic time for whole gang-hours, about seconds."""
    left = budget.seconds_left()
    seconds = most if left is None else min(most, left / 4)
    if budget.work is None:
        return seconds
    return min(seconds, (budget.work - budget.spent) / UNITS_OF_WORK)
