"""The outcome of a round: what its publication writes, of a plan that was checked."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from scheduler.document import Document
from scheduler.domain.amounts import MILLI, number, thousandths
from scheduler.domain.awards import Award, Cell, ReserveEntry
from scheduler.domain.changes import AwardChange, AwardChangeKind
from scheduler.domain.events import Event, Happening, Json
from scheduler.domain.ledger import SECONDS_PER_HOUR
from scheduler.domain.requests import Request, RequestState
from scheduler.domain.rounds import Round
from scheduler.operations.evidence import Evidence
from scheduler.operations.ledger import Offer, Publication, gpu_seconds
from scheduler.ports.acts import Act
from scheduler.ports.store import Transaction


def publication(
    call: str, snapshot: Document, offered: Sequence[tuple[Award, Event]], event: int
) -> Publication:
    """Return what the ledger needs of a publication; supply and groups are the snapshot's."""
    types = {pool["id"]: pool["gpu_type"] for pool in snapshot["pools"]}
    groups = {fellow["id"]: fellow["group"] for fellow in snapshot["fellows"]}
    supply: Counter[str] = Counter()
    for pool in snapshot["pools"]:
        hours = sum(exact(each) for each in pool["supply_gpu_hours"])
        supply[pool["gpu_type"]] += hours * SECONDS_PER_HOUR // MILLI
    offers = (
        Offer(
            award=award.id,
            group=groups[award.fellow],
            event=told.seq,
            gpu_seconds=gpu_seconds(award.cells, types),
        )
        for award, told in offered
    )
    return Publication(call=call, supply=supply, offers=tuple(offers), event=event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a publication writes.

    Attributes:
        changes: what awards that go on get and lose, each with what it held.
        moved, cut: GPU-hours of those that lie elsewhere, and that are gone.
    """

    awards: tuple[Award, ...]
    reserve: tuple[ReserveEntry, ...]
    requests: tuple[Request, ...]
    changes: tuple[tuple[Award, tuple[Cell, ...]], ...] = ()
    moved: int = 0
    cut: int = 0


def decided(tx: Transaction, act: Act, round_: Round, evidence: Evidence) -> Outcome:
    """Return what the publication of a round writes: every request of the call has its outcome."""
    # Whoever withdrew after the freeze gets no offer; the hours wait for the reserve list.
    by_label = {
        label: request
        for label, request in tx.requests.labelled(round_.call).items()
        if "decide" in request.allowed
    }
    awards = tuple(new_awards(tx, act, round_, evidence, by_label))
    reserve = tuple(
        ReserveEntry(round=round_.id, request=by_label[row["request"]].id, rank=row["rank"])
        for row in evidence.plan.get("reserve", ())
        if row["request"] in by_label
    )
    states = dict.fromkeys((entry.request for entry in reserve), RequestState.RESERVE)
    states |= dict.fromkeys((award.request for award in awards), RequestState.AWARDED)
    requests = tuple(
        request.decide(states.get(request.id, RequestState.DECLINED), act.now)
        for request in by_label.values()
    )
    return Outcome(awards=awards, reserve=reserve, requests=requests)


def new_awards(
    tx: Transaction,
    act: Act,
    round_: Round,
    evidence: Evidence,
    by_label: Mapping[str, Request],
) -> Iterator[Award]:
    """Yield the offers of a plan to those requests that may have one, by label."""
    call = tx.calls.find(round_.call)
    assert call is not None, "a round belongs to a call"
    answer_by = act.now + timedelta(days=call.terms.answer_days)
    assert round_.scenario is not None, "an approved round has a selected scenario"
    asked = {row["id"]: exact(row["gpu_hours"]) for row in evidence.snapshot["requests"]}
    for row in evidence.plan["awards"]:
        request = by_label.get(row["request"])
        if request is None:
            continue
        hours = exact(row["gpu_hours"])
        yield Award(
            id=act.new("awd"),
            round=round_.id,
            request=request.id,
            scenario=round_.scenario,
            fellow=request.fellow,
            requested=asked[row["request"]],
            recommended=hours,
            awarded=hours,
            service_units=exact(row["service_units"]),
            cells=tuple(
                Cell(pool=pool, slot=slot, gpu_hours=int(cell)) for pool, slot, cell in row["cells"]
            ),
            offered_at=act.now,
            answer_by=answer_by,
        )


def exact(value: int | Decimal) -> int:
    """Return an amount of a document in thousandths."""
    return thousandths(value, field="/awards")


def granted(act: Act, award: Award, event: Event) -> AwardChange:
    """Return the first change of an award: its publication."""
    return AwardChange(
        id=act.new("awc"),
        award=award.id,
        kind=AwardChangeKind.GRANTED,
        cells=award.cells,
        gpu_hours=award.awarded,
        reason="",
        by=act.person,
        at=act.now,
        event=event.seq,
    )


def offer(award: Award) -> Happening:
    """Return what the log says of an offer."""
    body: dict[str, Json] = {
        "request": award.request,
        "gpu_hours": number(award.awarded),
        "service_units": number(award.service_units),
    }
    return Happening(kind="award.offered", subject=award.id, body=body)
