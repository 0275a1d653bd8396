"""Filling up together below a set of cuts, in floating point: where each agent would stop.

The weighted leximin of everything that some inequalities Σ lift·amount ≤ room allow: everyone
rises together, whoever a full inequality blocks stays, the others go on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from solver.kernels import kernel
from solver.problem import BoolArray, FloatArray, IntArray, NarrowArray

FIRM = 1e-4
"""A lift smaller than the cut's largest by more than this factor blocks nobody yet."""
EQUAL = 1e-15
"""Part of a room or a level that is rounding."""
STEPS = 60
"""Newton steps on a level; far fewer are taken."""
LATER = 1e300
"""Stands for the level of a row that is full somewhere beyond what is asked for."""

Row: TypeAlias = tuple[NarrowArray, FloatArray]
"""Agents of a row, and their lifts."""
Limits: TypeAlias = tuple[FloatArray, FloatArray, FloatArray]
"""Weights, least and most amounts of all agents."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Inequalities in rows: row c has the entries ``start[c] : start[c + 1]``.

    Attributes:
        start: ``(c + 1,)``; agent: ``(n,)``; lift: ``(n,)``; room: ``(c,)``.
    """

    start: IntArray
    agent: NarrowArray
    lift: FloatArray
    room: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Filled:
    """Where everyone stops.

    Attributes:
        amount: ``(n,)``.
        event: ``(n,)`` the event that blocks an agent, -1 for who has all it can take.
        row, level: ``(events,)`` inequality and level of each event, levels ascending.
        ended: whether no row is full beyond the last event.
    """

    amount: FloatArray
    event: IntArray
    row: IntArray
    level: FloatArray
    ended: bool


def rows_of(
    agents: Sequence[IntArray], lifts: Sequence[IntArray | FloatArray], rooms: Sequence[float]
) -> Rows:
    """Put inequalities below each other."""
    start = np.zeros(len(agents) + 1, dtype=np.int64)
    np.cumsum([each.shape[0] for each in agents], out=start[1:])
    if not agents:
        return Rows(
            start=start, agent=np.zeros(0, dtype=np.int32), lift=np.zeros(0), room=np.zeros(0)
        )
    return Rows(
        start=start,
        agent=np.concatenate(agents, dtype=np.int32, casting="same_kind"),
        lift=np.concatenate(lifts, dtype=np.float64),
        room=np.array(rooms, dtype=np.float64),
    )


def fill(
    rows: Rows, weight: FloatArray, low: FloatArray, high: FloatArray, until: float = np.inf
) -> Filled:
    """Raise everyone together below the rows.

    Args:
        rows: what binds; used up: whoever is frozen leaves them, with what it has.
        weight: ``(n,)`` non-negative; who has 0 stays at `low`.
        low: ``(n,)`` where each starts.
        high: ``(n,)`` where each stops.
        until: level of the last events that are looked for; who is not blocked there is left at
            `high`.
    """
    moving = (weight > 0) & (low < high)
    amount, event, row, level, ended = _fill(
        rows.start, rows.agent, rows.lift, rows.room, weight, low, high, moving, until
    )
    return Filled(amount=amount, event=event, row=row, level=level, ended=ended)


@kernel
def _fill(  # noqa: PLR0913, PLR0917 - arrays of one round
    start: IntArray,
    agent: NarrowArray,
    lift: FloatArray,
    room: FloatArray,
    weight: FloatArray,
    low: FloatArray,
    high: FloatArray,
    moving: BoolArray,
    until: float,
) -> tuple[FloatArray, IntArray, IntArray, FloatArray, bool]:
    """Freeze row after row; a row's level is worked out anew when it comes to be the lowest."""
    agents, rows = weight.shape[0], room.shape[0]
    free = moving.copy()
    amount = low.copy()
    event = np.full(agents, -1, dtype=np.int64)
    reaches = np.zeros(rows, dtype=np.float64)
    known_at = np.full(rows, -1, dtype=np.int64)
    end, close = start[1:].copy(), EQUAL * room
    event_row = np.empty(agents, dtype=np.int64)
    event_level = np.empty(agents, dtype=np.float64)
    events = 0
    last = 0.0
    limits = weight, low, high
    ended = True
    while rows:
        c = int(np.argmin(reaches))
        if reaches[c] == np.inf:
            break
        if known_at[c] < events:
            known_at[c] = events
            row = agent[start[c] : end[c]], lift[start[c] : end[c]]
            rising, fixed = _let_go(row, free, amount)
            end[c] = start[c] + rising
            room[c] -= fixed
            row = agent[start[c] : end[c]], lift[start[c] : end[c]]
            reaches[c] = _level(row, limits, room[c], close[c], max(last, reaches[c]), until)
            continue
        if reaches[c] > until:
            ended = False
            break
        last = max(last, reaches[c])
        row = agent[start[c] : end[c]], lift[start[c] : end[c]]
        if not _freeze(row, limits, free, amount, event, last, events):
            reaches[c] = np.inf
            continue
        event_row[events] = c
        event_level[events] = last
        events += 1
    for a in range(agents):
        if free[a]:
            amount[a] = high[a]
    return amount, event, event_row[:events], event_level[:events], ended


@kernel
def _let_go(row: Row, free: BoolArray, amount: FloatArray) -> tuple[int, float]:
    """Move who is free to the front of a row; return how many, and what the others hold in it."""
    agent, lift = row
    rising, fixed = 0, 0.0
    for k in range(agent.shape[0]):
        a = agent[k]
        if free[a]:
            agent[rising], lift[rising] = a, lift[k]
            rising += 1
        else:
            fixed += lift[k] * amount[a]
    return rising, fixed


@kernel
def _freeze(  # noqa: PLR0913, PLR0917 - arrays of one round
    row: Row,
    limits: Limits,
    free: BoolArray,
    amount: FloatArray,
    event: IntArray,
    level: float,
    now: int,
) -> bool:
    """Freeze whom a full row blocks; say whether there was anybody."""
    agent, lift = row
    weight, low, high = limits
    top = 0.0
    for k in range(agent.shape[0]):
        a = agent[k]
        if free[a] and weight[a] * level < high[a]:
            top = max(top, lift[k] * high[a])
    for k in range(agent.shape[0]):
        a = agent[k]
        if free[a] and weight[a] * level < high[a] and lift[k] * high[a] >= top * FIRM:
            free[a] = False
            amount[a] = max(low[a], weight[a] * level)
            event[a] = now
    return top > 0.0


@kernel
def _level(  # noqa: PLR0913, PLR0917 - a row, and what is known of it
    row: Row, limits: Limits, room: float, close: float, last: float, until: float
) -> float:
    """Return the highest level that a row allows, not below `last`; infinite if any.

    Newton on a piecewise linear function that grows; bends inwards (least amounts) could make it
    jump too far, and to and fro for ever, so it stays strictly inside a bracket. Beyond `until` it
    is `LATER`.
    """
    agent, lift = row
    weight, _, high = limits
    most = 0.0
    full = 0.0
    for k in range(agent.shape[0]):
        a = agent[k]
        most += lift[k] * high[a]
        full = max(full, high[a] / weight[a])
    if most <= room:
        return np.inf
    if until < full and _reached(row, limits, until)[0] < room:
        return LATER
    below, above = last, max(full, last)
    level = last
    for _ in range(STEPS):
        sum_, slope = _reached(row, limits, level)
        over = sum_ - room
        if over > 0.0:
            above = level
        else:
            below = level
        step = level - over / slope if slope > 0.0 else -1.0
        if abs(over) <= close or step == level or above - below <= EQUAL * above:
            break
        level = step if below < step < above else below + (above - below) / 2.0
    return max(level, last)


@kernel
def _reached(row: Row, limits: Limits, level: float) -> tuple[float, float]:
    """Return what a row takes at a level, and how fast that grows there."""
    agent, lift = row
    weight, low, high = limits
    sum_, slope = 0.0, 0.0
    for k in range(agent.shape[0]):
        a = agent[k]
        wanted = weight[a] * level
        if low[a] <= wanted < high[a]:
            slope += lift[k] * weight[a]
        sum_ += lift[k] * min(high[a], max(low[a], wanted))
    return sum_, slope
