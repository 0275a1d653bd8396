"""The store keeps what it acknowledged, on both databases."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from scheduler.domain.errors import StoreBusy, StoreUnavailable
from scheduler.domain.events import Event, Happening
from scheduler.ports.kept import KeptAnswer
from scheduler.storage import engine
from scheduler.storage.engine import store_url as read_store_url
from scheduler.storage.engine import writing_engine
from scheduler.storage.store import SqlStore, SqlTransaction, open_store

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def append(tx: SqlTransaction, id_: str, **body: str) -> Event:
    """Append an event."""
    told = Happening(kind="thing.happened", subject="thing", body=body)
    return tx.events.append(told, actor="someone", at=NOW, id_=id_)


def answer(key: str) -> KeptAnswer:
    """Return a kept answer under a key."""
    return KeptAnswer(
        principal="kim",
        operation="POST /requests",
        key=key,
        fingerprint="f" * 64,
        status=201,
        headers={"Location": "/requests/1"},
        body='{"제목": "두레"}',
        at=NOW,
    )


def test_write_is_read_back(store: SqlStore):
    """What a command wrote is there for every later reader."""
    written = store.write(lambda tx: append(tx, "evt_1", fact="하나"))
    with store.read() as tx:
        assert [written] == list(tx.events.list())


def test_reopened_store_keeps_everything(open_one: Callable[[], SqlStore]):
    """Closing and opening a store again changes nothing."""
    first = open_one()
    written = first.write(lambda tx: append(tx, "evt_1"))
    first.close()
    with open_one().read() as tx:
        assert [written] == list(tx.events.list())


def test_failing_command_takes_back_only_itself(store: SqlStore):
    """A command that raises leaves nothing, and its neighbours in the batch stay."""

    def fail(tx: SqlTransaction) -> None:
        append(tx, "evt_bad")
        raise LookupError("no")

    def either(number: int) -> object:
        if number % 3 == 0:
            with pytest.raises(LookupError):
                store.write(fail)
            return None
        return store.write(lambda tx: append(tx, f"evt_{number}")).id

    with ThreadPoolExecutor(16) as pool:
        acknowledged = {id_ for id_ in pool.map(either, range(60)) if id_}
    with store.read() as tx:
        assert acknowledged == {event.id for event in tx.events.list(limit=500)}
        assert tx.events.first_broken() is None


def test_two_processes_of_writers_share_one_chain(open_one: Callable[[], SqlStore]):
    """Two stores on one database write one chain without holes or forks."""
    stores = [open_one(), open_one()]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: stores[n % 2].write(lambda tx: append(tx, f"evt_{n}")), range(100)))
    with stores[0].read() as tx:
        assert list(range(1, 101)) == [event.seq for event in tx.events.list(limit=500)]
        assert tx.events.first_broken() is None


def test_stores_open_at_the_same_moment(open_one: Callable[[], SqlStore]):
    """Processes that start together all find the schema."""
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: open_one(), range(4)))
    for number, store in enumerate(opened):
        store.write(lambda tx, n=number: append(tx, f"evt_{n}"))
    with opened[0].read() as tx:
        assert 4 == len(tx.events.list())


def test_read_is_a_snapshot(store: SqlStore):
    """A reader sees one instant, whatever is written meanwhile."""
    store.write(lambda tx: append(tx, "evt_1"))
    with store.read() as tx:
        assert 1 == len(tx.events.list())
        store.write(lambda tx: append(tx, "evt_2"))
        assert 1 == len(tx.events.list())
    with store.read() as tx:
        assert 2 == len(tx.events.list())


def test_reader_cannot_write(store: SqlStore):
    """A read snapshot refuses every write."""
    with store.read() as tx, pytest.raises(DBAPIError):
        append(tx, "evt_1")


@pytest.mark.parametrize(
    "change", ["UPDATE events SET actor = 'other'", "DELETE FROM events"], ids=["update", "delete"]
)
def test_events_are_append_only(store: SqlStore, change: str):
    """The database itself refuses to change or remove an event."""
    store.write(lambda tx: append(tx, "evt_1"))
    with pytest.raises(DBAPIError, match="append-only"):
        store.write(lambda tx: tx._connection.execute(text(change)))
    with store.read() as tx:
        assert tx.events.first_broken() is None


def test_events_follow_one_another(store: SqlStore):
    """The database itself refuses an event that leaves a hole or takes a used place."""
    store.write(lambda tx: append(tx, "evt_1"))
    for seq in (1, 3):
        with pytest.raises(DBAPIError, match="follow one another"):
            store.write(
                lambda tx, seq=seq: tx._connection.execute(
                    text(
                        "INSERT INTO events (seq, id, at, actor, kind, subject, body,"
                        " previous_hash, hash) VALUES (:seq, 'x', 0, 'x', 'x', 'x', '{}', 'p', 'h')"
                    ),
                    {"seq": seq},
                )
            )


def test_kept_answer_is_found(store: SqlStore):
    """A kept answer comes back to the byte, and only under its own key."""
    store.write(lambda tx: tx.idempotency.keep(answer("key-1")))
    with store.read() as tx:
        assert answer("key-1") == tx.idempotency.find("kim", "POST /requests", "key-1")
        assert tx.idempotency.find("lee", "POST /requests", "key-1") is None
        assert tx.idempotency.find("kim", "POST /requests", "key-2") is None


def test_same_key_at_the_same_moment_has_one_effect(open_one: Callable[[], SqlStore]):
    """Many first tries with one key, in two processes, happen once; the others find the answer."""
    stores = [open_one(), open_one()]

    def once(tx: SqlTransaction) -> bool:
        if tx.idempotency.find("kim", "POST /requests", "key-1") is not None:
            return False
        append(tx, "evt_1")
        tx.idempotency.keep(answer("key-1"))
        return True

    with ThreadPoolExecutor(16) as pool:
        effects = list(pool.map(lambda n: stores[n % 2].write(once), range(32)))
    assert 1 == sum(effects)


def test_full_queue_is_refused(store_url: str):
    """When too many commands wait, the next caller is told so at once."""
    release = threading.Event()
    with open_store(store_url, waiting=1) as store, ThreadPoolExecutor(2) as pool:
        held = threading.Event()

        def hold(_tx: SqlTransaction) -> bool:
            held.set()
            return release.wait(10)

        running = pool.submit(store.write, hold)
        assert held.wait(10)
        waiting = pool.submit(store.write, lambda tx: append(tx, "evt_1"))
        while store.waiting < 1:
            time.sleep(0.001)
        with pytest.raises(StoreBusy):
            store.write(lambda tx: append(tx, "evt_2"))
        release.set()
        assert running.result(10)
        assert "evt_1" == waiting.result(10).id


def test_closed_store_refuses(store: SqlStore):
    """A closed store finishes what it took and takes no more."""
    store.write(lambda tx: append(tx, "evt_1"))
    store.close()
    with pytest.raises(StoreUnavailable):
        store.write(lambda tx: append(tx, "evt_2"))


def test_command_may_not_write_again(store: SqlStore):
    """A command that writes through the store is our mistake, not a deadlock."""
    with pytest.raises(ValueError, match="transaction"):
        store.write(lambda _tx: store.write(lambda tx: append(tx, "evt_1")))


class Holder:
    """Another process's writer that takes its time."""

    def __init__(self, store_url: str) -> None:
        engine = writing_engine(read_store_url(store_url))
        self.connection = engine.connect()
        self.connection.begin()
        self.engine = engine

    def let_go(self) -> None:
        """End its transaction."""
        self.connection.rollback()
        self.connection.close()
        self.engine.dispose()


def test_writer_waits_for_another_process(
    open_one: Callable[[], SqlStore], store_url: str, monkeypatch: pytest.MonkeyPatch
):
    """While another process writes, a command waits over several attempts, then goes through."""
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.1)
    store = open_one()
    other = Holder(store_url)
    threading.Timer(0.3, other.let_go).start()
    assert 1 == store.write(lambda tx: append(tx, "evt_1")).seq


def test_writer_gives_up_on_another_process(
    open_one: Callable[[], SqlStore], store_url: str, monkeypatch: pytest.MonkeyPatch
):
    """When another process never ends, the caller is told to come back, and may."""
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.1)
    monkeypatch.setattr(engine, "BEGIN_ATTEMPTS", 2)
    store = open_one()
    other = Holder(store_url)
    with pytest.raises(StoreBusy):
        store.write(lambda tx: append(tx, "evt_1"))
    other.let_go()
    assert 1 == store.write(lambda tx: append(tx, "evt_1")).seq


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("mysql://localhost/dure", "SQLite or PostgreSQL"),
        ("sqlite://", "a file"),
        ("nonsense", "no store address"),
        ("sqlite:////proc/none/dure.db", "/proc/none"),
        ("postgresql://localhost:1/dure", "refused"),
    ],
)
def test_store_that_cannot_be_opened_says_why(address: str, said: str):
    """An address that leads nowhere is refused in words."""
    with pytest.raises(StoreUnavailable, match=said):
        open_store(address)


def test_file_that_is_no_store_is_refused(tmp_path: Path):
    """A file that holds something else is not touched."""
    file = tmp_path / "notes.txt"
    file.write_text("What we promised. " * 100)
    with pytest.raises(StoreUnavailable, match="not a database"):
        open_store(f"sqlite:///{file}")
    assert file.read_text().startswith("What we promised.")


def test_embedded_store_is_for_its_owner_alone(tmp_path: Path):
    """The files of an embedded store name people, so that nobody else may read them."""
    with open_store(f"sqlite:///{tmp_path / 'var' / 'dure.db'}") as store:
        store.write(lambda tx: append(tx, "evt_1"))
        modes = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "var").iterdir()}
    assert {"dure.db": 0o600, "dure.db-shm": 0o600, "dure.db-wal": 0o600} == modes
