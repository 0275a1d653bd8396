"""Fairness indices of shares, and how single moves change them."""

from typing import NamedTuple

import numpy as np

from solver.kernels import kernel
from solver.problem import FloatArray, IntArray


class Spread(NamedTuple):
    """Sums that give the Jain, Theil and Atkinson indices, and change in constant time.

    Attributes:
        heads: how many shares; total: their sum; squares: sum of squares.
        logs: sum of y ln y; roots: sum of square roots.
    """

    heads: int
    total: float
    squares: float
    logs: float
    roots: float


class Theil(NamedTuple):
    """Inequality between groups and inside them; together the Theil index."""

    between: float
    within: float


def jain_index(shares: FloatArray) -> float:
    """Return Jain's index, 1 when all are equal and 1/n when one has everything.

    Args:
        shares: ``(n,)`` non-negative; 1.0 when they are all zero.

    Source:
        Jain, Chiu and Hawe, DEC Research Report TR-301 (1984).
    """
    return float(jain_of(spread_of(shares)))


def gini(shares: FloatArray) -> float:
    """Return the Gini coefficient, 0 when all are equal.

    Args:
        shares: ``(n,)`` non-negative; 0.0 when they are all zero.

    Source:
        Sen, On Economic Inequality (1973), section 2.7: the form by ranks.
    """
    total, heads = float(shares.sum()), shares.size
    if total <= 0:
        return 0.0
    ranks = 2 * np.arange(1, heads + 1) - heads - 1
    return float((ranks * np.sort(shares)).sum() / (heads * total))


def theil(shares: FloatArray, group: IntArray) -> Theil:
    """Return the Theil index split into between and within groups.

    Args:
        shares: ``(n,)`` non-negative.
        group: ``(n,)`` group index of each.

    Source:
        Theil, Economics and Information Theory (1967), chapter 4.
    """
    heads = np.bincount(group)
    sums = np.bincount(group, weights=shares)
    means = np.divide(sums, heads, out=np.zeros(heads.size), where=heads > 0)
    smooth = means[group] if shares.size else shares
    whole, between = (float(theil_of(spread_of(each))) for each in (shares, smooth))
    return Theil(between=max(0.0, between), within=max(0.0, whole - between))


def atkinson(shares: FloatArray) -> float:
    """Return the Atkinson index with aversion one half, which also tells zeros apart.

    Args:
        shares: ``(n,)`` non-negative; 0.0 when they are all zero.

    Source:
        Atkinson, Journal of Economic Theory 2 (1970), 244-263.
    """
    return float(atkinson_of(spread_of(shares)))


@kernel
def spread_of(shares: FloatArray) -> Spread:
    """Return the sums of shares."""
    spread = Spread(0, 0.0, 0.0, 0.0, 0.0)
    for share in shares:
        spread = Spread(
            spread.heads + 1,
            spread.total + share,
            spread.squares + share * share,
            spread.logs + entropy(share),
            spread.roots + np.sqrt(share),
        )
    return spread


@kernel
def entropy(share: float) -> float:
    """Return y ln y, 0 at 0."""
    return float(share * np.log(share)) if share > 0.0 else 0.0


@kernel
def jain_of(spread: Spread) -> float:
    """Return Jain's index of the sums."""
    if spread.squares <= 0.0:
        return 1.0
    return spread.total * spread.total / (spread.heads * spread.squares)


@kernel
def theil_of(spread: Spread) -> float:
    """Return the Theil index of the sums."""
    if spread.total <= 0.0:
        return 0.0
    return float(spread.logs / spread.total - np.log(spread.total / spread.heads))


@kernel
def atkinson_of(spread: Spread) -> float:
    """Return the Atkinson index, aversion one half, of the sums."""
    if spread.total <= 0.0:
        return 0.0
    return 1.0 - spread.roots * spread.roots / (spread.heads * spread.total)


@kernel
def moves_spread(shares: FloatArray, moves: IntArray, amounts: FloatArray) -> FloatArray:
    """Return ``(n, 3)`` Jain, Theil and Atkinson indices after each move by itself.

    Args:
        shares: ``(h,)`` shares now.
        moves: ``(n, 2)`` who gives and who takes.
        amounts: ``(n, 2)`` by how much the giver's share falls and the taker's rises.
    """
    now = spread_of(shares)
    logs, roots = np.empty_like(shares), np.sqrt(shares)
    for holder in range(shares.shape[0]):
        logs[holder] = entropy(shares[holder])
    found = np.empty((moves.shape[0], 3))
    for row in range(moves.shape[0]):
        one, other = moves[row, 0], moves[row, 1]
        giver, taker = shares[one] - amounts[row, 0], shares[other] + amounts[row, 1]
        then = Spread(
            now.heads,
            now.total - amounts[row, 0] + amounts[row, 1],
            now.squares + giver**2 + taker**2 - shares[one] ** 2 - shares[other] ** 2,
            now.logs + entropy(giver) + entropy(taker) - logs[one] - logs[other],
            now.roots + np.sqrt(giver) + np.sqrt(taker) - roots[one] - roots[other],
        )
        found[row, 0] = jain_of(then)
        found[row, 1] = theil_of(then)
        found[row, 2] = atkinson_of(then)
    return found


@kernel
def envious_pairs(useful: IntArray, got: IntArray, award: IntArray, entitlement: IntArray) -> int:
    """Return how many ordered pairs (i, j) have i envy j.

    i envies j when what i could use of everything j got, scaled to i's entitlement, is more than
    i's own award: Σ useful_i · got_j · e_i / e_j > award_i.

    Args:
        useful: ``(f, m)`` thousandths of a reference hour that i makes of a GPU-hour of each
            pool-slot, 0 where none of i's requests may lie.
        got: ``(f, m)`` GPU-hours.
        award: ``(f,)`` thousandths of reference hours; `OPEN`-like for whoever wants no more.
        entitlement: ``(f,)`` thousandths of the unit; pairs without both are not counted.
    """
    pairs = 0
    for other in range(got.shape[0]):
        nodes = np.nonzero(got[other])[0]
        for one in range(got.shape[0]):
            if one != other and entitlement[one] > 0 and entitlement[other] > 0:
                usable = np.int64(0)
                for node in nodes:
                    usable += useful[one, node] * got[other, node]
                fair = float(usable) * float(entitlement[one])
                pairs += fair > float(award[one]) * float(entitlement[other])
    return pairs
