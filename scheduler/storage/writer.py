"""The one writer: a queue of commands drained into group commits."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Connection, Engine, NestedTransaction
from sqlalchemy.exc import DBAPIError

from scheduler.domain.errors import StoreBusy, StoreUnavailable
from scheduler.storage.engine import begin, is_trouble, trouble

TransactionT = TypeVar("TransactionT")
T = TypeVar("T")

BATCH: Final = 256
"""Commands of one commit at most: bounds how long the first one waits for its answer."""
WAITING: Final = 4096
"""Commands that may wait; the next caller is told that the store is busy."""


@dataclass(frozen=True, slots=True)
class _Pending(Generic[TransactionT]):
    """A command and the place where its answer goes after the commit."""

    command: Callable[[TransactionT], Any]
    answer: Future[Any]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a command returned or raised; nobody sees it before the commit."""

    value: Any = None
    refusal: BaseException | None = None

    def deliver(self, answer: Future[Any]) -> None:
        """Give the outcome to the caller who waits for it."""
        if self.refusal is None:
            answer.set_result(self.value)
        else:
            answer.set_exception(self.refusal)


class Writer(Generic[TransactionT]):
    """Runs commands one after the other on one connection and answers after the commit.

    Commands that arrive while a commit is under way share the next one. Each runs in a
    savepoint: one that raises takes back its own changes and nobody else's. When the commit
    itself fails, every command of it fails, and the writer goes on with the next.

    Args:
        engine: an engine whose transactions hold the write lock from their beginning.
        bind: makes the transaction object that commands receive.
    """

    def __init__(
        self,
        engine: Engine,
        bind: Callable[[Connection], TransactionT],
        *,
        waiting: int = WAITING,
        batch: int = BATCH,
    ) -> None:
        self._engine = engine
        self._bind = bind
        self._batch = batch
        self._queue: queue.Queue[_Pending[TransactionT] | None] = queue.Queue()
        self._waiting = waiting
        self._gate = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="dure-writer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many commands wait for their turn, roughly."""
        return self._queue.qsize()

    def write(self, command: Callable[[TransactionT], T]) -> T:
        """Run a command and return its result after the commit.

        Raises:
            StoreBusy: If too many commands wait already.
            StoreUnavailable: If the store is closed or could not commit; nothing was kept.
            BaseException: Whatever the command raised; its changes are undone.
        """
        if threading.current_thread() is self._thread:
            raise ValueError("A command is a transaction already; it may not open another.")
        answer: Future[T] = Future()
        with self._gate:
            if self._closed:
                raise StoreUnavailable(why="the store is closed")
            if self._queue.qsize() >= self._waiting:
                raise StoreBusy(why=f"{self._waiting} changes wait already")
            self._queue.put(_Pending(command, answer))
        return answer.result()

    def close(self) -> None:
        """Finish what was accepted and stop; safe to call twice."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            batch = [first]
            while len(batch) < self._batch:
                try:
                    following = self._queue.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    self._queue.put(None)  # nothing enters behind the mark, so it stays last
                    break
                batch.append(following)
            self._answer(batch)

    def _answer(self, batch: list[_Pending[TransactionT]]) -> None:
        """Commit a batch and tell each caller; never raises, for the thread must go on."""
        try:
            outcomes = self._commit(batch)
        except BaseException as failure:  # noqa: BLE001 - every caller of the batch hears of it
            for pending in batch:
                error = trouble(failure) if is_trouble(failure) else failure
                error.__cause__ = failure if error is not failure else None
                pending.answer.set_exception(error)
            return
        for pending, outcome in zip(batch, outcomes, strict=True):
            outcome.deliver(pending.answer)

    def _commit(self, batch: list[_Pending[TransactionT]]) -> list[_Outcome]:
        with self._engine.connect() as connection:
            try:
                begin(connection)
                outcomes = [self._attempt(connection, pending.command) for pending in batch]
                connection.commit()
            except BaseException:
                connection.invalidate()  # whatever it still holds ends with it
                raise
        return outcomes

    def _attempt(self, connection: Connection, command: Callable[[TransactionT], Any]) -> _Outcome:
        """Run one command in a savepoint.

        Raises:
            DBAPIError: If the savepoint is gone, because the database gave the whole
                transaction up (disk full, connection lost): then the batch is lost too.
        """
        savepoint = connection.begin_nested()
        try:
            value = command(self._bind(connection))
            savepoint.commit()
        except BaseException as refusal:  # noqa: BLE001 - it is delivered to the caller
            self._take_back(savepoint, refusal)
            if not is_trouble(refusal):
                return _Outcome(refusal=refusal)
            error = trouble(refusal)
            error.__cause__ = refusal
            return _Outcome(refusal=error)
        return _Outcome(value=value)

    def _take_back(self, savepoint: NestedTransaction, refusal: BaseException) -> None:
        try:
            savepoint.rollback()
        except DBAPIError as gone:
            raise (refusal if is_trouble(refusal) else gone) from refusal
