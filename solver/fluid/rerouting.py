"""Small changes of a flow inside a part of its network: only what is asked anew moves.

Source:
    Ahuja and Orlin, Distance-directed augmenting path algorithms for maximum flow and parametric
    maximum flow problems, Naval Research Logistics 38 (1991): ways downhill by distance labels;
    Beamer, Asanović and Patterson, Direction-optimizing breadth-first search, SC (2012).
"""

from typing import NamedTuple, TypeAlias

import numpy as np

from solver.fluid.flow import Network
from solver.kernels import kernel
from solver.problem import BoolArray, IntArray, NarrowArray

ByteArray: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]

SLICE = 64
"""Arcs looked at for one arc's ways before another one's turn, at least."""
WORTH = 4
"""Part of the searches so far that ways may cost before distances are worked out anew."""
SHARE = 8
"""Part of a search that looking for the nodes in reach of what is stuck may cost."""
FAR, NOW, FIRST, WAITS = range(4)
"""What is known of a node, by column."""
AHEAD, BACK = 1, 2
"""Marks of an arc that takes more, and of one that carries something that can be taken back."""


class Ways(NamedTuple):
    """What is known of the ways through a part of a network; each ``(nodes,)``.

    Attributes:
        state: ``(nodes, 4)`` side by side, so that a search finds all of a node in one place:
            `FAR`: arcs to where something can end, at least; as many as there are nodes where none
            lead there, one more outside of the part. `NOW`: arc with which a node goes on.
            `FIRST`: its first arc. `WAITS`: whether something enters here that has no way yet.
        end: the arc over which something can end at a node that is not far from there at all.
        via: arc by which a way came to a node; also a queue.
        reached: the search that came to a node last.
        members: the nodes of the part.
        open: ``(arcs,)`` the marks of each arc; read in place of what arcs take, which lies wider.
    """

    state: NarrowArray
    end: NarrowArray
    via: NarrowArray
    reached: IntArray
    members: NarrowArray
    open: ByteArray

    @classmethod
    def of(cls, net: Network) -> "Ways":
        """Return room for the nodes of a network, and the marks of its arcs."""
        nodes = net.start.shape[0] - 1
        end, via, members = np.zeros((3, nodes), dtype=np.int32)
        state = np.zeros((nodes, 4), dtype=np.int32)
        state[:, FIRST] = net.start[:nodes]
        reached = np.zeros(nodes, dtype=np.int64)
        marks = AHEAD * (net.residual > 0) + BACK * (net.residual < net.both)
        return cls(state, end, via, reached, members, marks.astype(np.uint8))


@kernel
def reroute(
    net: Network, part: NarrowArray, sources: NarrowArray, rooms: NarrowArray, ways: Ways
) -> int:
    """Send what arcs from the source still take to wherever there is room, in place.

    Args:
        net: changed. An arc from the source may take less than nothing: so much can end there.
        part: ``(nodes,)`` the part of each node; ways stay inside one.
        sources: arcs from the source, all into one part.
        rooms: arcs from the source or to the sink where something may end, in that part.
        ways: changed; distances tell in the end what cannot be left, if anything is stuck.

    Returns:
        Arcs that the last search looked at; 0 if nothing is stuck.
    """
    head, residual, state = net.head, net.residual, ways.state
    nodes = part.shape[0]
    count = _list_members(part, part[head[sources[0]]], ways.members)
    state[:, FAR] = nodes + 1
    rounds = 0
    while True:
        left = 0
        for source in sources:
            state[head[source], WAITS] = residual[source] > 0
            left += residual[source] > 0
        if left == 0:
            return 0
        steps = _measure(net, rooms, ways, ways.members[:count], left)
        rounds += 1
        some = False
        budget = rounds * steps // WORTH
        for source in sources:
            state[head[source], WAITS] = 0
            if residual[source] <= 0:
                continue
            if state[head[source], FAR] < nodes:
                some = True
                if budget > 0:
                    budget -= _go_down(net, source, ways, max(budget // left, SLICE))
            left -= 1
        if not some:
            return max(steps, 1)


@kernel
def _list_members(part: NarrowArray, own: int, members: NarrowArray) -> int:
    """List the nodes of a part; return how many they are."""
    count = 0
    for node in range(2, part.shape[0]):
        if part[node] == own:
            members[count] = node
            count += 1
    return count


@kernel
def _measure(net: Network, rooms: NarrowArray, ways: Ways, members: NarrowArray, left: int) -> int:
    """Set distances anew until all that wait have theirs; return how many arcs were looked at."""
    head, mate = net.head, net.mate
    state, queue, marks = ways.state, ways.via, ways.open
    nodes = state.shape[0]
    for node in members:
        state[node, FAR] = nodes
    seen, left = _ends(net, rooms, ways, left)
    done, steps = 0, 0
    while done < seen and left > 0:
        node = queue[done]
        done += 1
        further, first, last = state[node, FAR] + 1, state[node, FIRST], net.start[node + 1]
        steps += last - first
        for arc in range(first, last):
            tail = head[arc]
            if marks[arc] & BACK and state[tail, FAR] == nodes:
                state[tail, FAR] = further
                state[tail, NOW] = mate[arc] if tail > node else state[tail, FIRST]
                queue[seen] = tail
                seen += 1
                left -= state[tail, WAITS]
    return steps


@kernel
def _ends(net: Network, rooms: NarrowArray, ways: Ways, left: int) -> tuple[int, int]:
    """Queue the nodes where something can end; return how many, and how many wait elsewhere."""
    head, mate, residual, state = net.head, net.mate, net.residual, ways.state
    seen = 0
    for arc in rooms:
        to_sink = head[arc] == 1
        if (residual[arc] > 0) if to_sink else (residual[arc] < 0):
            node = head[mate[arc]] if to_sink else head[arc]
            state[node, FAR], state[node, NOW] = 0, state[node, FIRST]
            left -= state[node, WAITS]
            ways.end[node], ways.via[seen] = arc, node
            seen += 1
    return seen, left


@kernel
def _go_down(net: Network, source: int, ways: Ways, patience: int) -> int:
    """Send what an arc from the source takes downhill while patience lasts; return arcs seen."""
    head, mate, residual = net.head, net.mate, net.residual
    state, end, via, marks = ways.state, ways.end, ways.via, ways.open
    nodes = state.shape[0]
    root = head[source]
    node = root
    looked = 0
    while residual[source] > 0 and state[root, FAR] < nodes and looked <= patience:
        if state[node, FAR] == 0 and _room(net, end[node]) > 0:
            node = _send(net, source, node, end[node], ways)
            continue
        nearer, before, last = state[node, FAR] - 1, state[node, NOW], net.start[node + 1]
        arc = before
        while arc < last and not (marks[arc] & AHEAD and state[head[arc], FAR] == nearer):
            arc += 1
        looked += arc - before + 1
        if arc < last:
            state[node, NOW] = arc
            node = head[arc]
            via[node] = arc
            continue
        lowest = nodes - 1
        for k in range(state[node, FIRST], last):
            if marks[k] & AHEAD and state[head[k], FAR] < lowest:
                lowest = state[head[k], FAR]
                arc = k
        looked += last - state[node, FIRST]
        state[node, FAR], state[node, NOW] = lowest + 1, arc
        if node != root and lowest > nearer:
            node = head[mate[via[node]]]
    return looked


@kernel
def _room(net: Network, arc: int) -> int:
    """Return how much can end over an arc to the sink, or come back over one from the source."""
    return int(net.residual[arc] if net.head[arc] == 1 else -net.residual[arc])


@kernel
def _send(net: Network, source: int, node: int, end: int, ways: Ways) -> int:
    """Send as much as a way takes; return the node that it can be followed to again."""
    head, mate, residual, via = net.head, net.mate, net.residual, ways.via
    most, at = min(residual[source], _room(net, end)), node
    while at != head[source]:
        most = min(most, residual[via[at]])
        at = head[mate[via[at]]]
    _push(net, ways.open, source, most)
    _push(net, ways.open, end, most if head[end] == 1 else -most)
    at = node
    while at != head[source]:
        arc = via[at]
        _push(net, ways.open, arc, most)
        at = head[mate[arc]]
        if residual[arc] == 0:
            node = at
    return node


@kernel
def _push(net: Network, marks: ByteArray, arc: int, amount: int) -> None:
    """Let an arc carry more."""
    net.residual[arc] -= amount
    net.residual[net.mate[arc]] += amount
    mark(net, marks, arc)


@kernel
def mark(net: Network, marks: ByteArray, arc: int) -> None:
    """Mark an arc and its mate by what they take."""
    back = net.mate[arc]
    ahead, behind = net.residual[arc] > 0, net.residual[back] > 0
    marks[arc] = AHEAD * ahead + BACK * behind
    marks[back] = AHEAD * behind + BACK * ahead


@kernel
def stuck_sets(  # noqa: PLR0913, PLR0917 - as above, and what it left
    net: Network, part: NarrowArray, sources: NarrowArray, ways: Ways, steps: int, search: int
) -> tuple[int, IntArray, NarrowArray]:
    """List the nodes in reach of what is stuck, one set after the other.

    Where that is much there is one more set, all nodes of the part that nothing can end from.

    Args:
        net: after `reroute`.
        part: as there.
        sources: as there.
        ways: as `reroute` left it.
        steps: arcs that the last search looked at.
        search: number of the last search.

    Returns:
        Number of the last search; ``(sets + 1,)`` and ``(n,)``: the nodes of each set.
    """
    head, residual, queue = net.head, net.residual, ways.via
    nodes = part.shape[0]
    first, left, whole = search, steps, False
    starts = [0]
    members = [head[0]]
    members.pop()
    for source in sources:
        if residual[source] <= 0 or ways.reached[head[source]] > first:
            continue
        search += 1
        before = len(members)
        count, looked = _reach(net, part, head[source], ways, search, min(left, steps // SHARE))
        left -= looked
        if count < 0:
            whole = True
            continue
        for k in range(count):
            members.append(queue[k])  # noqa: PERF401 - compiled
        if len(members) > before:
            starts.append(len(members))
    if whole:
        own = part[head[sources[0]]]
        for node in range(nodes):
            if part[node] == own and ways.state[node, FAR] == nodes:
                members.append(np.int32(node))  # noqa: PERF401 - compiled
        starts.append(len(members))
    return search, np.array(starts), np.array(members)


@kernel
def _reach(  # noqa: PLR0913, PLR0917 - a search
    net: Network, part: NarrowArray, node: int, ways: Ways, search: int, patience: int
) -> tuple[int, int]:
    """Queue the nodes of a part in reach of one; return how many, -1 if too many; arcs seen."""
    start, head, residual = net.start, net.head, net.residual
    queue, reached = ways.via, ways.reached
    own = part[node]
    queue[0] = node
    reached[node] = search
    done, seen, looked = 0, 1, 0
    while done < seen:
        at = queue[done]
        done += 1
        looked += start[at + 1] - start[at]
        if looked > patience:
            return -1, looked
        for arc in range(start[at], start[at + 1]):
            to = head[arc]
            if residual[arc] > 0 and part[to] == own and reached[to] != search:
                reached[to] = search
                queue[seen] = to
                seen += 1
    return seen, looked


@kernel
def leading_to(net: Network, part: NarrowArray, node: int, most: int) -> IntArray:
    """Return the nodes of a part from which something can still get to one, none if too many."""
    start, head, residual, both = net.start, net.head, net.residual, net.both
    seen: BoolArray = np.zeros(part.shape[0], dtype=np.bool_)
    seen[node] = True
    nodes, done = [node], 0
    while done < len(nodes):
        at = nodes[done]
        done += 1
        for arc in range(start[at], start[at + 1]):
            tail = head[arc]
            if residual[arc] < both[arc] and part[tail] == part[node] and not seen[tail]:
                if len(nodes) >= most:
                    return np.zeros(0, dtype=np.int64)
                seen[tail] = True
                nodes.append(tail)
    return np.array(nodes)
