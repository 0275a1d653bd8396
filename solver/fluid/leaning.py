"""What leans on what where a network has fallen into parts, and what a node in one has alone."""

import numpy as np

from solver.fluid.flow import Network
from solver.kernels import kernel
from solver.problem import BoolArray, FloatArray, IntArray, NarrowArray


def ties(net: Network, label: IntArray, parts: int) -> tuple[IntArray, IntArray]:
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
def leaning(  # noqa: PLR0913, PLR0917 - parts, what ties them, and who rises in them
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
def own_rooms(net: Network, label: NarrowArray, nodes: IntArray) -> IntArray:
    """Return ``(n,)`` what can leave some nodes at most, whatever the cells have."""
    rooms = np.empty(nodes.shape[0], dtype=np.int64)
    for k in range(nodes.shape[0]):
        rooms[k] = _behind(net, label, nodes[k])[1][0]
    return rooms


@kernel
def own_nodes(net: Network, label: NarrowArray, node: int) -> IntArray:
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
