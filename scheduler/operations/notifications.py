"""Notifications: written with the event they tell of, in its transaction; listed and read."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from scheduler.domain.access import EVERYTHING, Role
from scheduler.domain.change_requests import ChangeRequestKind
from scheduler.domain.directory import GrantState, RoleGrant
from scheduler.domain.events import Event
from scheduler.domain.names import made
from scheduler.domain.notifications import TOLD, Audience, Notification
from scheduler.domain.requests import RequestState
from scheduler.ports.acts import Act
from scheduler.ports.paging import FIRST, Page, Slice, everything
from scheduler.ports.store import Transaction


def enter_notifications(tx: Transaction, act: Act, event: Event) -> None:
    """Tell everybody whom an event concerns, but for who caused it."""
    audiences = TOLD.get(event.kind, ())
    people = {person for each in audiences for person in _PEOPLE[each](tx, event)}
    tx.notifications.add(
        Notification(
            id=act.new("ntf"),
            person=person,
            at=event.at,
            kind=event.kind,
            subject=event.subject,
            event=event.seq,
        )
        for person in sorted(people - {event.actor})
    )


def list_notifications(
    tx: Transaction, person: str, slice_: Slice = FIRST, *, unread: bool = False
) -> Page[Notification]:
    """List what a person is told, oldest first; only what is unread if asked."""
    return tx.notifications.list(person, slice_, unread=unread)


def read_notification(tx: Transaction, act: Act, id_: str) -> Notification:
    """Say that the person who acts has read a notification; again changes nothing.

    Raises:
        NotFound: If it is not theirs.
    """
    notification = tx.notifications.get(act.person, id_)
    read = notification.read(act.now)
    if read is not notification:
        tx.notifications.save(read)
    return read


def _fellow(tx: Transaction, event: Event) -> Iterator[str]:
    if not made(event.subject, "awd"):
        request = tx.requests.find(event.subject)
        assert request is not None, "the subject is a request"
        yield request.fellow
        return
    yield tx.awards.get(EVERYTHING, event.subject).fellow
    other = event.body.get("to")
    if isinstance(other, str) and made(other, "awd"):
        yield tx.awards.get(EVERYTHING, other).fellow


def _call_of_round(tx: Transaction, event: Event) -> str:
    round_ = tx.rounds.find(event.subject)
    assert round_ is not None, "the subject is a round"
    return round_.call


def _unfunded(tx: Transaction, event: Event) -> Iterator[str]:
    outcomes = {RequestState.RESERVE, RequestState.DECLINED}
    for request in tx.requests.labelled(_call_of_round(tx, event)).values():
        if request.state in outcomes:
            yield request.fellow


def _askers(tx: Transaction, event: Event) -> Iterator[str]:
    for request in tx.requests.labelled(event.subject).values():
        yield request.fellow


def _drafters(tx: Transaction, event: Event) -> Iterator[str]:
    for request in tx.requests.labelled(event.subject).values():
        if request.edited and "submit" in request.allowed:
            yield request.fellow


def _leads(tx: Transaction, event: Event) -> Iterator[str]:
    asked = tx.requests.labelled(_call_of_round(tx, event)).values()
    people = tx.people.of({request.fellow for request in asked})
    groups = {each.group for each in people}
    for grant in _grants(tx):
        if grant.role is Role.GROUP_LEAD and grant.group in groups:
            yield grant.person


def _party(tx: Transaction, event: Event) -> Iterator[str]:
    proposal = tx.proposals.find(str(event.body["proposal"]))
    if proposal is not None and proposal.party is not None:
        yield proposal.party


def _proposer(tx: Transaction, event: Event) -> Iterator[str]:
    proposal = tx.proposals.find(str(event.body["proposal"]))
    if proposal is not None:
        yield proposal.proposed_by


def _asker(tx: Transaction, event: Event) -> Iterator[str]:
    asked = tx.change_requests.get(EVERYTHING, event.subject, frozenset(ChangeRequestKind))
    yield asked.filed_by
    yield asked.fellow


def _holders(role: Role) -> Callable[[Transaction, Event], Iterable[str]]:
    def holders(tx: Transaction, event: Event) -> Iterator[str]:
        """Yield who holds the role, whatever the event."""
        del event
        for grant in _grants(tx):
            if grant.role is role:
                yield grant.person

    return holders


def _grants(tx: Transaction) -> Iterator[RoleGrant]:
    effective = GrantState.EFFECTIVE
    return everything(lambda part: tx.role_grants.list(EVERYTHING, part, state=effective))


_PEOPLE: Final[Mapping[Audience, Callable[[Transaction, Event], Iterable[str]]]] = {
    Audience.FELLOW: _fellow,
    Audience.UNFUNDED: _unfunded,
    Audience.DRAFTERS: _drafters,
    Audience.ASKERS: _askers,
    Audience.LEADS: _leads,
    Audience.PARTY: _party,
    Audience.PROPOSER: _proposer,
    Audience.ASKER: _asker,
    Audience.OPERATORS: _holders(Role.OPERATOR),
    Audience.APPROVERS: _holders(Role.APPROVER),
}
