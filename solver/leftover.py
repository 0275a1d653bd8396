"""Leftover: unfunded requests that fit into what supply the plan leaves."""

import numpy as np

from solver.placing.board import OPEN, buckets, caps, free_supply, in_order
from solver.placing.placement import place, total_reference
from solver.plan import Entitlement, per_group, received
from solver.problem import NOBODY, IntArray, Problem


def use_leftover(problem: Problem, entitlement: Entitlement | None, cells: IntArray) -> IntArray:
    """Fund whoever still fits, groups that lack most first, then the better score.

    Rounding leaves gaps that are too small for the requests it dropped; a smaller one may fit.
    Requests of a chain are left alone, and nobody is led beyond a cap.

    Args:
        problem: the round.
        entitlement: what groups hold by right; None without fairness tiers.
        cells: ``(n, 4)`` whole GPU-hours that keep every rule.

    Returns:
        The cells and those added, sorted.
    """
    free, parts = free_supply(problem, cells), [cells]
    bucket, cap = buckets(problem), caps(problem)
    held = _held(problem, bucket, cap.size, received(problem, cells))
    for request in _waiting(problem, entitlement, cells).tolist():
        if not _may_fit(problem, free, request):
            continue
        added = place(problem, free, request, int(problem.ask[request]))
        if not added.size or total_reference(problem, added) < problem.minimum[request]:
            continue
        amount = int(received(problem, added)[request])
        holders = bucket[request][bucket[request] != NOBODY]
        if (held[holders] + amount > cap[holders]).any():
            continue
        held[holders] += amount
        free[added[:, 1], added[:, 2]] -= added[:, 3]
        parts.append(added)
    return in_order(np.concatenate(parts))


def _held(problem: Problem, bucket: IntArray, count: int, amounts: IntArray) -> IntArray:
    """Return ``(b,)`` what fellows, groups, institutes and tracks hold, 0 where nobody caps."""
    held = np.zeros(count, dtype=np.int64)
    if not (caps(problem) < OPEN).any():
        return held
    for column in bucket.T:
        member = column != NOBODY
        np.add.at(held, column[member], amounts[member])
    return held


def _waiting(problem: Problem, entitlement: Entitlement | None, cells: IntArray) -> IntArray:
    """Return unfunded requests that may be added: lacking groups first, then by score."""
    chained = problem.after != NOBODY
    chained[problem.after[chained]] = True
    open_ = problem.eligible & ~chained & (problem.ask > 0)
    open_[cells[:, 0]] = False
    waiting = np.flatnonzero(open_)
    lack = np.zeros(problem.groups, dtype=np.int64)
    if entitlement is not None:
        lack = np.maximum(entitlement.groups - per_group(problem, received(problem, cells)), 0)
    keys = (-problem.ask[waiting], -problem.score[waiting], -lack[problem.group[waiting]])
    return waiting[np.lexsort((waiting, *keys))].astype(np.int64)


def _may_fit(problem: Problem, free: IntArray, request: int) -> bool:
    """Return whether the window has the hours for the minimum at all: a quick look."""
    window = free[:, problem.first[request] : problem.end[request]]
    gang = int(problem.gang[request])
    whole = (window // gang * gang).sum(axis=1)
    return int(whole @ problem.speed[request]) >= max(int(problem.minimum[request]), 1)
