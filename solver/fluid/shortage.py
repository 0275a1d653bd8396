"""The least shortage of given amounts as a linear program, and the cut that its prices are.

Only some columns of the round are in the program; as long as its prices say that others would
help, these come in too.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice, repeat

import numpy as np

from solver.budget import Budget
from solver.checking.pricing import Holder
from solver.fluid.bounds import Bounds
from solver.fluid.chosen import SPARED, ChosenModel, Duals, asked_of
from solver.fluid.first_fit import Fitted, Places, first_fit
from solver.fluid.leximin import Cut, Terms
from solver.fluid.linear import NOISE
from solver.fluid.making_room import make_room
from solver.fluid.merging import Merged
from solver.plan import Level
from solver.problem import MILLI, BoolArray, FloatArray, IntArray, NarrowArray

FEW = (8, 8, 8)
"""Columns of a class that come in after the first programs, then all that would help."""
NEARLY = 0.03
"""Part by which an hour may cost more than it brings to come in with all that would help."""
BROKEN = 0.5
"""Part of the shortage of the chosen columns that a cut has to prove for all of them."""
FAINT = 100.0
"""Times the noise that an agent's most has to be worth beside another's to count in a cut."""


class ShortageProgram:
    """Answers whether amounts can be had together, by GLOP on the merged round.

    Attributes:
        work: linear programs solved.
        found: the cuts answered.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - a round, whose amounts, and what limits them
        self,
        merged: Merged,
        kind: str,
        most_alone: Sequence[int],
        terms: Terms,
        grain: int,
        budget: Budget | None = None,
        spared: float = SPARED,
    ) -> None:
        """Begin without any column.

        Args:
            merged: the round.
            kind: ``group`` or ``fellow``: whose amounts are asked.
            most_alone: thousandths of the unit that each can have at most; scales its row.
            terms: further floors and caps.
            grain: grains in a thousandth of the unit.
            budget: what the whole solve may still spend; None without a limit.
            spared: part of an amount that is not asked.
        """
        self.work = 0
        self.found: list[Cut] = []
        self._spared, self._noise = spared, spared / 2.0
        self._slack = SPARED - spared
        self._grain = grain
        self._merged, self._budget = merged, budget
        self._kind = kind
        self._bounds = Bounds(merged, terms, grain)
        self._asked = asked_of(kind, np.array(most_alone, dtype=np.int64), terms, spared)
        self._chosen: BoolArray = np.zeros(merged.columns.cls.shape[0], dtype=np.bool_)
        self._model: ChosenModel | None = None
        self._size = merged.columns.size.astype(np.float64)
        self._hours: FloatArray = np.zeros(self._chosen.shape[0])
        self._had = np.full(self._asked.scales.shape[0], np.inf)

    def cuts(self, amounts: IntArray, full: Sequence[Cut] = ()) -> list[Cut]:  # noqa: ARG002
        """Return a cut that the amounts break, none if they can be had together."""
        *_, cut = self._programs(self._parts(amounts))
        cuts = [cut] if cut is not None and cut.agents.size else []
        self.found += cuts
        return cuts

    def can(self, amounts: IntArray) -> bool:
        """Say whether few programs show that the amounts can be had, floors and caps kept."""
        programs = islice(self._programs(self._parts(amounts)), len(FEW) + 2)
        return any(cut is None for cut in programs)

    def gives(self, amounts: IntArray) -> bool:
        """Say whether the last division gives fellows their grains, but for rounding."""
        columns = self._merged.columns
        units = self._hours * self._merged.factor[columns.cls, columns.pool]
        held = np.bincount(self._merged.fellow[columns.cls], units, amounts.shape[0])
        return bool((held >= amounts * ((1.0 - 2.0 * SPARED) * MILLI / self._grain)).all())

    @property
    def gave_all(self) -> bool:
        """Whether the last amounts asked for can be had; else rounding hides who is in the way."""
        return self._model is None

    def _parts(self, amounts: IntArray) -> FloatArray:
        """Return ``(a,)`` amounts as parts of what each can have at most, a trifle less."""
        asked = self._asked
        asking = (1.0 - self._spared) / self._grain
        parts: FloatArray = amounts[asked.index] * asking / asked.scales
        return parts

    def ceilings(self, levels: Iterable[Level], high: IntArray) -> list[Cut]:
        """Return cuts of one fellow each, from the levels of the groups; see `Bounds.ceilings`."""
        return self._bounds.ceilings(levels, high)

    def hours(self) -> IntArray:
        """Return ``(k,)`` thousandths of a GPU-hour of the last division, rounded down."""
        return np.floor(self._hours * (1 - NOISE)).astype(np.int64)

    def shortages(self) -> dict[Holder, int]:
        """Return how far some division of least shortage stays below the floors, in thousandths."""
        *_, cut = self._programs(np.zeros_like(self._asked.scales))
        if cut is None:
            return {}
        columns = self._merged.columns
        units = self._hours * self._merged.factor[columns.cls, columns.pool] / MILLI
        short: dict[Holder, int] = {}
        for row in self._asked.rows:
            if row.sign > 0:
                kind, index = row.holder
                member = self._asked.members[kind][columns.cls] == index
                missing = row.known * row.scale - float(units[member].sum())
                if missing > row.known * row.scale * 1e-7 + 1:
                    short[row.holder] = int(missing) + 1
        return short

    def _programs(self, wanted: FloatArray) -> Iterator[Cut | None]:
        """Solve over more and more columns; yield a cut after each program, None once all is had.

        Args:
            wanted: parts of what each can have at most.
        """
        if np.abs(wanted - self._had).max(initial=0.0) <= self._noise:
            yield None
            return
        self._model = self._model or self._first(wanted)
        if self._model is None:
            if self._budget is not None:
                self._budget.spend(1)
            self._had = wanted
            yield None
            return
        for few in chain(FEW, repeat(None)):
            self.work += 1
            duals, self._hours = self._model.solve(wanted)
            if duals.cost <= self._noise:
                self._had, self._model = wanted, None
                yield None
                return
            cut, over = self._as_cut(duals, wanted)
            yield cut
            helpful = self._helpful(duals, few)
            if over >= BROKEN * duals.cost or not helpful.size:
                return
            self._chosen[helpful] = True
            wider = self._over_chosen()
            wider.start_after(self._model)
            self._model = wider

    def _first(self, wanted: FloatArray) -> ChosenModel | None:
        """Return a program over the columns used before and those where amounts fit first.

        None where hours that stand in the way can be moved until all amounts, less `SPARED`, fit.
        """
        asked = self._asked
        agent = np.where(asked.row >= 0, asked.row, wanted.shape[0])
        amounts = np.append(wanted * asked.scales * (1.0 - self._slack), 0.0)
        places, fitted = first_fit(self._merged, agent, amounts, self._bounds.useful)
        if make_room(places, fitted) and self._short(places, fitted) <= SPARED / 2.0:
            self._hours = fitted.hours
            return None
        self._chosen |= fitted.ends > 0
        model = self._over_chosen()
        model.start_from(fitted.ends, wanted)
        return model

    def _short(self, places: Places, fitted: Fitted) -> float:
        """Return what a division lacks, or exceeds caps by, in the unit of the shortage."""
        asked, cls = self._asked, self._merged.columns.cls
        units = np.bincount(cls, fitted.hours * places.factor, self._merged.classes)
        short = float((fitted.missing[:-1] / asked.scales).sum())
        for row in asked.rows:
            kind, index = row.holder
            has = float(units[asked.members[kind] == index].sum()) / row.scale
            short += max(row.sign * (row.known - has) - self._slack, 0.0)
        return short

    def _over_chosen(self) -> ChosenModel:
        """Return the program over the columns chosen so far."""
        chosen = np.flatnonzero(self._chosen)
        return ChosenModel(self._merged, chosen, self._asked, self._budget)

    def _helpful(self, duals: Duals, few: int | None) -> IntArray:
        """Return columns not chosen that the duals say would help.

        Args:
            duals: what rows are worth.
            few: how many of a class; None for all that do and all that nearly would.
        """
        merged, columns, asked = self._merged, self._merged.columns, self._asked
        worth = np.append(duals.pays, 0.0)[asked.row]
        for row, pay in zip(asked.rows, duals.others.tolist(), strict=True):
            kind, index = row.holder
            worth[asked.members[kind] == index] += pay
        brings = worth[columns.cls] * merged.factor[columns.cls, columns.pool]
        costs = duals.asks[columns.cls] * merged.speed[columns.cls, columns.pool]
        costs += duals.prices[columns.pool, columns.span] * MILLI
        costs += (duals.slots[columns.cls, columns.span] * MILLI) * merged.joint[columns.cls]
        outside = ~self._chosen & (brings > 0.0)
        helps = outside & (brings > costs * (1.0 + NOISE))
        if few is None and helps.any():
            return np.flatnonzero(outside & (brings > costs * (1.0 - NEARLY)))
        gain = np.where(helps, (brings - costs) * self._size, 0.0)
        return _best(columns.cls, gain, few or 0)

    def _as_cut(self, duals: Duals, wanted: FloatArray) -> tuple[Cut, float]:
        """Write prices down as a cut with the room that they prove, exactly.

        Returns:
            The cut, and by how much what is wanted breaks it, in the unit of the shortage.
        """
        asked = self._asked
        scaled = duals.pays * asked.scales
        paying = np.flatnonzero(scaled > FAINT * self._noise * scaled.max(initial=0.0))
        each = (duals.pays, duals.prices, np.abs(duals.others))
        unit = self._bounds.unit / max(float(part.max(initial=0.0)) for part in each)
        others = (duals.others * unit).astype(np.int64).tolist()
        cut = self._bounds.cut(
            self._kind,
            (asked.index[paying], (duals.pays[paying] * unit).astype(np.int64)),
            (duals.prices * unit).astype(np.int64),
            {row.holder: each for row, each in zip(asked.rows, others, strict=True) if each},
        )
        at = np.searchsorted(asked.index, cut.agents)
        held = float(cut.lifts @ (wanted * asked.scales)[at])
        return cut, (held - cut.room / self._grain) / unit


def _best(cls: NarrowArray, gain: FloatArray, few: int) -> IntArray:
    """Return the columns of most gain, a few of each class."""
    there = np.flatnonzero(gain > 0.0)
    order = there[np.lexsort((-gain[there], cls[there]))]
    first = np.searchsorted(cls[order], cls[order])
    return order[np.arange(order.shape[0]) - first < few]
