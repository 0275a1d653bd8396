"""The event log as auditors read it."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.body import StrictRoute
from api.door import Asking
from api.pagination import STANDARD, Cursor, Limit
from api.permissions import declared
from api.replies import Reply
from api.schemas.audit import EventOut
from api.schemas.common import Listing
from scheduler.ports.paging import Page
from scheduler.ports.store import Transaction

router = APIRouter(route_class=StrictRoute, prefix="/api/v1", tags=["audit"])


@router.get("/audit/events", **declared("audit.read", Listing[EventOut], flags="L"))
def list_events(
    caller: Asking,
    cursor: Cursor = None,
    limit: Limit = STANDARD,
    kind: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """List events oldest first, each with the hash that chains it to the one before."""
    after = int(caller.slice(cursor, limit).cursor or 0)

    def query(tx: Transaction) -> Reply:
        found = tuple(tx.events.list(after, limit + 1, kind=kind))
        more = str(found[limit - 1].seq) if len(found) > limit else None
        return caller.listing(Page(found[:limit], more), EventOut.model_validate)

    return caller.show(query)
