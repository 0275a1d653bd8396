"""Enforcement: targets, their plans, what their agents report, syncs, drift."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from scheduler.domain.access import EVERYTHING, Permit
from scheduler.domain.enforcement import (
    MOST_DRIFTS,
    Drift,
    EnforcementPlan,
    PlannedAward,
    PlannedPerson,
    Report,
    Target,
)
from scheduler.domain.events import Event, Happening, Json
from scheduler.domain.limits import USABLE, AwardLimit
from scheduler.domain.names import reason as stated_reason
from scheduler.operations.limits import Places, award_limits
from scheduler.operations.record import record
from scheduler.operations.reserving import planned_reservations
from scheduler.ports.acts import Act
from scheduler.ports.paging import FIRST, Page, Slice, everything
from scheduler.ports.store import Transaction

CENTER: Final = Permit(action="enforce.plan_read", person="center", scope=EVERYTHING)
"""A plan is of all awards, whoever asks for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan with what its agent must know beside it.

    Attributes:
        through: position in the log of the latest effect that it knows.
        apply: whether the cluster is to be made as it says now.
        waiting: effects that the target has not applied yet.
    """

    target: Target
    plan: EnforcementPlan
    through: int
    apply: bool
    waiting: int


def put_target(tx: Transaction, act: Act, target: Target) -> tuple[Target, bool, Event]:
    """Keep a target under its name; what its agent reported stays."""
    before = tx.enforcement.find(target.id)
    if before is None:
        kept = replace(target, version=1)
        tx.enforcement.add(kept)
    else:
        act.expect("target", before.id, before.version)
        kept = replace(
            before,
            form=target.form,
            gpu_types=target.gpu_types,
            automatic=target.automatic,
            version=before.version + 1,
        )
        tx.enforcement.save(kept)
    body: dict[str, Json] = {
        "form": str(kept.form),
        "gpu_types": dict(kept.gpu_types),
        "automatic": kept.automatic,
    }
    event = record(tx, act, Happening(kind="enforcement.target_put", subject=kept.id, body=body))
    return kept, before is None, event


def get_target(tx: Transaction, permit: Permit, id_: str) -> Target:
    """Return a visible target.

    Raises:
        NotFound: If there is none, or an agent asks for another cluster than its own.
    """
    return tx.enforcement.get(permit.scope, id_)


def list_targets(tx: Transaction, permit: Permit, slice_: Slice = FIRST) -> Page[Target]:
    """List visible targets."""
    return tx.enforcement.list(permit.scope, slice_)


def list_drift(
    tx: Transaction, permit: Permit, slice_: Slice = FIRST, *, target: str | None = None
) -> Page[Drift]:
    """List what visible targets have otherwise than they were told, by their latest reports."""
    return tx.enforcement.drifts(permit.scope, slice_, target=target)


def ask_sync(tx: Transaction, act: Act, id_: str, reason: str) -> tuple[Target, Event]:
    """Ask that a target be brought in line at its agent's next look."""
    target = get_target(tx, act.permit, id_)
    body: dict[str, Json] = {"reason": stated_reason(reason)}
    event = record(tx, act, Happening(kind="enforcement.sync_asked", subject=id_, body=body))
    asked = target.ask(event.seq)
    tx.enforcement.save(asked)
    return asked, event


def report(tx: Transaction, act: Act, id_: str, said: Report) -> tuple[Target, Event]:
    """Keep what an agent found and did on its cluster."""
    target = get_target(tx, act.permit, id_)
    reported, told = target.report(said, act.now)
    tx.enforcement.save(reported)
    drifts = [
        Drift(
            id=f"{id_}/{each.name}",
            target=id_,
            name=each.name,
            expected=each.expected,
            found=each.found,
            seen_at=act.now,
        )
        for each in said.differences[:MOST_DRIFTS]
    ]
    tx.enforcement.found(id_, drifts)
    return reported, record(tx, act, told)


def plan_enforcement(tx: Transaction, permit: Permit, id_: str) -> Planned:
    """Return all that a target is to allow, from the ledger and what the cluster has counted."""
    target = get_target(tx, permit, id_)
    limits = [each for each in award_limits(tx, CENTER) if each.gpu_type in target.gpu_types]
    plan = EnforcementPlan(
        target=target.id,
        form=target.form,
        gpu_types=target.gpu_types,
        people=_people(limits, _without(tx, limits), tx.usage.counted(target.id)),
        reservations=planned_reservations(tx, target.gpu_types),
    )
    # A sync that was asked for is a position in the log too, later than all that it knew.
    through = max(tx.enforcement.latest(), target.asked)
    waiting, _ = tx.enforcement.waiting(target.applied)
    return Planned(
        target=target,
        plan=plan,
        through=through,
        apply=target.automatic or target.asked > target.applied,
        waiting=waiting,
    )


def _without(tx: Transaction, limits: Iterable[AwardLimit]) -> tuple[PlannedPerson, ...]:
    """Return who asked in a published round and never held anything: they may use nothing."""
    rounds = everything(lambda part: tx.rounds.list(EVERYTHING, part))
    calls = {each.call for each in rounds if each.is_public}
    asked = {
        request.fellow
        for call in calls
        for request in tx.requests.labelled(call).values()
        if request.submitted
    }
    found = tx.people.of(asked - {each.person for each in limits})
    there = [each.id for each in found if each.active]
    places = Places(tx, there)
    return tuple(_bare(person, *places.place(person)) for person in there)


def _bare(person: str, group: str | None, institute: str | None) -> PlannedPerson:
    return PlannedPerson(person=person, group=group, institute=institute, counted={}, awards=())


def _people(
    limits: Iterable[AwardLimit],
    without: Iterable[PlannedPerson],
    counted: Mapping[tuple[str, str | None, str], int],
) -> tuple[PlannedPerson, ...]:
    """Return who holds or held something, and who holds nothing, by id."""
    by_person: dict[str, list[AwardLimit]] = defaultdict(list)
    for limit in limits:
        by_person[limit.person].append(limit)
    of_person: dict[str, Counter[str]] = defaultdict(Counter)
    of_award: dict[str, Counter[str]] = defaultdict(Counter)
    for (person, award, gpu_type), total in counted.items():
        of_person[person][gpu_type] += total
        if award is not None:
            of_award[award][gpu_type] += total
    holders = (
        PlannedPerson(
            person=person,
            group=own[0].group,
            institute=own[0].institute,
            counted=_of_types(of_person[person], own),
            awards=_awards(own, of_award),
        )
        for person, own in by_person.items()
    )
    bare = (replace(each, counted=dict(of_person[each.person])) for each in without)
    return tuple(sorted((*holders, *bare), key=lambda each: each.person))


def _awards(
    own: Iterable[AwardLimit], counted: Mapping[str, Counter[str]]
) -> tuple[PlannedAward, ...]:
    by_award: dict[str, list[AwardLimit]] = defaultdict(list)
    for limit in own:
        by_award[limit.award].append(limit)
    return tuple(
        PlannedAward(
            award=award,
            usable=limits[0].state in USABLE,
            gpus=limits[0].gpus,
            left={
                each.gpu_type: each.granted_gpu_seconds - each.used_gpu_seconds for each in limits
            },
            counted=_of_types(counted[award], limits),
        )
        for award, limits in sorted(by_award.items())
    )


def _of_types(counted: Counter[str], limits: Iterable[AwardLimit]) -> dict[str, int]:
    """Return what is counted of the GPU types that some limits are of."""
    return {name: counted[name] for name in sorted({each.gpu_type for each in limits})}
