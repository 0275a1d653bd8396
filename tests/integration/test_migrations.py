"""The steps of the schema end where the tables say, on both databases."""

from collections.abc import Callable

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, insert, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from scheduler.domain.errors import StoreUnavailable
from scheduler.storage.engine_tables import events
from scheduler.storage.migrations.versions import r0001_lay_out_the_center as first
from scheduler.storage.store import SqlStore, SqlTransaction


def test_migrated_schema_is_what_the_tables_say(store: SqlStore):
    """Nothing is to be added, removed or changed after the last step."""
    with store.read() as tx:
        context = MigrationContext.configure(tx._connection, opts={"compare_type": True})
        differences = compare_metadata(context, events.metadata)
    assert [] == differences, 'python -m scheduler.storage.migrations "Say what changes"'


def test_opening_again_changes_nothing(open_one: Callable[[], SqlStore]):
    """A store at the present schema is opened as it is."""
    for _ in range(2):
        with open_one().read() as tx:
            assert ["0011"] == list(
                tx._connection.execute(text("SELECT version_num FROM alembic_version")).scalars()
            )


def test_newer_schema_is_refused(open_one: Callable[[], SqlStore]):
    """Old software does not touch a database that newer software has changed."""
    open_one().write(
        lambda tx: tx._connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    )
    with pytest.raises(StoreUnavailable, match="9999 is newer"):
        open_one()


@pytest.mark.parametrize(
    "table",
    [*first.APPEND_ONLY, "ledger_transfers", "usage_entries", "award_changes", "person_moves"],
)
def test_append_only_tables_refuse_change(store: SqlStore, table: str):
    """The database itself refuses to change or remove a row of a table that only grows."""
    store.write(lambda tx: _any_row(tx, table))
    changes = (f"UPDATE {table} SET {_column(table)} = 'x'", f"DELETE FROM {table}")  # noqa: S608
    for change in changes:
        with pytest.raises(DBAPIError, match="append-only"):
            store.write(lambda tx, change=change: tx._connection.execute(text(change)))


def test_two_live_jobs_never_share_an_identity(store: SqlStore):
    """The database itself refuses a second live job of the same identity."""
    row = (
        "INSERT INTO jobs (id, kind, subject, identity, payload, created_by, created_at, state,"
        " attempt, fence, version) VALUES (:id, 'solve', 'rnd', 'same', '{}', 'kim', 0, :state,"
        " 0, 0, 1)"
    )

    def add(id_: str, state: str) -> None:
        store.write(lambda tx: tx._connection.execute(text(row), {"id": id_, "state": state}))

    for number, state in enumerate(("done", "failed", "done", "queued")):
        add(f"slv_{number}", state)
    with pytest.raises(IntegrityError):
        add("slv_9", "running")


def _column(table: str) -> str:
    return "label" if table == "explanations" else "id"


def _any_row(tx: SqlTransaction, table: str) -> None:
    row = MetaData()
    row.reflect(tx._connection, only=[table])
    values = {
        column.name: {"JSON": {}, "TEXT": "x"}.get(str(column.type), 1)
        for column in row.tables[table].columns
    }
    tx._connection.execute(insert(row.tables[table]).values(values))
