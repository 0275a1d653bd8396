"""Decisions: select a scenario, approve or reject it by digest, publish its awards."""

from scheduler.domain.access import EVERYTHING
from scheduler.domain.amounts import number
from scheduler.domain.errors import NotFound, NotVerified, ScenarioMismatch
from scheduler.domain.events import Event, Happening, Json
from scheduler.domain.names import reason as stated_reason
from scheduler.domain.rounds import Decision, DecisionKind, Round, Step
from scheduler.domain.scenarios import Scenario
from scheduler.operations.dues import due_again
from scheduler.operations.evidence import Checked
from scheduler.operations.ledger import enter_publication
from scheduler.operations.outcomes import decided, granted, offer, publication
from scheduler.operations.reallocations import enter_reallocation, reallocated
from scheduler.operations.record import record
from scheduler.ports.acts import Act
from scheduler.ports.store import Transaction


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
    decision = _decide(tx, act, DecisionKind.REJECTION, scenario, told)
    due_again(tx, act, rejected)
    return rejected, decision


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
    goes_on = round_.continues is not None
    outcome = (reallocated if goes_on else decided)(tx, act, round_, evidence)
    facts: dict[str, Json] = {
        "awards": len(outcome.awards),
        "reserve": len(outcome.reserve),
        "gpu_hours": number(sum(award.awarded for award in outcome.awards)),
        "verifier": checked.verifier_digest,
        **({"moved_gpu_hours": outcome.moved, "cut_gpu_hours": outcome.cut} if goes_on else {}),
    }
    tx.documents.put(checked.verifier_digest, checked.verifier)
    published, told = round_.publish(digest=scenario_digest, by=act.person, at=act.now, facts=facts)
    tx.awards.add(outcome.awards)
    tx.reserve.add(outcome.reserve)
    tx.requests.save_all(outcome.requests)
    tx.rounds.save(published)
    offered = [(award, record(tx, act, offer(award))) for award in outcome.awards]
    tx.awards.add_changes([granted(act, award, event) for award, event in offered])
    decision = _decide(tx, act, DecisionKind.PUBLICATION, scenario, told)
    booked = publication(published.call, evidence.snapshot, offered, decision.event)
    if goes_on:
        enter_reallocation(tx, act, outcome, booked)
    else:
        enter_publication(tx, act, booked)
    due_again(tx, act, published)
    return published, decision


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
