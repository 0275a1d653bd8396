"""Fairness indices against their definitions."""

from math import log

import numpy as np
import pytest

from solver.fairness import (
    atkinson,
    envious_pairs,
    gini,
    jain_index,
    moves_spread,
    theil,
)
from solver.measures import envy, measure
from solver.plan import Entitlement, Plan, SolveStatus
from solver.problem import MILLI, as_int
from tests.builders import a_problem

SHARES = np.array([0.0, 0.5, 1.0, 1.0, 2.5])


def _slow_jain(shares: list[float]) -> float:
    return sum(shares) ** 2 / (len(shares) * sum(each**2 for each in shares))


def _slow_theil(shares: list[float]) -> float:
    mean = sum(shares) / len(shares)
    return sum(each / mean * log(each / mean) for each in shares if each) / len(shares)


def _slow_atkinson(shares: list[float]) -> float:
    mean = sum(shares) / len(shares)
    return 1 - (sum(each**0.5 for each in shares) / len(shares)) ** 2 / mean


def _slow_gini(shares: list[float]) -> float:
    heads = len(shares)
    return sum(abs(a - b) for a in shares for b in shares) / (2 * heads * sum(shares))


def test_equal_shares_are_perfectly_fair() -> None:
    """When all shares are equal Jain is 1 and every inequality 0."""
    same, group = np.full(4, 0.7), np.array([0, 0, 1, 1])
    assert 1.0 == pytest.approx(jain_index(same))
    assert 0.0 == pytest.approx(gini(same))
    assert 0.0 == pytest.approx(atkinson(same))
    assert 0.0 == pytest.approx(sum(theil(same, group)))


def test_one_who_has_everything_is_as_unfair_as_it_gets() -> None:
    """With one holder among n Jain is 1/n, Gini and Atkinson 1 − 1/n, Theil ln n."""
    one = np.array([0.0, 0.0, 0.0, 3.0])
    assert 0.25 == pytest.approx(jain_index(one))
    assert 0.75 == pytest.approx(gini(one))
    assert 0.75 == pytest.approx(atkinson(one))
    assert log(4) == pytest.approx(sum(theil(one, np.zeros(4, dtype=np.int64))))


def test_indices_equal_their_definitions() -> None:
    """The fast forms agree with the double sums of the textbooks."""
    slow = SHARES.tolist()
    assert _slow_jain(slow) == pytest.approx(jain_index(SHARES))
    assert _slow_gini(slow) == pytest.approx(gini(SHARES))
    assert _slow_atkinson(slow) == pytest.approx(atkinson(SHARES))
    assert _slow_theil(slow) == pytest.approx(sum(theil(SHARES, np.array([0, 1, 0, 1, 1]))))


def test_nothing_handed_out_is_equal_and_no_error() -> None:
    """All zero shares, and none at all, count as equal."""
    for shares in (np.zeros(3), np.zeros(0)):
        group = np.zeros(shares.size, dtype=np.int64)
        assert (1.0, 0.0, 0.0) == (jain_index(shares), gini(shares), atkinson(shares))
        assert 0.0 == sum(theil(shares, group))


def test_theil_between_groups_sees_only_their_means() -> None:
    """Groups with equal means have no inequality between them."""
    parts = theil(np.array([1.0, 3.0, 2.0, 2.0]), np.array([0, 0, 1, 1]))
    assert 0.0 == pytest.approx(parts.between)
    assert _slow_theil([1.0, 3.0, 2.0, 2.0]) == pytest.approx(parts.within)


def test_moves_are_scored_as_if_they_were_made() -> None:
    """Each move's indices equal those of the shares after it."""
    moves, amounts = np.array([[4, 0], [2, 3]]), np.array([[1.0, 0.5], [1.0, 2.0]])
    scored = moves_spread(SHARES, moves, amounts)
    for row, (giver, taker) in enumerate(moves.tolist()):
        after = SHARES.copy()
        after[giver] -= amounts[row, 0]
        after[taker] += amounts[row, 1]
        slow = after.tolist()
        expected = (_slow_jain(slow), _slow_theil(slow), _slow_atkinson(slow))
        assert expected == pytest.approx(tuple(scored[row]))


def test_envy_counts_pairs_as_the_double_loop_does() -> None:
    """The kernel agrees with plain Python on random holdings."""
    chance = np.random.default_rng(7)
    useful = chance.integers(0, 3, (6, 8)) * MILLI
    got = chance.integers(0, 4, (6, 8)) * chance.integers(0, 2, (6, 8))
    award = chance.integers(0, 30, 6) * MILLI
    right = chance.integers(0, 5, 6) * MILLI
    slow = 0
    for one in range(6):
        for other in range(6):
            usable = sum(int(u) * int(g) for u, g in zip(useful[one], got[other], strict=True))
            both = one != other and right[one] > 0 and right[other] > 0
            slow += bool(both and usable * int(right[one]) > int(award[one]) * int(right[other]))
    assert slow == envious_pairs(useful, got, award, right)


def test_nobody_envies_what_lies_outside_the_own_window() -> None:
    """Hours in slots that a fellow cannot use cause no envy; usable ones do."""
    cells = as_int([[0, 0, 3, 40]])
    rights = as_int([1, 1])
    apart = a_problem(end=[4, 3])
    together = a_problem(end=[4, 4])
    assert 0.0 == envy(apart, cells, rights)
    assert 0.5 == envy(together, cells, rights)


def test_a_fellow_with_the_whole_ask_envies_nobody() -> None:
    """Who got everything asked does not want what others have."""
    problem = a_problem(ask=[10 * MILLI, 100 * MILLI])
    cells = as_int([[0, 0, 0, 10], [1, 0, 1, 80]])
    assert 0.0 == envy(problem, cells, as_int([1, 1]))


def test_measures_count_shortfalls_and_fellows_at_their_entitlement() -> None:
    """A fellow within a gang-hour of the entitlement has it; the group's shortfall is exact."""
    problem = a_problem(requests=3, gang=[4, 1, 1], minimum=[0, 20 * MILLI, 0])
    right = as_int([41 * MILLI, 40 * MILLI, 40 * MILLI])
    entitlement = Entitlement(groups=right, fellows=right, fluid=as_int([]))
    cells = as_int([[0, 0, 0, 40], [1, 0, 1, 20]])
    plan = Plan(status=SolveStatus.FEASIBLE, cells=cells, entitlement=entitlement)
    found = measure(problem, plan)
    assert (1, 2, 1) == (found.at_entitlement, found.at_half, found.at_zero)
    assert [MILLI, 20 * MILLI, 40 * MILLI] == found.group_shortfall.tolist()
    assert (60 * MILLI, 2, 2) == (found.awarded, found.funded, found.minimum_met)
    assert [60 / 320] == found.utilization.tolist()


def test_without_entitlements_shares_are_per_stated_weight() -> None:
    """Under a policy without fairness tiers two fellows served by weight are equal."""
    problem = a_problem(fellow_weight=[2 * MILLI, MILLI])
    cells = as_int([[0, 0, 0, 40], [1, 0, 1, 20]])
    found = measure(problem, Plan(status=SolveStatus.FEASIBLE, cells=cells))
    assert 1.0 == pytest.approx(found.jain)
    assert 0 == found.at_entitlement
