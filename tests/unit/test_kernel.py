"""Large rounds of many requests a fellow: a relaxation, and a kernel decided beside the rest."""

from dataclasses import replace

import numpy as np
import pytest

from solver.budget import Budget
from solver.entitle import entitle
from solver.plan import Limit
from solver.problem import MILLI, Problem, Rules, Tier
from solver.select import Search, Selection, select
from solver.tiers import kernel
from solver.tiers.amounts import AmountModel
from solver.tiers.goal import Goal
from solver.tiers.kernel import KernelEngine, model_of
from solver.tiers.model import RoundModel
from solver.tiers.program import Effort
from tests.builders import a_problem


@pytest.fixture(autouse=True)
def every_round_is_large(monkeypatch):
    """Let rounds of a few requests count as large ones of many a fellow."""
    monkeypatch.setattr(kernel, "LARGE", 0)
    monkeypatch.setattr(kernel, "MANY", 1)


def a_round(seed: int, *, requests: int = 24, **changes: object) -> Problem:
    """Return a round of two fellows, with windows, that asks for more than there is."""
    chance = np.random.default_rng(seed)
    ask = chance.integers(2, 10, requests) * 8 * MILLI
    first = chance.integers(0, 2, requests)
    return a_problem(
        requests=requests,
        slots=4,
        ask=ask.tolist(),
        minimum=(ask if changes.pop("all_or_nothing", True) else ask // 2).tolist(),
        first=first.tolist(),
        end=(first + chance.integers(1, 3, requests)).tolist(),
        fellow=(np.arange(requests) % 2).tolist(),
        **changes,
    )


def chosen(problem: Problem, *, effort: Effort | None = None) -> Selection:
    """Select with the engine of kernels."""
    entitlement = entitle(problem) if Tier.GROUPS in problem.rules.tiers else None
    effort = effort or Effort()
    return select(problem, entitlement, gap=1e-6, effort=effort, report=lambda *_: None)


def objectives(selection: Selection) -> list[float]:
    """Return what the tiers reached."""
    return [each.objective for each in selection.tiers]


def test_large_rounds_of_many_requests_a_fellow_are_decided_by_kernels(monkeypatch):
    """Fewer requests a fellow, or fewer columns, and another engine takes over."""
    problem = a_round(0)
    assert isinstance(chosen(problem).search.engine, KernelEngine)
    monkeypatch.setattr(kernel, "MANY", 13)
    assert not isinstance(chosen(problem).search.engine, KernelEngine)


def test_slots_are_columns_where_they_add_few(monkeypatch):
    """Short windows lie in the program, long ones are found by cuts."""
    problem = a_round(0)
    assert type(model_of(problem, margin=0)) is RoundModel
    monkeypatch.setattr(kernel, "WIDE", 0)
    assert isinstance(model_of(problem, margin=0), AmountModel)


@pytest.mark.parametrize("wide", [0, 2])
@pytest.mark.parametrize("seed", range(4))
def test_a_kernel_of_everybody_proves_what_branching_does(monkeypatch, seed, wide):
    """Value alone: the best plan, with slots as columns and with slots by cuts."""
    problem = a_round(seed, rules=Rules(tiers=(Tier.VALUE,)))
    monkeypatch.setattr(kernel, "WIDE", wide)
    found = objectives(chosen(problem))
    monkeypatch.setattr(kernel, "LARGE", 1_000_000)
    assert pytest.approx(objectives(chosen(problem)), rel=1e-5) == found


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_tiers_lie_between_their_bounds(seed, single):
    """In every tier the bound is no worse than what the plan reaches, with one pool or two."""
    size, pools = 24, 1 + single
    problem = a_round(
        seed,
        all_or_nothing=False,
        pools=pools,
        speed=np.full((size, pools), MILLI),
        single_pool=[single] * size,
    )
    for tier in chosen(problem).tiers:
        gap = tier.objective - tier.bound
        assert (-gap if tier.name == "value" else gap) >= -1e-6 * max(abs(tier.objective), 1.0)


@pytest.mark.parametrize("tiers", [(Tier.VALUE,), Rules().tiers])
def test_where_kernels_find_nothing_near_another_engine_begins_again(monkeypatch, tiers):
    """Kernels of nobody leave a round without a plan, or with a poor one."""
    problem = a_round(6, rules=Rules(tiers=tiers))
    with monkeypatch.context() as patched:
        patched.setattr(kernel, "LARGE", 1_000_000)
        without = objectives(chosen(problem))
    monkeypatch.setattr(kernel, "SIZES", ())
    selection = chosen(problem)
    assert not isinstance(selection.search.engine, KernelEngine)
    assert without == objectives(selection)


def test_a_plan_that_a_limit_ended_is_not_begun_again():
    """What is known then would be lost; without a plan there is nothing to lose."""
    search = chosen(a_round(2)).search
    search.reached = [replace(each, bound=each.objective - 1e9) for each in search.reached]
    assert search.is_far()
    search.effort = Effort(budget=Budget(work=0))
    assert not search.is_far()
    search.values = None
    assert search.is_far()


def test_who_is_not_in_the_kernel_stays(monkeypatch):
    """With no kernel beside what is in pieces a plan is still found, and each choice is whole."""
    monkeypatch.setattr(kernel, "SIZES", ((0, True),))
    selection = chosen(a_round(1, rules=Rules(tiers=(Tier.VALUE,))))
    assert selection.funded.any()
    model, values = selection.search.model, selection.search.values
    assert np.isin(np.round(values[model.funded], 6), [0.0, 1.0]).all()


def test_a_limit_of_work_ends_the_search_with_what_is_known():
    """No program more than the budget allows."""
    selection = chosen(a_round(2), effort=Effort(budget=Budget(work=1)))
    assert all(
        each.limit is not Limit.NONE or each.bound == each.objective for each in selection.tiers
    )


def test_the_same_round_gives_the_same_plan():
    """Nothing is left to chance or to a clock."""
    first, second = (chosen(a_round(3)) for _ in range(2))
    assert first.search.values.tobytes() == second.search.values.tobytes()
    assert isinstance(first.search, Search)


def test_a_tier_near_its_floor_leaves_a_quarter_of_the_gap():
    """Whoever keeps it may lack as much as was not searched for, and no more."""
    engine = chosen(a_round(4)).search.engine
    assert isinstance(engine, KernelEngine)
    engine.gap = 0.01
    goal = Goal(name="all", weights=np.ones(1), unit=1.0, floor=0.0, scale=100.0)
    engine.keep(goal, 0.1)
    assert pytest.approx(0.0025) == engine.program.row_bounds()[1][-1]
    engine.keep(goal, 0.5)
    assert pytest.approx(0.005) == engine.program.row_bounds()[1][-1]


def test_a_plan_known_counts_with_what_its_hours_make_of_the_shortfalls():
    """A plan found for another goal may say of the fellows what is not so."""
    search = chosen(a_round(5)).search
    assert search.fair is not None
    assert search.values is not None
    wrong = search.values.copy()
    wrong[search.fair.lack] = 1.0
    goal = search.fair.fellows_goal()
    right = float(goal.weights @ search.values[: goal.weights.size])
    settled = search.engine.settle(goal, 1e-3, known=wrong)
    assert settled.objective <= right + 1e-3 * goal.scale
