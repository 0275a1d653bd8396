"""GPU-seconds as GPU-hours in text."""

from decimal import ROUND_FLOOR, Decimal
from typing import Final

from scheduler.domain.ledger import SECONDS_PER_HOUR

PLACES: Final = Decimal("0.001")


def hours(gpu_seconds: int) -> Decimal:
    """Return GPU-hours with at most three places, rounded down: never more than there is."""
    exact = Decimal(gpu_seconds) / SECONDS_PER_HOUR
    rounded = exact.quantize(PLACES, rounding=ROUND_FLOOR).normalize()
    return rounded if rounded % 1 else rounded.quantize(Decimal(1))


def hours_text(gpu_seconds: int) -> str:
    """Return GPU-hours as plain digits."""
    return f"{hours(gpu_seconds):f}"
