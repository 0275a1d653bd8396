"""Metering beside the books: take gauges, compare three ways; nothing of it changes the books."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from scheduler.domain.access import Permit
from scheduler.domain.errors import NotFound
from scheduler.domain.events import Event, Happening, Json
from scheduler.domain.flows import standings
from scheduler.domain.gauges import Gauge
from scheduler.domain.ledger import CENTER, AccountKind, read_account_id
from scheduler.domain.reconciliation import (
    Difference,
    DifferenceState,
    Reconciliation,
    accounting_differences,
    controller_differences,
    ledger_differences,
    runaways,
)
from scheduler.domain.usage import Run, SliceKey, SliceState, longest, settle, slices
from scheduler.operations.record import record
from scheduler.operations.usage import IMPORTED
from scheduler.ports.acts import Act
from scheduler.ports.paging import FIRST, Page, Slice
from scheduler.ports.store import Transaction

GAUGED: Final = "usage.gauged"
RECONCILED: Final = "usage.reconciled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauged:
    """What an asking of a controller told.

    Attributes:
        users: how many gauges; strangers: of these, users whom the center does not know.
    """

    users: int
    strangers: int
    used_gpu_minutes: int
    running_gpus: int
    event: Event


def take_gauges(tx: Transaction, act: Act, cluster: str, gauges: Sequence[Gauge]) -> Gauged:
    """Keep what a controller counts now, in place of what it counted before."""
    known = {person.id for person in tx.people.of({each.person for each in gauges})}
    strangers = sum(each.person not in known for each in gauges)
    used = sum(each.used_gpu_minutes for each in gauges)
    running = sum(each.running_gpus for each in gauges)
    body: dict[str, Json] = {
        "users": len(gauges),
        "strangers": strangers,
        "used_gpu_minutes": used,
        "running_gpus": running,
    }
    tx.gauges.put(gauges)
    event = record(tx, act, Happening(kind=GAUGED, subject=cluster, body=body))
    return Gauged(
        users=len(gauges),
        strangers=strangers,
        used_gpu_minutes=used,
        running_gpus=running,
        event=event,
    )


def list_gauges(
    tx: Transaction, permit: Permit, slice_: Slice = FIRST, *, cluster: str | None = None
) -> Page[Gauge]:
    """List visible gauges."""
    return tx.gauges.list(permit.scope, slice_, cluster=cluster)


def reconcile(
    tx: Transaction, act: Act, cluster: str, runs: Sequence[Run], *, since: datetime
) -> tuple[Reconciliation, Event]:
    """Compare the books with accounting, with the controller's gauges and with the ledger.

    Args:
        tx: the transaction of the comparison.
        act: of the same.
        cluster: which.
        runs: what its accounting tells.
        since: from when on that is whole; earlier slices are compared only if they are told.
    """
    reported = longest(each for run in runs for each in slices(run))
    states = _states(tx, cluster, reported, since)
    by_slice = accounting_differences(reported, states, now=act.now)
    gauges = tx.gauges.latest(cluster)
    found = (
        *by_slice,
        *controller_differences(
            gauges,
            tx.usage.by_person(cluster),
            _awaited(by_slice),
            metered_at=tx.events.latest(IMPORTED).get(cluster),
        ),
        *_of_ledger(tx),
    )
    strays = tuple(runaways(runs, gauges))
    id_ = act.new("rec")
    body: dict[str, Json] = {
        "reconciliation": id_,
        "differences": len(found),
        "unexplained": sum(each.state is DifferenceState.UNEXPLAINED for each in found),
        "runaways": len(strays),
    }
    event = record(tx, act, Happening(kind=RECONCILED, subject=cluster, body=body))
    made = Reconciliation(
        id=id_,
        cluster=cluster,
        at=act.now,
        by=act.person,
        since=since,
        gauged_at=max((each.seen_at for each in gauges), default=None),
        jobs=len({run.job for run in runs}),
        differences=found,
        runaways=strays,
        event=event.seq,
    )
    tx.reconciliations.add(made)
    return made, event


def get_reconciliation(tx: Transaction, permit: Permit, id_: str) -> Reconciliation:
    """Return a reconciliation.

    Raises:
        NotFound: If there is none.
    """
    del permit
    found = tx.reconciliations.find(id_)
    if found is None:
        raise NotFound(kind="reconciliation", id=id_)
    return found


def list_reconciliations(
    tx: Transaction, permit: Permit, slice_: Slice = FIRST, *, cluster: str | None = None
) -> Page[Reconciliation]:
    """List reconciliations, oldest first."""
    del permit
    return tx.reconciliations.list(slice_, cluster=cluster)


def _states(
    tx: Transaction, cluster: str, keys: Iterable[SliceKey], since: datetime
) -> dict[SliceKey, SliceState]:
    """Return the slices of the books that are told, and those that should be."""
    wanted = set(keys)
    told = settle(tx.usage.of_jobs(cluster, {key.job for key in wanted}))
    return {
        **{key: state for key, state in told.items() if key in wanted},
        **settle(tx.usage.since(cluster, since)),
    }


def _awaited(differences: Iterable[Difference]) -> Counter[str]:
    """Return what accounting tells and the books do not have yet, by person."""
    found: Counter[str] = Counter()
    for each in differences:
        if each.state is DifferenceState.AWAITED and each.person is not None:
            found[each.person] += each.gpu_seconds
    return found


def _of_ledger(tx: Transaction) -> tuple[Difference, ...]:
    """Return where consumed accounts, derived from the transfers, and usage entries differ."""
    consumed: Counter[str | None] = Counter()
    for account, standing in standings(tx.ledger.flows()).items():
        kind, owner, _ = read_account_id(account)
        if kind is AccountKind.CONSUMED:
            consumed[None if owner == CENTER else owner] += standing.balance
    entered: Counter[str | None] = Counter()
    for (award, _), amount in tx.usage.totals().items():
        entered[award] += amount
    return ledger_differences(consumed, entered)
