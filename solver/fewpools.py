"""The fluid round as a market of few pools, where it is one: no time axis, one ask per group.

The prices that keep somebody down are valid inequalities, which serve as known cuts; the division
found shows that what can be had below them can be had.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from solver.fluid.bounds import Bounds
from solver.fluid.filling import fill, rows_of
from solver.fluid.leximin import Cut, Terms
from solver.fluid.merging import Merged
from solver.pricespace.leximin import FewPools, leximin
from solver.pricespace.margins import margins
from solver.problem import MILLI, FloatArray, IntArray

SAME = 1e-9
"""Part of an amount that the division may miss: it comes from floats."""


def is_few_pools(merged: Merged, group: IntArray) -> bool:
    """Say whether nothing tells slots apart, hours count as they help, and groups have one class.

    Args:
        merged: the round.
        group: ``(c,)`` group of each class.
    """
    one_each = np.unique(group).shape[0] == group.shape[0]
    plain = merged.joint.all() and (merged.factor == merged.speed).all()
    return bool(merged.spans == 1 and one_each and plain)


def few_pools(
    merged: Merged, group: IntArray, weight: IntArray, high: IntArray, grain: int
) -> "Priced | None":
    """Return the round as a market; None if rounding kept the search from its end.

    Args:
        merged: the round; `is_few_pools` holds.
        group: ``(c,)`` group of each class.
        weight: ``(g,)`` positive where there is a class.
        high: ``(g,)`` thousandths of the unit that a group can have at most.
        grain: grains in a thousandth of the unit.
    """
    try:
        return Priced(merged, group, weight, high, grain)
    except ArithmeticError:
        return None


class Priced:
    """Answers whether amounts can be had together, from one search among the pools' prices.

    Attributes:
        work: times that everybody's cheapest way was worked out.
    """

    def __init__(
        self, merged: Merged, group: IntArray, weight: IntArray, high: IntArray, grain: int
    ) -> None:
        """Search once.

        Raises:
            ArithmeticError: If rounding kept the search from its end.
        """
        self.work = 0
        self._merged, self._grain = merged, grain
        self._pools = np.flatnonzero(merged.supply[:, 0])
        self._speed = merged.speed[:, self._pools] / MILLI
        able = self._speed.any(axis=1) & (high[group] > 0)
        self._classes = np.flatnonzero(able)
        self._speed = self._speed[able]
        self._limit = (merged.limit * merged.span_slots[0])[able].astype(np.float64)
        self._group, self._weight = group[able], weight
        self._amounts = np.zeros(weight.shape[0])
        self._shares = np.zeros(self._speed.shape)
        self._bounds = Bounds(merged, Terms(members={"group": group}, least={}, most={}), grain)
        self._cuts: tuple[Cut, ...] = ()
        if self._classes.size:
            self._search(high)

    def _search(self, high: IntArray) -> None:
        """Find division and cuts; `high` ``(g,)`` as above."""
        supply = self._merged.supply[self._pools, 0].astype(np.float64)
        mean = self._speed @ supply / supply.sum()
        weight = self._weight[self._group].astype(np.float64)
        answer = leximin(
            self._speed, self._limit, weight / mean, supply, high[self._group] / weight
        )
        self.work = answer.work
        self._shares = answer.shares
        self._amounts[self._group] = answer.amounts * weight * self._grain
        self._cuts = tuple(self._priced(answer))
        self._agree(high)

    def _agree(self, high: IntArray) -> None:
        """Refuse cuts below which somebody gets more than in the division.

        Raises:
            ArithmeticError: If there is one.
        """
        cuts = self._cuts
        lifts = [cut.lifts / cut.unit for cut in cuts]
        rows = rows_of([cut.agents for cut in cuts], lifts, [cut.room / cut.unit for cut in cuts])
        most = high.astype(np.float64) * self._grain
        got = fill(rows, self._weight.astype(np.float64), np.zeros_like(most), most).amount
        if (got > self._amounts * (1.0 + SAME) + 1.0).any():
            raise ArithmeticError("The prices found do not prove the division found.")

    def _priced(self, answer: FewPools) -> Iterator[Cut]:
        """Write down a cut for every amount at which prices keep somebody."""
        rate = (self._speed * answer.shares).sum(axis=1)
        for event, price in enumerate(answer.prices):
            last, more = margins(self._speed, price, rate)
            kept = answer.kept_by == event
            here = kept & (answer.amounts <= answer.levels[event] * (1.0 + SAME))
            if here.any():
                yield self._cut(price, np.where(here, more, last))
            for amount in np.unique(answer.amounts[kept & ~here]):
                there = kept & (answer.amounts == amount)
                yield self._cut(price, np.where(there, more, last))

    def _cut(self, price: FloatArray, pays: FloatArray) -> Cut:
        """Write prices down; `pays` ``(c,)`` what an amount is worth to each class."""
        unit = (self._bounds.unit - 1) / max(float(pays.max()), float(price.max()))
        lifts = (pays * unit).astype(np.int64)
        paying = np.flatnonzero(lifts)
        paying = paying[np.argsort(self._group[paying])]
        prices = np.zeros_like(self._merged.supply)
        prices[self._pools, 0] = (price * unit).astype(np.int64)
        return self._bounds.cut("group", (self._group[paying], lifts[paying]), prices, {})

    def share(self, totals: IntArray) -> None:
        """Let the fellows ask from now on; one in a group takes part and can have all of it."""
        assert totals.shape == self._weight.shape
        self._cuts = ()

    def cuts(self, amounts: IntArray, full: Sequence[Cut] = ()) -> list[Cut]:  # noqa: ARG002
        """Return all cuts: what they allow can be had, so amounts break one or can be had."""
        return list(self._cuts)

    def hours(self) -> IntArray:
        """Return ``(k,)`` thousandths of a GPU-hour of the division, rounded down."""
        columns = self._merged.columns
        by_place = np.zeros(self._merged.speed.shape)
        by_place[np.ix_(self._classes, self._pools)] = self._shares * self._limit[:, None]
        found: IntArray = by_place[columns.cls, columns.pool].astype(np.int64)
        return found
