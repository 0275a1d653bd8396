"""What earlier rounds left owing to groups and fellows: entitled to, and not granted."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from scheduler.carry import Backlog, backlogs
from scheduler.document import Document
from scheduler.domain.access import EVERYTHING, Permit
from scheduler.domain.amounts import number
from scheduler.domain.rounds import Round
from scheduler.operations.holdings import awards_of_call
from scheduler.operations.outcomes import exact
from scheduler.ports.paging import everything
from scheduler.ports.store import Transaction
from scheduler.snapshot import PastRound

DAY: Final = timedelta(days=1)
IN_SERVICE_UNITS: Final = "service_units"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What is owed to a group or fellow over all published rounds, faded, in thousandths."""

    id: str
    backlog: Backlog


@dataclass(frozen=True, slots=True, kw_only=True)
class Deficits:
    """What is owed to groups, and to fellows, by id; as far as it may be seen."""

    rounds: tuple[str, ...]
    groups: tuple[Owed, ...]
    fellows: tuple[Owed, ...]


def deficits(tx: Transaction, permit: Permit, now: datetime, half_life_days: int) -> Deficits:
    """Return what all published rounds left owing; groups to everybody, fellows by scope."""
    past = tuple(past_rounds(tx, now))
    groups = backlogs(past, lambda each: each.groups, half_life_days)
    fellows = backlogs(past, lambda each: each.fellows, half_life_days)
    return Deficits(
        rounds=tuple(each.id for each in past),
        groups=tuple(Owed(id=name, backlog=each) for name, each in groups.items()),
        fellows=tuple(
            Owed(id=name, backlog=fellows[name]) for name in _visible(tx, permit, fellows)
        ),
    )


def past_rounds(tx: Transaction, now: datetime, *, but: str | None = None) -> Iterator[PastRound]:
    """Yield the published rounds of all calls but one, oldest first.

    What reallocations granted counts for the round that they go on with; reallocations have no
    entitlements of their own, nor have rounds whose policy knows none.
    """
    for call in list(everything(lambda part: tx.calls.list(part, drafts=False))):
        for round_ in tx.rounds.of_call(call.id) if call.id != but else ():
            if round_.is_public and round_.continues is None and round_.published_at is not None:
                found = _past(tx, round_, max((now - round_.published_at) // DAY, 0))
                if found.groups:
                    yield found


def past_document(past: Iterable[PastRound]) -> list[Document]:
    """Return past rounds as a snapshot has them."""
    return [
        {
            "id": each.id,
            "age_days": each.age_days,
            "groups": _rows(each.groups),
            "fellows": _rows(each.fellows),
        }
        for each in past
    ]


def _past(tx: Transaction, round_: Round, age_days: int) -> PastRound:
    assert round_.scenario is not None, "what is published was selected"
    assert round_.snapshot is not None, "what is published was frozen"
    scenario = tx.scenarios.get(EVERYTHING, round_.scenario)
    plan, snapshot = (
        json.loads(tx.documents.text(each), parse_float=Decimal)
        for each in (scenario.plan, round_.snapshot)
    )
    group_of = {row["id"]: row["group"] for row in snapshot["fellows"]}
    fellow_of = {
        request.id: request.fellow for request in tx.requests.labelled(round_.call).values()
    }
    got: Counter[str] = Counter()
    for award in awards_of_call(tx, round_.call):
        in_units = plan.get("unit") == IN_SERVICE_UNITS
        got[fellow_of[award.request]] += award.service_units if in_units else award.awarded
    groups: Counter[str] = Counter()
    for fellow, amount in got.items():
        groups[group_of[fellow]] += amount
    rights = plan.get("entitlements") or {"groups": {}, "fellows": {}}
    return PastRound(
        id=round_.id,
        age_days=age_days,
        groups=_beside(rights["groups"], groups),
        fellows=_beside(rights["fellows"], got),
    )


def _beside(rights: Mapping[str, Any], got: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    return {name: (exact(right), got.get(name, 0)) for name, right in sorted(rights.items())}


def _rows(amounts: Mapping[str, tuple[int, int]]) -> list[Document]:
    return [
        {"id": name, "entitlement": number(right), "awarded": number(got)}
        for name, (right, got) in amounts.items()
    ]


def _visible(tx: Transaction, permit: Permit, names: Iterable[str]) -> list[str]:
    """Return the fellows that may be seen by name."""
    people = {each.id: each for each in tx.people.of(set(names))}
    groups = {each.id: each for each in tx.groups.of({p.group for p in people.values() if p.group})}
    return sorted(
        person.id
        for person in people.values()
        if permit.scope.names(
            person=person.id,
            group=person.group,
            institute=person.institute
            or (groups[person.group].institute if person.group in groups else None),
        )
    )
