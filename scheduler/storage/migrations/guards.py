"""What the database itself refuses: changing or removing what is append-only."""

from collections.abc import Iterator
from typing import Final

_SQLITE: Final = (
    """CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table}
BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END""",
    """CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}
BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END""",
)
_SQLITE_CHAIN: Final = (
    # It also stops REPLACE, which removes the old row without firing its triggers.
    """CREATE TRIGGER events_in_order BEFORE INSERT ON events
WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM events)
BEGIN SELECT RAISE(ABORT, 'events follow one another'); END""",
)
_POSTGRESQL_REFUSAL: Final = """CREATE OR REPLACE FUNCTION dure_append_only() RETURNS trigger
LANGUAGE plpgsql AS $$ BEGIN
RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append-only'; END $$"""
_POSTGRESQL: Final = (
    """CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table}
FOR EACH ROW EXECUTE FUNCTION dure_append_only()""",
    """CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION dure_append_only()""",
)
_POSTGRESQL_CHAIN: Final = (
    """CREATE FUNCTION dure_in_order() RETURNS trigger
LANGUAGE plpgsql AS $$ BEGIN
IF NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM events) THEN
RAISE EXCEPTION 'events follow one another'; END IF; RETURN NEW; END $$""",
    """CREATE TRIGGER events_in_order BEFORE INSERT ON events
FOR EACH ROW EXECUTE FUNCTION dure_in_order()""",
)


def append_only(dialect: str, table: str) -> Iterator[str]:
    """Yield the statements that make a table append-only.

    Args:
        dialect: ``sqlite`` or ``postgresql``.
        table: its name.
    """
    if dialect == "postgresql":
        yield _POSTGRESQL_REFUSAL
    for statement in _SQLITE if dialect == "sqlite" else _POSTGRESQL:
        yield statement.format(table=table)


def in_order(dialect: str) -> Iterator[str]:
    """Yield the statements that let the log have no holes and no forks."""
    yield from _SQLITE_CHAIN if dialect == "sqlite" else _POSTGRESQL_CHAIN
