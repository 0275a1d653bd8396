"""Entitlements the slow way: exact rational linear programs, one question per agent.

Shares no code with the solver beyond the arrays of the Problem.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import lcm

import numpy as np

from solver.problem import NO_CAP, Problem, Unit

Row = tuple[dict[int, Fraction], Fraction]
"""Coefficients by column, and what their sum is at most."""


def maximise(cost: dict[int, Fraction], rows: Sequence[Row], columns: int) -> Fraction | None:
    """Return the optimum of max cost·x, rows, x ≥ 0; None when nothing keeps the rows.

    Integer pivoting after Edmonds, the entering column by Bland's rule, artificial column for the
    first feasible point. The optimum must be finite.
    """
    if not rows:
        return Fraction(0)
    count = len(rows)
    width = columns + count + 2
    table = []
    for index, (coefficients, most) in enumerate(rows):
        whole = lcm(most.denominator, *(value.denominator for value in coefficients.values()))
        line = [0] * width
        for column, value in coefficients.items():
            line[column] = int(value * whole)
        line[columns + index] = 1
        line[width - 2] = -1
        line[width - 1] = int(most * whole)
        table.append(line)
    basis = [columns + index for index in range(count)]
    scale = lcm(*(value.denominator for value in cost.values()), 1)
    goal = [0] * width
    for column, value in cost.items():
        goal[column] = -int(value * scale)
    state = _Tableau(table, basis, goal)
    artificial = width - 2
    worst = min(range(count), key=lambda row: table[row][-1])
    if table[worst][-1] < 0:
        state.first = [0] * width
        state.first[artificial] = 1
        state.pivot(worst, artificial)
        state.run("first", width - 2 + 1)
        if state.first[-1] < 0:
            return None
        state.leave(artificial)
    for line in (*state.table, state.goal):
        line[artificial] = 0
    state.run("goal", width - 2)
    return Fraction(state.goal[-1], state.unit * scale)


class _Tableau:
    """An integer tableau; every entry is its rational times `unit`."""

    def __init__(self, table: list[list[int]], basis: list[int], goal: list[int]) -> None:
        self.table, self.basis, self.goal = table, basis, goal
        self.first = [0] * len(goal)
        self.unit = 1

    def pivot(self, row: int, column: int) -> None:
        """Bring a column into the basis."""
        line = self.table[row]
        if line[column] < 0:
            line[:] = [-value for value in line]
        key = line[column]
        others = [each for index, each in enumerate(self.table) if index != row]
        for other in (*others, self.goal, self.first):
            factor = other[column]
            other[:] = [
                (value * key - factor * mine) // self.unit
                for value, mine in zip(other, line, strict=True)
            ]
        self.unit = key
        self.basis[row] = column

    def run(self, name: str, columns: int) -> None:
        """Pivot to optimality of an objective."""
        while True:
            objective = getattr(self, name)
            enter = next((c for c in range(columns) if objective[c] < 0), None)
            if enter is None:
                return
            rows = [r for r, line in enumerate(self.table) if line[enter] > 0]
            leave = min(
                rows,
                key=lambda r: (Fraction(self.table[r][-1], self.table[r][enter]), self.basis[r]),
            )
            self.pivot(leave, enter)

    def leave(self, column: int) -> None:
        """Drive a column that is zero out of the basis."""
        if column in self.basis:
            row = self.basis.index(column)
            line = self.table[row]
            other = next(
                (
                    c
                    for c in range(len(line) - 1)
                    if line[c] and c != column and c not in self.basis
                ),
                None,
            )
            if other is not None:
                self.pivot(row, other)


class FluidRows:
    """The fluid round of a Problem as rows over its cells."""

    def __init__(self, problem: Problem, taking: Sequence[bool]) -> None:
        self.problem = problem
        self.cells = [
            (r, p, t)
            for r in range(problem.requests)
            if taking[r]
            for p in range(problem.pools)
            if problem.speed[r, p] > 0
            for t in range(int(problem.first[r]), int(problem.end[r]))
        ]
        self.rows: list[Row] = []
        self._supply()
        self._asks_and_limits()

    def amount(self, index: np.ndarray, holder: int) -> dict[int, Fraction]:
        """Return what the cells of a holder bring, in thousandths of the unit."""
        factor = self.problem.factor
        return {
            column: Fraction(int(factor[r, p]), 1000)
            for column, (r, p, _) in enumerate(self.cells)
            if index[r] == holder
        }

    def _supply(self) -> None:
        for p in range(self.problem.pools):
            for t in range(self.problem.slots):
                used = {c: Fraction(1) for c, cell in enumerate(self.cells) if cell[1:] == (p, t)}
                if used:
                    self.rows.append((used, Fraction(int(self.problem.supply[p, t]))))

    def _asks_and_limits(self) -> None:
        problem = self.problem
        by_speed = problem.rules.unit is Unit.REFERENCE_HOURS
        for r in range(problem.requests):
            own = [(c, p, t) for c, (owner, p, t) in enumerate(self.cells) if owner == r]
            if not own:
                continue
            ask = {c: Fraction(int(problem.speed[r, p]), 1000) for c, p, _ in own}
            self.rows.append((ask, Fraction(int(problem.ask[r]))))
            charges = {int(problem.charge[p]) for _, p, _ in own}
            joint = by_speed or len(charges) == 1
            limit = Fraction(int(problem.max_gpus[r]) * problem.slot_hours)
            places = {(t,) if joint else (t, p) for _, p, t in own}
            for place in places:
                inside = {c: Fraction(1) for c, p, t in own if (t, p)[: len(place)] == place}
                self.rows.append((inside, limit))


def leximin(
    rows: Sequence[Row],
    amounts: Sequence[dict[int, Fraction]],
    weights: Sequence[int],
    floors: Sequence[int],
    columns: int,
) -> list[Fraction]:
    """Return the weighted leximin of some amounts, agent by agent."""
    held: list[Fraction | None] = [
        None if weight else Fraction(floor) for weight, floor in zip(weights, floors, strict=True)
    ]

    def least(agent: int, level: Fraction) -> Fraction:
        mine = held[agent]
        return max(Fraction(floors[agent]), level * weights[agent]) if mine is None else mine

    while any(mine is None for mine in held):
        free = [agent for agent, mine in enumerate(held) if mine is None]
        nothing = Fraction(0)
        lifted = [
            *rows,
            *((_negative(row), -least(agent, nothing)) for agent, row in enumerate(amounts)),
            *((_negative(amounts[a]) | {columns: Fraction(weights[a])}, nothing) for a in free),
        ]
        level = maximise({columns: Fraction(1)}, lifted, columns + 1)
        assert level is not None
        blocked = []
        for agent in free:
            others = [(_negative(row), -least(a, level)) for a, row in enumerate(amounts)]
            most = maximise(amounts[agent], [*rows, *others], columns) if amounts[agent] else 0
            if most == least(agent, level) or not amounts[agent]:
                blocked.append(agent)
        assert blocked
        for agent, amount in [(agent, least(agent, level)) for agent in blocked]:
            held[agent] = amount
    return [mine or Fraction(0) for mine in held]


def _negative(row: dict[int, Fraction]) -> dict[int, Fraction]:
    return {column: -value for column, value in row.items()}


def entitlements(
    problem: Problem, group_weights: Sequence[int], fellow_weights: Sequence[int]
) -> tuple[list[Fraction], list[Fraction]]:
    """Return exact thousandths of every group and fellow; floors must be reachable together."""
    fluid, rows = _all_rows(problem, group_weights, fellow_weights)
    columns = len(fluid.cells)
    of_group = [fluid.amount(problem.group, g) for g in range(problem.groups)]
    of_fellow = [fluid.amount(problem.fellow, f) for f in range(problem.fellows)]
    lows = [int(f) if row else 0 for f, row in zip(problem.group_floor, of_group, strict=True)]
    groups = leximin(rows, of_group, group_weights, lows, columns)
    for row, total in zip(of_group, groups, strict=True):
        if row:
            rows += [(row, total), (_negative(row), -total)]
    fellows = leximin(rows, of_fellow, fellow_weights, [0] * problem.fellows, columns)
    return groups, fellows


def floors_hold(
    problem: Problem, group_weights: Sequence[int], fellow_weights: Sequence[int]
) -> bool:
    """Say whether some division keeps all floors."""
    fluid, rows = _all_rows(problem, group_weights, fellow_weights)
    for group, floor in enumerate(problem.group_floor.tolist()):
        row = fluid.amount(problem.group, group)
        if row:
            rows.append((_negative(row), -Fraction(floor)))
    return maximise({}, rows, len(fluid.cells)) is not None


def _all_rows(
    problem: Problem, group_weights: Sequence[int], fellow_weights: Sequence[int]
) -> tuple[FluidRows, list[Row]]:
    """Return every row but the floors of groups."""
    taking = [
        bool(problem.eligible[r])
        and fellow_weights[problem.fellow[r]] > 0
        and (group_weights[problem.group[r]] > 0 or problem.group_floor[problem.group[r]] > 0)
        for r in range(problem.requests)
    ]
    fluid = FluidRows(problem, taking)
    institute = problem.fellow_institute[problem.fellow]
    listed = {
        "fellow": (problem.fellow, problem.fellow_cap, None),
        "group": (problem.group, problem.group_cap, None),
        "institute": (institute, problem.institute_cap, problem.institute_floor),
        "track": (problem.track, problem.track_cap, problem.track_floor),
    }
    rows = list(fluid.rows)
    for index, caps, floors in listed.values():
        for holder, cap in enumerate(caps):
            row = fluid.amount(index, holder)
            if row and cap != NO_CAP:
                rows.append((row, Fraction(int(cap))))
            if row and floors is not None and floors[holder] > 0:
                rows.append((_negative(row), -Fraction(int(floors[holder]))))
    return fluid, rows
