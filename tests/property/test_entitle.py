"""Entitlements of small random rounds, against exact rational programs and against themselves."""

from dataclasses import fields, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from benchmarks.rounds_like import Temper, big_round
from solver.checking.duality import check_levels
from solver.checking.pricing import FluidRequest, FluidRound, most_together
from solver.checking.stakes import stakes
from solver.entitle import entitle, fellow_weights, group_weights
from solver.fluid.chosen import ChosenModel, asked_of
from solver.fluid.first_fit import first_fit
from solver.fluid.leximin import Terms
from solver.fluid.merging import Merged, merge, reach
from solver.fluid.pricing import Pricing
from solver.plan import Entitlement
from solver.problem import (
    MILLI,
    NO_CAP,
    NOBODY,
    FellowWeight,
    GroupWeight,
    IntArray,
    Problem,
    Rules,
    Unit,
    as_int,
)
from tests.builders import a_problem
from tests.exact import entitlements, floors_hold
from tests.plain import claimed, plain_round

ROUNDING = 2
"""Thousandths by which a published amount may be below or above the exact one."""
BY_REQUEST = ("ask", "max_gpus", "first", "end", "speed", "score", "vetoed", "fellow", "track")


@st.composite
def problems(draw: st.DrawFn, *, tracks: bool = True, plain_flow: bool = False) -> Problem:
    """Draw a small fluid round."""
    requests, pools, slots = (draw(st.integers(1, most)) for most in (5, 2, 2))
    groups = draw(st.integers(1, 3))
    fellows = draw(st.integers(groups, 4))
    fellow_group = [*range(groups), *_list(draw, st.integers(0, groups - 1), fellows - groups)]
    fellow = [fellows - 1, *_list(draw, st.integers(0, fellows - 1), requests - 1)]
    charge = _list(draw, st.sampled_from([500, 1000, 1600]), pools)
    first = _list(draw, st.integers(0, slots - 1), requests)
    changes: dict[str, Any] = {
        "supply": np.array(_list(draw, st.integers(0, 30), pools * slots)).reshape(pools, slots)
        * 1000,
        "charge": charge,
        "slot_hours": 5000,
        "ask": [1000 * ask for ask in _list(draw, st.integers(0, 40), requests)],
        "max_gpus": _list(draw, st.integers(1, 4), requests),
        "first": first,
        "end": [draw(st.integers(start + 1, slots)) for start in first],
        "speed": [_speeds(draw, charge, plain=plain_flow) for _ in range(requests)],
        "score": [1000 * score for score in _list(draw, st.integers(0, 100), requests)],
        "vetoed": [draw(st.integers(0, 9)) == 0 for _ in range(requests)],
        "fellow": fellow,
        "fellow_group": fellow_group,
        "group_weight": _list(draw, st.sampled_from([0, 500, 1000, 2000]), groups),
        "fellow_weight": _list(draw, st.sampled_from([0, 1000, 3000]), fellows),
        "fellow_cap": _list(draw, st.sampled_from([NO_CAP, NO_CAP, 5000, 12000]), fellows),
        "group_cap": _list(draw, st.sampled_from([NO_CAP, NO_CAP, 6000, 17000]), groups),
        "group_floor": _list(draw, st.sampled_from([0, 0, 2000]), groups),
    }
    if tracks and draw(st.booleans()):
        changes |= {
            "fellow_institute": [0, *_list(draw, st.integers(NOBODY, 0), fellows - 1)],
            "institute_cap": [draw(st.sampled_from([NO_CAP, 9000]))],
            "institute_floor": [draw(st.sampled_from([0, 1000]))],
            "track": [0, *_list(draw, st.integers(NOBODY, 0), requests - 1)],
            "track_cap": [draw(st.sampled_from([NO_CAP, 8000]))],
            "track_floor": [draw(st.sampled_from([0, 3000]))],
            "group_weight": _list(draw, st.sampled_from([500, 1000, 2000]), groups),
        }
    rules = Rules(
        unit=draw(st.sampled_from(Unit)),
        group_weight=draw(st.sampled_from(GroupWeight)),
        fellow_weight=draw(st.sampled_from(FellowWeight)),
    )
    if plain_flow:
        rules = replace(rules, unit=Unit.SERVICE_UNITS)
    return a_problem(requests, pools, slots, rules=rules, **changes)


def _list(draw: st.DrawFn, values: st.SearchStrategy[int], length: int) -> list[int]:
    return draw(st.lists(values, min_size=length, max_size=length))


def _speeds(draw: st.DrawFn, charge: list[int], *, plain: bool) -> list[int]:
    """Draw speeds of one request; a plain flow needs them in proportion to the charges."""
    if plain:
        speeds = [each if draw(st.booleans()) else 0 for each in charge]
    else:
        speeds = _list(draw, st.sampled_from([0, 800, 1000, 1600]), len(charge))
    return speeds if any(speeds) else [*charge[:1], *speeds[1:]]


def amounts(entitlement: Entitlement) -> IntArray:
    """Return all amounts in one array."""
    return np.concatenate((entitlement.groups, entitlement.fellows))


def assert_near(expected: IntArray, actual: IntArray) -> None:
    """Assert equality up to rounding."""
    assert np.abs(expected - actual).max(initial=0) <= ROUNDING, (expected, actual)


@settings(max_examples=60, deadline=None)
@given(problems())
def test_amounts_are_the_exact_leximin(problem: Problem) -> None:
    """Exact rational programs, one question per agent, give the same entitlements."""
    weights = group_weights(problem).tolist(), fellow_weights(problem).tolist()
    assume(floors_hold(problem, *weights))
    groups, fellows = entitlements(problem, *weights)
    exact = np.array([float(amount) for amount in (*groups, *fellows)])
    assert_near(exact, amounts(entitle(problem)))


@settings(max_examples=60, deadline=None)
@given(problems())
def test_every_honest_level_is_accepted(problem: Problem) -> None:
    """The checker, which derives limits and weights by itself, accepts what the prover found."""
    assume(floors_hold(problem, group_weights(problem).tolist(), fellow_weights(problem).tolist()))
    entitlement = entitle(problem)
    case = stakes(plain_round(problem))
    faults = check_levels(case, claimed(entitlement), entitlement.levels)
    assert faults == []


@settings(max_examples=60, deadline=None)
@given(problems())
def test_the_division_gives_what_is_promised(problem: Problem) -> None:
    """The fluid division keeps supply, asks and windows, and gives everyone the entitlement."""
    entitlement = entitle(problem)
    r, p, t, hours = entitlement.fluid.T
    used = np.zeros_like(problem.supply)
    np.add.at(used, (p, t), hours)
    assert (used <= problem.supply).all()
    asked = np.zeros(problem.requests, dtype=np.int64)
    np.add.at(asked, r, hours * problem.speed[r, p])
    assert (asked <= problem.ask * 1000).all()
    assert ((problem.first[r] <= t) & (t < problem.end[r]) & (hours > 0)).all()
    held = np.zeros(problem.fellows, dtype=np.int64)
    np.add.at(held, problem.fellow[r], hours * problem.factor[r, p])
    cells = 2 * problem.requests * problem.pools * problem.slots
    assert np.abs(entitlement.fellows * 1000 - held).max() <= cells * 1600


@settings(max_examples=60, deadline=None)
@given(problems())
def test_every_total_is_shared(problem: Problem) -> None:
    """What a group holds is shared among its fellows, but for the rounding of each."""
    entitlement = entitle(problem)
    sums = np.zeros(problem.groups, dtype=np.int64)
    np.add.at(sums, problem.fellow_group, entitlement.fellows)
    members = np.bincount(problem.fellow_group, minlength=problem.groups)
    served = entitlement.groups > 0
    assert (np.abs(entitlement.groups - sums)[served] <= ROUNDING + members[served]).all()


@settings(max_examples=60, deadline=None)
@given(problems(tracks=False), st.sampled_from([2, 3]))
def test_more_supply_lowers_no_least_share(problem: Problem, times: int) -> None:
    """Groups by share, poorest first: more supply never lowers the first that it changes."""
    problem = replace(problem, group_floor=problem.group_floor * 0)
    weight = group_weights(problem)
    richer = replace(problem, supply=problem.supply * times)
    assume((weight > 0).any() and (group_weights(richer) == weight).all())
    less, more = (
        np.sort(entitle(each).groups[weight > 0] / weight[weight > 0]) for each in (problem, richer)
    )
    changed = np.flatnonzero(np.abs(more - less) > 2 * ROUNDING / weight[weight > 0].min())
    assert not changed.size or more[changed[0]] > less[changed[0]]


@settings(max_examples=60, deadline=None)
@given(problems(), st.integers(0, 2**32))
def test_prices_bound_in_machine_code_what_they_bound_in_fractions(
    problem: Problem, seed: int
) -> None:
    """The prover's bound is the checker's, or above it by a part in ten thousand billion."""
    rng = np.random.default_rng(seed)
    merged = merge(problem, problem.eligible)
    pricing = Pricing(merged)
    prices = rng.integers(0, pricing.unit, merged.supply.shape) * rng.integers(
        0, 2, merged.supply.shape
    )
    lifts = rng.integers(0, pricing.unit, problem.fellows)
    bound = pricing.paid(prices) + sum(pricing.profits(prices, lifts[merged.fellow]))
    exact = most_together(
        fluid_round(merged),
        dict(enumerate(prices.tolist())),
        {("fellow", index): lift for index, lift in enumerate(lifts.tolist())},
    )
    assert exact * MILLI <= bound <= exact * MILLI * Fraction(10**13 + 1, 10**13)


def fluid_round(merged: Merged) -> FluidRound:
    """Return the merged round as the checker reads it."""
    return FluidRound(
        requests=tuple(
            FluidRequest(
                pools=tuple(
                    (int(p), int(merged.factor[c, p]), int(merged.speed[c, p]))
                    for p in np.flatnonzero(merged.speed[c])
                ),
                ask=int(merged.ask[c]),
                limit=int(merged.limit[c]),
                joint=bool(merged.joint[c]),
                first=int(merged.first[c]),
                end=int(merged.end[c]),
                holders=(("fellow", int(merged.fellow[c])),),
            )
            for c in range(merged.classes)
        ),
        supply=tuple(map(tuple, merged.supply.tolist())),
        lengths=tuple(merged.span_slots.tolist()),
    )


def entitled_by_parts(problem: Problem) -> Entitlement:
    """Return the entitlement, its bottlenecks sought part by part as soon as a trial breaks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("solver.fluid.leximin.PATIENCE", 0)
        patch.setattr("solver.fluid.water.MANY", 0)
        return entitle(problem)


@settings(max_examples=60, deadline=None)
@given(problems(tracks=False, plain_flow=True))
def test_part_by_part_finds_the_exact_leximin(problem: Problem) -> None:
    """What full cuts keep apart is shared apart, and that changes no amount."""
    weights = group_weights(problem).tolist(), fellow_weights(problem).tolist()
    assume(floors_hold(problem, *weights))
    by_parts = entitled_by_parts(problem)
    groups, fellows = entitlements(problem, *weights)
    exact = np.array([float(amount) for amount in (*groups, *fellows)])
    assert_near(exact, amounts(by_parts))
    assert check_levels(stakes(plain_round(problem)), claimed(by_parts), by_parts.levels) == []


@pytest.mark.parametrize(
    ("temper", "seed"), [(Temper.MIXED, 2), *((Temper.BOTTLENECKS, seed) for seed in range(5))]
)
def test_rounds_of_many_bottlenecks_are_proved_part_by_part(temper: Temper, seed: int) -> None:
    """So it is in rounds of more than a dozen levels, which the checker accepts."""
    problem = big_round(temper, seed, requests=240, pools=16, slots=12, fellows=60, groups=5)
    by_parts = entitled_by_parts(problem)
    assert_near(amounts(entitle(problem)), amounts(by_parts))
    assert len(by_parts.levels) > 12
    assert check_levels(stakes(plain_round(problem)), claimed(by_parts), by_parts.levels) == []


@settings(max_examples=30, deadline=None)
@given(problems(tracks=False, plain_flow=True))
def test_flow_and_program_agree(problem: Problem) -> None:
    """Where an hour costs everyone the same, the flow finds what the linear program finds."""
    by_flow = entitle(problem)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("solver.entitle.is_plain_flow", lambda _merged, _grain: False)
        by_program = entitle(problem)
    assert_near(amounts(by_program), amounts(by_flow))


@settings(max_examples=60, deadline=None)
@given(problems(), st.integers(1, 8))
def test_what_fits_first_is_where_a_simplex_can_stand(problem: Problem, eighths: int) -> None:
    """Columns and rows that first fit fills are a basis, and its optimum that of all columns."""
    merged = merge(problem, problem.eligible)
    alone = np.bincount(problem.fellow, reach(problem), problem.fellows).astype(np.int64)
    asked = asked_of("fellow", alone, Terms(members={"fellow": merged.fellow}, least={}, most={}))
    wanted = np.full(asked.scales.shape[0], eighths / 8)
    amounts = np.append(wanted * asked.scales, 0.0)
    every = np.ones(merged.columns.cls.shape[0], dtype=np.bool_)
    ends = first_fit(merged, asked.row, amounts, every)[1].ends

    few = ChosenModel(merged, np.flatnonzero(ends), asked)
    few.start_from(ends, wanted)
    assert few.solver.start is not None
    assert few.solver.start.is_one
    few.solve(wanted)
    all_ = ChosenModel(merged, np.flatnonzero(every), asked)
    cold = all_.solve(wanted)[0].cost
    warm = ChosenModel(merged, np.flatnonzero(every), asked)
    warm.start_after(few)
    assert warm.solver.start is not None
    assert warm.solver.start.is_one
    assert cold == pytest.approx(warm.solve(wanted)[0].cost, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(problems())
def test_asking_step_by_step_agrees_with_coarse_cuts(problem: Problem) -> None:
    """Without the cuts of the coarse round, stage by stage, the amounts are the same."""
    below_coarse_cuts = entitle(problem)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("solver.entitle._Entitling._below_coarse_cuts", lambda _self: None)
        patch.setattr("solver.entitle.is_plain_flow", lambda _merged, _grain: False)
        asked = entitle(problem)
    assert_near(amounts(below_coarse_cuts), amounts(asked))


@settings(max_examples=30, deadline=None)
@given(problems(), st.randoms(use_true_random=False))
def test_relabelling_relabels_the_amounts(problem: Problem, chance: Any) -> None:
    """Another order of requests, fellows, groups and pools gives the same amounts to the same."""
    requests, fellows, groups, pools = (
        np.array(chance.sample(range(count), count), dtype=np.int64)
        for count in (problem.requests, problem.fellows, problem.groups, problem.pools)
    )
    changes = {name: getattr(problem, name)[requests] for name in BY_REQUEST}
    changes["speed"] = changes["speed"][:, pools]
    changes["fellow"] = np.argsort(fellows)[changes["fellow"]]
    changes |= {name: getattr(problem, name)[pools] for name in ("supply", "charge", "node_gpus")}
    for name in ("fellow_weight", "fellow_cap", "fellow_institute"):
        changes[name] = getattr(problem, name)[fellows]
    changes["fellow_group"] = np.argsort(groups)[problem.fellow_group[fellows]]
    for name in ("group_weight", "group_floor", "group_cap"):
        changes[name] = getattr(problem, name)[groups]

    original, relabelled = entitle(problem), entitle(replace(problem, **changes))

    assert_near(original.groups[groups], relabelled.groups)
    assert_near(original.fellows[fellows], relabelled.fellows)


@settings(max_examples=30, deadline=None)
@given(problems(), st.sampled_from([2, 7]))
def test_a_bigger_unit_scales_the_amounts(problem: Problem, times: int) -> None:
    """Counting everything in smaller units gives the same amounts in smaller units."""
    scaled = {
        name: getattr(problem, name) * times
        for name in ("supply", "ask", "minimum", "group_floor", "institute_floor", "track_floor")
    }
    for name in ("fellow_cap", "group_cap", "institute_cap", "track_cap"):
        caps = getattr(problem, name)
        scaled[name] = np.where(caps == NO_CAP, NO_CAP, caps * times)
    bigger = replace(problem, slot_hours=problem.slot_hours * times, **scaled)
    difference = amounts(entitle(bigger)) - amounts(entitle(problem)) * times
    assert np.abs(difference).max() <= ROUNDING * (times + 1)


@settings(max_examples=30, deadline=None)
@given(problems(), st.sampled_from([2, 10]))
def test_only_ratios_of_weights_matter(problem: Problem, times: int) -> None:
    """Multiplying all weights changes no amount."""
    heavier = replace(
        problem,
        group_weight=problem.group_weight * times,
        fellow_weight=problem.fellow_weight * times,
    )
    assert_near(amounts(entitle(problem)), amounts(entitle(heavier)))


@settings(max_examples=60, deadline=None)
@given(problems())
def test_splitting_a_request_changes_no_total(problem: Problem) -> None:
    """A request cut into two halves, ask and GPUs alike, brings its fellow the same."""
    rules = problem.rules
    # Demand in service units is what each request alone can take, which two halves can twice.
    assume(rules.unit is Unit.REFERENCE_HOURS or rules.group_weight is not GroupWeight.DEMAND)
    doubled = replace(problem, max_gpus=problem.max_gpus * 2)
    per_request = {
        each.name: getattr(doubled, each.name)
        for each in fields(doubled)
        if each.name not in {"supply", "node_gpus", "charge"}
        and isinstance(getattr(doubled, each.name), np.ndarray)
        and getattr(doubled, each.name).shape[:1] == (problem.requests,)
        and not each.name.startswith(("fellow_", "group_", "institute_", "track_"))
    }
    halves = {name: np.concatenate((values, values[:1])) for name, values in per_request.items()}
    for name in ("ask", "max_gpus"):
        halves[name] = halves[name].copy()
        halves[name][[0, -1]] //= 2
    assert_near(amounts(entitle(doubled)), amounts(entitle(replace(doubled, **halves))))


@settings(max_examples=30, deadline=None)
@given(problems())
def test_nobody_is_served_twice_over(problem: Problem) -> None:
    """Nobody who asks nothing, is vetoed or weighs nothing holds anything beyond a floor."""
    entitlement = entitle(problem)
    served = np.zeros(problem.fellows, dtype=np.bool_)
    served[problem.fellow[problem.eligible & (problem.ask > 0)]] = True
    assert (as_int(entitlement.fellows)[~served] == 0).all()
    assert (entitlement.fellows[fellow_weights(problem) == 0] == 0).all()
