"""Change requests in SQL."""

from sqlalchemy import Connection, and_

from scheduler.domain.access import Scope
from scheduler.domain.change_requests import ChangeRequest, ChangeRequestKind
from scheduler.ports.changes import ALL_CHANGE_REQUESTS, ChangeRequestFilter
from scheduler.ports.paging import FIRST, Page, Slice
from scheduler.storage import tables
from scheduler.storage.rows import Rows, equal
from scheduler.storage.visibility import visible_change_requests


class SqlChangeRequests:
    """Change requests over a connection."""

    def __init__(self, connection: Connection) -> None:
        self._rows = Rows(connection, tables.change_requests, ChangeRequest, "change request")

    def get(self, scope: Scope, id_: str, kinds: frozenset[ChangeRequestKind]) -> ChangeRequest:
        """Return the change request of one of these kinds, if visible."""
        of_kind = tables.change_requests.c.kind.in_(sorted(kinds))
        return self._rows.get(id_, and_(visible_change_requests(scope), of_kind))

    def add(self, asked: ChangeRequest) -> None:
        """Keep a new one."""
        self._rows.insert([asked])

    def save(self, asked: ChangeRequest) -> None:
        """Keep the next version."""
        self._rows.update(asked)

    def list(
        self,
        scope: Scope,
        slice_: Slice = FIRST,
        *,
        where: ChangeRequestFilter = ALL_CHANGE_REQUESTS,
    ) -> Page[ChangeRequest]:
        """List visible ones."""
        table = tables.change_requests
        return self._rows.page(
            slice_,
            visible_change_requests(scope),
            table.c.kind.in_(sorted(where.kinds)),
            equal(table.c.award, where.award),
            equal(table.c.state, where.state),
        )
