"""When a round is due to go on: hours came back, or supply was lost; asked for by itself, once."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from scheduler.domain.access import EVERYTHING, Permit
from scheduler.domain.amounts import MILLI
from scheduler.domain.awards import Award
from scheduler.domain.calls import Call
from scheduler.domain.errors import NotFound
from scheduler.domain.events import Event, Json
from scheduler.domain.jobs import REALLOCATE, Job
from scheduler.domain.pools import supply
from scheduler.domain.rounds import Round
from scheduler.operations import jobs
from scheduler.ports.acts import Act
from scheduler.ports.paging import FIRST, AwardFilter, Page, Slice, everything
from scheduler.ports.store import Transaction

PREFIX: Final = "rea"


def reallocation_due(
    tx: Transaction, act: Act, call_id: str, cause: Event, *, lost: bool = False
) -> Job | None:
    """Queue a reallocation of a call for the worker, in the transaction of what caused it.

    One that waits is enough for all. Nothing is queued before awards are published, once the
    calendar is over, and while nobody is in line and the supply carries what is held.

    Args:
        tx: the transaction of the cause.
        act: of the same.
        call_id: whose hours they are.
        cause: what happened.
        lost: whether supply changed, so that what is held may have to move.
    """
    going = [each for each in tx.rounds.of_call(call_id) if each.may_go_on]
    call = tx.calls.find(call_id)
    if not going or call is None or tx.jobs.live(REALLOCATE, call_id) is not None:
        return None
    over = call.terms.calendar.slot_at(act.now) >= call.terms.calendar.slots
    if over or not (tx.reserve.of(EVERYTHING, going[-1].id) or (lost and _crowded(tx, act, call))):
        return None
    payload: dict[str, Json] = {"cause": cause.kind, "subject": cause.subject, "event": cause.seq}
    return jobs.enqueue(tx, act, _work(call_id, payload))


def _crowded(tx: Transaction, act: Act, call: Call) -> bool:
    """Return whether awards hold more in slots to come than the pools supply there by now."""
    held: Counter[tuple[str, int]] = Counter()
    for round_ in tx.rounds.of_call(call.id):
        for award in _awards(tx, round_.id):
            for cell in award.cells if award.is_live else ():
                held[cell.pool, cell.slot] += cell.gpu_hours * MILLI
    calendar, changes = call.terms.calendar, tx.capacity_changes.of(call.terms.pools)
    supplied = {
        pool.id: supply(pool, [each for each in changes if each.pool == pool.id], calendar)
        for pool in tx.pools.of(call.terms.pools)
    }
    now = calendar.slot_at(act.now)
    return any(
        slot >= now and hours > supplied[pool].gpu_hours[slot]
        for (pool, slot), hours in held.items()
    )


def _awards(tx: Transaction, round_id: str) -> tuple[Award, ...]:
    where = AwardFilter(round=round_id)
    return tuple(everything(lambda part: tx.awards.list(EVERYTHING, part, where=where)))


def reallocations_due(tx: Transaction, act: Act, pool: str, cause: Event) -> None:
    """Queue a reallocation of every call that offers a pool whose supply has changed."""
    for call in list(everything(lambda part: tx.calls.list(part, drafts=False))):
        if pool in call.terms.pools:
            reallocation_due(tx, act, call.id, cause, lost=True)


def due_again(tx: Transaction, act: Act, decided: Round) -> None:
    """Queue anew what waited for people to decide on a reallocation, now that they have."""
    if decided.continues is None:
        return
    of_call = everything(lambda part: tx.jobs.list(part, subject=decided.call, kind=REALLOCATE))
    waited = [each for each in of_call if (each.result or {}).get("waits_for") == decided.id]
    if waited and tx.jobs.live(REALLOCATE, decided.call) is None:
        jobs.enqueue(tx, act, _work(decided.call, waited[-1].payload))


def _work(call: str, payload: Mapping[str, Json]) -> jobs.Work:
    return jobs.Work(prefix=PREFIX, kind=REALLOCATE, subject=call, identity=call, payload=payload)


def list_due(tx: Transaction, permit: Permit, call_id: str, slice_: Slice = FIRST) -> Page[Job]:
    """List the reallocations of a call that were asked for by themselves.

    Raises:
        NotFound: If there is no such call.
    """
    del permit
    if tx.calls.find(call_id) is None:
        raise NotFound(kind="call", id=call_id)
    return tx.jobs.list(slice_, subject=call_id, kind=REALLOCATE)
