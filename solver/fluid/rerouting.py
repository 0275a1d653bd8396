"""Small changes of a flow inside a part of its network: only what is asked anew moves.

Source:
    Ahuja and Orlin, Distance-directed augmenting path algorithms for maximum flow and parametric
    maximum flow problems, Naval Research Logistics 38 (1991): ways downhill by distance labels.
"""

from typing import NamedTuple

import numpy as np

from solver.fluid.flow import Network
from solver.kernels import kernel
from solver.problem import BoolArray, IntArray, NarrowArray

SLICE = 64
"""Arcs looked at for one arc's ways before another one's turn, at least."""
WORTH = 4
"""Part of the searches so far that ways may cost before distances are worked out anew."""
SHARE = 8
"""Part of a search that looking for the nodes in reach of what is stuck may cost."""


class Ways(NamedTuple):
    """What is known of the ways through a part of a network; each ``(nodes,)``.

    Attributes:
        distance: arcs to where something can end, at least; as many as there are nodes where none
            lead there.
        end: the arc over which something can end at a node, -1 where nothing can.
        current: arc with which a node goes on.
        via: arc by which a way came to a node; also a queue.
        waiting: whether something enters here that has no way yet.
        reached: the search that came to a node last.
    """

    distance: NarrowArray
    end: NarrowArray
    current: IntArray
    via: NarrowArray
    waiting: BoolArray
    reached: IntArray

    @classmethod
    def of(cls, nodes: int) -> "Ways":
        """Return room for some nodes."""
        narrow = np.zeros((3, nodes), dtype=np.int32)
        wide = np.zeros((2, nodes), dtype=np.int64)
        return cls(narrow[0], narrow[1], wide[0], narrow[2], np.zeros(nodes, np.bool_), wide[1])


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
    head, residual = net.head, net.residual
    nodes = part.shape[0]
    rounds = 0
    while True:
        left = 0
        for source in sources:
            ways.waiting[head[source]] = residual[source] > 0
            left += residual[source] > 0
        if left == 0:
            return 0
        steps = _measure(net, part, part[head[sources[0]]], rooms, ways, left)
        rounds += 1
        some = False
        budget = rounds * steps // WORTH
        for source in sources:
            ways.waiting[head[source]] = False
            if residual[source] <= 0:
                continue
            if ways.distance[head[source]] < nodes:
                some = True
                if budget > 0:
                    budget -= _go_down(net, source, ways, max(budget // left, SLICE))
            left -= 1
        if not some:
            return max(steps, 1)


@kernel
def _measure(  # noqa: PLR0913, PLR0917 - a network, a part of it, what enters and leaves there
    net: Network, part: NarrowArray, own: int, rooms: NarrowArray, ways: Ways, left: int
) -> int:
    """Set distances anew until all that wait have theirs; return how many arcs were looked at."""
    start, head, mate, residual, both = net
    distance, end, current, queue, waiting, _ = ways
    nodes = distance.shape[0]
    distance[:] = nodes
    seen, done, steps = 0, 0, 0
    for arc in rooms:
        to_sink = head[arc] == 1
        if (residual[arc] > 0) if to_sink else (residual[arc] < 0):
            node = head[mate[arc]] if to_sink else head[arc]
            distance[node], end[node], current[node] = 0, arc, start[node]
            queue[seen] = node
            seen += 1
    while done < seen and left > 0:
        node = queue[done]
        done += 1
        steps += start[node + 1] - start[node]
        for arc in range(start[node], start[node + 1]):
            tail = head[arc]
            if distance[tail] == nodes and residual[arc] < both[arc] and part[tail] == own:
                distance[tail], end[tail], current[tail] = distance[node] + 1, -1, start[tail]
                queue[seen] = tail
                seen += 1
                left -= waiting[tail]
    return steps


@kernel
def _go_down(net: Network, source: int, ways: Ways, patience: int) -> int:
    """Send what an arc from the source takes downhill while patience lasts; return arcs seen."""
    start, head, mate, residual, _ = net
    distance, end, current, via = ways.distance, ways.end, ways.current, ways.via
    nodes = distance.shape[0]
    root = head[source]
    node = root
    looked = 0
    while residual[source] > 0 and distance[root] < nodes and looked <= patience:
        if distance[node] == 0 and _room(net, end[node]) > 0:
            node = _send(net, source, node, end[node], via)
            continue
        nearer, before, last = distance[node] - 1, current[node], start[node + 1]
        arc = before
        while arc < last and (residual[arc] <= 0 or distance[head[arc]] != nearer):
            arc += 1
        looked += arc - before + 1
        if arc < last:
            current[node] = arc
            node = head[arc]
            via[node] = arc
            continue
        lowest = nodes - 1
        for k in range(start[node], last):
            if residual[k] > 0 and distance[head[k]] < lowest:
                lowest = distance[head[k]]
                arc = k
        looked += last - start[node]
        distance[node], current[node] = lowest + 1, arc
        if node != root:
            node = head[mate[via[node]]]
    return looked


@kernel
def _room(net: Network, arc: int) -> int:
    """Return how much can end over an arc to the sink, or come back over one from the source."""
    return int(net.residual[arc] if net.head[arc] == 1 else -net.residual[arc])


@kernel
def _send(net: Network, source: int, node: int, end: int, via: NarrowArray) -> int:
    """Send as much as a way takes; return the node that it can be followed to again."""
    head, mate, residual = net.head, net.mate, net.residual
    most, at = min(residual[source], _room(net, end)), node
    while at != head[source]:
        most = min(most, residual[via[at]])
        at = head[mate[via[at]]]
    _push(net, source, most)
    _push(net, end, most if head[end] == 1 else -most)
    at = node
    while at != head[source]:
        arc = via[at]
        _push(net, arc, most)
        at = head[mate[arc]]
        if residual[arc] == 0:
            node = at
    return node


@kernel
def _push(net: Network, arc: int, amount: int) -> None:
    """Let an arc carry more."""
    net.residual[arc] -= amount
    net.residual[net.mate[arc]] += amount


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
            if part[node] == own and ways.distance[node] == nodes:
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
