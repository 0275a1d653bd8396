"""Cuts at prices that linear programs found before: who pays them is chosen anew.

A program that says what is out of reach answers with prices of pools and with what fellows pay. In
the next trial the prices are often the same, only others pay; and once the pools that they are for
are used up, the other fellows each have what they can have without them, one level after the other.
At known prices both are found without a program: amounts cost so much at least, and all together
have to cost no more than the supply.

Source:
    Kelley, The cutting-plane method for solving convex programs, Journal of SIAM 8 (1960): here on
    the one line of levels, at fixed prices, where it ends after a few steps.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from solver.checking.pricing import Holder
from solver.fluid.bounds import Bounds
from solver.fluid.leximin import Cut, Rising, Terms, is_broken
from solver.fluid.merging import Merged
from solver.fluid.outlay import (
    SAME,
    Curves,
    Market,
    ceiling_worths,
    curves,
    group_worths,
    worths,
)
from solver.problem import MILLI, FloatArray, IntArray

KEPT = 12
"""Prices that are kept; those found long ago say little that the later ones do not."""
NEAR = 1e-9
"""Parts of the largest price by which prices that are alike differ at most."""
TRIFLE = 1e-12
"""Part of what the supply costs that is rounding."""
FAINT = 1e-8
"""A price smaller than the largest by more than this factor is none."""
STEPS = 60
"""Steps towards the level at which amounts cost as much as the supply; few are taken."""
WIDE = 2.0**8
"""Factor by which a fellow who comes in may pay more than all who pay."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Known:
    """Prices, and what they say.

    Attributes:
        prices: ``(p, s)`` of an hour, the largest 1.
        others: multipliers of holders that are neither groups nor fellows.
        paid: cost of the supply beyond what these have.
        curve: what fellows take.
    """

    prices: FloatArray
    others: dict[Holder, float]
    paid: float
    curve: Curves


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Outlay:
    """What amounts cost: worth of fellows' units ``(f,)``, of groups', cost beyond the supply's."""

    worth: FloatArray
    group: FloatArray
    over: float


class Repricing:
    """Answers whether fellows can have amounts while groups keep their totals, at known prices."""

    def __init__(self, merged: Merged, terms: Terms, fellow_group: IntArray, grain: int) -> None:
        """Begin without any prices.

        Args:
            merged: the round.
            terms: floors and caps; each group that holds something has its total as both.
            fellow_group: ``(f,)`` group of each fellow.
            grain: grains in a thousandth of the unit.
        """
        self._merged, self._terms, self._grain = merged, terms, grain
        self._bounds = Bounds(merged, terms, grain)
        self._group = fellow_group
        self._totals = np.zeros(int(fellow_group.max(initial=-1)) + 1)
        for (kind, index), total in terms.least.items():
            if kind == "group" and index < self._totals.size:  # the last ones may have no fellows
                self._totals[index] = float(total)
        self._most = np.full(fellow_group.shape[0], np.inf)
        for (kind, index), most in terms.most.items():
            if kind == "fellow":
                self._most[index] = float(most)
        self._market = market(merged, fellow_group.shape[0])
        self._known: list[_Known] = []

    def learn(self, cuts: Iterable[Cut]) -> None:
        """Keep the prices of cuts that are unlike those known, the last ones first."""
        for cut in cuts:
            largest = float(cut.prices[:, 2].max(initial=0))
            others = {
                (kind, index): each / largest
                for kind, index, each in cut.holders
                if kind not in {"group", "fellow"} and largest > 0.0
            }
            prices = np.zeros(self._merged.supply.shape)
            pool, span, price = cut.prices.T
            prices[pool, span] = np.where(price > FAINT * largest, price / max(largest, 1.0), 0.0)
            if largest > 0.0 and not any(_alike(each, prices, others) for each in self._known):
                self._known = [self._looked_at(prices, others), *self._known[: KEPT - 1]]

    def cuts(self, rising: Rising) -> list[Cut]:
        """Return cuts that amounts break at some known prices."""
        for known in self._known:
            found = [cut for cut in self._at(known, rising) if is_broken(cut, rising.amounts)]
            if found:
                return found
        return []

    def _looked_at(self, prices: FloatArray, others: dict[Holder, float]) -> _Known:
        """Work out what prices say."""
        columns, terms = self._merged.columns, self._terms
        offset = np.zeros(self._merged.classes)
        paid = float((prices * self._merged.supply).sum())
        for holder, each in others.items():
            offset[terms.members[holder[0]] == holder[1]] += each
            paid -= each * float((terms.least if each > 0 else terms.most)[holder])
        curve = curves(self._market, prices[columns.pool, columns.span], offset, self._most)
        return _Known(prices=prices, others=others, paid=paid, curve=curve)

    def _outlay(self, known: _Known, amounts: FloatArray) -> _Outlay:
        """Return what amounts, in grains, cost."""
        units = amounts / self._grain
        own, cost = worths(known.curve, units)
        group, sum_ = group_worths(known.curve, units, own, cost, self._group, self._totals)
        return _Outlay(worth=own, group=group, over=sum_ - known.paid)

    def _lifts(self, outlay: _Outlay) -> FloatArray:
        """Return ``(f,)`` what fellows pay for a unit beyond what their group does."""
        least = outlay.group[self._group]
        pays = outlay.worth > least * (1.0 + SAME) + SAME
        return np.where(pays, outlay.worth - least, 0.0)

    def _beyond(self, curve: Curves, least: FloatArray) -> FloatArray:
        """Return ``(f,)`` by how much groups' units are worth more than where fellows stop."""
        last = curve.start[1:] - 1
        stops = np.abs(curve.units[last] - self._most) <= TRIFLE * curve.units[last]
        beyond: FloatArray = np.where(stops, np.maximum(least - curve.worth[last], 0.0), 0.0)
        return beyond

    def _at(self, known: _Known, rising: Rising) -> list[Cut]:
        """Return the cut that is full first of all at some prices, and what it leaves others."""
        outlay = self._outlay(known, rising.amounts)
        trifle = TRIFLE * known.paid
        if outlay.over <= trifle:
            return []
        level = rising.top
        for _ in range(STEPS):
            lifts = self._lifts(outlay)
            room = float(lifts @ rising.up_to(level)) / self._grain - outlay.over
            lower = rising.reaching(lifts / self._grain, room, level)
            if lower >= level:
                break
            level = lower
            there = self._outlay(known, rising.up_to(level))
            if there.over <= trifle:
                break
            outlay = there
        return self._written(known, outlay, rising)

    def _written(self, known: _Known, outlay: _Outlay, rising: Rising) -> list[Cut]:
        """Write down what an outlay says: a cut, and one with each fellow more who has too much."""
        lifts, least = self._lifts(outlay), outlay.group[self._group]
        if not lifts.any():
            return []
        worth = ceiling_worths(known.curve, rising.amounts / self._grain, least, lifts == 0.0)
        more = np.maximum(worth - least, 0.0)
        multipliers = (float(abs(each)) for each in known.others.values())
        top = max(1.0, float(lifts.max()), float(outlay.group.max()), *multipliers)
        wide = min(max(top, float(more.max())), top * WIDE)
        unit = self._bounds.unit / wide
        others = {holder: int(each * unit) for holder, each in known.others.items()}
        others |= {("group", g): int(each * unit) for g, each in enumerate(outlay.group.tolist())}
        beyond = (self._beyond(known.curve, least) * -unit).astype(np.int64)
        others |= {("fellow", f): int(beyond[f]) for f in np.flatnonzero(beyond).tolist()}
        return self._bounds.extended(
            _whole(lifts * unit),
            _whole(np.minimum(more, wide) * unit),
            _whole(known.prices * unit),
            {holder: each for holder, each in others.items() if each},
        )


def market(merged: Merged, fellows: int) -> Market:
    """Return the round's columns by class and fellow."""
    columns = merged.columns
    order = np.argsort(merged.fellow, kind="stable")
    return Market(
        order,
        np.searchsorted(merged.fellow[order], np.arange(fellows + 1)),
        np.searchsorted(columns.cls, np.arange(merged.classes + 1)),
        columns.span,
        merged.factor[columns.cls, columns.pool] / MILLI,
        merged.speed[columns.cls, columns.pool] / MILLI,
        (merged.limit[columns.cls] * merged.span_slots[columns.span]).astype(np.float64),
        merged.ask.astype(np.float64),
        merged.joint,
    )


def _alike(known: _Known, prices: FloatArray, others: dict[Holder, float]) -> bool:
    """Say whether prices and multipliers are known but for rounding."""
    return (
        bool((np.abs(known.prices - prices) <= NEAR).all())
        and known.others.keys() == others.keys()
        and all(abs(known.others[holder] - each) <= NEAR for holder, each in others.items())
    )


def _whole(values: FloatArray) -> IntArray:
    """Return values as integers."""
    return np.rint(values).astype(np.int64)
