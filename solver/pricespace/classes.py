"""Like requests merged: same speeds, same GPUs per weight."""

import numpy as np

from solver.likeness import alike
from solver.pricespace.market import Market
from solver.problem import FloatArray, IntArray


def classes_of(
    speeds: FloatArray, gpus: FloatArray, weights: FloatArray, supply: FloatArray
) -> tuple[Market, IntArray]:
    """Return the market of the classes, and ``(r,)`` the class of each request.

    Args:
        speeds: ``(r, p)`` non-negative.
        gpus: ``(r,)`` positive.
        weights: ``(r,)`` positive.
        supply: ``(p,)`` positive.
    """
    unit = gpus / weights
    model, cls = alike(np.column_stack((speeds, unit)).view(np.int64))
    speed = speeds[model]
    mean = speed @ (supply / supply.sum())
    relative = np.divide(speed, mean[:, None], out=np.zeros_like(speed), where=mean[:, None] > 0)
    together = np.bincount(cls, weights=gpus).astype(np.float64)
    return Market(relative, unit[model], together, supply), cls
