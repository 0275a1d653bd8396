"""Steering a Kueue cluster over HTTP: a server with schemas, field managers and conflicts."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest

from api.kubernetes import Cluster, ClusterAway, ClusterRefusal
from api.steering import Outcome, Steering, steer
from scheduler.domain.awards import AwardState
from scheduler.domain.limits import AwardLimit
from scheduler.domain.pace import Pacing
from scheduler.export import kueue
from scheduler.export.queues import award_name
from tests.api_server import TOKEN, ApiServer
from tests.property.test_pace import BEGINS, HOUR, a_limit

AWARDS = [f"awd_01jd000000000000000000000{number}" for number in range(5)]
NAMES = [award_name(each) for each in AWARDS]


@pytest.fixture(scope="module")
def listening() -> Iterator[tuple[ApiServer, str]]:
    """A server on loopback."""
    server = ApiServer()
    with server.listening() as address:
        yield server, address


@pytest.fixture
def server(listening: tuple[ApiServer, str]) -> ApiServer:
    """The server, empty."""
    listening[0].kept.clear()
    listening[0].before_apply.clear()
    return listening[0]


@pytest.fixture
def cluster(listening: tuple[ApiServer, str]) -> Iterator[Cluster]:
    """A client of it."""
    with Cluster(listening[1], TOKEN) as client:
        yield client


def limits(**changes) -> list[AwardLimit]:
    """Return limits of five awards on one GPU type, the last on two."""
    made = [a_limit(award=each, group="vision", **changes) for each in AWARDS]
    return [*made, replace(made[-1], gpu_type="B200")]


def at(now: datetime, *, metered: datetime | None = BEGINS, **more) -> Steering:
    """Return how to steer at an instant."""
    return Steering(pacing=Pacing(), metered_at=metered, clock=lambda: now, **more)


def outcomes(cluster: Cluster, some: list[AwardLimit], steering: Steering) -> list[Outcome]:
    """Steer, and return what became of each award."""
    return [each.outcome for each in steer(cluster, some, steering)]


def test_the_second_run_changes_nothing(server: ApiServer, cluster: Cluster):
    """Queues are made at their pace; the same again sends nothing at all."""
    assert [Outcome.SET] * 5 == outcomes(cluster, limits(), at(BEGINS))
    assert {"gpu-h200": 12, "gpu-b200": 12} == kueue.quotas(server.queue(NAMES[4]))
    before, sent = copy.deepcopy(server.kept), server.applied
    assert [Outcome.UNCHANGED] * 5 == outcomes(cluster, limits(), at(BEGINS))
    assert (sent, before) == (server.applied, server.kept)


def test_a_rehearsal_changes_nothing(server: ApiServer, cluster: Cluster):
    """It says what would be set; no queue is made."""
    assert [Outcome.SET] * 5 == outcomes(cluster, limits(), at(BEGINS, rehearsal=True))
    assert {} == server.kept


def test_what_is_over_is_held(server: ApiServer, cluster: Cluster):
    """A used-up, returned or ended award is held if it has a queue; none is made for it."""
    assert [Outcome.ABSENT] * 5 == outcomes(cluster, limits(state=AwardState.RETURNED), at(BEGINS))
    outcomes(cluster, limits(), at(BEGINS))
    spent = limits(used_gpu_seconds=1000 * HOUR)
    assert [Outcome.SET] * 5 == outcomes(cluster, spent, at(BEGINS + timedelta(hours=1)))
    spec = server.queue(NAMES[0])["spec"]
    assert ("Hold", {"gpu-h200": 0}) == (spec["stopPolicy"], kueue.quotas({"spec": spec}))


def test_fields_of_others_stay(server: ApiServer, cluster: Cluster):
    """What an operator adds is kept; what an operator owns otherwise is refused, until forced."""
    outcomes(cluster, limits(), at(BEGINS))
    theirs = {
        "apiVersion": kueue.VERSION,
        "kind": "ClusterQueue",
        "metadata": {"name": NAMES[0], "labels": {"team": "ops"}},
        "spec": {"queueingStrategy": "StrictFIFO"},
    }
    assert 200 == server.apply(theirs, "kubectl").status_code
    later = at(BEGINS + timedelta(hours=30))
    assert [Outcome.SET] * 5 == outcomes(cluster, limits(), later)
    queue = server.queue(NAMES[0])
    assert ("StrictFIFO", "ops") == (
        queue["spec"]["queueingStrategy"],
        queue["metadata"]["labels"]["team"],
    )
    held = {**theirs, "spec": {"stopPolicy": "HoldAndDrain"}}
    assert 409 == server.apply(held, "kubectl").status_code
    assert 200 == server.apply(held, "kubectl", force=True).status_code
    first, *rest = steer(cluster, limits(), later)
    assert (Outcome.OWNED, {Outcome.UNCHANGED}) == (first.outcome, {each.outcome for each in rest})
    assert '.spec.stopPolicy (conflict with "kubectl")' in first.why
    assert "HoldAndDrain" == server.queue(NAMES[0])["spec"]["stopPolicy"]
    forced = at(BEGINS + timedelta(hours=30), force=True)
    assert Outcome.SET == outcomes(cluster, limits(), forced)[0]
    assert "None" == server.queue(NAMES[0])["spec"]["stopPolicy"]


def test_whoever_was_faster_is_read_again(server: ApiServer, cluster: Cluster):
    """A stale version is refused, the queue read again and set; without end, it says so."""
    outcomes(cluster, limits(), at(BEGINS))
    turns = iter(range(100))

    def touch() -> None:
        labels = {"turn": str(next(turns))}
        meta = {"name": NAMES[0], "labels": labels}
        touched = {"apiVersion": kueue.VERSION, "kind": "ClusterQueue", "metadata": meta}
        assert 200 == server.apply(touched, "someone").status_code

    def once() -> None:
        server.before_apply.clear()
        touch()

    server.before_apply.append(once)
    only = [each for each in limits() if each.award == AWARDS[0]]
    assert [Outcome.SET] == outcomes(cluster, only, at(BEGINS + timedelta(hours=30)))
    server.before_apply.append(touch)
    assert [Outcome.CONTENDED] == outcomes(cluster, only, at(BEGINS + timedelta(hours=60)))


def test_the_server_refuses(listening: tuple[ApiServer, str], cluster: Cluster, server: ApiServer):
    """A wrong token, a broken object and silence are told apart."""
    del server
    with Cluster(listening[1], "wrong") as stranger, pytest.raises(ClusterRefusal) as refused:
        outcomes(stranger, limits(), at(BEGINS))
    assert 401 == refused.value.status
    broken = {"apiVersion": kueue.VERSION, "kind": "ClusterQueue", "metadata": {"name": "x"}}
    broken["spec"] = {"cohort": "old"}
    with pytest.raises(ClusterRefusal, match="cohort") as refused:
        cluster.apply("clusterqueues", broken, resource_version=None)
    assert 422 == refused.value.status
    with Cluster("http://127.0.0.1:9", TOKEN) as away, pytest.raises(ClusterAway):
        outcomes(away, limits(), at(BEGINS))


@pytest.mark.parametrize("seed", range(3))
def test_two_days_of_steering(server: ApiServer, cluster: Cluster, seed: int):
    """Hour by hour, with late reports and random demand, used ≤ granted + one period's quota."""
    random = Random(seed)  # noqa: S311 - a demand curve, no secret
    days = 2
    mine = a_limit(
        award=AWARDS[0],
        group="vision",
        gang_gpus=4,
        granted_gpu_seconds=random.randint(40, 500) * HOUR,
        window=(BEGINS, BEGINS + timedelta(days=days)),
    )
    used: list[int] = []
    metered, largest = 0, 0
    for hour in range(days * 24):
        metered = max(metered, hour - random.choice((0, 1, 4)))
        now = BEGINS + timedelta(hours=hour)
        known = replace(mine, used_gpu_seconds=sum(used[:metered]))
        outcomes(cluster, [known], at(now, metered=BEGINS + timedelta(hours=metered)))
        queue = server.kept.get((kueue.VERSION, "clusterqueues", NAMES[0]))
        quota = 0 if queue is None else kueue.quotas(queue.made)["gpu-h200"]
        largest = max(largest, quota * HOUR)
        used.append(random.choice((0, quota, quota)) * HOUR)
    assert sum(used) <= mine.granted_gpu_seconds + largest
    assert sum(used) > mine.granted_gpu_seconds // 3
