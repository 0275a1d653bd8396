"""Programs of which a part is decided and the rest is held."""

import numpy as np
import pytest

from solver.tiers.program import Effort, Program, solve_program


def a_program() -> Program:
    """Return x + y + z ≤ 10 and y + z ≥ 4, all from 0 to 9."""
    program = Program()
    x, y, z = program.add_columns(3, 0.0, 9.0).tolist()
    rows = program.add_rows(2, [-np.inf, 4.0], [10.0, np.inf])
    program.add_terms(rows[0], [x, y, z], 1.0)
    program.add_terms(rows[1], [y, z], 1.0)
    return program


def test_around_a_plan_only_the_free_columns_are_left():
    """With z held at 3, x and y have 7 to share and y at least 1 to bring."""
    part = a_program().around(np.array([True, True, False]), np.array([6.0, 1.0, 3.0]))
    assert 2 == part.columns
    most = solve_program(part, np.array([-1.0, 0.0]), Effort())
    assert most.values is not None
    assert pytest.approx([6.0, 1.0]) == most.values.tolist()


def test_a_row_that_a_plan_misses_by_a_trifle_is_kept_as_the_plan_has_it():
    """What misses a row by a millionth still counts as a plan; what misses it by more does not."""
    free, plan = np.array([True, True, False]), np.array([0.0, 1.0 - 1e-6, 3.0])
    held = np.array([0.0, 1.0 - 1e-6])
    exact = solve_program(
        a_program().around(free, plan), np.zeros(2), Effort(), lower=held, upper=held
    )
    near = solve_program(
        a_program().around(free, plan, 1e-5), np.zeros(2), Effort(), lower=held, upper=held
    )
    assert exact.values is None
    assert near.values is not None
    far = a_program().around(free, np.array([0.0, 0.5, 3.0]), 1e-5)
    assert 1.0 == far.row_bounds()[0].max()


def test_what_is_held_against_a_rule_is_impossible():
    """With y and z held at 1 each they bring less than 4, whatever x is."""
    part = a_program().around(np.array([True, False, False]), np.array([0.0, 1.0, 1.0]), 1e-5)
    assert solve_program(part, np.zeros(1), Effort()).infeasible


def test_coefficients_are_added_up_again_when_some_are_added():
    """Equal places add up, also after the program was read once."""
    program = a_program()
    program.matrix()
    program.add_terms(0, 0, 1.0)
    assert [2.0, 1.0, 1.0, 1.0, 1.0] == program.matrix()[2].tolist()
    program.add_columns(1)
    assert [0, 1, 2, 1, 2] == program.matrix()[1].tolist()
