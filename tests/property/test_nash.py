"""Entitlements of a market on small random rounds, against exact rational programs."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
from hypothesis import HealthCheck, assume, given, settings

from solver.checking.market import market
from solver.checking.stakes import stakes
from solver.entitle import entitle, fellow_weights, group_weights
from solver.nash import equilibrium
from solver.plain import plain_round
from solver.problem import Fairness, Problem
from tests.exact import _all_rows, floors_hold, maximise
from tests.property.test_entitle import problems

RELATIVE = Fraction(3, 100)
"""Sum of relative gains left open by a distance of a part in 10**5: its root, and rounding."""


def of_a_market(problem: Problem) -> Problem:
    """Return the problem under the rule of a market."""
    return replace(problem, rules=replace(problem.rules, fairness=Fairness.NASH))


@settings(max_examples=60, deadline=None)
@given(problems(tracks=False))
def test_no_division_gains_in_proportion(problem: Problem) -> None:
    """An exact program finds no division whose relative gains, weighed by money, sum above zero."""
    problem = of_a_market(problem)
    weights = group_weights(problem).tolist(), fellow_weights(problem).tolist()
    assume(floors_hold(problem, *weights))
    held = equilibrium(problem).fellows.tolist()
    money = market(stakes(plain_round(problem))).money
    assume(all(held[fellow] >= 100 for fellow in money))
    fluid, rows = _all_rows(problem, *weights)
    cost: dict[int, Fraction] = {}
    for fellow, part in money.items():
        for column, brings in fluid.amount(problem.fellow, fellow).items():
            cost[column] = brings * part / held[fellow]
    for group, floor in enumerate(problem.group_floor.tolist()):
        row = fluid.amount(problem.group, group)
        if row:
            rows.append(({c: -value for c, value in row.items()}, -Fraction(floor)))
    best = maximise(cost, rows, len(fluid.cells))
    assert best is not None
    assert best <= sum(money.values()) + RELATIVE


@settings(max_examples=60, deadline=None)
@given(problems())
def test_the_distance_is_small_wherever_floors_hold(problem: Problem) -> None:
    """Whatever floors, caps and tracks there are, the prices prove the search's promise."""
    problem = of_a_market(problem)
    assume(floors_hold(problem, group_weights(problem).tolist(), fellow_weights(problem).tolist()))
    entitlement = equilibrium(problem)
    found = market(stakes(plain_round(problem)))
    assume(found.money and all(entitlement.fellows[fellow] >= 100 for fellow in found.money))
    distance = found.distance(entitlement.fellows.tolist(), entitlement.levels[0])
    rounding = sum(part * 2 / entitlement.fellows[f].item() for f, part in found.money.items())
    assert distance is not None
    assert distance <= Fraction(1, 10**4) + rounding


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(problems(tracks=False, plain_flow=True))
def test_in_a_plain_flow_it_is_the_leximin(problem: Problem) -> None:
    """With one fellow a group the leximin of a flow is the market's division (Fujishige, 1980)."""
    assume(problem.fellows == problem.groups)
    assume(not problem.group_floor.any())
    alone = replace(problem, fellow_weight=np.ones_like(problem.fellow_weight))
    market_holds, leximin_holds = equilibrium(of_a_market(alone)).groups, entitle(alone).groups
    assert np.allclose(market_holds, leximin_holds, rtol=0.02, atol=20)
