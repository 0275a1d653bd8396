"""The leximin of a few-pools round by one linear program after the other: reference and rival.

Each program lifts everybody free together as far as it goes; who has a positive dual value then is
certainly blocked and held. That needs no strict complementarity: who is blocked without a dual
value is found by a later program at the same level. Rows are scaled to one. What is held is asked
for a trifle less, so that rounding does not rule it out; what the level gains by that is known from
the dual values and taken back.
"""

import time
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from ortools.glop import parameters_pb2
from ortools.math_opt import (
    callback_pb2,
    model_parameters_pb2,
    model_pb2,
    result_pb2,
)
from ortools.math_opt import parameters_pb2 as math_opt_parameters_pb2
from ortools.math_opt.core.python import solver as core
from ortools.math_opt.python import mathopt

NEAR = 1e-9
"""Part of an amount that a solution may miss; ten times more is spared where that is too little."""
FINE = parameters_pb2.GlopParameters(
    primal_feasibility_tolerance=1e-10, dual_feasibility_tolerance=1e-10
)
"""What rows, which are all scaled to one, may miss."""
LIMITED = (
    result_pb2.TERMINATION_REASON_FEASIBLE,
    result_pb2.TERMINATION_REASON_NO_SOLUTION_FOUND,
)
"""How a program ends that its time limit cut short."""
POSITIVE = 1e-9
"""Part of the largest dual value above which one counts."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """Amounts, and the programs that it took."""

    amounts: np.ndarray
    programs: int


def sequential(instance, *, solver=mathopt.SolverType.GLOP, own_limits=True, seconds=None):
    """Return the leximin of speeds, GPUs, weights and supply.

    With `own_limits` everybody's most is known in closed form and the level is sought between
    two of them; without, each limit costs a program of its own, as in the textbook. `TimeoutError`
    if that takes more than some seconds on the clock.
    """
    found = Sequential(instance, solver)
    found.until = None if seconds is None else time.monotonic() + seconds
    return found.run(own_limits=own_limits)


class Sequential:
    """One round on its way through the programs.

    Who inherits states programs of its own in `_solve`: `requests` are those who are lifted, `most`
    is the level that each can have alone, `rows_before` how many rows come before theirs.
    """

    until = None
    """When to give up, on the clock of `time.monotonic`."""

    def __init__(self, instance, solver):
        speeds, gpus, weights, supply = instance
        self.solver, self.programs, self.spared = solver, 0, NEAR
        mean = speeds @ supply / supply.sum()
        worth = np.divide(gpus, weights * mean, out=np.zeros_like(gpus), where=mean > 0)
        gains = worth[:, None] * speeds
        self.requests, self.pools = speeds.shape
        self.rows_before = self.pools + self.requests
        self.most = gains.max(axis=1)
        self.request, self.pool = np.nonzero(gains > 0)
        self.gain = gains[self.request, self.pool]
        self.use = gpus[self.request] / supply[self.pool]
        self.held = np.where(self.most > 0, np.nan, 0.0)

    def run(self, *, own_limits):
        """Hold one after the other."""
        least = 0.0
        while np.isnan(self.held).any():
            free = np.isnan(self.held)
            if own_limits:
                level, duals = self._between(free, least)
            else:
                level, duals = self._lift(free, np.zeros_like(free))
            full = free & (self.most <= level * (1 + NEAR))
            blocked = free & (duals > POSITIVE * duals.max(initial=0)) & (duals > 0)
            self.held[blocked] = level
            self.held[full] = self.most[full]
            least = level
        return Sequence(self.held, self.programs)

    def _between(self, free, least):
        """Return the level between the limits below it and the others, and the dual values."""
        limits = np.unique(self.most[free])
        low, high = int((limits <= least).sum()), limits.shape[0]
        found = None
        while low <= high:
            middle = (low + high) // 2
            full = free & (self.most <= (limits[middle - 1] if middle else 0.0))
            level, duals = self._lift(free, full)
            if level is None or (low < middle and level < limits[middle - 1] * (1 - NEAR)):
                high = middle - 1
                continue
            found = level, duals
            if middle == limits.shape[0] or level < limits[middle] * (1 - NEAR):
                break
            low = middle + 1
        if found is None:
            self.spared *= 10
            return self._between(free, least)
        return found

    def _lift(self, free, full):
        """Return the highest common level of who is free and not full, and the dual values."""
        rising = free & ~full
        if not rising.any():
            level = self.most[full].max()
            return (
                level if self._fits(np.where(full, self.most, self.held)) else None
            ), self.most * 0
        known = np.where(full, self.most, np.where(free, 0.0, np.nan_to_num(self.held)))
        scale = np.where(rising, self.most, np.where(known > 0, known, 1.0))
        answer = self._solve(rising, known > 0, scale)
        if answer is None:
            return None, self.most * 0
        level, duals = answer
        spared = self.spared * duals[known > 0].sum()
        return level - spared, np.where(rising, duals, 0.0)

    def _fits(self, amounts):
        """Say whether amounts can be had together."""
        nobody = np.zeros(self.requests, dtype=bool)
        return self._solve(nobody, amounts > 0, np.where(amounts > 0, amounts, 1.0)) is not None

    def _solve(self, rising, known, scale):
        """Solve one program: the level and who pays for it, None if nothing keeps the rows."""
        self.programs += 1
        columns, lifted = self.request.shape[0], np.flatnonzero(rising)
        rows = np.concatenate(
            (self.pool, self.pools + self.request, self.pools + self.requests + self.request)
        )
        at = np.concatenate((np.tile(np.arange(columns), 3), np.full(lifted.shape[0], columns)))
        values = np.concatenate(
            (self.use, np.ones(columns), self.gain / scale[self.request], -1.0 / scale[lifted])
        )
        rows = np.concatenate((rows, self.pools + self.requests + lifted))
        least = np.concatenate(
            (np.full(self.pools + self.requests, -np.inf), np.where(known, 1.0 - self.spared, 0.0))
        )
        most = np.concatenate((np.ones(self.pools + self.requests), np.full(self.requests, np.inf)))
        return self._answer(_program(columns, (rows, at, values), (least, most)))

    def _answer(self, program):
        """Return level and dual values of a program."""
        solver = core.new(
            self.solver.value, program, math_opt_parameters_pb2.SolverInitializerProto()
        )
        result = solver.solve(
            self._parameters().to_proto(),
            model_parameters_pb2.ModelSolveParametersProto(),
            None,
            callback_pb2.CallbackRegistrationProto(),
            None,
            None,
        )
        if self.until is not None and result.termination.reason in LIMITED:
            raise TimeoutError("The program was cut short.")
        if result.termination.reason != result_pb2.TERMINATION_REASON_OPTIMAL:
            return None
        solution = result.solutions[0]
        duals = np.zeros(len(program.linear_constraints.ids))
        found = solution.dual_solution.dual_values
        duals[np.fromiter(found.ids, dtype=np.int64)] = np.fromiter(found.values, dtype=float)
        return solution.primal_solution.objective_value, -duals[self.rows_before :]

    def _parameters(self):
        """Return how exact a program has to be, and how long it may take."""
        glop = FINE if self.solver is mathopt.SolverType.GLOP else None
        if self.until is None:
            return mathopt.SolveParameters(glop=glop)
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("There is no time for another program.")
        return mathopt.SolveParameters(glop=glop, time_limit=timedelta(seconds=left))


def _program(columns, entries, bounds):
    """Return the message of a program: columns, and the level as the last of them."""
    rows, at, values = entries
    least, most = bounds
    proto = model_pb2.ModelProto()
    proto.variables.ids.extend(range(columns + 1))
    proto.variables.lower_bounds.extend([0.0] * (columns + 1))
    proto.variables.upper_bounds.extend([1.0] * columns + [np.inf])
    proto.variables.integers.extend([False] * (columns + 1))
    proto.objective.maximize = True
    proto.objective.linear_coefficients.ids.append(columns)
    proto.objective.linear_coefficients.values.append(1.0)
    proto.linear_constraints.ids.extend(range(least.shape[0]))
    proto.linear_constraints.lower_bounds.extend(least)
    proto.linear_constraints.upper_bounds.extend(most)
    order = np.lexsort((at, rows))
    matrix = proto.linear_constraint_matrix
    matrix.row_ids.extend(rows[order])
    matrix.column_ids.extend(at[order])
    matrix.coefficients.extend(values[order])
    return proto
