"""The least shortage of given amounts as a maximum flow, and the cut that proves it.

Counted so that an hour of a pool costs everyone the same, the fluid round is a plain flow:
source - group - fellow - class of requests - (slot limit) - pool and span - sink. An agent's amount
is asked by an arc of its own from the source; what a group holds beyond the amounts of its fellows
flows through the group.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from solver.fluid.flow import ENDLESS, SINK, SOURCE, Network, augment, network, reached
from solver.fluid.leximin import GRAIN, Cut, Terms
from solver.fluid.merging import Merged
from solver.problem import MILLI, BoolArray, IntArray


def is_plain_flow(merged: Merged) -> bool:
    """Say whether an hour of a pool costs all the same, and asks and limits count alike.

    Also that the whole supply, in grains, leaves room in 64 bits for sums of capacities.
    """
    if 8 * _total(merged) >= ENDLESS:
        return False
    factor, speed = merged.factor, merged.speed
    open_pools = speed > 0
    of_pool = factor.max(axis=0, initial=0)
    if (open_pools & (factor != of_pool)).any():
        return False
    first = open_pools.argmax(axis=1)
    rows = np.arange(merged.classes)
    one_ratio = factor * speed[rows, first][:, None] == factor[rows, first][:, None] * speed
    one_factor = (factor == factor[rows, first][:, None]) | ~merged.joint[:, None]
    return bool((~open_pools | (one_ratio & one_factor)).all())


def _total(merged: Merged) -> int:
    """Return the grains of the whole supply; exact, whatever their size."""
    hours: list[int] = merged.supply.sum(axis=1).tolist()
    factor: list[int] = merged.factor.max(axis=0, initial=0).tolist()
    return sum(h * f for h, f in zip(hours, factor, strict=True)) * (GRAIN // MILLI)


@dataclass(frozen=True, slots=True)
class _Arcs:
    """Positions of arcs in the network."""

    ask_group: IntArray
    ask_fellow: IntArray
    cap: IntArray
    columns: IntArray


class ShortageFlow:
    """Answers whether amounts can be had together, by maximum flow on the merged round.

    Attributes:
        work: flows computed.
    """

    def __init__(
        self,
        merged: Merged,
        parent: IntArray,
        groups: int,
        terms: Terms,
        totals: Sequence[int] | None = None,
    ) -> None:
        """Build the network once.

        Args:
            merged: the round; `is_plain_flow` holds.
            parent: ``(f,)`` group of each fellow.
            groups: how many there are.
            terms: fellow caps.
            totals: grains that each group holds when fellows share; None when groups share.
        """
        self.work = 0
        self._merged = merged
        self._parent = parent
        self._totals = None if totals is None else tuple(totals)
        self._caps = {i: int(most) for (kind, i), most in terms.most.items() if kind == "fellow"}
        self._groups = groups
        self._beyond = 2 * _total(merged) + 1
        self._pool_factor = merged.factor.max(axis=0, initial=0)
        self._net, self._arcs = self._build()
        self._residual = self._net.capacity.copy()

    def cut(self, amounts: Sequence[int]) -> Cut | None:
        """Return a cut that the amounts break, or None if they can be had together."""
        self.work += 1
        net = self._net
        residual = net.capacity.copy()
        wanted = self._ask(residual, [min(amount, self._beyond) for amount in amounts])
        pushed = augment(net.start, net.head, net.mate, residual)
        self._residual = residual
        if pushed == wanted:
            return None
        return self._as_cut(reached(net.start, net.head, residual))

    def settle(self, cut: Cut) -> Cut:
        """Return the cut: its room is exact."""
        return cut

    def kept(self, amount: int) -> int:
        """Return the amount: flows are exact."""
        return amount

    def firm(self, lifts: Mapping[int, int]) -> set[int]:
        """Return all agents: flows are exact."""
        return set(lifts)

    def hours(self) -> IntArray:
        """Return ``(k,)`` thousandths of a GPU-hour of the last division, rounded down."""
        places = self._arcs.columns
        flow = self._residual[self._net.mate[places]]
        hours: IntArray = flow // (self._pool_factor[self._merged.columns.pool] * (GRAIN // MILLI))
        return hours

    def _ask(self, residual: IntArray, amounts: Sequence[int]) -> int:
        """Open the arcs that ask for the amounts; return their sum."""
        if self._totals is None:
            residual[self._arcs.ask_group] = amounts
            return sum(amounts)
        rest = list(self._totals)
        for group, amount in zip(self._parent.tolist(), amounts, strict=True):
            rest[group] -= amount
        shared = [max(amount, 0) for amount in rest]
        residual[self._arcs.ask_fellow] = amounts
        residual[self._arcs.ask_group] = shared
        return sum(amounts) + sum(shared)

    def _as_cut(self, side: BoolArray) -> Cut:
        """Read the cut off the source's side of the network."""
        net = self._net
        tails = np.repeat(np.arange(net.start.shape[0] - 1), np.diff(net.start))
        across = side[tails] & ~side[net.head] & (tails != SOURCE)
        room = int(net.capacity[across].sum())
        groups = side[2 : 2 + self._groups]
        inner = 2 + self._groups
        fellows = self._parent.shape[0]
        reach_in = side[inner : inner + fellows]
        reach_out = side[inner + fellows : inner + 2 * fellows]
        capped = reach_in & ~reach_out
        holders = []
        if self._totals is None:
            lifts = groups
        else:
            lifts = reach_out & ~groups[self._parent]
            own = capped & ~groups[self._parent]
            room -= int(net.capacity[self._arcs.cap[own]].sum())
            room -= sum(self._totals[g] for g in np.flatnonzero(groups))
            holders += [("group", int(g), MILLI) for g in np.flatnonzero(groups)]
        held = np.flatnonzero(capped & groups[self._parent])
        holders += [("fellow", int(f), -MILLI) for f in held]
        return Cut(
            lifts=tuple((int(agent), MILLI) for agent in np.flatnonzero(lifts)),
            room=room * MILLI,
            unit=MILLI,
            prices=self._prices(side[inner + 2 * fellows :]),
            holders=tuple(holders),
        )

    def _prices(self, side: BoolArray) -> tuple[tuple[int, int, int], ...]:
        """Return the pools and spans on the source's side, at their factor."""
        pools, spans = self._merged.supply.shape
        cells = side[self._merged.classes :][: pools * spans].reshape(pools, spans)
        pool, span = np.nonzero(cells & (self._merged.supply > 0))
        price = self._pool_factor[pool]
        return tuple(zip(pool.tolist(), span.tolist(), price.tolist(), strict=True))

    def _build(self) -> tuple[Network, _Arcs]:
        """Lay the network out."""
        merged, columns = self._merged, self._merged.columns
        groups, fellows = self._groups, self._parent.shape[0]
        group = 2 + np.arange(groups)
        fellow = 2 + groups + np.arange(fellows)
        beyond = fellow + fellows
        cls = 2 + groups + 2 * fellows + np.arange(merged.classes)
        cell = 2 + groups + 2 * fellows + merged.classes + np.arange(merged.supply.size)
        first = 2 + groups + 2 * fellows + merged.classes + merged.supply.size
        slot_of, slot_cls, slot_most = self._slots()
        slot = first + np.arange(slot_cls.shape[0])
        at = cell[columns.pool * merged.supply.shape[1] + columns.span]
        in_slot = slot_of >= 0
        column_tail = np.where(in_slot, slot[slot_of] if slot.size else 0, cls[columns.cls])
        own = (self._caps.get(f) for f in range(fellows))
        caps = [ENDLESS if cap is None else min(cap * GRAIN, self._beyond) for cap in own]
        grains = self._pool_factor * (GRAIN // MILLI)
        supply = merged.supply[columns.pool, columns.span]
        blocks = [
            (np.full(groups, SOURCE), group, np.zeros(groups, dtype=np.int64)),
            (np.full(fellows, SOURCE), fellow, np.zeros(fellows, dtype=np.int64)),
            (group[self._parent], fellow, np.full(fellows, ENDLESS)),
            (fellow, beyond, np.array(caps, dtype=np.int64)),
            (beyond[merged.fellow], cls, self._asks()),
            (cls[slot_cls], slot, slot_most),
            (column_tail, at, _scarce(columns.most, supply) * grains[columns.pool]),
            (cell, np.full(cell.shape[0], SINK), (merged.supply * grains[:, None]).reshape(-1)),
        ]
        tail, head, capacity = (
            np.concatenate([block[part] for block in blocks]) for part in range(3)
        )
        net = network(first + slot.shape[0], tail, head, capacity)
        edges = np.cumsum([0] + [block[0].shape[0] for block in blocks])
        where = [net.place[edges[i] : edges[i + 1]] for i in range(len(blocks))]
        return net, _Arcs(where[0], where[1], where[3], where[6])

    def _asks(self) -> IntArray:
        """Return ``(c,)`` grains that a class asks."""
        merged = self._merged
        pool = (merged.speed > 0).argmax(axis=1)
        rows = np.arange(merged.classes)
        asks = zip(
            merged.ask.tolist(),
            merged.factor[rows, pool].tolist(),
            merged.speed[rows, pool].tolist(),
            strict=True,
        )
        grains = [min(a * f * GRAIN // s, self._beyond) for a, f, s in asks]
        return np.array(grains, dtype=np.int64)

    def _slots(self) -> tuple[IntArray, IntArray, IntArray]:
        """Give a node to each class and span where several pools share the slot limit.

        Returns:
            ``(k,)`` node of each column or -1; ``(n,)`` class and grains of each node.
        """
        merged, columns = self._merged, self._merged.columns
        spans = merged.span_slots.shape[0]
        where = columns.cls * spans + columns.span
        several = np.bincount(where, minlength=merged.classes * spans) > 1
        shared = merged.joint[columns.cls] & several[where]
        places, node = np.unique(where[shared], return_inverse=True)
        slot_of = np.full(where.shape[0], -1, dtype=np.int64)
        slot_of[shared] = node
        cls, span = places // spans, places % spans
        pool = (merged.speed > 0).argmax(axis=1)[cls]
        most = _scarce(merged.limit[cls] * merged.span_slots[span], merged.supply.sum(axis=0)[span])
        return slot_of, cls, most * self._pool_factor[pool] * (GRAIN // MILLI)


def _scarce(most: IntArray, supply: IntArray) -> IntArray:
    """Return limits cut down to what a supply still cannot fill, so that they stay small."""
    return np.minimum(most, 2 * supply + 1)
