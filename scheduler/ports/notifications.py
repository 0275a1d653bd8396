"""Notifications by person."""

from collections.abc import Iterable
from typing import Protocol

from scheduler.domain.notifications import Notification
from scheduler.ports.paging import FIRST, Page, Slice


class Notifications(Protocol):
    """What people are told."""

    def add(self, notifications: Iterable[Notification]) -> None:
        """Keep new notifications."""
        ...

    def get(self, person: str, id_: str) -> Notification:
        """Return a notification of a person; refuses with `NotFound`."""
        ...

    def save(self, notification: Notification) -> None:
        """Keep the next version."""
        ...

    def list(
        self, person: str, slice_: Slice = FIRST, *, unread: bool = False
    ) -> Page[Notification]:
        """List the notifications of a person, oldest first; only unread ones if asked."""
        ...
