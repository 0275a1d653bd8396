"""Letters: what a fellow is told of one outcome, as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction

HOUR = timedelta(hours=1)


class Outcome(StrEnum):
    """Which letter it is."""

    AWARD = "award"
    """GPU-hours are offered."""
    RESERVE = "reserve"
    """Next in line for hours that come back."""
    DECLINED = "declined"
    """Neither."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """An outcome with its figures and reasons.

    Attributes:
        fellow: name of the person.
        requested, recommended, awarded, service_units, score: thousandths.
        gpu_hours: whole GPU-hours by GPU type, as the award's cells are now.
        window: from when until when they lie, if the calendar has a first day.
        reasons: what decided, the most telling first; each by language.
        change: the nearest change that would have brought more, by language, if one is known.
        rank: on the reserve list.
        digest: of the published scenario.
    """

    outcome: Outcome
    request: str
    award: str | None
    fellow: str
    title: str
    call: str
    published_at: datetime
    answer_by: datetime
    appeal_until: datetime
    requested: int
    recommended: int
    awarded: int
    service_units: int
    score: int
    gpu_hours: Mapping[str, int]
    window: tuple[datetime, datetime] | None
    reasons: tuple[Mapping[str, str], ...]
    change: Mapping[str, str] | None
    rank: int | None
    digest: str

    @property
    def gpus_on_average(self) -> Fraction | None:
        """GPUs that would use the hours up evenly over the window."""
        if self.window is None or not self.gpu_hours:
            return None
        begins_at, ends_at = self.window
        hours = Fraction((ends_at - begins_at) // timedelta(seconds=1), 3600)
        return sum(self.gpu_hours.values()) / hours
