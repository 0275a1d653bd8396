"""The writer answers after the commit, and a commit that fails is nobody's success."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import OperationalError

from scheduler.domain.errors import StoreUnavailable
from scheduler.storage.engine import store_url, writing_engine
from scheduler.storage.writer import Writer


class Rig:
    """A writer on a table of numbers, whose commits can be watched, held and broken."""

    def __init__(self, path: Path) -> None:
        self.engine = writing_engine(store_url(f"sqlite:///{path}"))
        self.committing = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        self.broken = False
        self.sizes: list[int] = []
        self.writer: Writer[Connection] = Writer(self.engine, lambda connection: connection)
        self.writer.write(lambda c: c.execute(text("CREATE TABLE numbers (n INTEGER UNIQUE)")))
        event.listen(self.engine, "commit", self._on_commit)

    def _on_commit(self, connection: Connection) -> None:
        self.sizes.append(len(numbers(connection)))
        self.committing.set()
        assert self.go_on.wait(10)
        if self.broken:
            raise OperationalError("COMMIT", {}, sqlite3.OperationalError("disk I/O error"))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold every commit back meanwhile."""
        self.committing.clear()
        self.go_on.clear()
        try:
            yield
        finally:
            self.go_on.set()

    def add(self, number: int) -> int:
        """Add a number and return it."""
        self.writer.write(
            lambda c: c.execute(text("INSERT INTO numbers VALUES (:n)"), {"n": number})
        )
        return number

    def until_waiting(self, commands: int) -> None:
        """Wait until so many commands wait for the next commit."""
        end = time.monotonic() + 10
        while self.writer.waiting < commands:
            assert time.monotonic() < end
            time.sleep(0.001)

    def kept(self) -> list[int]:
        """Return what the next command finds."""
        return self.writer.write(numbers)


def numbers(connection: Connection) -> list[int]:
    """Return the numbers in order."""
    return list(connection.execute(text("SELECT n FROM numbers ORDER BY n")).scalars())


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """A writer on a fresh database."""
    rig = Rig(tmp_path / "numbers.db")
    yield rig
    rig.writer.close()
    rig.engine.dispose()


def test_answer_comes_after_the_commit(rig: Rig):
    """Nobody is answered while the commit is under way."""
    with ThreadPoolExecutor(1) as pool:
        with rig.held():
            answer = pool.submit(rig.add, 1)
            assert rig.committing.wait(10)
            with pytest.raises(TimeoutError):
                answer.result(timeout=0.2)
        assert 1 == answer.result(10)


def test_refusal_comes_after_the_commit_too(rig: Rig):
    """A refusal may rest on what others of the batch wrote, so it waits like they do."""

    def refuse(_connection: Connection) -> None:
        raise LookupError("no")

    with ThreadPoolExecutor(1) as pool:
        with rig.held():
            answer = pool.submit(rig.writer.write, refuse)
            assert rig.committing.wait(10)
            with pytest.raises(TimeoutError):
                answer.result(timeout=0.2)
        with pytest.raises(LookupError):
            answer.result(10)


def test_commands_that_wait_share_a_commit(rig: Rig):
    """Whatever arrives during a commit goes into the next one together."""
    with ThreadPoolExecutor(20) as pool:
        with rig.held():
            answers = [pool.submit(rig.add, 0)]
            assert rig.committing.wait(10)
            answers += [pool.submit(rig.add, number) for number in range(1, 20)]
            rig.until_waiting(19)
        assert set(range(20)) == {answer.result(10) for answer in answers}
    assert [1, 20] == rig.sizes


def test_failed_commit_fails_every_command_of_it(rig: Rig):
    """When a commit fails, each of its callers is told, and the writer goes on."""
    rig.broken = True
    with ThreadPoolExecutor(4) as pool:
        with rig.held():
            answers = [pool.submit(rig.add, number) for number in range(4)]
            assert rig.committing.wait(10)
        for answer in answers:
            with pytest.raises(StoreUnavailable, match="disk I/O error"):
                answer.result(10)
    rig.broken = False
    assert [] == rig.kept()
    rig.add(7)
    assert [7] == rig.kept()


def test_each_command_has_a_savepoint_of_its_own(rig: Rig):
    """A command that fails in the midst of a batch takes back its own half and no other's."""

    def half(connection: Connection) -> None:
        connection.execute(text("INSERT INTO numbers VALUES (100)"))
        connection.execute(text("INSERT INTO numbers VALUES (100)"))

    with ThreadPoolExecutor(3) as pool:
        with rig.held():
            first = pool.submit(rig.add, 0)
            assert rig.committing.wait(10)
            second = pool.submit(rig.add, 1)
            rig.until_waiting(1)
            bad = pool.submit(rig.writer.write, half)
        assert (0, 1) == (first.result(10), second.result(10))
        with pytest.raises(Exception, match="UNIQUE"):
            bad.result(10)
    assert [0, 1] == rig.kept()


def test_what_was_accepted_is_finished_at_the_end(rig: Rig):
    """Closing waits for what was accepted and refuses what comes later."""
    with ThreadPoolExecutor(4) as pool:
        with rig.held():
            answers = [pool.submit(rig.add, 0)]
            assert rig.committing.wait(10)
            answers += [pool.submit(rig.add, number) for number in range(1, 4)]
            rig.until_waiting(3)
            closing = threading.Thread(target=rig.writer.close)
            closing.start()
        assert {0, 1, 2, 3} == {answer.result(10) for answer in answers}
        closing.join()
    with pytest.raises(StoreUnavailable):
        rig.add(9)
