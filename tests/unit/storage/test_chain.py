"""The log shows what was done to it by whoever got past its guards."""

# ruff: noqa: S608 - the tables are ours

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scheduler.domain.events import Happening
from scheduler.storage.store import open_store

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LENGTH = 12
COLUMNS = ("id", "at", "actor", "kind", "subject", "body", "previous_hash", "hash")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with a log whose guards are gone."""
    file = tmp_path / "dure.db"
    with open_store(f"sqlite:///{file}") as store:
        for number in range(LENGTH):
            told = Happening(
                kind="thing.made", subject=f"s{number}", body={"number": number, "name": "두레"}
            )
            store.write(
                lambda tx, told=told: tx.events.append(
                    told, actor="kim", at=NOW, id_=f"evt_{told.subject}"
                )
            )
    with closing(sqlite3.connect(file)) as connection:
        for (trigger,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        connection.commit()
    return file


def first_broken(path: Path) -> int | None:
    """Return where the chain breaks."""
    with open_store(f"sqlite:///{path}") as store, store.read() as tx:
        return tx.events.first_broken()


def change(path: Path, *statements: str) -> None:
    """Change the database past its guards."""
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_untouched_log_holds(path: Path):
    """A log that nobody touched is whole."""
    assert first_broken(path) is None


def edits() -> Iterator[tuple[int, str, str]]:
    """Every column of some rows, changed in one character."""
    for seq in (1, 5, LENGTH):
        for column in COLUMNS:
            grown = "at + 1" if column == "at" else f"{column} || ' '"
            yield seq, column, grown


@pytest.mark.parametrize(("seq", "column", "grown"), list(edits()))
def test_changed_byte_is_found(path: Path, seq: int, column: str, grown: str):
    """Whatever is changed in an event, even a space in its body, is found at its position."""
    change(path, f"UPDATE events SET {column} = {grown} WHERE seq = {seq}")
    assert seq == first_broken(path)


@pytest.mark.parametrize("seq", [1, 5, LENGTH - 1])
def test_removed_event_is_found(path: Path, seq: int):
    """A removed event is found, also when the later ones move up to close the hole."""
    change(path, f"DELETE FROM events WHERE seq = {seq}")
    assert seq == first_broken(path)
    change(path, f"UPDATE events SET seq = seq - 1 WHERE seq > {seq}")
    assert seq == first_broken(path)


def test_exchanged_events_are_found(path: Path):
    """Two events that change places are found."""
    change(
        path,
        "UPDATE events SET seq = 99 WHERE seq = 4",
        "UPDATE events SET seq = 4 WHERE seq = 8",
        "UPDATE events SET seq = 8 WHERE seq = 99",
    )
    assert 4 == first_broken(path)


def test_inserted_event_is_found(path: Path):
    """An event that was never told is found."""
    change(
        path,
        "UPDATE events SET seq = -seq - 1 WHERE seq >= 6",
        "UPDATE events SET seq = -seq WHERE seq < 0",
        "INSERT INTO events SELECT 6, 'evt_x', at, actor, kind, subject, body, 'p', 'h'"
        " FROM events WHERE seq = 5",
    )
    assert 6 == first_broken(path)


def test_body_that_is_no_json_is_found(path: Path):
    """A body that cannot be read is a broken event, not an error."""
    change(path, "UPDATE events SET body = '{' WHERE seq = 3")
    assert 3 == first_broken(path)


def test_log_cut_at_its_end_differs_from_a_receipt(path: Path):
    """A log that lost its end is whole by itself; the hash on a receipt is what tells."""
    with open_store(f"sqlite:///{path}") as store, store.read() as tx:
        receipt = tx.events.list(limit=LENGTH)[-1].hash
    change(path, f"DELETE FROM events WHERE seq = {LENGTH}")
    assert first_broken(path) is None
    with open_store(f"sqlite:///{path}") as store, store.read() as tx:
        assert receipt not in {event.hash for event in tx.events.list(limit=LENGTH)}
