"""Which pool a flexible request of a single pool lies in: what a relaxation leaves split."""

import numpy as np

from solver.problem import BoolArray, FloatArray, IntArray
from solver.tiers.model import RoundModel

SOME = 1e-6
"""Shares of an ask from which on a pool counts as used."""


class PoolChoices:
    """Requests that have to pick one of several pools, and how much a solution puts in each.

    Args:
        model: the program of the round.

    Attributes:
        request, pool: ``(n,)`` one row per request that picks and pool it may pick.
    """

    def __init__(self, model: RoundModel) -> None:
        self.model = model
        problem, places = model.problem, model.places
        picks = problem.single_pool & ((problem.speed > 0).sum(axis=1) > 1)
        mine = np.flatnonzero(picks[places.request])
        keys = places.request[mine] * problem.pools + places.pool[mine]
        found, at = np.unique(keys, return_inverse=True)
        self.request, self.pool = found // problem.pools, found % problem.pools
        self._places, self._at = mine, at
        order = np.argsort(at, kind="stable")
        self._columns = places.column[mine[order]]
        self._first = np.searchsorted(at[order], np.arange(found.size + 1))
        self._rows_of = np.searchsorted(self.request, np.arange(problem.requests + 1))

    def parts(self, values: FloatArray) -> FloatArray:
        """Return ``(n,)`` which part of what its request gets lies in each row's pool."""
        places = self.model.places
        served = values[places.column[self._places]] * places.share[self._places]
        amount = np.bincount(self._at, weights=served, minlength=self.request.size)
        whole = np.bincount(self.request, weights=amount, minlength=self.model.problem.requests)
        shares = amount / np.maximum(whole, SOME)[self.request]
        return np.where(amount > SOME, shares, 0.0)

    def main(self, parts: FloatArray) -> BoolArray:
        """Return ``(n,)`` rows that have most of their request; none of who gets nothing."""
        order = np.lexsort((np.arange(parts.size), -parts, self.request))
        first = np.append(True, self.request[order][1:] != self.request[order][:-1])
        best = np.zeros(parts.size, dtype=np.bool_)
        best[order[first[: order.size]]] = True
        return np.asarray(best & (parts > 0.0))

    def split(self, values: FloatArray) -> tuple[IntArray, FloatArray]:
        """Return the rows that have most of a request that lies in several pools, and the part."""
        parts = self.parts(values)
        used = np.bincount(self.request[parts > 0.0], minlength=self.model.problem.requests)
        rows = np.flatnonzero(self.main(parts) & (used[self.request] > 1))
        return rows, parts[rows]

    def columns(self, row: int) -> IntArray:
        """Return the columns of a row: its request's hours in its pool."""
        return self._columns[self._first[row] : self._first[row + 1]]

    def other_columns(self, row: int) -> IntArray:
        """Return the columns of the request's hours in its other pools."""
        request = int(self.request[row])
        rows = range(int(self._rows_of[request]), int(self._rows_of[request + 1]))
        return np.concatenate(
            [np.zeros(0, dtype=np.int64), *(self.columns(each) for each in rows if each != row)]
        )

    def minor_columns(self, values: FloatArray, least: float = 0.0) -> IntArray:
        """Return the columns of every pool that has less of its request than another one.

        Args:
            values: a solution.
            least: only of requests that have at least this part in the other one.
        """
        parts = self.parts(values)
        clear = self.main(parts) & (parts >= least)
        chosen = np.bincount(self.request[clear], minlength=self.model.problem.requests) > 0
        minor: BoolArray = chosen[self.request] & ~clear
        return self._columns[np.repeat(minor, np.diff(self._first))]
