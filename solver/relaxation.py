"""A linear program that is solved again and again, each time from where it was."""

from dataclasses import dataclass

import numpy as np
from ortools.glop import parameters_pb2
from ortools.math_opt.python import mathopt

from solver.problem import FloatArray
from solver.program import Program, to_proto

DUAL = mathopt.SolveParameters(
    presolve=mathopt.Emphasis.OFF, glop=parameters_pb2.GlopParameters(use_dual_simplex=True)
)
"""After a change of bounds the old basis stays dual feasible."""
PRIMAL = mathopt.SolveParameters(
    presolve=mathopt.Emphasis.OFF, glop=parameters_pb2.GlopParameters(use_dual_simplex=False)
)
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
        self._model = mathopt.Model.from_model_proto(proto)
        self._solver = mathopt.IncrementalSolver(self._model, mathopt.SolverType.GLOP)
        self._columns = list(self._model.variables())
        self._rows = list(self._model.linear_constraints())
        self._parameters = DUAL
        self.lower, self.upper = lower.copy(), upper.copy()
        self.solves, self.iterations, self.seconds = 0, 0, 0.0

    def aim(self, goal: FloatArray) -> None:
        """Minimise goal · columns from now on."""
        self._model.objective.clear()
        for column in np.flatnonzero(goal).tolist():
            self._model.objective.set_linear_coefficient(self._columns[column], goal[column])
        self._parameters = PRIMAL

    def bound(self, column: int, lower: float, upper: float) -> None:
        """Change the bounds of a column."""
        if self.lower[column] != lower:
            self._columns[column].lower_bound = lower
            self.lower[column] = lower
        if self.upper[column] != upper:
            self._columns[column].upper_bound = upper
            self.upper[column] = upper

    def add_row(
        self, columns: FloatArray, coefficients: FloatArray, lower: float, upper: float
    ) -> int:
        """Add a row and return its index."""
        row = self._model.add_linear_constraint(lb=lower, ub=upper)
        for column, value in zip(columns.tolist(), coefficients.tolist(), strict=True):
            row.set_coefficient(self._columns[int(column)], value)
        self._rows.append(row)
        return len(self._rows) - 1

    def bound_row(self, row: int, lower: float, upper: float) -> None:
        """Change the bounds of a row."""
        self._rows[row].lower_bound = lower
        self._rows[row].upper_bound = upper

    def solve(self) -> Vertex | None:
        """Solve to optimality; None when there is no solution.

        Raises:
            ValueError: If GLOP gives up on a program that another start does not save either.
        """
        result = self._run(self._parameters)
        reason = result.termination.reason
        if reason is not mathopt.TerminationReason.OPTIMAL:
            other = PRIMAL if self._parameters is DUAL else DUAL
            if reason is not mathopt.TerminationReason.INFEASIBLE:
                result = self._run(other)
        self._parameters = DUAL
        if result.termination.reason is not mathopt.TerminationReason.OPTIMAL:
            return None
        found, duals = result.variable_values(), result.dual_values()
        values = np.fromiter((found[each] for each in self._columns), np.float64)
        prices = np.fromiter((duals[each] for each in self._rows), np.float64)
        return Vertex(values=values, objective=result.objective_value(), row_prices=prices)

    def _run(self, parameters: mathopt.SolveParameters) -> mathopt.SolveResult:
        """Solve once and count the work."""
        result = self._solver.solve(params=parameters)
        self.solves += 1
        self.iterations += result.solve_stats.simplex_iterations
        self.seconds += result.solve_stats.solve_time.total_seconds()
        return result
