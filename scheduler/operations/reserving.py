"""Reservations: GPUs kept free for awards whose requests asked for them at a time."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

from scheduler.domain.access import EVERYTHING
from scheduler.domain.amounts import MILLI
from scheduler.domain.awards import Award
from scheduler.domain.enforcement import PlannedReservation
from scheduler.domain.limits import USABLE
from scheduler.domain.pools import Calendar, Pool
from scheduler.domain.requests import AskShape
from scheduler.operations.limits import Terms
from scheduler.ports.paging import everything
from scheduler.ports.store import Transaction

TIMED: Final = frozenset({AskShape.BLOCK, AskShape.CONSTANT})
"""Shapes that promise the same GPUs over consecutive slots."""


def planned_reservations(
    tx: Transaction, gpu_types: Mapping[str, str]
) -> tuple[PlannedReservation, ...]:
    """Return what has to be reserved on pools of some GPU types, in order of name.

    An award that may not be used, or whose calendar has no first day, reserves nothing.
    """
    pools = {each.id: each for each in everything(tx.pools.list) if each.gpu_type in gpu_types}
    every = everything(lambda part: tx.awards.list(EVERYTHING, part))
    awards = [each for each in every if each.state in USABLE]
    terms = Terms(tx, {each.round for each in awards})
    found: list[PlannedReservation] = []
    for award in awards:
        calendar, ask = terms.of(award)
        if ask.shape in TIMED:
            found += _of_award(award, calendar, pools)
    return tuple(found)


def _of_award(
    award: Award, calendar: Calendar, pools: Mapping[str, Pool]
) -> Iterator[PlannedReservation]:
    """Yield one reservation for each stretch of slots with the same GPUs on a pool."""
    number = 0
    for pool, stretches in _stretches(award, calendar).items():
        for first, last, gpus in stretches if pool in pools else ():
            begins, ends = calendar.slot(first), calendar.slot(last)
            if begins is None or ends is None or not gpus:
                continue
            yield PlannedReservation(
                name=f"{award.id}-{number}",
                person=award.fellow,
                pool=pool,
                gpu_type=pools[pool].gpu_type,
                gpus=gpus,
                nodes=-(-gpus // pools[pool].gpus_per_node),
                starts_at=begins[0],
                ends_at=ends[1],
            )
            number += 1


def _stretches(award: Award, calendar: Calendar) -> dict[str, list[tuple[int, int, int]]]:
    """Return (first slot, last slot, GPUs) of an award by pool."""
    found: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for cell in sorted(award.cells, key=lambda each: (each.pool, each.slot)):
        gpus = cell.gpu_hours * MILLI // calendar.slot_hours
        ours = found[cell.pool]
        if ours and (ours[-1][1], ours[-1][2]) == (cell.slot - 1, gpus):
            ours[-1] = ours[-1][0], cell.slot, gpus
        else:
            ours.append((cell.slot, cell.slot, gpus))
    return found
