"""Statements as they are read."""

from api.schemas.common import Shown


class LineOut(Shown):
    """What was entered of an award on one GPU type within the month; negative for refunds."""

    award: str
    fellow: str
    group: str
    track: str | None
    gpu_type: str
    gpu_seconds: int
    su_per_gpu_hour: float
    won_per_service_unit: int
    won: int


class StatementOut(Shown):
    """What a payer owes for a month; `payer` is named as `institute:ID`."""

    payer: str
    month: str
    gpu_seconds: int
    won: int
    lines: list[LineOut]


class StatementsOut(Shown):
    """The statements of a month that the caller may read."""

    month: str
    gpu_seconds: int
    won: int
    items: list[StatementOut]
