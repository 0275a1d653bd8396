"""The division behind the entitlements, row by row over arrays."""

import numpy as np

from solver.bulk.case import BulkCase
from solver.bulk.columns import indices, milli, places, product, sums, whole
from solver.bulk.documents import Doubt
from solver.bulk.stakes import joint
from solver.checking.levels import EXACT
from solver.checking.rows import MILLI
from solver.problem import BoolArray, IntArray


def portions(rows: object, case: BulkCase) -> tuple[IntArray, ...]:
    """Return request, pool, slot and thousandths of a GPU-hour of a division's rows."""
    if not isinstance(rows, list) or not all(type(row) is list and len(row) == 4 for row in rows):  # noqa: PLR2004 - a row of four
        raise Doubt("A row of the division is none.")
    request, pool, slot, hours = zip(*rows, strict=True) if rows else ((), (), (), ())
    return (
        places(request, case.table.requests.at),
        places(pool, indices(list(case.round.pools))),
        whole(slot),
        milli(hours),
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
    apart = np.where(joint(case)[request], 0, pool + 1)
    place = (request * slots + slot) * (len(case.round.pools) + 1) + apart
    seated, at = np.unique(place, return_inverse=True)
    limit = product(requests.max_gpus, np.full_like(requests.max_gpus, case.round.slot_hours))
    whose = seated // (len(case.round.pools) + 1) // slots
    _hold(sums(at, hours, seated.size) <= limit[whose])
    checks = np.unique(pool * slots + slot).size + np.unique(request).size + seated.size
    return int(checks) + _given(case, request, pool, hours)


def _given(case: BulkCase, request: IntArray, pool: IntArray, hours: IntArray) -> int:
    """Check that every fellow gets the entitlement, but for the rounding of its rows."""
    fellows = case.table.fellows.at
    factor, whose = case.factors[request, pool], case.table.requests.fellow[request]
    units = sums(whose, product(hours, factor), len(fellows)) // MILLI
    rounding = sums(whose, factor, len(fellows)) // MILLI
    rights = np.array([case.plan.fellows.get(name, 0) for name in fellows], dtype=np.int64)
    _hold(units + rounding + 2 + rights // EXACT >= rights)
    return len(fellows)


def _hold(truths: BoolArray) -> None:
    """Go on only if everything is true."""
    if not truths.all():
        raise Doubt("Not every check of the division holds.")
