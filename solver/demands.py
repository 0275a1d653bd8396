"""What guarantees, floors and caps demand, and a linear program that says whether it can be had."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from solver.budget import Budget
from solver.fluid.merging import reach
from solver.placing.room import holders
from solver.problem import MILLI, NO_CAP, NOBODY, BoolArray, FloatArray, IntArray, Problem
from solver.tiers.program import Effort, Program, solve_program

ENOUGH = 1e-7
"""Part of a demand that counts as nothing missing: what floating point leaves open."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Demand:
    """A request or holder that has to get at least, or at most, so much.

    Attributes:
        side: ``floor`` or ``cap``.
        kind: ``request``, ``fellow``, ``group``, ``institute`` or ``track``.
        amount: thousandths: reference hours of a request, the unit of a holder.
    """

    side: str
    kind: str
    index: int
    amount: int

    @property
    def own(self) -> bool:
        """Whether it is a request's own guarantee."""
        return self.kind == "request"


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """All that has to be met; `taking` ``(r,)`` says whose hours can help."""

    least: tuple[Demand, ...]
    most: tuple[Demand, ...]
    taking: BoolArray


def demands(problem: Problem, must: Sequence[int]) -> Demands:
    """Return guarantees, promises kept and effective floors as demands, and the caps.

    Args:
        problem: the round.
        must: requests that every plan has to fund.
    """
    promised = kept_amounts(problem)
    promised[list(must)] = np.maximum(promised, problem.minimum)[list(must)]
    promised[problem.vetoed] = 0
    guarantees = [
        Demand(side="floor", kind="request", index=index, amount=int(promised[index]))
        for index in np.flatnonzero(promised).tolist()
    ]
    taking = promised > 0
    floors: list[Demand] = []
    caps: list[Demand] = []
    floored = any(floor.any() for _, floor, _ in holders(problem).values())
    alone = reach(problem) if floored else np.zeros(problem.requests, dtype=np.int64)
    for kind, (holder, floor, cap) in holders(problem).items():
        for index, most in enumerate(cap.tolist()):
            if most != NO_CAP:
                caps.append(Demand(side="cap", kind=kind, index=index, amount=most))
        for index, least in enumerate(floor.tolist()):
            members = (holder == index) & problem.eligible
            effective = min(least, int(alone[members].sum()))
            if effective > 0:
                taking |= members
                floors.append(Demand(side="floor", kind=kind, index=index, amount=effective))
    return Demands(least=(*guarantees, *floors), most=tuple(caps), taking=taking)


def kept_amounts(problem: Problem) -> IntArray:
    """Return ``(r,)`` thousandths of reference hours that an earlier plan promised."""
    amounts = np.zeros(problem.requests, dtype=np.int64)
    if problem.rules.keep_accepted and problem.previous.size:
        request, pool, _, hours = problem.previous.T
        np.add.at(amounts, request, hours * problem.speed[request, pool])
    return np.minimum(amounts, problem.ask)


class DemandProgram:
    """The fluid round of those who can help, with a row for every demand.

    Slots between which no window begins or ends are one. Rows are divided by their right side.
    """

    def __init__(self, problem: Problem, wanted: Demands, budget: Budget | None = None) -> None:
        self.problem, self.effort = problem, Effort(budget=budget or Budget())
        self.who = np.flatnonzero(wanted.taking)
        edges = np.concatenate([problem.first[self.who], problem.end[self.who]])
        self.edges = np.unique(edges)
        self.request, self.pool, self.span = self._columns()

    def _columns(self) -> tuple[IntArray, IntArray, IntArray]:
        """Return request, pool and span of every column."""
        problem, begins = self.problem, self.edges[:-1]
        inside = (problem.first[self.who, None] <= begins) & (begins < problem.end[self.who, None])
        there = (problem.speed[self.who] > 0)[:, :, None] & inside[:, None, :]
        row, pool, span = np.nonzero(there)
        return self.who[row], pool.astype(np.int64), span.astype(np.int64)

    def unmet(self, least: Sequence[Demand], most: Sequence[Demand]) -> list[Demand] | None:
        """Return demands that cannot be met together; None when all can be, or nobody knows."""
        if not least:
            return None
        program, missing = self._program(least, most)
        answer = solve_program(program, _ones(program, missing), self.effort)
        if answer.values is None or answer.objective <= ENOUGH:
            return None
        first = program.rows - len(least)
        priced = answer.row_prices[first:] if answer.row_prices.size else np.ones(len(least))
        found = [each for each, price in zip(least, priced, strict=True) if abs(price) > ENOUGH]
        if 0 < len(found) < len(least) and self.unmet(found, most) is not None:
            return found
        return list(least)

    def totals(self, least: Sequence[Demand], most: Sequence[Demand]) -> tuple[int, int]:
        """Return what demands need and the most they can get, each up to what it needs.

        Solved whatever the budget says: a set that is known to be impossible has these numbers.
        """
        program, missing = self._program(least, most)
        amounts = np.array([each.amount for each in least], dtype=np.float64)
        goal = np.zeros(program.columns)
        goal[missing] = amounts / amounts.sum()
        answer = solve_program(program, goal, Effort())
        needed = int(amounts.sum())
        return needed, round(needed * (1 - answer.objective))

    def _program(self, least: Sequence[Demand], most: Sequence[Demand]) -> tuple[Program, IntArray]:
        """Return the program and the columns of what is missing; demands are its last rows."""
        problem, program = self.problem, Program()
        size = self._most()
        hours = program.add_columns(size.size, 0.0, 1.0)
        missing = program.add_columns(len(least), 0.0, 1.0)
        spans = self.edges.size - 1
        supply = np.add.reduceat(problem.supply[:, : self.edges[-1]], self.edges[:-1], axis=1)
        self._at_most(program, self.pool * spans + self.span, hours, size, supply.ravel())
        speed = problem.speed[self.request, self.pool]
        beyond = problem.ask + problem.gang * problem.speed.max(axis=1, initial=0)
        self._at_most(program, self.request, hours, size * speed / MILLI, beyond)
        limit = (problem.max_gpus * problem.slot_hours)[:, None] * np.diff(self.edges)
        self._at_most(program, self.request * spans + self.span, hours, size, limit.ravel())
        for each in most:
            self._row(program, each, size, np.zeros(0, dtype=np.int64), (-np.inf, 1.0))
        for column, each in zip(missing, least, strict=True):
            self._row(program, each, size, np.array([column]), (1.0, np.inf))
        return program, missing

    def _most(self) -> IntArray:
        """Return the most hours of each column, in thousandths."""
        problem = self.problem
        limit = problem.max_gpus[self.request] * problem.slot_hours
        most: IntArray = np.maximum(limit * np.diff(self.edges)[self.span], 1)
        return most

    def _at_most(
        self,
        program: Program,
        row: IntArray,
        columns: IntArray,
        amounts: IntArray | FloatArray,
        limits: IntArray,
    ) -> None:
        """Add a row per limit that is touched: Σ amount · column ≤ limit."""
        touched, place = np.unique(row, return_inverse=True)
        scale = np.maximum(limits[touched].astype(np.float64), 1.0)
        upper = np.where(limits[touched] > 0, 1.0, 0.0)
        rows = program.add_rows(touched.size, -np.inf, upper)
        program.add_terms(rows[place], columns, amounts / scale[place])

    def _row(
        self,
        program: Program,
        demand: Demand,
        size: IntArray,
        missing: IntArray,
        bounds: tuple[float, float],
    ) -> None:
        """Add the row of one demand, in parts of its amount."""
        row = program.add_rows(1, *bounds)
        inside = self._members(demand)
        problem = self.problem
        rate = problem.speed if demand.own else problem.factor
        brings = size * rate[self.request, self.pool] / MILLI / max(demand.amount, 1)
        columns = np.arange(size.size, dtype=np.int64)
        program.add_terms(row, columns[inside], brings[inside])
        if missing.size:
            program.add_terms(row, missing, 1.0)

    def _members(self, demand: Demand) -> BoolArray:
        """Return the columns that count for a demand."""
        if demand.own:
            return np.asarray(self.request == demand.index)
        whose, _, _ = holders(self.problem)[demand.kind]
        return np.asarray((whose[self.request] == demand.index) & (demand.index != NOBODY))


def _ones(
    program: Program, columns: Iterable[int]
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return a goal that counts some columns."""
    goal = np.zeros(program.columns)
    goal[list(columns)] = 1.0
    return goal
