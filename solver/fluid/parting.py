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
from solver.fluid.leximin import CLOSE, NOISE, Agents
from solver.fluid.rerouting import Ways, reroute, stuck_sets
from solver.kernels import kernel
from solver.problem import BoolArray, FloatArray, IntArray, NarrowArray

WINDOWS = 16
"""Part of the first level known that is tried first."""
PATIENCE = 2
"""Broken trials before less is tried."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layout:
    """Where a network of groups and fellows has what; both stand behind source and sink.

    Attributes:
        asks: ``(g + f,)`` arcs from the source to groups, then fellows.
        through: ``(f,)`` arcs from the group to each fellow.
        spare: arcs to the sink.
        parent: ``(f,)`` group of each fellow; totals: ``(g,)`` grains.
    """

    asks: NarrowArray
    through: NarrowArray
    spare: NarrowArray
    parent: IntArray
    totals: IntArray

    @property
    def groups(self) -> int:
        """Number of groups."""
        return int(self.totals.shape[0])


class Side(NamedTuple):
    """A set of nodes that some fellows are blocked in.

    Attributes:
        inside: ``(nodes,)`` whether a node is in it.
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
        self._order = [0]
        self._ways, self._search = Ways.of(nodes), 0
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
        found = self._broken(part, groups, wanted)
        if not found:
            part.step *= 2.0 if part.misses <= 1 else 1.0
            part.reached, part.misses = level, 0
            return self._settled(part, groups, filled, wanted)
        part.bounds += found
        part.misses += 1
        if part.misses > PATIENCE:
            part.top -= (part.top - part.reached) / 2.0
            part.step /= 2.0
        return [part]

    def _rows(self, part: _Part, groups: IntArray) -> Rows:
        """Return what groups have left for who rises, then the bounds of a part."""
        lay, agents = self._layout, part.agents
        self._at[agents] = np.arange(agents.shape[0])
        parent = lay.parent[agents]
        order = np.argsort(parent, kind="stable")
        own = np.split(order, np.searchsorted(parent[order], groups[1:]))
        each = own + [self._at[bound.agents] for bound in part.bounds]
        rooms = self._rest()[groups].tolist() + [bound.room for bound in part.bounds]
        return rows_of(each, [self._ones[: some.shape[0]] for some in each], rooms)

    def _rest(self) -> IntArray:
        """Return ``(g,)`` what groups hold beyond those who are fixed."""
        rest = self._layout.totals.copy()
        np.subtract.at(rest, self._layout.parent, self._held)
        return rest

    def _broken(self, part: _Part, groups: IntArray, wanted: IntArray) -> list[_Bound]:
        """Ask for amounts in a part; return the bounds that they break."""
        lay, agents, net = self._layout, part.agents, self._net
        rest = self._rest()
        np.subtract.at(rest, lay.parent[agents], wanted)
        _ask(net, lay.asks, lay.through, lay.parent, agents, wanted, groups, np.maximum(rest, 0))
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
        """Return what a set in reach of what is stuck says about those who rise."""
        lay, agents = self._layout, part.agents
        inside = np.zeros(self._label.shape[0], dtype=np.bool_)
        inside[nodes] = True
        own, whole = inside[self._entry[agents]], inside[2 + groups]
        asks = np.concatenate((groups[whole], lay.groups + agents[own]))
        over = int(np.maximum(self._net.residual[lay.asks[asks]], 0).sum())
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
            self._split(_own_nodes(self._net, self._label, self._entry[agent]))
        for at in filled.row[:events].tolist():
            if at >= own and not self._free[part.bounds[at - own].agents].any():
                self._split(part.bounds[at - own].nodes)
        rising = agents[~fixed]
        rooms = _own_rooms(self._net, self._label, self._beyond[rising])
        self._most[rising] = np.where(
            rooms < self._high[rising] * (1.0 - CLOSE), rooms, self._most[rising]
        )
        return self._pieces(part, rising)

    def _split(self, nodes: IntArray | NarrowArray) -> None:
        """Keep a full set of nodes and the rest of its parts apart; it comes before the rest."""
        labels = self._label[nodes]
        for label in np.unique(labels).tolist():
            inside = nodes[labels == label]
            if inside.shape[0] < np.count_nonzero(self._label == label):
                self._label[inside] = len(self._order)
                self._order.insert(self._order.index(label), len(self._order))

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
        ties, takes = _ties(self._net, label, parts)
        entry, home = label[self._entry], label[2 + lay.parent]
        blocked = np.flatnonzero(self._blocked)
        events = np.unique(np.column_stack((self._level[blocked], entry[blocked])), axis=0)
        start = np.searchsorted(ties[:, 0], np.arange(parts + 1))
        rising = np.lexsort((-self._level, entry))
        members = np.searchsorted(entry[rising], np.arange(parts + 1))
        levels, homes = self._level[rising], home[rising]
        later, sooner = np.ascontiguousarray(ties.T)
        for level, at in events.tolist():
            above = level * (1.0 + CLOSE)
            inside = _leaning(int(at), above, start, sooner, members, levels, homes)
            leaves = inside[sooner] & ~inside[later]
            yield Side(inside[label], int(takes[leaves].sum()))


def _ties(net: Network, label: IntArray, parts: int) -> tuple[IntArray, IntArray]:
    """Return which parts share arcs: the later one, then the sooner one, and what those take.

    Args:
        net: the network.
        label: ``(nodes,)`` parts in the order in which they were kept apart; `parts` for the ends.
        parts: how many there are.

    Returns:
        ``(n, 2)`` ascending; ``(n,)`` grains from the sooner part to the later.
    """
    later, sooner, takes = _shared(net, label)
    pairs, at = np.unique(later * (parts + 1) + sooner, return_inverse=True)
    sums = np.zeros(pairs.shape[0], dtype=np.int64)
    np.add.at(sums, at, takes)
    return np.column_stack(divmod(pairs, parts + 1)), sums


@kernel
def _shared(net: Network, label: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Return the parts at the ends of the arcs between parts, and what takes the later one."""
    start, head, both = net.start, net.head, net.both
    nodes = label.shape[0]
    count = 0
    for node in range(2, nodes):
        for arc in range(start[node], start[node + 1]):
            count += (head[arc] > node or head[arc] == 1) and label[head[arc]] != label[node]
    later, sooner, takes = np.empty((3, count), dtype=np.int64)
    n = 0
    for node in range(2, nodes):
        for arc in range(start[node], start[node + 1]):
            own, other = label[node], label[head[arc]]
            if (head[arc] > node or head[arc] == 1) and own != other and both[arc] > 0:
                later[n], sooner[n] = max(own, other), min(own, other)
                takes[n] = both[arc] if own < other else 0
                n += 1
    return later[:n], sooner[:n], takes[:n]


@kernel
def _leaning(  # noqa: PLR0913, PLR0917 - parts, what ties them, and who rises in them
    part: int,
    level: float,
    start: IntArray,
    sooner: IntArray,
    members: IntArray,
    levels: FloatArray,
    homes: IntArray,
) -> BoolArray:
    """Return ``(parts + 1,)`` what leans on a part as long as some still rise beyond a level.

    Args:
        part: which.
        level: how far.
        start: ``(parts + 1,)`` first tie of each part.
        sooner: the part that each tie leads to.
        members: ``(parts + 1,)`` first fellow of each part.
        levels: of the fellows, falling in each part.
        homes: parts of their groups.
    """
    parts = start.shape[0] - 1
    inside = np.zeros(parts + 1, dtype=np.bool_)
    stack = [part]
    inside[part] = True
    while stack:
        at = stack.pop()
        for k in range(start[at], start[at + 1]):
            if not inside[sooner[k]]:
                inside[sooner[k]] = True
                stack.append(sooner[k])
        k = members[at]
        while k < members[at + 1] and levels[k] > level:
            if not inside[homes[k]]:
                inside[homes[k]] = True
                stack.append(homes[k])
            k += 1
    return inside


@kernel
def _own_rooms(net: Network, label: NarrowArray, nodes: IntArray) -> IntArray:
    """Return ``(n,)`` what can leave some nodes at most, whatever the cells have."""
    rooms = np.empty(nodes.shape[0], dtype=np.int64)
    for k in range(nodes.shape[0]):
        rooms[k] = _behind(net, label, nodes[k])[1][0]
    return rooms


@kernel
def _own_nodes(net: Network, label: NarrowArray, node: int) -> IntArray:
    """Return a node, and what is behind it and can let less out than may come in."""
    nodes, leaving, most, above = _behind(net, label, node)
    inside = [True]
    for k in range(1, len(nodes)):
        inside.append(inside[above[k]] and leaving[k] < most[k])
    return np.array([nodes[k] for k in range(len(nodes)) if inside[k]])


@kernel
def _behind(
    net: Network, label: NarrowArray, node: int
) -> tuple[list[int], list[int], list[int], list[int]]:
    """List a node and those of its part that only it sends something to.

    Returns:
        The nodes; what can leave each at most, as what goes to other parts stays as it is; what may
        come to each; where the node before each stands.
    """
    start, head, _, residual, both = net
    nodes, leaving, most, above = [node], [0], [0], [0]
    done = 0
    while done < len(nodes):
        at = nodes[done]
        for arc in range(start[at], start[at + 1]):
            to = head[arc]
            if to <= at:
                continue
            if label[to] != label[at]:
                leaving[done] += both[arc] - residual[arc]
            elif head[start[to]] == 1:
                leaving[done] += both[arc]
            else:
                nodes.append(to)
                leaving.append(0)
                most.append(both[arc])
                above.append(done)
        done += 1
    for k in range(len(nodes) - 1, 0, -1):
        leaving[above[k]] += min(most[k], leaving[k])
    return nodes, leaving, most, above


@kernel
def _ask(  # noqa: PLR0913, PLR0917 - a network, and what is asked of it
    net: Network,
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
        both[arc] = both[own] = wanted[k]
        residual[arc] = wanted[k] - residual[own]
    for group in groups:
        arc = asks[group]
        both[arc] = both[mate[arc]] = rest[group]
        residual[arc] = rest[group] - residual[mate[arc]]
