"""What a program in a solver's memory is told when it grows, in protocol buffers."""

from typing import NamedTuple

import numpy as np
from ortools.math_opt import model_update_pb2, solution_pb2

from solver.problem import BoolArray, FloatArray, IntArray


class Growth(NamedTuple):
    """New columns and rows, by their numbers in the solver's memory.

    Attributes:
        columns: ``(n,)``; lower, upper: ``(n,)`` their bounds.
        rows: ``(m,)``; least, most: ``(m,)`` their bounds.
        terms: rows, columns and coefficients, row by row; old rows have none.
    """

    columns: IntArray
    lower: FloatArray
    upper: FloatArray
    rows: IntArray
    least: FloatArray
    most: FloatArray
    terms: tuple[IntArray, IntArray, FloatArray]


def to_update(growth: Growth) -> model_update_pb2.ModelUpdateProto:
    """Write down what is new."""
    update = model_update_pb2.ModelUpdateProto()
    update.new_variables.ids.extend(growth.columns)
    update.new_variables.lower_bounds.extend(growth.lower)
    update.new_variables.upper_bounds.extend(growth.upper)
    update.new_variables.integers.extend(np.zeros(growth.columns.size, dtype=np.bool_))
    update.new_linear_constraints.ids.extend(growth.rows)
    update.new_linear_constraints.lower_bounds.extend(growth.least)
    update.new_linear_constraints.upper_bounds.extend(growth.most)
    matrix, (row, column, value) = update.linear_constraint_matrix_updates, growth.terms
    matrix.row_ids.extend(row)
    matrix.column_ids.extend(column)
    matrix.coefficients.extend(value)
    return update


def grown(basis: solution_pb2.BasisProto, growth: Growth) -> solution_pb2.BasisProto:
    """Return a basis with new columns at their lower bounds and new rows in it.

    Where the new columns cost nothing it is as good a start for the dual simplex as the old one.
    """
    larger = solution_pb2.BasisProto.FromString(basis.SerializeToString())
    at_lower, basic = solution_pb2.BASIS_STATUS_AT_LOWER_BOUND, solution_pb2.BASIS_STATUS_BASIC
    larger.variable_status.ids.extend(growth.columns)
    larger.variable_status.values.extend([at_lower] * growth.columns.size)
    larger.constraint_status.ids.extend(growth.rows)
    larger.constraint_status.values.extend([basic] * growth.rows.size)
    return larger


def statuses(basic: BoolArray, at_lower: BoolArray, fixed: BoolArray) -> IntArray:
    """Return ``(n,)`` statuses of columns or rows in a basis; the rest are at their most."""
    found = np.full(basic.size, int(solution_pb2.BASIS_STATUS_AT_UPPER_BOUND), dtype=np.int64)
    found[at_lower] = solution_pb2.BASIS_STATUS_AT_LOWER_BOUND
    found[fixed] = solution_pb2.BASIS_STATUS_FIXED_VALUE
    found[basic] = solution_pb2.BASIS_STATUS_BASIC
    return found


def to_basis(columns: IntArray, rows: IntArray) -> solution_pb2.BasisProto:
    """Write down a basis by the statuses of its columns and rows."""
    basis = solution_pb2.BasisProto(
        basic_dual_feasibility=solution_pb2.SOLUTION_STATUS_UNDETERMINED
    )
    basis.variable_status.ids.extend(range(columns.size))
    basis.variable_status.values.extend(columns.tolist())
    basis.constraint_status.ids.extend(range(rows.size))
    basis.constraint_status.values.extend(rows.tolist())
    return basis
