"""The linear program of least shortage over chosen columns of the merged round."""

from dataclasses import dataclass

import numpy as np

from solver.budget import Budget
from solver.checking.pricing import Holder
from solver.fluid.first_fit import WANTED
from solver.fluid.leximin import Terms
from solver.fluid.linear import BASIC, HIGH, INFINITE, LOW, Basis, FluidModel, LinearSolver
from solver.fluid.merging import Merged
from solver.problem import FloatArray, IntArray, NarrowArray

SPARED = 2e-9
"""Part of an amount that is not asked, so that what floating point misses looks like no cut."""
SPARED_LEAST = 2e-11
"""As `SPARED`, where that much of one amount would be far more of another; takes more programs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row on what a holder has: at least (sign 1) or at most (-1) `known` parts of `scale`."""

    holder: Holder
    sign: int
    known: float
    scale: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Duals:
    """What a program's rows are worth, per thousandth of the unit or of an hour.

    Attributes:
        cost: the shortage, in parts of what each can have at most.
        pays: ``(a,)`` of each agent asked; others: ``(n,)`` of each row, signed.
        prices: ``(p, s)``; asks: ``(c,)``; slots: ``(c, s)``.
    """

    cost: float
    pays: FloatArray
    others: FloatArray
    prices: FloatArray
    asks: FloatArray
    slots: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """Who may ask, and what else every division has to keep.

    Attributes:
        index: ``(a,)`` agents; scales: ``(a,)`` thousandths that each can have at most.
        row: ``(c,)`` which of them a class belongs to, -1 if to none.
        members: as in `Terms`.
        rows: floors and caps; row_scales: ``(n,)``.
    """

    index: IntArray
    scales: FloatArray
    row: IntArray
    members: dict[str, IntArray]
    rows: tuple[Row, ...]
    row_scales: FloatArray


def asked_of(kind: str, most_alone: IntArray, terms: Terms, spared: float = SPARED) -> Asked:
    """Write down who may ask, and the floors, less the part that is spared, and caps.

    A cap that is a floor too gives way a trifle, so that rounding makes it stop nobody.
    """
    index = np.flatnonzero(most_alone > 0)
    row_of = np.full(most_alone.shape[0] + 1, -1, dtype=np.int64)
    row_of[index] = np.arange(index.shape[0])
    floors = [
        Row(holder=holder, sign=1, known=1.0 - spared, scale=float(least))
        for holder, least in terms.least.items()
        if least > 0
    ]
    caps = [
        Row(
            holder=holder,
            sign=-1,
            known=min(float(most), 1.0) * (1.0 + SPARED * (holder in terms.least)),
            scale=max(float(most), 1.0),
        )
        for holder, most in terms.most.items()
    ]
    rows = (*floors, *caps)
    return Asked(
        index=index,
        scales=most_alone[index].astype(np.float64),
        row=row_of[terms.members[kind]],
        members=terms.members,
        rows=rows,
        row_scales=np.array([row.scale for row in rows]),
    )


class ChosenModel:
    """A program over chosen columns.

    Attributes:
        chosen: ``(n,)`` ascending, which columns of the round.
        rows: numbers of the rows by kind, -1 where none can bind.
        solver: of the program.
        basis: where the last solution stands.
    """

    def __init__(
        self, merged: Merged, chosen: IntArray, asked: Asked, budget: Budget | None = None
    ) -> None:
        self._merged = merged
        self.chosen = chosen
        self._asked = asked
        self._fluid = FluidModel(merged, chosen)
        self._amounts = self._fluid.amounts()
        self._numbers = self._add_asked()
        self._others = np.array([self._add(row) for row in asked.rows], dtype=np.int64)
        self.solver = LinearSolver(self._fluid.program(), budget)
        self.rows = (
            *(self._fluid.supply_row, self._fluid.ask_row, self._fluid.slot_row),
            *(self._numbers, self._others),
        )
        self.basis: Basis | None = None

    def start_from(self, ends: NarrowArray, wanted: FloatArray) -> None:
        """Start where `first_fit` ended."""
        fluid, columns, asked = self._fluid, self._fluid.columns, self._asked
        how = ends[self.chosen]
        at = [
            np.full(how.shape[0], -1),
            self._numbers[asked.row[columns.cls]],
            fluid.supply_row[columns.pool, columns.span],
            fluid.ask_row[columns.cls],
            np.full(how.shape[0], -1),
            fluid.slot_row[columns.cls, columns.span],
        ]
        filled = np.choose(how, at)
        rows = np.full(fluid.row_count, BASIC)
        rows[filled[filled >= 0]] = np.where(how == WANTED, LOW, HIGH)[filled >= 0]
        short = (wanted > 0) & (rows[self._numbers] == BASIC)
        rows[self._numbers[short]] = LOW
        floors = np.array([row.sign > 0 for row in asked.rows], dtype=np.bool_)
        rows[self._others[floors]] = LOW
        status = np.full(fluid.column_count, BASIC)
        status[: how.shape[0]] = np.where(filled >= 0, BASIC, np.where(how > 0, HIGH, LOW))
        status[how.shape[0] :][: short.shape[0]] = np.where(short, BASIC, LOW)
        self.solver.start = Basis(columns=status, rows=rows)

    def start_after(self, other: "ChosenModel") -> None:
        """Start where a program over fewer columns ended."""
        basis = other.basis
        assert basis is not None
        rows = np.full(self._fluid.row_count, BASIC)
        for mine, theirs in zip(self.rows, other.rows, strict=True):
            both = (mine >= 0) & (theirs >= 0)
            rows[mine[both]] = basis.rows[theirs[both]]
        columns = np.full(self._fluid.column_count, LOW)
        before = other.chosen.shape[0]
        columns[np.searchsorted(self.chosen, other.chosen)] = basis.columns[:before]
        columns[self.chosen.shape[0] :] = basis.columns[before:]
        self.solver.start = Basis(columns=columns, rows=rows)

    def solve(self, wanted: FloatArray) -> tuple[Duals, FloatArray]:
        """Return the duals of the least shortage, and ``(k,)`` hours of a division that has it."""
        self.solver.demand(self._numbers, wanted)
        solution = self.solver.solve()
        self.basis = solution.basis
        merged, fluid, duals = self._merged, self._fluid, np.append(solution.duals, 0.0)
        hours = np.zeros(merged.columns.cls.shape[0])
        hours[self.chosen] = fluid.hours(solution.values)
        limits = merged.limit[:, None] * merged.span_slots
        return (
            Duals(
                cost=solution.cost,
                pays=np.maximum(duals[self._numbers], 0.0) / self._asked.scales,
                others=duals[self._others] / self._asked.row_scales,
                prices=np.maximum(-duals[fluid.supply_row], 0.0) / np.maximum(merged.supply, 1),
                asks=np.maximum(-duals[fluid.ask_row], 0.0) / merged.ask,
                slots=np.maximum(-duals[fluid.slot_row], 0.0) / limits,
            ),
            hours,
        )

    def _add_asked(self) -> IntArray:
        """What an agent has is at least a part of its most, or the shortage is paid for."""
        asked, count = self._asked, self._asked.scales.shape[0]
        row = asked.row[self._fluid.columns.cls]
        inside = np.flatnonzero(row >= 0)
        short = self._fluid.add_columns(np.zeros(count), np.full(count, INFINITE), np.ones(count))
        return self._fluid.add_rows(
            np.zeros(count),
            np.full(count, INFINITE),
            (
                np.concatenate((row[inside], np.arange(count))),
                np.concatenate((inside, short)),
                np.concatenate((self._amounts[inside] / asked.scales[row[inside]], np.ones(count))),
            ),
        )

    def _add(self, row: Row) -> int:
        """What a holder has is at least so much, or the shortage is paid for; or at most."""
        kind, index = row.holder
        member = self._asked.members[kind][self._fluid.columns.cls] == index
        columns = np.flatnonzero(member)
        shares = self._amounts[columns] / row.scale
        if row.sign > 0:
            short = self._fluid.add_columns([0.0], [INFINITE], [1.0])
            columns, shares = np.append(columns, short), np.append(shares, 1.0)
        low, high = (row.known, INFINITE) if row.sign > 0 else (-INFINITE, row.known)
        entries = (np.zeros(columns.size, dtype=np.int64), columns, shares)
        return int(self._fluid.add_rows([low], [high], entries)[0])
