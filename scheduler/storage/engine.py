"""Connections: how each database is opened so that it keeps what it promised."""

import sqlite3
import time
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DBAPIError,
    OperationalError,
    ResourceClosedError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from scheduler.domain.errors import DureError, StoreBusy, StoreUnavailable

READERS: Final = 16
"""Read connections of one process."""
BUSY_SECONDS: Final[float] = 5
"""How long one attempt to begin waits for another process's writer."""
BEGIN_ATTEMPTS: Final = 6
"""Attempts to begin before the callers are told that the store is busy."""
PAUSE_SECONDS: Final = 0.05
"""Between attempts where the database itself does not wait."""
WRITE_LOCK: Final = 0x_64_75_72_65
"""PostgreSQL advisory lock that makes every writing transaction wait its turn ("dure")."""

_SQLITE_PRAGMAS: Final = (
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA recursive_triggers = ON",  # else REPLACE would slip past the append-only triggers
    "PRAGMA trusted_schema = OFF",
    "PRAGMA journal_size_limit = 67108864",
)


def store_url(text: str) -> URL:
    """Read a store's address.

    Args:
        text: ``sqlite:///PATH`` or ``postgresql://…``.

    Raises:
        StoreUnavailable: If the address is malformed or names a database we do not support.
    """
    try:
        url = make_url(text)
    except ArgumentError as refusal:
        raise StoreUnavailable(why=f"{text!r} is no store address") from refusal
    backend = url.get_backend_name()
    if backend == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise StoreUnavailable(why=f"a store is SQLite or PostgreSQL, not {backend}")
    if not url.database or url.database == ":memory:":
        raise StoreUnavailable(why="an SQLite store is a file: sqlite:///PATH")
    return url


def writing_engine(url: URL) -> Engine:
    """Return the engine of the one writer: one connection, a write lock from the first moment."""
    if url.get_backend_name() == "sqlite":
        return _sqlite_engine(url, begin="BEGIN IMMEDIATE", connections=1)
    engine = create_engine(
        url,
        pool_size=1,
        max_overflow=0,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",
        connect_args={
            # A writer that is stopped while it holds the lock must not stop the others for ever.
            "options": f"-c lock_timeout={int(BUSY_SECONDS * 1000)} -c synchronous_commit=on "
            "-c idle_in_transaction_session_timeout=60000"
        },
    )
    event.listen(engine, "begin", _wait_for_turn)
    return engine


def reading_engine(url: URL) -> Engine:
    """Return the engine of the readers: snapshots that refuse every write."""
    if url.get_backend_name() == "sqlite":
        return _sqlite_engine(
            url,
            begin="BEGIN",
            connections=READERS,
            last="PRAGMA query_only = ON",
        )
    return create_engine(
        url,
        pool_size=READERS,
        max_overflow=0,
        pool_pre_ping=True,
        isolation_level="REPEATABLE READ",
        connect_args={"options": "-c default_transaction_read_only=on"},
    )


def begin(connection: Connection) -> None:
    """Begin a transaction, waiting a bounded time for writers of other processes.

    Raises:
        OperationalError: If the store stayed busy or is not there.
    """
    for attempt in range(1, BEGIN_ATTEMPTS + 1):
        try:
            connection.begin()
        except OperationalError as refusal:
            if attempt == BEGIN_ATTEMPTS or not is_busy(refusal):
                raise
            time.sleep(0.01 * attempt)
        else:
            return


def is_busy(refusal: BaseException) -> bool:
    """Say whether a database error only means that another writer holds the lock."""
    cause = refusal.orig if isinstance(refusal, DBAPIError) else refusal
    if isinstance(cause, sqlite3.OperationalError):
        primary = (getattr(cause, "sqlite_errorcode", 0) or 0) & 0xFF
        return primary in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
    return getattr(cause, "sqlstate", None) in {"55P03", "40001", "40P01"}


def is_trouble(failure: BaseException) -> bool:
    """Say whether a failure is the database's (disk, network, lock), not ours."""
    if isinstance(failure, PoolTimeout | ResourceClosedError):
        return True
    if not isinstance(failure, DBAPIError):
        return False
    # SQLite says of a file that is none of its own, or damaged, only that it is an error.
    damaged = type(failure) is DatabaseError and isinstance(failure.orig, sqlite3.Error)
    return failure.connection_invalidated or damaged or isinstance(failure, OperationalError)


def trouble(failure: BaseException) -> DureError:
    """Say a database failure in our words: busy (try again soon) or unavailable."""
    if isinstance(failure, PoolTimeout) or is_busy(failure):
        return StoreBusy(why="other writers hold the store")
    cause = failure.orig if isinstance(failure, DBAPIError) else failure
    return StoreUnavailable(why=str(cause).strip())


def _sqlite_engine(url: URL, *, begin: str, connections: int, last: str = "") -> Engine:
    _make_private(Path(str(url.database)))
    engine = create_engine(url, pool_size=connections, max_overflow=0)

    def prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own
        connection.isolation_level = None  # the driver's implicit BEGIN is deferred
        connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
        _write_ahead(connection)
        for pragma in (*_SQLITE_PRAGMAS, *([last] if last else [])):
            connection.execute(pragma)

    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", start)
    return engine


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Let the file keep a write-ahead log; the one who is first may be laying out the schema.

    SQLite does not wait for other writers here, whatever its timeout, so we do.
    """
    for _ in range(int(BUSY_SECONDS / PAUSE_SECONDS)):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as refusal:
            if not is_busy(refusal):
                raise
            time.sleep(PAUSE_SECONDS)
        else:
            return
    connection.execute("PRAGMA journal_mode = WAL")


def _make_private(path: Path) -> None:
    """Make a file that only its owner reads, for it will name people; SQLite's logs follow it.

    Raises:
        StoreUnavailable: If it cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError as refusal:
        raise StoreUnavailable(why=str(refusal)) from refusal


def _wait_for_turn(connection: Connection) -> None:
    # Under READ COMMITTED each later statement sees all that was committed before the lock
    # was granted, so that commands of several processes run one after the other, as on SQLite.
    try:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITE_LOCK})")
    except DBAPIError:
        connection.connection.rollback()  # the driver has begun, the engine not yet
        raise
