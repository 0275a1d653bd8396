"""The one schema, and columns that come again and again."""

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    MetaData,
)

from scheduler.domain.asks import ask_document, read_ask
from scheduler.storage.codecs import (
    decode_place,
    decode_plain,
    decode_tuple,
    encode_place,
    encode_plain,
)
from scheduler.storage.types import Encoded, Plain

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""One schema; the engine's own tables join it."""

PLAIN = Encoded(encode_plain, decode_plain)
TUPLE = Encoded(encode_plain, decode_tuple)
ASK = Encoded(ask_document, read_ask)
PLACE = Encoded(encode_place, decode_place)


def id_column() -> Column[str]:
    """The primary key."""
    return Column("id", Plain, primary_key=True)


def text_column(name: str, *, key: str | None = None, index: bool = False) -> Column[str]:
    """A text that is always there."""
    return Column(name, Plain, nullable=False, key=key or name, index=index)


def maybe_column(name: str, *, key: str | None = None, index: bool = False) -> Column[str]:
    """A text that may be missing."""
    return Column(name, Plain, nullable=True, key=key or name, index=index)


def amount_column(name: str) -> Column[int]:
    """An integer amount."""
    return Column(name, BigInteger, nullable=False)


def version_column() -> Column[int]:
    """The version that changes are checked against."""
    return Column("version", Integer, nullable=False)
