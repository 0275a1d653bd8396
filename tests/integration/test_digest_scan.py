"""What couriers look for every half a minute is found by indexes, on both databases."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, event, text

from scheduler.domain.deliveries import Channel, Delivery
from scheduler.domain.notifications import Notification
from scheduler.storage.store import SqlStore, SqlTransaction

NOW = datetime(2026, 11, 26, tzinfo=UTC)
READ, UNREAD = 4000, 40
"""Notifications of a year that are read, and of the last days that are not."""


def filled(tx: SqlTransaction) -> None:
    """Keep many notifications; every other unread one was told of already."""
    tx.notifications.add(
        Notification(
            id=f"ntf_{number:06}",
            person=f"f{number % 400:03}",
            at=NOW - timedelta(minutes=90 * (READ + UNREAD - number)),
            kind="award.offered",
            subject="awd_1",
            event=number,
            read_at=NOW if number < READ else None,
        )
        for number in range(READ + UNREAD)
    )
    told = [f"ntf_{number:06}" for number in range(READ, READ + UNREAD, 2)]
    made = Delivery(
        id="dlv_1", channel=Channel.MAIL, to="f001", key="digest/1", made_at=NOW, due_at=NOW
    )
    tx.deliveries.add(made, told)


def plan(connection: Connection, statement: str, parameters: object) -> str:
    """Return how the database would answer a statement."""
    explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
    rows = connection.exec_driver_sql(f"{explain} {statement}", parameters)
    return "\n".join(str(row[-1]) for row in rows)


def test_the_scan_of_a_digest_reads_what_is_unread_alone(store: SqlStore):
    """By the index of unread notifications and the key of those told, never row by row."""
    store.write(filled)
    store.write(lambda tx: tx._connection.execute(text("ANALYZE")))
    asked: list[tuple[str, object]] = []
    with store.read() as tx:
        connection = tx._connection

        def heard(_connection, _cursor, statement, parameters, _context, _many):
            asked.append((statement, parameters))

        event.listen(connection, "before_cursor_execute", heard)
        found = tx.deliveries.untold(NOW - timedelta(days=7))
        event.remove(connection, "before_cursor_execute", heard)
        (query,) = asked
        said = plan(connection, *query)
    assert UNREAD // 2 == len(found)
    assert "ix_notifications_unread_at" in said, said
    assert not {"SCAN notifications", "Seq Scan on notifications"} & set(_steps(said)), said


def _steps(said: str) -> list[str]:
    """Return the steps of a plan, without costs and arrows."""
    return [line.split("  (")[0].strip(" ->") for line in said.splitlines()]
