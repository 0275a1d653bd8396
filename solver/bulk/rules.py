"""The rules that go through every cell, award and request, each counted over arrays.

A function returns how many checks the plain rule of its name makes, all of which hold, or raises a
doubt. What the rule forbids is said where the plain rule stands.
"""

from collections.abc import Callable
from operator import lt

import numpy as np

from solver.bulk.case import BulkCase
from solver.bulk.columns import distinct, product, ranked, sums
from solver.bulk.documents import Doubt
from solver.checking import feasible, figures, limits
from solver.checking.reading import SHAPES
from solver.checking.rows import MILLI
from solver.checking.verdict import Checks
from solver.problem import NOBODY, BoolArray, IntArray

FLEXIBLE, BLOCK, CONSTANT = range(len(SHAPES))


def _all(truths: BoolArray) -> int:
    """Return how many there are, all of them true."""
    if not truths.all():
        raise Doubt("Not every check holds.")
    return int(truths.size)


def cells(case: BulkCase) -> int:
    """Every award has cells, each with hours and in a place of its own."""
    answer = case.answer
    if (np.bincount(answer.award, minlength=answer.request.size) == 0).any():
        raise Doubt("An award has no cell.")
    slots = case.round.slots
    place = (answer.award * len(case.round.pools) + answer.pool) * slots + answer.slot
    if distinct(place).size < place.size:
        raise Doubt("Two cells lie in one place.")
    return _all(answer.hours > 0)


def pools(case: BulkCase) -> int:
    """Cells lie on acceptable pools."""
    return _all(case.cell_speed > 0)


def windows(case: BulkCase) -> int:
    """Cells lie in the window."""
    requests, request, slot = case.table.requests, case.cell_request, case.answer.slot
    return _all((requests.first[request] <= slot) & (slot < requests.end[request]))


def gangs(case: BulkCase) -> int:
    """Cells of flexible requests are whole gangs."""
    requests, request = case.table.requests, case.cell_request
    loose = requests.shape[request] == FLEXIBLE
    return _all(case.answer.hours[loose] % requests.gang[request[loose]] == 0)


def supply(case: BulkCase) -> int:
    """No pool gives more in a slot than it has."""
    listed = case.used
    return _all(
        np.array(
            [hours <= case.round.pools[pool].whole(slot) for (pool, slot), hours in listed.items()]
        )
    )


def max_gpus(case: BulkCase) -> int:
    """Nobody uses more GPUs at once than stated."""
    requests, slots = case.table.requests, case.round.slots
    place = case.cell_request * slots + case.answer.slot
    places, at = ranked(place)
    hours = sums(at, case.answer.hours, places.size)
    gpus = requests.max_gpus[places // slots]
    limit = product(gpus, np.full_like(gpus, case.round.slot_hours)) // MILLI
    return _all(hours <= limit)


def minimum(case: BulkCase) -> int:
    """Awards reach the minimum."""
    return _all(case.total >= case.table.requests.minimum[case.answer.request])


def ask(case: BulkCase) -> int:
    """Cells total less than the ask and one gang-hour."""
    requests, request = case.table.requests, case.answer.request
    fastest = np.zeros(request.size, dtype=np.int64)
    np.maximum.at(fastest, case.answer.award, case.cell_speed)
    return _all(case.total < requests.ask[request] + product(requests.gang[request], fastest))


def single_pool(case: BulkCase) -> int:
    """Who wants one pool has one."""
    used = _pools_used(case)
    return _all(used[case.table.requests.single_pool[case.answer.request]] <= 1)


def _pools_used(case: BulkCase) -> IntArray:
    """Return ``(a,)`` how many pools each award has cells in."""
    count = len(case.round.pools)
    pairs = distinct(case.answer.award * count + case.answer.pool)
    return np.bincount(pairs // count, minlength=case.answer.request.size)


def block(case: BulkCase) -> int:
    """Blocks lie in one pool, in consecutive slots, with the same GPUs."""
    award, _, least, most, slots, first, last = _runs(case, BLOCK)
    length = case.table.requests.block_slots[case.answer.request[award]]
    if distinct(award).size < award.size:
        raise Doubt("A block lies in two pools.")
    return _all((slots == length) & (last - first + 1 == length)) + _steady(
        case, award, least, most
    )


def constant(case: BulkCase) -> int:
    """Constant requests skip no slot and keep their GPUs."""
    award, _, least, most, slots, _, _ = _runs(case, CONSTANT)
    requests, request = case.table.requests, case.answer.request[award]
    window = requests.end[request] - requests.first[request]
    return _all(slots == window) + _steady(case, award, least, most)


def _runs(case: BulkCase, shape: int) -> tuple[IntArray, ...]:
    """Return award, pool, least and most hours, slots, first and last slot, by award and pool."""
    answer, count = case.answer, len(case.round.pools)
    chosen = np.flatnonzero(case.table.requests.shape[case.cell_request] == shape)
    pairs, at = ranked(answer.award[chosen] * count + answer.pool[chosen])
    hours, slot = answer.hours[chosen], answer.slot[chosen]
    high = np.iinfo(np.int64).max
    least, most = np.full(pairs.size, high), np.zeros(pairs.size, dtype=np.int64)
    first, last = np.full(pairs.size, high), np.zeros(pairs.size, dtype=np.int64)
    np.minimum.at(least, at, hours)
    np.maximum.at(most, at, hours)
    np.minimum.at(first, at, slot)
    np.maximum.at(last, at, slot)
    slots = np.bincount(at, minlength=pairs.size)
    return pairs // count, pairs % count, least, most, slots, first, last


def _steady(case: BulkCase, award: IntArray, least: IntArray, most: IntArray) -> int:
    """Each pool gives the same whole gangs of GPUs in every slot."""
    gang = case.table.requests.gang[case.answer.request[award]]
    thousandths = product(most, np.full_like(most, MILLI))
    whole = thousandths % case.round.slot_hours == 0
    return _all((least == most) & whole & (thousandths // case.round.slot_hours % gang == 0))


def guarantees(case: BulkCase) -> int:
    """Who has to be funded is."""
    return _all(_funded(case)[case.table.requests.must_fund])


def vetoes(case: BulkCase) -> int:
    """Who is vetoed is not."""
    return _all(~_funded(case)[case.table.requests.vetoed])


def _funded(case: BulkCase) -> BoolArray:
    """Return ``(r,)`` who has an award."""
    funded = np.zeros(len(case.table.requests.at), dtype=np.bool_)
    funded[case.answer.request] = True
    return funded


def after(case: BulkCase) -> int:
    """Who comes after another starts when that one has ended."""
    request, slot = case.cell_request, case.answer.slot
    starts = np.full(len(case.table.requests.at), np.iinfo(np.int64).max)
    ends = np.full(starts.size, -1)
    np.minimum.at(starts, request, slot)
    np.maximum.at(ends, request, slot)
    mine = case.answer.request[case.table.requests.after[case.answer.request] != NOBODY]
    before = case.table.requests.after[mine]
    return _all(_funded(case)[before] & (starts[mine] > ends[before]))


def awards(case: BulkCase) -> int:
    """Awards state what their cells give."""
    return _all(case.answer.gpu_hours == case.given) + _all(
        case.answer.service_units == case.charge
    )


def order(case: BulkCase) -> int:
    """Awards are listed once each, by id."""
    listed = case.names
    return _all(np.fromiter(map(lt, listed, listed[1:]), np.bool_))


def reserve(case: BulkCase) -> int:
    """The reserve list has no gaps, nobody funded or vetoed, and nobody twice."""
    waiting, ranks = case.answer.waiting, case.answer.rank
    if distinct(waiting).size < waiting.size:
        raise Doubt("Somebody waits twice.")
    free = ~_funded(case)[waiting] & ~case.table.requests.vetoed[waiting]
    return _all(free & (ranks == np.arange(1, ranks.size + 1)))


def names(case: BulkCase) -> int:
    """Everything that is named is there; most of it was found when the arrays were read."""
    checks = 0
    tables = ((case.plan.groups, case.round.groups), (case.plan.fellows, case.round.fellows))
    for told, known in tables:
        if told and told.keys() != set(known):
            raise Doubt("An entitlement is of nobody, or missing.")
        checks += 2 * len(told)
    _all(case.answer.slot < case.round.slots)
    checks += case.answer.rank.size + case.answer.request.size + 2 * case.answer.slot.size
    return checks


BULK: dict[Callable[..., Checks], Callable[[BulkCase], int]] = {
    feasible.cells: cells,
    feasible.pools: pools,
    feasible.windows: windows,
    feasible.gangs: gangs,
    feasible.supply: supply,
    feasible.max_gpus: max_gpus,
    feasible.minimum: minimum,
    feasible.ask: ask,
    feasible.single_pool: single_pool,
    feasible.block: block,
    feasible.constant: constant,
    limits.guarantees: guarantees,
    limits.vetoes: vetoes,
    limits.after: after,
    figures.awards: awards,
    figures.order: order,
    figures.reserve: reserve,
}
"""Rules of the plain checker, and who counts them over arrays."""
