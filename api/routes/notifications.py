"""What the caller is told of, and how: list, say that it is read, choose."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api.body import StrictRoute
from api.door import Asking, Caller
from api.pagination import STANDARD, Cursor, Limit
from api.permissions import ANYONE, declared
from api.replies import Reply, reply
from api.schemas.common import Listing
from api.schemas.notifications import ContactIn, ContactOut, NotificationOut
from scheduler.domain.access import Permit, Scope
from scheduler.domain.deliveries import Contact, MailWish
from scheduler.domain.messages import Language
from scheduler.domain.notifications import Notification
from scheduler.export.notifications import notification_text
from scheduler.operations import deliveries, notifications
from scheduler.ports.store import Transaction

router = APIRouter(route_class=StrictRoute, prefix="/api/v1/me", tags=["me"])
READING: Final = "notification.read"
CHOOSING: Final = "contact.choose"


@router.get("/notifications", **declared(ANYONE, Listing[NotificationOut], flags="L"))
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


@router.post(
    "/notifications/{notification_id}/reads",
    **declared(ANYONE, NotificationOut, ok=201, flags="I"),
)
def read_notification(
    caller: Asking, notification_id: Annotated[str, Path(max_length=64)]
) -> Response:
    """Say that the caller has read a notification; again changes nothing."""

    def command(tx: Transaction) -> Reply:
        read = notifications.read_notification(tx, _own(caller, READING).acting, notification_id)
        return reply(_shown(caller, read), 201)

    return caller.act(command)


@router.get("/contact", **declared(ANYONE, ContactOut))
def read_contact(caller: Asking) -> Response:
    """Say how the caller is told."""
    return caller.show(lambda tx: _contact(deliveries.contact_of(tx, caller.principal.person)))


@router.put("/contact", **declared(ANYONE, ContactOut, flags="M"))
def choose_contact(caller: Asking, body: ContactIn) -> Response:
    """Choose which mails the caller gets, and in which language."""
    wish = Contact(
        id=caller.principal.person,
        mail=MailWish(body.mail),
        language=None if body.language is None else Language(body.language),
    )

    def command(tx: Transaction) -> Reply:
        caller.refuse_blind(wish)
        return _contact(deliveries.choose_contact(tx, _own(caller, CHOOSING).acting, wish))

    return caller.act(command)


def _own(caller: Caller, action: str) -> Caller:
    """Return the caller acting on what is their own."""
    person = caller.principal.person
    return caller.with_permit(Permit(action=action, person=person, scope=Scope(own=person)))


def _contact(contact: Contact) -> Reply:
    return reply(ContactOut.model_validate(contact), version=contact.version)


def _shown(caller: Caller, notification: Notification) -> NotificationOut:
    known = {
        name: getattr(notification, name) for name in NotificationOut.model_fields if name != "text"
    }
    return NotificationOut(**known, text=notification_text(notification, caller.language))
