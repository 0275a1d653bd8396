"""Who is kept down at a level, what those may still swap, and what is left to the others."""

import numpy as np

from solver.kernels import kernel
from solver.pricespace.market import DONE, FREE, HELD, Market, Stand, wanted
from solver.pricespace.search import Found
from solver.problem import BoolArray, FloatArray, IntArray

TIE = 1e-7
"""Part of a price by which a pool may miss the cheapest line and still be open to swaps.

Generous on purpose: what is open but too dear is never taken, for the supply is spent.
"""
SAME = 1e-12
"""Part of a speed that is rounding."""
EITHER = 2
"""With two points of the hull the way to an amount is settled."""


@kernel
def mixture(market: Market, stand: Stand, found: Found) -> FloatArray:
    """Return ``(c, p)`` the part of its time that each class spends on each pool."""
    share = np.zeros_like(market.speed)
    for q in range(found.weights.shape[0]):
        if found.weights[q] <= 0.0:
            continue
        for c in range(share.shape[0]):
            if stand.state[c] == DONE:
                continue
            low, high = found.ways.low[q, c], found.ways.high[q, c]
            left = market.speed[c, low] if low >= 0 else 0.0
            width = market.speed[c, high] - left
            rate = wanted(stand, c, found.level) / market.unit[c]
            part = min((rate - left) / width, 1.0) if width > 0.0 else 1.0
            share[c, high] += found.weights[q] * part
            if low >= 0:
                share[c, low] += found.weights[q] * (1.0 - part)
    return share


@kernel
def freeze(  # noqa: PLR0913, PLR0917 - one level
    market: Market,
    stand: Stand,
    found: Found,
    share: FloatArray,
    division: FloatArray,
    kept_by: IntArray,
    event: int,
) -> int:
    """Hold whoever the prices of a level keep down; return how many are still free.

    Whoever could have more without paying stays free, on the pools without a price: all the money
    is needed for those who are held.

    Args:
        market: who asks.
        stand: changed.
        found: level and prices.
        share: ``(c, p)`` the mixture.
        division: ``(c, p)`` the part of its time of everybody whose pools are known; changed.
        kept_by: ``(c,)`` the event that keeps each down; changed.
        event: number of this level.
    """
    speed, allowed, price = market.speed, stand.allowed, found.price
    per_gpu = price / market.supply
    left = 0
    for c in range(stand.state.shape[0]):
        if stand.state[c] == DONE:
            continue
        if stand.state[c] == FREE:
            without = _most_for_nothing(speed, allowed, price, c) * market.unit[c]
            if _kept_down(stand.most, found.level, without, c):
                kept_by[c] = event
            if found.level < stand.most[c]:
                left += 1
                for p in range(per_gpu.shape[0]):
                    allowed[c, p] &= price[p] <= 0.0
                continue
            stand.target[c] = wanted(stand, c, found.level)
            stand.state[c] = HELD
        rate = stand.target[c] / market.unit[c]
        if _open_points(speed, allowed, per_gpu, share, rate, c) <= EITHER:
            stand.state[c] = DONE
            for p in range(per_gpu.shape[0]):
                division[c, p] = share[c, p]
                stand.room[p] -= share[c, p] * market.gpus[c] / market.supply[p]
    for p in range(per_gpu.shape[0]):
        stand.room[p] = max(stand.room[p], 0.0)
    return left


@kernel
def _kept_down(most: FloatArray, level: float, without: float, c: int) -> bool:
    """Lower a free class's most to what it can have without paying; say whether that is less."""
    if level >= most[c] or without >= most[c]:
        return False
    most[c] = max(without, level)
    return True


@kernel
def _most_for_nothing(speed: FloatArray, allowed: BoolArray, price: FloatArray, c: int) -> float:
    """Return the highest speed that a class can have on pools without a price."""
    best = 0.0
    for p in range(price.shape[0]):
        if allowed[c, p] and price[p] <= 0.0:
            best = max(best, speed[c, p])
    return best


@kernel
def _open_points(  # noqa: PLR0913, PLR0917 - one class
    speed: FloatArray,
    allowed: BoolArray,
    per_gpu: FloatArray,
    share: FloatArray,
    rate: float,
    c: int,
) -> int:
    """Leave a held class only the pools on its cheapest line; return how many points there are.

    Two pools of one speed count for more: they can be swapped whatever the amount.
    """
    paid, dearest = 0.0, 0.0
    for p in range(per_gpu.shape[0]):
        paid += share[c, p] * per_gpu[p]
        dearest = max(dearest, per_gpu[p])
    slope = _line(speed, allowed, per_gpu, (rate, paid), c)
    base = paid - slope * rate
    near = TIE * dearest
    count = 1 if abs(base) <= near else 0
    last = 0.0
    for p in range(per_gpu.shape[0]):
        if allowed[c, p]:
            reached = slope * speed[c, p] + base
            allowed[c, p] = per_gpu[p] - reached <= near + TIE * abs(reached)
            if allowed[c, p]:
                alike = abs(speed[c, p] - last) <= SAME * last
                count += 1 + EITHER * alike
                last = speed[c, p]
    return count


@kernel
def _line(
    speed: FloatArray,
    allowed: BoolArray,
    per_gpu: FloatArray,
    at: tuple[float, float],
    c: int,
) -> float:
    """Return the slope of a line below the hull that touches it at a speed and what it costs."""
    rate, paid = at
    least = paid / rate if rate > 0.0 else 0.0
    most = np.inf
    for p in range(per_gpu.shape[0]):
        if allowed[c, p]:
            if speed[c, p] < rate * (1.0 - SAME):
                least = max(least, (paid - per_gpu[p]) / (rate - speed[c, p]))
            elif speed[c, p] > rate * (1.0 + SAME):
                most = min(most, (per_gpu[p] - paid) / (speed[c, p] - rate))
    return (least + most) / 2.0 if most < np.inf else least + per_gpu.max()
