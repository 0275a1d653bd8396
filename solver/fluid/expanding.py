"""A division of the merged round spread back over requests and slots."""

import numpy as np

from solver.checking.levels import EXACT
from solver.fluid.merging import Merged, slot_limit
from solver.kernels import kernel
from solver.problem import MILLI, NO_CAP, BoolArray, FloatArray, IntArray, NarrowArray, Problem

AMOUNTS = 2
"""Thousandths that the rounding of amounts takes; the checker allows as many."""


def expand(problem: Problem, merged: Merged, hours: IntArray, most: IntArray) -> IntArray:
    """Spread a division of the merged round back over requests and slots.

    Every member takes its part, rounded down; what rounding left over is then handed out again
    where supply, slot, ask and `most` leave room. A fellow whom that leaves more than rounding
    short had hours in a column too few to count: then those columns take part, too.

    Args:
        problem: the round.
        merged: what `merge` made of it.
        hours: ``(k,)`` thousandths of a GPU-hour in each column.
        most: ``(f,)`` thousandths of the unit that no fellow exceeds by rounding.

    Returns:
        ``(n, 4)`` request, pool, slot, thousandths of a GPU-hour; sorted, positive.
    """
    rows, left = _rounded(problem, merged, hours, most, hours > 0)
    short = -(-left // MILLI) > _lost(problem, rows) + most // EXACT
    short = short[merged.fellow[merged.columns.cls]]
    if short.any():
        rows, _ = _rounded(problem, merged, hours, most, short | (hours > 0))
    rows = rows[rows[:, 3] > 0]
    for axis, size in ((2, problem.slots), (1, problem.pools), (0, problem.requests)):
        rows = _by_axis(rows, axis, size)
    return rows


def _rounded(
    problem: Problem, merged: Merged, hours: IntArray, most: IntArray, used: BoolArray
) -> tuple[IntArray, IntArray]:
    """Return the rows of the used columns, and what each fellow has less than `most` in them.

    What is missing counts in millionths of the unit; where there is no cap, nothing is.
    """
    rows = _spread(merged, np.flatnonzero(used), hours)
    left = np.where(most == NO_CAP, np.iinfo(np.int64).max // MILLI, most) * MILLI
    _top_up(
        rows,
        np.ascontiguousarray(problem.supply).copy(),
        np.ascontiguousarray(problem.speed),
        np.ascontiguousarray(problem.factor),
        problem.ask,
        slot_limit(problem),
        merged.joint,
        merged.cls,
        problem.fellow,
        left,
    )
    return rows, np.where(most == NO_CAP, 0, left)


def _lost(problem: Problem, rows: IntArray) -> FloatArray:
    """Return how many thousandths each fellow may have lost by the rounding of its rows."""
    factors = problem.factor[rows[:, 0], rows[:, 1]]
    lost = np.bincount(problem.fellow[rows[:, 0]], factors, minlength=problem.fellows)
    return np.asarray(lost // MILLI + AMOUNTS)


def _spread(merged: Merged, used: IntArray, hours: IntArray) -> IntArray:
    """Give every member of every used column its part of each slot, rounded down.

    Returns:
        ``(n, 4)`` rows, those of a request in a slot one after the other.
    """
    members = np.argsort(merged.cls, kind="stable")
    slots = np.argsort(merged.span, kind="stable")
    columns = merged.columns
    return _parts(
        used,
        hours,
        columns.cls,
        columns.pool,
        columns.span,
        members,
        np.searchsorted(merged.cls[members], np.arange(merged.classes + 1)),
        slots,
        np.searchsorted(merged.span[slots], np.arange(merged.spans + 1)),
        merged.part,
        merged.whole,
    )


@kernel
def _parts(  # noqa: PLR0913, PLR0917 - arrays of one round
    used: IntArray,
    hours: IntArray,
    cls: NarrowArray,
    pool: NarrowArray,
    span: NarrowArray,
    members: IntArray,
    member_start: IntArray,
    slots: IntArray,
    slot_start: IntArray,
    part: IntArray,
    whole: IntArray,
) -> IntArray:
    """Write the rows; columns are sorted by class, span and pool."""
    count = 0
    for k in used:
        who = member_start[cls[k] + 1] - member_start[cls[k]]
        count += who * (slot_start[span[k] + 1] - slot_start[span[k]])
    rows = np.empty((count, 4), dtype=np.int64)
    n = 0
    first = 0
    while first < used.shape[0]:
        c, s = cls[used[first]], span[used[first]]
        end = first
        while end < used.shape[0] and cls[used[end]] == c and span[used[end]] == s:
            end += 1
        length = slot_start[s + 1] - slot_start[s]
        for m in range(member_start[c], member_start[c + 1]):
            for t in range(slot_start[s], slot_start[s + 1]):
                for k in used[first:end]:
                    rows[n, 0] = members[m]
                    rows[n, 1] = pool[k]
                    rows[n, 2] = slots[t]
                    rows[n, 3] = _share(hours[k], part[members[m]], whole[c] * length)
                    n += 1
        first = end
    return rows


@kernel
def _share(total: int, part: int, whole: int) -> int:
    """Return ``total · part / whole`` rounded down, exactly.

    The quotient is guessed in floating point; products wrap around in 64 bits, but the remainder
    that they leave is small and so comes out right.
    """
    quotient, rest = divmod(total, whole)
    guess = int(float(rest) * float(part) / float(whole))
    left = rest * part - guess * whole
    while left < 0:
        guess -= 1
        left += whole
    while left >= whole:
        guess += 1
        left -= whole
    return quotient * part + guess


@kernel
def _by_axis(rows: IntArray, axis: int, size: int) -> IntArray:
    """Return rows sorted by one of their columns, by counting; equals keep their order."""
    start = np.zeros(size + 1, dtype=np.int64)
    for n in range(rows.shape[0]):
        start[rows[n, axis] + 1] += 1
    for value in range(size):
        start[value + 1] += start[value]
    ordered = np.empty_like(rows)
    for n in range(rows.shape[0]):
        at = start[rows[n, axis]]
        start[rows[n, axis]] += 1
        for column in range(4):
            ordered[at, column] = rows[n, column]
    return ordered


@kernel
def _top_up(  # noqa: PLR0913, PLR0917 - arrays of one round
    rows: IntArray,
    supply: IntArray,
    speed: IntArray,
    factor: IntArray,
    ask: IntArray,
    limit: IntArray,
    joint: BoolArray,
    cls: IntArray,
    fellow: IntArray,
    most: IntArray,
) -> None:
    """Hand out in place what rounding left over; rows are sorted by request and slot."""
    asked = ask * 1000
    for n in range(rows.shape[0]):
        r, p, t, hours = rows[n]
        supply[p, t] -= hours
        asked[r] -= hours * speed[r, p]
        most[fellow[r]] -= hours * factor[r, p]
    start = 0
    for n in range(rows.shape[0]):
        r, p, t, hours = rows[n]
        if rows[start, 0] != r or rows[start, 2] != t:
            start = n
        used = hours
        if joint[cls[r]]:
            used = 0
            m = start
            while m < rows.shape[0] and rows[m, 0] == r and rows[m, 2] == t:
                used += rows[m, 3]
                m += 1
        room = min(limit[r] - used, supply[p, t])
        room = min(room, asked[r] // speed[r, p], most[fellow[r]] // factor[r, p])
        if room > 0:
            rows[n, 3] += room
            supply[p, t] -= room
            asked[r] -= room * speed[r, p]
            most[fellow[r]] -= room * factor[r, p]
