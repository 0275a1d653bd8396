"""Small changes of a flow, against the largest flow from nothing."""

from itertools import pairwise

import numpy as np
import pytest

from solver.fluid.flow import augment, network
from solver.fluid.rerouting import AHEAD, BACK, Ways, leading_to, reroute, stuck_sets


def a_network(rng):
    """Return a network of three layers behind the source; arcs from the source, and to the sink."""
    layers = np.split(2 + np.arange(24), (6, 14))
    blocks = [
        (layers[2], np.ones(10, dtype=np.int64), rng.integers(0, 30, 10)),
        (np.zeros(6, dtype=np.int64), layers[0], rng.integers(0, 40, 6)),
    ]
    for before, after in pairwise(layers):
        tail, head = (each.ravel() for each in np.meshgrid(before, after))
        there = rng.random(tail.shape[0]) < rng.choice([0.2, 0.5, 0.9])
        capacity = rng.integers(0, 12, int(there.sum()))
        blocks.append((tail[there], head[there], capacity))
    net, places = network(26, blocks)
    return net, places[1], places[0]


def copied(net):
    """Return a network of its own."""
    return type(net)(*(each.copy() for each in net))


@pytest.mark.parametrize("seed", range(60))
def test_what_is_stuck_is_what_the_largest_flow_leaves(seed: int) -> None:
    """Asks that rise in steps leave as much as one largest flow, and the sets found are full."""
    rng = np.random.default_rng(seed)
    net, sources, rooms = a_network(rng)
    part = np.zeros(26, dtype=np.int32)
    part[:2] = -1
    whole = copied(net)
    asked = int(net.residual[sources].sum())
    sent = augment(whole)
    ways, later = Ways.of(net), rng.integers(0, 20, 6)
    net.residual[sources] -= np.minimum(later, net.residual[sources])
    reroute(net, part, sources, rooms, ways)
    held_back = whole.both[sources] - net.residual[net.mate[sources]] - net.residual[sources]
    net.residual[sources] += held_back
    steps = reroute(net, part, sources, rooms, ways)
    assert int(net.residual[sources].sum()) == asked - sent
    assert (steps > 0) == (asked > sent)
    if steps:
        stuck = sources[net.residual[sources] > 0]
        _, start, members = stuck_sets(net, part, stuck, ways, steps, 0)
        for first, last in pairwise(start.tolist()):
            inside = set(members[first:last].tolist())
            for node in inside:
                arcs = range(net.start[node], net.start[node + 1])
                out = [arc for arc in arcs if int(net.head[arc]) not in inside | {0}]
                assert not net.residual[out].any()


@pytest.mark.parametrize("seed", range(20))
def test_marks_say_what_arcs_take_and_carry(seed: int) -> None:
    """After flow has moved, each arc inside is marked as what it takes and carries says."""
    rng = np.random.default_rng(seed)
    net, sources, rooms = a_network(rng)
    part = np.zeros(26, dtype=np.int32)
    part[:2] = -1
    ways = Ways.of(net)
    reroute(net, part, sources, rooms, ways)
    moved = net.both - net.residual
    assert moved[rooms].any()
    assert (((ways.open & AHEAD) > 0) == (net.residual > 0)).all()
    assert (((ways.open & BACK) > 0) == (moved > 0)).all()


@pytest.mark.parametrize("seed", range(20))
def test_what_leads_to_a_node_is_what_a_search_from_each_node_says(seed: int) -> None:
    """Nodes from which something can still get to one, unless they are more than asked for."""
    rng = np.random.default_rng(seed)
    net, _, _ = a_network(rng)
    augment(net)
    part = rng.integers(0, 2, 26).astype(np.int32)
    part[:2] = -1
    node = int(rng.integers(2, 26))

    def gets_there(at):
        seen, stack = {at}, [at]
        while stack:
            last = stack.pop()
            for arc in range(net.start[last], net.start[last + 1]):
                to = int(net.head[arc])
                if net.residual[arc] > 0 and part[to] == part[node] and to not in seen:
                    seen.add(to)
                    stack.append(to)
        return node in seen

    expected = [at for at in range(2, 26) if part[at] == part[node] and gets_there(at)]
    assert sorted(leading_to(net, part, node, 26).tolist()) == expected
    assert sorted(leading_to(net, part, node, len(expected)).tolist()) == expected
    assert leading_to(net, part, node, len(expected) - 1).tolist() == [] or len(expected) == 1
