"""Maximum flow against a slow twin."""

from collections import deque

import numpy as np
import pytest

from solver.fluid.flow import SINK, SOURCE, augment, network, reached


def slow_max_flow(nodes: int, arcs: list[tuple[int, int, int]]) -> int:
    """Return the maximum flow by shortest augmenting paths, in plain Python."""
    residual = [[0] * nodes for _ in range(nodes)]
    for tail, head, capacity in arcs:
        residual[tail][head] += capacity
    total = 0
    while True:
        before = {SOURCE: SOURCE}
        queue = deque([SOURCE])
        while queue:
            node = queue.popleft()
            for head, free in enumerate(residual[node]):
                if free and head not in before:
                    before[head] = node
                    queue.append(head)
        if SINK not in before:
            return total
        path, node = [], SINK
        while node != SOURCE:
            path.append((before[node], node))
            node = before[node]
        least = min(residual[tail][head] for tail, head in path)
        for tail, head in path:
            residual[tail][head] -= least
            residual[head][tail] += least
        total += least


def _onwards(less: int, more: int) -> tuple[int, int]:
    """Return the ends of an arc in the order of flow, to which the sink is last."""
    return (more, less) if less == SINK else (less, more)


def some_arcs(seed: int) -> tuple[int, list[tuple[int, int, int]]]:
    """Return a random network whose nodes stand in the order of flow."""
    rng = np.random.default_rng(seed)
    nodes = int(rng.integers(2, 12))
    count = int(rng.integers(0, 4 * nodes))
    ends = rng.integers(0, nodes, (count, 2))
    arcs = [
        (*_onwards(int(tail), int(head)), int(rng.integers(0, 1 << 40)))
        for tail, head in np.sort(ends)
        if head != tail
    ]
    return nodes, arcs


@pytest.mark.parametrize("seed", range(60))
def test_flow_equals_its_slow_twin_and_its_cut(seed: int) -> None:
    """The kernel pushes what shortest augmenting paths push, and a cut of that size proves it."""
    nodes, arcs = some_arcs(seed)
    columns = np.array(arcs, dtype=np.int64).reshape(len(arcs), 3).T.copy()
    net, _ = network(nodes, [tuple(columns)])

    pushed = augment(net)

    assert slow_max_flow(nodes, arcs) == pushed
    side = reached(net)
    across = sum(capacity for tail, head, capacity in arcs if side[tail] and not side[head])
    assert across == pushed


def test_flow_on_an_arc_is_read_off_its_mate() -> None:
    """What an arc carries stands on the arc back."""
    net, (place,) = network(3, [(np.array([0, 2]), np.array([2, 1]), np.array([5, 3]))])

    pushed = augment(net)

    assert pushed == 3
    assert net.residual[net.mate[place]].tolist() == [3, 3]
