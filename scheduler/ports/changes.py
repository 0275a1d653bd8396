"""Change requests."""

from dataclasses import dataclass
from typing import Protocol

from scheduler.domain.access import Scope
from scheduler.domain.change_requests import ChangeRequest, ChangeRequestKind, ChangeRequestState
from scheduler.ports.paging import FIRST, Page, Slice

EVERY_KIND = frozenset(ChangeRequestKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRequestFilter:
    """Which change requests a list is about; what is not said is not filtered."""

    kinds: frozenset[ChangeRequestKind] = EVERY_KIND
    award: str | None = None
    state: ChangeRequestState | None = None


ALL_CHANGE_REQUESTS = ChangeRequestFilter()


class ChangeRequests(Protocol):
    """Change requests by id."""

    def get(self, scope: Scope, id_: str, kinds: frozenset[ChangeRequestKind]) -> ChangeRequest:
        """Return the change request of one of these kinds, if visible."""
        ...

    def add(self, asked: ChangeRequest) -> None:
        """Keep a new one."""
        ...

    def save(self, asked: ChangeRequest) -> None:
        """Keep the next version."""
        ...

    def list(
        self,
        scope: Scope,
        slice_: Slice = FIRST,
        *,
        where: ChangeRequestFilter = ALL_CHANGE_REQUESTS,
    ) -> Page[ChangeRequest]:
        """List visible ones."""
        ...
