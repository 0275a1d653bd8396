"""Rounds of all-or-nothing requests: their ways, their bounds, and the plans they lead to."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from solver import whole_asks
from solver.audit import is_lawful, keeps_hard_rules
from solver.pipeline import Limits, solve
from solver.plan import IntArray, received
from solver.problem import MILLI, NOBODY, Problem, Rules, Shape, Tier, Unit
from solver.rights import rights
from solver.stages import objectives
from solver.tiers.combinations import find_combinations
from solver.tiers.in_full import gets_all_or_nothing, mixed_ways, whole_ways
from solver.tiers.program import Effort
from tests.builders import a_problem

VALUE = Rules(tiers=(Tier.VALUE,))
AWARDS = Rules(unit=Unit.REFERENCE_HOURS)


def some_asks(seed: int, *, rules: Rules | None = None, requests: int = 4) -> Problem:
    """Return a tiny all-or-nothing round: two pools, two slots of two hours, two fellows."""
    chance = np.random.default_rng(seed)
    gang = chance.choice([1, 2], requests)
    speed = np.where(chance.random((requests, 2)) < 0.8, [MILLI, 1_600], 0)
    speed[:, 0] = np.where(speed.any(axis=1), speed[:, 0], MILLI)
    ask = gang * chance.integers(2, 4, requests) * MILLI - chance.integers(0, 2, requests) * 500
    return a_problem(
        requests,
        2,
        2,
        slot_hours=2 * MILLI,
        gang=gang,
        max_gpus=gang,
        speed=speed,
        ask=ask,
        minimum=ask,
        single_pool=chance.random(requests) < 0.3,
        score=chance.integers(1, 100, requests) * MILLI,
        supply=[[4 * MILLI, 3 * MILLI], [2 * MILLI, 2 * MILLI]],
        charge=[MILLI, 1_600],
        fellow=np.arange(requests) % 2,
        fellow_group=[0, 1],
        rules=rules or Rules(),
    )


def options_of(problem: Problem, request: int) -> list[IntArray]:
    """Return the cells of all that a request may get, nothing first."""
    gang, found = int(problem.gang[request]), []
    for gangs in product(range(3), repeat=4):
        hours = np.array(gangs) * gang
        used = np.flatnonzero(hours)
        cells = np.column_stack([np.full(used.size, request), used // 2, used % 2, hours[used]])
        if not used.size or is_lawful(problem, cells):
            found.append(cells)
    return found


def every_plan(problem: Problem) -> list[IntArray]:
    """Return the cells of all lawful plans, one by one."""
    options = [options_of(problem, each) for each in range(problem.requests)]
    plans = (np.concatenate(each) for each in product(*options))
    return [cells for cells in plans if is_lawful(problem, cells)]


def many_asks(seed: int, requests: int = 160) -> Problem:
    """Return a round like a center's: asks over three orders of magnitude, supply for a third."""
    chance = np.random.default_rng(seed)
    ask = np.round(np.exp(chance.normal(6.0, 1.3, requests))) * MILLI
    supply = float(ask.sum()) / 3.2 / 2 / 13 // MILLI * MILLI
    return a_problem(
        requests,
        2,
        13,
        slot_hours=168 * MILLI,
        gang=chance.choice([1, 2, 4, 8], requests),
        max_gpus=np.full(requests, 64),
        ask=ask,
        minimum=ask,
        score=chance.integers(40, 100, requests) * MILLI,
        supply=np.full((2, 13), supply),
        fellow=np.arange(requests) // 2,
        fellow_group=np.arange(requests // 2) % 4,
    )


SMALL_POOL = np.array([[4, 4], [1, 0]]) * MILLI


@pytest.mark.parametrize("supply", [None, SMALL_POOL])
@pytest.mark.parametrize("rules", [Rules(), VALUE, AWARDS, Rules(tiers=(Tier.FELLOWS, Tier.VALUE))])
@pytest.mark.parametrize("seed", range(4))
def test_no_plan_as_fair_passes_a_bound(monkeypatch, seed, rules, supply):
    """Among all plans that lack no more of the tiers before, none is better than a tier's bound.

    Also where groups cannot have what is due to them, and where a pool holds a request only beside
    another one.
    """
    monkeypatch.setattr(whole_asks, "LARGE", 1)
    monkeypatch.setattr(whole_asks, "SPARE", 0.0)
    monkeypatch.setattr(whole_asks, "LOST", 1.0)
    problem = some_asks(seed, rules=rules)
    problem = problem if supply is None else replace(problem, supply=supply)
    plan = whole_asks.by_asks(
        problem,
        rights(problem) if problem.rules.is_fair else None,
        gap=1e-3,
        effort=Effort(),
        report=lambda *_: None,
    )
    assert plan is not None
    assert keeps_hard_rules(problem, plan.cells)
    stages = {each.name: each for each in plan.stages}
    tiers = [each for each in ("groups", "groups_total", "fellows", "value") if each in stages]
    plans = [objectives(problem, plan.entitlement, each) for each in every_plan(problem)]
    for name in tiers:
        sign = -1.0 if name == "value" else 1.0
        best = min(sign * each[name] for each in plans)
        assert sign * stages[name].bound <= best + 1e-6 * max(abs(best), 1.0)
        plans = [e for e in plans if sign * e[name] <= sign * stages[name].objective + 1e-9]
    assert plans


@pytest.mark.parametrize("rules", [Rules(), AWARDS])
@pytest.mark.parametrize("seed", range(6))
def test_ways_enclose_all_that_a_request_may_get(seed, rules):
    """Whatever is lawful takes no fewer hours than bounds count on and brings no more units."""
    problem = some_asks(seed, rules=rules)
    sure, loose = whole_ways(problem), mixed_ways(problem)
    for request in range(problem.requests):
        mine = loose.request == request
        for cells in options_of(problem, request)[1:]:
            units = received(problem, cells)[request]
            pools = np.unique(cells[:, 1])
            own = mine & ((loose.pool == NOBODY) | (loose.pool == pools[0]))
            assert loose.capped[own].min() <= units <= loose.units[own].max()
            full = dict(zip(zip(*loose.spread[:2], strict=True), loose.spread.hours, strict=True))
            parts = [
                hours / max(full.get((request, pool), loose.hours[own].max()), 1e-9)
                for pool, hours in zip(cells[:, 1], cells[:, 3], strict=True)
            ]
            assert sum(parts) >= 1.0 - 1e-9
        assert (sure.units[sure.request == request] <= sure.capped[sure.request == request]).all()


def test_only_all_or_nothing_is_decided_so(monkeypatch):
    """A smaller minimum, another shape, a guarantee, many a fellow: another way."""
    monkeypatch.setattr(whole_asks, "LARGE", 1)
    problem = some_asks(0)
    assert whole_asks.suits(problem)
    flags = np.arange(problem.requests) == 0
    others = [
        replace(problem, minimum=np.where(flags, problem.ask // 2, problem.ask)),
        replace(problem, shape=np.where(flags, Shape.CONSTANT, problem.shape)),
        replace(problem, pinned=flags),
        some_asks(0, requests=20),
    ]
    assert not any(map(whole_asks.suits, others))
    monkeypatch.undo()
    assert not whole_asks.suits(problem)


def test_a_cap_leaves_out_what_is_surely_beyond_it():
    """Bounds know of no combination whose fewest units pass the fellow's cap."""
    problem = some_asks(1)
    free = find_combinations(problem, mixed_ways(problem), fair=True)
    held = replace(problem, fellow_cap=np.full(2, 3 * MILLI))
    found = find_combinations(held, mixed_ways(held), fair=True)
    assert found is not None
    assert free is not None
    assert 0 < found.owner.size < free.owner.size


def test_all_or_nothing_rounds_are_near_their_bounds():
    """A hundred and sixty such requests are answered within two hundredths in every tier."""
    problem = many_asks(0)
    assert gets_all_or_nothing(problem)
    plan = solve(problem)
    assert keeps_hard_rules(problem, plan.cells)
    assert max(each.gap for each in plan.stages) < 0.02


@pytest.mark.parametrize("supply", [None, SMALL_POOL])
def test_a_limit_of_work_ends_in_a_plan(monkeypatch, supply):
    """Wherever the limit comes, also while the largest shortfall is decided, every rule holds."""
    monkeypatch.setattr(whole_asks, "LARGE", 1)
    problem = some_asks(0)
    problem = problem if supply is None else replace(problem, supply=supply)
    for work in range(1, 40):
        plan = solve(problem, limits=Limits(work=work))
        assert keeps_hard_rules(problem, plan.cells)
