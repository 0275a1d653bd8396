"""The steps of the schema end where the tables say, on both databases."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, insert, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from scheduler.domain.access import Role
from scheduler.domain.directory import GrantState, RoleGrant
from scheduler.domain.errors import StoreUnavailable
from scheduler.domain.events import Happening
from scheduler.domain.names import made
from scheduler.storage.migrations.versions import r0001_lay_out_the_center as first
from scheduler.storage.migrations.versions import r0013_tell_agents_from_collectors as agents
from scheduler.storage.migrations.versions import r0015_bind_agents_to_clusters as binding
from scheduler.storage.store import SqlStore, SqlTransaction
from scheduler.storage.tables.engine import events
from tests.unit.operations.center import IDS

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)


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
            assert ["0016"] == list(
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


def test_who_reported_for_a_cluster_is_its_agent_from_then_on(store: SqlStore):
    """Their tokens go on pulling plans; a collector who never did gets no new role."""

    def before(tx: SqlTransaction) -> None:
        for person in ("slurm", "slurm2", "feed"):
            tx.role_grants.add(_collector(person))
        for person in ("slurm", "slurm", "slurm2", "op"):
            told = Happening(kind="enforcement.reported", subject="duru")
            tx.events.append(told, actor=person, at=AT, id_=IDS.new("evt", AT))
        context = MigrationContext.configure(tx._connection)
        with Operations.context(context):
            agents.upgrade()

    store.write(before)
    with store.read() as tx:
        roles = {
            person: [each.role for each in tx.role_grants.of(person)]
            for person in ("slurm", "slurm2", "feed", "op")
        }
        (granted,) = [each for each in tx.role_grants.of("slurm") if each.role is Role.AGENT]
    both = [Role.AGENT, Role.COLLECTOR]
    assert {"slurm": both, "slurm2": both, "feed": [Role.COLLECTOR], "op": []} == {
        person: sorted(found) for person, found in roles.items()
    }
    assert made(granted.id, "rol")
    assert GrantState.EFFECTIVE is granted.state


def test_agents_keep_the_clusters_that_they_reported_for(store: SqlStore):
    """One grant a cluster; who never reported is bound to none, and may be granted anew."""

    def before(tx: SqlTransaction) -> None:
        tx._connection.execute(text("ALTER TABLE role_grants DROP COLUMN cluster"))
        for person in ("slurm", "both", "idle"):
            row = {"id": IDS.new("rol", AT), "person": person, "at": 0}
            tx._connection.execute(
                text(
                    "INSERT INTO role_grants (id, person_id, role, state, proposed_by, proposed_at,"
                    " version) VALUES (:id, :person, 'agent', 'effective', 'adm', :at, 1)"
                ),
                row,
            )
        for person, cluster in (("slurm", "duru"), ("both", "duru"), ("both", "nuri")):
            told = Happening(kind="enforcement.reported", subject=cluster)
            tx.events.append(told, actor=person, at=AT, id_=IDS.new("evt", AT))
        with Operations.context(MigrationContext.configure(tx._connection)):
            binding.upgrade()

    store.write(before)
    with store.read() as tx:
        bound = {
            person: sorted(str(each.cluster) for each in tx.role_grants.of(person))
            for person in ("slurm", "both", "idle")
        }
    assert {"slurm": ["duru"], "both": ["duru", "nuri"], "idle": ["None"]} == bound


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


def _collector(person: str) -> RoleGrant:
    return RoleGrant(
        id=IDS.new("rol", AT),
        person=person,
        role=Role.COLLECTOR,
        group=None,
        institute=None,
        state=GrantState.EFFECTIVE,
        proposed_by="adm",
        proposed_at=AT,
        decided_by="adm2",
        decided_at=AT,
    )


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
