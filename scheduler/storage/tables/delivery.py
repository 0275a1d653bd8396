"""The tables of what is told: deliveries, the notifications in them, contacts, watches."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, UniqueConstraint, text

from scheduler.domain.deliveries import Channel, DeliveryState, MailWish
from scheduler.domain.messages import Language
from scheduler.storage.tables.schema import (
    PLAIN,
    id_column,
    metadata,
    text_column,
    version_column,
)
from scheduler.storage.types import Instant, Plain, Word

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Plain, primary_key=True),
    Column("channel", Word(Channel), nullable=False),
    Column("to", Plain, nullable=False),
    Column("key", Plain, nullable=False, unique=True),
    Column("body", PLAIN, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("state", Word(DeliveryState), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("problem", Plain, nullable=False),
    Column("version", Integer, nullable=False),
    Index("ix_deliveries_state_due_at", "state", "due_at"),
)

told = Table(
    "delivered_notifications",
    metadata,
    Column("notification_id", Plain, primary_key=True, key="notification"),
    Column("delivery_id", Plain, nullable=False, key="delivery", index=True),
)

contacts = Table(
    "contacts",
    metadata,
    Column("person_id", Plain, primary_key=True, key="id"),
    Column("mail", Word(MailWish), nullable=False),
    Column("language", Word(Language)),
    Column("version", Integer, nullable=False),
)

watches = Table(
    "watches",
    metadata,
    Column("name", Plain, primary_key=True),
    Column("state", Plain, nullable=False),
)

_UNREAD = text("read_at IS NULL")
notifications = Table(
    "notifications",
    metadata,
    id_column(),
    text_column("person"),
    Column("at", Instant, nullable=False),
    text_column("kind"),
    text_column("subject"),
    Column("event", BigInteger, nullable=False),
    Column("read_at", Instant),
    version_column(),
    UniqueConstraint("person", "event"),
    Index("ix_notifications_unread_at", "at", sqlite_where=_UNREAD, postgresql_where=_UNREAD),
)
