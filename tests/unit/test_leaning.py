"""What a node alone can let out of a network that is falling into parts."""

import numpy as np
import pytest

from solver.fluid.flow import ENDLESS, augment, network
from solver.fluid.leaning import own_nodes, own_rooms


def a_tree(seed: int):
    """Return a node over some classes, these over slots or cells, cells over the sink."""
    rng = np.random.default_rng(seed)
    classes, cells = int(rng.integers(1, 5)), 4
    at_class = 3 + np.arange(classes)
    slots = 3 + classes + np.arange(classes)
    at_cell = 3 + 2 * classes + np.arange(cells)
    upper = [(0, 2, ENDLESS)] + [(2, at, int(rng.integers(0, 20))) for at in at_class]
    lower = []
    for at, slot in zip(at_class, slots, strict=True):
        ways = rng.choice(at_cell, 3, replace=False)
        lower += [(at, slot, int(rng.integers(0, 9)))]
        lower += [(slot, way, int(rng.integers(0, 7))) for way in ways[:2]]
        lower += [(at, ways[2], int(rng.integers(0, 7)))]
    sink = [(at, 1, ENDLESS) for at in at_cell]
    blocks = [
        tuple(np.array(each) for each in zip(*some, strict=True)) for some in (sink, upper, lower)
    ]
    return network(int(at_cell[-1]) + 1, blocks)[0]


@pytest.mark.parametrize("seed", range(30))
def test_a_node_alone_lets_out_what_the_largest_flow_says(seed: int) -> None:
    """The closed form is the largest flow where cells are never full; its nodes are the cut."""
    net = a_tree(seed)
    whole = np.zeros(net.start.shape[0] - 1, dtype=np.int32)
    rooms = own_rooms(net, whole, np.array([2]))
    inside = set(own_nodes(net, whole, 2).tolist())
    leaving = sum(
        int(net.both[arc])
        for node in inside
        for arc in range(net.start[node], net.start[node + 1])
        if net.head[arc] > node and int(net.head[arc]) not in inside
    )
    assert rooms.tolist() == [augment(net)] == [leaving]


def test_what_goes_to_another_part_stays_as_it_is() -> None:
    """An arc that leads to another part counts what it carries, not what it could take."""
    blocks = [
        (np.array([3, 4]), np.array([1, 1]), np.array([9, 3])),
        (np.array([0, 2, 2]), np.array([2, 3, 4]), np.array([9, 5, 6])),
    ]
    net, _ = network(5, blocks)
    label = np.array([-1, -1, 0, 0, 1], dtype=np.int32)
    node = np.array([2])
    assert own_rooms(net, label, node).tolist() == [5]
    augment(net)
    assert own_rooms(net, label, node).tolist() == [5 + 3]
    assert own_rooms(net, np.zeros_like(label), node).tolist() == [5 + 6]
