"""Places: columns that put GPU-hours somewhere, and where flexible requests may lie."""

from dataclasses import dataclass

import numpy as np

from solver.placing.board import most_hours
from solver.problem import BoolArray, FloatArray, IntArray, Problem
from solver.tiers.extent import Spans


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Places:
    """Columns that put hours somewhere; axis j.

    Attributes:
        column: ``(j,)`` in the program; request, pool: ``(j,)``.
        span: ``(j,)`` first span touched; spans: ``(j,)`` how many.
        slot_hours: ``(j,)`` GPU-hours in each slot touched when the column is 1.
        share: ``(j,)`` share of the ask that the column brings when it is 1.
        units: ``(j,)`` thousandths of a service unit, or of what the unit is.
    """

    column: IntArray
    request: IntArray
    pool: IntArray
    span: IntArray
    spans: IntArray
    slot_hours: FloatArray
    share: FloatArray
    units: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seats:
    """Where flexible requests may lie.

    Attributes:
        request, pool, span: ``(n,)``, in this order.
        hours: ``(n,)`` most GPU-hours there, a whole number of gang-hours in every slot.
    """

    request: IntArray
    pool: IntArray
    span: IntArray
    hours: IntArray


def find_seats(problem: Problem, spans: Spans, free: BoolArray) -> Seats:
    """Return where flexible requests may lie, by request, pool and span.

    Args:
        problem: the round.
        spans: of its calendar.
        free: ``(r,)`` those requests.
    """
    owner, pool = np.nonzero((problem.speed > 0) & free[:, None])
    begin = spans.of(problem.first[owner])
    lengths = spans.of(problem.end[owner]) - begin
    request, pool = np.repeat(owner, lengths), np.repeat(pool, lengths)
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    span = np.repeat(begin, lengths) + within
    slots, gang = spans.lengths[span], problem.gang[request]
    most = most_hours(problem)[request] // gang * gang
    most = np.minimum(most, spans.supply[pool, span] // slots // gang * gang)
    return Seats(request=request, pool=pool, span=span, hours=most * slots)


def touched(places: Places) -> tuple[IntArray, IntArray]:
    """Return place and span of everything that places touch, each ``(n,)``."""
    place = np.repeat(np.arange(places.column.size), places.spans)
    first = np.cumsum(places.spans) - places.spans
    span = places.span[place] + np.arange(place.size) - first[place]
    return place, span


def joined(parts: list[Places]) -> Places:
    """Join lists of places."""
    names = ("column", "request", "pool", "span", "spans", "slot_hours", "share", "units")
    return Places(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in names})
