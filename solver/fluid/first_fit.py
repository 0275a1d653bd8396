"""Where wanted amounts find room first: the columns that a linear program starts from."""

from typing import NamedTuple

import numpy as np

from solver.fluid.merging import Merged
from solver.kernels import kernel
from solver.problem import MILLI, BoolArray, FloatArray, IntArray, NarrowArray

WANTED, SUPPLY, ASK, MOST, LIMIT = 1, 2, 3, 4, 5
"""What ends a step: the amount wanted, the supply, the ask, the column's most, the slot limit."""


class Places(NamedTuple):
    """The columns of the merged round before those who ask.

    Attributes:
        start: ``(c + 1,)`` columns of each class; agent: ``(c,)`` whose amount it adds to.
        cell: ``(k,)`` pool and span as one index; slot: ``(k,)`` first of the columns that share
            the column's slot limit.
        factor, speed: ``(k,)`` per hour; limit: ``(k,)`` hours that slots allow.
        useful: ``(k,)`` columns that may be taken at all.
        supply: ``(cells,)`` hours.
    """

    start: IntArray
    agent: IntArray
    cell: NarrowArray
    slot: NarrowArray
    factor: FloatArray
    speed: FloatArray
    limit: FloatArray
    useful: BoolArray
    supply: FloatArray


class Fitted(NamedTuple):
    """What has been taken so far; changes in place.

    Attributes:
        ends: ``(k,)`` `WANTED`, `SUPPLY`, `ASK`, `MOST` or `LIMIT` where first fit took; else 0.
        hours: ``(k,)`` thousandths of a GPU-hour.
        free: ``(cells,)`` what is left of the supply; room: ``(k,)`` of slot limits, at `slot`.
        asks: ``(c,)`` and missing: ``(a,)`` what is left of asks and amounts.
    """

    ends: NarrowArray
    hours: FloatArray
    free: FloatArray
    room: FloatArray
    asks: FloatArray
    missing: FloatArray


def first_fit(
    merged: Merged, agent: IntArray, wanted: FloatArray, useful: BoolArray
) -> tuple[Places, Fitted]:
    """Let classes take what they want one by one; say what ends each step.

    Who can run in the fewest pools comes first, then whose window ends first, then who asks for
    most of what its slots allow. Every step fills one row up, so that the columns and what ended
    them are a basis.

    Args:
        merged: the round.
        agent: ``(c,)`` whose amount each class adds to.
        wanted: thousandths of the unit that each agent asks for.
        useful: ``(k,)`` columns that may be taken at all.
    """
    columns = merged.columns
    places = _places(
        np.searchsorted(columns.cls, np.arange(merged.classes + 1)),
        agent,
        columns.pool,
        columns.span,
        merged.factor / MILLI,
        merged.speed / MILLI,
        merged.limit,
        merged.span_slots,
        merged.joint,
        useful,
        merged.supply.astype(np.float64),
    )
    count = useful.shape[0]
    fitted = Fitted(
        ends=np.zeros(count, dtype=np.int32),
        hours=np.zeros(count),
        free=places.supply.copy(),
        room=places.limit.copy(),
        asks=merged.ask.astype(np.float64),
        missing=wanted.copy(),
    )
    before = np.append(0, np.cumsum(merged.span_slots))
    window = before[merged.end] - before[merged.first]
    asked = merged.ask / (np.maximum(merged.limit, 1) * window)
    order = np.lexsort((-asked, merged.end, _open_pools(places, columns.pool, merged.speed)))
    _take(order, places, columns.most, fitted)
    return places, fitted


@kernel
def _places(  # noqa: PLR0913, PLR0917 - arrays of one round
    start: IntArray,
    agent: IntArray,
    pool: NarrowArray,
    span: NarrowArray,
    factor: FloatArray,
    speed: FloatArray,
    limit: IntArray,
    span_slots: IntArray,
    joint: BoolArray,
    useful: BoolArray,
    supply: FloatArray,
) -> Places:
    """Look up what each column is; `factor` and `speed` are ``(c, p)``, `limit` is of a slot."""
    count, spans = pool.shape[0], supply.shape[1]
    narrow = np.empty((2, count), dtype=np.int32)
    wide = np.empty((3, count), dtype=np.float64)
    for c in range(agent.shape[0]):
        first = start[c]
        for k in range(start[c], start[c + 1]):
            if span[k] != span[first] or not joint[c]:
                first = k
            narrow[0, k] = pool[k] * spans + span[k]
            narrow[1, k] = first
            wide[0, k] = factor[c, pool[k]]
            wide[1, k] = speed[c, pool[k]]
            wide[2, k] = limit[c] * span_slots[span[k]]
    return Places(
        start,
        agent,
        narrow[0],
        narrow[1],
        wide[0],
        wide[1],
        wide[2],
        useful,
        supply.reshape(-1),
    )


@kernel
def _open_pools(places: Places, pool: NarrowArray, speed: IntArray) -> IntArray:
    """Return ``(c,)`` in how many pools a class has a column that may be taken."""
    count = np.zeros(speed.shape[0], dtype=np.int64)
    last = np.full(speed.shape[1], -1, dtype=np.int64)
    for c in range(speed.shape[0]):
        for k in range(places.start[c], places.start[c + 1]):
            if places.useful[k] and last[pool[k]] != c:
                last[pool[k]] = c
                count[c] += 1
    return count


@kernel
def _take(order: IntArray, places: Places, most: IntArray, fitted: Fitted) -> None:
    """Let class after class take what its agent still wants, in the order of its columns."""
    start, cell, slot, factor, speed = (
        places.start,
        places.cell,
        places.slot,
        places.factor,
        places.speed,
    )
    ends, taken, supply, rooms, asks, wanted = fitted
    for c in order:
        a = places.agent[c]
        for k in range(start[c], start[c + 1]):
            if not places.useful[k]:
                continue
            room, free = rooms[slot[k]], supply[cell[k]]
            asked, missing = asks[c] / speed[k], wanted[a] / factor[k]
            hours = min(float(most[k]), room, free, asked, missing)
            if hours <= 0.0:
                continue
            taken[k] = hours
            supply[cell[k]] = free - hours if hours < free else 0.0
            rooms[slot[k]] = room - hours if hours < room else 0.0
            asks[c] = asks[c] - hours * speed[k] if hours < asked else 0.0
            wanted[a] = wanted[a] - hours * factor[k] if hours < missing else 0.0
            if hours == most[k]:
                ends[k] = MOST
            elif hours == missing:
                ends[k] = WANTED
            elif hours == free:
                ends[k] = SUPPLY
            elif hours == asked:
                ends[k] = ASK
            else:
                ends[k] = LIMIT
