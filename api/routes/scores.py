"""Review scores: imported by CSV or JSON, all or none."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from api.body import Malformed, StrictRoute, parse
from api.door import Asking
from api.errors import MalformedBody
from api.pagination import STANDARD, Cursor, Limit
from api.permissions import declared
from api.raw_body import RawBody, documented, media_type
from api.receipts import receipt_of
from api.replies import Reply, reply
from api.schemas.common import Listing
from api.schemas.scores import CSV_EXAMPLE, ScoreOut, ScoresIn, ScoresOut
from scheduler.operations import scores
from scheduler.operations.scores import ScoreRow
from scheduler.ports.store import Transaction

JSON: Final = "application/json"
CSV: Final = "text/csv"
router = APIRouter(route_class=StrictRoute, prefix="/api/v1", tags=["scores"])


@router.post(
    "/calls/{call_id}/score-imports",
    **declared(
        "review.assign",
        ScoresOut,
        ok=201,
        flags="IW",
        documented=documented(
            (JSON, ScoresIn.model_json_schema()),
            (CSV, {"type": "string", "examples": [CSV_EXAMPLE]}),
        ),
    ),
)
def import_scores(
    caller: Asking, request: Request, call_id: Annotated[str, Path(max_length=64)], raw: RawBody
) -> Response:
    """Keep the panel's scores of a call, in place of the same reviewers' earlier ones."""
    rows = _rows(media_type(request, (JSON, CSV)), raw)

    def command(tx: Transaction) -> Reply:
        kept, event = scores.import_scores(tx, caller.acting, call_id, rows)
        shown = ScoresOut(
            call=call_id,
            imported=len(kept),
            requests=len({score.request for score in kept}),
            conflicted=sum(score.conflict for score in kept),
            receipt=receipt_of(event),
        )
        return reply(shown, 201, address=f"/api/v1/calls/{call_id}/scores")

    return caller.act(command)


@router.get(
    "/calls/{call_id}/scores", **declared("review.read_scores", Listing[ScoreOut], flags="L")
)
def list_scores(
    caller: Asking,
    call_id: Annotated[str, Path(max_length=64)],
    cursor: Cursor = None,
    limit: Limit = STANDARD,
    request_id: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """List visible scores; fellows see theirs once the round is published."""
    part = caller.slice(cursor, limit)
    named = caller.may("review.read_identity")
    return caller.show(
        lambda tx: caller.listing(
            scores.list_scores(tx, caller.permit, part, call=call_id, request=request_id),
            lambda score: ScoreOut.model_validate(score).model_copy(
                update={} if named else {"reviewer": None}
            ),
        )
    )


def _rows(kind: str, raw: bytes) -> tuple[ScoreRow, ...]:
    if kind == CSV:
        return scores.read_scores(_text(raw))
    value = parse(raw)
    if isinstance(value, Malformed):
        raise value.refusal()
    try:
        body = ScoresIn.model_validate(value)
    except ValidationError as refusal:
        rows = [{**row, "loc": ("body", *row["loc"])} for row in refusal.errors()]
        raise RequestValidationError(rows) from refusal
    return tuple(
        ScoreRow(request=row.request, score=row.score, reviewer=row.reviewer, conflict=row.conflict)
        for row in body.scores
    )


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedBody(why=f"not UTF-8 at byte {error.start}") from error
