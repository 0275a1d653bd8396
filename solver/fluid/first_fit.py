"""Where wanted amounts find room first: the columns that a linear program starts from."""

import numpy as np

from solver.fluid.merging import Merged
from solver.kernels import kernel
from solver.problem import BoolArray, FloatArray, IntArray, NarrowArray

WANTED, SUPPLY, ASK, MOST, LIMIT = 1, 2, 3, 4, 5
"""What ends a step: the amount wanted, the supply, the ask, the column's most, the slot limit."""


def first_fit(merged: Merged, agent: IntArray, wanted: FloatArray, useful: BoolArray) -> IntArray:
    """Let classes take what they want one by one; say what ends each step.

    Who can run in the fewest pools comes first, then whose window ends first, then who asks for
    most of what its slots allow. Every step fills one row up, so that the columns and what ended
    them are a basis.

    Args:
        merged: the round.
        agent: ``(c,)`` whose amount each class adds to.
        wanted: thousandths of the unit that each agent asks for.
        useful: ``(k,)`` columns that may be taken at all.

    Returns:
        ``(k,)`` `WANTED`, `SUPPLY`, `ASK`, `MOST` or `LIMIT`; 0 where nothing is taken.
    """
    columns = merged.columns
    start = np.searchsorted(columns.cls, np.arange(merged.classes + 1))
    before = np.append(0, np.cumsum(merged.span_slots))
    window = before[merged.end] - before[merged.first]
    asked = merged.ask / (np.maximum(merged.limit, 1) * window)
    open_: BoolArray = np.zeros(merged.speed.shape, dtype=np.bool_)
    open_[columns.cls[useful], columns.pool[useful]] = True
    return _taken(
        np.lexsort((-asked, merged.end, open_.sum(axis=1))),
        start,
        columns.pool,
        columns.span,
        columns.most.astype(np.float64),
        merged.factor[columns.cls, columns.pool] / 1000.0,
        merged.speed[columns.cls, columns.pool] / 1000.0,
        merged.supply.astype(np.float64),
        (merged.limit[columns.cls] * merged.span_slots[columns.span]).astype(np.float64),
        merged.ask.astype(np.float64),
        merged.joint,
        agent,
        wanted.copy(),
        useful,
    )


@kernel
def _taken(  # noqa: PLR0913, PLR0917 - arrays of one round
    order: IntArray,
    start: IntArray,
    pool: NarrowArray,
    span: NarrowArray,
    most: FloatArray,
    factor: FloatArray,
    speed: FloatArray,
    supply: FloatArray,
    limit: FloatArray,
    ask: FloatArray,
    joint: BoolArray,
    agent: IntArray,
    wanted: FloatArray,
    useful: BoolArray,
) -> IntArray:
    """Let class after class take what its agent still wants, in the order of its columns."""
    ends = np.zeros(pool.shape[0], dtype=np.int64)
    for c in order:
        left = ask[c]
        room = 0.0
        last = -1
        for k in range(start[c], start[c + 1]):
            if not useful[k]:
                continue
            if span[k] != last or not joint[c]:
                last = span[k]
                room = limit[k]
            free = supply[pool[k], span[k]]
            asked, missing = left / speed[k], wanted[agent[c]] / factor[k]
            hours = min(most[k], room, free, asked, missing)
            if hours <= 0.0:
                continue
            supply[pool[k], span[k]] = free - hours if hours < free else 0.0
            room = room - hours if hours < room else 0.0
            left = left - hours * speed[k] if hours < asked else 0.0
            wanted[agent[c]] = wanted[agent[c]] - hours * factor[k] if hours < missing else 0.0
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
    return ends
