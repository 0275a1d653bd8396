"""Like requests merged: same speeds, same GPUs per weight."""

import numpy as np

from solver.kernels import kernel
from solver.pricespace.market import Market
from solver.problem import FloatArray, NarrowArray

SEED, PRIME = np.uint64(14695981039346656037), np.uint64(1099511628211)


@kernel
def classes_of(
    speeds: FloatArray, gpus: FloatArray, weights: FloatArray, supply: FloatArray
) -> tuple[Market, NarrowArray]:
    """Return the market of the classes, and ``(r,)`` the class of each request.

    Args:
        speeds: ``(r, p)`` non-negative.
        gpus: ``(r,)`` positive.
        weights: ``(r,)`` positive.
        supply: ``(p,)`` positive.
    """
    requests, pools = speeds.shape
    per = gpus / weights
    cls = np.empty(requests, dtype=np.int32)
    model = np.empty(requests, dtype=np.int32)
    size = 1
    while size < 2 * requests:
        size *= 2
    table = np.full(size, -1, dtype=np.int32)
    count = 0
    for r in range(requests):
        at = _hash(speeds, per, r) & np.uint64(size - 1)
        while table[at] >= 0 and not _alike(speeds, per, model[table[at]], r):
            at = (at + np.uint64(1)) & np.uint64(size - 1)
        if table[at] < 0:
            table[at], model[count] = count, r
            count += 1
        cls[r] = table[at]
    speed = np.zeros((count, pools))
    unit, together = np.empty(count), np.zeros(count)
    whole = supply.sum()
    for c in range(count):
        mean = (speeds[model[c]] * supply).sum() / whole
        if mean > 0.0:
            speed[c] = speeds[model[c]] / mean
        unit[c] = per[model[c]]
    for r in range(requests):
        together[cls[r]] += gpus[r]
    return Market(speed, unit, together, supply), cls


@kernel
def _hash(speeds: FloatArray, per: FloatArray, r: int) -> np.uint64:
    """Return a number that like requests share.

    Source:
        Fowler, Noll and Vo, FNV-1a, over words of 64 bits, each mixed by a shift.
    """
    mixed = SEED
    for p in range(speeds.shape[1] + 1):
        word = speeds[r, p] if p < speeds.shape[1] else per[r]
        mixed = (mixed ^ np.float64(word).view(np.uint64)) * PRIME
        mixed ^= mixed >> np.uint64(29)
    return mixed


@kernel
def _alike(speeds: FloatArray, per: FloatArray, one: int, other: int) -> bool:
    """Say whether two requests are of one class."""
    if per[one] != per[other]:
        return False
    return bool((speeds[one] == speeds[other]).all())
