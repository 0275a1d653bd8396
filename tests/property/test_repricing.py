"""Cuts at known prices, against pricing, against programs alone and against what can be had."""

import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.national_round import national_round
from scheduler.document import parse_document
from scheduler.formulate import formulate
from scheduler.policy import find_policy
from scheduler.round_file import read_round
from solver.checking.duality import check_levels
from solver.checking.stakes import stakes
from solver.entitle import entitle
from solver.fluid.leximin import Cut, Rising, Terms, is_broken
from solver.fluid.merging import merge, reach
from solver.fluid.outlay import Market, curves, worths
from solver.fluid.pricing import Pricing
from solver.fluid.repricing import Repricing, market
from solver.problem import Problem
from tests.builders import a_problem
from tests.plain import claimed, plain_round
from tests.property.test_entitle import problems

UNIT = 2**30
"""What prices and worths are integer parts of where they are compared."""
CUTS_COME = ((60, 3), (60, 27), (120, 6), (120, 22))
"""National rounds, by requests and seed, in which prices are used again; in all but one fellows'
caps bind."""


def a_national_round(requests: int, seed: int) -> Problem:
    """Return a round under every rule."""
    document = parse_document(json.dumps(national_round(requests, seed)).encode())
    return formulate(read_round(document), find_policy("entitlement")).problem


@settings(deadline=None)
@given(problems(), st.data())
def test_amounts_cost_what_pricing_says(problem: Problem, data: st.DataObject) -> None:
    """What an amount costs is the most that a worth of a unit leaves beyond what is earned."""
    merged = merge(problem, reach(problem) > 0)
    if merged.classes == 0:
        return
    shape, fellows = merged.supply.shape, problem.fellows
    prices = np.array(
        data.draw(
            st.lists(st.integers(0, 9), min_size=merged.supply.size, max_size=shape[0] * shape[1])
        )
    ).reshape(shape)
    columns, none = merged.columns, np.zeros(merged.classes)
    priced: Market = market(merged, fellows)
    curve = curves(
        priced, prices[columns.pool, columns.span] / 10.0, none, np.full(fellows, np.inf)
    )
    most = curve.units[curve.start[1:] - 1]
    amounts = most * data.draw(st.floats(0.05, 0.95))
    worth, cost = worths(curve, amounts)
    pricing = Pricing(merged)
    for f in range(fellows):
        tried = np.append(curve.worth[curve.start[f] : curve.start[f + 1]], worth[f])
        earned = [
            pricing.nearly(prices * (UNIT // 10), np.full(merged.classes, round(each * UNIT)))[
                merged.fellow == f
            ].sum()
            / UNIT
            / 1000
            for each in tried.tolist()
        ]
        left = tried * amounts[f] - np.array(earned)
        assert cost[f] == pytest.approx(left.max(), rel=1e-6, abs=1e-3)
        assert cost[f] == pytest.approx(left[-1], rel=1e-6, abs=1e-3)


@pytest.mark.parametrize(("requests", "seed"), CUTS_COME)
def test_prices_known_change_no_amount(
    requests: int, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Programs alone find the same amounts, which keep the cuts at known prices; all is proved."""
    problem = a_national_round(requests, seed)
    found: list[Cut] = []

    def noting(self: Repricing, rising: Rising) -> list[Cut]:
        cuts = at_once(self, rising)
        found.extend(cuts)
        return cuts

    at_once = Repricing.cuts
    monkeypatch.setattr(Repricing, "cuts", noting)
    entitlement = entitle(problem)
    monkeypatch.setattr(Repricing, "cuts", lambda _self, _rising: [])
    alone = entitle(problem)
    near = pytest.approx(alone.fellows.tolist(), rel=1e-6, abs=3)
    assert entitlement.fellows.tolist() == near
    assert entitlement.groups.tolist() == alone.groups.tolist()
    case = stakes(plain_round(problem))
    assert check_levels(case, claimed(entitlement), entitlement.levels) == []
    assert found
    held = alone.fellows.astype(np.float64) * (1.0 - 1e-6) - 1.0
    for cut in found:
        grains = np.maximum(held, 0.0) * 10**6
        assert not is_broken(cut, grains)


def test_a_group_without_fellows_has_no_prices_to_meet() -> None:
    """A last group in which nobody is has a total, and takes no place among the fellows' groups."""
    problem = a_problem()
    merged, nothing = merge(problem, reach(problem) > 0), {("group", 1): Fraction(0)}
    terms = Terms(members={}, least=nothing, most=nothing)
    none = np.zeros(2)
    rising = Rising(weight=none, low=none, amounts=none, top=0.0)
    assert [] == Repricing(merged, terms, np.zeros(2, dtype=np.int64), 1).cuts(rising)
