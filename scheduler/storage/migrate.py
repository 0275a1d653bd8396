"""Bring a database to the present schema, one process at a time."""

from sqlalchemy import Engine, inspect

from scheduler.storage.engine import begin
from scheduler.storage.engine_tables import events, guards
from scheduler.storage.tables import metadata


def migrate(engine: Engine) -> None:
    """Create or upgrade every table and guard in one transaction of the writer's engine.

    Raises:
        DBAPIError: If the database refuses.
    """
    with engine.connect() as connection:
        begin(connection)
        if not inspect(connection).has_table(events.name):
            metadata.create_all(connection)
            for statement in guards(connection.dialect.name):
                connection.exec_driver_sql(statement)
        connection.commit()
