"""A limit for the whole solve: shared fairly, and a valid plan at its end."""

from itertools import count

import pytest
from ortools.math_opt import result_pb2

from solver.audit import keeps_hard_rules
from solver.budget import Budget, BudgetSpentError
from solver.conflicts import find_conflicts
from solver.entitle import entitle
from solver.pipeline import Limits, solve
from solver.plan import Limit, Plan, SolveStatus
from solver.problem import MILLI, Fairness, Problem, Rules
from solver.rights import rights
from tests.builders import a_problem


def test_each_search_may_take_half_of_what_is_left():
    """Time and work are halved from search to search and never run out at once."""
    now = iter([0.0, 0.0, 60.0, 90.0, 120.0])
    budget = Budget(clock=lambda: next(now), seconds=100.0, work=40)
    assert 50.0 == budget.seconds_of_search()
    assert 20.0 == budget.seconds_of_search()
    assert 20 == budget.work_left(1_000)
    budget.spend(30)
    assert 5 == budget.work_left(1_000)
    assert Limit.NONE is budget.reached()
    assert Limit.TIME is budget.reached()


def test_without_a_limit_the_clock_is_not_asked():
    """A solve without a limit of time cannot depend on any clock."""
    budget = Budget(clock=iter([0.0]).__next__, work=2)
    assert budget.seconds_of_search() is None
    budget.spend(2)
    assert Limit.WORK is budget.reached()


@pytest.mark.parametrize("seconds", [1.0, 5.0, 20.0, 80.0])
def test_whenever_time_is_up_there_is_a_valid_plan(seconds):
    """The clock strikes anywhere in the solve: rules hold, bounds are on the right side."""
    problem = a_problem(
        requests=6,
        pools=2,
        ask=[300 * MILLI] * 6,
        minimum=[150 * MILLI] * 6,
        gang=[8, 4, 2, 1, 1, 1],
    )
    ticks = count()
    limits = Limits(time_seconds=seconds, clock=lambda: float(next(ticks)))
    plan = solve(problem, limits=limits)
    assert plan.status in {SolveStatus.OPTIMAL, SolveStatus.FEASIBLE}
    assert plan.cells.size
    assert keeps_hard_rules(problem, plan.cells)
    for stage in plan.stages:
        sign = -1.0 if stage.name == "value" else 1.0
        assert sign * (stage.objective - stage.bound) >= -1e-6 * max(abs(stage.bound), 1.0)


def a_round_of_tracks(**changes) -> Problem:
    """Return a round whose entitlements need linear programs: a cap on a track is no flow."""
    caps = {"track_cap": [100 * MILLI, 300 * MILLI]} | changes
    return a_problem(requests=4, track=[0, 0, 1, 1], **caps)


def without_entitlements(plan: Plan, limit: Limit) -> bool:
    """Say whether a plan states that a limit came before its entitlements, and nothing of them."""
    first = plan.stages[0]
    stated = (first.name, first.status, first.limit, plan.entitlement)
    rest = {stage.name for stage in plan.stages[1:]}
    return stated == ("entitle", SolveStatus.UNKNOWN, limit, None) and rest == {"value"}


def test_a_limit_of_work_ends_the_entitlements_and_repeats():
    """Fewer programs than entitlements take: a valid plan by rank that says so, twice the same."""
    problem = a_round_of_tracks()
    plans = [solve(problem, limits=Limits(work=1)) for _ in range(2)]
    assert without_entitlements(plans[0], Limit.WORK)
    assert SolveStatus.FEASIBLE is plans[0].status
    assert keeps_hard_rules(problem, plans[0].cells)
    assert plans[0].cells.tolist() == plans[1].cells.tolist()


def test_a_limit_of_time_ends_the_entitlements():
    """The clock strikes before the first level is known."""
    now = iter([0.0, 0.0, *[9.0] * 99])
    limits = Limits(time_seconds=1.0, clock=lambda: next(now))
    problem = a_round_of_tracks()
    plan = solve(problem, limits=limits)
    assert without_entitlements(plan, Limit.TIME)
    assert keeps_hard_rules(problem, plan.cells)


def test_where_rank_breaks_a_rule_the_limit_is_all_that_is_said():
    """By rank a guarantee finds its only slot taken: no plan is made up, none called impossible."""
    problem = a_round_of_tracks(
        slots=2,
        ask=[80 * MILLI] * 4,
        minimum=[80 * MILLI, 80 * MILLI, 0, 0],
        guaranteed=[1, 1, 0, 0],
        score=[90 * MILLI, 50 * MILLI, 10 * MILLI, 10 * MILLI],
        end=[2, 1, 2, 2],
        track_cap=[160 * MILLI, 100 * MILLI],
    )
    plan = solve(problem, limits=Limits(work=1))
    assert SolveStatus.UNKNOWN is plan.status
    assert () == plan.conflicts
    assert not plan.cells.size
    assert solve(problem).cells.size


@pytest.mark.parametrize("fairness", list(Fairness))
def test_every_kind_of_entitlement_counts_what_it_spends(fairness):
    """With the work that it took an entitlement is found again; with less a limit is named."""
    problem = a_round_of_tracks(rules=Rules(fairness=fairness))
    free = Budget()
    found = rights(problem, free)
    assert free.spent > 0
    again = rights(problem, Budget(work=free.spent))
    assert found.fellows.tolist() == again.fellows.tolist()
    with pytest.raises(BudgetSpentError) as spent:
        rights(problem, Budget(work=free.spent - 1))
    assert Limit.WORK is spent.value.limit


def test_a_code_that_stops_a_little_early_has_met_the_limit(monkeypatch):
    """An answer cut short is the limit of time where there is one, else an error."""
    short = result_pb2.SolveResultProto()
    short.termination.reason = result_pb2.TERMINATION_REASON_FEASIBLE
    monkeypatch.setattr("solver.fluid.linear._answer", lambda *_: short)
    with pytest.raises(BudgetSpentError) as spent:
        rights(a_round_of_tracks(), Budget(seconds=1.0))
    assert Limit.TIME is spent.value.limit
    with pytest.raises(ValueError, match="ended with"):
        rights(a_round_of_tracks())


def test_a_flow_of_entitlements_heeds_the_clock():
    """A round without tracks takes no programs, but time."""
    now = iter([0.0, 0.5, 2.0])
    with pytest.raises(BudgetSpentError) as spent:
        entitle(a_problem(), Budget(clock=lambda: next(now), seconds=1.0))
    assert Limit.TIME is spent.value.limit


def test_without_budget_no_conflict_of_demands_is_claimed():
    """What no program has shown is not called impossible; one alone names more than it must."""
    problem = a_problem(requests=3, group_floor=[200_000, 200_000, 1_000], ask=[300_000] * 3)
    assert () == find_conflicts(problem, Budget(work=0))
    (rough,) = find_conflicts(problem, Budget(work=1))
    (sharp,) = find_conflicts(problem)
    assert set(sharp.groups) <= set(rough.groups)
    assert dict(rough.numbers)["needed"] > dict(rough.numbers)["reach"]
