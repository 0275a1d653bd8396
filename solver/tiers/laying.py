"""What is chosen by runs of slots, laid out slot by slot: blocks find their starts.

Blocks keep the pools that runs chose for them and, where hours fill what they leave, their numbers
of GPUs. In rounds of many blocks these are free: what does not go together by slots grows smaller
in one place and larger in another, and whole only at the end.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from solver.problem import FloatArray, IntArray, Shape
from solver.tiers.model import RoundModel
from solver.tiers.places import touched
from solver.tiers.program import Effort, solve_program
from solver.tiers.relaxation import Relaxation
from solver.tiers.rounding import Bounds

CHOSEN = 0.5
"""From here on a choice is made."""
WHOLE = 1e-6
"""How far from a whole number still counts as one."""
SQUEEZED = 1e-3
"""What a part of a block counts where blocks and constants leave it no room."""
MOSTLY = 1 / 3
"""Part of all places that are blocks' from which on their GPUs are free. With fewer the code that
makes them whole decides hours by the ten thousand: of 1,200 requests, 15 in 100 blocks, 66 s.
"""
NODES = 200
"""Nodes of the search that makes numbers of GPUs whole."""
STARTS = 2
"""Starts that are tried for a block with either number of GPUs next to what parts of it have."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chosen:
    """A round in which all is chosen but starts.

    Attributes:
        low, high: ``(columns,)`` bounds of the round's program.
        blocks: ``(b,)`` funded blocks: their pools are chosen, their starts are not.
        sized: whether their GPUs are chosen, too; else who is funded is open with them.
    """

    low: FloatArray
    high: FloatArray
    blocks: IntArray
    sized: bool


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
    sized = bool(block[places.request].mean() < MOSTLY)
    may_wait = model.funded[block & (low[model.funded] < CHOSEN) & (not sized)]
    low[held] = high[held] = np.clip(np.round(chosen[held]), low[held], high[held])
    low[may_wait] = 0.0
    _hold_pools(model, high, chosen, sized=sized)
    for choice, columns in model.ways:
        high[columns[high[choice] < CHOSEN]] = 0.0
    out = high[model.funded] < CHOSEN
    high[places.column[out[places.request]]] = 0.0
    return Chosen(low=low, high=high, blocks=np.flatnonzero(block & ~out), sized=sized)


def _hold_pools(model: RoundModel, high: FloatArray, chosen: FloatArray, *, sized: bool) -> None:
    """Leave blocks to the pools chosen, and if sized to the steps; when they start is free."""
    places, pools = model.places, model.problem.pools
    block = model.problem.shape[places.request] == Shape.BLOCK
    columns = places.column[block]
    key = places.request[block] * pools + places.pool[block]
    steps = np.zeros(model.problem.requests * pools)
    np.maximum.at(steps, key, np.round(chosen[columns]))
    most = steps[key]
    high[columns] = np.minimum(high[columns], most if sized else np.where(most > 0.0, np.inf, 0.0))


class Hours:
    """Finds the best hours under bounds, each time from where it was.

    Args:
        model: the program of the round.
        chosen: what is held.
        weights: ``(columns,)`` to be least.
        effort: limits; its gap is that of whole numbers of GPUs, and what placing blocks may cost.
    """

    def __init__(
        self, model: RoundModel, chosen: Chosen, weights: FloatArray, effort: Effort
    ) -> None:
        self.model, self.weights = model, weights
        self.effort = replace(effort, nodes=NODES, scip=True)
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

    def cost(self, values: FloatArray) -> float:
        """Return what hours cost."""
        return float(self.weights @ values[: self.weights.size])

    def loses(self, before: FloatArray, after: FloatArray) -> bool:
        """Return whether hours cost more than the gap beyond what they did."""
        return self.cost(after) > self.cost(before) + self.effort.gap

    def in_whole(self, low: FloatArray, high: FloatArray, values: FloatArray) -> FloatArray | None:
        """Return the best hours with whole choices; None without any.

        Steps that are whole stay, if that goes together.

        Args:
            low: ``(columns,)`` least.
            high: ``(columns,)`` most.
            values: the best hours, choices in fractions.
        """
        columns, _ = self.model.choices()
        steps = np.isin(columns, np.fromiter(self.model.most_steps, np.int64))
        rounded = np.clip(np.round(values), low, high)
        stays = columns[steps & (np.abs(values - rounded)[columns] <= WHOLE)]
        held_low, held_high = low.copy(), high.copy()
        held_low[stays] = held_high[stays] = rounded[stays]
        found = self._decided(held_low, held_high)
        return self._decided(low, high) if found is None else found

    def decided(self, low: FloatArray, high: FloatArray, plan: FloatArray) -> FloatArray:
        """Return what a code decides under bounds, from a plan on; the plan where that is as good.

        Args:
            low: ``(columns,)`` least.
            high: ``(columns,)`` most.
            plan: ``(columns,)`` whole choices within the bounds.
        """
        found = self._decided(low, high, plan)
        return plan if found is None or self.cost(found) >= self.cost(plan) else found

    def _decided(
        self, low: FloatArray, high: FloatArray, plan: FloatArray | None = None
    ) -> FloatArray | None:
        """Return what a code decides under bounds; None without anything."""
        program, columns = self.model.program, self.model.choices()[0]
        free, whole = low < high, np.zeros(low.size, dtype=np.bool_)
        whole[columns] = True
        answer = solve_program(
            program.around(free, low),
            self.weights[free],
            self.effort,
            integer=whole[free],
            lower=low[free],
            upper=high[free],
            hint=None if plan is None else plan[: low.size][free],
        )
        if answer.values is None:
            return None
        values = low.copy()
        values[free] = answer.values
        return values


def lay_out(model: RoundModel, chosen: Chosen, solve: Hours) -> FloatArray | None:
    """Find starts, the clearest first, and solve again, until none is left; then be whole.

    Where blocks do not go together, or cost something that their parts did not, fewer are placed at
    a time; one that finds no place alone is left out.

    Args:
        model: the program of the round.
        chosen: what is held.
        solve: the program.
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
        if count == 1:
            placed, found = _alone(model, bounds, int(waiting[0]), values, solve, chosen.sized)
            if found is None:
                return None
        else:
            placed = _placed(model, bounds, waiting, count, values, sized=chosen.sized)
            found = solve(placed.low, placed.high)
        if found is None or (count > 1 and chosen.sized and solve.loses(values, found)):
            count = (count + 1) // 2
            continue
        bounds, values, waiting, count = placed, found, waiting[count:], count * 2
    if chosen.sized:
        return values if chosen.blocks.size else solve(bounds.low, bounds.high)
    return solve.in_whole(bounds.low, bounds.high, values)


def _alone(  # noqa: PLR0913, PLR0917 - what is known so far
    model: RoundModel,
    bounds: Bounds,
    request: int,
    values: FloatArray,
    solve: Hours,
    sized: bool,  # noqa: FBT001 - as of what is chosen
) -> tuple[Bounds, FloatArray | None]:
    """Place a block where that costs next to nothing, else where it costs least, else nowhere."""
    best: tuple[Bounds, FloatArray] | None = None
    for placed in _ways(model, bounds, request, values, sized=sized):
        found = solve(placed.low, placed.high)
        if found is not None and (best is None or solve.cost(found) < solve.cost(best[1])):
            best = placed, found
        if best is not None and not solve.loses(values, best[1]):
            break
    if best is not None:
        return best
    rest = _left_out(model, bounds, request)
    return rest, solve(rest.low, rest.high)


def _ways(
    model: RoundModel, bounds: Bounds, request: int, values: FloatArray, *, sized: bool
) -> Iterator[Bounds]:
    """Yield bounds with a block placed: at its likeliest starts, with the steps next to its parts.

    Args:
        model: the program of the round.
        bounds: so far.
        request: the block.
        values: the best hours, choices in fractions.
        sized: whether its steps are decided with it.
    """
    alone = np.array([request])
    if not sized:
        yield _placed(model, bounds, alone, 1, values, sized=False)
        return
    mine = model.places_of(request)
    columns, room = model.places.column[mine], _room(model, alone, values)
    total = float(values[columns].sum())
    numbers = {max(math.floor(total + WHOLE), 1), max(math.ceil(total - WHOLE), 1)}
    for steps in sorted(numbers, key=lambda number: abs(number - total)):
        part = _likely(model, bounds, room, request, values, steps)
        part = np.where(bounds.high[columns] > steps - WHOLE, part, 0.0)
        for start in np.argsort(-part, kind="stable")[:STARTS].tolist():
            if part[start] > 0.0:
                placed = bounds.copy()
                _decide(model, placed, request, int(mine[start]), steps, values)
                yield placed


def _placed(  # noqa: PLR0913 - what is known so far
    model: RoundModel,
    bounds: Bounds,
    waiting: IntArray,
    count: int,
    values: FloatArray,
    *,
    sized: bool,
) -> Bounds:
    """Return the bounds with the first of the waiting blocks placed.

    Each lies where most of it is and those before leave room.
    """
    placed = bounds.copy()
    room = _room(model, waiting, values)
    for request in waiting[:count].tolist():
        mine = model.places_of(request)
        steps = max(round(float(values[model.places.column[mine]].sum())), 1)
        part = _likely(model, placed, room, request, values, steps)
        place = int(mine[int(np.argmax(part))])
        if sized:
            _decide(model, placed, request, place, steps, values)
        else:
            placed.start(request, place)
        span = model.places.span[place]
        taken = steps * model.places.slot_hours[place]
        room[model.places.pool[place], span : span + model.places.spans[place]] -= taken
    return placed


def _likely(  # noqa: PLR0913, PLR0917 - a block, what is known so far, and its steps
    model: RoundModel,
    bounds: Bounds,
    room: FloatArray,
    request: int,
    values: FloatArray,
    steps: int,
) -> FloatArray:
    """Return which part of a block lies in each of its places, next to nothing without room."""
    mine = model.places_of(request)
    columns = model.places.column[mine]
    fits = [_fits(model, room, place, steps) for place in mine.tolist()]
    part = np.maximum(values[columns], WHOLE) * np.where(fits, 1.0, SQUEEZED)
    part *= bounds.allowed(request, mine) & (bounds.high[columns] > CHOSEN)
    return np.asarray(part)


def _decide(  # noqa: PLR0913, PLR0917 - bounds, and what is decided
    model: RoundModel,
    bounds: Bounds,
    request: int,
    place: int,
    steps: int,
    values: FloatArray,
) -> None:
    """Let a block have its steps in one place; the bounds are changed."""
    some = values.copy()
    some[model.places.column[model.places_of(request)]] = 0.0
    some[model.places.column[place]] = steps
    bounds.decide(request, some, 0.0)


def _fits(model: RoundModel, room: FloatArray, place: int, steps: int) -> bool:
    """Return whether a number of steps still fits into a place."""
    places = model.places
    span, pool = int(places.span[place]), int(places.pool[place])
    free = room[pool, span : span + int(places.spans[place])]
    return bool(steps * places.slot_hours[place] <= free.min() + WHOLE)


def _room(model: RoundModel, waiting: IntArray, values: FloatArray) -> FloatArray:
    """Return ``(p, i)`` hours in each slot of a span that placed blocks and constants leave."""
    places, lengths = model.places, model.spans.lengths
    room = (model.spans.supply / lengths).astype(np.float64)
    place, span = touched(places)
    there = model.problem.shape[places.request] != Shape.FLEXIBLE
    there &= ~np.isin(places.request, waiting)
    held = np.where(there, values[places.column], 0.0)[place]
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
