"""Deliveries, how people want to be told, and what was told last about something."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from scheduler.domain.deliveries import Channel, Contact, Delivery, DeliveryState
from scheduler.domain.notifications import Notification
from scheduler.ports.paging import FIRST, Page, Slice


class Deliveries(Protocol):
    """The outbox of mails and webhooks."""

    def add(self, delivery: Delivery, notifications: Iterable[str] = ()) -> None:
        """Keep a new delivery, and which notifications it tells."""
        ...

    def find(self, id_: str) -> Delivery | None:
        """Return the delivery, if there is one."""
        ...

    def save(self, delivery: Delivery) -> None:
        """Keep the next version."""
        ...

    def known(self, keys: Iterable[str]) -> frozenset[str]:
        """Return those of some keys that a delivery has already."""
        ...

    def due(self, now: datetime, most: int) -> Sequence[Delivery]:
        """Return what is to be tried now, the longest due first."""
        ...

    def list(self, slice_: Slice = FIRST, *, state: DeliveryState | None = None) -> Page[Delivery]:
        """List deliveries."""
        ...

    def counts(self) -> Mapping[tuple[Channel, DeliveryState], int]:
        """Return how many there are."""
        ...

    def oldest(self) -> datetime | None:
        """Return when the oldest one that waits was made."""
        ...

    def untold(self, since: datetime) -> Sequence[Notification]:
        """Return notifications since an instant, unread and in no delivery, by id."""
        ...

    def told_by(self, delivery: str) -> Sequence[Notification]:
        """Return the notifications that a delivery tells, by id."""
        ...


class Contacts(Protocol):
    """How people want to be told."""

    def of(self, people: Iterable[str]) -> Mapping[str, Contact]:
        """Return what people have chosen, by person; nothing for who chose nothing."""
        ...

    def add(self, contact: Contact) -> None:
        """Keep a first choice."""
        ...

    def save(self, contact: Contact) -> None:
        """Keep the next version."""
        ...


class Watches(Protocol):
    """What was told last about something that is watched, by its name."""

    def all(self) -> Mapping[str, str]:
        """Return every state by name."""
        ...

    def put(self, name: str, state: str) -> None:
        """Keep a state in place of the one before."""
        ...
