"""Maximum flow on integer networks, by pushing and relabelling.

Source:
    Goldberg and Tarjan, A new approach to the maximum-flow problem, Journal of the ACM 35 (1988);
    Cherkassky and Goldberg, On implementing the push-relabel method for the maximum flow problem,
    Algorithmica 19 (1997): distances worked out anew from time to time.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from solver.kernels import kernel
from solver.problem import BoolArray, IntArray, NarrowArray

SOURCE, SINK = 0, 1
ENDLESS = 1 << 61
"""A capacity that no flow reaches; sums of real capacities stay below."""
PATIENCE = 2
"""Searches for all distances that work since the last one is worth when there is another."""
RISING = 12
"""What a node's rising costs, in arcs looked at, beside those that it looks at."""
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


class Wave(NamedTuple):
    """What is on its way through a network; each ``(nodes,)``.

    Attributes:
        excess: what came to a node and has not left it yet.
        distance: arcs to the sink, at least; as many as there are nodes where none lead there.
        current: arc with which a node goes on.
        queue: nodes that hold something, in a ring; queued: who is in it.
    """

    excess: IntArray
    distance: NarrowArray
    current: IntArray
    queue: NarrowArray
    queued: BoolArray


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
    """Push as much as possible from source to sink, in place; return how much.

    All that is asked enters at once and flows downhill, by the distance to the sink; a node that is
    left with some rises just above the lowest that takes it. Distances are worked out anew as often
    as that has cost `PATIENCE` times as much. What cannot get to the sink goes back in the end.
    """
    nodes = net.start.shape[0] - 1
    wave = Wave(
        np.zeros(nodes, dtype=np.int64),
        np.empty(nodes, dtype=np.int32),
        np.empty(nodes, dtype=np.int64),
        np.empty(nodes, dtype=np.int32),
        np.zeros(nodes, dtype=np.bool_),
    )
    if not _enter(net, wave.excess):
        return 0
    waiting, steps = _measure(net, wave)
    while waiting and not _spread(net, wave, waiting, PATIENCE * steps + nodes):
        waiting, steps = _measure(net, wave)
    _give_back(net, wave.excess)
    return int(wave.excess[1])


@kernel
def _enter(net: Network, excess: IntArray) -> bool:
    """Fill the arcs that leave the source; say if there was anything to fill them with."""
    start, head, mate, residual, _ = net
    some = False
    for arc in range(start[0], start[1]):
        if residual[arc] > 0:
            excess[head[arc]] += residual[arc]
            residual[mate[arc]] += residual[arc]
            residual[arc] = 0
            some = True
    return some


@kernel
def _measure(net: Network, wave: Wave) -> tuple[int, int]:
    """Set distances to the sink anew, those out of its reach as far as there are nodes.

    Returns:
        How many nodes hold something that can get to the sink, now first in the queue; how many
        arcs were looked at.
    """
    start, head, _, residual, both = net
    excess, distance, current, queue, queued = wave
    nodes = distance.shape[0]
    distance[:] = nodes
    distance[1] = 0
    queue[0] = 1
    done, seen, steps = 0, 1, 0
    while done < seen:
        node = queue[done]
        done += 1
        steps += start[node + 1] - start[node]
        for arc in range(start[node], start[node + 1]):
            tail = head[arc]
            if distance[tail] == nodes and tail != 0 and residual[arc] < both[arc]:
                distance[tail] = distance[node] + 1
                current[tail] = start[tail]
                queue[seen] = tail
                seen += 1
    waiting = 0
    queued[:] = False
    for node in queue[1:seen]:
        if excess[node] > 0:
            queue[waiting] = node
            queued[node] = True
            waiting += 1
    return waiting, steps


@kernel
def _spread(net: Network, wave: Wave, waiting: int, patience: int) -> bool:
    """Let nodes that hold something pass it on, first come first served; say if none is left.

    Args:
        net: changed.
        wave: changed.
        waiting: nodes in the queue.
        patience: arcs to look at before giving up.
    """
    queue, queued = wave.queue, wave.queued
    first, steps = 0, 0
    while waiting and steps < patience:
        node = queue[first]
        first = first + 1 if first + 1 < queue.shape[0] else 0
        queued[node] = False
        waiting, seen = _pass_on(net, wave, node, first, waiting - 1)
        steps += seen
    return waiting == 0


@kernel
def _pass_on(net: Network, wave: Wave, node: int, first: int, waiting: int) -> tuple[int, int]:
    """Push what a node holds to nodes one nearer to the sink, and lift it while some is left.

    Args:
        net: changed.
        wave: changed.
        node: which.
        first: where the queue begins.
        waiting: nodes in the queue.

    Returns:
        Nodes in the queue from now on; arcs looked at.
    """
    start, head, mate, residual, _ = net
    excess, distance, current, queue, queued = wave
    nodes, end = distance.shape[0], start[node + 1]
    left, arc, steps = excess[node], current[node], 0
    while left > 0 and distance[node] < nodes:
        before, nearer = arc, distance[node] - 1
        while arc < end:
            to = head[arc]
            if residual[arc] > 0 and distance[to] == nearer:
                amount = min(left, residual[arc])
                residual[arc] -= amount
                residual[mate[arc]] += amount
                excess[to] += amount
                left -= amount
                if to != 1 and not queued[to]:
                    queued[to] = True
                    at = first + waiting
                    queue[at if at < nodes else at - nodes] = to
                    waiting += 1
                if left == 0:
                    break
            arc += 1
        steps += arc - before + 1
        if left > 0:
            lowest = nodes - 1
            for k in range(start[node], end):
                if residual[k] > 0 and distance[head[k]] < lowest:
                    lowest = distance[head[k]]
                    arc = k
            distance[node] = lowest + 1
            steps += end - start[node] + RISING
    current[node] = arc
    excess[node] = left
    return waiting, steps


@kernel
def _give_back(net: Network, excess: IntArray) -> None:
    """Send back to the source what nodes are left with, last nodes first."""
    start, head, mate, residual, _ = net
    for node in range(excess.shape[0] - 1, 1, -1):
        if excess[node] == 0:
            continue
        for arc in range(start[node], start[node + 1]):
            to = head[arc]
            if to < node and to != 1 and residual[arc] > 0:
                amount = min(excess[node], residual[arc])
                residual[arc] -= amount
                residual[mate[arc]] += amount
                excess[node] -= amount
                excess[to] += amount
            if excess[node] == 0:
                break


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
