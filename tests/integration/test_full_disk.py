"""A full disk is a clear error; nothing is half-written, and with room again writes go on."""

import multiprocessing
import resource
import secrets
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from sqlalchemy import text

from scheduler.domain.errors import DureError, StoreUnavailable
from scheduler.domain.events import Happening
from scheduler.storage.store import SqlStore, SqlTransaction, open_store

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ROOM = 256 * 1024


def put(tx: SqlTransaction, name: str) -> None:
    """Write an event and a document of 64 KiB."""
    told = Happening(kind="thing.made", subject=name)
    tx.events.append(told, actor="kim", at=NOW, id_=f"evt_{name}")
    tx.documents.put(name, '"' + secrets.token_hex(32 * 1024) + '"')


def attempt(store: SqlStore, name: str) -> str:
    """Write and return the code of the refusal, or nothing."""
    try:
        store.write(lambda tx: put(tx, name))
    except DureError as refusal:
        return refusal.code
    return ""


def fill(url: str, path: Path, pipe: Connection) -> None:
    """Write from many threads while files may hardly grow, then with room again."""
    with open_store(url) as store, ThreadPoolExecutor(8) as pool:
        size = max(file.stat().st_size for file in path.iterdir())
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + ROOM, resource.RLIM_INFINITY))
        names = [f"n{number}" for number in range(48)]
        full = dict(zip(names, pool.map(lambda name: attempt(store, name), names), strict=True))
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        after = [f"a{number}" for number in range(16)]
        again = dict(zip(after, pool.map(lambda name: attempt(store, name), after), strict=True))
    pipe.send((full, again))


def subjects(store: SqlStore) -> set[str]:
    """Return what the log is about, after checking its chain."""
    with store.read() as tx:
        assert tx.events.first_broken() is None
        return {event.subject for event in tx.events.list(limit=1000)}


def test_full_disk_fails_clearly_and_keeps_nothing_of_it(tmp_path: Path):
    """When files cannot grow, what failed left nothing, what was acknowledged is there."""
    url = f"sqlite:///{tmp_path / 'dure.db'}"
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=fill, args=(url, tmp_path, theirs))
    process.start()
    full, again = ours.recv()
    process.join()
    assert {"store-unavailable"} == set(full.values()) - {""}
    assert {""} == set(again.values())
    acknowledged = {name for name, code in (full | again).items() if not code}
    with open_store(url) as store:
        assert acknowledged == subjects(store)
    with sqlite3.connect(tmp_path / "dure.db") as connection:
        assert [("ok",)] == connection.execute("PRAGMA integrity_check").fetchall()
    connection.close()


def test_statement_that_finds_no_room_spoils_no_later_write(tmp_path: Path):
    """When the database is full in the midst of a command, the next one goes through."""
    with open_store(f"sqlite:///{tmp_path / 'dure.db'}") as store:

        def cramped(tx: SqlTransaction) -> None:
            tx._connection.execute(text("PRAGMA max_page_count = 1"))  # no more than there are
            put(tx, "n1")

        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="database or disk is full"):
                store.write(cramped)
            assert "" == attempt(store, f"a{secrets.token_hex(4)}")
        assert "n1" not in subjects(store)
