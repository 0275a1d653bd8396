"""JSON as text, with exact decimals as numbers; standard library only."""

import json
from decimal import Decimal


def encode(value: object, *, indent: int | None = None) -> str:
    """Return a value as JSON text; exact decimals become JSON numbers."""
    return json.dumps(value, ensure_ascii=False, indent=indent, default=_number)


def _number(value: object) -> float | int:
    """Return an exact decimal as a JSON number; up to three places nothing is lost."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"JSON cannot hold a value of type {type(value).__name__}.")
