"""Entitlements of a market: rounds whose answer is known by hand, and prices that lie."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from solver.checking.market import market, proved_mean
from solver.checking.stakes import stakes
from solver.nash import equilibrium, market_stage
from solver.plain import plain_round
from solver.plan import Entitlement
from solver.problem import Fairness, Problem, Rules, Unit
from tests.builders import a_problem

NASH = Rules(fairness=Fairness.NASH, unit=Unit.REFERENCE_HOURS)


def two_pools() -> Problem:
    """Return two fellows who like two pools differently: 2 : 1 and 1 : 1."""
    return a_problem(
        pools=2,
        slots=1,
        supply=[[60_000], [60_000]],
        speed=[[2000, 1000], [1000, 1000]],
        ask=[900_000, 900_000],
        max_gpus=[80, 80],
        rules=NASH,
    )


def distance(problem: Problem, entitlement: Entitlement) -> Fraction | None:
    """Return the proved distance of entitlements from the fairest."""
    found = market(stakes(plain_round(problem)))
    return found.distance(entitlement.fellows.tolist(), entitlement.levels[0])


def assert_near(expected: list[int], actual: list[int]) -> None:
    """Assert equality up to a thousandth."""
    assert np.allclose(expected, actual, rtol=3e-3, atol=2), (expected, actual)


def test_everyone_buys_where_the_hours_serve_best() -> None:
    """Who is twice as fast on a pool buys that one; the other buys the other."""
    assert_near([120_000, 60_000], equilibrium(two_pools()).fellows.tolist())


def test_equal_tastes_share_as_their_money() -> None:
    """With one pool a group of double weight buys double the hours."""
    problem = a_problem(slots=1, supply=[[60_000]], group_weight=[1000, 2000], rules=NASH)
    assert_near([20_000, 40_000], equilibrium(problem).groups.tolist())


def test_fellows_share_the_money_of_their_group() -> None:
    """Two fellows of one group hold together what the one of the other holds."""
    problem = a_problem(3, slots=1, supply=[[60_000]], fellow_group=[0, 0, 1], rules=NASH)
    assert_near([15_000, 15_000, 30_000], equilibrium(problem).fellows.tolist())


def test_what_a_small_ask_leaves_goes_to_the_others() -> None:
    """Who has all that is asked leaves the rest."""
    problem = a_problem(3, slots=1, supply=[[80_000]], ask=[10_000, 90_000, 90_000], rules=NASH)
    assert_near([10_000, 35_000, 35_000], equilibrium(problem).fellows.tolist())


def test_floors_and_caps_are_kept() -> None:
    """A floor lifts a group, a cap holds one down."""
    problem = a_problem(
        3,
        slots=1,
        supply=[[60_000]],
        group_floor=[30_000, 0, 0],
        group_cap=[-1, 10_000, -1],
        rules=NASH,
    )
    assert_near([30_000, 10_000, 20_000], equilibrium(problem).groups.tolist())


def test_nobody_able_means_nothing_held() -> None:
    """A round without supply has entitlements of zero and nothing to prove."""
    entitlement = equilibrium(a_problem(supply=np.zeros((1, 4)), rules=NASH))
    assert entitlement.groups.tolist() == [0, 0]
    (stage,) = market_stage(entitlement, gap=0.001)
    assert stage.gap == 0.0


def test_the_distance_is_proved() -> None:
    """Prices and multipliers prove the mean within the part that the search promises."""
    problem = two_pools()
    entitlement = equilibrium(problem)
    found = distance(problem, entitlement)
    assert found is not None
    assert found <= Fraction(1, 10**5)


@pytest.mark.parametrize(
    "held", [[110_000, 60_000], [118_000, 61_000], [60_000, 60_000], [1, 60_000]]
)
def test_worse_divisions_are_not_proved_best(held: list[int]) -> None:
    """At the same prices another division shows its distance."""
    problem = two_pools()
    entitlement = replace(equilibrium(problem), fellows=np.array(held))
    found = distance(problem, entitlement)
    assert found is None or found > Fraction(1, 10**5)


def test_no_prices_prove_nothing() -> None:
    """Without prices the only bound is what everyone could take alone."""
    problem = two_pools()
    found = market(stakes(plain_round(problem)))
    held = equilibrium(problem).fellows.tolist()
    assert proved_mean(found, held, None) == Fraction(found.mean([180_000, 120_000]))


def test_who_holds_nothing_is_no_market() -> None:
    """A fellow with money and no hours leaves the distance unproved."""
    problem = two_pools()
    entitlement = replace(equilibrium(problem), fellows=np.array([120_000, 0]))
    assert distance(problem, entitlement) is None


@pytest.mark.parametrize("seed", range(4))
def test_hours_of_one_are_rounded_by_less_than_a_gap(seed: int) -> None:
    """Where everyone asks for a GPU-hour, thousandths leave no more than 0.2 % of the mean open."""
    rng = np.random.default_rng(seed)
    problem = a_problem(
        requests=8,
        pools=3,
        slots=6,
        slot_hours=1_000,
        supply=rng.integers(50, 250, (3, 6)),
        speed=rng.integers(300, 2_000, (8, 3)),
        ask=[1_000] * 8,
        first=rng.integers(0, 3, 8),
        end=rng.integers(4, 7, 8),
        rules=NASH,
    )
    (stage,) = market_stage(equilibrium(problem), gap=0.002)
    assert stage.gap <= 0.002
