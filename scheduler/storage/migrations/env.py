"""Run the steps on the connection that the store hands over, inside its transaction."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import JSON, TypeDecorator

from scheduler.storage.tables.engine import events
from scheduler.storage.types import Encoded


def render_item(kind: str, item: Any, autogen: Any) -> str | Literal[False]:  # noqa: ANN401 - alembic's own
    """Write our column types as what the database keeps, so that steps outlive our classes."""
    del autogen
    if kind != "type" or not isinstance(item, TypeDecorator):
        return False
    if isinstance(item, Encoded):
        return f"sa.{JSON.__name__}()"
    return f"sa.{type(item.impl_instance).__name__}()"


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=events.metadata,
    render_item=render_item,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
