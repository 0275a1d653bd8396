"""Cuts whose room their own prices prove, exactly: at any prices, and of each fellow alone."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction

import numpy as np

from solver.checking.pricing import Holder
from solver.fluid.leximin import Cut, Terms
from solver.fluid.merging import Merged
from solver.fluid.pricing import Pricing
from solver.plan import Level
from solver.problem import MILLI, BoolArray, IntArray

FADING = (0, 2, 4, 6, 8, 10)
"""Powers of two by which a fellow's own multiplier is tried smaller than those of the totals."""
FLAT = 1e-9
"""Part of what a fellow has at most that a smaller multiplier has to gain."""


class Bounds:
    """What holders can have together in the merged round, at prices.

    Attributes:
        unit: what prices and multipliers are integer parts of, and stay below.
        pools: how many there are.
        useful: ``(k,)`` columns that can take hours while every group keeps its total, as far as
            the prices of `ceilings` say.
    """

    def __init__(self, merged: Merged, terms: Terms, grain: int) -> None:
        """Build the bounds of a round.

        Args:
            merged: the round.
            terms: floors and caps that multipliers of other holders rest on.
            grain: grains in a thousandth of the unit.
        """
        self._merged = merged
        self._terms = terms
        self._grain = grain
        self._pricing = Pricing(merged)
        self.unit = self._pricing.unit
        self.pools = merged.supply.shape[0]
        self.useful: BoolArray = np.ones(merged.columns.cls.shape[0], dtype=np.bool_)

    def cut(
        self,
        kind: str,
        lifted: tuple[IntArray, IntArray],
        prices: IntArray,
        others: Mapping[Holder, int],
    ) -> Cut:
        """Return the inequality that prices prove.

        Args:
            kind: of the agents.
            lifted: agents, ascending, and their lifts.
            prices: ``(p, s)``.
            others: multipliers of the holders that it rests on.
        """
        lifted, others = _netted(kind, lifted, others)
        pairs = zip(lifted[0].tolist(), lifted[1].tolist(), strict=True)
        own = {(kind, agent): lift for agent, lift in pairs}
        profits = self._pricing.profits(prices, self._worth(others) + self._worth(own))
        room = self._spare(prices, others) + sum(profits) * self._grain // MILLI
        return self._as_cut(lifted, prices, others, room)

    def extended(
        self, lifts: IntArray, more: IntArray, prices: IntArray, others: Mapping[Holder, int]
    ) -> list[Cut]:
        """Return the inequality of fellows that prices prove, then it with one fellow more each.

        Args:
            lifts: ``(f,)`` multipliers, 0 for who is not in it.
            more: ``(f,)`` multipliers of those who come in, each alone; else 0.
            prices: ``(p, s)``.
            others: multipliers of the holders that it rests on.
        """
        fellow, worth = self._merged.fellow, self._worth(others)
        agents = np.flatnonzero(lifts)
        cut = self.cut("fellow", (agents, lifts[agents]), prices, others)
        coming = np.flatnonzero(more)
        if not coming.size:
            return [cut]
        base = self._pricing.profits(prices, worth + lifts[fellow])
        earned = self._pricing.profits(prices, worth + (lifts + more)[fellow])
        gain = [0] * lifts.shape[0]
        for index, after, before in zip(fellow.tolist(), earned, base, strict=True):
            gain[index] += after - before
        at = np.searchsorted(cut.agents, coming)
        return [cut] + [
            replace(
                cut,
                agents=np.insert(cut.agents, place, index),
                lifts=np.insert(cut.lifts, place, more[index]),
                room=cut.room + gain[index] * self._grain // MILLI,
            )
            for place, index in zip(at.tolist(), coming.tolist(), strict=True)
            if ("fellow", index) not in others
        ]

    def ceilings(self, levels: Iterable[Level], high: IntArray) -> list[Cut]:
        """Return cuts of one fellow each: its most while every group keeps its total.

        At prices where the groups' totals are all that can be had, a fellow whose hours are worth
        a trifle more than its group's earns that trifle only on what these prices leave open to it.

        Args:
            levels: of the groups; their prices are taken together.
            high: ``(f,)`` grains that each can have at most.
        """
        prices, others = self._together(levels)
        largest = max(others.values(), default=0)
        if largest <= 0:
            return []
        worth, fellow = self._worth(others), self._merged.fellow
        self.useful = self._pricing.pays(prices, worth)
        base = self._pricing.profits(prices, worth)
        spare = self._spare(prices, others) + sum(base) * self._grain // MILLI
        lift = self._lifts(prices, worth, float(spare), largest, high)
        earned = self._pricing.profits(prices, worth + lift[fellow])
        rooms = [spare] * high.shape[0]
        for index, more, less in zip(fellow.tolist(), earned, base, strict=True):
            rooms[index] += (more - less) * self._grain // MILLI
        bound = np.flatnonzero(lift).tolist()
        shut = [index for index in bound if rooms[index] == spare]
        each = [[index] for index in bound if rooms[index] > spare]
        of_all = self._as_cut((fellow, lift), prices, others, spare)
        return [
            replace(of_all, agents=np.array(some), lifts=lift[some], room=rooms[some[0]])
            for some in ([shut] if shut else []) + each
        ]

    def _lifts(
        self, prices: IntArray, worth: IntArray, spare: float, largest: int, high: IntArray
    ) -> IntArray:
        """Return ``(f,)`` the largest multiplier that bounds each fellow best; 0 where none does.

        Args:
            prices: of the totals.
            worth: ``(c,)`` what an amount is worth at these.
            spare: grains that the prices leave to nobody.
            largest: multiplier of a total.
            high: as in `ceilings`.
        """
        base = self._pricing.nearly(prices, worth)
        best, lift = high.astype(np.float64), np.zeros_like(high)
        for fading in FADING:
            more = self._pricing.nearly(prices, worth + (largest >> fading)) - base
            gain = np.bincount(self._merged.fellow, more, high.shape[0]) * (self._grain / MILLI)
            most = (gain + spare) / (largest >> fading)
            better = most < (1.0 - FLAT) * best
            best[better], lift[better] = most[better], largest >> fading
        return lift

    def _as_cut(
        self,
        lifted: tuple[IntArray, IntArray],
        prices: IntArray,
        others: Mapping[Holder, int],
        room: int,
    ) -> Cut:
        """Write an inequality down."""
        pool, span = np.nonzero(prices)
        return Cut(
            agents=lifted[0],
            lifts=lifted[1],
            room=room,
            unit=self.unit,
            prices=np.column_stack((pool, span, prices[pool, span])),
            price_unit=self.unit,
            holders=tuple((*holder, multiplier) for holder, multiplier in others.items()),
        )

    def _spare(self, prices: IntArray, others: Mapping[Holder, int]) -> int:
        """Return grains that the supply costs beyond what other holders have."""
        spare = self._pricing.paid(prices) * self._grain // MILLI
        for holder, multiplier in others.items():
            known = self._terms.least if multiplier > 0 else self._terms.most
            spare -= int(multiplier * known[holder] * self._grain)
        return spare

    def _worth(self, multipliers: Mapping[Holder, int]) -> IntArray:
        """Return ``(c,)`` what an amount of each class is worth."""
        worth = np.zeros(self._merged.classes, dtype=np.int64)
        for kind, of in self._terms.members.items():
            table = np.zeros(int(of.max(initial=-1)) + 2, dtype=np.int64)
            for (which, index), multiplier in multipliers.items():
                if which == kind and index < table.shape[0] - 1:
                    table[index] = multiplier
            worth += table[of]
        return worth

    def _together(self, levels: Iterable[Level]) -> tuple[IntArray, dict[Holder, int]]:
        """Return prices and multipliers of levels, added up with the largest of each alike."""
        priced = [level for level in levels if level.multipliers]
        prices = np.zeros(self._merged.supply.shape, dtype=np.int64)
        others: dict[Holder, int] = {}
        for level in priced:
            rows = [abs(number) for *_, number in (*level.pool_slots, *level.multipliers)]
            scale = Fraction(self.unit // len(priced)) / max(rows)
            for pool, span, price in level.pool_slots:
                prices[pool, span] += int(price * scale)
            for kind, index, multiplier in level.multipliers:
                holder = kind, index
                others[holder] = others.get(holder, 0) + int(multiplier * scale)
        return prices, {holder: each for holder, each in others.items() if each}


def _netted(
    kind: str, lifted: tuple[IntArray, IntArray], others: Mapping[Holder, int]
) -> tuple[tuple[IntArray, IntArray], Mapping[Holder, int]]:
    """Return multipliers so that no agent has one of its own and another for its cap.

    What both come to proves more: the cap need not be used for what they share.
    """
    agents, lifts = lifted
    both = [at for at, agent in enumerate(agents.tolist()) if (kind, agent) in others]
    if not both:
        return lifted, others
    lifts, left = lifts.copy(), dict(others)
    for at in both:
        holder = kind, int(agents[at])
        net = int(lifts[at]) + left.pop(holder)
        lifts[at] = max(net, 0)
        if net < 0:
            left[holder] = net
    some = lifts > 0
    return (agents[some], lifts[some]), left
