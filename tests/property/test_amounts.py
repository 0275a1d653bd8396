"""The program without slots against the one with every slot."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.problem import MILLI, Problem
from solver.tiers.amounts import AmountModel
from solver.tiers.model import RoundModel
from solver.tiers.program import Effort
from tests.builders import a_problem

SLOTS = 6
CLOSE = 2e-5
"""Part of a value: several rows may each be missed by a millionth of a pool's supply."""


def scarce_round(seed: int, *, single: bool = True, most_pools: int = 2) -> Problem:
    """Return a round of short windows and few GPUs at once, where slots bind."""
    rng = np.random.default_rng(seed)
    requests, pools = int(rng.integers(2, 9)), int(rng.integers(1, 3))
    first = rng.integers(0, SLOTS, requests)
    end = np.minimum(first + rng.integers(1, SLOTS + 1, requests), SLOTS)
    ask = rng.integers(20, 200, requests) * MILLI
    others = [0, MILLI, 1600] if most_pools > 1 else [0]
    speed = rng.choice(others, (requests, pools))
    speed[np.arange(requests), rng.integers(0, pools, requests)] = MILLI
    return a_problem(
        requests=requests,
        pools=pools,
        slots=SLOTS,
        first=first,
        end=end,
        ask=ask,
        minimum=ask // rng.integers(2, 6, requests),
        gang=rng.choice([1, 2, 4], requests),
        max_gpus=rng.choice([4, 8], requests),
        speed=speed,
        charge=[MILLI, 1600][:pools],
        supply=rng.integers(0, 60, (pools, SLOTS)) * MILLI,
        score=rng.integers(1, 100, requests) * MILLI,
        single_pool=np.full(requests, single),
    )


def most_value(model: RoundModel) -> tuple[float, np.ndarray]:
    """Return the value of the relaxation, and its solution."""
    relaxation = model.relaxation(Effort())
    relaxation.aim(-model.value_goal())
    vertex = relaxation.solve()
    assert vertex is not None
    return -vertex.objective, vertex.values


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_without_slots_the_bound_is_the_same(seed):
    """Where requests use one pool at a time, cuts say all that the slots say."""
    problem = scarce_round(seed)
    with_slots, _ = most_value(RoundModel(problem))
    without, _ = most_value(AmountModel(problem))
    assert abs(with_slots - without) <= CLOSE * max(with_slots, 1.0)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_without_slots_the_bound_holds(seed):
    """Where requests use several pools at once, the bound without slots is no smaller."""
    problem = scarce_round(seed, single=False)
    with_slots, _ = most_value(RoundModel(problem))
    without, _ = most_value(AmountModel(problem))
    assert without >= with_slots - CLOSE * max(with_slots, 1.0)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_amounts_find_their_slots(seed):
    """What cuts leave is laid in windows, within supply and the most GPUs, and nothing is lost."""
    problem = scarce_round(seed, most_pools=1)
    model = AmountModel(problem)
    _, values = most_value(model)
    cells = model.fluid(values, np.ones(problem.requests, dtype=np.bool_))
    request, pool, slot, amount = cells.T
    assert (slot >= problem.first[request]).all()
    assert (slot < problem.end[request]).all()
    assert (amount <= problem.max_gpus[request] * problem.slot_hours).all()
    used = np.zeros_like(problem.supply)
    np.add.at(used, (pool, slot), amount)
    assert (used <= problem.supply).all()
    served = np.bincount(request, amount * problem.speed[request, pool], problem.requests)
    wanted = values[model.places.column] * problem.ask[model.places.request]
    wanted = np.bincount(model.places.request, wanted, problem.requests) * MILLI
    allowed = CLOSE * float(problem.supply.sum()) * MILLI + 2 * MILLI * problem.requests
    assert float(np.abs(served - wanted).sum()) <= allowed
