"""One solve as a story: entitle, select, divide, timetable, and what each of them reached."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import takewhile

import numpy as np

from solver.audit import keeps_hard_rules, within_caps
from solver.budget import Budget, BudgetSpentError, standing
from solver.conflicts import find_conflicts
from solver.divide import Division, divide
from solver.formula import apply_formula, rank
from solver.integral import EFFORT, UNITS_OF_WORK, Integral, improve, is_small
from solver.large_timetable import is_large, large_timetable
from solver.leftover import use_leftover
from solver.mend import Wanted, mend
from solver.nash import market_stage
from solver.plan import NO_CELLS, Conflict, Entitlement, Limit, Plan, SolveStatus, Stage
from solver.prices import value_dual
from solver.problem import MILLI, IntArray, Method, Problem, Tier
from solver.reallocate import reallocate
from solver.rights import rights
from solver.select import Reached, select
from solver.stages import (
    SHORTFALLS,
    moved_stage,
    objectives,
    plain_stage,
    reserve,
    scales,
    tier_stage,
)
from solver.tiers.program import Effort
from solver.timetable import Timetable, moved_hours, timetable
from solver.weighing import weighted_dual
from solver.whole_conflicts import whole_conflicts
from solver.worth import asked_value

GAP = 0.001
"""Relative gap at which a tier counts as proved unless the caller asks for another."""
UNEXPLAINED = "no_whole_plan"
"""The conflict of all rules together, where no smaller set is known."""
MENDING = 6.0
"""CP-SAT's deterministic time for what whole gang-hours lose; some 20 seconds of a core."""
MARGINS = (0, 1, 3)
"""Gang-hours by which floors are exceeded, when whole gang-hours miss them otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far a solve may go.

    Attributes:
        time_seconds: for the whole solve; a limit that bites makes results unrepeatable.
            What was found until then becomes a plan.
        work: linear programs and branch-and-bound nodes of the whole solve; repeats exactly.
        clock: tells seconds from any start; asked only where there is a limit of time.
    """

    time_seconds: float | None = None
    work: int | None = None
    clock: Callable[[], float] = standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a stage has reached so far."""

    stage: str
    objective: float
    bound: float
    gap: float


def solve(
    problem: Problem,
    *,
    seed: int = 0,
    gap: float = GAP,
    limits: Limits | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Plan:
    """Answer a round: who gets what, where and when, and how far from the best that is.

    Where there is no plan the answer says why, if that can be shown.

    Args:
        problem: the round and its rules.
        seed: of the codes' own choices.
        gap: relative gap at which a tier counts as proved.
        limits: when to stop improving; a valid plan comes out whatever they are.
        progress: told whenever a stage is done.
    """
    effort = _effort(limits or Limits(), seed)
    plan = _answered(problem, effort, gap=gap, progress=progress)
    if plan.status not in {SolveStatus.INFEASIBLE, SolveStatus.UNKNOWN}:
        return plan
    if any(each.code != UNEXPLAINED for each in plan.conflicts):
        return plan
    conflicts = whole_conflicts(problem, effort.budget, seed=seed)
    return replace(plan, status=SolveStatus.INFEASIBLE, conflicts=conflicts) if conflicts else plan


def attempt(
    problem: Problem, *, seed: int = 0, gap: float = GAP, limits: Limits | None = None
) -> Plan:
    """Answer a round as `solve` does, without a search for reasons where there is no plan."""
    return _answered(problem, _effort(limits or Limits(), seed), gap=gap, progress=None)


def _answered(
    problem: Problem,
    effort: Effort,
    *,
    gap: float,
    progress: Callable[[Progress], None] | None,
) -> Plan:
    """Answer by the method of the policy, or say at once which rules are in conflict."""
    seed = effort.seed
    conflicts = find_conflicts(problem, effort.budget)
    if conflicts:
        return Plan(status=SolveStatus.INFEASIBLE, cells=NO_CELLS, conflicts=conflicts, seed=seed)
    if problem.rules.method is Method.REALLOCATE:
        return _by_line(problem, effort)
    fair = problem.rules.is_fair
    entitlement = _rights(problem, effort.budget) if fair else None
    if problem.rules.method is not Method.OPTIMIZE:
        return _by_formula(problem, entitlement, effort, gap=gap)
    if fair and entitlement is None:
        return _by_rank(problem, None, effort, gap=gap)
    return _by_tiers(problem, entitlement, effort, gap=gap, progress=progress)


def _by_tiers(
    problem: Problem,
    entitlement: Entitlement | None,
    effort: Effort,
    *,
    gap: float,
    progress: Callable[[Progress], None] | None,
) -> Plan:
    """Answer tier by tier: select, divide, timetable, with wider margins where floors need them."""
    report = _reporter(entitlement, progress)
    for margin in MARGINS:
        selection = select(
            problem, entitlement, gap=gap, effort=effort, report=report, margin=margin
        )
        if selection.infeasible and margin == 0:
            return _no_plan(entitlement, proved=True, seed=effort.seed)
        if selection.infeasible or selection.search.values is None:
            break
        division = divide(selection)
        lay = large_timetable if is_large(problem) else timetable
        schedule = lay(
            problem,
            division.fluid,
            selection.funded,
            selection.least,
            entitlement=None if problem.rules.weights else entitlement,
            seconds=effort.budget.seconds_left(),
        )
        cells = use_leftover(problem, entitlement, within_caps(problem, schedule.cells))
        schedule = replace(schedule, cells=cells)
        if keeps_hard_rules(problem, cells):
            stages = _stages(problem, entitlement, selection.tiers, (division, schedule), gap=gap)
            plan = _plan(problem, entitlement, cells, stages, seed=effort.seed)
            if plan.status is not SolveStatus.OPTIMAL:
                plan = _in_whole_hours(problem, plan, gap=gap, effort=effort)
                plan = _mended(problem, plan, selection.tiers, gap=gap, effort=effort)
            return plan if effort.budget.reached() is Limit.TIME else _priced(problem, plan)
    begun = _begun_in_whole_hours(problem, entitlement, gap=gap, effort=effort)
    return begun or _by_rank(problem, entitlement, effort, gap=gap)


def _priced(problem: Problem, plan: Plan) -> Plan:
    """Add the prices that prove the value bound, or that of the weighted goal."""
    if problem.rules.weights:
        return replace(plan, value_dual=weighted_dual(problem, plan.entitlement))
    if Tier.VALUE not in problem.rules.tiers:
        return plan
    return replace(plan, value_dual=value_dual(problem, plan.entitlement, plan.cells))


def _in_whole_hours(problem: Problem, plan: Plan, *, gap: float, effort: Effort) -> Plan:
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
    return _plan(problem, plan.entitlement, cells, stages, seed=plan.seed)


def _mended(
    problem: Problem, plan: Plan, fluid: tuple[Reached, ...], *, gap: float, effort: Effort
) -> Plan:
    """Win back what whole gang-hours lose of the fairness tiers, where the round is not small."""
    scale, before = scales(plan.entitlement), {each.name: each.objective for each in fluid}
    tiers = tuple(each for each in plan.stages if each.name in {*SHORTFALLS, "value"})
    lacking = any(
        each.gap > gap and each.objective - before[each.name] > gap * scale[each.name]
        for each in tiers
        if each.name in SHORTFALLS
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
    return _nearer(problem, plan, cells, stages, gap=gap)


def _begun_in_whole_hours(
    problem: Problem, entitlement: Entitlement | None, *, gap: float, effort: Effort
) -> Plan | None:
    """Answer a small round of which no fluid plan was found or rounded; None without an answer."""
    found = _integral(problem, entitlement, NO_CELLS, effort)
    if found is None or not keeps_hard_rules(problem, found.cells):
        return None
    division = Division(fluid=NO_CELLS, lowest=found.lowest)
    schedule = Timetable(cells=found.cells, unplaced=(), work=0, cut_short=False)
    stages = _stages(problem, entitlement, found.tiers, (division, schedule), gap=gap)
    plan = _plan(problem, entitlement, found.cells, stages, seed=effort.seed)
    return plan if effort.budget.reached() is Limit.TIME else _priced(problem, plan)


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


def _no_plan(entitlement: Entitlement | None, *, proved: bool, seed: int) -> Plan:
    """Say that there is no plan, or that none was found."""
    return Plan(
        status=SolveStatus.INFEASIBLE if proved else SolveStatus.UNKNOWN,
        cells=NO_CELLS,
        entitlement=entitlement,
        conflicts=(Conflict(code=UNEXPLAINED),) if proved else (),
        seed=seed,
    )


def _effort(limits: Limits, seed: int) -> Effort:
    """Translate limits into what the codes understand."""
    budget = Budget(clock=limits.clock, seconds=limits.time_seconds, work=limits.work)
    if limits.work is None:
        return Effort(nodes=2_000, programs=200, budget=budget, seed=seed)
    return Effort(nodes=limits.work, programs=limits.work, budget=budget, seed=seed)


def _reporter(
    entitlement: Entitlement | None,
    progress: Callable[[Progress], None] | None,
) -> Callable[[str, float, float], None]:
    """Return what tells the caller of each tier."""
    scale = scales(entitlement)

    def report(stage: str, objective: float, bound: float) -> None:
        size = max(abs(objective), abs(bound), scale.get(stage, 0.0))
        gap = abs(bound - objective) / size if size else 0.0
        if progress is not None:
            progress(Progress(stage=stage, objective=objective, bound=bound, gap=gap))

    return report


def _rights(problem: Problem, budget: Budget) -> Entitlement | None:
    """Return the entitlements, None when a limit comes before they are worked out."""
    try:
        return rights(problem, budget)
    except BudgetSpentError:
        return None


def _by_formula(
    problem: Problem, entitlement: Entitlement | None, effort: Effort, *, gap: float
) -> Plan:
    """Answer by a formula; it proves nothing, and may not know how to keep every rule.

    Entitlements are a yardstick here: what the groups and fellows lack is reported against them.
    """
    formula = apply_formula(problem, seed=effort.seed)
    if not keeps_hard_rules(problem, formula.cells):
        return _no_plan(entitlement, proved=False, seed=effort.seed)
    reached = objectives(problem, entitlement, formula.cells)
    stage = replace(plain_stage("formula", reached["value"]), status=SolveStatus.FEASIBLE)
    stages = (stage, *market_stage(entitlement, gap=gap))
    return _plan(problem, entitlement, formula.cells, stages, seed=effort.seed)


def _by_line(problem: Problem, effort: Effort) -> Plan:
    """Go on in mid-round: what is held stays where the supply carries it, the line is served."""
    found = reallocate(problem, seed=effort.seed)
    if found is None or not keeps_hard_rules(problem, found.cells):
        return _no_plan(None, proved=False, seed=effort.seed)
    kept = np.isin(np.flatnonzero(problem.must_fund), found.cells[:, 0]).sum()
    drawn = len(problem.line) - len(found.waiting)
    stages = (
        plain_stage("guarantees", float(kept)),
        moved_stage(problem, found.moved, found.least_moved),
        plain_stage("cut", found.cut / MILLI),
        plain_stage("line", float(drawn)),
    )
    plan = _plan(problem, None, found.cells, stages, seed=effort.seed)
    return replace(plan, reserve=found.waiting)


def _by_rank(
    problem: Problem, entitlement: Entitlement | None, effort: Effort, *, gap: float
) -> Plan:
    """Answer by rank where the search ended before any plan; the bounds are plain arithmetic.

    Where it came before the entitlements, the first stage says so, and fairness has no yardstick.
    """
    cells, limit = rank(problem).cells, effort.budget.reached()
    limit = Limit.WORK if limit is Limit.NONE else limit
    if not keeps_hard_rules(problem, cells):
        return _no_plan(entitlement, proved=False, seed=effort.seed)
    entitle = plain_stage("entitle", scales(entitlement)["fellows"], limit=limit)
    if entitlement is None:
        entitle = replace(entitle, status=SolveStatus.UNKNOWN)
    first = (entitle, *market_stage(entitlement, gap=gap)) if problem.rules.is_fair else ()
    reached, scale = objectives(problem, entitlement, cells), scales(entitlement)
    bounds = {
        "groups": 0.0,
        "groups_total": 0.0,
        "fellows": 0.0,
        "value": float(asked_value(problem)),
    }
    if problem.rules.weights:
        bounds = {"weighted": 1.0}
    stages = tuple(
        tier_stage(
            name,
            reached[name],
            bounds[name],
            scale[name],
            gap=gap,
            rest=(limit, 0, "arithmetic" if name in SHORTFALLS else "solver"),
        )
        for name in bounds
        if name in reached
    )
    return _plan(problem, entitlement, cells, (*first, *stages), seed=effort.seed)


def _plan(
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


def _stages(
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
