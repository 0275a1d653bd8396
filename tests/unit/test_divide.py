"""The fairest division inside the tiers reached."""

import numpy as np
import pytest

from solver.divide import divide
from solver.entitle import entitle
from solver.problem import MILLI, FellowWeight, Problem, Rules, Tier
from solver.select import Selection, select
from solver.tiers.program import Effort
from tests.builders import a_problem

FAIR = Rules(tiers=(Tier.GROUPS, Tier.FELLOWS), fellow_weight=FellowWeight.EQUAL)


def selected(problem: Problem) -> Selection:
    """Select with plenty of effort."""
    entitlement = entitle(problem) if Tier.GROUPS in problem.rules.tiers else None
    return select(problem, entitlement, gap=1e-4, effort=Effort(), report=lambda *_: None)


def amounts(fluid: np.ndarray, requests: int) -> list[float]:
    """Return GPU-hours per request."""
    return (np.bincount(fluid[:, 0], weights=fluid[:, 3], minlength=requests) / MILLI).tolist()


def test_equal_fellows_end_equal():
    """Three fellows of one group who ask for everything get one third each."""
    problem = a_problem(requests=3, fellow_group=[0, 0, 0], ask=[320 * MILLI] * 3, rules=FAIR)
    division = divide(selected(problem))
    assert pytest.approx([320 / 3] * 3, rel=1e-3) == amounts(division.fluid, 3)
    assert pytest.approx(1.0, abs=1e-3) == division.lowest


def test_what_one_request_forces_is_shared_by_the_others():
    """When a minimum eats up one fellow's share, the other two lack alike."""
    problem = a_problem(
        requests=3,
        fellow_group=[0, 0, 0],
        ask=[320 * MILLI] * 3,
        minimum=[200 * MILLI, 0, 0],
        guaranteed=[1, 0, 0],
        rules=FAIR,
    )
    division = divide(selected(problem))
    got = amounts(division.fluid, 3)
    assert pytest.approx(got[1], rel=1e-3) == got[2]
    assert pytest.approx(60.0, rel=1e-3) == got[1]


def test_without_fairness_the_selection_is_the_division():
    """A policy of value alone leaves nothing to divide."""
    selection = selected(a_problem(rules=Rules(tiers=(Tier.VALUE,))))
    assert selection.fluid is divide(selection).fluid


def test_value_is_not_given_away():
    """Leximin moves nothing that costs the value tier what it reached."""
    problem = a_problem(
        requests=3,
        fellow=[0, 0, 1],
        fellow_group=[0, 0],
        ask=[160 * MILLI] * 3,
        score=[90 * MILLI, 10 * MILLI, 50 * MILLI],
    )
    division = divide(selected(problem))
    first, second, _ = amounts(division.fluid, 3)
    assert pytest.approx(160, rel=1e-3) == first
    assert second <= 1
