"""Notifications: whom an event concerns is told once, with it, and never of their own acts."""

import pytest

from scheduler.domain.access import Role
from scheduler.domain.change_requests import ChangeRequestKind
from scheduler.domain.errors import NotFound
from scheduler.domain.messages import Language
from scheduler.domain.notifications import TOLD
from scheduler.export.notifications import TEXTS, notification_text
from scheduler.operations.approvals import decide_proposal
from scheduler.operations.awards import accept_award, list_awards, return_award
from scheduler.operations.change_requests import Asked, Verdict, decide_change, file_change
from scheduler.operations.decisions import approve_round, select_scenario
from scheduler.operations.movements import Adjustment, propose_adjustment
from scheduler.operations.notifications import list_notifications, read_notification
from scheduler.operations.roles import ProposedRole, grant_directly
from scheduler.ports.store import Transaction
from tests.unit.operations.center import (
    ALL,
    CLOSES,
    a_frozen_round,
    a_scenario,
    a_submitted_request,
    act,
    an_open_call,
    as_fellow,
    publish,
)
from tests.unit.operations.test_rounds import holds

HOUR = 3600
SUPPLEMENT = ChangeRequestKind.SUPPLEMENT


@pytest.fixture
def center(tx: Transaction) -> Transaction:
    """A published round; roles were granted before, and Jun leads the group vision."""
    call = an_open_call(tx)
    for person, role, group in (
        ("operator", Role.OPERATOR, None),
        ("second", Role.OPERATOR, None),
        ("approver", Role.APPROVER, None),
        ("jun", Role.GROUP_LEAD, "vision"),
    ):
        grant_directly(tx, act("admin"), ProposedRole(person=person, role=role, group=group))
    mina, jun, _ = (a_submitted_request(tx, call, name) for name in ("mina", "jun", "ara"))
    round_ = a_frozen_round(tx, call)
    scenario = a_scenario(tx, round_, {mina.id: 800}, (jun.id,))
    select_scenario(tx, act("operator"), round_.id, scenario.id, "Fairest.")
    approve_round(tx, act("approver"), round_.id, scenario.digest, "Agreed.")
    publish(tx, act("operator", CLOSES), round_.id, scenario.digest, verify=holds)
    return tx


def told(tx: Transaction, person: str) -> list[str]:
    """Return the kinds of events that a person is told of."""
    return [each.kind for each in list_notifications(tx, person).items]


def test_a_publication_is_told_to_whom_it_concerns(center: Transaction):
    """The awarded by the offer, the others by the round; a lead too; each once."""
    assert ["award.offered"] == told(center, "mina")
    assert ["round.published"] == told(center, "ara")
    assert ["round.published"] == told(center, "jun")  # on the reserve list, and a lead
    assert ["round.selected"] == told(center, "approver")


def test_nobody_is_told_of_what_they_did(center: Transaction):
    """The operator who selected and published is not told; the other one is told of approval."""
    assert ["round.approved"] == told(center, "second")
    assert ["round.approved"] == told(center, "operator")
    (award,) = list_awards(center, ALL).items
    return_award(center, as_fellow("mina", CLOSES), award.id, reason="No data.")
    assert ["round.approved", "award.returned"] == told(center, "second")
    assert ["award.offered"] == told(center, "mina")


def test_a_notification_is_read_once_by_its_person(center: Transaction):
    """Another's does not exist; reading again changes nothing; unread ones can be listed alone."""
    (notification,) = list_notifications(center, "mina").items
    with pytest.raises(NotFound):
        read_notification(center, as_fellow("ara", CLOSES), notification.id)
    read = read_notification(center, as_fellow("mina", CLOSES), notification.id)
    assert CLOSES == read.read_at
    assert read == read_notification(center, as_fellow("mina"), notification.id)
    assert () == list_notifications(center, "mina", unread=True).items
    assert (read,) == list_notifications(center, "mina").items


def test_every_kind_has_words():
    """What is told can be said, and nothing else is kept ready."""
    assert sorted(TOLD) == sorted(TEXTS)


def test_who_asked_or_proposed_learns_what_became_of_it(center: Transaction):
    """The operator of a refused adjustment, the fellow of a refused supplement; who decides too."""
    (award,) = list_awards(center, ALL).items
    accept_award(center, as_fellow("mina", CLOSES), award.id)
    wish = Adjustment(gpu_type="H200", gpu_seconds=-8 * HOUR, reason="A test.")
    _, proposal, _ = propose_adjustment(center, act("operator"), award.id, wish)
    decide_proposal(center, act("approver"), proposal.id, approve=False, reason="No.")
    assert "adjustment.rejected" in told(center, "operator")
    asked = Asked(kind=SUPPLEMENT, gpu_type="H200", gpu_hours=8, reason="The model grew.")
    filed, _ = file_change(center, as_fellow("mina", CLOSES), award.id, asked)
    for who in ("operator", "second", "approver"):
        assert "supplement.filed" in told(center, who)
    verdict = Verdict(grant=False, reason="There is too little.")
    decide_change(center, act("approver"), filed.id, {SUPPLEMENT}, verdict)
    assert "supplement.rejected" in told(center, "mina")
    assert "supplement.rejected" not in told(center, "approver")


def test_words_name_the_subject(center: Transaction):
    """A notification says in its reader's language what happened to what."""
    (notification,) = list_notifications(center, "mina").items
    for language in Language:
        assert f"dure award letter {notification.subject}" in notification_text(
            notification, language
        )
