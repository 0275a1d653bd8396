"""What rows leave to each column, by arithmetic alone."""

import numpy as np

from solver.problem import FloatArray, IntArray

PASSES = 3
"""Times that what one row shows is handed on to the others."""


def tightened(
    matrix: tuple[IntArray, IntArray, FloatArray],
    rows: tuple[FloatArray, FloatArray],
    columns: tuple[FloatArray, FloatArray],
) -> tuple[FloatArray, FloatArray]:
    """Return bounds of columns that no solution passes: each row with all others at their best.

    Args:
        matrix: ``(n,)`` rows, columns and coefficients.
        rows: ``(m,)`` least and most of each row.
        columns: ``(c,)`` lower and upper bounds.

    Source:
        Savelsbergh, Preprocessing and probing techniques for mixed integer programming problems,
        ORSA Journal on Computing 6 (1994), section 1.1.
    """
    row, column, value = matrix
    lower, upper = columns[0].copy(), columns[1].copy()
    for _ in range(PASSES):
        ends = value * lower[column], value * upper[column]
        least, most = _rest(row, np.minimum(*ends)), _rest(row, np.maximum(*ends))
        low, high = (rows[0][row] - most) / value, (rows[1][row] - least) / value
        low, high = np.where(value > 0, low, high), np.where(value > 0, high, low)
        np.maximum.at(lower, column, low)
        np.minimum.at(upper, column, high)
    return lower, upper


def _rest(row: IntArray, amounts: FloatArray) -> FloatArray:
    """Return ``(n,)`` what the other places of each row add up to; infinite where one is."""
    open_ = ~np.isfinite(amounts)
    sums = np.bincount(row, np.where(open_, 0.0, amounts))
    others = np.bincount(row, open_)[row] - open_ > 0
    sign = np.bincount(row, np.where(open_, np.sign(amounts), 0.0))[row]
    rest = sums[row] - np.where(open_, 0.0, amounts)
    return np.asarray(np.where(others, np.copysign(np.inf, sign), rest))
