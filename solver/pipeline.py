"""One solve as a story: entitle, select, divide, timetable, and what each of them reached."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from solver.answer import put_together, set_against, set_anew
from solver.audit import keeps_hard_rules, within_caps
from solver.budget import Budget, BudgetSpentError, standing
from solver.conflicts import find_conflicts
from solver.divide import divide
from solver.formula import apply_formula, rank
from solver.large_timetable import is_large, large_timetable
from solver.leftover import use_leftover
from solver.nash import market_stage
from solver.plan import NO_CELLS, Conflict, Entitlement, Limit, Plan, SolveStatus
from solver.prices import value_dual
from solver.problem import MILLI, IntArray, Method, Problem, Tier
from solver.reallocate import reallocate
from solver.rights import rights
from solver.select import Reached, Search, select
from solver.stages import (
    SHORTFALLS,
    lacks,
    moved_stage,
    objectives,
    plain_stage,
    scales,
    tier_stage,
)
from solver.tiers.program import Effort
from solver.timetable import timetable
from solver.weighing import weighted_dual
from solver.whole_asks import by_asks
from solver.whole_blocks import by_blocks
from solver.whole_conflicts import whole_conflicts
from solver.whole_hours import begun_in_whole_hours, in_whole_hours, mended
from solver.worth import asked_value

GAP = 0.001
"""Relative gap at which a tier counts as proved unless the caller asks for another."""
UNEXPLAINED = "no_whole_plan"
"""The conflict of all rules together, where no smaller set is known."""
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
    for by_combinations in (by_blocks, by_asks):
        plan = by_combinations(problem, entitlement, gap=gap, effort=effort, report=report)
        if plan is not None:
            return plan if effort.budget.reached() is Limit.TIME else _priced(problem, plan)
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
            tiers = _bounded(selection.search, entitlement, cells)
            stages = set_against(problem, entitlement, tiers, (division, schedule), gap=gap)
            plan = put_together(problem, entitlement, cells, stages, seed=effort.seed)
            if plan.status is not SolveStatus.OPTIMAL:
                plan = in_whole_hours(problem, plan, gap=gap, effort=effort)
                plan = mended(problem, plan, tiers, gap=gap, effort=effort)
            if selection.search.is_bounded_anew and not np.array_equal(plan.cells, cells):
                plan = set_anew(
                    problem, plan, _bounded(selection.search, entitlement, plan.cells), gap=gap
                )
            return plan if effort.budget.reached() is Limit.TIME else _priced(problem, plan)
    begun = begun_in_whole_hours(problem, entitlement, gap=gap, effort=effort)
    if begun is None:
        return _by_rank(problem, entitlement, effort, gap=gap)
    return begun if effort.budget.reached() is Limit.TIME else _priced(problem, begun)


def _bounded(
    search: Search, entitlement: Entitlement | None, cells: IntArray
) -> tuple[Reached, ...]:
    """Return what tiers reached, with bounds for all plans as fair as the final one."""
    problem = search.problem
    return search.as_fair_as(
        objectives(problem, entitlement, cells), lacks(problem, entitlement, cells)
    )


def _priced(problem: Problem, plan: Plan) -> Plan:
    """Add the prices that prove the value bound, or that of the weighted goal."""
    if problem.rules.weights:
        return replace(plan, value_dual=weighted_dual(problem, plan.entitlement))
    if Tier.VALUE not in problem.rules.tiers:
        return plan
    return replace(plan, value_dual=value_dual(problem, plan.entitlement, plan.cells))


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
    return put_together(problem, entitlement, formula.cells, stages, seed=effort.seed)


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
    plan = put_together(problem, None, found.cells, stages, seed=effort.seed)
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
    return put_together(problem, entitlement, cells, (*first, *stages), seed=effort.seed)
