"""Bring a database to the present schema, one process at a time."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from scheduler.domain.errors import StoreUnavailable
from scheduler.storage.engine import begin

STEPS: Final = Path(__file__).with_name("migrations")


def migrate(engine: Engine) -> None:
    """Take every step that is missing, in one transaction of the writer's engine.

    Raises:
        StoreUnavailable: If the database is newer than this software.
        DBAPIError: If the database refuses.
    """
    with engine.connect() as connection:
        begin(connection)
        settings = steps(connection)
        script = ScriptDirectory.from_config(settings)
        present = MigrationContext.configure(connection).get_current_revision()
        known = {step.revision for step in script.walk_revisions()}
        if present is not None and present not in known:
            raise StoreUnavailable(why=f"schema {present} is newer than this software")
        if present != script.get_current_head():
            command.upgrade(settings, "head")
        connection.commit()


def steps(connection: Connection) -> Config:
    """Return what Alembic needs to take steps inside a connection's transaction."""
    settings = Config()
    settings.set_main_option("script_location", str(STEPS).replace("%", "%%"))
    settings.set_main_option("path_separator", "os")
    settings.set_main_option("file_template", "r%%(rev)s_%%(slug)s")
    settings.attributes["connection"] = connection
    return settings
