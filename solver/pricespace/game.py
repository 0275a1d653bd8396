"""The game between a price and the ways to spend: a matrix game of few rows, by revised simplex.

One side mixes the ways (columns) that prices led everybody to, so that the pool used most above its
room is used as little above it as can be; the other side's best answer is the next price.

Source:
    Dantzig and Wolfe, Decomposition principle for linear programs, Operations Research 8 (1960);
    Kelley, The cutting-plane method for solving convex programs, Journal of SIAM 8 (1960).
"""

from typing import NamedTuple

import numpy as np

from solver.kernels import kernel
from solver.problem import FloatArray, IntArray

EXCESS = -1
"""The excess itself in a basis; what pool row i leaves free is ``-2 - i``."""
PRICED_OUT = 1e-13
"""Reduced cost that rounding alone may bring about."""
PIVOT = 1e-11
"""Least pivot."""
MOST_PIVOTS = 500
"""Far fewer are made; rounding must not keep us for ever."""


class Game(NamedTuple):
    """A basis of the game; changes in place.

    Attributes:
        rows: ``(r,)`` pools that take part.
        basis: ``(r + 1,)`` columns, `EXCESS`, or what a row leaves free.
        inverse: ``(r + 1, r + 1)`` inverse of the basis.
    """

    rows: IntArray
    basis: IntArray
    inverse: FloatArray


@kernel
def new_game(rows: IntArray) -> Game:
    """Return a game without a basis."""
    size = rows.shape[0] + 1
    return Game(rows, np.zeros(size, dtype=np.int64), np.zeros((size, size)))


@kernel
def restart(game: Game, used: FloatArray, count: int, room: FloatArray) -> None:
    """Start from the one column of the first `count` whose largest excess is least."""
    rows, basis, inverse = game
    least, best, top = np.inf, 0, 0
    for q in range(count):
        most, where = -np.inf, 0
        for i in range(rows.shape[0]):
            over = used[q, rows[i]] - room[rows[i]]
            if over > most:
                most, where = over, i
        if most < least:
            least, best, top = most, q, where
    inverse[:] = 0.0
    last = rows.shape[0]
    for i in range(last):
        basis[i] = -2 - i
        inverse[i, i] = 1.0
        inverse[i, top] = -1.0
        inverse[i, last] = least - (used[best, rows[i]] - room[rows[i]])
    basis[top], basis[last] = EXCESS, best
    inverse[top, top], inverse[top, last] = -1.0, least
    inverse[last, last] = 1.0


@kernel
def play(game: Game, used: FloatArray, count: int, room: FloatArray) -> float:
    """Pivot to the best mixture of the first `count` columns; return its largest excess."""
    basis, inverse = game.basis, game.inverse
    last = game.rows.shape[0]
    column = np.empty(last + 1)
    top = 0
    while basis[top] != EXCESS:
        top += 1
    for _ in range(MOST_PIVOTS):
        enter = _entering(game, used, count, room, top)
        if enter == EXCESS:
            break
        _direct(game, used, room, enter, column)
        out = _leaving(inverse, column, top)
        if out < 0:
            break
        inverse[out] /= column[out]
        for i in range(last + 1):
            if i != out and column[i] != 0.0:
                for j in range(last + 1):
                    inverse[i, j] -= column[i] * inverse[out, j]
        basis[out] = enter
    return float(inverse[top, last])


@kernel
def _direct(game: Game, used: FloatArray, room: FloatArray, enter: int, column: FloatArray) -> None:
    """Fill in how the basic columns change per unit of who enters."""
    rows, inverse = game.rows, game.inverse
    last = rows.shape[0]
    for i in range(last + 1):
        if enter < 0:
            column[i] = inverse[i, -2 - enter]
            continue
        column[i] = inverse[i, last]
        for j in range(last):
            column[i] += inverse[i, j] * (used[enter, rows[j]] - room[rows[j]])


@kernel
def _entering(game: Game, used: FloatArray, count: int, room: FloatArray, top: int) -> int:
    """Return the column or row that improves the mixture most, `EXCESS` if none does."""
    rows, inverse = game.rows, game.inverse
    last = rows.shape[0]
    worst, enter = -PRICED_OUT, EXCESS
    for i in range(last):
        if -inverse[top, i] < worst:
            worst, enter = -inverse[top, i], -2 - i
    for q in range(count):
        cost = -inverse[top, last]
        for i in range(last):
            cost -= inverse[top, i] * (used[q, rows[i]] - room[rows[i]])
        if cost < worst:
            worst, enter = cost, q
    return enter


@kernel
def _leaving(inverse: FloatArray, column: FloatArray, top: int) -> int:
    """Return which basic column gives way, the one of the largest pivot among equals."""
    last = inverse.shape[0] - 1
    least, out = np.inf, -1
    for i in range(last + 1):
        if i != top and column[i] > PIVOT:
            ratio = max(inverse[i, last], 0.0) / column[i]
            if ratio < least - 1e-15 or (
                ratio <= least + 1e-15 and (out < 0 or column[i] > column[out])
            ):
                least, out = ratio, i
    return out


@kernel
def weights_of(game: Game, count: int) -> FloatArray:
    """Return ``(count,)`` the best mixture's part of each column."""
    weights = np.zeros(count)
    last = game.rows.shape[0]
    for i in range(last + 1):
        if game.basis[i] >= 0:
            weights[game.basis[i]] = max(game.inverse[i, last], 0.0)
    return weights


@kernel
def price_of(game: Game, pools: int) -> FloatArray:
    """Return ``(p,)`` the best answer to the mixture, in parts of all money; exact zeros."""
    price = np.zeros(pools)
    top = 0
    while game.basis[top] != EXCESS:
        top += 1
    for i in range(game.rows.shape[0]):
        price[game.rows[i]] = max(-game.inverse[top, i], 0.0)
    for i in range(game.basis.shape[0]):
        if game.basis[i] < EXCESS:
            price[game.rows[-2 - game.basis[i]]] = 0.0
    return price
