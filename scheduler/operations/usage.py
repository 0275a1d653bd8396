"""Usage: import what clusters report, exactly once; correct it by two people; list it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final

from scheduler.domain.access import Permit
from scheduler.domain.errors import InvalidValue, NotFound
from scheduler.domain.events import Event, Happening, Json
from scheduler.domain.proposals import Proposal, ProposalKind
from scheduler.domain.usage import (
    Growth,
    Merge,
    Run,
    SliceKey,
    SliceState,
    UsageEntry,
    UsageKind,
    longest,
    merge,
    settle,
    slices,
)
from scheduler.operations.attribution import Attribution
from scheduler.operations.consumption import enter_use
from scheduler.operations.proposals import Intent, propose
from scheduler.operations.record import record
from scheduler.ports.acts import Act
from scheduler.ports.paging import FIRST, Page, Slice
from scheduler.ports.store import Transaction
from scheduler.ports.usage import ALL_USAGE, UsageFilter

IMPORTED: Final = "usage.imported"
LARGEST_CORRECTION: Final = 10**15


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import did.

    Attributes:
        slices: how many were told; grown: of these, how many said something new.
        gpu_seconds: added in all; outside: of these, outside any award.
        disputed: corrected slices of which the feed says another amount; nothing was changed.
    """

    slices: int
    grown: int
    gpu_seconds: int
    outside: int
    disputed: int
    event: Event


def import_usage(
    tx: Transaction, act: Act, runs: Iterable[Run], *, source: str = "file"
) -> Imported:
    """Enter what clusters report; whatever is known already changes nothing.

    Args:
        tx: the transaction of the import.
        act: of the import.
        runs: in any order, any number of times.
        source: which feed this is, for its freshness.
    """
    reported = longest(each for run in runs for each in slices(run))
    merged = merge(reported, _states(tx, reported))
    added = sum(each.gpu_seconds for each in merged.grown)
    attribution = Attribution(tx)
    charged = {each.slice.key: _charged(attribution, each) for each in merged.grown}
    outside = sum(each.gpu_seconds for each in merged.grown if charged[each.slice.key][0] is None)
    body: dict[str, Json] = {
        "slices": len(reported),
        "grown": len(merged.grown),
        "gpu_seconds": added,
        "outside": outside,
        "disputed": len(merged.disputed),
    }
    event = record(tx, act, Happening(kind=IMPORTED, subject=source, body=body))
    _enter(tx, act, merged, charged, event)
    return Imported(
        slices=len(reported),
        grown=len(merged.grown),
        gpu_seconds=added,
        outside=outside,
        disputed=len(merged.disputed),
        event=event,
    )


def _states(tx: Transaction, keys: Iterable[SliceKey]) -> dict[SliceKey, SliceState]:
    """Return what is entered of the jobs that are reported."""
    known: dict[SliceKey, SliceState] = {}
    by_cluster = groupby(sorted(keys, key=lambda key: key.cluster), key=lambda key: key.cluster)
    for cluster, ours in by_cluster:
        known |= settle(tx.usage.of_jobs(cluster, {key.job for key in ours}))
    return known


def _charged(attribution: Attribution, growth: Growth) -> tuple[str | None, str]:
    """Return the award and the GPU type that pay: those of the slice, once it has any."""
    if growth.state is not None:
        return growth.state.award, growth.state.gpu_type
    return attribution.of(growth.slice)


def _enter(
    tx: Transaction,
    act: Act,
    merged: Merge,
    charged: Mapping[SliceKey, tuple[str | None, str]],
    event: Event,
) -> None:
    amounts: Counter[tuple[str | None, str]] = Counter()
    entries = []
    for growth in merged.grown:
        key, (award, gpu_type) = growth.slice.key, charged[growth.slice.key]
        amounts[award, gpu_type] += growth.gpu_seconds
        entries.append(
            UsageEntry(
                id=act.new("use"),
                cluster=key.cluster,
                job=key.job,
                begins_at=key.begins_at,
                revision=1 if growth.state is None else growth.state.revision + 1,
                kind=UsageKind.IMPORT,
                gpu_type=gpu_type,
                gpu_seconds=growth.gpu_seconds,
                person=growth.slice.user if growth.state is None else growth.state.person,
                award=award,
                reason="",
                event=event.seq,
            )
        )
    tx.usage.add(entries)
    enter_use(tx, act, amounts, event)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageCorrection:
    """What a slice of a job really used, and why that is not what was reported."""

    key: SliceKey
    gpu_seconds: int
    reason: str


def propose_usage_correction(
    tx: Transaction, act: Act, wanted: UsageCorrection
) -> tuple[Proposal, Event]:
    """Propose that a slice used another amount than was entered.

    Raises:
        NotFound: If nothing is entered of the slice.
        InvalidValue: If it would change nothing.
    """
    state = _state(tx, wanted.key)
    if wanted.gpu_seconds == state.gpu_seconds or not 0 <= wanted.gpu_seconds <= LARGEST_CORRECTION:
        rule = f"another amount than {state.gpu_seconds}, from 0"
        raise InvalidValue(field="/gpu_seconds", value=wanted.gpu_seconds, rule=rule)
    body: dict[str, Json] = {
        "cluster": wanted.key.cluster,
        "job": wanted.key.job,
        "begins_at": wanted.key.begins_at.isoformat(),
        "entered": state.gpu_seconds,
        "gpu_seconds": wanted.gpu_seconds,
    }
    intent = Intent(
        kind=ProposalKind.USAGE_CORRECTION,
        subject=f"{wanted.key.cluster}/{wanted.key.job}",
        body=body,
        reason=wanted.reason,
    )
    return propose(tx, act, intent)


def enter_usage_correction(tx: Transaction, act: Act, proposal: Proposal, event: Event) -> None:
    """Enter what two people agreed on as a new entry, and move the difference in the ledger."""
    body = proposal.body
    key = SliceKey(
        str(body["cluster"]), str(body["job"]), datetime.fromisoformat(str(body["begins_at"]))
    )
    state, wanted = _state(tx, key), body["gpu_seconds"]
    assert isinstance(wanted, int), "a proposal keeps whole amounts"
    change = wanted - state.gpu_seconds
    entry = UsageEntry(
        id=act.new("use"),
        cluster=key.cluster,
        job=key.job,
        begins_at=key.begins_at,
        revision=state.revision + 1,
        kind=UsageKind.CORRECTION,
        gpu_type=state.gpu_type,
        gpu_seconds=change,
        person=state.person,
        award=state.award,
        reason=proposal.reason,
        event=event.seq,
    )
    tx.usage.add([entry])
    enter_use(tx, act, {(state.award, state.gpu_type): change}, event)


def list_usage(
    tx: Transaction, permit: Permit, slice_: Slice = FIRST, *, where: UsageFilter = ALL_USAGE
) -> Page[UsageEntry]:
    """List visible entries, oldest first."""
    return tx.usage.list(permit.scope, slice_, where=where)


def _state(tx: Transaction, key: SliceKey) -> SliceState:
    state = settle(tx.usage.of_jobs(key.cluster, {key.job})).get(key)
    if state is None:
        raise NotFound(kind="usage slice", id=f"{key.cluster}/{key.job}")
    return state
