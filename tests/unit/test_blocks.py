"""Rounds of blocks: combinations of requests, their bounds, and the plans they lead to."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from solver import whole_blocks
from solver.audit import is_lawful, keeps_hard_rules
from solver.pipeline import solve
from solver.plan import NO_CELLS, received
from solver.problem import MILLI, NOBODY, IntArray, Problem, Rules, Shape, Tier
from solver.rights import rights
from solver.stages import objectives
from solver.tiers import combinations, combined
from solver.tiers.combinations import find_combinations, find_ways
from tests.builders import a_problem

VALUE = Rules(tiers=(Tier.VALUE,))


def some_blocks(seed: int, *, rules: Rules | None = None, requests: int = 5) -> Problem:
    """Return a small round of blocks: two pools, two groups, three fellows."""
    chance = np.random.default_rng(seed)
    slots = chance.integers(1, 3, requests)
    gang = chance.choice([1, 2, 3], requests)
    most = gang * chance.integers(1, 3, requests)
    speed = np.where(chance.random((requests, 2)) < 0.7, MILLI, 0)
    speed[:, 0] = np.where(speed.any(axis=1), speed[:, 0], MILLI)
    ask = most * slots * 10 * MILLI
    return a_problem(
        requests,
        2,
        4,
        shape=np.full(requests, Shape.BLOCK),
        block_slots=slots,
        gang=gang,
        max_gpus=most,
        speed=speed,
        ask=ask,
        minimum=ask // 2,
        score=chance.integers(1, 100, requests) * MILLI,
        supply=np.full((2, 4), 30 * MILLI),
        charge=[MILLI, 2 * MILLI],
        fellow=np.arange(requests) % 3,
        fellow_group=[0, 1, 0],
        rules=rules or Rules(),
    )


def every_plan(problem: Problem) -> list[IntArray]:
    """Return the cells of all lawful plans, one by one."""
    ways = find_ways(problem)
    options: list[list[IntArray]] = [[NO_CELLS] for _ in range(problem.requests)]
    for at, request in enumerate(ways.request.tolist()):
        hours = int(ways.gpus[at]) * problem.slot_hours // MILLI
        length = int(problem.block_slots[request])
        for first in range(int(problem.first[request]), int(problem.end[request]) - length + 1):
            slots = range(first, first + length)
            rows = [(request, int(ways.pool[at]), slot, hours) for slot in slots]
            options[request].append(np.array(rows, dtype=np.int64))
    plans = (np.concatenate(each) for each in product(*options))
    return [cells for cells in plans if is_lawful(problem, cells)]


@pytest.mark.parametrize("seed", range(3))
def test_combinations_are_all_that_a_fellow_can_get(seed):
    """Of hours in each pool and units every sum of ways is there, with its best value."""
    problem = some_blocks(seed)
    found = find_combinations(problem, find_ways(problem), fair=True)
    assert found is not None
    expected: dict[tuple[int, ...], float] = {}
    ways = found.ways
    for fellow in range(problem.fellows):
        mine = np.flatnonzero(problem.fellow == fellow)
        options = [[NOBODY, *np.flatnonzero(ways.request == each)] for each in mine.tolist()]
        for one in product(*options):
            used = np.array([way for way in one if way != NOBODY], dtype=np.int64)
            hours = np.bincount(ways.pool[used], ways.hours[used], 2).astype(np.int64)
            key = (fellow, *hours.tolist(), int(ways.units[used].sum()))
            expected[key] = max(expected.get(key, 0.0), float(ways.value[used].sum()))
    got = {
        (int(owner), *hours.tolist(), int(units)): float(value)
        for owner, hours, units, value in zip(
            found.owner, found.hours, found.units, found.value, strict=True
        )
    }
    assert got == pytest.approx(expected)
    assert len(got) == found.owner.size


def test_ways_are_the_awards_that_plans_may_hold():
    """Each way alone is a lawful plan, brings what it says, and one step less or more is not."""
    problem = some_blocks(1)
    ways = find_ways(problem)
    for at, request in enumerate(ways.request.tolist()):
        for gpus, lawful in (
            (ways.gpus[at], True),
            (ways.gpus.max() + problem.gang[request], False),
        ):
            hours = int(gpus) * problem.slot_hours // MILLI
            first = int(problem.first[request])
            slots = range(first, first + int(problem.block_slots[request]))
            rows = [(request, int(ways.pool[at]), slot, hours) for slot in slots]
            cells = np.array(rows, dtype=np.int64)
            assert is_lawful(problem, cells) == lawful
            if lawful:
                assert received(problem, cells)[request] == ways.units[at]
                assert objectives(problem, None, cells)["value"] == pytest.approx(ways.value[at])


@pytest.mark.parametrize("rules", [Rules(), VALUE, Rules(tiers=(Tier.FELLOWS, Tier.VALUE))])
@pytest.mark.parametrize("seed", range(4))
def test_no_plan_as_fair_passes_a_bound(monkeypatch, seed, rules):
    """Among all plans that lack no more of the tiers before, none is better than a tier's bound."""
    monkeypatch.setattr(whole_blocks, "LARGE", 1)
    problem = some_blocks(seed, rules=rules, requests=4)
    plan = solve(problem)
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


def test_only_rounds_of_nothing_but_blocks_are_decided_so(monkeypatch):
    """A flexible request, a chain, a guarantee, a cap or a weighted form goes the other way."""
    monkeypatch.setattr(whole_blocks, "LARGE", 1)
    problem = some_blocks(0)
    assert whole_blocks.suits(problem)
    flags = np.arange(problem.requests) == 0
    after = np.where(flags, 1, NOBODY)
    others = [
        replace(problem, shape=np.where(flags, Shape.FLEXIBLE, problem.shape)),
        replace(problem, after=after),
        replace(problem, pinned=flags),
        replace(problem, group_cap=np.array([100 * MILLI, 100 * MILLI])),
        replace(problem, group_floor=np.array([1, 0])),
        replace(problem, rules=Rules(weights=(1, 1, 1))),
        replace(problem, rules=Rules(tiers=(Tier.VALUE, Tier.GROUPS))),
    ]
    assert not any(map(whole_blocks.suits, others))
    monkeypatch.undo()
    assert not whole_blocks.suits(problem)


def test_a_cap_of_a_fellow_leaves_out_what_passes_it():
    """Combinations beyond the cap of a fellow are none."""
    problem = replace(some_blocks(2), fellow_cap=np.full(3, 40 * MILLI))
    found = find_combinations(problem, find_ways(problem), fair=False)
    assert found is not None
    assert found.units.max() <= 40 * MILLI
    assert found.owner.max() == problem.fellows - 1


def test_too_many_combinations_go_the_other_way(monkeypatch):
    """Where a fellow has more combinations than are listed another way follows."""
    monkeypatch.setattr(whole_blocks, "LARGE", 1)
    monkeypatch.setattr(combinations, "MOST", 2)
    problem = some_blocks(0)
    assert find_combinations(problem, find_ways(problem), fair=True) is None
    told: list[str] = []
    effort = combined.Effort()
    plan = whole_blocks.by_blocks(
        problem, rights(problem), gap=1e-3, effort=effort, report=lambda name, *_: told.append(name)
    )
    assert plan is None
    assert not told


@pytest.mark.parametrize("core", [1, 3, 10])
def test_what_is_left_out_costs_more_than_the_core(core):
    """A bound from a few combinations is no better than what the best of all reach."""
    problem = some_blocks(3, requests=9)
    found, entitlement = find_combinations(problem, find_ways(problem), fair=True), rights(problem)
    assert found is not None
    bounds, reached = [], np.inf
    for most in (core, 10_000):
        effort, cores = combined.Effort(), ((most, 30),)
        search = combined.Combined(
            problem, entitlement, found, gap=1e-3, effort=effort, cores=cores
        )
        wanted = search._fellows()
        answer, bound = search._decided(wanted, search._relaxed(wanted, search.high))
        bounds.append(bound)
        reached = answer.objective
    assert bounds[0] <= reached + 1e-6
    assert bounds[0] <= bounds[1] + 1e-6
