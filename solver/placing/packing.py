"""Packing: starts of blocks whose pools and GPUs are known, so that the supply carries them.

Each block is laid where it goes least beyond the supply, the largest first. Then single blocks are
moved and pairs change places by chance, what goes further beyond being accepted ever less often
(simulated annealing: Kirkpatrick, Gelatt, Vecchi 1983).
"""

from typing import NamedTuple

import numpy as np

from solver.kernels import kernel
from solver.problem import MILLI, BoolArray, FloatArray, IntArray

MOVES = 500_000
"""Moves in one turn of annealing."""
TURNS = 12
"""Such turns at most."""
WARM, COLD = 2.0, 0.02
"""GPUs in a slot that a move may well go beyond the supply, in the beginning and in the end."""


class Blocks(NamedTuple):
    """Blocks to be laid; axis b.

    Attributes:
        hours: ``(b,)`` GPU-hours in each slot; slots: ``(b,)`` how many; pool: ``(b,)``.
        earliest, latest: ``(b,)`` starts.
    """

    hours: IntArray
    slots: IntArray
    pool: IntArray
    earliest: IntArray
    latest: IntArray


def pack(blocks: Blocks, supply: IntArray, *, slot_hours: int, seed: int) -> IntArray:
    """Return ``(b,)`` starts that go as little beyond the supply as was found.

    Args:
        blocks: to be laid.
        supply: ``(p, t)`` GPU-hours.
        slot_hours: thousandths of an hour in a slot.
        seed: of the moves.
    """
    free = supply.copy()
    start = lay(blocks, np.argsort(-blocks.hours * blocks.slots, kind="stable"), free)
    chance, hour = np.random.default_rng(seed), slot_hours / MILLI
    for _ in range(TURNS):
        if (free >= 0).all() or not start.size:
            break
        start = annealed(blocks, start, free, chance.random((MOVES, 4)), WARM * hour, COLD * hour)
        free = left(blocks, start, supply)
    return start


def left(blocks: Blocks, start: IntArray, supply: IntArray) -> IntArray:
    """Return ``(p, t)`` GPU-hours that the blocks leave; below 0 where they go beyond."""
    free = supply.copy()
    for block in range(start.size):
        slots = slice(start[block], start[block] + blocks.slots[block])
        free[blocks.pool[block], slots] -= blocks.hours[block]
    return free


def within(blocks: Blocks, start: IntArray, supply: IntArray) -> BoolArray:
    """Return ``(b,)`` blocks that stay when none may go beyond the supply: the smallest leave."""
    free, stays = left(blocks, start, supply), np.ones(start.size, dtype=np.bool_)
    for block in np.argsort(blocks.hours * blocks.slots, kind="stable").tolist():
        slots = slice(start[block], start[block] + blocks.slots[block])
        if (free[blocks.pool[block], slots] < 0).any():
            free[blocks.pool[block], slots] += blocks.hours[block]
            stays[block] = False
    return stays


@kernel
def lay(blocks: Blocks, order: IntArray, free: IntArray) -> IntArray:
    """Lay blocks one after the other where they go least beyond, then where most is left.

    Args:
        blocks: to be laid.
        order: ``(b,)``.
        free: ``(p, t)`` GPU-hours left; changed.
    """
    start = np.zeros(order.size, dtype=np.int64)
    for block in order:
        pool, hours = blocks.pool[block], blocks.hours[block]
        best, least, most = blocks.earliest[block], -1, 0
        for first in range(blocks.earliest[block], blocks.latest[block] + 1):
            beyond, room = 0, free[pool, first]
            for slot in range(first, first + blocks.slots[block]):
                beyond += max(hours - max(free[pool, slot], 0), 0)
                room = min(room, free[pool, slot])
            if least < 0 or beyond < least or (beyond == least and room > most):
                best, least, most = first, beyond, room
        start[block] = best
        free[pool, best : best + blocks.slots[block]] -= hours
    return start


@kernel
def annealed(  # noqa: PLR0913, PLR0917 - a kernel takes arrays and numbers
    blocks: Blocks,
    start: IntArray,
    free: IntArray,
    chance: FloatArray,
    warm: float,
    cold: float,
) -> IntArray:
    """Move blocks by chance; return the starts that went least beyond.

    Args:
        blocks: to be laid.
        start: ``(b,)`` where they lie.
        free: ``(p, t)`` GPU-hours left there; changed.
        chance: ``(m, 4)`` numbers from 0 to 1: a row is who moves, whether with another one, where
            to or with whom, and whether it is accepted.
        warm: GPU-hours beyond that are accepted e times more seldom than none, to begin with.
        cold: the same in the end.
    """
    count, moves = start.size, chance.shape[0]
    start, best, reached, least = start.copy(), start.copy(), 0, 0
    other = 0
    for move in range(moves):
        one, to = int(chance[move, 0] * count), 0
        swaps = chance[move, 1] < 0.5  # noqa: PLR2004 - as often as not
        if swaps:
            other = int(chance[move, 2] * count)
            to = start[other]
            fits = blocks.pool[other] == blocks.pool[one]
            fits = fits and blocks.earliest[other] <= start[one] <= blocks.latest[other]
            fits = fits and blocks.earliest[one] <= to <= blocks.latest[one]
        else:
            span = blocks.latest[one] - blocks.earliest[one] + 1
            to = blocks.earliest[one] + int(chance[move, 2] * span)
            fits = True
        came = start[one]
        if not fits or to == came:
            continue
        change = shift(blocks, free, one, came, to)
        if swaps:
            change += shift(blocks, free, other, to, came)
        heat = warm * (cold / warm) ** (move / moves)
        if change <= 0 or chance[move, 3] < np.exp(-change / heat):
            start[one] = to
            if swaps:
                start[other] = came
            reached += change
            if reached < least:
                least = reached
                best[:] = start
        else:
            shift(blocks, free, one, to, came)
            if swaps:
                shift(blocks, free, other, came, to)
    return best


@kernel
def shift(blocks: Blocks, free: IntArray, block: int, came: int, to: int) -> int:
    """Move a block; return by how many GPU-hours more the supply is exceeded.

    Args:
        blocks: of it.
        free: ``(p, t)`` GPU-hours left; changed.
        block: index.
        came: where it starts.
        to: where it is to start.
    """
    pool, hours, change = blocks.pool[block], blocks.hours[block], 0
    for slot in range(came, came + blocks.slots[block]):
        change -= max(-free[pool, slot], 0) - max(-free[pool, slot] - hours, 0)
        free[pool, slot] += hours
    for slot in range(to, to + blocks.slots[block]):
        change += max(hours - free[pool, slot], 0) - max(-free[pool, slot], 0)
        free[pool, slot] -= hours
    return change
