"""Bottlenecks found part by part: what a full cut keeps apart never mixes again.

Once a cut is full at the level that everyone has risen to, whoever it binds is fixed. Then no flow
crosses it any more, and its two sides go on apart, each with the totals of the groups in it. So a
network falls into small parts, and a question to one of them costs what lies around it.

What is found are sets of nodes. The cuts that they are hold whatever was found, so the leximin
below them only has to be asked for once more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from solver.budget import Budget
from solver.fluid.filling import Filled, Rows, fill, rows_of
from solver.fluid.flow import Network
from solver.fluid.leaning import leaning, own_nodes, own_rooms, ties
from solver.fluid.leximin import CLOSE, NOISE, Agents
from solver.fluid.rerouting import ByteArray, Ways, leading_to, mark, reroute, stuck_sets
from solver.kernels import kernel
from solver.problem import BoolArray, FloatArray, IntArray, NarrowArray

WINDOWS = 16
"""Part of the first level known that is tried first."""
PATIENCE = 2
"""Broken trials before less is tried."""
FEWEST = 4
"""Fellows in a set, at least, for which it is worth looking for sets in it."""
STEPS = 24
"""Trials in such a set, at most."""
ASIDE = 3
"""Part of all nodes that may have a way to one group, at most, for it to be looked at apart."""
INNER = np.iinfo(np.int32).max
"""The label of such a set while it is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layout:
    """Where a network of groups and fellows has what; both stand behind source and sink.

    Attributes:
        asks: ``(g + f,)`` arcs from the source to groups, then fellows.
        through: ``(f,)`` arcs from the group to each fellow.
        spare: arcs to the sink.
        parent: ``(f,)`` group of each fellow; totals: ``(g,)`` grains.
        told: ``(n,)`` nodes that sets are told by: groups, fellows, what is behind their caps, and
            then others.
    """

    asks: NarrowArray
    through: NarrowArray
    spare: NarrowArray
    parent: IntArray
    totals: IntArray
    told: IntArray

    @property
    def groups(self) -> int:
        """Number of groups."""
        return int(self.totals.shape[0])


class Side(NamedTuple):
    """A set of nodes that some fellows are blocked in.

    Attributes:
        inside: ``(n,)`` whether a node is in it, of those that the layout tells sets by.
        leaving: grains that can leave it.
    """

    inside: BoolArray
    leaving: int


class _Bound(NamedTuple):
    """Within a part: agents that have at most `room` grains together, and the nodes that say so."""

    agents: IntArray
    room: int
    nodes: IntArray | NarrowArray


@dataclass(slots=True, kw_only=True, eq=False)
class _Part:
    """A part of the network where somebody still rises.

    Attributes:
        label: its number; agents: who rises, ascending; rooms: arcs where something may end.
        bounds: known so far.
        reached: the level that can be had; step: how far beyond it the next trial goes.
        top: the level that is tried; misses: broken trials since the last that held.
    """

    label: int
    agents: IntArray
    rooms: NarrowArray
    bounds: list[_Bound]
    reached: float
    step: float
    top: float = 0.0
    misses: int = 0


class Parting:
    """The leximin of fellows on a network whose groups hold totals, up to rounding.

    Attributes:
        work: trials.
    """

    def __init__(self, net: Network, layout: Layout, agents: Agents) -> None:
        """Begin with the whole network as one part, in the flow that it has."""
        self.work = 0
        self._net, self._layout = net, layout
        self._weight, self._low, self._high = (
            each.astype(np.float64) for each in (agents.weight, agents.low, agents.high)
        )
        nodes = net.start.shape[0] - 1
        self._label: NarrowArray = np.zeros(nodes, dtype=np.int32)
        self._label[:2] = -1
        self._order, self._sizes = [0], [nodes - 2]
        self._ways, self._search = Ways.of(net), 0
        self._most = self._high.copy()
        self._free: BoolArray = (agents.weight > 0) & (agents.low < agents.high)
        self._held = np.where(self._free, 0, agents.low)
        self._level = np.zeros(self._free.shape[0])
        self._blocked: BoolArray = np.zeros(self._free.shape[0], dtype=np.bool_)
        self._entry = 2 + layout.groups + np.arange(self._free.shape[0])
        self._beyond = self._entry + self._free.shape[0]
        self._at = np.zeros(self._free.shape[0], dtype=np.int64)
        self._ones = np.ones(self._free.shape[0])

    def sides(self, budget: Budget | None) -> Iterator[Side]:
        """Yield the node sets that block fellows at their levels.

        Args:
            budget: what the whole solve may still spend; None without a limit.

        Raises:
            BudgetSpentError: If a limit comes first.
        """
        lay = self._layout
        rooms = np.concatenate((lay.asks[: lay.groups], lay.spare))
        rising = np.flatnonzero(self._free)
        waiting = [_Part(label=0, agents=rising, rooms=rooms, bounds=[], reached=0.0, step=0.0)]
        while waiting:
            part = waiting.pop()
            while part.agents.size:
                if budget is not None:
                    budget.insist()
                parts = self._try(part)
                waiting += parts[1:]
                part = parts[0]
        yield from self._closed()

    def _try(self, part: _Part) -> list[_Part]:
        """Try a level; return the parts to go on with, the same one if it cannot be had."""
        self.work += 1
        agents = part.agents
        limits = self._weight[agents], self._low[agents], self._most[agents]
        groups = np.unique(self._layout.parent[agents])
        if part.misses == 0:
            part.top = part.reached + part.step
        filled = fill(self._rows(part, groups), *limits, part.top if part.step else np.inf)
        ahead = filled.level[filled.level > part.reached * (1.0 + CLOSE)]
        if part.step == 0.0 and ahead.size:
            part.step = ahead[0] / WINDOWS
            part.top = part.reached + part.step
        level, trial = np.inf, filled.amount
        if not filled.ended or (ahead.size and ahead[-1] > part.top):
            level = part.top
            trial = np.minimum(trial, np.maximum(limits[1], limits[0] * level))
        wanted = np.floor(trial * (1.0 - NOISE)).astype(np.int64)
        rest = self._rest()
        np.subtract.at(rest, self._layout.parent[agents], wanted)
        found = self._broken(part, groups, wanted, np.maximum(rest, 0))
        if not found:
            part.step *= 2.0 if part.misses <= 1 else 1.0
            part.reached, part.misses = level, 0
            return self._settled(part, groups, filled, wanted)
        most = np.zeros(self._free.shape[0], dtype=np.int64)
        most[agents] = wanted
        if any((bound.nodes < 2 + self._layout.groups).any() for bound in found):
            found += self._aside(part, groups, most)
        part.bounds += found + list(self._within(found, most))
        part.misses += 1
        if part.misses > PATIENCE:
            part.top -= (part.top - part.reached) / 2.0
            part.step /= 2.0
        return [part]

    def _rows(self, part: _Part, groups: IntArray) -> Rows:
        """Return what groups have left for who rises, then the bounds of a part."""
        parent = self._layout.parent[part.agents]
        order = np.argsort(parent, kind="stable")
        own = np.split(order, np.searchsorted(parent[order], groups[1:]))
        return self._below(part.agents, part.bounds, own, self._rest()[groups].tolist())

    def _below(
        self, agents: IntArray, bounds: list[_Bound], own: list[IntArray], rooms: list[int]
    ) -> Rows:
        """Return rows of places among some agents and their rooms, then those of bounds."""
        self._at[agents] = np.arange(agents.shape[0])
        each = own + [self._at[bound.agents] for bound in bounds]
        ones = [self._ones[: some.shape[0]] for some in each]
        return rows_of(each, ones, rooms + [bound.room for bound in bounds])

    def _rest(self) -> IntArray:
        """Return ``(g,)`` what groups hold beyond those who are fixed."""
        rest = self._layout.totals.copy()
        np.subtract.at(rest, self._layout.parent, self._held)
        return rest

    def _aside(self, part: _Part, groups: IntArray, most: IntArray) -> Iterator[_Bound]:
        """Yield the bounds broken of what cannot get to one group that takes back something.

        What gets to no such group is stuck; for each of them alone that is a larger set, which
        binds fewer.
        """
        over = self._net.residual[self._layout.asks]
        members = self._label == part.label
        few = int(np.count_nonzero(members)) // ASIDE
        for group in groups[over[groups] < 0].tolist():
            outside = leading_to(self._net, self._label, 2 + group, few)
            if outside.shape[0]:
                members[outside] = False
                nodes = np.flatnonzero(members).astype(np.int32)
                members[outside] = True
                bound = self._bound(part, groups, most[part.agents], nodes)
                if bound.room < int(most[bound.agents].sum()):
                    yield bound

    def _within(self, found: list[_Bound], most: IntArray) -> Iterator[_Bound]:
        """Yield further bounds inside of those that were broken, where no group is.

        What such a set takes is bounded whatever else the round does, so it is looked at alone:
        its groups ask for nothing and take back what there is.

        Args:
            found: the bounds, all full.
            most: ``(f,)`` what was asked for.
        """
        seen = np.zeros(self._label.shape[0], dtype=np.bool_)
        for bound in found:
            if bound.agents.shape[0] < FEWEST or bound.nodes.min() < 2 + self._layout.groups:
                continue
            if seen[bound.nodes].any():
                continue
            seen[bound.nodes] = True
            yield from self._inside(bound, most[bound.agents].astype(np.float64))

    def _inside(self, bound: _Bound, most: FloatArray) -> Iterator[_Bound]:
        """Yield the bounds inside of a full one, of agents that ask for so much at most."""
        lay, agents = self._layout, bound.agents
        groups = np.unique(lay.parent[agents])
        nodes = np.concatenate((bound.nodes, 2 + groups))
        before = self._label[nodes]
        self._label[nodes] = INNER
        part = _Part(
            label=INNER,
            agents=agents,
            rooms=lay.asks[groups],
            bounds=[bound],
            reached=0.0,
            step=0.0,
        )
        for _ in range(STEPS):
            self.work += 1
            rows = self._below(agents, part.bounds, [], [])
            filled = fill(rows, self._weight[agents], self._low[agents], most)
            wanted = np.floor(filled.amount * (1.0 - NOISE)).astype(np.int64)
            found = self._broken(part, groups, wanted, np.zeros(lay.groups, dtype=np.int64))
            if not found:
                break
            part.bounds += found
            yield from found
        self._label[nodes] = before

    def _broken(
        self, part: _Part, groups: IntArray, wanted: IntArray, rest: IntArray
    ) -> list[_Bound]:
        """Ask for amounts in a part, and what groups hold beyond; return the bounds broken."""
        lay, agents, net = self._layout, part.agents, self._net
        _ask(net, self._ways.open, lay.asks, lay.through, lay.parent, agents, wanted, groups, rest)
        arcs = lay.asks[np.concatenate((groups, lay.groups + agents))]
        sources = arcs[net.residual[arcs] > 0]
        if sources.size == 0:
            return []
        steps = reroute(net, self._label, sources, part.rooms, self._ways)
        if steps == 0:
            return []
        self._search, start, members = stuck_sets(
            net, self._label, sources, self._ways, steps, self._search
        )
        return [
            self._bound(part, groups, wanted, members[start[at] : start[at + 1]])
            for at in range(start.shape[0] - 1)
        ]

    def _bound(self, part: _Part, groups: IntArray, wanted: IntArray, nodes: NarrowArray) -> _Bound:
        """Return what a set that nothing can leave says about those who rise."""
        lay, agents = self._layout, part.agents
        inside = np.zeros(self._label.shape[0], dtype=np.bool_)
        inside[nodes] = True
        own, whole = inside[self._entry[agents]], inside[2 + groups]
        asks = np.concatenate((groups[whole], lay.groups + agents[own]))
        over = int(self._net.residual[lay.asks[asks]].sum())
        own &= ~inside[2 + lay.parent[agents]]
        return _Bound(agents[own], int(wanted[own].sum()) - over, nodes)

    def _settled(
        self, part: _Part, groups: IntArray, filled: Filled, wanted: IntArray
    ) -> list[_Part]:
        """Fix who stops below the level that a part has reached; return what it falls into."""
        agents, own = part.agents, groups.shape[0]
        events = int(np.searchsorted(filled.level, part.reached * (1.0 + CLOSE), side="right"))
        ends = self._most[agents] / self._weight[agents]
        blocked = filled.event >= 0
        fixed = np.where(blocked, filled.event < events, ends <= part.reached)
        self._free[agents[fixed]] = False
        self._held[agents[fixed]] = wanted[fixed]
        level, row = np.append(filled.level, 0.0), np.append(filled.row, 0)
        self._level[agents] = np.where(blocked, level[filled.event], ends)
        alone = agents[fixed & ~blocked & (self._most[agents] < self._high[agents])]
        self._blocked[agents] = fixed & blocked & (row[filled.event] >= own)
        self._blocked[alone] = True
        for agent in alone.tolist():
            self._split(own_nodes(self._net, self._label, self._entry[agent]))
        for at in filled.row[:events].tolist():
            if at >= own and not self._free[part.bounds[at - own].agents].any():
                self._split(part.bounds[at - own].nodes)
        rising = agents[~fixed]
        rooms = own_rooms(self._net, self._label, self._beyond[rising])
        self._most[rising] = np.where(
            rooms < self._high[rising] * (1.0 - CLOSE), rooms, self._most[rising]
        )
        return self._pieces(part, rising)

    def _split(self, nodes: IntArray | NarrowArray) -> None:
        """Keep a full set of nodes and the rest of its parts apart; it comes before the rest."""
        labels = self._label[nodes]
        for label in np.unique(labels).tolist():
            inside = nodes[labels == label]
            if inside.shape[0] < self._sizes[label]:
                self._label[inside] = len(self._order)
                self._order.insert(self._order.index(label), len(self._order))
                self._sizes[label] -= inside.shape[0]
                self._sizes.append(inside.shape[0])

    def _pieces(self, part: _Part, agents: IntArray) -> list[_Part]:
        """Return the parts in which agents of a part still rise, one without any if none do."""
        head, mate = self._net.head, self._net.mate
        labels = self._label[self._entry[agents]]
        at = np.where(head[part.rooms] == 1, head[mate[part.rooms]], head[part.rooms])
        of_rooms = self._label[at]
        return [
            _Part(
                label=label,
                agents=agents[labels == label],
                rooms=part.rooms[of_rooms == label],
                bounds=list(self._kept(part.bounds, label)),
                reached=part.reached,
                step=part.step,
            )
            for label in np.unique(labels).tolist() or [part.label]
        ]

    def _kept(self, bounds: list[_Bound], label: int) -> Iterator[_Bound]:
        """Yield the bounds that only concern who still rises in a part."""
        for bound in bounds:
            free = self._free[bound.agents]
            rising = bound.agents[free]
            if rising.size and (self._label[self._entry[rising]] == label).all():
                nodes = bound.nodes[self._label[bound.nodes] == label]
                room = bound.room - int(self._held[bound.agents[~free]].sum())
                yield _Bound(rising, room, nodes)

    def _closed(self) -> Iterator[Side]:
        """Yield a set for each level and part that somebody is blocked in.

        It holds all that leans on this part: what was kept apart before it and shares an arc with
        it, and the groups of those in it who rise further.
        """
        lay, parts = self._layout, len(self._order)
        place = np.empty(parts + 1, dtype=np.int64)
        place[[*self._order, -1]] = np.arange(parts + 1)
        label = place[self._label]
        pairs, takes = ties(self._net, label, parts)
        entry, home = label[self._entry], label[2 + lay.parent]
        told = label[lay.told]
        blocked = np.flatnonzero(self._blocked)
        events = np.unique(np.column_stack((self._level[blocked], entry[blocked])), axis=0)
        start = np.searchsorted(pairs[:, 0], np.arange(parts + 1))
        rising = np.lexsort((-self._level, entry))
        members = np.searchsorted(entry[rising], np.arange(parts + 1))
        levels, homes = self._level[rising], home[rising]
        later, sooner = np.ascontiguousarray(pairs.T)
        for level, at in events.tolist():
            above = level * (1.0 + CLOSE)
            inside = leaning(int(at), above, start, sooner, members, levels, homes)
            leaves = inside[sooner] & ~inside[later]
            yield Side(inside[told], int(takes[leaves].sum()))


@kernel
def _ask(  # noqa: PLR0913, PLR0917 - a network, and what is asked of it
    net: Network,
    marks: ByteArray,
    asks: NarrowArray,
    through: NarrowArray,
    parent: IntArray,
    agents: IntArray,
    wanted: IntArray,
    groups: IntArray,
    rest: IntArray,
) -> None:
    """Set what arcs from the source take, without changing any flow further on.

    A fellow's ask takes over what its group sends it, or leaves to its group what is too much. A
    group that sends more than it is asked for takes less than nothing: that much can end there.
    """
    mate, residual, both = net.mate, net.residual, net.both
    count = rest.shape[0]
    for k in range(agents.shape[0]):
        arc, group = asks[count + agents[k]], mate[asks[parent[agents[k]]]]
        way, own = through[agents[k]], mate[arc]
        more = min(wanted[k] - residual[own], residual[mate[way]])
        residual[own] += more
        residual[group] -= more
        residual[mate[way]] -= more
        residual[way] += more
        mark(net, marks, way)
        both[arc] = both[own] = wanted[k]
        residual[arc] = wanted[k] - residual[own]
    for group in groups:
        arc = asks[group]
        both[arc] = both[mate[arc]] = rest[group]
        residual[arc] = rest[group] - residual[mate[arc]]
