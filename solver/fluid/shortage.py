"""The least shortage of given amounts as a linear program, and the cut that its prices are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from solver.checking.pricing import FluidRequest, FluidRound, Holder, most_together
from solver.fluid.leximin import Cut, Terms
from solver.fluid.linear import INFINITE, NOISE, FluidModel, LinearSolver
from solver.fluid.merging import Merged
from solver.problem import FloatArray, IntArray

UNIT = 1 << 60
"""What the rationals of a cut are divided by."""
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
        at_once: the prices of one program mix its bottlenecks.
    """

    at_once = False

    def __init__(
        self, merged: Merged, kind: str, most_alone: Sequence[int], terms: Terms, grain: int
    ) -> None:
        """Build the program once.

        Args:
            merged: the round.
            kind: ``group`` or ``fellow``: whose amounts are asked.
            most_alone: thousandths of the unit that each can have at most; scales its row.
            terms: further floors and caps.
            grain: grains in a thousandth of the unit.
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
            self._add_least(holder, float(least), float(least))
            for holder, least in terms.least.items()
            if least > 0
        ]
        self._rows += [self._add_most(holder, float(most)) for holder, most in terms.most.items()]
        self._solver = LinearSolver(self._fluid.program())
        self._exact = fluid_round(merged, terms.members)
        self._hours: FloatArray = np.zeros(merged.columns.cls.shape[0])
        self._index = np.array([row.holder[1] for row in self._asked], dtype=np.int64)
        self._numbers = np.array([row.number for row in self._asked], dtype=np.int64)
        self._scales = np.array([row.scale for row in self._asked])

    def cuts(self, amounts: IntArray, full: Sequence[Cut] = ()) -> list[Cut]:  # noqa: ARG002
        """Return a cut that the amounts break, none if they can be had together."""
        self.work += 1
        wanted = np.asarray(amounts[self._index] * ((1.0 - SPARED) / self._grain), dtype=np.float64)
        self._solver.demand(self._numbers, wanted / self._scales)
        solution = self._solver.solve()
        self._hours = self._fluid.hours(solution.values)
        if solution.cost <= NOISE:
            return []
        return [self._as_cut(solution.duals, wanted, solution.cost)]

    def settle(self, cut: Cut) -> Cut:
        """Return the cut with the room that its own prices prove, exactly."""
        width = len(self._exact.lengths)
        prices: dict[int, list[int]] = {}
        for pool, span, price in cut.prices.tolist():
            prices.setdefault(pool, [0] * width)[span] = price
        pairs = zip(cut.agents.tolist(), cut.lifts.tolist(), strict=True)
        multipliers = {(self._kind, index): lift for index, lift in pairs}
        for kind, index, value in cut.holders:
            multipliers[kind, index] = multipliers.get((kind, index), 0) + value
        room = most_together(self._exact, prices, multipliers)
        for kind, index, value in cut.holders:
            known = self._terms.least if value > 0 else self._terms.most
            room -= value * known[kind, index]
        return replace(cut, room=int(room * self._grain))

    def hours(self) -> IntArray:
        """Return ``(k,)`` thousandths of a GPU-hour of the last division, rounded down."""
        return np.floor(self._hours * (1 - NOISE)).astype(np.int64)

    def shortages(self) -> dict[Holder, int]:
        """Return how far the last division stays below the floors, in thousandths."""
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

    def _as_cut(self, duals: FloatArray, wanted: FloatArray, shortage: float) -> Cut:
        """Read the cut off the dual values of a program whose least shortage is positive."""
        pays = np.maximum(duals[self._numbers], 0.0) / self._scales
        scaled = pays * self._scales
        paying = np.flatnonzero(scaled > 1e-7 * scaled.max(initial=0.0))
        unit = UNIT / float(pays[paying].max(initial=0.0) or 1.0)
        room = float(pays @ wanted)
        holders = [(*row.holder, int(duals[row.number] / row.scale * unit)) for row in self._rows]
        return Cut(
            agents=self._index[paying],
            lifts=(pays[paying] * unit).astype(np.int64),
            room=int((room - shortage) * unit * self._grain),
            unit=UNIT,
            prices=self._prices(duals, unit),
            price_unit=UNIT,
            holders=tuple(holder for holder in holders if holder[2]),
        )

    def _prices(self, duals: FloatArray, unit: float) -> IntArray:
        """Return ``(n, 3)`` positive prices of pools and spans."""
        rows = self._fluid.supply_row
        pool, span = np.nonzero(rows >= 0)
        price = np.maximum(-duals[rows[pool, span]], 0.0) / self._merged.supply[pool, span]
        whole = (price * unit).astype(np.int64)
        return np.column_stack((pool, span, whole))[whole > 0]


def fluid_round(merged: Merged, members: dict[str, IntArray]) -> FluidRound:
    """Return the merged round as the exact checker reads it."""
    requests = []
    for c in range(merged.classes):
        pools = np.flatnonzero(merged.speed[c])
        requests.append(
            FluidRequest(
                pools=tuple(
                    (int(p), int(merged.factor[c, p]), int(merged.speed[c, p])) for p in pools
                ),
                ask=int(merged.ask[c]),
                limit=int(merged.limit[c]),
                joint=bool(merged.joint[c]),
                first=int(merged.first[c]),
                end=int(merged.end[c]),
                holders=tuple((kind, int(of[c])) for kind, of in members.items() if of[c] >= 0),
            )
        )
    return FluidRound(
        requests=tuple(requests),
        supply=tuple(tuple(row) for row in merged.supply.tolist()),
        lengths=tuple(merged.span_slots.tolist()),
    )
