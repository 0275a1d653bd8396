"""Windows that keep requests after their predecessors, whatever is placed inside them."""

from collections.abc import Sequence

import numpy as np

from solver.placing.board import most_hours
from solver.plan import NO_CELLS
from solver.problem import MILLI, NOBODY, BoolArray, IntArray, Problem, Shape


def tighten(
    problem: Problem, funded: BoolArray, need: IntArray, fluid: IntArray = NO_CELLS
) -> IntArray:
    """Cut the windows of funded predecessors and successors so that none overlap.

    Between a predecessor and its successors one boundary slot is drawn, where the least of the
    fluid division lies on the wrong side; without one, in proportion to what is asked. Everyone
    keeps the slots that what they need takes at their most GPUs.

    Args:
        problem: the round.
        funded: ``(r,)`` who has to fit.
        need: ``(r,)`` thousandths of reference hours each has to get.
        fluid: ``(n, 4)`` request, pool, slot, amount of a fluid division.

    Returns:
        ``(r, 2)`` first slot and end; end ≤ first where no boundary suits.
    """
    windows = np.stack([problem.first, problem.end], axis=1)
    linked = funded & (problem.after != NOBODY) & funded[problem.after]
    if not linked.any():
        return windows
    least = _least_slots(problem, need)
    successors: dict[int, list[int]] = {}
    for request in np.nonzero(linked)[0].tolist():
        successors.setdefault(int(problem.after[request]), []).append(request)
    order = _from_the_first(linked, successors)
    latest = windows[:, 1].copy()
    for request in reversed(order):
        for after in successors.get(request, ()):
            latest[request] = min(latest[request], _latest_start(problem, after, latest, least))
    masses = _masses(problem, fluid)
    for request in order:
        followers = successors.get(request, [])
        if followers:
            earliest = _earliest_end(problem, request, windows, least)
            wrong = _wrong_side(problem, request, followers, masses)
            cut = _boundary(wrong, earliest, int(latest[request]))
            _draw(problem, windows, request, followers, cut)
    return windows


def _draw(
    problem: Problem, windows: IntArray, request: int, followers: Sequence[int], cut: int
) -> None:
    """Draw a boundary; the window of a constant is not cut but, in the way, emptied."""
    if problem.shape[request] != Shape.CONSTANT:
        windows[request, 1] = min(windows[request, 1], cut)
    for after in followers:
        start = max(int(windows[after, 0]), cut)
        blocked = problem.shape[after] == Shape.CONSTANT and start > problem.first[after]
        windows[after, 0] = windows[after, 1] if blocked else start


def _least_slots(problem: Problem, need: IntArray) -> IntArray:
    """Return ``(r,)`` how many slots each request takes at least."""
    most = np.maximum(most_hours(problem) * problem.speed.max(axis=1), 1)
    slots = np.maximum(-(-need // most), 1)
    slots = np.where(problem.shape == Shape.BLOCK, problem.block_slots, slots)
    lengths = problem.end - problem.first
    return np.where(problem.shape == Shape.CONSTANT, lengths, slots).astype(np.int64)


def _from_the_first(linked: BoolArray, successors: dict[int, list[int]]) -> list[int]:
    """Return everyone in a chain, predecessors before successors."""
    order = [request for request in successors if not linked[request]]
    for request in order:
        order.extend(successors.get(request, ()))
    return order


def _latest_start(problem: Problem, request: int, latest: IntArray, least: IntArray) -> int:
    """Return the last slot in which a request can begin."""
    if problem.shape[request] == Shape.CONSTANT:
        return int(problem.first[request])
    return int(latest[request] - least[request])


def _earliest_end(problem: Problem, request: int, windows: IntArray, least: IntArray) -> int:
    """Return the first slot after which a request can be over."""
    if problem.shape[request] == Shape.CONSTANT:
        return int(problem.end[request])
    return int(windows[request, 0] + least[request])


def _masses(problem: Problem, fluid: IntArray) -> dict[int, IntArray]:
    """Return per request ``(t,)`` what the fluid division lays in each slot."""
    masses: dict[int, IntArray] = {}
    for request, _, slot, amount in fluid.tolist():
        if request not in masses:
            masses[request] = np.zeros(problem.slots, dtype=np.int64)
        masses[request][slot] += amount
    return masses


def _wrong_side(
    problem: Problem, request: int, followers: Sequence[int], masses: dict[int, IntArray]
) -> IntArray:
    """Return ``(t + 1,)`` for each boundary the mass on its wrong side.

    A request without a fluid division counts as spread evenly over its window.
    """
    wrong = np.zeros(problem.slots + 1, dtype=np.int64)
    before = _mass(problem, request, masses)
    wrong[:-1] += before[::-1].cumsum()[::-1]
    for after in followers:
        wrong[1:] += _mass(problem, after, masses).cumsum()
    return wrong


def _mass(problem: Problem, request: int, masses: dict[int, IntArray]) -> IntArray:
    """Return ``(t,)`` the mass of one request."""
    if request in masses:
        return masses[request]
    even = np.zeros(problem.slots, dtype=np.int64)
    first, end = int(problem.first[request]), int(problem.end[request])
    even[first:end] = problem.ask[request] * MILLI // (end - first)
    return even


def _boundary(wrong: IntArray, earliest: int, latest: int) -> int:
    """Return the boundary with least on the wrong side, the first of equals."""
    if earliest >= latest:
        return earliest
    return earliest + int(np.argmin(wrong[earliest : latest + 1]))
