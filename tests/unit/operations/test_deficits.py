"""What rounds left owing: entitled to and not granted, drawn hours included, seen by whom it is."""

import json
from datetime import timedelta

from scheduler.domain.access import Scope
from scheduler.operations.awards import return_award
from scheduler.operations.calls import draft_call, open_call
from scheduler.operations.deficits import deficits
from scheduler.operations.holdings import awards_of_call
from scheduler.operations.rounds import create_round, freeze_round
from scheduler.ports.store import Transaction
from tests.unit.operations.center import (
    ALL,
    CLOSES,
    a_frozen_round,
    a_submitted_request,
    act,
    an_open_call,
    as_fellow,
    seen,
    terms,
)
from tests.unit.operations.reallocating import a_solved_scenario, reallocate, signed

YEAR = 365
DAY = timedelta(days=1)
WHOLE = {"max_gpus": 32, "window": [0, 4], "speeds": {"h200": 1}}
ALL_OF_IT = 4 * 32 * 168
"""GPU-hours of h200."""


def a_tight_round(tx: Transaction):
    """Mina and Ara ask for all of h200, all or nothing, but together there is room for one."""
    call = an_open_call(tx, answer_days=60)
    for name in ("mina", "ara"):
        hours = {"gpu_hours": ALL_OF_IT, "minimum_gpu_hours": ALL_OF_IT}
        a_submitted_request(tx, call, name, **WHOLE, **hours)
    round_ = a_frozen_round(tx, call)
    return signed(tx, round_, a_solved_scenario(tx, round_, "entitlement", CLOSES), CLOSES)


def backlog(tx: Transaction, now=CLOSES, permit=ALL):
    """Return (entitled to, granted) in hours, of groups and of fellows, by id."""
    found = deficits(tx, permit, now, YEAR)
    return tuple(
        {each.id: (each.backlog.entitlement // 1000, each.backlog.awarded // 1000) for each in part}
        for part in (found.groups, found.fellows)
    )


def test_who_got_nothing_is_owed(tx: Transaction):
    """Rights of folding weigh twice those of vision; one group got all, the other is owed."""
    round_ = a_tight_round(tx)
    groups, fellows = backlog(tx)
    assert {"vision": ALL_OF_IT // 3, "folding": ALL_OF_IT * 2 // 3} == {
        name: right for name, (right, _) in groups.items()
    }
    (award,) = awards_of_call(tx, round_.call)
    rich = {"ara": "folding", "mina": "vision"}[award.fellow]
    assert {0, ALL_OF_IT} == {got for _, got in groups.values()}
    assert ALL_OF_IT == groups[rich][1]
    assert fellows[award.fellow] == groups[rich]
    half, _ = backlog(tx, CLOSES + YEAR * DAY)
    assert {name: (right // 2, got // 2) for name, (right, got) in groups.items()} == half


def test_what_is_drawn_later_counts_for_the_same_round(tx: Transaction):
    """A decline is the fellow's own: it stays granted; who draws it got it too."""
    round_ = a_tight_round(tx)
    (award,) = awards_of_call(tx, round_.call)
    return_award(tx, as_fellow(award.fellow, CLOSES), award.id, reason="No time.")
    reallocate(tx, round_, CLOSES)
    groups, _ = backlog(tx)
    assert {ALL_OF_IT} == {got for _, got in groups.values()}


def test_everybody_sees_groups_and_only_their_own_fellows(tx: Transaction):
    """A fellow sees themselves, a lead the group, an auditor without names nobody."""
    a_tight_round(tx)
    whole, _ = backlog(tx)
    for scope, visible in (
        (Scope(own="mina"), {"mina"}),
        (Scope(groups=frozenset({"folding"})), {"ara"}),
        (Scope(institutes=frozenset({"kaist"})), {"mina"}),
        (Scope(pseudonymous=True), set()),
    ):
        groups, fellows = backlog(tx, permit=seen(scope))
        assert (whole, visible) == (groups, set(fellows))


def test_the_next_snapshot_keeps_the_past(tx: Transaction):
    """Every earlier round of another call, how old it is, and what it entitled to and gave."""
    first = a_tight_round(tx)
    later = {"opens_at": CLOSES, "closes_at": CLOSES + 9 * DAY}
    call = draft_call(tx, act("operator", CLOSES - DAY), terms(**later))
    open_call(tx, act("approver", CLOSES - DAY), call.id)
    a_submitted_request(tx, call, "mina", CLOSES, minimum_gpu_hours=8)
    now = CLOSES + 10 * DAY
    made = create_round(tx, act("operator", now), call.id)
    frozen, _ = freeze_round(tx, act("operator", now), made.id)
    (past,) = json.loads(tx.documents.text(frozen.snapshot))["past"]
    assert (first.id, 10) == (past["id"], past["age_days"])
    groups, _ = backlog(tx)
    assert {name: right for name, (right, _) in groups.items()} == {
        row["id"]: int(row["entitlement"]) for row in past["groups"]
    }
    assert "past" not in json.loads(tx.documents.text(first.snapshot))
