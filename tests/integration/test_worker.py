"""A worker runs each job in a child, and whoever dies, the job is done exactly once."""

import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.process import Result
from api.trades import trades
from api.worker import End, Station, Terms, Trade, Worker
from scheduler.domain.access import Permit
from scheduler.domain.errors import LeaseLost, StoreBusy
from scheduler.domain.events import Happening
from scheduler.domain.jobs import Job, JobState
from scheduler.operations import jobs
from scheduler.operations.offers import open_offers
from scheduler.ports.acts import Act
from scheduler.ports.store import Transaction
from scheduler.storage.ids import Uuid7Ids
from scheduler.storage.store import SqlStore
from tests.unit.operations.center import ALL
from tests.unit.operations.test_reallocations import a_full_round

IDS = Uuid7Ids(secrets.token_bytes)
CHILD = (sys.executable, "-m", "tests.integration.solver_child")
QUICK = Terms(lease_seconds=3.0, heartbeat_seconds=0.3, poll_seconds=0.05)
ROOT = Path(__file__).parents[2]


def clock() -> datetime:
    """Return the instant."""
    return datetime.now(UTC)


def act() -> Act:
    """Return an operator's act."""
    return Act(permit=Permit(person="op", action="solve.start"), now=clock(), ids=IDS)


def queue(store: SqlStore, **task: object) -> Job:
    """Queue a task of the play-acting child."""
    work = jobs.Work(
        prefix="slv", kind="play", subject="rnd_1", identity=secrets.token_hex(4), payload=task
    )
    return store.write(lambda tx: jobs.enqueue(tx, act(), work))


def prepare(_tx: Transaction, job: Job) -> Mapping[str, object]:
    """Hand the payload to the child."""
    return job.payload


def conclude(
    tx: Transaction, hand: jobs.Hand, job: Job, made: Mapping[str, object]
) -> Mapping[str, object]:
    """Keep what the child made as an event, so that a second time would show."""
    told = Happening(kind="play.kept", subject=job.id, body=dict(made))
    tx.events.append(told, actor=hand.worker, at=hand.now, id_=hand.ids.new("evt", hand.now))
    return {"answer": made["answer"]}


TRADE = Trade(command=CHILD, prepare=prepare, conclude=conclude)


def worker(  # noqa: PLR0913 - a builder
    store: SqlStore,
    stop: threading.Event | None = None,
    *,
    terms: Terms = QUICK,
    name: str = "w1",
    at: datetime | None = None,
    trade: Trade = TRADE,
) -> Worker:
    """Return a worker that knows the play; its clock may stand still."""
    station = Station(
        name=name, clock=lambda: at or clock(), ids=IDS, stop=stop or threading.Event()
    )
    return Worker(store, {"play": trade}, station, terms)


def state(store: SqlStore, id_: str) -> Job:
    """Return the job as it is now."""
    with store.read() as tx:
        return tx.jobs.get(id_)


def kept(store: SqlStore) -> int:
    """Return how many results were kept."""
    with store.read() as tx:
        return len(tx.events.list(kind="play.kept", limit=500))


def wait_for(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "It did not happen in time."
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Say whether a process runs."""
    try:
        return "Z" != Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False


def pid_in(mark: Path) -> int:
    """Wait for a child to say its process id."""
    wait_for(lambda: mark.exists() and mark.read_text() != "")
    return int(mark.read_text())


def test_idle_worker_finds_nothing(store: SqlStore):
    """Without a job a worker has nothing to do."""
    assert worker(store).work() is None


def test_job_is_done_with_its_progress(store: SqlStore):
    """The child's result and its lines of progress are kept."""
    job = queue(store, question=21, lines=3)
    assert End.DONE is worker(store).work()
    done = state(store, job.id)
    assert (JobState.DONE, {"answer": 42}, 1) == (done.state, done.result, kept(store))
    with store.read() as tx:
        lines = tx.jobs.progress(job.id)
    assert [(1, 0), (2, 1), (3, 2)] == [(line.seq, line.body["objective"]) for line in lines]


def test_refusal_fails_the_job_at_once(store: SqlStore):
    """A refusal of the center is kept with its code and fields, and not tried again."""
    job = queue(store, act="refuse")
    assert End.FAILED is worker(store).work()
    failed = state(store, job.id)
    assert JobState.FAILED is failed.state
    assert {"code": "invalid-round-file", "rule": "no pools"} == failed.failure


def test_crash_is_tried_again_and_then_given_up(store: SqlStore):
    """A child that crashes is tried three times; the last words are kept."""
    job = queue(store, act="crash")
    assert [End.RELEASED] * 3 == [worker(store).work() for _ in range(3)]
    assert worker(store).work() is None
    failed = state(store, job.id)
    assert JobState.FAILED is failed.state
    assert "SIGABRT" == failed.failure["signal"]
    assert "the very last words" in failed.failure["said"]


def test_memory_of_a_child_is_limited(store: SqlStore):
    """A child that wants more memory than it may have fails with that reason."""
    job = queue(store, act="memory")
    terms = Terms(heartbeat_seconds=0.3, memory_mib=4096)
    assert End.FAILED is worker(store, terms=terms).work()
    assert {"code": "out-of-memory", "memory_mib": 4096} == state(store, job.id).failure


def test_noise_does_not_disturb(store: SqlStore):
    """What libraries print to standard output never reaches the protocol."""
    queue(store, act="noise", question=1)
    assert End.DONE is worker(store).work()


def test_child_that_runs_too_long_is_killed(store: SqlStore, tmp_path: Path):
    """A child that hangs is killed at its time and the job fails with that reason."""
    job = queue(store, act="sleep", mark=str(tmp_path / "pid"))
    terms = Terms(heartbeat_seconds=0.1, wall_seconds=0.5)
    assert End.FAILED is worker(store, terms=terms).work()
    assert "solver-overran" == state(store, job.id).failure["code"]
    if (tmp_path / "pid").exists():
        assert not alive(pid_in(tmp_path / "pid"))


def test_cancellation_kills_the_child(store: SqlStore, tmp_path: Path):
    """A cancelled job's child is dead within a heartbeat or two, and the worker goes on."""
    job = queue(store, act="sleep", mark=str(tmp_path / "pid"))
    stop = threading.Event()
    thread = threading.Thread(target=worker(store, stop).run)
    thread.start()
    pid = pid_in(tmp_path / "pid")
    store.write(lambda tx: jobs.cancel(tx, act(), job.id, "wrong seed"))
    wait_for(lambda: not alive(pid))
    following = queue(store, question=1)
    wait_for(lambda: state(store, following.id).state is JobState.DONE)
    stop.set()
    thread.join()
    assert JobState.CANCELLED is state(store, job.id).state


def test_stopped_worker_hands_its_job_back(store: SqlStore, tmp_path: Path):
    """A worker that is asked to stop kills its child and gives the job back untried."""
    job = queue(store, act="sleep", mark=str(tmp_path / "pid"))
    stop = threading.Event()
    thread = threading.Thread(target=worker(store, stop).run)
    thread.start()
    pid = pid_in(tmp_path / "pid")
    stop.set()
    thread.join()
    assert not alive(pid)
    back = state(store, job.id)
    assert (JobState.QUEUED, 0) == (back.state, back.attempt)


KILLED = """
import sys, threading
from tests.integration.test_worker import worker
from scheduler.storage.store import open_store
worker(open_store(sys.argv[1]), threading.Event()).run()
"""


def test_killed_worker_leaves_no_child_and_no_second_result(
    store: SqlStore, store_url: str, tmp_path: Path
):
    """After SIGKILL of a worker its child is gone and another worker does the job, once."""
    mark = tmp_path / "pid"
    job = queue(store, act="sleep", mark=str(mark), question=4)
    first = subprocess.Popen([sys.executable, "-c", KILLED, store_url], cwd=ROOT)
    child = pid_in(mark)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    wait_for(lambda: not alive(child))
    assert JobState.RUNNING is state(store, job.id).state
    wait_for(lambda: clock() > state(store, job.id).lease_until)
    awake = replace(TRADE, prepare=lambda _tx, job: {**job.payload, "act": None})
    assert End.DONE is worker(store, name="w2", trade=awake).work()
    done = state(store, job.id)
    assert (JobState.DONE, 2, 2, 1) == (done.state, done.fence, done.attempt, kept(store))


def test_slow_worker_is_not_believed(store: SqlStore):
    """A worker that slept longer than its lease cannot finish what another has done."""
    queue(store, question=3)
    slow = worker(store, name="slow")
    claimed = store.write(lambda tx: jobs.claim(tx, slow._hand(), ["play"]))
    quick = worker(store, name="quick", at=clock() + timedelta(minutes=1))
    assert End.DONE is quick.work()
    with pytest.raises(LeaseLost):
        slow._conclude(TRADE, claimed, Result({"answer": 6}))
    assert 1 == kept(store)


def test_busy_store_does_not_lose_a_result(store: SqlStore):
    """A worker whose store is away when it has a result asks again until it is kept."""
    job = queue(store, question=3)

    class Shaky(SqlStore):
        """Fails each second write."""

        def __init__(self) -> None:
            self.writes = 0

        def write(self, command):
            self.writes += 1
            if self.writes > 1 and self.writes % 2 == 0:
                raise StoreBusy(why="a test")
            return store.write(command)

        def read(self):
            return store.read()

    assert End.DONE is worker(Shaky()).work()
    assert (JobState.DONE, 1) == (state(store, job.id).state, kept(store))


def test_mistake_of_ours_does_not_stop_the_worker(
    store: SqlStore, capfd: pytest.CaptureFixture[str]
):
    """A job whose result cannot be kept is given up; the jobs behind it are done."""

    def clumsy(tx, hand, job, made):
        if job.payload["question"] == 1:
            raise KeyError("no such thing")
        return conclude(tx, hand, job, made)

    bad = queue(store, question=1)
    good = queue(store, question=2)
    doing = worker(store, trade=replace(TRADE, conclude=clumsy))
    assert [End.RELEASED] * 3 + [End.DONE] == [doing.work() for _ in range(4)]
    assert "KeyError: 'no such thing'" == state(store, bad.id).failure["said"]
    assert (JobState.DONE, 1) == (state(store, good.id).state, kept(store))
    assert "no such thing" in capfd.readouterr().err


def test_program_that_does_not_start_fails_its_job(store: SqlStore):
    """A child that cannot be started is a breakdown like any other."""
    job = queue(store)
    absent = replace(TRADE, command=("/nonexistent/solver",))
    assert End.RELEASED is worker(store, trade=absent).work()
    assert JobState.QUEUED is state(store, job.id).state


def test_late_offers_lapse_by_the_clock_and_the_round_goes_on(store: SqlStore):
    """At the last instant nothing happens; then one look lapses, and the next job reallocates."""
    round_, _ = store.write(lambda tx: a_full_round(tx, "First", answer_days=20))
    (*_, last) = store.write(lambda tx: open_offers(tx, ALL, round_.call))
    times = [last.answer_by]
    station = Station(name="w1", clock=lambda: times[0], ids=IDS, stop=threading.Event())
    caretaker = Worker(store, trades(), station, replace(QUICK, upkeep=timedelta(minutes=1)))
    caretaker.look_after()
    assert caretaker.work() is None
    times[0] += timedelta(seconds=1)
    caretaker.look_after()
    assert caretaker.work() is None, "the last look was a second ago"
    times[0] += timedelta(minutes=1)
    caretaker.look_after()
    with store.read() as tx:
        assert () == open_offers(tx, ALL, round_.call)
        (due,) = tx.jobs.list(subject=round_.call).items
    assert ("reallocate", "award.lapsed") == (due.kind, due.payload["cause"])
    assert End.DONE is caretaker.work()
    with store.read() as tx:
        made = tx.rounds.of_call(round_.call)[-1]
        (solve,) = tx.jobs.list(subject=made.id).items
    assert (round_.id, "frozen", "worker:w1") == (made.continues, made.state, made.created_by)
    assert ("solve", JobState.QUEUED, "reallocation") == (
        solve.kind,
        solve.state,
        solve.payload["policy"],
    )
