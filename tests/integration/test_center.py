"""A whole round through the repositories, on both stores."""

import pytest

from scheduler.document import parse_document
from scheduler.domain.access import Scope
from scheduler.domain.errors import CallClosed, NotFound, VersionMismatch
from scheduler.domain.requests import RequestState
from scheduler.operations.awards import accept_award, list_awards, list_reserve
from scheduler.operations.decisions import approve_round, publish_round, select_scenario
from scheduler.operations.directory import get_person, list_people
from scheduler.operations.evidence import Evidence, approved_documents, check_documents
from scheduler.operations.requests import (
    get_request,
    list_requests,
    patch_request,
    submit_request,
    withdraw_request,
)
from scheduler.operations.rounds import export_round
from scheduler.operations.scores import ScoreRow, import_scores, list_scores
from scheduler.operations.statistics import call_statistics
from scheduler.ports.paging import RequestFilter, Slice
from scheduler.round_file import read_round
from scheduler.storage.store import SqlStore
from tests.unit.operations.center import (
    ALL,
    CLOSES,
    OPENS,
    SECOND,
    a_frozen_round,
    a_scenario,
    a_submitted_request,
    act,
    an_open_call,
    as_fellow,
    publish,
    seen,
)


def test_a_round_runs_from_request_to_accepted_award(store: SqlStore) -> None:
    """Each step commits by itself; the next one reads what the last one kept."""
    call = store.write(an_open_call)
    mina, jun = (
        store.write(lambda tx, name=name: a_submitted_request(tx, call, name))
        for name in ("mina", "jun")
    )
    rows = [ScoreRow(request=mina.id, score="79.4"), ScoreRow(request=jun.id, score=60)]
    store.write(lambda tx: import_scores(tx, act("operator", CLOSES), call.id, rows))
    round_ = store.write(lambda tx: a_frozen_round(tx, call))
    with store.read() as tx:
        snapshot = read_round(parse_document(export_round(tx, ALL, round_.id).encode()))
        figures = call_statistics(tx, ALL, call.id)
    assert {mina.id: 79_400, jun.id: 60_000} == {one.id: one.score for one in snapshot.requests}
    assert figures.requested_gpu_hours == 2_400_000

    scenario = store.write(lambda tx: a_scenario(tx, round_, {mina.id: 800}, (jun.id,)))
    store.write(lambda tx: select_scenario(tx, act(), round_.id, scenario.id, "Fairest."))
    store.write(
        lambda tx: approve_round(tx, act("approver"), round_.id, scenario.digest, "Agreed.")
    )
    store.write(lambda tx: publish(tx, act(), round_.id, scenario.digest, verify=lambda _: ()))
    with store.read() as tx:
        (award,) = list_awards(tx, seen(Scope(own="mina"))).items
        assert [jun.id] == [one.request for one in list_reserve(tx, ALL, round_.id)]
        states = [get_request(tx, ALL, one.id).state for one in (mina, jun)]
        scores = list_scores(tx, seen(Scope(published=True, own="mina"))).items
    assert [RequestState.AWARDED, RequestState.RESERVE] == states
    assert [79_400] == [score.score for score in scores]
    accepted, event = store.write(lambda tx: accept_award(tx, as_fellow("mina"), award.id))
    assert (800_000, accepted.version) == (accepted.held, award.version + 1)
    with store.read() as tx:
        assert tx.events.of(award.id)[-1] == event
        assert tx.events.first_broken() is None


def test_others_write_while_a_publication_is_checked(store: SqlStore) -> None:
    """The checker runs outside of the writer: a fellow withdraws meanwhile and gets no offer."""
    call = store.write(an_open_call)
    mina, jun = (
        store.write(lambda tx, name=name: a_submitted_request(tx, call, name))
        for name in ("mina", "jun")
    )
    round_ = store.write(lambda tx: a_frozen_round(tx, call))
    scenario = store.write(lambda tx: a_scenario(tx, round_, {mina.id: 800, jun.id: 100}))
    store.write(lambda tx: select_scenario(tx, act(), round_.id, scenario.id, "Fairest."))
    store.write(
        lambda tx: approve_round(tx, act("approver"), round_.id, scenario.digest, "Agreed.")
    )

    def slowly(evidence: Evidence) -> list:
        """A checker during which somebody writes."""
        assert evidence.plan["awards"]
        store.write(lambda tx: withdraw_request(tx, as_fellow("mina", CLOSES), mina.id))
        return []

    with store.read() as tx:
        kept = approved_documents(tx, round_.id)
    assert kept is not None
    checked = check_documents(kept, verify=slowly, verifier="pass\n")
    store.write(lambda tx: publish_round(tx, act(), round_.id, scenario.digest, checked=checked))
    with store.read() as tx:
        assert [jun.id] == [award.request for award in list_awards(tx, ALL).items]


def test_a_refused_command_leaves_nothing_behind(store: SqlStore) -> None:
    """What is late or stale is refused, and the store is as before."""
    call = store.write(an_open_call)
    request = store.write(lambda tx: a_submitted_request(tx, call))
    store.write(lambda tx: patch_request(tx, as_fellow("mina"), request.id, {"gpu_hours": 900}))
    with pytest.raises(CallClosed):
        store.write(lambda tx: submit_request(tx, as_fellow("mina", CLOSES), request.id))
    stale = as_fellow("mina", OPENS + SECOND, if_version=request.version)
    with pytest.raises(VersionMismatch):
        store.write(lambda tx: patch_request(tx, stale, request.id, {"gpu_hours": 800}))
    with store.read() as tx:
        kept = get_request(tx, ALL, request.id)
        assert (900_000, 1) == (kept.draft.gpu_hours, kept.submitted)
        assert len(tx.requests.submissions(request.id)) == 1


def test_scopes_filter_alike(store: SqlStore) -> None:
    """Own, group, institute, reviewer and pseudonymous reach the same rows on both stores."""
    call = store.write(an_open_call)
    requests = {
        name: store.write(lambda tx, name=name: a_submitted_request(tx, call, name))
        for name in ("mina", "jun", "ara")
    }
    row = ScoreRow(request=requests["ara"].id, score=70, reviewer="kim")
    store.write(lambda tx: import_scores(tx, act(), call.id, [row]))
    scopes = {
        Scope(own="mina"): ["mina"],
        Scope(groups=frozenset({"vision"})): ["mina", "jun"],
        Scope(institutes=frozenset({"gist"})): ["ara"],
        Scope(own="jun", reviewer="kim"): ["jun", "ara"],
        Scope(pseudonymous=True): ["mina", "jun", "ara"],
        Scope(): [],
    }
    with store.read() as tx:
        for scope, names in scopes.items():
            found = list_requests(tx, seen(scope)).items
            assert names == [request.fellow for request in found]
        page = list_people(tx, ALL, Slice(limit=2))
        assert (2, page.items[-1].id) == (len(page.items), page.next)
        with pytest.raises(NotFound):
            get_person(tx, seen(Scope(own="jun")), "mina")


@pytest.mark.parametrize("id_", ["req_\x00", "\ud800", "가", "x" * 10_000, "%", "'"])
def test_strange_ids_are_just_unknown(store: SqlStore, id_: str) -> None:
    """Whatever text a stranger sends as id, filter or cursor: nothing is found, nothing breaks."""
    where = RequestFilter(call=id_, fellow=id_, group=id_)
    with store.read() as tx:
        with pytest.raises(NotFound):
            get_request(tx, ALL, id_)
        with pytest.raises(NotFound):
            get_person(tx, seen(Scope(own=id_)), id_)
        assert list_requests(tx, ALL, Slice(cursor=id_), where=where).items == ()
        assert list_people(tx, ALL, group=id_, institute=id_).items == ()
