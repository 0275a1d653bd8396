"""Where a plan may put its hours, one rule a function; standard library only."""

from collections import defaultdict
from collections.abc import Callable

from solver.checking.case import Case, broken
from solver.checking.claims import StatedAward
from solver.checking.reading import Request
from solver.checking.rows import MILLI
from solver.checking.verdict import Checks, decimal, shown


def cells(case: Case) -> Checks:
    """Forbids cells without hours, twice in one place, and awards without cells."""
    for award in case.plan.awards:
        who = award.request
        places = [(pool, slot) for pool, slot, _ in award.cells]
        if not places or len(set(places)) != len(places):
            fault = "has two cells in one pool and slot" if places else "has no cell"
            yield broken("cells", f"The award of request {who} {fault}.", who, cells=len(places))
        for pool, slot, hours in award.cells:
            yield (
                None
                if hours > 0
                else broken(
                    "cells",
                    f"Request {who} has a cell of 0 GPU-hours on {pool} in slot {slot}.",
                    who,
                    (pool, slot),
                    gpu_hours=hours,
                )
            )


def pools(case: Case) -> Checks:
    """Forbids cells on pools that the request does not accept."""
    for request, award in case.funded:
        for pool, slot, hours in award.cells:
            yield (
                None
                if request.speeds.get(pool, 0) > 0
                else broken(
                    "pools",
                    f"Request {request.id} has {hours:,} GPU-hours on pool {pool}, "
                    f"which it does not accept.",
                    request.id,
                    (pool, slot),
                    gpu_hours=hours,
                )
            )


def windows(case: Case) -> Checks:
    """Forbids cells outside the request's window."""
    for request, award in case.funded:
        for pool, slot, _ in award.cells:
            yield (
                None
                if request.first <= slot < request.end
                else broken(
                    "windows",
                    f"Request {request.id} uses slot {slot}; "
                    f"its window is [{request.first}, {request.end}).",
                    request.id,
                    (pool, slot),
                    first=request.first,
                    end=request.end,
                )
            )


def gangs(case: Case) -> Checks:
    """Forbids cells of flexible requests that are not a multiple of the gang.

    Blocks and constants hold whole gangs of GPUs by rules of their own.
    """
    for request, award in case.funded:
        for pool, slot, hours in award.cells if request.shape == "flexible" else ():
            yield (
                None
                if hours % request.gang == 0
                else broken(
                    "gangs",
                    f"Request {request.id} has {hours:,} GPU-hours on {pool} in slot {slot}, "
                    f"no multiple of its gang of {request.gang}.",
                    request.id,
                    (pool, slot),
                    gpu_hours=hours,
                    gang_gpus=request.gang,
                )
            )


def supply(case: Case) -> Checks:
    """Forbids using more of a pool in a slot than its whole GPU-hours of supply."""
    for (pool, slot), hours in case.used.items():
        limit = case.round.pools[pool].whole(slot)
        yield (
            None
            if hours <= limit
            else broken(
                "supply",
                f"Pool {pool} gives {hours:,} GPU-hours in slot {slot}; it has {limit:,}.",
                None,
                (pool, slot),
                used=hours,
                supply=limit,
            )
        )


def max_gpus(case: Case) -> Checks:
    """Forbids more GPUs at once than the request can use, over all its pools."""
    for request, award in case.funded:
        limit = case.round.slot_limit(request)
        per_slot: dict[int, int] = defaultdict(int)
        for _, slot, hours in award.cells:
            per_slot[slot] += hours
        for slot, hours in per_slot.items():
            yield (
                None
                if hours <= limit
                else broken(
                    "max_gpus",
                    f"Request {request.id} uses {hours:,} GPU-hours in slot {slot}; "
                    f"{request.max_gpus} GPUs give {limit:,}.",
                    request.id,
                    (None, slot),
                    used=hours,
                    limit=limit,
                )
            )


def minimum(case: Case) -> Checks:
    """Forbids an award below the request's minimum."""
    for request, _ in case.funded:
        hours = case.totals[request.id]
        yield (
            None
            if hours >= request.minimum
            else broken(
                "minimum",
                f"Request {request.id} gets {shown(hours)} reference GPU-hours; "
                f"its minimum is {shown(request.minimum)}.",
                request.id,
                total=decimal(hours),
                minimum=decimal(request.minimum),
            )
        )


def ask(case: Case) -> Checks:
    """Forbids cells for a whole gang-hour, or more, beyond what was asked."""
    for request, award in case.funded:
        fastest = max((request.speeds.get(pool, 0) for pool, _, _ in award.cells), default=0)
        hours, limit = case.totals[request.id], request.ask + request.gang * fastest
        yield (
            None
            if hours < limit
            else broken(
                "ask",
                f"The cells of request {request.id} total {shown(hours)} reference GPU-hours; "
                f"it asks {shown(request.ask)}, and one gang-hour more is {shown(limit)}.",
                request.id,
                total=decimal(hours),
                ask=decimal(request.ask),
            )
        )


def single_pool(case: Case) -> Checks:
    """Forbids spreading a request that wants one pool over several."""
    for request, award in case.funded:
        if request.single_pool:
            named = sorted({pool for pool, _, _ in award.cells})
            yield (
                None
                if len(named) <= 1
                else broken(
                    "single_pool",
                    f"Request {request.id} wants one pool and has cells in {', '.join(named)}.",
                    request.id,
                    pools=len(named),
                )
            )


def block(case: Case) -> Checks:
    """Forbids a block that is not one pool, consecutive slots, the same GPUs."""
    for request, award in case.funded:
        if request.shape == "block":
            slots = sorted(slot for _, slot, _ in award.cells)
            consecutive = slots == list(range(slots[0], slots[0] + request.block_slots))
            one_pool = len({pool for pool, _, _ in award.cells}) == 1
            yield (
                None
                if consecutive and one_pool
                else broken(
                    "block",
                    f"Request {request.id} is a block of {request.block_slots} slots in one pool; "
                    f"its cells lie in slots {slots}.",
                    request.id,
                    block_slots=request.block_slots,
                    slots=len(slots),
                )
            )
            yield from _same_gpus(case, request, award, "block")


def constant(case: Case) -> Checks:
    """Forbids a constant request that skips a slot of its window or changes its GPUs."""
    for request, award in case.funded:
        if request.shape == "constant":
            window = set(range(request.first, request.end))
            for pool in sorted({pool for pool, _, _ in award.cells}):
                missing = window - {slot for where, slot, _ in award.cells if where == pool}
                yield (
                    None
                    if not missing
                    else broken(
                        "constant",
                        f"Request {request.id} has no cell on {pool} in slot {min(missing)} "
                        f"of its window [{request.first}, {request.end}).",
                        request.id,
                        (pool, min(missing)),
                        missing=len(missing),
                    )
                )
            yield from _same_gpus(case, request, award, "constant")


def _same_gpus(case: Case, request: Request, award: StatedAward, rule: str) -> Checks:
    """Check that each pool gives the same whole gangs of GPUs in every slot."""
    for name in sorted({pool for pool, _, _ in award.cells}):
        amounts = {hours for pool, _, hours in award.cells if pool == name}
        gpus, rest = divmod(max(amounts) * MILLI, case.round.slot_hours)
        steady = len(amounts) == 1 and not rest and gpus % request.gang == 0
        yield (
            None
            if steady
            else broken(
                rule,
                f"Request {request.id} has {min(amounts):,} to {max(amounts):,} GPU-hours a slot "
                f"on {name}; they must be the same whole gangs of {request.gang} GPUs in each.",
                request.id,
                (name, None),
                least=min(amounts),
                most=max(amounts),
            )
        )


CELL_RULES: tuple[Callable[[Case], Checks], ...] = (
    pools,
    windows,
    gangs,
    supply,
    max_gpus,
    minimum,
    ask,
    single_pool,
    block,
    constant,
)
"""What the cells of every plan have to keep, once they are sound."""
