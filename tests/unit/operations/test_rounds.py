"""Rounds: created, frozen, decided, published, answered."""

import gzip
import hashlib
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import update

from scheduler.document import parse_document
from scheduler.domain.access import Scope
from scheduler.domain.awards import AwardState, Cell
from scheduler.domain.errors import (
    CallStillOpen,
    InvalidRoundFile,
    InvalidTransition,
    NotFound,
    NothingToFreeze,
    NotVerified,
    ReturnTooLarge,
    ScenarioMismatch,
    SecondPersonRequired,
)
from scheduler.domain.pools import ChangeKind
from scheduler.domain.requests import RequestState
from scheduler.domain.rounds import DecisionKind, RoundState
from scheduler.operations.awards import (
    accept_award,
    award_receipt,
    explain_award,
    explain_outcome,
    list_awards,
    list_reserve,
    return_award,
)
from scheduler.operations.decisions import (
    approve_round,
    publish_round,
    reject_round,
    select_scenario,
)
from scheduler.operations.evidence import Evidence, approved_documents, check_documents
from scheduler.operations.pools import (
    ProposedChange,
    approve_capacity_change,
    propose_capacity_change,
)
from scheduler.operations.requests import decide_eligibility, get_request, withdraw_request
from scheduler.operations.round_files import import_round
from scheduler.operations.rounds import (
    activate_round,
    close_round,
    create_round,
    export_round,
    freeze_round,
    get_round,
    list_decisions,
    list_rounds,
)
from scheduler.operations.scenarios import (
    compare_scenarios,
    explain_request,
    export_certificate,
    export_verifier,
    get_scenario,
    list_scenarios,
)
from scheduler.operations.scores import ScoreRow, import_scores
from scheduler.ports.store import Transaction
from scheduler.round_file import read_round
from scheduler.storage.tables import documents, scenarios
from tests.unit.operations.center import (
    ALL,
    CLOSES,
    SECOND,
    a_frozen_round,
    a_scenario,
    a_submitted_request,
    act,
    an_open_call,
    as_fellow,
    publish,
    seen,
)

PUBLISHED = Scope(published=True)
ROUNDS = Path(__file__).parents[3] / "benchmarks" / "rounds"


def holds(evidence: Evidence) -> list:
    """A checker that finds every plan in order."""
    assert evidence.plan["schema"] == "dure-plan/1"
    return []


def published(tx: Transaction, **changes):
    """A published round: mina awarded, jun in reserve, ara declined."""
    call = an_open_call(tx, **changes)
    mina, jun, ara = (a_submitted_request(tx, call, name) for name in ("mina", "jun", "ara"))
    round_ = a_frozen_round(tx, call)
    scenario = a_scenario(tx, round_, {mina.id: 800}, (jun.id,))
    select_scenario(tx, act("operator"), round_.id, scenario.id, "Fairest.")
    approve_round(tx, act("approver"), round_.id, scenario.digest, "Agreed.")
    round_, _ = publish(tx, act("operator", CLOSES), round_.id, scenario.digest, verify=holds)
    return round_, scenario, (mina, jun, ara)


def test_a_round_follows_its_call(tx: Transaction) -> None:
    """Made for an open call a round is open; frozen after the deadline it went through review."""
    call = an_open_call(tx)
    a_submitted_request(tx, call)
    round_ = create_round(tx, act(), call.id, "Spring")
    assert round_.state is RoundState.OPEN
    with pytest.raises(CallStillOpen):
        freeze_round(tx, act("operator", CLOSES - SECOND), round_.id)
    frozen, event = freeze_round(tx, act("operator", CLOSES), round_.id)
    assert (RoundState.FROZEN, 1) == (frozen.state, frozen.requests)
    assert event.body["snapshot"] == frozen.snapshot
    assert ["round.created", "round.opened", "round.in_review", "round.frozen"] == [
        event.kind for event in tx.events.of(round_.id)
    ]
    with pytest.raises(InvalidTransition):
        freeze_round(tx, act("operator", CLOSES), round_.id)


def test_the_snapshot_holds_the_latest_valid_submissions(tx: Transaction) -> None:
    """Withdrawn and ineligible requests stay out; amounts, scores and supply are exact."""
    call = an_open_call(tx)
    mina = a_submitted_request(tx, call, "mina", gpu_hours=1000.125)
    jun = a_submitted_request(tx, call, "jun")
    ara = a_submitted_request(tx, call, "ara", shape="block", block_slots=2)
    first = a_submitted_request(tx, call, "mina", title="First this")
    late = a_submitted_request(tx, call, "mina", after=first.id, title="Then this")
    withdraw_request(tx, as_fellow("mina"), first.id)
    withdraw_request(tx, as_fellow("jun"), jun.id)
    decide_eligibility(tx, act(), ara.id, eligible=True, reason="In scope.")
    lost = a_submitted_request(tx, call, "ara", title="Another")
    decide_eligibility(tx, act(), lost.id, eligible=False, reason="Out of scope.")
    rows = [
        ScoreRow(request=mina.id, score="80", reviewer="a"),
        ScoreRow(request=mina.id, score="81.125", reviewer="b"),
        ScoreRow(request=mina.id, score="1", reviewer="c", conflict=True),
    ]
    import_scores(tx, act(), call.id, rows)
    change = ProposedChange(
        pool="h200",
        kind=ChangeKind.MAINTENANCE,
        gpus=8,
        starts_at=call.terms.calendar.slot(1)[0],
        ends_at=call.terms.calendar.slot(1)[0] + timedelta(hours=24),
        reason="New switches.",
    )
    proposed = propose_capacity_change(tx, act("operator"), change)
    approve_capacity_change(tx, act("second"), proposed.id)

    round_ = a_frozen_round(tx, call)
    document = parse_document(export_round(tx, ALL, round_.id).encode())
    snapshot = read_round(document)
    requests = {row["id"]: row for row in document["requests"]}
    assert {mina.id, ara.id, late.id} == requests.keys()
    assert requests[mina.id]["gpu_hours"] == Decimal("1000.125")
    assert requests[mina.id]["score"] == Decimal("80.563")
    assert requests[late.id]["vetoed"] is True
    assert "after" not in requests[late.id]
    assert requests[ara.id]["block_slots"] == 2
    h200 = next(pool for pool in snapshot.pools if pool.id == "h200")
    assert h200.supply_gpu_hours == tuple(32 * 168_000 - taken for taken in (0, 8 * 24_000, 0, 0))
    assert {group.id: group.weight for group in snapshot.groups} == {
        "folding": 2000,
        "vision": 1000,
    }


def test_a_round_without_valid_submissions_is_not_frozen(tx: Transaction) -> None:
    """There must be something to decide on."""
    call = an_open_call(tx)
    request = a_submitted_request(tx, call)
    withdraw_request(tx, as_fellow("mina"), request.id)
    with pytest.raises(NothingToFreeze):
        a_frozen_round(tx, call)


def test_a_decision_takes_two_people_and_the_right_digest(tx: Transaction) -> None:
    """Selector, starter and author may not approve; another digest is another scenario."""
    call = an_open_call(tx)
    mina = a_submitted_request(tx, call)
    round_ = a_frozen_round(tx, call)
    scenario = a_scenario(tx, round_, {mina.id: 800})
    other = a_scenario(tx, round_, {mina.id: 900})
    select_scenario(tx, act("operator"), round_.id, scenario.id, "Fairest.")
    for person in ("operator", "starter", "author"):
        with pytest.raises(SecondPersonRequired):
            approve_round(tx, act(person), round_.id, scenario.digest, "I like it.")
    with pytest.raises(ScenarioMismatch):
        approve_round(tx, act("approver"), round_.id, other.digest, "This one?")
    rejected, _ = reject_round(tx, act("approver"), round_.id, scenario.digest, "Too narrow.")
    assert (RoundState.FROZEN, None) == (rejected.state, rejected.scenario)
    select_scenario(tx, act("operator"), round_.id, other.id, "Wider.")
    approved, decision = approve_round(tx, act("approver"), round_.id, other.digest, "Agreed.")
    assert (RoundState.APPROVED, "Agreed.") == (approved.state, decision.reason)
    assert [
        DecisionKind.SELECTION,
        DecisionKind.REJECTION,
        DecisionKind.SELECTION,
        DecisionKind.APPROVAL,
    ] == [one.kind for one in list_decisions(tx, ALL, round_.id)]


def test_a_scenario_of_another_snapshot_is_not_selected(tx: Transaction) -> None:
    """What was solved on other input is no answer to this round."""
    call = an_open_call(tx)
    mina = a_submitted_request(tx, call)
    round_ = a_frozen_round(tx, call)
    scenario = a_scenario(tx, round_, {mina.id: 800}, snapshot="another")
    with pytest.raises(ScenarioMismatch):
        select_scenario(tx, act(), round_.id, scenario.id, "Fairest.")
    with pytest.raises(NotFound):
        select_scenario(tx, act(), round_.id, "scn_unknown", "Fairest.")


def test_publication_is_refused_while_a_rule_is_broken(tx: Transaction) -> None:
    """What the checker finds is told, and nothing is written."""
    call = an_open_call(tx)
    mina = a_submitted_request(tx, call)
    round_ = a_frozen_round(tx, call)
    scenario = a_scenario(tx, round_, {mina.id: 800})
    select_scenario(tx, act("operator"), round_.id, scenario.id, "Fairest.")
    approve_round(tx, act("approver"), round_.id, scenario.digest, "Agreed.")
    witness = {"rule": "supply", "pool": "h200", "slot": 0}
    with pytest.raises(NotVerified) as refusal:
        publish(tx, act("operator", CLOSES), round_.id, scenario.digest, verify=lambda _: [witness])
    assert refusal.value.fields["findings"] == (witness,)
    assert get_round(tx, ALL, round_.id).state is RoundState.APPROVED
    assert list_awards(tx, ALL).items == ()


@pytest.mark.parametrize("part", ["plan", "certificate", "snapshot", "policy_digest", "row"])
def test_publication_finds_whatever_was_altered_after_the_signature(
    tx: Transaction, part: str
) -> None:
    """A document or a scenario that is changed in the store behind the center is not published."""
    call = an_open_call(tx)
    mina = a_submitted_request(tx, call)
    round_ = a_frozen_round(tx, call)
    scenario = a_scenario(tx, round_, {mina.id: 800})
    select_scenario(tx, act("operator"), round_.id, scenario.id, "Fairest.")
    approve_round(tx, act("approver"), round_.id, scenario.digest, "Agreed.")
    if part == "row":
        other = a_scenario(tx, round_, {mina.id: 900})
        change = update(scenarios).values(plan=other.plan).where(scenarios.c.id == scenario.id)
    else:
        change = (
            update(documents)
            .values(body='{"awards":[],"schema":"dure-plan/1"}')
            .where(documents.c.digest == getattr(scenario, part))
        )
    tx.documents._connection.execute(change)
    with pytest.raises(NotVerified) as refusal:
        publish(tx, act("operator", CLOSES), round_.id, scenario.digest, verify=lambda _: ())
    assert [row["code"] for row in refusal.value.fields["findings"]] == ["altered-document"]


@pytest.mark.parametrize("part", ["plan", "certificate", "snapshot", "policy_digest", "row"])
def test_publication_finds_whatever_is_altered_after_the_check(tx: Transaction, part: str) -> None:
    """The check runs before the transaction: what is another document by then is not published."""
    call = an_open_call(tx)
    mina = a_submitted_request(tx, call)
    round_ = a_frozen_round(tx, call)
    scenario = a_scenario(tx, round_, {mina.id: 800})
    select_scenario(tx, act("operator"), round_.id, scenario.id, "Fairest.")
    approve_round(tx, act("approver"), round_.id, scenario.digest, "Agreed.")
    kept = approved_documents(tx, round_.id)
    assert kept is not None
    checked = check_documents(kept, verify=holds, verifier="pass\n")
    change = (
        update(scenarios).values(seed=1).where(scenarios.c.id == scenario.id)
        if part == "row"
        else update(documents)
        .values(body='{"awards":[],"schema":"dure-plan/1"}')
        .where(documents.c.digest == getattr(scenario, part))
    )
    tx.documents._connection.execute(change)
    refused = ScenarioMismatch if part == "row" else NotVerified
    with pytest.raises(refused):
        publish_round(tx, act("operator"), round_.id, scenario.digest, checked=checked)
    assert list_awards(tx, ALL).items == ()


def test_what_was_not_checked_is_not_published(tx: Transaction) -> None:
    """An approval that came after the look at the round is published by the next attempt."""
    call = an_open_call(tx)
    mina = a_submitted_request(tx, call)
    round_ = a_frozen_round(tx, call)
    scenario = a_scenario(tx, round_, {mina.id: 800})
    select_scenario(tx, act("operator"), round_.id, scenario.id, "Fairest.")
    assert approved_documents(tx, round_.id) is None
    approve_round(tx, act("approver"), round_.id, scenario.digest, "Agreed.")
    with pytest.raises(ScenarioMismatch):
        publish_round(tx, act("operator"), round_.id, scenario.digest, checked=None)
    publish(tx, act("operator", CLOSES), round_.id, scenario.digest, verify=holds)


def test_a_publication_keeps_the_program_that_checks_it(tx: Transaction) -> None:
    """The program is kept and its digest logged; a scenario that is not published has none."""
    round_, scenario, _ = published(tx)
    other = a_scenario(tx, round_, {})
    program = export_verifier(tx, ALL, scenario.id)
    assert program is not None
    (logged,) = [
        decision.facts["verifier"]
        for decision in list_decisions(tx, ALL, round_.id)
        if decision.kind is DecisionKind.PUBLICATION
    ]
    assert logged == hashlib.sha256(program.encode()).hexdigest()
    assert export_verifier(tx, ALL, other.id) is None


def test_publication_writes_awards_states_and_reserve(tx: Transaction) -> None:
    """Every request of the round gets its outcome, every award its offer, in one step."""
    round_, scenario, (mina, jun, ara) = published(tx)
    (award,) = list_awards(tx, ALL).items
    assert (RoundState.PUBLISHED, "operator") == (round_.state, round_.published_by)
    assert (AwardState.OFFERED, mina.id, 1_200_000, 800_000, 800_000) == (
        award.state,
        award.request,
        award.requested,
        award.recommended,
        award.awarded,
    )
    assert (Cell(pool="h200", slot=0, gpu_hours=800),) == award.cells
    assert [RequestState.AWARDED, RequestState.RESERVE, RequestState.DECLINED] == [
        get_request(tx, ALL, request.id).state for request in (mina, jun, ara)
    ]
    assert [(jun.id, 1)] == [(one.request, one.rank) for one in list_reserve(tx, ALL, round_.id)]
    assert list_reserve(tx, seen(Scope(own="mina")), round_.id) == ()
    assert explain_award(tx, ALL, award.id)["request"] == mina.id
    assert explain_outcome(tx, seen(Scope(own="jun")), jun.id)["request"] == jun.id
    with pytest.raises(NotFound):
        explain_outcome(tx, seen(Scope(own="ara")), ara.id)
    receipt = award_receipt(tx, ALL, award.id)
    assert (scenario.digest, "award.offered") == (
        receipt.publication.scenario_digest,
        receipt.offered.kind,
    )


def test_a_fellow_who_withdrew_after_the_freeze_gets_no_offer(tx: Transaction) -> None:
    """The hours of a withdrawn request wait for the reserve list."""
    call = an_open_call(tx)
    mina, jun = (a_submitted_request(tx, call, name) for name in ("mina", "jun"))
    round_ = a_frozen_round(tx, call)
    scenario = a_scenario(tx, round_, {mina.id: 800, jun.id: 100})
    withdraw_request(tx, as_fellow("mina", CLOSES), mina.id)
    select_scenario(tx, act("operator"), round_.id, scenario.id, "Fairest.")
    approve_round(tx, act("approver"), round_.id, scenario.digest, "Agreed.")
    publish(tx, act("operator", CLOSES), round_.id, scenario.digest, verify=holds)
    assert [jun.id] == [award.request for award in list_awards(tx, ALL).items]
    assert get_request(tx, ALL, mina.id).state is RequestState.WITHDRAWN


def test_only_what_is_published_is_public(tx: Transaction) -> None:
    """Before publication a published-only scope sees no round; afterwards the chosen scenario."""
    call = an_open_call(tx)
    mina = a_submitted_request(tx, call)
    round_ = a_frozen_round(tx, call)
    chosen, other = (a_scenario(tx, round_, {mina.id: hours}) for hours in (800, 900))
    assert list_rounds(tx, seen(PUBLISHED)).items == ()
    with pytest.raises(NotFound):
        export_certificate(tx, seen(PUBLISHED), chosen.id)
    select_scenario(tx, act("operator"), round_.id, chosen.id, "Fairest.")
    approve_round(tx, act("approver"), round_.id, chosen.digest, "Agreed.")
    publish(tx, act("operator", CLOSES), round_.id, chosen.digest, verify=holds)
    assert [round_.id] == [one.id for one in list_rounds(tx, seen(PUBLISHED)).items]
    assert [chosen.id] == [one.id for one in list_scenarios(tx, seen(PUBLISHED)).items]
    assert "dure-certificate/1" in export_certificate(tx, seen(PUBLISHED), chosen.id)
    with pytest.raises(NotFound):
        get_scenario(tx, seen(PUBLISHED), other.id)


def test_scenarios_are_compared_within_one_round(tx: Transaction) -> None:
    """Two scenarios of a round come back side by side; explanations go by id."""
    call = an_open_call(tx)
    mina = a_submitted_request(tx, call)
    round_ = a_frozen_round(tx, call)
    first, second = (a_scenario(tx, round_, {mina.id: hours}) for hours in (800, 900))
    assert compare_scenarios(tx, ALL, [second.id, first.id]) == (second, first)
    assert explain_request(tx, ALL, first.id, mina.id)["request"] == mina.id


def test_an_award_is_accepted_and_returned_in_part_and_whole(tx: Transaction) -> None:
    """Nothing is overwritten: what is held is awarded less returned."""
    published(tx)
    (award,) = list_awards(tx, seen(Scope(own="mina"))).items
    mine = as_fellow("mina", CLOSES)
    assert accept_award(tx, mine, award.id)[0].state is AwardState.ACCEPTED
    part, _ = return_award(tx, mine, award.id, gpu_hours=300_000, reason="Less data.")
    assert (AwardState.ACCEPTED, 800_000, 500_000) == (part.state, part.awarded, part.held)
    with pytest.raises(ReturnTooLarge):
        return_award(tx, mine, award.id, gpu_hours=500_001, reason="More than all.")
    whole, event = return_award(tx, mine, award.id, reason="Moved abroad.")
    assert (AwardState.RETURNED, 0, 500) == (whole.state, whole.held, event.body["gpu_hours"])
    with pytest.raises(InvalidTransition):
        accept_award(tx, mine, award.id)
    with pytest.raises(NotFound):
        accept_award(tx, as_fellow("jun"), award.id)


def test_a_published_round_is_used_and_ends(tx: Transaction) -> None:
    """Published, active, closed; and nothing after that."""
    round_, _, _ = published(tx)
    assert activate_round(tx, act(), round_.id).state is RoundState.ACTIVE
    assert close_round(tx, act(), round_.id).state is RoundState.CLOSED
    with pytest.raises(InvalidTransition) as refusal:
        activate_round(tx, act(), round_.id)
    assert refusal.value.fields["allowed"] == []


@pytest.mark.parametrize(("name", "requests"), [("innocore-400", 694), ("kr2026", 514)])
def test_a_round_file_comes_back_as_it_went_in(tx: Transaction, name: str, requests: int) -> None:
    """Import makes a frozen round whose export is the same document; outcomes go by label."""
    raw = (ROUNDS / f"{name}.json.gz").read_bytes()
    round_, event = import_round(tx, act(), raw)
    assert (RoundState.FROZEN, requests) == (round_.state, round_.requests)
    assert event.subject == round_.id
    exported = parse_document(export_round(tx, ALL, round_.id).encode())
    assert exported == json.loads(gzip.decompress(raw), parse_float=Decimal)
    label = exported["requests"][0]["id"]
    asked = exported["requests"][0]["gpu_hours"]
    scenario = a_scenario(tx, round_, {label: float(asked)})
    select_scenario(tx, act("operator"), round_.id, scenario.id, "Only one.")
    approve_round(tx, act("approver"), round_.id, scenario.digest, "Agreed.")
    publish(tx, act("operator", CLOSES), round_.id, scenario.digest, verify=holds)
    (award,) = list_awards(tx, ALL).items
    assert award.requested == award.awarded == int(asked * 1000)
    assert get_request(tx, ALL, award.request).label == label


def test_a_broken_round_file_leaves_nothing(tx: Transaction) -> None:
    """A file that breaks the format is refused by field, value and rule."""
    with pytest.raises(InvalidRoundFile) as refusal:
        import_round(tx, act(), b'{"schema": "dure-round/1", "id": "x", "pool": []}')
    assert "#" in str(refusal.value.fields["rule"])
    assert list_rounds(tx, ALL).items == ()
