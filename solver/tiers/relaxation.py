"""A linear program that is solved again and again, each time from where it was.

MathOpt's own incremental solver answers in dictionaries keyed by variables: on 24,000 columns
that took ten times as long as the simplex itself. So this speaks to the layer right below it, in
protocol buffers.
"""

from dataclasses import dataclass

import numpy as np
from ortools.glop import parameters_pb2
from ortools.math_opt import (
    callback_pb2,
    model_parameters_pb2,
    model_update_pb2,
    result_pb2,
    solution_pb2,
)
from ortools.math_opt import parameters_pb2 as solve_parameters_pb2
from ortools.math_opt.core.python import solver as core
from pybind11_abseil.status import StatusNotOk

from solver.problem import FloatArray, IntArray
from solver.tiers.program import Program, optimal_basis, to_proto


def _parameters(*, dual: bool) -> solve_parameters_pb2.SolveParametersProto:
    """Return GLOP's parameters: no presolve, so that the last basis counts."""
    return solve_parameters_pb2.SolveParametersProto(
        presolve=solve_parameters_pb2.EMPHASIS_OFF,
        glop=parameters_pb2.GlopParameters(use_dual_simplex=dual),
    )


LARGE = 20_000
"""From this number of columns on an interior point code finds the first basis."""
DUAL = _parameters(dual=True)
"""After a change of bounds the old basis stays dual feasible."""
PRIMAL = _parameters(dual=False)
"""After a change of goal the old basis stays primal feasible."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Vertex:
    """An optimal basic solution; `row_prices` are the rows' duals."""

    values: FloatArray
    objective: float
    row_prices: FloatArray


class Relaxation:
    """The linear relaxation of a program, kept in GLOP's memory with its last basis.

    Attributes:
        solves: linear programs solved; iterations: simplex iterations of all of them.
        seconds: what GLOP measured of its own time.
    """

    def __init__(self, program: Program) -> None:
        none = np.zeros(program.columns, dtype=np.bool_)
        lower, upper, _ = program.column_bounds()
        proto = to_proto(program, np.zeros(program.columns), lower, upper, none)
        self._solver = core.new(
            solve_parameters_pb2.SOLVER_TYPE_GLOP,
            proto,
            solve_parameters_pb2.SolverInitializerProto(),
        )
        self._parameters = DUAL
        self._program = program
        self._changed: set[int] = set()
        self._goal = np.zeros(program.columns)
        self.columns, self.rows = program.columns, program.rows
        self.lower, self.upper = lower.copy(), upper.copy()
        self.solves, self.iterations, self.seconds = 0, 0, 0.0

    def aim(self, goal: FloatArray) -> None:
        """Minimise goal · columns from now on."""
        wanted = np.pad(goal, (0, self.columns - goal.size))
        changed = np.flatnonzero(wanted != self._goal)
        update = model_update_pb2.ModelUpdateProto()
        update.objective_updates.linear_coefficients.ids.extend(changed)
        update.objective_updates.linear_coefficients.values.extend(wanted[changed])
        self._solver.update(update)
        self._goal = wanted
        self._parameters = PRIMAL

    def bound(self, column: int, lower: float, upper: float) -> None:
        """Change the bounds of a column."""
        if self.lower[column] != lower or self.upper[column] != upper:
            self.lower[column], self.upper[column] = lower, upper
            self._changed.add(column)

    def add_row(
        self, columns: IntArray, coefficients: FloatArray, lower: float, upper: float
    ) -> int:
        """Add a row, its columns in rising order, and return its index."""
        update = model_update_pb2.ModelUpdateProto()
        update.new_linear_constraints.ids.append(self.rows)
        update.new_linear_constraints.lower_bounds.append(lower)
        update.new_linear_constraints.upper_bounds.append(upper)
        matrix = update.linear_constraint_matrix_updates
        matrix.row_ids.extend([self.rows] * columns.size)
        matrix.column_ids.extend(columns)
        matrix.coefficients.extend(coefficients)
        self._solver.update(update)
        self.rows += 1
        return self.rows - 1

    def bound_row(self, row: int, lower: float, upper: float) -> None:
        """Change the bounds of a row."""
        update = model_update_pb2.ModelUpdateProto()
        update.linear_constraint_updates.lower_bounds.ids.append(row)
        update.linear_constraint_updates.lower_bounds.values.append(lower)
        update.linear_constraint_updates.upper_bounds.ids.append(row)
        update.linear_constraint_updates.upper_bounds.values.append(upper)
        self._solver.update(update)

    def solve(self) -> Vertex | None:
        """Solve to optimality; None when there is no solution, or none that the code can name."""
        first = self.first_basis() if self.solves == 0 and self.columns >= LARGE else None
        self._send_bounds()
        result = self._run(self._parameters, first)
        done = (result_pb2.TERMINATION_REASON_OPTIMAL, result_pb2.TERMINATION_REASON_INFEASIBLE)
        if result is None or result.termination.reason not in done:
            result = self._run(PRIMAL if self._parameters is DUAL else DUAL)
        self._parameters = DUAL
        if result is None or result.termination.reason != result_pb2.TERMINATION_REASON_OPTIMAL:
            return None
        solution = result.solutions[0]
        return Vertex(
            values=np.array(solution.primal_solution.variable_values.values),
            objective=solution.primal_solution.objective_value,
            row_prices=np.array(solution.dual_solution.dual_values.values),
        )

    def _send_bounds(self) -> None:
        """Tell GLOP which bounds have changed."""
        changed = np.array(sorted(self._changed), dtype=np.int64)
        update = model_update_pb2.ModelUpdateProto()
        update.variable_updates.lower_bounds.ids.extend(changed)
        update.variable_updates.lower_bounds.values.extend(self.lower[changed])
        update.variable_updates.upper_bounds.ids.extend(changed)
        update.variable_updates.upper_bounds.values.extend(self.upper[changed])
        self._solver.update(update)
        self._changed.clear()

    def first_basis(self) -> solution_pb2.BasisProto | None:
        """Return an optimal basis from HiGHS' interior point method; None when it found none.

        On 42,500 columns this took a third of what the simplex took from nothing, and GLOP three
        iterations from there.
        """
        none = np.zeros(self.columns, dtype=np.bool_)
        proto = to_proto(self._program, self._goal, self.lower, self.upper, none)
        return optimal_basis(proto)

    def _run(
        self,
        parameters: solve_parameters_pb2.SolveParametersProto,
        first: solution_pb2.BasisProto | None = None,
    ) -> result_pb2.SolveResultProto | None:
        """Solve once and count the work; None when GLOP itself gives up ("ABNORMAL")."""
        self.solves += 1
        try:
            result = self._solver.solve(
                parameters,
                model_parameters_pb2.ModelSolveParametersProto(initial_basis=first),
                None,
                callback_pb2.CallbackRegistrationProto(),
                None,
                None,
            )
        except StatusNotOk:
            return None
        self.iterations += result.solve_stats.simplex_iterations
        self.seconds += result.solve_stats.solve_time.ToMilliseconds() / 1000
        return result
