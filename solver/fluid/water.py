"""The least shortage of given amounts as a maximum flow, and the cut that proves it.

Counted so that an hour of a pool costs everyone the same, the fluid round is a plain flow:
source - group - fellow - class of requests - (slot limit) - pool and span - sink. An agent's amount
is asked by an arc of its own from the source; what a group holds beyond the amounts of its fellows
flows through the group.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from solver.budget import Budget
from solver.fluid.flow import ENDLESS, SINK, SOURCE, Network, ask, augment, network, reached
from solver.fluid.leximin import Agents, Cut, Terms
from solver.fluid.merging import Merged
from solver.fluid.parting import Layout, Parting, Side
from solver.fluid.uncrossing import uncrossed
from solver.kernels import kernel
from solver.problem import MILLI, BoolArray, IntArray, NarrowArray


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


CROWD = 100
"""Agents short of what they ask that tell of many bottlenecks."""
MANY = 30
"""Questions answered with cuts that tell of many bottlenecks."""
PATIENCE = 4
"""Questions answered with cuts before a crowd counts, unless it is a large part of all."""
LARGE = 0.25
"""Part of all agents that is large."""


class ShortageFlow:
    """Answers whether amounts can be had together, by maximum flow on the merged round.

    Each question starts from the flow of the one before.

    Attributes:
        work: flows computed.
    """

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
        self.work = self._short = 0
        self._grain = grain
        self._merged = merged
        self._parent = parent
        self._totals: IntArray | None = None
        self._groups = groups
        self._beyond = 2 * grain * whole_supply(merged) + 1
        self._caps = np.full(parent.shape[0], ENDLESS)
        for (kind, index), most in terms.most.items():
            if kind == "fellow":
                self._caps[index] = min(int(most) * grain, self._beyond)
        self._pool_factor = merged.factor.max(axis=0, initial=0)
        self._net, place, cells = self._build()
        self._supply = int(self._net.both[place[0]].sum())
        self._spare_at, self._through_at = place[0], place[3]
        self._asks_at, self._columns_at = np.concatenate(place[1:3]), place[-1]
        pool, span = np.nonzero(merged.supply > 0)
        heads = np.arange(SINK + 1, SINK + 1 + groups + 2 * parent.shape[0])
        self._told = np.concatenate((heads, cells[pool * merged.spans + span]))
        self._priced = np.column_stack((pool, span, self._pool_factor[pool]))
        nodes = self._net.start.shape[0] - 1
        self._ones = np.ones(max(groups, parent.shape[0]), dtype=np.int64)
        self._asked_of = np.zeros(nodes, dtype=np.int64)

    def share(self, totals: IntArray) -> None:
        """Let the fellows ask from now on, `totals` ``(g,)`` grains in each group."""
        self._totals = totals

    def whole(self) -> Cut:
        """Return the cut that the groups together hold no more than the whole supply."""
        return Cut(
            agents=np.arange(self._groups),
            lifts=self._ones[: self._groups],
            room=self._supply,
            prices=self._priced,
            price_unit=MILLI,
            nodes=np.arange(SINK + 1, self._asked_of.shape[0]),
        )

    def cuts(self, amounts: IntArray, full: Sequence[Cut] = ()) -> list[Cut]:
        """Return cuts that the amounts break, none if they can be had together."""
        self.work += 1
        net, asked = self._net, self._asked_of
        wanted = self._asked(np.minimum(amounts, self._beyond))
        asked[2 : 2 + wanted.shape[0]] = wanted
        if self._totals is not None:
            _swap(net, self._asks_at, self._through_at, self._parent, wanted)
        ask(net, self._asks_at, wanted)
        augment(net)
        self._short = int(np.count_nonzero(net.residual[self._asks_at]))
        if not self._short:
            return []
        sets = uncrossed(net, asked, reached(net), [cut.nodes for cut in full])
        found = [self._as_cut(*each) for each in sets]
        return [cut for cut in found if cut.agents.size]

    def bottlenecks(self, agents: Agents, budget: Budget | None, misses: int) -> list[Cut]:
        """Return the cuts that bind the fellows, found part by part.

        None where that would take longer than going on: few lacked something in the last question,
        or not yet often, and few questions were answered with cuts.

        Args:
            agents: the fellows.
            budget: what the whole solve may still spend; None without a limit.
            misses: questions answered with cuts.
        """
        crowd = CROWD if misses >= PATIENCE else max(CROWD, LARGE * self._parent.shape[0])
        if self._totals is None or (self._short < crowd and misses <= MANY):
            return []
        layout = Layout(
            asks=self._asks_at,
            through=self._through_at,
            spare=self._spare_at,
            parent=self._parent,
            totals=self._totals,
            told=self._told,
        )
        parting = Parting(self._net, layout, agents)
        cuts = [self._inequality(side) for side in parting.sides(budget)]
        self.work += parting.work
        return [cut for cut in cuts if cut.agents.size]

    def hours(self) -> IntArray:
        """Return ``(k,)`` thousandths of a GPU-hour of the last division, rounded down."""
        pool = self._merged.columns.pool
        grains = self._grains_per_hour()
        return _carried(self._net, self._columns_at, pool, grains)

    def _asked(self, amounts: IntArray) -> IntArray:
        """Return what the arcs from the source ask for, groups then fellows."""
        if self._totals is None:
            return np.concatenate((amounts, np.zeros(self._parent.shape[0], dtype=np.int64)))
        rest = self._totals.copy()
        np.subtract.at(rest, self._parent, amounts)
        return np.concatenate((np.maximum(rest, 0), amounts))

    def _as_cut(self, nodes: IntArray, over: int) -> Cut:
        """Write a node set down as the inequality that it is.

        Args:
            nodes: ascending, closed under endless arcs.
            over: grains that are asked beyond what can leave them.
        """
        inside = np.zeros(self._asked_of.shape[0], dtype=np.bool_)
        inside[nodes] = True
        leaving = int(self._asked_of[nodes].sum()) - over
        return replace(self._inequality(Side(inside[self._told], leaving)), nodes=nodes)

    def _inequality(self, side: Side) -> Cut:
        """Write a set closed under endless arcs down as the inequality that it is."""
        groups, fellows = self._groups, self._parent.shape[0]
        inside, cells = side.inside[:groups], side.inside[groups + 2 * fellows :]
        whole = np.flatnonzero(inside)
        held, capped = _held(side.inside, groups, self._parent)
        own = ~inside[self._parent[capped]]
        holders = [("fellow", fellow, -1) for fellow in capped[~own].tolist()]
        agents, room = whole, side.leaving
        if self._totals is not None:
            agents = held
            room -= int(self._totals[whole].sum())
            room -= int(self._caps[capped[own]].sum())
            holders += [("group", group, 1) for group in whole.tolist()]
        return Cut(
            agents=agents,
            lifts=self._ones[: agents.shape[0]],
            room=room,
            prices=self._priced[np.flatnonzero(cells)],
            price_unit=MILLI,
            holders=tuple(holders),
        )

    def _build(self) -> tuple[Network, tuple[NarrowArray, ...], IntArray]:
        """Lay the network out; return it, where arcs stand, and the node of each pool and span."""
        merged, columns = self._merged, self._merged.columns
        groups, fellows = self._groups, self._parent.shape[0]
        asks = self._asks()
        slot_of, slot_cls, slot_most = self._slots(asks)
        counts = (2, groups, fellows, fellows, merged.classes, slot_cls.shape[0])
        group, fellow, beyond, cls, slot, cell = np.cumsum(counts).tolist()
        cells = cell + np.arange(merged.supply.size)
        grains = self._grains_per_hour()
        at_source = np.full(max(groups, fellows), SOURCE)
        blocks = [
            (cells, np.full(cells.shape[0], SINK), (merged.supply * grains[:, None]).reshape(-1)),
            (at_source[:groups], group + np.arange(groups), np.zeros(groups, dtype=np.int64)),
            (at_source[:fellows], fellow + np.arange(fellows), np.zeros(fellows, dtype=np.int64)),
            (group + self._parent, fellow + np.arange(fellows), np.full(fellows, ENDLESS)),
            (fellow + np.arange(fellows), beyond + np.arange(fellows), self._caps),
            (beyond + merged.fellow, cls + np.arange(merged.classes), asks),
            (cls + slot_cls, slot + np.arange(slot_cls.shape[0]), slot_most),
            _column_arcs(
                columns.cls,
                columns.pool,
                columns.span,
                columns.most,
                merged.supply,
                slot_of,
                grains,
                np.array([cls, slot, cell]),
            ),
        ]
        return *network(cell + cells.shape[0], blocks), cells

    def _grains_per_hour(self) -> IntArray:
        """Return ``(p,)`` grains in a thousandth of a GPU-hour."""
        grains: IntArray = self._pool_factor * (self._grain // MILLI)
        return grains

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

    def _slots(self, asks: IntArray) -> tuple[NarrowArray, IntArray, IntArray]:
        """Give a node to each class and span where several pools share a slot limit that can bind.

        Args:
            asks: ``(c,)`` grains that a class asks.

        Returns:
            ``(c, s)`` node or -1; ``(n,)`` class and grains of each node.
        """
        merged = self._merged
        per_hour = self._grains_per_hour()
        cls, span, most = _slot_limits(
            merged.speed,
            merged.supply,
            merged.span_slots,
            merged.limit,
            merged.joint,
            merged.first,
            merged.end,
            asks,
            per_hour,
        )
        slot_of: NarrowArray = np.full((merged.classes, merged.spans), -1, dtype=np.int32)
        slot_of[cls, span] = np.arange(cls.shape[0])
        return slot_of, cls, most


@kernel
def _held(inside: BoolArray, groups: int, parent: IntArray) -> tuple[IntArray, IntArray]:
    """Return who is in a set without the group, and whose cap leads out of it; ascending.

    Args:
        inside: groups, then fellows, then what is behind their caps.
        groups: how many there are.
        parent: ``(f,)`` group of each fellow.
    """
    fellows = parent.shape[0]
    held, capped = np.empty((2, fellows), dtype=np.int64)
    some, ends = 0, 0
    for f in range(fellows):
        behind = inside[groups + fellows + f]
        if behind and not inside[parent[f]]:
            held[some] = f
            some += 1
        if inside[groups + f] and not behind:
            capped[ends] = f
            ends += 1
    return held[:some].copy(), capped[:ends].copy()


@kernel
def _swap(
    net: Network, asks: NarrowArray, through: NarrowArray, parent: IntArray, wanted: IntArray
) -> None:
    """Let what reaches a fellow come from its own ask instead of its group's, or back.

    So who rises or falls changes nothing further on, as long as its group sends it enough.

    Args:
        net: changed, but for what asks still take.
        asks: arcs from the source, to groups then to fellows.
        through: ``(f,)`` arcs from the group to each fellow.
        parent: ``(f,)`` group of each fellow.
        wanted: what is asked of `asks` from now on.
    """
    mate, residual = net.mate, net.residual
    groups = asks.shape[0] - parent.shape[0]
    for f in range(parent.shape[0]):
        own, group, back = mate[asks[groups + f]], mate[asks[parent[f]]], mate[through[f]]
        more = min(wanted[groups + f] - residual[own], residual[back])
        residual[own] += more
        residual[group] -= more
        residual[back] -= more
        residual[through[f]] += more


@kernel
def _slot_limits(  # noqa: PLR0913, PLR0917 - arrays of one round
    speed: IntArray,
    supply: IntArray,
    span_slots: IntArray,
    limit: IntArray,
    joint: BoolArray,
    first: IntArray,
    end: IntArray,
    asks: IntArray,
    grains: IntArray,
) -> tuple[IntArray, IntArray, IntArray]:
    """List class, span and grains of the slot limits over several pools that can bind."""
    rows = 0
    for c in range(speed.shape[0]):
        if joint[c]:
            rows += end[c] - first[c]
    cls = np.empty(rows, dtype=np.int64)
    span = np.empty(rows, dtype=np.int64)
    most = np.empty(rows, dtype=np.int64)
    n = 0
    for c in range(speed.shape[0]):
        if not joint[c]:
            continue
        for s in range(first[c], end[c]):
            pools = 0
            hours = 0
            per_hour = 0
            for p in range(speed.shape[1]):
                if speed[c, p] > 0 and supply[p, s] > 0:
                    pools += 1
                    hours += supply[p, s]
                    per_hour = grains[p]
            limited = limit[c] * span_slots[s]
            if pools > 1 and limited < hours and limited * per_hour < asks[c]:
                cls[n] = c
                span[n] = s
                most[n] = limited * per_hour
                n += 1
    return cls[:n], span[:n], most[:n]


@kernel
def _column_arcs(  # noqa: PLR0913, PLR0917 - arrays of one round
    cls: NarrowArray,
    pool: NarrowArray,
    span: NarrowArray,
    most: IntArray,
    supply: IntArray,
    slot_of: NarrowArray,
    grains: IntArray,
    nodes: IntArray,
) -> tuple[NarrowArray, NarrowArray, IntArray]:
    """Return tail, head and grains of the arc of each column.

    Limits are cut down to what a supply still cannot fill, so that they stay small; `nodes` are the
    first of the classes, of the slot limits and of the cells.
    """
    columns = cls.shape[0]
    tail: NarrowArray = np.empty(columns, dtype=np.int32)
    head: NarrowArray = np.empty(columns, dtype=np.int32)
    takes = np.empty(columns, dtype=np.int64)
    for k in range(columns):
        slot = slot_of[cls[k], span[k]]
        tail[k] = nodes[1] + slot if slot >= 0 else nodes[0] + cls[k]
        head[k] = nodes[2] + pool[k] * supply.shape[1] + span[k]
        takes[k] = min(most[k], 2 * supply[pool[k], span[k]] + 1) * grains[pool[k]]
    return tail, head, takes


@kernel
def _carried(net: Network, places: NarrowArray, pool: NarrowArray, grains: IntArray) -> IntArray:
    """Return ``(k,)`` thousandths of a GPU-hour that arcs carry, rounded down."""
    hours = np.empty(places.shape[0], dtype=np.int64)
    for k in range(places.shape[0]):
        hours[k] = (net.both[places[k]] - net.residual[places[k]]) // grains[pool[k]]
    return hours
