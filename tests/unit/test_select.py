"""Who is funded, on rounds small enough to see why."""

import numpy as np
import pytest

from solver.entitle import entitle
from solver.plan import Limit
from solver.problem import MILLI, Merit, Problem, Rules, Shape, Tier, Unit, ValueOf
from solver.select import Selection, select
from solver.tiers.engines import LinearEngine
from solver.tiers.model import RoundModel
from solver.tiers.program import Effort
from tests.builders import a_problem

BY_VALUE = Rules(tiers=(Tier.VALUE,))


def selected(problem: Problem, *, gap: float = 1e-6) -> Selection:
    """Select with plenty of effort."""
    entitlement = entitle(problem) if Tier.GROUPS in problem.rules.tiers else None
    return select(
        problem, entitlement, gap=gap, effort=Effort(programs=500), report=lambda *_: None
    )


def reached(selection: Selection, tier: str) -> tuple[float, float]:
    """Return objective and bound of a tier."""
    found = next(each for each in selection.tiers if each.name == tier)
    return found.objective, found.bound


def funded(selection: Selection) -> list[int]:
    """Return who is funded."""
    return np.flatnonzero(selection.funded).tolist()


def test_value_takes_the_best_pair():
    """Among all-or-nothing requests the pair that fills the pool beats the best single one."""
    problem = a_problem(
        requests=3,
        ask=[200 * MILLI, 160 * MILLI, 160 * MILLI],
        minimum=[200 * MILLI, 160 * MILLI, 160 * MILLI],
        score=[60 * MILLI, 50 * MILLI, 50 * MILLI],
        rules=BY_VALUE,
    )
    selection = selected(problem)
    assert [1, 2] == funded(selection)
    assert pytest.approx((16_000, 16_000)) == reached(selection, "value")


def test_projects_count_heads():
    """When projects are what counts, two small ones go before a large one of the same score."""
    problem = a_problem(
        requests=3,
        ask=[300 * MILLI, 150 * MILLI, 150 * MILLI],
        minimum=[300 * MILLI, 150 * MILLI, 150 * MILLI],
        rules=Rules(tiers=(Tier.VALUE,), value_of=ValueOf.PROJECTS, merit=Merit.NONE),
    )
    assert [1, 2] == funded(selected(problem))


def test_groups_that_can_be_served_fall_short_of_nothing():
    """Where everyone reaches the entitlement both group tiers are proved by arithmetic."""
    selection = selected(a_problem(ask=[320 * MILLI] * 2), gap=1e-3)
    assert ["arithmetic"] * 3 == [each.evidence for each in selection.tiers[:3]]
    assert reached(selection, "groups")[0] <= 1e-4


def test_a_group_that_cannot_start_is_named_by_its_bound():
    """Two groups whose minimums exclude each other: one gets nothing, and no plan does better."""
    problem = a_problem(ask=[320 * MILLI] * 2, minimum=[200 * MILLI] * 2)
    selection = selected(problem)
    objective, bound = reached(selection, "groups")
    assert 1 == len(funded(selection))
    assert pytest.approx(1.0, abs=1e-4) == objective
    assert pytest.approx(1.0, abs=1e-3) == bound


def test_pinned_is_funded_and_vetoed_is_not():
    """The operator's word comes before any goal."""
    problem = a_problem(
        requests=3,
        ask=[200 * MILLI] * 3,
        minimum=[200 * MILLI] * 3,
        score=[90 * MILLI, 50 * MILLI, 10 * MILLI],
        vetoed=[1, 0, 0],
        pinned=[0, 0, 1],
        rules=BY_VALUE,
    )
    assert [2] == funded(selected(problem))


def test_guarantees_that_do_not_fit_are_infeasible():
    """Two guaranteed requests that exclude each other leave no plan."""
    problem = a_problem(
        ask=[200 * MILLI] * 2, minimum=[200 * MILLI] * 2, guaranteed=[1, 1], rules=BY_VALUE
    )
    assert selected(problem).infeasible


def test_a_single_pool_is_kept():
    """A request of a single pool lies in one, though two would hold more."""
    problem = a_problem(
        requests=1, pools=2, max_gpus=[16], ask=[500 * MILLI], single_pool=[1], rules=BY_VALUE
    )
    selection = selected(problem)
    assert 1 == np.unique(selection.fluid[:, 1]).size
    assert 320 * MILLI == selection.fluid[:, 3].sum()


def test_a_block_lies_in_consecutive_slots():
    """A block avoids the slots in which the pool is down."""
    problem = a_problem(
        requests=1,
        slots=5,
        supply=[[80 * MILLI, 0, 80 * MILLI, 80 * MILLI, 0]],
        ask=[160 * MILLI],
        minimum=[160 * MILLI],
        shape=[Shape.BLOCK],
        block_slots=[2],
        rules=BY_VALUE,
    )
    assert [2, 3] == selected(problem).fluid[:, 2].tolist()


def test_a_successor_waits_for_its_predecessor():
    """No slot is used by a successor before its predecessor is over."""
    problem = a_problem(
        ask=[160 * MILLI] * 2, minimum=[160 * MILLI] * 2, after=[-1, 0], rules=BY_VALUE
    )
    fluid = selected(problem).fluid
    assert fluid[fluid[:, 0] == 0, 2].max() < fluid[fluid[:, 0] == 1, 2].min()


def test_floors_and_caps_bind():
    """A floor of the worse group and a cap of the better one shape the division."""
    problem = a_problem(
        ask=[320 * MILLI] * 2,
        score=[90 * MILLI, 10 * MILLI],
        group_cap=[150 * MILLI, -1],
        group_floor=[0, 120 * MILLI],
        rules=BY_VALUE,
    )
    fluid = selected(problem).fluid
    amounts = np.bincount(fluid[:, 0], weights=fluid[:, 3])
    assert pytest.approx([150 * MILLI, 170 * MILLI], rel=1e-6) == amounts.tolist()


@pytest.mark.parametrize("shape", [Shape.CONSTANT, Shape.BLOCK, Shape.FLEXIBLE])
def test_what_a_cap_does_not_bear_is_not_chosen(shape):
    """Awards in reference hours count in full: nobody is funded by counting less than is used."""
    problem = a_problem(
        requests=2,
        shape=[shape, Shape.FLEXIBLE],
        gang=[4, 1],
        max_gpus=[4, 4],
        block_slots=[2, 0],
        ask=[320 * MILLI, 100 * MILLI],
        minimum=[0, 0],
        fellow_cap=[30 * MILLI, -1],
        rules=Rules(tiers=(Tier.VALUE,), unit=Unit.REFERENCE_HOURS),
    )
    selection = selected(problem)
    used = selection.fluid[:, 3] * problem.speed[selection.fluid[:, 0], selection.fluid[:, 1]]
    own = problem.fellow[selection.fluid[:, 0]] == 0
    assert used[own].sum() / MILLI <= 30 * MILLI + 1


def test_earlier_awards_are_kept():
    """What an earlier plan awarded stays, though a better request has come."""
    problem = a_problem(
        ask=[300 * MILLI] * 2,
        minimum=[300 * MILLI] * 2,
        score=[10 * MILLI, 90 * MILLI],
        previous=[(0, 0, slot, 75) for slot in range(4)],
        rules=BY_VALUE,
    )
    assert [0] == funded(selected(problem))


def test_one_program_of_work_still_selects():
    """With next to no work allowed there is a selection, and its bound is honest."""
    generator = np.random.default_rng(0)
    ask = generator.integers(40, 120, 12) * MILLI
    problem = a_problem(
        requests=12, ask=ask, minimum=ask * 3 // 4, score=generator.integers(1, 100, 12) * MILLI
    )
    selection = select(
        problem, entitle(problem), gap=1e-3, effort=Effort(programs=1), report=lambda *_: None
    )
    objective, bound = reached(selection, "value")
    assert selection.funded.any()
    assert objective <= bound * (1 + 1e-9)
    assert {each.limit for each in selection.tiers} <= {Limit.NONE, Limit.WORK}


def test_weights_say_what_a_shortfall_may_cost():
    """A group is served at the price of value where its weight is large, and is not where small."""
    fair, greedy = (
        a_problem(
            ask=[320 * MILLI] * 2,
            minimum=[160 * MILLI] * 2,
            score=[90 * MILLI, 10 * MILLI],
            rules=Rules(weights=weights),
        )
        for weights in ((100, 1, 1), (1, 1, 100))
    )
    assert [0, 1] == funded(selected(fair))
    assert [0] == funded(selected(greedy))


def test_the_weighted_goal_is_one_tier():
    """Three goals weighed against each other make one, in parts of all there is."""
    problem = a_problem(ask=[320 * MILLI] * 2, rules=Rules(weights=(1, 1, 2)))
    selection = selected(problem)
    assert ["weighted"] == [each.name for each in selection.tiers]
    assert pytest.approx((0.75, 0.75)) == reached(selection, "weighted")


def test_every_tier_needs_a_weight():
    """Rules with more tiers than weights, or a weight of 0, are nobody's policy."""
    for weights in ((1, 1), (1, 1, 0)):
        with pytest.raises(ValueError, match="weight above 0"):
            Rules(weights=weights)


def test_a_pool_is_picked_where_the_relaxation_splits():
    """Three requests of 200 hours do not fit two pools of 320 in halves: two are funded, whole."""
    problem = a_problem(
        requests=4,
        pools=2,
        max_gpus=[8] * 4,
        ask=[200 * MILLI] * 4,
        minimum=[200 * MILLI] * 4,
        score=[90 * MILLI, 80 * MILLI, 70 * MILLI, 60 * MILLI],
        single_pool=[1] * 4,
        rules=BY_VALUE,
    )
    selection = selected(problem)
    assert [0, 1] == funded(selection)
    pools = [np.unique(selection.fluid[selection.fluid[:, 0] == each, 1]).size for each in (0, 1)]
    assert [1, 1] == pools


def test_a_second_pool_keeps_the_most_gpus():
    """One that may use several pools stays within its GPUs beside one that picks a pool."""
    problem = a_problem(
        pools=2,
        ask=[900 * MILLI, 100 * MILLI],
        max_gpus=[8, 8],
        single_pool=[0, 1],
        rules=BY_VALUE,
    )
    fluid = selected(problem).fluid
    mine = fluid[fluid[:, 0] == 0]
    slots = np.bincount(mine[:, 2], weights=mine[:, 3])
    assert (slots <= 80 * MILLI * (1 + 1e-6)).all()


@pytest.mark.parametrize("weights", [(), (MILLI,)])
def test_pools_that_are_free_at_the_same_time_are_not_counted_one_after_the_other(weights):
    """A GPU at a time, and both pools are free in the first slot only: half of the ask."""
    problem = a_problem(
        requests=1,
        pools=2,
        slots=2,
        supply=[[1 * MILLI, 0], [1 * MILLI, 0]],
        slot_hours=MILLI,
        ask=[2 * MILLI],
        max_gpus=[1],
        rules=Rules(tiers=(Tier.VALUE,), merit=Merit.NONE, weights=weights),
    )
    selection = selected(problem)
    figures = reached(selection, "weighted" if weights else "value")
    assert pytest.approx((0.5, 0.5) if weights else (1.0, 1.0)) == figures
    assert MILLI == selection.fluid[:, 3].sum()
    assert isinstance(selection.search.model, RoundModel)
    assert isinstance(selection.search.engine, LinearEngine)
