"""How awards are used, as it is read."""

from datetime import date

from pydantic import Field

from api.schemas.common import Shown
from api.schemas.fields import Instant
from scheduler.domain.burn import Basis


class ForecastOut(Shown):
    """What will be by the end, going by the award's present rate, the use curve, or both."""

    basis: Basis
    used: int
    unused: int
    exhausts_at: Instant | None


class ExpectedOut(Shown):
    """GPU-seconds held in all and used so far, those the plan has by now, and what will be."""

    held: int
    used: int
    due: int
    forecasts: list[ForecastOut]


class DayOut(Shown):
    """GPU-seconds used on a day (UTC)."""

    on: date
    gpu_seconds: int


class HoldingOut(ExpectedOut):
    """How an award's hours of one GPU type are used."""

    gpu_type: str
    begins_at: Instant
    ends_at: Instant
    per_day: int = Field(description="GPU-seconds a day, at the present rate.")
    days: list[DayOut]


class AwardUsageOut(Shown):
    """How an award is used."""

    award: str
    round: str
    at: Instant
    items: list[HoldingOut]


class HolderOut(ExpectedOut):
    """How one award of a round is used."""

    award: str
    fellow: str
    group: str | None
    gpu_type: str


class GroupUsageOut(ExpectedOut):
    """How the awards of a group are used together."""

    group: str | None


class RoundUsageOut(Shown):
    """How the visible awards of a round are used, and by group."""

    round: str
    at: Instant
    groups: list[GroupUsageOut]
    items: list[HolderOut]
