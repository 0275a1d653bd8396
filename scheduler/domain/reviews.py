"""Review scores: merit by the panel, imported."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from scheduler.domain.amounts import MILLI, mean
from scheduler.domain.errors import InvalidValue

BEST: Final = 100 * MILLI
"""Thousandths of a point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewScore:
    """One reviewer's score of a request.

    Attributes:
        reviewer: empty when the panel speaks as one.
        score: thousandths of a point, 0 … 100 points.
        conflict: whether the reviewer has a conflict; the score is kept and does not count.
    """

    id: str
    request: str
    reviewer: str
    score: int
    conflict: bool
    imported_by: str
    imported_at: datetime

    def __post_init__(self) -> None:
        if not 0 <= self.score <= BEST:
            raise InvalidValue(field="/score", value=self.score / MILLI, rule="0 to 100")


def score_of(scores: Iterable[ReviewScore]) -> int | None:
    """Return the mean of the unconflicted scores, rounded half up, or nothing."""
    counted = [score.score for score in scores if not score.conflict]
    return mean(counted) if counted else None
