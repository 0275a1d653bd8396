"""Cuts of a network taken apart: one for every bottleneck instead of one that mixes them.

What asks into a set of nodes exceed its way out is a supermodular function. So when a cut is broken
and others are just full, their unions and intersections together are broken by at least as much:
along the chain of the full cuts, lowest level first, the broken cut falls into one cut for each
block, and these fall into the pieces that no arc joins.

Source:
    Fujishige, Lexicographically optimal base of a polymatroid with respect to a weight vector,
    Mathematics of Operations Research 5 (1980): the decomposition, here for all blocks at once.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from solver.fluid.flow import Network
from solver.kernels import kernel
from solver.problem import BoolArray, IntArray


class Scratch(NamedTuple):
    """Room to join nodes into pieces; each ``(nodes,)``.

    Attributes:
        root: who stands for a node's piece, -1 outside; left so.
        follower, last: the next node of a piece, and its last one.
        excess: by how much a piece is broken; listed: the step at which it was listed.
    """

    root: IntArray
    follower: IntArray
    last: IntArray
    excess: IntArray
    listed: IntArray

    @classmethod
    def of(cls, nodes: int) -> "Scratch":
        """Return room for some nodes."""
        root = np.full(nodes, -1, dtype=np.int64)
        return cls(root, root.copy(), root.copy(), root.copy(), root.copy())


def uncrossed(
    net: Network, asked: IntArray, side: BoolArray, full: Sequence[IntArray]
) -> list[tuple[IntArray, int]]:
    """Return the node sets that a broken cut falls into, and by how much each is broken.

    Args:
        net: the network.
        asked: ``(nodes,)`` what the source is asked to send into each node.
        side: ``(nodes,)`` the source's side of the broken cut.
        full: node sets of the full cuts, lowest level first.
    """
    nodes = side.shape[0]
    block = np.full(nodes, len(full) + 1, dtype=np.int64)
    for at in range(len(full) - 1, -1, -1):
        block[full[at]] = at + 1
    enters = np.where(side, block, block + 1)
    order = np.argsort(enters, kind="stable")
    order = order[(order > 1) & (enters[order] <= len(full) + 1)]
    start, members, over = _broken(net, asked, enters[order], order, Scratch.of(nodes))
    return [
        (np.sort(members[start[at] : start[at + 1]]), excess)
        for at, excess in enumerate(over.tolist())
    ]


@kernel
def _broken(
    net: Network, asked: IntArray, steps: IntArray, order: IntArray, scratch: Scratch
) -> tuple[IntArray, IntArray, IntArray]:
    """Let nodes in, step by step; list the pieces that are broken after a step.

    Returns:
        ``(cuts + 1,)`` and ``(n,)``: the nodes of each; ``(cuts,)`` by how much it is broken.
    """
    root, follower, last, excess, listed = scratch
    starts = [0]
    members = [0]
    members.pop()
    over = [0]
    over.pop()
    first = 0
    while first < order.shape[0]:
        step = steps[first]
        end = first
        while end < order.shape[0] and steps[end] == step:
            follower[order[end]], last[order[end]], listed[order[end]] = -1, order[end], -1
            _let_in(net, asked, scratch, order[end])
            end += 1
        for node in order[first:end]:
            top = _find(root, node)
            if excess[top] > 0 and listed[top] != step:
                listed[top] = step
                member = top
                while member >= 0:
                    members.append(member)
                    member = follower[member]
                starts.append(len(members))
                over.append(excess[top])
        first = end
    for node in order:
        root[node] = -1
    return np.array(starts), np.array(members), np.array(over)


@kernel
def _let_in(net: Network, asked: IntArray, scratch: Scratch, node: int) -> None:
    """Add a node to the set and join the pieces that it touches."""
    start, head, both = net.start, net.head, net.both
    root, follower, last, excess, _ = scratch
    root[node] = node
    excess[node] = asked[node]
    for arc in range(start[node], start[node + 1]):
        to = head[arc]
        if to == 0:
            continue
        capacity = both[arc]
        if to == 1 or root[to] < 0:
            if to == 1 or to > node:
                excess[node] -= capacity
            continue
        if capacity == 0:
            continue
        mine, other = _find(root, node), _find(root, to)
        if to < node:
            excess[other] += capacity
        if mine != other:
            root[other] = mine
            excess[mine] += excess[other]
            follower[last[mine]] = other
            last[mine] = last[other]


@kernel
def _find(root: IntArray, node: int) -> int:
    """Return who stands for a node's piece."""
    while root[node] != node:
        root[node] = root[root[node]]
        node = root[node]
    return node
