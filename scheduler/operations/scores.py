"""Review scores: imported as CSV or rows, all or none."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Final

from scheduler.domain.access import Permit
from scheduler.domain.amounts import Number, thousandths
from scheduler.domain.checks import Finding
from scheduler.domain.errors import InvalidScores, InvalidTransition, InvalidValue
from scheduler.domain.events import Event, Happening, Json
from scheduler.domain.names import line
from scheduler.domain.requests import Request
from scheduler.domain.reviews import BEST, ReviewScore
from scheduler.domain.rounds import RoundState
from scheduler.operations.calls import get_call
from scheduler.operations.record import record
from scheduler.ports.acts import Act
from scheduler.ports.paging import FIRST, Page, Slice
from scheduler.ports.store import Transaction

COLUMNS: Final = ("request", "score", "reviewer", "conflict")
TRUE: Final = frozenset({"1", "true", "yes", "y"})
FALSE: Final = frozenset({"", "0", "false", "no", "n"})
BEFORE_FREEZE: Final = frozenset({RoundState.DRAFT, RoundState.OPEN, RoundState.REVIEW})


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """One row of an import.

    Attributes:
        request: id or label of a request of the call.
        score: points, 0 … 100 with at most three places.
        reviewer: empty when the panel speaks as one.
    """

    request: str
    score: Number
    reviewer: str = ""
    conflict: bool = False


def read_scores(text: str) -> tuple[ScoreRow, ...]:
    """Return the rows of a CSV text with the columns `request,score[,reviewer][,conflict]`.

    Raises:
        InvalidScores: If the columns are others, or a conflict is no truth value.
    """
    reader = csv.DictReader(StringIO(text.removeprefix("\ufeff")), restkey="more", strict=True)
    try:
        columns = tuple(name.strip() for name in reader.fieldnames or ())
        rows = list(reader)
    except csv.Error as refusal:
        raise _refused([_finding("score-column", 1, str(refusal), ", ".join(COLUMNS))]) from refusal
    if columns not in {COLUMNS[:2], COLUMNS[:3], COLUMNS, (*COLUMNS[:2], COLUMNS[3])}:
        raise _refused([_finding("score-column", 1, ", ".join(columns), ", ".join(COLUMNS))])
    reader.fieldnames = columns
    found: list[Finding] = []
    scores = []
    for number, raw in enumerate(rows, 2):
        row = {str(key).strip(): value for key, value in raw.items()}
        conflict = str(row.get("conflict") or "").strip().lower()
        if "more" in row or None in row.values() or conflict not in TRUE | FALSE:
            found.append(_finding("score-column", number, conflict or "row", ", ".join(COLUMNS)))
            continue
        scores.append(
            ScoreRow(
                request=row["request"].strip(),
                score=row["score"].strip(),
                reviewer=row.get("reviewer", "").strip(),
                conflict=conflict in TRUE,
            )
        )
    if found:
        raise _refused(found)
    return tuple(scores)


def import_scores(
    tx: Transaction, act: Act, call: str, rows: Sequence[ScoreRow]
) -> tuple[tuple[ReviewScore, ...], Event]:
    """Keep the scores of a call's requests, in place of the same reviewers' earlier ones.

    Raises:
        InvalidScores: If any row is refused; then none is taken.
        InvalidTransition: If a round of the call is frozen already.
    """
    get_call(tx, act.permit, call)
    _refuse_frozen(tx, call)
    by_label = tx.requests.labelled(call)
    known = {**by_label, **{request.id: request for request in by_label.values()}}
    found = list(_broken(rows, known))
    if found:
        raise _refused(found)
    scores = tuple(
        ReviewScore(
            id=act.new("rev"),
            request=known[row.request].id,
            reviewer=row.reviewer,
            score=thousandths(row.score, field="/score"),
            conflict=row.conflict,
            imported_by=act.person,
            imported_at=act.now,
        )
        for row in rows
    )
    tx.scores.put(scores)
    body: dict[str, Json] = {
        "count": len(scores),
        "conflicts": sum(score.conflict for score in scores),
    }
    event = record(tx, act, Happening(kind="scores.imported", subject=call, body=body))
    return scores, event


def list_scores(
    tx: Transaction,
    permit: Permit,
    slice_: Slice = FIRST,
    *,
    call: str | None = None,
    request: str | None = None,
) -> Page[ReviewScore]:
    """List visible scores; fellows see theirs once the round is published."""
    return tx.scores.list(permit.scope, slice_, call=call, request=request)


def _broken(rows: Iterable[ScoreRow], known: Mapping[str, Request]) -> Iterator[Finding]:
    seen: set[tuple[str, str]] = set()
    for number, row in enumerate(rows, 1):
        request = known.get(row.request)
        if request is None:
            yield _finding("score-request-unknown", number, row.request, "a request of the call")
            continue
        try:
            points = thousandths(row.score, field="/score")
            line(row.reviewer, field="/reviewer")
        except InvalidValue:
            points = BEST + 1
        if points > BEST:
            yield _finding("score-invalid", number, str(row.score), "0 to 100")
        if (request.id, row.reviewer) in seen:
            yield _finding("score-twice", number, row.request, "once for each reviewer")
        seen.add((request.id, row.reviewer))


def _refuse_frozen(tx: Transaction, call: str) -> None:
    for round_ in tx.rounds.of_call(call):
        if round_.state not in BEFORE_FREEZE:
            raise InvalidTransition(
                kind="round",
                id=round_.id,
                state=round_.state,
                action="import scores",
                allowed=[str(step) for step in round_.allowed],
            )


def _finding(code: str, row: int, value: str, rule: str) -> Finding:
    return Finding(code=code, field=f"/{row}", value=value, rule=rule, facts={"row": row})


def _refused(found: Sequence[Finding]) -> InvalidScores:
    return InvalidScores(findings=tuple(found), count=len(found))
