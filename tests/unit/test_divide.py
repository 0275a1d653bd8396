"""The fairest division inside the tiers reached."""

from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
import pytest

from solver.divide import Leximin, divide
from solver.entitle import entitle
from solver.problem import MILLI, FellowWeight, Problem, Rules, Tier
from solver.select import Selection, select
from solver.tiers.program import Effort, Program
from solver.tiers.relaxation import Relaxation
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


def levels(most: Sequence[float], *, hidden: bool) -> Leximin:
    """Return fellows who each have a part of their entitlement and can have no more.

    Args:
        most: those parts.
        hidden: whether two rows together say so, x + a + b ≤ 1 and a + b ≥ 1 − most.
    """
    program, count = Program(), len(most)
    lack, got, first, second = (program.add_columns(count, 0.0, 1.0) for _ in range(4))
    deepest = int(program.add_columns(1, 0.0, 1.0)[0])
    covering, depth = program.add_rows(count, 1.0, np.inf), program.add_rows(count, 0.0, np.inf)
    room = program.add_rows(count, -np.inf, 1.0)
    taken = program.add_rows(count, 1.0 - np.array(most), np.inf)
    for rows, columns, part in (
        (covering, lack, 1.0),
        (covering, got, 1.0),
        (depth, lack, -1.0),
        (room, got, 1.0),
        (room, first, 1.0),
        (taken, first, 1.0),
        *([(room, second, 1.0), (taken, second, 1.0)] if hidden else []),
    ):
        program.add_terms(rows, columns, part)
    program.add_terms(depth, deepest, 1.0)
    part = np.array(most)
    values = np.concatenate([1.0 - part, part, 1.0 - part, np.zeros(count), [1.0]])
    fair = SimpleNamespace(lack=lack, depth=depth, deepest=deepest, fellows=np.arange(count))
    face = Relaxation(program, Effort())
    return Leximin(face, fair, np.arange(count), values)


@pytest.mark.parametrize("hidden", [False, True])
def test_levels_on_which_nobody_can_be_lifted_cost_few_programs(hidden):
    """Thirty fellows at thirty levels, none of whom can be lifted, take no thirty programs."""
    most = np.arange(10, 40) / 100
    leximin = levels(most, hidden=hidden)
    assert leximin.run()
    assert pytest.approx(1.0 - most, abs=1e-5) == leximin.values[leximin.fair.lack]
    assert leximin.work <= 6
