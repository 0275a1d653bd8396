"""The real solver behind a worker: a frozen round in, one scenario out, whoever is killed."""

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.trades import TRADES
from api.worker import End, Station, Worker
from scheduler.domain.access import EVERYTHING, Permit
from scheduler.domain.jobs import JobState
from scheduler.operations.evidence import evidence_of
from scheduler.operations.round_files import import_round
from scheduler.operations.solves import SolveOrder, get_solve, start_solve
from scheduler.ports.acts import Act
from scheduler.storage.ids import Uuid7Ids
from scheduler.storage.store import SqlStore, open_store
from solver.canonical import digest
from tests.rounds import a_request, a_round

IDS = Uuid7Ids(secrets.token_bytes)
ROOT = Path(__file__).parents[2]


def clock() -> datetime:
    """Return the instant."""
    return datetime.now(UTC)


def act(action: str) -> Act:
    """Return an operator's act."""
    return Act(permit=Permit(action=action, person="op"), now=clock(), ids=IDS)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Address of an embedded store."""
    return f"sqlite:///{tmp_path / 'dure.db'}"


@pytest.fixture
def embedded(url: str):
    """An empty embedded store."""
    with open_store(url) as store:
        yield store


def frozen(store: SqlStore, **changes: object) -> str:
    """Import a small round and return its id."""
    text = json.dumps(a_round(**changes)).encode()
    return store.write(lambda tx: import_round(tx, act("round.freeze"), text))[0].id


def order(store: SqlStore, round_id: str) -> str:
    """Order a solve under the policy that is the default and return its id."""
    asked = SolveOrder(policy="entitlement")
    return store.write(lambda tx: start_solve(tx, act("solve.start"), round_id, asked)).id


def worker(store: SqlStore) -> Worker:
    """Return a worker that solves."""
    station = Station(name="w1", clock=clock, ids=IDS, stop=threading.Event())
    return Worker(store, TRADES, station)


def test_same_round_is_answered_by_the_same_bytes(embedded: SqlStore):
    """Two solves of one round under one policy are two scenarios with one plan, signed alike."""
    round_id = frozen(embedded)
    solves = []
    for _ in range(2):
        solves.append(order(embedded, round_id))
        assert End.DONE is worker(embedded).work()
    with embedded.read() as tx:
        first, second = (
            tx.scenarios.get(EVERYTHING, str(tx.jobs.get(id_).result["scenario"])) for id_ in solves
        )
        plan = evidence_of(tx, first).plan
        told = tx.jobs.progress(solves[0])
    assert (first.plan, first.certificate, first.digest) == (
        second.plan,
        second.certificate,
        second.digest,
    )
    assert digest(plan) == first.plan
    assert ["r1", "r2"] == [award["request"] for award in plan["awards"]]
    assert {"stage", "objective", "bound", "gap"} == set(told[0].body)


def test_round_that_has_no_plan_fails_with_its_reason(embedded: SqlStore):
    """A guarantee that cannot be kept ends in a failed solve that names it, tried once."""
    impossible = a_request(guaranteed=True, gpu_hours=500, minimum_gpu_hours=400)
    id_ = order(embedded, frozen(embedded, requests=[impossible]))
    assert End.FAILED is worker(embedded).work()
    with embedded.read() as tx:
        failed = tx.jobs.get(id_)
    assert (JobState.FAILED, 1) == (failed.state, failed.attempt)
    assert ("no-plan", "infeasible") == (failed.failure["code"], failed.failure["status"])
    assert any("release the guarantee" in each for each in failed.failure["ways_out"])


def started(url: str) -> subprocess.Popen[bytes]:
    """Start `dure worker` as an operator would."""
    environment = {
        **os.environ,
        "DURE_STORE_URL": url,
        "DURE_SECRET_FILE": str(Path(url.removeprefix("sqlite:///")).with_name("secret")),
        "DURE_LEASE_SECONDS": "2",
        "DURE_HEARTBEAT_SECONDS": "0.5",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "api.cli", "worker"],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.DEVNULL,
    )


def wait_for_state(store: SqlStore, id_: str, state: JobState) -> None:
    """Wait until a solve is so far."""
    end = time.monotonic() + 120
    while True:
        with store.read() as tx:
            job = get_solve(tx, Permit(action="scenario.read", person="op"), id_)
        if job.state is state:
            return
        assert job.is_live, job.failure
        assert time.monotonic() < end
        time.sleep(0.05)


def test_killed_worker_ends_in_one_finished_solve(embedded: SqlStore, url: str):
    """SIGKILL of `dure worker` in mid-solve ends in one finished solve: not two, not none."""
    id_ = order(embedded, frozen(embedded))
    first = started(url)
    wait_for_state(embedded, id_, JobState.RUNNING)
    time.sleep(0.7)
    first.send_signal(signal.SIGKILL)
    first.wait()
    second = started(url)
    wait_for_state(embedded, id_, JobState.DONE)
    second.send_signal(signal.SIGTERM)
    assert 0 == second.wait()
    with embedded.read() as tx:
        (scenario,) = tx.scenarios.list(EVERYTHING).items
        assert (id_, 2) == (scenario.solve, tx.jobs.get(id_).attempt)
        assert tx.events.first_broken() is None
