"""What is chosen by runs of slots, laid out slot by slot: blocks and turns find their places."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from solver.problem import FloatArray, IntArray, Shape
from solver.tiers.model import RoundModel
from solver.tiers.rounding import Bounds

CHOSEN = 0.5
"""From here on a choice is made."""
WHOLE = 1e-6
"""How far from a whole number still counts as one."""
LEAST_STEP = 12
"""Blocks that are placed at a time at least."""
Solve = Callable[[FloatArray, FloatArray], FloatArray | None]
"""Returns the best hours under bounds of all columns, choices in fractions; None without any."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chosen:
    """A round in which all is chosen but starts and turns.

    Attributes:
        low, high: ``(columns,)`` bounds of the round's program.
        blocks: ``(b,)`` funded blocks: their pools are chosen, their starts are not.
    """

    low: FloatArray
    high: FloatArray
    blocks: IntArray


def hold(model: RoundModel, low: FloatArray, high: FloatArray, chosen: FloatArray) -> Chosen:
    """Hold what is chosen by runs.

    Args:
        model: the program of the round.
        low: ``(columns,)`` least to start from.
        high: ``(columns,)`` most.
        chosen: ``(columns,)`` for each column the value of the run that it is part of.
    """
    places, low, high = model.places, low.copy(), high.copy()
    block = model.problem.shape == Shape.BLOCK
    columns, owners = model.choices()
    held = ~block[owners] & ~np.isin(columns, model.turn_columns)
    held |= np.isin(columns, model.funded)
    held = columns[held]
    low[held] = high[held] = np.clip(np.round(chosen[held]), low[held], high[held])
    starts = columns[block[owners] & ~np.isin(columns, model.turn_columns)]
    high[starts] = np.clip(np.round(chosen[starts]), low[starts], high[starts])
    for choice, columns in model.ways:
        high[columns[high[choice] < CHOSEN]] = 0.0
    out = high[model.funded] < CHOSEN
    high[places.column[out[places.request]]] = 0.0
    return Chosen(low=low, high=high, blocks=np.flatnonzero(block & ~out))


def lay_out(model: RoundModel, chosen: Chosen, solve: Solve) -> FloatArray | None:
    """Find starts and turns, the clearest first, and solve again, until none is left.

    Args:
        model: the program of the round.
        chosen: what is held.
        solve: the program with choices in fractions.
    """
    bounds = Bounds(model, chosen.low, chosen.high)
    values = solve(bounds.low, bounds.high)
    if values is None:
        return None
    for before, after, turn in model.turns:
        bounds.turn(before, after, turn, values)
    waiting = chosen.blocks
    while waiting.size:
        doubt = _doubt(model, waiting, values)
        order = np.argsort(doubt, kind="stable")
        count = max(int((doubt <= WHOLE).sum()), waiting.size // 2, LEAST_STEP)
        for request in waiting[order[:count]].tolist():
            bounds.decide(request, values, 0.0)
        waiting = waiting[order[count:]]
        values = solve(bounds.low, bounds.high)
        if values is None:
            return None
    return values


def _doubt(model: RoundModel, blocks: IntArray, values: FloatArray) -> FloatArray:
    """Return ``(b,)`` which part of each block lies elsewhere than in its best start."""
    doubt = np.zeros(blocks.size)
    for at, request in enumerate(blocks.tolist()):
        part = values[model.places.column[model.places_of(request)]]
        doubt[at] = 1.0 - part.max(initial=0.0) / max(part.sum(), WHOLE)
    return doubt
