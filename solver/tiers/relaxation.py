"""A linear program that is solved again and again, each time from where it was.

MathOpt's own incremental solver answers in dictionaries keyed by variables: on 24,000 columns
that took ten times as long as the simplex itself. So this speaks to the layer right below it, in
protocol buffers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

import numpy as np
from ortools.glop import parameters_pb2
from ortools.math_opt import (
    callback_pb2,
    model_parameters_pb2,
    model_pb2,
    model_update_pb2,
    result_pb2,
    solution_pb2,
)
from ortools.math_opt import parameters_pb2 as solve_parameters_pb2
from ortools.math_opt.core.python import solver as core
from pybind11_abseil.status import StatusNotOk

from solver.plan import Limit
from solver.problem import BoolArray, FloatArray, IntArray
from solver.tiers.program import MISSED, Effort, Program, optimal_basis, to_proto
from solver.tiers.propagation import tightened
from solver.tiers.updates import Growth, grown, statuses, to_basis, to_update


def _parameters(*, dual: bool) -> solve_parameters_pb2.SolveParametersProto:
    """Return GLOP's parameters: no presolve, so that the last basis counts."""
    return solve_parameters_pb2.SolveParametersProto(
        presolve=solve_parameters_pb2.EMPHASIS_OFF,
        glop=parameters_pb2.GlopParameters(use_dual_simplex=dual),
    )


LARGE = 20_000
"""From this number of columns on another code finds the basis when the goal is new."""
DUAL = _parameters(dual=True)
"""After a change of bounds the old basis stays dual feasible."""
PRIMAL = _parameters(dual=False)
"""After a change of goal the old basis stays primal feasible."""
BINDING = 1e-9
"""What a row has to be able to miss, to count."""
ABSENT = -1
"""The number of a column or row that was left out."""
ROUNDS_OF_CUTS = 100
"""How often at most a solution is cut off and the program solved again."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cut:
    """A row that every solution of the round keeps: Σ coefficient · column ≤ 1.

    Attributes:
        columns: ``(n,)`` rising; coefficients: ``(n,)``.
    """

    columns: IntArray
    coefficients: FloatArray


Cuts: TypeAlias = Callable[[FloatArray], Sequence[Cut]]
"""Tells which rows a solution breaks that are not in the program yet."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Vertex:
    """An optimal basic solution.

    Attributes:
        values: ``(columns,)``.
        row_prices: ``(rows,)`` the rows' duals; column_prices: ``(columns,)`` reduced costs.
    """

    values: FloatArray
    objective: float
    row_prices: FloatArray
    column_prices: FloatArray


class Relaxation:
    """The linear relaxation of a program, kept in GLOP's memory with its last basis.

    Columns that are left out are 0, or what they are held at. Columns and rows keep the numbers of
    the whole program. Cuts are rows that are only added, to both, once a solution breaks them.

    Attributes:
        solves: linear programs solved; iterations: simplex iterations of all of them.
        stopped: whether the last program was left unsolved because a limit had come.
        infeasible: whether it was shown to have no solution; a code may also just give up.
    """

    def __init__(  # noqa: PLR0913 - a program, and by name what of it there is
        self,
        program: Program,
        effort: Effort,
        columns: BoolArray | None = None,
        rows: BoolArray | None = None,
        *,
        held: FloatArray | None = None,
        cuts: Cuts | None = None,
    ) -> None:
        """Take some columns and rows of a program; without, those that relaxations have.

        Args:
            program: the whole of it.
            effort: limits.
            columns: ``(columns,)`` those that are taken.
            rows: ``(rows,)`` those that are taken.
            held: a solution, at which all other columns stay; at 0 without.
            cuts: which of the rows left to be found does a solution break; there are none without.
        """
        self._program, self._effort, self._budget = program, effort, effort.budget
        self.stopped, self.infeasible = False, False
        self._cuts, self._is_whole = cuts, columns is None and rows is None
        has_column, has_row = program.relaxed()
        has_column = has_column if columns is None else columns
        has_row = has_row if rows is None else rows
        self._part = program.part(has_column, has_row)
        self._column = np.flatnonzero(has_column)
        self._row = np.flatnonzero(has_row)
        self._at_column = np.where(has_column, np.cumsum(has_column) - 1, ABSENT)
        self._at_row = np.where(has_row, np.cumsum(has_row) - 1, ABSENT)
        self._row_bounds = self._part.row_bounds()
        self._held = np.zeros(program.columns)
        if held is not None:
            self._held[~has_column] = held[~has_column]
            self._row_bounds = self._bounds_around(held)
        lower, upper = program.column_bounds()
        self._parameters = DUAL
        self._changed: set[int] = set()
        self._last: solution_pb2.BasisProto | None = None
        self._first: solution_pb2.BasisProto | None = None
        self._near: solution_pb2.BasisProto | None = None
        self._goal = np.zeros(program.columns)
        self.columns, self.rows = program.columns, program.rows
        self.lower, self.upper = lower.copy(), upper.copy()
        self._solver = self._begun()
        self.solves, self.iterations = 0, 0

    def _begun(self) -> core.Solver:
        """Return GLOP with what is known now, and no basis."""
        return core.new(
            solve_parameters_pb2.SOLVER_TYPE_GLOP,
            self._proto(self._goal, self.lower, self.upper),
            solve_parameters_pb2.SolverInitializerProto(),
        )

    def _bounds_around(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return what the rows leave to the free columns; the values count as a solution."""
        row, column, value = self._program.matrix()
        size = self._program.rows
        sums: FloatArray = np.bincount(row, value * values[column], size).astype(np.float64)
        rest: FloatArray = np.bincount(row, value * self._held[column], size).astype(np.float64)
        least, most = self._program.row_bounds()
        low, high = np.minimum(least, sums) - rest, np.maximum(most, sums) - rest
        return low[self._row], high[self._row]

    def narrowed(self, free: BoolArray, values: FloatArray) -> "Relaxation":
        """Return the program with only some columns free, all others held; rows that can bind.

        Args:
            free: ``(columns,)``.
            values: ``(columns,)`` a solution.
        """
        columns = np.zeros_like(free)
        columns[self._column] = free[self._column]
        lower, upper = np.where(columns, self.lower, values), np.where(columns, self.upper, values)
        row, column, value = self._program.matrix()
        ends = value * lower[column], value * upper[column]
        least = np.bincount(row, np.minimum(*ends), self.rows)
        most = np.bincount(row, np.maximum(*ends), self.rows)
        low, high = self._program.row_bounds()
        rows = (self._at_row != ABSENT) & ((least < low - BINDING) | (most > high + BINDING))
        fixed = np.ones(self.rows, dtype=np.bool_)
        fixed[row[columns[column]]] = False
        rows &= ~fixed
        twin = Relaxation(self._program, self._effort, columns, rows, held=values, cuts=self._cuts)
        for each in np.flatnonzero(columns).tolist():
            twin.bound(each, self.lower[each], self.upper[each])
        return twin

    def begin_anew(self) -> None:
        """Let the next solve begin at an optimal basis that HiGHS finds, where it finds one."""
        self._near = self._basis()

    def begin_at(self, values: FloatArray) -> None:
        """Let the next solve begin at a basis as near to a known solution as can be read off it.

        What lies between its bounds is basic, and so are the tight rows with fewest such columns in
        them, as many as the basis still has room for. Where that is no basis GLOP mends it. On
        34,900 columns and 16,400 rows, all choices made, it took 3.3 s from there to an optimum;
        interior points and their crossover 7 s.
        """
        row, column, value = self._part.matrix()
        own, least, most = values[self._column], *self._row_bounds
        lower, upper = self.lower[self._column], self.upper[self._column]
        sums = np.bincount(row, value * own[column], least.size)
        inner = (own > lower + MISSED) & (own < upper - MISSED)
        basic = (sums > least + MISSED) & (sums < most - MISSED)
        beside = np.bincount(row, inner[column], least.size)
        tight = np.flatnonzero(~basic)
        room = least.size - int(inner.sum()) - int(basic.sum())
        basic[tight[np.argsort(beside[tight], kind="stable")[: max(room, 0)]]] = True
        if int(inner.sum()) + int(basic.sum()) == least.size:
            columns = statuses(inner, own <= lower + MISSED, lower == upper)
            rows = statuses(basic, sums <= least + MISSED, least == most)
            self._near = to_basis(columns, rows)

    def bounds_within(self) -> tuple[FloatArray, FloatArray]:
        """Return ``(columns,)`` lower and upper bounds as the rows leave them, by arithmetic."""
        lower, upper = self._held.copy(), self._held.copy()
        own = self.lower[self._column], self.upper[self._column]
        found = tightened(self._part.matrix(), self._row_bounds, own)
        lower[self._column], upper[self._column] = found
        return lower, upper

    def has(self, columns: IntArray) -> BoolArray:
        """Return which columns were not left out."""
        return np.asarray(self._at_column[columns] != ABSENT)

    def aim(self, goal: FloatArray) -> None:
        """Minimise goal · columns from now on."""
        wanted = np.pad(goal, (0, self.columns - goal.size))
        changed = self._column[wanted[self._column] != self._goal[self._column]]
        update = model_update_pb2.ModelUpdateProto()
        update.objective_updates.linear_coefficients.ids.extend(self._at_column[changed])
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
        at = self._at_column[columns]
        rest = float(coefficients @ self._held[columns])
        lower, upper = lower - rest, upper - rest
        here, row = at != ABSENT, np.array([self._row.size])
        terms = np.repeat(row, int(here.sum())), at[here], coefficients[here]
        none, bounds = np.zeros(0), (np.array([lower]), np.array([upper]))
        growth = Growth(none.astype(np.int64), none, none, row, *bounds, terms)
        self._solver.update(to_update(growth))
        self._part.add_terms(self._part.add_rows(1, lower, upper), at[here], coefficients[here])
        least, most = self._row_bounds
        self._row_bounds = np.append(least, lower), np.append(most, upper)
        self._at_row = np.append(self._at_row, self._row.size)
        self._row = np.append(self._row, self.rows)
        self.rows += 1
        return self.rows - 1

    def extend(self) -> None:
        """Take in columns and rows that the program has got since, from the last basis on.

        Only for a relaxation of the whole program; old rows have none of the new columns, which
        are 0 to begin with and not in the goal.
        """
        program = self._program
        columns = np.arange(self.columns, program.columns)
        rows = np.arange(self.rows, program.rows)
        at_column = self._column.size + np.arange(columns.size)
        at_row = self._row.size + np.arange(rows.size)
        self._column, self._row = np.append(self._column, columns), np.append(self._row, rows)
        self._at_column = np.append(self._at_column, at_column)
        self._at_row = np.append(self._at_row, at_row)
        lower, upper = (each[columns] for each in program.column_bounds())
        least, most = (each[rows] for each in program.row_bounds())
        row, column, value = program.matrix()
        new = row >= self.rows
        terms = self._at_row[row[new]], self._at_column[column[new]], value[new]
        self._part.add_columns(columns.size, lower, upper)
        self._part.add_rows(rows.size, least, most)
        self._part.add_terms(*terms)
        before = self._row_bounds
        self._row_bounds = np.append(before[0], least), np.append(before[1], most)
        self._held, self._goal = (np.pad(e, (0, columns.size)) for e in (self._held, self._goal))
        self.lower, self.upper = np.append(self.lower, lower), np.append(self.upper, upper)
        self.columns, self.rows = program.columns, program.rows
        growth = Growth(at_column, lower, upper, at_row, least, most, terms)
        self._solver.update(to_update(growth))
        self._first = None if self._last is None else grown(self._last, growth)

    def bound_row(self, row: int, lower: float, upper: float) -> None:
        """Change the bounds of a row; one that was left out cannot bind."""
        at = self._at_row[row]
        if at == ABSENT:
            return
        self._row_bounds[0][at], self._row_bounds[1][at] = lower, upper
        update = model_update_pb2.ModelUpdateProto()
        update.linear_constraint_updates.lower_bounds.ids.append(at)
        update.linear_constraint_updates.lower_bounds.values.append(lower)
        update.linear_constraint_updates.upper_bounds.ids.append(at)
        update.linear_constraint_updates.upper_bounds.values.append(upper)
        self._solver.update(update)

    def solve(self, *, primal: bool = False) -> Vertex | None:
        """Solve to optimality; None when there is no solution, or none that the code can name.

        Args:
            primal: whether the last solution is still one: then the primal simplex goes on there.
        """
        vertex = self._solve(primal=primal)
        for _ in range(ROUNDS_OF_CUTS if self._cuts is not None else 0):
            if vertex is None or not self._cut(vertex.values):
                break
            vertex = self._solve()
        return vertex

    def _cut(self, values: FloatArray) -> bool:
        """Add the cuts that a solution breaks, and say whether there are any."""
        assert self._cuts is not None
        cuts = self._cuts(values)
        for cut in cuts:
            if self._is_whole:
                row = self._program.add_rows(1, -np.inf, 1.0)
                self._program.add_terms(row, cut.columns, cut.coefficients)
            self.add_row(cut.columns, cut.coefficients, -np.inf, 1.0)
        return bool(cuts)

    def _solve(self, *, primal: bool = False) -> Vertex | None:
        """Solve once, with the rows there are."""
        self.stopped, self.infeasible = self._budget.reached() is not Limit.NONE, False
        if self.stopped:
            return None
        anew = self._parameters is PRIMAL and self._column.size >= LARGE
        anew &= not primal or self._last is None
        first = self._near
        if first is None:
            first = self._basis() if anew else self._first
        self._near = self._first = None
        self._send_bounds()
        parameters = PRIMAL if primal else self._parameters
        result = self._run(parameters, first)
        done = (result_pb2.TERMINATION_REASON_OPTIMAL, result_pb2.TERMINATION_REASON_INFEASIBLE)
        if result is None or result.termination.reason not in done:
            result = self._run(PRIMAL if parameters is DUAL else DUAL)
        self._parameters = DUAL
        reason = None if result is None else result.termination.reason
        self.infeasible = reason == result_pb2.TERMINATION_REASON_INFEASIBLE
        if result is None or reason != result_pb2.TERMINATION_REASON_OPTIMAL:
            self.stopped = self._budget.reached() is not Limit.NONE
            return None
        solution = result.solutions[0]
        self._last = solution.basis
        values, prices, costs = self._held.copy(), np.zeros(self.rows), np.zeros(self.columns)
        values[self._column] = solution.primal_solution.variable_values.values
        prices[self._row] = solution.dual_solution.dual_values.values
        costs[self._column] = solution.dual_solution.reduced_costs.values
        return Vertex(
            values=values,
            objective=solution.primal_solution.objective_value + float(self._goal @ self._held),
            row_prices=prices,
            column_prices=costs,
        )

    def _send_bounds(self) -> None:
        """Tell GLOP which bounds have changed."""
        changed = np.array(sorted(self._changed), dtype=np.int64)
        changed = changed[self._at_column[changed] != ABSENT]
        at = self._at_column[changed]
        update = model_update_pb2.ModelUpdateProto()
        update.variable_updates.lower_bounds.ids.extend(at)
        update.variable_updates.lower_bounds.values.extend(self.lower[changed])
        update.variable_updates.upper_bounds.ids.extend(at)
        update.variable_updates.upper_bounds.values.extend(self.upper[changed])
        self._solver.update(update)
        self._changed.clear()

    def _basis(self) -> solution_pb2.BasisProto | None:
        """Return an optimal basis by HiGHS, presolve and all; None when it found none.

        On 39,400 columns and 9,000 rows it took 4.1 s from nothing, GLOP without presolve 22 s.
        """
        proto = self._proto(self._goal, self.lower, self.upper)
        return optimal_basis(proto, self._effort)

    def _proto(
        self, goal: FloatArray, lower: FloatArray, upper: FloatArray
    ) -> model_pb2.ModelProto:
        """Write down what is known now."""
        none = np.zeros(self._column.size, dtype=np.bool_)
        here = self._column
        return to_proto(self._part, goal[here], lower[here], upper[here], none, self._row_bounds)

    def _run(
        self,
        parameters: solve_parameters_pb2.SolveParametersProto,
        first: solution_pb2.BasisProto | None = None,
    ) -> result_pb2.SolveResultProto | None:
        """Solve once and count the work; None when GLOP itself gives up ("ABNORMAL").

        It takes no more questions then, so another begins where this one stood.
        """
        self.solves += 1
        self._budget.spend(1)
        parameters = solve_parameters_pb2.SolveParametersProto.FromString(
            parameters.SerializeToString()
        )
        seconds = self._budget.seconds_left()
        if seconds is not None:
            parameters.time_limit.FromTimedelta(timedelta(seconds=seconds))
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
            self._solver = self._begun()
            return None
        self.iterations += result.solve_stats.simplex_iterations
        return result
