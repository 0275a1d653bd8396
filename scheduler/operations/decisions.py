"""Decisions: select a scenario, approve or reject it by digest, publish its awards."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from scheduler.domain.access import EVERYTHING
from scheduler.domain.amounts import MILLI, number, thousandths
from scheduler.domain.awards import Award, Cell, ReserveEntry
from scheduler.domain.changes import AwardChange, AwardChangeKind
from scheduler.domain.errors import NotFound, NotVerified, ScenarioMismatch
from scheduler.domain.events import Event, Happening, Json
from scheduler.domain.ledger import SECONDS_PER_HOUR
from scheduler.domain.names import reason as stated_reason
from scheduler.domain.requests import Request, RequestState
from scheduler.domain.rounds import Decision, DecisionKind, Round, Step
from scheduler.domain.scenarios import Scenario
from scheduler.operations.evidence import Checked, Evidence
from scheduler.operations.ledger import Offer, Publication, enter_publication, gpu_seconds
from scheduler.operations.record import record
from scheduler.ports.acts import Act
from scheduler.ports.store import Transaction
from scheduler.snapshot import Document


def select_scenario(
    tx: Transaction, act: Act, round_id: str, scenario_id: str, reason: str
) -> tuple[Round, Decision]:
    """Propose a scenario of the round's snapshot, with a reason.

    Raises:
        NotFound: If the scenario is not one of this round.
        ScenarioMismatch: If it was solved on another snapshot.
    """
    round_ = _round(tx, act, round_id)
    scenario = tx.scenarios.find(scenario_id)
    if scenario is None or scenario.round != round_.id:
        raise NotFound(kind="scenario", id=scenario_id)
    if scenario.snapshot != round_.snapshot:
        raise ScenarioMismatch(round=round_id, expected=round_.snapshot, got=scenario.snapshot)
    why = stated_reason(reason)
    selected, told = round_.select(scenario, why=why, by=act.person, at=act.now)
    tx.rounds.save(selected)
    return selected, _decide(tx, act, DecisionKind.SELECTION, scenario, told)


def approve_round(
    tx: Transaction, act: Act, round_id: str, scenario_digest: str, reason: str
) -> tuple[Round, Decision]:
    """Sign the selected scenario by the digest that was read.

    Raises:
        ScenarioMismatch: If another scenario is selected.
        SecondPersonRequired: If the approver selected it, started its solve or wrote its policy.
    """
    round_ = _round(tx, act, round_id)
    round_.refuse_unless(Step.APPROVE)
    scenario = _selected(tx, round_)
    why = stated_reason(reason)
    approved, told = round_.approve(
        scenario, digest=scenario_digest, why=why, by=act.person, at=act.now
    )
    tx.rounds.save(approved)
    return approved, _decide(tx, act, DecisionKind.APPROVAL, scenario, told)


def reject_round(
    tx: Transaction, act: Act, round_id: str, scenario_digest: str, reason: str
) -> tuple[Round, Decision]:
    """Send the selection back; another scenario may be selected.

    Raises:
        ScenarioMismatch: If another scenario is selected.
    """
    round_ = _round(tx, act, round_id)
    round_.refuse_unless(Step.REJECT)
    scenario = _selected(tx, round_)
    why = stated_reason(reason)
    rejected, told = round_.reject(digest=scenario_digest, why=why)
    tx.rounds.save(rejected)
    return rejected, _decide(tx, act, DecisionKind.REJECTION, scenario, told)


def publish_round(
    tx: Transaction, act: Act, round_id: str, scenario_digest: str, *, checked: Checked | None
) -> tuple[Round, Decision]:
    """Offer the awards of the approved scenario, whose plan was checked once more just before.

    Awards, request states, reserve list, ledger and events are one transaction: all or nothing. It
    does not check: that takes long, and the writer would serve nobody else meanwhile.

    Args:
        tx: the writer's transaction.
        act: who publishes, and when.
        round_id: the round.
        scenario_digest: what was approved.
        checked: what the checker said of what was approved then; None when nothing was.

    Raises:
        ScenarioMismatch: If another scenario is approved, or is now.
        NotVerified: If the checker found a broken rule, or a document is another one by now; they
            are its field `findings`.
    """
    round_ = _round(tx, act, round_id)
    round_.refuse_unless(Step.PUBLISH)
    scenario = _selected(tx, round_)
    if checked is None or checked.kept.scenario != scenario:
        raise ScenarioMismatch(round=round_id, expected=scenario.digest, got=scenario_digest)
    broken = (*checked.findings, *checked.altered_since(tx))
    if broken:
        raise NotVerified(round=round_id, scenario=scenario.id, findings=broken, count=len(broken))
    evidence = checked.evidence
    outcome = _outcome(tx, act, round_, evidence)
    facts: dict[str, Json] = {
        "awards": len(outcome.awards),
        "reserve": len(outcome.reserve),
        "gpu_hours": number(sum(award.awarded for award in outcome.awards)),
        "verifier": checked.verifier_digest,
    }
    tx.documents.put(checked.verifier_digest, checked.verifier)
    published, told = round_.publish(digest=scenario_digest, by=act.person, at=act.now, facts=facts)
    tx.awards.add(outcome.awards)
    tx.reserve.add(outcome.reserve)
    tx.requests.save_all(outcome.requests)
    tx.rounds.save(published)
    offered = [(award, record(tx, act, _offered(award))) for award in outcome.awards]
    tx.awards.add_changes([_granted(act, award, event) for award, event in offered])
    decision = _decide(tx, act, DecisionKind.PUBLICATION, scenario, told)
    booked = _publication(published.call, evidence.snapshot, offered, decision.event)
    enter_publication(tx, act, booked)
    return published, decision


def _publication(
    call: str, snapshot: Document, offered: Sequence[tuple[Award, Event]], event: int
) -> Publication:
    """Return what the ledger needs of a publication; supply and groups are the snapshot's."""
    types = {pool["id"]: pool["gpu_type"] for pool in snapshot["pools"]}
    groups = {fellow["id"]: fellow["group"] for fellow in snapshot["fellows"]}
    supply: Counter[str] = Counter()
    for pool in snapshot["pools"]:
        hours = sum(_exact(each) for each in pool["supply_gpu_hours"])
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
class _Outcome:
    """What a publication writes."""

    awards: tuple[Award, ...]
    reserve: tuple[ReserveEntry, ...]
    requests: tuple[Request, ...]


def _outcome(tx: Transaction, act: Act, round_: Round, evidence: Evidence) -> _Outcome:
    # Whoever withdrew after the freeze gets no offer; the hours wait for the reserve list.
    by_label = {
        label: request
        for label, request in tx.requests.labelled(round_.call).items()
        if "decide" in request.allowed
    }
    awards = tuple(_awards(act, round_, evidence, by_label))
    reserve = tuple(
        ReserveEntry(round=round_.id, request=by_label[row["request"]].id, rank=row["rank"])
        for row in evidence.plan.get("reserve", ())
        if row["request"] in by_label
    )
    states = dict.fromkeys((entry.request for entry in reserve), RequestState.RESERVE)
    states |= dict.fromkeys((award.request for award in awards), RequestState.AWARDED)
    decided = tuple(
        request.decide(states.get(request.id, RequestState.DECLINED), act.now)
        for request in by_label.values()
    )
    return _Outcome(awards=awards, reserve=reserve, requests=decided)


def _awards(
    act: Act, round_: Round, evidence: Evidence, by_label: Mapping[str, Request]
) -> Iterator[Award]:
    assert round_.scenario is not None, "an approved round has a selected scenario"
    asked = {row["id"]: _exact(row["gpu_hours"]) for row in evidence.snapshot["requests"]}
    for row in evidence.plan["awards"]:
        request = by_label.get(row["request"])
        if request is None:
            continue
        hours = _exact(row["gpu_hours"])
        yield Award(
            id=act.new("awd"),
            round=round_.id,
            request=request.id,
            scenario=round_.scenario,
            fellow=request.fellow,
            requested=asked[row["request"]],
            recommended=hours,
            awarded=hours,
            service_units=_exact(row["service_units"]),
            cells=tuple(
                Cell(pool=pool, slot=slot, gpu_hours=int(cell)) for pool, slot, cell in row["cells"]
            ),
            offered_at=act.now,
        )


def _exact(value: int | Decimal) -> int:
    return thousandths(value, field="/awards")


def _granted(act: Act, award: Award, event: Event) -> AwardChange:
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


def _offered(award: Award) -> Happening:
    body: dict[str, Json] = {
        "request": award.request,
        "gpu_hours": number(award.awarded),
        "service_units": number(award.service_units),
    }
    return Happening(kind="award.offered", subject=award.id, body=body)


def _decide(
    tx: Transaction,
    act: Act,
    kind: DecisionKind,
    scenario: Scenario,
    told: Happening,
) -> Decision:
    event: Event = record(tx, act, told)
    decision = Decision(
        id=act.new("dec"),
        round=scenario.round,
        kind=kind,
        scenario=scenario.id,
        scenario_digest=scenario.digest,
        by=act.person,
        at=act.now,
        reason=str(told.body.get("reason", "")),
        event=event.seq,
        event_hash=event.hash,
        facts=told.body,
    )
    tx.decisions.add(decision)
    return decision


def _round(tx: Transaction, act: Act, id_: str) -> Round:
    round_ = tx.rounds.get(act.scope, id_)
    act.expect("round", id_, round_.version)
    return round_


def _selected(tx: Transaction, round_: Round) -> Scenario:
    assert round_.scenario is not None, "a deciding round has a selected scenario"
    return tx.scenarios.get(EVERYTHING, round_.scenario)
