"""Exact amounts: integer thousandths inside, decimals with three places at the border."""

from decimal import Decimal, InvalidOperation

from scheduler.domain.errors import InvalidValue

MILLI = 1000
"""Thousandths of a GPU-hour, a speed, a weight, a score."""
LARGEST = 10**15
"""Thousandths; above it a JSON number could no longer be read back exactly."""

Number = int | float | Decimal | str


def thousandths(value: Number, *, field: str) -> int:
    """Return a decimal as integer thousandths.

    Args:
        value: what a person, a file or JSON states; a binary float is read as its shortest text.
        field: JSON pointer named in the refusal.

    Raises:
        InvalidValue: If the value is no number, is negative, is too large, or has more than
            three decimal places.
    """
    if isinstance(value, bool):
        raise InvalidValue(field=field, value=value, rule="number")
    try:
        exact = Decimal(repr(value) if isinstance(value, float) else value)
    except (InvalidOperation, ValueError):
        raise InvalidValue(field=field, value=value, rule="number") from None
    if not exact.is_finite() or not 0 <= exact * MILLI <= LARGEST:
        raise InvalidValue(field=field, value=str(value), rule="range")
    scaled = exact * MILLI
    if scaled != scaled.to_integral_value():
        raise InvalidValue(field=field, value=str(value), rule="three-decimals")
    return int(scaled)


def number(amount: int) -> int | float:
    """Return thousandths as the JSON number that reads back to the same thousandths."""
    whole, rest = divmod(amount, MILLI)
    return amount / MILLI if rest else whole


def mean(amounts: list[int]) -> int:
    """Return the mean, rounded half up.

    Args:
        amounts: at least one non-negative integer.
    """
    return (2 * sum(amounts) + len(amounts)) // (2 * len(amounts))
