"""Fairness of single moves: the incremental kernel against scoring everybody anew with numpy."""

import time

import numpy as np

from benchmarks.instances import table
from solver.fairness import atkinson, jain_index, moves_spread, spread_of, theil_of

HOLDERS, MOVES, WHOLE = 400, 2_000_000, 2_000
REPEATS = 5


def rescored(shares, moves, amounts):
    """Return the indices of Jain, Theil and Atkinson after each move, everybody added up anew."""
    found = np.empty((moves.shape[0], 3))
    for row, ((giver, taker), (given, taken)) in enumerate(zip(moves, amounts, strict=True)):
        then = shares.copy()
        then[giver] -= given
        then[taker] += taken
        mean = then.mean()
        part = then / mean
        found[row, 0] = then.sum() ** 2 / (then.size * (then**2).sum())
        found[row, 1] = (part * np.log(part)).mean()
        found[row, 2] = 1.0 - np.sqrt(then).mean() ** 2 / mean
    return found


def fastest(run):
    """Return an answer and the least CPU seconds, the first run apart."""
    answer, seconds = run(), []
    for _ in range(REPEATS):
        began = time.process_time()
        answer = run()
        seconds.append(time.process_time() - began)
    return answer, min(seconds)


def main():
    """Print moves per second of both."""
    rng = np.random.default_rng(0)
    shares = rng.uniform(1.0, 2.0, HOLDERS)
    moves = rng.integers(0, HOLDERS, (MOVES, 2))
    moves[:, 1] = (moves[:, 0] + rng.integers(1, HOLDERS, MOVES)) % HOLDERS
    amounts = np.repeat(rng.uniform(0.0, 0.5, (MOVES, 1)), 2, axis=1)
    ours, seconds = fastest(lambda: moves_spread(shares, moves, amounts))
    whole, slow = fastest(lambda: rescored(shares, moves[:WHOLE], amounts[:WHOLE]))
    assert np.allclose(ours[:WHOLE], whole, rtol=1e-9, atol=1e-12)
    spread = spread_of(shares)
    assert np.isclose(theil_of(spread), rescored(shares, moves[:1], 0.0 * amounts[:1])[0, 1])
    assert jain_index(shares) <= 1.0
    assert atkinson(shares) >= 0.0
    rate, others = MOVES / seconds, WHOLE / slow
    print(f"### Moves scored by Jain, Theil and Atkinson ({HOLDERS} holders, one core)\n")
    table(
        ["how", "moves a second", "times"],
        [
            ["incremental", f"{rate:,.0f}", f"{rate / others:,.0f}x"],
            ["anew", f"{others:,.0f}", "1x"],
        ],
    )
