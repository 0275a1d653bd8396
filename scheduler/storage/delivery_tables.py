"""The tables of what is told: deliveries, the notifications in them, contacts, watches."""

from sqlalchemy import Column, Index, Integer, Table

from scheduler.domain.deliveries import Channel, DeliveryState, MailWish
from scheduler.domain.messages import Language
from scheduler.storage.codecs import decode_plain, encode_plain
from scheduler.storage.tables import metadata
from scheduler.storage.types import Encoded, Instant, Plain, Word

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Plain, primary_key=True),
    Column("channel", Word(Channel), nullable=False),
    Column("to", Plain, nullable=False),
    Column("key", Plain, nullable=False, unique=True),
    Column("body", Encoded(encode_plain, decode_plain), nullable=False),
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
