"""The whole solve on rounds small enough to know the answer, and on two public ones."""

import numpy as np
import pytest

from scheduler.document import load_document
from scheduler.formulate import formulate
from scheduler.policy import find_policy
from scheduler.round_file import read_round
from solver.audit import keeps_hard_rules, within_caps
from solver.pipeline import Limits, Progress, solve
from solver.plan import SolveStatus, per_group, received
from solver.problem import MILLI, Fairness, Merit, Problem, Rules, Shape, Tier, Unit, as_int
from tests.builders import a_problem

ROUNDS = "benchmarks/rounds"
BY_VALUE = Rules(tiers=(Tier.VALUE,))


def the_round(name: str, policy: str) -> Problem:
    """Return a public round under a preset."""
    snapshot = read_round(load_document(f"{ROUNDS}/{name}.json.gz"))
    return formulate(snapshot, find_policy(policy)).problem


def test_the_better_score_is_funded_when_only_one_fits():
    """Of two all-or-nothing requests that exclude each other the better one is funded."""
    problem = a_problem(
        ask=[300 * MILLI] * 2,
        minimum=[300 * MILLI] * 2,
        score=[40 * MILLI, 60 * MILLI],
        rules=BY_VALUE,
    )
    plan = solve(problem)
    assert {1} == set(plan.cells[:, 0].tolist())
    assert (0,) == plan.reserve
    assert SolveStatus.OPTIMAL is plan.status


def test_two_equal_groups_share_alike():
    """Two groups of the same weight that ask for everything get one half each."""
    problem = a_problem(ask=[320 * MILLI] * 2)
    plan = solve(problem)
    amounts = per_group(problem, received(problem, plan.cells))
    assert [160 * MILLI] * 2 == amounts.tolist()


def test_stages_are_told_as_they_come():
    """Whoever watches hears of every tier once, in order."""
    heard: list[Progress] = []
    solve(a_problem(ask=[320 * MILLI] * 2), progress=heard.append)
    assert ["groups", "groups_total", "fellows", "value"] == [each.stage for each in heard]


@pytest.mark.parametrize("work", [1, 3])
def test_a_tight_limit_still_gives_a_plan(work):
    """Whatever the limit, hours are handed out and no pool is overdrawn."""
    problem = a_problem(
        requests=5, ask=[90 * MILLI] * 5, minimum=[70 * MILLI] * 5, gang=[8, 4, 2, 1, 1]
    )
    plan = solve(problem, limits=Limits(work=work))
    assert len(plan.cells) > 0
    assert plan.status in {SolveStatus.OPTIMAL, SolveStatus.FEASIBLE}


def test_a_market_is_stated_whenever_the_limit_comes():
    """Entitlements that were worked out before the limit come with the stage that proves them."""
    rules = Rules(fairness=Fairness.NASH, unit=Unit.REFERENCE_HOURS)
    problem = a_problem(
        requests=5,
        ask=[90 * MILLI] * 5,
        minimum=[70 * MILLI] * 5,
        gang=[8, 4, 2, 1, 1],
        rules=rules,
    )
    stated = []
    for work in range(1, 8):
        plan = solve(problem, limits=Limits(work=work))
        stated.append(plan.entitlement is not None)
        assert stated[-1] == ("nash" in [each.name for each in plan.stages])
    assert any(stated)


def test_whole_server_round_is_proved():
    """The Korean round of 2026 is solved to the published optimum, with its proof."""
    plan = solve(the_round("kr2026", "whole_server"))
    value = next(stage for stage in plan.stages if stage.name == "value")
    assert 536_497 == round(value.objective / 8 / 730)
    assert value.gap <= 1e-6


def test_a_round_of_all_or_nothing_constants_is_proved_tier_by_tier():
    """A plan whose worst group is far from its bound is not all that fairness tiers look for."""
    plan = solve(the_round("kr2026", "entitlement"))
    assert 0.3905 == pytest.approx(plan.stages[2].objective, abs=1e-4)
    assert max(stage.gap for stage in plan.stages) <= 1e-3


def test_the_same_question_gives_the_same_answer():
    """Two solves of one problem agree in every cell and figure."""
    problem = a_problem(requests=6, minimum=[60 * MILLI] * 6, rules=Rules(merit=Merit.NONE))
    first, second = solve(problem), solve(problem)
    assert first.cells.tolist() == second.cells.tolist()
    assert first.stages == second.stages


def test_a_step_beyond_a_cap_is_not_funded() -> None:
    """A constant shape whose least step costs more than the fellow's cap gets nothing."""
    problem = a_problem(
        shape=[Shape.CONSTANT, 0],
        gang=[4, 1],
        ask=[320_000, 100_000],
        minimum=[0, 0],
        fellow_cap=[5_000, -1],
        rules=Rules(unit=Unit.REFERENCE_HOURS),
    )
    plan = solve(problem)
    assert keeps_hard_rules(problem, plan.cells)
    assert 0 not in plan.cells[:, 0]


def test_caps_that_awards_do_not_fit_are_kept_by_dropping_the_lowest_score() -> None:
    """Who holds more than the cap gives up awards, the lowest score first."""
    problem = a_problem(
        fellow=[0, 0], score=[60_000, 80_000], fellow_cap=[100_000], ask=[80_000, 80_000]
    )
    cells = as_int([[0, 0, 0, 80], [1, 0, 1, 80]])
    assert [1] == np.unique(within_caps(problem, cells)[:, 0]).tolist()
