"""What is chosen by runs of slots, laid out slot by slot: blocks find their starts."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from solver.problem import FloatArray, IntArray, Shape
from solver.tiers.model import RoundModel
from solver.tiers.places import touched
from solver.tiers.program import Effort
from solver.tiers.relaxation import Relaxation
from solver.tiers.rounding import Bounds

CHOSEN = 0.5
"""From here on a choice is made."""
WHOLE = 1e-6
"""How far from a whole number still counts as one."""
SQUEEZED = 1e-3
"""What a part of a block counts where blocks and constants leave it no room."""
Solve = Callable[[FloatArray, FloatArray], FloatArray | None]
"""Returns the best hours under bounds of all columns, choices in fractions; None without any."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chosen:
    """A round in which all is chosen but starts.

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
        chosen: ``(columns,)`` a solution by runs.
    """
    places, low, high = model.places, low.copy(), high.copy()
    block = model.problem.shape == Shape.BLOCK
    columns, owners = model.choices()
    held = ~block[owners] | np.isin(columns, model.funded) | np.isin(columns, model.turn_columns)
    held = columns[held]
    low[held] = high[held] = np.clip(np.round(chosen[held]), low[held], high[held])
    _hold_pools(model, high, chosen)
    for choice, columns in model.ways:
        high[columns[high[choice] < CHOSEN]] = 0.0
    out = high[model.funded] < CHOSEN
    high[places.column[out[places.request]]] = 0.0
    return Chosen(low=low, high=high, blocks=np.flatnonzero(block & ~out))


def _hold_pools(model: RoundModel, high: FloatArray, chosen: FloatArray) -> None:
    """Leave blocks to the pools and the steps chosen; when they start is free."""
    places, pools = model.places, model.problem.pools
    block = model.problem.shape[places.request] == Shape.BLOCK
    columns = places.column[block]
    key = places.request[block] * pools + places.pool[block]
    steps = np.zeros(model.problem.requests * pools)
    np.maximum.at(steps, key, np.round(chosen[columns]))
    high[columns] = np.minimum(high[columns], steps[key])


class Hours:
    """Finds the best hours under bounds, each time from where it was.

    Args:
        model: the program of the round.
        chosen: what is held.
        weights: ``(columns,)`` to be least.
        effort: limits.
    """

    def __init__(
        self, model: RoundModel, chosen: Chosen, weights: FloatArray, effort: Effort
    ) -> None:
        self.model = model
        here = (chosen.low != 0.0) | (chosen.high != 0.0)
        every_row = np.ones(model.program.rows, dtype=np.bool_)
        self.relaxation = Relaxation(model.program, effort, here, every_row)
        self.relaxation.aim(weights)

    def __call__(self, low: FloatArray, high: FloatArray) -> FloatArray | None:
        """Return the best hours, choices in fractions, with what they stand for; None without."""
        relaxation = self.relaxation
        changed = np.flatnonzero((low != relaxation.lower) | (high != relaxation.upper))
        for column in changed.tolist():
            relaxation.bound(column, float(low[column]), float(high[column]))
        vertex = relaxation.solve()
        return None if vertex is None else self.model.completed(vertex.values)


def lay_out(model: RoundModel, chosen: Chosen, solve: Solve) -> FloatArray | None:
    """Find starts, the clearest first, and solve again, until none is left.

    Where blocks do not go together fewer are placed at a time; one that finds no place alone is
    left out.

    Args:
        model: the program of the round.
        chosen: what is held.
        solve: the program with choices in fractions.
    """
    bounds = Bounds(model, chosen.low, chosen.high)
    values = solve(bounds.low, bounds.high)
    if values is None:
        return None
    waiting, count = chosen.blocks, chosen.blocks.size
    while waiting.size:
        doubt = _doubt(model, waiting, values)
        waiting = waiting[np.argsort(doubt, kind="stable")]
        clear = max(int((doubt <= WHOLE).sum()), (waiting.size + 1) // 2)
        count = min(clear, count)
        placed = _placed(model, bounds, waiting[:count], values)
        found = solve(placed.low, placed.high)
        if found is None and count == 1:
            placed = _left_out(model, bounds, int(waiting[0]))
            found = solve(placed.low, placed.high)
            if found is None:
                return None
        if found is None:
            count = (count + 1) // 2
            continue
        bounds, values, waiting, count = placed, found, waiting[count:], count * 2
    return values if chosen.blocks.size else solve(bounds.low, bounds.high)


def _placed(model: RoundModel, bounds: Bounds, blocks: IntArray, values: FloatArray) -> Bounds:
    """Return the bounds with some blocks placed: each where most of it is and room is left."""
    placed = bounds.copy()
    room = _room(model, placed)
    for request in blocks.tolist():
        mine = model.places_of(request)
        columns = model.places.column[mine]
        steps = max(round(float(values[columns].sum())), 1)
        fits = [_fits(model, room, place, steps) for place in mine.tolist()]
        part = np.maximum(values[columns], WHOLE) * np.where(fits, 1.0, SQUEEZED)
        part *= placed.allowed(request, mine) & (placed.high[columns] > CHOSEN)
        best = int(np.argmax(part))
        some = values.copy()
        some[columns], some[columns[best]] = 0.0, steps
        placed.decide(request, some, 0.0)
        place = int(mine[best])
        span = model.places.span[place]
        taken = placed.low[columns[best]] * model.places.slot_hours[place]
        room[model.places.pool[place], span : span + model.places.spans[place]] -= taken
    return placed


def _fits(model: RoundModel, room: FloatArray, place: int, steps: int) -> bool:
    """Return whether a number of steps still fits into a place."""
    places = model.places
    span, pool = int(places.span[place]), int(places.pool[place])
    free = room[pool, span : span + int(places.spans[place])]
    return bool(steps * places.slot_hours[place] <= free.min() + WHOLE)


def _room(model: RoundModel, bounds: Bounds) -> FloatArray:
    """Return ``(p, i)`` hours in each slot of a span that blocks and constants held leave."""
    places, lengths = model.places, model.spans.lengths
    room = (model.spans.supply / lengths).astype(np.float64)
    place, span = touched(places)
    steps = model.problem.shape[places.request] != Shape.FLEXIBLE
    held = np.where(steps, bounds.low[places.column], 0.0)[place]
    np.subtract.at(room, (places.pool[place], span), held * places.slot_hours[place])
    return room


def _left_out(model: RoundModel, bounds: Bounds, request: int) -> Bounds:
    """Return the bounds without a block, nor whoever comes after it."""
    rest, gone = bounds.copy(), [request]
    for each in gone:
        gone.extend(np.flatnonzero(model.problem.after == each).tolist())
    columns, owners = model.choices()
    mine = columns[np.isin(owners, gone) & ~np.isin(columns, model.turn_columns)]
    rest.low[mine] = rest.high[mine] = 0.0
    return rest


def _doubt(model: RoundModel, blocks: IntArray, values: FloatArray) -> FloatArray:
    """Return ``(b,)`` which part of each block lies elsewhere than in its best start."""
    doubt = np.zeros(blocks.size)
    for at, request in enumerate(blocks.tolist()):
        part = values[model.places.column[model.places_of(request)]]
        doubt[at] = 1.0 - part.max(initial=0.0) / max(part.sum(), WHOLE)
    return doubt
