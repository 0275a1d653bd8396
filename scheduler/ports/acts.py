"""Who acts, under which permission, when; and who makes ids."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from scheduler.domain.access import Permit, Scope
from scheduler.domain.errors import VersionMismatch


class Ids(Protocol):
    """Makes ids that sort by time."""

    def new(self, prefix: str, now: datetime) -> str:
        """Return ``prefix_`` and a UUIDv7 in lower-case Crockford base32 (26 letters)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who acts under which permission, when, and what they last read.

    Attributes:
        now: the server's receive time; deadlines are decided by it.
        if_version: the version that was read; the act is refused if it is not the current one.
    """

    permit: Permit
    now: datetime
    ids: Ids
    if_version: int | None = None

    @property
    def person(self) -> str:
        """Id of who acts."""
        return self.permit.person

    @property
    def scope(self) -> Scope:
        """What the act reaches."""
        return self.permit.scope

    def new(self, prefix: str) -> str:
        """Return a new id."""
        return self.ids.new(prefix, self.now)

    def expect(self, kind: str, id_: str, version: int) -> None:
        """Refuse to act on another version than the one that was read.

        Raises:
            VersionMismatch: If the current version is another.
        """
        if self.if_version is not None and self.if_version != version:
            raise VersionMismatch(kind=kind, id=id_, expected=self.if_version, current=version)
