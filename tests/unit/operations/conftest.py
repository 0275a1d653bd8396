"""A transaction over an empty store in memory."""

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine

from scheduler.ports.store import Transaction
from scheduler.storage.store import SqlTransaction
from scheduler.storage.tables import metadata


@pytest.fixture
def tx() -> Iterator[Transaction]:
    """An empty center."""
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        metadata.create_all(connection)
        yield SqlTransaction(connection)
        connection.rollback()
    engine.dispose()
