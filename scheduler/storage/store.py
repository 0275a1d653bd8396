"""The store: one writer, many readers, over SQLite or PostgreSQL."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Self, TypeVar

from scheduler.storage.engine import (
    begin,
    is_trouble,
    reading_engine,
    store_url,
    trouble,
    writing_engine,
)
from scheduler.storage.events import SqlEvents
from scheduler.storage.idempotency import SqlIdempotency
from scheduler.storage.jobs import SqlJobs
from scheduler.storage.migrate import migrate
from scheduler.storage.repositories import Repositories
from scheduler.storage.writer import WAITING, Writer

T = TypeVar("T")


class SqlTransaction(Repositories):
    """All repositories over one connection; each is made when first asked for."""

    @cached_property
    def jobs(self) -> SqlJobs:
        """Jobs and their progress."""
        return SqlJobs(self._connection)

    @cached_property
    def events(self) -> SqlEvents:
        """The log."""
        return SqlEvents(self._connection)

    @cached_property
    def idempotency(self) -> SqlIdempotency:
        """Kept answers."""
        return SqlIdempotency(self._connection)


class SqlStore:
    """Where the center lives; safe to share between threads.

    Args:
        url: ``sqlite:///PATH`` or ``postgresql://…``.
        waiting: commands that may wait for the writer.

    Raises:
        StoreUnavailable: If the store cannot be opened or brought to the present schema.
    """

    def __init__(self, url: str, *, waiting: int = WAITING) -> None:
        address = store_url(url)
        self._reads = reading_engine(address)
        self._writes = writing_engine(address)
        try:
            migrate(self._writes)
        except Exception as failure:
            self._reads.dispose()
            self._writes.dispose()
            if is_trouble(failure):
                raise trouble(failure) from failure
            raise
        self._writer = Writer(self._writes, SqlTransaction, waiting=waiting)

    @property
    def waiting(self) -> int:
        """How many changes wait for the writer, roughly."""
        return self._writer.waiting

    def write(self, command: Callable[[SqlTransaction], T]) -> T:
        """Run a command in the writer and return its answer after the commit.

        Raises:
            StoreBusy: If too many changes wait, or other processes hold the store.
            StoreUnavailable: If the store could not commit; nothing was kept.
        """
        return self._writer.write(command)

    @contextmanager
    def read(self) -> Iterator[SqlTransaction]:
        """Open a read snapshot: all of it is of one instant, and nothing can be written.

        Raises:
            StoreBusy: If every reading connection is in use for too long.
            StoreUnavailable: If the store cannot be read.
        """
        try:
            with self._reads.connect() as connection:
                begin(connection)
                yield SqlTransaction(connection)
        except Exception as failure:
            if is_trouble(failure):
                raise trouble(failure) from failure
            raise

    def close(self) -> None:
        """Finish accepted changes and let the database go; not needed for safety."""
        self._writer.close()
        self._reads.dispose()
        self._writes.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_store(url: str, *, waiting: int = WAITING) -> SqlStore:
    """Open a store, creating it or bringing it to the present schema first.

    Raises:
        StoreUnavailable: If it cannot be opened.
    """
    return SqlStore(url, waiting=waiting)
