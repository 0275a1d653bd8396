"""The log: events that nobody changes, each chained to the one before."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, select

from scheduler.domain.events import Event, Happening
from scheduler.storage.tables.engine import events
from solver.canonical import canonical, digest

BEGINNING: Final = "0" * 64
"""What the first event names as the hash before it."""
STRIDE: Final = 1000
"""Events held in memory at once while the chain is checked."""
# Made once: building a statement costs more than running it.
_LAST: Final = select(events.c.seq, events.c.hash).order_by(events.c.seq.desc()).limit(1)
_INSERT: Final = insert(events)


def event_digest(event: Event) -> str:
    """Return the SHA-256 of the canonical JSON of all fields of an event but its hash."""
    return digest(
        {
            "seq": event.seq,
            "id": event.id,
            "at": _instant(event.at),
            "actor": event.actor,
            "kind": event.kind,
            "subject": event.subject,
            "body": dict(event.body),
            "previous_hash": event.previous_hash,
        }
    )


class SqlEvents:
    """The log in a database; the write lock makes its positions follow one another."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, happening: Happening, *, actor: str, at: datetime, id_: str) -> Event:
        """Add one event at the end of the chain."""
        last = self._connection.execute(_LAST).one_or_none()
        body = canonical(dict(happening.body))
        event = _chained(
            id=id_,
            seq=1 if last is None else last.seq + 1,
            at=at,
            actor=actor,
            kind=happening.kind,
            subject=happening.subject,
            body=json.loads(body),
            previous_hash=BEGINNING if last is None else last.hash,
        )
        self._connection.execute(_INSERT, _row(event, body.decode()))
        return event

    def of(self, subject: str) -> Sequence[Event]:
        """Return the events of a subject, oldest first."""
        query = select(events).where(events.c.subject == subject).order_by(events.c.seq)
        return [_event(row) for row in self._connection.execute(query)]

    def list(self, after: int = 0, limit: int = 50, *, kind: str | None = None) -> Sequence[Event]:
        """Return events later than a position, oldest first."""
        query = select(events).where(events.c.seq > after).order_by(events.c.seq).limit(limit)
        if kind is not None:
            query = query.where(events.c.kind == kind)
        return [_event(row) for row in self._connection.execute(query)]

    def last(self) -> int:
        """Return the position of the last event, 0 before the first."""
        return self._connection.execute(select(func.max(events.c.seq))).scalar() or 0

    def latest(self, kind: str, after: int = 0) -> Mapping[str, datetime]:
        """Return when each subject last had an event of a kind, later than a position."""
        query = select(events.c.subject, func.max(events.c.at)).where(
            events.c.kind == kind, events.c.seq > after
        )
        rows = self._connection.execute(query.group_by(events.c.subject))
        return {subject: at for subject, at in rows if at is not None}

    def first_broken(self) -> int | None:
        """Return the first position at which the chain does not hold, or nothing.

        Found are changed, removed, inserted and reordered events. Events cut off the end are
        found by comparing with a hash that someone outside holds, such as a receipt.
        """
        position, before = 0, BEGINNING
        while True:
            query = select(events).where(events.c.seq > position).order_by(events.c.seq)
            rows = self._connection.execute(query.limit(STRIDE)).all()
            for row in rows:
                if not _holds(row, position + 1, before):
                    return position + 1
                position, before = row.seq, row.hash
            if len(rows) < STRIDE:
                return None


def _chained(**fields: Any) -> Event:  # noqa: ANN401 - the fields of an event
    return _sealed(Event(**fields, hash=""))


def _sealed(event: Event) -> Event:
    return Event(**_fields(event), hash=event_digest(event))


def _fields(event: Event) -> dict[str, Any]:
    names = ("seq", "id", "at", "actor", "kind", "subject", "body", "previous_hash")
    return {name: getattr(event, name) for name in names}


def _row(event: Event, body: str) -> dict[str, Any]:
    return {**_fields(event), "body": body, "hash": event.hash}


def _event(row: Row[Any]) -> Event:
    return Event(**{**row._mapping, "body": json.loads(row.body)})  # noqa: SLF001 - public by its documentation


def _holds(row: Row[Any], seq: int, before: str) -> bool:
    """Say whether a row is what was chained at this position, to the byte."""
    if row.seq != seq or row.previous_hash != before:
        return False
    try:
        event = _event(row)
        return (canonical(event.body).decode(), event_digest(event)) == (row.body, row.hash)
    except ValueError:
        return False


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
