"""Notifications in SQL."""

from collections.abc import Iterable

from sqlalchemy import Connection

from scheduler.domain.notifications import Notification
from scheduler.ports.paging import FIRST, Page, Slice
from scheduler.storage import tables
from scheduler.storage.rows import Rows


class SqlNotifications:
    """Notifications over a connection."""

    def __init__(self, connection: Connection) -> None:
        self._rows = Rows(connection, tables.notifications, Notification, "notification")

    def add(self, notifications: Iterable[Notification]) -> None:
        """Keep new notifications."""
        self._rows.insert(notifications)

    def get(self, person: str, id_: str) -> Notification:
        """Return a notification of a person."""
        return self._rows.get(id_, tables.notifications.c.person == person)

    def save(self, notification: Notification) -> None:
        """Keep the next version."""
        self._rows.update(notification)

    def list(
        self, person: str, slice_: Slice = FIRST, *, unread: bool = False
    ) -> Page[Notification]:
        """List the notifications of a person, oldest first; only unread ones if asked."""
        table = tables.notifications
        return self._rows.page(
            slice_, table.c.person == person, table.c.read_at.is_(None) if unread else None
        )
