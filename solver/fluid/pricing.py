"""What the merged round gives at most at given prices: exact, in machine code.

The same bound as `solver.checking.pricing`, with a price of its own on what a request asks: at
any such price it holds, at the best one it is what filling best earning hours first comes to.
"""

import numpy as np

from solver.fluid.merging import Merged
from solver.kernels import kernel
from solver.problem import MILLI, BoolArray, FloatArray, IntArray, NarrowArray

LIMB = 31
"""Bits in a limb of a sum: products of two limbs stay in 64 bits."""
MASK = (1 << LIMB) - 1
ROUNDING = 30
"""Bits after which worth and price are alike."""
STEPS = 100
"""Steps towards the best price of an ask; few are taken, and any price gives a bound."""


class Pricing:
    """The merged round at prices.

    Attributes:
        unit: integer that prices and multipliers stay below, so that their products fit.
    """

    def __init__(self, merged: Merged) -> None:
        columns = merged.columns
        self._merged = merged
        self._start = np.searchsorted(columns.cls, np.arange(merged.classes + 1))
        self._factor = merged.factor[columns.cls, columns.pool]
        self._speed = merged.speed[columns.cls, columns.pool]
        self._hours = merged.limit[columns.cls] * merged.span_slots[columns.span]
        self.unit = 1 << (60 - max(MILLI, int(self._factor.max(initial=0))).bit_length())

    def paid(self, prices: IntArray) -> int:
        """Return what the whole supply costs: thousandths of the unit of the bound.

        Args:
            prices: ``(p, s)`` non-negative, at most `unit`.
        """
        hours = self._merged.supply.reshape(-1).tolist()
        return MILLI * sum(map(int.__mul__, prices.reshape(-1).tolist(), hours))

    def pays(self, prices: IntArray, worth: IntArray) -> BoolArray:
        """Return ``(k,)`` columns where an hour is worth its price, but for rounding."""
        columns = self._merged.columns
        worth_there = worth[columns.cls] * self._factor
        price = MILLI * prices[columns.pool, columns.span]
        pays: BoolArray = worth_there - price >= -(worth_there >> ROUNDING)
        return pays

    def profits(self, prices: IntArray, worth: IntArray) -> list[int]:
        """Return ``(c,)`` the most that each class earns, in thousandths of the bound's unit.

        Args:
            prices: ``(p, s)`` non-negative, at most `unit`.
            worth: ``(c,)`` at most four times `unit`.
        """
        limbs = self._limbs(prices, worth)
        whole = limbs.astype(object) << (LIMB * np.arange(limbs.shape[1]).astype(object))
        profits: list[int] = whole.sum(axis=1).tolist()
        return profits

    def nearly(self, prices: IntArray, worth: IntArray) -> FloatArray:
        """Return ``(c,)`` profits in floating point, in a fraction of the time."""
        limbs = self._limbs(prices, worth)
        return limbs.astype(np.float64) @ 2.0 ** (LIMB * np.arange(limbs.shape[1]))

    def _limbs(self, prices: IntArray, worth: IntArray) -> IntArray:
        """Return ``(c, 4)`` limbs of the profits."""
        merged, columns = self._merged, self._merged.columns
        return _profits(
            self._start,
            columns.pool,
            columns.span,
            self._factor,
            self._speed,
            self._hours,
            merged.ask,
            merged.joint,
            prices,
            worth,
        )


@kernel
def _profits(  # noqa: PLR0913, PLR0917 - arrays of one round
    start: IntArray,
    pool: NarrowArray,
    span: NarrowArray,
    factor: IntArray,
    speed: IntArray,
    hours: IntArray,
    ask: IntArray,
    joint: BoolArray,
    prices: IntArray,
    worth: IntArray,
) -> IntArray:
    """Return ``(c, 4)`` limbs of what each class earns."""
    classes = ask.shape[0]
    limbs = np.zeros((classes, 4), dtype=np.int64)
    margin = np.empty(pool.shape[0], dtype=np.int64)
    for c in range(classes):
        if worth[c] <= 0:
            continue
        best = 0.0
        for k in range(start[c], start[c + 1]):
            margin[k] = worth[c] * factor[k] - 1000 * prices[pool[k], span[k]]
            best = max(best, margin[k] / speed[k])
        if best == 0.0:
            continue
        one = start[c], start[c + 1], joint[c]
        price = _ask_price(one, span, speed, hours, margin, ask[c], best)
        _add(limbs[c], price, ask[c], 1000)
        k = start[c]
        while k < start[c + 1]:
            most = 0
            at = k
            while k < start[c + 1] and span[k] == span[at] and (joint[c] or k == at):
                if margin[k] > 0 and price <= margin[k] // speed[k]:
                    most = max(most, margin[k] - price * speed[k])
                k += 1
            if most > 0:
                _add(limbs[c], most, hours[at], 1)
    return limbs


@kernel
def _ask_price(  # noqa: PLR0913, PLR0917 - one class
    one: tuple[int, int, bool],
    span: NarrowArray,
    speed: IntArray,
    hours: IntArray,
    margin: IntArray,
    ask: int,
    best: float,
) -> int:
    """Return the price of an asked hour at which a class earns least, as near as floats find it.

    What it earns is convex in that price: the lines at a price too low and at one too high meet
    where to look next. Arguments are as in `_earned`.
    """
    low, high = 0.0, best
    low_value, low_slope = _earned(one, span, speed, hours, margin, ask, low)
    if low_slope >= 0.0:
        return 0
    high_value, high_slope = best * ask * 1000.0, ask * 1000.0
    for _ in range(STEPS):
        middle = (high_value - high_slope * high - low_value + low_slope * low) / (
            low_slope - high_slope
        )
        middle = min(max(middle, low), high)
        expected = low_value + low_slope * (middle - low)
        value, slope = _earned(one, span, speed, hours, margin, ask, middle)
        if value <= expected + 1e-15 * abs(expected) or not low < middle < high:
            return round(middle)
        if slope < 0.0:
            low, low_value, low_slope = middle, value, slope
        else:
            high, high_value, high_slope = middle, value, slope
    return round(high)


@kernel
def _earned(  # noqa: PLR0913, PLR0917 - one class
    one: tuple[int, int, bool],
    span: NarrowArray,
    speed: IntArray,
    hours: IntArray,
    margin: IntArray,
    ask: int,
    price: float,
) -> tuple[float, float]:
    """Return what a class earns where an asked hour has a price, and how that grows with it.

    `one` is its first column, one past its last, and whether its pools share a limit.
    """
    value, slope = price * ask * 1000.0, ask * 1000.0
    first, end, joint = one
    k = first
    while k < end:
        most, pace = 0.0, 0.0
        at = k
        while k < end and span[k] == span[at] and (joint or k == at):
            left = margin[k] - price * speed[k]
            if left > most:
                most, pace = left, float(speed[k])
            k += 1
        value += most * hours[at]
        slope -= pace * hours[at]
    return value, slope


@kernel
def _add(limbs: IntArray, a: int, b: int, times: int) -> None:
    """Add a product of non-negative integers to a sum; no limb overflows in a billion terms."""
    a1, a0 = a >> LIMB, a & MASK
    b1, b0 = b >> LIMB, b & MASK
    low, high = a0 * b0, a1 * b1
    cross, across = a1 * b0, a0 * b1
    limbs[0] += (low & MASK) * times
    limbs[1] += ((low >> LIMB) + (cross & MASK) + (across & MASK)) * times
    limbs[2] += ((cross >> LIMB) + (across >> LIMB) + (high & MASK)) * times
    limbs[3] += (high >> LIMB) * times
