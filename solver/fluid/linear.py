"""The fluid round as a linear program, built from arrays.

Every column is a fraction of the most hours its class can take there, every row is divided by its
own right side: with raw GPU-hours in the rows a simplex code reported wrong levels as optimal.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from ortools.glop import parameters_pb2
from ortools.math_opt import (
    callback_pb2,
    model_parameters_pb2,
    model_pb2,
    model_update_pb2,
    result_pb2,
    solution_pb2,
    sparse_containers_pb2,
)
from ortools.math_opt import parameters_pb2 as math_opt_parameters_pb2
from ortools.math_opt.core.python import solver as core
from ortools.math_opt.python import mathopt

from solver.budget import MOMENT, Budget, BudgetSpentError
from solver.fluid.merging import Merged
from solver.plan import Limit
from solver.problem import MILLI, FloatArray, IntArray

Entries: TypeAlias = tuple[ArrayLike, ArrayLike, ArrayLike]
"""Row (counted from the first new one), column, coefficient."""
INFINITE = float("inf")
NOISE = 1e-9
"""Part of an amount that a solution in floating point may miss."""
FINE = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
"""What rows, which are all scaled to one, may miss: levels are compared at a part in 10**9."""
WARM = mathopt.SolveParameters(
    presolve=mathopt.Emphasis.OFF,
    glop=parameters_pb2.GlopParameters(use_dual_simplex=True, **FINE),
).to_proto()
"""Dual simplex from the last basis: only right sides change between solves."""
FIRST = mathopt.SolveParameters(
    presolve=mathopt.Emphasis.OFF, glop=parameters_pb2.GlopParameters(**FINE)
).to_proto()
"""Primal simplex from the start: measured 3 to 15 times faster there than dual simplex."""
LIMITED = (
    result_pb2.TERMINATION_REASON_FEASIBLE,
    result_pb2.TERMINATION_REASON_NO_SOLUTION_FOUND,
)
"""How a code ends when its time is over; its own clock may be a little fast."""
COLD = mathopt.SolveParameters().to_proto()
"""GLOP's own choice, from the start."""


class FluidModel:
    """A linear program over the columns of the merged round, open to further columns and rows.

    Column k of `columns` has the same number here; its value is the fraction of its `size` that is
    used. Rows for supply, ask and slot limit are there from the start; `supply_row` ``(p, s)``,
    `ask_row` ``(c,)`` and `slot_row` ``(c, s)`` say which row is whose, -1 where none can bind.
    """

    def __init__(self, merged: Merged, chosen: IntArray | None = None) -> None:
        """Begin a program.

        Args:
            merged: the round.
            chosen: ascending, which of its columns there are; all of them if None.
        """
        self.merged = merged
        self.columns = merged.columns if chosen is None else merged.columns.only(chosen)
        self._lower: list[FloatArray] = []
        self._upper: list[FloatArray] = []
        self._cost: list[FloatArray] = []
        self._row_lower: list[FloatArray] = []
        self._row_upper: list[FloatArray] = []
        self._entries: list[tuple[IntArray, IntArray, FloatArray]] = []
        self.column_count = 0
        self.row_count = 0
        count = self.columns.cls.shape[0]
        upper = self.columns.most / self.columns.size
        self.add_columns(np.zeros(count), upper, np.zeros(count))
        self.supply_row = self._add_supply()
        self.ask_row = self._add_asks()
        self.slot_row = self._add_slot_limits()

    def add_columns(self, lower: ArrayLike, upper: ArrayLike, cost: ArrayLike) -> IntArray:
        """Add columns with bounds and costs (least cost is sought); return their numbers."""
        block = np.asarray(lower, dtype=np.float64)
        self._lower.append(block)
        self._upper.append(np.asarray(upper, dtype=np.float64))
        self._cost.append(np.asarray(cost, dtype=np.float64))
        numbers = np.arange(self.column_count, self.column_count + block.shape[0])
        self.column_count += block.shape[0]
        return numbers

    def add_rows(self, lower: ArrayLike, upper: ArrayLike, entries: Entries) -> IntArray:
        """Add rows; return their numbers."""
        block = np.asarray(lower, dtype=np.float64)
        row, column, coefficient = entries
        self._row_lower.append(block)
        self._row_upper.append(np.asarray(upper, dtype=np.float64))
        self._entries.append(
            (
                np.asarray(row, dtype=np.int64) + self.row_count,
                np.asarray(column, dtype=np.int64),
                np.asarray(coefficient, dtype=np.float64),
            )
        )
        numbers = np.arange(self.row_count, self.row_count + block.shape[0])
        self.row_count += block.shape[0]
        return numbers

    def amounts(self) -> FloatArray:
        """Return ``(k,)`` thousandths of the unit that a full column brings."""
        columns = self.columns
        return columns.size * (self.merged.factor[columns.cls, columns.pool] / MILLI)

    def hours(self, values: FloatArray) -> FloatArray:
        """Return ``(k,)`` thousandths of a GPU-hour from the values of a solution."""
        share = np.clip(values[: self.columns.cls.shape[0]], 0.0, 1.0)
        return share * self.columns.size

    def program(self) -> model_pb2.ModelProto:
        """Return the program for MathOpt; ids are the numbers given out.

        `mathopt.Model.from_model_proto` makes a model of it.
        """
        proto = model_pb2.ModelProto()
        lower = np.concatenate(self._lower)
        proto.variables.ids.extend(range(self.column_count))
        proto.variables.lower_bounds.extend(lower)
        proto.variables.upper_bounds.extend(np.concatenate(self._upper))
        proto.variables.integers.extend([False] * self.column_count)
        cost = np.concatenate(self._cost)
        costly = np.flatnonzero(cost)
        proto.objective.linear_coefficients.ids.extend(costly)
        proto.objective.linear_coefficients.values.extend(cost[costly])
        proto.linear_constraints.ids.extend(range(self.row_count))
        proto.linear_constraints.lower_bounds.extend(np.concatenate(self._row_lower))
        proto.linear_constraints.upper_bounds.extend(np.concatenate(self._row_upper))
        row, column, coefficient = (
            np.concatenate(part) for part in zip(*self._entries, strict=True)
        )
        order = np.lexsort((column, row))
        matrix = proto.linear_constraint_matrix
        matrix.row_ids.extend(row[order])
        matrix.column_ids.extend(column[order])
        matrix.coefficients.extend(coefficient[order])
        return proto

    def _add_supply(self) -> IntArray:
        """What is used of a pool in a span is at most its supply."""
        columns, supply = self.columns, self.merged.supply
        where = columns.pool * supply.shape[1] + columns.span
        supply_there = supply.reshape(-1)[where]
        numbers = self._add_scarce(
            where, supply.size, columns.size / supply_there, columns.most / supply_there
        )
        return numbers.reshape(supply.shape)

    def _add_asks(self) -> IntArray:
        """No class takes more than it asks."""
        columns, merged = self.columns, self.merged
        speed = merged.speed[columns.cls, columns.pool]
        per_hour = speed / MILLI / merged.ask[columns.cls]
        return self._add_scarce(
            columns.cls.astype(np.int64),
            merged.classes,
            columns.size * per_hour,
            columns.most * per_hour,
        )

    def _add_slot_limits(self) -> IntArray:
        """No class runs on more GPUs at once than it may, over all its pools."""
        columns, merged = self.columns, self.merged
        spans = merged.span_slots.shape[0]
        joint = np.flatnonzero(merged.joint[columns.cls])
        limit = (merged.limit[columns.cls] * merged.span_slots[columns.span])[joint]
        where = columns.cls * spans + columns.span
        numbers = self._add_scarce(
            where[joint],
            merged.classes * spans,
            columns.size[joint] / limit,
            columns.most[joint] / limit,
            column=joint,
        )
        return numbers.reshape(merged.classes, spans)

    def _add_scarce(
        self,
        where: IntArray,
        places: int,
        share: FloatArray,
        most: FloatArray,
        *,
        column: IntArray | None = None,
    ) -> IntArray:
        """Add Σ share ≤ 1 where all at their most would break it; return ``(places,)`` rows.

        Supply counts in no column's bounds, so that its whole price stands in its row.
        """
        total = np.bincount(where, weights=most, minlength=places)
        scarce = np.flatnonzero(total > 1.0 + 1e-12)
        local = np.full(places, -1, dtype=np.int64)
        local[scarce] = np.arange(scarce.shape[0])
        inside = np.flatnonzero(local[where] >= 0)
        columns = np.arange(where.shape[0]) if column is None else column
        numbers = self.add_rows(
            np.full(scarce.shape[0], -INFINITE),
            np.ones(scarce.shape[0]),
            (local[where[inside]], columns[inside], share[inside]),
        )
        rows = np.full(places, -1, dtype=np.int64)
        rows[scarce] = numbers
        return rows


BASIC = solution_pb2.BASIS_STATUS_BASIC
LOW = solution_pb2.BASIS_STATUS_AT_LOWER_BOUND
HIGH = solution_pb2.BASIS_STATUS_AT_UPPER_BOUND


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Basis:
    """Where a simplex stands: MathOpt's status of each column ``(n,)`` and row ``(m,)``."""

    columns: IntArray
    rows: IntArray

    @property
    def is_one(self) -> bool:
        """Whether as many are `BASIC` as there are rows."""
        basics = np.count_nonzero(self.columns == BASIC) + np.count_nonzero(self.rows == BASIC)
        return bool(basics == self.rows.shape[0])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinearSolution:
    """An optimum: least cost, `values` ``(columns,)``, `duals` ``(rows,)``, and where it stands."""

    cost: float
    values: FloatArray
    duals: FloatArray
    basis: Basis


class LinearSolver:
    """A program that GLOP solves again and again, each time from where it was.

    Speaks to MathOpt's core in messages: building its Python answer, with a basis status for every
    column, took three times as long as solving.

    Attributes:
        start: where to start from, if that is known; a basis with too many or too few is none.
    """

    def __init__(self, program: model_pb2.ModelProto, budget: Budget | None = None) -> None:
        """Load a program; every solve of it is counted against the budget."""
        self._program, self._budget = program, budget or Budget()
        self._solver: core.Solver | None = None
        self.start: Basis | None = None

    def demand(self, rows: IntArray, least: FloatArray) -> None:
        """Set what rows are at least; `rows` rise."""
        kept = self._program.linear_constraints.lower_bounds
        for row, value in zip(rows.tolist(), least.tolist(), strict=True):
            kept[row] = value
        update = model_update_pb2.ModelUpdateProto()
        bounds = update.linear_constraint_updates.lower_bounds
        bounds.ids.extend(rows)
        bounds.values.extend(least)
        if self._solver is not None and not self._solver.update(update):
            self._solver = None

    def solve(self) -> LinearSolution:
        """Solve to optimality, if need be once more from the start and the other way.

        Raises:
            ValueError: If GLOP finds no optimum; the programs built here always have one.
            BudgetSpentError: If a limit comes first.
        """
        self._budget.insist()
        self._budget.spend(1)
        how = FIRST if self._solver is None else WARM
        self._solver = self._solver or _glop(self._program)
        start = self.start if how is FIRST and self.start and self.start.is_one else None
        result = _answer(self._solver, self._in_time(how), start)
        if result.termination.reason != result_pb2.TERMINATION_REASON_OPTIMAL:
            self._solver = _glop(self._program)
            result = _answer(self._solver, self._in_time(COLD), None)
        if result.termination.reason != result_pb2.TERMINATION_REASON_OPTIMAL:
            if self._budget.seconds is not None and result.termination.reason in LIMITED:
                raise BudgetSpentError(Limit.TIME)
            raise ValueError(f"The linear program ended with {result.termination}.")
        solution = result.solutions[0]
        # Where nothing fell short the basis teaches nothing: dual simplex from there took 16.5 s
        # on 44,634 columns, primal simplex from the start 1.6 s.
        if solution.primal_solution.objective_value <= NOISE:
            self._solver = None
        return LinearSolution(
            cost=solution.primal_solution.objective_value,
            values=_dense(
                solution.primal_solution.variable_values, len(self._program.variables.ids)
            ),
            duals=_dense(
                solution.dual_solution.dual_values, len(self._program.linear_constraints.ids)
            ),
            basis=Basis(
                columns=_statuses(solution.basis.variable_status),
                rows=_statuses(solution.basis.constraint_status),
            ),
        )

    def _in_time(
        self, how: math_opt_parameters_pb2.SolveParametersProto
    ) -> math_opt_parameters_pb2.SolveParametersProto:
        """Return parameters with the time that is left, if that is limited."""
        seconds = self._budget.seconds_left()
        if seconds is None:
            return how
        limited = math_opt_parameters_pb2.SolveParametersProto()
        limited.CopyFrom(how)
        limited.time_limit.FromTimedelta(timedelta(seconds=max(seconds, MOMENT)))
        return limited


def _glop(program: model_pb2.ModelProto) -> core.Solver:
    """Return GLOP with a program loaded."""
    initial = math_opt_parameters_pb2.SolverInitializerProto()
    return core.new(mathopt.SolverType.GLOP.value, program, initial)


def _answer(
    solver: core.Solver,
    how: math_opt_parameters_pb2.SolveParametersProto,
    start: Basis | None,
) -> result_pb2.SolveResultProto:
    """Ask for an optimum with all values and prices."""
    whole = model_parameters_pb2.ModelSolveParametersProto()
    if start is not None:
        for message, statuses in (
            (whole.initial_basis.variable_status, start.columns),
            (whole.initial_basis.constraint_status, start.rows),
        ):
            message.ids.extend(range(statuses.shape[0]))
            message.values.extend(statuses.tolist())
    return solver.solve(how, whole, None, callback_pb2.CallbackRegistrationProto(), None, None)


def _statuses(vector: solution_pb2.SparseBasisStatusVector) -> IntArray:
    """Return the statuses of all; ids are dense and rise."""
    return np.fromiter(vector.values, dtype=np.int64)


def _dense(vector: sparse_containers_pb2.SparseDoubleVectorProto, length: int) -> FloatArray:
    """Return a vector with its zeros."""
    dense = np.zeros(length)
    dense[np.fromiter(vector.ids, dtype=np.int64)] = np.fromiter(vector.values, dtype=np.float64)
    return dense
