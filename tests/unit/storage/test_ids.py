"""Ids sort by time and are version 7 UUIDs."""

import secrets
import uuid
from datetime import UTC, datetime, timedelta

from scheduler.domain.names import made
from scheduler.storage.ids import LETTERS, Uuid7Ids

NOW = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)


def test_ids_sort_by_time():
    """Ids made a microsecond fraction apart sort in the order they were made."""
    ids = Uuid7Ids(secrets.token_bytes)
    made_in_order = [ids.new("req", NOW + timedelta(microseconds=n)) for n in range(0, 5000, 7)]
    assert sorted(made_in_order) == made_in_order


def test_id_is_a_version_7_uuid():
    """The letters after the prefix are a UUID of version 7 and hold the millisecond."""
    id_ = Uuid7Ids(secrets.token_bytes).new("req", NOW)
    assert made(id_, "req")
    value = 0
    for letter in id_.removeprefix("req_"):
        value = value * 32 + LETTERS.index(letter)
    parsed = uuid.UUID(int=value)
    assert (7, uuid.RFC_4122) == (parsed.version, parsed.variant)
    assert int(NOW.timestamp() * 1000) == value >> 80
