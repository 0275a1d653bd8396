"""A limit for the whole solve: shared fairly, and a valid plan at its end."""

from itertools import count

import pytest

from solver.audit import keeps_hard_rules
from solver.pipeline import Limits, solve
from solver.plan import Limit, SolveStatus
from solver.problem import MILLI
from solver.tiers.budget import Budget
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
