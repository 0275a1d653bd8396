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
"""Arcs looked at for one arc's ways before another one's turn, at least, in the first round."""
WORTH = 2
"""Part of a search that ways may cost before distances are worked out anew."""
MANY = 2
"""Times that nodes just reached may have the arcs of those not reached before these look back."""
SHARE = 8
"""Part of a search that looking for the nodes in reach of what is stuck may cost."""
AHEAD, BACK = 1, 2
"""Marks of an arc that takes more, and of one that carries something that can be taken back."""


class Ways(NamedTuple):
    """What is known of the ways through a part of a network; each ``(nodes,)``.

    Attributes:
        distance: arcs to where something can end, at least; as many as there are nodes where none
            lead there, one more where something waits; one less outside of the part.
        current: arc with which a node goes on; first: its first arc.
        end: the arc over which something can end at a node that has no distance to go.
        via: arc by which a way came to a node; also a queue.
        reached: the search that came to a node last.
        members: the nodes of the part; unseen: those of them without a distance, for a while.
        open: ``(arcs,)`` the marks of each arc; read in place of what arcs take, which lies wider.
    """

    distance: NarrowArray
    current: NarrowArray
    first: NarrowArray
    end: NarrowArray
    via: NarrowArray
    reached: IntArray
    members: NarrowArray
    unseen: NarrowArray
    open: ByteArray

    @classmethod
    def of(cls, net: Network) -> "Ways":
        """Return room for the nodes of a network, and the marks of its arcs."""
        nodes = net.start.shape[0] - 1
        distance, current, first, end = np.zeros((4, nodes), dtype=np.int32)
        via, members, unseen = np.zeros((3, nodes), dtype=np.int32)
        first[:] = net.start[:nodes]
        reached = np.zeros(nodes, dtype=np.int64)
        marks = AHEAD * (net.residual > 0) + BACK * (net.residual < net.both)
        known = distance, current, first, end, via, reached, members, unseen
        return cls(*known, marks.astype(np.uint8))


@kernel
def reroute(
    net: Network,
    part: NarrowArray,
    sources: NarrowArray,
    rooms: NarrowArray,
    ways: Ways,
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
    head, residual, distance = net.head, net.residual, ways.distance
    nodes = part.shape[0]
    count, arcs = _list_members(net, part, part[head[sources[0]]], ways.members)
    distance[:] = nodes - 1
    rounds = 0
    while True:
        left = 0
        for source in sources:
            left += residual[source] > 0
        if left == 0:
            return 0
        steps = _measure(net, sources, rooms, ways, ways.members[:count], arcs, left)
        rounds += 1
        some = False
        budget = max(steps // WORTH, 1)
        for source in sources:
            if residual[source] <= 0:
                continue
            if distance[head[source]] < nodes:
                some = True
                if budget > 0:
                    budget -= _go_down(net, source, ways, max(budget // left, rounds * SLICE))
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
    sources: NarrowArray,
    rooms: NarrowArray,
    ways: Ways,
    members: NarrowArray,
    arcs: int,
    left: int,
) -> int:
    """Set distances anew until all that wait have theirs; return how many arcs were looked at.

    Where the nodes reached last have most of the arcs, those not reached yet look for one of them.
    """
    start, head, queue = net.start, net.head, ways.via
    for node in members:
        ways.distance[node], ways.current[node] = ways.distance.shape[0], ways.first[node]
    for source in sources:
        ways.distance[head[source]] += net.residual[source] > 0
    seen, left = _ends(net, rooms, ways, left)
    first, depth, steps, unseen = 0, 0, 0, -1
    while first < seen and left > 0:
        ahead = 0
        for k in range(first, seen):
            ahead += start[queue[k] + 1] - start[queue[k]]
        arcs -= ahead
        depth += 1
        last = seen
        if ahead * MANY <= arcs:
            seen, left = _look_ahead(net, ways, first, seen, depth, left)
            steps += ahead
        else:
            if unseen < 0:
                unseen = _list_unseen(ways, members)
            seen, unseen, left, looked = _look_back(net, ways, seen, depth, unseen, left)
            steps += looked
        first = last
    return steps


@kernel
def _look_ahead(  # noqa: PLR0913, PLR0917 - a search
    net: Network, ways: Ways, first: int, last: int, depth: int, left: int
) -> tuple[int, int]:
    """Queue the nodes from which those queued from `first` on are one arc away.

    Returns:
        How many nodes are queued; how many wait that have no distance.
    """
    start, head, mate = net.start, net.head, net.mate
    distance, queue, marks = ways.distance, ways.via, ways.open
    nodes, seen = distance.shape[0], last
    for k in range(first, last):
        node = queue[k]
        for arc in range(start[node], start[node + 1]):
            tail = head[arc]
            if marks[arc] & BACK and distance[tail] >= nodes:
                left -= distance[tail] > nodes
                distance[tail], queue[seen] = depth, tail
                seen += 1
                if tail > node:
                    ways.current[tail] = mate[arc]
        if left == 0:
            break
    return seen, left


@kernel
def _list_unseen(ways: Ways, members: NarrowArray) -> int:
    """List the members that have no distance; return how many."""
    count = 0
    for node in members:
        if ways.distance[node] >= ways.distance.shape[0]:
            ways.unseen[count] = node
            count += 1
    return count


@kernel
def _look_back(  # noqa: PLR0913, PLR0917 - a search
    net: Network, ways: Ways, seen: int, depth: int, unseen: int, left: int
) -> tuple[int, int, int, int]:
    """Queue those not seen yet that an arc leads from to a node of the depth before.

    Returns:
        How many nodes are queued; how many are not seen; how many wait that have no distance; how
        many arcs were looked at.
    """
    start, head = net.start, net.head
    distance, marks, nodes = ways.distance, ways.open, ways.distance.shape[0]
    kept, looked = 0, 0
    for k in range(unseen):
        node = ways.unseen[k]
        if distance[node] < nodes:
            continue
        arc, last = start[node], start[node + 1]
        while arc < last and not (marks[arc] & AHEAD and distance[head[arc]] == depth - 1):
            arc += 1
        looked += arc - start[node] + 1
        if arc < last:
            left -= distance[node] > nodes
            distance[node], ways.current[node] = depth, arc
            ways.via[seen] = node
            seen += 1
        else:
            ways.unseen[kept] = node
            kept += 1
    return seen, kept, left, looked


@kernel
def _ends(net: Network, rooms: NarrowArray, ways: Ways, left: int) -> tuple[int, int]:
    """Queue the nodes where something can end; return how many, and how many wait elsewhere."""
    head, mate, residual, distance = net.head, net.mate, net.residual, ways.distance
    seen = 0
    for arc in rooms:
        to_sink = head[arc] == 1
        if (residual[arc] > 0) if to_sink else (residual[arc] < 0):
            node = head[mate[arc]] if to_sink else head[arc]
            left -= distance[node] > distance.shape[0]
            distance[node], ways.end[node], ways.via[seen] = 0, arc, node
            seen += 1
    return seen, left


@kernel
def _go_down(net: Network, source: int, ways: Ways, patience: int) -> int:
    """Send what an arc from the source takes downhill while patience lasts; return arcs seen."""
    head, mate, residual = net.head, net.mate, net.residual
    distance, end, via, marks = ways.distance, ways.end, ways.via, ways.open
    current, nodes = ways.current, distance.shape[0]
    root = head[source]
    node = root
    looked = 0
    while residual[source] > 0 and distance[root] < nodes and looked <= patience:
        if distance[node] == 0 and _room(net, end[node]) > 0:
            node = _send(net, source, node, end[node], ways)
            continue
        nearer, before, last = distance[node] - 1, current[node], net.start[node + 1]
        arc = before
        while arc < last and not (marks[arc] & AHEAD and distance[head[arc]] == nearer):
            arc += 1
        looked += arc - before + 1
        if arc < last:
            current[node] = arc
            node = head[arc]
            via[node] = arc
            continue
        lowest = nodes - 1
        for k in range(net.start[node], last):
            if marks[k] & AHEAD and distance[head[k]] < lowest:
                lowest = distance[head[k]]
                arc = k
        looked += last - net.start[node]
        distance[node], current[node] = lowest + 1, arc
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
    net: Network,
    part: NarrowArray,
    sources: NarrowArray,
    ways: Ways,
    steps: int,
    search: int,
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
            if part[node] == own and ways.distance[node] >= nodes:
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
