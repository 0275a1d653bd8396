"""Placing a flexible request greedily, against the same in plain Python."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.placing.placement import place
from solver.problem import MILLI, Problem, dot
from tests.builders import a_problem

COUNTS = st.lists(st.integers(0, 2**40), min_size=1, max_size=5)


def plainly(problem: Problem, free: list[list[int]], amount: int) -> list[list[int]]:
    """Return the cells of request 0: the fastest per charge first, most room first."""
    speed, charge = problem.speed[0].tolist(), problem.charge.tolist()
    gang, limit = int(problem.gang[0]), int(problem.max_gpus[0]) * problem.slot_hours // MILLI
    seated, cells = [0] * problem.slots, []
    for pool in sorted(
        (p for p in range(problem.pools) if speed[p]), key=lambda p: charge[p] / speed[p]
    ):
        for slot in sorted(range(problem.slots), key=lambda t: -free[pool][t]):
            gangs = min(free[pool][slot], limit - seated[slot]) // gang
            gangs = min(gangs, -(-amount // (gang * speed[pool])))
            if gangs > 0:
                cells.append([0, pool, slot, gangs * gang])
                seated[slot] += gangs * gang
                amount -= gangs * gang * speed[pool]
    return sorted(cells)


@settings(deadline=None)
@given(st.data())
def test_a_flexible_request_lies_where_plain_python_lays_it(data: st.DataObject) -> None:
    """Cells are those of the plain twin, sorted by pool and slot, on any pools and room."""
    pools, slots = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))

    def drawn(values: st.SearchStrategy[int], size: int) -> list[int]:
        return data.draw(st.lists(values, min_size=size, max_size=size))

    problem = a_problem(
        requests=1,
        pools=pools,
        slots=slots,
        charge=drawn(st.sampled_from([500, 1000, 1600]), pools),
        speed=[drawn(st.sampled_from([0, 800, 1000, 1600]), pools)],
        gang=[data.draw(st.integers(1, 3))],
        max_gpus=[data.draw(st.integers(3, 6))],
    )
    free = np.array(drawn(st.integers(0, 30), pools * slots)).reshape(pools, slots)
    amount = data.draw(st.integers(1, 100_000))

    found = place(problem, free, 0, amount)

    assert plainly(problem, free.tolist(), amount) == found.tolist()


@given(COUNTS, st.data())
def test_sums_of_products_are_exact(one: list[int], data: st.DataObject) -> None:
    """The sum is that of Python's integers, beyond 64 bits too."""
    size = len(one)
    other = data.draw(st.lists(st.integers(0, 2**40), min_size=size, max_size=size))
    exact = sum(a * b for a, b in zip(one, other, strict=True))

    assert exact == dot(np.array(one), np.array(other))
