"""Linear programs that are solved again from where they were, or from a known solution."""

import numpy as np
import pytest

from solver.tiers.program import Effort, Program
from solver.tiers.relaxation import Relaxation


def transport(seed: int) -> tuple[Program, np.ndarray]:
    """Return a program of 30 askers and 20 places, and what each column costs."""
    rng = np.random.default_rng(seed)
    program = Program()
    columns = program.add_columns(600, 0.0, 1.0).reshape(30, 20)
    asks = program.add_rows(30, 1.0, np.inf)
    rooms = program.add_rows(20, -np.inf, 2.0)
    program.add_terms(np.repeat(asks, 20), columns.reshape(-1), 1.0)
    program.add_terms(np.tile(rooms, 30), columns.reshape(-1), 1.0)
    return program, rng.integers(1, 50, 600).astype(float)


@pytest.mark.parametrize("seed", range(5))
def test_a_solve_begins_where_a_known_solution_lies(seed):
    """From an optimum that is known a fresh program is solved in half the pivots at most."""
    program, costs = transport(seed)
    first, second = Relaxation(program, Effort()), Relaxation(program, Effort())
    first.aim(costs)
    known = first.solve()
    second.aim(costs)
    second.begin_at(known.values)
    again = second.solve()
    assert pytest.approx(known.objective) == again.objective
    assert again.values.min() >= -1e-9
    assert 2 * second.iterations < first.iterations


def test_a_known_solution_may_be_far_from_the_best():
    """From any solution the same optimum comes out, and from what is none, too."""
    program, costs = transport(0)
    plain = Relaxation(program, Effort())
    plain.aim(costs)
    best = plain.solve().objective
    for known in (np.full(600, 1 / 20), np.zeros(600), np.ones(600)):
        relaxation = Relaxation(program, Effort())
        relaxation.aim(costs)
        relaxation.begin_at(known)
        assert pytest.approx(best) == relaxation.solve().objective
