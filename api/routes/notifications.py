"""What the caller is told of: list, say that it is read."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api.body import StrictRoute
from api.door import Asking, Caller
from api.pagination import STANDARD, Cursor, Limit
from api.permissions import ANYONE, declared
from api.replies import Reply, reply
from api.schemas.common import Listing
from api.schemas.notifications import NotificationOut
from scheduler.domain.access import Permit, Scope
from scheduler.domain.notifications import Notification
from scheduler.export.notifications import notification_text
from scheduler.operations import notifications
from scheduler.ports.store import Transaction

router = APIRouter(route_class=StrictRoute, prefix="/api/v1/me/notifications", tags=["me"])
READING: Final = "notification.read"


@router.get("", **declared(ANYONE, Listing[NotificationOut], flags="L"))
def list_notifications(
    caller: Asking,
    *,
    cursor: Cursor = None,
    limit: Limit = STANDARD,
    unread: Annotated[bool, Query(description="Only what is not read yet.")] = False,
) -> Response:
    """List what the caller is told, oldest first."""
    part, person = caller.slice(cursor, limit), caller.principal.person
    return caller.show(
        lambda tx: caller.listing(
            notifications.list_notifications(tx, person, part, unread=unread),
            lambda each: _shown(caller, each),
        )
    )


@router.post("/{notification_id}/reads", **declared(ANYONE, NotificationOut, ok=201, flags="I"))
def read_notification(
    caller: Asking, notification_id: Annotated[str, Path(max_length=64)]
) -> Response:
    """Say that the caller has read a notification; again changes nothing."""
    person = caller.principal.person
    own = Permit(action=READING, person=person, scope=Scope(own=person))

    def command(tx: Transaction) -> Reply:
        read = notifications.read_notification(tx, caller.with_permit(own).acting, notification_id)
        return reply(_shown(caller, read), 201)

    return caller.act(command)


def _shown(caller: Caller, notification: Notification) -> NotificationOut:
    known = {
        name: getattr(notification, name) for name in NotificationOut.model_fields if name != "text"
    }
    return NotificationOut(**known, text=notification_text(notification, caller.language))
