"""What the last bit and a little more of its speed cost each request at given prices."""

import numpy as np

from solver.kernels import kernel
from solver.problem import FloatArray

NEAR = 1e-9
"""Part of a speed by which a point of the hull may miss it and still be there."""


@kernel
def margins(
    speed: FloatArray, price: FloatArray, rate: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return ``(r,)`` the slopes of the lower hull of the points (speed, price) and the origin.

    Left and right of the request's speed; right of the fastest point as left of it.

    Args:
        speed: ``(r, p)``.
        price: ``(p,)`` per GPU, non-negative.
        rate: ``(r,)`` speed that a request has.
    """
    last, more = np.zeros_like(rate), np.zeros_like(rate)
    for r in range(rate.shape[0]):
        if rate[r] <= 0.0:
            continue
        paid = _least(speed[r], price, rate[r])
        last[r] = max(paid / rate[r], 0.0)
        more[r] = np.inf
        for p in range(price.shape[0]):
            if 0.0 < speed[r, p] < rate[r] * (1.0 - NEAR):
                last[r] = max(last[r], (paid - price[p]) / (rate[r] - speed[r, p]))
            elif speed[r, p] > rate[r] * (1.0 + NEAR):
                more[r] = min(more[r], (price[p] - paid) / (speed[r, p] - rate[r]))
        if more[r] == np.inf:
            more[r] = last[r]
    return last, more


@kernel
def _least(speed: FloatArray, price: FloatArray, rate: float) -> float:
    """Return what a speed costs at least."""
    least = np.inf
    for high in range(price.shape[0]):
        if speed[high] < rate * (1.0 - NEAR):
            continue
        least = min(least, price[high] * min(rate / speed[high], 1.0))
        for low in range(price.shape[0]):
            if 0.0 < speed[low] < rate * (1.0 - NEAR):
                part = min((rate - speed[low]) / (speed[high] - speed[low]), 1.0)
                least = min(least, price[low] + part * (price[high] - price[low]))
    return least
