"""Levels checked by weak duality: honest ones pass, tampered ones do not."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from solver.checking.duality import Fault, check_levels, level_from_document, level_to_document
from solver.checking.pricing import FluidRequest, FluidRound, most_together
from solver.checking.stakes import stakes
from solver.entitle import entitle
from solver.plan import Entitlement, Level
from solver.problem import FellowWeight, GroupWeight, Problem, Rules, Unit, as_int
from tests.builders import a_problem
from tests.exact import maximise
from tests.plain import claimed, plain_round


def a_contest(unit: Unit = Unit.SERVICE_UNITS) -> Problem:
    """Return a round of three groups, four fellows and two pools, short of hours."""
    return a_problem(
        requests=5,
        pools=2,
        slots=2,
        fellow=[0, 1, 1, 2, 3],
        fellow_group=[0, 0, 1, 2],
        ask=[200_000, 300_000, 100_000, 30_000, 400_000],
        max_gpus=[20, 20, 8, 2, 30],
        speed=[[1000, 0], [1000, 1600], [0, 1600], [1000, 1600], [1000, 1600]],
        charge=[1000, 1600],
        group_weight=[1000, 2000, 1500],
        score=[40_000, 90_000, 10_000, 50_000, 70_000],
        rules=Rules(unit=unit, group_weight=GroupWeight.WEIGHT),
    )


def faults(problem: Problem, entitlement: Entitlement) -> list[Fault]:
    """Return what the checker finds."""
    case = stakes(plain_round(problem))
    return check_levels(case, claimed(entitlement), entitlement.levels)


@pytest.mark.parametrize("unit", Unit)
def test_honest_levels_pass(unit: Unit) -> None:
    """The checker has nothing to say about what the prover found."""
    problem = a_contest(unit)
    assert faults(problem, entitle(problem)) == []


def _with_level(entitlement: Entitlement, at: int, **changes: object) -> Entitlement:
    levels = list(entitlement.levels)
    levels[at] = replace(levels[at], **changes)
    return replace(entitlement, levels=tuple(levels))


def _priced(entitlement: Entitlement, stage: str = "groups") -> int:
    """Return the position of a level that is held by scarcity."""
    return next(
        at
        for at, level in enumerate(entitlement.levels)
        if level.stage == stage and level.pool_slots
    )


def _move_between_groups(entitlement: Entitlement) -> Entitlement:
    return replace(entitlement, groups=as_int(entitlement.groups + np.array([-100, 0, 100])))


def _move_between_fellows(entitlement: Entitlement) -> Entitlement:
    return replace(entitlement, fellows=as_int(entitlement.fellows + np.array([-100, 100, 0, 0])))


def _give_everyone_less(entitlement: Entitlement) -> Entitlement:
    return replace(
        entitlement,
        groups=as_int(entitlement.groups * 9 // 10),
        fellows=as_int(entitlement.fellows * 9 // 10),
        levels=tuple(replace(each, value=each.value * 9 / 10) for each in entitlement.levels),
    )


def _keep_half_of_a_total(entitlement: Entitlement) -> Entitlement:
    return replace(
        entitlement,
        fellows=as_int(entitlement.fellows // 2),
        levels=tuple(
            replace(each, value=each.value / 2) if each.stage == "fellows" else each
            for each in entitlement.levels
        ),
    )


def _raise_the_price(entitlement: Entitlement) -> Entitlement:
    at = _priced(entitlement)
    (pool, slot, price), *others = entitlement.levels[at].pool_slots
    return _with_level(entitlement, at, pool_slots=((pool, slot, price * 2), *others))


def _drop_a_price(entitlement: Entitlement) -> Entitlement:
    at = _priced(entitlement)
    return _with_level(entitlement, at, pool_slots=entitlement.levels[at].pool_slots[1:])


def _negative_price(entitlement: Entitlement) -> Entitlement:
    at = _priced(entitlement)
    (pool, slot, price), *others = entitlement.levels[at].pool_slots
    return _with_level(entitlement, at, pool_slots=((pool, slot, -price), *others))


def _drop_the_multipliers(entitlement: Entitlement) -> Entitlement:
    return _with_level(entitlement, _priced(entitlement), multipliers=())


def _lower_the_value(entitlement: Entitlement) -> Entitlement:
    at = _priced(entitlement)
    return _with_level(entitlement, at, value=entitlement.levels[at].value / 2)


def _call_everyone_full(entitlement: Entitlement) -> Entitlement:
    at = _priced(entitlement)
    return _with_level(entitlement, at, saturated=entitlement.levels[at].agents)


def _drop_a_level(entitlement: Entitlement) -> Entitlement:
    return replace(entitlement, levels=entitlement.levels[1:])


def _repeat_a_level(entitlement: Entitlement) -> Entitlement:
    return replace(entitlement, levels=(entitlement.levels[0], *entitlement.levels))


def _drop_all(entitlement: Entitlement) -> Entitlement:
    return replace(entitlement, levels=())


@pytest.mark.parametrize("unit", Unit)
@pytest.mark.parametrize(
    "tamper",
    [
        _move_between_groups,
        _move_between_fellows,
        _give_everyone_less,
        _keep_half_of_a_total,
        _raise_the_price,
        _drop_a_price,
        _negative_price,
        _drop_the_multipliers,
        _lower_the_value,
        _call_everyone_full,
        _drop_a_level,
        _repeat_a_level,
        _drop_all,
    ],
)
def test_tampered_levels_are_refused(
    tamper: Callable[[Entitlement], Entitlement], unit: Unit
) -> None:
    """Whoever changes an amount, a price, a value or the order of levels is found out."""
    problem = a_contest(unit)
    assert faults(problem, tamper(entitle(problem)))


def test_another_rounds_levels_are_refused() -> None:
    """A proof holds for the round it was made for."""
    problem = a_contest()
    changed = a_problem(
        **{name: getattr(problem, name) for name in ("fellow", "fellow_group", "speed", "charge")},
        requests=5,
        pools=2,
        slots=2,
        group_weight=problem.group_weight,
        score=problem.score,
        ask=problem.ask,
        max_gpus=problem.max_gpus,
        supply=problem.supply * 2,
        rules=problem.rules,
    )
    assert faults(changed, entitle(problem))


def test_a_level_survives_its_document() -> None:
    """What a certificate states reads back as the same level."""
    kinds = ("group", "fellow", "institute", "track", "pool")
    names = {kind: [f"{kind}-{index}" for index in range(5)] for kind in kinds}
    indices = {kind: {name: at for at, name in enumerate(ids)} for kind, ids in names.items()}
    for level in entitle(a_contest()).levels:
        read = level_from_document(level_to_document(level, names), indices)
        assert _facts(read) == _facts(level)


def _facts(level: Level) -> tuple[object, ...]:
    return (
        level.stage,
        level.value,
        sorted(level.agents),
        sorted(level.saturated),
        sorted(level.pool_slots),
        sorted(level.multipliers),
    )


@pytest.mark.parametrize(
    "change",
    [
        {"value": "1/0"},
        {"value": None},
        {"agents": ["nobody"]},
        {"prices": [["pool-0", 0, 1]]},
        {"multipliers": [["planet", "x", "1/1"]]},
        {"stage": "planets"},
    ],
)
def test_a_senseless_level_document_is_refused(change: dict[str, object]) -> None:
    """A level that names what is not there, or no number, is no level."""
    document = {
        "stage": "groups",
        "value": "1/2",
        "agents": [],
        "saturated": [],
        "prices": [],
        "multipliers": [],
    }
    indices = {kind: {} for kind in ("group", "fellow", "institute", "track")}
    with pytest.raises(ValueError, match="cannot be read"):
        level_from_document(document | change, indices | {"pool": {"pool-0": 0}})


@pytest.mark.parametrize("seed", range(60))
def test_a_request_earns_what_its_linear_program_earns(seed: int) -> None:
    """The closed form of the best profit is the optimum of the request's own program."""
    rng = np.random.default_rng(seed)
    pools, slots = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    speeds = rng.choice([400, 800, 1000, 1600], pools).tolist()
    factors = rng.choice([500, 1000, 1600], pools).tolist()
    lengths = rng.integers(1, 3, slots).tolist()
    request = FluidRequest(
        pools=tuple(zip(range(pools), factors, speeds, strict=True)),
        ask=int(rng.integers(1, 60)),
        limit=int(rng.integers(1, 20)),
        joint=bool(rng.integers(0, 2)),
        first=0,
        end=slots,
        holders=(("group", 0),),
    )
    supply = rng.integers(0, 2, (pools, slots)) * 1000
    fluid = FluidRound(
        requests=(request,), supply=tuple(map(tuple, supply.tolist())), lengths=tuple(lengths)
    )
    prices = {p: rng.integers(0, 4, slots).tolist() for p in range(pools)}
    lift = int(rng.integers(1, 4))
    paid = sum(int(prices[p][t]) * int(supply[p, t]) for p in prices for t in range(slots))

    earned = most_together(fluid, prices, {("group", 0): lift}) - paid

    assert _best_profit(fluid, prices, lift) == earned


def _best_profit(fluid: FluidRound, prices: dict[int, list[int]], lift: int) -> Fraction:
    """Return the optimum of the request's program."""
    request = fluid.requests[0]
    cells = [
        (p, t, factor, speed)
        for p, factor, speed in request.pools
        for t in range(request.end)
        if fluid.supply[p][t]
    ]
    cost = {
        c: Fraction(lift * factor, 1000) - prices[p][t] for c, (p, t, factor, _) in enumerate(cells)
    }
    rows = [({c: Fraction(cell[3], 1000) for c, cell in enumerate(cells)}, Fraction(request.ask))]
    places = {(t,) if request.joint else (t, p) for p, t, _, _ in cells}
    for place in sorted(places):
        inside = {
            c: Fraction(1) for c, (p, t, _, _) in enumerate(cells) if (t, p)[: len(place)] == place
        }
        rows.append((inside, Fraction(request.limit * fluid.lengths[place[0]])))
    best = maximise(cost, rows, len(cells))
    assert best is not None
    return best


def test_a_negative_price_is_our_own_mistake() -> None:
    """Prices are not negative."""
    with pytest.raises(ValueError, match="negative"):
        most_together(FluidRound(requests=(), supply=((1,),), lengths=(1,)), {0: [-1]}, {})


def test_a_cap_that_holds_a_group_down_is_part_of_its_cut() -> None:
    """Where a fellow's cap is what a group's level rests on, the level names the fellow."""
    problem = a_problem(
        requests=5,
        slots=2,
        slot_hours=5_000,
        supply=[[6_000, 1_000]],
        ask=[0, 0, 1_000, 1_000, 6_000],
        max_gpus=[1, 1, 1, 1, 2],
        first=[0, 0, 1, 1, 0],
        end=[1, 1, 2, 2, 1],
        vetoed=[1, 1, 0, 0, 0],
        fellow=[3, 0, 0, 0, 3],
        fellow_group=[0, 1, 2, 0],
        fellow_cap=[-1, -1, -1, 5_000],
        rules=Rules(group_weight=GroupWeight.DEMAND),
    )
    entitlement = entitle(problem)
    assert 6_000 == entitlement.groups[0]
    assert [] == faults(problem, entitlement)


def test_a_steep_trade_between_fellows_keeps_the_total() -> None:
    """Two fellows of a group whose total is met in one division alone get all of it."""
    problem = a_problem(
        requests=3,
        pools=2,
        slots=1,
        slot_hours=5_000,
        supply=[[1_000], [1_000]],
        charge=[500, 1_600],
        ask=[1_000, 0, 1_000],
        max_gpus=[1, 1, 1],
        speed=[[1600, 800], [500, 0], [0, 800]],
        fellow=[1, 0, 0],
        fellow_group=[0, 0],
        vetoed=[0, 1, 0],
        group_weight=[500],
        score=[0, 0, 0],
    )
    entitlement = entitle(problem)
    assert [1_600, 312] == entitlement.fellows.tolist()
    assert [] == faults(problem, entitlement)


def test_a_group_on_its_floor_is_full_when_the_others_have_all_they_can_take(monkeypatch) -> None:
    """The supply ends just where one group holds its most, and the other holds only its floor."""
    monkeypatch.setattr("solver.entitle.is_plain_flow", lambda *_: False)
    problem = a_problem(
        requests=5,
        pools=2,
        slots=1,
        slot_hours=5_000,
        supply=[[1_000], [6_000]],
        charge=[500, 500],
        ask=[4_000, 1_000, 4_000, 3_000, 1_000],
        max_gpus=[4, 1, 4, 3, 1],
        speed=[[0, 1_000], [0, 1_000], [0, 1_600], [1_000, 1_000], [1_600, 800]],
        fellow=[2, 0, 0, 2, 0],
        fellow_group=[0, 1, 2],
        group_floor=[2_000, 0, 0],
        group_weight=[500, 500, 500],
        fellow_cap=[5_000, -1, 12_000],
        vetoed=[1, 0, 0, 0, 0],
        rules=Rules(fellow_weight=FellowWeight.WEIGHT),
    )
    entitlement = entitle(problem)
    assert [2_000, 0, 1_500] == entitlement.groups.tolist()
    assert [] == faults(problem, entitlement)
