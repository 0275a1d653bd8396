"""Like requests merged: same speeds, same GPUs per weight, same most."""

import numpy as np

from solver.kernels import kernel
from solver.likeness import alike
from solver.pricespace.market import Market
from solver.problem import FloatArray, IntArray


def classes_of(
    speeds: FloatArray, gpus: FloatArray, weights: FloatArray, supply: FloatArray, most: FloatArray
) -> tuple[Market, FloatArray, IntArray]:
    """Return the market of the classes, ``(c,)`` the most of each, ``(r,)`` each one's class.

    Args:
        speeds: ``(r, p)`` non-negative.
        gpus: ``(r,)`` positive.
        weights: ``(r,)`` positive.
        supply: ``(p,)`` positive.
        most: ``(r,)`` amount that each wants at most; may be infinite.
    """
    unit = gpus / weights
    model, cls = alike(_beside(speeds, unit, most).view(np.int64))
    speed = speeds[model]
    mean = speed @ (supply / supply.sum())
    relative = np.divide(speed, mean[:, None], out=np.zeros_like(speed), where=mean[:, None] > 0)
    together = np.bincount(cls, weights=gpus).astype(np.float64)
    return Market(relative, unit[model], together, supply), most[model], cls


@kernel
def _beside(speeds: FloatArray, unit: FloatArray, most: FloatArray) -> FloatArray:
    """Return ``(r, p + 2)`` everything that tells requests apart."""
    requests, pools = speeds.shape
    rows = np.empty((requests, pools + 2))
    for r in range(requests):
        for p in range(pools):
            rows[r, p] = speeds[r, p]
        rows[r, pools], rows[r, pools + 1] = unit[r], most[r]
    return rows
