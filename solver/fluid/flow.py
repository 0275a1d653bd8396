"""Maximum flow on integer networks, by Dinic's algorithm.

Source:
    Dinic, Algorithm for solution of a problem of maximum flow in networks with power estimation,
    Soviet Mathematics Doklady 11 (1970).
"""

from dataclasses import dataclass

import numpy as np

from solver.kernels import kernel
from solver.problem import BoolArray, IntArray

SOURCE, SINK = 0, 1
ENDLESS = 1 << 61
"""A capacity that no flow reaches; sums of real capacities stay below."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Network:
    """Arcs sorted by tail, each with its reverse; node 0 is the source, node 1 the sink.

    Attributes:
        start: ``(nodes + 1,)`` first arc of each node.
        head: ``(arcs,)`` node the arc leads to; mate: ``(arcs,)`` the arc back.
        capacity: ``(arcs,)`` 0 for the arcs back.
        place: ``(given arcs,)`` where each arc given to `network` stands now.
    """

    start: IntArray
    head: IntArray
    mate: IntArray
    capacity: IntArray
    place: IntArray


def network(nodes: int, tail: IntArray, head: IntArray, capacity: IntArray) -> Network:
    """Lay out a network from its arcs.

    Args:
        nodes: how many, source and sink included.
        tail: ``(n,)`` node each arc leaves.
        head: ``(n,)`` node it leads to.
        capacity: ``(n,)`` what it takes.
    """
    start, heads, mates, capacities, place = _laid_out(nodes, tail, head, capacity)
    return Network(start=start, head=heads, mate=mates, capacity=capacities, place=place)


@kernel
def _laid_out(
    nodes: int, tail: IntArray, head: IntArray, capacity: IntArray
) -> tuple[IntArray, IntArray, IntArray, IntArray, IntArray]:
    """Sort arcs and arcs back by tail, by counting; the given order is kept."""
    count = tail.shape[0]
    start = np.zeros(nodes + 1, dtype=np.int64)
    for k in range(count):
        start[tail[k] + 1] += 1
        start[head[k] + 1] += 1
    for node in range(nodes):
        start[node + 1] += start[node]
    free = start[:nodes].copy()
    heads = np.empty(2 * count, dtype=np.int64)
    mates = np.empty(2 * count, dtype=np.int64)
    capacities = np.zeros(2 * count, dtype=np.int64)
    place = np.empty(count, dtype=np.int64)
    for k in range(count):
        at = free[tail[k]]
        free[tail[k]] += 1
        heads[at] = head[k]
        capacities[at] = capacity[k]
        place[k] = at
    for k in range(count):
        back = free[head[k]]
        free[head[k]] += 1
        heads[back] = tail[k]
        mates[back] = place[k]
        mates[place[k]] = back
    return start, heads, mates, capacities, place


@kernel
def ask(  # noqa: PLR0913, PLR0917 - one network, its flow and its arcs from the source
    start: IntArray,
    head: IntArray,
    mate: IntArray,
    capacity: IntArray,
    residual: IntArray,
    arcs: IntArray,
    amounts: IntArray,
) -> None:
    """Set what arcs from the source take, in place; flow beyond it is taken back to the sink.

    Arcs with flow lead towards the sink without a circle.

    Args:
        start: of the network.
        head: of the network.
        mate: of the network.
        capacity: of the network.
        residual: ``(arcs,)`` what each arc still takes; changed.
        arcs: ``(n,)`` arcs of the network that leave the source.
        amounts: ``(n,)`` what they take from now on.
    """
    for k in range(arcs.shape[0]):
        arc = arcs[k]
        flow = residual[mate[arc]]
        if flow <= amounts[k]:
            residual[arc] = amounts[k] - flow
            continue
        residual[arc] = 0
        residual[mate[arc]] = amounts[k]
        _take_back(start, head, mate, capacity, residual, head[arc], flow - amounts[k])


@kernel
def _take_back(  # noqa: PLR0913, PLR0917 - one network and its flow
    start: IntArray,
    head: IntArray,
    mate: IntArray,
    capacity: IntArray,
    residual: IntArray,
    node: int,
    amount: int,
) -> None:
    """Cancel flow that leaves a node, and all that follows from it."""
    nodes = [node]
    amounts = [amount]
    while nodes:
        at = nodes.pop()
        left = amounts.pop()
        for arc in range(start[at], start[at + 1]):
            if left == 0:
                break
            if capacity[arc] > 0 and residual[mate[arc]] > 0:
                back = min(left, residual[mate[arc]])
                residual[arc] += back
                residual[mate[arc]] -= back
                left -= back
                if head[arc] != 1:
                    nodes.append(head[arc])
                    amounts.append(back)


@kernel
def augment(start: IntArray, head: IntArray, mate: IntArray, residual: IntArray) -> int:
    """Push as much as possible from source to sink, in place.

    Args:
        start: of the network.
        head: of the network.
        mate: of the network.
        residual: ``(arcs,)`` what each arc still takes; changed.

    Returns:
        What was pushed.
    """
    nodes = start.shape[0] - 1
    distance = np.empty(nodes, dtype=np.int64)
    queue = np.empty(nodes, dtype=np.int64)
    current = np.empty(nodes, dtype=np.int64)
    path = np.empty(nodes, dtype=np.int64)
    pushed = 0
    while _layer(start, head, mate, residual, distance, queue):
        current[:] = start[:nodes]
        pushed += _block(start, head, mate, residual, distance, current, path)
    return pushed


@kernel
def _layer(  # noqa: PLR0913, PLR0917 - one network and its scratch space
    start: IntArray,
    head: IntArray,
    mate: IntArray,
    residual: IntArray,
    distance: IntArray,
    queue: IntArray,
) -> bool:
    """Set every node's distance to the sink; return whether the source has one."""
    distance[:] = -1
    distance[1] = 0
    queue[0] = 1
    done, seen = 0, 1
    while done < seen:
        node = queue[done]
        done += 1
        if distance[0] >= 0 and distance[node] >= distance[0]:
            break
        for arc in range(start[node], start[node + 1]):
            tail = head[arc]
            if distance[tail] < 0 and residual[mate[arc]] > 0:
                distance[tail] = distance[node] + 1
                queue[seen] = tail
                seen += 1
    return bool(distance[0] >= 0)


@kernel
def _block(  # noqa: PLR0913, PLR0917 - one network and its scratch space
    start: IntArray,
    head: IntArray,
    mate: IntArray,
    residual: IntArray,
    distance: IntArray,
    current: IntArray,
    path: IntArray,
) -> int:
    """Push along shortest paths until each has a full arc; return what was pushed."""
    pushed = 0
    depth = 0
    node = 0
    while True:
        if node == 1:
            least = residual[path[0]]
            for step in range(1, depth):
                least = min(least, residual[path[step]])
            cut = depth
            for step in range(depth - 1, -1, -1):
                arc = path[step]
                residual[arc] -= least
                residual[mate[arc]] += least
                if residual[arc] == 0:
                    cut = step
            pushed += least
            depth = cut
            node = head[mate[path[cut]]]
            continue
        moved = False
        while current[node] < start[node + 1]:
            arc = current[node]
            if residual[arc] > 0 and distance[head[arc]] == distance[node] - 1:
                path[depth] = arc
                depth += 1
                node = head[arc]
                moved = True
                break
            current[node] += 1
        if moved:
            continue
        if node == 0:
            return pushed
        depth -= 1
        node = head[mate[path[depth]]]
        current[node] += 1


@kernel
def reached(start: IntArray, head: IntArray, residual: IntArray) -> BoolArray:
    """Return ``(nodes,)`` whether something can still be pushed there from the source."""
    nodes = start.shape[0] - 1
    seen = np.zeros(nodes, dtype=np.bool_)
    stack = np.empty(nodes, dtype=np.int64)
    seen[0] = True
    stack[0] = 0
    height = 1
    while height:
        height -= 1
        node = stack[height]
        for arc in range(start[node], start[node + 1]):
            if residual[arc] > 0 and not seen[head[arc]]:
                seen[head[arc]] = True
                stack[height] = head[arc]
                height += 1
    return seen
