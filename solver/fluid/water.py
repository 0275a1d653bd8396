"""The least shortage of given amounts as a maximum flow, and the cut that proves it.

Counted so that an hour of a pool costs everyone the same, the fluid round is a plain flow:
source - group - fellow - class of requests - (slot limit) - pool and span - sink. An agent's amount
is asked by an arc of its own from the source; what a group holds beyond the amounts of its fellows
flows through the group.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from solver.fluid.flow import ENDLESS, SINK, SOURCE, Network, ask, augment, network, reached
from solver.fluid.leximin import Cut, Terms
from solver.fluid.merging import Merged
from solver.fluid.uncrossing import uncrossed
from solver.problem import MILLI, IntArray


def is_plain_flow(merged: Merged, grain: int) -> bool:
    """Say whether an hour of a pool costs all the same, and asks and limits count alike.

    Also that grains are fine enough to count every thousandth of an hour in whole ones.
    """
    if grain % MILLI:
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


def whole_supply(merged: Merged) -> int:
    """Return the thousandths of the unit of the whole supply; exact, whatever their size."""
    hours: list[int] = merged.supply.sum(axis=1).tolist()
    factor: list[int] = merged.factor.max(axis=0, initial=0).tolist()
    return -(-sum(h * f for h, f in zip(hours, factor, strict=True)) // MILLI)


@dataclass(frozen=True, slots=True)
class _Arcs:
    """Positions of arcs in the network."""

    ask_group: IntArray
    ask_fellow: IntArray
    cap: IntArray
    columns: IntArray


class ShortageFlow:
    """Answers whether amounts can be had together, by maximum flow on the merged round.

    Each question starts from the flow of the one before.

    Attributes:
        work: flows computed.
        at_once: every bottleneck of a flow gives a cut of its own.
    """

    at_once = True

    def __init__(
        self, merged: Merged, parent: IntArray, groups: int, terms: Terms, grain: int
    ) -> None:
        """Build the network once; at first groups ask.

        Args:
            merged: the round; `is_plain_flow` holds.
            parent: ``(f,)`` group of each fellow.
            groups: how many there are.
            terms: fellow caps.
            grain: grains in a thousandth of the unit.
        """
        self.work = 0
        self._grain = grain
        self._merged = merged
        self._parent = parent
        self._totals: IntArray | None = None
        self._caps = {i: int(most) for (kind, i), most in terms.most.items() if kind == "fellow"}
        self._groups = groups
        self._beyond = 2 * grain * whole_supply(merged) + 1
        self._pool_factor = merged.factor.max(axis=0, initial=0)
        self._net, self._arcs = self._build()
        self._residual = self._net.capacity.copy()
        self._asks_at = np.concatenate((self._arcs.ask_group, self._arcs.ask_fellow))
        pool, span = np.nonzero(merged.supply > 0)
        first = 2 + groups + 2 * parent.shape[0] + merged.classes
        self._cells: IntArray = first + pool * merged.spans + span
        self._priced = np.column_stack((pool, span, self._pool_factor[pool]))

    def share(self, totals: IntArray) -> None:
        """Let the fellows ask from now on, `totals` ``(g,)`` grains in each group."""
        self._totals = totals

    def cuts(self, amounts: IntArray, full: Sequence[Cut] = ()) -> list[Cut]:
        """Return cuts that the amounts break, none if they can be had together."""
        self.work += 1
        net, residual = self._net, self._residual
        wanted = self._asked(np.minimum(amounts, self._beyond))
        ask(net.start, net.head, net.mate, net.capacity, residual, self._asks_at, wanted)
        augment(net.start, net.head, net.mate, residual)
        if not residual[self._asks_at].any():
            return []
        asked = np.zeros(net.start.shape[0] - 1, dtype=np.int64)
        asked[2 : 2 + wanted.shape[0]] = wanted
        side = reached(net.start, net.head, residual)
        sets = uncrossed(net, asked, side, [cut.nodes for cut in full])
        cuts = (self._as_cut(nodes, int(asked[nodes].sum()) - over) for nodes, over in sets)
        return [cut for cut in cuts if cut.agents.size]

    def settle(self, cut: Cut) -> Cut:
        """Return the cut: its room is exact."""
        return cut

    def hours(self) -> IntArray:
        """Return ``(k,)`` thousandths of a GPU-hour of the last division, rounded down."""
        places = self._arcs.columns
        flow = self._residual[self._net.mate[places]]
        hours: IntArray = flow // (
            self._pool_factor[self._merged.columns.pool] * (self._grain // MILLI)
        )
        return hours

    def _asked(self, amounts: IntArray) -> IntArray:
        """Return what the arcs from the source ask for, groups then fellows."""
        if self._totals is None:
            return np.concatenate((amounts, np.zeros(self._parent.shape[0], dtype=np.int64)))
        rest = self._totals.copy()
        np.subtract.at(rest, self._parent, amounts)
        return np.concatenate((np.maximum(rest, 0), amounts))

    def _as_cut(self, nodes: IntArray, room: int) -> Cut:
        """Write a node set down as the inequality that it is.

        Args:
            nodes: ascending, closed under endless arcs.
            room: grains that can leave them.
        """
        groups, fellows = self._groups, self._parent.shape[0]
        edges = 2 + np.array([0, groups, groups + fellows, groups + 2 * fellows])
        at = np.searchsorted(nodes, edges)
        whole, into, out = (nodes[at[i] : at[i + 1]] - edges[i] for i in range(3))
        holders: list[tuple[str, int, int]] = []
        agents = whole
        if self._totals is not None:
            inside = np.zeros(groups, dtype=np.bool_)
            inside[whole] = True
            agents = out[~inside[self._parent[out]]]
            capped = np.setdiff1d(into, out, assume_unique=True)
            own = ~inside[self._parent[capped]]
            room -= int(self._totals[whole].sum())
            room -= int(self._net.capacity[self._arcs.cap[capped[own]]].sum())
            holders += [("group", group, 1) for group in whole.tolist()]
            holders += [("fellow", fellow, -1) for fellow in capped[~own].tolist()]
        rest = nodes[at[3] :]
        cells = self._cells[np.isin(self._cells, rest, assume_unique=True)]
        return Cut(
            agents=agents,
            lifts=np.ones(agents.shape[0], dtype=np.int64),
            room=room,
            prices=self._priced[np.searchsorted(self._cells, cells)],
            price_unit=MILLI,
            holders=tuple(holders),
            nodes=nodes,
        )

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
        caps = np.full(fellows, ENDLESS)
        for capped, most in self._caps.items():
            caps[capped] = min(most * self._grain, self._beyond)
        grains = self._pool_factor * (self._grain // MILLI)
        supply = merged.supply[columns.pool, columns.span]
        blocks = [
            (np.full(groups, SOURCE), group, np.zeros(groups, dtype=np.int64)),
            (np.full(fellows, SOURCE), fellow, np.zeros(fellows, dtype=np.int64)),
            (group[self._parent], fellow, np.full(fellows, ENDLESS)),
            (fellow, beyond, caps),
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
        factor, speed = merged.factor[rows, pool], merged.speed[rows, pool]
        most = float(merged.ask.max(initial=0)) * float(factor.max(initial=0)) * self._grain
        ask = merged.ask if most < float(ENDLESS) else merged.ask.astype(object)
        grains: IntArray = np.minimum(ask * factor * self._grain // speed, self._beyond)
        return grains.astype(np.int64)

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
        return slot_of, cls, most * self._pool_factor[pool] * (self._grain // MILLI)


def _scarce(most: IntArray, supply: IntArray) -> IntArray:
    """Return limits cut down to what a supply still cannot fill, so that they stay small."""
    return np.minimum(most, 2 * supply + 1)
