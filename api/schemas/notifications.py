"""Notifications as they are read."""

from api.schemas.common import Shown
from api.schemas.fields import Instant


class NotificationOut(Shown):
    """One event that the caller is told of; `event` is its position in the log."""

    id: str
    at: Instant
    kind: str
    subject: str
    text: str
    event: int
    read_at: Instant | None
