"""Which rows are alike."""

import numpy as np

from solver.kernels import kernel
from solver.problem import IntArray

START, STEP = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1342543DE82EF94)
HALF = np.uint64(32)


@kernel
def alike(rows: IntArray) -> tuple[IntArray, IntArray]:
    """Return ``(k,)`` the first row of each kind and ``(n,)`` the kind of each row.

    Kinds are numbered in the order in which they first appear, so that they follow the rows.

    Args:
        rows: ``(n, m)``; floats may come as their bits.
    """
    count = rows.shape[0]
    size = 2
    while size < 2 * count:
        size *= 2
    table = np.full(size, -1, dtype=np.int64)
    first = np.empty(count, dtype=np.int64)
    kind = np.empty(count, dtype=np.int64)
    kinds = 0
    for n in range(count):
        at = np.int64(_hash(rows, n) & np.uint64(size - 1))
        while table[at] >= 0 and not _same(rows, first[table[at]], n):
            at = (at + 1) & (size - 1)
        if table[at] < 0:
            table[at], first[kinds] = kinds, n
            kinds += 1
        kind[n] = table[at]
    return first[:kinds].copy(), kind


@kernel
def _same(rows: IntArray, one: int, other: int) -> bool:
    """Say whether two rows are alike."""
    for k in range(rows.shape[1]):  # noqa: SIM110 - kernels know no generators
        if rows[one, k] != rows[other, k]:
            return False
    return True


@kernel
def _hash(rows: IntArray, n: int) -> np.uint64:
    """Return a number that like rows share: a sum of words, each times an odd number of its own.

    Halves are folded into each other before, for floats differ in their upper bits, and after.
    """
    mixed, factor = np.uint64(0), START
    for k in range(rows.shape[1]):
        word = np.uint64(rows[n, k])
        mixed += (word ^ (word >> HALF)) * factor
        factor += STEP
    return mixed ^ (mixed >> HALF)
