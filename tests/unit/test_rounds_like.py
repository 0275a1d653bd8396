"""Generated rounds keep the format and repeat."""

import numpy as np
import pytest

from benchmarks.few_pools import many_levels
from benchmarks.rounds_like import (
    Temper,
    big_round,
    innocore_like,
    one_slot_round,
    problem_of,
)
from benchmarks.shapes import KINDS, shaped
from scheduler.policy import find_policy
from solver.problem import Shape
from solver.tiers.extent import find_extent


def test_a_round_like_innocore_repeats_and_can_be_read() -> None:
    """The same seed gives the same document, another seed another one, both valid rounds."""
    policy = find_policy("entitlement")
    problem = problem_of(innocore_like(80, seed=3), policy)
    assert problem.fellows == 80
    assert problem.groups == 8
    assert innocore_like(80, seed=3) == innocore_like(80, seed=3)
    assert innocore_like(80, seed=3) != innocore_like(80, seed=4)


@pytest.mark.parametrize("temper", list(Temper))
def test_a_big_round_has_the_asked_size_and_everyone_a_pool(temper: Temper) -> None:
    """Sizes are as asked, everyone accepts some pool, and demand exceeds supply."""
    problem = big_round(temper, 1, requests=300, pools=16, slots=12, fellows=80, groups=5)
    assert (problem.requests, problem.pools, problem.slots, problem.fellows) == (300, 16, 12, 80)
    assert (problem.speed > 0).any(axis=1).all()
    assert problem.ask.sum() > 2 * (problem.supply * problem.charge[:, None] // 1000).sum()
    again = big_round(temper, 1, requests=300, pools=16, slots=12, fellows=80, groups=5)
    assert np.array_equal(problem.ask, again.ask)


def test_a_round_of_few_pools_keeps_speeds_and_scarcity() -> None:
    """Every request is a group of its own, asks more than it can take, and finds its supply."""
    speeds, gpus, weights, supply = many_levels(40, 3)
    problem = one_slot_round((speeds, gpus, weights, supply))
    assert (problem.requests, problem.pools, problem.slots, problem.groups) == (40, 10, 1, 40)
    assert np.array_equal(problem.speed > 0, speeds > 0)
    hours = problem.max_gpus * problem.slot_hours
    assert (problem.ask * 1000 > hours * problem.speed.max(axis=1)).all()
    assert problem.supply.sum() == supply.sum() * problem.slot_hours


@pytest.mark.parametrize("kind", KINDS)
def test_a_shaped_round_can_be_served_and_stays_scarce(kind: str) -> None:
    """Every block and constant can have its least, and hours asked are about what they were."""
    problem = problem_of(innocore_like(80, seed=3), find_policy("entitlement"))
    shape, part = KINDS[kind]
    changed = shaped(problem, shape, part)
    assert find_extent(changed).reachable.all()
    count = int((changed.shape == shape).sum())
    assert abs(count - part * problem.requests) <= 0.1 * problem.requests
    assert 0.5 < changed.ask.sum() / problem.ask.sum() < 1.5
    assert (changed.block_slots > 0).sum() == (count if shape is Shape.BLOCK else 0)
