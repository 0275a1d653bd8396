"""Deliveries: notifications and events are posted once, taken by a courier, and marked.

Posting marks what it takes in the same transaction, and a delivery's key stands once. So whoever
is killed, nothing is posted twice or lost; what was told but not marked is told again under the
same id, by which mail servers and webhooks know it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from scheduler.domain.deliveries import Channel, Contact, Delivery, MailWish
from scheduler.domain.directory import Person
from scheduler.domain.errors import NotFound
from scheduler.domain.events import Document
from scheduler.domain.notifications import TOLD, URGENT, Notification
from scheduler.ports.acts import Act
from scheduler.ports.store import Transaction

OLDEST: Final = timedelta(days=7)
"""What was not read for so long is not told any more."""
AT_ONCE: Final = 20
"""Deliveries that a courier takes at a time; a lease is long enough for all of them."""
PART: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """By which ways the center tells.

    Attributes:
        mail: whether it mails.
        digest_hour: of a day in UTC, after which the day's digests are posted.
        webhooks: addresses; nothing else is ever called.
    """

    mail: bool
    digest_hour: int
    webhooks: tuple[str, ...] = ()


def post(tx: Transaction, act: Act, channels: Channels) -> int:
    """Make deliveries of what nobody was told of yet, and return how many; again makes none."""
    made = list(_webhooks(tx, act, channels.webhooks))
    if channels.mail:
        made += _mails(tx, act, channels.digest_hour)
    return len(made)


def take_due(tx: Transaction, act: Act) -> tuple[Delivery, ...]:
    """Take what is to be tried now; nobody else does until a lease is over."""
    taken = tuple(each.take(act.now) for each in tx.deliveries.due(act.now, AT_ONCE))
    for each in taken:
        tx.deliveries.save(each)
    return taken


def delivered(tx: Transaction, id_: str) -> None:
    """Mark a delivery as taken by whom it is for; again changes nothing."""
    _keep(tx, id_, lambda each: each.deliver())


def refused(tx: Transaction, id_: str, problem: str) -> None:
    """Give a delivery up that was refused for good."""
    _keep(tx, id_, lambda each: each.give_up(problem))


def put_off(tx: Transaction, act: Act, id_: str, problem: str) -> None:
    """Let a delivery wait for its next attempt."""
    _keep(tx, id_, lambda each: each.put_off(act.now, problem))


def contact_of(tx: Transaction, person: str) -> Contact:
    """Return how a person wants to be told."""
    return tx.contacts.of([person]).get(person, Contact(id=person))


def choose_contact(tx: Transaction, act: Act, wish: Contact) -> Contact:
    """Keep how the person who acts wants to be told."""
    before = tx.contacts.of([wish.id]).get(wish.id)
    version = 1 if before is None else before.version
    act.expect("contact", wish.id, version)
    chosen = replace(wish, version=version + 1)
    keep = tx.contacts.add if before is None else tx.contacts.save
    keep(chosen)
    return chosen


def last_digest(now: datetime, hour: int) -> datetime:
    """Return the last instant at which digests were due."""
    today = now.astimezone(UTC).replace(hour=hour, minute=0, second=0, microsecond=0)
    return today if today <= now else today - timedelta(days=1)


def _keep(tx: Transaction, id_: str, change: Callable[[Delivery], Delivery]) -> None:
    before = tx.deliveries.find(id_)
    if before is None:
        raise NotFound(kind="delivery", id=id_)
    after = change(before)
    if after is not before:
        tx.deliveries.save(after)


def _mails(tx: Transaction, act: Act, hour: int) -> Iterator[Delivery]:
    """Post what is urgent at once, and one digest a day of everything else."""
    digest_at = last_digest(act.now, hour)
    waiting = tx.deliveries.untold(act.now - OLDEST)
    readers = _readers(tx, {each.person for each in waiting})
    digests: dict[str, list[Notification]] = defaultdict(list)
    for each in waiting:
        wish = readers.get(each.person)
        if wish is MailWish.ALL and each.kind in URGENT:
            yield _mail(tx, act, each.person, f"alert/{each.id}", [each])
        elif wish is not None and each.at < digest_at:
            digests[each.person].append(each)
    keys = {person: f"digest/{person}/{digest_at.isoformat()}" for person in digests}
    known = tx.deliveries.known(keys.values())
    for person, told in digests.items():
        if keys[person] not in known:
            yield _mail(tx, act, person, keys[person], told)


def _readers(tx: Transaction, people: Iterable[str]) -> dict[str, MailWish]:
    """Return who has an address and wants mail, and which."""
    there = {each.id: each for each in tx.people.of(people)}
    chosen = tx.contacts.of(there)
    wishes = {id_: chosen[id_].mail if id_ in chosen else MailWish.ALL for id_ in there}
    return {
        id_: wish
        for id_, wish in wishes.items()
        if wish is not MailWish.NONE and _has_address(there[id_])
    }


def _has_address(person: Person) -> bool:
    return person.active and person.email is not None


def _mail(
    tx: Transaction, act: Act, person: str, key: str, told: Iterable[Notification]
) -> Delivery:
    ids = [each.id for each in told]
    delivery = _new(act, Channel.MAIL, person, key, {})
    tx.deliveries.add(delivery, ids)
    return delivery


def _webhooks(tx: Transaction, act: Act, addresses: Iterable[str]) -> Iterator[Delivery]:
    """Post events that somebody is told of; a new webhook begins with the next one."""
    known = tx.watches.all()
    last = tx.events.last()
    for address in addresses:
        name = f"webhook/{address}"
        seen = int(known.get(name, str(last)))
        while events := tx.events.list(after=seen, limit=PART):
            for event in events:
                if event.kind in TOLD:
                    body: Document = {
                        "id": event.id,
                        "seq": event.seq,
                        "at": event.at.isoformat(),
                        "kind": event.kind,
                        "subject": event.subject,
                    }
                    delivery = _new(act, Channel.WEBHOOK, address, f"{name}/{event.seq}", body)
                    tx.deliveries.add(delivery)
                    yield delivery
            seen = events[-1].seq
        if known.get(name) != str(seen):
            tx.watches.put(name, str(seen))


def _new(act: Act, channel: Channel, to: str, key: str, body: Document) -> Delivery:
    return Delivery(
        id=act.new("dlv"),
        channel=channel,
        to=to,
        key=key,
        body=body,
        made_at=act.now,
        due_at=act.now,
    )
