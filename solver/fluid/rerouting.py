"""Small changes of a flow inside a part of its network: only what is asked anew moves.

Source:
    Ahuja and Orlin, Distance-directed augmenting path algorithms for maximum flow and parametric
    maximum flow problems, Naval Research Logistics 38 (1991): ways downhill by distance labels;
    Beamer, Asanović and Patterson, Direction-optimizing breadth-first search, SC (2012).
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
MANY = 4
"""Times that nodes just reached may have the arcs of those not reached before these look back."""
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
        members: the nodes of the part; unseen: those of them without a distance, for a while.
    """

    distance: NarrowArray
    end: NarrowArray
    current: IntArray
    via: NarrowArray
    waiting: BoolArray
    reached: IntArray
    members: NarrowArray
    unseen: NarrowArray

    @classmethod
    def of(cls, nodes: int) -> "Ways":
        """Return room for some nodes."""
        distance, end, via, *lists = np.zeros((5, nodes), dtype=np.int32)
        current, reached = np.zeros((2, nodes), dtype=np.int64)
        return cls(distance, end, current, via, np.zeros(nodes, np.bool_), reached, *lists)


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
    count, arcs = _list_members(net, part, part[head[sources[0]]], ways.members)
    rounds = 0
    while True:
        left = 0
        for source in sources:
            ways.waiting[head[source]] = residual[source] > 0
            left += residual[source] > 0
        if left == 0:
            return 0
        steps = _measure(net, part, rooms, ways, ways.members[:count], arcs, left)
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
def _list_members(
    net: Network, part: NarrowArray, own: int, members: NarrowArray
) -> tuple[int, int]:
    """List the nodes of a part; return how many they and their arcs are."""
    count, arcs = 0, 0
    for node in range(2, part.shape[0]):
        if part[node] == own:
            members[count] = node
            count += 1
            arcs += net.start[node + 1] - net.start[node]
    return count, arcs


@kernel
def _measure(  # noqa: PLR0913, PLR0917 - a network, a part of it, what enters and leaves there
    net: Network,
    part: NarrowArray,
    rooms: NarrowArray,
    ways: Ways,
    members: NarrowArray,
    arcs: int,
    left: int,
) -> int:
    """Set distances anew until all that wait have theirs; return how many arcs were looked at.

    Where the nodes reached last have most of the arcs, those not reached yet look for one of them.
    """
    start, queue = net.start, ways.via
    ways.distance[:] = ways.distance.shape[0]
    seen = _ends(net, rooms, ways)
    first, depth, steps, unseen = 0, 0, 0, -1
    while first < seen and left > 0:
        ahead = 0
        for k in range(first, seen):
            ahead += start[queue[k] + 1] - start[queue[k]]
        arcs -= ahead
        depth += 1
        last = seen
        if ahead * MANY <= arcs:
            seen, left = _look_ahead(net, part, ways, first, seen, depth, left)
            steps += ahead
        else:
            if unseen < 0:
                unseen = _list_unseen(ways, members)
            seen, unseen, looked = _look_back(net, ways, seen, depth, unseen)
            for k in range(last, seen):
                left -= ways.waiting[queue[k]]
            steps += looked
        first = last
    return steps


@kernel
def _ends(net: Network, rooms: NarrowArray, ways: Ways) -> int:
    """Queue the nodes where something can end; return how many."""
    start, head, mate, residual, _ = net
    seen = 0
    for arc in rooms:
        to_sink = head[arc] == 1
        if (residual[arc] > 0) if to_sink else (residual[arc] < 0):
            node = head[mate[arc]] if to_sink else head[arc]
            ways.distance[node], ways.end[node], ways.current[node] = 0, arc, start[node]
            ways.via[seen] = node
            seen += 1
    return seen


@kernel
def _look_ahead(  # noqa: PLR0913, PLR0917 - a search
    net: Network, part: NarrowArray, ways: Ways, first: int, last: int, depth: int, left: int
) -> tuple[int, int]:
    """Queue the nodes from which those queued from `first` on are one arc away.

    Returns:
        How many nodes are queued; how many wait that have no distance.
    """
    start, head, _, residual, both = net
    distance, queue = ways.distance, ways.via
    nodes, own, seen = distance.shape[0], part[queue[first]], last
    for k in range(first, last):
        node = queue[k]
        for arc in range(start[node], start[node + 1]):
            tail = head[arc]
            if distance[tail] == nodes and residual[arc] < both[arc] and part[tail] == own:
                distance[tail], ways.end[tail], ways.current[tail] = depth, -1, start[tail]
                queue[seen] = tail
                seen += 1
                left -= ways.waiting[tail]
        if left == 0:
            break
    return seen, left


@kernel
def _list_unseen(ways: Ways, members: NarrowArray) -> int:
    """List the members that have no distance; return how many."""
    count = 0
    for node in members:
        if ways.distance[node] == ways.distance.shape[0]:
            ways.unseen[count] = node
            count += 1
    return count


@kernel
def _look_back(
    net: Network, ways: Ways, seen: int, depth: int, unseen: int
) -> tuple[int, int, int]:
    """Queue those not seen yet that an arc leads from to a node of the depth before.

    Returns:
        How many nodes are queued; how many are not seen; how many arcs were looked at.
    """
    start, head, residual = net.start, net.head, net.residual
    distance, nodes = ways.distance, ways.distance.shape[0]
    kept, looked = 0, 0
    for k in range(unseen):
        node = ways.unseen[k]
        if distance[node] < nodes:
            continue
        arc, last = start[node], start[node + 1]
        while arc < last and (distance[head[arc]] != depth - 1 or residual[arc] <= 0):
            arc += 1
        looked += arc - start[node] + 1
        if arc < last:
            distance[node], ways.end[node], ways.current[node] = depth, -1, arc
            ways.via[seen] = node
            seen += 1
        else:
            ways.unseen[kept] = node
            kept += 1
    return seen, kept, looked


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
