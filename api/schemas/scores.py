"""Review scores as they are imported and shown."""

from typing import Final

from pydantic import ConfigDict, Field

from api.schemas.common import Receipt, Shown
from api.schemas.fields import Amount, Instant, Milli, Model

CSV_EXAMPLE: Final = "request,score,reviewer,conflict\nreq_01jd0000000000000000000000,87.5,r1,\n"


class ScoreIn(Model):
    """One score of a request; 0 to 100 with at most three places."""

    request: str = Field(min_length=1, max_length=64, description="Id or label of a request.")
    score: Amount
    reviewer: str = Field(default="", max_length=64)
    conflict: bool = False


class ScoresIn(Model):
    """Scores of the panel; all are taken or none."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"scores": [{"request": "req_01jd0000000000000000000000", "score": 87.5}]}]
        }
    )

    scores: list[ScoreIn] = Field(min_length=1, max_length=100_000)


class ScoresOut(Shown):
    """What a score import did."""

    call: str
    imported: int
    requests: int
    conflicted: int
    receipt: Receipt


class ScoreOut(Shown):
    """One reviewer's score; `reviewer` is null where the caller may not know the name."""

    id: str
    request: str
    reviewer: str | None
    score: Milli
    conflict: bool
    imported_at: Instant
