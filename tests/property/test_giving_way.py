"""Where a large round's value lets an earlier tier give way, its bound is that of all as unfair."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.entitle import entitle
from solver.problem import MILLI, Problem, Rules, Tier
from solver.select import Selection, select
from solver.tiers import engines
from solver.tiers.amounts import AmountModel
from solver.tiers.fairness_rows import FairRows
from solver.tiers.program import Effort
from tests.builders import a_problem

GAP = 0.2
"""So wide that a fellow tier gives way by a twentieth of all entitlements."""


def crowded_round(seed: int) -> Problem:
    """Return a round of one pool with high minimums, where few can be funded together."""
    rng = np.random.default_rng(seed)
    requests = int(rng.integers(3, 7))
    ask = rng.integers(20, 200, requests) * MILLI
    return a_problem(
        requests=requests,
        ask=ask,
        minimum=ask * rng.integers(2, 6, requests) // 6,
        supply=np.full((1, 4), int(rng.integers(20, 80)) * MILLI),
        score=rng.integers(1, 100, requests) * MILLI,
        rules=Rules(tiers=(Tier.FELLOWS, Tier.VALUE)),
    )


def selected(problem: Problem, *, large: int, gap: float = GAP) -> Selection:
    """Select as if rounds were large from this number of columns on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engines, "LARGE", large)
        return select(problem, entitle(problem), gap=gap, effort=Effort(), report=lambda *_: None)


def lacking(selection: Selection) -> tuple[float, float]:
    """Return what fellows lack in the end, and what they lacked as their tier was settled."""
    search = selection.search
    assert search.fair is not None
    assert search.values is not None
    goal = search.fair.fellows_goal()
    return float(goal.weights @ search.values[: goal.weights.size]), selection.tiers[0].objective


def most_value(problem: Problem, lack: float) -> float:
    """Return the most value of any choice of requests in which fellows lack no more than this."""
    model = AmountModel(problem)
    fair = FairRows(model, entitle(problem))
    goal = fair.fellows_goal()
    used = np.flatnonzero(goal.weights)
    relaxation = model.relaxation(Effort())
    relaxation.add_row(used, goal.weights[used], -np.inf, lack)
    relaxation.aim(-model.value_goal())
    most = -np.inf
    for chosen in product((0.0, 1.0), repeat=problem.requests):
        for column, part in zip(model.funded.tolist(), chosen, strict=True):
            relaxation.bound(column, part, part)
        vertex = relaxation.solve()
        most = most if vertex is None else max(most, -vertex.objective)
    return most


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_the_bound_holds_for_all_who_are_as_fair(seed):
    """No choice in which fellows lack as little as in the plan has more value than the bound."""
    problem = crowded_round(seed)
    selection = selected(problem, large=0)
    value = selection.tiers[-1]
    best = most_value(problem, lacking(selection)[0])
    assert value.objective <= best * (1 + 1e-5)
    assert value.bound >= best * (1 - 1e-5)


@pytest.mark.parametrize("seed", [12, 15, 17, 27])
def test_fellows_give_way_where_value_gains_more_than_that_is_worth(seed):
    """By no more than a quarter of the gap; a round that is not large has less value."""
    problem = crowded_round(seed)
    large, small = selected(problem, large=0), selected(problem, large=10**6)
    lack, settled = lacking(large)
    assert large.search.fair is not None
    scale = large.search.fair.fellows_goal().scale
    assert scale is not None
    assert settled + 1e-3 * scale < lack <= settled + (GAP / 4 + 1e-5) * scale
    assert large.tiers[-1].objective > small.tiers[-1].objective
