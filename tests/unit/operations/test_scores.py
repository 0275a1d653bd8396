"""Scores: imported all or none, counted without conflicts."""

import pytest

from scheduler.domain.access import Scope
from scheduler.domain.errors import InvalidScores, InvalidTransition
from scheduler.domain.reviews import score_of
from scheduler.operations.scores import ScoreRow, import_scores, list_scores, read_scores
from scheduler.ports.store import Transaction
from tests.unit.operations.center import (
    ALL,
    a_frozen_round,
    a_submitted_request,
    act,
    an_open_call,
    seen,
)


def test_a_csv_is_read_with_and_without_its_optional_columns() -> None:
    """Request and score suffice; reviewer and conflict may be there."""
    assert read_scores("request,score\nr1,79.4\n") == (ScoreRow(request="r1", score="79.4"),)
    text = "\ufeffrequest,score,reviewer,conflict\r\nr1, 80 ,kim,yes\r\nr2,7,lee,\r\n"
    assert read_scores(text) == (
        ScoreRow(request="r1", score="80", reviewer="kim", conflict=True),
        ScoreRow(request="r2", score="7", reviewer="lee"),
    )
    assert read_scores("request,score,conflict\nr1,1,0\n")[0].conflict is False


@pytest.mark.parametrize(
    "text",
    [
        "",
        "score,request\n1,r1\n",
        "request,score,panel\nr1,1,a\n",
        "request,score\nr1\n",
        "request,score\nr1,1,2\n",
        "request,score,conflict\nr1,1,perhaps\n",
        'request,score\n"r1,1\n',
    ],
)
def test_a_csv_of_other_shape_is_refused(text: str) -> None:
    """Columns, row lengths, quotes and truth values are checked, naming the row."""
    with pytest.raises(InvalidScores) as refusal:
        read_scores(text)
    assert refusal.value.fields["findings"][0].code == "score-column"


def test_a_later_import_replaces_the_same_reviewers_score(tx: Transaction) -> None:
    """Each reviewer counts once; a conflicted score is kept and does not count."""
    call = an_open_call(tx)
    request = a_submitted_request(tx, call)
    rows = read_scores(
        f"request,score,reviewer,conflict\n{request.id},50,kim,\n{request.id},9,lee,1"
    )
    import_scores(tx, act(), call.id, rows)
    kept, event = import_scores(
        tx, act(), call.id, [ScoreRow(request=request.id, score=60.125, reviewer="kim")]
    )
    scores = tx.scores.of_request(request.id)
    assert [("kim", 60_125, False), ("lee", 9_000, True)] == [
        (score.reviewer, score.score, score.conflict) for score in scores
    ]
    assert (60_125, 1, 1) == (score_of(scores), len(kept), event.body["count"])


def test_one_bad_row_stops_all(tx: Transaction) -> None:
    """Unknown requests, impossible scores and doubles are all told; nothing is taken."""
    call = an_open_call(tx)
    request = a_submitted_request(tx, call)
    rows = [
        ScoreRow(request=request.id, score=70),
        ScoreRow(request="req_unknown", score=70),
        ScoreRow(request=request.id, score="100.0001", reviewer="a"),
        ScoreRow(request=request.id, score=100.5, reviewer="b"),
        ScoreRow(request=request.id, score="NaN", reviewer="c"),
        ScoreRow(request=request.id, score=71),
    ]
    with pytest.raises(InvalidScores) as refusal:
        import_scores(tx, act(), call.id, rows)
    assert [
        ("score-request-unknown", 2),
        ("score-invalid", 3),
        ("score-invalid", 4),
        ("score-invalid", 5),
        ("score-twice", 6),
    ] == [(found.code, found.facts["row"]) for found in refusal.value.fields["findings"]]
    assert not tx.scores.of_request(request.id)


def test_after_the_freeze_no_score_is_taken(tx: Transaction) -> None:
    """What the snapshot holds is what was scored."""
    call = an_open_call(tx)
    request = a_submitted_request(tx, call)
    a_frozen_round(tx, call)
    with pytest.raises(InvalidTransition):
        import_scores(tx, act(), call.id, [ScoreRow(request=request.id, score=70)])


def test_reviewers_see_their_own_and_fellows_nothing_before_publication(tx: Transaction) -> None:
    """A reviewer sees the scores they gave and the requests they score free of conflict."""
    call = an_open_call(tx)
    mina, jun = (a_submitted_request(tx, call, name) for name in ("mina", "jun"))
    rows = [
        ScoreRow(request=mina.id, score=70, reviewer="kim"),
        ScoreRow(request=jun.id, score=60, reviewer="kim", conflict=True),
        ScoreRow(request=mina.id, score=50, reviewer="lee"),
    ]
    import_scores(tx, act(), call.id, rows)
    kim = Scope(reviewer="kim")
    assert [70_000, 60_000] == [one.score for one in list_scores(tx, seen(kim)).items]
    assert [mina.id] == [one.id for one in tx.requests.list(kim).items]
    assert list_scores(tx, seen(Scope(published=True, own="mina"))).items == ()
    assert len(list_scores(tx, ALL, call=call.id, request=mina.id).items) == 2
