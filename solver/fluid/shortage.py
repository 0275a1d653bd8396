"""The least shortage of given amounts as a linear program, and the cut that its prices are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from solver.budget import Budget
from solver.checking.pricing import Holder
from solver.fluid.bounds import Bounds
from solver.fluid.leximin import Cut, Terms
from solver.fluid.linear import INFINITE, NOISE, FluidModel, LinearSolver
from solver.fluid.merging import Merged
from solver.plan import Level
from solver.problem import FloatArray, IntArray

SPARED = 2e-9
"""Part of an amount that is not asked, so that what floating point misses looks like no cut."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A row on what a holder has: at least or at most `known` thousandths."""

    holder: Holder
    number: int
    sign: int
    known: float
    scale: float


class ShortageProgram:
    """Answers whether amounts can be had together, by GLOP on the merged round.

    Attributes:
        work: linear programs solved.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - a round, whose amounts, and what limits them
        self,
        merged: Merged,
        kind: str,
        most_alone: Sequence[int],
        terms: Terms,
        grain: int,
        budget: Budget | None = None,
    ) -> None:
        """Build the program once.

        Args:
            merged: the round.
            kind: ``group`` or ``fellow``: whose amounts are asked.
            most_alone: thousandths of the unit that each can have at most; scales its row.
            terms: further floors and caps.
            grain: grains in a thousandth of the unit.
            budget: what the whole solve may still spend; None without a limit.
        """
        self.work = 0
        self._grain = grain
        self._merged = merged
        self._kind = kind
        self._most_alone = tuple(most_alone)
        self._terms = terms
        self._fluid = FluidModel(merged)
        self._amounts = self._fluid.amounts()
        asked = [(kind, index, amount) for index, amount in enumerate(most_alone) if amount > 0]
        self._asked = [
            self._add_least((kind, index), float(amount), float(amount))
            for kind, index, amount in asked
        ]
        self._rows = [
            self._add_least(holder, float(least) * (1.0 - SPARED), float(least))
            for holder, least in terms.least.items()
            if least > 0
        ]
        self._rows += [self._add_most(holder, float(most)) for holder, most in terms.most.items()]
        self._solver = LinearSolver(self._fluid.program(), budget)
        self._bounds = Bounds(merged, terms, grain)
        self._hours: FloatArray = np.zeros(merged.columns.cls.shape[0])
        self._index = np.array([row.holder[1] for row in self._asked], dtype=np.int64)
        self._numbers = np.array([row.number for row in self._asked], dtype=np.int64)
        self._scales = np.array([row.scale for row in self._asked])
        self._had = np.full(self._scales.shape[0], np.inf)

    def cuts(self, amounts: IntArray, full: Sequence[Cut] = ()) -> list[Cut]:  # noqa: ARG002
        """Return a cut that the amounts break, none if they can be had together."""
        duals = self._ask(amounts[self._index] * ((1.0 - SPARED) / self._grain) / self._scales)
        cuts = [] if duals is None else [self._as_cut(duals)]
        return [cut for cut in cuts if cut.agents.size]

    def ceilings(self, levels: Iterable[Level], high: IntArray) -> list[Cut]:
        """Return cuts of one fellow each, from the levels of the groups; see `Bounds.ceilings`."""
        return self._bounds.ceilings(levels, high)

    def hours(self) -> IntArray:
        """Return ``(k,)`` thousandths of a GPU-hour of the last division, rounded down."""
        return np.floor(self._hours * (1 - NOISE)).astype(np.int64)

    def shortages(self) -> dict[Holder, int]:
        """Return how far some division of least shortage stays below the floors, in thousandths."""
        if self._ask(np.zeros_like(self._scales)) is None:
            return {}
        columns = self._merged.columns
        units = self._hours * self._merged.factor[columns.cls, columns.pool] / 1000
        short: dict[Holder, int] = {}
        for row in self._rows:
            if row.sign > 0:
                member = self._terms.members[row.holder[0]][columns.cls] == row.holder[1]
                missing = row.known - float(units[member].sum())
                if missing > row.known * 1e-7 + 1:
                    short[row.holder] = int(missing) + 1
        return short

    def _ask(self, wanted: FloatArray) -> FloatArray | None:
        """Return the dual values of the least shortage of what is wanted, None if there is none.

        Args:
            wanted: parts of what each can have at most.
        """
        if np.abs(wanted - self._had).max(initial=0.0) <= NOISE:
            return None
        self.work += 1
        self._solver.demand(self._numbers, wanted)
        solution = self._solver.solve()
        self._hours = self._fluid.hours(solution.values)
        if solution.cost > NOISE:
            return solution.duals
        self._had = wanted
        return None

    def _entries(self, holder: Holder, scale: float) -> tuple[IntArray, FloatArray]:
        """Return the columns of a holder and what they bring, divided by the row's scale."""
        kind, index = holder
        member = self._terms.members[kind][self._merged.columns.cls] == index
        columns = np.flatnonzero(member)
        return columns, self._amounts[columns] / scale

    def _add_least(self, holder: Holder, known: float, scale: float) -> _Row:
        """What a holder has is at least a part of `scale`, or the shortage is paid for."""
        columns, shares = self._entries(holder, scale)
        short = self._fluid.add_columns([0.0], [INFINITE], [1.0])
        numbers = self._fluid.add_rows(
            [known / scale],
            [INFINITE],
            (
                np.zeros(columns.size + 1, dtype=np.int64),
                np.append(columns, short),
                np.append(shares, 1.0),
            ),
        )
        return _Row(holder, int(numbers[0]), 1, known, scale)

    def _add_most(self, holder: Holder, known: float) -> _Row:
        """What a holder has is at most its cap."""
        scale = max(known, 1.0)
        columns, shares = self._entries(holder, scale)
        numbers = self._fluid.add_rows(
            [-INFINITE], [known / scale], (np.zeros(columns.size, dtype=np.int64), columns, shares)
        )
        return _Row(holder, int(numbers[0]), -1, known, scale)

    def _as_cut(self, duals: FloatArray) -> Cut:
        """Read the cut off the dual values of a program; its room is what they prove, exactly."""
        pays = np.maximum(duals[self._numbers], 0.0) / self._scales
        scaled = pays * self._scales
        paying = np.flatnonzero(scaled > 1e-7 * scaled.max(initial=0.0))
        prices = self._prices(duals)
        rows = np.array([duals[row.number] / row.scale for row in self._rows])
        largest = max(pays.max(initial=0.0), prices.max(initial=0.0), np.abs(rows).max(initial=0.0))
        unit = self._bounds.unit / float(largest)
        whole = (rows * unit).astype(np.int64).tolist()
        return self._bounds.cut(
            self._kind,
            (self._index[paying], (pays[paying] * unit).astype(np.int64)),
            (prices * unit).astype(np.int64),
            {row.holder: each for row, each in zip(self._rows, whole, strict=True) if each},
        )

    def _prices(self, duals: FloatArray) -> FloatArray:
        """Return ``(p, s)`` prices."""
        rows, supply = self._fluid.supply_row, self._merged.supply
        scarce = rows >= 0
        prices = np.zeros(rows.shape)
        prices[scarce] = np.maximum(-duals[rows[scarce]], 0.0) / supply[scarce]
        return prices
