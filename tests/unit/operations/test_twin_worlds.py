"""Non-interference: what one may not see changes nothing of what one reads."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import create_engine

from scheduler.domain.access import Scope
from scheduler.domain.errors import DureError
from scheduler.operations.awards import list_awards, list_reserve
from scheduler.operations.directory import get_person, list_people
from scheduler.operations.requests import (
    create_request,
    decide_eligibility,
    endorse_request,
    get_request,
    list_endorsements,
    list_requests,
    list_submissions,
    patch_request,
    request_history,
    submit_request,
    withdraw_request,
)
from scheduler.operations.rounds import list_rounds
from scheduler.operations.scenarios import list_scenarios
from scheduler.operations.scores import ScoreRow, import_scores, list_scores
from scheduler.operations.tokens import list_tokens
from scheduler.ports.acts import Act
from scheduler.ports.paging import RequestFilter, Slice
from scheduler.ports.store import Transaction
from scheduler.storage.store import SqlTransaction
from scheduler.storage.tables import metadata
from tests.unit.operations.center import (
    IDS,
    OPENS,
    a_submitted_request,
    act,
    an_ask,
    an_open_call,
    seen,
)

READERS = {
    "fellow": Scope(own="mina"),
    "lead": Scope(own="jun", groups=frozenset({"vision"})),
    "coordinator": Scope(institutes=frozenset({"kaist"})),
    "reviewer": Scope(reviewer="kim"),
    "public": Scope(published=True, own="mina"),
    "nobody": Scope(),
}
LATER = OPENS + timedelta(days=1)


def _another(tx: Transaction, by: Act, id_: str) -> object:
    call = tx.requests.find(id_).call
    return create_request(tx, by, call, an_ask(title="More"), "ara")


def _score(tx: Transaction, by: Act, id_: str) -> object:
    call = tx.requests.find(id_).call
    return import_scores(tx, by, call, [ScoreRow(request=id_, score=99, reviewer="lee")])


def _judge(tx: Transaction, by: Act, id_: str) -> object:
    return decide_eligibility(tx, by, id_, eligible=False, reason="Out of scope.")


HIDDEN: dict[str, Callable[[Transaction, Act, str], object]] = {
    "edit": lambda tx, by, id_: patch_request(tx, by, id_, {"gpu_hours": 77}),
    "resubmit": submit_request,
    "withdraw": withdraw_request,
    "another": _another,
    "judge": _judge,
    "endorse": endorse_request,
    "score": _score,
}


@contextmanager
def a_world(hidden: list[str]) -> Iterator[tuple[Transaction, list[str]]]:
    """A center with three requests, and then some acts around ara's that others may not see."""
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        metadata.create_all(connection)
        IDS.numbers = count(1)  # so that whatever both worlds make has the same ids
        tx = SqlTransaction(connection)
        call = an_open_call(tx)
        requests = [a_submitted_request(tx, call, name).id for name in ("mina", "jun", "ara")]
        row = ScoreRow(request=requests[0], score=70, reviewer="kim")
        import_scores(tx, act(), call.id, [row])
        for name in hidden:
            by = act("ara", LATER, scope=Scope(everything=True, own="ara"))
            try:
                HIDDEN[name](tx, by, requests[2])
            except DureError:
                continue  # an act that its state refuses is no difference
        yield tx, requests
    engine.dispose()


def reads(tx: Transaction, scope: Scope, requests: list[str]) -> list[Any]:
    """Everything a reader can ask, with refusals as what they say."""
    permit = seen(scope)
    questions: list[Callable[[], Any]] = [
        lambda: list_requests(tx, permit),
        lambda: list_requests(tx, permit, Slice(limit=1)),
        lambda: list_requests(tx, permit, where=RequestFilter(fellow="ara")),
        lambda: list_requests(tx, permit, where=RequestFilter(group="folding")),
        lambda: list_people(tx, permit),
        lambda: list_people(tx, permit, group="folding"),
        lambda: list_scores(tx, permit),
        lambda: list_awards(tx, permit),
        lambda: list_rounds(tx, permit),
        lambda: list_scenarios(tx, permit),
        lambda: list_tokens(tx, permit),
        lambda: list_reserve(tx, permit, "rnd"),
        lambda: get_person(tx, permit, "ara"),
    ]
    questions += [
        lambda read=read, id_=id_: read(tx, permit, id_)
        for id_ in requests
        for read in (get_request, list_submissions, list_endorsements, request_history)
    ]
    return [answer(question) for question in questions]


def answer(question: Callable[[], Any]) -> Any:
    """Return what a question is answered, or how it is refused."""
    try:
        return question()
    except DureError as refusal:
        return refusal.code, refusal.fields


@pytest.mark.parametrize("hidden", [[name] for name in HIDDEN] + [list(HIDDEN)])
def test_what_one_may_not_see_changes_nothing(hidden: list[str]) -> None:
    """Two centers that differ in ara's request answer everyone else alike, refusals included."""
    answers = []
    for acts in ([], hidden):
        with a_world(acts) as (tx, requests):
            answers.append({name: reads(tx, scope, requests) for name, scope in READERS.items()})
    assert answers[0] == answers[1]


def test_who_may_see_does_see_the_difference() -> None:
    """The comparison has teeth: ara's own reads differ between the two centers."""
    own = Scope(own="ara")
    with a_world([]) as (tx, requests):
        before = reads(tx, own, requests)
    with a_world(["edit"]) as (tx, requests):
        after = reads(tx, own, requests)
    assert before != after
