"""Hard rules that whole gang-hours can still break: floors, caps, guarantees, chains."""

import numpy as np

from solver.fluid.merging import reach
from solver.placing.board import buckets, caps, floors
from solver.plan import awarded_reference, received
from solver.problem import NOBODY, BoolArray, IntArray, Problem


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
