"""Deliveries: what leaves the center to tell somebody, kept until it is told or given up."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from scheduler.domain.events import Document
from scheduler.domain.messages import Language

FIRST_WAIT: Final = timedelta(minutes=1)
LONGEST_WAIT: Final = timedelta(hours=4)
PATIENCE: Final = timedelta(days=3)
"""After so long what cannot be told is given up."""
LEASE: Final = timedelta(minutes=10)
"""How long a courier may be silent before another takes what it was to tell."""


class Channel(StrEnum):
    """The way by which something is told."""

    MAIL = "mail"
    """E-mail to a person."""
    WEBHOOK = "webhook"
    """A signed call of another system."""


class DeliveryState(StrEnum):
    """How far a delivery is."""

    WAITING = "waiting"
    """It is to be told."""
    DELIVERED = "delivered"
    """It was taken."""
    GIVEN_UP = "given_up"
    """It was refused for good, or for too long."""


class MailWish(StrEnum):
    """Which mails a person wants."""

    ALL = "all"
    """What is urgent at once, everything else in one digest a day."""
    DIGEST = "digest"
    """One digest a day."""
    NONE = "none"
    """None; the notifications stay to be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """How a person wants to be told; the address stands in the directory.

    Attributes:
        id: of the person.
        language: of mails; both if nothing is chosen.
    """

    id: str
    mail: MailWish = MailWish.ALL
    language: Language | None = None
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Something that is to be told once, by one channel.

    Attributes:
        to: id of a person, or the address of a webhook.
        key: what it is; no two deliveries have the same.
        body: what is told; no address and no name of a person.
        due_at: when it is to be tried next; a courier that takes it moves this on by a lease.
        attempts: how often it was taken.
        problem: what the last attempt met with.
    """

    id: str
    channel: Channel
    to: str
    key: str
    body: Document = field(default_factory=dict)
    made_at: datetime
    due_at: datetime
    state: DeliveryState = DeliveryState.WAITING
    attempts: int = 0
    problem: str = ""
    version: int = 1

    def take(self, now: datetime) -> "Delivery":
        """Let a courier try: until its lease is over nobody else does."""
        return replace(
            self, due_at=now + LEASE, attempts=self.attempts + 1, version=self.version + 1
        )

    def deliver(self) -> "Delivery":
        """Say that it was taken; the first word counts."""
        return self._ended(DeliveryState.DELIVERED, "")

    def give_up(self, problem: str) -> "Delivery":
        """Say that it was refused for good."""
        return self._ended(DeliveryState.GIVEN_UP, problem)

    def put_off(self, now: datetime, problem: str) -> "Delivery":
        """Try again later, each time later, and not for ever."""
        wait = min(FIRST_WAIT * 4 ** min(self.attempts - 1, 8), LONGEST_WAIT)
        if now + wait > self.made_at + PATIENCE:
            return self.give_up(problem)
        if self.state is not DeliveryState.WAITING:
            return self
        return replace(self, due_at=now + wait, problem=problem, version=self.version + 1)

    def _ended(self, state: DeliveryState, problem: str) -> "Delivery":
        if self.state is not DeliveryState.WAITING:
            return self
        return replace(self, state=state, problem=problem, version=self.version + 1)
