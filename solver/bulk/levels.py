"""The division behind the entitlements, row by row over arrays."""

import numpy as np

from solver.bulk.case import BulkCase
from solver.bulk.columns import (
    distinct,
    indices,
    milli,
    places,
    product,
    ranked,
    rows_of,
    sums,
    whole,
)
from solver.bulk.documents import Doubt
from solver.checking.levels import EXACT
from solver.checking.rows import MILLI
from solver.problem import BoolArray, IntArray


def portions(rows: object, case: BulkCase) -> tuple[IntArray, ...]:
    """Return request, pool, slot and thousandths of a GPU-hour of a division's rows."""
    flat = rows_of(rows, 4)
    return (
        places(flat[0::4], case.table.requests.at),
        places(flat[1::4], indices(list(case.round.pools))),
        whole(flat[2::4]),
        milli(flat[3::4]),
    )


def division(case: BulkCase, rows: object) -> int:
    """Return how many checks the plain rule of this name makes, all of which hold."""
    request, pool, slot, hours = portions(rows, case)
    requests, slots = case.table.requests, case.round.slots
    speed = requests.speed[request, pool]
    inside = (requests.first[request] <= slot) & (slot < requests.end[request])
    _hold(inside & (speed > 0) & ~requests.vetoed[request])
    used = sums(pool * slots + slot, hours, case.table.supply.size)
    _hold(used <= case.table.supply.reshape(-1))
    asked = sums(request, product(hours, speed), requests.ask.size)
    _hold(asked // MILLI <= requests.ask)
    apart = np.where(case.joint[request], 0, pool + 1)
    place = (request * slots + slot) * (len(case.round.pools) + 1) + apart
    seated, at = ranked(place)
    limit = product(requests.max_gpus, np.full_like(requests.max_gpus, case.round.slot_hours))
    whose = seated // (len(case.round.pools) + 1) // slots
    _hold(sums(at, hours, seated.size) <= limit[whose])
    checks = distinct(pool * slots + slot).size + distinct(request).size + seated.size
    return int(checks) + _given(case, request, pool, hours)


def _given(case: BulkCase, request: IntArray, pool: IntArray, hours: IntArray) -> int:
    """Check that every fellow gets the entitlement, but for the rounding of its rows."""
    fellows = case.table.fellows.at
    factor, whose = case.factors[request, pool], case.table.requests.fellow[request]
    units = sums(whose, product(hours, factor), len(fellows)) // MILLI
    rounding = sums(whose, factor, len(fellows)) // MILLI
    rights = case.answer.right
    _hold(units + rounding + 2 + rights // EXACT >= rights)
    return len(fellows)


def _hold(truths: BoolArray) -> None:
    """Go on only if everything is true."""
    if not truths.all():
        raise Doubt("Not every check of the division holds.")
