"""Maximum flow on integer networks, by Dinic's algorithm.

Source:
    Dinic, Algorithm for solution of a problem of maximum flow in networks with power estimation,
    Soviet Mathematics Doklady 11 (1970).
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from solver.kernels import kernel
from solver.problem import BoolArray, IntArray, NarrowArray

SOURCE, SINK = 0, 1
ENDLESS = 1 << 61
"""A capacity that no flow reaches; sums of real capacities stay below."""
Arcs: TypeAlias = tuple[IntArray | NarrowArray, IntArray | NarrowArray, IntArray]
"""``(n,)`` node each arc leaves, node it leads to, what it takes."""


class Network(NamedTuple):
    """Arcs sorted by tail, each with its reverse; node 0 is the source, node 1 the sink.

    All other nodes stand in the order of flow: arcs lead to higher numbers or to the sink. What an
    arc carries is what its reverse still takes.

    Attributes:
        start: ``(nodes + 1,)`` first arc of each node.
        head: ``(arcs,)`` node the arc leads to; mate: ``(arcs,)`` the arc back.
        residual: ``(arcs,)`` what each arc still takes; changes as flow is pushed.
        both: ``(arcs,)`` what each arc and its mate still take together: read in place of the mate,
            which lies far off.
    """

    start: IntArray
    head: NarrowArray
    mate: NarrowArray
    residual: IntArray
    both: IntArray


def network(nodes: int, blocks: Sequence[Arcs]) -> tuple[Network, tuple[NarrowArray, ...]]:
    """Lay out a network from blocks of its arcs; in a node they keep the order given.

    Args:
        nodes: how many, source and sink included; fewer than two thousand million.
        blocks: arcs.

    Returns:
        The network; of each block ``(n,)`` where its arcs stand.
    """
    start = np.zeros(nodes + 1, dtype=np.int64)
    for tail, head, _ in blocks:
        _count(start, tail, head)
    np.cumsum(start, out=start)
    free = start[:nodes].copy()
    arcs = int(start[nodes])
    narrow, wide = np.empty((2, arcs), dtype=np.int32), np.empty((2, arcs), dtype=np.int64)
    net = Network(start, *narrow, *wide)
    return net, tuple(_put(net, free, *block) for block in blocks)


@kernel
def _count(start: IntArray, tail: IntArray | NarrowArray, head: IntArray | NarrowArray) -> None:
    """Count the arcs and arcs back of each node."""
    for k in range(tail.shape[0]):
        start[tail[k] + 1] += 1
        start[head[k] + 1] += 1


@kernel
def _put(
    net: Network,
    free: IntArray,
    tail: IntArray | NarrowArray,
    head: IntArray | NarrowArray,
    capacity: IntArray,
) -> NarrowArray:
    """Put a block's arcs and arcs back where their nodes have room; return where."""
    place: NarrowArray = np.empty(tail.shape[0], dtype=np.int32)
    for k in range(tail.shape[0]):
        at, back = free[tail[k]], free[head[k]]
        free[tail[k]] += 1
        free[head[k]] += 1
        net.head[at], net.head[back] = head[k], tail[k]
        net.mate[at], net.mate[back] = back, at
        net.residual[at], net.residual[back] = capacity[k], 0
        net.both[at] = net.both[back] = capacity[k]
        place[k] = at
    return place


@kernel
def ask(net: Network, arcs: NarrowArray, amounts: IntArray) -> None:
    """Set what arcs from the source take, in place; flow beyond it is taken back to the sink.

    Args:
        net: changed.
        arcs: ``(n,)`` arcs of the network that leave the source.
        amounts: ``(n,)`` what they take from now on.
    """
    residual, both = net.residual, net.both
    for k in range(arcs.shape[0]):
        arc, back = arcs[k], net.mate[arcs[k]]
        beyond = residual[back] - amounts[k]
        both[arc] = both[back] = amounts[k]
        residual[arc] = max(-beyond, 0)
        if beyond > 0:
            residual[back] = amounts[k]
            _take_back(net, net.head[arc], beyond)


@kernel
def _take_back(net: Network, node: int, amount: int) -> None:
    """Cancel flow that leaves a node, and all that follows from it."""
    start, head, mate, residual, _ = net
    nodes = [node]
    amounts = [amount]
    while nodes:
        at = nodes.pop()
        left = amounts.pop()
        for arc in range(start[at], start[at + 1]):
            if left == 0:
                break
            to = head[arc]
            if (to > at or to == 1) and residual[mate[arc]] > 0:
                back = min(left, residual[mate[arc]])
                residual[arc] += back
                residual[mate[arc]] -= back
                left -= back
                if to != 1:
                    nodes.append(to)
                    amounts.append(back)


@kernel
def augment(net: Network) -> int:
    """Push as much as possible from source to sink, in place; return how much."""
    nodes = net.start.shape[0] - 1
    distance = np.empty(nodes, dtype=np.int32)
    queue = np.empty(nodes, dtype=np.int32)
    current = np.empty(nodes, dtype=np.int64)
    path = np.empty(nodes, dtype=np.int64)
    pushed = 0
    asked = net.residual[net.start[0] : net.start[1]]
    while asked.any() and _layer(net, distance, queue, current):
        pushed += _block(net, distance, current, path)
    return pushed


@kernel
def _layer(net: Network, distance: NarrowArray, queue: NarrowArray, current: IntArray) -> bool:
    """Set the distance to the sink of all nodes nearer than the source; say if that has one."""
    start, head, _, residual, both = net
    distance[:] = -1
    distance[1] = 0
    queue[0] = 1
    done, seen = 0, 1
    while done < seen and distance[0] < 0:
        node = queue[done]
        done += 1
        for arc in range(start[node], start[node + 1]):
            tail = head[arc]
            if distance[tail] < 0 and residual[arc] < both[arc]:
                distance[tail] = distance[node] + 1
                current[tail] = start[tail]
                queue[seen] = tail
                seen += 1
    return bool(distance[0] >= 0)


@kernel
def _block(net: Network, distance: NarrowArray, current: IntArray, path: IntArray) -> int:
    """Push along shortest paths until each has a full arc; return what was pushed.

    Depth first; a node hands on all that came to it before its arc is written down once.
    """
    start, head, mate, residual, _ = net
    last = distance[0]
    came = np.zeros(last + 1, dtype=np.int64)
    sent = np.zeros(last + 1, dtype=np.int64)
    came[0] = ENDLESS
    depth = 0
    node = 0
    while True:
        if node == 1:
            sent[depth] = came[depth]
        elif came[depth] > sent[depth] and current[node] < start[node + 1]:
            arc = current[node]
            if residual[arc] > 0 and distance[head[arc]] == last - depth - 1:
                path[depth] = arc
                came[depth + 1] = min(came[depth] - sent[depth], residual[arc])
                depth += 1
                sent[depth] = 0
                node = head[arc]
            else:
                current[node] += 1
            continue
        if depth == 0:
            return int(sent[0])
        passed = sent[depth]
        depth -= 1
        arc = path[depth]
        node = head[mate[arc]]
        residual[arc] -= passed
        residual[mate[arc]] += passed
        sent[depth] += passed
        if sent[depth] < came[depth]:
            current[node] += 1


@kernel
def reached(net: Network) -> BoolArray:
    """Return ``(nodes,)`` whether something can still be pushed there from the source."""
    start, head, residual = net.start, net.head, net.residual
    nodes = start.shape[0] - 1
    seen = np.zeros(nodes, dtype=np.bool_)
    stack = np.empty(nodes, dtype=np.int32)
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
