"""Linear and mixed-integer programs as arrays, solved through MathOpt."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ortools.math_opt import (
    callback_pb2,
    model_parameters_pb2,
    model_pb2,
    result_pb2,
    solution_pb2,
    sparse_containers_pb2,
)
from ortools.math_opt import parameters_pb2 as solve_parameters_pb2
from ortools.math_opt.core.python import solver as core
from ortools.math_opt.python import mathopt
from ortools.math_opt.solvers.gscip import gscip_pb2
from pybind11_abseil.status import StatusNotOk

from solver.budget import Budget
from solver.plan import Limit
from solver.problem import BoolArray, FloatArray, IntArray

TINY = 1e-9
"""Coefficients below this are dropped; HiGHS would do so itself, but with a warning."""
MISSED = 1e-7
"""By how much codes let a row be missed."""
NO_LIMIT = 0
CUT_ROUNDS = 10
"""Rounds of cuts at the root where only a bound is wanted."""
STDOUT, STDERR = 1, 2
Number = TypeVar("Number", np.int64, np.float64)


Block: TypeAlias = tuple[FloatArray, FloatArray, FloatArray]
"""Lower bounds, upper bounds and whether relaxations leave it out, of some columns or rows."""


class Program:
    """Columns, rows and coefficients, growing as rules are added."""

    def __init__(self) -> None:
        self._columns: list[Block] = []
        self._rows: list[Block] = []
        self._terms: list[tuple[IntArray, IntArray, FloatArray]] = []
        self._matrix: tuple[IntArray, IntArray, FloatArray] | None = None
        self.columns = 0
        self.rows = 0

    def add_columns(
        self,
        count: int,
        lower: ArrayLike = 0.0,
        upper: ArrayLike = np.inf,
        *,
        whole_only: bool = False,
    ) -> IntArray:
        """Add columns and return their indices; bounds are numbers or ``(count,)`` arrays.

        What counts only where choices are whole, with the rows that it is in, is left out of
        relaxations: other rows say the same of fractions, or nearly.
        """
        first, self.columns = self.columns, self.columns + count
        self._columns.append(
            (_spread(lower, count), _spread(upper, count), _spread(whole_only, count))
        )
        return np.arange(first, self.columns, dtype=np.int64)

    def add_rows(
        self,
        count: int,
        lower: ArrayLike = -np.inf,
        upper: ArrayLike = np.inf,
        *,
        whole_only: bool = False,
    ) -> IntArray:
        """Add empty rows and return their indices; `whole_only` as for columns."""
        first, self.rows = self.rows, self.rows + count
        self._rows.append(
            (_spread(lower, count), _spread(upper, count), _spread(whole_only, count))
        )
        return np.arange(first, self.rows, dtype=np.int64)

    def add_terms(self, rows: ArrayLike, columns: ArrayLike, coefficients: ArrayLike) -> None:
        """Add coefficients: lists of one length or single numbers; equal places add up."""
        self._matrix = None
        row, column = (np.asarray(each, dtype=np.int64).reshape(-1) for each in (rows, columns))
        value = np.asarray(coefficients, dtype=np.float64).reshape(-1)
        count = 0 if 0 in {row.size, column.size} else max(row.size, column.size, value.size)
        self._terms.append((_long(row, count), _long(column, count), _long(value, count)))

    def column_bounds(self) -> tuple[FloatArray, FloatArray]:
        """Return lower and upper bounds of all columns."""
        self._columns = _joined(self._columns)
        lower, upper, _ = self._columns[0]
        return lower.copy(), upper.copy()

    def row_bounds(self) -> tuple[FloatArray, FloatArray]:
        """Return lower and upper bounds of all rows."""
        self._rows = _joined(self._rows)
        lower, upper, _ = self._rows[0]
        return lower.copy(), upper.copy()

    def relaxed(self) -> tuple[BoolArray, BoolArray]:
        """Return which columns and which rows a relaxation has."""
        columns, rows = (_joined(each)[0][2] == 0.0 for each in (self._columns, self._rows))
        row, column, _ = self.matrix()
        rows[row[~columns[column]]] = False
        return columns, rows

    def part(self, columns: BoolArray, rows: BoolArray) -> "Program":
        """Return the program of some columns and rows, numbered anew; other columns are 0."""
        twin = Program()
        lower, upper = self.column_bounds()
        twin.add_columns(int(columns.sum()), lower[columns], upper[columns])
        least, most = self.row_bounds()
        twin.add_rows(int(rows.sum()), least[rows], most[rows])
        row, column, value = self.matrix()
        kept = columns[column] & rows[row]
        new_row, new_column = np.cumsum(rows) - 1, np.cumsum(columns) - 1
        terms = new_row[row[kept]], new_column[column[kept]], value[kept]
        twin.add_terms(*terms)
        twin._matrix = terms  # renumbered, they are still in order
        return twin

    def around(self, free: BoolArray, values: FloatArray, trifle: float = 0.0) -> "Program":
        """Return the program of the free columns, numbered anew, all others held.

        A row that the values miss by a trifle asks no more of the free ones than the values give:
        what one code calls a solution another one can find just impossible. A row without a free
        column stays only if what is held breaks it.

        Args:
            free: ``(columns,)``.
            values: ``(columns,)`` where the others are held.
            trifle: by which a row may be missed.
        """
        row, column, value = self.matrix()
        inside = free[column]
        amounts = value * values[column]
        rest = np.bincount(row[~inside], amounts[~inside], minlength=self.rows)
        own = np.bincount(row[inside], amounts[inside], minlength=self.rows)
        least, most = self.row_bounds()
        lower, upper = self.column_bounds()
        twin = Program()
        twin.add_columns(int(free.sum()), lower[free], upper[free])
        low, high = least - rest, most - rest
        low = np.where(low - own <= trifle, np.minimum(low, own), low)
        high = np.where(own - high <= trifle, np.maximum(high, own), high)
        rows = (low > MISSED) | (high < -MISSED)
        rows[row[inside]] = True
        twin.add_rows(int(rows.sum()), low[rows], high[rows])
        new_row, new_column = np.cumsum(rows) - 1, np.cumsum(free) - 1
        terms = new_row[row[inside]], new_column[column[inside]], value[inside]
        twin.add_terms(*terms)
        twin._matrix = terms  # as above
        return twin

    def matrix(self) -> tuple[IntArray, IntArray, FloatArray]:
        """Return rows, columns and coefficients, row by row, each place once."""
        if self._matrix is None:
            self._matrix = self._sorted()
        return self._matrix

    def _sorted(self) -> tuple[IntArray, IntArray, FloatArray]:
        """Sort the coefficients by place and add up what is in one place."""
        if not self._terms:
            return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
        row, column, value = (np.concatenate(part) for part in zip(*self._terms, strict=True))
        places, where = np.unique(row * max(self.columns, 1) + column, return_inverse=True)
        total: FloatArray = np.bincount(where, weights=value, minlength=places.size).astype(float)
        kept = np.abs(total) > TINY
        places, total = places[kept], total[kept]
        return places // max(self.columns, 1), places % max(self.columns, 1), total


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How far a solve may go.

    Attributes:
        gap: absolute gap in the objective's own units at which it may stop.
        nodes: branch-and-bound nodes, `NO_LIMIT` without.
        programs: linear programs that a search of our own may solve per tier.
        budget: what the whole solve may still spend.
        seed: of the code's own choices.
        bound_only: whether only a bound is wanted, from the root and a few rounds of cuts.
        barrier: whether large linear programs are solved by interior points and a crossover:
            where most rows are tight that took 4 s for 61 s of the dual simplex method (39,400
            columns, 9,000 rows); where few are, two to three times as long.
        scip: whether SCIP is asked before HiGHS: on 13,000 columns whose relaxation is weak it came
            within 0.1 % in 10 to 20 s, where HiGHS made cuts for a minute.
        lean: whether SCIP presolves, cuts and guesses little: programs of a thousand columns whose
            solution is nearly known take it a third of the time.
    """

    gap: float = 0.0
    nodes: int = NO_LIMIT
    programs: int = 200
    budget: Budget = field(default_factory=Budget)
    seed: int = 0
    bound_only: bool = False
    barrier: bool = False
    scip: bool = False
    lean: bool = False

    @property
    def algorithm(self) -> mathopt.LPAlgorithm:
        """How HiGHS solves a linear program."""
        if self.barrier:
            return mathopt.LPAlgorithm.BARRIER
        return mathopt.LPAlgorithm.DUAL_SIMPLEX


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """What a program's solve gave.

    Attributes:
        values: ``(columns,)``, or None when no solution was found.
        infeasible: whether it was proved that there is none.
        bound: what no solution can beat; infinite when nothing is known.
        row_prices: ``(rows,)`` duals of a linear program, else empty.
        work: simplex iterations and nodes; nodes: those alone.
    """

    values: FloatArray | None
    infeasible: bool = False
    objective: float = np.nan
    bound: float = np.nan
    row_prices: FloatArray = field(default_factory=lambda: np.zeros(0))
    work: int = 0
    nodes: int = 0
    limit: Limit = Limit.NONE


def solve_program(  # noqa: PLR0913 - a program, its goal, and what of it is held fast
    program: Program,
    goal: FloatArray,
    effort: Effort,
    *,
    integer: BoolArray | None = None,
    lower: FloatArray | None = None,
    upper: FloatArray | None = None,
    hint: FloatArray | None = None,
) -> Answer:
    """Minimise goal · columns.

    Args:
        program: columns and rows.
        goal: ``(columns,)`` coefficients; shorter ones are filled with zeros.
        effort: limits and seed.
        integer: ``(columns,)`` which columns have to be whole; none without.
        lower: ``(columns,)`` replaces the lower bounds.
        upper: ``(columns,)`` replaces the upper bounds.
        hint: ``(columns,)`` a solution to begin with.
    """
    own = program.column_bounds()
    low = own[0] if lower is None else lower
    high = own[1] if upper is None else upper
    whole = np.zeros(program.columns, dtype=np.bool_) if integer is None else integer
    filled = np.zeros(program.columns)
    filled[: goal.size] = goal
    proto = to_proto(program, filled, low, high, whole, program.row_bounds())
    best = Answer(values=None, bound=-np.inf)
    for solver, parameters in _attempts(effort, mixed=bool(whole.any())):
        if effort.budget.reached() is not Limit.NONE:
            return replace(best, limit=effort.budget.reached())
        answer = _try(proto, solver, parameters, program, mixed=bool(whole.any()), hint=hint)
        effort.budget.spend(1 + answer.nodes)
        if answer.values is not None or answer.infeasible:
            return answer
        best = answer if answer.bound > best.bound else best
    return best


def to_proto(  # noqa: PLR0913, PLR0917 - a program in all its parts
    program: Program,
    goal: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    whole: BoolArray,
    row_bounds: tuple[FloatArray, FloatArray],
) -> model_pb2.ModelProto:
    """Write the program as MathOpt's protocol buffer."""
    proto = model_pb2.ModelProto()
    proto.variables.ids.extend(range(program.columns))
    proto.variables.lower_bounds.extend(lower)
    proto.variables.upper_bounds.extend(upper)
    proto.variables.integers.extend(whole)
    used = np.flatnonzero(goal)
    proto.objective.linear_coefficients.ids.extend(used)
    proto.objective.linear_coefficients.values.extend(goal[used])
    row_lower, row_upper = row_bounds
    proto.linear_constraints.ids.extend(range(program.rows))
    proto.linear_constraints.lower_bounds.extend(row_lower)
    proto.linear_constraints.upper_bounds.extend(row_upper)
    rows, columns, values = program.matrix()
    proto.linear_constraint_matrix.row_ids.extend(rows)
    proto.linear_constraint_matrix.column_ids.extend(columns)
    proto.linear_constraint_matrix.coefficients.extend(values)
    return proto


def optimal_basis(proto: model_pb2.ModelProto, effort: Effort) -> solution_pb2.BasisProto | None:
    """Return an optimal basis of a linear program by HiGHS, or None."""
    seconds = effort.budget.seconds_of_search()
    parameters = mathopt.SolveParameters(
        lp_algorithm=effort.algorithm,
        time_limit=None if seconds is None else timedelta(seconds=seconds),
    )
    result = _run(proto, mathopt.SolverType.HIGHS, parameters, None)
    if result is None or result.termination.reason != result_pb2.TERMINATION_REASON_OPTIMAL:
        return None
    solution = result.solutions[0]
    return solution.basis if solution.HasField("basis") else None


def _attempts(
    effort: Effort, *, mixed: bool
) -> list[tuple[mathopt.SolverType, mathopt.SolveParameters]]:
    """Return the codes to try in turn; a second one answers where the first one errs."""
    seconds = effort.budget.seconds_of_search()
    time = None if seconds is None else timedelta(seconds=seconds)
    nodes = effort.budget.work_left(effort.nodes) if effort.nodes else None
    if mixed and effort.bound_only:
        return [(mathopt.SolverType.GSCIP, _root_only(effort))]
    if not mixed:
        plain = mathopt.SolveParameters(time_limit=time)
        seeded = mathopt.SolveParameters(
            time_limit=time,
            random_seed=effort.seed,
            lp_algorithm=effort.algorithm,
        )
        return [(mathopt.SolverType.HIGHS, seeded), (mathopt.SolverType.GLOP, plain)]
    first = mathopt.SolveParameters(
        time_limit=time,
        random_seed=effort.seed,
        relative_gap_tolerance=0.0,
        absolute_gap_tolerance=effort.gap,
        node_limit=nodes,
    )
    second = mathopt.SolveParameters(
        time_limit=time,
        random_seed=effort.seed,
        threads=1,
        relative_gap_tolerance=0.0,
        absolute_gap_tolerance=effort.gap,
        node_limit=nodes,
    )
    if effort.lean:
        second.presolve = second.cuts = second.heuristics = mathopt.Emphasis.LOW
    codes = [(mathopt.SolverType.HIGHS, first), (mathopt.SolverType.GSCIP, second)]
    return codes[::-1] if effort.scip else codes


def _root_only(effort: Effort) -> mathopt.SolveParameters:
    """Return parameters for a bound from the root node, without any search for plans."""
    cuts = gscip_pb2.GScipParameters()
    cuts.int_params["separating/maxroundsroot"] = CUT_ROUNDS
    return mathopt.SolveParameters(
        random_seed=effort.seed,
        threads=1,
        node_limit=1,
        heuristics=mathopt.Emphasis.OFF,
        gscip=cuts,
    )


def _run(
    proto: model_pb2.ModelProto,
    solver: mathopt.SolverType,
    parameters: mathopt.SolveParameters,
    hint: FloatArray | None,
) -> result_pb2.SolveResultProto | None:
    """Solve with one code, in protocol buffers; its own errors count as no answer.

    MathOpt's answers in dictionaries took a third of all the time on 40,000 columns.
    """
    begin = model_parameters_pb2.ModelSolveParametersProto()
    if hint is not None:
        known = begin.solution_hints.add().variable_values
        known.ids.extend(range(hint.size))
        known.values.extend(hint)
    try:
        with _stdout_kept_clean():
            return core.solve(
                proto,
                solver.value,
                solve_parameters_pb2.SolverInitializerProto(),
                parameters.to_proto(),
                begin,
                None,
                callback_pb2.CallbackRegistrationProto(),
                None,
                None,
            )
    except (RuntimeError, ValueError, StatusNotOk):  # codes err on some valid programs
        return None


def _try(  # noqa: PLR0913 - a program, a code, and what it begins with
    proto: model_pb2.ModelProto,
    solver: mathopt.SolverType,
    parameters: mathopt.SolveParameters,
    program: Program,
    *,
    mixed: bool,
    hint: FloatArray | None,
) -> Answer:
    """Solve with one code and read its answer."""
    result = _run(proto, solver, parameters, hint)
    if result is None:
        return Answer(values=None, bound=-np.inf)
    stats, solution = result.solve_stats, _feasible(result)
    work, nodes = stats.simplex_iterations + stats.node_count, stats.node_count
    if result.termination.reason == result_pb2.TERMINATION_REASON_INFEASIBLE:
        return Answer(values=None, infeasible=True, work=work, nodes=nodes)
    bound = result.termination.objective_bounds.dual_bound
    if solution is None:
        return Answer(values=None, bound=bound, work=work, nodes=nodes, limit=_limit(result))
    return Answer(
        values=_read(solution.primal_solution.variable_values, program.columns),
        objective=solution.primal_solution.objective_value,
        bound=bound,
        row_prices=np.zeros(0) if mixed else _prices(solution, program),
        work=work,
        nodes=nodes,
        limit=_limit(result),
    )


def _feasible(result: result_pb2.SolveResultProto) -> solution_pb2.SolutionProto | None:
    """Return the best solution, None without a feasible one."""
    for solution in result.solutions[:1]:
        if solution.primal_solution.feasibility_status == solution_pb2.SOLUTION_STATUS_FEASIBLE:
            return solution
    return None


def _read(vector: sparse_containers_pb2.SparseDoubleVectorProto, size: int) -> FloatArray:
    """Return a vector with zeros where it says nothing."""
    values = np.zeros(size)
    values[np.array(vector.ids, dtype=np.int64)] = vector.values
    return values


@contextmanager
def _stdout_kept_clean() -> Iterator[None]:
    """Send what a code prints to the standard error stream.

    HiGHS prints a line of its own when it repairs a solution, whatever it is told; on standard
    output it would spoil the JSON of a command.
    """
    try:
        sys.stdout.flush()
        kept = os.dup(STDOUT)
    except OSError:  # there is no standard output to keep clean
        yield
        return
    try:
        os.dup2(STDERR, STDOUT)
        yield
    finally:
        os.dup2(kept, STDOUT)
        os.close(kept)


def _prices(solution: solution_pb2.SolutionProto, program: Program) -> FloatArray:
    """Return the rows' duals when the code gave them."""
    dual = solution.dual_solution
    if dual.feasibility_status != solution_pb2.SOLUTION_STATUS_FEASIBLE:
        return np.zeros(0)
    return _read(dual.dual_values, program.rows)


def _limit(result: result_pb2.SolveResultProto) -> Limit:
    """Return which limit ended the solve."""
    if result.termination.reason == result_pb2.TERMINATION_REASON_OPTIMAL:
        return Limit.NONE
    if result.termination.limit == result_pb2.LIMIT_TIME:
        return Limit.TIME
    return Limit.WORK


def _joined(blocks: list[Block]) -> list[Block]:
    """Return all blocks as one."""
    if len(blocks) == 1:
        return blocks
    first, second, third = zip((np.zeros(0),) * 3, *blocks, strict=True)
    return [(np.concatenate(first), np.concatenate(second), np.concatenate(third))]


def _spread(value: ArrayLike, count: int) -> FloatArray:
    """Return a number or array as ``(count,)`` floats."""
    spread = np.empty(count)
    spread[:] = value
    return spread


def _long(values: NDArray[Number], count: int) -> NDArray[Number]:
    """Return an array of a length; a single element is repeated."""
    return values if values.size == count else np.repeat(values, count)[:count]
