"""Deliveries: posted once, taken under a lease, tried again each time later, given up at last."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from scheduler.domain.deliveries import (
    LEASE,
    PATIENCE,
    Channel,
    Contact,
    Delivery,
    DeliveryState,
    MailWish,
)
from scheduler.domain.errors import NotFound, VersionMismatch
from scheduler.domain.messages import Language
from scheduler.domain.notifications import TOLD, URGENT
from scheduler.operations.awards import return_award
from scheduler.operations.deliveries import (
    OLDEST,
    Channels,
    choose_contact,
    contact_of,
    delivered,
    last_digest,
    post,
    put_off,
    refused,
    take_due,
)
from scheduler.operations.directory import put_person
from scheduler.operations.notifications import list_notifications, read_notification
from scheduler.ports.paging import everything
from scheduler.ports.store import Transaction
from tests.unit.operations.center import CLOSES, SECOND, act, as_fellow
from tests.unit.operations.test_notifications import center

__all__ = ["center"]

DAY = timedelta(days=1)
MAIL = Channels(mail=True, digest_hour=0)
HOOK = "https://portal.example/events"


@pytest.fixture
def reached(center: Transaction) -> Transaction:
    """A published round whose people have addresses."""
    for id_ in ("mina", "jun", "ara", "approver"):
        person = center.people.find(id_)
        assert person is not None
        reachable = replace(person, email=f"{id_}@kaist.example")
        put_person(center, act("admin"), reachable)
    return center


def waiting(tx: Transaction) -> list[Delivery]:
    """Return every delivery, by id."""
    return list(everything(tx.deliveries.list))


def told(tx: Transaction) -> Mapping[str, list[str]]:
    """Return the kinds that each delivery tells, by its person and first word of its key."""
    return {
        f"{each.key.split('/')[0]} {each.to}": [n.kind for n in tx.deliveries.told_by(each.id)]
        for each in waiting(tx)
    }


def test_what_is_urgent_is_posted_at_once_and_the_rest_once_a_day(reached: Transaction):
    """What is two weeks old is told no more; posting again posts nothing."""
    now = CLOSES + timedelta(hours=1)
    assert 1 == post(reached, act("host", now), MAIL)
    assert {"alert mina": ["award.offered"]} == told(reached)
    assert 0 == post(reached, act("host", now), MAIL)
    assert 2 == post(reached, act("host", now + DAY), MAIL)
    assert {
        "alert mina": ["award.offered"],
        "digest jun": ["round.published"],
        "digest ara": ["round.published"],
    } == told(reached)
    assert 0 == post(reached, act("host", now + 2 * DAY), MAIL)
    assert URGENT <= set(TOLD)


def test_wishes_count(reached: Transaction):
    """One digest a day instead of alerts; no mail at all; both without losing a notification."""
    mina = choose_contact(reached, as_fellow("mina"), Contact(id="mina", mail=MailWish.DIGEST))
    choose_contact(reached, as_fellow("jun"), Contact(id="jun", mail=MailWish.NONE))
    post(reached, act("host", CLOSES + DAY), MAIL)
    assert {"digest mina", "digest ara"} == set(told(reached))
    assert 1 == len(list_notifications(reached, "jun", unread=True).items)
    again = replace(mina, language=Language.ENGLISH)
    with pytest.raises(VersionMismatch):
        choose_contact(reached, as_fellow("mina", if_version=1), again)
    chosen = choose_contact(reached, as_fellow("mina", if_version=2), again)
    assert (chosen, 3) == (contact_of(reached, "mina"), chosen.version)
    assert Contact(id="ara") == contact_of(reached, "ara")


def test_what_is_read_or_old_is_not_mailed(reached: Transaction):
    """Nor is who left."""
    (read,) = list_notifications(reached, "mina").items
    read_notification(reached, as_fellow("mina", CLOSES), read.id)
    ara = reached.people.find("ara")
    assert ara is not None
    reached.people.save(replace(ara, active=False, version=ara.version + 1))
    assert 0 == post(reached, act("host", CLOSES + OLDEST + 2 * SECOND), MAIL)
    assert 1 == post(reached, act("host", CLOSES + DAY), MAIL)
    assert {"digest jun"} == set(told(reached))


def test_without_mail_nothing_is_posted(reached: Transaction):
    """And what waited is posted once there is a way."""
    assert 0 == post(reached, act("host", CLOSES + DAY), Channels(mail=False, digest_hour=0))
    assert 3 == post(reached, act("host", CLOSES + DAY), MAIL)


def test_digests_are_due_once_a_day():
    """At the hour itself already."""
    nine = CLOSES.replace(hour=9, minute=0)
    assert nine == last_digest(nine, 9)
    assert nine - DAY == last_digest(nine - SECOND, 9)
    assert nine == last_digest(nine + DAY - SECOND, 9)


def test_a_webhook_hears_every_event_once_from_its_first_turn_on(reached: Transaction):
    """Old events are not told; new ones are, by id, position, kind and subject alone."""
    hooks = Channels(mail=False, digest_hour=0, webhooks=(HOOK,))
    assert 0 == post(reached, act("host", CLOSES), hooks)
    (award,) = [n.subject for n in list_notifications(reached, "mina").items]
    return_award(reached, as_fellow("mina", CLOSES), award, reason="No data.")
    assert 1 == post(reached, act("host", CLOSES), hooks)
    assert 0 == post(reached, act("host", CLOSES), hooks)
    (made,) = waiting(reached)
    assert (Channel.WEBHOOK, HOOK) == (made.channel, made.to)
    assert {"id", "seq", "at", "kind", "subject"} == set(made.body)
    assert ("award.returned", award) == (made.body["kind"], made.body["subject"])


def test_a_delivery_is_taken_under_a_lease(reached: Transaction):
    """Nobody else takes it until the lease is over; marked, nobody ever does."""
    post(reached, act("host", CLOSES), MAIL)
    (taken,) = take_due(reached, act("host", CLOSES))
    assert (1, ()) == (taken.attempts, take_due(reached, act("host", CLOSES + LEASE - SECOND)))
    (again,) = take_due(reached, act("host", CLOSES + LEASE))
    assert (taken.id, 2) == (again.id, again.attempts)
    delivered(reached, again.id)
    put_off(reached, act("host", CLOSES + LEASE), again.id, "late word")
    refused(reached, again.id, "late word")
    (kept,) = waiting(reached)
    assert (DeliveryState.DELIVERED, "") == (kept.state, kept.problem)
    assert () == take_due(reached, act("host", CLOSES + 9 * DAY))
    with pytest.raises(NotFound):
        delivered(reached, "dlv_none")


def test_attempts_lie_further_and_further_apart_and_end(reached: Transaction):
    """A minute, four, sixteen, … four hours; after three days it is given up, and says why."""
    post(reached, act("host", CLOSES), MAIL)
    now, waits = CLOSES, []
    while True:
        (taken,) = take_due(reached, act("host", now))
        put_off(reached, act("host", now), taken.id, "421 Busy")
        (kept,) = waiting(reached)
        if kept.state is not DeliveryState.WAITING:
            break
        waits.append((kept.due_at - now) // timedelta(minutes=1))
        now = kept.due_at
    assert [1, 4, 16, 64, 240, 240] == waits[:6]
    assert (DeliveryState.GIVEN_UP, "421 Busy") == (kept.state, kept.problem)
    assert timedelta(days=2) < now - CLOSES <= PATIENCE


def test_deliveries_are_counted(reached: Transaction):
    """By channel and state, with the oldest that waits."""
    assert ({}, None) == (reached.deliveries.counts(), reached.deliveries.oldest())
    post(reached, act("host", CLOSES + DAY), MAIL)
    one, *_ = take_due(reached, act("host", CLOSES + DAY))
    refused(reached, one.id, "550 No such person")
    assert {
        (Channel.MAIL, DeliveryState.WAITING): 2,
        (Channel.MAIL, DeliveryState.GIVEN_UP): 1,
    } == reached.deliveries.counts()
    assert CLOSES + DAY == reached.deliveries.oldest()
    given_up = reached.deliveries.list(state=DeliveryState.GIVEN_UP).items
    assert ["550 No such person"] == [each.problem for each in given_up]
