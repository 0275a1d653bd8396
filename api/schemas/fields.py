"""Field types shared by all models: exact amounts, whole numbers, instants, clean text."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from scheduler.domain.amounts import LARGEST, MILLI, number
from scheduler.domain.names import LINE, PARAGRAPHS

MAX_AMOUNT = LARGEST // MILLI
"""Largest decimal amount."""


class Model(BaseModel):
    """What we read and write: strict, frozen, nothing unknown."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def exact(value: object) -> object:
    """Return a JSON number as it was written; a text or a boolean is not a number."""
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _whole(value: object) -> object:
    """Take 4.0 as 4, as JSON Schema does."""
    return int(value) if isinstance(value, Decimal) and _is_small_whole(value) else value


def _is_small_whole(value: Decimal) -> bool:
    return value.is_finite() and abs(value) <= LARGEST and value == value.to_integral_value()


def _instant(value: object) -> object:
    """Read an RFC 3339 instant with its offset."""
    if not isinstance(value, str):
        return value
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None:
        raise ValueError("an instant needs an offset, such as Z")
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("an instant lies in the years 1 to 9999") from error


def milli(amount: Decimal) -> int:
    """Return an amount as integer thousandths; the field has at most three decimals."""
    return int(amount * MILLI)


def milli_or_none(amount: Decimal | None) -> int | None:
    """Return an amount as integer thousandths, or nothing."""
    return None if amount is None else milli(amount)


def instant_text(value: datetime) -> str:
    """Return an instant as RFC 3339 in UTC with ``Z``."""
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _decimal_schema(*, least: float = 0, most: float = MAX_AMOUNT) -> WithJsonSchema:
    return WithJsonSchema({"type": "number", "minimum": least, "maximum": most})


Amount = Annotated[
    Decimal,
    BeforeValidator(exact),
    Field(ge=0, le=MAX_AMOUNT, decimal_places=3),
    _decimal_schema(),
]
"""A decimal with at most three places, never read through a binary float."""

PositiveAmount = Annotated[
    Decimal,
    BeforeValidator(exact),
    Field(gt=0, le=MAX_AMOUNT, decimal_places=3),
    _decimal_schema(least=0.001),
]
"""An amount above zero."""

Score = Annotated[
    Decimal,
    BeforeValidator(exact),
    Field(ge=0, le=100, decimal_places=3),
    _decimal_schema(most=100),
]
"""Merit by the panel, 0 to 100."""

Count = Annotated[int, BeforeValidator(_whole), Field(ge=0, le=10**9)]
"""A whole number."""

PositiveCount = Annotated[int, BeforeValidator(_whole), Field(ge=1, le=10**9)]
"""A whole number above zero."""

Milli = Annotated[
    int,
    PlainSerializer(number, return_type=float),
    WithJsonSchema({"type": "number"}, mode="serialization"),
]
"""Integer thousandths inside, a decimal with three places outside."""

Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    PlainSerializer(instant_text, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""An instant in RFC 3339."""

Slug = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""A name chosen by people: institute, group, person, pool, track, policy."""

Line = Annotated[str, Field(min_length=1, max_length=LINE)]
"""One line of text."""

Text = Annotated[str, Field(max_length=PARAGRAPHS)]
"""Text with line breaks."""

Said = Annotated[str, Field(min_length=1, max_length=PARAGRAPHS)]
"""Text that must say something, such as a reason."""
