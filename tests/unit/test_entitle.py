"""Entitlements of rounds whose answer is known by hand, and of whole rounds."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from benchmarks.national_round import national_round
from scheduler.document import load_document, parse_document
from scheduler.formulate import formulate
from scheduler.policy import find_policy
from scheduler.round_file import read_round
from solver.checking.duality import check_levels
from solver.checking.stakes import stakes
from solver.entitle import entitle, fellow_weights, group_weights
from solver.fluid.expanding import expand
from solver.fluid.merging import merge, reach
from solver.problem import (
    NO_CAP,
    NOBODY,
    FellowWeight,
    GroupWeight,
    Problem,
    Rules,
    Tier,
    Unit,
    as_int,
)
from tests.builders import a_problem
from tests.plain import claimed, plain_round

SHIPPED = Path(__file__).resolve().parents[2] / "benchmarks" / "rounds"
PUBLIC = Path(__file__).resolve().parents[3] / "shared" / "data" / "rounds"
BY_DEMAND = Rules(unit=Unit.REFERENCE_HOURS, group_weight=GroupWeight.DEMAND)


def a_round_file(path: Path, rules: Rules) -> Problem:
    """Return a round file as a Problem under some rules."""
    snapshot = read_round(load_document(path))
    return replace(formulate(snapshot, find_policy("entitlement")).problem, rules=rules)


def test_equal_groups_share_a_scarce_pool_equally() -> None:
    """Two groups that want everything get half each."""
    problem = a_problem(supply=[[80_000, 80_000]], slots=2, ask=[500_000, 500_000])
    assert entitle(problem).groups.tolist() == [80_000, 80_000]


def test_what_a_small_ask_leaves_goes_to_the_others() -> None:
    """A group that is content frees hours for the rest."""
    problem = a_problem(requests=3, supply=[[80_000]], slots=1, ask=[10_000, 90_000, 90_000])
    assert entitle(problem).groups.tolist() == [10_000, 35_000, 35_000]


def test_weights_are_shares() -> None:
    """A group of double weight holds double the hours."""
    problem = a_problem(supply=[[60_000]], slots=1, group_weight=[1000, 2000])
    assert entitle(problem).groups.tolist() == [20_000, 40_000]


def test_a_tied_group_is_served_first_where_it_must_be() -> None:
    """Who can go elsewhere goes elsewhere."""
    problem = a_problem(
        pools=2, slots=1, supply=[[60_000], [60_000]], speed=[[1000, 0], [1000, 1000]]
    )
    assert entitle(problem).groups.tolist() == [60_000, 60_000]


def test_a_dearer_pool_counts_for_more() -> None:
    """In service units an hour counts what its pool charges, whatever speed is stated."""
    problem = a_problem(
        pools=2,
        slots=1,
        supply=[[32_000], [20_000]],
        charge=[1000, 1600],
        speed=[[1000, 0], [0, 1000]],
    )
    assert entitle(problem).groups.tolist() == [32_000, 32_000]


def test_fellows_share_by_score_inside_their_group() -> None:
    """Merit divides what the group holds; other groups are not touched."""
    problem = a_problem(
        requests=3,
        slots=1,
        supply=[[80_000]],
        fellow_group=[0, 0, 1],
        score=[90_000, 30_000, 10_000],
    )
    entitlement = entitle(problem)
    assert entitlement.groups.tolist() == [40_000, 40_000]
    assert entitlement.fellows.tolist() == [30_000, 10_000, 40_000]


def test_fixing_group_totals_can_hold_a_fellow_back() -> None:
    """A fellow leaves a contested pool to another group when that group's total needs it."""
    problem = a_problem(
        requests=3,
        pools=2,
        slots=1,
        supply=[[40_000], [40_000]],
        fellow_group=[0, 0, 1],
        speed=[[1000, 0], [0, 1000], [0, 1000]],
        rules=Rules(fellow_weight=FellowWeight.EQUAL),
    )
    entitlement = entitle(problem)
    assert entitlement.groups.tolist() == [40_000, 40_000]
    assert entitlement.fellows.tolist() == [40_000, 0, 40_000]


def test_floors_raise_and_caps_end_a_rise() -> None:
    """A floor is held before the common level, a cap after it."""
    problem = a_problem(
        requests=3,
        slots=1,
        supply=[[80_000]],
        group_floor=[50_000, 0, 0],
        group_cap=[-1, 5_000, -1],
    )
    assert entitle(problem).groups.tolist() == [50_000, 5_000, 25_000]


def test_floors_beyond_supply_count_as_far_as_they_can() -> None:
    """Floors that cannot be met together are lowered by one factor."""
    problem = a_problem(slots=1, supply=[[60_000]], group_floor=[60_000, 40_000])
    assert entitle(problem).groups.tolist() == [36_000, 24_000]


def test_track_floors_beyond_supply_count_as_far_as_they_can() -> None:
    """A track's floor above the supply gives the track everything and no more."""
    problem = a_problem(
        slots=1, supply=[[60_000]], track=[0, -1], track_floor=[90_000], track_cap=[-1]
    )
    assert np.abs(entitle(problem).groups - np.array([60_000, 0])).max() <= 2


def test_a_vetoed_request_holds_nothing() -> None:
    """A veto takes the request out of the round."""
    problem = a_problem(slots=1, supply=[[60_000]], vetoed=[True, False])
    assert entitle(problem).groups.tolist() == [0, 60_000]


def test_without_a_fairness_tier_nobody_is_entitled() -> None:
    """A policy without the tier of groups has no entitlements."""
    entitlement = entitle(a_problem(rules=Rules(tiers=(Tier.VALUE,))))
    assert not entitlement.groups.any()
    assert not entitlement.fellows.any()
    assert entitlement.fluid.shape == (0, 4)
    assert entitlement.levels == ()


def test_a_round_without_supply_entitles_to_nothing() -> None:
    """Nothing to share is shared as nothing."""
    entitlement = entitle(a_problem(supply=np.zeros((1, 4))))
    assert not entitlement.groups.any()


@pytest.mark.parametrize("unit", Unit)
def test_groups_without_requests_hold_nothing(unit: Unit) -> None:
    """A group without fellows, and one whose fellows ask nothing, are no obstacle."""
    problem = a_problem(
        requests=2,
        slots=1,
        supply=[[60_000]],
        fellow_group=[0, 1],
        ask=[90_000, 0],
        group_weight=[1000, 1000, 5000],
        group_floor=[0, 2000, 3000],
        group_cap=[-1, -1, -1],
        rules=Rules(unit=unit),
    )
    assert entitle(problem).groups.tolist() == [60_000, 0, 0]
    nobody = entitle(replace(problem, vetoed=np.array([True, True])))
    assert nobody.groups.tolist() == [0, 0, 0]


@pytest.mark.parametrize("unit", Unit)
@pytest.mark.parametrize("hours", [10**6, 10**14])
def test_enormous_numbers_do_not_overflow(unit: Unit, hours: int) -> None:
    """Asks and GPU numbers at the format's limit mean 'as much as there is'."""
    problem = a_problem(
        pools=2,
        supply=[[hours] * 4, [2 * hours] * 4],
        charge=[1000, 1600],
        speed=[[1000, 1600], [1000, 1600]],
        ask=[10**15] * 2,
        max_gpus=[10**12] * 2,
        rules=Rules(unit=unit),
    )
    entitlement = entitle(problem)
    half = 4 * hours * (1 + 2 * 1.6) / 2
    assert entitlement.groups.tolist() == pytest.approx([min(half, 10**15)] * 2, rel=1e-7)
    case = stakes(plain_round(problem))
    assert check_levels(case, claimed(entitlement), entitlement.levels) == []


def test_levels_state_the_common_level() -> None:
    """The level of a scarce round is supply over weight, at the pool's charge."""
    problem = a_problem(slots=1, supply=[[60_000]])
    (level,) = (each for each in entitle(problem).levels if each.stage == "groups")
    assert level.value == Fraction(60_000, 2_000)
    assert level.agents == (0, 1)
    assert level.parent == NOBODY
    assert level.pool_slots == ((0, 0, Fraction(1)),)


def test_levels_of_fellows_name_their_group() -> None:
    """Where those frozen together are of one group, the level says which."""
    problem = a_problem(
        requests=3, slots=1, supply=[[80_000]], fellow_group=[0, 0, 1], score=[90_000, 1_000, 5_000]
    )
    levels = [each for each in entitle(problem).levels if each.stage == "fellows"]
    assert [(each.agents, each.parent) for each in levels] == [((0, 1), 0), ((2,), 1)]


def test_group_weights_follow_the_rule() -> None:
    """Weight, demand and head count are told apart."""
    problem = a_problem(
        requests=3,
        fellow_group=[0, 0, 1],
        ask=[10_000, 20_000, 30_000],
        vetoed=[True, False, False],
    )
    weights = {
        rule: group_weights(replace(problem, rules=Rules(group_weight=rule))).tolist()
        for rule in GroupWeight
    }
    assert weights == {
        GroupWeight.WEIGHT: [1000, 1000],
        GroupWeight.DEMAND: [20_000, 30_000],
        GroupWeight.FELLOWS: [1, 1],
    }


def test_the_score_of_a_fellow_is_the_mean_by_ask() -> None:
    """Bigger asks weigh more; a mean of zero still counts."""
    problem = a_problem(
        requests=3, fellow=[0, 0, 1], ask=[30_000, 10_000, 5_000], score=[80_000, 40_000, 0]
    )
    assert fellow_weights(problem).tolist() == [70_000, 1]


def test_reach_is_bounded_by_supply_slot_and_ask() -> None:
    """The most a request alone can take is the least of the three."""
    problem = a_problem(
        requests=3,
        slots=2,
        supply=[[50_000, 20_000]],
        max_gpus=[8, 3, 8],
        ask=[900_000, 900_000, 7_000],
    )
    assert reach(problem).tolist() == [70_000, 50_000, 7_000]


def test_identical_requests_and_slots_are_merged() -> None:
    """Many alike become one class, and spread back over all of them."""
    problem = a_problem(
        requests=6, slots=8, fellow=[0] * 6, ask=[10_000] * 6, supply=np.full((1, 8), 5_000)
    )
    merged = merge(problem, problem.eligible)
    assert (merged.classes, merged.spans) == (1, 1)

    rows = expand(problem, merged, as_int([40_000]), as_int([40_000]))

    assert rows[:, 3].sum() == 40_000
    assert np.bincount(rows[:, 2], weights=rows[:, 3]).max() <= 5_000
    assert np.bincount(rows[:, 0], weights=rows[:, 3]).max() <= 10_000


def test_hours_too_few_to_count_are_given_where_a_fellow_would_miss_them() -> None:
    """A charge of 2.5 makes the flow of a thousandth of an hour less than a whole thousandth."""
    problem = a_problem(
        requests=3,
        pools=4,
        slots=1,
        fellow=[0, 0, 0],
        supply=[[48_000], [24_000], [6_000], [144_000]],
        charge=[500, 333, 1600, 2500],
        ask=[2_000, 2_000, 1],
        speed=[[300, 0, 0, 0], [0, 1953, 0, 0], [0, 1000, 1000, 1000]],
        max_gpus=[4, 4, 4],
    )

    entitlement = entitle(problem)

    (right,) = entitlement.fellows.tolist()
    request, pool, _, hours = entitlement.fluid.T
    assert 1 == hours[request == 2].sum()
    given = int((hours * problem.factor[request, pool]).sum()) // 1000
    assert 3_676 == right <= given + 2


def test_innocore_gives_every_group_the_same_and_no_fellow_nothing() -> None:
    """On the first user's round the groups share all service units equally, nobody is at zero."""
    problem = a_round_file(SHIPPED / "innocore-400.json.gz", Rules())
    entitlement = entitle(problem)

    supply = int((problem.supply.sum(axis=1) * problem.charge).sum()) // 1000
    assert entitlement.groups.tolist() == [supply // problem.groups] * problem.groups
    asking = np.unique(problem.fellow[problem.ask > 0])
    assert (entitlement.fellows[asking] > 0).all()
    case = stakes(plain_round(problem))
    assert check_levels(case, claimed(entitlement), entitlement.levels) == []


def test_fellows_share_all_of_a_group_whose_hours_trade_at_steep_rates() -> None:
    """A thousandth too much for one fellow costs no other hundreds of thousandths."""
    document = parse_document(json.dumps(national_round(120, 10)).encode())
    problem = formulate(read_round(document), find_policy("entitlement")).problem
    entitlement = entitle(problem)
    case = stakes(plain_round(problem))
    assert check_levels(case, claimed(entitlement), entitlement.levels) == []
    shared = np.bincount(problem.fellow_group, entitlement.fellows, problem.groups)
    assert (entitlement.groups - shared <= np.bincount(problem.fellow_group)).all()


def test_a_floor_out_of_reach_takes_nothing_from_anybody() -> None:
    """Where a track's floor is more than there is, groups and fellows still share all there is."""
    problem = a_problem(
        requests=2,
        supply=[[1000]],
        slots=1,
        slot_hours=5000,
        charge=[500],
        speed=[[500]] * 2,
        ask=[1000, 1000],
        fellow=[0, 0],
        fellow_group=[0],
        group_weight=[500],
        track=[0, 0],
        track_cap=[NO_CAP],
        track_floor=[3000],
    )
    assert entitle(problem).groups.tolist() == [500]


def test_a_total_that_is_all_there_is_hides_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where fellows ask for all that their group has, programs still say whom the supply stops."""
    problem = a_problem(
        requests=3,
        slots=2,
        slot_hours=5000,
        supply=[[6000, 2000]],
        charge=[500],
        speed=[[500]] * 3,
        ask=[3000, 1000, 1000],
        max_gpus=[1, 1, 1],
        first=[0, 0, 1],
        end=[2, 1, 2],
        fellow=[0, 1, 0],
        fellow_group=[0, 0],
        fellow_weight=[1000, 4],
        group_weight=[1000],
    )
    problem = replace(problem, rules=replace(problem.rules, fellow_weight=FellowWeight.WEIGHT))
    monkeypatch.setattr("solver.entitle._Entitling._below_coarse_cuts", lambda _self: None)
    monkeypatch.setattr("solver.entitle.is_plain_flow", lambda _merged, _grain: False)
    entitlement = entitle(problem)
    assert entitlement.groups.tolist() == [4000]
    assert entitlement.fellows.tolist() == [3500, 500]


def test_entitling_twice_gives_the_same() -> None:
    """Nothing depends on anything but the round."""
    problem = a_round_file(SHIPPED / "kr2026.json.gz", Rules())
    once, twice = entitle(problem), entitle(problem)
    assert once.levels == twice.levels
    assert (once.fluid == twice.fluid).all()


@pytest.mark.parametrize("name", ["innocore-400", "kr2026"])
def test_the_first_level_of_shipped_rounds_is_attained(name: str) -> None:
    """The smallest share of demand among groups is the first level, held by all frozen there."""
    problem = a_round_file(SHIPPED / f"{name}.json.gz", BY_DEMAND)
    found = entitle(problem)
    shares = found.groups / group_weights(problem)
    assert shares.min() == pytest.approx(float(found.levels[0].value), rel=1e-6)


@pytest.mark.skipif(not PUBLIC.is_dir(), reason="the public rounds are not here")
@pytest.mark.parametrize(
    "name", sorted(path.name.removesuffix(".json.gz") for path in PUBLIC.glob("*.json.gz"))
)
def test_the_first_level_of_public_rounds_is_the_published_one(name: str) -> None:
    """Unit reference hours, weight demand: the first level is the max-min bound found elsewhere."""
    reference = json.loads((PUBLIC / "reference.json").read_text(encoding="utf-8"))
    problem = a_round_file(PUBLIC / f"{name}.json.gz", BY_DEMAND)
    expected = reference["rounds"][name]["group_max_min_level"]
    assert float(entitle(problem).levels[0].value) == pytest.approx(expected, rel=1e-4)
