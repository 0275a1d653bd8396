"""Entitlements of a round by one linear program after the other, as a textbook does it.

First the groups, then, group totals fixed, their fellows. Generous to the rival: it gets our merged
classes and, if asked to, everybody's own limit in closed form; each program is solved from the
start.
"""

import numpy as np
from ortools.math_opt import model_pb2

from benchmarks.sequential import NEAR, Sequential
from solver.entitle import fellow_weights, group_weights
from solver.fluid.linear import FluidModel
from solver.fluid.merging import merge, reach


def sequential_entitlement(problem, solver, *, own_limits=True):
    """Return ``(g,)`` and ``(f,)`` thousandths of the unit, and how many programs it took.

    `own_limits` as in `benchmarks.sequential.sequential`. Floors and caps are not stated here; a
    round that has them is refused.
    """
    if any(each.any() for each in (problem.group_floor, problem.institute_floor)):
        raise ValueError("Floors are not in the textbook.")
    merged = merge(problem, problem.eligible)
    units = reach(problem) * problem.eligible
    alone = np.bincount(problem.fellow, weights=units, minlength=problem.fellows)
    of_group = problem.fellow_group[merged.fellow]
    in_group = np.bincount(problem.fellow_group, weights=alone, minlength=problem.groups)
    weights = np.maximum(group_weights(problem), 1)
    first = _Stage(merged, of_group, in_group / weights, weights, solver).run(own_limits=own_limits)
    totals = first.amounts * weights
    weights = fellow_weights(problem)
    most = np.minimum(alone, totals[problem.fellow_group]) / weights
    stage = _Stage(merged, merged.fellow, most, weights, solver, within=(of_group, totals))
    second = stage.run(own_limits=own_limits)
    return totals, second.amounts * weights, first.programs + second.programs


def largest_least(problem, solver):
    """Return thousandths of the unit per weight that every group can have, by one program alone."""
    merged = merge(problem, problem.eligible)
    units = reach(problem) * problem.eligible
    group = problem.fellow_group[problem.fellow]
    weights = np.maximum(group_weights(problem), 1)
    alone = np.bincount(group, weights=units, minlength=problem.groups) / weights
    stage = _Stage(merged, problem.fellow_group[merged.fellow], alone, weights, solver)
    level, _ = stage._lift(np.isnan(stage.held), np.zeros(alone.size, dtype=bool))  # noqa: SLF001 - the same file
    return level


class _Stage(Sequential):
    """The groups, or the fellows within what their groups hold."""

    def __init__(self, merged, owner, most, weights, solver, *, within=None):  # noqa: PLR0913
        fluid = FluidModel(merged)
        columns, amounts = fluid.columns.cls, fluid.amounts()
        if within is not None:
            of_group, totals = within
            where = of_group[columns]
            shares = amounts / np.maximum(totals[where], 1.0)
            rows = np.full(totals.size, -np.inf), np.ones(totals.size)
            fluid.add_rows(*rows, (where, np.arange(columns.size), shares))
        self.level = int(fluid.add_columns([0.0], [np.inf], [1.0])[0])
        self.base, self.rows_before = fluid.program(), fluid.row_count
        self.base.objective.maximize = True
        self.owner = owner[columns].astype(np.int64)
        self.gain = amounts / weights[self.owner]
        self.most, self.requests = most, most.size
        self.solver, self.programs, self.spared = solver, 0, NEAR
        self.held = np.where(most > 0, np.nan, 0.0)

    def _solve(self, rising, known, scale):
        """Solve one program: the level and who pays for it, None if nothing keeps the rows."""
        self.programs += 1
        program = model_pb2.ModelProto()
        program.CopyFrom(self.base)
        rows, lifted = program.linear_constraints, np.flatnonzero(rising)
        rows.ids.extend(range(self.rows_before, self.rows_before + self.requests))
        rows.lower_bounds.extend(np.where(known, 1.0 - self.spared, 0.0))
        rows.upper_bounds.extend([np.inf] * self.requests)
        row = np.concatenate((self.owner, lifted))
        column = np.concatenate((np.arange(self.owner.size), np.full(lifted.size, self.level)))
        value = np.concatenate((self.gain / scale[self.owner], -1.0 / scale[lifted]))
        order = np.lexsort((column, row))
        matrix = program.linear_constraint_matrix
        matrix.row_ids.extend(self.rows_before + row[order])
        matrix.column_ids.extend(column[order])
        matrix.coefficients.extend(value[order])
        return self._answer(program)
