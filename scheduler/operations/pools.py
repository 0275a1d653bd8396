"""Pools, their supply, and capacity changes by two operators."""

from dataclasses import dataclass, replace
from datetime import datetime

from scheduler.domain.access import Permit
from scheduler.domain.errors import InvalidValue, NotFound, SecondPersonRequired
from scheduler.domain.events import Happening, Json
from scheduler.domain.pools import (
    Calendar,
    CapacityChange,
    ChangeKind,
    ChangeState,
    Pool,
    Supply,
    supply,
)
from scheduler.operations.dues import reallocations_due
from scheduler.operations.record import record
from scheduler.ports.acts import Act
from scheduler.ports.paging import FIRST, Page, Slice
from scheduler.ports.store import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedChange:
    """GPUs to be taken from or added to a pool for a while."""

    pool: str
    kind: ChangeKind
    gpus: int
    starts_at: datetime
    ends_at: datetime
    reason: str


def put_pool(tx: Transaction, act: Act, pool: Pool) -> tuple[Pool, bool]:
    """Keep a pool under its slug; return it and whether it is new.

    Raises:
        SecondPersonRequired: If an existing pool would change its size or charge; sizes change by
            capacity changes, which a second operator approves.
    """
    before = tx.pools.find(pool.id)
    if before is None:
        kept = replace(pool, version=1)
        tx.pools.add(kept)
    else:
        act.expect("pool", before.id, before.version)
        if (before.gpus, before.su_per_gpu_hour) != (pool.gpus, pool.su_per_gpu_hour):
            raise SecondPersonRequired(
                action="pool.capacity.write", person=act.person, part="only proposer"
            )
        kept = replace(pool, version=before.version + 1)
        tx.pools.save(kept)
    record(tx, act, Happening(kind="pool.put", subject=kept.id, body={"gpus": kept.gpus}))
    return kept, before is None


def get_pool(tx: Transaction, permit: Permit, id_: str) -> Pool:
    """Return a pool."""
    del permit
    pool = tx.pools.find(id_)
    if pool is None:
        raise NotFound(kind="pool", id=id_)
    return pool


def list_pools(tx: Transaction, permit: Permit, slice_: Slice = FIRST) -> Page[Pool]:
    """List pools."""
    del permit
    return tx.pools.list(slice_)


def pool_supply(tx: Transaction, permit: Permit, id_: str, calendar: Calendar) -> Supply:
    """Return what a pool supplies over a calendar, after the approved changes."""
    return supply(get_pool(tx, permit, id_), tx.capacity_changes.of([id_]), calendar)


def supplies(tx: Transaction, pools: tuple[str, ...], calendar: Calendar) -> dict[str, Supply]:
    """Return what some pools supply over a calendar, by pool.

    Raises:
        InvalidValue: If a pool is unknown.
    """
    known = {pool.id: pool for pool in tx.pools.of(pools)}
    changes = tx.capacity_changes.of(pools)
    found = {}
    for id_ in pools:
        if id_ not in known:
            raise InvalidValue(field="/pools", value=id_, rule="known pools")
        of_pool = [change for change in changes if change.pool == id_]
        found[id_] = supply(known[id_], of_pool, calendar)
    return found


def propose_capacity_change(tx: Transaction, act: Act, proposed: ProposedChange) -> CapacityChange:
    """Propose a change; it counts once a second operator approves it."""
    pool = get_pool(tx, act.permit, proposed.pool)
    if proposed.kind is not ChangeKind.ADDITION and proposed.gpus > pool.gpus:
        raise InvalidValue(field="/gpus", value=proposed.gpus, rule=f"at most {pool.gpus}")
    change = CapacityChange(
        id=act.new("chg"),
        pool=pool.id,
        kind=proposed.kind,
        gpus=proposed.gpus,
        starts_at=proposed.starts_at,
        ends_at=proposed.ends_at,
        reason=proposed.reason,
        state=ChangeState.PROPOSED,
        proposed_by=act.person,
        proposed_at=act.now,
    )
    tx.capacity_changes.add(change)
    body: dict[str, Json] = {"pool": pool.id, "kind": str(change.kind), "gpus": change.gpus}
    record(tx, act, Happening(kind="capacity_change.proposed", subject=change.id, body=body))
    return change


def approve_capacity_change(tx: Transaction, act: Act, id_: str) -> CapacityChange:
    """Let a proposed change count; rounds that hold hours of the pool are due to go on.

    Raises:
        SecondPersonRequired: If its proposer approves it.
    """
    change = get_capacity_change(tx, act.permit, id_)
    act.expect("capacity change", id_, change.version)
    approved, told = change.approve(act.person, act.now)
    tx.capacity_changes.save(approved)
    reallocations_due(tx, act, approved.pool, record(tx, act, told))
    return approved


def reject_capacity_change(tx: Transaction, act: Act, id_: str) -> CapacityChange:
    """Refuse a proposed change."""
    change = get_capacity_change(tx, act.permit, id_)
    act.expect("capacity change", id_, change.version)
    rejected, told = change.reject(act.person, act.now)
    tx.capacity_changes.save(rejected)
    record(tx, act, told)
    return rejected


def get_capacity_change(tx: Transaction, permit: Permit, id_: str) -> CapacityChange:
    """Return a capacity change."""
    del permit
    change = tx.capacity_changes.find(id_)
    if change is None:
        raise NotFound(kind="capacity change", id=id_)
    return change


def list_capacity_changes(
    tx: Transaction,
    permit: Permit,
    slice_: Slice = FIRST,
    *,
    pool: str | None = None,
    state: ChangeState | None = None,
) -> Page[CapacityChange]:
    """List capacity changes."""
    del permit
    return tx.capacity_changes.list(slice_, pool=pool, state=state)
