"""Three tiers and a draw: the best are funded, the middle is drawn for, the lowest left out."""

from enum import IntEnum

import numpy as np

from solver.draw import draw_order
from solver.placing.desk import Desk
from solver.problem import IntArray, Method, Problem

WHOLE = 10**6
"""One, in the millionths that parts are counted in."""


class Band(IntEnum):
    """Where a request stands by its score, the best first."""

    TOP = 0
    """Funded by score while its budget lasts."""
    MIDDLE = 1
    """Drawn for."""
    LOWEST = 2
    """Not funded, unless a floor or a promise asks for it."""


def bands(problem: Problem) -> IntArray:
    """Return ``(r,)`` the `Band` of each request.

    By score: from `top` on, and below `bottom`. By part, in each track by itself: a score is in
    the top band where no more than the part of the track's requests have it or a better one, in
    the lowest where no more than the part have it or a worse one; equals stay together, and where
    an edge would cut through them they are drawn for.
    """
    lottery, score = problem.rules.lottery, problem.score
    if not lottery.by_part:
        middle = np.where(score >= lottery.bottom, Band.MIDDLE, Band.LOWEST)
        return np.where(score >= lottery.top, Band.TOP, middle).astype(np.int64)
    found = np.full(problem.requests, Band.MIDDLE, dtype=np.int64)
    for track in np.unique(problem.track[problem.eligible]).tolist():
        members = np.flatnonzero(problem.eligible & (problem.track == track))
        ranked = np.sort(score[members])
        not_better = np.searchsorted(ranked, score[members], side="right")
        better = ranked.size - np.searchsorted(ranked, score[members], side="left")
        found[members[not_better * WHOLE <= lottery.bottom * ranked.size]] = Band.LOWEST
        found[members[better * WHOLE <= lottery.top * ranked.size]] = Band.TOP
    return found


def draw_places(problem: Problem, seed: int) -> IntArray:
    """Return ``(r,)`` the place of each request in the draw, from 0.

    Raises:
        ValueError: If the requests have no tickets to draw by.
    """
    if len(problem.tickets) != problem.requests:
        raise ValueError("A lottery needs one ticket for each request.")
    place = {ticket: at for at, ticket in enumerate(draw_order(seed, problem.tickets))}
    return np.array([place[ticket] for ticket in problem.tickets], dtype=np.int64)


def drawn(problem: Problem, seed: int) -> dict[int, int] | None:
    """Return the place in the draw, from 1, of each request drawn for; None without a lottery."""
    if problem.rules.method is not Method.LOTTERY:
        return None
    middle = np.flatnonzero(problem.eligible & (bands(problem) == Band.MIDDLE))
    order = middle[np.argsort(draw_places(problem, seed)[middle])]
    return {request: at for at, request in enumerate(order.tolist(), start=1)}


def hand_out(problem: Problem, seed: int) -> tuple[IntArray, IntArray]:
    """Hand out by band and draw: promises first, then floors, the top band, the middle one.

    Each is given its ask if that fits, else the most that fits, not below its minimum, and keeps
    what it was given; equal scores of the top band stand in the order of the draw. Caps of tracks
    are their budgets. One placement or three a request: linear.

    Returns:
        cells: ``(n, 4)`` request, pool, slot, whole GPU-hours; sorted.
        target: ``(r,)`` thousandths of reference hours that each request is in the running for.
    """
    band, place = bands(problem), draw_places(problem, seed)

    def turn(request: int) -> tuple[int, ...]:
        by_score = 0 if band[request] == Band.MIDDLE else -int(problem.score[request])
        return int(band[request]), by_score, int(place[request]), request

    desk = Desk.opened(problem, turn, thorough=True)
    desk.keep_previous()
    promised = problem.must_fund.copy()
    least = np.where(promised, np.maximum(problem.minimum, 1), 0)
    desk.in_turn(least, np.flatnonzero(promised).tolist())
    promised |= desk.served()
    asks = np.where(problem.eligible, problem.ask, 0)
    desk.in_turn(asks, np.flatnonzero(promised).tolist())
    for bucket in np.flatnonzero(desk.floor).tolist():
        members = (desk.bucket == bucket).any(axis=1) & problem.eligible & ~desk.served()
        desk.in_turn(asks, np.flatnonzero(members).tolist(), until=bucket)
    drawn = problem.eligible & (band != Band.LOWEST)
    desk.in_turn(asks, np.flatnonzero(drawn & ~desk.served()).tolist())
    return desk.cells(), np.where(drawn | promised, asks, 0)
