"""What every request takes at given prices: the cheapest way to its amount.

A request that runs part of the time on each of some pools gets a mixture of their speeds at a
mixture of their prices. So the cheapest way to an amount lies on the lower hull of the points
(speed, price) and of the origin, between two of them; what it costs is convex in the amount and
concave in the prices.
"""

from typing import NamedTuple

import numpy as np

from solver.kernels import kernel
from solver.problem import BoolArray, FloatArray, IntArray, NarrowArray

IDLE = -1
"""The origin of the hull: not running."""
FREE, HELD, DONE = 0, 1, 2
"""Still rising; held at a target, pools still open; held, and its pools known."""
ROUNDING = 1e-15
"""Part of a price below which a point counts as on a line."""


class Market(NamedTuple):
    """Classes of like requests (axis c) before the pools (axis p).

    Attributes:
        speed: ``(c, p)`` relative to the class's mean speed over the supply.
        unit: ``(c,)`` amount per relative speed.
        gpus: ``(c,)`` GPUs that all requests of the class together run on.
        supply: ``(p,)`` GPUs.
    """

    speed: FloatArray
    unit: FloatArray
    gpus: FloatArray
    supply: FloatArray


class Stand(NamedTuple):
    """How far the leximin has come; changes in place.

    Attributes:
        allowed: ``(c, p)`` pools a class may still take.
        most: ``(c,)`` amount that these give at most.
        target: ``(c,)`` amount of whoever is held.
        state: ``(c,)`` `FREE`, `HELD` or `DONE`.
        room: ``(p,)`` part of the supply that those who are done leave.
    """

    allowed: BoolArray
    most: FloatArray
    target: FloatArray
    state: IntArray
    room: FloatArray


class Choice(NamedTuple):
    """Where prices lead everybody; changes in place.

    Attributes:
        low, high: ``(c,)`` pools on both sides of the class's speed, `IDLE` for the origin.
        used: ``(p,)`` part of the supply; growth: ``(p,)`` by how much it grows per level.
    """

    low: NarrowArray
    high: NarrowArray
    used: FloatArray
    growth: FloatArray


@kernel
def no_choice(classes: int, pools: int) -> Choice:
    """Return a choice that nothing is known of yet."""
    low = np.full(classes, IDLE, dtype=np.int32)
    return Choice(low, low.copy(), np.zeros(pools), np.zeros(pools))


@kernel
def choose(
    market: Market, stand: Stand, price: FloatArray, level: float, choice: Choice
) -> tuple[float, float]:
    """Find everybody's cheapest way at a level.

    Args:
        market: who asks.
        stand: what they may take.
        price: ``(p,)`` per GPU.
        level: amount that everybody free wants.
        choice: the last choice, from which the search starts; changed.

    Returns:
        By how much all of it costs more per level, and a level down to which that stays so.
    """
    speed, unit, gpus, supply = market
    allowed, most, target, state, _ = stand
    used, growth = choice.used, choice.growth
    used[:] = 0.0
    growth[:] = 0.0
    bend = 0.0
    for c in range(unit.shape[0]):
        if state[c] == DONE:
            continue
        free = state[c] == FREE
        rate = (min(level, most[c]) if free else target[c]) / unit[c]
        low, high = choice.low[c], choice.high[c]
        if low >= 0 and (not allowed[c, low] or speed[c, low] > rate):
            low = IDLE
        if high < 0 or not allowed[c, high] or speed[c, high] < rate:
            high = _fastest(speed, allowed, price, c)
        if not _is_lowest(speed, price, (low, high), c):
            low, high = _segment(speed, allowed, price, rate, (low, high), c)
        choice.low[c], choice.high[c] = low, high
        left = speed[c, low] if low >= 0 else 0.0
        width = speed[c, high] - left
        whole = gpus[c] / width if width > 0.0 else 0.0
        busy = min(whole * (rate - left), gpus[c]) if width > 0.0 else gpus[c]
        grows = whole / unit[c] if free and level < most[c] else 0.0
        used[high] += busy
        growth[high] += grows
        if free:
            bend = max(bend, left * unit[c] if level < most[c] else most[c])
        if low >= 0:
            used[low] += gpus[c] - busy
            growth[low] -= grows
    slope = 0.0
    for p in range(supply.shape[0]):
        slope += growth[p] * price[p]
        used[p] /= supply[p]
        growth[p] /= supply[p]
    return slope, bend


@kernel
def _is_lowest(speed: FloatArray, price: FloatArray, ends: tuple[int, int], c: int) -> bool:
    """Say whether no point, allowed or not, lies below the line of two: most often so."""
    low, high = ends
    left, paid = (speed[c, low], price[low]) if low >= 0 else (0.0, 0.0)
    width = speed[c, high] - left
    if width <= 0.0:
        return False
    slope = (price[high] - paid) / width
    base = paid - slope * left
    worst = -ROUNDING * (price[high] + paid)
    below = low >= 0 and -base < worst
    for p in range(price.shape[0]):
        below |= price[p] - base - slope * speed[c, p] < worst
    return not below


@kernel
def wanted(stand: Stand, c: int, level: float) -> float:
    """Return the amount that a class wants at a level."""
    if stand.state[c] == FREE:
        return float(min(level, stand.most[c]))
    return float(stand.target[c])


@kernel
def _segment(  # noqa: PLR0913, PLR0917 - one class of a market
    speed: FloatArray,
    allowed: BoolArray,
    price: FloatArray,
    rate: float,
    ends: tuple[int, int],
    c: int,
) -> tuple[int, int]:
    """Return the pools of the hull on both sides of a speed, from two that are on its sides.

    Few steps are needed; among points that rounding puts on one line there might be no last one.
    """
    low, high = ends
    for _ in range(4 * price.shape[0]):
        left, paid = (speed[c, low], price[low]) if low >= 0 else (0.0, 0.0)
        width = speed[c, high] - left
        slope = (price[high] - paid) / width if width > 0.0 else 0.0
        worst, enter = -ROUNDING * (price[high] + paid), high
        if width > 0.0:
            base = paid - slope * left
            if low >= 0 and -base < worst:
                worst, enter = -base, IDLE
            for p in range(price.shape[0]):
                above = price[p] - base - slope * speed[c, p]
                if above < worst and allowed[c, p] and p not in (low, high):
                    worst, enter = above, p
        else:
            for p in range(price.shape[0]):
                if allowed[c, p] and speed[c, p] >= rate and price[p] - price[high] < worst:
                    worst, enter = price[p] - price[high], p
        if enter == high:
            break
        if enter >= 0 and speed[c, enter] >= rate:
            high = enter
        else:
            low = enter
    return low, high


@kernel
def _fastest(speed: FloatArray, allowed: BoolArray, price: FloatArray, c: int) -> int:
    """Return the fastest pool that a class may take, of equals the cheaper."""
    best = IDLE
    for p in range(price.shape[0]):
        if allowed[c, p] and (
            best < 0
            or speed[c, p] > speed[c, best]
            or (speed[c, p] == speed[c, best] and price[p] < price[best])
        ):
            best = p
    return best
