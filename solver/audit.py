"""Rules of a plan over arrays: what whole gang-hours can still break, and all of them."""

import numpy as np

from solver.fluid.merging import reach
from solver.placing.board import buckets, caps, floors, free_supply, most_hours
from solver.plan import awarded_reference, received
from solver.problem import MILLI, NOBODY, BoolArray, IntArray, Problem, Shape


def keeps_hard_rules(problem: Problem, cells: IntArray) -> bool:
    """Return whether cells that fit the supply also keep what every plan has to keep."""
    award = awarded_reference(problem, cells)
    return (
        _guarantees(problem, award)
        and _promises(problem, award)
        and _chains(problem, cells)
        and not missed_floors(problem, cells).any()
        and not broken_caps(problem, cells).any()
    )


def is_lawful(problem: Problem, cells: IntArray) -> bool:
    """Return whether cells keep every rule of a plan, as the checker would find.

    Args:
        problem: the round.
        cells: ``(n, 4)`` request, pool, slot, whole GPU-hours; sorted, each place once.
    """
    return (
        _lie_well(problem, cells)
        and _total_well(problem, cells)
        and _hold_their_shape(problem, cells)
        and not problem.vetoed[cells[:, 0]].any()
        and keeps_hard_rules(problem, cells)
    )


def _lie_well(problem: Problem, cells: IntArray) -> bool:
    """Cells lie on acceptable pools, in the window, within supply, in whole gangs."""
    request, pool, slot, hours = cells.T
    places = (request * problem.pools + pool) * problem.slots + slot
    inside = (slot >= problem.first[request]) & (slot < problem.end[request])
    loose = problem.shape[request] == Shape.FLEXIBLE
    whole = ~loose | (hours % problem.gang[request] == 0)
    seated = np.zeros((problem.requests, problem.slots), dtype=np.int64)
    np.add.at(seated, (request, slot), hours)
    return bool(
        (hours > 0).all()
        and (np.diff(places) > 0).all()
        and (inside & whole & (problem.speed[request, pool] > 0)).all()
        and (free_supply(problem, cells) >= 0).all()
        and (seated <= most_hours(problem)[:, None]).all()
    )


def _total_well(problem: Problem, cells: IntArray) -> bool:
    """Awards reach the minimum and stay within a gang-hour of the ask."""
    request, pool, _, hours = cells.T
    total, fastest = np.zeros((2, problem.requests), dtype=np.int64)
    np.add.at(total, request, hours * problem.speed[request, pool])
    np.maximum.at(fastest, request, problem.speed[request, pool])
    funded = total > 0
    most = problem.ask + problem.gang * fastest
    return bool(((total >= problem.minimum) & (total < most))[funded].all())


def _hold_their_shape(problem: Problem, cells: IntArray) -> bool:
    """Single pools, blocks and constants are what they have to be."""
    at = np.searchsorted(cells[:, 0], np.arange(problem.requests + 1))
    special = (problem.shape != Shape.FLEXIBLE) | problem.single_pool
    for request in np.flatnonzero(special & (np.diff(at) > 0)).tolist():
        rows = cells[at[request] : at[request + 1]]
        if not _has_its_shape(problem, request, rows):
            return False
    return True


def _has_its_shape(problem: Problem, request: int, rows: IntArray) -> bool:
    """Return whether one request's cells have the shape it asks for."""
    pools = np.unique(rows[:, 1])
    if pools.size > 1 and (problem.single_pool[request] or problem.shape[request] == Shape.BLOCK):
        return False
    if problem.shape[request] == Shape.FLEXIBLE:
        return True
    first, length = int(rows[0, 2]), int(problem.block_slots[request])
    if problem.shape[request] == Shape.CONSTANT:
        first = int(problem.first[request])
        length = int(problem.end[request]) - first
    for pool in pools:
        own = rows[rows[:, 1] == pool]
        steady = np.array_equal(own[:, 2], np.arange(first, first + length))
        gpus = int(own[0, 3]) * MILLI
        step = int(problem.gang[request]) * problem.slot_hours
        if not steady or (own[:, 3] != own[0, 3]).any() or gpus % step:
            return False
    return True


def within_caps(problem: Problem, cells: IntArray) -> IntArray:
    """Return the cells without the awards that caps do not bear, the lowest scores first.

    A whole gang or shape may cost more than the fluid hours it came from; who holds too much then
    gives up awards until it fits. Guaranteed and pinned requests give up nothing.
    """
    members = buckets(problem)
    while broken_caps(problem, cells).any():
        over = np.flatnonzero(broken_caps(problem, cells))[0]
        held = np.unique(cells[:, 0])
        own = held[(members[held] == over).any(axis=1) & ~problem.must_fund[held]]
        if not own.size:
            return cells
        cells = cells[cells[:, 0] != own[np.lexsort((own, problem.score[own]))[0]]]
    return cells


def broken_caps(problem: Problem, cells: IntArray) -> BoolArray:
    """Return ``(b,)`` whose cap is broken."""
    amounts, limits = received(problem, cells), caps(problem)
    held = np.zeros(limits.size, dtype=np.int64)
    for column in buckets(problem).T:
        member = column != NOBODY
        np.add.at(held, column[member], amounts[member])
    return np.asarray(held > limits)


def missed_floors(problem: Problem, cells: IntArray) -> BoolArray:
    """Return ``(b,)`` whose floor is missed, counted up to what the holder's requests can take."""
    amounts, most = received(problem, cells), reach(problem)
    held = np.zeros(floors(problem).size, dtype=np.int64)
    can = np.zeros_like(held)
    for column in buckets(problem).T:
        member = column != NOBODY
        np.add.at(held, column[member], amounts[member])
        np.add.at(can, column[member], most[member])
    return np.asarray(held < np.minimum(floors(problem), can))


def _guarantees(problem: Problem, award: IntArray) -> bool:
    """Guaranteed and pinned requests get their minimum, and something."""
    least = np.maximum(problem.minimum, 1)
    return bool((award >= least)[problem.must_fund].all())


def _promises(problem: Problem, award: IntArray) -> bool:
    """What an earlier plan awarded is not cut."""
    return bool((award >= kept_amounts(problem)).all())


def kept_amounts(problem: Problem) -> IntArray:
    """Return ``(r,)`` thousandths that an earlier plan promised and the policy keeps."""
    amounts = np.zeros(problem.requests, dtype=np.int64)
    if not problem.rules.keep_accepted:
        return amounts
    rows = problem.previous
    np.add.at(amounts, rows[:, 0], rows[:, 3] * problem.speed[rows[:, 0], rows[:, 1]])
    return np.where(problem.vetoed, 0, np.minimum(amounts, problem.ask))


def _chains(problem: Problem, cells: IntArray) -> bool:
    """Whoever is funded comes after a funded predecessor is over."""
    first = np.full(problem.requests, problem.slots, dtype=np.int64)
    last = np.full(problem.requests, -1, dtype=np.int64)
    np.minimum.at(first, cells[:, 0], cells[:, 2])
    np.maximum.at(last, cells[:, 0], cells[:, 2])
    linked = (problem.after != NOBODY) & (last >= 0)
    before = last[problem.after[linked]]
    return bool(((before >= 0) & (before < first[linked])).all())
