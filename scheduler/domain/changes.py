"""What an award holds over time: its publication is the first change, and nothing is overwritten.

The cells beside an award are a cache; `fold_cells` derives them again from the changes.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from scheduler.domain.amounts import MILLI
from scheduler.domain.awards import Award, Cell
from scheduler.domain.requests import Ask


class AwardChangeKind(StrEnum):
    """Why the cells of an award are others than before."""

    GRANTED = "granted"
    """Published; what it held first."""
    RETURNED = "returned"
    """Given back by its fellow, or declined."""
    LAPSED = "lapsed"
    """An offer that nobody answered in time."""
    RECLAIMED = "reclaimed"
    """Taken back unused, by a rule."""
    ADJUSTED = "adjusted"
    """Given from the director's reserve or taken there, by two people."""
    SUPPLEMENTED = "supplemented"
    """Given more, after a request or an appeal."""
    EXTENDED = "extended"
    """Hours of passed slots were given again in later ones."""
    ADVANCED = "advanced"
    """Hours of later slots were given in earlier ones."""
    HANDED_ON = "handed_on"
    """Handed to another award of the group."""
    RECEIVED = "received"
    """Handed over by another award of the group."""
    MOVED = "moved"
    """Lies elsewhere after a reallocation."""
    CUT = "cut"
    """Lost hours that the supply no longer carries, by a rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwardChange:
    """GPU-hours per pool and slot that an award got or lost; never changed.

    Attributes:
        cells: more than 0 where it got hours, less where it lost them.
        gpu_hours: thousandths of reference GPU-hours that it holds more, or less if negative.
        event: position in the log of what caused it.
    """

    id: str
    award: str
    kind: AwardChangeKind
    cells: tuple[Cell, ...]
    gpu_hours: int
    reason: str
    by: str
    at: datetime
    event: int


def fold_cells(*parts: Iterable[Cell]) -> tuple[Cell, ...]:
    """Add up cells by slot and pool; what adds up to nothing is left out."""
    total: Counter[tuple[int, str]] = Counter()
    for part in parts:
        for cell in part:
            total[cell.slot, cell.pool] += cell.gpu_hours
    return tuple(
        Cell(pool=pool, slot=slot, gpu_hours=hours)
        for (slot, pool), hours in sorted(total.items())
        if hours
    )


def negative(cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """Return cells as a change that takes them."""
    return tuple(replace(cell, gpu_hours=-cell.gpu_hours) for cell in cells)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """An award and what its hours are worth to its request.

    Attributes:
        ask: what was submitted; its speeds, gang and most GPUs bound what can be given.
        gpu_types: GPU type of each pool of the call.
        slot_hours: thousandths of an hour in a slot.
    """

    award: Award
    ask: Ask
    gpu_types: Mapping[str, str]
    slot_hours: int

    def reference(self, cells: Iterable[Cell]) -> int:
        """Return what cells stand for, in thousandths of reference GPU-hours."""
        return sum(cell.gpu_hours * self.ask.speeds.get(cell.pool, MILLI) for cell in cells)

    def since(self, slot: int) -> tuple[Cell, ...]:
        """Return the cells from a slot on."""
        return tuple(cell for cell in self.award.cells if cell.slot >= slot)

    def take(self, gpu_hours: int, gpu_type: str, *, since: int) -> tuple[Cell, ...]:
        """Return which cells go when GPU-hours of a GPU type are taken off: the latest first.

        Only whole gang-hours go, and only from a slot on, never more than asked; it may be less.
        """
        return self._take(self.since(since), gpu_hours, gpu_type)

    def past(self, gpu_hours: int, gpu_type: str, *, before: int) -> tuple[Cell, ...]:
        """Return which cells of passed slots stand for GPU-hours of a GPU type: the latest first.

        Only whole gang-hours; it may be less.
        """
        over = tuple(cell for cell in self.award.cells if cell.slot < before)
        return self._take(over, gpu_hours, gpu_type)

    def _take(self, cells: tuple[Cell, ...], gpu_hours: int, gpu_type: str) -> tuple[Cell, ...]:
        worth = {pool: 1 for pool, type_ in self.gpu_types.items() if type_ == gpu_type}
        return tuple(_latest_first(cells, worth, gpu_hours, self.ask.gang_gpus))

    def take_down_to(self, held: int, *, since: int) -> tuple[Cell, ...]:
        """Return which cells go so that what is left still covers what is held.

        Less than a gang-hour may be left over: an award is rounded in favour of its fellow.

        Args:
            held: thousandths of reference GPU-hours.
            since: no earlier slot is touched.
        """
        gone = self.reference(self.award.cells) - held
        worth = {pool: self.ask.speeds.get(pool, MILLI) for pool in self.gpu_types}
        return tuple(_latest_first(self.since(since), worth, gone, self.ask.gang_gpus))

    def give(
        self, gpu_hours: int, gpu_type: str, room: Mapping[tuple[int, str], int]
    ) -> tuple[Cell, ...]:
        """Return which cells come when GPU-hours of a GPU type are given: the earliest first.

        Only whole gang-hours come, on pools the request can use, never more GPUs at once than it
        can use and never more than asked; it may be less.

        Args:
            gpu_hours: how many.
            gpu_type: of which kind.
            room: whole GPU-hours that are free, by slot and pool.
        """
        usable = {
            place: free
            for place, free in room.items()
            if place[1] in self.ask.speeds and self.gpu_types.get(place[1]) == gpu_type
        }
        return tuple(self._earliest_first(usable, gpu_hours))

    def changed(self, change: AwardChange) -> Award:
        """Return the award after a change.

        Raises:
            ValueError: If the change takes what is not there.
        """
        cells = fold_cells(self.award.cells, change.cells)
        if any(cell.gpu_hours < 0 for cell in cells):
            raise ValueError("A change takes hours that the award does not hold.")
        changed = replace(self.award, cells=cells, version=self.award.version + 1)
        if change.kind in WRITTEN_APART:
            return changed
        return replace(changed, changed=self.award.changed + change.gpu_hours)

    def gained(self, cells: tuple[Cell, ...]) -> int:
        """Return how much more is held after a change of cells, in thousandths.

        What is held never exceeds what the cells stand for, nor grows by more than came.
        """
        got, held = self.reference(cells), self.award.held
        after = self.reference(fold_cells(self.award.cells, cells))
        return min(held + max(got, 0), after) - held

    def _earliest_first(
        self, room: Mapping[tuple[int, str], int], gpu_hours: int
    ) -> Iterator[Cell]:
        gang, left = self.ask.gang_gpus, gpu_hours
        at_once: Counter[int] = Counter()
        for cell in self.award.cells:
            at_once[cell.slot] += cell.gpu_hours
        most = None if self.ask.max_gpus is None else self.ask.max_gpus * self.slot_hours // MILLI
        for (slot, pool), free in sorted(room.items()):
            open_ = free if most is None else min(free, most - at_once[slot])
            gangs = min(open_, left) // gang
            if gangs > 0:
                at_once[slot] += gangs * gang
                left -= gangs * gang
                yield Cell(pool=pool, slot=slot, gpu_hours=gangs * gang)


WRITTEN_APART: Final = frozenset({AwardChangeKind.GRANTED, AwardChangeKind.RETURNED})
"""Kinds whose amount stands in a field of its own beside the award."""


def _latest_first(
    cells: Iterable[Cell], worth: Mapping[str, int], amount: int, gang: int
) -> Iterator[Cell]:
    """Yield the whole gang-hours that go until nothing more fits into the amount."""
    left = amount
    for cell in sorted(cells, key=lambda each: (each.slot, each.pool), reverse=True):
        each = worth.get(cell.pool, 0) * gang
        gangs = min(cell.gpu_hours // gang, max(left, 0) // each) if each else 0
        if gangs:
            left -= gangs * each
            yield replace(cell, gpu_hours=gangs * gang)
