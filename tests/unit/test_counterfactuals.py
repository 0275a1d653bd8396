"""Counterfactuals on small rounds where the right answer is plain to see."""

import numpy as np
import pytest

from solver.audit import is_lawful
from solver.counterfactuals import ENOUGH, Explorer, counterfactuals, silence
from solver.pipeline import solve
from solver.plan import Plan, SolveStatus, awarded_reference
from solver.problem import MILLI, Fairness, Method, Rules, Shape, Tier, as_int
from solver.rights import rights
from solver.spread import here
from solver.whatif import (
    NO_WORSE,
    Change,
    Claim,
    Lever,
    Silence,
    apply,
    changed,
    difference,
    goals,
)
from tests.builders import a_problem

VALUE_ONLY = Rules(tiers=(Tier.VALUE,))


def a_plan(cells):
    """Return a plan of some cells."""
    return Plan(status=SolveStatus.FEASIBLE, cells=as_int(cells))


def by_lever(found):
    """Return the counterfactuals by what they change."""
    return {each.change.lever: each for each in found}


def one_server(**changes):
    """Return two all-or-nothing requests for the one pool that has room for one of them."""
    fields = {
        "slots": 1,
        "supply": [[80 * MILLI]],
        "ask": [60 * MILLI, 60 * MILLI],
        "minimum": [60 * MILLI, 60 * MILLI],
        "score": [70 * MILLI, 50 * MILLI],
        "rules": VALUE_ONLY,
    }
    return a_problem(**(fields | changes))


def test_the_score_that_was_needed():
    """Between two requests of one size the least score needed is the other's."""
    problem = one_server()
    found = by_lever(Explorer(problem, solve(problem)).of(1))
    assert 70 * MILLI == found[Lever.SCORE].change.score
    assert found[Lever.SCORE].claim in NO_WORSE
    assert 60 * MILLI == found[Lever.SCORE].awarded


def test_the_ask_that_would_have_fitted():
    """Twenty hours are left: an all-or-nothing request for as much would have got them."""
    problem = one_server()
    found = by_lever(Explorer(problem, solve(problem)).of(1))
    assert 20 * MILLI >= found[Lever.ASK].change.ask > 18 * MILLI
    assert Claim.BETTER is found[Lever.ASK].claim


def test_the_minimum_that_would_have_fitted():
    """The same with a minimum below the ask."""
    problem = one_server(ask=[60 * MILLI, 70 * MILLI])
    found = by_lever(Explorer(problem, solve(problem)).of(1))
    assert 20 * MILLI >= found[Lever.MINIMUM].change.minimum > 18 * MILLI


def test_a_window_one_slot_wider():
    """The slot after the window lies idle."""
    problem = one_server(slots=3, supply=[[60 * MILLI] * 3], end=[1, 1], max_gpus=[8, 8])
    found = by_lever(Explorer(problem, solve(problem)).of(1))
    change = found[Lever.WINDOW].change
    assert (0, 2) == (change.first, change.end)


def test_another_pool():
    """The second pool lies idle."""
    problem = one_server(
        pools=2, supply=[[80 * MILLI], [80 * MILLI]], speed=[[MILLI, 0], [MILLI, 0]]
    )
    found = by_lever(Explorer(problem, solve(problem)).of(1))
    assert (1, MILLI) == (found[Lever.POOL].change.pool, found[Lever.POOL].change.speed)
    assert 60 == found[Lever.POOL].delta[:, 3].sum()
    assert {1} == set(found[Lever.POOL].delta[:, 0].tolist())


def test_a_smaller_gang():
    """Six hours are left of gangs of eight."""
    problem = one_server(supply=[[66 * MILLI]], gang=[1, 8], minimum=[60 * MILLI, 4 * MILLI])
    plan = a_plan([[0, 0, 0, 60]])
    found = by_lever(Explorer(problem, plan).of(1))
    assert 4 == found[Lever.GANG].change.gang


def test_what_it_would_cost():
    """Funding the worse of two costs the difference of their value."""
    problem = one_server()
    found = by_lever(Explorer(problem, solve(problem)).of(1))[Lever.NOTHING]
    assert Claim.AT_A_COST is found.claim
    assert 60 * 20 == found.losses["value"]
    assert {(0, -60), (1, 60)} == {(row[0], row[3]) for row in found.delta.tolist()}


def test_a_larger_ask_gets_what_lies_idle():
    """Who has all that was asked learns that more was there."""
    problem = a_problem(requests=1, slots=1, ask=[40 * MILLI], minimum=[10 * MILLI])
    found = by_lever(Explorer(problem, solve(problem)).of(0))
    assert 44 * MILLI == found[Lever.ASK].change.ask == found[Lever.ASK].awarded


def test_what_would_not_have_changed_it():
    """A minimum as high as the award would have been met by the same plan."""
    problem = a_problem(requests=1, slots=1, ask=[40 * MILLI], minimum=[10 * MILLI])
    found = by_lever(Explorer(problem, solve(problem)).of(0))
    assert Claim.SAME_PLAN is found[Lever.MINIMUM].claim
    assert 40 * MILLI == found[Lever.MINIMUM].change.minimum
    assert not found[Lever.MINIMUM].delta.size


def test_a_vetoed_request_has_none():
    """What the operator vetoed no figure of the fellow could have changed."""
    problem = one_server(vetoed=[0, 1])
    assert [] == Explorer(problem, solve(problem)).of(1)


def test_blocks_take_the_place_of_others():
    """A block that is worth more at a higher score replaces the one in its way."""
    problem = one_server(
        slots=2,
        supply=[[80 * MILLI, 80 * MILLI]],
        ask=[120 * MILLI] * 2,
        minimum=[120 * MILLI] * 2,
        shape=[Shape.BLOCK] * 2,
        block_slots=[2, 2],
    )
    found = by_lever(Explorer(problem, solve(problem)).of(1))
    assert 70 * MILLI == found[Lever.SCORE].change.score


def test_a_formula_is_run_again():
    """Under rank-and-fund the score that is needed is one more than the other's."""
    problem = one_server(rules=Rules(method=Method.RANK, tiers=(Tier.VALUE,)))
    found = by_lever(Explorer(problem, solve(problem)).of(1))
    assert Claim.FORMULA is found[Lever.SCORE].claim
    assert 70 * MILLI <= found[Lever.SCORE].change.score <= 71 * MILLI


def test_fellows_of_one_group_trade():
    """Under the tiers a fellow's own other request makes room, and no goal is worse."""
    problem = one_server(
        fellow=[0, 0], minimum=[10 * MILLI, 30 * MILLI], ask=[80 * MILLI, 60 * MILLI], rules=Rules()
    )
    plan = solve(problem)
    assert {0} == set(plan.cells[:, 0].tolist())
    found = by_lever(Explorer(problem, plan).of(1))
    assert Claim.AT_A_COST is found[Lever.NOTHING].claim
    assert 30 * 20 == found[Lever.NOTHING].losses["value"]
    assert 70 * MILLI == found[Lever.SCORE].change.score


def test_promises_are_not_traded():
    """What an earlier plan awarded stays."""
    problem = one_server(previous=[[0, 0, 0, 60]])
    found = Explorer(problem, a_plan([[0, 0, 0, 60]])).of(1)
    assert all((each.delta[:, 0] != 0).all() for each in found)


@pytest.mark.parametrize("request_", [0, 1])
def test_every_delta_leads_to_a_plan(request_):
    """The cells and the difference give a plan of the changed round with the award stated."""
    problem = one_server()
    plan = solve(problem)
    for each in Explorer(problem, plan).of(request_):
        other = changed(problem, each.change)
        cells = apply(plan.cells, each.delta)
        assert is_lawful(other, cells)
        assert each.awarded == awarded_reference(other, cells)[request_]


def test_spreading_changes_nothing():
    """All at once or one by one, the same is found."""
    problem = one_server()
    plan = solve(problem)
    together = counterfactuals(Explorer(problem, plan), [1, 0], here())
    alone = [Explorer(problem, plan).of(each) for each in (1, 0)]
    assert [[each.change for each in found] for found in alone] == [
        [each.change for each in found] for found in together
    ]


def test_differences_add_up():
    """A difference applied to the one plan gives the other."""
    one, other = as_int([[0, 0, 0, 5], [1, 0, 0, 3]]), as_int([[0, 0, 0, 2], [2, 0, 1, 4]])
    assert np.array_equal(other, apply(one, difference(one, other)))


def test_goals_are_exact():
    """Two thirds of an entitlement lacking are two thirds, not 0.6667."""
    problem = one_server(rules=Rules())
    plan = solve(problem)
    figures = goals(problem, plan.entitlement, plan.cells).figures
    assert {"groups", "groups_total", "fellows", "value"} == figures.keys()
    assert 1 == figures["groups"]


def test_a_change_that_contradicts_itself_is_refused():
    """A minimum above the ask is no request."""
    with pytest.raises(ValueError, match="minimum"):
        changed(one_server(), Change(request=0, lever=Lever.MINIMUM, minimum=61 * MILLI))


def test_what_comes_close_is_shown_where_little_else_is():
    """Half the minimum costs the value less than the whole does, and is told with its price."""
    problem = one_server(
        supply=[[60 * MILLI]],
        speed=[[MILLI], [MILLI // 2]],
        ask=[60 * MILLI, 6 * MILLI],
        minimum=[40 * MILLI, 6 * MILLI],
        score=[100 * MILLI, 100 * MILLI],
    )
    found = by_lever(Explorer(problem, solve(problem)).of(1))
    assert {Lever.NOTHING, Lever.ASK} == found.keys()
    assert Claim.AT_A_COST is found[Lever.ASK].claim
    assert 3 * MILLI == found[Lever.ASK].change.ask
    assert found[Lever.ASK].losses["value"] < found[Lever.NOTHING].losses["value"]


def test_a_formula_tells_what_would_not_have_changed_it():
    """A minimum as high as the award gives the very same plan by the formula."""
    problem = one_server(
        minimum=[10 * MILLI] * 2, rules=Rules(method=Method.RANK, tiers=(Tier.VALUE,))
    )
    found = by_lever(Explorer(problem, solve(problem)).of(0))
    assert Claim.SAME_PLAN is found[Lever.MINIMUM].claim
    assert 60 * MILLI == found[Lever.MINIMUM].change.minimum


def test_entitlements_of_a_market_are_those_of_the_changed_market():
    """Under Nash what is shown loses nothing against the market of the changed round."""
    problem = one_server(
        minimum=[10 * MILLI] * 2, rules=Rules(fairness=Fairness.NASH), max_gpus=[80, 80]
    )
    plan = solve(problem)
    for found in Explorer(problem, plan).of(1):
        other = changed(problem, found.change)
        before = goals(other, rights(other), plan.cells)
        losses = goals(other, rights(other), apply(plan.cells, found.delta)).losses(before)
        assert found.claim not in NO_WORSE or all(loss <= 0 for loss in losses.values())


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"vetoed": [0, 1]}, Silence.VETOED),
        ({"rules": Rules(method=Method.REALLOCATE)}, Silence.MID_ROUND),
        ({"max_gpus": [60, 1]}, Silence.NEVER_FITS),
        ({}, Silence.NOT_FOUND),
    ],
)
def test_why_little_is_shown(changes, why):
    """A veto, the line in mid-round, a minimum out of reach, or else that no more was found."""
    assert why is silence(one_server(**changes), 1, ENOUGH - 1)
    assert silence(one_server(**changes), 1, ENOUGH) is None
