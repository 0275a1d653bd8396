"""Column types: instants as integers, values as JSON, words as text."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Generic, TypeVar

from sqlalchemy import JSON, BigInteger, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

T = TypeVar("T")
W = TypeVar("W", bound=StrEnum)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware instant as whole microseconds since 1970 UTC: exact and sortable everywhere."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Return the microseconds of an instant."""
        del dialect
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ANN401 - what the driver gives
        """Return the instant in UTC."""
        del dialect
        return None if value is None else _EPOCH + value * _MICROSECOND


class Plain(TypeDecorator[str]):
    """Text that every database takes: what none can hold is bound as U+FFFD, and so never found.

    Texts that are kept have been looked at before; but ids and filters come as strangers send them.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return the text without NUL and lone surrogates."""
        del dialect
        if value is None:
            return None
        return value.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd")


class Word(TypeDecorator[W], Generic[W]):
    """A member of a `StrEnum` as its text."""

    impl = Text
    cache_ok = True

    def __init__(self, words: type[W]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: W | None, dialect: Dialect) -> str | None:
        """Return the text of a word."""
        del dialect
        return None if value is None else str(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> W | None:  # noqa: ANN401 - what the driver gives
        """Return the word of a text."""
        del dialect
        return None if value is None else self.words(value)


class Encoded(TypeDecorator[T], Generic[T]):
    """A value as JSON, by two functions that undo each other."""

    impl = JSON
    cache_ok = True

    def __init__(self, encode: Callable[[T], Any], decode: Callable[[Any], T]) -> None:
        super().__init__()
        self.encode = encode
        self.decode = decode

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return JSON whose absent value is SQL's null, not JSON's."""
        return dialect.type_descriptor(JSON(none_as_null=True))

    def process_bind_param(self, value: T | None, dialect: Dialect) -> Any:  # noqa: ANN401 - JSON
        """Return the JSON of a value."""
        del dialect
        return None if value is None else self.encode(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> T | None:  # noqa: ANN401 - JSON
        """Return the value of JSON."""
        del dialect
        return None if value is None else self.decode(value)
