"""Formula methods on rounds small enough to check by hand, and on Korea's."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from scheduler.document import load_document
from scheduler.formulate import formulate
from scheduler.policy import find_policy
from scheduler.round_file import read_round
from solver.formula import apply_formula, proportional, rac, rank
from solver.plan import awarded_reference
from solver.problem import MILLI, NO_CAP, NOBODY, Method, Rules, Shape
from tests.builders import a_problem
from tests.rules import broken_rules

ROUNDS = Path(__file__).parents[2] / "benchmarks" / "rounds"
SERVER_MONTH = 8 * 730


def _awards(cells: np.ndarray, problem: object) -> list[int]:
    return (awarded_reference(problem, cells) // MILLI).tolist()


def test_rank_and_fund_of_korea_2026_gives_the_known_value() -> None:
    """Greedy by score on the Korean round gives Σ score × server-months = 471,854."""
    snapshot = read_round(load_document(ROUNDS / "kr2026.json.gz"))
    problem = formulate(snapshot, find_policy("rank_and_fund")).problem
    cells = rank(problem).cells
    value = (awarded_reference(problem, cells) * problem.score).sum() / MILLI**2 / SERVER_MONTH
    assert 471_854 == round(value)
    assert [] == broken_rules(problem, cells)


def test_rank_serves_the_best_score_in_full_and_the_next_with_what_is_left() -> None:
    """The better score gets its ask, the next the largest amount that still fits."""
    problem = a_problem(slots=1, ask=[50 * MILLI, 60 * MILLI], score=[80, 90])
    assert [20, 60] == _awards(rank(problem).cells, problem)


def test_rank_skips_who_does_not_fit_and_goes_on() -> None:
    """Strict rank-and-fund passes over a minimum that does not fit and funds the next."""
    problem = a_problem(
        3, slots=1, ask=np.full(3, 60 * MILLI), minimum=[0, 30 * MILLI, 0], score=[10, 20, 30]
    )
    assert [20, 0, 60] == _awards(rank(problem).cells, problem)


def test_guarantees_come_before_scores() -> None:
    """A guaranteed request gets its minimum though others score higher."""
    problem = a_problem(
        slots=1, minimum=[0, 50 * MILLI], score=[90, 10], guaranteed=[False, True], ask=[80_000] * 2
    )
    assert [30, 50] == _awards(rank(problem).cells, problem)


def test_a_vetoed_request_gets_nothing_from_any_formula() -> None:
    """A veto holds under every formula."""
    problem = a_problem(vetoed=[True, False])
    for formula in (rank, proportional, rac):
        assert 0 == _awards(formula(problem).cells, problem)[0]


def test_caps_bound_what_rank_hands_out() -> None:
    """A fellow's cap cuts the award to what the cap allows, in whole gang-hours."""
    problem = a_problem(fellow_cap=[35 * MILLI, NO_CAP], gang=[2, 1])
    cells = rank(problem).cells
    assert [34, 100] == _awards(cells, problem)
    assert [] == broken_rules(problem, cells)


def test_floors_are_served_before_better_scores() -> None:
    """A track below its floor goes first, best score inside it first."""
    problem = a_problem(
        3,
        slots=1,
        ask=np.full(3, 60 * MILLI),
        score=[90, 50, 60],
        track=[NOBODY, 0, 0],
        track_floor=[50 * MILLI],
        track_cap=[NO_CAP],
    )
    assert [20, 0, 60] == _awards(rank(problem).cells, problem)


def test_a_successor_follows_its_predecessor_even_with_a_better_score() -> None:
    """Nobody is served before the predecessor, neither in turn nor in time."""
    problem = a_problem(after=[1, NOBODY], score=[90, 50])
    cells = rank(problem).cells
    assert {0, 1} == set(cells[:, 0].tolist())
    assert [] == broken_rules(problem, cells)


def test_a_successor_of_nobody_served_gets_nothing() -> None:
    """When the predecessor cannot be placed, the successor is left out too."""
    problem = a_problem(after=[1, NOBODY], gang=[1, 90], max_gpus=[8, 90])
    assert [0, 0] == _awards(rank(problem).cells, problem)


def test_awards_of_an_earlier_plan_are_kept_where_they_were() -> None:
    """Accepted awards stay although a better score would take their place."""
    problem = a_problem(slots=2, score=[10, 90], previous=[(0, 0, 1, 60)], ask=[60_000, 160_000])
    cells = rank(problem).cells
    assert [0, 0, 1, 60] in cells.tolist()


def test_everyone_is_cut_by_the_share_that_the_supply_covers() -> None:
    """With twice the demand everyone gets half, rounded down to gangs."""
    problem = a_problem(slots=1, ask=[100 * MILLI, 60 * MILLI], gang=[1, 4], max_gpus=[8, 8])
    found = proportional(problem)
    assert Fraction(1, 2) == found.factor
    assert [50, 28] == _awards(found.cells, problem)


def test_a_cut_below_the_minimum_is_nothing() -> None:
    """Who cannot live with the cut gets nothing, and it is not handed to others."""
    problem = a_problem(slots=1, ask=[100 * MILLI, 60 * MILLI], minimum=[60 * MILLI, 0])
    assert [0, 30] == _awards(proportional(problem).cells, problem)


def test_proportional_leaves_an_undersubscribed_round_whole() -> None:
    """With supply for everyone the factor is one and asks are met."""
    problem = a_problem()
    found = proportional(problem)
    assert 1 == found.factor
    assert [100, 100] == _awards(found.cells, problem)


def test_rac_prefers_scores_and_small_asks() -> None:
    """Of equal asks the better score gets more; of equal scores the smaller ask a larger part."""
    ask = np.array([10, 20, 100, 100, 300, 300]) * MILLI
    score = np.array([50, 60, 50, 90, 50, 90]) * MILLI
    problem = a_problem(6, ask=ask, score=score)
    target = rac(problem).target
    assert target[2] < target[3]
    assert target[4] < target[5]
    assert target[5] / ask[5] < target[3] / ask[3]


def test_rac_never_cuts_below_the_minimum() -> None:
    """The floor at the minimum holds though the factor would give less."""
    problem = a_problem(3, slots=1, ask=[300_000] * 3, minimum=[30_000, 0, 0], score=[1, 90, 95])
    found = rac(problem)
    assert 30 * MILLI == found.target[0]
    assert found.target[1] < found.target[2]


def test_rac_targets_fit_the_supply_in_total() -> None:
    """The common factor uses the supply but no more than it."""
    problem = a_problem(4, slots=2, ask=np.array([60, 80, 100, 200]) * MILLI, score=[3, 5, 7, 9])
    total = int(rac(problem).target.sum())
    assert problem.supply.sum() - 4 * MILLI < total <= problem.supply.sum()


def test_a_constant_under_a_cap_shrinks_by_whole_steps() -> None:
    """Millions of thousandths lie between two numbers of GPUs: each number is tried once."""
    problem = a_problem(
        requests=1,
        slots=10,
        slot_hours=336 * MILLI,
        supply=[[80 * 336 * MILLI] * 10],
        ask=[26_880 * MILLI],
        gang=[4],
        max_gpus=[16],
        shape=[Shape.CONSTANT],
        fellow_cap=[20_000 * MILLI],
    )
    assert [13_440] == _awards(rank(problem).cells, problem)


def test_the_policy_names_the_formula() -> None:
    """`apply_formula` follows the policy, and refuses the optimising method."""
    problem = a_problem(rules=Rules(method=Method.PROPORTIONAL), slots=1)
    assert (proportional(problem).cells == apply_formula(problem, seed=0).cells).all()
    with pytest.raises(ValueError, match="not a formula"):
        apply_formula(a_problem(), seed=0)
