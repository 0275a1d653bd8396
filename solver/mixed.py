"""Mixed: a model of CP-SAT's as a mixed-integer program, for a code that branches and cuts.

Where a tier is a sum of many hours, linear relaxations and cuts tell more about it than clauses:
of a round of 56 requests HiGHS proved in six seconds what CP-SAT left 5 % open after fifteen.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from ortools.sat.python import cp_model
from ortools.sat.python.cp_model_helper import ConstraintProto, CpModelProto

from solver.problem import BoolArray, FloatArray
from solver.tiers.program import Answer, Effort, Program, solve_program

LARGEST = 1_000.0
"""The largest coefficient of the goal, as the code sees it."""


class _Row(NamedTuple):
    """Coefficients of columns, and what they add up to at least and at most."""

    terms: dict[int, int]
    least: float
    most: float


class Mixed(NamedTuple):
    """The program, and how to read it.

    Attributes:
        size: ``(columns,)`` what 1 of a column is in the model.
        whole: ``(columns,)`` which columns have to be whole; they have size 1.
        goal: ``(columns,)``; unit: what 1 of the goal is in the model's objective.
        offset: of the objective, in its own unit.
    """

    program: Program
    size: FloatArray
    whole: BoolArray
    goal: FloatArray
    unit: float
    offset: float

    def minimise(self, known: FloatArray, effort: Effort) -> Answer:
        """Minimise from a solution on; figures are in the model's own units.

        Args:
            known: ``(columns,)`` values of a solution.
            effort: limits, and the gap in the unit of the objective at which it may stop.
        """
        answer = solve_program(
            self.program,
            self.goal,
            replace(effort, gap=effort.gap / self.unit),
            integer=self.whole,
            hint=known / self.size,
        )
        values = None if answer.values is None else answer.values * self.size
        bound = answer.bound * self.unit + self.offset
        return replace(answer, values=values, bound=bound)


def as_program(cp: cp_model.CpModel, counts: set[int]) -> Mixed:
    """Write a model of linear rows, clauses and implications as a mixed-integer program.

    Args:
        cp: the model.
        counts: variables that have to be whole, beside those that are 0 or 1; the others follow
            from them, as amounts do.
    """
    proto = cp.proto
    domains = [list(each.domain) for each in proto.variables]
    low, high = (np.array([each[at] for each in domains], dtype=np.float64) for at in (0, -1))
    whole = high - low <= 1.0
    whole[list(counts)] = True
    size = np.where(whole, 1.0, np.maximum(np.maximum(np.abs(low), np.abs(high)), 1.0))
    program = Program()
    program.add_columns(size.size, low / size, high / size)
    for row in _rows(proto, low, high):
        _add(program, row, size)
    goal = np.zeros(size.size)
    np.add.at(goal, list(proto.objective.vars), list(proto.objective.coeffs))
    goal *= size
    unit = max(float(np.abs(goal).max(initial=0.0)), 1.0) / LARGEST
    return Mixed(program, size, whole, goal / unit, unit, float(proto.objective.offset))


def _add(program: Program, row: _Row, size: FloatArray) -> None:
    """Add a row, scaled so that its largest coefficient is 1."""
    columns = np.array(list(row.terms), dtype=np.int64)
    values = np.array(list(row.terms.values()), dtype=np.float64) * size[columns]
    scale = float(np.abs(values).max(initial=0.0)) or 1.0
    at = program.add_rows(1, row.least / scale, row.most / scale)
    program.add_terms(at, columns, values / scale)


def _rows(proto: CpModelProto, low: FloatArray, high: FloatArray) -> Iterator[_Row]:
    """Yield the rows of all constraints."""
    for each in proto.constraints:
        if each.has_linear():
            yield from _linear(each, low, high)
        elif each.has_bool_and():
            for literal in each.bool_and.literals:
                yield _clause([literal], each.enforcement_literal)
        elif each.has_bool_or():
            yield _clause(each.bool_or.literals, each.enforcement_literal)
        else:
            raise ValueError(f"No rows are known for {each}.")


def _linear(each: ConstraintProto, low: FloatArray, high: FloatArray) -> Iterator[_Row]:
    """Yield the rows of a linear constraint; what is enforced holds where all literals do."""
    terms: dict[int, int] = {}
    for column, times in zip(each.linear.vars, each.linear.coeffs, strict=True):
        terms[column] = terms.get(column, 0) + times
    bounds = list(each.linear.domain)
    least, most = bounds[0], bounds[-1]
    ends = [(times * int(low[at]), times * int(high[at])) for at, times in terms.items()]
    reach = sum(min(pair) for pair in ends), sum(max(pair) for pair in ends)
    if not each.enforcement_literal:
        yield _Row(
            terms,
            -np.inf if least <= reach[0] else float(least),
            np.inf if most >= reach[1] else float(most),
        )
        return
    if least > reach[0]:
        short, room = _where_not(each.enforcement_literal, least - reach[0])
        yield _Row(_joined(terms, short), float(least - room), np.inf)
    if most < reach[1]:
        over, room = _where_not(each.enforcement_literal, most - reach[1])
        yield _Row(_joined(terms, over), -np.inf, float(most - room))


def _where_not(literals: Sequence[int], times: int) -> tuple[dict[int, int], int]:
    """Return times the sum of what is missing of 1, by literal: terms, and what stands alone."""
    terms: dict[int, int] = {}
    alone = 0
    for literal in literals:
        column = literal if literal >= 0 else -literal - 1
        terms[column] = terms.get(column, 0) + (-times if literal >= 0 else times)
        alone += times if literal >= 0 else 0
    return terms, alone


def _joined(some: Mapping[int, int], others: Mapping[int, int]) -> dict[int, int]:
    """Return the sum of both."""
    return {at: some.get(at, 0) + others.get(at, 0) for at in {**some, **others}}


def _clause(literals: Sequence[int], enforced: Sequence[int]) -> _Row:
    """Return: one of the literals holds, or one of those that enforce it does not."""
    either = [*literals, *(-each - 1 for each in enforced)]
    missing, alone = _where_not(either, 1)
    return _Row(missing, -np.inf, float(len(either) - 1 - alone))
