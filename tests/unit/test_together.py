"""What the requests of one fellow cover together."""

import numpy as np
import pytest

from solver.plan import Entitlement
from solver.problem import MILLI, Problem, Shape, as_int
from solver.tiers import fairness_rows
from solver.tiers.fairness_rows import FairRows
from solver.tiers.model import RoundModel
from solver.tiers.program import Effort, solve_program
from tests.builders import a_problem


def least_lack(problem: Problem, due: list[int], *, whole: bool) -> float:
    """Return the least weighted lack of the fellows, with choices whole or in fractions."""
    model = RoundModel(problem)
    amounts = as_int(due)
    groups = np.bincount(problem.fellow_group, amounts)
    fluid = as_int(np.zeros((0, 4)))
    fair = FairRows(model, Entitlement(groups=as_int(groups), fellows=amounts, fluid=fluid))
    integer = np.zeros(model.program.columns, dtype=np.bool_)
    integer[model.choices()[0]] = whole
    goal = fair.fellows_goal().weights
    return solve_program(model.program, goal, Effort(), integer=integer).objective


def two_of_one(**changes) -> Problem:
    """Return a fellow with 80 or nothing and 70 or nothing, and a constant of somebody else."""
    fields = {
        "requests": 3,
        "slots": 1,
        "supply": [[100 * MILLI]],
        "ask": [80 * MILLI, 70 * MILLI, 10 * MILLI],
        "minimum": [80 * MILLI, 70 * MILLI, 0],
        "max_gpus": [10, 10, 1],
        "shape": [Shape.FLEXIBLE, Shape.FLEXIBLE, Shape.CONSTANT],
        "fellow": [0, 0, 1],
        "fellow_group": [0, 1],
    }
    return a_problem(**(fields | changes))


def test_a_piece_of_a_second_request_covers_what_its_part_of_the_whole_would():
    """Beside 80 of 100 that are due, 20 hours more are two sevenths of a request of 70."""
    due = [100 * MILLI, 0]
    assert pytest.approx(100 * 0.2 * 5 / 7) == least_lack(two_of_one(), due, whole=False)
    assert pytest.approx(20.0) == least_lack(two_of_one(), due, whole=True)


def test_a_successor_counts_only_beside_its_predecessor():
    """The second request by itself is no part of the hull when it comes after the first."""
    chained = two_of_one(slots=2, supply=[[100 * MILLI, 0]], end=[2, 2, 2], after=[-1, 0, -1])
    assert pytest.approx(20.0) == least_lack(chained, [100 * MILLI, 0], whole=True)


def test_no_whole_plan_is_cut_off(monkeypatch):
    """Rounds by chance have the same least lack with and without the hull."""
    chance = np.random.default_rng(0)
    for _ in range(10):
        ask = chance.integers(5, 60, 5)
        problem = a_problem(
            requests=5,
            pools=2,
            slots=2,
            supply=chance.integers(20, 60, (2, 2)) * MILLI,
            ask=ask * MILLI,
            minimum=ask * chance.integers(0, 3, 5) * MILLI // 2,
            gang=chance.integers(1, 3, 5),
            shape=[*chance.integers(0, 2, 4) * Shape.CONSTANT, Shape.CONSTANT],
            fellow=[0, 0, 0, 1, 1],
            fellow_group=[0, 0],
        )
        due = [60 * MILLI, 40 * MILLI]
        with_hull, relaxed = (least_lack(problem, due, whole=each) for each in (True, False))
        with monkeypatch.context() as without:
            without.setattr(fairness_rows, "cover_together", lambda *_: None)
            whole, loose = (least_lack(problem, due, whole=each) for each in (True, False))
        assert pytest.approx(whole, abs=1e-5) == with_hull
        assert loose - 1e-6 <= relaxed <= whole + 1e-5
