"""What rows leave to columns by arithmetic alone."""

import numpy as np
import pytest

from solver.tiers.program import Effort, Program, solve_program
from solver.tiers.propagation import tightened


def test_what_one_row_shows_is_handed_on():
    """From x + y ≥ 1.5 and y ≤ 0.5·z with z ≤ 1, y is at most 0.5 and x at least 1."""
    program = Program()
    x, y, z = program.add_columns(3, 0.0, [2.0, 2.0, 1.0]).tolist()
    rows = program.add_rows(2, [1.5, -np.inf], [np.inf, 0.0])
    program.add_terms(rows[0], [x, y], 1.0)
    program.add_terms(rows[1], [y, z], [1.0, -0.5])
    lower, upper = tightened(program.matrix(), program.row_bounds(), program.column_bounds())
    assert pytest.approx([1.0, 0.0, 0.0]) == lower.tolist()
    assert pytest.approx([2.0, 0.5, 1.0]) == upper.tolist()


def test_a_column_without_a_bound_shows_nothing_of_others_but_gets_one_itself():
    """In x + y ≤ 3 and x − z ≤ 0 with z unbounded, x and y get a bound from the first row alone."""
    program = Program()
    x, y, z = program.add_columns(3, 0.0, np.inf).tolist()
    rows = program.add_rows(2, -np.inf, [3.0, 0.0])
    program.add_terms(rows[0], [x, y], 1.0)
    program.add_terms(rows[1], [x, z], [1.0, -1.0])
    _, upper = tightened(program.matrix(), program.row_bounds(), program.column_bounds())
    assert [3.0, 3.0, np.inf] == upper.tolist()


@pytest.mark.parametrize("seed", range(20))
def test_no_solution_passes_the_bounds(seed):
    """The least and most of each column over all solutions lie between its tightened bounds."""
    rng = np.random.default_rng(seed)
    program = Program()
    columns = program.add_columns(4, rng.integers(-2, 1, 4), rng.integers(1, 4, 4))
    point = rng.uniform(*program.column_bounds())
    for _ in range(3):
        terms = rng.integers(-2, 3, 4).astype(float)
        sums = float(terms @ point)
        row = program.add_rows(1, sums - rng.uniform(0, 1), sums + rng.uniform(0, 1))
        program.add_terms(row, columns, terms)
    lower, upper = tightened(program.matrix(), program.row_bounds(), program.column_bounds())
    for column, goal in enumerate(np.eye(4)):
        least, most = (solve_program(program, sign * goal, Effort()) for sign in (1.0, -1.0))
        assert lower[column] <= least.objective + 1e-7
        assert -most.objective - 1e-7 <= upper[column]
